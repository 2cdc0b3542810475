//! `/changes`: the queue, one change, asking for one, deciding on one.

use super::asked::Asked;
use super::form::Form;
use crate::api::PathId;
use app::changes::{Act, Filter, Tried, Wanted};
use axum::extract::RawQuery;
use axum::response::{IntoResponse, Redirect, Response};
use domain::changes::{Change, State, reason};
use domain::{Error, Result};
use std::collections::HashMap;

pub async fn list(asked: Asked, RawQuery(query): RawQuery) -> Response {
    asked
        .cached(async {
            let data = app::changes::load_list(&asked.portal.engine, &asked.actor, filter(parameters(query))?).await?;
            Ok(app::render::changes(&asked.portal.site, &asked.viewer().await?, &data, asked.now()))
        })
        .await
}

/// What is empty is not there.
pub(super) fn parameters(query: Option<String>) -> HashMap<String, String> {
    form_urlencoded::parse(query.unwrap_or_default().as_bytes()).into_owned().filter(|(_, value)| !value.is_empty()).collect()
}

/// An empty choice of a filter is no choice.
fn filter(mut query: HashMap<String, String>) -> Result<Filter> {
    let state = match query.remove("state") {
        None => None,
        Some(text) => Some(State::parse(&text).ok_or_else(|| Error::invalid("state", "expected a state of a change"))?),
    };
    Ok(Filter { environment: query.remove("environment"), component: query.remove("component"), state, cursor: query.remove("cursor") })
}

pub async fn show(asked: Asked, id: Option<PathId>) -> Response {
    asked.cached(change_page(&asked, PathId::or_nothing(&id), None)).await
}

async fn change_page(asked: &Asked, id: Result<&str>, tried: Option<Tried>) -> Result<String> {
    let data = app::changes::load(&asked.portal.engine, &asked.actor, id?, tried).await?;
    Ok(app::render::change(&asked.portal.site, &asked.viewer().await?, &data, asked.now()))
}

pub async fn new(asked: Asked, RawQuery(query): RawQuery) -> Response {
    let mut query = parameters(query);
    let mut take = |name: &str| query.remove(name);
    let wanted = Wanted {
        kind: take("kind").unwrap_or_default(),
        component: take("component").unwrap_or_default(),
        environment: take("environment").unwrap_or_default(),
        from: take("from"),
        to_revision: take("to_revision"),
        replicas: take("replicas"),
        pod: take("pod"),
        min: take("min"),
        max: take("max"),
        image: take("image"),
        authors: take("authors"),
        cron_job: take("cron_job"),
        restore_config: take("restore_config").is_some(),
        break_glass: take("break_glass").is_some(),
        reason: take("reason").unwrap_or_default(),
    };
    // A plan is made for this look at it: it calls the cluster, so it is not kept.
    match new_page(&asked, wanted, None).await {
        Ok(page) => super::html(http::StatusCode::OK, page),
        Err(error) => asked.error(&error).await,
    }
}

async fn new_page(asked: &Asked, wanted: Wanted, error: Option<Error>) -> Result<String> {
    let data = app::changes::load_new(&asked.portal.engine, &asked.actor, wanted, error).await?;
    Ok(app::render::new_change(&asked.portal.site, &asked.viewer().await?, &data, asked.now()))
}

pub async fn ask(asked: Asked, form: Form) -> Response {
    let wanted = Wanted {
        kind: form.get("kind").to_owned(),
        component: form.get("component").to_owned(),
        environment: form.get("environment").to_owned(),
        from: form.some("from"),
        to_revision: form.some("to_revision"),
        replicas: form.some("replicas"),
        pod: form.some("pod"),
        min: form.some("min"),
        max: form.some("max"),
        image: form.some("image"),
        authors: form.some("authors"),
        cron_job: form.some("cron_job"),
        restore_config: form.some("restore_config").is_some(),
        break_glass: form.some("break_glass").is_some(),
        reason: form.get("reason").to_owned(),
    };
    match place(&asked, &wanted, &form).await {
        Ok(change) => to_change(&change),
        Err(error) => asked.again(&error, new_page(&asked, wanted, Some(error.clone()))).await,
    }
}

async fn place(asked: &Asked, wanted: &Wanted, form: &Form) -> Result<Change> {
    Ok(asked.portal.engine.ask_by(&asked.actor, wanted.request()?, form.key(), wanted.way()).await?.change)
}

pub async fn approve(asked: Asked, id: Option<PathId>, form: Form) -> Response {
    let done = async {
        let why = reason("reason", form.get("reason"))?;
        asked.portal.engine.approve(&asked.actor, PathId::or_nothing(&id)?, form.get("digest"), &why).await
    };
    decided(&asked, &id, &form, Act::Approve, done.await).await
}

pub async fn reject(asked: Asked, id: Option<PathId>, form: Form) -> Response {
    let done = async {
        let (why, digest) = (reason("reason", form.get("reason"))?, form.some("digest"));
        asked.portal.engine.reject(&asked.actor, PathId::or_nothing(&id)?, digest.as_deref(), &why).await
    };
    decided(&asked, &id, &form, Act::Reject, done.await).await
}

pub async fn abort(asked: Asked, id: Option<PathId>, form: Form) -> Response {
    let done = async {
        let why = reason("reason", form.get("reason"))?;
        asked.portal.engine.abort(&asked.actor, PathId::or_nothing(&id)?, &why).await
    };
    decided(&asked, &id, &form, Act::Abort, done.await).await
}

pub async fn withdraw(asked: Asked, id: Option<PathId>, form: Form) -> Response {
    let done = async {
        let why = reason("reason", form.get("reason"))?;
        asked.portal.engine.withdraw(&asked.actor, PathId::or_nothing(&id)?, &why).await
    };
    decided(&asked, &id, &form, Act::Withdraw, done.await).await
}

pub async fn break_glass(asked: Asked, id: Option<PathId>, form: Form) -> Response {
    let done = async {
        let why = reason("reason", form.get("reason"))?;
        asked.portal.engine.break_glass(&asked.actor, PathId::or_nothing(&id)?, form.get("digest"), &why).await
    };
    decided(&asked, &id, &form, Act::BreakGlass, done.await).await
}

/// Closes the review of a change whose glass was broken.
pub async fn review(asked: Asked, id: Option<PathId>, form: Form) -> Response {
    let engine = &asked.portal.engine;
    let done = async {
        let note = reason("note", form.get("reason"))?;
        let review = engine.review_by_change(&asked.actor, PathId::or_nothing(&id)?).await?;
        engine.close_review(&asked.actor, &review.id, &note).await?;
        engine.change(&asked.actor, &review.change).await
    };
    decided(&asked, &id, &form, Act::Review, done.await).await
}

/// On to the change; or its page again, with what stands in the way beside the buttons.
async fn decided(asked: &Asked, id: &Option<PathId>, form: &Form, act: Act, done: Result<Change>) -> Response {
    match done {
        Ok(change) => to_change(&change),
        Err(error) => {
            let tried = Tried { act, error: error.clone(), reason: form.get("reason").to_owned() };
            // Live updates fetch the page as a GET would: without the act at the end.
            let asked = asked.at(asked.path.rsplit_once('/').map_or("/", |(page, _)| page));
            asked.again(&error, change_page(&asked, PathId::or_nothing(id), Some(tried))).await
        }
    }
}

fn to_change(change: &Change) -> Response {
    Redirect::to(&format!("/changes/{}", change.label())).into_response()
}
