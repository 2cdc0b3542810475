//! Calendar feeds (RFC 5545): one event for each stretch and filled role, in UTC, without recurrences.

use super::Held;
use crate::error::Result;
use crate::{DomainResult, Engine};
use domain::Time;
use domain::access::{Actor, Verb, authorize};
use domain::catalog::Catalog;
use domain::oncall::Participant;
use domain::oncall::feed::{AHEAD_S, BACK_S, Entry, Feed};
use icalendar::{Calendar, Component, Event};

impl Engine {
    /// The feed as a calendar client reads it.
    pub async fn calendar_feed(&self, actor: &Actor, feed: &Feed) -> DomainResult<String> {
        authorize(actor, Verb::Read)?;
        if let Some(of) = feed.of.as_ref().filter(|of| !self.0.catalog.knows(of)) {
            let who = domain::names::shorten(&of.to_string());
            return Err(domain::Error::invalid("participant", format!("`{who}` is in no team: expected a person of a team, or team:NAME")));
        }
        Ok(self.render(feed).await?)
    }

    async fn render(&self, feed: &Feed) -> Result<String> {
        let (catalog, now) = (&self.0.catalog, self.now());
        let (from, until) = (now.plus_seconds(-BACK_S), now.plus_seconds(AHEAD_S));
        let mut calendar = Calendar::new();
        calendar.name(&title(catalog, feed)?);
        for rotation in self.feed_rotations(feed)? {
            let held: Held = self.held(&rotation, from, until).await?;
            for entry in feed.entries(&held.line(), now, |p| catalog.people_of(p)) {
                calendar.push(event(catalog, &entry, now));
            }
        }
        Ok(calendar.done().to_string())
    }

    fn feed_rotations(&self, feed: &Feed) -> DomainResult<Vec<String>> {
        match &feed.rotation {
            Some(name) => Ok(vec![self.0.catalog.rotation(name)?.name.clone()]),
            None => Ok(self.0.catalog.rotations.iter().map(|rotation| rotation.name.clone()).collect()),
        }
    }
}

fn title(catalog: &Catalog, feed: &Feed) -> DomainResult<String> {
    let of = feed.of.as_ref().map(|of| catalog.title_of(of));
    let rotation = feed.rotation.as_deref().map(|name| catalog.rotation(name)).transpose()?.map(|rotation| rotation.title.clone());
    let named: Vec<String> = [of, rotation].into_iter().flatten().collect();
    Ok(format!("On call: {}", named.join(", ")))
}

fn event(catalog: &Catalog, entry: &Entry, now: Time) -> Event {
    let who = catalog.title_of(&entry.participant);
    let people: Vec<String> =
        catalog.people_of(&entry.participant).iter().map(|name| catalog.title_of(&Participant::Person(name.clone()))).collect();
    let described = format!("{}: {} ({}). {}", entry.rotation, entry.role, entry.because.words(), people.join(", "));
    Event::new()
        .uid(&entry.uid)
        .summary(&format!("{who}: {}", entry.role))
        .description(&described)
        .add_property("DTSTAMP", utc(now))
        .add_property("DTSTART", utc(entry.starts))
        .add_property("DTEND", utc(entry.ends))
        .add_property("TRANSP", "TRANSPARENT")
        .add_property("X-DEVMATRIX-ROTATION", &entry.rotation)
        .add_property("X-DEVMATRIX-ROLE", &entry.role)
        .add_property("X-DEVMATRIX-PARTICIPANT", entry.participant.to_string())
        .done()
}

/// `20261123T080000Z`
fn utc(t: Time) -> String {
    t.to_string().replace(['-', ':'], "")
}
