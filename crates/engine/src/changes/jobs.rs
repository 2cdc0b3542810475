//! Of a Job that is run from a CronJob: the facts of its plan, what forbids it at the last moment, and how it goes. The Job itself is
//! looked at by its name, which follows from the change.

use super::Way;
use super::facts::unreachable;
use crate::Engine;
use crate::clusters::state::{Kind, State};
use crate::clusters::{Cluster, neighbours};
use crate::error::Result;
use domain::access::Allowed;
use domain::catalog::Environment;
use domain::changes::plan::{Draft, JobFacts, generation, run_job, runs_already};
use domain::changes::step::{JobEnd, Present, Ran, Seen, Written};
use domain::changes::{Change, Progress, Refusal, RefusalCode, State as End, Target};
use domain::clusters::{Job, Neighbour, Pod, PodSaid, PodView, Reach, Rollout, failing_pod};
use serde_json::Value;

impl Engine {
    pub(super) async fn job_draft(&self, allowed: Allowed<'_>, environment: &str, cron_job: &str, reason: &str, way: Way) -> Result<Draft> {
        let catalog = self.catalog();
        let environment = catalog.environment(environment)?;
        let cluster = self.cluster_of(environment)?;
        let cron = cluster.cron_job(&environment.namespace, cron_job).await.map_err(|error| unreachable(&cluster, environment, &error))?;
        let facts = JobFacts {
            now: self.now(),
            requester: allowed.person().name.clone(),
            cluster_title: cluster.head().title(),
            cron_job: cron_job.to_owned(),
            running: running(&cluster, environment, cron_job)?,
            cron,
            freezes: self.0.store.open_freezes(self.now()).await?,
            break_glass: way == Way::BreakGlass,
            policy_version: catalog.version.clone(),
            environment: environment.clone(),
        };
        Ok(run_job(&facts, reason)?)
    }

    /// A run that has begun since, where the CronJob forbids a second one. Of its own Job it knows that it is not there.
    pub(super) async fn job_forbidden(&self, change: &Change, environment: &Environment) -> Result<Option<String>> {
        let (cluster, target) = (self.cluster_of(environment)?, &change.plan.target);
        let Some(cron) = cluster.cron_job(&target.namespace, &target.name).await? else { return Ok(None) };
        let own = change.plan.patch.makes(&change.id);
        let mut others = running(&cluster, environment, &target.name)?;
        others.retain(|job| Some(job) != own.as_ref());
        Ok(runs_already(&cron, &others))
    }

    /// How many of its pods are at work or have succeeded, and how many have.
    pub(super) fn job_progress(&self, cluster: &Cluster, change: &Change) -> Progress {
        let state = cluster.state();
        let job = own(&state, change);
        // A Job that completed is taken away one day: what it did stays done.
        let gone = if change.state == End::Succeeded { change.plan.desired } else { 0 };
        let (active, succeeded) = job.map_or((0, gone), |job| (job.active, job.succeeded));
        Progress { desired: change.plan.desired, updated: active + succeeded, ready: succeeded, available: succeeded }
    }

    /// The pods of its Job, newest first; none before that is made, and of a change that runs none.
    pub fn job_pods(&self, change: &Change) -> Vec<PodView> {
        let Ok(cluster) = self.cluster(&change.plan.target.cluster) else { return Vec::new() };
        let state = cluster.state();
        let Some(job) = own(&state, change) else { return Vec::new() };
        let mut views: Vec<_> = state.pods_of(&job.uid).iter().map(|pod| PodView::of(pod, change.plan.to.version())).collect();
        views.sort_by(|a, b| b.created.cmp(&a.created).then_with(|| a.name.cmp(&b.name)));
        views
    }

    pub(super) async fn see_job(&self, cluster: &Cluster, change: &Change, written: &Written) -> Result<Seen> {
        let target = &change.plan.target;
        let Some(name) = change.plan.patch.makes(&change.id) else { return Ok(Seen::Gone) };
        if matches!(written, Written::Applied { .. })
            && let Some(seen) = watched(cluster, change)
        {
            return Ok(seen);
        }
        if *written != Written::Nothing {
            if let Some(object) = cluster.job(&target.namespace, &name).await? {
                return Ok(read(cluster, change, object));
            }
            if matches!(written, Written::Applied { .. }) {
                return Ok(Seen::Gone);
            }
        }
        let cron = cluster.cron_job(&target.namespace, &target.name).await?;
        Ok(cron.map_or(Seen::Gone, |cron| Seen::There(Box::new(as_planned(target, &cron)))))
    }
}

/// The Jobs of this CronJob that have not ended, as the watch knows them; while that does not, nobody can say that none runs.
fn running(cluster: &Cluster, environment: &Environment, cron_job: &str) -> Result<Vec<String>> {
    let (state, namespace) = (cluster.state(), environment.namespace.as_str());
    if state.reach_kind(namespace, Kind::Jobs) != Reach::Live {
        let why = format!("Which Jobs run in {} cannot be read now.", environment.title);
        return Err(Refusal::new(RefusalCode::ClusterUnreachable, why).into());
    }
    let jobs = state.neighbours_in(namespace).filter_map(|neighbour| match neighbour {
        Neighbour::Job(job) if job.cron.as_deref() == Some(cron_job) && job.finished.is_none() => Some(job),
        _ => None,
    });
    Ok(jobs.filter(|job| job.state == "Running").map(|job| job.name.clone()).collect())
}

/// From the watch, once that knows the Job; it keeps no generation, and none is asked for any more.
fn watched(cluster: &Cluster, change: &Change) -> Option<Seen> {
    let state = cluster.state();
    if state.reach_kind(&change.plan.target.namespace, Kind::Jobs) != Reach::Live {
        return None;
    }
    let job = own(&state, change)?;
    Some(Seen::Ran(Box::new(ran(&state, change, job, 0, String::new()))))
}

/// The Job that this change made, as the watch knows it.
fn own<'a>(state: &'a State, change: &'a Change) -> Option<&'a Job> {
    let name = change.plan.patch.makes(&change.id)?;
    state.neighbours_in(&change.plan.target.namespace).find_map(|neighbour| match neighbour {
        Neighbour::Job(job) if job.name == name && job.change.as_deref() == Some(&change.id) => Some(job),
        _ => None,
    })
}

fn read(cluster: &Cluster, change: &Change, object: Value) -> Seen {
    let (generation, spec_hash) = (generation(&object), change.plan.target.hash_of(&object));
    match serde_json::from_value(object).ok().and_then(neighbours::job) {
        Some(Neighbour::Job(job)) => Seen::Ran(Box::new(ran(&cluster.state(), change, &job, generation, spec_hash))),
        _ => Seen::Unreachable("its Job does not read".into()),
    }
}

fn ran(state: &State, change: &Change, job: &Job, generation: i64, spec_hash: String) -> Ran {
    let end = match job.state.as_str() {
        "Complete" => Some(JobEnd::Complete),
        "Failed" => {
            Some(JobEnd::Failed(if job.reason.is_empty() { "its Job failed, and says no reason".into() } else { job.reason.clone() }))
        }
        _ => None,
    };
    let failing = cannot_start(state.pods_of(&job.uid));
    let how = how(job, change.plan.desired);
    Ran { name: job.name.clone(), change: job.change.clone(), generation, spec_hash, end, how, failing }
}

/// What a Job's controller does not heal. One whose container fails is tried again by it as often as the Job says, and a node may come
/// for one that finds no place.
fn cannot_start(pods: &[Pod]) -> Option<PodSaid> {
    failing_pod(pods).filter(|said| !matches!(said.reason.as_str(), "CrashLoopBackOff" | "RunContainerError" | "Unschedulable"))
}

fn how(job: &Job, wanted: i64) -> String {
    if job.state == "Suspended" {
        return "its Job is suspended: it waits until somebody resumes it (spec.suspend)".into();
    }
    let pods = if job.active == 1 { "1 pod is" } else { &format!("{} pods are", job.active) };
    let failed = if job.failed == 0 { String::new() } else { format!(", {} failed", job.failed) };
    format!("{pods} at work, {} of {wanted} succeeded{failed}", job.succeeded)
}

fn as_planned(target: &Target, cron: &Value) -> Present {
    let text = |pointer: &str| cron.pointer(pointer).and_then(Value::as_str).unwrap_or_default().to_owned();
    Present {
        uid: text("/metadata/uid"),
        resource_version: text("/metadata/resourceVersion"),
        generation: generation(cron),
        spec_hash: target.hash_of(cron),
        annotated: true,
        change: None,
        rollout: Rollout::Waiting("its Job is not there".into()),
        failing: None,
        progressed: None,
        replica_failure: None,
        held_up: None,
        refused: None,
    }
}
