//! How far a rollout is, decided as `kubectl rollout status` decides it (kubectl, polymorphichelpers/rollout_status.go),
//! and what a pod that cannot start says.

use super::{Pod, Workload, WorkloadKind};
use crate::words::{are, count, some_of};
use serde::{Deserialize, Serialize};

#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Rollout {
    /// Not done: why, in words.
    Waiting(String),
    /// The controller gave up.
    Failed(String),
    Complete,
}

/// kubectl's order of questions; the first that applies answers.
pub fn rollout(w: &Workload) -> Rollout {
    if w.generation > w.observed_generation || (w.key.kind == WorkloadKind::StatefulSet && w.observed_generation == 0) {
        return Rollout::Waiting("the controller has not seen the new spec yet".into());
    }
    match w.key.kind {
        WorkloadKind::Deployment => deployment(w),
        WorkloadKind::DaemonSet => daemon_set(w),
        WorkloadKind::StatefulSet => stateful_set(w),
    }
}

fn deployment(w: &Workload) -> Rollout {
    if let Some((reason, message)) = &w.stalled
        && reason == "ProgressDeadlineExceeded"
    {
        return Rollout::Failed(format!("{reason}: {message}"));
    }
    if w.updated < w.desired {
        return Rollout::Waiting(format!("{} of {} have been made", w.updated, count(w.desired, "new pod")));
    }
    if w.replicas > w.updated {
        let old = w.replicas - w.updated;
        return Rollout::Waiting(format!("{} {} still ending", count(old, "old pod"), are(old)));
    }
    if w.available < w.updated {
        return Rollout::Waiting(format!("{} available", some_of(w.available, w.updated, "new pod")));
    }
    Rollout::Complete
}

fn daemon_set(w: &Workload) -> Rollout {
    if w.on_delete {
        return Rollout::Complete;
    }
    if w.updated < w.desired {
        return Rollout::Waiting(format!("the new pod is on {} of {}", w.updated, count(w.desired, "node")));
    }
    if w.available < w.desired {
        return Rollout::Waiting(format!("{} available", some_of(w.available, w.desired, "new pod")));
    }
    Rollout::Complete
}

fn stateful_set(w: &Workload) -> Rollout {
    if w.on_delete {
        return Rollout::Complete;
    }
    if w.ready < w.desired {
        return Rollout::Waiting(format!("{} ready", some_of(w.ready, w.desired, "pod")));
    }
    if w.partition > 0 {
        let wanted = w.desired - w.partition;
        if w.updated < wanted {
            return Rollout::Waiting(format!("{} new, above the partition", some_of(w.updated, wanted, "pod")));
        }
        return Rollout::Complete;
    }
    if !w.revisions_agree {
        return Rollout::Waiting(format!("{} new", some_of(w.updated, w.desired, "pod")));
    }
    Rollout::Complete
}

/// A failing pod's own words.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
pub struct PodSaid {
    pub pod: String,
    pub container: String,
    /// Kubernetes' reason: `ImagePullBackOff`, `CrashLoopBackOff`…
    pub reason: String,
    pub message: String,
}

/// Reasons that waiting does not heal: the kubelet is already backing off, or never will try again.
/// (`ErrImagePull` is the first failed try and often heals; `ImagePullBackOff` follows when it does not.)
const HOPELESS: [&str; 7] = [
    "ImagePullBackOff",
    "InvalidImageName",
    "ErrImageNeverPull",
    "CrashLoopBackOff",
    "CreateContainerConfigError",
    "CreateContainerError",
    "RunContainerError",
];

/// What keeps this pod from running, if anything does.
pub fn said(pod: &Pod) -> Option<PodSaid> {
    if pod.deleting {
        return None;
    }
    if let Some(message) = &pod.unschedulable {
        let (pod, message) = (pod.name.to_string(), message.to_string());
        return Some(PodSaid { pod, container: String::new(), reason: "Unschedulable".into(), message });
    }
    pod.containers.iter().find_map(|container| {
        let waiting = container.waiting.as_ref().filter(|w| HOPELESS.contains(&w.reason.as_str()))?;
        let exit = container.last_exit.as_ref().map(|exit| format!(" (last run: {exit})")).unwrap_or_default();
        Some(PodSaid {
            pod: pod.name.to_string(),
            container: container.name.to_string(),
            reason: waiting.reason.clone(),
            message: format!("{}{exit}", waiting.message),
        })
    })
}

/// The first pod that cannot start, by name so that the answer does not flicker.
pub fn failing_pod<'a>(pods: impl IntoIterator<Item = &'a Pod>) -> Option<PodSaid> {
    pods.into_iter().filter_map(said).min_by(|a, b| a.pod.cmp(&b.pod))
}
