//! How soon a problem must be answered: the matrix, business calendars, timers.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use domain::Time;
use domain::catalog::{Catalog, read};
use domain::incidents::{Mark, Timer, Timing};

const CONFIG: &str = r#"organisation: DevMatrix
teams:
  - {name: devops, members: [olivia], calendar: office}
  - {name: support, members: [sam], calendar: shop}
  - {name: backend, members: [bea]}
calendars:
  - {name: office, zone: Europe/Berlin, hours: "09:00-17:00", weekdays: [mon, tue, wed, thu, fri], holidays: [2026-12-25, 2027-01-01]}
  - {name: shop, zone: America/New_York, hours: "10:00-18:30", weekdays: [tue, sat], holidays: []}
severities:
  - {level: P0, title: Critical, response: 15m, example: complete system outage}
  - {level: P1, title: High, response: 1h}
  - {level: P2, title: Medium, response: 4h}
  - {level: P3, title: Low, response: {next_business_day: office}}
"#;

fn at(text: &str) -> Time {
    Time::parse(text).unwrap_or_else(|| panic!("{text}"))
}

fn catalog() -> Catalog {
    read(CONFIG).unwrap().catalog
}

#[test]
fn due_times_worked_out_by_hand() {
    let catalog = catalog();
    let table = [
        ("P0", "2026-12-24T23:50:00Z", None, "2026-12-25T00:05:00Z"),
        // Elapsed time: clocks that change do not matter.
        ("P2", "2026-03-29T00:30:00Z", None, "2026-03-29T04:30:00Z"),
        ("P2", "2026-10-24T23:30:00Z", Some("support"), "2026-10-25T03:30:00Z"),
        ("P1", "2028-02-28T23:30:00Z", Some("devops"), "2028-02-29T00:30:00Z"),
        // A weekday: the next one, at five in Berlin.
        ("P3", "2026-12-23T15:40:00Z", Some("devops"), "2026-12-24T16:00:00Z"),
        // Before work begins: still the day after.
        ("P3", "2026-12-23T05:00:00Z", Some("devops"), "2026-12-24T16:00:00Z"),
        // Over Christmas Day and the weekend.
        ("P3", "2026-12-24T10:00:00Z", Some("devops"), "2026-12-28T16:00:00Z"),
        // On a Friday night, which in Berlin is Saturday already.
        ("P3", "2026-11-27T23:30:00Z", Some("devops"), "2026-11-30T16:00:00Z"),
        ("P3", "2026-11-26T23:30:00Z", Some("devops"), "2026-11-30T16:00:00Z"),
        ("P3", "2026-11-26T22:30:00Z", Some("devops"), "2026-11-27T16:00:00Z"),
        // Daylight saving begins over the weekend.
        ("P3", "2026-03-27T12:00:00Z", Some("devops"), "2026-03-30T15:00:00Z"),
        // Another team's calendar: Tuesdays and Saturdays in New York.
        ("P3", "2026-11-24T12:00:00Z", Some("support"), "2026-11-28T23:30:00Z"),
        ("P3", "2026-11-24T04:30:00Z", Some("support"), "2026-11-24T23:30:00Z"),
        // A team without a calendar, and no team: the level's own.
        ("P3", "2026-12-23T15:40:00Z", Some("backend"), "2026-12-24T16:00:00Z"),
        ("P3", "2026-12-31T10:00:00Z", None, "2027-01-04T16:00:00Z"),
    ];
    for (level, opened, team, expected) in table {
        let due = catalog.due(catalog.severity(level).unwrap(), at(opened), team);
        assert_eq!(due.at.to_string(), expected, "{level} {opened} {team:?}");
        assert_eq!(due.calendar_version.is_some(), level == "P3");
    }
}

#[test]
fn a_calendars_version_changes_with_what_matters() {
    let before = catalog().calendars[0].version();
    assert_eq!(before, catalog().calendars[0].version());
    for (from, to) in [("2026-12-25, ", ""), ("17:00", "16:00"), ("Europe/Berlin", "Europe/Paris"), ("thu, fri]", "thu]")] {
        let edited = read(&CONFIG.replacen(from, to, 1)).unwrap().catalog;
        assert_ne!(edited.calendars[0].version(), before, "{from}");
    }
}

#[test]
fn the_response_is_said_in_words() {
    let words: Vec<_> = catalog().severities.iter().map(|level| level.response.words()).collect();
    assert_eq!(words, ["15 minutes", "1 hour", "4 hours", "next business day"]);
}

#[test]
fn marks_come_in_order_and_end_with_the_answer() {
    let timer = Timer { opened: at("2026-11-24T10:00:00Z"), due: at("2026-11-24T11:00:00Z"), answered: None };
    let table: [(&str, &[Mark]); 7] = [
        ("2026-11-24T10:29:59Z", &[]),
        ("2026-11-24T10:30:00Z", &[Mark::Half]),
        ("2026-11-24T10:47:59Z", &[Mark::Half]),
        ("2026-11-24T10:48:00Z", &[Mark::Half, Mark::EightyPercent]),
        ("2026-11-24T11:00:00Z", &[Mark::Half, Mark::EightyPercent]),
        ("2026-11-24T11:00:01Z", &[Mark::Half, Mark::EightyPercent, Mark::Breach]),
        ("2026-12-24T11:00:01Z", &[Mark::Half, Mark::EightyPercent, Mark::Breach]),
    ];
    for (now, expected) in table {
        assert_eq!(timer.reached(at(now)), expected, "{now}");
    }
    let answered = Timer { answered: Some(at("2026-11-24T10:40:00Z")), ..timer };
    assert_eq!(answered.reached(at("2026-12-01T00:00:00Z")), [Mark::Half]);
    assert_eq!(answered.timing(at("2026-12-01T00:00:00Z")), Timing::Met { after_s: 2400 });
    assert_eq!(timer.timing(at("2026-11-24T10:15:00Z")), Timing::Running { left_s: 2700, percent: 25 });
    assert_eq!(timer.timing(timer.due), Timing::Running { left_s: 0, percent: 100 });
    assert_eq!(
        Timer { answered: Some(timer.due), ..timer }.timing(timer.due),
        Timing::Met { after_s: 3600 },
        "at the very moment is in time"
    );
    assert_eq!(timer.timing(at("2026-11-24T11:05:00Z")), Timing::Breached { late_s: 300 });
}
