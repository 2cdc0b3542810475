//! Freezes, and the reviews of broken glasses.

use super::{Store, Tx, document};
use crate::changes::IdempotencyKey;
use crate::error::Result;
use domain::Time;
use domain::changes::freeze::{Freeze, Scope};
use domain::changes::{Authority, BreakGlass, Plan, Review};
use sqlx::any::AnyRow;
use sqlx::{Any, Row};

const FREEZE: &str = "id, scope, environment, reason, starts, ends, person, at, lifted_at, lifted_by, lift_reason";

/// How many that are over a list shows.
const PAST: i64 = 200;

impl Store {
    pub async fn insert_freeze(&self, tx: &mut Tx, freeze: &Freeze, key: Option<&IdempotencyKey>) -> Result<()> {
        let (scope, environment) = match &freeze.scope {
            Scope::Environment(name) => ("environment", Some(name.as_str())),
            Scope::Production => ("production", None),
        };
        sqlx::query(
            "INSERT INTO freezes (id, scope, environment, reason, starts, ends, person, at, key, body_sha256)
             VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10)",
        )
        .bind(&freeze.id)
        .bind(scope)
        .bind(environment)
        .bind(&freeze.reason)
        .bind(freeze.from.0)
        .bind(freeze.until.map(|t| t.0))
        .bind(&freeze.by)
        .bind(freeze.at.0)
        .bind(key.map(|key| key.key.as_str()))
        .bind(key.map(|key| key.body_sha256.as_str()))
        .execute(&mut **tx)
        .await?;
        Ok(())
    }

    /// Notes which incident set a freeze.
    pub async fn freeze_is_of(&self, tx: &mut Tx, id: &str, incident: &str) -> Result<()> {
        sqlx::query("UPDATE freezes SET incident = $2 WHERE id = $1").bind(id).bind(incident).execute(&mut **tx).await?;
        Ok(())
    }

    /// Those that an incident set and that nobody has lifted.
    pub async fn freezes_of(&self, tx: &mut Tx, incident: &str) -> Result<Vec<Freeze>> {
        let query = format!("SELECT {FREEZE} FROM freezes WHERE incident = $1 AND lifted_at IS NULL ORDER BY at, id");
        let rows = sqlx::query(sqlx::AssertSqlSafe(query)).bind(incident).fetch_all(&mut **tx).await?;
        rows.iter().map(freeze).collect()
    }

    /// The freeze that a key made, and the body it was made with.
    pub async fn freeze_by_key(&self, tx: &mut Tx, person: &str, key: &str) -> Result<Option<(Freeze, String)>> {
        let query = format!("SELECT {FREEZE}, body_sha256 FROM freezes WHERE person = $1 AND key = $2");
        let row = sqlx::query(sqlx::AssertSqlSafe(query)).bind(person).bind(key).fetch_optional(&mut **tx).await?;
        row.map(|row| Ok((freeze(&row)?, row.try_get("body_sha256")?))).transpose()
    }

    /// Those that nobody has lifted and that have not ended, newest first.
    pub async fn open_freezes(&self, now: Time) -> Result<Vec<Freeze>> {
        let mut connection = self.pool().acquire().await?;
        open_freezes(&mut connection, now).await
    }

    /// The same inside a writing transaction: no freeze comes between this and the commit.
    pub async fn open_freezes_in(&self, tx: &mut Tx, now: Time) -> Result<Vec<Freeze>> {
        open_freezes(tx, now).await
    }

    /// Also those that are over, newest first.
    pub async fn all_freezes(&self) -> Result<Vec<Freeze>> {
        let query = format!("SELECT {FREEZE} FROM freezes ORDER BY at DESC LIMIT $1");
        let rows = sqlx::query(sqlx::AssertSqlSafe(query)).bind(PAST).fetch_all(self.pool()).await?;
        rows.iter().map(freeze).collect()
    }

    /// None: no such freeze, or it is over.
    pub async fn lift_freeze(&self, tx: &mut Tx, id: &str, by: &str, reason: &str, at: Time) -> Result<Option<Freeze>> {
        let query = format!(
            "UPDATE freezes SET lifted_at = $2, lifted_by = $3, lift_reason = $4
             WHERE id = $1 AND lifted_at IS NULL AND (ends IS NULL OR ends > $2) RETURNING {FREEZE}"
        );
        let row = sqlx::query(sqlx::AssertSqlSafe(query)).bind(id).bind(at.0).bind(by).bind(reason).fetch_optional(&mut **tx).await?;
        row.as_ref().map(freeze).transpose()
    }

    pub async fn insert_review(&self, tx: &mut Tx, id: &str, change: &str, glass: &BreakGlass, due_at: Time) -> Result<()> {
        sqlx::query("INSERT INTO reviews (id, change_id, person, authority, reason, at, due_at) VALUES ($1, $2, $3, $4, $5, $6, $7)")
            .bind(id)
            .bind(change)
            .bind(&glass.by)
            .bind(glass.authority.as_str())
            .bind(&glass.reason)
            .bind(glass.at.0)
            .bind(due_at.0)
            .execute(&mut **tx)
            .await?;
        Ok(())
    }

    /// Those that are open, the first due first; then, if asked for, those that are closed.
    pub async fn reviews(&self, closed_too: bool) -> Result<Vec<Review>> {
        let query = format!("{REVIEW} WHERE r.closed_at IS NULL OR $1 = 1 ORDER BY r.closed_at IS NOT NULL, r.due_at LIMIT $2");
        let rows = sqlx::query(sqlx::AssertSqlSafe(query)).bind(i64::from(closed_too)).bind(PAST).fetch_all(self.pool()).await?;
        rows.iter().map(review).collect()
    }

    /// By its own id.
    pub async fn review_in(&self, tx: &mut Tx, id: &str) -> Result<Option<Review>> {
        let query = format!("{REVIEW} WHERE r.id = $1");
        let row = sqlx::query(sqlx::AssertSqlSafe(query)).bind(id).fetch_optional(&mut **tx).await?;
        row.as_ref().map(review).transpose()
    }

    pub async fn review_of_change(&self, change: &str) -> Result<Option<Review>> {
        let query = format!("{REVIEW} WHERE r.change_id = $1");
        let row = sqlx::query(sqlx::AssertSqlSafe(query)).bind(change).fetch_optional(self.pool()).await?;
        row.as_ref().map(review).transpose()
    }

    pub async fn close_review(&self, tx: &mut Tx, id: &str, by: &str, note: &str, at: Time) -> Result<()> {
        sqlx::query("UPDATE reviews SET closed_at = $2, closed_by = $3, note = $4 WHERE id = $1 AND closed_at IS NULL")
            .bind(id)
            .bind(at.0)
            .bind(by)
            .bind(note)
            .execute(&mut **tx)
            .await?;
        Ok(())
    }
}

async fn open_freezes(connection: &mut sqlx::AnyConnection, now: Time) -> Result<Vec<Freeze>> {
    let query = format!("SELECT {FREEZE} FROM freezes WHERE lifted_at IS NULL AND (ends IS NULL OR ends > $1) ORDER BY at DESC, id");
    let rows = sqlx::query::<Any>(sqlx::AssertSqlSafe(query)).bind(now.0).fetch_all(connection).await?;
    rows.iter().map(freeze).collect()
}

/// Who broke the glass for a change, if anybody did.
pub(super) async fn glass(connection: &mut sqlx::AnyConnection, change: &str) -> Result<Option<BreakGlass>> {
    let query = sqlx::query::<Any>("SELECT person, authority, reason, at FROM reviews WHERE change_id = $1");
    let row = query.bind(change.to_owned()).fetch_optional(connection).await?;
    row.as_ref().map(broken).transpose()
}

fn freeze(row: &AnyRow) -> Result<Freeze> {
    let environment: Option<String> = row.try_get("environment")?;
    Ok(Freeze {
        id: row.try_get("id")?,
        scope: environment.map_or(Scope::Production, Scope::Environment),
        reason: row.try_get("reason")?,
        from: Time(row.try_get("starts")?),
        until: row.try_get::<Option<i64>, _>("ends")?.map(Time),
        by: row.try_get("person")?,
        at: Time(row.try_get("at")?),
        lifted_by: row.try_get("lifted_by")?,
        lifted_at: row.try_get::<Option<i64>, _>("lifted_at")?.map(Time),
        lift_reason: row.try_get("lift_reason")?,
    })
}

const REVIEW: &str = "SELECT r.id, r.change_id, r.person, r.authority, r.reason, r.at, r.due_at, r.closed_at, r.closed_by, r.note,
    c.number, c.component, c.environment, c.plan FROM reviews r JOIN changes c ON c.id = r.change_id";

fn broken(row: &AnyRow) -> Result<BreakGlass> {
    Ok(BreakGlass {
        by: row.try_get("person")?,
        // What is not known grants nothing more than an administrator's role does, which is read again.
        authority: Authority::parse(row.try_get("authority")?).unwrap_or(Authority::Administrator),
        reason: row.try_get("reason")?,
        at: Time(row.try_get("at")?),
    })
}

fn review(row: &AnyRow) -> Result<Review> {
    let plan: Plan = document("a plan", row.try_get("plan")?)?;
    Ok(Review {
        id: row.try_get("id")?,
        change: row.try_get("change_id")?,
        label: format!("CH-{}", row.try_get::<i64, _>("number")?),
        summary: plan.summary,
        component: row.try_get("component")?,
        environment: row.try_get("environment")?,
        glass: broken(row)?,
        due_at: Time(row.try_get("due_at")?),
        closed_by: row.try_get("closed_by")?,
        closed_at: row.try_get::<Option<i64>, _>("closed_at")?.map(Time),
        note: row.try_get("note")?,
    })
}
