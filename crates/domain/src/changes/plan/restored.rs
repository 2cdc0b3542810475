//! What a rollback does not bring back by itself: configuration that was changed since, and what releases in between did that cannot be
//! undone. Both are said before anybody asks.

use super::{Gate, Word, pass, warn};
use serde_json::Value;
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
    pub now: Option<Value>,
}

impl ConfigThen {
    /// `nginx-config (worker_processes, events)`; None: it is as it was.
    fn changed(&self) -> Option<String> {
        let (then, now) = match (&self.then, &self.now) {
            (then, now) if then == now => return None,
            (None, Some(_)) => return Some(format!("{} (is new)", self.name)),
            (Some(_), None) => return Some(format!("{} (is gone)", self.name)),
            (then, now) => (then.as_ref()?, now.as_ref()?),
        };
        let mut keys = BTreeSet::new();
        for part in ["data", "binaryData"] {
            let names = |of: &Value| of[part].as_object().map(|map| map.keys().cloned().collect::<Vec<_>>()).unwrap_or_default();
            keys.extend(names(then).into_iter().chain(names(now)).filter(|key| then[part][key] != now[part][key]));
        }
        Some(format!("{} ({})", self.name, keys.into_iter().collect::<Vec<_>>().join(", ")))
    }
}

/// `config`: None where nobody wrote down what it was.
pub(super) fn configuration(config: Option<&[ConfigThen]>) -> (Option<Gate>, Option<Word>) {
    let word = |text: String| Some(Word { what: "Configuration".into(), text });
    let Some(config) = config else {
        return (None, word("Stays as it is now; what its ConfigMaps held then was not written down".into()));
    };
    if config.is_empty() {
        return (None, None);
    }
    let changed: Vec<_> = config.iter().filter_map(ConfigThen::changed).collect();
    if changed.is_empty() {
        return (Some(pass("config", "Configuration is as it was then", "Its ConfigMaps hold the same".into())), None);
    }
    let detail = format!("Changed since then, and not brought back: {}", changed.join("; "));
    (Some(warn("config", "Configuration has changed since", detail)), word(format!("Stays as it is now: {}", changed.join("; "))))
}

/// The releases that cannot be gone back over, the newest first.
pub(super) fn irreversible(since: &[Since]) -> Option<Gate> {
    let marked: Vec<_> = since
        .iter()
        .filter_map(|release| Some(format!("{} (revision {}): {}", release.version, release.revision, release.irreversible.as_ref()?)))
        .collect();
    (!marked.is_empty()).then(|| warn("irreversible", "A release in between cannot be undone", marked.join("; ")))
}
