//! get and list.
//!
//! Invariant: a list's resourceVersion is one from which a watch misses nothing; later pages keep the first page's.

use super::answer::{self, Answer, Shown, View};
use super::ask::{Ask, Target};
use crate::cluster::Cluster;
use crate::selector::{FieldSelector, LabelSelector};
use crate::state::{Key, State};
use crate::status::Status;
use serde_json::Value;
use std::collections::BTreeMap;
use std::ops::Bound;
use std::sync::Arc;

/// What a list or a watch is about.
#[derive(Clone, Debug)]
pub(crate) struct Query {
    pub target: Target,
    pub labels: LabelSelector,
    pub fields: FieldSelector,
}

impl Query {
    pub fn read(ask: &Ask, target: &Target) -> Result<Query, Status> {
        Ok(Query {
            target: target.clone(),
            labels: LabelSelector::parse(ask.param("labelSelector"))?,
            fields: FieldSelector::parse(target.resource, ask.param("fieldSelector"))?,
        })
    }

    pub fn takes(&self, object: &Value) -> bool {
        self.labels.matches(object) && self.fields.matches(object)
    }

    fn is_about(&self, key: &Key) -> bool {
        key.resource == self.target.resource && self.target.only_namespace().is_none_or(|namespace| namespace == key.namespace)
    }

    pub fn found<'a>(&'a self, state: &'a State, after: Option<Key>) -> impl Iterator<Item = &'a Arc<Value>> {
        let all = state.scan(self.target.resource, self.target.only_namespace(), after);
        all.map(|(_, object)| object).filter(|object| self.takes(object))
    }
}

pub(crate) fn get(cluster: &Cluster, ask: &Ask, target: &Target) -> Result<Answer, Status> {
    let object = cluster.shared().with(|state| state.get(&target.key()));
    let object = object.ok_or_else(|| Status::not_found(target.resource, &target.name))?;
    let view = if ask.wants_metadata() { View::Metadata } else { View::Whole };
    Ok(answer::bytes(200, "application/json", answer::written(&Shown(&object, view))))
}

/// One page of a collection.
struct Page {
    revision: u64,
    items: Vec<Arc<Value>>,
    /// Where the next page starts, and how many objects are left.
    rest: Option<(Key, usize)>,
}

pub(crate) fn list(cluster: &Cluster, ask: &Ask, target: &Target) -> Result<Answer, Status> {
    let query = Query::read(ask, target)?;
    let limit: usize = ask.param("limit").parse().ok().filter(|limit| *limit > 0).unwrap_or(usize::MAX);
    let start = Token::parse(target, ask.param("continue"))?;
    let page = cluster.shared().with(|state| page(state, &query, limit, start))?;
    Ok(answer::bytes(200, "application/json", render(ask, target, &page)))
}

fn page(state: &State, query: &Query, limit: usize, start: Option<Token>) -> Result<Page, Status> {
    match start {
        None => Ok(cut(state.revision(), query, limit, query.found(state, None))),
        // Nothing of the collection has changed since its first page: no copy of it is made.
        Some(token) if state.history.since(token.revision).is_some_and(|mut since| !since.any(|change| query.is_about(&change.key))) => {
            Ok(cut(token.revision, query, limit, query.found(state, Some(token.after))))
        }
        Some(token) => {
            let then = as_of(state, query, token.revision)?;
            let found = then.range((Bound::Excluded(token.after), Bound::Unbounded)).map(|(_, object)| object);
            Ok(cut(token.revision, query, limit, found.filter(|object| query.takes(object))))
        }
    }
}

fn cut<'a>(revision: u64, query: &Query, limit: usize, mut found: impl Iterator<Item = &'a Arc<Value>>) -> Page {
    let items: Vec<Arc<Value>> = found.by_ref().take(limit).cloned().collect();
    let left = found.count();
    let rest = items.last().filter(|_| left > 0).map(|last| (Key::of(query.target.resource, last), left));
    Page { revision, items, rest }
}

/// The collection as it was at a revision: what happened since is taken back. Errors: 410 if some of it is forgotten.
fn as_of(state: &State, query: &Query, revision: u64) -> Result<BTreeMap<Key, Arc<Value>>, Status> {
    const EXPIRED: &str = "The provided continue parameter is too old to display a consistent list result. \
                           You can start a new list without the continue parameter.";
    let since = state.history.since(revision).ok_or_else(|| Status::expired(EXPIRED))?;
    let present = state.scan(query.target.resource, query.target.only_namespace(), None);
    let mut then: BTreeMap<Key, Arc<Value>> = present.map(|(key, object)| (key.clone(), object.clone())).collect();
    for change in since.rev().filter(|change| query.is_about(&change.key)) {
        match &change.previous {
            Some(previous) => then.insert(change.key.clone(), previous.clone()),
            None => then.remove(&change.key),
        };
    }
    Ok(then)
}

fn render(ask: &Ask, target: &Target, page: &Page) -> String {
    let (view, kind, version) = if ask.wants_metadata() {
        (View::Metadata, "PartialObjectMetadataList".to_owned(), "meta.k8s.io/v1".to_owned())
    } else {
        (View::Item, format!("{}List", target.resource.kind()), target.resource.api_version())
    };
    let more = page.rest.as_ref().map(|(key, left)| {
        let token = Token { revision: page.revision, after: key.clone() };
        // With a selector the real server does not know how many are left.
        let is_selective = !ask.param("labelSelector").is_empty() || !ask.param("fieldSelector").is_empty();
        let left = if is_selective { String::new() } else { format!(",\"remainingItemCount\":{left}") };
        format!(",\"continue\":\"{}\"{left}", token.text())
    });
    let items: Vec<String> = page.items.iter().map(|item| answer::written(&Shown(item, view))).collect();
    format!(
        "{{\"kind\":\"{kind}\",\"apiVersion\":\"{version}\",\"metadata\":{{\"resourceVersion\":\"{}\"{}}},\"items\":[{}]}}",
        page.revision,
        more.unwrap_or_default(),
        items.join(",")
    )
}

/// Where a list goes on. Its text is opaque to clients.
struct Token {
    revision: u64,
    after: Key,
}

impl Token {
    fn text(&self) -> String {
        format!("{}.{}/{}", self.revision, self.after.namespace, self.after.name)
    }

    fn parse(target: &Target, text: &str) -> Result<Option<Token>, Status> {
        if text.is_empty() {
            return Ok(None);
        }
        let bad = || Status::bad_request("continue key is not valid");
        let (revision, key) = text.split_once('.').ok_or_else(bad)?;
        let (namespace, name) = key.split_once('/').ok_or_else(bad)?;
        let after = Key::new(target.resource, namespace, name);
        Ok(Some(Token { revision: revision.parse().map_err(|_| bad())?, after }))
    }
}
