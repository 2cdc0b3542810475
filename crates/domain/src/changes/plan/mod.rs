//! From facts to a plan, or to a refusal with its reason. A plan is immutable and leaves no choice to whoever executes it:
//! exact object, exact patch, exact digest, whose votes it needs, until when. One file for each kind of change.

mod autoscale;
mod companions;
mod deploy;
mod gate;
mod notes;
mod policy;
mod promote;
mod refusal;
mod restart;
mod restored;
mod rollback;
mod run_job;
mod scale;
mod target;
mod unblock;

pub use autoscale::{Scaler, bounds};
pub use companions::Companion;
pub use gate::Gate;
use gate::{fail, pass, warn};
pub use notes::{AUTHOR_NOTE, COMMIT_NOTE, VERSION_LABEL};
pub use policy::open_now;
use policy::{commit_authors, open, open_in};
pub use refusal::{Refusal, RefusalCode};
pub use restored::{CONFIG_CHANGED, ConfigThen, IRREVERSIBLE_ANNOTATION, Kept, Since};
pub use run_job::{JobFacts, KEPT_S, run_job, runs_already};
pub use target::{Target, TargetKind};
pub use unblock::Blocker;

use super::config::{ConfigWrite, config_hash};
use super::diff::{Diff, diff};
use super::freeze::Freeze;
use super::write::{Patch, PatchKind};
use super::{Bounds, Carriage, Hold, Kind, Request, cron_job_of};
use crate::Time;
use crate::catalog::{Approval, Component, Environment};
use crate::clusters::{Autoscaler, CellState, Manager};
use crate::releases::{DeploymentRecord, ImageRef, same_artifact};
use serde::{Deserialize, Serialize};
use serde_json::Value;

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
    /// Those that the component names and that are there.
    pub companions: Vec<Companion>,
    pub since: Option<Time>,
    pub managed_by: Option<Manager>,
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
    /// Of a rollback: what was deployed after that record, the newest first.
    pub since: Vec<Since>,
    /// Of a rollback: the ConfigMaps of that record. None: nobody wrote them down.
    pub config: Option<Vec<ConfigThen>>,
    pub holds: Vec<Hold>,
    /// The autoscaler that owns the target's number of replicas.
    pub autoscaler: Option<Autoscaler>,
    /// The same, read just now to be written.
    pub scaler: Option<Scaler>,
    /// The pod that holds up a StatefulSet.
    pub blocker: Option<Blocker>,
    /// Those that nobody has lifted.
    pub freezes: Vec<Freeze>,
    /// Asked by somebody who may break the glass and means to: a closed environment is no reason to refuse.
    pub break_glass: bool,
    /// Who wrote the commits of the release; of a Deploy, as whoever asks says. None: nobody knows.
    pub authors: Option<Vec<String>>,
    /// The version of the policy: SHA-256 of the configuration.
    pub policy_version: String,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
pub struct Artifact {
    pub image: String,
    pub digest: Option<String>,
}

impl Artifact {
    /// By digest where both are known, else by what they are called.
    pub fn is_same(&self, other: &Artifact) -> bool {
        self == other || same_artifact((&self.image, self.digest.as_deref()), (&other.image, other.digest.as_deref()))
    }

    pub fn version(&self) -> String {
        ImageRef::parse(&self.image).map_or_else(|| self.image.clone(), |image| image.version())
    }
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
    /// Of a RunJob: `cronjob/devmatrix-backup`.
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
    /// Of a Scale: how many there were.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub scaled_from: Option<i64>,
    /// Of an Autoscale: which bounds there were.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub bounds_from: Option<Bounds>,
    /// Its place, when it goes together with others.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub train: Option<Carriage>,
    /// Of a rollback with its configuration: the ConfigMaps that are written before the workload, in this order.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub config: Vec<ConfigWrite>,
    pub patch: Patch,
    pub words: Vec<Word>,
    pub diff: Diff,
    pub gates: Vec<Gate>,
    pub approval: Option<Approval>,
    /// Who wrote the commits of the release, as far as it is known.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub authors: Option<Vec<String>>,
    pub policy_version: String,
    pub made_at: Time,
    pub valid_until: Time,
}

impl Plan {
    /// The CronJob that a Job is run from. None: it is a component's.
    pub fn cron_job(&self) -> Option<&str> {
        cron_job_of(&self.component)
    }

    /// Of an Autoscale: which bounds there shall be.
    pub fn bounds_to(&self) -> Option<Bounds> {
        let spec = self.patch.body.get("spec").filter(|_| self.kind == Kind::Autoscale)?;
        Some(Bounds { min: spec["minReplicas"].as_i64()?, max: spec["maxReplicas"].as_i64()? })
    }

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

    /// The ConfigMaps to show the API server too, each as a dry run of its body.
    pub fn config(&self) -> &[ConfigWrite] {
        &self.plan.config
    }

    /// `after`: what the dry run answered. What is written down must be what comes of it.
    pub fn config_agrees(&self, write: &ConfigWrite, after: &Value) -> Result<(), Refusal> {
        if config_hash(after) == write.hash_after {
            return Ok(());
        }
        let why = format!(
            "The cluster would make something else of ConfigMap {} than was written down: an admission webhook alters it.",
            write.name
        );
        Err(Refusal::new(RefusalCode::DryRunRejected, why))
    }

    /// The finished plan: `after` is the object that the dry run answered.
    pub fn with_dry_run(mut self, after: &Value) -> Plan {
        match self.plan.patch.kind {
            // What it answers is the pod that goes: of the workload nothing changes.
            PatchKind::DeletePod => {}
            PatchKind::CreateJob => self.plan.diff = diff(&self.before, &run_job::shown(after.clone())),
            PatchKind::StrategicMerge | PatchKind::Json => {
                self.plan.diff = diff(&self.before, after);
                self.plan.target.spec_hash_after = Some(self.plan.target.hash_of(after));
            }
        }
        self.plan
    }
}

/// Decides. Nothing is read here: the same facts and request always give the same draft.
pub fn draft(facts: &Facts, request: &Request) -> Result<Draft, Refusal> {
    let open = open(facts, request.kind())?;
    let target = live_target(facts)?;
    let made = match request {
        Request::Promote { .. } => promote::promote(facts, target),
        Request::Rollback { to_revision, restore_config, .. } => rollback::rollback(facts, target, *to_revision, *restore_config),
        Request::Scale { replicas, .. } => scale::scale(facts, target, *replicas),
        Request::Restart { .. } => restart::restart(facts, target),
        Request::Deploy { image, .. } => deploy::deploy(facts, target, image),
        Request::Unblock { pod, .. } => unblock::unblock(facts, target, pod.as_str()),
        Request::Autoscale { bounds, .. } => autoscale::autoscale(facts, target, *bounds),
        Request::RunJob { .. } => Err(Refusal::new(RefusalCode::KindNotSupported, "A Job is of a CronJob, and of no component.")),
    }?;
    let mut draft = finish(facts, request, target, made, open);
    if let Request::Rollback { restore_config: true, .. } = request {
        draft.plan.config = restored::writes(facts)?;
    }
    Ok(draft)
}

/// The target as it is, where it may be changed at all.
fn live_target(facts: &Facts) -> Result<&Live, Refusal> {
    let (workload, env) = (&facts.component.workload, &facts.environment);
    let missing = || {
        Refusal::new(
            RefusalCode::WorkloadMissing,
            format!("There is no {} {} in {} ({}).", workload.kind, workload.name, env.namespace, env.title),
        )
    };
    let target = facts.target.as_ref().ok_or_else(missing)?;
    managed(&target.managed_by, &format!("{} in {}", workload.name, env.title))?;
    Ok(target)
}

/// What a GitOps tool owns is changed there.
fn managed(by: &Option<Manager>, what: &str) -> Result<(), Refusal> {
    let Some(Manager { tool, gitops: true }) = by else { return Ok(()) };
    let why = format!("{what} is managed by {tool}: change it there, or {tool} would undo it.");
    Err(Refusal::new(RefusalCode::ManagedByGitops, why))
}

/// What is written to a paused workload waits, and nobody sees that it does. (kubectl refuses undo and restart of one too.)
fn not_paused(facts: &Facts, target: &Live) -> Result<(), Refusal> {
    if target.object.pointer("/spec/paused") != Some(&Value::Bool(true)) {
        return Ok(());
    }
    let (name, env) = (&facts.component.workload.name, &facts.environment.title);
    Err(Refusal::new(RefusalCode::WorkloadPaused, format!("Rollouts of {name} in {env} are paused: resume it with kubectl first.")))
}

/// A StatefulSet that waits for a broken pod of an earlier revision takes up no other one.
fn not_held_up(facts: &Facts) -> Result<(), Refusal> {
    let Some(blocker) = &facts.blocker else { return Ok(()) };
    let (pod, env) = (&blocker.said.pod, &facts.environment.title);
    let why = format!("{pod} holds up {} in {env}: {}. Unblock it first.", facts.component.title, blocker.said.reason);
    Err(Refusal::new(RefusalCode::HeldUp, why))
}

/// What a kind decides; the rest of a plan is the same for all kinds.
struct Made {
    /// `Promote API server 1.43.1 to Production East`
    summary: String,
    from: Artifact,
    to: Artifact,
    patch: Patch,
    /// How many pods it should have afterwards.
    desired: i64,
    words: Vec<Word>,
    gates: Vec<Gate>,
    approval: Option<Approval>,
    source: Option<String>,
    to_revision: Option<i64>,
}

/// A plan that needs no votes is executed at once; this is how long it may wait in the queue, in seconds.
const UNATTENDED_S: i64 = 3600;

fn finish(facts: &Facts, request: &Request, target: &Live, made: Made, open: Gate) -> Draft {
    let (component, env) = (&facts.component, &facts.environment);
    let made_at = facts.now.whole_seconds();
    // What is written: the workload, or what scales it.
    let scaler = facts.scaler.as_ref().filter(|_| request.kind() == Kind::Autoscale);
    let written = scaler.map_or(&target.object, |scaler| &scaler.object);
    let replicas_float = facts.autoscaler.is_some() && request.kind().makes_revision();
    let mut place = Target {
        cluster: env.cluster.clone(),
        namespace: env.namespace.clone(),
        kind: component.workload.kind.into(),
        name: component.workload.name.clone(),
        uid: uid(written),
        generation: generation(written),
        spec_hash: String::new(),
        autoscaler: scaler.map(|scaler| scaler.name().to_owned()),
        replicas_float,
        spec_hash_after: None,
    };
    place.spec_hash = place.hash_of(written);
    let mut words = made.words;
    words.push(Word { what: "Target".into(), text: place_words(&place, &facts.cluster_title) });
    let authors_gate = made.approval.as_ref().and_then(|approval| commit_authors(facts, request.kind(), approval));
    let plan = Plan {
        kind: request.kind(),
        component: component.name.clone(),
        environment: env.name.clone(),
        source: made.source,
        to_revision: made.to_revision,
        requester: facts.requester.clone(),
        reason: request.reason().to_owned(),
        summary: made.summary,
        target: place,
        container: target.container.clone(),
        from: made.from,
        to: made.to,
        desired: made.desired,
        scaled_from: (request.kind() == Kind::Scale).then(|| desired_now(target)),
        bounds_from: scaler.map(Scaler::bounds),
        train: None,
        config: Vec::new(),
        patch: made.patch,
        words,
        diff: Diff::default(),
        gates: made.gates.into_iter().chain([open]).chain(authors_gate).chain(owned_by_helm(target)).collect(),
        valid_until: made_at.plus_seconds(made.approval.as_ref().map_or(UNATTENDED_S, |approval| approval.expires_s)),
        approval: made.approval,
        authors: facts.authors.clone(),
        policy_version: facts.policy_version.clone(),
        made_at,
    };
    Draft { plan, before: written.clone() }
}

fn place_words(place: &Target, cluster_title: &str) -> String {
    let kind = place.kind.as_str().to_lowercase();
    if let Some(scaler) = &place.autoscaler {
        return format!("horizontalpodautoscaler/{scaler}, which scales {kind}/{} in {}, {cluster_title}", place.name, place.namespace);
    }
    format!("{kind}/{} in {}, {cluster_title}, generation {}", place.name, place.namespace, place.generation)
}

/// Helm writes only when somebody runs it, so it does not forbid; its next upgrade may.
fn owned_by_helm(target: &Live) -> Option<Gate> {
    let Manager { tool, .. } = target.managed_by.as_ref()?;
    Some(warn("manager", "Installed by another tool", format!("{tool} owns this workload: its next upgrade may undo this")))
}

/// How many pods a workload asks for now; a DaemonSet, as many as there are nodes for it.
fn desired_now(target: &Live) -> i64 {
    let (spec, status) = (target.object.pointer("/spec/replicas"), target.object.pointer("/status/desiredNumberScheduled"));
    spec.or(status).and_then(Value::as_i64).unwrap_or(1)
}

fn replicas_stay(target: &Live) -> Word {
    Word { what: "Replicas".into(), text: format!("Stay at {}", desired_now(target)) }
}

fn artifact(live: &Live) -> Artifact {
    Artifact { image: live.image.clone(), digest: live.digest.clone() }
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
