//! Pods and ReplicaSets that stand for themselves: no Deployment, StatefulSet, DaemonSet or Job made them, so nothing brings them
//! back, and nobody's rollout replaces them.
//!
//! Invariant: a pod of a ReplicaSet that is listed here is told by that ReplicaSet, not once more for itself.

use super::{Pod, PodSaid, failing_pod, said};
use crate::Time;
use serde::{Deserialize, Serialize};

/// A ReplicaSet that no Deployment owns.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
pub struct ReplicaSet {
    pub name: String,
    #[serde(skip)]
    pub uid: String,
    /// What made it, if anything did: `Rollout/api`.
    pub made_by: String,
    pub images: Vec<String>,
    pub desired: i64,
    pub ready: i64,
    #[schema(value_type = String, format = DateTime)]
    pub created: Time,
    /// Why pods cannot be made, in the controller's words; empty when they can.
    pub trouble: String,
}

/// A ReplicaSet, and what the first of its pods says that cannot start.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
pub struct BareSet {
    #[serde(flatten)]
    pub set: ReplicaSet,
    pub said: Option<PodSaid>,
}

/// A pod that no workload made.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
pub struct BarePod {
    pub name: String,
    /// As kubectl's STATUS column says it.
    pub status: String,
    pub ready: bool,
    pub restarts: i64,
    pub node: String,
    pub images: Vec<String>,
    #[schema(value_type = String, format = DateTime)]
    pub created: Time,
    /// What made it, if anything did: `Node/worker-1`, `Workflow/nightly`.
    pub made_by: String,
    /// The kubelet's mirror of a static pod: it is made from a file on the node, and comes back when it is deleted.
    pub mirror: bool,
    pub said: Option<PodSaid>,
}

impl BareSet {
    pub fn of(set: &ReplicaSet, pods: &[Pod]) -> BareSet {
        BareSet { set: set.clone(), said: failing_pod(pods) }
    }
}

impl BarePod {
    /// None: a workload made it.
    pub fn of(pod: &Pod) -> Option<BarePod> {
        let bare = pod.bare.as_ref()?;
        Some(BarePod {
            name: pod.name.to_string(),
            status: pod.status(),
            ready: pod.ready,
            restarts: pod.restarts(),
            node: pod.node.to_string(),
            images: bare.images.clone(),
            created: pod.created,
            made_by: bare.made_by.clone(),
            mirror: bare.mirror,
            said: said(pod),
        })
    }
}
