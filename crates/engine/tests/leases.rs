//! Leases as the database keeps them, on SQLite and (with STORIES_POSTGRES) on PostgreSQL: one holder at a time, by the database's
//! clock, each with a higher fence than the one before, whichever change it was of; and a portal alone on its file.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

mod support;

use domain::changes::State;
use engine::{Demo, Engine, Options, Patience, Store};
use std::time::Duration;
use support::{World, eventually, never};

const SECONDS: i64 = 30;
/// A lease that has run out the moment that it is given.
const NO_TIME: i64 = -1;

/// Two changes that are ready, with a name each.
async fn ready() -> (Store, String, tempfile::TempDir) {
    let folder = tempfile::tempdir().unwrap();
    let url = support::database(&folder).await;
    let store = Store::open(&url).await.unwrap();
    for (number, id) in [(1, "one"), (2, "two")] {
        execute(
            &url,
            &format!(
                "INSERT INTO changes (id, number, state, kind, component, environment, requester, plan, digest, requested_at, owner, lease_until, fence)
                 VALUES ('{id}', {number}, 'ready', 'scale', '{id}', 'prod', 'bea', '{{}}', '', 0, '', 0, 0)"
            ),
        )
        .await;
    }
    (store, url, folder)
}

async fn execute(url: &str, sql: &str) {
    use sqlx::Connection;
    sqlx::any::install_default_drivers();
    let mut connection = sqlx::AnyConnection::connect(url).await.unwrap();
    sqlx::query(sqlx::AssertSqlSafe(sql.to_owned())).execute(&mut connection).await.unwrap();
}

async fn claimed(store: &Store, id: &str, owner: &str, seconds: i64) -> Option<engine::store::Lease> {
    let mut tx = store.write().await.unwrap();
    let lease = store.claim(&mut tx, id, owner, seconds).await.unwrap();
    tx.commit().await.unwrap();
    lease
}

async fn renewed(store: &Store, lease: &engine::store::Lease) -> bool {
    let mut tx = store.write().await.unwrap();
    let kept = store.renew(&mut tx, lease, SECONDS).await.unwrap();
    tx.commit().await.unwrap();
    kept
}

#[tokio::test]
async fn one_holder_at_a_time_and_each_fence_is_higher() {
    let (store, _url, _folder) = ready().await;
    let one = claimed(&store, "one", "a", SECONDS).await.unwrap();
    assert_eq!(claimed(&store, "one", "b", SECONDS).await, None, "it is held");
    let two = claimed(&store, "two", "b", NO_TIME).await.unwrap();
    assert!(two.fence > one.fence, "fences of different changes can be compared: {} and {}", one.fence, two.fence);
    assert_eq!(store.claimable("c").await.unwrap(), ["two"], "what has run out");
    assert_eq!(store.claimable("a").await.unwrap(), ["one", "two"], "and one's own");

    let taken = claimed(&store, "two", "c", SECONDS).await.unwrap();
    assert!(taken.fence > two.fence);
    assert!(!renewed(&store, &two).await, "whoever comes late has lost it");
    assert!(renewed(&store, &taken).await);
    let mut tx = store.write().await.unwrap();
    store.let_go(&mut tx, &two).await.unwrap();
    tx.commit().await.unwrap();
    assert!(renewed(&store, &taken).await, "and cannot give away what is another's");
}

#[tokio::test]
async fn a_lost_lease_is_not_found_again_by_the_same_process() {
    let (store, _url, _folder) = ready().await;
    let first = claimed(&store, "one", "a", NO_TIME).await.unwrap();
    let between = claimed(&store, "one", "b", NO_TIME).await.unwrap();
    let again = claimed(&store, "one", "a", SECONDS).await.unwrap();
    assert!(first.fence < between.fence && between.fence < again.fence);
    assert!(!renewed(&store, &first).await, "the fence tells the second time from the first, although the owner is the same");
}

#[tokio::test]
async fn what_is_released_is_free_at_once_and_the_sequence_goes_on_above_what_was_seen() {
    let (store, _url, _folder) = ready().await;
    claimed(&store, "one", "a", SECONDS).await.unwrap();
    let mut tx = store.write().await.unwrap();
    store.release(&mut tx, "a").await.unwrap();
    store.raise_fences(&mut tx, 4000).await.unwrap();
    store.raise_fences(&mut tx, 17).await.unwrap();
    tx.commit().await.unwrap();
    assert_eq!(claimed(&store, "one", "b", SECONDS).await.unwrap().fence, 4001, "it never goes back");
}

/// As the release before left it: each change counted for itself.
#[tokio::test]
async fn the_sequence_begins_above_the_fences_of_before() {
    let (store, url, _folder) = ready().await;
    store.close().await;
    for sql in ["DROP TABLE fences", "DELETE FROM _sqlx_migrations WHERE version = 7", "UPDATE changes SET fence = 12 * number"] {
        execute(&url, sql).await;
    }
    let store = Store::open(&url).await.unwrap();
    assert_eq!(claimed(&store, "one", "a", SECONDS).await.unwrap().fence, 25);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_worker_whose_lease_was_taken_writes_nothing_and_fails_nothing() {
    let world = World::new().await;
    // The rollout takes its time, so that the change is under way.
    let change = world.promoted("bea").await;
    world.prod.faults().fail(sim::Match::on("patch", "deployments"), sim::Fault::Answer(503), 3);
    world.approved(&change, "dmitri").await;
    eventually("its write was tried", || async { (world.sent_writes() > 0).then_some(()) }).await;
    // Another worker, which does nothing with it yet.
    execute(&world.database_url, "UPDATE changes SET owner = 'another', lease_until = 9000000000000, fence = fence + 1").await;
    let sent = world.sent_writes();
    let before = world.engine.change(&support::actor("viv"), &change.id).await.unwrap();
    // From here a write would arrive. The worker looks once more after its pause, and that is its last act.
    world.prod.faults().clear();
    world.prod.faults().fail(sim::Match::on("get", "deployments"), sim::Fault::Delay(Duration::ZERO), 1);
    eventually("the worker has looked again", || async { (world.prod.faults().pending() == 0).then_some(()) }).await;
    never(Duration::from_secs(1), "something more is sent", || world.sent_writes() > sent).await;
    let now = world.engine.change(&support::actor("viv"), &change.id).await.unwrap();
    assert!(now.state == State::Running && now.outcome.is_none() && before.steps == now.steps, "and nothing is said: {now:?}");

    execute(&world.database_url, "UPDATE changes SET owner = '', lease_until = 0").await;
    world.ends(&change, State::Succeeded).await;
    assert_eq!(world.effective_writes(), 1, "whoever has it next goes on");
}

#[tokio::test(flavor = "multi_thread")]
async fn fences_of_a_restored_database_go_on_above_those_that_the_cluster_has_seen() {
    let world = World::new().await;
    world.prod.faults().look_at_fences(true);
    let mut object = world.prod.get("deployments", "devmatrix", "devmatrix-api").unwrap();
    object["metadata"]["annotations"]["portal.devmatrix.io/fence"] = "500".into();
    world.prod.apply(object).unwrap();
    world.settled("prod").await;
    let change = world.promoted("bea").await;
    world.approved(&change, "dmitri").await;
    world.ends(&change, State::Succeeded).await;
    assert_eq!(world.effective_writes(), 1);
    let refused = world.prod.writes().iter().filter(|write| write.status == 403 && !write.dry_run).count();
    assert_eq!(refused, 1, "the low fence was tried once");
    let written = world.prod.get("deployments", "devmatrix", "devmatrix-api").unwrap();
    assert_eq!(written["metadata"]["annotations"]["portal.devmatrix.io/fence"], "501");
}

/// Somebody writes this fence on the workload by hand, and a promotion comes upon it.
async fn upon(fence: &str, state: State) -> (World, domain::changes::Change) {
    let world = World::new().await;
    world.prod.faults().look_at_fences(true);
    marked(&world, fence);
    world.settled("prod").await;
    let change = world.promoted("bea").await;
    world.approved(&change, "dmitri").await;
    let ended = world.ends(&change, state).await;
    (world, ended)
}

fn marked(world: &World, fence: &str) {
    let mut object = world.prod.get("deployments", "devmatrix", "devmatrix-api").unwrap();
    object["metadata"]["annotations"]["portal.devmatrix.io/fence"] = fence.into();
    world.prod.apply(object).unwrap();
}

fn mark(world: &World) -> String {
    let object = world.prod.get("deployments", "devmatrix", "devmatrix-api").unwrap();
    object["metadata"]["annotations"]["portal.devmatrix.io/fence"].as_str().unwrap().to_owned()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_fence_that_no_portal_wrote_ends_the_change_by_name_and_is_not_gone_on_above() {
    let (world, ended) = upon("1000000000001", State::Errored).await;
    let reason = ended.outcome.unwrap().reason;
    assert_eq!(
        reason,
        "the annotation portal.devmatrix.io/fence of the workload is 1000000000001, which no portal has written: remove it, then ask again"
    );
    assert_eq!((world.effective_writes(), world.sent_writes()), (0, 1), "it was tried once, and not again and again");
    // As it says.
    marked(&world, "");
    world.settled("prod").await;
    let again = world.promoted("bea").await;
    world.approved(&again, "dmitri").await;
    world.ends(&again, State::Succeeded).await;
    assert!(mark(&world).parse::<i64>().unwrap() < 1000, "the sequence went on where it was: {}", mark(&world));
}

#[tokio::test(flavor = "multi_thread")]
async fn the_highest_fence_that_is_believed_is_gone_on_above() {
    let (world, _) = upon("1000000000000", State::Succeeded).await;
    assert_eq!((mark(&world).as_str(), world.effective_writes()), ("1000000000001", 1));
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_no_fence_or_too_large_to_be_one_stops_nobody() {
    for text in ["1000000000000000", "99999999999999999999999", "by hand"] {
        let (world, _) = upon(text, State::Succeeded).await;
        assert_eq!(world.sent_writes(), 1, "{text}");
        assert!(mark(&world).parse::<i64>().unwrap() < 1000, "{text}: {}", mark(&world));
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_file_has_one_portal_however_its_name_is_written() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("one.sqlite");
    let start = |url: String| {
        let (catalog, demo) = (support::catalog("organisation: Test\n"), Some(Demo { clusters: vec![] }));
        let options = Options { catalog, database_url: url, demo, external_url: String::new(), patience: Patience::default() };
        Engine::start(options)
    };
    let first = start(format!("sqlite:{}?mode=rwc", file.display())).await.unwrap();
    eventually("it is ready", || async { first.ready().await.ok() }).await;
    std::os::unix::fs::symlink(&file, folder.path().join("other.sqlite")).unwrap();
    for url in [
        format!("sqlite://{}?mode=rwc", file.display()),
        format!("sqlite:{}", file.display()),
        format!("sqlite://{}/../{}/one.sqlite", folder.path().display(), folder.path().file_name().unwrap().display()),
        format!("sqlite:{}", folder.path().join("other.sqlite").display()),
    ] {
        let refused = start(url.clone()).await.err().unwrap_or_else(|| panic!("{url} was taken twice")).to_string();
        assert!(refused.contains("another portal") && refused.contains("PostgreSQL"), "{url}: {refused}");
    }
    std::fs::remove_file(folder.path().join("one.sqlite.lock")).unwrap();
    let missing = first.ready().await.unwrap_err().join("; ");
    assert!(missing.contains("lock"), "{missing}");
    first.stop().await;
}
