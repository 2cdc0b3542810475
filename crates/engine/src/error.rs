//! What can go wrong while touching the world, with its source. Turned into [`domain::Error`] once, at the boundary,
//! with one log line that carries the incident id the person sees.

use domain::changes::Refusal;

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
    Document { what: &'static str, source: serde_json::Error },
    #[error("cluster {cluster}: {source}")]
    Cluster { cluster: String, source: kube::Error },
    #[error("cluster {cluster} did not answer within {seconds} s")]
    Timeout { cluster: String, seconds: u64 },
    #[error("the system gave no random bytes: {0}")]
    Random(String),
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
                domain::Error::Unavailable { what: format!("Cluster {cluster}") }
            }
            other => {
                let incident = uuid::Uuid::now_v7().to_string();
                tracing::error!(error = %other, incident, "an unexpected failure");
                domain::Error::Internal { incident }
            }
        }
    }
}

/// The portal could not start. One sentence that says what to do.
#[derive(Debug, thiserror::Error)]
#[error("{0}")]
pub struct StartError(pub String);
