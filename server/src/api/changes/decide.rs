//! Deciding on a change, and stopping it.

use super::view;
use crate::api::Answer;
use crate::api::body::{JsonObject, OptionalJsonObject, fields};
use crate::api::path::PathId;
use crate::portal::Portal;
use axum::extract::State;
use axum::{Extension, Json};
use domain::access::Actor;
use domain::changes::{ChangeView, reason};
use serde::Deserialize;
use utoipa::ToSchema;

#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Approval {
    /// The digest of the plan that was looked at.
    #[schema(max_length = 200)]
    pub(in crate::api) digest: String,
    #[serde(default)]
    #[schema(max_length = 2000, pattern = r"^[^\u0000-\u0008\u000B\u000C\u000E-\u001F\u007F-\u009F]*$")]
    pub(in crate::api) reason: String,
}

/// Approve the plan with this digest, and no other
#[utoipa::path(post, operation_id = "approve_change", path = "/api/v1/changes/{id}/approve", tag = "changes", params(("id" = String, Path)), request_body = Approval,
    responses((status = 200, body = ChangeView)))]
pub async fn approve(
    State(portal): State<Portal>,
    Extension(actor): Extension<Actor>,
    PathId(id): PathId,
    JsonObject { fields: body, .. }: JsonObject,
) -> Answer<ChangeView> {
    let body: Approval = fields(body)?;
    let change = portal.engine.approve(&actor, &id, &body.digest, &reason("reason", &body.reason)?).await?;
    Ok(Json(view(&portal, &change)))
}

#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Rejection {
    /// When given, the plan must still have it.
    #[schema(max_length = 200)]
    pub(in crate::api) digest: Option<String>,
    #[schema(
        max_length = 2000,
        pattern = r"^[^\u0000-\u0008\u000B\u000C\u000E-\u001F\u007F-\u009F]*[^\s\u0000-\u001F\u007F-\u009F][^\u0000-\u0008\u000B\u000C\u000E-\u001F\u007F-\u009F]*$"
    )]
    pub(in crate::api) reason: String,
}

/// Reject: a rejection ends the change
#[utoipa::path(post, operation_id = "reject_change", path = "/api/v1/changes/{id}/reject", tag = "changes", params(("id" = String, Path)), request_body = Rejection,
    responses((status = 200, body = ChangeView)))]
pub async fn reject(
    State(portal): State<Portal>,
    Extension(actor): Extension<Actor>,
    PathId(id): PathId,
    JsonObject { fields: body, .. }: JsonObject,
) -> Answer<ChangeView> {
    let body: Rejection = fields(body)?;
    let change = portal.engine.reject(&actor, &id, body.digest.as_deref(), &reason("reason", &body.reason)?).await?;
    Ok(Json(view(&portal, &change)))
}

#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Stop {
    #[schema(max_length = 2000, pattern = r"^[^\u0000-\u0008\u000B\u000C\u000E-\u001F\u007F-\u009F]*$")]
    pub(in crate::api) reason: String,
}

/// Abort a change that has not been written to the cluster yet
#[utoipa::path(post, operation_id = "abort_change", path = "/api/v1/changes/{id}/abort", tag = "changes", params(("id" = String, Path)), request_body = Stop,
    responses((status = 200, body = ChangeView)))]
pub async fn abort(
    State(portal): State<Portal>,
    Extension(actor): Extension<Actor>,
    PathId(id): PathId,
    JsonObject { fields: body, .. }: JsonObject,
) -> Answer<ChangeView> {
    let body: Stop = fields(body)?;
    let change = portal.engine.abort(&actor, &id, &reason("reason", &body.reason)?).await?;
    Ok(Json(view(&portal, &change)))
}

#[derive(Default, Deserialize, ToSchema)]
#[serde(deny_unknown_fields, default)]
pub struct Withdrawal {
    #[schema(max_length = 2000, pattern = r"^[^\u0000-\u0008\u000B\u000C\u000E-\u001F\u007F-\u009F]*$")]
    reason: String,
}

/// Take back one's own approval, before the change is executed
#[utoipa::path(post, operation_id = "withdraw_vote", path = "/api/v1/changes/{id}/withdraw", tag = "changes", params(("id" = String, Path)),
    request_body = Option<Withdrawal>, responses((status = 200, body = ChangeView)))]
pub async fn withdraw(
    State(portal): State<Portal>,
    Extension(actor): Extension<Actor>,
    PathId(id): PathId,
    OptionalJsonObject(body): OptionalJsonObject,
) -> Answer<ChangeView> {
    let body: Withdrawal = fields(body)?;
    let change = portal.engine.withdraw(&actor, &id, &reason("reason", &body.reason)?).await?;
    Ok(Json(view(&portal, &change)))
}

#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Breaking {
    /// The digest of the plan that was looked at.
    #[schema(max_length = 200)]
    digest: String,
    /// Why it cannot wait: the review judges it.
    #[schema(
        max_length = 2000,
        pattern = r"^[^\u0000-\u0008\u000B\u000C\u000E-\u001F\u007F-\u009F]*[^\s\u0000-\u001F\u007F-\u009F][^\u0000-\u0008\u000B\u000C\u000E-\u001F\u007F-\u009F]*$"
    )]
    reason: String,
}

/// Break the glass: let a change through without its votes and while its environment is closed
///
/// For an administrator, or whoever is primary on call. It opens a review that another person closes within a day.
#[utoipa::path(post, operation_id = "break_glass", path = "/api/v1/changes/{id}/break-glass", tag = "changes", params(("id" = String, Path)), request_body = Breaking,
    responses((status = 200, body = ChangeView)))]
pub async fn break_glass(
    State(portal): State<Portal>,
    Extension(actor): Extension<Actor>,
    PathId(id): PathId,
    JsonObject { fields: body, .. }: JsonObject,
) -> Answer<ChangeView> {
    let body: Breaking = fields(body)?;
    let change = portal.engine.break_glass(&actor, &id, &body.digest, &reason("reason", &body.reason)?).await?;
    Ok(Json(view(&portal, &change)))
}
