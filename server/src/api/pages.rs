//! Pages: made, listed, looked at, acknowledged.

use super::body::{JsonObject, fields};
use super::changes::idempotency_key;
use super::path::PathId;
use super::query::Query;
use super::{Answer, List};
use crate::portal::Portal;
use crate::problem::Problem;
use axum::extract::State as Extract;
use axum::response::{IntoResponse, Response};
use axum::{Extension, Json};
use domain::Error;
use domain::access::{Actor, Verb, authorize};
use domain::names::shorten;
use domain::pages::Page;
use engine::Paging;
use http::header::LOCATION;
use http::{HeaderMap, StatusCode};
use serde::Deserialize;
use utoipa::ToSchema;

/// Pages, newest first
///
/// `state=open` is every one that nobody has acknowledged.
#[utoipa::path(get, operation_id = "list_pages", path = "/api/v1/pages", tag = "pages",
    params(("state" = Option<String>, Query, pattern = "^(open|all)?$"), ("cursor" = Option<String>, Query, pattern = "^[0-9]{0,18}$"),
        ("limit" = Option<i64>, Query, minimum = 1, maximum = 200)),
    responses((status = 200, body = List<Page>)))]
pub async fn list(Extract(portal): Extract<Portal>, Extension(actor): Extension<Actor>, query: Query) -> Answer<List<Page>> {
    authorize(&actor, Verb::Read)?;
    let query = query.only(&["state", "cursor", "limit"])?;
    let page = query.page()?;
    if page.cursor.as_ref().is_some_and(|cursor| cursor.parse::<i64>().is_err()) {
        return Err(Error::invalid("cursor", "expected the `next` of the part before").into());
    }
    let open_only = match query.get("state") {
        None | Some("all") => false,
        Some("open") => true,
        Some(other) => {
            return Err(Error::invalid("state", format!("`{}` is not a state: expected one of open, all", shorten(other))).into());
        }
    };
    let found = portal.engine.pages(&actor, open_only, page).await?;
    Ok(Json(List { items: found.items, next: found.next }))
}

/// One page with what became of its deliveries, by its id or its label
#[utoipa::path(get, operation_id = "get_page", path = "/api/v1/pages/{id}", tag = "pages", params(("id" = String, Path, description = "An id, or a label: PG-12")),
    responses((status = 200, body = Page)))]
pub async fn show(Extract(portal): Extract<Portal>, Extension(actor): Extension<Actor>, PathId(id): PathId, query: Query) -> Answer<Page> {
    authorize(&actor, Verb::Read)?;
    query.only(&[])?;
    Ok(Json(portal.engine.page(&actor, &id).await?))
}

#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = PageRequest)]
pub struct Asked {
    /// A person by name, or whoever holds a role now: `on-call:ROTATION/ROLE`
    #[schema(min_length = 1)]
    to: String,
    /// What whoever is woken reads first.
    #[schema(min_length = 1, max_length = 2000, pattern = r"^[^\u0000-\u0008\u000B\u000C\u000E-\u001F\u007F-\u009F]*$")]
    reason: String,
    /// An id, or a label: INC-12
    incident: Option<String>,
}

/// Page somebody
///
/// Over every channel that reaches them. 409 `role_unfilled` when nobody holds the role now, `no_channel` when no channel reaches anybody.
#[utoipa::path(post, operation_id = "send_page", path = "/api/v1/pages", tag = "pages",
    params(("Idempotency-Key" = Option<String>, Header, min_length = 1, max_length = 200, pattern = "^[!-~]+$")),
    request_body = Asked, responses((status = 201, body = Page, headers(("Location" = String, description = "The page")))))]
pub async fn create(
    Extract(portal): Extract<Portal>,
    Extension(actor): Extension<Actor>,
    headers: HeaderMap,
    JsonObject { bytes, fields: body }: JsonObject,
) -> Result<Response, Problem> {
    authorize(&actor, Verb::Respond)?;
    let key = idempotency_key(&headers, &bytes)?;
    let Asked { to, reason, incident } = fields(body)?;
    let made = portal.engine.send_page(&actor, Paging { to, reason, incident }, key).await?.made;
    let location = format!("/api/v1/pages/{}", made.id);
    Ok((StatusCode::CREATED, [(LOCATION, location)], Json(made)).into_response())
}

/// Say that somebody is on it: what has not left does not leave any more
#[utoipa::path(post, operation_id = "acknowledge_page", path = "/api/v1/pages/{id}/acknowledge", tag = "pages", params(("id" = String, Path)),
    responses((status = 200, body = Page)))]
pub async fn acknowledge(Extract(portal): Extract<Portal>, Extension(actor): Extension<Actor>, PathId(id): PathId) -> Answer<Page> {
    Ok(Json(portal.engine.acknowledge_page(&actor, &id).await?))
}
