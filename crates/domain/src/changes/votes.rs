//! Votes: who may cast one, and when they suffice. A vote is for a plan digest and for nothing else. A person counts once
//! over all rules, so whether the votes satisfy every rule is a matching (each needed place takes one voter), not first come.

use super::{Change, Plan, Reached, State};
use crate::access::{Person, Role};
use crate::catalog::{Approval, Duty, Group};
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
    /// What they held on call at that moment: `platform/primary`.
    #[serde(default)]
    #[schema(value_type = Vec<String>)]
    pub duties: Vec<Duty>,
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

/// Somebody who votes: with the teams of now, and the duties of the moment of the vote.
#[derive(Clone, Debug)]
pub struct Voter {
    pub person: Person,
    pub duties: Vec<Duty>,
}

/// Those whose votes do not count for a plan: whoever asked for it, and who wrote it, as far as its policy says.
pub fn excluded<'a>(plan: &'a Plan, approval: &Approval) -> Vec<&'a str> {
    let requester = approval.exclude_requester.then_some(plan.requester.as_str());
    let authors = plan.authors.iter().flatten().filter(|_| approval.exclude_authors).map(String::as_str);
    requester.into_iter().chain(authors).collect()
}

/// Whether somebody may decide on this change now. (That they hold the role of an approver is asked before, by
/// [`crate::access::authorize`].)
pub fn may_decide(change: &Change, voter: &Voter) -> Result<()> {
    if change.state != State::AwaitingApproval {
        let (label, state) = (change.label(), change.state.title().to_lowercase());
        return Err(Error::conflict("not_awaiting_approval", format!("{label} is {state}: there is nothing to decide.")));
    }
    alone(change)?;
    may_decide_here(change, voter)
}

/// One of a train is not decided on by itself.
pub fn alone(change: &Change) -> Result<()> {
    let Some(place) = &change.plan.train else { return Ok(()) };
    let why = format!("{} is {} of {} in a train, and the train is decided on as a whole.", change.label(), place.position, place.of);
    Err(Error::conflict("part_of_train", why))
}

/// The same of a change that goes together with others, for a vote on all of them.
pub fn may_decide_here(change: &Change, voter: &Voter) -> Result<()> {
    let person = &voter.person;
    let Some(approval) = &change.plan.approval else {
        return Err(Error::conflict("not_awaiting_approval", format!("{} needs no approval.", change.label())));
    };
    if approval.exclude_requester && person.name == change.plan.requester {
        return Err(Error::forbidden("self_approval", "You asked for this change, so another person must decide on it."));
    }
    if excluded(&change.plan, approval).contains(&person.name.as_str()) {
        return Err(Error::forbidden("author_approval", "You wrote commits of this release, so another person must decide on it."));
    }
    if !approval.rules.iter().any(|rule| in_rule(&rule.from, voter)) {
        let mut groups: Vec<_> = approval.rules.iter().flat_map(|rule| rule.from.iter().map(Group::in_words)).collect();
        groups.dedup();
        return Err(Error::forbidden("not_an_approver_here", format!("Only {} may decide on this change.", groups.join(", "))));
    }
    Ok(())
}

/// Somebody who could decide on a change now.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
pub struct Approver {
    pub person: String,
    /// What they hold on call at this moment: `platform/primary`.
    #[schema(value_type = Vec<String>)]
    pub on_call: Vec<Duty>,
}

/// Those of `people` who could decide on a change that waits and have not, whoever is on call first. Everybody's roles and duties
/// are of this moment.
pub fn approvers(change: &Change, people: Vec<Voter>) -> Vec<Approver> {
    if change.state != State::AwaitingApproval {
        return Vec::new();
    }
    let voted = |name: &String| change.votes.iter().any(|vote| vote.by == *name);
    let may = |voter: &Voter| voter.person.has(Role::Approver) && may_decide_here(change, voter).is_ok() && !voted(&voter.person.name);
    let mut able: Vec<_> = people.into_iter().filter(may).map(|v| Approver { person: v.person.name, on_call: v.duties }).collect();
    able.sort_by(|a, b| (a.on_call.is_empty(), &a.person).cmp(&(b.on_call.is_empty(), &b.person)));
    able
}

/// A vote must name the plan it is for.
pub fn digest_matches(change: &Change, digest: &str) -> Result<()> {
    if digest == change.digest {
        return Ok(());
    }
    Err(Error::conflict("plan_changed", "This is not the digest of the plan: look at the plan again, then decide."))
}

/// Whether somebody may take back their approval: before the change is executed, and their own one only.
pub fn may_withdraw(change: &Change, person: &Person) -> Result<()> {
    alone(change)?;
    if !matches!(change.state, State::AwaitingApproval | State::Ready) {
        let (label, state) = (change.label(), change.state.title().to_lowercase());
        return Err(Error::conflict("too_late", format!("{label} is {state}: a vote is withdrawn before a change is executed.")));
    }
    // It waits again, for its environment to open; what was sent may be there all the same, and must be followed.
    if change.reached() > Reached::Nothing {
        let why = format!("A write of {} was sent and may have arrived: it can only be aborted now.", change.label());
        return Err(Error::conflict("too_late", why));
    }
    if change.votes.iter().any(|vote| vote.by == person.name && vote.vote == VoteKind::Approve) {
        return Ok(());
    }
    Err(Error::conflict("no_vote", format!("You have no vote on {} to withdraw.", change.label())))
}

/// Counts the approvals of `voters` (each once) against the rules; `excluded` do not count.
pub fn tally(approval: &Approval, excluded: &[&str], voters: &[Voter]) -> Tally {
    let mut voters: Vec<&Voter> = voters.iter().filter(|voter| !excluded.contains(&voter.person.name.as_str())).collect();
    voters.sort_by(|a, b| a.person.name.cmp(&b.person.name));
    voters.dedup_by(|a, b| a.person.name == b.person.name);
    let places: Vec<&[Group]> = approval.rules.iter().flat_map(|rule| (0..rule.needed).map(|_| rule.from.as_slice())).collect();
    Tally { got: matching(&places, &voters), needed: places.len() as i64 }
}

fn in_rule(from: &[Group], voter: &Voter) -> bool {
    from.iter().any(|group| match group {
        Group::Team(team) => voter.person.teams.contains(team),
        Group::Person(name) => voter.person.name == *name,
        Group::OnCall(duty) => voter.duties.contains(duty),
    })
}

/// The largest number of places that can be filled, by augmenting paths (Kuhn's algorithm).
fn matching(places: &[&[Group]], voters: &[&Voter]) -> i64 {
    let mut seat: Vec<Option<usize>> = vec![None; voters.len()];
    (0..places.len()).filter(|place| augment(*place, places, voters, &mut seat, &mut vec![false; voters.len()])).count() as i64
}

fn augment(place: usize, places: &[&[Group]], voters: &[&Voter], seat: &mut [Option<usize>], tried: &mut [bool]) -> bool {
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
