//! The severity matrix: how soon a problem must be answered, who is paged, what it freezes.

use super::Calendar;
use crate::Time;

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Level {
    /// `P0`: the most severe comes first in the configuration.
    pub level: String,
    pub title: String,
    pub response: Response,
    pub example: String,
    /// Roles that are paged, in this order.
    pub pages: Vec<String>,
    /// Environments that an open problem of this level freezes.
    pub freezes: Vec<String>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Response {
    /// Seconds, counted by day and night.
    Within(i64),
    /// By this calendar, where the owning team has none.
    NextBusinessDay(String),
}

impl Response {
    /// Seconds; none where it depends on the calendar.
    pub fn seconds(&self) -> Option<i64> {
        match self {
            Response::Within(seconds) => Some(*seconds),
            Response::NextBusinessDay(_) => None,
        }
    }

    /// `15 minutes`, `1 hour`, `next business day`
    pub fn words(&self) -> String {
        let counted = |n: i64, one: &str| if n == 1 { format!("1 {one}") } else { format!("{n} {one}s") };
        match self {
            Response::NextBusinessDay(_) => "next business day".to_owned(),
            Response::Within(s) if s % 86_400 == 0 => counted(s / 86_400, "day"),
            Response::Within(s) if s % 3600 == 0 => counted(s / 3600, "hour"),
            Response::Within(s) if s % 60 == 0 => counted(s / 60, "minute"),
            Response::Within(s) => counted(*s, "second"),
        }
    }
}

/// When a problem must be answered, and by which calendar that was computed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Due {
    pub at: Time,
    pub calendar_version: Option<String>,
}

impl Level {
    /// `team`: the owning team's calendar; `own`: the level's.
    pub fn due(&self, opened: Time, team: Option<&Calendar>, own: Option<&Calendar>) -> Due {
        match (&self.response, team.or(own)) {
            (Response::Within(seconds), _) => Due { at: opened.plus_seconds(*seconds), calendar_version: None },
            (Response::NextBusinessDay(_), Some(calendar)) => {
                Due { at: calendar.close_after(opened), calendar_version: Some(calendar.version()) }
            }
            // A catalog that exists has the calendar; without one a day is a day.
            (Response::NextBusinessDay(_), None) => Due { at: opened.plus_seconds(86_400), calendar_version: None },
        }
    }
}
