//! A time zone by its IANA name, with its rules. Local times become moments in one way everywhere.
//!
//! Invariant: the rules come in from outside ([`Zone::find`] on the server, [`Zone::of_tzif`] in a browser), so that the same
//! question has the same answer in both. A local time in a gap moves forward by the gap, in a fold the first one counts
//! (RFC 5545, section 3.3.5).

use crate::Time;
use jiff::Timestamp;
use jiff::civil::{Date, DateTime};
use jiff::tz::{TimeZone, TimeZoneDatabase};

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Zone {
    name: String,
    rules: TimeZone,
}

impl Zone {
    /// None: the database does not know the name.
    pub fn find(name: &str, zones: &TimeZoneDatabase) -> Option<Zone> {
        let rules = zones.get(name).ok()?;
        let name = rules.iana_name()?.to_owned();
        Some(Zone { name, rules })
    }

    /// From the bytes of a TZif file (RFC 9636). None: they are not one.
    pub fn of_tzif(name: &str, tzif: &[u8]) -> Option<Zone> {
        Some(Zone { name: name.to_owned(), rules: TimeZone::tzif(name, tzif).ok()? })
    }

    pub fn utc() -> Zone {
        Zone { name: "UTC".to_owned(), rules: TimeZone::UTC }
    }

    pub fn name(&self) -> &str {
        &self.name
    }

    /// What the clocks show. A moment beyond the years that can be written (-9999 to 9999) is as the last one that can.
    pub fn local(&self, t: Time) -> DateTime {
        let millisecond = t.0.clamp(Timestamp::MIN.as_millisecond() + 1, Timestamp::MAX.as_millisecond());
        let at = Timestamp::from_millisecond(millisecond).unwrap_or(Timestamp::UNIX_EPOCH);
        self.rules.to_datetime(at)
    }

    /// When the clocks show it. Beyond the years that can be written: the beginning or the end of all time.
    pub fn resolve(&self, local: DateTime) -> Time {
        match self.rules.to_ambiguous_zoned(local).compatible() {
            Ok(zoned) => Time(zoned.timestamp().as_millisecond()),
            Err(_) if local.year() < 0 => Time(i64::MIN),
            Err(_) => Time(i64::MAX),
        }
    }

    /// Midnight of a date; where there is none, the first moment after it.
    pub fn midnight(&self, date: Date) -> Time {
        self.resolve(date.to_datetime(jiff::civil::Time::midnight()))
    }

    /// False: clocks jump over this local time.
    pub fn exists(&self, local: DateTime) -> bool {
        !matches!(self.rules.to_ambiguous_timestamp(local).offset(), jiff::tz::AmbiguousOffset::Gap { .. })
    }

    /// True: clocks jump over the local time that this is.
    pub fn skips(&self, text: &str) -> bool {
        Time::parse(text).is_none() && text.parse().is_ok_and(|local| !self.exists(local))
    }

    /// The moment that a form's `2026-12-25T03:00` means here, or one with its own offset. None: it does not read as either.
    pub fn parse(&self, text: &str) -> Option<Time> {
        Time::parse(text).or_else(|| {
            let local: DateTime = text.parse().ok()?;
            Some(self.resolve(local))
        })
    }

    /// `Fri 27 Nov 18:00`
    pub fn words(&self, t: Time) -> String {
        self.local(t).strftime("%a %-d %b %H:%M").to_string()
    }

    /// `Fri 27 Nov 2026, 18:00`
    pub fn full_words(&self, t: Time) -> String {
        self.local(t).strftime("%a %-d %b %Y, %H:%M").to_string()
    }
}

/// So many weeks, by the calendar.
pub fn weeks(count: i64) -> jiff::Span {
    jiff::Span::new().try_weeks(count).unwrap_or_default()
}
