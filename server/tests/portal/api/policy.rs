//! `/api/v1/freezes`, `/api/v1/reviews`, broken glasses and withdrawn votes.

use crate::support::{Demo, has_keys, promotion};
use serde_json::{Value, json};

async fn freeze(demo: &Demo, body: Value) -> Value {
    demo.api("dmitri", "POST", "/api/v1/freezes", Some(&body)).await.ok()
}

fn label(change: &Value) -> &str {
    change["label"].as_str().unwrap()
}

#[tokio::test]
async fn a_freeze_refuses_and_its_lifting_opens() {
    let demo = Demo::start().await;
    let answer = demo.api("dmitri", "POST", "/api/v1/freezes", Some(&json!({"environment": "prod", "reason": "a migration"}))).await;
    assert_eq!(answer.status, 201, "{}", answer.text());
    let frozen = answer.json();
    assert_eq!(answer.header("location"), format!("/api/v1/freezes/{}", frozen["id"].as_str().unwrap()));
    has_keys(&frozen, &["id", "scope", "environment", "reason", "from", "until", "by", "at", "lifted_by", "lifted_at"]);
    let refused = demo.api("bea", "POST", "/api/v1/changes", Some(&promotion())).await.refused(422, "frozen");
    assert!(refused["detail"].as_str().unwrap().contains("because dmitri froze it: a migration"), "{refused}");
    demo.api("bea", "POST", "/api/v1/changes/preview", Some(&promotion())).await.refused(422, "frozen");
    let matrix = demo.api("viv", "GET", "/api/v1/matrix", None).await.ok();
    let closed: Vec<_> = matrix["environments"].as_array().unwrap().iter().map(|env| env["closed"]["code"].as_str()).collect();
    assert_eq!(closed, [None, Some("frozen"), None], "staging and the other production are open");

    let path = format!("/api/v1/freezes/{}", frozen["id"].as_str().unwrap());
    demo.api("bea", "DELETE", &path, None).await.refused(403, "role_missing");
    let lifted = demo.api("paul", "DELETE", &path, Some(&json!({"reason": "it is done"}))).await.ok();
    assert_eq!((lifted["lifted_by"].as_str(), lifted["lift_reason"].as_str()), (Some("paul"), Some("it is done")));
    demo.api("paul", "DELETE", &path, None).await.refused(404, "not_found");
    assert_eq!(demo.api("viv", "GET", "/api/v1/freezes", None).await.ok(), json!({"items": [], "next": null}));
    let all = demo.api("viv", "GET", "/api/v1/freezes?state=all&environment=prod", None).await.ok();
    assert_eq!(all["items"][0]["id"], frozen["id"]);
    demo.promotion().await;
}

#[tokio::test]
async fn all_production_is_one_freeze_and_a_key_makes_one() {
    let demo = Demo::start().await;
    let body = json!({"scope": "production", "reason": "end of year", "until": "2099-01-04T08:00:00Z"});
    // Two years at most: whoever means longer leaves the end out.
    assert_eq!(demo.api("dmitri", "POST", "/api/v1/freezes", Some(&body)).await.refused(400, "invalid")["field"], "until");
    let body = json!({"scope": "production", "reason": "end of year"}).to_string();
    let headers = [("content-type", "application/json"), ("idempotency-key", "k1")];
    let first = demo.raw("dmitri", "/api/v1/freezes", &headers, body.clone()).await.ok();
    assert_eq!(demo.raw("dmitri", "/api/v1/freezes", &headers, body).await.ok()["id"], first["id"]);
    let other = json!({"environment": "prod", "reason": "x"}).to_string();
    demo.raw("dmitri", "/api/v1/freezes", &headers, other).await.refused(422, "idempotency_key_reused");
    let count = |list: Value| list["items"].as_array().unwrap().len();
    for (environment, frozen) in [("staging", 0), ("prod", 1), ("prod-central", 1)] {
        let path = format!("/api/v1/freezes?environment={environment}");
        assert_eq!(count(demo.api("viv", "GET", &path, None).await.ok()), frozen, "{environment}");
    }
}

#[tokio::test]
async fn what_is_wrong_with_a_freeze_is_named() {
    let demo = Demo::start().await;
    let table = [
        (json!({"reason": "x"}), 400, "environment"),
        (json!({"environment": "No Name", "reason": "x"}), 400, "environment"),
        (json!({"scope": "production", "environment": "prod", "reason": "x"}), 400, "environment"),
        (json!({"scope": "everything", "reason": "x"}), 400, "scope"),
        (json!({"environment": "prod"}), 400, "reason"),
        (json!({"environment": "prod", "reason": " "}), 400, "reason"),
        (json!({"environment": "prod", "reason": "x", "until": "tomorrow"}), 400, "until"),
        (json!({"environment": "prod", "reason": "x", "until": "2020-01-01T00:00:00Z"}), 400, "until"),
        (json!({"environment": "prod", "reason": "x", "forever": true}), 400, "forever"),
    ];
    for (body, status, field) in table {
        let problem = demo.api("dmitri", "POST", "/api/v1/freezes", Some(&body)).await.refused(status, "invalid");
        assert_eq!(problem["field"], field, "{body}");
    }
    let unknown = json!({"environment": "prdo", "reason": "x"});
    demo.api("dmitri", "POST", "/api/v1/freezes", Some(&unknown)).await.refused(404, "not_found");
    assert_eq!(demo.api("viv", "GET", "/api/v1/freezes?state=over", None).await.refused(400, "invalid")["field"], "state");
    demo.api("viv", "GET", "/api/v1/freezes?environment=prdo", None).await.refused(404, "not_found");
}

#[tokio::test]
async fn the_glass_is_broken_by_an_administrator_and_reviewed_by_another() {
    let demo = Demo::start().await;
    freeze(&demo, json!({"environment": "prod", "reason": "a migration"})).await;
    let mut body = promotion();
    body["break_glass"] = json!(true);
    let other = demo.off_duty().await;
    demo.api(other, "POST", "/api/v1/changes", Some(&body)).await.refused(403, "role_missing");
    let change = demo.api("olivia", "POST", "/api/v1/changes", Some(&body)).await.ok();
    assert_eq!((change["state"].as_str(), &change["break_glass"]), (Some("awaiting_approval"), &Value::Null));
    let gate = change["plan"]["gates"].as_array().unwrap().iter().find(|gate| gate["name"] == "open").unwrap();
    assert_eq!(gate["state"], "fail");

    let path = format!("/api/v1/changes/{}/break-glass", label(&change));
    let breaking = |digest: &Value, reason: &str| json!({"digest": digest, "reason": reason});
    demo.api(other, "POST", &path, Some(&breaking(&change["plan"]["digest"], "down"))).await.refused(403, "role_missing");
    demo.api("olivia", "POST", &path, Some(&breaking(&json!("0"), "down"))).await.refused(409, "plan_changed");
    let without = demo.api("olivia", "POST", &path, Some(&breaking(&change["plan"]["digest"], " "))).await.refused(400, "invalid");
    assert_eq!(without["field"], "reason");
    let broken = demo.api("olivia", "POST", &path, Some(&breaking(&change["plan"]["digest"], "the site is down"))).await.ok();
    has_keys(&broken["break_glass"], &["by", "authority", "reason", "at"]);
    demo.wait_for_state(&change, "succeeded").await;

    let reviews = demo.api("viv", "GET", "/api/v1/reviews", None).await.ok();
    let review = &reviews["items"][0];
    has_keys(
        review,
        &["id", "change", "label", "summary", "component", "environment", "by", "reason", "at", "due_at", "closed_by", "note"],
    );
    let path = format!("/api/v1/reviews/{}/close", review["id"].as_str().unwrap());
    demo.api("olivia", "POST", &path, Some(&json!({"note": "fine"}))).await.refused(403, "own_review");
    assert_eq!(demo.api("paul", "POST", &path, Some(&json!({"note": ""}))).await.refused(400, "invalid")["field"], "note");
    assert_eq!(demo.api("paul", "POST", &path, Some(&json!({"note": "it was right"}))).await.ok()["closed_by"], "paul");
    demo.api("paul", "POST", &path, Some(&json!({"note": "again"}))).await.refused(409, "already_closed");
    demo.api("paul", "POST", "/api/v1/reviews/none/close", Some(&json!({"note": "x"}))).await.refused(404, "not_found");
    assert_eq!(demo.api("viv", "GET", "/api/v1/reviews", None).await.ok(), json!({"items": [], "next": null}));
    assert_eq!(demo.api("viv", "GET", "/api/v1/reviews?state=all", None).await.ok()["items"][0]["note"], "it was right");
}

#[tokio::test]
async fn a_vote_is_taken_back_while_the_change_waits() {
    let demo = Demo::start().await;
    let change = demo.promotion().await;
    let frozen = freeze(&demo, json!({"environment": "prod", "reason": "a migration"})).await;
    let path = format!("/api/v1/changes/{}/withdraw", label(&change));
    demo.api("dmitri", "POST", &path, None).await.refused(409, "no_vote");
    assert_eq!(demo.approve("dmitri", &change).await.ok()["state"], "ready");
    let back = demo.api("dmitri", "POST", &path, Some(&json!({"reason": "a second thought"}))).await.ok();
    assert_eq!((back["state"].as_str(), &back["votes"]), (Some("awaiting_approval"), &json!([])));
    demo.api("dmitri", "DELETE", &format!("/api/v1/freezes/{}", frozen["id"].as_str().unwrap()), None).await.ok();
    demo.approve("olivia", &change).await.ok();
    demo.wait_for_state(&change, "succeeded").await;
    demo.api("olivia", "POST", &path, None).await.refused(409, "too_late");
}
