//! delete: preconditions, finalizers, and what becomes of dependents.

use crate::objects::{config_map, deployed, deployment, generation, is_deleting, name, once_all, text};
use crate::world::World;
use crate::{Case, case};
use serde_json::{Value, json};

pub const CASES: &[Case] = &[
    case!(a_deletion_is_a_success),
    case!(deleting_what_is_missing_is_404),
    case!(preconditions_protect),
    case!(preconditions_that_hold_delete),
    case!(a_dry_run_deletes_nothing),
    case!(the_body_rules_over_the_query),
    case!(a_finalizer_keeps_it),
    case!(dependents_go_too),
    case!(orphans_stay),
    case!(in_the_foreground_the_owner_goes_last),
    case!(a_pod_ends_in_its_grace),
    case!(a_collection_is_deleted_by_its_selector),
];

async fn a_deletion_is_a_success(world: World) {
    let created = world.create("configmaps", config_map("one", json!({}))).await;
    let answer = world.delete(&world.path("configmaps/one"), &Value::Null).await.ok(200);
    assert_eq!((&answer["kind"], &answer["status"]), (&json!("Status"), &json!("Success")));
    assert_eq!(answer["details"], json!({ "name": "one", "kind": "configmaps", "uid": created["metadata"]["uid"] }));
    assert_eq!(world.get(&world.path("configmaps/one")).await.code, 404);
}

async fn deleting_what_is_missing_is_404(world: World) {
    let answer = world.delete(&world.path("configmaps/none"), &json!({})).await;
    assert_eq!((answer.refusal(), answer.message()), ((404, "NotFound"), "configmaps \"none\" not found"));
}

async fn preconditions_protect(world: World) {
    let created = world.create("deployments", deployment("api", "1", 0)).await;
    let uid = text(&created, "/metadata/uid");
    let path = world.path("deployments/api");
    let answer = world.delete(&path, &json!({ "preconditions": { "uid": "0000" } })).await;
    let words = format!(
        "Operation cannot be fulfilled on Deployment.apps \"api\": the UID in the precondition (0000) does not match the UID \
         in record ({uid}). The object might have been deleted and then recreated"
    );
    assert_eq!((answer.refusal(), answer.message()), ((409, "Conflict"), words.as_str()));
    let answer = world.delete(&path, &json!({ "preconditions": { "uid": uid, "resourceVersion": "1" } })).await;
    assert_eq!(answer.refusal(), (409, "Conflict"));
    assert!(answer.message().contains("the ResourceVersion in the precondition (1) does not match"), "{}", answer.message());
    assert!(!is_deleting(&world.read("deployments/api").await));
}

async fn preconditions_that_hold_delete(world: World) {
    let created = world.create("configmaps", config_map("one", json!({}))).await;
    let (uid, version) = (text(&created, "/metadata/uid"), text(&created, "/metadata/resourceVersion"));
    let options = json!({ "preconditions": { "uid": uid, "resourceVersion": version } });
    world.delete(&world.path("configmaps/one"), &options).await.ok(200);
    assert_eq!(world.get(&world.path("configmaps/one")).await.code, 404);
}

async fn a_dry_run_deletes_nothing(world: World) {
    world.create("configmaps", config_map("one", json!({}))).await;
    world.delete(&format!("{}?dryRun=All", world.path("configmaps/one")), &Value::Null).await.ok(200);
    world.delete(&world.path("configmaps/one"), &json!({ "dryRun": ["All"] })).await.ok(200);
    assert!(!is_deleting(&world.read("configmaps/one").await));
}

/// A trap: the query's dryRun does not count, and the object is gone.
async fn the_body_rules_over_the_query(world: World) {
    world.create("configmaps", config_map("one", json!({}))).await;
    world.delete(&format!("{}?dryRun=All", world.path("configmaps/one")), &json!({})).await.ok(200);
    assert_eq!(world.get(&world.path("configmaps/one")).await.code, 404);
}

async fn a_finalizer_keeps_it(world: World) {
    let mut object = deployment("api", "1", 0);
    object["metadata"]["finalizers"] = json!(["example.com/wait"]);
    let before = world.create("deployments", object).await;
    let answer = world.delete(&world.path("deployments/api"), &json!({})).await.ok(200);
    assert_eq!((text(&answer, "/kind"), is_deleting(&answer)), ("Deployment", true));
    let marked = world.read("deployments/api").await;
    assert_eq!((generation(&marked), marked["metadata"]["deletionGracePeriodSeconds"].as_i64()), (generation(&before) + 1, Some(0)));
    world.merge("deployments/api", json!({ "metadata": { "finalizers": null } })).await;
    world.gone("deployments/api").await;
}

async fn dependents_go_too(world: World) {
    deployed(&world, deployment("api", "1", 2)).await;
    world.delete(&world.path("deployments/api"), &json!({ "propagationPolicy": "Background" })).await.ok(200);
    assert_eq!(world.get(&world.path("deployments/api")).await.code, 404);
    once_all(&world, "its ReplicaSet is gone", "replicasets", |all| all.is_empty()).await;
    once_all(&world, "its pods are gone", "pods", |all| all.is_empty()).await;
}

async fn orphans_stay(world: World) {
    deployed(&world, deployment("api", "1", 1)).await;
    world.delete(&world.path("deployments/api"), &json!({ "propagationPolicy": "Orphan" })).await.ok(200);
    world.gone("deployments/api").await;
    let sets =
        once_all(&world, "nobody owns it", "replicasets", |all| all.iter().all(|it| it["metadata"]["ownerReferences"].is_null())).await;
    assert_eq!((sets.len(), sets[0]["spec"]["replicas"].as_i64()), (1, Some(1)));
    assert_eq!(world.all("pods").await.len(), 1);
}

async fn in_the_foreground_the_owner_goes_last(world: World) {
    deployed(&world, deployment("api", "1", 1)).await;
    let answer = world.delete(&world.path("deployments/api"), &json!({ "propagationPolicy": "Foreground" })).await.ok(200);
    assert_eq!((is_deleting(&answer), &answer["metadata"]["finalizers"]), (true, &json!(["foregroundDeletion"])));
    world
        .until("the owner is gone", async || {
            let pods = world.all("pods").await;
            let is_gone = world.get(&world.path("deployments/api")).await.code == 404;
            if is_gone {
                assert!(world.all("pods").await.is_empty(), "it went before its pods: {pods:?}");
            }
            is_gone.then_some(())
        })
        .await;
    assert!(world.all("replicasets").await.is_empty());
}

async fn a_pod_ends_in_its_grace(world: World) {
    let pod = json!({ "metadata": { "name": "one" }, "spec": { "containers": [{ "name": "api", "image": "repo/api:1" }] } });
    world.create("pods", pod).await;
    world.once("it runs", "pods/one", |it| it["status"]["phase"] == "Running").await;
    let answer = world.delete(&world.path("pods/one"), &json!({})).await.ok(200);
    assert_eq!((text(&answer, "/kind"), name(&answer), is_deleting(&answer)), ("Pod", "one", true));
    assert_eq!(answer["metadata"]["deletionGracePeriodSeconds"], 30);
    world.gone("pods/one").await;
}

async fn a_collection_is_deleted_by_its_selector(world: World) {
    for (name, tier) in [("a", "web"), ("b", "web"), ("c", "db")] {
        world.create("configmaps", config_map(name, json!({ "tier": tier }))).await;
    }
    let answer = world.delete(&world.path("configmaps?labelSelector=tier%3Dweb"), &json!({})).await.ok(200);
    assert_eq!(answer["kind"], "ConfigMapList");
    let left = world.all("configmaps?labelSelector=tier").await;
    assert_eq!(crate::objects::names(&left), ["c"]);
}
