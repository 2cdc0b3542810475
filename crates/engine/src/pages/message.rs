//! What a page says, for every channel: the same facts and the same words at each try.

use domain::Time;
use domain::catalog::Catalog;
use domain::pages::{Delivery, Page};
use serde_json::{Value, json};

pub struct Message {
    /// The same at each try.
    pub delivery: Delivery,
    pub page: Page,
    /// The page's address.
    pub url: String,
    pub incident_url: Option<String>,
    pub by: String,
    pub person: String,
    contact: Value,
}

impl Message {
    pub fn of(catalog: &Catalog, external_url: &str, page: Page, delivery: Delivery) -> Message {
        let contact = catalog.contact(&delivery.person);
        let contact = json!({
            "name": delivery.person,
            "title": catalog.person(&delivery.person).title,
            "email": contact.and_then(|contact| contact.email.as_deref()),
            "phone": contact.and_then(|contact| contact.phone.as_deref()),
            "slack": contact.and_then(|contact| contact.slack.as_deref()),
        });
        Message {
            url: format!("{external_url}/pages/{}", page.label),
            incident_url: page.incident.as_ref().map(|label| format!("{external_url}/incidents/{label}")),
            by: catalog.person(&page.by).title,
            person: catalog.person(&delivery.person).title,
            contact,
            delivery,
            page,
        }
    }

    /// `Bea pages you: the site is down`, on one line.
    pub fn title(&self) -> String {
        let line: String = self.page.reason.split_whitespace().collect::<Vec<_>>().join(" ");
        let short: String = line.chars().take(120).collect();
        let dots = if short.len() < line.len() { "…" } else { "" };
        format!("{} pages you: {short}{dots}", self.by)
    }

    pub fn text(&self) -> String {
        let Page { to, reason, at, label, .. } = &self.page;
        let about = match (&self.page.incident, &self.incident_url) {
            (Some(incident), Some(url)) => format!("Incident: {incident}, {url}\n"),
            _ => String::new(),
        };
        let whom = if *to == self.delivery.person { String::new() } else { format!("You are paged as {to}.\n") };
        format!(
            "{}, {} pages you:\n\n{reason}\n\n{whom}{about}Page {label}, made at {}.\nAcknowledge: {}\n",
            self.person,
            self.by,
            at.for_people(),
            self.url
        )
    }

    /// Version 1 of what webhooks are sent.
    pub fn json(&self) -> Value {
        let Page { id, label, to, reason, at, by, incident, .. } = &self.page;
        json!({
            "version": 1,
            "type": "page",
            "delivery": self.delivery.id,
            "page": {"id": id, "label": label, "to": to, "reason": reason, "by": by, "at": at, "url": self.url},
            "person": self.contact,
            "incident": incident.as_ref().map(|label| json!({"label": label, "url": self.incident_url})),
        })
    }

    pub fn made(&self) -> Time {
        self.page.at
    }
}
