//! The objects that the cases make, and reading fields of what comes back.

use crate::world::World;
use serde_json::{Value, json};
use std::time::Duration;

/// Where a Deployment, StatefulSet, DaemonSet or Job has the image of its only container.
pub const IMAGE: &str = "/spec/template/spec/containers/0/image";

/// `repo/api:TAG`. The end of the tag decides what becomes of its pods, in both clusters by the same rule:
/// `-nopull`, `-crash`, `-slow`; any other is healthy.
pub fn image(tag: &str) -> String {
    format!("repo/api:{tag}")
}

fn template(name: &str, tag: &str) -> Value {
    json!({
        "metadata": { "labels": { "app": name } },
        "spec": { "containers": [{ "name": "api", "image": image(tag) }] },
    })
}

pub fn deployment(name: &str, tag: &str, replicas: i64) -> Value {
    json!({
        "apiVersion": "apps/v1", "kind": "Deployment", "metadata": { "name": name },
        "spec": { "replicas": replicas, "selector": { "matchLabels": { "app": name } }, "template": template(name, tag) },
    })
}

pub fn statefulset(name: &str, tag: &str, replicas: i64) -> Value {
    let mut set = deployment(name, tag, replicas);
    set["kind"] = json!("StatefulSet");
    set["spec"]["serviceName"] = json!(name);
    set
}

pub fn daemonset(name: &str, tag: &str) -> Value {
    let mut set = deployment(name, tag, 0);
    set["kind"] = json!("DaemonSet");
    set["spec"].as_object_mut().unwrap().remove("replicas");
    set
}

pub fn job(name: &str, tag: &str) -> Value {
    let mut template = template(name, tag);
    template["spec"]["restartPolicy"] = json!("Never");
    json!({ "apiVersion": "batch/v1", "kind": "Job", "metadata": { "name": name }, "spec": { "template": template } })
}

pub fn config_map(name: &str, labels: Value) -> Value {
    json!({ "apiVersion": "v1", "kind": "ConfigMap", "metadata": { "name": name, "labels": labels }, "data": { "key": "value" } })
}

/// The same with changes by JSON pointer.
pub fn with(mut object: Value, changes: &[(&str, Value)]) -> Value {
    for (pointer, value) in changes {
        let (parent, field) = pointer.rsplit_once('/').unwrap();
        object.pointer_mut(parent).unwrap()[field] = value.clone();
    }
    object
}

/// A strategic merge patch that gives the container another tag.
pub fn retagged(tag: &str) -> Value {
    json!({ "spec": { "template": { "spec": { "containers": [{ "name": "api", "image": image(tag) }] } } } })
}

pub fn text<'a>(object: &'a Value, pointer: &str) -> &'a str {
    object.pointer(pointer).and_then(Value::as_str).unwrap_or_default()
}

/// A number, or 0 where it is left out.
pub fn number(object: &Value, pointer: &str) -> i64 {
    object.pointer(pointer).and_then(Value::as_i64).unwrap_or_default()
}

pub fn name(object: &Value) -> &str {
    text(object, "/metadata/name")
}

pub fn names(objects: &[Value]) -> Vec<&str> {
    objects.iter().map(name).collect()
}

pub fn version(object: &Value) -> u64 {
    text(object, "/metadata/resourceVersion").parse().unwrap()
}

pub fn generation(object: &Value) -> i64 {
    number(object, "/metadata/generation")
}

/// The labels of a pod without those that it got from its node.
pub fn own_labels(pod: &Value) -> Value {
    let mut labels = pod["metadata"]["labels"].clone();
    labels.as_object_mut().unwrap().retain(|label, _| !label.starts_with("topology.kubernetes.io/"));
    labels
}

pub fn annotation<'a>(object: &'a Value, key: &str) -> &'a str {
    object["metadata"]["annotations"][key].as_str().unwrap_or_default()
}

pub fn label<'a>(object: &'a Value, key: &str) -> &'a str {
    object["metadata"]["labels"][key].as_str().unwrap_or_default()
}

/// Status, reason and message of a condition.
pub fn condition(object: &Value, kind: &str) -> (String, String, String) {
    let found = object["status"]["conditions"].as_array().into_iter().flatten().find(|it| it["type"] == kind);
    let text = |field: &str| found.map(|it| text(it, field).to_owned()).unwrap_or_default();
    (text("/status"), text("/reason"), text("/message"))
}

pub fn is_deleting(object: &Value) -> bool {
    !object["metadata"]["deletionTimestamp"].is_null()
}

pub fn is_ready(pod: &Value) -> bool {
    condition(pod, "Ready").0 == "True" && !is_deleting(pod)
}

/// Whether a Deployment has rolled out, by the rules of `kubectl rollout status`.
pub fn is_rolled_out(it: &Value) -> bool {
    let wanted = number(it, "/spec/replicas");
    let all = ["replicas", "updatedReplicas", "availableReplicas"].iter().all(|field| number(it, &format!("/status/{field}")) == wanted);
    all && number(it, "/status/observedGeneration") >= generation(it)
}

/// Creates a Deployment and waits until it has rolled out.
pub async fn deployed(world: &World, object: Value) -> Value {
    let name = name(&object).to_owned();
    world.create("deployments", object).await;
    rolled_out(world, &name).await
}

pub async fn rolled_out(world: &World, name: &str) -> Value {
    world.once("the Deployment has rolled out", &format!("deployments/{name}"), is_rolled_out).await
}

/// Gives a workload another tag.
pub async fn retag(world: &World, item: &str, tag: &str) -> Value {
    world.patch(&world.path(item), "strategic-merge", &retagged(tag)).await.ok(200)
}

/// The objects of a collection once they are as wanted.
pub async fn once_all(world: &World, what: &str, collection: &str, wanted: impl Fn(&[Value]) -> bool) -> Vec<Value> {
    world
        .until(what, async || {
            let all = world.all(collection).await;
            wanted(&all).then_some(all)
        })
        .await
}

/// For what must not happen: looks for as long as anything here takes to happen, and a bit.
pub async fn stays(world: &World, what: &str, collection: &str, wanted: impl Fn(&[Value]) -> bool) {
    let end = std::time::Instant::now() + Duration::from_secs(3);
    while std::time::Instant::now() < end {
        let all = world.all(collection).await;
        assert!(wanted(&all), "{what}: {:?}", names(&all));
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
}
