//! Deploys: an image by its digest, where releases begin; and what a GitOps tool takes over is not written to.

use super::support::{actor, eventually};
use super::{Story, World, name, object};
use domain::changes::{Request, State, image};
use serde_json::json;

fn deploy(environment: &str, text: &str) -> Request {
    Request::Deploy {
        component: name("api"),
        environment: name(environment),
        image: image("image", text).unwrap(),
        authors: vec![],
        reason: "a build".into(),
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn an_image_is_deployed_by_its_digest_and_then_promoted() {
    let story = Story { world: World::new().await, component: "api" };
    let tagged = "registry.devmatrix.example/devmatrix/api:1.44.0";
    let pia = story.world.actor("pia");
    let loose = story.world.engine.preview(&pia, deploy("staging", tagged)).await.unwrap_err();
    assert_eq!(loose.code(), "digest_unknown", "a tag can be moved");
    let pinned = format!("{tagged}@{}", sim::digest_of(tagged).rsplit('@').next().unwrap());
    let across = story.world.engine.preview(&pia, deploy("prod", &pinned)).await.unwrap_err();
    assert_eq!(across.code(), "promotion_path_unknown", "production is promoted to");

    let change = story.ask(deploy("staging", &pinned)).await;
    assert_eq!(change.plan.to.image, pinned);
    story.world.ends(&change, State::Succeeded).await;
    story.runs("staging", "1.44.0").await;
    let again = story.world.engine.preview(&pia, deploy("staging", &pinned)).await.unwrap_err();
    assert_eq!(again.code(), "already_running");
    let on = story.ask(story.promote()).await;
    assert_eq!(on.plan.to.image, pinned, "what was built is what goes on");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_workload_that_a_gitops_tool_takes_over_after_the_plan_is_not_written() {
    let story = Story::of("StatefulSet", "postgres").await;
    let change = story.ask(story.promote()).await;
    // A mark on the metadata of a StatefulSet raises no generation.
    let mut taken = object("StatefulSet", "postgres", "devmatrix", "1.0");
    taken["metadata"]["annotations"] = json!({"argocd.argoproj.io/tracking-id": "db:apps/StatefulSet:devmatrix/postgres"});
    story.world.prod.apply(taken).unwrap();
    eventually("the mark is seen", || async {
        let view = story.world.engine.component(&actor("viv"), "postgres").await.unwrap();
        view.environments.into_iter().find(|here| here.environment.name == "prod")?.cell.managed_by.filter(|manager| manager.gitops)
    })
    .await;
    let gates = story.world.engine.gates(&actor("viv"), &change).await.unwrap();
    let owner = gates.iter().find(|gate| gate.name == "gitops").unwrap();
    assert!(owner.state == "fail" && owner.detail.starts_with("Argo CD has taken over"), "said before anybody votes: {owner:?}");
    story.world.approved(&change, "dmitri").await;
    let ended = story.world.ends(&change, State::Superseded).await;
    assert!(ended.outcome.unwrap().reason.starts_with("Argo CD has taken over the workload"));
    assert_eq!(story.world.sent_writes(), 0);
}
