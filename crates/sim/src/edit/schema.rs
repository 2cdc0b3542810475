//! The fields that workloads and pod templates may have, for strict field validation.
//!
//! Invariant: a shape that is not written down here is `Any` and takes every field, so nothing real is refused.

use serde_json::Value;

enum Shape {
    Any,
    Object(&'static [(&'static str, &'static Shape)]),
    List(&'static Shape),
}

use Shape::{Any, List, Object};

static ANY: Shape = Any;

static METADATA: Shape = Object(&[
    ("annotations", &ANY),
    ("creationTimestamp", &ANY),
    ("deletionGracePeriodSeconds", &ANY),
    ("deletionTimestamp", &ANY),
    ("finalizers", &ANY),
    ("generateName", &ANY),
    ("generation", &ANY),
    ("labels", &ANY),
    ("managedFields", &ANY),
    ("name", &ANY),
    ("namespace", &ANY),
    ("ownerReferences", &ANY),
    ("resourceVersion", &ANY),
    ("selfLink", &ANY),
    ("uid", &ANY),
]);

static SELECTOR: Shape = Object(&[("matchLabels", &ANY), ("matchExpressions", &ANY)]);

static RESOURCES: Shape = Object(&[("claims", &ANY), ("limits", &ANY), ("requests", &ANY)]);

static PORT: Shape = Object(&[("containerPort", &ANY), ("hostIP", &ANY), ("hostPort", &ANY), ("name", &ANY), ("protocol", &ANY)]);

static ENV: Shape = Object(&[("name", &ANY), ("value", &ANY), ("valueFrom", &ANY)]);

static PROBE: Shape = Object(&[
    ("exec", &ANY),
    ("failureThreshold", &ANY),
    ("grpc", &ANY),
    ("httpGet", &ANY),
    ("initialDelaySeconds", &ANY),
    ("periodSeconds", &ANY),
    ("successThreshold", &ANY),
    ("tcpSocket", &ANY),
    ("terminationGracePeriodSeconds", &ANY),
    ("timeoutSeconds", &ANY),
]);

static CONTAINER: Shape = Object(&[
    ("args", &ANY),
    ("command", &ANY),
    ("env", &List(&ENV)),
    ("envFrom", &ANY),
    ("image", &ANY),
    ("imagePullPolicy", &ANY),
    ("lifecycle", &ANY),
    ("livenessProbe", &PROBE),
    ("name", &ANY),
    ("ports", &List(&PORT)),
    ("readinessProbe", &PROBE),
    ("resizePolicy", &ANY),
    ("resources", &RESOURCES),
    ("restartPolicy", &ANY),
    ("restartPolicyRules", &ANY),
    ("securityContext", &ANY),
    ("startupProbe", &PROBE),
    ("stdin", &ANY),
    ("stdinOnce", &ANY),
    ("terminationMessagePath", &ANY),
    ("terminationMessagePolicy", &ANY),
    ("tty", &ANY),
    ("volumeDevices", &ANY),
    ("volumeMounts", &ANY),
    ("workingDir", &ANY),
]);

static POD_SPEC: Shape = Object(&[
    ("activeDeadlineSeconds", &ANY),
    ("affinity", &ANY),
    ("automountServiceAccountToken", &ANY),
    ("containers", &List(&CONTAINER)),
    ("dnsConfig", &ANY),
    ("dnsPolicy", &ANY),
    ("enableServiceLinks", &ANY),
    ("ephemeralContainers", &ANY),
    ("hostAliases", &ANY),
    ("hostIPC", &ANY),
    ("hostNetwork", &ANY),
    ("hostPID", &ANY),
    ("hostUsers", &ANY),
    ("hostname", &ANY),
    ("hostnameOverride", &ANY),
    ("imagePullSecrets", &ANY),
    ("initContainers", &List(&CONTAINER)),
    ("nodeName", &ANY),
    ("nodeSelector", &ANY),
    ("os", &ANY),
    ("overhead", &ANY),
    ("preemptionPolicy", &ANY),
    ("priority", &ANY),
    ("priorityClassName", &ANY),
    ("readinessGates", &ANY),
    ("resourceClaims", &ANY),
    ("resources", &RESOURCES),
    ("restartPolicy", &ANY),
    ("runtimeClassName", &ANY),
    ("schedulerName", &ANY),
    ("schedulingGates", &ANY),
    ("securityContext", &ANY),
    ("serviceAccount", &ANY),
    ("serviceAccountName", &ANY),
    ("setHostnameAsFQDN", &ANY),
    ("shareProcessNamespace", &ANY),
    ("subdomain", &ANY),
    ("terminationGracePeriodSeconds", &ANY),
    ("tolerations", &ANY),
    ("topologySpreadConstraints", &ANY),
    ("volumes", &ANY),
    ("workloadRef", &ANY),
]);

static TEMPLATE: Shape = Object(&[("metadata", &METADATA), ("spec", &POD_SPEC)]);

static ROLLING: Shape = Object(&[("maxSurge", &ANY), ("maxUnavailable", &ANY), ("partition", &ANY)]);

static STRATEGY: Shape = Object(&[("rollingUpdate", &ROLLING), ("type", &ANY)]);

static DEPLOYMENT_SPEC: Shape = Object(&[
    ("minReadySeconds", &ANY),
    ("paused", &ANY),
    ("progressDeadlineSeconds", &ANY),
    ("replicas", &ANY),
    ("revisionHistoryLimit", &ANY),
    ("selector", &SELECTOR),
    ("strategy", &STRATEGY),
    ("template", &TEMPLATE),
]);

static STATEFULSET_SPEC: Shape = Object(&[
    ("minReadySeconds", &ANY),
    ("ordinals", &ANY),
    ("persistentVolumeClaimRetentionPolicy", &ANY),
    ("podManagementPolicy", &ANY),
    ("replicas", &ANY),
    ("revisionHistoryLimit", &ANY),
    ("selector", &SELECTOR),
    ("serviceName", &ANY),
    ("template", &TEMPLATE),
    ("updateStrategy", &STRATEGY),
    ("volumeClaimTemplates", &ANY),
]);

static DAEMONSET_SPEC: Shape = Object(&[
    ("minReadySeconds", &ANY),
    ("revisionHistoryLimit", &ANY),
    ("selector", &SELECTOR),
    ("template", &TEMPLATE),
    ("updateStrategy", &STRATEGY),
]);

static JOB_SPEC: Shape = Object(&[
    ("activeDeadlineSeconds", &ANY),
    ("backoffLimit", &ANY),
    ("backoffLimitPerIndex", &ANY),
    ("completionMode", &ANY),
    ("completions", &ANY),
    ("managedBy", &ANY),
    ("manualSelector", &ANY),
    ("maxFailedIndexes", &ANY),
    ("parallelism", &ANY),
    ("podFailurePolicy", &ANY),
    ("podReplacementPolicy", &ANY),
    ("selector", &SELECTOR),
    ("successPolicy", &ANY),
    ("suspend", &ANY),
    ("template", &TEMPLATE),
    ("ttlSecondsAfterFinished", &ANY),
]);

macro_rules! whole {
    ($spec:ident) => {
        Object(&[("apiVersion", &ANY), ("kind", &ANY), ("metadata", &METADATA), ("spec", &$spec), ("status", &ANY)])
    };
}

static DEPLOYMENT: Shape = whole!(DEPLOYMENT_SPEC);
static STATEFULSET: Shape = whole!(STATEFULSET_SPEC);
static DAEMONSET: Shape = whole!(DAEMONSET_SPEC);
static JOB: Shape = whole!(JOB_SPEC);
static POD: Shape = whole!(POD_SPEC);

fn shape_of(kind: &str) -> &'static Shape {
    match kind {
        "Deployment" => &DEPLOYMENT,
        "StatefulSet" => &STATEFULSET,
        "DaemonSet" => &DAEMONSET,
        "Job" => &JOB,
        "Pod" => &POD,
        _ => &ANY,
    }
}

/// Takes the fields out that the kind does not have and returns their paths, as decoding into a Go struct does.
pub(crate) fn prune(kind: &str, object: &mut Value) -> Vec<String> {
    let mut unknown = Vec::new();
    walk(shape_of(kind), "", object, &mut unknown);
    unknown
}

fn walk(shape: &Shape, path: &str, value: &mut Value, unknown: &mut Vec<String>) {
    match (shape, value) {
        (Object(fields), Value::Object(map)) => {
            map.retain(|key, _| {
                let known = fields.iter().any(|(field, _)| field == key);
                if !known {
                    unknown.push(join(path, key));
                }
                known
            });
            for (field, shape) in *fields {
                if let Some(value) = map.get_mut(*field) {
                    walk(shape, &join(path, field), value, unknown);
                }
            }
        }
        (List(shape), Value::Array(items)) => {
            for (index, item) in items.iter_mut().enumerate() {
                walk(shape, &format!("{path}[{index}]"), item, unknown);
            }
        }
        _ => {}
    }
}

fn join(path: &str, field: &str) -> String {
    if path.is_empty() { field.to_owned() } else { format!("{path}.{field}") }
}

/// The words of the real decoder.
pub(crate) fn strict_error(unknown: &[String]) -> String {
    let fields: Vec<String> = unknown.iter().map(|path| format!("unknown field \"{path}\"")).collect();
    format!("strict decoding error: {}", fields.join(", "))
}
