//! Trains. Their changes are changes like all others; here is what holds them together.

use super::changes::{PageRequest, changes_of_train};
use super::{Page, Store, Tx, readable};
use crate::error::Result;
use domain::Time;
use domain::changes::Train;
use sqlx::any::AnyRow;
use sqlx::{Executor, Row};

pub struct NewTrain<'a> {
    pub id: &'a str,
    pub environment: &'a str,
    pub source: &'a str,
    pub requester: &'a str,
    pub reason: &'a str,
    pub digest: &'a str,
    pub at: Time,
}

const COLUMNS: &str = "id, number, environment, source, requester, reason, digest, requested_at";

impl Store {
    pub async fn insert_train(&self, tx: &mut Tx, new: NewTrain<'_>) -> Result<()> {
        sqlx::query(
            "INSERT INTO trains (id, number, environment, source, requester, reason, digest, requested_at)
             SELECT $1, COALESCE(MAX(number), 0) + 1, $2, $3, $4, $5, $6, $7 FROM trains",
        )
        .bind(new.id)
        .bind(new.environment)
        .bind(new.source)
        .bind(new.requester)
        .bind(new.reason)
        .bind(new.digest)
        .bind(new.at.0)
        .execute(&mut **tx)
        .await?;
        Ok(())
    }

    /// By id, or by label: `TR-3`.
    pub async fn train(&self, id: &str) -> Result<Option<Train>> {
        let mut connection = self.pool().acquire().await?;
        load(&mut connection, id).await
    }

    /// The same inside a writing transaction: what it answers stays true until the commit.
    pub async fn train_in(&self, tx: &mut Tx, id: &str) -> Result<Option<Train>> {
        load(tx, id).await
    }

    /// Those of which some change waits for votes, oldest first.
    pub async fn trains_awaiting(&self) -> Result<Vec<Train>> {
        let text = format!(
            "SELECT {COLUMNS} FROM trains WHERE EXISTS (
               SELECT 1 FROM changes WHERE changes.train = trains.id AND changes.state = 'awaiting_approval') ORDER BY number LIMIT 100"
        );
        let rows = sqlx::query(sqlx::AssertSqlSafe(text)).fetch_all(self.pool()).await?;
        let mut connection = self.pool().acquire().await?;
        let mut trains = Vec::with_capacity(rows.len());
        for row in &rows {
            trains.extend(readable(row.try_get("id")?, whole(&mut connection, row).await)?);
        }
        Ok(trains)
    }

    /// Newest first. The cursor is the number of the last one seen. Without an environment those of all.
    pub async fn trains(&self, environment: Option<&str>, page: &PageRequest) -> Result<Page<Train>> {
        let before = page.cursor.as_deref().and_then(|cursor| cursor.parse().ok()).unwrap_or(i64::MAX);
        let text =
            format!("SELECT {COLUMNS} FROM trains WHERE number < $1 AND ($2 = '' OR environment = $2) ORDER BY number DESC LIMIT $3");
        let query = sqlx::query(sqlx::AssertSqlSafe(text)).bind(before).bind(environment.unwrap_or("")).bind(page.limit + 1);
        let rows = query.fetch_all(self.pool()).await?;
        let mut connection = self.pool().acquire().await?;
        let mut items = Vec::with_capacity(rows.len());
        let limit = usize::try_from(page.limit).unwrap_or(usize::MAX);
        for row in rows.iter().take(limit) {
            items.extend(readable(row.try_get("id")?, whole(&mut connection, row).await)?);
        }
        let last = rows.iter().take(limit).next_back().filter(|_| rows.len() > limit);
        let next = last.map(|row| row.try_get::<i64, _>("number")).transpose()?.map(|number| number.to_string());
        Ok(Page { items, next })
    }
}

async fn load(connection: &mut sqlx::AnyConnection, id: &str) -> Result<Option<Train>> {
    let number: i64 = id.strip_prefix("TR-").and_then(|number| number.parse().ok()).unwrap_or(-1);
    let text = format!("SELECT {COLUMNS} FROM trains WHERE id = $1 OR number = $2");
    let query = sqlx::query(sqlx::AssertSqlSafe(text)).bind(id.to_owned()).bind(number);
    match connection.fetch_optional(query).await? {
        Some(row) => Ok(Some(whole(connection, &row).await?)),
        None => Ok(None),
    }
}

async fn whole(connection: &mut sqlx::AnyConnection, row: &AnyRow) -> Result<Train> {
    let id: String = row.try_get("id")?;
    Ok(Train {
        number: row.try_get("number")?,
        environment: row.try_get("environment")?,
        source: row.try_get("source")?,
        requester: row.try_get("requester")?,
        reason: row.try_get("reason")?,
        digest: row.try_get("digest")?,
        requested_at: Time(row.try_get("requested_at")?),
        changes: changes_of_train(connection, &id).await?,
        id,
    })
}
