//! Gathering what a plan depends on: live objects from the API server, health and digests from the watch, records and holds from
//! the database. Then `domain` decides, and the API server is asked what the patch would make of the object.

use super::Way;
use crate::Engine;
use crate::clusters::state::Known;
use crate::clusters::{self, Cluster, WriteAnswer, in_words, objects};
use crate::error::{Error, Result};
use domain::access::Allowed;
use domain::catalog::{Component, Environment};
use domain::changes::plan::{Blocker, Companion, ConfigThen, Draft, Kept, Live, Scaler, Since, draft, generation};
use domain::changes::{Facts, Plan, Refusal, RefusalCode, Request};
use domain::clusters::{Autoscaler, CellState, Neighbour, Observed, Reach, cell};
use domain::releases::{DeploymentRecord, ImageRef};
use serde_json::Value;

impl Engine {
    pub(crate) async fn plan(&self, allowed: Allowed<'_>, request: &Request, way: Way) -> Result<Plan> {
        let draft = match request {
            Request::RunJob { environment, cron_job, reason } => {
                self.job_draft(allowed, environment.as_str(), cron_job.as_str(), reason, way).await?
            }
            _ => draft(&self.gather(allowed, request, way).await?, request)?,
        };
        self.dry_run(draft).await
    }

    async fn gather(&self, allowed: Allowed<'_>, request: &Request, way: Way) -> Result<Facts> {
        let catalog = self.catalog();
        let component = catalog.component(&request.about())?;
        let environment = catalog.environment(request.environment().as_str())?;
        let source = match request {
            Request::Promote { from, .. } => self.source(component, environment, from.as_str()).await?,
            _ => None,
        };
        let target = self.live(component, environment).await?;
        let record = match (request, &target) {
            (Request::Rollback { to_revision, .. }, Some(live)) => self.record(component, environment, live, *to_revision).await?,
            _ => None,
        };
        let (since, config) = match (&record, &target) {
            (Some((record, _)), Some(live)) => (self.since(record, live).await?, self.config(environment, record, request).await?),
            _ => (Vec::new(), None),
        };
        let autoscaler = match request {
            Request::Scale { .. } | Request::Autoscale { .. } => self.autoscaler(component, environment)?,
            // Whoever may not read autoscalers has a plan that another number of replicas supersedes.
            _ => self.autoscaler(component, environment).unwrap_or_default(),
        };
        let scaler = match (request, &autoscaler) {
            (Request::Autoscale { .. }, Some(known)) => self.scaler(environment, &known.name).await?,
            _ => None,
        };
        let blocker = match request {
            Request::Scale { .. } | Request::Autoscale { .. } => None,
            _ => self.blocker(component, environment).await?,
        };
        Ok(Facts {
            now: self.now(),
            requester: allowed.person().name.clone(),
            component: component.clone(),
            environment: environment.clone(),
            cluster_title: self.cluster_of(environment)?.head().title(),
            target,
            source,
            record,
            since,
            config,
            holds: self.0.store.holds(Some(&component.name), Some(&environment.name)).await?,
            autoscaler,
            scaler,
            blocker,
            freezes: self.0.store.open_freezes(self.now()).await?,
            break_glass: way == Way::BreakGlass,
            authors: self.authors(component, environment, request)?,
            policy_version: catalog.version.clone(),
        })
    }

    /// Who wrote the release that would be deployed, as the pods that run it say (`devmatrix.io/author`); where none does yet, as whoever
    /// asks says. None: nothing says it.
    fn authors(&self, component: &Component, environment: &Environment, request: &Request) -> Result<Option<Vec<String>>> {
        let (place, wanted) = match request {
            Request::Promote { from, .. } => (self.0.catalog.environment(from.as_str())?, None),
            Request::Rollback { to_revision, .. } => (environment, Some(*to_revision)),
            Request::Deploy { authors, .. } => {
                let names: Vec<_> = authors.iter().map(ToString::to_string).collect();
                return Ok((!names.is_empty()).then_some(names));
            }
            _ => return Ok(None),
        };
        let cluster = self.cluster_of(place)?;
        let state = cluster.state();
        let Some(known) = state.observed(&component.workload.key(&place.namespace)) else { return Ok(None) };
        let revision = match wanted {
            Some(number) => known.revisions.iter().find(|revision| revision.number == number),
            None => known.revisions.iter().max_by_key(|revision| revision.number),
        };
        let names = |text: &str| text.split(',').map(str::trim).filter(|name| !name.is_empty()).map(str::to_owned).collect();
        Ok(revision.and_then(|revision| revision.author.as_deref()).map(names).filter(|names: &Vec<String>| !names.is_empty()))
    }

    /// The pod that the watch knows to hold up the set, as it is now: its uid is what will be deleted, and nothing of its name.
    pub(super) async fn blocker(&self, component: &Component, environment: &Environment) -> Result<Option<Blocker>> {
        let cluster = self.cluster_of(environment)?;
        let namespace = &environment.namespace;
        if let Reach::Lost { why, .. } | Reach::Forbidden { why } = cluster.state().reach(namespace, component.workload.kind) {
            let why = format!("Which pod holds up {} in {} cannot be read: {why}.", component.title, environment.title);
            return Err(Refusal::new(RefusalCode::ClusterUnreachable, why).into());
        }
        let known = cluster.state().observed(&component.workload.key(namespace)).and_then(|known| known.as_observed().blocker());
        let Some(said) = known else { return Ok(None) };
        let pod = cluster.pod(namespace, &said.pod).await.map_err(|error| unreachable(&cluster, environment, &error))?;
        let uid = pod.filter(|pod| pod.pointer("/metadata/deletionTimestamp").is_none());
        let uid = uid.and_then(|pod| pod.pointer("/metadata/uid")?.as_str().map(str::to_owned));
        Ok(uid.map(|uid| Blocker { uid, said }))
    }

    /// The one that the watch knows; while it cannot be read, nobody can say that there is none.
    pub(super) fn autoscaler(&self, component: &Component, environment: &Environment) -> Result<Option<Autoscaler>> {
        let cluster = self.cluster_of(environment)?;
        let state = cluster.state();
        if let Reach::Lost { why, .. } | Reach::Forbidden { why } =
            state.reach_kind(&environment.namespace, clusters::state::Kind::Autoscalers)
        {
            let why = format!("Whether an autoscaler owns the replicas in {} cannot be read: {why}.", environment.title);
            return Err(Refusal::new(RefusalCode::ClusterUnreachable, why).into());
        }
        let Some(known) = state.observed(&component.workload.key(&environment.namespace)) else { return Ok(None) };
        let found = state.neighbours_in(&environment.namespace).find_map(|neighbour| match neighbour {
            Neighbour::Autoscaler(scaler) if scaler.scales(known.workload) => Some(scaler.clone()),
            _ => None,
        });
        Ok(found)
    }

    /// The autoscaler that is to be written, read now.
    async fn scaler(&self, environment: &Environment, name: &str) -> Result<Option<Scaler>> {
        let cluster = self.cluster_of(environment)?;
        let object = cluster.autoscaler(&environment.namespace, name).await.map_err(|error| unreachable(&cluster, environment, &error))?;
        Ok(object.map(|object| Scaler { managed_by: objects::managed(&object), object }))
    }

    /// None when the target is not promoted from there: the refusal says so.
    async fn source(&self, component: &Component, target: &Environment, from: &str) -> Result<Option<(Environment, Option<Live>)>> {
        let catalog = self.catalog();
        let environment = catalog.environment(from)?;
        if target.promote_from.as_deref() != Some(from) {
            return Ok(None);
        }
        Ok(Some((environment.clone(), self.live(component, environment).await?)))
    }

    /// Reads the object now, and says how it is. None: it is not there.
    pub(crate) async fn live(&self, component: &Component, environment: &Environment) -> Result<Option<Live>> {
        let cluster = self.cluster_of(environment)?;
        let kind = component.workload.kind;
        let read = cluster.get(kind, &environment.namespace, &component.workload.name).await;
        let object = read.map_err(|error| unreachable(&cluster, environment, &error))?;
        Ok(object.and_then(|object| describe(&cluster, component, environment, object)))
    }

    async fn record(
        &self,
        component: &Component,
        environment: &Environment,
        live: &Live,
        revision: i64,
    ) -> Result<Option<(DeploymentRecord, Value)>> {
        self.record_place(component, environment).await?;
        let uid = live.object.pointer("/metadata/uid").and_then(Value::as_str).unwrap_or_default();
        let records = self.0.store.records(&component.name, &environment.name, uid).await?;
        let Some(record) = records.into_iter().find(|record| record.revision == revision) else { return Ok(None) };
        let Some(text) = self.0.store.template(&record.id).await? else { return Ok(None) };
        let template = serde_json::from_str(&text).map_err(|source| Error::Document { what: "a pod template".into(), source })?;
        Ok(Some((record, template)))
    }

    /// What was deployed after this record, the newest first.
    async fn since(&self, record: &DeploymentRecord, live: &Live) -> Result<Vec<Since>> {
        let uid = live.object.pointer("/metadata/uid").and_then(Value::as_str).unwrap_or_default();
        let mut since = Vec::new();
        for later in self.0.store.records(&record.component, &record.environment, uid).await? {
            if later.revision <= record.revision {
                break;
            }
            let template = self.0.store.template(&later.id).await?.and_then(|text| serde_json::from_str::<Value>(&text).ok());
            since.push(match template {
                Some(template) => Since::of(later.revision, later.version(), &template),
                None => {
                    Since { revision: later.revision, version: later.version(), irreversible: Some("its template does not read".into()) }
                }
            });
        }
        Ok(since)
    }

    /// What the ConfigMaps of this record held, and what they hold now.
    /// None: nobody wrote them down; or they cannot be read now, and nobody asked to bring them back.
    async fn config(&self, environment: &Environment, record: &DeploymentRecord, request: &Request) -> Result<Option<Vec<ConfigThen>>> {
        let Some(then) = self.0.store.config_of(&record.id).await? else { return Ok(None) };
        let cluster = self.cluster_of(environment)?;
        let mut maps = Vec::with_capacity(then.len());
        for (name, then) in then {
            match (cluster.config_map(&environment.namespace, &name).await, request) {
                (Ok(object), _) => maps.push(ConfigThen { now: object.map(|object| kept(&object)), name, then }),
                (Err(error), Request::Rollback { restore_config: true, .. }) => return Err(unreachable(&cluster, environment, &error)),
                (Err(_), _) => return Ok(None),
            }
        }
        Ok(Some(maps))
    }

    async fn dry_run(&self, draft: Draft) -> Result<Plan> {
        let cluster = self.cluster(&draft.target().cluster)?.clone();
        for write in draft.config() {
            let answer = cluster.write_config(&draft.target().namespace, write, &write.body.to_string(), true).await;
            draft.config_agrees(write, &accepted(&cluster, answer, &format!("ConfigMap {}", write.name))?)?;
        }
        let answer = cluster.dry_run(draft.target(), draft.patch()).await;
        Ok(draft.with_dry_run(&accepted(&cluster, answer, "workload")?))
    }
}

/// What a dry run answered, or why there is no plan.
fn accepted(cluster: &Cluster, answer: WriteAnswer, what: &str) -> Result<Value> {
    match answer {
        WriteAnswer::Applied(after) => Ok(*after),
        WriteAnswer::Refused(why) => {
            let what = if what == "workload" { "this".to_owned() } else { format!("what {what} held then") };
            Err(Refusal::new(RefusalCode::DryRunRejected, format!("The cluster would not accept {what}: {why}")).into())
        }
        WriteAnswer::Conflict(_) | WriteAnswer::Gone(_) | WriteAnswer::Stale(_) => {
            Err(domain::Error::conflict("target_moved", format!("The {what} changed just now: look again, then ask again.")).into())
        }
        WriteAnswer::Later(why) | WriteAnswer::Unknown(why) => {
            let why = format!("Cluster {} did not answer the dry run: {why}.", cluster.name);
            Err(Refusal::new(RefusalCode::ClusterUnreachable, why).into())
        }
    }
}

/// A ConfigMap as it is now.
fn kept(object: &Value) -> Kept {
    Kept {
        uid: object.pointer("/metadata/uid").and_then(Value::as_str).unwrap_or_default().to_owned(),
        held: clusters::held_by(object),
        immutable: object["immutable"] == true,
        managed_by: objects::managed(object),
    }
}

pub(super) fn unreachable(cluster: &Cluster, environment: &Environment, error: &Error) -> Error {
    let why = match error {
        Error::Cluster { source, .. } => in_words(source),
        other => other.to_string(),
    };
    let why = format!("{} cannot be reached now (cluster {}: {why}).", environment.title, cluster.name);
    Refusal::new(RefusalCode::ClusterUnreachable, why).into()
}

/// The live object with the health that the watch tells. What the watch has not seen yet is not called healthy.
fn describe(cluster: &Cluster, component: &Component, environment: &Environment, object: Value) -> Option<Live> {
    let workload = objects::workload_of(component.workload.kind, &object)?;
    let container = component.container_in(&workload)?.clone();
    let state = cluster.state();
    let known = state.observed(&component.workload.key(&environment.namespace));
    let reach = state.reach(&environment.namespace, component.workload.kind);
    let seen = cell(component, &environment.namespace, known.as_ref().map(Known::as_observed), &reach);
    let fresh = known.as_ref().is_some_and(|known| known.workload.uid == workload.uid && known.workload.generation == generation(&object));
    let (state, reason) = if fresh { (seen.state, seen.reason) } else { (CellState::Unknown, "it changed just now".to_owned()) };
    Some(Live {
        state,
        reason,
        digest: if fresh { seen.digest } else { None },
        since: seen.since,
        managed_by: workload.managed_by.clone(),
        container: container.name,
        image: container.image,
        companions: companions(component, &object, known.as_ref().filter(|_| fresh).map(Known::as_observed)),
        object,
    })
}

/// Those that the component names, as far as they are there, with what their pods run.
fn companions(component: &Component, object: &Value, observed: Option<Observed<'_>>) -> Vec<Companion> {
    let find = |name: &String| {
        let lists = [("containers", false), ("initContainers", true)];
        lists.into_iter().find_map(|(list, init)| {
            let all = object.pointer(&format!("/spec/template/spec/{list}"))?.as_array()?;
            let image = all.iter().find(|container| container["name"] == name.as_str())?["image"].as_str()?.to_owned();
            let pinned = ImageRef::parse(&image).and_then(|image| image.digest);
            let digest = pinned.or_else(|| observed.as_ref()?.running_digest(name));
            Some(Companion { name: name.clone(), init, image, digest })
        })
    };
    component.companions.iter().filter_map(find).collect()
}
