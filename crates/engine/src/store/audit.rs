//! The record of acts, written in the transaction of the act.

use super::{Store, Tx};
use crate::error::Result;
use domain::Time;
use domain::access::Actor;
use domain::audit::Entry;
use sqlx::Row;

/// One act to record.
pub struct Act<'a> {
    pub at: Time,
    pub who: &'a str,
    pub via: &'a str,
    pub what: &'a str,
    pub on: &'a str,
    pub outcome: &'a str,
    pub detail: &'a str,
}

impl<'a> Act<'a> {
    pub fn by(actor: &'a Actor, at: Time, what: &'a str, on: &'a str, detail: &'a str) -> Act<'a> {
        Act { at, who: &actor.person.name, via: actor.via, what, on, outcome: "done", detail }
    }

    pub fn by_worker(at: Time, what: &'a str, on: &'a str, outcome: &'a str, detail: &'a str) -> Act<'a> {
        Act { at, who: "portal", via: "worker", what, on, outcome, detail }
    }
}

impl Store {
    pub async fn record(&self, tx: &mut Tx, act: Act<'_>) -> Result<()> {
        sqlx::query(
            "INSERT INTO audit (seq, at, who, via, what, target, outcome, detail)
             SELECT COALESCE(MAX(seq), 0) + 1, $1, $2, $3, $4, $5, $6, $7 FROM audit",
        )
        .bind(act.at.0)
        .bind(act.who)
        .bind(act.via)
        .bind(act.what)
        .bind(act.on)
        .bind(act.outcome)
        .bind(act.detail)
        .execute(&mut **tx)
        .await?;
        Ok(())
    }

    /// Everything recorded on one thing, oldest first.
    pub async fn audit_of(&self, on: &str) -> Result<Vec<Entry>> {
        let rows = sqlx::query("SELECT seq, at, who, via, what, target, outcome, detail FROM audit WHERE target = $1 ORDER BY seq")
            .bind(on)
            .fetch_all(self.pool())
            .await?;
        rows.iter()
            .map(|row| {
                Ok(Entry {
                    seq: row.try_get("seq")?,
                    at: Time(row.try_get("at")?),
                    who: row.try_get("who")?,
                    via: row.try_get("via")?,
                    what: row.try_get("what")?,
                    on: row.try_get("target")?,
                    outcome: row.try_get("outcome")?,
                    detail: row.try_get("detail")?,
                })
            })
            .collect()
    }
}
