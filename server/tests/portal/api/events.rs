//! `/api/v1/events`: versions at once, news as they come, an end with the session.

use crate::support::{DEADLINE, Demo};
use axum::body::{Body, BodyDataStream};
use futures::StreamExt;
use http::Request;
use tower::ServiceExt;

async fn open(demo: &Demo, header: (&str, &str)) -> BodyDataStream {
    let request = Request::get("/api/v1/events").header("host", "127.0.0.1:3000").header(header.0, header.1).body(Body::empty()).unwrap();
    let response = demo.router.clone().oneshot(request).await.unwrap();
    assert_eq!(response.headers()["content-type"], "text/event-stream");
    response.into_body().into_data_stream()
}

/// Reads until the text has what is waited for.
async fn read_until(stream: &mut BodyDataStream, wanted: &[&str]) -> String {
    let mut text = String::new();
    let read = async {
        while !wanted.iter().all(|wanted| text.contains(wanted)) {
            let chunk = stream.next().await.unwrap_or_else(|| panic!("it ended at: {text}")).unwrap();
            text.push_str(std::str::from_utf8(&chunk).unwrap());
        }
    };
    tokio::time::timeout(DEADLINE, read).await.unwrap_or_else(|_| panic!("waited in vain for {wanted:?}"));
    text
}

async fn ends(stream: BodyDataStream) {
    let rest = async { stream.for_each(|_| async {}).await };
    tokio::time::timeout(DEADLINE, rest).await.expect("the stream ends");
}

#[tokio::test]
async fn the_versions_come_at_once_and_the_news_after() {
    let demo = Demo::start().await;
    let mut stream = open(&demo, ("authorization", "Bearer demo-viv")).await;
    let text = read_until(&mut stream, &["event: matrix\n", "event: changes\n", "event: approvals\n"]).await;
    let data = text.lines().find_map(|line| line.strip_prefix("data: ")).unwrap();
    assert!(serde_json::from_str::<serde_json::Value>(data).unwrap()["version"].is_u64(), "{data}");
    demo.promotion().await;
    read_until(&mut stream, &["event: changes\n", "event: approvals\n"]).await;
    demo.portal.stopping.cancel();
    ends(stream).await;
}

#[tokio::test]
async fn a_stream_ends_with_its_session() {
    let demo = Demo::start().await;
    let cookie = demo.sign_in("viv").await;
    let mut stream = open(&demo, ("cookie", &cookie)).await;
    read_until(&mut stream, &["event: matrix\n"]).await;
    demo.form(Some(&cookie), "/sign-out", &[]).await;
    ends(stream).await;
}
