//! What is known of one cluster: small structs folded from the watches, and how fresh they are. During a re-list a new map is
//! filled beside the old one and swapped in at its end, so readers never see a half-empty cluster.

use domain::Time;
use domain::clusters::{Observed, Pod, Reach, ReplicaSet, Workload, WorkloadKey, WorkloadKind};
use std::collections::{BTreeMap, HashMap};

/// One watched kind in one namespace.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Kind {
    Deployments,
    StatefulSets,
    DaemonSets,
    ReplicaSets,
    Pods,
}

impl Kind {
    pub const ALL: [Kind; 5] = [Kind::Deployments, Kind::StatefulSets, Kind::DaemonSets, Kind::ReplicaSets, Kind::Pods];

    pub fn as_str(self) -> &'static str {
        match self {
            Kind::Deployments => "deployments",
            Kind::StatefulSets => "statefulsets",
            Kind::DaemonSets => "daemonsets",
            Kind::ReplicaSets => "replicasets",
            Kind::Pods => "pods",
        }
    }
}

pub type Feed = (Kind, String);

#[derive(Clone, Debug)]
pub enum Item {
    Workload(Workload),
    ReplicaSet(ReplicaSet),
    Pod(Pod),
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
    workloads: BTreeMap<WorkloadKey, Workload>,
    /// By the Deployment's uid, newest revision first.
    replica_sets: HashMap<String, Vec<ReplicaSet>>,
    /// By the controller's uid, then by name.
    pods: HashMap<String, BTreeMap<String, Pod>>,
    feeds: BTreeMap<Feed, FeedState>,
    relist: HashMap<Feed, Vec<Item>>,
    heard: Option<Time>,
    /// Set when the heartbeat fails; what is known is old from then on.
    lost: Option<String>,
}

impl State {
    pub fn new(namespaces: &[String]) -> State {
        let feeds = namespaces.iter().flat_map(|ns| Kind::ALL.map(|kind| ((kind, ns.clone()), FeedState::Listing))).collect();
        State {
            workloads: BTreeMap::new(),
            replica_sets: HashMap::new(),
            pods: HashMap::new(),
            feeds,
            relist: HashMap::new(),
            heard: None,
            lost: None,
        }
    }

    pub fn observed(&self, key: &WorkloadKey) -> Option<Known<'_>> {
        let workload = self.workloads.get(key)?;
        let replica_sets = self.replica_sets.get(&workload.uid).map(Vec::as_slice).unwrap_or_default();
        let own = std::iter::once(workload.uid.as_str());
        let owners = own.chain(replica_sets.iter().map(|rs| rs.uid.as_str()));
        let pods = owners.filter_map(|owner| self.pods.get(owner)).flat_map(BTreeMap::values).collect();
        Some(Known { workload, replica_sets, pods })
    }

    pub fn workloads_in<'a>(&'a self, namespace: &'a str) -> impl Iterator<Item = &'a Workload> + 'a {
        self.workloads.values().filter(move |w| w.key.namespace == namespace)
    }

    /// How far what is known of workloads of this kind in this namespace can be trusted: their own feed counts, and those of
    /// the pods and ReplicaSets that their health is read from.
    pub fn reach(&self, namespace: &str, kind: WorkloadKind) -> Reach {
        if let Some(why) = &self.lost {
            return Reach::Lost { last_seen: self.heard, why: why.clone() };
        }
        let needed: &[Kind] = match kind {
            WorkloadKind::Deployment => &[Kind::Deployments, Kind::ReplicaSets, Kind::Pods],
            WorkloadKind::StatefulSet => &[Kind::StatefulSets, Kind::Pods],
            WorkloadKind::DaemonSet => &[Kind::DaemonSets, Kind::Pods],
        };
        let feeds = needed.iter().filter_map(|kind| self.feeds.get(&(*kind, namespace.to_owned())));
        feeds.map(|feed| self.reach_of(feed)).find(|reach| *reach != Reach::Live).unwrap_or(Reach::Live)
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

    /// All first lists are there, or it is known that they will not come.
    pub fn settled(&self) -> bool {
        self.lost.is_some() || self.feeds.values().all(|state| *state != FeedState::Listing)
    }

    pub fn counts(&self) -> (usize, usize) {
        (self.workloads.len(), self.pods.values().map(BTreeMap::len).sum())
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

    pub fn init_apply(&mut self, feed: &Feed, item: Item) {
        self.relist.entry(feed.clone()).or_default().push(item);
    }

    pub fn init_done(&mut self, feed: &Feed) -> bool {
        self.forget(feed);
        for item in self.relist.remove(feed).unwrap_or_default() {
            self.apply(item);
        }
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

    pub fn apply(&mut self, item: Item) -> bool {
        match item {
            Item::Workload(workload) => {
                let before = self.workloads.insert(workload.key.clone(), workload.clone());
                before.as_ref() != Some(&workload)
            }
            Item::ReplicaSet(rs) => {
                let siblings = self.replica_sets.entry(rs.owner.clone()).or_default();
                let before = siblings.iter().position(|s| s.uid == rs.uid).map(|at| siblings.remove(at));
                let changed = before.as_ref() != Some(&rs);
                let at = siblings.partition_point(|s| s.revision > rs.revision);
                siblings.insert(at, rs);
                changed
            }
            Item::Pod(pod) => {
                let before = self.pods.entry(pod.owner.clone()).or_default().insert(pod.name.clone(), pod.clone());
                before.as_ref() != Some(&pod)
            }
        }
    }

    pub fn delete(&mut self, item: &Item) -> bool {
        match item {
            Item::Workload(workload) => self.workloads.remove(&workload.key).is_some(),
            Item::ReplicaSet(rs) => {
                let Some(siblings) = self.replica_sets.get_mut(&rs.owner) else { return false };
                siblings.retain(|s| s.uid != rs.uid);
                true
            }
            Item::Pod(pod) => {
                let Some(siblings) = self.pods.get_mut(&pod.owner) else { return false };
                let removed = siblings.remove(&pod.name).is_some();
                if siblings.is_empty() {
                    self.pods.remove(&pod.owner);
                }
                removed
            }
        }
    }

    fn forget(&mut self, (kind, namespace): &Feed) {
        let gone = match kind {
            Kind::Deployments => WorkloadKind::Deployment,
            Kind::StatefulSets => WorkloadKind::StatefulSet,
            Kind::DaemonSets => WorkloadKind::DaemonSet,
            Kind::ReplicaSets => {
                return self.replica_sets.retain(|_, all| {
                    all.retain(|rs| rs.namespace != *namespace);
                    !all.is_empty()
                });
            }
            Kind::Pods => {
                return self.pods.retain(|_, all| {
                    all.retain(|_, pod| pod.namespace != *namespace);
                    !all.is_empty()
                });
            }
        };
        self.workloads.retain(|key, _| key.kind != gone || key.namespace != *namespace);
    }
}

/// A workload with what belongs to it, borrowed from the state.
pub struct Known<'a> {
    pub workload: &'a Workload,
    pub replica_sets: &'a [ReplicaSet],
    pub pods: Vec<&'a Pod>,
}

impl Known<'_> {
    pub fn as_observed(&self) -> Observed<'_> {
        Observed { workload: self.workload, replica_sets: self.replica_sets, pods: &self.pods }
    }
}
