//! The words of the pages: states, gaps, people, counts. Pure, so that every sentence is a table test.

use domain::Time;
use domain::changes::{Change, Kind, State};
use domain::clusters::{Behind, CellState};
use domain::releases::RecordOutcome;
use domain::time;

/// How a state looks: always an icon and a word; colour only follows.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Look {
    /// CSS class that brings the colours.
    pub class: &'static str,
    /// Symbol of the sprite.
    pub icon: &'static str,
    pub word: &'static str,
    /// In tables what is well is quiet: icon and word without a ground.
    pub calm: bool,
}

const fn look(class: &'static str, icon: &'static str, word: &'static str) -> Look {
    Look { class, icon, word, calm: false }
}

const fn calm(word: &'static str) -> Look {
    Look { class: "healthy", icon: "healthy", word, calm: true }
}

pub fn cell(state: CellState) -> Look {
    match state {
        CellState::Healthy => calm("Healthy"),
        CellState::Progressing => look("progressing", "progressing", "Progressing"),
        CellState::Degraded => look("degraded", "degraded", "Degraded"),
        CellState::Down => look("down", "down", "Down"),
        CellState::Paused => look("paused", "paused", "Paused"),
        CellState::Unknown => look("unknown", "unknown", "Unknown"),
        CellState::Absent => look("neutral", "close", "Not there"),
    }
}

pub fn change(state: State) -> Look {
    match state {
        State::Ready | State::Running | State::Observing => look("progressing", "progressing", state.title()),
        State::AwaitingApproval => look("paused", "paused", state.title()),
        State::Succeeded => calm(state.title()),
        State::Failed | State::Errored => look("down", "down", state.title()),
        State::Stuck => look("degraded", "degraded", state.title()),
        State::Rejected | State::Expired | State::Aborted | State::Superseded => look("neutral", "close", state.title()),
    }
}

/// The same of a change: a Job runs, where the others roll out.
pub fn state_of(change: &Change) -> Look {
    Look { word: change.state_title(), ..self::change(change.state) }
}

pub fn record(outcome: RecordOutcome) -> Look {
    match outcome {
        RecordOutcome::Running => look("progressing", "progressing", "Rolling out"),
        RecordOutcome::Succeeded => calm("Succeeded"),
        RecordOutcome::Failed => look("down", "down", "Failed"),
        RecordOutcome::Unknown => Look { class: "unknown", icon: "unknown", word: "Not judged", calm: true },
    }
}

/// A pod's STATUS column, as kubectl says it.
pub fn pod(status: &str, ready: bool) -> (&'static str, &'static str) {
    match (status, ready) {
        ("Running", true) | ("Succeeded" | "Completed", _) => ("healthy", "healthy"),
        ("Running", false) => ("degraded", "degraded"),
        ("Pending" | "ContainerCreating" | "PodInitializing", _) => ("progressing", "progressing"),
        ("Terminating", _) => ("neutral", "close"),
        ("Unknown" | "", _) => ("unknown", "unknown"),
        _ => ("down", "down"),
    }
}

/// `2 behind, 3 days`
pub fn behind(behind: &Behind, now: Time) -> String {
    match behind.since {
        Some(since) => format!("{} behind, {}", behind.releases, long_age(now.seconds_since(since))),
        None => format!("{} behind", behind.releases),
    }
}

/// Whole units, spelled out where days are meant: `12 s`, `5 min`, `3 h`, `1 day`, `12 days`.
pub fn long_age(seconds: i64) -> String {
    match seconds / 86_400 {
        days @ 2.. => format!("{days} days"),
        _ => time::age(seconds),
    }
}

pub use domain::words::count;

/// `Usually takes 42s here, of 12 rollouts; the slowest took 2m 10s.`
pub fn usual(usual: &domain::releases::Usual) -> String {
    let span = domain::time::span;
    if usual.rollouts == 1 {
        return format!("The one rollout before took {}.", span(usual.slowest_s));
    }
    format!(
        "Usually takes {} here, of {}; the slowest took {}.",
        span(usual.median_s),
        count(usual.rollouts, "rollout"),
        span(usual.slowest_s)
    )
}

/// `bea` → `Bea`: people are known by their short names.
pub fn person(name: &str) -> String {
    domain::names::title_of(name)
}

/// `a`, `a and b`, `a, b and c`
pub fn list(items: &[String]) -> String {
    match items {
        [] => String::new(),
        [one] => one.clone(),
        [first @ .., last] => format!("{} and {last}", first.join(", ")),
    }
}

/// How long a change took: from the asking to its end, or until now.
pub fn took(change: &Change, now: Time) -> i64 {
    change.outcome.as_ref().map_or(now, |outcome| outcome.at).seconds_since(change.requested_at)
}

/// The first eight hexadecimal digits: enough for people to compare.
pub fn short_digest(digest: &str) -> String {
    digest.trim_start_matches("sha256:").chars().take(8).collect()
}

pub fn kind(kind: Kind) -> &'static str {
    match kind {
        Kind::Promote => "Promote",
        Kind::Rollback => "Roll back",
        Kind::Scale => "Scale",
        Kind::Restart => "Restart",
        Kind::Unblock => "Unblock",
        Kind::Autoscale => "Autoscale",
        Kind::Deploy => "Deploy",
        Kind::RunJob => "Run job",
    }
}

/// `rolling out`, `in approval`: what a change under way does to a gap.
pub fn under_way(state: State) -> &'static str {
    match state {
        State::AwaitingApproval => "in approval",
        State::Ready => "about to start",
        _ => "rolling out",
    }
}

/// The beginning of a sentence.
pub fn sentence(text: &str) -> String {
    let mut letters = text.chars();
    let start: String = letters.next().map(|first| first.to_uppercase().collect()).unwrap_or_default();
    let end = if text.is_empty() || text.ends_with(['.', '!', '?']) { "" } else { "." };
    format!("{start}{}{end}", letters.as_str())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn gaps_read_as_people_say_them() {
        let gap = |releases: i64, seconds: i64| {
            let since = Some(Time(0));
            behind(&Behind { from: "staging".into(), releases, since }, Time(seconds * 1000))
        };
        assert_eq!(gap(2, 3 * 86_400), "2 behind, 3 days");
        assert_eq!(gap(1, 86_400 + 100), "1 behind, 24 h");
        assert_eq!(gap(1, 300), "1 behind, 5 min");
    }

    #[test]
    fn unknown_never_looks_healthy() {
        assert_ne!(cell(CellState::Unknown).class, "healthy");
        assert_ne!(cell(CellState::Absent).class, "healthy");
        assert_ne!(record(RecordOutcome::Unknown).class, "healthy");
        assert_ne!(pod("Unknown", false).0, "healthy");
        assert_ne!(pod("Running", false).0, "healthy");
    }

    #[test]
    fn lists_people_and_sentences() {
        assert_eq!(list(&["a".into(), "b".into(), "c".into()]), "a, b and c");
        assert_eq!(person("anna-lena"), "Anna Lena");
        assert_eq!(sentence("rollouts are paused"), "Rollouts are paused.");
        assert_eq!(count(1, "pod"), "1 pod");
        assert_eq!(count(0, "pod"), "0 pods");
    }
}
