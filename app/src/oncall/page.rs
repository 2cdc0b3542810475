//! The page: now and next, six weeks, any moment, what is arranged, one's own.

use super::who::{Contacts, roles};
use super::{OnCallData, Shown, Who, arrange, aside, lookup, timeline};
use crate::Viewer;
use crate::parts::{Icon, Notice, PageHead, Panel, Until};
use crate::words::{self, Look};
use domain::Time;
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
            <div class="stack">{lookup::panel(data, shown, reader)}{arrange::form(viewer, data, shown)}{arrange::swap_form(viewer, data, shown)}</div>
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
