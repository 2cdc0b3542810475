//! Building HTTP answers.
//!
//! Invariant: every answer is JSON, except the text of logs and health checks.

use crate::status::Status;
use futures::Stream;
use http_body_util::combinators::UnsyncBoxBody;
use http_body_util::{BodyExt, Full, StreamBody};
use hyper::body::{Bytes, Frame};
use hyper::header::{CONTENT_TYPE, RETRY_AFTER};
use hyper::{Response, StatusCode};
use serde::ser::{Serialize, SerializeMap, Serializer};
use serde_json::{Value, json};
use std::fmt;

/// The reason to cut a connection in the middle.
#[derive(Debug)]
pub(crate) struct Cut;

impl fmt::Display for Cut {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("the connection is cut by a scripted fault")
    }
}

impl std::error::Error for Cut {}

pub(crate) type Answer = Response<UnsyncBoxBody<Bytes, Cut>>;

pub(crate) fn bytes(code: u16, content_type: &'static str, body: impl Into<Bytes>) -> Answer {
    let body = Full::new(body.into()).map_err(|never| match never {}).boxed_unsync();
    headed(code, content_type, body)
}

pub(crate) fn json(code: u16, body: &Value) -> Answer {
    bytes(code, "application/json", body.to_string())
}

pub(crate) fn status(status: &Status) -> Answer {
    let mut answer = json(status.code, &status.body());
    if status.code == 429 {
        answer.headers_mut().insert(RETRY_AFTER, 1.into());
    }
    answer
}

pub(crate) fn busy(seconds: u16) -> Answer {
    let mut answer = bytes(429, "text/plain; charset=utf-8", "Too many requests, please try again later.\n");
    answer.headers_mut().insert(RETRY_AFTER, seconds.into());
    answer
}

pub(crate) fn stream<S>(content_type: &'static str, chunks: S) -> Answer
where
    S: Stream<Item = Result<Bytes, Cut>> + Send + 'static,
{
    use futures::StreamExt;
    let frames = chunks.map(|chunk| chunk.map(Frame::data));
    headed(200, content_type, StreamBody::new(frames).boxed_unsync())
}

fn headed(code: u16, content_type: &'static str, body: UnsyncBoxBody<Bytes, Cut>) -> Answer {
    let mut answer = Response::new(body);
    *answer.status_mut() = StatusCode::from_u16(code).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
    answer.headers_mut().insert(CONTENT_TYPE, hyper::header::HeaderValue::from_static(content_type));
    answer
}

/// How an object is shown to a client.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum View {
    Whole,
    /// In a list: without apiVersion and kind, as the real server leaves them out.
    Item,
    /// PartialObjectMetadata.
    Metadata,
}

/// An object as one client sees it, written without a copy.
pub(crate) struct Shown<'a>(pub &'a Value, pub View);

impl Serialize for Shown<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let Some(fields) = self.0.as_object() else { return self.0.serialize(serializer) };
        let mut map = serializer.serialize_map(None)?;
        if self.1 == View::Metadata {
            map.serialize_entry("kind", "PartialObjectMetadata")?;
            map.serialize_entry("apiVersion", "meta.k8s.io/v1")?;
            map.serialize_entry("metadata", &self.0["metadata"])?;
            return map.end();
        }
        let hidden = |field: &str| self.1 == View::Item && (field == "kind" || field == "apiVersion");
        for (field, value) in fields.iter().filter(|(field, _)| !hidden(field)) {
            map.serialize_entry(field, value)?;
        }
        map.end()
    }
}

/// Writes a value that cannot fail to be written; should it fail, null.
pub(crate) fn written(value: &impl Serialize) -> String {
    serde_json::to_string(value).unwrap_or_else(|_| json!(null).to_string())
}
