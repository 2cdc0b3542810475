//! Incidents and the severity matrix that they are graded by.

use super::body::{JsonObject, OptionalJsonObject, fields};
use super::changes::idempotency_key;
use super::path::PathId;
use super::query::Query;
use super::{Answer, List};
use crate::portal::Portal;
use crate::problem::Problem;
use axum::extract::State as Extract;
use axum::response::{IntoResponse, Response};
use axum::{Extension, Json};
use domain::access::{Actor, Verb, authorize};
use domain::changes::reason;
use domain::incidents::{Incident, Level, State};
use domain::names::shorten;
use domain::{Error, Time};
use engine::Opening;
use http::header::LOCATION;
use http::{HeaderMap, StatusCode};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

/// A level of the matrix.
#[derive(Serialize, ToSchema)]
#[schema(as = Severity)]
pub struct LevelView {
    level: String,
    title: String,
    /// Within how many seconds it must be answered; none: see `response`.
    response_s: Option<i64>,
    /// `15 minutes`, `next business day`
    response: String,
    example: String,
    /// Roles, in the order in which they are paged.
    pages: Vec<String>,
    /// Environments that an open one freezes.
    freezes: Vec<String>,
}

impl From<&Level> for LevelView {
    fn from(level: &Level) -> LevelView {
        LevelView {
            level: level.level.clone(),
            title: level.title.clone(),
            response_s: level.response.seconds(),
            response: level.response.words(),
            example: level.example.clone(),
            pages: level.pages.clone(),
            freezes: level.freezes.clone(),
        }
    }
}

/// The severity matrix, the most severe level first
#[utoipa::path(get, operation_id = "list_severities", path = "/api/v1/severities", tag = "incidents", responses((status = 200, body = List<LevelView>)))]
pub async fn severities(Extract(portal): Extract<Portal>, Extension(actor): Extension<Actor>, query: Query) -> Answer<List<LevelView>> {
    authorize(&actor, Verb::Read)?;
    query.only(&[])?;
    Ok(Json(List::whole(portal.engine.catalog().severities.iter().map(LevelView::from).collect())))
}

#[derive(Serialize, ToSchema)]
#[schema(as = Due)]
pub struct DueView {
    #[schema(value_type = String, format = DateTime)]
    due_at: Time,
    /// Of the business calendar that it was computed by; none for elapsed time.
    calendar_version: Option<String>,
}

/// When a problem of this level must be answered
#[utoipa::path(get, operation_id = "get_due", path = "/api/v1/severities/{level}/due", tag = "incidents",
    params(("level" = String, Path, description = "P0, P1, …"), ("from" = Option<String>, Query, description = "When it opened; without it now", format = DateTime),
        ("team" = Option<String>, Query, description = "Whose calendar counts", pattern = r"^([a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?)?$")),
    responses((status = 200, body = DueView)))]
pub async fn due(
    Extract(portal): Extract<Portal>,
    Extension(actor): Extension<Actor>,
    PathId(level): PathId,
    query: Query,
) -> Answer<DueView> {
    authorize(&actor, Verb::Read)?;
    let query = query.only(&["from", "team"])?;
    let from = super::oncall::moment(&query, "from")?.unwrap_or_else(|| portal.engine.now());
    let due = portal.engine.due(&actor, &level, from, query.get("team"))?;
    Ok(Json(DueView { due_at: due.at, calendar_version: due.calendar_version }))
}

/// Incidents, newest first
///
/// `state=open` is every one that nobody has resolved, answered or not.
#[utoipa::path(get, operation_id = "list_incidents", path = "/api/v1/incidents", tag = "incidents",
    params(("state" = Option<String>, Query, pattern = "^(open|acknowledged|resolved)?$"), ("cursor" = Option<String>, Query, pattern = "^[0-9]{0,18}$"),
        ("limit" = Option<i64>, Query, minimum = 1, maximum = 200)),
    responses((status = 200, body = List<Incident>)))]
pub async fn list(Extract(portal): Extract<Portal>, Extension(actor): Extension<Actor>, query: Query) -> Answer<List<Incident>> {
    authorize(&actor, Verb::Read)?;
    let query = query.only(&["state", "cursor", "limit"])?;
    let page = query.page()?;
    if page.cursor.as_ref().is_some_and(|cursor| cursor.parse::<i64>().is_err()) {
        return Err(Error::invalid("cursor", "expected the `next` of the part before").into());
    }
    let found = portal.engine.incidents(&actor, &states(query.get("state"))?, page).await?;
    Ok(Json(List { items: found.items, next: found.next }))
}

/// The states that a filter by this word means.
pub fn states(text: Option<&str>) -> domain::Result<Vec<State>> {
    match text.map(|text| State::parse(text).ok_or(text)) {
        None => Ok(Vec::new()),
        Some(Ok(State::Open)) => Ok(vec![State::Open, State::Acknowledged]),
        Some(Ok(state)) => Ok(vec![state]),
        Some(Err(text)) => {
            let known = State::NAMES.join(", ");
            Err(Error::invalid("state", format!("`{}` is not a state: expected one of {known}", shorten(text))))
        }
    }
}

/// One incident, by its id or its label
#[utoipa::path(get, operation_id = "get_incident", path = "/api/v1/incidents/{id}", tag = "incidents", params(("id" = String, Path, description = "An id, or a label: INC-12")),
    responses((status = 200, body = Incident)))]
pub async fn show(
    Extract(portal): Extract<Portal>,
    Extension(actor): Extension<Actor>,
    PathId(id): PathId,
    query: Query,
) -> Answer<Incident> {
    authorize(&actor, Verb::Read)?;
    query.only(&[])?;
    Ok(Json(portal.engine.incident(&actor, &id).await?))
}

#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = IncidentRequest)]
pub struct Opened {
    #[schema(min_length = 1, max_length = 200)]
    title: String,
    /// A level of the matrix.
    severity: String,
    #[serde(default)]
    #[schema(max_items = 50)]
    components: Vec<String>,
    #[serde(default)]
    #[schema(max_length = 2000, pattern = r"^[^\u0000-\u0008\u000B\u000C\u000E-\u001F\u007F-\u009F]*$")]
    summary: String,
}

/// Open an incident
///
/// When it must be answered is stored now, by the calendar of the first component's owner.
#[utoipa::path(post, operation_id = "open_incident", path = "/api/v1/incidents", tag = "incidents",
    params(("Idempotency-Key" = Option<String>, Header, min_length = 1, max_length = 200, pattern = "^[!-~]+$")),
    request_body = Opened, responses((status = 201, body = Incident, headers(("Location" = String, description = "The incident")))))]
pub async fn create(
    Extract(portal): Extract<Portal>,
    Extension(actor): Extension<Actor>,
    headers: HeaderMap,
    JsonObject { bytes, fields: body }: JsonObject,
) -> Result<Response, Problem> {
    authorize(&actor, Verb::Respond)?;
    let key = idempotency_key(&headers, &bytes)?;
    let Opened { title, severity, components, summary } = fields(body)?;
    let made = portal.engine.open_incident(&actor, Opening { title, severity, components, summary }, key).await?.made;
    let location = format!("/api/v1/incidents/{}", made.id);
    Ok((StatusCode::CREATED, [(LOCATION, location)], Json(made)).into_response())
}

/// Say that somebody is on it: the timer stops
#[utoipa::path(post, operation_id = "acknowledge_incident", path = "/api/v1/incidents/{id}/acknowledge", tag = "incidents", params(("id" = String, Path)),
    responses((status = 200, body = Incident)))]
pub async fn acknowledge(Extract(portal): Extract<Portal>, Extension(actor): Extension<Actor>, PathId(id): PathId) -> Answer<Incident> {
    Ok(Json(portal.engine.acknowledge_incident(&actor, &id).await?))
}

#[derive(Default, Deserialize, ToSchema)]
#[serde(deny_unknown_fields, default)]
#[schema(as = IncidentText)]
pub struct Said {
    #[schema(max_length = 2000, pattern = r"^[^\u0000-\u0008\u000B\u000C\u000E-\u001F\u007F-\u009F]*$")]
    text: String,
}

/// Say that it is over
#[utoipa::path(post, operation_id = "resolve_incident", path = "/api/v1/incidents/{id}/resolve", tag = "incidents", params(("id" = String, Path)),
    request_body = Option<Said>, responses((status = 200, body = Incident)))]
pub async fn resolve(
    Extract(portal): Extract<Portal>,
    Extension(actor): Extension<Actor>,
    PathId(id): PathId,
    OptionalJsonObject(body): OptionalJsonObject,
) -> Answer<Incident> {
    authorize(&actor, Verb::Respond)?;
    let Said { text } = fields(body)?;
    Ok(Json(portal.engine.resolve_incident(&actor, &id, reason("text", &text)?).await?))
}

#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = SeverityChange)]
pub struct Regraded {
    severity: String,
    #[serde(default)]
    #[schema(max_length = 2000, pattern = r"^[^\u0000-\u0008\u000B\u000C\u000E-\u001F\u007F-\u009F]*$")]
    reason: String,
}

/// Raise or lower the severity
///
/// The time to answer counts from the opening, at the new level. A breach that was recorded stays.
#[utoipa::path(post, operation_id = "change_severity", path = "/api/v1/incidents/{id}/severity", tag = "incidents", params(("id" = String, Path)),
    request_body = Regraded, responses((status = 200, body = Incident)))]
pub async fn severity(
    Extract(portal): Extract<Portal>,
    Extension(actor): Extension<Actor>,
    PathId(id): PathId,
    JsonObject { fields: body, .. }: JsonObject,
) -> Answer<Incident> {
    authorize(&actor, Verb::Respond)?;
    let asked: Regraded = fields(body)?;
    Ok(Json(portal.engine.regrade_incident(&actor, &id, asked.severity, reason("reason", &asked.reason)?).await?))
}

#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = IncidentComponents)]
pub struct About {
    /// All of them: what is not here is taken away.
    #[schema(max_items = 50)]
    components: Vec<String>,
}

/// Say which components it is about
///
/// From now on the owner of the first one counts as the team. When it must be answered does not move.
#[utoipa::path(post, operation_id = "set_incident_components", path = "/api/v1/incidents/{id}/components", tag = "incidents", params(("id" = String, Path)),
    request_body = About, responses((status = 200, body = Incident)))]
pub async fn components(
    Extract(portal): Extract<Portal>,
    Extension(actor): Extension<Actor>,
    PathId(id): PathId,
    JsonObject { fields: body, .. }: JsonObject,
) -> Answer<Incident> {
    authorize(&actor, Verb::Respond)?;
    let About { components } = fields(body)?;
    Ok(Json(portal.engine.set_incident_components(&actor, &id, components).await?))
}

#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = IncidentComment)]
pub struct Comment {
    #[schema(min_length = 1, max_length = 2000)]
    text: String,
}

/// Add a comment to the story
#[utoipa::path(post, operation_id = "comment_on_incident", path = "/api/v1/incidents/{id}/comments", tag = "incidents", params(("id" = String, Path)),
    request_body = Comment, responses((status = 201, body = Incident)))]
pub async fn comment(
    Extract(portal): Extract<Portal>,
    Extension(actor): Extension<Actor>,
    PathId(id): PathId,
    JsonObject { fields: body, .. }: JsonObject,
) -> Result<Response, Problem> {
    authorize(&actor, Verb::Respond)?;
    let Comment { text } = fields(body)?;
    let incident = portal.engine.comment_on_incident(&actor, &id, reason("text", &text)?).await?;
    Ok((StatusCode::CREATED, Json(incident)).into_response())
}
