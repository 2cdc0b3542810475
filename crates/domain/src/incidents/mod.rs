//! Problems: how severe, since when, until when they must be answered, and what was done.
//!
//! Invariant: `due_at` is stored when the incident opens, with the version of the calendar that it was computed by; a calendar
//! that is edited later moves nothing. A breach is recorded once and stays.

pub mod calendar;
pub mod severity;
pub mod timer;

pub use calendar::Calendar;
pub use severity::{Due, Level, Response};
pub use timer::{Mark, Timer, Timing};

use crate::Time;
use serde::{Deserialize, Serialize};

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum State {
    /// Nobody has answered yet.
    Open,
    Acknowledged,
    Resolved,
}

impl State {
    pub const NAMES: [&str; 3] = ["open", "acknowledged", "resolved"];

    pub fn as_str(self) -> &'static str {
        match self {
            State::Open => "open",
            State::Acknowledged => "acknowledged",
            State::Resolved => "resolved",
        }
    }

    pub fn parse(text: &str) -> Option<State> {
        [State::Open, State::Acknowledged, State::Resolved].into_iter().find(|state| state.as_str() == text)
    }
}

/// Who did something, and when.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
#[schema(as = IncidentAct)]
pub struct Act {
    pub by: String,
    #[schema(value_type = String, format = DateTime)]
    pub at: Time,
}

/// One line of an incident's story.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
#[schema(as = IncidentEntry)]
pub struct Entry {
    #[schema(value_type = String, format = DateTime)]
    pub at: Time,
    /// `opened`, `acknowledged`, `resolved`, `severity`, `components`, `comment`, `warning`, `breach`
    pub kind: String,
    /// A person, or `portal`.
    pub by: String,
    pub text: String,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
pub struct Incident {
    pub id: String,
    pub number: i64,
    /// `INC-12`: an id too.
    pub label: String,
    pub title: String,
    /// A level of the matrix: `P1`.
    pub severity: String,
    pub components: Vec<String>,
    pub summary: String,
    pub state: State,
    /// The team whose calendar counts: the owner of the first component.
    pub team: Option<String>,
    pub opened: Act,
    /// When it must be answered.
    #[schema(value_type = String, format = DateTime)]
    pub due_at: Time,
    /// Of the business calendar that `due_at` was computed by.
    pub calendar_version: Option<String>,
    pub acknowledged: Option<Act>,
    pub resolved: Option<Act>,
    #[schema(value_type = Option<String>, format = DateTime)]
    pub breached_at: Option<Time>,
    pub timeline: Vec<Entry>,
}

impl Incident {
    pub fn timer(&self) -> Timer {
        let answers = [self.acknowledged.as_ref(), self.resolved.as_ref()];
        Timer { opened: self.opened.at, due: self.due_at, answered: answers.into_iter().flatten().map(|act| act.at).min() }
    }
}
