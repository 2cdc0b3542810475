//! What can go wrong, shaped by what the caller can do next. Closed: a page and an API client can match on all of it.

use crate::changes::Refusal;
use serde::{Deserialize, Serialize};

pub type Result<T, E = Error> = std::result::Result<T, E>;

#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Error {
    /// Not there, or not yours to see.
    #[error("There is no {what}.")]
    NotFound { what: String },
    /// Malformed input: mend the field and send it again.
    #[error("{field}: {why}")]
    Invalid { field: String, why: String },
    /// Well-formed, and refused by a rule. Nothing was stored.
    #[error("{0}")]
    Refused(Refusal),
    /// The world moved or the state forbids it: look again, then decide.
    #[error("{why}")]
    Conflict { code: String, why: String },
    #[error("Sign in first.")]
    Unauthenticated,
    #[error("{why}")]
    Forbidden { code: String, why: String },
    /// `why` in words, without its full stop: `Cluster prod cannot be reached`.
    #[error("{why}. Try again in a moment.")]
    Unavailable { why: String },
    /// Ours to mend: the incident id finds the log line.
    #[error("Something went wrong on our side. Tell an administrator incident {incident}.")]
    Internal { incident: String },
}

impl Error {
    pub fn not_found(what: impl Into<String>) -> Error {
        Error::NotFound { what: what.into() }
    }

    pub fn invalid(field: &str, why: impl Into<String>) -> Error {
        Error::Invalid { field: field.to_owned(), why: why.into() }
    }

    pub fn conflict(code: &str, why: impl Into<String>) -> Error {
        Error::Conflict { code: code.to_owned(), why: why.into() }
    }

    pub fn forbidden(code: &str, why: impl Into<String>) -> Error {
        Error::Forbidden { code: code.to_owned(), why: why.into() }
    }

    /// HTTP status (RFC 9110), as `docs/api.md` promises it.
    pub fn status(&self) -> u16 {
        match self {
            Error::NotFound { .. } => 404,
            Error::Invalid { .. } => 400,
            Error::Refused(_) => 422,
            Error::Conflict { .. } => 409,
            Error::Unauthenticated => 401,
            Error::Forbidden { .. } => 403,
            Error::Unavailable { .. } => 503,
            Error::Internal { .. } => 500,
        }
    }

    /// Stable, snake_case: what scripts match on.
    pub fn code(&self) -> &str {
        match self {
            Error::NotFound { .. } => "not_found",
            Error::Invalid { .. } => "invalid",
            Error::Refused(refusal) => refusal.code.as_str(),
            Error::Conflict { code, .. } | Error::Forbidden { code, .. } => code,
            Error::Unauthenticated => "unauthenticated",
            Error::Unavailable { .. } => "unavailable",
            Error::Internal { .. } => "internal",
        }
    }

    pub fn title(&self) -> &'static str {
        match self {
            Error::NotFound { .. } => "Not found",
            Error::Invalid { .. } => "Invalid input",
            Error::Refused(_) => "Refused",
            Error::Conflict { .. } => "Conflict",
            Error::Unauthenticated => "Not signed in",
            Error::Forbidden { .. } => "Not allowed",
            Error::Unavailable { .. } => "Unavailable",
            Error::Internal { .. } => "Internal error",
        }
    }
}
