//! Deployment records and holds.

use super::{Store, Tx};
use crate::error::Result;
use domain::Time;
use domain::changes::Hold;
use domain::releases::{DeploymentRecord, ImageRef, RecordOutcome};
use sqlx::Row;
use sqlx::any::AnyRow;

/// A revision seen in a cluster for the first time.
#[derive(Clone, Debug)]
pub struct NewRecord {
    pub component: String,
    pub environment: String,
    /// The Deployment's uid: a namesake made anew starts a history of its own.
    pub object_uid: String,
    pub revision: i64,
    pub image: String,
    pub digest: Option<String>,
    pub change: Option<String>,
    pub by: Option<String>,
    pub commit: Option<String>,
    pub cause: Option<String>,
    /// The pod template without the hash label, as JSON.
    pub template: String,
    pub at: Time,
    pub outcome: RecordOutcome,
}

impl Store {
    /// Its id; None: it was there already.
    pub async fn insert_record(&self, tx: &mut Tx, new: &NewRecord) -> Result<Option<String>> {
        let id = uuid::Uuid::now_v7().to_string();
        let done = sqlx::query(
            "INSERT INTO deployments (id, component, environment, object_uid, revision, image, digest, change_id, person, commit_id, cause, template, at, outcome)
             VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14)
             ON CONFLICT (environment, component, object_uid, revision) DO NOTHING",
        )
        .bind(&id)
        .bind(&new.component)
        .bind(&new.environment)
        .bind(&new.object_uid)
        .bind(new.revision)
        .bind(&new.image)
        .bind(new.digest.as_deref())
        .bind(new.change.as_deref())
        .bind(new.by.as_deref())
        .bind(new.commit.as_deref())
        .bind(new.cause.as_deref())
        .bind(&new.template)
        .bind(new.at.0)
        .bind(new.outcome.as_str())
        .execute(&mut **tx)
        .await?;
        Ok((done.rows_affected() == 1).then_some(id))
    }

    /// How the rollout of this change's record ended.
    pub async fn judge_record(&self, tx: &mut Tx, change: &str, outcome: RecordOutcome, duration_s: i64) -> Result<()> {
        sqlx::query("UPDATE deployments SET outcome = $2, duration_s = $3 WHERE change_id = $1")
            .bind(change)
            .bind(outcome.as_str())
            .bind(duration_s)
            .execute(&mut **tx)
            .await?;
        Ok(())
    }

    /// The digest of a record that was written before its pods said it.
    pub async fn complete_record(&self, tx: &mut Tx, id: &str, digest: &str) -> Result<()> {
        sqlx::query("UPDATE deployments SET digest = $2 WHERE id = $1 AND digest IS NULL").bind(id).bind(digest).execute(&mut **tx).await?;
        Ok(())
    }

    /// The cause of a record that was written before somebody noted it in the cluster.
    pub async fn explain_record(&self, tx: &mut Tx, id: &str, cause: Option<&str>) -> Result<()> {
        sqlx::query("UPDATE deployments SET cause = $2 WHERE id = $1 AND change_id IS NULL")
            .bind(id)
            .bind(cause)
            .execute(&mut **tx)
            .await?;
        Ok(())
    }

    /// Of one component in one environment and of one object, newest first. The newest is the current one.
    pub async fn records(&self, component: &str, environment: &str, object_uid: &str) -> Result<Vec<DeploymentRecord>> {
        let rows = sqlx::query(
            "SELECT id, component, environment, revision, image, digest, change_id, person, commit_id, cause, at, outcome, duration_s
             FROM deployments WHERE component = $1 AND environment = $2 AND object_uid = $3 ORDER BY revision DESC LIMIT 200",
        )
        .bind(component)
        .bind(environment)
        .bind(object_uid)
        .fetch_all(self.pool())
        .await?;
        let mut records = rows.iter().map(record).collect::<Result<Vec<_>>>()?;
        if let Some(newest) = records.first_mut() {
            newest.current = true;
        }
        Ok(records)
    }

    /// The pod template of a record.
    pub async fn template(&self, record: &str) -> Result<Option<String>> {
        Ok(sqlx::query_scalar("SELECT template FROM deployments WHERE id = $1").bind(record).fetch_optional(self.pool()).await?)
    }

    pub async fn insert_hold(&self, tx: &mut Tx, hold: &Hold) -> Result<()> {
        sqlx::query(
            "INSERT INTO holds (id, component, environment, image, digest, change_id, person, at) VALUES ($1, $2, $3, $4, $5, $6, $7, $8)",
        )
        .bind(&hold.id)
        .bind(&hold.component)
        .bind(&hold.environment)
        .bind(&hold.image)
        .bind(hold.digest.as_deref())
        .bind(&hold.change)
        .bind(&hold.by)
        .bind(hold.at.0)
        .execute(&mut **tx)
        .await?;
        Ok(())
    }

    /// Holds that nobody has lifted, newest first.
    pub async fn holds(&self, component: Option<&str>, environment: Option<&str>) -> Result<Vec<Hold>> {
        let rows = sqlx::query(
            "SELECT id, component, environment, image, digest, change_id, person, at FROM holds
             WHERE lifted_at IS NULL AND ($1 = '' OR component = $1) AND ($2 = '' OR environment = $2) ORDER BY at DESC",
        )
        .bind(component.unwrap_or(""))
        .bind(environment.unwrap_or(""))
        .fetch_all(self.pool())
        .await?;
        rows.iter().map(hold).collect()
    }

    /// None: no such hold, or somebody lifted it before.
    pub async fn lift_hold(&self, tx: &mut Tx, id: &str, by: &str, reason: &str, at: Time) -> Result<Option<Hold>> {
        let row = sqlx::query(
            "UPDATE holds SET lifted_at = $2, lifted_by = $3, lift_reason = $4 WHERE id = $1 AND lifted_at IS NULL
             RETURNING id, component, environment, image, digest, change_id, person, at",
        )
        .bind(id)
        .bind(at.0)
        .bind(by)
        .bind(reason)
        .fetch_optional(&mut **tx)
        .await?;
        row.as_ref().map(hold).transpose()
    }
}

fn record(row: &AnyRow) -> Result<DeploymentRecord> {
    let image: String = row.try_get("image")?;
    Ok(DeploymentRecord {
        id: row.try_get("id")?,
        component: row.try_get("component")?,
        environment: row.try_get("environment")?,
        revision: row.try_get("revision")?,
        tag: ImageRef::parse(&image).and_then(|image| image.tag),
        image,
        digest: row.try_get("digest")?,
        change: row.try_get("change_id")?,
        by: row.try_get("person")?,
        commit: row.try_get("commit_id")?,
        cause: row.try_get("cause")?,
        at: Time(row.try_get("at")?),
        outcome: RecordOutcome::parse(row.try_get("outcome")?),
        duration_s: row.try_get("duration_s")?,
        current: false,
    })
}

fn hold(row: &AnyRow) -> Result<Hold> {
    Ok(Hold {
        id: row.try_get("id")?,
        component: row.try_get("component")?,
        environment: row.try_get("environment")?,
        image: row.try_get("image")?,
        digest: row.try_get("digest")?,
        change: row.try_get("change_id")?,
        by: row.try_get("person")?,
        at: Time(row.try_get("at")?),
    })
}
