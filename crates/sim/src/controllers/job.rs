//! Jobs: pods that run to an end, as often as asked for.
//!
//! Source: pkg/controller/job, without indexes, pod failure policies and suspension in the middle.

use super::conditions::{Condition, set_plain};
use super::{MANAGER, later, pods};
use crate::edit::{self, Terms};
use crate::object;
use crate::resource;
use crate::state::{Key, State, Urgency, Wake};
use jiff::SignedDuration;
use serde_json::{Value, json};
use std::sync::Arc;

const COMPONENT: &str = "job-controller";
/// The wait after the first failure; each further one is twice as long.
const BACK_OFF: i64 = 10;

struct Counts {
    active: i64,
    ready: i64,
    succeeded: i64,
    failed: i64,
}

pub(crate) fn sync(state: &mut State, key: &Key) -> Option<Wake> {
    let job = state.get(key)?;
    if object::is_deleting(&job) {
        return None;
    }
    if is_finished(&job) {
        return outlive(state, key, &job);
    }
    let counts = count(state, &job);
    let (completions, limit) = (object::number(&job, "/spec/completions"), object::number(&job, "/spec/backoffLimit"));
    if object::flag(&job, "/spec/suspend") {
        suspend(state, key, &job);
        return None;
    }
    let end = match () {
        () if counts.succeeded >= completions => Some(("Complete", "CompletionsReached", "Reached expected number of succeeded pods")),
        () if counts.failed > limit => Some(("Failed", "BackoffLimitExceeded", "Job has reached the specified backoff limit")),
        () => None,
    };
    let wake = if end.is_none() { fill(state, &job, &counts, completions) } else { None };
    let counts = count(state, &job);
    let mut updated = (*job).clone();
    updated["status"] = status(&job, &counts, end, state.now);
    edit::commit(state, key, &job, updated, &Terms::by(MANAGER, "status"));
    wake
}

/// A suspended Job gives its pods up and has not started.
fn suspend(state: &mut State, key: &Key, job: &Arc<Value>) {
    for pod in own_pods(state, job).iter().filter(|pod| pods::is_active(pod)) {
        pods::delete(state, job, COMPONENT, pod);
    }
    let mut updated = (**job).clone();
    updated["status"] = status(job, &count(state, job), None, state.now);
    object::remove(&mut updated, &["status", "startTime"]);
    edit::commit(state, key, job, updated, &Terms::by(MANAGER, "status"));
}

fn is_finished(job: &Value) -> bool {
    ["Complete", "Failed"].iter().any(|kind| object::condition(job, kind).is_some())
}

/// A finished Job stays, unless it says for how long.
fn outlive(state: &mut State, key: &Key, job: &Value) -> Option<Wake> {
    let seconds = job["spec"]["ttlSecondsAfterFinished"].as_i64()?;
    let ended = ["Complete", "Failed"].iter().find_map(|kind| object::condition(job, kind))?;
    let end = later(object::time(ended, "/lastTransitionTime")?, SignedDuration::from_secs(seconds));
    if end > state.now {
        return Some(Wake { at: end, urgency: Urgency::Retry });
    }
    let _ = edit::delete(state, key, &json!({ "propagationPolicy": "Background" }), false);
    None
}

fn own_pods(state: &State, job: &Value) -> Vec<Arc<Value>> {
    state.owned_by(object::uid(job), resource::PODS)
}

fn count(state: &State, job: &Value) -> Counts {
    let pods = own_pods(state, job);
    let in_phase = |phase: &str| pods.iter().filter(|pod| object::text(pod, "/status/phase") == phase).count() as i64;
    Counts {
        active: pods.iter().filter(|pod| pods::is_active(pod)).count() as i64,
        ready: pods.iter().filter(|pod| pods::is_active(pod) && pods::is_ready(pod)).count() as i64,
        succeeded: in_phase("Succeeded"),
        failed: in_phase("Failed"),
    }
}

/// Creates missing pods, or comes back when the back-off after a failure is over.
fn fill(state: &mut State, job: &Value, counts: &Counts, completions: i64) -> Option<Wake> {
    let missing = object::number(job, "/spec/parallelism").min(completions - counts.succeeded) - counts.active;
    if missing > 0 && counts.failed > 0 {
        let wait = SignedDuration::from_secs(BACK_OFF << (counts.failed - 1).clamp(0, 5));
        let at = later(last_failure(state, job), wait);
        if at > state.now {
            return Some(Wake { at, urgency: Urgency::Progress });
        }
    }
    for _ in 0..missing {
        let suffix = object::short_suffix(&format!("{}/{}", object::name(job), state.revision()));
        let mut pod = pods::from_template(&job["spec"]["template"], job, &format!("{}-{suffix}", object::name(job)));
        object::set(&mut pod, &["metadata", "generateName"], json!(format!("{}-", object::name(job))));
        pods::create(state, job, COMPONENT, pod);
    }
    None
}

fn last_failure(state: &State, job: &Value) -> jiff::Timestamp {
    let pods = own_pods(state, job);
    let failed = pods.iter().filter(|pod| object::text(pod, "/status/phase") == "Failed");
    failed.filter_map(|pod| object::time(object::condition(pod, "Ready")?, "/lastTransitionTime")).max().unwrap_or_default()
}

fn status(job: &Value, counts: &Counts, end: Option<(&str, &str, &str)>, now: jiff::Timestamp) -> Value {
    let started = job["status"]["startTime"].clone();
    let mut status = json!({ "startTime": if started.is_null() { object::stamp(now) } else { started } });
    status["ready"] = json!(counts.ready);
    status["terminating"] = json!(0);
    status["uncountedTerminatedPods"] = json!({});
    for (field, count) in [("active", counts.active), ("succeeded", counts.succeeded), ("failed", counts.failed)] {
        if count > 0 {
            status[field] = json!(count);
        }
    }
    let mut conditions = object::list(job, "/status/conditions").to_vec();
    set_suspended(job, &mut conditions, now);
    if !conditions.is_empty() {
        status["conditions"] = Value::Array(conditions.clone());
    }
    let Some((kind, reason, message)) = end else { return status };
    let before = if kind == "Complete" { "SuccessCriteriaMet" } else { "FailureTarget" };
    for kind in [before, kind] {
        set_plain(&mut conditions, &Condition { kind, status: "True", reason, message }, now);
    }
    status["conditions"] = Value::Array(conditions);
    if kind == "Complete" {
        status["completionTime"] = object::stamp(now);
    }
    status
}

/// The condition is there from the first suspension on.
fn set_suspended(job: &Value, conditions: &mut Vec<Value>, now: jiff::Timestamp) {
    let is_suspended = object::flag(job, "/spec/suspend");
    let (status, reason, message) =
        if is_suspended { ("True", "JobSuspended", "Job suspended") } else { ("False", "JobResumed", "Job resumed") };
    let known = conditions.iter().find(|it| it["type"] == "Suspended");
    if known.map_or(is_suspended, |known| known["status"] != status) {
        set_plain(conditions, &Condition { kind: "Suspended", status, reason, message }, now);
    }
}
