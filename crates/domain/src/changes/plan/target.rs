//! The exact object that a change writes, as it was when the plan was made.

use super::spec_hash;
use crate::clusters::{WorkloadKey, WorkloadKind};
use serde::{Deserialize, Serialize};
use serde_json::Value;
use std::fmt;

/// What a target is: a workload, or the CronJob whose template makes a Job.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(untagged)]
pub enum TargetKind {
    Workload(WorkloadKind),
    Job(JobKind),
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum JobKind {
    CronJob,
}

impl TargetKind {
    pub const CRON_JOB: TargetKind = TargetKind::Job(JobKind::CronJob);

    pub fn as_str(self) -> &'static str {
        match self {
            TargetKind::Workload(kind) => kind.as_str(),
            TargetKind::Job(JobKind::CronJob) => "CronJob",
        }
    }
}

impl From<WorkloadKind> for TargetKind {
    fn from(kind: WorkloadKind) -> TargetKind {
        TargetKind::Workload(kind)
    }
}

impl fmt::Display for TargetKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// The exact object that will be written. Another uid, generation or spec means that the world moved. With an `autoscaler`, that is
/// what is written, and what these three are of; kind and name are then the workload that it scales. Of a CronJob nothing is written:
/// what its template was then is made into a Job.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Target {
    pub cluster: String,
    pub namespace: String,
    pub kind: TargetKind,
    pub name: String,
    pub uid: String,
    pub generation: i64,
    pub spec_hash: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub autoscaler: Option<String>,
    /// An autoscaler owns the number of replicas, which this write leaves alone: another number does not mean that the world moved.
    #[serde(default, skip_serializing_if = "is_false")]
    pub replicas_float: bool,
    /// What the API server said, in the dry run, that the write would make of the spec.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub spec_hash_after: Option<String>,
}

fn is_false(flag: &bool) -> bool {
    !flag
}

impl Target {
    /// The hash of an object's spec as this target has it.
    pub fn hash_of(&self, object: &Value) -> String {
        if self.replicas_float { spec_hash(&without_replicas(object)) } else { spec_hash(object) }
    }

    /// The workload that rolls out. None: a Job runs.
    pub fn workload(&self) -> Option<WorkloadKey> {
        let TargetKind::Workload(kind) = self.kind else { return None };
        Some(WorkloadKey { kind, namespace: self.namespace.clone(), name: self.name.clone() })
    }

    /// What is written, in words.
    pub fn in_words(&self) -> &'static str {
        match (&self.autoscaler, self.kind) {
            (Some(_), _) => "the autoscaler",
            (None, TargetKind::Workload(_)) => "the workload",
            (None, TargetKind::Job(_)) => "the CronJob",
        }
    }
}

fn without_replicas(object: &Value) -> Value {
    let mut object = object.clone();
    if let Some(spec) = object.get_mut("spec").and_then(Value::as_object_mut) {
        spec.remove("replicas");
    }
    object
}
