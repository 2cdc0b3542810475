//! The page before a change: the plan that would be made now, or why none would. Asking for it is the one button here.

use super::{NewChangeData, configuration, panels};
use crate::components::panels as component_panels;
use crate::parts::{GateList, Icon, Notice, PageHead, Panel, ReasonField, TextField};
use crate::{Viewer, links, words};
use domain::catalog::Group;
use domain::changes::{Kind, Plan, RefusalCode, State};
use domain::{Error, Time};
use leptos::prelude::*;

pub(crate) fn page(viewer: &Viewer, data: &NewChangeData, now: Time) -> AnyView {
    let verb = data.wanted.kind().map_or("Change", words::kind);
    let title = match &data.plan {
        Ok(plan) => plan.summary.clone(),
        Err(_) => format!("{verb} {} in {}", data.component_title, data.environment_title),
    };
    let meta = match &data.plan {
        Ok(plan) if is_closed(plan) => {
            "Nothing has happened yet. It waits until its environment opens, or until you break the glass on its page."
        }
        Ok(plan) if plan.approval.is_some() => "Nothing has happened yet. Another person decides on exactly this plan.",
        Ok(_) => "Nothing has happened yet. It starts as soon as you confirm: no second vote is needed.",
        Err(_) => "Nothing has happened.",
    };
    let crumb = Some((("Changes", "/changes"), "New change".to_owned()));
    let body = match &data.plan {
        Ok(plan) => planned(viewer, data, plan),
        Err(Error::Invalid { field, why }) if data.wanted.kind() == Some(Kind::Deploy) => which_image(data, field, why),
        Err(Error::Refused(refusal)) if data.wanted.kind() == Some(Kind::Deploy) && refusal.code == RefusalCode::DigestUnknown => {
            which_image(data, "image", &refusal.why)
        }
        Err(error) => refused(viewer, data, error, now),
    };
    view! {
        <PageHead title=title crumb=crumb meta=Some(view! { <span>{meta}</span> }.into_any())/>
        {failed(data)}
        {body}
    }
    .into_any()
}

/// A deploy needs an image by its digest, as the build has pushed it.
fn which_image(data: &NewChangeData, field: &str, why: &str) -> AnyView {
    let wanted = &data.wanted;
    let asked = wanted.image.is_some() || wanted.authors.is_some();
    let error = |name: &str| (asked && field == name).then(|| why.to_owned());
    let text = |value: &Option<String>| value.clone().unwrap_or_default();
    view! {
        <Panel id="h-image" title="Which image">
            <form class="panel-body stack-s one-column" method="get" action="/changes/new" data-testid="which-image">
                <input type="hidden" name="kind" value="deploy"/>
                <input type="hidden" name="component" value=wanted.component.clone()/>
                <input type="hidden" name="environment" value=wanted.environment.clone()/>
                <input type="hidden" name="reason" value=wanted.reason.clone()/>
                {wanted.break_glass.then(|| view! { <input type="hidden" name="break_glass" value="1"/> })}
                <TextField name="image" label="Image" value=text(&wanted.image) required=true hint="As your build pushed it: repository:tag@sha256:…" error=error("image")/>
                <TextField name="authors" label="Authors" value=text(&wanted.authors) hint="Who wrote what is in it, with commas between: where authors are excluded, they do not decide on it" error=error("authors")/>
                <div class="actions"><button class="btn btn-primary" type="submit">"Plan it"</button><a class="btn btn-ghost" href=links::about(&wanted.about(), &wanted.environment)>"Cancel"</a></div>
            </form>
        </Panel>
    }
    .into_any()
}

/// Planned although its environment is closed.
fn is_closed(plan: &Plan) -> bool {
    plan.gates.iter().any(|gate| gate.name == "open" && gate.state == "fail")
}

/// Why the form that was sent made no change.
fn failed(data: &NewChangeData) -> Option<AnyView> {
    let error = data.error.as_ref()?;
    let look = words::change(State::Failed);
    Some(view! { <Notice look=look alert=true><div data-testid="tried"><strong>"No change was made."</strong>" "{error.to_string()}</div></Notice> }.into_any())
}

fn planned(viewer: &Viewer, data: &NewChangeData, plan: &Plan) -> AnyView {
    let said = panels::gates_in_words(&plan.gates);
    let end = view! { <span class="muted">{said}</span> }.into_any();
    view! {
        <div class="split">
            <Panel id="h-plan" title="Plan" class="main"><div class="panel-body"><ul class="words">{panels::plan_words(plan)}</ul></div></Panel>
            <div class="aside">
                {configuration::choice(data, plan)}
                <Panel id="h-ask" title="Ask for it">{form(viewer, data, plan)}</Panel>
                <Panel id="h-gates" title="Gates" end=end><GateList gates=plan.gates.clone()/></Panel>
            </div>
            {configuration::diffs(plan)}
            {panels::plan_diff(plan)}
        </div>
    }
    .into_any()
}

fn form(viewer: &Viewer, data: &NewChangeData, plan: &Plan) -> AnyView {
    let wanted = &data.wanted;
    let hidden =
        |name: &'static str, value: &Option<String>| value.clone().map(|value| view! { <input type="hidden" name=name value=value/> });
    let environment = viewer.environment_title(&plan.environment).to_owned();
    let (label, class) = match plan.kind {
        Kind::Rollback => (format!("Roll back to {}", plan.to.version()), "btn btn-danger"),
        _ if is_closed(plan) => ("Ask, to break the glass".to_owned(), "btn btn-danger"),
        _ if plan.approval.is_some() => ("Ask for approval".to_owned(), "btn btn-primary"),
        Kind::Promote => (format!("Promote to {environment}"), "btn btn-primary"),
        Kind::Scale => (format!("Scale to {}", words::count(plan.desired, "replica")), "btn btn-primary"),
        Kind::Unblock => ("Delete the pod".to_owned(), "btn btn-danger"),
        Kind::Restart => (format!("Restart in {environment}"), "btn btn-primary"),
        Kind::Deploy => (format!("Deploy to {environment}"), "btn btn-primary"),
        Kind::Autoscale => ("Set the bounds".to_owned(), "btn btn-primary"),
        Kind::RunJob => ("Run it now".to_owned(), "btn btn-primary"),
    };
    let invalid = match &data.error {
        Some(Error::Invalid { field, why }) if field == "reason" => Some(why.clone()),
        _ => None,
    };
    view! {
        <form class="panel-body stack-s" method="post" action="/changes/new">
            <input type="hidden" name="kind" value=wanted.kind.clone()/>
            <input type="hidden" name="component" value=wanted.component.clone()/>
            <input type="hidden" name="environment" value=wanted.environment.clone()/>
            {hidden("from", &wanted.from)}
            {hidden("to_revision", &wanted.to_revision)}
            {hidden("replicas", &wanted.replicas)}
            {hidden("pod", &wanted.pod)}
            {hidden("min", &wanted.min)}
            {hidden("max", &wanted.max)}
            {hidden("image", &wanted.image)}
            {hidden("authors", &wanted.authors)}
            {hidden("cron_job", &wanted.cron_job)}
            {wanted.restore_config.then(|| view! { <input type="hidden" name="restore_config" value="1"/> })}
            {wanted.break_glass.then(|| view! { <input type="hidden" name="break_glass" value="1"/> })}
            <input type="hidden" name="key" value=data.key.clone()/>
            <ReasonField id="reason" label="Reason" value=wanted.reason.clone() hint="Others read it when they decide, and later" error=invalid/>
            {data.usual.map(|usual| view! { <p class="small muted" data-testid="usual">{words::usual(&usual)}</p> })}
            {approvers(plan).map(|text| view! { <p class="small muted">{text}</p> })}
            <div class="actions"><button class=class type="submit">{label}</button><a class="btn btn-ghost" href=links::about(&wanted.about(), &wanted.environment)>"Cancel"</a></div>
        </form>
    }
    .into_any()
}

fn approvers(plan: &Plan) -> Option<String> {
    let approval = plan.approval.as_ref()?;
    let rules: Vec<_> = approval
        .rules
        .iter()
        .map(|rule| {
            format!("{} of {}", words::count(rule.needed, "vote"), rule.from.iter().map(Group::in_words).collect::<Vec<_>>().join(" or "))
        })
        .collect();
    let own = if approval.exclude_requester { " Your own vote does not count." } else { "" };
    Some(format!("Needs {} within {}.{own}", words::list(&rules), domain::time::span(approval.expires_s)))
}

fn refused(viewer: &Viewer, data: &NewChangeData, error: &Error, now: Time) -> AnyView {
    let look = words::Look { class: "degraded", icon: "degraded", word: "Refused", calm: false };
    let holds: Vec<_> = data.hold.clone().into_iter().collect();
    view! {
        <Notice look=look big=true><div data-testid="refused" data-code=error.code().to_owned()><strong>"There is no plan for this."</strong>" "{error.to_string()}</div></Notice>
        {component_panels::holds(viewer, &holds, &viewer.path, now)}
        <Panel id="h-next" title="What to do">
            <div class="panel-body stack-s">
                <p>{what_to_do(error)}</p>
                {behind_glass(viewer, data, error)}
                {configuration::without(data)}
                <div class="actions"><a class="btn" href=links::about(&data.wanted.about(), &data.wanted.environment)>{to(data)}</a><a class="btn btn-ghost" href="/">"Home"</a></div>
            </div>
        </Panel>
    }
    .into_any()
}

fn to(data: &NewChangeData) -> String {
    let about = if data.wanted.kind() == Some(Kind::RunJob) { &data.environment_title } else { &data.component_title };
    format!("To {about}")
}

/// For whoever may: the same plan, made to break the glass for it.
fn behind_glass(viewer: &Viewer, data: &NewChangeData, error: &Error) -> Option<AnyView> {
    if !matches!(error.code(), "frozen" | "window_closed") || viewer.may_break_glass().is_err() {
        return None;
    }
    let href = links::to_break_glass(&data.wanted);
    Some(
        view! {
            <p>"You may break the glass: you see the plan first, and say why it cannot wait. Another person reviews it within a day."</p>
            <div class="actions"><a class="btn btn-danger-quiet" href=href><Icon name="lock"/>"Plan it to break the glass"</a></div>
        }
        .into_any(),
    )
}

fn what_to_do(error: &Error) -> &'static str {
    let Error::Refused(refusal) = error else {
        return match error {
            Error::Forbidden { .. } => "An administrator gives roles by teams, in devmatrix.yaml.",
            Error::Unavailable { .. } => "Wait until it answers again, then look at this page again.",
            _ => "Look at the component as it is now, then plan again.",
        };
    };
    match refusal.code {
        RefusalCode::SourceUnhealthy => "Wait until the source is healthy, or mend it there first: only what has run healthy is promoted.",
        RefusalCode::SourceUnverified | RefusalCode::ClusterUnreachable => {
            "Wait until the cluster answers again: nothing is decided on what cannot be seen."
        }
        RefusalCode::DigestUnknown => "Deploy the source by digest, or wait until all its pods run the same one.",
        RefusalCode::AlreadyRunning => "There is nothing to do.",
        RefusalCode::ManagedByGitops => "Change it in the tool that owns it.",
        RefusalCode::ReleaseOnHold => "Lift the hold if the release is safe now; your reason is kept. Or promote a newer release.",
        RefusalCode::RevisionUnknown => "Choose another revision on the component's page.",
        RefusalCode::WorkloadMissing => "Create the workload first: the portal changes what runs, and makes nothing new.",
        RefusalCode::KindNotSupported => "Change it with the tool that you use today.",
        RefusalCode::PromotionPathUnknown => "Promote from the environment that devmatrix.yaml names for it.",
        RefusalCode::DryRunRejected => "The API server's own words say what it does not accept. Mend that, then plan again.",
        RefusalCode::WorkloadPaused => "Resume the rollout first: `kubectl rollout resume` takes up what was paused.",
        RefusalCode::ScaledByAutoscaler => "Change the autoscaler's bounds instead: the component's page has them.",
        RefusalCode::HeldUp => "The component's page names the pod, and the way on.",
        RefusalCode::NoAutoscaler => "Scale it instead: the component's page has the number of replicas.",
        RefusalCode::ContainerMissing => "Add the container there, or take it out of `containers` in devmatrix.yaml.",
        RefusalCode::NotBlocked => "Look at the component's page: it says what holds it up now.",
        RefusalCode::Frozen => "Wait until the freeze ends or somebody lifts it on the environment's page. A rollback passes it.",
        RefusalCode::WindowClosed => "Plan it again when the environment is open. A rollback passes a closed window.",
        RefusalCode::CronJobMissing => "The environment's page lists the CronJobs that are there.",
        RefusalCode::JobRunning => "Wait until it has ended: the environment's page shows it. Or delete it in the cluster, if it hangs.",
        RefusalCode::ConfigUnknown => "Roll back without its configuration, and change the ConfigMaps by hand.",
        RefusalCode::ConfigImmutable => "Roll back without its configuration, or delete the ConfigMap first: then it is made anew.",
        RefusalCode::IdempotencyKeyReused => "Open this page again and send the form from there.",
    }
}
