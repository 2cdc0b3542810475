//! Beside the rotation: one's own shifts, what it cost whom, links for calendar clients.

use super::{OnCallData, Shown, Who};
use crate::parts::{ActButton, Panel, Until};
use crate::{Viewer, links, words};
use domain::Time;
use leptos::prelude::*;

pub(super) fn mine(shown: &Shown, now: Time) -> AnyView {
    let rows = shown.mine.iter().map(|duty| {
        let role = words::sentence(&duty.assignment.role).trim_end_matches('.').to_owned();
        let when = format!("{} to {}", shown.zone.words(duty.starts), shown.zone.words(duty.ends));
        let end = if duty.starts <= now {
            view! { <span class="end strong">"on call now"</span> }.into_any()
        } else {
            view! { <span class="end muted"><span>"in "<Until at=duty.starts now=now/></span></span> }.into_any()
        };
        view! { <li><span class="grow">{role}<br/><span class="small muted">{when}</span></span>{end}</li> }
    });
    let list = if shown.mine.is_empty() {
        view! { <p class="panel-body muted">"Nothing in the half year ahead."</p> }.into_any()
    } else {
        view! { <ul class="rows" data-testid="mine">{rows.collect_view()}</ul> }.into_any()
    };
    view! { <Panel id="h-mine" title="My shifts" sub="mine and my teams'">{list}</Panel> }.into_any()
}

pub(super) fn ledger(data: &OnCallData, shown: &Shown) -> AnyView {
    let rows = shown.ledger.iter().map(|(holder, load)| {
        let hours = |s: i64| (s / 3600).to_string();
        view! {
            <tr><th scope="row">{view! { <Who catalog=&data.catalog participant=holder/> }.into_any()}</th>
            <td class="num" data-label="Hours">{hours(load.total_s)}</td><td class="num" data-label="Nights">{hours(load.night_s)}</td>
            <td class="num" data-label="Weekends">{hours(load.weekend_s)}</td><td class="num" data-label="Holidays">{hours(load.holiday_s)}</td></tr>
        }
    });
    let rows = rows.collect_view();
    view! {
        <Panel id="h-ledger" title="Fairness ledger" sub="hours as primary, the last half year">
            <table class="table table-stack" aria-labelledby="h-ledger" data-testid="ledger">
                <thead><tr><th scope="col">"Who"</th><th scope="col" class="num">"Hours"</th><th scope="col" class="num">"Nights"</th><th scope="col" class="num">"Weekends"</th><th scope="col" class="num">"Holidays"</th></tr></thead>
                <tbody>{rows}</tbody>
            </table>
            <p class="panel-foot">"Nights are 22:00 to 06:00 by the rotation's clocks. A team's hours are also those of each of its people."</p>
        </Panel>
    }
    .into_any()
}

pub(super) fn calendar(viewer: &Viewer, data: &OnCallData, shown: &Shown) -> AnyView {
    let body = match &data.told.feed_token {
        Some(token) => feeds(viewer, data, shown, token),
        None => view! {
            <p>"Calendar clients read the rotation by an address with a token in it that can read and nothing else."</p>
            <form method="post" action="/on-call/calendar">
                <input type="hidden" name="rotation" value=shown.held.rotation.name.clone()/>
                <ActButton label="Make my calendar links" class=""/>
            </form>
        }
        .into_any(),
    };
    view! { <div id="calendar"><Panel id="h-calendar" title="Calendar">{view! { <div class="panel-body stack-s">{body}</div> }.into_any()}</Panel></div> }.into_any()
}

/// The links, this once: the token in them is not kept.
fn feeds(viewer: &Viewer, data: &OnCallData, shown: &Shown, token: &str) -> AnyView {
    let person = &viewer.actor.person;
    let rotation = format!("/api/v1/rotations/{}/calendar.ics", links::encode(&shown.held.rotation.name));
    let mut all = vec![(shown.held.rotation.title.clone(), links::query(&rotation, &[("token", token)]))];
    let own = |who: &str| links::query("/api/v1/on-call/calendar.ics", &[("participant", who), ("token", token)]);
    all.push(("My shifts".to_owned(), own(&person.name)));
    let on_call = shown.held.rotation.versions.iter().flat_map(|version| &version.participants);
    let teams = person.teams.iter().filter(|team| on_call.clone().any(|p| p.to_string() == format!("team:{team}")));
    all.extend(teams.map(|team| {
        let participant = domain::oncall::Participant::Team(team.clone());
        (data.catalog.title_of(&participant), own(&participant.to_string()))
    }));
    let rows = all.into_iter().map(|(title, path)| {
        let href = format!("{}{path}", data.external_url);
        view! { <li><a class="table-link" href=path>{title}</a><br/><code class="small feed">{href}</code></li> }
    });
    view! {
        <p role="status">"These links are shown this once: put them into your calendar now. Whoever has one can read what you can."</p>
        <ul class="stack-s" data-testid="feeds">{rows.collect_view()}</ul>
    }
    .into_any()
}
