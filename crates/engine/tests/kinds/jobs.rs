//! Jobs run from a CronJob: made once whatever happens to the answer, and followed to their end.

use super::name;
use super::support::{World, actor, eventually};
use domain::changes::{CHANGE_ANNOTATION, Change, Progress, Request, State};
use domain::names::ObjectName;
use serde_json::{Value, json};
use sim::{Fault, Match};

const IMAGE: &str = "registry.devmatrix.example/devmatrix/backup-tools:2.3.0";

fn cron(policy: &str, image: &str) -> Value {
    json!({
        "apiVersion": "batch/v1", "kind": "CronJob", "metadata": {"name": "backup", "namespace": "devmatrix"},
        "spec": {
            "schedule": "0 2 * * *", "concurrencyPolicy": policy,
            "jobTemplate": {"spec": {"backoffLimit": 0, "ttlSecondsAfterFinished": 1, "template": {
                "metadata": {"labels": {"app": "backup"}},
                "spec": {"restartPolicy": "Never", "containers": [{"name": "backup", "image": image}]},
            }}},
        },
    })
}

async fn world_with(policy: &str, image: &str) -> World {
    let world = World::new().await;
    world.prod.apply(cron(policy, image)).unwrap();
    // Until the watch knows the Jobs, nobody can say that none runs.
    eventually("a run can be planned", || async { world.engine.preview(&world.actor("bea"), run()).await.ok() }).await;
    world
}

async fn world() -> World {
    world_with("Allow", IMAGE).await
}

fn run() -> Request {
    let cron_job = ObjectName::parse("cron_job", "backup").unwrap();
    Request::RunJob { environment: name("prod"), cron_job, reason: "before the migration".into() }
}

async fn asked(world: &World) -> Change {
    world.engine.ask(&world.actor("bea"), run(), None).await.unwrap().change
}

fn jobs(world: &World) -> Vec<Value> {
    world.prod.list("jobs", "devmatrix")
}

/// Of Jobs that really were made.
fn made(world: &World) -> usize {
    world.prod.writes().iter().filter(|write| write.resource == "jobs" && write.verb == "create" && write.is_effective()).count()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_job_is_asked_for_approved_run_and_told_of() {
    let world = world().await;
    let change = asked(&world).await;
    assert_eq!((change.state, change.plan.component.as_str()), (State::AwaitingApproval, "cronjob/backup"));
    assert!(jobs(&world).is_empty(), "a plan makes nothing");
    world.approved(&change, "dmitri").await;
    let ended = world.ends(&change, State::Succeeded).await;
    let all = jobs(&world);
    assert_eq!((all.len(), made(&world)), (1, 1));
    let job = &all[0];
    assert_eq!(job["metadata"]["name"].as_str(), ended.plan.patch.makes(&ended.id).as_deref());
    assert_eq!(job["metadata"]["annotations"][CHANGE_ANNOTATION], json!(ended.id));
    assert_eq!(job["spec"]["ttlSecondsAfterFinished"], json!(24 * 3600), "a second would not be long enough to see it");
    assert_eq!(ended.outcome.as_ref().unwrap().reason, "its Job has completed");
    let write = ended.steps.iter().find(|step| step.name == "write").unwrap();
    assert!(write.detail.starts_with("Made the Job backup-"), "{}", write.detail);
    let progress = eventually("the watch tells of its end", || async {
        let progress = world.engine.progress(&ended);
        (progress.ready == 1).then_some(progress)
    })
    .await;
    assert_eq!(progress, Progress { desired: 1, updated: 1, ready: 1, available: 1 });
    assert_eq!(world.engine.job_pods(&ended).len(), 1);
    let view = world.engine.environment(&actor("viv"), "prod").await.unwrap();
    let shown = view.inventory.jobs.iter().find(|job| job.change.as_ref() == Some(&ended.id)).unwrap();
    assert_eq!((shown.cron.as_deref(), shown.state.as_str()), (Some("backup"), "Complete"));
}

async fn survives(fault: Fault, times: usize) {
    let world = world().await;
    let change = asked(&world).await;
    world.prod.faults().fail(Match::on("create", "jobs"), fault, times);
    world.approved(&change, "dmitri").await;
    world.ends(&change, State::Succeeded).await;
    assert_eq!((made(&world), jobs(&world).len()), (1, 1), "{fault:?}");
    assert_eq!(world.prod.faults().pending(), 0, "the fault happened");
}

#[tokio::test(flavor = "multi_thread")]
async fn an_answer_that_is_lost_makes_no_second_job() {
    let faults = [
        (Fault::AppliedThenReset, 1),
        (Fault::AppliedThenAnswer(504), 1),
        (Fault::Truncated, 1),
        (Fault::Reset, 2),
        (Fault::Answer(503), 2),
        (Fault::Answer(429), 1),
        (Fault::Answer(409), 1),
    ];
    let tries = faults.map(|(fault, times)| tokio::spawn(survives(fault, times)));
    for tried in tries {
        tried.await.unwrap();
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_job_that_the_cluster_refuses_ends_errored_in_its_words() {
    let world = world().await;
    let change = asked(&world).await;
    world.prod.faults().fail(Match::on("create", "jobs"), Fault::Answer(403), 1);
    world.approved(&change, "dmitri").await;
    let ended = world.ends(&change, State::Errored).await;
    assert!(ended.outcome.unwrap().reason.starts_with("the cluster refused the write"));
    assert_eq!(made(&world), 0);
}

/// Its name is its change's: somebody else's Job under it is not taken for ours, and nothing runs.
#[tokio::test(flavor = "multi_thread")]
async fn somebody_elses_job_of_that_name_is_not_ours() {
    let world = world().await;
    let change = asked(&world).await;
    let spec = json!({"template": {"spec": {"restartPolicy": "Never", "containers": [{"name": "c", "image": IMAGE}]}}});
    let name = change.plan.patch.makes(&change.id).unwrap();
    let other = json!({"apiVersion": "batch/v1", "kind": "Job", "metadata": {"name": name, "namespace": "devmatrix"}, "spec": spec});
    world.prod.apply(other).unwrap();
    world.approved(&change, "dmitri").await;
    let ended = world.ends(&change, State::Errored).await;
    assert!(ended.outcome.unwrap().reason.contains("is there already"));
    assert_eq!(made(&world), 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_job_that_fails_fails_its_change_in_the_controllers_words() {
    let world = world_with("Allow", "registry.devmatrix.example/devmatrix/backup-tools:2.3.1-crash").await;
    let change = asked(&world).await;
    world.approved(&change, "dmitri").await;
    let ended = world.ends(&change, State::Failed).await;
    assert!(ended.outcome.unwrap().reason.contains("backoff limit"));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_pod_that_cannot_start_is_named() {
    let world = world_with("Allow", "registry.devmatrix.example/devmatrix/backup-tools:2.3.1-nopull").await;
    let change = asked(&world).await;
    world.approved(&change, "dmitri").await;
    let outcome = world.ends(&change, State::Failed).await.outcome.unwrap();
    assert!(outcome.reason.starts_with("ImagePullBackOff"), "{}", outcome.reason);
    let said = outcome.failing_pod.unwrap();
    assert!(said.pod.starts_with("backup-") && said.container == "backup", "{said:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_template_that_was_edited_after_the_plan_is_not_run() {
    let world = world().await;
    let change = asked(&world).await;
    world.prod.apply(cron("Allow", "registry.devmatrix.example/devmatrix/backup-tools:9.9.9")).unwrap();
    world.approved(&change, "dmitri").await;
    let ended = world.ends(&change, State::Superseded).await;
    assert!(ended.outcome.unwrap().reason.contains("the CronJob was changed after the plan was made"));
    assert_eq!(made(&world), 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_cron_job_that_is_not_there_is_refused() {
    let world = World::new().await;
    let missing = || async {
        let error = world.engine.preview(&world.actor("bea"), run()).await.err()?;
        (error.code() != "cluster_unreachable").then_some(error)
    };
    let why = eventually("the Jobs are known", missing).await;
    assert_eq!(why.code(), "cron_job_missing");
    let change = {
        world.prod.apply(cron("Allow", IMAGE)).unwrap();
        asked(&world).await
    };
    world.prod.delete("cronjobs", "devmatrix", "backup").unwrap();
    world.approved(&change, "dmitri").await;
    world.ends(&change, State::Superseded).await;
    assert_eq!(made(&world), 0);
}

/// At the plan, and once more at the write: a run may have begun in between.
#[tokio::test(flavor = "multi_thread")]
async fn where_runs_must_not_overlap_they_do_not() {
    let world = world_with("Forbid", "registry.devmatrix.example/devmatrix/backup-tools:2.3.1-nopull").await;
    let change = asked(&world).await;
    let cron = world.prod.get("cronjobs", "devmatrix", "backup").unwrap();
    let owner =
        json!([{"apiVersion": "batch/v1", "kind": "CronJob", "name": "backup", "uid": cron["metadata"]["uid"], "controller": true}]);
    let metadata = json!({"name": "backup-29", "namespace": "devmatrix", "ownerReferences": owner});
    let spec = cron["spec"]["jobTemplate"]["spec"].clone();
    world.prod.apply(json!({"apiVersion": "batch/v1", "kind": "Job", "metadata": metadata, "spec": spec})).unwrap();
    let why = eventually("the run is seen", || async { world.engine.preview(&world.actor("bea"), run()).await.err() }).await;
    assert_eq!(why.code(), "job_running");
    assert!(why.to_string().contains("backup-29 runs"), "{why}");
    world.approved(&change, "dmitri").await;
    let ended = world.ends(&change, State::Superseded).await;
    assert!(ended.outcome.unwrap().reason.contains("backup-29 runs"));
    assert_eq!(made(&world), 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_change_that_is_aborted_leaves_its_job_running_and_says_so() {
    let world = world_with("Allow", "registry.devmatrix.example/devmatrix/backup-tools:2.3.1-slow").await;
    let change = asked(&world).await;
    world.approved(&change, "dmitri").await;
    let running = eventually("its Job runs", || async {
        let now = world.engine.change(&actor("viv"), &change.id).await.unwrap();
        (now.state == State::Observing).then_some(now)
    })
    .await;
    assert!(running.reached().abort_means().contains("Its Job runs on"));
    let ended = world.engine.abort(&world.actor("bea"), &change.id, "too late today").await.unwrap();
    assert!(ended.outcome.unwrap().reason.contains("while its Job runs, which goes on"));
    assert_eq!(jobs(&world).len(), 1, "it is not deleted");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_job_that_is_deleted_while_it_runs_ends_its_change() {
    let world = world_with("Allow", "registry.devmatrix.example/devmatrix/backup-tools:2.3.1-slow").await;
    let change = asked(&world).await;
    world.approved(&change, "dmitri").await;
    eventually("its Job runs", || async {
        let now = world.engine.change(&actor("viv"), &change.id).await.unwrap();
        (now.state == State::Observing).then_some(())
    })
    .await;
    world.prod.delete("jobs", "devmatrix", &change.plan.patch.makes(&change.id).unwrap()).unwrap();
    let ended = world.ends(&change, State::Errored).await;
    assert!(ended.outcome.unwrap().reason.contains("its Job was deleted before it had ended"));
    assert_eq!(made(&world), 1, "and is not made again");
}

/// Two changes of one CronJob take turns, as two changes of one component do.
#[tokio::test(flavor = "multi_thread")]
async fn two_runs_of_one_cron_job_take_turns() {
    let world = world().await;
    let (first, second) = (asked(&world).await, asked(&world).await);
    world.approved(&second, "dmitri").await;
    world.approved(&first, "dmitri").await;
    let waits = |change: Change, other: String| {
        let check = change.steps.iter().find(|step| step.name == "check").cloned();
        check.is_some_and(|step| step.state == "pending" && step.detail == format!("Waits for {other}, which is ahead of it here"))
    };
    eventually("one of them says whom it waits for", || async {
        let now = async |change: &Change| world.engine.change(&actor("viv"), &change.id).await.unwrap();
        (waits(now(&first).await, second.label()) || waits(now(&second).await, first.label())).then_some(())
    })
    .await;
    let (first, second) = (world.ends(&first, State::Succeeded).await, world.ends(&second, State::Succeeded).await);
    let began = |change: &Change| change.steps.iter().find(|step| step.name == "write").unwrap().finished.unwrap();
    let [early, late] = if began(&first) <= began(&second) { [&first, &second] } else { [&second, &first] };
    assert!(began(late) >= early.outcome.as_ref().unwrap().at, "the second began when the first had ended");
    assert_eq!((made(&world), jobs(&world).len()), (2, 2));
}
