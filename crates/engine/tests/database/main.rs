//! The engine on a database that fails it: in the middle of each transaction, locked by others, read-only, with its connections dropped. Nothing
//! is written to a cluster that is not in the journal, nothing is written twice, and what was begun is carried to its end afterwards.
//! With STORIES_POSTGRES set, on PostgreSQL.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

mod acts;
mod read_only;
#[path = "../support/mod.rs"]
mod support;
mod worker;

use domain::changes::{Change, State, TrainRequest};
use domain::names::Name;
use sim::{Fault, Match};
use sqlx::{AnyConnection, AssertSqlSafe, Connection, Executor};
use std::future::Future;
use std::time::Duration;
use support::{World, actor, eventually, never, promote};
use tokio::task::JoinSet;

/// Somebody else at the same database.
struct Saboteur {
    connection: AnyConnection,
    postgres: bool,
}

impl Saboteur {
    async fn of(world: &World) -> Saboteur {
        let postgres = world.database_url.starts_with("postgres");
        Saboteur { connection: AnyConnection::connect(&world.database_url).await.unwrap(), postgres }
    }

    async fn run(&mut self, sql: String) {
        self.connection.execute(AssertSqlSafe(sql)).await.unwrap();
    }

    /// From now on every write to this table fails, and with it the transaction that it is in; of changes, every step to another state.
    async fn breaks(&mut self, table: &str) {
        let column = if table == "changes" { " OF state" } else { "" };
        if self.postgres {
            let body = "BEGIN RAISE EXCEPTION 'disk full'; END";
            self.run(format!("CREATE FUNCTION broken() RETURNS trigger LANGUAGE plpgsql AS $$ {body} $$")).await;
            self.run(format!("CREATE TRIGGER broken BEFORE INSERT OR UPDATE{column} ON {table} FOR EACH ROW EXECUTE FUNCTION broken()"))
                .await;
            return;
        }
        for (name, act) in [("INSERT", "INSERT".to_owned()), ("UPDATE", format!("UPDATE{column}"))] {
            let body = "SELECT RAISE(ABORT, 'disk full');";
            self.run(format!("CREATE TRIGGER broken_{name} BEFORE {act} ON {table} BEGIN {body} END")).await;
        }
    }

    async fn mends(&mut self, table: &str) {
        match self.postgres {
            true => {
                self.run(format!("DROP TRIGGER broken ON {table}")).await;
                self.run("DROP FUNCTION broken".into()).await;
            }
            false => {
                self.run("DROP TRIGGER broken_INSERT".into()).await;
                self.run("DROP TRIGGER broken_UPDATE".into()).await;
            }
        }
    }
}

const DROP_OTHERS: &str =
    "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = current_database() AND pid <> pg_backend_pid()";

async fn runs(world: &World, change: &Change) {
    eventually("it runs", || async {
        (world.engine.change(&actor("viv"), &change.id).await.unwrap().state == State::Running).then_some(())
    })
    .await;
}

/// The worker came to where the table is needed: at each try it looks at the workload first.
async fn tried(world: &World) {
    eventually("it was tried", || async { (world.prod.faults().pending() == 0).then_some(()) }).await;
}

/// Each act of a promotion is in the record once.
async fn recorded_once(world: &World, change: &Change) {
    let lines = world.engine.story(&actor("viv"), &change.id).await.unwrap();
    for act in ["change.request", "change.approve", "change.start", "cluster.intend", "cluster.write", "change.end"] {
        let found = lines.iter().filter(|line| line.text.starts_with(act)).count();
        assert_eq!(found, 1, "{act} in {lines:#?}");
    }
}

/// What the worker writes to before it sends. (The lease is in `changes`: without that it does not come so far.)
const BEFORE: [&str; 4] = ["change_steps", "change_writes", "change_log", "audit"];
/// And afterwards.
const AFTER: [&str; 5] = ["changes", "change_steps", "change_writes", "change_log", "audit"];

/// Each table in a world of its own, all at once.
async fn each<F: Future<Output = ()> + Send + 'static>(tables: &[&'static str], story: impl Fn(&'static str) -> F) {
    let mut running: JoinSet<()> = tables.iter().copied().map(story).collect();
    while let Some(told) = running.join_next().await {
        told.unwrap();
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn nothing_is_sent_that_cannot_be_journalled() {
    each(&BEFORE, |table| async move {
        let world = World::new().await;
        let change = world.promoted("bea").await;
        let get = || Match::on("get", "deployments");
        // The worker has looked at the workload when the table breaks, and looks three times more.
        world.prod.faults().fail(get(), Fault::Delay(Duration::from_secs(1)), 1);
        world.prod.faults().fail(get(), Fault::Delay(Duration::ZERO), 3);
        world.approved(&change, "dmitri").await;
        runs(&world, &change).await;
        let mut saboteur = Saboteur::of(&world).await;
        saboteur.breaks(table).await;
        tried(&world).await;
        assert_eq!(world.sent_writes(), 0, "{table}: sent without a journal");
        saboteur.mends(table).await;
        world.prod.faults().clear();
        world.ends(&change, State::Succeeded).await;
        assert_eq!((world.effective_writes(), world.sent_writes()), (1, 1), "{table}");
        recorded_once(&world, &change).await;
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_arrived_is_taken_up_when_it_could_not_be_noted() {
    each(&AFTER, |table| async move {
        let world = World::new().await;
        let change = world.promoted("bea").await;
        world.prod.faults().fail(Match::on("patch", "deployments"), Fault::Delay(Duration::from_secs(1)), 1);
        world.approved(&change, "dmitri").await;
        eventually("it is sent", || async { world.engine.change(&actor("viv"), &change.id).await.unwrap().sent.then_some(()) }).await;
        let mut saboteur = Saboteur::of(&world).await;
        saboteur.breaks(table).await;
        world.prod.faults().fail(Match::on("get", "deployments"), Fault::Delay(Duration::ZERO), 3);
        tried(&world).await;
        assert_eq!(world.sent_writes(), 1, "{table}: sent again");
        saboteur.mends(table).await;
        world.prod.faults().clear();
        world.ends(&change, State::Succeeded).await;
        assert_eq!((world.effective_writes(), world.sent_writes()), (1, 1), "{table}");
        recorded_once(&world, &change).await;
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn people_are_told_and_nothing_of_their_act_stays_when_it_cannot_be_stored() {
    let world = World::new().await;
    let mut saboteur = Saboteur::of(&world).await;
    for table in ["changes", "change_steps", "audit"] {
        saboteur.breaks(table).await;
        let refused = world.engine.ask(&world.actor("bea"), support::promote(), None).await.unwrap_err();
        assert!(refused.status() >= 500, "{table}: {refused:?}");
        saboteur.mends(table).await;
        assert!(world.engine.changes(&actor("viv"), &Default::default(), Default::default()).await.unwrap().items.is_empty(), "{table}");
    }
    let change = world.promoted("bea").await;
    for table in ["votes", "changes", "change_steps", "audit"] {
        saboteur.breaks(table).await;
        let refused = world.engine.approve(&world.actor("dmitri"), &change.id, &change.digest, "").await.unwrap_err();
        assert!(refused.status() >= 500, "{table}: {refused:?}");
        saboteur.mends(table).await;
        let now = world.engine.change(&actor("viv"), &change.id).await.unwrap();
        assert_eq!((now.state, now.votes.len()), (State::AwaitingApproval, 0), "{table}");
    }
    world.approved(&change, "dmitri").await;
    world.ends(&change, State::Succeeded).await;
    recorded_once(&world, &change).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_database_that_others_lock_is_waited_for() {
    let world = World::new().await;
    let change = world.promoted("bea").await;
    world.prod.faults().fail(Match::on("get", "deployments"), Fault::Delay(Duration::from_secs(1)), 1);
    world.approved(&change, "dmitri").await;
    runs(&world, &change).await;
    let mut saboteur = Saboteur::of(&world).await;
    let lock = if saboteur.postgres { "BEGIN; LOCK TABLE changes, change_log IN ACCESS EXCLUSIVE MODE" } else { "BEGIN IMMEDIATE" };
    saboteur.run(lock.into()).await;
    // Longer than SQLite waits for its turn (5 s): the round fails, and is tried again.
    never(Duration::from_secs(7), "it is sent while nothing can be journalled", || world.sent_writes() > 0).await;
    saboteur.run("ROLLBACK".into()).await;
    world.ends(&change, State::Succeeded).await;
    assert_eq!((world.effective_writes(), world.sent_writes()), (1, 1));
    recorded_once(&world, &change).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn one_change_that_does_not_read_keeps_no_other_waiting() {
    let world = World::new().await;
    let broken = world.promoted("bea").await;
    let mut saboteur = Saboteur::of(&world).await;
    let plan = format!("UPDATE changes SET plan = '{{' || plan WHERE id = '{}'", broken.id);
    saboteur.run(plan).await;
    let change = world.promoted("bea").await;
    world.approved(&change, "dmitri").await;
    world.ends(&change, State::Succeeded).await;
    recorded_once(&world, &change).await;
    let listed = world.engine.changes(&actor("viv"), &Default::default(), Default::default()).await.unwrap();
    assert_eq!(listed.items.iter().map(|change| &change.id).collect::<Vec<_>>(), [&change.id], "lists show the others");
    let said = world.engine.change(&actor("viv"), &broken.id).await.unwrap_err();
    assert_eq!(said.status(), 500, "its own page names an incident: {said}");
    // Mended by hand, it goes its way: what it planned for has moved meanwhile.
    saboteur.run(format!("UPDATE changes SET plan = substr(plan, 2) WHERE id = '{}'", broken.id)).await;
    world.ends(&broken, State::Superseded).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn one_train_that_does_not_read_hides_no_other() {
    let world = World::new().await;
    let name = |text: &str| Name::parse("name", text).unwrap();
    let wanted = TrainRequest::new(vec![name("api")], name("prod"), name("staging"), "a release".into()).unwrap();
    let broken = world.engine.ask_train(&world.actor("bea"), &wanted, None).await.unwrap();
    let mut saboteur = Saboteur::of(&world).await;
    saboteur.run(format!("UPDATE changes SET plan = '{{' || plan WHERE train = '{}'", broken.id)).await;
    let train = world.engine.ask_train(&world.actor("bea"), &wanted, None).await.unwrap();
    let listed = world.engine.trains(&actor("viv"), None, Default::default()).await.unwrap().items;
    let waiting = world.engine.trains_waiting_for(&world.actor("dmitri")).await.unwrap();
    for (what, trains) in [("all", listed), ("those that wait", waiting)] {
        assert_eq!(trains.iter().map(|train| &train.id).collect::<Vec<_>>(), [&train.id], "{what}");
    }
}

/// Ends all other connections to the database again and again, until it is dropped.
async fn drops_connections(mut saboteur: Saboteur) {
    loop {
        saboteur.run(DROP_OTHERS.into()).await;
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn dropped_connections_lose_nothing() {
    let world = World::new().await;
    let saboteur = Saboteur::of(&world).await;
    if !saboteur.postgres {
        eprintln!("not run: a file has no connections that can be dropped; `make postgres` runs it");
        return;
    }
    let change = world.promoted("bea").await;
    world.approved(&change, "dmitri").await;
    let storm = tokio::spawn(drops_connections(saboteur));
    // Who looks is cut off too.
    let ended = eventually("the change ends", || async {
        let change = world.engine.change(&actor("viv"), &change.id).await.ok()?;
        change.state.is_terminal().then_some(change)
    })
    .await;
    storm.abort();
    assert_eq!(ended.state, State::Succeeded, "{:?}", ended.outcome);
    assert_eq!((world.effective_writes(), world.sent_writes()), (1, 1));
    eventually("the database answers again", || async { world.engine.change(&actor("viv"), &change.id).await.ok() }).await;
    recorded_once(&world, &change).await;
}

/// Reading needs no write, not even that of when a session was last in use.
#[tokio::test(flavor = "multi_thread")]
async fn who_is_signed_in_reads_on_while_nothing_can_be_written() {
    let world = World::new().await;
    let token = world.engine.feed_token(&actor("viv")).await.unwrap();
    let (cookie, _) = world.engine.open_session(&token).await.unwrap();
    let mut saboteur = Saboteur::of(&world).await;
    saboteur.run("UPDATE sessions SET seen = seen - 600000".into()).await;
    saboteur.breaks("sessions").await;
    assert_eq!(world.engine.actor_of_session(&cookie).await.unwrap().person.name, "viv");
}

/// A server, a database or a role may ask for other isolation, and for commits that are lost with the server.
#[tokio::test(flavor = "multi_thread")]
async fn what_a_database_is_set_to_changes_nothing_of_what_is_read_behind_the_lock() {
    let world = World::new().await;
    let mut saboteur = Saboteur::of(&world).await;
    let mut portals = vec![world.engine.clone()];
    if saboteur.postgres {
        let name = world.database_url.rsplit('/').next().unwrap().to_owned();
        saboteur.run(format!("ALTER DATABASE {name} SET default_transaction_isolation = 'repeatable read'")).await;
        saboteur.run(format!("ALTER DATABASE {name} SET synchronous_commit = off")).await;
        portals = vec![world.another_portal().await, world.another_portal().await];
    }
    for portal in &portals {
        eventually("it knows the clusters", || async { portal.preview(&actor("bea"), promote()).await.ok() }).await;
    }
    let asks = portals
        .iter()
        .cycle()
        .take(12)
        .cloned()
        .map(|portal| tokio::spawn(async move { portal.ask(&actor("bea"), promote(), None).await.map(|asked| asked.change.number) }));
    let asks: Vec<_> = asks.collect();
    let mut numbers = Vec::new();
    for ask in asks {
        numbers.push(ask.await.unwrap().unwrap());
    }
    numbers.sort_unstable();
    assert_eq!(numbers, (1..=12).collect::<Vec<i64>>());
}
