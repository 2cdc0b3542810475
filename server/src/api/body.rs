//! Bodies: at most [`BODY_LIMIT`], JSON, exactly the fields that are expected. What is malformed is told by line and
//! column, what does not fit by its field.

use crate::guard::drain;
use crate::limits::BODY_LIMIT;
use crate::problem::Problem;
use axum::body::{Body, Bytes};
use axum::extract::{FromRequest, Request};
use domain::Error;
use domain::names::shorten;
use futures::StreamExt;
use http::header::CONTENT_TYPE;
use http::{HeaderMap, HeaderValue};
use serde::de::DeserializeOwned;
use serde_json::{Map, Value};

/// A body that must be a JSON object.
pub struct JsonObject {
    /// As it was sent: an idempotency key is bound to these.
    pub bytes: Bytes,
    pub fields: Map<String, Value>,
}

/// A body that may also be absent.
pub struct OptionalJsonObject(pub Map<String, Value>);

impl<S: Send + Sync> FromRequest<S> for JsonObject {
    type Rejection = Problem;

    async fn from_request(request: Request, _: &S) -> Result<JsonObject, Problem> {
        let (parts, body) = request.into_parts();
        if !is_json(&parts.headers) {
            drain(body);
            return Err(Problem::media_type());
        }
        let bytes = read(body).await?;
        let fields = object(&bytes)?;
        Ok(JsonObject { bytes, fields })
    }
}

impl<S: Send + Sync> FromRequest<S> for OptionalJsonObject {
    type Rejection = Problem;

    async fn from_request(request: Request, _: &S) -> Result<OptionalJsonObject, Problem> {
        let (parts, body) = request.into_parts();
        let bytes = read(body).await?;
        if bytes.is_empty() {
            return Ok(OptionalJsonObject(Map::new()));
        }
        if !is_json(&parts.headers) {
            return Err(Problem::media_type());
        }
        // `null` is how a generated client writes a body that it does not have.
        if bytes.trim_ascii() == b"null" {
            return Ok(OptionalJsonObject(Map::new()));
        }
        object(&bytes).map(OptionalJsonObject)
    }
}

fn is_json(headers: &HeaderMap) -> bool {
    let media_type = headers.get(CONTENT_TYPE).map(HeaderValue::to_str).and_then(Result::ok).unwrap_or_default();
    let essence = media_type.split(';').next().unwrap_or_default().trim();
    essence.eq_ignore_ascii_case("application/json")
}

/// The whole body; what is larger than the limit is thrown away behind the answer.
pub async fn read(body: Body) -> Result<Bytes, Problem> {
    let (mut chunks, mut read) = (body.into_data_stream(), Vec::new());
    while let Some(chunk) = chunks.next().await {
        let chunk = chunk.map_err(|_| Problem::malformed("The body ended before its announced length."))?;
        if read.len() + chunk.len() > BODY_LIMIT {
            drain(Body::from_stream(chunks));
            return Err(Problem::too_large(BODY_LIMIT));
        }
        read.extend_from_slice(&chunk);
    }
    Ok(read.into())
}

fn object(bytes: &[u8]) -> Result<Map<String, Value>, Problem> {
    match serde_json::from_slice(bytes) {
        Ok(Value::Object(fields)) => Ok(fields),
        Ok(other) => Err(invalid("body", format!("expected a JSON object, not {}", kind_of(&other)))),
        Err(error) => {
            // serde_json writes the place at the end; it is said in front here.
            let (line, column, text) = (error.line(), error.column(), error.to_string());
            let what = text.split(" at line ").next().unwrap_or_default();
            Err(Problem::malformed(format!("Line {line}, column {column}: {what}.")))
        }
    }
}

fn kind_of(value: &Value) -> &'static str {
    match value {
        Value::Null => "null",
        Value::Bool(_) => "true or false",
        Value::Number(_) => "a number",
        Value::String(_) => "a string",
        Value::Array(_) => "an array",
        Value::Object(_) => "an object",
    }
}

/// The fields as `T`, which refuses unknown ones.
pub fn fields<T: DeserializeOwned>(fields: Map<String, Value>) -> Result<T, Problem> {
    serde_path_to_error::deserialize(Value::Object(fields)).map_err(|error| {
        let why = error.inner().to_string();
        let field = named_in(&why).unwrap_or_else(|| error.path().to_string());
        invalid(&shorten(&field), why)
    })
}

/// serde names a missing or unknown field in its words only.
fn named_in(why: &str) -> Option<String> {
    let rest = why.strip_prefix("missing field `").or_else(|| why.strip_prefix("unknown field `"))?;
    // An unknown key may hold a backtick itself; what follows the key does not.
    let end = rest.find("`, expected").or_else(|| rest.find("`, there are no fields")).or_else(|| rest.rfind('`'))?;
    Some(rest[..end].to_owned())
}

pub fn invalid(field: &str, why: impl Into<String>) -> Problem {
    Error::invalid(field, why).into()
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde::Deserialize;
    use serde_json::json;

    #[derive(Debug, Deserialize)]
    #[serde(deny_unknown_fields)]
    #[allow(dead_code, reason = "only its refusals are looked at")]
    struct Promote {
        component: domain::names::Name,
        to_revision: i64,
    }

    #[test]
    fn the_field_at_fault_is_named() {
        let table = [
            (json!({"component": "api"}), "to_revision"),
            (json!({"component": 1, "to_revision": 1}), "component"),
            (json!({"component": "No Name", "to_revision": 1}), "component"),
            (json!({"component": "api", "to_revision": "1"}), "to_revision"),
            (json!({"component": "api", "to_revision": 1, "x`y": 1}), "x`y"),
            (json!({"component": null, "to_revision": 1}), "component"),
        ];
        for (body, field) in table {
            let Value::Object(map) = body.clone() else { unreachable!() };
            let problem = fields::<Promote>(map).unwrap_err();
            assert_eq!((problem.status, problem.field.as_deref()), (400, Some(field)), "{body}");
        }
    }

    #[test]
    fn malformed_json_is_told_by_its_place() {
        let problem = object(b"{\"kind\":\n  promote}").unwrap_err();
        assert_eq!((problem.status, problem.code.as_str()), (400, "malformed_json"));
        assert!(problem.detail.starts_with("Line 2, column 3"), "{}", problem.detail);
        assert_eq!(object(b"[]").unwrap_err().field.as_deref(), Some("body"));
        assert!(object(&[0xff, 0xfe]).is_err());
        assert!(object("[".repeat(100_000).as_bytes()).is_err(), "deep nesting must not exhaust the stack");
    }
}
