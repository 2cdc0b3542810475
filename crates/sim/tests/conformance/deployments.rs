//! Deployments: how they roll out, and how they do not.

use crate::objects::{
    condition, deployed, deployment, is_deleting, is_ready, is_rolled_out, label, name, number, once_all, retag, rolled_out, stays, text,
    version, with,
};
use crate::world::World;
use crate::{Case, case};
use serde_json::{Value, json};
use std::collections::BTreeMap;

pub const CASES: &[Case] = &[
    case!(a_rollout_ends_complete),
    case!(a_status_leaves_zeros_out),
    case!(a_rolling_update_keeps_to_its_shares),
    case!(a_rolling_update_without_surge),
    case!(a_rolling_update_with_surge_only),
    case!(recreate_ends_the_old_first),
    case!(a_paused_deployment_makes_nothing_new),
    case!(a_paused_deployment_is_scaled),
    case!(a_rollout_that_cannot_pull_times_out),
    case!(a_rollout_that_crashes_keeps_the_old),
    case!(a_stuck_rollout_goes_on_with_a_good_image),
    case!(ready_is_not_available_yet),
    case!(it_scales_up_and_down),
    case!(a_deleted_pod_is_replaced),
    case!(a_scaling_is_an_event),
];

async fn a_rollout_ends_complete(world: World) {
    let it = deployed(&world, deployment("api", "1", 2)).await;
    let (status, reason, message) = condition(&it, "Progressing");
    assert_eq!((status.as_str(), reason.as_str()), ("True", "NewReplicaSetAvailable"));
    assert!(message.starts_with("ReplicaSet \"api-") && message.ends_with("\" has successfully progressed."), "{message}");
    let available = ("True".to_owned(), "MinimumReplicasAvailable".to_owned(), "Deployment has minimum availability.".to_owned());
    assert_eq!(condition(&it, "Available"), available);
    let pods = world.all("pods?labelSelector=app%3Dapi").await;
    assert!(pods.len() == 2 && pods.iter().all(is_ready));
}

async fn a_status_leaves_zeros_out(world: World) {
    let it = deployed(&world, deployment("api", "1", 1)).await;
    let fields = |it: &Value| {
        let mut status = it["status"].clone();
        status.as_object_mut().unwrap().remove("conditions");
        status
    };
    let expected = json!({
        "observedGeneration": 1, "replicas": 1, "updatedReplicas": 1, "readyReplicas": 1, "availableReplicas": 1, "terminatingReplicas": 0,
    });
    assert_eq!(fields(&it), expected);
    world.merge("deployments/api", json!({ "spec": { "replicas": 0 } })).await;
    let is_empty = |it: &Value| is_rolled_out(it) && number(it, "/status/terminatingReplicas") == 0;
    let it = world.once("it is empty", "deployments/api", is_empty).await;
    assert_eq!(fields(&it), json!({ "observedGeneration": 2, "terminatingReplicas": 0 }));
    let set = &world.all("replicasets").await[0];
    assert_eq!(
        set["status"],
        json!({ "observedGeneration": number(set, "/metadata/generation"), "replicas": 0, "terminatingReplicas": 0 })
    );
}

/// Rolls from one tag to the next and folds the watch of its ReplicaSets: the most pods that were asked for together,
/// and the fewest that were available.
async fn rolled(world: &World, replicas: i64, strategy: Value) -> (i64, i64) {
    deployed(world, with(deployment("api", "1", replicas), &[("/spec/strategy", strategy)])).await;
    let list = world.get(&world.path("replicasets")).await.ok(200);
    let mut sets: BTreeMap<String, (i64, i64, bool)> = BTreeMap::new();
    let is_new = |it: &Value| text(it, crate::objects::IMAGE) == "repo/api:2";
    let sizes = |it: &Value| (number(it, "/spec/replicas"), number(it, "/status/availableReplicas"), is_new(it));
    sets.extend(list["items"].as_array().unwrap().iter().map(|it| (name(it).to_owned(), sizes(it))));
    let mut watch = world.watch("replicasets", &format!("resourceVersion={}", version(&list))).await;
    retag(world, "deployments/api", "2").await;
    let (mut most, mut fewest) = (0, i64::MAX);
    loop {
        let event = watch.next().await.expect("the watch goes on");
        sets.insert(name(&event["object"]).to_owned(), sizes(&event["object"]));
        most = most.max(sets.values().map(|it| it.0).sum());
        fewest = fewest.min(sets.values().map(|it| it.1).sum());
        if sets.values().all(|it| if it.2 { (it.0, it.1) == (replicas, replicas) } else { it.0 == 0 }) {
            rolled_out(world, "api").await;
            return (most, fewest);
        }
    }
}

async fn a_rolling_update_keeps_to_its_shares(world: World) {
    // A quarter of four more, a quarter fewer.
    let (most, fewest) = rolled(&world, 4, json!({ "type": "RollingUpdate" })).await;
    assert!(most == 5 && (3..=4).contains(&fewest), "{most} {fewest}");
}

async fn a_rolling_update_without_surge(world: World) {
    let (most, fewest) = rolled(&world, 3, json!({ "rollingUpdate": { "maxSurge": 0, "maxUnavailable": 1 } })).await;
    assert!(most == 3 && fewest == 2, "{most} {fewest}");
}

async fn a_rolling_update_with_surge_only(world: World) {
    let (most, fewest) = rolled(&world, 3, json!({ "rollingUpdate": { "maxSurge": "50%", "maxUnavailable": 0 } })).await;
    assert!(most == 5 && fewest == 3, "{most} {fewest}");
}

async fn recreate_ends_the_old_first(world: World) {
    deployed(&world, with(deployment("api", "1", 2), &[("/spec/strategy", json!({ "type": "Recreate" }))])).await;
    let from = world.version("pods").await;
    let mut watch = world.watch("pods", &format!("resourceVersion={from}")).await;
    retag(&world, "deployments/api", "2").await;
    let is_new = |it: &Value| it["object"]["spec"]["containers"][0]["image"] == "repo/api:2";
    let events = watch.until(is_new).await;
    let gone = events.iter().filter(|it| it["type"] == "DELETED").count();
    assert_eq!(gone, 2, "a new pod came before the old ones were gone");
    rolled_out(&world, "api").await;
}

async fn a_paused_deployment_makes_nothing_new(world: World) {
    deployed(&world, deployment("api", "1", 1)).await;
    world.merge("deployments/api", json!({ "spec": { "paused": true } })).await;
    let paused = world.once("it says so", "deployments/api", |it| condition(it, "Progressing").1 == "DeploymentPaused").await;
    let words = ("Unknown".to_owned(), "DeploymentPaused".to_owned(), "Deployment is paused".to_owned());
    assert_eq!(condition(&paused, "Progressing"), words);
    let changed = retag(&world, "deployments/api", "2").await;
    let generation = number(&changed, "/metadata/generation");
    world.once("it is observed", "deployments/api", |it| number(it, "/status/observedGeneration") == generation).await;
    stays(&world, "nothing new", "replicasets", |all| all.len() == 1).await;
    world.merge("deployments/api", json!({ "spec": { "paused": false } })).await;
    let done = rolled_out(&world, "api").await;
    assert_eq!((number(&done, "/status/updatedReplicas"), world.all("replicasets").await.len()), (1, 2));
}

async fn a_paused_deployment_is_scaled(world: World) {
    deployed(&world, deployment("api", "1", 1)).await;
    world.merge("deployments/api", json!({ "spec": { "paused": true } })).await;
    retag(&world, "deployments/api", "2").await;
    world.merge("deployments/api", json!({ "spec": { "replicas": 3 } })).await;
    let pods = once_all(&world, "three of the old", "pods", |all| all.iter().filter(|it| is_ready(it)).count() == 3).await;
    assert!(pods.iter().all(|it| it["spec"]["containers"][0]["image"] == "repo/api:1"));
    // No pod is of the present template.
    let it = world.once("it counts them", "deployments/api", |it| number(it, "/status/availableReplicas") == 3).await;
    assert_eq!(number(&it, "/status/updatedReplicas"), 0);
}

async fn a_rollout_that_cannot_pull_times_out(world: World) {
    deployed(&world, with(deployment("api", "1", 2), &[("/spec/progressDeadlineSeconds", json!(2))])).await;
    retag(&world, "deployments/api", "2-nopull").await;
    let failed = world.once("it gives up", "deployments/api", |it| condition(it, "Progressing").0 == "False").await;
    let (_, reason, message) = condition(&failed, "Progressing");
    assert_eq!(reason, "ProgressDeadlineExceeded");
    assert!(message.starts_with("ReplicaSet \"api-") && message.ends_with("\" has timed out progressing."), "{message}");
    // A quarter of two, rounded down, may be unavailable: none.
    assert_eq!((condition(&failed, "Available").0.as_str(), number(&failed, "/status/availableReplicas")), ("True", 2));
    assert_eq!((number(&failed, "/status/updatedReplicas"), number(&failed, "/status/unavailableReplicas")), (1, 1));
    assert_eq!(number(&failed, "/status/observedGeneration"), 2);
}

async fn a_rollout_that_crashes_keeps_the_old(world: World) {
    deployed(&world, deployment("api", "1", 2)).await;
    retag(&world, "deployments/api", "2-crash").await;
    let is_broken = |it: &Value| text(it, "/status/containerStatuses/0/state/waiting/reason") == "CrashLoopBackOff";
    once_all(&world, "it crashes", "pods", |all| all.iter().any(is_broken)).await;
    let it = world.read("deployments/api").await;
    assert_eq!((number(&it, "/status/availableReplicas"), condition(&it, "Available").0.as_str()), (2, "True"));
    assert_eq!(condition(&it, "Progressing").0, "True");
}

async fn a_stuck_rollout_goes_on_with_a_good_image(world: World) {
    deployed(&world, with(deployment("api", "1", 2), &[("/spec/progressDeadlineSeconds", json!(2))])).await;
    retag(&world, "deployments/api", "2-nopull").await;
    world.once("it gives up", "deployments/api", |it| condition(it, "Progressing").1 == "ProgressDeadlineExceeded").await;
    retag(&world, "deployments/api", "3").await;
    let done = world
        .once("it is complete", "deployments/api", |it| condition(it, "Progressing").1 == "NewReplicaSetAvailable" && is_rolled_out(it))
        .await;
    assert_eq!(condition(&done, "Progressing").0, "True");
    let sets = world.all("replicasets").await;
    let sizes: Vec<i64> = sets.iter().map(|it| number(it, "/spec/replicas")).collect();
    assert_eq!((sets.len(), sizes.iter().sum::<i64>()), (3, 2));
}

async fn ready_is_not_available_yet(world: World) {
    world.create("deployments", with(deployment("api", "1", 1), &[("/spec/minReadySeconds", json!(3))])).await;
    let it = world.once("it is ready", "deployments/api", |it| number(it, "/status/readyReplicas") == 1).await;
    assert_eq!((number(&it, "/status/availableReplicas"), condition(&it, "Available").1.as_str()), (0, "MinimumReplicasUnavailable"));
    let it = world.once("it is available", "deployments/api", |it| number(it, "/status/availableReplicas") == 1).await;
    assert_eq!(condition(&it, "Available").0, "True");
}

async fn it_scales_up_and_down(world: World) {
    deployed(&world, deployment("api", "1", 1)).await;
    for (generation, replicas) in [(2, 3), (3, 1), (4, 0), (5, 2)] {
        world.merge("deployments/api", json!({ "spec": { "replicas": replicas } })).await;
        let it = rolled_out(&world, "api").await;
        assert_eq!(number(&it, "/status/observedGeneration"), generation);
        once_all(&world, "as many pods", "pods", |all| all.len() as i64 == replicas).await;
    }
    let sets = world.all("replicasets").await;
    assert_eq!((sets.len(), crate::objects::annotation(&sets[0], "deployment.kubernetes.io/desired-replicas")), (1, "2"));
    assert_eq!(crate::objects::annotation(&sets[0], "deployment.kubernetes.io/max-replicas"), "3");
}

async fn a_deleted_pod_is_replaced(world: World) {
    deployed(&world, deployment("api", "1", 1)).await;
    let first = world.all("pods").await[0].clone();
    world.delete(&world.path(&format!("pods/{}", name(&first))), &json!({})).await.ok(200);
    let pods = once_all(&world, "another", "pods", |all| all.len() == 1 && name(&all[0]) != name(&first) && is_ready(&all[0])).await;
    assert_eq!(label(&pods[0], "pod-template-hash"), label(&first, "pod-template-hash"));
    assert!(!is_deleting(&pods[0]));
}

async fn a_scaling_is_an_event(world: World) {
    let it = deployed(&world, deployment("api", "1", 1)).await;
    retag(&world, "deployments/api", "2").await;
    rolled_out(&world, "api").await;
    let query = "events?fieldSelector=involvedObject.kind%3DDeployment,involvedObject.name%3Dapi";
    let events = once_all(&world, "three events", query, |all| all.len() >= 3).await;
    for event in &events {
        assert_eq!((text(event, "/reason"), text(event, "/type")), ("ScalingReplicaSet", "Normal"));
        assert_eq!(
            (text(event, "/involvedObject/uid"), text(event, "/source/component")),
            (text(&it, "/metadata/uid"), "deployment-controller")
        );
    }
    let mut messages: Vec<String> = events
        .iter()
        .map(|it| text(it, "/message").split_whitespace().filter(|it| !it.starts_with("api-")).collect::<Vec<_>>().join(" "))
        .collect();
    messages.sort();
    let expected = ["Scaled down replica set from 1 to 0", "Scaled up replica set from 0 to 1", "Scaled up replica set from 0 to 1"];
    assert_eq!(messages, expected);
}
