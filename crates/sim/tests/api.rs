//! The API over HTTP: reading, writing, conflicts, validation.

// A test says what is wrong by panicking.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

mod support;

use serde_json::{Value, json};
use sim::Cluster;
use support::{client, deployment, get, manual, patch, send, with};

const DEPLOYMENTS: &str = "/apis/apps/v1/namespaces/shop/deployments";
const API: &str = "/apis/apps/v1/namespaces/shop/deployments/api";
const STALE: &str = "Operation cannot be fulfilled on deployments.apps \"api\": the object has been modified; \
                     please apply your changes to the latest version and try again";

fn settled() -> Cluster {
    let cluster = manual();
    cluster.apply(deployment("api", "1", 2)).unwrap();
    cluster.settle();
    cluster
}

fn generation(cluster: &Cluster) -> i64 {
    cluster.get("deployments", "shop", "api").unwrap()["metadata"]["generation"].as_i64().unwrap()
}

#[tokio::test]
async fn discovery_answers() {
    let client = client(&manual()).await;
    assert_eq!(get(&client, "/healthz").await, (200, json!("ok")));
    assert_eq!(get(&client, "/version").await.1["major"], "1");
    assert_eq!(get(&client, "/apis/apps/v1").await.1["groupVersion"], "apps/v1");
    let (code, status) = get(&client, "/api/v1/namespaces/shop/secrets").await;
    assert_eq!((code, status["kind"].as_str(), status["reason"].as_str()), (404, Some("Status"), Some("NotFound")));
    let review = json!({ "spec": { "resourceAttributes": { "verb": "list", "resource": "pods" } } });
    let path = "/apis/authorization.k8s.io/v1/selfsubjectaccessreviews";
    let (code, answer) = send(&client, "POST", path, "application/json", &review).await;
    assert_eq!((code, answer["status"]["allowed"].as_bool()), (201, Some(true)));
    assert_eq!(client.apiserver_version().await.unwrap().minor, "36");
}

#[tokio::test]
async fn missing_and_existing_objects_are_told_apart() {
    let client = client(&settled()).await;
    let (code, status) = get(&client, &format!("{DEPLOYMENTS}/none")).await;
    assert_eq!((code, status["message"].as_str()), (404, Some("deployments.apps \"none\" not found")));
    let (code, status) = send(&client, "POST", DEPLOYMENTS, "application/json", &deployment("api", "1", 1)).await;
    assert_eq!((code, status["reason"].as_str()), (409, Some("AlreadyExists")));
    let elsewhere = with(deployment("x", "1", 1), &[("/metadata/namespace", json!("nowhere"))]);
    let path = "/apis/apps/v1/namespaces/nowhere/deployments";
    let (code, status) = send(&client, "POST", path, "application/json", &elsewhere).await;
    assert_eq!((code, status["message"].as_str()), (404, Some("namespaces \"nowhere\" not found")));
}

#[tokio::test]
async fn names_are_generated() {
    let client = client(&settled()).await;
    let mut nameless = deployment("web", "1", 1);
    nameless["metadata"] = json!({ "generateName": "web-" });
    let (code, created) = send(&client, "POST", DEPLOYMENTS, "application/json", &nameless).await;
    let name = created["metadata"]["name"].as_str().unwrap();
    assert!(code == 201 && name.starts_with("web-") && name.len() == 9, "{name}");
    assert_eq!(created["metadata"]["generation"], 1);
    assert_eq!(created["spec"]["strategy"]["rollingUpdate"]["maxSurge"], "25%");
}

#[tokio::test]
async fn a_stale_resource_version_conflicts() {
    let cluster = settled();
    let client = client(&cluster).await;
    let (_, old) = get(&client, API).await;
    let version = old["metadata"]["resourceVersion"].clone();
    let scaled = json!({ "metadata": { "resourceVersion": version }, "spec": { "replicas": 3 } });
    let (code, new) = patch(&client, API, "merge-patch", &scaled).await;
    assert_eq!((code, new["metadata"]["generation"].as_i64()), (200, Some(2)));
    for kind in ["merge-patch", "strategic-merge-patch"] {
        let (code, status) = patch(&client, API, kind, &scaled).await;
        assert_eq!((code, status["reason"].as_str(), status["message"].as_str()), (409, Some("Conflict"), Some(STALE)));
    }
    let (code, status) = send(&client, "PUT", API, "application/json", &old).await;
    assert_eq!((code, status["message"].as_str()), (409, Some(STALE)));
    let mut unconditional = old.clone();
    unconditional["metadata"].as_object_mut().unwrap().remove("resourceVersion");
    assert_eq!(send(&client, "PUT", API, "application/json", &unconditional).await.0, 200);
}

#[tokio::test]
async fn another_uid_is_another_object() {
    let client = client(&settled()).await;
    let (_, old) = get(&client, API).await;
    let other = json!({ "metadata": { "uid": "0000" }, "spec": { "replicas": 5 } });
    // As in the real API: a patch fails validation, a PUT fails a precondition.
    let (code, status) = patch(&client, API, "merge-patch", &other).await;
    assert_eq!(code, 422);
    assert!(status["message"].as_str().unwrap().contains("metadata.uid: Invalid value: \"0000\": field is immutable"));
    let (code, status) = send(&client, "PUT", API, "application/json", &with(old, &[("/metadata/uid", json!("0000"))])).await;
    assert_eq!((code, status["reason"].as_str()), (409, Some("Conflict")));
    assert!(status["message"].as_str().unwrap().contains("Precondition failed: UID in precondition: 0000"));
}

#[tokio::test]
async fn json_patch_tests_before_it_writes() {
    let cluster = settled();
    let client = client(&cluster).await;
    let operations = |replicas: i64| json!([{ "op": "test", "path": "/spec/replicas", "value": replicas }, { "op": "replace", "path": "/spec/replicas", "value": 4 }]);
    let (code, status) = patch(&client, API, "json-patch", &operations(7)).await;
    let message = "the server rejected our request due to an error in our request";
    assert_eq!((code, status["reason"].as_str(), status["message"].as_str()), (422, Some("Invalid"), Some(message)));
    let (code, new) = patch(&client, API, "json-patch", &operations(2)).await;
    assert_eq!((code, new["spec"]["replicas"].as_i64()), (200, Some(4)));
}

#[tokio::test]
async fn a_dry_run_leaves_no_trace() {
    let cluster = settled();
    let client = client(&cluster).await;
    let before = cluster.revision();
    let (code, new) = patch(&client, &format!("{API}?dryRun=All"), "merge-patch", &json!({ "spec": { "replicas": 9 } })).await;
    assert_eq!((code, new["spec"]["replicas"].as_i64(), new["metadata"]["generation"].as_i64()), (200, Some(9), Some(2)));
    let path = format!("{DEPLOYMENTS}?dryRun=All");
    assert_eq!(send(&client, "POST", &path, "application/json", &deployment("new", "1", 1)).await.0, 201);
    assert_eq!(send(&client, "DELETE", API, "application/json", &json!({ "dryRun": ["All"] })).await.0, 200);
    assert_eq!(cluster.revision(), before);
    assert!(cluster.writes().iter().all(|it| it.dry_run && !it.is_effective()));
}

#[tokio::test]
async fn strict_validation_names_the_field() {
    let cluster = settled();
    let client = client(&cluster).await;
    let strict = |path: &str| format!("{path}?fieldValidation=Strict");
    let bad = with(deployment("web", "1", 1), &[("/spec/foo", json!(1)), ("/spec/template/spec/containers/0/imagee", json!("x"))]);
    let (code, status) = send(&client, "POST", &strict(DEPLOYMENTS), "application/json", &bad).await;
    let expected = "Deployment in version \"v1\" cannot be handled as a Deployment: strict decoding error: \
                    unknown field \"spec.foo\", unknown field \"spec.template.spec.containers[0].imagee\"";
    assert_eq!((code, status["reason"].as_str(), status["message"].as_str()), (400, Some("BadRequest"), Some(expected)));
    // The real API answers 422 to a patch, with the decoder's words inside.
    let (code, status) = patch(&client, &strict(API), "merge-patch", &json!({ "spec": { "foo": 1 } })).await;
    assert_eq!(code, 422);
    assert!(status["message"].as_str().unwrap().ends_with("strict decoding error: unknown field \"spec.foo\""));
    let (code, lenient) = patch(&client, API, "merge-patch", &json!({ "spec": { "foo": 1 } })).await;
    assert_eq!((code, &lenient["spec"]["foo"]), (200, &Value::Null));
}

#[tokio::test]
async fn invalid_objects_are_refused_in_the_servers_words() {
    let client = client(&settled()).await;
    for (change, expected) in [
        (json!({ "spec": { "replicas": -1 } }), "spec.replicas: Invalid value: -1: must be greater than or equal to 0"),
        (
            json!({ "spec": { "template": { "spec": { "containers": [{ "name": "api", "image": "" }] } } } }),
            "spec.template.spec.containers[0].image: Required value",
        ),
        (json!({ "spec": { "selector": { "matchLabels": { "x": "y" } } } }), "field is immutable"),
        (json!({ "spec": { "strategy": { "type": "Recreate" } } }), "spec.strategy.rollingUpdate: Forbidden"),
    ] {
        let (code, status) = patch(&client, API, "strategic-merge-patch", &change).await;
        let message = status["message"].as_str().unwrap();
        assert!(code == 422 && message.starts_with("Deployment.apps \"api\" is invalid: "), "{message}");
        assert!(message.contains(expected), "{message}");
        assert!(status["details"]["causes"].as_array().is_some_and(|it| !it.is_empty()));
    }
}

#[tokio::test]
async fn only_what_is_asked_for_counts_as_a_generation() {
    let cluster = settled();
    let client = client(&cluster).await;
    let label = json!({ "metadata": { "labels": { "team": "a" } } });
    assert_eq!(patch(&client, API, "merge-patch", &label).await.1["metadata"]["generation"], 1);
    let status = json!({ "status": { "replicas": 99 }, "spec": { "replicas": 99 } });
    assert_eq!(patch(&client, &format!("{API}/status"), "merge-patch", &status).await.1["spec"]["replicas"], 2);
    let ignored = json!({ "status": { "replicas": 99 } });
    assert_eq!(patch(&client, API, "merge-patch", &ignored).await.0, 200);
    cluster.settle();
    assert_eq!(generation(&cluster), 1);
    // Annotations of a Deployment count, because they are copied to its ReplicaSets.
    let annotation = json!({ "metadata": { "annotations": { "portal/change": "CH-1" } } });
    assert_eq!(patch(&client, API, "merge-patch", &annotation).await.1["metadata"]["generation"], 2);
    let before = cluster.revision();
    assert_eq!(patch(&client, API, "merge-patch", &annotation).await.0, 200);
    assert_eq!(cluster.revision(), before, "the same patch again is no write");
    assert_eq!(cluster.writes().iter().filter(|it| it.is_effective()).count(), 1);
}

/// What `kubectl rollout undo` sends, and what a client in Go adds to it.
#[tokio::test]
async fn a_template_is_put_back_by_a_json_patch() {
    let cluster = settled();
    let client = client(&cluster).await;
    let first = cluster.list("replicasets", "shop").remove(0);
    cluster.apply(deployment("api", "2", 2)).unwrap();
    cluster.settle();
    let mut template = first["spec"]["template"].clone();
    template["metadata"]["labels"].as_object_mut().unwrap().remove("pod-template-hash");
    template["metadata"]["creationTimestamp"] = Value::Null;
    let (_, now) = get(&client, API).await;
    let undo = json!([
        { "op": "test", "path": "/metadata/uid", "value": now["metadata"]["uid"] },
        { "op": "test", "path": "/metadata/resourceVersion", "value": now["metadata"]["resourceVersion"] },
        { "op": "replace", "path": "/spec/template", "value": template },
    ]);
    let (code, back) = patch(&client, &format!("{API}?fieldValidation=Strict"), "json-patch", &undo).await;
    assert_eq!((code, back["metadata"]["generation"].as_i64()), (200, Some(3)));
    cluster.settle();
    assert_eq!(support::sets(&cluster), [(2, 0, 0), (3, 2, 2)]);
    assert_eq!(patch(&client, API, "json-patch", &undo).await.0, 422, "the same patch again is stale");
}

#[tokio::test]
async fn managers_are_recorded() {
    let cluster = settled();
    let client = client(&cluster).await;
    let path = format!("{API}?fieldManager=portal&fieldValidation=Strict");
    patch(&client, &path, "strategic-merge-patch", &json!({ "spec": { "replicas": 3 } })).await;
    let entries = cluster.get("deployments", "shop", "api").unwrap()["metadata"]["managedFields"].clone();
    let managers: Vec<&Value> = entries.as_array().unwrap().iter().map(|it| &it["manager"]).collect();
    assert!(managers.contains(&&json!("portal")) && managers.contains(&&json!("kubectl")), "{managers:?}");
    let record = cluster.writes().pop().unwrap();
    assert_eq!((record.verb, record.field_manager.as_str(), record.status), ("patch", "portal", 200));
    assert_eq!((record.generation_before, record.generation_after, record.is_effective()), (Some(1), Some(2), true));
    assert_eq!((record.user_agent.as_str(), &record.body["spec"]["replicas"]), ("test/1", &json!(3)));
}

#[tokio::test]
async fn scale_reads_and_writes_replicas_only() {
    let cluster = settled();
    let client = client(&cluster).await;
    let path = format!("{API}/scale");
    let (_, scale) = get(&client, &path).await;
    assert_eq!((scale["kind"].as_str(), &scale["spec"]["replicas"]), (Some("Scale"), &json!(2)));
    assert_eq!(scale["status"], json!({ "replicas": 2, "selector": "app=api" }));
    let (code, scale) = patch(&client, &path, "merge-patch", &json!({ "spec": { "replicas": 5 } })).await;
    assert_eq!((code, &scale["spec"]["replicas"]), (200, &json!(5)));
    assert_eq!(generation(&cluster), 2);
    let stale = with(scale, &[("/metadata/resourceVersion", json!("1"))]);
    assert_eq!(send(&client, "PUT", &path, "application/json", &stale).await.0, 409);
    assert_eq!(patch(&client, &path, "merge-patch", &json!({ "spec": { "replicas": -1 } })).await.0, 422);
}

#[tokio::test]
async fn deletes_have_preconditions() {
    let cluster = settled();
    let client = client(&cluster).await;
    let wrong = json!({ "preconditions": { "uid": "0000" } });
    let (code, status) = send(&client, "DELETE", API, "application/json", &wrong).await;
    assert_eq!((code, status["reason"].as_str()), (409, Some("Conflict")));
    assert!(status["message"].as_str().unwrap().contains("the UID in the precondition (0000) does not match"));
    let (_, object) = get(&client, API).await;
    let right = json!({ "preconditions": { "uid": object["metadata"]["uid"] }, "propagationPolicy": "Foreground" });
    let (code, marked) = send(&client, "DELETE", API, "application/json", &right).await;
    assert_eq!((code, &marked["metadata"]["finalizers"]), (200, &json!(["foregroundDeletion"])));
    cluster.settle();
    assert_eq!(get(&client, API).await.0, 404);
    assert!(cluster.list("replicasets", "shop").is_empty() && cluster.list("pods", "shop").is_empty());
}

#[tokio::test]
async fn orphans_stay() {
    let cluster = settled();
    let client = client(&cluster).await;
    send(&client, "DELETE", API, "application/json", &json!({ "propagationPolicy": "Orphan" })).await;
    cluster.settle();
    assert_eq!(cluster.list("replicasets", "shop").len(), 1);
    assert_eq!(cluster.list("pods", "shop").len(), 2);
}

#[tokio::test]
async fn lists_are_selected_and_paged() {
    let cluster = manual();
    for name in ["a", "b", "c", "d", "e"] {
        cluster.apply(deployment(name, "1", 1)).unwrap();
    }
    cluster.settle();
    let client = client(&cluster).await;
    let (_, first) = get(&client, &format!("{DEPLOYMENTS}?limit=2")).await;
    assert_eq!((names(&first), &first["metadata"]["remainingItemCount"]), (vec!["a", "b"], &json!(3)));
    assert_eq!(first["items"][0]["kind"], Value::Null, "the real API leaves the kind of list items out");
    let token = first["metadata"]["continue"].as_str().unwrap();
    let (_, second) = get(&client, &format!("{DEPLOYMENTS}?limit=9&continue={token}")).await;
    assert_eq!(names(&second), ["c", "d", "e"]);
    assert_eq!(second["metadata"]["resourceVersion"], first["metadata"]["resourceVersion"]);
    let (_, some) = get(&client, "/api/v1/pods?labelSelector=app%20in%20(a,e)").await;
    assert_eq!(some["items"].as_array().unwrap().len(), 2);
    let (_, one) = get(&client, &format!("{DEPLOYMENTS}?fieldSelector=metadata.name%3Dc")).await;
    assert_eq!(names(&one), ["c"]);
    let (_, running) = get(&client, "/api/v1/namespaces/shop/pods?fieldSelector=status.phase!=Running").await;
    assert!(names(&running).is_empty());
    assert_eq!(get(&client, "/api/v1/pods?fieldSelector=spec.foo=1").await.0, 400);
    cluster.apply(deployment("f", "1", 1)).unwrap();
    cluster.compact();
    let (code, status) = get(&client, &format!("{DEPLOYMENTS}?continue={token}")).await;
    assert_eq!((code, status["reason"].as_str()), (410, Some("Expired")));
}

fn names(list: &Value) -> Vec<&str> {
    list["items"].as_array().unwrap().iter().map(|it| it["metadata"]["name"].as_str().unwrap()).collect()
}

#[tokio::test]
async fn logs_belong_to_a_run_of_a_container() {
    let cluster = settled();
    cluster.apply(deployment("bad", "1-crash", 1)).unwrap();
    cluster.apply(deployment("none", "1-nopull", 1)).unwrap();
    cluster.settle();
    cluster.advance(std::time::Duration::from_secs(60));
    let client = client(&cluster).await;
    let pod = |app: &str| {
        let pods = cluster.list("pods", "shop");
        let found = pods.into_iter().find(|it| it["metadata"]["labels"]["app"] == app).unwrap();
        format!("/api/v1/namespaces/shop/pods/{}/log", found["metadata"]["name"].as_str().unwrap())
    };
    let (code, text) = get(&client, &format!("{}?tailLines=5&timestamps=true", pod("api"))).await;
    assert_eq!((code, text.as_str().unwrap().lines().count()), (200, 5));
    let (_, text) = get(&client, &format!("{}?previous=true", pod("bad"))).await;
    assert!(text.as_str().unwrap().contains("FATAL"), "{text}");
    let (code, status) = get(&client, &format!("{}?previous=true", pod("api"))).await;
    assert!(code == 400 && status["message"].as_str().unwrap().contains("previous terminated container \"api\""));
    let (code, status) = get(&client, &pod("none")).await;
    assert!(code == 400 && status["message"].as_str().unwrap().ends_with("trying and failing to pull image"));
}

#[tokio::test]
async fn server_side_apply_merges_and_records() {
    let cluster = settled();
    let client = client(&cluster).await;
    let applied = json!({ "apiVersion": "apps/v1", "kind": "Deployment", "metadata": { "name": "api" }, "spec": { "replicas": 6 } });
    let path = format!("{API}?fieldManager=portal");
    let (code, object) = send(&client, "PATCH", &path, "application/apply-patch+yaml", &applied).await;
    assert_eq!((code, &object["spec"]["replicas"]), (200, &json!(6)));
    let entry = json!({ "manager": "portal", "operation": "Apply" });
    let entries = object["metadata"]["managedFields"].as_array().unwrap();
    assert!(entries.iter().any(|it| it["manager"] == entry["manager"] && it["operation"] == entry["operation"]));
    assert_eq!(send(&client, "PATCH", API, "application/apply-patch+yaml", &applied).await.0, 422);
}
