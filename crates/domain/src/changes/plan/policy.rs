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
    match closed(env, freezes, kind, now) {
        Some(closed) if !break_glass => Err(Refusal::new(closed.code, closed.why)),
        _ => Ok(open_now(env, freezes, (kind, false), now)),
    }
}

/// Whether an environment is open for changes of a kind, at this moment; for one that a broken glass lets through, perhaps.
pub fn open_now(env: &Environment, freezes: &[Freeze], (kind, let_through): (Kind, bool), now: Time) -> Gate {
    if let Some(closed) = closed(env, freezes, kind, now) {
        if let_through {
            return warn("open", "Closed, and the glass is broken", closed.why);
        }
        return fail("open", "Closed for changes", format!("{} It waits until then, or until the glass is broken", closed.why));
    }
    if let Some(closed) = closing(env, freezes, now) {
        return warn("open", "Closed, and a rollback passes", closed.why);
    }
    let detail = match closes(env, freezes, now) {
        Some(at) => format!("Closes {}", at.in_zone(&zone(env))),
        None if env.windows.is_empty() => "No freeze, and no windows are set here".to_owned(),
        None => "No freeze, and its windows stay open".to_owned(),
    };
    pass("open", "Open for changes", detail)
}

/// Whether the exclusion of authors can be kept. What deploys no other release has none.
pub(super) fn commit_authors(facts: &Facts, kind: Kind, approval: &Approval) -> Option<Gate> {
    if !approval.exclude_authors || !matches!(kind, Kind::Promote | Kind::Rollback | Kind::Deploy) {
        return None;
    }
    let says = if kind == Kind::Deploy { ", as whoever asks says" } else { "" };
    Some(match &facts.authors {
        Some(authors) => pass("authors", "Authors do not decide", format!("Its commits are by {}{says}", authors.join(", "))),
        None => warn("authors", "Authors are not known", "Nothing names who wrote this release, so nobody is excluded for it".into()),
    })
}
