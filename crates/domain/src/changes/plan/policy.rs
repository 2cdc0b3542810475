//! What an environment's policy says of a plan: whether it is open now, and who wrote what is to be approved.

use super::{Facts, Gate, Kind, Refusal, fail, pass, warn};
use crate::Time;
use crate::catalog::{Approval, Environment};
use crate::changes::freeze::{Freeze, closed, closes, closing, zone};

/// Refused while the environment is closed, unless it may pass or the glass is to be broken: then the plan says so.
pub(super) fn open(facts: &Facts, kind: Kind) -> Result<Gate, Refusal> {
    open_in(&facts.environment, &facts.freezes, facts.break_glass, kind, facts.now)
}

/// The same for what is of no component.
pub(super) fn open_in(env: &Environment, freezes: &[Freeze], break_glass: bool, kind: Kind, now: Time) -> Result<Gate, Refusal> {
    if let Some(closed) = closed(env, freezes, kind, now) {
        let held = || fail("open", "Closed for changes", format!("{} It waits until then, or until the glass is broken", closed.why));
        return if break_glass { Ok(held()) } else { Err(Refusal::new(closed.code, closed.why)) };
    }
    if let Some(closed) = closing(env, freezes, now) {
        return Ok(warn("open", "Closed, and a rollback passes", closed.why));
    }
    let detail = match closes(env, freezes, now) {
        Some(at) => format!("Closes {}", at.in_zone(&zone(env))),
        None if env.windows.is_empty() => "No freeze, and no windows are set here".to_owned(),
        None => "No freeze, and its windows stay open".to_owned(),
    };
    Ok(pass("open", "Open for changes", detail))
}

/// Whether the exclusion of authors can be kept.
pub(super) fn commit_authors(facts: &Facts, kind: Kind, approval: &Approval) -> Option<Gate> {
    if !approval.exclude_authors || !matches!(kind, Kind::Promote | Kind::Rollback) {
        return None;
    }
    Some(match &facts.authors {
        Some(authors) => pass("authors", "Authors do not decide", format!("Its commits are by {}", authors.join(", "))),
        None => warn("authors", "Authors are not known", "Nothing names who wrote this release, so nobody is excluded for it".into()),
    })
}
