//! The matrix: component rows, environment columns; before each target its gap. One `td` for each environment, always,
//! so that live updates touch attributes and text only.

use super::{Gap, Icon, RelTime, StatePill, gap_of};
use crate::{Viewer, links, words};
use domain::Time;
use domain::access::{Verb, authorize};
use domain::changes::{Change, Hold};
use domain::clusters::{Cell, EnvironmentHead, Matrix, MatrixRow};
use leptos::prelude::*;

/// Everything a cell is drawn from, beside the cell.
#[derive(Clone, Copy)]
struct Around<'a> {
    matrix: &'a Matrix,
    holds: &'a [Hold],
    open: &'a [Change],
    viewer: &'a Viewer,
    now: Time,
}

#[component]
pub fn MatrixTable<'a>(
    matrix: &'a Matrix,
    holds: &'a [Hold],
    open: &'a [Change],
    viewer: &'a Viewer,
    labelled: &'static str,
    now: Time,
) -> AnyView {
    let around = Around { matrix, holds, open, viewer, now };
    let columns = matrix.environments.iter().map(|env| view! { <col class=env.promote_from.is_none().then_some("c-src")/> }).collect_view();
    let heads = matrix.environments.iter().map(|env| head(around, env)).collect_view();
    let rows = matrix.components.iter().map(|component| row(around, component)).collect_view();
    let refused =
        authorize(&viewer.actor, Verb::Change).err().map(|why| view! { <p class="panel-foot refused-hint">{why.to_string()}</p> });
    view! {
        <div class="matrix-wrap">
            <table class="matrix" role="table" aria-labelledby=labelled data-testid="matrix">
                <colgroup><col class="c-comp"/>{columns}</colgroup>
                <thead role="rowgroup">
                    <tr role="row"><th role="columnheader" scope="col" class="mx-comp">"Component"</th>{heads}</tr>
                </thead>
                <tbody role="rowgroup">{rows}</tbody>
            </table>
        </div>
        {refused}
    }
    .into_any()
}

fn side(env: &EnvironmentHead) -> &'static str {
    if env.promote_from.is_some() { "mx-production" } else { "mx-staging" }
}

fn head(around: Around<'_>, env: &EnvironmentHead) -> AnyView {
    let behind = env.promote_from.as_ref().map(|from| view! { <span>{format!("Behind {}", around.viewer.environment_title(from))}</span> });
    let lost = !env.cluster.reachable;
    let pill = lost.then(|| view! { <StatePill look=words::cell(domain::clusters::CellState::Unknown) word="Unreachable"/> });
    let closed = env.closed.as_ref().map(|closed| {
        let look = words::Look { class: "paused", icon: "lock", word: "Closed", calm: false };
        view! { <span title=closed.why.clone() data-testid="closed"><StatePill look=look/></span> }
    });
    let seen = env.cluster.last_seen.filter(|_| lost).map(|at| view! { ", last seen "<RelTime at=at now=around.now/>" ago" });
    view! {
        <th role="columnheader" scope="col" class=side(env) data-env=env.name.clone() data-reachable=env.cluster.reachable.to_string()>
            <div class="mx-head">
                <div class="mx-head-1"><a href=links::environment(&env.name)>{env.title.clone()}</a>{pill}{closed}</div>
                <div class="mx-head-2">{env.cluster.title()}{seen}</div>
            </div>
            <div class="mx mx-caps" aria-hidden="true">
                {behind}<span>"Version"</span><span>"Health"</span><span class="mx-ready">"Ready"</span><span class="mx-age">"Age"</span>
            </div>
        </th>
    }
    .into_any()
}

fn row(around: Around<'_>, component: &MatrixRow) -> AnyView {
    let cells = around.matrix.environments.iter().map(|env| match component.cells.get(&env.name) {
        Some(found) => cell(around, component, env, found),
        None => view! { <td role="cell" class=side(env)></td> }.into_any(),
    });
    view! {
        <tr role="row" data-key=component.name.clone()>
            <th role="rowheader" scope="row" class="mx-comp"><a href=links::component(&component.name)>{component.title.clone()}</a></th>
            {cells.collect_view()}
        </tr>
    }
    .into_any()
}

fn cell(around: Around<'_>, component: &MatrixRow, env: &EnvironmentHead, cell: &Cell) -> AnyView {
    let now = around.now;
    let gap = gap_of(around.matrix, component, env, around.holds, around.open, around.viewer).map(|kind| {
        view! { <Gap kind=kind component=component.name.clone() title=component.title.clone() env=env.clone() now=now/> }
    });
    let href = links::component_in(&component.name, &env.name);
    let version = if cell.version().is_empty() { "not seen".to_owned() } else { cell.version() };
    let stale = !env.cluster.reachable || cell.last_seen.is_some();
    let age = cell.last_seen.or(cell.since).map(|at| view! { <RelTime at=at now=now/> });
    let held = around.holds.iter().filter(|h| h.component == component.name && h.environment == env.name).count() as i64;
    view! {
        <td role="cell" class=side(env) id=format!("cell-{}-{}", component.name, env.name) data-testid="cell" data-state=cell.state.as_str()
            data-say=format!("{} in {}", component.title, env.title) title=(!cell.reason.is_empty()).then(|| words::sentence(&cell.reason))>
            <div class=if stale { "mx stale" } else { "mx" }>
                {gap}
                <span class="mx-env">{env.title.clone()}</span>
                <span class="mx-ver"><a href=href>{version}</a>{drift_mark(component, env, cell)}{held_mark(component, held)}</span>
                <span class="mx-state"><StatePill look=words::cell(cell.state) quiet=true/></span>
                <span class="mx-rest">
                    <span class="mx-ready">{format!("{}/{}", cell.ready, cell.desired)}<span class="vh">" ready"</span></span>
                    <span class="mx-age">{age}</span>
                </span>
            </div>
        </td>
    }
    .into_any()
}

/// How many fields differ from what is declared.
fn drift_mark(component: &MatrixRow, env: &EnvironmentHead, cell: &Cell) -> Option<AnyView> {
    let count = cell.drift.len() as i64;
    let title =
        format!("{} from what is declared", if count == 1 { "1 field differs".to_owned() } else { format!("{count} fields differ") });
    let href = links::component_in(&component.name, &env.name);
    (count > 0).then(|| {
        view! { <a class="drift" href=href title=title><Icon name="drift"/>{count}<span class="vh">" drift"</span></a> }.into_any()
    })
}

fn held_mark(component: &MatrixRow, held: i64) -> Option<AnyView> {
    let href = format!("{}#holds", links::component(&component.name));
    let title = format!("{} on hold here", words::count(held, "release"));
    (held > 0).then(|| view! { <a class="drift" href=href title=title data-testid="held"><Icon name="lock"/>{held}<span class="vh">" on hold"</span></a> }.into_any())
}
