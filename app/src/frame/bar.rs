//! Top bar and navigation: where one can go, how the clusters are, who one is.

use crate::palette::Palette;
use crate::parts::{Icon, RelTime, StateIcon};
use crate::{EnvironmentHealth, Site, Theme, Viewer, links, words};
use domain::Time;
use domain::access::Role;
use leptos::prelude::*;

const PAGES: [(&str, &str); 8] = [
    ("Home", "/"),
    ("Environments", "/environments"),
    ("Components", "/components"),
    ("Changes", "/changes"),
    ("Approvals", "/approvals"),
    ("On-call", "/on-call"),
    ("Severity", "/severity"),
    ("Incidents", "/incidents"),
];

/// `live`: the island that keeps the page true.
pub fn header(site: &Site, viewer: &Viewer, live: Option<AnyView>, now: Time) -> AnyView {
    let demo = site.demo.then(|| view! { <span class="chip chip-demo" title="Everything here is simulated">"Demo cluster"</span> });
    view! {
        <header class="frame">
            <div class="topbar"><div class="topbar-in">
                <details class="menu menu-nav">
                    <summary aria-label="Pages"><Icon name="menu"/></summary>
                    <nav class="menu-body" aria-label="Main, compact" id="nav-compact">{pages(viewer)}</nav>
                </details>
                <a class="brand" href="/"><Icon name="brand"/><span class="brand-name">"DevMatrix "<span>"Portal"</span></span><span class="vh">" home"</span></a>
                <Palette/>
                <span class="spacer"></span>
                {clusters(viewer, now)}
                {account(viewer)}
            </div></div>
            <div class="subbar"><div class="subbar-in">
                <nav class="nav" aria-label="Main" id="nav">{pages(viewer)}</nav>
                <div class="subbar-end">{demo}{live}</div>
            </div></div>
        </header>
    }
    .into_any()
}

fn pages(viewer: &Viewer) -> AnyView {
    let path = viewer.path.split(['?', '#']).next().unwrap_or_default();
    let item = |(title, href): (&'static str, &'static str)| {
        let here = path == href || href.len() > 1 && path.starts_with(href) && path[href.len()..].starts_with('/');
        let waiting = if href == "/approvals" { viewer.approvals_waiting } else { 0 };
        let count = (waiting > 0).then(|| view! { " "<span class="count">{waiting}<span class="vh">" waiting for you"</span></span> });
        view! { <li><a href=href aria-current=here.then_some("page") data-go=title data-group="Pages">{title}{count}</a></li> }
    };
    view! { <ul>{PAGES.into_iter().map(item).collect_view()}</ul> }.into_any()
}

fn clusters(viewer: &Viewer, now: Time) -> AnyView {
    let each = viewer.environments.iter().map(|env| {
        view! { <span data-env=env.head.name.clone() data-state=env.state.as_str()>
            <StateIcon look=words::cell(env.state)/>
            <span data-longest=format!("{} unreachable", env.head.title)>{in_words(env)}</span>
        </span> }
    });
    let rows = viewer.environments.iter().map(|env| {
        let seen = env.head.cluster.last_seen.map(|at| view! { " · seen "<RelTime at=at now=now/>" ago" });
        view! {
            <li><a href=links::environment(&env.head.name) data-go=env.head.title.clone() data-group="Environments">
                <StateIcon look=words::cell(env.state)/>
                <span>{env.head.title.clone()}<br/><span class="small muted">{env.head.cluster.title()}" · "{env.head.namespace.clone()}{seen}</span></span>
            </a></li>
        }
    });
    let (short, worst) = summary(&viewer.environments);
    view! {
        <details class="menu" id="clusters">
            <summary>
                <span class="clusters">{each.collect_view()}</span>
                <span class="clusters-short"><StateIcon look=worst/><span>{short.clone()}</span><span class="vh">{format!("Environments: {short}")}</span></span>
                <Icon name="down-chev" class="i i-chev"/>
            </summary>
            <div class="menu-body"><p class="menu-head small muted">{reach(&viewer.environments)}</p><ul>{rows.collect_view()}</ul></div>
        </details>
    }
    .into_any()
}

/// `Production East degraded`, `Production East unreachable`
fn in_words(env: &EnvironmentHealth) -> String {
    let word = if env.head.cluster.reachable { words::cell(env.state).word.to_lowercase() } else { "unreachable".to_owned() };
    format!("{} {word}", env.head.title)
}

fn summary(environments: &[EnvironmentHealth]) -> (String, words::Look) {
    let worst = environments.iter().max_by_key(|env| crate::site::badness(env.state));
    let look = words::cell(worst.map_or(domain::clusters::CellState::Unknown, |env| env.state));
    let same = environments.iter().filter(|env| words::cell(env.state) == look).count();
    if look.calm {
        ("all healthy".to_owned(), look)
    } else {
        (format!("{same} of {} {}", environments.len(), look.word.to_lowercase()), look)
    }
}

fn reach(environments: &[EnvironmentHealth]) -> String {
    let lost = environments.iter().filter(|env| !env.head.cluster.reachable).count() as i64;
    if lost == 0 { "Clusters, all reachable".to_owned() } else { format!("Clusters, {lost} unreachable") }
}

fn account(viewer: &Viewer) -> AnyView {
    let person = &viewer.actor.person;
    let roles: Vec<_> =
        person.roles.iter().filter(|role| **role != Role::Viewer || person.roles.len() == 1).map(|role| role.as_str()).collect();
    let teams = if person.teams.is_empty() { "no team".to_owned() } else { words::list(&person.teams) };
    view! {
        <details class="menu menu-user">
            <summary>
                <span class="avatar" aria-hidden="true">{person.initials()}</span><span class="vh">"Account "</span>
                <span class="who-name">{person.title.clone()}</span><Icon name="down-chev" class="i chev"/>
            </summary>
            <div class="menu-body">
                <p class="menu-head"><strong data-testid="who">{person.title.clone()}</strong><br/><span class="small muted">{format!("{teams} · {}", roles.join(", "))}</span></p>
                {theme_form(viewer.theme, &viewer.path)}
                <form method="post" action="/sign-out"><button type="submit"><Icon name="arrow"/>"Sign out"</button></form>
            </div>
        </details>
    }
    .into_any()
}

/// A plain form: the server sets the cookie, so the next page has the theme from its first byte.
fn theme_form(theme: Theme, path: &str) -> AnyView {
    let choice = |one: Theme| {
        let title = words::sentence(one.as_str()).trim_end_matches('.').to_owned();
        view! { <button class="btn btn-s" type="submit" name="theme" value=one.as_str() aria-pressed=(one == theme).to_string()>{title}</button> }
    };
    view! {
        <form class="theme" method="post" action="/theme">
            <input type="hidden" name="return_to" value=path.to_owned()/>
            <span class="small muted" id="theme-label">"Theme"</span>
            <span role="group" aria-labelledby="theme-label" class="theme-choices">{Theme::ALL.into_iter().map(choice).collect_view()}</span>
        </form>
    }
    .into_any()
}
