//! Names of those on call: with the team's colour, its people, and how to reach them with one click.

use crate::parts::Panel;
use crate::{links, words};
use domain::catalog::Catalog;
use domain::oncall::Participant;
use domain::oncall::view::{OnCallView, RoleView};
use domain::zone::Zone;
use leptos::prelude::*;

/// The hue of a team, always the same and never without its name. A person has that of the first team.
pub(crate) fn team_class(catalog: &Catalog, participant: &Participant) -> &'static str {
    const HUES: [&str; 3] = ["team-1", "team-2", "team-3"];
    let at = catalog.teams.iter().position(|team| match participant {
        Participant::Team(name) => team.name == *name,
        Participant::Person(name) => team.members.contains(name),
    });
    HUES[at.unwrap_or(0) % HUES.len()]
}

/// `DevOps Team`, with its colour.
#[component]
pub(crate) fn Who<'a>(catalog: &'a Catalog, participant: &'a Participant) -> impl IntoView {
    view! { <span class=format!("team {}", team_class(catalog, participant))>{catalog.title_of(participant)}</span> }
}

/// `DevOps` for `DevOps Team`: where there is little room.
pub(super) fn short(catalog: &Catalog, participant: &Participant) -> String {
    let title = catalog.title_of(participant);
    title.strip_suffix(" Team").map_or(title.clone(), str::to_owned)
}

/// How to reach people is shown beside them. `incident`: the label of the one that they would be called about.
#[derive(Clone, Copy, Default)]
pub(super) struct Contacts<'a> {
    incident: Option<&'a str>,
}

/// The people behind a role, in the order in which they are called; the reader is told so.
pub(super) fn people(catalog: &Catalog, people: &[String], reader: &str, contacts: Option<Contacts<'_>>) -> AnyView {
    if people.is_empty() {
        return view! { <p class="muted">"Nobody"</p> }.into_any();
    }
    let each = people.iter().map(|name| {
        let title = catalog.title_of(&Participant::Person(name.clone()));
        let you = if name == reader { " (you)" } else { "" };
        view! { <li><span>{format!("{title}{you}")}</span>{contacts.map(|about| reach(catalog, name, &title, about.incident))}</li> }
    });
    view! { <ul class="people">{each.collect_view()}</ul> }.into_any()
}

/// One click to page, to call or to write.
pub(crate) fn reach(catalog: &Catalog, name: &str, title: &str, incident: Option<&str>) -> AnyView {
    let link = |href: String, what: &'static str| {
        view! { <a class="btn btn-s" href=href>{what}<span class="vh">{format!(" {title}")}</span></a> }
    };
    let digits = |phone: &String| phone.chars().filter(|c| !c.is_whitespace()).collect::<String>();
    let contact = catalog.contact(name);
    let page = match catalog.is_reached(name) {
        true => link(links::new_page(name, incident), "Page").into_any(),
        false => view! { <span class="small muted">"no channel"</span> }.into_any(),
    };
    view! {
        <span class="reach">
            {page}
            {contact.and_then(|contact| contact.phone.as_ref()).map(|phone| link(format!("tel:{}", digits(phone)), "Call"))}
            {contact.and_then(|contact| contact.chat.as_ref()).map(|chat| link(chat.clone(), "Chat"))}
            {contact.and_then(|contact| contact.email.as_ref()).map(|email| link(format!("mailto:{email}"), "Write"))}
        </span>
    }
    .into_any()
}

/// All roles side by side.
pub(super) fn roles(catalog: &Catalog, roles: &[RoleView], reader: &str, contacts: Contacts<'_>) -> AnyView {
    let one = |role: &RoleView| {
        let class = role.participant.as_ref().map_or("gap-role", |holder| team_class(catalog, holder));
        let who = match &role.participant {
            Some(holder) => view! { <Who catalog=catalog participant=holder/> }.into_any(),
            None => view! { <span>"Nobody"</span> }.into_any(),
        };
        view! {
            <div class=class data-role=role.role.clone()>
                <p class="role">{words::sentence(&role.role).trim_end_matches('.').to_owned()}</p>
                <p class="who">{who}</p>
                {people(catalog, &role.people, reader, Some(contacts))}
                <p class="small muted">{role.because.words()}</p>
            </div>
        }
    };
    view! { <div class="oncall">{roles.iter().map(one).collect_view()}</div> }.into_any()
}

/// Whom to call, on the home page.
pub(crate) fn home_panel(catalog: &Catalog, now: &[OnCallView], reader: &str, incident: Option<&str>) -> AnyView {
    let each = now.iter().map(|found| {
        let rotation = catalog.rotation(&found.rotation).ok();
        let zone = rotation.and_then(|r| r.version(found.at)).map_or_else(Zone::utc, |version| version.zone.clone());
        let title = rotation.map_or(found.rotation.clone(), |rotation| rotation.title.clone());
        let sub = format!("{title}, until {} {}", zone.words(found.shift.ends), zone.name());
        let end = view! { <a href="/on-call">"Rotation and lookup"</a> }.into_any();
        view! { <Panel id="h-on-call" title="On call" sub=sub end=end>{roles(catalog, &found.roles, reader, Contacts { incident })}</Panel> }
    });
    // One panel has room on this page; the others are a click away.
    each.into_iter().take(1).collect_view().into_any()
}
