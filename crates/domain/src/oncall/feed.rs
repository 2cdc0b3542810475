//! The entries of a calendar feed: one for each stretch and filled role.
//!
//! Invariant: an entry's UID is made of the feed, the rotation, the role and when it starts, so it stays the same from one reading
//! to the next and is in no other feed.

use super::{Because, Participant, Timeline};
use crate::Time;
use crate::digest::sha256;

/// How far a feed reaches, in seconds from now.
pub const BACK_S: i64 = 28 * 86_400;
pub const AHEAD_S: i64 = 364 * 86_400;

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Entry {
    pub uid: String,
    pub rotation: String,
    pub role: String,
    pub participant: Participant,
    pub because: Because,
    pub starts: Time,
    pub ends: Time,
}

/// What a feed shows: of one participant, or of all.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Feed {
    /// Whose stretches: a team's, a person's with those of the person's teams; none: everybody's.
    pub of: Option<Participant>,
    /// In how many rotations: one by name, or all.
    pub rotation: Option<String>,
}

impl Feed {
    fn scope(&self) -> String {
        let of = self.of.as_ref().map(Participant::to_string).unwrap_or_default();
        format!("{}\n{of}", self.rotation.as_deref().unwrap_or_default())
    }

    /// The entries of one rotation, from four weeks back to a year ahead. `people`: whom a participant stands for.
    pub fn entries(&self, timeline: &Timeline<'_>, now: Time, people: impl Fn(&Participant) -> Vec<String>) -> Vec<Entry> {
        let shown = |holder: &Participant| match &self.of {
            None => true,
            Some(Participant::Person(person)) => people(holder).contains(person),
            Some(team) => holder == team,
        };
        let duties = timeline.duties(now.plus_seconds(-BACK_S), now.plus_seconds(AHEAD_S));
        let entry = |duty: super::Duty| {
            let (role, participant) = (duty.assignment.role, duty.assignment.participant.filter(shown)?);
            let rotation = timeline.rotation.name.clone();
            let key = format!("{}\n{rotation}\n{role}\n{}", self.scope(), duty.starts.0);
            let uid = format!("{}@on-call.devmatrix", &sha256(&key)[..32]);
            Some(Entry { uid, rotation, role, participant, because: duty.assignment.because, starts: duty.starts, ends: duty.ends })
        };
        duties.into_iter().filter_map(entry).collect()
    }
}
