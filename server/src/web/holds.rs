//! `/holds/{id}/lift`

use super::asked::Asked;
use super::form::Form;
use crate::api::PathId;
use crate::origin::return_path;
use axum::response::{IntoResponse, Redirect, Response};
use domain::changes::reason;

pub async fn lift(asked: Asked, id: Option<PathId>, form: Form) -> Response {
    let back = return_path(form.get("return_to"));
    let done = async {
        let why = reason("reason", form.get("reason"))?;
        asked.portal.engine.lift_hold(&asked.actor, PathId::or_nothing(&id)?, &why).await
    };
    match done.await {
        Ok(_) => Redirect::to(back).into_response(),
        Err(error) => asked.at(back).error(&error).await,
    }
}
