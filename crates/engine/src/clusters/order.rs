//! Which events of a watch are news. An API server promises each change once and in order; what stands between it and the
//! portal may break that promise.
//!
//! Invariant: an object never goes back to an older version, and one that was deleted does not come back with one.
//!
//! Versions of built-in kinds can be compared as numbers (Kubernetes API concepts, "Resource versions"; KEP-5504). One that is no
//! number is always news. Objects are known by a hash of their name: 16 bytes for each, however long it is.

use kube::Resource;
use kube::runtime::watcher::Event;
use std::collections::{HashMap, VecDeque};
use std::hash::{BuildHasher, RandomState};

/// So many deleted objects are remembered: their last events come within moments of each other.
const GRAVES: usize = 1024;

#[derive(Default)]
pub struct Order {
    names: RandomState,
    /// The newest version of each object that was seen, by the hash of its name.
    newest: HashMap<u64, u64>,
    /// Those that are gone, oldest first.
    graves: VecDeque<(u64, u64)>,
    /// The newest version of the last list: what it did not have, and is no newer, is gone.
    listed: u64,
}

impl Order {
    /// Whether this event is newer than what is known of its object; it is known from then on.
    pub fn is_news<K: Resource>(&mut self, event: &Event<K>) -> bool {
        match event {
            Event::Init => {
                self.newest.clear();
                self.graves.clear();
                self.listed = 0;
                true
            }
            Event::InitApply(object) | Event::Apply(object) => self.note(object).is_some(),
            Event::Delete(object) => match self.note(object) {
                Some(grave) => {
                    self.bury(grave);
                    true
                }
                None => false,
            },
            Event::InitDone => {
                self.listed = self.newest.values().copied().max().unwrap_or_default();
                true
            }
        }
    }

    /// None: it is known already.
    fn note<K: Resource>(&mut self, object: &K) -> Option<(u64, u64)> {
        let meta = object.meta();
        let name = self.names.hash_one(meta.name.as_deref().unwrap_or_default());
        let Some(version) = meta.resource_version.as_deref().and_then(|version| version.parse::<u64>().ok()) else {
            return Some((name, 0));
        };
        let known = self.newest.entry(name).or_insert(self.listed);
        if version <= *known {
            return None;
        }
        *known = version;
        Some((name, version))
    }

    fn bury(&mut self, grave: (u64, u64)) {
        self.graves.push_back(grave);
        while self.graves.len() > GRAVES {
            let Some((name, version)) = self.graves.pop_front() else { return };
            // Unless it was made anew.
            if self.newest.get(&name) == Some(&version) {
                self.newest.remove(&name);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use k8s_openapi::api::core::v1::ConfigMap;
    use serde_json::json;

    fn map(name: &str, version: &str) -> ConfigMap {
        serde_json::from_value(json!({"metadata": {"name": name, "resourceVersion": version}})).unwrap()
    }

    #[test]
    fn what_is_old_or_known_is_no_news() {
        let mut order = Order::default();
        for (event, news) in [
            (Event::InitApply(map("a", "5")), true),
            (Event::Apply(map("a", "5")), false),
            (Event::Apply(map("a", "4")), false),
            (Event::Apply(map("a", "10")), true),
            (Event::Apply(map("b", "7")), true),
            (Event::Delete(map("a", "12")), true),
            (Event::Delete(map("a", "12")), false),
            (Event::Apply(map("a", "11")), false),
            (Event::Apply(map("a", "13")), true),
            (Event::Delete(map("a", "12")), false),
            (Event::Apply(map("a", "opaque")), true),
            (Event::Init, true),
            (Event::InitApply(map("b", "2")), true),
            (Event::InitApply(map("a", "5")), true),
            (Event::InitDone, true),
            (Event::Apply(map("c", "4")), false),
            (Event::Apply(map("c", "6")), true),
        ] {
            assert_eq!(order.is_news(&event), news, "{event:?}");
        }
    }

    #[test]
    fn it_does_not_grow_with_what_is_gone() {
        let mut order = Order::default();
        for n in 1..=GRAVES as u64 * 3 {
            let name = n.to_string();
            order.is_news(&Event::Apply(map(&name, &n.to_string())));
            order.is_news(&Event::Delete(map(&name, &(n + 1).to_string())));
        }
        assert_eq!((order.newest.len(), order.graves.len()), (GRAVES, GRAVES));
    }
}
