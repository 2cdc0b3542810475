//! `/`

use super::asked::Asked;
use axum::response::Response;

pub async fn show(asked: Asked) -> Response {
    asked
        .cached(async {
            let data = app::home::load(&asked.portal.engine, &asked.actor).await?;
            Ok(app::render::home(&asked.portal.site, &asked.viewer().await?, &data, asked.now()))
        })
        .await
}
