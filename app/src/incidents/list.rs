//! All incidents, newest first, and the form for another one.

use super::{IncidentsData, Severity, look, time_left};
use crate::parts::{ActButton, Icon, PageHead, Panel, RelTime, StatePill, choose, refused_hint};
use crate::{Viewer, links};
use domain::Time;
use domain::access::{Verb, authorize};
use domain::incidents::Incident;
use leptos::prelude::*;

pub(crate) fn page(viewer: &Viewer, data: &IncidentsData, now: Time) -> AnyView {
    let states = [("", "All"), ("open", "Open"), ("resolved", "Resolved")];
    let tabs = states.map(|(state, title)| {
        let href = links::query("/incidents", &[("state", state)]);
        view! { <a class="btn btn-s" href=href aria-current=(data.state == state).then_some("true")>{title}</a> }
    });
    let end = view! { <nav class="actions" aria-label="State">{tabs.into_iter().collect_view()}</nav> }.into_any();
    let body = if data.items.is_empty() {
        view! { <div class="empty"><Icon name="healthy"/><h3>"No incident"</h3><p>"What somebody opens, by hand or over the API, will stand here."</p></div> }.into_any()
    } else {
        table(data, now)
    };
    let older = data.next.as_ref().map(|cursor| {
        let href = links::query("/incidents", &[("state", &data.state), ("cursor", cursor)]);
        view! { <p class="panel-foot"><a href=href>"Older incidents"</a></p> }
    });
    let actions = view! { <div class="actions"><a class="btn btn-primary" href="#open">"Open an incident"</a></div> }.into_any();
    view! {
        <PageHead title="Incidents" actions=Some(actions)/>
        <Panel id="h-incidents" title="Incidents" sub="newest first" end=end>{body}{older}</Panel>
        {form(viewer, data)}
    }
    .into_any()
}

fn table(data: &IncidentsData, now: Time) -> AnyView {
    let rows = data.items.iter().map(|incident| row(data, incident, now)).collect_view();
    view! {
        <table class="table table-stack table-top" aria-labelledby="h-incidents" data-testid="incidents">
            <thead><tr><th scope="col">"Level"</th><th scope="col">"Incident"</th><th scope="col">"State"</th><th scope="col">"Answer"</th><th scope="col" class="num">"Opened"</th></tr></thead>
            <tbody>{rows}</tbody>
        </table>
    }
    .into_any()
}

fn row(data: &IncidentsData, incident: &Incident, now: Time) -> AnyView {
    view! {
        <tr data-key=incident.label.clone() data-say=incident.label.clone()>
            <td><Severity level=incident.severity.clone()/></td>
            <th scope="row"><a class="table-link" href=links::incident(&incident.label)>{incident.title.clone()}</a>" "<span class="small muted">{incident.label.clone()}</span></th>
            <td data-label="State"><StatePill look=look(incident) quiet=true/></td>
            <td class="left-cell" data-label="Answer">{time_left(incident, &data.zone, now)}</td>
            <td class="num muted nowrap" data-label="Opened"><span><RelTime at=incident.opened.at now=now/>" ago"</span></td>
        </tr>
    }
    .into_any()
}

fn form(viewer: &Viewer, data: &IncidentsData) -> AnyView {
    let refused = authorize(&viewer.actor, Verb::Respond).err();
    let why = refused.as_ref().map(ToString::to_string);
    let levels = data
        .catalog
        .severities
        .iter()
        .map(|level| (level.level.clone(), format!("{} {}: {}", level.level, level.title, level.example)))
        .collect();
    let mut components = vec![(String::new(), "None in particular".to_owned())];
    components.extend(data.catalog.components.iter().map(|component| (component.name.clone(), component.title.clone())));
    let error = data.error.as_ref().map(|error| view! { <p class="error-text" role="alert">{error.to_string()}</p> });
    let form = &data.form;
    view! {
        <div id="open"><Panel id="h-open" title="Open an incident">
            <form class="panel-body stack-s" method="post" action="/incidents" aria-labelledby="h-open">
                <div class="form-row">
                    <div class="field grow"><label for="f-title">"What is wrong"</label><input class="input" id="f-title" name="title" maxlength="200" required value=form.title.clone()/></div>
                    {choose("severity", "Level", levels, &form.severity)}
                    {choose("component", "Component", components, &form.component)}
                </div>
                <div class="field"><label for="f-summary">"Summary"</label><textarea class="input" id="f-summary" name="summary" rows="2" maxlength="2000">{form.summary.clone()}</textarea></div>
                {error}
                <div class="actions"><ActButton label="Open incident" class="btn-primary" refused=why/></div>
                {refused_hint(refused.as_ref())}
            </form>
        </Panel></div>
    }
    .into_any()
}
