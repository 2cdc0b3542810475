//! What people do with trains: look at the plans, ask, decide on all of it, abort. The worker carries out each change in its turn.
//!
//! Invariant: a train is asked for, approved, rejected and aborted in one transaction, all of it or nothing.

use super::votes::Cast;
use super::{IdempotencyKey, Way, no_change};
use crate::error::{Error, Result};
use crate::events::Topic;
use crate::store::{Act, NewTrain, Page, PageRequest, Tx};
use crate::{DomainResult, Engine};
use domain::access::{Actor, Allowed, Verb, authorize};
use domain::changes::train::{self, Carriage};
use domain::changes::{Outcome, Plan, Request, State, Train, TrainRequest, VoteKind};
use domain::words::count;

/// The plans of a train that would be asked for, in order, each or why there is none.
pub type TrainPlan = Vec<(String, DomainResult<Plan>)>;

impl Engine {
    pub async fn trains(&self, actor: &Actor, environment: Option<&str>, page: PageRequest) -> DomainResult<Page<Train>> {
        authorize(actor, Verb::Read)?;
        Ok(self.0.store.trains(environment, &page).await?)
    }

    pub async fn train(&self, actor: &Actor, id: &str) -> DomainResult<Train> {
        authorize(actor, Verb::Read)?;
        Ok(self.0.store.train(id).await?.ok_or_else(|| no_train(id))?)
    }

    /// The trains that this person may decide on now, oldest first.
    pub async fn trains_waiting_for(&self, actor: &Actor) -> DomainResult<Vec<Train>> {
        authorize(actor, Verb::Read)?;
        if authorize(actor, Verb::Decide).is_err() {
            return Ok(Vec::new());
        }
        let mut trains = self.0.store.trains_awaiting().await?;
        let voter = self.voter(&actor.person.name, self.now()).await?;
        let has_voted = |train: &Train| train.changes.iter().any(|change| change.votes.iter().any(|vote| vote.by == actor.person.name));
        trains.retain(|train| train.may_decide(&voter).is_ok() && !has_voted(train));
        Ok(trains)
    }

    /// The plans that would be made, in order; nothing is stored.
    pub async fn preview_train(&self, actor: &Actor, request: &TrainRequest) -> DomainResult<TrainPlan> {
        let allowed = authorize(actor, Verb::Change)?;
        let mut plans = TrainPlan::new();
        for (component, asked) in self.carriages(request)? {
            plans.push((component, self.plan(allowed, &asked, Way::Ordinary).await.map_err(Into::into)));
        }
        Ok(plans)
    }

    /// One request for each component, in the order of their dependencies.
    fn carriages(&self, request: &TrainRequest) -> DomainResult<Vec<(String, Request)>> {
        let order = request.in_order(&self.catalog())?;
        let one = |component: domain::names::Name| {
            let (environment, from, reason) = (request.environment.clone(), request.from.clone(), request.reason.clone());
            (component.as_str().to_owned(), Request::Promote { component, environment, from, reason })
        };
        Ok(order.into_iter().map(one).collect())
    }

    /// All of it, or the refusal of the first that has no plan.
    pub async fn ask_train(&self, actor: &Actor, request: &TrainRequest, key: Option<IdempotencyKey>) -> DomainResult<Train> {
        let allowed = match authorize(actor, Verb::Change) {
            Ok(allowed) => allowed,
            Err(error) => return Err(self.denied(actor, "train.request", request.environment.as_str(), error).await),
        };
        if let Some(change) = self.repeated(actor, key.as_ref()).await? {
            return Ok(self.train_of(change.plan.train.as_ref()).await?);
        }
        let id = uuid::Uuid::now_v7().to_string();
        let plans = self.train_plans(allowed, request, &id).await?;
        let train = self.insert_train(actor, request, &id, plans, key).await?;
        self.publish(&[Topic::Changes, Topic::Approvals]);
        self.0.work.notify_one();
        Ok(train)
    }

    async fn train_plans(&self, allowed: Allowed<'_>, request: &TrainRequest, id: &str) -> DomainResult<Vec<Plan>> {
        let carriages = self.carriages(request)?;
        let of = carriages.len() as i64;
        let mut plans = Vec::with_capacity(carriages.len());
        for (at, (_, asked)) in carriages.iter().enumerate() {
            let mut plan = self.plan(allowed, asked, Way::Ordinary).await?;
            plan.train = Some(Carriage { train: id.to_owned(), position: at as i64 + 1, of });
            plans.push(plan);
        }
        Ok(plans)
    }

    async fn insert_train(
        &self,
        actor: &Actor,
        request: &TrainRequest,
        id: &str,
        plans: Vec<Plan>,
        key: Option<IdempotencyKey>,
    ) -> Result<Train> {
        let now = self.now();
        let digest = train::digest(id, &plans.iter().map(Plan::digest).collect::<Vec<_>>());
        let mut tx = self.0.store.write().await?;
        if let Some(key) = &key
            && let Some(change) = self.by_key(&mut tx, actor, key).await?
        {
            drop(tx);
            return self.train_of(change.plan.train.as_ref()).await;
        }
        let new = NewTrain {
            id,
            environment: request.environment.as_str(),
            source: request.from.as_str(),
            requester: &actor.person.name,
            reason: &request.reason,
            digest: &digest,
            at: now,
        };
        self.0.store.insert_train(&mut tx, new).await?;
        let ids: Vec<_> = plans.iter().map(|_| uuid::Uuid::now_v7().to_string()).collect();
        for (change, plan) in ids.iter().zip(&plans) {
            self.insert_one(&mut tx, actor, change, plan, now).await?;
        }
        if let (Some(key), Some(first)) = (&key, ids.first()) {
            self.0.store.remember_key(&mut tx, &actor.person.name, &key.key, &key.body_sha256, first, now).await?;
        }
        let detail = format!("{} to {} (digest {})", count(plans.len() as i64, "change"), request.environment.as_str(), &digest[..12]);
        self.0.store.record(&mut tx, Act::by(actor, now, "train.request", id, &detail)).await?;
        let train = self.0.store.train_in(&mut tx, id).await?.ok_or_else(|| no_train(id))?;
        tx.commit_as("the train is stored").await?;
        Ok(train)
    }

    /// The one that a key has made before; a key of a change that goes alone is another request's.
    async fn train_of(&self, place: Option<&Carriage>) -> Result<Train> {
        let id = place.map_or("", |place| place.train.as_str());
        self.0.store.train(id).await?.ok_or_else(|| no_train(id))
    }

    pub async fn approve_train(&self, actor: &Actor, id: &str, digest: &str, reason: &str) -> DomainResult<Train> {
        self.decide_train(actor, id, VoteKind::Approve, Some(digest), reason).await
    }

    /// One rejection with a reason ends all of it.
    pub async fn reject_train(&self, actor: &Actor, id: &str, digest: Option<&str>, reason: &str) -> DomainResult<Train> {
        if authorize(actor, Verb::Decide).is_ok() && reason.trim().is_empty() {
            return Err(domain::Error::invalid("reason", "expected why, so that the requester knows what to mend"));
        }
        self.decide_train(actor, id, VoteKind::Reject, digest, reason).await
    }

    async fn decide_train(&self, actor: &Actor, id: &str, kind: VoteKind, digest: Option<&str>, reason: &str) -> DomainResult<Train> {
        match self.vote_on_train(actor, id, kind, digest, reason).await {
            Ok(train) => {
                self.publish(&[Topic::Changes, Topic::Approvals]);
                self.0.work.notify_one();
                Ok(train)
            }
            Err(error) => Err(self.denied(actor, super::votes::act_of(kind), id, error.into()).await),
        }
    }

    async fn vote_on_train(&self, actor: &Actor, id: &str, kind: VoteKind, digest: Option<&str>, reason: &str) -> Result<Train> {
        let person = authorize(actor, Verb::Decide)?.person();
        let now = self.now();
        let mut tx = self.0.store.write().await?;
        let train = self.0.store.train_in(&mut tx, id).await?.ok_or_else(|| no_train(id))?;
        train.digest_matches(digest.unwrap_or(&train.digest))?;
        if train.changes.iter().all(|change| change.votes.iter().any(|vote| vote.by == person.name && vote.vote == kind)) {
            return Ok(train);
        }
        let voter = self.voter(&person.name, now).await?;
        train.may_decide(&voter)?;
        if now > train.valid_until() {
            self.expire_train(&mut tx, &train).await?;
            tx.commit_as("the end is stored").await?;
            return Err(domain::Error::conflict("expired", format!("{} has expired: ask again.", train.label())).into());
        }
        for change in &train.changes {
            self.cast(&mut tx, actor, change, Cast { kind, reason, duties: &voter.duties }, now).await?;
        }
        let train = self.0.store.train_in(&mut tx, &train.id).await?.ok_or_else(|| no_train(id))?;
        tx.commit_as("the train's votes are stored").await?;
        Ok(train)
    }

    async fn expire_train(&self, tx: &mut Tx, train: &Train) -> Result<()> {
        let now = self.now();
        let reason = "the plans expired before they were decided on".to_owned();
        let outcome = Outcome { state: State::Expired, reason, failing_pod: None, at: now };
        for change in train.changes.iter().filter(|change| !change.state.is_terminal()) {
            self.end(tx, change, &outcome).await?;
            self.0.store.record(tx, Act::by_worker(now, "change.end", &change.id, "failed", &outcome.reason)).await?;
        }
        Ok(())
    }

    /// What has not begun ends; what rolls out is not watched any more, and Kubernetes goes on with it.
    pub async fn abort_train(&self, actor: &Actor, id: &str, reason: &str) -> DomainResult<Train> {
        match self.abort_train_now(actor, id, reason).await {
            Ok(train) => {
                self.publish(&[Topic::Changes, Topic::Approvals]);
                self.0.work.notify_one();
                Ok(train)
            }
            Err(error) => Err(self.denied(actor, "change.abort", id, error.into()).await),
        }
    }

    async fn abort_train_now(&self, actor: &Actor, id: &str, reason: &str) -> Result<Train> {
        authorize(actor, Verb::Change)?;
        let mut tx = self.0.store.write().await?;
        let train = self.0.store.train_in(&mut tx, id).await?.ok_or_else(|| no_train(id))?;
        let open: Vec<_> = train.changes.iter().filter(|change| !change.state.is_terminal()).collect();
        if open.is_empty() {
            let (label, state) = (train.label(), train.state().title().to_lowercase());
            return Err(domain::Error::conflict("already_ended", format!("{label} has ended already: it is {state}.")).into());
        }
        for change in open {
            self.abort_in(&mut tx, actor, change, reason).await?;
        }
        let train = self.0.store.train_in(&mut tx, &train.id).await?.ok_or_else(|| no_change(id))?;
        tx.commit_as("the train's abort is stored").await?;
        Ok(train)
    }
}

fn no_train(id: &str) -> Error {
    Error::Domain(domain::Error::not_found(format!("train `{}`", domain::names::shorten(id))))
}
