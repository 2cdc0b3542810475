//! Holds: releases that were rolled back, and are not deployed there again until somebody lifts the hold.

use super::body::{OptionalJsonObject, fields};
use super::path::PathId;
use super::query::Query;
use super::{Answer, List};
use crate::portal::Portal;
use axum::extract::State;
use axum::{Extension, Json};
use domain::access::Actor;
use domain::changes::{Hold, reason};
use serde::Deserialize;
use utoipa::ToSchema;

/// All holds, or those of a component or an environment
#[utoipa::path(get, operation_id = "list_holds", path = "/api/v1/holds", tag = "changes",
    params(("component" = Option<String>, Query, pattern = r"^([a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?)?$"), ("environment" = Option<String>, Query, pattern = r"^([a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?)?$")),
    responses((status = 200, body = List<Hold>)))]
pub async fn list(State(portal): State<Portal>, Extension(actor): Extension<Actor>, query: Query) -> Answer<List<Hold>> {
    let query = query.only(&["component", "environment"])?;
    let (component, environment) = (query.get("component"), query.get("environment"));
    super::changes::are_known(&portal, component, environment)?;
    Ok(Json(List::whole(portal.engine.holds(&actor, component, environment).await?)))
}

#[derive(Default, Deserialize, ToSchema)]
#[serde(deny_unknown_fields, default)]
pub struct Lift {
    #[schema(max_length = 2000, pattern = r"^[^\u0000-\u0008\u000B\u000C\u000E-\u001F\u007F-\u009F]*$")]
    reason: String,
}

/// Lift a hold: the release may be deployed there again
#[utoipa::path(delete, operation_id = "lift_hold", path = "/api/v1/holds/{id}", tag = "changes", params(("id" = String, Path)),
    request_body = Option<Lift>, responses((status = 200, description = "The hold that was lifted", body = Hold)))]
pub async fn lift(
    State(portal): State<Portal>,
    Extension(actor): Extension<Actor>,
    PathId(id): PathId,
    OptionalJsonObject(body): OptionalJsonObject,
) -> Answer<Hold> {
    let body: Lift = fields(body)?;
    Ok(Json(portal.engine.lift_hold(&actor, &id, &reason("reason", &body.reason)?).await?))
}
