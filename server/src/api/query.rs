//! Query parameters: each known, each at most once, each checked; what is wrong is named.

use crate::problem::Problem;
use axum::extract::FromRequestParts;
use domain::changes::State;
use domain::names::{nearest, shorten};
use domain::{Error, Result};
use engine::PageRequest;
use http::request::Parts;
use std::borrow::Cow;

/// The longest part of a list that is given at once.
const LONGEST: i64 = 200;

/// What stands after the `?`, taken apart.
pub struct Query(Vec<(String, String)>);

impl<S: Send + Sync> FromRequestParts<S> for Query {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Query, Problem> {
        let text = parts.uri.query().unwrap_or_default();
        Ok(Query(form_urlencoded::parse(text.as_bytes()).map(|(key, value)| (key.into_owned(), value.into_owned())).collect()))
    }
}

impl Query {
    /// Refuses parameters that are not in `known`, and repeated ones.
    pub fn only(self, known: &[&str]) -> Result<Query> {
        for (at, (key, _)) in self.0.iter().enumerate() {
            if !known.contains(&key.as_str()) {
                let hint = nearest(key, known.iter().copied()).map_or_else(
                    || {
                        if known.is_empty() {
                            "none is taken here".into()
                        } else {
                            Cow::from(format!("expected one of {}", known.join(", ")))
                        }
                    },
                    |near| Cow::from(format!("did you mean `{near}`?")),
                );
                return Err(Error::invalid(&shorten(key), format!("unknown parameter: {hint}")));
            }
            if self.0[..at].iter().any(|(other, _)| other == key) {
                return Err(Error::invalid(key, "expected once"));
            }
        }
        Ok(self)
    }

    pub fn get(&self, name: &str) -> Option<&str> {
        self.0.iter().find(|(key, _)| key == name).map(|(_, value)| value.as_str()).filter(|value| !value.is_empty())
    }

    /// `state=running` or `state=running,observing`.
    pub fn states(&self) -> Result<Vec<State>> {
        let Some(text) = self.get("state") else { return Ok(Vec::new()) };
        let parse = |name: &str| {
            State::parse(name).ok_or_else(|| {
                let known: Vec<_> = State::ALL.iter().map(|state| state.as_str()).collect();
                Error::invalid("state", format!("`{}` is not a state: expected one of {}", shorten(name), known.join(", ")))
            })
        };
        text.split(',').map(parse).collect()
    }

    pub fn page(&self) -> Result<PageRequest> {
        let mut page = PageRequest { cursor: self.get("cursor").map(str::to_owned), ..PageRequest::default() };
        if page.cursor.as_deref().is_some_and(|cursor| !is_cursor(cursor)) {
            return Err(Error::invalid("cursor", "expected the `next` of the part before"));
        }
        if let Some((_, text)) = self.0.iter().find(|(key, _)| key == "limit") {
            let limit = text.parse().ok().filter(|limit| (1..=LONGEST).contains(limit));
            page.limit = limit.ok_or_else(|| Error::invalid("limit", format!("expected a number from 1 to {LONGEST}")))?;
        }
        Ok(page)
    }
}

/// Cursors are ids and numbers.
fn is_cursor(text: &str) -> bool {
    text.len() <= 64 && text.bytes().all(|c| c.is_ascii_alphanumeric() || c == b'-' || c == b'_')
}

#[cfg(test)]
mod tests {
    use super::*;

    fn query(text: &str) -> Query {
        Query(form_urlencoded::parse(text.as_bytes()).into_owned().collect())
    }

    #[test]
    fn what_is_wrong_is_named() {
        let field = |error: Error| match error {
            Error::Invalid { field, .. } => field,
            other => panic!("{other:?}"),
        };
        assert!(query("state=running&cursor=").only(&["state", "cursor"]).is_ok());
        assert_eq!(field(query("stat=running").only(&["state"]).err().unwrap()), "stat");
        assert_eq!(field(query("state=a&state=b").only(&["state"]).err().unwrap()), "state");
        assert_eq!(field(query("state=done").states().err().unwrap()), "state");
        assert_eq!(query("state=running,observing").states().unwrap().len(), 2);
        for limit in ["", "0", "-1", "201", "ten", "1e2"] {
            assert_eq!(field(query(&format!("limit={limit}")).page().err().unwrap()), "limit");
        }
    }
}
