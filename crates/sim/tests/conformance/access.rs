//! What a client may ask about the server itself, and about its own rights.

use crate::world::World;
use crate::{Case, case};
use serde_json::{Value, json};
use sim::Match;

pub const CASES: &[Case] = &[
    case!(the_version_is_told),
    case!(health_is_plain_text),
    case!(discovery_lists_the_resources_of_a_group),
    case!(an_unknown_resource_is_404),
    case!(an_access_review_allows),
    case!(who_am_i),
    case!(an_access_review_denies, simulated: "an administrator may do everything; the fake is told what to forbid"),
];

const REVIEWS: &str = "/apis/authorization.k8s.io/v1/selfsubjectaccessreviews";

fn review(world: &World) -> Value {
    let attributes = json!({ "namespace": world.namespace(), "verb": "patch", "group": "apps", "resource": "deployments" });
    json!({ "kind": "SelfSubjectAccessReview", "apiVersion": "authorization.k8s.io/v1", "spec": { "resourceAttributes": attributes } })
}

async fn the_version_is_told(world: World) {
    let version = world.get("/version").await.ok(200);
    assert_eq!(version["major"], "1");
    assert!(version["gitVersion"].as_str().unwrap().starts_with("v1."), "{version}");
}

async fn health_is_plain_text(world: World) {
    for path in ["/healthz", "/livez", "/readyz"] {
        let answer = world.get(path).await;
        assert!(answer.content_type.starts_with("text/plain"), "{answer:?}");
        assert_eq!(answer.ok(200), "ok");
    }
}

async fn discovery_lists_the_resources_of_a_group(world: World) {
    let list = world.get("/apis/apps/v1").await.ok(200);
    assert_eq!((&list["kind"], &list["groupVersion"]), (&json!("APIResourceList"), &json!("apps/v1")));
    let find = |name: &str| list["resources"].as_array().unwrap().iter().find(|it| it["name"] == name).cloned().unwrap();
    let deployments = find("deployments");
    assert_eq!((&deployments["kind"], &deployments["namespaced"]), (&json!("Deployment"), &json!(true)));
    for verb in ["get", "list", "watch", "create", "update", "patch", "delete", "deletecollection"] {
        assert!(deployments["verbs"].as_array().unwrap().contains(&json!(verb)), "{verb}");
    }
    assert_eq!(find("deployments/scale")["kind"], "Scale");
    assert_eq!(find("deployments/status")["kind"], "Deployment");
    assert_eq!(find("daemonsets")["kind"], "DaemonSet");
}

async fn an_unknown_resource_is_404(world: World) {
    for path in ["/apis/apps/v1/gadgets", "/apis/none.example/v1/gadgets", "/api/v1/namespaces/default/gadgets/one"] {
        assert_eq!(world.get(path).await.code, 404, "{path}");
    }
}

async fn an_access_review_allows(world: World) {
    let asked = review(&world);
    let answer = world.post(REVIEWS, &asked).await.ok(201);
    assert_eq!((&answer["kind"], &answer["apiVersion"]), (&asked["kind"], &asked["apiVersion"]));
    assert_eq!((&answer["spec"], &answer["status"]["allowed"]), (&asked["spec"], &json!(true)));
}

async fn who_am_i(world: World) {
    let asked = json!({ "kind": "SelfSubjectReview", "apiVersion": "authentication.k8s.io/v1" });
    let answer = world.post("/apis/authentication.k8s.io/v1/selfsubjectreviews", &asked).await.ok(201);
    assert_eq!(answer["kind"], "SelfSubjectReview");
    let user = &answer["status"]["userInfo"];
    assert!(!user["username"].as_str().unwrap().is_empty(), "{user}");
    assert!(user["groups"].as_array().unwrap().contains(&json!("system:authenticated")), "{user}");
}

async fn an_access_review_denies(world: World) {
    world.simulated().unwrap().faults().forbid(Match::on("patch", "deployments"));
    let answer = world.post(REVIEWS, &review(&world)).await.ok(201);
    assert_eq!(answer["status"]["allowed"], false);
    let refused = world.patch(&world.path("deployments/api"), "merge", &json!({})).await;
    assert_eq!(refused.refusal(), (403, "Forbidden"));
}
