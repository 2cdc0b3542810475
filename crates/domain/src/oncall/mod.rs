//! Who is on call: rotations as a pure function of time, what people arranged otherwise, and what follows from both.
//!
//! Invariant: shifts are half-open and partition time. Time and zones are arguments: the same question has the same answer on
//! the server, in a browser and on a command line.

pub mod feed;
pub mod ledger;
pub mod lookup;
pub mod overrides;
pub mod rotation;
pub mod view;

pub use lookup::{Assignment, Because, Duty, Segment, Timeline};
pub use overrides::{Override, Wanted};
pub use rotation::{Every, Holding, Rotation, Shift, Version};

use serde::{Deserialize, Serialize};
use std::fmt;

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
