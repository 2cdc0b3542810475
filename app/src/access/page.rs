//! The page to sign in on: with `--demo` one button for each person, otherwise a field for an API token.

use super::SignInData;
use crate::parts::Notice;
use crate::{Site, words};
use domain::access::{Person, Role};
use leptos::prelude::*;

pub(crate) fn page(site: &Site, data: &SignInData) -> AnyView {
    let error = data.error.as_ref().map(|error| {
        view! { <Notice look=words::change(domain::changes::State::Failed) alert=true><div><strong>"Not signed in."</strong>" "{error.to_string()}</div></Notice> }
    });
    let form = if data.people.is_empty() { token_form(data) } else { people_form(data) };
    let demo = site.demo.then(|| view! { <span class="chip chip-demo">"Demo cluster"</span> });
    view! {
        <div class="sign-in">
            <div class="title"><h1>"Sign in to DevMatrix Portal"</h1>{demo}</div>
            <p class="muted">{site.organisation.clone()}</p>
            {error}
            <section class="panel" aria-label="Sign in">{form}</section>
        </div>
    }
    .into_any()
}

fn token_form(data: &SignInData) -> AnyView {
    let invalid = data.error.is_some().then_some("true");
    view! {
        <form class="panel-body stack" method="post" action="/sign-in">
            <input type="hidden" name="return_to" value=data.return_to.clone()/>
            <div class="field">
                <label for="token">"API token"</label>
                <input class="input" id="token" name="token" type="password" autocomplete="off" required=true aria-invalid=invalid aria-describedby="token-hint"/>
                <span class="hint" id="token-hint">"An administrator makes one with "<code>"devmatrix token create"</code></span>
            </div>
            <div class="actions"><button class="btn btn-primary" type="submit">"Sign in"</button></div>
        </form>
    }
    .into_any()
}

fn people_form(data: &SignInData) -> AnyView {
    let people = data.people.iter().map(person).collect_view();
    view! {
        <form method="post" action="/sign-in">
            <input type="hidden" name="return_to" value=data.return_to.clone()/>
            <ul class="people">{people}</ul>
        </form>
        <p class="panel-foot">"Made-up people: choose whom to be. Ask for a change as one and approve it as another."</p>
    }
    .into_any()
}

fn person(person: &Person) -> impl IntoView + use<> {
    let roles: Vec<_> =
        person.roles.iter().filter(|role| **role != Role::Viewer || person.roles.len() == 1).map(|role| may(*role).to_owned()).collect();
    let teams = person.teams.join(", ");
    view! {
        <li><button type="submit" name="person" value=person.name.clone()>
            <span class="avatar" aria-hidden="true">{person.initials()}</span>
            <span class="grow"><strong>{person.title.clone()}</strong><span class="small muted">{format!(" {teams}")}</span></span>
            <span class="small muted">{words::list(&roles)}</span>
        </button></li>
    }
}

fn may(role: Role) -> &'static str {
    match role {
        Role::Viewer => "reads",
        Role::Deployer => "asks",
        Role::Approver => "decides",
        Role::Admin => "administers",
    }
}
