//! Pages: made by a person, sent by the worker, acknowledged by whoever takes it up.
//!
//! Invariant: the page, its deliveries, the line in the incident's story and the audit entry are one transaction: a page that was
//! answered with 201 is sent by whichever process runs next.

mod http;
mod mail;
mod message;
mod outlet;
mod slack;
mod webhook;
mod worker;

pub(crate) use outlet::Outlets;
pub(crate) use worker::run;

use crate::error::{Error, Result};
use crate::events::Topic;
use crate::oncall::Made;
use crate::store::{Act, NewPage, Page, PageRequest, Tx};
use crate::{DomainResult, Engine, IdempotencyKey};
use domain::Time;
use domain::access::{Actor, Verb, authorize};
use domain::incidents::{Entry, Incident};
use domain::names::shorten;
use domain::pages::{Page as Paged, To, addressed};

/// So many pages are shown to whoever was paged.
const WAITING: i64 = 5;

/// What somebody pages with.
#[derive(Clone, Debug)]
pub struct Paging {
    /// `olivia`, or `on-call:platform/primary`.
    pub to: String,
    pub reason: String,
    /// An incident's id or label.
    pub incident: Option<String>,
}

impl Engine {
    /// Newest first: those that nobody has acknowledged, or all.
    pub async fn pages(&self, actor: &Actor, open_only: bool, page: PageRequest) -> DomainResult<Page<Paged>> {
        authorize(actor, Verb::Read)?;
        Ok(self.0.store.pages(open_only, &page).await?)
    }

    /// By id or label.
    pub async fn page(&self, actor: &Actor, id: &str) -> DomainResult<Paged> {
        authorize(actor, Verb::Read)?;
        self.0.store.page(id).await?.ok_or_else(|| no_page(id))
    }

    /// The newest pages to this person that nobody has acknowledged.
    pub async fn pages_waiting_for(&self, actor: &Actor) -> DomainResult<Vec<Paged>> {
        authorize(actor, Verb::Read)?;
        Ok(self.0.store.pages_waiting_for(&actor.person.name, WAITING).await?)
    }

    /// Pages somebody: stored now, sent at once and until it is taken, given up or acknowledged.
    pub async fn send_page(&self, actor: &Actor, paging: Paging, key: Option<IdempotencyKey>) -> DomainResult<Made<Paged>> {
        if let Err(error) = authorize(actor, Verb::Respond) {
            return Err(self.denied(actor, "page.send", &paging.to, error).await);
        }
        let reason = domain::changes::reason("reason", &paging.reason)?;
        if reason.is_empty() {
            return Err(domain::Error::invalid("reason", "expected why: whoever is woken reads it first"));
        }
        let made = self.store_page(actor, Paging { reason, ..paging }, key).await?;
        self.publish(&[Topic::Pages]);
        if made.made.incident.is_some() {
            self.publish(&[Topic::Incidents]);
        }
        self.0.paging.notify_one();
        Ok(made)
    }

    async fn store_page(&self, actor: &Actor, paging: Paging, key: Option<IdempotencyKey>) -> Result<Made<Paged>> {
        let (now, by) = (self.now().whole_seconds(), actor.person.name.as_str());
        let to = To::parse("to", &paging.to)?;
        // Before the turn to write: a lookup reads on connections of its own.
        let holders = self.holders_of(&to, now).await?;
        let mut tx = self.0.store.write().await?;
        if let Some(id) = self.made_before(&mut tx, actor, key.as_ref()).await? {
            return Ok(Made { made: self.existing_page(&mut tx, &id).await?, repeated: true });
        }
        let incident = match &paging.incident {
            Some(id) => Some(self.open_one(&mut tx, id).await?),
            None => None,
        };
        let (id, to, addressed) = (uuid::Uuid::now_v7().to_string(), to.to_string(), addressed(&self.0.catalog, &to, &holders)?);
        let label = incident.as_ref().map(|incident| incident.label.as_str());
        let new = NewPage { id: &id, to: &to, addressed: &addressed, reason: &paging.reason, incident: label, by, at: now };
        self.0.store.insert_page(&mut tx, &new).await?;
        let page = self.existing_page(&mut tx, &id).await?;
        let detail = format!("to {to} ({}): {}", page.people.join(", "), page.reason);
        if let Some(incident) = &incident {
            let text = format!("{} ({}): {}", page.people.join(", "), page.label, page.reason);
            let entry = Entry { at: now, kind: "paged".to_owned(), by: by.to_owned(), text };
            self.0.store.insert_entry(&mut tx, &incident.id, &entry).await?;
        }
        self.0.store.record(&mut tx, Act::by(actor, now, "page.send", &id, &detail)).await?;
        if let Some(key) = &key {
            self.0.store.remember_made(&mut tx, by, &key.key, &key.body_sha256, &id, now).await?;
        }
        tx.commit().await?;
        Ok(Made { made: page, repeated: false })
    }

    /// Who holds a role now; nobody for a person, who is named.
    async fn holders_of(&self, to: &To, now: Time) -> Result<Vec<String>> {
        let To::Role(duty) = to else { return Ok(Vec::new()) };
        let rotation = self.0.catalog.rotation(&duty.rotation).map_err(|error| domain::Error::invalid("to", error.to_string()))?;
        let roles = rotation.version(now).map(|version| version.roles.clone()).unwrap_or_default();
        if !roles.contains(&duty.role) {
            let why = format!("there is no role `{}` in {}: expected one of {}", shorten(&duty.role), duty.rotation, roles.join(", "));
            return Err(domain::Error::invalid("to", why).into());
        }
        Ok(self.on_call_at(&duty.rotation, &duty.role, now).await?)
    }

    async fn open_one(&self, tx: &mut Tx, id: &str) -> Result<Incident> {
        let why = || domain::Error::invalid("incident", format!("there is no incident `{}`", shorten(id)));
        Ok(self.0.store.incident_in(tx, id).await?.ok_or_else(why)?)
    }

    /// Says that somebody is on it: what has not left does not leave any more. Said twice, it is as it was.
    pub async fn acknowledge_page(&self, actor: &Actor, id: &str) -> DomainResult<Paged> {
        if let Err(error) = authorize(actor, Verb::Respond) {
            return Err(self.denied(actor, "page.acknowledge", id, error).await);
        }
        let page = self.store_acknowledgement(actor, id).await?;
        self.publish(&[Topic::Pages]);
        Ok(page)
    }

    async fn store_acknowledgement(&self, actor: &Actor, id: &str) -> Result<Paged> {
        let now = self.now().whole_seconds();
        let mut tx = self.0.store.write().await?;
        let page = self.existing_page(&mut tx, id).await?;
        if page.is_acknowledged() {
            return Ok(page);
        }
        self.0.store.acknowledge_page(&mut tx, &page.id, &actor.person.name, now).await?;
        self.0.store.record(&mut tx, Act::by(actor, now, "page.acknowledge", &page.id, &page.label)).await?;
        let page = self.existing_page(&mut tx, &page.id).await?;
        tx.commit().await?;
        Ok(page)
    }

    async fn existing_page(&self, tx: &mut Tx, id: &str) -> Result<Paged> {
        self.0.store.page_in(tx, id).await?.ok_or_else(|| Error::Domain(no_page(id)))
    }
}

fn no_page(id: &str) -> domain::Error {
    domain::Error::not_found(format!("page `{}`", shorten(id)))
}
