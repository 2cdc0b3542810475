//! Kubernetes Events: what controllers and kubelets say about a workload, its ReplicaSets and its pods.
//!
//! Invariant: nothing is decided on them. They are the cluster's words, kept for a while, for people to read.

use super::WorkloadKind;
use crate::Time;
use serde::{Deserialize, Serialize};

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
pub struct Happening {
    /// The Event's own name.
    pub id: String,
    /// When it was last said.
    #[schema(value_type = String, format = DateTime)]
    pub at: Time,
    /// When it was said first.
    #[schema(value_type = String, format = DateTime)]
    pub first: Time,
    pub count: i64,
    /// `Normal` or `Warning`.
    #[serde(rename = "type")]
    pub kind: String,
    /// `Unhealthy`, `ScalingReplicaSet`…
    pub reason: String,
    /// `Pod/devmatrix-api-7b9f4d4c9-x2v8p`
    pub object: String,
    pub message: String,
}

impl Happening {
    pub fn is_warning(&self) -> bool {
        self.kind == "Warning"
    }
}

/// Whether an event on this object is about a workload: on itself, on one of its ReplicaSets, or on a pod that one of them made,
/// also on one that is gone. Names tell: a controller names what it makes after itself.
pub fn concerns(kind: WorkloadKind, workload: &str, replica_sets: &[&str], object: &str) -> bool {
    let Some((object_kind, name)) = object.split_once('/') else { return false };
    if object_kind == kind.as_str() {
        return name == workload;
    }
    match (object_kind, kind) {
        ("ReplicaSet", WorkloadKind::Deployment) => replica_sets.contains(&name),
        ("Pod", WorkloadKind::Deployment) => replica_sets.iter().any(|set| suffix(name, set).is_some_and(is_generated)),
        ("Pod", WorkloadKind::StatefulSet) => suffix(name, workload).is_some_and(is_ordinal),
        ("Pod", WorkloadKind::DaemonSet) => suffix(name, workload).is_some_and(is_generated),
        _ => false,
    }
}

fn suffix<'a>(name: &'a str, owner: &str) -> Option<&'a str> {
    name.strip_prefix(owner)?.strip_prefix('-')
}

/// Five characters, of those that Kubernetes generates names from (apimachinery, util/rand): no vowels, no 0, 1, 3.
fn is_generated(text: &str) -> bool {
    text.len() == 5 && text.bytes().all(|c| b"bcdfghjklmnpqrstvwxz2456789".contains(&c))
}

fn is_ordinal(text: &str) -> bool {
    !text.is_empty() && text.len() <= 9 && text.bytes().all(|c| c.is_ascii_digit())
}

/// What is known, newest first.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Happenings {
    pub items: Vec<Happening>,
    /// Why nothing newer would be known; empty when all is well.
    pub trouble: String,
    /// Whether that is a right which the portal lacks.
    pub forbidden: bool,
}
