//! Incidents with their story, and what was told of their timers.

use super::{Page, PageRequest, Store, Tx, document, json};
use crate::error::Result;
use domain::Time;
use domain::incidents::{Act, Due, Entry, Incident, Mark, State};
use sqlx::any::AnyRow;
use sqlx::{AnyConnection, Row};

/// An incident that somebody opens.
pub struct NewIncident<'a> {
    pub id: &'a str,
    pub title: &'a str,
    pub severity: &'a str,
    pub components: &'a [String],
    pub summary: &'a str,
    pub team: Option<&'a str>,
    pub by: &'a str,
    pub at: Time,
    pub due: &'a Due,
}

impl Store {
    pub async fn insert_incident(&self, tx: &mut Tx, new: &NewIncident<'_>) -> Result<()> {
        sqlx::query(
            "INSERT INTO incidents (id, number, title, severity, components, summary, state, team, opened_at, opened_by, due_at, calendar_version)
             SELECT $1, COALESCE(MAX(number), 0) + 1, $2, $3, $4, $5, 'open', $6, $7, $8, $9, $10 FROM incidents",
        )
        .bind(new.id)
        .bind(new.title)
        .bind(new.severity)
        .bind(json("components", &new.components)?)
        .bind(new.summary)
        .bind(new.team)
        .bind(new.at.0)
        .bind(new.by)
        .bind(new.due.at.0)
        .bind(new.due.calendar_version.as_deref())
        .execute(&mut **tx)
        .await?;
        Ok(())
    }

    /// By id, or by label: `INC-12`.
    pub async fn incident(&self, id: &str) -> Result<Option<Incident>> {
        let mut connection = self.pool().acquire().await?;
        load(&mut connection, id).await
    }

    /// The same inside a writing transaction: what it answers stays true until the commit.
    pub async fn incident_in(&self, tx: &mut Tx, id: &str) -> Result<Option<Incident>> {
        load(tx, id).await
    }

    /// Newest first; of these states, or of all. The cursor is the number of the last one seen.
    pub async fn incidents(&self, states: &[State], page: &PageRequest) -> Result<Page<Incident>> {
        let before = page.cursor.as_deref().and_then(|cursor| cursor.parse().ok()).unwrap_or(i64::MAX);
        // States come from an enumeration: no text of a stranger is in here.
        let states: String = states.iter().map(|state| format!("|{}|", state.as_str())).collect();
        let rows = sqlx::query(
            "SELECT id, number, title, severity, components, summary, state, team, opened_at, opened_by, due_at, calendar_version,
               acknowledged_at, acknowledged_by, resolved_at, resolved_by, breached_at
             FROM incidents WHERE number < $1 AND ($2 = '' OR $2 LIKE '%|' || state || '|%') ORDER BY number DESC LIMIT $3",
        )
        .bind(before)
        .bind(states)
        .bind(page.limit + 1)
        .fetch_all(self.pool())
        .await?;
        let mut items = Vec::with_capacity(rows.len());
        let mut connection = self.pool().acquire().await?;
        for row in rows.iter().take(usize::try_from(page.limit).unwrap_or(usize::MAX)) {
            items.push(whole(&mut connection, row).await?);
        }
        let more = rows.len() > items.len();
        let next = more.then(|| items.last().map(|incident: &Incident| incident.number.to_string())).flatten();
        Ok(Page { items, next })
    }

    /// Every incident that nobody has resolved, oldest first.
    pub async fn unresolved(&self) -> Result<Vec<Incident>> {
        let rows = sqlx::query(
            "SELECT id, number, title, severity, components, summary, state, team, opened_at, opened_by, due_at, calendar_version,
               acknowledged_at, acknowledged_by, resolved_at, resolved_by, breached_at
             FROM incidents WHERE state <> 'resolved' ORDER BY number",
        )
        .fetch_all(self.pool())
        .await?;
        let mut items = Vec::with_capacity(rows.len());
        let mut connection = self.pool().acquire().await?;
        for row in &rows {
            items.push(whole(&mut connection, row).await?);
        }
        Ok(items)
    }

    pub async fn answer_incident(&self, tx: &mut Tx, id: &str, by: &str, at: Time) -> Result<()> {
        sqlx::query(
            "UPDATE incidents SET state = 'acknowledged', acknowledged_at = $2, acknowledged_by = $3 WHERE id = $1 AND state = 'open'",
        )
        .bind(id)
        .bind(at.0)
        .bind(by)
        .execute(&mut **tx)
        .await?;
        Ok(())
    }

    pub async fn resolve_incident(&self, tx: &mut Tx, id: &str, by: &str, at: Time) -> Result<()> {
        sqlx::query("UPDATE incidents SET state = 'resolved', resolved_at = $2, resolved_by = $3 WHERE id = $1")
            .bind(id)
            .bind(at.0)
            .bind(by)
            .execute(&mut **tx)
            .await?;
        Ok(())
    }

    pub async fn regrade_incident(&self, tx: &mut Tx, id: &str, severity: &str, due: &Due) -> Result<()> {
        sqlx::query("UPDATE incidents SET severity = $2, due_at = $3, calendar_version = $4 WHERE id = $1")
            .bind(id)
            .bind(severity)
            .bind(due.at.0)
            .bind(due.calendar_version.as_deref())
            .execute(&mut **tx)
            .await?;
        Ok(())
    }

    pub async fn set_incident_components(&self, tx: &mut Tx, id: &str, components: &[String], team: Option<&str>) -> Result<()> {
        sqlx::query("UPDATE incidents SET components = $2, team = $3 WHERE id = $1")
            .bind(id)
            .bind(json("components", &components)?)
            .bind(team)
            .execute(&mut **tx)
            .await?;
        Ok(())
    }

    pub async fn insert_entry(&self, tx: &mut Tx, id: &str, entry: &Entry) -> Result<()> {
        sqlx::query(
            "INSERT INTO incident_entries (incident_id, seq, at, kind, person, text)
             SELECT $1, COALESCE(MAX(seq), 0) + 1, $2, $3, $4, $5 FROM incident_entries WHERE incident_id = $1",
        )
        .bind(id)
        .bind(entry.at.0)
        .bind(&entry.kind)
        .bind(&entry.by)
        .bind(&entry.text)
        .execute(&mut **tx)
        .await?;
        Ok(())
    }

    /// What was told of an incident's timer at this level.
    pub async fn marks(&self, tx: &mut Tx, id: &str, severity: &str) -> Result<Vec<String>> {
        Ok(sqlx::query_scalar("SELECT mark FROM incident_marks WHERE incident_id = $1 AND severity = $2")
            .bind(id)
            .bind(severity)
            .fetch_all(&mut **tx)
            .await?)
    }

    pub async fn count_marks(&self, id: &str, severity: &str) -> Result<i64> {
        Ok(sqlx::query_scalar("SELECT CAST(COUNT(*) AS BIGINT) FROM incident_marks WHERE incident_id = $1 AND severity = $2")
            .bind(id)
            .bind(severity)
            .fetch_one(self.pool())
            .await?)
    }

    pub async fn insert_mark(&self, tx: &mut Tx, id: &str, severity: &str, mark: Mark, at: Time) -> Result<()> {
        sqlx::query("INSERT INTO incident_marks (incident_id, severity, mark, at) VALUES ($1, $2, $3, $4)")
            .bind(id)
            .bind(severity)
            .bind(mark.as_str())
            .bind(at.0)
            .execute(&mut **tx)
            .await?;
        Ok(())
    }

    /// The first breach stays, whatever the level becomes.
    pub async fn breach(&self, tx: &mut Tx, id: &str, at: Time) -> Result<()> {
        sqlx::query("UPDATE incidents SET breached_at = COALESCE(breached_at, $2) WHERE id = $1")
            .bind(id)
            .bind(at.0)
            .execute(&mut **tx)
            .await?;
        Ok(())
    }
}

async fn load(connection: &mut AnyConnection, id: &str) -> Result<Option<Incident>> {
    let number: i64 = id.strip_prefix("INC-").and_then(|number| number.parse().ok()).unwrap_or(-1);
    let row = sqlx::query(
        "SELECT id, number, title, severity, components, summary, state, team, opened_at, opened_by, due_at, calendar_version,
           acknowledged_at, acknowledged_by, resolved_at, resolved_by, breached_at
         FROM incidents WHERE id = $1 OR number = $2",
    )
    .bind(id.to_owned())
    .bind(number)
    .fetch_optional(&mut *connection)
    .await?;
    match row {
        Some(row) => Ok(Some(whole(connection, &row).await?)),
        None => Ok(None),
    }
}

async fn whole(connection: &mut AnyConnection, row: &AnyRow) -> Result<Incident> {
    let id: String = row.try_get("id")?;
    let entries = sqlx::query("SELECT at, kind, person, text FROM incident_entries WHERE incident_id = $1 ORDER BY seq")
        .bind(id.clone())
        .fetch_all(&mut *connection)
        .await?;
    let act = |at: &str, by: &str| -> Result<Option<Act>> {
        let (at, by) = (row.try_get::<Option<i64>, _>(at)?, row.try_get::<Option<String>, _>(by)?);
        Ok(at.zip(by).map(|(at, by)| Act { by, at: Time(at) }))
    };
    let number: i64 = row.try_get("number")?;
    Ok(Incident {
        number,
        label: format!("INC-{number}"),
        title: row.try_get("title")?,
        severity: row.try_get("severity")?,
        components: document("components", row.try_get("components")?)?,
        summary: row.try_get("summary")?,
        state: State::parse(row.try_get("state")?).unwrap_or(State::Open),
        team: row.try_get("team")?,
        opened: Act { by: row.try_get("opened_by")?, at: Time(row.try_get("opened_at")?) },
        due_at: Time(row.try_get("due_at")?),
        calendar_version: row.try_get("calendar_version")?,
        acknowledged: act("acknowledged_at", "acknowledged_by")?,
        resolved: act("resolved_at", "resolved_by")?,
        breached_at: row.try_get::<Option<i64>, _>("breached_at")?.map(Time),
        timeline: entries.iter().map(entry).collect::<Result<_>>()?,
        id,
    })
}

fn entry(row: &AnyRow) -> Result<Entry> {
    Ok(Entry { at: Time(row.try_get("at")?), kind: row.try_get("kind")?, by: row.try_get("person")?, text: row.try_get("text")? })
}
