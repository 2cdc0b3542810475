//! `/` and the other pages that are only looked at.

use crate::support::Demo;
use axum::body::Body;
use http::Request;

#[tokio::test]
async fn every_page_is_there_and_says_that_this_is_a_demo() {
    let demo = Demo::start().await;
    let cookie = demo.sign_in("viv").await;
    for path in [
        "/",
        "/components",
        "/components/api",
        "/environments",
        "/environments/prod",
        "/changes",
        "/changes?state=running&component=&cursor=",
        "/approvals",
        "/on-call",
        "/on-call?rotation=platform&at=2026-12-25T03:00&zone=Asia/Kolkata&from=2026-10-12",
        "/severity",
        "/severity?level=P3&from=2026-12-23T16:40&team=devops",
        "/incidents",
        "/incidents?state=open",
    ] {
        let page = demo.page(&cookie, path).await;
        assert_eq!(page.status, 200, "{path}: {}", page.text());
        assert_eq!(page.header("content-type"), "text/html; charset=utf-8");
        assert!(page.text().to_lowercase().contains("demo cluster"), "{path}");
    }
    for (path, status) in [
        ("/components/nothing", 404),
        ("/environments/A", 404),
        ("/changes/CH-99", 404),
        ("/nothing", 404),
        ("/changes?state=x", 400),
        ("/on-call?rotation=x", 404),
        ("/on-call?zone=Mars/Olympus", 400),
        ("/incidents/INC-9", 404),
        ("/incidents?state=x", 400),
    ] {
        let page = demo.page(&cookie, path).await;
        assert_eq!((page.status.as_u16(), page.header("content-type")), (status, "text/html; charset=utf-8"), "{path}");
    }
    assert_eq!(demo.form(Some(&cookie), "/approvals", &[]).await.status, 405);
}

#[tokio::test]
async fn a_page_comes_compressed_to_whoever_takes_it() {
    let demo = Demo::start().await;
    let cookie = demo.sign_in("viv").await;
    let ask = |encoding: &'static str| {
        demo.send(Request::get("/").header("cookie", &cookie).header("accept-encoding", encoding).body(Body::empty()).unwrap())
    };
    let (brotli, gzip, plain) = (ask("gzip, br").await, ask("gzip").await, ask("identity").await);
    assert_eq!([brotli.header("content-encoding"), gzip.header("content-encoding"), plain.header("content-encoding")], ["br", "gzip", ""]);
    assert_eq!(brotli.header("vary"), "accept-encoding");
    assert!(brotli.bytes.len() < plain.bytes.len() / 3);
}

#[tokio::test]
async fn a_page_is_new_when_something_has_changed() {
    let demo = Demo::start().await;
    let cookie = demo.sign_in("viv").await;
    assert!(!demo.page(&cookie, "/changes").await.text().contains("CH-1"));
    demo.promotion().await;
    assert!(demo.page(&cookie, "/changes").await.text().contains("CH-1"));
}
