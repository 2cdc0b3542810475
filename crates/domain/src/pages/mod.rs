//! Pages: somebody calls a person, or whoever holds a role now, over every channel that reaches them.
//!
//! Invariants: a page is one act of a person and goes to the people of its moment; a handoff later moves nothing. What becomes of
//! each delivery is told as it is: one that has not left is never called sent, and none leaves once the page is acknowledged.

pub mod retry;

pub use retry::{Answer, next_try, settled, too_late};

use crate::catalog::{Catalog, Duty};
use crate::incidents::Act;
use crate::names::shorten;
use crate::{Error, Result, Time};
use serde::{Deserialize, Serialize};
use std::fmt;
use utoipa::ToSchema;

/// Whom a page is for: `olivia`, or `on-call:platform/primary`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum To {
    Person(String),
    Role(Duty),
}

impl To {
    pub fn parse(field: &str, text: &str) -> Result<To> {
        let Some(duty) = text.strip_prefix("on-call:") else { return Ok(To::Person(text.to_owned())) };
        let why = || format!("`{}` is not a role: expected on-call:ROTATION/ROLE", shorten(text));
        Duty::parse(duty).map(To::Role).ok_or_else(|| Error::invalid(field, why()))
    }
}

impl fmt::Display for To {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            To::Person(name) => f.write_str(name),
            To::Role(duty) => write!(f, "on-call:{duty}"),
        }
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
#[schema(as = DeliveryState)]
pub enum State {
    /// It has not been tried, or is being tried the first time.
    Waiting,
    /// A try went wrong; another one follows.
    Failed,
    /// The receiver has taken it.
    Sent,
    /// No try follows.
    GivenUp,
    /// The page was acknowledged before it left.
    Withdrawn,
    /// Nothing was sent: the channel only records.
    Recorded,
}

impl State {
    pub const ALL: [State; 6] = [State::Waiting, State::Failed, State::Sent, State::GivenUp, State::Withdrawn, State::Recorded];

    pub fn as_str(self) -> &'static str {
        match self {
            State::Waiting => "waiting",
            State::Failed => "failed",
            State::Sent => "sent",
            State::GivenUp => "given_up",
            State::Withdrawn => "withdrawn",
            State::Recorded => "recorded",
        }
    }

    pub fn parse(text: &str) -> Option<State> {
        State::ALL.into_iter().find(|state| state.as_str() == text)
    }

    /// Whether somebody still has to do something about it.
    pub fn is_open(self) -> bool {
        matches!(self, State::Waiting | State::Failed)
    }
}

/// One message to one person over one channel.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[schema(as = PageDelivery)]
pub struct Delivery {
    /// The idempotency key of every try.
    pub id: String,
    pub person: String,
    pub channel: String,
    /// `smtp`, `webhook`, `slack` or `record`
    pub kind: String,
    /// Where to: an e-mail address, a member id, a name.
    pub address: String,
    pub state: State,
    /// How often it was tried.
    pub tries: i64,
    /// When it is tried next.
    #[schema(value_type = Option<String>, format = DateTime)]
    pub next_at: Option<Time>,
    /// When it came to its end.
    #[schema(value_type = Option<String>, format = DateTime)]
    pub at: Option<Time>,
    /// What the last try came to, in words.
    pub detail: String,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Page {
    pub id: String,
    pub number: i64,
    /// `PG-12`: an id too.
    pub label: String,
    /// As it was asked for: `olivia`, `on-call:platform/primary`.
    pub to: String,
    /// The persons it goes to, in the order in which they are called.
    pub people: Vec<String>,
    /// Those of them whom no channel reaches.
    pub unreached: Vec<String>,
    pub reason: String,
    /// An incident's label.
    pub incident: Option<String>,
    pub by: String,
    #[schema(value_type = String, format = DateTime)]
    pub at: Time,
    pub acknowledged: Option<Act>,
    pub deliveries: Vec<Delivery>,
}

/// Who is paged, and over what.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Addressed {
    pub people: Vec<String>,
    pub unreached: Vec<String>,
    pub legs: Vec<Leg>,
}

/// A delivery that is to be made.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Leg {
    pub person: String,
    pub channel: String,
    pub kind: &'static str,
    pub address: String,
}

/// Whom a page reaches. `holders`: who holds the role now, where it is for a role.
pub fn addressed(catalog: &Catalog, to: &To, holders: &[String]) -> Result<Addressed> {
    let people = match to {
        To::Person(name) => vec![catalog.member(name)?],
        To::Role(duty) if holders.is_empty() => {
            let why =
                format!("Nobody is {} of {} now: page another role, or a person by name.", shorten(&duty.role), shorten(&duty.rotation));
            return Err(Error::conflict("role_unfilled", why));
        }
        To::Role(_) => holders.to_vec(),
    };
    let unreached: Vec<String> = people.iter().filter(|person| !catalog.is_reached(person)).cloned().collect();
    let legs: Vec<Leg> = people.iter().flat_map(|person| legs(catalog, person)).collect();
    if legs.is_empty() {
        return Err(no_channel(catalog, &people));
    }
    Ok(Addressed { people, unreached, legs })
}

fn legs(catalog: &Catalog, person: &str) -> Vec<Leg> {
    let reaching = catalog.channels_of(person).into_iter();
    let leg = |(channel, address): (&crate::catalog::channels::Channel, String)| Leg {
        person: person.to_owned(),
        channel: channel.name.clone(),
        kind: channel.way.key(),
        address,
    };
    reaching.map(leg).collect()
}

fn no_channel(catalog: &Catalog, people: &[String]) -> Error {
    let names: Vec<String> = people.iter().map(|name| catalog.person(name).title).collect();
    let why = if catalog.channels.is_empty() {
        "The portal has no channels to page anybody over: call or write yourself, and ask an administrator to declare `channels`."
            .to_owned()
    } else {
        format!("No channel reaches {}: call or write yourself, and ask an administrator to say how in `people`.", names.join(", "))
    };
    Error::conflict("no_channel", why)
}

impl Page {
    pub fn is_acknowledged(&self) -> bool {
        self.acknowledged.is_some()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn whom_a_page_is_for_reads_and_is_written_the_same() {
        for text in ["olivia", "on-call:platform/primary"] {
            assert_eq!(To::parse("to", text).unwrap().to_string(), text);
        }
        for text in ["on-call:", "on-call:platform", "on-call:/primary", "on-call:platform/"] {
            assert_eq!(To::parse("to", text).unwrap_err().code(), "invalid", "{text}");
        }
    }

    #[test]
    fn states_have_names_of_their_own() {
        for state in State::ALL {
            assert_eq!(State::parse(state.as_str()), Some(state));
        }
        assert_eq!(State::parse("gone"), None);
    }
}
