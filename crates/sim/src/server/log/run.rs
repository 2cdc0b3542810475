//! One run of a container, from its start to its end, and what it writes: a line in each second, at a moment of its own.
//!
//! Invariant: what is written at a moment depends on pod, container and moment only.

use super::words;
use crate::object;
use crate::status::Status;
use jiff::{SignedDuration, Timestamp};
use serde_json::Value;

/// As far back as a log goes, in lines: older ones were rotated away.
const LONGEST: i64 = 2_000;

#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Line {
    pub at: Timestamp,
    pub text: String,
}

#[derive(Clone, Debug)]
pub(super) struct Run {
    seed: String,
    container: String,
    pub start: Timestamp,
    /// None: it runs.
    pub end: Option<Timestamp>,
    failed: bool,
    /// When it was asked to end.
    asked_to_end: Option<Timestamp>,
}

impl Run {
    /// The present run, or the one before it. Errors: 400 when there is none.
    pub fn find(pod: &Value, container: &str, previous: bool, now: Timestamp) -> Result<Run, Status> {
        let name = object::name(pod);
        let status = object::list(pod, "/status/containerStatuses").iter().find(|it| object::name_of(it) == container);
        let part = if previous { "/lastState/terminated" } else { "/state/running" };
        let current = status.and_then(|it| it.pointer(part).or_else(|| it.pointer("/state/terminated").filter(|_| !previous)));
        // A container in back-off has ended its last run; that run is what its log shows.
        let current = current.or_else(|| status.and_then(|it| it.pointer("/lastState/terminated")));
        let Some(run) = current else {
            let reason = status.map(|it| object::text(it, "/state/waiting/reason")).unwrap_or("ContainerCreating");
            return Err(Status::bad_request(match (previous, reason) {
                (true, _) => format!("previous terminated container \"{container}\" in pod \"{name}\" not found"),
                (_, "ErrImagePull" | "ImagePullBackOff") => {
                    format!("container \"{container}\" in pod \"{name}\" is waiting to start: trying and failing to pull image")
                }
                (_, reason) => format!("container \"{container}\" in pod \"{name}\" is waiting to start: {reason}"),
            }));
        };
        Ok(Run {
            seed: format!("{name}/{container}"),
            container: container.to_owned(),
            start: object::time(run, "/startedAt").unwrap_or(now),
            end: object::time(run, "/finishedAt"),
            failed: object::number(run, "/exitCode") != 0,
            asked_to_end: object::time(pod, "/metadata/deletionTimestamp"),
        })
    }

    pub fn has_ended(&self) -> bool {
        self.end.is_some()
    }

    /// All lines up to a moment, oldest first.
    pub fn lines(&self, now: Timestamp) -> Vec<Line> {
        if self.failed {
            return self.in_order(&words::FATAL);
        }
        let until = self.end.unwrap_or(now).min(now);
        let first = (self.start.as_second() + 1).max(until.as_second() - LONGEST);
        let mut lines = if first == self.start.as_second() + 1 { self.in_order(&words::START) } else { Vec::new() };
        lines.extend((first..=until.as_second()).map(|second| self.line(second)));
        lines.retain(|line| line.at <= until);
        lines
    }

    /// When it writes next.
    pub fn next_after(&self, now: Timestamp) -> Timestamp {
        let second = now.as_second();
        (second..second + 3).map(|second| self.line(second).at).find(|at| *at > now).unwrap_or(now)
    }

    /// A few lines at its beginning, a millisecond apart.
    fn in_order(&self, texts: &[&str]) -> Vec<Line> {
        let at = |millis: i64| self.start.saturating_add(SignedDuration::from_millis(millis)).unwrap_or(self.start);
        (1..).zip(texts).map(|(millis, text)| Line { at: at(millis), text: (*text).to_owned() }).collect()
    }

    /// The one line of a second.
    fn line(&self, second: i64) -> Line {
        let hash = object::hash(format!("{}/{second}", self.seed).as_bytes());
        let nanos = i64::from(hash % 1_000_000) * 1_000;
        let start = Timestamp::from_second(second).unwrap_or(self.start);
        let at = start.saturating_add(SignedDuration::from_nanos(nanos)).unwrap_or(start);
        let texts = if self.asked_to_end.is_some_and(|asked| second > asked.as_second()) { words::END } else { words::of(&self.container) };
        Line { at, text: format!("{} request_id={hash:08x}", texts[hash as usize % texts.len()]) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn a_run_writes_once_a_second_and_the_same_each_time() {
        let pod = json!({
            "metadata": { "name": "api-1" },
            "status": { "containerStatuses": [{ "name": "api", "state": { "running": { "startedAt": "2026-11-24T09:42:00Z" } } }] },
        });
        let now: Timestamp = "2026-11-24T09:43:00Z".parse().unwrap();
        let run = Run::find(&pod, "api", false, now).unwrap();
        let lines = run.lines(now);
        assert!(lines.is_sorted_by(|a, b| a.at < b.at), "{lines:?}");
        assert_eq!(lines.len(), words::START.len() + 59);
        // Followed from moment to moment, it is the same.
        let (mut followed, mut at) = (Vec::new(), run.start);
        while at < now {
            let next = run.next_after(at);
            followed.extend(run.lines(next).into_iter().filter(|line| line.at > at));
            at = next;
        }
        followed.retain(|line| line.at <= now);
        assert_eq!(followed, lines);
    }
}
