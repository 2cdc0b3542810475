//! How Kubernetes' objects become the portal's small facts.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use domain::Time;
use domain::clusters::{Present, Workload, WorkloadKind, template_hash};
use engine::clusters::objects::workload_of;
use serde_json::{Value, json};

fn deployment() -> Value {
    json!({
        "metadata": {"name": "api", "namespace": "ns", "uid": "u", "generation": 4, "annotations": {"deployment.kubernetes.io/revision": "7"}},
        "spec": {"replicas": 3, "template": {
            "metadata": {"labels": {"app": "api", "tier": "back"}},
            "spec": {
                "initContainers": [{"name": "migrate", "image": "m:1", "envFrom": [{"secretRef": {"name": "admin"}}]}],
                "containers": [{
                    "name": "api", "image": "registry.example/api:1.2", "ports": [{"containerPort": 8000}, {"containerPort": 9100}],
                    "resources": {"limits": {"cpu": 2, "memory": "4Gi"}, "requests": {"cpu": "500m"}},
                    "env": [
                        {"name": "PLAIN", "value": "x"},
                        {"name": "LEVEL", "valueFrom": {"configMapKeyRef": {"name": "levels", "key": "api", "optional": true}}},
                        {"name": "PASSWORD", "valueFrom": {"secretKeyRef": {"name": "passwords", "key": "db"}}},
                        {"name": "IP", "valueFrom": {"fieldRef": {"fieldPath": "status.podIP"}}},
                    ],
                    "envFrom": [{"prefix": "A_", "configMapRef": {"name": "settings"}}],
                }],
                "volumes": [
                    {"name": "a", "configMap": {"name": "files", "items": [{"key": "a", "path": "a"}]}},
                    {"name": "b", "secret": {"secretName": "certificate"}},
                    {"name": "c", "persistentVolumeClaim": {"claimName": "uploads"}},
                    {"name": "d", "projected": {"sources": [{"configMap": {"name": "projected"}}, {"serviceAccountToken": {"path": "t"}}]}},
                    {"name": "e", "emptyDir": {}},
                ],
            },
        }},
    })
}

fn read(kind: WorkloadKind, object: &Value) -> Workload {
    workload_of(kind, object).unwrap()
}

fn names<'a>(set: impl IntoIterator<Item = &'a String>) -> Vec<&'a str> {
    set.into_iter().map(String::as_str).collect()
}

#[test]
fn a_template_names_what_it_needs_and_secrets_by_name_only() {
    let w = read(WorkloadKind::Deployment, &deployment());
    assert_eq!(names(&w.references.config_maps), ["files", "levels", "projected", "settings"]);
    assert_eq!(names(&w.references.optional), ["levels"]);
    assert_eq!(names(&w.references.secrets), ["admin", "certificate", "passwords"]);
    assert_eq!(names(&w.references.claims), ["uploads"]);
    let api = &w.containers[0];
    assert_eq!((api.cpu.as_deref(), api.memory.as_deref(), api.ports.as_slice()), (Some("2"), Some("4Gi"), &[8000, 9100][..]));
    assert_eq!(w.labels.get("tier"), Some("back"));
    assert_eq!(w.present, Present::Number(Some(7)));
}

#[test]
fn a_set_names_its_claims_and_its_present_revision() {
    let mut set = deployment();
    set["spec"]["volumeClaimTemplates"] = json!([{"metadata": {"name": "data"}, "spec": {}}]);
    set["status"] = json!({"updateRevision": "api-6d5", "currentRevision": "api-5c4"});
    let w = read(WorkloadKind::StatefulSet, &set);
    assert_eq!(names(&w.references.claims), ["data", "uploads"]);
    assert_eq!((w.present, w.revisions_agree), (Present::Named("api-6d5".into()), false));
}

/// A ControllerRevision holds the template with a directive of the patch, and some encoders write nulls.
#[test]
fn a_daemon_sets_template_is_found_again_in_its_controller_revision() {
    let set = deployment();
    let mut kept = set["spec"]["template"].clone();
    kept["$patch"] = json!("replace");
    kept["metadata"]["creationTimestamp"] = Value::Null;
    assert_eq!(read(WorkloadKind::DaemonSet, &set).present, Present::Template(template_hash(&kept)));
    kept["spec"]["containers"][0]["image"] = json!("registry.example/api:1.3");
    assert_ne!(read(WorkloadKind::DaemonSet, &set).present, Present::Template(template_hash(&kept)));
}

fn managed(entries: Value) -> Workload {
    let mut object = deployment();
    object["metadata"]["managedFields"] = entries;
    read(WorkloadKind::Deployment, &object)
}

fn entry(manager: &str, time: &str, fields: Value) -> Value {
    json!({"manager": manager, "operation": "Update", "apiVersion": "apps/v1", "time": time, "fieldsType": "FieldsV1", "fieldsV1": fields})
}

#[test]
fn the_last_edit_of_somebody_else_says_who_when_and_what() {
    let image =
        json!({"f:spec": {"f:template": {"f:spec": {"f:containers": {"k:{\"name\":\"api\"}": {"f:image": {}}}}}, "f:replicas": {}}});
    let ours = entry("devmatrix-portal", "2026-11-20T10:00:00Z", json!({"f:spec": {"f:template": {}}}));
    let counts = entry("kube-controller-manager", "2026-11-23T10:00:00Z", json!({"f:metadata": {"f:annotations": {}}, "f:status": {}}));
    let later = entry("kubectl-edit", "2026-11-22T10:00:00Z", image.clone());
    let edit = managed(json!([ours, later, counts])).edited.unwrap();
    assert_eq!((edit.by.as_str(), edit.at, edit.after_ours), ("kubectl-edit", Time::parse("2026-11-22T10:00:00Z").unwrap(), true));
    assert_eq!(edit.fields, ["replicas", "containers[api].image"]);
    let earlier = entry("helm", "2026-11-01T10:00:00Z", image);
    assert!(!managed(json!([ours, earlier])).edited.unwrap().after_ours);
    let mut scaled = entry("kubectl", "2026-11-23T10:00:00Z", json!({"f:spec": {"f:replicas": {}}}));
    scaled["subresource"] = json!("scale");
    assert_eq!(managed(json!([ours, later, scaled])).edited.unwrap().by, "kubectl", "a scale is an edit too");
    assert_eq!(managed(json!([ours])).edited, None);
    assert_eq!(managed(json!([])).edited, None);
}

#[test]
fn the_tools_that_own_workloads_are_known_by_their_marks() {
    for (place, key, value, tool, gitops) in [
        ("annotations", "argocd.argoproj.io/tracking-id", "x", "Argo CD", true),
        ("labels", "argocd.argoproj.io/instance", "x", "Argo CD", true),
        ("labels", "kustomize.toolkit.fluxcd.io/name", "x", "Flux", true),
        ("labels", "helm.toolkit.fluxcd.io/name", "x", "Flux", true),
        ("labels", "app.kubernetes.io/managed-by", "Helm", "Helm", false),
        ("annotations", "meta.helm.sh/release-name", "x", "Helm", false),
    ] {
        let mut object = deployment();
        object["metadata"][place][key] = json!(value);
        let owner = read(WorkloadKind::Deployment, &object).managed_by.unwrap();
        assert_eq!((owner.tool.as_str(), owner.gitops), (tool, gitops), "{key}");
    }
    let mut by_hand = deployment();
    by_hand["metadata"]["labels"] = json!({"app.kubernetes.io/managed-by": "hand"});
    assert_eq!(read(WorkloadKind::Deployment, &by_hand).managed_by, None);
}
