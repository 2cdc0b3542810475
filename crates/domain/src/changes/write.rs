//! The exact bytes of a write. What people approve is the plan's patch; what goes over the wire adds only the
//! preconditions and the marks by which we know our own write again.

use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum PatchKind {
    /// `application/strategic-merge-patch+json`
    StrategicMerge,
    /// `application/json-patch+json` (RFC 6902)
    Json,
    /// No patch at all: a `pod` by name, and the `options` of its deletion (`DeleteOptions`), with its uid as the precondition.
    DeletePod,
    /// No patch either: a Job to make, whose name follows from the change and from `metadata.generateName`.
    CreateJob,
}

impl PatchKind {
    /// What is sent, in a word.
    pub fn noun(self) -> &'static str {
        match self {
            PatchKind::StrategicMerge | PatchKind::Json => "patch",
            PatchKind::DeletePod => "deletion",
            PatchKind::CreateJob => "creation",
        }
    }

    pub fn content_type(self) -> &'static str {
        match self {
            PatchKind::StrategicMerge => "application/strategic-merge-patch+json",
            PatchKind::Json => "application/json-patch+json",
            PatchKind::DeletePod | PatchKind::CreateJob => "application/json",
        }
    }
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Patch {
    pub kind: PatchKind,
    pub body: Value,
}

/// On a workload that we wrote: the id of the change. By it a write whose answer was lost is recognised.
pub const CHANGE_ANNOTATION: &str = "portal.devmatrix.io/change";
/// Grows each time that a worker takes up any change: a stale worker's write carries a lower number than its successor's.
pub const FENCE_ANNOTATION: &str = "portal.devmatrix.io/fence";
/// What a cluster that looks at fences says of a lower one (deploy/kubernetes/fence.yaml).
pub const STALE_FENCE: &str = "is lower than that of the last write";
/// kubectl shows it in `rollout history`.
pub const CAUSE_ANNOTATION: &str = "kubernetes.io/change-cause";

/// What a write carries beside the patch.
#[derive(Clone, Debug)]
pub struct Stamp<'a> {
    pub change: &'a str,
    pub fence: i64,
    /// Of a new revision; None where the write makes none.
    pub cause: Option<&'a str>,
    /// The write is refused by the API server when the object is at another one.
    pub resource_version: &'a str,
    /// At that one it has annotations: they are added to. Otherwise they are made, for our marks.
    pub annotated: bool,
}

impl Patch {
    /// The pod that this deletes, and its uid. None: it changes the workload itself.
    pub fn deletes(&self) -> Option<(&str, &str)> {
        let text = |pointer| self.body.pointer(pointer).and_then(Value::as_str);
        (self.kind == PatchKind::DeletePod).then(|| Some((text("/pod")?, text("/options/preconditions/uid")?)))?
    }

    /// The name of the Job that this makes for a change, always the same: the API server makes no second one. None: it makes none.
    pub fn makes(&self, change: &str) -> Option<String> {
        let prefix = self.body.pointer("/metadata/generateName").and_then(Value::as_str).unwrap_or_default();
        (self.kind == PatchKind::CreateJob).then(|| format!("{prefix}{}", &crate::digest::sha256(change)[..10]))
    }

    /// The write in words, before it is made.
    pub fn in_words(&self) -> &'static str {
        match self.kind {
            PatchKind::StrategicMerge | PatchKind::Json => "One patch, with uid and resourceVersion as precondition",
            PatchKind::DeletePod => "One deletion, with the pod's uid as precondition",
            PatchKind::CreateJob => "One creation, under a name that only this change gives",
        }
    }

    pub fn content_type(&self) -> &'static str {
        self.kind.content_type()
    }

    /// The bytes to send: this patch, the precondition, the marks. Deterministic.
    pub fn stamped(&self, stamp: &Stamp<'_>) -> String {
        let ours = [(CHANGE_ANNOTATION, stamp.change.to_owned()), (FENCE_ANNOTATION, stamp.fence.to_string())];
        let marks = ours.into_iter().chain(stamp.cause.map(|cause| (CAUSE_ANNOTATION, cause.to_owned())));
        let mut body = self.body.clone();
        match self.kind {
            // A pod that is gone carries no marks: its uid tells whether it is.
            PatchKind::DeletePod => body = body["options"].take(),
            PatchKind::CreateJob => {
                if let (Some(metadata), Some(name)) = (body["metadata"].as_object_mut(), self.makes(stamp.change)) {
                    metadata.remove("generateName");
                    metadata.insert("name".into(), json!(name));
                }
                for (key, value) in marks {
                    body["metadata"]["annotations"][key] = json!(value);
                }
            }
            PatchKind::StrategicMerge => {
                body["metadata"]["resourceVersion"] = json!(stamp.resource_version);
                for (key, value) in marks {
                    body["metadata"]["annotations"][key] = json!(value);
                }
            }
            PatchKind::Json => {
                if let Some(operations) = body.as_array_mut() {
                    operations.insert(0, json!({"op": "test", "path": "/metadata/resourceVersion", "value": stamp.resource_version}));
                    if !stamp.annotated {
                        operations.push(json!({"op": "add", "path": "/metadata/annotations", "value": {}}));
                    }
                    for (key, value) in marks {
                        // RFC 6901: `/` in a key is written `~1`.
                        operations.push(
                            json!({"op": "add", "path": format!("/metadata/annotations/{}", key.replace('/', "~1")), "value": value}),
                        );
                    }
                }
            }
        }
        crate::digest::canonical(&body)
    }
}
