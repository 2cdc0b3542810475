//! Environments: the list, and one environment with what is declared and what is observed in it.

mod bare;
mod inventory;
mod list;
mod page;
mod policy;

pub(crate) use list::page as list_page;
pub(crate) use page::page;

use domain::access::Actor;
use domain::changes::freeze::Freeze;
use domain::changes::{Change, Hold};
use domain::clusters::{EnvironmentView, Matrix};
use domain::{Error, Result};
use engine::{ChangeFilter, Engine, PageRequest, Policy};

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
    /// Its windows.
    pub policy: Policy,
    /// In force or to come.
    pub freezes: Vec<Freeze>,
    /// A fresh idempotency key: sending the form twice makes one freeze.
    pub key: String,
    pub tried: Option<FreezeTried>,
}

/// A freeze that was refused, with what was written.
#[derive(Clone, Debug)]
pub struct FreezeTried {
    pub production: bool,
    pub until: String,
    pub reason: String,
    pub error: Error,
}

pub async fn load(engine: &Engine, actor: &Actor, name: &str, tried: Option<FreezeTried>) -> Result<EnvironmentData> {
    let view = engine.environment(actor, name).await?;
    let open = ChangeFilter { environment: Some(name.to_owned()), states: crate::home::open_states(), ..ChangeFilter::default() };
    Ok(EnvironmentData {
        view,
        holds: engine.holds(actor, None, Some(name)).await?,
        open: engine.changes(actor, &open, PageRequest::default()).await?.items,
        policy: engine.policy(actor, name).await?,
        freezes: engine.freezes(actor, Some(name), false).await?,
        key: uuid::Uuid::now_v7().to_string(),
        tried,
    })
}
