//! Reads and writes of single objects. Every call sits under a timeout; writes go through a client that never retries, so
//! that one call is at most one write.

use super::credentials::Trouble;
use super::{Cluster, in_words};
use crate::error::{Error, Result};
use domain::changes::{FENCE_ANNOTATION, Patch, STALE_FENCE, Target, TargetKind};
use domain::clusters::WorkloadKind;
use kube::client::Body;
use kube::core::Status;
use serde_json::Value;
use std::fmt;
use std::time::Duration;

const READ_S: u64 = 5;
const WRITE_S: u64 = 10;

/// How the portal's writes are named in managedFields and in the audit log of the API server.
pub const FIELD_MANAGER: &str = "devmatrix-portal";

/// The longest that an API server may tell us to wait; one that says more is asked again then.
const RETRY_AFTER_MAX_S: u64 = 600;

/// What became of a write.
#[derive(Debug)]
pub enum WriteAnswer {
    Applied(Box<Value>),
    /// 409, or a JSON patch's `test` that failed: the object is not as we thought.
    Conflict(Said),
    /// 404: the object is not there.
    Gone(Said),
    /// The cluster has seen a write of a higher fence.
    Stale(Said),
    /// The API server will not have it, whenever we ask.
    Refused(Said),
    /// Try again after a while: 401, 429.
    Later(Said),
    /// No answer, or one that says nothing: it may have been applied.
    Unknown(Said),
}

/// What was answered in place of an object.
#[derive(Debug, Default)]
pub struct Said {
    /// The status; none where no answer came.
    pub code: Option<u16>,
    pub why: String,
    /// The answer's `Retry-After`, where it gives seconds.
    pub retry_after: Option<Duration>,
}

impl fmt::Display for Said {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.why)
    }
}

impl WriteAnswer {
    /// Nothing was done, and nothing will be.
    pub fn is_certain_no(&self) -> bool {
        use WriteAnswer::{Conflict, Gone, Later, Refused, Stale};
        matches!(self, Conflict(_) | Gone(_) | Stale(_) | Refused(_) | Later(_))
    }

    /// For the change's story: `409: the object has been modified`.
    pub fn in_words(&self) -> String {
        let said = match self {
            WriteAnswer::Applied(object) => {
                let version = object.pointer("/metadata/resourceVersion").and_then(Value::as_str).unwrap_or("?");
                let generation = object.pointer("/metadata/generation").and_then(Value::as_i64);
                let generation = generation.map_or_else(String::new, |number| format!("generation {number}, "));
                return format!("done: {generation}resourceVersion {version}");
            }
            WriteAnswer::Conflict(said) | WriteAnswer::Gone(said) | WriteAnswer::Refused(said) => said,
            WriteAnswer::Stale(said) | WriteAnswer::Later(said) | WriteAnswer::Unknown(said) => said,
        };
        let code = said.code.map_or_else(|| "no answer".to_owned(), |code| code.to_string());
        let after = said.retry_after.map_or_else(String::new, |after| format!(" (Retry-After: {} s)", after.as_secs()));
        format!("{code}: {}{after}", said.why)
    }
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

    /// A CronJob. None: the API server says that there is none.
    pub async fn cron_job(&self, namespace: &str, name: &str) -> Result<Option<Value>> {
        self.get_path(&format!("/apis/batch/v1/namespaces/{namespace}/cronjobs/{name}")).await
    }

    /// A Job. None: the API server says that there is none.
    pub async fn job(&self, namespace: &str, name: &str) -> Result<Option<Value>> {
        self.get_path(&format!("{}/{name}", jobs_path(namespace))).await
    }

    pub(super) async fn get_path(&self, path: &str) -> Result<Option<Value>> {
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
            None => self.change(target, patch, patch.body.to_string(), "&dryRun=All").await,
        }
    }

    /// Sends the journalled bytes of this patch.
    pub async fn write(&self, target: &Target, patch: &Patch, bytes: &str) -> WriteAnswer {
        match patch.deletes() {
            Some((pod, _)) => self.delete(target, pod, bytes.to_owned()).await,
            None => self.change(target, patch, bytes.to_owned(), "").await,
        }
    }

    /// Deletes the very pod of the precondition; one of another uid is a conflict.
    async fn delete(&self, target: &Target, pod: &str, options: String) -> WriteAnswer {
        let uri = pod_path(&target.namespace, pod);
        let request = http::Request::delete(uri).header("content-type", "application/json").header("accept", "application/json");
        self.send(request.body(options.into_bytes())).await
    }

    /// A patch of what is there, or a Job that is not.
    async fn change(&self, target: &Target, patch: &Patch, bytes: String, dry: &str) -> WriteAnswer {
        let (method, path) = match (&target.autoscaler, target.kind) {
            (Some(name), _) => (http::Method::PATCH, autoscaler_path(&target.namespace, name)),
            (None, TargetKind::Workload(kind)) => (http::Method::PATCH, path(kind, &target.namespace, &target.name)),
            (None, TargetKind::Job(_)) => (http::Method::POST, jobs_path(&target.namespace)),
        };
        let uri = format!("{path}?fieldManager={FIELD_MANAGER}&fieldValidation=Strict{dry}");
        let request = http::Request::builder().method(method).uri(uri);
        let request = request.header("content-type", patch.content_type()).header("accept", "application/json");
        self.send(request.body(bytes.into_bytes())).await
    }

    pub(super) async fn send(&self, request: std::result::Result<http::Request<Vec<u8>>, http::Error>) -> WriteAnswer {
        let request = match request {
            Ok(request) => request.map(Body::from),
            Err(error) => return WriteAnswer::Refused(Said { why: error.to_string(), ..Said::default() }),
        };
        match tokio::time::timeout(Duration::from_secs(WRITE_S), self.answer(request)).await {
            Ok(Ok(answer)) => answer,
            Ok(Err(error)) => unanswered(&error),
            Err(_) => WriteAnswer::Unknown(Said { why: format!("no answer within {WRITE_S} s"), ..Said::default() }),
        }
    }

    /// The whole answer, with the header that says how long to wait: kube's own reading of it drops that.
    async fn answer(&self, request: http::Request<Body>) -> std::result::Result<WriteAnswer, kube::Error> {
        let (head, body) = self.writer.send(request).await?.into_parts();
        let body = body.collect_bytes().await?;
        let code = Some(head.status.as_u16());
        if head.status.is_success() {
            let unreadable = |error: serde_json::Error| {
                let why = format!("an answer that does not read: {error}");
                WriteAnswer::Unknown(Said { code, why, retry_after: None })
            };
            return Ok(serde_json::from_slice(&body).map_or_else(unreadable, |object| WriteAnswer::Applied(Box::new(object))));
        }
        let after = head.headers.get(http::header::RETRY_AFTER).and_then(|value| value.to_str().ok()?.trim().parse().ok());
        let retry_after = after.map(|seconds: u64| Duration::from_secs(seconds.min(RETRY_AFTER_MAX_S)));
        let status: Status = serde_json::from_slice(&body).unwrap_or_default();
        let why = if status.message.is_empty() { in_plain_words(head.status, &body) } else { status.message };
        Ok(refused(head.status, &status.reason, Said { code, why, retry_after }))
    }

    fn error(&self, source: kube::Error) -> Error {
        Error::Cluster { cluster: self.name.clone(), source }
    }
}

/// No answer came. Without a credential nothing was sent; anything else may have arrived.
fn unanswered(error: &kube::Error) -> WriteAnswer {
    if let kube::Error::Service(inner) = error
        && let Some(trouble) = inner.downcast_ref::<Trouble>()
    {
        return WriteAnswer::Later(Said { why: trouble.to_string(), ..Said::default() });
    }
    WriteAnswer::Unknown(Said { why: in_words(error), ..Said::default() })
}

fn refused(status: http::StatusCode, reason: &str, said: Said) -> WriteAnswer {
    let failed_test = status.as_u16() == 422
        && (reason == "Invalid" || said.why.contains("test"))
        && said.why.contains("the server rejected our request");
    match status.as_u16() {
        409 => WriteAnswer::Conflict(said),
        _ if failed_test || said.why.contains("testing path") || said.why.contains("testing value") => WriteAnswer::Conflict(said),
        404 => WriteAnswer::Gone(said),
        403 | 422 if is_stale(&said.why) => WriteAnswer::Stale(said),
        401 | 429 => WriteAnswer::Later(said),
        400..=499 => WriteAnswer::Refused(said),
        _ => WriteAnswer::Unknown(said),
    }
}

/// What something before the API server answered, which is no Status: its first line, or what its number means.
fn in_plain_words(status: http::StatusCode, body: &[u8]) -> String {
    let text = String::from_utf8_lossy(body);
    match text.lines().map(str::trim).find(|line| !line.is_empty() && !line.starts_with('<')) {
        Some(line) => line.chars().take(300).collect(),
        None => status.canonical_reason().unwrap_or("no reason was given").to_lowercase(),
    }
}

/// The words of the ValidatingAdmissionPolicy in deploy/kubernetes/fence.yaml.
fn is_stale(message: &str) -> bool {
    message.contains(FENCE_ANNOTATION) && message.contains(STALE_FENCE)
}

fn pod_path(namespace: &str, name: &str) -> String {
    format!("/api/v1/namespaces/{namespace}/pods/{name}")
}

fn jobs_path(namespace: &str) -> String {
    format!("/apis/batch/v1/namespaces/{namespace}/jobs")
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
