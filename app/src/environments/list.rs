//! All environments: where they are and how they do.

use super::EnvironmentsData;
use crate::parts::{PageHead, Panel, RelTime, StatePill};
use crate::{EnvironmentHealth, Viewer, links, words};
use domain::Time;
use domain::clusters::{CellState, Matrix};
use leptos::prelude::*;

pub(crate) fn page(viewer: &Viewer, data: &EnvironmentsData, now: Time) -> AnyView {
    let rows = viewer.environments.iter().map(|env| row(viewer, env, &data.matrix, now)).collect_view();
    view! {
        <PageHead title="Environments"/>
        <Panel id="h-envs" title="By stage" sub=words::count(viewer.environments.len() as i64, "environment")>
            <table class="table table-stack" aria-labelledby="h-envs">
                <thead><tr>
                    <th scope="col">"Environment"</th><th scope="col">"State"</th><th scope="col">"Cluster"</th><th scope="col">"Namespace"</th>
                    <th scope="col">"Promoted from"</th><th scope="col" class="num">"Healthy"</th><th scope="col" class="num">"Behind"</th><th scope="col" class="num">"Heard"</th>
                </tr></thead>
                <tbody>{rows}</tbody>
            </table>
        </Panel>
    }
    .into_any()
}

fn row(viewer: &Viewer, env: &EnvironmentHealth, matrix: &Matrix, now: Time) -> AnyView {
    let head = &env.head;
    let cells = || matrix.components.iter().filter_map(|row| row.cells.get(&head.name));
    let healthy = cells().filter(|cell| cell.state == CellState::Healthy).count();
    let behind = cells().filter(|cell| cell.behind.is_some()).count();
    let word = if head.cluster.reachable { words::cell(env.state).word } else { "Unreachable" };
    let heard = match (head.cluster.reachable, head.cluster.last_seen) {
        (true, _) => "live".into_any(),
        (false, Some(at)) => view! { <RelTime at=at now=now/>" ago" }.into_any(),
        (false, None) => "never".into_any(),
    };
    let from = head.promote_from.as_deref().map(|from| viewer.environment_title(from).to_owned());
    let production = head.production.then(|| view! { " "<span class="chip chip-quiet">"production"</span> });
    view! {
        <tr data-key=head.name.clone() data-state=env.state.as_str() data-say=head.title.clone()>
            <th scope="row"><a class="table-link" href=links::environment(&head.name)>{head.title.clone()}</a>{production}</th>
            <td data-label="State"><StatePill look=words::cell(env.state) quiet=true word=word/></td>
            <td class="muted" data-label="Cluster">{head.cluster.title()}</td>
            <td class="mono" data-label="Namespace">{head.namespace.clone()}</td>
            <td class="muted" data-label="Promoted from">{from}</td>
            <td class="num" data-label="Healthy">{format!("{healthy} of {}", matrix.components.len())}</td>
            <td class="num" data-label="Behind">{behind}</td>
            <td class="num muted nowrap" data-label="Heard">{heard}</td>
        </tr>
    }
    .into_any()
}
