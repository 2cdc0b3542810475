//! Stories of the other kinds: StatefulSets and DaemonSets are promoted and rolled back like Deployments; anything is scaled and
//! restarted by the same path. With STORIES_POSTGRES set, on PostgreSQL.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

mod deploys;
mod held_up;
mod jobs;
mod numbers;
#[path = "../support/mod.rs"]
mod support;
mod trains;

use domain::changes::{CHANGE_ANNOTATION, Change, Request, State};
use domain::names::Name;
use domain::releases::{DeploymentRecord, RecordOutcome};
use serde_json::{Value, json};
use sim::{Cluster, Fault, Match};
use std::time::Duration;
use support::{World, actor, eventually};

fn name(text: &str) -> Name {
    Name::parse("name", text).unwrap()
}

fn image(component: &str, tag: &str) -> String {
    format!("registry.devmatrix.example/mirror/{component}:{tag}")
}

/// A StatefulSet of two pods, or a DaemonSet, without annotations of its own.
fn object(kind: &str, component: &str, namespace: &str, tag: &str) -> Value {
    let labels = json!({"app": component});
    let mut object = json!({
        "apiVersion": "apps/v1", "kind": kind,
        "metadata": {"name": component, "namespace": namespace},
        "spec": {
            "selector": {"matchLabels": labels},
            "template": {"metadata": {"labels": labels}, "spec": {"containers": [{"name": component, "image": image(component, tag)}]}},
        },
    });
    if kind == "StatefulSet" {
        object["spec"]["replicas"] = json!(2);
        object["spec"]["serviceName"] = json!(component);
    }
    object
}

struct Story {
    world: World,
    component: &'static str,
}

impl Story {
    /// Staging runs 2.0, production 1.0, both seen healthy and recorded.
    async fn of(kind: &'static str, component: &'static str) -> Story {
        let world = World::new().await;
        world.staging.apply(object(kind, component, "devmatrix-staging", "2.0")).unwrap();
        world.prod.apply(object(kind, component, "devmatrix", "1.0")).unwrap();
        let story = Story { world, component };
        story.runs("staging", "2.0").await;
        story.runs("prod", "1.0").await;
        story
    }

    async fn runs(&self, environment: &str, tag: &str) {
        eventually(&format!("{} {tag} is healthy in {environment}, and recorded", self.component), || async {
            let view = self.world.engine.component(&actor("viv"), self.component).await.unwrap();
            let here = view.environments.into_iter().find(|here| here.environment.name == environment)?;
            let newest = here.deployments.first()?;
            let recorded = Some(newest.revision) == here.cell.revision && newest.digest.is_some();
            let good = here.cell.state.as_str() == "healthy" && here.cell.tag.as_deref() == Some(tag);
            (good && recorded).then_some(())
        })
        .await;
    }

    async fn ask(&self, request: Request) -> Change {
        self.world.engine.ask(&self.world.actor("pia"), request, None).await.unwrap().change
    }

    fn promote(&self) -> Request {
        Request::Promote { component: name(self.component), environment: name("prod"), from: name("staging"), reason: "a story".into() }
    }

    fn rollback(&self, to_revision: i64) -> Request {
        Request::Rollback {
            component: name(self.component),
            environment: name("prod"),
            to_revision,
            restore_config: false,
            reason: "a story".into(),
        }
    }

    async fn records(&self) -> Vec<DeploymentRecord> {
        self.world.engine.deployments(&actor("viv"), self.component, Some("prod"), Default::default()).await.unwrap().items
    }

    /// The records, once the one of this change says how it ended.
    async fn judged(&self, change: &Change) -> Vec<DeploymentRecord> {
        eventually("the record says how it ended", || async {
            let records = self.records().await;
            let judged = records.iter().any(|r| r.change.as_ref() == Some(&change.id) && r.outcome != RecordOutcome::Running);
            judged.then_some(records)
        })
        .await
    }
}

fn template_image(cluster: &Cluster, plural: &str, component: &str) -> String {
    let object = cluster.get(plural, "devmatrix", component).unwrap();
    object["spec"]["template"]["spec"]["containers"][0]["image"].as_str().unwrap().to_owned()
}

/// A rollback is a list of operations, the marks among them: what somebody annotates after its plan is kept.
#[tokio::test(flavor = "multi_thread")]
async fn an_annotation_that_comes_between_the_plan_and_the_write_of_a_rollback_stays() {
    let story = Story::of("StatefulSet", "postgres").await;
    let prod = &story.world.prod;
    prod.apply(object("StatefulSet", "postgres", "devmatrix", "1.1")).unwrap();
    story.runs("prod", "1.1").await;
    let look = Match::on("get", "statefulsets").named("postgres");
    prod.faults().fail(look.clone(), Fault::Delay(Duration::ZERO), 1);
    prod.faults().fail(look, Fault::Delay(Duration::from_secs(2)), 1);
    let back = story.ask(story.rollback(1)).await;
    let mut annotated = prod.get("statefulsets", "devmatrix", "postgres").unwrap();
    assert_eq!(annotated["metadata"].get("annotations"), None, "the plan found none");
    annotated["metadata"]["resourceVersion"].take();
    annotated["metadata"]["annotations"] = json!({"team": "platform"});
    prod.apply(annotated).unwrap();
    story.world.ends(&back, State::Succeeded).await;
    let annotations = prod.get("statefulsets", "devmatrix", "postgres").unwrap()["metadata"]["annotations"].clone();
    assert_eq!((&annotations["team"], &annotations[CHANGE_ANNOTATION]), (&json!("platform"), &json!(back.id)));
    assert_eq!((template_image(prod, "statefulsets", "postgres"), prod.faults().pending()), (image("postgres", "1.0"), 0));
}

async fn there_and_back(kind: &'static str, plural: &str, component: &'static str) {
    let story = Story::of(kind, component).await;
    let change = story.ask(story.promote()).await;
    assert_eq!(story.world.effective_writes(), 0, "nothing is written before the vote");
    story.world.approved(&change, "dmitri").await;
    story.world.ends(&change, State::Succeeded).await;
    let digest = change.plan.to.digest.clone().unwrap();
    assert_eq!(template_image(&story.world.prod, plural, component), format!("{}@{digest}", image(component, "2.0")));
    story.runs("prod", "2.0").await;
    let records = story.judged(&change).await;
    assert_eq!(records.iter().map(|r| r.revision).collect::<Vec<_>>(), [2, 1]);
    assert_eq!((records[0].change.as_ref(), records[0].outcome), (Some(&change.id), RecordOutcome::Succeeded));
    assert_eq!(records[0].digest.as_ref(), Some(&digest));
    assert_eq!((records[1].change.as_ref(), records[1].image.as_str()), (None, image(component, "1.0").as_str()));

    let back = story.ask(story.rollback(1)).await;
    assert_eq!(back.state, State::Ready, "a rollback needs no second person");
    story.world.ends(&back, State::Succeeded).await;
    assert_eq!(template_image(&story.world.prod, plural, component), image(component, "1.0"));
    assert_eq!(story.world.effective_writes(), 2, "one write for each change");
    story.runs("prod", "1.0").await;
    let records = story.judged(&back).await;
    assert_eq!(records.iter().map(|r| r.revision).collect::<Vec<_>>(), [3, 2, 1], "the old ControllerRevision has a new number");
    assert_eq!((records[0].change.as_ref(), records[0].by.as_deref()), (Some(&back.id), Some("pia")));
    let held = story.world.engine.ask(&story.world.actor("pia"), story.promote(), None).await.unwrap_err();
    assert_eq!(held.code(), "release_on_hold");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_stateful_set_goes_there_and_back() {
    there_and_back("StatefulSet", "statefulsets", "postgres").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_daemon_set_goes_there_and_back() {
    there_and_back("DaemonSet", "daemonsets", "filebeat").await;
}

async fn ends_with_the_pods_words(kind: &'static str, component: &'static str) {
    let world = World::new().await;
    let story = Story { world, component };
    let mut bad = object(kind, component, "devmatrix", "0.9-nopull");
    // A set that is stuck on a bad pod is not healed by a new template, so nothing of it may have run.
    if kind == "StatefulSet" {
        bad["spec"]["replicas"] = json!(0);
    }
    story.world.prod.apply(bad).unwrap();
    eventually("the bad revision is recorded", || async { story.records().await.first().map(|_| ()) }).await;
    story.world.prod.apply(object(kind, component, "devmatrix", "1.0")).unwrap();
    story.runs("prod", "1.0").await;

    let change = story.ask(story.rollback(1)).await;
    let ended = story.world.ends(&change, State::Failed).await;
    let said = ended.outcome.unwrap().failing_pod.unwrap();
    assert_eq!((said.reason.as_str(), said.container.as_str()), ("ImagePullBackOff", component));
    let records = story.judged(&change).await;
    assert_eq!(records[0].outcome, RecordOutcome::Failed);
    assert!(story.world.engine.holds(&actor("viv"), Some(component), None).await.unwrap().is_empty(), "a failed rollback sets no hold");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_stateful_set_whose_pod_cannot_start_fails_with_its_words() {
    ends_with_the_pods_words("StatefulSet", "postgres").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_daemon_set_whose_pod_cannot_start_fails_with_its_words() {
    ends_with_the_pods_words("DaemonSet", "filebeat").await;
}

async fn restarted(kind: &'static str, component: &'static str) {
    let story = match kind {
        "Deployment" => Story { world: World::new().await, component },
        kind => Story::of(kind, component).await,
    };
    let before = story.records().await;
    let change = story.ask(Request::Restart { component: name(component), environment: name("prod"), reason: "a leak".into() }).await;
    story.world.approved(&change, "dmitri").await;
    story.world.ends(&change, State::Succeeded).await;
    assert_eq!(story.world.effective_writes(), 1);
    let records = story.judged(&change).await;
    assert_eq!((records[0].revision, records[0].change.as_ref()), (before[0].revision + 1, Some(&change.id)));
    assert_eq!(records[0].image, before[0].image, "what runs stays");
    let pods = story.world.prod.list("pods", "devmatrix");
    let app = if component == "api" { "devmatrix-api" } else { component };
    let marks: Vec<_> = pods
        .iter()
        .filter(|pod| pod["metadata"]["labels"]["app"] == app && pod["metadata"].get("deletionTimestamp").is_none())
        .map(|pod| pod["metadata"]["annotations"]["kubectl.kubernetes.io/restartedAt"].as_str())
        .collect();
    assert!(!marks.is_empty() && marks.iter().all(Option::is_some), "every pod is a new one: {marks:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_deployment_restarts() {
    restarted("Deployment", "api").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_stateful_set_restarts() {
    restarted("StatefulSet", "postgres").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_daemon_set_restarts() {
    restarted("DaemonSet", "filebeat").await;
}

/// A Deployment of `worker` with a migration that runs first, a proxy, and a shipper that nobody named.
fn worker(namespace: &str, tag: &str) -> Value {
    let mut object = object("Deployment", "worker", namespace, tag);
    let spec = &mut object["spec"]["template"]["spec"];
    spec["initContainers"] = json!([{"name": "migrate", "image": image("migrate", tag)}]);
    for name in ["proxy", "shipper"] {
        spec["containers"].as_array_mut().unwrap().push(json!({"name": name, "image": image(name, tag)}));
    }
    object
}

#[tokio::test(flavor = "multi_thread")]
async fn all_containers_of_a_release_go_together() {
    let world = World::new().await;
    world.staging.apply(worker("devmatrix-staging", "2.0")).unwrap();
    world.prod.apply(worker("devmatrix", "1.0")).unwrap();
    let story = Story { world, component: "worker" };
    story.runs("staging", "2.0").await;
    story.runs("prod", "1.0").await;
    let change = story.ask(story.promote()).await;
    story.world.approved(&change, "dmitri").await;
    story.world.ends(&change, State::Succeeded).await;
    assert_eq!(story.world.effective_writes(), 1);
    let images = |list: &str| -> Vec<String> {
        let object = story.world.prod.get("deployments", "devmatrix", "worker").unwrap();
        let containers = object["spec"]["template"]["spec"][list].as_array().unwrap().clone();
        containers.iter().map(|container| container["image"].as_str().unwrap().to_owned()).collect()
    };
    let pinned = |name: &str| {
        let tagged = image(name, "2.0");
        let (_, digest) = sim::digest_of(&tagged).split_once('@').map(|(a, b)| (a.to_owned(), b.to_owned())).unwrap();
        format!("{tagged}@{digest}")
    };
    assert_eq!(images("containers"), [pinned("worker"), pinned("proxy"), image("shipper", "1.0")]);
    assert_eq!(images("initContainers"), [pinned("migrate")]);

    let back = story.ask(story.rollback(1)).await;
    story.world.ends(&back, State::Succeeded).await;
    assert_eq!(images("containers"), ["worker", "proxy", "shipper"].map(|name| image(name, "1.0")), "a rollback restores them all");
    assert_eq!(images("initContainers"), [image("migrate", "1.0")]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_set_that_may_not_make_its_pods_fails_with_the_refusal() {
    let story = Story::of("StatefulSet", "postgres").await;
    // The next pod is replaced after an hour only, so that the rollout is under way while the controller complains.
    let mut patient = object("StatefulSet", "postgres", "devmatrix", "1.0");
    patient["spec"]["minReadySeconds"] = json!(3600);
    story.world.prod.apply(patient).unwrap();
    let change = story.ask(story.promote()).await;
    story.world.approved(&change, "dmitri").await;
    eventually("it is written", || async { (story.world.effective_writes() == 1).then_some(()) }).await;
    let why = "create Pod postgres-1 in StatefulSet postgres failed error: pods \"postgres-1\" is forbidden: exceeded quota: small, \
               requested: pods=1, used: pods=2, limited: pods=2";
    let at = jiff::Timestamp::now().to_string();
    let event = json!({
        "apiVersion": "v1", "kind": "Event", "metadata": {"name": "postgres.1", "namespace": "devmatrix"}, "type": "Warning",
        "involvedObject": {"kind": "StatefulSet", "name": "postgres", "namespace": "devmatrix"}, "reason": "FailedCreate", "message": why,
        "firstTimestamp": at, "lastTimestamp": at, "count": 12,
    });
    story.world.prod.apply(event).unwrap();
    let ended = story.world.ends(&change, State::Failed).await;
    assert_eq!(ended.outcome.unwrap().reason, why);
}
