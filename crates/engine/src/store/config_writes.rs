//! The journal of the ConfigMaps that a change brings back: the bytes of each, and what became of them.

use super::{Store, Tx};
use crate::error::Result;
use domain::Time;
use domain::changes::ConfigSent;
use domain::changes::config::ConfigWritten;
use sqlx::{Any, Executor, Row};

/// One ConfigMap's journal as it is kept: the bytes are sent again exactly as they are.
#[derive(Clone, Debug)]
pub struct ConfigJournal {
    pub position: usize,
    pub written: ConfigWritten,
    pub bytes: String,
}

/// In place of a resourceVersion that was seen: no cluster answers it, so these bytes are not sent again.
const WITHDRAWN: &str = "withdrawn";

/// The place of a ConfigMap in its change, and its name.
#[derive(Clone, Copy, Debug)]
pub struct ConfigPlace<'a> {
    pub change: &'a str,
    pub position: usize,
    pub name: &'a str,
}

impl Store {
    pub async fn config_journal(&self, id: &str) -> Result<Vec<ConfigJournal>> {
        let rows = sqlx::query(
            "SELECT position, resource_version, bytes, tries, refused, applied_at FROM change_config_writes WHERE change_id = $1 ORDER BY position",
        )
        .bind(id)
        .fetch_all(self.pool())
        .await?;
        rows.iter()
            .map(|row| {
                let written = match row.try_get::<Option<i64>, _>("applied_at")? {
                    Some(_) => ConfigWritten::Applied,
                    None => {
                        let tries = row.try_get("tries")?;
                        let unanswered = tries > row.try_get::<Option<i64>, _>("refused")?.unwrap_or(0);
                        ConfigWritten::Intended { resource_version: row.try_get("resource_version")?, tries, unanswered }
                    }
                };
                let position = usize::try_from(row.try_get::<i64, _>("position")?).unwrap_or_default();
                Ok(ConfigJournal { position, written, bytes: row.try_get("bytes")? })
            })
            .collect()
    }

    /// What is known to have arrived is never intended again.
    pub async fn journal_config_intent(
        &self,
        tx: &mut Tx,
        place: ConfigPlace<'_>,
        resource_version: &str,
        bytes: &str,
        at: Time,
    ) -> Result<()> {
        sqlx::query(
            "INSERT INTO change_config_writes (change_id, position, name, resource_version, bytes, tries, intended_at)
             VALUES ($1, $2, $3, $4, $5, 1, $6)
             ON CONFLICT (change_id, position) DO UPDATE SET resource_version = excluded.resource_version, bytes = excluded.bytes,
               tries = change_config_writes.tries + 1 WHERE change_config_writes.applied_at IS NULL",
        )
        .bind(place.change)
        .bind(place.position as i64)
        .bind(place.name)
        .bind(resource_version)
        .bind(bytes)
        .bind(at.0)
        .execute(&mut **tx)
        .await?;
        Ok(())
    }

    /// The same bytes are sent once more.
    pub async fn journal_config_try(&self, tx: &mut Tx, place: ConfigPlace<'_>) -> Result<()> {
        sqlx::query("UPDATE change_config_writes SET tries = tries + 1 WHERE change_id = $1 AND position = $2")
            .bind(place.change)
            .bind(place.position as i64)
            .execute(&mut **tx)
            .await?;
        Ok(())
    }

    pub async fn journal_config_applied(&self, tx: &mut Tx, place: ConfigPlace<'_>, at: Time) -> Result<()> {
        sqlx::query("UPDATE change_config_writes SET applied_at = COALESCE(applied_at, $3) WHERE change_id = $1 AND position = $2")
            .bind(place.change)
            .bind(place.position as i64)
            .bind(at.0)
            .execute(&mut **tx)
            .await?;
        Ok(())
    }

    /// The answer to the last try was no, for certain.
    pub async fn journal_config_refused(&self, tx: &mut Tx, place: ConfigPlace<'_>) -> Result<()> {
        sqlx::query("UPDATE change_config_writes SET refused = COALESCE(refused, 0) + 1 WHERE change_id = $1 AND position = $2")
            .bind(place.change)
            .bind(place.position as i64)
            .execute(&mut **tx)
            .await?;
        Ok(())
    }

    /// The cluster refused what was not noted as arrived whole: other bytes are made against what is there then. The tries count.
    pub async fn withdraw_config_intents(&self, tx: &mut Tx, id: &str) -> Result<()> {
        sqlx::query("UPDATE change_config_writes SET resource_version = $2 WHERE change_id = $1 AND applied_at IS NULL")
            .bind(id)
            .bind(WITHDRAWN)
            .execute(&mut **tx)
            .await?;
        Ok(())
    }
}

/// Those that arrived, or may have: of which not each try was refused.
pub(super) async fn sent(connection: &mut sqlx::AnyConnection, id: &str) -> Result<Vec<ConfigSent>> {
    let query = sqlx::query::<Any>(
        "SELECT name, applied_at FROM change_config_writes
         WHERE change_id = $1 AND (applied_at IS NOT NULL OR tries > COALESCE(refused, 0)) ORDER BY position",
    );
    let rows = connection.fetch_all(query.bind(id.to_owned())).await?;
    rows.iter()
        .map(|row| Ok(ConfigSent { name: row.try_get("name")?, applied: row.try_get::<Option<i64>, _>("applied_at")?.is_some() }))
        .collect()
}
