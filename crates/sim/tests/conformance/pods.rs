//! Pods: their statuses on the way to ready and to failed, their logs, their events.

use crate::objects::{condition, deployed, deployment, is_ready, name, number, once_all, text, with};
use crate::world::World;
use crate::{Case, case};
use serde_json::{Value, json};

pub const CASES: &[Case] = &[
    case!(a_pod_becomes_ready),
    case!(a_pod_says_where_its_node_stands),
    case!(an_image_is_known_by_its_digest),
    case!(an_image_that_cannot_be_pulled),
    case!(a_container_that_crashes),
    case!(a_pod_that_fits_nowhere),
    case!(logs_are_text),
    case!(logs_of_what_is_missing),
    case!(logs_of_a_run_before),
    case!(an_event_is_about_its_pod),
    case!(a_pod_keeps_its_spec),
];

fn pod(tag: &str) -> Value {
    json!({
        "apiVersion": "v1", "kind": "Pod", "metadata": { "name": "one", "labels": { "app": "one" } },
        "spec": { "containers": [{ "name": "api", "image": format!("repo/api:{tag}") }] },
    })
}

async fn a_pod_becomes_ready(world: World) {
    let created = world.create("pods", pod("1")).await;
    assert_eq!((text(&created, "/status/phase"), text(&created, "/status/qosClass")), ("Pending", "BestEffort"));
    let ready = world.once("it is ready", "pods/one", is_ready).await;
    assert_eq!(text(&ready, "/status/phase"), "Running");
    for kind in ["PodScheduled", "Initialized", "ContainersReady", "Ready"] {
        assert_eq!(condition(&ready, kind).0, "True", "{kind}");
    }
    assert!(!text(&ready, "/spec/nodeName").is_empty() && !text(&ready, "/status/podIP").is_empty());
    assert!(!text(&ready, "/status/startTime").is_empty() && !text(&ready, "/status/hostIP").is_empty());
    let container = &ready["status"]["containerStatuses"][0];
    assert_eq!((text(container, "/name"), text(container, "/image"), number(container, "/restartCount")), ("api", "repo/api:1", 0));
    assert_eq!((&container["ready"], &container["started"]), (&json!(true), &json!(true)));
    assert!(!text(container, "/state/running/startedAt").is_empty());
}

async fn a_pod_says_where_its_node_stands(world: World) {
    world.create("pods", pod("1")).await;
    let pod = world.once("it is placed", "pods/one", |it| !text(it, "/spec/nodeName").is_empty()).await;
    let node = world.get(&format!("/api/v1/nodes/{}", text(&pod, "/spec/nodeName"))).await.ok(200);
    for label in ["topology.kubernetes.io/region", "topology.kubernetes.io/zone"] {
        assert_eq!(pod["metadata"]["labels"].get(label), node["metadata"]["labels"].get(label), "{label}");
    }
}

/// Both play pods by the same rule: see `end2end/controlplane/README.md`.
async fn an_image_is_known_by_its_digest(world: World) {
    let pinned = format!("repo/api:1@sha256:{}", "a".repeat(64));
    let mut object = pod("1");
    object["spec"]["containers"] = json!([{ "name": "a", "image": "repo/api:1" }, { "name": "b", "image": pinned }]);
    world.create("pods", object).await;
    let ready = world.once("it is ready", "pods/one", is_ready).await;
    let ids: Vec<&str> = ready["status"]["containerStatuses"].as_array().unwrap().iter().map(|it| text(it, "/imageID")).collect();
    assert_eq!(ids, [sim::digest_of("repo/api:1"), format!("repo/api@sha256:{}", "a".repeat(64))]);
}

async fn an_image_that_cannot_be_pulled(world: World) {
    world.create("pods", pod("1-nopull")).await;
    let waits = |reason: &'static str| move |it: &Value| text(it, "/status/containerStatuses/0/state/waiting/reason") == reason;
    let it = world.once("it backs off", "pods/one", waits("ImagePullBackOff")).await;
    let container = &it["status"]["containerStatuses"][0];
    assert!(text(container, "/state/waiting/message").starts_with("Back-off pulling image \"repo/api:1-nopull\""), "{container}");
    assert_eq!((text(&it, "/status/phase"), &container["ready"], text(container, "/imageID")), ("Pending", &json!(false), ""));
    assert_eq!((condition(&it, "Ready").0.as_str(), condition(&it, "Ready").1.as_str()), ("False", "ContainersNotReady"));
}

async fn a_container_that_crashes(world: World) {
    world.create("pods", pod("1-crash")).await;
    let is_looping = |it: &Value| {
        let container = &it["status"]["containerStatuses"][0];
        number(container, "/restartCount") >= 1 && text(container, "/state/waiting/reason") == "CrashLoopBackOff"
    };
    let it = world.once("it loops", "pods/one", is_looping).await;
    let container = &it["status"]["containerStatuses"][0];
    let last = &container["lastState"]["terminated"];
    assert_eq!((number(last, "/exitCode"), text(last, "/reason")), (1, "Error"));
    let message = text(container, "/state/waiting/message");
    assert!(message.starts_with("back-off ") && message.contains(" restarting failed container=api pod=one_"), "{message}");
    assert_eq!((text(&it, "/status/phase"), condition(&it, "Ready").0.as_str()), ("Running", "False"));
    world.once("it goes on", "pods/one", |it| number(it, "/status/containerStatuses/0/restartCount") >= 2).await;
}

async fn a_pod_that_fits_nowhere(world: World) {
    let mut object = pod("1");
    object["spec"]["containers"][0]["resources"] = json!({ "requests": { "cpu": "1000" } });
    world.create("pods", object).await;
    let it = world.once("it is not placed", "pods/one", |it| condition(it, "PodScheduled").0 == "False").await;
    let (_, reason, message) = condition(&it, "PodScheduled");
    assert_eq!((reason.as_str(), text(&it, "/status/phase"), text(&it, "/spec/nodeName")), ("Unschedulable", "Pending", ""));
    let nodes = world.get("/api/v1/nodes").await.ok(200)["items"].as_array().unwrap().len();
    assert!(message.starts_with(&format!("0/{nodes} nodes are available: {nodes} Insufficient cpu.")), "{message}");
    let query = "events?fieldSelector=involvedObject.name%3Done,reason%3DFailedScheduling";
    let events = once_all(&world, "an event says so", query, |all| !all.is_empty()).await;
    assert_eq!(text(&events[0], "/type"), "Warning");
}

async fn logs_are_text(world: World) {
    world.create("pods", pod("1")).await;
    world.once("it is ready", "pods/one", is_ready).await;
    let path = world.path("pods/one/log");
    let answer = world.get(&path).await;
    assert!(answer.content_type.starts_with("text/plain"), "{answer:?}");
    answer.ok(200);
    for query in ["?tailLines=1", "?container=api&limitBytes=10", "?timestamps=true&sinceSeconds=60"] {
        assert_eq!(world.get(&format!("{path}{query}")).await.code, 200, "{query}");
    }
    let lines = world.get(&format!("{path}?tailLines=1")).await.ok(200);
    assert!(lines.as_str().unwrap().lines().count() <= 1, "{lines}");
}

async fn logs_of_what_is_missing(world: World) {
    let answer = world.get(&world.path("pods/none/log")).await;
    assert_eq!((answer.refusal(), answer.message()), ((404, "NotFound"), "pods \"none\" not found"));
    let mut object = pod("1");
    object["spec"]["containers"] = json!([{ "name": "a", "image": "repo/api:1" }, { "name": "b", "image": "repo/api:1" }]);
    world.create("pods", object).await;
    world.once("it is ready", "pods/one", is_ready).await;
    for (query, words) in [
        ("", "a container name must be specified for pod one, choose one of: [a b]"),
        ("?container=none", "container none is not valid for pod one"),
    ] {
        let answer = world.get(&format!("{}{query}", world.path("pods/one/log"))).await;
        assert_eq!((answer.refusal(), answer.message()), ((400, "BadRequest"), words));
    }
}

async fn logs_of_a_run_before(world: World) {
    world.create("pods", pod("1-crash")).await;
    world.once("it has ended once", "pods/one", |it| number(it, "/status/containerStatuses/0/restartCount") >= 1).await;
    let before = world.get(&world.path("pods/one/log?previous=true")).await.ok(200);
    assert!(before.as_str().unwrap().contains("ERROR"), "{before}");
}

async fn an_event_is_about_its_pod(world: World) {
    deployed(&world, deployment("api", "1", 1)).await;
    let pod = world.all("pods").await[0].clone();
    let query = format!("events?fieldSelector=involvedObject.uid%3D{},reason%3DScheduled", text(&pod, "/metadata/uid"));
    let events = once_all(&world, "an event is there", &query, |all| !all.is_empty()).await;
    let event = &events[0];
    let about = &event["involvedObject"];
    assert_eq!((text(about, "/kind"), text(about, "/name"), text(about, "/namespace")), ("Pod", name(&pod), world.namespace()));
    assert!(text(event, "/message").starts_with(&format!("Successfully assigned {}/{} to ", world.namespace(), name(&pod))), "{event}");
    assert!(name(event).starts_with(&format!("{}.", name(&pod))), "{}", name(event));
}

async fn a_pod_keeps_its_spec(world: World) {
    world.create("pods", with(pod("1"), &[("/metadata/labels", json!({ "app": "one" }))])).await;
    world.once("it is ready", "pods/one", is_ready).await;
    let answer = world.patch(&world.path("pods/one"), "merge", &json!({ "spec": { "restartPolicy": "Never" } })).await;
    assert_eq!(answer.refusal(), (422, "Invalid"));
    assert!(answer.message().contains("spec: Forbidden: pod updates may not change fields other than "), "{}", answer.message());
    let patched = world.merge("pods/one", json!({ "metadata": { "labels": { "seen": "yes" } } })).await;
    assert_eq!(crate::objects::own_labels(&patched), json!({ "app": "one", "seen": "yes" }));
}
