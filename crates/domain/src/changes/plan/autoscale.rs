//! Autoscale: other bounds for the autoscaler that owns the number of replicas. It is the autoscaler that is written; the number
//! follows when its controller looks the next time.

use super::{Facts, Live, Made, Refusal, RefusalCode, Word, artifact, desired_now, managed, pass, uid, warn};
use crate::changes::{Bounds, Patch, PatchKind};
use crate::clusters::Manager;
use crate::words::are;
use serde_json::{Value, json};

/// A HorizontalPodAutoscaler read from its cluster just now.
#[derive(Clone, Debug)]
pub struct Scaler {
    /// The whole object, as the API server gave it.
    pub object: Value,
    pub managed_by: Option<Manager>,
}

impl Scaler {
    pub fn name(&self) -> &str {
        self.object.pointer("/metadata/name").and_then(Value::as_str).unwrap_or_default()
    }

    /// Without `minReplicas` it is 1 (autoscaling/v2).
    pub fn bounds(&self) -> Bounds {
        bounds(&self.object)
    }
}

/// Those of an autoscaler's spec.
pub fn bounds(object: &Value) -> Bounds {
    let number = |field: &str| object.pointer(field).and_then(Value::as_i64);
    Bounds { min: number("/spec/minReplicas").unwrap_or(1), max: number("/spec/maxReplicas").unwrap_or_default() }
}

pub(super) fn autoscale(facts: &Facts, target: &Live, wanted: Bounds) -> Result<Made, Refusal> {
    let (title, env) = (&facts.component.title, &facts.environment.title);
    let Some(scaler) = &facts.scaler else {
        let why = format!("No autoscaler has {title} in {env} as its target: scale it instead.");
        return Err(Refusal::new(RefusalCode::NoAutoscaler, why));
    };
    let name = scaler.name();
    managed(&scaler.managed_by, &format!("The autoscaler {name} in {env}"))?;
    let (had, replicas) = (scaler.bounds(), desired_now(target));
    if had == wanted {
        let why = format!("The autoscaler {name} keeps {title} in {env} between {} and {} replicas already.", had.min, had.max);
        return Err(Refusal::new(RefusalCode::AlreadyRunning, why));
    }
    let desired = replicas.clamp(wanted.min, wanted.max);
    Ok(Made {
        summary: format!("Autoscale {title} in {env}, {had} becomes {wanted}"),
        from: artifact(target),
        to: artifact(target),
        patch: Patch {
            kind: PatchKind::StrategicMerge,
            body: json!({
                "metadata": {"uid": uid(&scaler.object)},
                "spec": {"minReplicas": wanted.min, "maxReplicas": wanted.max},
            }),
        },
        desired,
        words: vec![
            Word { what: "Bounds".into(), text: format!("{had} replicas → {wanted}") },
            Word { what: "Replicas".into(), text: follows(replicas, desired) },
            Word { what: "Image".into(), text: format!("Stays at {}", artifact(target).version()) },
        ],
        gates: vec![
            enough(facts, wanted),
            pass(
                "target",
                "Target is as planned",
                format!("HorizontalPodAutoscaler {name}, which scales {}", facts.component.workload.name),
            ),
            pass("gitops", "Not managed elsewhere", "No GitOps tool owns this workload or its autoscaler".into()),
        ],
        approval: facts.environment.approval.clone(),
        source: None,
        to_revision: None,
    })
}

fn follows(replicas: i64, desired: i64) -> String {
    match replicas == desired {
        true => format!("{replicas} now, within the new bounds: the autoscaler chooses"),
        false => format!("{replicas} → {desired} when the autoscaler looks the next time; from there it chooses"),
    }
}

/// Fewer than declared is allowed, and said.
fn enough(facts: &Facts, wanted: Bounds) -> super::Gate {
    match facts.component.replicas {
        Some(declared) if wanted.max < declared => {
            warn("replicas", "Fewer than declared", format!("{declared} {} declared for {}", are(declared), facts.component.title))
        }
        Some(declared) => pass("replicas", "As many as declared can run", format!("{declared} {} declared", are(declared))),
        None => pass("replicas", "Some will serve", "No number is declared".into()),
    }
}
