//! Components: the list, and one component in all its environments.

mod around;
mod happened;
mod list;
mod page;
pub(crate) mod panels;
mod pods;

pub(crate) use list::page as list_page;
pub(crate) use page::page;

use domain::Result;
use domain::access::Actor;
use domain::changes::{Change, Hold};
use domain::clusters::{ComponentView, Happenings, Matrix, PodsWanted};
use engine::{ChangeFilter, Engine, PageRequest};

#[derive(Clone, Debug)]
pub struct ComponentsData {
    pub matrix: Matrix,
    pub holds: Vec<Hold>,
    pub open: Vec<Change>,
}

pub async fn load_list(engine: &Engine, actor: &Actor) -> Result<ComponentsData> {
    let open = ChangeFilter { states: crate::home::open_states(), ..ChangeFilter::default() };
    Ok(ComponentsData {
        matrix: engine.matrix(actor).await?,
        holds: engine.holds(actor, None, None).await?,
        open: engine.changes(actor, &open, PageRequest::default()).await?.items,
    })
}

#[derive(Clone, Debug)]
pub struct ComponentData {
    pub view: ComponentView,
    /// For the gaps and for the state of what it depends on.
    pub matrix: Matrix,
    pub holds: Vec<Hold>,
    /// Its changes that have not ended.
    pub open: Vec<Change>,
    /// What each environment's cluster says of it, in the order of the view.
    pub happenings: Vec<Happenings>,
    /// Which of its pods are shown.
    pub pods: PodsWanted,
}

pub async fn load(engine: &Engine, actor: &Actor, name: &str, pods: PodsWanted) -> Result<ComponentData> {
    let view = engine.component(actor, name).await?;
    let mut happenings = Vec::new();
    for here in &view.environments {
        happenings.push(engine.happenings(actor, name, &here.environment.name).await?);
    }
    let open = ChangeFilter { component: Some(name.to_owned()), states: crate::home::open_states(), ..ChangeFilter::default() };
    Ok(ComponentData {
        view,
        matrix: engine.matrix(actor).await?,
        holds: engine.holds(actor, Some(name), None).await?,
        open: engine.changes(actor, &open, PageRequest::default()).await?.items,
        happenings,
        pods,
    })
}
