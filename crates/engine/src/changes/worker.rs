//! The worker: takes up changes that are ready, and drives each to its end. Every step is chosen by the pure
//! [`next_write`] from the journal and from what is seen, so that a restart at any moment goes on where it was.
//!
//! Invariant: without a lease (`lease.rs`) nothing is written; the write itself is in `write.rs`.

use super::queue::passing;
use crate::error::{Error, Result};
use crate::events::{Event, Topic};
use crate::store::Act;
use crate::{Engine, fault};
use domain::Time;
use domain::changes::config::next_write;
use domain::changes::explain::What;
use domain::changes::step::{self, Next, Written, in_doubt, pause};
use domain::changes::train::Turn;
use domain::changes::{Change, Hold, Kind, Outcome, Reached, State, Step};
use domain::releases::RecordOutcome;
use std::collections::HashSet;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;
use tokio::sync::broadcast;

/// The longest that a worker sleeps when nothing tells of a change.
pub(super) const TICK: Duration = Duration::from_secs(1);
/// After an answer that says that the object is not as it was.
pub(super) const LOOK_AGAIN: Duration = Duration::from_millis(200);

/// Until a change that does not read is tried again.
const UNREADABLE: Duration = Duration::from_secs(60);

/// Takes up what is ready, until the portal stops.
pub(crate) async fn run(engine: Engine) {
    let active: Arc<Mutex<HashSet<String>>> = Arc::default();
    while !engine.0.stop.is_cancelled() {
        if let Err(error) = sweep(&engine, &active).await {
            tracing::error!(%error, "changes cannot be taken up; it is tried again");
        }
        tokio::select! {
            () = engine.0.stop.cancelled() => {}
            () = engine.0.work.notified() => {}
            () = tokio::time::sleep(TICK) => {}
        }
    }
}

async fn sweep(engine: &Engine, active: &Arc<Mutex<HashSet<String>>>) -> Result<()> {
    engine.refresh_closings().await?;
    engine.expire_and_supersede().await?;
    for id in engine.0.store.claimable(&engine.0.owner).await? {
        if !active.lock().unwrap_or_else(PoisonError::into_inner).insert(id.clone()) {
            continue;
        }
        let engine = engine.clone();
        let (tracker, driven) = (engine.0.tasks.clone(), Driven { id: id.clone(), active: active.clone() });
        tracker.spawn(async move {
            let _driven = driven;
            if let Err(error) = engine.drive(&id).await {
                tracing::error!(%error, change = id, "a change could not go on; it is taken up again");
                if matches!(error, Error::Document { .. }) {
                    // It is mended in the database, by hand: until then each try would cost a lease and say the same.
                    let () = tokio::select! { () = engine.0.stop.cancelled() => {}, () = tokio::time::sleep(UNREADABLE) => {} };
                }
            }
        });
    }
    Ok(())
}

/// A change that is driven here, until this is dropped: also when its task ends in a panic, it is taken up again.
struct Driven {
    id: String,
    active: Arc<Mutex<HashSet<String>>>,
}

impl Drop for Driven {
    fn drop(&mut self) {
        self.active.lock().unwrap_or_else(PoisonError::into_inner).remove(&self.id);
    }
}

/// What one round of driving came to.
pub(super) enum Round {
    /// Look again when something changes, at the latest after this.
    Again(Duration),
    /// The world failed us: rest, at least for so long, and each time longer.
    Rest(Duration),
    /// It ended, or it is somebody else's.
    Over,
}

/// What was last told of a change.
#[derive(Default, PartialEq)]
pub(super) struct Told {
    saw: String,
    decided: String,
}

impl Engine {
    /// Its component and environment may have left the configuration.
    fn declared(&self, change: &Change) -> domain::Result<()> {
        if change.plan.target.workload().is_some() {
            self.0.catalog.component(&change.plan.component)?;
        }
        self.0.catalog.environment(&change.plan.environment).map(|_| ())
    }

    /// Drives one change until it ends, is lost to another worker, or the portal stops.
    async fn drive(&self, id: &str) -> Result<()> {
        let Some(fence) = self.claim(id).await? else { return Ok(()) };
        let driven = tokio::select! {
            driven = self.rounds(id, fence) => driven,
            () = self.keep(id) => Ok(()),
        };
        self.0.leases.forget(id);
        driven
    }

    async fn rounds(&self, id: &str, fence: i64) -> Result<()> {
        let mut events = self.events().subscribe();
        let (mut failures, mut told) = (0, Told::default());
        loop {
            let (wait, resting) = match self.round(id, fence, &mut told).await? {
                Round::Over => return Ok(()),
                Round::Again(wait) => (wait, false),
                Round::Rest(least) => (least.max(Duration::from_secs(pause(failures + 1).unsigned_abs())), true),
            };
            failures = if resting { failures + 1 } else { 0 };
            let until = tokio::time::Instant::now() + wait;
            tokio::select! {
                () = self.0.stop.cancelled() => return Ok(()),
                () = tokio::time::sleep_until(until) => {}
                _ = news(&mut events), if !resting => {}
            }
        }
    }

    async fn round(&self, id: &str, fence: i64, told: &mut Told) -> Result<Round> {
        let Some(change) = self.0.store.change(id).await? else { return Ok(Round::Over) };
        if change.state.is_terminal() {
            return Ok(Round::Over);
        }
        if let Err(error) = self.declared(&change) {
            // Nobody looks any more.
            let why = in_doubt(&format!("it cannot go on: {error}"), change.reached() == Reached::Sent);
            self.conclude(&change, State::Errored, &why, None).await?;
            return Ok(Round::Over);
        }
        // Somebody took back their vote.
        if change.state == State::AwaitingApproval {
            return Ok(Round::Over);
        }
        let closing = self.closing_now(&change).await?;
        let closed = closing.as_ref().filter(|_| !self.passes_closing(&change)).map(|closed| closed.why.as_str());
        let journal = self.0.store.journal(id).await?;
        let config = self.0.store.config_journal(id).await?;
        if let (Some(why), Written::Nothing, true) = (closed, &journal.written, config.is_empty()) {
            return self.wait_unwritten(&change, why).await;
        }
        if change.state == State::Ready {
            // What was sent is followed to its end, whatever becomes of its train.
            let turn = if change.reached() == Reached::Nothing { self.turn(&change).await? } else { Turn::Go };
            match turn {
                Turn::Stop(why) => {
                    self.conclude(&change, State::Superseded, &why, None).await?;
                    return Ok(Round::Over);
                }
                Turn::Wait(why) => return self.wait(&change, &why).await,
                Turn::Go if closed.is_none() => {
                    let passing = passing(closing.is_some());
                    if !self.begin(&change, &passing).await? {
                        return self.wait_its_turn(&change, &passing).await;
                    }
                }
                Turn::Go => {}
            }
        }
        let seen = self.see(&change, &journal).await;
        let facts = step::Journal {
            id,
            target: &change.plan.target,
            patch: change.plan.patch.kind,
            valid_until: change.plan.valid_until,
            written: &journal.written,
            intended_at: journal.intended_at,
            written_at: journal.applied_at,
            closed,
        };
        let restoring = self.restoring(&change, &journal.written, &config).await;
        let next = next_write(&facts, &restoring, &seen, self.now());
        self.log(id, told, &format!("{seen}{restoring}"), &next).await?;
        let doubt = facts.may_arrive(&seen);
        match next {
            Next::Intend { resource_version } => self.intend(&change, fence, &resource_version, &seen, doubt).await,
            Next::IntendConfig { position, resource_version, .. } => self.intend_config(&change, fence, position, &resource_version).await,
            Next::SendConfig { position, .. } => self.send_config_again(&change, position, &config).await,
            Next::AdoptConfig { position, .. } => self.config_applied(&change, position).await,
            Next::Send => self.send_again(&change, &journal.bytes, doubt).await,
            Next::Adopt { generation, spec_hash } => self.applied(&change, generation, &spec_hash).await,
            Next::Wait(why) => self.wait_for_opening(&change, &why).await,
            Next::Watch(why) => self.note(&change, "rollout", 4, &why).await,
            Next::Retry(why) => {
                self.note(&change, waiting_step(&change), 2, &format!("waiting for the cluster: {why}")).await?;
                Ok(Round::Rest(Duration::ZERO))
            }
            Next::Finish { state, reason, failing_pod } => {
                self.conclude(&change, state, &reason, failing_pod).await?;
                Ok(Round::Over)
            }
        }
    }

    /// Keeps what was seen and decided, when either is new.
    async fn log(&self, id: &str, told: &mut Told, seen: &str, next: &Next) -> Result<()> {
        let now = Told { saw: seen.replace(id, "this change"), decided: next.to_string() };
        if *told == now {
            return Ok(());
        }
        let Some(mut tx) = self.holding(id).await? else { return Ok(()) };
        if told.saw != now.saw {
            self.0.store.log_line(&mut tx, id, self.now(), What::Saw, &now.saw).await?;
        }
        self.0.store.log_line(&mut tx, id, self.now(), What::Decided, &now.decided).await?;
        tx.commit_as("its story is stored").await?;
        *told = now;
        Ok(())
    }

    /// Writes down what a step waits for, when that is new.
    pub(super) async fn note(&self, change: &Change, name: &str, position: i64, detail: &str) -> Result<Round> {
        let known = change.steps.iter().find(|step| step.name == name).map(|step| step.detail.as_str());
        if known != Some(detail) {
            let Some(mut tx) = self.holding(&change.id).await? else { return Ok(Round::Over) };
            let position = super::STEPS.iter().position(|step| *step == name).map_or(position, |at| at as i64);
            let step =
                Step { name: name.into(), state: "running".into(), started: Some(self.now()), finished: None, detail: detail.into() };
            self.0.store.set_step(&mut tx, &change.id, position, &step).await?;
            tx.commit_as("its step is noted").await?;
            self.publish(&[Topic::Changes]);
        }
        Ok(Round::Again(TICK))
    }

    /// The end of a change, with its record, its hold and its audit entry in one transaction.
    pub(super) async fn conclude(
        &self,
        change: &Change,
        state: State,
        reason: &str,
        failing_pod: Option<domain::clusters::PodSaid>,
    ) -> Result<()> {
        let now = self.now();
        if change.written_generation.is_some() {
            self.record_target(change).await;
        }
        let outcome = Outcome { state, reason: reason.to_owned(), failing_pod, at: now };
        let Some(mut tx) = self.ending(change).await? else { return Ok(()) };
        let Some(current) = self.0.store.change_in(&mut tx, &change.id).await?.filter(|current| !current.state.is_terminal()) else {
            return Ok(());
        };
        let reason = self.end(&mut tx, &current, &outcome).await?;
        if change.written_generation.is_some() {
            let began = self.0.store.journal_in(&mut tx, &change.id).await?.applied_at.unwrap_or(change.requested_at);
            self.0.store.judge_record(&mut tx, &change.id, RecordOutcome::of(state), now.seconds_since(began)).await?;
        }
        // What still runs is not put on hold: the rollback was of something else.
        let left = !change.plan.from.is_same(&change.plan.to);
        if change.plan.kind == Kind::Rollback && state == State::Succeeded && left {
            self.0.store.insert_hold(&mut tx, &hold(change, now)).await?;
        }
        let good = if state == State::Succeeded { "done" } else { "failed" };
        self.0.store.record(&mut tx, Act::by_worker(now, "change.end", &change.id, good, &format!("{state}: {reason}"))).await?;
        tx.commit_as("the end is stored").await?;
        if change.written_generation.is_some() {
            self.record_target(change).await;
        }
        self.publish(&[Topic::Changes, Topic::Approvals, Topic::Matrix]);
        Ok(())
    }

    /// The record of what this change deployed, before and after it is judged.
    async fn record_target(&self, change: &Change) {
        let catalog = self.catalog();
        let (Ok(component), Ok(environment)) = (catalog.component(&change.plan.component), catalog.environment(&change.plan.environment))
        else {
            return;
        };
        fault::before("what runs is recorded");
        if let Err(error) = self.record_place(component, environment).await {
            tracing::warn!(%error, change = change.id, "its record is written later, by the recorder");
        }
        fault::after("what runs is recorded");
    }
}

/// The step that waits while the cluster cannot be read.
pub(super) fn waiting_step(change: &Change) -> &'static str {
    match (change.written_generation, change.config.is_empty()) {
        (Some(_), _) => "rollout",
        (None, false) => "write",
        (None, true) => "check",
    }
}

/// Waits until something is told, and a moment more: a rollout tells of itself many times a second.
async fn news(events: &mut broadcast::Receiver<Event>) {
    let _ = events.recv().await;
    tokio::time::sleep(Duration::from_millis(20)).await;
    while events.try_recv().is_ok() {}
}

/// What the release that was rolled back is called, so that nobody deploys it here again by accident.
fn hold(change: &Change, at: Time) -> Hold {
    Hold {
        id: uuid::Uuid::now_v7().to_string(),
        component: change.plan.component.clone(),
        environment: change.plan.environment.clone(),
        image: change.plan.from.image.clone(),
        digest: change.plan.from.digest.clone(),
        change: change.id.clone(),
        by: change.plan.requester.clone(),
        at,
    }
}
