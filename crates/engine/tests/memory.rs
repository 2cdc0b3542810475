//! What is held of a large cluster, in bytes that are asked of the allocator: the simulated load's own lists, folded as the watch
//! folds them. The bound fails when a field is added to each pod without thought.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use engine::clusters::objects::{self, DeploymentObject, PodObject, ReplicaSetObject};
use engine::clusters::state::{Feed, Item, Kind, State};
use serde::de::DeserializeOwned;
use sim::{Clock, Cluster};
use stats_alloc::{INSTRUMENTED_SYSTEM, Region, StatsAlloc};
use std::alloc::System;

#[global_allocator]
static COUNTED: &StatsAlloc<System> = &INSTRUMENTED_SYSTEM;

const DEPLOYMENTS: usize = 400;
const EACH: usize = 5;
/// Bytes of one pod with its share of a Deployment and a ReplicaSet, a fifth of each.
const MOST_FOR_A_POD: usize = 800;

fn namespaces() -> Vec<String> {
    ('a'..='d').map(|letter| format!("team-{letter}")).collect()
}

/// The lists of the three kinds, as JSON of one object each.
fn lists() -> Vec<(Feed, Vec<String>)> {
    let cluster = Cluster::new("load", Clock::real());
    sim::load::fill(&cluster, DEPLOYMENTS, EACH);
    let of = |kind: Kind, namespace: &String| {
        let objects = cluster.list(kind.as_str(), namespace).into_iter().map(|object| object.to_string()).collect();
        ((kind, namespace.clone()), objects)
    };
    [Kind::Deployments, Kind::ReplicaSets, Kind::Pods]
        .into_iter()
        .flat_map(|kind| namespaces().iter().map(move |ns| of(kind, ns)).collect::<Vec<_>>())
        .collect()
}

fn read<K: DeserializeOwned>(object: &str) -> K {
    serde_json::from_str(object).unwrap()
}

fn item(kind: Kind, object: &str) -> Option<Item> {
    match kind {
        Kind::Deployments => Some(Item::Workload(Box::new(objects::deployment(read::<DeploymentObject>(object))))),
        Kind::ReplicaSets => objects::replica_set(read::<ReplicaSetObject>(object)).map(Item::Revision),
        _ => objects::pod(read::<PodObject>(object)).map(Item::Pod),
    }
}

fn fold(state: &mut State, lists: &[(Feed, Vec<String>)]) {
    for (feed, objects) in lists {
        state.init(feed);
        for object in objects {
            state.init_apply(feed, item(feed.0, object).unwrap());
        }
        state.init_done(feed);
    }
}

/// Bytes that are held since then.
fn held(since: &Region<'_, System>) -> usize {
    let change = since.change();
    change.bytes_allocated.saturating_sub(change.bytes_deallocated)
}

/// One test: what others allocate at the same time would be counted too.
#[test]
fn a_pod_of_a_large_cluster_takes_little_and_leaves_nothing() {
    let lists = lists();
    let json: usize = lists.iter().flat_map(|(_, objects)| objects).map(String::len).sum();
    let (mut state, pods) = (State::new(&namespaces()), DEPLOYMENTS * EACH);
    let since = Region::new(COUNTED);
    fold(&mut state, &lists);
    let first = held(&since);
    assert_eq!(state.counts(), (DEPLOYMENTS, pods));
    println!("{} bytes for a pod, {:.3} of the JSON", first / pods, first as f64 / json as f64);
    assert!(first / pods <= MOST_FOR_A_POD, "{} bytes for a pod", first / pods);

    (0..3).for_each(|_| fold(&mut state, &lists));
    let again = held(&since);
    assert_eq!(state.counts(), (DEPLOYMENTS, pods));
    assert!(again <= first + first / 20, "listed anew it takes {again} bytes instead of {first}");

    let empty: Vec<_> = lists.iter().map(|(feed, _)| (feed.clone(), Vec::new())).collect();
    fold(&mut state, &empty);
    assert_eq!(state.counts(), (0, 0));
    let left = held(&since);
    assert!(left <= first / 10, "{left} of {first} bytes are held of an empty cluster");
}
