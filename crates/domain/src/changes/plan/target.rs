//! The exact object that a change writes, as it was when the plan was made.

use super::spec_hash;
use crate::clusters::WorkloadKind;
use serde::{Deserialize, Serialize};
use serde_json::Value;

/// The exact object that will be written. Another uid, generation or spec means that the world moved. With an `autoscaler`, that is
/// what is written, and what these three are of; kind and name are then the workload that it scales.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Target {
    pub cluster: String,
    pub namespace: String,
    pub kind: WorkloadKind,
    pub name: String,
    pub uid: String,
    pub generation: i64,
    pub spec_hash: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub autoscaler: Option<String>,
    /// An autoscaler owns the number of replicas, which this write leaves alone: another number does not mean that the world moved.
    #[serde(default, skip_serializing_if = "is_false")]
    pub replicas_float: bool,
    /// What the API server said, in the dry run, that the write would make of the spec.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub spec_hash_after: Option<String>,
}

fn is_false(flag: &bool) -> bool {
    !flag
}

impl Target {
    /// The hash of an object's spec as this target has it.
    pub fn hash_of(&self, object: &Value) -> String {
        if self.replicas_float { spec_hash(&without_replicas(object)) } else { spec_hash(object) }
    }
}

fn without_replicas(object: &Value) -> Value {
    let mut object = object.clone();
    if let Some(spec) = object.get_mut("spec").and_then(Value::as_object_mut) {
        spec.remove("replicas");
    }
    object
}
