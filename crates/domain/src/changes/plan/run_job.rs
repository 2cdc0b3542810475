//! Run a Job: what a CronJob's template says, made now and once. The Job's name follows from the change, so that a second try finds the
//! first one's Job; it stays long enough after its end to be found, whatever the template says.
//!
//! Source: kubectl, pkg/cmd/create/create_job.go (`create job --from=cronjob/…`). Other than there the CronJob does not control the Job:
//! its history limits would take it away before anybody has looked.

use super::{
    Artifact, Draft, Gate, Plan, Refusal, RefusalCode, Target, TargetKind, UNATTENDED_S, Word, generation, open_in, pass, spec_hash, uid,
    warn,
};
use crate::Time;
use crate::catalog::Environment;
use crate::changes::diff::Diff;
use crate::changes::freeze::Freeze;
use crate::changes::{Kind, Patch, PatchKind, of_cron_job};
use crate::time::span;
use serde_json::{Value, json};

/// So long a Job stays at least after its end, in seconds: whoever comes back to a write without an answer finds it.
pub const KEPT_S: i64 = 24 * 3600;

/// So long it stays where the template does not say.
const KEPT_ELSE_S: i64 = 7 * KEPT_S;

/// The longest name of a CronJob (Kubernetes: what its controller appends must fit into a label's 63 characters).
const NAME_MAX: usize = 52;

/// kubectl marks what it makes from a CronJob by hand so.
const INSTANTIATE_ANNOTATION: &str = "cronjob.kubernetes.io/instantiate";

/// Everything that a Job's plan depends on.
#[derive(Clone, Debug)]
pub struct JobFacts {
    pub now: Time,
    pub requester: String,
    pub environment: Environment,
    /// `EKS us-east-1`
    pub cluster_title: String,
    pub cron_job: String,
    /// The CronJob as the API server gave it. None: it is not there.
    pub cron: Option<Value>,
    /// Its Jobs that have not ended.
    pub running: Vec<String>,
    pub freezes: Vec<Freeze>,
    pub break_glass: bool,
    /// The version of the policy: SHA-256 of the configuration.
    pub policy_version: String,
}

/// Decides. The same facts always give the same draft.
pub fn run_job(facts: &JobFacts, reason: &str) -> Result<Draft, Refusal> {
    let env = &facts.environment;
    let open = open_in(env, &facts.freezes, facts.break_glass, Kind::RunJob, facts.now)?;
    let cron = facts.cron.as_ref().ok_or_else(|| {
        let why = format!("There is no CronJob {} in {} ({}).", facts.cron_job, env.namespace, env.title);
        Refusal::new(RefusalCode::CronJobMissing, why)
    })?;
    if let Some(why) = runs_already(cron, &facts.running) {
        return Err(Refusal::new(RefusalCode::JobRunning, format!("{why}: wait until it has ended.")));
    }
    let (spec, artifact) = (job_spec(cron), artifact(cron));
    let approval = env.approval.clone();
    let made_at = facts.now.whole_seconds();
    let plan = Plan {
        kind: Kind::RunJob,
        component: of_cron_job(&facts.cron_job),
        environment: env.name.clone(),
        source: None,
        to_revision: None,
        requester: facts.requester.clone(),
        reason: reason.to_owned(),
        summary: format!("Run {} in {}", facts.cron_job, env.title),
        target: Target {
            cluster: env.cluster.clone(),
            namespace: env.namespace.clone(),
            kind: TargetKind::CRON_JOB,
            name: facts.cron_job.clone(),
            uid: uid(cron),
            generation: generation(cron),
            spec_hash: spec_hash(cron),
            autoscaler: None,
            replicas_float: false,
            spec_hash_after: None,
        },
        container: text(cron, "/spec/jobTemplate/spec/template/spec/containers/0/name"),
        from: artifact.clone(),
        to: artifact,
        desired: spec["completions"].as_i64().or(spec["parallelism"].as_i64()).unwrap_or(1),
        scaled_from: None,
        bounds_from: None,
        train: None,
        words: words(facts, cron, &spec),
        config: Vec::new(),
        patch: manifest(facts, cron, spec),
        diff: Diff::default(),
        gates: gates(facts, cron).into_iter().chain([open]).collect(),
        valid_until: made_at.plus_seconds(approval.as_ref().map_or(UNATTENDED_S, |approval| approval.expires_s)),
        approval,
        authors: None,
        policy_version: facts.policy_version.clone(),
        made_at,
    };
    Ok(Draft { plan, before: Value::Null })
}

/// Why no other Job of it may begin now, if so: its runs must not overlap, and one goes on.
pub fn runs_already(cron: &Value, running: &[String]) -> Option<String> {
    let forbids = text(cron, "/spec/concurrencyPolicy") == "Forbid";
    let goes_on = running.first().filter(|_| forbids)?;
    Some(format!("{goes_on} runs, and the CronJob forbids that two run at once"))
}

/// The Job that the API server said it would make, without what is of that try alone: a name at random, and what follows from its uid.
pub(super) fn shown(mut job: Value) -> Value {
    if let Some(metadata) = job["metadata"].as_object_mut() {
        metadata.remove("name");
        metadata.remove("generateName");
    }
    let of_the_try = ["controller-uid", "job-name", "batch.kubernetes.io/controller-uid", "batch.kubernetes.io/job-name"];
    for labels in ["/metadata/labels", "/spec/template/metadata/labels"] {
        if let Some(labels) = job.pointer_mut(labels).and_then(Value::as_object_mut) {
            labels.retain(|key, _| !of_the_try.contains(&key.as_str()));
        }
    }
    if let Some(spec) = job["spec"].as_object_mut() {
        spec.remove("selector");
    }
    job
}

fn job_spec(cron: &Value) -> Value {
    let mut spec = cron.pointer("/spec/jobTemplate/spec").filter(|spec| spec.is_object()).cloned().unwrap_or_else(|| json!({}));
    let kept = spec["ttlSecondsAfterFinished"].as_i64().map_or(KEPT_ELSE_S, |kept| kept.max(KEPT_S));
    spec["ttlSecondsAfterFinished"] = json!(kept);
    spec
}

fn manifest(facts: &JobFacts, cron: &Value, spec: Value) -> Patch {
    let of_template = |field: &str| {
        let map = cron.pointer(&format!("/spec/jobTemplate/metadata/{field}")).and_then(Value::as_object);
        map.cloned().unwrap_or_default()
    };
    let mut annotations = of_template("annotations");
    annotations.insert(INSTANTIATE_ANNOTATION.into(), json!("manual"));
    let prefix: String = facts.cron_job.chars().take(NAME_MAX).collect();
    let body = json!({
        "apiVersion": "batch/v1", "kind": "Job",
        "metadata": {
            // Of the dry run; what is sent has the name of its change.
            "generateName": format!("{}-", prefix.trim_end_matches('.')),
            "labels": of_template("labels"),
            "annotations": annotations,
            "ownerReferences": [{"apiVersion": "batch/v1", "kind": "CronJob", "name": facts.cron_job, "uid": uid(cron)}],
        },
        "spec": spec,
    });
    Patch { kind: PatchKind::CreateJob, body }
}

fn words(facts: &JobFacts, cron: &Value, spec: &Value) -> Vec<Word> {
    let (env, kept) = (&facts.environment, spec["ttlSecondsAfterFinished"].as_i64().unwrap_or_default());
    let asked = cron.pointer("/spec/jobTemplate/spec/ttlSecondsAfterFinished").and_then(Value::as_i64);
    let longer = asked
        .filter(|asked| *asked < kept)
        .map_or(String::new(), |asked| format!(" (the template says {}: it is kept until it is sure to have been seen)", span(asked)));
    let schedule = "Goes on as it is, and does not know of this Job".to_owned();
    let target = format!("cronjob/{} in {}, {}, generation {}", facts.cron_job, env.namespace, facts.cluster_title, generation(cron));
    [
        ("Job", "One, from the CronJob's template as it is now".to_owned()),
        ("Image", artifact(cron).image),
        ("Schedule", schedule),
        ("Afterwards", format!("The Job stays for {} after its end{longer}", span(kept))),
        ("Target", target),
    ]
    .map(|(what, text)| Word { what: what.into(), text })
    .to_vec()
}

fn gates(facts: &JobFacts, cron: &Value) -> Vec<Gate> {
    let mut gates = vec![pass("target", "Target is as planned", format!("Generation {}", generation(cron)))];
    let policy = text(cron, "/spec/concurrencyPolicy");
    gates.push(match facts.running.as_slice() {
        [] if policy == "Forbid" || policy == "Replace" => {
            let detail = format!("Its runs must not overlap ({policy}), and none goes on; its schedule may begin one meanwhile");
            pass("running", "No other run goes on", detail)
        }
        [] => pass("running", "No other run goes on", "None of its Jobs is running".into()),
        running => warn("running", "Another run goes on", format!("{} still: the two run side by side", running.join(", "))),
    });
    if cron.pointer("/spec/suspend") == Some(&Value::Bool(true)) {
        gates.push(warn("suspended", "The schedule is suspended", "Somebody stopped its runs: this one runs all the same".into()));
    }
    gates
}

fn artifact(cron: &Value) -> Artifact {
    let image = text(cron, "/spec/jobTemplate/spec/template/spec/containers/0/image");
    Artifact { digest: crate::releases::ImageRef::parse(&image).and_then(|image| image.digest), image }
}

fn text(object: &Value, pointer: &str) -> String {
    object.pointer(pointer).and_then(Value::as_str).unwrap_or_default().to_owned()
}
