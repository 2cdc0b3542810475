//! Who is on call, as far as votes and broken glasses ask for it. This version reads no rotations, so nobody is.

use crate::Engine;
use domain::Time;
use domain::catalog::Duty;
use domain::changes::votes::Voter;

impl Engine {
    /// The people who are primary on call at a moment: they may break the glass.
    pub fn primary_on_call(&self, _at: Time) -> Vec<String> {
        Vec::new()
    }

    /// What somebody has to do on call at a moment: by it their vote counts where a rule asks for whoever is on call.
    fn duties(&self, _person: &str, _at: Time) -> Vec<Duty> {
        Vec::new()
    }

    /// Somebody with the teams of now, and the duties of the moment of their vote.
    pub fn voter(&self, person: &str, at: Time) -> Voter {
        Voter { person: self.0.catalog.person(person), duties: self.duties(person, at) }
    }
}
