//! The fake machines that pods are placed on.

use crate::object;
use crate::resource;
use crate::state::{Key, State};
use serde_json::{Value, json};

/// A healthy node with 4 CPUs and 16 GiB, and these labels.
pub(crate) fn node(name: &str, number: u8, labels: &Value) -> Value {
    let size = json!({ "cpu": "4", "memory": "16Gi", "pods": "110", "ephemeral-storage": "100Gi" });
    let mut all = json!({ "kubernetes.io/hostname": name, "kubernetes.io/os": "linux", "kubernetes.io/arch": "amd64" });
    for (key, value) in labels.as_object().into_iter().flatten() {
        all[key.as_str()] = value.clone();
    }
    json!({
        "apiVersion": "v1", "kind": "Node",
        "metadata": { "name": name, "labels": all, "uid": uuid::Uuid::now_v7().to_string() },
        "spec": { "podCIDR": format!("10.244.{number}.0/24") },
        "status": {
            "capacity": size, "allocatable": size,
            "addresses": [
                { "type": "InternalIP", "address": format!("10.0.{number}.4") },
                { "type": "Hostname", "address": name },
            ],
            "nodeInfo": {
                "kubeletVersion": "v1.36.0", "osImage": "Simulated Linux", "kernelVersion": "6.12",
                "containerRuntimeVersion": "containerd://2.1.4", "operatingSystem": "linux", "architecture": "amd64",
            },
        },
    })
}

/// Stores a node as ready since now.
pub(crate) fn place(state: &mut State, mut node: Value) {
    let now = object::stamp(state.now);
    object::set(&mut node, &["metadata", "creationTimestamp"], now.clone());
    let pressures = ["MemoryPressure", "DiskPressure", "PIDPressure"].into_iter();
    let mut conditions: Vec<Value> = pressures.map(|kind| json!({ "type": kind, "status": "False" })).collect();
    conditions.push(json!({ "type": "Ready", "status": "True", "reason": "KubeletReady", "message": "kubelet is posting ready status" }));
    for condition in &mut conditions {
        condition["lastTransitionTime"] = now.clone();
        condition["lastHeartbeatTime"] = now.clone();
    }
    object::set(&mut node, &["status", "conditions"], Value::Array(conditions));
    let key = Key::of(resource::NODES, &node);
    state.place(&key, node);
}

/// The node for a pod of this name, with its address: always the same one. None in a cluster without nodes.
pub(crate) fn pick(state: &State, pod: &str) -> Option<(String, String)> {
    let nodes: Vec<_> = state.scan(resource::NODES, None, None).map(|(_, node)| node).collect();
    let index = object::hash(pod.as_bytes()) as usize % nodes.len().max(1);
    nodes.get(index).map(|node| (object::name(node).to_owned(), object::text(node, "/status/addresses/0/address").to_owned()))
}

/// A node by its name, with its address.
pub(crate) fn named(state: &State, name: &str) -> Option<(String, String)> {
    let node = state.get(&Key::new(resource::NODES, "", name))?;
    Some((name.to_owned(), object::text(&node, "/status/addresses/0/address").to_owned()))
}

/// The labels of a node that its pods get too: where it stands.
pub(crate) fn topology(state: &State, name: &str) -> Vec<(String, Value)> {
    let node = state.get(&Key::new(resource::NODES, "", name));
    let labels = node.iter().flat_map(|node| node["metadata"]["labels"].as_object().into_iter().flatten());
    let is_topology = |label: &str| matches!(label, "topology.kubernetes.io/region" | "topology.kubernetes.io/zone");
    labels.filter(|(label, _)| is_topology(label)).map(|(label, value)| (label.clone(), value.clone())).collect()
}

/// The CPUs of each node, as quantities.
pub(crate) fn sizes(state: &State) -> Vec<String> {
    state.scan(resource::NODES, None, None).map(|(_, node)| object::text(node, "/status/allocatable/cpu").to_owned()).collect()
}
