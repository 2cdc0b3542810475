//! Lines that are held for a reader, in memory that is bounded by lines and by bytes.
//!
//! Invariant: taking in a line takes the same time however many are held.

use super::{LogLine, Moment};
use std::collections::{BTreeMap, VecDeque};

/// The newest lines, as many as fit: the oldest make room.
#[derive(Debug)]
pub struct Ring {
    lines: VecDeque<LogLine>,
    weight: usize,
    most_lines: usize,
    most_bytes: usize,
    left_out: usize,
}

impl Ring {
    pub fn new(most_lines: usize, most_bytes: usize) -> Ring {
        Ring { lines: VecDeque::new(), weight: 0, most_lines, most_bytes, left_out: 0 }
    }

    pub fn push(&mut self, line: LogLine) {
        self.weight += line.weight();
        self.lines.push_back(line);
        while self.lines.len() > self.most_lines || self.weight > self.most_bytes {
            let Some(oldest) = self.lines.pop_front() else { return };
            self.weight -= oldest.weight();
            self.left_out += 1;
        }
    }

    /// All that is held, oldest first, and how many lines had to make room since it was last asked.
    pub fn take(&mut self) -> (Vec<LogLine>, usize) {
        self.weight = 0;
        (std::mem::take(&mut self.lines).into(), std::mem::take(&mut self.left_out))
    }

    pub fn len(&self) -> usize {
        self.lines.len()
    }

    pub fn is_empty(&self) -> bool {
        self.lines.is_empty()
    }
}

/// Lines that wait a moment for earlier ones of other containers: these come over other connections. Bounded: the oldest do
/// not wait when there are too many.
#[derive(Debug)]
pub struct Window {
    held: BTreeMap<Place, LogLine>,
    /// When each line came, in that order; also of lines that have gone.
    came: VecDeque<(u64, Place)>,
    /// By pod, then by container: a log's own order wins.
    latest: BTreeMap<String, BTreeMap<String, Moment>>,
    pushed: u64,
    weight: usize,
    wait_ms: u64,
    most_lines: usize,
    most_bytes: usize,
}

/// By time, then by the order of coming.
type Place = (Moment, u64);

impl Window {
    pub fn new(wait_ms: u64, most_lines: usize, most_bytes: usize) -> Window {
        Window {
            held: BTreeMap::new(),
            came: VecDeque::new(),
            latest: BTreeMap::new(),
            pushed: 0,
            weight: 0,
            wait_ms,
            most_lines,
            most_bytes,
        }
    }

    /// `now_ms`: any clock that does not go back.
    pub fn push(&mut self, line: LogLine, now_ms: u64) {
        let at = self.in_order(&line);
        self.pushed += 1;
        self.weight += line.weight();
        self.came.push_back((now_ms, (at, self.pushed)));
        self.held.insert((at, self.pushed), line);
    }

    /// When a line counts as written: not before the one before it in its own log.
    fn in_order(&mut self, line: &LogLine) -> Moment {
        if let Some(latest) = self.latest.get_mut(&line.pod).and_then(|pod| pod.get_mut(&line.container)) {
            *latest = line.at.max(*latest);
            return *latest;
        }
        self.latest.entry(line.pod.clone()).or_default().insert(line.container.clone(), line.at);
        line.at
    }

    /// Lines that have waited, by time, with all that comes before them.
    pub fn due(&mut self, now_ms: u64) -> Vec<LogLine> {
        let mut waited = None;
        while let Some((_, place)) = self.came.pop_front_if(|(came, _)| *came + self.wait_ms <= now_ms) {
            // One that has gone with a later one holds nothing up any more.
            if self.held.contains_key(&place) {
                waited = waited.max(Some(place));
            }
        }
        let mut due = Vec::new();
        while let Some((place, line)) = self.held.pop_first() {
            let too_many = self.held.len() >= self.most_lines || self.weight > self.most_bytes;
            if Some(place) > waited && !too_many {
                self.held.insert(place, line);
                break;
            }
            self.weight -= line.weight();
            due.push(line);
        }
        while self.came.pop_front_if(|(_, place)| !self.held.contains_key(place)).is_some() {}
        due
    }

    pub fn is_empty(&self) -> bool {
        self.held.is_empty()
    }

    /// This pod will not write again.
    pub fn forget(&mut self, pod: &str) {
        self.latest.remove(pod);
    }
}
