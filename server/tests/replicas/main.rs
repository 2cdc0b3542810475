//! Three portals on one PostgreSQL and one cluster, at once and against each other. What the simulated cluster was really asked for is
//! the judge: no stale write, no change written twice, each with exactly one end.
//!
//! They need a PostgreSQL of their own: `scripts/postgres scripts/unit --test replicas -- --ignored`

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

mod pauses;
mod portal;
mod races;
mod signals;
mod world;

use portal::{Portal, Wish};
use std::sync::{PoisonError, RwLock, RwLockReadGuard, RwLockWriteGuard};
use std::time::{Duration, Instant};
use world::World;

/// Long enough for a busy machine; what needs it all has failed.
const DEADLINE: Duration = Duration::from_secs(60);

/// Most of these wait most of the time, each with a database and clusters of its own: some run beside each other (`--test-threads`).
/// One that looks at how soon something comes runs alone.
static BUSY: RwLock<()> = RwLock::new(());

fn beside_others() -> RwLockReadGuard<'static, ()> {
    BUSY.read().unwrap_or_else(PoisonError::into_inner)
}

fn alone() -> RwLockWriteGuard<'static, ()> {
    BUSY.write().unwrap_or_else(PoisonError::into_inner)
}

/// They start at the same time, on a database that none has seen before.
fn three(world: &World, wish: Wish) -> [Portal; 3] {
    let portals = ["a", "b", "c"].map(|name| Portal::start(world, name, wish));
    for portal in &portals {
        eventually("it is ready", || portal.is_ready().then_some(()));
    }
    portals
}

fn by_deadline<T>(mut look: impl FnMut() -> Option<T>) -> Option<T> {
    let began = Instant::now();
    loop {
        let found = look();
        if found.is_some() || began.elapsed() > DEADLINE {
            return found;
        }
        std::thread::sleep(Duration::from_millis(20));
    }
}

/// Waits for a condition, looking often; fails with its name at the deadline.
#[track_caller]
fn eventually<T>(what: &str, look: impl FnMut() -> Option<T>) -> T {
    by_deadline(look).unwrap_or_else(|| panic!("not within {DEADLINE:?}: {what}"))
}

/// Does all of these at once.
fn at_once<T: Send, A: FnOnce() -> T + Send>(acts: Vec<A>) -> Vec<T> {
    let start = &std::sync::Barrier::new(acts.len());
    std::thread::scope(|scope| {
        let started = |act: A| {
            scope.spawn(move || {
                start.wait();
                act()
            })
        };
        let threads: Vec<_> = acts.into_iter().map(started).collect();
        threads.into_iter().map(|thread| thread.join().unwrap()).collect()
    })
}
