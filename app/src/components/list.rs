//! All components: the matrix on its own, and the page that the palette reads its entries from.

use super::ComponentsData;
use crate::parts::{MatrixTable, PageHead, Panel};
use crate::{Viewer, links, words};
use domain::Time;
use leptos::prelude::*;

pub(crate) fn page(viewer: &Viewer, data: &ComponentsData, now: Time) -> AnyView {
    let matrix = &data.matrix;
    let sub = words::count(matrix.components.len() as i64, "component");
    let table = if matrix.components.is_empty() {
        view! { <p class="panel-body muted">"No component is declared. Name one under "<code>"components"</code>" in devmatrix.yaml."</p> }
            .into_any()
    } else {
        view! { <MatrixTable matrix=matrix holds=&data.holds open=&data.open viewer=viewer labelled="h-matrix" now=now/> }.into_any()
    };
    let index = matrix.components.iter().map(|row| {
        let healthy = row.cells.values().filter(|cell| cell.state == domain::clusters::CellState::Healthy).count();
        view! {
            <li data-key=row.name.clone()>
                <a class="table-link grow" href=links::component(&row.name) data-go=row.title.clone() data-group="Components">{row.title.clone()}</a>
                <span class="end small muted">{format!("{} · healthy in {healthy} of {}", row.owner, row.cells.len())}</span>
            </li>
        }
    });
    view! {
        <PageHead title="Components"/>
        <Panel id="h-matrix" title="In every environment" sub=sub>{table}</Panel>
        <Panel id="h-index" title="Owners"><ul class="rows rows-s">{index.collect_view()}</ul></Panel>
    }
    .into_any()
}
