//! The values that the API server fills in where a workload says nothing.
//!
//! Invariant: applying the defaults twice changes nothing, so that a stored template equals its own copy.
//! Source: pkg/apis/apps/v1/defaults.go and pkg/apis/core/v1/defaults.go of Kubernetes.

use super::quantity;
use crate::image;
use crate::object;
use crate::resource::{self, Resource};
use serde_json::{Value, json};

pub(crate) fn fill(resource: Resource, object: &mut Value) {
    match resource {
        resource::DEPLOYMENTS => deployment(object),
        resource::STATEFULSETS => stateful_set(object),
        resource::DAEMONSETS => daemon_set(object),
        resource::REPLICASETS => fill_missing(object, &["spec"], &json!({ "replicas": 1 })),
        resource::JOBS => job(object),
        resource::CRONJOBS => return cron_job(object),
        resource::HORIZONTALPODAUTOSCALERS => return autoscaler(object),
        resource::PODS => return pod(object::slot(object, &["spec"])),
        resource::NAMESPACES => {
            let labels = json!({ "kubernetes.io/metadata.name": object::name(object) });
            fill_missing(object, &["metadata", "labels"], &labels);
            return fill_missing(object, &["status"], &json!({ "phase": "Active" }));
        }
        _ => return,
    }
    pod_spec(object::slot(object, &["spec", "template", "spec"]));
}

fn deployment(object: &mut Value) {
    let spec = json!({ "replicas": 1, "revisionHistoryLimit": 10, "progressDeadlineSeconds": 600 });
    fill_missing(object, &["spec"], &spec);
    fill_missing(object, &["spec", "strategy"], &json!({ "type": "RollingUpdate" }));
    if object::text(object, "/spec/strategy/type") == "RollingUpdate" {
        let rolling = json!({ "maxSurge": "25%", "maxUnavailable": "25%" });
        fill_missing(object, &["spec", "strategy", "rollingUpdate"], &rolling);
    }
}

fn stateful_set(object: &mut Value) {
    let spec = json!({ "replicas": 1, "revisionHistoryLimit": 10, "podManagementPolicy": "OrderedReady" });
    fill_missing(object, &["spec"], &spec);
    let retention = json!({ "whenDeleted": "Retain", "whenScaled": "Retain" });
    fill_missing(object, &["spec", "persistentVolumeClaimRetentionPolicy"], &retention);
    fill_missing(object, &["spec", "updateStrategy"], &json!({ "type": "RollingUpdate" }));
    if object::text(object, "/spec/updateStrategy/type") == "RollingUpdate" {
        fill_missing(object, &["spec", "updateStrategy", "rollingUpdate"], &json!({ "partition": 0 }));
    }
}

fn daemon_set(object: &mut Value) {
    fill_missing(object, &["spec"], &json!({ "revisionHistoryLimit": 10 }));
    fill_missing(object, &["spec", "updateStrategy"], &json!({ "type": "RollingUpdate" }));
    if object::text(object, "/spec/updateStrategy/type") == "RollingUpdate" {
        let rolling = json!({ "maxSurge": 0, "maxUnavailable": 1 });
        fill_missing(object, &["spec", "updateStrategy", "rollingUpdate"], &rolling);
    }
}

/// A Job also gets the selector and the labels by which it knows its own pods.
fn job(object: &mut Value) {
    let spec = json!({
        "backoffLimit": 6, "completionMode": "NonIndexed", "completions": 1, "parallelism": 1,
        "manualSelector": false, "podReplacementPolicy": "TerminatingOrFailed", "suspend": false,
    });
    fill_missing(object, &["spec"], &spec);
    let (uid, name) = (object::uid(object).to_owned(), object::name(object).to_owned());
    if uid.is_empty() || object::flag(object, "/spec/manualSelector") {
        return;
    }
    fill_missing(object, &["spec", "selector", "matchLabels"], &json!({ "batch.kubernetes.io/controller-uid": uid }));
    let labels = json!({
        "batch.kubernetes.io/controller-uid": uid, "batch.kubernetes.io/job-name": name, "controller-uid": uid, "job-name": name,
    });
    fill_missing(object, &["spec", "template", "metadata", "labels"], &labels);
}

/// What a Job's spec says is filled in only when a Job is made of it; its pod template at once.
fn cron_job(object: &mut Value) {
    let spec = json!({
        "concurrencyPolicy": "Allow", "suspend": false, "successfulJobsHistoryLimit": 3, "failedJobsHistoryLimit": 1,
    });
    fill_missing(object, &["spec"], &spec);
    fill_missing(object, &["spec", "jobTemplate", "metadata"], &json!({}));
    pod_spec(object::slot(object, &["spec", "jobTemplate", "spec", "template", "spec"]));
}

/// Source: pkg/apis/autoscaling/v2/defaults.go of Kubernetes.
fn autoscaler(object: &mut Value) {
    let cpu = json!({ "name": "cpu", "target": { "type": "Utilization", "averageUtilization": 80 } });
    fill_missing(object, &["spec"], &json!({ "minReplicas": 1, "metrics": [{ "type": "Resource", "resource": cpu }] }));
}

/// A pod, unlike a template, also asks for what it is limited to.
fn pod(spec: &mut Value) {
    pod_spec(spec);
    for container in spec.get_mut("containers").and_then(Value::as_array_mut).into_iter().flatten() {
        let limits = container["resources"]["limits"].clone();
        if limits.as_object().is_some_and(|it| !it.is_empty()) {
            fill_missing(container, &["resources", "requests"], &limits);
        }
    }
}

fn pod_spec(spec: &mut Value) {
    let defaults = json!({
        "restartPolicy": "Always", "dnsPolicy": "ClusterFirst", "schedulerName": "default-scheduler",
        "terminationGracePeriodSeconds": 30, "securityContext": {},
    });
    fill_missing(spec, &[], &defaults);
    for field in ["containers", "initContainers"] {
        let containers = spec.get_mut(field).and_then(Value::as_array_mut);
        containers.into_iter().flatten().for_each(container);
    }
    let volumes = spec.get_mut("volumes").and_then(Value::as_array_mut);
    volumes.into_iter().flatten().for_each(volume);
    // The old name of the field follows the new one.
    let account = spec["serviceAccountName"].clone();
    if !account.is_null() {
        fill_missing(spec, &[], &json!({ "serviceAccount": account }));
    }
}

fn volume(volume: &mut Value) {
    if volume.as_object().is_some_and(|fields| fields.keys().all(|field| field == "name")) {
        volume["emptyDir"] = json!({});
    }
    for kind in ["configMap", "secret", "projected", "downwardAPI"] {
        if let Some(source) = volume.get_mut(kind) {
            fill_missing(source, &[], &json!({ "defaultMode": 0o644 }));
        }
    }
}

fn container(container: &mut Value) {
    let policy = if image::is_latest(object::text(container, "/image")) { "Always" } else { "IfNotPresent" };
    let defaults = json!({
        "imagePullPolicy": policy, "terminationMessagePath": "/dev/termination-log",
        "terminationMessagePolicy": "File", "resources": {},
    });
    fill_missing(container, &[], &defaults);
    let ports = container.get_mut("ports").and_then(Value::as_array_mut);
    ports.into_iter().flatten().for_each(|port| fill_missing(port, &[], &json!({ "protocol": "TCP" })));
    let env = container.get_mut("env").and_then(Value::as_array_mut);
    env.into_iter().flatten().for_each(variable);
    for kind in ["limits", "requests"] {
        let amounts = container["resources"].get_mut(kind).and_then(Value::as_object_mut);
        amounts.into_iter().flat_map(|amounts| amounts.values_mut()).for_each(amount);
    }
    for probe in ["livenessProbe", "readinessProbe", "startupProbe"] {
        if let Some(probe) = container.get_mut(probe).filter(|probe| probe.is_object()) {
            fill_probe(probe);
        }
    }
}

/// An empty value is left out.
fn variable(variable: &mut Value) {
    if variable["value"] == "" {
        object::remove(variable, &["value"]);
    }
    if let Some(reference) = variable.pointer_mut("/valueFrom/fieldRef") {
        fill_missing(reference, &[], &json!({ "apiVersion": "v1" }));
    }
}

fn amount(amount: &mut Value) {
    let text = amount.as_str().map_or_else(|| amount.to_string(), str::to_owned);
    *amount = json!(quantity::canonical(&text));
}

fn fill_probe(probe: &mut Value) {
    let defaults = json!({ "timeoutSeconds": 1, "periodSeconds": 10, "successThreshold": 1, "failureThreshold": 3 });
    fill_missing(probe, &[], &defaults);
    if let Some(get) = probe.get_mut("httpGet").filter(|get| get.is_object()) {
        fill_missing(get, &[], &json!({ "path": "/", "scheme": "HTTP" }));
    }
}

/// Adds the entries of `defaults` that are missing (or null) in the object at `path`.
fn fill_missing(object: &mut Value, path: &[&str], defaults: &Value) {
    let target = object::slot(object, path);
    if !target.is_object() {
        *target = json!({});
    }
    for (key, value) in defaults.as_object().into_iter().flatten() {
        if target[key.as_str()].is_null() {
            target[key.as_str()] = value.clone();
        }
    }
}
