//! Who is on call, as far as votes and broken glasses ask for it: looked up at the moment of the decision, and kept with the vote.

use crate::Engine;
use crate::error::Result;
use domain::Time;
use domain::catalog::Duty;
use domain::changes::Vote;
use domain::changes::votes::Voter;

impl Engine {
    /// The people who are first to be called at a moment, in any rotation: they may break the glass.
    pub async fn primary_on_call(&self, at: Time) -> Result<Vec<String>> {
        let mut people = Vec::new();
        for (rotation, roles) in self.roles() {
            if let Some(first) = roles.first() {
                people.extend(self.on_call_at(&rotation, first, at).await?);
            }
        }
        Ok(people)
    }

    /// What somebody has to do on call at a moment: by it their vote counts where a rule asks for whoever is on call.
    async fn duties(&self, person: &str, at: Time) -> Result<Vec<Duty>> {
        let mut duties = Vec::new();
        for (rotation, roles) in self.roles() {
            for role in roles {
                if self.on_call_at(&rotation, &role, at).await?.iter().any(|held| held == person) {
                    duties.push(Duty { rotation: rotation.clone(), role });
                }
            }
        }
        Ok(duties)
    }

    /// Each rotation with its roles, the first to be called first; the newest version names them.
    fn roles(&self) -> Vec<(String, Vec<String>)> {
        let rotations = self.0.catalog.rotations.iter();
        rotations.filter_map(|rotation| Some((rotation.name.clone(), rotation.versions.last()?.roles.clone()))).collect()
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
