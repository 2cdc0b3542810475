//! Whose turn it is: changes of one component in one environment go one after the other, in the order in which they were asked for.
//!
//! Invariant: of one place, at most one change runs.

use super::{Store, Tx};
use crate::error::Result;
use domain::changes::Kind;

/// `o` is ahead of a change: it runs in the same place, or is older and waits there. `$2`: the kinds that pass, listed, when only those do.
const AHEAD: &str = "o.component = changes.component AND o.environment = changes.environment AND o.id <> changes.id
  AND (o.state IN ('running', 'observing') OR (o.state = 'ready' AND o.number < changes.number
    AND NOT EXISTS (SELECT 1 FROM changes t WHERE t.train = o.train AND t.number < o.number AND t.state <> 'succeeded')
    AND ($2 = '' OR $2 LIKE '%|' || o.kind || '|%' OR EXISTS (SELECT 1 FROM reviews r WHERE r.change_id = o.id))))";

/// For LIKE: no text of a stranger is in here.
fn listed(kinds: &[Kind]) -> String {
    kinds.iter().map(|kind| format!("|{}|", kind.as_str())).collect()
}

impl Store {
    /// From ready to running, when no other change runs in the same place and no older one waits there. False: not yet its turn.
    /// `passing`: the place is closed, and these kinds and whatever the glass was broken for pass; what waits for its opening is
    /// overtaken. One that waits for others of its train does not count: its turn has not come.
    pub async fn start_running(&self, tx: &mut Tx, id: &str, passing: &[Kind]) -> Result<bool> {
        let text = format!(
            "UPDATE changes SET state = 'running' WHERE id = $1 AND state = 'ready' AND NOT EXISTS (SELECT 1 FROM changes o WHERE {AHEAD})"
        );
        let done = sqlx::query(sqlx::AssertSqlSafe(text)).bind(id).bind(listed(passing)).execute(&mut **tx).await?;
        Ok(done.rows_affected() == 1)
    }

    /// The label of the change whose turn comes before this one's: one that runs, or else the oldest that waits.
    pub async fn ahead_of(&self, id: &str, passing: &[Kind]) -> Result<Option<String>> {
        let text = format!(
            "SELECT o.number FROM changes JOIN changes o ON {AHEAD} WHERE changes.id = $1
             ORDER BY CASE WHEN o.state = 'ready' THEN 1 ELSE 0 END, o.number LIMIT 1"
        );
        let query = sqlx::query_scalar(sqlx::AssertSqlSafe(text)).bind(id).bind(listed(passing));
        Ok(query.fetch_optional(self.pool()).await?.map(|number: i64| format!("CH-{number}")))
    }
}
