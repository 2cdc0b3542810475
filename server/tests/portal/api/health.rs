//! `/healthz`, `/readyz`, `/metrics`, `/api/v1/openapi.json`, and what every answer carries.

use crate::support::Demo;

#[tokio::test]
async fn health_is_told_to_anybody() {
    let demo = Demo::start().await;
    assert_eq!(demo.get("/healthz").await.ok()["status"], "ok");
    assert_eq!(demo.get("/readyz").await.ok()["status"], "ok");
    let metrics = demo.get("/metrics").await;
    assert!(metrics.header("content-type").starts_with("text/plain"));
    assert!(metrics.text().contains("devmatrix_cluster_reachable{"), "{}", metrics.text());
    demo.portal.stopping.cancel();
    let answer = demo.get("/readyz").await;
    assert!(answer.refused(503, "not_ready")["missing"][0].is_string());
    assert!(!answer.header("retry-after").is_empty());
}

#[tokio::test]
async fn the_openapi_document_tells_every_answer() {
    let demo = Demo::start().await;
    let document = demo.get("/api/v1/openapi.json").await.ok();
    assert!(document["openapi"].as_str().unwrap().starts_with("3.1"), "{}", document["openapi"]);
    let create = &document["paths"]["/api/v1/changes"]["post"];
    for status in ["201", "400", "401", "403", "404", "409", "413", "415", "422", "429", "503"] {
        assert!(create["responses"][status].is_object(), "{status} in {create}");
    }
    assert!(create["responses"]["422"]["content"]["application/problem+json"].is_object());
    assert!(document["paths"]["/healthz"]["get"]["responses"]["401"].is_null());
    let promote = &document["components"]["schemas"]["Promote"];
    let mut required: Vec<_> = promote["required"].as_array().unwrap().iter().map(|r| r.as_str().unwrap()).collect();
    required.sort_unstable();
    assert_eq!(required, ["component", "environment", "from", "kind", "reason"], "{promote}");
    assert_eq!(promote["additionalProperties"], false, "{promote}");
    every_reference_resolves(&document, &document);
    let operations = document["paths"].as_object().unwrap().values().flat_map(|item| item.as_object().unwrap().values());
    let mut ids: Vec<_> = operations.map(|operation| operation["operationId"].as_str().unwrap()).collect();
    let count = ids.len();
    ids.sort_unstable();
    ids.dedup();
    assert_eq!(ids.len(), count, "client generators name their functions by these");
}

fn every_reference_resolves(document: &serde_json::Value, part: &serde_json::Value) {
    match part {
        serde_json::Value::Object(map) => {
            if let Some(reference) = map.get("$ref").and_then(|r| r.as_str()) {
                assert!(document.pointer(reference.trim_start_matches('#')).is_some(), "{reference}");
            }
            map.values().for_each(|value| every_reference_resolves(document, value));
        }
        serde_json::Value::Array(items) => items.iter().for_each(|value| every_reference_resolves(document, value)),
        _ => {}
    }
}

#[tokio::test]
async fn every_answer_carries_the_security_headers() {
    let demo = Demo::start().await;
    for path in ["/healthz", "/api/v1/matrix", "/api/v1/nothing", "/sign-in", "/nothing", "/"] {
        let answer = demo.get(path).await;
        assert!(
            answer.header("content-security-policy").starts_with("default-src 'none'; script-src 'self' 'wasm-unsafe-eval';"),
            "{path}"
        );
        assert!(!answer.header("content-security-policy").contains("unsafe-inline"), "{path}");
        assert_eq!(answer.header("x-content-type-options"), "nosniff", "{path}");
        assert_eq!(answer.header("referrer-policy"), "same-origin", "{path}");
        assert_eq!(answer.header("cache-control"), "private, no-store", "{path}");
        assert!(answer.headers.get("strict-transport-security").is_none(), "{path}: this is plain HTTP");
    }
}
