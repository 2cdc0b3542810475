//! What people do with changes: look at a plan, ask, abort, lift a hold; and in files of their own vote, freeze, break the glass,
//! send trains. Deciding is `domain`'s; this gathers, stores and tells. The worker does the rest.

pub(crate) mod automatic;
mod closing;
mod duty;
mod facts;
mod gates;
mod glass;
mod jobs;
mod lease;
mod queue;
mod restoring;
mod sight;
mod trains;
mod votes;
mod waiting;
pub(crate) mod worker;
mod write;

pub(crate) use closing::Closings;
pub use closing::{NewFreeze, Policy, WindowView};
pub(crate) use lease::Leases;
pub use trains::TrainPlan;

use crate::error::{Error, Result};
use crate::events::Topic;
use crate::store::{Act, ChangeFilter, NewChange, Page, PageRequest, Tx};
use crate::{DomainResult, Engine};
use domain::Time;
use domain::access::{Actor, Allowed, Verb, authorize};
use domain::changes::explain::{Line, explain};
use domain::changes::may_break_glass;
use domain::changes::votes::may_decide;
use domain::changes::{Change, Hold, Outcome, Plan, Progress, Refusal, RefusalCode, Request, State, Step};
use domain::releases::{RecordOutcome, Usual, usual};

/// A key that makes a POST repeatable: the same key and body are the same change.
#[derive(Clone, Debug)]
pub struct IdempotencyKey {
    pub key: String,
    pub body_sha256: String,
}

/// In which way a change is asked for.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Way {
    #[default]
    Ordinary,
    /// To break the glass: planned although the environment is closed.
    BreakGlass,
}

#[derive(Clone, Debug)]
pub struct Asked {
    pub change: Change,
    /// The key had made this change before.
    pub repeated: bool,
}

/// The steps of every change, in order, as they are shown.
pub(crate) const STEPS: [&str; 5] = ["plan", "approval", "check", "write", "rollout"];

impl Engine {
    pub async fn changes(&self, actor: &Actor, filter: &ChangeFilter, page: PageRequest) -> DomainResult<Page<Change>> {
        authorize(actor, Verb::Read)?;
        Ok(self.0.store.changes(filter, &page).await?)
    }

    pub async fn change(&self, actor: &Actor, id: &str) -> DomainResult<Change> {
        authorize(actor, Verb::Read)?;
        Ok(self.existing(id).await?)
    }

    /// What was done to a change, what the worker saw and decided, and what the API server answered, in the order of time.
    pub async fn story(&self, actor: &Actor, id: &str) -> DomainResult<Vec<Line>> {
        authorize(actor, Verb::Read)?;
        let id = self.existing(id).await?.id;
        Ok(explain(self.0.store.log_of(&id).await?, &self.0.store.audit_of(&id).await?))
    }

    /// How long a rollout of this component takes there; None: nothing is known, or it deploys nothing.
    pub async fn usual(&self, actor: &Actor, plan: &Plan) -> DomainResult<Option<Usual>> {
        authorize(actor, Verb::Read)?;
        if !plan.kind.makes_revision() {
            return Ok(None);
        }
        Ok(usual(&self.0.store.records(&plan.component, &plan.environment, &plan.target.uid).await?))
    }

    async fn existing(&self, id: &str) -> Result<Change> {
        self.0.store.change(id).await?.ok_or_else(|| no_change(id))
    }

    /// The rollout in figures: of the watch while it is ours, of the plan before it began.
    pub fn progress(&self, change: &Change) -> Progress {
        let target = &change.plan.target;
        let waiting = Progress { desired: change.plan.desired, ..Progress::default() };
        let Ok(cluster) = self.cluster(&target.cluster).cloned() else { return waiting };
        let Some(key) = target.workload() else { return self.job_progress(&cluster, change) };
        let state = cluster.state();
        let workload = state.observed(&key).map(|known| known.workload).filter(|w| target.autoscaler.is_some() || w.uid == target.uid);
        match (workload, change.written_generation) {
            (Some(w), Some(generation)) if w.observed_generation >= generation => {
                Progress { desired: w.desired, updated: w.updated, ready: w.ready, available: w.available }
            }
            (Some(w), _) => Progress { ready: w.ready, available: w.available, ..waiting },
            (None, _) => waiting,
        }
    }

    pub async fn holds(&self, actor: &Actor, component: Option<&str>, environment: Option<&str>) -> DomainResult<Vec<Hold>> {
        authorize(actor, Verb::Read)?;
        Ok(self.0.store.holds(component, environment).await?)
    }

    /// The changes that this person may decide on now, oldest first.
    pub async fn waiting_for(&self, actor: &Actor) -> DomainResult<Vec<Change>> {
        authorize(actor, Verb::Read)?;
        if authorize(actor, Verb::Decide).is_err() {
            return Ok(Vec::new());
        }
        let filter = ChangeFilter { states: vec![State::AwaitingApproval], alone: true, ..ChangeFilter::default() };
        let mut waiting = self.0.store.changes(&filter, &PageRequest { cursor: None, limit: 200 }).await?.items;
        let (voter, me) = (self.voter(&actor.person.name, self.now()).await?, &actor.person.name);
        waiting.retain(|change| may_decide(change, &voter).is_ok() && !change.votes.iter().any(|vote| vote.by == *me));
        waiting.reverse();
        Ok(waiting)
    }

    /// The plan that would be made; nothing is stored.
    pub async fn preview(&self, actor: &Actor, request: Request) -> DomainResult<Plan> {
        self.preview_by(actor, request, Way::Ordinary).await
    }

    pub async fn preview_by(&self, actor: &Actor, request: Request, way: Way) -> DomainResult<Plan> {
        let allowed = self.may_ask(actor, way).await?;
        Ok(self.plan(allowed, &request, way).await?)
    }

    pub async fn ask(&self, actor: &Actor, request: Request, key: Option<IdempotencyKey>) -> DomainResult<Asked> {
        self.ask_by(actor, request, key, Way::Ordinary).await
    }

    pub async fn ask_by(&self, actor: &Actor, request: Request, key: Option<IdempotencyKey>, way: Way) -> DomainResult<Asked> {
        let allowed = match self.may_ask(actor, way).await {
            Ok(allowed) => allowed,
            Err(error) => return Err(self.denied(actor, "change.request", &request.about(), error).await),
        };
        if let Some(change) = self.repeated(actor, key.as_ref()).await? {
            return Ok(Asked { change, repeated: true });
        }
        let plan = self.plan(allowed, &request, way).await?;
        let asked = self.insert(actor, plan, key).await?;
        self.publish(&[Topic::Changes, Topic::Approvals]);
        self.0.work.notify_one();
        Ok(asked)
    }

    async fn may_ask<'a>(&self, actor: &'a Actor, way: Way) -> DomainResult<Allowed<'a>> {
        let allowed = authorize(actor, Verb::Change)?;
        if way == Way::BreakGlass {
            may_break_glass(authorize(actor, Verb::BreakGlass)?.person(), &self.primary_on_call(self.now()).await?)?;
        }
        Ok(allowed)
    }

    async fn repeated(&self, actor: &Actor, key: Option<&IdempotencyKey>) -> Result<Option<Change>> {
        let Some(key) = key else { return Ok(None) };
        let mut tx = self.0.store.write().await?;
        self.by_key(&mut tx, actor, key).await
    }

    async fn by_key(&self, tx: &mut Tx, actor: &Actor, key: &IdempotencyKey) -> Result<Option<Change>> {
        let Some((id, body)) = self.0.store.idempotent(tx, &actor.person.name, &key.key).await? else { return Ok(None) };
        if body != key.body_sha256 {
            return Err(key_reused());
        }
        self.0.store.change_in(tx, &id).await
    }

    async fn insert(&self, actor: &Actor, plan: Plan, key: Option<IdempotencyKey>) -> Result<Asked> {
        let (now, id) = (self.now(), uuid::Uuid::now_v7().to_string());
        let mut tx = self.0.store.write().await?;
        if let Some(key) = &key
            && let Some(change) = self.by_key(&mut tx, actor, key).await?
        {
            return Ok(Asked { change, repeated: true });
        }
        self.insert_one(&mut tx, actor, &id, &plan, now).await?;
        if let Some(key) = &key {
            self.0.store.remember_key(&mut tx, &actor.person.name, &key.key, &key.body_sha256, &id, now).await?;
        }
        let change = self.0.store.change_in(&mut tx, &id).await?.ok_or_else(|| no_change(&id))?;
        tx.commit_as("the request is stored").await?;
        Ok(Asked { change, repeated: false })
    }

    /// One change with its steps and its audit entry.
    async fn insert_one(&self, tx: &mut Tx, actor: &Actor, id: &str, plan: &Plan, now: Time) -> Result<()> {
        let digest = plan.digest();
        let state = if plan.approval.is_some() { State::AwaitingApproval } else { State::Ready };
        self.0.store.insert_change(tx, NewChange { id, state, plan, digest: &digest, at: now }).await?;
        for (position, step) in first_steps(plan, now).iter().enumerate() {
            self.0.store.set_step(tx, id, position as i64, step).await?;
        }
        let detail = format!("{} (plan {})", plan.summary, &digest[..12]);
        self.0.store.record(tx, Act::by(actor, now, "change.request", id, &detail)).await
    }

    /// Before the write: nothing happens. While it rolls out: the portal stops watching, Kubernetes goes on.
    pub async fn abort(&self, actor: &Actor, id: &str, reason: &str) -> DomainResult<Change> {
        match self.abort_now(actor, id, reason).await {
            Ok(change) => {
                self.publish(&[Topic::Changes, Topic::Approvals]);
                self.0.work.notify_one();
                Ok(change)
            }
            Err(error) => Err(self.denied(actor, "change.abort", id, error.into()).await),
        }
    }

    async fn abort_now(&self, actor: &Actor, id: &str, reason: &str) -> Result<Change> {
        authorize(actor, Verb::Change)?;
        let mut tx = self.0.store.write().await?;
        let change = self.0.store.change_in(&mut tx, id).await?.ok_or_else(|| no_change(id))?;
        if change.state.is_terminal() {
            let (label, state) = (change.label(), change.state.title().to_lowercase());
            return Err(domain::Error::conflict("already_ended", format!("{label} has ended already: it is {state}.")).into());
        }
        self.abort_in(&mut tx, actor, &change, reason).await?;
        let change = self.0.store.change_in(&mut tx, &change.id).await?.ok_or_else(|| no_change(id))?;
        tx.commit_as("the abort is stored").await?;
        Ok(change)
    }

    /// Of a change that goes on, in somebody's transaction.
    async fn abort_in(&self, tx: &mut Tx, actor: &Actor, change: &Change, reason: &str) -> Result<()> {
        let (person, now) = (&actor.person, self.now());
        let written = change.reached().aborted();
        let why = if reason.is_empty() { String::new() } else { format!(": {reason}") };
        let outcome =
            Outcome { state: State::Aborted, reason: format!("aborted by {} {written}{why}", person.name), failing_pod: None, at: now };
        self.end(tx, change, &outcome).await?;
        let left =
            change.left_behind().map_or_else(|| reason.to_owned(), |left| [reason, &left].join("; ").trim_start_matches("; ").to_owned());
        if change.written_generation.is_some() {
            let began = change.steps.iter().find(|step| step.name == "rollout").and_then(|step| step.started).unwrap_or(now);
            self.0.store.judge_record(tx, &change.id, RecordOutcome::Unknown, now.seconds_since(began)).await?;
        }
        self.0.store.record(tx, Act::by(actor, now, "change.abort", &change.id, &left)).await
    }

    pub async fn lift_hold(&self, actor: &Actor, id: &str, reason: &str) -> DomainResult<Hold> {
        match self.lift(actor, id, reason).await {
            Ok(hold) => {
                self.publish(&[Topic::Changes, Topic::Matrix]);
                Ok(hold)
            }
            Err(error) => Err(self.denied(actor, "hold.lift", id, error.into()).await),
        }
    }

    async fn lift(&self, actor: &Actor, id: &str, reason: &str) -> Result<Hold> {
        let person = authorize(actor, Verb::Change)?.person();
        let now = self.now();
        let mut tx = self.0.store.write().await?;
        let hold = self.0.store.lift_hold(&mut tx, id, &person.name, reason, now).await?;
        let hold = hold.ok_or_else(|| domain::Error::not_found("hold of this id (somebody may have lifted it)"))?;
        self.0.store.record(&mut tx, Act::by(actor, now, "hold.lift", id, reason)).await?;
        tx.commit_as("the hold is lifted").await?;
        Ok(hold)
    }

    /// Ends a change: its outcome and the steps that will not come any more. Answers why, with what it leaves.
    pub(crate) async fn end(&self, tx: &mut Tx, change: &Change, outcome: &Outcome) -> Result<String> {
        let outcome = &truthful(change, outcome);
        self.0.store.set_outcome(tx, &change.id, outcome).await?;
        let good = outcome.state == State::Succeeded;
        for (position, step) in change.steps.iter().enumerate().filter(|(_, step)| step.state == "pending" || step.state == "running") {
            let state = match (step.state.as_str(), good) {
                ("running", true) => "done",
                ("running", false) => "failed",
                _ => "skipped",
            };
            let running = step.state == "running";
            let detail = if running { outcome.reason.clone() } else { step.detail.clone() };
            let finished = running.then_some(outcome.at);
            let step = Step { name: step.name.clone(), state: state.into(), started: None, finished, detail };
            self.0.store.set_step(tx, &change.id, position as i64, &step).await?;
        }
        Ok(outcome.reason.clone())
    }

    /// A refusal by right is recorded too; then it is answered as it was.
    pub(crate) async fn denied(&self, actor: &Actor, what: &str, on: &str, error: domain::Error) -> domain::Error {
        if !matches!(error, domain::Error::Forbidden { .. }) {
            return error;
        }
        let detail = error.to_string();
        let act = Act { outcome: "denied", ..Act::by(actor, self.now(), what, on, &detail) };
        if let Err(failure) = self.record_alone(act).await {
            tracing::error!(error = %failure, "a denied act was not recorded");
        }
        error
    }

    async fn record_alone(&self, act: Act<'_>) -> Result<()> {
        let mut tx = self.0.store.write().await?;
        self.0.store.record(&mut tx, act).await?;
        Ok(tx.commit_as("the denial is stored").await?)
    }
}

/// An end before the workload's write says what it leaves in the ConfigMaps.
fn truthful(change: &Change, outcome: &Outcome) -> Outcome {
    let left = change.left_behind().map(|left| format!("{}; {left}", outcome.reason));
    Outcome { reason: left.unwrap_or_else(|| outcome.reason.clone()), ..outcome.clone() }
}

fn first_steps(plan: &Plan, now: Time) -> Vec<Step> {
    let needed: i64 = plan.approval.as_ref().map_or(0, |approval| approval.rules.iter().map(|rule| rule.needed).sum());
    STEPS
        .iter()
        .map(|name| {
            let (state, detail) = match (*name, needed) {
                ("plan", _) => ("done", format!("{} gates checked, dry run accepted by the cluster", plan.gates.len())),
                ("approval", 0) => ("skipped", "Not needed here".to_owned()),
                ("approval", 1) => ("running", "Waiting for 1 vote".to_owned()),
                ("approval", n) => ("running", format!("Waiting for {n} votes")),
                ("check", _) => ("pending", "The facts are gathered once more. Any difference ends this change with no write".to_owned()),
                ("write", _) => ("pending", plan.writes_in_words()),
                _ => ("pending", "Fails at once when an image cannot be pulled or a container keeps crashing".to_owned()),
            };
            let began = state == "done" || state == "running";
            Step {
                name: (*name).into(),
                state: state.into(),
                started: began.then_some(now),
                finished: (state == "done").then_some(now),
                detail,
            }
        })
        .collect()
}

fn key_reused() -> Error {
    let why = "This Idempotency-Key was used before with another body: use a new key for a new request.";
    Refusal::new(RefusalCode::IdempotencyKeyReused, why).into()
}

pub(super) fn no_change(id: &str) -> Error {
    Error::Domain(domain::Error::not_found(format!("change `{}`", domain::names::shorten(id))))
}
