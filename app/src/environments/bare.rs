//! Pods and ReplicaSets that no workload made: somebody left them, or a tool of the cluster's own makes them.

use crate::parts::{Icon, Panel, RelTime, visible};
use crate::words;
use domain::Time;
use domain::clusters::{BarePod, BareSet, Inventory, PodSaid};
use leptos::prelude::*;

pub(super) fn panel(inventory: &Inventory, now: Time) -> AnyView {
    let sets = inventory.replica_sets.iter().map(|set| set_row(set, now));
    let rows: Vec<_> = sets.chain(inventory.pods.iter().map(|pod| pod_row(pod, now))).collect();
    let sub = "pods and ReplicaSets that no workload made: nothing brings them back";
    if rows.is_empty() {
        let words = if inventory.bare_known {
            "There is nothing here that no workload made."
        } else {
            "None is known: not all pods and ReplicaSets could be read."
        };
        return view! { <Panel id="h-bare" title="On their own" sub=sub><p class="panel-body muted">{words}</p></Panel> }.into_any();
    }
    let count = rows.len() as i64;
    view! {
        <Panel id="h-bare" title="On their own" sub=sub count=count>
            <table class="table table-stack" aria-labelledby="h-bare" data-testid="h-bare">
                <thead><tr>
                    <th scope="col">"Name"</th><th scope="col">"Kind"</th><th scope="col">"State"</th><th scope="col">"Image"</th>
                    <th scope="col" class="num">"Restarts"</th><th scope="col">"Node"</th><th scope="col" class="num">"Age"</th>
                </tr></thead>
                <tbody>{rows}</tbody>
            </table>
        </Panel>
    }
    .into_any()
}

fn set_row(BareSet { set, said }: &BareSet, now: Time) -> AnyView {
    let (class, icon) = match (set.ready, set.desired) {
        (ready, desired) if ready >= desired => ("healthy", "healthy"),
        (0, _) => ("down", "down"),
        _ => ("degraded", "degraded"),
    };
    let trouble = (!set.trouble.is_empty()).then(|| view! { <p class="small muted reason">{visible(&set.trouble)}</p> });
    view! {
        <tr data-key=format!("set/{}", set.name)>
            <th scope="row" class="mono">{set.name.clone()}{trouble}{words_of(said.as_ref())}</th>
            <td data-label="Kind">{kind("ReplicaSet", &set.made_by)}</td>
            <td class="nowrap" data-label="State">{pill(class, icon, format!("{} of {} ready", set.ready, set.desired))}</td>
            <td class="mono" data-label="Image">{set.images.join(", ")}</td>
            <td class="num" data-label="Restarts"></td><td data-label="Node"></td>
            <td class="num muted nowrap" data-label="Age"><RelTime at=set.created now=now/></td>
        </tr>
    }
    .into_any()
}

fn pod_row(pod: &BarePod, now: Time) -> AnyView {
    let (class, icon) = words::pod(&pod.status, pod.ready);
    let word = if pod.status == "Running" && !pod.ready { "Not ready".to_owned() } else { pod.status.clone() };
    let mirror = pod.mirror.then(
        || view! { <p class="small muted">"Static: the kubelet of its node makes it from a file, and again when it is deleted."</p> },
    );
    view! {
        <tr data-key=format!("pod/{}", pod.name)>
            <th scope="row" class="mono">{pod.name.clone()}{words_of(pod.said.as_ref())}{mirror}</th>
            <td data-label="Kind">{if pod.mirror { "Mirror pod".to_owned() } else { kind("Pod", &pod.made_by) }}</td>
            <td class="nowrap" data-label="State">{pill(class, icon, word)}</td>
            <td class="mono" data-label="Image">{pod.images.join(", ")}</td>
            <td class="num" data-label="Restarts">{pod.restarts}</td>
            <td class="muted mono nowrap" data-label="Node">{pod.node.clone()}</td>
            <td class="num muted nowrap" data-label="Age"><RelTime at=pod.created now=now/></td>
        </tr>
    }
    .into_any()
}

fn kind(kind: &str, made_by: &str) -> String {
    if made_by.is_empty() { kind.to_owned() } else { format!("{kind} of {made_by}") }
}

fn pill(class: &'static str, icon: &'static str, word: String) -> AnyView {
    let quiet = if class == "healthy" { " quiet" } else { "" };
    view! { <span class=format!("pill {class}{quiet}")><Icon name=icon/>{word}</span> }.into_any()
}

fn words_of(said: Option<&PodSaid>) -> Option<AnyView> {
    let said = said?;
    Some(view! { <p class="small muted pod-said">{format!("{}: {}", said.reason, visible(&said.message))}</p> }.into_any())
}
