//! Deployments and pods as tables; at narrow widths the same rows are labelled blocks.

use super::said::visible;
use super::{Icon, RelTime, StatePill};
use crate::{Viewer, links, words};
use domain::Time;
use domain::access::{Verb, authorize};
use domain::changes::Hold;
use domain::clusters::PodView;
use domain::releases::DeploymentRecord;
use domain::time::span;
use leptos::prelude::*;

/// `rows`: newest first.
#[component]
pub fn DeploymentTable<'a>(
    rows: Vec<&'a DeploymentRecord>,
    holds: &'a [Hold],
    viewer: &'a Viewer,
    labelled: &'static str,
    now: Time,
) -> AnyView {
    let rows = rows.into_iter().map(|record| deployment(record, holds, viewer, now)).collect_view();
    view! {
        <div class="scroll-x" role="region" aria-label="Deployments, table" tabindex="0">
            <table class="table table-stack table-flow" aria-labelledby=labelled data-testid="deployments">
                <thead><tr>
                    <th scope="col">"Version"</th><th scope="col">"Outcome"</th><th scope="col">"Environment"</th><th scope="col">"Change"</th>
                    <th scope="col">"Commit"</th><th scope="col">"By"</th><th scope="col" class="num">"Took"</th><th scope="col" class="num">"Age"</th>
                    <th scope="col"><span class="vh">"Action"</span></th>
                </tr></thead>
                <tbody>{rows}</tbody>
            </table>
        </div>
    }
    .into_any()
}

fn deployment(record: &DeploymentRecord, holds: &[Hold], viewer: &Viewer, now: Time) -> AnyView {
    let environment = viewer.environment_title(&record.environment).to_owned();
    let commit =
        record.commit.as_ref().map(|commit| view! { <code title=commit.clone()>{commit.chars().take(7).collect::<String>()}</code>" " });
    let cause = record.cause.as_deref().map(visible);
    let change = record
        .change
        .as_ref()
        .map(|id| view! { <a href=links::change(id)>{if id.starts_with("CH-") { id.clone() } else { "Change".to_owned() }}</a> });
    let current = record.current.then(|| view! { " "<span class="chip chip-quiet">"current"</span> });
    view! {
        <tr data-key=record.id.clone() data-revision=record.revision data-env=record.environment.clone()>
            <th scope="row" class="nowrap"><span title=format!("Revision {}, {}", record.revision, record.image)>{record.version()}</span>{current}</th>
            <td data-label="Outcome"><StatePill look=words::record(record.outcome) quiet=true/></td>
            <td class="nowrap" data-label="Environment">{environment.clone()}</td>
            <td class="nowrap" data-label="Change">{change}</td>
            <td class="clip" data-label="Commit">{commit}{cause}</td>
            <td class="muted nowrap" data-label="By">{record.by.as_deref().map(words::person)}</td>
            <td class="num muted nowrap" data-label="Took">{record.duration_s.map(span)}</td>
            <td class="num muted nowrap" data-label="Age"><RelTime at=record.at now=now/></td>
            <td class="num nowrap">{back(record, &environment, holds, viewer)}</td>
        </tr>
    }
    .into_any()
}

/// The way back to this release, unless it runs, is held, or the reader may not.
fn back(record: &DeploymentRecord, environment: &str, holds: &[Hold], viewer: &Viewer) -> Option<AnyView> {
    if record.current {
        return None;
    }
    let held =
        holds.iter().find(|hold| hold.environment == record.environment && record.same_artifact(&hold.image, hold.digest.as_deref()));
    if let Some(hold) = held {
        let title = format!("Put on hold by {}; a person must lift it", words::person(&hold.by));
        return Some(view! { <a class="small muted" href="#holds" title=title><Icon name="lock" class="i i-s"/>" on hold"</a> }.into_any());
    }
    let about = format!(" {environment} to {}, revision {}", record.version(), record.revision);
    Some(match authorize(&viewer.actor, Verb::Change) {
        Ok(_) => {
            let href = links::rollback(&record.component, &record.environment, record.revision);
            view! { <a class="btn btn-s" href=href><Icon name="undo" class="i i-s"/>"Roll back"<span class="vh">{about}</span></a> }.into_any()
        }
        Err(why) => view! {
            <a class="btn btn-s" role="link" aria-disabled="true" tabindex="0" title=why.to_string()><Icon name="undo" class="i i-s"/>"Roll back"<span class="vh">{about}</span></a>
        }
        .into_any(),
    })
}

#[component]
pub fn PodTable<'a>(pods: &'a [PodView], #[prop(into)] label: String, now: Time) -> AnyView {
    let rows = pods.iter().map(|pod| pod_row(pod, now)).collect_view();
    view! {
        <table class="table table-stack" aria-label=label data-testid="pods">
            <thead><tr>
                <th scope="col">"Pod"</th><th scope="col">"State"</th><th scope="col">"Version"</th><th scope="col" class="num">"Ready"</th>
                <th scope="col" class="num">"Restarts"</th><th scope="col">"Node"</th><th scope="col" class="num">"Age"</th>
            </tr></thead>
            <tbody>{rows}</tbody>
        </table>
    }
    .into_any()
}

fn pod_row(pod: &PodView, now: Time) -> AnyView {
    let (class, icon) = words::pod(&pod.status, pod.ready);
    let word = if pod.status == "Running" && !pod.ready { "Not ready".to_owned() } else { pod.status.clone() };
    let pill = if class == "healthy" { "pill healthy quiet".to_owned() } else { format!("pill {class}") };
    let said = pod.said.as_ref().map(|said| view! { <p class="small muted pod-said">{visible(&said.message)}</p> });
    view! {
        <tr data-key=pod.name.clone()>
            <th scope="row" class="mono">{pod.name.clone()}{said}</th>
            <td data-label="State"><span class=pill><Icon name=icon/>{word}</span></td>
            <td class="nowrap" data-label="Version">{pod.version.clone()}</td>
            <td class="num" data-label="Ready">{if pod.ready { "yes" } else { "no" }}</td>
            <td class="num" data-label="Restarts">{pod.restarts}</td>
            <td class="muted mono nowrap" data-label="Node">{pod.node.clone()}</td>
            <td class="num muted nowrap" data-label="Age"><RelTime at=pod.created now=now/></td>
        </tr>
    }
    .into_any()
}
