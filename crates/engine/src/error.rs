//! What can go wrong while touching the world, with its source. Turned into [`domain::Error`] once, at the boundary,
//! with one log line that carries the incident id the person sees.

use domain::changes::{Refusal, RefusalCode};

pub type Result<T, E = Error> = std::result::Result<T, E>;

#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// Already in the caller's words.
    #[error(transparent)]
    Domain(#[from] domain::Error),
    #[error("the database failed: {0}")]
    Store(#[from] sqlx::Error),
    #[error("the database could not be brought up to date: {0}")]
    Migrate(#[from] sqlx::migrate::MigrateError),
    #[error("what the database holds does not read as {what}: {source}")]
    Document { what: String, source: serde_json::Error },
    #[error("cluster {cluster}: {source}")]
    Cluster { cluster: String, source: kube::Error },
    #[error("cluster {cluster} did not answer within {seconds} s")]
    Timeout { cluster: String, seconds: u64 },
    #[error("the system gave no random bytes: {0}")]
    Random(String),
}

impl Error {
    /// A cluster could not be read: later it may be.
    pub fn is_of_cluster(&self) -> bool {
        match self {
            Error::Cluster { .. } | Error::Timeout { .. } => true,
            Error::Domain(domain::Error::Refused(refusal)) => refusal.code == RefusalCode::ClusterUnreachable,
            _ => false,
        }
    }
}

impl From<Refusal> for Error {
    fn from(refusal: Refusal) -> Error {
        Error::Domain(domain::Error::Refused(refusal))
    }
}

/// The boundary: one log line for what is ours to mend, nothing for what the caller can mend.
impl From<Error> for domain::Error {
    fn from(error: Error) -> domain::Error {
        match error {
            Error::Domain(error) => error,
            Error::Cluster { ref cluster, .. } | Error::Timeout { ref cluster, .. } => {
                tracing::warn!(%error, "a cluster failed");
                domain::Error::Unavailable { why: format!("Cluster {cluster} cannot be reached") }
            }
            Error::Store(ref source) if is_away(source) => {
                tracing::error!(%error, "the database does not take or give anything");
                let reads_on = takes_no_writes(source);
                let why =
                    if reads_on { "The database cannot be written: it is full or read-only" } else { "The database cannot be reached" };
                domain::Error::Unavailable { why: why.into() }
            }
            other => {
                let incident = uuid::Uuid::now_v7().to_string();
                tracing::error!(error = %other, incident, "an unexpected failure");
                domain::Error::Internal { incident }
            }
        }
    }
}

/// The database itself, not what was asked of it: full, read-only, locked, gone. Later the same may work.
fn is_away(error: &sqlx::Error) -> bool {
    use sqlx::Error::{Database, Io, PoolClosed, PoolTimedOut, Protocol, Tls, WorkerCrashed};
    match error {
        Io(_) | Tls(_) | Protocol(_) | PoolTimedOut | PoolClosed | WorkerCrashed => true,
        Database(said) => said.code().is_some_and(|code| code_says_away(&code)),
        _ => false,
    }
}

/// It is read, and takes nothing: it is read-only, or its disk is full.
fn takes_no_writes(error: &sqlx::Error) -> bool {
    is_read_only(error) || says(error, FULL, "53100")
}

/// The connection may only read.
pub(crate) fn is_read_only(error: &sqlx::Error) -> bool {
    says(error, READONLY, "25006")
}

const READONLY: u32 = 8;
const FULL: u32 = 13;

fn says(error: &sqlx::Error, sqlite: u32, postgres: &str) -> bool {
    let code = error.as_database_error().and_then(|said| said.code());
    code.is_some_and(|code| sqlite_code(&code) == Some(sqlite) || code == postgres)
}

/// SQLite's primary result code, in the low byte of what it says.
fn sqlite_code(code: &str) -> Option<u32> {
    code.parse::<u32>().ok().filter(|_| code.len() < 5).map(|number| number & 0xff)
}

/// SQLite's primary result codes (BUSY, LOCKED, READONLY, IOERR, FULL, CANTOPEN), and PostgreSQL's classes of SQLSTATE:
/// connection lost, insufficient resources, operator intervention, system error, a transaction that may only read, and
/// a session that was ended because it stood still in one.
fn code_says_away(code: &str) -> bool {
    let sqlite = matches!(sqlite_code(code), Some(5 | 6 | READONLY | 10 | FULL | 14));
    sqlite || (code.len() == 5 && (matches!(code.get(..2), Some("08" | "53" | "57" | "58")) || matches!(code, "25006" | "25P03")))
}

/// The portal could not start. One sentence that says what to do.
#[derive(Debug, thiserror::Error)]
#[error("{0}")]
pub struct StartError(pub String);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_away_is_told_from_what_is_wrong() {
        // SQLITE_BUSY, its snapshot; IOERR_WRITE; FULL; READONLY. The disk is full; a server that shuts down; a read-only one.
        for away in ["5", "517", "778", "13", "8", "53100", "57P01", "08006", "25006", "25P03"] {
            assert!(code_says_away(away), "{away}");
        }
        // SQLITE_CONSTRAINT, its primary key; ERROR. Unique violation; syntax; serialisation.
        for wrong in ["19", "1555", "1", "23505", "42601", "40001", "", "é57P0"] {
            assert!(!code_says_away(wrong), "{wrong}");
        }
    }
}
