//! Restart: the same pods anew, by the rollout that a mark on the pod template brings about, as `kubectl rollout restart` does
//! it (kubectl, polymorphichelpers/objectrestarter.go).

use super::{Facts, Live, Made, Refusal, Word, artifact, desired_now, generation, not_held_up, not_paused, pass, replicas_stay, uid, warn};
use crate::changes::{Patch, PatchKind};
use serde_json::{Value, json};

/// kubectl's own mark, so that either tool sees what the other one did.
const RESTARTED_AT: &str = "kubectl.kubernetes.io/restartedAt";

pub(super) fn restart(facts: &Facts, target: &Live) -> Result<Made, Refusal> {
    not_paused(facts, target)?;
    not_held_up(facts)?;
    let (title, env) = (&facts.component.title, &facts.environment.title);
    let at = facts.now.whole_seconds().to_string();
    Ok(Made {
        summary: format!("Restart {title} in {env}"),
        from: artifact(target),
        to: artifact(target),
        patch: Patch {
            kind: PatchKind::StrategicMerge,
            body: json!({
                "metadata": {"uid": uid(&target.object)},
                "spec": {"template": {"metadata": {"annotations": {RESTARTED_AT: at}}}},
            }),
        },
        desired: desired_now(target),
        words: vec![
            Word { what: "Pods".into(), text: replaced(desired_now(target)) },
            Word { what: "Image".into(), text: format!("Stays at {}", artifact(target).version()) },
            replicas_stay(target),
        ],
        gates: vec![
            rolls(target),
            pass("target", "Target is as planned", format!("Generation {}", generation(&target.object))),
            pass("gitops", "Not managed elsewhere", "No GitOps tool owns this workload".into()),
        ],
        approval: facts.environment.approval.clone(),
        source: None,
        to_revision: None,
    })
}

fn replaced(pods: i64) -> String {
    match pods {
        1 => "The one pod is replaced".to_owned(),
        pods => format!("All {pods} are replaced, a few at a time"),
    }
}

fn rolls(target: &Live) -> super::Gate {
    let strategy = target.object.pointer("/spec/updateStrategy/type").or_else(|| target.object.pointer("/spec/strategy/type"));
    match strategy.and_then(Value::as_str) {
        Some("OnDelete") => warn("strategy", "Nothing restarts by itself", "OnDelete: a pod restarts when somebody deletes it".into()),
        Some("Recreate") => warn("strategy", "Nothing serves meanwhile", "Recreate: all old pods end before new ones start".into()),
        _ => pass("strategy", "Rolls", "Old pods serve until new ones are ready".into()),
    }
}
