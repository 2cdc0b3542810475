//! Whatever is sent: a problem document with a 4xx, and never a 500.

use crate::support::{Demo, promotion};
use axum::body::Body;
use http::Request;
use serde_json::json;

const JSON: (&str, &str) = ("content-type", "application/json");

#[tokio::test]
async fn bad_bodies_are_told_what_is_wrong() {
    let demo = Demo::start().await;
    let posts = [
        "/api/v1/changes",
        "/api/v1/changes/preview",
        "/api/v1/changes/CH-1/approve",
        "/api/v1/changes/CH-1/reject",
        "/api/v1/changes/CH-1/abort",
        "/api/v1/changes/CH-1/break-glass",
        "/api/v1/freezes",
        "/api/v1/reviews/none/close",
    ];
    for path in posts {
        for body in ["", "{", "{\"kind\": promote}", "{\"a\":1}}", "\u{0}", "{\"kind\":\"\\ud800\"}", "nul"] {
            let problem = demo.raw("olivia", path, &[JSON], body.to_owned()).await.refused(400, "malformed_json");
            assert!(problem["detail"].as_str().unwrap().starts_with("Line "), "{path} {body:?}: {problem}");
        }
        demo.raw("olivia", path, &[JSON], vec![b'{', 0xff, b'}']).await.refused(400, "malformed_json");
        for body in ["[]", "null", "1", "\"x\""] {
            assert_eq!(demo.raw("olivia", path, &[JSON], body.to_owned()).await.refused(400, "invalid")["field"], "body", "{path} {body}");
        }
        demo.raw("olivia", path, &[JSON], "{}".to_owned()).await.refused(400, "invalid");
        demo.raw("olivia", path, &[JSON], json!({"nonsense": 1}).to_string()).await.refused(400, "invalid");
        demo.raw("olivia", path, &[], promotion().to_string()).await.refused(415, "unsupported_media_type");
        demo.raw("olivia", path, &[("content-type", "text/plain")], promotion().to_string()).await.refused(415, "unsupported_media_type");
    }
}

#[tokio::test]
async fn a_body_of_10_mib_is_refused_announced_or_not() {
    let demo = Demo::start().await;
    let big = vec![b' '; 10 * 1024 * 1024];
    let length = big.len().to_string();
    for path in ["/api/v1/changes", "/api/v1/changes/CH-1/approve", "/api/v1/nothing"] {
        demo.raw("olivia", path, &[JSON, ("content-length", &length)], big.clone()).await.refused(413, "body_too_large");
    }
    // Without an announced length it shows only while it is read.
    let chunks = futures::stream::iter(big.chunks(64 * 1024).map(|chunk| Ok::<_, std::io::Error>(chunk.to_vec())).collect::<Vec<_>>());
    demo.raw("olivia", "/api/v1/changes", &[JSON], Body::from_stream(chunks)).await.refused(413, "body_too_large");
}

#[tokio::test]
async fn bad_queries_are_told_which_parameter() {
    let demo = Demo::start().await;
    let long = "x".repeat(5000);
    let table = [
        ("changes?state=done", "state"),
        ("changes?stat=running", "stat"),
        ("changes?state=running&state=failed", "state"),
        ("changes?limit=0", "limit"),
        ("changes?limit=many", "limit"),
        ("changes?cursor=%00", "cursor"),
        (&format!("changes?cursor={long}"), "cursor"),
        ("changes?cursor=nonsense", "cursor"),
        ("components/api/deployments?cursor=non%20sense", "cursor"),
        ("matrix?fields=all", "fields"),
        ("holds?limit=1", "limit"),
    ];
    for (path, field) in table {
        let problem = demo.api("viv", "GET", &format!("/api/v1/{path}"), None).await.refused(400, "invalid");
        assert_eq!(problem["field"], field, "{path}: {problem}");
    }
    for path in ["changes?environment=nowhere", "changes?component=%00", "holds?component=nothing"] {
        demo.api("viv", "GET", &format!("/api/v1/{path}"), None).await.refused(404, "not_found");
    }
}

#[tokio::test]
async fn unknown_addresses_and_methods_are_problems_too() {
    let demo = Demo::start().await;
    for path in
        ["/api", "/api/", "/api/v1", "/api/v2/matrix", "/api/v1/nothing", "/api/v1/matrix/", "/api/v1/changes/a%20b", "/api/v1/changes/%00"]
    {
        demo.api("viv", "GET", path, None).await.refused(404, "not_found");
    }
    for (method, path, allow) in [
        ("DELETE", "/api/v1/matrix", "GET,HEAD"),
        ("PUT", "/api/v1/changes", "GET,HEAD,POST"),
        ("GET", "/api/v1/changes/CH-1/approve", "POST"),
        ("TRACE", "/api/v1/matrix", "GET,HEAD"),
        ("OPTIONS", "/api/v1/me", "GET,HEAD"),
        ("PROPFIND", "/api/v1/me", "GET,HEAD"),
        ("POST", "/healthz", "GET,HEAD"),
    ] {
        let answer = demo.api("viv", method, path, None).await;
        answer.refused(405, "method_not_allowed");
        let mut allowed: Vec<_> = answer.header("allow").split(',').map(str::trim).collect();
        allowed.sort_unstable();
        assert_eq!(allowed.join(","), allow, "{method} {path}");
    }
}

#[tokio::test]
async fn a_foreign_host_is_not_believed() {
    let demo = Demo::start().await;
    let ask = |host: &'static str| Request::get("/api/v1/matrix").header("host", host).header("authorization", "Bearer demo-viv");
    for host in ["evil.example", "127.0.0.1.evil.example:3000", "10.0.0.1:3000"] {
        demo.send(ask(host).body(Body::empty()).unwrap()).await.refused(403, "wrong_host");
    }
    for host in ["localhost:3000", "127.0.0.1:3000", "[::1]:3000"] {
        demo.send(ask(host).body(Body::empty()).unwrap()).await.ok();
    }
}
