//! What failed is rolled back without being asked for, where its environment says so (`rollback: {automatic: true}`).
//!
//! Invariants: once for each change that failed; never of a rollback, never of what we could not do, never over a release that is marked
//! irreversible, and never when somebody has acted in the meantime. It is a change like any other: planned, journalled, and voted on
//! where rollbacks need votes.

use super::{IdempotencyKey, Way};
use crate::Engine;
use crate::error::Result;
use crate::events::Topic;
use crate::store::Act;
use domain::access::{Actor, Person, Role, Scope};
use domain::changes::{CHANGE_ANNOTATION, Change, Kind, Request};
use domain::names::Name;
use domain::releases::last_good;
use serde_json::Value;

/// A failure that is older is left to people: the portal was away, and they have looked at it.
const RECENT_S: i64 = 600;

impl Engine {
    /// Looks for failures that nobody has answered yet.
    pub(super) async fn roll_back_failures(&self) -> Result<()> {
        if !self.0.catalog.environments.iter().any(|environment| environment.rollback_automatic) {
            return Ok(());
        }
        for id in self.0.store.unanswered_failures(self.now().plus_seconds(-RECENT_S)).await? {
            let Some(change) = self.0.store.change(&id).await? else { continue };
            let wanted = self.0.catalog.environment(&change.plan.environment).is_ok_and(|environment| environment.rollback_automatic);
            if wanted {
                self.roll_back_failure(&change).await?;
            }
        }
        Ok(())
    }

    /// Asks for it, or writes down why not; either way it is not tried again.
    async fn roll_back_failure(&self, failed: &Change) -> Result<()> {
        let (outcome, said) = match self.ask_to_roll_back(failed).await {
            Ok(made) => ("done", made.label()),
            Err(error) if error.status() == 503 => return Ok(()),
            Err(error) => ("failed", error.to_string()),
        };
        let mut tx = self.0.store.write().await?;
        // Another replica may have been as quick: its request was the same change by its key.
        if self.0.store.failure_is_answered(&mut tx, &failed.id).await? {
            return Ok(());
        }
        self.0.store.record(&mut tx, Act::by_worker(self.now(), "rollback.automatic", &failed.id, outcome, &said)).await?;
        tx.commit().await?;
        self.publish(&[Topic::Changes, Topic::Approvals]);
        self.0.work.notify_one();
        Ok(())
    }

    async fn ask_to_roll_back(&self, failed: &Change) -> domain::Result<Change> {
        if !matches!(failed.plan.kind, Kind::Promote | Kind::Deploy) {
            return Err(domain::Error::conflict("not_automatic", format!("A {} is not rolled back by itself.", failed.plan.kind.as_str())));
        }
        let actor = portal();
        let component = self.0.catalog.component(&failed.plan.component)?;
        let environment = self.0.catalog.environment(&failed.plan.environment)?;
        let live = self.live(component, environment).await?;
        let wrote = live.as_ref().and_then(|live| live.object.pointer("/metadata/annotations")?.get(CHANGE_ANNOTATION)?.as_str());
        if wrote != Some(failed.id.as_str()) {
            return Err(domain::Error::conflict("target_moved", "Somebody has changed the workload since."));
        }
        self.record_place(component, environment).await?;
        let uid = live.as_ref().and_then(|live| live.object.pointer("/metadata/uid").and_then(Value::as_str)).unwrap_or_default();
        let records = self.0.store.records(&component.name, &environment.name, uid).await?;
        let Some(good) = last_good(&records) else {
            return Err(domain::Error::conflict("no_way_back", "There is no earlier release that did not fail."));
        };
        let reason = format!("{} failed: {}", failed.label(), failed.outcome.as_ref().map_or("", |outcome| &outcome.reason));
        let request = Request::Rollback {
            component: Name::parse("component", &component.name)?,
            environment: Name::parse("environment", &environment.name)?,
            to_revision: good.revision,
            reason,
        };
        let plan = self.preview_by(&actor, request.clone(), Way::Ordinary).await?;
        if let Some(gate) = plan.gates.iter().find(|gate| gate.name == "irreversible") {
            let why = format!("A release in between cannot be undone ({}): a person decides.", gate.detail);
            return Err(domain::Error::conflict("irreversible", why));
        }
        let key = IdempotencyKey { key: format!("rollback of {}", failed.id), body_sha256: String::new() };
        Ok(self.ask_by(&actor, request, Some(key), Way::Ordinary).await?.change)
    }
}

/// The portal itself: it may ask for changes, and decides on none.
fn portal() -> Actor {
    let person = Person { name: "portal".into(), title: "The portal".into(), teams: Vec::new(), roles: vec![Role::Viewer, Role::Deployer] };
    Actor { person, scopes: vec![Scope::Read, Scope::Change], via: "worker" }
}
