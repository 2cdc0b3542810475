//! `/sign-in`, `/sign-out`, `/theme`

use crate::support::{Demo, cookie_of};
use axum::body::Body;
use domain::access::Scope;
use http::Request;

#[tokio::test]
async fn one_click_signs_in_and_leads_back() {
    let demo = Demo::start().await;
    let away = demo.get("/components/api?x=1").await;
    assert_eq!((away.status.as_u16(), away.header("location")), (303, "/sign-in?return_to=%2Fcomponents%2Fapi%3Fx%3D1"));
    let page = demo.get(away.header("location")).await;
    for person in ["olivia", "dmitri", "bea", "ben", "pia", "paul", "viv"] {
        assert!(page.text().contains(person), "{person}");
    }
    let answer = demo.form(None, "/sign-in", &[("person", "bea"), ("return_to", "/components/api?x=1")]).await;
    assert_eq!((answer.status.as_u16(), answer.header("location")), (303, "/components/api?x=1"));
    let set = answer.header("set-cookie");
    for part in ["devmatrix=", "; HttpOnly", "; SameSite=Lax", "; Path=/"] {
        assert!(set.contains(part), "{part} in {set}");
    }
    assert!(!set.contains("Secure"), "a browser would refuse it over plain HTTP");
    let again = demo.page(&cookie_of(&answer), "/sign-in?return_to=%2Fapprovals").await;
    assert_eq!((again.status.as_u16(), again.header("location")), (303, "/approvals"));
}

#[tokio::test]
async fn nobody_is_led_to_another_site() {
    let demo = Demo::start().await;
    for away in ["//evil.example", "https://evil.example", "/\\evil.example", "/\t/evil.example", "javascript:alert(1)", ""] {
        let answer = demo.form(None, "/sign-in", &[("person", "bea"), ("return_to", away)]).await;
        assert_eq!(answer.header("location"), "/", "{away:?}");
        assert_eq!(demo.form(None, "/theme", &[("theme", "dark"), ("return_to", away)]).await.header("location"), "/", "{away:?}");
    }
}

#[tokio::test]
async fn a_token_signs_in_and_only_a_good_one() {
    let demo = Demo::start().await;
    let token = demo.token("bea", &[Scope::Read]).await;
    let answer = demo.form(None, "/sign-in", &[("token", &format!(" {token}\n")), ("return_to", "/")]).await;
    assert_eq!(answer.status, 303, "{}", answer.text());
    assert_eq!(demo.page(&cookie_of(&answer), "/").await.status, 200);
    for (fields, status) in [(vec![("token", "nonsense")], 401), (vec![("person", "nobody")], 401), (vec![], 400)] {
        let answer = demo.form(None, "/sign-in", &fields).await;
        assert_eq!((answer.status.as_u16(), answer.header("set-cookie")), (status, ""), "{fields:?}");
    }
}

#[tokio::test]
async fn signing_in_again_ends_the_session_before() {
    let demo = Demo::start().await;
    let first = demo.sign_in("bea").await;
    let second = demo.form(Some(&first), "/sign-in", &[("person", "dmitri")]).await;
    assert_eq!(demo.page(&first, "/").await.status, 303);
    assert_eq!(demo.page(&cookie_of(&second), "/").await.status, 200);
}

#[tokio::test]
async fn forms_of_other_sites_are_refused() {
    let demo = Demo::start().await;
    let cookie = demo.sign_in("bea").await;
    for path in ["/sign-in", "/sign-out", "/theme", "/changes/new", "/changes/CH-1/approve", "/holds/1/lift"] {
        for headers in [vec![], vec![("sec-fetch-site", "cross-site")], vec![("origin", "https://evil.example")]] {
            let mut request = Request::post(path).header("cookie", &cookie).header("content-type", "application/x-www-form-urlencoded");
            for (name, value) in &headers {
                request = request.header(*name, *value);
            }
            let answer = demo.send(request.body(Body::from("person=olivia")).unwrap()).await;
            assert_eq!((answer.status.as_u16(), answer.header("set-cookie")), (403, ""), "{path} {headers:?}");
        }
    }
    assert_eq!(demo.page(&cookie, "/").await.status, 200, "the session is still open");
}

#[tokio::test]
async fn behind_https_the_cookie_is_bound_to_it() {
    let demo = Demo::start_at(Some("https://portal.example")).await;
    let answer = demo.form(None, "/sign-in", &[("person", "bea")]).await;
    let set = answer.header("set-cookie");
    assert!(
        set.starts_with("__Host-devmatrix=") && set.contains("; Secure") && set.contains("; Path=/;") && !set.contains("Domain"),
        "{set}"
    );
    assert_eq!(answer.header("strict-transport-security"), "max-age=63072000");
    assert_eq!(demo.page(&cookie_of(&answer), "/").await.status, 200);
    let from = |origin: &'static str| {
        let request = Request::post("/sign-out").header("cookie", cookie_of(&answer)).header("origin", origin);
        demo.send(request.body(Body::empty()).unwrap())
    };
    assert_eq!(from("http://127.0.0.1:3000").await.status, 403);
    assert_eq!(from("https://portal.example").await.status, 303);
}

#[tokio::test]
async fn the_theme_is_kept_in_a_cookie() {
    let demo = Demo::start().await;
    let answer = demo.form(None, "/theme", &[("theme", "dark"), ("return_to", "/sign-in")]).await;
    assert_eq!((answer.status.as_u16(), answer.header("location")), (303, "/sign-in"));
    assert!(answer.header("set-cookie").starts_with("theme=dark; Path=/; SameSite=Lax; Max-Age=31536000"));
}
