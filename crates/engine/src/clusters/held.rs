//! How the facts of one cluster are held: each once, close together, and in a text only what is not said elsewhere. With tens of
//! thousands of pods the slack of a map and a name held twice are most of the memory.
//!
//! Invariants: a pod is held once, also when its controller changes. A text that no fact holds any more goes.

use super::state::Item;
use domain::Text;
use domain::clusters::{Pod, Revision, Workload, WorkloadKey};
use std::borrow::Borrow;
use std::cmp::Ordering;
use std::collections::{BTreeSet, HashMap, HashSet};
use std::hash::{BuildHasher, Hash, RandomState};

/// Texts of so few are not worth a look.
const FEW: usize = 1024;

/// Each text that several facts have in common, once.
#[derive(Debug, Default)]
pub struct Texts {
    held: HashSet<Text>,
    /// As many as were held after the last sweep.
    after_sweep: usize,
    /// Objects that have gone since.
    gone: usize,
}

impl Texts {
    /// Makes an item hold what is held already.
    pub fn share(&mut self, item: &mut Item) {
        match item {
            Item::Workload(workload) => workload.labels.texts().for_each(|text| self.one(text)),
            Item::Revision(revision) => {
                [&mut revision.namespace, &mut revision.uid, &mut revision.owner].into_iter().for_each(|text| self.one(text));
            }
            Item::Pod(pod) => {
                let own = [&mut pod.namespace, &mut pod.owner, &mut pod.revision, &mut pod.phase, &mut pod.node];
                own.into_iter().for_each(|text| self.one(text));
                for container in &mut pod.containers {
                    [&mut container.name, &mut container.image_id]
                        .into_iter()
                        .chain(&mut container.last_exit)
                        .for_each(|text| self.one(text));
                }
            }
            Item::Neighbour(_) => {}
        }
    }

    fn one(&mut self, text: &mut Text) {
        match self.held.get(&**text) {
            Some(known) => *text = known.clone(),
            None => {
                if self.held.len() > 2 * self.after_sweep.max(FEW) {
                    self.sweep();
                }
                self.held.insert(text.clone());
            }
        }
    }

    /// So many objects have gone, and perhaps texts that only they held.
    pub fn let_go(&mut self, objects: usize) {
        self.gone += objects;
        if self.gone > self.held.len().max(FEW) / 2 {
            self.sweep();
        }
    }

    fn sweep(&mut self) {
        self.held.retain(Text::is_shared);
        self.held.shrink_to(2 * self.held.len());
        (self.after_sweep, self.gone) = (self.held.len(), 0);
    }
}

/// Workloads by the key that is in them.
#[derive(Debug, Default)]
pub struct Workloads(BTreeSet<ByKey>);

#[derive(Debug)]
struct ByKey(Box<Workload>);

impl Borrow<WorkloadKey> for ByKey {
    fn borrow(&self) -> &WorkloadKey {
        &self.0.key
    }
}

impl PartialEq for ByKey {
    fn eq(&self, other: &ByKey) -> bool {
        self.0.key == other.0.key
    }
}

impl Eq for ByKey {}

impl PartialOrd for ByKey {
    fn partial_cmp(&self, other: &ByKey) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl Ord for ByKey {
    fn cmp(&self, other: &ByKey) -> Ordering {
        self.0.key.cmp(&other.0.key)
    }
}

impl Workloads {
    pub fn get(&self, key: &WorkloadKey) -> Option<&Workload> {
        self.0.get(key).map(|held| &*held.0)
    }

    pub fn values(&self) -> impl Iterator<Item = &Workload> {
        self.0.iter().map(|held| &*held.0)
    }

    pub fn put(&mut self, workload: Box<Workload>) {
        self.0.replace(ByKey(workload));
    }

    pub fn remove(&mut self, key: &WorkloadKey) -> bool {
        self.0.remove(key)
    }

    pub fn retain(&mut self, keep: impl Fn(&WorkloadKey) -> bool) {
        self.0.retain(|held| keep(&held.0.key));
    }

    pub fn len(&self) -> usize {
        self.0.len()
    }
}

/// Revisions by their workload's uid, newest first.
#[derive(Debug, Default)]
pub struct Revisions(HashMap<Text, Vec<Revision>>);

impl Revisions {
    pub fn of(&self, workload: &str) -> &[Revision] {
        self.0.get(workload).map(Vec::as_slice).unwrap_or_default()
    }

    pub fn put(&mut self, revision: Revision) {
        let siblings = self.0.entry(revision.owner.clone()).or_default();
        siblings.retain(|s| s.uid != revision.uid);
        let at = siblings.partition_point(|s| s.number > revision.number);
        // There are few, and they rarely grow: no room for more.
        siblings.reserve_exact(1);
        siblings.insert(at, revision);
    }

    pub fn remove(&mut self, revision: &Revision) -> bool {
        let Some(siblings) = self.0.get_mut(&revision.owner) else { return false };
        let before = siblings.len();
        siblings.retain(|s| s.uid != revision.uid);
        let removed = siblings.len() < before;
        if siblings.is_empty() {
            self.0.remove(&revision.owner);
        }
        removed
    }

    /// Of a ReplicaSet that its Deployment has let go.
    pub fn release(&mut self, uid: &str) {
        self.retain(|revision| revision.uid != *uid);
    }

    /// Gives back what was held for many more.
    pub fn tighten(&mut self) {
        tighten(&mut self.0);
    }

    /// How many have gone.
    pub fn retain(&mut self, keep: impl Fn(&Revision) -> bool) -> usize {
        let mut gone = 0;
        self.0.retain(|_, all| {
            let before = all.len();
            all.retain(|revision| keep(revision));
            gone += before - all.len();
            !all.is_empty()
        });
        gone
    }
}

/// Pods by their controller's uid, then by namespace and name.
#[derive(Debug, Default)]
pub struct Pods {
    by_owner: HashMap<Text, Vec<Pod>>,
    /// Under which controller a pod is held, by the hash of its namespace and name: one may let it go, and another take it up.
    homes: HashMap<u64, Text>,
    names: RandomState,
}

impl Pods {
    pub fn of(&self, owner: &str) -> &[Pod] {
        self.by_owner.get(owner).map(Vec::as_slice).unwrap_or_default()
    }

    /// Those that no workload made. (What one controller made is all alike.)
    pub fn bare(&self) -> impl Iterator<Item = &Pod> {
        self.by_owner.values().filter(|all| all.first().is_some_and(|pod| pod.bare.is_some())).flatten()
    }

    /// Whether this very fact is held.
    pub fn has(&self, pod: &Pod) -> bool {
        let siblings = self.of(&pod.owner);
        place(siblings, &pod.namespace, &pod.name).is_ok_and(|at| siblings[at] == *pod)
    }

    pub fn put(&mut self, pod: Pod) {
        let home = self.homes.insert(self.hash(&pod.namespace, &pod.name), pod.owner.clone());
        if let Some(home) = home.filter(|home| *home != pod.owner) {
            self.take(&home, &pod.namespace, &pod.name);
        }
        let siblings = self.by_owner.entry(pod.owner.clone()).or_default();
        match place(siblings, &pod.namespace, &pod.name) {
            Ok(at) => siblings[at] = pod,
            Err(at) => {
                siblings.reserve_exact(1 + siblings.len() / 8);
                siblings.insert(at, pod);
            }
        }
    }

    /// Under whichever controller it is held.
    pub fn remove(&mut self, pod: &Pod) -> bool {
        let home = self.homes.remove(&self.hash(&pod.namespace, &pod.name));
        home.is_some_and(|home| self.take(&home, &pod.namespace, &pod.name).is_some())
    }

    /// How many have gone.
    pub fn forget(&mut self, namespace: &str) -> usize {
        let mut gone = Vec::new();
        self.by_owner.retain(|_, all| {
            gone.extend(all.extract_if(.., |pod| pod.namespace == *namespace));
            !all.is_empty()
        });
        for pod in &gone {
            self.homes.remove(&self.hash(&pod.namespace, &pod.name));
        }
        gone.len()
    }

    /// Gives back what was held for many more.
    pub fn tighten(&mut self) {
        tighten(&mut self.by_owner);
        tighten(&mut self.homes);
    }

    pub fn len(&self) -> usize {
        self.by_owner.values().map(Vec::len).sum()
    }

    fn take(&mut self, owner: &Text, namespace: &str, name: &str) -> Option<Pod> {
        let siblings = self.by_owner.get_mut(owner)?;
        let pod = siblings.remove(place(siblings, namespace, name).ok()?);
        if siblings.is_empty() {
            self.by_owner.remove(owner);
        }
        Some(pod)
    }

    fn hash(&self, namespace: &str, name: &str) -> u64 {
        self.names.hash_one((namespace, name))
    }
}

fn tighten<K: Eq + Hash, V>(map: &mut HashMap<K, V>) {
    if map.capacity() > 4 * map.len() {
        map.shrink_to(2 * map.len());
    }
}

fn place(siblings: &[Pod], namespace: &str, name: &str) -> Result<usize, usize> {
    siblings.binary_search_by(|pod| (&*pod.namespace, &*pod.name).cmp(&(namespace, name)))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::clusters::objects;
    use serde_json::json;

    fn pod(namespace: &str, name: &str, owner: &str) -> Pod {
        let owners = json!([{"apiVersion": "apps/v1", "kind": "ReplicaSet", "name": "set", "uid": owner, "controller": true}]);
        let owners = if owner.is_empty() { json!([]) } else { owners };
        let object = json!({"metadata": {"namespace": namespace, "name": name, "ownerReferences": owners}});
        objects::pod(serde_json::from_value(object).unwrap()).unwrap()
    }

    fn names(pods: &[Pod]) -> Vec<&str> {
        pods.iter().map(|pod| &*pod.name).collect()
    }

    #[test]
    fn a_pod_is_held_once_whoever_controls_it() {
        let mut pods = Pods::default();
        [pod("ns", "b", "set"), pod("ns", "a", "set"), pod("other", "a", "")].into_iter().for_each(|pod| pods.put(pod));
        assert_eq!((names(pods.of("set")), pods.len()), (vec!["a", "b"], 3));
        pods.put(pod("ns", "a", ""));
        assert_eq!((names(pods.of("set")), names(pods.of("")), pods.len()), (vec!["b"], vec!["a", "a"], 3), "released by its set");
        assert!(pods.has(&pod("ns", "a", "")) && !pods.has(&pod("ns", "a", "set")));
        pods.put(pod("ns", "a", "set"));
        assert_eq!((names(pods.of("set")), pods.len()), (vec!["a", "b"], 3), "taken up again");
        assert!(pods.remove(&pod("ns", "a", "")), "its last word may name another controller");
        assert!(!pods.remove(&pod("ns", "a", "set")));
        assert_eq!((names(pods.of("set")), names(pods.of(""))), (vec!["b"], vec!["a"]));
        assert_eq!((pods.forget("ns"), pods.homes.len(), pods.len()), (1, 1, 1));
    }

    #[test]
    fn texts_are_held_once_and_go_with_the_last_fact() {
        let (mut texts, mut kept) = (Texts::default(), Item::Pod(pod("ns", "kept", "set")));
        texts.share(&mut kept);
        for number in 0..10 * FEW {
            let mut item = Item::Pod(pod("ns", "gone", &number.to_string()));
            texts.share(&mut item);
            let (Item::Pod(kept), Item::Pod(pod)) = (&kept, &item) else { panic!("both are pods") };
            assert!(std::ptr::eq(&*kept.namespace, &*pod.namespace), "the same allocation");
        }
        assert!(texts.held.len() <= 2 * FEW + 2, "{} are held", texts.held.len());
        texts.let_go(10 * FEW);
        let mut left: Vec<&str> = texts.held.iter().map(|text| &**text).collect();
        left.sort_unstable();
        assert_eq!(left, ["", "ns", "set"], "what the pod that is kept holds");
    }
}
