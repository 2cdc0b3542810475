//! A process that stands still (SIGSTOP) at each place of its work, while another one takes over; somebody edits the target meanwhile, or
//! does not; then it wakes.

use crate::portal::{Portal, Wish};
use crate::world::{Change, ORDINARY, World};
use crate::{beside_others, eventually};
use serde_json::json;
use std::time::Duration;

/// Where it stands still, and whether its write is in the cluster by then.
type Place = (&'static str, bool);

#[test]
#[ignore = "needs PostgreSQL: scripts/postgres"]
fn whoever_wakes_after_its_lease_was_taken_writes_nothing_that_it_had_begun() {
    each_wakes(&[("after it is leased", false), ("before it runs", false), ("after it runs", false)]);
}

#[test]
#[ignore = "needs PostgreSQL: scripts/postgres"]
fn whoever_wakes_after_its_lease_was_taken_writes_nothing_that_it_intended() {
    each_wakes(&[("before the intent is stored", false), ("after the intent is stored", false), ("before the write is sent", false)]);
}

#[test]
#[ignore = "needs PostgreSQL: scripts/postgres"]
fn whoever_wakes_after_its_lease_was_taken_writes_nothing_again() {
    each_wakes(&[("after the write is answered", true), ("before the write is noted", true), ("after the write is noted", true)]);
}

fn each_wakes(places: &[Place]) {
    let _turn = beside_others();
    let world = World::start(2 * places.len(), ORDINARY);
    let others = ["b", "c"].map(|name| Portal::ready(&world, name, Wish::default()));
    world.release(&others[0], "2.0.0");
    let mut ended = Vec::new();
    let components = world.components.clone();
    for ((place, written), pair) in places.iter().zip(components.chunks(2)) {
        for (component, edited) in pair.iter().zip([false, true]) {
            let change = round(&world, &others, place, component, edited);
            let expected = if edited { "superseded" } else { "succeeded" };
            assert_eq!(change.state, expected, "{place}, edited: {edited}: {change:?}");
            let writes = world.writes().iter().filter(|(_, id, _)| *id == change.id).count();
            assert_eq!(writes, usize::from(*written || !edited), "{place}, edited: {edited}: {change:?}");
            ended.push(change);
        }
    }
    world.judge(&ended);
}

/// One replica takes the change up and stands still; the others go on. Answers how it ended.
fn round(world: &World, others: &[Portal; 2], place: &'static str, component: &str, edited: bool) -> Change {
    let sleeper = Portal::ready(world, &format!("sleeper-{component}"), Wish { pause: Some(place), ..Wish::default() });
    world.seen(&sleeper, "2.0.0");
    let change = world.asked(&sleeper, component);
    // It alone can take it up.
    others.iter().for_each(|portal| portal.signal("STOP"));
    let body = json!({"digest": change.digest});
    sleeper.post_and_forget(world.of("dmitri"), &format!("/api/v1/changes/{}/approve", change.id), &body);
    eventually(&format!("it stands still {place}"), || sleeper.stands_still().then_some(()));
    if edited {
        world.edit(component);
    }
    others.iter().for_each(|portal| portal.signal("CONT"));
    let ended = world.ended(&others[0], &change);
    let (before, sent) = (world.writes(), all_writes(world, &change));

    sleeper.signal("CONT");
    eventually("the sleeper is awake and sees what became of it", || {
        world.change(&sleeper, &change.id).filter(|seen| seen.state == ended.state)
    });
    std::thread::sleep(Duration::from_millis(700));
    assert_eq!(world.writes(), before, "{place}: it wrote after it woke");
    assert!(all_writes(world, &change) <= sent + 1, "{place}: at most what it was about to send");
    // A turn to write that it stood still in was given up by the database, and that is told; a lost lease is not.
    let errors: Vec<_> = sleeper.errors().into_iter().filter(|line| !line.contains("idle-in-transaction")).collect();
    assert_eq!(errors, Vec::<String>::new(), "{place}: to lose a lease is no error");
    let after = world.change(&others[1], &change.id).unwrap();
    assert_eq!((&after.state, &after.reason), (&ended.state, &ended.reason), "{place}: an end stays an end");
    ended
}

/// Also those that were refused.
fn all_writes(world: &World, change: &Change) -> usize {
    let of = |write: &sim::WriteRecord| write.name == change.component && write.field_manager == "devmatrix-portal" && !write.dry_run;
    world.prod.writes().iter().filter(|write| of(write)).count()
}
