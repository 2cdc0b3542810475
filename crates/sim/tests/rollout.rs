//! Deployments on a clock that is moved by hand: what the controller does, step by step.

// A test says what is wrong by panicking.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

mod support;

use serde_json::{Value, json};
use sim::Cluster;
use std::time::Duration;
use support::{condition, containers, deployment, manual, sets, with};

fn api(cluster: &Cluster) -> Value {
    cluster.get("deployments", "shop", "api").unwrap()
}

fn settled(object: Value) -> Cluster {
    let cluster = manual();
    cluster.apply(object).unwrap();
    cluster.settle();
    cluster
}

/// Every distinct state of the ReplicaSets until the cluster is at rest.
fn steps(cluster: &Cluster) -> Vec<Vec<(i64, i64, i64)>> {
    let mut seen = vec![sets(cluster)];
    for _ in 0..2_000 {
        let done = condition(&api(cluster), "Progressing").1 == "NewReplicaSetAvailable";
        if (seen.len() > 1 && done) || !cluster.step() {
            return seen;
        }
        let now = sets(cluster);
        if seen.last() != Some(&now) {
            seen.push(now);
        }
    }
    panic!("never at rest: {seen:?}");
}

#[test]
fn status_lags_behind_the_spec() {
    let cluster = settled(deployment("api", "1", 2));
    cluster.apply(deployment("api", "2", 2)).unwrap();
    let api_now = api(&cluster);
    assert_eq!((api_now["metadata"]["generation"].clone(), api_now["status"]["observedGeneration"].clone()), (json!(2), json!(1)));
    cluster.settle();
    assert_eq!(api(&cluster)["status"]["observedGeneration"], 2);
}

#[test]
fn a_rolling_update_keeps_to_surge_and_unavailable() {
    let cluster = settled(deployment("api", "1", 4));
    assert_eq!(sets(&cluster), [(1, 4, 4)]);
    cluster.apply(deployment("api", "2", 4)).unwrap();
    let steps = steps(&cluster);
    let mut sizes: Vec<(i64, i64)> = steps.iter().filter(|it| it.len() == 2).map(|it| (it[0].1, it[1].1)).collect();
    // One more than wanted may exist, one less than wanted may be available.
    for step in &steps {
        let total: i64 = step.iter().map(|it| it.1).sum();
        let available: i64 = step.iter().map(|it| it.2).sum();
        assert!(total <= 5 && available >= 3, "{step:?}");
    }
    sizes.dedup();
    assert_eq!(sizes, [(3, 1), (3, 2), (2, 2), (2, 3), (1, 3), (1, 4), (0, 4)]);
    assert_eq!(sets(&cluster), [(1, 0, 0), (2, 4, 4)]);
}

#[test]
fn fixed_numbers_without_surge_go_down_first() {
    let rolling = [("/spec/strategy", json!({ "rollingUpdate": { "maxSurge": 0, "maxUnavailable": 2 } }))];
    let cluster = settled(with(deployment("api", "1", 4), &rolling));
    cluster.apply(with(deployment("api", "2", 4), &rolling)).unwrap();
    let steps = steps(&cluster);
    for step in &steps {
        let total: i64 = step.iter().map(|it| it.1).sum();
        let available: i64 = step.iter().map(|it| it.2).sum();
        assert!(total <= 4 && available >= 2, "{step:?}");
    }
    assert_eq!(sets(&cluster), [(1, 0, 0), (2, 4, 4)]);
}

#[test]
fn conditions_tell_the_story_of_a_rollout() {
    let cluster = settled(deployment("api", "1", 2));
    assert_eq!(condition(&api(&cluster), "Available").1, "MinimumReplicasAvailable");
    cluster.apply(deployment("api", "2", 2)).unwrap();
    let mut reasons = vec![condition(&api(&cluster), "Progressing").1];
    while reasons.len() < 4 {
        assert!(cluster.step(), "{reasons:?}");
        let reason = condition(&api(&cluster), "Progressing").1;
        if reasons.last() != Some(&reason) {
            reasons.push(reason);
        }
    }
    assert_eq!(reasons, ["NewReplicaSetAvailable", "NewReplicaSetCreated", "ReplicaSetUpdated", "NewReplicaSetAvailable"]);
    let messages: Vec<String> = cluster
        .list("events", "shop")
        .iter()
        .filter(|it| it["reason"] == "ScalingReplicaSet")
        .map(|it| it["message"].as_str().unwrap().to_owned())
        .collect();
    assert!(messages.iter().any(|it| it.starts_with("Scaled up replica set api-") && it.ends_with("from 0 to 1")), "{messages:?}");
    assert!(messages.iter().any(|it| it.ends_with("from 1 to 0")), "{messages:?}");
}

#[test]
fn a_template_that_returns_gets_its_replica_set_and_a_new_revision() {
    let cluster = manual();
    for tag in ["1", "2", "3"] {
        let cause = format!("{tag} by Bea Lindholm");
        let annotated = with(deployment("api", tag, 2), &[("/metadata/annotations", json!({ "kubernetes.io/change-cause": cause }))]);
        cluster.apply(annotated).unwrap();
        cluster.settle();
    }
    let of_tag = |tag: &str| {
        let sets = cluster.list("replicasets", "shop");
        let image = format!("repo/api:{tag}");
        sets.into_iter().find(|it| it["spec"]["template"]["spec"]["containers"][0]["image"] == image.as_str()).unwrap()
    };
    let first = of_tag("1");
    assert_eq!(first["metadata"]["annotations"]["kubernetes.io/change-cause"], "1 by Bea Lindholm");
    cluster.apply(deployment("api", "1", 2)).unwrap();
    cluster.settle();
    let again = of_tag("1");
    assert_eq!(again["metadata"]["uid"], first["metadata"]["uid"]);
    assert_eq!(again["metadata"]["annotations"]["deployment.kubernetes.io/revision"], "4");
    assert_eq!(again["metadata"]["annotations"]["deployment.kubernetes.io/revision-history"], "1");
    assert_eq!(api(&cluster)["metadata"]["annotations"]["deployment.kubernetes.io/revision"], "4");
    assert_eq!(sets(&cluster), [(2, 0, 0), (3, 0, 0), (4, 2, 2)]);
    assert_eq!(again["metadata"]["ownerReferences"][0]["controller"], true);
    let hash = again["metadata"]["labels"]["pod-template-hash"].as_str().unwrap();
    assert_eq!(again["metadata"]["name"], format!("api-{hash}"));
}

#[test]
fn history_is_kept_up_to_the_limit() {
    let cluster = manual();
    for tag in ["1", "2", "3", "4", "5"] {
        cluster.apply(with(deployment("api", tag, 1), &[("/spec/revisionHistoryLimit", json!(2))])).unwrap();
        cluster.settle();
    }
    assert_eq!(sets(&cluster), [(3, 0, 0), (4, 0, 0), (5, 1, 1)]);
}

#[test]
fn recreate_ends_all_old_pods_before_the_first_new_one() {
    let recreate = [("/spec/strategy", json!({ "type": "Recreate" }))];
    let cluster = settled(with(deployment("api", "1", 3), &recreate));
    cluster.apply(with(deployment("api", "2", 3), &recreate)).unwrap();
    for _ in 0..1_000 {
        let pods = cluster.list("pods", "shop");
        let mut images: Vec<&Value> = pods.iter().map(|pod| &pod["spec"]["containers"][0]["image"]).collect();
        images.dedup();
        assert!(images.len() <= 1, "{images:?}");
        if condition(&api(&cluster), "Progressing").1 == "NewReplicaSetAvailable" && sets(&cluster).len() == 2 {
            break;
        }
        assert!(cluster.step());
    }
    assert_eq!(sets(&cluster), [(1, 0, 0), (2, 3, 3)]);
}

#[test]
fn a_paused_deployment_scales_but_does_not_roll() {
    let cluster = settled(deployment("api", "1", 2));
    let paused = with(deployment("api", "2", 3), &[("/spec/paused", json!(true))]);
    cluster.apply(paused).unwrap();
    cluster.settle();
    assert_eq!(sets(&cluster), [(1, 3, 3)]);
    assert_eq!(condition(&api(&cluster), "Progressing").1, "DeploymentPaused");
    cluster.apply(deployment("api", "2", 3)).unwrap();
    cluster.settle();
    assert_eq!(sets(&cluster), [(1, 0, 0), (2, 3, 3)]);
}

#[test]
fn scaling_in_the_middle_of_a_rollout_keeps_proportions() {
    let cluster = settled(deployment("api", "1", 10));
    cluster.apply(deployment("api", "2-nopull", 10)).unwrap();
    cluster.settle();
    // Surge 3, unavailable 2: eight old pods serve, five new ones cannot.
    assert_eq!(sets(&cluster), [(1, 8, 8), (2, 5, 0)]);
    cluster.apply(deployment("api", "2-nopull", 20)).unwrap();
    cluster.settle();
    // 12 more for 13 pods: the real controller's example in its documentation, by the same arithmetic.
    let total: i64 = sets(&cluster).iter().map(|it| it.1).sum();
    assert_eq!(total, 25);
    assert!(sets(&cluster)[0].1 > 8 && sets(&cluster)[1].1 > 5, "{:?}", sets(&cluster));
}

#[test]
fn pods_are_available_after_min_ready_seconds() {
    let slow = [("/spec/minReadySeconds", json!(30))];
    let cluster = manual();
    cluster.apply(with(deployment("api", "1", 1), &slow)).unwrap();
    cluster.advance(Duration::from_secs(10));
    assert_eq!(api(&cluster)["status"]["readyReplicas"], 1);
    assert_eq!(api(&cluster)["status"]["availableReplicas"], Value::Null);
    cluster.advance(Duration::from_secs(30));
    assert_eq!(api(&cluster)["status"]["availableReplicas"], 1);
}

#[test]
fn a_stuck_rollout_exceeds_its_deadline_and_the_old_pods_serve_on() {
    let cluster = settled(deployment("api", "1", 4));
    cluster.apply(with(deployment("api", "2-nopull", 4), &[("/spec/progressDeadlineSeconds", json!(60))])).unwrap();
    cluster.settle();
    assert_eq!(sets(&cluster), [(1, 3, 3), (2, 2, 0)]);
    assert_eq!(condition(&api(&cluster), "Progressing").0, "True");
    cluster.advance(Duration::from_secs(70));
    let (status, reason, message) = condition(&api(&cluster), "Progressing");
    assert_eq!((status.as_str(), reason.as_str()), ("False", "ProgressDeadlineExceeded"));
    assert!(message.starts_with("ReplicaSet \"api-") && message.ends_with("has timed out progressing."));
    assert_eq!(condition(&api(&cluster), "Available").0, "True");
    cluster.apply(deployment("api", "1", 4)).unwrap();
    cluster.settle();
    assert_eq!(sets(&cluster), [(2, 0, 0), (3, 4, 4)]);
    assert_eq!(condition(&api(&cluster), "Progressing").1, "NewReplicaSetAvailable");
}

#[test]
fn an_image_that_cannot_be_pulled_backs_off() {
    let cluster = settled(deployment("api", "1-nopull@sha256:00", 1));
    let waiting = &containers(&cluster)[0]["state"]["waiting"];
    assert_eq!(waiting["reason"], "ImagePullBackOff");
    assert_eq!(waiting["message"], "Back-off pulling image \"repo/api:1-nopull@sha256:00\"");
    let pod = &cluster.list("pods", "shop")[0];
    assert_eq!(pod["status"]["phase"], "Pending");
    let events = cluster.list("events", "shop");
    let of = |reason: &str| events.iter().filter(|it| it["reason"] == reason && it["involvedObject"]["kind"] == "Pod").count();
    assert_eq!((of("Scheduled"), of("Pulling"), of("BackOff")), (1, 1, 1));
    assert!(of("Failed") >= 2);
}

#[test]
fn a_container_that_crashes_is_restarted_ever_more_slowly() {
    let cluster = settled(deployment("api", "1-crash", 1));
    let back_off = |cluster: &Cluster| {
        let status = containers(cluster).remove(0);
        let message = status["state"]["waiting"]["message"].as_str().unwrap_or_default().to_owned();
        (status["restartCount"].as_i64().unwrap(), message, status)
    };
    let (restarts, message, status) = back_off(&cluster);
    let pod = cluster.list("pods", "shop").remove(0);
    let (name, uid) = (pod["metadata"]["name"].as_str().unwrap(), pod["metadata"]["uid"].as_str().unwrap());
    assert_eq!(restarts, 1);
    assert_eq!(message, format!("back-off 10s restarting failed container=api pod={name}_shop({uid})"));
    assert_eq!(status["state"]["waiting"]["reason"], "CrashLoopBackOff");
    assert_eq!(status["lastState"]["terminated"]["exitCode"], 1);
    assert_eq!(status["lastState"]["terminated"]["reason"], "Error");
    assert_eq!(pod["status"]["phase"], "Running");
    cluster.advance(Duration::from_secs(12));
    assert!(back_off(&cluster).1.starts_with("back-off 20s "));
    cluster.advance(Duration::from_secs(3_600));
    let (restarts, message, _) = back_off(&cluster);
    assert!(message.starts_with("back-off 5m0s "), "{message}");
    assert!((12..25).contains(&restarts), "{restarts}");
}

#[test]
fn a_slow_image_takes_fifteen_seconds() {
    let cluster = manual();
    cluster.apply(deployment("api", "1-slow", 1)).unwrap();
    cluster.advance(Duration::from_secs(12));
    assert_eq!(containers(&cluster)[0]["ready"], false);
    assert!(!containers(&cluster)[0]["state"]["running"].is_null());
    cluster.advance(Duration::from_secs(5));
    assert_eq!(containers(&cluster)[0]["ready"], true);
}

#[test]
fn an_image_may_be_missing_in_production_only() {
    let cluster = manual();
    let in_namespace = |namespace: &str| with(deployment("api", "1-prodnopull", 1), &[("/metadata/namespace", json!(namespace))]);
    for namespace in ["shop", "shop-staging"] {
        cluster.apply(in_namespace(namespace)).unwrap();
    }
    cluster.settle();
    let available = |namespace: &str| cluster.get("deploy", namespace, "api").unwrap()["status"]["availableReplicas"].clone();
    assert_eq!((available("shop"), available("shop-staging")), (Value::Null, json!(1)));
}

#[test]
fn the_same_tag_has_the_same_digest() {
    let cluster = settled(deployment("api", "7", 1));
    let id = containers(&cluster)[0]["imageID"].as_str().unwrap().to_owned();
    assert_eq!(id, sim::digest_of("repo/api:7"));
    assert!(id.starts_with("repo/api@sha256:"));
}

#[test]
fn pods_become_ready_soon_but_not_all_at_once() {
    let cluster = manual();
    let start = cluster.clock().now();
    cluster.apply(deployment("api", "1", 6)).unwrap();
    let mut ready_at = Vec::new();
    while ready_at.len() < 6 {
        assert!(cluster.step());
        let ready = containers(&cluster).iter().filter(|it| it["ready"] == true).count();
        let passed = cluster.clock().now().duration_since(start).as_millis();
        ready_at.resize(ready_at.len().max(ready), passed);
    }
    assert!(ready_at[0] >= 600 && ready_at[5] <= 2_100, "{ready_at:?}");
    assert!(ready_at[5] - ready_at[0] > 50, "{ready_at:?}");
}

#[test]
fn a_deleted_pod_is_replaced() {
    let cluster = settled(deployment("api", "1", 2));
    let victim = cluster.list("pods", "shop")[0]["metadata"]["name"].as_str().unwrap().to_owned();
    cluster.delete("pods", "shop", &victim).unwrap();
    assert!(cluster.get("pods", "shop", &victim).unwrap()["metadata"]["deletionTimestamp"].is_string());
    cluster.settle();
    assert!(cluster.get("pods", "shop", &victim).is_none());
    assert_eq!(api(&cluster)["status"]["availableReplicas"], 2);
}

#[test]
fn deleting_a_deployment_takes_everything_along() {
    let cluster = settled(deployment("api", "1", 2));
    cluster.delete("deployments", "shop", "api").unwrap();
    cluster.settle();
    assert!(cluster.list("replicasets", "shop").is_empty());
    assert!(cluster.list("pods", "shop").is_empty());
}

#[test]
fn a_pod_too_large_for_every_node_stays_pending() {
    let cluster = manual();
    let container = "/spec/template/spec/containers/0/resources";
    cluster.apply(with(deployment("api", "1", 1), &[(container, json!({ "requests": { "cpu": "64" } }))])).unwrap();
    cluster.settle();
    let pod = cluster.list("pods", "shop").remove(0);
    let (status, reason, message) = condition(&pod, "PodScheduled");
    assert_eq!((status.as_str(), reason.as_str()), ("False", "Unschedulable"));
    assert!(message.starts_with("0/3 nodes are available: 3 Insufficient cpu."));
}

#[test]
fn two_runs_are_the_same() {
    let run = || {
        let cluster = settled(deployment("api", "1", 3));
        cluster.apply(deployment("api", "2-crash", 3)).unwrap();
        cluster.advance(Duration::from_secs(100));
        let pods = cluster.list("pods", "shop");
        let facts = pods.iter().map(|it| (it["metadata"]["name"].clone(), it["status"]["containerStatuses"][0]["restartCount"].clone()));
        (facts.collect::<Vec<_>>(), cluster.revision())
    };
    assert_eq!(run(), run());
}
