//! The response timer: from the opening to the answer, against what is due.
//!
//! Invariant: an answer at the very moment that is due is in time. Marks come in order and each at most once: the caller keeps
//! those it has told.

use crate::Time;
use serde::{Deserialize, Serialize};

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Timer {
    pub opened: Time,
    pub due: Time,
    pub answered: Option<Time>,
}

/// Something that is told when the time comes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Mark {
    Half,
    EightyPercent,
    Breach,
}

impl Mark {
    pub const ALL: [Mark; 3] = [Mark::Half, Mark::EightyPercent, Mark::Breach];

    pub fn as_str(self) -> &'static str {
        match self {
            Mark::Half => "half",
            Mark::EightyPercent => "eighty_percent",
            Mark::Breach => "breach",
        }
    }

    fn percent(self) -> i64 {
        match self {
            Mark::Half => 50,
            Mark::EightyPercent => 80,
            Mark::Breach => 100,
        }
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Timing {
    /// Not answered yet.
    Running {
        left_s: i64,
        percent: i64,
    },
    Met {
        after_s: i64,
    },
    /// Too late, or not at all.
    Breached {
        late_s: i64,
    },
}

impl Timer {
    /// When a mark is reached. A breach is what comes after the due time, not the due time itself.
    pub fn reaches(&self, mark: Mark) -> Time {
        let whole = i128::from(self.due.0) - i128::from(self.opened.0);
        let part = whole * i128::from(mark.percent()) / 100;
        let at = i64::try_from(i128::from(self.opened.0) + part).unwrap_or(i64::MAX);
        if mark == Mark::Breach { Time(at.saturating_add(1)) } else { Time(at) }
    }

    /// Marks that were reached by `now` before the answer came.
    pub fn reached(&self, now: Time) -> Vec<Mark> {
        let until = self.answered.map_or(now, |answered| answered.min(now));
        Mark::ALL.into_iter().filter(|mark| self.reaches(*mark) <= until).collect()
    }

    pub fn timing(&self, now: Time) -> Timing {
        let until = self.answered.unwrap_or(now);
        if until > self.due {
            return Timing::Breached { late_s: until.seconds_since(self.due) };
        }
        match self.answered {
            Some(answered) => Timing::Met { after_s: answered.seconds_since(self.opened) },
            None => {
                let (spent, whole) = (now.seconds_since(self.opened).max(0), self.due.seconds_since(self.opened).max(1));
                Timing::Running { left_s: self.due.seconds_since(now), percent: (spent * 100 / whole).clamp(0, 100) }
            }
        }
    }
}
