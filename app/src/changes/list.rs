//! The queue and the past: every change, newest first, filtered by the URL.

use super::{ChangesData, Filter};
use crate::parts::{Icon, PageHead, Panel, RelTime, StatePill, choose};
use crate::{Viewer, links, words};
use domain::Time;
use domain::changes::{Change, State};
use leptos::prelude::*;

pub(crate) fn page(viewer: &Viewer, data: &ChangesData, now: Time) -> AnyView {
    let body = if data.items.is_empty() { empty(viewer, data) } else { table(viewer, &data.items, "h-changes", now) };
    let older =
        data.next.as_ref().map(|cursor| view! { <p class="panel-foot"><a href=here(&data.filter, Some(cursor))>"Older changes"</a></p> });
    view! {
        <PageHead title="Changes"/>
        <Panel id="h-changes" title="Queue and history" sub="newest first">
            {filters(viewer, data)}
            {body}
            {older}
        </Panel>
    }
    .into_any()
}

fn here(filter: &Filter, cursor: Option<&str>) -> String {
    let or_empty = |value: &Option<String>| value.clone().unwrap_or_default();
    let (environment, component) = (or_empty(&filter.environment), or_empty(&filter.component));
    let state = filter.state.map(State::as_str).unwrap_or_default();
    links::query(
        "/changes",
        &[("environment", &environment), ("component", &component), ("state", state), ("cursor", cursor.unwrap_or_default())],
    )
}

fn filters(viewer: &Viewer, data: &ChangesData) -> AnyView {
    let environments: Vec<_> = viewer.environments.iter().map(|env| (env.head.name.clone(), env.head.title.clone())).collect();
    let states: Vec<_> = State::ALL.iter().map(|state| (state.as_str().to_owned(), state.title().to_owned())).collect();
    let filter = &data.filter;
    let state = filter.state.map(|state| state.as_str().to_owned());
    let clear = (here(filter, None) != "/changes").then(|| view! { <a class="btn btn-ghost" href="/changes">"Clear filters"</a> });
    view! {
        <form class="panel-body form-row compose" method="get" action="/changes" role="search" aria-label="Changes">
            {one_of("environment", "Environment", "All environments", environments, filter.environment.as_deref())}
            {one_of("component", "Component", "All components", data.components.clone(), filter.component.as_deref())}
            {one_of("state", "State", "All states", states, state.as_deref())}
            <button class="btn" type="submit">"Filter"</button>
            {clear}
        </form>
    }
    .into_any()
}

/// All of them, or one.
fn one_of(name: &'static str, label: &'static str, all: &str, mut options: Vec<(String, String)>, chosen: Option<&str>) -> AnyView {
    options.insert(0, (String::new(), all.to_owned()));
    // A CronJob stands in place of a component, and what left the configuration is still asked for by its name.
    if let Some(other) = chosen.filter(|chosen| options.iter().all(|(value, _)| value != chosen)) {
        options.push((other.to_owned(), other.to_owned()));
    }
    choose(name, label, options, chosen.unwrap_or_default())
}

fn empty(viewer: &Viewer, data: &ChangesData) -> AnyView {
    let filter = &data.filter;
    if here(filter, None) == "/changes" {
        return view! {
            <div class="empty"><Icon name="clock"/><h3>"No change yet"</h3><p>"Promote a release from the matrix: its plan, its votes and its rollout will stand here."</p>
            <div class="actions"><a class="btn btn-primary" href="/">"To the matrix"</a></div></div>
        }
        .into_any();
    }
    let hidden: Vec<_> = [
        filter.environment.as_deref().map(|name| format!("environment: {}", viewer.environment_title(name))),
        filter.component.as_ref().map(|name| format!("component: {name}")),
        filter.state.map(|state| format!("state: {}", state.title())),
    ]
    .into_iter()
    .flatten()
    .collect();
    view! {
        <div class="empty"><Icon name="search"/><h3>"No change matches"</h3><p>"Changes are hidden by "<strong>{words::list(&hidden)}</strong>"."</p>
        <div class="actions"><a class="btn" href="/changes">"Clear filters"</a></div></div>
    }
    .into_any()
}

/// Changes as a table, on home too.
pub(crate) fn table(viewer: &Viewer, changes: &[Change], labelled: &'static str, now: Time) -> AnyView {
    let rows = changes.iter().map(|change| row(viewer, change, now)).collect_view();
    view! {
        <div class="scroll-x" role="region" aria-label="Changes, table" tabindex="0">
            <table class="table table-stack table-flow" aria-labelledby=labelled data-testid="changes">
                <thead><tr>
                    <th scope="col">"Change"</th><th scope="col">"Environment"</th><th scope="col">"State"</th><th scope="col">"By"</th>
                    <th scope="col" class="num">"Took"</th><th scope="col" class="num">"Age"</th>
                </tr></thead>
                <tbody>{rows}</tbody>
            </table>
        </div>
    }
    .into_any()
}

fn row(viewer: &Viewer, change: &Change, now: Time) -> AnyView {
    let label = change.label();
    let took = change.outcome.is_some().then(|| domain::time::span(words::took(change, now)));
    view! {
        <tr data-key=label.clone() data-state=change.state.as_str() data-title=change.state_title() data-say=label.clone()>
            <th scope="row" class="clip"><a class="table-link" href=links::change(&label) title=change.summary().to_owned()>{change.summary().to_owned()}</a>" "<span class="small muted">{label.clone()}</span></th>
            <td class="nowrap muted" data-label="Environment">{viewer.environment_title(&change.plan.environment).to_owned()}</td>
            <td data-label="State"><StatePill look=words::state_of(change) quiet=true/></td>
            <td class="nowrap muted" data-label="By">{words::person(&change.plan.requester)}</td>
            <td class="num muted nowrap" data-label="Took">{took}</td>
            <td class="num muted nowrap" data-label="Age"><RelTime at=change.requested_at now=now/></td>
        </tr>
    }
    .into_any()
}
