//! What else is in an environment's namespace: jobs, ways in, configuration, volumes, and the nodes of its cluster.

use crate::parts::{Icon, Panel, RelTime, StateIcon, may_ask};
use crate::{Viewer, links, words};
use domain::Time;
use domain::clusters::{
    Autoscaler, CellState, Claim, ConfigMap, CronJob, EnvironmentHead, Ingress, Inventory, Job, Node, Selected, Service, quantity,
};
use leptos::prelude::*;

pub(super) fn panels(viewer: &Viewer, env: &EnvironmentHead, inventory: &Inventory, now: Time) -> AnyView {
    view! {
        {forbidden(&inventory.forbidden)}
        {jobs(viewer, env, &inventory.cron_jobs, &inventory.jobs, now)}
        {network(&inventory.ingresses, &inventory.services)}
        {autoscalers(&inventory.autoscalers)}
        {storage(&inventory.config_maps, &inventory.claims)}
        {nodes(&inventory.nodes)}
    }
    .into_any()
}

/// A right that is missing hides a kind, and only that.
fn forbidden(rights: &[String]) -> Option<AnyView> {
    if rights.is_empty() {
        return None;
    }
    let rows = rights.iter().map(|right| view! { <li data-key=right.clone()><span class="lead"><Icon name="lock"/></span><span class="grow">{words::sentence(right)}</span></li> });
    Some(view! { <Panel id="h-rights" title="Not shown here" sub="rights that the portal lacks"><ul class="rows rows-s">{rows.collect_view()}</ul></Panel> }.into_any())
}

/// How many finished Jobs are shown.
const JOBS_AT_MOST: usize = 10;

fn jobs(viewer: &Viewer, env: &EnvironmentHead, cron_jobs: &[CronJob], jobs: &[Job], now: Time) -> Option<AnyView> {
    if cron_jobs.is_empty() && jobs.is_empty() {
        return None;
    }
    let moment = |at: Option<Time>| at.map(|at| view! { <span><RelTime at=at now=now/>" ago"</span> });
    let planned = cron_jobs.iter().map(|cron| {
        let zone = if cron.zone.is_empty() { String::new() } else { format!(" {}", cron.zone) };
        let state = if cron.suspended { "Suspended".to_owned() } else { format!("{} active", cron.active) };
        view! {
            <tr data-key=format!("cron/{}", cron.name)>
                <th scope="row" class="mono">{cron.name.clone()}</th><td data-label="Kind">"CronJob"</td>
                <td class="mono nowrap" data-label="Schedule">{format!("{}{zone}", cron.schedule)}</td><td data-label="State">{state}</td>
                <td class="muted nowrap" data-label="Last">{moment(cron.last)}</td><td class="muted nowrap" data-label="Last success">{moment(cron.last_success)}</td>
                <td class="cell-act">{run_now(viewer, env, &cron.name)}</td>
            </tr>
        }
    });
    let ran = jobs.iter().take(JOBS_AT_MOST).map(|job| {
        let state = match job.state.as_str() {
            "Complete" => CellState::Healthy,
            "Failed" => CellState::Down,
            "Suspended" => CellState::Paused,
            _ => CellState::Progressing,
        };
        let why = (!job.reason.is_empty()).then(|| view! { <p class="small muted reason">{words::sentence(&job.reason)}</p> });
        view! {
            <tr data-key=format!("job/{}", job.name) data-state=job.state.clone()>
                <th scope="row" class="mono">{job.name.clone()}{why}</th><td data-label="Kind">"Job"</td>
                <td class="muted nowrap" data-label="Made by">{job.cron.clone().unwrap_or_default()}</td>
                <td class="nowrap" data-label="State"><StateIcon look=words::cell(state)/>{format!(" {}", job.state)}</td>
                <td class="muted nowrap" data-label="Started">{moment(job.started)}</td><td class="muted nowrap" data-label="Finished">{moment(job.finished)}</td>
                <td class="cell-act">{job.change.as_ref().map(|change| view! { <a class="table-link" href=links::change(change)>"Its change"<span class="vh">{format!(", which made {}", job.name)}</span></a> })}</td>
            </tr>
        }
    });
    let rows: Vec<_> = planned.map(IntoAny::into_any).chain(ran.map(IntoAny::into_any)).collect();
    Some(table("h-jobs", "Jobs", &["Name", "Kind", "Schedule", "State", "Last", "Success or end", "Actions"], rows))
}

/// Its page shows the plan first.
fn run_now(viewer: &Viewer, env: &EnvironmentHead, cron_job: &str) -> AnyView {
    let about = format!(" {cron_job} in {}", env.title);
    match may_ask(env, viewer) {
        Ok(()) => view! { <a class="btn btn-s" href=links::run_job(&env.name, cron_job)>"Run now"<span class="vh">{about}</span></a> }.into_any(),
        Err(why) => view! { <a class="btn btn-s" role="link" aria-disabled="true" tabindex="0" title=why>"Run now"<span class="vh">{about}</span></a> }.into_any(),
    }
}

fn network(ingresses: &[Ingress], services: &[Selected<Service>]) -> Option<AnyView> {
    if services.is_empty() && ingresses.is_empty() {
        return None;
    }
    let ways = ingresses.iter().flat_map(|ingress| {
        ingress.routes.iter().enumerate().map(|(at, route)| {
            let host = if route.host.is_empty() { "any host".to_owned() } else { route.host.clone() };
            view! {
                <tr data-key=format!("ingress/{}/{at}", ingress.name)>
                    <th scope="row" class="mono">{ingress.name.clone()}</th><td data-label="Kind">"Ingress"</td>
                    <td data-label="Leads">{format!("{host}{}", route.path)}</td><td class="mono" data-label="To">{format!("service {}:{}", route.service, route.port)}</td>
                </tr>
            }
            .into_any()
        })
    });
    let inside = services.iter().map(|Selected { object, workloads }| {
        view! {
            <tr data-key=format!("service/{}", object.name)>
                <th scope="row" class="mono">{object.name.clone()}</th><td data-label="Kind">{format!("Service, {}", object.kind)}</td>
                <td data-label="Leads">{object.ports.join(", ")}</td><td class="mono" data-label="To">{selected(workloads)}</td>
            </tr>
        }
        .into_any()
    });
    Some(table("h-net", "Ways in", &["Name", "Kind", "Leads", "To"], ways.chain(inside).collect()))
}

/// What nothing uses is said, not left blank.
fn selected(workloads: &[String]) -> String {
    if workloads.is_empty() { "nothing that is known".to_owned() } else { workloads.join(", ") }
}

fn autoscalers(all: &[Autoscaler]) -> Option<AnyView> {
    if all.is_empty() {
        return None;
    }
    let rows = all.iter().map(|scaler| {
        let trouble = (!scaler.trouble.is_empty()).then(|| view! { <p class="small muted reason">{words::sentence(&scaler.trouble)}</p> });
        view! {
            <tr data-key=scaler.name.clone()>
                <th scope="row" class="mono">{scaler.name.clone()}{trouble}</th><td class="mono" data-label="Target">{scaler.target.clone()}</td>
                <td class="num" data-label="Now">{scaler.current}</td><td class="num" data-label="Wanted">{scaler.desired}</td>
                <td class="num nowrap" data-label="Bounds">{format!("{} to {}", scaler.min, scaler.max)}</td>
            </tr>
        }
        .into_any()
    });
    Some(table("h-hpa", "Autoscalers", &["Name", "Target", "Now", "Wanted", "Bounds"], rows.collect()))
}

fn storage(maps: &[Selected<ConfigMap>], claims: &[Selected<Claim>]) -> Option<AnyView> {
    if maps.is_empty() && claims.is_empty() {
        return None;
    }
    let maps = maps.iter().map(|Selected { object, workloads }| {
        view! {
            <tr data-key=format!("map/{}", object.name)>
                <th scope="row" class="mono">{object.name.clone()}</th><td data-label="Kind">"ConfigMap"</td>
                <td data-label="Holds" title=object.keys.join(", ")>{words::count(object.keys.len() as i64, "key")}</td><td class="mono" data-label="Used by">{selected(workloads)}</td>
            </tr>
        }
        .into_any()
    });
    let claims = claims.iter().map(|Selected { object, workloads }| {
        view! {
            <tr data-key=format!("claim/{}", object.name)>
                <th scope="row" class="mono">{object.name.clone()}</th><td data-label="Kind">"Volume"</td>
                <td class="nowrap" data-label="Holds">{[object.size.as_str(), &object.class, &object.phase.to_lowercase()].into_iter().filter(|text| !text.is_empty()).collect::<Vec<_>>().join(", ")}</td><td class="mono" data-label="Used by">{selected(workloads)}</td>
            </tr>
        }
        .into_any()
    });
    Some(table("h-store", "Configuration and volumes", &["Name", "Kind", "Holds", "Used by"], maps.chain(claims).collect()))
}

fn nodes(all: &[Node]) -> Option<AnyView> {
    if all.is_empty() {
        return None;
    }
    let rows = all.iter().map(|node| {
        let (state, mut word) = if node.ready { (CellState::Healthy, "Ready".to_owned()) } else { (CellState::Down, "Not ready".to_owned()) };
        if node.unschedulable {
            word.push_str(", no new pods");
        }
        for pressure in &node.pressures {
            word.push_str(&format!(", {pressure}"));
        }
        view! {
            <tr data-key=node.name.clone()>
                <th scope="row" class="mono">{node.name.clone()}</th><td data-label="State"><StateIcon look=words::cell(state)/>{format!(" {word}")}</td>
                <td class="num" data-label="CPU">{node.cpu.clone()}</td><td class="num nowrap" data-label="Memory">{quantity::bytes(&node.memory)}</td>
                <td class="muted nowrap" data-label="Zone">{node.zone.clone()}</td><td class="muted nowrap" data-label="Machine">{node.machine.clone()}</td><td class="muted nowrap" data-label="Kubelet">{node.kubelet.clone()}</td>
            </tr>
        }
        .into_any()
    });
    Some(table("h-nodes", "Nodes", &["Node", "State", "CPU", "Memory", "Zone", "Machine", "Kubelet"], rows.collect()))
}

/// A panel with a table, a heading for each column.
fn table(id: &'static str, title: &'static str, columns: &[&'static str], rows: Vec<AnyView>) -> AnyView {
    let numeric = |column: &str| matches!(column, "Now" | "Wanted" | "Bounds" | "CPU" | "Memory");
    let text = |column: &'static str| match column {
        "Actions" => view! { <span class="vh">{column}</span> }.into_any(),
        column => column.into_any(),
    };
    let heads =
        columns.iter().map(|column| view! { <th scope="col" class=numeric(column).then_some("num")>{text(column)}</th> }).collect_view();
    let count = rows.len() as i64;
    view! {
        <Panel id=id title=title count=count>
            <table class="table table-stack" aria-labelledby=id data-testid=id><thead><tr>{heads}</tr></thead><tbody>{rows}</tbody></table>
        </Panel>
    }
    .into_any()
}
