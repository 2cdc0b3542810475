//! Patches of all kinds: what they do, and what the server says when they cannot be done.

use crate::objects::{config_map, deployment, generation, number, text, version};
use crate::world::World;
use crate::{Case, case};
use serde_json::{Value, json};

pub const CASES: &[Case] = &[
    case!(a_merge_patch_sets_and_removes),
    case!(a_json_patch_is_done_in_order),
    case!(a_json_patch_whose_test_fails_is_422),
    case!(a_json_patch_tests_null_where_nothing_is),
    case!(a_json_patch_of_what_is_missing_is_422),
    case!(a_json_patch_may_replace_what_is_not_there),
    case!(a_json_patch_that_is_none_is_refused),
    case!(another_content_type_is_415),
    case!(a_patch_of_what_is_missing_is_404),
    case!(a_patch_cannot_rename),
    case!(a_stale_version_is_409_in_every_kind),
    case!(a_json_patch_tests_the_version),
    case!(another_uid_is_422),
    case!(a_patch_of_nothing_changes_nothing),
    case!(a_dry_run_shows_and_stores_nothing),
    case!(strict_validation_of_a_patch_is_422),
    case!(the_patches_that_the_portal_sends),
];

const REJECTED: &str = "the server rejected our request due to an error in our request";
const STALE: &str = "Operation cannot be fulfilled on deployments.apps \"api\": the object has been modified; \
                     please apply your changes to the latest version and try again";

async fn api(world: &World) -> Value {
    let mut object = deployment("api", "1", 0);
    object["metadata"]["annotations"] = json!({ "example.com/team": "core", "plain": "1" });
    world.create("deployments", object).await;
    world.once("its controller has seen it", "deployments/api", |it| number(it, "/status/observedGeneration") == 1).await
}

async fn a_merge_patch_sets_and_removes(world: World) {
    api(&world).await;
    let change = json!({ "metadata": { "annotations": { "plain": null, "new": "2" } }, "spec": { "minReadySeconds": 3, "revisionHistoryLimit": 4 } });
    let patched = world.merge("deployments/api", change).await;
    let annotations = &patched["metadata"]["annotations"];
    assert_eq!((annotations.get("plain"), &annotations["new"], &annotations["example.com/team"]), (None, &json!("2"), &json!("core")));
    assert_eq!((number(&patched, "/spec/minReadySeconds"), number(&patched, "/spec/revisionHistoryLimit")), (3, 4));
    // What is removed gets its default again.
    let patched = world.merge("deployments/api", json!({ "spec": { "minReadySeconds": null, "revisionHistoryLimit": null } })).await;
    assert_eq!((patched["spec"].get("minReadySeconds"), number(&patched, "/spec/revisionHistoryLimit")), (None, 10));
    // Lists are replaced as a whole.
    let containers = json!([{ "name": "other", "image": "repo/api:2" }]);
    let patched = world.merge("deployments/api", json!({ "spec": { "template": { "spec": { "containers": containers } } } })).await;
    assert_eq!(patched["spec"]["template"]["spec"]["containers"].as_array().unwrap().len(), 1);
    assert_eq!(text(&patched, "/spec/template/spec/containers/0/name"), "other");
}

async fn json_patch(world: &World, operations: Value) -> crate::world::Answer {
    world.patch(&world.path("deployments/api"), "json", &operations).await
}

async fn a_json_patch_is_done_in_order(world: World) {
    api(&world).await;
    let patched = json_patch(
        &world,
        json!([
            { "op": "test", "path": "/metadata/annotations/example.com~1team", "value": "core" },
            { "op": "replace", "path": "/metadata/annotations/example.com~1team", "value": "web" },
            { "op": "remove", "path": "/metadata/annotations/plain" },
            { "op": "add", "path": "/spec/template/spec/containers/-", "value": { "name": "side", "image": "repo/side:1" } },
            { "op": "replace", "path": "/spec/template/spec/containers/0/image", "value": "repo/api:2" },
        ]),
    )
    .await
    .ok(200);
    assert_eq!(patched["metadata"]["annotations"]["example.com/team"], "web");
    assert_eq!(patched["metadata"]["annotations"].get("plain"), None);
    let images: Vec<&str> =
        patched["spec"]["template"]["spec"]["containers"].as_array().unwrap().iter().map(|it| text(it, "/image")).collect();
    assert_eq!(images, ["repo/api:2", "repo/side:1"]);
}

async fn a_json_patch_whose_test_fails_is_422(world: World) {
    let before = api(&world).await;
    for test in [
        json!({ "op": "test", "path": "/spec/replicas", "value": 7 }),
        json!({ "op": "test", "path": "/metadata/uid", "value": "0000" }),
        json!({ "op": "test", "path": "/metadata/annotations/none", "value": "x" }),
    ] {
        let answer = json_patch(&world, json!([{ "op": "replace", "path": "/spec/replicas", "value": 3 }, test])).await;
        assert_eq!((answer.refusal(), answer.message()), ((422, "Invalid"), REJECTED));
    }
    assert_eq!(world.read("deployments/api").await, before);
}

async fn a_json_patch_tests_null_where_nothing_is(world: World) {
    api(&world).await;
    let test = |path: &str| json!([{ "op": "test", "path": path, "value": null }]);
    json_patch(&world, test("/metadata/annotations/none")).await.ok(200);
    assert_eq!(json_patch(&world, test("/metadata/annotations/plain")).await.refusal(), (422, "Invalid"));
}

async fn a_json_patch_of_what_is_missing_is_422(world: World) {
    api(&world).await;
    for operation in [
        json!({ "op": "remove", "path": "/spec/none" }),
        json!({ "op": "add", "path": "/spec/none/deeper", "value": 1 }),
        json!({ "op": "replace", "path": "/spec/template/spec/containers/5/image", "value": "x" }),
    ] {
        let answer = json_patch(&world, json!([operation])).await;
        assert_eq!((answer.refusal(), answer.message()), ((422, "Invalid"), REJECTED), "{operation}");
    }
}

async fn a_json_patch_may_replace_what_is_not_there(world: World) {
    api(&world).await;
    let patched = json_patch(&world, json!([{ "op": "replace", "path": "/spec/minReadySeconds", "value": 2 }])).await.ok(200);
    assert_eq!(number(&patched, "/spec/minReadySeconds"), 2);
}

async fn a_json_patch_that_is_none_is_refused(world: World) {
    api(&world).await;
    assert_eq!(json_patch(&world, json!([{ "op": "frobnicate", "path": "/spec" }])).await.refusal(), (422, "Invalid"));
    assert_eq!(json_patch(&world, json!({ "spec": 1 })).await.refusal(), (400, "BadRequest"));
    let path = world.path("deployments/api");
    let answer = world.send("PATCH", &path, &[("content-type", "application/merge-patch+json")], b"nonsense".to_vec()).await;
    assert_eq!(answer.refusal(), (400, "BadRequest"));
}

async fn another_content_type_is_415(world: World) {
    api(&world).await;
    let path = world.path("deployments/api");
    let answer = world.send("PATCH", &path, &[("content-type", "application/json")], b"{}".to_vec()).await;
    assert_eq!(answer.refusal(), (415, "UnsupportedMediaType"));
}

async fn a_patch_of_what_is_missing_is_404(world: World) {
    for kind in ["merge", "strategic-merge"] {
        let answer = world.patch(&world.path("deployments/none"), kind, &json!({ "spec": { "replicas": 1 } })).await;
        assert_eq!((answer.refusal(), answer.message()), ((404, "NotFound"), "deployments.apps \"none\" not found"));
    }
}

async fn a_patch_cannot_rename(world: World) {
    api(&world).await;
    let answer = world.patch(&world.path("deployments/api"), "merge", &json!({ "metadata": { "name": "web" } })).await;
    let words = "the name of the object (web) does not match the name on the URL (api)";
    assert_eq!((answer.refusal(), answer.message()), ((400, "BadRequest"), words));
}

async fn a_stale_version_is_409_in_every_kind(world: World) {
    let old = api(&world).await;
    let stale = text(&old, "/metadata/resourceVersion");
    let change = json!({ "metadata": { "resourceVersion": stale }, "spec": { "minReadySeconds": 1 } });
    let path = world.path("deployments/api");
    world.patch(&path, "merge", &change).await.ok(200);
    for kind in ["merge", "strategic-merge"] {
        let answer = world.patch(&path, kind, &change).await;
        assert_eq!((answer.refusal(), answer.message()), ((409, "Conflict"), STALE), "{kind}");
        assert_eq!(answer.body["details"], json!({ "name": "api", "group": "apps", "kind": "deployments" }));
    }
    let operations = json!([{ "op": "replace", "path": "/metadata/resourceVersion", "value": stale }]);
    assert_eq!(json_patch(&world, operations).await.refusal(), (409, "Conflict"));
}

async fn a_json_patch_tests_the_version(world: World) {
    let old = api(&world).await;
    let test = json!({ "op": "test", "path": "/metadata/resourceVersion", "value": text(&old, "/metadata/resourceVersion") });
    let write = json!({ "op": "add", "path": "/spec/minReadySeconds", "value": 1 });
    json_patch(&world, json!([test, write])).await.ok(200);
    // Not a conflict: the test fails before the versions are compared.
    assert_eq!(json_patch(&world, json!([test, write])).await.refusal(), (422, "Invalid"));
}

async fn another_uid_is_422(world: World) {
    api(&world).await;
    let answer =
        world.patch(&world.path("deployments/api"), "merge", &json!({ "metadata": { "uid": "0000" }, "spec": { "replicas": 1 } })).await;
    assert_eq!(answer.refusal(), (422, "Invalid"));
    assert!(answer.message().contains("metadata.uid: Invalid value: \"0000\": field is immutable"), "{}", answer.message());
}

async fn a_patch_of_nothing_changes_nothing(world: World) {
    let before = api(&world).await;
    for (kind, patch) in [
        ("merge", json!({})),
        ("merge", json!({ "spec": { "replicas": 0 } })),
        ("strategic-merge", crate::objects::retagged("1")),
        ("json", json!([{ "op": "replace", "path": "/spec/replicas", "value": 0 }])),
    ] {
        let after = world.patch(&world.path("deployments/api"), kind, &patch).await.ok(200);
        assert_eq!((version(&after), generation(&after)), (version(&before), 1), "{kind} {patch}");
    }
}

async fn a_dry_run_shows_and_stores_nothing(world: World) {
    let before = api(&world).await;
    let path = format!("{}?dryRun=All&fieldValidation=Strict&fieldManager=portal", world.path("deployments/api"));
    for (kind, patch) in [
        ("merge", json!({ "spec": { "minReadySeconds": 5 } })),
        ("strategic-merge", json!({ "spec": { "minReadySeconds": 5 } })),
        ("json", json!([{ "op": "add", "path": "/spec/minReadySeconds", "value": 5 }])),
    ] {
        let shown = world.patch(&path, kind, &patch).await.ok(200);
        assert_eq!((number(&shown, "/spec/minReadySeconds"), generation(&shown), version(&shown)), (5, 2, version(&before)));
    }
    let refused = world.patch(&path, "merge", &json!({ "spec": { "replicas": -1 } })).await;
    assert_eq!(refused.refusal(), (422, "Invalid"));
    assert_eq!(world.read("deployments/api").await, before);
}

async fn strict_validation_of_a_patch_is_422(world: World) {
    let before = api(&world).await;
    let path = format!("{}?fieldValidation=Strict", world.path("deployments/api"));
    for (kind, patch) in [
        ("merge", json!({ "spec": { "foo": 1 } })),
        ("strategic-merge", json!({ "spec": { "foo": 1 } })),
        ("json", json!([{ "op": "add", "path": "/spec/foo", "value": 1 }])),
    ] {
        let answer = world.patch(&path, kind, &patch).await;
        assert_eq!(answer.refusal(), (422, "Invalid"), "{kind}");
        assert!(answer.message().starts_with(" \"\" is invalid: patch: Invalid value: "), "{}", answer.message());
        assert!(answer.message().ends_with("strict decoding error: unknown field \"spec.foo\""), "{}", answer.message());
        assert_eq!(answer.body["details"]["causes"][0]["field"], "patch");
        let lenient = world.patch(&world.path("deployments/api"), kind, &patch).await.ok(200);
        assert_eq!((lenient["spec"].get("foo"), version(&lenient)), (None, version(&before)), "{kind}");
    }
}

/// Precondition, annotations and image in one strategic patch; `test` and whole-field replacements in a JSON patch.
async fn the_patches_that_the_portal_sends(world: World) {
    let before = api(&world).await;
    let path = format!("{}?fieldManager=devmatrix&fieldValidation=Strict", world.path("deployments/api"));
    let (uid, is_version) = (text(&before, "/metadata/uid"), text(&before, "/metadata/resourceVersion"));
    let mut promotion = crate::objects::retagged("2");
    promotion["metadata"] = json!({ "uid": uid, "resourceVersion": is_version, "annotations": { "kubernetes.io/change-cause": "c-1" } });
    let promoted = world.patch(&path, "strategic-merge", &promotion).await.ok(200);
    assert_eq!((text(&promoted, crate::objects::IMAGE), generation(&promoted)), ("repo/api:2", 2));
    let again = world.patch(&path, "strategic-merge", &promotion).await;
    assert_eq!((again.refusal(), again.message()), ((409, "Conflict"), STALE));
    let back = json!([
        { "op": "test", "path": "/metadata/uid", "value": uid },
        { "op": "test", "path": "/spec/template", "value": promoted["spec"]["template"] },
        { "op": "replace", "path": "/spec/template", "value": before["spec"]["template"] },
        { "op": "add", "path": "/metadata/annotations/kubernetes.io~1change-cause", "value": "c-2" },
    ]);
    let restored = world.patch(&path, "json", &back).await.ok(200);
    assert_eq!((&restored["spec"]["template"], generation(&restored)), (&before["spec"]["template"], 3));
    assert_eq!(world.patch(&path, "json", &back).await.refusal(), (422, "Invalid"));
    let kept = world.create("configmaps", config_map("one", json!({}))).await;
    assert!(version(&kept) > version(&restored));
}
