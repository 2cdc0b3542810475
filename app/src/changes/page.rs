//! The page of one change: plan, diff, gates, votes, steps, rollout; what one can do is always in reach.

use super::{ChangeData, act, configuration, glass, panels, rollback, story};
use crate::parts::{GateList, Notice, PageHead, Panel, RelTime, StepList, Until, VoteList};
use crate::{Viewer, links, words};
use domain::Time;
use domain::changes::{Change, Kind, Reached, State};
use leptos::prelude::*;

pub(crate) fn page(viewer: &Viewer, data: &ChangeData, now: Time) -> AnyView {
    let change = &data.change;
    let title = change.summary().to_owned();
    view! {
        <PageHead title=title crumb=Some((("Changes", "/changes"), change.label())) look=Some(words::state_of(change)) meta=Some(meta(data, now)) actions=Some(act::buttons(viewer, data))/>
        <p class="vh" data-key="state" data-state=change.state.as_str() data-title=change.state_title() data-say=change.label() data-testid="state">{change.state_title()}</p>
        {act::tried(&data.tried)}
        {outcome(data)}
        {glass::closed(viewer, change)}
        <div class="split">
            {panels::said(data)}
            {panels::plan(data, now)}
            <div class="aside" data-key="aside">{act::decide(viewer, data)}{glass::break_glass(viewer, data)}{glass::review(viewer, data, now)}{rollback::panel(viewer, data)}{votes(viewer, data, now)}{panels::rollout(data, now)}{gates(data)}</div>
            {configuration::diffs(&change.plan)}
            {panels::diff(data)}
            {steps(data, now)}
            {panels::pods(data, now)}
            {story::panel(data)}
        </div>
    }
    .into_any()
}

fn meta(data: &ChangeData, now: Time) -> AnyView {
    let change = &data.change;
    let waits =
        (change.state == State::AwaitingApproval).then(|| view! { <span>"expires in "<Until at=change.plan.valid_until now=now/></span> });
    let train = change.plan.train.as_ref().map(|place| {
        view! { <a href=links::train(&place.train) data-testid="in-train">{format!("{} of {} in a train", place.position, place.of)}</a> }
    });
    let took = change.outcome.is_some().then(|| view! { <span>{format!("took {}", domain::time::span(words::took(change, now)))}</span> });
    view! {
        <span>{words::person(&change.plan.requester)}</span>
        <span>"asked "<RelTime at=change.requested_at now=now/>" ago"</span>
        {waits}
        {took}
        {train}
    }
    .into_any()
}

/// How it ended, in a sentence; nothing while it goes on.
fn outcome(data: &ChangeData) -> Option<AnyView> {
    let outcome = data.change.outcome.as_ref()?;
    let (look, next) = (words::change(outcome.state), next(&data.change, outcome.state));
    let says = words::sentence(&outcome.reason);
    Some(
        view! { <Notice look=look big=true><div data-testid="outcome"><strong>{format!("{}.", outcome.state.title())}</strong>" "{says}{(!next.is_empty()).then(|| format!(" {next}"))}</div></Notice> }.into_any(),
    )
}

fn next(change: &Change, state: State) -> &'static str {
    if change.plan.kind == Kind::RunJob {
        return next_of_job(change, state);
    }
    match state {
        State::Failed => "Pods of the old version keep serving where there are any. Roll back, or mend the release and plan again.",
        State::Errored => "Nothing more is done by itself. Look at the cluster, then plan again.",
        State::Superseded | State::Expired => match change.reached() {
            Reached::Nothing => "Nothing was written. Plan again to go on.",
            Reached::Configuration => "The workload was not written. Look at the ConfigMaps, then plan again to go on.",
            Reached::Sent | Reached::Written | Reached::Runs => "Plan again to go on.",
        },
        State::Stuck => "It needs a person: look at the pods, then roll back or mend it.",
        _ => "",
    }
}

fn next_of_job(change: &Change, state: State) -> &'static str {
    match state {
        State::Failed => "Nothing else was changed. Mend what it says, then run it again.",
        State::Errored | State::Stuck => "Look at the Jobs in the cluster, then run it again if it is needed.",
        State::Superseded | State::Expired if change.reached() == Reached::Nothing => "No Job was made. Plan again to go on.",
        State::Superseded | State::Expired => "Look for its Job in the cluster, then plan again to go on.",
        _ => "",
    }
}

fn gates(data: &ChangeData) -> AnyView {
    let gates = data.gates.clone();
    let said = panels::gates_in_words(&gates);
    let waits = matches!(data.change.state, State::AwaitingApproval | State::Ready);
    let sub = if waits { "" } else { "when it was planned" };
    view! { <Panel id="h-gates" title="Gates" sub=sub end=view! { <span class="muted">{said}</span> }.into_any()><GateList gates=gates/></Panel> }
        .into_any()
}

fn votes(viewer: &Viewer, data: &ChangeData, now: Time) -> Option<AnyView> {
    let change = &data.change;
    change.plan.approval.as_ref()?;
    let end = view! { <span class="muted" data-testid="votes">{crate::approvals::votes(change)}</span> }.into_any();
    Some(view! { <Panel id="h-votes" title="Votes" end=end><VoteList change=change viewer=viewer approvers=&data.approvers now=now/></Panel> }.into_any())
}

fn steps(data: &ChangeData, now: Time) -> AnyView {
    view! { <Panel id="h-steps" title="Steps" class="main"><StepList change=data.change.clone() now=now/></Panel> }.into_any()
}
