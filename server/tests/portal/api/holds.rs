//! `/api/v1/holds`: what a rollback leaves behind.

use crate::support::{Demo, has_keys, promotion};
use serde_json::json;

#[tokio::test]
async fn a_rollback_sets_a_hold_until_somebody_lifts_it() {
    let demo = Demo::start().await;
    let promoted = demo.promoted().await;
    let records = demo
        .until("the record", || async {
            let list = demo.api("viv", "GET", "/api/v1/components/api/deployments?environment=prod", None).await.ok();
            (list["items"][0]["outcome"] == "succeeded").then_some(list)
        })
        .await;
    let old = &records["items"][1];
    let body = json!({
        "kind": "rollback", "component": "api", "environment": "prod", "to_revision": old["revision"], "reason": "errors",
        "restore_config": false,
    });
    let change = demo.api("bea", "POST", "/api/v1/changes", Some(&body)).await.ok();
    demo.wait_for_state(&change, "succeeded").await;

    let holds = demo.api("viv", "GET", "/api/v1/holds?component=api&environment=prod", None).await.ok();
    let hold = &holds["items"][0];
    has_keys(hold, &["id", "component", "environment", "image", "digest", "change", "by", "at"]);
    assert_eq!(hold["digest"], promoted["plan"]["to"]["digest"]);
    demo.api("bea", "POST", "/api/v1/changes", Some(&promotion())).await.refused(422, "release_on_hold");

    let path = format!("/api/v1/holds/{}", hold["id"].as_str().unwrap());
    demo.api("viv", "DELETE", &path, None).await.refused(403, "role_missing");
    assert_eq!(demo.api("bea", "DELETE", &path, None).await.ok()["id"], hold["id"]);
    demo.api("bea", "DELETE", &path, Some(&json!({"reason": "again"}))).await.refused(404, "not_found");
    assert_eq!(demo.api("viv", "GET", "/api/v1/holds", None).await.ok(), json!({"items": [], "next": null}));
    demo.api("bea", "POST", "/api/v1/changes/preview", Some(&promotion())).await.ok();
}
