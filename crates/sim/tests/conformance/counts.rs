//! What `metadata.generation` counts, and the subresources status and scale.

use crate::objects::{daemonset, deployment, generation, number, statefulset, text, version};
use crate::world::World;
use crate::{Case, case};
use serde_json::{Value, json};

pub const CASES: &[Case] = &[
    case!(a_change_of_the_spec_is_a_generation),
    case!(labels_are_no_generation),
    case!(annotations_are_one_for_deployments_only),
    case!(an_observed_generation_follows),
    case!(the_status_endpoint_ignores_the_spec),
    case!(the_object_ignores_its_status),
    case!(the_status_endpoint_has_the_lock_too),
    case!(a_scale_shows_its_replicas),
    case!(a_scale_is_patched_and_put),
    case!(a_scale_has_the_lock_too),
    case!(a_negative_scale_is_422),
    case!(what_cannot_be_scaled_is_404),
];

async fn unseen(world: &World, collection: &str, object: Value) -> Value {
    world.create(collection, object).await;
    let name = format!("{collection}/api");
    world.once("its controller has seen it", &name, |it| number(it, "/status/observedGeneration") == 1).await
}

async fn workloads(world: &World) {
    unseen(world, "deployments", deployment("api", "1", 0)).await;
    unseen(world, "statefulsets", statefulset("api", "1", 0)).await;
    unseen(world, "daemonsets", daemonset("api", "1")).await;
}

async fn a_change_of_the_spec_is_a_generation(world: World) {
    workloads(&world).await;
    for collection in ["deployments", "statefulsets", "daemonsets"] {
        let item = format!("{collection}/api");
        assert_eq!(generation(&world.merge(&item, json!({ "spec": { "minReadySeconds": 1 } })).await), 2, "{collection}");
        assert_eq!(generation(&world.patch(&world.path(&item), "strategic-merge", &crate::objects::retagged("2")).await.ok(200)), 3);
        assert_eq!(generation(&world.merge(&item, json!({ "spec": { "minReadySeconds": 1 } })).await), 3);
    }
}

async fn labels_are_no_generation(world: World) {
    workloads(&world).await;
    for collection in ["deployments", "statefulsets", "daemonsets"] {
        let before = world.read(&format!("{collection}/api")).await;
        let after = world.merge(&format!("{collection}/api"), json!({ "metadata": { "labels": { "team": "a" } } })).await;
        assert_eq!(generation(&after), generation(&before), "{collection}");
        assert!(version(&after) > version(&before));
    }
}

async fn annotations_are_one_for_deployments_only(world: World) {
    workloads(&world).await;
    for (collection, expected) in [("deployments", 2), ("statefulsets", 1), ("daemonsets", 1)] {
        let change = json!({ "metadata": { "annotations": { "kubernetes.io/change-cause": "c-1" } } });
        assert_eq!(generation(&world.merge(&format!("{collection}/api"), change).await), expected, "{collection}");
    }
}

async fn an_observed_generation_follows(world: World) {
    workloads(&world).await;
    for collection in ["deployments", "statefulsets", "daemonsets"] {
        let item = format!("{collection}/api");
        let changed = world.merge(&item, json!({ "spec": { "minReadySeconds": 1 } })).await;
        assert_eq!(number(&changed, "/status/observedGeneration"), 1, "an answer shows the status as it was");
        world.once("it is observed", &item, |it| number(it, "/status/observedGeneration") == 2).await;
    }
}

async fn the_status_endpoint_ignores_the_spec(world: World) {
    unseen(&world, "deployments", deployment("api", "1", 0)).await;
    let path = world.path("deployments/api/status");
    let change = json!({ "spec": { "replicas": 9 }, "status": { "collisionCount": 7 }, "metadata": { "annotations": { "a": "b" } } });
    let patched = world.patch(&path, "merge", &change).await.ok(200);
    assert_eq!((number(&patched, "/spec/replicas"), number(&patched, "/status/collisionCount"), generation(&patched)), (0, 7, 1));
    let read = world.get(&path).await.ok(200);
    assert_eq!(text(&read, "/kind"), "Deployment");
}

async fn the_object_ignores_its_status(world: World) {
    let before = unseen(&world, "deployments", deployment("api", "1", 0)).await;
    let after = world.merge("deployments/api", json!({ "status": { "collisionCount": 7 } })).await;
    assert_eq!((after["status"].get("collisionCount"), version(&after)), (None, version(&before)));
}

async fn the_status_endpoint_has_the_lock_too(world: World) {
    unseen(&world, "deployments", deployment("api", "1", 0)).await;
    let change = json!({ "metadata": { "resourceVersion": "1" }, "status": { "collisionCount": 7 } });
    let answer = world.patch(&world.path("deployments/api/status"), "merge", &change).await;
    assert_eq!(answer.refusal(), (409, "Conflict"));
}

async fn a_scale_shows_its_replicas(world: World) {
    workloads(&world).await;
    for collection in ["deployments", "statefulsets"] {
        let workload = world.read(&format!("{collection}/api")).await;
        let scale = world.get(&world.path(&format!("{collection}/api/scale"))).await.ok(200);
        assert_eq!((text(&scale, "/kind"), text(&scale, "/apiVersion")), ("Scale", "autoscaling/v1"));
        assert_eq!((number(&scale, "/spec/replicas"), text(&scale, "/status/selector")), (0, "app=api"));
        for field in ["name", "namespace", "uid", "resourceVersion", "creationTimestamp"] {
            assert_eq!(scale["metadata"][field], workload["metadata"][field], "{field}");
        }
    }
}

async fn a_scale_is_patched_and_put(world: World) {
    workloads(&world).await;
    for collection in ["deployments", "statefulsets"] {
        let path = world.path(&format!("{collection}/api/scale"));
        let mut scale = world.patch(&path, "merge", &json!({ "spec": { "replicas": 1 } })).await.ok(200);
        assert_eq!((text(&scale, "/kind"), number(&scale, "/spec/replicas")), ("Scale", 1));
        let workload = world.read(&format!("{collection}/api")).await;
        assert_eq!((number(&workload, "/spec/replicas"), generation(&workload)), (1, 2));
        scale["spec"]["replicas"] = json!(2);
        scale["metadata"].as_object_mut().unwrap().remove("resourceVersion");
        assert_eq!(number(&world.put(&path, &scale).await.ok(200), "/spec/replicas"), 2);
        world.once("it is scaled", &format!("{collection}/api/scale"), |it| number(it, "/status/replicas") == 2).await;
    }
}

async fn a_scale_has_the_lock_too(world: World) {
    workloads(&world).await;
    let path = world.path("deployments/api/scale");
    let stale = json!({ "metadata": { "resourceVersion": "1" }, "spec": { "replicas": 1 } });
    assert_eq!(world.patch(&path, "merge", &stale).await.refusal(), (409, "Conflict"));
    let dry = world.patch(&format!("{path}?dryRun=All"), "merge", &json!({ "spec": { "replicas": 5 } })).await.ok(200);
    assert_eq!(number(&dry, "/spec/replicas"), 5);
    assert_eq!(number(&world.read("deployments/api").await, "/spec/replicas"), 0);
}

async fn a_negative_scale_is_422(world: World) {
    workloads(&world).await;
    let answer = world.patch(&world.path("deployments/api/scale"), "merge", &json!({ "spec": { "replicas": -1 } })).await;
    assert_eq!(answer.refusal(), (422, "Invalid"));
    assert!(answer.message().contains("spec.replicas: Invalid value: -1: must be greater than or equal to 0"), "{}", answer.message());
}

async fn what_cannot_be_scaled_is_404(world: World) {
    workloads(&world).await;
    assert_eq!(world.get(&world.path("daemonsets/api/scale")).await.code, 404);
    assert_eq!(world.get(&world.path("deployments/none/scale")).await.refusal(), (404, "NotFound"));
}
