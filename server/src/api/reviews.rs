//! Reviews of broken glasses: open until another person closes them.

use super::body::{JsonObject, fields};
use super::path::PathId;
use super::query::Query;
use super::{Answer, List};
use crate::portal::Portal;
use axum::extract::State;
use axum::{Extension, Json};
use domain::access::Actor;
use domain::changes::{Review, reason};
use serde::Deserialize;
use utoipa::ToSchema;

/// Reviews that are open, the first due first; with `state=all`, then those that are closed
#[utoipa::path(get, operation_id = "list_reviews", path = "/api/v1/reviews", tag = "changes",
    params(("state" = Option<String>, Query, pattern = "^(open|all)?$")), responses((status = 200, body = List<Review>)))]
pub async fn list(State(portal): State<Portal>, Extension(actor): Extension<Actor>, query: Query) -> Answer<List<Review>> {
    let query = query.only(&["state"])?;
    Ok(Json(List::whole(portal.engine.reviews(&actor, super::freezes::all(&query)?).await?)))
}

#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Closing {
    /// What was found, and whether anything must follow.
    #[schema(
        max_length = 2000,
        pattern = r"^[^\u0000-\u0008\u000B\u000C\u000E-\u001F\u007F-\u009F]*[^\s\u0000-\u001F\u007F-\u009F][^\u0000-\u0008\u000B\u000C\u000E-\u001F\u007F-\u009F]*$"
    )]
    note: String,
}

/// Close a review: another person than the one who broke the glass
#[utoipa::path(post, operation_id = "close_review", path = "/api/v1/reviews/{id}/close", tag = "changes", params(("id" = String, Path)), request_body = Closing,
    responses((status = 200, body = Review)))]
pub async fn close(
    State(portal): State<Portal>,
    Extension(actor): Extension<Actor>,
    PathId(id): PathId,
    JsonObject { fields: body, .. }: JsonObject,
) -> Answer<Review> {
    let body: Closing = fields(body)?;
    Ok(Json(portal.engine.close_review(&actor, &id, &reason("note", &body.note)?).await?))
}
