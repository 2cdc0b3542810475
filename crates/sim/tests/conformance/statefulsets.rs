//! StatefulSets: in order, by revision, and stuck where the real ones are stuck.

use crate::objects::{generation, is_deleting, is_ready, label, name, number, once_all, retag, statefulset, stays, text, with};
use crate::world::World;
use crate::{Case, case};
use serde_json::{Value, json};

pub const CASES: &[Case] = &[
    case!(pods_are_made_in_order),
    case!(pods_know_their_number),
    case!(an_update_goes_from_the_top_down),
    case!(a_status_tells_the_revisions),
    case!(a_partition_holds_back),
    case!(a_partition_of_zero_lets_go),
    case!(on_delete_waits_for_somebody),
    case!(a_broken_pod_blocks_the_repair),
    case!(it_scales_down_from_the_top),
    case!(parallel_pods_do_not_wait),
    case!(revisions_hold_the_template),
    case!(a_template_that_returns_is_renumbered),
    case!(only_so_many_revisions_are_kept),
];

const REVISION: &str = "controller-revision-hash";

/// As `kubectl rollout status` decides.
fn is_rolled_out(it: &Value) -> bool {
    let wanted = number(it, "/spec/replicas");
    number(it, "/status/observedGeneration") >= generation(it)
        && ["replicas", "readyReplicas"].iter().all(|field| number(it, &format!("/status/{field}")) == wanted)
        && text(it, "/status/updateRevision") == text(it, "/status/currentRevision")
}

async fn settled(world: &World, object: Value) -> Value {
    world.create("statefulsets", object).await;
    rolled_out(world).await
}

async fn rolled_out(world: &World) -> Value {
    world.once("the StatefulSet has rolled out", "statefulsets/db", is_rolled_out).await
}

fn image(pod: &Value) -> &str {
    text(pod, "/spec/containers/0/image").trim_start_matches("repo/api:")
}

async fn images(world: &World) -> Vec<String> {
    world.all("pods").await.iter().map(|it| image(it).to_owned()).collect()
}

async fn pods_are_made_in_order(world: World) {
    let from = world.version("pods").await;
    let mut watch = world.watch("pods", &format!("resourceVersion={from}")).await;
    world.create("statefulsets", statefulset("db", "1", 3)).await;
    let events = watch.until(|it| name(&it["object"]) == "db-2" && is_ready(&it["object"])).await;
    let first = |wanted: &dyn Fn(&Value) -> bool| events.iter().position(wanted).unwrap();
    for (before, after) in [("db-0", "db-1"), ("db-1", "db-2")] {
        let ready = first(&|it| name(&it["object"]) == before && is_ready(&it["object"]));
        let made = first(&|it| name(&it["object"]) == after);
        assert!(ready < made, "{after} was made before {before} was ready");
    }
}

async fn pods_know_their_number(world: World) {
    let set = settled(&world, statefulset("db", "1", 2)).await;
    let pods = world.all("pods").await;
    for (number, pod) in pods.iter().enumerate() {
        assert_eq!(name(pod), format!("db-{number}"));
        let labels = json!({
            "app": "db", REVISION: set["status"]["updateRevision"], "statefulset.kubernetes.io/pod-name": name(pod),
            "apps.kubernetes.io/pod-index": number.to_string(),
        });
        assert_eq!(crate::objects::own_labels(pod), labels);
        assert_eq!((text(pod, "/spec/hostname"), text(pod, "/spec/subdomain")), (name(pod), "db"));
        assert_eq!(text(pod, "/metadata/ownerReferences/0/kind"), "StatefulSet");
        assert_eq!(text(pod, "/metadata/generateName"), "db-");
    }
}

async fn an_update_goes_from_the_top_down(world: World) {
    settled(&world, statefulset("db", "1", 3)).await;
    let from = world.version("pods").await;
    let mut watch = world.watch("pods", &format!("resourceVersion={from}")).await;
    retag(&world, "statefulsets/db", "2").await;
    let events = watch.until(|it| name(&it["object"]) == "db-0" && image(&it["object"]) == "2" && is_ready(&it["object"])).await;
    let is_made = |it: &&Value| it["type"] == "ADDED";
    assert_eq!(events.iter().filter(is_made).map(|it| name(&it["object"])).collect::<Vec<_>>(), ["db-2", "db-1", "db-0"]);
    // One at a time: each is ready before the next one goes.
    let position = |wanted: &dyn Fn(&Value) -> bool| events.iter().position(wanted).unwrap();
    let ready = position(&|it| name(&it["object"]) == "db-2" && image(&it["object"]) == "2" && is_ready(&it["object"]));
    let next = position(&|it| name(&it["object"]) == "db-1" && is_deleting(&it["object"]));
    assert!(ready < next);
    rolled_out(&world).await;
}

async fn a_status_tells_the_revisions(world: World) {
    let before = settled(&world, statefulset("db", "1", 2)).await;
    let first = text(&before, "/status/currentRevision").to_owned();
    let expected = json!({
        "observedGeneration": 1, "replicas": 2, "readyReplicas": 2, "availableReplicas": 2, "currentReplicas": 2, "updatedReplicas": 2,
        "currentRevision": first, "updateRevision": first, "collisionCount": 0,
    });
    assert_eq!(before["status"], expected);
    retag(&world, "statefulsets/db", "2").await;
    let is_half = |it: &Value| number(it, "/status/updatedReplicas") == 1;
    let half = world.once("it is half way", "statefulsets/db", is_half).await;
    assert_eq!(text(&half, "/status/currentRevision"), first);
    assert_ne!(text(&half, "/status/updateRevision"), first);
    let done = rolled_out(&world).await;
    assert_ne!(text(&done, "/status/currentRevision"), first);
    assert_eq!((number(&done, "/status/currentReplicas"), number(&done, "/status/updatedReplicas")), (2, 2));
}

fn partitioned(partition: i64) -> Value {
    json!({ "type": "RollingUpdate", "rollingUpdate": { "partition": partition } })
}

async fn a_partition_holds_back(world: World) {
    settled(&world, with(statefulset("db", "1", 3), &[("/spec/updateStrategy", partitioned(2))])).await;
    retag(&world, "statefulsets/db", "2").await;
    let pods = once_all(&world, "the last is new", "pods", |all| all.len() == 3 && image(&all[2]) == "2" && is_ready(&all[2])).await;
    assert_eq!(pods.iter().map(image).collect::<Vec<_>>(), ["1", "1", "2"]);
    let set = world
        .once("it counts", "statefulsets/db", |it| number(it, "/status/updatedReplicas") == 1 && number(it, "/status/readyReplicas") == 3)
        .await;
    assert_eq!(number(&set, "/status/currentReplicas"), 2);
    assert_ne!(text(&set, "/status/currentRevision"), text(&set, "/status/updateRevision"));
    // A pod below the partition comes back as it was.
    world.delete(&world.path("pods/db-0"), &json!({})).await.ok(200);
    let is_back = |all: &[Value]| all.len() == 3 && all.iter().all(is_ready);
    let pods = once_all(&world, "it is back", "pods", is_back).await;
    assert_eq!(pods.iter().map(image).collect::<Vec<_>>(), ["1", "1", "2"]);
}

async fn a_partition_of_zero_lets_go(world: World) {
    settled(&world, with(statefulset("db", "1", 2), &[("/spec/updateStrategy", partitioned(2))])).await;
    retag(&world, "statefulsets/db", "2").await;
    stays(&world, "nothing is updated", "pods", |all| all.iter().all(|it| image(it) == "1")).await;
    world.merge("statefulsets/db", json!({ "spec": { "updateStrategy": partitioned(0) } })).await;
    rolled_out(&world).await;
    assert_eq!(images(&world).await, ["2", "2"]);
}

async fn on_delete_waits_for_somebody(world: World) {
    settled(&world, with(statefulset("db", "1", 2), &[("/spec/updateStrategy", json!({ "type": "OnDelete" }))])).await;
    retag(&world, "statefulsets/db", "2").await;
    stays(&world, "nothing is updated", "pods", |all| all.iter().all(|it| image(it) == "1")).await;
    world.delete(&world.path("pods/db-0"), &json!({})).await.ok(200);
    once_all(&world, "it is new", "pods", |all| all.len() == 2 && image(&all[0]) == "2" && is_ready(&all[0])).await;
    assert_eq!(images(&world).await, ["2", "1"]);
    let set = world.once("it counts", "statefulsets/db", |it| number(it, "/status/updatedReplicas") == 1).await;
    assert_ne!(text(&set, "/status/currentRevision"), text(&set, "/status/updateRevision"));
}

async fn a_broken_pod_blocks_the_repair(world: World) {
    settled(&world, statefulset("db", "1", 2)).await;
    retag(&world, "statefulsets/db", "2-nopull").await;
    let is_broken = |it: &Value| text(it, "/status/containerStatuses/0/state/waiting/reason") == "ImagePullBackOff";
    once_all(&world, "it is broken", "pods", |all| all.len() == 2 && is_broken(&all[1])).await;
    retag(&world, "statefulsets/db", "3").await;
    stays(&world, "nobody repairs it", "pods", |all| all.len() == 2 && is_broken(&all[1])).await;
    world.delete(&world.path("pods/db-1"), &json!({})).await.ok(200);
    rolled_out(&world).await;
    assert_eq!(images(&world).await, ["3", "3"]);
}

async fn it_scales_down_from_the_top(world: World) {
    settled(&world, statefulset("db", "1", 3)).await;
    world.merge("statefulsets/db", json!({ "spec": { "replicas": 1 } })).await;
    let pods = once_all(&world, "one is left", "pods", |all| all.len() == 1).await;
    assert_eq!(name(&pods[0]), "db-0");
    let set = rolled_out(&world).await;
    assert_eq!(number(&set, "/status/currentReplicas"), 1);
}

async fn parallel_pods_do_not_wait(world: World) {
    let object = with(statefulset("db", "1-nopull", 3), &[("/spec/podManagementPolicy", json!("Parallel"))]);
    world.create("statefulsets", object).await;
    once_all(&world, "all three are there", "pods", |all| all.len() == 3).await;
}

async fn revisions_hold_the_template(world: World) {
    let set = settled(&world, statefulset("db", "1", 1)).await;
    retag(&world, "statefulsets/db", "2").await;
    rolled_out(&world).await;
    let mut revisions = world.all("controllerrevisions").await;
    revisions.sort_by_key(|it| number(it, "/revision"));
    assert_eq!(revisions.iter().map(|it| number(it, "/revision")).collect::<Vec<_>>(), [1, 2]);
    let mut template = set["spec"]["template"].clone();
    template["$patch"] = json!("replace");
    assert_eq!(revisions[0]["data"], json!({ "spec": { "template": template } }));
    assert_eq!(name(&revisions[0]), text(&set, "/status/updateRevision"));
    let hash = label(&revisions[0], "controller.kubernetes.io/hash");
    assert!(!hash.is_empty() && name(&revisions[0]) == format!("db-{hash}"));
    assert_eq!(label(&revisions[0], "app"), "db");
    let owner = &revisions[0]["metadata"]["ownerReferences"][0];
    assert_eq!((text(owner, "/kind"), &owner["uid"], &owner["controller"]), ("StatefulSet", &set["metadata"]["uid"], &json!(true)));
}

async fn a_template_that_returns_is_renumbered(world: World) {
    let set = settled(&world, statefulset("db", "1", 1)).await;
    let first = text(&set, "/status/updateRevision").to_owned();
    retag(&world, "statefulsets/db", "2").await;
    rolled_out(&world).await;
    let revision = world.read(&format!("controllerrevisions/{first}")).await;
    // As kubectl and the portal undo: the revision's data is a strategic merge patch.
    world.patch(&world.path("statefulsets/db"), "strategic-merge", &revision["data"]).await.ok(200);
    let done = rolled_out(&world).await;
    assert_eq!((text(&done, "/status/updateRevision"), &done["spec"]["template"]), (first.as_str(), &set["spec"]["template"]));
    let revisions = world.all("controllerrevisions").await;
    let mut numbers: Vec<i64> = revisions.iter().map(|it| number(it, "/revision")).collect();
    numbers.sort_unstable();
    assert_eq!((numbers.as_slice(), images(&world).await), ([2, 3].as_slice(), vec!["1".to_owned()]));
    assert_eq!(number(&world.read(&format!("controllerrevisions/{first}")).await, "/revision"), 3);
}

async fn only_so_many_revisions_are_kept(world: World) {
    settled(&world, with(statefulset("db", "1", 1), &[("/spec/revisionHistoryLimit", json!(1))])).await;
    for tag in ["2", "3", "4"] {
        retag(&world, "statefulsets/db", tag).await;
        rolled_out(&world).await;
    }
    let left = once_all(&world, "the old ones are gone", "controllerrevisions", |all| all.len() == 2).await;
    let mut numbers: Vec<i64> = left.iter().map(|it| number(it, "/revision")).collect();
    numbers.sort_unstable();
    assert_eq!(numbers, [3, 4]);
}
