//! Sends what is in the outbox: claims a delivery, tries it, writes down what became of it.
//!
//! Invariants: a delivery is tried by one process at a time, and by none once its page is acknowledged. A try is counted before it
//! begins and its lease outlasts its deadline, so a crash sends at most the one in flight a second time. Trying ends.

use super::message::Message;
use crate::Engine;
use crate::error::Result;
use crate::events::Topic;
use crate::store::{Act, Claim, Settled};
use domain::Time;
use domain::pages::{Answer, Page, State, settled, too_late};
use std::time::Duration;
use tokio::task::JoinSet;

/// How often the outbox is looked at when nobody rings.
const TICK: Duration = Duration::from_secs(1);
/// Longer than any try lasts.
const LEASE_S: i64 = 60;
/// So many are tried at once: a receiver that does not answer holds up nobody but itself.
const AT_ONCE: usize = 8;

/// Sends until the portal stops.
pub(crate) async fn run(engine: Engine) {
    while !engine.0.stop.is_cancelled() {
        if let Err(error) = engine.deliver(engine.now()).await {
            tracing::error!(%error, "the outbox could not be worked on; it is tried again");
        }
        tokio::select! {
            () = engine.0.stop.cancelled() => {}
            () = engine.0.paging.notified() => {}
            () = tokio::time::sleep(TICK) => {}
        }
    }
}

impl Engine {
    /// Sends what is due at `now`, and waits until all of it is answered. Public, so that a test can be the clock.
    pub async fn deliver(&self, now: Time) -> Result<()> {
        if !self.0.store.deliveries_are_due(now).await? {
            return Ok(());
        }
        self.withdraw_acknowledged(now).await?;
        let mut tries = JoinSet::new();
        for _ in 0..AT_ONCE {
            let engine = self.clone();
            tries.spawn(async move {
                while engine.deliver_one(now).await? {}
                Ok(())
            });
        }
        let mut outcome = Ok(());
        while let Some(ended) = tries.join_next().await {
            match ended {
                Ok(Ok(())) => {}
                Ok(Err(error)) => outcome = Err(error),
                Err(error) => tracing::error!(%error, "a delivery ended without an answer"),
            }
        }
        outcome
    }

    /// What was in flight when its process ended, of pages that were acknowledged since.
    async fn withdraw_acknowledged(&self, now: Time) -> Result<()> {
        let mut tx = self.0.store.write().await?;
        let withdrawn = self.0.store.withdraw_deliveries(&mut tx, now).await?;
        tx.commit().await?;
        if withdrawn > 0 {
            self.publish(&[Topic::Pages]);
        }
        Ok(())
    }

    /// False: nothing is due.
    async fn deliver_one(&self, now: Time) -> Result<bool> {
        if self.0.stop.is_cancelled() {
            return Ok(false);
        }
        let Some((claim, page)) = self.claim_delivery(now).await? else { return Ok(false) };
        let made = page.at;
        let answer = match too_late(made, claim.delivery.tries, now) {
            Some(why) => Answer::Never(why.to_owned()),
            None => {
                let message = Message::of(&self.0.catalog, &self.0.external_url, page, claim.delivery.clone());
                self.0.outlets.send(&message, self.now()).await
            }
        };
        self.settle_delivery(&claim, settled(made, claim.delivery.tries, now, answer), now).await?;
        self.publish(&[Topic::Pages]);
        Ok(true)
    }

    async fn claim_delivery(&self, now: Time) -> Result<Option<(Claim, Page)>> {
        let mut tx = self.0.store.write().await?;
        let Some(claim) = self.0.store.claim_delivery(&mut tx, &self.0.owner, now, now.plus_seconds(LEASE_S)).await? else {
            return Ok(None);
        };
        let page = self.existing_page(&mut tx, &claim.page_id).await?;
        tx.commit().await?;
        Ok(Some((claim, page)))
    }

    async fn settle_delivery(&self, claim: &Claim, (state, next, detail): (State, Option<Time>, String), now: Time) -> Result<()> {
        let mut tx = self.0.store.write().await?;
        let acknowledged = self.existing_page(&mut tx, &claim.page_id).await?.is_acknowledged();
        // Nothing follows an acknowledgement.
        let (state, next) = if acknowledged && state.is_open() { (State::Withdrawn, None) } else { (state, next) };
        let settled = Settled { state, next, at: now, detail: &detail };
        if !self.0.store.settle_delivery(&mut tx, claim, &self.0.owner, &settled).await? {
            tracing::warn!(delivery = claim.delivery.id, "a try took longer than its lease: another one follows");
            return Ok(());
        }
        if !state.is_open() {
            let (outcome, told) = (state.as_str(), format!("{} over {}: {detail}", claim.delivery.person, claim.delivery.channel));
            self.0.store.record(&mut tx, Act::by_worker(now, "page.deliver", &claim.page_id, outcome, &told)).await?;
        }
        Ok(tx.commit().await?)
    }
}
