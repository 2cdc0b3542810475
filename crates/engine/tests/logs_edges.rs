//! Following logs at the edges: more containers than one view reads, clocks that differ, rights that are missing.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

mod support;

use domain::clusters::logs::After;
use domain::clusters::{LineFilter, LineKind, LogLine, LogsWanted, Moment};
use domain::names::Name;
use engine::logs::Follow;
use serde_json::json;
use sim::Match;
use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;
use support::{World, actor, deployment, eventually};

const NAMESPACE: &str = "devmatrix";

fn wanted() -> LogsWanted {
    LogsWanted {
        component: Name::parse("component", "api").unwrap(),
        environment: Name::parse("environment", "prod").unwrap(),
        tail: LogsWanted::TAIL,
        filter: LineFilter::default(),
        previous: false,
        since: None,
        after: After::default(),
    }
}

/// Takes lines until there are enough.
async fn take(follow: &mut Follow, lines: &mut Vec<LogLine>, what: &str, enough: impl Fn(&[LogLine]) -> bool) {
    let all = async {
        while !enough(lines) {
            lines.extend(follow.next().await.expect("it goes on"));
        }
    };
    let ended = tokio::time::timeout(Duration::from_secs(45), all).await.is_ok();
    let said: Vec<&LogLine> = lines.iter().filter(|line| line.kind != LineKind::Line).collect();
    assert!(ended, "waited in vain: {what}: {} lines, {said:#?}", lines.len());
}

fn names(world: &World) -> BTreeSet<String> {
    world.prod.list("pods", NAMESPACE).iter().map(|pod| pod["metadata"]["name"].as_str().unwrap().to_owned()).collect()
}

/// The pods whose lines these are.
fn writers(lines: &[LogLine]) -> BTreeSet<String> {
    lines.iter().filter(|line| line.kind == LineKind::Line).map(|line| line.pod.clone()).collect()
}

fn replicas(world: &World, number: usize) {
    let mut object = deployment(NAMESPACE, "1.42.3");
    object["spec"]["replicas"] = json!(number);
    world.prod.apply(object).unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn newer_pods_take_the_places_of_those_that_were_followed() {
    let world = World::new().await;
    replicas(&world, engine::logs::CONTAINERS);
    let shown = || async {
        let view = world.engine.component(&actor("viv"), "api").await.unwrap();
        let here = view.environments.into_iter().find(|here| here.environment.name == "prod").unwrap();
        (here.pods.len(), here.pods.iter().all(|pod| pod.ready))
    };
    eventually("all run", || async { (shown().await == (engine::logs::CONTAINERS, true)).then_some(()) }).await;
    let (old, mut lines) = (names(&world), Vec::new());
    let mut log = world.engine.follow_logs(&actor("viv"), LogsWanted { tail: LogsWanted::MOST, ..wanted() }).await.unwrap();
    take(&mut log, &mut lines, "all are followed", |lines| writers(lines) == old).await;
    replicas(&world, engine::logs::CONTAINERS + 3);
    let new = eventually("three more are there", || async {
        let new: BTreeSet<String> = names(&world).difference(&old).cloned().collect();
        (new.len() == 3).then_some(new)
    })
    .await;
    take(&mut log, &mut lines, "the new ones are followed", |lines| new.is_subset(&writers(lines))).await;
    let before = lines.len();
    take(&mut log, &mut lines, "it goes on", |lines| lines.len() > before + 300).await;
    let still = writers(&lines[before + 100..]);
    assert_eq!(still.len(), engine::logs::CONTAINERS, "as many as before, and not more: {still:?}");
    assert!(lines.iter().any(|line| line.text == "50 of 53 containers are followed, those of the newest pods"));
}

/// The clock of this pod's node is so many seconds behind.
fn set_behind(world: &World, pod: &str, seconds: i64) {
    let mut object = world.prod.get("pods", NAMESPACE, pod).unwrap();
    object["metadata"]["annotations"]["sim.devmatrix.io/clock-behind"] = json!(seconds.to_string());
    world.prod.apply(object).unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn each_container_goes_on_where_its_own_log_was_left() {
    let world = World::new().await;
    let slow = names(&world).pop_first().unwrap();
    set_behind(&world, &slow, 60);
    let (mut log, mut lines) = (world.engine.follow_logs(&actor("viv"), wanted()).await.unwrap(), Vec::new());
    take(&mut log, &mut lines, "all write", |lines| writers(lines).len() == 3).await;
    drop(log);
    // What a reader has that comes back: the last stamp of each container.
    let mut last: BTreeMap<String, Moment> = BTreeMap::new();
    for line in lines.iter().filter(|line| line.kind == LineKind::Line) {
        let at = last.entry(line.pod.clone()).or_insert(line.at);
        *at = line.at.max(*at);
    }
    let newest = last.values().max().copied().unwrap();
    assert!(newest.0 - last[&slow].0 > 50_000_000_000, "its stamps are behind: {last:?}");
    let after: Vec<String> = last.iter().map(|(pod, at)| format!("{pod}/api@{at}")).collect();
    let back = LogsWanted { after: After::parse(&after.join(",")).unwrap(), since: Some(newest), tail: LogsWanted::MOST, ..wanted() };
    let (mut log, mut again) = (world.engine.follow_logs(&actor("viv"), back).await.unwrap(), Vec::new());
    take(&mut log, &mut again, "all three go on", |lines| {
        last.iter().all(|(pod, at)| lines.iter().filter(|line| line.pod == *pod && line.at > *at).count() > 3)
    })
    .await;
    for (pod, at) in &last {
        let theirs: Vec<Moment> =
            again.iter().filter(|line| line.pod == *pod && line.text.contains("request_id=")).map(|line| line.at).collect();
        assert!(theirs[0] >= *at, "{pod}: nothing of long before");
        let seconds: Vec<i64> = theirs.iter().map(|at| at.0.div_euclid(1_000_000_000)).collect();
        let whole: Vec<i64> = (seconds[0]..seconds[0] + seconds.len() as i64).collect();
        assert_eq!(seconds, whole, "{pod}: none lost, none doubled");
        assert!(seconds[0] - at.0.div_euclid(1_000_000_000) <= 1, "{pod}: from the line that it was left at");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_pod_that_joins_is_read_whole_whatever_its_clock_says() {
    let world = World::new().await;
    let since = Moment::from(world.engine.now());
    let (mut log, mut lines) =
        (world.engine.follow_logs(&actor("viv"), LogsWanted { since: Some(since), ..wanted() }).await.unwrap(), Vec::new());
    let mut object = deployment(NAMESPACE, "1.50.0");
    object["spec"]["template"]["metadata"]["annotations"] = json!({"sim.devmatrix.io/clock-behind": "600"});
    world.prod.apply(object).unwrap();
    take(&mut log, &mut lines, "the new pods write, ten minutes ago by their clocks", |lines| {
        let early: Vec<LogLine> = lines.iter().filter(|line| line.at < since).cloned().collect();
        writers(&early).len() == 3
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_right_that_is_missing_on_the_way_to_the_pods_is_named() {
    let world = World::new().await;
    world.prod.faults().forbid(Match::on("list", "replicasets"));
    world.engine.stop().await;
    let portal = world.another_portal().await;
    let error = eventually("the right is missing", || async {
        portal.logs(&actor("viv"), &wanted()).await.err().filter(|error| error.status() == 403)
    })
    .await;
    assert_eq!(
        (error.code(), error.to_string().as_str()),
        ("cluster_forbids", "The portal may not list and watch replicasets in devmatrix.")
    );
    let refused = portal.follow_logs(&actor("viv"), wanted()).await.err().unwrap();
    assert_eq!(refused.code(), "cluster_forbids");
    portal.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_right_that_is_withdrawn_while_a_log_is_followed_is_named() {
    let world = World::new().await;
    let (mut log, mut lines) = (world.engine.follow_logs(&actor("viv"), wanted()).await.unwrap(), Vec::new());
    take(&mut log, &mut lines, "what there is", |lines| writers(lines).len() == 3).await;
    world.prod.faults().forbid(Match::on("list", "pods"));
    world.prod.compact();
    world.prod.faults().expire_watches();
    let said = |lines: &[LogLine], text: &str| lines.iter().any(|line| line.kind == LineKind::Trouble && line.text.starts_with(text));
    take(&mut log, &mut lines, "it is named", |lines| said(lines, "The portal may not list and watch pods in devmatrix.")).await;
    assert!(!lines.iter().any(|line| line.text.contains("does not answer")), "{lines:#?}");
    world.prod.faults().clear();
    take(&mut log, &mut lines, "it is granted again", |lines| said(lines, "the portal may read in cluster prod again")).await;
    let back = lines.len();
    take(&mut log, &mut lines, "it goes on", |lines| writers(&lines[back..]).len() == 3).await;
}
