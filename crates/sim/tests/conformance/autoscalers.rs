//! HorizontalPodAutoscalers: their bounds, and what becomes of a number outside of them.

use crate::objects::{deployment, generation, number};
use crate::world::World;
use crate::{Case, case};
use serde_json::{Value, json};

pub const CASES: &[Case] = &[
    case!(the_bounds_are_patched_and_count_no_generation),
    case!(bounds_that_cross_are_refused_by_field),
    case!(a_number_outside_of_the_bounds_is_brought_back),
    case!(a_dry_run_of_bounds_stores_nothing),
];

const ITEM: &str = "horizontalpodautoscalers/api";

async fn autoscaler(world: &World, min: i64, max: i64) -> Value {
    let target = json!({ "apiVersion": "apps/v1", "kind": "Deployment", "name": "api" });
    let spec = json!({ "scaleTargetRef": target, "minReplicas": min, "maxReplicas": max });
    let object = json!({ "apiVersion": "autoscaling/v2", "kind": "HorizontalPodAutoscaler", "metadata": { "name": "api" }, "spec": spec });
    world.create("horizontalpodautoscalers", object).await
}

fn bounds(min: i64, max: i64) -> Value {
    json!({ "spec": { "minReplicas": min, "maxReplicas": max } })
}

async fn the_bounds_are_patched_and_count_no_generation(world: World) {
    let made = autoscaler(&world, 2, 4).await;
    assert_eq!((generation(&made), made["spec"]["metrics"][0]["resource"]["name"].as_str()), (0, Some("cpu")));
    let after = world.patch(&world.path(ITEM), "strategic-merge", &bounds(3, 6)).await.ok(200);
    assert_eq!((number(&after, "/spec/minReplicas"), number(&after, "/spec/maxReplicas"), generation(&after)), (3, 6, 0));
    assert_eq!(after["spec"]["scaleTargetRef"]["name"], "api", "what the patch leaves out stays");
}

async fn bounds_that_cross_are_refused_by_field(world: World) {
    autoscaler(&world, 2, 4).await;
    for (min, max, field) in [(5, 4, "spec.maxReplicas"), (0, 4, "spec.minReplicas"), (1, 0, "spec.maxReplicas")] {
        let answer = world.patch(&world.path(ITEM), "strategic-merge", &bounds(min, max)).await;
        assert_eq!(answer.refusal(), (422, "Invalid"), "{min} to {max}");
        assert!(answer.message().contains(field), "{}", answer.message());
    }
    assert_eq!(number(&world.read(ITEM).await, "/spec/maxReplicas"), 4);
}

async fn a_number_outside_of_the_bounds_is_brought_back(world: World) {
    world.create("deployments", deployment("api", "1", 1)).await;
    autoscaler(&world, 2, 4).await;
    world.once("up to the least", "deployments/api", |it| number(it, "/spec/replicas") == 2).await;
    world.patch(&world.path(ITEM), "strategic-merge", &bounds(1, 1)).await.ok(200);
    let down = world.once("down to the most", "deployments/api", |it| number(it, "/spec/replicas") == 1).await;
    let by = down["metadata"]["managedFields"].as_array().unwrap().iter().any(|entry| entry["subresource"] == "scale");
    assert!(by, "through the scale subresource: {}", down["metadata"]["managedFields"]);
}

async fn a_dry_run_of_bounds_stores_nothing(world: World) {
    autoscaler(&world, 2, 4).await;
    let path = format!("{}?dryRun=All", world.path(ITEM));
    let after = world.patch(&path, "strategic-merge", &bounds(3, 6)).await.ok(200);
    assert_eq!(number(&after, "/spec/maxReplicas"), 6);
    assert_eq!(number(&world.read(ITEM).await, "/spec/maxReplicas"), 4);
}
