//! Following the logs of all pods of a component: pods come and go, connections break, and the log goes on.
//!
//! Invariants: each line is given once. Nobody waits for a slow reader: what it does not take in time is left out, and said.
//! Dropping [`Follow`] ends everything that runs for it.

use super::buffer::Buffer;
use super::reading::{End, Reading};
use super::{CONTAINERS, Left, Member, Place, members, said};
use crate::clusters::logs::{NoLog, Source};
use crate::clusters::now;
use domain::Time;
use domain::clusters::{LineKind, LogLine, LogsWanted, Moment, Pod};
use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};
use tokio::task::{AbortHandle, JoinSet};
use tokio_util::sync::CancellationToken;
use tokio_util::task::AbortOnDropHandle;

/// Beside those of the newest pods, for a moment, those that end: what they wrote last is still to come.
const OPEN_AT_MOST: usize = 2 * CONTAINERS;
/// A line waits so long for earlier ones of other pods.
const REORDER_MS: u64 = 300;
/// How often the pods are looked at.
const LOOK: Duration = Duration::from_millis(250);
/// What a pod that is gone wrote last may take so long to come.
const GRACE: Duration = Duration::from_secs(3);
/// Between two tries of one log: at first, at most when it broke off, and at most when it came to its end.
const RETRY: Duration = Duration::from_millis(500);
const RETRY_AT_MOST: Duration = Duration::from_secs(10);
const RETRY_ENDED: Duration = Duration::from_secs(30);

/// A log that is followed.
pub struct Follow {
    buffer: Arc<Buffer>,
    _work: AbortOnDropHandle<()>,
}

impl Follow {
    pub(super) fn start(place: Place, wanted: LogsWanted, stop: CancellationToken) -> Follow {
        let buffer = Buffer::new(REORDER_MS);
        let theirs = buffer.clone();
        let work = tokio::spawn(async move {
            tokio::select! {
                () = stop.cancelled() => {}
                () = Crew::new(place, wanted, theirs.clone()).work() => {}
            }
            theirs.close();
        });
        Follow { buffer, _work: AbortOnDropHandle::new(work) }
    }

    /// The next lines, at least one; None when it is over. May be dropped while it waits: nothing is lost.
    pub async fn next(&mut self) -> Option<Vec<LogLine>> {
        loop {
            let news = self.buffer.news.notified();
            let (lines, waiting, over) = self.buffer.take();
            if !lines.is_empty() {
                return Some(lines);
            }
            if over {
                return None;
            }
            if waiting {
                tokio::time::sleep(Duration::from_millis(REORDER_MS / 6)).await;
            } else {
                news.await;
            }
        }
    }
}

/// A pod by name and birth: a StatefulSet's successor has the name of the one before it.
pub(super) type Born = (String, Time);

/// One log: of a container of a pod.
pub(super) type Key = (Born, Source);

/// What is known of one log that is followed. How far it was read outlives each reading.
struct Followed {
    left: Arc<Mutex<Left>>,
    restarts: i64,
}

/// Why nothing can be read.
#[derive(Debug, PartialEq, Eq)]
enum Lost {
    Silent,
    /// The right that is missing, in words.
    Forbidden(String),
}

/// A reading that is under way.
struct Open {
    turn: u64,
    task: AbortHandle,
}

struct Crew {
    place: Place,
    wanted: LogsWanted,
    buffer: Arc<Buffer>,
    pods: BTreeMap<Born, Pod>,
    logs: BTreeMap<Key, Followed>,
    reading: JoinSet<End>,
    /// Logs that are being read now, and by which reading: earlier ones do not count any more.
    open: BTreeMap<Key, Open>,
    turns: u64,
    /// When a log that ended or broke off is tried again, and how long that waits.
    again: BTreeMap<Key, (Instant, Duration)>,
    /// Pods that are gone, since when; their last lines may still come.
    going: BTreeMap<Born, Instant>,
    lost: Option<Lost>,
    /// What was said once, and is not said again.
    said: Vec<String>,
}

impl Crew {
    fn new(place: Place, wanted: LogsWanted, buffer: Arc<Buffer>) -> Crew {
        Crew {
            place,
            wanted,
            buffer,
            pods: BTreeMap::new(),
            logs: BTreeMap::new(),
            reading: JoinSet::new(),
            open: BTreeMap::new(),
            turns: 0,
            again: BTreeMap::new(),
            going: BTreeMap::new(),
            lost: None,
            said: Vec::new(),
        }
    }

    async fn work(mut self) {
        self.begin().await;
        let mut look = tokio::time::interval(LOOK);
        look.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
        loop {
            tokio::select! {
                _ = look.tick() => self.look(),
                Some(Ok(end)) = self.reading.join_next(), if !self.reading.is_empty() => self.ended(end),
            }
        }
    }

    /// What there is at the beginning, in order, as a reading without following gives it.
    async fn begin(&mut self) {
        let pods = self.place.pods();
        match self.place.read(&self.wanted).await {
            Ok((logs, left)) => {
                self.buffer.put(logs.lines);
                let left: BTreeMap<Source, Left> = left.into_iter().collect();
                // Those that were too many go on from now, should they be among the newest later.
                let late = Left { from: Some(Moment::from(now())), ..Left::default() };
                for member in members(&pods, &self.wanted) {
                    let left = left.get(&member.source).copied().unwrap_or(late);
                    self.logs.insert((born(&member.pod), member.source.clone()), Followed::from(left, &member));
                }
            }
            Err(error) => self.say(LineKind::Trouble, "", "", error.to_string()),
        }
        self.pods = pods.into_iter().map(|pod| (born(&pod), pod)).collect();
    }

    /// Compares the pods that are followed with those that are there.
    fn look(&mut self) {
        let readable = self.place.readable();
        if !self.notices(readable.err()) {
            return;
        }
        let present: BTreeMap<Born, Pod> = self.place.pods().into_iter().map(|pod| (born(&pod), pod)).collect();
        self.going.retain(|born, _| !present.contains_key(born));
        let gone: Vec<Born> = self.pods.keys().filter(|born| !present.contains_key(*born)).cloned().collect();
        for born in gone {
            self.going.entry(born).or_insert_with(Instant::now);
        }
        self.say_goodbye();
        for (born, pod) in present {
            if !self.pods.contains_key(&born) {
                self.say(LineKind::Joined, &pod.name, "", "the pod joins");
            }
            self.pods.insert(born, pod);
        }
        self.open_logs();
    }

    /// Whether the cluster can be read. While it cannot, nothing is known to have ended.
    fn notices(&mut self, trouble: Option<domain::Error>) -> bool {
        let lost = trouble.map(|trouble| match trouble {
            domain::Error::Forbidden { .. } => Lost::Forbidden(trouble.to_string()),
            _ => Lost::Silent,
        });
        if lost != self.lost {
            let cluster = &self.place.cluster.name;
            let words = match (&lost, &self.lost) {
                (Some(Lost::Silent), _) => format!("cluster {cluster} does not answer: the log goes on when it does"),
                (Some(Lost::Forbidden(why)), _) => format!("{why} The log goes on when it may again"),
                (None, Some(Lost::Forbidden(_))) => format!("the portal may read in cluster {cluster} again"),
                (None, _) => format!("cluster {cluster} answers again"),
            };
            self.say(LineKind::Trouble, "", "", words);
            if lost.is_some() {
                self.reading.abort_all();
                self.open.clear();
                self.again.clear();
            }
            self.lost = lost;
        }
        self.lost.is_none()
    }

    /// Pods that are gone end when what they wrote last is here.
    fn say_goodbye(&mut self) {
        let is_read = |born: &Born| self.open.keys().any(|(whose, _)| whose == born);
        let is_over = |(born, since): &(&Born, &Instant)| !is_read(born) || since.elapsed() > GRACE;
        let over: Vec<Born> = self.going.iter().filter(is_over).map(|(born, _)| born.clone()).collect();
        for born in over {
            self.going.remove(&born);
            self.open.retain(|(whose, _), _| *whose != born);
            self.logs.retain(|(whose, _), _| *whose != born);
            self.again.retain(|(whose, _), _| *whose != born);
            let pod = self.pods.remove(&born);
            self.say(LineKind::Ended, &born.0, "", pod.as_ref().map_or_else(|| "the pod has ended".to_owned(), farewell));
            self.buffer.forget(&born.0);
        }
    }

    /// Opens every log that is wanted and not open; says when a container has been started again.
    fn open_logs(&mut self) {
        let mut pods: Vec<Pod> = self.pods.iter().filter(|(born, _)| !self.going.contains_key(*born)).map(|(_, pod)| pod.clone()).collect();
        pods.sort_by(|a, b| b.created.cmp(&a.created).then_with(|| a.name.cmp(&b.name)));
        let all = members(&pods, &self.wanted);
        if all.len() > CONTAINERS {
            self.say_once(format!("{CONTAINERS} of {} containers are followed, those of the newest pods", all.len()));
        }
        let wanted: Vec<(Key, Member)> =
            all.into_iter().take(CONTAINERS).map(|member| ((born(&member.pod), member.source.clone()), member)).collect();
        self.close_others(&wanted.iter().map(|(key, _)| key).collect());
        for (key, member) in wanted {
            self.notice_restart(&key, &member);
            if self.may_open(&key, &member.pod) {
                self.open(key);
            }
        }
    }

    /// A pod that newer ones have pushed out is not read any more: its place is theirs. Where it was left is kept, should it be
    /// among the newest again.
    fn close_others(&mut self, wanted: &BTreeSet<&Key>) {
        let going = &self.going;
        self.open.retain(|key, open| {
            let stays = wanted.contains(key) || going.contains_key(&key.0);
            if !stays {
                open.task.abort();
            }
            stays
        });
    }

    fn notice_restart(&mut self, key: &Key, member: &Member) {
        let new = || Followed::from(Left::default(), member);
        let known = self.logs.entry(key.clone()).or_insert_with(new);
        let before = std::mem::replace(&mut known.restarts, restarts(member));
        if restarts(member) > before {
            self.say(LineKind::Ended, &member.source.pod, &member.source.container, exit(member));
            self.again.remove(key);
        }
    }

    fn may_open(&self, key: &Key, pod: &Pod) -> bool {
        let waits = self.again.get(key).is_some_and(|(at, _)| *at > Instant::now());
        let was_read = self.logs.get(key).is_some_and(|known| known.left().seam.last().is_some());
        let is_over = matches!(&*pod.phase, "Succeeded" | "Failed") && was_read;
        !self.open.contains_key(key) && !waits && !is_over && self.open.len() < OPEN_AT_MOST
    }

    fn open(&mut self, key: Key) {
        let Some(known) = self.logs.get(&key) else { return };
        self.turns += 1;
        let reading =
            Reading { place: self.place.clone(), wanted: self.wanted.clone(), buffer: self.buffer.clone(), left: known.left.clone() };
        let task = self.reading.spawn(reading.run(key.clone(), self.turns));
        self.open.insert(key, Open { turn: self.turns, task });
    }

    /// One reading of a log has ended: with its container, or because it broke off. Whether there is more, the pods tell.
    fn ended(&mut self, end: End) {
        let End { key, turn, why, went } = end;
        if self.open.get(&key).is_none_or(|open| open.turn != turn) {
            return;
        }
        self.open.remove(&key);
        let most = if why.is_none() { RETRY_ENDED } else { RETRY_AT_MOST };
        let wait = match self.again.get(&key) {
            Some((_, wait)) if !went => (*wait * 2).min(most),
            _ => RETRY,
        };
        let (pod, container) = (key.1.pod.clone(), key.1.container.clone());
        let wait = match why {
            Some(NoLog::Forbidden(why)) => {
                self.say_once(why);
                RETRY_AT_MOST
            }
            Some(NoLog::NotYet(why)) if !is_beginning(&why) && !self.said.contains(&why) => {
                self.said.push(why.clone());
                self.say(LineKind::Trouble, &pod, &container, why);
                wait
            }
            _ => wait,
        };
        self.again.insert(key, (Instant::now() + wait, wait));
    }

    fn say(&self, kind: LineKind, pod: &str, container: &str, text: impl Into<String>) {
        self.buffer.push(said(kind, pod, container, text));
    }

    fn say_once(&mut self, text: String) {
        if !self.said.contains(&text) {
            self.said.push(text.clone());
            self.say(LineKind::Trouble, "", "", text);
        }
    }
}

fn born(pod: &Pod) -> Born {
    (pod.name.to_string(), pod.created)
}

fn restarts(member: &Member) -> i64 {
    let container = member.pod.containers.iter().find(|container| container.name == member.source.container);
    container.map_or(0, |container| container.restarts)
}

/// `the container has ended: exit code 1, Error`
fn exit(member: &Member) -> String {
    let container = member.pod.containers.iter().find(|container| container.name == member.source.container);
    match container.and_then(|container| container.last_exit.as_ref()) {
        Some(exit) => format!("the container has ended: {exit}"),
        None => "the container has ended".to_owned(),
    }
}

/// Every container waits for a moment before it starts: not worth a word. (kubelet: `… is waiting to start: ContainerCreating`)
fn is_beginning(why: &str) -> bool {
    ["ContainerCreating", "PodInitializing"].iter().any(|reason| why.ends_with(reason))
}

/// Why a pod that is gone has ended, as far as is known.
fn farewell(pod: &Pod) -> String {
    let exit = pod.containers.iter().find_map(|container| container.last_exit.as_ref());
    match (pod.deleting, exit) {
        (true, _) => "the pod has ended: it was deleted".to_owned(),
        (false, Some(exit)) => format!("the pod has ended: {exit}"),
        (false, None) => "the pod has ended".to_owned(),
    }
}

impl Followed {
    fn from(left: Left, member: &Member) -> Followed {
        Followed { left: Arc::new(Mutex::new(left)), restarts: restarts(member) }
    }

    fn left(&self) -> Left {
        *self.left.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn line(at: i64) -> LogLine {
        LogLine { at: Moment(at), pod: "p".into(), container: "c".into(), text: at.to_string(), kind: LineKind::Line }
    }

    #[tokio::test]
    async fn what_a_slow_reader_does_not_take_is_left_out_and_said() {
        let buffer = Buffer::new(0);
        let many = LogsWanted::MOST as i64 + 250;
        (1..=many).for_each(|at| buffer.push(line(at)));
        buffer.close();
        let mut follow = Follow { buffer, _work: AbortOnDropHandle::new(tokio::spawn(async {})) };
        let lines = follow.next().await.unwrap();
        assert_eq!((lines[0].kind, lines[0].text.starts_with("250 lines are left out")), (LineKind::LeftOut, true), "{:?}", lines[0]);
        assert_eq!((lines.len(), lines[1].text.as_str()), (LogsWanted::MOST + 1, "251"));
        assert_eq!(follow.next().await, None);
    }
}
