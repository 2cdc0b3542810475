//! A release train: several promotions into one environment, planned and decided on together, and carried out one after another
//! in the order of their dependencies. Each is a change of its own; the train says when it is its turn.
//!
//! Invariant: what has not begun when one of the train ends badly does not begin.

use super::votes::{Voter, may_decide_here};
use super::{Change, ChangeView, Progress, State};
use crate::catalog::Catalog;
use crate::names::Name;
use crate::{Error, Result, Time};
use serde::{Deserialize, Serialize};

/// The most changes of one train: what one person can look through before a vote.
pub const CARRIAGES_LIMIT: usize = 20;

/// A change's place in its train, part of its plan's digest.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
pub struct Carriage {
    /// The train's id.
    pub train: String,
    /// Counts from 1.
    pub position: i64,
    pub of: i64,
}

/// What somebody asks for. Names are checked, not yet looked up.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TrainRequest {
    pub components: Vec<Name>,
    pub environment: Name,
    pub from: Name,
    pub reason: String,
}

impl TrainRequest {
    pub fn new(components: Vec<Name>, environment: Name, from: Name, reason: String) -> Result<TrainRequest> {
        if components.is_empty() || components.len() > CARRIAGES_LIMIT {
            return Err(Error::invalid("components", format!("expected 1 to {CARRIAGES_LIMIT} components")));
        }
        if let Some(twice) = components.iter().enumerate().find_map(|(at, name)| components[..at].contains(name).then_some(name)) {
            return Err(Error::invalid("components", format!("expected each component once: `{}` is there twice", twice.as_str())));
        }
        Ok(TrainRequest { components, environment, from, reason })
    }

    /// The components with what they depend on first, also by way of others that are not in the train; else as the catalog has them.
    pub fn in_order(&self, catalog: &Catalog) -> Result<Vec<Name>> {
        for name in &self.components {
            catalog.component(name.as_str())?;
        }
        let mut order = Vec::new();
        let mut seen = Vec::new();
        let wanted = catalog.components.iter().filter(|component| self.components.iter().any(|name| name.as_str() == component.name));
        wanted.for_each(|component| visit(catalog, &component.name, &mut seen, &mut order));
        let find = |name: String| self.components.iter().find(|wanted| wanted.as_str() == name).cloned();
        Ok(order.into_iter().filter_map(find).collect())
    }
}

/// Depth first; two that depend on each other stay as they are met.
fn visit(catalog: &Catalog, name: &str, seen: &mut Vec<String>, order: &mut Vec<String>) {
    if seen.iter().any(|one| one == name) {
        return;
    }
    seen.push(name.to_owned());
    let needs = catalog.component(name).map(|component| component.depends_on.clone()).unwrap_or_default();
    needs.iter().for_each(|need| visit(catalog, need, seen, order));
    order.push(name.to_owned());
}

/// A train as it is kept. What it does is what its changes do.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Train {
    pub id: String,
    /// Counts up from 1: what people call it, `TR-3`.
    pub number: i64,
    pub environment: String,
    pub source: String,
    pub requester: String,
    pub reason: String,
    /// SHA-256 over the digests of all its plans, in order: what votes are for.
    pub digest: String,
    pub requested_at: Time,
    /// In the order of their turns; never empty.
    pub changes: Vec<Change>,
}

/// What a vote for the whole is for.
pub fn digest(id: &str, plans: &[String]) -> String {
    crate::digest::of(&serde_json::json!({"train": id, "plans": plans}))
}

impl Train {
    /// `TR-3`
    pub fn label(&self) -> String {
        format!("TR-{}", self.number)
    }

    /// `4 components to prod`
    pub fn summary(&self, environment_title: &str) -> String {
        let names: Vec<&str> = self.changes.iter().map(|change| change.plan.component.as_str()).collect();
        let many = if names.len() == 1 { "1 component".to_owned() } else { format!("{} components", names.len()) };
        format!("Promote {many} to {environment_title}: {}", names.join(", "))
    }

    /// The one that ended badly first: it stopped the train.
    pub fn stopped_by(&self) -> Option<&Change> {
        let bad = self.changes.iter().filter(|change| ended_badly(change));
        bad.min_by_key(|change| (change.outcome.as_ref().map(|outcome| outcome.at), change.plan.train.as_ref().map(|place| place.position)))
    }

    /// Of all together: how the one that stopped it ended, once nothing of it runs any more; else how far the furthest is.
    pub fn state(&self) -> State {
        let any = |states: &[State]| self.changes.iter().any(|change| states.contains(&change.state));
        if any(&[State::Running, State::Observing]) {
            return State::Running;
        }
        match self.stopped_by() {
            Some(change) => change.state,
            None if self.changes.iter().all(|change| change.state == State::Succeeded) => State::Succeeded,
            None if any(&[State::Succeeded]) => State::Running,
            None if any(&[State::AwaitingApproval]) => State::AwaitingApproval,
            None => State::Ready,
        }
    }

    /// Whether somebody may decide on all of it now.
    pub fn may_decide(&self, voter: &Voter) -> Result<()> {
        let state = self.state();
        if state != State::AwaitingApproval {
            let why = format!("{} is {}: there is nothing to decide.", self.label(), state.title().to_lowercase());
            return Err(Error::conflict("not_awaiting_approval", why));
        }
        self.changes.iter().try_for_each(|change| may_decide_here(change, voter))
    }

    /// Until when its votes must be there: as long as the first of its plans is valid.
    pub fn valid_until(&self) -> Time {
        self.changes.iter().map(|change| change.plan.valid_until).min().unwrap_or(self.requested_at)
    }

    /// A vote must name what it is for.
    pub fn digest_matches(&self, digest: &str) -> Result<()> {
        if digest == self.digest {
            return Ok(());
        }
        Err(Error::conflict("plan_changed", "This is not the digest of the train: look at its plans again, then decide."))
    }
}

fn ended_badly(change: &Change) -> bool {
    change.state.is_terminal() && change.state != State::Succeeded
}

/// Whether a change that has not begun may begin now.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Turn {
    Go,
    /// For this one before it.
    Wait(String),
    Stop(String),
}

/// `train`: all changes of it, this one among them.
pub fn turn(change: &Change, train: &[Change]) -> Turn {
    let place = |change: &Change| change.plan.train.as_ref().map_or(0, |place| place.position);
    let others = || train.iter().filter(|other| other.id != change.id);
    if let Some(bad) = others().filter(|other| ended_badly(other)).min_by_key(|other| (other.outcome.as_ref().map(|o| o.at), place(other)))
    {
        let how = bad.state.title().to_lowercase();
        return Turn::Stop(format!("the train stopped: {} ({}) is {how}, so this one did not begin", bad.label(), bad.plan.component));
    }
    let before = others().filter(|other| place(other) < place(change) && other.state != State::Succeeded).min_by_key(|other| place(other));
    match before {
        Some(other) => Turn::Wait(format!("waits for {} ({}) before it in the train", other.label(), other.plan.component)),
        None => Turn::Go,
    }
}

/// A train as the API shows it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
#[schema(as = Train)]
pub struct TrainView {
    pub id: String,
    /// `TR-3`: what people call it; accepted wherever the id is.
    pub label: String,
    pub environment: String,
    pub from: String,
    /// Of all together.
    pub state: State,
    pub requester: String,
    pub reason: String,
    /// SHA-256 over the digests of its plans: what a vote names.
    pub digest: String,
    #[schema(value_type = String, format = DateTime)]
    pub requested_at: Time,
    /// In the order of their turns.
    pub changes: Vec<ChangeView>,
    pub links: super::Links,
}

impl TrainView {
    pub fn of(train: &Train, progress: impl Fn(&Change) -> Progress) -> TrainView {
        TrainView {
            id: train.id.clone(),
            label: train.label(),
            environment: train.environment.clone(),
            from: train.source.clone(),
            state: train.state(),
            requester: train.requester.clone(),
            reason: train.reason.clone(),
            digest: train.digest.clone(),
            requested_at: train.requested_at,
            changes: train.changes.iter().map(|change| ChangeView::of(change, progress(change))).collect(),
            links: super::Links { this: format!("/api/v1/trains/{}", train.id), page: format!("/trains/{}", train.label()) },
        }
    }
}
