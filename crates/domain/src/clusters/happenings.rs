//! Kubernetes Events: what controllers and kubelets say about a workload, its ReplicaSets and its pods.
//!
//! Invariant: health is never read from them. They are the cluster's words, kept for a while, for people to read; only a rollout
//! that waits for pods which a controller may not make ends by them.

use super::WorkloadKind;
use crate::Time;
use serde::{Deserialize, Serialize};

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
pub struct Happening {
    /// The Event's own name.
    pub id: String,
    /// When it was last said.
    #[schema(value_type = String, format = DateTime)]
    pub at: Time,
    /// When it was said first.
    #[schema(value_type = String, format = DateTime)]
    pub first: Time,
    pub count: i64,
    /// `Normal` or `Warning`.
    #[serde(rename = "type")]
    pub kind: String,
    /// `Unhealthy`, `ScalingReplicaSet`…
    pub reason: String,
    /// `Pod/devmatrix-api-7b9f4d4c9-x2v8p`
    pub object: String,
    pub message: String,
}

impl Happening {
    pub fn is_warning(&self) -> bool {
        self.kind == "Warning"
    }
}

/// Whether an event on this object is about a workload: on itself, on one of its ReplicaSets, or on a pod that one of them made,
/// also on one that is gone. Names tell: a controller names what it makes after itself.
pub fn concerns(kind: WorkloadKind, workload: &str, replica_sets: &[&str], object: &str) -> bool {
    let Some((object_kind, name)) = object.split_once('/') else { return false };
    if object_kind == kind.as_str() {
        return name == workload;
    }
    match (object_kind, kind) {
        ("ReplicaSet", WorkloadKind::Deployment) => replica_sets.contains(&name),
        ("Pod", WorkloadKind::Deployment) => replica_sets.iter().any(|set| suffix(name, set).is_some_and(is_generated)),
        ("Pod", WorkloadKind::StatefulSet) => suffix(name, workload).is_some_and(is_ordinal),
        ("Pod", WorkloadKind::DaemonSet) => suffix(name, workload).is_some_and(is_generated),
        _ => false,
    }
}

fn suffix<'a>(name: &'a str, owner: &str) -> Option<&'a str> {
    name.strip_prefix(owner)?.strip_prefix('-')
}

/// Five characters, of those that Kubernetes generates names from (apimachinery, util/rand): no vowels, no 0, 1, 3.
fn is_generated(text: &str) -> bool {
    text.len() == 5 && text.bytes().all(|c| b"bcdfghjklmnpqrstvwxz2456789".contains(&c))
}

fn is_ordinal(text: &str) -> bool {
    !text.is_empty() && text.len() <= 9 && text.bytes().all(|c| c.is_ascii_digit())
}

/// Pods that the controller tries to make in vain.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Refused {
    /// When it was said first and last.
    pub first: Time,
    pub last: Time,
    /// The API server's own words: the quota, the admission policy.
    pub why: String,
}

/// What a StatefulSet's or DaemonSet's controller says of pods that it may not make. (A Deployment has a condition for it.) Only
/// refusals count: what failed for another reason is tried again.
pub fn refused<'a>(about: &str, since: Time, all: impl IntoIterator<Item = &'a Happening>) -> Option<Refused> {
    let is_refusal = |h: &&Happening| {
        let words = ["is forbidden", "denied the request", "exceeded quota"];
        h.object == about && h.reason == "FailedCreate" && h.at >= since && words.iter().any(|words| h.message.contains(words))
    };
    let mut refusals: Vec<&Happening> = all.into_iter().filter(is_refusal).collect();
    refusals.sort_by_key(|h| h.at);
    let last = refusals.last()?;
    let first = refusals.iter().map(|h| h.first.max(since)).min()?;
    Some(Refused { first, last: last.at, why: last.message.clone() })
}

/// What is known, newest first.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Happenings {
    pub items: Vec<Happening>,
    /// Why nothing newer would be known; empty when all is well.
    pub trouble: String,
    /// Whether that is a right which the portal lacks.
    pub forbidden: bool,
}

#[cfg(test)]
mod tests {
    use super::*;

    fn said(object: &str, reason: &str, message: &str, first: i64, at: i64) -> Happening {
        let text = str::to_owned;
        Happening {
            id: format!("{object}{at}"),
            at: Time(at),
            first: Time(first),
            count: 1,
            kind: text("Warning"),
            reason: text(reason),
            object: text(object),
            message: text(message),
        }
    }

    #[test]
    fn refusals_count_and_other_failures_do_not() {
        let quota = "create Pod db-2 in StatefulSet db failed error: pods \"db-2\" is forbidden: exceeded quota: small";
        let of = |all: &[Happening]| refused("StatefulSet/db", Time(100), all);
        for nothing in [
            said("StatefulSet/db", "FailedCreate", quota, 10, 99),
            said("StatefulSet/db", "SuccessfulCreate", quota, 110, 110),
            said("StatefulSet/other", "FailedCreate", quota, 110, 110),
            said("StatefulSet/db", "FailedCreate", "create Pod db-2 failed error: context deadline exceeded", 110, 110),
        ] {
            assert_eq!(of(std::slice::from_ref(&nothing)), None, "{nothing:?}");
        }
        let hook = "admission webhook \"images.example\" denied the request: unsigned";
        let all = [said("StatefulSet/db", "FailedCreate", hook, 150, 160), said("StatefulSet/db", "FailedCreate", quota, 20, 130)];
        assert_eq!(of(&all), Some(Refused { first: Time(100), last: Time(160), why: hook.into() }));
    }
}
