//! `/api/v1/components/{component}/{logs,events}`, and the log as a file.

use crate::support::{DEADLINE, Demo, has_keys};
use axum::body::{Body, BodyDataStream};
use futures::StreamExt;
use http::Request;
use serde_json::Value;
use std::collections::BTreeSet;
use tower::ServiceExt;

const LOGS: &str = "/api/v1/components/api/logs?environment=prod";

async fn items(demo: &Demo, path: &str) -> Vec<Value> {
    let list = demo.api("viv", "GET", path, None).await.ok();
    assert!(list["next"].is_null());
    list["items"].as_array().unwrap().clone()
}

#[tokio::test]
async fn the_lines_of_all_pods_are_merged_filtered_and_bounded() {
    let demo = Demo::start().await;
    let lines = items(&demo, LOGS).await;
    assert_eq!(lines.len(), 200);
    let times: Vec<&str> = lines.iter().map(|line| line["at"].as_str().unwrap()).collect();
    assert!(times.is_sorted() && times[0].len() == "2026-11-24T09:42:00.123456789Z".len(), "{times:?}");
    let pods: BTreeSet<&str> = lines.iter().map(|line| line["pod"].as_str().unwrap()).collect();
    assert_eq!(pods.len(), 4, "{pods:?}");
    for line in &lines {
        has_keys(line, &["at", "pod", "container", "text", "kind"]);
        assert_eq!((line["container"].as_str(), line["kind"].as_str()), (Some("api"), Some("line")), "{line}");
    }
    let few = items(&demo, &format!("{LOGS}&tail=5&text=WARN&container=api")).await;
    assert_eq!(few.len(), 5);
    assert!(few.iter().all(|line| line["text"].as_str().unwrap().to_lowercase().contains("warn")), "{few:?}");
    let late = items(&demo, &format!("{LOGS}&since={}", times[190])).await;
    assert_eq!(late[0]["at"], times[190]);
    assert!(items(&demo, &format!("{LOGS}&container=sidecar")).await.is_empty());
    assert!(items(&demo, &format!("{LOGS}&previous=true")).await.is_empty(), "nothing has crashed");
}

#[tokio::test]
async fn bad_input_names_its_field() {
    let demo = Demo::start().await;
    let long = "x".repeat(201);
    for (query, field) in [
        ("", "environment"),
        ("environment=", "environment"),
        ("environment=A%00", "environment"),
        ("environment=prod&tail=0", "tail"),
        ("environment=prod&tail=5001", "tail"),
        ("environment=prod&tail=many", "tail"),
        ("environment=prod&container=a%20b", "container"),
        (&format!("environment=prod&text={long}"), "text"),
        ("environment=prod&previous=maybe", "previous"),
        ("environment=prod&previous=true&follow=true", "previous"),
        ("environment=prod&follow=1", "follow"),
        ("environment=prod&since=yesterday", "since"),
        ("environment=prod&after=api-1", "after"),
        ("environment=prod&after=api-1/api@yesterday", "after"),
        ("environment=prod&lines=5", "lines"),
        ("environment=prod&environment=staging", "environment"),
    ] {
        let problem = demo.api("viv", "GET", &format!("/api/v1/components/api/logs?{query}"), None).await.refused(400, "invalid");
        assert_eq!(problem["field"], field, "{query}: {problem}");
        let page = demo.page(&demo.sign_in("viv").await, &format!("/components/api/logs.txt?{query}")).await;
        let is_for_the_page = ["previous=true&follow", "follow=1", "environment=prod&environment"].iter().any(|only| query.contains(only));
        assert_eq!(page.status.as_u16() == 400, !is_for_the_page, "{query}: {}", page.status);
    }
    for path in ["apii/logs?environment=prod", "api/logs?environment=nowhere", "A%00/logs?environment=prod", "apii/events?environment=prod"]
    {
        demo.api("viv", "GET", &format!("/api/v1/components/{path}"), None).await.refused(404, "not_found");
    }
    let problem = demo.api("viv", "GET", "/api/v1/components/api/events", None).await.refused(400, "invalid");
    assert_eq!(problem["field"], "environment");
}

async fn open(demo: &Demo, path: &str, header: (&str, &str), last: Option<&str>) -> BodyDataStream {
    let mut request = Request::get(path).header("host", "127.0.0.1:3000").header(header.0, header.1);
    if let Some(last) = last {
        request = request.header("last-event-id", last);
    }
    let response = demo.router.clone().oneshot(request.body(Body::empty()).unwrap()).await.unwrap();
    assert_eq!(response.headers()["content-type"], "text/event-stream");
    response.into_body().into_data_stream()
}

/// Reads events until there are enough lines.
async fn read(stream: &mut BodyDataStream, enough: usize) -> Vec<Value> {
    let mut text = String::new();
    let all = async {
        while text.matches("\n\n").count() < enough {
            let chunk = stream.next().await.unwrap_or_else(|| panic!("it ended at: {text}")).unwrap();
            text.push_str(std::str::from_utf8(&chunk).unwrap());
        }
    };
    tokio::time::timeout(DEADLINE, all).await.expect("lines come");
    let whole = text.rsplit_once("\n\n").unwrap().0;
    let told = |event: &str| {
        let field = |name: &str| event.lines().find_map(|line| line.strip_prefix(name)).map(str::to_owned);
        assert_eq!(field("event: ").as_deref(), Some("line"), "{event}");
        let line: Value = serde_json::from_str(&field("data: ").unwrap()).unwrap();
        assert_eq!(field("id: ").as_deref(), line["at"].as_str());
        line
    };
    whole.split("\n\n").filter(|event| !event.starts_with(':')).map(told).collect()
}

#[tokio::test]
async fn a_log_is_followed_and_taken_up_again() {
    let demo = Demo::start().await;
    let path = format!("{LOGS}&follow=true&tail=3");
    let viv = ("authorization", "Bearer demo-viv");
    let mut stream = open(&demo, &path, viv, None).await;
    let lines = read(&mut stream, 20).await;
    let key = |line: &Value| format!("{} {}", line["pod"], line["at"]);
    let keys: BTreeSet<String> = lines.iter().map(key).collect();
    assert_eq!(keys.len(), lines.len(), "each once");
    drop(stream);
    // As a browser does that has lost its connection.
    let last = lines.last().unwrap()["at"].as_str().unwrap();
    let again = read(&mut open(&demo, &path.replace("tail=3", "tail=500"), viv, Some(last)).await, 30).await;
    assert!(again.iter().any(|line| key(line) == key(lines.last().unwrap())), "a little is told again");
    assert!(again[0]["at"].as_str().unwrap() >= lines[0]["at"].as_str().unwrap(), "and nothing of long before");
}

#[tokio::test]
async fn what_is_followed_ends_with_the_session_and_with_the_portal() {
    let demo = Demo::start().await;
    let cookie = demo.sign_in("viv").await;
    let path = format!("{LOGS}&follow=true&text=no%20such%20words");
    let silent = open(&demo, &path, ("cookie", &cookie), None).await;
    let mut other = open(&demo, &format!("{LOGS}&follow=true"), ("authorization", "Bearer demo-viv"), None).await;
    read(&mut other, 3).await;
    demo.form(Some(&cookie), "/sign-out", &[]).await;
    let rest = |stream: BodyDataStream| async { stream.for_each(|_| async {}).await };
    tokio::time::timeout(DEADLINE, rest(silent)).await.expect("a silent one ends with its session");
    demo.portal.stopping.cancel();
    tokio::time::timeout(DEADLINE, rest(other)).await.expect("all end with the portal");
}

#[tokio::test]
async fn the_cluster_speaks_of_a_rollout() {
    let demo = Demo::start().await;
    demo.promoted().await;
    let events = demo
        .until("events", || async {
            let events = items(&demo, "/api/v1/components/api/events?environment=prod").await;
            events.iter().any(|event| event["reason"] == "Started").then_some(events)
        })
        .await;
    for event in &events {
        has_keys(event, &["id", "at", "first", "count", "type", "reason", "object", "message"]);
        assert!(event["object"].as_str().unwrap().contains("/devmatrix-api"), "{event}");
    }
    assert!(events.is_sorted_by(|a, b| a["at"].as_str() >= b["at"].as_str()), "newest first");
    assert!(events.iter().any(|event| event["reason"] == "ScalingReplicaSet" && event["type"] == "Normal"), "{events:?}");
    let cookie = demo.sign_in("viv").await;
    let page = demo.page(&cookie, "/components/api").await.text();
    assert!(page.contains("data-reason=\"ScalingReplicaSet\"") && page.contains("data-reason=\"deployed\""));
    assert!(page.contains("/components/api/logs?environment=prod"), "the way to the logs");
}

#[tokio::test]
async fn the_page_shows_lines_without_a_script_and_gives_a_file() {
    let demo = Demo::start().await;
    let cookie = demo.sign_in("viv").await;
    let page = demo.page(&cookie, "/components/api/logs?environment=prod&tail=100").await;
    assert_eq!(page.status, 200, "{}", page.text());
    let text = page.text();
    assert_eq!(text.matches("data-source=").count(), 100);
    for wanted in ["role=\"log\"", "name=\"text\"", "/components/api/logs.txt?environment=prod", "data-component=\"Logs", "follow=true"] {
        assert!(text.contains(wanted), "{wanted}");
    }
    let nothing = demo.page(&cookie, "/components/api/logs?environment=prod&text=%3Cb%3E").await.text();
    assert!(nothing.contains("No line matches") && nothing.contains("&lt;b&gt;") && !nothing.contains("<b>"), "{nothing}");
    let first = demo.page(&cookie, "/components/redis/logs").await.text();
    assert!(first.contains("Logs of Cache in Staging"), "the first environment is the default");
    for (path, status) in [
        ("/components/nothing/logs", 404),
        ("/components/api/logs?environment=nowhere", 404),
        ("/components/api/logs?tail=x", 400),
        ("/components/api/logs?nonsense=1", 400),
        ("/components/A/logs.txt?environment=prod", 404),
    ] {
        assert_eq!(demo.page(&cookie, path).await.status, status, "{path}");
    }
    let file = demo.page(&cookie, "/components/api/logs.txt?environment=prod&text=warn").await;
    assert_eq!(file.header("content-type"), "text/plain; charset=utf-8");
    assert_eq!(file.header("content-disposition"), "attachment; filename=\"api-prod.log\"");
    let text = file.text();
    assert!(text.lines().count() > 10 && text.lines().all(|line| line.starts_with("20") && line.contains(" api WARN")), "{text}");
}
