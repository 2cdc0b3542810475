//! The journal of a change's one write: the bytes of the last intent, its tries and their answers, and what became of it.
//!
//! Invariant: a try is counted before it is sent, and a certain answer after it, so that what is not counted as refused may arrive.

use super::{Store, Tx};
use crate::error::Result;
use domain::Time;
use domain::changes::step::Written;
use sqlx::{Any, Executor, Row};

/// The write's journal as it is kept: the bytes are sent again exactly as they are.
#[derive(Clone, Debug)]
pub struct Journal {
    pub written: Written,
    pub bytes: String,
    /// The first time.
    pub intended_at: Option<Time>,
    pub applied_at: Option<Time>,
}

impl Store {
    pub async fn journal(&self, id: &str) -> Result<Journal> {
        let mut connection = self.pool().acquire().await?;
        journal(&mut connection, id).await
    }

    /// The same inside a writing transaction.
    pub async fn journal_in(&self, tx: &mut Tx, id: &str) -> Result<Journal> {
        journal(tx, id).await
    }

    pub async fn journal_intent(&self, tx: &mut Tx, id: &str, resource_version: &str, bytes: &str, at: Time) -> Result<()> {
        sqlx::query(
            "INSERT INTO change_writes (change_id, resource_version, bytes, tries, intended_at) VALUES ($1, $2, $3, 1, $4)
             ON CONFLICT (change_id) DO UPDATE SET resource_version = excluded.resource_version, bytes = excluded.bytes, tries = change_writes.tries + 1",
        )
        .bind(id)
        .bind(resource_version)
        .bind(bytes)
        .bind(at.0)
        .execute(&mut **tx)
        .await?;
        Ok(())
    }

    /// The same bytes are sent once more.
    pub async fn journal_try(&self, tx: &mut Tx, id: &str) -> Result<()> {
        sqlx::query("UPDATE change_writes SET tries = tries + 1 WHERE change_id = $1").bind(id).execute(&mut **tx).await?;
        Ok(())
    }

    /// The last try was answered with a certain no; `conflict`: since the object had moved on.
    pub async fn journal_refused(&self, tx: &mut Tx, id: &str, conflict: bool) -> Result<()> {
        sqlx::query(
            "UPDATE change_writes SET refused = COALESCE(refused, 0) + 1, conflicts = COALESCE(conflicts, 0) + $2 WHERE change_id = $1",
        )
        .bind(id)
        .bind(i64::from(conflict))
        .execute(&mut **tx)
        .await?;
        Ok(())
    }

    /// No earlier try can arrive any more: the object has left the resourceVersion in its bytes.
    pub async fn outdate_earlier_tries(&self, tx: &mut Tx, id: &str) -> Result<()> {
        sqlx::query("UPDATE change_writes SET refused = tries - 1 WHERE change_id = $1").bind(id).execute(&mut **tx).await?;
        Ok(())
    }

    /// The cluster refused these bytes whole: they are not sent again, others are made against what is there then. The try counts.
    pub async fn withdraw_intent(&self, tx: &mut Tx, id: &str) -> Result<()> {
        sqlx::query("UPDATE change_writes SET resource_version = '' WHERE change_id = $1").bind(id).execute(&mut **tx).await?;
        Ok(())
    }

    /// The first time is kept: the rollout began then, however often the generation is adopted.
    pub async fn journal_applied(&self, tx: &mut Tx, id: &str, generation: i64, spec_hash: &str, at: Time) -> Result<()> {
        sqlx::query("UPDATE change_writes SET generation = $2, spec_hash = $4, applied_at = COALESCE(applied_at, $3) WHERE change_id = $1")
            .bind(id)
            .bind(generation)
            .bind(at.0)
            .bind(spec_hash)
            .execute(&mut **tx)
            .await?;
        Ok(())
    }
}

/// The generation that the write made, and whether a try of it has arrived or may.
pub(super) async fn reached(connection: &mut sqlx::AnyConnection, id: &str) -> Result<(Option<i64>, bool)> {
    let query = sqlx::query::<Any>("SELECT generation, tries, refused FROM change_writes WHERE change_id = $1");
    let Some(row) = connection.fetch_optional(query.bind(id.to_owned())).await? else { return Ok((None, false)) };
    let refused = row.try_get::<Option<i64>, _>("refused")?.unwrap_or(0);
    Ok((row.try_get("generation")?, row.try_get::<i64, _>("tries")? > refused))
}

async fn journal(connection: &mut sqlx::AnyConnection, id: &str) -> Result<Journal> {
    let query = sqlx::query::<Any>(
        "SELECT resource_version, bytes, tries, refused, conflicts, generation, spec_hash, intended_at, applied_at
         FROM change_writes WHERE change_id = $1",
    );
    let row = connection.fetch_optional(query.bind(id.to_owned())).await?;
    let Some(row) = row else {
        return Ok(Journal { written: Written::Nothing, bytes: String::new(), intended_at: None, applied_at: None });
    };
    let written = match row.try_get::<Option<i64>, _>("generation")? {
        Some(generation) => Written::Applied { generation, spec_hash: row.try_get::<Option<String>, _>("spec_hash")?.unwrap_or_default() },
        None => {
            let tries = row.try_get("tries")?;
            Written::Intended {
                resource_version: row.try_get("resource_version")?,
                tries,
                conflicts: row.try_get::<Option<i64>, _>("conflicts")?.unwrap_or(0),
                unanswered: tries > row.try_get::<Option<i64>, _>("refused")?.unwrap_or(0),
            }
        }
    };
    let intended_at = Some(Time(row.try_get("intended_at")?));
    Ok(Journal { written, bytes: row.try_get("bytes")?, intended_at, applied_at: row.try_get::<Option<i64>, _>("applied_at")?.map(Time) })
}
