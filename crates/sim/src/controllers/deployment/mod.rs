//! Deployments: rolling from one ReplicaSet to the next.
//!
//! Invariant: at every step at most `replicas + maxSurge` pods are asked for, and no available pod is given up that
//! would leave fewer than `replicas - maxUnavailable`.
//! Source: pkg/controller/deployment of Kubernetes, of which this follows each function.

mod replicas;
mod revision;
mod scaling;
mod status;

pub(crate) use replicas::{share, wanted};
pub(crate) use revision::{REVISION, REVISION_HISTORY, new_replica_set};
pub(crate) use status::calculate;

use super::pods;
use crate::object;
use crate::resource;
use crate::state::{Key, State, Wake};
use replicas::{max_unavailable, total_available, total_wanted};
use serde_json::Value;
use std::sync::Arc;

pub(crate) const COMPONENT: &str = "deployment-controller";

/// A Deployment within one run of its controller: the object as it was last written, and its ReplicaSets.
pub(crate) struct Rollout {
    key: Key,
    deployment: Value,
    new: Option<Arc<Value>>,
    old: Vec<Arc<Value>>,
}

impl Rollout {
    fn all(&self) -> Vec<Arc<Value>> {
        self.old.iter().chain(&self.new).cloned().collect()
    }

    /// Reads the ReplicaSets again after some of them were written.
    fn refresh(&mut self, state: &State) {
        let again = |set: &Arc<Value>| state.get(&Key::of(resource::REPLICASETS, set));
        self.old = self.old.iter().filter_map(again).collect();
        self.new = self.new.as_ref().and_then(again);
    }
}

pub(crate) fn sync(state: &mut State, key: &Key) -> Option<Wake> {
    let deployment = (*state.get(key)?).clone();
    let mut rollout = Rollout { key: key.clone(), deployment, new: None, old: Vec::new() };
    if object::is_deleting(&rollout.deployment) {
        revision::find_sets(state, &mut rollout, false);
        status::write(state, &mut rollout, status::Mode::Plain);
        return None;
    }
    status::check_paused(state, &mut rollout);
    if object::flag(&rollout.deployment, "/spec/paused") || scaling::is_scaling(state, &rollout.deployment) {
        scaling::sync(state, &mut rollout);
    } else if object::text(&rollout.deployment, "/spec/strategy/type") == "Recreate" {
        recreate(state, &mut rollout);
    } else {
        roll(state, &mut rollout);
    }
    status::deadline(&rollout.deployment, state.now)
}

/// One step of a rolling update: up if there is room, else down if there is enough.
fn roll(state: &mut State, rollout: &mut Rollout) {
    revision::find_sets(state, rollout, true);
    let changed = grow_new(state, rollout) || shrink_old(state, rollout);
    finish(state, rollout, changed);
}

fn finish(state: &mut State, rollout: &mut Rollout, changed: bool) {
    rollout.refresh(state);
    if !changed && status::is_complete(&rollout.deployment, &rollout.deployment["status"]) {
        revision::clean_up(state, rollout);
        rollout.refresh(state);
    }
    status::write(state, rollout, status::Mode::Rollout);
}

fn grow_new(state: &mut State, rollout: &Rollout) -> bool {
    let Some(new) = &rollout.new else { return false };
    let goal = replicas::of_new(&rollout.deployment, &rollout.all(), new);
    scaling::scale(state, &rollout.deployment, new, goal)
}

fn shrink_old(state: &mut State, rollout: &mut Rollout) -> bool {
    let (deployment, all) = (&rollout.deployment, rollout.all());
    let Some(new) = rollout.new.clone() else { return false };
    if total_wanted(&rollout.old) == 0 {
        return false;
    }
    let least = wanted(deployment) - max_unavailable(deployment);
    let new_unavailable = replicas::wanted(&new) - replicas::available(&new);
    let spare = total_wanted(&all) - least - new_unavailable;
    if spare <= 0 {
        return false;
    }
    let unhealthy = drop_unhealthy(state, rollout, spare);
    rollout.refresh(state);
    unhealthy + drop_healthy(state, rollout, least) > 0
}

/// First the old pods go that serve nobody anyway.
fn drop_unhealthy(state: &mut State, rollout: &Rollout, spare: i64) -> i64 {
    let mut dropped = 0;
    for set in by_creation(&rollout.old) {
        let broken = replicas::wanted(&set) - replicas::available(&set);
        let count = broken.min(spare - dropped);
        if count > 0 {
            scaling::scale(state, &rollout.deployment, &set, replicas::wanted(&set) - count);
            dropped += count;
        }
    }
    dropped
}

fn drop_healthy(state: &mut State, rollout: &Rollout, least: i64) -> i64 {
    let spare = total_available(&rollout.all()) - least;
    let mut dropped = 0;
    for set in by_creation(&rollout.old) {
        let count = replicas::wanted(&set).min(spare - dropped);
        if count > 0 {
            scaling::scale(state, &rollout.deployment, &set, replicas::wanted(&set) - count);
            dropped += count;
        }
    }
    dropped
}

fn by_creation(sets: &[Arc<Value>]) -> Vec<Arc<Value>> {
    let mut sets = sets.to_vec();
    sets.sort_by_cached_key(|set| (object::text(set, "/metadata/creationTimestamp").to_owned(), object::name(set).to_owned()));
    sets
}

/// All old pods must be gone, not only on their way, before the first new one is asked for.
fn recreate(state: &mut State, rollout: &mut Rollout) {
    revision::find_sets(state, rollout, false);
    let mut changed = false;
    for set in rollout.old.clone() {
        changed |= scaling::scale(state, &rollout.deployment, &set, 0);
    }
    if !changed && !old_pods_run(state, rollout) {
        if rollout.new.is_none() {
            revision::find_sets(state, rollout, true);
        }
        changed = grow_new(state, rollout);
    }
    finish(state, rollout, changed);
}

fn old_pods_run(state: &State, rollout: &Rollout) -> bool {
    let pods = rollout.old.iter().flat_map(|set| state.owned_by(object::uid(set), resource::PODS));
    pods.into_iter().any(|pod| pods::is_active(&pod) || object::is_deleting(&pod))
}
