//! The JSON API, version 1: `api.md` is its contract. One file per noun; each handler parses, calls the engine, and writes
//! down what it answered.

mod body;
mod catalog;
mod changes;
mod events;
mod freezes;
mod health;
mod holds;
mod logs;
mod me;
pub mod openapi;
mod path;
mod query;
mod reviews;

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
        .routes(routes!(changes::approve))
        .routes(routes!(changes::reject))
        .routes(routes!(changes::abort))
        .routes(routes!(changes::withdraw))
        .routes(routes!(changes::break_glass))
        .routes(routes!(freezes::list, freezes::set))
        .routes(routes!(freezes::lift))
        .routes(routes!(reviews::list))
        .routes(routes!(reviews::close))
        .routes(routes!(holds::list))
        .routes(routes!(holds::lift))
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
