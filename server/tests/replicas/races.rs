//! People at different replicas, at the same moment.

use crate::portal::{Portal, Wish};
use crate::world::{Change, ORDINARY, Policy, World};
use crate::{alone, at_once, beside_others, eventually, three};
use serde_json::{Value, json};
use std::time::{Duration, Instant};

type Answer = Option<(u16, Value)>;
type Act<'a> = Box<dyn FnOnce() -> Answer + Send + 'a>;

#[test]
#[ignore = "needs PostgreSQL: scripts/postgres"]
fn two_of_three_approvers_at_once() {
    let _turn = beside_others();
    let world = World::start(6, Policy { votes: 2, ..ORDINARY });
    let portals = three(&world, Wish::default());
    world.release(&portals[0], "2.0.0");
    let changes: Vec<Change> = world.components.iter().map(|name| world.asked(&portals[0], name)).collect();
    let voters = ["dmitri", "olivia", "pia"];
    let acts: Vec<Act<'_>> = changes
        .iter()
        .flat_map(|change| portals.iter().zip(voters).map(move |(portal, voter)| (change, portal, voter)))
        .map(|(change, portal, voter)| -> Act<'_> {
            let world = &world;
            Box::new(move || world.approve(portal, change, voter))
        })
        .collect();
    for answer in at_once(acts) {
        let (status, body) = answer.expect("it answers");
        // The third may come when it is decided already.
        assert!(status == 200 || body["code"] == "not_awaiting_approval", "{status} {body}");
    }
    let ended: Vec<Change> = changes.iter().map(|change| world.ended(&portals[1], change)).collect();
    assert!(ended.iter().all(|change| change.state == "succeeded"), "{ended:?}");
    world.judge(&ended);
}

#[test]
#[ignore = "needs PostgreSQL: scripts/postgres"]
fn an_approval_against_the_expiry() {
    let _turn = beside_others();
    let world = World::start(6, Policy { expires: "10s", ..ORDINARY });
    let portals = three(&world, Wish::default());
    world.release(&portals[0], "2.0.0");
    let mut ended = Vec::new();
    for (round, name) in world.components.iter().enumerate() {
        let change = world.asked(&portals[round % 3], name);
        // At once, around the moment (a plan is good from the whole second on in which it was made), and well after it.
        std::thread::sleep(Duration::from_millis([0, 9100, 9400, 9700, 10000, 11500][round]));
        let acts: Vec<Act<'_>> = portals
            .iter()
            .zip(["dmitri", "olivia", "pia"])
            .map(|(portal, voter)| -> Act<'_> {
                let (world, change) = (&world, &change);
                Box::new(move || world.approve(portal, change, voter))
            })
            .collect();
        at_once(acts);
        let change = world.ended(&portals[(round + 1) % 3], &change);
        assert!(["succeeded", "expired"].contains(&change.state.as_str()), "{change:?}");
        ended.push(change);
    }
    world.judge(&ended);
    let in_time = ended.iter().filter(|change| change.state == "succeeded").count();
    println!("{in_time} of {} were in time", ended.len());
    assert_eq!((ended[0].state.as_str(), ended[5].state.as_str()), ("succeeded", "expired"), "both ends come");
}

#[test]
#[ignore = "needs PostgreSQL: scripts/postgres"]
fn an_abort_against_the_start() {
    let _turn = beside_others();
    let world = World::start(8, ORDINARY);
    let portals = three(&world, Wish::default());
    world.release(&portals[0], "2.0.0");
    let mut ended = Vec::new();
    for (round, name) in world.components.iter().enumerate() {
        let change = world.asked(&portals[0], name);
        let abort = |portal: &Portal, after: u64| {
            std::thread::sleep(Duration::from_millis(after));
            if round == 7 {
                world.ended(portal, &change);
            }
            portal.post(world.of("bea"), &format!("/api/v1/changes/{}/abort", change.id), &json!({"reason": "a race"}))
        };
        // The first is aborted before anybody votes, and the last when it has ended.
        let after = 20 * round as u64;
        let answers = at_once(vec![
            Box::new(|| {
                if round == 0 {
                    world.ended(&portals[0], &change);
                }
                world.approve(&portals[0], &change, "dmitri")
            }) as Act<'_>,
            Box::new(|| abort(&portals[1], after)),
            Box::new(|| abort(&portals[2], after)),
        ]);
        let aborted = answers[1..].iter().filter(|answer| answer.as_ref().is_some_and(|(status, _)| *status == 200)).count();
        let change = world.ended(&portals[1], &change);
        assert!(aborted <= 1, "one abort ends it: {answers:?}");
        assert_eq!(aborted == 1, change.state == "aborted", "{change:?} {answers:?}");
        if change.reason.contains("before its write") {
            // Nothing may come after it either.
            std::thread::sleep(Duration::from_millis(500));
            assert!(world.writes().iter().all(|(_, id, _)| *id != change.id), "{change:?}");
        }
        ended.push(change);
    }
    world.judge(&ended);
    println!("{:?}", ended.iter().map(|change| change.reason.as_str()).collect::<Vec<_>>());
    assert_eq!((ended[0].state.as_str(), ended[7].state.as_str()), ("aborted", "succeeded"), "both ends come");
}

#[test]
#[ignore = "needs PostgreSQL: scripts/postgres"]
fn two_changes_on_one_target() {
    let _turn = beside_others();
    let world = World::start(4, ORDINARY);
    let portals = three(&world, Wish::default());
    world.release(&portals[0], "2.0.0");
    let mut ended = Vec::new();
    for name in &world.components {
        let (one, two) = (world.asked(&portals[0], name), world.asked(&portals[1], name));
        at_once(vec![
            Box::new(|| world.approve(&portals[1], &one, "dmitri")) as Act<'_>,
            Box::new(|| world.approve(&portals[2], &two, "dmitri")),
        ]);
        let pair = [world.ended(&portals[0], &one), world.ended(&portals[0], &two)];
        let mut states: Vec<_> = pair.iter().map(|change| change.state.as_str()).collect();
        states.sort_unstable();
        assert_eq!(states, ["succeeded", "superseded"], "{pair:?}");
        ended.extend(pair);
    }
    world.judge(&ended);
}

/// As when a form is sent to one replica, and the page that follows comes from another.
#[test]
#[ignore = "needs PostgreSQL: scripts/postgres"]
fn whoever_acts_here_and_looks_there_sees_what_they_did() {
    let _turn = beside_others();
    let world = World::start(12, ORDINARY);
    let portals = three(&world, Wish::default());
    world.release(&portals[0], "2.0.0");
    let cookie = portals[0].sign_in(world.of("dmitri"));
    let mut ended = Vec::new();
    for name in &world.components {
        let change = world.asked(&portals[0], name);
        let path = format!("/changes/{}", change.id);
        let before = portals[1].page(&cookie, &path);
        assert!(before.contains("Waiting for 1 vote") && !before.contains("Approved by dmitri"), "a session is good everywhere: {before}");
        let (status, body) = world.approve(&portals[0], &change, "dmitri").unwrap();
        assert_eq!(status, 200, "{body}");
        assert!(portals[1].page(&cookie, &path).contains("Approved by dmitri"), "the page is from before");
        ended.push(world.ended(&portals[2], &change));
    }
    world.judge(&ended);
}

#[test]
#[ignore = "needs PostgreSQL: scripts/postgres"]
fn what_one_replica_does_the_pages_of_another_hear_at_once() {
    let _turn = alone();
    let world = World::start(1, ORDINARY);
    let portals = three(&world, Wish::default());
    world.release(&portals[0], "2.0.0");
    let (told, heard) = std::sync::mpsc::channel();
    let lines = portals[2].events(world.of("bea"));
    std::thread::spawn(move || {
        for line in lines.filter(|line| line == "event: approvals") {
            let _ = told.send(line);
        }
    });
    heard.recv_timeout(Duration::from_secs(10)).expect("at first every topic is told");
    // Quiet: nobody has asked for anything yet.
    while heard.recv_timeout(Duration::from_secs(6)).is_ok() {}
    // It looks by itself each five seconds, so that can serve one of these at most.
    let mut change = None;
    for _ in 0..3 {
        while heard.try_recv().is_ok() {}
        change = Some(world.asked(&portals[0], "part-1"));
        heard.recv_timeout(Duration::from_millis(1500)).expect("at once");
    }
    let change = change.unwrap();

    // And without any notice it is found by looking.
    while heard.recv_timeout(Duration::from_secs(6)).is_ok() {}
    world.execute("INSERT INTO audit (seq, at, who, via, what, target, outcome, detail) SELECT MAX(seq) + 1, 0, 'x', 'x', 'x', 'x', 'x', 'x' FROM audit");
    heard.recv_timeout(Duration::from_secs(12)).expect("what is missed is found by looking");

    world.approve(&portals[1], &change, "dmitri");
    let ended = world.ended(&portals[2], &change);
    assert_eq!(ended.state, "succeeded");
    world.judge(&[ended]);
}

/// It is written down by one of them, and no cluster tells the others.
#[test]
#[ignore = "needs PostgreSQL: scripts/postgres"]
fn how_a_deployment_ended_every_replica_says() {
    let _turn = alone();
    let world = World::start(1, ORDINARY);
    let portals = three(&world, Wish::default());
    world.release(&portals[0], "2.0.0-slow");
    let change = world.asked(&portals[0], "part-1");
    world.approve(&portals[1], &change, "dmitri").unwrap();
    let outcome = |portal: &Portal| {
        let records = portal.get(world.of("bea"), "/api/v1/components/part-1/deployments?environment=prod")?;
        Some(records["items"][0]["outcome"].as_str()?.to_owned())
    };
    for portal in &portals {
        eventually("it is recorded", || outcome(portal).filter(|outcome| outcome == "running"));
    }
    let began = Instant::now();
    let aborted = portals[2].post(world.of("bea"), &format!("/api/v1/changes/{}/abort", change.id), &json!({"reason": "a race"}));
    assert_eq!(aborted.unwrap().0, 200);
    for portal in &portals {
        eventually("each says how it ended", || outcome(portal).filter(|outcome| outcome == "unknown"));
    }
    // Its pods are ready after fifteen seconds; that would tell everybody.
    assert!(began.elapsed() < Duration::from_secs(8), "{:?}", began.elapsed());
    world.judge(&[world.ended(&portals[0], &change)]);
}
