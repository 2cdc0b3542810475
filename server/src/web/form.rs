//! A posted form: URL-encoded, small, each field once.

use crate::api::read_body;
use crate::guard::{drain, say};
use crate::portal::Portal;
use crate::problem::Problem;
use axum::body::Bytes;
use axum::extract::{FromRequest, Request};
use axum::response::Response;
use domain::digest::sha256;
use engine::IdempotencyKey;
use http::header::CONTENT_TYPE;
use std::collections::HashMap;

pub struct Form {
    bytes: Bytes,
    fields: HashMap<String, String>,
}

impl FromRequest<Portal> for Form {
    type Rejection = Response;

    async fn from_request(request: Request, portal: &Portal) -> Result<Form, Response> {
        let (parts, body) = request.into_parts();
        let media_type =
            parts.headers.get(CONTENT_TYPE).and_then(|value| value.to_str().ok()).unwrap_or("application/x-www-form-urlencoded");
        if !media_type.starts_with("application/x-www-form-urlencoded") {
            drain(body);
            return Err(say(portal, parts.uri.path(), Problem::media_type()));
        }
        let bytes = read_body(body).await.map_err(|problem| say(portal, parts.uri.path(), problem))?;
        let fields = form_urlencoded::parse(&bytes).into_owned().collect();
        Ok(Form { bytes, fields })
    }
}

impl Form {
    /// A field that was left out is an empty one.
    pub fn get(&self, name: &str) -> &str {
        self.fields.get(name).map_or("", String::as_str)
    }

    /// Every value of a field that may come more than once.
    pub fn all(&self, name: &str) -> Vec<String> {
        form_urlencoded::parse(&self.bytes).filter(|(key, _)| key == name).map(|(_, value)| value.into_owned()).collect()
    }

    /// A double click sends the same bytes twice and does one thing.
    pub fn key(&self) -> Option<IdempotencyKey> {
        let key = self.some("key").filter(|key| key.len() <= 200 && key.bytes().all(|c| c.is_ascii_graphic()))?;
        Some(IdempotencyKey { key, body_sha256: sha256(&self.bytes) })
    }

    pub fn some(&self, name: &str) -> Option<String> {
        Some(self.get(name)).filter(|value| !value.is_empty()).map(str::to_owned)
    }
}
