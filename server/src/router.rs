//! Every address of the portal. A route that is not in one of these lists does not exist, and a test wants a row for each:
//! who may, and what those who may not are told.

use crate::portal::Portal;
use crate::problem::Problem;
use crate::web::{
    approvals, catalog, changes, freezes, holds, home, incidents, logs, oncall, pages as paging, preferences, sign_in, trains,
};
use crate::{api, guard, site, web};
use axum::Router;
use axum::extract::{Request, State};
use axum::handler::Handler;
use axum::middleware::from_fn_with_state;
use axum::response::Response;
use axum::routing::{MethodRouter, get, post};
use std::sync::OnceLock;
use tower_http::compression::{CompressionLayer, CompressionLevel};
use utoipa::openapi::OpenApi;

/// A page or a form: JSON has its list in [`api`].
pub struct Route {
    pub method: &'static str,
    pub path: &'static str,
    handler: MethodRouter<Portal>,
}

fn page<H: Handler<T, Portal>, T: 'static>(path: &'static str, handler: H) -> Route {
    Route { method: "GET", path, handler: get(handler) }
}

fn form<H: Handler<T, Portal>, T: 'static>(path: &'static str, handler: H) -> Route {
    Route { method: "POST", path, handler: post(handler) }
}

/// What needs a session; without one a page leads to signing in.
pub fn pages() -> Vec<Route> {
    vec![
        page("/", home::show),
        page("/components", catalog::components),
        page("/components/{component}", catalog::component),
        page("/components/{component}/logs", logs::show),
        page("/components/{component}/logs.txt", logs::download),
        page("/environments", catalog::environments),
        page("/environments/{environment}", catalog::environment),
        page("/changes", changes::list),
        page("/changes/new", changes::new),
        form("/changes/new", changes::ask),
        page("/changes/{id}", changes::show),
        form("/changes/{id}/approve", changes::approve),
        form("/changes/{id}/reject", changes::reject),
        form("/changes/{id}/abort", changes::abort),
        form("/changes/{id}/withdraw", changes::withdraw),
        form("/changes/{id}/break-glass", changes::break_glass),
        form("/changes/{id}/review", changes::review),
        form("/freezes", freezes::set),
        form("/freezes/{id}/lift", freezes::lift),
        page("/trains/new", trains::new),
        form("/trains/new", trains::ask),
        page("/trains/{id}", trains::show),
        form("/trains/{id}/approve", trains::approve),
        form("/trains/{id}/reject", trains::reject),
        form("/trains/{id}/abort", trains::abort),
        page("/approvals", approvals::show),
        form("/holds/{id}/lift", holds::lift),
        page("/on-call", oncall::show),
        form("/on-call/overrides", oncall::arrange),
        form("/on-call/overrides/{id}/undo", oncall::undo),
        form("/on-call/swaps", oncall::offer),
        form("/on-call/swaps/{id}/accept", oncall::accept),
        form("/on-call/swaps/{id}/decline", oncall::decline),
        form("/on-call/swaps/{id}/withdraw", oncall::withdraw),
        form("/on-call/calendar", oncall::calendar),
        page("/severity", incidents::severity),
        page("/incidents", incidents::list),
        form("/incidents", incidents::open),
        page("/incidents/{id}", incidents::show),
        form("/incidents/{id}/acknowledge", incidents::acknowledge),
        form("/incidents/{id}/resolve", incidents::resolve),
        form("/incidents/{id}/severity", incidents::regrade),
        form("/incidents/{id}/components", incidents::components),
        form("/incidents/{id}/comments", incidents::comment),
        page("/pages/new", paging::new),
        form("/pages/new", paging::send),
        page("/pages/{id}", paging::show),
        form("/pages/{id}/acknowledge", paging::acknowledge),
    ]
}

/// What everybody may open; forms all the same only from our own pages.
pub fn open_pages() -> Vec<Route> {
    vec![
        page("/sign-in", sign_in::show),
        form("/sign-in", sign_in::sign_in),
        form("/sign-out", sign_in::sign_out),
        form("/theme", preferences::theme),
    ]
}

fn routed(routes: Vec<Route>) -> Router<Portal> {
    routes.into_iter().fold(Router::new(), |router, route| router.route(route.path, route.handler))
}

pub fn router(portal: &Portal) -> Router {
    // 4 is quick enough to be done for each answer; files that are there compressed are sent as they are.
    let compressed = || CompressionLayer::new().quality(CompressionLevel::Precise(4));
    let api: Router<Portal> = api::routes().route_layer(from_fn_with_state(portal.clone(), guard::api)).into();
    let open: Router<Portal> = api::open_routes().into();
    let everything_else = Router::new().fallback(elsewhere).layer(compressed());
    Router::new()
        .merge(api.merge(open).layer(compressed()))
        .merge(routed(pages()).route_layer(from_fn_with_state(portal.clone(), guard::page)))
        .merge(routed(open_pages()).route_layer(from_fn_with_state(portal.clone(), guard::open_form)))
        .merge(everything_else)
        .method_not_allowed_fallback(wrong_method)
        .layer(from_fn_with_state(portal.clone(), guard::entry))
        .with_state(portal.clone())
}

/// The OpenAPI document of the routes above.
pub fn document() -> &'static OpenApi {
    static DOCUMENT: OnceLock<OpenApi> = OnceLock::new();
    DOCUMENT.get_or_init(|| api::openapi::complete(api::routes().merge(api::open_routes()).into_openapi()))
}

/// A static file, or nothing.
async fn elsewhere(State(portal): State<Portal>, request: Request) -> Response {
    let (path, headers) = (request.uri().path().to_owned(), request.headers().clone());
    if guard::is_machine(&path) {
        return guard::say(&portal, &path, Problem::unknown_route(&path));
    }
    if request.method().is_safe()
        && let Some(file) = site::serve(&portal.files, request).await
    {
        return file;
    }
    web::no_such_page(&portal, &headers, &path).await
}

async fn wrong_method(State(portal): State<Portal>, request: Request) -> Response {
    guard::say(&portal, request.uri().path(), Problem::method_not_allowed())
}
