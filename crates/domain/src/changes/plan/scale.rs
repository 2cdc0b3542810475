//! Scale: another number of replicas; what they run stays.

use super::{Facts, Live, Made, Refusal, RefusalCode, Word, artifact, desired_now, generation, pass, uid, warn};
use crate::changes::{Patch, PatchKind};
use crate::clusters::WorkloadKind;
use crate::words::{are, count};
use serde_json::json;

pub(super) fn scale(facts: &Facts, target: &Live, replicas: i64) -> Result<Made, Refusal> {
    let (title, env) = (&facts.component.title, &facts.environment.title);
    if facts.component.workload.kind == WorkloadKind::DaemonSet {
        let why = format!("{title} is a DaemonSet: it has one pod on each of its nodes, and no number of replicas.");
        return Err(Refusal::new(RefusalCode::KindNotSupported, why));
    }
    if let Some(scaler) = &facts.autoscaler {
        let why = format!(
            "The autoscaler {} keeps {title} in {env} between {} and {} replicas and would undo this: change its bounds instead.",
            scaler.name, scaler.min, scaler.max
        );
        return Err(Refusal::new(RefusalCode::ScaledByAutoscaler, why));
    }
    let now = desired_now(target);
    if now == replicas {
        return Err(Refusal::new(RefusalCode::AlreadyRunning, format!("{title} in {env} has {} already.", count(replicas, "replica"))));
    }
    Ok(Made {
        summary: format!("Scale {title} in {env}, {now} to {replicas}"),
        from: artifact(target),
        to: artifact(target),
        patch: Patch {
            kind: PatchKind::StrategicMerge,
            body: json!({"metadata": {"uid": uid(&target.object)}, "spec": {"replicas": replicas}}),
        },
        desired: replicas,
        words: vec![
            Word { what: "Replicas".into(), text: format!("{now} → {replicas}") },
            Word { what: "Image".into(), text: format!("Stays at {}", artifact(target).version()) },
        ],
        gates: vec![
            enough(facts, replicas),
            pass("target", "Target is as planned", format!("Generation {}", generation(&target.object))),
            pass("autoscaler", "No autoscaler", "No HorizontalPodAutoscaler has this workload as its target".into()),
            pass("gitops", "Not managed elsewhere", "No GitOps tool owns this workload".into()),
        ],
        approval: facts.environment.approval.clone(),
        source: None,
        to_revision: None,
    })
}

/// Fewer than declared is allowed, and said.
fn enough(facts: &Facts, replicas: i64) -> super::Gate {
    match facts.component.replicas {
        _ if replicas == 0 => warn("replicas", "Nothing will serve", "With 0 replicas no pod runs".into()),
        Some(declared) if replicas < declared => {
            warn("replicas", "Fewer than declared", format!("{declared} {} declared for {}", are(declared), facts.component.title))
        }
        Some(declared) => pass("replicas", "As many as declared", format!("{declared} {} declared", are(declared))),
        None => pass("replicas", "Some will serve", "No number is declared".into()),
    }
}
