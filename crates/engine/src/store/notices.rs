//! What replicas tell each other through PostgreSQL (NOTIFY and LISTEN). SQLite has one portal, and nobody to tell.

use super::Store;
use crate::error::Result;
use sqlx::postgres::PgListener;

const CHANNEL: &str = "devmatrix";

/// A connection of its own that hears what is told, and makes itself anew when it is lost.
pub(crate) async fn listen(url: &str) -> Result<PgListener> {
    let mut listener = PgListener::connect(url).await?;
    listener.listen(CHANNEL).await?;
    Ok(listener)
}

impl Store {
    /// Whether several portals may use this database.
    pub fn has_room_for_several(&self) -> bool {
        self.postgres
    }

    pub(crate) async fn notify(&self, words: &str) -> Result<()> {
        if self.postgres {
            sqlx::query("SELECT CAST(pg_notify($1, $2) AS TEXT)").bind(CHANNEL).bind(words).execute(self.pool()).await?;
        }
        Ok(())
    }

    /// The number of the last act that was recorded.
    pub(crate) async fn last_act(&self) -> Result<i64> {
        Ok(sqlx::query_scalar("SELECT COALESCE(MAX(seq), 0) FROM audit").fetch_one(self.pool()).await?)
    }
}
