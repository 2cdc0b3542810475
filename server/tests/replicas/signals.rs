//! SIGTERM: it lets go, and another one goes on at once.

use crate::portal::{Portal, Wish};
use crate::world::{ORDINARY, World};
use crate::{alone, beside_others, eventually};
use std::time::{Duration, Instant};

#[test]
#[ignore = "needs PostgreSQL: scripts/postgres"]
fn what_a_stopped_replica_was_at_another_goes_on_with_at_once() {
    let _turn = alone();
    let world = World::start(1, ORDINARY);
    let long = Wish { long_lease: true, ..Wish::default() };
    let mut first = Portal::ready(&world, "a", long);
    // Fifteen seconds until it is ready: the rollout is under way all the while.
    world.staging.apply(crate::world::deployment("part-1", "staging", "2.0.0-slow")).unwrap();
    world.seen(&first, "2.0.0-slow");
    let change = world.asked(&first, "part-1");
    world.approve(&first, &change, "dmitri").unwrap();
    eventually("it rolls out", || world.change(&first, &change.id).filter(|change| change.state == "observing"));
    let owner = || world.text("SELECT owner FROM changes").unwrap();
    let before = owner();
    assert!(!before.is_empty());
    let second = Portal::ready(&world, "b", long);
    // Somebody's page is open on it.
    let mut lines = first.events(world.of("bea"));
    assert!(lines.next().is_some());

    let told = Instant::now();
    first.signal("TERM");
    let status = eventually("it ends", || first.exit());
    assert!(status.success(), "{status}: {}", first.log());
    assert!(told.elapsed() < Duration::from_secs(10), "it took {:?}", told.elapsed());
    let ended = Instant::now();
    eventually("the other one has it", || Some(owner()).filter(|owner| !owner.is_empty() && *owner != before));
    assert!(ended.elapsed() < Duration::from_secs(3), "at once, not when the lease runs out: {:?}", ended.elapsed());
    let change = world.ended(&second, &change);
    assert_eq!(change.state, "succeeded", "{change:?}");
    world.judge(&[change]);
}

#[test]
#[ignore = "needs PostgreSQL: scripts/postgres"]
fn what_a_killed_replica_was_at_another_takes_over_when_the_lease_runs_out() {
    let _turn = beside_others();
    let world = World::start(1, ORDINARY);
    let mut first = Portal::ready(&world, "a", Wish::default());
    world.staging.apply(crate::world::deployment("part-1", "staging", "2.0.0-slow")).unwrap();
    world.seen(&first, "2.0.0-slow");
    let change = world.asked(&first, "part-1");
    world.approve(&first, &change, "dmitri").unwrap();
    eventually("it rolls out", || world.change(&first, &change.id).filter(|change| change.state == "observing"));
    let second = Portal::ready(&world, "b", Wish::default());
    let fence = || world.count("SELECT fence FROM changes");
    let before = fence();
    let leased = world.count("SELECT lease_until FROM changes");
    eventually("the lease of that moment is over", || {
        (world.count("SELECT CAST(EXTRACT(EPOCH FROM clock_timestamp()) * 1000 AS BIGINT)") > leased).then_some(())
    });
    assert_eq!(fence(), before, "it is renewed while its worker lives");
    first.signal("KILL");
    eventually("it is dead", || first.exit());
    eventually("another has it, with a higher fence", || (fence() > before).then_some(()));
    let change = world.ended(&second, &change);
    assert_eq!(change.state, "succeeded", "{change:?}");
    world.judge(&[change]);
}
