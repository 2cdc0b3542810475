//! The log of mutating requests that came over HTTP, so that a test can count what a client really did.

use jiff::Timestamp;
use serde_json::Value;

/// How many records are kept; the oldest go first.
pub(crate) const KEPT: usize = 10_000;

/// One create, update, patch or delete. Reads and the controllers' own work are not recorded.
#[derive(Clone, Debug)]
pub struct WriteRecord {
    pub at: Timestamp,
    /// `create`, `update`, `patch`, `delete` or `deletecollection`.
    pub verb: &'static str,
    /// Plural name, `deployments`.
    pub resource: &'static str,
    pub namespace: String,
    /// Empty for a create, until the server has named the object.
    pub name: String,
    /// `scale`, `status` or empty.
    pub subresource: String,
    /// Path and query as sent.
    pub path: String,
    pub content_type: String,
    pub user_agent: String,
    pub field_manager: String,
    pub dry_run: bool,
    /// The body as sent; null when it is not JSON.
    pub body: Value,
    /// The HTTP status that was answered, or would have been if the connection had not been cut.
    pub status: u16,
    /// Whether the client got the answer.
    pub answered: bool,
    pub generation_before: Option<i64>,
    pub generation_after: Option<i64>,
}

impl WriteRecord {
    /// Whether it changed what an object asks for: it raised the generation, or created or deleted the object.
    ///
    /// Of a deletecollection this cannot be told; it never counts.
    pub fn is_effective(&self) -> bool {
        !self.dry_run && self.status < 300 && self.generation_before != self.generation_after
    }
}
