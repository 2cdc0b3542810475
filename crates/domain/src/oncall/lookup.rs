//! Who is on call at a moment, and why: stored shifts of the past, then the rotation, then what people arranged.
//!
//! Invariant: segments are whole and half-open, follow each other without a hole, and within one nobody changes. A shift that
//! has begun is a stored fact: an edited rotation takes effect where the facts end.

use super::{Override, Participant, Rotation, Shift};
use crate::Time;
use serde::{Deserialize, Serialize};
use std::collections::BTreeSet;

/// Why somebody is on call.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum Because {
    /// The rotation says so.
    Base,
    /// Somebody took it, or was given it.
    Override,
    /// Two people swapped.
    Swap,
    /// Nobody is.
    Gap,
}

impl Because {
    pub fn as_str(self) -> &'static str {
        match self {
            Because::Base => "base",
            Because::Override => "override",
            Because::Swap => "swap",
            Because::Gap => "gap",
        }
    }

    pub fn words(self) -> &'static str {
        match self {
            Because::Base => "base rotation",
            Because::Override => "override",
            Because::Swap => "swap",
            Because::Gap => "gap",
        }
    }
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Assignment {
    pub role: String,
    /// None: nobody, a gap.
    pub participant: Option<Participant>,
    pub because: Because,
    /// The override's id.
    pub by_override: Option<String>,
}

/// A stretch of a shift in which nobody changes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Segment {
    pub starts: Time,
    pub ends: Time,
    pub roles: Vec<Assignment>,
}

/// One role's stretch of a shift: other roles' overrides do not cut it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Duty {
    pub starts: Time,
    pub ends: Time,
    pub assignment: Assignment,
}

/// All that is known of one rotation. `facts`: shifts that have begun, in order, none overlapping another.
#[derive(Clone, Copy, Debug)]
pub struct Timeline<'a> {
    pub rotation: &'a Rotation,
    pub facts: &'a [Shift],
    pub overrides: &'a [Override],
}

/// The same, and its own.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Held {
    pub rotation: Rotation,
    pub facts: Vec<Shift>,
    pub overrides: Vec<Override>,
}

impl Held {
    pub fn line(&self) -> Timeline<'_> {
        Timeline { rotation: &self.rotation, facts: &self.facts, overrides: &self.overrides }
    }

    /// Everybody who holds a role at some time, each once.
    pub fn participants(&self) -> BTreeSet<&Participant> {
        let turns = self.rotation.versions.iter().flat_map(|version| &version.participants);
        let facts = self.facts.iter().flat_map(|shift| &shift.roles).filter_map(|held| held.participant.as_ref());
        turns.chain(facts).chain(self.overrides.iter().map(|o| &o.participant)).collect()
    }
}

impl Timeline<'_> {
    /// The shift without overrides.
    pub fn base_at(&self, t: Time) -> Shift {
        let after = self.facts.partition_point(|fact| fact.starts <= t);
        let before = after.checked_sub(1).and_then(|at| self.facts.get(at));
        if let Some(fact) = before.filter(|fact| t < fact.ends) {
            return fact.clone();
        }
        let mut shift = self.rotation.shift_at(t);
        shift.starts = before.map_or(shift.starts, |fact| fact.ends.max(shift.starts));
        shift.ends = self.facts.get(after).map_or(shift.ends, |fact| fact.starts.min(shift.ends));
        shift
    }

    /// Who is on call at `t`, with the stretch of time around it in which that stays so.
    pub fn at(&self, t: Time) -> Segment {
        let base = self.base_at(t);
        let (starts, ends) = self.overrides.iter().filter(|o| o.is_of(self.rotation)).fold((base.starts, base.ends), |w, o| cut(w, o, t));
        let roles = base.roles.iter().map(|held| self.assigned(&held.role, held.participant.as_ref(), t)).collect();
        Segment { starts, ends, roles }
    }

    /// One role's stretch at `t`. None: the rotation has no such role then.
    pub fn duty_at(&self, role: &str, t: Time) -> Option<Duty> {
        let base = self.base_at(t);
        let held = base.roles.iter().find(|held| held.role == role)?;
        let own = self.overrides.iter().filter(|o| o.is_of(self.rotation) && o.role == role);
        let (starts, ends) = own.fold((base.starts, base.ends), |window, o| cut(window, o, t));
        Some(Duty { starts, ends, assignment: self.assigned(role, held.participant.as_ref(), t) })
    }

    fn assigned(&self, role: &str, base: Option<&Participant>, t: Time) -> Assignment {
        let (participant, because, by_override) =
            match self.overrides.iter().find(|o| o.is_of(self.rotation) && o.role == role && o.covers(t)) {
                Some(o) => (Some(o.participant.clone()), o.because(), Some(o.id.clone())),
                None => (base.cloned(), if base.is_some() { Because::Base } else { Because::Gap }, None),
            };
        Assignment { role: role.to_owned(), participant, because, by_override }
    }

    /// The segments that touch `[from, until)`, whole, in order.
    pub fn segments(&self, from: Time, until: Time) -> Vec<Segment> {
        walk(from, until, |t| self.at(t), |segment| segment.ends)
    }

    /// The shifts without overrides that touch `[from, until)`, whole, in order.
    pub fn shifts(&self, from: Time, until: Time) -> Vec<Shift> {
        walk(from, until, |t| self.base_at(t), |shift| shift.ends)
    }

    /// Each role's stretches that touch `[from, until)`, whole: by time, then in the order of the roles.
    pub fn duties(&self, from: Time, until: Time) -> Vec<Duty> {
        let mut duties = Vec::new();
        for shift in self.shifts(from, until) {
            for held in &shift.roles {
                let of_role = |t| self.duty_at(&held.role, t);
                duties.extend(
                    walk(shift.starts, shift.ends, of_role, |duty| duty.as_ref().map_or(shift.ends, |d| d.ends)).into_iter().flatten(),
                );
            }
        }
        duties.retain(|duty: &Duty| duty.ends > from && duty.starts < until);
        duties
    }

    /// Stretches in `[from, until)` in which a role is nobody's; `people` says whom a participant stands for.
    pub fn gaps(&self, from: Time, until: Time, people: impl Fn(&Participant) -> Vec<String>) -> Vec<Duty> {
        let empty = |duty: &Duty| duty.assignment.participant.as_ref().is_none_or(|p| people(p).is_empty());
        let mut gaps: Vec<Duty> = Vec::new();
        for gap in self.duties(from, until).into_iter().filter(empty) {
            // One that goes on over handoffs is told once.
            match gaps.iter_mut().find(|g| {
                g.ends == gap.starts && g.assignment.role == gap.assignment.role && g.assignment.participant == gap.assignment.participant
            }) {
                Some(earlier) => earlier.ends = gap.ends,
                None => gaps.push(gap),
            }
        }
        gaps
    }
}

/// The window around `t`, cut where an override begins or ends.
fn cut((starts, ends): (Time, Time), by: &Override, t: Time) -> (Time, Time) {
    [by.starts, by.ends]
        .into_iter()
        .filter(|_| by.starts < by.ends)
        .fold((starts, ends), |(starts, ends), edge| if edge <= t { (starts.max(edge), ends) } else { (starts, ends.min(edge)) })
}

fn walk<T>(from: Time, until: Time, at: impl Fn(Time) -> T, ends: impl Fn(&T) -> Time) -> Vec<T> {
    let (mut all, mut t) = (Vec::new(), from);
    while t < until {
        let next = at(t);
        let end = ends(&next);
        all.push(next);
        // The end of all time is nobody's handoff.
        if end <= t {
            break;
        }
        t = end;
    }
    all
}
