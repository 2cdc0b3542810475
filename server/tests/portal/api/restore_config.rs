//! A rollback with its configuration, by API and by page.

use crate::support::{Demo, has_keys};
use serde_json::{Value, json};

/// The ConfigMap that the API server of production reads.
fn held(demo: &Demo) -> Value {
    let prod = demo.clusters.clusters.clusters.iter().find(|cluster| cluster.name == "prod-eks").unwrap();
    prod.cluster.get("configmaps", "devmatrix", "devmatrix-config").unwrap()
}

fn edit(demo: &Demo, level: &str) {
    let prod = demo.clusters.clusters.clusters.iter().find(|cluster| cluster.name == "prod-eks").unwrap();
    let mut object = held(demo);
    object["data"]["LOG_LEVEL"] = json!(level);
    object["data"]["SINCE"] = json!("x");
    prod.cluster.apply(object).unwrap();
}

/// 1.43.1 is promoted, and its configuration is edited; answers the revision before.
async fn edited(demo: &Demo) -> Value {
    demo.promoted().await;
    let records = demo
        .until("the record", || async {
            let list = demo.api("viv", "GET", "/api/v1/components/api/deployments?environment=prod", None).await.ok();
            (list["items"][0]["outcome"] == "succeeded").then_some(list)
        })
        .await;
    edit(demo, "DEBUG");
    records["items"][1]["revision"].clone()
}

fn body(revision: &Value, restore_config: bool) -> Value {
    json!({
        "kind": "rollback", "component": "api", "environment": "prod", "to_revision": revision, "reason": "errors",
        "restore_config": restore_config,
    })
}

#[tokio::test]
async fn a_rollback_brings_its_config_maps_back_when_it_is_asked_to() {
    let demo = Demo::start().await;
    let revision = edited(&demo).await;
    let plain = demo.api("bea", "POST", "/api/v1/changes/preview", Some(&body(&revision, false))).await.ok();
    assert_eq!(plain["config"], json!([]));
    let said =
        |plan: &Value| plan["words"].as_array().unwrap().iter().find(|word| word["what"] == "Configuration").unwrap()["text"].clone();
    assert!(said(&plain).as_str().unwrap().contains("It can be brought back too"), "{plain}");
    let plan = demo.api("bea", "POST", "/api/v1/changes/preview", Some(&body(&revision, true))).await.ok();
    has_keys(&plan["config"][0], &["name", "made_anew", "diff"]);
    let diff = plan["config"][0]["diff"].as_str().unwrap();
    assert!(diff.contains("-LOG_LEVEL: DEBUG") && diff.contains("+LOG_LEVEL: INFO") && diff.contains("-SINCE: x"), "{diff}");
    let change = demo.api("bea", "POST", "/api/v1/changes", Some(&body(&revision, true))).await.ok();
    demo.wait_for_state(&change, "succeeded").await;
    let data = held(&demo)["data"].clone();
    assert_eq!((&data["LOG_LEVEL"], data.get("SINCE"), &data["ENV"]), (&json!("INFO"), None, &json!("production")));
}

#[tokio::test]
async fn the_page_offers_it_and_works_without_javascript() {
    let demo = Demo::start().await;
    let revision = edited(&demo).await;
    let bea = demo.sign_in("bea").await;
    let path = format!("/changes/new?kind=rollback&component=api&environment=prod&to_revision={revision}&reason=errors");
    let plain = demo.page(&bea, &path).await.text();
    assert!(plain.contains("Also bring back its configuration") && !plain.contains("data-testid=\"config-diff\""), "{plain}");
    let page = demo.page(&bea, &format!("{path}&restore_config=1")).await.text();
    assert!(page.contains("data-testid=\"config-diff\"") && page.contains("name=\"restore_config\" value=\"1\" checked"), "{page}");
    let revision = revision.to_string();
    let fields = [
        ("kind", "rollback"),
        ("component", "api"),
        ("environment", "prod"),
        ("to_revision", revision.as_str()),
        ("restore_config", "1"),
        ("reason", "errors"),
        ("key", "page-restore"),
    ];
    let asked = demo.form(Some(&bea), "/changes/new", &fields).await;
    assert_eq!((asked.status.as_u16(), asked.header("location")), (303, "/changes/CH-2"), "{}", asked.text());
    let change = demo.api("viv", "GET", "/api/v1/changes/CH-2", None).await.ok();
    demo.wait_for_state(&change, "succeeded").await;
    let shown = demo.page(&bea, "/changes/CH-2").await.text();
    assert!(shown.contains("Diff of ConfigMap devmatrix-config") && shown.contains("restore ConfigMap devmatrix-config"), "{shown}");
    assert_eq!(held(&demo)["data"]["LOG_LEVEL"], "INFO");
    // Nothing changed: there is nothing to offer.
    let forth = demo.page(&bea, "/changes/new?kind=restart&component=api&environment=prod").await.text();
    assert!(!forth.contains("Also bring back its configuration"));
}
