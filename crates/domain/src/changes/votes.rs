//! Votes: who may cast one, and when they suffice. A vote is for a plan digest and for nothing else. A person counts once
//! over all rules, so whether the votes satisfy every rule is a matching (each needed place takes one voter), not first come.

use super::{Change, State};
use crate::access::Person;
use crate::catalog::Approval;
use crate::{Error, Result, Time};
use serde::{Deserialize, Serialize};

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum VoteKind {
    Approve,
    Reject,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
pub struct Vote {
    pub by: String,
    pub vote: VoteKind,
    #[schema(value_type = String, format = DateTime)]
    pub at: Time,
    /// The plan that was voted for.
    pub digest: String,
    pub reason: String,
}

/// How far the votes reach.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Tally {
    pub got: i64,
    pub needed: i64,
}

impl Tally {
    pub fn satisfied(self) -> bool {
        self.got >= self.needed
    }
}

/// Whether `person` may decide on this change now. (That they hold the role of an approver is asked before, by
/// [`crate::access::authorize`].)
pub fn may_decide(change: &Change, person: &Person) -> Result<()> {
    if change.state != State::AwaitingApproval {
        let (label, state) = (change.label(), change.state.title().to_lowercase());
        return Err(Error::conflict("not_awaiting_approval", format!("{label} is {state}: there is nothing to decide.")));
    }
    if let Some(place) = &change.plan.train {
        let why = format!("{} is {} of {} in a train, and the train is decided on as a whole.", change.label(), place.position, place.of);
        return Err(Error::conflict("part_of_train", why));
    }
    may_decide_here(change, person)
}

/// The same of a change that goes together with others, for a vote on all of them.
pub fn may_decide_here(change: &Change, person: &Person) -> Result<()> {
    let Some(approval) = &change.plan.approval else {
        return Err(Error::conflict("not_awaiting_approval", format!("{} needs no approval.", change.label())));
    };
    if approval.exclude_requester && person.name == change.plan.requester {
        return Err(Error::forbidden("self_approval", "You asked for this change, so another person must decide on it."));
    }
    if !approval.rules.iter().any(|rule| in_rule(&rule.from, person)) {
        let groups: Vec<_> = approval.rules.iter().flat_map(|rule| rule.from.iter().map(String::as_str)).collect();
        return Err(Error::forbidden("not_an_approver_here", format!("Only {} may decide on this change.", groups.join(", "))));
    }
    Ok(())
}

/// A vote must name the plan it is for.
pub fn digest_matches(change: &Change, digest: &str) -> Result<()> {
    if digest == change.digest {
        return Ok(());
    }
    Err(Error::conflict("plan_changed", "This is not the digest of the plan: look at the plan again, then decide."))
}

/// Counts the approvals of `voters` (each once, with the teams they are in now) against the rules.
pub fn tally(approval: &Approval, requester: &str, voters: &[Person]) -> Tally {
    let mut voters: Vec<&Person> = voters.iter().filter(|p| !(approval.exclude_requester && p.name == requester)).collect();
    voters.sort_by(|a, b| a.name.cmp(&b.name));
    voters.dedup_by(|a, b| a.name == b.name);
    let places: Vec<&[String]> = approval.rules.iter().flat_map(|rule| (0..rule.needed).map(|_| rule.from.as_slice())).collect();
    Tally { got: matching(&places, &voters), needed: places.len() as i64 }
}

fn in_rule(from: &[String], person: &Person) -> bool {
    person.teams.iter().any(|team| from.contains(team))
}

/// The largest number of places that can be filled, by augmenting paths (Kuhn's algorithm).
fn matching(places: &[&[String]], voters: &[&Person]) -> i64 {
    let mut seat: Vec<Option<usize>> = vec![None; voters.len()];
    (0..places.len()).filter(|place| augment(*place, places, voters, &mut seat, &mut vec![false; voters.len()])).count() as i64
}

fn augment(place: usize, places: &[&[String]], voters: &[&Person], seat: &mut [Option<usize>], tried: &mut [bool]) -> bool {
    for voter in 0..voters.len() {
        if tried[voter] || !in_rule(places[place], voters[voter]) {
            continue;
        }
        tried[voter] = true;
        if seat[voter].is_none_or(|other| augment(other, places, voters, seat, tried)) {
            seat[voter] = Some(place);
            return true;
        }
    }
    false
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::catalog::Rule;

    fn person(name: &str, teams: &[&str]) -> Person {
        Person { name: name.into(), title: name.into(), teams: teams.iter().map(|t| (*t).into()).collect(), roles: vec![] }
    }

    fn approval(rules: &[(&[&str], i64)]) -> Approval {
        let rules = rules.iter().map(|(from, needed)| Rule { from: from.iter().map(|f| (*f).into()).collect(), needed: *needed }).collect();
        Approval { rules, exclude_requester: true, expires_s: 60 }
    }

    #[test]
    fn a_person_counts_once_over_all_rules_and_the_best_seating_is_found() {
        let policy = approval(&[(&["devops"], 1), (&["devops", "security"], 1)]);
        let (both, only_devops) = (person("ann", &["devops", "security"]), person("dmitri", &["devops"]));
        assert_eq!(tally(&policy, "bea", std::slice::from_ref(&both)), Tally { got: 1, needed: 2 });
        // First come would seat ann at the first rule and leave dmitri without a place in the second.
        let policy = approval(&[(&["devops", "security"], 1), (&["security"], 1)]);
        assert!(tally(&policy, "bea", &[both, only_devops]).satisfied());
    }

    #[test]
    fn the_requester_and_double_votes_do_not_count() {
        let policy = approval(&[(&["devops"], 2)]);
        let (ann, bea) = (person("ann", &["devops"]), person("bea", &["devops"]));
        assert_eq!(tally(&policy, "bea", &[ann.clone(), bea.clone()]).got, 1);
        assert_eq!(tally(&policy, "pia", &[ann.clone(), ann.clone()]).got, 1);
        assert!(tally(&policy, "pia", &[ann, bea]).satisfied());
    }

    /// The matching against brute force, on every small case.
    #[test]
    fn matching_equals_brute_force() {
        let teams = ["a", "b", "c"];
        for mask in 0u32..512 {
            let voters: Vec<_> = (0..3)
                .map(|v| {
                    person(
                        &format!("p{v}"),
                        &teams
                            .iter()
                            .enumerate()
                            .filter(|(t, _)| mask >> (v * 3 + *t as u32) & 1 == 1)
                            .map(|(_, n)| *n)
                            .collect::<Vec<_>>(),
                    )
                })
                .collect();
            let policy = approval(&[(&["a", "b"], 1), (&["b"], 1), (&["c"], 1)]);
            let places: Vec<&[String]> = policy.rules.iter().map(|r| r.from.as_slice()).collect();
            let orders = [[0, 1, 2], [0, 2, 1], [1, 0, 2], [1, 2, 0], [2, 0, 1], [2, 1, 0]];
            let best = orders.iter().map(|order| (0..3).filter(|p| in_rule(places[*p], &voters[order[*p]])).count() as i64).max().unwrap();
            assert_eq!(tally(&policy, "x", &voters).got, best, "mask {mask:b}");
        }
    }
}
