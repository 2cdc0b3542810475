//! What waits for the reader: votes to cast, failures of their own; and for anybody, reviews of broken glasses.

use super::{HomeData, closed};
use crate::parts::{Panel, RelTime, StateIcon, Until};
use crate::{Viewer, links, words};
use domain::Time;
use domain::changes::{Change, State, Train};
use domain::pages::Page;
use leptos::prelude::*;

pub(super) fn panel(viewer: &Viewer, data: &HomeData, now: Time) -> AnyView {
    let count = (data.pages.len() + data.reviews.len() + data.failed.len()) as i64
        + i64::from(!(data.waiting.is_empty() && data.trains.is_empty()));
    let list = if count == 0 {
        view! { <p class="panel-body muted" data-testid="nothing-waits">"Nothing waits for you."</p> }.into_any()
    } else {
        let failed = data.failed.iter().map(|change| failure(viewer, change)).collect_view();
        let reviews = data.reviews.iter().map(|review| closed::review(viewer, review, now)).collect_view();
        let pages = data.pages.iter().map(|page| paged(page, now)).collect_view();
        view! { <ul class="rows">{pages}{reviews}{failed}{approvals(data, now)}</ul> }.into_any()
    };
    if count == 0 {
        return view! { <Panel id="h-needs" title="Needs you">{list}</Panel> }.into_any();
    }
    view! { <Panel id="h-needs" title="Needs you" count=count>{list}</Panel> }.into_any()
}

/// The reader was paged.
fn paged(page: &Page, now: Time) -> AnyView {
    let href = links::page(&page.label);
    let incident = page.incident.as_ref().map(|label| format!(" · {label}"));
    view! {
        <li data-key=page.label.clone() data-testid="paged" data-say=format!("{} pages you", words::person(&page.by))>
            <span class="lead"><StateIcon look=words::change(State::Failed)/></span>
            <span class="grow">
                <a class="table-link" href=href.clone()>{format!("{} pages you: {}", words::person(&page.by), first_line(&page.reason))}</a><br/>
                <span class="small muted">{page.label.clone()}{incident}" · not acknowledged, "<RelTime at=page.at now=now/>" ago"</span>
            </span>
            <span class="end"><a class="btn btn-s" href=href>"Answer"<span class="vh">{format!(" {}", page.label)}</span></a></span>
        </li>
    }
    .into_any()
}

fn first_line(text: &str) -> String {
    let line = text.lines().next().unwrap_or_default();
    let short: String = line.chars().take(120).collect();
    if short.len() < text.len() { format!("{short}…") } else { short }
}

fn failure(viewer: &Viewer, change: &Change) -> AnyView {
    let requester = &change.plan.requester;
    let whose =
        if *requester == viewer.actor.person.name { "yours".to_owned() } else { format!("asked for by {}", words::person(requester)) };
    let href = links::change(&change.label());
    let why = change.outcome.as_ref().map(|outcome| words::sentence(&outcome.reason)).unwrap_or_default();
    view! {
        <li data-key=change.label()>
            <span class="lead"><StateIcon look=words::state_of(change)/></span>
            <span class="grow">
                <a class="table-link" href=href.clone()>{format!("{} {}", change.summary(), change.state.title().to_lowercase())}</a><br/>
                <span class="small muted">{format!("{}, {whose} · {why}", change.label())}</span>
            </span>
            <span class="end"><a class="btn btn-s" href=href>"Decide"<span class="vh">{format!(" on {}", change.label())}</span></a></span>
        </li>
    }
    .into_any()
}

fn approvals(data: &HomeData, now: Time) -> Option<AnyView> {
    let until = data.waiting.iter().map(|change| change.plan.valid_until);
    let first = until.chain(data.trains.iter().map(Train::valid_until)).min()?;
    let trains = data.trains.iter().map(|train| format!("{}, {}", train.label(), words::count(train.changes.len() as i64, "change")));
    let names: Vec<_> = data.waiting.iter().map(|change| change.summary().to_owned()).chain(trains).collect();
    let title = match names.len() {
        1 => "1 approval waits for your vote".to_owned(),
        n => format!("{n} approvals wait for your vote"),
    };
    let which = if names.len() > 3 { format!("{} and {} more", names[..2].join(", "), names.len() - 2) } else { words::list(&names) };
    let expires = if names.len() == 1 { " · expires in " } else { " · the first expires in " };
    Some(
        view! {
            <li data-key="approvals">
                <span class="lead"><StateIcon look=words::change(State::AwaitingApproval)/></span>
                <span class="grow">
                    <a class="table-link" href="/approvals">{title}</a><br/>
                    <span class="small muted">{which}{expires}<Until at=first now=now/></span>
                </span>
                <span class="end"><a class="btn btn-s" href="/approvals">"Review"<span class="vh">" approvals"</span></a></span>
            </li>
        }
        .into_any(),
    )
}
