//! The only place that touches the world: database, clusters, clock. Each use-case authorises on its first line, gathers facts,
//! lets `domain` decide, and acts; every act writes its audit entry in the same transaction.

pub mod access;
mod changes;
pub mod clusters;
mod error;
pub mod events;
pub mod fault;
mod happenings;
mod incidents;
pub mod logs;
mod matrix;
pub mod metrics;
pub mod oncall;
mod pages;
mod releases;
mod replicas;
pub mod store;

pub use changes::{Asked, IdempotencyKey, NewFreeze, Policy, TrainPlan, Way, WindowView};
pub use domain::{Error as DomainError, Result as DomainResult};
pub use error::{Error, Result, StartError};
pub use incidents::Opening;
pub use pages::Paging;
pub use store::{ChangeFilter, Page, PageRequest, Store, TokenInfo};

use clusters::Cluster;
pub use clusters::Patience;
use domain::Time;
use domain::catalog::Catalog;
use events::{Bus, Topic};
use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;
use store::alone::Alone;
use tokio::sync::Notify;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

/// Everything the portal needs to know before it starts.
pub struct Options {
    pub catalog: Catalog,
    /// `sqlite://FILE?mode=rwc` or `postgres://…`
    pub database_url: String,
    pub demo: Option<Demo>,
    pub external_url: String,
    pub patience: Patience,
}

/// Where the simulated clusters listen.
#[derive(Clone, Debug)]
pub struct Demo {
    /// Cluster name and base URL.
    pub clusters: Vec<(String, String)>,
}

/// How long what is under way may take to be journalled when the portal stops.
const DRAIN: Duration = Duration::from_secs(4);
/// And each word with the database after that.
const RELEASE: Duration = Duration::from_secs(1);

#[derive(Clone)]
pub struct Engine(Arc<Inner>);

pub(crate) struct Inner {
    catalog: Arc<Catalog>,
    store: Store,
    clusters: BTreeMap<String, Arc<Cluster>>,
    bus: Arc<Bus>,
    records: releases::Records,
    closings: changes::Closings,
    leases: changes::Leases,
    /// What the other replicas are yet to be told.
    voice: replicas::Voice,
    /// Rings when a change became ready or a worker should look again.
    work: Notify,
    /// Rings when somebody was paged.
    paging: Notify,
    outlets: pages::Outlets,
    /// This process, in leases.
    owner: String,
    demo: bool,
    external_url: String,
    /// The lock on a database in a file.
    alone: Mutex<Option<Alone>>,
    stop: CancellationToken,
    tasks: TaskTracker,
}

impl Engine {
    /// Opens the database, begins to watch the clusters and takes up the changes that were under way.
    /// A cluster that cannot be reached does not keep the portal from starting.
    pub async fn start(options: Options) -> Result<Engine, StartError> {
        let alone = store::alone::alone(&options.database_url)?;
        let store = open_store(&options.database_url).await?;
        if alone.is_some() {
            // Whoever held a lease in this file has ended: nothing waits for it.
            release_all(&store).await.map_err(|error| StartError(format!("The leases of the last run cannot be ended: {error}")))?;
        }
        let bus = Arc::new(Bus::default());
        let clusters = connect_all(&options, &bus).await?;
        let outlets = pages::Outlets::of(&options.catalog, options.demo.is_some());
        let engine = Engine(Arc::new(Inner {
            catalog: Arc::new(options.catalog),
            store,
            clusters,
            bus,
            records: releases::Records::default(),
            closings: changes::Closings::default(),
            leases: changes::Leases::default(),
            voice: replicas::Voice::default(),
            work: Notify::new(),
            paging: Notify::new(),
            outlets,
            owner: uuid::Uuid::now_v7().to_string(),
            demo: options.demo.is_some(),
            external_url: options.external_url,
            alone: Mutex::new(alone),
            stop: CancellationToken::new(),
            tasks: TaskTracker::new(),
        }));
        let said = engine.refresh_closings().await;
        said.map_err(|error| StartError(format!("The freezes in the database cannot be read: {error}")))?;
        for cluster in engine.0.clusters.values() {
            engine.0.tasks.spawn(cluster.clone().watch(engine.0.stop.clone()));
        }
        engine.0.tasks.spawn(releases::recorder(engine.clone()));
        engine.0.tasks.spawn(changes::worker::run(engine.clone()));
        if engine.0.catalog.environments.iter().any(|environment| environment.rollback_automatic) {
            engine.0.tasks.spawn(changes::automatic::run(engine.clone()));
        }
        engine.0.tasks.spawn(oncall::keep(engine.clone()));
        if engine.0.store.has_room_for_several() {
            engine.0.tasks.spawn(replicas::run(engine.clone(), options.database_url));
        }
        engine.0.tasks.spawn(pages::run(engine.clone()));
        Ok(engine)
    }

    /// The end: of the work, then of the database.
    pub async fn stop(&self) {
        self.stop_work().await;
        self.close().await;
    }

    /// Stops claiming work, lets what is being written be journalled, releases the leases. What rolls out goes on rolling, and another
    /// replica goes on with it at once. Requests may still be answered.
    pub async fn stop_work(&self) {
        self.0.stop.cancel();
        self.0.tasks.close();
        let drained = tokio::time::timeout(DRAIN, self.0.tasks.wait()).await.is_ok();
        match tokio::time::timeout(RELEASE, self.release_leases(drained)).await {
            Ok(Ok(())) => {}
            Ok(Err(error)) => tracing::warn!(%error, "the leases were not released: a successor waits until they run out"),
            Err(_) => tracing::warn!("the leases were not released in time: a successor waits until they run out"),
        }
    }

    /// Nothing is asked of the database any more; another portal may have its file.
    pub async fn close(&self) {
        let _ = tokio::time::timeout(RELEASE, self.0.store.close()).await;
        drop(self.0.alone.lock().unwrap_or_else(PoisonError::into_inner).take());
    }

    /// Not `drained`: a page may be on its way still, and nobody else sends it until its lease has run out.
    async fn release_leases(&self, drained: bool) -> Result<()> {
        let mut tx = self.0.store.write().await?;
        self.0.store.release(&mut tx, &self.0.owner).await?;
        if drained {
            self.0.store.release_deliveries(&mut tx, Some(&self.0.owner)).await?;
        }
        tx.commit().await?;
        self.tell_replicas(&[Topic::Changes]).await
    }

    pub fn catalog(&self) -> Arc<Catalog> {
        self.0.catalog.clone()
    }

    pub fn now(&self) -> Time {
        clusters::now()
    }

    pub fn is_demo(&self) -> bool {
        self.0.demo
    }

    pub fn external_url(&self) -> &str {
        &self.0.external_url
    }

    pub fn events(&self) -> &Bus {
        &self.0.bus
    }

    pub fn store(&self) -> &Store {
        &self.0.store
    }

    /// Ready: the store answers, every cluster has been listed once or is known to be lost, and what they run is recorded.
    /// Else what is missing.
    pub async fn ready(&self) -> Result<(), Vec<String>> {
        let mut missing = Vec::new();
        if self.0.store.ping().await.is_err() {
            missing.push("the database does not answer".to_owned());
        }
        if self.0.alone.lock().unwrap_or_else(PoisonError::into_inner).as_ref().is_some_and(|alone| !alone.stands()) {
            missing.push("the lock on the database file was taken away: another portal may be using it; stop all but one".to_owned());
        }
        for cluster in self.0.clusters.values().filter(|cluster| !cluster.state().settled()) {
            missing.push(format!("cluster {} has not been listed yet", cluster.name));
        }
        if missing.is_empty() && !self.0.records.are_complete() {
            missing.push("what runs has not been recorded yet".to_owned());
        }
        if missing.is_empty() { Ok(()) } else { Err(missing) }
    }

    /// To the pages of every replica: somebody did something.
    fn publish(&self, topics: &[Topic]) {
        self.publish_here(topics);
        self.0.voice.say(topics);
    }

    /// To the pages of this one: the others see it by themselves.
    fn publish_here(&self, topics: &[Topic]) {
        for topic in topics {
            self.0.bus.publish(*topic);
        }
    }

    fn cluster(&self, name: &str) -> Result<&Arc<Cluster>> {
        self.0.clusters.get(name).ok_or_else(|| Error::Domain(domain::Error::not_found(format!("cluster `{name}`"))))
    }
}

async fn release_all(store: &Store) -> Result<()> {
    let mut tx = store.write().await?;
    store.release_all(&mut tx).await?;
    store.release_deliveries(&mut tx, None).await?;
    Ok(tx.commit().await?)
}

/// The time zones that a configuration may name: those that are built in, the same on every machine.
pub fn zones() -> jiff::tz::TimeZoneDatabase {
    jiff::tz::TimeZoneDatabase::bundled()
}

/// Opens the database by itself: the command line does, to make tokens before the first start.
pub async fn open_store(url: &str) -> Result<Store, StartError> {
    Store::open(url).await.map_err(|error| StartError(format!("The database at {} cannot be opened: {error}", without_password(url))))
}

async fn connect_all(options: &Options, bus: &Arc<Bus>) -> Result<BTreeMap<String, Arc<Cluster>>, StartError> {
    let mut clusters = BTreeMap::new();
    for declared in &options.catalog.clusters {
        let url = options.demo.as_ref().and_then(|demo| demo.clusters.iter().find(|(name, _)| *name == declared.name));
        let namespaces = options.catalog.namespaces(&declared.name);
        let cluster = Cluster::connect(declared, url.map(|(_, url)| url.as_str()), namespaces, options.patience, bus.clone()).await?;
        clusters.insert(declared.name.clone(), Arc::new(cluster));
    }
    Ok(clusters)
}

/// `postgres://user:…@host/db`: what may be printed.
fn without_password(url: &str) -> String {
    let Some((scheme, rest)) = url.split_once("://") else { return url.to_owned() };
    let Some((who, place)) = rest.rsplit_once('@') else { return url.to_owned() };
    let user = who.split(':').next().unwrap_or_default();
    format!("{scheme}://{user}:…@{place}")
}
