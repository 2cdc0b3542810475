//! Incidents and the severity matrix over the API.

use crate::support::{Demo, has_keys};
use domain::Time;
use serde_json::{Value, json};

#[tokio::test]
async fn the_seeds_matrix_is_given_exactly() {
    let demo = Demo::start().await;
    let matrix = demo.api("viv", "GET", "/api/v1/severities", None).await.ok();
    let rows: Vec<_> = matrix["items"]
        .as_array()
        .unwrap()
        .iter()
        .map(|l| json!([l["level"], l["title"], l["response_s"], l["response"], l["example"]]))
        .collect();
    let expected = [
        json!(["P0", "Critical", 900, "15 minutes", "complete system outage"]),
        json!(["P1", "High", 3600, "1 hour", "major feature unavailable"]),
        json!(["P2", "Medium", 14_400, "4 hours", "performance degradation"]),
        json!(["P3", "Low", null, "next business day", "minor bugs"]),
    ];
    assert_eq!(rows, expected);
    assert_eq!(matrix["items"][0]["freezes"], json!(["prod", "prod-central"]));
    let due = |path: &'static str| {
        let demo = &demo;
        async move { demo.api("viv", "GET", path, None).await.ok()["due_at"].clone() }
    };
    assert_eq!(due("/api/v1/severities/P0/due?from=2026-12-24T23:50:00Z").await, "2026-12-25T00:05:00Z");
    assert_eq!(due("/api/v1/severities/P3/due?from=2026-12-24T10:00:00Z&team=devops").await, "2026-12-28T16:00:00Z");
    demo.api("viv", "GET", "/api/v1/severities/P9/due", None).await.refused(404, "not_found");
    for (path, field) in [("P3/due?from=noon", "from"), ("P3/due?team=nobody", "team"), ("P3/due?zone=UTC", "zone")] {
        assert_eq!(demo.api("viv", "GET", &format!("/api/v1/severities/{path}"), None).await.refused(400, "invalid")["field"], field);
    }
}

#[tokio::test]
async fn an_incident_is_opened_answered_graded_and_resolved() {
    let demo = Demo::start().await;
    let body = json!({"title": "Requests fail", "severity": "P1", "components": ["api"], "summary": "one in ten"});
    let opened = demo.api("bea", "POST", "/api/v1/incidents", Some(&body)).await;
    assert_eq!(opened.status, 201, "{}", opened.text());
    let incident = opened.json();
    has_keys(&incident, &["id", "number", "label", "title", "severity", "components", "state", "team", "opened", "due_at", "timeline"]);
    let time = |value: &Value| Time::parse(value.as_str().unwrap()).unwrap();
    assert_eq!(time(&incident["due_at"]), time(&incident["opened"]["at"]).plus_seconds(3600));
    assert_eq!(incident["team"], "backend", "the component's owner");
    assert_eq!(opened.header("location"), format!("/api/v1/incidents/{}", incident["id"].as_str().unwrap()));

    let post = |person: &'static str, what: &'static str, body: Option<Value>| {
        let demo = &demo;
        async move { demo.api(person, "POST", &format!("/api/v1/incidents/INC-1/{what}"), body.as_ref()).await }
    };
    post("viv", "acknowledge", None).await.refused(403, "role_missing");
    assert_eq!(post("paul", "acknowledge", None).await.ok()["acknowledged"]["by"], "paul");
    let raised = post("bea", "severity", Some(json!({"severity": "P0", "reason": "all of it"}))).await.ok();
    assert_eq!(time(&raised["due_at"]), time(&incident["opened"]["at"]).plus_seconds(900));
    assert_eq!(post("bea", "comments", Some(json!({"text": "rolled back"}))).await.status, 201);
    assert_eq!(post("bea", "comments", Some(json!({"text": " "}))).await.refused(400, "invalid")["field"], "text");
    assert_eq!(post("bea", "severity", Some(json!({"severity": "P9"}))).await.refused(400, "invalid")["field"], "severity");
    let about = post("bea", "components", Some(json!({"components": ["nginx", "api"]}))).await.ok();
    assert_eq!((&about["components"], &about["due_at"]), (&json!(["nginx", "api"]), &raised["due_at"]));
    for (body, field) in
        [(json!({"components": ["apu"]}), "components"), (json!({"components": "api"}), "components"), (json!({}), "components")]
    {
        assert_eq!(post("bea", "components", Some(body.clone())).await.refused(400, "invalid")["field"], field, "{body}");
    }
    post("viv", "components", Some(json!({"components": []}))).await.refused(403, "role_missing");
    let open = demo.api("viv", "GET", "/api/v1/incidents?state=open", None).await.ok();
    assert_eq!(open["items"][0]["state"], "acknowledged", "answered is open still");
    assert_eq!(post("bea", "resolve", Some(json!({"text": "it was the cache"}))).await.ok()["state"], "resolved");
    assert_eq!(demo.api("viv", "GET", "/api/v1/incidents?state=open", None).await.ok()["items"], json!([]));
    post("bea", "acknowledge", None).await.ok();
    post("bea", "severity", Some(json!({"severity": "P1"}))).await.refused(409, "resolved");
    let story = demo.api("viv", "GET", "/api/v1/incidents/INC-1", None).await.ok();
    let kinds: Vec<_> = story["timeline"].as_array().unwrap().iter().map(|entry| entry["kind"].as_str().unwrap()).collect();
    assert_eq!(kinds, ["opened", "acknowledged", "severity", "comment", "components", "resolved"]);
}

#[tokio::test]
async fn bad_incidents_are_told_by_their_field() {
    let demo = Demo::start().await;
    let table = [
        (json!({"severity": "P1"}), "title"),
        (json!({"title": "", "severity": "P1"}), "title"),
        (json!({"title": "x".repeat(201), "severity": "P1"}), "title"),
        (json!({"title": "x", "severity": "p1"}), "severity"),
        (json!({"title": "x", "severity": "P1", "components": ["apu"]}), "components"),
        (json!({"title": "x", "severity": "P1", "summary": "\u{7}"}), "summary"),
        (json!({"title": "x", "severity": "P1", "due_at": "2026-12-24T10:00:00Z"}), "due_at"),
    ];
    for (body, field) in table {
        let problem = demo.api("bea", "POST", "/api/v1/incidents", Some(&body)).await.refused(400, "invalid");
        assert_eq!(problem["field"], field, "{body}");
    }
    for (query, field) in [("state=closed", "state"), ("cursor=abc", "cursor"), ("limit=0", "limit"), ("team=x", "team")] {
        assert_eq!(demo.api("viv", "GET", &format!("/api/v1/incidents?{query}"), None).await.refused(400, "invalid")["field"], field);
    }
    demo.api("viv", "GET", "/api/v1/incidents/INC-9", None).await.refused(404, "not_found");
}
