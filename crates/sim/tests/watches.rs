//! Watches over HTTP: resuming, expiring, selecting; and the scripted faults.

// A test says what is wrong by panicking.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

mod support;

use futures::{AsyncBufReadExt, StreamExt, TryStreamExt};
use k8s_openapi::api::apps::v1::Deployment;
use k8s_openapi::api::core::v1::Pod;
use kube::api::{Api, Patch, PatchParams, PostParams};
use kube::runtime::{WatchStreamExt, watcher};
use serde_json::{Value, json};
use sim::{Fault, Match};
use std::time::Duration;
use support::{client, deployment, eventually, get, manual, patch, real, serve, with};

const API: &str = "/apis/apps/v1/namespaces/shop/deployments/api";
const DEPLOYMENTS: &str = "/apis/apps/v1/namespaces/shop/deployments";

/// The events of a watch until it ends.
async fn watched(client: &kube::Client, query: &str) -> Vec<Value> {
    let request = http::Request::get(format!("{DEPLOYMENTS}?watch=true&{query}")).body(Vec::new()).unwrap();
    let lines = client.request_stream(request).await.unwrap().lines();
    lines.map_ok(|line| serde_json::from_str(&line).unwrap()).try_collect().await.unwrap()
}

fn kinds(events: &[Value]) -> Vec<&str> {
    events.iter().map(|it| it["type"].as_str().unwrap()).collect()
}

#[tokio::test]
async fn a_watch_resumes_where_a_list_ended() {
    let cluster = manual();
    cluster.apply(deployment("api", "1", 1)).unwrap();
    let client = client(&cluster).await;
    let (_, list) = get(&client, DEPLOYMENTS).await;
    let version = list["metadata"]["resourceVersion"].as_str().unwrap();
    cluster.apply(deployment("web", "1", 1)).unwrap();
    cluster.apply(deployment("api", "2", 1)).unwrap();
    cluster.delete("deployments", "shop", "web").unwrap();
    let events = watched(&client, &format!("resourceVersion={version}&timeoutSeconds=1&allowWatchBookmarks=true")).await;
    let kinds = kinds(&events);
    assert_eq!((kinds.first(), kinds.last()), (Some(&"ADDED"), Some(&"BOOKMARK")));
    assert!(kinds.contains(&"MODIFIED") && kinds.contains(&"DELETED"), "{kinds:?}");
    let versions: Vec<u64> =
        events.iter().map(|it| it["object"]["metadata"]["resourceVersion"].as_str().unwrap().parse().unwrap()).collect();
    assert!(versions.is_sorted(), "{versions:?}");
    assert_eq!(events[0]["object"]["kind"], "Deployment");
}

#[tokio::test]
async fn a_watch_from_too_far_back_has_expired() {
    let cluster = manual();
    cluster.apply(deployment("api", "1", 1)).unwrap();
    let client = client(&cluster).await;
    cluster.compact();
    let events = watched(&client, "resourceVersion=2&timeoutSeconds=5").await;
    assert_eq!(kinds(&events), ["ERROR"]);
    assert_eq!((&events[0]["object"]["code"], &events[0]["object"]["reason"]), (&json!(410), &json!("Expired")));
}

#[tokio::test]
async fn objects_enter_and_leave_a_selection() {
    let cluster = manual();
    let labelled = |value: &str| with(deployment("api", "1", 1), &[("/metadata/labels", json!({ "tier": value }))]);
    cluster.apply(labelled("db")).unwrap();
    let from = cluster.revision();
    for value in ["web", "web", "db"] {
        cluster.apply(labelled(value)).unwrap();
    }
    let client = client(&cluster).await;
    let events = watched(&client, &format!("resourceVersion={from}&timeoutSeconds=1&labelSelector=tier%3Dweb")).await;
    let kinds = kinds(&events);
    assert_eq!((kinds.first(), kinds.last()), (Some(&"ADDED"), Some(&"DELETED")), "{kinds:?}");
}

#[tokio::test]
async fn a_streaming_list_marks_its_end() {
    let cluster = manual();
    cluster.apply(deployment("api", "1", 1)).unwrap();
    cluster.settle();
    let client = client(&cluster).await;
    let query = "sendInitialEvents=true&resourceVersionMatch=NotOlderThan&allowWatchBookmarks=true&timeoutSeconds=1";
    let events = watched(&client, query).await;
    assert_eq!(kinds(&events)[..2], ["ADDED", "BOOKMARK"]);
    assert_eq!(events[1]["object"]["metadata"]["annotations"]["k8s.io/initial-events-end"], "true");
}

/// list, watch, patch and a rollout in real time with the client that the portal uses.
#[tokio::test]
async fn the_real_client_sees_a_rollout() {
    let cluster = real();
    cluster.apply(deployment("seed", "1", 1)).unwrap();
    let client = client(&cluster).await;
    let deployments: Api<Deployment> = Api::namespaced(client.clone(), "shop");
    let mut stream = watcher(deployments.clone(), watcher::Config::default()).default_backoff().applied_objects().boxed();
    let created: Deployment = serde_json::from_value(deployment("api", "1", 3)).unwrap();
    deployments.create(&PostParams::default(), &created).await.unwrap();
    let image = json!({ "spec": { "template": { "spec": { "containers": [{ "name": "api", "image": "repo/api:2" }] } } } });
    let params = PatchParams { field_manager: Some("portal".into()), ..PatchParams::default() };
    let params = PatchParams { field_validation: Some(kube::api::ValidationDirective::Strict), ..params };
    let patched = deployments.patch("api", &params, &Patch::Strategic(image)).await.unwrap();
    let generation = patched.metadata.generation;
    assert_eq!(generation, Some(2));
    let done = async {
        while let Some(seen) = stream.try_next().await.unwrap() {
            let status = seen.status.clone().unwrap_or_default();
            let is_api = seen.metadata.name.as_deref() == Some("api") && status.observed_generation == generation;
            if is_api && (status.updated_replicas, status.available_replicas, status.replicas) == (Some(3), Some(3), Some(3)) {
                return;
            }
        }
        panic!("the watch ended");
    };
    tokio::time::timeout(Duration::from_secs(30), done).await.expect("the rollout never ended");
    let pods: Api<Pod> = Api::namespaced(client, "shop");
    let running = pods.list(&kube::api::ListParams::default().labels("app=api")).await.unwrap();
    let images: Vec<_> = running.items.iter().filter(|it| it.metadata.deletion_timestamp.is_none()).map(image_of).collect();
    assert_eq!(images, vec![sim::digest_of("repo/api:2"); 3]);
    let log = pods.logs(running.items[0].metadata.name.as_deref().unwrap(), &Default::default()).await.unwrap();
    assert!(log.is_empty() || log.ends_with('\n'));
}

fn image_of(pod: &Pod) -> String {
    pod.status.clone().unwrap().container_statuses.unwrap()[0].image_id.clone()
}

#[tokio::test]
async fn the_real_watcher_survives_dropped_and_expired_watches() {
    let cluster = real();
    cluster.apply(deployment("a", "1", 1)).unwrap();
    let client = client(&cluster).await;
    let deployments: Api<Deployment> = Api::namespaced(client, "shop");
    let seen = std::sync::Arc::new(std::sync::Mutex::new(Vec::new()));
    let writer = seen.clone();
    tokio::spawn(async move {
        let mut stream = watcher(deployments, watcher::Config::default()).default_backoff().applied_objects().boxed();
        while let Some(next) = stream.next().await {
            if let Ok(object) = next {
                writer.lock().unwrap().push(object.metadata.name.unwrap());
            }
        }
    });
    let saw = |name: &'static str| {
        let seen = seen.clone();
        async move { eventually(name, || seen.lock().unwrap().iter().any(|it| it == name).then_some(())).await }
    };
    saw("a").await;
    cluster.faults().drop_watches();
    cluster.apply(deployment("b", "1", 1)).unwrap();
    saw("b").await;
    cluster.compact();
    cluster.faults().expire_watches();
    cluster.apply(deployment("c", "1", 1)).unwrap();
    saw("c").await;
}

#[tokio::test]
async fn a_write_may_be_applied_although_nobody_hears_of_it() {
    let cluster = manual();
    cluster.apply(deployment("api", "1", 2)).unwrap();
    let client = client(&cluster).await;
    cluster.faults().fail(Match::on("patch", "deployments").named("api"), Fault::AppliedThenReset, 1);
    let request = http::Request::patch(API)
        .header("content-type", "application/merge-patch+json")
        .body(br#"{"spec":{"replicas":5}}"#.to_vec())
        .unwrap();
    client.request_text(request).await.unwrap_err();
    assert_eq!(get(&client, API).await.1["spec"]["replicas"], 5);
    let writes = cluster.writes();
    assert_eq!(writes.len(), 1);
    assert!(writes[0].is_effective() && !writes[0].answered && writes[0].status == 200);
}

#[tokio::test]
async fn scripted_answers_come_as_often_as_asked() {
    let cluster = manual();
    cluster.apply(deployment("api", "1", 2)).unwrap();
    let client = client(&cluster).await;
    let change = json!({ "spec": { "replicas": 3 } });
    for (code, reason) in
        [(409, "Conflict"), (429, "TooManyRequests"), (500, "InternalError"), (503, "ServiceUnavailable"), (504, "Timeout")]
    {
        cluster.faults().fail(Match::verb("patch"), Fault::Answer(code), 1);
        let (got, status) = patch(&client, API, "merge-patch", &change).await;
        assert_eq!((got, status["reason"].as_str()), (code, Some(reason)));
    }
    assert_eq!(get(&client, API).await.1["spec"]["replicas"], 2);
    cluster.faults().fail(Match::verb("patch"), Fault::AppliedThenAnswer(504), 1);
    assert_eq!(patch(&client, API, "merge-patch", &change).await.0, 504);
    assert_eq!(get(&client, API).await.1["spec"]["replicas"], 3);
    assert_eq!(cluster.writes().iter().filter(|it| it.is_effective()).count(), 1);
}

#[tokio::test]
async fn what_is_forbidden_is_named() {
    let cluster = manual();
    let client = client(&cluster).await;
    cluster.faults().forbid(Match::on("list", "pods"));
    let (code, status) = get(&client, "/api/v1/pods").await;
    assert_eq!((code, status["reason"].as_str()), (403, Some("Forbidden")));
    assert!(status["message"].as_str().unwrap().contains("cannot list resource \"pods\" in API group \"\""));
    assert_eq!(get(&client, DEPLOYMENTS).await.0, 200);
    let review = json!({ "spec": { "resourceAttributes": { "verb": "list", "resource": "pods" } } });
    let path = "/apis/authorization.k8s.io/v1/selfsubjectaccessreviews";
    let (_, answer) = support::send(&client, "POST", path, "application/json", &review).await;
    assert_eq!(answer["status"]["allowed"], false);
}

#[tokio::test]
async fn a_black_hole_swallows_requests_until_it_ends() {
    let cluster = manual();
    let client = client(&cluster).await;
    cluster.faults().black_hole(true);
    let asked = tokio::time::timeout(Duration::from_millis(200), client.apiserver_version()).await;
    assert!(asked.is_err(), "something was answered");
    cluster.faults().black_hole(false);
    client.apiserver_version().await.unwrap();
}

#[tokio::test]
async fn refused_connections_fail_at_once() {
    let cluster = manual();
    let url = serve(&cluster).await;
    let fresh = || kube::Client::try_from(kube::Config::new(url.parse().unwrap())).unwrap();
    cluster.faults().refuse(true);
    let asked = tokio::time::timeout(Duration::from_secs(10), fresh().apiserver_version()).await;
    asked.expect("no answer at all").unwrap_err();
    cluster.faults().clear();
    fresh().apiserver_version().await.unwrap();
}

#[tokio::test]
async fn latency_delays_every_answer() {
    let cluster = manual();
    let client = client(&cluster).await;
    cluster.faults().latency(Duration::from_millis(80));
    let start = std::time::Instant::now();
    client.apiserver_version().await.unwrap();
    assert!(start.elapsed() >= Duration::from_millis(80));
}

#[tokio::test]
async fn the_demo_is_served() {
    let demo = sim::demo::start().await.unwrap();
    assert!(demo.is_running());
    let names: Vec<&str> = demo.clusters.iter().map(|it| it.name).collect();
    assert_eq!(names, ["staging-aks", "prod-eks", "prod-gke"]);
    let kubeconfig: kube::config::Kubeconfig = serde_json::from_str(&demo.kubeconfig()).unwrap();
    let options = kube::config::KubeConfigOptions { context: Some("prod-eks".into()), ..Default::default() };
    let config = kube::Config::from_custom_kubeconfig(kubeconfig, &options).await.unwrap();
    assert_eq!(config.default_namespace, "devmatrix");
    let deployments: Api<Deployment> = Api::default_namespaced(kube::Client::try_from(config).unwrap());
    let api = deployments.get("devmatrix-api").await.unwrap();
    assert_eq!(api.status.unwrap().available_replicas, Some(4));
}

#[tokio::test]
async fn metadata_alone_can_be_asked_for() {
    let cluster = manual();
    cluster.apply(deployment("api", "1", 1)).unwrap();
    cluster.settle();
    let client = client(&cluster).await;
    let pods: Api<Pod> = Api::namespaced(client, "shop");
    let list = pods.list_metadata(&Default::default()).await.unwrap();
    assert_eq!(list.items.len(), 1);
    assert_eq!(list.items[0].types.as_ref().unwrap().kind, "PartialObjectMetadata");
}
