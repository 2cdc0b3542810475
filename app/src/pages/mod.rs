//! Paging somebody: the form for it, and one page with what became of it.

mod fresh;
mod page;

pub(crate) use fresh::page as fresh_page;
pub(crate) use page::page;

use domain::access::Actor;
use domain::catalog::Catalog;
use domain::incidents::Incident;
use domain::oncall::view::OnCallView;
use domain::pages::Page;
use domain::{Error, Result};
use engine::Engine;
use std::sync::Arc;

/// The form, as it came from outside.
#[derive(Clone, Debug, Default)]
pub struct PageForm {
    pub to: String,
    pub reason: String,
    pub incident: String,
}

#[derive(Clone, Debug)]
pub struct NewPageData {
    pub catalog: Arc<Catalog>,
    pub demo: bool,
    pub form: PageForm,
    /// Of each rotation, now.
    pub on_call: Vec<OnCallView>,
    /// Not resolved.
    pub incidents: Vec<Incident>,
    /// A fresh idempotency key: sending the form twice pages once.
    pub key: String,
    /// Why the form that was sent paged nobody.
    pub error: Option<Error>,
}

#[derive(Clone, Debug)]
pub struct PageData {
    pub catalog: Arc<Catalog>,
    pub page: Page,
}

pub async fn load_new(engine: &Engine, actor: &Actor, form: PageForm, error: Option<Error>) -> Result<NewPageData> {
    let (catalog, key) = (engine.catalog(), uuid::Uuid::now_v7().to_string());
    let on_call = engine.on_call(actor, None, engine.now()).await?;
    let incidents = engine.unresolved_incidents(actor).await?;
    Ok(NewPageData { catalog, demo: engine.is_demo(), form, on_call, incidents, key, error })
}

pub async fn load(engine: &Engine, actor: &Actor, id: &str) -> Result<PageData> {
    Ok(PageData { catalog: engine.catalog(), page: engine.page(actor, id).await? })
}
