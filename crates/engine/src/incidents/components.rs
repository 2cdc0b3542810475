//! Which components an incident is about: known better as one looks into it, so that it is edited after the opening.
//!
//! Invariant: whose calendar counts from now on is the owner of the first component. When it must be answered was stored and does not
//! move; neither do freezes, which belong to the level and not to components.

use crate::error::Result;
use crate::events::Topic;
use crate::store::Act;
use crate::{DomainResult, Engine};
use domain::access::{Actor, Verb, authorize};
use domain::catalog::Catalog;
use domain::incidents::Incident;

/// The most that an incident is about.
const MOST: usize = 50;

impl Engine {
    /// `components`: all of them, in the order of their importance. Said twice, it is as it was.
    pub async fn set_incident_components(&self, actor: &Actor, id: &str, components: Vec<String>) -> DomainResult<Incident> {
        if let Err(error) = authorize(actor, Verb::Respond) {
            return Err(self.denied(actor, "incident.components", id, error).await);
        }
        let components = known(&self.0.catalog, components)?;
        let incident = self.store_components(actor, id, &components).await?;
        self.publish(&[Topic::Incidents]);
        Ok(incident)
    }

    async fn store_components(&self, actor: &Actor, id: &str, components: &[String]) -> Result<Incident> {
        let (now, who) = (self.now().whole_seconds(), actor.person.name.as_str());
        let mut tx = self.0.store.write().await?;
        let before = self.existing_incident(&mut tx, id).await?;
        if before.components == components {
            return Ok(before);
        }
        let owner = components.first().and_then(|name| self.0.catalog.component(name).ok()).map(|component| component.owner.as_str());
        let text = difference(&before.components, components);
        self.0.store.set_incident_components(&mut tx, &before.id, components, owner.or(before.team.as_deref())).await?;
        self.tell(&mut tx, &before.id, now, ("components", who), &text).await?;
        self.0.store.record(&mut tx, Act::by(actor, now, "incident.components", &before.id, &text)).await?;
        let after = self.existing_incident(&mut tx, &before.id).await?;
        tx.commit().await?;
        Ok(after)
    }
}

/// Each once, and each there.
pub(super) fn known(catalog: &Catalog, names: Vec<String>) -> DomainResult<Vec<String>> {
    let mut components: Vec<String> = Vec::new();
    for name in names {
        catalog.component(&name).map_err(|error| domain::Error::invalid("components", error.to_string()))?;
        if !components.contains(&name) {
            components.push(name);
        }
    }
    if components.len() > MOST {
        return Err(domain::Error::invalid("components", format!("expected at most {MOST} components")));
    }
    Ok(components)
}

/// `added api and web, removed redis`
fn difference(before: &[String], after: &[String]) -> String {
    let only =
        |these: &[String], those: &[String]| these.iter().filter(|name| !those.contains(name)).cloned().collect::<Vec<_>>().join(", ");
    let parts = [("added", only(after, before)), ("removed", only(before, after))];
    let said: Vec<String> = parts.iter().filter(|(_, names)| !names.is_empty()).map(|(what, names)| format!("{what} {names}")).collect();
    if said.is_empty() { format!("in another order: {}", after.join(", ")) } else { said.join("; ") }
}
