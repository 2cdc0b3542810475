//! How a change ends when its write got no certain answer, when nobody decides in time, and when nothing moves any more: the reason says
//! what is known, and what may still come. With STORIES_POSTGRES set, on PostgreSQL.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

mod support;

use domain::changes::step::MAY_ARRIVE;
use domain::changes::{Change, Reached, State};
use engine::{NewFreeze, Patience};
use sim::{Fault, Match};
use sqlx::{AnyConnection, Connection, Executor};
use support::{CONFIG, World, actor, deployment, ends_at, eventually, promote};

/// Production, where a plan is good for so long.
async fn world(expires: &str) -> World {
    let policy = format!("needed: 1}}], expires: {expires}}}");
    World::configured(&CONFIG.replacen("needed: 1}]}", &policy, 1), Patience::default(), |_| {}).await
}

fn write() -> Match {
    Match::on("patch", "deployments")
}

/// A promotion whose write meets these faults, once it was approved. (The first write is its dry run.)
async fn met(world: &World, faults: &[(Fault, usize)]) -> Change {
    let change = world.promoted("bea").await;
    faults.iter().for_each(|(fault, times)| world.prod.faults().fail(write(), *fault, *times));
    world.approved(&change, "dmitri").await;
    change
}

async fn now(world: &World, change: &Change) -> Change {
    world.engine.change(&actor("viv"), &change.id).await.unwrap()
}

async fn reaches(world: &World, change: &Change, reached: Reached) -> Change {
    eventually("its write comes so far", || async { Some(now(world, change).await).filter(|now| now.reached() == reached) }).await
}

/// So often was it tried, and its answer said no for certain.
async fn answers(world: &World, change: &Change, text: &str, times: usize) {
    eventually("it is answered", || async {
        let lines = world.engine.story(&actor("viv"), &change.id).await.unwrap();
        (lines.iter().filter(|line| line.text.contains(text)).count() >= times).then_some(())
    })
    .await;
}

fn reason(ended: &Change) -> String {
    ended.outcome.clone().unwrap().reason
}

#[tokio::test(flavor = "multi_thread")]
async fn a_plan_that_runs_out_after_a_lost_answer_says_that_its_write_may_still_arrive() {
    let world = world("6s").await;
    let change = met(&world, &[(Fault::Reset, 20)]).await;
    let ended = world.ends(&change, State::Expired).await;
    assert_eq!(reason(&ended), format!("the plan was not executed in time; {MAY_ARRIVE}"));
    assert_eq!(ended.reached(), Reached::Sent);
    assert_eq!(world.done_writes(), 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_plan_that_runs_out_after_certain_answers_does_not() {
    let world = world("6s").await;
    let change = met(&world, &[(Fault::Answer(429), 20)]).await;
    let ended = world.ends(&change, State::Expired).await;
    assert_eq!(reason(&ended), "the plan was not executed in time");
    assert_eq!(ended.reached(), Reached::Nothing, "its page says that nothing was written");
}

#[tokio::test(flavor = "multi_thread")]
async fn one_that_is_frozen_after_a_lost_answer_waits_and_says_it_at_its_end() {
    let world = world("12s").await;
    let change = met(&world, &[(Fault::Reset, 20)]).await;
    reaches(&world, &change, Reached::Sent).await;
    let scope = domain::changes::freeze::Scope::Environment("prod".into());
    let freeze = NewFreeze { scope, reason: "a migration".into(), from: None, until: None, key: None };
    world.engine.freeze(&world.actor("dmitri"), freeze).await.unwrap();
    eventually("it waits", || async { (now(&world, &change).await.state == State::Ready).then_some(()) }).await;
    let reason = reason(&world.ends(&change, State::Expired).await);
    assert!(reason.ends_with(MAY_ARRIVE), "{reason}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_refusal_after_a_lost_answer_says_it_too() {
    let world = World::new().await;
    let change = met(&world, &[(Fault::Reset, 1), (Fault::Answer(403), 1)]).await;
    let said = reason(&world.ends(&change, State::Errored).await);
    assert!(said.starts_with("the cluster refused the write: ") && said.ends_with(MAY_ARRIVE), "{said}");
    let plain = met(&world, &[(Fault::Answer(403), 1)]).await;
    let said = reason(&world.ends(&plain, State::Errored).await);
    assert!(!said.contains(MAY_ARRIVE), "{said}");
}

#[tokio::test(flavor = "multi_thread")]
async fn one_that_is_forbidden_after_a_lost_answer_says_it_too() {
    let world = World::new().await;
    let change = met(&world, &[(Fault::Reset, 40)]).await;
    reaches(&world, &change, Reached::Sent).await;
    world.engine.stop().await;
    let successor = world.another_portal_of(&CONFIG.replacen("needed: 1}]}", "needed: 2}]}", 1)).await;
    let said = reason(&ends_at(&successor, &change, State::Superseded).await);
    assert!(said.starts_with("the votes no longer suffice") || said.starts_with("who must approve"), "{said}");
    assert!(said.ends_with(MAY_ARRIVE), "{said}");
}

/// What an abort would mean is said before it is pressed, and is what its end says.
#[tokio::test(flavor = "multi_thread")]
async fn an_abort_means_what_was_said_before_it() {
    let abort = |world: &World, change: &Change| {
        let (engine, ben, id) = (world.engine.clone(), world.actor("ben"), change.id.clone());
        async move { reason(&engine.abort(&ben, &id, "").await.unwrap()) }
    };
    let world = World::new().await;
    let change = world.promoted("bea").await;
    assert!(change.abort_means().starts_with("Nothing has been written yet"));
    assert_eq!(abort(&world, &change).await, "aborted by ben before its write");

    let change = met(&world, &[(Fault::Answer(429), 40)]).await;
    answers(&world, &change, "429", 1).await;
    assert_eq!(now(&world, &change).await.reached(), Reached::Nothing, "each answer was a certain no");
    assert_eq!(abort(&world, &change).await, "aborted by ben before its write");
    world.prod.faults().clear();

    let change = met(&world, &[(Fault::Reset, 40)]).await;
    let sent = reaches(&world, &change, Reached::Sent).await;
    eventually("it is sent", || async { (world.prod.faults().pending() < 40).then_some(()) }).await;
    assert!(sent.abort_means().starts_with("Its write is under way and may have arrived"));
    assert!(abort(&world, &change).await.contains("which may have arrived: look at the cluster"));
    world.prod.faults().clear();
    assert_eq!(world.done_writes(), 0);

    world.staging.apply(deployment("devmatrix-staging", "1.44.0-slow")).unwrap();
    world.runs("staging", "1.44.0-slow").await;
    let change = world.promoted("bea").await;
    world.approved(&change, "dmitri").await;
    let written = reaches(&world, &change, Reached::Written).await;
    assert!(written.abort_means().starts_with("Stops watching"));
    assert_eq!(abort(&world, &change).await, "aborted by ben after its write: Kubernetes goes on rolling out");
    world.runs("prod", "1.44.0-slow").await;
}

/// Eight answers that shed load are no eight conflicts.
#[tokio::test(flavor = "multi_thread")]
async fn conflicts_are_counted_and_what_was_shed_is_not() {
    let world = World::new().await;
    let conflicts = met(&world, &[(Fault::Answer(429), 2), (Fault::Answer(409), 40)]).await;
    answers(&world, &conflicts, "409", 2).await;
    let ended = reason(&{
        // Each look finds another resourceVersion, as a status that is written all the time makes one.
        let mark = async {
            for number in 0.. {
                let mut object = world.prod.get("deployments", "devmatrix", "devmatrix-api").unwrap();
                object["metadata"]["labels"]["tick"] = serde_json::json!(number.to_string());
                world.prod.apply(object).unwrap();
                tokio::time::sleep(std::time::Duration::from_millis(50)).await;
            }
        };
        tokio::select! { () = mark => unreachable!(), ended = world.ends(&conflicts, State::Errored) => ended }
    });
    assert_eq!(ended, "the workload's status changes too fast to write to it safely; try again");
    answers(&world, &conflicts, "409", 8).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_plan_that_nobody_decides_on_expires_and_no_vote_brings_it_back() {
    let world = world("2s").await;
    let change = world.promoted("bea").await;
    let ended = world.ends(&change, State::Expired).await;
    assert_eq!(reason(&ended), "the plan expired before it was decided on");
    let late = world.engine.approve(&world.actor("dmitri"), &change.id, &change.digest, "").await.unwrap_err();
    assert_eq!((late.status(), late.code()), (409, "not_awaiting_approval"));
    assert_eq!(world.sent_writes(), 0);
    assert_ne!(world.promoted("bea").await.id, change.id, "it is planned again");
}

/// As if it had been written two hours ago.
async fn long_ago(world: &World, change: &Change) {
    let mut database = AnyConnection::connect(&world.database_url).await.unwrap();
    let sql = format!("UPDATE change_writes SET applied_at = applied_at - 7200000 WHERE change_id = '{}'", change.id);
    database.execute(sqlx::AssertSqlSafe(sql)).await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn what_neither_ends_nor_fails_is_stuck_and_the_way_back_is_open() {
    let world = World::new().await;
    world.staging.apply(deployment("devmatrix-staging", "1.44.0-slow")).unwrap();
    world.runs("staging", "1.44.0-slow").await;
    let change = world.engine.ask(&world.actor("bea"), promote(), None).await.unwrap().change;
    world.approved(&change, "dmitri").await;
    reaches(&world, &change, Reached::Written).await;
    long_ago(&world, &change).await;
    let ended = world.ends(&change, State::Stuck).await;
    assert!(reason(&ended).starts_with("no end after 2 h"), "{}", reason(&ended));
    let back = world.engine.ask(&world.actor("bea"), support::rollback(1), None).await.unwrap().change;
    world.ends(&back, State::Succeeded).await;
}
