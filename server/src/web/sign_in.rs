//! `/sign-in` and `/sign-out`: with a token, or in the demo with one click.

use super::form::Form;
use super::{html, status, theme};
use crate::guard;
use crate::origin::return_path;
use crate::portal::Portal;
use app::access::SignInData;
use axum::extract::{RawQuery, State};
use axum::response::{IntoResponse, Redirect, Response};
use domain::{Error, Result};
use http::header::SET_COOKIE;
use http::{HeaderMap, StatusCode};

/// A session ends after a day at the latest; the engine holds the truth, this only tidies up the browser.
const DAY_S: u32 = 86_400;

/// Where to sign in and come back from.
pub fn address(return_to: &str) -> String {
    match return_path(return_to) {
        "/" => "/sign-in".to_owned(),
        path => format!("/sign-in?{}", form_urlencoded::Serializer::new(String::new()).append_pair("return_to", path).finish()),
    }
}

pub async fn show(State(portal): State<Portal>, headers: HeaderMap, RawQuery(query): RawQuery) -> Response {
    let query = query.unwrap_or_default();
    let wanted = form_urlencoded::parse(query.as_bytes()).find(|(key, _)| key == "return_to").map(|(_, value)| value.into_owned());
    let back = return_path(wanted.as_deref().unwrap_or("/"));
    if guard::session(&portal, &headers).await.is_ok() {
        return Redirect::to(back).into_response();
    }
    form(&portal, &headers, back, None)
}

fn form(portal: &Portal, headers: &HeaderMap, return_to: &str, error: Option<Error>) -> Response {
    let status = error.as_ref().map_or(StatusCode::OK, status);
    // Whoever is just signing in is not helped by "sign in first".
    let unknown = || Error::forbidden("token_unknown", "This token is not known, or it is not valid any more.");
    let error = error.map(|error| if error == Error::Unauthenticated { unknown() } else { error });
    let data = SignInData { people: portal.engine.demo_people(), return_to: return_to.to_owned(), error };
    html(status, app::render::sign_in(&portal.site, theme(headers), &data))
}

pub async fn sign_in(State(portal): State<Portal>, headers: HeaderMap, posted: Form) -> Response {
    let back = return_path(posted.get("return_to"));
    match open(&portal, &posted).await {
        Ok(session) => {
            // Whoever was signed in before in this browser is not any more.
            close(&portal, &headers).await;
            ([(SET_COOKIE, cookie(&portal, &session, DAY_S))], Redirect::to(back)).into_response()
        }
        Err(error) => form(&portal, &headers, back, Some(error)),
    }
}

async fn open(portal: &Portal, posted: &Form) -> Result<String> {
    let (person, token) = (posted.get("person"), posted.get("token").trim());
    if !person.is_empty() {
        return Ok(portal.engine.open_demo_session(person).await?.0);
    }
    if token.is_empty() {
        return Err(Error::invalid("token", "expected a token; `devmatrix token create` makes one"));
    }
    Ok(portal.engine.open_session(token).await?.0)
}

pub async fn sign_out(State(portal): State<Portal>, headers: HeaderMap) -> Response {
    close(&portal, &headers).await;
    ([(SET_COOKIE, cookie(&portal, "", 0))], Redirect::to("/sign-in")).into_response()
}

async fn close(portal: &Portal, headers: &HeaderMap) {
    let Some(session) = guard::session_cookie(portal, headers) else { return };
    portal.sessions.forget_cookie(session);
    if let Err(error) = portal.engine.close_session(session).await {
        tracing::warn!(%error, "a session was not closed: it ends by its own time");
    }
    // A request that was on its way may have remembered it again.
    portal.sessions.forget_cookie(session);
}

fn cookie(portal: &Portal, value: &str, max_age_s: u32) -> String {
    let secure = if portal.origin.is_secure() { "; Secure" } else { "" };
    format!("{}={value}; HttpOnly; SameSite=Lax; Path=/; Max-Age={max_age_s}{secure}", portal.origin.cookie_name())
}
