//! The four ways to patch an object.
//!
//! Invariant: computes only; nothing is stored here.

use super::strategic;
use crate::status::{Fault, Status};
use serde_json::Value;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum PatchKind {
    Json,
    Merge,
    Strategic,
    /// Server-side apply. Simplified: merged like a strategic patch, and no field ownership is tracked, so it never
    /// conflicts and never removes a field that an earlier apply had set.
    Apply,
}

impl PatchKind {
    /// By the content type of the request.
    pub fn of(content_type: &str) -> Result<PatchKind, Status> {
        match content_type.split(';').next().unwrap_or_default().trim() {
            "application/json-patch+json" => Ok(PatchKind::Json),
            "application/merge-patch+json" => Ok(PatchKind::Merge),
            "application/strategic-merge-patch+json" => Ok(PatchKind::Strategic),
            "application/apply-patch+yaml" => Ok(PatchKind::Apply),
            _ => Err(Status::new(
                415,
                "UnsupportedMediaType",
                "the body of the request was in an unknown format - accepted media types include: \
                 application/json-patch+json, application/merge-patch+json, application/apply-patch+yaml, \
                 application/strategic-merge-patch+json",
            )),
        }
    }

    /// The object as it would be after the patch.
    pub fn apply(self, object: &Value, patch: &Value) -> Result<Value, Status> {
        match self {
            PatchKind::Json => json(object, patch),
            PatchKind::Merge => {
                let mut patched = object.clone();
                json_patch::merge(&mut patched, patch);
                Ok(patched)
            }
            PatchKind::Strategic | PatchKind::Apply => strategic::merge(object, patch).map_err(Status::bad_request),
        }
    }
}

fn json(object: &Value, patch: &Value) -> Result<Value, Status> {
    let undecodable = |error| Status::bad_request(format!("error decoding patch: {error}"));
    let operations: json_patch::Patch = serde_json::from_value(patch.clone()).map_err(undecodable)?;
    let mut patched = object.clone();
    json_patch::patch(&mut patched, &operations).map_err(|_| Status::rejected_patch())?;
    Ok(patched)
}

/// Server-side apply has to say who applies.
pub(crate) fn require_manager(kind: PatchKind, field_manager: &str) -> Result<(), Status> {
    if kind != PatchKind::Apply || !field_manager.is_empty() {
        return Ok(());
    }
    let fault = Fault::required("fieldManager", "is required for apply patch");
    let message = format!("PatchOptions.meta.k8s.io \"\" is invalid: {}: {}", fault.field, fault.message);
    Err(Status::new(422, "Invalid", message))
}
