//! A database of each earlier version, with data in it, is brought up to date: no row is lost or altered, and the portal reads them.
//! With STORIES_POSTGRES set, on PostgreSQL.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

mod support;

use domain::changes::{Request, State};
use domain::names::Name;
use domain::oncall::{Participant, Wanted};
use engine::{Engine, Opening, Patience};
use futures::StreamExt;
use serde_json::Value;
use sqlx::migrate::Migrator;
use sqlx::{AnyConnection, AssertSqlSafe, Connection, Executor, Row};
use support::{CONFIG, World, actor, database, ends_at, rollback};

static ALL: Migrator = sqlx::migrate!("../../migrations");

fn config() -> String {
    let rest = "rotations:\n  - {name: platform, zone: Europe/Berlin, handoff: \"2025-11-17T09:00\", every: 1d, \
                roles: [primary, secondary], participants: [olivia, dmitri]}\n\
                severities:\n  - {level: P0, title: Critical, response: 15m, freezes: [prod]}\n";
    CONFIG.to_owned() + rest
}

struct Database {
    connection: AnyConnection,
    postgres: bool,
}

impl Database {
    async fn at(url: &str) -> Database {
        sqlx::any::install_default_drivers();
        Database { connection: AnyConnection::connect(url).await.unwrap(), postgres: url.starts_with("postgres") }
    }

    async fn names(&mut self, sql: String) -> Vec<String> {
        sqlx::query_scalar(AssertSqlSafe(sql)).fetch_all(&mut self.connection).await.unwrap()
    }

    async fn tables(&mut self) -> Vec<String> {
        let sql = match self.postgres {
            true => "SELECT CAST(table_name AS TEXT) FROM information_schema.tables WHERE table_schema = 'public' ORDER BY 1",
            false => "SELECT name FROM sqlite_master WHERE type = 'table' ORDER BY name",
        };
        self.names(sql.into()).await.into_iter().filter(|name| !name.starts_with("_sqlx") && !name.starts_with("sqlite_")).collect()
    }

    async fn columns(&mut self, table: &str) -> Vec<String> {
        let sql = match self.postgres {
            true => format!("SELECT CAST(column_name AS TEXT) FROM information_schema.columns WHERE table_name = '{table}' ORDER BY 1"),
            false => format!("SELECT name FROM pragma_table_info('{table}') ORDER BY name"),
        };
        self.names(sql).await
    }

    /// Each row as SQL literals, in the order of its text.
    async fn rows(&mut self, table: &str, columns: &[String]) -> Vec<String> {
        let postgres = self.postgres;
        let quoted = |column: &String| match postgres {
            true => format!("quote_nullable(CAST(\"{column}\" AS TEXT))"),
            false => format!("quote(\"{column}\")"),
        };
        let literals = columns.iter().map(quoted).collect::<Vec<_>>().join(" || ', ' || ");
        let mut rows = self.names(format!("SELECT {literals} FROM \"{table}\"")).await;
        rows.sort();
        rows
    }

    /// Of the targets of plans: what those of the first versions had not.
    async fn forget_in_plans(&mut self, fields: &[&str]) {
        let plans = sqlx::query("SELECT id, plan FROM changes").fetch_all(&mut self.connection).await.unwrap();
        for row in plans {
            let mut plan: Value = serde_json::from_str(&row.get::<String, _>("plan")).unwrap();
            let target = plan["target"].as_object_mut().unwrap();
            fields.iter().for_each(|field| drop(target.remove(*field)));
            let update = sqlx::query("UPDATE changes SET plan = $2 WHERE id = $1").bind(row.get::<String, _>("id")).bind(plan.to_string());
            update.execute(&mut self.connection).await.unwrap();
        }
    }

    async fn insert(&mut self, table: &str, columns: &[String], rows: &[String]) {
        let names = columns.iter().map(|name| format!("\"{name}\"")).collect::<Vec<_>>().join(", ");
        for row in rows {
            self.connection.execute(AssertSqlSafe(format!("INSERT INTO \"{table}\" ({names}) VALUES ({row})"))).await.unwrap();
        }
    }
}

/// A portal that was used: a promotion, its rollback with a hold, a change that waits, an override, an incident that freezes.
async fn used() -> World {
    let world = World::configured(&config(), Patience::default(), |_| {}).await;
    let change = world.promoted("bea").await;
    world.approved(&change, "dmitri").await;
    world.ends(&change, State::Succeeded).await;
    world.judged(&change).await;
    world.settled("prod").await;
    let back = world.engine.ask(&world.actor("bea"), rollback(1), None).await.unwrap().change;
    world.ends(&back, State::Succeeded).await;
    let name = |text: &str| Name::parse("name", text).unwrap();
    let restart = Request::Restart { component: name("api"), environment: name("prod"), reason: "a leak".into() };
    world.engine.ask(&world.actor("bea"), restart, None).await.unwrap();
    let starts = world.engine.now().plus_seconds(86_400);
    let participant = Participant::from("dmitri".to_owned());
    let shift = Wanted { role: "primary".into(), participant, starts, ends: starts.plus_seconds(7200), reason: "a wedding".into() };
    world.engine.arrange(&world.actor("olivia"), "platform", shift, None).await.unwrap();
    let opening = Opening { title: "All is down".into(), severity: "P0".into(), components: vec![], summary: String::new() };
    world.engine.open_incident(&world.actor("bea"), opening, None).await.unwrap();
    world.engine.stop().await;
    world
}

/// What waited for votes is decided on and carried out.
async fn goes_on(world: &World, engine: &Engine, version: usize) {
    let dmitri = world.actor("dmitri");
    for freeze in engine.freezes(&dmitri, None, false).await.unwrap() {
        engine.lift_freeze(&dmitri, &freeze.id, "the portal is new").await.unwrap();
    }
    let waiting = engine.change(&dmitri, "CH-3").await.unwrap();
    assert_eq!(waiting.state, State::AwaitingApproval, "from version {version}");
    engine.approve(&dmitri, &waiting.id, &waiting.digest, "").await.unwrap();
    ends_at(engine, &waiting, State::Succeeded).await;
}

/// A database server has not connections for all of them.
const AT_ONCE: usize = 3;

/// Each in a world of its own, some side by side: they mostly wait.
#[tokio::test(flavor = "multi_thread")]
async fn a_database_of_each_version_is_brought_up_to_date() {
    let versions = futures::stream::iter(1..ALL.iter().count());
    versions.map(brought_up_to_date).buffer_unordered(AT_ONCE).collect::<()>().await;
}

async fn brought_up_to_date(version: usize) {
    let migrations: Vec<_> = ALL.iter().cloned().collect();
    let mut world = used().await;
    let mut newest = Database::at(&world.database_url).await;
    for (table, least) in
        [("changes", 3), ("votes", 1), ("change_writes", 2), ("holds", 1), ("overrides", 1), ("incidents", 1), ("freezes", 1)]
    {
        let columns = newest.columns(table).await;
        assert!(newest.rows(table, &columns).await.len() >= least, "nothing was made of {table}");
    }
    let folder = tempfile::tempdir().unwrap();
    let url = database(&folder).await;
    let mut old = Database::at(&url).await;
    Migrator::with_migrations(migrations[..version].to_vec()).run(&mut old.connection).await.unwrap();
    let free = if old.postgres { "SET session_replication_role = replica" } else { "PRAGMA foreign_keys = OFF" };
    old.connection.execute(free).await.unwrap();
    let mut before = Vec::new();
    for table in old.tables().await {
        let columns = old.columns(&table).await;
        let rows = newest.rows(&table, &columns).await;
        // A migration may have put rows of its own there.
        old.connection.execute(AssertSqlSafe(format!("DELETE FROM \"{table}\""))).await.unwrap();
        old.insert(&table, &columns, &rows).await;
        before.push((table, columns, rows));
    }
    ALL.run(&mut old.connection).await.unwrap();
    for (table, columns, rows) in &before {
        assert_eq!(&old.rows(table, columns).await, rows, "{table}, from version {version}");
    }
    old.forget_in_plans(&["replicas_float", "spec_hash_after", "autoscaler"]).await;
    world.database_url = url;
    let engine = world.another_portal_of(&config()).await;
    let changes = engine.changes(&actor("viv"), &Default::default(), Default::default()).await.unwrap().items;
    let states: Vec<_> = changes.iter().rev().map(|change| (change.number, change.votes.len(), change.state)).collect();
    assert_eq!(states[..2], [(1, 1, State::Succeeded), (2, 0, State::Succeeded)], "from version {version}");
    assert!(!engine.story(&actor("viv"), "CH-1").await.unwrap().is_empty());
    assert_eq!(engine.holds(&actor("viv"), Some("api"), Some("prod")).await.unwrap().len(), 1);
    goes_on(&world, &engine, version).await;
    engine.stop().await;
}
