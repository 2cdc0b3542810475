//! A pod: what is shown of it, and decided on. There are more of these than of anything else, so each field counts: what many
//! have in common is a [`Text`], what few have is boxed.

use crate::Time;
use crate::text::Text;

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Waiting {
    pub reason: String,
    pub message: String,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PodContainer {
    pub name: Text,
    pub image_id: Text,
    pub restarts: i64,
    pub waiting: Option<Box<Waiting>>,
    /// `exit code 1, Error`: how its last run ended.
    pub last_exit: Option<Text>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Pod {
    pub namespace: Text,
    pub name: Box<str>,
    /// The controller's uid: a ReplicaSet, StatefulSet, DaemonSet or Job, or whatever else made it; empty when nothing did.
    pub owner: Text,
    /// `controller-revision-hash`: names the ControllerRevision; empty for a ReplicaSet's pods.
    pub revision: Text,
    pub created: Time,
    /// When it last became ready.
    pub ready_at: Option<Time>,
    pub phase: Text,
    pub ready: bool,
    pub deleting: bool,
    pub node: Text,
    pub unschedulable: Option<Box<str>>,
    pub containers: Box<[PodContainer]>,
    /// Only of a pod that no workload made.
    pub bare: Option<Box<Bare>>,
}

/// What is known of a pod that stands for itself. (The others have it from their workload.)
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Bare {
    /// What made it, if anything did: `Node/worker-1`, `Workflow/nightly`.
    pub made_by: String,
    /// The kubelet's mirror of a static pod: it is made from a file on the node, and comes back when it is deleted.
    pub mirror: bool,
    /// Of its containers, in their order.
    pub images: Vec<String>,
}

impl Pod {
    pub fn restarts(&self) -> i64 {
        self.containers.iter().map(|c| c.restarts).sum()
    }

    /// The digest that this container really runs, from `imageID`.
    pub fn digest(&self, container: &str) -> Option<String> {
        let status = self.containers.iter().find(|c| c.name == *container)?;
        let (_, digest) = status.image_id.rsplit_once('@').unwrap_or(("", &status.image_id));
        digest.starts_with("sha256:").then(|| digest.to_owned())
    }

    /// As kubectl's STATUS column puts it.
    pub fn status(&self) -> String {
        if self.deleting {
            return "Terminating".into();
        }
        let waiting = self.containers.iter().find_map(|c| c.waiting.as_ref()).filter(|w| !w.reason.is_empty());
        match waiting {
            Some(waiting) => waiting.reason.clone(),
            None if self.phase == "Succeeded" => "Completed".into(),
            None => self.phase.to_string(),
        }
    }
}
