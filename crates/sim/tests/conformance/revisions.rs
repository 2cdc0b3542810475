//! The ReplicaSets of a Deployment: revisions, what is copied to them, and the way back.

use crate::objects::{annotation, deployed, deployment, label, name, number, once_all, retag, rolled_out, text, with};
use crate::world::World;
use crate::{Case, case};
use serde_json::{Value, json};

pub const CASES: &[Case] = &[
    case!(revisions_are_numbered),
    case!(a_replica_set_is_known_by_its_hash),
    case!(a_template_that_returns_gets_its_replica_set),
    case!(an_undo_by_the_portal_is_one_for_kubectl),
    case!(annotations_are_copied),
    case!(a_restart_is_a_revision),
    case!(only_so_many_revisions_are_kept),
    case!(a_rollout_in_the_middle_of_another),
];

const REVISION: &str = "deployment.kubernetes.io/revision";
const CAUSE: &str = "kubernetes.io/change-cause";

/// The ReplicaSet that has this revision.
async fn of_revision(world: &World, revision: &str) -> Value {
    let sets =
        once_all(world, "the revision is there", "replicasets", |all| all.iter().any(|it| annotation(it, REVISION) == revision)).await;
    sets.into_iter().find(|it| annotation(it, REVISION) == revision).unwrap()
}

async fn revisions_are_numbered(world: World) {
    let it = deployed(&world, deployment("api", "1", 1)).await;
    assert_eq!(annotation(&it, REVISION), "1");
    for (tag, revision) in [("2", "2"), ("3", "3")] {
        retag(&world, "deployments/api", tag).await;
        let it = rolled_out(&world, "api").await;
        assert_eq!(annotation(&it, REVISION), revision);
        let set = of_revision(&world, revision).await;
        assert_eq!(text(&set, crate::objects::IMAGE), crate::objects::image(tag));
    }
    let old = of_revision(&world, "1").await;
    assert_eq!((number(&old, "/spec/replicas"), world.all("replicasets").await.len()), (0, 3));
}

async fn a_replica_set_is_known_by_its_hash(world: World) {
    let it = deployed(&world, deployment("api", "1", 1)).await;
    let set = &world.all("replicasets").await[0];
    let hash = label(set, "pod-template-hash");
    assert_eq!(name(set), format!("api-{hash}"));
    assert_eq!(set["spec"]["selector"]["matchLabels"], json!({ "app": "api", "pod-template-hash": hash }));
    assert_eq!(set["spec"]["template"]["metadata"]["labels"], json!({ "app": "api", "pod-template-hash": hash }));
    let owner = json!([{
        "apiVersion": "apps/v1", "kind": "Deployment", "name": "api", "uid": it["metadata"]["uid"], "controller": true,
        "blockOwnerDeletion": true,
    }]);
    assert_eq!(set["metadata"]["ownerReferences"], owner);
    let pod = &world.all("pods").await[0];
    assert!(name(pod).starts_with(&format!("{}-", name(set))) && name(pod).len() == name(set).len() + 6, "{}", name(pod));
    assert_eq!(crate::objects::own_labels(pod), json!({ "app": "api", "pod-template-hash": hash }));
    assert_eq!((text(pod, "/metadata/ownerReferences/0/kind"), text(pod, "/metadata/ownerReferences/0/name")), ("ReplicaSet", name(set)));
    assert_eq!(text(pod, "/metadata/generateName"), format!("{}-", name(set)));
}

async fn a_template_that_returns_gets_its_replica_set(world: World) {
    deployed(&world, deployment("api", "1", 1)).await;
    let first = of_revision(&world, "1").await;
    for tag in ["2", "1"] {
        retag(&world, "deployments/api", tag).await;
        rolled_out(&world, "api").await;
    }
    let again = of_revision(&world, "3").await;
    assert_eq!((name(&again), &again["metadata"]["uid"]), (name(&first), &first["metadata"]["uid"]));
    assert_eq!(annotation(&again, "deployment.kubernetes.io/revision-history"), "1");
    let sets = world.all("replicasets").await;
    let mut revisions: Vec<&str> = sets.iter().map(|it| annotation(it, REVISION)).collect();
    revisions.sort_unstable();
    assert_eq!(revisions, ["2", "3"]);
}

/// What kubectl and the portal do: the template of a ReplicaSet, without its hash, back into the Deployment.
async fn an_undo_by_the_portal_is_one_for_kubectl(world: World) {
    let created = deployed(&world, deployment("api", "1", 1)).await;
    retag(&world, "deployments/api", "2").await;
    rolled_out(&world, "api").await;
    let mut template = of_revision(&world, "1").await["spec"]["template"].clone();
    template["metadata"]["labels"].as_object_mut().unwrap().remove("pod-template-hash");
    assert_eq!(template, created["spec"]["template"]);
    let operations = json!([{ "op": "replace", "path": "/spec/template", "value": template }]);
    world.patch(&world.path("deployments/api"), "json", &operations).await.ok(200);
    let done = rolled_out(&world, "api").await;
    assert_eq!((annotation(&done, REVISION), world.all("replicasets").await.len()), ("3", 2));
}

async fn annotations_are_copied(world: World) {
    let annotations = json!({ CAUSE: "c-1", "example.com/team": "core", "kubectl.kubernetes.io/last-applied-configuration": "{}" });
    deployed(&world, with(deployment("api", "1", 1), &[("/metadata/annotations", annotations)])).await;
    let set = of_revision(&world, "1").await;
    assert_eq!((annotation(&set, CAUSE), annotation(&set, "example.com/team")), ("c-1", "core"));
    assert_eq!(set["metadata"]["annotations"].get("kubectl.kubernetes.io/last-applied-configuration"), None);
    let mut next = crate::objects::retagged("2");
    next["metadata"] = json!({ "annotations": { CAUSE: "c-2" } });
    world.patch(&world.path("deployments/api"), "strategic-merge", &next).await.ok(200);
    rolled_out(&world, "api").await;
    assert_eq!(annotation(&of_revision(&world, "2").await, CAUSE), "c-2");
    assert_eq!(annotation(&of_revision(&world, "1").await, CAUSE), "c-1");
    // Without a new template, the newest ReplicaSet follows.
    world.merge("deployments/api", json!({ "metadata": { "annotations": { CAUSE: "c-3", "example.com/team": null } } })).await;
    let is_copied = |all: &[Value]| all.iter().any(|it| annotation(it, REVISION) == "2" && annotation(it, CAUSE) == "c-3");
    once_all(&world, "it is copied", "replicasets", is_copied).await;
    assert_eq!(world.all("replicasets").await.len(), 2);
}

async fn a_restart_is_a_revision(world: World) {
    deployed(&world, deployment("api", "1", 1)).await;
    let restarted = json!({ "spec": { "template": { "metadata": { "annotations": { "kubectl.kubernetes.io/restartedAt": "c-1" } } } } });
    world.patch(&world.path("deployments/api"), "strategic-merge", &restarted).await.ok(200);
    let it = rolled_out(&world, "api").await;
    assert_eq!(annotation(&it, REVISION), "2");
    let is_new = |all: &[Value]| all.len() == 1 && annotation(&all[0], "kubectl.kubernetes.io/restartedAt") == "c-1";
    once_all(&world, "its pods say so", "pods", is_new).await;
}

async fn only_so_many_revisions_are_kept(world: World) {
    deployed(&world, with(deployment("api", "1", 1), &[("/spec/revisionHistoryLimit", json!(1))])).await;
    for tag in ["2", "3", "4"] {
        retag(&world, "deployments/api", tag).await;
        rolled_out(&world, "api").await;
    }
    let sets = once_all(&world, "the old ones are gone", "replicasets", |all| all.len() == 2).await;
    let mut revisions: Vec<&str> = sets.iter().map(|it| annotation(it, REVISION)).collect();
    revisions.sort_unstable();
    assert_eq!(revisions, ["3", "4"]);
}

async fn a_rollout_in_the_middle_of_another(world: World) {
    deployed(&world, deployment("api", "1", 2)).await;
    retag(&world, "deployments/api", "2-nopull").await;
    of_revision(&world, "2").await;
    retag(&world, "deployments/api", "3").await;
    let it = rolled_out(&world, "api").await;
    assert_eq!(annotation(&it, REVISION), "3");
    let sets = world.all("replicasets").await;
    let sizes: i64 = sets.iter().map(|it| number(it, "/spec/replicas")).sum();
    assert_eq!((sets.len(), sizes), (3, 2));
}
