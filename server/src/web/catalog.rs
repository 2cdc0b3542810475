//! `/components` and `/environments`

use super::asked::Asked;
use crate::api::PathName;
use axum::response::Response;

pub async fn components(asked: Asked) -> Response {
    asked
        .cached(async {
            let data = app::components::load_list(&asked.portal.engine, &asked.actor).await?;
            Ok(app::render::components(&asked.portal.site, &asked.viewer().await?, &data, asked.now()))
        })
        .await
}

pub async fn component(asked: Asked, name: Option<PathName>) -> Response {
    asked
        .cached(async {
            let data = app::components::load(&asked.portal.engine, &asked.actor, PathName::or_nothing(&name)?).await?;
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
