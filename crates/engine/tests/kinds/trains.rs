//! Release trains: several promotions, planned and decided on together, carried out in the order of their dependencies.

use super::support::eventually;
use super::{Story, name, object};
use domain::changes::freeze::Scope;
use domain::changes::{Request, State, Train, TrainRequest};
use engine::{IdempotencyKey, NewFreeze};
use sim::{Fault, Match};

/// The API depends on the database; it is named first all the same.
fn wanted() -> TrainRequest {
    TrainRequest::new(vec![name("api"), name("postgres")], name("prod"), name("staging"), "a release".into()).unwrap()
}

async fn asked(story: &Story) -> Train {
    story.world.engine.ask_train(&story.world.actor("pia"), &wanted(), None).await.unwrap()
}

async fn approved(story: &Story, train: &Train) -> Train {
    story.world.engine.approve_train(&story.world.actor("dmitri"), &train.id, &train.digest, "looks good").await.unwrap()
}

async fn ends(story: &Story, train: &Train, state: State) -> Train {
    eventually(&format!("the train is {state}"), || async {
        let now = story.world.engine.train(&story.world.actor("viv"), &train.id).await.unwrap();
        (now.state() == state && now.changes.iter().all(|change| change.state.is_terminal())).then_some(now)
    })
    .await
}

fn places(train: &Train) -> Vec<&str> {
    train.changes.iter().map(|change| change.plan.component.as_str()).collect()
}

fn states(train: &Train) -> Vec<State> {
    train.changes.iter().map(|change| change.state).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn all_of_a_train_is_approved_at_once_and_goes_in_the_order_of_dependencies() {
    let story = Story::of("StatefulSet", "postgres").await;
    let train = asked(&story).await;
    assert_eq!((places(&train), train.state(), train.label().as_str()), (vec!["postgres", "api"], State::AwaitingApproval, "TR-1"));
    let (dmitri, api) = (story.world.actor("dmitri"), &train.changes[1]);
    let alone = story.world.engine.approve(&dmitri, &api.id, &api.digest, "").await.unwrap_err();
    assert_eq!(alone.code(), "part_of_train", "one of it is not decided on alone");
    let other = story.world.engine.approve_train(&dmitri, &train.id, &api.digest, "").await.unwrap_err();
    assert_eq!(other.code(), "plan_changed");
    let mut admin = story.world.actor("olivia");
    admin.person.roles.push(domain::access::Role::Admin);
    let glass = story.world.engine.break_glass(&admin, &api.id, &api.digest, "now").await.unwrap_err();
    assert_eq!(glass.code(), "part_of_train", "nor let through alone");
    let own = story.world.engine.approve_train(&story.world.actor("pia"), &train.id, &train.digest, "").await.unwrap_err();
    assert_eq!(own.code(), "self_approval");
    approved(&story, &train).await;
    let ended = ends(&story, &train, State::Succeeded).await;
    assert!(ended.changes.iter().all(|change| change.votes.len() == 1 && change.votes[0].by == "dmitri"));
    let (first, second) = (&ended.changes[0], &ended.changes[1]);
    let began = second.steps.iter().find(|step| step.name == "write").unwrap().started.unwrap();
    assert!(began >= first.outcome.as_ref().unwrap().at, "the API is written after the database has rolled out");
    assert_eq!(story.world.effective_writes(), 2);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_train_stops_at_the_first_failure() {
    let story = Story::of("StatefulSet", "postgres").await;
    let train = asked(&story).await;
    story.world.prod.faults().fail(sim::Match::on("patch", "statefulsets"), sim::Fault::Answer(403), 1);
    approved(&story, &train).await;
    let ended = ends(&story, &train, State::Errored).await;
    assert_eq!(states(&ended), [State::Errored, State::Superseded]);
    let why = &ended.changes[1].outcome.as_ref().unwrap().reason;
    assert!(why.contains("the train stopped: CH-1 (postgres) is errored"), "{why}");
    assert!(story.world.prod_image().ends_with("api:1.42.3"), "the API was not touched");
    assert_eq!(story.world.effective_writes(), 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_train_of_which_one_target_moves_before_the_votes_ends_as_a_whole() {
    let story = Story::of("StatefulSet", "postgres").await;
    let train = asked(&story).await;
    story.world.prod.apply(super::support::deployment("devmatrix", "1.42.4")).unwrap();
    let ended = ends(&story, &train, State::Superseded).await;
    assert_eq!(states(&ended), [State::Superseded, State::Superseded]);
    assert_eq!(story.world.sent_writes(), 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn one_refusal_refuses_the_train_and_nothing_is_kept() {
    let story = Story::of("StatefulSet", "postgres").await;
    story.world.prod.apply(object("StatefulSet", "postgres", "devmatrix", "2.0")).unwrap();
    story.runs("prod", "2.0").await;
    let pia = story.world.actor("pia");
    let plans = story.world.engine.preview_train(&pia, &wanted()).await.unwrap();
    assert_eq!(plans[0].1.as_ref().unwrap_err().code(), "already_running");
    assert!(plans[1].1.is_ok(), "the preview tells of each");
    assert_eq!(story.world.engine.ask_train(&pia, &wanted(), None).await.unwrap_err().code(), "already_running");
    let changes = story.world.engine.changes(&pia, &Default::default(), Default::default()).await.unwrap();
    assert!(changes.items.is_empty(), "{:?}", changes.items);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_train_is_rejected_and_aborted_as_a_whole_and_a_key_makes_one() {
    let story = Story::of("StatefulSet", "postgres").await;
    let pia = story.world.actor("pia");
    let key = || Some(IdempotencyKey { key: "k".into(), body_sha256: "b".into() });
    let train = story.world.engine.ask_train(&pia, &wanted(), key()).await.unwrap();
    let again = story.world.engine.ask_train(&pia, &wanted(), key()).await.unwrap();
    assert_eq!(train, again);
    let dmitri = story.world.actor("dmitri");
    assert_eq!(story.world.engine.trains_waiting_for(&dmitri).await.unwrap(), vec![train.clone()]);
    assert!(story.world.engine.waiting_for(&dmitri).await.unwrap().is_empty(), "its changes do not wait one by one");
    let unsaid = story.world.engine.reject_train(&dmitri, &train.id, None, " ").await.unwrap_err();
    assert_eq!(unsaid.code(), "invalid");
    let rejected = story.world.engine.reject_train(&dmitri, &train.id, None, "not today").await.unwrap();
    assert_eq!((rejected.state(), states(&rejected)), (State::Rejected, vec![State::Rejected; 2]));
    let late = story.world.engine.abort_train(&pia, &train.id, "").await.unwrap_err();
    assert_eq!(late.code(), "already_ended");

    let second = asked(&story).await;
    let aborted = story.world.engine.abort_train(&pia, &second.label(), "changed my mind").await.unwrap();
    assert_eq!(states(&aborted), [State::Aborted, State::Aborted]);
    assert_eq!(story.world.sent_writes(), 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_waits_for_its_turn_in_a_train_stands_in_nobodys_way() {
    let story = Story::of("StatefulSet", "postgres").await;
    // Its first pod is available after an hour only, so the train stays on its way.
    let mut patient = object("StatefulSet", "postgres", "devmatrix", "1.0");
    patient["spec"]["minReadySeconds"] = serde_json::json!(3600);
    story.world.prod.apply(patient).unwrap();
    let train = eventually("the train is planned", || async {
        story.world.engine.ask_train(&story.world.actor("pia"), &wanted(), None).await.ok()
    })
    .await;
    approved(&story, &train).await;
    eventually("the database is written", || async { (story.world.effective_writes() == 1).then_some(()) }).await;
    let restart = Request::Restart { component: name("api"), environment: name("prod"), reason: "a leak".into() };
    let restart = story.ask(restart).await;
    story.world.approved(&restart, "dmitri").await;
    story.world.ends(&restart, State::Succeeded).await;
    let now = story.world.engine.train(&story.world.actor("viv"), &train.id).await.unwrap();
    assert_eq!(states(&now)[1], State::Ready, "it was passed, and looks again at its turn");
}

/// Its first change is written, and its target changed again by hand while the environment is frozen: nothing of the rest will come, so
/// nothing of it waits for the opening.
#[tokio::test(flavor = "multi_thread")]
async fn a_train_that_stops_while_its_environment_is_frozen_ends_whole() {
    let story = Story::of("StatefulSet", "postgres").await;
    let mut patient = object("StatefulSet", "postgres", "devmatrix", "1.0");
    patient["spec"]["minReadySeconds"] = serde_json::json!(3600);
    story.world.prod.apply(patient.clone()).unwrap();
    let train = eventually("the train is planned", || async {
        story.world.engine.ask_train(&story.world.actor("pia"), &wanted(), None).await.ok()
    })
    .await;
    approved(&story, &train).await;
    eventually("the database is written", || async { (story.world.effective_writes() == 1).then_some(()) }).await;
    let freeze = NewFreeze { scope: Scope::Environment("prod".into()), reason: "a migration".into(), from: None, until: None, key: None };
    story.world.engine.freeze(&story.world.actor("dmitri"), freeze).await.unwrap();
    patient["spec"]["minReadySeconds"] = serde_json::json!(3601);
    story.world.prod.apply(patient).unwrap();
    let ended = ends(&story, &train, State::Superseded).await;
    assert_eq!(states(&ended), [State::Superseded, State::Superseded]);
    let why = &ended.changes[1].outcome.as_ref().unwrap().reason;
    assert!(why.contains("the train stopped"), "{why}");
}

/// The answer to its first write was lost, and the environment was frozen: whatever becomes of the rest, it may be there, so it is followed.
#[tokio::test(flavor = "multi_thread")]
async fn what_was_sent_is_followed_although_the_rest_of_its_train_ended() {
    let story = Story::of("StatefulSet", "postgres").await;
    let (world, viv) = (&story.world, story.world.actor("viv"));
    let train = asked(&story).await;
    world.prod.faults().fail(Match::on("patch", "statefulsets"), Fault::Answer(503), usize::MAX);
    approved(&story, &train).await;
    let first = train.changes[0].id.clone();
    eventually("the database was sent", || async { world.engine.change(&viv, &first).await.unwrap().sent.then_some(()) }).await;
    let freeze = NewFreeze { scope: Scope::Environment("prod".into()), reason: "a migration".into(), from: None, until: None, key: None };
    let freeze = world.engine.freeze(&world.actor("dmitri"), freeze).await.unwrap();
    eventually("it waits", || async { (world.engine.change(&viv, &first).await.unwrap().state == State::Ready).then_some(()) }).await;
    world.engine.abort(&world.actor("pia"), &train.changes[1].id, "not today").await.unwrap();
    world.prod.faults().clear();
    world.engine.lift_freeze(&world.actor("dmitri"), &freeze.id, "").await.unwrap();
    eventually("the database has ended", || async {
        let now = world.engine.change(&viv, &first).await.unwrap();
        now.state.is_terminal().then_some(now.state)
    })
    .await;
    assert_eq!(world.engine.change(&viv, &first).await.unwrap().state, State::Succeeded);
    assert_eq!(world.effective_writes(), 1);
}

#[test]
fn a_train_names_each_component_once() {
    let request = |names: &[&str]| {
        let components = names.iter().map(|one| name(one)).collect();
        TrainRequest::new(components, name("prod"), name("staging"), String::new()).map(|_| ())
    };
    assert!(request(&["api"]).is_ok());
    assert!(request(&[]).is_err() && request(&["api", "api"]).is_err() && request(&["a"; 21]).is_err());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_portal_that_restarts_goes_on_with_the_train() {
    let story = Story::of("StatefulSet", "postgres").await;
    let train = asked(&story).await;
    story.world.engine.stop().await;
    let other = story.world.another_portal().await;
    let dmitri = story.world.actor("dmitri");
    other.approve_train(&dmitri, &train.id, &train.digest, "").await.unwrap();
    let ended = eventually("the train has arrived", || async {
        let now = other.train(&dmitri, &train.id).await.unwrap();
        (now.state() == State::Succeeded).then_some(now)
    })
    .await;
    assert_eq!(states(&ended), [State::Succeeded, State::Succeeded]);
    other.stop().await;
}
