//! One supervised task per cluster: watches in each bound namespace, and a heartbeat. A cluster that stops answering is
//! marked lost within seconds and its watches are begun again when it answers; no other cluster notices.

use super::objects::{self, ControllerRevisionObject, DaemonSetObject, DeploymentObject, PodObject, ReplicaSetObject, StatefulSetObject};
use super::order::Order;
use super::state::{Feed, Item, Kind, feeds};
use super::{Cluster, now};
use super::{happenings, neighbours};
use domain::clusters::Neighbour;
use futures::{TryStreamExt, pin_mut};
use kube::core::NamespaceResourceScope;
use kube::runtime::WatchStreamExt;
use kube::runtime::watcher::{self, Event, watcher};
use kube::{Api, Resource};
use serde::de::DeserializeOwned;
use std::fmt::Debug;
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::Semaphore;
use tokio::task::JoinSet;
use tokio_util::sync::CancellationToken;

/// Between two heartbeats, and how long one may take.
const BEAT: Duration = Duration::from_secs(3);
const BEAT_TIMEOUT: Duration = Duration::from_secs(3);

/// First lists of one cluster that run at once: they are the API server's heaviest reads.
const LISTS_AT_ONCE: usize = 3;

/// Watches this cluster until `stop`.
pub async fn supervise(cluster: Arc<Cluster>, stop: CancellationToken) {
    while !stop.is_cancelled() {
        let round = CancellationToken::new();
        let mut watches = watch_all(&cluster, &round);
        tokio::select! {
            () = stop.cancelled() => {}
            () = until_lost(&cluster) => {}
        }
        round.cancel();
        watches.shutdown().await;
        tokio::select! {
            () = stop.cancelled() => {}
            () = until_found(&cluster) => {}
        }
    }
}

/// Beats until the cluster fails to answer twice in a row.
async fn until_lost(cluster: &Cluster) {
    let mut missed = 0;
    loop {
        match beat(cluster).await {
            Ok(()) => missed = 0,
            Err(why) => {
                missed += 1;
                if missed >= 2 {
                    cluster.update(|state| state.lose(&why));
                    tracing::warn!(cluster = cluster.name, why, "lost a cluster");
                    return;
                }
                continue;
            }
        }
        tokio::time::sleep(BEAT).await;
    }
}

async fn until_found(cluster: &Cluster) {
    while beat(cluster).await.is_err() {
        tokio::time::sleep(BEAT).await;
    }
}

/// One small question. Any answer of the API server, also a refusal, shows that it is there.
async fn beat(cluster: &Cluster) -> Result<(), String> {
    let question = cluster.reader.apiserver_version();
    match tokio::time::timeout(BEAT_TIMEOUT, question).await {
        Ok(Ok(_)) | Ok(Err(kube::Error::Api(_))) => {
            cluster.update(|state| state.heard(now()));
            Ok(())
        }
        Ok(Err(error)) => Err(super::in_words(&error)),
        Err(_) => Err(format!("no answer within {} s", BEAT_TIMEOUT.as_secs())),
    }
}

fn watch_all(cluster: &Arc<Cluster>, round: &CancellationToken) -> JoinSet<()> {
    let lists = Arc::new(Semaphore::new(LISTS_AT_ONCE));
    let mut tasks = JoinSet::new();
    for feed in feeds(&cluster.namespaces) {
        let (cluster, lists, round) = (cluster.clone(), lists.clone(), round.clone());
        tasks.spawn(async move {
            tokio::select! {
                () = round.cancelled() => {}
                () = watch_kind(&cluster, feed, &lists) => {}
            }
        });
    }
    happenings::watch(cluster, &mut tasks);
    tasks
}

async fn watch_kind(cluster: &Cluster, feed: Feed, lists: &Semaphore) {
    match feed.0 {
        Kind::Deployments => {
            inside::<DeploymentObject>(cluster, feed, lists, |o| Some(Item::Workload(Box::new(objects::deployment(o))))).await
        }
        Kind::StatefulSets => {
            inside::<StatefulSetObject>(cluster, feed, lists, |o| Some(Item::Workload(Box::new(objects::stateful_set(o))))).await
        }
        Kind::DaemonSets => {
            inside::<DaemonSetObject>(cluster, feed, lists, |o| Some(Item::Workload(Box::new(objects::daemon_set(o))))).await
        }
        Kind::ReplicaSets => inside(cluster, feed, lists, replica_set).await,
        Kind::ControllerRevisions => {
            inside::<ControllerRevisionObject>(cluster, feed, lists, |o| objects::controller_revision(o).map(Item::Revision)).await
        }
        Kind::Pods => inside::<PodObject>(cluster, feed, lists, |o| objects::pod(o).map(Item::Pod)).await,
        Kind::Autoscalers => inside(cluster, feed, lists, |o| neighbours::autoscaler(o).map(Item::Neighbour)).await,
        Kind::Services => inside(cluster, feed, lists, |o| neighbours::service(o).map(Item::Neighbour)).await,
        Kind::Ingresses => inside(cluster, feed, lists, |o| neighbours::ingress(o).map(Item::Neighbour)).await,
        Kind::NetworkPolicies => inside(cluster, feed, lists, |o| neighbours::network_policy(o).map(Item::Neighbour)).await,
        Kind::ConfigMaps => inside(cluster, feed, lists, |o| neighbours::config_map(o).map(Item::Neighbour)).await,
        Kind::Claims => inside(cluster, feed, lists, |o| neighbours::claim(o).map(Item::Neighbour)).await,
        Kind::Jobs => inside(cluster, feed, lists, |o| neighbours::job(o).map(Item::Neighbour)).await,
        Kind::CronJobs => inside(cluster, feed, lists, |o| neighbours::cron_job(o).map(Item::Neighbour)).await,
        Kind::Nodes => fold(cluster, Api::all(cluster.reader.clone()), feed, lists, |o| neighbours::node(o).map(Item::Neighbour)).await,
    }
}

/// A Deployment's revision, or one that stands for itself.
fn replica_set(object: ReplicaSetObject) -> Option<Item> {
    let bare = objects::bare_replica_set(&object).map(|set| Item::Neighbour(Neighbour::ReplicaSet(set)));
    bare.or_else(|| objects::replica_set(object).map(Item::Revision))
}

/// Folds one kind of one namespace.
async fn inside<K>(cluster: &Cluster, feed: Feed, lists: &Semaphore, small: fn(K) -> Option<Item>)
where
    K: Resource<Scope = NamespaceResourceScope, DynamicType = ()> + Clone + DeserializeOwned + Debug + Send + 'static,
{
    fold(cluster, Api::namespaced(cluster.reader.clone(), &feed.1), feed, lists, small).await
}

/// Folds one watch into the cluster's state, for ever.
async fn fold<K>(cluster: &Cluster, api: Api<K>, feed: Feed, lists: &Semaphore, small: fn(K) -> Option<Item>)
where
    K: Resource<DynamicType = ()> + Clone + DeserializeOwned + Debug + Send + 'static,
{
    let mut permit = lists.acquire().await.ok();
    let stream = watcher(api, watcher::Config::default().page_size(250).timeout(cluster.patience.renew_s)).default_backoff();
    pin_mut!(stream);
    let mut order = Order::default();
    loop {
        match stream.try_next().await {
            Ok(Some(event)) if !order.is_news(&event) => cluster.update(|state| state.spoke(&feed)),
            Ok(Some(event)) => {
                if matches!(event, Event::InitDone) {
                    permit = None;
                }
                cluster.update(|state| take(state, &feed, event, small));
            }
            Ok(None) => return,
            Err(error) => {
                drop(permit.take());
                // A history that has gone is listed anew at once; should that fail, the list's own error says so.
                if is_expired(&error) {
                    continue;
                }
                let (forbidden, why) = describe(&error, &feed);
                cluster.update(|state| state.failed(&feed, forbidden, why));
            }
        }
    }
}

fn take<K>(state: &mut super::State, feed: &Feed, event: Event<K>, small: fn(K) -> Option<Item>) -> bool {
    match event {
        Event::Init => {
            state.init(feed);
            false
        }
        Event::InitApply(object) => {
            if let Some(item) = small(object) {
                state.init_apply(feed, item);
            }
            false
        }
        Event::InitDone => state.init_done(feed),
        Event::Apply(object) => state.spoke(feed) | small(object).is_some_and(|item| state.apply(feed, item)),
        Event::Delete(object) => state.spoke(feed) | small(object).is_some_and(|item| state.delete(feed, &item)),
    }
}

fn is_expired(error: &watcher::Error) -> bool {
    matches!(error, watcher::Error::WatchError(status) if status.code == 410)
}

fn describe(error: &watcher::Error, feed: &Feed) -> (bool, String) {
    let source = match error {
        watcher::Error::InitialListFailed(source) | watcher::Error::WatchStartFailed(source) | watcher::Error::WatchFailed(source) => {
            Some(source)
        }
        _ => None,
    };
    match source {
        Some(kube::Error::Api(status)) if status.code == 403 => {
            let place = if feed.1.is_empty() { "the whole cluster" } else { &feed.1 };
            (true, format!("the portal may not list and watch {} in {place}", feed.0.as_str()))
        }
        Some(source) => (false, super::in_words(source)),
        None => (false, error.to_string()),
    }
}
