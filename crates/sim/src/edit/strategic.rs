//! Strategic merge patch: lists of named things are merged by their key instead of replaced.
//!
//! Invariant: the original is not changed unless the whole patch can be merged.
//! Source: k8s.io/apimachinery/pkg/util/strategicpatch, with the merge keys of the built-in types.

use serde_json::{Map, Value};

const DIRECTIVE: &str = "$patch";
const RETAIN: &str = "$retainKeys";
const PRIMITIVE: &str = "$deleteFromPrimitiveList/";
const ORDER: &str = "$setElementOrder/";

/// The key that identifies an element of the list in a field; None for lists that are replaced as a whole.
fn merge_key(field: &str, elements: &[Value]) -> Option<&'static str> {
    match field {
        "containers" | "initContainers" | "ephemeralContainers" | "env" | "volumes" | "imagePullSecrets" => Some("name"),
        // A container's ports are known by containerPort, a service's by port.
        "ports" if elements.iter().any(|port| port.get("containerPort").is_some()) => Some("containerPort"),
        "ports" => Some("port"),
        "volumeMounts" => Some("mountPath"),
        "volumeDevices" => Some("devicePath"),
        "hostAliases" => Some("ip"),
        "topologySpreadConstraints" => Some("topologyKey"),
        "ownerReferences" => Some("uid"),
        "conditions" => Some("type"),
        _ => None,
    }
}

/// Lists of plain values that are merged as sets.
fn is_set(field: &str) -> bool {
    field == "finalizers"
}

/// Merges a patch into an object. The error is the message for a 500.
pub(crate) fn merge(original: &Value, patch: &Value) -> Result<Value, String> {
    match (original, patch) {
        (Value::Object(original), Value::Object(patch)) => merge_maps(original, patch).map(Value::Object),
        (_, Value::Object(patch)) => merge_maps(&Map::new(), patch).map(Value::Object),
        _ => Err("invalid strategic merge patch: expected a map".to_owned()),
    }
}

fn merge_maps(original: &Map<String, Value>, patch: &Map<String, Value>) -> Result<Map<String, Value>, String> {
    match patch.get(DIRECTIVE).and_then(Value::as_str) {
        Some("replace") => return Ok(without_directives(patch)),
        Some("delete") => return Ok(Map::new()),
        Some("merge") | None => {}
        Some(other) => return Err(format!("unknown patch type: {other}")),
    }
    let mut merged = original.clone();
    for (field, value) in patch.iter().filter(|(field, _)| !field.starts_with('$')) {
        match value {
            Value::Null => drop(merged.remove(field)),
            value => {
                let before = merged.get(field).cloned().unwrap_or(Value::Null);
                merged.insert(field.clone(), merge_field(field, &before, value)?);
            }
        }
    }
    apply_list_directives(&mut merged, patch);
    Ok(merged)
}

fn merge_field(field: &str, before: &Value, patch: &Value) -> Result<Value, String> {
    match patch {
        Value::Object(_) => merge(before, patch),
        Value::Array(elements) => merge_lists(field, before.as_array().map(Vec::as_slice).unwrap_or_default(), elements),
        plain => Ok(plain.clone()),
    }
}

fn without_directives(map: &Map<String, Value>) -> Map<String, Value> {
    map.iter().filter(|(key, _)| !key.starts_with('$')).map(|(key, value)| (key.clone(), value.clone())).collect()
}

/// `$retainKeys` and `$deleteFromPrimitiveList`; `$setElementOrder` only orders, and is left out.
fn apply_list_directives(merged: &mut Map<String, Value>, patch: &Map<String, Value>) {
    if let Some(Value::Array(keys)) = patch.get(RETAIN) {
        merged.retain(|key, _| keys.iter().any(|kept| kept.as_str() == Some(key)));
    }
    for (directive, values) in patch {
        debug_assert!(!directive.starts_with(ORDER) || values.is_array());
        let Some(field) = directive.strip_prefix(PRIMITIVE) else { continue };
        let gone = values.as_array().map(Vec::as_slice).unwrap_or_default();
        if let Some(Value::Array(list)) = merged.get_mut(field) {
            list.retain(|value| !gone.contains(value));
        }
    }
}

fn merge_lists(field: &str, original: &[Value], patch: &[Value]) -> Result<Value, String> {
    if is_set(field) {
        let added = patch.iter().filter(|value| !original.contains(value));
        return Ok(original.iter().chain(added).cloned().collect());
    }
    let both: Vec<Value> = original.iter().chain(patch).cloned().collect();
    match merge_key(field, &both) {
        Some(key) => merge_by_key(key, original, patch).map(Value::Array),
        None => Ok(Value::Array(patch.to_vec())),
    }
}

fn merge_by_key(key: &str, original: &[Value], patch: &[Value]) -> Result<Vec<Value>, String> {
    let directive = |element: &Value| element.get(DIRECTIVE).and_then(Value::as_str).map(str::to_owned);
    let plain: Vec<&Value> = patch.iter().filter(|element| directive(element).is_none()).collect();
    if patch.iter().any(|element| directive(element).as_deref() == Some("replace")) {
        return Ok(plain.into_iter().cloned().collect());
    }
    let deleted: Vec<&Value> = patch.iter().filter(|element| directive(element).as_deref() == Some("delete")).map(|it| &it[key]).collect();
    let mut patched = Vec::new();
    for element in &plain {
        let id = element.get(key).ok_or_else(|| format!("map: {element} does not contain declared merge key: {key}"))?;
        let before = original.iter().find(|it| it.get(key) == Some(id)).unwrap_or(&Value::Null);
        patched.push(merge(before, element)?);
    }
    let untouched = |it: &&Value| !deleted.contains(&&it[key]) && !plain.iter().any(|new| new.get(key) == it.get(key));
    let kept: Vec<Value> = original.iter().filter(untouched).cloned().collect();
    Ok(interleave(key, kept, patched, original))
}

/// Puts what the server kept and what the patch named into one list: the patch's order rules, and a kept element
/// stands before a patched one only where the server had it so (mergeSortedSlice in the source).
fn interleave(key: &str, kept: Vec<Value>, patched: Vec<Value>, original: &[Value]) -> Vec<Value> {
    let place = |element: &Value| original.iter().position(|it| it.get(key) == element.get(key));
    let mut merged = Vec::with_capacity(kept.len() + patched.len());
    let mut kept = kept.into_iter().peekable();
    for element in patched {
        while let Some(next) = kept.peek() {
            match (place(next), place(&element)) {
                (Some(left), Some(right)) if left < right => merged.extend(kept.next()),
                _ => break,
            }
        }
        merged.push(element);
    }
    merged.extend(kept);
    merged
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn containers_are_merged_by_name() {
        let original = json!({ "containers": [
            { "name": "a", "image": "a:1", "env": [{ "name": "X", "value": "1" }] }, { "name": "b", "image": "b:1" }] });
        let patch = json!({ "containers": [
            { "name": "b", "image": "b:2" }, { "name": "a", "env": [{ "name": "Y", "value": "2" }] }] });
        let merged = merge(&original, &patch).unwrap();
        assert_eq!(merged["containers"][0], json!({ "name": "b", "image": "b:2" }));
        assert_eq!(merged["containers"][1]["image"], "a:1");
        let env = json!([{ "name": "Y", "value": "2" }, { "name": "X", "value": "1" }]);
        assert_eq!(merged["containers"][1]["env"], env);
    }

    #[test]
    fn a_new_element_comes_first_as_in_the_kubernetes_documentation() {
        let merged = merge(&json!({ "containers": [{ "name": "old" }] }), &json!({ "containers": [{ "name": "new", "image": "redis" }] }));
        assert_eq!(merged.unwrap(), json!({ "containers": [{ "name": "new", "image": "redis" }, { "name": "old" }] }));
    }

    #[test]
    fn directives_delete_replace_and_retain() {
        let original = json!({
            "ports": [{ "containerPort": 80 }, { "containerPort": 443 }],
            "strategy": { "type": "RollingUpdate", "rollingUpdate": { "maxSurge": 1 } },
            "template": { "a": 1, "b": 2 }, "finalizers": ["x", "y"],
        });
        let patch = json!({
            "ports": [{ "containerPort": 80, "$patch": "delete" }],
            "strategy": { "$retainKeys": ["type"], "type": "Recreate" },
            "template": { "$patch": "replace", "c": 3 },
            "finalizers": ["z"], "$deleteFromPrimitiveList/finalizers": ["x"],
        });
        let expected = json!({
            "ports": [{ "containerPort": 443 }], "strategy": { "type": "Recreate" }, "template": { "c": 3 },
            "finalizers": ["y", "z"],
        });
        assert_eq!(merge(&original, &patch).unwrap(), expected);
    }

    #[test]
    fn an_element_without_its_key_is_refused() {
        let patch = json!({ "containers": [{ "image": "x" }] });
        assert!(merge(&json!({}), &patch).unwrap_err().contains("merge key: name"));
    }
}
