//! DaemonSets: one pod on every node.
//!
//! Source: pkg/controller/daemon, without node selectors, taints and surge.

use super::deployment::share;
use super::{MANAGER, history, pods};
use crate::edit::{self, Terms};
use crate::object;
use crate::resource;
use crate::state::{Key, State, Urgency, Wake};
use serde_json::{Value, json};
use std::sync::Arc;

const COMPONENT: &str = "daemonset-controller";
const REVISION: &str = "controller-revision-hash";

pub(crate) fn sync(state: &mut State, key: &Key) -> Option<Wake> {
    let set = state.get(key)?;
    if object::is_deleting(&set) {
        return None;
    }
    let revision = history::present(state, &set);
    let hash = object::label(&revision, REVISION).to_owned();
    let nodes: Vec<String> = state.scan(resource::NODES, None, None).map(|(key, _)| key.name.clone()).collect();
    for node in &nodes {
        if !own_pods(state, &set).iter().any(|pod| object::text(pod, "/spec/nodeName") == node) {
            let pod = node_pod(&set, &hash, node, state.revision());
            pods::create(state, &set, COMPONENT, pod);
        }
    }
    replace_old(state, &set, &hash, nodes.len());
    let pods = own_pods(state, &set);
    let mut updated = (*set).clone();
    updated["status"] = status(&set, &pods, &hash, nodes.len(), state.now);
    edit::commit(state, key, &set, updated, &Terms::by(MANAGER, "status"));
    history::trim(state, &set, &[object::name(&revision)]);
    let min_ready = object::number(&set, "/spec/minReadySeconds");
    pods::next_available(&pods, min_ready, state.now).map(|at| Wake { at, urgency: Urgency::Progress })
}

fn own_pods(state: &State, set: &Value) -> Vec<Arc<Value>> {
    state.owned_by(object::uid(set), resource::PODS)
}

/// Deletes pods of older templates: broken ones at once, others as far as `maxUnavailable` allows.
fn replace_old(state: &mut State, set: &Value, hash: &str, nodes: usize) {
    if object::text(set, "/spec/updateStrategy/type") != "RollingUpdate" {
        return;
    }
    let allowed = share(&set["spec"]["updateStrategy"]["rollingUpdate"]["maxUnavailable"], nodes as i64, true).max(1);
    let min_ready = object::number(set, "/spec/minReadySeconds");
    let is_up = |pod: &Value, now| !object::is_deleting(pod) && pods::is_available(pod, min_ready, now);
    let pods = own_pods(state, set);
    let up = pods.iter().filter(|pod| is_up(pod, state.now)).count();
    let mut spare = allowed - (nodes as i64 - up as i64);
    let old = pods.iter().filter(|pod| object::label(pod, REVISION) != hash && !object::is_deleting(pod));
    for pod in old {
        let costs = i64::from(is_up(pod, state.now));
        if costs <= spare.max(0) {
            spare -= costs;
            pods::delete(state, set, COMPONENT, pod);
        }
    }
}

/// The pod of a DaemonSet for one node; `seed` makes its name differ from earlier ones.
pub(crate) fn node_pod(set: &Value, hash: &str, node: &str, seed: u64) -> Value {
    let suffix = object::short_suffix(&format!("{}/{node}/{seed}", object::name(set)));
    let mut pod = pods::from_template(&set["spec"]["template"], set, &format!("{}-{suffix}", object::name(set)));
    object::set(&mut pod, &["metadata", "generateName"], json!(format!("{}-", object::name(set))));
    object::set(&mut pod, &["metadata", "labels", REVISION], json!(hash));
    object::set(&mut pod, &["spec", "nodeName"], json!(node));
    pod
}

pub(crate) fn status(set: &Value, pods: &[Arc<Value>], hash: &str, nodes: usize, now: jiff::Timestamp) -> Value {
    let living: Vec<_> = pods.iter().filter(|pod| !object::is_deleting(pod)).collect();
    let count = |holds: &dyn Fn(&Value) -> bool| living.iter().filter(|pod| holds(pod)).count();
    let min_ready = object::number(set, "/spec/minReadySeconds");
    let available = count(&|pod| pods::is_available(pod, min_ready, now));
    let mut status = json!({
        "observedGeneration": set["metadata"]["generation"], "desiredNumberScheduled": nodes,
        "currentNumberScheduled": living.len(), "numberMisscheduled": 0, "numberReady": count(&pods::is_ready),
    });
    for (field, count) in [
        ("updatedNumberScheduled", count(&|pod| object::label(pod, REVISION) == hash)),
        ("numberAvailable", available),
        ("numberUnavailable", nodes.saturating_sub(available)),
    ] {
        if count > 0 {
            status[field] = json!(count);
        }
    }
    status
}
