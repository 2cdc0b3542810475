//! The garbage collector: what was owned by a deleted object goes too.

use crate::edit;
use crate::object;
use crate::resource::{self, Resource};
use crate::state::{Key, State, Wake};
use serde_json::{Value, json};

const FOREGROUND: &str = "foregroundDeletion";

/// Deletes the dependents of an object that is gone, unless another owner of theirs still lives.
pub(crate) fn collect(state: &mut State, uid: &str) {
    for key in state.dependents(uid) {
        let Some(object) = state.get(&key) else { continue };
        if !has_living_owner(state, &object) {
            // A finalizer keeps it, marked; nothing else can fail here.
            let _ = edit::delete(state, &key, &json!({ "propagationPolicy": "Background" }), false);
        }
    }
}

fn has_living_owner(state: &State, object: &Value) -> bool {
    object::list(object, "/metadata/ownerReferences").iter().any(|owner| {
        let resource = Resource::of(object::text(owner, "/apiVersion"), object::text(owner, "/kind"));
        let key = resource.map(|it| Key::new(it, object::namespace(object), object::name_of(owner)));
        let found = key.and_then(|key| state.get(&key));
        found.is_some_and(|found| object::uid(&found) == object::text(owner, "/uid"))
    })
}

/// Deletes the dependents of an object that waits for them, and then the object; false for every other object.
pub(crate) fn finish_foreground(state: &mut State, key: &Key) -> bool {
    let Some(object) = state.get(key) else { return false };
    let finalizers = object::list(&object, "/metadata/finalizers");
    if !object::is_deleting(&object) || !finalizers.contains(&json!(FOREGROUND)) {
        return false;
    }
    let dependents = state.dependents(object::uid(&object));
    if dependents.is_empty() {
        let mut last = (*object).clone();
        last["metadata"]["finalizers"] = finalizers.iter().filter(|it| **it != json!(FOREGROUND)).cloned().collect();
        edit::commit(state, key, &object, last, &edit::Terms::by(super::MANAGER, ""));
        return true;
    }
    for dependent in dependents {
        if state.get(&dependent).is_some_and(|it| !object::is_deleting(&it)) {
            let _ = edit::delete(state, &dependent, &json!({ "propagationPolicy": "Foreground" }), false);
        }
    }
    true
}

/// Deletes what a deleted namespace still holds.
pub(crate) fn empty_namespace(state: &mut State, key: &Key) -> Option<Wake> {
    if state.contains(key) {
        return None;
    }
    for resource in Resource::all().filter(|it| it.is_namespaced()) {
        let keys: Vec<Key> = state.scan(resource, Some(&key.name), None).map(|(key, _)| key.clone()).collect();
        for key in keys {
            let at_once = if resource == resource::PODS { json!({ "gracePeriodSeconds": 0 }) } else { json!({}) };
            let _ = edit::delete(state, &key, &at_once, false);
        }
    }
    None
}
