//! Changing the size of a Deployment, also while it is paused or in the middle of a rollout.
//!
//! Invariant: several ReplicaSets with pods keep their proportions; what rounding leaves over goes to the largest.

use super::replicas::{self, is_rolling, max_surge, proportion, total_wanted, wanted};
use super::{COMPONENT, Rollout, revision, status};
use crate::controllers::{MANAGER, events};
use crate::edit::{self, Terms};
use crate::object;
use crate::resource;
use crate::state::{Key, State};
use serde_json::{Value, json};
use std::cmp::Reverse;
use std::sync::Arc;

/// Whether the size was changed since a ReplicaSet with pods was last written.
pub(crate) fn is_scaling(state: &State, deployment: &Value) -> bool {
    let sets = state.owned_by(object::uid(deployment), resource::REPLICASETS);
    sets.iter().filter(|set| wanted(set) > 0).any(|set| {
        let noted = object::annotation(set, revision::DESIRED_REPLICAS).parse::<i64>();
        noted.is_ok_and(|noted| noted != wanted(deployment))
    })
}

/// Scales without rolling.
pub(crate) fn sync(state: &mut State, rollout: &mut Rollout) {
    revision::find_sets(state, rollout, false);
    resize(state, rollout);
    rollout.refresh(state);
    if object::flag(&rollout.deployment, "/spec/paused") {
        revision::clean_up(state, rollout);
        rollout.refresh(state);
    }
    status::write(state, rollout, status::Mode::Plain);
}

fn resize(state: &mut State, rollout: &Rollout) {
    let deployment = &rollout.deployment;
    if let Some(only) = active_or_latest(rollout) {
        scale(state, deployment, &only, wanted(deployment));
        return;
    }
    if rollout.new.as_ref().is_some_and(|new| is_saturated(deployment, new)) {
        for set in active(&rollout.old) {
            scale(state, deployment, &set, 0);
        }
    } else if is_rolling(deployment) {
        share_out(state, deployment, active(&rollout.all()));
    }
}

fn active(sets: &[Arc<Value>]) -> Vec<Arc<Value>> {
    sets.iter().filter(|set| wanted(set) > 0).cloned().collect()
}

/// The one ReplicaSet with pods, or the newest if none has any; None if several have.
fn active_or_latest(rollout: &Rollout) -> Option<Arc<Value>> {
    let all = rollout.all();
    match active(&all).as_slice() {
        [] => rollout.new.clone().or_else(|| super::by_creation(&all).pop()),
        [only] => Some(only.clone()),
        _ => None,
    }
}

fn is_saturated(deployment: &Value, new: &Value) -> bool {
    let goal = wanted(deployment);
    let desired = object::annotation(new, revision::DESIRED_REPLICAS).parse() == Ok(goal);
    desired && wanted(new) == goal && replicas::available(new) == goal
}

fn share_out(state: &mut State, deployment: &Value, mut sets: Vec<Arc<Value>>) {
    let size = if wanted(deployment) > 0 { wanted(deployment) + max_surge(deployment) } else { 0 };
    let to_add = size - total_wanted(&sets);
    let created = |set: &Value| object::text(set, "/metadata/creationTimestamp").to_owned();
    if to_add > 0 {
        sets.sort_by_cached_key(|set| (Reverse(wanted(set)), Reverse(created(set))));
    } else {
        sets.sort_by_cached_key(|set| (Reverse(wanted(set)), created(set)));
    }
    let mut added = 0;
    let mut goals: Vec<i64> = Vec::new();
    for set in &sets {
        let part = proportion(set, deployment, to_add, added);
        goals.push(wanted(set) + part);
        added += part;
    }
    if let Some(first) = goals.first_mut().filter(|_| to_add != 0) {
        *first = (*first + to_add - added).max(0);
    }
    for (set, goal) in sets.iter().zip(goals) {
        resize_one(state, deployment, set, goal);
    }
}

/// Sets the size of a ReplicaSet if it differs; true if it did.
pub(crate) fn scale(state: &mut State, deployment: &Value, set: &Arc<Value>, goal: i64) -> bool {
    // As in the original: an unchanged size does not refresh the notes about the Deployment's size.
    wanted(set) != goal && resize_one(state, deployment, set, goal)
}

fn resize_one(state: &mut State, deployment: &Value, set: &Arc<Value>, goal: i64) -> bool {
    let before = wanted(set);
    let mut updated = (**set).clone();
    updated["spec"]["replicas"] = json!(goal);
    revision::annotate_size(deployment, &mut updated);
    let key = Key::of(resource::REPLICASETS, set);
    edit::commit(state, &key, set, updated, &Terms::by(MANAGER, ""));
    if before != goal {
        let way = if before < goal { "up" } else { "down" };
        let message = format!("Scaled {way} replica set {} from {before} to {goal}", object::name(set));
        events::record(state, deployment, COMPONENT, events::NORMAL, "ScalingReplicaSet", &message);
    }
    before != goal
}
