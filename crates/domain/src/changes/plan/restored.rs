//! What a rollback does not bring back by itself: configuration that was changed since, unless that is asked for, and what releases in
//! between did that cannot be undone. All is said before anybody asks.

use super::{Facts, Gate, Refusal, RefusalCode, Word, managed, pass, warn};
use crate::changes::config::{ConfigWrite, config_hash};
use crate::changes::diff::between;
use crate::clusters::Manager;
use serde_json::{Value, json};
use std::collections::BTreeSet;

/// On a pod template: the release does something that an older one may not work with, such as a migration. Its text says what.
pub const IRREVERSIBLE_ANNOTATION: &str = "devmatrix.io/irreversible";

/// A release that was deployed after the one to restore.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Since {
    pub revision: i64,
    pub version: String,
    /// What its template says of itself, if it is marked.
    pub irreversible: Option<String>,
}

impl Since {
    pub fn of(revision: i64, version: String, template: &Value) -> Since {
        let marked = template.pointer("/metadata/annotations").and_then(|all| all[IRREVERSIBLE_ANNOTATION].as_str());
        let marked = marked.map(str::trim).filter(|text| !text.is_empty() && *text != "false");
        Since { revision, version, irreversible: marked.map(str::to_owned) }
    }
}

/// A ConfigMap that the recorded template refers to: its data when the release was deployed, and now. None: it was, or is, not there.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ConfigThen {
    pub name: String,
    pub then: Option<Value>,
    pub now: Option<Kept>,
}

/// A ConfigMap as it is now.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Kept {
    pub uid: String,
    /// Its `data` and `binaryData`.
    pub held: Value,
    pub immutable: bool,
    pub managed_by: Option<Manager>,
}

impl ConfigThen {
    /// `nginx-config (worker_processes, events)`; None: it is as it was.
    fn changed(&self) -> Option<String> {
        let (then, now) = match (&self.then, &self.now) {
            (None, None) => return None,
            (None, Some(_)) => return Some(format!("{} (is new)", self.name)),
            (Some(_), None) => return Some(format!("{} (is gone)", self.name)),
            (Some(then), Some(now)) if config_hash(then) == config_hash(&now.held) => return None,
            (Some(then), Some(now)) => (then, &now.held),
        };
        let keys: BTreeSet<_> = PARTS.iter().flat_map(|part| differing(then, now, part)).collect();
        Some(format!("{} ({})", self.name, keys.into_iter().collect::<Vec<_>>().join(", ")))
    }

    /// It was there, and is another one now.
    fn to_restore(&self) -> Option<&Value> {
        self.then.as_ref().filter(|_| self.changed().is_some())
    }
}

const PARTS: [&str; 2] = ["data", "binaryData"];

/// The keys of one part that are not the same in both.
fn differing(then: &Value, now: &Value, part: &str) -> Vec<String> {
    let names = |of: &Value| of[part].as_object().map(|map| map.keys().cloned().collect::<Vec<_>>()).unwrap_or_default();
    let all: BTreeSet<_> = names(then).into_iter().chain(names(now)).collect();
    all.into_iter().filter(|key| then[part][key] != now[part][key]).collect()
}

/// The gate of configuration that could be brought back.
pub const CONFIG_CHANGED: &str = "Configuration has changed since";

fn word(text: String) -> Option<Word> {
    Some(Word { what: "Configuration".into(), text })
}

/// `config`: None where nobody wrote down what it was.
pub(super) fn configuration(config: Option<&[ConfigThen]>) -> (Option<Gate>, Option<Word>) {
    let Some(config) = config else {
        return (None, word("Stays as it is now; what its ConfigMaps held then was not written down".into()));
    };
    if config.is_empty() {
        return (None, None);
    }
    let changed: Vec<_> = config.iter().filter_map(ConfigThen::changed).collect();
    if changed.is_empty() {
        return (Some(as_it_was()), None);
    }
    let changed = changed.join("; ");
    let detail = format!("Changed since then, and not brought back: {changed}");
    if !config.iter().any(|map| map.to_restore().is_some()) {
        return (Some(warn("config", "Configuration came since", detail)), word(format!("Stays as it is now: {changed}")));
    }
    let stays = format!("Stays as it is now: {changed}. It can be brought back too, when that is asked for");
    (Some(warn("config", CONFIG_CHANGED, detail)), word(stays))
}

fn as_it_was() -> Gate {
    pass("config", "Configuration is as it was then", "Its ConfigMaps hold the same".into())
}

/// The same for a rollback that was asked to bring it back.
pub(super) fn restoration(config: Option<&[ConfigThen]>, writes: &[ConfigWrite], revision: i64) -> (Option<Gate>, Option<Word>) {
    let config = config.unwrap_or_default();
    let named = |wanted: bool| {
        let of = config.iter().filter(|map| map.to_restore().is_some() == wanted).filter_map(ConfigThen::changed);
        of.collect::<Vec<_>>().join("; ")
    };
    let (back, new) = (named(true), named(false));
    let stays = if new.is_empty() { String::new() } else { format!(". What was not there then stays: {new}") };
    if writes.is_empty() {
        let gate = (!config.is_empty() && new.is_empty()).then(as_it_was);
        return (gate, word(format!("There is nothing to bring back{stays}")));
    }
    let helm = |map: &&ConfigThen| map.to_restore().is_some() && map.now.as_ref().is_some_and(|now| now.managed_by.is_some());
    let owned: Vec<_> = config.iter().filter(helm).map(|map| map.name.as_str()).collect();
    let owned = match owned.as_slice() {
        [] => String::new(),
        names => format!(". Helm owns {}: its next upgrade may undo this", names.join(", ")),
    };
    let detail = format!(
        "Written before the workload, in this order: {back}. Whatever else reads them reads this too, and pods may before they are replaced{owned}"
    );
    (Some(warn("config", "Configuration is brought back", detail)), word(format!("As revision {revision} had it: {back}{stays}")))
}

/// What brings the configuration of the record back: only what differs is written.
pub(super) fn writes(facts: &Facts) -> Result<Vec<ConfigWrite>, Refusal> {
    let env = &facts.environment;
    let Some(config) = &facts.config else {
        let why = "What its ConfigMaps held then was not written down: roll back without them, and change them by hand.";
        return Err(Refusal::new(RefusalCode::ConfigUnknown, why));
    };
    let wanted = config.iter().filter_map(|map| Some((map, map.to_restore()?)));
    wanted
        .map(|(map, then)| {
            let Some(now) = &map.now else { return Ok(made_anew(&map.name, &env.namespace, then)) };
            managed(&now.managed_by, &format!("ConfigMap {} in {}", map.name, env.title))?;
            if now.immutable {
                let why = format!(
                    "ConfigMap {} in {} is immutable, so what it held cannot be brought back: roll back without the configuration, or delete it first.",
                    map.name, env.title
                );
                return Err(Refusal::new(RefusalCode::ConfigImmutable, why));
            }
            Ok(patched(&map.name, now, then))
        })
        .collect()
}

fn patched(name: &str, now: &Kept, then: &Value) -> ConfigWrite {
    let mut body = json!({"metadata": {"uid": now.uid}});
    for part in PARTS {
        for key in differing(then, &now.held, part) {
            body[part][&key] = then[part][&key].clone();
        }
    }
    ConfigWrite {
        name: name.to_owned(),
        uid: Some(now.uid.clone()),
        hash: Some(config_hash(&now.held)),
        hash_after: config_hash(then),
        body,
        diff: between(&shown(&now.held), &shown(then)),
    }
}

fn made_anew(name: &str, namespace: &str, then: &Value) -> ConfigWrite {
    let mut body = json!({"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": name, "namespace": namespace}});
    for part in PARTS.into_iter().filter(|part| then[*part].is_object()) {
        body[part] = then[part].clone();
    }
    let diff = between("", &shown(then));
    ConfigWrite { name: name.to_owned(), uid: None, hash: None, hash_after: config_hash(then), body, diff }
}

/// What a ConfigMap holds, key by key, one line of a value in each line; of binary data its hash.
fn shown(held: &Value) -> String {
    let mut text = String::new();
    for (key, value) in held["data"].as_object().into_iter().flatten() {
        let value = value.as_str().unwrap_or_default();
        match value.trim_end_matches('\n') {
            line if !line.contains('\n') && line == value => text.push_str(&format!("{key}: {line}\n")),
            lines => {
                // As YAML has it: `-` where the value does not end with a line break.
                text.push_str(&format!("{key}: {}\n", if value.ends_with('\n') { "|" } else { "|-" }));
                lines.split('\n').for_each(|line| text.push_str(&format!("  {line}\n")));
            }
        }
    }
    for (key, value) in held["binaryData"].as_object().into_iter().flatten() {
        let value = value.as_str().unwrap_or_default();
        text.push_str(&format!("{key}: binary, sha256 of its base64 {}\n", &crate::digest::sha256(value)[..12]));
    }
    text
}

/// The releases that cannot be gone back over, the newest first.
pub(super) fn irreversible(since: &[Since]) -> Option<Gate> {
    let marked: Vec<_> = since
        .iter()
        .filter_map(|release| Some(format!("{} (revision {}): {}", release.version, release.revision, release.irreversible.as_ref()?)))
        .collect();
    (!marked.is_empty()).then(|| warn("irreversible", "A release in between cannot be undone", marked.join("; ")))
}
