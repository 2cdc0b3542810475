//! The way back from a change: the revisions that can be restored, the best one chosen. The form leads to the page that
//! shows the plan; nothing happens before that is confirmed.

use super::ChangeData;
use super::act::to_a_plan;
use crate::parts::{ActButton, Icon, Panel, refused_hint};
use crate::{Viewer, links, words};
use domain::access::{Verb, authorize};
use domain::changes::{Change, Kind, State};
use domain::releases::{DeploymentRecord, last_good, others};
use leptos::prelude::*;

/// While it rolls out and after it has ended badly or well; not when nothing was written.
fn offered(change: &Change) -> bool {
    let wrote = change.written_generation.is_some();
    // A Scale, an Autoscale and an Unblock made no revision to go back from; a Restart that went well runs what ran before.
    if !change.plan.kind.makes_revision() || (change.plan.kind == Kind::Restart && change.state == State::Succeeded) {
        return false;
    }
    matches!(change.state, State::Failed | State::Stuck | State::Succeeded)
        || wrote && !change.state.is_terminal()
        || wrote && change.state == State::Aborted
}

/// What the way back is called, where there is one.
pub(super) fn way_back(change: &Change) -> Option<&'static str> {
    if change.plan.scaled_from.is_some() || change.plan.bounds_from.is_some() {
        return change.written_generation.map(|_| "Undo");
    }
    offered(change).then_some("Roll back")
}

pub(super) fn panel(viewer: &Viewer, data: &ChangeData) -> Option<AnyView> {
    let change = &data.change;
    if change.written_generation.is_some()
        && let Some(undo) = number_back(viewer, change)
    {
        return Some(undo);
    }
    let current = data
        .deployments
        .iter()
        .any(|record| record.current && record.same_artifact(&change.plan.to.image, change.plan.to.digest.as_deref()));
    if !offered(change) {
        return None;
    }
    let choices: Vec<&DeploymentRecord> = data.deployments.iter().filter(|record| !record.current).collect();
    let best = last_good(&data.deployments).or_else(|| others(&data.deployments).next());
    let body = match best {
        _ if !current && change.state == State::Succeeded => {
            view! { <p class="panel-body muted">"Something else runs here by now: this change cannot be taken back any more. The component's page lists what can be restored."</p> }.into_any()
        }
        None => view! { <p class="panel-body muted">"No earlier revision is known here, so there is nothing to restore."</p> }.into_any(),
        Some(best) => form(viewer, data, &choices, best),
    };
    Some(view! { <div id="roll-back" data-key="roll-back"><Panel id="h-rb" title="Roll back">{body}</Panel></div> }.into_any())
}

/// The undo of a Scale or an Autoscale: the number, or the bounds, that were.
fn number_back(viewer: &Viewer, change: &Change) -> Option<AnyView> {
    let (component, environment) = (&change.plan.component, &change.plan.environment);
    if let Some(before) = change.plan.scaled_from {
        let label = format!("Scale back to {}", words::count(before, "replica"));
        return Some(undo(viewer, change, links::scale(component, environment, before), label));
    }
    let before = change.plan.bounds_from?;
    Some(undo(viewer, change, links::autoscale(component, environment, before), format!("Back to {before} replicas")))
}

fn undo(viewer: &Viewer, change: &Change, href: String, label: String) -> AnyView {
    let link = to_a_plan(viewer, &change.plan, href, label, "");
    view! { <div id="roll-back" data-key="roll-back"><Panel id="h-rb" title="Undo"><div class="panel-body stack-s"><p class="small muted">"You see the plan first."</p><div class="actions">{link}</div></div></Panel></div> }
        .into_any()
}

fn form(viewer: &Viewer, data: &ChangeData, choices: &[&DeploymentRecord], best: &DeploymentRecord) -> AnyView {
    let refused = authorize(&viewer.actor, Verb::Change).err();
    let why = refused.as_ref().map(ToString::to_string);
    let plan = &data.change.plan;
    let options = choices.iter().map(|record| {
        let text =
            format!("{}: {}, {}, {}", record.revision, record.version(), words::record(record.outcome).word.to_lowercase(), day(record));
        view! { <option value=record.revision.to_string() selected=record.revision == best.revision>{text}</option> }
    });
    let class = if matches!(data.change.state, State::Failed | State::Stuck) { "btn-danger" } else { "btn-danger-quiet" };
    let reason = if data.change.state == State::Failed {
        data.change.outcome.as_ref().and_then(|o| o.failing_pod.as_ref()).map(|said| said.reason.clone()).unwrap_or_default()
    } else {
        String::new()
    };
    let label = view! { <Icon name="undo"/> };
    let button = match why {
        None => view! { <button class=format!("btn {class}") type="submit">{label}{format!("Roll back to {}", best.version())}</button> }
            .into_any(),
        why => view! { <ActButton label="Roll back" class=class refused=why/> }.into_any(),
    };
    view! {
        <form class="panel-body stack-s" method="get" action="/changes/new">
            <input type="hidden" name="kind" value="rollback"/>
            <input type="hidden" name="component" value=plan.component.clone()/>
            <input type="hidden" name="environment" value=plan.environment.clone()/>
            <div class="field">
                <label for="rb-revision">"Revision"</label>
                <span class="select"><select class="input" id="rb-revision" name="to_revision" aria-describedby="rb-hint">{options.collect_view()}</select><Icon name="down-chev"/></span>
                <span class="hint" id="rb-hint">"Chosen: the last that succeeded, or else the last with another image"</span>
            </div>
            <div class="field"><label for="rb-reason">"Reason"</label><input class="input" id="rb-reason" name="reason" value=reason maxlength="2000"/></div>
            <p class="small muted">{format!("You see the plan first, and whether its configuration can come back too. Puts {} on hold here until a person lifts it.", plan.to.version())}</p>
            {button}
            {refused_hint(refused.as_ref())}
        </form>
    }
    .into_any()
}

/// `22 Oct 2026`
fn day(record: &DeploymentRecord) -> String {
    record.at.for_people().split(',').next().unwrap_or_default().to_owned()
}
