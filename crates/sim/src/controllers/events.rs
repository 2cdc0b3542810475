//! Events (core/v1): what controllers and kubelets say about an object.
//!
//! Invariant: the same thing said again raises the count of the event instead of making a new one.

use super::later;
use crate::edit::{self, Terms};
use crate::object;
use crate::resource;
use crate::state::{Key, State, Urgency, Wake};
use jiff::SignedDuration;
use serde_json::{Value, json};

pub(crate) const NORMAL: &str = "Normal";
pub(crate) const WARNING: &str = "Warning";

/// Records an event about an object, from a component such as `kubelet`.
pub(crate) fn record(state: &mut State, about: &Value, component: &str, kind: &str, reason: &str, message: &str) {
    let seed = format!("{}/{reason}/{message}", object::uid(about));
    // Two hashes make the sixteen digits that names of real events end in.
    let (high, low) = (object::hash(seed.as_bytes()), object::hash(format!("{seed}/").as_bytes()));
    let name = format!("{}.{high:08x}{low:08x}", object::name(about));
    let namespace = match object::namespace(about) {
        "" => "default",
        namespace => namespace,
    };
    let key = Key::new(resource::EVENTS, namespace, &name);
    let terms = Terms::by(component, "");
    match state.get(&key) {
        Some(old) => {
            let mut again = (*old).clone();
            again["count"] = json!(object::number(&old, "/count") + 1);
            again["lastTimestamp"] = object::stamp(state.now);
            edit::commit(state, &key, &old, again, &terms);
        }
        None => {
            let mut event = describe(about, component, kind, reason, message);
            event["metadata"] = json!({ "name": name });
            for time in ["firstTimestamp", "lastTimestamp"] {
                event[time] = object::stamp(state.now);
            }
            // Only a namespace that is gone can refuse it, and then nobody reads it.
            let _ = edit::create(state, resource::EVENTS, namespace, event, &terms);
        }
    }
}

fn describe(about: &Value, component: &str, kind: &str, reason: &str, message: &str) -> Value {
    json!({
        "involvedObject": {
            "apiVersion": about["apiVersion"], "kind": about["kind"], "namespace": object::namespace(about),
            "name": object::name(about), "uid": object::uid(about),
            "resourceVersion": about["metadata"]["resourceVersion"],
        },
        "type": kind, "reason": reason, "message": message, "count": 1,
        "source": { "component": component }, "reportingComponent": component, "reportingInstance": "", "eventTime": null,
    })
}

/// Takes an event out when it is old; comes back when it is not yet.
pub(crate) fn expire(state: &mut State, key: &Key, last: SignedDuration) -> Option<Wake> {
    let event = state.get(key)?;
    let end = later(object::time(&event, "/lastTimestamp").unwrap_or(state.now), last);
    if end > state.now {
        return Some(Wake { at: end, urgency: Urgency::Retry });
    }
    state.remove(key);
    None
}
