//! One HTTP request, read as a Kubernetes request: verb, resource, namespace, name, query.
//!
//! Invariant: `target` is set exactly if the path names a resource that this cluster serves.

use crate::resource::Resource;
use crate::state::Key;
use crate::status::Status;
use http_body_util::{BodyExt, Limited};
use hyper::body::{Bytes, Incoming};
use hyper::header::{ACCEPT, CONTENT_TYPE, HeaderName, USER_AGENT};
use hyper::{Method, Request};
use serde_json::Value;

/// The real server's limit of a request body.
const LARGEST_BODY: usize = 3 * 1024 * 1024;

pub(crate) struct Ask {
    pub method: Method,
    pub path: String,
    raw_query: String,
    query: Vec<(String, String)>,
    pub user_agent: String,
    pub content_type: String,
    pub accept: String,
    pub body: Bytes,
    pub target: Option<Target>,
}

/// What a path names.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Target {
    pub resource: Resource,
    /// Empty for all namespaces and for what lives in none.
    pub namespace: String,
    /// Empty for a whole collection.
    pub name: String,
    pub subresource: String,
}

impl Target {
    /// Reads the segments of a path under `/api/v1` or `/apis/GROUP/VERSION`.
    pub fn parse(path: &str) -> Option<Target> {
        let segments: Vec<&str> = path.split('/').filter(|segment| !segment.is_empty()).collect();
        match segments.as_slice() {
            ["api", version, rest @ ..] => Target::within("", version, rest),
            ["apis", group, version, rest @ ..] => Target::within(group, version, rest),
            _ => None,
        }
    }

    fn within(group: &str, version: &str, rest: &[&str]) -> Option<Target> {
        match rest {
            ["namespaces", namespace, plural, rest @ ..] if !["status", "finalize"].contains(plural) => {
                let resource = Resource::at(group, version, plural).filter(|it| it.is_namespaced())?;
                Target::item(resource, namespace, rest)
            }
            [plural, rest @ ..] => {
                let resource = Resource::at(group, version, plural)?;
                // Without a namespace in the path, only a whole collection of namespaced objects can be named.
                (!resource.is_namespaced() || rest.is_empty()).then(|| Target::item(resource, "", rest))?
            }
            [] => None,
        }
    }

    fn item(resource: Resource, namespace: &str, rest: &[&str]) -> Option<Target> {
        let (name, subresource) = match rest {
            [] => ("", ""),
            [name] => (*name, ""),
            [name, subresource] => (*name, *subresource),
            _ => return None,
        };
        let (namespace, name) = (namespace.to_owned(), name.to_owned());
        Some(Target { resource, namespace, name, subresource: subresource.to_owned() })
    }

    pub fn key(&self) -> Key {
        Key::new(self.resource, &self.namespace, &self.name)
    }

    /// The one namespace it is about, if it is not about all.
    pub fn only_namespace(&self) -> Option<&str> {
        (!self.namespace.is_empty()).then_some(self.namespace.as_str())
    }
}

impl Ask {
    /// Reads a request to its end. Errors: 413 for a body over the limit, 400 if it breaks off.
    pub async fn read(request: Request<Incoming>) -> Result<Ask, Status> {
        let (head, body) = request.into_parts();
        let body = Limited::new(body, LARGEST_BODY)
            .collect()
            .await
            .map_err(|error| Status::new(413, "RequestEntityTooLarge", format!("limit is {LARGEST_BODY}: {error}")))?;
        let header = |name: HeaderName| head.headers.get(name).and_then(|value| value.to_str().ok()).unwrap_or_default().to_owned();
        let path = head.uri.path().to_owned();
        let raw_query = head.uri.query().unwrap_or_default().to_owned();
        Ok(Ask {
            target: Target::parse(&path),
            query: form_urlencoded::parse(raw_query.as_bytes()).into_owned().collect(),
            method: head.method,
            path,
            raw_query,
            user_agent: header(USER_AGENT),
            content_type: header(CONTENT_TYPE),
            accept: header(ACCEPT),
            body: body.to_bytes(),
        })
    }

    /// A query parameter, or "".
    pub fn param(&self, name: &str) -> &str {
        self.query.iter().find(|(key, _)| key == name).map(|(_, value)| value.as_str()).unwrap_or_default()
    }

    pub fn is_set(&self, name: &str) -> bool {
        matches!(self.param(name), "true" | "1")
    }

    pub fn path_and_query(&self) -> String {
        if self.raw_query.is_empty() { self.path.clone() } else { format!("{}?{}", self.path, self.raw_query) }
    }

    /// The Kubernetes verb, as RBAC and the audit log name it.
    pub fn verb(&self) -> &'static str {
        let is_item = self.target.as_ref().is_none_or(|target| !target.name.is_empty());
        match self.method {
            Method::GET if is_item => "get",
            Method::GET if self.is_set("watch") => "watch",
            Method::GET => "list",
            Method::POST => "create",
            Method::PUT => "update",
            Method::PATCH => "patch",
            Method::DELETE if is_item => "delete",
            Method::DELETE => "deletecollection",
            _ => "",
        }
    }

    /// The plural name of the resource, or "".
    pub fn plural(&self) -> &'static str {
        self.target.as_ref().map(|target| target.resource.plural()).unwrap_or_default()
    }

    pub fn name(&self) -> &str {
        self.target.as_ref().map(|target| target.name.as_str()).unwrap_or_default()
    }

    /// Whether the client asked for the metadata of objects only.
    pub fn wants_metadata(&self) -> bool {
        self.accept.contains("as=PartialObjectMetadata")
    }

    /// The body as JSON; an empty one is null.
    pub fn json(&self) -> Result<Value, Status> {
        if self.body.is_empty() {
            return Ok(Value::Null);
        }
        let undecodable = |error| Status::bad_request(format!("error decoding: {error}"));
        serde_json::from_slice(&self.body).map_err(undecodable)
    }

    /// Who writes: the fieldManager, or else the program's name in the user agent.
    pub fn manager(&self) -> String {
        match self.param("fieldManager") {
            "" => self.user_agent.split('/').next().filter(|it| !it.is_empty()).unwrap_or("unknown").to_owned(),
            manager => manager.to_owned(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parsed(path: &str) -> Option<(&'static str, String, String, String)> {
        Target::parse(path).map(|it| (it.resource.plural(), it.namespace, it.name, it.subresource))
    }

    fn some(plural: &'static str, namespace: &str, name: &str, sub: &str) -> Option<(&'static str, String, String, String)> {
        Some((plural, namespace.to_owned(), name.to_owned(), sub.to_owned()))
    }

    #[test]
    fn paths_name_collections_items_and_subresources() {
        assert_eq!(parsed("/api/v1/pods"), some("pods", "", "", ""));
        assert_eq!(parsed("/api/v1/namespaces"), some("namespaces", "", "", ""));
        assert_eq!(parsed("/api/v1/namespaces/shop"), some("namespaces", "", "shop", ""));
        assert_eq!(parsed("/api/v1/namespaces/shop/status"), some("namespaces", "", "shop", "status"));
        assert_eq!(parsed("/api/v1/namespaces/shop/pods/a/log"), some("pods", "shop", "a", "log"));
        let scale = parsed("/apis/apps/v1/namespaces/shop/deployments/api/scale");
        assert_eq!(scale, some("deployments", "shop", "api", "scale"));
    }

    #[test]
    fn what_is_not_served_names_nothing() {
        for path in ["/api/v1/secrets", "/apis/apps/v1beta1/deployments", "/version", "/apis/apps/v1/deployments/api"] {
            assert_eq!(parsed(path), None, "{path}");
        }
    }
}
