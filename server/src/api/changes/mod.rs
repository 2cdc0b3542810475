//! Changes: asked for, looked at, decided on.

mod ask;
mod decide;
mod requested;

pub use ask::*;
pub use decide::*;
pub use requested::Requested;

use super::body::invalid;
use super::path::PathId;
use super::query::Query;
use super::{Answer, List};
use crate::portal::Portal;
use axum::extract::State;
use axum::{Extension, Json};
use domain::access::Actor;
use domain::changes::explain::Line;
use domain::changes::{Change, ChangeView, cron_job_of};
use domain::names::ObjectName;
use engine::ChangeFilter;

fn view(portal: &Portal, change: &Change) -> ChangeView {
    ChangeView::of(change, portal.engine.progress(change))
}

/// A filter by something that is not declared is a mistake, not an empty list.
pub(super) fn are_known(portal: &Portal, component: Option<&str>, environment: Option<&str>) -> domain::Result<()> {
    let catalog = portal.engine.catalog();
    component.map(|name| catalog.component(name)).transpose()?;
    environment.map(|name| catalog.environment(name)).transpose()?;
    Ok(())
}

/// Changes, newest first
#[utoipa::path(get, operation_id = "list_changes", path = "/api/v1/changes", tag = "changes",
    params(("component" = Option<String>, Query, description = "A component, or `cronjob/NAME` for the runs of its Jobs",
            pattern = r"^((cronjob/([a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?\.)*)?[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?)?$"),
        ("environment" = Option<String>, Query, pattern = r"^([a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?)?$"),
        ("state" = Option<String>, Query, description = "One state, or several with commas between",
            pattern = r"^((awaiting_approval|ready|running|observing|succeeded|rejected|expired|aborted|failed|errored|superseded|stuck)(,(awaiting_approval|ready|running|observing|succeeded|rejected|expired|aborted|failed|errored|superseded|stuck))*)?$"),
        ("cursor" = Option<String>, Query, pattern = "^[0-9]{0,18}$"), ("limit" = Option<i64>, Query, minimum = 1, maximum = 200)),
    responses((status = 200, body = List<ChangeView>)))]
pub async fn list(State(portal): State<Portal>, Extension(actor): Extension<Actor>, query: Query) -> Answer<List<ChangeView>> {
    let query = query.only(&["component", "environment", "state", "cursor", "limit"])?;
    let component = query.get("component");
    match component.and_then(cron_job_of) {
        Some(cron_job) => ObjectName::parse("component", cron_job).map(|_| are_known(&portal, None, query.get("environment")))?,
        None => are_known(&portal, component, query.get("environment")),
    }?;
    let filter = ChangeFilter {
        component: component.map(str::to_owned),
        environment: query.get("environment").map(str::to_owned),
        states: query.states()?,
        alone: false,
    };
    let part = query.page()?;
    if part.cursor.as_ref().is_some_and(|cursor| cursor.parse::<i64>().is_err()) {
        return Err(invalid("cursor", "expected the `next` of the part before"));
    }
    let page = portal.engine.changes(&actor, &filter, part).await?;
    Ok(Json(List { items: page.items.iter().map(|change| view(&portal, change)).collect(), next: page.next }))
}

/// One change, by its id or its label
#[utoipa::path(get, operation_id = "get_change", path = "/api/v1/changes/{id}", tag = "changes", params(("id" = String, Path, description = "An id, or a label: CH-12")),
    responses((status = 200, body = ChangeView)))]
pub async fn show(
    State(portal): State<Portal>,
    Extension(actor): Extension<Actor>,
    PathId(id): PathId,
    query: Query,
) -> Answer<ChangeView> {
    query.only(&[])?;
    let change = portal.engine.change(&actor, &id).await?;
    let mut view = view(&portal, &change);
    view.gates = portal.engine.gates(&actor, &change).await?;
    view.approvers = portal.engine.approvers(&actor, &change).await?;
    view.plan.usual = portal.engine.usual(&actor, &change.plan).await?;
    Ok(Json(view))
}

/// Why a change did what it did, oldest first: what was done to it, what was seen and decided, and what the API server answered
#[utoipa::path(get, operation_id = "explain_change", path = "/api/v1/changes/{id}/explain", tag = "changes", params(("id" = String, Path, description = "An id, or a label: CH-12")),
    responses((status = 200, body = List<Line>)))]
pub async fn explain(
    State(portal): State<Portal>,
    Extension(actor): Extension<Actor>,
    PathId(id): PathId,
    query: Query,
) -> Answer<List<Line>> {
    query.only(&[])?;
    Ok(Json(List { items: portal.engine.story(&actor, &id).await?, next: None }))
}
