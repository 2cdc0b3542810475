//! Why a change did what it did: what people did to it, what the worker saw of its target, what it decided, and what the API
//! server answered, line by line and in the order of time.
//!
//! Invariant: it only tells. No decision reads it, so that a lost line changes nothing.

use super::step::{JobEnd, Next, Present, Ran, Seen};
use crate::Time;
use crate::audit;
use crate::clusters::Rollout;
use serde::{Deserialize, Serialize};
use std::fmt;

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum What {
    /// Somebody, or the portal, did something that the audit record keeps.
    Did,
    /// How the target looked.
    Saw,
    /// What followed from it.
    Decided,
    /// What the API server said to a write.
    Answered,
}

impl What {
    pub fn as_str(self) -> &'static str {
        match self {
            What::Did => "did",
            What::Saw => "saw",
            What::Decided => "decided",
            What::Answered => "answered",
        }
    }

    pub fn parse(text: &str) -> Option<What> {
        [What::Did, What::Saw, What::Decided, What::Answered].into_iter().find(|what| what.as_str() == text)
    }
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
pub struct Line {
    #[schema(value_type = String, format = DateTime)]
    pub at: Time,
    pub what: What,
    pub text: String,
}

/// The worker's lines and the audit record's entries as one story. Of one moment, what was done comes after what it followed from.
pub fn explain(log: Vec<Line>, acts: &[audit::Entry]) -> Vec<Line> {
    let mut lines = log;
    lines.extend(acts.iter().map(did));
    lines.sort_by_key(|line| (line.at, line.what == What::Did));
    lines
}

fn did(entry: &audit::Entry) -> Line {
    let outcome = if entry.outcome == "done" { String::new() } else { format!(" ({})", entry.outcome) };
    let detail = if entry.detail.is_empty() { String::new() } else { format!(": {}", entry.detail) };
    let who = if entry.via == "worker" { String::new() } else { format!(" by {}", entry.who) };
    Line { at: entry.at, what: What::Did, text: format!("{}{who}{outcome}{detail}", entry.what) }
}

impl fmt::Display for Seen {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Seen::Unreachable(why) => write!(f, "the cluster cannot be read: {why}"),
            Seen::Gone => f.write_str("there is no such object"),
            Seen::There(present) => present.fmt(f),
            Seen::Ran(ran) => ran.fmt(f),
        }
    }
}

impl fmt::Display for Present {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "generation {}", self.generation)?;
        // The watch keeps none.
        if !self.resource_version.is_empty() {
            write!(f, ", resourceVersion {}", self.resource_version)?;
        }
        if let Some(change) = &self.change {
            write!(f, ", last written by {change}")?;
        }
        match &self.rollout {
            Rollout::Complete => f.write_str("; all pods are as its spec says")?,
            Rollout::Waiting(why) => write!(f, "; {why}")?,
            Rollout::Failed(why) => write!(f, "; its controller gave up: {why}")?,
        }
        if let Some(said) = &self.failing {
            write!(f, "; pod {} cannot start: {}", said.pod, said.reason)?;
        }
        if let Some(said) = &self.held_up {
            write!(f, "; pod {} of an earlier revision holds it up: {}", said.pod, said.reason)?;
        }
        let refused = self.refused.as_ref().map(|refused| &refused.why);
        match self.replica_failure.as_ref().or(refused) {
            Some(why) => write!(f, "; its controller is refused pods: {why}"),
            None => Ok(()),
        }
    }
}

impl fmt::Display for Ran {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "the Job {}", self.name)?;
        match &self.change {
            Some(change) => write!(f, ", made by {change}")?,
            None => f.write_str(", made by no change")?,
        }
        match &self.end {
            Some(JobEnd::Complete) => f.write_str("; it has completed")?,
            Some(JobEnd::Failed(why)) => write!(f, "; it failed: {why}")?,
            None => write!(f, "; {}", self.how)?,
        }
        match &self.failing {
            Some(said) => write!(f, "; pod {} cannot start: {}", said.pod, said.reason),
            None => Ok(()),
        }
    }
}

impl fmt::Display for Next {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Next::Intend { resource_version } => write!(f, "write it, if it still has resourceVersion {resource_version}"),
            Next::Send => f.write_str("nothing became of the write: send the same bytes again"),
            Next::IntendConfig { name, resource_version, .. } if resource_version.is_empty() => write!(f, "make ConfigMap {name} anew"),
            Next::IntendConfig { name, resource_version, .. } => {
                write!(f, "restore ConfigMap {name}, if it still has resourceVersion {resource_version}")
            }
            Next::SendConfig { name, .. } => write!(f, "nothing became of the write of ConfigMap {name}: send the same bytes again"),
            Next::AdoptConfig { name, .. } => write!(f, "ConfigMap {name} is restored by this change: go on"),
            Next::Adopt { generation, .. } => write!(f, "generation {generation} is of this change: follow it"),
            Next::Watch(why) => write!(f, "go on watching: {why}"),
            Next::Wait(why) => write!(f, "write nothing now: {why}"),
            Next::Retry(_) => f.write_str("look again after a pause"),
            Next::Finish { state, reason, .. } => write!(f, "end it as {}: {reason}", state.title().to_lowercase()),
        }
    }
}
