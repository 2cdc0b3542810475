//! The API with a session's cookie, as the pages' own scripts use it.

use crate::support::{Demo, promotion};
use axum::body::Body;
use http::Request;

#[tokio::test]
async fn a_cookie_needs_one_of_our_own_pages_to_change_something() {
    let demo = Demo::start().await;
    let cookie = demo.sign_in("bea").await;
    let ask = |headers: &'static [(&'static str, &'static str)]| {
        let mut request = Request::post("/api/v1/changes/preview").header("cookie", &cookie).header("content-type", "application/json");
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        demo.send(request.body(Body::from(promotion().to_string())).unwrap())
    };
    ask(&[]).await.refused(403, "cross_site");
    ask(&[("sec-fetch-site", "cross-site")]).await.refused(403, "cross_site");
    ask(&[("sec-fetch-site", "same-site"), ("origin", "http://127.0.0.1:3000")]).await.refused(403, "cross_site");
    ask(&[("origin", "https://evil.example")]).await.refused(403, "cross_site");
    ask(&[("origin", "null")]).await.refused(403, "cross_site");
    ask(&[("sec-fetch-site", "same-origin")]).await.ok();
    ask(&[("origin", "http://127.0.0.1:3000")]).await.ok();
    // A bad token is not helped by a good cookie.
    ask(&[("sec-fetch-site", "same-origin"), ("authorization", "Bearer nonsense")]).await.refused(401, "unauthenticated");
}

#[tokio::test]
async fn a_session_ends_with_signing_out() {
    let demo = Demo::start().await;
    let cookie = demo.sign_in("bea").await;
    assert_eq!(demo.page(&cookie, "/api/v1/me").await.ok()["name"], "bea");
    assert_eq!(demo.form(Some(&cookie), "/sign-out", &[]).await.status, 303);
    demo.page(&cookie, "/api/v1/me").await.refused(401, "unauthenticated");
}

#[tokio::test]
async fn a_loop_of_writes_is_slowed_down() {
    let demo = Demo::start().await;
    let mut refused = None;
    for _ in 0..2000 {
        let answer = demo.raw("viv", "/api/v1/changes", &[], "").await;
        if answer.status == 429 {
            refused = Some(answer);
            break;
        }
    }
    let refused = refused.expect("2000 writes in a row");
    refused.refused(429, "too_many_requests");
    assert!(!refused.header("retry-after").is_empty());
    assert!(demo.api("bea", "POST", "/api/v1/changes/preview", Some(&promotion())).await.status.is_success(), "others go on");
}
