//! Unblock: the deletion of the one pod that holds up a StatefulSet. Its controller replaces pods in order and waits for each to
//! become ready, so a broken pod of an earlier revision is waited for in vain, whatever the spec says by now (Kubernetes,
//! "StatefulSets", forced rollback). Nothing else brings the set on, and only that pod may be deleted this way.

use super::{Facts, Live, Made, Refusal, RefusalCode, Word, artifact, desired_now, generation, not_paused, pass, replicas_stay, warn};
use crate::changes::{Patch, PatchKind};
use crate::clusters::{PodSaid, WorkloadKind};
use serde_json::json;

/// A pod that holds up its set, read from the cluster just now.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Blocker {
    pub uid: String,
    pub said: PodSaid,
}

pub(super) fn unblock(facts: &Facts, target: &Live, pod: &str) -> Result<Made, Refusal> {
    let (title, env) = (&facts.component.title, &facts.environment.title);
    if facts.component.workload.kind != WorkloadKind::StatefulSet {
        let why = format!("{title} is a {}: its pods do not wait for each other.", facts.component.workload.kind);
        return Err(Refusal::new(RefusalCode::KindNotSupported, why));
    }
    not_paused(facts, target)?;
    let blocker = facts.blocker.as_ref().filter(|blocker| blocker.said.pod == pod).ok_or_else(|| {
        let why = format!("{pod} does not hold up {title} in {env}: it is gone, it runs, or it is of the present revision.");
        Refusal::new(RefusalCode::NotBlocked, why)
    })?;
    let said = &blocker.said;
    Ok(Made {
        summary: format!("Unblock {title} in {env}: delete pod {pod}"),
        from: artifact(target),
        to: artifact(target),
        patch: Patch {
            kind: PatchKind::DeletePod,
            body: json!({"pod": pod, "options": {"kind": "DeleteOptions", "apiVersion": "v1", "preconditions": {"uid": blocker.uid}}}),
        },
        desired: desired_now(target),
        words: vec![
            Word { what: "Pod".into(), text: format!("{pod} is deleted, and made anew from the present template") },
            Word {
                what: "Why".into(),
                text: format!("It is of an earlier revision and does not become ready: {}: {}", said.reason, said.message),
            },
            Word { what: "Volumes".into(), text: "Claims stay: the new pod takes them over. What is in emptyDir goes".into() },
            Word { what: "Image".into(), text: format!("Becomes {}, as the spec says already", artifact(target).version()) },
            replicas_stay(target),
        ],
        gates: vec![
            pass("blocker", "This pod holds up the set", format!("{} waits for it to become ready", facts.component.workload.name)),
            warn("data", "All of it ends", format!("Of its containers {} fails; what others of this pod still do ends too", failing(said))),
            pass("target", "Target is as planned", format!("Generation {}", generation(&target.object))),
            pass("gitops", "Not managed elsewhere", "No GitOps tool owns this workload".into()),
        ],
        approval: facts.environment.approval.clone(),
        source: None,
        to_revision: None,
    })
}

/// A pod that could not be placed names no container.
fn failing(said: &PodSaid) -> &str {
    if said.container.is_empty() { "the first" } else { &said.container }
}
