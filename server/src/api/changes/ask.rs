//! Asking for a change, or for the plan that it would have.

use super::{Requested, requested, view};
use crate::api::Answer;
use crate::api::body::{JsonObject, invalid};
use crate::portal::Portal;
use crate::problem::Problem;
use axum::extract::State;
use axum::response::{IntoResponse, Response};
use axum::{Extension, Json};
use domain::access::Actor;
use domain::changes::{ChangeView, PlanView};
use domain::digest::sha256;
use engine::IdempotencyKey;
use http::header::LOCATION;
use http::{HeaderMap, StatusCode};

const KEY_HEADER: &str = "Idempotency-Key";
const LONGEST_KEY: usize = 200;

/// Ask for a change
///
/// The plan is made now; where the environment asks for votes the change waits for them. The same `Idempotency-Key` and
/// body give the same change.
#[utoipa::path(post, operation_id = "ask_for_change", path = "/api/v1/changes", tag = "changes",
    params(("Idempotency-Key" = Option<String>, Header, min_length = 1, max_length = 200, pattern = "^[!-~]+$")),
    request_body = Requested,
    responses((status = 201, body = ChangeView, headers(("Location" = String, description = "The change")))))]
pub async fn create(
    State(portal): State<Portal>,
    Extension(actor): Extension<Actor>,
    headers: HeaderMap,
    JsonObject { bytes, mut fields }: JsonObject,
) -> Result<Response, Problem> {
    let (key, way) = (idempotency_key(&headers, &bytes)?, requested::way(&mut fields)?);
    let asked = portal.engine.ask_by(&actor, requested::read(fields)?, key, way).await?;
    let change = view(&portal, &asked.change);
    Ok((StatusCode::CREATED, [(LOCATION, change.links.this.clone())], Json(change)).into_response())
}

pub fn idempotency_key(headers: &HeaderMap, body: &[u8]) -> Result<Option<IdempotencyKey>, Problem> {
    let mut values = headers.get_all(KEY_HEADER).iter();
    let Some(value) = values.next() else { return Ok(None) };
    let key = value.as_bytes();
    let is_key = (1..=LONGEST_KEY).contains(&key.len()) && key.iter().all(u8::is_ascii_graphic);
    match std::str::from_utf8(key) {
        Ok(key) if is_key && values.next().is_none() => Ok(Some(IdempotencyKey { key: key.to_owned(), body_sha256: sha256(body) })),
        _ => Err(invalid(KEY_HEADER, format!("expected one key of 1 to {LONGEST_KEY} visible ASCII characters"))),
    }
}

/// The plan that a change would have; nothing is stored
#[utoipa::path(post, operation_id = "preview_change", path = "/api/v1/changes/preview", tag = "changes", request_body = Requested, responses((status = 200, body = PlanView)))]
pub async fn preview(
    State(portal): State<Portal>,
    Extension(actor): Extension<Actor>,
    JsonObject { mut fields, .. }: JsonObject,
) -> Answer<PlanView> {
    let way = requested::way(&mut fields)?;
    let plan = portal.engine.preview_by(&actor, requested::read(fields)?, way).await?;
    let usual = portal.engine.usual(&actor, &plan).await?;
    Ok(Json(PlanView { usual, ..PlanView::of(&plan, &plan.digest()) }))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_key_is_visible_ascii_and_alone() {
        let with = |values: &[&[u8]]| {
            let mut headers = HeaderMap::new();
            for value in values {
                headers.append(KEY_HEADER, http::HeaderValue::from_bytes(value).unwrap());
            }
            idempotency_key(&headers, b"{}")
        };
        assert!(with(&[]).unwrap().is_none());
        assert_eq!(with(&[b"7f-3"]).unwrap().unwrap().key, "7f-3");
        for bad in [b"".as_slice(), b"a b", "ä".as_bytes(), "x".repeat(201).as_bytes()] {
            assert_eq!(with(&[bad]).err().unwrap().field.as_deref(), Some(KEY_HEADER), "{bad:?}");
        }
        assert!(with(&[b"a", b"b"]).is_err());
    }
}
