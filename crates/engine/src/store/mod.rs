//! The database: the only place with SQL. SQLite in a file by default, PostgreSQL by its URL; one text for both.
//!
//! Invariant: every mutation goes through [`Store::write`], one transaction that holds the audit entry too; writers take turns.

mod access;
pub(crate) mod alone;
mod audit;
mod changes;
mod config;
mod config_writes;
mod explain;
mod failures;
mod incidents;
mod leases;
pub(crate) mod notices;
mod oncall;
mod pages;
mod policy;
mod records;
mod trains;
mod turns;
mod writes;

pub use access::{SessionRow, TokenInfo};
pub use audit::Act;
pub use changes::{ChangeFilter, NewChange, Page, PageRequest};
pub use config_writes::{ConfigJournal, ConfigPlace};
pub use incidents::NewIncident;
pub use leases::Lease;
pub use pages::{Claim, NewPage, Settled};
pub use records::NewRecord;
pub use trains::NewTrain;
pub use writes::Journal;

use crate::error::{Result, is_read_only};
use crate::fault;
use sqlx::any::{AnyPoolOptions, install_default_drivers};
use sqlx::{Any, AnyConnection, AnyPool, Connection, Executor, Transaction};
use std::ops::{Deref, DerefMut};
use std::sync::{Arc, PoisonError};
use std::time::{Duration, Instant};
use tokio::sync::{Mutex, OwnedMutexGuard};

/// So often connections that may only read are given up for new ones, while none may write.
const JOIN_ANEW: Duration = Duration::from_secs(3);

#[derive(Clone, Debug)]
pub struct Store {
    pool: AnyPool,
    postgres: bool,
    /// Connections that were opened before this may only read. One keeps for good what it was opened with, also when the database can
    /// be written again: so none of them is used once more.
    read_only: Arc<std::sync::Mutex<Option<Instant>>>,
    /// Whose turn it is to write. Who waits here holds no connection, so that readers, and the writer itself, always find one.
    turn: Arc<Mutex<()>>,
}

/// A transaction that writes; dropped, it never was.
pub struct Tx {
    inner: Transaction<'static, Any>,
    _turn: OwnedMutexGuard<()>,
}

impl Tx {
    pub async fn commit(self) -> sqlx::Result<()> {
        self.inner.commit().await
    }

    /// `what`: what is so from now on, as the places before and after it are called (`fault.rs`).
    pub async fn commit_as(self, what: &'static str) -> sqlx::Result<()> {
        fault::before(what);
        self.commit().await?;
        fault::after(what);
        Ok(())
    }

    pub async fn rollback(self) -> sqlx::Result<()> {
        self.inner.rollback().await
    }
}

impl Deref for Tx {
    type Target = AnyConnection;

    fn deref(&self) -> &AnyConnection {
        &self.inner
    }
}

impl DerefMut for Tx {
    fn deref_mut(&mut self) -> &mut AnyConnection {
        &mut self.inner
    }
}

/// Oldest SQLite that keeps its promises when two connections checkpoint at once.
const SQLITE_AT_LEAST: [i64; 3] = [3, 51, 3];

static MIGRATIONS: sqlx::migrate::Migrator = sqlx::migrate!("../../migrations");

impl Store {
    /// Opens and brings up to date. `url`: `sqlite://FILE?mode=rwc` or `postgres://…`.
    pub async fn open(url: &str) -> Result<Store> {
        install_default_drivers();
        let postgres = url.starts_with("postgres");
        let options = AnyPoolOptions::new().max_connections(if postgres { 8 } else { 4 }).acquire_timeout(Duration::from_secs(10));
        let options = options.after_connect(move |connection, _| {
            Box::pin(async move {
                if postgres {
                    // Whoever stands still in its turn to write (a stopped process, a machine that is gone) loses it.
                    connection.execute("SET idle_in_transaction_session_timeout = 5000").await?;
                    // Whatever the server, the database or the role says: what is read behind the writers' lock is of now, and what
                    // is journalled is on the disk before anything is sent.
                    connection.execute("SET default_transaction_isolation = 'read committed'").await?;
                    connection.execute("SET synchronous_commit = on").await?;
                } else {
                    connection.execute("PRAGMA journal_mode = WAL").await?;
                    connection.execute("PRAGMA synchronous = FULL").await?;
                    connection.execute("PRAGMA foreign_keys = ON").await?;
                    connection.execute("PRAGMA busy_timeout = 5000").await?;
                }
                Ok(())
            })
        });
        // SQLite rolls back by itself when the disk is full; sqlx then counts a transaction that is not there, and the connection would
        // refuse every later one.
        let options = options.after_release(move |connection, _| {
            Box::pin(async move {
                if postgres {
                    return Ok(true);
                }
                connection.ping().await?;
                Ok(!connection.is_in_transaction())
            })
        });
        let read_only: Arc<std::sync::Mutex<Option<Instant>>> = Arc::default();
        let seen = read_only.clone();
        let options = options.before_acquire(move |_, of| {
            let seen = *seen.lock().unwrap_or_else(PoisonError::into_inner);
            Box::pin(async move { Ok(seen.is_none_or(|seen| of.age < seen.elapsed())) })
        });
        let store = Store { pool: options.connect(url).await?, postgres, read_only, turn: Arc::default() };
        store.sqlite_is_sound().await?;
        MIGRATIONS.run(&store.pool).await?;
        Ok(store)
    }

    async fn sqlite_is_sound(&self) -> Result<()> {
        if self.postgres {
            return Ok(());
        }
        let version: String = sqlx::query_scalar("SELECT sqlite_version()").fetch_one(&self.pool).await?;
        let parts: Vec<i64> = version.split('.').filter_map(|part| part.parse().ok()).collect();
        if parts.as_slice() < SQLITE_AT_LEAST.as_slice() {
            return Err(sqlx::Error::Configuration(format!("SQLite {version} can lose commits: at least 3.51.3 is needed").into()).into());
        }
        Ok(())
    }

    /// A transaction that writes. Writers take turns from its first line, so what one reads in it stays true until it commits.
    pub async fn write(&self) -> Result<Tx> {
        let turn = self.turn.clone().lock_owned().await;
        let begun = self.begin().await;
        if begun.as_ref().is_err_and(is_read_only) {
            self.may_only_read();
        }
        Ok(Tx { inner: begun?, _turn: turn })
    }

    async fn begin(&self) -> sqlx::Result<Transaction<'static, Any>> {
        if !self.postgres {
            let mut tx = self.pool.begin_with("BEGIN IMMEDIATE").await?;
            // A connection that may only read is content with that at its BEGIN. Here it says so.
            tx.execute("DELETE FROM fences WHERE 1 = 0").await?;
            return Ok(tx);
        }
        let mut tx = self.pool.begin().await?;
        let turn = sqlx::query_scalar("SELECT current_setting('transaction_read_only') FROM pg_advisory_xact_lock(7301)");
        let read_only: String = turn.fetch_one(&mut *tx).await?;
        if read_only == "on" {
            self.may_only_read();
        }
        Ok(tx)
    }

    /// Connections from before now are given up. Not at each try to write: the database would be joined anew many times a second.
    fn may_only_read(&self) {
        let mut seen = self.read_only.lock().unwrap_or_else(PoisonError::into_inner);
        if seen.is_none_or(|at| at.elapsed() > JOIN_ANEW) {
            *seen = Some(Instant::now());
        }
    }

    /// Whether the database answers.
    pub async fn ping(&self) -> Result<()> {
        sqlx::query("SELECT 1").execute(&self.pool).await?;
        Ok(())
    }

    pub async fn close(&self) {
        self.pool.close().await;
    }

    pub(crate) fn pool(&self) -> &AnyPool {
        &self.pool
    }
}

pub(crate) fn document<T: serde::de::DeserializeOwned>(what: impl std::fmt::Display, text: &str) -> Result<T> {
    serde_json::from_str(text).map_err(|source| crate::Error::Document { what: what.to_string(), source })
}

/// One change (or train) that does not read keeps no other from being looked at. None: it is left alone, and that is told.
pub(crate) fn readable<T>(id: &str, read: Result<T>) -> Result<Option<T>> {
    let Err(error @ crate::Error::Document { .. }) = read else { return read.map(Some) };
    tracing::error!(%error, id, "what does not read is left alone: mend it in the database");
    Ok(None)
}

pub(crate) fn json<T: serde::Serialize>(what: &'static str, value: &T) -> Result<String> {
    serde_json::to_string(value).map_err(|source| crate::Error::Document { what: what.into(), source })
}
