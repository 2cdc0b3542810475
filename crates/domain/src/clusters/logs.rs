//! The logs of several containers as one: lines with their moments, merged, filtered, bounded; and how a log that broke off
//! is taken up again without a line lost or doubled.
//!
//! Invariant: the lines of one container stay in the order in which it wrote them.

mod held;
mod wanted;

pub use held::{Ring, Window};
pub use wanted::{After, LogsWanted, yes_or_no};

use serde::{Deserialize, Deserializer, Serialize, Serializer, de::Error as _};
use std::fmt;

/// When a line was written, in nanoseconds since 1970: seconds would not put lines in order. On the wire RFC 3339 in UTC with
/// nine digits of the second, so that the texts are in order too.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub struct Moment(pub i64);

impl Moment {
    /// RFC 3339, with any number of digits and any offset.
    pub fn parse(text: &str) -> Option<Moment> {
        let at: jiff::Timestamp = text.parse().ok()?;
        i64::try_from(at.as_nanosecond()).ok().map(Moment)
    }

    pub fn minus_seconds(self, seconds: i64) -> Moment {
        Moment(self.0.saturating_sub(seconds.saturating_mul(1_000_000_000)))
    }

    /// Whole seconds, as Kubernetes takes `sinceTime`: never later than this stamp.
    pub fn in_seconds(self) -> crate::Time {
        crate::Time(self.0.div_euclid(1_000_000_000) * 1000)
    }
}

impl From<crate::Time> for Moment {
    fn from(time: crate::Time) -> Moment {
        Moment(time.0.saturating_mul(1_000_000))
    }
}

impl fmt::Display for Moment {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let at = jiff::Timestamp::from_nanosecond(self.0.into()).unwrap_or(jiff::Timestamp::UNIX_EPOCH);
        write!(f, "{}", at.strftime("%Y-%m-%dT%H:%M:%S.%9fZ"))
    }
}

impl Serialize for Moment {
    fn serialize<S: Serializer>(&self, serializer: S) -> std::result::Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for Moment {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> std::result::Result<Moment, D::Error> {
        let text = String::deserialize(deserializer)?;
        Moment::parse(&text).ok_or_else(|| D::Error::custom(format!("`{text}` is not an RFC 3339 time")))
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum LineKind {
    /// What the container wrote.
    Line,
    /// The portal's: a pod has appeared, and its lines join.
    Joined,
    /// The portal's: a pod or one run of a container has ended.
    Ended,
    /// The portal's: something could not be read.
    Trouble,
    /// The portal's: lines came faster than they were taken, and so many are missing here.
    LeftOut,
}

impl LineKind {
    pub fn as_str(self) -> &'static str {
        match self {
            LineKind::Line => "line",
            LineKind::Joined => "joined",
            LineKind::Ended => "ended",
            LineKind::Trouble => "trouble",
            LineKind::LeftOut => "left_out",
        }
    }
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
pub struct LogLine {
    #[schema(value_type = String, format = DateTime)]
    pub at: Moment,
    pub pod: String,
    /// Empty when it is about the whole pod, or about the whole log.
    pub container: String,
    pub text: String,
    pub kind: LineKind,
}

impl LogLine {
    /// What it takes in memory, about.
    fn weight(&self) -> usize {
        self.text.len() + self.pod.len() + self.container.len() + 96
    }
}

/// `2026-11-24T09:42:00.123456789Z text` as the API server gives it with `timestamps=true`. A line without a stamp (the
/// kubelet's own word on a log that it cannot read, say) has none.
pub fn parse(line: &str) -> (Option<Moment>, &str) {
    match line.split_once(' ') {
        Some((stamp, text)) if stamp.len() >= 20 => match Moment::parse(stamp) {
            Some(at) => (Some(at), text),
            None => (None, line),
        },
        // An empty line may come without its blank.
        None if line.len() >= 20 => Moment::parse(line).map_or((None, line), |at| (Some(at), "")),
        _ => (None, line),
    }
}

/// Which lines are wanted. What the portal says itself is always wanted.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct LineFilter {
    pub container: Option<String>,
    /// In lower case.
    contains: Option<String>,
}

impl LineFilter {
    /// `contains`: anywhere in the line, whatever the case.
    pub fn new(container: Option<String>, contains: Option<&str>) -> LineFilter {
        LineFilter { container, contains: contains.filter(|text| !text.is_empty()).map(str::to_lowercase) }
    }

    pub fn takes_container(&self, name: &str) -> bool {
        self.container.as_deref().is_none_or(|wanted| wanted == name)
    }

    pub fn takes_text(&self, text: &str) -> bool {
        self.contains.as_deref().is_none_or(|wanted| text.to_lowercase().contains(wanted))
    }

    /// Whether some lines of a container that is read are not wanted.
    pub fn hides(&self) -> bool {
        self.contains.is_some()
    }
}

/// Several logs as one, by time; lines of the same moment in the order of their logs. Where a log's own stamps go back its order
/// wins: such a line counts as written together with the one before it.
pub fn merge(logs: Vec<Vec<LogLine>>) -> Vec<LogLine> {
    let mut all = Vec::with_capacity(logs.iter().map(Vec::len).sum());
    for (source, log) in logs.into_iter().enumerate() {
        let mut latest = Moment(i64::MIN);
        for line in log {
            latest = latest.max(line.at);
            all.push((latest, source, line));
        }
    }
    // Stable: what is equal stays as it was pushed.
    all.sort_by_key(|(at, source, _)| (*at, *source));
    all.into_iter().map(|(_, _, line)| line).collect()
}

/// How far one container's log has been read: what a log that is read again from an earlier second gives once more is told
/// from what is new.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Seam {
    last: Option<Moment>,
    /// Lines that had exactly this stamp.
    at_last: usize,
    /// While it is read again: how many of these have come once more.
    again: Option<usize>,
}

impl Seam {
    /// From where to read again; nothing has been read when there is none.
    pub fn last(&self) -> Option<Moment> {
        self.last
    }

    /// The log is about to be read again from [`Seam::last`], or from before it.
    pub fn reopen(&mut self) {
        self.again = self.last.map(|_| 0);
    }

    /// Whether a line of this stamp is new; it counts as read from now on.
    pub fn is_new(&mut self, at: Moment) -> bool {
        if let (Some(again), Some(last)) = (&mut self.again, self.last) {
            if at < last {
                return false;
            }
            if at == last {
                *again += 1;
                if *again <= self.at_last {
                    return false;
                }
            }
            self.again = None;
        }
        match self.last {
            Some(last) if at < last => {}
            Some(last) if at == last => self.at_last += 1,
            _ => (self.last, self.at_last) = (Some(at), 1),
        }
        true
    }
}

/// The newest lines, and what they were read from.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Logs {
    /// Oldest first.
    pub lines: Vec<LogLine>,
    /// Pods that are known.
    pub pods: usize,
    /// Names of their containers, to choose from.
    pub containers: Vec<String>,
    /// Containers that were read, and those that were too many.
    pub read: usize,
    pub not_read: usize,
    /// Lines that were read and not wanted.
    pub hidden: usize,
}
