//! Roles and scopes times routes.

use super::routes::{API, Access, PAGES, body, filled};
use super::support::{Answer, Demo};
use domain::access::Scope;

/// viv reads, bea asks, paul asks and decides, olivia administers.
const PEOPLE: [(&str, [bool; 3]); 4] =
    [("viv", [false; 3]), ("bea", [true, false, false]), ("paul", [true, true, false]), ("olivia", [true; 3])];

/// With who is primary on call now: they break the glass as an administrator does.
async fn people(demo: &Demo) -> [(&'static str, [bool; 3]); 4] {
    let primary = demo.primary().await;
    PEOPLE.map(|(name, [changes, decides, administers])| (name, [changes, decides, administers || primary.iter().any(|one| one == name)]))
}

fn may(access: Access, [changes, decides, breaks]: [bool; 3]) -> bool {
    match access {
        Access::Open | Access::Read => true,
        // In the demo, whoever is in a team changes something too.
        Access::Change | Access::Respond => changes,
        Access::Decide => decides,
        Access::BreakGlass => breaks,
    }
}

/// The event stream has no end to wait for; it has a test of its own.
fn ends(path: &str) -> bool {
    path != "/api/v1/events"
}

async fn api(demo: &Demo, token: &str, method: &str, path: &str) -> Answer {
    let body = (method != "GET").then(|| body(path));
    demo.bearer(token, method, &filled(path), body.as_ref()).await
}

#[tokio::test]
async fn the_api_lets_each_role_do_its_part() {
    let demo = Demo::start().await;
    let people = people(&demo).await;
    for (method, path, access) in API.into_iter().filter(|row| ends(row.1)) {
        for (person, rights) in people {
            let answer = api(&demo, &format!("demo-{person}"), method, path).await;
            if may(access, rights) {
                assert!(!matches!(answer.status.as_u16(), 401 | 403 | 405 | 500..), "{person} {method} {path}: {}", answer.text());
            } else {
                answer.refused(403, "role_missing");
            }
        }
    }
}

#[tokio::test]
async fn the_api_wants_to_know_who_asks() {
    let demo = Demo::start().await;
    for (method, path, access) in API.into_iter().filter(|row| row.2 != Access::Open) {
        for token in ["", "demo-nobody", "dmx_0000"] {
            let answer = api(&demo, token, method, path).await;
            answer.refused(401, "unauthenticated");
            assert_eq!(answer.header("www-authenticate"), "Bearer", "{method} {path} {access:?}");
        }
    }
}

#[tokio::test]
async fn a_token_narrows_what_its_owner_may() {
    let demo = Demo::start().await;
    let (reading, deciding) = (demo.token("olivia", &[Scope::Read]).await, demo.token("olivia", &[Scope::Approve]).await);
    for (method, path, access) in API.into_iter().filter(|row| ends(row.1) && row.2 != Access::Open && row.1 != "/api/v1/me") {
        for (token, scope) in [(&reading, Access::Read), (&deciding, Access::Decide)] {
            let answer = api(&demo, token, method, path).await;
            // The glass is broken by whoever may approve with their token, and is an administrator.
            if access == scope || access == Access::BreakGlass && scope == Access::Decide {
                assert!(!matches!(answer.status.as_u16(), 401 | 403 | 405 | 500..), "{method} {path}: {}", answer.text());
            } else {
                answer.refused(403, "scope_missing");
            }
        }
    }
}

#[tokio::test]
async fn the_pages_lead_to_signing_in_and_let_each_role_do_its_part() {
    let demo = Demo::start().await;
    let people = people(&demo).await;
    for (method, path, access) in PAGES.into_iter().filter(|row| row.2 != Access::Open) {
        let path = filled(path);
        let answer = if method == "GET" { demo.get(&path).await } else { demo.form(None, &path, &[]).await };
        assert_eq!(answer.status, 303, "{method} {path}");
        assert!(answer.header("location").starts_with("/sign-in"), "{method} {path}");
        for (person, rights) in people {
            let cookie = demo.sign_in(person).await;
            let answer = match method {
                "GET" => demo.page(&cookie, &path).await,
                _ => demo.form(Some(&cookie), &path, &asked_for(&path)).await,
            };
            let refused = answer.status == 403;
            assert_eq!(refused, !may(access, rights), "{person} {method} {path}: {}", answer.status);
            assert!(answer.status.as_u16() < 500, "{person} {method} {path}: {}", answer.status);
        }
    }
}

fn asked_for(path: &str) -> Vec<(&'static str, &'static str)> {
    match path {
        "/changes/new" => vec![("kind", "promote"), ("component", "api"), ("environment", "prod"), ("from", "staging"), ("reason", "x")],
        "/trains/new" => vec![("component", "api"), ("environment", "prod"), ("from", "staging"), ("reason", "x")],
        "/freezes" => vec![("environment", "staging"), ("scope", "environment"), ("reason", "x")],
        _ => vec![("digest", "0"), ("reason", "x")],
    }
}
