//! Reads and writes of single objects. Every call sits under a timeout; writes go through a client that never retries, so
//! that one call is at most one write.

use super::credentials::Trouble;
use super::{Cluster, in_words};
use crate::error::{Error, Result};
use domain::changes::{FENCE_ANNOTATION, Patch, STALE_FENCE, Target};
use domain::clusters::WorkloadKind;
use serde_json::Value;
use std::time::Duration;

const READ_S: u64 = 5;
const WRITE_S: u64 = 10;

/// How the portal's writes are named in managedFields and in the audit log of the API server.
pub const FIELD_MANAGER: &str = "devmatrix-portal";

/// What became of a write.
#[derive(Debug)]
pub enum WriteAnswer {
    Applied(Box<Value>),
    /// 409, or a JSON patch's `test` that failed: the object is not as we thought.
    Conflict,
    /// 404: the object is not there.
    Gone(String),
    /// The cluster has seen a write of a higher fence.
    Stale,
    /// The API server will not have it, whenever we ask.
    Refused(String),
    /// Try again after a while: 401, 429.
    Later(String),
    /// No answer, or one that says nothing: it may have been applied.
    Unknown(String),
}

impl Cluster {
    /// None: the API server says that there is none.
    pub async fn get(&self, kind: WorkloadKind, namespace: &str, name: &str) -> Result<Option<Value>> {
        self.get_path(&path(kind, namespace, name)).await
    }

    /// The pod template of one of a workload's revisions, as its spec had it: without what the controllers added.
    pub async fn revision_template(&self, kind: WorkloadKind, namespace: &str, name: &str) -> Result<Option<Value>> {
        let (plural, place) = match kind {
            WorkloadKind::Deployment => ("replicasets", "/spec/template"),
            WorkloadKind::StatefulSet | WorkloadKind::DaemonSet => ("controllerrevisions", "/data/spec/template"),
        };
        let object = self.get_path(&format!("/apis/apps/v1/namespaces/{namespace}/{plural}/{name}")).await?;
        let Some(mut template) = object.and_then(|object| object.pointer(place).cloned()) else { return Ok(None) };
        if let Some(map) = template.as_object_mut() {
            map.remove("$patch");
        }
        if let Some(labels) = template.pointer_mut("/metadata/labels").and_then(Value::as_object_mut) {
            labels.remove("pod-template-hash");
        }
        Ok(Some(template))
    }

    /// None: the API server says that there is none.
    pub async fn pod(&self, namespace: &str, name: &str) -> Result<Option<Value>> {
        self.get_path(&pod_path(namespace, name)).await
    }

    /// A HorizontalPodAutoscaler. None: the API server says that there is none.
    pub async fn autoscaler(&self, namespace: &str, name: &str) -> Result<Option<Value>> {
        self.get_path(&autoscaler_path(namespace, name)).await
    }

    async fn get_path(&self, path: &str) -> Result<Option<Value>> {
        let request = http::Request::get(path).body(Vec::new()).map_err(|error| self.error(kube::Error::HttpError(error)))?;
        let answer = tokio::time::timeout(Duration::from_secs(READ_S), self.reader_once.request::<Value>(request)).await;
        match answer {
            Err(_) => Err(Error::Timeout { cluster: self.name.clone(), seconds: READ_S }),
            Ok(Ok(object)) => Ok(Some(object)),
            Ok(Err(kube::Error::Api(status))) if status.code == 404 => Ok(None),
            Ok(Err(error)) => Err(self.error(error)),
        }
    }

    /// What the patch would make of the object, by the API server's own word; nothing is stored.
    pub async fn dry_run(&self, target: &Target, patch: &Patch) -> WriteAnswer {
        match patch.deletes() {
            // With a body, the API server reads the options from it alone: in the query this would be a real deletion.
            Some((pod, _)) => {
                let mut options = patch.body["options"].clone();
                options["dryRun"] = serde_json::json!(["All"]);
                self.delete(target, pod, options.to_string()).await
            }
            None => self.patch(target, patch.content_type(), patch.body.to_string(), "&dryRun=All").await,
        }
    }

    /// Sends the journalled bytes of this patch.
    pub async fn write(&self, target: &Target, patch: &Patch, bytes: &str) -> WriteAnswer {
        match patch.deletes() {
            Some((pod, _)) => self.delete(target, pod, bytes.to_owned()).await,
            None => self.patch(target, patch.content_type(), bytes.to_owned(), "").await,
        }
    }

    /// Deletes the very pod of the precondition; one of another uid is a conflict.
    async fn delete(&self, target: &Target, pod: &str, options: String) -> WriteAnswer {
        let uri = pod_path(&target.namespace, pod);
        let request = http::Request::delete(uri).header("content-type", "application/json").header("accept", "application/json");
        self.send(request.body(options.into_bytes())).await
    }

    async fn patch(&self, target: &Target, content_type: &str, bytes: String, dry: &str) -> WriteAnswer {
        let path = match &target.autoscaler {
            Some(name) => autoscaler_path(&target.namespace, name),
            None => path(target.kind, &target.namespace, &target.name),
        };
        let uri = format!("{path}?fieldManager={FIELD_MANAGER}&fieldValidation=Strict{dry}");
        let request =
            http::Request::patch(uri).header("content-type", content_type).header("accept", "application/json").body(bytes.into_bytes());
        self.send(request).await
    }

    async fn send(&self, request: std::result::Result<http::Request<Vec<u8>>, http::Error>) -> WriteAnswer {
        let request = match request {
            Ok(request) => request,
            Err(error) => return WriteAnswer::Refused(error.to_string()),
        };
        match tokio::time::timeout(Duration::from_secs(WRITE_S), self.writer.request::<Value>(request)).await {
            Ok(Ok(object)) => WriteAnswer::Applied(Box::new(object)),
            Ok(Err(error)) => refused(&error),
            Err(_) => WriteAnswer::Unknown(format!("no answer within {WRITE_S} s")),
        }
    }

    fn error(&self, source: kube::Error) -> Error {
        Error::Cluster { cluster: self.name.clone(), source }
    }
}

fn refused(error: &kube::Error) -> WriteAnswer {
    if let kube::Error::Service(inner) = error
        && let Some(trouble) = inner.downcast_ref::<Trouble>()
    {
        // Without a credential nothing was sent.
        return WriteAnswer::Later(trouble.to_string());
    }
    let kube::Error::Api(status) = error else { return WriteAnswer::Unknown(in_words(error)) };
    let failed_test = status.code == 422
        && (status.reason == "Invalid" || status.message.contains("test"))
        && status.message.contains("the server rejected our request");
    match status.code {
        409 => WriteAnswer::Conflict,
        _ if failed_test || status.message.contains("testing path") || status.message.contains("testing value") => WriteAnswer::Conflict,
        404 => WriteAnswer::Gone(status.message.clone()),
        403 | 422 if is_stale(&status.message) => WriteAnswer::Stale,
        401 | 429 => WriteAnswer::Later(status.message.clone()),
        400..=499 => WriteAnswer::Refused(status.message.clone()),
        _ => WriteAnswer::Unknown(status.message.clone()),
    }
}

/// The words of the ValidatingAdmissionPolicy in deploy/kubernetes/fence.yaml.
fn is_stale(message: &str) -> bool {
    message.contains(FENCE_ANNOTATION) && message.contains(STALE_FENCE)
}

fn pod_path(namespace: &str, name: &str) -> String {
    format!("/api/v1/namespaces/{namespace}/pods/{name}")
}

fn autoscaler_path(namespace: &str, name: &str) -> String {
    format!("/apis/autoscaling/v2/namespaces/{namespace}/horizontalpodautoscalers/{name}")
}

fn path(kind: WorkloadKind, namespace: &str, name: &str) -> String {
    let plural = match kind {
        WorkloadKind::Deployment => "deployments",
        WorkloadKind::StatefulSet => "statefulsets",
        WorkloadKind::DaemonSet => "daemonsets",
    };
    format!("/apis/apps/v1/namespaces/{namespace}/{plural}/{name}")
}
