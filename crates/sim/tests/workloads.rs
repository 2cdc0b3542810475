//! StatefulSets, DaemonSets and Jobs on a clock that is moved by hand.

// A test says what is wrong by panicking.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

mod support;

use serde_json::{Value, json};
use sim::Cluster;
use std::time::Duration;
use support::{condition, deployment, manual, with};

fn stateful(tag: &str, replicas: i64) -> Value {
    with(deployment("db", tag, replicas), &[("/kind", json!("StatefulSet")), ("/spec/serviceName", json!("db"))])
}

fn set(cluster: &Cluster) -> Value {
    cluster.get("statefulsets", "shop", "db").unwrap()
}

fn images(cluster: &Cluster) -> Vec<String> {
    let pods = cluster.list("pods", "shop");
    pods.iter().map(|it| it["spec"]["containers"][0]["image"].as_str().unwrap().to_owned()).collect()
}

fn settled(object: Value) -> Cluster {
    let cluster = manual();
    cluster.apply(object).unwrap();
    cluster.settle();
    cluster
}

#[test]
fn a_stateful_set_is_updated_from_the_top_one_by_one() {
    let cluster = settled(stateful("1", 3));
    let before = set(&cluster)["status"]["currentRevision"].clone();
    assert_eq!(set(&cluster)["status"]["readyReplicas"], 3);
    assert_eq!(before, set(&cluster)["status"]["updateRevision"]);
    cluster.apply(stateful("2", 3)).unwrap();
    let mut seen = Vec::new();
    for _ in 0..1_000 {
        let now = images(&cluster);
        if now.len() == 3 && seen.last() != Some(&now) {
            seen.push(now);
        }
        let status = set(&cluster)["status"].clone();
        assert!(status["readyReplicas"].as_i64().unwrap_or(0) >= 2, "{status}");
        if status["currentRevision"] == status["updateRevision"] && status["currentRevision"] != before {
            break;
        }
        assert!(cluster.step());
    }
    let tags: Vec<String> = seen.iter().map(|it| it.iter().map(|image| &image[9..]).collect()).collect();
    assert_eq!(tags, ["111", "112", "122", "222"]);
    assert_eq!(cluster.list("controllerrevisions", "shop").len(), 2);
}

#[test]
fn a_partition_keeps_the_lower_pods() {
    let partition = [("/spec/updateStrategy", json!({ "type": "RollingUpdate", "rollingUpdate": { "partition": 2 } }))];
    let cluster = settled(with(stateful("1", 3), &partition));
    cluster.apply(with(stateful("2", 3), &partition)).unwrap();
    cluster.settle();
    assert_eq!(images(&cluster), ["repo/api:1", "repo/api:1", "repo/api:2"]);
    assert_eq!(set(&cluster)["status"]["updatedReplicas"], 1);
    assert_ne!(set(&cluster)["status"]["updateRevision"], set(&cluster)["status"]["currentRevision"]);
}

#[test]
fn undo_does_not_heal_a_stuck_stateful_set_until_its_pod_is_deleted() {
    let cluster = settled(stateful("1", 2));
    cluster.apply(stateful("2-nopull", 2)).unwrap();
    cluster.settle();
    cluster.apply(stateful("1", 2)).unwrap();
    cluster.settle();
    assert_eq!(images(&cluster), ["repo/api:1", "repo/api:2-nopull"]);
    cluster.delete("pods", "shop", "db-1").unwrap();
    cluster.settle();
    assert_eq!(images(&cluster), ["repo/api:1", "repo/api:1"]);
    assert_eq!(set(&cluster)["status"]["readyReplicas"], 2);
    // The revision of the old template has the highest number again.
    let revisions = cluster.list("controllerrevisions", "shop");
    let newest = revisions.iter().max_by_key(|it| it["revision"].as_i64()).unwrap();
    assert_eq!(newest["data"]["spec"]["template"]["spec"]["containers"][0]["image"], "repo/api:1");
}

#[test]
fn a_stateful_set_scales_down_from_the_top() {
    let cluster = settled(stateful("1", 3));
    cluster.apply(stateful("1", 1)).unwrap();
    cluster.settle();
    let pods = cluster.list("pods", "shop");
    assert_eq!(pods.iter().map(|it| it["metadata"]["name"].clone()).collect::<Vec<_>>(), ["db-0"]);
}

#[test]
fn a_daemon_set_has_a_pod_on_every_node() {
    let mut agent = with(deployment("agent", "1", 0), &[("/kind", json!("DaemonSet"))]);
    agent["spec"].as_object_mut().unwrap().remove("replicas");
    let cluster = settled(agent.clone());
    let status = |cluster: &Cluster| cluster.get("ds", "shop", "agent").unwrap()["status"].clone();
    assert_eq!(status(&cluster)["numberReady"], 3);
    agent["spec"]["template"]["spec"]["containers"][0]["image"] = json!("repo/api:2");
    cluster.apply(agent).unwrap();
    for _ in 0..1_000 {
        let now = status(&cluster);
        assert!(now["numberAvailable"].as_i64().unwrap_or(0) >= 2, "{now}");
        if now["updatedNumberScheduled"] == 3 && now["numberAvailable"] == 3 && now["observedGeneration"] == 2 {
            break;
        }
        assert!(cluster.step());
    }
    assert_eq!(images(&cluster), ["repo/api:2"; 3]);
}

fn job(tag: &str) -> Value {
    json!({
        "apiVersion": "batch/v1", "kind": "Job", "metadata": { "name": "backup", "namespace": "shop" },
        "spec": { "backoffLimit": 1, "template": { "spec": {
            "restartPolicy": "Never", "containers": [{ "name": "run", "image": format!("repo/tool:{tag}") }],
        } } },
    })
}

#[test]
fn a_job_runs_to_its_end() {
    let cluster = settled(job("1"));
    let job = cluster.get("jobs", "shop", "backup").unwrap();
    assert_eq!(condition(&job, "Complete").0, "True");
    assert_eq!(job["status"]["succeeded"], 1);
    assert!(job["status"]["completionTime"].is_string());
    assert_eq!(cluster.list("pods", "shop")[0]["status"]["phase"], "Succeeded");
}

#[test]
fn a_job_that_fails_is_tried_again_and_given_up() {
    let cluster = settled(job("1-crash"));
    let job = cluster.get("jobs", "shop", "backup").unwrap();
    assert_eq!(condition(&job, "Failed").1, "BackoffLimitExceeded");
    assert_eq!(job["status"]["failed"], 2);
    assert_eq!(cluster.list("pods", "shop").len(), 2);
}

#[test]
fn events_fade_after_an_hour() {
    let cluster = settled(deployment("api", "1", 1));
    assert!(!cluster.list("events", "shop").is_empty());
    cluster.advance(Duration::from_secs(3_700));
    assert!(cluster.list("events", "shop").is_empty());
}

#[test]
fn a_load_is_healthy_and_stays_so() {
    let cluster = manual();
    sim::load::fill(&cluster, 120, 2);
    let before = cluster.revision();
    cluster.settle();
    assert_eq!(cluster.revision(), before);
    assert_eq!(cluster.list("deployments", "team-a").len(), 100);
    assert_eq!(cluster.list("deployments", "team-b").len(), 20);
    let one = cluster.get("deployments", "team-b", "load-0119").unwrap();
    assert_eq!(one["status"]["availableReplicas"], 2);
}
