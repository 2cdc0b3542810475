//! Changes that failed, and whether it is written down what the portal did about it by itself.

use super::{Store, Tx};
use crate::error::Result;
use domain::Time;

impl Store {
    /// Changes that failed since, and of which it is not written down whether they were rolled back by themselves.
    pub async fn unanswered_failures(&self, since: Time) -> Result<Vec<String>> {
        let query = "SELECT id FROM changes c WHERE state = 'failed' AND requested_at > $2
               AND EXISTS (SELECT 1 FROM audit a WHERE a.target = c.id AND a.what = 'change.end' AND a.at > $1)
               AND NOT EXISTS (SELECT 1 FROM audit a WHERE a.target = c.id AND a.what = 'rollback.automatic') ORDER BY number";
        // The second bound only keeps the list short: nothing waits for so long.
        Ok(sqlx::query_scalar(query).bind(since.0).bind(since.plus_seconds(-30 * 86_400).0).fetch_all(self.pool()).await?)
    }

    /// Whether it is written down what the portal did about this one.
    pub async fn failure_is_answered(&self, tx: &mut Tx, id: &str) -> Result<bool> {
        let found: Option<i64> = sqlx::query_scalar("SELECT seq FROM audit WHERE target = $1 AND what = 'rollback.automatic' LIMIT 1")
            .bind(id)
            .fetch_optional(&mut **tx)
            .await?;
        Ok(found.is_some())
    }
}
