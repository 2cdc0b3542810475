//! What the API server refuses in a workload, with its words.
//!
//! Source: pkg/apis/apps/validation and pkg/apis/core/validation of Kubernetes, the part a portal can run into.

use super::immutable;
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
            check_workload(object, &mut faults);
        }
        resource::JOBS => check_job(object, &mut faults),
        resource::PODS => check_pod(&object["spec"], "spec", &mut faults),
        resource::HORIZONTALPODAUTOSCALERS => check_bounds(&object["spec"], &mut faults),
        _ => {}
    }
    if resource == resource::DEPLOYMENTS {
        check_strategy(object, &mut faults);
        check_deadline(object, &mut faults);
    }
    match (resource, old) {
        (resource::STATEFULSETS, Some(old)) => immutable::check_stateful_set(object, old, &mut faults),
        (resource::JOBS, Some(old)) => immutable::check_job(object, old, &mut faults),
        (resource::CONFIGMAPS, Some(old)) => immutable::check_config_map(object, old, &mut faults),
        (resource::PODS, Some(old)) => immutable::check_pod(object, old, &mut faults),
        (resource::DEPLOYMENTS | resource::DAEMONSETS | resource::REPLICASETS, Some(old)) => {
            immutable::check_selector(object, old, &mut faults);
        }
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

fn check_workload(object: &Value, faults: &mut Vec<Fault>) {
    for field in ["replicas", "minReadySeconds", "revisionHistoryLimit", "progressDeadlineSeconds"] {
        let path = format!("spec.{field}");
        if number_at(object, field) < 0 {
            let why = "must be greater than or equal to 0";
            faults.push(Fault::invalid(&path, &object["spec"][field], why));
        }
    }
    check_selector(object, faults);
    check_pod(&object["spec"]["template"]["spec"], "spec.template.spec", faults);
    let policy = &object["spec"]["template"]["spec"]["restartPolicy"];
    if policy != "Always" {
        faults.push(Fault::unsupported("spec.template.spec.restartPolicy", policy, &["Always"]));
    }
}

fn check_job(job: &Value, faults: &mut Vec<Fault>) {
    check_pod(&job["spec"]["template"]["spec"], "spec.template.spec", faults);
    if job["spec"]["template"]["spec"]["restartPolicy"] == "Always" {
        let why = "valid values: \"OnFailure\", \"Never\"";
        faults.push(Fault::required("spec.template.spec.restartPolicy", why));
    }
}

fn check_deadline(deployment: &Value, faults: &mut Vec<Fault>) {
    let deadline = number_at(deployment, "progressDeadlineSeconds");
    if (0..=number_at(deployment, "minReadySeconds")).contains(&deadline) {
        faults.push(Fault::invalid("spec.progressDeadlineSeconds", &json!(deadline), "must be greater than minReadySeconds"));
    }
}

fn number_at(object: &Value, field: &str) -> i64 {
    object::number(object, &format!("/spec/{field}"))
}

fn check_selector(object: &Value, faults: &mut Vec<Fault>) {
    let selector = &object["spec"]["selector"];
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
    if object::text(container, "/image").is_empty() {
        faults.push(Fault::required(&format!("{path}.image"), ""));
    }
}

/// To scale to nothing is a feature gate that is off.
/// Source: pkg/apis/autoscaling/validation of Kubernetes.
fn check_bounds(spec: &Value, faults: &mut Vec<Fault>) {
    let (min, max) = (object::number(spec, "/minReplicas"), object::number(spec, "/maxReplicas"));
    if min < 1 {
        faults.push(Fault::invalid("spec.minReplicas", &spec["minReplicas"], "must be greater than or equal to 1"));
    }
    if max < 1 {
        faults.push(Fault::invalid("spec.maxReplicas", &json!(max), "must be greater than 0"));
    }
    if max < min {
        faults.push(Fault::invalid("spec.maxReplicas", &json!(max), "must be greater than or equal to `minReplicas`"));
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
            // The whole strategy is shown, as the server's own struct.
            let shown = json!({ "Type": other, "RollingUpdate": null });
            faults.push(Fault::unsupported("spec.strategy", &shown, &["Recreate", "RollingUpdate"]));
        }
    }
}

fn is_zero(value: &Value) -> bool {
    value.as_i64() == Some(0) || value.as_str() == Some("0%")
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
