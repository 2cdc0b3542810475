//! watch: the changes of a collection, in order, from a version on.

use crate::objects::{config_map, deployment, name, text, version};
use crate::world::World;
use crate::{Case, case};
use serde_json::{Value, json};

pub const CASES: &[Case] = &[
    case!(a_watch_from_a_list_misses_nothing),
    case!(a_watch_resumes_from_any_event),
    case!(a_watch_without_a_version_begins_with_what_is_there),
    case!(a_watch_list_marks_where_the_beginning_ends),
    case!(objects_enter_and_leave_a_selection),
    case!(one_object_can_be_watched),
    case!(bookmarks_come_when_asked_for),
    case!(a_watch_ends_at_its_timeout),
    case!(a_compacted_version_is_gone, simulated: "compaction comes every five minutes"),
    case!(an_unreadable_version_is_refused),
    case!(metadata_alone_can_be_watched),
    case!(a_rollout_is_told_in_order),
];

fn kinds(events: &[Value]) -> Vec<&str> {
    events.iter().map(|it| text(it, "/type")).collect()
}

async fn a_watch_from_a_list_misses_nothing(world: World) {
    let from = world.version("configmaps").await;
    world.create("configmaps", config_map("one", json!({}))).await;
    world.merge("configmaps/one", json!({ "data": { "key": "2" } })).await;
    let mut watch = world.watch("configmaps", &format!("resourceVersion={from}&fieldSelector=metadata.name%3Done")).await;
    assert_eq!(kinds(&watch.until(|it| it["object"]["data"]["key"] == "2").await), ["ADDED", "MODIFIED"]);
    world.delete(&world.path("configmaps/one"), &json!({})).await.ok(200);
    let last = watch.next().await.unwrap();
    assert_eq!((text(&last, "/type"), text(&last, "/object/kind")), ("DELETED", "ConfigMap"));
    // A deletion shows the last state, at a version of its own.
    assert_eq!(last["object"]["data"]["key"], "2");
    assert!(version(&last["object"]) > from.parse().unwrap());
}

async fn a_watch_resumes_from_any_event(world: World) {
    let from = world.version("configmaps").await;
    for number in 1..=4 {
        world.create("configmaps", config_map(&format!("n{number}"), json!({ "numbered": "yes" }))).await;
    }
    let query = |from: &str| format!("resourceVersion={from}&labelSelector=numbered");
    let mut watch = world.watch("configmaps", &query(&from)).await;
    let all = watch.until(|it| name(&it["object"]) == "n4").await;
    let versions: Vec<u64> = all.iter().map(|it| version(&it["object"])).collect();
    assert!(versions.is_sorted() && versions.len() == 4, "{versions:?}");
    let mut again = world.watch("configmaps", &query(&versions[1].to_string())).await;
    assert_eq!(again.until(|it| name(&it["object"]) == "n4").await, all[2..]);
}

async fn a_watch_without_a_version_begins_with_what_is_there(world: World) {
    for name in ["a", "b"] {
        world.create("configmaps", config_map(name, json!({ "here": "yes" }))).await;
    }
    for query in ["labelSelector=here", "labelSelector=here&resourceVersion=0"] {
        let mut watch = world.watch("configmaps", query).await;
        let (first, second) = (watch.next().await.unwrap(), watch.next().await.unwrap());
        assert_eq!(kinds(&[first.clone(), second.clone()]), ["ADDED", "ADDED"]);
        let mut names = [name(&first["object"]), name(&second["object"])];
        names.sort_unstable();
        assert_eq!(names, ["a", "b"]);
    }
}

async fn a_watch_list_marks_where_the_beginning_ends(world: World) {
    world.create("configmaps", config_map("a", json!({ "here": "yes" }))).await;
    let query = "labelSelector=here&sendInitialEvents=true&resourceVersionMatch=NotOlderThan&allowWatchBookmarks=true";
    let mut watch = world.watch("configmaps", query).await;
    let events = watch.until(|it| it["type"] == "BOOKMARK").await;
    assert_eq!(kinds(&events), ["ADDED", "BOOKMARK"]);
    assert_eq!(events[1]["object"]["metadata"]["annotations"]["k8s.io/initial-events-end"], "true");
    assert!(version(&events[1]["object"]) >= version(&events[0]["object"]));
}

async fn objects_enter_and_leave_a_selection(world: World) {
    world.create("configmaps", config_map("one", json!({ "tier": "db" }))).await;
    let from = world.version("configmaps").await;
    let mut watch = world.watch("configmaps", &format!("resourceVersion={from}&labelSelector=tier%3Dweb")).await;
    for (labels, data) in [("web", "1"), ("web", "2"), ("db", "3"), ("web", "4")] {
        world.merge("configmaps/one", json!({ "metadata": { "labels": { "tier": labels } }, "data": { "key": data } })).await;
    }
    let events = watch.until(|it| it["object"]["data"]["key"] == "4").await;
    assert_eq!(kinds(&events), ["ADDED", "MODIFIED", "DELETED", "ADDED"]);
}

async fn one_object_can_be_watched(world: World) {
    let from = world.version("deployments").await;
    for name in ["api", "web"] {
        world.create("deployments", deployment(name, "1", 0)).await;
    }
    let mut watch = world.watch("deployments", &format!("resourceVersion={from}&fieldSelector=metadata.name%3Dweb")).await;
    let events = watch.until(|it| it["object"]["status"]["observedGeneration"] == 1).await;
    assert!(events.iter().all(|it| name(&it["object"]) == "web"));
}

async fn bookmarks_come_when_asked_for(world: World) {
    let created = world.create("configmaps", config_map("one", json!({}))).await;
    let query = format!("resourceVersion={}&timeoutSeconds=5", version(&created));
    let with = world.watch("configmaps", &format!("{query}&allowWatchBookmarks=true")).await;
    let without = world.watch("configmaps", &query).await;
    let (with, without) = futures::join!(with.rest(), without.rest());
    let bookmark = with.iter().find(|it| it["type"] == "BOOKMARK").expect("a bookmark before the end");
    assert_eq!((text(bookmark, "/object/kind"), text(bookmark, "/object/apiVersion")), ("ConfigMap", "v1"));
    assert!(version(&bookmark["object"]) >= version(&created));
    assert_eq!((name(&bookmark["object"]), bookmark["object"].get("data")), ("", None));
    assert!(!kinds(&without).contains(&"BOOKMARK"), "{without:?}");
}

async fn a_watch_ends_at_its_timeout(world: World) {
    let from = world.version("configmaps").await;
    let began = std::time::Instant::now();
    let watch = world.watch("configmaps", &format!("resourceVersion={from}&timeoutSeconds=1&fieldSelector=metadata.name%3Dnone")).await;
    assert_eq!(watch.rest().await, Vec::<Value>::new());
    let seconds = began.elapsed().as_secs_f64();
    assert!((0.9..10.0).contains(&seconds), "{seconds}");
}

async fn a_compacted_version_is_gone(world: World) {
    let created = world.create("configmaps", config_map("one", json!({}))).await;
    world.merge("configmaps/one", json!({ "data": { "key": "2" } })).await;
    let cluster = world.simulated().unwrap();
    cluster.compact();
    let events = world.watch("configmaps", &format!("resourceVersion={}&timeoutSeconds=5", version(&created))).await.rest().await;
    assert_eq!(kinds(&events), ["ERROR"]);
    let status = &events[0]["object"];
    assert_eq!((&status["kind"], &status["status"], &status["code"]), (&json!("Status"), &json!("Failure"), &json!(410)));
    assert_eq!(status["reason"], "Expired");
    assert!(text(status, "/message").starts_with("too old resource version: "), "{status}");
}

async fn an_unreadable_version_is_refused(world: World) {
    let answer = world.get(&world.path("configmaps?watch=true&resourceVersion=abc")).await;
    // Really so: the API server takes this for a fault of its own.
    assert_eq!(answer.refusal(), (500, ""));
}

async fn metadata_alone_can_be_watched(world: World) {
    world.create("configmaps", config_map("one", json!({ "here": "yes" }))).await;
    let path = world.path("configmaps?watch=true&labelSelector=here&timeoutSeconds=1");
    let accept = "application/json;as=PartialObjectMetadata;g=meta.k8s.io;v=v1";
    let event = world.send("GET", &path, &[("accept", accept)], Vec::new()).await.ok(200);
    assert_eq!((text(&event, "/type"), text(&event, "/object/kind")), ("ADDED", "PartialObjectMetadata"));
    assert_eq!((name(&event["object"]), event["object"].get("data")), ("one", None));
}

async fn a_rollout_is_told_in_order(world: World) {
    let from = world.version("deployments").await;
    world.create("deployments", deployment("api", "1", 2)).await;
    let mut watch = world.watch("deployments", &format!("resourceVersion={from}")).await;
    let events = watch.until(|it| it["object"]["status"]["availableReplicas"] == 2).await;
    let seen = |field: &str| -> Vec<i64> { events.iter().map(|it| it["object"]["status"][field].as_i64().unwrap_or(0)).collect() };
    assert_eq!(kinds(&events)[0], "ADDED");
    assert!(kinds(&events)[1..].iter().all(|it| *it == "MODIFIED"));
    for field in ["observedGeneration", "replicas", "updatedReplicas", "readyReplicas", "availableReplicas"] {
        assert!(seen(field).is_sorted() && seen(field)[0] == 0, "{field}: {:?}", seen(field));
    }
    let versions: Vec<u64> = events.iter().map(|it| version(&it["object"])).collect();
    assert!(versions.windows(2).all(|it| it[0] < it[1]), "{versions:?}");
}
