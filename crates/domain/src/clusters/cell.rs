//! One cell of the matrix: a component in an environment, as the API and the pages show it.

use super::{
    Container, Edit, Manager, Pod, PodSaid, Present, Revision, Rollout, Workload, WorkloadKey, WorkloadKind, failing_pod, quantity, rollout,
};
use crate::Time;
use crate::catalog::Component;
use crate::releases::ImageRef;
use crate::words::some_of;
use serde::{Deserialize, Serialize};

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum CellState {
    Healthy,
    Progressing,
    Degraded,
    Down,
    Paused,
    Unknown,
    Absent,
}

impl CellState {
    pub fn as_str(self) -> &'static str {
        match self {
            CellState::Healthy => "healthy",
            CellState::Progressing => "progressing",
            CellState::Degraded => "degraded",
            CellState::Down => "down",
            CellState::Paused => "paused",
            CellState::Unknown => "unknown",
            CellState::Absent => "absent",
        }
    }
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
pub struct WorkloadRef {
    pub kind: WorkloadKind,
    pub name: String,
    pub namespace: String,
}

/// Declared here, observed there.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
pub struct Drift {
    pub field: String,
    pub declared: String,
    pub observed: String,
}

/// How far an environment is behind the one it is promoted from.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
pub struct Behind {
    pub from: String,
    pub releases: i64,
    /// When the first release that is missing here arrived there.
    #[schema(value_type = Option<String>, format = DateTime)]
    pub since: Option<Time>,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
pub struct Cell {
    pub workload: WorkloadRef,
    pub state: CellState,
    /// Why it is not healthy, in words; empty when it is.
    pub reason: String,
    pub image: Option<String>,
    pub tag: Option<String>,
    pub digest: Option<String>,
    pub desired: i64,
    pub ready: i64,
    pub updated: i64,
    pub revision: Option<i64>,
    #[schema(value_type = Option<String>, format = DateTime)]
    pub since: Option<Time>,
    /// When the cluster was last heard; absent while it is being heard.
    #[schema(value_type = Option<String>, format = DateTime)]
    pub last_seen: Option<Time>,
    pub drift: Vec<Drift>,
    pub behind: Option<Behind>,
    pub failing_pod: Option<PodSaid>,
    /// The pod that holds up a StatefulSet, which nothing but its deletion mends.
    pub blocker: Option<PodSaid>,
    /// The tool that owns the workload.
    pub managed_by: Option<Manager>,
    /// The last edit that was not the portal's.
    pub edited: Option<Edit>,
}

impl Cell {
    /// What a person calls the version: the tag, or the beginning of the digest.
    pub fn version(&self) -> String {
        match (&self.tag, &self.digest) {
            (Some(tag), _) => tag.clone(),
            (None, Some(digest)) => digest.trim_start_matches("sha256:").chars().take(8).collect(),
            (None, None) => String::new(),
        }
    }
}

/// Whether what we know of a cluster is still so.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Reach {
    Live,
    /// Heard last then; what is known may be old.
    Lost {
        last_seen: Option<Time>,
        why: String,
    },
    /// The cluster answers, and does not let us read this kind.
    Forbidden {
        why: String,
    },
}

/// All that is known of one workload: the newest revision first, pods by name.
#[derive(Clone, Copy, Debug)]
pub struct Observed<'a> {
    pub workload: &'a Workload,
    pub revisions: &'a [Revision],
    pub pods: &'a [&'a Pod],
}

impl<'a> Observed<'a> {
    /// The revision that the spec asks for. None: the controller has not made it yet, or its news is still under way.
    pub fn revision(&self) -> Option<&'a Revision> {
        let present = |revision: &&Revision| match &self.workload.present {
            Present::Number(number) => Some(revision.number) == *number,
            Present::Named(name) => *revision.name == **name,
            Present::Template(template) => *revision.template == **template,
        };
        self.revisions.iter().find(present)
    }

    /// Pods of the present revision.
    pub fn new_pods(&self) -> impl Iterator<Item = &'a Pod> + use<'a> {
        let revision = self.revision();
        self.pods.iter().copied().filter(move |pod| revision.is_some_and(|revision| revision.has(pod)))
    }

    /// The digest that all ready new pods run, or the one the image reference pins. None: unknown, or they differ.
    pub fn digest(&self, container: &str) -> Option<String> {
        let image = &self.workload.containers.iter().find(|c| c.name == container)?.image;
        if let Some(digest) = ImageRef::parse(image).and_then(|image| image.digest) {
            return Some(digest);
        }
        self.running_digest(container)
    }

    /// The pod of an earlier revision that holds up a StatefulSet: it does not become ready, and the controller waits for it before
    /// it replaces any. Not one that would be made anew as it is.
    pub fn blocker(&self) -> Option<PodSaid> {
        let w = self.workload;
        if w.key.kind != WorkloadKind::StatefulSet || w.on_delete || w.parallel || w.observed_generation < w.generation {
            return None;
        }
        let present = self.revision()?;
        let ordinal = |pod: &Pod| pod.name.rsplit_once('-').and_then(|(_, ordinal)| ordinal.parse::<i64>().ok());
        let blocks = |pod: &&Pod| !pod.ready && !present.has(pod) && ordinal(pod).is_some_and(|ordinal| ordinal >= w.old_below);
        failing_pod(self.pods.iter().copied().filter(blocks))
    }

    /// The digest that all ready new pods name for this container or init container. None: unknown, or they differ.
    pub fn running_digest(&self, container: &str) -> Option<String> {
        let mut digests: Vec<_> = self.new_pods().filter(|pod| pod.ready && !pod.deleting).map(|pod| pod.digest(container)).collect();
        digests.sort();
        digests.dedup();
        match digests.as_slice() {
            [Some(digest)] => Some(digest.clone()),
            _ => None,
        }
    }
}

/// The cell of a component, from what is observed and how fresh that is.
pub fn cell(component: &Component, namespace: &str, observed: Option<Observed<'_>>, reach: &Reach) -> Cell {
    let key = component.workload.key(namespace);
    let mut cell = match observed {
        Some(observed) => present(component, observed),
        None => absent(&key),
    };
    match reach {
        Reach::Live => {}
        Reach::Lost { last_seen, why } => {
            cell.state = CellState::Unknown;
            cell.reason = why.clone();
            cell.last_seen = *last_seen;
        }
        Reach::Forbidden { why } => {
            cell.state = CellState::Unknown;
            cell.reason = why.clone();
        }
    }
    cell
}

fn absent(key: &WorkloadKey) -> Cell {
    Cell {
        workload: WorkloadRef { kind: key.kind, name: key.name.clone(), namespace: key.namespace.clone() },
        state: CellState::Absent,
        reason: format!("there is no {} {} in {}", key.kind, key.name, key.namespace),
        image: None,
        tag: None,
        digest: None,
        desired: 0,
        ready: 0,
        updated: 0,
        revision: None,
        since: None,
        last_seen: None,
        drift: Vec::new(),
        behind: None,
        failing_pod: None,
        blocker: None,
        managed_by: None,
        edited: None,
    }
}

fn present(component: &Component, observed: Observed<'_>) -> Cell {
    let w = observed.workload;
    let container = component.container_in(w);
    let image = container.map(|c| c.image.clone());
    let parsed = image.as_deref().and_then(ImageRef::parse);
    let failing = failing_pod(observed.pods.iter().copied());
    let (state, reason) = health(w, failing.as_ref());
    Cell {
        state,
        reason,
        tag: parsed.as_ref().and_then(|image| image.tag.clone()),
        digest: container.and_then(|c| observed.digest(&c.name)),
        image,
        desired: w.desired,
        ready: w.ready,
        updated: w.updated,
        revision: observed.revision().map(|revision| revision.number).or(w.revision()),
        since: Some(w.progressed.unwrap_or_else(|| newest_pod(observed.pods).unwrap_or(w.created))),
        drift: drift(component, w),
        failing_pod: failing,
        blocker: observed.blocker(),
        managed_by: w.managed_by.clone(),
        edited: w.edited.clone(),
        ..absent(&w.key)
    }
}

fn newest_pod(pods: &[&Pod]) -> Option<Time> {
    pods.iter().map(|pod| pod.created).max()
}

/// State and reason. Paused wins; a pod that cannot start is worse than a rollout under way; scaled to zero is healthy.
fn health(w: &Workload, failing: Option<&PodSaid>) -> (CellState, String) {
    if w.paused {
        return (CellState::Paused, "rollouts are paused".into());
    }
    // Before the controller has looked, a DaemonSet says that it wants no pod, and a Deployment still shows its old ones.
    if w.desired == 0 && w.observed_generation >= w.generation {
        return (CellState::Healthy, String::new());
    }
    let nothing_ready = w.ready == 0;
    if let Some(said) = failing {
        let state = if nothing_ready { CellState::Down } else { CellState::Degraded };
        return (state, format!("{}: {}", said.reason, said.message));
    }
    if let Some(message) = &w.replica_failure {
        let state = if nothing_ready { CellState::Down } else { CellState::Degraded };
        return (state, message.clone());
    }
    match rollout(w) {
        Rollout::Failed(why) => (if nothing_ready { CellState::Down } else { CellState::Degraded }, why),
        Rollout::Waiting(why) => (CellState::Progressing, why),
        Rollout::Complete if nothing_ready => (CellState::Down, format!("{} ready", some_of(0, w.desired, "pod"))),
        Rollout::Complete if w.ready < w.desired => (CellState::Degraded, format!("{} ready", some_of(w.ready, w.desired, "pod"))),
        Rollout::Complete => (CellState::Healthy, String::new()),
    }
}

/// What differs from the declaration. Fewer replicas than declared is drift, more is scaling.
fn drift(component: &Component, w: &Workload) -> Vec<Drift> {
    let container = component.container_in(w);
    let limit = |of: fn(&Container) -> &Option<String>| container.and_then(|c| of(c).clone()).unwrap_or_else(|| "none".into());
    let size = |field: &str, declared: &Option<String>, observed: String| {
        let declared = declared.clone().filter(|declared| !quantity::same(declared, &observed))?;
        Some(Drift { field: field.into(), declared, observed })
    };
    [
        fewer(component, w),
        size("cpu", &component.cpu, limit(|c| &c.cpu)),
        size("memory", &component.memory, limit(|c| &c.memory)),
        container.and_then(|container| other_port(component, container)),
        container.and_then(|container| other_image(component, container)),
    ]
    .into_iter()
    .flatten()
    .collect()
}

fn fewer(component: &Component, w: &Workload) -> Option<Drift> {
    let declared = component.replicas.filter(|declared| w.desired < *declared && w.key.kind != WorkloadKind::DaemonSet)?;
    Some(Drift { field: "replicas".into(), declared: declared.to_string(), observed: w.desired.to_string() })
}

/// A container need not name its ports; one that names others listens elsewhere.
fn other_port(component: &Component, container: &Container) -> Option<Drift> {
    let declared = component.port.filter(|port| !container.ports.is_empty() && !container.ports.contains(port))?;
    let observed = container.ports.iter().map(ToString::to_string).collect::<Vec<_>>().join(", ");
    Some(Drift { field: "port".into(), declared: declared.to_string(), observed })
}

fn other_image(component: &Component, container: &Container) -> Option<Drift> {
    let observed = ImageRef::parse(&container.image).map_or_else(|| container.image.clone(), |image| image.repository);
    let declared = component.image.clone().filter(|declared| *declared != observed)?;
    Some(Drift { field: "image".into(), declared, observed })
}
