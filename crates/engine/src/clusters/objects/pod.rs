//! Pods: phase, readiness, and what their containers say.

use super::template::PodSpec;
use super::{Condition, REVISION_HASH, annotation, controller, created, label, named};
use domain::clusters::{Bare, Pod, PodContainer, Waiting};
use k8s_openapi::api::core::v1 as core;
use k8s_openapi::apimachinery::pkg::apis::meta::v1::ObjectMeta;
use kube::Resource;
use serde::Deserialize;

#[derive(Clone, Debug, Deserialize, Resource)]
#[resource(inherit = core::Pod)]
pub struct PodObject {
    pub metadata: ObjectMeta,
    #[serde(default)]
    spec: PodSpec,
    #[serde(default)]
    status: PodStatus,
}

#[derive(Clone, Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
struct PodStatus {
    phase: String,
    conditions: Vec<Condition>,
    container_statuses: Vec<ContainerStatus>,
    init_container_statuses: Vec<ContainerStatus>,
}

#[derive(Clone, Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
struct ContainerStatus {
    name: String,
    #[serde(rename = "imageID")]
    image_id: String,
    restart_count: i64,
    state: ContainerState,
    last_state: ContainerState,
}

#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default)]
struct ContainerState {
    waiting: Option<WaitingState>,
    terminated: Option<TerminatedState>,
}

#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default)]
struct WaitingState {
    reason: String,
    message: String,
}

#[derive(Clone, Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
struct TerminatedState {
    exit_code: i64,
    reason: String,
}

pub fn pod(object: PodObject) -> Option<Pod> {
    let PodObject { metadata, spec, status } = object;
    let condition = |kind: &str| status.conditions.iter().find(|c| c.kind == kind);
    let unschedulable = condition("PodScheduled").filter(|c| c.status == "False" && c.reason == "Unschedulable");
    Some(Pod {
        namespace: metadata.namespace.as_deref()?.into(),
        name: metadata.name.as_deref()?.into(),
        owner: controller(&metadata).map(|owner| owner.uid.as_str()).unwrap_or_default().into(),
        bare: bare(&metadata, &spec),
        created: created(&metadata),
        revision: label(&metadata, REVISION_HASH).unwrap_or_default().into(),
        ready: condition("Ready").is_some_and(|c| c.status == "True"),
        ready_at: condition("Ready").filter(|c| c.status == "True").and_then(|c| c.last_transition_time),
        deleting: metadata.deletion_timestamp.is_some(),
        node: spec.node_name.into(),
        unschedulable: unschedulable.map(|c| c.message.as_str().into()),
        containers: status.init_container_statuses.into_iter().chain(status.container_statuses).map(pod_container).collect(),
        phase: status.phase.into(),
    })
}

/// The kubelet puts this on the mirror of a static pod, and the Node is its owner (kubernetes, pkg/kubelet/types).
const MIRROR: &str = "kubernetes.io/config.mirror";

/// None: a workload made it, which says what it is made of.
fn bare(metadata: &ObjectMeta, spec: &PodSpec) -> Option<Box<Bare>> {
    let owner = controller(metadata);
    if owner.is_some_and(|owner| matches!(owner.kind.as_str(), "ReplicaSet" | "StatefulSet" | "DaemonSet" | "Job")) {
        return None;
    }
    let mirror = annotation(metadata, MIRROR).is_some() || owner.is_some_and(|owner| owner.kind == "Node");
    Some(Box::new(Bare { made_by: owner.map(named).unwrap_or_default(), mirror, images: spec.images() }))
}

fn pod_container(status: ContainerStatus) -> PodContainer {
    let exit = status.last_state.terminated.or(status.state.terminated).filter(|t| t.exit_code != 0 || t.reason != "Completed");
    PodContainer {
        name: status.name.into(),
        image_id: status.image_id.into(),
        restarts: status.restart_count,
        waiting: status.state.waiting.map(|w| Box::new(Waiting { reason: w.reason, message: w.message })),
        last_exit: exit.map(|t| format!("exit code {}, {}", t.exit_code, t.reason).into()),
    }
}
