//! What a workload ran: ReplicaSets, and ControllerRevisions with the template that they hold.

use super::template::{Template, containers};
use super::{Condition, REVISION, annotation, controller, created, named};
use domain::changes::plan::{AUTHOR_NOTE, COMMIT_NOTE};
use domain::changes::{CAUSE_ANNOTATION, CHANGE_ANNOTATION};
use domain::clusters::{ReplicaSet, Revision, template_hash};
use k8s_openapi::api::apps::v1;
use k8s_openapi::apimachinery::pkg::apis::meta::v1::ObjectMeta;
use kube::Resource;
use serde::Deserialize;
use serde_json::Value;

#[derive(Clone, Debug, Deserialize, Resource)]
#[resource(inherit = v1::ReplicaSet)]
pub struct ReplicaSetObject {
    pub metadata: ObjectMeta,
    #[serde(default)]
    spec: ReplicaSetSpec,
    #[serde(default)]
    status: ReplicaSetStatus,
}

#[derive(Clone, Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
struct ReplicaSetStatus {
    ready_replicas: i64,
    conditions: Vec<Condition>,
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

pub fn replica_set(object: ReplicaSetObject) -> Option<Revision> {
    let ReplicaSetObject { metadata, spec, .. } = object;
    let notes = spec.template.metadata.clone();
    let images = containers(spec.template);
    Some(Revision {
        namespace: metadata.namespace.as_deref()?.into(),
        name: metadata.name.as_deref()?.into(),
        uid: metadata.uid.as_deref()?.into(),
        owner: controller(&metadata)?.uid.as_str().into(),
        number: annotation(&metadata, REVISION)?.parse().ok()?,
        created: created(&metadata),
        desired: spec.replicas.unwrap_or(1),
        template: Box::default(),
        cause: annotation(&metadata, CAUSE_ANNOTATION).map(str::to_owned),
        commit: notes.note(COMMIT_NOTE, &images),
        author: notes.note(AUTHOR_NOTE, &images),
        images: images.into(),
        change: annotation(&metadata, CHANGE_ANNOTATION).map(str::to_owned),
    })
}

/// None: a Deployment owns it.
pub fn bare_replica_set(object: &ReplicaSetObject) -> Option<ReplicaSet> {
    let ReplicaSetObject { metadata, spec, status } = object;
    let owner = controller(metadata);
    if owner.is_some_and(|owner| owner.kind == "Deployment") {
        return None;
    }
    let failed = status.conditions.iter().find(|c| c.kind == "ReplicaFailure" && c.status == "True");
    Some(ReplicaSet {
        name: metadata.name.clone()?,
        uid: metadata.uid.clone()?,
        made_by: owner.map(named).unwrap_or_default(),
        images: spec.template.spec.images(),
        desired: spec.replicas.unwrap_or(1),
        ready: status.ready_replicas,
        created: created(metadata),
        trouble: failed.map(|c| c.message.clone()).unwrap_or_default(),
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
        namespace: metadata.namespace.as_deref()?.into(),
        name: metadata.name.as_deref()?.into(),
        uid: metadata.uid.as_deref()?.into(),
        owner: controller(&metadata)?.uid.as_str().into(),
        number: revision,
        created: created(&metadata),
        desired: 0,
        template: template_hash(whole).into(),
        cause: annotation(&metadata, CAUSE_ANNOTATION).map(str::to_owned),
        commit: notes.note(COMMIT_NOTE, &images),
        author: notes.note(AUTHOR_NOTE, &images),
        images: images.into(),
        change: annotation(&metadata, CHANGE_ANNOTATION).map(str::to_owned),
    })
}
