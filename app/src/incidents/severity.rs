//! The matrix as people know it from the guide, and what is open in it now.

use super::{Severity, SeverityData, look, time_left};
use crate::oncall::Who;
use crate::parts::{PageHead, Panel, StatePill, choose};
use crate::{Viewer, links, words};
use domain::Time;
use domain::incidents::{Incident, Level};
use domain::oncall::Participant;
use leptos::prelude::*;

pub(crate) fn page(_viewer: &Viewer, data: &SeverityData, now: Time) -> AnyView {
    let breached = data.open.iter().filter(|incident| incident.breached_at.is_some()).count() as i64;
    let late = if breached == 0 { "none too late".to_owned() } else { format!("{breached} too late") };
    let open = format!("{} open, {late}", words::count(data.open.len() as i64, "incident"));
    let at = format!("{} {}", data.zone.full_words(now), data.zone.name());
    let meta = view! { <span data-testid="summary">{open}</span><span>{at}</span> }.into_any();
    let actions =
        view! { <div class="actions"><a class="btn" href="#due">"When would it be due?"</a><a class="btn btn-primary" href="/incidents#open">"Open an incident"</a></div> }.into_any();
    view! {
        <PageHead title="Severity" meta=Some(meta) actions=Some(actions)/>
        {open_now(data, now)}
        {matrix(data)}
        {due(data)}
    }
    .into_any()
}

fn open_now(data: &SeverityData, now: Time) -> AnyView {
    if data.open.is_empty() {
        return view! { <Panel id="h-open" title="Open now"><p class="panel-body muted" data-testid="nothing-open">"No incident is open."</p></Panel> }.into_any();
    }
    let rows = data.open.iter().map(|incident| row(data, incident, now)).collect_view();
    view! {
        <Panel id="h-open" title="Open now" sub="least time left first" count=data.open.len() as i64>
            <table class="table table-stack table-top" aria-labelledby="h-open" data-testid="open">
                <thead><tr><th scope="col">"Level"</th><th scope="col">"Incident"</th><th scope="col">"Team"</th><th scope="col">"Answer"</th><th scope="col">"Time left"</th></tr></thead>
                <tbody>{rows}</tbody>
            </table>
        </Panel>
    }
    .into_any()
}

fn row(data: &SeverityData, incident: &Incident, now: Time) -> AnyView {
    let team = incident.team.clone().map(Participant::Team);
    let about = if incident.components.is_empty() {
        incident.label.clone()
    } else {
        format!("{} · {}", incident.label, words::list(&incident.components))
    };
    view! {
        <tr data-key=incident.label.clone() data-say=incident.label.clone()>
            <td><Severity level=incident.severity.clone()/></td>
            <th scope="row"><a class="table-link" href=links::incident(&incident.label)>{incident.title.clone()}</a><br/><span class="small muted">{about}</span></th>
            <td data-label="Team">{team.as_ref().map(|team| view! { <Who catalog=&data.catalog participant=team/> })}</td>
            <td data-label="Answer"><StatePill look=look(incident) quiet=true/></td>
            <td class="left-cell" data-label="Time left">{time_left(incident, &data.zone, now)}</td>
        </tr>
    }
    .into_any()
}

fn matrix(data: &SeverityData) -> AnyView {
    if data.catalog.severities.is_empty() {
        return view! { <Panel id="h-mat" title="Severity matrix"><p class="panel-body muted">"The configuration declares no "<code>"severities"</code>"."</p></Panel> }.into_any();
    }
    let rows = data.catalog.severities.iter().map(|level| level_row(data, level)).collect_view();
    view! {
        <Panel id="h-mat" title="Severity matrix" sub="from the configuration">
            <table class="table table-stack" aria-labelledby="h-mat" data-testid="matrix">
                <thead><tr><th scope="col">"Level"</th><th scope="col">"Answer within"</th><th scope="col">"Example"</th><th scope="col">"Pages"</th><th scope="col">"Freezes"</th><th scope="col" class="num">"Open"</th></tr></thead>
                <tbody>{rows}</tbody>
            </table>
            <p class="panel-foot">{footnote(data)}</p>
        </Panel>
    }
    .into_any()
}

fn level_row(data: &SeverityData, level: &Level) -> AnyView {
    let open = data.open.iter().filter(|incident| incident.severity == level.level).count();
    let environment = |name: &String| data.catalog.environment(name).map_or_else(|_| name.clone(), |env| env.title.clone());
    let freezes: Vec<String> = level.freezes.iter().map(environment).collect();
    let or_nothing = |items: &[String]| if items.is_empty() { "Nothing".to_owned() } else { words::list(items) };
    let pages = if level.pages.is_empty() { "Nobody".to_owned() } else { words::list(&level.pages) };
    view! {
        <tr data-key=level.level.clone()>
            <th scope="row" class="nowrap"><Severity level=level.level.clone()/>" "{level.title.clone()}</th>
            <td data-label="Answer within">{level.response.words()}</td><td data-label="Example">{level.example.clone()}</td>
            <td data-label="Pages">{pages}</td><td data-label="Freezes">{or_nothing(&freezes)}</td><td class="num" data-label="Open">{open}</td>
        </tr>
    }
    .into_any()
}

/// How time is counted, with the calendar's own words.
fn footnote(data: &SeverityData) -> String {
    let calendar = data.catalog.severities.iter().find_map(|level| match &level.response {
        domain::incidents::Response::NextBusinessDay(name) => Some((level, data.catalog.calendar(name)?)),
        domain::incidents::Response::Within(_) => None,
    });
    let business = calendar.map(|(level, calendar)| {
        let closes = calendar.closes.strftime("%H:%M").to_string();
        format!(
            " {} is due at {closes} on the next business day of the owning team, else of “{}” ({}).",
            level.level,
            calendar.name,
            calendar.zone.name()
        )
    });
    format!("Minutes and hours count by day and night.{} Warnings at 50 % and 80 %.", business.unwrap_or_default())
}

fn due(data: &SeverityData) -> AnyView {
    let levels = data.catalog.severities.iter().map(|level| (level.level.clone(), format!("{} {}", level.level, level.title))).collect();
    let teams = data.catalog.teams.iter().map(|team| (team.name.clone(), team.title.clone())).collect();
    let answer = data.due.as_ref().map(|due| match due {
        Ok(due) => {
            let zone = data.zone.name();
            view! { <p role="status" data-testid="due">"Due "<strong>{data.zone.full_words(due.at)}</strong>{format!(" {zone}.")}</p> }
                .into_any()
        }
        Err(error) => view! { <p class="error-text" role="alert">{error.to_string()}</p> }.into_any(),
    });
    let asked = &data.asked;
    view! {
        <div id="due"><Panel id="h-due" title="When would it be due?">
            <div class="panel-body stack-s">
                <form class="form-row" method="get" action="/severity" aria-label="Compute when a problem is due">
                    {choose("level", "Level", levels, &asked.level)}
                    <div class="field"><label for="f-from">{format!("Opened, {}", data.zone.name())}</label><input class="input" id="f-from" name="from" type="datetime-local" required value=asked.from.clone()/></div>
                    {choose("team", "Team", teams, &asked.team)}
                    <button class="btn" type="submit">"Compute"</button>
                </form>
                {answer}
            </div>
        </Panel></div>
    }
    .into_any()
}
