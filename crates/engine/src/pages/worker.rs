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
use std::time::{Duration, Instant};
use tokio::task::JoinSet;

/// How often the outbox is looked at when nobody rings.
const TICK: Duration = Duration::from_secs(1);
/// Longer than any try lasts.
const LEASE_S: i64 = 60;
/// So many are tried at once: who waits for a receiver that does not answer keeps nobody else waiting.
const AT_ONCE: usize = 16;

/// Sends until the portal stops.
pub(crate) async fn run(engine: Engine) {
    let mut tries = JoinSet::new();
    while !engine.0.stop.is_cancelled() {
        if let Err(error) = engine.take_up(&mut tries, engine.now()).await {
            tracing::error!(%error, "the outbox could not be worked on; it is tried again");
        }
        tokio::select! {
            () = engine.0.stop.cancelled() => {}
            () = engine.0.paging.notified() => {}
            () = tokio::time::sleep(TICK) => {}
            Some(_) = tries.join_next(), if !tries.is_empty() => {}
        }
    }
    while tries.join_next().await.is_some() {}
}

impl Engine {
    /// Sends what is due at `now`, and waits until all of it is answered. Public, so that a test can be the clock.
    pub async fn deliver(&self, now: Time) -> Result<()> {
        let mut tries = JoinSet::new();
        loop {
            self.take_up(&mut tries, now).await?;
            if tries.join_next().await.is_none() {
                return Ok(());
            }
        }
    }

    /// Begins to try what is due, as far as there is room.
    async fn take_up(&self, tries: &mut JoinSet<()>, now: Time) -> Result<()> {
        if tries.len() >= AT_ONCE || !self.0.store.deliveries_are_due(now).await? {
            return Ok(());
        }
        self.withdraw_acknowledged(now).await?;
        while tries.len() < AT_ONCE && !self.0.stop.is_cancelled() {
            let Some((claim, page)) = self.claim_delivery(now).await? else { return Ok(()) };
            let engine = self.clone();
            tries.spawn(async move {
                if let Err(error) = engine.deliver_one(claim, page, now).await {
                    tracing::error!(%error, "what became of a delivery was not written down: it may be sent a second time");
                }
            });
        }
        Ok(())
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

    async fn deliver_one(&self, claim: Claim, page: Page, now: Time) -> Result<()> {
        let (made, began) = (page.at, Instant::now());
        let answer = match too_late(made, claim.delivery.tries, now) {
            Some(why) => Answer::Never(why.to_owned()),
            None => {
                let message = Message::of(&self.0.catalog, &self.0.external_url, page, claim.delivery.clone());
                self.0.outlets.send(&message, self.now()).await
            }
        };
        // The pause counts from the answer.
        let now = now.plus_seconds(i64::try_from(began.elapsed().as_secs()).unwrap_or(0));
        self.settle_delivery(&claim, settled(made, claim.delivery.tries, now, answer), now).await?;
        self.publish(&[Topic::Pages]);
        Ok(())
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
