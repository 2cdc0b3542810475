//! Freezes and windows together: the one function that every path asks, and who may break the glass.

#![allow(clippy::unwrap_used, clippy::panic)]

use domain::Time;
use domain::access::{Person, Role};
use domain::catalog::Environment;
use domain::changes::freeze::{Freeze, Scope, closed, closes, closing};
use domain::changes::windows::{Effect, Window, parse};
use domain::changes::{Authority, BreakGlass, Kind, REVIEW_WITHIN_S, RefusalCode, Review, may_break_glass};
use jiff::tz::{TimeZone, TimeZoneDatabase};
use proptest::prelude::*;

fn environment(production: bool, windows: &[(Effect, &str)]) -> Environment {
    let zone = TimeZoneDatabase::bundled().get("Europe/Berlin").unwrap();
    let window = |(effect, text): &(Effect, &str)| Window {
        effect: *effect,
        when: parse(text, &zone).unwrap(),
        zone: zone.clone(),
        reason: String::new(),
        text: (*text).into(),
    };
    Environment {
        name: "prod".into(),
        title: "Production East".into(),
        stage: 2,
        cluster: "c".into(),
        namespace: "ns".into(),
        branch: None,
        production,
        promote_from: None,
        approval: None,
        windows: windows.iter().map(window).collect(),
        rollback_needs_approval: false,
        rollback_automatic: false,
    }
}

fn at(text: &str) -> Time {
    Time::parse(text).unwrap()
}

fn freeze(id: &str, scope: Scope, from: &str, until: Option<&str>) -> Freeze {
    Freeze {
        id: id.into(),
        scope,
        reason: "end of year".into(),
        from: at(from),
        until: until.map(at),
        by: "olivia".into(),
        at: at(from),
        lifted_by: None,
        lifted_at: None,
        lift_reason: None,
    }
}

fn here() -> Scope {
    Scope::Environment("prod".into())
}

const NOW: &str = "2026-11-24T10:00:00Z";

#[test]
fn a_freeze_closes_its_scope_until_it_ends_or_is_lifted() {
    let prod = environment(true, &[]);
    let until = Some("2026-11-25T00:00:00Z");
    let frozen = freeze("f", here(), "2026-11-24T09:00:00Z", until);
    let closed = |freeze: &Freeze| closing(&prod, std::slice::from_ref(freeze), at(NOW));
    let said = closed(&frozen).unwrap();
    assert_eq!((said.code, said.opens, said.freeze.as_deref()), (RefusalCode::Frozen, until.map(at), Some("f")));
    assert_eq!(said.why, "Production East is closed until Wed 25 Nov 2026 00:00 UTC because olivia froze it: end of year.");
    assert_eq!(closed(&Freeze { lifted_at: Some(at(NOW)), ..frozen.clone() }), None, "lifted");
    assert_eq!(closed(&freeze("f", here(), NOW, until)).map(|c| c.code), Some(RefusalCode::Frozen), "from that moment on");
    assert_eq!(closed(&freeze("f", here(), "2026-11-24T08:00:00Z", Some(NOW))), None, "its end is left out");
    assert_eq!(closed(&freeze("f", here(), "2026-11-24T10:00:01Z", None)), None, "not yet");
    assert_eq!(closed(&freeze("f", Scope::Environment("staging".into()), NOW, until)), None, "elsewhere");
    let all = freeze("f", Scope::Production, NOW, None);
    let said = closed(&all).unwrap();
    assert_eq!(
        (said.opens, said.why.as_str()),
        (None, "Production East is closed until the freeze is lifted because olivia froze production: end of year.")
    );
    assert_eq!(closing(&environment(false, &[]), &[all], at(NOW)), None, "staging is no production");
}

#[test]
fn a_window_says_what_it_denies_and_when_it_opens() {
    let weekend = environment(true, &[(Effect::Deny, "Fri 16:00 - Mon 08:00")]);
    let saturday = at("2026-11-28T10:00:00Z");
    let said = closing(&weekend, &[], saturday).unwrap();
    assert_eq!((said.code, said.opens), (RefusalCode::WindowClosed, Some(at("2026-11-30T07:00:00Z"))));
    assert_eq!(
        said.why,
        "Production East is closed until Mon 30 Nov 2026 08:00 Europe/Berlin because its windows deny Fri 16:00 - Mon 08:00 Europe/Berlin."
    );
    assert_eq!(closes(&weekend, &[], at(NOW)), Some(at("2026-11-27T15:00:00Z")));
    let office = environment(true, &[(Effect::Allow, "Mon-Fri 09:00-16:30")]);
    let said = closing(&office, &[], saturday).unwrap();
    assert!(said.why.ends_with("because its windows allow Mon-Fri 09:00-16:30 Europe/Berlin only."), "{}", said.why);
    let never = environment(true, &[(Effect::Deny, "daily")]);
    let said = closing(&never, &[], saturday).unwrap();
    assert_eq!(said.opens, None);
    assert!(said.why.contains("does not open within a year, because"), "{}", said.why);
    assert_eq!(closes(&environment(true, &[]), &[], at(NOW)), None);
}

#[test]
fn the_next_opening_looks_at_freezes_and_windows_together() {
    let weekend = environment(true, &[(Effect::Deny, "Fri 16:00 - Mon 08:00")]);
    let until_sunday = freeze("a", here(), NOW, Some("2026-11-29T12:00:00Z"));
    let from_monday = freeze("b", Scope::Production, "2026-11-30T06:00:00Z", Some("2026-11-30T12:00:00Z"));
    let said = closing(&weekend, &[until_sunday.clone(), from_monday], at(NOW)).unwrap();
    assert_eq!(said.opens, Some(at("2026-11-30T12:00:00Z")), "the freeze ends in the weekend, and the next one begins before it opens");
    let longer = freeze("c", here(), NOW, None);
    assert_eq!(
        closing(&weekend, &[until_sunday, longer], at(NOW)).unwrap().freeze.as_deref(),
        Some("c"),
        "the one that lasts longest is named"
    );
}

#[test]
fn a_rollback_passes_and_nothing_else_does() {
    let frozen = [freeze("f", Scope::Production, NOW, None)];
    let prod = environment(true, &[(Effect::Deny, "daily")]);
    let passes: Vec<_> = Kind::ALL.into_iter().filter(|kind| closed(&prod, &frozen, *kind, at(NOW)).is_none()).collect();
    assert_eq!(passes, [Kind::Rollback]);
}

fn person(name: &str, roles: &[Role], teams: &[&str]) -> Person {
    Person { name: name.into(), title: name.into(), teams: teams.iter().map(|t| (*t).into()).collect(), roles: roles.to_vec() }
}

#[test]
fn an_administrator_or_the_primary_on_call_breaks_the_glass() {
    let (admin, primary) = (person("olivia", &[Role::Admin], &["admins"]), person("rafael", &[Role::Deployer], &["platform"]));
    let approver = person("dmitri", &[Role::Deployer, Role::Approver], &["devops"]);
    let on_call = ["rafael".to_owned()];
    assert_eq!(may_break_glass(&admin, &[]).unwrap(), Authority::Administrator);
    assert_eq!(may_break_glass(&primary, &on_call).unwrap(), Authority::OnCall);
    assert_eq!(may_break_glass(&primary, &[]).unwrap_err().code(), "role_missing");
    assert_eq!(may_break_glass(&approver, &on_call).unwrap_err().status(), 403);
}

#[test]
fn what_allowed_it_must_still_be_there_and_another_person_reviews_it() {
    let glass = |by: &str, authority| BreakGlass { by: by.into(), authority, reason: "down".into(), at: at(NOW) };
    assert!(glass("olivia", Authority::Administrator).stands(&person("olivia", &[Role::Admin], &["admins"])));
    assert!(!glass("olivia", Authority::Administrator).stands(&person("olivia", &[Role::Deployer], &["devops"])));
    assert!(glass("rafael", Authority::OnCall).stands(&person("rafael", &[], &["platform"])));
    assert!(!glass("rafael", Authority::OnCall).stands(&person("rafael", &[], &[])), "nobody knows them any more");
    let review = Review {
        id: "r".into(),
        change: "c".into(),
        label: "CH-1".into(),
        summary: "Promote".into(),
        component: "api".into(),
        environment: "prod".into(),
        glass: glass("olivia", Authority::Administrator),
        due_at: at(NOW).plus_seconds(REVIEW_WITHIN_S),
        closed_by: None,
        closed_at: None,
        note: None,
    };
    assert!(!review.is_overdue(at("2026-11-25T10:00:00Z")) && review.is_overdue(at("2026-11-25T10:00:01Z")));
    assert_eq!(review.may_close(&person("olivia", &[Role::Admin], &[])).unwrap_err().code(), "own_review");
    review.may_close(&person("dmitri", &[], &[])).unwrap();
    let done = Review { closed_at: Some(at(NOW)), ..review };
    assert_eq!(done.may_close(&person("dmitri", &[], &[])).unwrap_err().code(), "already_closed");
    assert!(!done.is_overdue(at("2027-11-25T10:00:00Z")));
}

#[test]
fn a_freeze_goes_over_the_wire_and_comes_back() {
    for scope in [here(), Scope::Production] {
        let freeze = freeze("f", scope, NOW, None);
        let json = serde_json::to_value(&freeze).unwrap();
        assert_eq!(serde_json::from_value::<Freeze>(json).unwrap(), freeze);
    }
    let json = serde_json::to_value(freeze("f", here(), NOW, None)).unwrap();
    assert_eq!((json["scope"].as_str(), json["environment"].as_str(), json["until"].is_null()), (Some("environment"), Some("prod"), true));
}

fn any_freeze() -> impl Strategy<Value = Freeze> {
    (any::<bool>(), -50..50i64, prop::option::of(1..60i64), prop::option::of(-50..50i64), any::<bool>()).prop_map(
        |(production, from, length, lifted, elsewhere)| {
            let hour = |n: i64| at(NOW).plus_seconds(n * 3600);
            let name = if elsewhere { "staging" } else { "prod" };
            Freeze {
                scope: if production { Scope::Production } else { Scope::Environment(name.into()) },
                from: hour(from),
                until: length.map(|length| hour(from + length)),
                lifted_at: lifted.map(|n| hour(n.min(0))),
                ..freeze("f", Scope::Production, NOW, None)
            }
        },
    )
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 500, failure_persistence: None, ..ProptestConfig::default() })]

    /// Nothing may be executed while a freeze is in force or a window is closed, but what may pass; and the opening that is said is
    /// the first hour that is open.
    #[test]
    fn closed_is_closed_until_the_opening_that_is_said(
        freezes in prop::collection::vec(any_freeze(), 0..4),
        windows in any::<bool>(),
        production in any::<bool>(),
        kind in 0..Kind::ALL.len(),
    ) {
        let list: &[(Effect, &str)] = if windows { &[(Effect::Deny, "Fri 16:00 - Mon 08:00")] } else { &[] };
        let env = environment(production, list);
        let (kind, zone) = (Kind::ALL[kind], TimeZoneDatabase::bundled().get("Europe/Berlin").unwrap_or(TimeZone::UTC));
        let shut = |at: Time| {
            let shown = zone.to_datetime(at.timestamp());
            let (day, hour) = (shown.weekday().to_monday_zero_offset(), shown.hour());
            let weekend = windows && (day > 4 || day == 4 && hour >= 16 || day == 0 && hour < 8);
            let frozen = freezes.iter().any(|f| {
                let covers = match &f.scope { Scope::Production => production, Scope::Environment(name) => name == "prod" };
                covers && f.lifted_at.is_none() && f.from <= at && f.until.is_none_or(|until| at < until)
            });
            weekend || frozen
        };
        let now = at(NOW);
        let said = closed(&env, &freezes, kind, now);
        prop_assert_eq!(said.is_some(), shut(now) && kind != Kind::Rollback);
        if let Some(said) = said {
            let open = (1..24 * 30).map(|hour| now.plus_seconds(hour * 3600)).find(|at| !shut(*at));
            prop_assert_eq!(said.opens, open);
        }
    }
}
