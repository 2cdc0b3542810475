//! DaemonSets: a pod on every node, replaced node by node.

use crate::objects::{daemonset, generation, is_deleting, is_ready, label, name, number, once_all, retag, stays, text, with};
use crate::world::World;
use crate::{Case, case};
use serde_json::{Value, json};

pub const CASES: &[Case] = &[
    case!(every_node_gets_a_pod),
    case!(a_status_counts_nodes),
    case!(an_update_keeps_to_its_share),
    case!(a_broken_update_stops),
    case!(on_delete_waits_for_somebody),
    case!(revisions_hold_the_template),
    case!(a_template_that_returns_is_renumbered),
];

const REVISION: &str = "controller-revision-hash";

/// As `kubectl rollout status` decides.
fn is_rolled_out(it: &Value) -> bool {
    let nodes = number(it, "/status/desiredNumberScheduled");
    number(it, "/status/observedGeneration") >= generation(it)
        && nodes > 0
        && ["updatedNumberScheduled", "numberAvailable"].iter().all(|field| number(it, &format!("/status/{field}")) == nodes)
}

async fn settled(world: &World, object: Value) -> Value {
    world.create("daemonsets", object).await;
    rolled_out(world).await
}

async fn rolled_out(world: &World) -> Value {
    world.once("the DaemonSet has rolled out", "daemonsets/log", is_rolled_out).await
}

async fn nodes(world: &World) -> Vec<String> {
    let list = world.get("/api/v1/nodes").await.ok(200);
    list["items"].as_array().unwrap().iter().map(|it| name(it).to_owned()).collect()
}

fn image(pod: &Value) -> &str {
    text(pod, "/spec/containers/0/image").trim_start_matches("repo/api:")
}

async fn every_node_gets_a_pod(world: World) {
    settled(&world, daemonset("log", "1")).await;
    let pods = world.all("pods").await;
    let mut places: Vec<&str> = pods.iter().map(|it| text(it, "/spec/nodeName")).collect();
    places.sort_unstable();
    assert_eq!(places, nodes(&world).await);
    let pod = &pods[0];
    assert!(name(pod).starts_with("log-") && name(pod).len() == 9, "{}", name(pod));
    assert!(!label(pod, REVISION).is_empty());
    assert_eq!((label(pod, "app"), text(pod, "/metadata/ownerReferences/0/kind")), ("log", "DaemonSet"));
}

async fn a_status_counts_nodes(world: World) {
    let set = settled(&world, daemonset("log", "1")).await;
    let count = nodes(&world).await.len();
    let expected = json!({
        "observedGeneration": 1, "currentNumberScheduled": count, "desiredNumberScheduled": count, "numberAvailable": count,
        "numberMisscheduled": 0, "numberReady": count, "updatedNumberScheduled": count,
    });
    assert_eq!(set["status"], expected);
}

async fn an_update_keeps_to_its_share(world: World) {
    settled(&world, daemonset("log", "1")).await;
    let count = nodes(&world).await.len();
    let list = world.get(&world.path("pods")).await.ok(200);
    let mut watch = world.watch("pods", &format!("resourceVersion={}", text(&list, "/metadata/resourceVersion"))).await;
    let mut pods: std::collections::BTreeMap<String, bool> =
        list["items"].as_array().unwrap().iter().map(|it| (name(it).to_owned(), is_ready(it))).collect();
    retag(&world, "daemonsets/log", "2").await;
    let (mut fewest, mut new) = (count, std::collections::BTreeSet::new());
    while new.len() < count {
        let event = watch.next().await.unwrap();
        let pod = &event["object"];
        let is_up = event["type"] != "DELETED" && is_ready(pod);
        pods.insert(name(pod).to_owned(), is_up);
        if is_up && image(pod) == "2" {
            new.insert(name(pod).to_owned());
        }
        fewest = fewest.min(pods.values().filter(|it| **it).count());
    }
    assert_eq!(fewest, count - 1);
    rolled_out(&world).await;
}

async fn a_broken_update_stops(world: World) {
    settled(&world, daemonset("log", "1")).await;
    let count = nodes(&world).await.len() as i64;
    retag(&world, "daemonsets/log", "2-nopull").await;
    let is_stuck = |it: &Value| number(it, "/status/updatedNumberScheduled") == 1 && number(it, "/status/numberUnavailable") == 1;
    world.once("it is stuck", "daemonsets/log", is_stuck).await;
    stays(&world, "the others stay", "pods", |all| all.iter().filter(|it| image(it) == "1" && is_ready(it)).count() as i64 == count - 1)
        .await;
    // Unlike a StatefulSet, it replaces what does not run.
    retag(&world, "daemonsets/log", "3").await;
    rolled_out(&world).await;
}

async fn on_delete_waits_for_somebody(world: World) {
    settled(&world, with(daemonset("log", "1"), &[("/spec/updateStrategy", json!({ "type": "OnDelete" }))])).await;
    retag(&world, "daemonsets/log", "2").await;
    stays(&world, "nothing is updated", "pods", |all| all.iter().all(|it| image(it) == "1" && !is_deleting(it))).await;
    let first = world.all("pods").await[0].clone();
    world.delete(&world.path(&format!("pods/{}", name(&first))), &json!({})).await.ok(200);
    let is_new = |it: &Value| image(it) == "2" && is_ready(it) && text(it, "/spec/nodeName") == text(&first, "/spec/nodeName");
    once_all(&world, "it is new", "pods", |all| all.iter().any(is_new)).await;
    assert_eq!(world.all("pods").await.iter().filter(|it| image(it) == "2").count(), 1);
}

async fn revisions(world: &World) -> Vec<Value> {
    let mut revisions = world.all("controllerrevisions").await;
    revisions.sort_by_key(|it| number(it, "/revision"));
    revisions
}

async fn revisions_hold_the_template(world: World) {
    let set = settled(&world, daemonset("log", "1")).await;
    retag(&world, "daemonsets/log", "2").await;
    rolled_out(&world).await;
    let revisions = revisions(&world).await;
    assert_eq!(revisions.iter().map(|it| number(it, "/revision")).collect::<Vec<_>>(), [1, 2]);
    let mut template = set["spec"]["template"].clone();
    template["$patch"] = json!("replace");
    assert_eq!(revisions[0]["data"], json!({ "spec": { "template": template } }));
    let hash = label(&revisions[1], REVISION);
    assert_eq!(name(&revisions[1]), format!("log-{hash}"));
    assert!(world.all("pods").await.iter().filter(|it| !is_deleting(it)).all(|it| label(it, REVISION) == hash));
}

async fn a_template_that_returns_is_renumbered(world: World) {
    let set = settled(&world, daemonset("log", "1")).await;
    retag(&world, "daemonsets/log", "2").await;
    rolled_out(&world).await;
    let first = revisions(&world).await[0].clone();
    world.patch(&world.path("daemonsets/log"), "strategic-merge", &first["data"]).await.ok(200);
    let done = rolled_out(&world).await;
    assert_eq!(done["spec"]["template"], set["spec"]["template"]);
    let after = revisions(&world).await;
    assert_eq!(after.iter().map(|it| number(it, "/revision")).collect::<Vec<_>>(), [2, 3]);
    assert_eq!(name(&after[1]), name(&first));
}
