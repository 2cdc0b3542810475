//! Who is on call: lookup, handoffs, gaps, the ledger, calendar feeds.

use super::path::PathName;
use super::query::Query;
use super::{Answer, List};
use crate::portal::Portal;
use crate::problem::Problem;
use axum::extract::State;
use axum::response::{IntoResponse, Response};
use axum::{Extension, Json};
use domain::access::{Actor, Verb, authorize};
use domain::oncall::feed::Feed;
use domain::oncall::timeline::TimelineView;
use domain::oncall::view::{HandoffView, OnCallView};
use domain::oncall::{Participant, Rotation, Version};
use domain::{Error, Time};
use http::header::CONTENT_TYPE;
use serde::Serialize;
use utoipa::ToSchema;

/// A moment as a query has it.
pub(super) fn moment(query: &Query, name: &str) -> domain::Result<Option<Time>> {
    query.get(name).map(|text| when(name, text)).transpose()
}

pub(super) fn when(field: &str, text: &str) -> domain::Result<Time> {
    Time::parse(text).ok_or_else(|| Error::invalid(field, "expected an RFC 3339 time with its offset, such as 2026-12-25T03:00:00Z"))
}

fn needed(query: &Query, name: &str) -> domain::Result<Time> {
    moment(query, name)?.ok_or_else(|| Error::invalid(name, "expected an RFC 3339 time, such as 2026-12-25T03:00:00Z"))
}

/// A rotation, and how it is, was and will be turned.
#[derive(Serialize, ToSchema)]
#[schema(as = Rotation)]
pub struct RotationView {
    name: String,
    title: String,
    /// The version that holds now: its roles, in the order in which they are called.
    roles: Vec<String>,
    participants: Vec<String>,
    zone: String,
    every: String,
    calendar: Option<String>,
    versions: Vec<VersionView>,
}

#[derive(Serialize, ToSchema)]
#[schema(as = RotationVersion)]
pub struct VersionView {
    /// None: for all time before the next one.
    #[schema(value_type = Option<String>, format = DateTime)]
    effective_from: Option<Time>,
    zone: String,
    /// The local time of one handoff.
    handoff: String,
    every: String,
    roles: Vec<String>,
    participants: Vec<String>,
}

impl VersionView {
    fn of(version: &Version) -> VersionView {
        VersionView {
            effective_from: version.effective_from,
            zone: version.zone.name().to_owned(),
            handoff: version.anchor.to_string(),
            every: version.every.words(),
            roles: version.roles.clone(),
            participants: version.participants.iter().map(ToString::to_string).collect(),
        }
    }
}

impl RotationView {
    fn of(rotation: &Rotation, now: Time) -> Option<RotationView> {
        let current = VersionView::of(rotation.version(now)?);
        Some(RotationView {
            name: rotation.name.clone(),
            title: rotation.title.clone(),
            roles: current.roles,
            participants: current.participants,
            zone: current.zone,
            every: current.every,
            calendar: rotation.calendar.clone(),
            versions: rotation.versions.iter().map(VersionView::of).collect(),
        })
    }
}

/// The rotations with their roles and participants
#[utoipa::path(get, operation_id = "list_rotations", path = "/api/v1/rotations", tag = "on-call", responses((status = 200, body = List<RotationView>)))]
pub async fn rotations(State(portal): State<Portal>, Extension(actor): Extension<Actor>, query: Query) -> Answer<List<RotationView>> {
    authorize(&actor, Verb::Read)?;
    query.only(&[])?;
    let (catalog, now) = (portal.engine.catalog(), portal.engine.now());
    Ok(Json(List::whole(catalog.rotations.iter().filter_map(|rotation| RotationView::of(rotation, now)).collect())))
}

/// Who is on call: of one rotation, or a list with all.
#[derive(Serialize, ToSchema)]
#[serde(untagged)]
pub enum OnCallAnswer {
    One(OnCallView),
    All(List<OnCallView>),
}

/// Who is on call at a moment, past or future, and why
///
/// Without `at`: now. Without `rotation`: a list with all rotations. `because` is `base`, `override`, `swap` or `gap`.
#[utoipa::path(get, operation_id = "get_on_call", path = "/api/v1/on-call", tag = "on-call",
    params(("rotation" = Option<String>, Query, pattern = r"^([a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?)?$"), ("at" = Option<String>, Query, format = DateTime)),
    responses((status = 200, body = OnCallAnswer)))]
pub async fn on_call(State(portal): State<Portal>, Extension(actor): Extension<Actor>, query: Query) -> Answer<OnCallAnswer> {
    authorize(&actor, Verb::Read)?;
    let query = query.only(&["rotation", "at"])?;
    let at = moment(&query, "at")?.unwrap_or_else(|| portal.engine.now());
    let mut found = portal.engine.on_call(&actor, query.get("rotation"), at).await?;
    match query.get("rotation") {
        Some(_) => Ok(Json(OnCallAnswer::One(found.remove(0)))),
        None => Ok(Json(OnCallAnswer::All(List::whole(found)))),
    }
}

/// The stretches that touch `[from, until)`: whole, in order, nobody changes within one
#[utoipa::path(get, operation_id = "list_handoffs", path = "/api/v1/on-call/handoffs", tag = "on-call",
    params(("rotation" = String, Query, pattern = r"^[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?$"), ("from" = String, Query, format = DateTime), ("until" = String, Query, format = DateTime)),
    responses((status = 200, body = List<HandoffView>)))]
pub async fn handoffs(State(portal): State<Portal>, Extension(actor): Extension<Actor>, query: Query) -> Answer<List<HandoffView>> {
    authorize(&actor, Verb::Read)?;
    let query = query.only(&["rotation", "from", "until"])?;
    let rotation = query.get("rotation").ok_or_else(|| Error::invalid("rotation", "expected the name of a rotation"))?;
    let found = portal.engine.handoffs(&actor, rotation, needed(&query, "from")?, needed(&query, "until")?).await?;
    Ok(Json(List::whole(found)))
}

/// All that decides who is on call in a rotation at any moment
///
/// Its versions, the shifts that have begun, what people arranged, and whom each participant stands for. With the rules of the
/// zones that it names ([`zone`]), a client answers by itself.
#[utoipa::path(get, operation_id = "get_timeline", path = "/api/v1/rotations/{rotation}/timeline", tag = "on-call",
    params(("rotation" = String, Path, pattern = r"^[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?$")),
    responses((status = 200, body = TimelineView)))]
pub async fn timeline(
    State(portal): State<Portal>,
    Extension(actor): Extension<Actor>,
    PathName(name): PathName,
    query: Query,
) -> Answer<TimelineView> {
    authorize(&actor, Verb::Read)?;
    query.only(&[])?;
    Ok(Json(portal.engine.timeline(&actor, name.as_str()).await?))
}

/// The rules of a time zone's clocks
///
/// As TZif (RFC 9636), of the release of the IANA database that this portal answers by.
#[utoipa::path(get, operation_id = "get_zone", path = "/api/v1/zone", tag = "on-call",
    params(("name" = String, Query, description = "An IANA name: `Europe/Berlin`", max_length = 80)),
    responses((status = 200, description = "TZif", body = Vec<u8>, content_type = "application/tzif")))]
pub async fn zone(State(portal): State<Portal>, Extension(actor): Extension<Actor>, query: Query) -> Result<Response, Problem> {
    authorize(&actor, Verb::Read)?;
    let query = query.only(&["name"])?;
    let name = query.get("name").ok_or_else(|| Error::invalid("name", "expected an IANA name, such as Europe/Berlin"))?;
    let (_, rules) = portal.engine.zone_rules(&actor, name)?;
    Ok(([(CONTENT_TYPE, "application/tzif")], rules).into_response())
}

/// A stretch in which a role is nobody's.
#[derive(Serialize, ToSchema)]
pub struct Gap {
    role: String,
    #[schema(value_type = String, format = DateTime)]
    starts: Time,
    #[schema(value_type = String, format = DateTime)]
    ends: Time,
}

/// Roles that are nobody's in the half year ahead
#[utoipa::path(get, operation_id = "list_gaps", path = "/api/v1/rotations/{rotation}/gaps", tag = "on-call",
    params(("rotation" = String, Path, pattern = r"^[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?$"), ("from" = Option<String>, Query, format = DateTime)),
    responses((status = 200, body = List<Gap>)))]
pub async fn gaps(
    State(portal): State<Portal>,
    Extension(actor): Extension<Actor>,
    PathName(name): PathName,
    query: Query,
) -> Answer<List<Gap>> {
    authorize(&actor, Verb::Read)?;
    let query = query.only(&["from"])?;
    let from = moment(&query, "from")?.unwrap_or_else(|| portal.engine.now());
    let gaps = portal.engine.gaps(&actor, name.as_str(), from).await?;
    Ok(Json(List::whole(gaps.into_iter().map(|gap| Gap { role: gap.assignment.role, starts: gap.starts, ends: gap.ends }).collect())))
}

/// What being primary cost somebody, in whole seconds.
#[derive(Serialize, ToSchema)]
pub struct LedgerRow {
    /// `team:devops` or `olivia`; a team's hours are also the hours of each of its people.
    participant: String,
    total_s: i64,
    /// From 22:00 to 06:00.
    night_s: i64,
    weekend_s: i64,
    holiday_s: i64,
}

/// Hours on call as primary, by team and person: all, at night, at weekends, on holidays
#[utoipa::path(get, operation_id = "get_ledger", path = "/api/v1/rotations/{rotation}/ledger", tag = "on-call",
    params(("rotation" = String, Path, pattern = r"^[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?$"), ("from" = String, Query, format = DateTime), ("until" = String, Query, format = DateTime)),
    responses((status = 200, body = List<LedgerRow>)))]
pub async fn ledger(
    State(portal): State<Portal>,
    Extension(actor): Extension<Actor>,
    PathName(name): PathName,
    query: Query,
) -> Answer<List<LedgerRow>> {
    authorize(&actor, Verb::Read)?;
    let query = query.only(&["from", "until"])?;
    let loads = portal.engine.ledger(&actor, name.as_str(), needed(&query, "from")?, needed(&query, "until")?).await?;
    let row = |(who, load): (Participant, domain::oncall::ledger::Load)| LedgerRow {
        participant: who.to_string(),
        total_s: load.total_s,
        night_s: load.night_s,
        weekend_s: load.weekend_s,
        holiday_s: load.holiday_s,
    };
    Ok(Json(List::whole(loads.into_iter().map(row).collect())))
}

/// A calendar feed: of one rotation, or of one participant in it
///
/// One event for each stretch and filled role, from 4 weeks back to 52 ahead, in UTC, without recurrences. Calendar clients give a
/// token that only reads as `?token=`.
#[utoipa::path(get, operation_id = "get_rotation_calendar", path = "/api/v1/rotations/{rotation}/calendar.ics", tag = "on-call",
    params(("rotation" = String, Path, pattern = r"^[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?$"), ("participant" = Option<String>, Query, max_length = 80), ("token" = Option<String>, Query, max_length = 200)),
    responses((status = 200, description = "iCalendar", body = String, content_type = "text/calendar")))]
pub async fn rotation_calendar(
    State(portal): State<Portal>,
    Extension(actor): Extension<Actor>,
    PathName(name): PathName,
    query: Query,
) -> Result<Response, Problem> {
    authorize(&actor, Verb::Read)?;
    let query = query.only(&["participant", "token"])?;
    let of = query.get("participant").map(|text| Participant::from(text.to_owned()));
    calendar(&portal, &actor, Feed { of, rotation: Some(name.as_str().to_owned()) }).await
}

/// A calendar feed of a team or a person, over all rotations
#[utoipa::path(get, operation_id = "get_calendar", path = "/api/v1/on-call/calendar.ics", tag = "on-call",
    params(("participant" = String, Query, description = "`team:NAME`, or a person's name", max_length = 80), ("token" = Option<String>, Query, max_length = 200)),
    responses((status = 200, description = "iCalendar", body = String, content_type = "text/calendar")))]
pub async fn own_calendar(State(portal): State<Portal>, Extension(actor): Extension<Actor>, query: Query) -> Result<Response, Problem> {
    authorize(&actor, Verb::Read)?;
    let query = query.only(&["participant", "token"])?;
    let of = query.get("participant").ok_or_else(|| Error::invalid("participant", "expected team:NAME, or a person's name"))?;
    calendar(&portal, &actor, Feed { of: Some(Participant::from(of.to_owned())), rotation: None }).await
}

async fn calendar(portal: &Portal, actor: &Actor, feed: Feed) -> Result<Response, Problem> {
    let text = portal.engine.calendar_feed(actor, &feed).await?;
    Ok(([(CONTENT_TYPE, "text/calendar; charset=utf-8")], text).into_response())
}
