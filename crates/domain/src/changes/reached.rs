//! How far a change's writes have come, and what an end now would leave behind.

use super::{Change, Kind};

impl Change {
    /// How far its write has come.
    pub fn reached(&self) -> Reached {
        match (self.written_generation, self.sent) {
            (Some(_), _) if self.plan.kind == Kind::RunJob => Reached::Runs,
            (Some(_), _) => Reached::Written,
            (None, true) => Reached::Sent,
            (None, false) if !self.config.is_empty() => Reached::Configuration,
            (None, false) => Reached::Nothing,
        }
    }
}

/// How far a change's write has come: what an abort leaves behind.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Reached {
    Nothing,
    /// Of a rollback with its configuration: ConfigMaps were sent, the workload was not.
    Configuration,
    /// Sent, without an answer that is certain.
    Sent,
    Written,
    /// Its Job was made.
    Runs,
}

impl Reached {
    /// What an abort would mean, said before it is pressed.
    pub fn abort_means(self) -> &'static str {
        match self {
            Reached::Nothing => "Nothing has been written yet, and nothing will be.",
            Reached::Configuration => {
                "The workload is not written. ConfigMaps of it have been sent, and stay as they are: pods that start, or look again, read them."
            }
            Reached::Sent => {
                "Its write is under way and may have arrived. It is not sent again, and the portal stops looking: see in the cluster what is there."
            }
            Reached::Written => "Stops watching. What was written stays written, and Kubernetes goes on with it: roll back to undo it.",
            Reached::Runs => "Stops watching. Its Job runs on: delete it in the cluster to end it.",
        }
    }

    /// The same afterwards, for the record: `aborted by olivia …`
    pub fn aborted(self) -> &'static str {
        match self {
            Reached::Nothing => "before its write",
            Reached::Configuration => "after ConfigMaps were sent, and before the workload was written",
            Reached::Sent => "while its write was sent, which may have arrived: look at the cluster",
            Reached::Written => "after its write: Kubernetes goes on rolling out",
            Reached::Runs => "while its Job runs, which goes on",
        }
    }
}
