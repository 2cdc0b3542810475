//! The handle of one simulated cluster.
//!
//! Invariant: its lock is never held across an await, and whoever waits for a change is told after the lock is free.

use crate::clock::Clock;
use crate::controllers;
use crate::edit::{self, Removal, Terms};
use crate::faults::Faults;
use crate::nodes;
use crate::object;
use crate::resource::{self, Resource};
use crate::server;
use crate::state::{Key, State};
use crate::status::Status;
use crate::writes::{self, WriteRecord};
use serde_json::{Value, json};
use std::collections::VecDeque;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;
use tokio::net::TcpListener;
use tokio::sync::watch;

/// More steps than any sensible `settle` takes; a guard against controllers that quarrel for ever.
const STEPS: usize = 100_000;
/// Controller steps between two chances for other tasks to run.
const BATCH: usize = 32;

/// One simulated cluster; clones share it.
///
/// Not simulated: authentication, RBAC (but see `Faults::forbid`), quotas, admission webhooks, field ownership of
/// server-side apply, custom resources, volumes, the network, CronJobs as actors (they are stored), metrics (autoscalers keep to their bounds and choose nothing).
#[derive(Clone)]
pub struct Cluster(Arc<Shared>);

pub(crate) struct Shared {
    name: String,
    pub clock: Clock,
    pub faults: Faults,
    state: Mutex<State>,
    revision: watch::Sender<u64>,
    writes: Mutex<VecDeque<WriteRecord>>,
}

impl Cluster {
    /// An empty cluster of three nodes with the namespaces `default` and `kube-system`.
    pub fn new(name: &str, clock: Clock) -> Cluster {
        let cluster = Cluster::bare(name, clock);
        for number in 1..=3 {
            let node = nodes::node(&format!("{name}-node-{number}"), number, &json!({}));
            cluster.0.with(|state| nodes::place(state, node));
        }
        cluster
    }

    /// A cluster without nodes.
    pub(crate) fn bare(name: &str, clock: Clock) -> Cluster {
        let state = State::new(clock.now());
        let cluster = Cluster(Arc::new(Shared {
            name: name.to_owned(),
            clock,
            faults: Faults::new(),
            state: Mutex::new(state),
            revision: watch::Sender::new(0),
            writes: Mutex::default(),
        }));
        for namespace in ["default", "kube-system"] {
            cluster.ensure_namespace(namespace);
        }
        cluster
    }

    pub fn name(&self) -> &str {
        &self.0.name
    }

    pub fn clock(&self) -> &Clock {
        &self.0.clock
    }

    /// Serves the Kubernetes API on the listener and runs the controllers, until the future is dropped.
    ///
    /// Errors: only when the listener itself fails.
    pub async fn serve(&self, listener: TcpListener) -> std::io::Result<()> {
        tokio::select! {
            served = server::serve(self, listener) => served,
            () = self.run_controllers() => Ok(()),
        }
    }

    async fn run_controllers(&self) {
        let mut changed = self.0.changes();
        let mut alarm = self.0.clock.alarm();
        loop {
            while self.run_batch() {
                tokio::task::yield_now().await;
            }
            let next = self.0.with(|state| state.agenda.next());
            tokio::select! {
                _ = changed.changed() => {}
                () = alarm.wait(next) => {}
            }
        }
    }

    /// Runs some of the work that is due; false when there is no more.
    fn run_batch(&self) -> bool {
        (0..BATCH).all(|_| self.run_one())
    }

    fn run_one(&self) -> bool {
        let shared = &self.0;
        shared.with(|state| {
            let Some((due, work)) = state.agenda.pop(state.now) else { return false };
            // A manual clock may have jumped over several due times; each step runs at its own.
            if shared.clock.is_manual() {
                state.now = due;
            }
            controllers::run(state, work);
            true
        })
    }

    /// Runs the controllers until the cluster is at rest, moving a manual clock from due time to due time.
    ///
    /// At rest means that nothing leads anywhere any more. The endless back-offs of a broken pod and the deadline of a
    /// stuck rollout are not waited for: use `advance`. In real time only what is due is run.
    pub fn settle(&self) {
        while self.run_batch() {}
        for _ in 0..STEPS {
            if !self.0.clock.is_manual() || !self.0.with(|state| state.agenda.has_progress()) || !self.step() {
                return;
            }
        }
    }

    /// Moves a manual clock to the next time at which a controller has something to do, and runs it.
    ///
    /// False when there is nothing to do, ever.
    pub fn step(&self) -> bool {
        let Some(next) = self.0.with(|state| state.agenda.next()) else { return false };
        self.0.clock.move_to(next);
        while self.run_batch() {}
        true
    }

    /// Moves a manual clock on and runs everything that becomes due, each step at its own time.
    pub fn advance(&self, by: Duration) {
        self.0.clock.advance(by);
        while self.run_batch() {}
    }

    /// Creates or replaces an object as an administrator would with kubectl; makes its namespace if need be.
    ///
    /// Like a client's, its status is ignored. Errors: 400 for an unknown kind, 409 if it names a stale
    /// resourceVersion, 422 if it is invalid.
    pub fn apply(&self, object: Value) -> Result<Value, Status> {
        let (version, kind) = (object::text(&object, "/apiVersion"), object::text(&object, "/kind"));
        let unknown = || Status::bad_request(format!("no matches for kind \"{kind}\" in version \"{version}\""));
        let resource = Resource::of(version, kind).ok_or_else(unknown)?;
        let namespace = match object::namespace(&object) {
            "" => "default".to_owned(),
            namespace => namespace.to_owned(),
        };
        self.ensure_namespace(&namespace);
        let key = Key::new(resource, &namespace, object::name(&object));
        let terms = Terms::by("kubectl", "");
        let stored = self.0.with(|state| match state.contains(&key) {
            true => edit::replace(state, &key, object, &terms),
            false => edit::create(state, resource, &namespace, object, &terms),
        })?;
        Ok((*stored).clone())
    }

    pub(crate) fn ensure_namespace(&self, name: &str) {
        let namespace = json!({ "apiVersion": "v1", "kind": "Namespace", "metadata": { "name": name } });
        // Fails only if it is there already, which is what was wanted.
        let _ = self.0.with(|state| edit::create(state, resource::NAMESPACES, "", namespace, &Terms::by("kubectl", "")));
    }

    /// One object; the resource by any of its names (`deployments`, `Deployment`, `deploy`).
    pub fn get(&self, resource: &str, namespace: &str, name: &str) -> Option<Value> {
        let key = Key::new(Resource::named(resource)?, namespace, name);
        self.0.with(|state| state.get(&key)).map(|object| (*object).clone())
    }

    /// All objects of a resource in a namespace, or in all of them for "", by namespace and name.
    pub fn list(&self, resource: &str, namespace: &str) -> Vec<Value> {
        let Some(resource) = Resource::named(resource) else { return Vec::new() };
        let namespace = (!namespace.is_empty()).then_some(namespace);
        self.0.with(|state| state.scan(resource, namespace, None).map(|(_, object)| (**object).clone()).collect())
    }

    /// Deletes an object and, in the background, what it owns. Errors: 404.
    pub fn delete(&self, resource: &str, namespace: &str, name: &str) -> Result<(), Status> {
        let resource = Resource::named(resource).ok_or_else(Status::no_such_path)?;
        let key = Key::new(resource, namespace, name);
        let options = json!({ "propagationPolicy": "Background" });
        let (Removal::Gone(_) | Removal::Marked(_)) = self.0.with(|state| edit::delete(state, &key, &options, false))?;
        Ok(())
    }

    /// Forgets the history of changes, as a compaction does: older resourceVersions have expired from now on.
    pub fn compact(&self) {
        self.0.with(|state| state.history.compact());
    }

    /// The number of the last change to any object.
    pub fn revision(&self) -> u64 {
        self.0.revision()
    }

    /// The script of this cluster's faults.
    pub fn faults(&self) -> &Faults {
        &self.0.faults
    }

    /// The mutating requests that came over HTTP, oldest first; the last ten thousand are kept.
    pub fn writes(&self) -> Vec<WriteRecord> {
        self.0.log().iter().cloned().collect()
    }

    pub(crate) fn shared(&self) -> &Arc<Shared> {
        &self.0
    }
}

impl Shared {
    /// Runs something on the state at the present time, and tells those who wait if it changed.
    ///
    /// `work` must not come back here: the lock is not re-entrant.
    pub fn with<T>(&self, work: impl FnOnce(&mut State) -> T) -> T {
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        state.now = self.clock.now();
        let before = state.revision();
        let result = work(&mut state);
        let after = state.revision();
        drop(state);
        if after != before {
            self.revision.send_replace(after);
        }
        result
    }

    pub fn revision(&self) -> u64 {
        self.with(|state| state.revision())
    }

    /// Changes whenever an object does; the number itself may lag behind.
    pub fn changes(&self) -> watch::Receiver<u64> {
        self.revision.subscribe()
    }

    pub fn record(&self, record: WriteRecord) {
        let mut log = self.log();
        if log.len() == writes::KEPT {
            log.pop_front();
        }
        log.push_back(record);
    }

    /// The answer of the last recorded write never reaches its client.
    pub fn unanswered(&self) {
        if let Some(last) = self.log().back_mut() {
            last.answered = false;
        }
    }

    fn log(&self) -> MutexGuard<'_, VecDeque<WriteRecord>> {
        self.writes.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
