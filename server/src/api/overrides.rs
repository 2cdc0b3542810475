//! What people arrange: overrides and swaps.

use super::body::{JsonObject, fields};
use super::changes::idempotency_key;
use super::oncall::when;
use super::path::{PathId, PathName, PathNameAndId};
use super::query::Query;
use super::{Answer, List};
use crate::portal::Portal;
use crate::problem::Problem;
use axum::extract::State;
use axum::response::{IntoResponse, Response};
use axum::{Extension, Json};
use domain::access::{Actor, Verb, authorize};
use domain::changes::reason;
use domain::oncall::overrides::{SwapState, Window};
use domain::oncall::view::{OverrideView, PreviewView, SwapView};
use domain::oncall::{Participant, Wanted};
use engine::oncall::Offer;
use http::header::LOCATION;
use http::{HeaderMap, StatusCode};
use serde::Deserialize;
use utoipa::ToSchema;

/// A window of a role, for somebody else.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = OverrideRequest)]
pub struct Asked {
    #[schema(pattern = r"^[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?$")]
    role: String,
    /// `team:NAME`, or a person's name.
    #[schema(max_length = 80)]
    participant: String,
    #[schema(format = DateTime)]
    starts: String,
    #[schema(format = DateTime)]
    ends: String,
    #[serde(default)]
    #[schema(max_length = 2000, pattern = r"^[^\u0000-\u0008\u000B\u000C\u000E-\u001F\u007F-\u009F]*$")]
    reason: String,
}

impl Asked {
    fn wanted(self) -> domain::Result<Wanted> {
        Ok(Wanted {
            role: self.role,
            participant: Participant::from(self.participant),
            starts: when("starts", &self.starts)?,
            ends: when("ends", &self.ends)?,
            reason: reason("reason", &self.reason)?,
        })
    }
}

/// The overrides of a rotation, by their start
#[utoipa::path(get, operation_id = "list_overrides", path = "/api/v1/rotations/{rotation}/overrides", tag = "on-call",
    params(("rotation" = String, Path, pattern = r"^[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?$")), responses((status = 200, body = List<OverrideView>)))]
pub async fn list(
    State(portal): State<Portal>,
    Extension(actor): Extension<Actor>,
    PathName(name): PathName,
    query: Query,
) -> Answer<List<OverrideView>> {
    authorize(&actor, Verb::Read)?;
    query.only(&[])?;
    let now = portal.engine.now();
    let held = portal.engine.rotation_around(&actor, name.as_str(), now, now.plus_seconds(1)).await?;
    Ok(Json(List::whole(held.overrides.into_iter().map(OverrideView::from).collect())))
}

/// Take a window of a role, or give it to somebody
///
/// From now on only. One that overlaps another of the same role is refused: 409 `override_overlaps`.
#[utoipa::path(post, operation_id = "create_override", path = "/api/v1/rotations/{rotation}/overrides", tag = "on-call",
    params(("rotation" = String, Path, pattern = r"^[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?$"),
        ("Idempotency-Key" = Option<String>, Header, min_length = 1, max_length = 200, pattern = "^[!-~]+$")),
    request_body = Asked, responses((status = 201, body = OverrideView, headers(("Location" = String, description = "The override")))))]
pub async fn create(
    State(portal): State<Portal>,
    Extension(actor): Extension<Actor>,
    PathName(name): PathName,
    headers: HeaderMap,
    JsonObject { bytes, fields: body }: JsonObject,
) -> Result<Response, Problem> {
    authorize(&actor, Verb::Respond)?;
    let key = idempotency_key(&headers, &bytes)?;
    let wanted = fields::<Asked>(body)?.wanted()?;
    let made = portal.engine.arrange(&actor, name.as_str(), wanted, key).await?.made;
    let location = format!("/api/v1/rotations/{}/overrides/{}", made.rotation, made.id);
    Ok((StatusCode::CREATED, [(LOCATION, location)], Json(OverrideView::from(made))).into_response())
}

/// What an override would change, in words; nothing is stored
#[utoipa::path(post, operation_id = "preview_override", path = "/api/v1/rotations/{rotation}/overrides/preview", tag = "on-call",
    params(("rotation" = String, Path, pattern = r"^[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?$")), request_body = Asked, responses((status = 200, body = PreviewView)))]
pub async fn preview(
    State(portal): State<Portal>,
    Extension(actor): Extension<Actor>,
    PathName(name): PathName,
    JsonObject { fields: body, .. }: JsonObject,
) -> Answer<PreviewView> {
    authorize(&actor, Verb::Respond)?;
    let wanted = fields::<Asked>(body)?.wanted()?;
    Ok(Json(portal.engine.preview_override(&actor, name.as_str(), wanted).await?))
}

/// Take an override back: what has been of it stays, and a swap is undone on both sides
#[utoipa::path(delete, operation_id = "undo_override", path = "/api/v1/rotations/{rotation}/overrides/{id}", tag = "on-call",
    params(("rotation" = String, Path, pattern = r"^[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?$"), ("id" = String, Path)), responses((status = 200, description = "What is left of it", body = OverrideView)))]
pub async fn undo(
    State(portal): State<Portal>,
    Extension(actor): Extension<Actor>,
    PathNameAndId(name, id): PathNameAndId,
) -> Answer<OverrideView> {
    Ok(Json(portal.engine.undo_override(&actor, name.as_str(), &id).await?.into()))
}

/// An offer: one window for another.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = SwapRequest)]
pub struct Offered {
    #[schema(pattern = r"^[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?$")]
    role: String,
    /// Who holds `take`: `team:NAME`, or a person's name.
    #[schema(max_length = 80)]
    with: String,
    give: Window,
    take: Window,
    #[serde(default)]
    #[schema(max_length = 2000, pattern = r"^[^\u0000-\u0008\u000B\u000C\u000E-\u001F\u007F-\u009F]*$")]
    reason: String,
}

/// Offers to swap that wait for an answer
#[utoipa::path(get, operation_id = "list_swaps", path = "/api/v1/rotations/{rotation}/swaps", tag = "on-call",
    params(("rotation" = String, Path, pattern = r"^[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?$")), responses((status = 200, body = List<SwapView>)))]
pub async fn swaps(
    State(portal): State<Portal>,
    Extension(actor): Extension<Actor>,
    PathName(name): PathName,
    query: Query,
) -> Answer<List<SwapView>> {
    authorize(&actor, Verb::Read)?;
    query.only(&[])?;
    Ok(Json(List::whole(portal.engine.swaps(&actor, name.as_str()).await?.into_iter().map(SwapView::from).collect())))
}

/// Offer a swap: it becomes two overrides when the other side accepts
#[utoipa::path(post, operation_id = "offer_swap", path = "/api/v1/rotations/{rotation}/swaps", tag = "on-call",
    params(("rotation" = String, Path, pattern = r"^[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?$"),
        ("Idempotency-Key" = Option<String>, Header, min_length = 1, max_length = 200, pattern = "^[!-~]+$")),
    request_body = Offered, responses((status = 201, body = SwapView)))]
pub async fn offer(
    State(portal): State<Portal>,
    Extension(actor): Extension<Actor>,
    PathName(name): PathName,
    headers: HeaderMap,
    JsonObject { bytes, fields: body }: JsonObject,
) -> Result<Response, Problem> {
    authorize(&actor, Verb::Respond)?;
    let key = idempotency_key(&headers, &bytes)?;
    let asked: Offered = fields(body)?;
    let reason = reason("reason", &asked.reason)?;
    let offer = Offer { role: asked.role, with: Participant::from(asked.with), give: asked.give, take: asked.take, reason };
    let made = portal.engine.offer_swap(&actor, name.as_str(), offer, key).await?.made;
    Ok((StatusCode::CREATED, Json(SwapView::from(made))).into_response())
}

/// Consent to a swap
#[utoipa::path(post, operation_id = "accept_swap", path = "/api/v1/swaps/{id}/accept", tag = "on-call", params(("id" = String, Path)), responses((status = 200, body = SwapView)))]
pub async fn accept(State(portal): State<Portal>, Extension(actor): Extension<Actor>, PathId(id): PathId) -> Answer<SwapView> {
    Ok(Json(portal.engine.answer_swap(&actor, &id, SwapState::Accepted).await?.into()))
}

/// Decline a swap
#[utoipa::path(post, operation_id = "decline_swap", path = "/api/v1/swaps/{id}/decline", tag = "on-call", params(("id" = String, Path)), responses((status = 200, body = SwapView)))]
pub async fn decline(State(portal): State<Portal>, Extension(actor): Extension<Actor>, PathId(id): PathId) -> Answer<SwapView> {
    Ok(Json(portal.engine.answer_swap(&actor, &id, SwapState::Declined).await?.into()))
}

/// Take one's own offer back
#[utoipa::path(post, operation_id = "withdraw_swap", path = "/api/v1/swaps/{id}/withdraw", tag = "on-call", params(("id" = String, Path)), responses((status = 200, body = SwapView)))]
pub async fn withdraw(State(portal): State<Portal>, Extension(actor): Extension<Actor>, PathId(id): PathId) -> Answer<SwapView> {
    Ok(Json(portal.engine.answer_swap(&actor, &id, SwapState::Withdrawn).await?.into()))
}
