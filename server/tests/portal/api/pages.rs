//! Pages over the API. In the demo nothing leaves, and that is what is said.

use crate::support::{Demo, has_keys};
use serde_json::{Value, json};

async fn settled(demo: &Demo, page: &Value) -> Value {
    let path = format!("/api/v1/pages/{}", page["label"].as_str().unwrap());
    demo.until("each delivery has its end", || async {
        let page = demo.api("viv", "GET", &path, None).await.ok();
        page["deliveries"].as_array().unwrap().iter().all(|delivery| !delivery["at"].is_null()).then_some(page)
    })
    .await
}

#[tokio::test]
async fn a_page_is_made_looked_at_and_acknowledged() {
    let demo = Demo::start().await;
    let incident = demo.api("bea", "POST", "/api/v1/incidents", Some(&json!({"title": "Requests fail", "severity": "P1"}))).await.ok();
    let body = json!({"to": "olivia", "reason": "the site is down", "incident": incident["label"]});
    let made = demo.api("bea", "POST", "/api/v1/pages", Some(&body)).await;
    assert_eq!(made.status, 201, "{}", made.text());
    let page = made.json();
    assert_eq!(made.header("location"), format!("/api/v1/pages/{}", page["id"].as_str().unwrap()));
    has_keys(
        &page,
        &["id", "number", "label", "to", "people", "unreached", "reason", "incident", "by", "at", "acknowledged", "deliveries"],
    );
    assert_eq!(
        (&page["label"], &page["people"], &page["by"], &page["incident"]),
        (&json!("PG-1"), &json!(["olivia"]), &json!("bea"), &json!("INC-1"))
    );
    let page = settled(&demo, &page).await;
    for delivery in page["deliveries"].as_array().unwrap() {
        has_keys(delivery, &["id", "person", "channel", "kind", "address", "state", "tries", "next_at", "at", "detail"]);
        assert_eq!((&delivery["state"], &delivery["detail"]), (&json!("recorded"), &json!("Demo: nothing was sent.")));
    }
    let story = demo.api("viv", "GET", "/api/v1/incidents/INC-1", None).await.ok();
    assert!(story["timeline"].as_array().unwrap().iter().any(|entry| entry["kind"] == "paged"), "{story}");

    let open = demo.api("viv", "GET", "/api/v1/pages?state=open", None).await.ok();
    assert_eq!((open["items"].as_array().unwrap().len(), &open["next"]), (1, &Value::Null));
    let answered = demo.api("paul", "POST", "/api/v1/pages/PG-1/acknowledge", None).await.ok();
    assert_eq!(answered["acknowledged"]["by"], "paul");
    assert_eq!(demo.api("viv", "GET", "/api/v1/pages?state=open", None).await.ok()["items"], json!([]));
    assert_eq!(demo.api("viv", "GET", "/api/v1/pages", None).await.ok()["items"], json!([answered]));
}

#[tokio::test]
async fn a_role_is_whoever_holds_it_now() {
    let demo = Demo::start().await;
    let page = demo.api("bea", "POST", "/api/v1/pages", Some(&json!({"to": "on-call:platform/primary", "reason": "x"}))).await.ok();
    assert_eq!(page["people"], json!(demo.primary().await));
    let next = demo.api("viv", "GET", "/api/v1/pages?limit=1", None).await.ok();
    assert_eq!((next["items"].as_array().unwrap().len(), &next["next"]), (1, &Value::Null));
}

#[tokio::test]
async fn what_pages_nobody_is_told_why() {
    let demo = Demo::start().await;
    let table = [
        (json!({"to": "olivai", "reason": "x"}), "to"),
        (json!({"to": "on-call:platform", "reason": "x"}), "to"),
        (json!({"to": "on-call:platform/third", "reason": "x"}), "to"),
        (json!({"to": "on-call:nothing/primary", "reason": "x"}), "to"),
        (json!({"to": "olivia", "reason": " "}), "reason"),
        (json!({"to": "olivia", "reason": "x\u{7}"}), "reason"),
        (json!({"to": "olivia", "reason": "x".repeat(2001)}), "reason"),
        (json!({"to": "olivia", "reason": "x", "incident": "INC-99"}), "incident"),
        (json!({"to": "olivia", "reason": "x", "channel": "mail"}), "channel"),
        (json!({"to": "olivia"}), "reason"),
    ];
    for (body, field) in table {
        let problem = demo.api("bea", "POST", "/api/v1/pages", Some(&body)).await.refused(400, "invalid");
        assert_eq!(problem["field"], field, "{body}: {problem}");
    }
    for (path, field) in [("pages?state=sent", "state"), ("pages?cursor=x", "cursor"), ("pages?to=bea", "to")] {
        assert_eq!(demo.api("viv", "GET", &format!("/api/v1/{path}"), None).await.refused(400, "invalid")["field"], field);
    }
    demo.api("viv", "GET", "/api/v1/pages/PG-99", None).await.refused(404, "not_found");
    demo.api("bea", "POST", "/api/v1/pages/PG-99/acknowledge", None).await.refused(404, "not_found");
    demo.api("viv", "POST", "/api/v1/pages", Some(&json!({"to": "olivia", "reason": "x"}))).await.refused(403, "role_missing");
}

#[tokio::test]
async fn a_repeated_key_pages_once() {
    let demo = Demo::start().await;
    let headers = [("content-type", "application/json"), ("idempotency-key", "k-1")];
    let body = json!({"to": "olivia", "reason": "x"}).to_string();
    let ids: Vec<Value> = [
        demo.raw("bea", "/api/v1/pages", &headers, body.clone()).await.ok()["id"].clone(),
        demo.raw("bea", "/api/v1/pages", &headers, body).await.ok()["id"].clone(),
    ]
    .into();
    assert_eq!(ids[0], ids[1]);
    let other = json!({"to": "bea", "reason": "x"}).to_string();
    demo.raw("bea", "/api/v1/pages", &headers, other).await.refused(422, "idempotency_key_reused");
}
