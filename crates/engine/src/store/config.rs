//! What the ConfigMaps of deployment records held.

use super::{Store, Tx};
use crate::error::{Error, Result};
use serde_json::Value;
use sqlx::Row;

impl Store {
    /// The ConfigMaps of a record, each with its data; None: there was none of this name.
    pub async fn insert_config(&self, tx: &mut Tx, record: &str, maps: &[(String, Option<Value>)]) -> Result<()> {
        for (name, data) in maps {
            let data = data.as_ref().map(Value::to_string);
            let hash = data.as_deref().map(domain::digest::sha256);
            if let (Some(hash), Some(data)) = (&hash, &data) {
                sqlx::query("INSERT INTO config_data (sha256, data) VALUES ($1, $2) ON CONFLICT (sha256) DO NOTHING")
                    .bind(hash)
                    .bind(data)
                    .execute(&mut **tx)
                    .await?;
            }
            sqlx::query("INSERT INTO deployment_config (deployment_id, name, sha256) VALUES ($1, $2, $3)")
                .bind(record)
                .bind(name)
                .bind(hash)
                .execute(&mut **tx)
                .await?;
        }
        sqlx::query("UPDATE deployments SET config = 1 WHERE id = $1").bind(record).execute(&mut **tx).await?;
        Ok(())
    }

    /// None: nobody wrote them down.
    pub async fn config_of(&self, record: &str) -> Result<Option<Vec<(String, Option<Value>)>>> {
        let known: Option<i64> =
            sqlx::query_scalar("SELECT config FROM deployments WHERE id = $1").bind(record).fetch_optional(self.pool()).await?;
        if known != Some(1) {
            return Ok(None);
        }
        let rows = sqlx::query(
            "SELECT c.name, d.data FROM deployment_config c LEFT JOIN config_data d ON d.sha256 = c.sha256
             WHERE c.deployment_id = $1 ORDER BY c.name",
        )
        .bind(record)
        .fetch_all(self.pool())
        .await?;
        let read = |text: String| serde_json::from_str(&text).map_err(|source| Error::Document { what: "a ConfigMap".into(), source });
        let one = |row: &sqlx::any::AnyRow| {
            let data: Option<String> = row.try_get("data")?;
            Ok((row.try_get("name")?, data.map(read).transpose()?))
        };
        rows.iter().map(one).collect::<Result<Vec<_>>>().map(Some)
    }
}
