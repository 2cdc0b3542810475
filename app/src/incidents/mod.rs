//! Problems: the severity matrix that is alive, the list, one incident with its story.

mod components;
mod list;
mod page;
mod severity;

pub(crate) use list::page as list_page;
pub(crate) use page::page;
pub(crate) use severity::page as severity_page;

use crate::words;
use domain::access::Actor;
use domain::catalog::Catalog;
use domain::incidents::{Due, Incident, State, Timing};
use domain::oncall::view::OnCallView;
use domain::zone::Zone;
use domain::{Error, Result, Time};
use engine::{Engine, PageRequest};
use leptos::prelude::*;
use std::sync::Arc;

/// The question when a problem would be due, as it was asked.
#[derive(Clone, Debug, Default)]
pub struct DueAsked {
    pub level: String,
    /// A local time in the zone of the page.
    pub from: String,
    pub team: String,
}

#[derive(Clone, Debug)]
pub struct SeverityData {
    pub catalog: Arc<Catalog>,
    pub zone: Zone,
    /// Not resolved; the least time left comes first, answered ones last.
    pub open: Vec<Incident>,
    pub asked: DueAsked,
    pub due: Option<Result<Due>>,
}

/// The form for a new incident, as somebody filled it in.
#[derive(Clone, Debug, Default)]
pub struct OpenForm {
    pub title: String,
    pub severity: String,
    pub component: String,
    pub summary: String,
}

#[derive(Clone, Debug)]
pub struct IncidentsData {
    pub catalog: Arc<Catalog>,
    pub zone: Zone,
    pub state: String,
    pub items: Vec<Incident>,
    pub next: Option<String>,
    pub form: OpenForm,
    pub error: Option<Error>,
}

#[derive(Clone, Debug)]
pub struct IncidentData {
    pub catalog: Arc<Catalog>,
    pub zone: Zone,
    pub incident: Incident,
    pub on_call: Vec<OnCallView>,
    pub error: Option<Error>,
}

/// The zone that people read times in: of the first rotation, else of the first calendar.
fn zone_of(catalog: &Catalog, now: Time) -> Zone {
    let of_rotation = catalog.rotations.first().and_then(|rotation| rotation.version(now)).map(|version| version.zone.clone());
    of_rotation.or_else(|| catalog.calendars.first().map(|calendar| calendar.zone.clone())).unwrap_or_else(Zone::utc)
}

pub async fn load_severity(engine: &Engine, actor: &Actor, asked: DueAsked) -> Result<SeverityData> {
    let (catalog, now) = (engine.catalog(), engine.now());
    let zone = zone_of(&catalog, now);
    let mut open = engine.unresolved_incidents(actor).await?;
    open.sort_by_key(|incident| (incident.timer().answered.is_some(), incident.due_at));
    let due = (!asked.level.is_empty()).then(|| due(engine, actor, &zone, &asked));
    Ok(SeverityData { catalog, zone, open, asked, due })
}

fn due(engine: &Engine, actor: &Actor, zone: &Zone, asked: &DueAsked) -> Result<Due> {
    let from = zone.parse(&asked.from).ok_or_else(|| Error::invalid("from", "expected a date and a time, such as 2026-12-23T16:40"))?;
    engine.due(actor, &asked.level, from, Some(asked.team.as_str()).filter(|team| !team.is_empty()))
}

/// `states`: which to list; `state`: the word for them in the address.
pub async fn load_list(
    engine: &Engine,
    actor: &Actor,
    (state, states): (String, Vec<State>),
    cursor: Option<String>,
    form: (OpenForm, Option<Error>),
) -> Result<IncidentsData> {
    let catalog = engine.catalog();
    let page = engine.incidents(actor, &states, PageRequest { cursor, limit: 50 }).await?;
    let zone = zone_of(&catalog, engine.now());
    Ok(IncidentsData { catalog, zone, state, items: page.items, next: page.next, form: form.0, error: form.1 })
}

pub async fn load(engine: &Engine, actor: &Actor, id: &str, error: Option<Error>) -> Result<IncidentData> {
    let (catalog, now) = (engine.catalog(), engine.now());
    let incident = engine.incident(actor, id).await?;
    let on_call = if catalog.rotations.is_empty() { Vec::new() } else { engine.on_call(actor, None, now).await? };
    let zone = zone_of(&catalog, now);
    Ok(IncidentData { catalog, zone, incident, on_call, error })
}

/// `P1`, with the ground of its weight. Levels of another scheme are quiet.
#[component]
fn Severity(#[prop(into)] level: String) -> impl IntoView {
    let class = match level.as_str() {
        "P0" => "sev sev-0",
        "P1" => "sev sev-1",
        "P2" => "sev sev-2",
        _ => "sev",
    };
    view! { <span class=class>{level}</span> }
}

fn look(incident: &Incident) -> words::Look {
    let (class, icon, word, calm) = match incident.state {
        State::Open => ("degraded", "degraded", "Not answered", false),
        State::Acknowledged => ("progressing", "progressing", "Answered", true),
        State::Resolved => ("healthy", "healthy", "Resolved", true),
    };
    words::Look { class, icon, word, calm }
}

/// `2 h 8 min`, to the minute: what is left, or by how much it is too late.
fn span(seconds: i64) -> String {
    let minutes = seconds.max(0) / 60;
    match (minutes / 1440, minutes / 60 % 24, minutes % 60) {
        (0, 0, 0) => format!("{} s", seconds.max(0)),
        (0, 0, minutes) => format!("{minutes} min"),
        (0, hours, 0) => format!("{hours} h"),
        (0, hours, minutes) => format!("{hours} h {minutes} min"),
        (days, 0, _) => format!("{days} d"),
        (days, hours, _) => format!("{days} d {hours} h"),
    }
}

/// How much time is left to answer: in words, and as a bar with marks at 50 % and 80 %.
fn time_left(incident: &Incident, zone: &Zone, now: Time) -> AnyView {
    let due = zone.words(incident.due_at);
    match incident.timer().timing(now) {
        Timing::Met { after_s } => {
            let late = incident.breached_at.map(|_| " It was too late at an earlier level.").unwrap_or_default();
            view! { <span class="muted">{format!("Answered after {}, was due {due}.{late}", span(after_s))}</span> }.into_any()
        }
        Timing::Breached { late_s } => {
            let word = if incident.timer().answered.is_some() { "Answered too late by" } else { "Too late by" };
            view! { <div class="late"><span class="pill down"><crate::parts::Icon name="down"/>{format!("{word} {}", span(late_s))}</span><span class="small muted">{format!("was due {due}")}</span></div> }.into_any()
        }
        Timing::Running { left_s, percent } => {
            let class = match percent {
                80.. => "meter down",
                50.. => "meter degraded",
                _ => "meter",
            };
            view! {
                <div class="left"><div><span class="strong nowrap">{span(left_s)}</span><span class="small muted">{format!("left, due {due}")}</span></div>
                <svg class=class aria-hidden="true"><rect class="track" width="100%" height="6" rx="3"></rect><rect class="fill" width=format!("{percent}%") height="6" rx="3"></rect>
                <rect class="tick" x="50%" y="0" width="1" height="6"></rect><rect class="tick" x="80%" y="0" width="1" height="6"></rect></svg></div>
            }
            .into_any()
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_left_reads_as_people_say_it() {
        let table =
            [(-5, "0 s"), (59, "59 s"), (2220, "37 min"), (7680, "2 h 8 min"), (14_400, "4 h"), (90_000, "1 d 1 h"), (172_800, "2 d")];
        for (seconds, expected) in table {
            assert_eq!(span(seconds), expected);
        }
    }
}
