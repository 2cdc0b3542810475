//! Data in, a whole HTML document out: one function for each page. This is what the server calls.

use crate::access::SignInData;
use crate::approvals::ApprovalsData;
use crate::changes::{ChangeData, ChangesData, NewChangeData};
use crate::components::{ComponentData, ComponentsData};
use crate::environments::{EnvironmentData, EnvironmentsData};
use crate::frame::{Document, document};
use crate::home::HomeData;
use crate::incidents::{IncidentData, IncidentsData, SeverityData};
use crate::logs::LogsData;
use crate::oncall::OnCallData;
use crate::pages::{NewPageData, PageData};
use crate::trains::{NewTrainData, TrainData};
use crate::{Site, Theme, Viewer};
use domain::{Error, Time};

pub fn home(site: &Site, viewer: &Viewer, data: &HomeData, now: Time) -> String {
    let doc = Document::signed_in(site, viewer, now).titled("Home").live("matrix changes approvals on_call pages");
    document(doc, || crate::home::page(viewer, data, now))
}

pub fn components(site: &Site, viewer: &Viewer, data: &ComponentsData, now: Time) -> String {
    let doc = Document::signed_in(site, viewer, now).titled("Components").live("matrix changes approvals");
    document(doc, || crate::components::list_page(viewer, data, now))
}

pub fn component(site: &Site, viewer: &Viewer, data: &ComponentData, now: Time) -> String {
    let doc = Document::signed_in(site, viewer, now).titled(&data.view.title).live("matrix changes approvals happenings");
    document(doc, || crate::components::page(viewer, data, now))
}

/// Not live: its island follows the log itself.
pub fn logs(site: &Site, viewer: &Viewer, data: &LogsData, now: Time) -> String {
    let title = format!("Logs of {} in {}", data.title, viewer.environment_title(&data.environment));
    let doc = Document::signed_in(site, viewer, now).titled(&title);
    document(doc, || crate::logs::page(viewer, data, now))
}

pub fn environments(site: &Site, viewer: &Viewer, data: &EnvironmentsData, now: Time) -> String {
    let doc = Document::signed_in(site, viewer, now).titled("Environments").live("matrix approvals");
    document(doc, || crate::environments::list_page(viewer, data, now))
}

pub fn environment(site: &Site, viewer: &Viewer, data: &EnvironmentData, now: Time) -> String {
    let doc = Document::signed_in(site, viewer, now).titled(&data.view.environment.title).live("matrix changes approvals");
    document(doc, || crate::environments::page(viewer, data, now))
}

pub fn changes(site: &Site, viewer: &Viewer, data: &ChangesData, now: Time) -> String {
    let doc = Document::signed_in(site, viewer, now).titled("Changes").live("changes approvals");
    document(doc, || crate::changes::list_page(viewer, data, now))
}

/// The title begins with the state, so that a tab tells how it goes.
pub fn change(site: &Site, viewer: &Viewer, data: &ChangeData, now: Time) -> String {
    let title = format!("{} · {}", data.change.state_title(), data.change.summary());
    let doc = Document::signed_in(site, viewer, now).titled(&title).live("changes matrix approvals");
    document(doc, || crate::changes::page(viewer, data, now))
}

/// Not live: what one reads here is what one asks for.
pub fn new_change(site: &Site, viewer: &Viewer, data: &NewChangeData, now: Time) -> String {
    let doc = Document::signed_in(site, viewer, now).titled("New change");
    document(doc, || crate::changes::fresh_page(viewer, data, now))
}

/// The title begins with the state, so that a tab tells how it goes.
pub fn train(site: &Site, viewer: &Viewer, data: &TrainData, now: Time) -> String {
    let title = format!("{} · {}", data.train.state().title(), data.train.summary(viewer.environment_title(&data.train.environment)));
    let doc = Document::signed_in(site, viewer, now).titled(&title).live("changes approvals");
    document(doc, || crate::trains::page(viewer, data, now))
}

/// Not live: what one reads here is what one asks for.
pub fn new_train(site: &Site, viewer: &Viewer, data: &NewTrainData, now: Time) -> String {
    let doc = Document::signed_in(site, viewer, now).titled("New train");
    document(doc, || crate::trains::fresh_page(data))
}

pub fn approvals(site: &Site, viewer: &Viewer, data: &ApprovalsData, now: Time) -> String {
    let doc = Document::signed_in(site, viewer, now).titled("Approvals").live("approvals changes");
    document(doc, || crate::approvals::page(viewer, data, now))
}

/// Not live while it tells what a form came to: live updates would take that away.
pub fn on_call(site: &Site, viewer: &Viewer, data: &OnCallData, now: Time) -> String {
    let doc = Document::signed_in(site, viewer, now).titled("On-call");
    let told = !data.told.is_nothing() || !data.asked.form.words.is_empty();
    document(if told { doc } else { doc.live("on_call approvals") }, || crate::oncall::page(viewer, data, now))
}

pub fn severity(site: &Site, viewer: &Viewer, data: &SeverityData, now: Time) -> String {
    let doc = Document::signed_in(site, viewer, now).titled("Severity").live("incidents approvals");
    document(doc, || crate::incidents::severity_page(viewer, data, now))
}

pub fn incidents(site: &Site, viewer: &Viewer, data: &IncidentsData, now: Time) -> String {
    let doc = Document::signed_in(site, viewer, now).titled("Incidents");
    document(if data.error.is_some() { doc } else { doc.live("incidents approvals") }, || crate::incidents::list_page(viewer, data, now))
}

pub fn incident(site: &Site, viewer: &Viewer, data: &IncidentData, now: Time) -> String {
    let doc = Document::signed_in(site, viewer, now).titled(&format!("{} · {}", data.incident.label, data.incident.title));
    document(if data.error.is_some() { doc } else { doc.live("incidents on_call approvals") }, || crate::incidents::page(viewer, data, now))
}

/// The title begins with the label, so that a tab tells which.
pub fn page(site: &Site, viewer: &Viewer, data: &PageData, now: Time) -> String {
    let doc = Document::signed_in(site, viewer, now).titled(&format!("{} · Page", data.page.label));
    document(doc.live("pages approvals"), || crate::pages::page(viewer, data, now))
}

/// Not live: what one writes here is what one sends.
pub fn new_page(site: &Site, viewer: &Viewer, data: &NewPageData, now: Time) -> String {
    let doc = Document::signed_in(site, viewer, now).titled("Page somebody");
    document(doc, || crate::pages::fresh_page(viewer, data))
}

pub fn sign_in(site: &Site, theme: Theme, data: &SignInData) -> String {
    document(Document::anonymous(site, theme).titled("Sign in"), || crate::access::page(site, data))
}

/// An error as a page: what happened, and what to do next. Send it with `error.status()`.
pub fn error(site: &Site, viewer: Option<&Viewer>, theme: Theme, error: &Error, now: Time) -> String {
    let doc = match viewer {
        Some(viewer) => Document::signed_in(site, viewer, now),
        None => Document::anonymous(site, theme),
    };
    document(doc.titled(error.title()), || crate::errors::page(viewer, error))
}
