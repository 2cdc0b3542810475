//! The configuration of a rollback: whether it comes back too, and what that changes, ConfigMap by ConfigMap. Choosing makes the plan
//! anew, by a form that works without JavaScript; nothing is written before the plan is confirmed.

use super::NewChangeData;
use crate::links;
use crate::parts::{Diff, Panel};
use domain::changes::{ConfigWrite, Plan};
use leptos::prelude::*;

/// Only where it changed since, and was written down.
pub(super) fn choice(data: &NewChangeData, plan: &Plan) -> Option<AnyView> {
    let wanted = &data.wanted;
    if plan.config.is_empty() && !plan.could_restore_config() {
        return None;
    }
    let says = match wanted.restore_config {
        true => "This plan brings it back, before the workload is written.",
        false => "This plan leaves it as it is now.",
    };
    let revision = wanted.to_revision.clone().unwrap_or_default();
    Some(
        view! {
            <Panel id="h-config" title="Configuration">
                <form class="panel-body stack-s" method="get" action="/changes/new" data-testid="configuration">
                    <input type="hidden" name="kind" value="rollback"/>
                    <input type="hidden" name="component" value=wanted.component.clone()/>
                    <input type="hidden" name="environment" value=wanted.environment.clone()/>
                    <input type="hidden" name="to_revision" value=revision/>
                    <input type="hidden" name="reason" value=wanted.reason.clone()/>
                    {wanted.break_glass.then(|| view! { <input type="hidden" name="break_glass" value="1"/> })}
                    <label class="check"><input type="checkbox" name="restore_config" value="1" checked=wanted.restore_config/>"Also bring back its configuration"</label>
                    <p class="small muted">{says}</p>
                    <div class="actions"><button class="btn" type="submit">"Plan it again"</button></div>
                </form>
            </Panel>
        }
        .into_any(),
    )
}

/// The way on when its configuration is what is refused.
pub(super) fn without(data: &NewChangeData) -> Option<AnyView> {
    let href = links::rollback_with(&data.wanted, false);
    data.wanted
        .restore_config
        .then(|| view! { <div class="actions"><a class="btn" href=href>"Plan it without its configuration"</a></div> }.into_any())
}

/// What is brought back, in the order in which it is written.
pub(super) fn diffs(plan: &Plan) -> Option<AnyView> {
    if plan.config.is_empty() {
        return None;
    }
    let sub = "brought back before the workload is written, from a server-side dry run";
    let maps = plan.config.iter().enumerate().map(|(at, write)| one(plan, at, write)).collect_view();
    Some(
        view! {
            <Panel id="h-config-diff" title="ConfigMaps" sub=sub class="main">
                {maps}
                <p class="panel-foot">"Key by key; labels stay. Whatever else reads them reads this too."</p>
            </Panel>
        }
        .into_any(),
    )
}

fn one(plan: &Plan, at: usize, write: &ConfigWrite) -> AnyView {
    let how = if write.uid.is_some() { "" } else { ", made anew: it is gone" };
    let title = format!("{}. {}/{}{how}", at + 1, plan.target.namespace, write.name);
    let caption = format!("Diff of ConfigMap {}", write.name);
    view! {
        <div data-testid="config-diff">
            <h3 class="panel-body small">{title}</h3>
            <Diff unified=write.diff.unified.clone() caption=caption numbers=true/>
        </div>
    }
    .into_any()
}
