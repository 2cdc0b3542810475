//! create: what the server adds, and what it refuses for the request's sake.

use crate::objects::{config_map, daemonset, deployment, generation, is_deleting, job, name, statefulset, text, version, with};
use crate::world::World;
use crate::{Case, case};
use serde_json::{Value, json};

pub const CASES: &[Case] = &[
    case!(a_created_object_is_answered_as_stored),
    case!(the_writer_is_noted),
    case!(an_existing_name_is_409),
    case!(names_are_generated),
    case!(a_missing_namespace_is_404),
    case!(another_namespace_is_400),
    case!(another_kind_is_400),
    case!(a_body_that_is_no_json_is_400),
    case!(creating_without_a_namespace_is_405),
    case!(a_dry_run_stores_nothing),
    case!(a_status_is_not_taken_from_the_client),
    case!(the_first_status_is_the_servers),
    case!(what_is_empty_is_left_out),
    case!(strict_validation_names_the_fields),
    case!(without_strictness_unknown_fields_are_dropped),
    case!(an_uid_of_the_clients_is_not_taken),
];

async fn a_created_object_is_answered_as_stored(world: World) {
    let created = world.create("deployments", deployment("api", "1", 0)).await;
    assert_eq!((&created["kind"], &created["apiVersion"]), (&json!("Deployment"), &json!("apps/v1")));
    let metadata = &created["metadata"];
    assert_eq!((name(&created), generation(&created), is_deleting(&created)), ("api", 1, false));
    assert_eq!(text(metadata, "/uid").len(), 36);
    assert!(version(&created) > 0);
    // Seconds, UTC.
    let at = text(metadata, "/creationTimestamp");
    assert!(at.len() == 20 && at.ends_with('Z'), "{at}");
    assert_eq!(created["status"], json!({}));
    let read = world.read("deployments/api").await;
    assert_eq!((&read["metadata"]["uid"], &read["spec"]), (&metadata["uid"], &created["spec"]));
}

async fn the_writer_is_noted(world: World) {
    let path = format!("{}?fieldManager=portal", world.path("configmaps"));
    let created = world.post(&path, &config_map("one", json!({}))).await.ok(201);
    let entry = &created["metadata"]["managedFields"][0];
    assert_eq!((text(entry, "/manager"), text(entry, "/operation"), text(entry, "/fieldsType")), ("portal", "Update", "FieldsV1"));
    let created = world.create("configmaps", config_map("two", json!({}))).await;
    assert_eq!(text(&created, "/metadata/managedFields/0/manager"), "conformance");
    let patched = world.merge("configmaps/one", json!({ "data": { "key": "2" } })).await;
    let mut managers: Vec<&str> = patched["metadata"]["managedFields"].as_array().unwrap().iter().map(|it| text(it, "/manager")).collect();
    managers.sort_unstable();
    assert_eq!(managers, ["conformance", "portal"]);
}

async fn an_existing_name_is_409(world: World) {
    world.create("deployments", deployment("api", "1", 0)).await;
    let again = world.post(&world.path("deployments"), &deployment("api", "2", 0)).await;
    assert_eq!((again.refusal(), again.message()), ((409, "AlreadyExists"), "deployments.apps \"api\" already exists"));
    assert_eq!(again.body["details"], json!({ "name": "api", "group": "apps", "kind": "deployments" }));
}

async fn names_are_generated(world: World) {
    let mut object = config_map("", json!({}));
    object["metadata"] = json!({ "generateName": "run-" });
    let mut names = Vec::new();
    for _ in 0..3 {
        let created = world.create("configmaps", object.clone()).await;
        assert_eq!(text(&created, "/metadata/generateName"), "run-");
        names.push(name(&created).to_owned());
    }
    assert!(names.iter().all(|it| it.starts_with("run-") && it.len() == 9), "{names:?}");
    names.dedup();
    assert_eq!(names.len(), 3);
}

async fn a_missing_namespace_is_404(world: World) {
    let answer = world.post("/apis/apps/v1/namespaces/conformance-none/deployments", &deployment("api", "1", 0)).await;
    assert_eq!((answer.refusal(), answer.message()), ((404, "NotFound"), "namespaces \"conformance-none\" not found"));
}

async fn another_namespace_is_400(world: World) {
    let object = with(deployment("api", "1", 0), &[("/metadata/namespace", json!("default"))]);
    let answer = world.post(&world.path("deployments"), &object).await;
    let words = "the namespace of the provided object does not match the namespace sent on the request";
    assert_eq!((answer.refusal(), answer.message()), ((400, "BadRequest"), words));
}

async fn another_kind_is_400(world: World) {
    let answer = world.post(&world.path("deployments"), &config_map("one", json!({}))).await;
    assert_eq!(answer.refusal(), (400, "BadRequest"));
}

async fn a_body_that_is_no_json_is_400(world: World) {
    let answer = world.send("POST", &world.path("deployments"), &[("content-type", "application/json")], b"{".to_vec()).await;
    assert_eq!(answer.refusal(), (400, "BadRequest"));
}

async fn creating_without_a_namespace_is_405(world: World) {
    let answer = world.post("/apis/apps/v1/deployments", &deployment("api", "1", 0)).await;
    let words = "the server does not allow this method on the requested resource";
    assert_eq!((answer.refusal(), answer.message()), ((405, "MethodNotAllowed"), words));
}

async fn a_dry_run_stores_nothing(world: World) {
    let path = format!("{}?dryRun=All", world.path("deployments"));
    let answered = world.post(&path, &deployment("api", "1", 1)).await.ok(201);
    assert_eq!((generation(&answered), text(&answered, "/spec/strategy/type")), (1, "RollingUpdate"));
    assert!(!text(&answered, "/metadata/uid").is_empty());
    assert_eq!(answered["metadata"].get("resourceVersion"), None);
    assert_eq!(world.get(&world.path("deployments/api")).await.code, 404);
    let wrong = with(deployment("api", "1", 1), &[("/spec/replicas", json!(-1))]);
    assert_eq!(world.post(&path, &wrong).await.refusal(), (422, "Invalid"));
}

async fn a_status_is_not_taken_from_the_client(world: World) {
    let mut object = deployment("api", "1", 0);
    object["status"] = json!({ "replicas": 7, "observedGeneration": 9 });
    assert_eq!(world.create("deployments", object).await["status"], json!({}));
}

async fn the_first_status_is_the_servers(world: World) {
    let path = |collection: &str| format!("{}?dryRun=All", world.path(collection));
    let nodes = json!({ "currentNumberScheduled": 0, "numberMisscheduled": 0, "desiredNumberScheduled": 0, "numberReady": 0 });
    for (collection, object, status) in [
        ("statefulsets", statefulset("a", "1", 1), json!({ "replicas": 0, "availableReplicas": 0 })),
        ("daemonsets", daemonset("a", "1"), nodes),
        ("jobs", job("a", "1"), json!({})),
    ] {
        assert_eq!(world.post(&path(collection), &object).await.ok(201)["status"], status, "{collection}");
    }
}

async fn what_is_empty_is_left_out(world: World) {
    let mut object = deployment("api", "1", 0);
    object["metadata"]["labels"] = json!({});
    object["metadata"]["annotations"] = json!({});
    object["spec"]["template"]["metadata"]["annotations"] = json!({});
    let created = world.create("deployments", object).await;
    assert_eq!((created["metadata"].get("labels"), created["metadata"].get("annotations")), (None, None));
    assert_eq!(created["spec"]["template"]["metadata"], json!({ "labels": { "app": "api" } }));
    world.create("configmaps", config_map("one", json!({ "a": "b" }))).await;
    let without = world.merge("configmaps/one", json!({ "metadata": { "labels": { "a": null } } })).await;
    assert_eq!(without["metadata"].get("labels"), None);
}

async fn strict_validation_names_the_fields(world: World) {
    let changes = [("/spec/foo", json!(1)), ("/spec/template/spec/containers/0/imagee", json!("x"))];
    let path = format!("{}?fieldValidation=Strict", world.path("deployments"));
    let answer = world.post(&path, &with(deployment("api", "1", 0), &changes)).await;
    let words = "Deployment in version \"v1\" cannot be handled as a Deployment: strict decoding error: \
                 unknown field \"spec.foo\", unknown field \"spec.template.spec.containers[0].imagee\"";
    assert_eq!((answer.refusal(), answer.message()), ((400, "BadRequest"), words));
    for (collection, kind) in [("statefulsets", "StatefulSet"), ("daemonsets", "DaemonSet")] {
        let mut object = with(deployment("api", "1", 0), &[("/spec/foo", json!(1)), ("/kind", json!(kind))]);
        object["spec"].as_object_mut().unwrap().remove("replicas");
        let answer = world.post(&format!("{}?fieldValidation=Strict", world.path(collection)), &object).await;
        assert_eq!(answer.refusal(), (400, "BadRequest"));
        assert!(answer.message().ends_with("strict decoding error: unknown field \"spec.foo\""), "{}", answer.message());
    }
}

async fn without_strictness_unknown_fields_are_dropped(world: World) {
    let object = with(deployment("api", "1", 0), &[("/spec/foo", json!(1))]);
    for query in ["", "?fieldValidation=Warn", "?fieldValidation=Ignore"] {
        let path = format!("{}{query}", world.path("deployments"));
        assert_eq!(world.post(&path, &object).await.ok(201)["spec"].get("foo"), None);
        world.delete(&world.path("deployments/api"), &Value::Null).await.ok(200);
        world.gone("deployments/api").await;
    }
}

async fn an_uid_of_the_clients_is_not_taken(world: World) {
    let mut object = config_map("one", json!({}));
    object["metadata"]["uid"] = json!("00000000-0000-0000-0000-000000000000");
    object["metadata"]["creationTimestamp"] = json!("2001-01-01T00:00:00Z");
    let created = world.create("configmaps", object).await;
    assert_ne!(text(&created, "/metadata/uid"), "00000000-0000-0000-0000-000000000000");
    assert!(text(&created, "/metadata/creationTimestamp") > "2020");
}
