//! Whose votes count: distinct people over all rules, those who are excluded, and the matching against brute force.

#![allow(clippy::unwrap_used, clippy::panic)]

use domain::access::Person;
use domain::catalog::{Approval, Duty, Group, Rule};
use domain::changes::votes::{Tally, Voter, tally};
use proptest::prelude::*;

fn voter(name: &str, teams: &[&str]) -> Voter {
    let teams = teams.iter().map(|team| (*team).into()).collect();
    Voter { person: Person { name: name.into(), title: name.into(), teams, roles: vec![] }, duties: vec![] }
}

fn approval(rules: &[(&[&str], i64)]) -> Approval {
    let group = |text: &&str| Group::parse(text).unwrap();
    let rules = rules.iter().map(|(from, needed)| Rule { from: from.iter().map(group).collect(), needed: *needed }).collect();
    Approval { rules, exclude_requester: true, exclude_authors: true, expires_s: 60 }
}

#[test]
fn a_person_counts_once_over_all_rules_and_the_best_seating_is_found() {
    let policy = approval(&[(&["team:devops"], 1), (&["team:devops", "team:security"], 1)]);
    let (both, only_devops) = (voter("ann", &["devops", "security"]), voter("dmitri", &["devops"]));
    assert_eq!(tally(&policy, &[], std::slice::from_ref(&both)), Tally { got: 1, needed: 2 });
    // First come would seat ann at the first rule and leave dmitri without a place in the second.
    let policy = approval(&[(&["team:devops", "team:security"], 1), (&["team:security"], 1)]);
    assert!(tally(&policy, &[], &[both, only_devops]).satisfied());
}

#[test]
fn who_is_excluded_and_who_votes_twice_does_not_count() {
    let policy = approval(&[(&["team:devops"], 2)]);
    let (ann, bea) = (voter("ann", &["devops"]), voter("bea", &["devops"]));
    assert_eq!(tally(&policy, &["bea"], &[ann.clone(), bea.clone()]).got, 1);
    assert_eq!(tally(&policy, &["pia"], &[ann.clone(), ann.clone()]).got, 1);
    assert!(tally(&policy, &["pia"], &[ann, bea]).satisfied());
}

#[test]
fn people_count_by_name_and_whoever_is_on_call_by_their_duty() {
    let policy = approval(&[(&["person:olivia"], 1), (&["on-call:platform/primary"], 1)]);
    let duty = |role: &str| Duty { rotation: "platform".into(), role: role.into() };
    let mut rafael = voter("rafael", &[]);
    assert_eq!(tally(&policy, &[], &[voter("olivia", &[]), rafael.clone()]).got, 1);
    rafael.duties = vec![duty("secondary")];
    assert_eq!(tally(&policy, &[], &[voter("olivia", &[]), rafael.clone()]).got, 1);
    rafael.duties = vec![duty("primary")];
    assert!(tally(&policy, &[], &[voter("olivia", &[]), rafael]).satisfied());
}

#[test]
fn a_group_goes_into_a_plan_and_comes_back_and_plans_of_before_name_teams() {
    for text in ["team:devops", "person:olivia", "on-call:platform/primary"] {
        let group = Group::parse(text).unwrap();
        let json = serde_json::to_string(&group).unwrap();
        assert_eq!((json.as_str(), serde_json::from_str::<Group>(&json).unwrap()), (format!("\"{text}\"").as_str(), group));
    }
    assert_eq!(serde_json::from_str::<Group>("\"devops\"").unwrap(), Group::Team("devops".into()));
    assert!(serde_json::from_str::<Group>("\"on-call:platform\"").is_err());
    let old = r#"{"rules": [{"from": ["devops"], "needed": 1}], "exclude_requester": true, "expires_s": 60}"#;
    assert!(!serde_json::from_str::<Approval>(old).unwrap().exclude_authors);
}

/// The largest number of places that can be filled: tries every voter at every place.
fn brute(places: &[Vec<Group>], voters: &[Voter], taken: u32) -> i64 {
    let Some((place, rest)) = places.split_first() else { return 0 };
    let sits = |voter: &Voter| {
        place.iter().any(|group| match group {
            Group::Team(team) => voter.person.teams.iter().any(|t| t == team),
            Group::Person(name) => voter.person.name == *name,
            Group::OnCall(duty) => voter.duties.iter().any(|d| d == duty),
        })
    };
    let seated = (0..voters.len()).filter(|at| taken >> at & 1 == 0 && sits(&voters[*at]));
    let best = seated.map(|at| 1 + brute(rest, voters, taken | 1 << at)).max().unwrap_or(0);
    best.max(brute(rest, voters, taken))
}

fn any_group() -> impl Strategy<Value = Group> {
    prop_oneof![
        (0..4u8).prop_map(|team| Group::Team(format!("t{team}"))),
        (0..5u8).prop_map(|person| Group::Person(format!("p{person}"))),
        (0..2u8).prop_map(|role| Group::OnCall(Duty { rotation: "r".into(), role: format!("r{role}") })),
    ]
}

fn any_voter(at: usize) -> impl Strategy<Value = Voter> {
    (prop::collection::vec(any::<bool>(), 4), prop::collection::vec(any::<bool>(), 2)).prop_map(move |(teams, duties)| {
        let mut voter = voter(&format!("p{at}"), &[]);
        voter.person.teams = (0..4).filter(|team| teams[*team]).map(|team| format!("t{team}")).collect();
        let duty = |role: usize| Duty { rotation: "r".into(), role: format!("r{role}") };
        voter.duties = (0..2).filter(|role| duties[*role]).map(duty).collect();
        voter
    })
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 2000, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn the_matching_equals_brute_force(
        rules in prop::collection::vec((prop::collection::vec(any_group(), 1..4), 1..3i64), 1..4),
        voters in (any_voter(0), any_voter(1), any_voter(2), any_voter(3), any_voter(4)),
        count in 0..=5usize,
        excluded in prop::option::of(0..5usize),
    ) {
        let mut voters = vec![voters.0, voters.1, voters.2, voters.3, voters.4];
        voters.truncate(count);
        let places: Vec<Vec<Group>> = rules.iter().flat_map(|(from, needed)| (0..*needed).map(|_| from.clone())).collect();
        let rules = rules.into_iter().map(|(from, needed)| Rule { from, needed }).collect();
        let policy = Approval { rules, exclude_requester: true, exclude_authors: false, expires_s: 60 };
        let name = excluded.map(|at| format!("p{at}"));
        let counted: Vec<Voter> = voters.iter().filter(|voter| Some(&voter.person.name) != name.as_ref()).cloned().collect();
        let best = brute(&places, &counted, 0);
        let got = tally(&policy, &name.iter().map(String::as_str).collect::<Vec<_>>(), &voters);
        prop_assert_eq!(got, Tally { got: best, needed: places.len() as i64 });
    }
}
