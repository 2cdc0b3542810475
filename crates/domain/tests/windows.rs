//! Windows: every form that is documented, crossing midnight and daylight saving, and the next opening against a scan of every
//! minute.

#![allow(clippy::unwrap_used, clippy::panic)]

use domain::Time;
use domain::changes::windows::{Effect, Shut, Window, first, parse, shut};
use jiff::ToSpan;
use jiff::civil::Date;
use jiff::tz::{TimeZone, TimeZoneDatabase};
use proptest::prelude::*;

fn zone(name: &str) -> TimeZone {
    TimeZoneDatabase::bundled().get(name).unwrap()
}

fn window(effect: Effect, text: &str, zone_name: &str) -> Window {
    let zone = zone(zone_name);
    Window { effect, when: parse(text, &zone).unwrap(), zone, reason: String::new(), text: text.into() }
}

fn allow(text: &str, zone: &str) -> Window {
    window(Effect::Allow, text, zone)
}

fn deny(text: &str, zone: &str) -> Window {
    window(Effect::Deny, text, zone)
}

fn at(text: &str) -> Time {
    Time::parse(text).unwrap()
}

fn opening(windows: &[Window], after: Time) -> Option<Time> {
    first(windows, &[], after, |at| shut(windows, at).is_none())
}

#[test]
fn every_form_is_open_when_it_says() {
    // 2026-11-23 is a Monday.
    let table = [
        (
            "Mon-Fri 09:00-16:30",
            vec![("23T08:59", false), ("23T09:00", true), ("23T16:29", true), ("23T16:30", false), ("28T10:00", false)],
        ),
        ("mon,wed 10:00-11:00", vec![("23T10:00", true), ("24T10:00", false), ("25T10:59", true)]),
        ("Sat, Sun", vec![("27T23:59", false), ("28T00:00", true), ("29T23:59", true), ("30T00:00", false)]),
        ("Fri-Mon 12:00-13:00", vec![("23T12:00", true), ("26T12:00", false), ("27T12:00", true), ("29T12:30", true)]),
        ("daily 22:00-06:00", vec![("23T21:59", false), ("23T22:00", true), ("24T05:59", true), ("24T06:00", false)]),
        ("Sun 23:00-01:00", vec![("29T22:59", false), ("29T23:30", true), ("30T00:59", true), ("30T01:00", false), ("29T00:30", false)]),
        (
            "Fri 16:00 - Mon 08:00",
            vec![("27T15:59", false), ("27T16:00", true), ("29T12:00", true), ("30T07:59", true), ("30T08:00", false)],
        ),
        ("Mon 08:00 - Fri 16:00", vec![("23T07:59", false), ("23T08:00", true), ("27T15:59", true), ("27T16:00", false)]),
        (
            "Sun 24:00 - Tue 24:00",
            vec![("29T23:59", false), ("30T00:00", true), ("23T00:00", true), ("24T23:59", true), ("25T00:00", false)],
        ),
        ("Fri 15:00-24:00", vec![("27T14:59", false), ("27T23:59", true), ("28T00:00", false)]),
        ("2026-11-25 - 2026-11-27", vec![("24T23:59", false), ("25T00:00", true), ("26T23:59", true), ("27T00:00", false)]),
        ("2026-11-25 18:00 - 2026-11-27 24:00", vec![("25T17:59", false), ("25T18:00", true), ("27T23:59", true), ("28T00:00", false)]),
    ];
    for (text, moments) in table {
        for (moment, open) in moments {
            assert_eq!(allow(text, "UTC").is_open(at(&format!("2026-11-{moment}:00Z"))), open, "{text} at {moment}");
        }
    }
}

#[test]
fn deny_wins_and_of_those_that_allow_one_must_be_open() {
    let now = at("2026-11-27T15:30:00Z");
    let (office, friday, night) = (allow("Mon-Fri 09:00-16:30", "UTC"), deny("Fri 15:00-24:00", "UTC"), allow("daily 22:00-06:00", "UTC"));
    assert_eq!(shut(&[], now), None, "no windows: always open");
    assert_eq!(shut(std::slice::from_ref(&office), now), None);
    let both = [office.clone(), friday.clone()];
    assert_eq!(shut(&both, now), Some(Shut::Denied(&both[1])));
    assert_eq!(shut(&[office.clone(), night], now), None, "one is enough");
    assert_eq!(shut(std::slice::from_ref(&office), at("2026-11-28T10:00:00Z")), Some(Shut::NoneAllows));
    assert_eq!(shut(std::slice::from_ref(&friday), at("2026-11-28T10:00:00Z")), None, "what only denies, allows the rest");
    assert_eq!(opening(&both, now), Some(at("2026-11-30T09:00:00Z")));
    assert_eq!(opening(&[office, deny("daily", "UTC")], now), None, "never within a year");
}

#[test]
fn a_skipped_time_never_comes_and_a_repeated_one_comes_twice() {
    let berlin = allow("daily 02:15-02:45", "Europe/Berlin");
    // Clocks go from 02:00 to 03:00 at 2026-03-29T01:00Z.
    let minutes =
        |from: &str, hours: i64| (0..hours * 60).filter(|minute| berlin.is_open(at(from).plus_seconds(minute * 60))).collect::<Vec<_>>();
    assert!(minutes("2026-03-29T00:00:00Z", 6).is_empty());
    assert_eq!(opening(std::slice::from_ref(&berlin), at("2026-03-29T00:00:00Z")), Some(at("2026-03-30T00:15:00Z")));
    // Clocks go from 03:00 to 02:00 at 2026-10-25T01:00Z.
    assert_eq!(minutes("2026-10-25T00:00:00Z", 3), (15..45).chain(75..105).collect::<Vec<_>>());
    assert_eq!(opening(std::slice::from_ref(&berlin), at("2026-10-25T00:45:00Z")), Some(at("2026-10-25T01:15:00Z")));
    // Open over the gap: it opens at the transition, since a clock shows 03:00 then.
    let wide = allow("daily 02:30-05:00", "Europe/Berlin");
    assert_eq!(opening(std::slice::from_ref(&wide), at("2026-03-29T00:00:00Z")), Some(at("2026-03-29T01:00:00Z")));
}

#[test]
fn a_date_that_a_zone_skips_or_repeats_is_defined() {
    let skipped = deny("2026-03-29 02:30 - 2026-03-29 04:00", "Europe/Berlin");
    assert!(!skipped.is_open(at("2026-03-29T01:29:59Z")) && skipped.is_open(at("2026-03-29T01:30:00Z")), "an hour later, 03:30");
    let repeated = deny("2026-10-25 02:30 - 2026-10-25 04:00", "Europe/Berlin");
    assert!(!repeated.is_open(at("2026-10-25T00:29:59Z")) && repeated.is_open(at("2026-10-25T00:30:00Z")), "the first one");
}

#[test]
fn an_opening_far_ahead_is_found_and_one_beyond_a_year_is_not() {
    let closed = deny("2026-11-01 - 2027-10-01", "UTC");
    assert_eq!(opening(std::slice::from_ref(&closed), at("2026-11-20T00:00:00Z")), Some(at("2027-10-01T00:00:00Z")));
    let long = deny("2026-11-01 - 2028-10-01", "UTC");
    assert_eq!(opening(std::slice::from_ref(&long), at("2026-11-20T00:00:00Z")), None);
}

/// Zones whose clocks change by an hour, by half an hour, by two, at midnight, backwards, not at all; and one that skipped a day.
const ZONES: [(&str, i64); 14] = [
    ("Europe/Berlin", 2026),
    ("America/New_York", 2026),
    ("Australia/Lord_Howe", 2026),
    ("America/St_Johns", 2010),
    ("Asia/Kathmandu", 2026),
    ("Pacific/Apia", 2011),
    ("Africa/Casablanca", 2026),
    ("America/Sao_Paulo", 2018),
    ("Europe/Dublin", 2026),
    ("Atlantic/Azores", 2026),
    ("Africa/Cairo", 2026),
    ("Asia/Beirut", 2026),
    ("Antarctica/Troll", 2026),
    ("Asia/Tehran", 2021),
];

/// A window as people mean it, apart from how it is read and kept.
#[derive(Clone, Debug)]
struct Meant {
    allow: bool,
    when: When,
    zone: usize,
}

/// Minutes are of the day, but in a span of the week of the week; a date is so many days from the one that the scan is around.
#[derive(Clone, Debug)]
enum When {
    Days { days: Vec<bool>, from: i64, until: i64 },
    Week { from: i64, until: i64 },
    Dates { day: i64, minute: i64, days: i64, until: i64 },
}

const NAMES: [&str; 7] = ["Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun"];

fn clock(minute: i64) -> String {
    format!("{:02}:{:02}", minute / 60, minute % 60)
}

/// The same with an actual date: `around` is the day of the scan.
#[derive(Clone, Debug)]
struct Dated {
    meant: Meant,
    zone: TimeZone,
    around: Date,
}

impl Dated {
    fn text(&self) -> String {
        let of_week = |minute: i64| format!("{} {}", NAMES[(minute / 1440) as usize], clock(minute % 1440));
        match &self.meant.when {
            When::Days { days, from, until } => {
                let days: Vec<_> = (0..7).filter(|day| days[*day]).map(|day| NAMES[day]).collect();
                format!("{} {}-{}", days.join(","), clock(*from), clock(*until))
            }
            When::Week { from, until } => format!("{} - {}", of_week(*from), of_week(*until)),
            When::Dates { day, minute, days, until } => {
                let date = |days: i64| self.around.saturating_add(days.days());
                format!("{} {} - {} {}", date(*day), clock(*minute), date(*day + *days), clock(*until))
            }
        }
    }

    fn window(&self) -> Window {
        window(if self.meant.allow { Effect::Allow } else { Effect::Deny }, &self.text(), ZONES[self.meant.zone].0)
    }

    /// What a clock on the wall there says; of a date, its moment there.
    fn shows(&self, at: Time) -> bool {
        let shown = self.zone.to_datetime(at.timestamp());
        let minute = i64::from(shown.hour()) * 60 + i64::from(shown.minute());
        let weekday = i64::from(shown.weekday().to_monday_zero_offset());
        match &self.meant.when {
            When::Days { days, from, until } => {
                let (today, yesterday) = (days[weekday as usize], days[(weekday + 6) as usize % 7]);
                if from < until {
                    today && (*from..*until).contains(&minute)
                } else {
                    today && minute >= *from || yesterday && minute < *until
                }
            }
            When::Week { from, until } => {
                let now = weekday * 1440 + minute;
                if from < until { (*from..*until).contains(&now) } else { now >= *from || now < *until }
            }
            When::Dates { day, minute, days, until } => {
                let moment = |days: i64, minute: i64| {
                    let date = self.around.saturating_add(days.days());
                    let clock = date.at((minute / 60) as i8, (minute % 60) as i8, 0, 0);
                    self.zone.to_ambiguous_timestamp(clock).compatible().unwrap()
                };
                (moment(*day, *minute)..moment(*day + *days, *until)).contains(&at.timestamp())
            }
        }
    }
}

fn open(meant: &[Dated], at: Time) -> bool {
    let denied = meant.iter().any(|window| !window.meant.allow && window.shows(at));
    let mut allowing = meant.iter().filter(|window| window.meant.allow).peekable();
    !denied && (allowing.peek().is_none() || allowing.any(|window| window.shows(at)))
}

fn any_when() -> impl Strategy<Value = When> {
    let times = (0..1440i64, 1..1440i64).prop_filter("it has a length", |(from, until)| from != until);
    let days = prop::collection::vec(any::<bool>(), 7).prop_filter("it has a day", |days| days.contains(&true));
    let week = (0..7 * 1440i64, 0..7 * 1440i64).prop_filter("it has a length", |(from, until)| from != until);
    prop_oneof![
        3 => (days, times).prop_map(|(days, (from, until))| When::Days { days, from, until }),
        2 => week.prop_map(|(from, until)| When::Week { from, until }),
        2 => (-2..6i64, 0..1440i64, 1..5i64, 0..1440i64).prop_map(|(day, minute, days, until)| When::Dates { day, minute, days, until }),
    ]
}

fn any_window() -> impl Strategy<Value = Meant> {
    (any::<bool>(), any_when(), 0..ZONES.len()).prop_map(|(allow, when, zone)| Meant { allow, when, zone })
}

/// So many minutes are looked at: more than a week.
const SCAN: i64 = 8 * 1440;

proptest! {
    #![proptest_config(ProptestConfig { cases: 300, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn the_next_turn_equals_a_scan_of_every_minute(
        meant in prop::collection::vec(any_window(), 1..4),
        change in 0..6usize,
        before in -200..4 * 1440i64,
        second in 0..60i64,
    ) {
        // Around a change of the clocks in the first window's zone, where it has any.
        let (name, year) = ZONES[meant[0].zone];
        let start = at(&format!("{year}-01-01T00:00:00Z"));
        let changes: Vec<_> = zone(name).following(start.timestamp()).take(change + 1).map(|c| Time(c.timestamp().as_millisecond())).collect();
        let now = changes.last().copied().unwrap_or(start).plus_seconds(-before * 60 + second);
        let dated = |meant: &Meant| {
            let zone = zone(ZONES[meant.zone].0);
            Dated { around: zone.to_datetime(now.timestamp()).date(), zone, meant: meant.clone() }
        };
        let meant: Vec<Dated> = meant.iter().map(dated).collect();
        let windows: Vec<_> = meant.iter().map(Dated::window).collect();
        prop_assert_eq!(shut(&windows, now).is_none(), open(&meant, now), "now");
        let minute = Time(now.0.div_euclid(60_000) * 60_000);
        let state = open(&meant, now);
        let scanned = (1..SCAN).map(|n| minute.plus_seconds(n * 60)).find(|at| open(&meant, *at) != state);
        let found = first(&windows, &[], now, |at| shut(&windows, at).is_none() != state);
        match scanned {
            Some(at) => prop_assert_eq!(found, Some(at)),
            None => prop_assert!(found.is_none_or(|at| at >= minute.plus_seconds(SCAN * 60)), "{found:?}"),
        }
    }
}

#[test]
fn what_is_not_a_window_says_what_was_expected() {
    for (text, expected) in [
        ("", "`` is not a day"),
        ("Mon-", "`` is not a day"),
        ("Mon-Fri 09:00-09:00", "has no length"),
        ("Mon 24:00-01:00", "has no length"),
        ("Mon 9-17", "`9` is not a time"),
        ("2026-12-20", "is not a day"),
        ("2026-12-20 - Mon 08:00", "`Mon 08:00` is not a date"),
        ("20261220 - 20270104", "is not a date"),
        ("Mon 08:00 - 2027-01-04", "is not a time of the week"),
    ] {
        let what = parse(text, &TimeZone::UTC).unwrap_err();
        assert!(what.contains(expected), "{text}: {what}");
    }
}
