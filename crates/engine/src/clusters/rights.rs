//! Asks the clusters what the portal may do there, with the identities it has.

use super::connect::Way;
use super::credentials::Surroundings;
use super::in_words;
use domain::catalog::{self, Catalog};
use domain::clusters::rights::{Identity, Names, Right, needed};
use futures::{StreamExt, TryStreamExt, future, stream};
use kube::Client;
use serde_json::{Value, json};
use std::time::Duration;

/// Questions to one cluster at the same time.
const AT_ONCE: usize = 8;

pub struct Checked {
    pub cluster: String,
    /// Else why nobody knows, in a sentence.
    pub found: Result<Found, String>,
}

pub struct Found {
    pub asked: usize,
    pub missing: Vec<Right>,
    pub names: Names,
}

/// All clusters at once, each with this much time.
pub async fn check(catalog: &Catalog, surroundings: &Surroundings, within: Duration) -> Vec<Checked> {
    let checks = catalog.clusters.iter().map(|cluster| async move {
        let found = tokio::time::timeout(within, ask(cluster, &catalog.namespaces(&cluster.name), surroundings)).await;
        let found = found.unwrap_or_else(|_| Err(format!("it did not answer within {} s", within.as_secs())));
        Checked { cluster: cluster.name.clone(), found: found.map_err(|why| format!("Cluster {}: {why}.", cluster.name)) }
    });
    future::join_all(checks).await
}

async fn ask(cluster: &catalog::Cluster, namespaces: &[String], surroundings: &Surroundings) -> Result<Found, String> {
    let reader = Way::of(&cluster.access, surroundings).await?.client(false)?;
    let deployer = match &cluster.deploy {
        Some(access) => Way::of(access, surroundings).await?.client(false)?,
        None => reader.clone(),
    };
    let rights = needed(namespaces);
    let asked = rights.len();
    let missing = stream::iter(rights)
        .map(|right| {
            let client = if right.identity == Identity::Deploy { &deployer } else { &reader };
            async move { allowed(client, &right).await.map(|allowed| (!allowed).then_some(right)) }
        })
        .buffered(AT_ONCE)
        .try_collect::<Vec<_>>()
        .await?;
    let names = Names { read: name(&reader).await, deploy: name(&deployer).await };
    Ok(Found { asked, missing: missing.into_iter().flatten().collect(), names })
}

async fn allowed(client: &Client, right: &Right) -> Result<bool, String> {
    let attributes = json!({
        "namespace": right.namespace, "verb": right.verb, "group": right.group,
        "resource": right.resource, "subresource": right.subresource,
    });
    let review =
        json!({"apiVersion": "authorization.k8s.io/v1", "kind": "SelfSubjectAccessReview", "spec": {"resourceAttributes": attributes}});
    let answer = review_of(client, "/apis/authorization.k8s.io/v1/selfsubjectaccessreviews", &review).await?;
    answer["status"]["allowed"].as_bool().ok_or_else(|| "its answer to a SelfSubjectAccessReview says nothing".to_owned())
}

/// Kubernetes 1.28 and later say it.
async fn name(client: &Client) -> Option<String> {
    let review = json!({"apiVersion": "authentication.k8s.io/v1", "kind": "SelfSubjectReview"});
    let answer = review_of(client, "/apis/authentication.k8s.io/v1/selfsubjectreviews", &review).await.ok()?;
    answer["status"]["userInfo"]["username"].as_str().map(str::to_owned)
}

async fn review_of(client: &Client, path: &str, review: &Value) -> Result<Value, String> {
    let request = http::Request::post(path).header("content-type", "application/json").body(review.to_string().into_bytes());
    let request = request.map_err(|error| error.to_string())?;
    client.request(request).await.map_err(|error| in_words(&error))
}
