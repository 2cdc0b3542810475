//! Promote: the image digest that runs healthy in the source, with those of its companions, and nothing else of it.

use super::companions::{Moved, left_behind, moved};
use super::notes::Notes;
use super::{
    Artifact, Facts, Live, Made, Refusal, RefusalCode, Word, artifact, desired_now, generation, not_held_up, not_paused, pass,
    replicas_stay, uid,
};
use crate::catalog::Environment;
use crate::changes::{Patch, PatchKind};
use crate::clusters::CellState;
use crate::releases::ImageRef;
use crate::words::count;
use serde_json::{Value, json};

pub(super) fn promote(facts: &Facts, target: &Live) -> Result<Made, Refusal> {
    let (source_env, source) = healthy_source(facts)?;
    let digest = source.digest.clone().ok_or_else(|| {
        let why =
            format!("The pods in {} do not all name one image digest, so it is not certain what would be promoted.", source_env.title);
        Refusal::new(RefusalCode::DigestUnknown, why)
    })?;
    let image = ImageRef::parse(&source.image).ok_or_else(|| {
        Refusal::new(RefusalCode::DigestUnknown, format!("`{}` in {} is not an image reference.", source.image, source_env.title))
    })?;
    let to = Artifact { image: image.pinned(&digest), digest: Some(digest) };
    let from = artifact(target);
    let others = moved(facts, source, &source_env.title, target)?;
    if from.digest == to.digest && others.iter().all(Moved::is_there_already) {
        let why = format!("{} already runs {} with this digest.", facts.environment.title, to.version());
        return Err(Refusal::new(RefusalCode::AlreadyRunning, why));
    }
    not_on_hold(facts, &to)?;
    not_paused(facts, target)?;
    not_held_up(facts)?;
    let patch =
        Patch { kind: PatchKind::StrategicMerge, body: promotion_patch(target, &to, (image.tag.as_deref(), &Notes::of(source)), &others) };
    let healthy_for = source.since.map(|since| crate::time::span(facts.now.seconds_since(since)));
    let mut words = vec![Word {
        what: "Image".into(),
        text: match healthy_for {
            Some(span) => {
                format!("{} → {}, the digest that has run healthy in {} for {span}", from.version(), to.version(), source_env.title)
            }
            None => format!("{} → {}, the digest that runs healthy in {}", from.version(), to.version(), source_env.title),
        },
    }];
    words.extend(others.iter().map(Moved::word));
    words.extend(left_behind(facts, source, &source_env.title, target));
    words.extend(configuration_words(source, target, &source_env.title));
    words.push(replicas_stay(target));
    let gates = vec![
        pass("source", "Source is healthy", format!("{}, all pods ready on one digest", source_env.title)),
        pass("target", "Target is as planned", format!("Generation {}", generation(&target.object))),
        pass("gitops", "Not managed elsewhere", "No GitOps tool owns this workload".into()),
        pass("hold", "No hold on this release", format!("{} was not rolled back here", to.version())),
    ];
    let approval = facts.environment.approval.clone();
    let summary = format!("Promote {} {} to {}", facts.component.title, to.version(), facts.environment.title);
    let source = Some(source_env.name.clone());
    Ok(Made { summary, from, to, patch, desired: desired_now(target), words, gates, approval, source, to_revision: None })
}

/// The images, and what is noted of the release where the pods carry its version; everything else stays.
fn promotion_patch(target: &Live, to: &Artifact, (tag, notes): (Option<&str>, &Notes), others: &[Moved]) -> Value {
    let mut body = json!({
        "metadata": {"uid": uid(&target.object)},
        "spec": {"template": {"spec": {"containers": [{"name": target.container, "image": to.image}]}}},
    });
    others.iter().for_each(|other| other.patch(&mut body["spec"]["template"]["spec"]));
    notes.write(target, tag, &mut body);
    body
}

fn healthy_source(facts: &Facts) -> Result<(&Environment, &Live), Refusal> {
    let Some((env, live)) = &facts.source else {
        let why = format!("{} is not promoted from there.", facts.environment.title);
        return Err(Refusal::new(RefusalCode::PromotionPathUnknown, why));
    };
    let live = live.as_ref().ok_or_else(|| {
        Refusal::new(
            RefusalCode::SourceUnverified,
            format!("{} does not run in {}, so there is nothing to promote.", facts.component.title, env.title),
        )
    })?;
    match live.state {
        CellState::Healthy => Ok((env, live)),
        CellState::Unknown | CellState::Absent => {
            Err(Refusal::new(RefusalCode::SourceUnverified, format!("What runs in {} cannot be verified now: {}.", env.title, live.reason)))
        }
        state => {
            let why = format!("{} is {} in {}: {}.", facts.component.title, state.as_str(), env.title, live.reason);
            Err(Refusal::new(RefusalCode::SourceUnhealthy, why))
        }
    }
}

pub(super) fn not_on_hold(facts: &Facts, to: &Artifact) -> Result<(), Refusal> {
    match facts.holds.iter().find(|hold| hold.is_of(to)) {
        None => Ok(()),
        Some(hold) => {
            let why = format!(
                "{} was rolled back in {} by {} and is on hold there. Lift the hold to deploy it again.",
                to.version(),
                facts.environment.title,
                hold.by
            );
            Err(Refusal::new(RefusalCode::ReleaseOnHold, why))
        }
    }
}

/// What stays as it is in the target and differs from the source: environment variables (names only), resources.
fn configuration_words(source: &Live, target: &Live, source_title: &str) -> Vec<Word> {
    let (theirs, ours) = (container_of(source), container_of(target));
    let variables = |container: &Value| -> std::collections::BTreeMap<String, Value> {
        let list = container.get("env").and_then(Value::as_array).cloned().unwrap_or_default();
        list.into_iter().filter_map(|v| Some((v.get("name")?.as_str()?.to_owned(), v))).collect()
    };
    let (their_env, our_env) = (variables(&theirs), variables(&ours));
    let mut names: Vec<_> = their_env.keys().chain(our_env.keys()).collect();
    names.sort();
    names.dedup();
    let different: Vec<&str> = names.iter().filter(|name| their_env.get(**name) != our_env.get(**name)).map(|name| name.as_str()).collect();
    let configuration = match different.as_slice() {
        [] if names.is_empty() => "Stays. Neither side sets variables on the container itself.".to_owned(),
        [] if names.len() == 1 => format!("Stays. Its one variable is as in {source_title}."),
        [] => format!("Stays. All {} variables are as in {source_title}.", names.len()),
        some => format!("Stays. {} of {} not as in {source_title}: {}", some.len(), count(names.len() as i64, "variable"), some.join(", ")),
    };
    let resources = match (theirs.get("resources"), ours.get("resources")) {
        (a, b) if a == b => "Stay as they are, equal to the source".to_owned(),
        _ => format!("Stay as they are; {source_title} has others"),
    };
    vec![Word { what: "Configuration".into(), text: configuration }, Word { what: "Resources".into(), text: resources }]
}

fn container_of(live: &Live) -> Value {
    let containers = live.object.pointer("/spec/template/spec/containers").and_then(Value::as_array);
    let found = containers.and_then(|list| list.iter().find(|c| c.get("name").and_then(Value::as_str) == Some(live.container.as_str())));
    found.cloned().unwrap_or(Value::Null)
}
