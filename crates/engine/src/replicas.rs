//! Other replicas of the portal on the same database: of what one does, the pages and the workers of the others hear at once.
//!
//! Invariant: a wake-up only. Nothing is decided on it, and what is missed is found by looking: by the workers each second, for the
//! pages within [`LOOK_EVERY`]. A database in a file has one portal, and nothing of this runs.

use crate::events::Topic;
use crate::store::notices;
use crate::{Engine, Result};
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;
use tokio::sync::Notify;

/// How often it is looked whether somebody did something that was not told.
const LOOK_EVERY: Duration = Duration::from_secs(5);
/// After the connection was lost.
const PAUSE: Duration = Duration::from_secs(1);

/// What people and workers do; what happens in a cluster, each replica sees by itself.
const ACTS: [Topic; 6] = [Topic::Matrix, Topic::Changes, Topic::Approvals, Topic::OnCall, Topic::Incidents, Topic::Pages];

/// What is yet to be told to the others: a burst is one notice.
#[derive(Debug, Default)]
pub(crate) struct Voice {
    /// One bit for each topic.
    topics: AtomicU64,
    rings: Notify,
}

impl Voice {
    pub fn say(&self, topics: &[Topic]) {
        let bits = topics.iter().fold(0, |bits, topic| bits | bit(*topic));
        self.topics.fetch_or(bits, Ordering::AcqRel);
        self.rings.notify_one();
    }

    fn take(&self) -> Vec<Topic> {
        let bits = self.topics.swap(0, Ordering::AcqRel);
        Topic::ALL.into_iter().filter(|topic| bits & bit(*topic) != 0).collect()
    }
}

fn bit(topic: Topic) -> u64 {
    1 << topic as u64
}

/// Tells and hears, until the portal stops.
pub(crate) async fn run(engine: Engine, database_url: String) {
    let stop = engine.0.stop.clone();
    tokio::select! {
        () = stop.cancelled() => {}
        () = tell(&engine) => {}
        () = hear(&engine, &database_url) => {}
        () = look(&engine) => {}
    }
}

async fn tell(engine: &Engine) {
    loop {
        engine.0.voice.rings.notified().await;
        if let Err(error) = engine.tell_replicas(&engine.0.voice.take()).await {
            tracing::debug!(%error, "the other replicas were not told; they look by themselves");
        }
    }
}

async fn hear(engine: &Engine, database_url: &str) {
    loop {
        if let Err(error) = listen(engine, database_url).await {
            tracing::warn!(%error, "other replicas are not heard; what they do is found by looking until that is mended");
        }
        tokio::time::sleep(PAUSE).await;
    }
}

async fn listen(engine: &Engine, database_url: &str) -> Result<()> {
    let mut notices = notices::listen(database_url).await?;
    engine.heard(&ACTS);
    loop {
        match notices.try_recv().await? {
            Some(notice) => {
                let mut words = notice.payload().split(' ');
                if words.next() != Some(engine.0.owner.as_str()) {
                    engine.heard(&words.filter_map(Topic::parse).collect::<Vec<_>>());
                }
            }
            // The connection was lost and made anew: nobody knows what was told meanwhile.
            None => engine.heard(&ACTS),
        }
    }
}

/// Every act is in the audit record, so its end tells whether there was one.
async fn look(engine: &Engine) {
    let mut known = None;
    loop {
        tokio::time::sleep(LOOK_EVERY).await;
        match engine.0.store.last_act().await {
            Ok(last) => {
                if known.replace(last).is_some_and(|known| known != last) {
                    engine.heard(&ACTS);
                }
            }
            Err(error) => tracing::debug!(%error, "the audit record was not looked at"),
        }
    }
}

impl Engine {
    /// To the other replicas.
    pub(crate) async fn tell_replicas(&self, topics: &[Topic]) -> Result<()> {
        let words: Vec<_> = std::iter::once(self.0.owner.as_str()).chain(topics.iter().map(|topic| topic.as_str())).collect();
        self.0.store.notify(&words.join(" ")).await
    }

    /// Moves with anything that is shown, also when another replica did it: whoever acts there and looks here sees what they did.
    pub async fn shown_version(&self) -> u64 {
        let here = self.0.bus.version();
        if !self.0.store.has_room_for_several() {
            return here;
        }
        // Without an answer the page cannot be made anew either; an old one is a second old at most.
        let acts = self.0.store.last_act().await.unwrap_or_default();
        here.wrapping_add(acts.unsigned_abs())
    }

    /// Somebody else did something: what is kept in memory of it is looked at again, pages and workers wake up.
    fn heard(&self, topics: &[Topic]) {
        self.0.records.look_again_at_running();
        self.publish_here(topics);
        self.0.work.notify_one();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_burst_is_told_once_and_whole() {
        let voice = Voice::default();
        voice.say(&[Topic::Changes, Topic::Approvals]);
        voice.say(&[Topic::Incidents, Topic::Changes]);
        assert_eq!(voice.take(), [Topic::Changes, Topic::Approvals, Topic::Incidents]);
        assert!(voice.take().is_empty());
        assert!(Topic::ALL.into_iter().all(|topic| Topic::parse(topic.as_str()) == Some(topic)));
    }
}
