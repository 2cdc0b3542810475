//! The small parts that pages are made of. Each is a pure view of its arguments.

mod bar;
mod checks;
mod diff;
mod form;
mod gap;
mod lead;
mod matrix;
mod said;
mod tables;

pub use bar::{RolloutBar, RolloutFigures, pods_of};
pub use checks::{GateList, StepList, VoteList, may_vote};
pub use diff::Diff;
pub use form::{ActButton, ReasonField, TextField, choose, refused_hint};
pub use gap::{Gap, gap_of, may_ask};
pub use lead::PageHead;
pub use matrix::MatrixTable;
pub use said::{PodSaidView, visible};
pub use tables::{DeploymentTable, PodTable};

use crate::words::Look;
use domain::Time;
use leptos::children::ToChildren;
use leptos::prelude::*;

/// What stands inside a part, made at once: it may borrow from the page's data, as a page is rendered in one go.
pub struct Inside(AnyView);

impl<F, C> ToChildren<F> for Inside
where
    F: FnOnce() -> C,
    C: RenderHtml + Send + 'static,
{
    fn to_children(f: F) -> Self {
        Inside(f().into_any())
    }
}

/// A symbol of the sprite, hidden from assistive technology: a word always stands beside it.
#[component]
pub fn Icon(name: &'static str, #[prop(default = "i")] class: &'static str) -> impl IntoView {
    view! { <svg class=class aria-hidden="true"><use href=format!("#i-{name}")></use></svg> }
}

/// The icon of a state on its own.
#[component]
pub fn StateIcon(look: Look) -> impl IntoView {
    view! { <svg class=format!("st-icon {}", look.class) aria-hidden="true"><use href=format!("#i-{}", look.icon)></use></svg> }
}

/// Icon and word of a state. `quiet` leaves the ground away where all is well.
#[component]
pub fn StatePill(look: Look, #[prop(optional)] quiet: bool, #[prop(optional, into)] word: Option<String>) -> impl IntoView {
    let class = format!("pill {}{}", look.class, if quiet && look.calm { " quiet" } else { "" });
    view! { <span class=class><Icon name=look.icon/>{word.unwrap_or_else(|| look.word.to_owned())}</span> }
}

/// `3 h`, with the exact moment on hover. The browser keeps it true.
#[component]
pub fn RelTime(at: Time, now: Time) -> impl IntoView {
    view! { <time datetime=at.to_string() title=at.for_people()>{domain::time::age(now.seconds_since(at))}</time> }
}

/// `3 min 04 s`, counted on by the browser while something runs.
#[component]
pub fn Elapsed(since: Time, now: Time) -> impl IntoView {
    view! { <time data-w="span" datetime=since.to_string() title=since.for_people()>{domain::time::span(now.seconds_since(since))}</time> }
}

/// `23 h`: how long until then.
#[component]
pub fn Until(at: Time, now: Time) -> impl IntoView {
    view! { <time data-w="left" datetime=at.to_string() title=at.for_people()>{domain::time::age(at.seconds_since(now))}</time> }
}

/// A sentence or two that must be seen. `look` brings colour and icon.
#[component]
pub fn Notice(look: Look, #[prop(optional)] big: bool, #[prop(optional)] alert: bool, children: Inside) -> impl IntoView {
    let class = format!("notice {}{}", look.class, if big { " notice-big" } else { "" });
    view! { <div class=class role=alert.then_some("alert")><Icon name=look.icon/>{children.0}</div> }
}

/// A panel with its heading; `end` stands at the right of the heading.
#[component]
pub fn Panel(
    id: &'static str,
    #[prop(into)] title: String,
    #[prop(optional, into)] sub: Option<String>,
    #[prop(optional)] count: Option<i64>,
    #[prop(optional)] end: Option<AnyView>,
    #[prop(optional)] class: &'static str,
    children: Inside,
) -> impl IntoView {
    view! {
        <section class=format!("panel {class}").trim_end().to_owned() aria-labelledby=id data-key=id>
            <div class="panel-head">
                <h2 id=id>{title}</h2>
                {count.map(|count| view! { <span class="count">{count}</span> })}
                {sub.map(|sub| view! { <span class="sub">{sub}</span> })}
                {end.map(|end| view! { <div class="end">{end}</div> })}
            </div>
            {children.0}
        </section>
    }
}
