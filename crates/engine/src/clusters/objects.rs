//! The parts of Kubernetes objects that the portal reads, and how they become the domain's facts. Nothing else of an object
//! is kept: memory grows with what is shown.

use domain::Time;
use domain::changes::plan::VERSION_LABEL;
use domain::changes::{CAUSE_ANNOTATION, CHANGE_ANNOTATION};
use domain::clusters::{Container, Pod, PodContainer, ReplicaSet, Waiting, Workload, WorkloadKey, WorkloadKind};
use domain::releases::ImageRef;
use k8s_openapi::api::{apps::v1, core::v1 as core};
use k8s_openapi::apimachinery::pkg::apis::meta::v1::ObjectMeta;
use kube::Resource;
use serde::Deserialize;
use std::collections::BTreeMap;

const REVISION: &str = "deployment.kubernetes.io/revision";

#[derive(Clone, Debug, Deserialize, Resource)]
#[resource(inherit = v1::Deployment)]
pub struct DeploymentObject {
    pub metadata: ObjectMeta,
    #[serde(default)]
    spec: DeploymentSpec,
    #[serde(default)]
    status: DeploymentStatus,
}

#[derive(Clone, Debug, Default, Deserialize)]
struct DeploymentSpec {
    replicas: Option<i64>,
    #[serde(default)]
    paused: bool,
    #[serde(default)]
    template: Template,
}

#[derive(Clone, Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
struct DeploymentStatus {
    observed_generation: i64,
    replicas: i64,
    updated_replicas: i64,
    ready_replicas: i64,
    available_replicas: i64,
    conditions: Vec<Condition>,
}

#[derive(Clone, Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
struct Condition {
    #[serde(rename = "type")]
    kind: String,
    status: String,
    reason: String,
    message: String,
    last_update_time: Option<Time>,
}

#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default)]
struct Template {
    metadata: TemplateMetadata,
    spec: PodSpec,
}

#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default)]
struct TemplateMetadata {
    labels: BTreeMap<String, String>,
    annotations: BTreeMap<String, String>,
}

impl TemplateMetadata {
    /// What CI noted of the build. Notes outlive a change of the image by hand, so they count only while the version label,
    /// which CI sets with them, is the image's tag.
    fn note(&self, key: &str, containers: &[Container]) -> Option<String> {
        let version = self.labels.get(VERSION_LABEL)?;
        let same = containers.iter().any(|c| ImageRef::parse(&c.image).and_then(|image| image.tag).as_ref() == Some(version));
        same.then(|| self.annotations.get(key).cloned())?
    }
}

#[derive(Clone, Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
struct PodSpec {
    containers: Vec<ContainerSpec>,
    node_name: String,
}

#[derive(Clone, Debug, Deserialize)]
struct ContainerSpec {
    name: String,
    #[serde(default)]
    image: String,
}

#[derive(Clone, Debug, Deserialize, Resource)]
#[resource(inherit = v1::StatefulSet)]
pub struct StatefulSetObject {
    pub metadata: ObjectMeta,
    #[serde(default)]
    spec: StatefulSetSpec,
    #[serde(default)]
    status: StatefulSetStatus,
}

#[derive(Clone, Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
struct StatefulSetSpec {
    replicas: Option<i64>,
    template: Template,
    update_strategy: UpdateStrategy,
}

#[derive(Clone, Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
struct UpdateStrategy {
    #[serde(rename = "type")]
    kind: String,
    rolling_update: Option<RollingUpdate>,
}

#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default)]
struct RollingUpdate {
    partition: Option<i64>,
}

#[derive(Clone, Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
struct StatefulSetStatus {
    observed_generation: i64,
    replicas: i64,
    updated_replicas: i64,
    ready_replicas: i64,
    available_replicas: i64,
    current_revision: String,
    update_revision: String,
}

#[derive(Clone, Debug, Deserialize, Resource)]
#[resource(inherit = v1::DaemonSet)]
pub struct DaemonSetObject {
    pub metadata: ObjectMeta,
    #[serde(default)]
    spec: DaemonSetSpec,
    #[serde(default)]
    status: DaemonSetStatus,
}

#[derive(Clone, Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
struct DaemonSetSpec {
    template: Template,
    update_strategy: UpdateStrategy,
}

#[derive(Clone, Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
struct DaemonSetStatus {
    observed_generation: i64,
    desired_number_scheduled: i64,
    current_number_scheduled: i64,
    updated_number_scheduled: i64,
    number_ready: i64,
    number_available: i64,
}

#[derive(Clone, Debug, Deserialize, Resource)]
#[resource(inherit = v1::ReplicaSet)]
pub struct ReplicaSetObject {
    pub metadata: ObjectMeta,
    #[serde(default)]
    spec: ReplicaSetSpec,
}

#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default)]
struct ReplicaSetSpec {
    replicas: Option<i64>,
    template: Template,
}

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

pub fn deployment(object: DeploymentObject) -> Workload {
    let DeploymentObject { metadata, spec, status } = object;
    let condition = |kind: &str| status.conditions.iter().find(|c| c.kind == kind);
    let progressing = condition("Progressing");
    Workload {
        observed_generation: status.observed_generation,
        progressed: progressing.and_then(|c| c.last_update_time),
        paused: spec.paused,
        desired: spec.replicas.unwrap_or(1),
        replicas: status.replicas,
        updated: status.updated_replicas,
        ready: status.ready_replicas,
        available: status.available_replicas,
        stalled: progressing.filter(|c| c.status == "False").map(|c| (c.reason.clone(), c.message.clone())),
        replica_failure: condition("ReplicaFailure").filter(|c| c.status == "True").map(|c| c.message.clone()),
        ..workload(WorkloadKind::Deployment, &metadata, spec.template)
    }
}

pub fn stateful_set(object: StatefulSetObject) -> Workload {
    let StatefulSetObject { metadata, spec, status } = object;
    Workload {
        observed_generation: status.observed_generation,
        on_delete: spec.update_strategy.kind == "OnDelete",
        partition: spec.update_strategy.rolling_update.and_then(|r| r.partition).unwrap_or(0),
        desired: spec.replicas.unwrap_or(1),
        replicas: status.replicas,
        updated: status.updated_replicas,
        ready: status.ready_replicas,
        available: status.available_replicas,
        revisions_agree: status.current_revision == status.update_revision,
        ..workload(WorkloadKind::StatefulSet, &metadata, spec.template)
    }
}

pub fn daemon_set(object: DaemonSetObject) -> Workload {
    let DaemonSetObject { metadata, spec, status } = object;
    Workload {
        observed_generation: status.observed_generation,
        on_delete: spec.update_strategy.kind == "OnDelete",
        desired: status.desired_number_scheduled,
        replicas: status.current_number_scheduled,
        updated: status.updated_number_scheduled,
        ready: status.number_ready,
        available: status.number_available,
        ..workload(WorkloadKind::DaemonSet, &metadata, spec.template)
    }
}

fn workload(kind: WorkloadKind, metadata: &ObjectMeta, template: Template) -> Workload {
    Workload {
        key: key(kind, metadata),
        uid: metadata.uid.clone().unwrap_or_default(),
        generation: metadata.generation.unwrap_or_default(),
        observed_generation: 0,
        created: created(metadata),
        progressed: None,
        paused: false,
        on_delete: false,
        partition: 0,
        desired: 0,
        replicas: 0,
        updated: 0,
        ready: 0,
        available: 0,
        revision: annotation(metadata, REVISION).and_then(|text| text.parse().ok()),
        revisions_agree: true,
        stalled: None,
        replica_failure: None,
        containers: containers(template),
        managed_by: managed_by(metadata),
        change: annotation(metadata, CHANGE_ANNOTATION).map(str::to_owned),
        cause: annotation(metadata, CAUSE_ANNOTATION).map(str::to_owned),
    }
}

pub fn key(kind: WorkloadKind, metadata: &ObjectMeta) -> WorkloadKey {
    WorkloadKey { kind, namespace: metadata.namespace.clone().unwrap_or_default(), name: metadata.name.clone().unwrap_or_default() }
}

fn containers(template: Template) -> Vec<Container> {
    template.spec.containers.into_iter().map(|c| Container { name: c.name, image: c.image }).collect()
}

/// The GitOps tool that would undo our writes, by the marks that these tools leave.
fn managed_by(metadata: &ObjectMeta) -> Option<String> {
    let has = |key: &str| annotation(metadata, key).is_some() || label(metadata, key).is_some();
    if has("argocd.argoproj.io/tracking-id") || has("argocd.argoproj.io/instance") {
        return Some("Argo CD".into());
    }
    if has("kustomize.toolkit.fluxcd.io/name") || has("helm.toolkit.fluxcd.io/name") {
        return Some("Flux".into());
    }
    None
}

pub fn replica_set(object: ReplicaSetObject) -> Option<ReplicaSet> {
    let ReplicaSetObject { metadata, spec } = object;
    let notes = spec.template.metadata.clone();
    let images = containers(spec.template);
    Some(ReplicaSet {
        namespace: metadata.namespace.clone()?,
        name: metadata.name.clone()?,
        uid: metadata.uid.clone()?,
        owner: controller(&metadata)?,
        revision: annotation(&metadata, REVISION)?.parse().ok()?,
        created: created(&metadata),
        desired: spec.replicas.unwrap_or(1),
        cause: annotation(&metadata, CAUSE_ANNOTATION).map(str::to_owned),
        commit: notes.note("devmatrix.io/commit", &images),
        author: notes.note("devmatrix.io/author", &images),
        images,
        change: annotation(&metadata, CHANGE_ANNOTATION).map(str::to_owned),
    })
}

pub fn pod(object: PodObject) -> Option<Pod> {
    let PodObject { metadata, spec, status } = object;
    let condition = |kind: &str| status.conditions.iter().find(|c| c.kind == kind);
    let unschedulable = condition("PodScheduled").filter(|c| c.status == "False" && c.reason == "Unschedulable").map(|c| c.message.clone());
    Some(Pod {
        namespace: metadata.namespace.clone()?,
        name: metadata.name.clone()?,
        owner: controller(&metadata)?,
        created: created(&metadata),
        ready: condition("Ready").is_some_and(|c| c.status == "True"),
        deleting: metadata.deletion_timestamp.is_some(),
        node: spec.node_name,
        unschedulable,
        containers: status.init_container_statuses.into_iter().chain(status.container_statuses).map(pod_container).collect(),
        phase: status.phase,
    })
}

fn pod_container(status: ContainerStatus) -> PodContainer {
    let exit = status.last_state.terminated.or(status.state.terminated).filter(|t| t.exit_code != 0 || t.reason != "Completed");
    PodContainer {
        name: status.name,
        image_id: status.image_id,
        restarts: status.restart_count,
        waiting: status.state.waiting.map(|w| Waiting { reason: w.reason, message: w.message }),
        last_exit: exit.map(|t| format!("exit code {}, {}", t.exit_code, t.reason)),
    }
}

fn controller(metadata: &ObjectMeta) -> Option<String> {
    metadata.owner_references.as_ref()?.iter().find(|owner| owner.controller == Some(true)).map(|owner| owner.uid.clone())
}

fn created(metadata: &ObjectMeta) -> Time {
    metadata.creation_timestamp.as_ref().map_or(Time(0), |time| Time(time.0.as_millisecond()))
}

fn annotation<'a>(metadata: &'a ObjectMeta, key: &str) -> Option<&'a str> {
    metadata.annotations.as_ref()?.get(key).map(String::as_str)
}

fn label<'a>(metadata: &'a ObjectMeta, key: &str) -> Option<&'a str> {
    metadata.labels.as_ref()?.get(key).map(String::as_str)
}

/// A workload as a live read gave it; None when it does not read as one.
pub fn workload_of(kind: WorkloadKind, object: &serde_json::Value) -> Option<Workload> {
    match kind {
        WorkloadKind::Deployment => DeploymentObject::deserialize(object).ok().map(deployment),
        WorkloadKind::StatefulSet => StatefulSetObject::deserialize(object).ok().map(stateful_set),
        WorkloadKind::DaemonSet => DaemonSetObject::deserialize(object).ok().map(daemon_set),
    }
}
