//! ControllerRevisions: the templates that a StatefulSet or a DaemonSet has had.
//!
//! Invariant: the revision of the present template has the highest number; an old template that returns gets a new number.
//! Source: pkg/controller/history/controller_history.go.

use super::MANAGER;
use crate::edit::{self, Terms};
use crate::object;
use crate::resource;
use crate::state::{Key, State};
use serde_json::{Value, json};
use std::sync::Arc;

/// All revisions of an owner, oldest first.
pub(crate) fn of(state: &State, owner: &Value) -> Vec<Arc<Value>> {
    let mut all = state.owned_by(object::uid(owner), resource::CONTROLLERREVISIONS);
    all.sort_by_key(|revision| object::number(revision, "/revision"));
    all
}

/// The revision of the owner's present template, made or renewed if need be.
pub(crate) fn present(state: &mut State, owner: &Value) -> Arc<Value> {
    let known = of(state, owner);
    let next = known.last().map_or(0, |last| object::number(last, "/revision")) + 1;
    let wanted = revision(owner, next);
    let Some(equal) = known.iter().find(|it| it["data"] == wanted["data"]) else {
        let terms = Terms::by(MANAGER, "");
        let name = object::namespace(owner).to_owned();
        let made = edit::create(state, resource::CONTROLLERREVISIONS, &name, wanted.clone(), &terms);
        return made.unwrap_or_else(|_| Arc::new(wanted));
    };
    if object::number(equal, "/revision") + 1 == next {
        return equal.clone();
    }
    let mut renewed = (**equal).clone();
    renewed["revision"] = json!(next);
    let key = Key::of(resource::CONTROLLERREVISIONS, equal);
    edit::commit(state, &key, equal, renewed, &Terms::by(MANAGER, ""))
}

/// The ControllerRevision of an owner's present template, not stored.
pub(crate) fn revision(owner: &Value, number: i64) -> Value {
    let mut template = owner["spec"]["template"].clone();
    template["$patch"] = json!("replace");
    let hash = object::safe_hash(object::hash(template.to_string().as_bytes()));
    let mut labels = owner["spec"]["template"]["metadata"]["labels"].clone();
    let hash_label = if owner["kind"] == "DaemonSet" { "controller-revision-hash" } else { "controller.kubernetes.io/hash" };
    labels[hash_label] = json!(hash);
    json!({
        "apiVersion": "apps/v1", "kind": "ControllerRevision",
        "metadata": {
            "name": format!("{}-{hash}", object::name(owner)), "namespace": object::namespace(owner), "labels": labels,
            "ownerReferences": [object::controller_reference(owner)],
        },
        "data": { "spec": { "template": template } }, "revision": number,
    })
}

/// The template that a revision holds.
pub(crate) fn template(revision: &Value) -> Value {
    let mut template = revision["data"]["spec"]["template"].clone();
    object::remove(&mut template, &["$patch"]);
    template
}

/// Deletes the oldest revisions beyond the owner's history limit, except those in use.
pub(crate) fn trim(state: &mut State, owner: &Value, in_use: &[&str]) {
    let limit = usize::try_from(object::number(owner, "/spec/revisionHistoryLimit")).unwrap_or_default();
    let idle: Vec<_> = of(state, owner).into_iter().filter(|it| !in_use.contains(&object::name(it))).collect();
    for revision in idle.iter().take(idle.len().saturating_sub(limit)) {
        let _ = edit::delete(state, &Key::of(resource::CONTROLLERREVISIONS, revision), &Value::Null, false);
    }
}
