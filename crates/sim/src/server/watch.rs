//! watch: the changes of a collection as a stream of JSON lines.
//!
//! Invariant: a stream leaves nothing out. If the history no longer reaches back to its position, it ends with 410.

use super::answer::{self, Answer, Cut, Shown, View};
use super::ask::{Ask, Target};
use super::lines::Lines;
use super::read::Query;
use crate::cluster::Cluster;
use crate::faults::Weather;
use crate::state::{Change, ChangeKind, State};
use crate::status::Status;
use futures::stream;
use hyper::body::Bytes;
use serde::Serialize;
use serde_json::{Value, json};
use std::ops::ControlFlow;
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::watch::Receiver;
use tokio::time::{Instant, sleep_until};

/// How often a bookmark is sent to a client that takes them.
const BOOKMARKS: Duration = Duration::from_secs(10);
const LONGEST: u64 = 3600;

struct Watch {
    cluster: Cluster,
    query: Query,
    view: View,
    bookmarks: bool,
    /// The revision up to which everything is in `lines` or was sent.
    position: u64,
    lines: Lines,
    ended: bool,
    changed: Receiver<u64>,
    weather: Receiver<Weather>,
    /// The orders to end watches that were given before this one began.
    began: Weather,
    deadline: Instant,
    next_bookmark: Instant,
}

/// Starts a stream. Errors: 400 for a selector that cannot be read, 500 for such a resourceVersion.
pub(crate) fn watch(cluster: &Cluster, ask: &Ask, target: &Target) -> Result<Answer, Status> {
    let query = Query::read(ask, target)?;
    let version = ask.param("resourceVersion");
    let from: u64 = match version {
        "" => 0,
        text => text.parse().map_err(|_| unreadable(text))?,
    };
    let seconds = ask.param("timeoutSeconds").parse().unwrap_or(LONGEST).min(LONGEST);
    let shared = cluster.shared();
    let weather = shared.faults.weather();
    let began = *weather.borrow();
    let mut watch = Watch {
        query,
        view: if ask.wants_metadata() { View::Metadata } else { View::Whole },
        bookmarks: ask.is_set("allowWatchBookmarks"),
        position: from,
        lines: Lines::default(),
        ended: false,
        changed: shared.changes(),
        weather,
        began,
        deadline: Instant::now() + Duration::from_secs(seconds),
        next_bookmark: Instant::now() + began.bookmarks.unwrap_or(BOOKMARKS),
        cluster: cluster.clone(),
    };
    if from == 0 || ask.is_set("sendInitialEvents") {
        watch.send_everything(ask.is_set("sendInitialEvents"));
    } else {
        watch.catch_up();
    }
    Ok(answer::stream("application/json", stream::unfold(watch, |mut watch| async { watch.next().await.map(|line| (line, watch)) })))
}

fn unreadable(version: &str) -> Status {
    let why = format!("strconv.ParseUint: parsing \"{version}\": invalid syntax");
    Status::unexplained(format!("resourceVersion: Invalid value: \"{version}\": {why}"))
}

impl Watch {
    async fn next(&mut self) -> Option<Result<Bytes, Cut>> {
        loop {
            if let ControlFlow::Break(line) = self.lines.turn(&mut self.weather, self.ended).await {
                return line.map(Ok);
            }
            tokio::select! {
                changed = self.changed.changed() => { changed.ok()?; self.catch_up(); }
                changed = self.weather.changed() => { changed.ok()?; if self.is_cut() { return Some(Err(Cut)); } }
                () = self.lines.released() => {}
                () = sleep_until(self.deadline), if !self.ended => { self.bookmark(json!({})); self.ended = true; }
                () = sleep_until(self.next_bookmark), if self.lines.is_empty() => self.bookmark(json!({})),
            }
        }
    }

    /// Looks at the orders to end watches: true to cut, or the event that ends it is sent.
    fn is_cut(&mut self) -> bool {
        let now = *self.weather.borrow();
        if now.expired_watches != self.began.expired_watches {
            self.expire(self.cluster.shared().revision());
        }
        now.cut_watches != self.began.cut_watches
    }

    /// The present state of the collection as ADDED events, for a watch that does not start from a list.
    fn send_everything(&mut self, with_end: bool) {
        let shared = self.cluster.shared().clone();
        self.changed.mark_unchanged();
        let (position, found) = shared.with(|state| {
            let found: Vec<Arc<Value>> = self.query.found(state, None).cloned().collect();
            (state.revision(), found)
        });
        self.position = position;
        found.iter().for_each(|it| self.lines.push(line("ADDED", &Shown(it, self.view))));
        if with_end {
            self.bookmark(json!({ "k8s.io/initial-events-end": "true" }));
        }
    }

    fn catch_up(&mut self) {
        let shared = self.cluster.shared().clone();
        shared.with(|state| match self.new_lines(state) {
            Some(lines) => {
                self.position = self.position.max(state.revision());
                let twist = self.weather.borrow().twist;
                lines.into_iter().for_each(|line| self.lines.event(line, twist));
            }
            None => self.expire(state.revision()),
        });
    }

    fn new_lines(&self, state: &State) -> Option<Vec<Bytes>> {
        Some(state.history.since(self.position)?.filter_map(|change| self.seen(change)).collect())
    }

    /// A change as this watch sees it: an object may enter or leave its selection by a modification.
    fn seen(&self, change: &Change) -> Option<Bytes> {
        let target = &self.query.target;
        let elsewhere = target.only_namespace().is_some_and(|namespace| namespace != change.key.namespace);
        if change.key.resource != target.resource || elsewhere {
            return None;
        }
        let is_in = change.kind != ChangeKind::Deleted && self.query.takes(&change.object);
        let was_in = change.previous.as_ref().is_some_and(|previous| self.query.takes(previous));
        match (was_in, is_in) {
            (false, true) => Some(self.line("ADDED", &change.object)),
            (true, true) => Some(self.line("MODIFIED", &change.object)),
            (true, false) => Some(self.line("DELETED", &change.object)),
            (false, false) => None,
        }
    }

    fn line(&self, kind: &'static str, object: &Value) -> Bytes {
        line(kind, &Shown(object, self.view))
    }

    fn expire(&mut self, now: u64) {
        let message = format!("too old resource version: {} ({now})", self.position);
        self.lines.push(line("ERROR", &Status::expired(message).body()));
        self.ended = true;
    }

    fn bookmark(&mut self, annotations: Value) {
        self.next_bookmark = Instant::now() + self.weather.borrow().bookmarks.unwrap_or(BOOKMARKS);
        let resource = self.query.target.resource;
        let mut metadata = json!({ "resourceVersion": self.position.to_string(), "creationTimestamp": null });
        if annotations != json!({}) {
            metadata["annotations"] = annotations;
        } else if !self.bookmarks {
            return;
        }
        let object = json!({ "kind": resource.kind(), "apiVersion": resource.api_version(), "metadata": metadata });
        self.lines.push(line("BOOKMARK", &object));
    }
}

pub(crate) fn line(kind: &'static str, object: &impl Serialize) -> Bytes {
    format!("{{\"type\":\"{kind}\",\"object\":{}}}\n", answer::written(object)).into()
}
