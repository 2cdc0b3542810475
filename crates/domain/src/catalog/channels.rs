//! How the portal itself reaches people: the channels that pages go over, and whom each of them reaches.
//!
//! Invariant: no secret is in here. A channel names the file or the variable that holds it, and it is read when something is sent.

use super::Catalog;
use crate::oncall::Participant;

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Channel {
    pub name: String,
    pub way: Way,
    /// None: whoever has an address there.
    pub reaches: Option<Vec<Participant>>,
}

/// What a channel speaks.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Way {
    Smtp(Smtp),
    Webhook(Webhook),
    Slack(Slack),
    /// Sends nothing: for demos and rehearsals.
    Record,
}

impl Way {
    /// As `devmatrix.yaml` writes it.
    pub fn key(&self) -> &'static str {
        match self {
            Way::Smtp(_) => "smtp",
            Way::Webhook(_) => "webhook",
            Way::Slack(_) => "slack",
            Way::Record => "record",
        }
    }
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Smtp {
    pub host: String,
    pub port: u16,
    pub security: Security,
    /// The address that the mails come from.
    pub from: String,
    pub login: Option<Login>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Security {
    /// The connection begins in the open and must become TLS before anything is said.
    StartTls,
    Tls,
    /// For a relay on the same machine or network; never with a password.
    Nothing,
}

impl Security {
    pub const NAMES: [&str; 3] = ["starttls", "tls", "none"];

    pub fn parse(text: &str) -> Option<Security> {
        match text {
            "starttls" => Some(Security::StartTls),
            "tls" => Some(Security::Tls),
            "none" => Some(Security::Nothing),
            _ => None,
        }
    }

    pub fn usual_port(self) -> u16 {
        match self {
            Security::StartTls => 587,
            Security::Tls => 465,
            Security::Nothing => 25,
        }
    }
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Login {
    pub username: String,
    pub password: Secret,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Webhook {
    pub url: String,
    /// What each request is signed with.
    pub secret: Secret,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Slack {
    /// The address of an incoming webhook: whoever knows it may write there.
    pub url: Secret,
}

/// Where a secret is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Secret {
    File(String),
    Variable(String),
}

impl Catalog {
    pub fn channel(&self, name: &str) -> Option<&Channel> {
        self.channels.iter().find(|channel| channel.name == name)
    }

    /// The channels that reach a person, each with their address there.
    pub fn channels_of(&self, person: &str) -> Vec<(&Channel, String)> {
        self.channels.iter().filter_map(|channel| Some((channel, self.address(channel, person)?))).collect()
    }

    pub fn is_reached(&self, person: &str) -> bool {
        self.channels.iter().any(|channel| self.address(channel, person).is_some())
    }

    fn address(&self, channel: &Channel, person: &str) -> Option<String> {
        let meant = |one: &Participant| self.people_of(one).iter().any(|name| name == person);
        if !self.knows(&Participant::Person(person.to_owned())) || channel.reaches.as_ref().is_some_and(|some| !some.iter().any(meant)) {
            return None;
        }
        let contact = self.contact(person);
        match channel.way {
            Way::Smtp(_) => contact?.email.clone(),
            Way::Slack(_) => contact?.slack.clone(),
            // The receiver knows people by their names.
            Way::Webhook(_) | Way::Record => Some(person.to_owned()),
        }
    }
}
