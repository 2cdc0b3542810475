//! SHA-256 over canonical JSON: the name of a plan, and of a Kubernetes spec.

use serde::Serialize;
use serde_json::Value;
use sha2::{Digest, Sha256};
use std::fmt::Write;

/// Lowercase hexadecimal SHA-256.
pub fn sha256(bytes: impl AsRef<[u8]>) -> String {
    let mut text = String::with_capacity(64);
    for byte in Sha256::digest(bytes.as_ref()) {
        let _ = write!(text, "{byte:02x}");
    }
    text
}

/// One spelling for each JSON value: keys sorted, no space. (RFC 8785 for all that we put in: strings, integers, flags.)
pub fn canonical(value: &Value) -> String {
    match value {
        Value::Object(map) => {
            let mut entries: Vec<_> = map.iter().collect();
            entries.sort_by_key(|(key, _)| key.as_str());
            let inner: Vec<_> = entries.into_iter().map(|(k, v)| format!("{}:{}", Value::from(k.as_str()), canonical(v))).collect();
            format!("{{{}}}", inner.join(","))
        }
        Value::Array(items) => format!("[{}]", items.iter().map(canonical).collect::<Vec<_>>().join(",")),
        scalar => scalar.to_string(),
    }
}

/// SHA-256 of the canonical JSON; a value that has no JSON (a map with odd keys) hashes as null, which no caller makes.
pub fn of<T: Serialize>(value: &T) -> String {
    sha256(canonical(&serde_json::to_value(value).unwrap_or(Value::Null)))
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn the_order_of_keys_does_not_matter_and_everything_else_does() {
        let one: Value = serde_json::from_str(r#"{"b":[1,2],"a":{"y":"ü","x":null}}"#).unwrap();
        let two: Value = serde_json::from_str(r#"{"a":{"x":null,"y":"ü"},"b":[1,2]}"#).unwrap();
        assert_eq!(canonical(&one), r#"{"a":{"x":null,"y":"ü"},"b":[1,2]}"#);
        assert_eq!(of(&one), of(&two));
        assert_ne!(of(&json!({"b": [2, 1]})), of(&json!({"b": [1, 2]})));
    }

    #[test]
    fn sha256_is_the_standard_one() {
        assert_eq!(sha256("abc"), "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
    }
}
