//! Moments and spans. A moment is epoch milliseconds in UTC; on the wire it is RFC 3339 with whole seconds.

use serde::{Deserialize, Deserializer, Serialize, Serializer, de::Error as _};
use std::fmt;

/// A moment in UTC, epoch milliseconds.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub struct Time(pub i64);

impl Time {
    /// Whole seconds only: what goes over the wire must come back equal.
    pub fn whole_seconds(self) -> Time {
        Time(self.0.div_euclid(1000) * 1000)
    }

    pub fn plus_seconds(self, seconds: i64) -> Time {
        Time(self.0.saturating_add(seconds.saturating_mul(1000)))
    }

    /// Seconds from `earlier` to here; negative when `earlier` is later.
    pub fn seconds_since(self, earlier: Time) -> i64 {
        (self.0 - earlier.0).div_euclid(1000)
    }

    /// Reads RFC 3339, as Kubernetes and the API write it.
    pub fn parse(text: &str) -> Option<Time> {
        text.parse::<jiff::Timestamp>().ok().map(|t| Time(t.as_millisecond()))
    }

    pub fn timestamp(self) -> jiff::Timestamp {
        jiff::Timestamp::from_millisecond(self.0).unwrap_or(jiff::Timestamp::UNIX_EPOCH)
    }

    /// `23 Nov 2026, 10:31 UTC`, for titles and for people.
    pub fn for_people(self) -> String {
        self.timestamp().strftime("%-d %b %Y, %H:%M:%S UTC").to_string()
    }

    /// Reads `2026-11-30T08:00`, as a form's field for a moment sends it, on the clocks of a zone. (What the zone skips is as much
    /// later, what comes twice is the first.)
    pub fn parse_local(text: &str, zone: &jiff::tz::TimeZone) -> Option<Time> {
        let shown: jiff::civil::DateTime = text.parse().ok()?;
        zone.to_timestamp(shown).ok().map(|at| Time(at.as_millisecond()))
    }

    /// `Mon 30 Nov 2026 08:00 Europe/Berlin`: as the clocks of a zone show it.
    pub fn in_zone(self, zone: &jiff::tz::TimeZone) -> String {
        let shown = self.timestamp().to_zoned(zone.clone()).strftime("%a %-d %b %Y %H:%M").to_string();
        format!("{shown} {}", zone.iana_name().unwrap_or("UTC"))
    }
}

impl fmt::Display for Time {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.whole_seconds().timestamp())
    }
}

impl Serialize for Time {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for Time {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Time, D::Error> {
        let text = String::deserialize(deserializer)?;
        Time::parse(&text).ok_or_else(|| D::Error::custom(format!("`{text}` is not an RFC 3339 time, such as 2026-11-22T09:30:00Z")))
    }
}

/// `12 s`, `3 min 04 s`, `2 h`, `3 days`: how long something took or how old it is, in the words of the pages.
pub fn span(seconds: i64) -> String {
    let s = seconds.max(0);
    match s {
        0..60 => format!("{s} s"),
        60..600 => format!("{} min {:02} s", s / 60, s % 60),
        600..3600 => format!("{} min", s / 60),
        3600..172_800 => format!("{} h", s / 3600),
        _ => format!("{} d", s / 86_400),
    }
}

/// Like [`span`], to the largest unit only: an age in a table.
pub fn age(seconds: i64) -> String {
    match seconds.max(0) {
        s @ 0..60 => format!("{s} s"),
        s @ 60..3600 => format!("{} min", s / 60),
        s @ 3600..172_800 => format!("{} h", s / 3600),
        s => format!("{} d", s / 86_400),
    }
}

/// Reads `90s`, `15m`, `24h`, `7d`, `2w` as whole seconds.
pub fn parse_duration(text: &str) -> Option<i64> {
    let unit_at = text.find(|c: char| !c.is_ascii_digit())?;
    let (number, unit) = text.split_at(unit_at);
    let factor = match unit {
        "s" => 1,
        "m" => 60,
        "h" => 3600,
        "d" => 86_400,
        "w" => 604_800,
        _ => return None,
    };
    number.parse::<i64>().ok()?.checked_mul(factor)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_time_goes_over_the_wire_and_comes_back() {
        let time = Time::parse("2026-11-22T09:30:00Z").unwrap();
        assert_eq!(serde_json::to_string(&time).unwrap(), "\"2026-11-22T09:30:00Z\"");
        assert_eq!(Time::parse("2026-11-22T10:30:00.250+01:00").unwrap().to_string(), "2026-11-22T09:30:00Z");
        assert_eq!(Time::parse("yesterday"), None);
        let zone = jiff::tz::TimeZone::fixed(jiff::tz::offset(1));
        assert_eq!(Time::parse_local("2026-11-22T10:30", &zone), Time::parse("2026-11-22T09:30:00Z"));
        assert_eq!(Time::parse_local("10:30", &zone), None);
    }

    #[test]
    fn durations_are_a_number_and_a_unit() {
        for (text, seconds) in [("90s", 90), ("15m", 900), ("24h", 86_400), ("7d", 604_800), ("1w", 604_800)] {
            assert_eq!(parse_duration(text), Some(seconds), "{text}");
        }
        for text in ["", "h", "15", "1.5h", "15 m", "-3s", "99999999999999999999s", "3y"] {
            assert_eq!(parse_duration(text), None, "{text}");
        }
    }

    #[test]
    fn spans_read_as_people_say_them() {
        assert_eq!(span(12), "12 s");
        assert_eq!(span(184), "3 min 04 s");
        assert_eq!(span(7200), "2 h");
        assert_eq!(age(3599), "59 min");
        assert_eq!(age(3 * 86_400), "3 d");
        assert_eq!(age(-5), "0 s");
    }
}
