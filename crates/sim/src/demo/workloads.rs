//! The components of the platform, as their manifests would be.
//!
//! Invariant: a template is a function of site, component and version, so a rollback finds its ReplicaSet again.

use super::releases::{self, Past};
use super::sites::Site;
use crate::image;
use crate::place::{self, Release};
use crate::state::State;
use jiff::SignedDuration;
use serde_json::{Value, json};

/// What a component is and needs. CPU in cores, memory in GiB; half of each limit is requested.
struct Component {
    kind: Kind,
    name: &'static str,
    container: &'static str,
    repository: &'static str,
    ports: &'static [(&'static str, u16)],
    replicas: i64,
    cpu: u32,
    memory: u32,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Kind {
    Deployment,
    StatefulSet,
    DaemonSet,
}

use Kind::{DaemonSet, Deployment, StatefulSet};

#[rustfmt::skip]
static COMPONENTS: [Component; 9] = [
    Component { kind: Deployment, name: "devmatrix-api", container: "api", repository: "devmatrix/api", ports: &[("http", 8000)], replicas: 4, cpu: 2, memory: 4 },
    Component { kind: StatefulSet, name: "postgres", container: "postgres", repository: "mirror/postgres", ports: &[("postgres", 5432)], replicas: 1, cpu: 4, memory: 8 },
    Component { kind: Deployment, name: "qdrant", container: "qdrant", repository: "mirror/qdrant", ports: &[("http", 6333)], replicas: 1, cpu: 2, memory: 4 },
    Component { kind: Deployment, name: "neo4j", container: "neo4j", repository: "mirror/neo4j", ports: &[("bolt", 7687), ("http", 7474)], replicas: 1, cpu: 2, memory: 4 },
    Component { kind: Deployment, name: "redis", container: "redis", repository: "mirror/redis", ports: &[("redis", 6379)], replicas: 1, cpu: 1, memory: 2 },
    Component { kind: Deployment, name: "nginx", container: "nginx", repository: "mirror/nginx", ports: &[("http", 80), ("https", 443)], replicas: 2, cpu: 1, memory: 2 },
    Component { kind: Deployment, name: "prometheus", container: "prometheus", repository: "mirror/prometheus", ports: &[("http", 9090)], replicas: 1, cpu: 2, memory: 4 },
    Component { kind: StatefulSet, name: "elasticsearch", container: "elasticsearch", repository: "mirror/elasticsearch", ports: &[("http", 9200)], replicas: 3, cpu: 4, memory: 8 },
    Component { kind: DaemonSet, name: "filebeat", container: "filebeat", repository: "mirror/filebeat", ports: &[], replicas: 0, cpu: 1, memory: 1 },
];

pub(crate) fn place(state: &mut State, site: &Site) {
    for component in &COMPONENTS {
        let past = releases::of(site.name, component.name);
        let releases: Vec<Release> = past.iter().map(|past| release(state, site, component, past)).collect();
        let object = object(site, component);
        match component.kind {
            Deployment => place::deployment(state, object, &releases),
            StatefulSet => place::stateful_set(state, object, &releases),
            DaemonSet => place::daemon_set(state, object, &releases),
        }
    }
}

/// Names and ports of what a Service is made for.
pub(crate) fn services() -> impl Iterator<Item = (&'static str, &'static [(&'static str, u16)])> {
    COMPONENTS.iter().filter(|it| !it.ports.is_empty()).map(|it| (it.name, it.ports))
}

fn release(state: &State, site: &Site, component: &Component, &(version, minutes, author): &Past) -> Release {
    let at = state.now.saturating_sub(SignedDuration::from_mins(minutes)).unwrap_or(state.now);
    let cause = format!("{version} by {}", releases::person(author));
    Release { template: template(site, component, version), at, cause }
}

fn labels(component: &Component) -> Value {
    json!({
        "app": component.name, "app.kubernetes.io/name": component.name, "app.kubernetes.io/part-of": "devmatrix",
    })
}

fn object(site: &Site, component: &Component) -> Value {
    let mut spec = json!({ "selector": { "matchLabels": { "app": component.name } } });
    let kind = match component.kind {
        Deployment => "Deployment",
        StatefulSet => "StatefulSet",
        DaemonSet => "DaemonSet",
    };
    if component.kind != DaemonSet {
        let is_small = component.name == "devmatrix-api" && !site.is_production;
        spec["replicas"] = json!(if is_small { 3 } else { component.replicas });
    }
    if component.kind == StatefulSet {
        spec["serviceName"] = json!(component.name);
        spec["volumeClaimTemplates"] = json!([{
            "metadata": { "name": "data" },
            "spec": { "accessModes": ["ReadWriteOnce"], "resources": { "requests": { "storage": "100Gi" } } },
        }]);
    }
    // It keeps its data in one place: the old pod has to be gone before the new one starts.
    if component.name == "neo4j" {
        spec["strategy"] = json!({ "type": "Recreate" });
        if !site.is_production {
            spec["paused"] = json!(true);
        }
    }
    json!({
        "apiVersion": "apps/v1", "kind": kind,
        "metadata": { "name": component.name, "namespace": site.namespace, "labels": labels(component) },
        "spec": spec,
    })
}

fn template(site: &Site, component: &Component, version: &str) -> Value {
    let mut labels = labels(component);
    labels["app.kubernetes.io/version"] = json!(version);
    let built = format!("{}:{version}", component.repository);
    let annotations = json!({
        "devmatrix.io/commit": image::hex(&built)[..7], "devmatrix.io/author": author(component, version),
        "devmatrix.io/branch": site.branch,
    });
    json!({
        "metadata": { "labels": labels, "annotations": annotations },
        "spec": {
            "containers": [container(component, version)],
            "securityContext": { "runAsNonRoot": true, "runAsUser": 1000, "fsGroup": 1000 },
        },
    })
}

/// Who made a version is the same everywhere, whoever releases it: the one who brought it to staging first.
fn author(component: &Component, version: &str) -> &'static str {
    let sites = ["staging-aks", "prod-eks", "prod-gke"].iter();
    let all = sites.flat_map(|site| releases::of(site, component.name));
    all.into_iter().find(|(released, ..)| *released == version).map_or("ben", |(.., author)| author)
}

fn container(component: &Component, version: &str) -> Value {
    let ports: Vec<Value> = component.ports.iter().map(|(name, port)| json!({ "name": name, "containerPort": port })).collect();
    let mut container = json!({
        "name": component.container,
        "image": format!("registry.devmatrix.example/{}:{version}", component.repository),
        "ports": ports,
        "resources": {
            "requests": { "cpu": format!("{}m", component.cpu * 500), "memory": format!("{}Mi", component.memory * 512) },
            "limits": { "cpu": component.cpu.to_string(), "memory": format!("{}Gi", component.memory) },
        },
    });
    if component.container == "api" {
        container["envFrom"] =
            json!([{ "configMapRef": { "name": "devmatrix-config" } }, { "secretRef": { "name": "devmatrix-secrets" } }]);
        container["livenessProbe"] = json!({
            "httpGet": { "path": "/health", "port": 8000 }, "initialDelaySeconds": 30, "periodSeconds": 10,
            "timeoutSeconds": 3, "failureThreshold": 3,
        });
        container["readinessProbe"] = json!({
            "httpGet": { "path": "/health/ready", "port": 8000 }, "initialDelaySeconds": 10, "periodSeconds": 5,
            "timeoutSeconds": 3,
        });
    } else if let Some((_, port)) = component.ports.first() {
        let probe = json!({ "tcpSocket": { "port": port }, "initialDelaySeconds": 10, "periodSeconds": 10 });
        container["livenessProbe"] = probe.clone();
        container["readinessProbe"] = probe;
    }
    container
}
