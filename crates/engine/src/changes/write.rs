//! The one write of a change: its bytes are journalled, then sent; sent again when nothing became of them; noted when they arrived.
//!
//! Invariants: the intent is journalled before the cluster is written to; the bytes that are sent are the journalled ones; what
//! forbids a write is looked at before each sending.

use super::worker::{LOOK_AGAIN, Round, TICK};
use crate::clusters::WriteAnswer;
use crate::error::Result;
use crate::events::Topic;
use crate::store::Act;
use crate::{Engine, fault};
use domain::changes::explain::What;
use domain::changes::step::{Seen, in_doubt};
use domain::changes::{Change, Kind, Stamp, State, Step};

impl Engine {
    /// `seen`: the target as it is at the resourceVersion. `doubt`: an earlier try may still arrive.
    pub(super) async fn intend(&self, change: &Change, fence: i64, resource_version: &str, seen: &Seen, doubt: bool) -> Result<Round> {
        if let Some(round) = self.barred(change, doubt).await? {
            return Ok(round);
        }
        let now = self.now();
        let cause = change.plan.kind.makes_revision().then(|| cause(change));
        let annotated = matches!(seen, Seen::There(present) if present.annotated);
        let stamp = Stamp { change: &change.id, fence, cause: cause.as_deref(), resource_version, annotated };
        let bytes = change.plan.patch.stamped(&stamp);
        let Some(mut tx) = self.holding(&change.id).await? else { return Ok(Round::Over) };
        // A freeze that was committed before this is seen here, and one that comes later waits for this to be committed.
        if let Some(closed) = self.closing_in(&mut tx, change).await?.filter(|_| !self.passes_closing(change)) {
            tx.rollback().await?;
            return self.wait_for_opening(change, &closed.why).await;
        }
        self.0.store.journal_intent(&mut tx, &change.id, resource_version, &bytes, now).await?;
        if !doubt {
            self.0.store.outdate_earlier_tries(&mut tx, &change.id).await?;
        }
        let checked = Step {
            name: "check".into(),
            state: "done".into(),
            started: Some(now),
            finished: Some(now),
            detail: "Everything is as planned".into(),
        };
        self.0.store.set_step(&mut tx, &change.id, 2, &checked).await?;
        let writing =
            Step { name: "write".into(), state: "running".into(), started: Some(now), finished: None, detail: "Sending it".into() };
        self.0.store.set_step(&mut tx, &change.id, 3, &writing).await?;
        let detail = format!("resourceVersion {resource_version}, {} bytes, sha256 {}", bytes.len(), &domain::digest::sha256(&bytes)[..12]);
        self.0.store.record(&mut tx, Act::by_worker(now, "cluster.intend", &change.id, "done", &detail)).await?;
        tx.commit_as("the intent is stored").await?;
        self.publish(&[Topic::Changes]);
        self.send(change, &bytes, doubt).await
    }

    /// The journalled bytes once more, since nothing became of them: whatever forbids a write forbids this too, and the try counts.
    pub(super) async fn send_again(&self, change: &Change, bytes: &str, doubt: bool) -> Result<Round> {
        if let Some(round) = self.barred(change, doubt).await? {
            return Ok(round);
        }
        // An abort has taken the lease away.
        let Some(mut tx) = self.holding(&change.id).await? else { return Ok(Round::Over) };
        if self.closing_in(&mut tx, change).await?.is_some_and(|_| !self.passes_closing(change)) {
            // The next round says what it waits for.
            return Ok(Round::Again(LOOK_AGAIN));
        }
        self.0.store.journal_try(&mut tx, &change.id).await?;
        tx.commit_as("a try is stored").await?;
        self.send(change, bytes, doubt).await
    }

    /// Sends the journalled bytes. Whatever the answer, the next round looks and decides.
    async fn send(&self, change: &Change, bytes: &str, doubt: bool) -> Result<Round> {
        let target = &change.plan.target;
        let cluster = self.cluster(&target.cluster)?.clone();
        if !self.may_send(change) {
            return Ok(Round::Over);
        }
        fault::point("before the write is sent");
        let answer = cluster.write(target, &change.plan.patch, bytes).await;
        fault::point("after the write is answered");
        self.log_answer(change, bytes.len(), &answer).await?;
        match answer {
            // Of the workload itself nothing was written.
            WriteAnswer::Applied(_) if change.plan.kind == Kind::Unblock => {
                self.applied(change, target.generation, &target.spec_hash).await
            }
            WriteAnswer::Applied(object) => {
                self.applied(change, domain::changes::plan::generation(&object), &target.hash_of(&object)).await
            }
            // Whose conflict it was, the next look tells; were it nobody's, this would be sent again and again.
            WriteAnswer::Conflict(_) | WriteAnswer::Gone(_) => Ok(Round::Again(LOOK_AGAIN)),
            WriteAnswer::Stale(_) => self.outrun(change).await,
            WriteAnswer::Refused(said) => {
                let why = in_doubt(&format!("the cluster refused the write: {said}"), doubt);
                self.conclude(change, State::Errored, &why, None).await?;
                Ok(Round::Over)
            }
            WriteAnswer::Later(said) | WriteAnswer::Unknown(said) => {
                self.note(change, "write", 3, &format!("no certain answer ({said}); looking before trying again")).await?;
                Ok(Round::Rest(said.retry_after.unwrap_or_default()))
            }
        }
    }

    async fn log_answer(&self, change: &Change, bytes: usize, answer: &WriteAnswer) -> Result<()> {
        let text = format!("the {} of {bytes} bytes, {}", change.plan.patch.kind.noun(), answer.in_words());
        let Some(mut tx) = self.holding(&change.id).await? else { return Ok(()) };
        self.0.store.log_line(&mut tx, &change.id, self.now(), What::Answered, &text).await?;
        if answer.is_certain_no() {
            self.0.store.journal_refused(&mut tx, &change.id, matches!(answer, WriteAnswer::Conflict(_))).await?;
        }
        Ok(tx.commit_as("the answer is stored").await?)
    }

    /// The write is there, as this generation. Also when an edit of annotations made another one of it.
    pub(super) async fn applied(&self, change: &Change, generation: i64, spec_hash: &str) -> Result<Round> {
        let now = self.now();
        // Somebody may have ended it while we looked: then it stays ended.
        let Some(mut tx) = self.holding(&change.id).await? else { return Ok(Round::Over) };
        self.0.store.journal_applied(&mut tx, &change.id, generation, spec_hash, now).await?;
        if change.written_generation.is_none() {
            self.0.store.set_state(&mut tx, &change.id, State::Observing).await?;
            let detail = wrote(change, generation);
            let wrote = Step { name: "write".into(), state: "done".into(), started: Some(now), finished: Some(now), detail };
            self.0.store.set_step(&mut tx, &change.id, 3, &wrote).await?;
            let detail = follows(change.plan.kind).into();
            let rolling = Step { name: "rollout".into(), state: "running".into(), started: Some(now), finished: None, detail };
            self.0.store.set_step(&mut tx, &change.id, 4, &rolling).await?;
        }
        let act = if change.written_generation.is_none() { "cluster.write" } else { "cluster.follow" };
        self.0.store.record(&mut tx, Act::by_worker(now, act, &change.id, "done", &format!("generation {generation}"))).await?;
        tx.commit_as("the write is noted").await?;
        self.publish(&[Topic::Changes]);
        Ok(Round::Again(TICK))
    }
}

fn wrote(change: &Change, generation: i64) -> String {
    if let Some((pod, _)) = change.plan.patch.deletes() {
        return format!("Deleted pod {pod}");
    }
    match (&change.plan.target.autoscaler, change.plan.patch.makes(&change.id)) {
        (_, Some(job)) => format!("Made the Job {job}"),
        (Some(name), None) => format!("Applied to the autoscaler {name}"),
        (None, None) if !change.config.is_empty() => {
            let names: Vec<_> = change.config.iter().map(|sent| sent.name.as_str()).collect();
            format!("Restored ConfigMap {}; then applied as generation {generation}", names.join(", "))
        }
        (None, None) => format!("Applied as generation {generation}"),
    }
}

fn follows(kind: Kind) -> &'static str {
    match kind {
        Kind::Autoscale => "The number of pods follows",
        Kind::RunJob => "Its pods are being made",
        _ => "Pods are being replaced",
    }
}

/// What `kubectl rollout history` shows.
fn cause(change: &Change) -> String {
    let plan = &change.plan;
    format!("{} {} {} by {}, plan {}", change.label(), plan.kind.as_str(), plan.to.version(), plan.requester, &change.digest[..12])
}
