//! What being on call means for changes: whose votes count, who may break the glass; and what an open incident freezes.
//! With STORIES_POSTGRES set, on PostgreSQL.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

mod support;

use domain::changes::{Authority, State};
use domain::oncall::{Participant, Wanted};
use engine::{Opening, Patience};
use support::{CONFIG, World, actor, eventually, promote};

/// Two people share the rotation, a day each; production asks for whoever is primary.
fn config() -> String {
    let rotation = "rotations:\n  - {name: platform, zone: Europe/Berlin, handoff: \"2025-11-17T09:00\", every: 1d, \
                    roles: [primary, secondary], participants: [olivia, dmitri]}\n\
                    severities:\n  - {level: P0, title: Critical, response: 15m, freezes: [prod]}\n\
                    \x20 - {level: P2, title: Medium, response: 4h}\n";
    CONFIG.replacen("from: [\"team:devops\"]", "from: [\"on-call:platform/primary\"]", 1) + rotation
}

async fn world() -> World {
    World::configured(&config(), Patience::default(), |_| {}).await
}

/// Who is primary now, and who is not.
async fn pair(world: &World) -> (&'static str, &'static str) {
    let primary = world.engine.on_call_at("platform", "primary", world.engine.now()).await.unwrap();
    match primary.as_slice() {
        [one] if one == "olivia" => ("olivia", "dmitri"),
        [one] if one == "dmitri" => ("dmitri", "olivia"),
        other => panic!("one person is primary: {other:?}"),
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn the_vote_of_whoever_is_on_call_counts_and_says_so() {
    let world = world().await;
    let (primary, other) = pair(&world).await;
    let change = world.promoted("bea").await;
    let refused = world.engine.approve(&world.actor(other), &change.id, &change.digest, "").await.unwrap_err();
    assert_eq!((refused.status(), refused.code()), (403, "not_an_approver_here"));
    assert!(refused.to_string().contains("primary on call of platform"), "{refused}");
    assert!(world.engine.waiting_for(&world.actor(other)).await.unwrap().is_empty());
    assert_eq!(world.engine.waiting_for(&world.actor(primary)).await.unwrap().len(), 1);
    let approved = world.approved(&change, primary).await;
    let duties: Vec<_> = approved.votes[0].duties.iter().map(ToString::to_string).collect();
    assert_eq!(duties, ["platform/primary"], "kept with the vote, so that a handoff takes nothing away");
    world.ends(&change, State::Succeeded).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn who_can_approve_now_is_told_with_whoever_is_on_call_first() {
    // Two rules, so that it waits on after the first vote.
    let rules = "from: [\"on-call:platform/primary\"], needed: 1}, {from: [\"team:devops\", \"team:platform\"], needed: 2}";
    let config = config().replacen("from: [\"on-call:platform/primary\"], needed: 1}", rules, 1);
    let world = World::configured(&config, Patience::default(), |_| {}).await;
    let (primary, other) = pair(&world).await;
    let change = world.promoted("bea").await;
    let able = |change: domain::changes::Change| {
        let engine = world.engine.clone();
        async move {
            let approvers = engine.approvers(&actor("viv"), &change).await.unwrap();
            let told = approvers.into_iter().map(|a| (a.person, a.on_call.iter().map(ToString::to_string).collect::<Vec<_>>()));
            told.collect::<Vec<_>>()
        }
    };
    let mut expected =
        vec![(primary.to_owned(), vec!["platform/primary".to_owned()]), (other.to_owned(), vec!["platform/secondary".to_owned()])];
    expected.sort();
    expected.push(("pia".to_owned(), vec![]));
    assert_eq!(able(change.clone()).await, expected, "bea asked for it, ben is no approver");
    let change = world.approved(&change, primary).await;
    assert!(!able(change.clone()).await.iter().any(|(person, _)| person == primary), "has voted already");
    assert_eq!(able(change.clone()).await.len(), 2);
    world.engine.abort(&world.actor("bea"), &change.id, "").await.unwrap();
    assert!(able(world.ends(&change, State::Aborted).await).await.is_empty(), "nothing is to be decided any more");
}

#[tokio::test(flavor = "multi_thread")]
async fn the_primary_on_call_may_break_the_glass_and_nobody_else_of_the_rotation() {
    let world = world().await;
    let (primary, other) = pair(&world).await;
    let change = world.promoted("bea").await;
    let refused = world.engine.break_glass(&world.actor(other), &change.id, &change.digest, "it cannot wait").await.unwrap_err();
    assert_eq!(refused.status(), 403);
    let through = world.engine.break_glass(&world.actor(primary), &change.id, &change.digest, "it cannot wait").await.unwrap();
    assert_eq!(through.glass.map(|glass| (glass.by, glass.authority)), Some((primary.to_owned(), Authority::OnCall)));
    world.ends(&change, State::Succeeded).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn whoever_takes_a_shift_for_themselves_gains_no_power_by_it() {
    let world = world().await;
    let (_, other) = pair(&world).await;
    let now = world.engine.now().whole_seconds();
    let role = "primary".to_owned();
    let shift = Wanted {
        role,
        participant: Participant::from(other.to_owned()),
        starts: now.plus_seconds(2),
        ends: now.plus_seconds(7200),
        reason: "I take it".into(),
    };
    world.engine.arrange(&world.actor(other), "platform", shift, None).await.unwrap();
    eventually("the override has begun", || async {
        let primary = world.engine.on_call_at("platform", "primary", world.engine.now()).await.unwrap();
        (primary == [other]).then_some(())
    })
    .await;
    let change = world.promoted("bea").await;
    let refused = world.engine.approve(&world.actor(other), &change.id, &change.digest, "").await.unwrap_err();
    assert_eq!(refused.code(), "not_an_approver_here", "on call, and by nobody's word but their own");
    assert_eq!(world.engine.break_glass(&world.actor(other), &change.id, &change.digest, "x").await.unwrap_err().status(), 403);
}

#[tokio::test(flavor = "multi_thread")]
async fn an_open_incident_of_a_level_that_freezes_keeps_production_frozen() {
    let world = world().await;
    let (bea, viv) = (world.actor("bea"), world.actor("viv"));
    let code = async || world.engine.preview(&bea, promote()).await.map(|_| ()).map_err(|error| error.code().to_owned());
    let frozen = async || world.engine.freezes(&viv, Some("prod"), false).await.unwrap().len();
    assert_eq!(code().await, Ok(()));
    let opening = Opening { title: "All is down".into(), severity: "P0".into(), components: vec![], summary: String::new() };
    let incident = world.engine.open_incident(&bea, opening, None).await.unwrap().made;
    assert_eq!((code().await, frozen().await), (Err("frozen".to_owned()), 1));
    let freeze = world.engine.freezes(&viv, Some("prod"), false).await.unwrap().remove(0);
    assert_eq!((freeze.reason.as_str(), freeze.until), ("INC-1 is open at P0: All is down", None));
    world.engine.regrade_incident(&bea, &incident.id, "P2".into(), "not so bad".into()).await.unwrap();
    assert_eq!((code().await, frozen().await), (Ok(()), 0), "lowered, it freezes no more");
    world.engine.regrade_incident(&bea, &incident.id, "P0".into(), "worse".into()).await.unwrap();
    world.engine.comment_on_incident(&bea, &incident.id, "still".into()).await.unwrap();
    assert_eq!((code().await, frozen().await), (Err("frozen".to_owned()), 1), "raised again, once");
    world.engine.resolve_incident(&bea, &incident.id, "rolled back".into()).await.unwrap();
    assert_eq!((code().await, frozen().await), (Ok(()), 0));
    let past = world.engine.freezes(&viv, Some("prod"), true).await.unwrap();
    assert!(past.iter().any(|freeze| freeze.lift_reason.as_deref() == Some("INC-1 is resolved at P0")), "{past:?}");
}
