//! What load balancers and Prometheus ask. Nobody needs to be signed in for it, and nothing in it is about a person.

use crate::portal::Portal;
use crate::problem::Problem;
use axum::Json;
use axum::extract::State;
use axum::response::{IntoResponse, Response};
use http::header::CONTENT_TYPE;
use serde::Serialize;
use utoipa::ToSchema;

#[derive(Serialize, ToSchema)]
pub struct Health {
    /// `ok`
    status: &'static str,
}

const OK: Health = Health { status: "ok" };

/// Alive: this process answers
#[utoipa::path(get, operation_id = "is_alive", path = "/healthz", tag = "health", responses((status = 200, body = Health)), security(()))]
pub async fn alive() -> Json<Health> {
    Json(OK)
}

/// Ready: the database answers, and every cluster was listed or is known to be away
#[utoipa::path(get, operation_id = "is_ready", path = "/readyz", tag = "health", responses((status = 200, body = Health)), security(()))]
pub async fn ready(State(portal): State<Portal>) -> Result<Json<Health>, Problem> {
    if portal.stopping.is_cancelled() {
        return Err(Problem::not_ready(vec!["the portal is stopping".to_owned()]));
    }
    portal.engine.ready().await.map_err(Problem::not_ready)?;
    Ok(Json(OK))
}

/// Figures in Prometheus' text format
#[utoipa::path(get, operation_id = "get_metrics", path = "/metrics", tag = "health", responses((status = 200, body = String, content_type = "text/plain")), security(()))]
pub async fn metrics(State(portal): State<Portal>) -> Response {
    ([(CONTENT_TYPE, "text/plain; version=0.0.4; charset=utf-8")], portal.engine.metrics_text().await).into_response()
}
