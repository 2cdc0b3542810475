//! The kubelets and the scheduler: a pod's way from created to ready, or to wherever its image leads it.
//!
//! Invariant: a pod's way depends on its name, namespace and images only; two runs of it take the same time.

mod container;
mod render;

pub(crate) use render::steady;

use super::{events, later};
use crate::edit::{self, Terms};
use crate::nodes;
use crate::object;
use crate::state::{Key, State, Urgency, Wake};
use container::Container;
use jiff::{SignedDuration, Timestamp};
use serde_json::{Value, json};
use std::sync::Arc;

const SCHEDULER: &str = "default-scheduler";
pub(crate) const KUBELET: &str = "kubelet";

/// What the kubelet knows of one pod.
pub(crate) struct Life {
    uid: String,
    /// When the scheduler places it; None once it has.
    place_at: Option<Timestamp>,
    /// When it is gone, once it is being deleted.
    gone_at: Option<Timestamp>,
    host: String,
    containers: Vec<Container>,
}

impl Life {
    /// Takes over a pod: a new one from the beginning, a running one as it stands.
    fn adopt(pod: &Value, now: Timestamp) -> Life {
        let is_running = object::text(pod, "/status/phase") == "Running";
        let statuses = object::list(pod, "/status/containerStatuses");
        let containers = if is_running { statuses.iter().map(|it| Container::running(pod, it)).collect() } else { Vec::new() };
        Life {
            uid: object::uid(pod).to_owned(),
            place_at: (!is_running).then(|| later(now, spread(object::name(pod), "place", 20, 80))),
            gone_at: None,
            host: object::text(pod, "/status/hostIP").to_owned(),
            containers,
        }
    }
}

/// A duration between two numbers of milliseconds that belongs to this name and purpose.
fn spread(name: &str, purpose: &str, least: u32, most: u32) -> SignedDuration {
    let hash = object::hash(format!("{purpose}/{name}").as_bytes());
    SignedDuration::from_millis(i64::from(least + hash % (most - least)))
}

pub(crate) fn sync(state: &mut State, key: &Key) -> Option<Wake> {
    let Some(pod) = state.get(key) else {
        state.lives.remove(key);
        return None;
    };
    if matches!(object::text(&pod, "/status/phase"), "Succeeded" | "Failed") && !object::is_deleting(&pod) {
        state.lives.remove(key);
        return None;
    }
    let known = state.lives.remove(key).filter(|life| life.uid == object::uid(&pod));
    let mut life = known.unwrap_or_else(|| Life::adopt(&pod, state.now));
    let wake = if object::is_deleting(&pod) { die(state, key, &pod, &mut life) } else { live(state, key, &pod, &mut life) };
    if state.contains(key) {
        state.lives.insert(key.clone(), life);
    }
    wake
}

/// A deleted pod takes a moment to end.
fn die(state: &mut State, key: &Key, pod: &Value, life: &mut Life) -> Option<Wake> {
    let end = later(state.now, spread(object::name(pod), "end", 250, 350));
    let gone_at = *life.gone_at.get_or_insert(end);
    if gone_at <= state.now {
        state.remove(key);
        return None;
    }
    Some(Wake { at: gone_at, urgency: Urgency::Progress })
}

fn live(state: &mut State, key: &Key, pod: &Arc<Value>, life: &mut Life) -> Option<Wake> {
    let mut updated = (**pod).clone();
    if let Some(at) = life.place_at {
        if at > state.now {
            return Some(Wake { at, urgency: Urgency::Progress });
        }
        if let Err(why) = place(state, &mut updated, life) {
            return stay_unplaced(state, key, pod, &why);
        }
    }
    for index in 0..life.containers.len() {
        life.containers[index].catch_up(state, pod);
    }
    updated["status"] = render::status(&updated, &life.host, &life.containers, state.now);
    edit::commit(state, key, pod, updated, &Terms::by(KUBELET, "status"));
    life.containers.iter().filter_map(Container::wake).min()
}

/// Gives the pod a node and lets the kubelet begin. The error says why no node takes it.
fn place(state: &mut State, pod: &mut Value, life: &mut Life) -> Result<(), String> {
    check_size(state, pod)?;
    let bound = object::text(pod, "/spec/nodeName").to_owned();
    let (node, host) = match bound.as_str() {
        "" => nodes::pick(state, object::name(pod)),
        bound => nodes::named(state, bound),
    }
    .ok_or("no nodes available to schedule pods")?;
    let message = format!("Successfully assigned {}/{} to {node}", object::namespace(pod), object::name(pod));
    object::set(pod, &["spec", "nodeName"], json!(node));
    for (label, value) in nodes::topology(state, &node) {
        object::set(pod, &["metadata", "labels", &label], value);
    }
    object::set(pod, &["status", "startTime"], object::stamp(state.now));
    events::record(state, pod, SCHEDULER, events::NORMAL, "Scheduled", &message);
    life.place_at = None;
    life.host = host;
    let specs = object::list(pod, "/spec/containers");
    life.containers = specs.iter().map(|spec| Container::begin(state, pod, spec)).collect();
    Ok(())
}

/// A pod that asks for more CPU than any node has is never placed.
fn check_size(state: &State, pod: &Value) -> Result<(), String> {
    let requests = object::list(pod, "/spec/containers").iter();
    let cpu: i128 = requests.map(|it| cpu_of(object::text(it, "/resources/requests/cpu"))).sum();
    let nodes = nodes::sizes(state);
    if nodes.is_empty() || nodes.iter().any(|size| cpu_of(size) >= cpu) {
        return Ok(());
    }
    let count = nodes.len();
    Err(format!(
        "0/{count} nodes are available: {count} Insufficient cpu. preemption: 0/{count} nodes are available: \
         {count} Preemption is not helpful for scheduling."
    ))
}

/// A quantity of CPU in thousandths of a core.
fn cpu_of(quantity: &str) -> i128 {
    edit::amount(quantity).unwrap_or_default()
}

fn stay_unplaced(state: &mut State, key: &Key, pod: &Arc<Value>, why: &str) -> Option<Wake> {
    let mut updated = (**pod).clone();
    updated["status"] = render::unschedulable(pod, why, state.now);
    edit::commit(state, key, pod, updated, &Terms::by(SCHEDULER, "status"));
    events::record(state, pod, SCHEDULER, events::WARNING, "FailedScheduling", why);
    None
}
