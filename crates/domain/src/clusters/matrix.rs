//! The matrix and what stands beside it, as the API and the pages show them.

use super::{Around, Cell, Inventory, Pod, PodSaid, said};
use crate::Time;
use crate::catalog::{Catalog, Component, Environment, Provider};
use crate::changes::Closed;
use crate::releases::DeploymentRecord;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
pub struct ClusterHead {
    pub name: String,
    pub provider: Provider,
    pub region: String,
    pub reachable: bool,
    /// When it was last heard.
    #[schema(value_type = Option<String>, format = DateTime)]
    pub last_seen: Option<Time>,
    /// Why it is not reachable, or which right is missing; empty when all is well.
    pub trouble: String,
}

impl ClusterHead {
    /// `EKS us-east-1`
    pub fn title(&self) -> String {
        format!("{} {}", self.provider.title(), self.region).trim_end().to_owned()
    }
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
pub struct EnvironmentHead {
    pub name: String,
    pub title: String,
    pub stage: i64,
    pub production: bool,
    pub promote_from: Option<String>,
    pub namespace: String,
    pub cluster: ClusterHead,
    /// Why nothing but a rollback may be executed here now. None: it is open.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub closed: Option<Closed>,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
pub struct MatrixRow {
    pub name: String,
    pub title: String,
    pub owner: String,
    /// By environment name.
    pub cells: BTreeMap<String, Cell>,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
pub struct Matrix {
    pub environments: Vec<EnvironmentHead>,
    pub components: Vec<MatrixRow>,
}

/// What the configuration says of a component.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
pub struct Declared {
    pub owner: String,
    pub owner_title: String,
    pub technology: String,
    pub port: Option<i64>,
    pub replicas: Option<i64>,
    pub cpu: Option<String>,
    pub memory: Option<String>,
    /// `deployment/devmatrix-api`
    pub workload: String,
    pub container: Option<String>,
    /// Containers and init containers that are promoted with it.
    pub companions: Vec<String>,
    pub depends_on: Vec<String>,
}

impl Declared {
    pub fn of(component: &Component, catalog: &Catalog) -> Declared {
        Declared {
            owner: component.owner.clone(),
            owner_title: catalog.team(&component.owner).map_or_else(|| component.owner.clone(), |team| team.title.clone()),
            technology: component.technology.clone(),
            port: component.port,
            replicas: component.replicas,
            cpu: component.cpu.clone(),
            memory: component.memory.clone(),
            workload: format!("{}/{}", component.workload.kind.as_str().to_lowercase(), component.workload.name),
            container: component.container.clone(),
            companions: component.companions.clone(),
            depends_on: component.depends_on.clone(),
        }
    }
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
pub struct PodView {
    pub name: String,
    /// `Running`, `Pending`, `CrashLoopBackOff`, `Terminating`…: as kubectl's STATUS column says it.
    pub status: String,
    pub ready: bool,
    pub restarts: i64,
    pub node: String,
    /// The tag or digest that it runs, of the component's container.
    pub version: String,
    #[schema(value_type = String, format = DateTime)]
    pub created: Time,
    pub said: Option<PodSaid>,
}

impl PodView {
    pub fn of(pod: &Pod, version: String) -> PodView {
        PodView {
            name: pod.name.to_string(),
            status: pod.status(),
            ready: pod.ready,
            restarts: pod.restarts(),
            node: pod.node.to_string(),
            version,
            created: pod.created,
            said: said(pod),
        }
    }
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
pub struct ComponentIn {
    pub environment: EnvironmentHead,
    pub cell: Cell,
    pub pods: Vec<PodView>,
    /// Newest first, at most 20.
    pub deployments: Vec<DeploymentRecord>,
    /// What scales it, leads to it, and what it reads and stores.
    pub around: Around,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
pub struct ComponentView {
    pub name: String,
    pub title: String,
    pub declared: Declared,
    pub environments: Vec<ComponentIn>,
}

/// A workload in the namespace that no component declares.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
pub struct Undeclared {
    pub kind: super::WorkloadKind,
    pub name: String,
    pub image: String,
    pub desired: i64,
    pub ready: i64,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
pub struct InEnvironment {
    pub name: String,
    pub title: String,
    pub declared: Declared,
    pub cell: Cell,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
pub struct EnvironmentView {
    pub environment: EnvironmentHead,
    pub components: Vec<InEnvironment>,
    pub undeclared: Vec<Undeclared>,
    /// What else is in the namespace.
    pub inventory: Inventory,
}

impl EnvironmentHead {
    pub fn of(environment: &Environment, cluster: ClusterHead, closed: Option<Closed>) -> EnvironmentHead {
        EnvironmentHead {
            name: environment.name.clone(),
            title: environment.title.clone(),
            stage: environment.stage,
            production: environment.production,
            promote_from: environment.promote_from.clone(),
            namespace: environment.namespace.clone(),
            cluster,
            closed,
        }
    }
}
