//! The worker's lines about a change: what it saw, decided and was answered.

use super::{Store, Tx};
use crate::error::Result;
use domain::Time;
use domain::changes::explain::{Line, What};
use sqlx::Row;

/// So many lines are kept of one change: a rollout of thousands of pods tells of itself thousands of times. The first say how it
/// began; how it ended, the audit record says.
const LINES: i64 = 1000;

impl Store {
    /// Keeps a line, if there is room.
    pub async fn log_line(&self, tx: &mut Tx, change: &str, at: Time, what: What, text: &str) -> Result<()> {
        sqlx::query(
            "INSERT INTO change_log (change_id, seq, at, what, text)
             SELECT $1, COALESCE(MAX(seq), 0) + 1, $2, $3, $4 FROM change_log WHERE change_id = $1 HAVING COALESCE(MAX(seq), 0) < $5",
        )
        .bind(change)
        .bind(at.0)
        .bind(what.as_str())
        .bind(text)
        .bind(LINES)
        .execute(&mut **tx)
        .await?;
        Ok(())
    }

    /// All lines of a change, oldest first.
    pub async fn log_of(&self, change: &str) -> Result<Vec<Line>> {
        let rows = sqlx::query("SELECT at, what, text FROM change_log WHERE change_id = $1 ORDER BY seq")
            .bind(change)
            .fetch_all(self.pool())
            .await?;
        rows.iter()
            .map(|row| {
                let what: String = row.try_get("what")?;
                Ok(Line { at: Time(row.try_get("at")?), what: What::parse(&what).unwrap_or(What::Saw), text: row.try_get("text")? })
            })
            .collect()
    }
}
