//! The cluster's time: the real one, or one that a test moves by hand.
//!
//! Invariant: time never goes backwards.

use jiff::{SignedDuration, Timestamp};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;
use tokio::sync::watch;

/// Where a cluster takes its time from; clones share it. The default is real time.
#[derive(Clone, Debug, Default)]
pub struct Clock(Option<Arc<Hand>>);

/// A clock that stands still until it is moved.
#[derive(Debug)]
struct Hand {
    now: Mutex<Timestamp>,
    moved: watch::Sender<()>,
}

impl Clock {
    pub fn real() -> Clock {
        Clock(None)
    }

    pub fn manual(start: Timestamp) -> Clock {
        Clock(Some(Arc::new(Hand { now: Mutex::new(start), moved: watch::Sender::new(()) })))
    }

    pub fn is_manual(&self) -> bool {
        self.0.is_some()
    }

    pub fn now(&self) -> Timestamp {
        match &self.0 {
            None => Timestamp::now(),
            Some(hand) => *hand.now.lock().unwrap_or_else(PoisonError::into_inner),
        }
    }

    /// Moves a manual clock; real time cannot be moved, there it does nothing.
    ///
    /// A cluster that is being served runs what has become due by itself; see also `Cluster::advance`.
    pub fn advance(&self, by: Duration) {
        let by = SignedDuration::try_from(by).unwrap_or(SignedDuration::MAX);
        self.move_to(self.now().saturating_add(by).unwrap_or(Timestamp::MAX));
    }

    pub(crate) fn move_to(&self, time: Timestamp) {
        if let Some(hand) = &self.0 {
            let mut now = hand.now.lock().unwrap_or_else(PoisonError::into_inner);
            *now = time.max(*now);
            hand.moved.send_replace(());
        }
    }

    pub(crate) fn alarm(&self) -> Alarm {
        Alarm { clock: self.clone(), moves: self.0.as_ref().map(|hand| hand.moved.subscribe()) }
    }

    fn until(&self, time: Timestamp) -> Duration {
        Duration::try_from(time.duration_since(self.now())).unwrap_or_default()
    }
}

/// Waits for a time of a clock and misses no move of a manual one.
pub(crate) struct Alarm {
    clock: Clock,
    moves: Option<watch::Receiver<()>>,
}

impl Alarm {
    /// Returns at `time`, or never without one; with a manual clock, whenever it was moved.
    pub async fn wait(&mut self, time: Option<Timestamp>) {
        match (&mut self.moves, time) {
            // Fails only if the clock is gone, which this alarm keeps.
            (Some(moves), _) => drop(moves.changed().await),
            (None, Some(time)) => tokio::time::sleep(self.clock.until(time)).await,
            (None, None) => std::future::pending().await,
        }
    }
}
