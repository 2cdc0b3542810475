//! A Job that a change runs: how far it is, what its pods do, and how to run it once more.

use super::ChangeData;
use crate::parts::{Panel, RelTime};
use crate::{links, words};
use domain::Time;
use leptos::prelude::*;

pub(super) fn panel(data: &ChangeData, now: Time) -> AnyView {
    let change = &data.change;
    let said = match (&change.outcome, change.written_generation) {
        (Some(outcome), _) => view! { <span>"ended "<RelTime at=outcome.at now=now/>" ago"</span> }.into_any(),
        (None, Some(_)) => "running".into_any(),
        (None, None) => "not started".into_any(),
    };
    let (progress, name) = (data.progress, change.plan.patch.makes(&change.id).unwrap_or_default());
    let begun = change.written_generation.is_some();
    let made = if begun { name } else { format!("{name}, once it is made") };
    let jobs = format!("{}#h-jobs", links::environment(&change.plan.environment));
    view! {
        <Panel id="h-roll" title="Job" end=view! { <span class="muted">{said}</span> }.into_any()>
            <div class="panel-body stack-s" data-testid="job">
                <ul class="words">
                    <li><span class="k">"Name"</span><span class="mono">{made}</span></li>
                    <li><span class="k">"Succeeded"</span><span>{format!("{} of {}", progress.ready, words::count(progress.desired, "pod"))}</span></li>
                    <li><span class="k">"At work"</span><span>{words::count(progress.updated - progress.ready, "pod")}</span></li>
                </ul>
                <a class="table-link" href=jobs>"All Jobs here"</a>
            </div>
        </Panel>
    }
    .into_any()
}
