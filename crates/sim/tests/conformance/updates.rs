//! Updates (PUT): the optimistic lock, and what an update cannot touch.

use crate::objects::{config_map, deployment, generation, number, text, version, with};
use crate::world::World;
use crate::{Case, case};
use serde_json::{Value, json};

pub const CASES: &[Case] = &[
    case!(an_update_replaces_the_whole),
    case!(a_stale_update_is_409),
    case!(an_update_without_a_version_is_unconditional),
    case!(another_uid_is_409),
    case!(another_name_is_400),
    case!(updating_what_is_missing_is_404),
    case!(the_servers_metadata_stays),
    case!(a_dry_update_stores_nothing),
];

async fn an_update_replaces_the_whole(world: World) {
    let mut object = world.create("configmaps", config_map("one", json!({ "a": "b" }))).await;
    object["data"] = json!({ "other": "1" });
    object["metadata"]["labels"] = Value::Null;
    let stored = world.put(&world.path("configmaps/one"), &object).await.ok(200);
    assert_eq!((&stored["data"], stored["metadata"].get("labels")), (&json!({ "other": "1" }), None));
    assert!(version(&stored) > version(&object));
}

async fn a_stale_update_is_409(world: World) {
    let old = world.create("configmaps", config_map("one", json!({}))).await;
    world.merge("configmaps/one", json!({ "data": { "key": "2" } })).await;
    let answer = world.put(&world.path("configmaps/one"), &old).await;
    let words = "Operation cannot be fulfilled on configmaps \"one\": the object has been modified; \
                 please apply your changes to the latest version and try again";
    assert_eq!((answer.refusal(), answer.message()), ((409, "Conflict"), words));
}

async fn an_update_without_a_version_is_unconditional(world: World) {
    let mut old = world.create("configmaps", config_map("one", json!({}))).await;
    world.merge("configmaps/one", json!({ "data": { "key": "2" } })).await;
    old["metadata"].as_object_mut().unwrap().remove("resourceVersion");
    assert_eq!(world.put(&world.path("configmaps/one"), &old).await.ok(200)["data"]["key"], "value");
}

async fn another_uid_is_409(world: World) {
    let old = world.create("configmaps", config_map("one", json!({}))).await;
    let uid = text(&old, "/metadata/uid").to_owned();
    let answer = world.put(&world.path("configmaps/one"), &with(old, &[("/metadata/uid", json!("0000"))])).await;
    assert_eq!(answer.refusal(), (409, "Conflict"));
    let words = format!("Precondition failed: UID in precondition: 0000, UID in object meta: {uid}");
    assert!(answer.message().ends_with(&words), "{}", answer.message());
}

async fn another_name_is_400(world: World) {
    let old = world.create("configmaps", config_map("one", json!({}))).await;
    let answer = world.put(&world.path("configmaps/one"), &with(old, &[("/metadata/name", json!("two"))])).await;
    let words = "the name of the object (two) does not match the name on the URL (one)";
    assert_eq!((answer.refusal(), answer.message()), ((400, "BadRequest"), words));
}

async fn updating_what_is_missing_is_404(world: World) {
    let answer = world.put(&world.path("deployments/api"), &deployment("api", "1", 0)).await;
    assert_eq!(answer.refusal(), (404, "NotFound"));
}

async fn the_servers_metadata_stays(world: World) {
    let before = world.create("deployments", deployment("api", "1", 0)).await;
    let changes = [("/metadata/creationTimestamp", json!("2001-01-01T00:00:00Z")), ("/metadata/generation", json!(77))];
    let mut object = with(before.clone(), &changes);
    object["metadata"].as_object_mut().unwrap().remove("resourceVersion");
    let stored = world.put(&world.path("deployments/api"), &object).await.ok(200);
    assert_eq!(text(&stored, "/metadata/creationTimestamp"), text(&before, "/metadata/creationTimestamp"));
    assert_eq!(number(&stored, "/metadata/generation") <= 2, generation(&stored) <= 2);
    assert_ne!(generation(&stored), 77);
}

async fn a_dry_update_stores_nothing(world: World) {
    let mut object = world.create("configmaps", config_map("one", json!({}))).await;
    object["data"]["key"] = json!("dry");
    let shown = world.put(&format!("{}?dryRun=All", world.path("configmaps/one")), &object).await.ok(200);
    assert_eq!(shown["data"]["key"], "dry");
    assert_eq!(world.read("configmaps/one").await["data"]["key"], "value");
}
