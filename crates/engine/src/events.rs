//! Who shows something hears that it changed: topics and versions, never content. A page refetches what it shows.

use std::sync::atomic::{AtomicU64, Ordering};
use tokio::sync::broadcast;

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Topic {
    /// Something that runs in a cluster, or a cluster's reach.
    Matrix,
    /// A change, its votes, its steps; records and holds.
    Changes,
    /// Who is asked to decide.
    Approvals,
    /// Kubernetes Events; at most once a second and cluster, for they come in bursts.
    Happenings,
    /// Who is on call: a handoff, an override, a swap.
    OnCall,
    /// Incidents, their timers and their stories.
    Incidents,
    /// Pages and what becomes of their deliveries.
    Pages,
}

impl Topic {
    pub const ALL: [Topic; 7] =
        [Topic::Matrix, Topic::Changes, Topic::Approvals, Topic::Happenings, Topic::OnCall, Topic::Incidents, Topic::Pages];

    pub fn parse(text: &str) -> Option<Topic> {
        Topic::ALL.into_iter().find(|topic| topic.as_str() == text)
    }

    pub fn as_str(self) -> &'static str {
        match self {
            Topic::Matrix => "matrix",
            Topic::Changes => "changes",
            Topic::Approvals => "approvals",
            Topic::Happenings => "happenings",
            Topic::OnCall => "on_call",
            Topic::Incidents => "incidents",
            Topic::Pages => "pages",
        }
    }
}

#[derive(Clone, Copy, Debug)]
pub struct Event {
    pub topic: Topic,
    pub version: u64,
}

#[derive(Debug)]
pub struct Bus {
    versions: [AtomicU64; Topic::ALL.len()],
    sender: broadcast::Sender<Event>,
}

impl Default for Bus {
    fn default() -> Bus {
        Bus { versions: Default::default(), sender: broadcast::channel(1024).0 }
    }
}

impl Bus {
    /// The version of all topics together: it moves whenever anything that is shown has changed.
    pub fn version(&self) -> u64 {
        self.versions.iter().map(|v| v.load(Ordering::Acquire)).sum()
    }

    pub fn version_of(&self, topic: Topic) -> u64 {
        self.versions[topic as usize].load(Ordering::Acquire)
    }

    /// Tells everyone who listens; nobody listening is fine.
    pub fn publish(&self, topic: Topic) {
        let version = self.versions[topic as usize].fetch_add(1, Ordering::AcqRel) + 1;
        let _ = self.sender.send(Event { topic, version });
    }

    pub fn subscribe(&self) -> broadcast::Receiver<Event> {
        self.sender.subscribe()
    }
}
