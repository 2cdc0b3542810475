//! What people arrange between themselves: one takes a window of a role, or is given it, or two swap.
//!
//! Invariant: of one role no two overrides overlap; an override changes its own window and moves no phase. What has been
//! cannot be arranged otherwise.

use super::{Because, Duty, Participant, Rotation, Timeline};
use crate::zone::Zone;
use crate::{Error, Result, Time};
use serde::{Deserialize, Serialize};

/// A window of a role that somebody else holds: `[starts, ends)`. Empty: it was taken back before it began.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Override {
    pub id: String,
    pub rotation: String,
    pub role: String,
    pub participant: Participant,
    pub starts: Time,
    pub ends: Time,
    pub reason: String,
    /// Who arranged it, and when.
    pub by: String,
    pub at: Time,
    /// The swap that it is one half of.
    pub swap: Option<String>,
}

impl Override {
    pub fn is_of(&self, rotation: &Rotation) -> bool {
        self.rotation == rotation.name
    }

    pub fn covers(&self, t: Time) -> bool {
        self.starts <= t && t < self.ends
    }

    pub fn overlaps(&self, starts: Time, ends: Time) -> bool {
        self.starts < ends && starts < self.ends
    }

    pub fn because(&self) -> Because {
        if self.swap.is_some() { Because::Swap } else { Because::Override }
    }
}

/// An override that somebody asks for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Wanted {
    pub role: String,
    pub participant: Participant,
    pub starts: Time,
    pub ends: Time,
    pub reason: String,
}

/// Seconds that a request may have been on its way: a window that began so little ago begins now.
const ON_ITS_WAY_S: i64 = 300;
/// No window is longer, in seconds: it would be an edit of the rotation.
const LONGEST_S: i64 = 366 * 86_400;

impl Wanted {
    /// Whole seconds, from now on, of a role that is there. `known`: whether the participant is somebody at present.
    pub fn checked(mut self, rotation: &Rotation, now: Time, known: impl Fn(&Participant) -> bool) -> Result<Wanted> {
        let roles = rotation.version(now).map(|version| version.roles.clone()).unwrap_or_default();
        if !roles.contains(&self.role) {
            return Err(Error::invalid("role", format!("expected one of {}", roles.join(", "))));
        }
        if !known(&self.participant) {
            let who = crate::names::shorten(&self.participant.to_string());
            return Err(Error::invalid("participant", format!("`{who}` is in no team: expected a person of a team, or team:NAME")));
        }
        (self.starts, self.ends) = (self.starts.whole_seconds(), self.ends.whole_seconds());
        let window = checked_window(self.starts, self.ends, now)?;
        (self.starts, self.ends) = window;
        Ok(self)
    }

    /// The other override of this role that is in the way.
    pub fn in_the_way<'a>(&self, rotation: &Rotation, others: &'a [Override]) -> Option<&'a Override> {
        others.iter().find(|o| o.is_of(rotation) && o.role == self.role && o.overlaps(self.starts, self.ends))
    }
}

/// A window that lies ahead, the right way round; one that began a moment ago begins now.
pub fn checked_window(starts: Time, ends: Time, now: Time) -> Result<(Time, Time)> {
    if ends <= starts {
        return Err(Error::invalid("ends", format!("expected a time after the start, {starts}")));
    }
    if ends.seconds_since(starts) > LONGEST_S {
        return Err(Error::invalid("ends", "expected at most a year after the start: for longer, edit the rotation"));
    }
    if now.seconds_since(starts) > ON_ITS_WAY_S || ends <= now {
        return Err(Error::invalid("starts", format!("the past stays as it was: expected a time from now on, {now}")));
    }
    Ok((starts.max(now.whole_seconds()), ends))
}

/// What an override would change.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Preview {
    /// The stretches as they would be, from the first shift that is touched to the end of the last.
    pub before: Vec<Duty>,
    pub after: Vec<Duty>,
    /// Other roles that the same one holds in that time.
    pub twice: Vec<Duty>,
}

/// What `wanted` would change in its role.
pub fn preview(timeline: &Timeline<'_>, wanted: &Wanted) -> Preview {
    let before = of_role(timeline, &wanted.role, wanted.starts, wanted.ends);
    let (from, until) = (before.first().map_or(wanted.starts, |d| d.starts), before.last().map_or(wanted.ends, |d| d.ends));
    let mut overrides = timeline.overrides.to_vec();
    overrides.push(Override {
        id: String::new(),
        rotation: timeline.rotation.name.clone(),
        role: wanted.role.clone(),
        participant: wanted.participant.clone(),
        starts: wanted.starts,
        ends: wanted.ends,
        reason: wanted.reason.clone(),
        by: String::new(),
        at: wanted.starts,
        swap: None,
    });
    let changed = Timeline { overrides: &overrides, ..*timeline };
    let after = of_role(&changed, &wanted.role, from, until);
    let same = |duty: &Duty| duty.assignment.role != wanted.role && duty.assignment.participant.as_ref() == Some(&wanted.participant);
    let twice = timeline.duties(wanted.starts, wanted.ends).into_iter().filter(same).collect();
    Preview { before, after, twice }
}

fn of_role(timeline: &Timeline<'_>, role: &str, from: Time, until: Time) -> Vec<Duty> {
    timeline.duties(from, until).into_iter().filter(|duty| duty.assignment.role == role).collect()
}

impl Preview {
    /// In words, one sentence each: who covers what, who keeps what. `title`: how a participant is called.
    pub fn words(&self, wanted: &Wanted, zone: &Zone, title: impl Fn(&Participant) -> String) -> Vec<String> {
        let mut sentences = vec![format!(
            "{} covers {} from {} to {}, {}.",
            title(&wanted.participant),
            wanted.role,
            zone.words(wanted.starts),
            zone.words(wanted.ends),
            zone.name()
        )];
        for duty in &self.after {
            let inside = wanted.starts <= duty.starts && duty.ends <= wanted.ends;
            if let Some(holder) = duty.assignment.participant.as_ref().filter(|_| !inside) {
                sentences.push(format!("{} keeps {} to {}.", title(holder), zone.words(duty.starts), zone.words(duty.ends)));
            }
        }
        for duty in &self.twice {
            sentences.push(format!("{} is {} in that time too.", title(&wanted.participant), duty.assignment.role));
        }
        sentences.dedup();
        sentences
    }
}

/// An offer to swap: `by` gives a window away and takes one from `with`. Nothing changes before the other side consents.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Swap {
    pub id: String,
    pub rotation: String,
    pub role: String,
    pub by: String,
    pub with: Participant,
    pub give: Window,
    pub take: Window,
    pub reason: String,
    pub at: Time,
    pub state: SwapState,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
pub struct Window {
    #[schema(value_type = String, format = DateTime)]
    pub starts: Time,
    #[schema(value_type = String, format = DateTime)]
    pub ends: Time,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum SwapState {
    /// The other side has not answered.
    Offered,
    Accepted,
    Declined,
    /// Whoever offered it took it back.
    Withdrawn,
}

impl SwapState {
    pub fn as_str(self) -> &'static str {
        match self {
            SwapState::Offered => "offered",
            SwapState::Accepted => "accepted",
            SwapState::Declined => "declined",
            SwapState::Withdrawn => "withdrawn",
        }
    }

    pub fn parse(text: &str) -> Option<SwapState> {
        [SwapState::Offered, SwapState::Accepted, SwapState::Declined, SwapState::Withdrawn].into_iter().find(|s| s.as_str() == text)
    }
}

impl Swap {
    /// Both sides still hold what they give away, throughout. `people`: whom a participant stands for.
    pub fn holds(&self, timeline: &Timeline<'_>, people: impl Fn(&Participant) -> Vec<String>) -> Result<()> {
        let mine = |p: &Participant| people(p).contains(&self.by);
        let theirs = |p: &Participant| *p == self.with;
        self.held("give", self.give, timeline, &self.by, mine)?;
        self.held("take", self.take, timeline, &self.with.to_string(), theirs)?;
        if self.give.starts < self.take.ends && self.take.starts < self.give.ends {
            return Err(Error::invalid("take", "expected two windows that do not overlap"));
        }
        Ok(())
    }

    fn held(&self, field: &str, window: Window, timeline: &Timeline<'_>, who: &str, by: impl Fn(&Participant) -> bool) -> Result<()> {
        let duties = of_role(timeline, &self.role, window.starts, window.ends);
        if duties.iter().all(|duty| duty.assignment.participant.as_ref().is_some_and(&by)) {
            return Ok(());
        }
        Err(Error::invalid(field, format!("{who} is not {} in all of that time", self.role)))
    }

    /// The two overrides that it becomes; ids come from outside.
    pub fn halves(&self, ids: [String; 2], now: Time) -> [Override; 2] {
        let [first, second] = ids;
        let half = |id: String, participant: Participant, window: Window| Override {
            id,
            rotation: self.rotation.clone(),
            role: self.role.clone(),
            participant,
            starts: window.starts,
            ends: window.ends,
            reason: self.reason.clone(),
            by: self.by.clone(),
            at: now,
            swap: Some(self.id.clone()),
        };
        [half(first, self.with.clone(), self.give), half(second, Participant::Person(self.by.clone()), self.take)]
    }
}
