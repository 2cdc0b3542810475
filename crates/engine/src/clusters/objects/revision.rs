//! What a workload ran: ReplicaSets, and ControllerRevisions with the template that they hold.

use super::template::{Template, containers};
use super::{REVISION, annotation, controller, created};
use domain::changes::{CAUSE_ANNOTATION, CHANGE_ANNOTATION};
use domain::clusters::{Revision, template_hash};
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
    let ReplicaSetObject { metadata, spec } = object;
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
        commit: notes.note("devmatrix.io/commit", &images),
        author: notes.note("devmatrix.io/author", &images),
        images: images.into(),
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
        namespace: metadata.namespace.as_deref()?.into(),
        name: metadata.name.as_deref()?.into(),
        uid: metadata.uid.as_deref()?.into(),
        owner: controller(&metadata)?.uid.as_str().into(),
        number: revision,
        created: created(&metadata),
        desired: 0,
        template: template_hash(whole).into(),
        cause: annotation(&metadata, CAUSE_ANNOTATION).map(str::to_owned),
        commit: notes.note("devmatrix.io/commit", &images),
        author: notes.note("devmatrix.io/author", &images),
        images: images.into(),
        change: annotation(&metadata, CHANGE_ANNOTATION).map(str::to_owned),
    })
}
