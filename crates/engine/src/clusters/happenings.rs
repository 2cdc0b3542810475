//! Kubernetes Events, watched beside the workloads: the newest of each namespace, in small structs.
//!
//! Invariants: at most [`MOST`] of a namespace are held, however many come. Health is never read from them, so they are not waited
//! for; and a burst of them is told once a second.

use super::{Cluster, in_words};
use crate::events::Topic;
use domain::Time;
use domain::clusters::{Happening, Happenings};
use futures::{TryStreamExt, pin_mut};
use k8s_openapi::api::core::v1 as core;
use k8s_openapi::apimachinery::pkg::apis::meta::v1::ObjectMeta;
use kube::runtime::WatchStreamExt;
use kube::runtime::watcher::{self, Event, watcher};
use kube::{Api, Resource};
use serde::Deserialize;
use std::collections::{BTreeMap, BTreeSet};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;
use tokio::task::JoinSet;

/// Events of a namespace that are held.
const MOST: usize = 500;
/// The longest message of one that is held, in characters.
const LONGEST: usize = 2000;
/// How often it is told that there are new ones.
const TELL_EVERY: Duration = Duration::from_secs(1);

/// What a page has of an Event.
#[derive(Clone, Debug, Deserialize, Resource)]
#[resource(inherit = core::Event)]
#[serde(rename_all = "camelCase")]
struct EventObject {
    metadata: ObjectMeta,
    #[serde(default)]
    involved_object: Involved,
    reason: Option<String>,
    message: Option<String>,
    #[serde(rename = "type")]
    kind: Option<String>,
    count: Option<i64>,
    first_timestamp: Option<Time>,
    last_timestamp: Option<Time>,
    event_time: Option<Time>,
    series: Option<Series>,
}

#[derive(Clone, Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
struct Involved {
    kind: Option<String>,
    name: Option<String>,
}

#[derive(Clone, Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
struct Series {
    count: Option<i64>,
    last_observed_time: Option<Time>,
}

/// Newer clients write `series` and `eventTime`, older ones `count` and `lastTimestamp`.
fn small(object: EventObject) -> Happening {
    let made = object.metadata.creation_timestamp.as_ref().map_or(Time(0), |time| Time(time.0.as_millisecond()));
    let first = object.first_timestamp.or(object.event_time).unwrap_or(made);
    let series = object.series.unwrap_or_default();
    let at = series.last_observed_time.or(object.last_timestamp).unwrap_or(first);
    Happening {
        id: object.metadata.name.unwrap_or_default(),
        at,
        first,
        count: series.count.or(object.count).unwrap_or(1).max(1),
        kind: object.kind.unwrap_or_default(),
        reason: object.reason.unwrap_or_default(),
        object: format!("{}/{}", object.involved_object.kind.unwrap_or_default(), object.involved_object.name.unwrap_or_default()),
        message: shortened(object.message.unwrap_or_default()),
    }
}

/// Of the old kind of Events the API server bounds no message.
fn shortened(mut message: String) -> String {
    if let Some((end, _)) = message.char_indices().nth(LONGEST) {
        message.truncate(end);
        message.push('…');
    }
    message
}

/// The newest of one namespace.
#[derive(Debug, Default)]
struct Shelf {
    /// By the Event's name.
    by_name: BTreeMap<String, Happening>,
    /// Oldest first.
    by_time: BTreeSet<(Time, String)>,
    /// Why nothing newer would be known, and whether that is a missing right.
    trouble: (bool, String),
}

impl Shelf {
    /// What is older than what is known of the same Event comes late.
    fn put(&mut self, happening: Happening) {
        if self.by_name.get(&happening.id).is_some_and(|known| (known.at, known.count) > (happening.at, happening.count)) {
            return;
        }
        self.remove(&happening.id);
        self.by_time.insert((happening.at, happening.id.clone()));
        self.by_name.insert(happening.id.clone(), happening);
        while self.by_name.len() > MOST {
            let Some((_, oldest)) = self.by_time.pop_first() else { return };
            self.by_name.remove(&oldest);
        }
    }

    fn remove(&mut self, name: &str) {
        if let Some(known) = self.by_name.remove(name) {
            self.by_time.remove(&(known.at, name.to_owned()));
        }
    }
}

/// The shelves of one cluster, by namespace.
#[derive(Debug, Default)]
pub struct Shelves {
    by_namespace: Mutex<BTreeMap<String, Shelf>>,
    news: AtomicBool,
}

impl Shelves {
    fn shelves(&self) -> MutexGuard<'_, BTreeMap<String, Shelf>> {
        self.by_namespace.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn change(&self, namespace: &str, change: impl FnOnce(&mut Shelf)) {
        change(self.shelves().entry(namespace.to_owned()).or_default());
        self.news.store(true, Ordering::Release);
    }

    /// Newest first, those that are wanted.
    pub fn of(&self, namespace: &str, wanted: impl Fn(&str) -> bool) -> Happenings {
        let shelves = self.shelves();
        let Some(shelf) = shelves.get(namespace) else { return Happenings::default() };
        let newest = shelf.by_time.iter().rev().filter_map(|(_, name)| shelf.by_name.get(name));
        let items = newest.filter(|happening| wanted(&happening.object)).cloned().collect();
        Happenings { items, trouble: shelf.trouble.1.clone(), forbidden: shelf.trouble.0 }
    }
}

/// Watches the Events of all namespaces, as tasks among those that watch everything else.
pub fn watch(cluster: &Arc<Cluster>, tasks: &mut JoinSet<()>) {
    for namespace in cluster.namespaces.clone() {
        let cluster = cluster.clone();
        tasks.spawn(async move { fold(&cluster, &namespace).await });
    }
    let cluster = cluster.clone();
    tasks.spawn(async move { tell(&cluster).await });
}

async fn tell(cluster: &Cluster) {
    let mut beat = tokio::time::interval(TELL_EVERY);
    loop {
        beat.tick().await;
        if cluster.happenings.news.swap(false, Ordering::AcqRel) {
            cluster.bus.publish(Topic::Happenings);
        }
    }
}

/// Folds one namespace's Events onto its shelf, for ever. A list is put beside the shelf, and in its place when it is whole.
async fn fold(cluster: &Cluster, namespace: &str) {
    let api: Api<EventObject> = Api::namespaced(cluster.reader.clone(), namespace);
    let stream = watcher(api, watcher::Config::default().page_size(500).timeout(cluster.patience.renew_s)).default_backoff();
    pin_mut!(stream);
    let mut fresh = Shelf::default();
    loop {
        match stream.try_next().await {
            Ok(Some(Event::Init)) => fresh = Shelf::default(),
            Ok(Some(Event::InitApply(object))) => fresh.put(small(object)),
            Ok(Some(Event::InitDone)) => {
                let whole = std::mem::take(&mut fresh);
                cluster.happenings.change(namespace, |shelf| *shelf = whole);
            }
            Ok(Some(Event::Apply(object))) => cluster.happenings.change(namespace, |shelf| {
                shelf.trouble = (false, String::new());
                shelf.put(small(object));
            }),
            // An Event goes when its hour is over, not because it was not so: among the newest it stays to be read.
            Ok(Some(Event::Delete(_))) => {}
            Ok(None) => return,
            Err(error) => {
                let why = trouble(&error, namespace);
                cluster.happenings.change(namespace, |shelf| shelf.trouble = why);
            }
        }
    }
}

/// A history that has expired is listed anew at once, and is no trouble.
fn trouble(error: &watcher::Error, namespace: &str) -> (bool, String) {
    let source = match error {
        watcher::Error::WatchError(status) if status.code == 410 => return (false, String::new()),
        watcher::Error::InitialListFailed(source) | watcher::Error::WatchStartFailed(source) | watcher::Error::WatchFailed(source) => {
            source
        }
        other => return (false, other.to_string()),
    };
    match source {
        kube::Error::Api(status) if status.code == 403 => (true, format!("the portal may not list and watch events in {namespace}")),
        source => (false, in_words(source)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn events_old_and_new_are_read_alike() {
        let read = |event: serde_json::Value| small(serde_json::from_value(event).unwrap());
        let involved = json!({"kind": "Pod", "name": "api-1"});
        let old = read(json!({
            "metadata": {"name": "a"}, "involvedObject": involved, "type": "Warning", "reason": "Unhealthy", "message": "m", "count": 274,
            "firstTimestamp": "2026-11-24T09:00:00Z", "lastTimestamp": "2026-11-24T09:41:50Z", "eventTime": null,
        }));
        let new = read(json!({
            "metadata": {"name": "a"}, "involvedObject": involved, "type": "Warning", "reason": "Unhealthy", "message": "m",
            "firstTimestamp": null, "lastTimestamp": null, "eventTime": "2026-11-24T09:00:00.000000Z",
            "series": {"count": 274, "lastObservedTime": "2026-11-24T09:41:50.000000Z"},
        }));
        assert_eq!(old, new);
        assert_eq!((old.object.as_str(), old.count, old.at.to_string().as_str()), ("Pod/api-1", 274, "2026-11-24T09:41:50Z"));
        let long = read(json!({"metadata": {"name": "d"}, "involvedObject": {}, "message": "ä".repeat(5000)}));
        assert_eq!(long.message.chars().count(), LONGEST + 1);
        let once = read(json!({"metadata": {"name": "c", "creationTimestamp": "2026-11-24T09:00:00Z"}, "involvedObject": {}}));
        assert_eq!((once.count, once.at, once.object.as_str()), (1, once.first, "/"));
    }

    #[test]
    fn a_shelf_holds_the_newest_and_each_event_once() {
        let mut shelf = Shelf::default();
        let said = |id: &str, at: i64| Happening {
            id: id.into(),
            at: Time(at),
            first: Time(0),
            count: 1,
            kind: "Normal".into(),
            reason: String::new(),
            object: String::new(),
            message: String::new(),
        };
        (0..MOST as i64 + 10).for_each(|n| shelf.put(said(&n.to_string(), n)));
        assert_eq!((shelf.by_name.len(), shelf.by_time.len()), (MOST, MOST));
        assert!(!shelf.by_name.contains_key("9") && shelf.by_name.contains_key("10"));
        shelf.put(said("10", 9_999));
        assert_eq!((shelf.by_name.len(), shelf.by_time.len()), (MOST, MOST));
        assert_eq!(shelf.by_time.last().map(|(_, name)| name.as_str()), Some("10"));
        shelf.put(said("10", 9_000));
        assert_eq!(shelf.by_name["10"].at, Time(9_999), "an older word that comes late is not taken");
    }
}
