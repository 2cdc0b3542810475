//! What the pods of a component say, and what the cluster says of them.
//!
//! Invariant: a stream ends within about a second of its session or token, and at once when the portal stops.

use super::events::{KEEP_ALIVE, is_welcome};
use super::path::PathName;
use super::query::Query;
use super::{Answer, List};
use crate::guard::sessions::REMEMBERED;
use crate::portal::Portal;
use crate::problem::Problem;
use axum::extract::State;
use axum::response::sse::{Event, KeepAlive, Sse};
use axum::response::{IntoResponse, Response};
use axum::{Extension, Json};
use domain::access::{Actor, Verb, authorize};
use domain::clusters::logs::yes_or_no;
use domain::clusters::{Happening, LogLine, LogsWanted, Moment};
use domain::names::Name;
use domain::{Error, Result};
use engine::logs::Follow;
use futures::{StreamExt, stream};
use http::HeaderMap;
use std::convert::Infallible;
use tokio::sync::OwnedSemaphorePermit;

/// What a browser says when it opens a stream again: the stamp of the last line that it has.
const LAST: &str = "last-event-id";
/// Lines of other pods that were a little older may have been on their way: whoever reads again drops what it has.
const OVERLAP_S: i64 = 2;

/// The newest lines of all pods of a component, merged by time
///
/// Oldest first. `kind` is `line`, or the portal's own word: `joined`, `ended`, `trouble`, `left_out`. With `follow=true` the
/// answer is a stream that does not end by itself: `event: line`, `id` the line's stamp, `data` the line. Lines are read from
/// the cluster; `text` looks through the newest 5,000 of each container. A stream that is opened again goes on for each container
/// where `after` says, `POD/CONTAINER@STAMP,…` of the last lines that one has: these come once more, none is lost. For other
/// containers, and with only a `Last-Event-ID`, one time counts for all, and the clocks of nodes differ.
#[utoipa::path(get, operation_id = "read_logs", path = "/api/v1/components/{component}/logs", tag = "logs",
    params(("component" = String, Path, pattern = r"^[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?$"), ("environment" = String, Query, pattern = r"^[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?$"),
        ("tail" = Option<i64>, Query, minimum = 1, maximum = 5000), ("container" = Option<String>, Query, pattern = r"^([a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?)?$"),
        ("text" = Option<String>, Query, max_length = 200), ("previous" = Option<bool>, Query), ("since" = Option<String>, Query, format = DateTime),
        ("after" = Option<String>, Query), ("follow" = Option<bool>, Query)),
    responses((status = 200, description = "The lines, or a stream of them", content((List<LogLine> = "application/json"), (String = "text/event-stream")))))]
pub async fn lines(
    State(portal): State<Portal>,
    Extension(actor): Extension<Actor>,
    PathName(name): PathName,
    headers: HeaderMap,
    query: Query,
) -> Result<Response, Problem> {
    // Who may not read is not told what is wrong with the question.
    authorize(&actor, Verb::Read)?;
    let query = query.only(&["environment", "tail", "container", "text", "previous", "since", "after", "follow"])?;
    let mut wanted = LogsWanted::read(name, LogsWanted::TAIL, |name| query.get(name))?;
    if !query.get("follow").map_or(Ok(false), |text| yes_or_no("follow", text))? {
        let logs = portal.engine.logs(&actor, &wanted).await?;
        return Ok(Json(List::whole(logs.lines)).into_response());
    }
    if wanted.previous {
        return Err(Error::invalid("previous", "a run that has ended cannot be followed").into());
    }
    wanted.since = wanted.since.max(last(&headers));
    let place = portal.limits.open_stream().ok_or_else(Problem::overloaded)?;
    let follow = portal.engine.follow_logs(&actor, wanted).await?;
    Ok(stream(Listener { portal, headers, follow, _place: place }))
}

fn last(headers: &HeaderMap) -> Option<Moment> {
    let text = headers.get(LAST)?.to_str().ok()?;
    Moment::parse(text).map(|at| at.minus_seconds(OVERLAP_S))
}

struct Listener {
    portal: Portal,
    headers: HeaderMap,
    follow: Follow,
    _place: OwnedSemaphorePermit,
}

fn stream(listener: Listener) -> Response {
    let batches = stream::unfold(listener, |mut listener| async move { Some((listener.next().await?, listener)) });
    let events = batches.flat_map(|lines| stream::iter(lines.into_iter().filter_map(told))).map(Ok::<_, Infallible>);
    Sse::new(events).keep_alive(KeepAlive::new().interval(KEEP_ALIVE)).into_response()
}

impl Listener {
    /// What to send next; nothing when the stream is over.
    async fn next(&mut self) -> Option<Vec<LogLine>> {
        let stopping = self.portal.stopping.clone();
        loop {
            tokio::select! {
                () = stopping.cancelled() => return None,
                () = tokio::time::sleep(REMEMBERED) => {}
                lines = self.follow.next() => return match lines {
                    Some(_) if !is_welcome(&self.portal, &self.headers).await => None,
                    lines => lines,
                },
            }
            if !is_welcome(&self.portal, &self.headers).await {
                return None;
            }
        }
    }
}

fn told(line: LogLine) -> Option<Event> {
    let data = serde_json::to_string(&line).ok()?;
    Some(Event::default().event("line").id(line.at.to_string()).data(data))
}

/// What the cluster says of a component: Kubernetes Events of its workload, its ReplicaSets and its pods, newest first
///
/// From memory: the newest 500 of the namespace.
#[utoipa::path(get, operation_id = "list_kubernetes_events", path = "/api/v1/components/{component}/events", tag = "logs",
    params(("component" = String, Path, pattern = r"^[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?$"), ("environment" = String, Query, pattern = r"^[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?$")),
    responses((status = 200, body = List<Happening>)))]
pub async fn events(
    State(portal): State<Portal>,
    Extension(actor): Extension<Actor>,
    PathName(name): PathName,
    query: Query,
) -> Answer<List<Happening>> {
    authorize(&actor, Verb::Read)?;
    let query = query.only(&["environment"])?;
    let environment = query.get("environment").ok_or_else(|| Error::invalid("environment", "expected the name of an environment"))?;
    let environment = Name::parse("environment", environment)?;
    let found = portal.engine.happenings(&actor, name.as_str(), environment.as_str()).await?;
    if found.items.is_empty() && found.forbidden {
        return Err(Error::forbidden("cluster_forbids", found.trouble).into());
    }
    Ok(Json(List::whole(found.items)))
}
