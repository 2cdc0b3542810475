//! The channels of the configuration, ready to be sent over. Secrets are read at each sending: one that is renewed is used at once.
//!
//! Invariant: in a demo every channel only records. What an outlet answers is shown to everybody: no secret is in it.

use super::http::Service;
use super::message::Message;
use super::{mail, slack, webhook};
use domain::catalog::Catalog;
use domain::catalog::channels::{Secret, Way};
use domain::pages::Answer;
use secrecy::SecretString;
use std::collections::BTreeMap;
use std::time::Duration;

/// A try that has no answer after so long is over.
const DEADLINE: Duration = Duration::from_secs(20);

pub struct Outlets {
    demo: bool,
    ways: BTreeMap<String, Way>,
    http: Service,
}

impl Outlets {
    pub fn of(catalog: &Catalog, demo: bool) -> Outlets {
        let ways = catalog.channels.iter().map(|channel| (channel.name.clone(), channel.way.clone())).collect();
        Outlets { demo, ways, http: Service::default() }
    }

    pub async fn send(&self, message: &Message, now: domain::Time) -> Answer {
        if self.demo {
            return Answer::Recorded("Demo: nothing was sent.".to_owned());
        }
        match tokio::time::timeout(DEADLINE, self.over(message, now)).await {
            Ok(answer) => answer,
            Err(_) => later(format!("No answer within {} s.", DEADLINE.as_secs())),
        }
    }

    async fn over(&self, message: &Message, now: domain::Time) -> Answer {
        match self.ways.get(&message.delivery.channel) {
            Some(Way::Smtp(smtp)) => mail::send(smtp, message).await,
            Some(Way::Webhook(hook)) => webhook::send(&self.http, hook, message, now).await,
            Some(Way::Slack(hook)) => slack::send(&self.http, hook, message).await,
            Some(Way::Record) => Answer::Recorded("Nothing was sent: this channel only records.".to_owned()),
            None => Answer::Never("The configuration has no such channel any more.".to_owned()),
        }
    }
}

pub fn later(why: String) -> Answer {
    Answer::Later { why, after_s: None }
}

/// What a file or a variable holds, without the end of its line.
pub async fn secret(secret: &Secret) -> Result<SecretString, String> {
    let read = match secret {
        Secret::File(path) => {
            tokio::fs::read_to_string(path).await.map_err(|error| format!("The secret in {path} cannot be read: {error}."))
        }
        Secret::Variable(name) => std::env::var(name).map_err(|_| format!("The variable {name} is not set.")),
    }?;
    let trimmed = read.trim_end_matches(['\r', '\n']);
    if trimmed.is_empty() { Err("The secret is empty.".to_owned()) } else { Ok(trimmed.to_owned().into()) }
}
