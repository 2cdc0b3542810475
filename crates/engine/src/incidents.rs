//! Incidents: opened, answered, graded, commented on, resolved. When each must be answered is stored as it opens.
//!
//! Invariant: each warning of a timer is told once, a breach once for the incident; both by whoever looks at the clock first.

mod components;

use crate::error::{Error, Result};
use crate::events::Topic;
use crate::oncall::Made;
use crate::store::{Act, NewIncident, Page, PageRequest, Tx};
use crate::{DomainResult, Engine, IdempotencyKey};
use domain::Time;
use domain::access::{Actor, Verb, authorize};
use domain::catalog::Catalog;
use domain::incidents::{Due, Entry, Incident, Mark, State};
use domain::names::shorten;

/// What somebody opens an incident with.
#[derive(Clone, Debug)]
pub struct Opening {
    pub title: String,
    pub severity: String,
    pub components: Vec<String>,
    pub summary: String,
}

/// The longest title, in characters.
const TITLE_LIMIT: usize = 200;

/// What is done to an incident that is there.
enum Deed {
    Acknowledge,
    Resolve(String),
    Regrade { severity: String, reason: String },
    Comment(String),
}

impl Deed {
    fn what(&self) -> &'static str {
        match self {
            Deed::Acknowledge => "incident.acknowledge",
            Deed::Resolve(_) => "incident.resolve",
            Deed::Regrade { .. } => "incident.severity",
            Deed::Comment(_) => "incident.comment",
        }
    }
}

impl Engine {
    /// Newest first, of these states or of all.
    pub async fn incidents(&self, actor: &Actor, states: &[State], page: PageRequest) -> DomainResult<Page<Incident>> {
        authorize(actor, Verb::Read)?;
        Ok(self.0.store.incidents(states, &page).await?)
    }

    /// Every incident that nobody has resolved, oldest first.
    pub async fn unresolved_incidents(&self, actor: &Actor) -> DomainResult<Vec<Incident>> {
        authorize(actor, Verb::Read)?;
        Ok(self.0.store.unresolved().await?)
    }

    /// By id or label.
    pub async fn incident(&self, actor: &Actor, id: &str) -> DomainResult<Incident> {
        authorize(actor, Verb::Read)?;
        let found = self.0.store.incident(id).await?;
        found.ok_or_else(|| domain::Error::not_found(format!("incident `{}`", shorten(id))))
    }

    /// When a problem of this level that opens at `opened` must be answered.
    pub fn due(&self, actor: &Actor, level: &str, opened: Time, team: Option<&str>) -> DomainResult<Due> {
        authorize(actor, Verb::Read)?;
        let catalog = &self.0.catalog;
        if let Some(team) = team.filter(|team| catalog.team(team).is_none()) {
            return Err(domain::Error::invalid("team", format!("there is no team `{}`", shorten(team))));
        }
        Ok(catalog.due(catalog.severity(level)?, crate::oncall::answerable("from", opened)?, team))
    }

    pub async fn open_incident(&self, actor: &Actor, opening: Opening, key: Option<IdempotencyKey>) -> DomainResult<Made<Incident>> {
        if let Err(error) = authorize(actor, Verb::Respond) {
            return Err(self.denied(actor, "incident.open", &opening.severity, error).await);
        }
        let opening = checked(&self.0.catalog, opening)?;
        let made = self.insert_incident(actor, &opening, key).await?;
        self.publish(&[Topic::Incidents]);
        Ok(made)
    }

    async fn insert_incident(&self, actor: &Actor, opening: &Opening, key: Option<IdempotencyKey>) -> Result<Made<Incident>> {
        let (catalog, now, id) = (&self.0.catalog, self.now().whole_seconds(), uuid::Uuid::now_v7().to_string());
        let mut tx = self.0.store.write().await?;
        if let Some(id) = self.made_before(&mut tx, actor, key.as_ref()).await? {
            return Ok(Made { made: self.existing_incident(&mut tx, &id).await?, repeated: true });
        }
        let owner = opening.components.first().and_then(|name| catalog.component(name).ok()).map(|component| component.owner.as_str());
        let due = catalog.due(catalog.severity(&opening.severity)?, now, owner);
        let new = NewIncident {
            id: &id,
            title: &opening.title,
            severity: &opening.severity,
            components: &opening.components,
            summary: &opening.summary,
            team: owner,
            by: &actor.person.name,
            at: now,
            due: &due,
        };
        self.0.store.insert_incident(&mut tx, &new).await?;
        let text = format!("{}, to be answered by {}", opening.severity, due.at.for_people());
        self.tell(&mut tx, &id, now, ("opened", &actor.person.name), &text).await?;
        let opened = self.existing_incident(&mut tx, &id).await?;
        self.freeze_for(&mut tx, &opened, (now, &actor.person.name)).await?;
        self.0.store.record(&mut tx, Act::by(actor, now, "incident.open", &id, &opening.title)).await?;
        if let Some(key) = &key {
            self.0.store.remember_made(&mut tx, &actor.person.name, &key.key, &key.body_sha256, &id, now).await?;
        }
        let made = self.existing_incident(&mut tx, &id).await?;
        tx.commit().await?;
        self.freezes_changed().await;
        Ok(Made { made, repeated: false })
    }

    pub async fn acknowledge_incident(&self, actor: &Actor, id: &str) -> DomainResult<Incident> {
        self.do_to_incident(actor, id, Deed::Acknowledge).await
    }

    pub async fn resolve_incident(&self, actor: &Actor, id: &str, text: String) -> DomainResult<Incident> {
        self.do_to_incident(actor, id, Deed::Resolve(text)).await
    }

    pub async fn regrade_incident(&self, actor: &Actor, id: &str, severity: String, reason: String) -> DomainResult<Incident> {
        self.do_to_incident(actor, id, Deed::Regrade { severity, reason }).await
    }

    pub async fn comment_on_incident(&self, actor: &Actor, id: &str, text: String) -> DomainResult<Incident> {
        self.do_to_incident(actor, id, Deed::Comment(text)).await
    }

    async fn do_to_incident(&self, actor: &Actor, id: &str, deed: Deed) -> DomainResult<Incident> {
        if let Err(error) = authorize(actor, Verb::Respond) {
            return Err(self.denied(actor, deed.what(), id, error).await);
        }
        let done = self.done_to_incident(actor, id, deed).await?;
        self.publish(&[Topic::Incidents]);
        Ok(done)
    }

    async fn done_to_incident(&self, actor: &Actor, id: &str, deed: Deed) -> Result<Incident> {
        let (now, who) = (self.now().whole_seconds(), actor.person.name.as_str());
        let mut tx = self.0.store.write().await?;
        let incident = self.existing_incident(&mut tx, id).await?;
        let id = incident.id.as_str();
        let text = match &deed {
            // Said twice, it is as it was.
            Deed::Acknowledge if incident.acknowledged.is_some() => return Ok(incident),
            Deed::Resolve(_) if incident.state == State::Resolved => return Ok(incident),
            Deed::Acknowledge | Deed::Regrade { .. } if incident.state == State::Resolved => {
                return Err(domain::Error::conflict("resolved", format!("{} is resolved: open another one.", incident.label)).into());
            }
            Deed::Acknowledge => {
                self.0.store.answer_incident(&mut tx, id, who, now).await?;
                self.tell(&mut tx, id, now, ("acknowledged", who), "").await?;
                String::new()
            }
            Deed::Resolve(text) => {
                self.0.store.resolve_incident(&mut tx, id, who, now).await?;
                self.tell(&mut tx, id, now, ("resolved", who), text).await?;
                text.clone()
            }
            Deed::Comment(text) if text.is_empty() => return Err(domain::Error::invalid("text", "expected a comment").into()),
            Deed::Comment(text) => {
                self.tell(&mut tx, id, now, ("comment", who), text).await?;
                text.clone()
            }
            Deed::Regrade { severity, reason } => self.regrade(&mut tx, &incident, severity, reason, (now, who)).await?,
        };
        self.0.store.record(&mut tx, Act::by(actor, now, deed.what(), id, &text)).await?;
        let changed = self.existing_incident(&mut tx, id).await?;
        // A timer that has become shorter may be over.
        self.mark(&mut tx, &changed, now).await?;
        let changed = self.existing_incident(&mut tx, id).await?;
        let refreezes = matches!(deed, Deed::Resolve(_) | Deed::Regrade { .. });
        if refreezes {
            self.freeze_for(&mut tx, &changed, (now, who)).await?;
        }
        tx.commit().await?;
        if refreezes {
            self.freezes_changed().await;
        }
        Ok(changed)
    }

    /// The time to answer counts from the opening, at the new level; a breach that was recorded stays.
    async fn regrade(&self, tx: &mut Tx, incident: &Incident, severity: &str, reason: &str, (now, who): (Time, &str)) -> Result<String> {
        let catalog = &self.0.catalog;
        let level = known_level(catalog, severity)?;
        let due = catalog.due(catalog.severity(&level)?, incident.opened.at, incident.team.as_deref());
        let because = if reason.is_empty() { String::new() } else { format!(": {reason}") };
        let text = format!("{} to {level}, to be answered by {}{because}", incident.severity, due.at.for_people());
        self.0.store.regrade_incident(tx, &incident.id, &level, &due).await?;
        self.tell(tx, &incident.id, now, ("severity", who), &text).await?;
        Ok(text)
    }

    async fn tell(&self, tx: &mut Tx, id: &str, at: Time, (kind, by): (&str, &str), text: &str) -> Result<()> {
        self.0.store.insert_entry(tx, id, &Entry { at, kind: kind.to_owned(), by: by.to_owned(), text: text.to_owned() }).await
    }

    async fn existing_incident(&self, tx: &mut Tx, id: &str) -> Result<Incident> {
        let found = self.0.store.incident_in(tx, id).await?;
        found.ok_or_else(|| Error::Domain(domain::Error::not_found(format!("incident `{}`", shorten(id)))))
    }

    /// Tells what timers have reached by `now`, once.
    pub(crate) async fn mark_timers(&self, now: Time) -> Result<()> {
        let mut told = false;
        for incident in self.0.store.unresolved().await? {
            let reached = incident.timer().reached(now);
            // Most looks at the clock find nothing new: they are not to keep writers waiting.
            if incident.breached_at.is_some() || self.0.store.count_marks(&incident.id, &incident.severity).await? >= reached.len() as i64 {
                continue;
            }
            let mut tx = self.0.store.write().await?;
            // What was read before the transaction may be answered by now.
            let incident = self.existing_incident(&mut tx, &incident.id).await?;
            if self.mark(&mut tx, &incident, now).await? {
                tx.commit().await?;
                told = true;
            }
        }
        if told {
            self.publish(&[Topic::Incidents]);
        }
        Ok(())
    }

    async fn mark(&self, tx: &mut Tx, incident: &Incident, now: Time) -> Result<bool> {
        let told = self.0.store.marks(tx, &incident.id, &incident.severity).await?;
        let timer = incident.timer();
        let mut any = false;
        for mark in timer.reached(now).into_iter().filter(|mark| !told.iter().any(|told| told == mark.as_str())) {
            let breach = mark == Mark::Breach;
            // An answer ends the warnings, and one breach is all that there is.
            if (breach && incident.breached_at.is_some()) || (!breach && timer.answered.is_some()) {
                continue;
            }
            self.0.store.insert_mark(tx, &incident.id, &incident.severity, mark, now).await?;
            let text = format!("{} was to be answered by {}", incident.severity, incident.due_at.for_people());
            if breach {
                self.0.store.breach(tx, &incident.id, timer.reaches(mark)).await?;
                self.tell(tx, &incident.id, now, ("breach", "portal"), &text).await?;
                self.0.store.record(tx, Act::by_worker(now, "incident.breach", &incident.id, "breached", &text)).await?;
            } else {
                let spent = if mark == Mark::Half { "half of the time" } else { "80 % of the time" };
                self.tell(tx, &incident.id, now, ("warning", "portal"), &format!("{spent} to answer is over, due {}", incident.due_at))
                    .await?;
            }
            any = true;
        }
        Ok(any)
    }
}

fn checked(catalog: &Catalog, mut opening: Opening) -> DomainResult<Opening> {
    opening.title = opening.title.trim().to_owned();
    if opening.title.is_empty() || opening.title.chars().count() > TITLE_LIMIT || opening.title.chars().any(char::is_control) {
        return Err(domain::Error::invalid("title", format!("expected a line of 1 to {TITLE_LIMIT} characters")));
    }
    opening.severity = known_level(catalog, &opening.severity)?;
    opening.components = components::known(catalog, opening.components)?;
    opening.summary = domain::changes::reason("summary", &opening.summary)?;
    Ok(opening)
}

fn known_level(catalog: &Catalog, severity: &str) -> DomainResult<String> {
    let known: Vec<&str> = catalog.severities.iter().map(|level| level.level.as_str()).collect();
    match known.iter().find(|level| **level == severity) {
        Some(level) => Ok((*level).to_owned()),
        None => {
            Err(domain::Error::invalid("severity", format!("`{}` is not a level: expected one of {}", shorten(severity), known.join(", "))))
        }
    }
}
