//! `/components/{component}/logs` and the same as a file. Lines are of this moment, so that no page of them is kept.

use super::asked::Asked;
use super::html;
use crate::api::PathName;
use app::logs::Wanted;
use axum::extract::RawQuery;
use axum::response::{IntoResponse, Response};
use domain::Result;
use domain::clusters::{LogLine, LogsWanted};
use domain::names::Name;
use http::StatusCode;
use http::header::{CONTENT_DISPOSITION, CONTENT_TYPE};

pub async fn show(asked: Asked, name: Option<PathName>, RawQuery(query): RawQuery) -> Response {
    match page(&asked, &name, query).await {
        Ok(page) => html(StatusCode::OK, page),
        Err(error) => asked.error(&error).await,
    }
}

async fn page(asked: &Asked, name: &Option<PathName>, query: Option<String>) -> Result<String> {
    let data = app::logs::load(&asked.portal.engine, &asked.actor, PathName::or_nothing(name)?, wanted(query)?).await?;
    Ok(app::render::logs(&asked.portal.site, &asked.viewer().await?, &data, asked.now()))
}

fn wanted(query: Option<String>) -> Result<Wanted> {
    Wanted::new(form_urlencoded::parse(query.unwrap_or_default().as_bytes()).into_owned().collect())
}

/// The newest lines as text, to be kept: as many as are ever given.
pub async fn download(asked: Asked, name: Option<PathName>, RawQuery(query): RawQuery) -> Response {
    match text(&asked, &name, query).await {
        Ok((file, text)) => {
            let disposition = format!("attachment; filename=\"{file}\"");
            ([(CONTENT_TYPE, "text/plain; charset=utf-8".to_owned()), (CONTENT_DISPOSITION, disposition)], text).into_response()
        }
        Err(error) => asked.error(&error).await,
    }
}

async fn text(asked: &Asked, name: &Option<PathName>, query: Option<String>) -> Result<(String, String)> {
    let component = Name::parse("component", PathName::or_nothing(name)?)?;
    let wanted = wanted(query)?.read(&component, LogsWanted::MOST)?;
    let logs = asked.portal.engine.logs(&asked.actor, &wanted).await?;
    let file = format!("{component}-{}.log", wanted.environment);
    Ok((file, logs.lines.iter().map(written).collect()))
}

fn written(line: &LogLine) -> String {
    format!("{} {} {} {}\n", line.at, or_dash(&line.pod), or_dash(&line.container), line.text)
}

fn or_dash(text: &str) -> &str {
    if text.is_empty() { "-" } else { text }
}
