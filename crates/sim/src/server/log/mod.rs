//! pods/log: the lines of one run of a container, at once or as they come.
//!
//! Invariant: asking twice for the same moment gives the same lines; a log that is followed leaves none out.

mod run;
mod words;

use super::answer::{self, Answer, Cut};
use super::ask::{Ask, Target};
use crate::clock::Alarm;
use crate::cluster::Cluster;
use crate::faults::Weather;
use crate::object;
use crate::state::Key;
use crate::status::Status;
use futures::stream;
use hyper::body::Bytes;
use jiff::{SignedDuration, Timestamp};
use run::{Line, Run};
use serde_json::Value;
use std::sync::Arc;
use tokio::sync::watch::Receiver;

/// Answers with text. Errors: 400 if the container is not named, not started or has no previous run, or a parameter cannot be
/// read; 404.
pub(crate) fn log(cluster: &Cluster, ask: &Ask, target: &Target) -> Result<Answer, Status> {
    let shared = cluster.shared();
    let (pod, now) = shared.with(|state| (state.get(&target.key()), state.now));
    let pod = pod.ok_or_else(|| Status::not_found(target.resource, &target.name))?;
    let container = container(&pod, ask.param("container"))?;
    let run = Run::find(&pod, &container, ask.is_set("previous"), now)?;
    let behind = behind(&pod);
    let lines = chosen(ask, run.lines(now), now, behind)?;
    let text = rendered(&lines, ask.is_set("timestamps"), behind);
    if !ask.is_set("follow") || run.has_ended() {
        return Ok(answer::bytes(200, "text/plain", text));
    }
    let weather = shared.faults.weather();
    let began = *weather.borrow();
    let follow = Follow {
        key: target.key(),
        uid: object::uid(&pod).to_owned(),
        container,
        run,
        sent: now,
        first: Some(text.into()),
        timestamps: ask.is_set("timestamps"),
        behind,
        ended: false,
        changed: shared.changes(),
        weather,
        began,
        alarm: shared.clock.alarm(),
        cluster: cluster.clone(),
    };
    Ok(answer::stream("text/plain", stream::unfold(follow, |mut follow| async { follow.next().await.map(|chunk| (chunk, follow)) })))
}

/// How far the clock of a pod's node is behind the API server's, in seconds: for tests, set on the pod.
const BEHIND: &str = "sim.devmatrix.io/clock-behind";

fn behind(pod: &Value) -> SignedDuration {
    let seconds = pod["metadata"]["annotations"][BEHIND].as_str().and_then(|text| text.parse().ok());
    SignedDuration::from_secs(seconds.unwrap_or_default())
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

/// The lines that `sinceTime`, `sinceSeconds` and `tailLines` leave.
fn chosen(ask: &Ask, lines: Vec<Line>, now: Timestamp, behind: SignedDuration) -> Result<Vec<Line>, Status> {
    let unreadable = |name: &str| Status::bad_request(format!("unable to parse {name}: {}", ask.param(name)));
    let tail = match ask.param("tailLines") {
        "" => usize::MAX,
        text => text.parse().map_err(|_| unreadable("tailLines"))?,
    };
    let since = match (ask.param("sinceTime"), ask.param("sinceSeconds")) {
        ("", "") => None,
        ("", seconds) => {
            let seconds = seconds.parse().map_err(|_| unreadable("sinceSeconds"))?;
            now.checked_sub(SignedDuration::from_secs(seconds)).ok()
        }
        // By the node's clock.
        (time, "") => Some(time.parse::<Timestamp>().map_err(|_| unreadable("sinceTime"))?),
        _ => return Err(Status::bad_request("at most one of `sinceTime` or `sinceSeconds` may be specified".to_owned())),
    };
    let recent: Vec<Line> = lines.into_iter().filter(|line| since.is_none_or(|since| line.at - behind >= since)).collect();
    let skipped = recent.len().saturating_sub(tail);
    Ok(recent.into_iter().skip(skipped).collect())
}

fn rendered(lines: &[Line], timestamps: bool, behind: SignedDuration) -> String {
    let stamp =
        |line: &Line| if timestamps { format!("{} ", (line.at - behind).strftime("%Y-%m-%dT%H:%M:%S%.9fZ")) } else { String::new() };
    lines.iter().map(|line| format!("{}{}\n", stamp(line), line.text)).collect()
}

/// A log that goes on until its container ends.
struct Follow {
    cluster: Cluster,
    key: Key,
    uid: String,
    container: String,
    run: Run,
    /// Everything up to this moment was sent.
    sent: Timestamp,
    /// What there is at the beginning.
    first: Option<Bytes>,
    timestamps: bool,
    behind: SignedDuration,
    ended: bool,
    changed: Receiver<u64>,
    weather: Receiver<Weather>,
    /// The orders to cut logs that were given before this one began.
    began: Weather,
    alarm: Alarm,
}

impl Follow {
    async fn next(&mut self) -> Option<Result<Bytes, Cut>> {
        loop {
            while self.weather.borrow().black_hole {
                self.weather.changed().await.ok()?;
            }
            if let Some(first) = self.first.take().filter(|first| !first.is_empty()) {
                return Some(Ok(first));
            }
            if self.ended {
                return None;
            }
            if self.weather.borrow_and_update().cut_logs != self.began.cut_logs {
                return Some(Err(Cut));
            }
            let lines = self.catch_up();
            if !lines.is_empty() {
                return Some(Ok(rendered(&lines, self.timestamps, self.behind).into()));
            }
            if self.ended {
                return None;
            }
            let next = self.run.next_after(self.sent);
            tokio::select! {
                changed = self.changed.changed() => changed.ok()?,
                changed = self.weather.changed() => changed.ok()?,
                () = self.alarm.wait(Some(next)) => {}
            }
        }
    }

    /// What was written since the last look; notices when the container has ended or its pod is gone.
    fn catch_up(&mut self) -> Vec<Line> {
        let (pod, now): (Option<Arc<Value>>, Timestamp) = self.cluster.shared().with(|state| (state.get(&self.key), state.now));
        let pod = pod.filter(|pod| object::uid(pod) == self.uid);
        let present = pod.and_then(|pod| Run::find(&pod, &self.container, false, now).ok()).filter(|run| run.start == self.run.start);
        match present {
            Some(present) => self.run = present,
            None => self.run.end = Some(self.run.end.unwrap_or(now)),
        }
        self.ended = self.run.has_ended();
        let lines = self.run.lines(now).into_iter().filter(|line| line.at > self.sent).collect();
        self.sent = now.max(self.sent);
        lines
    }
}
