//! A request for a page: by whom, in which theme, for which path, in which encoding.

use super::cache::{Encoding, Key};
use super::{html, status, theme};
use crate::portal::Portal;
use app::{Theme, Viewer};
use axum::extract::FromRequestParts;
use axum::response::Response;
use domain::access::Actor;
use domain::{Error, Result, Time};
use http::StatusCode;
use http::request::Parts;

#[derive(Clone)]
pub struct Asked {
    pub portal: Portal,
    pub actor: Actor,
    pub theme: Theme,
    /// Path and query.
    pub path: String,
    encoding: Encoding,
}

impl FromRequestParts<Portal> for Asked {
    type Rejection = Response;

    async fn from_request_parts(parts: &mut Parts, portal: &Portal) -> Result<Asked, Response> {
        let theme = theme(&parts.headers);
        let Some(actor) = parts.extensions.get::<Actor>().cloned() else {
            return Err(super::problem_page(portal, &Error::Unauthenticated.into()));
        };
        let path = parts.uri.path_and_query().map_or("/", |path| path.as_str()).to_owned();
        Ok(Asked { portal: portal.clone(), actor, theme, path, encoding: Encoding::accepted(&parts.headers) })
    }
}

impl Asked {
    /// The same person at another page.
    pub fn at(&self, path: &str) -> Asked {
        Asked { path: path.to_owned(), ..self.clone() }
    }

    pub fn now(&self) -> Time {
        self.portal.engine.now()
    }

    pub async fn viewer(&self) -> Result<Viewer> {
        Viewer::load(&self.portal.engine, &self.actor, self.theme, &self.path).await
    }

    /// The page that `make` renders, or the same one from a moment ago when nothing has changed since.
    pub async fn cached(&self, make: impl Future<Output = Result<String>>) -> Response {
        let key = Key::of(&self.path, &self.actor, self.theme);
        let version = self.portal.engine.shown_version().await;
        match self.portal.pages.get(key, version, make).await {
            Ok(page) => page.response(self.encoding).await,
            Err(error) => self.error(&error).await,
        }
    }

    /// The page that a refused form shows again.
    pub async fn again(&self, error: &Error, make: impl Future<Output = Result<String>>) -> Response {
        match make.await {
            Ok(page) => html(status(error), page),
            // What stands in the way of the page (it is not there, say) is behind the refusal as well.
            Err(_) => self.error(error).await,
        }
    }

    pub async fn error(&self, error: &Error) -> Response {
        let viewer = self.viewer().await.ok();
        let page = app::render::error(&self.portal.site, viewer.as_ref(), self.theme, error, self.now());
        let mut response = html(status(error), page);
        if response.status() == StatusCode::SERVICE_UNAVAILABLE {
            response.headers_mut().insert(http::header::RETRY_AFTER, crate::problem::RETRY_S.into());
        }
        response
    }
}
