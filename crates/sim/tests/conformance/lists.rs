//! get and list: objects, pages, selectors, metadata only.

use crate::objects::{config_map, deployment, name, names, version};
use crate::world::World;
use crate::{Case, case};
use serde_json::{Value, json};

pub const CASES: &[Case] = &[
    case!(get_gives_the_object_with_its_kind),
    case!(what_is_missing_is_404_with_a_status),
    case!(a_list_has_a_version_and_items_without_kind),
    case!(pages_have_one_version_and_miss_nothing),
    case!(pages_show_the_moment_of_the_first),
    case!(an_unreadable_continue_is_400),
    case!(a_continue_of_forgotten_history_is_410, simulated: "compaction comes every five minutes"),
    case!(labels_select),
    case!(an_unreadable_label_selector_is_400),
    case!(fields_select),
    case!(an_unknown_field_selector_is_400),
    case!(metadata_alone_can_be_asked_for),
    case!(all_namespaces_are_listed_together),
    case!(a_list_may_come_from_the_cache),
];

const LABELLED: [(&str, &str, &str); 4] = [("a", "web", "x"), ("b", "web", "y"), ("c", "db", "x"), ("d", "", "")];

async fn labelled(world: &World) {
    for (name, tier, zone) in LABELLED {
        let mut labels = json!({ "all": "yes" });
        if !tier.is_empty() {
            labels["tier"] = json!(tier);
            labels["example.com/zone"] = json!(zone);
        }
        world.create("configmaps", config_map(name, labels)).await;
    }
}

async fn get_gives_the_object_with_its_kind(world: World) {
    let created = world.create("configmaps", config_map("one", json!({ "a": "b" }))).await;
    let read = world.read("configmaps/one").await;
    assert_eq!(read, created);
    assert_eq!((&read["kind"], &read["apiVersion"], &read["data"]["key"]), (&json!("ConfigMap"), &json!("v1"), &json!("value")));
    assert_eq!(read["metadata"]["namespace"], world.namespace());
}

async fn what_is_missing_is_404_with_a_status(world: World) {
    for (item, words, group, kind) in [
        ("deployments/none", "deployments.apps \"none\" not found", "apps", "deployments"),
        ("jobs/none", "jobs.batch \"none\" not found", "batch", "jobs"),
        ("pods/none", "pods \"none\" not found", "", "pods"),
    ] {
        let answer = world.get(&world.path(item)).await;
        assert_eq!((answer.refusal(), answer.message()), ((404, "NotFound"), words));
        let mut details = json!({ "name": "none", "kind": kind });
        if !group.is_empty() {
            details["group"] = json!(group);
        }
        assert_eq!(answer.body["details"], details);
    }
}

async fn a_list_has_a_version_and_items_without_kind(world: World) {
    let created = world.create("deployments", deployment("api", "1", 0)).await;
    let list = world.get(&world.path("deployments")).await.ok(200);
    assert_eq!((&list["kind"], &list["apiVersion"]), (&json!("DeploymentList"), &json!("apps/v1")));
    assert!(version(&list) >= version(&created));
    let item = &list["items"][0];
    assert_eq!((name(item), item.get("kind"), item.get("apiVersion")), ("api", None, None));
    let empty = world.get(&world.path("statefulsets")).await.ok(200);
    assert_eq!(empty["items"], json!([]));
}

async fn page(world: &World, query: &str) -> Value {
    world.get(&world.path(&format!("configmaps?{query}"))).await.ok(200)
}

/// The first page of all, and how many there are. A real cluster puts a ConfigMap of its own (kube-root-ca.crt) into a new namespace,
/// whenever it comes to that: only a number that was the same before and after is the page's.
async fn first_of_all(world: &World) -> (Value, usize) {
    loop {
        let before = world.all("configmaps").await.len();
        let page = page(world, "limit=2").await;
        if world.all("configmaps").await.len() == before {
            return (page, before);
        }
    }
}

async fn pages_have_one_version_and_miss_nothing(world: World) {
    labelled(&world).await;
    let whole = names(&world.all("configmaps?labelSelector=all").await).join(" ");
    let (mut page_now, total) = first_of_all(&world).await;
    let first = version(&page_now);
    assert_eq!(page_now["metadata"]["remainingItemCount"], total - 2);
    // With a selector the server does not count what remains.
    page_now = page(&world, "limit=2&labelSelector=all").await;
    assert!(version(&page_now) >= first && page_now["metadata"].get("remainingItemCount").is_none());
    let (mut seen, versions) = (Vec::new(), version(&page_now));
    loop {
        assert_eq!(version(&page_now), versions);
        seen.extend(page_now["items"].as_array().unwrap().iter().map(|it| name(it).to_owned()));
        let Some(token) = page_now["metadata"]["continue"].as_str().filter(|it| !it.is_empty()) else { break };
        let token: String = form_urlencoded::byte_serialize(token.as_bytes()).collect();
        page_now = page(&world, &format!("limit=2&labelSelector=all&continue={token}")).await;
    }
    assert_eq!(seen.join(" "), whole);
}

async fn pages_show_the_moment_of_the_first(world: World) {
    labelled(&world).await;
    let first = page(&world, "limit=2&labelSelector=all").await;
    world.create("configmaps", config_map("c-late", json!({ "all": "yes" }))).await;
    world.merge("configmaps/c", json!({ "data": { "key": "late" } })).await;
    world.delete(&world.path("configmaps/d"), &json!({})).await.ok(200);
    let token: String = form_urlencoded::byte_serialize(first["metadata"]["continue"].as_str().unwrap().as_bytes()).collect();
    let second = page(&world, &format!("limit=9&labelSelector=all&continue={token}")).await;
    let items = second["items"].as_array().unwrap();
    assert_eq!(names(items), ["c", "d"]);
    assert_eq!((version(&second), &items[0]["data"]["key"]), (version(&first), &json!("value")));
    assert!(second["metadata"]["continue"].as_str().unwrap_or_default().is_empty());
}

async fn an_unreadable_continue_is_400(world: World) {
    let answer = world.get(&world.path("configmaps?limit=2&continue=nonsense")).await;
    assert_eq!(answer.refusal(), (400, "BadRequest"));
}

async fn a_continue_of_forgotten_history_is_410(world: World) {
    labelled(&world).await;
    let first = page(&world, "limit=2").await;
    world.create("configmaps", config_map("late", json!({}))).await;
    world.simulated().unwrap().compact();
    let token: String = form_urlencoded::byte_serialize(first["metadata"]["continue"].as_str().unwrap().as_bytes()).collect();
    let answer = world.get(&world.path(&format!("configmaps?limit=2&continue={token}"))).await;
    assert_eq!(answer.refusal(), (410, "Expired"));
}

async fn labels_select(world: World) {
    labelled(&world).await;
    for (selector, expected) in [
        ("tier=web", "a b"),
        ("tier==db", "c"),
        ("tier!=web,all", "c d"),
        ("tier in (web,db)", "a b c"),
        ("tier notin (web),all=yes", "c d"),
        ("example.com/zone", "a b c"),
        ("!tier,all", "d"),
        ("tier=web,example.com/zone=y", "b"),
        ("tier=none", ""),
    ] {
        let query: String = form_urlencoded::byte_serialize(selector.as_bytes()).collect();
        let found = world.all(&format!("configmaps?labelSelector={query}")).await;
        assert_eq!(names(&found).join(" "), expected, "{selector}");
    }
}

async fn an_unreadable_label_selector_is_400(world: World) {
    for selector in ["tier%20in%20web", "%3D%3D", "a%20b"] {
        let answer = world.get(&world.path(&format!("configmaps?labelSelector={selector}"))).await;
        assert_eq!(answer.refusal(), (400, "BadRequest"), "{selector}");
    }
}

async fn fields_select(world: World) {
    labelled(&world).await;
    for (query, expected) in [("metadata.name%3Db", "b"), ("metadata.name%3Dnone", ""), ("metadata.name%3Db,metadata.name!%3Db", "")] {
        let found = world.all(&format!("configmaps?fieldSelector={query}")).await;
        assert_eq!(names(&found).join(" "), expected, "{query}");
    }
    let pod = json!({ "metadata": { "name": "one" }, "spec": { "containers": [{ "name": "api", "image": "repo/api:1" }] } });
    world.create("pods", pod).await;
    world.once("it runs", "pods/one", |it| it["status"]["phase"] == "Running").await;
    assert_eq!(world.all("pods?fieldSelector=status.phase%3DRunning").await.len(), 1);
    assert_eq!(world.all("pods?fieldSelector=status.phase!%3DRunning").await.len(), 0);
    assert_eq!(world.all("events?fieldSelector=involvedObject.name%3Dtwo").await.len(), 0);
}

async fn an_unknown_field_selector_is_400(world: World) {
    let answer = world.get(&world.path("deployments?fieldSelector=spec.replicas%3D1")).await;
    assert_eq!(answer.refusal(), (400, "BadRequest"));
}

async fn metadata_alone_can_be_asked_for(world: World) {
    world.create("deployments", deployment("api", "1", 0)).await;
    let accept = |what: &str| format!("application/json;as={what};g=meta.k8s.io;v=v1");
    let one = world.send("GET", &world.path("deployments/api"), &[("accept", &accept("PartialObjectMetadata"))], Vec::new()).await.ok(200);
    assert_eq!((&one["kind"], &one["apiVersion"]), (&json!("PartialObjectMetadata"), &json!("meta.k8s.io/v1")));
    assert_eq!((name(&one), one.get("spec"), one.get("status")), ("api", None, None));
    let list = world.send("GET", &world.path("deployments"), &[("accept", &accept("PartialObjectMetadataList"))], Vec::new()).await.ok(200);
    assert_eq!((&list["kind"], &list["apiVersion"]), (&json!("PartialObjectMetadataList"), &json!("meta.k8s.io/v1")));
    assert_eq!((list["items"].as_array().unwrap().len(), list["items"][0].get("spec")), (1, None));
}

async fn all_namespaces_are_listed_together(world: World) {
    world.create("deployments", deployment("api", "1", 0)).await;
    let list = world.get("/apis/apps/v1/deployments").await.ok(200);
    let here = list["items"].as_array().unwrap().iter().filter(|it| it["metadata"]["namespace"] == world.namespace());
    assert_eq!(here.count(), 1);
}

async fn a_list_may_come_from_the_cache(world: World) {
    let created = world.create("configmaps", config_map("one", json!({ "fresh": "yes" }))).await;
    // What is asked for is as new as the object at least.
    let query = format!("configmaps?labelSelector=fresh&resourceVersionMatch=NotOlderThan&resourceVersion={}", version(&created));
    assert_eq!(names(&world.all(&query).await), ["one"]);
    let any = world.get(&world.path("configmaps?resourceVersion=0")).await.ok(200);
    assert_eq!(any["kind"], "ConfigMapList");
}
