//! ConfigMaps as a rollback brings them back: patched key by key against the version that was seen, or made anew.

use crate::objects::{config_map, text, version};
use crate::world::World;
use crate::{Case, case};
use serde_json::{Value, json};

pub const CASES: &[Case] = &[
    case!(a_patch_restores_keys_and_removes_what_came_since),
    case!(the_same_bytes_again_are_409_and_change_nothing),
    case!(another_version_is_409_before_another_uid_is_looked_at),
    case!(what_holds_nothing_has_no_data),
    case!(a_dry_run_of_either_write_stores_nothing),
    case!(one_that_is_there_is_not_made_anew),
    case!(an_immutable_one_is_not_changed),
    case!(one_that_is_gone_is_404),
];

const OPTIONS: &str = "fieldManager=devmatrix-portal&fieldValidation=Strict";

async fn web(world: &World) -> Value {
    let mut object = config_map("web", json!({ "app": "web" }));
    object["data"] = json!({ "a": "1", "b": "9", "since": "x" });
    object["binaryData"] = json!({ "raw": "AAEC" });
    world.create("configmaps", object).await
}

/// What the portal sends for a ConfigMap that is there.
fn restoring(before: &Value) -> Value {
    json!({
        "metadata": {
            "uid": text(before, "/metadata/uid"), "resourceVersion": text(before, "/metadata/resourceVersion"),
            "annotations": { "portal.devmatrix.io/change": "c-1", "portal.devmatrix.io/fence": "7" },
        },
        "data": { "b": "2\nlines\n", "gone": "again", "since": null },
        "binaryData": { "raw": null, "other": "/w==" },
    })
}

fn path(world: &World, more: &str) -> String {
    format!("{}?{OPTIONS}{more}", world.path("configmaps/web"))
}

async fn a_patch_restores_keys_and_removes_what_came_since(world: World) {
    let before = web(&world).await;
    let after = world.patch(&path(&world, ""), "strategic-merge", &restoring(&before)).await.ok(200);
    assert_eq!(after["data"], json!({ "a": "1", "b": "2\nlines\n", "gone": "again" }));
    assert_eq!(after["binaryData"], json!({ "other": "/w==" }));
    assert_eq!(after["metadata"]["annotations"]["portal.devmatrix.io/change"], "c-1");
    assert_eq!((&after["metadata"]["labels"], &after["metadata"]["uid"]), (&json!({ "app": "web" }), &before["metadata"]["uid"]));
    assert!(version(&after) > version(&before));
    assert_eq!(world.read("configmaps/web").await["data"], after["data"]);
}

async fn the_same_bytes_again_are_409_and_change_nothing(world: World) {
    let patch = restoring(&web(&world).await);
    let after = world.patch(&path(&world, ""), "strategic-merge", &patch).await.ok(200);
    let again = world.patch(&path(&world, ""), "strategic-merge", &patch).await;
    let words = "Operation cannot be fulfilled on configmaps \"web\": the object has been modified; \
                 please apply your changes to the latest version and try again";
    assert_eq!((again.refusal(), again.message()), ((409, "Conflict"), words));
    assert_eq!(world.read("configmaps/web").await, after);
}

async fn another_version_is_409_before_another_uid_is_looked_at(world: World) {
    let before = web(&world).await;
    world.delete(&world.path("configmaps/web"), &json!({})).await.ok(200);
    web(&world).await;
    let answer = world.patch(&path(&world, ""), "strategic-merge", &restoring(&before)).await;
    assert_eq!(answer.refusal(), (409, "Conflict"));
}

async fn what_holds_nothing_has_no_data(world: World) {
    web(&world).await;
    let nothing = json!({ "data": { "a": null, "b": null, "since": null }, "binaryData": { "raw": null } });
    let after = world.patch(&path(&world, ""), "strategic-merge", &nothing).await.ok(200);
    assert_eq!((after.get("data"), after.get("binaryData")), (None, None), "{after}");
    let again = world.patch(&path(&world, ""), "strategic-merge", &json!({ "data": { "a": "1" } })).await.ok(200);
    assert_eq!(again["data"], json!({ "a": "1" }));
}

async fn a_dry_run_of_either_write_stores_nothing(world: World) {
    let before = web(&world).await;
    let mut patch = restoring(&before);
    patch["metadata"] = json!({ "uid": before["metadata"]["uid"] });
    let shown = world.patch(&path(&world, "&dryRun=All"), "strategic-merge", &patch).await.ok(200);
    assert_eq!(shown["data"], json!({ "a": "1", "b": "2\nlines\n", "gone": "again" }));
    assert_eq!(world.read("configmaps/web").await, before);
    let made = format!("{}?{OPTIONS}&dryRun=All", world.path("configmaps"));
    let shown = world.post(&made, &config_map("worker", json!({}))).await.ok(201);
    assert_eq!(shown["data"], json!({ "key": "value" }));
    assert_eq!(world.get(&world.path("configmaps/worker")).await.refusal(), (404, "NotFound"));
}

async fn one_that_is_there_is_not_made_anew(world: World) {
    let before = web(&world).await;
    let again = world.post(&format!("{}?{OPTIONS}", world.path("configmaps")), &config_map("web", json!({}))).await;
    assert_eq!((again.refusal(), again.message()), ((409, "AlreadyExists"), "configmaps \"web\" already exists"));
    assert_eq!(world.read("configmaps/web").await, before);
}

async fn an_immutable_one_is_not_changed(world: World) {
    let mut object = config_map("web", json!({}));
    object["immutable"] = json!(true);
    let before = world.create("configmaps", object).await;
    let answer = world.patch(&path(&world, ""), "strategic-merge", &json!({ "data": { "key": "other" } })).await;
    let words = "ConfigMap \"web\" is invalid: data: Forbidden: field is immutable when `immutable` is set";
    assert_eq!((answer.refusal(), answer.message()), ((422, "Invalid"), words));
    let answer = world.patch(&path(&world, ""), "strategic-merge", &json!({ "immutable": null })).await;
    assert_eq!(answer.refusal(), (422, "Invalid"));
    assert_eq!(world.read("configmaps/web").await, before);
    let marked = world.merge("configmaps/web", json!({ "metadata": { "annotations": { "seen": "yes" } } })).await;
    assert_eq!(marked["metadata"]["annotations"]["seen"], "yes", "its metadata may change");
}

async fn one_that_is_gone_is_404(world: World) {
    let before = web(&world).await;
    world.delete(&world.path("configmaps/web"), &json!({})).await.ok(200);
    let answer = world.patch(&path(&world, ""), "strategic-merge", &restoring(&before)).await;
    assert_eq!((answer.refusal(), answer.message()), ((404, "NotFound"), "configmaps \"web\" not found"));
}
