//! Label and field selectors, as in the query of a list or watch and in the spec of a controller.
//!
//! Source of the grammar: k8s.io/apimachinery/pkg/labels/selector.go and pkg/fields/selector.go.

use crate::object;
use crate::resource::{self, Resource};
use crate::status::Status;
use serde_json::{Map, Value};

/// All its requirements must hold; the empty selector takes everything.
#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct LabelSelector(Vec<Requirement>);

#[derive(Clone, Debug, PartialEq)]
enum Requirement {
    In(String, Vec<String>),
    NotIn(String, Vec<String>),
    Exists(String),
    Absent(String),
}

impl LabelSelector {
    /// Parses `a=b,c!=d,e in (f,g),h notin (i),j,!k`.
    pub fn parse(text: &str) -> Result<LabelSelector, Status> {
        let parts = split_outside_brackets(text);
        let requirements = parts.iter().map(|part| part.trim()).filter(|part| !part.is_empty());
        requirements.map(Requirement::parse).collect::<Result<_, _>>().map(LabelSelector)
    }

    /// Reads `{"matchLabels": {}, "matchExpressions": []}`.
    pub fn from_object(selector: &Value) -> LabelSelector {
        let equal = selector.get("matchLabels").and_then(Value::as_object).into_iter().flatten();
        let equal = equal.map(|(key, value)| Requirement::equal(key, value.as_str().unwrap_or_default()));
        let expressions = object::list(selector, "/matchExpressions").iter().filter_map(Requirement::from_object);
        LabelSelector(equal.chain(expressions).collect())
    }

    pub fn matches(&self, object: &Value) -> bool {
        let labels = object.pointer("/metadata/labels").and_then(Value::as_object);
        self.0.iter().all(|requirement| requirement.holds(labels))
    }

    /// The text form, as the scale subresource shows it.
    pub fn text(&self) -> String {
        self.0.iter().map(Requirement::text).collect::<Vec<_>>().join(",")
    }
}

impl Requirement {
    fn equal(key: &str, value: &str) -> Requirement {
        Requirement::In(key.to_owned(), vec![value.to_owned()])
    }

    fn parse(text: &str) -> Result<Requirement, Status> {
        let bad = || Status::bad_request(format!("unable to parse requirement: couldn't parse the selector string \"{text}\""));
        if let Some(key) = text.strip_prefix('!') {
            return checked_key(key).map(Requirement::Absent).ok_or_else(bad);
        }
        if let Some((key, values)) = set_based(text, " notin ") {
            return checked_key(key).map(|key| Requirement::NotIn(key, values)).ok_or_else(bad);
        }
        if let Some((key, values)) = set_based(text, " in ") {
            return checked_key(key).map(|key| Requirement::In(key, values)).ok_or_else(bad);
        }
        if let Some((key, value)) = text.split_once("!=") {
            return checked_key(key).map(|key| Requirement::NotIn(key, vec![value.trim().to_owned()])).ok_or_else(bad);
        }
        if let Some((key, value)) = text.split_once("==").or_else(|| text.split_once('=')) {
            return checked_key(key).map(|key| Requirement::equal(&key, value.trim())).ok_or_else(bad);
        }
        checked_key(text).map(Requirement::Exists).ok_or_else(bad)
    }

    fn from_object(expression: &Value) -> Option<Requirement> {
        let key = object::text(expression, "/key").to_owned();
        let values = object::list(expression, "/values").iter().filter_map(Value::as_str).map(str::to_owned).collect();
        match object::text(expression, "/operator") {
            "In" => Some(Requirement::In(key, values)),
            "NotIn" => Some(Requirement::NotIn(key, values)),
            "Exists" => Some(Requirement::Exists(key)),
            "DoesNotExist" => Some(Requirement::Absent(key)),
            _ => None,
        }
    }

    fn holds(&self, labels: Option<&Map<String, Value>>) -> bool {
        let value = |key: &String| labels.and_then(|labels| labels.get(key)).and_then(Value::as_str);
        match self {
            Requirement::In(key, values) => value(key).is_some_and(|it| values.iter().any(|one| one == it)),
            Requirement::NotIn(key, values) => value(key).is_none_or(|it| values.iter().all(|one| one != it)),
            Requirement::Exists(key) => value(key).is_some(),
            Requirement::Absent(key) => value(key).is_none(),
        }
    }

    fn text(&self) -> String {
        match self {
            Requirement::In(key, values) if values.len() == 1 => format!("{key}={}", values.concat()),
            Requirement::In(key, values) => format!("{key} in ({})", values.join(",")),
            Requirement::NotIn(key, values) => format!("{key} notin ({})", values.join(",")),
            Requirement::Exists(key) => key.clone(),
            Requirement::Absent(key) => format!("!{key}"),
        }
    }
}

fn checked_key(key: &str) -> Option<String> {
    let key = key.trim();
    let is_plain = |letter: char| letter.is_ascii_alphanumeric() || "-_./".contains(letter);
    (!key.is_empty() && key.chars().all(is_plain)).then(|| key.to_owned())
}

fn set_based<'a>(text: &'a str, operator: &str) -> Option<(&'a str, Vec<String>)> {
    let (key, values) = text.split_once(operator)?;
    let values = values.trim().strip_prefix('(')?.strip_suffix(')')?;
    Some((key, values.split(',').map(|value| value.trim().to_owned()).collect()))
}

fn split_outside_brackets(text: &str) -> Vec<&str> {
    let (mut parts, mut start, mut depth) = (Vec::new(), 0, 0usize);
    for (at, letter) in text.char_indices() {
        match letter {
            '(' => depth += 1,
            ')' => depth = depth.saturating_sub(1),
            ',' if depth == 0 => {
                parts.push(&text[start..at]);
                start = at + 1;
            }
            _ => {}
        }
    }
    parts.push(&text[start..]);
    parts
}

/// Equality of single fields; which ones may be asked for depends on the resource.
#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct FieldSelector(Vec<FieldTerm>);

#[derive(Clone, Debug, PartialEq)]
struct FieldTerm {
    pointer: String,
    value: String,
    equal: bool,
}

impl FieldSelector {
    pub fn parse(resource: Resource, text: &str) -> Result<FieldSelector, Status> {
        let parts = text.split(',').map(str::trim).filter(|part| !part.is_empty());
        parts.map(|part| FieldTerm::parse(resource, part)).collect::<Result<_, _>>().map(FieldSelector)
    }

    pub fn matches(&self, object: &Value) -> bool {
        self.0.iter().all(|term| (object::text(object, &term.pointer) == term.value) == term.equal)
    }
}

impl FieldTerm {
    fn parse(resource: Resource, text: &str) -> Result<FieldTerm, Status> {
        let (field, value, equal) = if let Some((field, value)) = text.split_once("!=") {
            (field, value, false)
        } else if let Some((field, value)) = text.split_once("==").or_else(|| text.split_once('=')) {
            (field, value, true)
        } else {
            return Err(Status::bad_request(format!("invalid selector: '{text}'; can't understand '{text}'")));
        };
        if !is_selectable(resource, field) {
            return Err(Status::bad_request(format!("field label not supported: {field}")));
        }
        Ok(FieldTerm { pointer: format!("/{}", field.replace('.', "/")), value: value.to_owned(), equal })
    }
}

fn is_selectable(resource: Resource, field: &str) -> bool {
    let own: &[&str] = match resource {
        resource::PODS => &["spec.nodeName", "spec.restartPolicy", "status.phase", "status.podIP", "spec.serviceAccountName"],
        resource::EVENTS => {
            &["involvedObject.kind", "involvedObject.namespace", "involvedObject.name", "involvedObject.uid", "reason", "type"]
        }
        resource::NODES => &["spec.unschedulable"],
        resource::NAMESPACES => &["status.phase"],
        resource::JOBS => &["status.successful"],
        _ => &[],
    };
    field == "metadata.name" || (field == "metadata.namespace" && resource.is_namespaced()) || own.contains(&field)
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn takes(selector: &str, labels: Value) -> bool {
        LabelSelector::parse(selector).unwrap().matches(&json!({ "metadata": { "labels": labels } }))
    }

    #[test]
    fn label_requirements_hold_as_documented() {
        let labels = json!({ "app": "api", "tier": "web" });
        for (selector, expected) in [
            ("", true),
            ("app=api", true),
            ("app==api,tier!=db", true),
            ("app!=api", false),
            ("other!=x", true),
            ("app in (api, worker),tier", true),
            ("app notin (api,worker)", false),
            ("missing notin (x)", true),
            ("!missing,!app", false),
            ("missing", false),
        ] {
            assert_eq!(takes(selector, labels.clone()), expected, "{selector}");
        }
    }

    #[test]
    fn nonsense_is_refused() {
        for selector in ["=x", "a b", "a in x", "!", "app in (a"] {
            assert_eq!(LabelSelector::parse(selector).unwrap_err().code, 400, "{selector}");
        }
    }

    #[test]
    fn selectors_of_a_spec_become_text() {
        let selector = json!({
            "matchLabels": { "app": "api" },
            "matchExpressions": [{ "key": "tier", "operator": "In", "values": ["a", "b"] }],
        });
        assert_eq!(LabelSelector::from_object(&selector).text(), "app=api,tier in (a,b)");
    }

    #[test]
    fn only_indexed_fields_can_be_selected() {
        let pod = json!({ "metadata": { "name": "a" }, "status": { "phase": "Running" } });
        let selector = FieldSelector::parse(resource::PODS, "status.phase!=Failed,metadata.name=a").unwrap();
        assert!(selector.matches(&pod));
        assert!(!FieldSelector::parse(resource::PODS, "status.phase=Failed").unwrap().matches(&pod));
        assert!(FieldSelector::parse(resource::PODS, "spec.hostname=x").is_err());
        assert!(FieldSelector::parse(resource::DEPLOYMENTS, "status.phase=x").is_err());
    }
}
