//! Environments: the list, and one environment with what is declared and what is observed in it.

mod bare;
mod inventory;
mod list;
mod page;

pub(crate) use list::page as list_page;
pub(crate) use page::page;

use domain::Result;
use domain::access::Actor;
use domain::changes::{Change, Hold};
use domain::clusters::{EnvironmentView, Matrix};
use engine::{ChangeFilter, Engine, PageRequest};

#[derive(Clone, Debug)]
pub struct EnvironmentsData {
    pub matrix: Matrix,
}

pub async fn load_list(engine: &Engine, actor: &Actor) -> Result<EnvironmentsData> {
    Ok(EnvironmentsData { matrix: engine.matrix(actor).await? })
}

#[derive(Clone, Debug)]
pub struct EnvironmentData {
    pub view: EnvironmentView,
    /// Of this environment.
    pub holds: Vec<Hold>,
    /// Its changes that have not ended.
    pub open: Vec<Change>,
}

pub async fn load(engine: &Engine, actor: &Actor, name: &str) -> Result<EnvironmentData> {
    let view = engine.environment(actor, name).await?;
    let open = ChangeFilter { environment: Some(name.to_owned()), states: crate::home::open_states(), ..ChangeFilter::default() };
    Ok(EnvironmentData {
        view,
        holds: engine.holds(actor, None, Some(name)).await?,
        open: engine.changes(actor, &open, PageRequest::default()).await?.items,
    })
}
