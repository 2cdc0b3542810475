//! Names as they come from outside, parsed once at the edge: what has one of these types is safe in a URL, a query and a log.

use crate::{Error, Result};
use serde::{Deserialize, Serialize};
use std::fmt;

/// A component's, environment's, cluster's, team's or person's name: 1 to 63 of `a-z 0-9 -`, no `-` at either end
/// (RFC 1123 label, as Kubernetes names namespaces).
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Name(String);

pub const NAME_RULE: &str = "1 to 63 lowercase letters, digits or '-', beginning and ending with a letter or digit";

impl Name {
    pub fn parse(field: &str, text: &str) -> Result<Name> {
        Name::try_from(text.to_owned()).map_err(|why| Error::invalid(field, why))
    }

    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl TryFrom<String> for Name {
    type Error = String;

    fn try_from(text: String) -> std::result::Result<Name, String> {
        let inner = |c: u8| c.is_ascii_lowercase() || c.is_ascii_digit() || c == b'-';
        let edge = |c: Option<&u8>| c.is_some_and(|c| *c != b'-');
        let bytes = text.as_bytes();
        if bytes.len() <= 63 && bytes.iter().all(|c| inner(*c)) && edge(bytes.first()) && edge(bytes.last()) {
            return Ok(Name(text));
        }
        Err(format!("`{}` is not a name: expected {NAME_RULE}", shorten(&text)))
    }
}

impl From<Name> for String {
    fn from(name: Name) -> String {
        name.0
    }
}

impl fmt::Display for Name {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl PartialEq<str> for Name {
    fn eq(&self, other: &str) -> bool {
        self.0 == other
    }
}

impl PartialEq<&str> for Name {
    fn eq(&self, other: &&str) -> bool {
        self.0 == *other
    }
}

pub const OBJECT_NAME_RULE: &str =
    "at most 253 lowercase letters, digits, '-' and '.', each part between dots beginning and ending with a letter or digit";

/// An object's name in Kubernetes where dots may stand in it. Kubernetes calls it an RFC 1123 subdomain, and looks at the length of the
/// whole only: a part may be longer than a label of DNS.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct ObjectName(String);

impl ObjectName {
    pub fn parse(field: &str, text: &str) -> Result<ObjectName> {
        ObjectName::try_from(text.to_owned()).map_err(|why| Error::invalid(field, why))
    }

    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl TryFrom<String> for ObjectName {
    type Error = String;

    fn try_from(text: String) -> std::result::Result<ObjectName, String> {
        let part = |part: &str| {
            let inner = |c: u8| c.is_ascii_lowercase() || c.is_ascii_digit() || c == b'-';
            !part.is_empty() && part.bytes().all(inner) && !part.starts_with('-') && !part.ends_with('-')
        };
        if text.len() <= 253 && text.split('.').all(part) {
            return Ok(ObjectName(text));
        }
        Err(format!("`{}` is not the name of an object: expected {OBJECT_NAME_RULE}", shorten(&text)))
    }
}

impl From<ObjectName> for String {
    fn from(name: ObjectName) -> String {
        name.0
    }
}

impl fmt::Display for ObjectName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// At most 80 characters of something that a stranger sent, with control characters made visible.
pub fn shorten(text: &str) -> String {
    let shown: String = text.chars().take(80).map(|c| if c.is_control() { '\u{fffd}' } else { c }).collect();
    if text.chars().count() > 80 { format!("{shown}…") } else { shown }
}

/// `bea` → `Bea`, `anna-lena` → `Anna Lena`: the name as a person would write it.
pub fn title_of(name: &str) -> String {
    let capital = |word: &str| {
        let mut letters = word.chars();
        letters.next().map(|first| first.to_uppercase().chain(letters).collect::<String>()).unwrap_or_default()
    };
    name.split(['-', '.', '_']).map(capital).collect::<Vec<_>>().join(" ")
}

/// The known name most like `text`, for "did you mean": none when nothing is close.
pub fn nearest<'a>(text: &str, known: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
    known
        .into_iter()
        .map(|name| (strsim::jaro_winkler(text, name), name))
        .filter(|(likeness, _)| *likeness > 0.75)
        .max_by(|a, b| a.0.total_cmp(&b.0))
        .map(|(_, name)| name)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_is_an_rfc_1123_label() {
        for good in ["a", "api", "prod-central", "0", &"x".repeat(63)] {
            assert!(Name::parse("name", good).is_ok(), "{good}");
        }
        for bad in ["", "-a", "a-", "Api", "a b", "a/b", "ä", "a\0", &"x".repeat(64)] {
            assert!(Name::parse("name", bad).is_err(), "{bad:?}");
        }
    }

    #[test]
    fn the_nearest_name_is_offered_only_when_it_is_near() {
        assert_eq!(nearest("enviroments", ["environments", "components"]), Some("environments"));
        assert_eq!(nearest("zebra", ["environments", "components"]), None);
    }

    #[test]
    fn an_object_is_called_as_kubernetes_allows() {
        let long = "kube-prometheus-stack-alertmanager-generated-configuration-of-the-platform";
        assert!(long.len() > 63, "longer than a label of DNS");
        for name in [long, "a", "web.config-1", &"a".repeat(253)] {
            assert!(ObjectName::parse("name", name).is_ok(), "{name}");
        }
        for name in ["", ".", "a..b", "-a", "a-", "a.-b", "A", "a/b", "../secrets/x", "a?b", "ä", &"a".repeat(254)] {
            assert!(ObjectName::parse("name", name).is_err(), "{name}");
        }
    }
}
