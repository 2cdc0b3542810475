//! The parts of Kubernetes objects that the portal reads, and how they become the domain's facts. Nothing else of an object
//! is kept: memory grows with what is shown.

use super::live::FIELD_MANAGER;
use domain::Time;
use domain::changes::plan::VERSION_LABEL;
use domain::changes::{CAUSE_ANNOTATION, CHANGE_ANNOTATION};
use domain::clusters::{
    Container, Edit, Manager, Pod, PodContainer, Present, References, Revision, Waiting, Workload, WorkloadKey, WorkloadKind, template_hash,
};
use domain::releases::ImageRef;
use k8s_openapi::api::{apps::v1, core::v1 as core};
use k8s_openapi::apimachinery::pkg::apis::meta::v1::{ManagedFieldsEntry, ObjectMeta};
use kube::Resource;
use serde::Deserialize;
use serde_json::Value;
use std::collections::BTreeMap;

/// The hash that a controller gave a ControllerRevision's pods.
const REVISION_HASH: &str = "controller-revision-hash";
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
    last_transition_time: Option<Time>,
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
    init_containers: Vec<ContainerSpec>,
    volumes: Vec<Volume>,
    node_name: String,
}

#[derive(Clone, Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
struct ContainerSpec {
    name: String,
    image: String,
    ports: Vec<Port>,
    resources: Resources,
    env: Vec<Variable>,
    env_from: Vec<Source>,
}

#[derive(Clone, Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
struct Port {
    container_port: i64,
}

#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default)]
struct Resources {
    limits: BTreeMap<String, Value>,
    requests: BTreeMap<String, Value>,
}

#[derive(Clone, Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
struct Variable {
    value_from: Option<Source>,
}

/// What refers to a ConfigMap or a Secret: from a variable, from all variables, from a volume.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
struct Source {
    #[serde(alias = "configMapKeyRef", alias = "configMapRef")]
    config_map: Option<Named>,
    #[serde(alias = "secretKeyRef", alias = "secretRef")]
    secret: Option<Named>,
}

#[derive(Clone, Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
struct Named {
    #[serde(alias = "secretName")]
    name: String,
    optional: bool,
}

#[derive(Clone, Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
struct Volume {
    #[serde(flatten)]
    source: Source,
    projected: Option<Projected>,
    persistent_volume_claim: Option<ClaimRef>,
}

#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default)]
struct Projected {
    sources: Vec<Source>,
}

#[derive(Clone, Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
struct ClaimRef {
    claim_name: String,
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
#[resource(inherit = v1::ControllerRevision)]
pub struct ControllerRevisionObject {
    pub metadata: ObjectMeta,
    #[serde(default)]
    data: Value,
    #[serde(default)]
    revision: i64,
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
    let templates = spec.volume_claim_templates.iter().filter_map(|template| template.metadata.name.clone());
    let mut set = workload(WorkloadKind::StatefulSet, &metadata, spec.template);
    set.references.claims.extend(templates);
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
        labels: template.metadata.labels.clone(),
        references: references(&template.spec),
        containers: containers(template),
        managed_by: managed_by(metadata),
        edited: edited(metadata),
        change: annotation(metadata, CHANGE_ANNOTATION).map(str::to_owned),
        cause: annotation(metadata, CAUSE_ANNOTATION).map(str::to_owned),
    }
}

pub fn key(kind: WorkloadKind, metadata: &ObjectMeta) -> WorkloadKey {
    WorkloadKey { kind, namespace: metadata.namespace.clone().unwrap_or_default(), name: metadata.name.clone().unwrap_or_default() }
}

fn containers(template: Template) -> Vec<Container> {
    template.spec.containers.into_iter().map(container).collect()
}

fn container(spec: ContainerSpec) -> Container {
    let size = |key: &str| spec.resources.limits.get(key).or(spec.resources.requests.get(key)).map(quantity);
    Container {
        cpu: size("cpu"),
        memory: size("memory"),
        ports: spec.ports.iter().map(|port| port.container_port).collect(),
        name: spec.name,
        image: spec.image,
    }
}

/// A quantity may be written as a number.
fn quantity(value: &Value) -> String {
    value.as_str().map_or_else(|| value.to_string(), str::to_owned)
}

/// The same of a pod's spec as it was read elsewhere.
pub fn references_of(spec: &Value) -> References {
    PodSpec::deserialize(spec).map(|spec| references(&spec)).unwrap_or_default()
}

/// The ConfigMaps, Secrets and claims that pods of this template need, by name.
fn references(spec: &PodSpec) -> References {
    let containers = || spec.containers.iter().chain(&spec.init_containers);
    let variables = containers().flat_map(|c| c.env.iter().filter_map(|variable| variable.value_from.as_ref()).chain(&c.env_from));
    let projected = spec.volumes.iter().filter_map(|volume| volume.projected.as_ref()).flat_map(|projected| &projected.sources);
    let mut found = References::default();
    for source in variables.chain(spec.volumes.iter().map(|volume| &volume.source)).chain(projected) {
        if let Some(map) = &source.config_map {
            found.config_maps.insert(map.name.clone());
            if map.optional {
                found.optional.insert(map.name.clone());
            }
        }
        found.secrets.extend(source.secret.as_ref().map(|secret| secret.name.clone()));
    }
    found.claims = spec.volumes.iter().filter_map(|volume| Some(volume.persistent_volume_claim.as_ref()?.claim_name.clone())).collect();
    found
}

/// The tool that owns it, by the marks that these tools leave.
fn managed_by(metadata: &ObjectMeta) -> Option<Manager> {
    let has = |key: &str| annotation(metadata, key).is_some() || label(metadata, key).is_some();
    let owner = |tool: &str, gitops| Some(Manager { tool: tool.to_owned(), gitops });
    if has("argocd.argoproj.io/tracking-id") || has("argocd.argoproj.io/instance") {
        return owner("Argo CD", true);
    }
    if has("kustomize.toolkit.fluxcd.io/name") || has("helm.toolkit.fluxcd.io/name") {
        return owner("Flux", true);
    }
    let helm = label(metadata, "app.kubernetes.io/managed-by") == Some("Helm") || has("meta.helm.sh/release-name");
    if helm { owner("Helm", false) } else { None }
}

/// Most that a page names of an edit.
const FIELDS_AT_MOST: usize = 6;

/// The newest edit of the spec by anybody but the portal. Controllers of the cluster itself count revisions and write status only.
fn edited(metadata: &ObjectMeta) -> Option<Edit> {
    let entries = metadata.managed_fields.as_ref()?;
    let of_spec = |entry: &&ManagedFieldsEntry| {
        let fields = entry.fields_v1.as_ref().map(|fields| &fields.0);
        matches!(entry.subresource.as_deref(), None | Some("" | "scale")) && fields.is_some_and(|fields| fields.get("f:spec").is_some())
    };
    let at = |entry: &ManagedFieldsEntry| entry.time.as_ref().map_or(Time(0), |time| Time(time.0.as_millisecond()));
    let is_ours = |entry: &&ManagedFieldsEntry| entry.manager.as_deref() == Some(FIELD_MANAGER);
    let newest = entries.iter().filter(of_spec).filter(|entry| !is_ours(entry)).max_by_key(|entry| at(entry))?;
    let mut fields = Vec::new();
    collect(newest.fields_v1.as_ref()?.0.get("f:spec")?, "", &mut fields);
    fields.truncate(FIELDS_AT_MOST);
    let ours = entries.iter().filter(of_spec).find(is_ours).map(at);
    Some(Edit {
        by: newest.manager.clone().unwrap_or_else(|| "somebody".into()),
        at: at(newest),
        fields,
        after_ours: ours.is_some_and(|ours| at(newest) > ours),
    })
}

/// Leaves of FieldsV1 as people read paths: `template.spec.containers[api].image` without what every path begins with.
fn collect(fields: &Value, path: &str, found: &mut Vec<String>) {
    let Some(map) = fields.as_object().filter(|map| map.keys().any(|key| key != ".")) else {
        let leaf = path.trim_start_matches("template.spec.").to_owned();
        return found.push(leaf);
    };
    for (key, inner) in map {
        if found.len() > FIELDS_AT_MOST {
            return;
        }
        if let Some(name) = key.strip_prefix("f:") {
            let dot = if path.is_empty() { "" } else { "." };
            collect(inner, &format!("{path}{dot}{name}"), found);
        } else if let Some(item) = key.strip_prefix("k:") {
            collect(inner, &format!("{path}[{}]", item_name(item)), found);
        }
    }
}

/// `{"name":"api"}` → `api`
fn item_name(key: &str) -> String {
    let parsed: Option<BTreeMap<String, Value>> = serde_json::from_str(key).ok();
    let value = parsed.and_then(|map| map.into_values().next());
    value.map_or_else(|| key.to_owned(), |value| quantity(&value))
}

pub fn replica_set(object: ReplicaSetObject) -> Option<Revision> {
    let ReplicaSetObject { metadata, spec } = object;
    let notes = spec.template.metadata.clone();
    let images = containers(spec.template);
    Some(Revision {
        namespace: metadata.namespace.clone()?,
        name: metadata.name.clone()?,
        uid: metadata.uid.clone()?,
        owner: controller(&metadata)?,
        number: annotation(&metadata, REVISION)?.parse().ok()?,
        created: created(&metadata),
        desired: spec.replicas.unwrap_or(1),
        template: String::new(),
        cause: annotation(&metadata, CAUSE_ANNOTATION).map(str::to_owned),
        commit: notes.note("devmatrix.io/commit", &images),
        author: notes.note("devmatrix.io/author", &images),
        images,
        change: annotation(&metadata, CHANGE_ANNOTATION).map(str::to_owned),
    })
}

/// Of a StatefulSet or DaemonSet; whoever else uses this kind is not shown.
pub fn controller_revision(object: ControllerRevisionObject) -> Option<Revision> {
    let ControllerRevisionObject { metadata, data, revision } = object;
    let whole = data.pointer("/spec/template")?;
    let template = Template::deserialize(whole).ok()?;
    let notes = template.metadata.clone();
    let images = containers(template);
    Some(Revision {
        namespace: metadata.namespace.clone()?,
        name: metadata.name.clone()?,
        uid: metadata.uid.clone()?,
        owner: controller(&metadata)?,
        number: revision,
        created: created(&metadata),
        desired: 0,
        template: template_hash(whole),
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
        revision: label(&metadata, REVISION_HASH).unwrap_or_default().to_owned(),
        ready: condition("Ready").is_some_and(|c| c.status == "True"),
        ready_at: condition("Ready").filter(|c| c.status == "True").and_then(|c| c.last_transition_time),
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
pub fn workload_of(kind: WorkloadKind, object: &Value) -> Option<Workload> {
    match kind {
        WorkloadKind::Deployment => DeploymentObject::deserialize(object).ok().map(deployment),
        WorkloadKind::StatefulSet => StatefulSetObject::deserialize(object).ok().map(stateful_set),
        WorkloadKind::DaemonSet => DaemonSetObject::deserialize(object).ok().map(daemon_set),
    }
}
