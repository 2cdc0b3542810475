//! Problem documents (RFC 9457): how the API says that something went wrong. `code` is stable, the words are not.

use axum::Json;
use axum::response::{IntoResponse, Response};
use domain::Error;
use http::header::{CONTENT_TYPE, RETRY_AFTER, WWW_AUTHENTICATE};
use http::{HeaderValue, StatusCode};
use serde::Serialize;
use std::ops::Deref;
use utoipa::ToSchema;

pub const MEDIA_TYPE: &str = "application/problem+json";

/// Seconds after which it is worth trying again.
pub const RETRY_S: u64 = 2;

/// An RFC 9457 problem document.
#[derive(Clone, Debug, Serialize, ToSchema)]
#[schema(as = Problem)]
pub struct Document {
    /// `urn:devmatrix:problem:CODE`
    #[serde(rename = "type")]
    pub kind: String,
    pub title: String,
    pub status: u16,
    /// For people; it may change.
    pub detail: String,
    /// For scripts: stable, snake_case.
    pub code: String,
    /// The field at fault, where one is.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub field: Option<String>,
    /// What a portal that is not ready still waits for.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub missing: Vec<String>,
    #[serde(skip)]
    pub retry_after_s: Option<u64>,
}

/// A document in a box: it is on the way of every result.
#[derive(Clone, Debug)]
pub struct Problem(Box<Document>);

impl Deref for Problem {
    type Target = Document;

    fn deref(&self) -> &Document {
        &self.0
    }
}

impl Problem {
    pub fn new(status: StatusCode, code: &str, title: &str, detail: impl Into<String>) -> Problem {
        Problem(Box::new(Document {
            kind: format!("urn:devmatrix:problem:{code}"),
            title: title.to_owned(),
            status: status.as_u16(),
            detail: detail.into(),
            code: code.to_owned(),
            field: None,
            missing: Vec::new(),
            retry_after_s: (status == StatusCode::SERVICE_UNAVAILABLE).then_some(RETRY_S),
        }))
    }

    pub fn not_ready(missing: Vec<String>) -> Problem {
        let detail = format!("Not ready yet: {}.", missing.join("; "));
        let mut problem = Problem::new(StatusCode::SERVICE_UNAVAILABLE, "not_ready", "Not ready", detail);
        problem.0.missing = missing;
        problem
    }

    pub fn malformed(detail: impl Into<String>) -> Problem {
        Problem::new(StatusCode::BAD_REQUEST, "malformed_json", "Malformed JSON", detail)
    }

    pub fn unknown_route(path: &str) -> Problem {
        let path = domain::names::shorten(path);
        Problem::new(StatusCode::NOT_FOUND, "not_found", "Not found", format!("There is nothing at {path}; see /api/v1/openapi.json."))
    }

    pub fn method_not_allowed() -> Problem {
        Problem::new(
            StatusCode::METHOD_NOT_ALLOWED,
            "method_not_allowed",
            "Method not allowed",
            "This address does not take this method; the Allow header names those that it takes.",
        )
    }

    pub fn too_large(limit: usize) -> Problem {
        let detail = format!("The body is too large: expected at most {} KiB.", limit / 1024);
        Problem::new(StatusCode::PAYLOAD_TOO_LARGE, "body_too_large", "Body too large", detail)
    }

    pub fn media_type() -> Problem {
        Problem::new(
            StatusCode::UNSUPPORTED_MEDIA_TYPE,
            "unsupported_media_type",
            "Unsupported media type",
            "Send the body as JSON, with Content-Type: application/json.",
        )
    }

    pub fn cross_site() -> Problem {
        Problem::new(
            StatusCode::FORBIDDEN,
            "cross_site",
            "Not allowed",
            "This request does not come from a page of this portal. Scripts use Authorization: Bearer.",
        )
    }

    pub fn wrong_host() -> Problem {
        Problem::new(
            StatusCode::FORBIDDEN,
            "wrong_host",
            "Not allowed",
            "This portal answers on localhost, 127.0.0.1 and [::1] only; set external_url to give it another name.",
        )
    }

    pub fn too_many(retry_after_s: u64) -> Problem {
        let detail = format!("Too many requests: try again in {retry_after_s} s.");
        let mut problem = Problem::new(StatusCode::TOO_MANY_REQUESTS, "too_many_requests", "Too many requests", detail);
        problem.0.retry_after_s = Some(retry_after_s);
        problem
    }

    pub fn overloaded() -> Problem {
        Problem::new(StatusCode::SERVICE_UNAVAILABLE, "overloaded", "Overloaded", "Too many requests at once: try again in a moment.")
    }

    pub fn status_code(&self) -> StatusCode {
        StatusCode::from_u16(self.status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR)
    }
}

impl From<Error> for Problem {
    fn from(error: Error) -> Problem {
        let status = StatusCode::from_u16(error.status()).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
        let mut problem = Problem::new(status, error.code(), error.title(), error.to_string());
        if let Error::Invalid { field, why } = error {
            problem.0.detail = why;
            problem.0.field = Some(field);
        }
        problem
    }
}

impl IntoResponse for Problem {
    fn into_response(self) -> Response {
        let (status, retry) = (self.status_code(), self.retry_after_s);
        let mut response = (status, Json(*self.0)).into_response();
        let headers = response.headers_mut();
        headers.insert(CONTENT_TYPE, HeaderValue::from_static(MEDIA_TYPE));
        if status == StatusCode::UNAUTHORIZED {
            headers.insert(WWW_AUTHENTICATE, HeaderValue::from_static("Bearer"));
        }
        if let Some(seconds) = retry {
            headers.insert(RETRY_AFTER, HeaderValue::from(seconds));
        }
        response
    }
}
