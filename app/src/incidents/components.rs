//! What an incident is about, and the form to say it better.

use super::IncidentData;
use crate::parts::{ActButton, Icon, Panel};
use crate::{Viewer, links};
use domain::access::{Verb, authorize};
use domain::catalog::Component;
use leptos::prelude::*;

pub(super) fn panel(viewer: &Viewer, data: &IncidentData) -> AnyView {
    let about = &data.incident.components;
    let title = |name: &String| data.catalog.component(name).map_or_else(|_| name.clone(), |component| component.title.clone());
    let rows = about.iter().map(|name| view! { <li><a class="table-link" href=links::component(name)>{title(name)}</a></li> });
    let list = if about.is_empty() {
        view! { <p class="panel-body muted">"None yet: say which, and their owners and changes are found from here."</p> }.into_any()
    } else {
        view! { <ul class="rows" data-testid="components">{rows.collect_view()}</ul> }.into_any()
    };
    view! { <Panel id="h-components" title="Components">{list}{form(viewer, data)}</Panel> }.into_any()
}

fn form(viewer: &Viewer, data: &IncidentData) -> AnyView {
    let incident = &data.incident;
    let refused = authorize(&viewer.actor, Verb::Respond).err().map(|why| why.to_string());
    let chosen = |component: &&Component| incident.components.contains(&component.name);
    // Those that it is about come first, in their order: the first one's owner counts.
    let first = incident.components.iter().filter_map(|name| data.catalog.component(name).ok());
    let all = first.chain(data.catalog.components.iter().filter(|component| !chosen(component)));
    let boxes = all.map(|component| {
        view! { <label class="check"><input type="checkbox" name="component" value=component.name.clone() checked=chosen(&component)/>{component.title.clone()}</label> }
    });
    view! {
        <details class="more panel-body">
            <summary><Icon name="down-chev"/>"Change components"</summary>
            <form class="stack-s" method="post" action=format!("{}/components", links::incident(&incident.label)) aria-label="Change components">
                <div class="stack-s" role="group" aria-label="Components">{boxes.collect_view()}</div>
                <div class="actions"><ActButton label="Save components" class="" refused=refused/></div>
            </form>
        </details>
    }
    .into_any()
}
