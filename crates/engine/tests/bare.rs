//! Pods and ReplicaSets that no workload made, on a simulated cluster: listed with what they say, and never twice.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

mod support;

use domain::clusters::{BarePod, BareSet, Inventory};
use serde_json::{Value, json};
use sim::Match;
use support::{World, actor, eventually};

const NAMESPACE: &str = "devmatrix";

async fn inventory(world: &World) -> Inventory {
    world.engine.environment(&actor("viv"), "prod").await.unwrap().inventory
}

fn spec(tag: &str) -> Value {
    json!({"containers": [{"name": "it", "image": format!("registry.devmatrix.example/mirror/tool:{tag}")}]})
}

fn pod(name: &str, tag: &str) -> Value {
    json!({"apiVersion": "v1", "kind": "Pod", "metadata": {"name": name, "namespace": NAMESPACE}, "spec": spec(tag)})
}

/// The same, made by something.
fn made_by(mut pod: Value, version: &str, kind: &str, name: &str) -> Value {
    pod["metadata"]["ownerReferences"] =
        json!([{"apiVersion": version, "kind": kind, "name": name, "uid": format!("uid-{name}"), "controller": true}]);
    pod
}

fn replica_set(name: &str, tag: &str) -> Value {
    let labels = json!({"app": name});
    json!({
        "apiVersion": "apps/v1", "kind": "ReplicaSet", "metadata": {"name": name, "namespace": NAMESPACE},
        "spec": {"replicas": 2, "selector": {"matchLabels": labels}, "template": {"metadata": {"labels": labels}, "spec": spec(tag)}},
    })
}

fn named<'a>(pods: &'a [BarePod], name: &str) -> &'a BarePod {
    pods.iter().find(|pod| pod.name == name).unwrap_or_else(|| panic!("{name} in {pods:#?}"))
}

#[tokio::test(flavor = "multi_thread")]
async fn what_no_workload_made_is_listed_with_its_own_words() {
    let world = World::new().await;
    let before = inventory(&world).await;
    assert_eq!((before.pods.len(), before.replica_sets.len(), before.bare_known), (0, 0, true), "the Deployment's own are none of them");

    world.prod.apply(pod("left", "1.0")).unwrap();
    world.prod.apply(pod("broken", "1.0-nopull")).unwrap();
    world.prod.apply(made_by(pod("of-a-workflow", "1.0"), "argoproj.io/v1alpha1", "Workflow", "nightly")).unwrap();
    let mut mirror = made_by(pod("etcd-node-1", "1.0"), "v1", "Node", "node-1");
    mirror["metadata"]["annotations"] = json!({"kubernetes.io/config.mirror": "8f3a"});
    world.prod.apply(mirror).unwrap();
    world.prod.apply(made_by(pod("of-a-job", "1.0"), "batch/v1", "Job", "backup")).unwrap();
    world.prod.apply(replica_set("old", "1.0-nopull")).unwrap();

    let found = eventually("they are listed, and say what they have to say", || async {
        let found = inventory(&world).await;
        let said = found.pods.iter().any(|pod| pod.said.is_some()) && found.replica_sets.iter().any(|set| set.said.is_some());
        (found.pods.len() == 4 && said && found.pods.iter().filter(|pod| pod.ready).count() == 3).then_some(found)
    })
    .await;
    let names: Vec<&str> = found.pods.iter().map(|pod| pod.name.as_str()).collect();
    assert_eq!(names, ["broken", "etcd-node-1", "left", "of-a-workflow"], "what does not run first; a Job's pod is the Job's");
    let left = named(&found.pods, "left");
    assert_eq!((left.status.as_str(), left.ready, left.restarts, left.made_by.as_str(), left.mirror), ("Running", true, 0, "", false));
    assert_eq!(left.images, ["registry.devmatrix.example/mirror/tool:1.0"]);
    assert!(!left.node.is_empty() && left.said.is_none());
    let broken = named(&found.pods, "broken");
    let said = broken.said.as_ref().unwrap();
    assert_eq!((broken.ready, said.reason.as_str(), broken.status.as_str()), (false, "ImagePullBackOff", "ImagePullBackOff"));
    assert!(said.message.contains("tool:1.0-nopull"), "{said:?}");
    assert_eq!(named(&found.pods, "of-a-workflow").made_by, "Workflow/nightly");
    let mirror = named(&found.pods, "etcd-node-1");
    assert_eq!((mirror.made_by.as_str(), mirror.mirror), ("Node/node-1", true));

    let [BareSet { set, said }] = found.replica_sets.as_slice() else { panic!("{:#?}", found.replica_sets) };
    assert_eq!((set.name.as_str(), set.desired, set.ready, set.made_by.as_str()), ("old", 2, 0, ""));
    assert_eq!(said.as_ref().unwrap().reason, "ImagePullBackOff");

    let answer = serde_json::to_value(&found).unwrap();
    assert_eq!((answer["pods"][2]["name"].as_str(), answer["replica_sets"][0]["name"].as_str()), (Some("left"), Some("old")));
    assert_eq!(answer["replica_sets"][0].get("uid"), None);

    world.prod.delete("pods", NAMESPACE, "left").unwrap();
    world.prod.delete("replicasets", NAMESPACE, "old").unwrap();
    eventually("what is deleted is not listed", || async {
        let found = inventory(&world).await;
        (found.pods.len() == 3 && found.replica_sets.is_empty()).then_some(())
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_pod_that_its_set_lets_go_is_its_own_and_counts_no_longer() {
    let world = World::new().await;
    let victim = world.prod.list("pods", NAMESPACE).remove(0);
    let name = victim["metadata"]["name"].as_str().unwrap();
    let mut loose = victim.clone();
    loose["metadata"]["ownerReferences"] = json!([]);
    loose["metadata"]["labels"] = json!({"debug": "true"});
    world.prod.apply(loose).unwrap();
    let pods = eventually("it is listed for itself, and another takes its place", || async {
        let bare = inventory(&world).await.pods;
        let view = world.engine.component(&actor("viv"), "api").await.unwrap();
        let here = view.environments.into_iter().find(|here| here.environment.name == "prod").unwrap();
        (bare.len() == 1 && here.pods.len() == 3 && here.pods.iter().all(|pod| pod.ready)).then_some(here.pods)
    })
    .await;
    assert!(pods.iter().all(|pod| pod.name != name), "{name} is counted twice");
    assert_eq!(inventory(&world).await.pods[0].name, name);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_set_that_its_deployment_lets_go_is_listed_until_one_takes_it_up() {
    let world = World::new().await;
    world.prod.apply(replica_set("loose", "1.0")).unwrap();
    let set = eventually("it is listed", || async { inventory(&world).await.replica_sets.pop() }).await;
    assert_eq!((set.set.name.as_str(), set.said), ("loose", None));
    let deployment = world.prod.get("deployments", NAMESPACE, "devmatrix-api").unwrap();
    let mut owned = world.prod.get("replicasets", NAMESPACE, "loose").unwrap();
    owned["metadata"]["annotations"] = json!({"deployment.kubernetes.io/revision": "9"});
    let uid = deployment["metadata"]["uid"].clone();
    owned["metadata"]["ownerReferences"] =
        json!([{"apiVersion": "apps/v1", "kind": "Deployment", "name": "devmatrix-api", "uid": uid, "controller": true}]);
    world.prod.apply(owned).unwrap();
    eventually("it is the Deployment's", || async { inventory(&world).await.replica_sets.is_empty().then_some(()) }).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn nothing_is_not_said_of_what_may_not_be_read() {
    let world = World::new().await;
    world.prod.faults().forbid(Match::on("list", "replicasets"));
    world.prod.compact();
    world.prod.faults().expire_watches();
    let found = eventually("the right is missing", || async {
        let found = inventory(&world).await;
        (!found.bare_known).then_some(found)
    })
    .await;
    assert_eq!(found.forbidden, ["the portal may not list and watch replicasets in devmatrix"]);
}
