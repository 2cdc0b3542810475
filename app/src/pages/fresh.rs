//! The form that pages somebody.

use super::NewPageData;
use crate::parts::{ActButton, Notice, PageHead, Panel, ReasonField, choose, refused_hint};
use crate::{Viewer, words};
use domain::Error;
use domain::access::{Verb, authorize};
use domain::oncall::Participant;
use leptos::prelude::*;

pub(crate) fn page(viewer: &Viewer, data: &NewPageData) -> AnyView {
    let demo = data.demo.then(|| {
        let look = words::Look { class: "paused", icon: "paused", word: "Demo", calm: false };
        view! { <Notice look=look><div data-testid="demo">"Demo: nothing will be sent. The page is stored and shown, and wakes nobody."</div></Notice> }
    });
    view! {
        <PageHead title="Page somebody" crumb=Some((("On-call", "/on-call"), "New page".to_owned()))/>
        {demo}
        <Panel id="h-page" title="Page" sub="over every channel that reaches them">{form(viewer, data)}</Panel>
    }
    .into_any()
}

fn form(viewer: &Viewer, data: &NewPageData) -> AnyView {
    let refused = authorize(&viewer.actor, Verb::Respond).err();
    let why = refused.as_ref().map(ToString::to_string);
    let (reason_error, other) = match &data.error {
        Some(Error::Invalid { field, why }) if field == "reason" => (Some(why.clone()), None),
        Some(error) => (None, Some(error)),
        None => (None, None),
    };
    let other = other.map(|error| {
        view! { <p class="error-text" role="alert" data-code=error.code().to_owned()>{error.to_string()}</p> }
    });
    let mut incidents = vec![(String::new(), "None".to_owned())];
    incidents.extend(data.incidents.iter().map(|one| (one.label.clone(), format!("{} {}: {}", one.label, one.severity, one.title))));
    let form = &data.form;
    view! {
        <form class="panel-body stack-s" method="post" action="/pages/new" aria-labelledby="h-page">
            <input type="hidden" name="key" value=data.key.clone()/>
            <div class="form-row">
                {choose("to", "Whom", whom(data), &form.to)}
                {choose("incident", "Incident", incidents, &form.incident)}
            </div>
            <ReasonField id="reason" label="Reason" value=form.reason.clone() required=true hint="Whoever is woken reads it first" error=reason_error/>
            {other}
            <div class="actions"><ActButton label="Page now" class="btn-primary" refused=why/><a class="btn btn-ghost" href="/on-call">"Cancel"</a></div>
            {refused_hint(refused.as_ref())}
        </form>
    }
    .into_any()
}

/// Roles with whoever holds them now, then everybody by name.
fn whom(data: &NewPageData) -> Vec<(String, String)> {
    let catalog = &data.catalog;
    let mut all = Vec::new();
    for found in &data.on_call {
        for role in &found.roles {
            let holder = role.participant.as_ref().map_or("nobody".to_owned(), |holder| catalog.title_of(holder));
            let rotation = catalog.rotation(&found.rotation).map_or(found.rotation.clone(), |rotation| rotation.title.clone());
            all.push((format!("on-call:{}/{}", found.rotation, role.role), format!("{rotation}, {} now: {holder}", role.role)));
        }
    }
    for person in catalog.people() {
        let title = catalog.title_of(&Participant::Person(person.name.clone()));
        let none = if catalog.is_reached(&person.name) { "" } else { " (no channel reaches them)" };
        all.push((person.name, format!("{title}{none}")));
    }
    // What an address names and nobody has is shown, and refused when it is sent.
    if !data.form.to.is_empty() && !all.iter().any(|(value, _)| *value == data.form.to) {
        all.insert(0, (data.form.to.clone(), data.form.to.clone()));
    }
    all
}
