//! Freezes, windows, broken glasses.

#![allow(clippy::expect_used, reason = "the zone is built in")]

use super::data::*;
use super::viewer;
use app::environments::{EnvironmentData, FreezeTried};
use app::home::HomeData;
use app::{Site, Theme, Viewer, render};
use domain::Error;
use domain::changes::freeze::{Freeze, Scope};
use domain::changes::*;
use engine::{Policy, WindowView};

pub fn policy() -> Policy {
    Policy {
        windows: vec![WindowView {
            allows: false,
            when: "Fri 16:00 - Mon 08:00 Europe/Berlin".into(),
            reason: "weekend".into(),
            now: false,
        }],
        zone: engine::zones().get("Europe/Berlin").expect("a zone"),
        closes: Some("Fri 27 Nov 2026 16:00 Europe/Berlin".into()),
    }
}

fn closed() -> Closed {
    Closed {
        code: RefusalCode::Frozen,
        why: "Production East is closed until Mon 4 Jan 2027 08:00 Europe/Berlin because olivia froze production: end of year, nobody deploys.".into(),
        opens: None,
        freeze: Some("f".into()),
    }
}

/// Everything as it is, but for the closed production.
fn closed_viewer(person: &str, path: &str, theme: Theme) -> Viewer {
    let mut viewer = viewer(person, path, theme);
    for env in viewer.environments.iter_mut().filter(|env| env.head.name == "prod") {
        env.head.closed = Some(closed());
    }
    viewer
}

fn freeze(id: &str, scope: Scope, until: Option<i64>) -> Freeze {
    Freeze {
        id: id.into(),
        scope,
        reason: "end of year, nobody deploys".into(),
        from: ago(HOUR),
        until: until.map(|s| NOW.plus_seconds(s)),
        by: "olivia".into(),
        at: ago(HOUR),
        lifted_by: None,
        lifted_at: None,
        lift_reason: None,
    }
}

fn review(late: bool) -> Review {
    let at = ago(if late { 29 * HOUR } else { HOUR });
    Review {
        id: "r".into(),
        change: "0190-31".into(),
        label: "CH-31".into(),
        summary: "Restart Cache in Production East".into(),
        component: "redis".into(),
        environment: "prod".into(),
        glass: BreakGlass {
            by: "olivia".into(),
            authority: Authority::Administrator,
            reason: "The cache refuses connections and nobody else is awake.".into(),
            at,
        },
        due_at: at.plus_seconds(REVIEW_WITHIN_S),
        closed_by: None,
        closed_at: None,
        note: None,
    }
}

fn closed_home() -> HomeData {
    let mut data = home(true);
    for head in data.matrix.environments.iter_mut().filter(|head| head.name == "prod") {
        head.closed = Some(closed());
    }
    data.reviews = vec![review(true), review(false)];
    data
}

fn frozen(tried: bool) -> EnvironmentData {
    let mut data = environment("prod");
    data.view.environment.closed = Some(closed());
    data.policy.windows[0].now = true;
    data.policy.closes = None;
    data.freezes = vec![freeze("f1", Scope::Production, Some(41 * DAY)), freeze("f2", Scope::Environment("prod".into()), None)];
    data.tried = tried.then(|| FreezeTried {
        production: true,
        until: "2026-11-20T10:00".into(),
        reason: "A migration".into(),
        error: Error::invalid("until", "expected a time after the beginning of the freeze, and after now"),
    });
    data
}

fn with_glass(closed_too: bool) -> app::changes::ChangeData {
    let mut review = review(!closed_too);
    if closed_too {
        (review.closed_by, review.closed_at) = (Some("dmitri".into()), Some(ago(60)));
        review.note = Some("It was right: the cache was down for everybody. An alert on its connections follows.".into());
    }
    let mut data = on_page(api(31, State::Succeeded), (4, 4, 4), None);
    data.change.glass = Some(review.glass.clone());
    data.review = Some(review);
    data
}

pub fn pages(site: &Site, theme: Theme) -> Vec<(&'static str, String)> {
    let person = |name: &str, path: &str| closed_viewer(name, path, theme);
    let waiting = on_page(api(12, State::AwaitingApproval), (4, 0, 4), None);
    let mut component = component("api");
    for here in component.view.environments.iter_mut().filter(|here| here.environment.name == "prod") {
        here.environment.closed = Some(closed());
    }
    for head in component.matrix.environments.iter_mut().filter(|head| head.name == "prod") {
        head.closed = Some(closed());
    }
    let (_, mut refused) = new_changes().swap_remove(0);
    refused.plan = Err(Error::Refused(Refusal::new(RefusalCode::Frozen, closed().why)));
    vec![
        ("home-closed", render::home(site, &person("dmitri", "/"), &closed_home(), NOW)),
        ("component-closed", render::component(site, &person("bea", "/components/api"), &component, NOW)),
        ("environment-frozen", render::environment(site, &person("dmitri", "/environments/prod"), &frozen(false), NOW)),
        ("environment-not-frozen", render::environment(site, &person("dmitri", "/environments/prod"), &frozen(true), NOW)),
        ("change-closed", render::change(site, &person("olivia", "/changes/CH-12"), &waiting, NOW)),
        ("change-review", render::change(site, &person("dmitri", "/changes/CH-31"), &with_glass(false), NOW)),
        ("change-reviewed", render::change(site, &person("bea", "/changes/CH-31"), &with_glass(true), NOW)),
        ("new-frozen", render::new_change(site, &person("olivia", "/changes/new"), &refused, NOW)),
    ]
}
