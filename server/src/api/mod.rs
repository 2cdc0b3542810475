//! The JSON API, version 1: `api.md` is its contract. One file per noun; each handler parses, calls the engine, and writes
//! down what it answered.

mod body;
mod catalog;
mod changes;
mod events;
mod freezes;
mod health;
mod holds;
pub mod incidents;
mod logs;
mod me;
mod oncall;
pub mod openapi;
mod overrides;
mod pages;
mod path;
mod query;
mod reviews;
mod trains;

pub use body::read as read_body;
pub use path::{PathId, PathName};

use crate::portal::Portal;
use crate::problem::Problem;
use serde::Serialize;
use utoipa::ToSchema;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

type Answer<T> = Result<axum::Json<T>, Problem>;

/// A part of a list; `next` is the cursor of the part after it.
#[derive(Serialize, ToSchema)]
pub struct List<T> {
    pub items: Vec<T>,
    pub next: Option<String>,
}

impl<T> List<T> {
    fn whole(items: Vec<T>) -> List<T> {
        List { items, next: None }
    }
}

/// What needs somebody who is signed in.
pub fn routes() -> OpenApiRouter<Portal> {
    OpenApiRouter::new()
        .routes(routes!(me::show))
        .routes(routes!(catalog::matrix))
        .routes(routes!(catalog::components))
        .routes(routes!(catalog::component))
        .routes(routes!(catalog::deployments))
        .routes(routes!(logs::lines))
        .routes(routes!(logs::events))
        .routes(routes!(catalog::environments))
        .routes(routes!(catalog::environment))
        .routes(routes!(changes::list, changes::create))
        .routes(routes!(changes::preview))
        .routes(routes!(changes::show))
        .routes(routes!(changes::explain))
        .routes(routes!(changes::approve))
        .routes(routes!(changes::reject))
        .routes(routes!(changes::abort))
        .routes(routes!(trains::list, trains::create))
        .routes(routes!(trains::preview))
        .routes(routes!(trains::show))
        .routes(routes!(trains::approve))
        .routes(routes!(trains::reject))
        .routes(routes!(trains::abort))
        .routes(routes!(changes::withdraw))
        .routes(routes!(changes::break_glass))
        .routes(routes!(freezes::list, freezes::set))
        .routes(routes!(freezes::lift))
        .routes(routes!(reviews::list))
        .routes(routes!(reviews::close))
        .routes(routes!(holds::list))
        .routes(routes!(holds::lift))
        .routes(routes!(oncall::rotations))
        .routes(routes!(oncall::on_call))
        .routes(routes!(oncall::handoffs))
        .routes(routes!(oncall::own_calendar))
        .routes(routes!(oncall::rotation_calendar))
        .routes(routes!(oncall::timeline))
        .routes(routes!(oncall::zone))
        .routes(routes!(oncall::gaps))
        .routes(routes!(oncall::ledger))
        .routes(routes!(overrides::list, overrides::create))
        .routes(routes!(overrides::preview))
        .routes(routes!(overrides::undo))
        .routes(routes!(overrides::swaps, overrides::offer))
        .routes(routes!(overrides::accept))
        .routes(routes!(overrides::decline))
        .routes(routes!(overrides::withdraw))
        .routes(routes!(incidents::severities))
        .routes(routes!(incidents::due))
        .routes(routes!(incidents::list, incidents::create))
        .routes(routes!(incidents::show))
        .routes(routes!(incidents::acknowledge))
        .routes(routes!(incidents::resolve))
        .routes(routes!(incidents::severity))
        .routes(routes!(incidents::components))
        .routes(routes!(incidents::comment))
        .routes(routes!(pages::list, pages::create))
        .routes(routes!(pages::show))
        .routes(routes!(pages::acknowledge))
        .routes(routes!(events::stream))
}

/// What anybody on the machine or in the cluster may ask.
pub fn open_routes() -> OpenApiRouter<Portal> {
    OpenApiRouter::new()
        .routes(routes!(health::alive))
        .routes(routes!(health::ready))
        .routes(routes!(health::metrics))
        .routes(routes!(openapi::show))
}
