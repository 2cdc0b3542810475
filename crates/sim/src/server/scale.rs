//! The scale subresource: the replicas of a workload, and nothing else of it.

use super::ask::Target;
use crate::edit::{self, PatchKind, Strictness, Terms};
use crate::object;
use crate::resource::Resource;
use crate::selector::LabelSelector;
use crate::state::{Key, State};
use crate::status::Status;
use serde_json::{Value, json};

/// The `Scale` object (autoscaling/v1) of a workload.
pub(crate) fn of(workload: &Value) -> Value {
    let mut metadata = json!({});
    for field in ["name", "namespace", "uid", "resourceVersion", "creationTimestamp"] {
        metadata[field] = workload["metadata"][field].clone();
    }
    let selector = LabelSelector::from_object(&workload["spec"]["selector"]).text();
    json!({
        "kind": "Scale", "apiVersion": "autoscaling/v1", "metadata": metadata,
        "spec": { "replicas": object::number(workload, "/spec/replicas") },
        "status": { "replicas": object::number(workload, "/status/replicas"), "selector": selector },
    })
}

pub(crate) fn get(state: &State, target: &Target) -> Result<Value, Status> {
    let workload = state.get(&target.key()).ok_or_else(|| Status::not_found(target.resource, &target.name))?;
    Ok(of(&workload))
}

pub(crate) fn replace(state: &mut State, key: &Key, scale: &Value, terms: &Terms) -> Result<Value, Status> {
    let workload = state.get(key).ok_or_else(|| Status::not_found(key.resource, &key.name))?;
    write(state, key, &workload, scale, terms)
}

pub(crate) fn patch(state: &mut State, key: &Key, kind: PatchKind, patch: &Value, terms: &Terms) -> Result<Value, Status> {
    let workload = state.get(key).ok_or_else(|| Status::not_found(key.resource, &key.name))?;
    let scale = kind.apply(&of(&workload), patch)?;
    write(state, key, &workload, &scale, terms)
}

fn write(state: &mut State, key: &Key, workload: &Value, scale: &Value, terms: &Terms) -> Result<Value, Status> {
    check(key.resource, &key.name, scale)?;
    let mut changed = workload.clone();
    for field in ["uid", "resourceVersion"] {
        if let Some(given) = scale.pointer(&format!("/metadata/{field}")) {
            changed["metadata"][field] = given.clone();
        }
    }
    changed["spec"]["replicas"] = json!(object::number(scale, "/spec/replicas"));
    let terms = Terms { subresource: "scale", strictness: Strictness::Drop, is_patch: false, ..terms.clone() };
    edit::replace(state, key, changed, &terms).map(|workload| of(&workload))
}

fn check(resource: Resource, name: &str, scale: &Value) -> Result<(), Status> {
    if object::number(scale, "/spec/replicas") >= 0 {
        return Ok(());
    }
    let fault = crate::status::Fault::invalid("spec.replicas", &scale["spec"]["replicas"], "must be greater than or equal to 0");
    Err(Status::invalid(resource, name, &[fault]))
}
