//! The error answers of the API, with the words of the real one.
//!
//! Invariant: `code` and `reason` always belong together.

use crate::resource::Resource;
use serde_json::{Value, json};
use std::fmt;

/// A `Status` object of kind Failure.
#[derive(Clone, Debug, PartialEq)]
pub struct Status {
    pub code: u16,
    pub reason: &'static str,
    pub message: String,
    pub details: Value,
}

/// One thing wrong with a field of a submitted object.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Fault {
    pub field: String,
    pub reason: &'static str,
    pub message: String,
}

impl Fault {
    pub fn invalid(field: &str, value: &Value, why: &str) -> Fault {
        let message = format!("Invalid value: {value}: {why}");
        Fault { field: field.to_owned(), reason: "FieldValueInvalid", message }
    }

    pub fn required(field: &str, why: &str) -> Fault {
        let message = if why.is_empty() { "Required value".to_owned() } else { format!("Required value: {why}") };
        Fault { field: field.to_owned(), reason: "FieldValueRequired", message }
    }

    pub fn unsupported(field: &str, value: &Value, supported: &[&str]) -> Fault {
        let supported: Vec<String> = supported.iter().map(|it| format!("\"{it}\"")).collect();
        let message = format!("Unsupported value: {value}: supported values: {}", supported.join(", "));
        Fault { field: field.to_owned(), reason: "FieldValueNotSupported", message }
    }

    pub fn forbidden(field: &str, why: &str) -> Fault {
        Fault { field: field.to_owned(), reason: "FieldValueForbidden", message: format!("Forbidden: {why}") }
    }
}

impl Status {
    pub(crate) fn new(code: u16, reason: &'static str, message: impl Into<String>) -> Status {
        Status { code, reason, message: message.into(), details: json!({}) }
    }

    fn about(self, resource: Resource, name: &str) -> Status {
        Status { details: details(resource, resource.plural(), name), ..self }
    }

    pub(crate) fn bad_request(message: impl Into<String>) -> Status {
        Status::new(400, "BadRequest", message)
    }

    pub(crate) fn not_found(resource: Resource, name: &str) -> Status {
        Status::new(404, "NotFound", format!("{} \"{name}\" not found", resource.qualified())).about(resource, name)
    }

    /// For a path that no resource is served at.
    pub(crate) fn no_such_path() -> Status {
        Status::new(404, "NotFound", "the server could not find the requested resource")
    }

    pub(crate) fn already_exists(resource: Resource, name: &str) -> Status {
        let message = format!("{} \"{name}\" already exists", resource.qualified());
        Status::new(409, "AlreadyExists", message).about(resource, name)
    }

    pub(crate) fn conflict(resource: Resource, name: &str, why: &str) -> Status {
        let message = format!("Operation cannot be fulfilled on {} \"{name}\": {why}", resource.qualified());
        Status::new(409, "Conflict", message).about(resource, name)
    }

    /// A precondition of a deletion that does not hold: here the real API names the kind.
    pub(crate) fn precondition(resource: Resource, name: &str, why: &str) -> Status {
        let message = format!("Operation cannot be fulfilled on {} \"{name}\": {why}", resource.qualified_kind());
        Status { details: details(resource, resource.kind(), name), ..Status::new(409, "Conflict", message) }
    }

    /// A fault of the client that the real API takes for one of its own: 500 without a reason.
    pub(crate) fn unexplained(message: impl Into<String>) -> Status {
        Status::new(500, "", message)
    }

    /// The optimistic lock: somebody else wrote the object since it was read.
    pub(crate) fn modified(resource: Resource, name: &str) -> Status {
        let why = "the object has been modified; please apply your changes to the latest version and try again";
        Status::conflict(resource, name, why)
    }

    pub(crate) fn expired(message: impl Into<String>) -> Status {
        Status::new(410, "Expired", message)
    }

    pub(crate) fn invalid(resource: Resource, name: &str, faults: &[Fault]) -> Status {
        let status = Status::invalid_object(&resource.qualified_kind(), name, faults);
        let mut details = details(resource, resource.kind(), name);
        details["causes"] = status.details["causes"].clone();
        Status { details, ..status }
    }

    /// A patch whose result cannot be decoded: the real API does not name the object here.
    pub(crate) fn invalid_patch(result: &Value, why: &str) -> Status {
        Status::invalid_object("", "", &[Fault::invalid("patch", &json!(result.to_string()), why)])
    }

    fn invalid_object(kind: &str, name: &str, faults: &[Fault]) -> Status {
        let words: Vec<String> = faults.iter().map(|fault| format!("{}: {}", fault.field, fault.message)).collect();
        let words = if words.len() == 1 { words.concat() } else { format!("[{}]", words.join(", ")) };
        let causes: Vec<Value> =
            faults.iter().map(|fault| json!({ "reason": fault.reason, "message": fault.message, "field": fault.field })).collect();
        let status = Status::new(422, "Invalid", format!("{kind} \"{name}\" is invalid: {words}"));
        Status { details: json!({ "causes": causes }), ..status }
    }

    /// A JSON patch that could not be applied, for instance because a `test` failed.
    pub(crate) fn rejected_patch() -> Status {
        Status::new(422, "Invalid", "the server rejected our request due to an error in our request")
    }

    /// The answer of a scripted fault.
    pub(crate) fn scripted(code: u16, verb: &str, resource: Option<Resource>, name: &str) -> Status {
        let plural = resource.map(Resource::qualified).unwrap_or_default();
        let status = match code {
            400 => Status::bad_request("the request is malformed: scripted fault"),
            401 => Status::new(401, "Unauthorized", "Unauthorized"),
            403 => Status::new(403, "Forbidden", forbidden(verb, resource, name)),
            409 => match resource {
                Some(resource) => return Status::modified(resource, name),
                None => Status::new(409, "Conflict", "the object has been modified"),
            },
            404 => match resource {
                Some(resource) => return Status::not_found(resource, name),
                None => Status::no_such_path(),
            },
            422 => Status::rejected_patch(),
            410 => Status::expired("The resourceVersion for the provided list is too old."),
            429 => Status::new(429, "TooManyRequests", "Too many requests, please try again later."),
            503 => Status::new(503, "ServiceUnavailable", "apiserver not ready"),
            504 => Status::new(
                504,
                "Timeout",
                format!("Timeout: request did not complete within requested timeout - context deadline exceeded ({verb} {plural})"),
            ),
            code => Status::new(code, "InternalError", "Internal error occurred: scripted fault"),
        };
        match resource {
            Some(resource) => status.about(resource, name),
            None => status,
        }
    }

    /// The object that goes over the wire.
    pub fn body(&self) -> Value {
        let mut body = json!({
            "kind": "Status", "apiVersion": "v1", "metadata": {}, "status": "Failure",
            "message": self.message, "code": self.code,
        });
        if !self.reason.is_empty() {
            body["reason"] = json!(self.reason);
        }
        if self.details.as_object().is_some_and(|details| !details.is_empty()) {
            body["details"] = self.details.clone();
        }
        if self.code == 429 {
            body["details"]["retryAfterSeconds"] = json!(1);
        }
        body
    }
}

/// What a Status says about an object; the core group is left out, as all empty texts are.
pub(crate) fn details(resource: Resource, kind: &str, name: &str) -> Value {
    let mut details = json!({ "kind": kind });
    for (field, text) in [("name", name), ("group", resource.group())] {
        if !text.is_empty() {
            details[field] = json!(text);
        }
    }
    details
}

fn forbidden(verb: &str, resource: Option<Resource>, name: &str) -> String {
    let (plural, group) = resource.map(|it| (it.plural(), it.group())).unwrap_or_default();
    let subject = resource.map(Resource::qualified).unwrap_or_default();
    let named = if name.is_empty() { String::new() } else { format!(" \"{name}\"") };
    format!("{subject}{named} is forbidden: User \"portal\" cannot {verb} resource \"{plural}\" in API group \"{group}\"")
}

impl fmt::Display for Status {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}: {}", self.code, self.reason, self.message)
    }
}

impl std::error::Error for Status {}
