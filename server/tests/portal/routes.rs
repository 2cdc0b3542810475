//! The table of all routes: who may. A route without a row fails [`every_route_has_a_row`].

use Access::{BreakGlass, Change, Decide, Open, Read, Respond};
use serde_json::{Value, json};

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Access {
    /// Anybody.
    Open,
    /// Whoever is signed in.
    Read,
    /// Deployers.
    Change,
    /// Approvers.
    Decide,
    /// Whoever is in a team.
    Respond,
    /// Administrators, and whoever is primary on call.
    BreakGlass,
}

pub const API: [(&str, &str, Access); 70] = [
    ("GET", "/healthz", Open),
    ("GET", "/readyz", Open),
    ("GET", "/metrics", Open),
    ("GET", "/api/v1/openapi.json", Open),
    ("GET", "/api/v1/me", Read),
    ("GET", "/api/v1/matrix", Read),
    ("GET", "/api/v1/components", Read),
    ("GET", "/api/v1/components/{component}", Read),
    ("GET", "/api/v1/components/{component}/deployments", Read),
    ("GET", "/api/v1/components/{component}/logs", Read),
    ("GET", "/api/v1/components/{component}/events", Read),
    ("GET", "/api/v1/environments", Read),
    ("GET", "/api/v1/environments/{environment}", Read),
    ("GET", "/api/v1/changes", Read),
    ("POST", "/api/v1/changes", Change),
    ("POST", "/api/v1/changes/preview", Change),
    ("GET", "/api/v1/changes/{id}", Read),
    ("GET", "/api/v1/changes/{id}/explain", Read),
    ("POST", "/api/v1/changes/{id}/approve", Decide),
    ("POST", "/api/v1/changes/{id}/reject", Decide),
    ("POST", "/api/v1/changes/{id}/abort", Change),
    ("GET", "/api/v1/trains", Read),
    ("POST", "/api/v1/trains", Change),
    ("POST", "/api/v1/trains/preview", Change),
    ("GET", "/api/v1/trains/{id}", Read),
    ("POST", "/api/v1/trains/{id}/approve", Decide),
    ("POST", "/api/v1/trains/{id}/reject", Decide),
    ("POST", "/api/v1/trains/{id}/abort", Change),
    ("POST", "/api/v1/changes/{id}/withdraw", Decide),
    ("POST", "/api/v1/changes/{id}/break-glass", BreakGlass),
    ("GET", "/api/v1/freezes", Read),
    ("POST", "/api/v1/freezes", Decide),
    ("DELETE", "/api/v1/freezes/{id}", Decide),
    ("GET", "/api/v1/reviews", Read),
    ("POST", "/api/v1/reviews/{id}/close", Decide),
    ("GET", "/api/v1/holds", Read),
    ("DELETE", "/api/v1/holds/{id}", Change),
    ("GET", "/api/v1/rotations", Read),
    ("GET", "/api/v1/rotations/{rotation}/calendar.ics", Read),
    ("GET", "/api/v1/rotations/{rotation}/gaps", Read),
    ("GET", "/api/v1/rotations/{rotation}/ledger", Read),
    ("GET", "/api/v1/rotations/{rotation}/timeline", Read),
    ("GET", "/api/v1/rotations/{rotation}/overrides", Read),
    ("POST", "/api/v1/rotations/{rotation}/overrides", Respond),
    ("POST", "/api/v1/rotations/{rotation}/overrides/preview", Respond),
    ("DELETE", "/api/v1/rotations/{rotation}/overrides/{id}", Respond),
    ("GET", "/api/v1/rotations/{rotation}/swaps", Read),
    ("POST", "/api/v1/rotations/{rotation}/swaps", Respond),
    ("POST", "/api/v1/swaps/{id}/accept", Respond),
    ("POST", "/api/v1/swaps/{id}/decline", Respond),
    ("POST", "/api/v1/swaps/{id}/withdraw", Respond),
    ("GET", "/api/v1/on-call", Read),
    ("GET", "/api/v1/zone", Read),
    ("GET", "/api/v1/on-call/handoffs", Read),
    ("GET", "/api/v1/on-call/calendar.ics", Read),
    ("GET", "/api/v1/severities", Read),
    ("GET", "/api/v1/severities/{level}/due", Read),
    ("GET", "/api/v1/incidents", Read),
    ("POST", "/api/v1/incidents", Respond),
    ("GET", "/api/v1/incidents/{id}", Read),
    ("POST", "/api/v1/incidents/{id}/acknowledge", Respond),
    ("POST", "/api/v1/incidents/{id}/resolve", Respond),
    ("POST", "/api/v1/incidents/{id}/severity", Respond),
    ("POST", "/api/v1/incidents/{id}/components", Respond),
    ("POST", "/api/v1/incidents/{id}/comments", Respond),
    ("GET", "/api/v1/pages", Read),
    ("POST", "/api/v1/pages", Respond),
    ("GET", "/api/v1/pages/{id}", Read),
    ("POST", "/api/v1/pages/{id}/acknowledge", Respond),
    ("GET", "/api/v1/events", Read),
];

pub const PAGES: [(&str, &str, Access); 52] = [
    ("GET", "/", Read),
    ("GET", "/components", Read),
    ("GET", "/components/{component}", Read),
    ("GET", "/components/{component}/logs", Read),
    ("GET", "/components/{component}/logs.txt", Read),
    ("GET", "/environments", Read),
    ("GET", "/environments/{environment}", Read),
    ("GET", "/changes", Read),
    ("GET", "/changes/new", Read),
    ("POST", "/changes/new", Change),
    ("GET", "/changes/{id}", Read),
    ("POST", "/changes/{id}/approve", Decide),
    ("POST", "/changes/{id}/reject", Decide),
    ("POST", "/changes/{id}/abort", Change),
    ("GET", "/trains/new", Read),
    ("POST", "/trains/new", Change),
    ("GET", "/trains/{id}", Read),
    ("POST", "/trains/{id}/approve", Decide),
    ("POST", "/trains/{id}/reject", Decide),
    ("POST", "/trains/{id}/abort", Change),
    ("POST", "/changes/{id}/withdraw", Decide),
    ("POST", "/changes/{id}/break-glass", BreakGlass),
    ("POST", "/changes/{id}/review", Decide),
    ("POST", "/freezes", Decide),
    ("POST", "/freezes/{id}/lift", Decide),
    ("GET", "/approvals", Read),
    ("POST", "/holds/{id}/lift", Change),
    ("GET", "/on-call", Read),
    ("POST", "/on-call/overrides", Respond),
    ("POST", "/on-call/overrides/{id}/undo", Respond),
    ("POST", "/on-call/swaps", Respond),
    ("POST", "/on-call/swaps/{id}/accept", Respond),
    ("POST", "/on-call/swaps/{id}/decline", Respond),
    ("POST", "/on-call/swaps/{id}/withdraw", Respond),
    ("POST", "/on-call/calendar", Read),
    ("GET", "/severity", Read),
    ("GET", "/incidents", Read),
    ("POST", "/incidents", Respond),
    ("GET", "/incidents/{id}", Read),
    ("POST", "/incidents/{id}/acknowledge", Respond),
    ("POST", "/incidents/{id}/resolve", Respond),
    ("POST", "/incidents/{id}/severity", Respond),
    ("POST", "/incidents/{id}/components", Respond),
    ("POST", "/incidents/{id}/comments", Respond),
    ("GET", "/pages/new", Read),
    ("POST", "/pages/new", Respond),
    ("GET", "/pages/{id}", Read),
    ("POST", "/pages/{id}/acknowledge", Respond),
    ("GET", "/sign-in", Open),
    ("POST", "/sign-in", Open),
    ("POST", "/sign-out", Open),
    ("POST", "/theme", Open),
];

/// A path with something in place of its parameters.
pub fn filled(path: &str) -> String {
    path.replace("{component}", "api")
        .replace("{environment}", "prod")
        .replace("{id}", "CH-999")
        .replace("{rotation}", "platform")
        .replace("{level}", "P1")
}

/// A body that a route takes.
pub fn body(path: &str) -> Value {
    match path.rsplit('/').next() {
        Some("trains" | "preview") if path.contains("/trains") => {
            json!({"components": ["api"], "environment": "prod", "from": "staging", "reason": "x"})
        }
        _ if path.contains("/rotations/") => json!({}),
        Some("incidents") => json!({"title": "It is slow", "severity": "P2"}),
        Some("pages") => json!({"to": "olivia", "reason": "it is slow"}),
        Some("severity") => json!({"severity": "P1"}),
        Some("components") => json!({"components": ["api"]}),
        Some("comments" | "resolve") => json!({"text": "see the report"}),
        Some("changes" | "preview") => super::support::promotion(),
        Some("approve") => json!({"digest": "0"}),
        Some("break-glass") => json!({"digest": "0", "reason": "it cannot wait"}),
        // Not now: the other rows ask for changes there.
        Some("freezes") => {
            json!({"environment": "prod", "reason": "none", "from": "2099-01-01T00:00:00Z", "until": "2099-01-02T00:00:00Z"})
        }
        Some("close") => json!({"note": "none"}),
        _ => json!({"reason": "none"}),
    }
}

#[test]
fn every_route_has_a_row() {
    let document = serde_json::to_value(server::router::document()).unwrap();
    let mut routes = Vec::new();
    for (path, item) in document["paths"].as_object().unwrap() {
        for method in ["get", "post", "put", "patch", "delete"] {
            if item.get(method).is_some() {
                routes.push((method.to_uppercase(), path.clone()));
            }
        }
    }
    let listed = server::router::pages().into_iter().chain(server::router::open_pages());
    routes.extend(listed.map(|route| (route.method.to_owned(), route.path.to_owned())));
    let rows = API.iter().chain(&PAGES).map(|row| (row.0.to_owned(), row.1.to_owned()));
    let mut rows: Vec<_> = rows.collect();
    routes.sort();
    rows.sort();
    assert_eq!(routes, rows);
}
