//! What the API server refuses in a workload, with its words.
//!
//! Source: pkg/apis/apps/validation and pkg/apis/core/validation of Kubernetes, the part a portal can run into.

use crate::object;
use crate::resource::{self, Resource};
use crate::selector::LabelSelector;
use crate::status::{Fault, Status};
use serde_json::{Value, json};

/// Checks an object that is to be stored; `old` is what it replaces.
pub(crate) fn check(resource: Resource, object: &Value, old: Option<&Value>) -> Result<(), Status> {
    let mut faults = Vec::new();
    check_name(object, &mut faults);
    match resource {
        resource::DEPLOYMENTS | resource::STATEFULSETS | resource::REPLICASETS | resource::DAEMONSETS => {
            check_workload(object, old, &mut faults);
        }
        resource::JOBS => check_pod(&object["spec"]["template"]["spec"], "spec.template.spec", &mut faults),
        resource::PODS => check_pod(&object["spec"], "spec", &mut faults),
        _ => {}
    }
    match (resource, old) {
        (resource::DEPLOYMENTS, _) => check_strategy(object, &mut faults),
        (resource::STATEFULSETS, Some(old)) => check_stateful_update(object, old, &mut faults),
        _ => {}
    }
    if faults.is_empty() { Ok(()) } else { Err(Status::invalid(resource, object::name(object), &faults)) }
}

fn check_name(object: &Value, faults: &mut Vec<Fault>) {
    const RULE: &str = "a lowercase RFC 1123 subdomain must consist of lower case alphanumeric characters, '-' or '.', \
                        and must start and end with an alphanumeric character";
    let name = object::name(object);
    let is_plain = |letter: char| letter.is_ascii_lowercase() || letter.is_ascii_digit();
    let inside = name.chars().all(|letter| is_plain(letter) || letter == '-' || letter == '.');
    if name.is_empty() {
        faults.push(Fault::required("metadata.name", "name or generateName is required"));
    } else if !inside || !name.starts_with(is_plain) || !name.ends_with(is_plain) || name.len() > 253 {
        faults.push(Fault::invalid("metadata.name", &json!(name), RULE));
    }
}

fn check_workload(object: &Value, old: Option<&Value>, faults: &mut Vec<Fault>) {
    for field in ["replicas", "minReadySeconds", "revisionHistoryLimit", "progressDeadlineSeconds"] {
        let path = format!("spec.{field}");
        if number_at(object, field) < 0 {
            let why = "must be greater than or equal to 0";
            faults.push(Fault::invalid(&path, &object["spec"][field], why));
        }
    }
    check_selector(object, old, faults);
    check_pod(&object["spec"]["template"]["spec"], "spec.template.spec", faults);
}

fn number_at(object: &Value, field: &str) -> i64 {
    object::number(object, &format!("/spec/{field}"))
}

fn check_selector(object: &Value, old: Option<&Value>, faults: &mut Vec<Fault>) {
    let selector = &object["spec"]["selector"];
    if old.is_some_and(|old| old["spec"]["selector"] != *selector) {
        faults.push(Fault::invalid("spec.selector", selector, "field is immutable"));
    }
    if selector.as_object().is_none_or(|selector| selector.is_empty()) {
        faults.push(Fault::required("spec.selector", ""));
    } else if !LabelSelector::from_object(selector).matches(&object["spec"]["template"]) {
        let labels = &object["spec"]["template"]["metadata"]["labels"];
        let why = "`selector` does not match template `labels`";
        faults.push(Fault::invalid("spec.template.metadata.labels", labels, why));
    }
}

fn check_pod(spec: &Value, path: &str, faults: &mut Vec<Fault>) {
    if object::list(spec, "/containers").is_empty() {
        faults.push(Fault::required(&format!("{path}.containers"), ""));
    }
    for field in ["containers", "initContainers"] {
        let containers = object::list(spec, &format!("/{field}"));
        for (index, container) in containers.iter().enumerate() {
            check_container(container, &format!("{path}.{field}[{index}]"), faults);
        }
    }
}

fn check_container(container: &Value, path: &str, faults: &mut Vec<Fault>) {
    if object::text(container, "/name").is_empty() {
        faults.push(Fault::required(&format!("{path}.name"), ""));
    }
    let image = object::text(container, "/image");
    if image.is_empty() {
        faults.push(Fault::required(&format!("{path}.image"), ""));
    } else if image.trim() != image {
        let why = "must not have leading or trailing whitespace";
        faults.push(Fault::invalid(&format!("{path}.image"), &json!(image), why));
    }
}

fn check_strategy(object: &Value, faults: &mut Vec<Fault>) {
    let strategy = &object["spec"]["strategy"];
    let rolling = &strategy["rollingUpdate"];
    match object::text(strategy, "/type") {
        "RollingUpdate" => {
            if is_zero(&rolling["maxSurge"]) && is_zero(&rolling["maxUnavailable"]) {
                let why = "may not be 0 when `maxSurge` is 0";
                let field = "spec.strategy.rollingUpdate.maxUnavailable";
                faults.push(Fault::invalid(field, &rolling["maxUnavailable"], why));
            }
        }
        "Recreate" if !rolling.is_null() => {
            let why = "may not be specified when strategy `type` is 'Recreate'";
            faults.push(Fault::forbidden("spec.strategy.rollingUpdate", why));
        }
        "Recreate" => {}
        other => {
            let why = "supported values: \"Recreate\", \"RollingUpdate\"";
            faults.push(Fault::invalid("spec.strategy.type", &json!(other), why));
        }
    }
}

fn is_zero(value: &Value) -> bool {
    value.as_i64() == Some(0) || value.as_str() == Some("0%")
}

fn check_stateful_update(object: &Value, old: &Value, faults: &mut Vec<Fault>) {
    const MUTABLE: [&str; 7] = [
        "replicas",
        "ordinals",
        "template",
        "updateStrategy",
        "revisionHistoryLimit",
        "persistentVolumeClaimRetentionPolicy",
        "minReadySeconds",
    ];
    let fixed = |object: &Value| {
        let mut spec = object["spec"].as_object().cloned().unwrap_or_default();
        spec.retain(|field, _| !MUTABLE.contains(&field.as_str()) && field != "selector");
        spec
    };
    if fixed(object) != fixed(old) {
        let why = "updates to statefulset spec for fields other than 'replicas', 'ordinals', 'template', \
                   'updateStrategy', 'revisionHistoryLimit', 'persistentVolumeClaimRetentionPolicy' and \
                   'minReadySeconds' are forbidden";
        faults.push(Fault::forbidden("spec", why));
    }
}

/// Refuses a value that a Go struct could not hold, as the decoder does before any validation.
pub(crate) fn check_types(resource: Resource, object: &Value) -> Result<(), String> {
    if !matches!(resource, resource::DEPLOYMENTS | resource::STATEFULSETS | resource::REPLICASETS) {
        return Ok(());
    }
    for field in ["replicas", "minReadySeconds", "revisionHistoryLimit", "progressDeadlineSeconds"] {
        let value = &object["spec"][field];
        if !value.is_null() && value.as_i64().is_none_or(|it| i32::try_from(it).is_err()) {
            let kind = resource.kind();
            return Err(format!("json: cannot unmarshal {} into Go struct field {kind}Spec.spec.{field} of type int32", go_type(value)));
        }
    }
    Ok(())
}

fn go_type(value: &Value) -> String {
    match value {
        Value::String(_) => "string".to_owned(),
        Value::Bool(_) => "bool".to_owned(),
        Value::Array(_) => "array".to_owned(),
        Value::Object(_) => "object".to_owned(),
        other => format!("number {other}"),
    }
}
