//! Home: needs you, the matrix, changes in progress, recent changes.

use super::{HomeData, closed, needs};
use crate::parts::{Elapsed, MatrixTable, PageHead, Panel, RelTime, RolloutBar, StatePill, pods_of};
use crate::{Viewer, links, words};
use domain::Time;
use domain::changes::{Change, Progress, State};
use leptos::prelude::*;

pub(crate) fn page(viewer: &Viewer, data: &HomeData, now: Time) -> AnyView {
    let matrix = &data.matrix;
    let sub = format!(
        "{}, {}",
        words::count(matrix.components.len() as i64, "component"),
        words::count(matrix.environments.len() as i64, "environment")
    );
    let open: Vec<Change> = data.in_progress.iter().map(|(change, _)| change.clone()).collect();
    let table = view! { <MatrixTable matrix=matrix holds=&data.holds open=&open viewer=viewer labelled="h-matrix" now=now/> }.into_any();
    view! {
        <PageHead title="Home"/>
        {closed::notices(viewer)}
        {needs::panel(viewer, data, now)}
        {crate::oncall::home_panel(&data.catalog, &data.on_call, &viewer.actor.person.name, None)}
        <Panel id="h-matrix" title="Components and environments" sub=sub end=attention(viewer)>{table}</Panel>
        <div class="cols-2 even">{in_progress(data, now)}{recent(viewer, data, now)}</div>
    }
    .into_any()
}

fn attention(viewer: &Viewer) -> AnyView {
    let wrong: i64 = viewer.environments.iter().map(|env| env.wrong).sum();
    let text = if wrong == 0 { "Everything is healthy or rolling out".to_owned() } else { format!("{wrong} not healthy") };
    view! { <span class="muted" data-testid="attention">{text}</span> }.into_any()
}

fn in_progress(data: &HomeData, now: Time) -> AnyView {
    let end = view! { <a href="/changes">"All changes"</a> }.into_any();
    let count = data.in_progress.len() as i64;
    let list = if count == 0 {
        view! { <p class="panel-body muted">"Nothing is under way."</p> }.into_any()
    } else {
        let rows = data.in_progress.iter().map(|(change, progress)| moving(change, *progress, now)).collect_view();
        view! { <ul class="rows">{rows}</ul> }.into_any()
    };
    view! { <Panel id="h-progress" title="Changes in progress" count=count end=end>{list}</Panel> }.into_any()
}

fn moving(change: &Change, progress: Progress, now: Time) -> AnyView {
    let pods = pods_of(change, progress, &[]);
    let doing = match change.state {
        State::AwaitingApproval => {
            view! { <span data-key="asked">"asked "<RelTime at=change.requested_at now=now/>" ago"</span> }.into_any()
        }
        _ => view! { <span data-key="running">"running for "<Elapsed since=change.requested_at now=now/></span> }.into_any(),
    };
    view! {
        <li data-key=change.label() data-state=change.state.as_str() data-title=change.state_title() data-say=change.label()>
            <span class="grow">
                <a class="table-link" href=links::change(&change.label())>{change.summary().to_owned()}</a><br/>
                <span class="small muted">{format!("{} · {} · ", change.label(), words::person(&change.plan.requester))}{doing}</span>
            </span>
            <span class="end">
                <span class="rollout-s"><RolloutBar pods=pods/><span class="small muted">{format!("{} of {}", pods.done, progress.desired)}</span></span>
                <StatePill look=words::state_of(change)/>
            </span>
        </li>
    }
    .into_any()
}

fn recent(viewer: &Viewer, data: &HomeData, now: Time) -> AnyView {
    let end = view! { <a href="/changes">"All changes"</a> }.into_any();
    let body = if data.recent.is_empty() {
        view! { <p class="panel-body muted">"No change has ended yet. Promote a release from the matrix, and it will stand here."</p> }
            .into_any()
    } else {
        crate::changes::table(viewer, &data.recent, "h-recent", now)
    };
    view! { <Panel id="h-recent" title="Recent changes" end=end>{body}</Panel> }.into_any()
}
