//! What is declared and what runs: the matrix, components, environments, deployment records.

use super::path::PathName;
use super::query::Query;
use super::{Answer, List};
use crate::portal::Portal;
use axum::extract::State;
use axum::{Extension, Json};
use domain::access::Actor;
use domain::clusters::{ComponentView, Declared, EnvironmentHead, EnvironmentView, Matrix};
use domain::releases::DeploymentRecord;
use serde::Serialize;
use utoipa::ToSchema;

/// Every component in every environment
#[utoipa::path(get, operation_id = "get_matrix", path = "/api/v1/matrix", tag = "catalog", responses((status = 200, body = Matrix)))]
pub async fn matrix(State(portal): State<Portal>, Extension(actor): Extension<Actor>, query: Query) -> Answer<Matrix> {
    query.only(&[])?;
    Ok(Json(portal.engine.matrix(&actor).await?))
}

/// A component, as the list names it.
#[derive(Serialize, ToSchema)]
pub struct ComponentHead {
    name: String,
    title: String,
    declared: Declared,
}

/// All components
#[utoipa::path(get, operation_id = "list_components", path = "/api/v1/components", tag = "catalog", responses((status = 200, body = List<ComponentHead>)))]
pub async fn components(State(portal): State<Portal>, Extension(actor): Extension<Actor>, query: Query) -> Answer<List<ComponentHead>> {
    query.only(&[])?;
    domain::access::authorize(&actor, domain::access::Verb::Read)?;
    let catalog = portal.engine.catalog();
    let head = |c: &domain::catalog::Component| ComponentHead {
        name: c.name.clone(),
        title: c.title.clone(),
        declared: Declared::of(c, &catalog),
    };
    Ok(Json(List::whole(catalog.components.iter().map(head).collect())))
}

/// A component, declared and observed
#[utoipa::path(get, operation_id = "get_component", path = "/api/v1/components/{component}", tag = "catalog",
    params(("component" = String, Path, pattern = r"^[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?$")), responses((status = 200, body = ComponentView)))]
pub async fn component(
    State(portal): State<Portal>,
    Extension(actor): Extension<Actor>,
    PathName(name): PathName,
    query: Query,
) -> Answer<ComponentView> {
    query.only(&[])?;
    Ok(Json(portal.engine.component(&actor, name.as_str()).await?))
}

/// What was deployed of a component, newest first
#[utoipa::path(get, operation_id = "list_deployments", path = "/api/v1/components/{component}/deployments", tag = "catalog",
    params(("component" = String, Path, pattern = r"^[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?$"), ("environment" = Option<String>, Query, pattern = r"^([a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?)?$"),
        ("cursor" = Option<String>, Query, pattern = "^[A-Za-z0-9_-]{0,64}$"), ("limit" = Option<i64>, Query, minimum = 1, maximum = 200)),
    responses((status = 200, body = List<DeploymentRecord>)))]
pub async fn deployments(
    State(portal): State<Portal>,
    Extension(actor): Extension<Actor>,
    PathName(name): PathName,
    query: Query,
) -> Answer<List<DeploymentRecord>> {
    let query = query.only(&["environment", "cursor", "limit"])?;
    let page = portal.engine.deployments(&actor, name.as_str(), query.get("environment"), query.page()?).await?;
    Ok(Json(List { items: page.items, next: page.next }))
}

/// All environments, by stage
#[utoipa::path(get, operation_id = "list_environments", path = "/api/v1/environments", tag = "catalog", responses((status = 200, body = List<EnvironmentHead>)))]
pub async fn environments(State(portal): State<Portal>, Extension(actor): Extension<Actor>, query: Query) -> Answer<List<EnvironmentHead>> {
    query.only(&[])?;
    Ok(Json(List::whole(portal.engine.matrix(&actor).await?.environments)))
}

/// An environment, declared and observed
#[utoipa::path(get, operation_id = "get_environment", path = "/api/v1/environments/{environment}", tag = "catalog",
    params(("environment" = String, Path, pattern = r"^[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?$")), responses((status = 200, body = EnvironmentView)))]
pub async fn environment(
    State(portal): State<Portal>,
    Extension(actor): Extension<Actor>,
    PathName(name): PathName,
    query: Query,
) -> Answer<EnvironmentView> {
    query.only(&[])?;
    Ok(Json(portal.engine.environment(&actor, name.as_str()).await?))
}
