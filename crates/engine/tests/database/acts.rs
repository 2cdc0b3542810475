//! What people do, on a database that fails in the midst of it: at the last statement of the act, while others lock it, or with its
//! connection cut. Of an act that failed nothing stays; done again, it is done once.

use super::support::{CONFIG, World, actor, eventually, promote, rollback};
use super::{DROP_OTHERS, Saboteur};
use domain::changes::freeze::Scope;
use domain::changes::{Change, Request, State, Train, TrainRequest};
use domain::names::Name;
use engine::{Engine, NewFreeze, Patience};
use sqlx::Row;
use std::time::{Duration, Instant};
use tokio::task::JoinSet;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Act {
    Ask,
    Approve,
    Withdraw,
    Reject,
    Abort,
    Freeze,
    LiftFreeze,
    LiftHold,
    AskTrain,
    ApproveTrain,
    AbortTrain,
    CloseReview,
    BreakGlass,
}

const ACTS: [Act; 13] = [
    Act::Ask,
    Act::Approve,
    Act::Withdraw,
    Act::Reject,
    Act::Abort,
    Act::Freeze,
    Act::LiftFreeze,
    Act::LiftHold,
    Act::AskTrain,
    Act::ApproveTrain,
    Act::AbortTrain,
    Act::CloseReview,
    Act::BreakGlass,
];

/// What the acts are done on, each on its own.
struct Stage {
    world: World,
    approved: Change,
    withdrawn: Change,
    rejected: Change,
    aborted: Change,
    let_through: Change,
    reviewed: Change,
    freeze: String,
    hold: String,
    train: Train,
    aborted_train: Train,
}

fn name(text: &str) -> Name {
    Name::parse("name", text).unwrap()
}

/// Two votes, so that one starts nothing.
fn config() -> String {
    let admins = "  - {name: admins, members: [ada], roles: [admin]}\nclusters:\n";
    CONFIG.replacen("needed: 1}]}", "needed: 2}]}", 1).replacen("clusters:\n", admins, 1)
}

fn freeze(environment: &str) -> NewFreeze {
    NewFreeze { scope: Scope::Environment(environment.into()), reason: "a migration".into(), from: None, until: None, key: None }
}

fn train() -> TrainRequest {
    TrainRequest::new(vec![name("api")], name("prod"), name("staging"), "a release".into()).unwrap()
}

impl Stage {
    async fn set() -> Stage {
        let world = World::configured(&config(), Patience::default(), |_| {}).await;
        let (engine, dmitri, ada) = (world.engine.clone(), world.actor("dmitri"), world.actor("ada"));
        // To have something to review, and something on hold, which is lifted by hand first.
        let reviewed = world.promoted("bea").await;
        engine.break_glass(&ada, &reviewed.id, &reviewed.digest, "it cannot wait").await.unwrap();
        world.ends(&reviewed, State::Succeeded).await;
        world.runs("prod", "1.43.1").await;
        let back = engine.ask(&world.actor("bea"), rollback(1), None).await.unwrap().change;
        world.ends(&back, State::Succeeded).await;
        world.runs("prod", "1.42.3").await;
        let hold = engine.holds(&dmitri, None, None).await.unwrap().remove(0).id;
        world.staging.apply(super::support::deployment("devmatrix-staging", "1.44.0")).unwrap();
        world.runs("staging", "1.44.0").await;
        let withdrawn = world.promoted("bea").await;
        world.approved(&withdrawn, "dmitri").await;
        let freeze = engine.freeze(&dmitri, freeze("staging")).await.unwrap().id;
        Stage {
            approved: world.promoted("bea").await,
            rejected: world.promoted("bea").await,
            aborted: world.promoted("bea").await,
            let_through: world.promoted("bea").await,
            train: engine.ask_train(&world.actor("bea"), &train(), None).await.unwrap(),
            aborted_train: engine.ask_train(&world.actor("bea"), &train(), None).await.unwrap(),
            reviewed,
            withdrawn,
            freeze,
            hold,
            world,
        }
    }

    /// Done by whoever may.
    async fn act(&self, act: Act) -> domain::Result<()> {
        let (engine, world): (&Engine, &World) = (&self.world.engine, &self.world);
        let [bea, dmitri, ada] = ["bea", "dmitri", "ada"].map(|who| world.actor(who));
        match act {
            Act::Ask => engine.ask(&bea, promote(), None).await.map(drop),
            Act::Approve => engine.approve(&dmitri, &self.approved.id, &self.approved.digest, "").await.map(drop),
            Act::Withdraw => engine.withdraw(&dmitri, &self.withdrawn.id, "too early").await.map(drop),
            Act::Reject => engine.reject(&dmitri, &self.rejected.id, None, "too early").await.map(drop),
            Act::Abort => engine.abort(&bea, &self.aborted.id, "a mistake").await.map(drop),
            // Not of production, where the others act.
            Act::Freeze => engine.freeze(&dmitri, freeze("staging")).await.map(drop),
            Act::LiftFreeze => engine.lift_freeze(&dmitri, &self.freeze, "over").await.map(drop),
            Act::LiftHold => engine.lift_hold(&bea, &self.hold, "it is safe").await.map(drop),
            Act::AskTrain => engine.ask_train(&bea, &train(), None).await.map(drop),
            Act::ApproveTrain => engine.approve_train(&dmitri, &self.train.id, &self.train.digest, "").await.map(drop),
            Act::AbortTrain => engine.abort_train(&bea, &self.aborted_train.id, "a mistake").await.map(drop),
            Act::CloseReview => {
                let review = engine.review_by_change(&dmitri, &self.reviewed.id).await?;
                engine.close_review(&dmitri, &review.id, "it was right").await.map(drop)
            }
            Act::BreakGlass => {
                let change = &self.let_through;
                engine.break_glass(&ada, &change.id, &change.digest, "it cannot wait").await.map(drop)
            }
        }
    }

    /// All that acts leave behind.
    async fn kept(&self, saboteur: &mut Saboteur) -> Vec<String> {
        let queries = [
            "SELECT 'change ' || id || ' ' || state || COALESCE(outcome, '') FROM changes ORDER BY number",
            "SELECT 'step ' || change_id || ' ' || name || ' ' || state || ' ' || detail FROM change_steps ORDER BY change_id, position",
            "SELECT 'vote ' || change_id || ' ' || person || ' ' || vote FROM votes ORDER BY change_id, person",
            "SELECT 'review ' || id || ' ' || COALESCE(note, '') FROM reviews ORDER BY id",
            "SELECT 'freeze ' || id || ' ' || COALESCE(lifted_by, '') FROM freezes ORDER BY id",
            "SELECT 'hold ' || id || ' ' || COALESCE(lifted_by, '') FROM holds ORDER BY id",
            "SELECT 'train ' || id FROM trains ORDER BY id",
            "SELECT 'record ' || id || ' ' || outcome FROM deployments ORDER BY id",
            "SELECT 'key ' || person || ' ' || key FROM idempotency ORDER BY person, key",
            "SELECT 'audit ' || what || ' ' || target || ' ' || outcome FROM audit ORDER BY seq",
        ];
        let mut kept = Vec::new();
        for query in queries {
            let rows = sqlx::query(query).fetch_all(&mut saboteur.connection).await.unwrap();
            kept.extend(rows.iter().map(|row| row.get::<String, _>(0)));
        }
        kept
    }

    /// How often each act stands in the record, on what it was done on.
    async fn done(&self, saboteur: &mut Saboteur) -> Vec<(&'static str, i64)> {
        let on = [
            ("change.approve", &self.approved.id),
            ("change.withdraw", &self.withdrawn.id),
            ("change.reject", &self.rejected.id),
            ("change.abort", &self.aborted.id),
            ("freeze.lift", &self.freeze),
            ("hold.lift", &self.hold),
            ("change.approve", &self.train.changes[0].id),
            ("change.abort", &self.aborted_train.changes[0].id),
            ("review.close", &self.reviewed.id),
            ("change.break_glass", &self.let_through.id),
        ];
        let mut done = Vec::new();
        for (what, target) in on {
            let query = "SELECT CAST(COUNT(*) AS BIGINT) FROM audit WHERE what = $1 AND target = $2 AND outcome = 'done'";
            let row = sqlx::query(query).bind(what).bind(target.clone()).fetch_one(&mut saboteur.connection).await.unwrap();
            done.push((what, row.get(0)));
        }
        done
    }
}

/// A plan that nobody asks for leaves nothing.
#[tokio::test(flavor = "multi_thread")]
async fn a_preview_stores_nothing() {
    let stage = Stage::set().await;
    let mut saboteur = Saboteur::of(&stage.world).await;
    let (component, prod, reason) = (name("api"), name("prod"), "what if".to_owned());
    let before = stage.kept(&mut saboteur).await;
    for request in [
        promote(),
        rollback(2),
        Request::Scale { component: component.clone(), environment: prod.clone(), replicas: 5, reason: reason.clone() },
        Request::Restart { component, environment: prod, reason },
    ] {
        stage
            .world
            .engine
            .preview(&stage.world.actor("bea"), request.clone())
            .await
            .unwrap_or_else(|error| panic!("{request:?}: {error:?}"));
    }
    stage.world.engine.preview_train(&stage.world.actor("bea"), &train()).await.unwrap();
    assert_eq!(stage.kept(&mut saboteur).await, before);
}

#[tokio::test(flavor = "multi_thread")]
async fn of_an_act_whose_last_statement_fails_nothing_stays() {
    let stage = Stage::set().await;
    let mut saboteur = Saboteur::of(&stage.world).await;
    for act in ACTS {
        let before = stage.kept(&mut saboteur).await;
        saboteur.breaks("audit").await;
        let failed = stage.act(act).await.unwrap_err();
        assert!(failed.status() >= 500, "{act:?}: {failed:?}");
        saboteur.mends("audit").await;
        assert_eq!(stage.kept(&mut saboteur).await, before, "{act:?}");
        stage.act(act).await.unwrap_or_else(|error| panic!("{act:?} again: {error:?}"));
        assert_ne!(stage.kept(&mut saboteur).await, before, "{act:?}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn an_act_on_a_locked_database_waits_or_fails_and_is_done_once() {
    let stage = std::sync::Arc::new(Stage::set().await);
    let mut saboteur = Saboteur::of(&stage.world).await;
    let before = stage.kept(&mut saboteur).await;
    let lock = if saboteur.postgres { "BEGIN; LOCK TABLE audit IN ACCESS EXCLUSIVE MODE" } else { "BEGIN IMMEDIATE" };
    saboteur.run(lock.into()).await;
    let mut acts: JoinSet<(Act, domain::Result<()>)> = JoinSet::new();
    for act in ACTS {
        let stage = stage.clone();
        acts.spawn(async move { (act, stage.act(act).await) });
    }
    // As long as SQLite waits for its turn, and a little more.
    let locked = Instant::now();
    while locked.elapsed() < Duration::from_millis(5500) {
        assert_eq!(stage.kept(&mut saboteur).await, before, "nothing is done while it is locked");
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
    saboteur.run("ROLLBACK".into()).await;
    let mut failed = 0;
    while let Some(done) = acts.join_next().await {
        let (act, done) = done.unwrap();
        if let Err(error) = done {
            assert!(error.status() >= 500, "{act:?}: {error:?}");
            failed += 1;
            stage.act(act).await.unwrap_or_else(|error| panic!("{act:?} again: {error:?}"));
        }
    }
    println!("{failed} of {} failed while it was locked, and were done again", ACTS.len());
    assert!(stage.done(&mut saboteur).await.iter().all(|(_, times)| *times == 1), "{:?}", stage.done(&mut saboteur).await);
    let kept = stage.kept(&mut saboteur).await;
    // What is asked for is two changes, one of them in a train.
    for (act, times) in [("change.request", 2), ("train.request", 1), ("freeze.set", 1)] {
        let count =
            |kept: &[String]| kept.iter().filter(|line| line.starts_with(&format!("audit {act} ")) && line.ends_with(" done")).count();
        assert_eq!(count(&kept) - count(&before), times, "{act}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn of_an_act_whose_connection_is_cut_nothing_stays() {
    let stage = Stage::set().await;
    let mut saboteur = Saboteur::of(&stage.world).await;
    if !saboteur.postgres {
        eprintln!("not run: a file has no connections that can be cut; `make postgres` runs it");
        return;
    }
    for act in ACTS {
        let before = stage.kept(&mut saboteur).await;
        saboteur
            .run("CREATE FUNCTION slow() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN PERFORM pg_sleep(20); RETURN NEW; END $$".into())
            .await;
        saboteur.run("CREATE TRIGGER slow BEFORE INSERT ON audit FOR EACH ROW EXECUTE FUNCTION slow()".into()).await;
        let began = Instant::now();
        let cut = async {
            while !in_the_midst(&mut saboteur).await {
                assert!(began.elapsed() < Duration::from_secs(45), "{act:?} does not come to its last statement");
                tokio::time::sleep(Duration::from_millis(20)).await;
            }
            saboteur.run(DROP_OTHERS.into()).await;
        };
        let (failed, ()) = tokio::join!(stage.act(act), cut);
        let failed = failed.unwrap_err();
        assert!(failed.status() >= 500, "{act:?}: {failed:?}");
        saboteur.run("DROP TRIGGER slow ON audit; DROP FUNCTION slow".into()).await;
        assert_eq!(stage.kept(&mut saboteur).await, before, "{act:?}");
        eventually("the database answers again", || async { stage.world.engine.change(&actor("viv"), &stage.approved.id).await.ok() })
            .await;
        stage.act(act).await.unwrap_or_else(|error| panic!("{act:?} again: {error:?}"));
    }
}

/// Somebody is at the last statement of an act.
async fn in_the_midst(saboteur: &mut Saboteur) -> bool {
    let query = "SELECT CAST(COUNT(*) AS BIGINT) FROM pg_stat_activity WHERE datname = current_database() AND wait_event = 'PgSleep'";
    sqlx::query(query).fetch_one(&mut saboteur.connection).await.unwrap().get::<i64, _>(0) > 0
}
