//! What an update cannot change, and the words in which it is refused.
//!
//! Source: pkg/apis/apps/validation, pkg/apis/batch/validation and pkg/apis/core/validation of Kubernetes.

use crate::object;
use crate::status::Fault;
use serde_json::{Map, Value};

pub(crate) fn check_selector(object: &Value, old: &Value, faults: &mut Vec<Fault>) {
    check_field("spec.selector", &object["spec"]["selector"], &old["spec"]["selector"], faults);
}

fn check_field(field: &str, new: &Value, old: &Value, faults: &mut Vec<Fault>) {
    if new != old {
        faults.push(Fault::invalid(field, new, "field is immutable"));
    }
}

pub(crate) fn check_stateful_set(object: &Value, old: &Value, faults: &mut Vec<Fault>) {
    const MUTABLE: [&str; 7] = [
        "replicas",
        "ordinals",
        "template",
        "updateStrategy",
        "revisionHistoryLimit",
        "persistentVolumeClaimRetentionPolicy",
        "minReadySeconds",
    ];
    if without(&object["spec"], &MUTABLE) != without(&old["spec"], &MUTABLE) {
        let why = "updates to statefulset spec for fields other than 'replicas', 'ordinals', 'template', \
                   'updateStrategy', 'revisionHistoryLimit', 'persistentVolumeClaimRetentionPolicy' and \
                   'minReadySeconds' are forbidden";
        faults.push(Fault::forbidden("spec", why));
    }
}

pub(crate) fn check_job(object: &Value, old: &Value, faults: &mut Vec<Fault>) {
    for field in ["selector", "template", "completionMode"] {
        check_field(&format!("spec.{field}"), &object["spec"][field], &old["spec"][field], faults);
    }
}

pub(crate) fn check_config_map(object: &Value, old: &Value, faults: &mut Vec<Fault>) {
    if old["immutable"] != true {
        return;
    }
    for field in ["immutable", "data", "binaryData"].into_iter().filter(|field| object[*field] != old[*field]) {
        faults.push(Fault::forbidden(field, "field is immutable when `immutable` is set"));
    }
}

pub(crate) fn check_pod(object: &Value, old: &Value, faults: &mut Vec<Fault>) {
    const WHY: &str = "pod updates may not change fields other than `spec.containers[*].image`,\
                       `spec.initContainers[*].image`,`spec.activeDeadlineSeconds`,`spec.tolerations` (only additions to \
                       existing tolerations),`spec.terminationGracePeriodSeconds` (allow it to be set to 1 if it was \
                       previously negative)";
    if fixed_of_pod(&object["spec"]) != fixed_of_pod(&old["spec"]) {
        faults.push(Fault::forbidden("spec", WHY));
    }
}

fn fixed_of_pod(spec: &Value) -> Map<String, Value> {
    let mut fixed = without(spec, &["activeDeadlineSeconds", "tolerations"]);
    for field in ["containers", "initContainers"] {
        let containers = fixed.get_mut(field).and_then(Value::as_array_mut);
        containers.into_iter().flatten().for_each(|it| object::remove(it, &["image"]));
    }
    fixed
}

fn without(spec: &Value, fields: &[&str]) -> Map<String, Value> {
    let mut spec = spec.as_object().cloned().unwrap_or_default();
    spec.retain(|field, _| !fields.contains(&field.as_str()));
    spec
}
