//! Filling a cluster for measurements: many healthy Deployments at once.

use crate::cluster::Cluster;
use crate::place::{self, Release};
use serde_json::{Value, json};

/// How many Deployments share a namespace before the next one begins.
const PER_NAMESPACE: usize = 100;

/// Adds `deployments` Deployments of `pods` pods each, running and ready: `load-0000` and so on, in the namespaces
/// `team-a` to `team-z` in turns of a hundred.
pub fn fill(cluster: &Cluster, deployments: usize, pods: usize) {
    let shared = cluster.shared();
    let namespaces = deployments.div_ceil(PER_NAMESPACE).min(26);
    for index in 0..namespaces {
        cluster.ensure_namespace(&namespace(index * PER_NAMESPACE));
    }
    shared.with(|state| {
        let at = state.now;
        for number in 0..deployments {
            let name = format!("load-{number:04}");
            let release = Release { template: template(&name), at, cause: String::new() };
            place::deployment(state, deployment(&name, &namespace(number), pods), &[release]);
        }
    });
}

fn namespace(number: usize) -> String {
    let letter = (b'a'..=b'z').nth(number / PER_NAMESPACE % 26).unwrap_or(b'a');
    format!("team-{}", char::from(letter))
}

fn deployment(name: &str, namespace: &str, pods: usize) -> Value {
    json!({
        "apiVersion": "apps/v1", "kind": "Deployment",
        "metadata": { "name": name, "namespace": namespace, "labels": { "app": name } },
        "spec": { "replicas": pods, "selector": { "matchLabels": { "app": name } } },
    })
}

fn template(name: &str) -> Value {
    json!({
        "metadata": { "labels": { "app": name, "app.kubernetes.io/version": "1.0.0" } },
        "spec": { "containers": [{
            "name": "app", "image": format!("registry.devmatrix.example/load/{name}:1.0.0"),
            "ports": [{ "containerPort": 8080 }],
            "resources": { "requests": { "cpu": "100m", "memory": "128Mi" } },
        }] },
    })
}
