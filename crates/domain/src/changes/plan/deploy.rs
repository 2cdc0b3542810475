//! Deploy: an image by its digest, as a build has pushed it. Only where releases begin: what is promoted to is not deployed to.

use super::notes::{Notes, counts};
use super::promote::not_on_hold;
use super::{
    Artifact, Facts, Live, Made, Refusal, RefusalCode, Word, artifact, desired_now, generation, not_held_up, not_paused, pass,
    replicas_stay, uid, warn,
};
use crate::changes::{Patch, PatchKind};
use crate::releases::ImageRef;
use serde_json::json;

pub(super) fn deploy(facts: &Facts, target: &Live, image: &ImageRef) -> Result<Made, Refusal> {
    let (title, env) = (&facts.component.title, &facts.environment);
    if let Some(from) = &env.promote_from {
        let why = format!("{} is promoted from {from}: what has not run there is not deployed here.", env.title);
        return Err(Refusal::new(RefusalCode::PromotionPathUnknown, why));
    }
    let digest = image.digest.clone().ok_or_else(|| {
        let why = format!("`{image}` names no digest: a tag can be moved. Expected repository:tag@sha256:…");
        Refusal::new(RefusalCode::DigestUnknown, why)
    })?;
    let to = Artifact { image: image.to_string(), digest: Some(digest) };
    let from = artifact(target);
    if from.digest == to.digest {
        return Err(Refusal::new(RefusalCode::AlreadyRunning, format!("{} already runs {} with this digest.", env.title, to.version())));
    }
    not_on_hold(facts, &to)?;
    not_paused(facts, target)?;
    not_held_up(facts)?;
    let mut body = json!({
        "metadata": {"uid": uid(&target.object)},
        "spec": {"template": {"spec": {"containers": [{"name": target.container, "image": to.image}]}}},
    });
    Notes::by(facts.authors.as_deref()).write(target, image.tag.as_deref(), &mut body);
    let others: Vec<Word> = target
        .companions
        .iter()
        .map(|one| Word { what: "Container".into(), text: format!("`{}` stays: a deployment is of the main container", one.name) })
        .collect();
    let unnoted = facts.authors.is_some() && !counts(target, image.tag.as_deref());
    let unnoted = unnoted.then(|| {
        let why = "Its pods carry no version label, or it has no tag that can be one: a promotion of it will not know who wrote it";
        warn("notes", "Its authors are not noted", why.into())
    });
    let gates = vec![
        same_repository(&from, image),
        pass("target", "Target is as planned", format!("Generation {}", generation(&target.object))),
        pass("gitops", "Not managed elsewhere", "No GitOps tool owns this workload".into()),
        pass("hold", "No hold on this release", format!("{} was not rolled back here", to.version())),
    ];
    let mut words = vec![Word { what: "Image".into(), text: format!("{} → {}, by its digest", from.version(), to.version()) }];
    words.extend(others);
    words.push(replicas_stay(target));
    Ok(Made {
        summary: format!("Deploy {title} {} to {}", to.version(), env.title),
        patch: Patch { kind: PatchKind::StrategicMerge, body },
        desired: desired_now(target),
        words,
        gates: gates.into_iter().chain(unnoted).collect(),
        approval: env.approval.clone(),
        from,
        to,
        source: None,
        to_revision: None,
    })
}

/// Another repository may be a move, or somebody's mistake: it is said.
fn same_repository(from: &Artifact, image: &ImageRef) -> super::Gate {
    match ImageRef::parse(&from.image) {
        Some(now) if now.repository != image.repository => {
            warn("repository", "Another repository", format!("{} runs now; this is from {}", now.repository, image.repository))
        }
        _ => pass("repository", "The same repository", image.repository.clone()),
    }
}
