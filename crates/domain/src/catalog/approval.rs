//! Whose votes a change needs: several rules, each so many votes of so many groups.

use serde::{Deserialize, Deserializer, Serialize, Serializer, de::Error as _};
use std::fmt;

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Approval {
    pub rules: Vec<Rule>,
    pub exclude_requester: bool,
    /// Whoever wrote the commits of the release does not decide on it.
    #[serde(default)]
    pub exclude_authors: bool,
    /// How long a plan may wait, in seconds.
    pub expires_s: i64,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Rule {
    pub from: Vec<Group>,
    pub needed: i64,
}

/// Some of those whose votes count. In a file and in a plan: `team:devops`, `person:olivia`, `on-call:platform/primary`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Group {
    Team(String),
    Person(String),
    /// Whoever held this role at the moment of their vote.
    OnCall(Duty),
}

/// A role of a rotation: `platform/primary`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Duty {
    pub rotation: String,
    pub role: String,
}

impl Duty {
    pub fn parse(text: &str) -> Option<Duty> {
        let (rotation, role) = text.split_once('/').filter(|(rotation, role)| !rotation.is_empty() && !role.is_empty())?;
        Some(Duty { rotation: rotation.to_owned(), role: role.to_owned() })
    }
}

impl fmt::Display for Duty {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", self.rotation, self.role)
    }
}

impl Serialize for Duty {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for Duty {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Duty, D::Error> {
        let text = String::deserialize(deserializer)?;
        Duty::parse(&text).ok_or_else(|| D::Error::custom(format!("`{text}` is not ROTATION/ROLE")))
    }
}

impl Group {
    pub const EXPECTED: &str = "team:NAME, person:NAME or on-call:ROTATION/ROLE";

    pub fn parse(text: &str) -> Option<Group> {
        match text.split_once(':')? {
            ("team", name) => Some(Group::Team(name.to_owned())),
            ("person", name) => Some(Group::Person(name.to_owned())),
            ("on-call", duty) => Duty::parse(duty).map(Group::OnCall),
            _ => None,
        }
    }

    /// `team devops`, `olivia`, `primary on call of platform`
    pub fn in_words(&self) -> String {
        match self {
            Group::Team(name) => format!("team {name}"),
            Group::Person(name) => name.clone(),
            Group::OnCall(duty) => format!("{} on call of {}", duty.role, duty.rotation),
        }
    }
}

impl fmt::Display for Group {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Group::Team(name) => write!(f, "team:{name}"),
            Group::Person(name) => write!(f, "person:{name}"),
            Group::OnCall(duty) => write!(f, "on-call:{duty}"),
        }
    }
}

impl Serialize for Group {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for Group {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Group, D::Error> {
        let text = String::deserialize(deserializer)?;
        // Plans of earlier versions name teams alone.
        let team = || (!text.contains(':')).then(|| Group::Team(text.clone()));
        Group::parse(&text).or_else(team).ok_or_else(|| D::Error::custom(format!("`{text}` is not one of {}", Group::EXPECTED)))
    }
}
