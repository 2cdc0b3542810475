//! The lines of a watch that wait to be sent, in the order in which the script lets them go.
//!
//! Invariant: without a script each line goes once, in its order, at once.

use crate::faults::{Twist, Weather};
use hyper::body::Bytes;
use std::collections::VecDeque;
use std::ops::ControlFlow;
use std::time::Duration;
use tokio::sync::watch::Receiver;
use tokio::time::{Instant, sleep_until};

/// So long events are held, so that there are several to go in another order.
const HELD: Duration = Duration::from_millis(150);

#[derive(Default)]
pub(crate) struct Lines {
    waiting: VecDeque<Bytes>,
    /// Until then nothing goes.
    held: Option<Instant>,
}

impl Lines {
    /// A line that goes in its turn, whatever the script.
    pub fn push(&mut self, line: Bytes) {
        self.waiting.push_back(line);
    }

    /// An event of an object, which the script may twist.
    pub fn event(&mut self, line: Bytes, twist: Option<Twist>) {
        match twist {
            None => self.push(line),
            Some(Twist::Duplicate) => {
                self.push(line.clone());
                self.push(line);
            }
            Some(Twist::Reverse) => {
                self.held.get_or_insert_with(|| Instant::now() + HELD);
                self.waiting.push_front(line);
            }
        }
    }

    /// What goes now, as the weather lets it: a line, or None at the end of a stream that has `ended`. `Continue`: nothing yet.
    pub async fn turn(&mut self, weather: &mut Receiver<Weather>, ended: bool) -> ControlFlow<Option<Bytes>> {
        while weather.borrow().black_hole {
            if weather.changed().await.is_err() {
                return ControlFlow::Break(None);
            }
        }
        if weather.borrow().mute_watches {
            std::future::pending::<()>().await;
        }
        match self.pop() {
            None if !ended || !self.is_empty() => ControlFlow::Continue(()),
            line => ControlFlow::Break(line),
        }
    }

    fn pop(&mut self) -> Option<Bytes> {
        if self.held.is_some_and(|until| Instant::now() < until) {
            return None;
        }
        let line = self.waiting.pop_front();
        if self.waiting.is_empty() {
            self.held = None;
        }
        line
    }

    pub fn is_empty(&self) -> bool {
        self.waiting.is_empty()
    }

    /// Until what is held may go; for ever if nothing is.
    pub async fn released(&self) {
        match self.held {
            Some(until) => sleep_until(until).await,
            None => std::future::pending().await,
        }
    }
}
