//! Clusters: the clients into them, and what is known of each.
//!
//! Invariant: no page and no API read calls a cluster; they read [`State`]. Only facts for a plan and writes do, in [`live`], and
//! logs, which are kept nowhere else, in [`logs`].

mod configmaps;
pub mod connect;
pub mod credentials;
pub mod happenings;
mod held;
mod kind;
pub mod live;
pub mod logs;
pub(crate) mod neighbours;
pub mod objects;
mod order;
pub mod rights;
pub mod state;
mod watch;

pub use configmaps::held as held_by;
pub use live::WriteAnswer;
pub use state::State;

use crate::StartError;
use crate::events::{Bus, Topic};
use connect::Way;
use credentials::Surroundings;
use domain::Time;
use domain::catalog::{self, Provider};
use domain::clusters::ClusterHead;
use kube::Client;
use std::sync::{Arc, PoisonError, RwLock, RwLockReadGuard};
use std::time::Duration;
use tokio_util::sync::CancellationToken;

pub struct Cluster {
    pub name: String,
    pub provider: Provider,
    pub region: String,
    pub namespaces: Vec<String>,
    patience: Patience,
    /// Watches: kube's own retries are welcome here.
    reader: Client,
    /// Single reads: an answer or an error, at once.
    reader_once: Client,
    /// Of the identity for deploying, where there is one.
    writer: Client,
    /// Logs: connections of their own.
    logs: Client,
    pub(crate) budget: logs::Budget,
    pub(crate) happenings: happenings::Shelves,
    state: RwLock<State>,
    bus: Arc<Bus>,
}

/// How long a watch is trusted. A connection of which only one end still knows tells nothing, and looks like a cluster in which
/// nothing happens: so the server is asked to end each watch after a while, and silence for longer than that is a broken connection.
#[derive(Clone, Copy, Debug)]
pub struct Patience {
    /// The server ends a watch after this; it goes on where it was, without a new list.
    pub renew_s: u32,
    pub silence: Duration,
}

impl Default for Patience {
    fn default() -> Patience {
        Patience { renew_s: 55, silence: Duration::from_secs(65) }
    }
}

/// The machine's clock. Rules never see it: they get a [`Time`].
pub fn now() -> Time {
    Time(jiff::Timestamp::now().as_millisecond())
}

impl Cluster {
    /// `url`: the demo's simulated cluster; else the declared way in.
    pub async fn connect(
        declared: &catalog::Cluster,
        url: Option<&str>,
        namespaces: Vec<String>,
        patience: Patience,
        bus: Arc<Bus>,
    ) -> Result<Cluster, StartError> {
        let failed = |why: String| StartError(format!("Cluster {}: {why}", declared.name));
        let surroundings = Surroundings::of_this_process();
        let (read, deploy) = match (url, &declared.deploy) {
            (Some(url), _) => (Way::open(url).map_err(failed)?, None),
            (None, None) => (Way::of(&declared.access, &surroundings).await.map_err(failed)?, None),
            (None, Some(deploy)) => {
                let deploy = Way::of(deploy, &surroundings).await.map_err(|why| failed(format!("deploy: {why}")))?;
                (Way::of(&declared.access, &surroundings).await.map_err(failed)?, Some(deploy))
            }
        };
        let read = read.silence(patience.silence);
        Ok(Cluster {
            name: declared.name.clone(),
            provider: declared.provider,
            region: declared.region.clone(),
            reader: read.client(true).map_err(failed)?,
            reader_once: read.client(false).map_err(failed)?,
            writer: deploy.as_ref().unwrap_or(&read).client(false).map_err(failed)?,
            logs: read.client(false).map_err(failed)?,
            budget: logs::Budget::default(),
            happenings: happenings::Shelves::default(),
            state: RwLock::new(State::new(&namespaces)),
            namespaces,
            patience,
            bus,
        })
    }

    pub fn watch(self: Arc<Cluster>, stop: CancellationToken) -> tokio::task::JoinHandle<()> {
        tokio::spawn(watch::supervise(self, stop))
    }

    pub fn state(&self) -> RwLockReadGuard<'_, State> {
        self.state.read().unwrap_or_else(PoisonError::into_inner)
    }

    /// Changes what is known, and tells everyone if anything that is shown has changed.
    fn update(&self, change: impl FnOnce(&mut State) -> bool) {
        let shown = change(&mut self.state.write().unwrap_or_else(PoisonError::into_inner));
        if shown {
            self.bus.publish(Topic::Matrix);
        }
    }

    pub fn head(&self) -> ClusterHead {
        let state = self.state();
        ClusterHead {
            name: self.name.clone(),
            provider: self.provider,
            region: self.region.clone(),
            reachable: state.reachable(),
            last_seen: state.last_seen(),
            trouble: state.trouble(),
        }
    }
}

/// What went wrong with a cluster, without the layers of libraries around it.
pub fn in_words(error: &kube::Error) -> String {
    match error {
        kube::Error::Api(status) => status.message.clone(),
        other => {
            let mut source: &dyn std::error::Error = other;
            while let Some(inner) = source.source() {
                source = inner;
            }
            source.to_string()
        }
    }
}
