//! Votes: approve, reject, take back. Who may and what suffices is `domain`'s; this stores and tells.

use super::no_change;
use crate::error::Result;
use crate::events::Topic;
use crate::store::{Act, Tx};
use crate::{DomainResult, Engine};
use domain::Time;
use domain::access::{Actor, Verb, authorize};
use domain::catalog::Duty;
use domain::changes::votes::{digest_matches, excluded, may_decide, may_withdraw, tally};
use domain::changes::{Change, Outcome, State, Step, Vote, VoteKind};

/// What somebody says to a plan, and what they hold on call as they say it.
#[derive(Clone, Copy)]
pub(super) struct Cast<'a> {
    pub kind: VoteKind,
    pub reason: &'a str,
    pub duties: &'a [Duty],
}

impl Engine {
    pub async fn approve(&self, actor: &Actor, id: &str, digest: &str, reason: &str) -> DomainResult<Change> {
        self.decide(actor, id, VoteKind::Approve, Some(digest), reason).await
    }

    /// One rejection with a reason ends the change.
    pub async fn reject(&self, actor: &Actor, id: &str, digest: Option<&str>, reason: &str) -> DomainResult<Change> {
        if authorize(actor, Verb::Decide).is_ok() && reason.trim().is_empty() {
            return Err(domain::Error::invalid("reason", "expected why, so that the requester knows what to mend"));
        }
        self.decide(actor, id, VoteKind::Reject, digest, reason).await
    }

    async fn decide(&self, actor: &Actor, id: &str, kind: VoteKind, digest: Option<&str>, reason: &str) -> DomainResult<Change> {
        match self.vote(actor, id, kind, digest, reason).await {
            Ok(change) => {
                self.publish(&[Topic::Changes, Topic::Approvals]);
                self.0.work.notify_one();
                Ok(change)
            }
            Err(error) => Err(self.denied(actor, act_of(kind), id, error.into()).await),
        }
    }

    async fn vote(&self, actor: &Actor, id: &str, kind: VoteKind, digest: Option<&str>, reason: &str) -> Result<Change> {
        let person = authorize(actor, Verb::Decide)?.person();
        let now = self.now();
        let voter = self.voter(&person.name, now).await?;
        let mut tx = self.0.store.write().await?;
        let change = self.0.store.change_in(&mut tx, id).await?.ok_or_else(|| no_change(id))?;
        digest_matches(&change, digest.unwrap_or(&change.digest))?;
        if change.votes.iter().any(|vote| vote.by == person.name && vote.vote == kind) {
            return Ok(change);
        }
        may_decide(&change, &voter)?;
        if now > change.plan.valid_until {
            let outcome =
                Outcome { state: State::Expired, reason: "the plan expired before it was decided on".into(), failing_pod: None, at: now };
            self.end(&mut tx, &change, &outcome).await?;
            self.0.store.record(&mut tx, Act::by_worker(now, "change.end", &change.id, "failed", &outcome.reason)).await?;
            tx.commit_as("the end is stored").await?;
            return Err(domain::Error::conflict("expired", format!("{} has expired: ask again.", change.label())).into());
        }
        self.cast(&mut tx, actor, &change, Cast { kind, reason, duties: &voter.duties }, now).await?;
        let change = self.0.store.change_in(&mut tx, &change.id).await?.ok_or_else(|| no_change(id))?;
        tx.commit_as("the vote is stored").await?;
        Ok(change)
    }

    /// A vote that is allowed, with its audit entry and what follows from it.
    pub(super) async fn cast(&self, tx: &mut Tx, actor: &Actor, change: &Change, cast: Cast<'_>, now: Time) -> Result<()> {
        let (by, kind, reason) = (actor.person.name.clone(), cast.kind, cast.reason);
        let (digest, duties) = (change.digest.clone(), cast.duties.to_vec());
        let vote = Vote { by, vote: kind, at: now, digest, reason: reason.to_owned(), duties };
        self.0.store.insert_vote(tx, &change.id, &vote).await?;
        self.0.store.record(tx, Act::by(actor, now, act_of(kind), &change.id, reason)).await?;
        self.after_vote(tx, change, &vote).await
    }

    async fn after_vote(&self, tx: &mut Tx, change: &Change, vote: &Vote) -> Result<()> {
        if vote.vote == VoteKind::Reject {
            let reason = format!("rejected by {}: {}", vote.by, vote.reason);
            return self.end(tx, change, &Outcome { state: State::Rejected, reason, failing_pod: None, at: vote.at }).await.map(drop);
        }
        let mut change = change.clone();
        change.votes.push(vote.clone());
        if !self.votes_suffice(&change) {
            return Ok(());
        }
        self.0.store.set_state(tx, &change.id, State::Ready).await?;
        let step =
            Step { name: "approval".into(), state: "done".into(), started: None, finished: Some(vote.at), detail: approved_by(&change) };
        self.0.store.set_step(tx, &change.id, 1, &step).await
    }

    /// With the teams and roles that hold now, not when the votes were cast; whoever was on call at their vote counts as such.
    pub(crate) fn votes_suffice(&self, change: &Change) -> bool {
        let Some(approval) = &change.plan.approval else { return true };
        let approvals = change.votes.iter().filter(|vote| vote.vote == VoteKind::Approve && vote.digest == change.digest);
        let voters: Vec<_> =
            approvals.map(|vote| self.voted(vote)).filter(|voter| voter.person.has(domain::access::Role::Approver)).collect();
        tally(approval, &excluded(&change.plan, approval), &voters).satisfied()
    }

    /// Takes back one's own approval, before the change is executed; without enough votes it waits for them again.
    pub async fn withdraw(&self, actor: &Actor, id: &str, reason: &str) -> DomainResult<Change> {
        match self.take_back(actor, id, reason).await {
            Ok(change) => {
                self.publish(&[Topic::Changes, Topic::Approvals]);
                Ok(change)
            }
            Err(error) => Err(self.denied(actor, "change.withdraw", id, error.into()).await),
        }
    }

    async fn take_back(&self, actor: &Actor, id: &str, reason: &str) -> Result<Change> {
        let person = authorize(actor, Verb::Decide)?.person();
        let now = self.now();
        let mut tx = self.0.store.write().await?;
        let mut change = self.0.store.change_in(&mut tx, id).await?.ok_or_else(|| no_change(id))?;
        may_withdraw(&change, person)?;
        self.0.store.delete_vote(&mut tx, &change.id, &person.name).await?;
        change.votes.retain(|vote| vote.by != person.name);
        if change.state == State::Ready && change.glass.is_none() && !self.votes_suffice(&change) {
            self.0.store.await_votes(&mut tx, &change.id).await?;
            let detail = format!("{} withdrew their vote; waiting for others", person.name);
            let step = Step { name: "approval".into(), state: "running".into(), started: None, finished: None, detail };
            self.0.store.set_step(&mut tx, &change.id, 1, &step).await?;
        }
        self.0.store.record(&mut tx, Act::by(actor, now, "change.withdraw", &change.id, reason)).await?;
        let change = self.0.store.change_in(&mut tx, &change.id).await?.ok_or_else(|| no_change(id))?;
        tx.commit_as("the withdrawal is stored").await?;
        Ok(change)
    }
}

/// How a vote is called in the audit record.
pub(super) fn act_of(kind: VoteKind) -> &'static str {
    if kind == VoteKind::Approve { "change.approve" } else { "change.reject" }
}

fn approved_by(change: &Change) -> String {
    let names: Vec<_> = change.votes.iter().filter(|vote| vote.vote == VoteKind::Approve).map(|vote| vote.by.as_str()).collect();
    format!("Approved by {}", names.join(", "))
}
