//! Taking a window of a role, giving it to somebody, and taking that back.
//!
//! Invariant: what is in the way is looked for inside the writing transaction, so of two that overlap and arrive at once exactly
//! one is stored, on either database.

use super::no_override;
use crate::error::{Error, Result};
use crate::events::Topic;
use crate::store::{Act, Tx};
use crate::{DomainResult, Engine, IdempotencyKey};
use domain::Time;
use domain::access::{Actor, Verb, authorize};
use domain::changes::{Refusal, RefusalCode};
use domain::names::shorten;
use domain::oncall::overrides::preview;
use domain::oncall::view::PreviewView;
use domain::oncall::{Override, Rotation, Wanted};

/// What was made, and whether the key had made it before.
#[derive(Clone, Debug)]
pub struct Made<T> {
    pub made: T,
    pub repeated: bool,
}

impl Engine {
    /// What an override would change; nothing is stored.
    pub async fn preview_override(&self, actor: &Actor, rotation: &str, wanted: Wanted) -> DomainResult<PreviewView> {
        authorize(actor, Verb::Respond)?;
        let now = self.now();
        let wanted = self.checked(rotation, wanted, now)?;
        let held = self.held(rotation, wanted.starts, wanted.ends).await?;
        let catalog = &self.0.catalog;
        let zone = held.rotation.version(wanted.starts).map_or_else(domain::zone::Zone::utc, |version| version.zone.clone());
        let title = |p: &domain::oncall::Participant| catalog.title_of(p);
        let words = preview(&held.line(), &wanted).words(&wanted, &zone, title);
        let overlaps = wanted.in_the_way(&held.rotation, &held.overrides).map(|other| other.id.clone());
        Ok(PreviewView { words, starts: wanted.starts, ends: wanted.ends, overlaps })
    }

    pub async fn arrange(
        &self,
        actor: &Actor,
        rotation: &str,
        wanted: Wanted,
        key: Option<IdempotencyKey>,
    ) -> DomainResult<Made<Override>> {
        if let Err(error) = authorize(actor, Verb::Respond) {
            return Err(self.denied(actor, "override.make", rotation, error).await);
        }
        let made = self.store_override(actor, rotation, wanted, key).await?;
        self.publish(&[Topic::OnCall]);
        Ok(made)
    }

    fn checked(&self, rotation: &str, wanted: Wanted, now: Time) -> DomainResult<Wanted> {
        let catalog = &self.0.catalog;
        super::answerable("starts", wanted.starts)?;
        super::answerable("ends", wanted.ends)?;
        wanted.checked(catalog.rotation(rotation)?, now, |p| catalog.knows(p))
    }

    async fn store_override(&self, actor: &Actor, rotation: &str, wanted: Wanted, key: Option<IdempotencyKey>) -> Result<Made<Override>> {
        let rotation = self.0.catalog.rotation(rotation)?;
        let mut tx = self.0.store.write().await?;
        if let Some(id) = self.made_before(&mut tx, actor, key.as_ref()).await? {
            let made = self.0.store.override_in(&mut tx, &id).await?.ok_or_else(|| no_override(&id))?;
            return Ok(Made { made, repeated: true });
        }
        let now = self.now();
        let wanted = self.checked(&rotation.name, wanted, now)?;
        let others = self.0.store.overrides_in(&mut tx, &rotation.name).await?;
        if let Some(other) = wanted.in_the_way(rotation, &others) {
            return Err(overlap(other));
        }
        let made = of(actor, rotation, wanted, now);
        self.insert_override(&mut tx, actor, &made, now).await?;
        if let Some(key) = &key {
            self.0.store.remember_made(&mut tx, &actor.person.name, &key.key, &key.body_sha256, &made.id, now).await?;
        }
        tx.commit().await?;
        Ok(Made { made, repeated: false })
    }

    pub(super) async fn insert_override(&self, tx: &mut Tx, actor: &Actor, new: &Override, now: Time) -> Result<()> {
        self.0.store.insert_override(tx, new).await?;
        let detail = format!("{} is {} of {} from {} to {}: {}", new.participant, new.role, new.rotation, new.starts, new.ends, new.reason);
        self.0.store.record(tx, Act::by(actor, now, "override.make", &new.id, &detail)).await
    }

    /// What this key made before; another body with the same key is refused.
    pub(crate) async fn made_before(&self, tx: &mut Tx, actor: &Actor, key: Option<&IdempotencyKey>) -> Result<Option<String>> {
        let Some(key) = key else { return Ok(None) };
        let Some((target, body)) = self.0.store.made_by_key(tx, &actor.person.name, &key.key).await? else { return Ok(None) };
        if body != key.body_sha256 {
            let why = "This Idempotency-Key was used before with another body: use a new key for a new request.";
            return Err(Refusal::new(RefusalCode::IdempotencyKeyReused, why).into());
        }
        Ok(Some(target))
    }

    /// Takes an override back: what has been of it stays, and a swap is undone on both sides.
    pub async fn undo_override(&self, actor: &Actor, rotation: &str, id: &str) -> DomainResult<Override> {
        if let Err(error) = authorize(actor, Verb::Respond) {
            return Err(self.denied(actor, "override.undo", id, error).await);
        }
        let undone = self.end_override(actor, rotation, id).await?;
        self.publish(&[Topic::OnCall]);
        Ok(undone)
    }

    async fn end_override(&self, actor: &Actor, rotation: &str, id: &str) -> Result<Override> {
        let name = &self.0.catalog.rotation(rotation)?.name;
        let now = self.now().whole_seconds();
        let mut tx = self.0.store.write().await?;
        let asked = self.0.store.override_in(&mut tx, id).await?.filter(|o| o.rotation == *name).ok_or_else(|| no_override(id))?;
        if asked.ends <= now || asked.starts == asked.ends {
            let why = format!("Override `{}` is over: what has been stays as it was.", shorten(id));
            return Err(domain::Error::conflict("override_over", why).into());
        }
        let all = self.0.store.overrides_in(&mut tx, name).await?;
        let halves = all.into_iter().filter(|o| o.id == asked.id || asked.swap.is_some() && o.swap == asked.swap);
        for half in halves.filter(|half| half.ends > now) {
            let ends = half.starts.max(now);
            self.0.store.end_override(&mut tx, &half.id, ends, now, &actor.person.name).await?;
            let detail = format!("{} was {} of {} until {ends}", half.participant, half.role, half.rotation);
            self.0.store.record(&mut tx, Act::by(actor, now, "override.undo", &half.id, &detail)).await?;
        }
        let undone = self.0.store.override_in(&mut tx, id).await?.ok_or_else(|| no_override(id))?;
        tx.commit().await?;
        Ok(undone)
    }
}

pub(super) fn overlap(other: &Override) -> Error {
    let why = format!(
        "{} is {} from {} to {} already: take that back first, or ask for the time around it.",
        other.participant, other.role, other.starts, other.ends
    );
    Error::Domain(domain::Error::conflict("override_overlaps", why))
}

fn of(actor: &Actor, rotation: &Rotation, wanted: Wanted, now: Time) -> Override {
    Override {
        id: uuid::Uuid::now_v7().to_string(),
        rotation: rotation.name.clone(),
        role: wanted.role,
        participant: wanted.participant,
        starts: wanted.starts,
        ends: wanted.ends,
        reason: wanted.reason,
        by: actor.person.name.clone(),
        at: now,
        swap: None,
    }
}
