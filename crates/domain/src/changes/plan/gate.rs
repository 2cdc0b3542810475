//! A gate of a plan: what was checked, and what came of it.

use serde::{Deserialize, Serialize};

/// Something that was checked when the plan was made, and is checked again before it is executed.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
pub struct Gate {
    pub name: String,
    pub title: String,
    /// `pass` or `warn`; what does not pass is a refusal, and no plan. But `fail`, when the glass is to be broken: what is closed now; and
    /// while a change waits: what holds it up, or would end it, by now.
    pub state: String,
    pub detail: String,
}

impl Gate {
    /// What would end a change without a write, were it executed now. `name`: of the gate of its plan that says otherwise, if one does.
    pub fn bars(name: &str, why: String) -> Gate {
        fail(name, "Would end without a write now", why)
    }
}

pub(super) fn pass(name: &str, title: &str, detail: String) -> Gate {
    Gate { name: name.into(), title: title.into(), state: "pass".into(), detail }
}

pub(super) fn warn(name: &str, title: &str, detail: String) -> Gate {
    Gate { name: name.into(), title: title.into(), state: "warn".into(), detail }
}

pub(super) fn fail(name: &str, title: &str, detail: String) -> Gate {
    Gate { name: name.into(), title: title.into(), state: "fail".into(), detail }
}
