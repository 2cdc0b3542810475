//! Who is on call: now, next, at any moment; what people arrange between themselves; what it costs whom.

mod arrange;
mod aside;
mod lookup;
mod page;
mod timeline;
mod who;

pub(crate) use page::page;
pub(crate) use who::{Who, home_panel, reach};

use domain::access::Actor;
use domain::catalog::Catalog;
use domain::oncall::answer::{Answer, asked};
use domain::oncall::ledger::Load;
use domain::oncall::overrides::Swap;
use domain::oncall::view::OnCallView;
use domain::oncall::{Duty, Override, Participant, Segment};
use domain::zone::Zone;
use domain::{Error, Result, Time};
use engine::Engine;
use engine::oncall::Held;
use std::collections::BTreeMap;
use std::sync::Arc;

/// What the address asks for. Empty: the first rotation, now, in its own zone.
#[derive(Clone, Debug, Default)]
pub struct Asked {
    pub rotation: String,
    /// A local time in `zone`, or a moment with its offset.
    pub at: String,
    pub zone: String,
    /// Where the timeline begins.
    pub from: String,
    /// What the form for an override is filled in with.
    pub form: OverrideForm,
}

/// The form for an override, as somebody filled it in.
#[derive(Clone, Debug, Default)]
pub struct OverrideForm {
    pub role: String,
    pub participant: String,
    pub starts: String,
    pub ends: String,
    pub reason: String,
    /// What it would change, in words; none: not looked at yet.
    pub words: Vec<String>,
}

/// What a form came to, told on the page that it stands on.
#[derive(Clone, Debug, Default)]
pub struct Told {
    pub override_error: Option<Error>,
    pub swap_error: Option<Error>,
    /// A calendar client's token, shown this once.
    pub feed_token: Option<String>,
}

impl Told {
    /// Live updates would take away what was told.
    pub(crate) fn is_nothing(&self) -> bool {
        self.override_error.is_none() && self.swap_error.is_none() && self.feed_token.is_none()
    }
}

#[derive(Clone, Debug)]
pub struct OnCallData {
    pub catalog: Arc<Catalog>,
    pub asked: Asked,
    pub told: Told,
    pub external_url: String,
    /// None: the configuration has no rotation.
    pub shown: Option<Shown>,
}

/// One rotation, as it is shown.
#[derive(Clone, Debug)]
pub struct Shown {
    pub held: Held,
    /// In which the page tells times.
    pub zone: Zone,
    pub now: OnCallView,
    pub next: Segment,
    /// Seven days each: where the six columns of the timeline begin, and the end of the last.
    pub columns: Vec<Time>,
    pub lookup: Option<Answer>,
    pub lookup_error: Option<Error>,
    /// Overrides that are not over.
    pub ahead: Vec<Override>,
    pub swaps: Vec<Swap>,
    pub mine: Vec<Duty>,
    pub gaps: Vec<Duty>,
    pub unreachable: Vec<String>,
    /// Of the half year that is over.
    pub ledger: BTreeMap<Participant, Load>,
}

const DAY_S: i64 = 86_400;
const HALF_YEAR_S: i64 = 182 * DAY_S;
/// How many of one's own shifts are listed.
const MINE: usize = 8;

pub async fn load(engine: &Engine, actor: &Actor, asked: Asked, told: Told) -> Result<OnCallData> {
    domain::access::authorize(actor, domain::access::Verb::Read)?;
    let catalog = engine.catalog();
    let name = match asked.rotation.as_str() {
        "" => catalog.rotations.first().map(|rotation| rotation.name.clone()),
        name => Some(catalog.rotation(name)?.name.clone()),
    };
    let shown = match name {
        Some(name) => Some(load_shown(engine, actor, &name, &asked).await?),
        None => None,
    };
    Ok(OnCallData { catalog, asked, told, external_url: engine.external_url().to_owned(), shown })
}

async fn load_shown(engine: &Engine, actor: &Actor, name: &str, asked: &Asked) -> Result<Shown> {
    let (catalog, now) = (engine.catalog(), engine.now());
    let own = catalog.rotation(name)?.version(now).map_or_else(Zone::utc, |version| version.zone.clone());
    let zone = engine::oncall::zone_or("zone", &asked.zone, &own)?;
    let begins = match asked.from.as_str() {
        "" => now,
        text => engine::oncall::answerable("from", zone.parse(text).ok_or_else(|| no_moment("from"))?)?,
    };
    let held =
        engine.rotation_around(actor, name, begins.min(now).plus_seconds(-40 * DAY_S), begins.max(now).plus_seconds(HALF_YEAR_S)).await?;
    let line = held.line();
    let columns = columns(line.base_at(begins).starts, &own);
    let (lookup, lookup_error) = match looked_up(engine, actor, name, &asked.at, &zone).await {
        Ok(found) => (found, None),
        Err(error) => (None, Some(error)),
    };
    let current = line.at(now);
    let mine =
        line.duties(now, now.plus_seconds(HALF_YEAR_S)).into_iter().filter(|duty| is_mine(&catalog, duty, actor)).take(MINE).collect();
    Ok(Shown {
        now: engine.on_call(actor, Some(name), now).await?.remove(0),
        next: line.at(current.ends),
        columns,
        lookup,
        lookup_error,
        ahead: held.overrides.iter().filter(|o| o.ends > now).cloned().collect(),
        swaps: engine.swaps(actor, name).await?,
        mine,
        gaps: engine.gaps(actor, name, now).await?,
        unreachable: engine.unreachable(actor, name, now).await?,
        ledger: engine.ledger(actor, name, now.plus_seconds(-HALF_YEAR_S), now).await?,
        zone,
        held,
    })
}

/// Seven columns' edges, a week apart by the clocks of the rotation's zone.
fn columns(begins: Time, zone: &Zone) -> Vec<Time> {
    let first = zone.local(begins);
    let edge = |week: i64| first.checked_add(domain::zone::weeks(week)).map_or(begins, |local| zone.resolve(local));
    (0..=6).map(edge).collect()
}

async fn looked_up(engine: &Engine, actor: &Actor, name: &str, text: &str, zone: &Zone) -> Result<Option<Answer>> {
    if text.is_empty() {
        return Ok(None);
    }
    let at = asked(text, zone)?;
    let held = engine.rotation_around(actor, name, at, at.plus_seconds(1)).await?;
    Ok(Some(Answer::of(&held.line(), at, zone, |participant| engine.catalog().people_of(participant))))
}

fn no_moment(field: &str) -> Error {
    Error::invalid(field, "expected a date and a time, such as 2026-12-25T03:00")
}

fn is_mine(catalog: &Catalog, duty: &Duty, actor: &Actor) -> bool {
    duty.assignment.participant.as_ref().is_some_and(|holder| catalog.people_of(holder).contains(&actor.person.name))
}
