//! Who is on call at any moment: a form, and its answer. Without scripts the server answers; `public/on-call.js` answers as soon as
//! the moment or the zone changes, with the same words of `domain::oncall::answer`.
//!
//! Invariant: what the script shows is made of parts that the server has put on the page, so both look the same.

use super::who::people;
use super::{OnCallData, Shown, Who};
use crate::links;
use crate::parts::{Panel, choose};
use domain::digest::sha256;
use domain::oncall::answer::{Answer, RoleAnswer};
use domain::oncall::view::RoleView;
use domain::oncall::{Held, Participant};
use leptos::prelude::*;

/// Zones that are offered; an address may name any other.
const ZONES: [&str; 8] =
    ["UTC", "Europe/Berlin", "Europe/London", "America/New_York", "America/Los_Angeles", "Asia/Kolkata", "Asia/Tokyo", "Australia/Sydney"];

pub(super) fn panel(data: &OnCallData, shown: &Shown, reader: &str) -> AnyView {
    let asked = &data.asked;
    let rotation = shown.held.rotation.name.clone();
    let rotations: Vec<_> = data.catalog.rotations.iter().map(|r| (r.name.clone(), r.title.clone())).collect();
    let mut zones = vec![shown.zone.name().to_owned()];
    zones.extend(ZONES.into_iter().filter(|zone| *zone != shown.zone.name()).map(str::to_owned));
    let zones = zones.into_iter().map(|zone| (zone.clone(), zone)).collect();
    let at = if asked.at.is_empty() { shown.zone.local(shown.now.at).strftime("%Y-%m-%dT%H:%M").to_string() } else { asked.at.clone() };
    let version = version(data, &shown.held);
    let error = shown.lookup_error.as_ref().map(ToString::to_string);
    view! {
        <Panel id="h-look" title="Who is on call at any moment">
            <div class="panel-body stack-s">
                <form class="form-row" method="get" action="/on-call" aria-label="Look up a moment" data-lookup=rotation data-version=version.clone()>
                    {choose("rotation", "Rotation", rotations, &shown.held.rotation.name)}
                    <div class="field"><label for="f-at">"Date and time"</label><input class="input" id="f-at" name="at" type="datetime-local" required value=at/></div>
                    {choose("zone", "Zone", zones, shown.zone.name())}
                    <button class="btn" type="submit">"Look up"</button>
                </form>
                <p class="error-text" role="alert" id="lookup-error" hidden=error.is_none()>{error.clone()}</p>
            </div>
            <div id="lookup-answer" aria-live="polite">{shown.lookup.as_ref().map(|found| answer(data, found, reader))}</div>
            {parts(data, shown, reader, &version)}
        </Panel>
    }
    .into_any()
}

/// Another one whenever an answer can be another: the configuration, a shift that has begun, something arranged.
fn version(data: &OnCallData, held: &Held) -> String {
    let arranged: String = held.overrides.iter().map(|o| format!("{} {} {}\n", o.id, o.starts.0, o.ends.0)).collect();
    let begun = held.facts.last().map(|shift| shift.ends.0);
    sha256(format!("{} {begun:?}\n{arranged}", data.catalog.version))[..12].to_owned()
}

fn answer(data: &OnCallData, found: &Answer, reader: &str) -> AnyView {
    let rows = found.on_call.roles.iter().zip(&found.roles).map(|(held, said)| row(data, held, said, reader)).collect_view();
    let json = links::query("/api/v1/on-call", &[("rotation", &found.on_call.rotation), ("at", &found.on_call.at.to_string())]);
    view! {
        <table class="table table-stack table-top" data-testid="answer">
            <caption class="panel-body strong">{format!("On call on {}", found.at)}</caption>
            <thead><tr><th scope="col">"Role"</th><th scope="col">"Who"</th><th scope="col">"Why"</th></tr></thead>
            <tbody>{rows}</tbody>
        </table>
        <p class="panel-foot"><span>{format!("Shift of {}", found.shift)}</span>" "<a href=json>"Same answer as JSON"</a></p>
    }
    .into_any()
}

fn row(data: &OnCallData, held: &RoleView, said: &RoleAnswer, reader: &str) -> AnyView {
    view! {
        <tr>
            <th scope="row">{said.role.clone()}</th>
            <td data-label="Who">{holder(data, held.participant.as_ref(), reader)}</td>
            <td data-label="Why">{said.why.clone()}</td>
        </tr>
    }
    .into_any()
}

fn holder(data: &OnCallData, participant: Option<&Participant>, reader: &str) -> AnyView {
    let catalog = &data.catalog;
    let who = match participant {
        Some(holder) => view! { <Who catalog=catalog participant=holder/> }.into_any(),
        None => view! { <span>"Nobody"</span> }.into_any(),
    };
    let names = participant.map(|holder| catalog.people_of(holder)).unwrap_or_default();
    view! { <div data-holder=participant.map(ToString::to_string).unwrap_or_default()>{who}{people(catalog, &names, reader, None)}</div> }
        .into_any()
}

/// What answers are made of in the browser: an empty one, and everybody who can stand in it. By its key it is replaced as a whole.
fn parts(data: &OnCallData, shown: &Shown, reader: &str, version: &str) -> AnyView {
    let holders = shown.held.participants().into_iter().map(Some).chain([None]);
    let holders = holders.map(|participant| holder(data, participant, reader)).collect_view();
    view! {
        <template id="lookup-parts" data-key=format!("lookup-{version}")>
            <table class="table table-stack table-top" data-testid="answer">
                <caption class="panel-body strong"></caption>
                <thead><tr><th scope="col">"Role"</th><th scope="col">"Who"</th><th scope="col">"Why"</th></tr></thead>
                <tbody></tbody>
            </table>
            <p class="panel-foot"><span></span>" "<a href="/api/v1/on-call">"Same answer as JSON"</a></p>
            {holders}
        </template>
    }
    .into_any()
}
