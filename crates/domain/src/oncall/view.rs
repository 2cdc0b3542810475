//! On call as the API gives it. Times and names only: what a chat bot or a script wants to know.

use super::overrides::Window;
use super::{Because, Override, Participant, Segment, Shift};
use crate::Time;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

/// Who is on call for a rotation at a moment.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[schema(as = OnCall)]
pub struct OnCallView {
    pub rotation: String,
    #[schema(value_type = String, format = DateTime)]
    pub at: Time,
    /// The stretch around `at` in which nobody changes.
    pub shift: Window,
    /// The whole shift of the rotation, without overrides.
    pub base: Window,
    pub roles: Vec<RoleView>,
}

/// A stretch of time in which nobody changes.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[schema(as = Handoff)]
pub struct HandoffView {
    #[schema(value_type = String, format = DateTime)]
    pub starts: Time,
    #[schema(value_type = String, format = DateTime)]
    pub ends: Time,
    pub roles: Vec<RoleView>,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[schema(as = OnCallRole)]
pub struct RoleView {
    pub role: String,
    /// As the configuration writes it: `team:devops`, `olivia`. None: nobody.
    #[schema(value_type = Option<String>)]
    pub participant: Option<Participant>,
    /// The persons it stands for now, in the order in which they are called.
    pub people: Vec<String>,
    pub because: Because,
    /// The override's id.
    #[serde(rename = "override")]
    pub by_override: Option<String>,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[schema(as = Override)]
pub struct OverrideView {
    pub id: String,
    pub rotation: String,
    pub role: String,
    #[schema(value_type = String)]
    pub participant: Participant,
    #[schema(value_type = String, format = DateTime)]
    pub starts: Time,
    #[schema(value_type = String, format = DateTime)]
    pub ends: Time,
    pub reason: String,
    pub by: String,
    #[schema(value_type = String, format = DateTime)]
    pub at: Time,
    pub because: Because,
    pub swap: Option<String>,
}

/// What an override would change, in words and in stretches.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[schema(as = OverridePreview)]
pub struct PreviewView {
    pub words: Vec<String>,
    #[schema(value_type = String, format = DateTime)]
    pub starts: Time,
    #[schema(value_type = String, format = DateTime)]
    pub ends: Time,
    /// The override that is in the way, if one is.
    pub overlaps: Option<String>,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[schema(as = Swap)]
pub struct SwapView {
    pub id: String,
    pub rotation: String,
    pub role: String,
    pub by: String,
    #[schema(value_type = String)]
    pub with: Participant,
    pub give: Window,
    pub take: Window,
    pub reason: String,
    #[schema(value_type = String, format = DateTime)]
    pub at: Time,
    pub state: super::overrides::SwapState,
}

impl OnCallView {
    pub fn of(rotation: &str, at: Time, segment: &Segment, base: &Shift, people: impl Fn(&Participant) -> Vec<String>) -> OnCallView {
        OnCallView {
            rotation: rotation.to_owned(),
            at,
            shift: Window { starts: segment.starts, ends: segment.ends },
            base: Window { starts: base.starts, ends: base.ends },
            roles: RoleView::all(segment, people),
        }
    }
}

impl HandoffView {
    pub fn of(segment: &Segment, people: impl Fn(&Participant) -> Vec<String>) -> HandoffView {
        HandoffView { starts: segment.starts, ends: segment.ends, roles: RoleView::all(segment, people) }
    }
}

impl RoleView {
    fn all(segment: &Segment, people: impl Fn(&Participant) -> Vec<String>) -> Vec<RoleView> {
        let one = |assignment: &super::Assignment| RoleView {
            role: assignment.role.clone(),
            people: assignment.participant.as_ref().map(&people).unwrap_or_default(),
            participant: assignment.participant.clone(),
            because: assignment.because,
            by_override: assignment.by_override.clone(),
        };
        segment.roles.iter().map(one).collect()
    }
}

impl From<Override> for OverrideView {
    fn from(o: Override) -> OverrideView {
        let because = o.because();
        OverrideView {
            id: o.id,
            rotation: o.rotation,
            role: o.role,
            participant: o.participant,
            starts: o.starts,
            ends: o.ends,
            reason: o.reason,
            by: o.by,
            at: o.at,
            because,
            swap: o.swap,
        }
    }
}

impl From<OverrideView> for Override {
    fn from(view: OverrideView) -> Override {
        let OverrideView { id, rotation, role, participant, starts, ends, reason, by, at, because: _, swap } = view;
        Override { id, rotation, role, participant, starts, ends, reason, by, at, swap }
    }
}

impl From<super::overrides::Swap> for SwapView {
    fn from(swap: super::overrides::Swap) -> SwapView {
        SwapView {
            id: swap.id,
            rotation: swap.rotation,
            role: swap.role,
            by: swap.by,
            with: swap.with,
            give: swap.give,
            take: swap.take,
            reason: swap.reason,
            at: swap.at,
            state: swap.state,
        }
    }
}
