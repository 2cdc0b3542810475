//! The status that an object is created with: none of it is the client's.
//!
//! Source: PrepareForCreate of the strategies under pkg/registry of Kubernetes; counts without omitempty show as zeros.

use crate::controllers::pods;
use crate::object;
use crate::resource::{self, Resource};
use serde_json::{Value, json};

pub(crate) fn set_status(resource: Resource, object: &mut Value) {
    let status = match resource {
        resource::NODES | resource::NAMESPACES | resource::EVENTS => return,
        resource::PODS => json!({ "phase": "Pending", "qosClass": pods::qos_class(object) }),
        resource::STATEFULSETS => json!({ "replicas": 0, "availableReplicas": 0 }),
        resource::REPLICASETS => json!({ "replicas": 0 }),
        resource::DAEMONSETS => {
            json!({ "currentNumberScheduled": 0, "numberMisscheduled": 0, "desiredNumberScheduled": 0, "numberReady": 0 })
        }
        resource if resource.has_status() => json!({}),
        _ => return object::remove(object, &["status"]),
    };
    object["status"] = status;
}
