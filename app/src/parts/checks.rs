//! Gates, votes and steps: what was checked, who decided, how far it is.

use super::{Elapsed, Icon, RelTime};
use crate::{Viewer, words};
use domain::Time;
use domain::access::{Verb, authorize};
use domain::catalog::Group;
use domain::changes::votes::Approver;
use domain::changes::{Change, Gate, Kind, State, Step, VoteKind, votes};
use domain::time::span;
use leptos::prelude::*;

#[component]
pub fn GateList(gates: Vec<Gate>) -> impl IntoView {
    let rows = gates.into_iter().map(|gate| {
        let (class, said) = match gate.state.as_str() {
            "pass" => ("healthy", "passed"),
            "fail" => ("down", "not passed"),
            _ => ("degraded", "warning"),
        };
        view! {
            <li class=class data-gate=gate.name>
                <Icon name=class/>
                <div><span class="medium">{gate.title}</span><span class="vh">{format!(" {said}")}</span><p class="why">{gate.detail}</p></div>
            </li>
        }
    });
    view! { <ul class="checks">{rows.collect_view()}</ul> }
}

/// The rules, the votes, who else may vote now, and whether the reader may.
#[component]
pub fn VoteList<'a>(change: &'a Change, viewer: &'a Viewer, approvers: &'a [Approver], now: Time) -> AnyView {
    let cast = change.votes.iter().map(|vote| {
        let (class, said) = match vote.vote {
            VoteKind::Approve => ("healthy", "approved"),
            VoteKind::Reject => ("down", "rejected"),
        };
        let reason = (!vote.reason.is_empty()).then(|| format!("“{}”", vote.reason));
        view! {
            <li class=class>
                <Icon name=class/>
                <div>
                    <span class="medium">{format!("{} {said}", words::person(&vote.by))}</span>
                    <p class="why"><RelTime at=vote.at now=now/>" ago"{reason.map(|reason| format!(", {reason}"))}</p>
                </div>
            </li>
        }
    });
    let waiting = change.state == State::AwaitingApproval;
    view! { <ul class="checks">{cast.collect_view()}{rules(change, viewer, waiting)}{barred(change, viewer, waiting)}{able(approvers, waiting)}</ul> }.into_any()
}

fn rules(change: &Change, viewer: &Viewer, waiting: bool) -> Option<AnyView> {
    let approval = change.plan.approval.as_ref()?;
    let (class, icon) = if waiting { ("paused", "paused") } else { ("unknown", "lock") };
    let mine = (waiting && may_vote(change, viewer).is_ok()).then(|| view! { <p class="why">"You may vote."</p> });
    let rows = approval.rules.iter().map(|rule| {
        let number = if rule.needed == 1 { "One".to_owned() } else { rule.needed.to_string() };
        let groups = words::list(&rule.from.iter().map(Group::in_words).collect::<Vec<_>>()).replace(" and ", " or ");
        view! { <li class=class><Icon name=icon/><div><span class="medium">{format!("{number} of {groups}")}</span>{mine.clone()}</div></li> }
    });
    Some(rows.collect_view().into_any())
}

/// So many are named; the rest is a number.
const NAMED: usize = 6;

/// Who can decide now, whoever is on call first.
fn able(approvers: &[Approver], waiting: bool) -> Option<AnyView> {
    if !waiting {
        return None;
    }
    if approvers.is_empty() {
        let why = "Nobody who has not voted may decide on this now: ask an administrator, or wait for the next on call.";
        let row = view! { <li class="degraded" data-testid="approvers"><Icon name="degraded"/><div><span class="medium">"Nobody can approve"</span><p class="why">{why}</p></div></li> };
        return Some(row.into_any());
    }
    let person = |approver: &Approver| {
        let duties = approver.on_call.iter().map(ToString::to_string).collect::<Vec<_>>();
        let on_call = (!duties.is_empty()).then(|| view! { " "<span class="chip">{format!("on call: {}", duties.join(", "))}</span> });
        view! { <li data-person=approver.person.clone()>{words::person(&approver.person)}{on_call}</li> }
    };
    let more = approvers.len().saturating_sub(NAMED);
    let more = (more > 0).then(|| view! { <li class="muted">{format!("and {}", words::count(more as i64, "other"))}</li> });
    let named = approvers.iter().take(NAMED).map(person).collect_view();
    let row = view! {
        <li class="unknown" data-testid="approvers">
            <Icon name="clock"/>
            <div><span class="medium">"Who can approve now"</span><ul class="able why">{named}{more}</ul></div>
        </li>
    };
    Some(row.into_any())
}

/// Why the reader's vote does not count here.
fn barred(change: &Change, viewer: &Viewer, waiting: bool) -> Option<AnyView> {
    if !waiting {
        return None;
    }
    let why = may_vote(change, viewer).err()?;
    Some(
        view! {
            <li class="unknown"><Icon name="lock"/><div><span class="medium">"You may not vote"</span><p class="why">{why.to_string()}</p></div></li>
        }
        .into_any(),
    )
}

/// By role and scope first, then by the rules of this change.
pub fn may_vote(change: &Change, viewer: &Viewer) -> domain::Result<()> {
    authorize(&viewer.actor, Verb::Decide)?;
    votes::may_decide(change, &viewer.voter())
}

#[component]
pub fn StepList(change: Change, now: Time) -> impl IntoView {
    let rows = planned_steps(&change).into_iter().map(|step| row(&change, step, now));
    view! { <ol class="steps">{rows.collect_view()}</ol> }
}

/// The steps that there are, and after them those that are still to come.
fn planned_steps(change: &Change) -> Vec<Step> {
    let wanted =
        ["plan", "approval", "check", "write", "rollout"].into_iter().filter(|name| *name != "approval" || change.plan.approval.is_some());
    let mut steps = change.steps.clone();
    for name in wanted {
        if !steps.iter().any(|step| step.name == name) {
            let state = if change.state.is_terminal() { "skipped" } else { "pending" };
            steps.push(Step { name: name.into(), state: state.into(), started: None, finished: None, detail: String::new() });
        }
    }
    steps
}

fn row(change: &Change, step: Step, now: Time) -> AnyView {
    let waits = step.name == "approval" && change.state == State::AwaitingApproval;
    let (class, said) = match step.state.as_str() {
        "done" => ("healthy", "done"),
        "failed" => ("down", "failed"),
        "running" if waits => ("paused", "waiting"),
        "running" => ("progressing", "running"),
        "skipped" => ("", "skipped"),
        _ => ("", "not started"),
    };
    let mark = if class.is_empty() {
        view! { <span class="ring" aria-hidden="true"></span> }.into_any()
    } else {
        view! { <Icon name=class/> }.into_any()
    };
    let text = if class.is_empty() { "todo" } else { "medium" };
    let detail =
        if step.detail.is_empty() && !change.state.is_terminal() { to_come(change, &step.name) } else { words::sentence(&step.detail) };
    view! {
        <li class=class data-step=step.name.clone() data-state=step.state.clone()>
            {mark}
            <span class=text>{title(change, &step.name)}<span class="vh">{format!(", {said}")}</span></span>
            <span class="when">{when(&step, now)}</span>
            {(!detail.is_empty()).then(|| view! { <p class="why">{detail}</p> })}
        </li>
    }
    .into_any()
}

fn when(step: &Step, now: Time) -> Option<AnyView> {
    match (step.started, step.finished) {
        (Some(from), Some(to)) => Some(span(to.seconds_since(from)).into_any()),
        (Some(from), None) if step.state == "running" => Some(view! { <Elapsed since=from now=now/> }.into_any()),
        _ if step.state == "skipped" => Some("skipped".into_any()),
        _ => None,
    }
}

fn title(change: &Change, name: &str) -> String {
    match name {
        "plan" => "Plan".into(),
        "approval" => "Approval".into(),
        "check" => "Check again".into(),
        "write" => "Write".into(),
        "rollout" if change.plan.kind == Kind::RunJob => "Run".into(),
        "rollout" => format!("Roll out {}", words::count(change.plan.desired, "pod")),
        other => words::sentence(other).trim_end_matches('.').to_owned(),
    }
}

/// What a step that has not begun is going to do.
fn to_come(change: &Change, name: &str) -> String {
    let words = match name {
        "approval" => "Another person decides on exactly this plan",
        "check" => "The facts are gathered once more. Any difference ends this change with no write",
        "write" => return words::sentence(&change.plan.writes_in_words()),
        "rollout" if change.plan.kind == Kind::RunJob => "Watched until it has completed or failed",
        "rollout" => "Watched as kubectl watches it. Fails at once when a pod cannot start",
        _ => "",
    };
    words::sentence(words)
}
