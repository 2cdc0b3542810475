//! The panels of a component's page.

use super::ComponentData;
use crate::parts::{ActButton, Gap, Icon, Notice, Panel, RelTime, StateIcon, StatePill, gap_of, may_ask, refused_hint};
use crate::{Viewer, links, words};
use domain::Time;
use domain::access::{Verb, authorize};
use domain::changes::Hold;
use domain::clusters::{Autoscaler, CellState, ComponentIn, MatrixRow, WorkloadKind};
use domain::releases::ImageRef;
use leptos::prelude::*;

pub(super) fn environments(viewer: &Viewer, data: &ComponentData, now: Time) -> AnyView {
    let row = data.matrix.components.iter().find(|row| row.name == data.view.name);
    let each = data.view.environments.iter().map(|here| environment(viewer, data, row, here, now)).collect_view();
    let refused = refused_hint(authorize(&viewer.actor, Verb::Change).err().as_ref());
    let refused = refused.map(|hint| view! { <div class="panel-foot">{hint}</div> });
    view! { <Panel id="h-over" title="Environments"><div class="envs">{each}</div>{refused}</Panel> }.into_any()
}

fn environment(viewer: &Viewer, data: &ComponentData, row: Option<&MatrixRow>, here: &ComponentIn, now: Time) -> AnyView {
    let (env, cell) = (&here.environment, &here.cell);
    let gap = row.and_then(|row| gap_of(&data.matrix, row, env, &data.holds, &data.open, viewer)).map(|kind| {
        view! { <Gap kind=kind component=data.view.name.clone() title=data.view.title.clone() env=env.clone() now=now/> }
    });
    let heading = format!("e-{}", env.name);
    let stale = !env.cluster.reachable;
    let version = if cell.version().is_empty() { "not seen".to_owned() } else { cell.version() };
    view! {
        <section id=env.name.clone() aria-labelledby=heading.clone() data-testid="component-env" data-state=cell.state.as_str()
            data-say=format!("{} in {}", data.view.title, env.title) class=stale.then_some("stale")>
            <div>
                <h3 id=heading.clone()><a class="plain" href=links::environment(&env.name)>{env.title.clone()}</a></h3>
                <p class="small muted">{format!("{} · {}", env.cluster.title(), env.namespace)}</p>
            </div>
            <p class="title"><span class="ver">{version}</span><StatePill look=words::cell(cell.state)/></p>
            <div class="stack-s">{status(here, now)}{closed_hint(here)}{held_up(viewer, &data.view.name, here)}</div>
            {facts(here, now)}
            <div class="actions">{gap}{logs(data, here)}{acts(viewer, &data.view.name, &data.view.title, here)}</div>
        </section>
    }
    .into_any()
}

/// Why its buttons are disabled, for everybody to read.
fn closed_hint(here: &ComponentIn) -> Option<AnyView> {
    let closed = here.environment.closed.as_ref()?;
    Some(view! { <p class="small muted refused-hint" data-testid="closed">{closed.why.clone()}</p> }.into_any())
}

fn status(here: &ComponentIn, now: Time) -> AnyView {
    let (cell, cluster) = (&here.cell, &here.environment.cluster);
    if !cluster.reachable {
        let seen = cluster.last_seen.map(|at| view! { ", last seen "<RelTime at=at now=now/>" ago" });
        return view! { <p class="muted">"The cluster does not answer"{seen}". "{words::sentence(&cluster.trouble)}</p> }.into_any();
    }
    let since = cell.since.filter(|_| cell.state == CellState::Healthy).map(|at| view! { " for "<RelTime at=at now=now/> });
    // "2 of 3 pods are ready" is said already.
    let said = cell.reason.starts_with(&domain::words::some_of(cell.ready, cell.desired, "pod"));
    let reason = (!said && !cell.reason.is_empty()).then(|| format!(". {}", words::sentence(&cell.reason)));
    if cell.state == CellState::Absent {
        return view! { <p class="muted">{words::sentence(&cell.reason)}</p> }.into_any();
    }
    view! { <p class="muted reason">{format!("{} of {} ready", cell.ready, words::count(cell.desired, "pod"))}{since}{reason}</p> }
        .into_any()
}

/// A StatefulSet that waits for a broken pod of an earlier revision: why, and the one way on.
fn held_up(viewer: &Viewer, component: &str, here: &ComponentIn) -> Option<AnyView> {
    let said = here.cell.blocker.as_ref()?;
    let href = links::unblock(component, &here.environment.name, &said.pod);
    let refused = may_ask(&here.environment, viewer).err();
    let act = match refused {
        None => view! { <a class="btn btn-s" href=href>{format!("Delete {}", said.pod)}</a> }.into_any(),
        Some(why) => {
            view! { <a class="btn btn-s" role="link" aria-disabled="true" tabindex="0" title=why>{format!("Delete {}", said.pod)}</a> }
                .into_any()
        }
    };
    Some(view! {
        <Notice look=words::cell(CellState::Degraded)><div data-testid="held-up"><strong>{said.pod.clone()}" holds up this set."</strong>
            " It is of an earlier revision and does not become ready; a StatefulSet waits for each pod before it replaces any, so no new release and no rollback reaches it."
            <div class="actions">{act}</div></div></Notice>
    }.into_any())
}

fn facts(here: &ComponentIn, now: Time) -> AnyView {
    let cell = &here.cell;
    let digest = cell
        .digest
        .as_ref()
        .map(|digest| view! { <dt>"Digest"</dt><dd><code title=digest.clone()>{words::short_digest(digest)}</code></dd> });
    let repository =
        cell.image.as_deref().and_then(ImageRef::parse).map(|image| view! { <dt>"Image"</dt><dd><code>{image.repository}</code></dd> });
    let revision = cell.revision.map(|revision| view! { <dt>"Revision"</dt><dd>{revision}</dd> });
    let drift = cell.drift.iter().map(|drift| {
        view! { <dt>"Drift"</dt><dd>{format!("{}: declared {}, observed ", drift.field, drift.declared)}<strong>{drift.observed.clone()}</strong></dd> }
    });
    let owner = cell.managed_by.as_ref().map(|manager| {
        let warns = if manager.gitops { ": change it there" } else { "" };
        view! { <dt>"Owned by"</dt><dd>{format!("{}{warns}", manager.tool)}</dd> }
    });
    let edited = cell.edited.as_ref().map(|edit| {
        let what = if edit.fields.is_empty() { "the spec".to_owned() } else { edit.fields.join(", ") };
        let term = if edit.after_ours { "Changed outside" } else { "Edited by" };
        view! { <dt>{term}</dt><dd title=what.clone()>{edit.by.clone()}" "<RelTime at=edit.at now=now/>" ago: "<span class="muted">{what.clone()}</span></dd> }
    });
    view! { <dl class="facts small">{repository}{digest}{revision}{owner}{drift.collect_view()}{edited}</dl> }.into_any()
}

fn logs(data: &ComponentData, here: &ComponentIn) -> AnyView {
    let about = format!(" of {} in {}", data.view.title, here.environment.title);
    view! { <a class="btn btn-s" href=links::logs(&data.view.name, &here.environment.name)>"Logs"<span class="vh">{about}</span></a> }
        .into_any()
}

/// Restart, scale, and deploy where releases begin: each leads to the plan, where it is confirmed.
fn acts(viewer: &Viewer, component: &str, title: &str, here: &ComponentIn) -> Option<AnyView> {
    let (env, cell) = (&here.environment, &here.cell);
    if matches!(cell.state, CellState::Absent | CellState::Unknown) {
        return None;
    }
    let about = format!(" {title} in {}", env.title);
    if let Err(why) = may_ask(env, viewer) {
        let label = about.clone();
        let numbers = match &here.around.autoscaler {
            Some(_) => Some("Autoscale"),
            None => (cell.workload.kind != WorkloadKind::DaemonSet).then_some("Scale"),
        };
        let refused = |what: &'static str| {
            view! { <a class="btn btn-s" role="link" aria-disabled="true" tabindex="0" title=why.clone()>{what}<span class="vh">{label.clone()}</span></a> }
        };
        let deploy = begins(here).then_some("Deploy");
        return Some(view! { {deploy.map(&refused)}{refused("Restart")}{numbers.map(refused)} }.into_any());
    }
    let deploy = begins(here).then(|| {
        let href = links::deploy(component, &env.name);
        view! { <a class="btn btn-s" href=href>"Deploy"<span class="vh">{about.clone()}</span></a> }
    });
    let restart = links::restart(component, &env.name);
    let scale = match &here.around.autoscaler {
        Some(scaler) => Some(autoscale(component, &about, here, scaler)),
        None => (cell.workload.kind != WorkloadKind::DaemonSet).then(|| scale(component, &about, here)),
    };
    Some(view! { {deploy}<a class="btn btn-s" href=restart>"Restart"<span class="vh">{about.clone()}</span></a>{scale} }.into_any())
}

/// Releases begin here: nothing is promoted to it.
fn begins(here: &ComponentIn) -> bool {
    here.environment.promote_from.is_none()
}

fn scale(component: &str, about: &str, here: &ComponentIn) -> AnyView {
    let id = format!("scale-{}", here.environment.name);
    view! {
        <form class="scale-form" method="get" action="/changes/new">
            <input type="hidden" name="kind" value="scale"/>
            <input type="hidden" name="component" value=component.to_owned()/>
            <input type="hidden" name="environment" value=here.environment.name.clone()/>
            <label class="vh" for=id.clone()>{format!("Replicas of{about}")}</label>
            <input class="input input-s" id=id name="replicas" type="number" min="0" max="1000" required=true value=here.cell.desired.to_string()/>
            <button class="btn btn-s" type="submit">"Scale"<span class="vh">{about.to_owned()}</span></button>
        </form>
    }
    .into_any()
}

/// The bounds of the autoscaler that owns the number.
fn autoscale(component: &str, about: &str, here: &ComponentIn, scaler: &Autoscaler) -> AnyView {
    let id = |what: &str| format!("{what}-{}", here.environment.name);
    let field = |name: &'static str, what: &str, value: i64| {
        view! {
            <label class="vh" for=id(name)>{format!("{what} replicas of{about}")}</label>
            <input class="input input-s" id=id(name) name=name type="number" min="1" max="1000" required=true value=value.to_string()/>
        }
    };
    view! {
        <form class="scale-form" method="get" action="/changes/new" title=format!("{} keeps the number of replicas within these bounds", scaler.name)>
            <input type="hidden" name="kind" value="autoscale"/>
            <input type="hidden" name="component" value=component.to_owned()/>
            <input type="hidden" name="environment" value=here.environment.name.clone()/>
            {field("min", "Least", scaler.min)}<span class="muted" aria-hidden="true">"to"</span>{field("max", "Most", scaler.max)}
            <button class="btn btn-s" type="submit">"Autoscale"<span class="vh">{about.to_owned()}</span></button>
        </form>
    }
    .into_any()
}

/// Releases that are not deployed again until a person lifts the hold. Absent when there are none.
pub(crate) fn holds(viewer: &Viewer, holds: &[Hold], return_to: &str, now: Time) -> Option<AnyView> {
    if holds.is_empty() {
        return None;
    }
    let refused = authorize(&viewer.actor, Verb::Change).err();
    let why = refused.as_ref().map(ToString::to_string);
    let rows = holds.iter().map(|hold| one_hold(viewer, hold, return_to, why.clone(), now)).collect_view();
    let hint = refused_hint(refused.as_ref()).map(|hint| view! { <div class="panel-foot">{hint}</div> });
    Some(view! { <div id="holds"><Panel id="h-holds" title="On hold" count=holds.len() as i64><ul class="rows">{rows}</ul>{hint}</Panel></div> }.into_any())
}

fn one_hold(viewer: &Viewer, hold: &Hold, return_to: &str, refused: Option<String>, now: Time) -> AnyView {
    let version = ImageRef::parse(&hold.image).map_or_else(|| hold.image.clone(), |image| image.version());
    let environment = viewer.environment_title(&hold.environment).to_owned();
    let reason_id = format!("lift-{}", hold.id);
    view! {
        <li data-key=hold.id.clone() data-testid="hold">
            <span class="lead"><Icon name="lock"/></span>
            <span class="grow">
                <span class="medium">{format!("{version} in {environment}")}</span><br/>
                <span class="small muted">
                    {format!("Rolled back by {} ", words::person(&hold.by))}<RelTime at=hold.at now=now/>" ago in "
                    <a href=links::change(&hold.change)>"this change"</a>". It is not deployed there again until the hold is lifted."
                </span>
            </span>
            <form class="end hold-form" method="post" action=format!("/holds/{}/lift", links::encode(&hold.id))>
                <input type="hidden" name="return_to" value=return_to.to_owned()/>
                <label class="vh" for=reason_id.clone()>{format!("Why {version} may be deployed again")}</label>
                <input class="input input-s" id=reason_id name="reason" placeholder="Why it is safe now" maxlength="2000"/>
                <ActButton label="Lift hold" class="btn-s" refused=refused about=format!("on {version} in {environment}")/>
            </form>
        </li>
    }
    .into_any()
}

pub(super) fn dependencies(viewer: &Viewer, data: &ComponentData) -> AnyView {
    let needs = data.view.declared.depends_on.iter().filter_map(|name| data.matrix.components.iter().find(|row| row.name == *name));
    let rows: Vec<_> = needs.map(|row| dependency(viewer, row)).collect();
    if rows.is_empty() {
        return view! { <Panel id="h-deps" title="Dependencies"><p class="panel-body muted">"It is declared to need no other component."</p></Panel> }.into_any();
    }
    view! { <Panel id="h-deps" title="Dependencies" sub="what it needs, and how that is"><ul class="rows rows-s">{rows}</ul></Panel> }
        .into_any()
}

fn dependency(viewer: &Viewer, row: &MatrixRow) -> AnyView {
    let states = viewer.environments.iter().filter_map(|env| row.cells.get(&env.head.name).map(|cell| (env, cell))).map(|(env, cell)| {
        let look = words::cell(cell.state);
        view! { <span class="dep" title=format!("{} in {}", look.word, env.head.title)><StateIcon look=look/><span>{env.head.title.clone()}<span class="vh">{format!(" {}", look.word)}</span></span></span> }
    });
    view! {
        <li data-key=row.name.clone()>
            <a class="table-link grow" href=links::component(&row.name)>{row.title.clone()}</a>
            <span class="end small muted deps">{states.collect_view()}</span>
        </li>
    }
    .into_any()
}
