//! What one can do with a change: approve, reject, abort. Each form carries what it decides on; a button that the reader
//! may not press says why.

use super::rollback::way_back;
use super::{Act, ChangeData, Tried};
use crate::parts::{ActButton, Icon, Notice, Panel, ReasonField, may_ask, may_vote, refused_hint};
use crate::{Viewer, links};
use domain::access::{Verb, authorize};
use domain::changes::votes::may_withdraw;
use domain::changes::{Change, Kind, Plan, State};
use domain::{Error, Result};
use leptos::prelude::*;

pub(super) fn action(data: &ChangeData, what: &str) -> String {
    format!("{}/{what}", links::change(&data.change.label()))
}

/// The row of actions at the top; at 320 px it is the bar at the bottom.
pub(super) fn buttons(viewer: &Viewer, data: &ChangeData) -> AnyView {
    let change = &data.change;
    match change.state {
        State::AwaitingApproval if change.plan.train.is_some() => {
            let href = change.plan.train.as_ref().map(|place| links::train(&place.train));
            view! { <div class="actions in-reach"><a class="btn btn-ghost" href="#abort-reason">"Abort"</a><a class="btn btn-primary" href=href>"Decide on the train"</a></div> }.into_any()
        }
        State::AwaitingApproval => {
            let vote = may_vote(change, viewer).err().map(|why| why.to_string());
            view! {
                <div class="actions in-reach">
                    <a class="btn btn-ghost" href="#abort-reason">"Abort"</a>
                    <a class="btn" href="#vote-reason">"Reject"</a>
                    <form method="post" action=action(data, "approve")>
                        <input type="hidden" name="digest" value=change.digest.clone()/><input type="hidden" name="reason" value=""/>
                        <ActButton label="Approve plan" class="btn-primary" refused=vote/>
                    </form>
                </div>
            }
            .into_any()
        }
        state if !state.is_terminal() => {
            view! { <div class="actions in-reach">{to_way_back(change)}<a class="btn btn-danger-quiet" href="#abort-reason">"Abort"</a></div> }
                .into_any()
        }
        _ => {
            let back = to_way_back(change);
            let class = if back.is_none() && change.state != State::Succeeded { "btn-primary" } else { "" };
            let again = again(viewer, change, class);
            (back.is_some() || again.is_some())
                .then(|| view! { <div class="actions in-reach">{back}{again}</div> })
                .into_any()
        }
    }
}

fn to_way_back(change: &Change) -> Option<AnyView> {
    let label = way_back(change)?;
    Some(view! { <a class="btn btn-danger-quiet" href="#roll-back"><Icon name="undo"/>{label}</a> }.into_any())
}

/// The page of the plan for the same once more; of what went well, a Job only.
fn again(viewer: &Viewer, change: &Change, class: &'static str) -> Option<AnyView> {
    let well = change.state == State::Succeeded;
    let href = links::again(&change.plan).filter(|_| !well || change.plan.kind == Kind::RunJob)?;
    let label = if well { "Run it again" } else { "Plan again" };
    Some(to_a_plan(viewer, &change.plan, href, label.to_owned(), class))
}

/// A link to the page of a plan, where the reader may ask for it now; else its likeness, which says why not.
pub(super) fn to_a_plan(viewer: &Viewer, plan: &Plan, href: String, label: String, class: &'static str) -> AnyView {
    let env = viewer.environments.iter().find(|env| env.head.name == plan.environment);
    let allowed = match env {
        Some(env) if !plan.kind.passes_closing() => may_ask(&env.head, viewer),
        _ => authorize(&viewer.actor, Verb::Change).map(|_| ()).map_err(|why| why.to_string()),
    };
    let class = format!("btn {class}");
    match allowed {
        Ok(()) => view! { <a class=class href=href>{label}</a> }.into_any(),
        Err(why) => view! { <a class=class role="link" aria-disabled="true" tabindex="0" title=why>{label}</a> }.into_any(),
    }
}

/// What was tried, and why it did not work. It stays while the page goes on living.
pub(crate) fn tried(tried: &Option<Tried>) -> Option<AnyView> {
    let tried = tried.as_ref()?;
    let what = match tried.act {
        Act::Approve => "Not approved.",
        Act::Reject => "Not rejected.",
        Act::Abort => "Not aborted.",
        Act::Withdraw => "The vote was not withdrawn.",
        Act::BreakGlass => "The glass was not broken.",
        Act::Review => "The review was not closed.",
    };
    let look = crate::words::change(State::Failed);
    Some(
        view! { <div data-key="tried" data-keep="1" data-testid="tried"><Notice look=look alert=true><div><strong>{what}</strong>" "{tried.error.to_string()}</div></Notice></div> }.into_any(),
    )
}

/// The forms with a reason: reject and approve while it waits, abort until it has ended.
pub(super) fn decide(viewer: &Viewer, data: &ChangeData) -> Option<AnyView> {
    let change = &data.change;
    if change.state.is_terminal() {
        return None;
    }
    let alone = change.state == State::AwaitingApproval && change.plan.train.is_none();
    let vote = alone.then(|| vote_form(data, may_vote(change, viewer)));
    let abort = abort_form(data, authorize(&viewer.actor, Verb::Change).map(|_| ()));
    let withdraw = withdraw_form(viewer, data);
    Some(view! { <div id="decide" data-key="decide"><Panel id="h-decide" title="Decide">{vote}{withdraw}{abort}</Panel></div> }.into_any())
}

fn vote_form(data: &ChangeData, allowed: Result<()>) -> AnyView {
    let refused = allowed.err();
    let why = refused.as_ref().map(ToString::to_string);
    let (value, error) = kept(&data.tried, &[Act::Approve, Act::Reject]);
    view! {
        <form class="panel-body stack-s" method="post" action=action(data, "approve")>
            <input type="hidden" name="digest" value=data.change.digest.clone()/>
            <ReasonField id="vote-reason" label="Reason" value=value hint="Needed to reject; others read it" error=error/>
            <div class="actions">
                <ActButton label="Approve" class="btn-primary" refused=why.clone() about="with this reason"/>
                {reject_button(data, why)}
            </div>
            {refused_hint(refused.as_ref())}
        </form>
    }
    .into_any()
}

/// For whoever approved, before it is executed.
fn withdraw_form(viewer: &Viewer, data: &ChangeData) -> Option<AnyView> {
    authorize(&viewer.actor, Verb::Decide).ok()?;
    may_withdraw(&data.change, &viewer.actor.person).ok()?;
    Some(
        view! {
            <form class="panel-body stack-s" method="post" action=action(data, "withdraw")>
                <p class="small muted">"You approved this plan. Until it is executed you may take that back."</p>
                <div class="actions"><ActButton label="Withdraw my vote" class=""/></div>
            </form>
        }
        .into_any(),
    )
}

fn reject_button(data: &ChangeData, refused: Option<String>) -> AnyView {
    match refused {
        None => view! { <button class="btn" type="submit" formaction=action(data, "reject")>"Reject"</button> }.into_any(),
        refused => view! { <ActButton label="Reject" class="" refused=refused/> }.into_any(),
    }
}

fn abort_form(data: &ChangeData, allowed: Result<()>) -> AnyView {
    let refused = allowed.err();
    let why = refused.as_ref().map(ToString::to_string);
    let (value, error) = kept(&data.tried, &[Act::Abort]);
    let says = data.change.abort_means();
    view! {
        <details class="more panel-body abort" open=data.tried.as_ref().is_some_and(|tried| tried.act == Act::Abort)>
            <summary><Icon name="down-chev"/>"Abort this change"</summary>
            <form class="stack-s" method="post" action=action(data, "abort")>
                <p class="small muted">{says}</p>
                <ReasonField id="abort-reason" label="Reason to abort" value=value error=error/>
                <div class="actions"><ActButton label="Abort" class="btn-danger-quiet" refused=why/></div>
                {refused_hint(refused.as_ref())}
            </form>
        </details>
    }
    .into_any()
}

/// What was written in the form that failed, and what was wrong with it.
pub(crate) fn kept(tried: &Option<Tried>, acts: &[Act]) -> (String, Option<String>) {
    match tried {
        Some(tried) if acts.contains(&tried.act) => {
            let error = match &tried.error {
                Error::Invalid { field, why } if field == "reason" || field == "note" => Some(why.clone()),
                _ => None,
            };
            (tried.reason.clone(), error)
        }
        _ => (String::new(), None),
    }
}
