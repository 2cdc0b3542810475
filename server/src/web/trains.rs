//! `/trains`: choosing what goes together, one train, deciding on it.

use super::asked::Asked;
use super::form::Form;
use crate::api::PathId;
use app::changes::{Act, Tried};
use app::trains::TrainWanted;
use axum::extract::RawQuery;
use axum::response::{IntoResponse, Redirect, Response};
use domain::changes::{Train, reason};
use domain::{Error, Result};

pub async fn show(asked: Asked, id: Option<PathId>) -> Response {
    asked.cached(train_page(&asked, PathId::or_nothing(&id), None)).await
}

async fn train_page(asked: &Asked, id: Result<&str>, tried: Option<Tried>) -> Result<String> {
    let data = app::trains::load(&asked.portal.engine, &asked.actor, id?, tried).await?;
    Ok(app::render::train(&asked.portal.site, &asked.viewer().await?, &data, asked.now()))
}

pub async fn new(asked: Asked, RawQuery(query): RawQuery) -> Response {
    let mut wanted = TrainWanted::default();
    for (name, value) in form_urlencoded::parse(query.unwrap_or_default().as_bytes()) {
        match name.as_ref() {
            "environment" => wanted.environment = value.into_owned(),
            "component" => wanted.components.push(value.into_owned()),
            "chosen" => wanted.chosen = true,
            _ => {}
        }
    }
    wanted.chosen |= !wanted.components.is_empty();
    // The plans are made for this look at them: they call the cluster, so they are not kept.
    match new_page(&asked, wanted, None).await {
        Ok(page) => super::html(http::StatusCode::OK, page),
        Err(error) => asked.error(&error).await,
    }
}

async fn new_page(asked: &Asked, wanted: TrainWanted, error: Option<Error>) -> Result<String> {
    let data = app::trains::load_new(&asked.portal.engine, &asked.actor, wanted, error).await?;
    Ok(app::render::new_train(&asked.portal.site, &asked.viewer().await?, &data, asked.now()))
}

pub async fn ask(asked: Asked, form: Form) -> Response {
    let wanted = TrainWanted {
        environment: form.get("environment").to_owned(),
        from: form.get("from").to_owned(),
        components: form.all("component"),
        chosen: true,
        reason: form.get("reason").to_owned(),
    };
    match place(&asked, &wanted, &form).await {
        Ok(train) => to_train(&train),
        Err(error) => asked.again(&error, new_page(&asked, wanted, Some(error.clone()))).await,
    }
}

async fn place(asked: &Asked, wanted: &TrainWanted, form: &Form) -> Result<Train> {
    asked.portal.engine.ask_train(&asked.actor, &wanted.request()?, form.key()).await
}

pub async fn approve(asked: Asked, id: Option<PathId>, form: Form) -> Response {
    let done = async {
        let why = reason("reason", form.get("reason"))?;
        asked.portal.engine.approve_train(&asked.actor, PathId::or_nothing(&id)?, form.get("digest"), &why).await
    };
    decided(&asked, &id, &form, Act::Approve, done.await).await
}

pub async fn reject(asked: Asked, id: Option<PathId>, form: Form) -> Response {
    let done = async {
        let (why, digest) = (reason("reason", form.get("reason"))?, form.some("digest"));
        asked.portal.engine.reject_train(&asked.actor, PathId::or_nothing(&id)?, digest.as_deref(), &why).await
    };
    decided(&asked, &id, &form, Act::Reject, done.await).await
}

pub async fn abort(asked: Asked, id: Option<PathId>, form: Form) -> Response {
    let done = async {
        let why = reason("reason", form.get("reason"))?;
        asked.portal.engine.abort_train(&asked.actor, PathId::or_nothing(&id)?, &why).await
    };
    decided(&asked, &id, &form, Act::Abort, done.await).await
}

/// On to the train; or its page again, with what stands in the way beside the buttons.
async fn decided(asked: &Asked, id: &Option<PathId>, form: &Form, act: Act, done: Result<Train>) -> Response {
    match done {
        Ok(train) => to_train(&train),
        Err(error) => {
            let tried = Tried { act, error: error.clone(), reason: form.get("reason").to_owned() };
            // Live updates fetch the page as a GET would: without the act at the end.
            let asked = asked.at(asked.path.rsplit_once('/').map_or("/", |(page, _)| page));
            asked.again(&error, train_page(&asked, PathId::or_nothing(id), Some(tried))).await
        }
    }
}

fn to_train(train: &Train) -> Response {
    Redirect::to(&format!("/trains/{}", train.label())).into_response()
}
