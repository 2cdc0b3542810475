//! What the tests of the simulated cluster share. Time is moved by hand wherever no real client is involved.

#![allow(dead_code)]

use kube::Client;
use serde_json::{Value, json};
use sim::{Clock, Cluster};
use std::time::{Duration, Instant};
use tokio::net::TcpListener;

/// No condition in these tests takes longer than this on any machine.
const PATIENCE: Duration = Duration::from_secs(20);

/// A cluster whose time stands still until it is moved.
pub fn manual() -> Cluster {
    Cluster::new("test", Clock::manual("2026-11-24T09:42:00Z".parse().unwrap()))
}

pub fn real() -> Cluster {
    Cluster::new("test", Clock::real())
}

/// A Deployment `name` in namespace `shop`, image `repo/api:TAG`.
pub fn deployment(name: &str, tag: &str, replicas: i64) -> Value {
    json!({
        "apiVersion": "apps/v1", "kind": "Deployment",
        "metadata": { "name": name, "namespace": "shop" },
        "spec": {
            "replicas": replicas,
            "selector": { "matchLabels": { "app": name } },
            "template": {
                "metadata": { "labels": { "app": name } },
                "spec": { "containers": [{ "name": "api", "image": format!("repo/api:{tag}") }] },
            },
        },
    })
}

/// The same with changes by JSON pointer.
pub fn with(mut object: Value, changes: &[(&str, Value)]) -> Value {
    for (pointer, value) in changes {
        let (parent, field) = pointer.rsplit_once('/').unwrap();
        object.pointer_mut(parent).unwrap()[field] = value.clone();
    }
    object
}

/// Serves the cluster on a free port for the rest of the test.
pub async fn serve(cluster: &Cluster) -> String {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    let cluster = cluster.clone();
    tokio::spawn(async move { cluster.serve(listener).await });
    url
}

/// An ordinary client of the cluster.
pub async fn client(cluster: &Cluster) -> Client {
    let url = serve(cluster).await;
    let mut config = kube::Config::new(url.parse().unwrap());
    config.default_namespace = "shop".to_owned();
    // Else it would try again by itself after some of the scripted answers.
    config.default_retry = false;
    Client::try_from(config).unwrap()
}

/// Waits until something is there, for as long as it may take on a busy machine.
pub async fn eventually<T>(what: &str, mut find: impl FnMut() -> Option<T>) -> T {
    let start = Instant::now();
    loop {
        if let Some(found) = find() {
            return found;
        }
        assert!(start.elapsed() < PATIENCE, "waited in vain: {what}");
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
}

/// A request as it goes over the wire, and the status and JSON (or text) that come back.
pub async fn send(client: &Client, method: &str, path: &str, content_type: &str, body: &Value) -> (u16, Value) {
    let body = if body.is_null() { Vec::new() } else { serde_json::to_vec(body).unwrap() };
    let request = http::Request::builder()
        .method(method)
        .uri(path)
        .header("content-type", content_type)
        .header("user-agent", "test/1")
        .body(kube::client::Body::from(body))
        .unwrap();
    let answer = client.send(request).await.unwrap();
    let code = answer.status().as_u16();
    let bytes = answer.into_body().collect_bytes().await.unwrap();
    let value = serde_json::from_slice(&bytes).unwrap_or_else(|_| json!(String::from_utf8_lossy(&bytes)));
    (code, value)
}

pub async fn get(client: &Client, path: &str) -> (u16, Value) {
    send(client, "GET", path, "application/json", &Value::Null).await
}

pub async fn patch(client: &Client, path: &str, kind: &str, body: &Value) -> (u16, Value) {
    send(client, "PATCH", path, &format!("application/{kind}+json"), body).await
}

/// The ReplicaSets of `shop`, oldest revision first, as (revision, wanted, available).
pub fn sets(cluster: &Cluster) -> Vec<(i64, i64, i64)> {
    let mut sets: Vec<_> = cluster.list("replicasets", "shop").iter().map(sizes).collect();
    sets.sort();
    sets
}

fn sizes(set: &Value) -> (i64, i64, i64) {
    let revision = set["metadata"]["annotations"]["deployment.kubernetes.io/revision"].as_str().unwrap();
    let available = set["status"]["availableReplicas"].as_i64().unwrap_or(0);
    (revision.parse().unwrap(), set["spec"]["replicas"].as_i64().unwrap(), available)
}

/// Status, reason and message of a condition of a Deployment.
pub fn condition(object: &Value, kind: &str) -> (String, String, String) {
    let conditions = object["status"]["conditions"].as_array().cloned().unwrap_or_default();
    let found = conditions.iter().find(|it| it["type"] == kind).cloned().unwrap_or_default();
    let text = |field: &str| found[field].as_str().unwrap_or_default().to_owned();
    (text("status"), text("reason"), text("message"))
}

/// The first container status of each pod of `shop` that is not being deleted.
pub fn containers(cluster: &Cluster) -> Vec<Value> {
    let pods = cluster.list("pods", "shop");
    let living = pods.iter().filter(|pod| pod["metadata"]["deletionTimestamp"].is_null());
    living.map(|pod| pod["status"]["containerStatuses"][0].clone()).collect()
}
