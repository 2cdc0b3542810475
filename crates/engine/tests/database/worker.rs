//! What the worker does, on a database that fails where it is taken up, tried again and ended.

use super::Saboteur;
use super::support::{CONFIG, World, actor, eventually, never, rollback};
use domain::changes::{Kind, State};
use engine::Patience;
use sim::{Fault, Match};
use std::time::Duration;

/// So long nothing must happen while a table is broken; the worker looks each second.
const WATCHED: Duration = Duration::from_secs(3);

impl Saboteur {
    /// From now on no such write to a change is taken.
    async fn breaks_changes(&mut self, act: &str, when: &str) {
        if self.postgres {
            let body = "BEGIN RAISE EXCEPTION 'disk full'; END";
            self.run(format!("CREATE FUNCTION broken() RETURNS trigger LANGUAGE plpgsql AS $$ {body} $$")).await;
            self.run(format!("CREATE TRIGGER broken BEFORE {act} ON changes FOR EACH ROW {when} EXECUTE FUNCTION broken()")).await;
            return;
        }
        let body = "SELECT RAISE(ABORT, 'disk full');";
        self.run(format!("CREATE TRIGGER broken_UPDATE BEFORE {act} ON changes {when} BEGIN {body} END")).await;
        self.run(format!("CREATE TRIGGER broken_INSERT BEFORE DELETE ON changes BEGIN {body} END")).await;
    }
}

/// An approved change stays as it is, and is carried out when its database is mended.
async fn is_not_begun_without(act: &str, when: &str) {
    let world = World::new().await;
    let change = world.promoted("bea").await;
    let mut saboteur = Saboteur::of(&world).await;
    saboteur.breaks_changes(act, when).await;
    world.approved(&change, "dmitri").await;
    never(WATCHED, "it is sent", || world.sent_writes() > 0).await;
    assert_eq!(world.engine.change(&actor("viv"), &change.id).await.unwrap().state, State::Ready);
    saboteur.mends("changes").await;
    world.ends(&change, State::Succeeded).await;
    assert_eq!((world.effective_writes(), world.sent_writes()), (1, 1));
}

#[tokio::test(flavor = "multi_thread")]
async fn what_cannot_be_leased_is_not_begun() {
    is_not_begun_without("UPDATE OF owner, lease_until", "").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_change_whose_beginning_cannot_be_stored_is_not_begun() {
    is_not_begun_without("UPDATE OF state", "WHEN (NEW.state = 'running')").await;
}

/// A try that is not counted is not made.
#[tokio::test(flavor = "multi_thread")]
async fn nothing_is_sent_again_that_cannot_be_counted() {
    let world = World::new().await;
    let change = world.promoted("bea").await;
    let faults = world.prod.faults();
    faults.fail(Match::on("patch", "deployments"), Fault::Reset, 2);
    world.approved(&change, "dmitri").await;
    eventually("the first try is made", || async { (faults.pending() == 1).then_some(()) }).await;
    let mut saboteur = Saboteur::of(&world).await;
    saboteur.breaks("change_writes").await;
    never(Duration::from_secs(6), "a try is made that is not counted", || world.prod.faults().pending() == 0).await;
    saboteur.mends("change_writes").await;
    world.ends(&change, State::Succeeded).await;
    assert_eq!((world.effective_writes(), world.prod.faults().pending()), (1, 0));
}

/// A rollback that cannot say what it puts on hold has not ended.
#[tokio::test(flavor = "multi_thread")]
async fn a_rollback_ends_with_its_hold_or_not_at_all() {
    let world = World::new().await;
    let change = world.promoted("bea").await;
    world.approved(&change, "dmitri").await;
    world.ends(&change, State::Succeeded).await;
    world.runs("prod", "1.43.1").await;
    let mut saboteur = Saboteur::of(&world).await;
    saboteur.breaks("holds").await;
    let back = world.engine.ask(&world.actor("bea"), rollback(1), None).await.unwrap().change;
    world.runs("prod", "1.42.3").await;
    never(WATCHED, "it needs two writes", || world.effective_writes() > 2).await;
    assert_eq!(world.engine.change(&actor("viv"), &back.id).await.unwrap().state, State::Observing, "its hold is not stored");
    saboteur.mends("holds").await;
    world.ends(&back, State::Succeeded).await;
    assert_eq!(world.engine.holds(&actor("viv"), None, None).await.unwrap().len(), 1);
    assert_eq!(world.effective_writes(), 2);
}

/// The portal's own answer to a failure is one rollback, however often it could not be stored.
#[tokio::test(flavor = "multi_thread")]
async fn a_failure_is_answered_once_although_the_answer_could_not_be_stored() {
    let config = CONFIG.replacen("    approval: {rules", "    rollback: {automatic: true}\n    approval: {rules", 1);
    let world = World::configured(&config, Patience::default(), |_| {}).await;
    let good = world.promoted("bea").await;
    world.approved(&good, "dmitri").await;
    world.ends(&good, State::Succeeded).await;
    world.staging.apply(super::support::deployment("devmatrix-staging", "1.44.0-prodnopull")).unwrap();
    world.runs("staging", "1.44.0-prodnopull").await;
    let bad = world.promoted("bea").await;
    let mut saboteur = Saboteur::of(&world).await;
    // Of a change that is asked for with a key, as the way back is: the failure itself is noted.
    saboteur.breaks("idempotency").await;
    world.approved(&bad, "dmitri").await;
    world.ends(&bad, State::Failed).await;
    never(Duration::from_secs(5), "it is answered twice", || world.effective_writes() > 2).await;
    saboteur.mends("idempotency").await;
    let rollbacks = || async {
        let all = world.engine.changes(&actor("viv"), &Default::default(), Default::default()).await.unwrap().items;
        all.into_iter().filter(|change| change.plan.kind == Kind::Rollback).collect::<Vec<_>>()
    };
    let back = eventually("it is rolled back", || async { rollbacks().await.pop() }).await;
    world.ends(&back, State::Succeeded).await;
    assert_eq!((rollbacks().await.len(), world.effective_writes()), (1, 3));
}
