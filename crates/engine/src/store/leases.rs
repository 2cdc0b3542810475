//! Leases: which worker drives a change, until when, and with which fence.
//!
//! Invariants: only the database says what time it is; a fence is given once, and fences grow over all changes.

use super::{Store, Tx};
use crate::error::Result;
use domain::Time;
use domain::changes::State;
use sqlx::{Any, Executor};

/// The right to drive a change, as long as the database agrees.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Lease {
    pub change: String,
    pub owner: String,
    pub fence: i64,
}

impl Store {
    /// Replicas have clocks of their own, which differ: a lease is told by this one.
    fn clock(&self) -> &'static str {
        if self.postgres {
            "SELECT CAST(EXTRACT(EPOCH FROM clock_timestamp()) * 1000 AS BIGINT)"
        } else {
            "SELECT CAST(unixepoch('now', 'subsec') * 1000 AS INTEGER)"
        }
    }

    async fn time<'c>(&self, connection: impl Executor<'c, Database = Any>) -> Result<Time> {
        Ok(Time(sqlx::query_scalar(self.clock()).fetch_one(connection).await?))
    }

    /// Ids of the changes that `owner` may drive: nobody holds them, or whoever did has not been heard of for too long. Oldest first.
    pub async fn claimable(&self, owner: &str) -> Result<Vec<String>> {
        let now = self.time(self.pool()).await?;
        Ok(sqlx::query_scalar(
            "SELECT id FROM changes WHERE state IN ('ready', 'running', 'observing') AND (owner = $1 OR lease_until < $2) ORDER BY number",
        )
        .bind(owner)
        .bind(now.0)
        .fetch_all(self.pool())
        .await?)
    }

    /// Takes a change up for so many seconds: only when nobody else holds it.
    pub async fn claim(&self, tx: &mut Tx, id: &str, owner: &str, seconds: i64) -> Result<Option<Lease>> {
        let now = self.time(&mut **tx).await?;
        let fence: Option<i64> = sqlx::query_scalar(
            "UPDATE changes SET owner = $2, lease_until = $4, fence = (SELECT highest + 1 FROM fences WHERE id = 1)
             WHERE id = $1 AND state IN ('ready', 'running', 'observing') AND (owner = $2 OR lease_until < $3) RETURNING fence",
        )
        .bind(id)
        .bind(owner)
        .bind(now.0)
        .bind(now.plus_seconds(seconds).0)
        .fetch_optional(&mut **tx)
        .await?;
        let Some(fence) = fence else { return Ok(None) };
        self.raise_fences(tx, fence).await?;
        Ok(Some(Lease { change: id.to_owned(), owner: owner.to_owned(), fence }))
    }

    /// The sequence goes on above this.
    pub async fn raise_fences(&self, tx: &mut Tx, seen: i64) -> Result<()> {
        sqlx::query("UPDATE fences SET highest = $1 WHERE id = 1 AND highest < $1").bind(seen).execute(&mut **tx).await?;
        Ok(())
    }

    /// For so many seconds from now. False: the lease is lost, and whoever asked must stop. What is written in this transaction after
    /// a true one is the holder's: writers take turns.
    pub async fn renew(&self, tx: &mut Tx, lease: &Lease, seconds: i64) -> Result<bool> {
        let now = self.time(&mut **tx).await?;
        let done = sqlx::query("UPDATE changes SET lease_until = $4 WHERE id = $1 AND owner = $2 AND fence = $3")
            .bind(&lease.change)
            .bind(&lease.owner)
            .bind(lease.fence)
            .bind(now.plus_seconds(seconds).0)
            .execute(&mut **tx)
            .await?;
        Ok(done.rows_affected() == 1)
    }

    /// Whether the change still waits for votes: nobody drives it, and whoever comes first may end it.
    pub async fn awaits_votes(&self, tx: &mut Tx, id: &str) -> Result<bool> {
        let state: Option<String> =
            sqlx::query_scalar("SELECT state FROM changes WHERE id = $1").bind(id).fetch_optional(&mut **tx).await?;
        Ok(state.as_deref() == Some(State::AwaitingApproval.as_str()))
    }

    /// One change, free for the next worker.
    pub async fn let_go(&self, tx: &mut Tx, lease: &Lease) -> Result<()> {
        sqlx::query("UPDATE changes SET owner = '', lease_until = 0 WHERE id = $1 AND owner = $2 AND fence = $3")
            .bind(&lease.change)
            .bind(&lease.owner)
            .bind(lease.fence)
            .execute(&mut **tx)
            .await?;
        Ok(())
    }

    /// All that this worker holds.
    pub async fn release(&self, tx: &mut Tx, owner: &str) -> Result<()> {
        sqlx::query("UPDATE changes SET owner = '', lease_until = 0 WHERE owner = $1").bind(owner).execute(&mut **tx).await?;
        Ok(())
    }

    /// Every lease, when nobody else can hold one.
    pub async fn release_all(&self, tx: &mut Tx) -> Result<()> {
        sqlx::query("UPDATE changes SET owner = '', lease_until = 0 WHERE owner <> ''").execute(&mut **tx).await?;
        Ok(())
    }
}
