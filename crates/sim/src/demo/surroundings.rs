//! What stands around the workloads: configuration, services, ingress, autoscaler, network policy, backup.

use super::sites::Site;
use super::workloads;
use crate::controllers::later;
use crate::object;
use crate::place;
use crate::state::State;
use jiff::{SignedDuration, Timestamp};
use serde_json::{Value, json};

pub(crate) fn place(state: &mut State, site: &Site) {
    let born = later(state.now, SignedDuration::from_hours(-90 * 24));
    let mut things = vec![config(site), ingress(site), network_policy(site), claim(site)];
    things.extend(workloads::services().map(|(name, ports)| service(site, name, ports)));
    if site.is_production {
        things.push(autoscaler(site));
    }
    for thing in things {
        place::thing(state, thing, born);
    }
    if !site.is_production {
        let left = later(state.now, SignedDuration::from_hours(-6 * 24 - 3));
        place::bare_pod(state, debugging_pod(site), left);
    }
    place_backup(state, site, born);
}

/// Somebody looked for something, and left it running.
fn debugging_pod(site: &Site) -> Value {
    let mut metadata = meta(site, "debug-olivia");
    metadata["labels"] = json!({ "run": "debug-olivia" });
    json!({
        "apiVersion": "v1", "kind": "Pod", "metadata": metadata,
        "spec": { "containers": [{ "name": "debug-olivia", "image": "registry.devmatrix.example/mirror/netshoot:0.13", "command": ["sleep", "infinity"] }] },
    })
}

fn meta(site: &Site, name: &str) -> Value {
    json!({ "name": name, "namespace": site.namespace, "labels": { "app.kubernetes.io/part-of": "devmatrix" } })
}

fn config(site: &Site) -> Value {
    json!({
        "apiVersion": "v1", "kind": "ConfigMap", "metadata": meta(site, "devmatrix-config"),
        "data": {
            "DATABASE_HOST": "postgres", "QDRANT_URL": "http://qdrant:6333", "NEO4J_URI": "bolt://neo4j:7687",
            "REDIS_URL": "redis://redis:6379", "LOG_LEVEL": "INFO",
            "ENV": if site.is_production { "production" } else { "staging" },
        },
    })
}

fn service(site: &Site, name: &str, ports: &[(&str, u16)]) -> Value {
    let ports: Vec<Value> =
        ports.iter().map(|(name, port)| json!({ "name": name, "port": port, "targetPort": port, "protocol": "TCP" })).collect();
    let is_headless = matches!(name, "postgres" | "elasticsearch");
    let last = object::hash(format!("{}/{name}", site.name).as_bytes()) % 250 + 2;
    let address = if is_headless { "None".to_owned() } else { format!("10.96.14.{last}") };
    json!({
        "apiVersion": "v1", "kind": "Service", "metadata": meta(site, name),
        "spec": { "type": "ClusterIP", "clusterIP": address, "selector": { "app": name }, "ports": ports },
        "status": { "loadBalancer": {} },
    })
}

fn ingress(site: &Site) -> Value {
    let mut metadata = meta(site, "devmatrix-api");
    metadata["annotations"] = json!({
        "cert-manager.io/cluster-issuer": "letsencrypt-prod", "nginx.ingress.kubernetes.io/ssl-redirect": "true",
        "nginx.ingress.kubernetes.io/rate-limit": "100",
    });
    let backend = json!({ "service": { "name": "devmatrix-api", "port": { "number": 8000 } } });
    json!({
        "apiVersion": "networking.k8s.io/v1", "kind": "Ingress", "metadata": metadata,
        "spec": {
            "ingressClassName": "nginx", "tls": [{ "hosts": [site.host], "secretName": "devmatrix-api-tls" }],
            "rules": [{ "host": site.host, "http": { "paths": [{ "path": "/", "pathType": "Prefix", "backend": backend }] } }],
        },
        "status": { "loadBalancer": { "ingress": [{ "ip": "203.0.113.10" }] } },
    })
}

fn autoscaler(site: &Site) -> Value {
    let metric = |name: &str, percent: i64| {
        json!({
            "type": "Resource", "resource": { "name": name, "target": { "type": "Utilization", "averageUtilization": percent } },
        })
    };
    let current = |name: &str, percent: i64| {
        json!({
            "type": "Resource", "resource": { "name": name, "current": { "averageUtilization": percent, "averageValue": "610m" } },
        })
    };
    let policy = |percent: i64| json!([{ "type": "Percent", "value": percent, "periodSeconds": 60 }]);
    json!({
        "apiVersion": "autoscaling/v2", "kind": "HorizontalPodAutoscaler", "metadata": meta(site, "devmatrix-api"),
        "spec": {
            "scaleTargetRef": { "apiVersion": "apps/v1", "kind": "Deployment", "name": "devmatrix-api" },
            "minReplicas": 3, "maxReplicas": 10, "metrics": [metric("cpu", 70), metric("memory", 80)],
            "behavior": {
                "scaleDown": { "stabilizationWindowSeconds": 300, "policies": policy(50) },
                "scaleUp": { "stabilizationWindowSeconds": 60, "policies": policy(100) },
            },
        },
        "status": {
            "currentReplicas": 4, "desiredReplicas": 4, "currentMetrics": [current("cpu", 61), current("memory", 48)],
            "conditions": [{ "type": "AbleToScale", "status": "True", "reason": "ReadyForNewScale" }],
        },
    })
}

fn network_policy(site: &Site) -> Value {
    let to = |app: &str, port: u16| {
        json!({
            "to": [{ "podSelector": { "matchLabels": { "app": app } } }], "ports": [{ "protocol": "TCP", "port": port }],
        })
    };
    json!({
        "apiVersion": "networking.k8s.io/v1", "kind": "NetworkPolicy", "metadata": meta(site, "devmatrix-api"),
        "spec": {
            "podSelector": { "matchLabels": { "app": "devmatrix-api" } }, "policyTypes": ["Ingress", "Egress"],
            "ingress": [{
                "from": [{ "podSelector": { "matchLabels": { "app": "nginx" } } }],
                "ports": [{ "protocol": "TCP", "port": 8000 }],
            }],
            "egress": [to("postgres", 5432), to("qdrant", 6333)],
        },
    })
}

fn claim(site: &Site) -> Value {
    json!({
        "apiVersion": "v1", "kind": "PersistentVolumeClaim", "metadata": meta(site, "backup-pvc"),
        "spec": { "accessModes": ["ReadWriteOnce"], "resources": { "requests": { "storage": "200Gi" } } },
        "status": { "phase": "Bound", "capacity": { "storage": "200Gi" } },
    })
}

/// The daily backup, and the run of last night.
fn place_backup(state: &mut State, site: &Site, born: Timestamp) {
    let ran = last_two_o_clock(state.now);
    let ended = later(ran, SignedDuration::from_secs(291));
    let cron = json!({
        "apiVersion": "batch/v1", "kind": "CronJob", "metadata": meta(site, "devmatrix-backup"),
        "spec": {
            "schedule": "0 2 * * *", "concurrencyPolicy": "Forbid", "suspend": false, "successfulJobsHistoryLimit": 3,
            "failedJobsHistoryLimit": 1, "jobTemplate": { "spec": job_spec() },
        },
        "status": { "lastScheduleTime": object::stamp(ran), "lastSuccessfulTime": object::stamp(ended) },
    });
    let cron = place::thing(state, cron, born);
    let mut metadata = meta(site, &format!("devmatrix-backup-{}", ran.as_second() / 60));
    metadata["ownerReferences"] = json!([object::controller_reference(&cron)]);
    let conditions: Vec<Value> = ["SuccessCriteriaMet", "Complete"]
        .iter()
        .map(|kind| {
            json!({
                "type": kind, "status": "True", "reason": "CompletionsReached", "lastProbeTime": null,
                "message": "Reached expected number of succeeded pods", "lastTransitionTime": object::stamp(ended),
            })
        })
        .collect();
    let job = json!({
        "apiVersion": "batch/v1", "kind": "Job", "metadata": metadata, "spec": job_spec(),
        "status": {
            "startTime": object::stamp(ran), "completionTime": object::stamp(ended), "succeeded": 1, "ready": 0,
            "terminating": 0, "uncountedTerminatedPods": {}, "conditions": conditions,
        },
    });
    place::thing(state, job, ran);
}

fn job_spec() -> Value {
    json!({
        "backoffLimit": 2,
        "template": {
            "metadata": { "labels": { "app": "devmatrix-backup" } },
            "spec": {
                "restartPolicy": "Never",
                "containers": [{
                    "name": "backup", "image": "registry.devmatrix.example/devmatrix/backup-tools:2.3.0",
                    "args": ["--to", "s3://devmatrix-backups"],
                    "envFrom": [{ "secretRef": { "name": "devmatrix-secrets" } }],
                    "volumeMounts": [{ "name": "backup", "mountPath": "/backup" }],
                }],
                "volumes": [{ "name": "backup", "persistentVolumeClaim": { "claimName": "backup-pvc" } }],
            },
        },
    })
}

/// The last time it was 02:00 UTC.
fn last_two_o_clock(now: Timestamp) -> Timestamp {
    const DAY: i64 = 86_400;
    let two = 2 * 3_600;
    let second = (now.as_second() - two).div_euclid(DAY) * DAY + two;
    Timestamp::from_second(second).unwrap_or(now)
}
