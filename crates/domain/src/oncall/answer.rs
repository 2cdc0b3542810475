//! A lookup in words, by the clocks of a zone: what the page says, whether a server or a browser writes it.

use super::view::{OnCallView, RoleView};
use super::{Participant, Timeline, answerable};
use crate::names::title_of;
use crate::zone::Zone;
use crate::{Error, Result, Time};
use serde::{Deserialize, Serialize};

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Answer {
    /// As the API gives it.
    pub on_call: OnCallView,
    /// `Fri 25 Dec 2026, 03:00 Europe/Berlin`
    pub at: String,
    /// The whole shift of the rotation: `Mon 21 Dec 2026, 09:00 to Mon 28 Dec 2026, 09:00`
    pub shift: String,
    /// For each role, in the order of `on_call`.
    pub roles: Vec<RoleAnswer>,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct RoleAnswer {
    /// `Primary`
    pub role: String,
    /// `Override by Bea, Fri 27 Nov 18:00 to Mon 30 Nov 09:00`
    pub why: String,
}

/// The moment that a form asks for: a local time of the zone, or one with its own offset.
pub fn asked(text: &str, zone: &Zone) -> Result<Time> {
    let at = zone.parse(text).ok_or_else(|| Error::invalid("at", "expected a date and a time, such as 2026-12-25T03:00"))?;
    answerable("at", at)
}

impl Answer {
    pub fn of(timeline: &Timeline<'_>, at: Time, zone: &Zone, people: impl Fn(&Participant) -> Vec<String>) -> Answer {
        let on_call = OnCallView::of(&timeline.rotation.name, at, &timeline.at(at), &timeline.base_at(at), people);
        Answer {
            at: format!("{} {}", zone.full_words(at), zone.name()),
            shift: format!("{} to {}", zone.full_words(on_call.base.starts), zone.full_words(on_call.base.ends)),
            roles: on_call.roles.iter().map(|role| RoleAnswer::of(timeline, role, zone)).collect(),
            on_call,
        }
    }
}

impl RoleAnswer {
    fn of(timeline: &Timeline<'_>, role: &RoleView, zone: &Zone) -> RoleAnswer {
        let because = capital(role.because.words());
        let arranged = role.by_override.as_ref().and_then(|id| timeline.overrides.iter().find(|o| o.id == *id));
        let why = match arranged {
            Some(o) => format!("{because} by {}, {} to {}", title_of(&o.by), zone.words(o.starts), zone.words(o.ends)),
            None => because,
        };
        RoleAnswer { role: capital(&role.role), why }
    }
}

fn capital(text: &str) -> String {
    let mut letters = text.chars();
    letters.next().map(|first| first.to_uppercase().chain(letters).collect()).unwrap_or_default()
}
