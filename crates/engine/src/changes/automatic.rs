//! What failed is rolled back without being asked for, where its environment says so (`rollback: {automatic: true}`).
//!
//! Invariants: once for each change that failed; never of a rollback, never of what we could not do, never over a release that is marked
//! irreversible, never to a release that did not succeed here or is on hold, and never when somebody has acted in the meantime. It is a
//! change like any other: planned, journalled, and voted on where rollbacks need votes. What is not certain yet is looked at again for
//! [`PATIENCE_S`], and then left to people.

use super::{IdempotencyKey, Way};
use crate::Engine;
use crate::error::Result;
use crate::events::Topic;
use crate::store::{Act, readable};
use domain::access::{Actor, PORTAL, Person, Role, Scope, Verb, authorize};
use domain::catalog::{Component, Environment};
use domain::changes::plan::{Live, Since, generation};
use domain::changes::{CHANGE_ANNOTATION, Change, Kind, Request};
use domain::names::Name;
use domain::releases::{DeploymentRecord, last_sure};
use serde_json::Value;
use std::time::Duration;

/// So long after the failure a way back is looked for, in seconds.
const PATIENCE_S: i64 = 600;
/// Failures of before are not looked for, in seconds: by then they have been answered, or the option was not there.
const LOOK_BACK_S: i64 = 3600;
const EVERY: Duration = Duration::from_secs(2);
const CHANGED_SINCE: &str = "Somebody has changed the workload since.";

/// What became of a look at a failure.
enum WayBack {
    /// The label of the rollback.
    Asked(String),
    /// A person decides, and this is why.
    Never(String),
    /// Something cannot be known now.
    Later(String),
}

/// Looks for failures that nobody has answered, until the portal stops. Of its own, so that a slow cluster keeps no change waiting.
pub(crate) async fn run(engine: Engine) {
    while !engine.0.stop.is_cancelled() {
        if let Err(error) = engine.answer_failures().await {
            tracing::warn!(%error, "what failed is not rolled back by itself; it is tried again");
        }
        tokio::select! {
            () = engine.0.stop.cancelled() => {}
            () = tokio::time::sleep(EVERY) => {}
        }
    }
}

impl Engine {
    async fn answer_failures(&self) -> Result<()> {
        for id in self.0.store.unanswered_failures(self.now().plus_seconds(-LOOK_BACK_S)).await? {
            let Some(failed) = readable(&id, self.0.store.change(&id).await)?.flatten() else { continue };
            let wanted = self.0.catalog.environment(&failed.plan.environment).is_ok_and(|environment| environment.rollback_automatic);
            if wanted {
                self.answer_failure(&failed).await?;
            }
        }
        Ok(())
    }

    async fn answer_failure(&self, failed: &Change) -> Result<()> {
        let since = failed.outcome.as_ref().map_or(0, |outcome| self.now().seconds_since(outcome.at));
        let (outcome, said) = match self.way_back(failed).await {
            WayBack::Asked(label) => ("done", label),
            WayBack::Never(why) => ("failed", why),
            WayBack::Later(_) if since <= PATIENCE_S => return Ok(()),
            WayBack::Later(why) => ("failed", format!("No way back was found in time: {why}")),
        };
        let mut tx = self.0.store.write().await?;
        // Another replica may have been as quick: its request was the same change by its key.
        if self.0.store.failure_is_answered(&mut tx, &failed.id).await? {
            return Ok(());
        }
        self.0.store.record(&mut tx, Act::by_worker(self.now(), "rollback.automatic", &failed.id, outcome, &said)).await?;
        tx.commit_as("the way back is stored").await?;
        self.publish(&[Topic::Changes, Topic::Approvals]);
        self.0.work.notify_one();
        Ok(())
    }

    async fn way_back(&self, failed: &Change) -> WayBack {
        match self.ask_for_way_back(failed).await {
            Ok(way) => way,
            Err(error) if error.status() >= 500 || ["cluster_unreachable", "target_moved"].contains(&error.code()) => {
                WayBack::Later(error.to_string())
            }
            Err(error) => WayBack::Never(error.to_string()),
        }
    }

    async fn ask_for_way_back(&self, failed: &Change) -> domain::Result<WayBack> {
        if !matches!(failed.plan.kind, Kind::Promote | Kind::Deploy) {
            return Ok(WayBack::Never(format!("A {} is not rolled back by itself.", failed.plan.kind.as_str())));
        }
        let (actor, key) = (portal(), IdempotencyKey { key: format!("rollback of {}", failed.id), body_sha256: String::new() });
        // The process may have ended between asking and writing that down.
        if let Some(made) = self.repeated(&actor, Some(&key)).await? {
            return Ok(WayBack::Asked(made.label()));
        }
        let component = self.0.catalog.component(&failed.plan.component)?;
        let environment = self.0.catalog.environment(&failed.plan.environment)?;
        let Some(live) = self.live(component, environment).await? else { return Ok(WayBack::Never("The workload is gone.".into())) };
        if let Some(why) = irreversible_now(&live).or_else(|| written_since(failed, &live)) {
            return Ok(WayBack::Never(why));
        }
        let records = self.records_now(component, environment, &live).await?;
        // Without a record of what failed nobody knows what came before it.
        if records.first().and_then(|newest| newest.change.as_ref()) != Some(&failed.id) {
            return Ok(WayBack::Later("what failed is not recorded yet".into()));
        }
        let holds = self.0.store.holds(Some(&component.name), Some(&environment.name)).await?;
        let Some(good) = last_sure(&records, &holds) else {
            return Ok(WayBack::Never("No other release has succeeded here.".into()));
        };
        let request = Request::Rollback {
            restore_config: false,
            component: Name::parse("component", &component.name)?,
            environment: Name::parse("environment", &environment.name)?,
            to_revision: good.revision,
            reason: format!("{} failed: {}", failed.label(), failed.outcome.as_ref().map_or("", |outcome| &outcome.reason)),
        };
        let plan = self.plan(authorize(&actor, Verb::Change)?, &request, Way::Ordinary).await?;
        // It is planned against what is there now: somebody may have been quicker than the looks above.
        if plan.target.uid != uid(&live) || plan.target.generation != generation(&live.object) {
            return Ok(WayBack::Never(CHANGED_SINCE.into()));
        }
        if let Some(gate) = plan.gates.iter().find(|gate| gate.name == "irreversible") {
            return Ok(WayBack::Never(format!("A release in between cannot be undone: {}", gate.detail)));
        }
        Ok(WayBack::Asked(self.insert(&actor, plan, Some(key)).await?.change.label()))
    }

    /// Newest first, with what was deployed just now.
    async fn records_now(&self, component: &Component, environment: &Environment, live: &Live) -> Result<Vec<DeploymentRecord>> {
        self.record_place(component, environment).await?;
        self.0.store.records(&component.name, &environment.name, uid(live)).await
    }
}

/// The mark is on what runs, whatever is recorded of it.
fn irreversible_now(live: &Live) -> Option<String> {
    let marked = Since::of(0, String::new(), &live.object["spec"]["template"]).irreversible?;
    Some(format!("The release that failed cannot be undone: {marked}"))
}

fn written_since(failed: &Change, live: &Live) -> Option<String> {
    let wrote = live.object.pointer("/metadata/annotations").and_then(|all| all[CHANGE_ANNOTATION].as_str());
    (wrote != Some(failed.id.as_str())).then(|| CHANGED_SINCE.to_owned())
}

fn uid(live: &Live) -> &str {
    live.object.pointer("/metadata/uid").and_then(Value::as_str).unwrap_or_default()
}

/// The portal itself: it may ask for changes, and decides on none.
fn portal() -> Actor {
    let person = Person { name: PORTAL.into(), title: "The portal".into(), teams: Vec::new(), roles: vec![Role::Viewer, Role::Deployer] };
    Actor { person, scopes: vec![Scope::Read, Scope::Change], via: "worker" }
}
