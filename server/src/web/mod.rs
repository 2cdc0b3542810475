//! Pages and forms. A page is loaded and rendered by `app`; a form calls the engine and leads back to a page (303), or
//! shows the same page again with what went wrong, its input kept.

pub mod approvals;
mod asked;
pub mod cache;
pub mod catalog;
pub mod changes;
mod form;
pub mod freezes;
pub mod holds;
pub mod home;
pub mod incidents;
pub mod logs;
pub mod oncall;
pub mod pages;
pub mod preferences;
pub mod sign_in;
pub mod trains;

use crate::portal::Portal;
use crate::problem::Problem;
use app::Theme;
use axum::response::{IntoResponse, Response};
use domain::Error;
use http::header::{CONTENT_TYPE, COOKIE, HeaderValue, RETRY_AFTER};
use http::{HeaderMap, StatusCode};

const HTML: HeaderValue = HeaderValue::from_static("text/html; charset=utf-8");

fn html(status: StatusCode, page: String) -> Response {
    (status, [(CONTENT_TYPE, HTML)], page).into_response()
}

/// The status that goes with an error.
fn status(error: &Error) -> StatusCode {
    StatusCode::from_u16(error.status()).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR)
}

/// A cookie's value, from however many Cookie headers there are.
pub fn cookie<'a>(headers: &'a HeaderMap, name: &str) -> Option<&'a str> {
    let all = headers.get_all(COOKIE).iter().filter_map(|value| value.to_str().ok());
    let mut pairs = all.flat_map(|value| value.split(';')).filter_map(|pair| pair.trim().split_once('='));
    pairs.find(|(key, _)| *key == name).map(|(_, value)| value)
}

fn theme(headers: &HeaderMap) -> Theme {
    cookie(headers, Theme::COOKIE).map(Theme::parse).unwrap_or_default()
}

/// No such page: said to whoever asks, in their theme, with their way back.
pub async fn no_such_page(portal: &Portal, headers: &HeaderMap, path: &str) -> Response {
    let theme = theme(headers);
    let viewer = match crate::guard::session(portal, headers).await {
        Ok(actor) => app::Viewer::load(&portal.engine, &actor, theme, path).await.ok(),
        Err(_) => None,
    };
    let page = app::render::error(&portal.site, viewer.as_ref(), theme, &Error::not_found("such page"), portal.engine.now());
    html(StatusCode::NOT_FOUND, page)
}

/// A refusal that came before it was known who asks.
pub fn problem_page(portal: &Portal, problem: &Problem) -> Response {
    let page = app::render::error(&portal.site, None, Theme::default(), &as_error(problem), portal.engine.now());
    let mut response = html(problem.status_code(), page);
    if let Some(seconds) = problem.retry_after_s {
        response.headers_mut().insert(RETRY_AFTER, HeaderValue::from(seconds));
    }
    response
}

/// The pages know the domain's errors only.
fn as_error(problem: &Problem) -> Error {
    match problem.status {
        404 => Error::not_found("such page"),
        403 | 429 => Error::forbidden(&problem.code, problem.detail.clone()),
        503 => Error::Unavailable { why: "The portal cannot be reached".to_owned() },
        500 => Error::Internal { incident: problem.detail.rsplit(' ').next().unwrap_or_default().trim_end_matches('.').to_owned() },
        _ => Error::invalid("request", problem.detail.clone()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_cookie_is_found_among_others() {
        let mut headers = HeaderMap::new();
        headers.append(COOKIE, "theme=dark; devmatrix=abc".parse().unwrap());
        headers.append(COOKIE, "other=1".parse().unwrap());
        assert_eq!(cookie(&headers, "devmatrix"), Some("abc"));
        assert_eq!(cookie(&headers, "other"), Some("1"));
        assert_eq!(cookie(&headers, "matrix"), None);
        assert_eq!(theme(&headers), Theme::Dark);
    }
}
