//! Who is on call, over the API: lookup, handoffs, overrides, swaps, feeds.

use crate::support::{Demo, has_keys};
use domain::Time;
use domain::access::Scope;
use serde_json::{Value, json};

const OVERRIDES: &str = "/api/v1/rotations/platform/overrides";

fn in_days(demo: &Demo, days: i64) -> String {
    demo.portal.engine.now().whole_seconds().plus_seconds(days * 86_400).to_string()
}

fn asked(demo: &Demo, participant: &str, from: i64, until: i64) -> Value {
    let (starts, ends) = (in_days(demo, from), in_days(demo, until));
    json!({"role": "primary", "participant": participant, "starts": starts, "ends": ends, "reason": "a wedding"})
}

async fn primary_at(demo: &Demo, at: &str) -> Value {
    let found = demo.api("viv", "GET", &format!("/api/v1/on-call?rotation=platform&at={at}"), None).await.ok();
    found["roles"].as_array().unwrap().iter().find(|role| role["role"] == "primary").unwrap().clone()
}

#[tokio::test]
async fn the_seeds_rotation_answers_for_any_moment() {
    let demo = Demo::start().await;
    let christmas = demo.api("viv", "GET", "/api/v1/on-call?rotation=platform&at=2026-12-25T03:00:00Z", None).await.ok();
    let expected = json!({
        "rotation": "platform",
        "at": "2026-12-25T03:00:00Z",
        "shift": {"starts": "2026-12-21T08:00:00Z", "ends": "2026-12-28T08:00:00Z"},
        "base": {"starts": "2026-12-21T08:00:00Z", "ends": "2026-12-28T08:00:00Z"},
        "roles": [
            {"role": "primary", "participant": "team:devops", "people": ["olivia", "dmitri"], "because": "base", "override": null},
            {"role": "secondary", "participant": "team:backend", "people": ["bea", "ben"], "because": "base", "override": null},
            {"role": "backup", "participant": "team:platform", "people": ["pia", "paul"], "because": "base", "override": null},
        ],
    });
    assert_eq!(christmas, expected);
    let all = demo.api("viv", "GET", "/api/v1/on-call", None).await.ok();
    assert_eq!((all["items"].as_array().unwrap().len(), &all["items"][0]["rotation"]), (1, &json!("platform")));
    let rotations = demo.api("viv", "GET", "/api/v1/rotations", None).await.ok();
    has_keys(&rotations["items"][0], &["name", "title", "roles", "participants", "zone", "every", "versions"]);
    assert_eq!(rotations["items"][0]["participants"], json!(["team:devops", "team:backend", "team:platform"]));

    let path = "/api/v1/on-call/handoffs?rotation=platform&from=2026-12-25T00:00:00Z&until=2027-01-05T00:00:00Z";
    let handoffs = demo.api("viv", "GET", path, None).await.ok();
    let starts: Vec<_> = handoffs["items"].as_array().unwrap().iter().map(|shift| shift["starts"].as_str().unwrap().to_owned()).collect();
    assert_eq!(starts, ["2026-12-21T08:00:00Z", "2026-12-28T08:00:00Z", "2027-01-04T08:00:00Z"], "whole shifts that touch the time");
    let gaps = demo.api("viv", "GET", "/api/v1/rotations/platform/gaps", None).await.ok();
    assert_eq!(gaps["items"], json!([]));
    let ledger = "/api/v1/rotations/platform/ledger?from=2026-12-21T08:00:00Z&until=2026-12-28T08:00:00Z";
    let ledger = demo.api("viv", "GET", ledger, None).await.ok();
    let row = json!({"participant": "team:devops", "total_s": 604_800, "night_s": 201_600, "weekend_s": 172_800, "holiday_s": 86_400});
    assert_eq!(ledger["items"][0], row);
}

/// The platform's facts, word by word: three weeks of the rotation, and the matrix.
#[tokio::test]
async fn the_example_configuration_has_the_same_rotation_and_matrix_as_the_demo() {
    let demo = Demo::start().await;
    let (of_demo, example) =
        (demo.portal.engine.catalog(), domain::catalog::read(include_str!("../../../devmatrix.example.yaml")).unwrap().catalog);
    let weeks = |catalog: &domain::catalog::Catalog| {
        let rotation = catalog.rotation("platform").unwrap();
        let first = Time::parse("2025-11-17T08:00:00Z").unwrap();
        let week = |n: i64| rotation.shift_at(first.plus_seconds(n * 7 * 86_400)).roles;
        let titles = |n| week(n).into_iter().map(|held| (held.role, catalog.title_of(&held.participant.unwrap())));
        (0..3).map(|n| titles(n).collect::<Vec<_>>()).collect::<Vec<_>>()
    };
    let in_turn = ["DevOps Team", "Backend Team", "Platform Team"];
    let roles = ["primary", "secondary", "backup"];
    let expected: Vec<Vec<_>> =
        (0..3).map(|n| roles.iter().enumerate().map(|(r, role)| ((*role).to_owned(), in_turn[(n + r) % 3].to_owned())).collect()).collect();
    assert_eq!((weeks(&of_demo), weeks(&example)), (expected.clone(), expected));
    let matrix = |catalog: &domain::catalog::Catalog| {
        catalog.severities.iter().map(|l| [&l.level, &l.title, &l.response.words(), &l.example].map(String::clone)).collect::<Vec<_>>()
    };
    assert_eq!(matrix(&example), matrix(&of_demo));
}

#[tokio::test]
async fn what_decides_is_given_whole_with_the_zones_rules() {
    let demo = Demo::start().await;
    demo.portal.engine.tick(demo.portal.engine.now()).await.unwrap();
    demo.api("bea", "POST", OVERRIDES, Some(&asked(&demo, "bea", 30, 32))).await.ok();
    let timeline = demo.api("viv", "GET", "/api/v1/rotations/platform/timeline", None).await.ok();
    has_keys(&timeline, &["rotation", "title", "versions", "shifts", "overrides", "holders"]);
    assert!(timeline["shifts"].as_array().unwrap().len() >= 52, "a year of shifts that have begun");
    assert_eq!(timeline["versions"][0]["every"], "1w");
    assert_eq!(timeline["holders"]["team:devops"], json!({"title": "DevOps Team", "people": ["olivia", "dmitri"]}));
    assert_eq!(timeline["holders"]["bea"], json!({"title": "Bea", "people": ["bea"]}));
    let rules = demo.api("viv", "GET", "/api/v1/zone?name=Europe/Berlin", None).await;
    assert_eq!((rules.header("content-type"), &rules.bytes[..4]), ("application/tzif", b"TZif".as_slice()));
    let view: domain::oncall::timeline::TimelineView = serde_json::from_value(timeline).unwrap();
    let held = view.open(|name| domain::zone::Zone::of_tzif(name, &rules.bytes)).unwrap();
    let at = in_days(&demo, 31);
    let there = held.line().at(Time::parse(&at).unwrap());
    assert_eq!(there.roles[0].by_override.as_deref(), primary_at(&demo, &at).await["override"].as_str());
    assert_eq!(there.roles[0].participant.as_ref().unwrap().to_string(), "bea");
    for name in ["", "Mars/Olympus", "../etc/passwd"] {
        let refused = demo.api("viv", "GET", &format!("/api/v1/zone?name={name}"), None).await.refused(400, "invalid");
        assert_eq!(refused["field"], "name", "{name}");
    }
    demo.api("viv", "GET", "/api/v1/rotations/plattform/timeline", None).await.refused(404, "not_found");
}

#[tokio::test]
async fn an_override_is_previewed_made_refused_twice_and_undone() {
    let demo = Demo::start().await;
    let (body, at) = (asked(&demo, "bea", 30, 32), in_days(&demo, 31));
    let before = primary_at(&demo, &at).await;
    let preview = demo.api("bea", "POST", &format!("{OVERRIDES}/preview"), Some(&body)).await.ok();
    assert!(preview["words"][0].as_str().unwrap().starts_with("Bea covers primary from "), "{preview}");
    assert_eq!((preview["overlaps"].clone(), primary_at(&demo, &at).await), (Value::Null, before.clone()));

    let made = demo.api("bea", "POST", OVERRIDES, Some(&body)).await;
    assert_eq!(made.status, 201);
    let id = made.json()["id"].as_str().unwrap().to_owned();
    assert_eq!(made.header("location"), format!("{OVERRIDES}/{id}"));
    let now = primary_at(&demo, &at).await;
    assert_eq!(now, json!({"role": "primary", "participant": "bea", "people": ["bea"], "because": "override", "override": id}));
    let refused = demo.api("olivia", "POST", OVERRIDES, Some(&asked(&demo, "team:devops", 31, 40))).await.refused(409, "override_overlaps");
    assert!(refused["detail"].as_str().unwrap().contains("bea is primary"), "{refused}");
    assert_eq!(demo.api("viv", "GET", OVERRIDES, None).await.ok()["items"][0]["id"], id.as_str());

    let path = format!("{OVERRIDES}/{id}");
    demo.api("viv", "DELETE", &path, None).await.refused(403, "role_missing");
    demo.api("bea", "DELETE", &path, None).await.ok();
    assert_eq!(primary_at(&demo, &at).await, before);
    demo.api("bea", "DELETE", &path, None).await.refused(409, "override_over");
}

#[tokio::test]
async fn a_key_makes_an_override_once() {
    let demo = Demo::start().await;
    let body = asked(&demo, "bea", 30, 32).to_string();
    let headers = [("content-type", "application/json"), ("idempotency-key", "once")];
    let first = demo.raw("bea", OVERRIDES, &headers, body.clone()).await;
    let again = demo.raw("bea", OVERRIDES, &headers, body).await;
    assert_eq!((first.status.as_u16(), again.status.as_u16()), (201, 201));
    assert_eq!(first.json(), again.json());
    let another = asked(&demo, "bea", 40, 42).to_string();
    demo.raw("bea", OVERRIDES, &headers, another).await.refused(422, "idempotency_key_reused");
}

#[tokio::test]
async fn bad_questions_are_told_by_their_field() {
    let demo = Demo::start().await;
    let gets = [
        ("/api/v1/on-call?at=yesterday", "at"),
        ("/api/v1/on-call?at=2026-12-25T03:00:00", "at"),
        ("/api/v1/on-call?at=9999-12-31T00:00:00Z", "at"),
        ("/api/v1/on-call?when=now", "when"),
        ("/api/v1/on-call/handoffs?from=2026-12-25T00:00:00Z&until=2026-12-26T00:00:00Z", "rotation"),
        ("/api/v1/on-call/handoffs?rotation=platform&until=2026-12-26T00:00:00Z", "from"),
        ("/api/v1/on-call/handoffs?rotation=platform&from=2026-12-26T00:00:00Z&until=2026-12-25T00:00:00Z", "until"),
        ("/api/v1/on-call/handoffs?rotation=platform&from=1950-12-26T00:00:00Z&until=2026-12-25T00:00:00Z", "until"),
        ("/api/v1/on-call/calendar.ics?participant=nobody", "participant"),
        ("/api/v1/on-call/calendar.ics", "participant"),
    ];
    for (path, field) in gets {
        assert_eq!(demo.api("viv", "GET", path, None).await.refused(400, "invalid")["field"], field, "{path}");
    }
    demo.api("viv", "GET", "/api/v1/on-call?rotation=plattform", None).await.refused(404, "not_found");
    let with = |key: &str, value: Value| {
        let mut body = asked(&demo, "bea", 30, 32);
        body[key] = value;
        body
    };
    let posts = [
        (with("starts", json!("soon")), "starts"),
        (with("ends", json!(in_days(&demo, 29))), "ends"),
        (with("starts", json!("2026-01-01T00:00:00Z")), "starts"),
        (with("participant", json!("carl")), "participant"),
        (with("participant", json!("team:carls")), "participant"),
        (with("role", json!("boss")), "role"),
        (with("zone", json!("Europe/Berlin")), "zone"),
        (json!({"role": "primary"}), "participant"),
    ];
    for (body, field) in posts {
        let problem = demo.api("bea", "POST", OVERRIDES, Some(&body)).await;
        // A year that is over is both: too long ago, and too long.
        let problem = problem.refused(400, "invalid");
        assert!(problem["field"] == field || field == "starts" && problem["field"] == "ends", "{body}: {problem}");
    }
}

#[tokio::test]
async fn a_swap_is_offered_and_accepted() {
    let demo = Demo::start().await;
    let from = demo.portal.engine.now();
    let path = format!("/api/v1/on-call/handoffs?rotation=platform&from={from}&until={}", from.plus_seconds(60 * 86_400));
    let handoffs = demo.api("viv", "GET", &path, None).await.ok();
    let window = |team: &str| {
        let ahead =
            handoffs["items"].as_array().unwrap().iter().filter(|shift| Time::parse(shift["starts"].as_str().unwrap()).unwrap() > from);
        let shift = ahead.into_iter().find(|shift| shift["roles"][0]["participant"] == team).unwrap();
        json!({"starts": shift["starts"], "ends": shift["ends"]})
    };
    let offer = json!({"role": "primary", "with": "team:backend", "give": window("team:devops"), "take": window("team:backend"), "reason": "a wedding"});
    let made = demo.api("olivia", "POST", "/api/v1/rotations/platform/swaps", Some(&offer)).await;
    assert_eq!(made.status, 201, "{}", made.text());
    let accept = format!("/api/v1/swaps/{}/accept", made.json()["id"].as_str().unwrap());
    demo.api("olivia", "POST", &accept, None).await.refused(403, "not_yours");
    assert_eq!(demo.api("viv", "GET", "/api/v1/rotations/platform/swaps", None).await.ok()["items"].as_array().unwrap().len(), 1);
    demo.api("bea", "POST", &accept, None).await.ok();
    let held = primary_at(&demo, offer["give"]["starts"].as_str().unwrap()).await;
    assert_eq!((&held["participant"], &held["because"]), (&json!("team:backend"), &json!("swap")));
    demo.api("bea", "POST", &accept, None).await.refused(409, "swap_decided");
}

#[tokio::test]
async fn a_feeds_token_stands_in_its_address_and_opens_nothing_else() {
    let demo = Demo::start().await;
    let feed = "/api/v1/rotations/platform/calendar.ics";
    demo.get(feed).await.refused(401, "unauthenticated");
    demo.get(&format!("{feed}?token=dmx_none")).await.refused(401, "unauthenticated");
    let (reads, changes) = (demo.token("bea", &[Scope::Read]).await, demo.token("bea", &[Scope::Change]).await);
    let answer = demo.get(&format!("{feed}?token={reads}")).await;
    assert_eq!((answer.status.as_u16(), answer.header("content-type")), (200, "text/calendar; charset=utf-8"));
    let text = answer.text();
    assert!(text.starts_with("BEGIN:VCALENDAR\r\n") && text.trim_end().ends_with("END:VCALENDAR"), "{text}");
    assert!(text.matches("BEGIN:VEVENT").count() >= 57 * 3 && !text.contains("RRULE"));
    demo.get(&format!("/api/v1/on-call?token={reads}")).await.refused(401, "unauthenticated");
    demo.get(&format!("{feed}?token={changes}")).await.refused(403, "scope_missing");
    let own = demo.get(&format!("/api/v1/on-call/calendar.ics?participant=bea&token={reads}")).await;
    assert!(own.text().contains("SUMMARY:Backend Team: primary"), "{}", own.text());
    assert_eq!(demo.api("viv", "GET", feed, None).await.status, 200, "a bearer token as everywhere");
}
