//! Overrides, swaps, gaps, the ledger and the feed.

use super::support::{at, line, rotation, seed, version, zone};
use domain::oncall::feed::Feed;
use domain::oncall::ledger::{ledger, load};
use domain::oncall::overrides::{Swap, SwapState, Window, preview};
use domain::oncall::{Because, Override, Participant, Timeline, Wanted};

fn team(name: &str) -> Participant {
    Participant::Team(name.into())
}

fn person(name: &str) -> Participant {
    Participant::Person(name.into())
}

fn people(participant: &Participant) -> Vec<String> {
    match participant {
        Participant::Person(name) => vec![name.clone()],
        Participant::Team(name) if name == "devops" => vec!["olivia".into(), "dmitri".into()],
        Participant::Team(name) if name == "backend" => vec!["bea".into()],
        Participant::Team(_) => vec![],
    }
}

fn wanted(participant: Participant, starts: &str, ends: &str) -> Wanted {
    Wanted { role: "primary".into(), participant, starts: at(starts), ends: at(ends), reason: "a wedding".into() }
}

fn made(id: &str, wanted: &Wanted) -> Override {
    Override {
        id: id.into(),
        rotation: "platform".into(),
        role: wanted.role.clone(),
        participant: wanted.participant.clone(),
        starts: wanted.starts,
        ends: wanted.ends,
        reason: wanted.reason.clone(),
        by: "bea".into(),
        at: wanted.starts,
        swap: None,
    }
}

#[test]
fn an_override_across_a_handoff_splits_both_shifts_and_moves_no_phase() {
    let seed = seed();
    // From Friday evening over Monday's handoff to Tuesday noon.
    let window = wanted(person("bea"), "2026-11-27T17:00:00Z", "2026-12-01T11:00:00Z");
    let overrides = [made("1", &window)];
    let line = Timeline { rotation: &seed, facts: &[], overrides: &overrides };
    let got: Vec<_> = line
        .segments(at("2026-11-24T00:00:00Z"), at("2026-12-08T00:00:00Z"))
        .iter()
        .map(|s| (s.starts.to_string(), s.roles[0].participant.clone().unwrap().to_string(), s.roles[0].because))
        .collect();
    let expected = [
        ("2026-11-23T08:00:00Z", "team:platform", Because::Base),
        ("2026-11-27T17:00:00Z", "bea", Because::Override),
        ("2026-11-30T08:00:00Z", "bea", Because::Override),
        ("2026-12-01T11:00:00Z", "team:devops", Because::Base),
        ("2026-12-07T08:00:00Z", "team:backend", Because::Base),
    ];
    assert_eq!(got, expected.map(|(t, who, because)| (t.to_owned(), who.to_owned(), because)));
    let secondary: Vec<_> = line
        .duties(at("2026-11-24T00:00:00Z"), at("2026-12-05T00:00:00Z"))
        .into_iter()
        .filter(|d| d.assignment.role == "secondary")
        .collect();
    assert_eq!(secondary.len(), 2, "other roles are not cut: {secondary:?}");
}

#[test]
fn a_preview_says_who_covers_and_who_keeps_what() {
    let seed = seed();
    let window = wanted(person("bea"), "2026-11-27T17:00:00Z", "2026-11-30T08:00:00Z");
    let words = preview(&line(&seed), &window).words(&window, &zone("Europe/Berlin"), ToString::to_string);
    let expected = [
        "bea covers primary from Fri 27 Nov 18:00 to Mon 30 Nov 09:00, Europe/Berlin.",
        "team:platform keeps Mon 23 Nov 09:00 to Fri 27 Nov 18:00.",
    ];
    assert_eq!(words, expected);
    let twice = wanted(team("backend"), "2026-11-27T17:00:00Z", "2026-11-28T08:00:00Z");
    let words = preview(&line(&seed), &twice).words(&twice, &zone("Europe/Berlin"), ToString::to_string);
    assert_eq!(words.last().unwrap(), "team:backend is backup in that time too.");
    assert_eq!(words.len(), 4, "it is kept before and after: {words:?}");
}

#[test]
fn what_is_asked_for_is_checked() {
    let (seed, now) = (seed(), at("2026-11-24T10:00:00Z"));
    let known = |p: &Participant| !people(p).is_empty() && *p != person("gone");
    let check = |w: Wanted| w.checked(&seed, now, known).map_err(|e| e.to_string());
    let good = check(wanted(person("bea"), "2026-11-24T09:58:00.500Z", "2026-11-24T12:00:00Z")).unwrap();
    assert_eq!(good.starts, now, "what was on its way begins now");
    let table = [
        (wanted(person("bea"), "2026-11-26T10:00:00Z", "2026-11-25T10:00:00Z"), "ends: expected a time after the start"),
        (wanted(person("bea"), "2026-11-25T10:00:00Z", "2026-11-25T10:00:00Z"), "ends: expected a time after the start"),
        (wanted(person("bea"), "2026-11-20T10:00:00Z", "2026-11-25T10:00:00Z"), "starts: the past stays as it was"),
        (wanted(person("bea"), "2026-11-20T10:00:00Z", "2026-11-21T10:00:00Z"), "starts: the past stays as it was"),
        (wanted(person("bea"), "2026-11-25T10:00:00Z", "2028-11-25T10:00:00Z"), "ends: expected at most a year"),
        (wanted(person("gone"), "2026-11-25T10:00:00Z", "2026-11-26T10:00:00Z"), "participant: `gone` is in no team"),
        (wanted(team("nobody"), "2026-11-25T10:00:00Z", "2026-11-26T10:00:00Z"), "participant: `team:nobody` is in no team"),
        (
            Wanted { role: "boss".into(), ..wanted(person("bea"), "2026-11-25T10:00:00Z", "2026-11-26T10:00:00Z") },
            "role: expected one of primary",
        ),
    ];
    for (asked, expected) in table {
        let error = check(asked.clone()).unwrap_err();
        assert!(error.starts_with(expected), "{asked:?}: {error}");
    }
    let taken = [made("1", &wanted(person("bea"), "2026-11-25T10:00:00Z", "2026-11-26T10:00:00Z"))];
    for (starts, ends, in_the_way) in [
        ("2026-11-26T10:00:00Z", "2026-11-27T10:00:00Z", false),
        ("2026-11-24T10:00:00Z", "2026-11-25T10:00:00Z", false),
        ("2026-11-26T09:59:59Z", "2026-11-27T10:00:00Z", true),
        ("2026-11-24T10:00:00Z", "2026-11-28T10:00:00Z", true),
    ] {
        let asked = wanted(person("olivia"), starts, ends);
        assert_eq!(asked.in_the_way(&seed, &taken).is_some(), in_the_way, "{starts}");
        assert!(Wanted { role: "backup".into(), ..asked }.in_the_way(&seed, &taken).is_none());
    }
}

#[test]
fn a_swap_becomes_two_overrides_when_both_hold_what_they_give() {
    let seed = seed();
    let window = |starts: &str, ends: &str| Window { starts: at(starts), ends: at(ends) };
    let swap = Swap {
        id: "s".into(),
        rotation: "platform".into(),
        role: "primary".into(),
        by: "olivia".into(),
        with: team("backend"),
        give: window("2026-12-04T17:00:00Z", "2026-12-07T08:00:00Z"),
        take: window("2026-12-11T17:00:00Z", "2026-12-14T08:00:00Z"),
        reason: "a wedding".into(),
        at: at("2026-11-24T10:00:00Z"),
        state: SwapState::Offered,
    };
    swap.holds(&line(&seed), people).unwrap();
    let halves = swap.halves(["1".into(), "2".into()], swap.at);
    let line_after = Timeline { rotation: &seed, facts: &[], overrides: &halves };
    let primary = |t: &str| line_after.duty_at("primary", at(t)).unwrap().assignment;
    assert_eq!(primary("2026-12-05T00:00:00Z").participant, Some(team("backend")));
    assert_eq!(
        (primary("2026-12-12T00:00:00Z").participant, primary("2026-12-12T00:00:00Z").because),
        (Some(person("olivia")), Because::Swap)
    );
    let not_mine = Swap { give: swap.take, ..swap.clone() };
    assert!(not_mine.holds(&line(&seed), people).unwrap_err().to_string().starts_with("give: olivia is not primary"));
    let not_theirs = Swap { take: window("2026-12-14T08:00:00Z", "2026-12-15T08:00:00Z"), ..swap.clone() };
    assert!(not_theirs.holds(&line(&seed), people).unwrap_err().to_string().starts_with("take: team:backend is not primary"));
    assert!(swap.holds(&line_after, people).is_err(), "a swap is done once");
}

#[test]
fn gaps_are_told_once_however_many_handoffs_they_last() {
    let pair = rotation(vec![version("UTC", "2026-01-05T09:00", "1w", 2)]);
    let known = |p: &Participant| vec![p.name().to_owned()];
    let gaps = line(&pair).gaps(at("2026-01-05T09:00:00Z"), at("2026-02-02T09:00:00Z"), known);
    assert_eq!(gaps.len(), 1);
    assert_eq!(
        (gaps[0].assignment.role.as_str(), gaps[0].starts, gaps[0].ends),
        ("backup", at("2026-01-05T09:00:00Z"), at("2026-02-02T09:00:00Z"))
    );
    let gaps = line(&seed()).gaps(at("2026-11-23T08:00:00Z"), at("2026-12-14T08:00:00Z"), people).len();
    assert_eq!(gaps, 3, "platform has no people: it is nobody's in each role");
    assert!(line(&seed()).gaps(at("2026-11-23T08:00:00Z"), at("2027-05-23T08:00:00Z"), known).is_empty());
}

#[test]
fn the_ledger_counts_by_the_clocks_of_the_zone() {
    let berlin = zone("Europe/Berlin");
    // A usual week: 168 hours, 7 nights of 8, 48 of the weekend.
    let week = load(at("2026-11-16T08:00:00Z"), at("2026-11-23T08:00:00Z"), &berlin, &[]);
    assert_eq!([week.total_s, week.night_s, week.weekend_s, week.holiday_s].map(|s| s / 3600), [168, 56, 48, 0]);
    // The week in which clocks go back has an hour more: at night, on a Sunday.
    let long = load(at("2026-10-19T07:00:00Z"), at("2026-10-26T08:00:00Z"), &berlin, &[]);
    assert_eq!([long.total_s, long.night_s, long.weekend_s].map(|s| s / 3600), [169, 57, 49]);
    let christmas = load(at("2026-12-21T08:00:00Z"), at("2026-12-28T08:00:00Z"), &berlin, &["2026-12-25".parse().unwrap()]);
    assert_eq!(christmas.holiday_s, 86_400);

    let seed = seed();
    let (from, until) = (at("2026-11-23T08:00:00Z"), at("2026-12-14T08:00:00Z"));
    let duties: Vec<_> = line(&seed).duties(from, until).into_iter().filter(|d| d.assignment.role == "primary").collect();
    let loads = ledger(&duties, (from, until), &berlin, &[], people);
    assert_eq!(loads[&team("devops")].total_s, 7 * 86_400);
    assert_eq!(loads[&person("olivia")], loads[&team("devops")], "each of a team can be called");
    assert_eq!(loads.values().filter(|load| load.total_s == 7 * 86_400).count(), 6, "{loads:?}");
}

#[test]
fn a_feed_has_one_entry_for_each_stretch_with_a_uid_of_its_own() {
    let (seed, now) = (seed(), at("2026-11-24T10:00:00Z"));
    let overrides = [made("1", &wanted(person("bea"), "2026-11-27T17:00:00Z", "2026-11-30T08:00:00Z"))];
    let line_now = Timeline { rotation: &seed, facts: &[], overrides: &overrides };
    let all = Feed { of: None, rotation: Some("platform".into()) };
    let entries = all.entries(&line_now, now, people);
    assert_eq!(entries.len(), 57 * 3 + 1, "weeks from 26 October 2026 to 22 November 2027, three roles, one cut in two");
    assert!(entries[0].starts <= now.plus_seconds(-28 * 86_400) && entries[0].ends > now.plus_seconds(-28 * 86_400));
    let later = all.entries(&line_now, now.plus_seconds(3600), people);
    assert_eq!(entries, later, "the same from one reading to the next");
    let mut uids: Vec<String> = entries.into_iter().map(|entry| entry.uid).collect();
    for of in [team("backend"), person("bea"), person("dmitri")] {
        let feed = Feed { of: Some(of.clone()), rotation: None };
        let own = feed.entries(&line_now, now, people);
        assert!(
            !own.is_empty() && own.iter().all(|e| e.participant == of || people(&e.participant).contains(&of.name().to_owned())),
            "{own:?}"
        );
        uids.extend(own.into_iter().map(|entry| entry.uid));
    }
    let count = uids.len();
    uids.sort();
    uids.dedup();
    assert_eq!(uids.len(), count, "unique over all feeds");
}
