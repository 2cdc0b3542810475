//! `/on-call`: lookup, overrides and swaps, calendar links. What an override would change is said before it is saved.

use super::asked::Asked;
use super::form::Form;
use crate::api::PathId;
use app::oncall::{Asked as Wanted, OverrideForm, Told};
use axum::extract::RawQuery;
use axum::response::{IntoResponse, Redirect, Response};
use domain::access::{Verb, authorize};
use domain::changes::reason;
use domain::oncall::overrides::{SwapState, Window};
use domain::oncall::{self, Participant};
use domain::zone::Zone;
use domain::{Error, Result, Time};
use engine::oncall::Offer;
use std::collections::HashMap;

pub async fn show(asked: Asked, RawQuery(query): RawQuery) -> Response {
    let mut query: HashMap<String, String> = form_urlencoded::parse(query.unwrap_or_default().as_bytes()).into_owned().collect();
    let mut take = |name: &str| query.remove(name).unwrap_or_default();
    let form = OverrideForm { role: take("role"), starts: take("starts"), ends: take("ends"), ..OverrideForm::default() };
    let wanted = Wanted { rotation: take("rotation"), at: take("at"), zone: take("zone"), from: take("from"), form };
    asked.cached(page(&asked, wanted, Told::default())).await
}

async fn page(asked: &Asked, wanted: Wanted, told: Told) -> Result<String> {
    let data = app::oncall::load(&asked.portal.engine, &asked.actor, wanted, told).await?;
    Ok(app::render::on_call(&asked.portal.site, &asked.viewer().await?, &data, asked.now()))
}

/// The rotation and zone that a form was shown with.
fn shown_with(form: &Form) -> Wanted {
    Wanted { rotation: form.get("rotation").to_owned(), zone: form.get("zone").to_owned(), ..Wanted::default() }
}

fn back(form: &Form) -> Response {
    let parameters = [("rotation", form.get("rotation")), ("zone", form.get("zone"))];
    Redirect::to(&app::links::query("/on-call", &parameters)).into_response()
}

/// The zone in which a form's local times are meant.
fn zone(asked: &Asked, form: &Form) -> Result<Zone> {
    let catalog = asked.portal.engine.catalog();
    let own = catalog.rotation(form.get("rotation"))?.version(asked.now()).map_or_else(Zone::utc, |version| version.zone.clone());
    engine::oncall::zone_or("zone", form.get("zone"), &own)
}

fn moment(zone: &Zone, form: &Form, name: &str) -> Result<Time> {
    let text = form.get(name);
    // A lookup answers for it all the same; what people arrange by is to be what they mean.
    if zone.skips(text) {
        return Err(Error::invalid(name, format!("the clocks of {} jump over {text}: choose a time that is there", zone.name())));
    }
    zone.parse(text).ok_or_else(|| Error::invalid(name, "expected a date and a time, such as 2026-12-25T18:00"))
}

fn override_form(form: &Form) -> OverrideForm {
    let text = |name: &str| form.get(name).to_owned();
    OverrideForm {
        role: text("role"),
        participant: text("participant"),
        starts: text("starts"),
        ends: text("ends"),
        reason: text("reason"),
        words: Vec::new(),
    }
}

fn wanted_override(asked: &Asked, form: &Form) -> Result<oncall::Wanted> {
    let zone = zone(asked, form)?;
    Ok(oncall::Wanted {
        role: form.get("role").to_owned(),
        participant: Participant::from(form.get("participant").to_owned()),
        starts: moment(&zone, form, "starts")?,
        ends: moment(&zone, form, "ends")?,
        reason: reason("reason", form.get("reason"))?,
    })
}

/// Shows what it would change, or saves it.
pub async fn arrange(asked: Asked, form: Form) -> Response {
    let (engine, rotation) = (&asked.portal.engine, form.get("rotation"));
    let mut wanted = Wanted { form: override_form(&form), ..shown_with(&form) };
    let done = async {
        authorize(&asked.actor, Verb::Respond)?;
        let asked_for = wanted_override(&asked, &form)?;
        if form.get("step") == "save" {
            engine.arrange(&asked.actor, rotation, asked_for, None).await?;
            return Ok(None);
        }
        let preview = engine.preview_override(&asked.actor, rotation, asked_for).await?;
        match preview.overlaps {
            Some(_) => Err(Error::conflict(
                "override_overlaps",
                "Somebody has arranged a part of that time already: undo that first, or choose another time.",
            )),
            None => Ok(Some(preview.words)),
        }
    };
    match done.await {
        Ok(None) => back(&form),
        Ok(Some(words)) => {
            wanted.form.words = words;
            let asked = asked.at("/on-call");
            match page(&asked, wanted, Told::default()).await {
                Ok(page) => super::html(http::StatusCode::OK, page),
                Err(error) => asked.error(&error).await,
            }
        }
        Err(error) => {
            let told = Told { override_error: Some(error.clone()), ..Told::default() };
            let asked = asked.at("/on-call");
            asked.again(&error, page(&asked, wanted, told)).await
        }
    }
}

pub async fn undo(asked: Asked, id: Option<PathId>, form: Form) -> Response {
    let done = async {
        authorize(&asked.actor, Verb::Respond)?;
        asked.portal.engine.undo_override(&asked.actor, form.get("rotation"), PathId::or_nothing(&id)?).await
    };
    match done.await {
        Ok(_) => back(&form),
        Err(error) => asked.at("/on-call").error(&error).await,
    }
}

pub async fn offer(asked: Asked, form: Form) -> Response {
    let done = async {
        authorize(&asked.actor, Verb::Respond)?;
        let zone = zone(&asked, &form)?;
        let window = |starts: &str, ends: &str| -> Result<Window> {
            Ok(Window { starts: moment(&zone, &form, starts)?, ends: moment(&zone, &form, ends)? })
        };
        let offer = Offer {
            role: form.get("swap_role").to_owned(),
            with: Participant::from(form.get("with").to_owned()),
            give: window("give_starts", "give_ends")?,
            take: window("take_starts", "take_ends")?,
            reason: String::new(),
        };
        asked.portal.engine.offer_swap(&asked.actor, form.get("rotation"), offer, None).await
    };
    match done.await {
        Ok(_) => back(&form),
        Err(error) => {
            let told = Told { swap_error: Some(error.clone()), ..Told::default() };
            let asked = asked.at("/on-call");
            asked.again(&error, page(&asked, shown_with(&form), told)).await
        }
    }
}

pub async fn accept(asked: Asked, id: Option<PathId>, form: Form) -> Response {
    answer(asked, id, form, SwapState::Accepted).await
}

pub async fn decline(asked: Asked, id: Option<PathId>, form: Form) -> Response {
    answer(asked, id, form, SwapState::Declined).await
}

pub async fn withdraw(asked: Asked, id: Option<PathId>, form: Form) -> Response {
    answer(asked, id, form, SwapState::Withdrawn).await
}

async fn answer(asked: Asked, id: Option<PathId>, form: Form, answer: SwapState) -> Response {
    let done = async { asked.portal.engine.answer_swap(&asked.actor, PathId::or_nothing(&id)?, answer).await };
    match done.await {
        Ok(_) => back(&form),
        Err(error) => asked.at("/on-call").error(&error).await,
    }
}

/// Makes a token for calendar clients and shows their links, this once.
pub async fn calendar(asked: Asked, form: Form) -> Response {
    let asked = asked.at("/on-call");
    let made = async {
        let token = asked.portal.engine.feed_token(&asked.actor).await?;
        page(&asked, shown_with(&form), Told { feed_token: Some(token), ..Told::default() }).await
    };
    match made.await {
        Ok(page) => super::html(http::StatusCode::OK, page),
        Err(error) => asked.error(&error).await,
    }
}
