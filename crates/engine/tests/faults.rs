//! The engine while clusters misbehave: at most one effective write per change, whatever happens to the answer; and a dead
//! cluster concerns nobody else.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

mod support;

use domain::changes::State;
use sim::{Fault, Match};
use support::{World, actor, eventually, promote};

async fn survives(fault: Fault, times: usize) {
    let world = World::new().await;
    let change = world.promoted("bea").await;
    world.prod.faults().fail(Match::on("patch", "deployments"), fault, times);
    world.approved(&change, "dmitri").await;
    world.ends(&change, State::Succeeded).await;
    assert_eq!(world.effective_writes(), 1, "{fault:?}");
    assert_eq!(world.prod.faults().pending(), 0, "the fault happened");
}

#[tokio::test(flavor = "multi_thread")]
async fn applied_but_the_connection_was_cut() {
    survives(Fault::AppliedThenReset, 1).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn applied_but_a_proxy_answered_504() {
    survives(Fault::AppliedThenAnswer(504), 1).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn applied_but_the_answer_breaks_off() {
    survives(Fault::Truncated, 1).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn somebody_elses_page_instead_of_an_answer() {
    survives(Fault::ForeignPage, 2).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn cut_before_anything_happened() {
    survives(Fault::Reset, 2).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn refused_for_now() {
    survives(Fault::Answer(503), 2).await;
    survives(Fault::Answer(429), 1).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_conflict_by_status_is_tried_again() {
    survives(Fault::Answer(409), 2).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_write_that_is_forbidden_ends_errored() {
    let world = World::new().await;
    let change = world.promoted("bea").await;
    world.prod.faults().fail(Match::on("patch", "deployments"), Fault::Answer(403), 1);
    world.approved(&change, "dmitri").await;
    let ended = world.ends(&change, State::Errored).await;
    assert!(ended.outcome.unwrap().reason.contains("refused the write"));
    assert_eq!(world.effective_writes(), 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_dead_cluster_is_unknown_and_nobody_else_notices() {
    let world = World::new().await;
    world.prod.faults().black_hole(true);
    let cell = |environment: &'static str| {
        let engine = world.engine.clone();
        async move { engine.matrix(&actor("viv")).await.unwrap().components[0].cells[environment].clone() }
    };
    let lost = eventually("production is unknown", || async { Some(cell("prod").await).filter(|c| c.state.as_str() == "unknown") }).await;
    assert!(lost.last_seen.is_some());
    assert_eq!(lost.tag.as_deref(), Some("1.42.3"), "what was last known stays to be read");
    assert_eq!(cell("staging").await.state.as_str(), "healthy");
    let refused = world.engine.ask(&world.actor("bea"), promote(), None).await.unwrap_err();
    assert_eq!((refused.status(), refused.code()), (422, "cluster_unreachable"));
    assert!(world.engine.ready().await.is_ok(), "a dead cluster does not make the portal unready");

    world.prod.faults().black_hole(false);
    world.settled("prod").await;
    world.promoted("bea").await;
}
