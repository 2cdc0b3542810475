//! Logs of all pods of a component on a simulated cluster: merged, followed through rollouts, broken connections and lost clusters,
//! each line once. And the Events that stand beside them.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

mod support;

use domain::clusters::logs::After;
use domain::clusters::{LineFilter, LineKind, LogLine, Logs, LogsWanted, Moment};
use domain::names::Name;
use engine::logs::Follow;
use sim::{Fault, Match};
use std::collections::{BTreeMap, BTreeSet};
use std::time::{Duration, Instant};
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

async fn read(world: &World, wanted: &LogsWanted) -> Logs {
    world.engine.logs(&actor("viv"), wanted).await.unwrap()
}

async fn follow(world: &World) -> Follow {
    world.engine.follow_logs(&actor("viv"), wanted()).await.unwrap()
}

/// Takes lines until there are enough.
async fn take(follow: &mut Follow, lines: &mut Vec<LogLine>, what: &str, enough: impl Fn(&[LogLine]) -> bool) {
    let all = async {
        while !enough(lines) {
            lines.extend(follow.next().await.expect("it goes on"));
        }
    };
    let ended = tokio::time::timeout(Duration::from_secs(45), all).await.is_ok();
    assert!(ended, "waited in vain: {what}: {lines:#?}");
}

fn of_kind(lines: &[LogLine], kind: LineKind) -> Vec<&LogLine> {
    lines.iter().filter(|line| line.kind == kind).collect()
}

fn pods(lines: &[LogLine], kind: LineKind) -> BTreeSet<String> {
    of_kind(lines, kind).into_iter().map(|line| line.pod.clone()).collect()
}

fn by_pod(lines: &[LogLine]) -> BTreeMap<&str, Vec<&LogLine>> {
    let mut all: BTreeMap<&str, Vec<&LogLine>> = BTreeMap::new();
    of_kind(lines, LineKind::Line).into_iter().for_each(|line| all.entry(&line.pod).or_default().push(line));
    all
}

/// In the simulated cluster a container writes once in each second: none is missing, and none is there twice.
fn is_whole(lines: &[LogLine]) {
    for (pod, lines) in by_pod(lines) {
        let mut seconds: Vec<i64> =
            lines.iter().filter(|line| line.text.contains("request_id=")).map(|line| line.at.0.div_euclid(1_000_000_000)).collect();
        let (first, count) = (seconds.first().copied().unwrap_or_default(), seconds.len() as i64);
        seconds.dedup();
        assert_eq!(seconds, (first..first + count).collect::<Vec<_>>(), "{pod}");
    }
}

fn names(world: &World) -> BTreeSet<String> {
    let pods = world.prod.list("pods", NAMESPACE);
    let living = pods.iter().filter(|pod| pod["metadata"]["deletionTimestamp"].is_null());
    living.map(|pod| pod["metadata"]["name"].as_str().unwrap().to_owned()).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn the_newest_lines_of_all_pods_are_merged_and_filtered() {
    let world = World::new().await;
    let logs = eventually("each pod has written a few lines", || async {
        let logs = read(&world, &wanted()).await;
        (by_pod(&logs.lines).values().all(|lines| lines.len() > 8) && logs.lines.len() > 30).then_some(logs)
    })
    .await;
    assert_eq!((logs.pods, logs.read, logs.not_read, logs.containers.as_slice()), (3, 3, 0, ["api".to_owned()].as_slice()));
    assert_eq!(pods(&logs.lines, LineKind::Line), names(&world));
    assert!(logs.lines.is_sorted_by_key(|line| line.at));
    is_whole(&logs.lines);

    let few = read(&world, &LogsWanted { tail: 7, ..wanted() }).await;
    assert_eq!(few.lines.len(), 7);
    assert!(few.lines[0].at >= logs.lines[logs.lines.len() - 7].at, "the newest of all");

    let filter = LineFilter::new(Some("api".into()), Some("Method=Get"));
    let gets = read(&world, &LogsWanted { filter, ..wanted() }).await;
    assert!(!gets.lines.is_empty() && gets.lines.iter().all(|line| line.text.contains("method=GET")), "{:?}", gets.lines);
    assert!(gets.hidden > 0);
    let nothing = read(&world, &LogsWanted { filter: LineFilter::new(None, Some("no such words")), ..wanted() }).await;
    assert!(nothing.lines.is_empty() && nothing.hidden > 30);
    let elsewhere = read(&world, &LogsWanted { filter: LineFilter::new(Some("sidecar".into()), None), ..wanted() }).await;
    assert_eq!((elsewhere.lines.len(), elsewhere.read, elsewhere.containers.len()), (0, 0, 1));

    let middle = logs.lines[logs.lines.len() / 2].at;
    let late = read(&world, &LogsWanted { since: Some(middle), ..wanted() }).await;
    assert_eq!(late.lines[0].at, middle, "to the very line");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_log_is_followed_through_a_rollout_without_a_line_lost_or_doubled() {
    let world = World::new().await;
    let (old, mut log, mut lines) = (names(&world), follow(&world).await, Vec::new());
    take(&mut log, &mut lines, "what there is", |lines| pods(lines, LineKind::Line).len() == 3).await;
    world.prod.apply(deployment(NAMESPACE, "1.50.0")).unwrap();
    take(&mut log, &mut lines, "the old pods end", |lines| pods(lines, LineKind::Ended) == old).await;
    let new = names(&world);
    assert_eq!(pods(&lines, LineKind::Joined), new, "each pod joins once, those that were there do not");
    assert_eq!(of_kind(&lines, LineKind::Joined).len(), 3);
    assert!(of_kind(&lines, LineKind::Ended).iter().all(|line| line.text.contains("deleted")), "{lines:#?}");
    take(&mut log, &mut lines, "the new pods write", |lines| {
        let per_pod = by_pod(lines);
        new.iter().all(|pod| per_pod.get(pod.as_str()).is_some_and(|lines| lines.len() > 6))
    })
    .await;
    is_whole(&lines);
    assert!(of_kind(&lines, LineKind::Trouble).is_empty(), "{:#?}", of_kind(&lines, LineKind::Trouble));
    // What was followed is what is there.
    let there = read(&world, &LogsWanted { tail: LogsWanted::MOST, ..wanted() }).await.lines;
    for (pod, followed) in by_pod(&lines).into_iter().filter(|(pod, _)| new.contains(*pod)) {
        assert_eq!(followed, by_pod(&there)[pod][..followed.len()], "{pod} from its first line on");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn connections_that_break_are_taken_up_where_they_broke() {
    let world = World::new().await;
    let (mut log, mut lines) = (follow(&world).await, Vec::new());
    take(&mut log, &mut lines, "what there is", |lines| !lines.is_empty()).await;
    for _ in 0..4 {
        world.prod.faults().drop_logs();
        let last = lines.last().unwrap().at;
        take(&mut log, &mut lines, "all three go on", |lines| {
            by_pod(lines).values().filter(|lines| lines.last().is_some_and(|line| line.at > last)).count() == 3
        })
        .await;
    }
    world.prod.faults().fail(Match::on("get", "pods"), Fault::Answer(500), 3);
    world.prod.faults().drop_logs();
    let before = lines.len();
    take(&mut log, &mut lines, "it goes on", |lines| lines.len() > before + 9).await;
    is_whole(&lines);
    assert_eq!(of_kind(&lines, LineKind::Line).len(), lines.len(), "nothing else is said: {lines:#?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_pod_that_dies_is_said_and_its_successor_joins() {
    let world = World::new().await;
    let (mut log, mut lines) = (follow(&world).await, Vec::new());
    take(&mut log, &mut lines, "what there is", |lines| pods(lines, LineKind::Line).len() == 3).await;
    let victim = names(&world).pop_first().unwrap();
    world.prod.delete("pods", NAMESPACE, &victim).unwrap();
    let is_over = |lines: &[LogLine]| {
        let joined = pods(lines, LineKind::Joined);
        pods(lines, LineKind::Ended).contains(&victim)
            && joined.len() == 1
            && joined.iter().all(|pod| by_pod(lines).contains_key(pod.as_str()))
    };
    take(&mut log, &mut lines, "one ends, one joins and writes", is_over).await;
    let end = lines.iter().position(|line| line.kind == LineKind::Ended).unwrap();
    assert!(lines[end..].iter().all(|line| line.pod != victim || line.kind == LineKind::Ended), "its end is its last line");
    assert_eq!(pods(&lines, LineKind::Ended).len(), 1);
    is_whole(&lines);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_container_that_crashes_says_why_in_its_run_before() {
    let world = World::new().await;
    let nothing = read(&world, &LogsWanted { previous: true, ..wanted() }).await;
    assert_eq!((nothing.lines.len(), nothing.read, nothing.pods), (0, 0, 3), "nothing has run before, and that is no trouble");

    let (mut log, mut lines) = (follow(&world).await, Vec::new());
    world.prod.apply(deployment(NAMESPACE, "1.50.0-crash")).unwrap();
    take(&mut log, &mut lines, "a crash is followed", |lines| {
        of_kind(lines, LineKind::Ended)
            .iter()
            .any(|line| line.text == "the container has ended: exit code 1, Error" && line.container == "api")
            && of_kind(lines, LineKind::Line).iter().any(|line| line.text.starts_with("FATAL"))
    })
    .await;
    let before = eventually("each new pod has a run before", || async {
        let logs = read(&world, &LogsWanted { previous: true, ..wanted() }).await;
        (pods(&logs.lines, LineKind::Line).len() == 3).then_some(logs)
    })
    .await;
    for (pod, lines) in by_pod(&before.lines) {
        assert!(lines.last().unwrap().text.starts_with("FATAL startup failed"), "{pod}: {lines:?}");
    }
    assert!(of_kind(&before.lines, LineKind::Trouble).is_empty(), "those that never crashed are passed over: {:?}", before.lines);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_container_that_waits_says_what_for() {
    let world = World::new().await;
    world.prod.apply(deployment(NAMESPACE, "1.50.0-nopull")).unwrap();
    let lines = eventually("it cannot be pulled", || async {
        let lines = read(&world, &wanted()).await.lines;
        of_kind(&lines, LineKind::Trouble).iter().any(|line| line.text.contains("failing to pull image")).then_some(lines)
    })
    .await;
    assert_eq!(pods(&lines, LineKind::Line).len(), 3, "the others are read all the same");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_cluster_in_a_black_hole_is_an_answer_and_the_log_goes_on_when_it_is_back() {
    let world = World::new().await;
    let (mut log, mut lines) = (follow(&world).await, Vec::new());
    take(&mut log, &mut lines, "what there is", |lines| pods(lines, LineKind::Line).len() == 3).await;
    world.prod.faults().black_hole(true);
    let began = Instant::now();
    let error = world.engine.logs(&actor("viv"), &wanted()).await.unwrap_err();
    assert_eq!((error.status(), error.code()), (503, "unavailable"), "{error}");
    assert!(error.to_string().contains("Cluster prod"), "{error}");
    assert!(began.elapsed() < Duration::from_secs(15), "{:?}", began.elapsed());
    take(&mut log, &mut lines, "it is said", |lines| lines.iter().any(|line| line.text.contains("cluster prod does not answer"))).await;
    let error = world.engine.follow_logs(&actor("viv"), wanted()).await.err().unwrap();
    assert_eq!(error.status(), 503);
    let staging = LogsWanted { environment: Name::parse("environment", "staging").unwrap(), ..wanted() };
    assert!(!read(&world, &staging).await.lines.is_empty(), "the other cluster does not notice");

    world.prod.faults().black_hole(false);
    take(&mut log, &mut lines, "it is back", |lines| lines.iter().any(|line| line.text == "cluster prod answers again")).await;
    let back = lines.len();
    take(&mut log, &mut lines, "it goes on", |lines| by_pod(&lines[back..]).len() == 3 && lines.len() > back + 12).await;
    is_whole(&lines);
    assert_eq!(pods(&lines, LineKind::Ended), BTreeSet::new(), "nobody has ended because nobody was seen");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_missing_right_is_named() {
    let world = World::new().await;
    let mut log = follow(&world).await;
    let mut lines = Vec::new();
    take(&mut log, &mut lines, "what there is", |lines| !lines.is_empty()).await;
    world.prod.faults().forbid(Match::on("get", "pods"));
    let error = world.engine.logs(&actor("viv"), &wanted()).await.unwrap_err();
    assert_eq!((error.status(), error.code()), (403, "cluster_forbids"));
    assert_eq!(error.to_string(), "The portal may not get pods/log in devmatrix.");
    world.prod.faults().drop_logs();
    take(&mut log, &mut lines, "it is said", |lines| lines.iter().any(|line| line.text == "the portal may not get pods/log in devmatrix"))
        .await;
    assert_eq!(of_kind(&lines, LineKind::Trouble).len(), 1, "once, not for each pod");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_log_that_is_dropped_leaves_no_connection() {
    let world = World::new().await;
    let (mut log, mut lines) = (follow(&world).await, Vec::new());
    take(&mut log, &mut lines, "what there is", |lines| pods(lines, LineKind::Line).len() == 3).await;
    drop(log);
    // Nobody reads any more: a request that would fail is not made.
    world.prod.faults().fail(Match::on("get", "pods"), Fault::Answer(500), 1);
    world.prod.faults().drop_logs();
    tokio::time::sleep(Duration::from_secs(2)).await;
    assert_eq!(world.prod.faults().pending(), 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn the_end_of_the_portal_ends_what_is_followed() {
    let world = World::new().await;
    let mut log = follow(&world).await;
    world.engine.stop().await;
    let over = async { while log.next().await.is_some() {} };
    tokio::time::timeout(Duration::from_secs(20), over).await.expect("it ends");
}

#[tokio::test(flavor = "multi_thread")]
async fn events_are_those_of_the_workload_newest_first() {
    let world = World::new().await;
    let happenings = || async { world.engine.happenings(&actor("viv"), "api", "prod").await.unwrap() };
    let version = world.engine.events().version_of(engine::events::Topic::Happenings);
    world.prod.apply(deployment(NAMESPACE, "1.50.0-crash")).unwrap();
    let found = eventually("a crash is told", || async {
        let found = happenings().await;
        found.items.iter().any(|one| one.reason == "BackOff" && one.is_warning()).then_some(found)
    })
    .await;
    assert!(found.items.is_sorted_by(|a, b| a.at >= b.at));
    let kinds: BTreeSet<&str> = found.items.iter().map(|one| one.object.split('/').next().unwrap()).collect();
    assert_eq!(kinds, BTreeSet::from(["Deployment", "Pod", "ReplicaSet"]), "{found:#?}");
    assert!(found.items.iter().all(|one| one.object.contains("/devmatrix-api") && one.count > 0 && one.first <= one.at), "{found:#?}");
    assert_eq!(found.trouble, "");
    eventually("the pages hear of it", || async {
        (world.engine.events().version_of(engine::events::Topic::Happenings) > version).then_some(())
    })
    .await;
    let others = world.engine.happenings(&actor("viv"), "postgres", "prod").await.unwrap();
    assert_eq!(others.items, []);

    world.prod.faults().forbid(Match::on("list", "events"));
    world.prod.compact();
    world.prod.faults().expire_watches();
    let forbidden =
        eventually("the right that is missing is named", || async { Some(happenings().await).filter(|it| !it.trouble.is_empty()) }).await;
    assert_eq!(forbidden.trouble, "the portal may not list and watch events in devmatrix");
    assert!(!forbidden.items.is_empty(), "what was known stays");
    assert_eq!(Moment::from(forbidden.items[0].at).in_seconds(), forbidden.items[0].at);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_somebody_on_the_way_says_instead_of_lines_is_said_once() {
    let world = World::new().await;
    world.prod.faults().fail(Match::on("get", "pods"), Fault::ForeignPage, 12);
    let mut log = follow(&world).await;
    let mut lines = Vec::new();
    take(&mut log, &mut lines, "all pods have been refused, and opened again", |lines| !by_pod(lines).is_empty()).await;
    let foreign = |line: &&LogLine| line.text.contains("Sign in to the network");
    let said: Vec<&LogLine> = lines.iter().filter(foreign).collect();
    assert!(said.iter().all(|line| line.kind == LineKind::Trouble), "it is no line of the container: {said:#?}");
    let pods: BTreeSet<&str> = said.iter().map(|line| line.pod.as_str()).collect();
    // For each in what is read first, and then once for all, however often they are opened again.
    assert_eq!((pods.len(), said.len()), (3, 4), "{said:#?}");
    assert_eq!(world.prod.faults().pending(), 0);
}
