//! Changes with their steps and votes.

use super::{Store, Tx, document, json, readable};
use crate::error::Result;
use domain::Time;
use domain::changes::{Change, Outcome, Plan, State, Step, Vote, VoteKind};
use sqlx::any::AnyRow;
use sqlx::{Any, Executor, Row};

/// Which changes to list; empty means all.
#[derive(Clone, Debug, Default)]
pub struct ChangeFilter {
    pub component: Option<String>,
    pub environment: Option<String>,
    pub states: Vec<State>,
    /// Those that go with others in a train are left out.
    pub alone: bool,
}

#[derive(Clone, Debug)]
pub struct PageRequest {
    pub cursor: Option<String>,
    /// 1 to 200.
    pub limit: i64,
}

impl Default for PageRequest {
    fn default() -> PageRequest {
        PageRequest { cursor: None, limit: 50 }
    }
}

#[derive(Clone, Debug)]
pub struct Page<T> {
    pub items: Vec<T>,
    pub next: Option<String>,
}

pub struct NewChange<'a> {
    pub id: &'a str,
    pub state: State,
    pub plan: &'a Plan,
    pub digest: &'a str,
    pub at: Time,
}

impl Store {
    pub async fn insert_change(&self, tx: &mut Tx, new: NewChange<'_>) -> Result<()> {
        sqlx::query(
            "INSERT INTO changes (id, number, state, kind, component, environment, requester, plan, digest, requested_at, train, owner, lease_until, fence)
             SELECT $1, COALESCE(MAX(number), 0) + 1, $2, $3, $4, $5, $6, $7, $8, $9, CAST($10 AS TEXT), '', 0, 0 FROM changes",
        )
        .bind(new.id)
        .bind(new.state.as_str())
        .bind(new.plan.kind.as_str())
        .bind(&new.plan.component)
        .bind(&new.plan.environment)
        .bind(&new.plan.requester)
        .bind(json("a plan", new.plan)?)
        .bind(new.digest)
        .bind(new.at.0)
        .bind(new.plan.train.as_ref().map(|place| place.train.as_str()))
        .execute(&mut **tx)
        .await?;
        Ok(())
    }

    pub async fn set_state(&self, tx: &mut Tx, id: &str, state: State) -> Result<()> {
        sqlx::query("UPDATE changes SET state = $2 WHERE id = $1").bind(id).bind(state.as_str()).execute(&mut **tx).await?;
        Ok(())
    }

    /// Back into the queue: it waits until its environment opens.
    pub async fn wait_again(&self, tx: &mut Tx, id: &str) -> Result<()> {
        sqlx::query("UPDATE changes SET state = 'ready' WHERE id = $1 AND state = 'running'").bind(id).execute(&mut **tx).await?;
        Ok(())
    }

    /// Back to its voters, free of its worker. False: it is executed already.
    pub async fn await_votes(&self, tx: &mut Tx, id: &str) -> Result<bool> {
        let done =
            sqlx::query("UPDATE changes SET state = 'awaiting_approval', owner = '', lease_until = 0 WHERE id = $1 AND state = 'ready'")
                .bind(id)
                .execute(&mut **tx)
                .await?;
        Ok(done.rows_affected() == 1)
    }

    pub async fn delete_vote(&self, tx: &mut Tx, id: &str, person: &str) -> Result<()> {
        sqlx::query("DELETE FROM votes WHERE change_id = $1 AND person = $2").bind(id).bind(person).execute(&mut **tx).await?;
        Ok(())
    }

    pub async fn set_outcome(&self, tx: &mut Tx, id: &str, outcome: &Outcome) -> Result<()> {
        sqlx::query("UPDATE changes SET state = $2, outcome = $3, owner = '', lease_until = 0 WHERE id = $1")
            .bind(id)
            .bind(outcome.state.as_str())
            .bind(json("an outcome", outcome)?)
            .execute(&mut **tx)
            .await?;
        Ok(())
    }

    /// Sets a step's state; `started` and `finished` only where they are given.
    pub async fn set_step(&self, tx: &mut Tx, id: &str, position: i64, step: &Step) -> Result<()> {
        sqlx::query(
            "INSERT INTO change_steps (change_id, position, name, state, started, finished, detail) VALUES ($1, $2, $3, $4, $5, $6, $7)
             ON CONFLICT (change_id, name) DO UPDATE SET state = excluded.state, detail = excluded.detail,
               started = COALESCE(change_steps.started, excluded.started), finished = COALESCE(excluded.finished, change_steps.finished)",
        )
        .bind(id)
        .bind(position)
        .bind(&step.name)
        .bind(&step.state)
        .bind(step.started.map(|t| t.0))
        .bind(step.finished.map(|t| t.0))
        .bind(&step.detail)
        .execute(&mut **tx)
        .await?;
        Ok(())
    }

    /// In place of an earlier one of the same person: who approved may still reject.
    pub async fn insert_vote(&self, tx: &mut Tx, id: &str, vote: &Vote) -> Result<()> {
        let kind = if vote.vote == VoteKind::Approve { "approve" } else { "reject" };
        sqlx::query(
            "INSERT INTO votes (change_id, person, vote, at, digest, reason, duties) VALUES ($1, $2, $3, $4, $5, $6, $7)
             ON CONFLICT (change_id, person) DO UPDATE SET vote = excluded.vote, at = excluded.at, digest = excluded.digest,
               reason = excluded.reason, duties = excluded.duties",
        )
        .bind(id)
        .bind(&vote.by)
        .bind(kind)
        .bind(vote.at.0)
        .bind(&vote.digest)
        .bind(&vote.reason)
        .bind(json("duties", &vote.duties)?)
        .execute(&mut **tx)
        .await?;
        Ok(())
    }

    /// By id, or by label: `CH-12`.
    pub async fn change(&self, id: &str) -> Result<Option<Change>> {
        let mut connection = self.pool().acquire().await?;
        load(&mut connection, id).await
    }

    /// The same inside a writing transaction: what it answers stays true until the commit.
    pub async fn change_in(&self, tx: &mut Tx, id: &str) -> Result<Option<Change>> {
        load(tx, id).await
    }

    /// Newest first. The cursor is the number of the last one seen.
    pub async fn changes(&self, filter: &ChangeFilter, page: &PageRequest) -> Result<Page<Change>> {
        let before = page.cursor.as_deref().and_then(|cursor| cursor.parse().ok()).unwrap_or(i64::MAX);
        // States come from an enumeration: no text of a stranger is in here.
        let states: Vec<_> = filter.states.iter().map(|state| format!("|{state}|")).collect();
        let rows = sqlx::query(
            "SELECT id, number, state, plan, digest, requested_at, outcome FROM changes
             WHERE number < $1 AND ($2 = '' OR component = $2) AND ($3 = '' OR environment = $3)
               AND ($4 = '' OR $4 LIKE '%|' || state || '|%') AND ($6 = 0 OR train IS NULL)
             ORDER BY number DESC LIMIT $5",
        )
        .bind(before)
        .bind(filter.component.as_deref().unwrap_or(""))
        .bind(filter.environment.as_deref().unwrap_or(""))
        .bind(states.concat())
        .bind(page.limit + 1)
        .bind(i64::from(filter.alone))
        .fetch_all(self.pool())
        .await?;
        let mut items = Vec::with_capacity(rows.len());
        let mut connection = self.pool().acquire().await?;
        let limit = usize::try_from(page.limit).unwrap_or(usize::MAX);
        for row in rows.iter().take(limit) {
            items.extend(readable(row.try_get("id")?, whole(&mut connection, row).await)?);
        }
        let last = rows.iter().take(limit).next_back().filter(|_| rows.len() > limit);
        let next = last.map(|row| row.try_get::<i64, _>("number")).transpose()?.map(|number| number.to_string());
        Ok(Page { items, next })
    }

    /// Ids of all changes in these states, oldest first.
    pub async fn changes_in_states(&self, states: &[State]) -> Result<Vec<String>> {
        let states: Vec<_> = states.iter().map(|state| format!("|{state}|")).collect();
        Ok(sqlx::query_scalar("SELECT id FROM changes WHERE $1 LIKE '%|' || state || '|%' ORDER BY number")
            .bind(states.concat())
            .fetch_all(self.pool())
            .await?)
    }

    pub async fn count_by_state(&self) -> Result<Vec<(String, i64)>> {
        let rows = sqlx::query("SELECT state, CAST(COUNT(*) AS BIGINT) AS n FROM changes GROUP BY state ORDER BY state")
            .fetch_all(self.pool())
            .await?;
        rows.iter().map(|row| Ok((row.try_get("state")?, row.try_get("n")?))).collect()
    }

    /// The change that a key made, and the body it was made with.
    pub async fn idempotent(&self, tx: &mut Tx, person: &str, key: &str) -> Result<Option<(String, String)>> {
        let row = sqlx::query("SELECT change_id, body_sha256 FROM idempotency WHERE person = $1 AND key = $2")
            .bind(person)
            .bind(key)
            .fetch_optional(&mut **tx)
            .await?;
        row.map(|row| Ok((row.try_get("change_id")?, row.try_get("body_sha256")?))).transpose()
    }

    pub async fn remember_key(&self, tx: &mut Tx, person: &str, key: &str, body_sha256: &str, change: &str, at: Time) -> Result<()> {
        sqlx::query("INSERT INTO idempotency (person, key, body_sha256, change_id, at) VALUES ($1, $2, $3, $4, $5)")
            .bind(person)
            .bind(key)
            .bind(body_sha256)
            .bind(change)
            .bind(at.0)
            .execute(&mut **tx)
            .await?;
        Ok(())
    }
}

async fn load(connection: &mut sqlx::AnyConnection, id: &str) -> Result<Option<Change>> {
    let number: i64 = id.strip_prefix("CH-").and_then(|number| number.parse().ok()).unwrap_or(-1);
    let row = connection
        .fetch_optional(
            sqlx::query("SELECT id, number, state, plan, digest, requested_at, outcome FROM changes WHERE id = $1 OR number = $2")
                .bind(id.to_owned())
                .bind(number),
        )
        .await?;
    match row {
        Some(row) => Ok(Some(whole(connection, &row).await?)),
        None => Ok(None),
    }
}

/// All changes of a train, in the order of their turns.
pub(super) async fn changes_of_train(connection: &mut sqlx::AnyConnection, train: &str) -> Result<Vec<Change>> {
    let query =
        sqlx::query::<Any>("SELECT id, number, state, plan, digest, requested_at, outcome FROM changes WHERE train = $1 ORDER BY number");
    let rows = connection.fetch_all(query.bind(train.to_owned())).await?;
    let mut changes = Vec::with_capacity(rows.len());
    for row in &rows {
        changes.push(whole(connection, row).await?);
    }
    Ok(changes)
}

async fn whole(connection: &mut sqlx::AnyConnection, row: &AnyRow) -> Result<Change> {
    let id: String = row.try_get("id")?;
    let steps = steps(connection, &id).await?;
    let votes = votes(connection, &id).await?;
    let glass = super::policy::glass(connection, &id).await?;
    let (written_generation, sent) = super::writes::reached(connection, &id).await?;
    let plan = document(format_args!("the plan of change {id}"), row.try_get("plan")?)?;
    let outcome: Option<String> = row.try_get("outcome")?;
    let outcome = outcome.map(|text| document(format_args!("the outcome of change {id}"), &text)).transpose()?;
    Ok(Change {
        number: row.try_get("number")?,
        state: State::parse(row.try_get("state")?).unwrap_or(State::Stuck),
        plan,
        digest: row.try_get("digest")?,
        requested_at: Time(row.try_get("requested_at")?),
        outcome,
        votes,
        glass,
        steps,
        sent,
        written_generation,
        config: super::config_writes::sent(connection, &id).await?,
        id,
    })
}

async fn steps(connection: &mut sqlx::AnyConnection, id: &str) -> Result<Vec<Step>> {
    let query =
        sqlx::query::<Any>("SELECT name, state, started, finished, detail FROM change_steps WHERE change_id = $1 ORDER BY position");
    let rows = query.bind(id.to_owned()).fetch_all(&mut *connection).await?;
    rows.iter()
        .map(|row| {
            Ok(Step {
                name: row.try_get("name")?,
                state: row.try_get("state")?,
                started: row.try_get::<Option<i64>, _>("started")?.map(Time),
                finished: row.try_get::<Option<i64>, _>("finished")?.map(Time),
                detail: row.try_get("detail")?,
            })
        })
        .collect()
}

async fn votes(connection: &mut sqlx::AnyConnection, id: &str) -> Result<Vec<Vote>> {
    let query = sqlx::query::<Any>("SELECT person, vote, at, digest, reason, duties FROM votes WHERE change_id = $1 ORDER BY at, person");
    let rows = query.bind(id.to_owned()).fetch_all(&mut *connection).await?;
    rows.iter()
        .map(|row| {
            Ok(Vote {
                by: row.try_get("person")?,
                vote: if row.try_get::<String, _>("vote")? == "approve" { VoteKind::Approve } else { VoteKind::Reject },
                at: Time(row.try_get("at")?),
                digest: row.try_get("digest")?,
                reason: row.try_get("reason")?,
                duties: row.try_get::<Option<String>, _>("duties")?.map(|text| document("duties", &text)).transpose()?.unwrap_or_default(),
            })
        })
        .collect()
}
