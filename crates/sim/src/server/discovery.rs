//! What a client may ask about the server itself: version, health, resources, and its own rights.

use super::answer::{self, Answer};
use super::ask::Ask;
use crate::cluster::Cluster;
use crate::object;
use crate::resource::Resource;
use crate::status::Status;
use hyper::Method;
use serde_json::{Value, json};
use std::collections::BTreeSet;

/// The version that this cluster says it is.
const MINOR: &str = "36";

pub(crate) fn answer(cluster: &Cluster, ask: &Ask) -> Result<Answer, Status> {
    let segments: Vec<&str> = ask.path.split('/').filter(|segment| !segment.is_empty()).collect();
    match (&ask.method, segments.as_slice()) {
        (&Method::GET, ["healthz" | "readyz" | "livez"]) => Ok(answer::bytes(200, "text/plain", "ok")),
        (&Method::GET, ["version"]) => Ok(answer::json(200, &version())),
        (&Method::GET, ["api"]) => Ok(answer::json(200, &json!({ "kind": "APIVersions", "versions": ["v1"] }))),
        (&Method::GET, ["api", "v1"]) => resources("", "v1"),
        (&Method::GET, ["apis"]) => Ok(answer::json(200, &groups())),
        (&Method::GET, ["apis", group]) => known_group(group),
        (&Method::GET, ["apis", group, version]) => resources(group, version),
        (&Method::POST, ["apis", "authorization.k8s.io", "v1", "selfsubjectaccessreviews"]) => access(cluster, ask),
        (&Method::POST, ["apis", "authentication.k8s.io", "v1", "selfsubjectreviews"]) => who(ask),
        _ => Err(Status::no_such_path()),
    }
}

fn version() -> Value {
    json!({
        "major": "1", "minor": MINOR, "gitVersion": format!("v1.{MINOR}.0-sim"), "gitCommit": "", "gitTreeState": "clean",
        "buildDate": "2026-01-01T00:00:00Z", "goVersion": "none", "compiler": "rustc", "platform": "linux/amd64",
    })
}

fn versions() -> BTreeSet<(&'static str, &'static str)> {
    let served = Resource::all().map(|resource| (resource.group(), resource.version()));
    served.filter(|(group, _)| !group.is_empty()).collect()
}

fn groups() -> Value {
    let groups: Vec<Value> = versions().into_iter().map(|(group, version)| one_group(group, version)).collect();
    json!({ "kind": "APIGroupList", "apiVersion": "v1", "groups": groups })
}

fn one_group(group: &str, version: &str) -> Value {
    let version = json!({ "groupVersion": format!("{group}/{version}"), "version": version });
    json!({ "name": group, "versions": [version], "preferredVersion": version })
}

fn known_group(group: &str) -> Result<Answer, Status> {
    let found = versions().into_iter().find(|(name, _)| *name == group).ok_or_else(Status::no_such_path)?;
    let mut body = one_group(found.0, found.1);
    body["kind"] = json!("APIGroup");
    body["apiVersion"] = json!("v1");
    Ok(answer::json(200, &body))
}

fn resources(group: &str, version: &str) -> Result<Answer, Status> {
    let served = Resource::all().filter(|it| it.group() == group && it.version() == version);
    let list: Vec<Value> = served.flat_map(described).collect();
    if list.is_empty() {
        return Err(Status::no_such_path());
    }
    let version = if group.is_empty() { version.to_owned() } else { format!("{group}/{version}") };
    let body = json!({ "kind": "APIResourceList", "apiVersion": "v1", "groupVersion": version, "resources": list });
    Ok(answer::json(200, &body))
}

fn described(resource: Resource) -> Vec<Value> {
    let verbs = ["create", "delete", "deletecollection", "get", "list", "patch", "update", "watch"];
    let short: Vec<&str> = Some(resource.short()).filter(|short| !short.is_empty()).into_iter().collect();
    let mut all = vec![json!({
        "name": resource.plural(), "singularName": resource.kind().to_lowercase(), "kind": resource.kind(),
        "namespaced": resource.is_namespaced(), "verbs": verbs, "shortNames": short,
    })];
    if resource.has_status() {
        all.push(json!({
            "name": format!("{}/status", resource.plural()), "singularName": "", "kind": resource.kind(),
            "namespaced": resource.is_namespaced(), "verbs": ["get", "patch", "update"],
        }));
    }
    if resource.has_scale() {
        all.push(json!({
            "name": format!("{}/scale", resource.plural()), "singularName": "", "kind": "Scale", "group": "autoscaling",
            "version": "v1", "namespaced": true, "verbs": ["get", "patch", "update"],
        }));
    }
    all
}

/// Everything is allowed, except what the script of faults forbids.
fn access(cluster: &Cluster, ask: &Ask) -> Result<Answer, Status> {
    let mut review = ask.json()?;
    let asked = |field: &str| object::text(&review, &format!("/spec/resourceAttributes/{field}")).to_owned();
    let denied = cluster.faults().forbids(&asked("verb"), &asked("resource"), &asked("name"));
    let reason = if denied { "scripted" } else { "" };
    object::set(&mut review, &["status"], json!({ "allowed": !denied, "reason": reason }));
    Ok(answer::json(201, &review))
}

fn who(ask: &Ask) -> Result<Answer, Status> {
    let mut review = ask.json()?;
    let user = json!({ "userInfo": { "username": "portal", "groups": ["system:authenticated"] } });
    object::set(&mut review, &["status"], user);
    Ok(answer::json(201, &review))
}
