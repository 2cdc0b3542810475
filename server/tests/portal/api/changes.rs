//! `/api/v1/changes`: asking, deciding, following.

use crate::support::{Demo, has_keys, promotion};
use serde_json::{Value, json};

#[tokio::test]
async fn a_promotion_is_asked_for_approved_and_succeeds() {
    let demo = Demo::start().await;
    let plan = demo.api("bea", "POST", "/api/v1/changes/preview", Some(&promotion())).await.ok();
    has_keys(&plan, &["digest", "valid_until", "summary", "from", "to", "diff", "gates"]);
    assert_eq!(demo.api("viv", "GET", "/api/v1/changes", None).await.ok()["items"], json!([]), "a preview stores nothing");

    let answer = demo.api("bea", "POST", "/api/v1/changes", Some(&promotion())).await;
    assert_eq!(answer.status, 201, "{}", answer.text());
    let change = answer.json();
    assert_eq!(answer.header("location"), format!("/api/v1/changes/{}", change["id"].as_str().unwrap()));
    is_a_change(&change);
    assert_eq!((change["state"].as_str(), change["requester"].as_str()), (Some("awaiting_approval"), Some("bea")));
    let to = change["plan"]["to"]["image"].as_str().unwrap();
    assert!(to.ends_with(change["plan"]["to"]["digest"].as_str().unwrap()), "the image to be written names its digest: {to}");

    let approved = demo.approve("dmitri", &change).await.ok();
    assert_eq!((approved["votes"][0]["by"].as_str(), approved["votes"][0]["vote"].as_str()), (Some("dmitri"), Some("approve")));
    has_keys(&approved["votes"][0], &["by", "vote", "at", "digest", "reason"]);
    demo.wait_for_state(&change, "succeeded").await;

    let by_label = demo.api("viv", "GET", &format!("/api/v1/changes/{}", change["label"].as_str().unwrap()), None).await.ok();
    assert_eq!(by_label["id"], change["id"]);
    has_keys(&by_label["outcome"], &["state", "reason", "failing_pod", "at"]);
    let prod = demo.api("viv", "GET", "/api/v1/components/api", None).await.ok();
    let prod = prod["environments"].as_array().unwrap().iter().find(|e| e["environment"]["name"] == "prod").unwrap().clone();
    assert_eq!(prod["cell"]["image"], change["plan"]["to"]["image"]);
}

#[track_caller]
fn is_a_change(change: &Value) {
    let keys = [
        "id",
        "kind",
        "component",
        "environment",
        "state",
        "requester",
        "reason",
        "requested_at",
        "plan",
        "votes",
        "steps",
        "progress",
        "outcome",
        "links",
    ];
    has_keys(change, &keys);
    has_keys(&change["plan"], &["digest", "valid_until", "summary", "from", "to", "diff", "gates"]);
    has_keys(&change["plan"]["to"], &["image", "digest"]);
    has_keys(&change["progress"], &["desired", "updated", "ready", "available"]);
    has_keys(&change["steps"][0], &["name", "state", "started", "finished", "detail"]);
}

#[tokio::test]
async fn a_list_is_filtered_and_comes_in_parts() {
    let demo = Demo::start().await;
    let first = demo.promotion().await;
    let stop = json!({"reason": "not yet"});
    demo.api("bea", "POST", &format!("/api/v1/changes/{}/abort", first["label"].as_str().unwrap()), Some(&stop)).await.ok();
    let second = demo.promotion().await;
    let list = |query: &'static str| {
        let demo = &demo;
        async move {
            let list = demo.api("viv", "GET", &format!("/api/v1/changes{query}"), None).await.ok();
            let ids: Vec<_> = list["items"].as_array().unwrap().iter().map(|c| c["id"].clone()).collect();
            (ids, list["next"].clone())
        }
    };
    assert_eq!(list("").await, (vec![second["id"].clone(), first["id"].clone()], Value::Null));
    assert_eq!(list("?state=aborted").await.0, vec![first["id"].clone()]);
    assert_eq!(list("?state=awaiting_approval,running&component=api&environment=prod").await.0, vec![second["id"].clone()]);
    assert_eq!(list("?environment=prod-central").await.0, Vec::<Value>::new());
    let (part, next) = list("?limit=1").await;
    assert_eq!(part, vec![second["id"].clone()]);
    let rest = demo.api("viv", "GET", &format!("/api/v1/changes?limit=1&cursor={}", next.as_str().unwrap()), None).await.ok();
    assert_eq!((&rest["items"][0]["id"], &rest["next"]), (&first["id"], &Value::Null));
}

#[tokio::test]
async fn decisions_are_refused_with_their_code() {
    let demo = Demo::start().await;
    let change = demo.api("dmitri", "POST", "/api/v1/changes", Some(&promotion())).await.ok();
    let path = format!("/api/v1/changes/{}", change["label"].as_str().unwrap());
    demo.approve("dmitri", &change).await.refused(403, "self_approval");
    demo.approve("viv", &change).await.refused(403, "role_missing");
    demo.approve("bea", &change).await.refused(403, "role_missing");
    demo.approve("pia", &change).await.refused(403, "not_an_approver_here");
    let other = json!({"digest": "0".repeat(64)});
    demo.api("olivia", "POST", &format!("{path}/approve"), Some(&other)).await.refused(409, "plan_changed");
    let rejected = demo.api("olivia", "POST", &format!("{path}/reject"), Some(&json!({"reason": "not today"}))).await.ok();
    assert_eq!(rejected["state"], "rejected");
    demo.approve("olivia", &change).await.refused(409, "not_awaiting_approval");
    demo.api("bea", "POST", &format!("{path}/abort"), Some(&json!({"reason": "late"}))).await.refused(409, "already_ended");
}

#[tokio::test]
async fn the_same_key_makes_one_change() {
    let demo = Demo::start().await;
    let ask = |key: &'static str, body: Value| {
        let demo = &demo;
        async move {
            let headers = [("content-type", "application/json"), ("idempotency-key", key)];
            demo.raw("bea", "/api/v1/changes", &headers, body.to_string()).await
        }
    };
    let (first, again) = (ask("k-1", promotion()).await, ask("k-1", promotion()).await);
    assert_eq!((first.status.as_u16(), again.status.as_u16()), (201, 201), "{}", again.text());
    assert_eq!((&first.json()["id"], first.header("location")), (&again.json()["id"], again.header("location")));
    let mut other = promotion();
    other["reason"] = json!("another one");
    ask("k-1", other).await.refused(422, "idempotency_key_reused");
    assert_eq!(demo.api("viv", "GET", "/api/v1/changes", None).await.ok()["items"].as_array().unwrap().len(), 1);
    let problem = ask("no spaces", promotion()).await.refused(400, "invalid");
    assert_eq!(problem["field"], "Idempotency-Key");
}

#[tokio::test]
async fn what_cannot_be_planned_is_refused_with_its_code() {
    let demo = Demo::start().await;
    let with = |changes: &[(&str, Value)]| {
        let mut body = promotion();
        for (key, value) in changes {
            body[*key] = value.clone();
        }
        body
    };
    let rollback = json!({"kind": "rollback", "component": "api", "environment": "prod", "to_revision": 9999, "reason": "x"});
    let table = [
        (with(&[("component", json!("unknown"))]), 404, "not_found"),
        (with(&[("environment", json!("unknown"))]), 404, "not_found"),
        (with(&[("from", json!("prod-central"))]), 422, "promotion_path_unknown"),
        (with(&[("component", json!("neo4j"))]), 422, "source_unhealthy"),
        (with(&[("kind", json!("run_job"))]), 400, "invalid"),
        (json!({"kind": "run_job", "environment": "prod", "cron_job": "unknown", "reason": "x"}), 422, "cron_job_missing"),
        (json!({"kind": "scale", "component": "api", "environment": "prod", "replicas": 6, "reason": "x"}), 422, "scaled_by_autoscaler"),
        (json!({"kind": "scale", "component": "redis", "environment": "prod", "replicas": 1, "reason": "x"}), 422, "already_running"),
        (json!({"kind": "restart", "component": "neo4j", "environment": "staging", "reason": "x"}), 422, "workload_paused"),
        (rollback, 422, "revision_unknown"),
        (
            json!({"kind": "unblock", "component": "postgres", "environment": "prod", "pod": "postgres-0", "reason": "x"}),
            422,
            "not_blocked",
        ),
        (
            json!({"kind": "unblock", "component": "nginx", "environment": "prod", "pod": "nginx-0", "reason": "x"}),
            422,
            "kind_not_supported",
        ),
        (json!({"kind": "unblock", "component": "postgres", "environment": "prod", "pod": "A B", "reason": "x"}), 400, "invalid"),
    ];
    for (body, status, code) in table {
        for path in ["/api/v1/changes", "/api/v1/changes/preview"] {
            demo.api("bea", "POST", path, Some(&body)).await.refused(status, code);
        }
    }
    for act in ["approve", "reject", "abort"] {
        let body = json!({"reason": "x", "digest": "0"});
        let body = if act == "abort" { json!({"reason": "x"}) } else { body };
        demo.api("olivia", "POST", &format!("/api/v1/changes/CH-77/{act}"), Some(&body)).await.refused(404, "not_found");
    }
}
