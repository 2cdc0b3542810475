//! The ReplicaSets of a Deployment: which one is new, their revisions, and how many are kept.
//!
//! Invariant: the new ReplicaSet has the highest revision, and the Deployment carries the same number.

use super::replicas::{max_surge, of_new, wanted};
use super::{COMPONENT, Rollout, status};
use crate::controllers::{MANAGER, conditions::Condition, events};
use crate::edit::{self, Terms};
use crate::object;
use crate::resource;
use crate::state::{Key, State};
use serde_json::{Value, json};
use std::sync::Arc;

pub(crate) const REVISION: &str = "deployment.kubernetes.io/revision";
pub(crate) const REVISION_HISTORY: &str = "deployment.kubernetes.io/revision-history";
pub(crate) const DESIRED_REPLICAS: &str = "deployment.kubernetes.io/desired-replicas";
pub(crate) const MAX_REPLICAS: &str = "deployment.kubernetes.io/max-replicas";
const HASH: &str = "pod-template-hash";

/// Annotations of a Deployment that are its own and not copied to its ReplicaSets.
const OWN: [&str; 6] = [
    "kubectl.kubernetes.io/last-applied-configuration",
    "deprecated.deployment.rollback.to",
    REVISION,
    REVISION_HISTORY,
    DESIRED_REPLICAS,
    MAX_REPLICAS,
];

/// Reads the ReplicaSets into the rollout, brings the revisions up to date, and makes the new one if asked to.
pub(crate) fn find_sets(state: &mut State, rollout: &mut Rollout, create: bool) {
    let sets = state.owned_by(object::uid(&rollout.deployment), resource::REPLICASETS);
    let new = super::by_creation(&sets).into_iter().find(|set| is_of(&rollout.deployment, set));
    let new_name = new.as_deref().map(object::name).unwrap_or_default().to_owned();
    rollout.old = sets.into_iter().filter(|set| object::name(set) != new_name).collect();
    let revision = rollout.old.iter().map(|set| number(set)).max().unwrap_or_default() + 1;
    rollout.new = match new {
        Some(set) => Some(adopt(state, rollout, &set, revision)),
        None if create => create_set(state, rollout, revision),
        None => None,
    };
}

/// The revision of a ReplicaSet, 0 if it has none.
pub(crate) fn number(set: &Value) -> i64 {
    object::annotation(set, REVISION).parse().unwrap_or_default()
}

/// Whether the ReplicaSet has the template that the Deployment asks for; the hash label does not count.
fn is_of(deployment: &Value, set: &Value) -> bool {
    let mut template = set["spec"]["template"].clone();
    object::remove(&mut template, &["metadata", "labels", HASH]);
    strip(&template) == strip(&deployment["spec"]["template"])
}

/// A template without the empty parts that mean nothing.
fn strip(template: &Value) -> Value {
    let mut template = template.clone();
    object::remove(&mut template, &["metadata", "creationTimestamp"]);
    object::remove(&mut template, &["metadata", "labels", HASH]);
    for field in ["labels", "annotations"] {
        if template["metadata"][field].as_object().is_some_and(|map| map.is_empty()) {
            object::remove(&mut template, &["metadata", field]);
        }
    }
    template
}

/// The template is that of a known ReplicaSet: it becomes the newest revision again.
fn adopt(state: &mut State, rollout: &mut Rollout, set: &Arc<Value>, revision: i64) -> Arc<Value> {
    let mut updated = (**set).clone();
    annotate(&rollout.deployment, &mut updated, revision);
    let min_ready = rollout.deployment["spec"]["minReadySeconds"].clone();
    match min_ready {
        Value::Null => object::remove(&mut updated, &["spec", "minReadySeconds"]),
        seconds => updated["spec"]["minReadySeconds"] = seconds,
    }
    if updated != **set {
        let key = Key::of(resource::REPLICASETS, set);
        return edit::commit(state, &key, set, updated, &Terms::by(MANAGER, ""));
    }
    let mut conditions = status::conditions(&rollout.deployment);
    if status::has_deadline(&rollout.deployment) && super::status::progressing(&conditions).is_none() {
        let message = format!("Found new replica set \"{}\"", object::name(set));
        let reason = "FoundNewReplicaSet";
        let found = Condition { kind: "Progressing", status: "True", reason, message: &message };
        crate::controllers::conditions::set_progress(&mut conditions, &found, state.now);
    }
    write_revision(state, rollout, number(set), conditions);
    set.clone()
}

/// Copies what a Deployment's ReplicaSet has to carry, and raises its revision.
fn annotate(deployment: &Value, set: &mut Value, revision: i64) {
    let annotations = deployment.pointer("/metadata/annotations").and_then(Value::as_object);
    for (key, value) in annotations.into_iter().flatten().filter(|(key, _)| !OWN.contains(&key.as_str())) {
        object::set(set, &["metadata", "annotations", key], value.clone());
    }
    let before = object::annotation(set, REVISION).to_owned();
    if before.parse().unwrap_or(0) >= revision {
        return;
    }
    if !before.is_empty() {
        let history = match object::annotation(set, REVISION_HISTORY) {
            "" => before,
            history => format!("{history},{before}"),
        };
        object::set_annotation(set, REVISION_HISTORY, &history);
    }
    object::set_annotation(set, REVISION, &revision.to_string());
}

/// The ReplicaSet for a Deployment's present template: no pods yet, not stored.
pub(crate) fn new_replica_set(deployment: &Value, revision: i64) -> Value {
    let template_text = deployment["spec"]["template"].to_string();
    let hash = object::safe_hash(object::hash(template_text.as_bytes()));
    let mut template = deployment["spec"]["template"].clone();
    object::set(&mut template, &["metadata", "labels", HASH], json!(hash));
    let mut selector = deployment["spec"]["selector"].clone();
    object::set(&mut selector, &["matchLabels", HASH], json!(hash));
    let mut set = json!({
        "apiVersion": "apps/v1", "kind": "ReplicaSet",
        "metadata": {
            "name": format!("{}-{hash}", object::name(deployment)),
            "namespace": object::namespace(deployment),
            "labels": template["metadata"]["labels"],
            "ownerReferences": [object::controller_reference(deployment)],
        },
        "spec": { "replicas": 0, "selector": selector, "template": template },
    });
    if !deployment["spec"]["minReadySeconds"].is_null() {
        set["spec"]["minReadySeconds"] = deployment["spec"]["minReadySeconds"].clone();
    }
    annotate(deployment, &mut set, revision);
    annotate_size(deployment, &mut set);
    set
}

/// Notes on a ReplicaSet how large its Deployment is, for proportional scaling.
pub(crate) fn annotate_size(deployment: &Value, set: &mut Value) {
    let desired = wanted(deployment);
    object::set_annotation(set, DESIRED_REPLICAS, &desired.to_string());
    object::set_annotation(set, MAX_REPLICAS, &(desired + max_surge(deployment)).to_string());
}

fn create_set(state: &mut State, rollout: &mut Rollout, revision: i64) -> Option<Arc<Value>> {
    let mut set = new_replica_set(&rollout.deployment, revision);
    let goal = of_new(&rollout.deployment, &rollout.old, &set);
    set["spec"]["replicas"] = json!(goal);
    let namespace = rollout.key.namespace.clone();
    let set = edit::create(state, resource::REPLICASETS, &namespace, set, &Terms::by(MANAGER, "")).ok()?;
    let mut conditions = status::conditions(&rollout.deployment);
    if status::has_deadline(&rollout.deployment) {
        let message = format!("Created new replica set \"{}\"", object::name(&set));
        let created = Condition { kind: "Progressing", status: "True", reason: "NewReplicaSetCreated", message: &message };
        crate::controllers::conditions::set_progress(&mut conditions, &created, state.now);
    }
    if goal > 0 {
        let message = format!("Scaled up replica set {} from 0 to {goal}", object::name(&set));
        events::record(state, &rollout.deployment, COMPONENT, events::NORMAL, "ScalingReplicaSet", &message);
    }
    write_revision(state, rollout, revision, conditions);
    Some(set)
}

/// The revision is written together with the status, so it does not count as a change of the Deployment.
fn write_revision(state: &mut State, rollout: &mut Rollout, revision: i64, conditions: Vec<Value>) {
    let mut updated = rollout.deployment.clone();
    object::set_annotation(&mut updated, REVISION, &revision.to_string());
    status::put_conditions(&mut updated, conditions);
    rollout.deployment = status::store(state, &rollout.key, updated);
}

/// Deletes the oldest ReplicaSets without pods beyond the history limit.
pub(crate) fn clean_up(state: &mut State, rollout: &Rollout) {
    let Some(limit) = rollout.deployment["spec"]["revisionHistoryLimit"].as_i64() else { return };
    let mut old: Vec<_> = rollout.old.iter().filter(|set| !object::is_deleting(set)).collect();
    let surplus = old.len().saturating_sub(usize::try_from(limit).unwrap_or_default());
    old.sort_by_key(|set| number(set));
    let is_idle = |set: &Value| {
        let observed = object::number(set, "/status/observedGeneration") >= object::number(set, "/metadata/generation");
        wanted(set) == 0 && object::number(set, "/status/replicas") == 0 && observed
    };
    for set in old.into_iter().take(surplus).filter(|set| is_idle(set)) {
        // It was there a moment ago under the same lock.
        let _ = edit::delete(state, &Key::of(resource::REPLICASETS, set), &Value::Null, false);
    }
}
