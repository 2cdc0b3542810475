//! A change and a closed environment: that it waits, the glass that may be broken, and the review that follows.

use super::act::{action, kept};
use super::{Act, ChangeData};
use crate::parts::{ActButton, Icon, Notice, Panel, ReasonField, RelTime, Until, refused_hint};
use crate::{Viewer, links, words};
use domain::Time;
use domain::access::{Verb, authorize};
use domain::changes::{Change, Review, State};
use leptos::prelude::*;

/// It waits for votes or for its turn, and nothing lets it pass.
fn waits(change: &Change) -> bool {
    matches!(change.state, State::AwaitingApproval | State::Ready) && change.glass.is_none()
}

/// Its environment is closed: why, and until when.
pub(crate) fn closed(viewer: &Viewer, change: &Change) -> Option<AnyView> {
    if !waits(change) || change.plan.kind.passes_closing() {
        return None;
    }
    let then = if change.state == State::Ready { "This change is approved, and waits." } else { VOTED_ON };
    closed_notice(viewer, &change.plan.environment, then)
}

pub(crate) const VOTED_ON: &str = "It may be voted on, and waits then.";

/// Why an environment is closed, and until when; and what that means here.
pub(crate) fn closed_notice(viewer: &Viewer, environment: &str, then: &'static str) -> Option<AnyView> {
    let closed = viewer.closed(environment)?;
    let look = words::Look { class: "degraded", icon: "lock", word: "Closed", calm: false };
    Some(
        view! { <Notice look=look big=true><div data-testid="closed"><strong>{closed.why.clone()}</strong>" "{then}</div></Notice> }
            .into_any(),
    )
}

/// The way past votes and a closed environment, for those who may.
pub(super) fn break_glass(viewer: &Viewer, data: &ChangeData) -> Option<AnyView> {
    let change = &data.change;
    if !waits(change) || viewer.may_break_glass().is_err() {
        return None;
    }
    if let Some(place) = &change.plan.train {
        return Some(glass_of_train(&place.train));
    }
    let (value, error) = kept(&data.tried, &[Act::BreakGlass]);
    let open = data.tried.as_ref().is_some_and(|tried| tried.act == Act::BreakGlass);
    let place = viewer.environment_title(&change.plan.environment).to_owned();
    Some(
        view! {
            <div data-key="glass"><Panel id="h-glass" title="Break glass">
                <details class="more panel-body" open=open>
                    <summary><Icon name="down-chev"/>"It cannot wait"</summary>
                    <form class="stack-s" method="post" action=action(data, "break-glass")>
                        <input type="hidden" name="digest" value=change.digest.clone()/>
                        <p class="small">{format!("This skips missing votes, freezes and closed windows, and changes {place} now. A review opens that another person closes; it is overdue after 24 h.")}</p>
                        <ReasonField id="glass-reason" label="Why it cannot wait" value=value required=true error=error/>
                        <div class="actions"><ActButton label="Break glass" class="btn-danger"/></div>
                    </form>
                </details>
            </Panel></div>
        }
        .into_any(),
    )
}

/// The glass is broken for single changes only.
fn glass_of_train(train: &str) -> AnyView {
    view! {
        <div data-key="glass"><Panel id="h-glass" title="Break glass">
            <p class="panel-body small" data-testid="glass-of-train">"It goes with its train, which is decided on as a whole. If it cannot wait: "<a href=links::train(train)>"abort the train"</a>", ask for this one alone, and break the glass there."</p>
        </Panel></div>
    }
    .into_any()
}

/// What was said when the glass was broken, and what was found later.
pub(super) fn review(viewer: &Viewer, data: &ChangeData, now: Time) -> Option<AnyView> {
    let review = data.review.as_ref()?;
    let glass = &review.glass;
    let end = match review.closed_at {
        Some(at) => view! { <span class="muted">"closed "<RelTime at=at now=now/>" ago"</span> }.into_any(),
        None if review.is_overdue(now) => view! { <span class="pill down"><Icon name="down"/>"Overdue"</span> }.into_any(),
        None => view! { <span class="muted">"due in "<Until at=review.due_at now=now/></span> }.into_any(),
    };
    let found = review.note.clone().map(|note| {
        let by = words::person(review.closed_by.as_deref().unwrap_or_default());
        view! { <li class="healthy"><Icon name="healthy"/><div><span class="medium">{format!("{by} reviewed it")}</span><p class="why">{note}</p></div></li> }
    });
    Some(
        view! {
            <div id="review" data-key="review"><Panel id="h-review" title="Review of the broken glass" end=end>
                <ul class="checks" data-testid="review">
                    <li class="degraded"><Icon name="degraded"/><div><span class="medium">{format!("{} broke the glass", words::person(&glass.by))}</span>
                        <p class="why">{format!("“{}”, ", glass.reason)}<RelTime at=glass.at now=now/>" ago"</p></div></li>
                    {found}
                </ul>
                {close(viewer, data, review)}
            </Panel></div>
        }
        .into_any(),
    )
}

fn close(viewer: &Viewer, data: &ChangeData, review: &Review) -> Option<AnyView> {
    if review.closed_at.is_some() {
        return None;
    }
    let allowed = authorize(&viewer.actor, Verb::Decide).and_then(|allowed| review.may_close(allowed.person()));
    let refused = allowed.err();
    let why = refused.as_ref().map(ToString::to_string);
    let (value, error) = kept(&data.tried, &[Act::Review]);
    Some(
        view! {
            <form class="panel-body stack-s" method="post" action=action(data, "review")>
                <ReasonField id="review-note" label="What was found" value=value required=true hint="Whether it was right, and what must follow" error=error/>
                <div class="actions"><ActButton label="Close the review" class="btn-primary" refused=why/></div>
                {refused_hint(refused.as_ref())}
            </form>
        }
        .into_any(),
    )
}
