//! The number of replicas: asked for by hand, or left to an autoscaler within bounds.

use super::support::{actor, eventually};
use super::{Story, World, name};
use domain::changes::{Bounds, Change, Request, State};
use serde_json::{Value, json};
use sim::{Fault, Match};

fn scale(component: &str, replicas: i64) -> Request {
    Request::Scale { component: name(component), environment: name("prod"), replicas, reason: "load".into() }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_scale_is_one_write_and_no_revision() {
    let story = Story { world: World::new().await, component: "api" };
    let change = story.ask(scale("api", 5)).await;
    assert_eq!((change.state, change.plan.scaled_from), (State::AwaitingApproval, Some(3)));
    story.world.approved(&change, "dmitri").await;
    story.world.ends(&change, State::Succeeded).await;
    let object = story.world.prod.get("deployments", "devmatrix", "devmatrix-api").unwrap();
    assert_eq!((object["spec"]["replicas"].clone(), object["status"]["readyReplicas"].clone()), (json!(5), json!(5)));
    assert!(object["metadata"]["annotations"].get("kubernetes.io/change-cause").is_none(), "no revision is made, so none is given a cause");
    assert_eq!(story.world.effective_writes(), 1);
    let records = story.records().await;
    assert_eq!((records.len(), records[0].change.as_ref()), (1, None), "what runs is not the scale's doing");
}

fn autoscaler() -> Value {
    json!({
        "apiVersion": "autoscaling/v2", "kind": "HorizontalPodAutoscaler",
        "metadata": {"name": "api", "namespace": "devmatrix"},
        "spec": {
            "scaleTargetRef": {"apiVersion": "apps/v1", "kind": "Deployment", "name": "devmatrix-api"}, "minReplicas": 3, "maxReplicas": 10,
        },
    })
}

#[tokio::test(flavor = "multi_thread")]
async fn what_an_autoscaler_owns_is_not_scaled_by_hand() {
    let story = Story { world: World::new().await, component: "api" };
    story.world.prod.apply(autoscaler()).unwrap();
    let why = eventually("the autoscaler is seen", || async {
        let asked = story.world.engine.preview(&story.world.actor("bea"), scale("api", 5)).await;
        asked.err()
    })
    .await;
    assert_eq!(why.code(), "scaled_by_autoscaler");
    assert!(why.to_string().contains("between 3 and 10"), "{why}");
    let view = story.world.engine.component(&actor("viv"), "api").await.unwrap();
    let prod = view.environments.iter().find(|here| here.environment.name == "prod").unwrap();
    assert_eq!(prod.around.autoscaler.as_ref().map(|scaler| scaler.max), Some(10));
}

#[tokio::test(flavor = "multi_thread")]
async fn an_autoscaler_that_comes_after_the_plan_ends_the_scale_without_a_write() {
    let story = Story { world: World::new().await, component: "api" };
    let change = story.ask(scale("api", 5)).await;
    story.world.prod.apply(autoscaler()).unwrap();
    eventually("the autoscaler is seen", || async { story.world.engine.preview(&story.world.actor("bea"), scale("api", 6)).await.err() })
        .await;
    story.world.approved(&change, "dmitri").await;
    let ended = story.world.ends(&change, State::Superseded).await;
    assert!(ended.outcome.unwrap().reason.contains("autoscaler"));
    assert_eq!(story.world.sent_writes(), 0);
}

/// Whether an autoscaler owns the number cannot be told when it is to be written: that is said, and nothing is sent until it can be.
#[tokio::test(flavor = "multi_thread")]
async fn what_cannot_be_told_before_the_write_is_said_and_waited_for() {
    let story = Story { world: World::new().await, component: "api" };
    let change = story.ask(scale("api", 5)).await;
    let faults = story.world.prod.faults();
    faults.forbid(Match::on("list", "horizontalpodautoscalers"));
    faults.forbid(Match::on("watch", "horizontalpodautoscalers"));
    faults.drop_watches();
    let asking = || async { story.world.engine.preview(&story.world.actor("bea"), scale("api", 6)).await.err() };
    assert_eq!(eventually("the right is missed", asking).await.code(), "cluster_unreachable");
    story.world.approved(&change, "dmitri").await;
    eventually("its page says what it waits for", || async {
        let now = story.world.engine.change(&actor("viv"), &change.id).await.unwrap();
        let check = now.steps.iter().find(|step| step.name == "check")?.detail.clone();
        (check.contains("waiting for the cluster") && check.contains("autoscaler")).then_some(())
    })
    .await;
    assert_eq!(story.world.sent_writes(), 0);
    let aborted = story.world.engine.abort(&story.world.actor("bea"), &change.id, "").await.unwrap();
    assert!(aborted.outcome.unwrap().reason.contains("before its write"));
}

fn bounds(min: i64, max: i64) -> Request {
    let bounds = Bounds::new(min, max).unwrap();
    Request::Autoscale { component: name("api"), environment: name("prod"), bounds, reason: "Christmas".into() }
}

/// The API, at three replicas, with an autoscaler that the portal has seen.
async fn autoscaled() -> Story {
    let story = Story { world: World::new().await, component: "api" };
    story.world.prod.apply(autoscaler()).unwrap();
    eventually("the autoscaler is seen", || async { story.world.engine.preview(&story.world.actor("bea"), bounds(4, 12)).await.ok() })
        .await;
    story
}

async fn approved(story: &Story, min: i64, max: i64) -> Change {
    let change = story.ask(bounds(min, max)).await;
    story.world.approved(&change, "dmitri").await
}

fn replicas(story: &Story) -> Value {
    story.world.prod.get("deployments", "devmatrix", "devmatrix-api").unwrap()["spec"]["replicas"].clone()
}

#[tokio::test(flavor = "multi_thread")]
async fn bounds_are_one_write_of_the_autoscaler_and_the_number_follows() {
    let story = autoscaled().await;
    let change = approved(&story, 5, 12).await;
    assert_eq!((change.plan.bounds_from, change.plan.desired), (Some(Bounds { min: 3, max: 10 }), 5));
    let ended = story.world.ends(&change, State::Succeeded).await;
    assert!(ended.outcome.unwrap().reason.contains("from here the autoscaler chooses"));
    let object = story.world.prod.get("horizontalpodautoscalers", "devmatrix", "api").unwrap();
    assert_eq!((object["spec"]["minReplicas"].clone(), object["spec"]["maxReplicas"].clone()), (json!(5), json!(12)));
    assert_eq!(object["metadata"]["annotations"]["portal.devmatrix.io/change"], json!(change.id));
    assert_eq!(story.world.done_writes(), 1);
    let deployment = story.world.prod.get("deployments", "devmatrix", "devmatrix-api").unwrap();
    assert_eq!((replicas(&story), deployment["status"]["readyReplicas"].clone()), (json!(5), json!(5)), "it ended once they were ready");
    let again = story.world.engine.preview(&story.world.actor("bea"), bounds(5, 12)).await;
    assert_eq!(again.unwrap_err().code(), "already_running");
    let back = approved(&story, 3, 3).await;
    story.world.ends(&back, State::Succeeded).await;
    assert_eq!(replicas(&story), json!(3), "the undo brings the number down too");
}

#[tokio::test(flavor = "multi_thread")]
async fn bounds_whose_answer_is_lost_are_written_once() {
    let story = autoscaled().await;
    let change = story.ask(bounds(4, 12)).await;
    story.world.prod.faults().fail(Match::on("patch", "horizontalpodautoscalers"), Fault::AppliedThenReset, 1);
    story.world.approved(&change, "dmitri").await;
    story.world.ends(&change, State::Succeeded).await;
    assert_eq!(story.world.done_writes(), 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn an_autoscaler_that_somebody_edits_meanwhile_is_not_written() {
    let story = autoscaled().await;
    let change = story.ask(bounds(4, 12)).await;
    let mut edited = autoscaler();
    edited["spec"]["maxReplicas"] = json!(11);
    story.world.prod.apply(edited).unwrap();
    let ended = story.world.ends(&change, State::Superseded).await;
    assert!(ended.outcome.unwrap().reason.contains("the autoscaler's bounds were changed"));
    assert_eq!(story.world.sent_writes(), 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_workload_that_the_autoscaler_scales_meanwhile_does_not_end_the_plan() {
    let story = autoscaled().await;
    let change = story.ask(bounds(4, 12)).await;
    let mut scaled = story.world.prod.get("deployments", "devmatrix", "devmatrix-api").unwrap();
    scaled["spec"]["replicas"] = json!(6);
    story.world.prod.apply(scaled).unwrap();
    story.world.approved(&change, "dmitri").await;
    story.world.ends(&change, State::Succeeded).await;
    assert_eq!(replicas(&story), json!(6), "it lies within the bounds");
}

#[tokio::test(flavor = "multi_thread")]
async fn bounds_need_an_autoscaler() {
    let story = Story { world: World::new().await, component: "api" };
    let why = story.world.engine.preview(&story.world.actor("bea"), bounds(4, 12)).await.unwrap_err();
    assert_eq!(why.code(), "no_autoscaler");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_promotion_outlives_what_the_autoscaler_does_meanwhile() {
    let story = autoscaled().await;
    let change = story.ask(story.promote()).await;
    assert!(change.plan.target.replicas_float);
    let scale = |replicas: i64| {
        let mut scaled = story.world.prod.get("deployments", "devmatrix", "devmatrix-api").unwrap();
        scaled["spec"]["replicas"] = json!(replicas);
        story.world.prod.apply(scaled).unwrap();
    };
    scale(4);
    story.world.approved(&change, "dmitri").await;
    eventually("it is written", || async { (story.world.effective_writes() == 1).then_some(()) }).await;
    scale(6);
    story.world.ends(&change, State::Succeeded).await;
    assert_eq!((replicas(&story), story.world.effective_writes()), (json!(6), 1));
    assert!(story.world.prod_image().contains("1.43.1"));
}

#[tokio::test(flavor = "multi_thread")]
async fn an_edit_of_anything_else_still_ends_the_plan() {
    let story = autoscaled().await;
    let change = story.ask(story.promote()).await;
    let mut edited = story.world.prod.get("deployments", "devmatrix", "devmatrix-api").unwrap();
    edited["spec"]["minReadySeconds"] = json!(1);
    story.world.prod.apply(edited).unwrap();
    story.world.approved(&change, "dmitri").await;
    story.world.ends(&change, State::Superseded).await;
    assert_eq!(story.world.sent_writes(), 0);
}
