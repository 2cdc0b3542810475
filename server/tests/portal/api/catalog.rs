//! `/api/v1/{me,matrix,components,environments}`

use crate::support::{Demo, has_keys};

#[tokio::test]
async fn the_matrix_has_the_contracts_shape() {
    let demo = Demo::start().await;
    // How far prod is behind is known once the records are written, a moment after the first lists.
    let matrix = demo
        .until("behind", || async {
            let matrix = demo.api("viv", "GET", "/api/v1/matrix", None).await.ok();
            let api = matrix["components"].as_array().unwrap().iter().find(|c| c["name"] == "api").unwrap();
            api["cells"]["prod"]["behind"].is_object().then_some(matrix)
        })
        .await;
    let environments: Vec<_> = matrix["environments"].as_array().unwrap().iter().map(|e| e["name"].as_str().unwrap()).collect();
    assert_eq!(environments, ["staging", "prod", "prod-central"]);
    for environment in matrix["environments"].as_array().unwrap() {
        has_keys(environment, &["name", "title", "stage", "production", "cluster"]);
        has_keys(&environment["cluster"], &["name", "provider", "region", "reachable", "last_seen"]);
        assert_eq!(environment["cluster"]["reachable"], true);
    }
    assert_eq!(matrix["components"].as_array().unwrap().len(), 8);
    for component in matrix["components"].as_array().unwrap() {
        has_keys(component, &["name", "title", "owner", "cells"]);
        for environment in environments.iter() {
            let cell = &component["cells"][environment];
            has_keys(
                cell,
                &[
                    "workload",
                    "state",
                    "reason",
                    "image",
                    "tag",
                    "digest",
                    "desired",
                    "ready",
                    "updated",
                    "revision",
                    "since",
                    "last_seen",
                    "drift",
                    "behind",
                ],
            );
            has_keys(&cell["workload"], &["kind", "name", "namespace"]);
            let states = ["healthy", "progressing", "degraded", "down", "paused", "unknown", "absent"];
            assert!(states.contains(&cell["state"].as_str().unwrap()), "{cell}");
        }
    }
    let api = &matrix["components"].as_array().unwrap().iter().find(|c| c["name"] == "api").unwrap()["cells"];
    assert_eq!((api["staging"]["state"].as_str(), api["prod"]["state"].as_str()), (Some("healthy"), Some("healthy")), "{api}");
    assert_eq!(api["prod"]["behind"]["from"], "staging", "{api}");
}

#[tokio::test]
async fn components_and_environments_are_declared_and_observed() {
    let demo = Demo::start().await;
    for (path, count) in [("components", 8), ("environments", 3)] {
        let list = demo.api("viv", "GET", &format!("/api/v1/{path}"), None).await.ok();
        assert_eq!(list["items"].as_array().unwrap().len(), count);
        assert!(list["next"].is_null());
    }
    let component = demo.api("viv", "GET", "/api/v1/components/api", None).await.ok();
    has_keys(&component, &["name", "title", "declared", "environments"]);
    assert_eq!(component["declared"]["workload"], "deployment/devmatrix-api");
    has_keys(&component["environments"][0], &["environment", "cell", "pods", "deployments"]);
    let environment = demo.api("viv", "GET", "/api/v1/environments/prod", None).await.ok();
    has_keys(&environment, &["environment", "components", "undeclared"]);
    for path in ["components/apii", "environments/prodd", "components/apii/deployments", "components/A%00", "components/%ff"] {
        demo.api("viv", "GET", &format!("/api/v1/{path}"), None).await.refused(404, "not_found");
    }
}

#[tokio::test]
async fn deployments_are_newest_first_and_come_in_parts() {
    let demo = Demo::start().await;
    let path = "/api/v1/components/api/deployments?environment=prod";
    // The records are written when the clusters have been listed, a moment after.
    let list = demo
        .until("records", || async {
            let list = demo.api("viv", "GET", path, None).await.ok();
            (list["items"].as_array().unwrap().len() > 1).then_some(list)
        })
        .await;
    let items = list["items"].as_array().unwrap();
    for item in items {
        let keys = ["id", "environment", "revision", "image", "tag", "digest", "change", "by", "at", "outcome", "duration_s", "current"];
        has_keys(item, &keys);
    }
    assert_eq!(items.iter().filter(|item| item["current"] == true).count(), 1);
    assert!(items[0]["at"].as_str() >= items[1]["at"].as_str());
    let first = demo.api("viv", "GET", &format!("{path}&limit=1"), None).await.ok();
    assert_eq!(first["items"][0]["id"], items[0]["id"]);
    let rest = demo.api("viv", "GET", &format!("{path}&limit=1&cursor={}", first["next"].as_str().unwrap()), None).await.ok();
    assert_eq!(rest["items"][0]["id"], items[1]["id"]);
    demo.api("viv", "GET", "/api/v1/components/api/deployments?environment=nowhere", None).await.refused(404, "not_found");
}

#[tokio::test]
async fn i_am_told_who_i_am() {
    let demo = Demo::start().await;
    let me = demo.api("olivia", "GET", "/api/v1/me", None).await.ok();
    assert_eq!((me["name"].as_str(), me["via"].as_str()), (Some("olivia"), Some("token")));
    assert!(me["roles"].as_array().unwrap().contains(&"admin".into()), "{me}");
    assert!(me["scopes"].as_array().unwrap().contains(&"approve".into()), "{me}");
}
