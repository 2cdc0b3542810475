//! `/pages`: the form that pages somebody, one page and its acknowledgement.

use super::asked::Asked;
use super::form::Form;
use crate::api::PathId;
use app::pages::PageForm;
use axum::extract::RawQuery;
use axum::response::{IntoResponse, Redirect, Response};
use domain::pages::Page;
use domain::{Error, Result};
use engine::Paging;
use std::collections::HashMap;

pub async fn new(asked: Asked, RawQuery(query): RawQuery) -> Response {
    let mut query: HashMap<String, String> = form_urlencoded::parse(query.unwrap_or_default().as_bytes()).into_owned().collect();
    let mut take = |name: &str| query.remove(name).unwrap_or_default();
    let form = PageForm { to: take("to"), reason: String::new(), incident: take("incident") };
    // Not kept: its key is good for one sending.
    match new_page(&asked, form, None).await {
        Ok(page) => super::html(http::StatusCode::OK, page),
        Err(error) => asked.error(&error).await,
    }
}

async fn new_page(asked: &Asked, form: PageForm, error: Option<Error>) -> Result<String> {
    let data = app::pages::load_new(&asked.portal.engine, &asked.actor, form, error).await?;
    Ok(app::render::new_page(&asked.portal.site, &asked.viewer().await?, &data, asked.now()))
}

pub async fn send(asked: Asked, form: Form) -> Response {
    let text = |name: &str| form.get(name).to_owned();
    let paging = Paging { to: text("to"), reason: text("reason"), incident: form.some("incident") };
    match asked.portal.engine.send_page(&asked.actor, paging, form.key()).await {
        Ok(made) => to(&made.made),
        Err(error) => {
            let again = PageForm { to: text("to"), reason: text("reason"), incident: text("incident") };
            asked.again(&error, new_page(&asked, again, Some(error.clone()))).await
        }
    }
}

pub async fn show(asked: Asked, id: Option<PathId>) -> Response {
    asked.cached(page(&asked, PathId::or_nothing(&id))).await
}

async fn page(asked: &Asked, id: Result<&str>) -> Result<String> {
    let data = app::pages::load(&asked.portal.engine, &asked.actor, id?).await?;
    Ok(app::render::page(&asked.portal.site, &asked.viewer().await?, &data, asked.now()))
}

pub async fn acknowledge(asked: Asked, id: Option<PathId>) -> Response {
    let done = async { asked.portal.engine.acknowledge_page(&asked.actor, PathId::or_nothing(&id)?).await };
    match done.await {
        Ok(page) => to(&page),
        Err(error) => asked.error(&error).await,
    }
}

fn to(page: &Page) -> Response {
    Redirect::to(&app::links::page(&page.label)).into_response()
}
