//! All objects of one cluster, the history of their changes, and what its controllers have to do next.
//!
//! Invariant: every stored object carries the `resourceVersion` of its last change, and each change takes the next
//! number of one counter for the whole cluster.

mod agenda;
mod history;

pub(crate) use agenda::{Agenda, Urgency, Wake, Work};
pub(crate) use history::{Change, ChangeKind, History};

use crate::controllers::{self, Life};
use crate::object;
use crate::resource::Resource;
use jiff::Timestamp;
use serde_json::{Value, json};
use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::sync::Arc;

/// Where one object is kept. The namespace of a cluster-wide object is "".
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) struct Key {
    pub resource: Resource,
    pub namespace: String,
    pub name: String,
}

impl Key {
    pub fn new(resource: Resource, namespace: &str, name: &str) -> Key {
        let namespace = if resource.is_namespaced() { namespace } else { "" };
        Key { resource, namespace: namespace.to_owned(), name: name.to_owned() }
    }

    pub fn of(resource: Resource, object: &Value) -> Key {
        Key::new(resource, object::namespace(object), object::name(object))
    }
}

/// Everything that one cluster knows. The lock around it is held for one request or one controller step at a time.
pub(crate) struct State {
    objects: BTreeMap<Key, Arc<Value>>,
    /// By the uid of an owner, the objects that refer to it.
    owned: HashMap<String, BTreeSet<Key>>,
    pub history: History,
    pub agenda: Agenda,
    /// What the kubelets know of their pods and do not write into them.
    pub lives: BTreeMap<Key, Life>,
    revision: u64,
    /// The time of the step that runs at the moment.
    pub now: Timestamp,
}

impl State {
    pub fn new(now: Timestamp) -> State {
        State {
            objects: BTreeMap::new(),
            owned: HashMap::new(),
            history: History::new(1),
            agenda: Agenda::default(),
            lives: BTreeMap::new(),
            revision: 1,
            now,
        }
    }

    /// The number of the last change.
    pub fn revision(&self) -> u64 {
        self.revision
    }

    pub fn get(&self, key: &Key) -> Option<Arc<Value>> {
        self.objects.get(key).cloned()
    }

    pub fn contains(&self, key: &Key) -> bool {
        self.objects.contains_key(key)
    }

    /// All objects of a resource in a namespace, or everywhere, by namespace and name; `after` skips up to a key.
    pub fn scan<'a>(
        &'a self,
        resource: Resource,
        namespace: Option<&'a str>,
        after: Option<Key>,
    ) -> impl Iterator<Item = (&'a Key, &'a Arc<Value>)> {
        use std::ops::Bound;
        let start = match after {
            Some(key) => Bound::Excluded(key),
            None => Bound::Included(Key::new(resource, namespace.unwrap_or_default(), "")),
        };
        self.objects
            .range((start, Bound::Unbounded))
            .take_while(move |(key, _)| key.resource == resource && namespace.is_none_or(|it| it == key.namespace))
    }

    /// The objects of a resource whose owner references name this uid, by name.
    pub fn owned_by(&self, uid: &str, resource: Resource) -> Vec<Arc<Value>> {
        let keys = self.owned.get(uid).into_iter().flatten();
        keys.filter(|key| key.resource == resource).filter_map(|key| self.get(key)).collect()
    }

    /// The keys of all objects whose owner references name this uid.
    pub fn dependents(&self, uid: &str) -> Vec<Key> {
        self.owned.get(uid).into_iter().flatten().cloned().collect()
    }

    /// Stores an object as it stands, tells the watchers, and puts the controllers concerned on the agenda.
    pub fn put(&mut self, key: &Key, object: Value) -> Arc<Value> {
        let before = self.get(key);
        let stored = self.place(key, object);
        if let Some(before) = before {
            controllers::let_go(self, key, &before, &stored);
        }
        controllers::notice(self, key, &stored);
        stored
    }

    /// Stores an object that is already in its final state: no controller is told.
    pub fn place(&mut self, key: &Key, mut object: Value) -> Arc<Value> {
        self.revision += 1;
        object::set(&mut object, &["metadata", "resourceVersion"], json!(self.revision.to_string()));
        let object = Arc::new(object);
        let previous = self.objects.insert(key.clone(), object.clone());
        if let Some(previous) = &previous {
            self.unlink(key, previous);
        }
        self.link(key, &object);
        let kind = if previous.is_some() { ChangeKind::Modified } else { ChangeKind::Added };
        self.history.push(Change { revision: self.revision, key: key.clone(), kind, object: object.clone(), previous });
        object
    }

    /// Takes an object out for good; what it owned is collected afterwards.
    pub fn remove(&mut self, key: &Key) -> Option<Arc<Value>> {
        let last = self.objects.remove(key)?;
        self.unlink(key, &last);
        self.revision += 1;
        let mut object = (*last).clone();
        object::set(&mut object, &["metadata", "resourceVersion"], json!(self.revision.to_string()));
        let object = Arc::new(object);
        let kind = ChangeKind::Deleted;
        let (revision, previous) = (self.revision, Some(last));
        self.history.push(Change { revision, key: key.clone(), kind, object: object.clone(), previous });
        controllers::notice(self, key, &object);
        self.agenda.add(Work::Collect(object::uid(&object).to_owned()), self.now, Urgency::Progress);
        Some(object)
    }

    fn link(&mut self, key: &Key, object: &Value) {
        for owner in object::list(object, "/metadata/ownerReferences") {
            self.owned.entry(object::text(owner, "/uid").to_owned()).or_default().insert(key.clone());
        }
    }

    fn unlink(&mut self, key: &Key, object: &Value) {
        for owner in object::list(object, "/metadata/ownerReferences") {
            let uid = object::text(owner, "/uid");
            let Some(keys) = self.owned.get_mut(uid) else { continue };
            keys.remove(key);
            if keys.is_empty() {
                self.owned.remove(uid);
            }
        }
    }
}
