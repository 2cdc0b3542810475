//! pods/log: plausible lines, made up from the pod's name and the time.
//!
//! Invariant: asking twice for the same moment gives the same lines.

use super::answer::{self, Answer, Cut};
use super::ask::{Ask, Target};
use crate::cluster::Cluster;
use crate::object;
use crate::status::Status;
use futures::stream;
use hyper::body::Bytes;
use jiff::{SignedDuration, Timestamp};
use serde_json::Value;
use std::time::Duration;

/// Seconds between two lines.
const RHYTHM: i64 = 3;
/// As far back as a container's log goes.
const LONGEST: i64 = 2_000;

const ORDINARY: [&str; 8] = [
    "INFO  request method=GET path=/health/ready status=200 duration_ms=2",
    "INFO  request method=GET path=/health status=200 duration_ms=1",
    "INFO  request method=POST path=/v1/runs status=201 duration_ms=184",
    "INFO  request method=GET path=/v1/runs status=200 duration_ms=37",
    "DEBUG cache hit key=session ttl_s=840",
    "INFO  request method=GET path=/v1/projects status=200 duration_ms=52",
    "WARN  slow query duration_ms=1240 table=runs",
    "WARN  upstream timeout host=qdrant after_ms=3000 retry=1",
];

const FATAL: [&str; 4] = [
    "INFO  starting, configuration from environment",
    "INFO  connecting to postgres host=postgres port=5432",
    "ERROR column runs.priority does not exist (migration 0042 has not run)",
    "FATAL startup failed, exit code 1",
];

/// Answers with text. Errors: 400 if the container is not named, not started or has no previous run, 404.
pub(crate) fn log(cluster: &Cluster, ask: &Ask, target: &Target) -> Result<Answer, Status> {
    let shared = cluster.shared();
    let (pod, now) = shared.with(|state| (state.get(&target.key()), state.now));
    let pod = pod.ok_or_else(|| Status::not_found(target.resource, &target.name))?;
    let container = container(&pod, ask.param("container"))?;
    let status = object::list(&pod, "/status/containerStatuses").iter().find(|it| object::name_of(it) == container);
    let run = Run::find(&pod, &container, status, ask.is_set("previous"), now)?;
    let lines = chosen(ask, run.lines(now), now);
    if ask.is_set("follow") && !ask.is_set("previous") {
        return Ok(answer::stream("text/plain", follow(cluster.clone(), run, lines, now)));
    }
    Ok(answer::bytes(200, "text/plain", lines))
}

fn container(pod: &Value, wanted: &str) -> Result<String, Status> {
    let names: Vec<&str> = object::list(pod, "/spec/containers").iter().map(object::name_of).collect();
    let pod = object::name(pod);
    match (wanted, names.as_slice()) {
        ("", [only]) => Ok((*only).to_owned()),
        ("", several) => {
            Err(Status::bad_request(format!("a container name must be specified for pod {pod}, choose one of: [{}]", several.join(" "))))
        }
        (wanted, names) if names.contains(&wanted) => Ok(wanted.to_owned()),
        (wanted, _) => Err(Status::bad_request(format!("container {wanted} is not valid for pod {pod}"))),
    }
}

/// One run of a container, from its start to its end.
struct Run {
    seed: String,
    start: Timestamp,
    end: Timestamp,
    failed: bool,
}

impl Run {
    fn find(pod: &Value, container: &str, status: Option<&Value>, previous: bool, now: Timestamp) -> Result<Run, Status> {
        let name = object::name(pod);
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
            start: object::time(run, "/startedAt").unwrap_or(now),
            end: object::time(run, "/finishedAt").unwrap_or(now),
            failed: object::number(run, "/exitCode") != 0,
        })
    }

    /// All lines with their times, oldest first.
    fn lines(&self, now: Timestamp) -> Vec<(Timestamp, String)> {
        if self.failed {
            return FATAL.iter().map(|line| (self.start, (*line).to_owned())).collect();
        }
        let last = self.end.min(now).as_second() / RHYTHM;
        let first = (self.start.as_second() / RHYTHM + 1).max(last - LONGEST);
        (first..=last).map(|tick| self.line(tick)).collect()
    }

    fn line(&self, tick: i64) -> (Timestamp, String) {
        let hash = object::hash(format!("{}/{tick}", self.seed).as_bytes());
        let line = ORDINARY[hash as usize % ORDINARY.len()];
        (Timestamp::from_second(tick * RHYTHM).unwrap_or(self.start), format!("{line} request_id={hash:08x}"))
    }
}

fn chosen(ask: &Ask, lines: Vec<(Timestamp, String)>, now: Timestamp) -> String {
    let tail = ask.param("tailLines").parse().unwrap_or(usize::MAX);
    let since = ask.param("sinceSeconds").parse::<i64>().ok();
    let since = since.and_then(|seconds| now.checked_sub(SignedDuration::from_secs(seconds)).ok());
    let recent: Vec<_> = lines.into_iter().filter(|(at, _)| since.is_none_or(|since| *at >= since)).collect();
    let skipped = recent.len().saturating_sub(tail);
    recent[skipped..].iter().map(|line| rendered(line, ask.is_set("timestamps"))).collect()
}

fn rendered((at, line): &(Timestamp, String), with_time: bool) -> String {
    let time = at.strftime("%Y-%m-%dT%H:%M:%S%.9fZ");
    if with_time { format!("{time} {line}\n") } else { format!("{} {line}\n", at.strftime("%Y-%m-%dT%H:%M:%SZ")) }
}

/// What there is, and then each new line as its time comes (real time).
fn follow(cluster: Cluster, run: Run, lines: String, now: Timestamp) -> impl futures::Stream<Item = Result<Bytes, Cut>> + Send {
    stream::unfold((cluster, run, Some(lines), now.as_second() / RHYTHM), |(cluster, run, lines, tick)| async move {
        if let Some(lines) = lines {
            return Some((Ok(Bytes::from(lines)), (cluster, run, None, tick)));
        }
        tokio::time::sleep(Duration::from_secs(RHYTHM.unsigned_abs())).await;
        let line = rendered(&run.line(tick + 1), false);
        Some((Ok(Bytes::from(line)), (cluster, run, None, tick + 1)))
    })
}
