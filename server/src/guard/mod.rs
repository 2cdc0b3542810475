//! What stands before every handler: [`entry`] for all requests, [`api`] and [`page`] for those that need a person.
//!
//! Invariant: no handler of the API or of a page runs without an `Extension<Actor>` that the engine vouched for within
//! the last second, and none that changes something runs for another site's page.

mod headers;
pub mod sessions;

use crate::limits::BODY_LIMIT;
use crate::portal::Portal;
use crate::problem::Problem;
use crate::web;
use axum::body::Body;
use axum::extract::{ConnectInfo, Request, State};
use axum::middleware::Next;
use axum::response::{IntoResponse, Redirect, Response};
use domain::access::{Actor, Scope};
use domain::{Error, Result};
use futures::{FutureExt, StreamExt};
use http::header::{AUTHORIZATION, CONTENT_LENGTH};
use http::{HeaderMap, Method};
use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::panic::AssertUnwindSafe;
use std::time::{Duration, Instant};

/// The outermost guard: sheds load, believes no foreign Host, reads no huge body, turns a panic into an answer, adds the
/// security headers, and writes the request's one log line.
pub async fn entry(State(portal): State<Portal>, request: Request, next: Next) -> Response {
    let began = Instant::now();
    let (method, path) = (request.method().clone(), request.uri().path().to_owned());
    let mut response = match refusal(&portal, &request) {
        Some(problem) => answer(&portal, problem, request).await,
        None => match portal.limits.enter() {
            Some(_place) => caught(&portal, request, next).await,
            None => say(&portal, &path, Problem::overloaded()),
        },
    };
    headers::add(&portal, response.headers_mut());
    log(&method, &path, &response, began.elapsed());
    response
}

fn refusal(portal: &Portal, request: &Request) -> Option<Problem> {
    if !portal.origin.believes_host(request.headers()) {
        return Some(Problem::wrong_host());
    }
    let length = request.headers().get(CONTENT_LENGTH).and_then(|value| value.to_str().ok()?.parse::<u64>().ok());
    length.filter(|length| *length > BODY_LIMIT as u64).map(|_| Problem::too_large(BODY_LIMIT))
}

/// Answers at once, and lets the body run out behind the answer: a connection that is closed on a writing client would
/// often lose the answer.
async fn answer(portal: &Portal, problem: Problem, request: Request) -> Response {
    let (parts, body) = request.into_parts();
    drain(body);
    say(portal, parts.uri.path(), problem)
}

/// The most that is thrown away of a refused body, in bytes, and for how long.
const DRAINED: usize = 32 * 1024 * 1024;
const DRAINED_FOR: Duration = Duration::from_secs(10);

pub fn drain(body: Body) {
    let throw_away = async move {
        let (mut chunks, mut seen) = (body.into_data_stream(), 0);
        while let Some(Ok(chunk)) = chunks.next().await {
            seen += chunk.len();
            if seen > DRAINED {
                break;
            }
        }
    };
    tokio::spawn(tokio::time::timeout(DRAINED_FOR, throw_away));
}

/// A panic in a handler is a defect of ours: the person gets an incident id, the log has the same.
async fn caught(portal: &Portal, request: Request, next: Next) -> Response {
    let path = request.uri().path().to_owned();
    match AssertUnwindSafe(next.run(request)).catch_unwind().await {
        Ok(response) => response,
        Err(_) => {
            let incident = uuid::Uuid::now_v7().simple().to_string();
            tracing::error!(incident, path, "a handler panicked");
            say(portal, &path, Error::Internal { incident }.into())
        }
    }
}

/// A problem in the language of whoever asked: JSON for the API, a page for people.
pub fn say(portal: &Portal, path: &str, problem: Problem) -> Response {
    if is_machine(path) { problem.into_response() } else { web::problem_page(portal, &problem) }
}

pub fn is_machine(path: &str) -> bool {
    path == "/api" || path.starts_with("/api/") || matches!(path, "/healthz" | "/readyz" | "/metrics")
}

/// Reads at debug, writes and refusals at info; never a query, a header or a body, so never a secret.
fn log(method: &Method, path: &str, response: &Response, took: Duration) {
    let (status, ms) = (response.status().as_u16(), took.as_millis() as u64);
    if method.is_safe() && status < 400 {
        tracing::debug!(%method, path, status, ms, "request");
    } else {
        tracing::info!(%method, path, status, ms, "request");
    }
}

/// Before the API: somebody known, by bearer token or by session.
pub async fn api(State(portal): State<Portal>, mut request: Request, next: Next) -> Response {
    let address = address(&request);
    let admitted = match feed_token(&request) {
        Some(token) => admit_feed(&portal, &token).await,
        None => admit_api(&portal, request.method(), request.headers(), address).await,
    };
    match admitted {
        Ok(actor) => {
            request.extensions_mut().insert(actor);
            next.run(request).await
        }
        Err(problem) => answer(&portal, problem, request).await,
    }
}

/// Calendar clients send no headers of ours: for a feed, and nothing else, the token may stand in the address.
fn feed_token(request: &Request) -> Option<String> {
    let is_feed = request.method() == Method::GET && request.uri().path().ends_with("/calendar.ics");
    if !is_feed || request.headers().contains_key(AUTHORIZATION) {
        return None;
    }
    let mut pairs = form_urlencoded::parse(request.uri().query().unwrap_or_default().as_bytes());
    pairs.find(|(key, _)| key == "token").map(|(_, token)| token.into_owned())
}

/// Addresses are written down in many places: a token that may do more than read does not belong into one.
async fn admit_feed(portal: &Portal, token: &str) -> std::result::Result<Actor, Problem> {
    let actor = portal.sessions.of_token(&portal.engine, token).await?;
    let reads_only = actor.scopes == [Scope::Read] || portal.engine.is_demo();
    if !reads_only {
        let why = "This token may do more than read: make one with `--scopes read` for a calendar's address.";
        return Err(Error::forbidden("not_a_feed_token", why).into());
    }
    Ok(Actor { scopes: actor.scopes.into_iter().filter(|scope| *scope == Scope::Read).collect(), ..actor })
}

async fn admit_api(portal: &Portal, method: &Method, headers: &HeaderMap, address: IpAddr) -> std::result::Result<Actor, Problem> {
    let changes = !method.is_safe();
    let by_cookie = !headers.contains_key(AUTHORIZATION) && session_cookie(portal, headers).is_some();
    if changes && by_cookie && !portal.origin.is_own_request(headers) {
        return Err(Problem::cross_site());
    }
    let actor = identify(portal, headers).await?;
    if changes {
        portal.limits.write(&actor.person.name, address).map_err(Problem::too_many)?;
    }
    Ok(actor)
}

/// Who asks, by bearer token or by session. A request with a token is the token's: its cookies do not count, so no page of
/// another site can have sent it.
pub async fn identify(portal: &Portal, headers: &HeaderMap) -> Result<Actor> {
    match headers.get(AUTHORIZATION) {
        Some(value) => {
            let token = value.to_str().ok().and_then(bearer).ok_or(Error::Unauthenticated)?;
            portal.sessions.of_token(&portal.engine, token).await
        }
        None => session(portal, headers).await,
    }
}

/// RFC 9110: the scheme's name is case-insensitive.
fn bearer(value: &str) -> Option<&str> {
    let (scheme, token) = value.split_once(' ')?;
    scheme.eq_ignore_ascii_case("bearer").then(|| token.trim())
}

/// Before the pages: a session, or the way to get one.
pub async fn page(State(portal): State<Portal>, mut request: Request, next: Next) -> Response {
    let safe = request.method().is_safe();
    match session(&portal, request.headers()).await {
        Ok(actor) => {
            if let Err(problem) = may_write(&portal, &request, &actor.person.name) {
                return answer(&portal, problem, request).await;
            }
            request.extensions_mut().insert(actor);
            next.run(request).await
        }
        Err(Error::Unauthenticated) => {
            let here = request.uri().path_and_query().map_or("/", |path| path.as_str()).to_owned();
            drain(request.into_body());
            Redirect::to(&web::sign_in::address(if safe { &here } else { "/" })).into_response()
        }
        Err(error) => answer(&portal, error.into(), request).await,
    }
}

/// Before the forms that nobody needs to be signed in for: signing in, signing out, the theme.
pub async fn open_form(State(portal): State<Portal>, request: Request, next: Next) -> Response {
    match may_write(&portal, &request, "") {
        Ok(()) => next.run(request).await,
        Err(problem) => answer(&portal, problem, request).await,
    }
}

fn may_write(portal: &Portal, request: &Request, person: &str) -> std::result::Result<(), Problem> {
    if request.method().is_safe() {
        return Ok(());
    }
    if !portal.origin.is_own_request(request.headers()) {
        return Err(Problem::cross_site());
    }
    portal.limits.write(person, address(request)).map_err(Problem::too_many)
}

/// Who the session's cookie says it is.
pub async fn session(portal: &Portal, headers: &HeaderMap) -> Result<Actor> {
    let cookie = session_cookie(portal, headers).ok_or(Error::Unauthenticated)?;
    portal.sessions.of_cookie(&portal.engine, cookie).await
}

pub fn session_cookie<'a>(portal: &Portal, headers: &'a HeaderMap) -> Option<&'a str> {
    web::cookie(headers, portal.origin.cookie_name())
}

fn address(request: &Request) -> IpAddr {
    let peer = request.extensions().get::<ConnectInfo<SocketAddr>>();
    peer.map_or(IpAddr::V4(Ipv4Addr::UNSPECIFIED), |peer| peer.0.ip())
}
