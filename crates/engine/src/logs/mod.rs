//! The logs of all pods of a component in an environment, as one. Which pods there are comes from memory; their lines from the
//! cluster, for logs are kept nowhere else.
//!
//! Invariant: what a view holds is bounded, by containers, by lines and by bytes.

mod buffer;
mod follow;
mod reading;

pub use follow::Follow;

use crate::Engine;
use crate::clusters::logs::{How, NoLog, Source};
use crate::clusters::state::Kind;
use crate::clusters::{Cluster, now};
use domain::access::{Actor, Verb, authorize};
use domain::catalog::{Component, Environment};
use domain::clusters::logs::{Ring, Seam, merge};
use domain::clusters::{LineKind, LogLine, Logs, LogsWanted, Moment, Pod, Reach, WorkloadKind};
use futures::{StreamExt, stream};
use std::sync::Arc;
use std::time::Duration;

/// Containers whose logs one view reads; those of the newest pods.
pub const CONTAINERS: usize = 50;
/// Bytes of lines that one view holds.
const BYTES: usize = 2 * 1024 * 1024;
/// Of all containers together, while they are read.
const BYTES_READ: usize = 4 * 1024 * 1024;
/// One container's log is read within this, or what has come of it is all.
const WITHIN: Duration = Duration::from_secs(8);
/// Logs of one view that are read at the same time.
const AT_ONCE: usize = 8;

/// The pods of a component in an environment, as the watch knows them.
#[derive(Clone)]
struct Place {
    cluster: Arc<Cluster>,
    component: Component,
    environment: Environment,
}

/// One container of a pod that is known.
#[derive(Clone, Debug)]
struct Member {
    source: Source,
    pod: Pod,
}

/// What one container's log gave.
struct Read {
    lines: Vec<LogLine>,
    hidden: usize,
    seam: Seam,
    /// Why there is no more of it.
    trouble: Option<NoLog>,
}

/// Where a log was left.
#[derive(Clone, Copy, Debug, Default)]
struct Left {
    seam: Seam,
    /// From where it goes on when nothing of it was read.
    from: Option<Moment>,
    /// What is older is not wanted. Of a pod that joined all is: its node's clock may be behind.
    since: Option<Moment>,
}

impl Left {
    /// What could not be read at the beginning is not made up for: it might be very long.
    fn of(read: &Read, source: &Source, wanted: &LogsWanted) -> Left {
        let since = wanted.since_of(&source.pod, &source.container);
        let broken = matches!(read.trouble, Some(NoLog::Broken(_) | NoLog::Forbidden(_)));
        Left { seam: read.seam, from: if broken && since.is_none() { Some(Moment::from(now())) } else { since }, since }
    }

    /// A line that is new and not too old.
    fn kept(&mut self, source: &Source, at: Moment, text: String) -> Option<LogLine> {
        if !self.seam.is_new(at) || self.since.is_some_and(|since| at < since) {
            return None;
        }
        Some(LogLine { at, pod: source.pod.clone(), container: source.container.clone(), text, kind: LineKind::Line })
    }
}

impl Engine {
    /// The newest lines of all containers, merged by time.
    pub async fn logs(&self, actor: &Actor, wanted: &LogsWanted) -> domain::Result<Logs> {
        authorize(actor, Verb::Read)?;
        let place = self.place(wanted)?;
        place.readable()?;
        Ok(place.read(wanted).await?.0)
    }

    /// The newest lines, and then each new one as it is written, until the answer is dropped.
    pub async fn follow_logs(&self, actor: &Actor, wanted: LogsWanted) -> domain::Result<Follow> {
        authorize(actor, Verb::Read)?;
        let place = self.place(&wanted)?;
        place.readable()?;
        Ok(Follow::start(place, wanted, self.0.stop.clone()))
    }

    fn place(&self, wanted: &LogsWanted) -> domain::Result<Place> {
        let component = self.0.catalog.component(wanted.component.as_str())?.clone();
        let environment = self.0.catalog.environment(wanted.environment.as_str())?.clone();
        Ok(Place { cluster: self.cluster_of(&environment)?, component, environment })
    }
}

impl Place {
    /// Nothing is read of a cluster that does not answer, or that does not say which pods there are: without a right on the
    /// ReplicaSets between a Deployment and its pods there seem to be none.
    fn readable(&self) -> domain::Result<()> {
        let (reaches, reachable) = {
            let state = self.cluster.state();
            let reach = |kind: &Kind| state.reach_kind(&self.environment.namespace, *kind);
            (self.needed().iter().map(reach).collect::<Vec<_>>(), state.reachable())
        };
        if let Some(Reach::Forbidden { why }) = reaches.iter().find(|reach| matches!(reach, Reach::Forbidden { .. })) {
            return Err(forbidden(why));
        }
        // A watch that broke off comes back; until then the pods that were there will do.
        let is_lost = reaches.iter().any(|reach| matches!(reach, Reach::Lost { .. }));
        if is_lost && (!reachable || self.pods().is_empty()) { Err(self.unavailable()) } else { Ok(()) }
    }

    /// The kinds by which the pods of a workload are known.
    fn needed(&self) -> &'static [Kind] {
        match self.component.workload.kind {
            WorkloadKind::Deployment => &[Kind::Deployments, Kind::ReplicaSets, Kind::Pods],
            WorkloadKind::StatefulSet => &[Kind::StatefulSets, Kind::Pods],
            WorkloadKind::DaemonSet => &[Kind::DaemonSets, Kind::Pods],
        }
    }

    fn unavailable(&self) -> domain::Error {
        domain::Error::Unavailable { why: format!("Cluster {} cannot be reached", self.cluster.name) }
    }

    /// Pods, newest first, so that what is new is read when there is too much.
    fn pods(&self) -> Vec<Pod> {
        let state = self.cluster.state();
        let key = self.component.workload.key(&self.environment.namespace);
        let Some(known) = state.observed(&key) else { return Vec::new() };
        let mut pods: Vec<Pod> = known.pods.into_iter().cloned().collect();
        pods.sort_by(|a, b| b.created.cmp(&a.created).then_with(|| a.name.cmp(&b.name)));
        pods
    }

    fn read_at_once(&self) -> Arc<tokio::sync::Semaphore> {
        self.cluster.budget.read.clone()
    }

    /// The newest lines, and how far each log was read; from where to go on, where nothing was.
    async fn read(&self, wanted: &LogsWanted) -> domain::Result<(Logs, Vec<(Source, Left)>)> {
        let pods = self.pods();
        let mut members = members(&pods, wanted);
        let not_read = members.len().saturating_sub(CONTAINERS);
        members.truncate(CONTAINERS);
        let share = BYTES_READ / members.len().max(1);
        let shared = Arc::new(wanted.clone());
        let read_one = |member: Member| {
            let (place, wanted) = (self.clone(), shared.clone());
            async move {
                let read = place.read_one(&member.source, &wanted, share).await;
                (member, read)
            }
        };
        let reads: Vec<(Member, Read)> = stream::iter(members.into_iter().map(read_one)).buffered(AT_ONCE).collect().await;
        self.judge(&reads, wanted)?;
        let hidden = reads.iter().map(|(_, read)| read.hidden).sum();
        let left = reads.iter().map(|(member, read)| (member.source.clone(), Left::of(read, &member.source, wanted))).collect();
        let (mut read, mut logs) = (0, Vec::new());
        for (member, one) in reads {
            read += usize::from(one.trouble.is_none());
            logs.push(told(one, &member, wanted));
        }
        let mut ring = Ring::new(wanted.tail, BYTES);
        merge(logs).into_iter().for_each(|line| ring.push(line));
        let lines = ring.take().0;
        Ok((Logs { lines, pods: pods.len(), containers: containers(&pods), read, not_read, hidden }, left))
    }

    /// When no log could be read, what they all say is the answer.
    fn judge(&self, reads: &[(Member, Read)], wanted: &LogsWanted) -> domain::Result<()> {
        if reads.is_empty() || reads.iter().any(|(_, read)| read.trouble.is_none() || !read.lines.is_empty()) {
            return Ok(());
        }
        let troubles = || reads.iter().filter_map(|(_, read)| read.trouble.as_ref());
        if let Some(NoLog::Forbidden(why)) = troubles().find(|trouble| matches!(trouble, NoLog::Forbidden(_))) {
            return Err(forbidden(why));
        }
        if troubles().all(|trouble| matches!(trouble, NoLog::Broken(_))) {
            tracing::warn!(cluster = self.cluster.name, component = wanted.component.as_str(), trouble = ?troubles().next(), "no log can be read");
            return Err(self.unavailable());
        }
        Ok(())
    }

    async fn read_one(&self, source: &Source, wanted: &LogsWanted, bytes: usize) -> Read {
        // A text is looked for further back than lines are shown.
        let tail = if wanted.filter.hides() { LogsWanted::MOST } else { wanted.tail };
        let since = wanted.since_of(&source.pod, &source.container);
        let how = How { follow: false, previous: wanted.previous, tail: Some(tail), since };
        let (mut ring, mut left, mut hidden) = (Ring::new(wanted.tail, bytes), Left { since, ..Left::default() }, 0);
        let all = async {
            let _place = self.read_at_once().acquire_owned().await;
            let mut lines = self.cluster.open_log(source, how).await?;
            while let Some((at, text)) = lines.next().await.map_err(NoLog::Broken)? {
                let at = stamped(at, &text)?;
                let Some(line) = left.kept(source, at, text) else { continue };
                if wanted.filter.takes_text(&line.text) { ring.push(line) } else { hidden += 1 }
            }
            Ok(())
        };
        let ended = tokio::time::timeout(WITHIN, all).await;
        let late = || Err(NoLog::Broken(format!("no end within {} s", WITHIN.as_secs())));
        let trouble = ended.unwrap_or_else(|_| late()).err();
        Read { lines: ring.take().0, hidden, seam: left.seam, trouble }
    }
}

fn forbidden(why: &str) -> domain::Error {
    domain::Error::forbidden("cluster_forbids", format!("{}.", capitalised(why)))
}

fn capitalised(text: &str) -> String {
    let mut letters = text.chars();
    letters.next().map(|first| first.to_uppercase().chain(letters).collect()).unwrap_or_default()
}

/// Text without a stamp is no line of the container: somebody on the way to it says why there are none.
fn stamped(at: Option<Moment>, text: &str) -> Result<Moment, NoLog> {
    at.ok_or_else(|| NoLog::NotYet(text.to_owned()))
}

/// The lines of one log, and what stands in the way of the rest. A container without a run before is no trouble.
fn told(read: Read, member: &Member, wanted: &LogsWanted) -> Vec<LogLine> {
    let Read { mut lines, trouble, .. } = read;
    let text = match trouble {
        None | Some(NoLog::Gone) => return lines,
        Some(NoLog::NotYet(_)) if wanted.previous => return lines,
        Some(NoLog::Forbidden(why) | NoLog::NotYet(why) | NoLog::Broken(why)) => why,
    };
    lines.push(said(LineKind::Trouble, &member.source.pod, &member.source.container, text));
    lines
}

/// The portal's own words, of now.
fn said(kind: LineKind, pod: &str, container: &str, text: impl Into<String>) -> LogLine {
    LogLine { at: Moment::from(now()), pod: pod.to_owned(), container: container.to_owned(), text: text.into(), kind }
}

/// The containers that are wanted, of the newest pods first.
fn members(pods: &[Pod], wanted: &LogsWanted) -> Vec<Member> {
    let each = |pod: &Pod| {
        let mine: Vec<Member> = pod
            .containers
            .iter()
            .filter(|container| wanted.filter.takes_container(&container.name))
            .map(|container| Member {
                source: Source { namespace: pod.namespace.to_string(), pod: pod.name.to_string(), container: container.name.to_string() },
                pod: pod.clone(),
            })
            .collect();
        mine
    };
    pods.iter().flat_map(each).collect()
}

fn containers(pods: &[Pod]) -> Vec<String> {
    let mut names: Vec<String> = Vec::new();
    for container in pods.iter().flat_map(|pod| &pod.containers) {
        if !names.iter().any(|name| *name == container.name) {
            names.push(container.name.to_string());
        }
    }
    names
}
