//! Cases worked out by hand.

use super::support::{at, held, rotation, seed, version, zone};
use domain::Time;
use domain::oncall::Every;

#[test]
fn the_seeds_table_week_by_week() {
    let seed = seed();
    let table = [
        ("2025-11-17T08:00:00Z", ["devops", "backend", "platform"]),
        ("2025-11-24T08:00:00Z", ["backend", "platform", "devops"]),
        ("2025-12-01T08:00:00Z", ["platform", "devops", "backend"]),
        ("2025-12-08T08:00:00Z", ["devops", "backend", "platform"]),
        // Before the anchor, and a year after it.
        ("2025-11-17T07:59:59Z", ["platform", "devops", "backend"]),
        ("2025-11-10T08:00:00Z", ["platform", "devops", "backend"]),
        ("2025-11-10T07:59:59Z", ["backend", "platform", "devops"]),
        ("2026-11-24T09:42:00Z", ["platform", "devops", "backend"]),
        // Christmas night: shift 57 begins on 21 December.
        ("2026-12-25T03:00:00Z", ["devops", "backend", "platform"]),
    ];
    for (t, expected) in table {
        assert_eq!(held(&seed.shift_at(at(t))), expected, "{t}");
    }
}

/// Zone, anchor, period, the moment, and the shift around it.
#[test]
fn hard_handoffs() {
    let table = [
        // Clocks go forward: the shift of that week has an hour less; handoffs stay at nine.
        ("Europe/Berlin", "2025-11-17T09:00", "1w", "2026-03-29T12:00:00Z", "2026-03-23T08:00:00Z", "2026-03-30T07:00:00Z"),
        // Back: an hour more.
        ("Europe/Berlin", "2025-11-17T09:00", "1w", "2026-10-25T12:00:00Z", "2026-10-19T07:00:00Z", "2026-10-26T08:00:00Z"),
        // In a gap (02:30 is not there): an hour later, by the clocks half past three.
        ("Europe/Berlin", "2026-01-01T02:30", "1d", "2026-03-29T01:30:00Z", "2026-03-29T01:30:00Z", "2026-03-30T00:30:00Z"),
        ("Europe/Berlin", "2026-01-01T02:30", "1d", "2026-03-29T01:29:59Z", "2026-03-28T01:30:00Z", "2026-03-29T01:30:00Z"),
        // In a fold (02:30 is there twice): the first.
        ("Europe/Berlin", "2026-01-01T02:30", "1d", "2026-10-25T00:30:00Z", "2026-10-25T00:30:00Z", "2026-10-26T01:30:00Z"),
        ("Europe/Berlin", "2026-01-01T02:30", "1d", "2026-10-25T01:30:00Z", "2026-10-25T00:30:00Z", "2026-10-26T01:30:00Z"),
        // A midnight that does not exist (Beirut goes forward at midnight).
        ("Asia/Beirut", "2025-01-01T00:00", "1d", "2025-03-30T03:00:00Z", "2025-03-29T22:00:00Z", "2025-03-30T21:00:00Z"),
        ("America/Sao_Paulo", "2018-01-01T00:00", "1d", "2018-11-04T03:00:00Z", "2018-11-04T03:00:00Z", "2018-11-05T02:00:00Z"),
        // Samoa skipped 30 December 2011: its shift has no length, and the one of the 31st begins with it.
        ("Pacific/Apia", "2011-12-01T09:00", "1d", "2011-12-30T18:59:59Z", "2011-12-29T19:00:00Z", "2011-12-30T19:00:00Z"),
        ("Pacific/Apia", "2011-12-01T09:00", "1d", "2011-12-30T19:00:00Z", "2011-12-30T19:00:00Z", "2011-12-31T19:00:00Z"),
        // Year ends of 53 weeks (2020, 2026) are weeks like others.
        ("Europe/Berlin", "2025-11-17T09:00", "1w", "2021-01-01T00:00:00Z", "2020-12-28T08:00:00Z", "2021-01-04T08:00:00Z"),
        ("Europe/Berlin", "2025-11-17T09:00", "1w", "2027-01-01T00:00:00Z", "2026-12-28T08:00:00Z", "2027-01-04T08:00:00Z"),
        // 29 February.
        ("Europe/Berlin", "2024-02-29T09:00", "1d", "2024-02-29T08:00:00Z", "2024-02-29T08:00:00Z", "2024-03-01T08:00:00Z"),
        ("Europe/Berlin", "2024-02-29T09:00", "12mo", "2025-06-01T00:00:00Z", "2025-02-28T08:00:00Z", "2026-02-28T08:00:00Z"),
        ("Europe/Berlin", "2024-02-29T09:00", "12mo", "2028-02-29T08:00:00Z", "2028-02-29T08:00:00Z", "2029-02-28T08:00:00Z"),
        // The 31st: clamped to each month, and back to the 31st.
        ("Europe/Berlin", "2026-01-31T09:00", "1mo", "2026-03-01T00:00:00Z", "2026-02-28T08:00:00Z", "2026-03-31T07:00:00Z"),
        ("Europe/Berlin", "2026-01-31T09:00", "1mo", "2026-04-30T07:00:00Z", "2026-04-30T07:00:00Z", "2026-05-31T07:00:00Z"),
        ("Europe/Berlin", "2026-01-31T09:00", "1mo", "2025-12-31T08:00:00Z", "2025-12-31T08:00:00Z", "2026-01-31T08:00:00Z"),
        ("Europe/Berlin", "2026-01-31T09:00", "3mo", "2026-01-31T07:59:59Z", "2025-10-31T08:00:00Z", "2026-01-31T08:00:00Z"),
        // Lord Howe moves its clocks by half an hour: 02:15 is not there on 4 October 2026, and becomes 02:45.
        ("Australia/Lord_Howe", "2026-01-01T02:15", "1d", "2026-10-03T15:45:00Z", "2026-10-03T15:45:00Z", "2026-10-04T15:15:00Z"),
        // Kathmandu is 5:45 ahead.
        ("Asia/Kathmandu", "2026-01-05T09:00", "1w", "2026-01-05T03:15:00Z", "2026-01-05T03:15:00Z", "2026-01-12T03:15:00Z"),
        // Exactly at a boundary, and one millisecond before.
        ("Europe/Berlin", "2025-11-17T09:00", "1w", "2026-11-30T08:00:00Z", "2026-11-30T08:00:00Z", "2026-12-07T08:00:00Z"),
        ("Europe/Berlin", "2025-11-17T09:00", "1w", "2026-11-30T07:59:59.999Z", "2026-11-23T08:00:00Z", "2026-11-30T08:00:00Z"),
        // Every other week, also before the anchor.
        ("Europe/Berlin", "2025-11-17T09:00", "2w", "2025-11-16T00:00:00Z", "2025-11-03T08:00:00Z", "2025-11-17T08:00:00Z"),
        // Long ago and far ahead.
        ("Europe/Berlin", "2025-11-17T09:00", "1w", "1990-07-04T12:00:00Z", "1990-07-02T07:00:00Z", "1990-07-09T07:00:00Z"),
        ("America/New_York", "2025-11-17T09:00", "1w", "2040-07-04T12:00:00Z", "2040-07-02T13:00:00Z", "2040-07-09T13:00:00Z"),
        ("America/New_York", "2025-11-17T09:00", "1mo", "1990-01-01T00:00:00Z", "1989-12-17T14:00:00Z", "1990-01-17T14:00:00Z"),
    ];
    for (zone, anchor, every, t, starts, ends) in table {
        let shift = rotation(vec![version(zone, anchor, every, 3)]).shift_at(at(t));
        let got = (shift.starts.to_string(), shift.ends.to_string());
        assert_eq!(got, (starts.to_owned(), ends.to_owned()), "{zone} {anchor} {every} at {t}");
    }
}

#[test]
fn a_skipped_days_shift_is_nobodys() {
    let daily = version("Pacific/Apia", "2011-12-29T09:00", "1d", 3);
    assert_eq!(daily.boundary(1), daily.boundary(2), "30 December is not there");
    let rotation = rotation(vec![daily]);
    let shifts = super::support::line(&rotation).shifts(at("2011-12-29T00:00:00Z"), at("2012-01-01T00:00:00Z"));
    let primaries: Vec<&str> = shifts.iter().map(|shift| held(shift)[0]).collect();
    assert_eq!(primaries, ["platform", "devops", "platform", "devops"], "backend's day did not happen");
}

#[test]
fn with_fewer_people_than_roles_the_last_roles_are_gaps() {
    let pair = rotation(vec![version("UTC", "2026-01-05T09:00", "1w", 2)]);
    assert_eq!(held(&pair.shift_at(at("2026-01-05T09:00:00Z"))), ["devops", "backend", "-"]);
    assert_eq!(held(&pair.shift_at(at("2026-01-12T09:00:00Z"))), ["backend", "devops", "-"]);
}

#[test]
fn a_version_takes_over_at_the_next_handoff_and_the_first_holds_before_it() {
    let first = version("Europe/Berlin", "2025-11-17T09:00", "1w", 3);
    let mut second = version("America/New_York", "2026-01-07T10:00", "2w", 2);
    second.effective_from = Some(at("2026-12-03T00:00:00Z"));
    let edited = rotation(vec![first.clone(), second]);
    let as_before = edited.shift_at(at("2026-12-05T00:00:00Z"));
    assert_eq!((as_before.ends, held(&as_before)[0]), (at("2026-12-07T08:00:00Z"), "devops"), "a Thursday's edit waits for Monday");
    let after = edited.shift_at(at("2026-12-07T08:00:00Z"));
    // Shift 23 of the new version began on 25 November at ten in New York; it is taken up where the old one ended.
    assert_eq!((after.starts, after.ends), (at("2026-12-07T08:00:00Z"), at("2026-12-09T15:00:00Z")));
    assert_eq!(held(&after), ["backend", "devops", "-"]);
    assert_eq!(edited.shift_at(at("1990-07-04T12:00:00Z")), rotation(vec![first]).shift_at(at("1990-07-04T12:00:00Z")));
}

#[test]
fn at_a_handoff_a_version_takes_over_at_once() {
    let mut second = version("Europe/Berlin", "2025-11-24T09:00", "1w", 3);
    second.effective_from = Some(at("2026-12-07T08:00:00Z"));
    let edited = rotation(vec![version("Europe/Berlin", "2025-11-17T09:00", "1w", 3), second]);
    assert_eq!(held(&edited.shift_at(at("2026-12-07T07:59:59Z")))[0], "devops");
    assert_eq!(held(&edited.shift_at(at("2026-12-07T08:00:00Z")))[0], "devops", "the new order begins a week later");
}

#[test]
fn the_length_of_a_shift_reads() {
    assert_eq!(["1d", "3w", "1mo"].map(Every::parse), [Some(Every::Days(1)), Some(Every::Weeks(3)), Some(Every::Months(1))]);
    for text in ["", "1", "w", "0w", "-1w", "1y", "1.5w", "367d", "99999999999999999999w", "1 w", "1M"] {
        assert_eq!(Every::parse(text), None, "{text}");
    }
}

#[test]
fn the_edges_of_all_time_have_an_answer() {
    let seed = seed();
    for t in [i64::MIN, i64::MIN + 1, -400_000_000_000_000, 300_000_000_000_000, i64::MAX - 1] {
        let shift = seed.shift_at(Time(t));
        assert!(shift.starts <= Time(t) && Time(t) < shift.ends, "{t}");
    }
}

#[test]
fn a_forms_local_time_is_read_in_its_zone() {
    let berlin = zone("Europe/Berlin");
    assert_eq!(berlin.parse("2026-12-25T03:00"), Some(at("2026-12-25T02:00:00Z")));
    assert_eq!(berlin.parse("2026-12-25T03:00Z"), Some(at("2026-12-25T03:00:00Z")), "an offset says all");
    assert_eq!(berlin.parse("2026-12-25"), Some(at("2026-12-24T23:00:00Z")));
    assert_eq!(berlin.parse("Christmas"), None);
    assert!(!berlin.exists("2026-03-29T02:30".parse().unwrap()));
    assert!(berlin.exists("2026-10-25T02:30".parse().unwrap()), "twice is there");
    assert!(berlin.skips("2026-03-29T02:30") && !berlin.skips("2026-03-29T03:30") && !berlin.skips("2026-10-25T02:30"));
    assert!(!berlin.skips("2026-03-29T02:30Z") && !berlin.skips("Christmas"));
}
