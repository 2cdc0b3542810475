//! The OpenAPI document, made from the handlers. What every operation may answer is added here, once for all.

use crate::problem::{Document, MEDIA_TYPE};
use axum::Json;
use axum::response::IntoResponse;
use utoipa::openapi::path::Operation;
use utoipa::openapi::security::{Http, HttpAuthScheme, SecurityRequirement, SecurityScheme};
use utoipa::openapi::{Components, ContentBuilder, InfoBuilder, OpenApi, Ref, ResponseBuilder};
use utoipa::{PartialSchema, ToSchema};

/// This document
#[utoipa::path(get, operation_id = "get_openapi", path = "/api/v1/openapi.json", tag = "health", responses((status = 200, description = "OpenAPI 3.1")), security(()))]
pub async fn show() -> impl IntoResponse {
    Json(crate::router::document())
}

const NEEDS_TOKEN: &str = "token";

/// What a read may answer beside 200; then what a write may, too.
const READ: [(u16, &str); 6] = [
    (400, "Malformed: `field` says where"),
    (401, "Not signed in"),
    (403, "Not allowed"),
    (404, "Not there"),
    (500, "Ours to mend"),
    (503, "Unavailable: try again"),
];
const WRITE: [(u16, &str); 5] = [
    (409, "The world moved, or the state forbids it"),
    (413, "Body too large"),
    (415, "The body is not JSON"),
    (422, "Well-formed and refused: `code` says why"),
    (429, "Too many requests"),
];
const OPEN: [(u16, &str); 2] = [(500, "Ours to mend"), (503, "Not ready, or overloaded")];

/// Completes what the handlers say of themselves.
pub fn complete(mut document: OpenApi) -> OpenApi {
    document.info = InfoBuilder::new()
        .title("DevMatrix Portal")
        .version("1")
        .description(Some("What runs where, and how it changes. Errors are RFC 9457 problem documents."))
        .build();
    let components = document.components.get_or_insert_with(Components::new);
    components.schemas.insert(Document::name().into_owned(), Document::schema());
    components.add_security_scheme(NEEDS_TOKEN, SecurityScheme::Http(Http::new(HttpAuthScheme::Bearer)));
    for item in document.paths.paths.values_mut() {
        for (operation, writes) in
            [(&mut item.get, false), (&mut item.post, true), (&mut item.put, true), (&mut item.patch, true), (&mut item.delete, true)]
        {
            if let Some(operation) = operation {
                complete_operation(operation, writes);
            }
        }
    }
    document
}

fn complete_operation(operation: &mut Operation, writes: bool) {
    if operation.security.is_some() {
        return add(operation, &OPEN);
    }
    operation.security = Some(vec![SecurityRequirement::new::<&str, [&str; 0], &str>(NEEDS_TOKEN, [])]);
    add(operation, &READ);
    if writes {
        add(operation, &WRITE);
    }
}

fn add(operation: &mut Operation, answers: &[(u16, &str)]) {
    for (status, why) in answers {
        let content = ContentBuilder::new().schema(Some(Ref::from_schema_name(Document::name()))).build();
        let response = ResponseBuilder::new().description(*why).content(MEDIA_TYPE, content).build();
        operation.responses.responses.entry(status.to_string()).or_insert_with(|| response.into());
    }
}
