//! What controllers ask of pods: is it active, ready, available; and how one is made from a template.

use super::{MANAGER, events, later};
use crate::edit::{self, Terms};
use crate::object;
use crate::resource;
use crate::state::{Key, State};
use jiff::{SignedDuration, Timestamp};
use serde_json::{Value, json};
use std::sync::Arc;

/// Neither finished nor on its way out.
pub(crate) fn is_active(pod: &Value) -> bool {
    !object::is_deleting(pod) && !matches!(object::text(pod, "/status/phase"), "Failed" | "Succeeded")
}

/// How many of these are on their way out and not yet at an end.
pub(crate) fn ending(pods: &[Arc<Value>]) -> usize {
    let is_ending = |pod: &&Arc<Value>| object::is_deleting(pod) && !matches!(object::text(pod, "/status/phase"), "Failed" | "Succeeded");
    pods.iter().filter(is_ending).count()
}

pub(crate) fn is_ready(pod: &Value) -> bool {
    object::condition(pod, "Ready").is_some_and(|ready| ready["status"] == "True")
}

/// Since when it is ready; None while it is not.
pub(crate) fn ready_since(pod: &Value) -> Option<Timestamp> {
    object::condition(pod, "Ready").filter(|ready| ready["status"] == "True").and_then(|it| object::time(it, "/lastTransitionTime"))
}

/// When a ready pod counts as available.
pub(crate) fn available_from(pod: &Value, min_ready_seconds: i64) -> Option<Timestamp> {
    ready_since(pod).map(|since| later(since, SignedDuration::from_secs(min_ready_seconds)))
}

pub(crate) fn is_available(pod: &Value, min_ready_seconds: i64, now: Timestamp) -> bool {
    available_from(pod, min_ready_seconds).is_some_and(|from| from <= now)
}

/// The next time at which one of these pods turns from ready to available.
pub(crate) fn next_available(pods: &[Arc<Value>], min_ready_seconds: i64, now: Timestamp) -> Option<Timestamp> {
    pods.iter().filter_map(|pod| available_from(pod, min_ready_seconds)).filter(|from| *from > now).min()
}

/// How safe a pod is when its node runs short: by what its containers ask for and are limited to.
pub(crate) fn qos_class(pod: &Value) -> &'static str {
    let containers = object::list(pod, "/spec/containers");
    let of = |container: &Value, kind: &str, what: &str| object::text(container, &format!("/resources/{kind}/{what}")).to_owned();
    let asks = |it: &Value| ["requests", "limits"].iter().any(|kind| ["cpu", "memory"].iter().any(|what| !of(it, kind, what).is_empty()));
    let is_fixed = |it: &Value, what: &&str| !of(it, "limits", what).is_empty() && of(it, "limits", what) == of(it, "requests", what);
    if !containers.iter().any(asks) {
        "BestEffort"
    } else if containers.iter().all(|it| ["cpu", "memory"].iter().all(|what| is_fixed(it, what))) {
        "Guaranteed"
    } else {
        "Burstable"
    }
}

/// The pod object for a template: not defaulted, without a server's metadata.
pub(crate) fn from_template(template: &Value, owner: &Value, name: &str) -> Value {
    let mut pod = json!({
        "apiVersion": "v1", "kind": "Pod",
        "metadata": {
            "name": name,
            "labels": template.pointer("/metadata/labels").cloned().unwrap_or_else(|| json!({})),
            "ownerReferences": [object::controller_reference(owner)],
        },
        "spec": template["spec"],
    });
    if let Some(annotations) = template.pointer("/metadata/annotations") {
        object::set(&mut pod, &["metadata", "annotations"], annotations.clone());
    }
    pod
}

/// Creates a pod for a controller and says so in an event.
pub(crate) fn create(state: &mut State, owner: &Value, component: &str, pod: Value) {
    let name = object::name(&pod).to_owned();
    let terms = Terms::by(MANAGER, "");
    match edit::create(state, resource::PODS, object::namespace(owner), pod, &terms) {
        Ok(_) => events::record(state, owner, component, events::NORMAL, "SuccessfulCreate", &format!("Created pod: {name}")),
        Err(status) => {
            let message = format!("Error creating: {}", status.message);
            events::record(state, owner, component, events::WARNING, "FailedCreate", &message);
        }
    }
}

/// Deletes a pod for a controller and says so in an event.
pub(crate) fn delete(state: &mut State, owner: &Value, component: &str, pod: &Value) {
    let key = Key::of(resource::PODS, pod);
    if edit::delete(state, &key, &Value::Null, false).is_ok() {
        let message = format!("Deleted pod: {}", object::name(pod));
        events::record(state, owner, component, events::NORMAL, "SuccessfulDelete", &message);
    }
}
