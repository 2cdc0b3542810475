//! Reading and writing fields of an object that is kept as plain JSON.
//!
//! Invariant: a missing field reads as the empty value of its type, as in the Go structs behind the real API.

use jiff::Timestamp;
use serde_json::{Map, Value, json};

/// The string at a JSON pointer, or "".
pub(crate) fn text<'a>(object: &'a Value, pointer: &str) -> &'a str {
    object.pointer(pointer).and_then(Value::as_str).unwrap_or_default()
}

/// The whole number at a JSON pointer, or 0.
pub(crate) fn number(object: &Value, pointer: &str) -> i64 {
    object.pointer(pointer).and_then(Value::as_i64).unwrap_or_default()
}

pub(crate) fn flag(object: &Value, pointer: &str) -> bool {
    object.pointer(pointer).and_then(Value::as_bool).unwrap_or_default()
}

/// The list at a JSON pointer, or an empty one.
pub(crate) fn list<'a>(object: &'a Value, pointer: &str) -> &'a [Value] {
    object.pointer(pointer).and_then(Value::as_array).map(Vec::as_slice).unwrap_or_default()
}

pub(crate) fn name(object: &Value) -> &str {
    text(object, "/metadata/name")
}

/// The `name` of a part of an object: a container, a port, an owner.
pub(crate) fn name_of(part: &Value) -> &str {
    text(part, "/name")
}

pub(crate) fn namespace(object: &Value) -> &str {
    text(object, "/metadata/namespace")
}

pub(crate) fn uid(object: &Value) -> &str {
    text(object, "/metadata/uid")
}

pub(crate) fn label<'a>(object: &'a Value, key: &str) -> &'a str {
    entry(object.pointer("/metadata/labels"), key)
}

pub(crate) fn annotation<'a>(object: &'a Value, key: &str) -> &'a str {
    entry(object.pointer("/metadata/annotations"), key)
}

fn entry<'a>(map: Option<&'a Value>, key: &str) -> &'a str {
    map.and_then(|map| map.get(key)).and_then(Value::as_str).unwrap_or_default()
}

pub(crate) fn is_deleting(object: &Value) -> bool {
    !text(object, "/metadata/deletionTimestamp").is_empty()
}

/// The owner reference with `controller: true`, if any.
pub(crate) fn controller(object: &Value) -> Option<&Value> {
    list(object, "/metadata/ownerReferences").iter().find(|owner| flag(owner, "/controller"))
}

/// The reference by which a controller marks what it makes.
pub(crate) fn controller_reference(owner: &Value) -> Value {
    json!({
        "apiVersion": text(owner, "/apiVersion"),
        "kind": text(owner, "/kind"),
        "name": name(owner),
        "uid": uid(owner),
        "controller": true,
        "blockOwnerDeletion": true,
    })
}

/// The condition of a type in `status.conditions`.
pub(crate) fn condition<'a>(object: &'a Value, kind: &str) -> Option<&'a Value> {
    list(object, "/status/conditions").iter().find(|condition| text(condition, "/type") == kind)
}

/// Writes a value under a path of object keys and makes the objects on the way.
pub(crate) fn set(object: &mut Value, path: &[&str], value: Value) {
    *slot(object, path) = value;
}

pub(crate) fn set_annotation(object: &mut Value, key: &str, value: &str) {
    set(object, &["metadata", "annotations", key], json!(value));
}

/// Removes the entry at a path; a missing one is no error.
pub(crate) fn remove(object: &mut Value, path: &[&str]) {
    let Some((last, way)) = path.split_last() else { return };
    let mut here = object;
    for key in way {
        let Some(next) = here.get_mut(*key) else { return };
        here = next;
    }
    if let Some(map) = here.as_object_mut() {
        map.remove(*last);
    }
}

/// The place at a path of object keys, made when it is missing.
pub(crate) fn slot<'a>(object: &'a mut Value, path: &[&str]) -> &'a mut Value {
    path.iter().fold(object, |here, key| {
        if !here.is_object() {
            *here = Value::Object(Map::new());
        }
        &mut here[*key]
    })
}

/// Takes out all fields that are null: to a Go struct they are the same as missing.
pub(crate) fn drop_nulls(value: &mut Value) {
    match value {
        Value::Object(map) => {
            map.retain(|_, value| !value.is_null());
            map.values_mut().for_each(drop_nulls);
        }
        Value::Array(items) => items.iter_mut().for_each(drop_nulls),
        _ => {}
    }
}

/// Takes the maps and lists out of a metadata that have nothing in them: the server does not write them.
pub(crate) fn drop_empty(metadata: &mut Value) {
    let Some(fields) = metadata.as_object_mut() else { return };
    let is_empty = |value: &Value| value.as_object().is_some_and(Map::is_empty) || value.as_array().is_some_and(Vec::is_empty);
    fields.retain(|_, value| !is_empty(value));
}

/// A time as the API writes it: seconds, UTC.
pub(crate) fn stamp(time: Timestamp) -> Value {
    json!(format!("{}", time.strftime("%Y-%m-%dT%H:%M:%SZ")))
}

/// The time at a JSON pointer.
pub(crate) fn time(object: &Value, pointer: &str) -> Option<Timestamp> {
    text(object, pointer).parse().ok()
}

/// 32-bit FNV-1a: the same bytes give the same name in every run.
pub(crate) fn hash(bytes: &[u8]) -> u32 {
    bytes.iter().fold(0x811c_9dc5, |hash, byte| (hash ^ u32::from(*byte)).wrapping_mul(0x0100_0193))
}

/// The characters of generated names: no vowels, nothing that looks like something else.
const SAFE: &[u8] = b"bcdfghjklmnpqrstvwxz2456789";

/// A hash as it stands in a ReplicaSet's name: its decimal digits in the safe alphabet.
pub(crate) fn safe_hash(hash: u32) -> String {
    hash.to_string().bytes().map(|digit| char::from(SAFE[usize::from(digit) % SAFE.len()])).collect()
}

/// Five characters, as at the end of a pod's name.
pub(crate) fn short_suffix(seed: &str) -> String {
    let mut rest = u64::from(hash(seed.as_bytes()));
    (0..5).map(|_| char::from(next_safe(&mut rest))).collect()
}

fn next_safe(rest: &mut u64) -> u8 {
    let size = SAFE.len() as u64;
    let letter = SAFE[(*rest % size) as usize];
    *rest /= size;
    letter
}
