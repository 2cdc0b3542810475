//! The recorder: writes down each revision that an environment runs, once, with its pod template; also what ran before the portal
//! looked and what came from elsewhere. Keeps the newest records in memory, so that the matrix reads no database.

use crate::clusters::{Cluster, now};
use crate::error::Result;
use crate::events::Topic;
use crate::store::{NewRecord, readable};
use crate::{DomainResult, Engine, Page, PageRequest};
use domain::Time;
use domain::access::{Actor, Verb, authorize};
use domain::catalog::{Component, Environment};
use domain::clusters::{Revision, Workload, WorkloadKind};
use domain::releases::{DeploymentRecord, ImageRef, RecordOutcome};
use serde_json::Value;
use std::collections::HashMap;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError, RwLock};
use std::time::Duration;

type Place = (String, String);

/// Records by component and environment, newest first; and what was seen when they were last read.
#[derive(Default)]
pub(crate) struct Records {
    newest: RwLock<HashMap<Place, Arc<[DeploymentRecord]>>>,
    seen: Mutex<HashMap<Place, Seen>>,
    /// Set once all clusters have been listed, or are lost, and what they showed is written down.
    complete: AtomicBool,
}

impl Records {
    pub fn of(&self, component: &str, environment: &str) -> Arc<[DeploymentRecord]> {
        let records = self.newest.read().unwrap_or_else(PoisonError::into_inner);
        records.get(&(component.to_owned(), environment.to_owned())).cloned().unwrap_or_default()
    }

    fn put(&self, component: &str, environment: &str, records: Vec<DeploymentRecord>) -> bool {
        let place = (component.to_owned(), environment.to_owned());
        let before = self.newest.write().unwrap_or_else(PoisonError::into_inner).insert(place, records.as_slice().into());
        before.as_deref() != Some(records.as_slice())
    }

    /// Whether the first round over all clusters is done.
    pub fn are_complete(&self) -> bool {
        self.complete.load(Ordering::Acquire)
    }

    fn was_seen(&self, place: &Place, seen: &Seen) -> bool {
        self.seen.lock().unwrap_or_else(PoisonError::into_inner).get(place) == Some(seen)
    }

    /// How a rollout ended may have been written down by another replica, and no watch tells of that.
    pub fn look_again_at_running(&self) {
        let newest = self.newest.read().unwrap_or_else(PoisonError::into_inner);
        let runs = |place: &Place| newest.get(place).is_some_and(|all| all.iter().any(|record| record.outcome == RecordOutcome::Running));
        self.seen.lock().unwrap_or_else(PoisonError::into_inner).retain(|place, _| !runs(place));
    }

    fn now_seen(&self, place: Place, seen: Seen) {
        self.seen.lock().unwrap_or_else(PoisonError::into_inner).insert(place, seen);
    }
}

/// What the watch knows of a place that its records depend on.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Seen {
    object_uid: String,
    revisions: Vec<Revision>,
    /// The change of ours that wrote the workload last.
    change: Option<String>,
    current_revision: Option<i64>,
    progressed: Option<Time>,
    digest: Option<String>,
    container: Option<String>,
}

impl Engine {
    pub async fn deployments(
        &self,
        actor: &Actor,
        component: &str,
        environment: Option<&str>,
        page: PageRequest,
    ) -> DomainResult<Page<DeploymentRecord>> {
        authorize(actor, Verb::Read)?;
        let component = self.0.catalog.component(component)?;
        let environments: Vec<_> = match environment {
            Some(name) => vec![self.0.catalog.environment(name)?],
            None => self.0.catalog.environments.iter().collect(),
        };
        let mut all: Vec<_> = environments.iter().flat_map(|e| self.0.records.of(&component.name, &e.name).to_vec()).collect();
        all.sort_by(|a, b| b.at.cmp(&a.at).then(b.revision.cmp(&a.revision)));
        let from = match page.cursor.as_deref() {
            None => 0,
            Some(cursor) => 1 + all.iter().position(|r| r.id == cursor).ok_or_else(no_such_page)?,
        };
        let until = from.saturating_add(usize::try_from(page.limit).unwrap_or(usize::MAX)).min(all.len());
        let next = (until < all.len()).then(|| all[until - 1].id.clone());
        Ok(Page { items: all[from..until].to_vec(), next })
    }

    /// Writes down what is new in this place, and reads the records again.
    pub(crate) async fn record_place(&self, component: &Component, environment: &Environment) -> Result<()> {
        let cluster = self.cluster_of(environment)?;
        let Some(seen) = look(&cluster, component, environment) else { return Ok(()) };
        let before = self.0.store.records(&component.name, &environment.name, &seen.object_uid).await?;
        for revision in seen.revisions.iter().rev().filter(|revision| is_named(&seen, revision)) {
            match before.iter().find(|record| record.revision == revision.number) {
                None => self.record_revision(&cluster, component, environment, &seen, revision, &before).await?,
                Some(record) if record.digest.is_none() && seen.current_revision == Some(revision.number) => {
                    self.complete(record, &seen).await?
                }
                // People write the cause after the release: `kubectl annotate` follows `kubectl set image`.
                Some(record) if record.change.is_none() && revision.cause.is_some() && record.cause != revision.cause => {
                    self.explain(record, revision).await?
                }
                Some(_) => {}
            }
        }
        let records = self.0.store.records(&component.name, &environment.name, &seen.object_uid).await?;
        if self.0.records.put(&component.name, &environment.name, records) {
            self.publish_here(&[Topic::Changes, Topic::Matrix]);
        }
        self.0.records.now_seen((component.name.clone(), environment.name.clone()), seen);
        Ok(())
    }

    /// Whether something is new here: a busy cluster tells of much that no record depends on.
    fn is_news(&self, component: &Component, environment: &Environment) -> bool {
        let Ok(cluster) = self.cluster_of(environment) else { return false };
        let place = (component.name.clone(), environment.name.clone());
        look(&cluster, component, environment).is_some_and(|seen| !self.0.records.was_seen(&place, &seen))
    }

    async fn record_revision(
        &self,
        cluster: &Cluster,
        component: &Component,
        environment: &Environment,
        seen: &Seen,
        revision: &Revision,
        before: &[DeploymentRecord],
    ) -> Result<()> {
        let kind = component.workload.kind;
        let Some(template) = cluster.revision_template(kind, &environment.namespace, &revision.name).await? else { return Ok(()) };
        let mut new = new_record(component, environment, seen, revision, &template, before);
        self.credit(&mut new, before).await?;
        // What an older revision was deployed with is not there to be read any more.
        let config = match seen.current_revision == Some(revision.number) {
            true => cluster.config_maps(&environment.namespace, &template).await.ok(),
            false => None,
        };
        let mut tx = self.0.store.write().await?;
        if let (Some(id), Some(maps)) = (self.0.store.insert_record(&mut tx, &new).await?, config) {
            self.0.store.insert_config(&mut tx, &id, &maps).await?;
        }
        Ok(tx.commit().await?)
    }

    /// Who deployed it, and from which commit. Annotations stay on a Deployment that somebody edits later, so a change is
    /// credited once only, and only with what it planned.
    async fn credit(&self, new: &mut NewRecord, before: &[DeploymentRecord]) -> Result<()> {
        let Some(id) = new.change.take() else { return Ok(()) };
        let Some(change) = readable(&id, self.0.store.change(&id).await)? else {
            // When it reads again, its end judges this record.
            (new.outcome, new.change) = (RecordOutcome::Running, Some(id));
            return Ok(());
        };
        let Some(change) = change else { return Ok(()) };
        let credited = before.iter().any(|record| record.change.as_ref() == Some(&id));
        if credited || !change.plan.kind.makes_revision() || change.plan.to.image != new.image {
            new.outcome = RecordOutcome::Unknown;
            (new.by, new.commit, new.cause) = (None, None, None);
            return Ok(());
        }
        if let Some(source) = &change.plan.source {
            let theirs = self.0.records.of(&new.component, source);
            new.commit = theirs
                .iter()
                .find(|record| record.same_artifact(&new.image, new.digest.as_deref()))
                .and_then(|record| record.commit.clone());
        }
        // It may have ended before its ReplicaSet was seen here.
        new.outcome = match change.outcome.as_ref().map(|outcome| outcome.state) {
            None => RecordOutcome::Running,
            Some(end) => RecordOutcome::of(end),
        };
        new.by = Some(change.plan.requester.clone());
        new.change = Some(id);
        Ok(())
    }

    async fn explain(&self, record: &DeploymentRecord, revision: &Revision) -> Result<()> {
        let mut tx = self.0.store.write().await?;
        self.0.store.explain_record(&mut tx, &record.id, revision.cause.as_deref()).await?;
        Ok(tx.commit().await?)
    }

    async fn complete(&self, record: &DeploymentRecord, seen: &Seen) -> Result<()> {
        let Some(digest) = &seen.digest else { return Ok(()) };
        let mut tx = self.0.store.write().await?;
        self.0.store.complete_record(&mut tx, &record.id, digest).await?;
        Ok(tx.commit().await?)
    }
}

fn no_such_page() -> domain::Error {
    domain::Error::invalid("cursor", "this list has no such page: begin again without a cursor")
}

fn look(cluster: &Cluster, component: &Component, environment: &Environment) -> Option<Seen> {
    let state = cluster.state();
    let known = state.observed(&component.workload.key(&environment.namespace))?;
    let container = component.container_in(known.workload).map(|c| c.name.clone());
    Some(Seen {
        object_uid: known.workload.uid.clone(),
        // How many pods it should have is not a matter of the record.
        revisions: known.revisions.iter().map(|revision| Revision { desired: 0, ..revision.clone() }).collect(),
        change: known.workload.change.clone(),
        current_revision: present_number(known.workload, known.as_observed().revision()),
        progressed: known.workload.progressed,
        digest: container.as_deref().and_then(|name| known.as_observed().digest(name)),
        container,
    })
}

/// Whose write made a ControllerRevision is told by the workload, once that names it as the present one. Until then it is too early
/// to write it down: its news and the workload's come by two watches, in any order.
fn is_named(seen: &Seen, revision: &Revision) -> bool {
    revision.template.is_empty() || seen.current_revision.is_some_and(|current| revision.number <= current)
}

/// The controllers of StatefulSets and DaemonSets name the present revision only once they have seen the spec.
fn present_number(workload: &Workload, revision: Option<&Revision>) -> Option<i64> {
    let seen = workload.key.kind == WorkloadKind::Deployment || workload.observed_generation >= workload.generation;
    revision.filter(|_| seen).map(|revision| revision.number)
}

fn new_record(
    component: &Component,
    environment: &Environment,
    seen: &Seen,
    revision: &Revision,
    template: &Value,
    before: &[DeploymentRecord],
) -> NewRecord {
    let current = seen.current_revision == Some(revision.number);
    let image = revision
        .images
        .iter()
        .find(|c| Some(&c.name) == seen.container.as_ref())
        .or(revision.images.first())
        .map(|c| c.image.clone())
        .unwrap_or_default();
    let pinned = ImageRef::parse(&image).and_then(|image| image.digest);
    let at = recorded_at(seen, revision, current, before);
    // A ControllerRevision that is taken up again keeps the notes of its first time: what wrote the workload last is told by that.
    let of_workload = seen.change.clone().filter(|_| current && !revision.template.is_empty());
    let change = of_workload.or_else(|| revision.change.clone());
    NewRecord {
        component: component.name.clone(),
        environment: environment.name.clone(),
        object_uid: seen.object_uid.clone(),
        revision: revision.number,
        digest: pinned.or_else(|| if current { seen.digest.clone() } else { None }),
        image,
        outcome: if change.is_some() { RecordOutcome::Running } else { RecordOutcome::Unknown },
        change,
        by: revision.author.clone(),
        commit: revision.commit.clone(),
        cause: revision.cause.clone(),
        template: template.to_string(),
        at,
    }
}

/// When the revision began. One that a rollback took up again is older than its number: then it is now, or, when the portal looks
/// here for the first time, when the rollout last made progress.
fn recorded_at(seen: &Seen, revision: &Revision, current: bool, before: &[DeploymentRecord]) -> Time {
    if before.iter().any(|record| record.revision < revision.number && record.at >= revision.created) {
        return now();
    }
    let taken_up_again = current && seen.revisions.iter().any(|other| other.created > revision.created);
    if taken_up_again { seen.progressed.unwrap_or(revision.created) } else { revision.created }
}

/// Follows the clusters, and records what is new shortly after it shows.
pub(crate) async fn recorder(engine: Engine) {
    let mut events = engine.events().subscribe();
    loop {
        record_all(&engine).await;
        let changed = async {
            // Bursts are one round: a rollout tells of itself many times a second.
            let _ = events.recv().await;
            tokio::time::sleep(Duration::from_millis(100)).await;
            while events.try_recv().is_ok() {}
        };
        tokio::select! {
            () = engine.0.stop.cancelled() => return,
            () = changed => {}
        }
    }
}

async fn record_all(engine: &Engine) {
    let catalog = engine.catalog();
    let listed = engine.0.clusters.values().all(|cluster| cluster.state().settled());
    for environment in &catalog.environments {
        for component in catalog.components.iter().filter(|component| engine.is_news(component, environment)) {
            if let Err(error) = engine.record_place(component, environment).await {
                tracing::warn!(%error, component = component.name, environment = environment.name, "a revision was not recorded; it is tried again");
            }
        }
    }
    if listed {
        engine.0.records.complete.store(true, Ordering::Release);
    }
}
