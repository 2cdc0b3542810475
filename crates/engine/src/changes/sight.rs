//! What the worker sees of a change's target: from the watch once that knows our write, until then by asking the API server.
//!
//! Invariant: what is not seen is said to be unreachable, and never guessed.

use crate::Engine;
use crate::clusters::state::Known;
use crate::clusters::{Cluster, in_words, objects};
use crate::error::Error;
use crate::store::Journal;
use domain::Time;
use domain::changes::plan::{bounds, generation};
use domain::changes::step::{Present, Seen, Written};
use domain::changes::{CHANGE_ANNOTATION, Change, Target};
use domain::clusters::happenings::refused;
use domain::clusters::{Pod, Reach, Refused, Rollout, WorkloadKey, WorkloadKind, failing_pod, rollout};
use serde_json::Value;

impl Engine {
    pub(super) async fn see(&self, change: &Change, journal: &Journal) -> Seen {
        let target = &change.plan.target;
        let cluster = match self.cluster(&target.cluster) {
            Ok(cluster) => cluster,
            Err(error) => return Seen::Unreachable(error.to_string()),
        };
        let Some(key) = target.workload() else {
            return self.see_job(cluster, change, &journal.written).await.unwrap_or_else(unreachable);
        };
        if let Written::Applied { generation, .. } = journal.written
            && target.autoscaler.is_none()
            && let Some(mut present) = watched(cluster, change, &key, generation)
        {
            present.refused = journal.applied_at.and_then(|at| refused_pods(cluster, &key, at));
            return Seen::There(Box::new(present));
        }
        if let Some(name) = &target.autoscaler {
            return scaled(cluster, target, &key, name).await.unwrap_or_else(unreachable);
        }
        match cluster.get(key.kind, &key.namespace, &key.name).await {
            Ok(Some(object)) => {
                let Some(mut present) = present(&object, key.kind, change) else {
                    return Seen::Unreachable("the object does not read".into());
                };
                if let Some((pod, uid)) = change.plan.patch.deletes() {
                    match is_gone(cluster, &target.namespace, pod, uid).await {
                        // Whose deletion it was does not matter: it is what was wanted.
                        Ok(gone) => present.change = gone.then(|| change.id.clone()),
                        Err(error) => return unreachable(error),
                    }
                }
                Seen::There(Box::new(present))
            }
            Ok(None) => Seen::Gone,
            Err(error) => unreachable(error),
        }
    }
}

fn unreachable(error: Error) -> Seen {
    match error {
        Error::Cluster { source, .. } => Seen::Unreachable(in_words(&source)),
        error => Seen::Unreachable(error.to_string()),
    }
}

/// Whether the pod of this uid is gone or going; one that came under its name is another one.
async fn is_gone(cluster: &Cluster, namespace: &str, pod: &str, uid: &str) -> crate::error::Result<bool> {
    let Some(object) = cluster.pod(namespace, pod).await? else { return Ok(true) };
    let text = |pointer| object.pointer(pointer).and_then(Value::as_str);
    Ok(text("/metadata/uid") != Some(uid) || text("/metadata/deletionTimestamp").is_some())
}

/// The autoscaler as it is, and how far what it scales has come: it is within the bounds, and all are ready.
async fn scaled(cluster: &Cluster, target: &Target, key: &WorkloadKey, autoscaler: &str) -> crate::error::Result<Seen> {
    let Some(object) = cluster.autoscaler(&target.namespace, autoscaler).await? else { return Ok(Seen::Gone) };
    let Some(workload) = cluster.get(key.kind, &key.namespace, &key.name).await? else { return Ok(Seen::Gone) };
    let Some(workload) = objects::workload_of(key.kind, &workload) else {
        return Ok(Seen::Unreachable("the object does not read".into()));
    };
    let (bounds, desired) = (bounds(&object), workload.desired);
    // An autoscaler leaves alone what somebody has scaled to nothing.
    let within = desired == 0 || (bounds.min..=bounds.max).contains(&desired);
    let text = |pointer: &str| object.pointer(pointer).and_then(Value::as_str).unwrap_or_default().to_owned();
    Ok(Seen::There(Box::new(Present {
        uid: text("/metadata/uid"),
        resource_version: text("/metadata/resourceVersion"),
        generation: generation(&object),
        spec_hash: target.hash_of(&object),
        annotated: annotated(&object),
        change: object.pointer("/metadata/annotations").and_then(|all| all[CHANGE_ANNOTATION].as_str()).map(str::to_owned),
        rollout: match within {
            true => rollout(&workload),
            false => Rollout::Waiting(format!("the autoscaler has {desired} replicas to bring within {bounds}")),
        },
        failing: None,
        progressed: None,
        replica_failure: workload.replica_failure,
        held_up: None,
        refused: None,
    })))
}

/// From the watch, once it has seen our write; until then the API server is asked.
fn watched(cluster: &Cluster, change: &Change, key: &WorkloadKey, generation: i64) -> Option<Present> {
    let target = &change.plan.target;
    let state = cluster.state();
    if state.reach(&key.namespace, key.kind) != Reach::Live {
        return None;
    }
    let known = state.observed(key)?;
    let workload = known.workload;
    // Anything else than our very generation is looked at whole, with its spec.
    if workload.generation != generation || workload.uid != target.uid {
        return None;
    }
    let seen = workload.observed_generation >= generation;
    Some(Present {
        uid: workload.uid.clone(),
        resource_version: String::new(),
        generation: workload.generation,
        spec_hash: String::new(),
        // Nobody writes any more.
        annotated: true,
        change: workload.change.clone(),
        rollout: rollout(workload),
        failing: if seen { failing_pod(our_pods(&known, &change.id)) } else { None },
        progressed: known.as_observed().new_pods().filter_map(|pod| pod.ready_at.max(Some(pod.created))).max(),
        replica_failure: if seen { workload.replica_failure.clone() } else { None },
        held_up: known.as_observed().blocker(),
        refused: None,
    })
}

/// Events have whole seconds.
fn refused_pods(cluster: &Cluster, key: &WorkloadKey, since: Time) -> Option<Refused> {
    let about = format!("{}/{}", key.kind.as_str(), key.name);
    let said = cluster.happenings.of(&key.namespace, |object| object == about);
    refused(&about, since.whole_seconds(), &said.items)
}

/// Pods of the revision that our write made or took up again. The Deployment controller copies the change's mark to its ReplicaSet;
/// its number may be told a moment later, and until then it would name the old one. The other controllers leave the marks of an old
/// ControllerRevision as they are, but name the present one as soon as they have seen the spec.
fn our_pods<'a>(known: &'a Known<'a>, change: &'a str) -> impl Iterator<Item = &'a Pod> {
    let revision = match known.workload.key.kind {
        WorkloadKind::Deployment => known.revisions.iter().find(|revision| revision.change.as_deref() == Some(change)),
        WorkloadKind::StatefulSet | WorkloadKind::DaemonSet => known.as_observed().revision(),
    };
    known.pods.iter().copied().filter(move |pod| revision.is_some_and(|revision| revision.has(pod)))
}

fn annotated(object: &Value) -> bool {
    object.pointer("/metadata/annotations").is_some_and(Value::is_object)
}

fn present(object: &Value, kind: WorkloadKind, change: &Change) -> Option<Present> {
    let workload = objects::workload_of(kind, object)?;
    Some(Present {
        uid: workload.uid.clone(),
        resource_version: object.pointer("/metadata/resourceVersion").and_then(Value::as_str).unwrap_or_default().to_owned(),
        generation: workload.generation,
        spec_hash: change.plan.target.hash_of(object),
        annotated: annotated(object),
        change: workload.change.clone(),
        rollout: rollout(&workload),
        failing: None,
        progressed: None,
        replica_failure: workload.replica_failure,
        held_up: None,
        refused: None,
    })
}
