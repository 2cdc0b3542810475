//! The page: now and next, six weeks, any moment, what is arranged, one's own.

use super::who::{Contacts, people, roles};
use super::{OnCallData, Shown, Who, arrange, aside, timeline};
use crate::parts::{Icon, Notice, PageHead, Panel, Until, choose};
use crate::words::{self, Look};
use crate::{Viewer, links};
use domain::Time;
use domain::oncall::view::{OnCallView, RoleView};
use leptos::prelude::*;

pub(crate) fn page(viewer: &Viewer, data: &OnCallData, now: Time) -> AnyView {
    let Some(shown) = &data.shown else {
        return view! {
            <PageHead title="On-call"/>
            <section class="panel"><div class="empty"><Icon name="clock"/><h2>"No rotation yet"</h2><p>"Declare one under "<code>"rotations"</code>" in the configuration: who takes turns, and when."</p></div></section>
        }
        .into_any();
    };
    let reader = viewer.actor.person.name.as_str();
    let rotation = &shown.held.rotation;
    let version = rotation.version(now);
    let how = version.map(|v| format!("{}, {} {}", v.every.words(), v.anchor.strftime("%A, %H:%M"), v.zone.name())).unwrap_or_default();
    let meta = view! { <span>{rotation.title.clone()}</span><span>{how}</span><span>{format!("times in {}", shown.zone.name())}</span> }
        .into_any();
    let actions = view! { <div class="actions"><a class="btn" href="#calendar">"Calendar link"</a><a class="btn btn-primary" href="#new-override">"Add override"</a></div> }.into_any();
    view! {
        <PageHead title="On-call" meta=Some(meta) actions=Some(actions)/>
        {warnings(data, shown)}
        <div class="cols-2-1">{current(data, shown, reader)}{next(data, shown, now)}</div>
        {timeline::panel(data, shown, now)}
        <div class="cols-2">
            <div class="stack">{lookup(data, shown, reader)}{arrange::form(viewer, data, shown)}{arrange::swap_form(viewer, data, shown)}</div>
            <div class="stack">{arrange::overrides(viewer, data, shown)}{arrange::offers(viewer, data, shown)}{aside::mine(shown, now)}{aside::ledger(data, shown)}{aside::calendar(viewer, data, shown)}</div>
        </div>
    }
    .into_any()
}

const WARNING: Look = Look { class: "degraded", icon: "degraded", word: "Warning", calm: false };

fn warnings(data: &OnCallData, shown: &Shown) -> AnyView {
    let zone = &shown.zone;
    let gap = shown.gaps.first().map(|gap| {
        let count = words::count(shown.gaps.len() as i64, "gap");
        let when = format!("{} to {}", zone.full_words(gap.starts), zone.full_words(gap.ends));
        let text = format!(" Nobody is {} from {when}.", gap.assignment.role);
        view! { <Notice look=WARNING><div data-testid="gaps"><strong>{format!("{count} in the next half year.")}</strong>{text}" "<a href="#new-override">"Fill it with an override"</a></div></Notice> }
    });
    let silent = (!shown.unreachable.is_empty()).then(|| {
        let names: Vec<String> = shown.unreachable.iter().map(|name| data.catalog.person(name).title).collect();
        let text = format!("No channel reaches {}, on call in the next half year: ", words::list(&names));
        let (what, key) = if data.catalog.channels.is_empty() { ("declare ", "channels") } else { ("say how in ", "people") };
        view! { <Notice look=WARNING><div data-testid="unreachable">{text}{what}<code>{key}</code>" of the configuration."</div></Notice> }
    });
    view! { {gap}{silent} }.into_any()
}

fn current(data: &OnCallData, shown: &Shown, reader: &str) -> AnyView {
    let now = &shown.now;
    let sub = format!("{} to {}", shown.zone.words(now.shift.starts), shown.zone.words(now.shift.ends));
    view! { <Panel id="h-now" title="Now" sub=sub>{roles(&data.catalog, &now.roles, reader, Contacts::default())}</Panel> }.into_any()
}

fn next(data: &OnCallData, shown: &Shown, now: Time) -> AnyView {
    let next = &shown.next;
    let end = view! { <span class="muted">{shown.zone.words(next.starts)}</span> }.into_any();
    let each = next.roles.iter().map(|held| {
        let who = match &held.participant {
            Some(holder) => view! { <Who catalog=&data.catalog participant=holder/> }.into_any(),
            None => view! { "nobody" }.into_any(),
        };
        view! { <li><span class="muted">{format!("{}: ", held.role)}</span>{who}</li> }
    });
    view! {
        <Panel id="h-next" title="Next handoff" end=end>
            <div class="panel-body stack-s"><p class="big">"in "<Until at=next.starts now=now/></p><ul class="small">{each.collect_view()}</ul></div>
        </Panel>
    }
    .into_any()
}

/// Zones that are offered; an address may name any other.
const ZONES: [&str; 8] =
    ["UTC", "Europe/Berlin", "Europe/London", "America/New_York", "America/Los_Angeles", "Asia/Kolkata", "Asia/Tokyo", "Australia/Sydney"];

fn lookup(data: &OnCallData, shown: &Shown, reader: &str) -> AnyView {
    let asked = &data.asked;
    let rotations: Vec<_> = data.catalog.rotations.iter().map(|r| (r.name.clone(), r.title.clone())).collect();
    let mut zones = vec![shown.zone.name().to_owned()];
    zones.extend(ZONES.into_iter().filter(|zone| *zone != shown.zone.name()).map(str::to_owned));
    let zones = zones.into_iter().map(|zone| (zone.clone(), zone)).collect();
    let at = if asked.at.is_empty() { shown.zone.local(shown.now.at).strftime("%Y-%m-%dT%H:%M").to_string() } else { asked.at.clone() };
    let error = shown.lookup_error.as_ref().map(|error| view! { <p class="error-text" role="alert">{error.to_string()}</p> });
    view! {
        <Panel id="h-look" title="Who is on call at any moment">
            <div class="panel-body stack-s">
                <form class="form-row" method="get" action="/on-call" aria-label="Look up a moment">
                    {choose("rotation", "Rotation", rotations, &shown.held.rotation.name)}
                    <div class="field"><label for="f-at">"Date and time"</label><input class="input" id="f-at" name="at" type="datetime-local" required value=at/></div>
                    {choose("zone", "Zone", zones, shown.zone.name())}
                    <button class="btn" type="submit">"Look up"</button>
                </form>
                {error}
            </div>
            {shown.lookup.as_ref().map(|found| answer(data, shown, found, reader))}
        </Panel>
    }
    .into_any()
}

fn answer(data: &OnCallData, shown: &Shown, found: &OnCallView, reader: &str) -> AnyView {
    let zone = &shown.zone;
    let at = format!("{} {}", zone.full_words(found.at), zone.name());
    let rows = found.roles.iter().map(|role| answer_row(data, shown, role, reader)).collect_view();
    let json = links::query("/api/v1/on-call", &[("rotation", &found.rotation), ("at", &found.at.to_string())]);
    view! {
        <table class="table table-stack table-top" data-testid="answer">
            <caption class="panel-body strong">{format!("On call on {at}")}</caption>
            <thead><tr><th scope="col">"Role"</th><th scope="col">"Who"</th><th scope="col">"Why"</th></tr></thead>
            <tbody>{rows}</tbody>
        </table>
        <p class="panel-foot"><span>{format!("Shift of {} to {}", zone.full_words(found.base.starts), zone.full_words(found.base.ends))}</span>" "<a href=json>"Same answer as JSON"</a></p>
    }
    .into_any()
}

fn answer_row(data: &OnCallData, shown: &Shown, role: &RoleView, reader: &str) -> AnyView {
    let catalog = &data.catalog;
    let who = match &role.participant {
        Some(holder) => view! { <Who catalog=catalog participant=holder/> }.into_any(),
        None => view! { <span>"Nobody"</span> }.into_any(),
    };
    let arranged = role.by_override.as_ref().and_then(|id| shown.held.overrides.iter().find(|o| o.id == *id));
    let why = match arranged {
        Some(o) => format!(
            "{} by {}, {} to {}",
            words::sentence(role.because.words()).trim_end_matches('.'),
            words::person(&o.by),
            shown.zone.words(o.starts),
            shown.zone.words(o.ends)
        ),
        None => words::sentence(role.because.words()).trim_end_matches('.').to_owned(),
    };
    view! {
        <tr>
            <th scope="row">{words::sentence(&role.role).trim_end_matches('.').to_owned()}</th>
            <td data-label="Who"><div>{who}{people(catalog, &role.people, reader, None)}</div></td>
            <td data-label="Why">{why}</td>
        </tr>
    }
    .into_any()
}
