//! How far a change is, and how it ended.

use serde::{Deserialize, Serialize};
use std::fmt;

/// It begins when somebody asks for it: a plan that nobody has asked for is a preview, and stored nowhere.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum State {
    AwaitingApproval,
    Ready,
    Running,
    Observing,
    Succeeded,
    Rejected,
    Expired,
    Aborted,
    /// What was deployed is bad.
    Failed,
    /// We could not do it.
    Errored,
    /// The world moved: plan again.
    Superseded,
    /// It needs a person.
    Stuck,
}

impl State {
    pub const ALL: [State; 12] = [
        State::AwaitingApproval,
        State::Ready,
        State::Running,
        State::Observing,
        State::Succeeded,
        State::Rejected,
        State::Expired,
        State::Aborted,
        State::Failed,
        State::Errored,
        State::Superseded,
        State::Stuck,
    ];

    pub fn as_str(self) -> &'static str {
        match self {
            State::AwaitingApproval => "awaiting_approval",
            State::Ready => "ready",
            State::Running => "running",
            State::Observing => "observing",
            State::Succeeded => "succeeded",
            State::Rejected => "rejected",
            State::Expired => "expired",
            State::Aborted => "aborted",
            State::Failed => "failed",
            State::Errored => "errored",
            State::Superseded => "superseded",
            State::Stuck => "stuck",
        }
    }

    pub fn parse(text: &str) -> Option<State> {
        State::ALL.into_iter().find(|state| state.as_str() == text)
    }

    /// As the pages write it.
    pub fn title(self) -> &'static str {
        match self {
            State::AwaitingApproval => "Awaiting approval",
            State::Ready => "Ready",
            State::Running => "Running",
            State::Observing => "Rolling out",
            State::Succeeded => "Succeeded",
            State::Rejected => "Rejected",
            State::Expired => "Expired",
            State::Aborted => "Aborted",
            State::Failed => "Failed",
            State::Errored => "Errored",
            State::Superseded => "Superseded",
            State::Stuck => "Stuck",
        }
    }

    /// Nothing more will happen to it by itself.
    pub fn is_terminal(self) -> bool {
        !matches!(self, State::AwaitingApproval | State::Ready | State::Running | State::Observing)
    }
}

impl fmt::Display for State {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}
