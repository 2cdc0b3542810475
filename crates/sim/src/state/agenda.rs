//! What the controllers have to do, and when.
//!
//! Invariant: each piece of work stands on it at most once, at the earliest time that anybody asked for.

use super::Key;
use jiff::Timestamp;
use std::collections::{BTreeMap, BTreeSet};

/// Something to do for a controller.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Work {
    /// Bring one object in line with what it asks for.
    Sync(Key),
    /// Delete what the object of this uid owned.
    Collect(String),
}

/// Whether the cluster is at rest while this work is still to come.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Urgency {
    /// Comes back for ever or just watches a deadline: the next restart of a crash loop, the end of a back-off.
    Retry,
    /// Leads somewhere: a pod becomes ready, a rollout takes its next step.
    Progress,
}

/// When a controller wants to look at an object again.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Wake {
    pub at: Timestamp,
    pub urgency: Urgency,
}

#[derive(Default)]
pub(crate) struct Agenda {
    entries: BTreeMap<Work, Wake>,
    order: BTreeSet<(Timestamp, Work)>,
}

impl Agenda {
    pub fn add(&mut self, work: Work, at: Timestamp, urgency: Urgency) {
        let mut wake = Wake { at, urgency };
        if let Some(known) = self.entries.get(&work) {
            wake = Wake { at: at.min(known.at), urgency: urgency.max(known.urgency) };
            self.order.remove(&(known.at, work.clone()));
        }
        self.order.insert((wake.at, work.clone()));
        self.entries.insert(work, wake);
    }

    /// The next piece of work that is due at `now`, with the time it was due.
    pub fn pop(&mut self, now: Timestamp) -> Option<(Timestamp, Work)> {
        if self.next()? > now {
            return None;
        }
        let (due, work) = self.order.pop_first()?;
        self.entries.remove(&work);
        Some((due, work))
    }

    /// When the next piece of work is due.
    pub fn next(&self) -> Option<Timestamp> {
        self.order.first().map(|(at, _)| *at)
    }

    /// Whether something is to come that leads somewhere.
    pub fn has_progress(&self) -> bool {
        self.entries.values().any(|wake| wake.urgency == Urgency::Progress)
    }
}
