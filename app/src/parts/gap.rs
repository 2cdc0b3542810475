//! The gap before a target: how far it is behind the environment it is promoted from, and the way to close it.

use super::Icon;
use crate::{Viewer, links, words};
use domain::Time;
use domain::access::{Verb, authorize};
use domain::changes::{Change, Hold};
use domain::clusters::{Behind, Cell, CellState, EnvironmentHead, Matrix, MatrixRow};
use leptos::prelude::*;

/// What stands between two environments. Nothing is compared that is not known.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum GapKind {
    InSync,
    SourceRollingOut,
    CannotCompare,
    /// A change is on its way: its link and what it is doing.
    UnderWay(Option<Behind>, String, &'static str),
    OnHold(Behind),
    /// Promote, or why not.
    Behind(Behind, Result<(), String>),
}

pub fn gap_of(
    matrix: &Matrix,
    row: &MatrixRow,
    env: &EnvironmentHead,
    holds: &[Hold],
    open: &[Change],
    viewer: &Viewer,
) -> Option<GapKind> {
    let from = env.promote_from.as_ref()?;
    let (cell, source) = (row.cells.get(&env.name)?, row.cells.get(from));
    let unknown = |cell: &Cell| matches!(cell.state, CellState::Unknown | CellState::Absent);
    let here = |component: &str, environment: &str| component == row.name && environment == env.name;
    if let Some(change) = open.iter().find(|change| here(&change.plan.component, &change.plan.environment)) {
        return Some(GapKind::UnderWay(cell.behind.clone(), change.label(), words::under_way(change.state)));
    }
    let Some(source) = source.filter(|source| !unknown(source) && !unknown(cell)) else { return Some(GapKind::CannotCompare) };
    let Some(behind) = cell.behind.clone() else { return Some(GapKind::InSync) };
    if source.state == CellState::Progressing {
        return Some(GapKind::SourceRollingOut);
    }
    if holds.iter().any(|hold| here(&hold.component, &hold.environment) && holds_back(hold, source)) {
        return Some(GapKind::OnHold(behind));
    }
    Some(GapKind::Behind(behind, may_promote(matrix, from, source, env, viewer)))
}

/// The release in `source` is the one that is held.
fn holds_back(hold: &Hold, source: &Cell) -> bool {
    match (&hold.digest, &source.digest) {
        (Some(held), Some(digest)) => held == digest,
        _ => source.image.as_deref() == Some(hold.image.as_str()),
    }
}

fn may_promote(matrix: &Matrix, from: &str, source: &Cell, env: &EnvironmentHead, viewer: &Viewer) -> Result<(), String> {
    may_ask(env, viewer)?;
    if source.state == CellState::Healthy {
        return Ok(());
    }
    let title = matrix.environments.iter().find(|e| e.name == from).map_or(from, |e| e.title.as_str());
    Err(format!("{title} is {} now, so there is nothing proven to promote.", source.state.as_str()))
}

/// Whether the reader may ask for a change here now, but for a rollback; else why not. Whoever may break the glass may ask.
pub fn may_ask(env: &EnvironmentHead, viewer: &Viewer) -> Result<(), String> {
    authorize(&viewer.actor, Verb::Change).map_err(|error| error.to_string())?;
    let closed = env.closed.as_ref().filter(|_| viewer.may_break_glass().is_err());
    closed.map_or(Ok(()), |closed| Err(closed.why.clone()))
}

/// `component` is the row; `env` the target.
#[component]
pub fn Gap(kind: GapKind, component: String, title: String, env: EnvironmentHead, now: Time) -> impl IntoView {
    let id = format!("gap-{component}-{}", env.name);
    match kind {
        GapKind::InSync => quiet(id, "In sync"),
        GapKind::SourceRollingOut => quiet(id, "Source rolling out"),
        GapKind::CannotCompare => quiet(id, "Cannot compare"),
        GapKind::UnderWay(behind, label, doing) => {
            let text = behind
                .map_or_else(|| words::sentence(doing).trim_end_matches('.').to_owned(), |b| format!("{} behind, {doing}", b.releases));
            view! { <div class="gap" id=id><span class="gap-note" data-key="note"><a href=links::change(&label)>{text}</a></span></div> }
                .into_any()
        }
        GapKind::OnHold(behind) => {
            let text = format!("{} behind, on hold", behind.releases);
            let href = format!("{}#holds", links::component(&component));
            view! { <div class="gap" id=id><span class="gap-note" data-key="hold"><Icon name="lock" class="i i-s"/><a href=href>{text}</a></span></div> }
                .into_any()
        }
        GapKind::Behind(behind, allowed) => chip(id, behind, allowed, component, title, env, now),
    }
}

fn quiet(id: String, text: &'static str) -> AnyView {
    view! { <div class="gap gap-quiet" id=id><span class="gap-none" data-key="quiet">{text}</span></div> }.into_any()
}

fn chip(
    id: String,
    behind: Behind,
    allowed: Result<(), String>,
    component: String,
    title: String,
    env: EnvironmentHead,
    now: Time,
) -> AnyView {
    let about = view! { <span class="vh">{format!(" {title} to {}", env.title)}</span> };
    let button = match allowed {
        Ok(()) => {
            let href = links::promote(&component, &env.name, &behind.from);
            view! { <a href=href data-go=format!("Promote {title} to {}", env.title) data-group="Actions">"Promote"{about}</a> }.into_any()
        }
        Err(why) => view! { <a role="link" aria-disabled="true" tabindex="0" title=why>"Promote"{about}</a> }.into_any(),
    };
    let since = behind.since.map(|since| {
        view! { ", "<time data-w="long" datetime=since.to_string() title=since.for_people()>{words::long_age(now.seconds_since(since))}</time> }
    });
    view! {
        <div class="gap" id=id><span class="gap-chip" data-key="chip"><span>{behind.releases}" behind"{since}</span>{button}</span></div>
    }
    .into_any()
}
