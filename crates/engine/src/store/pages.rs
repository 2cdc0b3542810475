//! Pages with their deliveries: written with the act, claimed by a lease, settled by whoever holds it.
//!
//! Invariant: a delivery is claimed in a writing transaction that finds its page not acknowledged. Writers take turns, so none is
//! claimed once an acknowledgement has committed, and none by two at once.

use super::{Page, PageRequest, Store, Tx, document, json};
use crate::error::Result;
use domain::Time;
use domain::incidents::Act;
use domain::pages::{Addressed, Delivery, Page as Paged, State};
use sqlx::any::AnyRow;
use sqlx::{AnyConnection, Row};

/// A page that somebody makes.
pub struct NewPage<'a> {
    pub id: &'a str,
    pub to: &'a str,
    pub addressed: &'a Addressed,
    pub reason: &'a str,
    pub incident: Option<&'a str>,
    pub by: &'a str,
    pub at: Time,
}

/// A delivery that this process tries now.
#[derive(Clone, Debug)]
pub struct Claim {
    pub delivery: Delivery,
    pub page_id: String,
}

/// What became of a try.
pub struct Settled<'a> {
    pub state: State,
    pub next: Option<Time>,
    pub at: Time,
    pub detail: &'a str,
}

impl Store {
    pub async fn insert_page(&self, tx: &mut Tx, new: &NewPage<'_>) -> Result<()> {
        sqlx::query(
            "INSERT INTO pages (id, number, target, people, unreached, reason, incident, person, at)
             SELECT $1, COALESCE(MAX(number), 0) + 1, $2, $3, $4, $5, $6, $7, $8 FROM pages",
        )
        .bind(new.id)
        .bind(new.to)
        .bind(json("people", &new.addressed.people)?)
        .bind(json("people", &new.addressed.unreached)?)
        .bind(new.reason)
        .bind(new.incident)
        .bind(new.by)
        .bind(new.at.0)
        .execute(&mut **tx)
        .await?;
        for (position, leg) in (0_i64..).zip(&new.addressed.legs) {
            sqlx::query(
                "INSERT INTO page_deliveries (id, page_id, position, person, channel, kind, address, state, tries, next_at, owner, leased_until, detail)
                 VALUES ($1, $2, $3, $4, $5, $6, $7, 'waiting', 0, $8, '', 0, '')",
            )
            .bind(uuid::Uuid::now_v7().to_string())
            .bind(new.id)
            .bind(position)
            .bind(&leg.person)
            .bind(&leg.channel)
            .bind(leg.kind)
            .bind(&leg.address)
            .bind(new.at.0)
            .execute(&mut **tx)
            .await?;
        }
        Ok(())
    }

    /// By id, or by label: `PG-12`.
    pub async fn page(&self, id: &str) -> Result<Option<Paged>> {
        let mut connection = self.pool().acquire().await?;
        load(&mut connection, id).await
    }

    /// The same inside a writing transaction: what it answers stays true until the commit.
    pub async fn page_in(&self, tx: &mut Tx, id: &str) -> Result<Option<Paged>> {
        load(tx, id).await
    }

    /// Newest first; those that nobody has acknowledged, or all. The cursor is the number of the last one seen.
    pub async fn pages(&self, open_only: bool, page: &PageRequest) -> Result<Page<Paged>> {
        let before = page.cursor.as_deref().and_then(|cursor| cursor.parse().ok()).unwrap_or(i64::MAX);
        let rows = sqlx::query(
            "SELECT id, number, target, people, unreached, reason, incident, person, at, acknowledged_at, acknowledged_by
             FROM pages WHERE number < $1 AND ($2 = 0 OR acknowledged_at IS NULL) ORDER BY number DESC LIMIT $3",
        )
        .bind(before)
        .bind(i64::from(open_only))
        .bind(page.limit + 1)
        .fetch_all(self.pool())
        .await?;
        let mut items = Vec::with_capacity(rows.len());
        let mut connection = self.pool().acquire().await?;
        for row in rows.iter().take(usize::try_from(page.limit).unwrap_or(usize::MAX)) {
            items.push(whole(&mut connection, row).await?);
        }
        let more = rows.len() > items.len();
        let next = more.then(|| items.last().map(|page: &Paged| page.number.to_string())).flatten();
        Ok(Page { items, next })
    }

    /// The newest that somebody was paged with and nobody has acknowledged.
    pub async fn pages_waiting_for(&self, person: &str, limit: i64) -> Result<Vec<Paged>> {
        // A name is letters, digits and `-`: nothing in it has a meaning here.
        let rows = sqlx::query(
            "SELECT id, number, target, people, unreached, reason, incident, person, at, acknowledged_at, acknowledged_by
             FROM pages WHERE acknowledged_at IS NULL AND people LIKE $1 ORDER BY number DESC LIMIT $2",
        )
        .bind(format!("%\"{person}\"%"))
        .bind(limit)
        .fetch_all(self.pool())
        .await?;
        let mut items = Vec::with_capacity(rows.len());
        let mut connection = self.pool().acquire().await?;
        for row in &rows {
            items.push(whole(&mut connection, row).await?);
        }
        Ok(items)
    }

    /// The first acknowledgement stands; what has not left is withdrawn, what is being tried at this moment is not.
    pub async fn acknowledge_page(&self, tx: &mut Tx, id: &str, by: &str, at: Time) -> Result<()> {
        sqlx::query("UPDATE pages SET acknowledged_at = $2, acknowledged_by = $3 WHERE id = $1 AND acknowledged_at IS NULL")
            .bind(id)
            .bind(at.0)
            .bind(by)
            .execute(&mut **tx)
            .await?;
        sqlx::query(
            "UPDATE page_deliveries SET state = 'withdrawn', ended_at = $2, detail = 'The page was acknowledged before this left.'
             WHERE page_id = $1 AND state IN ('waiting', 'failed') AND leased_until <= $2",
        )
        .bind(id)
        .bind(at.0)
        .execute(&mut **tx)
        .await?;
        Ok(())
    }

    /// Whether something waits to be tried. Most looks find nothing, and keep no writer waiting.
    pub async fn deliveries_are_due(&self, now: Time) -> Result<bool> {
        let found: Option<i64> = sqlx::query_scalar(
            "SELECT tries FROM page_deliveries WHERE state IN ('waiting', 'failed') AND next_at <= $1 AND leased_until <= $1 LIMIT 1",
        )
        .bind(now.0)
        .fetch_optional(self.pool())
        .await?;
        Ok(found.is_some())
    }

    /// Takes the delivery that has waited longest, until `until`.
    pub async fn claim_delivery(&self, tx: &mut Tx, owner: &str, now: Time, until: Time) -> Result<Option<Claim>> {
        let row = sqlx::query(
            "SELECT d.id AS id, d.page_id AS page_id, d.person AS person, d.channel AS channel, d.kind AS kind, d.address AS address,
               d.state AS state, d.tries AS tries, d.next_at AS next_at, d.ended_at AS ended_at, d.detail AS detail
             FROM page_deliveries d JOIN pages p ON p.id = d.page_id
             WHERE d.state IN ('waiting', 'failed') AND d.next_at <= $1 AND d.leased_until <= $1 AND p.acknowledged_at IS NULL
             ORDER BY d.next_at, d.position LIMIT 1",
        )
        .bind(now.0)
        .fetch_optional(&mut **tx)
        .await?;
        let Some(row) = row else { return Ok(None) };
        let mut claim = Claim { delivery: delivery(&row)?, page_id: row.try_get("page_id")? };
        claim.delivery.tries += 1;
        sqlx::query("UPDATE page_deliveries SET tries = $2, owner = $3, leased_until = $4 WHERE id = $1")
            .bind(&claim.delivery.id)
            .bind(claim.delivery.tries)
            .bind(owner)
            .bind(until.0)
            .execute(&mut **tx)
            .await?;
        Ok(Some(claim))
    }

    /// Writes down what became of a try. False: the lease ran out, and another one tries.
    pub async fn settle_delivery(&self, tx: &mut Tx, claim: &Claim, owner: &str, settled: &Settled<'_>) -> Result<bool> {
        let done = sqlx::query(
            "UPDATE page_deliveries SET state = $4, next_at = COALESCE($5, next_at), ended_at = $6, detail = $7, owner = '', leased_until = 0
             WHERE id = $1 AND owner = $2 AND tries = $3",
        )
        .bind(&claim.delivery.id)
        .bind(owner)
        .bind(claim.delivery.tries)
        .bind(settled.state.as_str())
        .bind(settled.next.map(|next| next.0))
        .bind((!settled.state.is_open()).then_some(settled.at.0))
        .bind(settled.detail)
        .execute(&mut **tx)
        .await?;
        Ok(done.rows_affected() == 1)
    }

    /// What was being tried when its process ended, of a page that was acknowledged since: it is not tried again.
    pub async fn withdraw_deliveries(&self, tx: &mut Tx, now: Time) -> Result<u64> {
        let done = sqlx::query(
            "UPDATE page_deliveries SET state = 'withdrawn', ended_at = $1, owner = '',
               detail = 'The page was acknowledged while this was being sent: it may have arrived.'
             WHERE state IN ('waiting', 'failed') AND leased_until <= $1
               AND page_id IN (SELECT id FROM pages WHERE acknowledged_at IS NOT NULL)",
        )
        .bind(now.0)
        .execute(&mut **tx)
        .await?;
        Ok(done.rows_affected())
    }

    /// Ends the leases of deliveries: of one process, or of all.
    pub async fn release_deliveries(&self, tx: &mut Tx, owner: Option<&str>) -> Result<()> {
        sqlx::query("UPDATE page_deliveries SET owner = '', leased_until = 0 WHERE owner <> '' AND ($1 = '' OR owner = $1)")
            .bind(owner.unwrap_or_default())
            .execute(&mut **tx)
            .await?;
        Ok(())
    }

    /// How many deliveries are in each state.
    pub async fn count_deliveries(&self) -> Result<Vec<(String, i64)>> {
        let rows = sqlx::query("SELECT state, CAST(COUNT(*) AS BIGINT) AS n FROM page_deliveries GROUP BY state ORDER BY state")
            .fetch_all(self.pool())
            .await?;
        rows.iter().map(|row| Ok((row.try_get("state")?, row.try_get("n")?))).collect()
    }
}

async fn load(connection: &mut AnyConnection, id: &str) -> Result<Option<Paged>> {
    let number: i64 = id.strip_prefix("PG-").and_then(|number| number.parse().ok()).unwrap_or(-1);
    let row = sqlx::query(
        "SELECT id, number, target, people, unreached, reason, incident, person, at, acknowledged_at, acknowledged_by
         FROM pages WHERE id = $1 OR number = $2",
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

async fn whole(connection: &mut AnyConnection, row: &AnyRow) -> Result<Paged> {
    let id: String = row.try_get("id")?;
    let deliveries = sqlx::query(
        "SELECT id, person, channel, kind, address, state, tries, next_at, ended_at, detail FROM page_deliveries WHERE page_id = $1 ORDER BY position",
    )
    .bind(id.clone())
    .fetch_all(&mut *connection)
    .await?;
    let number: i64 = row.try_get("number")?;
    let (at, by) = (row.try_get::<Option<i64>, _>("acknowledged_at")?, row.try_get::<Option<String>, _>("acknowledged_by")?);
    Ok(Paged {
        number,
        label: format!("PG-{number}"),
        to: row.try_get("target")?,
        people: document("people", row.try_get("people")?)?,
        unreached: document("people", row.try_get("unreached")?)?,
        reason: row.try_get("reason")?,
        incident: row.try_get("incident")?,
        by: row.try_get("person")?,
        at: Time(row.try_get("at")?),
        acknowledged: at.zip(by).map(|(at, by)| Act { by, at: Time(at) }),
        deliveries: deliveries.iter().map(delivery).collect::<Result<_>>()?,
        id,
    })
}

fn delivery(row: &AnyRow) -> Result<Delivery> {
    let state = State::parse(row.try_get("state")?).unwrap_or(State::GivenUp);
    Ok(Delivery {
        id: row.try_get("id")?,
        person: row.try_get("person")?,
        channel: row.try_get("channel")?,
        kind: row.try_get("kind")?,
        address: row.try_get("address")?,
        state,
        tries: row.try_get("tries")?,
        next_at: if state.is_open() { Some(Time(row.try_get("next_at")?)) } else { None },
        at: row.try_get::<Option<i64>, _>("ended_at")?.map(Time),
        detail: row.try_get("detail")?,
    })
}
