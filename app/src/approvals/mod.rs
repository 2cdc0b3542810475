//! Approvals: what waits for this person's decision, with its risk and its diff.

mod page;

pub(crate) use page::{page, votes};

use domain::Result;
use domain::access::Actor;
use domain::changes::{Change, State, Train};
use engine::{ChangeFilter, Engine, PageRequest};

#[derive(Clone, Debug)]
pub struct ApprovalsData {
    /// This person may decide these now.
    pub waiting: Vec<Change>,
    /// And these as a whole.
    pub trains: Vec<Train>,
    /// These wait for others.
    pub others: Vec<Change>,
}

pub async fn load(engine: &Engine, actor: &Actor) -> Result<ApprovalsData> {
    let waiting = engine.waiting_for(actor).await?;
    let trains = engine.trains_waiting_for(actor).await?;
    let filter = ChangeFilter { states: vec![State::AwaitingApproval], ..ChangeFilter::default() };
    let all = engine.changes(actor, &filter, PageRequest::default()).await?.items;
    let others =
        all.into_iter().filter(|change| !waiting.iter().any(|mine| mine.id == change.id) && !goes_along(change, &trains)).collect();
    Ok(ApprovalsData { waiting, trains, others })
}

fn goes_along(change: &Change, trains: &[Train]) -> bool {
    trains.iter().any(|train| train.changes.iter().any(|one| one.id == change.id))
}
