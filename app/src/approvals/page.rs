//! The queue: each change that may be decided here, with its plan in a sentence, its warnings and its diff. The form
//! carries the digest of the plan that is shown: a vote is for that plan and for nothing else.

use super::ApprovalsData;
use crate::changes::{VOTED_ON, closed_for, closed_notice};
use crate::parts::{ActButton, Diff, Icon, Notice, PageHead, RelTime, StatePill, Until};
use crate::{Viewer, links, words};
use domain::Time;
use domain::access::{Verb, authorize};
use domain::changes::{Change, Train, VoteKind};
use leptos::prelude::*;

pub(crate) fn page(viewer: &Viewer, data: &ApprovalsData, now: Time) -> AnyView {
    let waiting = (data.waiting.len() + data.trains.len()) as i64;
    let text = match waiting {
        0 => "Nothing waits for your vote".to_owned(),
        1 => "1 waits for your vote".to_owned(),
        n => format!("{n} wait for your vote"),
    };
    let meta = view! { <span>{text}</span> }.into_any();
    let cards = data.waiting.iter().map(|change| card(viewer, change, now)).collect_view();
    view! {
        <PageHead title="Approvals" meta=Some(meta)/>
        {(waiting == 0).then(|| nothing(viewer))}
        {data.trains.iter().map(|train| train_card(viewer, train, now)).collect_view()}
        {cards}
        {others(&data.others, now)}
    }
    .into_any()
}

fn nothing(viewer: &Viewer) -> AnyView {
    let hint = match authorize(&viewer.actor, Verb::Decide) {
        Ok(_) => "Changes that others ask for, and that your teams decide on, will stand here with their diff.".to_owned(),
        Err(why) => why.to_string(),
    };
    view! {
        <section class="panel"><div class="empty"><Icon name="healthy"/><h2>"Nothing waits for you."</h2><p>{hint}</p>
        <div class="actions"><a class="btn" href="/changes">"All changes"</a></div></div></section>
    }
    .into_any()
}

fn card(viewer: &Viewer, change: &Change, now: Time) -> AnyView {
    let (label, plan) = (change.label(), &change.plan);
    let (heading, href) = (format!("a-{label}"), links::change(&label));
    let warnings = plan.gates.iter().filter(|gate| gate.state != "pass").map(|gate| {
        let look = words::Look { class: "degraded", icon: "degraded", word: "Warning", calm: false };
        view! { <Notice look=look><div><strong>{format!("{}.", gate.title)}</strong>" "{words::sentence(&gate.detail)}</div></Notice> }
    });
    let words_of = plan.words.iter().filter(|word| word.what != "Target").map(|word| {
        view! { <li><span class="k">{word.what.clone()}</span><span>{word.text.clone()}</span></li> }
    });
    let reason =
        (!plan.reason.is_empty()).then(|| view! { <li><span class="k">"Reason"</span><span>{format!("“{}”", plan.reason)}</span></li> });
    view! {
        <section class="panel" aria-labelledby=heading.clone() data-key=label.clone() data-testid="approval">
            <div class="panel-head panel-head-big">
                <div class="grow">
                    <h2 id=heading.clone()><a class="plain" href=href.clone()>{change.summary().to_owned()}</a></h2>
                    <p class="small muted">{format!("{label} · {} · asked ", words::person(&plan.requester))}<RelTime at=change.requested_at now=now/>" ago"</p>
                </div>
                <div class="end"><StatePill look=words::state_of(change)/></div>
            </div>
            <div class="panel-body stack-s">
                <ul class="words">{words_of.collect_view()}{reason}</ul>
                {warnings.collect_view()}
                {closed_for(viewer, change)}
                <details class="more">
                    <summary><Icon name="down-chev"/>"Diff "<span class="diffstat"><span class="a">{format!("+{}", plan.diff.added)}</span>" "<span class="d">{format!("−{}", plan.diff.removed)}</span></span></summary>
                    <div class="well"><Diff unified=plan.diff.unified.clone() caption=format!("Diff of {label}")/></div>
                </details>
            </div>
            {decide(change, href, now)}
        </section>
    }
    .into_any()
}

/// A train is decided on where all its plans stand.
fn train_card(viewer: &Viewer, train: &Train, now: Time) -> AnyView {
    let (label, href) = (train.label(), links::train(&train.label()));
    let heading = format!("a-{label}");
    let each = train
        .changes
        .iter()
        .map(|change| view! { <li><span class="k">{change.label()}</span><span>{change.summary().to_owned()}</span></li> });
    let title = train.summary(viewer.environment_title(&train.environment));
    view! {
        <section class="panel" aria-labelledby=heading.clone() data-key=label.clone() data-testid="approval">
            <div class="panel-head panel-head-big">
                <div class="grow">
                    <h2 id=heading.clone()><a class="plain" href=href.clone()>{title.clone()}</a></h2>
                    <p class="small muted">{format!("{label} · {} · asked ", words::person(&train.requester))}<RelTime at=train.requested_at now=now/>" ago"</p>
                </div>
                <div class="end"><StatePill look=words::change(train.state())/></div>
            </div>
            <div class="panel-body stack-s"><ul class="words">{each.collect_view()}</ul>{closed_notice(viewer, &train.environment, VOTED_ON)}</div>
            <div class="panel-foot foot-act">
                <span>"decided on together · expires in "<Until at=train.valid_until() now=now/></span>
                <div class="actions end"><a class="btn btn-primary" href=href>"Review all plans"<span class="vh">{format!(" of {title}")}</span></a></div>
            </div>
        </section>
    }
    .into_any()
}

fn decide(change: &Change, href: String, now: Time) -> AnyView {
    let about = change.summary().to_owned();
    let action = |what: &str| format!("{}/{what}", links::change(&change.label()));
    view! {
        <div class="panel-foot foot-act">
            <span>{votes(change)}" · expires in "<Until at=change.plan.valid_until now=now/></span>
            <div class="actions end">
                <a class="btn" href=href.clone()>"Open"<span class="vh">{format!(" {about}")}</span></a>
                <a class="btn" href=format!("{href}#decide")>"Reject"<span class="vh">{format!(" {about}")}</span></a>
                <form method="post" action=action("approve")>
                    <input type="hidden" name="digest" value=change.digest.clone()/>
                    <input type="hidden" name="reason" value=""/>
                    <ActButton label="Approve" class="btn-primary" about=about/>
                </form>
            </div>
        </div>
    }
    .into_any()
}

/// `0 of 1 vote`
pub(crate) fn votes(change: &Change) -> String {
    let needed: i64 = change.plan.approval.as_ref().map_or(0, |approval| approval.rules.iter().map(|rule| rule.needed).sum());
    let got = change.votes.iter().filter(|vote| vote.vote == VoteKind::Approve).count() as i64;
    format!("{got} of {}", words::count(needed, "vote"))
}

fn others(changes: &[Change], now: Time) -> Option<AnyView> {
    if changes.is_empty() {
        return None;
    }
    let rows = changes.iter().map(|change| {
        view! {
            <li data-key=change.label()>
                <span class="grow"><a class="table-link" href=links::change(&change.label())>{change.summary().to_owned()}</a><br/>
                <span class="small muted">{format!("{} · {} · asked ", change.label(), words::person(&change.plan.requester))}<RelTime at=change.requested_at now=now/>" ago"</span></span>
                <span class="end small muted">{votes(change)}</span>
            </li>
        }
    });
    Some(view! { <crate::parts::Panel id="h-others" title="Waiting for others" count=changes.len() as i64><ul class="rows">{rows.collect_view()}</ul></crate::parts::Panel> }.into_any())
}
