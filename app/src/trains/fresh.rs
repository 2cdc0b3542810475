//! The page before a train: what could go together, and the plans that would be made now. Asking for them is the one button here.

use super::{Candidate, NewTrainData};
use crate::parts::{Diff, Icon, Notice, PageHead, Panel, ReasonField};
use crate::{links, words};
use domain::Error;
use domain::changes::{Plan, State};
use leptos::prelude::*;

pub(crate) fn page(data: &NewTrainData) -> AnyView {
    let title = format!("Promote several to {}", data.environment_title);
    let meta = "Nothing has happened yet. All of it is decided on together, and goes one after another.";
    let crumb = Some((("Changes", "/changes"), "New train".to_owned()));
    view! {
        <PageHead title=title crumb=crumb meta=Some(view! { <span>{meta}</span> }.into_any())/>
        {failed(data)}
        <div class="split">
            <Panel id="h-choose" title="What goes along" class="main" sub=format!("from {}", data.from_title)>{choose(data)}</Panel>
            <div class="aside"><Panel id="h-ask" title="Ask for it">{ask(data)}</Panel></div>
            {plans(data)}
        </div>
    }
    .into_any()
}

/// Why the form that was sent made no train.
fn failed(data: &NewTrainData) -> Option<AnyView> {
    let error = data.error.as_ref()?;
    let look = words::change(State::Failed);
    Some(view! { <Notice look=look alert=true><div data-testid="tried"><strong>"No train was made."</strong>" "{error.to_string()}</div></Notice> }.into_any())
}

fn choose(data: &NewTrainData) -> AnyView {
    if data.candidates.is_empty() {
        return view! { <p class="panel-body muted">"No component is declared, so there is nothing to promote."</p> }.into_any();
    }
    let rows = data.candidates.iter().map(candidate).collect_view();
    view! {
        <form method="get" action="/trains/new">
            <input type="hidden" name="environment" value=data.wanted.environment.clone()/>
            <input type="hidden" name="chosen" value="1"/>
            <ul class="rows rows-s">{rows}</ul>
            <div class="panel-foot"><button class="btn" type="submit">"Show the plans"</button></div>
        </form>
    }
    .into_any()
}

fn candidate(one: &Candidate) -> AnyView {
    let says = match (one.here == one.there, one.behind) {
        (_, true) => format!("{} → {}", one.here, one.there),
        (true, false) => format!("{} on both sides", one.here),
        (false, false) => format!("{} here, {} there", one.here, one.there),
    };
    view! {
        <li data-key=one.name.clone()>
            <label class="check grow"><input type="checkbox" name="component" value=one.name.clone() checked=one.chosen/>{one.title.clone()}</label>
            <span class="end small muted">{says}</span>
        </li>
    }
    .into_any()
}

fn plans(data: &NewTrainData) -> AnyView {
    let plans = match &data.plans {
        Ok(plans) => plans,
        Err(_) => return ().into_any(),
    };
    let each = plans.iter().enumerate().map(|(at, (title, plan))| match plan {
        Ok(plan) => planned(at, plan),
        Err(error) => refused(at, title, error),
    });
    view! {
        <Panel id="h-plans" title="Plans" sub="in the order of their turns: what others depend on goes first" class="main">
            <ol class="turns" data-testid="turns">{each.collect_view()}</ol>
        </Panel>
    }
    .into_any()
}

fn planned(at: usize, plan: &Plan) -> AnyView {
    view! {
        <li data-key=plan.component.clone() data-component=plan.component.clone()>
            <span class="turn">{at + 1}</span>
            <div class="grow stack-s"><h3>{plan.summary.clone()}</h3>{details(plan)}</div>
        </li>
    }
    .into_any()
}

/// A plan in words, its warnings and its diff.
pub(super) fn details(plan: &Plan) -> AnyView {
    let lines = plan.words.iter().map(|word| view! { <li><span class="k">{word.what.clone()}</span><span>{word.text.clone()}</span></li> });
    let look = words::Look { class: "degraded", icon: "degraded", word: "Warning", calm: false };
    let warnings = plan.gates.iter().filter(|gate| gate.state != "pass").map(|gate| {
        view! { <Notice look=look><div><strong>{format!("{}.", gate.title)}</strong>" "{words::sentence(&gate.detail)}</div></Notice> }
    });
    view! {
        {warnings.collect_view()}
        <details class="more">
            <summary><Icon name="down-chev"/>"Plan and diff "<span class="diffstat"><span class="a">{format!("+{}", plan.diff.added)}</span>" "<span class="d">{format!("−{}", plan.diff.removed)}</span></span></summary>
            <ul class="words">{lines.collect_view()}</ul>
            <div class="well"><Diff unified=plan.diff.unified.clone() caption=format!("Diff of {}", plan.component)/></div>
        </details>
    }
    .into_any()
}

fn refused(at: usize, title: &str, error: &Error) -> AnyView {
    let look = words::Look { class: "degraded", icon: "degraded", word: "Refused", calm: false };
    view! {
        <li data-key=title.to_owned()>
            <span class="turn">{at + 1}</span>
            <div class="grow stack-s"><h3>{title.to_owned()}</h3>
            <Notice look=look><div data-testid="refused" data-code=error.code().to_owned()><strong>"There is no plan for this."</strong>" "{error.to_string()}</div></Notice></div>
        </li>
    }
    .into_any()
}

fn ask(data: &NewTrainData) -> AnyView {
    let plans = match &data.plans {
        Ok(plans) => plans,
        Err(error) => return view! { <p class="panel-body muted" data-testid="no-plans">{nothing(data, error)}</p> }.into_any(),
    };
    let bad = plans.iter().filter(|(_, plan)| plan.is_err()).count() as i64;
    if bad > 0 {
        let has = if bad == 1 { "One of these has no plan." } else { "Some of these have no plan." };
        return view! { <p class="panel-body muted">{has}" Take out what is refused, then look at the plans again."</p> }.into_any();
    }
    form(data, plans)
}

fn nothing(data: &NewTrainData, error: &Error) -> String {
    match error {
        Error::Invalid { .. } if data.wanted.components.is_empty() && !data.wanted.chosen => {
            format!("Nothing is behind {}: there is nothing to promote.", data.from_title)
        }
        Error::Invalid { .. } if data.wanted.components.is_empty() => "Choose what goes along.".to_owned(),
        error => error.to_string(),
    }
}

fn form(data: &NewTrainData, plans: &[(String, domain::Result<Plan>)]) -> AnyView {
    let wanted = &data.wanted;
    let components =
        wanted.components.iter().map(|name| view! { <input type="hidden" name="component" value=name.clone()/> }).collect_view();
    let invalid = match &data.error {
        Some(Error::Invalid { field, why }) if field == "reason" => Some(why.clone()),
        _ => None,
    };
    let asks = plans.iter().any(|(_, plan)| plan.as_ref().is_ok_and(|plan| plan.approval.is_some()));
    let label = if asks { "Ask for approval".to_owned() } else { format!("Promote {}", words::count(plans.len() as i64, "component")) };
    view! {
        <form class="panel-body stack-s" method="post" action="/trains/new">
            <input type="hidden" name="environment" value=wanted.environment.clone()/>
            <input type="hidden" name="from" value=wanted.from.clone()/>
            {components}
            <input type="hidden" name="key" value=data.key.clone()/>
            <ReasonField id="reason" label="Reason" value=wanted.reason.clone() hint="Others read it when they decide, and later" error=invalid/>
            <p class="small muted">"The first that ends badly stops those that have not begun."</p>
            <div class="actions"><button class="btn btn-primary" type="submit">{label}</button><a class="btn btn-ghost" href=links::environment(&wanted.environment)>"Cancel"</a></div>
        </form>
    }
    .into_any()
}
