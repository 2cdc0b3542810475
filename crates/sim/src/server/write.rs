//! create, update, patch and delete over HTTP.
//!
//! Invariant: every request that comes here leaves exactly one `WriteRecord`, whatever becomes of it.

use super::answer::{self, Answer};
use super::ask::{Ask, Target};
use super::fence;
use super::scale;
use crate::cluster::Cluster;
use crate::edit::{self, PatchKind, Removal, Strictness, Terms};
use crate::object;
use crate::resource::{self, Resource};
use crate::state::{Key, State};
use crate::status::{self, Status};
use crate::writes::WriteRecord;
use serde_json::{Value, json};
use std::sync::Arc;

/// An answer's HTTP status and body.
type Outcome = Result<(u16, Value), Status>;

/// Does what the request asks for, unless `instead` is to be answered, and records it.
pub(crate) fn write(cluster: &Cluster, ask: &Ask, target: &Target, instead: Option<Status>) -> Answer {
    let shared = cluster.shared();
    let mut record = begin(ask, target, shared.clock.now());
    let outcome = shared.with(|state| {
        record.generation_before = generation(state, &target.key());
        let outcome = match instead {
            Some(status) => Err(status),
            None => perform(state, ask, target, shared.faults.looks_at_fences()),
        };
        if let (true, Ok((_, created))) = (record.name.is_empty(), &outcome) {
            record.name = object::name(created).to_owned();
        }
        record.generation_after = generation(state, &Key::new(target.resource, &target.namespace, &record.name));
        outcome
    });
    let answer = match outcome {
        Ok((code, body)) => answer::json(code, &body),
        Err(status) => answer::status(&status),
    };
    record.status = answer.status().as_u16();
    shared.record(record);
    answer
}

fn begin(ask: &Ask, target: &Target, at: jiff::Timestamp) -> WriteRecord {
    WriteRecord {
        at,
        verb: ask.verb(),
        resource: target.resource.plural(),
        namespace: target.namespace.clone(),
        name: target.name.clone(),
        subresource: target.subresource.clone(),
        path: ask.path_and_query(),
        content_type: ask.content_type.clone(),
        user_agent: ask.user_agent.clone(),
        field_manager: ask.param("fieldManager").to_owned(),
        dry_run: is_dry(ask),
        body: ask.json().unwrap_or_default(),
        status: 0,
        answered: true,
        generation_before: None,
        generation_after: None,
    }
}

/// Objects without a generation count as generation 0, so that creating and deleting one shows.
fn generation(state: &State, key: &Key) -> Option<i64> {
    state.get(key).map(|object| object::number(&object, "/metadata/generation"))
}

fn is_dry(ask: &Ask) -> bool {
    // Of a deletion that has a body, only the body counts.
    if ask.verb().starts_with("delete") && !ask.body.is_empty() {
        return ask.json().is_ok_and(|body| object::list(&body, "/dryRun").contains(&json!("All")));
    }
    ask.param("dryRun") == "All"
}

fn perform(state: &mut State, ask: &Ask, target: &Target, fenced: bool) -> Outcome {
    let terms = terms(ask, target)?;
    if fenced && let Some(refusal) = fence::refusal(state, ask, target, &terms) {
        return Err(refusal);
    }
    match (ask.verb(), target.subresource.as_str()) {
        ("create", "") => create(state, ask, target, &terms),
        ("create", "eviction") if target.resource == resource::PODS => {
            delete(state, ask, target).map(|(_, pod)| (201, success(target.resource, &pod)))
        }
        ("update", "scale") if target.resource.has_scale() => {
            scale::replace(state, &target.key(), &ask.json()?, &terms).map(|it| (200, it))
        }
        ("patch", "scale") if target.resource.has_scale() => {
            let kind = PatchKind::of(&ask.content_type)?;
            scale::patch(state, &target.key(), kind, &ask.json()?, &terms).map(|it| (200, it))
        }
        ("update", "" | "status") => ok(edit::replace(state, &target.key(), ask.json()?, &terms)),
        ("patch", "" | "status") => patch(state, ask, target, &terms),
        ("delete", "") => delete(state, ask, target),
        ("deletecollection", "") => delete_collection(state, ask, target),
        _ => Err(Status::no_such_path()),
    }
}

fn terms(ask: &Ask, target: &Target) -> Result<Terms, Status> {
    let strictness = match ask.param("fieldValidation") {
        "Strict" => Strictness::Refuse,
        "" | "Warn" | "Ignore" => Strictness::Drop,
        other => return Err(Status::new(422, "Invalid", format!("fieldValidation: Unsupported value: \"{other}\""))),
    };
    let subresource = match target.subresource.as_str() {
        "status" => "status",
        "scale" => "scale",
        _ => "",
    };
    Ok(Terms { manager: ask.manager(), subresource, dry_run: is_dry(ask), strictness, ..Terms::default() })
}

fn ok(result: Result<Arc<Value>, Status>) -> Outcome {
    result.map(|object| (200, (*object).clone()))
}

fn create(state: &mut State, ask: &Ask, target: &Target, terms: &Terms) -> Outcome {
    if !target.name.is_empty() || (target.resource.is_namespaced() && target.namespace.is_empty()) {
        return Err(Status::new(405, "MethodNotAllowed", "the server does not allow this method on the requested resource"));
    }
    let created = edit::create(state, target.resource, &target.namespace, ask.json()?, terms)?;
    Ok((201, (*created).clone()))
}

fn patch(state: &mut State, ask: &Ask, target: &Target, terms: &Terms) -> Outcome {
    let kind = PatchKind::of(&ask.content_type)?;
    edit::require_manager(kind, ask.param("fieldManager"))?;
    ok(edit::patch(state, &target.key(), kind, &ask.json()?, terms))
}

fn delete(state: &mut State, ask: &Ask, target: &Target) -> Outcome {
    let mut options = ask.json()?;
    if let Some(inner) = options.get("deleteOptions") {
        options = inner.clone();
    }
    for option in ["propagationPolicy", "gracePeriodSeconds"] {
        let given = ask.param(option);
        if !given.is_empty() && ask.body.is_empty() {
            options[option] = given.parse::<i64>().map_or_else(|_| json!(given), |seconds| json!(seconds));
        }
    }
    match edit::delete(state, &target.key(), &options, is_dry(ask))? {
        Removal::Marked(object) => Ok((200, (*object).clone())),
        Removal::Gone(object) if target.resource == resource::PODS => Ok((200, (*object).clone())),
        Removal::Gone(object) => Ok((200, success(target.resource, &object))),
    }
}

fn success(resource: Resource, object: &Value) -> Value {
    let mut details = status::details(resource, resource.plural(), object::name(object));
    details["uid"] = json!(object::uid(object));
    json!({ "kind": "Status", "apiVersion": "v1", "metadata": {}, "status": "Success", "details": details })
}

fn delete_collection(state: &mut State, ask: &Ask, target: &Target) -> Outcome {
    let query = super::read::Query::read(ask, target)?;
    let keys: Vec<Key> = query.found(state, None).map(|object| Key::of(target.resource, object)).collect();
    let options = ask.json()?;
    for key in keys {
        edit::delete(state, &key, &options, is_dry(ask))?;
    }
    let kind = format!("{}List", target.resource.kind());
    Ok((200, json!({ "kind": kind, "apiVersion": target.resource.api_version(), "metadata": {}, "items": [] })))
}
