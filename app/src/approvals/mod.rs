//! Approvals: what waits for this person's decision, with its risk and its diff.

mod page;

pub(crate) use page::{page, votes};

use domain::Result;
use domain::access::Actor;
use domain::changes::{Change, State};
use engine::{ChangeFilter, Engine, PageRequest};

#[derive(Clone, Debug)]
pub struct ApprovalsData {
    /// This person may decide these now.
    pub waiting: Vec<Change>,
    /// These wait for others.
    pub others: Vec<Change>,
}

pub async fn load(engine: &Engine, actor: &Actor) -> Result<ApprovalsData> {
    let waiting = engine.waiting_for(actor).await?;
    let filter = ChangeFilter { states: vec![State::AwaitingApproval], ..ChangeFilter::default() };
    let all = engine.changes(actor, &filter, PageRequest::default()).await?.items;
    let others = all.into_iter().filter(|change| !waiting.iter().any(|mine| mine.id == change.id)).collect();
    Ok(ApprovalsData { waiting, others })
}
