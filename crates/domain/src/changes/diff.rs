//! What a change would alter, as a unified diff of YAML: from the object as it is to the object that the dry run answered.
//! Left out: managedFields, status and what the API server counts by itself.

use serde::{Deserialize, Serialize};
use serde_json::Value;
use similar::{ChangeTag, TextDiff};

#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Diff {
    /// Unified, three lines of context.
    pub unified: String,
    pub added: i64,
    pub removed: i64,
}

pub fn diff(before: &Value, after: &Value) -> Diff {
    between(&yaml(before), &yaml(after))
}

/// The same of two texts.
pub(super) fn between(before: &str, after: &str) -> Diff {
    let text = TextDiff::from_lines(before, after);
    let count = |tag| text.iter_all_changes().filter(|change| change.tag() == tag).count() as i64;
    Diff { unified: text.unified_diff().context_radius(3).to_string(), added: count(ChangeTag::Insert), removed: count(ChangeTag::Delete) }
}

/// Of what is not there yet: nothing.
fn yaml(object: &Value) -> String {
    if object.is_null() {
        return String::new();
    }
    let mut shown = object.clone();
    if let Some(map) = shown.as_object_mut() {
        map.remove("status");
    }
    if let Some(metadata) = shown.get_mut("metadata").and_then(Value::as_object_mut) {
        for noise in ["managedFields", "resourceVersion", "generation", "uid", "creationTimestamp", "selfLink"] {
            metadata.remove(noise);
        }
        if let Some(annotations) = metadata.get_mut("annotations").and_then(Value::as_object_mut) {
            annotations.remove("kubectl.kubernetes.io/last-applied-configuration");
        }
    }
    // An image with its digest is long, and one line: a folded one would read as two changes.
    let options = serde_saphyr::ser_options! { prefer_block_scalars: false };
    serde_saphyr::to_string_with_options(&shown, options).unwrap_or_else(|_| shown.to_string())
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn a_long_image_stays_on_one_line() {
        let long = format!("registry.devmatrix.example/devmatrix/api:1.43.1@sha256:{}", "0123456789abcdef".repeat(4));
        let diff = diff(&json!({"image": "a"}), &json!({"image": long}));
        assert_eq!((diff.added, diff.removed), (1, 1), "{}", diff.unified);
    }

    #[test]
    fn the_diff_shows_the_change_and_no_noise() {
        let object = |image: &str, version: &str| {
            json!({
                "metadata": {"name": "api", "resourceVersion": version, "managedFields": [{"manager": version}]},
                "spec": {"template": {"spec": {"containers": [{"name": "api", "image": image}]}}},
                "status": {"replicas": version},
            })
        };
        let diff = diff(&object("api:1", "7"), &object("api:2", "8"));
        assert_eq!((diff.added, diff.removed), (1, 1), "{}", diff.unified);
        assert!(diff.unified.contains("image: \"api:1\"") || diff.unified.contains("image: api:1"), "{}", diff.unified);
        assert!(!diff.unified.contains("manager"));
    }
}
