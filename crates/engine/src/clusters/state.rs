//! What is known of one cluster: small structs folded from the watches, and how fresh they are. During a re-list a new map is
//! filled beside the old one and swapped in at its end, so readers never see a half-empty cluster.

pub use super::kind::{Feed, Kind, feeds};

use super::held::{Pods, Revisions, Texts, Workloads};
use domain::Time;
use domain::clusters::{Neighbour, Observed, Pod, Reach, Revision, Workload, WorkloadKey, WorkloadKind};
use std::collections::{BTreeMap, HashMap};

#[derive(Clone, Debug)]
pub enum Item {
    Workload(Box<Workload>),
    Revision(Revision),
    Pod(Pod),
    Neighbour(Neighbour),
}

#[derive(Clone, Debug, PartialEq, Eq)]
enum FeedState {
    Listing,
    Live,
    /// The API server does not let us read this.
    Forbidden(String),
    Broken(String),
}

#[derive(Debug)]
pub struct State {
    workloads: Workloads,
    revisions: Revisions,
    pods: Pods,
    texts: Texts,
    neighbours: BTreeMap<Feed, BTreeMap<String, Neighbour>>,
    feeds: BTreeMap<Feed, FeedState>,
    relist: HashMap<Feed, Vec<Item>>,
    heard: Option<Time>,
    /// Set when the heartbeat fails; what is known is old from then on.
    lost: Option<String>,
}

impl State {
    pub fn new(namespaces: &[String]) -> State {
        let feeds = feeds(namespaces).map(|feed| (feed, FeedState::Listing)).collect();
        State {
            workloads: Workloads::default(),
            revisions: Revisions::default(),
            pods: Pods::default(),
            texts: Texts::default(),
            neighbours: BTreeMap::new(),
            feeds,
            relist: HashMap::new(),
            heard: None,
            lost: None,
        }
    }

    pub fn observed(&self, key: &WorkloadKey) -> Option<Known<'_>> {
        let workload = self.workloads.get(key)?;
        let revisions = self.revisions.of(&workload.uid);
        let owners = std::iter::once(workload.uid.as_str()).chain(revisions.iter().map(|revision| &*revision.uid));
        let pods = owners.flat_map(|owner| self.pods.of(owner)).collect();
        Some(Known { workload, revisions, pods })
    }

    pub fn workloads_in<'a>(&'a self, namespace: &'a str) -> impl Iterator<Item = &'a Workload> + 'a {
        self.workloads.values().filter(move |w| w.key.namespace == namespace)
    }

    /// What stands around the workloads of a namespace.
    pub fn neighbours_in<'a>(&'a self, namespace: &'a str) -> impl Iterator<Item = &'a Neighbour> + Clone + 'a {
        self.neighbours.iter().filter(move |((_, place), _)| place == namespace).flat_map(|(_, all)| all.values())
    }

    /// Of the whole cluster.
    pub fn nodes(&self) -> impl Iterator<Item = &Neighbour> + Clone {
        self.neighbours_in("")
    }

    /// Pods of a namespace that no workload made, by name, and the pods of one controller.
    pub fn bare_pods<'a>(&'a self, namespace: &'a str) -> impl Iterator<Item = &'a Pod> + 'a {
        self.pods.bare().filter(move |pod| pod.namespace == *namespace)
    }

    pub fn pods_of(&self, controller: &str) -> &[Pod] {
        self.pods.of(controller)
    }

    /// Kinds that may not be read in a namespace, or at all, in the words of the missing right.
    pub fn forbidden<'a>(&'a self, namespace: &'a str) -> impl Iterator<Item = &'a str> + 'a {
        self.feeds.iter().filter(move |((_, place), _)| place == namespace || place.is_empty()).filter_map(|(_, state)| match state {
            FeedState::Forbidden(why) => Some(why.as_str()),
            _ => None,
        })
    }

    /// How far what is known of workloads of this kind in this namespace can be trusted: their own feed counts, and those of
    /// the pods and revisions that their health is read from.
    pub fn reach(&self, namespace: &str, kind: WorkloadKind) -> Reach {
        if let Some(why) = &self.lost {
            return Reach::Lost { last_seen: self.heard, why: why.clone() };
        }
        let needed: &[Kind] = match kind {
            WorkloadKind::Deployment => &[Kind::Deployments, Kind::ReplicaSets, Kind::Pods],
            WorkloadKind::StatefulSet => &[Kind::StatefulSets, Kind::ControllerRevisions, Kind::Pods],
            WorkloadKind::DaemonSet => &[Kind::DaemonSets, Kind::ControllerRevisions, Kind::Pods],
        };
        let feeds = needed.iter().filter_map(|kind| self.feeds.get(&(*kind, namespace.to_owned())));
        feeds.map(|feed| self.reach_of(feed)).find(|reach| *reach != Reach::Live).unwrap_or(Reach::Live)
    }

    /// How far what is known of one kind can be trusted.
    pub fn reach_kind(&self, namespace: &str, kind: Kind) -> Reach {
        if let Some(why) = &self.lost {
            return Reach::Lost { last_seen: self.heard, why: why.clone() };
        }
        self.feeds.get(&(kind, namespace.to_owned())).map_or(Reach::Live, |feed| self.reach_of(feed))
    }

    fn reach_of(&self, feed: &FeedState) -> Reach {
        match feed {
            FeedState::Live => Reach::Live,
            FeedState::Forbidden(why) => Reach::Forbidden { why: why.clone() },
            FeedState::Broken(why) => Reach::Lost { last_seen: self.heard, why: why.clone() },
            FeedState::Listing => Reach::Lost { last_seen: self.heard, why: "the first list is not there yet".into() },
        }
    }

    pub fn reachable(&self) -> bool {
        self.lost.is_none() && self.heard.is_some()
    }

    pub fn last_seen(&self) -> Option<Time> {
        self.heard
    }

    /// The first thing that is wrong, in words; empty when nothing is.
    pub fn trouble(&self) -> String {
        if let Some(why) = &self.lost {
            return why.clone();
        }
        let bad = self.feeds.values().find_map(|state| match state {
            FeedState::Forbidden(why) | FeedState::Broken(why) => Some(why.clone()),
            _ => None,
        });
        bad.unwrap_or_default()
    }

    /// All first lists that health is read from are there, or it is known that they will not come.
    pub fn settled(&self) -> bool {
        let mut core = self.feeds.iter().filter(|((kind, _), _)| Kind::CORE.contains(kind));
        self.lost.is_some() || core.all(|(_, state)| *state != FeedState::Listing)
    }

    pub fn counts(&self) -> (usize, usize) {
        (self.workloads.len(), self.pods.len())
    }

    // What the watches tell. Each answers whether anything that is shown has changed.

    pub fn heard(&mut self, at: Time) -> bool {
        self.heard = Some(at);
        self.lost.take().is_some()
    }

    /// After this the watches begin anew: until they have listed again, nothing that is known counts as live.
    pub fn lose(&mut self, why: &str) -> bool {
        self.feeds.values_mut().for_each(|state| *state = FeedState::Listing);
        let before = self.lost.replace(why.to_owned());
        before.as_deref() != Some(why)
    }

    pub fn init(&mut self, feed: &Feed) {
        self.relist.insert(feed.clone(), Vec::new());
    }

    pub fn init_apply(&mut self, feed: &Feed, mut item: Item) {
        self.texts.share(&mut item);
        self.relist.entry(feed.clone()).or_default().push(item);
    }

    pub fn init_done(&mut self, feed: &Feed) -> bool {
        self.forget(feed);
        for item in self.relist.remove(feed).unwrap_or_default() {
            self.put(feed, item);
        }
        self.pods.tighten();
        self.revisions.tighten();
        self.feeds.insert(feed.clone(), FeedState::Live);
        true
    }

    pub fn failed(&mut self, feed: &Feed, forbidden: bool, why: String) -> bool {
        let state = if forbidden { FeedState::Forbidden(why) } else { FeedState::Broken(why) };
        let before = self.feeds.insert(feed.clone(), state.clone());
        before != Some(state)
    }

    /// A feed that spoke again after an error is live again; a feed that was never listed stays so until its list is there.
    pub fn spoke(&mut self, feed: &Feed) -> bool {
        match self.feeds.get_mut(feed) {
            Some(state @ FeedState::Broken(_)) => {
                *state = FeedState::Live;
                true
            }
            _ => false,
        }
    }

    pub fn apply(&mut self, feed: &Feed, mut item: Item) -> bool {
        self.texts.share(&mut item);
        if let Item::Neighbour(Neighbour::ReplicaSet(set)) = &item
            && !self.neighbours.get(feed).is_some_and(|all| all.contains_key(&set.name))
        {
            // Its Deployment may have let it go.
            self.revisions.release(&set.uid);
        }
        self.put(feed, item)
    }

    fn put(&mut self, feed: &Feed, item: Item) -> bool {
        match item {
            Item::Workload(workload) => {
                let changed = self.workloads.get(&workload.key) != Some(&*workload);
                self.workloads.put(workload);
                changed
            }
            Item::Revision(revision) => {
                // A Deployment may have taken it up.
                if let Some(bare) = self.neighbours.get_mut(feed) {
                    bare.remove(&*revision.name);
                }
                let changed = !self.revisions.of(&revision.owner).contains(&revision);
                self.revisions.put(revision);
                changed
            }
            Item::Pod(pod) => {
                let changed = !self.pods.has(&pod);
                self.pods.put(pod);
                changed
            }
            Item::Neighbour(it) => {
                let before = self.neighbours.entry(feed.clone()).or_default().insert(it.name().to_owned(), it.clone());
                before.as_ref() != Some(&it)
            }
        }
    }

    pub fn delete(&mut self, feed: &Feed, item: &Item) -> bool {
        self.texts.let_go(1);
        match item {
            Item::Workload(workload) => self.workloads.remove(&workload.key),
            Item::Revision(revision) => self.revisions.remove(revision),
            Item::Pod(pod) => self.pods.remove(pod),
            Item::Neighbour(it) => self.neighbours.get_mut(feed).is_some_and(|all| all.remove(it.name()).is_some()),
        }
    }

    fn forget(&mut self, feed: &Feed) {
        let (kind, namespace) = feed;
        let gone = match kind {
            Kind::Deployments => self.forget_workloads(WorkloadKind::Deployment, namespace),
            Kind::StatefulSets => self.forget_workloads(WorkloadKind::StatefulSet, namespace),
            Kind::DaemonSets => self.forget_workloads(WorkloadKind::DaemonSet, namespace),
            Kind::ReplicaSets | Kind::ControllerRevisions => {
                // A ReplicaSet's template is not kept.
                let theirs = |revision: &Revision| revision.template.is_empty() == (*kind == Kind::ReplicaSets);
                self.revisions.retain(|revision| revision.namespace != *namespace || !theirs(revision))
            }
            Kind::Pods => self.pods.forget(namespace),
            _ => 0,
        };
        self.neighbours.remove(feed);
        self.texts.let_go(gone);
    }

    fn forget_workloads(&mut self, kind: WorkloadKind, namespace: &str) -> usize {
        let before = self.workloads.len();
        self.workloads.retain(|key| key.kind != kind || key.namespace != namespace);
        before - self.workloads.len()
    }
}

/// A workload with what belongs to it, borrowed from the state.
pub struct Known<'a> {
    pub workload: &'a Workload,
    pub revisions: &'a [Revision],
    pub pods: Vec<&'a Pod>,
}

impl Known<'_> {
    pub fn as_observed(&self) -> Observed<'_> {
        Observed { workload: self.workload, revisions: self.revisions, pods: &self.pods }
    }
}
