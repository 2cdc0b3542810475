//! Freezes: stops of changes, set and lifted by approvers.

use super::body::{JsonObject, OptionalJsonObject, fields, invalid};
use super::path::PathId;
use super::query::Query;
use super::{Answer, List};
use crate::portal::Portal;
use crate::problem::Problem;
use axum::extract::State;
use axum::response::{IntoResponse, Response};
use axum::{Extension, Json};
use domain::access::Actor;
use domain::changes::freeze::{Freeze, Scope};
use domain::changes::reason;
use domain::names::Name;
use domain::{Error, Time};
use engine::NewFreeze;
use http::header::LOCATION;
use http::{HeaderMap, StatusCode};
use serde::Deserialize;
use utoipa::ToSchema;

/// Freezes in force or to come, newest first; with `state=all` also those that are over
#[utoipa::path(get, operation_id = "list_freezes", path = "/api/v1/freezes", tag = "changes",
    params(("environment" = Option<String>, Query, pattern = r"^([a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?)?$"), ("state" = Option<String>, Query, pattern = "^(open|all)?$")),
    responses((status = 200, body = List<Freeze>)))]
pub async fn list(State(portal): State<Portal>, Extension(actor): Extension<Actor>, query: Query) -> Answer<List<Freeze>> {
    let query = query.only(&["environment", "state"])?;
    let environment = query.get("environment");
    super::changes::are_known(&portal, None, environment)?;
    Ok(Json(List::whole(portal.engine.freezes(&actor, environment, all(&query)?).await?)))
}

/// `state=open`, which is the default, or `state=all`.
pub(super) fn all(query: &Query) -> domain::Result<bool> {
    match query.get("state") {
        None | Some("open") => Ok(false),
        Some("all") => Ok(true),
        Some(_) => Err(Error::invalid("state", "expected open or all")),
    }
}

#[derive(Clone, Copy, Default, PartialEq, Eq, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum Reach {
    #[default]
    Environment,
    Production,
}

#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Freezing {
    /// `environment`, then `environment` names it; or `production`: all production environments.
    #[serde(default)]
    scope: Reach,
    #[schema(value_type = Option<String>, pattern = r"^[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?$")]
    environment: Option<Name>,
    #[schema(
        max_length = 2000,
        pattern = r"^[^\u0000-\u0008\u000B\u000C\u000E-\u001F\u007F-\u009F]*[^\s\u0000-\u001F\u007F-\u009F][^\u0000-\u0008\u000B\u000C\u000E-\u001F\u007F-\u009F]*$"
    )]
    reason: String,
    /// Left out: now.
    #[schema(value_type = Option<String>, format = DateTime)]
    from: Option<Time>,
    /// Left out: until somebody lifts it.
    #[schema(value_type = Option<String>, format = DateTime)]
    until: Option<Time>,
}

impl Freezing {
    fn scope(&self) -> Result<Scope, Problem> {
        match (self.scope, &self.environment) {
            (Reach::Environment, Some(name)) => Ok(Scope::Environment(name.to_string())),
            (Reach::Environment, None) => {
                Err(invalid("environment", "missing: expected the name of an environment, or `scope` as production"))
            }
            (Reach::Production, None) => Ok(Scope::Production),
            (Reach::Production, Some(_)) => Err(invalid("environment", "expected none: `scope` is production, which is all of them")),
        }
    }
}

/// Freeze an environment, or all production environments
///
/// Nothing but a rollback is executed there until it ends or is lifted. The same `Idempotency-Key` and body give the same freeze.
#[utoipa::path(post, operation_id = "freeze", path = "/api/v1/freezes", tag = "changes",
    params(("Idempotency-Key" = Option<String>, Header, min_length = 1, max_length = 200, pattern = "^[!-~]+$")),
    request_body = Freezing, responses((status = 201, body = Freeze, headers(("Location" = String, description = "The freeze")))))]
pub async fn set(
    State(portal): State<Portal>,
    Extension(actor): Extension<Actor>,
    headers: HeaderMap,
    JsonObject { bytes, fields: body }: JsonObject,
) -> Result<Response, Problem> {
    let key = super::changes::idempotency_key(&headers, &bytes)?;
    let body: Freezing = fields(body)?;
    let new = NewFreeze { scope: body.scope()?, reason: reason("reason", &body.reason)?, from: body.from, until: body.until, key };
    let freeze = portal.engine.freeze(&actor, new).await?;
    Ok((StatusCode::CREATED, [(LOCATION, format!("/api/v1/freezes/{}", freeze.id))], Json(freeze)).into_response())
}

#[derive(Default, Deserialize, ToSchema)]
#[serde(deny_unknown_fields, default)]
pub struct Thaw {
    #[schema(max_length = 2000, pattern = r"^[^\u0000-\u0008\u000B\u000C\u000E-\u001F\u007F-\u009F]*$")]
    reason: String,
}

/// Lift a freeze
#[utoipa::path(delete, operation_id = "lift_freeze", path = "/api/v1/freezes/{id}", tag = "changes", params(("id" = String, Path)),
    request_body = Option<Thaw>, responses((status = 200, description = "The freeze that was lifted", body = Freeze)))]
pub async fn lift(
    State(portal): State<Portal>,
    Extension(actor): Extension<Actor>,
    PathId(id): PathId,
    OptionalJsonObject(body): OptionalJsonObject,
) -> Answer<Freeze> {
    let body: Thaw = fields(body)?;
    Ok(Json(portal.engine.lift_freeze(&actor, &id, &reason("reason", &body.reason)?).await?))
}
