//! The controllers: they bring the cluster in line with what its objects ask for.
//!
//! Invariant: a controller acts on one object at a time, only when that object or one it owns has changed or the time
//! it asked for has come; running it once more changes nothing.

mod autoscaler;
mod collector;
mod conditions;
pub(crate) mod daemonset;
pub(crate) mod deployment;
pub(crate) mod events;
pub(crate) mod history;
mod job;
pub(crate) mod kubelet;
pub(crate) mod pods;
pub(crate) mod replicaset;
pub(crate) mod statefulset;

pub(crate) use kubelet::Life;

use crate::object;
use crate::resource::{self, Resource};
use crate::state::{Key, State, Urgency, Wake, Work};
use jiff::{SignedDuration, Timestamp};
use serde_json::Value;

/// The field manager of everything that the controllers write.
pub(crate) const MANAGER: &str = "kube-controller-manager";

/// How long events are kept, as by default in a real cluster.
pub(crate) const EVENTS_LAST: SignedDuration = SignedDuration::from_hours(1);

/// How long after a change of its own object a controller looks at it: status lags behind spec, as in reality.
fn reaction(resource: Resource) -> Option<SignedDuration> {
    match resource {
        resource::PODS | resource::NAMESPACES => Some(SignedDuration::ZERO),
        resource::REPLICASETS => Some(SignedDuration::from_millis(5)),
        resource::HORIZONTALPODAUTOSCALERS => Some(SignedDuration::from_millis(500)),
        resource::DEPLOYMENTS | resource::STATEFULSETS | resource::DAEMONSETS | resource::JOBS => Some(SignedDuration::from_millis(40)),
        _ => None,
    }
}

/// How long after a change of something it owns.
const OWNER_REACTION: SignedDuration = SignedDuration::from_millis(10);

/// A time that a duration after another one; saturates at the end of time.
pub(crate) fn later(time: Timestamp, by: SignedDuration) -> Timestamp {
    time.saturating_add(by).unwrap_or(Timestamp::MAX)
}

/// Puts the controllers on the agenda that a change of this object concerns.
pub(crate) fn notice(state: &mut State, key: &Key, object: &Value) {
    if key.resource == resource::EVENTS {
        return state.agenda.add(Work::Sync(key.clone()), later(state.now, EVENTS_LAST), Urgency::Retry);
    }
    let is_closing = object::is_deleting(object).then_some(SignedDuration::ZERO);
    if let Some(delay) = reaction(key.resource).or(is_closing) {
        state.agenda.add(Work::Sync(key.clone()), later(state.now, delay), Urgency::Progress);
    }
    let is_last_of_pod = key.resource == resource::PODS && !state.contains(key);
    for owner in owners(key, object) {
        // A Deployment that recreates waits for the last of its old pods, which its ReplicaSet no longer counts.
        if let (true, Some(set)) = (is_last_of_pod, state.get(&owner)) {
            owners(&owner, &set).into_iter().for_each(|it| tell_owner(state, it));
        }
        tell_owner(state, owner);
    }
}

/// Tells those that own an object no longer: a ReplicaSet whose pod was taken away makes another.
pub(crate) fn let_go(state: &mut State, key: &Key, before: &Value, object: &Value) {
    let now = owners(key, object);
    owners(key, before).into_iter().filter(|owner| !now.contains(owner)).for_each(|owner| tell_owner(state, owner));
}

fn tell_owner(state: &mut State, owner: Key) {
    state.agenda.add(Work::Sync(owner), later(state.now, OWNER_REACTION), Urgency::Progress);
}

fn owners(key: &Key, object: &Value) -> Vec<Key> {
    let references = object::list(object, "/metadata/ownerReferences").iter();
    let keys = references.filter_map(|owner| {
        let resource = Resource::of(object::text(owner, "/apiVersion"), object::text(owner, "/kind"))?;
        Some(Key::new(resource, &key.namespace, object::name_of(owner)))
    });
    keys.collect()
}

/// Does one piece of work and puts what follows from it back on the agenda.
pub(crate) fn run(state: &mut State, work: Work) {
    match work {
        Work::Collect(uid) => collector::collect(state, &uid),
        Work::Sync(key) => {
            if let Some(wake) = sync(state, &key) {
                state.agenda.add(Work::Sync(key), wake.at, wake.urgency);
            }
        }
    }
}

fn sync(state: &mut State, key: &Key) -> Option<Wake> {
    if collector::finish_foreground(state, key) {
        return None;
    }
    match key.resource {
        resource::PODS => kubelet::sync(state, key),
        resource::DEPLOYMENTS => deployment::sync(state, key),
        resource::REPLICASETS => replicaset::sync(state, key),
        resource::STATEFULSETS => statefulset::sync(state, key),
        resource::DAEMONSETS => daemonset::sync(state, key),
        resource::JOBS => job::sync(state, key),
        resource::HORIZONTALPODAUTOSCALERS => autoscaler::sync(state, key),
        resource::EVENTS => events::expire(state, key, EVENTS_LAST),
        resource::NAMESPACES => collector::empty_namespace(state, key),
        _ => None,
    }
}
