//! Breaking the glass, and the reviews that follow.

use super::closing::reasoned;
use super::no_change;
use crate::error::Result;
use crate::events::Topic;
use crate::store::Act;
use crate::{DomainResult, Engine};
use domain::access::{Actor, Verb, authorize};
use domain::changes::votes::{alone, digest_matches};
use domain::changes::{BreakGlass, Change, REVIEW_WITHIN_S, Review, State, Step, may_break_glass};

impl Engine {
    /// Lets a change through without its votes and while its environment is closed; a review opens with it.
    pub async fn break_glass(&self, actor: &Actor, id: &str, digest: &str, reason: &str) -> DomainResult<Change> {
        match self.broken(actor, id, digest, reason).await {
            Ok(change) => {
                self.publish(&[Topic::Changes, Topic::Approvals]);
                self.0.work.notify_one();
                Ok(change)
            }
            Err(error) => Err(self.denied(actor, "change.break_glass", id, error.into()).await),
        }
    }

    async fn broken(&self, actor: &Actor, id: &str, digest: &str, reason: &str) -> Result<Change> {
        let (person, now) = (authorize(actor, Verb::BreakGlass)?.person(), self.now());
        let authority = may_break_glass(person, &self.primary_on_call(now).await?)?;
        let reason = reasoned("reason", reason, "expected why it cannot wait, so that the review can judge it")?;
        let mut tx = self.0.store.write().await?;
        let change = self.0.store.change_in(&mut tx, id).await?.ok_or_else(|| no_change(id))?;
        digest_matches(&change, digest)?;
        if change.glass.as_ref().is_some_and(|glass| glass.by == person.name) {
            return Ok(change);
        }
        may_be_let_through(&change)?;
        if now > change.plan.valid_until {
            return Err(domain::Error::conflict("expired", format!("{} has expired: ask again.", change.label())).into());
        }
        let glass = BreakGlass { by: person.name.clone(), authority, reason, at: now };
        let review = uuid::Uuid::now_v7().to_string();
        self.0.store.insert_review(&mut tx, &review, &change.id, &glass, now.plus_seconds(REVIEW_WITHIN_S)).await?;
        if change.state == State::AwaitingApproval {
            self.0.store.set_state(&mut tx, &change.id, State::Ready).await?;
            let detail = format!("{} broke the glass: {}", glass.by, glass.reason);
            let step = Step { name: "approval".into(), state: "done".into(), started: None, finished: Some(now), detail };
            self.0.store.set_step(&mut tx, &change.id, 1, &step).await?;
        }
        self.0.store.record(&mut tx, Act::by(actor, now, "change.break_glass", &change.id, &glass.reason)).await?;
        let change = self.0.store.change_in(&mut tx, &change.id).await?.ok_or_else(|| no_change(id))?;
        tx.commit_as("the glass is stored").await?;
        Ok(change)
    }

    /// A broken glass is still good for the write: whoever broke it may still do so.
    pub(super) fn glass_stands(&self, change: &Change) -> bool {
        change.glass.as_ref().is_some_and(|glass| glass.stands(&self.0.catalog.person(&glass.by)))
    }

    /// Whether a change may be executed although its environment is closed.
    pub(super) fn passes_closing(&self, change: &Change) -> bool {
        change.plan.kind.passes_closing() || self.glass_stands(change)
    }

    /// Those that are open, the first due first; with `closed_too`, then those that are closed.
    pub async fn reviews(&self, actor: &Actor, closed_too: bool) -> DomainResult<Vec<Review>> {
        authorize(actor, Verb::Read)?;
        Ok(self.0.store.reviews(closed_too).await?)
    }

    /// The review of a change whose glass was broken.
    pub async fn review_of(&self, actor: &Actor, change: &Change) -> DomainResult<Option<Review>> {
        authorize(actor, Verb::Read)?;
        Ok(self.0.store.review_of_change(&change.id).await?)
    }

    /// The same, where there must be one.
    pub async fn review_by_change(&self, actor: &Actor, change: &str) -> DomainResult<Review> {
        authorize(actor, Verb::Decide)?;
        let change = self.change(actor, change).await?;
        let review = self.0.store.review_of_change(&change.id).await?;
        review.ok_or_else(|| domain::Error::not_found(format!("review of {}", change.label())))
    }

    /// By another person than the one who broke the glass, with a note.
    pub async fn close_review(&self, actor: &Actor, id: &str, note: &str) -> DomainResult<Review> {
        match self.reviewed(actor, id, note).await {
            Ok(review) => {
                self.publish(&[Topic::Changes]);
                Ok(review)
            }
            Err(error) => Err(self.denied(actor, "review.close", id, error.into()).await),
        }
    }

    async fn reviewed(&self, actor: &Actor, id: &str, note: &str) -> Result<Review> {
        let person = authorize(actor, Verb::Decide)?.person();
        let no_review = || domain::Error::not_found(format!("review `{}`", domain::names::shorten(id)));
        let (now, mut tx) = (self.now(), self.0.store.write().await?);
        let review = self.0.store.review_in(&mut tx, id).await?.ok_or_else(no_review)?;
        review.may_close(person)?;
        let note = reasoned("note", note, "expected what was found, and whether anything must follow")?;
        self.0.store.close_review(&mut tx, id, &person.name, &note, now).await?;
        self.0.store.record(&mut tx, Act::by(actor, now, "review.close", &review.change, &note)).await?;
        let review = self.0.store.review_in(&mut tx, id).await?.ok_or_else(no_review)?;
        tx.commit_as("the review is stored").await?;
        Ok(review)
    }
}

/// It waits for votes or for its turn.
fn may_be_let_through(change: &Change) -> Result<(), domain::Error> {
    alone(change)?;
    if change.glass.is_none() && matches!(change.state, State::AwaitingApproval | State::Ready) {
        return Ok(());
    }
    let (label, state) = (change.label(), change.state.title().to_lowercase());
    let why = match &change.glass {
        Some(glass) => format!("{} broke the glass for {label} already.", glass.by),
        None => format!("{label} is {state}: there is no glass to break."),
    };
    Err(domain::Error::conflict("not_waiting", why))
}
