//! Rolling back: what is said of it before, and what the portal does by itself where it is told to.
//! With STORIES_POSTGRES set, on PostgreSQL.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

mod support;

use domain::changes::explain::What;
use domain::changes::{Change, Gate, Kind, Request, State};
use domain::names::Name;
use engine::Patience;
use serde_json::{Value, json};
use sim::{Fault, Match};
use std::time::Duration;
use support::{CONFIG, World, actor, deployment, eventually, rollback};

fn automatic() -> String {
    CONFIG.replacen("    promote_from: staging\n", "    promote_from: staging\n    rollback: {automatic: true}\n", 1)
}

fn config_map(data: &Value) -> Value {
    json!({"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "api-config", "namespace": "devmatrix"}, "data": data})
}

fn configured(tag: &str) -> Value {
    let mut object = deployment("devmatrix", tag);
    object["spec"]["template"]["spec"]["containers"][0]["envFrom"] = json!([{"configMapRef": {"name": "api-config"}}]);
    object
}

async fn gate(world: &World, to_revision: i64, name: &str) -> Option<Gate> {
    let plan = world.engine.preview(&actor("bea"), rollback(to_revision)).await.unwrap();
    plan.gates.into_iter().find(|gate| gate.name == name)
}

#[tokio::test(flavor = "multi_thread")]
async fn configuration_that_changed_since_is_named() {
    let world = World::prepared(Patience::default(), |cluster| {
        if cluster.name() == "prod" {
            cluster.apply(config_map(&json!({"LOG": "info", "LIMIT": "10"}))).unwrap();
            cluster.apply(configured("1.42.3")).unwrap();
        }
    })
    .await;
    world.prod.apply(configured("1.42.4")).unwrap();
    world.runs("prod", "1.42.4").await;
    let revision = {
        let records = world.engine.deployments(&actor("viv"), "api", Some("prod"), Default::default()).await.unwrap().items;
        records.iter().find(|record| record.tag.as_deref() == Some("1.42.3")).unwrap().revision
    };
    let same = gate(&world, revision, "config").await.unwrap();
    assert_eq!(same.state, "pass", "{same:?}");
    world.prod.apply(config_map(&json!({"LOG": "debug", "LIMIT": "10"}))).unwrap();
    let changed = gate(&world, revision, "config").await.unwrap();
    assert_eq!((changed.state.as_str(), changed.detail.ends_with(": api-config (LOG)")), ("warn", true), "{changed:?}");
}

/// The newest revision of production is written down.
async fn recorded(world: &World, revision: i64) {
    eventually("it is recorded", || async {
        let records = world.engine.deployments(&actor("viv"), "api", Some("prod"), Default::default()).await.unwrap().items;
        (records.first()?.revision == revision).then_some(())
    })
    .await;
}

/// One that is good, so that there is a way back.
async fn succeeds_in_production(world: &World) {
    let change = world.promoted("bea").await;
    world.approved(&change, "dmitri").await;
    world.ends(&change, State::Succeeded).await;
    world.judged(&change).await;
    world.settled("prod").await;
}

/// A release that fails in production only.
async fn fails_in_production(world: &World) -> Change {
    world.staging.apply(deployment("devmatrix-staging", "1.43.2-prodnopull")).unwrap();
    world.runs("staging", "1.43.2-prodnopull").await;
    let change = world.promoted("bea").await;
    world.approved(&change, "dmitri").await;
    world.ends(&change, State::Failed).await
}

/// What the portal wrote down of its own rollback.
async fn answered(world: &World, failed: &Change) -> String {
    eventually("the failure is answered", || async {
        let lines = world.engine.story(&actor("viv"), &failed.id).await.unwrap();
        lines.into_iter().find(|line| line.what == What::Did && line.text.starts_with("rollback.automatic")).map(|line| line.text)
    })
    .await
}

#[tokio::test(flavor = "multi_thread")]
async fn what_failed_is_rolled_back_once_where_the_environment_says_so() {
    let world = World::configured(&automatic(), Patience::default(), |_| {}).await;
    succeeds_in_production(&world).await;
    let failed = fails_in_production(&world).await;
    assert_eq!(answered(&world, &failed).await, "rollback.automatic: CH-3");
    let back = world.engine.change(&actor("viv"), "CH-3").await.unwrap();
    assert_eq!((back.plan.requester.as_str(), back.plan.to.version().as_str()), ("portal", "1.43.1"));
    assert!(back.plan.reason.starts_with("CH-2 failed: "), "{}", back.plan.reason);
    world.ends(&back, State::Succeeded).await;
    assert!(world.prod_image().contains(":1.43.1"), "{}", world.prod_image());
    let holds = world.engine.holds(&actor("viv"), Some("api"), Some("prod")).await.unwrap();
    assert_eq!(holds.len(), 1, "and the bad release is on hold");
}

/// A promotion that is to fail, at which the worker has looked before its write: the next looks are those of the way back.
async fn looked_at_by_the_worker() -> (World, Change) {
    let world = World::configured(&automatic(), Patience::default(), |_| {}).await;
    succeeds_in_production(&world).await;
    world.staging.apply(deployment("devmatrix-staging", "1.43.2-prodnopull")).unwrap();
    world.runs("staging", "1.43.2-prodnopull").await;
    let change = world.promoted("bea").await;
    world.prod.faults().fail(Match::on("get", "deployments"), Fault::Delay(Duration::ZERO), 1);
    world.approved(&change, "dmitri").await;
    eventually("the worker has looked", || async { (world.prod.faults().pending() == 0).then_some(()) }).await;
    (world, change)
}

#[tokio::test(flavor = "multi_thread")]
async fn a_cluster_that_cannot_be_read_now_is_asked_again() {
    let (world, change) = looked_at_by_the_worker().await;
    // Next comes the look of the way back, and its plan's.
    world.prod.faults().fail(Match::on("get", "deployments"), Fault::Answer(429), 2);
    let failed = world.ends(&change, State::Failed).await;
    assert_eq!(answered(&world, &failed).await, "rollback.automatic: CH-3");
    assert_eq!(world.prod.faults().pending(), 0, "it was refused twice");
    world.ends(&world.engine.change(&actor("viv"), "CH-3").await.unwrap(), State::Succeeded).await;
}

/// Between the look at what failed and the plan of the way back a person has mended it.
#[tokio::test(flavor = "multi_thread")]
async fn what_a_person_mends_while_the_way_back_is_planned_stays() {
    let (world, change) = looked_at_by_the_worker().await;
    // The look at what failed, and then the plan's.
    world.prod.faults().fail(Match::on("get", "deployments"), Fault::Delay(Duration::ZERO), 1);
    world.prod.faults().fail(Match::on("get", "deployments"), Fault::Delay(Duration::from_secs(3)), 1);
    let failed = world.ends(&change, State::Failed).await;
    eventually("the way back is planned", || async { (world.prod.faults().pending() == 0).then_some(()) }).await;
    world.prod.apply(deployment("devmatrix", "1.43.3")).unwrap();
    assert_eq!(answered(&world, &failed).await, "rollback.automatic (failed): Somebody has changed the workload since.");
    assert_eq!(world.engine.changes(&actor("viv"), &Default::default(), Default::default()).await.unwrap().items.len(), 2);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_did_not_succeed_is_no_way_back() {
    let world = World::configured(&automatic(), Patience::default(), |_| {}).await;
    // What runs came from elsewhere: nobody has judged it.
    let failed = fails_in_production(&world).await;
    assert_eq!(answered(&world, &failed).await, "rollback.automatic (failed): No other release has succeeded here.");
    assert_eq!(world.engine.changes(&actor("viv"), &Default::default(), Default::default()).await.unwrap().items.len(), 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn over_an_irreversible_release_a_person_decides() {
    let world = World::configured(&automatic(), Patience::default(), |_| {}).await;
    // The release that is to fail is marked in its template: promotion takes the image, the mark was there before.
    let mut marked = deployment("devmatrix", "1.42.3");
    marked["spec"]["template"]["metadata"]["annotations"] = json!({"devmatrix.io/irreversible": "drops a column"});
    world.prod.apply(marked).unwrap();
    recorded(&world, 2).await;
    world.settled("prod").await;
    let failed = fails_in_production(&world).await;
    let said = answered(&world, &failed).await;
    assert!(said.contains("(failed)") && said.contains("drops a column"), "{said}");
    let changes = world.engine.changes(&actor("viv"), &Default::default(), Default::default()).await.unwrap().items;
    assert_eq!(changes.len(), 1, "nothing is rolled back");
    assert_eq!(gate(&world, 1, "irreversible").await.unwrap().state, "warn");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_rollback_that_fails_is_left_to_people() {
    let world = World::configured(&automatic(), Patience::default(), |_| {}).await;
    world.prod.apply(deployment("devmatrix", "1.42.2-nopull")).unwrap();
    recorded(&world, 2).await;
    world.prod.apply(deployment("devmatrix", "1.42.3")).unwrap();
    world.runs("prod", "1.42.3").await;
    let back = world.engine.ask(&world.actor("bea"), rollback(2), None).await.unwrap().change;
    let failed = world.ends(&back, State::Failed).await;
    assert_eq!(answered(&world, &failed).await, "rollback.automatic (failed): A rollback is not rolled back by itself.");
}

/// What made no release, and what could not be carried out, is left to people.
#[tokio::test(flavor = "multi_thread")]
async fn what_is_no_failed_release_is_not_rolled_back() {
    let world = World::configured(&automatic(), Patience::default(), |_| {}).await;
    succeeds_in_production(&world).await;
    let asked = world.promotable("1.44.0").await;
    let (engine, bea) = (&world.engine, world.actor("bea"));
    world.prod.faults().fail(Match::on("patch", "deployments"), Fault::Answer(403), 1);
    world.approved(&asked, "dmitri").await;
    let errored = world.ends(&asked, State::Errored).await;

    // Restarted, it cannot pull what it ran before: nodes have lost the image.
    world.prod.apply(deployment("devmatrix", "1.43.1-nopull")).unwrap();
    eventually("it fails there", || async {
        let cell = engine.matrix(&actor("viv")).await.unwrap().components[0].cells["prod"].clone();
        cell.failing_pod.filter(|said| said.reason == "ImagePullBackOff")
    })
    .await;
    let name = |text: &str| Name::parse("name", text).unwrap();
    let restart = Request::Restart { component: name("api"), environment: name("prod"), reason: "again".into() };
    let restarted = engine.ask(&bea, restart, None).await.unwrap().change;
    world.approved(&restarted, "dmitri").await;
    let failed = world.ends(&restarted, State::Failed).await;
    assert_eq!(answered(&world, &failed).await, "rollback.automatic (failed): A restart is not rolled back by itself.");
    let lines = engine.story(&actor("viv"), &errored.id).await.unwrap();
    assert!(!lines.iter().any(|line| line.text.starts_with("rollback.automatic")), "as many sweeps have gone by: {lines:?}");
    let all = engine.changes(&actor("viv"), &Default::default(), Default::default()).await.unwrap().items;
    assert!(all.iter().all(|change| change.plan.kind != Kind::Rollback));
}

/// The last that succeeded was rolled back by a person: it is on hold, and no way back; the one before it is.
#[tokio::test(flavor = "multi_thread")]
async fn what_is_on_hold_is_no_way_back() {
    let world = World::configured(&automatic(), Patience::default(), |_| {}).await;
    succeeds_in_production(&world).await;
    let held = world.promotable("1.44.0").await;
    world.approved(&held, "dmitri").await;
    world.ends(&held, State::Succeeded).await;
    world.judged(&held).await;
    world.settled("prod").await;
    let good = world.engine.deployments(&actor("viv"), "api", Some("prod"), Default::default()).await.unwrap().items;
    let good = good.iter().find(|record| record.tag.as_deref() == Some("1.43.1")).unwrap().revision;
    let back = world.engine.ask(&world.actor("bea"), rollback(good), None).await.unwrap().change;
    world.ends(&back, State::Succeeded).await;
    world.judged(&back).await;
    world.settled("prod").await;
    let failed = fails_in_production(&world).await;
    let label = answered(&world, &failed).await.rsplit(' ').next().unwrap().to_owned();
    let way = world.engine.change(&actor("viv"), &label).await.unwrap();
    assert_eq!(way.plan.to.version(), "1.43.1");
    world.ends(&way, State::Succeeded).await;
}

/// Between what succeeded and what failed somebody deployed a release that cannot be gone back over.
#[tokio::test(flavor = "multi_thread")]
async fn over_an_irreversible_release_in_between_a_person_decides() {
    let world = World::configured(&automatic(), Patience::default(), |_| {}).await;
    succeeds_in_production(&world).await;
    let mut marked = deployment("devmatrix", "1.43.5");
    marked["spec"]["template"]["metadata"]["annotations"] = json!({"devmatrix.io/irreversible": "drops a column"});
    world.prod.apply(marked).unwrap();
    world.runs("prod", "1.43.5").await;
    let mut plain = deployment("devmatrix", "1.43.6");
    plain["spec"]["template"]["metadata"]["annotations"] = json!({"devmatrix.io/irreversible": null});
    world.prod.apply(plain).unwrap();
    world.runs("prod", "1.43.6").await;
    let failed = fails_in_production(&world).await;
    let said = answered(&world, &failed).await;
    assert!(said.contains("A release in between cannot be undone") && said.contains("drops a column"), "{said}");
}

#[tokio::test(flavor = "multi_thread")]
async fn without_the_option_a_failure_stays_as_it_is() {
    let world = World::new().await;
    let failed = fails_in_production(&world).await;
    // A later change that ends has been through as many sweeps.
    let back = world.engine.ask(&world.actor("bea"), rollback(1), None).await.unwrap().change;
    world.ends(&back, State::Succeeded).await;
    let lines = world.engine.story(&actor("viv"), &failed.id).await.unwrap();
    assert!(!lines.iter().any(|line| line.text.starts_with("rollback.automatic")));
    assert_eq!(world.engine.changes(&actor("viv"), &Default::default(), Default::default()).await.unwrap().items.len(), 2);
}
