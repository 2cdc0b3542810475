//! ReplicaSets: as many pods of one template as asked for.
//!
//! Source: pkg/controller/replicaset/replica_set.go and the order of deletion in pkg/controller/controller_utils.go.

use super::{MANAGER, pods};
use crate::edit::{self, Terms};
use crate::object;
use crate::resource;
use crate::state::{Key, State, Urgency, Wake};
use serde_json::{Value, json};
use std::cmp::Reverse;
use std::sync::Arc;

const COMPONENT: &str = "replicaset-controller";

pub(crate) fn sync(state: &mut State, key: &Key) -> Option<Wake> {
    let set = state.get(key)?;
    if !object::is_deleting(&set) {
        let active = active_pods(state, &set);
        let missing = object::number(&set, "/spec/replicas") - active.len() as i64;
        if missing > 0 {
            (0..missing).for_each(|_| create_pod(state, &set));
        } else {
            delete_pods(state, &set, active, missing.unsigned_abs() as usize);
        }
    }
    let active = active_pods(state, &set);
    let mut updated = (*set).clone();
    updated["status"] = status(&set, &active, pods::ending(&state.owned_by(object::uid(&set), resource::PODS)), state.now);
    edit::commit(state, key, &set, updated, &Terms::by(MANAGER, "status"));
    let min_ready = object::number(&set, "/spec/minReadySeconds");
    pods::next_available(&active, min_ready, state.now).map(|at| Wake { at, urgency: Urgency::Progress })
}

fn active_pods(state: &State, set: &Value) -> Vec<Arc<Value>> {
    let owned = state.owned_by(object::uid(set), resource::PODS);
    owned.into_iter().filter(|pod| pods::is_active(pod)).collect()
}

fn create_pod(state: &mut State, set: &Value) {
    let suffix = object::short_suffix(&format!("{}/{}", object::name(set), state.revision()));
    let name = format!("{}-{suffix}", object::name(set));
    let mut pod = pods::from_template(&set["spec"]["template"], set, &name);
    object::set(&mut pod, &["metadata", "generateName"], json!(format!("{}-", object::name(set))));
    pods::create(state, set, COMPONENT, pod);
}

/// Deletes the pods that are missed least: not yet placed, not running, not ready, ready for the shortest time.
fn delete_pods(state: &mut State, set: &Value, mut active: Vec<Arc<Value>>, count: usize) {
    active.sort_by_cached_key(|pod| {
        let phase = match object::text(pod, "/status/phase") {
            "Pending" => 0,
            "Running" => 2,
            _ => 1,
        };
        let restarts: i64 = object::list(pod, "/status/containerStatuses").iter().map(|it| object::number(it, "/restartCount")).sum();
        (
            !object::text(pod, "/spec/nodeName").is_empty(),
            phase,
            pods::is_ready(pod),
            Reverse(pods::ready_since(pod)),
            Reverse(restarts),
            Reverse(object::text(pod, "/metadata/creationTimestamp").to_owned()),
            object::name(pod).to_owned(),
        )
    });
    for pod in active.iter().take(count) {
        pods::delete(state, set, COMPONENT, pod);
    }
}

/// The status of a ReplicaSet with these active pods and so many that are on their way out.
pub(crate) fn status(set: &Value, active: &[Arc<Value>], ending: usize, now: jiff::Timestamp) -> Value {
    let min_ready = object::number(set, "/spec/minReadySeconds");
    let count = |holds: &dyn Fn(&Value) -> bool| active.iter().filter(|pod| holds(pod)).count();
    let mut status = json!({
        "replicas": active.len(), "terminatingReplicas": ending, "observedGeneration": set["metadata"]["generation"],
    });
    for (field, count) in [
        ("fullyLabeledReplicas", active.len()),
        ("readyReplicas", count(&pods::is_ready)),
        ("availableReplicas", count(&|pod| pods::is_available(pod, min_ready, now))),
    ] {
        if count > 0 {
            status[field] = json!(count);
        }
    }
    status
}
