//! Approved changes that wait: for their turn among those of the same place and train, or for their environment to open; and the moment
//! at which one begins.
//!
//! Invariant: of one place at most one change runs; one that waits says for what.

use super::worker::{Round, TICK};
use crate::Engine;
use crate::error::Result;
use crate::events::Topic;
use crate::store::{Act, Tx};
use domain::changes::train::{Turn, turn};
use domain::changes::{Change, Kind, Reached, State, Step, Train};

impl Engine {
    /// A change that goes alone may always begin.
    pub(super) async fn turn(&self, change: &Change) -> Result<Turn> {
        let Some(place) = &change.plan.train else { return Ok(Turn::Go) };
        Ok(turn_of(change, self.0.store.train(&place.train).await?))
    }

    /// The same inside a writing transaction: it stays true until the commit.
    async fn turn_in(&self, tx: &mut Tx, change: &Change) -> Result<Turn> {
        let Some(place) = &change.plan.train else { return Ok(Turn::Go) };
        Ok(turn_of(change, self.0.store.train_in(tx, &place.train).await?))
    }

    /// From ready to running: the change's turn has come, and votes and holds are looked at once more. `passing`: what waits for the
    /// opening, and is of another kind, is overtaken.
    pub(super) async fn begin(&self, change: &Change, passing: &[Kind]) -> Result<bool> {
        let now = self.now();
        let Some(mut tx) = self.holding(&change.id).await? else { return Ok(false) };
        // One before it in its train may have been aborted since its turn was looked at.
        if change.reached() == Reached::Nothing && self.turn_in(&mut tx, change).await? != Turn::Go {
            return Ok(false);
        }
        if !self.0.store.start_running(&mut tx, &change.id, passing).await? {
            return Ok(false);
        }
        let step = Step {
            name: "check".into(),
            state: "running".into(),
            started: Some(now),
            finished: None,
            detail: "Gathering the facts again".into(),
        };
        self.0.store.set_step(&mut tx, &change.id, 2, &step).await?;
        self.0.store.record(&mut tx, Act::by_worker(now, "change.start", &change.id, "done", "")).await?;
        tx.commit_as("it runs").await?;
        self.publish(&[Topic::Changes]);
        Ok(true)
    }

    /// What a change that has not begun waits for.
    pub(super) async fn wait(&self, change: &Change, why: &str) -> Result<Round> {
        let known = change.steps.iter().find(|step| step.name == "check").map(|step| step.detail.as_str());
        if known != Some(why) {
            let step = Step { name: "check".into(), state: "pending".into(), started: None, finished: None, detail: why.into() };
            let Some(mut tx) = self.holding(&change.id).await? else { return Ok(Round::Over) };
            self.0.store.set_step(&mut tx, &change.id, 2, &step).await?;
            tx.commit_as("its turn is noted").await?;
            self.publish(&[Topic::Changes]);
        }
        Ok(Round::Again(TICK))
    }

    /// Another change of the same place is at work there, or was asked for before it.
    pub(super) async fn wait_its_turn(&self, change: &Change, passing: &[Kind]) -> Result<Round> {
        match self.0.store.ahead_of(&change.id, passing).await? {
            Some(other) => self.wait(change, &format!("Waits for {other}, which is ahead of it here")).await,
            None => Ok(Round::Again(TICK)),
        }
    }

    /// Nothing has been sent, and nothing will be while it is closed: no cluster is asked, and it waits as long as its plan is good.
    pub(super) async fn wait_unwritten(&self, change: &Change, why: &str) -> Result<Round> {
        if self.now() > change.plan.valid_until {
            self.conclude(change, State::Expired, &format!("the plan expired before it could be executed: {why}"), None).await?;
            return Ok(Round::Over);
        }
        let stopped = match self.turn(change).await? {
            Turn::Stop(why) if change.state == State::Ready => Some(why),
            _ => None,
        };
        if let Some(why) = stopped.or_else(|| self.moved_in_watch(change)) {
            self.conclude(change, State::Superseded, &why, None).await?;
            return Ok(Round::Over);
        }
        self.wait_for_opening(change, why).await
    }

    /// Back in the queue, with the reason.
    pub(super) async fn wait_for_opening(&self, change: &Change, why: &str) -> Result<Round> {
        let known = change.steps.iter().any(|step| step.name == "check" && step.state == "pending" && step.detail == why);
        if !known || change.state == State::Running {
            let step = Step { name: "check".into(), state: "pending".into(), started: None, finished: None, detail: why.to_owned() };
            let Some(mut tx) = self.holding(&change.id).await? else { return Ok(Round::Over) };
            self.0.store.wait_again(&mut tx, &change.id).await?;
            self.0.store.set_step(&mut tx, &change.id, 2, &step).await?;
            self.0.store.record(&mut tx, Act::by_worker(self.now(), "change.wait", &change.id, "done", why)).await?;
            tx.commit_as("its wait is stored").await?;
            self.publish(&[Topic::Changes]);
        }
        Ok(Round::Again(TICK))
    }
}

fn turn_of(change: &Change, train: Option<Train>) -> Turn {
    train.map_or_else(|| Turn::Stop("its train is not there any more".into()), |train| turn(change, &train.changes))
}

/// Of a change that passes a closing, the kinds that do as well; empty when nothing is closed.
pub(super) fn passing(closed: bool) -> Vec<Kind> {
    Kind::ALL.into_iter().filter(|kind| closed && kind.passes_closing()).collect()
}
