//! Release trains: several promotions, asked for and decided on together.

use super::body::{JsonObject, fields, invalid};
use super::changes::{Approval, Rejection, Stop, are_known, idempotency_key};
use super::path::PathId;
use super::query::Query;
use super::{Answer, List};
use crate::portal::Portal;
use crate::problem::Problem;
use axum::extract::State;
use axum::response::{IntoResponse, Response};
use axum::{Extension, Json};
use domain::access::Actor;
use domain::changes::{PlanView, Train, TrainRequest, TrainView, reason};
use domain::names::Name;
use http::header::LOCATION;
use http::{HeaderMap, StatusCode};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

/// Promotions to ask for together.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct TrainRequested {
    /// Each once; their order does not matter.
    #[schema(value_type = Vec<String>, min_items = 1, max_items = 20)]
    components: Vec<Name>,
    #[schema(value_type = String, pattern = r"^[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?$")]
    environment: Name,
    #[schema(value_type = String, pattern = r"^[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?$")]
    from: Name,
    #[schema(max_length = 2000, pattern = r"^[^\u0000-\u0008\u000B\u000C\u000E-\u001F\u007F-\u009F]*$")]
    reason: String,
}

fn read(body: serde_json::Map<String, serde_json::Value>) -> Result<TrainRequest, Problem> {
    let TrainRequested { components, environment, from, reason: why } = fields(body)?;
    Ok(TrainRequest::new(components, environment, from, reason("reason", &why)?)?)
}

fn view(portal: &Portal, train: &Train) -> TrainView {
    TrainView::of(train, |change| portal.engine.progress(change))
}

/// Release trains, newest first
#[utoipa::path(get, operation_id = "list_trains", path = "/api/v1/trains", tag = "trains",
    params(("environment" = Option<String>, Query, pattern = r"^([a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?)?$"),
        ("cursor" = Option<String>, Query, pattern = "^[0-9]{0,18}$"), ("limit" = Option<i64>, Query, minimum = 1, maximum = 200)),
    responses((status = 200, body = List<TrainView>)))]
pub async fn list(State(portal): State<Portal>, Extension(actor): Extension<Actor>, query: Query) -> Answer<List<TrainView>> {
    let query = query.only(&["environment", "cursor", "limit"])?;
    are_known(&portal, None, query.get("environment"))?;
    let part = query.page()?;
    if part.cursor.as_ref().is_some_and(|cursor| cursor.parse::<i64>().is_err()) {
        return Err(invalid("cursor", "expected the `next` of the part before"));
    }
    let page = portal.engine.trains(&actor, query.get("environment"), part).await?;
    Ok(Json(List { items: page.items.iter().map(|train| view(&portal, train)).collect(), next: page.next }))
}

/// Ask for several promotions together
///
/// All plans are made now; the first that is refused refuses the train. They are carried out one after another, what others depend on
/// first, and the first that ends badly stops those that have not begun.
#[utoipa::path(post, operation_id = "ask_for_train", path = "/api/v1/trains", tag = "trains",
    params(("Idempotency-Key" = Option<String>, Header, min_length = 1, max_length = 200, pattern = "^[!-~]+$")),
    request_body = TrainRequested,
    responses((status = 201, body = TrainView, headers(("Location" = String, description = "The train")))))]
pub async fn create(
    State(portal): State<Portal>,
    Extension(actor): Extension<Actor>,
    headers: HeaderMap,
    JsonObject { bytes, fields }: JsonObject,
) -> Result<Response, Problem> {
    let key = idempotency_key(&headers, &bytes)?;
    let train = view(&portal, &portal.engine.ask_train(&actor, &read(fields)?, key).await?);
    Ok((StatusCode::CREATED, [(LOCATION, train.links.this.clone())], Json(train)).into_response())
}

/// One of the plans that a train would have, or the refusal.
#[derive(Serialize, ToSchema)]
pub struct Planned {
    component: String,
    plan: Option<PlanView>,
    /// `code` and `detail`, as an error has them.
    refused: Option<Refused>,
}

#[derive(Serialize, ToSchema)]
pub struct Refused {
    code: String,
    detail: String,
}

/// The plans that a train would have, in the order of their turns; nothing is stored
#[utoipa::path(post, operation_id = "preview_train", path = "/api/v1/trains/preview", tag = "trains", request_body = TrainRequested, responses((status = 200, body = List<Planned>)))]
pub async fn preview(
    State(portal): State<Portal>,
    Extension(actor): Extension<Actor>,
    JsonObject { fields, .. }: JsonObject,
) -> Answer<List<Planned>> {
    let plans = portal.engine.preview_train(&actor, &read(fields)?).await?;
    let one = |(component, plan): (String, domain::Result<domain::changes::Plan>)| match plan {
        Ok(plan) => Planned { component, plan: Some(PlanView::of(&plan, &plan.digest())), refused: None },
        Err(error) => {
            Planned { component, plan: None, refused: Some(Refused { code: error.code().to_owned(), detail: error.to_string() }) }
        }
    };
    Ok(Json(List::whole(plans.into_iter().map(one).collect())))
}

/// One train, by its id or its label
#[utoipa::path(get, operation_id = "get_train", path = "/api/v1/trains/{id}", tag = "trains", params(("id" = String, Path, description = "An id, or a label: TR-3")),
    responses((status = 200, body = TrainView)))]
pub async fn show(State(portal): State<Portal>, Extension(actor): Extension<Actor>, PathId(id): PathId, query: Query) -> Answer<TrainView> {
    query.only(&[])?;
    Ok(Json(view(&portal, &portal.engine.train(&actor, &id).await?)))
}

/// Approve all plans of the train with this digest, and no others
#[utoipa::path(post, operation_id = "approve_train", path = "/api/v1/trains/{id}/approve", tag = "trains", params(("id" = String, Path)), request_body = Approval,
    responses((status = 200, body = TrainView)))]
pub async fn approve(
    State(portal): State<Portal>,
    Extension(actor): Extension<Actor>,
    PathId(id): PathId,
    JsonObject { fields: body, .. }: JsonObject,
) -> Answer<TrainView> {
    let body: Approval = fields(body)?;
    let train = portal.engine.approve_train(&actor, &id, &body.digest, &reason("reason", &body.reason)?).await?;
    Ok(Json(view(&portal, &train)))
}

/// Reject: a rejection ends all of it
#[utoipa::path(post, operation_id = "reject_train", path = "/api/v1/trains/{id}/reject", tag = "trains", params(("id" = String, Path)), request_body = Rejection,
    responses((status = 200, body = TrainView)))]
pub async fn reject(
    State(portal): State<Portal>,
    Extension(actor): Extension<Actor>,
    PathId(id): PathId,
    JsonObject { fields: body, .. }: JsonObject,
) -> Answer<TrainView> {
    let body: Rejection = fields(body)?;
    let train = portal.engine.reject_train(&actor, &id, body.digest.as_deref(), &reason("reason", &body.reason)?).await?;
    Ok(Json(view(&portal, &train)))
}

/// Abort what has not ended; what has not begun does not begin
#[utoipa::path(post, operation_id = "abort_train", path = "/api/v1/trains/{id}/abort", tag = "trains", params(("id" = String, Path)), request_body = Stop,
    responses((status = 200, body = TrainView)))]
pub async fn abort(
    State(portal): State<Portal>,
    Extension(actor): Extension<Actor>,
    PathId(id): PathId,
    JsonObject { fields: body, .. }: JsonObject,
) -> Answer<TrainView> {
    let body: Stop = fields(body)?;
    let train = portal.engine.abort_train(&actor, &id, &reason("reason", &body.reason)?).await?;
    Ok(Json(view(&portal, &train)))
}
