//! What runs in a cluster, as small facts folded from a watch, and what the facts mean: how far a rollout is, how healthy
//! a workload is, what a failing pod says.
//!
//! Invariant: unknown is never shown as healthy.

pub mod around;
mod bare;
mod cell;
pub mod happenings;
mod labels;
mod listing;
pub mod logs;
mod matrix;
mod pod;
pub mod quantity;
pub mod rights;
mod rollout;

pub use around::{
    Access, Around, Autoscaler, Claim, ConfigMap, CronJob, Ingress, Inventory, Job, Labels, Neighbour, NetworkPolicy, Node, Passage, Peer,
    References, Route, Selected, Service, Tags,
};
pub use bare::{BarePod, BareSet, ReplicaSet};
pub use cell::{Behind, Cell, CellState, Drift, Observed, Reach, WorkloadRef, cell};
pub use happenings::{Happening, Happenings, Refused};
pub use listing::{PodsPage, PodsWanted};
pub use logs::{LineFilter, LineKind, LogLine, Logs, LogsWanted, Moment};
pub use matrix::{
    ClusterHead, ComponentIn, ComponentView, Declared, EnvironmentHead, EnvironmentView, InEnvironment, Matrix, MatrixRow, PodView,
    Undeclared,
};
pub use pod::{Bare, Pod, PodContainer, Waiting};
pub use rollout::{PodSaid, Rollout, failing_pod, rollout, said};

use crate::{Text, Time};
use serde::{Deserialize, Serialize};
use std::fmt;

#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, utoipa::ToSchema)]
pub enum WorkloadKind {
    Deployment,
    StatefulSet,
    DaemonSet,
}

impl WorkloadKind {
    pub fn as_str(self) -> &'static str {
        match self {
            WorkloadKind::Deployment => "Deployment",
            WorkloadKind::StatefulSet => "StatefulSet",
            WorkloadKind::DaemonSet => "DaemonSet",
        }
    }

    /// As `devmatrix.yaml` and kubectl write it: `deployment`.
    pub fn parse(text: &str) -> Option<WorkloadKind> {
        [WorkloadKind::Deployment, WorkloadKind::StatefulSet, WorkloadKind::DaemonSet]
            .into_iter()
            .find(|kind| kind.as_str().eq_ignore_ascii_case(text))
    }
}

impl fmt::Display for WorkloadKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// Where a workload is, inside one cluster.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct WorkloadKey {
    pub kind: WorkloadKind,
    pub namespace: String,
    pub name: String,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Container {
    pub name: String,
    pub image: String,
    /// Its limit, or its request where it has none, as it is written: `2`, `500m`, `4Gi`.
    pub cpu: Option<String>,
    pub memory: Option<String>,
    pub ports: Vec<i64>,
}

/// The tool that owns a workload, by the marks that it leaves.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
pub struct Manager {
    pub tool: String,
    /// It would undo a change by itself.
    pub gitops: bool,
}

/// The last edit of a spec that was not the portal's, as the API server keeps it (metadata.managedFields).
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
pub struct Edit {
    /// The field manager: `kubectl-edit`, `helm`.
    pub by: String,
    #[schema(value_type = String, format = DateTime)]
    pub at: Time,
    /// What of the spec it set, the first few: `replicas`, `containers[api].image`.
    pub fields: Vec<String>,
    /// It came after the portal's own last write.
    pub after_ours: bool,
}

/// A Deployment, StatefulSet or DaemonSet: just what is shown and decided on.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Workload {
    pub key: WorkloadKey,
    pub uid: String,
    pub generation: i64,
    pub observed_generation: i64,
    pub created: Time,
    /// When the rollout last made progress, as the controller says (the Progressing condition's update).
    pub progressed: Option<Time>,
    pub paused: bool,
    /// Updates pods only when somebody deletes them (`OnDelete`).
    pub on_delete: bool,
    /// StatefulSet: its pods do not wait for each other (`podManagementPolicy: Parallel`).
    pub parallel: bool,
    /// StatefulSet: a pod of an ordinal below this is made anew of the old revision, whatever the spec says (kubernetes,
    /// pkg/controller/statefulset, isCurrentRevisionNeeded).
    pub old_below: i64,
    /// StatefulSet: ordinals below this stay on the old revision.
    pub partition: i64,
    pub desired: i64,
    pub replicas: i64,
    pub updated: i64,
    pub ready: i64,
    pub available: i64,
    /// StatefulSet: status.currentRevision == status.updateRevision.
    pub revisions_agree: bool,
    /// By which the present one among its [`Revision`]s is known.
    pub present: Present,
    /// Progressing=False with this reason and message.
    pub stalled: Option<(String, String)>,
    /// ReplicaFailure=True with this message: quota, admission.
    pub replica_failure: Option<String>,
    pub containers: Vec<Container>,
    /// Labels of its pods: what Services and policies select by.
    pub labels: Tags,
    pub references: References,
    pub managed_by: Option<Manager>,
    pub edited: Option<Edit>,
    /// The change of ours that wrote it last.
    pub change: Option<String>,
    pub cause: Option<String>,
}

impl Workload {
    /// `deployment.kubernetes.io/revision`; other kinds do not say a number themselves.
    pub fn revision(&self) -> Option<i64> {
        match self.present {
            Present::Number(number) => number,
            Present::Named(_) | Present::Template(_) => None,
        }
    }
}

/// How a workload names the revision that its spec asks for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Present {
    /// Deployment: the number in its annotation.
    Number(Option<i64>),
    /// StatefulSet: the ControllerRevision of this name (status.updateRevision).
    Named(String),
    /// DaemonSet: says nothing, so it is the revision with the same pod template ([`template_hash`]).
    Template(String),
}

/// What a workload ran or runs: a ReplicaSet of a Deployment, a ControllerRevision of a StatefulSet or DaemonSet.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Revision {
    pub namespace: Text,
    pub name: Box<str>,
    pub uid: Text,
    /// The workload's uid, by controller owner reference.
    pub owner: Text,
    /// As `kubectl rollout history` numbers it. One that is taken up again gets the next number.
    pub number: i64,
    pub created: Time,
    /// ReplicaSet: how many pods it should have.
    pub desired: i64,
    pub images: Box<[Container]>,
    /// ControllerRevision: [`template_hash`]; empty for a ReplicaSet.
    pub template: Box<str>,
    pub cause: Option<String>,
    pub commit: Option<String>,
    pub author: Option<String>,
    pub change: Option<String>,
}

impl Revision {
    /// Whether this pod was made of it. (A StatefulSet's pods carry the ControllerRevision's whole name, a DaemonSet's its last part.)
    pub fn has(&self, pod: &Pod) -> bool {
        let named = || *self.name == *pod.revision || self.name.strip_suffix(&*pod.revision).is_some_and(|rest| rest.ends_with('-'));
        pod.owner == self.uid || (pod.owner == self.owner && !pod.revision.is_empty() && named())
    }
}

/// SHA-256 of a pod template: two that ask for the same thing have the same one. Without what controllers and encoders add:
/// nulls, and the directive in a ControllerRevision.
pub fn template_hash(template: &serde_json::Value) -> String {
    let mut bare = template.clone();
    if let Some(map) = bare.as_object_mut() {
        map.remove("$patch");
    }
    without_nulls(&mut bare);
    crate::digest::of(&bare)
}

fn without_nulls(value: &mut serde_json::Value) {
    match value {
        serde_json::Value::Object(map) => {
            map.retain(|_, inner| !inner.is_null());
            map.values_mut().for_each(without_nulls);
        }
        serde_json::Value::Array(items) => items.iter_mut().for_each(without_nulls),
        _ => {}
    }
}
