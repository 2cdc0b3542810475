//! Placing workloads in their final state, with a past: for seeds, where no time may pass.
//!
//! Invariant: what is placed is what the controllers would have made; running them afterwards changes nothing.

use crate::controllers::deployment::{self, REVISION, REVISION_HISTORY};
use crate::controllers::{EVENTS_LAST, MANAGER, daemonset, events, history, kubelet, later, pods, replicaset, statefulset};
use crate::edit;
use crate::nodes;
use crate::object;
use crate::resource::{self, Resource};
use crate::state::{Key, State};
use jiff::{SignedDuration, Timestamp};
use serde_json::{Value, json};
use std::sync::Arc;

/// How long a placed pod took from being created to being ready.
const START: SignedDuration = SignedDuration::from_secs(9);

/// The field manager of what was placed and belongs to no controller.
const SEEDER: &str = "kubectl";

/// One template that a workload has had, since when, and what was written to its change-cause.
pub(crate) struct Release {
    pub template: Value,
    pub at: Timestamp,
    pub cause: String,
}

/// Gives an object what the server would have given it at that time.
fn born(state: &State, resource: Resource, mut object: Value, at: Timestamp) -> Value {
    object::set(&mut object, &["metadata", "uid"], json!(uuid::Uuid::now_v7().to_string()));
    object::set(&mut object, &["metadata", "creationTimestamp"], object::stamp(at.min(state.now)));
    if resource.has_generation() {
        object::set(&mut object, &["metadata", "generation"], json!(1));
    }
    let manager = if object::controller(&object).is_some() { MANAGER } else { SEEDER };
    let entry = json!({
        "manager": manager, "operation": "Update", "apiVersion": object["apiVersion"], "time": object::stamp(at),
        "fieldsType": "FieldsV1", "fieldsV1": {},
    });
    object::set(&mut object, &["metadata", "managedFields"], json!([entry]));
    edit::fill_defaults(resource, &mut object);
    object
}

/// Places any object as created at that time; its status, if it has one, is kept.
pub(crate) fn thing(state: &mut State, object: Value, at: Timestamp) -> Arc<Value> {
    let resource = Resource::of(object::text(&object, "/apiVersion"), object::text(&object, "/kind"));
    let Some(resource) = resource else { return Arc::new(object) };
    let object = born(state, resource, object, at);
    state.place(&Key::of(resource, &object), object)
}

/// Places a Deployment that has had these releases, oldest first; the last one runs since its time.
///
/// A template that returns is a rollback: its ReplicaSet gets a new revision, as in reality.
pub(crate) fn deployment(state: &mut State, mut object: Value, releases: &[Release]) {
    let (Some(first), Some(last)) = (releases.first(), releases.last()) else { return };
    object["spec"]["template"] = first.template.clone();
    let mut object = born(state, resource::DEPLOYMENTS, object, first.at);
    let mut sets: Vec<Value> = Vec::new();
    for (number, release) in (1..).zip(releases) {
        object["spec"]["template"] = release.template.clone();
        edit::fill_defaults(resource::DEPLOYMENTS, &mut object);
        if !release.cause.is_empty() {
            object::set_annotation(&mut object, "kubernetes.io/change-cause", &release.cause);
        }
        put_revision(state, &mut sets, &object, number, release.at);
    }
    let revision = releases.len();
    object["metadata"]["generation"] = json!(revision);
    object::set_annotation(&mut object, REVISION, &revision.to_string());
    let placed: Vec<Arc<Value>> = sets.into_iter().map(|set| replica_set(state, &object, set, last.at)).collect();
    let new = placed.iter().find(|set| object::annotation(set, REVISION) == revision.to_string());
    object["status"] = json!({ "conditions": [progress(&object, new, last.at)] });
    object["status"] = deployment::calculate(&object, &placed, new.map(Arc::as_ref), later(last.at, START));
    let object = state.place(&Key::of(resource::DEPLOYMENTS, &object), object);
    if let Some(new) = new.filter(|_| later(last.at, EVENTS_LAST) > state.now) {
        tell(state, &object, new, last.at);
    }
}

/// The event of the last scaling, dated back; it fades like any other.
fn tell(state: &mut State, deployment: &Value, new: &Value, at: Timestamp) {
    let now = std::mem::replace(&mut state.now, at);
    let message = format!("Scaled up replica set {} from 0 to {}", object::name(new), deployment::wanted(new));
    events::record(state, deployment, deployment::COMPONENT, events::NORMAL, "ScalingReplicaSet", &message);
    state.now = now;
}

/// Adds the ReplicaSet of one release, or renews the one that has this template.
fn put_revision(state: &State, sets: &mut Vec<Value>, deployment: &Value, number: i64, at: Timestamp) {
    let new = deployment::new_replica_set(deployment, number);
    let Some(known) = sets.iter_mut().find(|set| object::name(set) == object::name(&new)) else {
        sets.push(born(state, resource::REPLICASETS, new, at));
        return;
    };
    let before = object::annotation(known, REVISION).to_owned();
    known["metadata"]["annotations"] = new["metadata"]["annotations"].clone();
    object::set_annotation(known, REVISION_HISTORY, &before);
}

/// The newest ReplicaSet gets its pods; the others have none any more.
fn replica_set(state: &mut State, deployment: &Value, mut set: Value, since: Timestamp) -> Arc<Value> {
    let is_new = object::annotation(&set, REVISION) == object::annotation(deployment, REVISION);
    let count = if is_new { deployment::wanted(deployment) } else { 0 };
    set["spec"]["replicas"] = json!(count);
    // One generation for being scaled up, one for being scaled down.
    set["metadata"]["generation"] = json!(if is_new { 2 } else { 3 });
    let name = object::name(&set).to_owned();
    let pods: Vec<Arc<Value>> = (0..count)
        .map(|index| {
            let pod_name = format!("{name}-{}", object::short_suffix(&format!("{name}/{index}")));
            let mut made = pods::from_template(&set["spec"]["template"], &set, &pod_name);
            object::set(&mut made, &["metadata", "generateName"], json!(format!("{name}-")));
            pod(state, made, object::namespace(&set), since)
        })
        .collect();
    set["status"] = replicaset::status(&set, &pods, 0, state.now);
    state.place(&Key::of(resource::REPLICASETS, &set), set)
}

fn progress(deployment: &Value, new: Option<&Arc<Value>>, at: Timestamp) -> Value {
    let (status, reason, message) = if object::flag(deployment, "/spec/paused") {
        ("Unknown", "DeploymentPaused", "Deployment is paused".to_owned())
    } else {
        let name = new.map(|set| object::name(set)).unwrap_or_default();
        ("True", "NewReplicaSetAvailable", format!("ReplicaSet \"{name}\" has successfully progressed."))
    };
    json!({
        "type": "Progressing", "status": status, "reason": reason, "message": message,
        "lastUpdateTime": object::stamp(later(at, START)), "lastTransitionTime": object::stamp(at),
    })
}

/// Places a pod that no controller made; it runs and is ready.
pub(crate) fn bare_pod(state: &mut State, object: Value, since: Timestamp) -> Arc<Value> {
    let namespace = object::namespace(&object).to_owned();
    pod(state, object, &namespace, since)
}

/// Places a pod that was created at `since` and is running and ready.
fn pod(state: &mut State, mut pod: Value, namespace: &str, since: Timestamp) -> Arc<Value> {
    object::set(&mut pod, &["metadata", "namespace"], json!(namespace));
    let mut pod = born(state, resource::PODS, pod, since);
    let bound = object::text(&pod, "/spec/nodeName").to_owned();
    let node = if bound.is_empty() { nodes::pick(state, object::name(&pod)) } else { nodes::named(state, &bound) };
    let (node, host) = node.unwrap_or_default();
    object::set(&mut pod, &["spec", "nodeName"], json!(node));
    for (label, value) in nodes::topology(state, &node) {
        object::set(&mut pod, &["metadata", "labels", &label], value);
    }
    pod["status"] = kubelet::steady(&pod, &host, later(since, START).min(state.now));
    state.place(&Key::of(resource::PODS, &pod), pod)
}

/// Places a StatefulSet that has had these releases, oldest first; the last one runs since its time.
pub(crate) fn stateful_set(state: &mut State, object: Value, releases: &[Release]) {
    let Some((mut object, revision, since)) = revised(state, resource::STATEFULSETS, object, releases) else { return };
    let count = deployment::wanted(&object);
    for ordinal in 0..count {
        let made = statefulset::numbered_pod(&object, &revision, ordinal);
        pod(state, made, object::namespace(&object), later(since, START * i32::try_from(ordinal).unwrap_or_default()));
    }
    let name = object::name(&revision);
    object["status"] = statefulset::status(&object, &[count; 5], [name, name]);
    state.place(&Key::of(resource::STATEFULSETS, &object), object);
}

/// Places a DaemonSet with a pod on every node.
pub(crate) fn daemon_set(state: &mut State, object: Value, releases: &[Release]) {
    let Some((mut object, revision, since)) = revised(state, resource::DAEMONSETS, object, releases) else { return };
    let hash = object::label(&revision, "controller-revision-hash").to_owned();
    let nodes: Vec<String> = state.scan(resource::NODES, None, None).map(|(key, _)| key.name.clone()).collect();
    let mut pods = Vec::new();
    for node in &nodes {
        let made = daemonset::node_pod(&object, &hash, node, 0);
        pods.push(pod(state, made, object::namespace(&object), since));
    }
    object["status"] = daemonset::status(&object, &pods, &hash, nodes.len(), state.now);
    state.place(&Key::of(resource::DAEMONSETS, &object), object);
}

/// The object with its present template, the revision of it, and since when it runs.
fn revised(state: &mut State, resource: Resource, mut object: Value, releases: &[Release]) -> Option<(Value, Arc<Value>, Timestamp)> {
    let (first, last) = (releases.first()?, releases.last()?);
    object["spec"]["template"] = first.template.clone();
    let mut object = born(state, resource, object, first.at);
    let mut revision = None;
    for (number, release) in (1..).zip(releases) {
        object["spec"]["template"] = release.template.clone();
        edit::fill_defaults(resource, &mut object);
        let made = born(state, resource::CONTROLLERREVISIONS, history::revision(&object, number), release.at);
        revision = Some(state.place(&Key::of(resource::CONTROLLERREVISIONS, &made), made));
    }
    object["metadata"]["generation"] = json!(releases.len());
    if !last.cause.is_empty() {
        object::set_annotation(&mut object, "kubernetes.io/change-cause", &last.cause);
    }
    Some((object, revision?, last.at))
}
