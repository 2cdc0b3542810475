//! Leases: a worker claims a change for a bounded time, renews that while it works, and stops when another one has taken over. Several
//! replicas share a database by them.
//!
//! Invariant: what a worker writes to the database is in a transaction of [`Engine::holding`], which looks at the lease first. A worker
//! that has lost its lease writes nothing.

use super::worker::Round;
use crate::error::Result;
use crate::store::{Act, Lease, Tx};
use crate::{Engine, fault};
use domain::changes::{Change, FENCE_ANNOTATION, State, TargetKind};
use serde_json::Value;
use std::collections::HashMap;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

/// How long a change stays leased without a sign of its worker, in seconds.
const LEASE_S: i64 = 30;

/// What this process holds.
#[derive(Debug, Default)]
pub(crate) struct Leases(Mutex<HashMap<String, Held>>);

#[derive(Clone, Debug)]
struct Held {
    lease: Lease,
    /// When it was last asked for: by the database's clock it began no earlier.
    asked: Instant,
}

impl Leases {
    fn lock(&self) -> MutexGuard<'_, HashMap<String, Held>> {
        // The table is never left half-written: a poisoned lock is as good as any.
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn of(&self, change: &str) -> Option<Lease> {
        self.lock().get(change).map(|held| held.lease.clone())
    }

    fn keep(&self, lease: &Lease, asked: Instant) {
        self.lock().insert(lease.change.clone(), Held { lease: lease.clone(), asked });
    }

    pub fn forget(&self, change: &str) {
        self.lock().remove(change);
    }

    /// By this process's own count it has not run out.
    fn is_fresh(&self, change: &str) -> bool {
        self.lock().get(change).is_some_and(|held| held.asked.elapsed() < length())
    }
}

fn seconds() -> i64 {
    fault::lease_seconds().unwrap_or(LEASE_S)
}

fn length() -> Duration {
    Duration::from_secs(seconds().unsigned_abs())
}

/// No portal comes so far: a higher fence in a cluster was written by hand, and is not gone on above.
const FENCE_MAX: i64 = 1_000_000_000_000;

impl Engine {
    /// Takes a change up, when nobody else holds it. Answers its fence.
    pub(super) async fn claim(&self, id: &str) -> Result<Option<i64>> {
        let mut tx = self.0.store.write().await?;
        let asked = Instant::now();
        let Some(lease) = self.0.store.claim(&mut tx, id, &self.0.owner, seconds()).await? else { return Ok(None) };
        tx.commit_as("it is leased").await?;
        self.0.leases.keep(&lease, asked);
        Ok(Some(lease.fence))
    }

    /// A transaction of whoever drives this change, with its lease renewed. None: it is another's now, or nobody's.
    pub(super) async fn holding(&self, id: &str) -> Result<Option<Tx>> {
        let Some(lease) = self.0.leases.of(id) else { return Ok(None) };
        let mut tx = self.0.store.write().await?;
        let asked = Instant::now();
        if !self.0.store.renew(&mut tx, &lease, seconds()).await? {
            self.0.leases.forget(id);
            tracing::info!(change = id, fence = lease.fence, "the lease is lost: another worker goes on, or the change has ended");
            return Ok(None);
        }
        self.0.leases.keep(&lease, asked);
        Ok(Some(tx))
    }

    /// The same for whoever ends a change. While it waits for votes nobody drives it, and whoever comes first ends it.
    pub(super) async fn ending(&self, change: &Change) -> Result<Option<Tx>> {
        if change.state != State::AwaitingApproval {
            return self.holding(&change.id).await;
        }
        let mut tx = self.0.store.write().await?;
        Ok(self.0.store.awaits_votes(&mut tx, &change.id).await?.then_some(tx))
    }

    /// Renews until the lease is lost; then nothing of this worker goes on. A database that is away for as long counts as a loss.
    pub(super) async fn keep(&self, id: &str) {
        loop {
            tokio::time::sleep(length() / 3).await;
            match self.renewed(id).await {
                Ok(true) => {}
                Ok(false) => return,
                Err(error) if self.0.leases.is_fresh(id) => {
                    tracing::warn!(%error, change = id, "a lease was not renewed; it is tried again")
                }
                Err(_) => return,
            }
        }
    }

    async fn renewed(&self, id: &str) -> Result<bool> {
        let Some(tx) = self.holding(id).await? else { return Ok(false) };
        tx.commit_as("its lease is renewed").await?;
        Ok(true)
    }

    /// Whether a write may still be sent: a process that stood still for longer than its lease does not, whatever the database would say.
    pub(super) fn may_send(&self, change: &Change) -> bool {
        self.0.leases.is_fresh(&change.id)
    }

    /// The cluster has seen a higher fence than ours. Another worker has taken over, and this one stops; or the database was restored
    /// and gives fences a second time: then it goes on above what is there, and the change is taken up again.
    pub(super) async fn outrun(&self, change: &Change) -> Result<Round> {
        let (what, seen) = self.fence_in_cluster(change).await?;
        if seen > FENCE_MAX {
            let why =
                format!("the annotation {FENCE_ANNOTATION} of {what} is {seen}, which no portal has written: remove it, then ask again");
            self.conclude(change, State::Errored, &why, None).await?;
            return Ok(Round::Over);
        }
        let (Some(mut tx), Some(lease)) = (self.holding(&change.id).await?, self.0.leases.of(&change.id)) else {
            return Ok(Round::Over);
        };
        let detail = format!("the cluster has seen fence {seen}, this one was {}: fences go on above it", lease.fence);
        self.0.store.raise_fences(&mut tx, seen).await?;
        self.0.store.withdraw_intent(&mut tx, &change.id).await?;
        self.0.store.withdraw_config_intents(&mut tx, &change.id).await?;
        self.0.store.record(&mut tx, Act::by_worker(self.now(), "cluster.fence", &change.id, "failed", &detail)).await?;
        self.0.store.let_go(&mut tx, &lease).await?;
        tx.commit().await?;
        self.0.work.notify_one();
        Ok(Round::Over)
    }

    /// The highest fence of what the change writes, and where it stands; 0 where nobody wrote one.
    async fn fence_in_cluster(&self, change: &Change) -> Result<(String, i64)> {
        let target = &change.plan.target;
        let cluster = self.cluster(&target.cluster)?;
        let object = match (&target.autoscaler, target.kind) {
            (Some(name), _) => cluster.autoscaler(&target.namespace, name).await?,
            (None, TargetKind::Workload(kind)) => cluster.get(kind, &target.namespace, &target.name).await?,
            // A Job is made once, by whoever comes first: no fence is asked of it.
            (None, TargetKind::Job(_)) => None,
        };
        let mut highest = (target.in_words().to_owned(), fence_of(object.as_ref()));
        for write in &change.plan.config {
            let fence = fence_of(cluster.config_map(&target.namespace, &write.name).await?.as_ref());
            if fence > highest.1 {
                highest = (format!("ConfigMap {}", write.name), fence);
            }
        }
        Ok(highest)
    }
}

fn fence_of(object: Option<&Value>) -> i64 {
    let annotations = object.and_then(|object| object.pointer("/metadata/annotations"));
    annotations.and_then(|all| all[FENCE_ANNOTATION].as_str()?.parse().ok()).unwrap_or_default()
}
