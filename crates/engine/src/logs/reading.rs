//! One reading of one container's log: from where it was left, until it ends or breaks off.
//!
//! Invariant: each line is handed over once; where it was left outlives the reading.

use super::buffer::Buffer;
use super::follow::Key;
use super::{Left, Place, said, stamped};
use crate::clusters::logs::{How, NoLog, Source};
use domain::clusters::{LineKind, LogsWanted};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};
use tokio::sync::OwnedSemaphorePermit;

/// A log that was open for so long did not fail, also when nothing was written meanwhile.
const LASTED: Duration = Duration::from_secs(5);

/// How one reading of a log ended.
pub(super) struct End {
    pub key: Key,
    pub turn: u64,
    pub why: Option<NoLog>,
    /// Whether any line came, or it was open for a while.
    pub went: bool,
}

/// Follows one log from where it was left, until it ends or breaks off.
pub(super) struct Reading {
    pub place: Place,
    pub wanted: LogsWanted,
    pub buffer: Arc<Buffer>,
    pub left: Arc<Mutex<Left>>,
}

impl Reading {
    pub async fn run(self, key: Key, turn: u64) -> End {
        let began = Instant::now();
        let mut lines = 0_u64;
        let why = self.through(&key.1, &mut lines).await.err();
        End { key, turn, why, went: lines > 0 || began.elapsed() > LASTED }
    }

    fn left(&self) -> MutexGuard<'_, Left> {
        self.left.lock().unwrap_or_else(PoisonError::into_inner)
    }

    async fn through(&self, source: &Source, count: &mut u64) -> Result<(), NoLog> {
        let _turn = self.turn(source).await?;
        let how = self.how();
        let mut lines = self.place.cluster.open_log(source, how).await?;
        while let Some((at, text)) = lines.next().await.map_err(NoLog::Broken)? {
            let at = stamped(at, &text)?;
            // No await between counting a line as read and handing it over: a reading may be ended at any of them.
            let Some(line) = self.left().kept(source, at, text) else { continue };
            *count += 1;
            if self.wanted.filter.takes_text(&line.text) {
                self.buffer.push(line);
            }
        }
        Ok(())
    }

    /// From where it was left. At its first opening a log may be long: its newest lines will do.
    fn how(&self) -> How {
        let mut left = self.left();
        left.seam.reopen();
        let last = left.seam.last();
        How { follow: true, previous: false, tail: last.is_none().then_some(LogsWanted::MOST), since: last.or(left.from) }
    }

    /// A place in the cluster's budget.
    async fn turn(&self, source: &Source) -> Result<OwnedSemaphorePermit, NoLog> {
        let budget = self.place.cluster.budget.followed.clone();
        if let Ok(place) = budget.clone().try_acquire_owned() {
            return Ok(place);
        }
        let words = "too many logs of this cluster are followed already: this one waits for its turn";
        self.buffer.push(said(LineKind::Trouble, &source.pod, &source.container, words));
        budget.acquire_owned().await.map_err(|error| NoLog::Broken(error.to_string()))
    }
}
