//! What is declared: organisation, teams, clusters, environments with their policies, components. Read from
//! `devmatrix.yaml` by [`read`]; a `Catalog` that exists is consistent: every reference in it resolves.

mod access;
mod approval;
pub mod channels;
mod file;
mod oncall;

pub use access::{Access, Aks, ApiServer, Ca, Eks, Federation, Gke, Kubeconfig};
pub use approval::{Approval, Duty, Group, Rule};
pub use file::{Problem, Read, read, read_in};
pub use oncall::Contact;

use crate::access::{Person, Role};
use crate::changes::windows::Window;
use crate::clusters::{Container, Workload, WorkloadKey, WorkloadKind};
use crate::incidents::{Calendar, Level};
use crate::oncall::Rotation;
use crate::{Error, Result};
use serde::{Deserialize, Serialize};

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Catalog {
    pub organisation: String,
    pub external_url: Option<String>,
    pub teams: Vec<Team>,
    pub clusters: Vec<Cluster>,
    /// By stage, then in the order of the file.
    pub environments: Vec<Environment>,
    pub components: Vec<Component>,
    /// How people are reached.
    pub contacts: Vec<Contact>,
    /// What the portal pages people over.
    pub channels: Vec<channels::Channel>,
    pub calendars: Vec<Calendar>,
    pub rotations: Vec<Rotation>,
    /// The severity matrix, the most severe level first.
    pub severities: Vec<Level>,
    /// SHA-256 of the file: the version that a plan was made under.
    pub version: String,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Team {
    pub name: String,
    pub title: String,
    pub members: Vec<String>,
    pub roles: Vec<Role>,
    /// The business calendar by which its problems are due.
    pub calendar: Option<String>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Provider {
    Eks,
    Gke,
    Aks,
    InCluster,
    Kubeconfig,
}

impl Provider {
    pub const NAMES: [&str; 5] = ["eks", "gke", "aks", "in-cluster", "kubeconfig"];

    pub fn parse(text: &str) -> Option<Provider> {
        match text {
            "eks" => Some(Provider::Eks),
            "gke" => Some(Provider::Gke),
            "aks" => Some(Provider::Aks),
            "in-cluster" => Some(Provider::InCluster),
            "kubeconfig" => Some(Provider::Kubeconfig),
            _ => None,
        }
    }

    /// As `devmatrix.yaml` writes it.
    pub fn key(self) -> &'static str {
        match self {
            Provider::Eks => "eks",
            Provider::Gke => "gke",
            Provider::Aks => "aks",
            Provider::InCluster => "in-cluster",
            Provider::Kubeconfig => "kubeconfig",
        }
    }

    /// As people write it.
    pub fn title(self) -> &'static str {
        match self {
            Provider::Eks => "EKS",
            Provider::Gke => "GKE",
            Provider::Aks => "AKS",
            Provider::InCluster => "in-cluster",
            Provider::Kubeconfig => "kubeconfig",
        }
    }
}

/// Where a cluster is and how to get in.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Cluster {
    pub name: String,
    pub provider: Provider,
    pub region: String,
    pub access: Access,
    /// Another identity for writes and their dry runs. None: the one that reads.
    pub deploy: Option<Access>,
}

impl Cluster {
    /// The kubeconfigs that its identities name.
    pub fn kubeconfigs(&self) -> impl Iterator<Item = &Kubeconfig> {
        std::iter::once(&self.access).chain(&self.deploy).filter_map(Access::kubeconfig)
    }
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Environment {
    pub name: String,
    pub title: String,
    pub stage: i64,
    pub cluster: String,
    pub namespace: String,
    pub branch: Option<String>,
    pub production: bool,
    pub promote_from: Option<String>,
    pub approval: Option<Approval>,
    /// When it is open for changes. None of them: always.
    pub windows: Vec<Window>,
    pub rollback_needs_approval: bool,
    /// What fails here is rolled back without being asked for.
    pub rollback_automatic: bool,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Component {
    pub name: String,
    pub title: String,
    pub owner: String,
    pub technology: String,
    /// The repository that its image comes from.
    pub image: Option<String>,
    pub port: Option<i64>,
    pub replicas: Option<i64>,
    pub cpu: Option<String>,
    pub memory: Option<String>,
    pub workload: DeclaredWorkload,
    /// None: the workload's first container.
    pub container: Option<String>,
    /// Containers and init containers that are promoted with it.
    pub companions: Vec<String>,
    pub depends_on: Vec<String>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DeclaredWorkload {
    pub kind: WorkloadKind,
    pub name: String,
}

impl DeclaredWorkload {
    pub fn key(&self, namespace: &str) -> WorkloadKey {
        WorkloadKey { kind: self.kind, namespace: namespace.to_owned(), name: self.name.clone() }
    }
}

impl Component {
    /// The container whose image is the component's version.
    pub fn container_in<'a>(&self, workload: &'a Workload) -> Option<&'a Container> {
        match &self.container {
            Some(name) => workload.containers.iter().find(|c| &c.name == name),
            None => workload.containers.first(),
        }
    }
}

impl Catalog {
    pub fn component(&self, name: &str) -> Result<&Component> {
        self.components
            .iter()
            .find(|c| c.name == name)
            .ok_or_else(|| self.unknown("component", name, self.components.iter().map(|c| c.name.as_str())))
    }

    pub fn environment(&self, name: &str) -> Result<&Environment> {
        self.environments
            .iter()
            .find(|e| e.name == name)
            .ok_or_else(|| self.unknown("environment", name, self.environments.iter().map(|e| e.name.as_str())))
    }

    pub fn cluster(&self, name: &str) -> Option<&Cluster> {
        self.clusters.iter().find(|c| c.name == name)
    }

    /// The namespaces of a cluster that environments are bound to, in order, once.
    pub fn namespaces(&self, cluster: &str) -> Vec<String> {
        let mut namespaces: Vec<String> = self.environments.iter().filter(|e| e.cluster == cluster).map(|e| e.namespace.clone()).collect();
        namespaces.sort();
        namespaces.dedup();
        namespaces
    }

    pub fn team(&self, name: &str) -> Option<&Team> {
        self.teams.iter().find(|t| t.name == name)
    }

    fn unknown<'a>(&self, what: &str, name: &str, known: impl IntoIterator<Item = &'a str>) -> Error {
        let hint = crate::names::nearest(name, known).map(|near| format!(" (did you mean `{near}`?)")).unwrap_or_default();
        Error::not_found(format!("{what} `{}`{hint}", crate::names::shorten(name)))
    }

    /// A person as the teams describe them now. Nobody knows them: they may read.
    pub fn person(&self, name: &str) -> Person {
        let teams: Vec<_> = self.teams.iter().filter(|team| team.members.iter().any(|m| m == name)).collect();
        let mut roles: Vec<Role> = teams.iter().flat_map(|team| team.roles.iter().copied()).collect();
        roles.push(Role::Viewer);
        roles.sort();
        roles.dedup();
        Person {
            name: name.to_owned(),
            title: crate::names::title_of(name),
            teams: teams.iter().map(|team| team.name.clone()).collect(),
            roles,
        }
    }

    /// Everyone whom a team names, in order, once.
    pub fn people(&self) -> Vec<Person> {
        let mut names: Vec<&String> = self.teams.iter().flat_map(|team| &team.members).collect();
        names.sort();
        names.dedup();
        names.into_iter().map(|name| self.person(name)).collect()
    }
}
