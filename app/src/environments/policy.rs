//! When an environment is open for changes: what closes it now, its windows, its freezes, and the forms to freeze and to lift.

use super::EnvironmentData;
use crate::parts::{ActButton, Icon, Notice, Panel, ReasonField, refused_hint};
use crate::{Viewer, links, words};
use domain::access::{Verb, authorize};
use domain::changes::freeze::{Freeze, Scope};
use domain::{Error, Time};
use engine::WindowView;
use leptos::prelude::*;

/// Closed now: why, and until when.
pub(super) fn closed(data: &EnvironmentData) -> Option<AnyView> {
    let closed = data.view.environment.closed.as_ref()?;
    let look = words::Look { class: "degraded", icon: "lock", word: "Closed", calm: false };
    Some(
        view! { <Notice look=look big=true><div data-testid="closed"><strong>{closed.why.clone()}</strong>" A rollback passes."</div></Notice> }
            .into_any(),
    )
}

pub(super) fn panel(viewer: &Viewer, data: &EnvironmentData, now: Time) -> AnyView {
    let end = match (&data.view.environment.closed, &data.policy.closes) {
        (Some(_), _) => "closed now".to_owned(),
        (None, Some(at)) => format!("open, closes {at}"),
        (None, None) => "open".to_owned(),
    };
    let freezes = data.freezes.iter().map(|freeze| row(viewer, data, freeze, now)).collect_view();
    let windows = data.policy.windows.iter().map(window).collect_view();
    let none = (data.freezes.is_empty() && data.policy.windows.is_empty())
        .then(|| view! { <p class="panel-body muted">"No freeze, and no windows: changes may be executed at any time."</p> });
    view! {
        <div id="freezes" data-key="freezes"><Panel id="h-open-for" title="Open for changes" end=view! { <span class="muted" data-testid="open-for">{end}</span> }.into_any()>
            <ul class="rows rows-s">{freezes}{windows}</ul>
            {none}
            {form(viewer, data)}
        </Panel></div>
    }
    .into_any()
}

fn window(window: &WindowView) -> AnyView {
    let what = if window.allows { "Allowed" } else { "Denied" };
    let now = window.now.then(|| view! { <span class="end"><span class="chip">"now"</span></span> });
    let reason = (!window.reason.is_empty()).then(|| format!(": {}", window.reason));
    view! {
        <li data-key=format!("window/{}", window.when)>
            <span class="lead"><Icon name="clock"/></span>
            <span class="grow">{format!("{what} {}", window.when)}<span class="small muted">{reason}</span></span>
            {now}
        </li>
    }
    .into_any()
}

/// `until Fri 27 Nov 2026 16:00 Europe/Berlin`
fn span(data: &EnvironmentData, freeze: &Freeze, now: Time) -> String {
    let zone = &data.policy.zone;
    let until = freeze.until.map_or_else(|| "until it is lifted".to_owned(), |until| format!("until {}", until.in_zone(zone)));
    if freeze.from > now { format!("from {} {until}", freeze.from.in_zone(zone)) } else { until }
}

fn row(viewer: &Viewer, data: &EnvironmentData, freeze: &Freeze, now: Time) -> AnyView {
    let scope = if freeze.scope == Scope::Production { "All production frozen" } else { "Frozen" };
    let refused = authorize(&viewer.actor, Verb::Decide).err().map(|why| why.to_string());
    let id = format!("lift-{}", freeze.id);
    view! {
        <li data-key=freeze.id.clone() data-testid="freeze">
            <span class="lead"><Icon name="lock"/></span>
            <span class="grow">
                <span class="medium">{format!("{scope} {}", span(data, freeze, now))}</span><br/>
                <span class="small muted">{format!("{}: {}", words::person(&freeze.by), freeze.reason)}</span>
            </span>
            <form class="end hold-form" method="post" action=format!("/freezes/{}/lift", links::encode(&freeze.id))>
                <input type="hidden" name="return_to" value=links::environment(&data.view.environment.name)/>
                <label class="vh" for=id.clone()>"Why it may be lifted"</label>
                <input class="input input-s" id=id name="reason" placeholder="Why it is over" maxlength="2000"/>
                <ActButton label="Lift freeze" class="btn-s" refused=refused about=format!("of {}", words::person(&freeze.by))/>
            </form>
        </li>
    }
    .into_any()
}

fn form(viewer: &Viewer, data: &EnvironmentData) -> AnyView {
    let env = &data.view.environment;
    let refused = authorize(&viewer.actor, Verb::Decide).err();
    let why = refused.as_ref().map(ToString::to_string);
    let tried = data.tried.as_ref();
    let invalid = |field: &str| match tried.map(|tried| &tried.error) {
        Some(Error::Invalid { field: at, why }) if at == field => Some(why.clone()),
        _ => None,
    };
    let all = tried.is_some_and(|tried| tried.production);
    let production = env.production.then(|| view! { <option value="production" selected=all>"All production environments"</option> });
    let zone = data.policy.zone.iana_name().unwrap_or("UTC").to_owned();
    let (until, until_error) = (tried.map(|tried| tried.until.clone()).unwrap_or_default(), invalid("until"));
    let until_class = if until_error.is_some() { "field field-error" } else { "field" };
    let other = tried.filter(|tried| !matches!(&tried.error, Error::Invalid { field, .. } if field == "reason" || field == "until"));
    let failed = other.map(|tried| view! { <Notice look=words::change(domain::changes::State::Failed) alert=true><div data-testid="tried"><strong>"Not frozen."</strong>" "{tried.error.to_string()}</div></Notice> });
    view! {
        <details class="more panel-body" open=tried.is_some()>
            <summary><Icon name="down-chev"/>"Freeze"</summary>
            <form class="stack-s" method="post" action="/freezes">
                {failed}
                <input type="hidden" name="environment" value=env.name.clone()/>
                <input type="hidden" name="key" value=data.key.clone()/>
                <p class="small muted">"Nothing but a rollback is executed until it ends or is lifted. What was approved waits, as long as its plan is good."</p>
                <div class="field">
                    <label for="freeze-scope">"What"</label>
                    <span class="select"><select class="input" id="freeze-scope" name="scope">
                        <option value="environment" selected=!all>{env.title.clone()}</option>{production}
                    </select><Icon name="down-chev"/></span>
                </div>
                <div class=until_class>
                    <label for="freeze-until">{format!("Until, {zone}")}</label>
                    <input class="input" id="freeze-until" name="until" type="datetime-local" value=until aria-describedby="freeze-until-hint"/>
                    <span class="hint" id="freeze-until-hint">"Left empty: until somebody lifts it"</span>
                    {until_error.map(|error| view! { <p class="error"><Icon name="down"/>{error}</p> })}
                </div>
                <ReasonField id="freeze-reason" label="Reason" value=tried.map(|tried| tried.reason.clone()).unwrap_or_default() required=true hint="Others read what they wait for" error=invalid("reason")/>
                <div class="actions"><ActButton label="Freeze now" class="btn-danger-quiet" refused=why/></div>
                {refused_hint(refused.as_ref())}
            </form>
        </details>
    }
    .into_any()
}
