//! What is closed for changes now, and broken glasses that nobody has reviewed yet.

use crate::parts::{Icon, Notice, StateIcon, Until};
use crate::{Viewer, links, words};
use domain::Time;
use domain::changes::{Review, State};
use leptos::prelude::*;

/// One notice for each environment that is closed.
pub(super) fn notices(viewer: &Viewer) -> AnyView {
    let closed = viewer.environments.iter().filter_map(|env| Some((&env.head, env.head.closed.as_ref()?)));
    let each = closed.map(|(head, closed)| {
        let look = words::Look { class: "degraded", icon: "lock", word: "Closed", calm: false };
        view! {
            <div data-key=format!("closed/{}", head.name) data-testid="closed" data-say=closed.why.clone()>
                <Notice look=look><div>{closed.why.clone()}" "<a href=format!("{}#freezes", links::environment(&head.name))>"Details"<span class="vh">{format!(" of {}", head.title)}</span></a></div></Notice>
            </div>
        }
    });
    each.collect_view().into_any()
}

/// A review that is open: it stays on everybody's home until it is closed.
pub(super) fn review(viewer: &Viewer, review: &Review, now: Time) -> AnyView {
    let overdue = review.is_overdue(now);
    let late = now.seconds_since(review.due_at);
    let title = if overdue {
        format!("Break-glass review overdue by {}", domain::time::age(late))
    } else {
        "Break-glass review is open".to_owned()
    };
    let due = (!overdue).then(|| view! { " · due in "<Until at=review.due_at now=now/> });
    let href = format!("{}#review", links::change(&review.label));
    let lead = if overdue {
        view! { <StateIcon look=words::change(State::Failed)/> }.into_any()
    } else {
        view! { <Icon name="lock"/> }.into_any()
    };
    let button = if review.may_close(&viewer.actor.person).is_ok() { "Write review" } else { "Open" };
    view! {
        <li data-key=format!("review/{}", review.id) data-testid="open-review">
            <span class="lead">{lead}</span>
            <span class="grow">
                <a class="table-link" href=href.clone()>{title}</a><br/>
                <span class="small muted">{format!("{}, {}, by {}", review.label, review.summary, words::person(&review.glass.by))}{due}</span>
            </span>
            <span class="end"><a class="btn btn-s" href=href>{button}<span class="vh">{format!(" of {}", review.label)}</span></a></span>
        </li>
    }
    .into_any()
}
