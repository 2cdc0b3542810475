//! Reading the log of one container, at once or as it is written.
//!
//! Invariants: nothing waits for a reader of logs: they have connections and a budget of their own. No line takes more than
//! [`LONGEST`] bytes of memory, however long it is.

use super::{Cluster, in_words};
use domain::clusters::Moment;
use domain::clusters::logs::parse;
use futures::io::{AsyncBufRead, AsyncBufReadExt};
use std::fmt::Write;
use std::pin::Pin;
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::Semaphore;

/// More of a line is not kept, in bytes.
const LONGEST: usize = 16 * 1024;
/// The first byte of an answer comes within this, or the log counts as out of reach.
const OPEN: Duration = Duration::from_secs(5);

/// Logs of one cluster that are followed at once, over all readers; and those that are read at once.
const FOLLOWED: usize = 200;
const READ: usize = 16;

/// How many logs of a cluster are open at once.
#[derive(Debug)]
pub struct Budget {
    pub followed: Arc<Semaphore>,
    pub read: Arc<Semaphore>,
}

impl Default for Budget {
    fn default() -> Budget {
        Budget { followed: Arc::new(Semaphore::new(FOLLOWED)), read: Arc::new(Semaphore::new(READ)) }
    }
}

/// Whose log.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Source {
    pub namespace: String,
    pub pod: String,
    pub container: String,
}

#[derive(Clone, Copy, Debug, Default)]
pub struct How {
    pub follow: bool,
    pub previous: bool,
    /// The newest lines only.
    pub tail: Option<usize>,
    /// Kubernetes takes whole seconds: some lines before it may come too.
    pub since: Option<Moment>,
}

/// Why there are no lines.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum NoLog {
    /// The missing right, in words.
    Forbidden(String),
    /// The pod is gone.
    Gone,
    /// There is nothing to read yet, or no run before; the API server's words.
    NotYet(String),
    /// No answer, or one that will be another later.
    Broken(String),
}

/// Lines as they come.
pub struct Lines {
    reader: Pin<Box<dyn AsyncBufRead + Send>>,
}

impl Cluster {
    pub async fn open_log(&self, source: &Source, how: How) -> Result<Lines, NoLog> {
        let request = http::Request::get(path(source, how)).body(Vec::new()).map_err(|error| NoLog::Broken(error.to_string()))?;
        match tokio::time::timeout(OPEN, self.logs.request_stream(request)).await {
            Ok(Ok(reader)) => Ok(Lines { reader: Box::pin(reader) }),
            Ok(Err(error)) => Err(refused(&error, source)),
            Err(_) => Err(NoLog::Broken(format!("no answer within {} s", OPEN.as_secs()))),
        }
    }
}

fn refused(error: &kube::Error, source: &Source) -> NoLog {
    let kube::Error::Api(status) = error else { return NoLog::Broken(in_words(error)) };
    match status.code {
        403 => NoLog::Forbidden(format!("the portal may not get pods/log in {}", source.namespace)),
        404 => NoLog::Gone,
        400 => NoLog::NotYet(status.message.clone()),
        _ => NoLog::Broken(status.message.clone()),
    }
}

fn path(source: &Source, how: How) -> String {
    let Source { namespace, pod, container } = source;
    let mut path = format!("/api/v1/namespaces/{namespace}/pods/{pod}/log?container={container}&timestamps=true");
    let mut add = |name: &str, value: String| {
        // Writing into a String does not fail.
        let _ = write!(path, "&{name}={value}");
    };
    if how.follow {
        add("follow", "true".into());
    }
    if how.previous {
        add("previous", "true".into());
    }
    if let Some(tail) = how.tail {
        add("tailLines", tail.to_string());
    }
    if let Some(since) = how.since {
        add("sinceTime", since.in_seconds().to_string());
    }
    path
}

impl Lines {
    /// The next line, with its stamp where it has one; None at the end. Errors: why it broke off, in words.
    pub async fn next(&mut self) -> Result<Option<(Option<Moment>, String)>, String> {
        let mut line = Vec::new();
        let mut began = false;
        loop {
            let chunk = self.reader.fill_buf().await.map_err(|error| error.to_string())?;
            if chunk.is_empty() {
                return Ok(began.then(|| read(&line)));
            }
            began = true;
            let end = chunk.iter().position(|byte| *byte == b'\n');
            let part = &chunk[..end.unwrap_or(chunk.len())];
            line.extend_from_slice(&part[..part.len().min(LONGEST.saturating_sub(line.len()))]);
            let used = end.map_or(chunk.len(), |end| end + 1);
            Pin::new(&mut self.reader).consume(used);
            if end.is_some() {
                return Ok(Some(read(&line)));
            }
        }
    }
}

fn read(line: &[u8]) -> (Option<Moment>, String) {
    let text = String::from_utf8_lossy(line);
    let (at, text) = parse(text.trim_end_matches('\r'));
    let cut = if line.len() >= LONGEST { "…" } else { "" };
    (at, format!("{text}{cut}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    async fn lines(bytes: &'static [u8]) -> Vec<String> {
        let mut lines = Lines { reader: Box::pin(futures::io::BufReader::with_capacity(7, bytes)) };
        let mut all = Vec::new();
        while let Some((_, text)) = lines.next().await.unwrap() {
            all.push(text);
        }
        all
    }

    #[tokio::test]
    async fn lines_end_where_they_end_and_are_never_too_long() {
        assert_eq!(lines(b"").await, Vec::<String>::new());
        assert_eq!(lines(b"one\r\n\ntwo\xff three").await, ["one", "", "two\u{fffd} three"]);
        let long: &'static [u8] = Box::leak(format!("{}\nnext\n", "x".repeat(100_000)).into_bytes().into_boxed_slice());
        let read = lines(long).await;
        assert_eq!((read[0].len(), read[1].as_str()), (LONGEST + "…".len(), "next"));
    }

    #[test]
    fn a_path_says_what_is_wanted() {
        let source = Source { namespace: "n".into(), pod: "p".into(), container: "c".into() };
        assert_eq!(path(&source, How::default()), "/api/v1/namespaces/n/pods/p/log?container=c&timestamps=true");
        let since = Moment::parse("2026-11-24T09:42:00.9Z");
        let how = How { follow: true, previous: true, tail: Some(5), since };
        assert!(path(&source, how).ends_with("&follow=true&previous=true&tailLines=5&sinceTime=2026-11-24T09:42:00Z"));
    }
}
