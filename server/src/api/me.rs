//! Who am I: what a script asks first.

use super::Answer;
use axum::{Extension, Json};
use domain::access::{Actor, Role, Scope};
use serde::Serialize;
use utoipa::ToSchema;

#[derive(Serialize, ToSchema)]
pub struct Me {
    name: String,
    title: String,
    teams: Vec<String>,
    roles: Vec<Role>,
    /// How far this token or session reaches: `read`, `change`, `approve`, `incident`, `admin`.
    scopes: Vec<&'static str>,
    /// `session` or `token`.
    via: &'static str,
}

/// The person behind this token or session
#[utoipa::path(get, operation_id = "who_am_i", path = "/api/v1/me", tag = "access", responses((status = 200, body = Me)))]
pub async fn show(Extension(actor): Extension<Actor>) -> Answer<Me> {
    // Whoever is signed in may know who they are, whatever the scopes: it is how one finds out which are missing.
    let Actor { person, scopes, via } = actor;
    let scopes = scopes.into_iter().map(Scope::as_str).collect();
    Ok(Json(Me { name: person.name, title: person.title, teams: person.teams, roles: person.roles, scopes, via }))
}
