//! The four ways to patch an object.
//!
//! Invariant: computes only; nothing is stored here.

use super::strategic;
use crate::status::{Fault, Status};
use json_patch::PatchOperation;
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
            PatchKind::Strategic | PatchKind::Apply if !patch.is_object() => {
                Err(Status::bad_request("error decoding patch: json: cannot unmarshal into Go value of type map[string]interface {}"))
            }
            PatchKind::Strategic | PatchKind::Apply => strategic::merge(object, patch).map_err(Status::unexplained),
        }
    }
}

fn json(object: &Value, patch: &Value) -> Result<Value, Status> {
    if !patch.as_array().is_some_and(|operations| operations.iter().all(Value::is_object)) {
        return Err(Status::bad_request("error decoding patch: json: cannot unmarshal into Go value of type []handlers.jsonPatchOp"));
    }
    let operations: json_patch::Patch = serde_json::from_value(patch.clone()).map_err(|_| Status::rejected_patch())?;
    let mut patched = object.clone();
    for operation in operations.0 {
        if !expects_nothing(&patched, &operation) {
            let operation = replaced_or_added(&patched, operation);
            json_patch::patch(&mut patched, &[operation]).map_err(|_| Status::rejected_patch())?;
        }
    }
    Ok(patched)
}

/// To replace a field that a map does not have adds it: so does the library of the real server.
fn replaced_or_added(object: &Value, operation: PatchOperation) -> PatchOperation {
    let PatchOperation::Replace(replace) = operation else { return operation };
    let parent = replace.path.as_str().rsplit_once('/').map_or("", |(parent, _)| parent);
    let is_new = object.pointer(replace.path.as_str()).is_none() && object.pointer(parent).is_some_and(Value::is_object);
    match is_new {
        true => PatchOperation::Add(json_patch::AddOperation { path: replace.path, value: replace.value }),
        false => PatchOperation::Replace(replace),
    }
}

/// A test for null holds where the field is missing but its parent is there: so does the library of the real server.
fn expects_nothing(object: &Value, operation: &PatchOperation) -> bool {
    let PatchOperation::Test(test) = operation else { return false };
    let parent = test.path.as_str().rsplit_once('/').map_or("", |(parent, _)| parent);
    test.value.is_null() && object.pointer(test.path.as_str()).is_none() && object.pointer(parent).is_some()
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

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn patched(operations: Value) -> Result<Value, u16> {
        let object = json!({ "metadata": { "annotations": { "a/b": "1" } }, "spec": { "replicas": 1 } });
        PatchKind::Json.apply(&object, &operations).map_err(|status| status.code)
    }

    #[test]
    fn a_failed_test_leaves_everything_as_it_was() {
        let operations = json!([
            { "op": "replace", "path": "/spec/replicas", "value": 2 },
            { "op": "test", "path": "/metadata/annotations/a~1b", "value": "2" },
        ]);
        assert_eq!(patched(operations), Err(422));
    }

    #[test]
    fn a_missing_field_passes_for_null() {
        let test = |path: &str| patched(json!([{ "op": "test", "path": path, "value": null }])).map(|_| ());
        assert_eq!(test("/metadata/annotations/none"), Ok(()));
        assert_eq!(test("/metadata/annotations/a~1b"), Err(422));
        assert_eq!(test("/metadata/labels/none"), Err(422));
    }

    #[test]
    fn nonsense_is_a_bad_request() {
        assert_eq!(patched(json!({ "op": "add" })), Err(400));
        assert_eq!(patched(json!([{ "op": "frobnicate", "path": "/spec" }])), Err(422));
        assert_eq!(PatchKind::of("text/plain").map_err(|status| status.code), Err(415));
    }
}
