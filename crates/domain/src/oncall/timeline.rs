//! All that decides who is on call in one rotation, as it goes over the wire: a browser answers from it.
//!
//! Invariant: what is opened from it answers every moment as what it was made of. Zones go by name; whoever opens it brings
//! their rules.

use super::view::OverrideView;
use super::{Every, Held, Holding, Participant, Rotation, Shift, Version};
use crate::zone::Zone;
use crate::{Error, Result, Time};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use utoipa::ToSchema;

/// A rotation with all its versions, the shifts that have begun, what people arranged, and whom each participant stands for.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[schema(as = Timeline)]
pub struct TimelineView {
    pub rotation: String,
    pub title: String,
    /// By `effective_from`; the first holds for all time before it too.
    pub versions: Vec<VersionView>,
    /// Shifts that have begun: they stay as they were, whatever the versions say.
    pub shifts: Vec<ShiftView>,
    pub overrides: Vec<OverrideView>,
    /// By participant: `team:devops`, `olivia`.
    pub holders: BTreeMap<String, HolderView>,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[schema(as = TimelineVersion)]
pub struct VersionView {
    #[schema(value_type = Option<String>, format = DateTime)]
    pub effective_from: Option<Time>,
    pub zone: String,
    /// The local time of one handoff.
    pub handoff: String,
    /// `1d`, `2w`, `1mo`
    pub every: String,
    pub roles: Vec<String>,
    #[schema(value_type = Vec<String>)]
    pub participants: Vec<Participant>,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[schema(as = TimelineShift)]
pub struct ShiftView {
    #[schema(value_type = String, format = DateTime)]
    pub starts: Time,
    #[schema(value_type = String, format = DateTime)]
    pub ends: Time,
    pub roles: Vec<HoldingView>,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[schema(as = TimelineHolding)]
pub struct HoldingView {
    pub role: String,
    #[schema(value_type = Option<String>)]
    pub participant: Option<Participant>,
}

/// How a participant is called, and the persons it stands for now.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[schema(as = TimelineHolder)]
pub struct HolderView {
    pub title: String,
    pub people: Vec<String>,
}

impl TimelineView {
    pub fn of(held: Held, holder: impl Fn(&Participant) -> HolderView) -> TimelineView {
        let holders = held.participants().into_iter().map(|p| (p.to_string(), holder(p))).collect();
        TimelineView {
            versions: held.rotation.versions.iter().map(VersionView::of).collect(),
            rotation: held.rotation.name,
            title: held.rotation.title,
            shifts: held.facts.into_iter().map(ShiftView::of).collect(),
            overrides: held.overrides.into_iter().map(OverrideView::from).collect(),
            holders,
        }
    }

    /// The zones whose rules it takes to open it.
    pub fn zones(&self) -> Vec<&str> {
        let mut names: Vec<&str> = self.versions.iter().map(|version| version.zone.as_str()).collect();
        names.sort_unstable();
        names.dedup();
        names
    }

    pub fn open(&self, zone: impl Fn(&str) -> Option<Zone>) -> Result<Held> {
        let versions = self.versions.iter().map(|version| version.open(&zone)).collect::<Result<_>>()?;
        let rotation = Rotation { name: self.rotation.clone(), title: self.title.clone(), versions, calendar: None };
        let facts = self.shifts.iter().cloned().map(ShiftView::open).collect();
        Ok(Held { rotation, facts, overrides: self.overrides.iter().cloned().map(Into::into).collect() })
    }

    /// The persons that a participant stands for.
    pub fn people_of(&self, participant: &Participant) -> Vec<String> {
        self.holders.get(&participant.to_string()).map(|holder| holder.people.clone()).unwrap_or_default()
    }

    pub fn title_of(&self, participant: &Participant) -> String {
        self.holders.get(&participant.to_string()).map_or_else(|| participant.to_string(), |holder| holder.title.clone())
    }
}

impl VersionView {
    fn of(version: &Version) -> VersionView {
        VersionView {
            effective_from: version.effective_from,
            zone: version.zone.name().to_owned(),
            handoff: version.anchor.to_string(),
            every: version.every.text(),
            roles: version.roles.clone(),
            participants: version.participants.clone(),
        }
    }

    fn open(&self, zone: impl Fn(&str) -> Option<Zone>) -> Result<Version> {
        let unread = |field: &str, text: &str| Error::invalid(field, format!("`{}` is not understood", crate::names::shorten(text)));
        Ok(Version {
            effective_from: self.effective_from,
            zone: zone(&self.zone).ok_or_else(|| unread("zone", &self.zone))?,
            anchor: self.handoff.parse().map_err(|_| unread("handoff", &self.handoff))?,
            every: Every::parse(&self.every).ok_or_else(|| unread("every", &self.every))?,
            roles: self.roles.clone(),
            participants: self.participants.clone(),
        })
    }
}

impl ShiftView {
    fn of(shift: Shift) -> ShiftView {
        let roles = shift.roles.into_iter().map(|held| HoldingView { role: held.role, participant: held.participant }).collect();
        ShiftView { starts: shift.starts, ends: shift.ends, roles }
    }

    fn open(self) -> Shift {
        let roles = self.roles.into_iter().map(|held| Holding { role: held.role, participant: held.participant }).collect();
        Shift { starts: self.starts, ends: self.ends, roles }
    }
}
