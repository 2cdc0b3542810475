//! What runs in a cluster, as small facts folded from a watch, and what the facts mean: how far a rollout is, how healthy
//! a workload is, what a failing pod says.
//!
//! Invariant: unknown is never shown as healthy.

mod cell;
mod matrix;
pub mod rights;
mod rollout;

pub use cell::{Behind, Cell, CellState, Drift, Observed, Reach, WorkloadRef, cell};
pub use matrix::{
    ClusterHead, ComponentIn, ComponentView, Declared, EnvironmentHead, EnvironmentView, InEnvironment, Matrix, MatrixRow, PodView,
    Undeclared,
};
pub use rollout::{PodSaid, Rollout, failing_pod, rollout, said};

use crate::Time;
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
    /// StatefulSet: ordinals below this stay on the old revision.
    pub partition: i64,
    pub desired: i64,
    pub replicas: i64,
    pub updated: i64,
    pub ready: i64,
    pub available: i64,
    /// `deployment.kubernetes.io/revision`.
    pub revision: Option<i64>,
    /// StatefulSet: status.currentRevision == status.updateRevision.
    pub revisions_agree: bool,
    /// Progressing=False with this reason and message.
    pub stalled: Option<(String, String)>,
    /// ReplicaFailure=True with this message: quota, admission.
    pub replica_failure: Option<String>,
    pub containers: Vec<Container>,
    /// The GitOps tool that owns it, by its label or annotation.
    pub managed_by: Option<String>,
    /// The change of ours that wrote it last.
    pub change: Option<String>,
    pub cause: Option<String>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ReplicaSet {
    pub namespace: String,
    pub name: String,
    pub uid: String,
    /// The Deployment's uid, by controller owner reference.
    pub owner: String,
    pub revision: i64,
    pub created: Time,
    pub desired: i64,
    pub images: Vec<Container>,
    pub cause: Option<String>,
    pub commit: Option<String>,
    pub author: Option<String>,
    pub change: Option<String>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Waiting {
    pub reason: String,
    pub message: String,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PodContainer {
    pub name: String,
    pub image_id: String,
    pub restarts: i64,
    pub waiting: Option<Waiting>,
    /// `exit code 1, Error`: how its last run ended.
    pub last_exit: Option<String>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Pod {
    pub namespace: String,
    pub name: String,
    /// The controller's uid: a ReplicaSet, StatefulSet or DaemonSet.
    pub owner: String,
    pub created: Time,
    pub phase: String,
    pub ready: bool,
    pub deleting: bool,
    pub node: String,
    pub unschedulable: Option<String>,
    pub containers: Vec<PodContainer>,
}

impl Pod {
    pub fn restarts(&self) -> i64 {
        self.containers.iter().map(|c| c.restarts).sum()
    }

    /// The digest that this container really runs, from `imageID`.
    pub fn digest(&self, container: &str) -> Option<String> {
        let status = self.containers.iter().find(|c| c.name == container)?;
        let (_, digest) = status.image_id.rsplit_once('@').unwrap_or(("", &status.image_id));
        digest.starts_with("sha256:").then(|| digest.to_owned())
    }
}
