//! Path parameters. What is not even a name cannot be there: a 404, like everything else that is not there.

use crate::problem::Problem;
use axum::extract::{FromRequestParts, OptionalFromRequestParts, Path};
use domain::Error;
use domain::names::{Name, shorten};
use http::request::Parts;
use std::convert::Infallible;

/// The one parameter of a path, as a component's or environment's name.
pub struct PathName(pub Name);

/// The one parameter of a path, as an id or a change's label: `CH-12`.
pub struct PathId(pub String);

impl<S: Send + Sync> FromRequestParts<S> for PathName {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<PathName, Problem> {
        let text = one(parts, state).await?;
        Name::try_from(text.clone()).map(PathName).map_err(|_| nothing(&text))
    }
}

impl<S: Send + Sync> FromRequestParts<S> for PathId {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<PathId, Problem> {
        let text = one(parts, state).await?;
        if is_id(&text) { Ok(PathId(text)) } else { Err(nothing(&text)) }
    }
}

/// A rotation's name, and the id of something that it has.
pub struct PathNameAndId(pub Name, pub String);

impl<S: Send + Sync> FromRequestParts<S> for PathNameAndId {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<PathNameAndId, Problem> {
        let both = <Path<(String, String)> as FromRequestParts<S>>::from_request_parts(parts, state).await;
        let Path((name, id)) = both.map_err(|_| nothing("such address"))?;
        if !is_id(&id) {
            return Err(nothing(&id));
        }
        Name::try_from(name.clone()).map(|name| PathNameAndId(name, id)).map_err(|_| nothing(&name))
    }
}

fn is_id(text: &str) -> bool {
    text.len() <= 64 && text.bytes().all(|c| c.is_ascii_alphanumeric() || c == b'-' || c == b'_')
}

/// For pages, which answer with a page: what could not be a name is not there.
impl<S: Send + Sync> OptionalFromRequestParts<S> for PathName {
    type Rejection = Infallible;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Option<PathName>, Infallible> {
        Ok(<PathName as FromRequestParts<S>>::from_request_parts(parts, state).await.ok())
    }
}

impl<S: Send + Sync> OptionalFromRequestParts<S> for PathId {
    type Rejection = Infallible;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Option<PathId>, Infallible> {
        Ok(<PathId as FromRequestParts<S>>::from_request_parts(parts, state).await.ok())
    }
}

impl PathName {
    pub fn or_nothing(name: &Option<PathName>) -> domain::Result<&str> {
        name.as_ref().map(|name| name.0.as_str()).ok_or_else(|| Error::not_found("such page"))
    }
}

impl PathId {
    pub fn or_nothing(id: &Option<PathId>) -> domain::Result<&str> {
        id.as_ref().map(|id| id.0.as_str()).ok_or_else(|| Error::not_found("such page"))
    }
}

async fn one<S: Send + Sync>(parts: &mut Parts, state: &S) -> Result<String, Problem> {
    // Bytes that are not UTF-8 name nothing either.
    <Path<String> as FromRequestParts<S>>::from_request_parts(parts, state)
        .await
        .map(|Path(text)| text)
        .map_err(|_| nothing("such address"))
}

fn nothing(text: &str) -> Problem {
    Error::not_found(format!("`{}`", shorten(text))).into()
}
