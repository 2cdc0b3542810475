//! Swaps: an offer, and the other side's consent.
//!
//! Invariant: nothing changes before the other side has consented, and at that moment both must still hold what they give.

use super::arrange::{Made, overlap};
use crate::error::{Error, Result};
use crate::events::Topic;
use crate::store::Act;
use crate::{DomainResult, Engine, IdempotencyKey};
use domain::Time;
use domain::access::{Actor, Verb, authorize};
use domain::oncall::overrides::{Swap, SwapState, Window, checked_window};
use domain::oncall::{Participant, Rotation, Wanted};

/// What somebody offers to swap.
#[derive(Clone, Debug)]
pub struct Offer {
    pub role: String,
    /// Who holds `take`.
    pub with: Participant,
    pub give: Window,
    pub take: Window,
    pub reason: String,
}

impl Engine {
    /// Offers a swap: `give` for `take`, with whoever holds `take`.
    pub async fn offer_swap(&self, actor: &Actor, rotation: &str, offer: Offer, key: Option<IdempotencyKey>) -> DomainResult<Made<Swap>> {
        if let Err(error) = authorize(actor, Verb::Respond) {
            return Err(self.denied(actor, "swap.offer", rotation, error).await);
        }
        let (rotation, now) = (self.0.catalog.rotation(rotation)?, self.now());
        let (give, take) = (window("give", offer.give, now)?, window("take", offer.take, now)?);
        let wanted = Wanted { role: offer.role, participant: offer.with, starts: give.starts, ends: give.ends, reason: offer.reason };
        let wanted = wanted.checked(rotation, now, |p| self.0.catalog.knows(p))?;
        let swap = Swap {
            id: uuid::Uuid::now_v7().to_string(),
            rotation: rotation.name.clone(),
            role: wanted.role,
            by: actor.person.name.clone(),
            with: wanted.participant,
            give,
            take,
            reason: wanted.reason,
            at: now,
            state: SwapState::Offered,
        };
        let made = self.store_offer(actor, rotation, swap, key).await?;
        self.publish(&[Topic::OnCall]);
        Ok(made)
    }

    async fn store_offer(&self, actor: &Actor, rotation: &Rotation, swap: Swap, key: Option<IdempotencyKey>) -> Result<Made<Swap>> {
        let mut tx = self.0.store.write().await?;
        if let Some(id) = self.made_before(&mut tx, actor, key.as_ref()).await? {
            let made = self.0.store.swap_in(&mut tx, &id).await?.ok_or_else(|| no_swap(&id))?;
            return Ok(Made { made, repeated: true });
        }
        self.still_held(rotation, &swap).await?;
        if let Some(key) = &key {
            self.0.store.remember_made(&mut tx, &actor.person.name, &key.key, &key.body_sha256, &swap.id, swap.at).await?;
        }
        let swap = &swap;
        self.0.store.insert_swap(&mut tx, swap).await?;
        let detail = format!("{} offers {} to {} for {}", swap.by, swap.give.starts, swap.with, swap.take.starts);
        self.0.store.record(&mut tx, Act::by(actor, swap.at, "swap.offer", &swap.id, &detail)).await?;
        tx.commit().await?;
        Ok(Made { made: swap.clone(), repeated: false })
    }

    async fn still_held(&self, rotation: &Rotation, swap: &Swap) -> Result<()> {
        let (from, until) = (swap.give.starts.min(swap.take.starts), swap.give.ends.max(swap.take.ends));
        let held = self.held(&rotation.name, from, until).await?;
        Ok(swap.holds(&held.line(), |p| self.0.catalog.people_of(p))?)
    }

    /// The other side accepts or declines; whoever offered takes it back.
    pub async fn answer_swap(&self, actor: &Actor, id: &str, answer: SwapState) -> DomainResult<Swap> {
        if let Err(error) = authorize(actor, Verb::Respond) {
            return Err(self.denied(actor, "swap.answer", id, error).await);
        }
        match self.decide_swap(actor, id, answer).await {
            Ok(swap) => {
                self.publish(&[Topic::OnCall]);
                Ok(swap)
            }
            Err(error) => Err(self.denied(actor, "swap.answer", id, error.into()).await),
        }
    }

    async fn decide_swap(&self, actor: &Actor, id: &str, answer: SwapState) -> Result<Swap> {
        let now = self.now();
        let mut tx = self.0.store.write().await?;
        let swap = self.0.store.swap_in(&mut tx, id).await?.ok_or_else(|| no_swap(id))?;
        if swap.state != SwapState::Offered {
            return Err(domain::Error::conflict("swap_decided", format!("This swap is {} already.", swap.state.as_str())).into());
        }
        self.may_answer(actor, &swap, answer)?;
        if answer == SwapState::Accepted {
            let rotation = self.0.catalog.rotation(&swap.rotation)?;
            window("give", swap.give, now)?;
            window("take", swap.take, now)?;
            let overrides = self.0.store.overrides_in(&mut tx, &rotation.name).await?;
            let halves = swap.halves([uuid::Uuid::now_v7().to_string(), uuid::Uuid::now_v7().to_string()], now);
            if let Some(other) =
                overrides.iter().find(|o| o.role == swap.role && halves.iter().any(|half| o.overlaps(half.starts, half.ends)))
            {
                return Err(overlap(other));
            }
            self.still_held(rotation, &swap).await?;
            for half in &halves {
                self.insert_override(&mut tx, actor, half, now).await?;
            }
        }
        self.0.store.decide_swap(&mut tx, id, answer, now, &actor.person.name).await?;
        self.0.store.record(&mut tx, Act::by(actor, now, "swap.answer", id, answer.as_str())).await?;
        tx.commit().await?;
        Ok(Swap { state: answer, ..swap })
    }

    fn may_answer(&self, actor: &Actor, swap: &Swap, answer: SwapState) -> Result<()> {
        let own = actor.person.name == swap.by;
        let asked = self.0.catalog.people_of(&swap.with).contains(&actor.person.name);
        let allowed = if answer == SwapState::Withdrawn { own } else { asked && !own };
        if allowed {
            return Ok(());
        }
        let why = match answer {
            SwapState::Withdrawn => format!("Only {} can take this offer back.", swap.by),
            _ => format!("Only {} can answer this offer.", swap.with),
        };
        Err(domain::Error::forbidden("not_yours", why).into())
    }
}

/// A window that lies ahead; what is wrong is named by the window.
fn window(field: &str, window: Window, now: Time) -> DomainResult<Window> {
    super::answerable(field, window.starts)?;
    super::answerable(field, window.ends)?;
    let (starts, ends) = checked_window(window.starts.whole_seconds(), window.ends.whole_seconds(), now).map_err(|error| match error {
        domain::Error::Invalid { why, .. } => domain::Error::invalid(field, why),
        other => other,
    })?;
    Ok(Window { starts, ends })
}

fn no_swap(id: &str) -> Error {
    Error::Domain(domain::Error::not_found(format!("swap `{}`", domain::names::shorten(id))))
}
