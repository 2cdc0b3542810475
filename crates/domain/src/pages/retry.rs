//! When a delivery is tried again, and when it is given up.
//!
//! Invariant: it ends. However receivers answer, there are at most [`TRIES`] tries, and none later than [`UNTIL_S`] after the page.

use super::State;
use crate::Time;

/// How often a delivery is tried at most.
pub const TRIES: i64 = 10;
/// After so many seconds a page wakes nobody any more who could help: half an hour.
pub const UNTIL_S: i64 = 1800;
/// By so much a try may be later than it was meant to be.
const SLACK_S: i64 = 60;
/// The longest pause between two tries, in seconds.
const LONGEST_S: i64 = 300;
/// The first pause, in seconds; each one after it is twice as long.
const FIRST_S: i64 = 5;

/// What a receiver answered, or that it did not.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Answer {
    Taken(String),
    /// The channel only records.
    Recorded(String),
    /// Try again; not before so many seconds, where it said so.
    Later {
        why: String,
        after_s: Option<i64>,
    },
    /// It will answer the same to every try.
    Never(String),
}

/// When to try again after `tries` tries, the last one at `now`, of a page that was made at `made`. None: not again.
pub fn next_try(made: Time, tries: i64, now: Time, after_s: Option<i64>) -> Option<Time> {
    if tries >= TRIES {
        return None;
    }
    let doublings = u32::try_from(tries.max(1) - 1).unwrap_or(0);
    let pause = FIRST_S.saturating_mul(2_i64.saturating_pow(doublings)).min(LONGEST_S);
    let next = now.plus_seconds(pause.max(after_s.unwrap_or(0)));
    (next <= made.plus_seconds(UNTIL_S)).then_some(next)
}

/// Why the try that is about to begin, the `tries`th, is one too many.
pub fn too_late(made: Time, tries: i64, now: Time) -> Option<&'static str> {
    if tries > TRIES {
        return Some("The last try was cut off: it may have arrived.");
    }
    (now > made.plus_seconds(UNTIL_S + SLACK_S)).then_some("It could not be sent within half an hour.")
}

/// What an answer makes of a delivery: its state, when it is tried again, and the words for it.
pub fn settled(made: Time, tries: i64, now: Time, answer: Answer) -> (State, Option<Time>, String) {
    match answer {
        Answer::Taken(said) => (State::Sent, None, said),
        Answer::Recorded(said) => (State::Recorded, None, said),
        Answer::Never(why) => (State::GivenUp, None, why),
        Answer::Later { why, after_s } => match next_try(made, tries, now, after_s) {
            Some(next) => (State::Failed, Some(next), why),
            None => (State::GivenUp, None, why),
        },
    }
}
