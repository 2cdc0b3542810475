//! The status of a Deployment: counts, conditions, and the deadline for its progress.
//!
//! Source: pkg/controller/deployment/progress.go and sync.go.

use super::Rollout;
use super::replicas::{max_unavailable, total_available, wanted};
use crate::controllers::conditions::{self, Condition, set_progress};
use crate::controllers::{MANAGER, later};
use crate::edit::{self, Terms};
use crate::object;
use crate::state::{Key, State, Urgency, Wake};
use jiff::{SignedDuration, Timestamp};
use serde_json::{Value, json};
use std::sync::Arc;

/// Whether the run of the controller was a step of a rollout, which has conditions to report.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Mode {
    Rollout,
    Plain,
}

/// No deadline is written as the largest number.
const NO_DEADLINE: i64 = i32::MAX as i64;

pub(crate) fn has_deadline(deployment: &Value) -> bool {
    deployment["spec"]["progressDeadlineSeconds"].as_i64().is_some_and(|seconds| seconds != NO_DEADLINE)
}

pub(crate) fn conditions(deployment: &Value) -> Vec<Value> {
    object::list(deployment, "/status/conditions").to_vec()
}

pub(crate) fn progressing(conditions: &[Value]) -> Option<&Value> {
    conditions::find(conditions, "Progressing")
}

pub(crate) fn put_conditions(deployment: &mut Value, conditions: Vec<Value>) {
    if !conditions.is_empty() {
        object::set(deployment, &["status", "conditions"], Value::Array(conditions));
    }
}

/// Writes a Deployment's status (and the annotations that go with it) and returns it as stored.
pub(crate) fn store(state: &mut State, key: &Key, updated: Value) -> Value {
    match state.get(key) {
        Some(old) => (*edit::commit(state, key, &old, updated, &Terms::by(MANAGER, "status"))).clone(),
        None => updated,
    }
}

/// Pausing and resuming are conditions, so that a long pause is not taken for a lack of progress.
pub(crate) fn check_paused(state: &mut State, rollout: &mut Rollout) {
    if rollout.deployment["spec"]["progressDeadlineSeconds"].is_null() {
        return;
    }
    let mut conditions = conditions(&rollout.deployment);
    let reason = progressing(&conditions).map(|it| object::text(it, "/reason").to_owned()).unwrap_or_default();
    let (reason, message) = match (object::flag(&rollout.deployment, "/spec/paused"), reason.as_str()) {
        (_, "ProgressDeadlineExceeded") => return,
        (true, "DeploymentPaused") => return,
        (true, _) => ("DeploymentPaused", "Deployment is paused"),
        (false, "DeploymentPaused") => ("DeploymentResumed", "Deployment is resumed"),
        (false, _) => return,
    };
    let condition = Condition { kind: "Progressing", status: "Unknown", reason, message };
    set_progress(&mut conditions, &condition, state.now);
    let mut updated = rollout.deployment.clone();
    put_conditions(&mut updated, conditions);
    rollout.deployment = store(state, &rollout.key, updated);
}

/// Calculates the status and writes it if it changed.
pub(crate) fn write(state: &mut State, rollout: &mut Rollout, mode: Mode) {
    let deployment = &rollout.deployment;
    let mut status = calculate(deployment, &rollout.all(), rollout.new.as_deref(), state.now);
    if mode == Mode::Rollout {
        let mut conditions = object::list(&status, "/conditions").to_vec();
        judge_progress(deployment, &status, rollout.new.as_deref(), &mut conditions, state.now);
        status["conditions"] = Value::Array(conditions);
    }
    let mut updated = deployment.clone();
    updated["status"] = status;
    rollout.deployment = store(state, &rollout.key, updated);
}

/// The counts and the Available condition; the other conditions stay as they are.
pub(crate) fn calculate(deployment: &Value, all: &[Arc<Value>], new: Option<&Value>, now: Timestamp) -> Value {
    let sum = |field: &str| -> i64 { all.iter().map(|set| object::number(set, field)).sum() };
    let (total, available) = (sum("/status/replicas"), total_available(all));
    let mut status = json!({
        "observedGeneration": deployment["metadata"]["generation"], "terminatingReplicas": sum("/status/terminatingReplicas"),
    });
    for (field, count) in [
        ("replicas", total),
        ("updatedReplicas", new.map_or(0, |new| object::number(new, "/status/replicas"))),
        ("readyReplicas", sum("/status/readyReplicas")),
        ("availableReplicas", available),
        ("unavailableReplicas", (total - available).max(0)),
    ] {
        // The real status leaves zeros out.
        if count > 0 {
            status[field] = json!(count);
        }
    }
    let mut conditions = conditions(deployment);
    set_progress(&mut conditions, &availability(deployment, available), now);
    status["conditions"] = Value::Array(conditions);
    status
}

fn availability(deployment: &Value, available: i64) -> Condition<'static> {
    if available >= wanted(deployment) - max_unavailable(deployment) {
        let message = "Deployment has minimum availability.";
        Condition { kind: "Available", status: "True", reason: "MinimumReplicasAvailable", message }
    } else {
        let message = "Deployment does not have minimum availability.";
        Condition { kind: "Available", status: "False", reason: "MinimumReplicasUnavailable", message }
    }
}

fn judge_progress(deployment: &Value, status: &Value, new: Option<&Value>, conditions: &mut Vec<Value>, now: Timestamp) {
    if !has_deadline(deployment) {
        conditions.retain(|it| it["type"] != "Progressing");
        return;
    }
    let current = progressing(conditions).cloned();
    let is_new_available = current.as_ref().is_some_and(|it| it["reason"] == "NewReplicaSetAvailable");
    if is_new_available && count(status, "replicas") == count(status, "updatedReplicas") {
        return;
    }
    let subject = match new {
        Some(new) => format!("ReplicaSet \"{}\"", object::name(new)),
        None => format!("Deployment \"{}\"", object::name(deployment)),
    };
    if is_complete(deployment, status) {
        let message = format!("{subject} has successfully progressed.");
        set(conditions, "True", "NewReplicaSetAvailable", &message, now);
    } else if is_progressing(deployment, status) {
        // Replaced even if it reads the same: its update time is what the deadline counts from.
        conditions.retain(|it| it["type"] != "Progressing");
        set(conditions, "True", "ReplicaSetUpdated", &format!("{subject} is progressing."), now);
        keep_transition(conditions, current.as_ref());
    } else if has_timed_out(deployment, conditions, now) {
        let message = format!("{subject} has timed out progressing.");
        set(conditions, "False", "ProgressDeadlineExceeded", &message, now);
    }
}

fn set(conditions: &mut Vec<Value>, status: &str, reason: &str, message: &str, now: Timestamp) {
    set_progress(conditions, &Condition { kind: "Progressing", status, reason, message }, now);
}

fn keep_transition(conditions: &mut [Value], before: Option<&Value>) {
    if let (Some(before), Some(now)) = (before.filter(|it| it["status"] == "True"), conditions.last_mut()) {
        now["lastTransitionTime"] = before["lastTransitionTime"].clone();
    }
}

fn count(status: &Value, field: &str) -> i64 {
    status[field].as_i64().unwrap_or_default()
}

/// All pods are of the new template and available, and there are no others.
pub(crate) fn is_complete(deployment: &Value, status: &Value) -> bool {
    let all = ["updatedReplicas", "replicas", "availableReplicas"].iter().all(|it| count(status, it) == wanted(deployment));
    all && count(status, "observedGeneration") >= object::number(deployment, "/metadata/generation")
}

fn is_progressing(deployment: &Value, new: &Value) -> bool {
    let old = &deployment["status"];
    let old_pods = |status: &Value| count(status, "replicas") - count(status, "updatedReplicas");
    count(new, "updatedReplicas") > count(old, "updatedReplicas")
        || old_pods(new) < old_pods(old)
        || count(new, "readyReplicas") > count(old, "readyReplicas")
        || count(new, "availableReplicas") > count(old, "availableReplicas")
}

fn has_timed_out(deployment: &Value, conditions: &[Value], now: Timestamp) -> bool {
    match progressing(conditions) {
        None => false,
        Some(it) if it["reason"] == "NewReplicaSetAvailable" => false,
        Some(it) if it["reason"] == "ProgressDeadlineExceeded" => true,
        Some(it) => end(deployment, it).is_some_and(|end| end < now),
    }
}

fn end(deployment: &Value, condition: &Value) -> Option<Timestamp> {
    let seconds = deployment["spec"]["progressDeadlineSeconds"].as_i64()?;
    Some(later(object::time(condition, "/lastUpdateTime")?, SignedDuration::from_secs(seconds)))
}

/// When the controller has to look again whether the rollout is stuck.
pub(crate) fn deadline(deployment: &Value, now: Timestamp) -> Option<Wake> {
    if !has_deadline(deployment) || object::flag(deployment, "/spec/paused") || is_complete(deployment, &deployment["status"]) {
        return None;
    }
    let conditions = conditions(deployment);
    let condition = progressing(&conditions)?;
    if matches!(object::text(condition, "/reason"), "NewReplicaSetAvailable" | "ProgressDeadlineExceeded") {
        return None;
    }
    let at = later(end(deployment, condition)?, SignedDuration::from_secs(1));
    // A deadline that passed while the Deployment was only scaled is judged at its next change.
    (at > now).then_some(Wake { at, urgency: Urgency::Retry })
}
