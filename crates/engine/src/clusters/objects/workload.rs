//! Deployments, StatefulSets and DaemonSets as one thing: a workload.

use super::owner::{edited, managed_by};
use super::template::{Template, containers, references};
use super::{Condition, REVISION, annotation, created};
use domain::changes::{CAUSE_ANNOTATION, CHANGE_ANNOTATION};
use domain::clusters::{Present, Workload, WorkloadKey, WorkloadKind, template_hash};
use k8s_openapi::api::apps::v1;
use k8s_openapi::apimachinery::pkg::apis::meta::v1::ObjectMeta;
use kube::Resource;
use serde::Deserialize;
use serde_json::Value;

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
    pod_management_policy: String,
    template: Template,
    volume_claim_templates: Vec<ClaimTemplate>,
    update_strategy: UpdateStrategy,
}

#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default)]
struct ClaimTemplate {
    metadata: ObjectMeta,
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
    current_replicas: i64,
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
    /// Whole: its hash says which ControllerRevision is the present one.
    template: Value,
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
    let templates = spec.volume_claim_templates.iter().filter_map(|template| template.metadata.name.clone());
    let mut set = workload(WorkloadKind::StatefulSet, &metadata, spec.template);
    set.references.claims.extend(templates);
    Workload {
        observed_generation: status.observed_generation,
        on_delete: spec.update_strategy.kind == "OnDelete",
        parallel: spec.pod_management_policy == "Parallel",
        old_below: spec.update_strategy.rolling_update.as_ref().map_or(status.current_replicas, |r| r.partition.unwrap_or(0)),
        partition: spec.update_strategy.rolling_update.and_then(|r| r.partition).unwrap_or(0),
        desired: spec.replicas.unwrap_or(1),
        replicas: status.replicas,
        updated: status.updated_replicas,
        ready: status.ready_replicas,
        available: status.available_replicas,
        revisions_agree: status.current_revision == status.update_revision,
        present: Present::Named(status.update_revision),
        ..set
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
        present: Present::Template(template_hash(&spec.template)),
        ..workload(WorkloadKind::DaemonSet, &metadata, Template::deserialize(&spec.template).unwrap_or_default())
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
        parallel: false,
        old_below: 0,
        partition: 0,
        desired: 0,
        replicas: 0,
        updated: 0,
        ready: 0,
        available: 0,
        revisions_agree: true,
        present: Present::Number(annotation(metadata, REVISION).and_then(|text| text.parse().ok())),
        stalled: None,
        replica_failure: None,
        labels: template.metadata.labels.clone().into(),
        references: references(&template.spec),
        containers: containers(template),
        managed_by: managed_by(metadata),
        edited: edited(metadata),
        change: annotation(metadata, CHANGE_ANNOTATION).map(str::to_owned),
        cause: annotation(metadata, CAUSE_ANNOTATION).map(str::to_owned),
    }
}

fn key(kind: WorkloadKind, metadata: &ObjectMeta) -> WorkloadKey {
    WorkloadKey { kind, namespace: metadata.namespace.clone().unwrap_or_default(), name: metadata.name.clone().unwrap_or_default() }
}

/// A workload as a live read gave it; None when it does not read as one.
pub fn workload_of(kind: WorkloadKind, object: &Value) -> Option<Workload> {
    match kind {
        WorkloadKind::Deployment => DeploymentObject::deserialize(object).ok().map(deployment),
        WorkloadKind::StatefulSet => StatefulSetObject::deserialize(object).ok().map(stateful_set),
        WorkloadKind::DaemonSet => DaemonSetObject::deserialize(object).ok().map(daemon_set),
    }
}
