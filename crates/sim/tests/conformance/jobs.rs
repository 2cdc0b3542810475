//! Jobs and CronJobs: from created to completed or failed.

use crate::objects::{condition, generation, is_deleting, job, label, name, number, once_all, stays, text, with};
use crate::world::World;
use crate::{Case, case};
use serde_json::{Value, json};

pub const CASES: &[Case] = &[
    case!(a_job_completes),
    case!(a_job_fails_at_its_limit),
    case!(a_job_of_several_completions),
    case!(a_suspended_job_waits),
    case!(a_job_takes_its_pods_along_when_told),
    case!(a_finished_job_goes_after_its_time),
    case!(a_cronjob_is_a_template),
    case!(a_cronjob_can_be_suspended),
];

fn is_over(it: &Value, kind: &str) -> bool {
    condition(it, kind).0 == "True"
}

async fn a_job_completes(world: World) {
    let created = world.create("jobs", job("run", "1")).await;
    let done = world.once("it is complete", "jobs/run", |it| is_over(it, "Complete")).await;
    assert_eq!((number(&done, "/status/succeeded"), done["status"].get("active"), done["status"].get("failed")), (1, None, None));
    assert_eq!((number(&done, "/status/ready"), number(&done, "/status/terminating")), (0, 0));
    assert!(text(&done, "/status/startTime") <= text(&done, "/status/completionTime"));
    let reason = ("True".to_owned(), "CompletionsReached".to_owned(), "Reached expected number of succeeded pods".to_owned());
    assert_eq!((condition(&done, "Complete"), condition(&done, "SuccessCriteriaMet").0.as_str()), (reason, "True"));
    assert_eq!(generation(&done), 1);
    let pods = world.all("pods?labelSelector=batch.kubernetes.io%2Fjob-name%3Drun").await;
    assert_eq!((pods.len(), text(&pods[0], "/status/phase")), (1, "Succeeded"));
    let uid = text(&created, "/metadata/uid");
    assert_eq!((label(&pods[0], "batch.kubernetes.io/controller-uid"), label(&pods[0], "job-name")), (uid, "run"));
    let ended = &pods[0]["status"]["containerStatuses"][0]["state"]["terminated"];
    assert_eq!((number(ended, "/exitCode"), text(ended, "/reason")), (0, "Completed"));
    assert!(name(&pods[0]).starts_with("run-") && name(&pods[0]).len() == 9, "{}", name(&pods[0]));
}

async fn a_job_fails_at_its_limit(world: World) {
    world.create("jobs", with(job("run", "1-crash"), &[("/spec/backoffLimit", json!(0))])).await;
    let failed = world.once("it has failed", "jobs/run", |it| is_over(it, "Failed")).await;
    let reason = ("True".to_owned(), "BackoffLimitExceeded".to_owned(), "Job has reached the specified backoff limit".to_owned());
    assert_eq!((condition(&failed, "Failed"), condition(&failed, "FailureTarget").0.as_str()), (reason, "True"));
    assert_eq!((number(&failed, "/status/failed"), failed["status"].get("completionTime")), (1, None));
    let pods = world.all("pods").await;
    assert_eq!((pods.len(), text(&pods[0], "/status/phase")), (1, "Failed"));
    assert_eq!(number(&pods[0], "/status/containerStatuses/0/state/terminated/exitCode"), 1);
}

async fn a_job_of_several_completions(world: World) {
    let object = with(job("run", "1"), &[("/spec/completions", json!(3)), ("/spec/parallelism", json!(2))]);
    world.create("jobs", object).await;
    let busy = world.once("two at once", "jobs/run", |it| number(it, "/status/active") == 2).await;
    assert_eq!(number(&busy, "/status/succeeded"), 0);
    let done = world.once("it is complete", "jobs/run", |it| is_over(it, "Complete")).await;
    assert_eq!((number(&done, "/status/succeeded"), world.all("pods").await.len()), (3, 3));
}

async fn a_suspended_job_waits(world: World) {
    world.create("jobs", with(job("run", "1"), &[("/spec/suspend", json!(true))])).await;
    let it = world.once("it says so", "jobs/run", |it| is_over(it, "Suspended")).await;
    assert_eq!((condition(&it, "Suspended").1.as_str(), it["status"].get("startTime")), ("JobSuspended", None));
    stays(&world, "no pod", "pods", |all| all.is_empty()).await;
    world.merge("jobs/run", json!({ "spec": { "suspend": false } })).await;
    let done = world.once("it is complete", "jobs/run", |it| is_over(it, "Complete")).await;
    assert_eq!((condition(&done, "Suspended").0.as_str(), generation(&done)), ("False", 2));
}

async fn a_job_takes_its_pods_along_when_told(world: World) {
    for (name, policy) in [("kept", json!({})), ("swept", json!({ "propagationPolicy": "Background" }))] {
        world.create("jobs", job(name, "1")).await;
        world.once("it is complete", &format!("jobs/{name}"), |it| is_over(it, "Complete")).await;
        world.delete(&world.path(&format!("jobs/{name}")), &policy).await.ok(200);
        world.gone(&format!("jobs/{name}")).await;
    }
    let pods = once_all(&world, "the swept one's pod is gone", "pods", |all| all.iter().all(|it| label(it, "job-name") == "kept")).await;
    assert!(pods.len() == 1 && !is_deleting(&pods[0]));
}

async fn a_finished_job_goes_after_its_time(world: World) {
    world.create("jobs", with(job("run", "1"), &[("/spec/ttlSecondsAfterFinished", json!(0))])).await;
    world.gone("jobs/run").await;
    once_all(&world, "its pod is gone", "pods", |all| all.is_empty()).await;
}

fn cronjob(suspend: bool) -> Value {
    json!({
        "apiVersion": "batch/v1", "kind": "CronJob", "metadata": { "name": "night" },
        "spec": { "schedule": "0 3 1 1 *", "suspend": suspend, "jobTemplate": { "spec": job("x", "1")["spec"] } },
    })
}

/// What `kubectl create job --from=cronjob/night` does, with a name that does not change from try to try.
async fn a_cronjob_is_a_template(world: World) {
    let cron = world.create("cronjobs", cronjob(true)).await;
    let owner =
        json!([{ "apiVersion": "batch/v1", "kind": "CronJob", "name": "night", "uid": cron["metadata"]["uid"], "controller": true }]);
    let object = json!({
        "apiVersion": "batch/v1", "kind": "Job",
        "metadata": { "name": "night-c-1", "annotations": { "cronjob.kubernetes.io/instantiate": "manual" }, "ownerReferences": owner },
        "spec": cron["spec"]["jobTemplate"]["spec"],
    });
    let path = format!("{}?fieldValidation=Strict", world.path("jobs"));
    world.post(&path, &object).await.ok(201);
    assert_eq!(world.post(&path, &object).await.refusal(), (409, "AlreadyExists"));
    world.once("it is complete", "jobs/night-c-1", |it| is_over(it, "Complete")).await;
}

async fn a_cronjob_can_be_suspended(world: World) {
    world.create("cronjobs", cronjob(false)).await;
    let suspended = world.merge("cronjobs/night", json!({ "spec": { "suspend": true } })).await;
    assert_eq!((&suspended["spec"]["suspend"], generation(&suspended)), (&json!(true), 2));
    assert!(world.all("jobs").await.is_empty());
}
