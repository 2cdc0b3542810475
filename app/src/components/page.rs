//! One component in all its environments: what runs, what was deployed, what its pods say.

use super::{ComponentData, panels};
use crate::parts::{DeploymentTable, PageHead, Panel};
use crate::{Viewer, links, words};
use domain::Time;
use domain::releases::DeploymentRecord;
use leptos::prelude::*;

pub(crate) fn page(viewer: &Viewer, data: &ComponentData, now: Time) -> AnyView {
    let view = &data.view;
    view! {
        <PageHead title=view.title.clone() crumb=Some((("Components", "/components"), view.title.clone())) meta=Some(meta(data))/>
        {panels::holds(viewer, &data.holds, &links::component(&view.name), now)}
        {panels::environments(viewer, data, now)}
        {deployments(viewer, data, now)}
        {super::pods::panels(data, now)}
        {super::happened::panel(data, now)}
        {super::around::panel(&data.view.environments)}
        {panels::dependencies(viewer, data)}
    }
    .into_any()
}

fn meta(data: &ComponentData) -> AnyView {
    let declared = &data.view.declared;
    let port = declared.port.map(|port| format!("port {port}"));
    let technology = (!declared.technology.is_empty()).then(|| declared.technology.clone());
    let made_of: Vec<String> = technology.into_iter().chain(port).collect();
    let made_of = (!made_of.is_empty()).then(|| view! { <span>{made_of.join(", ")}</span> });
    let size: Vec<_> = [
        declared.replicas.map(|n| words::count(n, "replica")),
        declared.cpu.as_ref().map(|cpu| format!("{cpu} CPU")),
        declared.memory.clone(),
    ]
    .into_iter()
    .flatten()
    .collect();
    let size = (!size.is_empty()).then(|| view! { <span>{format!("declared: {}", size.join(", "))}</span> });
    view! {
        <span>{declared.owner_title.clone()}</span>
        {made_of}
        {size}
        <span><code>{declared.workload.clone()}</code></span>
        {(!declared.companions.is_empty()).then(|| view! { <span>{format!("promoted with {}", words::list(&declared.companions))}</span> })}
    }
    .into_any()
}

/// All environments together, newest first.
fn deployments(viewer: &Viewer, data: &ComponentData, now: Time) -> AnyView {
    let mut rows: Vec<&DeploymentRecord> = data.view.environments.iter().flat_map(|here| &here.deployments).collect();
    rows.sort_by(|a, b| b.at.cmp(&a.at).then_with(|| b.id.cmp(&a.id)));
    let body = if rows.is_empty() {
        view! { <p class="panel-body muted">"No deployment is known yet. The first one that the portal sees or makes will stand here."</p> }
            .into_any()
    } else {
        view! { <DeploymentTable rows=rows holds=&data.holds viewer=viewer labelled="h-dep" now=now/> }.into_any()
    };
    view! { <Panel id="h-dep" title="Deployments" sub="newest first">{body}</Panel> }.into_any()
}
