//! A rollback that brings its configuration back: what it writes, in which order, and what becomes of it when something happens
//! in between. With STORIES_POSTGRES set, on PostgreSQL.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

mod support;

use domain::changes::{Change, RefusalCode, State};
use engine::Patience;
use serde_json::{Value, json};
use sim::{Fault, Match};
use std::time::Duration;
use support::{World, actor, deployment, ends_at, eventually, never, restore, rollback};

fn config_map(name: &str, data: Value) -> Value {
    json!({"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": name, "namespace": "devmatrix"}, "data": data})
}

fn configured(tag: &str) -> Value {
    let mut object = deployment("devmatrix", tag);
    object["spec"]["template"]["spec"]["containers"][0]["envFrom"] =
        json!([{"configMapRef": {"name": "api-config"}}, {"configMapRef": {"name": "api-extra"}}]);
    object
}

/// Production ran 1.42.3 with its configuration, and runs 1.42.4: one ConfigMap was edited since, the other one is gone.
/// Answers the revision to go back to.
async fn reconfigured() -> (World, i64) {
    let world = World::prepared(Patience::default(), |cluster| {
        if cluster.name() == "prod" {
            cluster.apply(config_map("api-config", json!({"LOG": "info", "LIMIT": "10"}))).unwrap();
            cluster.apply(config_map("api-extra", json!({"X": "1"}))).unwrap();
            cluster.apply(configured("1.42.3")).unwrap();
        }
    })
    .await;
    world.prod.apply(configured("1.42.4")).unwrap();
    world.runs("prod", "1.42.4").await;
    let records = world.engine.deployments(&actor("viv"), "api", Some("prod"), Default::default()).await.unwrap().items;
    let revision = records.iter().find(|record| record.tag.as_deref() == Some("1.42.3")).unwrap().revision;
    world.prod.apply(config_map("api-config", json!({"LOG": "debug", "LIMIT": "10", "SINCE": "x"}))).unwrap();
    world.prod.delete("configmaps", "devmatrix", "api-extra").unwrap();
    (world, revision)
}

fn held(world: &World, name: &str) -> Option<Value> {
    world.prod.get("configmaps", "devmatrix", name).map(|object| object["data"].clone())
}

/// The writes of ConfigMaps and of the workload that were done, dry runs left out, in their order.
fn done(world: &World) -> Vec<String> {
    let writes = world.prod.writes();
    let ours = writes.iter().filter(|write| write.field_manager == "devmatrix-portal" && !write.dry_run && write.status < 300);
    ours.map(|write| format!("{} {}", write.verb, write.name)).collect()
}

const ALL: [&str; 3] = ["patch api-config", "create api-extra", "patch devmatrix-api"];

async fn asked(world: &World, revision: i64) -> Change {
    world.engine.ask(&world.actor("bea"), restore(revision), None).await.unwrap().change
}

fn is_restored(world: &World) {
    assert_eq!(held(world, "api-config"), Some(json!({"LOG": "info", "LIMIT": "10"})));
    assert_eq!(held(world, "api-extra"), Some(json!({"X": "1"})));
    assert!(world.prod_image().contains(":1.42.3"), "{}", world.prod_image());
}

#[tokio::test(flavor = "multi_thread")]
async fn the_config_maps_are_written_first_each_once_and_the_story_names_them() {
    let (world, revision) = reconfigured().await;
    let plain = world.engine.preview(&actor("bea"), rollback(revision)).await.unwrap();
    assert!(plain.could_restore_config() && plain.config.is_empty());
    let change = asked(&world, revision).await;
    assert!(change.plan.config[0].diff.unified.contains("-SINCE: x"), "{}", change.plan.config[0].diff.unified);
    let ended = world.ends(&change, State::Succeeded).await;
    is_restored(&world);
    assert_eq!(done(&world), ALL);
    for name in ["api-config", "api-extra"] {
        let object = world.prod.get("configmaps", "devmatrix", name).unwrap();
        assert_eq!(object["metadata"]["annotations"]["portal.devmatrix.io/change"], change.id.as_str(), "{name}");
    }
    assert!(ended.config.iter().all(|sent| sent.applied) && ended.config.len() == 2, "{:?}", ended.config);
    let step = ended.steps.iter().find(|step| step.name == "write").unwrap();
    assert!(step.detail.starts_with("Restored ConfigMap api-config, api-extra; then applied as generation"), "{step:?}");
    let story = world.engine.story(&actor("viv"), &change.id).await.unwrap();
    for words in [
        "restore ConfigMap api-config",
        "make ConfigMap api-extra anew",
        "the patch of ConfigMap api-config",
        "the creation of ConfigMap api-extra",
    ] {
        assert!(story.iter().any(|line| line.text.contains(words)), "{words}: {story:#?}");
    }
    let same = world.engine.preview(&actor("bea"), restore(revision)).await.unwrap_err();
    assert_eq!(same.code(), "already_running");
}

/// Without being asked, a rollback leaves the configuration alone.
#[tokio::test(flavor = "multi_thread")]
async fn nothing_is_brought_back_that_was_not_asked_for() {
    let (world, revision) = reconfigured().await;
    let change = world.engine.ask(&world.actor("bea"), rollback(revision), None).await.unwrap().change;
    world.ends(&change, State::Succeeded).await;
    assert_eq!((held(&world, "api-config").unwrap()["LOG"].clone(), held(&world, "api-extra")), (json!("debug"), None));
    assert_eq!(done(&world), ["patch devmatrix-api"]);
}

/// The dry run passes; then the fault comes, so often.
fn fail(world: &World, verb: &'static str, fault: Fault, times: usize) {
    let target = Match::on(verb, "configmaps");
    world.prod.faults().fail(target.clone(), Fault::Delay(Duration::ZERO), 1);
    world.prod.faults().fail(target, fault, times);
}

async fn survives(verb: &'static str, fault: Fault, times: usize) {
    let (world, revision) = reconfigured().await;
    fail(&world, verb, fault, times);
    let change = asked(&world, revision).await;
    world.ends(&change, State::Succeeded).await;
    is_restored(&world);
    assert_eq!(world.prod.faults().pending(), 0, "{verb} {fault:?} did not happen");
    assert_eq!(done(&world), ALL, "{verb} {fault:?}: each once");
    // Its connections to the database are for the next one.
    world.engine.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_answer_that_is_lost_or_refused_for_now_means_no_second_write() {
    let each = async |verb| {
        tokio::join!(
            survives(verb, Fault::AppliedThenReset, 1),
            survives(verb, Fault::AppliedThenAnswer(504), 1),
            survives(verb, Fault::Truncated, 1),
            survives(verb, Fault::Reset, 1),
            survives(verb, Fault::Answer(409), 2),
            survives(verb, Fault::Answer(500), 1),
        )
    };
    each("patch").await;
    each("create").await;
    tokio::join!(survives("patch", Fault::Answer(429), 1), survives("patch", Fault::Answer(404), 1));
}

fn reason(change: &Change) -> String {
    change.outcome.clone().unwrap().reason
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_forbidden_ends_it_and_says_what_is_restored_already() {
    for conflicts in [0, 1] {
        is_forbidden_after(conflicts).await;
    }
}

/// So many conflicts come first, each of them as certain as the refusal.
async fn is_forbidden_after(conflicts: usize) {
    let (world, revision) = reconfigured().await;
    fail(&world, "create", Fault::Answer(409), conflicts);
    world.prod.faults().fail(Match::on("create", "configmaps"), Fault::Answer(403), 1);
    let change = asked(&world, revision).await;
    let ended = world.ends(&change, State::Errored).await;
    assert_eq!(world.prod.faults().pending(), 0, "all of it happened");
    let said = reason(&ended);
    assert!(said.contains("refused the write of ConfigMap api-extra"), "{said}");
    assert!(said.ends_with("of its ConfigMaps, restored already, and left so: api-config"), "what was refused is not on its way: {said}");
    told(&world, &change, "change.end", "left so: api-config").await;
    assert_eq!(done(&world), ["patch api-config"], "the workload is not written");
}

/// The audit has this entry with these words.
async fn told(world: &World, change: &Change, act: &str, words: &str) {
    let story = world.engine.story(&actor("viv"), &change.id).await.unwrap();
    let found = story.iter().any(|line| line.text.contains(act) && line.text.contains(words));
    assert!(found, "{act}, {words}: {story:#?}");
}

/// One is restored, the other one is not taken by its cluster yet.
async fn half_way() -> (World, Change) {
    let (world, revision) = reconfigured().await;
    fail(&world, "create", Fault::Answer(503), 40);
    let change = asked(&world, revision).await;
    eventually("one ConfigMap is restored, and the other one was tried", || async {
        let now = world.engine.change(&actor("viv"), &change.id).await.unwrap();
        (now.config.len() == 2 && now.config[0].applied && world.prod.faults().pending() < 40).then_some(())
    })
    .await;
    (world, change)
}

#[tokio::test(flavor = "multi_thread")]
async fn an_edit_in_between_supersedes_it_and_the_workload_stays() {
    let (world, change) = half_way().await;
    world.prod.apply(config_map("api-config", json!({"LOG": "trace"}))).unwrap();
    let said = reason(&world.ends(&change, State::Superseded).await);
    assert!(said.starts_with("ConfigMap api-config was changed again, outside this change, after it was restored"), "{said}");
    assert!(said.contains("restored already, and left so: api-config"), "{said}");
    assert_eq!(held(&world, "api-config"), Some(json!({"LOG": "trace"})), "whoever edited it keeps it");
    assert!(world.prod_image().contains(":1.42.4"));

    let (world, change) = half_way().await;
    world.prod.apply(config_map("api-extra", json!({"X": "theirs"}))).unwrap();
    let said = reason(&world.ends(&change, State::Superseded).await);
    assert!(said.starts_with("ConfigMap api-extra was made by somebody else"), "{said}");
    assert_eq!(held(&world, "api-extra"), Some(json!({"X": "theirs"})));
}

#[tokio::test(flavor = "multi_thread")]
async fn an_edit_of_the_workload_in_between_supersedes_it() {
    let (world, change) = half_way().await;
    world.prod.apply(configured("1.42.5")).unwrap();
    let said = reason(&world.ends(&change, State::Superseded).await);
    assert!(said.contains("the workload was changed") && said.contains("restored already, and left so: api-config"), "{said}");
    assert_eq!(done(&world), ["patch api-config"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn an_abort_in_between_leaves_what_is_restored_and_says_so() {
    let (world, change) = half_way().await;
    let before = world.engine.change(&actor("viv"), &change.id).await.unwrap().abort_means();
    assert!(before.starts_with("The workload is not written.") && before.contains("left so: api-config"), "{before}");
    let said = reason(&world.engine.abort(&world.actor("bea"), &change.id, "wrong one").await.unwrap());
    assert!(said.starts_with("aborted by bea after ConfigMaps were sent, and before the workload was written: wrong one"), "{said}");
    assert!(said.contains("restored already, and left so: api-config"), "{said}");
    told(&world, &change, "change.abort", "wrong one; of its ConfigMaps, restored already, and left so: api-config").await;
    world.prod.faults().clear();
    never(Duration::from_secs(3), "nothing is written after the abort", || done(&world).len() > 1).await;
    assert!(world.prod_image().contains(":1.42.4"));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_portal_that_is_started_again_goes_on_where_it_was() {
    let (world, change) = half_way().await;
    world.engine.stop().await;
    world.prod.faults().clear();
    let again = world.another_portal().await;
    ends_at(&again, &change, State::Succeeded).await;
    is_restored(&world);
    assert_eq!(done(&world), ALL);
    again.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_cannot_be_brought_back_is_refused_before_anything_is_written() {
    let (world, revision) = reconfigured().await;
    let code = || async { world.engine.preview(&actor("bea"), restore(revision)).await.unwrap_err().code().to_owned() };
    let faults = world.prod.faults();
    faults.fail(Match::on("get", "configmaps"), Fault::Answer(403), 1);
    assert_eq!(code().await, RefusalCode::ClusterUnreachable.as_str(), "what they hold now is not known");
    faults.fail(Match::on("create", "configmaps"), Fault::Answer(403), 1);
    assert_eq!(code().await, RefusalCode::DryRunRejected.as_str());
    let mut locked = config_map("api-config", json!({"LOG": "debug"}));
    locked["immutable"] = json!(true);
    world.prod.apply(locked).unwrap();
    assert_eq!(code().await, RefusalCode::ConfigImmutable.as_str());
    world.prod.delete("configmaps", "devmatrix", "api-config").unwrap();
    let mut owned = config_map("api-config", json!({"LOG": "debug"}));
    owned["metadata"]["annotations"] = json!({"argocd.argoproj.io/tracking-id": "x"});
    world.prod.apply(owned).unwrap();
    assert_eq!(code().await, RefusalCode::ManagedByGitops.as_str());
    assert!(done(&world).is_empty());
}

/// A database that was restored gives fences a second time: the cluster has seen a higher one on a ConfigMap alone.
#[tokio::test(flavor = "multi_thread")]
async fn a_config_map_with_a_higher_fence_is_gone_on_above() {
    let (world, revision) = reconfigured().await;
    let mut fenced = world.prod.get("configmaps", "devmatrix", "api-config").unwrap();
    fenced["metadata"]["annotations"]["portal.devmatrix.io/fence"] = json!("50");
    world.prod.apply(fenced).unwrap();
    world.prod.faults().look_at_fences(true);
    let change = asked(&world, revision).await;
    world.ends(&change, State::Succeeded).await;
    is_restored(&world);
    assert_eq!(done(&world), ALL);
    let fence =
        world.prod.get("configmaps", "devmatrix", "api-config").unwrap()["metadata"]["annotations"]["portal.devmatrix.io/fence"].clone();
    assert!(fence.as_str().unwrap().parse::<i64>().unwrap() > 50, "{fence}");
}
