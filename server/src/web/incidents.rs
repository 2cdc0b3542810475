//! `/severity`, `/incidents`: the matrix, the list, one incident and what is done to it.

use super::asked::Asked;
use super::form::Form;
use crate::api::PathId;
use crate::api::incidents::states;
use app::incidents::{DueAsked, OpenForm};
use axum::extract::RawQuery;
use axum::response::{IntoResponse, Redirect, Response};
use domain::access::{Verb, authorize};
use domain::changes::reason;
use domain::incidents::Incident;
use domain::{Error, Result};
use engine::Opening;
use std::collections::HashMap;

fn parameters(query: Option<String>) -> HashMap<String, String> {
    form_urlencoded::parse(query.unwrap_or_default().as_bytes()).into_owned().filter(|(_, value)| !value.is_empty()).collect()
}

pub async fn severity(asked: Asked, RawQuery(query): RawQuery) -> Response {
    let mut query = parameters(query);
    let mut take = |name: &str| query.remove(name).unwrap_or_default();
    let due = DueAsked { level: take("level"), from: take("from"), team: take("team") };
    asked
        .cached(async {
            let data = app::incidents::load_severity(&asked.portal.engine, &asked.actor, due).await?;
            Ok(app::render::severity(&asked.portal.site, &asked.viewer().await?, &data, asked.now()))
        })
        .await
}

pub async fn list(asked: Asked, RawQuery(query): RawQuery) -> Response {
    let mut query = parameters(query);
    let (state, cursor) = (query.remove("state").unwrap_or_default(), query.remove("cursor"));
    asked.cached(list_page(&asked, state, cursor, (OpenForm::default(), None))).await
}

async fn list_page(asked: &Asked, state: String, cursor: Option<String>, form: (OpenForm, Option<Error>)) -> Result<String> {
    let wanted = states(Some(state.as_str()).filter(|state| !state.is_empty()))?;
    if cursor.as_ref().is_some_and(|cursor| cursor.parse::<i64>().is_err()) {
        return Err(Error::invalid("cursor", "expected the `next` of the part before"));
    }
    let data = app::incidents::load_list(&asked.portal.engine, &asked.actor, (state, wanted), cursor, form).await?;
    Ok(app::render::incidents(&asked.portal.site, &asked.viewer().await?, &data, asked.now()))
}

pub async fn open(asked: Asked, form: Form) -> Response {
    let text = |name: &str| form.get(name).to_owned();
    let done = async {
        authorize(&asked.actor, Verb::Respond)?;
        let components = form.some("component").into_iter().collect();
        let opening =
            Opening { title: text("title"), severity: text("severity"), components, summary: reason("summary", form.get("summary"))? };
        asked.portal.engine.open_incident(&asked.actor, opening, None).await
    };
    match done.await {
        Ok(made) => to(&made.made),
        Err(error) => {
            let again =
                OpenForm { title: text("title"), severity: text("severity"), component: text("component"), summary: text("summary") };
            let asked = asked.at("/incidents");
            asked.again(&error, list_page(&asked, String::new(), None, (again, Some(error.clone())))).await
        }
    }
}

pub async fn show(asked: Asked, id: Option<PathId>) -> Response {
    asked.cached(incident_page(&asked, PathId::or_nothing(&id), None)).await
}

async fn incident_page(asked: &Asked, id: Result<&str>, error: Option<Error>) -> Result<String> {
    let data = app::incidents::load(&asked.portal.engine, &asked.actor, id?, error).await?;
    Ok(app::render::incident(&asked.portal.site, &asked.viewer().await?, &data, asked.now()))
}

pub async fn acknowledge(asked: Asked, id: Option<PathId>) -> Response {
    let done = async { asked.portal.engine.acknowledge_incident(&asked.actor, PathId::or_nothing(&id)?).await };
    ended(&asked, &id, done.await).await
}

pub async fn resolve(asked: Asked, id: Option<PathId>, form: Form) -> Response {
    let done = async {
        let text = reason("text", form.get("text"))?;
        asked.portal.engine.resolve_incident(&asked.actor, PathId::or_nothing(&id)?, text).await
    };
    ended(&asked, &id, done.await).await
}

pub async fn regrade(asked: Asked, id: Option<PathId>, form: Form) -> Response {
    let done = async {
        let why = reason("reason", form.get("reason"))?;
        asked.portal.engine.regrade_incident(&asked.actor, PathId::or_nothing(&id)?, form.get("severity").to_owned(), why).await
    };
    ended(&asked, &id, done.await).await
}

/// All that are chosen, and no other.
pub async fn components(asked: Asked, id: Option<PathId>, form: Form) -> Response {
    let done = async { asked.portal.engine.set_incident_components(&asked.actor, PathId::or_nothing(&id)?, form.all("component")).await };
    ended(&asked, &id, done.await).await
}

pub async fn comment(asked: Asked, id: Option<PathId>, form: Form) -> Response {
    let done = async {
        let text = reason("text", form.get("text"))?;
        asked.portal.engine.comment_on_incident(&asked.actor, PathId::or_nothing(&id)?, text).await
    };
    ended(&asked, &id, done.await).await
}

async fn ended(asked: &Asked, id: &Option<PathId>, done: Result<Incident>) -> Response {
    match done {
        Ok(incident) => to(&incident),
        Err(error) => {
            // Live updates fetch the page as a GET would: without the act at the end.
            let asked = asked.at(asked.path.rsplit_once('/').map_or("/", |(page, _)| page));
            asked.again(&error, incident_page(&asked, PathId::or_nothing(id), Some(error.clone()))).await
        }
    }
}

fn to(incident: &Incident) -> Response {
    Redirect::to(&app::links::incident(&incident.label)).into_response()
}
