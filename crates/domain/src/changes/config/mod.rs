//! The ConfigMaps that a rollback brings back: what is written to each, how far that has come, and what comes next. They are written
//! before the workload, one after the other, so that every pod of the restored revision starts with the restored configuration.
//!
//! Invariant: while anything is still to be written, everything else is as the plan has it; otherwise nothing more is written, and the
//! change ends. A write that arrived is never sent again.

mod next;

pub use next::{ConfigPresent, ConfigSeen, ConfigWritten, Restoring, next_write};

use super::diff::Diff;
use super::write::{CHANGE_ANNOTATION, FENCE_ANNOTATION, Patch, PatchKind, Stamp};
use super::{Change, Plan};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

/// One ConfigMap to bring back, and what it is now.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ConfigWrite {
    pub name: String,
    /// None: it is gone, and is made anew.
    pub uid: Option<String>,
    /// Of what it holds now. None: it is gone.
    pub hash: Option<String>,
    /// Of what it will hold.
    pub hash_after: String,
    /// A strategic merge patch of the keys that differ, with null for those that came since; or the whole new ConfigMap.
    pub body: Value,
    pub diff: Diff,
}

impl ConfigWrite {
    /// A write as it is journalled: with the marks by which we know it again, and the precondition where the ConfigMap is there.
    pub fn stamped(&self, change: &str, fence: i64, resource_version: &str) -> String {
        if self.uid.is_some() {
            let patch = Patch { kind: PatchKind::StrategicMerge, body: self.body.clone() };
            return patch.stamped(&Stamp { change, fence, cause: None, resource_version, annotated: true });
        }
        let mut object = self.body.clone();
        object["metadata"]["annotations"] = json!({CHANGE_ANNOTATION: change, FENCE_ANNOTATION: fence.to_string()});
        crate::digest::canonical(&object)
    }

    /// `made anew` or `patched`: what its write is.
    pub fn verb(&self) -> &'static str {
        if self.uid.is_some() { "patched" } else { "made anew" }
    }
}

/// SHA-256 of what a ConfigMap holds: two with the same one hold the same. Nothing held and no such field are the same.
pub fn config_hash(held: &Value) -> String {
    let part = |name: &str| held.get(name).filter(|value| value.is_object()).cloned().unwrap_or_else(|| json!({}));
    crate::digest::of(&json!({"data": part("data"), "binaryData": part("binaryData")}))
}

/// A ConfigMap of a change whose write arrived, or may have arrived.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ConfigSent {
    pub name: String,
    /// It is known to have arrived.
    pub applied: bool,
}

impl Plan {
    /// All its writes in words, before they are made.
    pub fn writes_in_words(&self) -> String {
        let names: Vec<_> = self.config.iter().map(|write| write.name.as_str()).collect();
        match names.as_slice() {
            [] => self.patch.in_words().to_owned(),
            names => format!(
                "{} {}, and then the workload: one write each, with uid and resourceVersion as precondition",
                if names.len() == 1 { "ConfigMap" } else { "ConfigMaps" },
                names.join(", ")
            ),
        }
    }

    /// Its configuration changed since, is written down, and is not brought back by it: it could be asked for.
    pub fn could_restore_config(&self) -> bool {
        self.config.is_empty() && self.gates.iter().any(|gate| gate.name == "config" && gate.title == super::plan::CONFIG_CHANGED)
    }
}

impl Change {
    /// What an end before the workload's write leaves in the ConfigMaps. None: nothing.
    pub fn left_behind(&self) -> Option<String> {
        if self.written_generation.is_some() || self.config.is_empty() {
            return None;
        }
        let names = |applied: bool| {
            let of: Vec<_> = self.config.iter().filter(|sent| sent.applied == applied).map(|sent| sent.name.as_str()).collect();
            (!of.is_empty()).then(|| of.join(", "))
        };
        let restored = names(true).map(|names| format!("restored already, and left so: {names}"));
        let unknown = names(false).map(|names| format!("sent without a certain answer: {names}"));
        let said: Vec<_> = [restored, unknown].into_iter().flatten().collect();
        Some(format!("of its ConfigMaps, {}", said.join("; ")))
    }

    /// What an abort would mean, said before it is pressed.
    pub fn abort_means(&self) -> String {
        let means = self.reached().abort_means();
        self.left_behind().map_or_else(|| means.to_owned(), |left| format!("{means} Now, {left}."))
    }
}
