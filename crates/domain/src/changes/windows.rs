//! When an environment is open for changes, by the windows of its configuration. Deny always wins; if any window allows, one
//! of those must be open.
//!
//! Invariant: a weekly window is open exactly while a clock on the wall of its zone shows a time in it, ends left out. So a
//! time that daylight saving skips never comes, and one that comes twice is open twice.

use crate::Time;
use jiff::Timestamp;
use jiff::civil::{Date, DateTime, Weekday};
use jiff::tz::{AmbiguousOffset, TimeZone};

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Effect {
    Allow,
    Deny,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Window {
    pub effect: Effect,
    pub when: When,
    pub zone: TimeZone,
    /// Empty: none is given.
    pub reason: String,
    /// As the configuration writes it: `Fri 16:00 - Mon 08:00`.
    pub text: String,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub enum When {
    /// Half-open ranges of minutes since Monday 00:00, in order, none touching another.
    Weekly(Vec<(i32, i32)>),
    Dates {
        from: Time,
        until: Time,
    },
}

const DAY: i32 = 24 * 60;
const WEEK: i32 = 7 * DAY;
const DAY_MS: i64 = 86_400_000;

/// So far ahead an opening is looked for, in days.
pub const LOOK_AHEAD_DAYS: i64 = 366;

/// What keeps an environment shut.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Shut<'a> {
    Denied(&'a Window),
    /// There are windows that allow, and none of them is open.
    NoneAllows,
}

pub fn shut(windows: &[Window], at: Time) -> Option<Shut<'_>> {
    if let Some(denies) = windows.iter().find(|window| window.effect == Effect::Deny && window.is_open(at)) {
        return Some(Shut::Denied(denies));
    }
    let mut allowing = windows.iter().filter(|window| window.effect == Effect::Allow).peekable();
    let any = allowing.peek().is_some();
    (any && !allowing.any(|window| window.is_open(at))).then_some(Shut::NoneAllows)
}

/// The first moment after `after` at which `holds`, which may change with these windows and at the moments of `also` only.
/// None: not within [`LOOK_AHEAD_DAYS`].
pub fn first(windows: &[Window], also: &[Time], after: Time, holds: impl Fn(Time) -> bool) -> Option<Time> {
    (0..LOOK_AHEAD_DAYS).find_map(|day| {
        let from = Time(after.0 + day * DAY_MS + 1);
        let until = Time(from.0 + DAY_MS);
        let mut moments: Vec<Time> = windows.iter().flat_map(|window| window.turns(from, until)).collect();
        moments.extend(also.iter().copied().filter(|at| (from..until).contains(at)));
        moments.sort_unstable();
        moments.into_iter().find(|at| holds(*at))
    })
}

impl Window {
    pub fn is_open(&self, at: Time) -> bool {
        match &self.when {
            When::Dates { from, until } => (*from..*until).contains(&at),
            When::Weekly(ranges) => {
                let minute = minute_of_week(self.zone.to_datetime(at.timestamp()));
                ranges.iter().any(|(from, until)| (*from..*until).contains(&minute))
            }
        }
    }

    /// `Fri 16:00 - Mon 08:00 Europe/Berlin`
    pub fn in_words(&self) -> String {
        format!("{} {}", self.text, self.zone.iana_name().unwrap_or("UTC"))
    }

    /// All moments of `[from, until)` at which it may open or close.
    fn turns(&self, from: Time, until: Time) -> Vec<Time> {
        let mut turns = match &self.when {
            When::Dates { from, until } => vec![*from, *until],
            When::Weekly(ranges) => self.turns_of_week(ranges, from, until),
        };
        turns.retain(|at| (from..until).contains(at));
        turns
    }

    fn turns_of_week(&self, ranges: &[(i32, i32)], from: Time, until: Time) -> Vec<Time> {
        let zone = &self.zone;
        let transitions = zone.following(Time(from.0 - 1).timestamp()).map(|change| Time(change.timestamp().as_millisecond()));
        let mut turns: Vec<Time> = transitions.take_while(|at| *at < until).collect();
        let (mut date, last) = (zone.to_datetime(from.timestamp()).date(), zone.to_datetime(until.timestamp()).date());
        while date <= last {
            let weekday = weekday(date.weekday());
            for minute in ranges.iter().flat_map(|(from, until)| [*from, *until % WEEK]).filter(|minute| minute / DAY == weekday) {
                turns.extend(moments(zone, at_minute(date, minute % DAY)));
            }
            let Ok(next) = date.tomorrow() else { break };
            date = next;
        }
        turns
    }
}

/// The moments at which a clock there turns to this time: none, one or two. (One that is skipped is passed at the transition.)
fn moments(zone: &TimeZone, shown: DateTime) -> Vec<Time> {
    let offsets = match zone.to_ambiguous_timestamp(shown).offset() {
        AmbiguousOffset::Unambiguous { offset } => vec![offset],
        AmbiguousOffset::Gap { .. } => vec![],
        AmbiguousOffset::Fold { before, after } => vec![before, after],
    };
    offsets.into_iter().filter_map(|offset| offset.to_timestamp(shown).ok()).map(|at: Timestamp| Time(at.as_millisecond())).collect()
}

fn at_minute(date: Date, minute: i32) -> DateTime {
    date.at((minute / 60) as i8, (minute % 60) as i8, 0, 0)
}

fn minute_of_week(shown: DateTime) -> i32 {
    weekday(shown.weekday()) * DAY + i32::from(shown.hour()) * 60 + i32::from(shown.minute())
}

fn weekday(day: Weekday) -> i32 {
    i32::from(day.to_monday_zero_offset())
}

/// Reads `Mon-Fri 09:00-16:30`, `Fri 16:00 - Mon 08:00`, `Sat, Sun`, `daily 22:00-06:00`, or `2026-12-20 - 2027-01-04 08:00`: dates
/// and times on the clocks of `zone`, a date alone being its beginning. Err: what was expected.
pub fn parse(text: &str, zone: &TimeZone) -> Result<When, String> {
    let text = text.trim();
    match text.split_once(" - ") {
        Some((from, until)) if text.starts_with(|c: char| c.is_ascii_digit()) => dates(from.trim(), until.trim(), zone),
        Some((from, until)) => Ok(weekly(vec![between(point(from.trim())?, point(until.trim())?, text)?])),
        None => days_and_times(text),
    }
}

fn dates(from: &str, until: &str, zone: &TimeZone) -> Result<When, String> {
    let (start, end) = (moment(from, zone)?, moment(until, zone)?);
    if start >= end {
        return Err(format!("`{until}` is not after `{from}`: expected an end after the beginning"));
    }
    Ok(When::Dates { from: start, until: end })
}

/// A time that the zone skips is as much later, one that comes twice the first (RFC 5545, 3.3.5).
fn moment(text: &str, zone: &TimeZone) -> Result<Time, String> {
    let expected = || format!("`{text}` is not a date: expected 2026-12-20 or 2026-12-20 18:00");
    let (date, time) = text.split_once([' ', 'T']).unwrap_or((text, "00:00"));
    let well_formed = date.len() == 10 && date.bytes().all(|b| b.is_ascii_digit() || b == b'-');
    let date: Date = date.parse().ok().filter(|_| well_formed).ok_or_else(expected)?;
    let minute = clock(time).map_err(|_| expected())?;
    let day = if minute == DAY { date.tomorrow().map_err(|_| expected())? } else { date };
    let at = zone.to_timestamp(at_minute(day, minute % DAY)).map_err(|_| expected())?;
    Ok(Time(at.as_millisecond()))
}

fn days_and_times(text: &str) -> Result<When, String> {
    let text = text.replace(", ", ",");
    let mut parts = text.split_whitespace();
    let days = days(parts.next().unwrap_or_default())?;
    let (from, until) = match parts.next() {
        None => (0, DAY),
        Some(times) => span(times)?,
    };
    if let Some(more) = parts.next() {
        return Err(format!("`{more}` is one word too many: expected days and times, such as Mon-Fri 09:00-16:30"));
    }
    Ok(weekly(days.into_iter().map(|day| (day * DAY + from, day * DAY + until)).collect()))
}

/// `09:00-16:30`; an end that is not after the beginning is on the next day.
fn span(text: &str) -> Result<(i32, i32), String> {
    let expected = || format!("`{text}` are not times: expected HH:MM-HH:MM, such as 09:00-16:30");
    let (from, until) = text.split_once('-').ok_or_else(expected)?;
    let (from, until) = (clock(from)?, clock(until)?);
    if from == until || from == DAY {
        return Err(format!("`{text}` has no length: expected two different times; the whole day is 00:00-24:00"));
    }
    Ok((from, if until <= from { until + DAY } else { until }))
}

/// `Fri 16:00`, in minutes of the week.
fn point(text: &str) -> Result<i32, String> {
    let expected = || format!("`{text}` is not a time of the week: expected a day and a time, such as Fri 16:00");
    let (name, time) = text.split_once(' ').ok_or_else(expected)?;
    Ok(day(name)? * DAY + clock(time.trim())?)
}

fn between(from: i32, until: i32, text: &str) -> Result<(i32, i32), String> {
    if from % WEEK == until % WEEK {
        return Err(format!("`{text}` has no length: expected two different times of the week"));
    }
    Ok((from, if until < from { until + WEEK } else { until }))
}

/// `Mon`, `Mon-Fri`, `Sat,Sun`, `Fri-Mon`, `daily`.
fn days(text: &str) -> Result<Vec<i32>, String> {
    if text == "daily" {
        return Ok((0..7).collect());
    }
    let mut all = Vec::new();
    for part in text.split(',') {
        match part.split_once('-') {
            None => all.push(day(part)?),
            Some((first, last)) => {
                let (first, last) = (day(first)?, day(last)?);
                let length = (last - first).rem_euclid(7);
                all.extend((0..=length).map(|n| (first + n) % 7));
            }
        }
    }
    Ok(all)
}

fn day(name: &str) -> Result<i32, String> {
    let names = ["Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun"];
    let known = names.iter().position(|known| known.eq_ignore_ascii_case(name));
    known.map(|at| at as i32).ok_or_else(|| format!("`{name}` is not a day: expected Mon, Tue, Wed, Thu, Fri, Sat, Sun or daily"))
}

/// Minutes of the day, from 00:00 to 24:00.
fn clock(text: &str) -> Result<i32, String> {
    let two = |part: &str| Some(part).filter(|part| part.len() == 2 && part.bytes().all(|b| b.is_ascii_digit()))?.parse::<i32>().ok();
    let parsed = text.split_once(':').and_then(|(hours, minutes)| Some(two(hours)? * 60 + two(minutes).filter(|m| *m < 60)?));
    parsed.filter(|minute| *minute <= DAY).ok_or_else(|| format!("`{text}` is not a time: expected HH:MM from 00:00 to 24:00"))
}

/// What reaches over the end of the week is cut there; what touches is one.
fn weekly(ranges: Vec<(i32, i32)>) -> When {
    let mut cut: Vec<(i32, i32)> = Vec::new();
    for (from, until) in ranges {
        let length = until - from;
        let from = from % WEEK;
        let until = from + length;
        cut.push((from, until.min(WEEK)));
        if until > WEEK {
            cut.push((0, until - WEEK));
        }
    }
    cut.sort_unstable();
    let mut merged: Vec<(i32, i32)> = Vec::new();
    for (from, until) in cut {
        match merged.last_mut() {
            Some((_, end)) if from <= *end => *end = until.max(*end),
            _ => merged.push((from, until)),
        }
    }
    When::Weekly(merged)
}
