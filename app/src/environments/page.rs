//! One environment: its cluster, what is declared against what is observed, what nobody declared.

use super::{EnvironmentData, policy};
use crate::components::panels;
use crate::parts::{Notice, PageHead, Panel, RelTime, StatePill};
use crate::{Viewer, links, words};
use domain::Time;
use domain::access::{Verb, authorize};
use domain::changes::Change;
use domain::clusters::{CellState, EnvironmentHead, InEnvironment};
use leptos::prelude::*;

pub(crate) fn page(viewer: &Viewer, data: &EnvironmentData, now: Time) -> AnyView {
    let env = &data.view.environment;
    let state = viewer.environments.iter().find(|one| one.head.name == env.name).map_or(CellState::Unknown, |one| one.state);
    view! {
        <PageHead title=env.title.clone() crumb=Some((("Environments", "/environments"), env.title.clone())) look=Some(words::cell(state)) meta=Some(meta(viewer, env, now)) actions=together(viewer, env)/>
        {trouble(env, now)}
        {policy::closed(data)}
        {panels::holds(viewer, &data.holds, &links::environment(&env.name), now)}
        {components(data, now)}
        {under_way(data, now)}
        {policy::panel(viewer, data, now)}
        {undeclared(data)}
        {super::bare::panel(&data.view.inventory, now)}
        {super::inventory::panels(viewer, env, &data.view.inventory, now)}
    }
    .into_any()
}

/// To several promotions at once, where this is promoted to at all.
fn together(viewer: &Viewer, env: &EnvironmentHead) -> Option<AnyView> {
    env.promote_from.as_ref()?;
    let closed = viewer.closed(&env.name).map(|closed| closed.why.clone());
    let link = match authorize(&viewer.actor, Verb::Change).map_err(|why| why.to_string()).and(closed.map_or(Ok(()), Err)) {
        Ok(()) => view! { <a class="btn" href=links::new_train(&env.name)>"Promote several"</a> }.into_any(),
        Err(why) => view! { <a class="btn" role="link" aria-disabled="true" tabindex="0" title=why>"Promote several"</a> }.into_any(),
    };
    Some(view! { <div class="actions">{link}</div> }.into_any())
}

fn meta(viewer: &Viewer, env: &EnvironmentHead, now: Time) -> AnyView {
    let from = env.promote_from.as_deref().map(|from| view! { <span>{format!("promoted from {}", viewer.environment_title(from))}</span> });
    let heard = match (env.cluster.reachable, env.cluster.last_seen) {
        (true, _) => view! { <span>"watched live"</span> }.into_any(),
        (false, Some(at)) => view! { <span>"last seen "<RelTime at=at now=now/>" ago"</span> }.into_any(),
        (false, None) => view! { <span>"not seen yet"</span> }.into_any(),
    };
    view! {
        <span>{env.cluster.title()}</span>
        <span>"cluster "<code>{env.cluster.name.clone()}</code></span>
        <span>"namespace "<code>{env.namespace.clone()}</code></span>
        {env.production.then(|| view! { <span>"production"</span> })}
        {from}
        {heard}
    }
    .into_any()
}

fn trouble(env: &EnvironmentHead, now: Time) -> Option<AnyView> {
    let cluster = &env.cluster;
    if cluster.reachable && cluster.trouble.is_empty() {
        return None;
    }
    let seen = cluster.last_seen.map(|at| view! { " What follows is what was last seen "<RelTime at=at now=now/>" ago." });
    let head = if cluster.reachable { "Not everything may be read." } else { "The cluster does not answer." };
    let seen = (!cluster.reachable).then_some(seen).flatten();
    Some(
        view! {
            <Notice look=words::cell(CellState::Unknown)><div><strong>{head}</strong>" "{words::sentence(&cluster.trouble)}{seen}</div></Notice>
        }
        .into_any(),
    )
}

fn components(data: &EnvironmentData, now: Time) -> AnyView {
    let env = &data.view.environment;
    let rows = data.view.components.iter().map(|component| row(env, component, now)).collect_view();
    view! {
        <Panel id="h-comp" title="Components" sub="declared and observed">
            <table class="table table-stack" aria-labelledby="h-comp" data-testid="environment-components">
                <thead><tr>
                    <th scope="col">"Component"</th><th scope="col">"State"</th><th scope="col">"Version"</th><th scope="col" class="num">"Ready"</th>
                    <th scope="col">"Declared"</th><th scope="col">"Observed"</th><th scope="col">"Workload"</th><th scope="col" class="num">"Age"</th>
                </tr></thead>
                <tbody>{rows}</tbody>
            </table>
        </Panel>
    }
    .into_any()
}

fn row(env: &EnvironmentHead, component: &InEnvironment, now: Time) -> AnyView {
    let cell = &component.cell;
    let declared = component.declared.replicas.map_or_else(|| "any number".to_owned(), |n| words::count(n, "replica"));
    let observed = if cell.state == CellState::Absent { "nothing".to_owned() } else { words::count(cell.desired, "replica") };
    let drift = cell.drift.iter().map(|drift| {
        view! { <p class="small"><span class="drift-word">"drift"</span>{format!(" {}: declared {}, observed {}", drift.field, drift.declared, drift.observed)}</p> }
    });
    let reason = (!cell.reason.is_empty()).then(|| view! { <p class="small muted reason">{words::sentence(&cell.reason)}</p> });
    view! {
        <tr data-key=component.name.clone() data-state=cell.state.as_str() data-say=format!("{} in {}", component.title, env.title) class=(!env.cluster.reachable).then_some("stale")>
            <th scope="row"><a class="table-link" href=links::component_in(&component.name, &env.name)>{component.title.clone()}</a>{reason}</th>
            <td data-label="State"><StatePill look=words::cell(cell.state) quiet=true/></td>
            <td class="nowrap" data-label="Version">{cell.version()}</td>
            <td class="num" data-label="Ready">{format!("{}/{}", cell.ready, cell.desired)}</td>
            <td class="muted nowrap" data-label="Declared">{declared}</td>
            <td class="nowrap" data-label="Observed">{observed}{drift.collect_view()}</td>
            <td class="mono nowrap" data-label="Workload">{component.declared.workload.clone()}</td>
            <td class="num muted nowrap" data-label="Age">{cell.since.map(|at| view! { <RelTime at=at now=now/> })}</td>
        </tr>
    }
    .into_any()
}

fn under_way(data: &EnvironmentData, now: Time) -> Option<AnyView> {
    if data.open.is_empty() {
        return None;
    }
    let row = |change: &Change| {
        view! {
            <li data-key=change.label() data-state=change.state.as_str() data-say=change.label()>
                <span class="grow"><a class="table-link" href=links::change(&change.label())>{change.summary().to_owned()}</a><br/>
                <span class="small muted">{format!("{} · {} · asked ", change.label(), words::person(&change.plan.requester))}<RelTime at=change.requested_at now=now/>" ago"</span></span>
                <span class="end"><StatePill look=words::state_of(change)/></span>
            </li>
        }
    };
    Some(view! { <Panel id="h-open" title="Changes in progress" count=data.open.len() as i64><ul class="rows">{data.open.iter().map(row).collect_view()}</ul></Panel> }.into_any())
}

fn undeclared(data: &EnvironmentData) -> Option<AnyView> {
    if data.view.undeclared.is_empty() {
        return None;
    }
    let rows = data.view.undeclared.iter().map(|one| {
        view! {
            <tr data-key=format!("{}/{}", one.kind, one.name)>
                <th scope="row" class="mono">{one.name.clone()}</th>
                <td data-label="Kind">{one.kind.as_str()}</td>
                <td class="mono" data-label="Image">{one.image.clone()}</td>
                <td class="num" data-label="Ready">{format!("{}/{}", one.ready, one.desired)}</td>
            </tr>
        }
    });
    Some(
        view! {
            <Panel id="h-undeclared" title="Not declared" sub="runs in the namespace, and no component names it">
                <table class="table table-stack" aria-labelledby="h-undeclared">
                    <thead><tr><th scope="col">"Workload"</th><th scope="col">"Kind"</th><th scope="col">"Image"</th><th scope="col" class="num">"Ready"</th></tr></thead>
                    <tbody>{rows.collect_view()}</tbody>
                </table>
            </Panel>
        }
        .into_any(),
    )
}
