//! Shifts that have begun, overrides and swaps.

use super::{Store, Tx, document, json};
use crate::error::Result;
use domain::Time;
use domain::oncall::overrides::{Swap, SwapState, Window};
use domain::oncall::{Override, Participant, Shift};
use sqlx::any::AnyRow;
use sqlx::{AnyConnection, Row};

impl Store {
    /// Stored shifts around `[from, until)`: also the one before and the one after, which bound what is computed between.
    pub async fn shifts(&self, rotation: &str, from: Time, until: Time) -> Result<Vec<Shift>> {
        let rows = sqlx::query(
            "SELECT starts, ends, roles FROM shifts WHERE rotation = $1
               AND starts >= COALESCE((SELECT MAX(starts) FROM shifts WHERE rotation = $1 AND starts <= $2), $2)
               AND starts <= COALESCE((SELECT MIN(starts) FROM shifts WHERE rotation = $1 AND starts >= $3), $3)
             ORDER BY starts",
        )
        .bind(rotation)
        .bind(from.0)
        .bind(until.0)
        .fetch_all(self.pool())
        .await?;
        rows.iter().map(shift).collect()
    }

    pub async fn last_shift(&self, rotation: &str) -> Result<Option<Shift>> {
        let row = sqlx::query("SELECT starts, ends, roles FROM shifts WHERE rotation = $1 ORDER BY starts DESC LIMIT 1")
            .bind(rotation)
            .fetch_optional(self.pool())
            .await?;
        row.as_ref().map(shift).transpose()
    }

    /// Another process may have stored it first: then it stays as that one did.
    pub async fn insert_shift(&self, tx: &mut Tx, rotation: &str, shift: &Shift, catalog: &str) -> Result<()> {
        sqlx::query(
            "INSERT INTO shifts (rotation, starts, ends, roles, catalog)
             SELECT $1, $2, $3, $4, $5 WHERE NOT EXISTS (SELECT 1 FROM shifts WHERE rotation = $1 AND starts < $3 AND ends > $2)",
        )
        .bind(rotation)
        .bind(shift.starts.0)
        .bind(shift.ends.0)
        .bind(json("the roles of a shift", &shift.roles)?)
        .bind(catalog)
        .execute(&mut **tx)
        .await?;
        Ok(())
    }

    /// All of a rotation that are not empty, by their start.
    pub async fn overrides(&self, rotation: &str) -> Result<Vec<Override>> {
        let mut connection = self.pool().acquire().await?;
        overrides(&mut connection, rotation).await
    }

    /// The same inside a writing transaction: nobody adds one before the commit.
    pub async fn overrides_in(&self, tx: &mut Tx, rotation: &str) -> Result<Vec<Override>> {
        overrides(tx, rotation).await
    }

    pub async fn insert_override(&self, tx: &mut Tx, new: &Override) -> Result<()> {
        sqlx::query(
            "INSERT INTO overrides (id, rotation, role, participant, starts, ends, reason, person, at, swap_id)
             VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10)",
        )
        .bind(&new.id)
        .bind(&new.rotation)
        .bind(&new.role)
        .bind(new.participant.to_string())
        .bind(new.starts.0)
        .bind(new.ends.0)
        .bind(&new.reason)
        .bind(&new.by)
        .bind(new.at.0)
        .bind(new.swap.as_deref())
        .execute(&mut **tx)
        .await?;
        Ok(())
    }

    pub async fn override_in(&self, tx: &mut Tx, id: &str) -> Result<Option<Override>> {
        let row =
            sqlx::query("SELECT id, rotation, role, participant, starts, ends, reason, person, at, swap_id FROM overrides WHERE id = $1")
                .bind(id)
                .fetch_optional(&mut **tx)
                .await?;
        row.as_ref().map(an_override).transpose()
    }

    /// What has been of it stays; what has not is taken back.
    pub async fn end_override(&self, tx: &mut Tx, id: &str, ends: Time, at: Time, by: &str) -> Result<()> {
        sqlx::query("UPDATE overrides SET ends = $2, undone_at = $3, undone_by = $4 WHERE id = $1")
            .bind(id)
            .bind(ends.0)
            .bind(at.0)
            .bind(by)
            .execute(&mut **tx)
            .await?;
        Ok(())
    }

    pub async fn insert_swap(&self, tx: &mut Tx, swap: &Swap) -> Result<()> {
        sqlx::query(
            "INSERT INTO swaps (id, rotation, role, person, counterpart, give_starts, give_ends, take_starts, take_ends, reason, at, state)
             VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12)",
        )
        .bind(&swap.id)
        .bind(&swap.rotation)
        .bind(&swap.role)
        .bind(&swap.by)
        .bind(swap.with.to_string())
        .bind(swap.give.starts.0)
        .bind(swap.give.ends.0)
        .bind(swap.take.starts.0)
        .bind(swap.take.ends.0)
        .bind(&swap.reason)
        .bind(swap.at.0)
        .bind(swap.state.as_str())
        .execute(&mut **tx)
        .await?;
        Ok(())
    }

    pub async fn swap_in(&self, tx: &mut Tx, id: &str) -> Result<Option<Swap>> {
        let row = sqlx::query(
            "SELECT id, rotation, role, person, counterpart, give_starts, give_ends, take_starts, take_ends, reason, at, state
             FROM swaps WHERE id = $1",
        )
        .bind(id)
        .fetch_optional(&mut **tx)
        .await?;
        row.as_ref().map(swap).transpose()
    }

    /// Offers that wait for an answer, oldest first.
    pub async fn offered_swaps(&self, rotation: &str) -> Result<Vec<Swap>> {
        let rows = sqlx::query(
            "SELECT id, rotation, role, person, counterpart, give_starts, give_ends, take_starts, take_ends, reason, at, state
             FROM swaps WHERE state = 'offered' AND rotation = $1 ORDER BY at",
        )
        .bind(rotation)
        .fetch_all(self.pool())
        .await?;
        rows.iter().map(swap).collect()
    }

    pub async fn decide_swap(&self, tx: &mut Tx, id: &str, state: SwapState, at: Time, by: &str) -> Result<()> {
        sqlx::query("UPDATE swaps SET state = $2, decided_at = $3, decided_by = $4 WHERE id = $1")
            .bind(id)
            .bind(state.as_str())
            .bind(at.0)
            .bind(by)
            .execute(&mut **tx)
            .await?;
        Ok(())
    }

    /// What a key made that is not a change, and the body it was made with.
    pub async fn made_by_key(&self, tx: &mut Tx, person: &str, key: &str) -> Result<Option<(String, String)>> {
        let row = sqlx::query("SELECT target, body_sha256 FROM created_by_key WHERE person = $1 AND key = $2")
            .bind(person)
            .bind(key)
            .fetch_optional(&mut **tx)
            .await?;
        row.map(|row| Ok((row.try_get("target")?, row.try_get("body_sha256")?))).transpose()
    }

    pub async fn remember_made(&self, tx: &mut Tx, person: &str, key: &str, body_sha256: &str, target: &str, at: Time) -> Result<()> {
        sqlx::query("INSERT INTO created_by_key (person, key, body_sha256, target, at) VALUES ($1, $2, $3, $4, $5)")
            .bind(person)
            .bind(key)
            .bind(body_sha256)
            .bind(target)
            .bind(at.0)
            .execute(&mut **tx)
            .await?;
        Ok(())
    }
}

async fn overrides(connection: &mut AnyConnection, rotation: &str) -> Result<Vec<Override>> {
    let rows = sqlx::query(
        "SELECT id, rotation, role, participant, starts, ends, reason, person, at, swap_id FROM overrides
         WHERE rotation = $1 AND starts < ends ORDER BY starts",
    )
    .bind(rotation.to_owned())
    .fetch_all(connection)
    .await?;
    rows.iter().map(an_override).collect()
}

fn shift(row: &AnyRow) -> Result<Shift> {
    Ok(Shift {
        starts: Time(row.try_get("starts")?),
        ends: Time(row.try_get("ends")?),
        roles: document("the roles of a shift", row.try_get("roles")?)?,
    })
}

fn an_override(row: &AnyRow) -> Result<Override> {
    Ok(Override {
        id: row.try_get("id")?,
        rotation: row.try_get("rotation")?,
        role: row.try_get("role")?,
        participant: Participant::from(row.try_get::<String, _>("participant")?),
        starts: Time(row.try_get("starts")?),
        ends: Time(row.try_get("ends")?),
        reason: row.try_get("reason")?,
        by: row.try_get("person")?,
        at: Time(row.try_get("at")?),
        swap: row.try_get("swap_id")?,
    })
}

fn swap(row: &AnyRow) -> Result<Swap> {
    let window =
        |starts: &str, ends: &str| -> Result<Window> { Ok(Window { starts: Time(row.try_get(starts)?), ends: Time(row.try_get(ends)?) }) };
    Ok(Swap {
        id: row.try_get("id")?,
        rotation: row.try_get("rotation")?,
        role: row.try_get("role")?,
        by: row.try_get("person")?,
        with: Participant::from(row.try_get::<String, _>("counterpart")?),
        give: window("give_starts", "give_ends")?,
        take: window("take_starts", "take_ends")?,
        reason: row.try_get("reason")?,
        at: Time(row.try_get("at")?),
        state: SwapState::parse(row.try_get("state")?).unwrap_or(SwapState::Withdrawn),
    })
}
