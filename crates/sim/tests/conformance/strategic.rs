//! Strategic merge patch: lists that are merged by name, and its directives.

use crate::objects::{deployment, text};
use crate::world::{Answer, World};
use crate::{Case, case};
use serde_json::{Value, json};

pub const CASES: &[Case] = &[
    case!(containers_are_merged_by_name),
    case!(env_is_merged_by_name),
    case!(an_entry_is_deleted_by_its_name),
    case!(a_list_is_replaced_when_told),
    case!(a_map_is_replaced_when_told),
    case!(ports_and_volumes_are_merged_by_their_keys),
    case!(plain_lists_are_replaced),
    case!(keys_are_retained),
    case!(an_entry_without_its_name_is_refused),
    case!(an_unknown_directive_is_refused),
];

fn template() -> Value {
    json!({
        "metadata": { "labels": { "app": "api" } },
        "spec": {
            "containers": [
                {
                    "name": "api", "image": "repo/api:1", "command": ["run", "fast"],
                    "env": [{ "name": "A", "value": "1" }, { "name": "B", "value": "2" }],
                    "ports": [{ "containerPort": 80, "name": "http" }, { "containerPort": 443, "name": "https" }],
                },
                { "name": "side", "image": "repo/side:1" },
            ],
            "volumes": [{ "name": "cache", "emptyDir": {} }],
        },
    })
}

async fn patched(world: &World, patch: Value) -> Answer {
    let mut object = deployment("api", "1", 0);
    object["spec"]["template"] = template();
    let path = world.path("deployments/api");
    if world.get(&path).await.code == 404 {
        world.create("deployments", object).await;
    }
    world.patch(&path, "strategic-merge", &json!({ "spec": { "template": patch } })).await
}

async fn containers(world: &World, patch: Value) -> Vec<Value> {
    let object = patched(world, json!({ "spec": { "containers": patch } })).await.ok(200);
    object["spec"]["template"]["spec"]["containers"].as_array().unwrap().clone()
}

fn entries(container: &Value, list: &str, key: &str, value: &str) -> String {
    let list = container[list].as_array().into_iter().flatten();
    let show = |it: &Value| it.as_str().map_or_else(|| it.to_string(), str::to_owned);
    list.map(|it| format!("{}={}", show(&it[key]), show(&it[value]))).collect::<Vec<_>>().join(" ")
}

async fn containers_are_merged_by_name(world: World) {
    let both = containers(&world, json!([{ "name": "side", "image": "repo/side:2" }])).await;
    assert_eq!(both.iter().map(|it| text(it, "/image")).collect::<Vec<_>>(), ["repo/api:1", "repo/side:2"]);
    assert_eq!(entries(&both[0], "env", "name", "value"), "A=1 B=2");
    let three = containers(&world, json!([{ "name": "new", "image": "repo/new:1" }])).await;
    assert_eq!(three.iter().map(|it| text(it, "/name")).collect::<Vec<_>>(), ["new", "api", "side"]);
}

async fn env_is_merged_by_name(world: World) {
    let env = json!([{ "name": "B", "value": "3" }, { "name": "C", "value": "4" }]);
    let merged = containers(&world, json!([{ "name": "api", "env": env }])).await;
    assert_eq!(text(&merged[0], "/image"), "repo/api:1");
    assert_eq!(entries(&merged[0], "env", "name", "value"), "A=1 B=3 C=4");
}

async fn an_entry_is_deleted_by_its_name(world: World) {
    let env = json!([{ "name": "A", "$patch": "delete" }]);
    let merged = containers(&world, json!([{ "name": "api", "env": env }, { "name": "side", "$patch": "delete" }])).await;
    assert_eq!((merged.len(), entries(&merged[0], "env", "name", "value").as_str()), (1, "B=2"));
}

async fn a_list_is_replaced_when_told(world: World) {
    let env = json!([{ "$patch": "replace" }, { "name": "Z", "value": "9" }]);
    let merged = containers(&world, json!([{ "name": "api", "env": env }])).await;
    assert_eq!(entries(&merged[0], "env", "name", "value"), "Z=9");
}

async fn a_map_is_replaced_when_told(world: World) {
    let replaced = json!({
        "$patch": "replace", "metadata": { "labels": { "app": "api" } },
        "spec": { "containers": [{ "name": "only", "image": "repo/only:1" }] },
    });
    let object = patched(&world, replaced).await.ok(200);
    let spec = &object["spec"]["template"]["spec"];
    assert_eq!((spec.get("volumes"), spec["containers"].as_array().unwrap().len()), (None, 1));
    assert_eq!((text(spec, "/containers/0/name"), text(spec, "/restartPolicy")), ("only", "Always"));
}

async fn ports_and_volumes_are_merged_by_their_keys(world: World) {
    let ports = json!([{ "containerPort": 443, "$patch": "delete" }, { "containerPort": 9090, "name": "metrics" }]);
    let mounts = json!([{ "name": "cache", "mountPath": "/cache" }]);
    let merged = containers(&world, json!([{ "name": "api", "ports": ports, "volumeMounts": mounts }])).await;
    assert_eq!(entries(&merged[0], "ports", "containerPort", "name"), "9090=metrics 80=http");
    let volumes =
        json!({ "spec": { "volumes": [{ "name": "more", "emptyDir": {} }, { "name": "cache", "emptyDir": { "medium": "Memory" } }] } });
    let object = patched(&world, volumes).await.ok(200);
    let volumes = object["spec"]["template"]["spec"]["volumes"].as_array().unwrap();
    assert_eq!((volumes.len(), entries(&json!({ "v": volumes }), "v", "name", "name").as_str()), (2, "more=more cache=cache"));
}

async fn plain_lists_are_replaced(world: World) {
    let merged = containers(&world, json!([{ "name": "api", "command": ["run"] }])).await;
    assert_eq!(merged[0]["command"], json!(["run"]));
    let without = containers(&world, json!([{ "name": "api", "command": null }])).await;
    assert_eq!(without[0].get("command"), None);
}

async fn keys_are_retained(world: World) {
    patched(&world, json!({})).await.ok(200);
    let patch = json!({ "spec": { "strategy": { "$retainKeys": ["type"], "type": "Recreate" } } });
    let object = world.patch(&world.path("deployments/api"), "strategic-merge", &patch).await.ok(200);
    assert_eq!(object["spec"]["strategy"], json!({ "type": "Recreate" }));
}

async fn an_entry_without_its_name_is_refused(world: World) {
    let answer = patched(&world, json!({ "spec": { "containers": [{ "image": "repo/api:2" }] } })).await;
    assert!(answer.message().contains("does not contain declared merge key: name"), "{answer:?}");
    assert_eq!(answer.refusal(), (500, ""));
}

async fn an_unknown_directive_is_refused(world: World) {
    let answer = patched(&world, json!({ "$patch": "frobnicate" })).await;
    assert!(answer.message().starts_with("unknown patch type: frobnicate"), "{answer:?}");
    assert_eq!(answer.refusal(), (500, ""));
}
