//! The panels of a change's page.

use super::ChangeData;
use crate::parts::{Diff, Panel, PodSaidView, PodTable, RelTime, RolloutBar, RolloutFigures, pods_of};
use crate::words;
use domain::Time;
use domain::changes::{Gate, Kind, Plan, State};
use domain::releases::Usual;
use leptos::prelude::*;

pub(super) fn plan(data: &ChangeData, now: Time) -> AnyView {
    let (change, plan) = (&data.change, &data.change.plan);
    let end = view! { <span class="muted">"digest "<code title=change.digest.clone() data-testid="digest">{words::short_digest(&change.digest)}</code></span> }.into_any();
    let reason =
        (!plan.reason.is_empty()).then(|| view! { <li><span class="k">"Reason"</span><span>{format!("“{}”", plan.reason)}</span></li> });
    let made = view! { <li><span class="k">"Made"</span><span><RelTime at=plan.made_at now=now/>{format!(" ago, valid until {}", plan.valid_until.for_people())}</span></li> };
    view! {
        <Panel id="h-plan" title="Plan" class="main" end=end>
            <div class="panel-body"><ul class="words">{plan_words(plan)}{reason}{made}</ul></div>
        </Panel>
    }
    .into_any()
}

/// The lines of a plan, for its page and for the page before it is asked for.
pub(super) fn plan_words(plan: &Plan) -> AnyView {
    let lines = plan.words.iter().map(|word| view! { <li><span class="k">{word.what.clone()}</span><span>{word.text.clone()}</span></li> });
    lines.collect_view().into_any()
}

pub(super) fn diff(data: &ChangeData) -> AnyView {
    plan_diff(&data.change.plan)
}

/// Nothing where a pod is deleted: of the workload nothing changes.
pub(super) fn plan_diff(plan: &Plan) -> AnyView {
    if plan.patch.deletes().is_some() {
        return ().into_any();
    }
    let target = &plan.target;
    let sub = format!("{} {}/{}, from a server-side dry run", target.kind, target.namespace, target.name);
    let end = view! { <span class="diffstat"><span class="a">{format!("+{}", plan.diff.added)}</span>" "<span class="d">{format!("−{}", plan.diff.removed)}</span></span> }.into_any();
    view! {
        <Panel id="h-diff" title="Diff" sub=sub class="main" end=end>
            <Diff unified=plan.diff.unified.clone() caption="Diff" numbers=true/>
            <p class="panel-foot">"Left out: managedFields, status and what the API server counts by itself."</p>
        </Panel>
    }
    .into_any()
}

/// `4 pass, 1 warns, 1 does not pass`
pub(super) fn gates_in_words(gates: &[Gate]) -> String {
    let of = |state: &str| gates.iter().filter(|gate| gate.state == state).count();
    let (pass, fail) = (of("pass"), of("fail"));
    let some = |number: usize, one: &str, many: &str| (number > 0).then(|| format!("{number} {}", if number == 1 { one } else { many }));
    let parts =
        [some(pass, "passes", "pass"), some(gates.len() - pass - fail, "warns", "warn"), some(fail, "does not pass", "do not pass")];
    parts.into_iter().flatten().collect::<Vec<_>>().join(", ")
}

pub(super) fn rollout(data: &ChangeData, now: Time) -> AnyView {
    let change = &data.change;
    if change.plan.kind == Kind::RunJob {
        return super::job::panel(data, now);
    }
    let started = !matches!(change.state, State::AwaitingApproval | State::Ready);
    let said = match (&change.outcome, started) {
        (Some(outcome), _) => view! { <span>"ended "<RelTime at=outcome.at now=now/>" ago"</span> }.into_any(),
        (None, true) => "under way".into_any(),
        (None, false) => "not started".into_any(),
    };
    let pods = pods_of(change, data.progress, &data.pods);
    let (from, to) = (change.plan.from.version(), change.plan.to.version());
    // A restart brings new pods of the same version.
    let on = |version: &str, age: &str| if from == to { format!(", {age}") } else { format!(" on {version}") };
    let (old, new) = (on(&from, "old"), on(&to, "new"));
    let failing = (pods.failing > 0).then(|| key("seg-fail", format!("failing{new}")));
    view! {
        <Panel id="h-roll" title="Rollout" end=view! { <span class="muted">{said}</span> }.into_any()>
            <div class="panel-body rollout" data-testid="rollout">
                <RolloutBar pods=pods/>
                <RolloutFigures progress=data.progress started=started/>
                <ul class="key">{key("seg-old", format!("ready{old}"))}{key("seg-wait", "starting".to_owned())}{key("seg-done", format!("ready{new}"))}{failing}</ul>
                {usual(data.usual, change.state)}
            </div>
        </Panel>
    }
    .into_any()
}

/// So long it takes here, for whoever waits for it.
fn usual(usual: Option<Usual>, state: State) -> Option<AnyView> {
    let usual = usual.filter(|_| !state.is_terminal())?;
    Some(view! { <p class="small muted" data-testid="usual">{words::usual(&usual)}</p> }.into_any())
}

fn key(class: &'static str, text: String) -> AnyView {
    view! { <li><span class="rollout-bar"><i class=class></i></span>{text}</li> }.into_any()
}

/// The failing pod's own words: while it fails, and after it has failed.
pub(super) fn said(data: &ChangeData) -> Option<AnyView> {
    let ended = data.change.outcome.as_ref().and_then(|outcome| outcome.failing_pod.clone());
    let rolling = matches!(data.change.state, State::Running | State::Observing);
    let now = data.pods.iter().find_map(|pod| pod.said.clone()).filter(|_| rolling);
    let said = ended.or(now)?;
    let (pod, reason, container) = (said.pod.clone(), said.reason.clone(), said.container.clone());
    let end = view! { <span class="chip">{reason}</span> }.into_any();
    Some(
        view! {
            <Panel id="h-pod" title="What the pod says" sub=pod class="main" end=end>
                <div class="panel-body stack-s" data-testid="pod-said">
                    <PodSaidView said=said/>
                    {(!container.is_empty()).then(|| view! { <p class="muted small">"Container "<code>{container}</code></p> })}
                </div>
            </Panel>
        }
        .into_any(),
    )
}

pub(super) fn pods(data: &ChangeData, now: Time) -> Option<AnyView> {
    if data.pods.is_empty() {
        return None;
    }
    let sub = format!("{}, as they are now", data.cluster_title);
    Some(view! { <Panel id="h-pods" title="Pods" sub=sub class="main"><PodTable pods=&data.pods label="Pods" now=now/></Panel> }.into_any())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn gates_are_counted_by_what_they_say() {
        let gate = |state: &str| Gate { name: "g".into(), title: "G".into(), state: state.into(), detail: String::new() };
        let said = |states: &[&str]| gates_in_words(&states.iter().map(|state| gate(state)).collect::<Vec<_>>());
        assert_eq!(said(&["pass", "pass"]), "2 pass");
        assert_eq!(said(&["pass", "warn", "fail"]), "1 passes, 1 warns, 1 does not pass");
        assert_eq!(said(&["warn", "warn", "fail", "fail"]), "2 warn, 2 do not pass");
    }
}
