//! From facts to a plan, or to a refusal with its reason. A plan is immutable and leaves no choice to whoever executes it:
//! exact object, exact patch, exact digest, whose votes it needs, until when.

use super::diff::{Diff, diff};
use super::write::{Patch, PatchKind};
use super::{Hold, Kind, Request};
use crate::Time;
use crate::catalog::{Approval, Component, Environment};
use crate::clusters::{CellState, WorkloadKind};
use crate::releases::{DeploymentRecord, ImageRef};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use std::fmt;

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum RefusalCode {
    SourceUnhealthy,
    SourceUnverified,
    DigestUnknown,
    AlreadyRunning,
    ManagedByGitops,
    ReleaseOnHold,
    RevisionUnknown,
    WorkloadMissing,
    ClusterUnreachable,
    KindNotSupported,
    /// The environment is not promoted from there.
    PromotionPathUnknown,
    /// The API server does not accept the patch: its own words say why.
    DryRunRejected,
    IdempotencyKeyReused,
}

impl RefusalCode {
    pub fn as_str(self) -> &'static str {
        match self {
            RefusalCode::SourceUnhealthy => "source_unhealthy",
            RefusalCode::SourceUnverified => "source_unverified",
            RefusalCode::DigestUnknown => "digest_unknown",
            RefusalCode::AlreadyRunning => "already_running",
            RefusalCode::ManagedByGitops => "managed_by_gitops",
            RefusalCode::ReleaseOnHold => "release_on_hold",
            RefusalCode::RevisionUnknown => "revision_unknown",
            RefusalCode::WorkloadMissing => "workload_missing",
            RefusalCode::ClusterUnreachable => "cluster_unreachable",
            RefusalCode::KindNotSupported => "kind_not_supported",
            RefusalCode::PromotionPathUnknown => "promotion_path_unknown",
            RefusalCode::DryRunRejected => "dry_run_rejected",
            RefusalCode::IdempotencyKeyReused => "idempotency_key_reused",
        }
    }
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Refusal {
    pub code: RefusalCode,
    pub why: String,
}

impl Refusal {
    pub fn new(code: RefusalCode, why: impl Into<String>) -> Refusal {
        Refusal { code, why: why.into() }
    }
}

impl fmt::Display for Refusal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.why)
    }
}

/// A workload read from its cluster just now.
#[derive(Clone, Debug)]
pub struct Live {
    /// The whole object, as the API server gave it.
    pub object: Value,
    pub state: CellState,
    pub reason: String,
    /// What all its ready new pods run, or what the reference pins.
    pub digest: Option<String>,
    pub container: String,
    pub image: String,
    pub since: Option<Time>,
    pub managed_by: Option<String>,
}

/// Everything a plan depends on, gathered by the engine at one moment.
#[derive(Clone, Debug)]
pub struct Facts {
    pub now: Time,
    pub requester: String,
    pub component: Component,
    pub environment: Environment,
    /// `EKS us-east-1`
    pub cluster_title: String,
    /// None: the workload is not there.
    pub target: Option<Live>,
    pub source: Option<(Environment, Option<Live>)>,
    /// The record that a rollback goes to, with its pod template.
    pub record: Option<(DeploymentRecord, Value)>,
    pub holds: Vec<Hold>,
    /// The version of the policy: SHA-256 of the configuration.
    pub policy_version: String,
}

/// The exact object that will be written. Another uid, generation or spec means that the world moved.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Target {
    pub cluster: String,
    pub namespace: String,
    pub kind: WorkloadKind,
    pub name: String,
    pub uid: String,
    pub generation: i64,
    pub spec_hash: String,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
pub struct Artifact {
    pub image: String,
    pub digest: Option<String>,
}

impl Artifact {
    pub fn version(&self) -> String {
        ImageRef::parse(&self.image).map_or_else(|| self.image.clone(), |image| image.version())
    }
}

/// Something that was checked when the plan was made, and is checked again before it is executed.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
pub struct Gate {
    pub name: String,
    pub title: String,
    /// `pass` or `warn`; what does not pass is a refusal, and no plan.
    pub state: String,
    pub detail: String,
}

/// One line of the plan in words.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
pub struct Word {
    pub what: String,
    pub text: String,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Plan {
    pub kind: Kind,
    pub component: String,
    pub environment: String,
    pub source: Option<String>,
    pub to_revision: Option<i64>,
    pub requester: String,
    pub reason: String,
    pub summary: String,
    pub target: Target,
    pub container: String,
    pub from: Artifact,
    pub to: Artifact,
    pub desired: i64,
    pub patch: Patch,
    pub words: Vec<Word>,
    pub diff: Diff,
    pub gates: Vec<Gate>,
    pub approval: Option<Approval>,
    pub policy_version: String,
    pub made_at: Time,
    pub valid_until: Time,
}

impl Plan {
    /// SHA-256 over the canonical JSON of all of it.
    pub fn digest(&self) -> String {
        crate::digest::of(self)
    }
}

/// A plan that has been decided, and not yet been shown to the API server.
#[derive(Clone, Debug)]
pub struct Draft {
    plan: Plan,
    before: Value,
}

impl Draft {
    /// What to send as a server-side dry run.
    pub fn patch(&self) -> &Patch {
        &self.plan.patch
    }

    pub fn target(&self) -> &Target {
        &self.plan.target
    }

    /// The finished plan: `after` is the object that the dry run answered.
    pub fn with_dry_run(mut self, after: &Value) -> Plan {
        self.plan.diff = diff(&self.before, after);
        self.plan
    }
}

/// Decides. Nothing is read here: the same facts and request always give the same draft.
pub fn draft(facts: &Facts, request: &Request) -> Result<Draft, Refusal> {
    if facts.component.workload.kind != WorkloadKind::Deployment {
        let (name, kind) = (&facts.component.title, facts.component.workload.kind);
        return Err(Refusal::new(RefusalCode::KindNotSupported, format!("{name} is a {kind}: only Deployments can be changed so far.")));
    }
    let target = live_target(facts)?;
    match request {
        Request::Promote { .. } => promote(facts, request, target),
        Request::Rollback { to_revision, .. } => rollback(facts, request, target, *to_revision),
    }
}

fn live_target(facts: &Facts) -> Result<&Live, Refusal> {
    let (workload, env) = (&facts.component.workload, &facts.environment);
    let missing = || {
        Refusal::new(
            RefusalCode::WorkloadMissing,
            format!("There is no {} {} in {} ({}).", workload.kind, workload.name, env.namespace, env.title),
        )
    };
    let target = facts.target.as_ref().ok_or_else(missing)?;
    if let Some(tool) = &target.managed_by {
        let why = format!("{} in {} is managed by {tool}: change it there, or {tool} would undo it.", workload.name, env.title);
        return Err(Refusal::new(RefusalCode::ManagedByGitops, why));
    }
    Ok(target)
}

fn promote(facts: &Facts, request: &Request, target: &Live) -> Result<Draft, Refusal> {
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
    if from.digest == to.digest {
        let why = format!("{} already runs {} with this digest.", facts.environment.title, to.version());
        return Err(Refusal::new(RefusalCode::AlreadyRunning, why));
    }
    not_on_hold(facts, &to)?;
    let patch = Patch { kind: PatchKind::StrategicMerge, body: promotion_patch(target, &to, image.tag.as_deref()) };
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
    words.extend(configuration_words(source, target, &source_env.title));
    let gates = vec![
        pass("source", "Source is healthy", format!("{}, all pods ready on one digest", source_env.title)),
        pass("target", "Target is as planned", format!("Generation {}", generation(&target.object))),
        pass("gitops", "Not managed elsewhere", "No GitOps tool owns this workload".into()),
        pass("hold", "No hold on this release", format!("{} was not rolled back here", to.version())),
    ];
    let approval = facts.environment.approval.clone();
    let made = Made { from, to, patch, words, gates, approval, source: Some(source_env.name.clone()), to_revision: None };
    Ok(finish(facts, request, target, made))
}

/// The image, and the recommended label that names its version where the pods carry it; everything else stays.
fn promotion_patch(target: &Live, to: &Artifact, tag: Option<&str>) -> Value {
    let mut body = json!({
        "metadata": {"uid": uid(&target.object)},
        "spec": {"template": {"spec": {"containers": [{"name": target.container, "image": to.image}]}}},
    });
    let labelled = target.object.pointer(&format!("/spec/template/metadata/labels/{}", VERSION_LABEL.replace('/', "~1"))).is_some();
    if let Some(tag) = tag.filter(|tag| labelled && is_label_value(tag)) {
        body["spec"]["template"]["metadata"] = json!({"labels": {VERSION_LABEL: tag}});
    }
    body
}

/// Kubernetes' recommended label: the version of the application.
pub const VERSION_LABEL: &str = "app.kubernetes.io/version";

/// A tag may be longer than a label's 63 characters, and may begin with `_`.
fn is_label_value(tag: &str) -> bool {
    tag.len() <= 63 && [tag.chars().next(), tag.chars().last()].iter().all(|c| c.is_some_and(|c| c.is_ascii_alphanumeric()))
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

fn not_on_hold(facts: &Facts, to: &Artifact) -> Result<(), Refusal> {
    let held = facts.holds.iter().find(|hold| match (&hold.digest, &to.digest) {
        (Some(held), Some(digest)) => held == digest,
        _ => hold.image == to.image,
    });
    match held {
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

fn rollback(facts: &Facts, request: &Request, target: &Live, to_revision: i64) -> Result<Draft, Refusal> {
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
    let patch = Patch {
        kind: PatchKind::Json,
        body: json!([
            {"op": "test", "path": "/metadata/uid", "value": uid(&target.object)},
            {"op": "replace", "path": "/spec/template", "value": template},
        ]),
    };
    let words = vec![
        Word { what: "Image".into(), text: format!("{} → {}, as revision {to_revision} ran it", from.version(), to.version()) },
        Word {
            what: "Restores".into(),
            text: format!("The whole pod template of revision {to_revision}, from {}", record.at.for_people()),
        },
        Word { what: "Afterwards".into(), text: format!("{} is on hold here until a person lifts it", from.version()) },
    ];
    let verdict = match record.outcome {
        crate::releases::RecordOutcome::Failed => {
            warn("revision", "Revision failed before", format!("Revision {to_revision} ended as failed when it was deployed"))
        }
        outcome => pass("revision", "Revision is known", format!("Revision {to_revision}, {}", outcome.as_str())),
    };
    let gates = vec![
        verdict,
        pass("target", "Target is as planned", format!("Generation {}", generation(&target.object))),
        pass("gitops", "Not managed elsewhere", "No GitOps tool owns this workload".into()),
    ];
    let approval = facts.environment.rollback_needs_approval.then(|| facts.environment.approval.clone()).flatten();
    let made = Made { from, to, patch, words, gates, approval, source: None, to_revision: Some(to_revision) };
    Ok(finish(facts, request, target, made))
}

/// What a kind decides; the rest of a plan is the same for all kinds.
struct Made {
    from: Artifact,
    to: Artifact,
    patch: Patch,
    words: Vec<Word>,
    gates: Vec<Gate>,
    approval: Option<Approval>,
    source: Option<String>,
    to_revision: Option<i64>,
}

/// A plan that needs no votes is executed at once; this is how long it may wait in the queue, in seconds.
const UNATTENDED_S: i64 = 3600;

fn finish(facts: &Facts, request: &Request, target: &Live, made: Made) -> Draft {
    let (component, env) = (&facts.component, &facts.environment);
    let verb = match request.kind() {
        Kind::Promote => "Promote",
        Kind::Rollback => "Roll back",
    };
    let made_at = facts.now.whole_seconds();
    let desired = target.object.pointer("/spec/replicas").and_then(Value::as_i64).unwrap_or(1);
    let place = Target {
        cluster: env.cluster.clone(),
        namespace: env.namespace.clone(),
        kind: component.workload.kind,
        name: component.workload.name.clone(),
        uid: uid(&target.object),
        generation: generation(&target.object),
        spec_hash: spec_hash(&target.object),
    };
    let preposition = if request.kind() == Kind::Promote { "to" } else { "in" };
    let summary = match request.kind() {
        Kind::Promote => format!("{verb} {} {} {preposition} {}", component.title, made.to.version(), env.title),
        Kind::Rollback => format!("{verb} {} {preposition} {} to {}", component.title, env.title, made.to.version()),
    };
    let mut words = made.words;
    words.push(Word { what: "Replicas".into(), text: format!("Stay at {desired}") });
    words.push(Word {
        what: "Target".into(),
        text: format!(
            "{}/{} in {}, {}, generation {}",
            place.kind.as_str().to_lowercase(),
            place.name,
            place.namespace,
            facts.cluster_title,
            place.generation
        ),
    });
    let plan = Plan {
        kind: request.kind(),
        component: component.name.clone(),
        environment: env.name.clone(),
        source: made.source,
        to_revision: made.to_revision,
        requester: facts.requester.clone(),
        reason: request.reason().to_owned(),
        summary,
        target: place,
        container: target.container.clone(),
        from: made.from,
        to: made.to,
        desired,
        patch: made.patch,
        words,
        diff: Diff::default(),
        gates: made.gates,
        valid_until: made_at.plus_seconds(made.approval.as_ref().map_or(UNATTENDED_S, |approval| approval.expires_s)),
        approval: made.approval,
        policy_version: facts.policy_version.clone(),
        made_at,
    };
    Draft { plan, before: target.object.clone() }
}

fn artifact(live: &Live) -> Artifact {
    Artifact { image: live.image.clone(), digest: live.digest.clone() }
}

fn pass(name: &str, title: &str, detail: String) -> Gate {
    Gate { name: name.into(), title: title.into(), state: "pass".into(), detail }
}

fn warn(name: &str, title: &str, detail: String) -> Gate {
    Gate { name: name.into(), title: title.into(), state: "warn".into(), detail }
}

fn uid(object: &Value) -> String {
    object.pointer("/metadata/uid").and_then(Value::as_str).unwrap_or_default().to_owned()
}

pub fn generation(object: &Value) -> i64 {
    object.pointer("/metadata/generation").and_then(Value::as_i64).unwrap_or_default()
}

/// SHA-256 of `.spec`: two objects with the same one ask for the same thing.
pub fn spec_hash(object: &Value) -> String {
    crate::digest::of(&object.get("spec").cloned().unwrap_or(Value::Null))
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
        [] => format!("Stays. All {} variables are as in {source_title}.", names.len()),
        some => format!("Stays. {} of {} variables differ from {source_title}: {}", some.len(), names.len(), some.join(", ")),
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
