//! A rotation is a function of time: `boundary(k)` is the anchor's date moved by k periods, at the handoff's local time.
//!
//! Invariant: boundaries never decrease. Where a zone skipped a whole day two coincide: that shift has no length and is
//! nobody's. A version takes over at the first handoff of its predecessor at or after its `effective_from`, so that no moment
//! before that is answered otherwise than before.

use super::Participant;
use crate::Time;
use crate::zone::Zone;
use jiff::Span;
use jiff::civil::{Date, DateTime};
use serde::{Deserialize, Serialize};

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Rotation {
    pub name: String,
    pub title: String,
    /// At least one, by `effective_from`. The first holds for all time before it too.
    pub versions: Vec<Version>,
    /// Whose holidays the ledger counts.
    pub calendar: Option<String>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Version {
    pub effective_from: Option<Time>,
    pub zone: Zone,
    /// The local time of one handoff: shift 0 begins there.
    pub anchor: DateTime,
    pub every: Every,
    pub roles: Vec<String>,
    pub participants: Vec<Participant>,
}

/// How long a shift is, in the calendar of its zone. Always at least 1.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Every {
    Days(i64),
    Weeks(i64),
    Months(i64),
}

impl Every {
    /// Reads `1d`, `2w`, `1mo`: 1 to 366 of them.
    pub fn parse(text: &str) -> Option<Every> {
        let unit_at = text.find(|c: char| !c.is_ascii_digit())?;
        let (number, unit) = text.split_at(unit_at);
        let n: i64 = number.parse().ok().filter(|n| (1..=366).contains(n))?;
        match unit {
            "d" => Some(Every::Days(n)),
            "w" => Some(Every::Weeks(n)),
            "mo" => Some(Every::Months(n)),
            _ => None,
        }
    }

    /// What [`Every::parse`] reads.
    pub fn text(self) -> String {
        match self {
            Every::Days(n) => format!("{n}d"),
            Every::Weeks(n) => format!("{n}w"),
            Every::Months(n) => format!("{n}mo"),
        }
    }

    /// `weekly`, `every 2 weeks`
    pub fn words(self) -> String {
        match self {
            Every::Days(1) => "daily".to_owned(),
            Every::Weeks(1) => "weekly".to_owned(),
            Every::Months(1) => "monthly".to_owned(),
            Every::Days(n) => format!("every {n} days"),
            Every::Weeks(n) => format!("every {n} weeks"),
            Every::Months(n) => format!("every {n} months"),
        }
    }
}

/// Who holds a role by the rotation alone. None: nobody, a gap.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Holding {
    pub role: String,
    pub participant: Option<Participant>,
}

/// One shift of the rotation alone: `[starts, ends)`, never empty.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Shift {
    pub starts: Time,
    pub ends: Time,
    pub roles: Vec<Holding>,
}

/// Before all time: where the first version holds from.
const ALWAYS: Time = Time(i64::MIN);
const FOREVER: Time = Time(i64::MAX);

impl Version {
    /// When shift `k` begins, and shift `k - 1` ends. Months count from the anchor and clamp to the month's last day, so they
    /// never drift: 31 January, 28 February, 31 March.
    pub fn boundary(&self, k: i64) -> Time {
        let moved = self.span(k).and_then(|span| self.anchor.date().checked_add(span).ok());
        match moved {
            Some(date) => self.zone.resolve(date.to_datetime(self.anchor.time())),
            None if k < 0 => ALWAYS,
            None => FOREVER,
        }
    }

    fn span(&self, k: i64) -> Option<Span> {
        match self.every {
            Every::Days(n) => Span::new().try_days(k.checked_mul(n)?).ok(),
            Every::Weeks(n) => Span::new().try_weeks(k.checked_mul(n)?).ok(),
            Every::Months(n) => Span::new().try_months(k.checked_mul(n)?).ok(),
        }
    }

    /// The greatest k with `boundary(k) <= t`: shifts of no length are passed over.
    pub fn index_at(&self, t: Time) -> i64 {
        let mut k = self.near(self.zone.local(t).date());
        while self.boundary(k) > t {
            k -= 1;
        }
        while self.boundary(k + 1) <= t {
            k += 1;
        }
        k
    }

    /// The index by the date alone: at most a step or two away.
    fn near(&self, date: Date) -> i64 {
        let anchor = self.anchor.date();
        let days = || anchor.until(date).map_or(0, |span| i64::from(span.get_days()));
        match self.every {
            Every::Days(n) => days().div_euclid(n),
            Every::Weeks(n) => days().div_euclid(7 * n),
            Every::Months(n) => {
                let months = |date: Date| i64::from(date.year()) * 12 + i64::from(date.month());
                (months(date) - months(anchor)).div_euclid(n)
            }
        }
    }

    /// Role r of shift k is participant k + r. With fewer participants than roles the last roles are nobody's: nobody is
    /// there twice.
    pub fn holdings(&self, k: i64) -> Vec<Holding> {
        let count = self.participants.len();
        let holder = |r: usize| {
            let at = (k.rem_euclid(count.max(1) as i64) as usize + r) % count.max(1);
            self.participants.get(at).filter(|_| r < count).cloned()
        };
        self.roles.iter().enumerate().map(|(r, role)| Holding { role: role.clone(), participant: holder(r) }).collect()
    }
}

impl Rotation {
    /// The version that holds at `t`, from when, and until when.
    fn version_at(&self, t: Time) -> Option<(&Version, Time, Time)> {
        let mut versions = self.versions.iter();
        let (mut version, mut from) = (versions.next()?, ALWAYS);
        for next in versions {
            let takes_over = handoff_from(version, next.effective_from.unwrap_or(ALWAYS).max(from));
            if takes_over > t {
                return Some((version, from, takes_over));
            }
            (version, from) = (next, takes_over);
        }
        Some((version, from, FOREVER))
    }

    /// The version that holds at `t`.
    pub fn version(&self, t: Time) -> Option<&Version> {
        self.version_at(t).map(|(version, ..)| version)
    }

    /// The shift that `t` lies in.
    pub fn shift_at(&self, t: Time) -> Shift {
        let Some((version, from, until)) = self.version_at(t) else { return Shift { starts: ALWAYS, ends: FOREVER, roles: Vec::new() } };
        let k = version.index_at(t);
        Shift { starts: version.boundary(k).max(from), ends: version.boundary(k + 1).min(until), roles: version.holdings(k) }
    }
}

/// The first handoff at or after `t`.
fn handoff_from(version: &Version, t: Time) -> Time {
    if t == ALWAYS {
        return ALWAYS;
    }
    let k = version.index_at(t);
    let begun = version.boundary(k);
    if begun == t { begun } else { version.boundary(k + 1) }
}
