//! `/theme`: how the pages look, kept in a cookie so that the first byte of HTML already has it.

use super::form::Form;
use crate::origin::return_path;
use crate::portal::Portal;
use app::Theme;
use axum::extract::State;
use axum::response::{IntoResponse, Redirect, Response};
use http::header::SET_COOKIE;

pub async fn theme(State(portal): State<Portal>, form: Form) -> Response {
    let (theme, secure) = (Theme::parse(form.get("theme")), if portal.origin.is_secure() { "; Secure" } else { "" });
    let cookie = format!("{}={}; Path=/; SameSite=Lax; Max-Age=31536000{secure}", Theme::COOKIE, theme.as_str());
    ([(SET_COOKIE, cookie)], Redirect::to(return_path(form.get("return_to")))).into_response()
}
