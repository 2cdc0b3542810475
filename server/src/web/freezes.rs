//! `/freezes` and `/freezes/{id}/lift`

use super::asked::Asked;
use super::form::Form;
use crate::api::PathId;
use crate::origin::return_path;
use app::environments::FreezeTried;
use axum::response::{IntoResponse, Redirect, Response};
use domain::changes::freeze::{Freeze, Scope};
use domain::changes::reason;
use domain::names::Name;
use domain::{Error, Result, Time};
use engine::NewFreeze;

/// Back to the environment's page; or the same page again, with what stands in the way.
pub async fn set(asked: Asked, form: Form) -> Response {
    let environment = form.get("environment").to_owned();
    match freeze(&asked, &environment, &form).await {
        Ok(_) => Redirect::to(&format!("{}#freezes", app::links::environment(&environment))).into_response(),
        Err(error) => {
            let tried = FreezeTried {
                production: form.get("scope") == "production",
                until: form.get("until").to_owned(),
                reason: form.get("reason").to_owned(),
                error: error.clone(),
            };
            let asked = asked.at(&app::links::environment(&environment));
            asked.again(&error, page(&asked, &environment, tried)).await
        }
    }
}

async fn page(asked: &Asked, environment: &str, tried: FreezeTried) -> Result<String> {
    let data = app::environments::load(&asked.portal.engine, &asked.actor, environment, Some(tried)).await?;
    Ok(app::render::environment(&asked.portal.site, &asked.viewer().await?, &data, asked.now()))
}

async fn freeze(asked: &Asked, environment: &str, form: &Form) -> Result<Freeze> {
    let name = Name::parse("environment", environment)?;
    let scope = match form.get("scope") {
        "production" => Scope::Production,
        "" | "environment" => Scope::Environment(name.to_string()),
        _ => return Err(Error::invalid("scope", "expected `environment` or `production`")),
    };
    let engine = &asked.portal.engine;
    let until = match form.some("until") {
        None => None,
        Some(text) => {
            let zone = engine.policy(&asked.actor, name.as_str()).await?.zone;
            Some(Time::parse_local(&text, &zone).ok_or_else(|| Error::invalid("until", "expected a moment, such as 2026-12-20T18:00"))?)
        }
    };
    let new = NewFreeze { scope, reason: reason("reason", form.get("reason"))?, from: None, until, key: form.key() };
    engine.freeze(&asked.actor, new).await
}

pub async fn lift(asked: Asked, id: Option<PathId>, form: Form) -> Response {
    let back = return_path(form.get("return_to"));
    let done = async {
        let why = reason("reason", form.get("reason"))?;
        asked.portal.engine.lift_freeze(&asked.actor, PathId::or_nothing(&id)?, &why).await
    };
    match done.await {
        Ok(_) => Redirect::to(back).into_response(),
        Err(error) => asked.at(back).error(&error).await,
    }
}
