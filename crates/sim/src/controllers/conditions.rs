//! The conditions of a status.
//!
//! Invariant: one condition of each type; its lastTransitionTime is when its status last changed.

use crate::object;
use jiff::Timestamp;
use serde_json::{Value, json};

/// A condition to be set.
pub(crate) struct Condition<'a> {
    pub kind: &'a str,
    pub status: &'a str,
    pub reason: &'a str,
    pub message: &'a str,
}

/// Sets a condition the way the Deployment controller does: the same status for the same reason is left alone.
pub(crate) fn set_progress(conditions: &mut Vec<Value>, new: &Condition<'_>, now: Timestamp) {
    let old = find(conditions, new.kind);
    if old.is_some_and(|old| old["status"] == new.status && old["reason"] == new.reason) {
        return;
    }
    let since = transition(old, new, now);
    conditions.retain(|it| object::text(it, "/type") != new.kind);
    conditions.push(json!({
        "type": new.kind, "status": new.status, "reason": new.reason, "message": new.message,
        "lastUpdateTime": object::stamp(now), "lastTransitionTime": since,
    }));
}

/// Sets a condition of a pod or a Job: no reason and no message where they are empty, no update time.
pub(crate) fn set_plain(conditions: &mut Vec<Value>, new: &Condition<'_>, now: Timestamp) {
    let since = transition(find(conditions, new.kind), new, now);
    let mut condition = json!({ "type": new.kind, "status": new.status, "lastProbeTime": null, "lastTransitionTime": since });
    for (field, text) in [("reason", new.reason), ("message", new.message)] {
        if !text.is_empty() {
            condition[field] = json!(text);
        }
    }
    match conditions.iter_mut().find(|it| object::text(it, "/type") == new.kind) {
        Some(old) => *old = condition,
        None => conditions.push(condition),
    }
}

fn transition(old: Option<&Value>, new: &Condition<'_>, now: Timestamp) -> Value {
    match old {
        Some(old) if old["status"] == new.status => old["lastTransitionTime"].clone(),
        _ => object::stamp(now),
    }
}

pub(crate) fn find<'a>(conditions: &'a [Value], kind: &str) -> Option<&'a Value> {
    conditions.iter().find(|it| object::text(it, "/type") == kind)
}
