//! The engine from end to end on simulated clusters: each test is a story of people, a release and what the cluster did.
//! With STORIES_POSTGRES set, the same stories run on PostgreSQL.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

mod support;

use domain::changes::State;
use domain::releases::RecordOutcome;
use engine::IdempotencyKey;
use serde_json::json;
use support::{World, actor, deployment, ends_at, eventually, promote, rollback};

fn code(error: domain::Error) -> (u16, String) {
    (error.status(), error.code().to_owned())
}

#[tokio::test(flavor = "multi_thread")]
async fn a_promotion_is_approved_rolls_out_and_is_rolled_back_with_a_hold() {
    let world = World::new().await;
    let asked = world.promoted("bea").await;
    assert_eq!(asked.state, State::AwaitingApproval);
    let image_id = sim::digest_of("registry.devmatrix.example/devmatrix/api:1.43.1");
    let digest = image_id.rsplit_once('@').unwrap().1.to_owned();
    assert_eq!(asked.plan.to.digest.as_ref(), Some(&digest));
    assert_eq!(world.effective_writes(), 0, "nothing is written before the vote");

    world.approved(&asked, "dmitri").await;
    let done = world.ends(&asked, State::Succeeded).await;
    assert!(done.steps.iter().all(|step| step.state == "done"), "{:?}", done.steps);
    assert_eq!(world.prod_image(), format!("registry.devmatrix.example/devmatrix/api:1.43.1@{digest}"));
    assert_eq!(world.effective_writes(), 1);
    world.settled("prod").await;
    let records = world.judged(&asked).await;
    assert_eq!(records[0].change.as_ref(), Some(&asked.id));
    assert_eq!((records[0].outcome, records[0].current, records[0].digest.as_ref()), (RecordOutcome::Succeeded, true, Some(&digest)));
    assert_eq!((records[1].change.as_ref(), records[1].revision), (None, 1), "what ran before is a record too");

    let back = world.engine.ask(&world.actor("bea"), rollback(1), None).await.unwrap().change;
    assert_eq!(back.state, State::Ready, "a rollback needs no second person");
    world.ends(&back, State::Succeeded).await;
    assert_eq!(world.prod_image(), "registry.devmatrix.example/devmatrix/api:1.42.3");
    assert_eq!(world.effective_writes(), 2);

    world.settled("prod").await;
    let records = world.judged(&back).await;
    assert_eq!(records.iter().map(|r| r.revision).collect::<Vec<_>>(), [3, 2, 1], "newest first, though its ReplicaSet is the oldest");
    assert_eq!((records[0].by.as_deref(), records[0].change.as_ref()), (Some("bea"), Some(&back.id)));

    let holds = world.engine.holds(&actor("viv"), Some("api"), Some("prod")).await.unwrap();
    assert_eq!(holds[0].digest.as_ref(), Some(&digest));
    assert_eq!(code(world.engine.ask(&world.actor("bea"), promote(), None).await.unwrap_err()), (422, "release_on_hold".into()));
    world.engine.lift_hold(&world.actor("bea"), &holds[0].id, "fixed").await.unwrap();
    assert_eq!(code(world.engine.lift_hold(&world.actor("bea"), &holds[0].id, "again").await.unwrap_err()).0, 404);
    world.settled("prod").await;
    world.promoted("bea").await;
    let acts: Vec<_> = world.engine.store().audit_of(&asked.id).await.unwrap().into_iter().map(|entry| entry.what).collect();
    assert_eq!(acts, ["change.request", "change.approve", "change.start", "cluster.intend", "cluster.write", "change.end"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn only_the_right_people_decide_and_only_on_this_plan() {
    let world = World::new().await;
    let change = world.promoted("pia").await;
    let approve = |who: &'static str, digest: String| {
        let (engine, actor, id) = (world.engine.clone(), world.actor(who), change.id.clone());
        async move { engine.approve(&actor, &id, &digest, "").await }
    };
    assert_eq!(code(approve("viv", change.digest.clone()).await.unwrap_err()), (403, "role_missing".into()));
    assert_eq!(code(approve("bea", change.digest.clone()).await.unwrap_err()), (403, "role_missing".into()));
    assert_eq!(code(approve("pia", change.digest.clone()).await.unwrap_err()), (403, "self_approval".into()));
    assert_eq!(code(approve("dmitri", "0".repeat(64)).await.unwrap_err()), (409, "plan_changed".into()));
    let denied = world.engine.store().audit_of(&change.id).await.unwrap();
    assert_eq!(denied.iter().filter(|entry| entry.outcome == "denied").count(), 3, "{denied:?}");
    let other = world.promoted("bea").await;
    assert_eq!(
        code(world.engine.approve(&world.actor("pia"), &other.id, &other.digest, "").await.unwrap_err()),
        (403, "not_an_approver_here".into())
    );
    assert_eq!(code(world.engine.reject(&world.actor("dmitri"), &other.id, None, " ").await.unwrap_err()), (400, "invalid".into()));
    world.engine.reject(&world.actor("dmitri"), &other.id, None, "not today").await.unwrap();
    world.ends(&other, State::Rejected).await;
    assert_eq!(
        code(world.engine.approve(&world.actor("olivia"), &other.id, &other.digest, "").await.unwrap_err()),
        (409, "not_awaiting_approval".into())
    );
    assert_eq!(world.sent_writes(), 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_repeated_key_is_one_change() {
    let world = World::new().await;
    let key = |body: &str| Some(IdempotencyKey { key: "k-1".into(), body_sha256: domain::digest::sha256(body) });
    let ask = |body: &'static str| {
        let (engine, actor) = (world.engine.clone(), world.actor("bea"));
        async move { engine.ask(&actor, promote(), key(body)).await }
    };
    let (one, two, three) = tokio::join!(ask("body"), ask("body"), ask("body"));
    let ids = [one.unwrap().change.id, two.unwrap().change.id, three.unwrap().change.id];
    assert!(ids.iter().all(|id| *id == ids[0]), "{ids:?}");
    assert_eq!(world.engine.changes(&actor("viv"), &Default::default(), Default::default()).await.unwrap().items.len(), 1);
    assert_eq!(code(ask("another body").await.unwrap_err()), (422, "idempotency_key_reused".into()));
}

#[tokio::test(flavor = "multi_thread")]
async fn an_edit_between_plan_and_vote_supersedes_with_no_write() {
    let world = World::new().await;
    let early = world.promoted("bea").await;
    world.prod.apply(deployment("devmatrix", "1.42.4")).unwrap();
    let ended = world.ends(&early, State::Superseded).await;
    assert!(ended.outcome.unwrap().reason.contains("changed after the plan was made"));
    world.runs("prod", "1.42.4").await;

    // After the vote, before the worker looks: the check finds it.
    let late = world.promoted("bea").await;
    world.prod.apply(deployment("devmatrix", "1.42.5")).unwrap();
    match world.engine.approve(&world.actor("dmitri"), &late.id, &late.digest, "").await {
        Ok(_) => {}
        Err(error) => assert_eq!(error.code(), "not_awaiting_approval"),
    }
    world.ends(&late, State::Superseded).await;
    assert_eq!(world.sent_writes(), 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn an_image_that_cannot_be_pulled_fails_in_the_pods_own_words() {
    let world = World::new().await;
    world.prod.apply(deployment("devmatrix", "1.42.2-nopull")).unwrap();
    eventually("the bad release is recorded", || async {
        let records = world.engine.deployments(&actor("viv"), "api", Some("prod"), Default::default()).await.unwrap().items;
        (records.first()?.revision == 2).then_some(())
    })
    .await;
    world.prod.apply(deployment("devmatrix", "1.42.3")).unwrap();
    world.runs("prod", "1.42.3").await;
    let change = world.engine.ask(&world.actor("bea"), rollback(2), None).await.unwrap().change;
    let ended = world.ends(&change, State::Failed).await;
    let said = ended.outcome.unwrap().failing_pod.expect("a pod says why");
    assert_eq!(said.reason, "ImagePullBackOff");
    assert!(said.message.contains("1.42.2-nopull"), "{said:?}");
    let cell = world.engine.matrix(&actor("viv")).await.unwrap().components[0].cells["prod"].clone();
    assert_eq!(cell.state.as_str(), "degraded", "the old pods still serve: {}", cell.reason);
    assert!(world.engine.holds(&actor("viv"), None, None).await.unwrap().is_empty(), "a failed rollback holds nothing");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_restart_in_the_middle_of_a_rollout_goes_on() {
    let world = World::new().await;
    world.staging.apply(deployment("devmatrix-staging", "1.44.0-slow")).unwrap();
    world.runs("staging", "1.44.0-slow").await;
    let change = world.promoted("bea").await;
    world.approved(&change, "dmitri").await;
    eventually("it rolls out", || async {
        (world.engine.change(&actor("viv"), &change.id).await.unwrap().state == State::Observing).then_some(())
    })
    .await;
    world.engine.stop().await;
    let successor = world.another_portal().await;
    ends_at(&successor, &change, State::Succeeded).await;
    assert_eq!(world.effective_writes(), 1, "the successor only observed");
}

#[tokio::test(flavor = "multi_thread")]
async fn an_aborted_change_writes_nothing_and_viewers_may_not_abort() {
    let world = World::new().await;
    let change = world.promoted("bea").await;
    assert_eq!(code(world.engine.abort(&world.actor("viv"), &change.id, "").await.unwrap_err()), (403, "role_missing".into()));
    let ended = world.engine.abort(&world.actor("ben"), &change.id, "wrong release").await.unwrap();
    assert_eq!(ended.state, State::Aborted);
    assert_eq!(code(world.engine.abort(&world.actor("ben"), &change.id, "").await.unwrap_err()), (409, "already_ended".into()));
    assert_eq!(world.sent_writes(), 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn an_older_change_never_overtakes_a_newer_one() {
    let world = World::new().await;
    let (first, second) = (world.promoted("bea").await, world.promoted("ben").await);
    world.approved(&second, "dmitri").await;
    world.ends(&second, State::Succeeded).await;
    world.ends(&first, State::Superseded).await;
    assert_eq!(world.effective_writes(), 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_gitops_manages_is_refused() {
    let world = World::new().await;
    let mut managed = deployment("devmatrix", "1.42.3");
    managed["metadata"]["annotations"] = json!({"argocd.argoproj.io/tracking-id": "api:apps/Deployment:devmatrix/devmatrix-api"});
    world.prod.apply(managed).unwrap();
    assert_eq!(code(world.engine.ask(&world.actor("bea"), promote(), None).await.unwrap_err()), (422, "managed_by_gitops".into()));
}
