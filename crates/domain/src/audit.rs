//! The record of acts: who did what, on what, with which outcome. Append-only; an entry is written in the transaction of its act.

use crate::Time;
use serde::{Deserialize, Serialize};

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
pub struct Entry {
    pub seq: i64,
    #[schema(value_type = String, format = DateTime)]
    pub at: Time,
    /// A person's name, or `portal` for what the worker did.
    pub who: String,
    /// `session`, `token` or `worker`.
    pub via: String,
    /// `change.request`, `change.approve`, `cluster.write`…
    pub what: String,
    /// The change, token or workload it was done to.
    pub on: String,
    /// `done`, `denied` or `failed`.
    pub outcome: String,
    pub detail: String,
}
