//! Roll back: the whole pod template of a recorded revision.

use super::restored::{configuration, irreversible, restoration, writes};
use super::{
    Artifact, Facts, Live, Made, Refusal, RefusalCode, Word, artifact, desired_now, generation, not_held_up, not_paused, pass,
    replicas_stay, uid, warn,
};
use crate::changes::{Patch, PatchKind};
use crate::releases::{ImageRef, RecordOutcome};
use serde_json::{Value, json};

pub(super) fn rollback(facts: &Facts, target: &Live, to_revision: i64, restore_config: bool) -> Result<Made, Refusal> {
    let (record, template) = facts.record.as_ref().ok_or_else(|| {
        let why = format!("{} has no revision {to_revision} in {} that could be restored.", facts.component.title, facts.environment.title);
        Refusal::new(RefusalCode::RevisionUnknown, why)
    })?;
    if target.object.pointer("/spec/template") == Some(template) || record.current {
        let why = format!("{} already runs revision {to_revision}.", facts.environment.title);
        return Err(Refusal::new(RefusalCode::AlreadyRunning, why));
    }
    let from = artifact(target);
    let to = Artifact { image: record.image.clone(), digest: record.digest.clone().or_else(|| ImageRef::parse(&record.image)?.digest) };
    not_paused(facts, target)?;
    not_held_up(facts)?;
    let (config, kept) = match restore_config {
        true => restoration(facts.config.as_deref(), &writes(facts)?, to_revision),
        false => configuration(facts.config.as_deref()),
    };
    let mut words = vec![
        Word { what: "Image".into(), text: format!("{} → {}, as revision {to_revision} ran it", from.version(), to.version()) },
        Word {
            what: "Restores".into(),
            text: format!("The whole pod template of revision {to_revision}, from {}", record.at.for_people()),
        },
        afterwards(&from, &to),
        replicas_stay(target),
    ];
    words.extend(kept);
    let verdict = match record.outcome {
        RecordOutcome::Failed => {
            warn("revision", "Revision failed before", format!("Revision {to_revision} ended as failed when it was deployed"))
        }
        outcome => pass("revision", "Revision is known", format!("Revision {to_revision}, {}", outcome.as_str())),
    };
    let mut gates = vec![
        verdict,
        pass("target", "Target is as planned", format!("Generation {}", generation(&target.object))),
        pass("gitops", "Not managed elsewhere", "No GitOps tool owns this workload".into()),
    ];
    gates.extend(config);
    gates.extend(irreversible(&facts.since));
    let approval = facts.environment.rollback_needs_approval.then(|| facts.environment.approval.clone()).flatten();
    let summary = format!("Roll back {} in {} to {}", facts.component.title, facts.environment.title, to.version());
    let (patch, desired) = (restoring(target, template), desired_now(target));
    Ok(Made { summary, from, to, patch, desired, words, gates, approval, source: None, to_revision: Some(to_revision) })
}

fn afterwards(from: &Artifact, to: &Artifact) -> Word {
    let text = match from.is_same(to) {
        true => "Nothing is on hold: the same image goes on, with another template".to_owned(),
        false => format!("{} is on hold here until a person lifts it", from.version()),
    };
    Word { what: "Afterwards".into(), text }
}

fn restoring(target: &Live, template: &Value) -> Patch {
    let body = json!([
        {"op": "test", "path": "/metadata/uid", "value": uid(&target.object)},
        {"op": "replace", "path": "/spec/template", "value": template},
    ]);
    Patch { kind: PatchKind::Json, body }
}
