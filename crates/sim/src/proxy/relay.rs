//! The lines of a watch on their way through the proxy.
//!
//! Invariant: a line is passed on as soon as it is whole; the orders to end watches reach this one too.

use crate::faults::Weather;
use crate::server::answer::Cut;
use crate::server::lines::Lines;
use crate::server::watch::line;
use crate::status::Status;
use futures::{Stream, stream};
use http_body_util::BodyExt;
use hyper::body::{Bytes, Frame, Incoming};
use std::ops::ControlFlow;
use tokio::sync::watch::Receiver;

pub(super) struct Relay {
    body: Incoming,
    /// The beginning of a line whose end has not come yet.
    begun: Vec<u8>,
    lines: Lines,
    weather: Receiver<Weather>,
    /// The orders to end watches that were given before this one began.
    began: Weather,
    ended: bool,
}

impl Relay {
    pub fn new(body: Incoming, weather: Receiver<Weather>) -> Relay {
        let began = *weather.borrow();
        Relay { body, begun: Vec::new(), lines: Lines::default(), weather, began, ended: false }
    }

    pub fn lines(self) -> impl Stream<Item = Result<Bytes, Cut>> + Send + 'static {
        stream::unfold(self, |mut relay| async { relay.next().await.map(|line| (line, relay)) })
    }

    async fn next(&mut self) -> Option<Result<Bytes, Cut>> {
        loop {
            if let ControlFlow::Break(line) = self.lines.turn(&mut self.weather, self.ended).await {
                return line.map(Ok);
            }
            tokio::select! {
                changed = self.weather.changed() => {
                    changed.ok()?;
                    if self.is_cut() {
                        return Some(Err(Cut));
                    }
                }
                () = self.lines.released() => {}
                piece = self.body.frame(), if !self.ended => match piece {
                    Some(Ok(piece)) => self.take(piece),
                    Some(Err(_)) => return Some(Err(Cut)),
                    None => self.ended = true,
                },
            }
        }
    }

    fn take(&mut self, piece: Frame<Bytes>) {
        let Ok(data) = piece.into_data() else { return };
        self.begun.extend_from_slice(&data);
        let twist = self.weather.borrow().twist;
        while let Some(end) = self.begun.iter().position(|byte| *byte == b'\n') {
            let line = Bytes::from_iter(self.begun.drain(..=end));
            if is_of_an_object(&line) { self.lines.event(line, twist) } else { self.lines.push(line) }
        }
    }

    /// Looks at the orders to end watches: true to cut, or the event that ends it is sent.
    fn is_cut(&mut self) -> bool {
        let now = *self.weather.borrow();
        if now.expired_watches != self.began.expired_watches {
            self.lines.push(line("ERROR", &Status::expired("too old resource version").body()));
            self.ended = true;
        }
        now.cut_watches != self.began.cut_watches
    }
}

/// Bookmarks and errors are about the watch itself. The type comes first in what API servers write.
fn is_of_an_object(line: &[u8]) -> bool {
    [&b"\"ADDED\""[..], b"\"MODIFIED\"", b"\"DELETED\""].iter().any(|kind| {
        let head = &line[..line.len().min(32)];
        head.windows(kind.len()).any(|window| window == *kind)
    })
}
