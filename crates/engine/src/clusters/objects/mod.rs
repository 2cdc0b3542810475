//! The parts of Kubernetes objects that the portal reads, and how they become the domain's facts. Nothing else of an object
//! is kept: memory grows with what is shown.

mod owner;
mod pod;
mod revision;
mod template;
mod workload;

pub use owner::managed;
pub use pod::{PodObject, pod};
pub use revision::{ControllerRevisionObject, ReplicaSetObject, bare_replica_set, controller_revision, replica_set};
pub use template::references_of;
pub use workload::{DaemonSetObject, DeploymentObject, StatefulSetObject, daemon_set, deployment, stateful_set, workload_of};

use domain::Time;
use k8s_openapi::apimachinery::pkg::apis::meta::v1::{ObjectMeta, OwnerReference};
use serde::Deserialize;

/// The hash that a controller gave a ControllerRevision's pods.
const REVISION_HASH: &str = "controller-revision-hash";
const REVISION: &str = "deployment.kubernetes.io/revision";

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

fn controller(metadata: &ObjectMeta) -> Option<&OwnerReference> {
    metadata.owner_references.as_ref()?.iter().find(|owner| owner.controller == Some(true))
}

/// `Workflow/nightly`
fn named(owner: &OwnerReference) -> String {
    format!("{}/{}", owner.kind, owner.name)
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
