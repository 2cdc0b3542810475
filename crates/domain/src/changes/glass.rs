//! Breaking the glass: one person lets a change through without its votes, or while its environment is closed. Somebody else
//! looks at it afterwards.
//!
//! Invariant: a change whose glass was broken has a review, and nobody closes the review of their own.

use crate::access::{Person, Role};
use crate::{Error, Result, Time};
use serde::{Deserialize, Serialize};

/// Somebody wrote although votes were missing or the environment was closed, and said why.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
pub struct BreakGlass {
    pub by: String,
    /// `administrator` or `on_call`: what allowed it at that moment.
    pub authority: Authority,
    pub reason: String,
    #[schema(value_type = String, format = DateTime)]
    pub at: Time,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum Authority {
    Administrator,
    /// The primary on call at the moment of the decision.
    OnCall,
}

impl Authority {
    pub fn as_str(self) -> &'static str {
        match self {
            Authority::Administrator => "administrator",
            Authority::OnCall => "on_call",
        }
    }

    pub fn parse(text: &str) -> Option<Authority> {
        [Authority::Administrator, Authority::OnCall].into_iter().find(|authority| authority.as_str() == text)
    }
}

/// Whether a person may break the glass. `on_call`: who is primary on call now.
pub fn may_break_glass(person: &Person, on_call: &[String]) -> Result<Authority> {
    if person.has(Role::Admin) {
        return Ok(Authority::Administrator);
    }
    if on_call.contains(&person.name) {
        return Ok(Authority::OnCall);
    }
    let why = format!("{} may not break the glass: only an administrator, or whoever is primary on call now, may.", person.name);
    Err(Error::forbidden("role_missing", why))
}

impl BreakGlass {
    /// Just before the write: an administrator must still be one; somebody who was on call must still be in a team.
    pub fn stands(&self, person: &Person) -> bool {
        match self.authority {
            Authority::Administrator => person.has(Role::Admin),
            Authority::OnCall => !person.teams.is_empty(),
        }
    }
}

/// Somebody else looks at it afterwards, within so many seconds.
pub const REVIEW_WITHIN_S: i64 = 86_400;

/// The review of a broken glass: open until another person closes it with a note.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
pub struct Review {
    pub id: String,
    /// The change's id, and what people call it.
    pub change: String,
    pub label: String,
    pub summary: String,
    pub component: String,
    pub environment: String,
    #[serde(flatten)]
    pub glass: BreakGlass,
    /// Overdue after this.
    #[schema(value_type = String, format = DateTime)]
    pub due_at: Time,
    pub closed_by: Option<String>,
    #[schema(value_type = Option<String>, format = DateTime)]
    pub closed_at: Option<Time>,
    pub note: Option<String>,
}

impl Review {
    pub fn is_overdue(&self, now: Time) -> bool {
        self.closed_at.is_none() && now > self.due_at
    }

    /// Another person than the one who broke the glass.
    pub fn may_close(&self, person: &Person) -> Result<()> {
        if self.closed_at.is_some() {
            return Err(Error::conflict("already_closed", format!("The review of {} is closed already.", self.label)));
        }
        if self.glass.by == person.name {
            return Err(Error::forbidden("own_review", "You broke the glass, so another person must close its review."));
        }
        Ok(())
    }
}
