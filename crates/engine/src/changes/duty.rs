//! Who is on call, as far as votes and broken glasses ask for it: looked up at the moment of the decision, and kept with the vote.

use crate::error::Result;
use crate::oncall::look_up;
use crate::{DomainResult, Engine};
use domain::Time;
use domain::access::{Actor, Verb, authorize};
use domain::catalog::Duty;
use domain::changes::votes::{Approver, Voter, approvers};
use domain::changes::{Change, State, Vote};

impl Engine {
    /// The people who are first to be called at a moment, in any rotation: they may break the glass.
    pub async fn primary_on_call(&self, at: Time) -> Result<Vec<String>> {
        let mut people = Vec::new();
        for (rotation, roles) in self.roles(at) {
            if let Some(first) = roles.first() {
                people.extend(self.held_by(&rotation, first, at).await?);
            }
        }
        Ok(people)
    }

    /// What somebody has to do on call at a moment: by it their vote counts where a rule asks for whoever is on call.
    async fn duties(&self, person: &str, at: Time) -> Result<Vec<Duty>> {
        let mut duties = Vec::new();
        for (rotation, roles) in self.roles(at) {
            for role in roles {
                if self.held_by(&rotation, &role, at).await?.iter().any(|held| held == person) {
                    duties.push(Duty { rotation: rotation.clone(), role });
                }
            }
        }
        Ok(duties)
    }

    /// Who could decide on a change now, whoever is on call first; nobody when it does not wait.
    pub async fn approvers(&self, actor: &Actor, change: &Change) -> DomainResult<Vec<Approver>> {
        authorize(actor, Verb::Read)?;
        if change.state != State::AwaitingApproval {
            return Ok(Vec::new());
        }
        Ok(approvers(change, self.voters(self.now()).await?))
    }

    /// Everybody, as they would vote at a moment.
    async fn voters(&self, at: Time) -> Result<Vec<Voter>> {
        let mut voters: Vec<_> = self.0.catalog.people().into_iter().map(|person| Voter { person, duties: Vec::new() }).collect();
        for (rotation, roles) in self.roles(at) {
            for role in roles {
                let held = self.held_by(&rotation, &role, at).await?;
                for voter in voters.iter_mut().filter(|voter| held.contains(&voter.person.name)) {
                    voter.duties.push(Duty { rotation: rotation.clone(), role: role.clone() });
                }
            }
        }
        Ok(voters)
    }

    /// Who holds a role and did not put themselves there: whoever takes a shift for themselves does the work, and gains no power by it.
    async fn held_by(&self, rotation: &str, role: &str, at: Time) -> Result<Vec<String>> {
        let found = look_up(&self.0.catalog, Some(&self.0.store), Some(rotation), at).await?;
        let arranged = self.0.store.overrides(rotation).await?;
        let mut people = Vec::new();
        for held in found.into_iter().flat_map(|answer| answer.roles).filter(|held| held.role == role) {
            let by = arranged.iter().find(|one| held.by_override.as_ref() == Some(&one.id) && one.swap.is_none()).map(|one| &one.by);
            people.extend(held.people.into_iter().filter(|person| by != Some(person)));
        }
        Ok(people)
    }

    /// Each rotation with its roles at this moment, the first to be called first.
    fn roles(&self, at: Time) -> Vec<(String, Vec<String>)> {
        let rotations = self.0.catalog.rotations.iter();
        rotations.filter_map(|rotation| Some((rotation.name.clone(), rotation.version(at)?.roles.clone()))).collect()
    }

    /// Somebody who would vote at this moment.
    pub async fn voter(&self, person: &str, at: Time) -> Result<Voter> {
        Ok(Voter { person: self.0.catalog.person(person), duties: self.duties(person, at).await? })
    }

    /// Whoever has voted, with the teams of now and the duties of the moment of the vote.
    pub(super) fn voted(&self, vote: &Vote) -> Voter {
        Voter { person: self.0.catalog.person(&vote.by), duties: vote.duties.clone() }
    }
}
