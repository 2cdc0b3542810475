//! Home: what needs me, the matrix, what is under way.

mod closed;
mod needs;
mod page;

pub(crate) use page::page;

use domain::Result;
use domain::access::{Actor, PORTAL};
use domain::catalog::Catalog;
use domain::changes::{Change, Hold, Progress, Review, State, Train};
use domain::clusters::Matrix;
use domain::oncall::view::OnCallView;
use domain::pages::Page;
use engine::{ChangeFilter, Engine, PageRequest};
use std::sync::Arc;

#[derive(Clone, Debug)]
pub struct HomeData {
    pub matrix: Matrix,
    /// Approvals that this person may decide now.
    pub waiting: Vec<Change>,
    pub trains: Vec<Train>,
    /// This person was paged, and nobody has acknowledged it.
    pub pages: Vec<Page>,
    /// This person's changes that failed and that nothing has followed yet; newest first.
    pub failed: Vec<Change>,
    pub in_progress: Vec<(Change, Progress)>,
    /// Ended ones, newest first.
    pub recent: Vec<Change>,
    pub holds: Vec<Hold>,
    pub catalog: Arc<Catalog>,
    /// Of each rotation, now.
    pub on_call: Vec<OnCallView>,
    /// Of broken glasses, the first due first.
    pub reviews: Vec<Review>,
}

/// How many ended changes home shows.
const RECENT: usize = 6;
/// How many of the newest changes are looked through for failures of this person.
const LOOKED_AT: i64 = 40;

pub async fn load(engine: &Engine, actor: &Actor) -> Result<HomeData> {
    let open = ChangeFilter { states: open_states(), ..ChangeFilter::default() };
    let open = engine.changes(actor, &open, PageRequest::default()).await?.items;
    let newest = engine.changes(actor, &ChangeFilter::default(), PageRequest { cursor: None, limit: LOOKED_AT }).await?.items;
    Ok(HomeData {
        matrix: engine.matrix(actor).await?,
        waiting: engine.waiting_for(actor).await?,
        trains: engine.trains_waiting_for(actor).await?,
        pages: engine.pages_waiting_for(actor).await?,
        failed: failed_of(&actor.person.name, &newest),
        in_progress: open.into_iter().map(|change| (change.clone(), engine.progress(&change))).collect(),
        recent: newest.into_iter().filter(|change| change.state.is_terminal()).take(RECENT).collect(),
        holds: engine.holds(actor, None, None).await?,
        on_call: engine.on_call(actor, None, engine.now()).await?,
        catalog: engine.catalog(),
        reviews: engine.reviews(actor, false).await?,
    })
}

pub(crate) fn open_states() -> Vec<State> {
    State::ALL.into_iter().filter(|state| !state.is_terminal()).collect()
}

/// Failed and errored changes that this person asked for, unless a later change of the same cell exists. What is stuck, and what the
/// portal asked for by itself, waits for anybody; what is stuck until a later change has succeeded there.
fn failed_of(person: &str, newest_first: &[Change]) -> Vec<Change> {
    let bad = |change: &Change| matches!(change.state, State::Failed | State::Errored | State::Stuck);
    let same_cell = |a: &Change, b: &Change| a.plan.component == b.plan.component && a.plan.environment == b.plan.environment;
    newest_first
        .iter()
        .enumerate()
        .filter(|(at, change)| {
            let for_them = change.state == State::Stuck || [person, PORTAL].contains(&change.plan.requester.as_str());
            let answers = |later: &Change| change.state != State::Stuck || later.state == State::Succeeded;
            bad(change) && for_them && !newest_first[..*at].iter().any(|later| same_cell(later, change) && answers(later))
        })
        .map(|(_, change)| change.clone())
        .collect()
}
