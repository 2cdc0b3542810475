//! Deleting objects: preconditions, finalizers, grace, and what becomes of the dependents.
//!
//! Invariant: an object with finalizers, and a pod within its grace, is only marked; everything else is gone at once.

use super::{Terms, commit};
use crate::object;
use crate::resource;
use crate::state::{Key, State};
use crate::status::Status;
use serde_json::{Value, json};
use std::sync::Arc;

/// What a delete led to.
pub(crate) enum Removal {
    Gone(Arc<Value>),
    /// It is still there, with a deletionTimestamp.
    Marked(Arc<Value>),
}

/// Deletes an object by the terms of its DeleteOptions. Errors: 404, 409 if a precondition does not hold.
pub(crate) fn delete(state: &mut State, key: &Key, options: &Value, dry_run: bool) -> Result<Removal, Status> {
    let object = state.get(key).ok_or_else(|| Status::not_found(key.resource, &key.name))?;
    check_preconditions(key, &object, options)?;
    if dry_run {
        return Ok(Removal::Gone(object));
    }
    match policy(key, options) {
        "Orphan" => orphan_dependents(state, &object),
        "Foreground" => add_finalizer(state, key, "foregroundDeletion"),
        _ => {}
    }
    let is_patient = key.resource == resource::PODS && options["gracePeriodSeconds"].as_i64() != Some(0);
    let has_finalizers = state.get(key).is_some_and(|it| !object::list(&it, "/metadata/finalizers").is_empty());
    if is_patient || has_finalizers {
        return Ok(Removal::Marked(mark(state, key, &object, options)));
    }
    Ok(Removal::Gone(state.remove(key).unwrap_or(object)))
}

fn check_preconditions(key: &Key, object: &Value, options: &Value) -> Result<(), Status> {
    let (uid, version) = (object::text(options, "/preconditions/uid"), object::text(options, "/preconditions/resourceVersion"));
    let (is_uid, is_version) = (object::uid(object), object::text(object, "/metadata/resourceVersion"));
    if !uid.is_empty() && uid != is_uid {
        let why = format!(
            "the UID in the precondition ({uid}) does not match the UID in record ({is_uid}). \
             The object might have been deleted and then recreated"
        );
        return Err(Status::precondition(key.resource, &key.name, &why));
    }
    if !version.is_empty() && version != is_version {
        let why = format!(
            "the ResourceVersion in the precondition ({version}) does not match the ResourceVersion in record \
             ({is_version}). The object might have been modified"
        );
        return Err(Status::precondition(key.resource, &key.name, &why));
    }
    Ok(())
}

/// Jobs orphan their pods unless told otherwise, for old times' sake; all others take their dependents along.
fn policy<'a>(key: &Key, options: &'a Value) -> &'a str {
    match object::text(options, "/propagationPolicy") {
        "" if key.resource == resource::JOBS => "Orphan",
        policy => policy,
    }
}

fn orphan_dependents(state: &mut State, owner: &Value) {
    let uid = object::uid(owner).to_owned();
    for key in state.dependents(&uid) {
        let Some(old) = state.get(&key) else { continue };
        let mut new = (*old).clone();
        if let Some(owners) = new.pointer_mut("/metadata/ownerReferences").and_then(Value::as_array_mut) {
            owners.retain(|owner| object::text(owner, "/uid") != uid);
        }
        commit(state, &key, &old, new, &Terms::by("kube-controller-manager", ""));
    }
}

fn add_finalizer(state: &mut State, key: &Key, finalizer: &str) {
    let Some(old) = state.get(key) else { return };
    let mut new = (*old).clone();
    let mut finalizers = object::list(&old, "/metadata/finalizers").to_vec();
    finalizers.push(json!(finalizer));
    object::set(&mut new, &["metadata", "finalizers"], Value::Array(finalizers));
    state.put(key, new);
}

fn mark(state: &mut State, key: &Key, object: &Arc<Value>, options: &Value) -> Arc<Value> {
    let object = state.get(key).unwrap_or_else(|| object.clone());
    if object::is_deleting(&object) {
        return object;
    }
    let default = if key.resource == resource::PODS { object::number(&object, "/spec/terminationGracePeriodSeconds") } else { 0 };
    let grace = options["gracePeriodSeconds"].as_i64().unwrap_or(default);
    let end = state.now.saturating_add(jiff::SignedDuration::from_secs(grace)).unwrap_or(state.now);
    let mut new = (*object).clone();
    object::set(&mut new, &["metadata", "deletionTimestamp"], object::stamp(end));
    object::set(&mut new, &["metadata", "deletionGracePeriodSeconds"], json!(grace));
    if key.resource.has_generation() {
        let generation = object::number(&object, "/metadata/generation") + 1;
        object::set(&mut new, &["metadata", "generation"], json!(generation));
    }
    state.put(key, new)
}
