//! Which lines of which log are asked for.

use super::{LineFilter, Moment};
use crate::names::Name;
use crate::{Error, Result};
use std::collections::BTreeMap;

/// What is asked for: the newest lines of a component's pods in an environment.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LogsWanted {
    pub component: Name,
    pub environment: Name,
    /// So many lines at most, of all containers together.
    pub tail: usize,
    pub filter: LineFilter,
    /// The run of each container before its present one.
    pub previous: bool,
    /// Nothing older than this.
    pub since: Option<Moment>,
    /// Where each container's log goes on, of those that the reader has lines of: instead of `since`, which is one time for
    /// all nodes, whose clocks differ.
    pub after: After,
}

/// The stamps of the last lines that a reader has, by pod and container.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct After(BTreeMap<(String, String), Moment>);

impl After {
    /// Containers that are read at once, and as many that have ended meanwhile.
    const MOST: usize = 200;

    /// `api-1/api@2026-11-24T09:42:00.5Z,api-2/api@…`
    pub fn parse(text: &str) -> Option<After> {
        let each = |part: &str| {
            let (source, at) = part.split_once('@')?;
            let (pod, container) = source.split_once('/')?;
            Some(((pod.to_owned(), container.to_owned()), Moment::parse(at)?))
        };
        let all: Option<BTreeMap<_, _>> = text.split(',').filter(|part| !part.is_empty()).map(each).collect();
        all.filter(|all| all.len() <= After::MOST).map(After)
    }

    pub fn of(&self, pod: &str, container: &str) -> Option<Moment> {
        self.0.get(&(pod.to_owned(), container.to_owned())).copied()
    }
}

impl LogsWanted {
    pub const TAIL: usize = 200;
    pub const MOST: usize = 5000;
    pub const LONGEST_TEXT: usize = 200;
    pub const PARAMETERS: [&str; 6] = ["environment", "tail", "container", "text", "previous", "since"];

    /// From the parameters of a URL, by name. Errors: `Invalid` with the parameter's name.
    pub fn read<'a>(component: Name, tail: usize, parameter: impl Fn(&str) -> Option<&'a str>) -> Result<LogsWanted> {
        let environment = parameter("environment").ok_or_else(|| Error::invalid("environment", "expected the name of an environment"))?;
        let container = parameter("container").map(|text| Name::parse("container", text)).transpose()?;
        let text = parameter("text");
        if text.is_some_and(|text| text.chars().count() > LogsWanted::LONGEST_TEXT) {
            return Err(Error::invalid("text", format!("expected at most {} characters", LogsWanted::LONGEST_TEXT)));
        }
        let since = parameter("since").map(|text| {
            Moment::parse(text).ok_or_else(|| Error::invalid("since", "expected an RFC 3339 time, such as 2026-11-22T09:30:00Z"))
        });
        Ok(LogsWanted {
            component,
            environment: Name::parse("environment", environment)?,
            tail: parameter("tail").map_or(Ok(tail), lines)?,
            filter: LineFilter::new(container.map(String::from), text),
            previous: parameter("previous").map_or(Ok(false), |text| yes_or_no("previous", text))?,
            since: since.transpose()?,
            after: parameter("after").map_or(Ok(After::default()), after)?,
        })
    }

    /// From where this container's log is wanted: its last line that the reader has, once more.
    pub fn since_of(&self, pod: &str, container: &str) -> Option<Moment> {
        self.after.of(pod, container).or(self.since)
    }
}

fn after(text: &str) -> Result<After> {
    let expected = || format!("expected POD/CONTAINER@TIME of each container, with commas between, {} at most", After::MOST);
    After::parse(text).ok_or_else(|| Error::invalid("after", expected()))
}

fn lines(text: &str) -> Result<usize> {
    let number = text.parse().ok().filter(|number| (1..=LogsWanted::MOST).contains(number));
    number.ok_or_else(|| Error::invalid("tail", format!("expected a number from 1 to {}", LogsWanted::MOST)))
}

/// `true` or `false`, in a URL.
pub fn yes_or_no(field: &str, text: &str) -> Result<bool> {
    text.parse().map_err(|_| Error::invalid(field, "expected `true` or `false`"))
}
