//! Whether an environment is closed for changes: by a freeze that somebody set, or by its windows. Every path asks [`closed`]:
//! when a change is asked for, and again in the transaction that journals its write.
//!
//! Invariant: what is written while an environment is closed is a rollback, or somebody broke the glass for it.

use super::windows::{Shut, first, shut};
use super::{Kind, RefusalCode};
use crate::Time;
use crate::catalog::Environment;
use jiff::tz::TimeZone;
use serde::{Deserialize, Serialize};

/// What a freeze stops.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "snake_case", tag = "scope", content = "environment")]
pub enum Scope {
    Environment(String),
    /// All production environments.
    Production,
}

impl Scope {
    pub fn covers(&self, environment: &Environment) -> bool {
        match self {
            Scope::Environment(name) => *name == environment.name,
            Scope::Production => environment.production,
        }
    }
}

/// A stop of changes, as a record of its own: it is lifted, never edited or removed.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
pub struct Freeze {
    pub id: String,
    #[serde(flatten)]
    pub scope: Scope,
    pub reason: String,
    #[schema(value_type = String, format = DateTime)]
    pub from: Time,
    /// None: until somebody lifts it.
    #[schema(value_type = Option<String>, format = DateTime)]
    pub until: Option<Time>,
    pub by: String,
    /// When it was set.
    #[schema(value_type = String, format = DateTime)]
    pub at: Time,
    pub lifted_by: Option<String>,
    #[schema(value_type = Option<String>, format = DateTime)]
    pub lifted_at: Option<Time>,
    pub lift_reason: Option<String>,
}

impl Freeze {
    pub fn in_force(&self, at: Time) -> bool {
        self.from <= at && self.until.is_none_or(|until| at < until) && self.lifted_at.is_none_or(|lifted| at < lifted)
    }

    /// In force now or later.
    pub fn is_open(&self, now: Time) -> bool {
        self.lifted_at.is_none() && self.until.is_none_or(|until| now < until)
    }
}

/// Why nothing may be executed in an environment, and until when.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
pub struct Closed {
    /// `frozen` or `window_closed`
    pub code: RefusalCode,
    /// `Production East is closed until Mon 30 Nov 2026 08:00 Europe/Berlin because olivia froze it: end of year.`
    pub why: String,
    /// When it opens, as far as is known now. None: when the freeze is lifted, or not within a year.
    #[schema(value_type = Option<String>, format = DateTime)]
    pub opens: Option<Time>,
    /// The freeze, where it is one.
    pub freeze: Option<String>,
}

impl Kind {
    /// A rollback passes freezes and windows: to go back must always be possible.
    pub fn passes_closing(self) -> bool {
        self == Kind::Rollback
    }
}

/// Whether a change of this kind may not be executed here now. The one function that decides it.
pub fn closed(environment: &Environment, freezes: &[Freeze], kind: Kind, now: Time) -> Option<Closed> {
    if kind.passes_closing() { None } else { closing(environment, freezes, now) }
}

/// What closes an environment for those kinds that a closing stops.
pub fn closing(environment: &Environment, freezes: &[Freeze], now: Time) -> Option<Closed> {
    let (code, because, freeze) = cause(environment, freezes, now)?;
    let here: Vec<&Freeze> = here(environment, freezes);
    let opens = first(&environment.windows, &ends(&here), now, |at| is_open(environment, &here, at));
    let until = match opens {
        Some(at) => format!("until {}", at.in_zone(&zone(environment))),
        None if here.iter().any(|freeze| freeze.in_force(now) && freeze.until.is_none()) => "until the freeze is lifted".to_owned(),
        None => "and does not open within a year,".to_owned(),
    };
    Some(Closed { code, why: format!("{} is closed {until} because {because}.", environment.title), opens, freeze })
}

/// When an environment that is open closes next. None: not within a year.
pub fn closes(environment: &Environment, freezes: &[Freeze], now: Time) -> Option<Time> {
    let here = here(environment, freezes);
    first(&environment.windows, &ends(&here), now, |at| !is_open(environment, &here, at))
}

/// The zone in which its times are said.
pub fn zone(environment: &Environment) -> TimeZone {
    environment.windows.first().map_or(TimeZone::UTC, |window| window.zone.clone())
}

fn is_open(environment: &Environment, here: &[&Freeze], at: Time) -> bool {
    !here.iter().any(|freeze| freeze.in_force(at)) && shut(&environment.windows, at).is_none()
}

fn here<'a>(environment: &Environment, freezes: &'a [Freeze]) -> Vec<&'a Freeze> {
    freezes.iter().filter(|freeze| freeze.lifted_at.is_none() && freeze.scope.covers(environment)).collect()
}

fn ends(freezes: &[&Freeze]) -> Vec<Time> {
    freezes.iter().flat_map(|freeze| std::iter::once(freeze.from).chain(freeze.until)).collect()
}

/// A freeze before a window; of several freezes the one that lasts longest.
fn cause(environment: &Environment, freezes: &[Freeze], now: Time) -> Option<(RefusalCode, String, Option<String>)> {
    let in_force = here(environment, freezes).into_iter().filter(|freeze| freeze.in_force(now));
    if let Some(freeze) = in_force.max_by_key(|freeze| freeze.until.map_or(i64::MAX, |until| until.0)) {
        let what = if freeze.scope == Scope::Production { "production" } else { "it" };
        return Some((RefusalCode::Frozen, format!("{} froze {what}: {}", freeze.by, freeze.reason), Some(freeze.id.clone())));
    }
    let because = match shut(&environment.windows, now)? {
        Shut::Denied(window) if window.reason.is_empty() => format!("its windows deny {}", window.in_words()),
        Shut::Denied(window) => format!("its windows deny {}: {}", window.in_words(), window.reason),
        Shut::NoneAllows => format!("its windows allow {} only", allowed(environment)),
    };
    Some((RefusalCode::WindowClosed, because, None))
}

fn allowed(environment: &Environment) -> String {
    let allowing = environment.windows.iter().filter(|window| window.effect == super::windows::Effect::Allow);
    allowing.map(super::windows::Window::in_words).collect::<Vec<_>>().join(" and ")
}
