//! StatefulSets: numbered pods, created upwards and updated downwards, one at a time.
//!
//! Invariant: with OrderedReady nothing goes on while a pod is not ready. Hence the known trap: a pod that is broken
//! blocks the update that would repair it, until somebody deletes it.
//! Source: pkg/controller/statefulset/stateful_set_control.go.

use super::{MANAGER, history, pods};
use crate::edit::{self, Terms};
use crate::object;
use crate::resource;
use crate::state::{Key, State, Urgency, Wake};
use serde_json::{Value, json};
use std::collections::BTreeMap;
use std::sync::Arc;

const COMPONENT: &str = "statefulset-controller";
const REVISION: &str = "controller-revision-hash";

/// A StatefulSet within one run of its controller.
struct Round {
    set: Arc<Value>,
    current: Arc<Value>,
    update: Arc<Value>,
    /// Its pods by ordinal.
    pods: BTreeMap<i64, Arc<Value>>,
}

pub(crate) fn sync(state: &mut State, key: &Key) -> Option<Wake> {
    let set = state.get(key)?;
    if object::is_deleting(&set) {
        return None;
    }
    let round = Round::read(state, set);
    round.act(state);
    let round = Round::read(state, round.set);
    let mut updated = (*round.set).clone();
    updated["status"] = round.status(state);
    edit::commit(state, key, &round.set, updated, &Terms::by(MANAGER, "status"));
    history::trim(state, &round.set, &round.revisions_in_use());
    let pods: Vec<_> = round.pods.values().cloned().collect();
    pods::next_available(&pods, round.min_ready(), state.now).map(|at| Wake { at, urgency: Urgency::Progress })
}

impl Round {
    fn read(state: &mut State, set: Arc<Value>) -> Round {
        let update = history::present(state, &set);
        let current_name = object::text(&set, "/status/currentRevision");
        let current = history::of(state, &set).into_iter().find(|it| object::name(it) == current_name);
        let owned = state.owned_by(object::uid(&set), resource::PODS).into_iter();
        let pods = owned.filter_map(|pod| Some((ordinal(&pod)?, pod))).collect();
        Round { current: current.unwrap_or_else(|| update.clone()), set, update, pods }
    }

    fn min_ready(&self) -> i64 {
        object::number(&self.set, "/spec/minReadySeconds")
    }

    fn ordinals(&self) -> std::ops::Range<i64> {
        let start = object::number(&self.set, "/spec/ordinals/start");
        start..start + object::number(&self.set, "/spec/replicas")
    }

    fn is_healthy(&self, pod: &Value, state: &State) -> bool {
        !object::is_deleting(pod) && pods::is_available(pod, self.min_ready(), state.now)
    }

    fn revisions_in_use(&self) -> Vec<&str> {
        let of_pods = self.pods.values().map(|pod| object::label(pod, REVISION));
        of_pods.chain([object::name(&self.current), object::name(&self.update)]).collect()
    }

    /// Takes the next steps: fill, then shrink, then update.
    fn act(&self, state: &mut State) {
        let ordered = object::text(&self.set, "/spec/podManagementPolicy") != "Parallel";
        for ordinal in self.ordinals() {
            match self.pods.get(&ordinal) {
                None => self.create(state, ordinal),
                Some(pod) if self.is_healthy(pod, state) => continue,
                Some(_) => {}
            }
            if ordered {
                return;
            }
        }
        let surplus = self.pods.iter().rev().filter(|(ordinal, _)| !self.ordinals().contains(ordinal));
        for (_, pod) in surplus {
            if !object::is_deleting(pod) {
                pods::delete(state, &self.set, COMPONENT, pod);
            }
            if ordered {
                return;
            }
        }
        self.update(state);
    }

    /// Replaces the highest pod that has another template, if all above it are healthy.
    fn update(&self, state: &mut State) {
        if object::text(&self.set, "/spec/updateStrategy/type") == "OnDelete" {
            return;
        }
        let partition = object::number(&self.set, "/spec/updateStrategy/rollingUpdate/partition");
        let first = self.ordinals().start + partition;
        for ordinal in self.ordinals().rev().filter(|ordinal| *ordinal >= first) {
            let Some(pod) = self.pods.get(&ordinal) else { return };
            if object::label(pod, REVISION) != object::name(&self.update) && !object::is_deleting(pod) {
                return pods::delete(state, &self.set, COMPONENT, pod);
            }
            if !self.is_healthy(pod, state) {
                return;
            }
        }
    }

    fn create(&self, state: &mut State, ordinal: i64) {
        let partition = object::number(&self.set, "/spec/updateStrategy/rollingUpdate/partition");
        let is_current = ordinal < self.ordinals().start + partition;
        let revision = if is_current { &self.current } else { &self.update };
        let pod = numbered_pod(&self.set, revision, ordinal);
        pods::create(state, &self.set, COMPONENT, pod);
    }

    fn status(&self, state: &State) -> Value {
        let count = |holds: &dyn Fn(&Value) -> bool| self.pods.values().filter(|pod| holds(pod)).count() as i64;
        let of = |revision: &Value| {
            let name = object::name(revision).to_owned();
            count(&|pod| !object::is_deleting(pod) && object::label(pod, REVISION) == name)
        };
        let (total, ready) = (self.pods.len() as i64, count(&pods::is_ready));
        let (mut current, updated) = (of(&self.current), of(&self.update));
        let mut current_name = object::name(&self.current);
        let replicas = object::number(&self.set, "/spec/replicas");
        if [total, ready, updated].iter().all(|it| *it == replicas) {
            (current, current_name) = (updated, object::name(&self.update));
        }
        status(
            &self.set,
            &[total, ready, count(&|pod| self.is_healthy(pod, state)), current, updated],
            [current_name, object::name(&self.update)],
        )
    }
}

/// The status with these counts (all, ready, available, current, updated) and revisions (current, update).
pub(crate) fn status(set: &Value, counts: &[i64; 5], revisions: [&str; 2]) -> Value {
    let [total, ready, available, current, updated] = *counts;
    let mut status = json!({
        "observedGeneration": set["metadata"]["generation"], "replicas": total, "availableReplicas": available,
        "currentRevision": revisions[0], "updateRevision": revisions[1], "collisionCount": 0,
    });
    for (field, count) in [("readyReplicas", ready), ("currentReplicas", current), ("updatedReplicas", updated)] {
        if count > 0 {
            status[field] = json!(count);
        }
    }
    status
}

fn ordinal(pod: &Value) -> Option<i64> {
    object::name(pod).rsplit_once('-')?.1.parse().ok()
}

/// The pod of a StatefulSet with this number, from a revision's template.
pub(crate) fn numbered_pod(set: &Value, revision: &Value, ordinal: i64) -> Value {
    let name = format!("{}-{ordinal}", object::name(set));
    let mut pod = pods::from_template(&history::template(revision), set, &name);
    for (label, value) in [
        (REVISION, object::name(revision)),
        ("statefulset.kubernetes.io/pod-name", &name),
        ("apps.kubernetes.io/pod-index", &ordinal.to_string()),
    ] {
        object::set(&mut pod, &["metadata", "labels", label], json!(value));
    }
    object::set(&mut pod, &["metadata", "generateName"], json!(format!("{}-", object::name(set))));
    object::set(&mut pod, &["spec", "hostname"], json!(name));
    object::set(&mut pod, &["spec", "subdomain"], set["spec"]["serviceName"].clone());
    pod
}
