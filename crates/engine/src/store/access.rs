//! Tokens and sessions. Only hashes are kept: a copy of the database opens nothing.

use super::{Store, Tx};
use crate::error::Result;
use domain::Time;
use sqlx::Row;

#[derive(Clone, Debug)]
pub struct TokenInfo {
    pub id: String,
    pub user: String,
    /// Comma-separated.
    pub scopes: String,
    pub created: Time,
    pub expires: Option<Time>,
    pub revoked: Option<Time>,
}

#[derive(Clone, Debug)]
pub struct SessionRow {
    pub person: String,
    pub scopes: String,
    pub seen: Time,
    pub expires: Time,
    /// The token it was opened with: revoking that closes this.
    pub token: Option<String>,
}

impl Store {
    pub async fn insert_token(&self, tx: &mut Tx, hash: &str, token: &TokenInfo) -> Result<()> {
        sqlx::query("INSERT INTO tokens (id, hash, person, scopes, created, expires) VALUES ($1, $2, $3, $4, $5, $6)")
            .bind(&token.id)
            .bind(hash)
            .bind(&token.user)
            .bind(&token.scopes)
            .bind(token.created.0)
            .bind(token.expires.map(|t| t.0))
            .execute(&mut **tx)
            .await?;
        Ok(())
    }

    pub async fn token_by_hash(&self, hash: &str) -> Result<Option<TokenInfo>> {
        let row = sqlx::query("SELECT id, person, scopes, created, expires, revoked FROM tokens WHERE hash = $1")
            .bind(hash)
            .fetch_optional(self.pool())
            .await?;
        row.as_ref().map(token).transpose()
    }

    pub async fn token_by_id(&self, id: &str) -> Result<Option<TokenInfo>> {
        let row = sqlx::query("SELECT id, person, scopes, created, expires, revoked FROM tokens WHERE id = $1")
            .bind(id)
            .fetch_optional(self.pool())
            .await?;
        row.as_ref().map(token).transpose()
    }

    pub async fn tokens(&self) -> Result<Vec<TokenInfo>> {
        let rows =
            sqlx::query("SELECT id, person, scopes, created, expires, revoked FROM tokens ORDER BY created").fetch_all(self.pool()).await?;
        rows.iter().map(token).collect()
    }

    /// False: there is no such token, or it is revoked already.
    pub async fn revoke_token(&self, tx: &mut Tx, id: &str, at: Time) -> Result<bool> {
        let done =
            sqlx::query("UPDATE tokens SET revoked = $2 WHERE id = $1 AND revoked IS NULL").bind(id).bind(at.0).execute(&mut **tx).await?;
        Ok(done.rows_affected() == 1)
    }

    pub async fn insert_session(&self, tx: &mut Tx, hash: &str, session: &SessionRow, created: Time) -> Result<()> {
        sqlx::query("INSERT INTO sessions (hash, person, scopes, created, seen, expires, token_id) VALUES ($1, $2, $3, $4, $5, $6, $7)")
            .bind(hash)
            .bind(&session.person)
            .bind(&session.scopes)
            .bind(created.0)
            .bind(session.seen.0)
            .bind(session.expires.0)
            .bind(session.token.as_deref())
            .execute(&mut **tx)
            .await?;
        Ok(())
    }

    pub async fn session(&self, hash: &str) -> Result<Option<SessionRow>> {
        let row = sqlx::query("SELECT person, scopes, seen, expires, token_id FROM sessions WHERE hash = $1")
            .bind(hash)
            .fetch_optional(self.pool())
            .await?;
        row.map(|row| {
            Ok(SessionRow {
                person: row.try_get("person")?,
                scopes: row.try_get("scopes")?,
                seen: Time(row.try_get("seen")?),
                expires: Time(row.try_get("expires")?),
                token: row.try_get("token_id")?,
            })
        })
        .transpose()
    }

    pub async fn touch_session(&self, tx: &mut Tx, hash: &str, at: Time) -> Result<()> {
        sqlx::query("UPDATE sessions SET seen = $2 WHERE hash = $1").bind(hash).bind(at.0).execute(&mut **tx).await?;
        Ok(())
    }

    pub async fn delete_session(&self, tx: &mut Tx, hash: &str) -> Result<()> {
        sqlx::query("DELETE FROM sessions WHERE hash = $1").bind(hash).execute(&mut **tx).await?;
        Ok(())
    }
}

fn token(row: &sqlx::any::AnyRow) -> Result<TokenInfo> {
    Ok(TokenInfo {
        id: row.try_get("id")?,
        user: row.try_get("person")?,
        scopes: row.try_get("scopes")?,
        created: Time(row.try_get("created")?),
        expires: row.try_get::<Option<i64>, _>("expires")?.map(Time),
        revoked: row.try_get::<Option<i64>, _>("revoked")?.map(Time),
    })
}
