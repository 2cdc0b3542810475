//! What a change tells of itself: why it did what it did, and how long its kind takes here. With STORIES_POSTGRES set, on PostgreSQL.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

mod support;

use domain::changes::State;
use domain::changes::explain::{Line, What};
use sim::{Fault, Match};
use support::{World, actor, promote};

async fn story(world: &World, id: &str) -> Vec<Line> {
    world.engine.story(&actor("viv"), id).await.unwrap()
}

/// The lines from the first that has `text` on.
fn from<'a>(lines: &'a [Line], what: What, text: &str) -> &'a [Line] {
    let found = lines.iter().position(|line| line.what == what && line.text.contains(text));
    &lines[found.unwrap_or_else(|| panic!("no line {what:?} with {text:?} in {lines:#?}"))..]
}

#[tokio::test(flavor = "multi_thread")]
async fn every_sight_decision_and_answer_is_told_in_order() {
    let world = World::new().await;
    let change = world.promoted("bea").await;
    assert!(story(&world, &change.id).await.iter().all(|line| line.what == What::Did), "nothing is carried out yet");
    world.prod.faults().fail(Match::on("patch", "deployments"), Fault::Busy(5), 1);
    world.approved(&change, "dmitri").await;
    world.ends(&change, State::Succeeded).await;

    let lines = story(&world, &change.id).await;
    assert!(lines.is_sorted_by_key(|line| line.at));
    let rest = from(&lines, What::Did, "change.request by bea");
    let rest = from(rest, What::Did, "change.approve by dmitri");
    let rest = from(rest, What::Saw, "generation 1, resourceVersion");
    let rest = from(rest, What::Decided, "write it, if it still has resourceVersion");
    let rest = from(rest, What::Answered, "429: Too many requests, please try again later. (Retry-After: 5 s)");
    let busy = rest[0].at;
    let rest = from(rest, What::Decided, "nothing became of the write: send the same bytes again");
    let rest = from(rest, What::Answered, "done: generation 2, resourceVersion");
    assert!(rest[0].at.seconds_since(busy) >= 5, "the API server is asked again when it said, not before");
    let rest = from(rest, What::Saw, "last written by this change");
    let rest = from(rest, What::Decided, "end it as succeeded");
    from(rest, What::Did, "change.end: succeeded");
    let labelled = world.engine.story(&actor("viv"), &change.label()).await.unwrap();
    assert_eq!(labelled, lines, "by its label too");
}

#[tokio::test(flavor = "multi_thread")]
async fn how_long_it_takes_here_is_known_after_the_first_rollout() {
    let world = World::new().await;
    let plan = world.engine.preview(&actor("bea"), promote()).await.unwrap();
    assert_eq!(world.engine.usual(&actor("viv"), &plan).await.unwrap(), None, "what ran before was timed by nobody");
    let change = world.promoted("bea").await;
    world.approved(&change, "dmitri").await;
    world.ends(&change, State::Succeeded).await;
    world.judged(&change).await;
    let usual = world.engine.usual(&actor("viv"), &change.plan).await.unwrap().unwrap();
    assert_eq!((usual.rollouts, usual.median_s), (1, usual.slowest_s));
    assert!((0..60).contains(&usual.median_s), "{usual:?}");
}
