//! Freezes, and what closes each environment now. Whether something may be executed is asked of the database each time; what the
//! pages show is kept in memory and looked at again each second.

use super::{IdempotencyKey, key_reused};
use crate::error::Result;
use crate::events::Topic;
use crate::store::{Act, Tx};
use crate::{DomainResult, Engine};
use domain::Time;
use domain::access::{Actor, Verb, authorize};
use domain::changes::freeze::{Freeze, Scope, closes, closing, zone};
use domain::changes::windows::Effect;
use domain::changes::{Change, Closed};
use domain::incidents::{Incident, State};
use jiff::tz::TimeZone;
use std::collections::BTreeMap;
use std::sync::{Arc, PoisonError, RwLock};

/// By environment: what is closed now. For the pages; nothing is decided on it.
#[derive(Debug, Default)]
pub(crate) struct Closings(RwLock<Arc<BTreeMap<String, Closed>>>);

impl Closings {
    pub fn of(&self, environment: &str) -> Option<Closed> {
        self.0.read().unwrap_or_else(PoisonError::into_inner).get(environment).cloned()
    }

    /// Whether something changed.
    fn set(&self, new: BTreeMap<String, Closed>) -> bool {
        let mut known = self.0.write().unwrap_or_else(PoisonError::into_inner);
        let changed = **known != new;
        *known = Arc::new(new);
        changed
    }
}

/// What somebody wants to freeze.
#[derive(Clone, Debug)]
pub struct NewFreeze {
    pub scope: Scope,
    pub reason: String,
    /// None: from now on.
    pub from: Option<Time>,
    /// None: until somebody lifts it.
    pub until: Option<Time>,
    pub key: Option<IdempotencyKey>,
}

/// When an environment is open, as its page shows it.
#[derive(Clone, Debug)]
pub struct Policy {
    pub windows: Vec<WindowView>,
    /// In which its times are said.
    pub zone: TimeZone,
    /// `Fri 27 Nov 2026 16:00 Europe/Berlin`, when it is open now and closes within a year.
    pub closes: Option<String>,
}

#[derive(Clone, Debug)]
pub struct WindowView {
    pub allows: bool,
    /// `Fri 16:00 - Mon 08:00 Europe/Berlin`
    pub when: String,
    pub reason: String,
    /// A clock there shows a time in it.
    pub now: bool,
}

/// The longest freeze that is set with an end, in seconds: two years.
const LONGEST_S: i64 = 2 * 366 * 86_400;

impl Engine {
    /// Those in force or to come; with `past`, also those that are over. Newest first.
    pub async fn freezes(&self, actor: &Actor, environment: Option<&str>, past: bool) -> DomainResult<Vec<Freeze>> {
        authorize(actor, Verb::Read)?;
        let all = if past { self.0.store.all_freezes().await } else { self.0.store.open_freezes(self.now()).await };
        let mut freezes = all?;
        if let Some(name) = environment {
            let environment = self.0.catalog.environment(name)?;
            freezes.retain(|freeze| freeze.scope.covers(environment));
        }
        Ok(freezes)
    }

    /// The windows of an environment.
    pub async fn policy(&self, actor: &Actor, environment: &str) -> DomainResult<Policy> {
        authorize(actor, Verb::Read)?;
        let (environment, now) = (self.0.catalog.environment(environment)?, self.now());
        let freezes = self.0.store.open_freezes(now).await?;
        let view = |window: &domain::changes::windows::Window| WindowView {
            allows: window.effect == Effect::Allow,
            when: window.in_words(),
            reason: window.reason.clone(),
            now: window.is_open(now),
        };
        let open = closing(environment, &freezes, now).is_none();
        let closes = open.then(|| closes(environment, &freezes, now)).flatten();
        let zone = zone(environment);
        let closes = closes.map(|at| at.in_zone(&zone));
        Ok(Policy { windows: environment.windows.iter().map(view).collect(), zone, closes })
    }

    /// Nothing but a rollback is executed there until the freeze ends or is lifted.
    pub async fn freeze(&self, actor: &Actor, new: NewFreeze) -> DomainResult<Freeze> {
        let on = match &new.scope {
            Scope::Environment(name) => name.clone(),
            Scope::Production => "production".to_owned(),
        };
        match self.set_freeze(actor, new).await {
            Ok(freeze) => {
                self.freezes_changed().await;
                Ok(freeze)
            }
            Err(error) => Err(self.denied(actor, "freeze.set", &on, error.into()).await),
        }
    }

    async fn set_freeze(&self, actor: &Actor, new: NewFreeze) -> Result<Freeze> {
        let person = authorize(actor, Verb::Decide)?.person();
        let now = self.now();
        if let Scope::Environment(name) = &new.scope {
            self.0.catalog.environment(name)?;
        }
        let mut tx = self.0.store.write().await?;
        if let Some(key) = &new.key
            && let Some((freeze, body)) = self.0.store.freeze_by_key(&mut tx, &person.name, &key.key).await?
        {
            return if body == key.body_sha256 { Ok(freeze) } else { Err(key_reused()) };
        }
        let from = new.from.unwrap_or(now).max(now);
        let freeze = Freeze {
            id: uuid::Uuid::now_v7().to_string(),
            scope: new.scope,
            reason: reasoned("reason", &new.reason, "expected why, so that others know what they wait for")?,
            from,
            until: new.until.map(|until| ends_after(from, until)).transpose()?,
            by: person.name.clone(),
            at: now,
            lifted_by: None,
            lifted_at: None,
            lift_reason: None,
        };
        self.0.store.insert_freeze(&mut tx, &freeze, new.key.as_ref()).await?;
        self.0.store.record(&mut tx, Act::by(actor, now, "freeze.set", &freeze.id, &freeze.reason)).await?;
        tx.commit_as("the freeze is stored").await?;
        Ok(freeze)
    }

    pub async fn lift_freeze(&self, actor: &Actor, id: &str, reason: &str) -> DomainResult<Freeze> {
        match self.thaw(actor, id, reason).await {
            Ok(freeze) => {
                self.freezes_changed().await;
                Ok(freeze)
            }
            Err(error) => Err(self.denied(actor, "freeze.lift", id, error.into()).await),
        }
    }

    async fn thaw(&self, actor: &Actor, id: &str, reason: &str) -> Result<Freeze> {
        let person = authorize(actor, Verb::Decide)?.person();
        let now = self.now();
        let mut tx = self.0.store.write().await?;
        let freeze = self.0.store.lift_freeze(&mut tx, id, &person.name, reason, now).await?;
        let freeze = freeze.ok_or_else(|| domain::Error::not_found("freeze of this id (it may have ended, or somebody lifted it)"))?;
        self.0.store.record(&mut tx, Act::by(actor, now, "freeze.lift", id, reason)).await?;
        tx.commit_as("the lifting is stored").await?;
        Ok(freeze)
    }

    /// An open incident of a level that freezes keeps its environments frozen; resolved, or at another level, it lifts what it set.
    /// What a person has lifted meanwhile stays lifted until the incident is graded anew.
    pub(crate) async fn freeze_for(&self, tx: &mut Tx, incident: &Incident, (now, who): (Time, &str)) -> Result<()> {
        let level = self.0.catalog.severity(&incident.severity).ok();
        let wanted = level.filter(|_| incident.state != State::Resolved).map(|level| level.freezes.as_slice()).unwrap_or_default();
        let set = self.0.store.freezes_of(tx, &incident.id).await?;
        let of = |freeze: &Freeze, name: &String| freeze.scope == Scope::Environment(name.clone());
        for freeze in set.iter().filter(|freeze| !wanted.iter().any(|name| of(freeze, name))) {
            let why = format!("{} is {} at {}", incident.label, incident.state.as_str(), incident.severity);
            self.0.store.lift_freeze(tx, &freeze.id, who, &why, now).await?;
            self.0.store.record(tx, Act::by_worker(now, "freeze.lift", &freeze.id, "done", &why)).await?;
        }
        for name in wanted.iter().filter(|name| !set.iter().any(|freeze| of(freeze, name))) {
            let freeze = Freeze {
                id: uuid::Uuid::now_v7().to_string(),
                scope: Scope::Environment(name.clone()),
                reason: format!("{} is open at {}: {}", incident.label, incident.severity, incident.title),
                from: now,
                until: None,
                by: who.to_owned(),
                at: now,
                lifted_by: None,
                lifted_at: None,
                lift_reason: None,
            };
            self.0.store.insert_freeze(tx, &freeze, None).await?;
            self.0.store.freeze_is_of(tx, &freeze.id, &incident.id).await?;
            self.0.store.record(tx, Act::by_worker(now, "freeze.set", &freeze.id, "done", &freeze.reason)).await?;
        }
        Ok(())
    }

    /// The same after an act that is done: what the pages say of it is looked at again each second anyway.
    pub(crate) async fn freezes_changed(&self) {
        if let Err(error) = self.closings_changed().await {
            tracing::warn!(%error, "what is closed is told a moment later");
        }
    }

    async fn closings_changed(&self) -> Result<()> {
        self.refresh_closings().await?;
        self.publish(&[Topic::Changes]);
        self.0.work.notify_one();
        Ok(())
    }

    /// What the pages say of each environment. Also by time alone an environment opens and closes.
    pub(crate) async fn refresh_closings(&self) -> Result<()> {
        let now = self.now();
        let freezes = self.0.store.open_freezes(now).await?;
        let said = self.0.catalog.environments.iter().filter_map(|e| Some((e.name.clone(), closing(e, &freezes, now)?)));
        if self.0.closings.set(said.collect()) {
            self.publish_here(&[Topic::Matrix, Topic::Changes]);
        }
        Ok(())
    }

    /// What closes the environment of a change now, whether or not the change may pass.
    pub(super) async fn closing_now(&self, change: &Change) -> Result<Option<Closed>> {
        let now = self.now();
        self.closing_by(change, &self.0.store.open_freezes(now).await?, now)
    }

    /// The same in a writing transaction: no freeze comes between this and the commit.
    pub(super) async fn closing_in(&self, tx: &mut Tx, change: &Change) -> Result<Option<Closed>> {
        let now = self.now();
        self.closing_by(change, &self.0.store.open_freezes_in(tx, now).await?, now)
    }

    fn closing_by(&self, change: &Change, freezes: &[Freeze], now: Time) -> Result<Option<Closed>> {
        Ok(closing(self.0.catalog.environment(&change.plan.environment)?, freezes, now))
    }
}

fn ends_after(from: Time, until: Time) -> Result<Time, domain::Error> {
    if until <= from {
        return Err(domain::Error::invalid("until", "expected a time after the beginning of the freeze, and after now"));
    }
    if until.seconds_since(from) > LONGEST_S {
        return Err(domain::Error::invalid("until", "expected a time within two years; leave it out to freeze until somebody lifts it"));
    }
    Ok(until)
}

/// A reason that must be there.
pub(super) fn reasoned(field: &str, text: &str, why: &str) -> Result<String, domain::Error> {
    let text = domain::changes::reason(field, text)?;
    if text.is_empty() { Err(domain::Error::invalid(field, why)) } else { Ok(text) }
}
