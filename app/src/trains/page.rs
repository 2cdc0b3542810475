//! One train: whose turn it is, the plans, the votes for all of it.

use super::{TrainData, fresh};
use crate::changes::{Act, VOTED_ON, closed_notice, kept, tried};
use crate::parts::{ActButton, Icon, Notice, PageHead, Panel, ReasonField, RelTime, StatePill, Until, VoteList, refused_hint};
use crate::{Viewer, links, words};
use domain::Time;
use domain::access::{Verb, authorize};
use domain::changes::{Change, Reached, State, Train};
use leptos::prelude::*;

pub(crate) fn page(viewer: &Viewer, data: &TrainData, now: Time) -> AnyView {
    let train = &data.train;
    let state = train.state();
    let title = format!("{} to {}", words::count(train.changes.len() as i64, "component"), viewer.environment_title(&train.environment));
    let crumb = Some((("Changes", "/changes"), train.label()));
    view! {
        <PageHead title=format!("Promote {title}") crumb=crumb look=Some(words::change(state)) meta=Some(meta(train, state, now)) actions=Some(buttons(viewer, train, state))/>
        <p class="vh" data-key="state" data-state=state.as_str() data-title=state.title() data-say=train.label() data-testid="state">{state.title()}</p>
        {tried(&data.tried)}
        {stopped(train)}
        {closed(viewer, train, state)}
        <div class="split">
            <Panel id="h-turns" title="Changes" sub="in the order of their turns" class="main"><ol class="turns" data-testid="turns">{train.changes.iter().enumerate().map(|(at, change)| turn(at, change)).collect_view()}</ol></Panel>
            <div class="aside" data-key="aside">{decide(viewer, data, state)}{votes(viewer, data, now)}</div>
        </div>
    }
    .into_any()
}

fn meta(train: &Train, state: State, now: Time) -> AnyView {
    let waits = (state == State::AwaitingApproval).then(|| view! { <span>"expires in "<Until at=train.valid_until() now=now/></span> });
    let reason = (!train.reason.is_empty()).then(|| view! { <span>{format!("“{}”", train.reason)}</span> });
    view! {
        <span>{words::person(&train.requester)}</span>
        <span>"asked "<RelTime at=train.requested_at now=now/>" ago"</span>
        {waits}
        {reason}
        <span class="muted">"digest "<code title=train.digest.clone() data-testid="digest">{words::short_digest(&train.digest)}</code></span>
    }
    .into_any()
}

/// What of it has not begun waits for the opening.
fn closed(viewer: &Viewer, train: &Train, state: State) -> Option<AnyView> {
    let waits = train.changes.iter().any(|change| matches!(change.state, State::AwaitingApproval | State::Ready));
    let then = if state == State::AwaitingApproval { VOTED_ON } else { "What has not begun waits." };
    waits.then(|| closed_notice(viewer, &train.environment, then)).flatten()
}

fn is_open(train: &Train) -> bool {
    train.changes.iter().any(|change| !change.state.is_terminal())
}

fn may_vote(viewer: &Viewer, train: &Train) -> domain::Result<()> {
    authorize(&viewer.actor, Verb::Decide)?;
    train.may_decide(&viewer.voter())
}

fn action(train: &Train, what: &str) -> String {
    format!("{}/{what}", links::train(&train.label()))
}

/// The row of actions at the top; at 320 px it is the bar at the bottom.
fn buttons(viewer: &Viewer, train: &Train, state: State) -> AnyView {
    if state == State::AwaitingApproval {
        let vote = may_vote(viewer, train).err().map(|why| why.to_string());
        return view! {
            <div class="actions in-reach">
                <a class="btn btn-ghost" href="#abort-reason">"Abort"</a>
                <a class="btn" href="#vote-reason">"Reject"</a>
                <form method="post" action=action(train, "approve")>
                    <input type="hidden" name="digest" value=train.digest.clone()/><input type="hidden" name="reason" value=""/>
                    <ActButton label="Approve all plans" class="btn-primary" refused=vote/>
                </form>
            </div>
        }
        .into_any();
    }
    is_open(train)
        .then(|| view! { <div class="actions in-reach"><a class="btn btn-danger-quiet" href="#abort-reason">"Abort"</a></div> })
        .into_any()
}

/// Which of them stopped it, and why.
fn stopped(train: &Train) -> Option<AnyView> {
    let change = train.stopped_by()?;
    let outcome = change.outcome.as_ref()?;
    let arrived = train.changes.iter().filter(|change| change.state == State::Succeeded).count();
    let look = words::change(outcome.state);
    // A person's decision, or its time, ends all of it at once.
    if train.changes.iter().all(|one| one.outcome.as_ref().is_some_and(|end| end.state == outcome.state && end.reason == outcome.reason)) {
        return Some(view! { <Notice look=look big=true><div data-testid="outcome"><strong>{format!("{}.", outcome.state.title())}</strong>" "{words::sentence(&outcome.reason)}</div></Notice> }.into_any());
    }
    let href = links::change(&change.label());
    Some(view! {
        <Notice look=look big=true><div data-testid="outcome"><strong>{format!("{}.", outcome.state.title())}</strong>" "<a href=href>{change.label()}</a>
            {format!(" stopped it: {} {arrived} of {} arrived; what had not begun did not begin.", words::sentence(&outcome.reason), train.changes.len())}</div></Notice>
    }.into_any())
}

fn turn(at: usize, change: &Change) -> AnyView {
    let label = change.label();
    let waits = change.steps.iter().find(|step| step.name == "check" && step.state == "pending" && change.state == State::Ready);
    let running = change.steps.iter().find(|step| step.state == "running" && !change.state.is_terminal());
    let detail = match &change.outcome {
        Some(outcome) => words::sentence(&outcome.reason),
        None => waits.or(running).map(|step| words::sentence(&step.detail)).unwrap_or_default(),
    };
    view! {
        <li data-key=label.clone() data-component=change.plan.component.clone() data-state=change.state.as_str() data-title=change.state_title() data-say=label.clone()>
            <span class="turn">{at + 1}</span>
            <div class="grow stack-s">
                <div class="turn-head"><h3><a class="plain" href=links::change(&label)>{change.summary().to_owned()}</a></h3><StatePill look=words::change(change.state)/></div>
                <p class="small muted">{format!("{label} · {detail}")}</p>
                {fresh::details(&change.plan)}
            </div>
        </li>
    }
    .into_any()
}

fn decide(viewer: &Viewer, data: &TrainData, state: State) -> Option<AnyView> {
    let train = &data.train;
    if !is_open(train) {
        return None;
    }
    let vote = (state == State::AwaitingApproval).then(|| vote_form(viewer, data));
    Some(
        view! { <div id="decide" data-key="decide"><Panel id="h-decide" title="Decide">{vote}{abort_form(viewer, data)}</Panel></div> }
            .into_any(),
    )
}

fn vote_form(viewer: &Viewer, data: &TrainData) -> AnyView {
    let train = &data.train;
    let refused = may_vote(viewer, train).err();
    let why = refused.as_ref().map(ToString::to_string);
    let (value, error) = kept(&data.tried, &[Act::Approve, Act::Reject]);
    let reject = match why.clone() {
        None => view! { <button class="btn" type="submit" formaction=action(train, "reject")>"Reject"</button> }.into_any(),
        refused => view! { <ActButton label="Reject" class="" refused=refused/> }.into_any(),
    };
    view! {
        <form class="panel-body stack-s" method="post" action=action(train, "approve")>
            <input type="hidden" name="digest" value=train.digest.clone()/>
            <ReasonField id="vote-reason" label="Reason" value=value hint="Needed to reject; others read it" error=error/>
            <div class="actions"><ActButton label="Approve" class="btn-primary" refused=why about="all plans with this reason"/>{reject}</div>
            {refused_hint(refused.as_ref())}
        </form>
    }
    .into_any()
}

fn abort_form(viewer: &Viewer, data: &TrainData) -> AnyView {
    let train = &data.train;
    let refused = authorize(&viewer.actor, Verb::Change).err();
    let why = refused.as_ref().map(ToString::to_string);
    let (value, error) = kept(&data.tried, &[Act::Abort]);
    let says = match train.changes.iter().map(Change::reached).max() {
        Some(Reached::Written) => "What has not begun does not begin. What was written stays written: roll it back to undo it.",
        Some(reached) => reached.abort_means(),
        None => Reached::Nothing.abort_means(),
    };
    view! {
        <details class="more panel-body abort" open=data.tried.as_ref().is_some_and(|tried| tried.act == Act::Abort)>
            <summary><Icon name="down-chev"/>"Abort this train"</summary>
            <form class="stack-s" method="post" action=action(train, "abort")>
                <p class="small muted">{says}</p>
                <ReasonField id="abort-reason" label="Reason to abort" value=value error=error/>
                <div class="actions"><ActButton label="Abort" class="btn-danger-quiet" refused=why/></div>
                {refused_hint(refused.as_ref())}
            </form>
        </details>
    }
    .into_any()
}

/// The rules and the votes are the same for each of them.
fn votes(viewer: &Viewer, data: &TrainData, now: Time) -> Option<AnyView> {
    let mut first = data.train.changes.first()?.clone();
    first.plan.approval.as_ref()?;
    first.plan.train = None;
    let end = view! { <span class="muted" data-testid="votes">{crate::approvals::votes(&first)}</span> }.into_any();
    Some(view! { <Panel id="h-votes" title="Votes" end=end><VoteList change=&first viewer=viewer approvers=&data.approvers now=now/></Panel> }.into_any())
}
