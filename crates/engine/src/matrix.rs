//! What the pages and the API read of the clusters: the matrix, a component, an environment. From memory and records; no cluster
//! is called.

use crate::Engine;
use crate::clusters::Cluster;
use crate::clusters::state::{Kind, Known, State};
use crate::error::Result;
use domain::access::{Actor, Verb, authorize};
use domain::catalog::{Component, Environment};
use domain::clusters::{
    Around, BarePod, BareSet, Behind, Cell, ComponentIn, ComponentView, Declared, EnvironmentHead, EnvironmentView, InEnvironment,
    Inventory, Matrix, MatrixRow, Neighbour, Pod, PodView, Reach, Undeclared, around, cell,
};
use domain::releases::{ImageRef, behind};
use std::sync::Arc;

/// Records on a component's page, per environment.
const RECENT: usize = 20;

impl Engine {
    pub async fn matrix(&self, actor: &Actor) -> domain::Result<Matrix> {
        authorize(actor, Verb::Read)?;
        let catalog = &self.0.catalog;
        let environments = catalog.environments.iter().map(|e| self.head(e)).collect::<Result<_>>()?;
        let components = catalog.components.iter().map(|c| self.row(c)).collect::<Result<_>>()?;
        Ok(Matrix { environments, components })
    }

    pub async fn component(&self, actor: &Actor, name: &str) -> domain::Result<ComponentView> {
        authorize(actor, Verb::Read)?;
        let component = self.0.catalog.component(name)?;
        let environments = self.0.catalog.environments.iter().map(|e| self.component_in(component, e)).collect::<Result<_>>()?;
        Ok(ComponentView {
            name: component.name.clone(),
            title: component.title.clone(),
            declared: Declared::of(component, &self.0.catalog),
            environments,
        })
    }

    pub async fn environment(&self, actor: &Actor, name: &str) -> domain::Result<EnvironmentView> {
        authorize(actor, Verb::Read)?;
        let environment = self.0.catalog.environment(name)?;
        let components = self.0.catalog.components.iter().map(|c| self.in_environment(c, environment)).collect::<Result<_>>()?;
        Ok(EnvironmentView {
            environment: self.head(environment)?,
            components,
            undeclared: self.undeclared(environment)?,
            inventory: self.inventory(environment)?,
        })
    }

    pub(crate) fn head(&self, environment: &Environment) -> Result<EnvironmentHead> {
        Ok(EnvironmentHead::of(environment, self.cluster(&environment.cluster)?.head(), self.0.closings.of(&environment.name)))
    }

    fn row(&self, component: &Component) -> Result<MatrixRow> {
        let mut cells = std::collections::BTreeMap::new();
        for environment in &self.0.catalog.environments {
            cells.insert(environment.name.clone(), self.cell(component, environment)?);
        }
        Ok(MatrixRow { name: component.name.clone(), title: component.title.clone(), owner: component.owner.clone(), cells })
    }

    pub(crate) fn cell(&self, component: &Component, environment: &Environment) -> Result<Cell> {
        let mut made = self.bare_cell(component, environment)?;
        if let (Some(from), Some(image)) = (&environment.promote_from, made.image.clone()) {
            made.behind = self.behind(component, from, &image, made.digest.as_deref())?;
        }
        Ok(made)
    }

    pub(crate) fn bare_cell(&self, component: &Component, environment: &Environment) -> Result<Cell> {
        let cluster = self.cluster(&environment.cluster)?;
        let state = cluster.state();
        let known = state.observed(&component.workload.key(&environment.namespace));
        Ok(cell(
            component,
            &environment.namespace,
            known.as_ref().map(Known::as_observed),
            &state.reach(&environment.namespace, component.workload.kind),
        ))
    }

    /// By the source's records where there are any; other kinds than Deployments have none, so what runs there is compared.
    fn behind(&self, component: &Component, from: &str, image: &str, digest: Option<&str>) -> Result<Option<Behind>> {
        let records = self.0.records.of(&component.name, from);
        if !records.is_empty() {
            return Ok(behind(from, &records, image, digest));
        }
        let source = self.bare_cell(component, self.0.catalog.environment(from)?)?;
        let same = match (source.digest.as_deref(), digest) {
            (Some(theirs), Some(ours)) => theirs == ours,
            _ => source.image.as_deref() == Some(image),
        };
        let differs = source.image.is_some() && !same;
        Ok(differs.then(|| Behind { from: from.to_owned(), releases: 1, since: source.since }))
    }

    fn component_in(&self, component: &Component, environment: &Environment) -> Result<ComponentIn> {
        let cluster = self.cluster(&environment.cluster)?;
        let mut deployments = self.0.records.of(&component.name, &environment.name).to_vec();
        deployments.truncate(RECENT);
        Ok(ComponentIn {
            environment: self.head(environment)?,
            cell: self.cell(component, environment)?,
            pods: pods(cluster, component, environment),
            deployments,
            around: self.around(component, environment)?,
        })
    }

    fn around(&self, component: &Component, environment: &Environment) -> Result<Around> {
        let state = self.cluster(&environment.cluster)?.state();
        let Some(known) = state.observed(&component.workload.key(&environment.namespace)) else { return Ok(Around::default()) };
        let others: Vec<_> = state.workloads_in(&environment.namespace).collect();
        Ok(around::around(known.workload, state.neighbours_in(&environment.namespace), &others))
    }

    fn inventory(&self, environment: &Environment) -> Result<Inventory> {
        let state = self.cluster(&environment.cluster)?.state();
        let workloads: Vec<_> = state.workloads_in(&environment.namespace).collect();
        let all = state.neighbours_in(&environment.namespace).chain(state.nodes());
        let forbidden = state.forbidden(&environment.namespace).map(str::to_owned).collect();
        let found = around::inventory(all, &workloads);
        Ok(Inventory {
            forbidden,
            bare_known: bare_known(&state, &environment.namespace),
            ..with_bare(found, &state, &environment.namespace)
        })
    }

    fn in_environment(&self, component: &Component, environment: &Environment) -> Result<InEnvironment> {
        Ok(InEnvironment {
            name: component.name.clone(),
            title: component.title.clone(),
            declared: Declared::of(component, &self.0.catalog),
            cell: self.cell(component, environment)?,
        })
    }

    fn undeclared(&self, environment: &Environment) -> Result<Vec<Undeclared>> {
        let cluster = self.cluster(&environment.cluster)?;
        let state = cluster.state();
        let declared: Vec<_> = self.0.catalog.components.iter().map(|c| c.workload.key(&environment.namespace)).collect();
        let found = state.workloads_in(&environment.namespace).filter(|w| !declared.contains(&w.key));
        Ok(found
            .map(|w| Undeclared {
                kind: w.key.kind,
                name: w.key.name.clone(),
                image: w.containers.first().map(|c| c.image.clone()).unwrap_or_default(),
                desired: w.desired,
                ready: w.ready,
            })
            .collect())
    }

    pub(crate) fn cluster_of(&self, environment: &Environment) -> Result<Arc<Cluster>> {
        self.cluster(&environment.cluster).cloned()
    }
}

/// What stands for itself in a namespace: what does not run before what does.
fn with_bare(found: Inventory, state: &State, namespace: &str) -> Inventory {
    let sets = state.neighbours_in(namespace).filter_map(|neighbour| match neighbour {
        Neighbour::ReplicaSet(set) => Some(BareSet::of(set, state.pods_of(&set.uid))),
        _ => None,
    });
    let mut pods: Vec<_> = state.bare_pods(namespace).filter_map(BarePod::of).collect();
    pods.sort_by(|a, b| (a.ready, &a.name).cmp(&(b.ready, &b.name)));
    Inventory { replica_sets: sets.collect(), pods, ..found }
}

fn bare_known(state: &State, namespace: &str) -> bool {
    [Kind::Pods, Kind::ReplicaSets].into_iter().all(|kind| state.reach_kind(namespace, kind) == Reach::Live)
}

/// Newest first, then by name.
fn pods(cluster: &Cluster, component: &Component, environment: &Environment) -> Vec<PodView> {
    let state = cluster.state();
    let Some(known) = state.observed(&component.workload.key(&environment.namespace)) else { return Vec::new() };
    let container = component.container_in(known.workload).map(|c| c.name.clone()).unwrap_or_default();
    let mut views: Vec<_> = known.pods.iter().map(|pod| pod_view(pod, &known, &container)).collect();
    views.sort_by(|a, b| b.created.cmp(&a.created).then_with(|| a.name.cmp(&b.name)));
    views
}

fn pod_view(pod: &Pod, known: &Known<'_>, container: &str) -> PodView {
    let images =
        known.revisions.iter().find(|revision| revision.has(pod)).map_or(&*known.workload.containers, |revision| &*revision.images);
    let image = images.iter().find(|c| c.name == container).and_then(|c| ImageRef::parse(&c.image));
    PodView::of(pod, image.map(|image| image.version()).unwrap_or_default())
}
