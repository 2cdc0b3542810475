//! The ConfigMaps that a rollback brings back: how they look, and their writes, before that of the workload. Each is journalled, then
//! sent; sent again when nothing became of it; noted when it arrived.
//!
//! Invariants: those of `write.rs`, for each ConfigMap.

use super::worker::{LOOK_AGAIN, Round};
use crate::clusters::{Cluster, WriteAnswer, in_words, objects};
use crate::error::{Error, Result};
use crate::events::Topic;
use crate::store::{Act, ConfigJournal, ConfigPlace};
use crate::{Engine, fault};
use domain::changes::config::{ConfigPresent, ConfigSeen, Restoring, config_hash};
use domain::changes::explain::What;
use domain::changes::step::Written;
use domain::changes::{CHANGE_ANNOTATION, Change, ConfigWrite, State, Step};
use serde_json::Value;
use std::time::Duration;

impl Engine {
    /// How the ConfigMaps of a change look, with their journal. Once the workload is written nobody asks.
    pub(super) async fn restoring(&self, change: &Change, written: &Written, journal: &[ConfigJournal]) -> Restoring {
        let mut restoring = Restoring::default();
        if matches!(written, Written::Applied { .. }) {
            return restoring;
        }
        for (position, write) in change.plan.config.iter().enumerate() {
            let seen = match self.cluster(&change.plan.target.cluster) {
                Ok(cluster) => look(cluster, &change.plan.target.namespace, &write.name).await,
                Err(error) => ConfigSeen::Unreachable(error.to_string()),
            };
            let kept = journal.iter().find(|kept| kept.position == position);
            restoring.maps.push((write.clone(), kept.map(|kept| kept.written.clone()).unwrap_or_default(), seen));
        }
        restoring
    }

    pub(super) async fn intend_config(&self, change: &Change, fence: i64, position: usize, resource_version: &str) -> Result<Round> {
        let Some((write, place)) = place(change, position) else { return Ok(Round::Over) };
        if let Some(round) = self.barred(change, false).await? {
            return Ok(round);
        }
        let now = self.now();
        let bytes = write.stamped(&change.id, fence, resource_version);
        let Some(mut tx) = self.holding(&change.id).await? else { return Ok(Round::Over) };
        // A freeze that was committed before this is seen here, and one that comes later waits for this to be committed.
        if let Some(closed) = self.closing_in(&mut tx, change).await?.filter(|_| !self.passes_closing(change)) {
            tx.rollback().await?;
            return self.wait_for_opening(change, &closed.why).await;
        }
        self.0.store.journal_config_intent(&mut tx, place, resource_version, &bytes, now).await?;
        let step = |name: &str, state: &str, detail: String| Step {
            name: name.into(),
            state: state.into(),
            started: Some(now),
            finished: (state == "done").then_some(now),
            detail,
        };
        self.0.store.set_step(&mut tx, &change.id, 2, &step("check", "done", "Everything is as planned".into())).await?;
        let sending = format!("Restoring ConfigMap {}, {} of {}", write.name, position + 1, change.plan.config.len());
        self.0.store.set_step(&mut tx, &change.id, 3, &step("write", "running", sending)).await?;
        let detail = format!(
            "ConfigMap {}, resourceVersion {}, {} bytes, sha256 {}",
            write.name,
            if resource_version.is_empty() { "none" } else { resource_version },
            bytes.len(),
            &domain::digest::sha256(&bytes)[..12]
        );
        self.0.store.record(&mut tx, Act::by_worker(now, "cluster.intend", &change.id, "done", &detail)).await?;
        tx.commit_as("a ConfigMap's intent is stored").await?;
        self.publish(&[Topic::Changes]);
        self.send_config(change, position, &bytes).await
    }

    /// The journalled bytes once more, since nothing became of them: whatever forbids a write forbids this too, and the try counts.
    pub(super) async fn send_config_again(&self, change: &Change, position: usize, journal: &[ConfigJournal]) -> Result<Round> {
        let (Some((_, place)), Some(kept)) = (place(change, position), journal.iter().find(|kept| kept.position == position)) else {
            return Ok(Round::Over);
        };
        if let Some(round) = self.barred(change, false).await? {
            return Ok(round);
        }
        // An abort has taken the lease away.
        let Some(mut tx) = self.holding(&change.id).await? else { return Ok(Round::Over) };
        if self.closing_in(&mut tx, change).await?.is_some_and(|_| !self.passes_closing(change)) {
            // The next round says what it waits for.
            return Ok(Round::Again(LOOK_AGAIN));
        }
        self.0.store.journal_config_try(&mut tx, place).await?;
        tx.commit_as("a try is stored").await?;
        self.send_config(change, position, &kept.bytes).await
    }

    /// Sends the journalled bytes. Whatever the answer, the next round looks and decides.
    async fn send_config(&self, change: &Change, position: usize, bytes: &str) -> Result<Round> {
        let Some((write, _)) = place(change, position) else { return Ok(Round::Over) };
        let cluster = self.cluster(&change.plan.target.cluster)?.clone();
        if !self.may_send(change) {
            return Ok(Round::Over);
        }
        fault::point("before a ConfigMap is sent");
        let answer = cluster.write_config(&change.plan.target.namespace, write, bytes, false).await;
        fault::point("after a ConfigMap is answered");
        self.log_config_answer(change, position, write, bytes.len(), &answer).await?;
        match answer {
            WriteAnswer::Applied(_) => self.config_applied(change, position).await,
            // Whose conflict it was, the next look tells.
            WriteAnswer::Conflict(_) | WriteAnswer::Gone(_) => Ok(Round::Again(LOOK_AGAIN)),
            WriteAnswer::Stale(_) => self.outrun(change).await,
            WriteAnswer::Refused(said) => {
                let why = format!("the cluster refused the write of ConfigMap {}: {said}", write.name);
                self.conclude(change, State::Errored, &why, None).await?;
                Ok(Round::Over)
            }
            WriteAnswer::Later(said) | WriteAnswer::Unknown(said) => {
                let why = format!("no certain answer for ConfigMap {} ({said}); looking before trying again", write.name);
                self.note(change, "write", 3, &why).await?;
                Ok(Round::Rest(said.retry_after.unwrap_or_default()))
            }
        }
    }

    /// Of what was refused for certain nothing is on its way: no end says that it might be.
    async fn log_config_answer(
        &self,
        change: &Change,
        position: usize,
        write: &ConfigWrite,
        bytes: usize,
        answer: &WriteAnswer,
    ) -> Result<()> {
        let what = if write.uid.is_some() { "patch" } else { "creation" };
        let text = format!("the {what} of ConfigMap {}, {bytes} bytes, {}", write.name, answer.in_words());
        let Some(mut tx) = self.holding(&change.id).await? else { return Ok(()) };
        self.0.store.log_line(&mut tx, &change.id, self.now(), What::Answered, &text).await?;
        if answer.is_certain_no() {
            let place = ConfigPlace { change: &change.id, position, name: &write.name };
            self.0.store.journal_config_refused(&mut tx, place).await?;
        }
        Ok(tx.commit_as("the answer is stored").await?)
    }

    /// The ConfigMap holds what it held then, by this change.
    pub(super) async fn config_applied(&self, change: &Change, position: usize) -> Result<Round> {
        let Some((write, place)) = place(change, position) else { return Ok(Round::Over) };
        let now = self.now();
        let Some(mut tx) = self.holding(&change.id).await? else { return Ok(Round::Over) };
        self.0.store.journal_config_applied(&mut tx, place, now).await?;
        let detail = format!("ConfigMap {} is restored, {} of {}", write.name, position + 1, change.plan.config.len());
        let step = Step { name: "write".into(), state: "running".into(), started: Some(now), finished: None, detail };
        self.0.store.set_step(&mut tx, &change.id, 3, &step).await?;
        let detail = format!("ConfigMap {} was {}", write.name, write.verb());
        self.0.store.record(&mut tx, Act::by_worker(now, "cluster.write", &change.id, "done", &detail)).await?;
        tx.commit_as("a ConfigMap is noted").await?;
        self.publish(&[Topic::Changes]);
        Ok(Round::Again(Duration::ZERO))
    }
}

fn place(change: &Change, position: usize) -> Option<(&ConfigWrite, ConfigPlace<'_>)> {
    let write = change.plan.config.get(position)?;
    Some((write, ConfigPlace { change: &change.id, position, name: &write.name }))
}

async fn look(cluster: &Cluster, namespace: &str, name: &str) -> ConfigSeen {
    let object = match cluster.config_map(namespace, name).await {
        Ok(Some(object)) => object,
        Ok(None) => return ConfigSeen::Gone,
        Err(Error::Cluster { source, .. }) => return ConfigSeen::Unreachable(in_words(&source)),
        Err(error) => return ConfigSeen::Unreachable(error.to_string()),
    };
    let text = |pointer: &str| object.pointer(pointer).and_then(Value::as_str).unwrap_or_default().to_owned();
    let owner = objects::managed(&object).filter(|manager| manager.gitops).map(|manager| format!("is managed by {}", manager.tool));
    ConfigSeen::There(ConfigPresent {
        uid: text("/metadata/uid"),
        resource_version: text("/metadata/resourceVersion"),
        hash: config_hash(&object),
        change: object.pointer("/metadata/annotations").and_then(|all| all[CHANGE_ANNOTATION].as_str()).map(str::to_owned),
        locked: if object["immutable"] == true { Some("is immutable".into()) } else { owner },
    })
}
