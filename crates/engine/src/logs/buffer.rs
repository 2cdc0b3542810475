//! The lines of a followed log between the readings that bring them and the reader who takes them.
//!
//! Invariant: nobody waits for a slow reader. What it does not take in time is left out, and said.

use super::{BYTES, said};
use domain::clusters::logs::{Ring, Window};
use domain::clusters::{LineKind, LogLine, LogsWanted};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Instant;
use tokio::sync::Notify;

/// What has come and was not taken yet.
pub(super) struct Buffer {
    held: Mutex<Held>,
    pub news: Notify,
    began: Instant,
}

struct Held {
    window: Window,
    ready: Ring,
    over: bool,
}

impl Buffer {
    /// `reorder_ms`: so long a line waits for earlier ones of other pods.
    pub fn new(reorder_ms: u64) -> Arc<Buffer> {
        let held =
            Held { window: Window::new(reorder_ms, LogsWanted::MOST, BYTES), ready: Ring::new(LogsWanted::MOST, BYTES), over: false };
        Arc::new(Buffer { held: Mutex::new(held), news: Notify::new(), began: Instant::now() })
    }

    fn held(&self) -> MutexGuard<'_, Held> {
        self.held.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn now_ms(&self) -> u64 {
        self.began.elapsed().as_millis() as u64
    }

    pub fn push(&self, line: LogLine) {
        let now = self.now_ms();
        let held = &mut *self.held();
        held.window.push(line, now);
        held.window.due(now).into_iter().for_each(|line| held.ready.push(line));
        self.news.notify_one();
    }

    /// Lines that are in order already.
    pub fn put(&self, lines: Vec<LogLine>) {
        let held = &mut *self.held();
        lines.into_iter().for_each(|line| held.ready.push(line));
        self.news.notify_one();
    }

    /// What is ready; whether more waits for its turn; whether nothing will come any more.
    pub fn take(&self) -> (Vec<LogLine>, bool, bool) {
        let now = self.now_ms();
        let held = &mut *self.held();
        held.window.due(now).into_iter().for_each(|line| held.ready.push(line));
        let (mut lines, left_out) = held.ready.take();
        if left_out > 0 {
            let words = format!("{left_out} lines are left out: they came faster than they were taken");
            lines.insert(0, said(LineKind::LeftOut, "", "", words));
        }
        (lines, !held.window.is_empty(), held.over)
    }

    pub fn forget(&self, pod: &str) {
        self.held().window.forget(pod);
    }

    pub fn close(&self) {
        self.held().over = true;
        self.news.notify_one();
    }
}
