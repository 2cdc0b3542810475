//! `/components` and `/environments`

use super::asked::Asked;
use super::changes::parameters;
use crate::api::PathName;
use axum::extract::RawQuery;
use axum::response::Response;
use domain::clusters::PodsWanted;

pub async fn components(asked: Asked) -> Response {
    asked
        .cached(async {
            let data = app::components::load_list(&asked.portal.engine, &asked.actor).await?;
            Ok(app::render::components(&asked.portal.site, &asked.viewer().await?, &data, asked.now()))
        })
        .await
}

pub async fn component(asked: Asked, name: Option<PathName>, RawQuery(query): RawQuery) -> Response {
    asked
        .cached(async {
            let query = parameters(query);
            let pods = PodsWanted::read(|name| query.get(name).map(String::as_str))?;
            let data = app::components::load(&asked.portal.engine, &asked.actor, PathName::or_nothing(&name)?, pods).await?;
            Ok(app::render::component(&asked.portal.site, &asked.viewer().await?, &data, asked.now()))
        })
        .await
}

pub async fn environments(asked: Asked) -> Response {
    asked
        .cached(async {
            let data = app::environments::load_list(&asked.portal.engine, &asked.actor).await?;
            Ok(app::render::environments(&asked.portal.site, &asked.viewer().await?, &data, asked.now()))
        })
        .await
}

pub async fn environment(asked: Asked, name: Option<PathName>) -> Response {
    asked
        .cached(async {
            let data = app::environments::load(&asked.portal.engine, &asked.actor, PathName::or_nothing(&name)?, None).await?;
            Ok(app::render::environment(&asked.portal.site, &asked.viewer().await?, &data, asked.now()))
        })
        .await
}
