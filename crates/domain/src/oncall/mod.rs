//! Who is on call: rotations as a pure function of time, what people arranged otherwise, and what follows from both.
//!
//! Invariant: shifts are half-open and partition time. Time and zones are arguments: the same question has the same answer on
//! the server, in a browser and on a command line.

pub mod answer;
pub mod feed;
pub mod ledger;
pub mod lookup;
pub mod overrides;
pub mod rotation;
pub mod timeline;
pub mod view;

pub use lookup::{Assignment, Because, Duty, Held, Segment, Timeline};
pub use overrides::{Override, Wanted};
pub use rotation::{Every, Holding, Rotation, Shift, Version};

use crate::{Error, Result, Time};
use serde::{Deserialize, Serialize};
use std::fmt;

/// Years that are answered for: before and after, clocks are a guess.
pub const FIRST: Time = Time(-2_208_988_800_000);
pub const LAST: Time = Time(7_258_118_400_000);

/// A moment within the years that are answered for, 1900 to 2199.
pub fn answerable(field: &str, t: Time) -> Result<Time> {
    if (FIRST..LAST).contains(&t) { Ok(t) } else { Err(Error::invalid(field, "expected a time in the years 1900 to 2199")) }
}

/// Who can hold a role: `team:devops`, or a person as `olivia`.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(into = "String", from = "String")]
pub enum Participant {
    Team(String),
    Person(String),
}

impl Participant {
    pub fn name(&self) -> &str {
        match self {
            Participant::Team(name) | Participant::Person(name) => name,
        }
    }
}

impl From<String> for Participant {
    fn from(text: String) -> Participant {
        match text.strip_prefix("team:") {
            Some(team) => Participant::Team(team.to_owned()),
            None => Participant::Person(text),
        }
    }
}

impl From<Participant> for String {
    fn from(participant: Participant) -> String {
        participant.to_string()
    }
}

impl fmt::Display for Participant {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Participant::Team(name) => write!(f, "team:{name}"),
            Participant::Person(name) => f.write_str(name),
        }
    }
}
