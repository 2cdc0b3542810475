//! The last changes of the cluster, from which watches are served.
//!
//! Invariant: changes are in the order of their revisions without a gap, and none older than `floor` is kept.

use super::Key;
use serde_json::Value;
use std::collections::VecDeque;
use std::sync::Arc;

/// How many changes are kept.
const DEPTH: usize = 4096;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum ChangeKind {
    Added,
    Modified,
    Deleted,
}

/// One write to one object.
#[derive(Clone)]
pub(crate) struct Change {
    pub revision: u64,
    pub key: Key,
    pub kind: ChangeKind,
    pub object: Arc<Value>,
    /// The object before, so that a watch with a selector can tell what entered or left it.
    pub previous: Option<Arc<Value>>,
}

pub(crate) struct History {
    changes: VecDeque<Change>,
    floor: u64,
}

impl History {
    /// An empty history of a cluster that has made `floor` changes.
    pub fn new(floor: u64) -> History {
        History { changes: VecDeque::new(), floor }
    }

    pub fn push(&mut self, change: Change) {
        if self.changes.len() == DEPTH {
            self.forget_one();
        }
        self.changes.push_back(change);
    }

    fn forget_one(&mut self) {
        if let Some(change) = self.changes.pop_front() {
            self.floor = change.revision;
        }
    }

    /// Forgets all changes, as a compaction of etcd does.
    pub fn compact(&mut self) {
        while !self.changes.is_empty() {
            self.forget_one();
        }
    }

    /// The changes after a revision, or None when some of them are forgotten.
    pub fn since(&self, revision: u64) -> Option<impl DoubleEndedIterator<Item = &Change>> {
        let start = self.changes.partition_point(|change| change.revision <= revision);
        (revision >= self.floor).then(|| self.changes.range(start..))
    }
}
