//! What stands around a workload: who scales it, what leads to it, what it reads and stores, what runs beside it. Small facts
//! folded from watches, and the pure questions between them: what selects what, who may reach whom.
//!
//! Invariant: a Secret is a name in here, never its content, and nothing asks a cluster for more.

pub use super::labels::{Labels, Tags, selects};

use super::{BarePod, BareSet, ReplicaSet, Workload, WorkloadKind};
use crate::Time;
use serde::{Deserialize, Serialize};
use std::collections::BTreeSet;

/// A HorizontalPodAutoscaler.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
pub struct Autoscaler {
    pub name: String,
    /// `Deployment/devmatrix-api`
    pub target: String,
    pub min: i64,
    pub max: i64,
    pub current: i64,
    pub desired: i64,
    /// Why it cannot scale, or that it stands at a bound, in the controller's words; empty when all is well.
    pub trouble: String,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
pub struct Service {
    pub name: String,
    /// `ClusterIP`, `NodePort`, `LoadBalancer`, `Headless`…
    pub kind: String,
    /// No selector selects nothing.
    pub selector: Labels,
    /// `8000/TCP → http`
    pub ports: Vec<String>,
}

/// One path of an Ingress.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
pub struct Route {
    pub host: String,
    pub path: String,
    pub service: String,
    pub port: String,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
pub struct Ingress {
    pub name: String,
    pub class: String,
    /// Hosts with a certificate.
    pub tls: Vec<String>,
    pub routes: Vec<Route>,
}

/// Who may be at the other end: pods by labels, other namespaces, addresses.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
pub struct Peer {
    /// None: any pod of the namespaces.
    pub pods: Option<Labels>,
    /// None: this namespace only; empty: all namespaces.
    pub namespaces: Option<Labels>,
    /// `10.0.0.0/8`
    pub block: Option<String>,
    /// Something that labels alone do not say (matchExpressions), in words.
    pub more: String,
}

/// One rule of a NetworkPolicy. No peers: everyone; no ports: every port.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
pub struct Passage {
    pub peers: Vec<Peer>,
    pub ports: Vec<String>,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
pub struct NetworkPolicy {
    pub name: String,
    /// Empty: every pod of the namespace.
    pub selector: Labels,
    /// None: it says nothing of this direction. An empty list: nobody.
    pub ingress: Option<Vec<Passage>>,
    pub egress: Option<Vec<Passage>>,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
pub struct ConfigMap {
    pub name: String,
    pub keys: Vec<String>,
    #[schema(value_type = String, format = DateTime)]
    pub created: Time,
}

/// A PersistentVolumeClaim.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
pub struct Claim {
    pub name: String,
    /// What it got, or what it asks for while it waits: `100Gi`.
    pub size: String,
    /// `Bound`, `Pending`, `Lost`
    pub phase: String,
    pub class: String,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
pub struct Job {
    pub name: String,
    pub uid: String,
    /// The CronJob that made it, or from which it was made by hand.
    pub cron: Option<String>,
    /// The change that made it.
    pub change: Option<String>,
    pub active: i64,
    pub succeeded: i64,
    pub failed: i64,
    /// `Complete`, `Failed`, `Suspended` or `Running`
    pub state: String,
    /// The controller's words when it failed.
    pub reason: String,
    #[schema(value_type = Option<String>, format = DateTime)]
    pub started: Option<Time>,
    #[schema(value_type = Option<String>, format = DateTime)]
    pub finished: Option<Time>,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
pub struct CronJob {
    pub name: String,
    pub schedule: String,
    /// IANA name; empty: the controller's own zone.
    pub zone: String,
    pub suspended: bool,
    pub active: i64,
    #[schema(value_type = Option<String>, format = DateTime)]
    pub last: Option<Time>,
    #[schema(value_type = Option<String>, format = DateTime)]
    pub last_success: Option<Time>,
    /// What its Jobs' pods refer to.
    pub needs: References,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
pub struct Node {
    pub name: String,
    pub ready: bool,
    /// Cordoned: no new pods.
    pub unschedulable: bool,
    pub kubelet: String,
    pub zone: String,
    pub machine: String,
    pub cpu: String,
    pub memory: String,
    /// Pressures, by their conditions' names: `MemoryPressure`.
    pub pressures: Vec<String>,
}

/// One object around the workloads of a namespace.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Neighbour {
    Autoscaler(Autoscaler),
    Service(Service),
    Ingress(Ingress),
    NetworkPolicy(NetworkPolicy),
    ConfigMap(ConfigMap),
    Claim(Claim),
    Job(Job),
    CronJob(CronJob),
    ReplicaSet(ReplicaSet),
    Node(Node),
}

impl Neighbour {
    pub fn name(&self) -> &str {
        match self {
            Neighbour::Autoscaler(it) => &it.name,
            Neighbour::Service(it) => &it.name,
            Neighbour::Ingress(it) => &it.name,
            Neighbour::NetworkPolicy(it) => &it.name,
            Neighbour::ConfigMap(it) => &it.name,
            Neighbour::Claim(it) => &it.name,
            Neighbour::Job(it) => &it.name,
            Neighbour::CronJob(it) => &it.name,
            Neighbour::ReplicaSet(it) => &it.name,
            Neighbour::Node(it) => &it.name,
        }
    }
}

/// What a pod template refers to, by name.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
pub struct References {
    pub config_maps: BTreeSet<String>,
    /// Those of them that may be missing.
    pub optional: BTreeSet<String>,
    pub secrets: BTreeSet<String>,
    /// PersistentVolumeClaims; a StatefulSet's are made from its templates, one for each pod: `data-postgres-0`.
    pub claims: BTreeSet<String>,
}

/// Everything around one workload, for its page.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
pub struct Around {
    pub autoscaler: Option<Autoscaler>,
    pub services: Vec<Service>,
    pub ingresses: Vec<Ingress>,
    pub policies: Vec<Access>,
    pub config_maps: Vec<ConfigMap>,
    /// Referred to and not there: the pods cannot start.
    pub missing_config_maps: Vec<String>,
    /// Names only.
    pub secrets: Vec<String>,
    pub claims: Vec<Claim>,
}

/// A policy that selects the workload, in words.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
pub struct Access {
    pub policy: String,
    /// `from component nginx, on 8000/TCP`; `from nobody`
    pub ingress: Vec<String>,
    pub egress: Vec<String>,
}

/// What else is in a namespace, for the environment's page.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
pub struct Inventory {
    pub cron_jobs: Vec<CronJob>,
    pub jobs: Vec<Job>,
    pub services: Vec<Selected<Service>>,
    pub ingresses: Vec<Ingress>,
    pub autoscalers: Vec<Autoscaler>,
    pub config_maps: Vec<Selected<ConfigMap>>,
    pub claims: Vec<Selected<Claim>>,
    /// That no Deployment owns.
    pub replica_sets: Vec<BareSet>,
    /// That no workload made.
    pub pods: Vec<BarePod>,
    /// Whether these two are all there are: not while their lists are not there, or may not be read.
    pub bare_known: bool,
    /// Of the whole cluster.
    pub nodes: Vec<Node>,
    /// Kinds that the portal may not read here, each with the right that is missing.
    pub forbidden: Vec<String>,
}

/// An object with the workloads that it is for: `deployment/devmatrix-api`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
pub struct Selected<T> {
    #[serde(flatten)]
    pub object: T,
    pub workloads: Vec<String>,
}

impl Service {
    /// A Service without a selector has its endpoints from elsewhere.
    pub fn selects(&self, workload: &Workload) -> bool {
        !self.selector.is_empty() && selects(&self.selector, &workload.labels)
    }
}

impl Autoscaler {
    pub fn scales(&self, workload: &Workload) -> bool {
        self.target == format!("{}/{}", workload.key.kind, workload.key.name)
    }
}

impl Claim {
    /// Claims of a StatefulSet's templates are named after the template, the set and the pod's ordinal.
    pub fn belongs_to(&self, workload: &Workload) -> bool {
        let numbered = |template: &String| {
            let ordinal = self.name.strip_prefix(&format!("{template}-{}-", workload.key.name));
            ordinal.is_some_and(|ordinal| !ordinal.is_empty() && ordinal.bytes().all(|c| c.is_ascii_digit()))
        };
        let claims = &workload.references.claims;
        claims.contains(&self.name) || (workload.key.kind == WorkloadKind::StatefulSet && claims.iter().any(numbered))
    }
}

/// What stands around `workload` among the neighbours of its namespace; `others` are the namespace's workloads, to name who is
/// meant by labels.
pub fn around<'a>(workload: &Workload, neighbours: impl Iterator<Item = &'a Neighbour> + Clone, others: &[&Workload]) -> Around {
    let mut around = Around { secrets: workload.references.secrets.iter().cloned().collect(), ..Around::default() };
    for neighbour in neighbours.clone() {
        match neighbour {
            Neighbour::Autoscaler(it) if it.scales(workload) => around.autoscaler = Some(it.clone()),
            Neighbour::Service(it) if it.selects(workload) => around.services.push(it.clone()),
            Neighbour::NetworkPolicy(it) if selects(&it.selector, &workload.labels) => around.policies.push(access(it, others)),
            Neighbour::ConfigMap(it) if workload.references.config_maps.contains(&it.name) => around.config_maps.push(it.clone()),
            Neighbour::Claim(it) if it.belongs_to(workload) => around.claims.push(it.clone()),
            _ => {}
        }
    }
    around.ingresses = neighbours.filter_map(|neighbour| leading_to(neighbour, &around.services)).collect();
    let missing = |name: &&String| !around.config_maps.iter().any(|map| map.name == **name);
    let References { config_maps, optional, .. } = &workload.references;
    around.missing_config_maps = config_maps.difference(optional).filter(missing).cloned().collect();
    around
}

/// The routes of an Ingress that lead to one of these Services.
fn leading_to(neighbour: &Neighbour, services: &[Service]) -> Option<Ingress> {
    let Neighbour::Ingress(ingress) = neighbour else { return None };
    let routes: Vec<_> = ingress.routes.iter().filter(|route| services.iter().any(|s| s.name == route.service)).cloned().collect();
    (!routes.is_empty()).then(|| Ingress { routes, ..ingress.clone() })
}

fn access(policy: &NetworkPolicy, others: &[&Workload]) -> Access {
    let words = |direction: &str, passages: &Option<Vec<Passage>>| match passages.as_deref() {
        None => Vec::new(),
        Some([]) => vec![format!("{direction} nobody")],
        Some(some) => some.iter().map(|passage| passage_words(direction, passage, others)).collect(),
    };
    Access { policy: policy.name.clone(), ingress: words("from", &policy.ingress), egress: words("to", &policy.egress) }
}

fn passage_words(direction: &str, passage: &Passage, others: &[&Workload]) -> String {
    let peers: Vec<_> = passage.peers.iter().map(|peer| peer_words(peer, others)).collect();
    let who = if peers.is_empty() { "everyone".to_owned() } else { peers.join(" or ") };
    let ports = if passage.ports.is_empty() { String::new() } else { format!(", on {}", passage.ports.join(", ")) };
    format!("{direction} {who}{ports}")
}

/// Workloads by name where the labels mean some of this namespace, else the labels themselves.
fn peer_words(peer: &Peer, others: &[&Workload]) -> String {
    if let Some(block) = &peer.block {
        return format!("addresses {block}{}", peer.more);
    }
    let place = match &peer.namespaces {
        None => String::new(),
        Some(labels) if labels.is_empty() => " in any namespace".to_owned(),
        Some(labels) => format!(" in namespaces with {}", label_words(labels)),
    };
    let pods = match &peer.pods {
        None => "any pod".to_owned(),
        Some(labels) if labels.is_empty() => "any pod".to_owned(),
        Some(labels) if peer.namespaces.is_none() => {
            let named: Vec<_> = others.iter().filter(|w| selects(labels, &w.labels)).map(|w| w.key.name.as_str()).collect();
            if named.is_empty() { format!("pods with {}", label_words(labels)) } else { named.join(", ") }
        }
        Some(labels) => format!("pods with {}", label_words(labels)),
    };
    format!("{pods}{place}{}", peer.more)
}

fn label_words(labels: &Labels) -> String {
    labels.iter().map(|(key, value)| format!("{key}={value}")).collect::<Vec<_>>().join(", ")
}

/// `deployment/devmatrix-api`, as the configuration and kubectl write it.
pub fn short(workload: &Workload) -> String {
    format!("{}/{}", workload.key.kind.as_str().to_lowercase(), workload.key.name)
}

/// What else is in a namespace: each object with the workloads that it is for.
pub fn inventory<'a>(neighbours: impl Iterator<Item = &'a Neighbour> + Clone, workloads: &[&Workload]) -> Inventory {
    let mut found = Inventory::default();
    let by = |wanted: &dyn Fn(&Workload) -> bool| workloads.iter().filter(|w| wanted(w)).map(|w| short(w)).collect::<Vec<_>>();
    let crons = neighbours.clone().filter_map(|neighbour| match neighbour {
        Neighbour::CronJob(cron) => Some(cron),
        _ => None,
    });
    let by_cron = |wanted: fn(&References) -> &BTreeSet<String>, name: &str| {
        crons.clone().filter(|cron| wanted(&cron.needs).contains(name)).map(|cron| format!("cronjob/{}", cron.name)).collect::<Vec<_>>()
    };
    for neighbour in neighbours {
        match neighbour {
            Neighbour::CronJob(it) => found.cron_jobs.push(it.clone()),
            Neighbour::Job(it) => found.jobs.push(it.clone()),
            Neighbour::Ingress(it) => found.ingresses.push(it.clone()),
            Neighbour::Autoscaler(it) => found.autoscalers.push(it.clone()),
            Neighbour::Node(it) => found.nodes.push(it.clone()),
            Neighbour::Service(it) => found.services.push(Selected { object: it.clone(), workloads: by(&|w| it.selects(w)) }),
            Neighbour::ConfigMap(it) => {
                let mut users = by(&|w| w.references.config_maps.contains(&it.name));
                users.extend(by_cron(|needs| &needs.config_maps, &it.name));
                found.config_maps.push(Selected { object: it.clone(), workloads: users });
            }
            Neighbour::Claim(it) => {
                let mut users = by(&|w| it.belongs_to(w));
                users.extend(by_cron(|needs| &needs.claims, &it.name));
                found.claims.push(Selected { object: it.clone(), workloads: users });
            }
            // These come with their pods.
            Neighbour::ReplicaSet(_) => {}
            Neighbour::NetworkPolicy(_) => {}
        }
    }
    // Newest first: what ran last is what one looks for.
    found.jobs.sort_by(|a, b| b.started.cmp(&a.started).then_with(|| a.name.cmp(&b.name)));
    found
}
