//! The status of a pod as its kubelet reports it.
//!
//! Invariant: a function of the pod, its containers and the time; conditions keep the time of their last transition.

use super::container::{Container, Stage, full_name};
use crate::controllers::conditions::{Condition, set_plain};
use crate::controllers::pods::qos_class;
use crate::image;
use crate::object;
use jiff::Timestamp;
use serde_json::{Value, json};

pub(crate) fn status(pod: &Value, host: &str, containers: &[Container], now: Timestamp) -> Value {
    let mut status = pod["status"].clone();
    if !status.is_object() {
        status = json!({});
    }
    let phase = phase(containers);
    status["phase"] = json!(phase);
    status["qosClass"] = json!(qos_class(pod));
    status["hostIP"] = json!(host);
    status["hostIPs"] = json!([{ "ip": host }]);
    if phase != "Pending" {
        let ip = address(object::name(pod));
        status["podIP"] = json!(ip);
        status["podIPs"] = json!([{ "ip": ip }]);
    }
    let init = object::list(pod, "/spec/initContainers");
    if !init.is_empty() {
        status["initContainerStatuses"] = init.iter().map(|spec| init_status(pod, spec, &status["startTime"])).collect();
    }
    status["containerStatuses"] = containers.iter().map(|it| container_status(pod, it)).collect();
    let mut conditions = object::list(&status, "/conditions").to_vec();
    set_conditions(&mut conditions, phase, containers, now);
    status["conditions"] = Value::Array(conditions);
    status
}

/// The status of a pod that has been running and ready since `since`, on the node at `host`.
pub(crate) fn steady(pod: &Value, host: &str, since: Timestamp) -> Value {
    let specs = object::list(pod, "/spec/containers").iter();
    let ready: Vec<Container> = specs.map(|spec| Container::ready(pod, spec, since)).collect();
    let mut begun = pod.clone();
    begun["status"] = json!({ "startTime": object::stamp(since) });
    status(&begun, host, &ready, since)
}

/// The status of a pod that no node takes.
pub(crate) fn unschedulable(pod: &Value, why: &str, now: Timestamp) -> Value {
    let mut conditions = object::list(pod, "/status/conditions").to_vec();
    let condition = Condition { kind: "PodScheduled", status: "False", reason: "Unschedulable", message: why };
    set_plain(&mut conditions, &condition, now);
    json!({ "phase": "Pending", "qosClass": qos_class(pod), "conditions": conditions })
}

fn phase(containers: &[Container]) -> &'static str {
    let any = |holds: &dyn Fn(Stage) -> bool| containers.iter().any(|it| holds(it.stage));
    let is_waiting = |stage| matches!(stage, Stage::Creating | Stage::PullFailed | Stage::PullBackOff);
    let is_ended = |stage| matches!(stage, Stage::Ended(_));
    if any(&is_waiting) {
        "Pending"
    } else if !containers.iter().all(|it| is_ended(it.stage)) {
        "Running"
    } else if any(&|stage| matches!(stage, Stage::Ended(code) if code != 0)) {
        "Failed"
    } else {
        "Succeeded"
    }
}

fn set_conditions(conditions: &mut Vec<Value>, phase: &str, containers: &[Container], now: Timestamp) {
    let unready: Vec<&str> = containers.iter().filter(|it| it.stage != Stage::Ready).map(|it| it.name.as_str()).collect();
    let message = format!("containers with unready status: [{}]", unready.join(" "));
    let (ready, reason, message) = match phase {
        "Succeeded" => ("False", "PodCompleted", ""),
        "Failed" => ("False", "PodFailed", ""),
        _ if unready.is_empty() => ("True", "", ""),
        _ => ("False", "ContainersNotReady", message.as_str()),
    };
    for (kind, status, reason, message) in [
        ("PodReadyToStartContainers", "True", "", ""),
        ("Initialized", "True", "", ""),
        ("Ready", ready, reason, message),
        ("ContainersReady", ready, reason, message),
        ("PodScheduled", "True", "", ""),
    ] {
        set_plain(conditions, &Condition { kind, status, reason, message }, now);
    }
}

fn container_status(pod: &Value, it: &Container) -> Value {
    let has_run = !matches!(it.stage, Stage::Creating | Stage::PullFailed | Stage::PullBackOff);
    let mut status = json!({
        "name": it.name, "image": it.image, "imageID": "", "ready": it.stage == Stage::Ready,
        "started": matches!(it.stage, Stage::Ready | Stage::Running), "restartCount": it.restarts,
        "state": container_state(pod, it), "lastState": {},
    });
    if has_run {
        status["imageID"] = json!(image::digest_of(&it.image));
        status["containerID"] = json!(container_id(pod, &it.name, it.restarts));
    }
    // While it stands exited, the failed run is its present state; afterwards it is the last one.
    if let (Some((started, ended)), false) = (it.last, matches!(it.stage, Stage::Crashed | Stage::Ended(_))) {
        status["lastState"] = terminated(pod, it, 1, started, ended);
    }
    status
}

fn container_state(pod: &Value, it: &Container) -> Value {
    match it.stage {
        Stage::Creating => json!({ "waiting": { "reason": "ContainerCreating" } }),
        Stage::PullFailed => json!({ "waiting": { "reason": "ErrImagePull", "message": it.pull_error() } }),
        Stage::PullBackOff => {
            let message = format!("Back-off pulling image \"{}\"", it.image);
            json!({ "waiting": { "reason": "ImagePullBackOff", "message": message } })
        }
        Stage::Running | Stage::Ready => json!({ "running": { "startedAt": object::stamp(it.started) } }),
        Stage::Crashed => {
            let (started, ended) = it.last.unwrap_or((it.started, it.started));
            terminated(pod, it, 1, started, ended)
        }
        Stage::CrashBackOff => {
            let wait = back_off_text(it.back_off().as_secs());
            let message = format!("back-off {wait} restarting failed container={} pod={}", it.name, full_name(pod));
            json!({ "waiting": { "reason": "CrashLoopBackOff", "message": message } })
        }
        Stage::Ended(code) => terminated(pod, it, code, it.started, it.last.map_or(it.started, |(_, ended)| ended)),
    }
}

/// Go's way to write a duration: 40s, 2m40s, 5m0s.
fn back_off_text(seconds: i64) -> String {
    if seconds < 60 { format!("{seconds}s") } else { format!("{}m{}s", seconds / 60, seconds % 60) }
}

fn terminated(pod: &Value, it: &Container, code: i64, started: Timestamp, ended: Timestamp) -> Value {
    let reason = if code == 0 { "Completed" } else { "Error" };
    json!({ "terminated": {
        "exitCode": code, "reason": reason, "startedAt": object::stamp(started), "finishedAt": object::stamp(ended),
        "containerID": container_id(pod, &it.name, it.restarts),
    } })
}

/// As long as a real one, and cheap: thousands of pods are placed at once.
fn container_id(pod: &Value, name: &str, restarts: i64) -> String {
    let seed = format!("{}/{name}/{restarts}", object::uid(pod));
    let words = (0..8).map(|word| format!("{:08x}", object::hash(format!("{word}/{seed}").as_bytes())));
    format!("containerd://{}", words.collect::<String>())
}

/// Init containers always succeed.
fn init_status(pod: &Value, spec: &Value, at: &Value) -> Value {
    let (name, image) = (object::name_of(spec), object::text(spec, "/image"));
    let done = json!({ "exitCode": 0, "reason": "Completed", "startedAt": at, "finishedAt": at });
    json!({
        "name": name, "image": image, "imageID": image::digest_of(image), "ready": true, "started": false,
        "restartCount": 0, "state": { "terminated": done }, "lastState": {},
        "containerID": container_id(pod, name, 0),
    })
}

fn address(pod: &str) -> String {
    let [_, high, low, last] = object::hash(pod.as_bytes()).to_be_bytes();
    format!("10.{}.{low}.{}", 244 + high % 4, 2 + last % 250)
}
