//! A database that becomes read-only in the middle of a change, before each of its transactions: nothing is sent meanwhile, people are
//! told, and it goes on when the database can be written again.

use super::support::{World, actor, eventually, never, promote};
use super::{DROP_OTHERS, Saboteur, recorded_once, runs};
use domain::changes::{Change, State};
use engine::Patience;
use sim::{Fault, Match};
use sqlx::{AnyConnection, Connection, Executor};
use std::time::Duration;

/// Connections keep what they were opened with, also when it takes writes again: it is for the portal to open others.
impl Saboteur {
    async fn only_reads(&mut self, world: &World) {
        if !self.postgres {
            return only_reads(&world.database_url).await;
        }
        self.run(format!("ALTER DATABASE {} SET default_transaction_read_only = on", name_in(&world.database_url))).await;
        self.run(DROP_OTHERS.into()).await;
    }

    async fn writes_again(&mut self, world: &World) {
        match self.postgres {
            true => self.run(format!("ALTER DATABASE {} RESET default_transaction_read_only", name_in(&world.database_url))).await,
            false => set_write_version(&world.database_url, WAL),
        }
    }
}

fn name_in(url: &str) -> &str {
    url.rsplit('/').next().unwrap()
}

/// In the header of a SQLite file: how it is written. A version that SQLite does not know makes the file read-only, for root too.
const WAL: u8 = 2;
const UNKNOWN: u8 = 3;

/// By another process: whoever closes the file in this one takes away the locks that it holds.
fn set_write_version(url: &str, version: u8) {
    let file = url.trim_start_matches("sqlite://").split('?').next().unwrap();
    let script = format!("printf '\\{version:03o}' | dd of=\"$0\" bs=1 seek=18 conv=notrunc status=none");
    let done = std::process::Command::new("bash").args(["-c", &script, file]).status();
    assert!(done.unwrap().success());
}

/// The header is read again when somebody else has written: so somebody writes, who knew the file before. The portal may come in
/// between; then it is done once more.
async fn only_reads(url: &str) {
    eventually("the file is read-only", || async {
        set_write_version(url, WAL);
        let mut hand = AnyConnection::connect(url).await.unwrap();
        for sql in ["PRAGMA busy_timeout = 5000", "PRAGMA wal_checkpoint(TRUNCATE)", "SELECT highest FROM fences"] {
            hand.execute(sql).await.ok()?;
        }
        set_write_version(url, UNKNOWN);
        hand.execute("UPDATE fences SET highest = highest + 1").await.ok()?;
        let mut another = AnyConnection::connect(url).await.unwrap();
        let refused = another.execute("BEGIN IMMEDIATE").await.err()?;
        (refused.as_database_error()?.code()? == "8").then_some(())
    })
    .await;
}

/// What a person reads who acts while nothing can be stored.
fn assert_only_reads(refused: &engine::DomainError) {
    assert_eq!(refused.status(), 503, "{refused:?}");
    assert!(refused.to_string().starts_with("The database cannot be written: it is full or read-only."), "{refused}");
}

async fn goes_on(world: &World, change: &Change) {
    world.ends(change, State::Succeeded).await;
    assert_eq!((world.effective_writes(), world.sent_writes()), (1, 1));
    recorded_once(world, change).await;
}

fn cannot_be_looked_at(world: &World) {
    world.prod.faults().fail(Match::on("get", "deployments"), Fault::Answer(503), usize::MAX);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_database_that_becomes_read_only_is_read_and_says_so_and_takes_acts_again_afterwards() {
    let world = World::new().await;
    let mut saboteur = Saboteur::of(&world).await;
    saboteur.only_reads(&world).await;
    let refused = world.engine.ask(&world.actor("bea"), promote(), None).await.unwrap_err();
    assert_only_reads(&refused);
    assert!(world.engine.changes(&actor("viv"), &Default::default(), Default::default()).await.unwrap().items.is_empty());
    saboteur.writes_again(&world).await;
    let change = eventually("it can be asked for", || async {
        world.engine.ask(&world.actor("bea"), promote(), None).await.ok().map(|asked| asked.change)
    })
    .await;

    saboteur.only_reads(&world).await;
    for _ in 0..3 {
        let refused = world.engine.approve(&world.actor("dmitri"), &change.id, &change.digest, "").await.unwrap_err();
        assert_only_reads(&refused);
    }
    let now = world.engine.change(&actor("viv"), &change.id).await.unwrap();
    assert_eq!((now.state, now.votes.len()), (State::AwaitingApproval, 0));
    saboteur.writes_again(&world).await;
    eventually("it can be approved", || async { world.engine.approve(&world.actor("dmitri"), &change.id, &change.digest, "").await.ok() })
        .await;
    goes_on(&world, &change).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn nothing_is_sent_while_the_database_is_read_only() {
    let world = World::new().await;
    let change = world.promoted("bea").await;
    // The worker is kept from its write until the database takes nothing.
    cannot_be_looked_at(&world);
    world.approved(&change, "dmitri").await;
    runs(&world, &change).await;
    let mut saboteur = Saboteur::of(&world).await;
    saboteur.only_reads(&world).await;
    world.prod.faults().clear();
    never(Duration::from_secs(4), "it is sent without a journal", || world.sent_writes() > 0).await;
    assert_eq!(world.engine.change(&actor("viv"), &change.id).await.unwrap().state, State::Running, "it is read on");
    saboteur.writes_again(&world).await;
    goes_on(&world, &change).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_change_that_nobody_drives_is_taken_up_when_the_database_can_be_written_again() {
    let world = World::new().await;
    let change = world.promoted("bea").await;
    cannot_be_looked_at(&world);
    world.approved(&change, "dmitri").await;
    runs(&world, &change).await;
    let mut saboteur = Saboteur::of(&world).await;
    saboteur.run("UPDATE changes SET owner = 'gone', lease_until = 0".into()).await;
    saboteur.only_reads(&world).await;
    world.prod.faults().clear();
    never(Duration::from_secs(4), "it is sent without a lease", || world.sent_writes() > 0).await;
    saboteur.writes_again(&world).await;
    goes_on(&world, &change).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_arrived_while_the_database_was_read_only_is_taken_up() {
    let world = World::new().await;
    let change = world.promoted("bea").await;
    world.prod.faults().fail(Match::on("patch", "deployments"), Fault::Delay(Duration::from_secs(5)), 1);
    world.approved(&change, "dmitri").await;
    eventually("it is sent", || async { world.engine.change(&actor("viv"), &change.id).await.unwrap().sent.then_some(()) }).await;
    let mut saboteur = Saboteur::of(&world).await;
    saboteur.only_reads(&world).await;
    eventually("it arrived", || async { (world.sent_writes() == 1).then_some(()) }).await;
    never(Duration::from_secs(4), "it is sent again", || world.sent_writes() > 1).await;
    let now = world.engine.change(&actor("viv"), &change.id).await.unwrap();
    assert_eq!((now.state, now.written_generation), (State::Running, None), "what cannot be noted is not shown as done");
    saboteur.writes_again(&world).await;
    goes_on(&world, &change).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_end_that_comes_while_the_database_is_read_only_is_noted_afterwards() {
    // A watch that fell silent is given up soon, and goes on when it can.
    let world = World::with(Patience { renew_s: 1, silence: Duration::from_secs(2) }).await;
    let change = world.promoted("bea").await;
    world.approved(&change, "dmitri").await;
    // It is written, and neither the watch nor a look tells how it goes on.
    eventually("it is sent", || async { (world.sent_writes() == 1).then(|| world.prod.faults().mute_watches(true)) }).await;
    cannot_be_looked_at(&world);
    let observing = || async {
        let now = world.engine.change(&actor("viv"), &change.id).await.unwrap();
        (now.state == State::Observing).then_some(())
    };
    eventually("it rolls out", observing).await;
    let mut saboteur = Saboteur::of(&world).await;
    saboteur.only_reads(&world).await;
    world.prod.faults().clear();
    never(Duration::from_secs(4), "it is sent again", || world.sent_writes() > 1).await;
    eventually("it rolls out as far as anybody can say", observing).await;
    saboteur.writes_again(&world).await;
    goes_on(&world, &change).await;
}
