//! What happened to a component, in all environments, newest first: the clusters' own words (Kubernetes Events) among the deployments.

use super::ComponentData;
use crate::parts::{Icon, Panel, RelTime, visible};
use crate::{links, words};
use domain::Time;
use domain::clusters::{EnvironmentHead, Happening};
use domain::releases::DeploymentRecord;
use leptos::prelude::*;

/// Rows of the timeline: a rollout alone makes dozens of Events, and must not hide what was deployed before it.
const EVENTS: usize = 24;
const DEPLOYMENTS: usize = 6;

enum Row<'a> {
    Said(&'a Happening),
    Deployed(&'a DeploymentRecord),
}

impl Row<'_> {
    fn at(&self) -> Time {
        match self {
            Row::Said(happening) => happening.at,
            Row::Deployed(record) => record.at,
        }
    }
}

pub(super) fn panel(data: &ComponentData, now: Time) -> AnyView {
    let environments = || data.view.environments.iter();
    let said =
        environments().zip(&data.happenings).flat_map(|(here, said)| said.items.iter().map(|one| (&here.environment, Row::Said(one))));
    let deployed = environments().flat_map(|here| here.deployments.iter().map(|one| (&here.environment, Row::Deployed(one))));
    let mut rows = newest(said.collect(), EVENTS);
    rows.extend(newest(deployed.collect(), DEPLOYMENTS));
    let rows = newest(rows, EVENTS + DEPLOYMENTS);
    let list = if rows.is_empty() {
        view! { <p class="panel-body muted">"Nothing has happened that is still known. Clusters keep Events for about an hour."</p> }
            .into_any()
    } else {
        let rows = rows.iter().map(|(environment, row)| one(environment, row, now)).collect_view();
        view! { <ol class="events" data-testid="events">{rows}</ol> }.into_any()
    };
    view! { <Panel id="h-ev" title="Events" sub="newest first">{list}{troubles(data)}</Panel> }.into_any()
}

fn newest<'a>(mut rows: Vec<(&'a EnvironmentHead, Row<'a>)>, most: usize) -> Vec<(&'a EnvironmentHead, Row<'a>)> {
    rows.sort_by_key(|(_, row)| std::cmp::Reverse(row.at()));
    rows.truncate(most);
    rows
}

fn one(environment: &EnvironmentHead, row: &Row<'_>, now: Time) -> AnyView {
    match row {
        Row::Said(happening) => said(environment, happening, now),
        Row::Deployed(record) => deployed(environment, record, now),
    }
}

fn said(environment: &EnvironmentHead, happening: &Happening, now: Time) -> AnyView {
    let (class, icon) = if happening.is_warning() { ("degraded", "degraded") } else { ("", "clock") };
    let times = if happening.count > 1 { format!(", {} times", happening.count) } else { String::new() };
    let about = format!("{}{times}, {} · {}", happening.reason, happening.object, environment.title);
    let kind = happening.is_warning().then(|| view! { <span class="vh">"Warning: "</span> });
    view! {
        <li class=class data-key=format!("{}/{}", environment.name, happening.id) data-env=environment.name.clone() data-reason=happening.reason.clone()>
            <RelTime at=happening.at now=now/><Icon name=icon/>
            <div>{kind}<span class="medium">{visible(&happening.message)}</span>" "<span class="why">{visible(&about)}</span></div>
        </li>
    }
    .into_any()
}

fn deployed(environment: &EnvironmentHead, record: &DeploymentRecord, now: Time) -> AnyView {
    let look = words::record(record.outcome);
    let change = record.change.as_ref().map(|id| view! { ", "<a href=links::change(id)>"its change"</a> });
    let by = record.by.as_deref().map(|by| format!(", {}", words::person(by)));
    view! {
        <li class=look.class data-key=format!("record/{}", record.id) data-env=environment.name.clone() data-reason="deployed">
            <RelTime at=record.at now=now/><Icon name=look.icon/>
            <div><span class="medium">{format!("{} deployed", record.version())}</span>" "<span class="why">{look.word}{change}{by}{format!(" · {}", environment.title)}</span></div>
        </li>
    }
    .into_any()
}

/// Where nothing newer would be known, and why.
fn troubles(data: &ComponentData) -> Option<AnyView> {
    let each = data.view.environments.iter().zip(&data.happenings).filter(|(_, said)| !said.trouble.is_empty());
    let each: Vec<String> = each.map(|(here, said)| format!("{}: {}", here.environment.title, words::sentence(&said.trouble))).collect();
    (!each.is_empty()).then(|| view! { <p class="panel-foot">{each.join(" ")}</p> }.into_any())
}
