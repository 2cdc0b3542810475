//! One incident: how long is left, whom to call, what was done.

use super::{IncidentData, Severity, components, look, time_left};
use crate::oncall::home_panel;
use crate::parts::{ActButton, PageHead, Panel, RelTime, choose, refused_hint};
use crate::{Viewer, links, words};
use domain::Time;
use domain::access::{Verb, authorize};
use domain::incidents::{Entry, State};
use leptos::prelude::*;

pub(crate) fn page(viewer: &Viewer, data: &IncidentData, now: Time) -> AnyView {
    let incident = &data.incident;
    let components = if incident.components.is_empty() { String::new() } else { words::list(&incident.components) };
    let meta = view! {
        <span><Severity level=incident.severity.clone()/></span><span>{incident.label.clone()}</span>
        <span>{format!("opened by {} ", words::person(&incident.opened.by))}<RelTime at=incident.opened.at now=now/>" ago"</span><span>{components}</span>
    }
    .into_any();
    let summary = (!incident.summary.is_empty()).then(|| view! { <p class="prose">{incident.summary.clone()}</p> });
    let error = data.error.as_ref().map(|error| view! { <p class="error-text" role="alert">{error.to_string()}</p> });
    view! {
        <PageHead title=incident.title.clone() crumb=Some((("Incidents", "/incidents"), incident.label.clone())) look=Some(look(incident)) meta=Some(meta)/>
        {error}
        <div class="cols-2-1">
            <Panel id="h-answer" title="Answer"><div class="panel-body stack-s" data-testid="answer">{time_left(incident, &data.zone, now)}{summary}{acts(viewer, data)}</div></Panel>
            {grade(viewer, data)}
        </div>
        {home_panel(&data.catalog, &data.on_call, &viewer.actor.person.name, Some(&incident.label))}
        <div class="cols-2-1">{story(data, now)}{components::panel(viewer, data)}</div>
        {comment(viewer, data)}
    }
    .into_any()
}

fn refused(viewer: &Viewer) -> Option<String> {
    authorize(&viewer.actor, Verb::Respond).err().map(|why| why.to_string())
}

fn action(data: &IncidentData, what: &str) -> String {
    format!("{}/{what}", links::incident(&data.incident.label))
}

fn acts(viewer: &Viewer, data: &IncidentData) -> AnyView {
    let state = data.incident.state;
    let acknowledge = (state == State::Open).then(|| {
        view! { <form method="post" action=action(data, "acknowledge")><ActButton label="Acknowledge" class="btn-primary" refused=refused(viewer)/></form> }
    });
    let resolve = (state != State::Resolved).then(|| {
        view! { <form method="post" action=action(data, "resolve")><ActButton label="Resolve" class="" refused=refused(viewer)/></form> }
    });
    view! { <div class="actions">{acknowledge}{resolve}</div>{refused_hint(authorize(&viewer.actor, Verb::Respond).err().as_ref())} }
        .into_any()
}

fn grade(viewer: &Viewer, data: &IncidentData) -> AnyView {
    let incident = &data.incident;
    let levels = data.catalog.severities.iter().map(|level| (level.level.clone(), format!("{} {}", level.level, level.title))).collect();
    let body = if incident.state == State::Resolved {
        view! { <p class="panel-body muted">"It is resolved: its level stays."</p> }.into_any()
    } else {
        view! {
            <form class="panel-body stack-s" method="post" action=action(data, "severity")>
                {choose("severity", "Level", levels, &incident.severity)}
                <div class="field"><label for="f-why">"Reason"</label><input class="input" id="f-why" name="reason" maxlength="2000"/></div>
                <div class="actions"><ActButton label="Change level" class="" refused=refused(viewer)/></div>
            </form>
        }
        .into_any()
    };
    view! { <Panel id="h-grade" title="Level">{body}</Panel> }.into_any()
}

fn story(data: &IncidentData, now: Time) -> AnyView {
    let rows = data.incident.timeline.iter().rev().map(|entry| told(data, entry, now)).collect_view();
    view! { <Panel id="h-story" title="Story" sub="newest first"><ul class="rows" data-testid="story">{rows}</ul></Panel> }.into_any()
}

fn told(data: &IncidentData, entry: &Entry, now: Time) -> AnyView {
    let what = match entry.kind.as_str() {
        "opened" => "Opened",
        "acknowledged" => "Acknowledged",
        "resolved" => "Resolved",
        "severity" => "Level changed",
        "components" => "Components changed",
        "warning" => "Warning",
        "breach" => "Too late",
        "paged" => "Paged",
        _ => "Comment",
    };
    let who = if entry.by == domain::access::PORTAL { "the portal".to_owned() } else { words::person(&entry.by) };
    view! {
        <li>
            <span class="grow"><strong>{what}</strong>{format!(" by {who}")}<br/><span class="small muted prose">{entry.text.clone()}</span></span>
            <span class="end small muted"><span>{data.zone.words(entry.at)}", "<RelTime at=entry.at now=now/>" ago"</span></span>
        </li>
    }
    .into_any()
}

fn comment(viewer: &Viewer, data: &IncidentData) -> AnyView {
    view! {
        <Panel id="h-comment" title="Comment">
            <form class="panel-body stack-s" method="post" action=action(data, "comments") aria-labelledby="h-comment">
                <div class="field"><label for="f-text">"What happened, what was tried"</label><textarea class="input" id="f-text" name="text" rows="3" maxlength="2000" required></textarea></div>
                <div class="actions"><ActButton label="Add comment" class="" refused=refused(viewer)/></div>
            </form>
        </Panel>
    }
    .into_any()
}
