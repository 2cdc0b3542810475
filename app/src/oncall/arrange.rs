//! Overrides and swaps: what is arranged, and the forms for more. What an override would change is said before it is saved.

use super::{OnCallData, OverrideForm, Shown, Who};
use crate::parts::{ActButton, Icon, Panel, ReasonField, choose, refused_hint};
use crate::{Viewer, words};
use domain::access::{Verb, authorize};
use domain::oncall::overrides::Swap;
use domain::oncall::{Override, Participant};
use domain::{Error, Time};
use leptos::prelude::*;

fn roles(shown: &Shown) -> Vec<(String, String)> {
    shown.now.roles.iter().map(|role| (role.role.clone(), words::sentence(&role.role).trim_end_matches('.').to_owned())).collect()
}

/// Whoever can take a role: the reader first, then people and teams.
fn everybody(viewer: &Viewer, data: &OnCallData) -> Vec<(String, String)> {
    let me = &viewer.actor.person;
    let mut all = Vec::new();
    if data.catalog.knows(&Participant::Person(me.name.clone())) {
        all.push((me.name.clone(), format!("{} (me)", me.title)));
    }
    all.extend(data.catalog.people().into_iter().filter(|person| person.name != me.name).map(|person| (person.name, person.title)));
    all.extend(
        data.catalog.teams.iter().filter(|team| !team.members.is_empty()).map(|team| (format!("team:{}", team.name), team.title.clone())),
    );
    all
}

fn refusal(viewer: &Viewer) -> Option<Error> {
    authorize(&viewer.actor, Verb::Respond).err()
}

fn hidden(data: &OnCallData, shown: &Shown) -> AnyView {
    view! {
        <input type="hidden" name="rotation" value=shown.held.rotation.name.clone()/>
        <input type="hidden" name="zone" value=data.asked.zone.clone()/>
    }
    .into_any()
}

fn error_text(error: Option<&Error>) -> Option<AnyView> {
    error.map(|error| view! { <p class="error-text" role="alert">{error.to_string()}</p> }.into_any())
}

fn moment(id: &'static str, name: &'static str, label: &'static str, value: &str) -> AnyView {
    let value = value.to_owned();
    view! { <div class="field"><label for=id>{label}</label><input class="input" id=id name=name type="datetime-local" required value=value/></div> }.into_any()
}

pub(super) fn form(viewer: &Viewer, data: &OnCallData, shown: &Shown) -> AnyView {
    let form: &OverrideForm = &data.asked.form;
    let refused = refusal(viewer);
    let why = refused.as_ref().map(ToString::to_string);
    let words = (!form.words.is_empty()).then(|| {
        let lines = form.words.iter().map(|line| view! { <li>{line.clone()}</li> }).collect_view();
        view! { <div class="notice preview" role="status" data-testid="preview"><ul>{lines}</ul></div> }
    });
    // Saving comes after looking.
    let save = (!form.words.is_empty())
        .then(|| view! { <button class="btn btn-primary" type="submit" name="step" value="save">"Save override"</button> });
    let look = match &why {
        None => view! { <button class="btn" type="submit" name="step" value="preview">"Preview"</button> }.into_any(),
        Some(_) => view! { <ActButton label="Preview" class="" refused=why/> }.into_any(),
    };
    let body = view! {
        <form class="panel-body stack-s" method="post" action="/on-call/overrides" aria-labelledby="h-override">
            {hidden(data, shown)}
            <div class="form-row">
                {choose("role", "Role", roles(shown), &form.role)}
                {choose("participant", "Who takes it", everybody(viewer, data), &form.participant)}
            </div>
            <div class="form-row">
                {moment("f-starts", "starts", "From", &form.starts)}
                {moment("f-ends", "ends", "Until", &form.ends)}
            </div>
            <p class="small muted">{format!("Times in {}.", shown.zone.name())}</p>
            <ReasonField id="f-override-reason" label="Reason" value=form.reason.clone()/>
            {error_text(data.told.override_error.as_ref())}
            {words}
            <div class="actions">{save}{look}</div>
            {refused_hint(refused.as_ref())}
        </form>
    }
    .into_any();
    view! { <div id="new-override"><Panel id="h-override" title="Take or give a shift">{body}</Panel></div> }.into_any()
}

pub(super) fn overrides(viewer: &Viewer, data: &OnCallData, shown: &Shown) -> AnyView {
    let count = shown.ahead.len() as i64;
    if count == 0 {
        return view! { <Panel id="h-over" title="Overrides"><p class="panel-body muted" data-testid="no-overrides">"Nothing is arranged: the rotation holds as it is."</p></Panel> }.into_any();
    }
    let rows = shown.ahead.iter().map(|o| row(viewer, data, shown, o)).collect_view();
    view! {
        <Panel id="h-over" title="Overrides" count=count>
            <table class="table table-stack table-top" aria-labelledby="h-over" data-testid="overrides">
                <thead><tr><th scope="col">"Who"</th><th scope="col">"Role"</th><th scope="col">"When"</th><th scope="col"><span class="vh">"Action"</span></th></tr></thead>
                <tbody>{rows}</tbody>
            </table>
        </Panel>
    }
    .into_any()
}

fn row(viewer: &Viewer, data: &OnCallData, shown: &Shown, o: &Override) -> AnyView {
    let about = format!("{} of {}", o.because().words(), shown.zone.words(o.starts));
    let reason = if o.reason.is_empty() { String::new() } else { format!(": {}", o.reason) };
    let said = format!("{} by {}{reason}", o.because().words(), words::person(&o.by));
    let refused = refusal(viewer).map(|why| why.to_string());
    view! {
        <tr data-key=o.id.clone()>
            <th scope="row"><Who catalog=&data.catalog participant=&o.participant/><br/><span class="small muted">{said}</span></th>
            <td data-label="Role">{o.role.clone()}</td>
            <td data-label="When"><span>{shown.zone.words(o.starts)}<br/>"to "{shown.zone.words(o.ends)}</span></td>
            <td class="num">
                <form method="post" action=format!("/on-call/overrides/{}/undo", o.id)>
                    {hidden(data, shown)}
                    <ActButton label="Undo" class="btn-s" refused=refused about=about/>
                </form>
            </td>
        </tr>
    }
    .into_any()
}

pub(super) fn offers(viewer: &Viewer, data: &OnCallData, shown: &Shown) -> Option<AnyView> {
    if shown.swaps.is_empty() {
        return None;
    }
    let rows = shown.swaps.iter().map(|swap| offer(viewer, data, shown, swap)).collect_view();
    Some(view! { <Panel id="h-swaps" title="Swaps offered" count=shown.swaps.len() as i64><ul class="rows" data-testid="swaps">{rows}</ul></Panel> }.into_any())
}

fn offer(viewer: &Viewer, data: &OnCallData, shown: &Shown, swap: &Swap) -> AnyView {
    let span = |starts: Time, ends: Time| format!("{} to {}", shown.zone.words(starts), shown.zone.words(ends));
    let me = &viewer.actor.person.name;
    let asked = data.catalog.people_of(&swap.with).contains(me) && swap.by != *me;
    let act = |what: &'static str, label: &'static str, class: &'static str| {
        view! {
            <form method="post" action=format!("/on-call/swaps/{}/{what}", swap.id)>
                {hidden(data, shown)}
                <ActButton label=label class=class about=format!("the swap of {}", words::person(&swap.by))/>
            </form>
        }
    };
    let acts = if asked {
        view! { {act("accept", "Accept", "btn-s btn-primary")}{act("decline", "Decline", "btn-s")} }.into_any()
    } else if swap.by == *me {
        view! { {act("withdraw", "Take back", "btn-s")} }.into_any()
    } else {
        view! { <span class="small muted">"waits for an answer"</span> }.into_any()
    };
    view! {
        <li data-key=swap.id.clone()>
            <span class="grow">
                {format!("{} gives {} {}", words::person(&swap.by), swap.role, span(swap.give.starts, swap.give.ends))}<br/>
                <span class="small muted">{format!("for {} of {}", span(swap.take.starts, swap.take.ends), data.catalog.title_of(&swap.with))}</span>
            </span>
            <span class="end">{acts}</span>
        </li>
    }
    .into_any()
}

pub(super) fn swap_form(viewer: &Viewer, data: &OnCallData, shown: &Shown) -> AnyView {
    let refused = refusal(viewer).map(|why| why.to_string());
    let error = data.told.swap_error.as_ref();
    view! {
        <section class="panel">
            <details class="more panel-body" open=error.is_some()>
                <summary><Icon name="down-chev"/>"Offer a swap"</summary>
                <form class="stack-s" method="post" action="/on-call/swaps" aria-label="Offer a swap">
                    {hidden(data, shown)}
                    <p class="small muted">{format!("Nothing changes until the other side accepts. Times in {}.", shown.zone.name())}</p>
                    <div class="form-row">{choose("swap_role", "Role", roles(shown), "")}{choose("with", "With", everybody(viewer, data), "")}</div>
                    <div class="form-row">{moment("f-give-starts", "give_starts", "I give, from", "")}{moment("f-give-ends", "give_ends", "until", "")}</div>
                    <div class="form-row">{moment("f-take-starts", "take_starts", "I take, from", "")}{moment("f-take-ends", "take_ends", "until", "")}</div>
                    {error_text(error)}
                    <div class="actions"><ActButton label="Offer swap" class="" refused=refused/></div>
                </form>
            </details>
        </section>
    }
    .into_any()
}
