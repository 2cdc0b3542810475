//! Writing objects as the API server does: decode, default, validate, count, record, store.
//!
//! Invariant: whatever is stored through here is defaulted and valid, its generation rose exactly if what it asks for
//! changed, and a write that changes nothing leaves no trace.

mod birth;
mod defaults;
mod delete;
mod immutable;
mod patch;
mod quantity;
mod schema;
mod strategic;
mod validate;

pub(crate) use defaults::fill as fill_defaults;
pub(crate) use delete::{Removal, delete};
pub(crate) use patch::{PatchKind, require_manager};
pub(crate) use quantity::amount;

use crate::object;
use crate::resource::{self, Resource};
use crate::state::{Key, State};
use crate::status::{Fault, Status};
use serde_json::{Value, json};
use std::sync::Arc;

/// What is done with fields that a kind does not have.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) enum Strictness {
    /// They are dropped; the real server also warns.
    #[default]
    Drop,
    Refuse,
}

/// The terms of one write: who writes, and how.
#[derive(Clone, Debug, Default)]
pub(crate) struct Terms {
    pub manager: String,
    /// Server-side apply is recorded apart from other updates.
    pub is_apply: bool,
    /// `status` or `scale`; empty for the object itself.
    pub subresource: &'static str,
    pub dry_run: bool,
    pub strictness: Strictness,
    /// Whether the new object is the result of a patch: its errors are worded differently.
    pub is_patch: bool,
}

impl Terms {
    /// A write by somebody inside the cluster.
    pub fn by(manager: &str, subresource: &'static str) -> Terms {
        Terms { manager: manager.to_owned(), subresource, ..Terms::default() }
    }
}

/// Creates an object. Errors: 400, 404 for its namespace, 409 if it exists, 422.
pub(crate) fn create(state: &mut State, resource: Resource, namespace: &str, object: Value, terms: &Terms) -> Result<Arc<Value>, Status> {
    let mut object = decode(resource, object, terms)?;
    check_namespace(state, resource, namespace, &object)?;
    prepare_new(state, resource, namespace, &mut object);
    defaults::fill(resource, &mut object);
    birth::set_status(resource, &mut object);
    validate::check(resource, &object, None)?;
    let key = Key::of(resource, &object);
    if state.contains(&key) {
        return Err(Status::already_exists(resource, &key.name));
    }
    record_manager(state, &mut object, terms);
    if terms.dry_run { Ok(Arc::new(object)) } else { Ok(state.put(&key, object)) }
}

/// Replaces an object (PUT). Errors: 400, 404, 409 if it is stale or another object of that name, 422.
pub(crate) fn replace(state: &mut State, key: &Key, object: Value, terms: &Terms) -> Result<Arc<Value>, Status> {
    let old = state.get(key).ok_or_else(|| Status::not_found(key.resource, &key.name))?;
    let uid = object::uid(&object);
    if !uid.is_empty() && uid != object::uid(&old) {
        let why = format!("Precondition failed: UID in precondition: {uid}, UID in object meta: {}", object::uid(&old));
        return Err(Status::conflict(key.resource, &key.name, &why));
    }
    update(state, key, &old, object, terms)
}

/// Patches an object. Errors: 400, 404, 409 if the patch names another resourceVersion, 422.
pub(crate) fn patch(state: &mut State, key: &Key, kind: PatchKind, patch: &Value, terms: &Terms) -> Result<Arc<Value>, Status> {
    let Some(old) = state.get(key) else {
        if kind == PatchKind::Apply {
            return create(state, key.resource, &key.namespace, patch.clone(), terms);
        }
        return Err(Status::not_found(key.resource, &key.name));
    };
    let terms = Terms { is_apply: kind == PatchKind::Apply, is_patch: true, ..terms.clone() };
    let patched = kind.apply(&old, patch)?;
    update(state, key, &old, patched, &terms)
}

fn update(state: &mut State, key: &Key, old: &Arc<Value>, new: Value, terms: &Terms) -> Result<Arc<Value>, Status> {
    let mut new = decode(key.resource, new, terms)?;
    check_identity(key, old, &mut new)?;
    keep_what_is_not_theirs(key.resource, old, &mut new, terms.subresource);
    defaults::fill(key.resource, &mut new);
    if terms.subresource != "status" {
        validate::check(key.resource, &new, Some(old))?;
    }
    Ok(commit(state, key, old, new, terms))
}

/// Stores what a controller or an update made out of `old`. A change of nothing is not stored.
pub(crate) fn commit(state: &mut State, key: &Key, old: &Arc<Value>, mut new: Value, terms: &Terms) -> Arc<Value> {
    let version = old["metadata"]["resourceVersion"].clone();
    object::set(&mut new, &["metadata", "resourceVersion"], version);
    new.get_mut("metadata").into_iter().for_each(object::drop_empty);
    if key.resource.has_generation() {
        let step = i64::from(terms.subresource != "status" && asks_for_more(key.resource, old, &new));
        let generation = object::number(old, "/metadata/generation") + step;
        object::set(&mut new, &["metadata", "generation"], json!(generation));
    }
    if new == **old {
        return old.clone();
    }
    record_manager(state, &mut new, terms);
    if terms.dry_run {
        return Arc::new(new);
    }
    if object::is_deleting(&new) && object::list(&new, "/metadata/finalizers").is_empty() && key.resource != resource::PODS {
        state.place(key, new);
        return state.remove(key).unwrap_or_else(|| old.clone());
    }
    state.put(key, new)
}

/// Deployments also count annotations, because these are copied to the ReplicaSets.
fn asks_for_more(resource: Resource, old: &Value, new: &Value) -> bool {
    let annotations = |object: &Value| object.pointer("/metadata/annotations").cloned().unwrap_or_else(|| json!({}));
    old["spec"] != new["spec"] || (resource == resource::DEPLOYMENTS && annotations(old) != annotations(new))
}

fn decode(resource: Resource, mut object: Value, terms: &Terms) -> Result<Value, Status> {
    let kind = object::text(&object, "/kind");
    if !object.is_object() || (!kind.is_empty() && kind != resource.kind()) {
        let message = format!("the object provided is unrecognized (must be of type {}): got {kind:?}", resource.kind());
        return Err(Status::bad_request(message));
    }
    object["apiVersion"] = json!(resource.api_version());
    object["kind"] = json!(resource.kind());
    let submitted = terms.is_patch.then(|| object.clone());
    let unknown = schema::prune(resource.kind(), &mut object);
    for half in ["metadata", "spec"] {
        object.get_mut(half).into_iter().for_each(object::drop_nulls);
    }
    if resource == resource::CONFIGMAPS {
        object::drop_empty(&mut object);
    }
    for metadata in ["/metadata", "/spec/template/metadata"] {
        object.pointer_mut(metadata).into_iter().for_each(object::drop_empty);
    }
    let wrong = match validate::check_types(resource, &object) {
        Err(wrong) => wrong,
        Ok(()) if terms.strictness == Strictness::Refuse && !unknown.is_empty() => schema::strict_error(&unknown),
        Ok(()) => return Ok(object),
    };
    Err(match submitted {
        Some(submitted) => Status::invalid_patch(&submitted, &wrong),
        None => {
            Status::bad_request(format!("{0} in version \"{1}\" cannot be handled as a {0}: {wrong}", resource.kind(), resource.version()))
        }
    })
}

fn check_namespace(state: &State, resource: Resource, namespace: &str, object: &Value) -> Result<(), Status> {
    if !resource.is_namespaced() {
        return Ok(());
    }
    let own = object::namespace(object);
    if !own.is_empty() && own != namespace {
        let message = "the namespace of the provided object does not match the namespace sent on the request";
        return Err(Status::bad_request(message));
    }
    let key = Key::new(resource::NAMESPACES, "", namespace);
    if state.contains(&key) { Ok(()) } else { Err(Status::not_found(resource::NAMESPACES, namespace)) }
}

fn prepare_new(state: &State, resource: Resource, namespace: &str, object: &mut Value) {
    if resource.is_namespaced() {
        object::set(object, &["metadata", "namespace"], json!(namespace));
    }
    let generated = object::text(object, "/metadata/generateName").to_owned();
    if object::name(object).is_empty() && !generated.is_empty() {
        let suffix = object::short_suffix(&format!("{generated}{}", state.revision()));
        object::set(object, &["metadata", "name"], json!(format!("{generated}{suffix}")));
    }
    object::set(object, &["metadata", "uid"], json!(uuid::Uuid::now_v7().to_string()));
    object::set(object, &["metadata", "creationTimestamp"], object::stamp(state.now));
    for field in ["resourceVersion", "deletionTimestamp", "generation", "managedFields", "selfLink"] {
        object::remove(object, &["metadata", field]);
    }
    if resource.has_generation() {
        object::set(object, &["metadata", "generation"], json!(1));
    }
}

/// Name and namespace must be those of the path; the resourceVersion, if given, must be the stored one.
fn check_identity(key: &Key, old: &Value, new: &mut Value) -> Result<(), Status> {
    let name = object::name(new);
    if !name.is_empty() && name != key.name {
        let message = format!("the name of the object ({name}) does not match the name on the URL ({})", key.name);
        return Err(Status::bad_request(message));
    }
    let version = object::text(new, "/metadata/resourceVersion");
    if !version.is_empty() && version != object::text(old, "/metadata/resourceVersion") {
        return Err(Status::modified(key.resource, &key.name));
    }
    let uid = object::uid(new);
    if !uid.is_empty() && uid != object::uid(old) {
        let fault = Fault::invalid("metadata.uid", &json!(uid), "field is immutable");
        return Err(Status::invalid(key.resource, &key.name, &[fault]));
    }
    Ok(())
}

/// A client can change neither the server's part of the metadata nor the half that belongs to the other endpoint.
fn keep_what_is_not_theirs(resource: Resource, old: &Value, new: &mut Value, subresource: &str) {
    const SERVERS: [&str; 8] =
        ["name", "namespace", "uid", "creationTimestamp", "deletionTimestamp", "deletionGracePeriodSeconds", "generation", "managedFields"];
    for field in SERVERS {
        keep(old, new, &["metadata", field]);
    }
    match subresource {
        "status" => {
            keep(old, new, &["spec"]);
            keep(old, new, &["metadata", "labels"]);
        }
        _ if matches!(resource, resource::EVENTS | resource::CONTROLLERREVISIONS | resource::CONFIGMAPS) => {}
        _ => keep(old, new, &["status"]),
    }
}

fn keep(old: &Value, new: &mut Value, path: &[&str]) {
    match old.pointer(&format!("/{}", path.join("/"))) {
        Some(value) => object::set(new, path, value.clone()),
        None => object::remove(new, path),
    }
}

/// Notes in `managedFields` who wrote when. Which fields they own is not tracked.
fn record_manager(state: &State, object: &mut Value, terms: &Terms) {
    let operation = if terms.is_apply { "Apply" } else { "Update" };
    let mut entry = json!({
        "manager": terms.manager, "operation": operation, "apiVersion": object["apiVersion"],
        "time": object::stamp(state.now), "fieldsType": "FieldsV1", "fieldsV1": {},
    });
    if !terms.subresource.is_empty() {
        entry["subresource"] = json!(terms.subresource);
    }
    let entries = object::slot(object, &["metadata", "managedFields"]);
    let mut list = entries.as_array().cloned().unwrap_or_default();
    let is_same = |it: &Value| ["manager", "operation", "subresource"].iter().all(|field| it[*field] == entry[*field]);
    list.retain(|it| !is_same(it));
    list.push(entry);
    *entries = Value::Array(list);
}
