//! Server-sent events: which topic has changed, never what. A page fetches again what it shows.
//!
//! Invariant: a stream ends within about a second of its session or token, and at once when the portal stops.

use crate::guard;
use crate::guard::sessions::REMEMBERED;
use crate::portal::Portal;
use crate::problem::Problem;
use axum::extract::State;
use axum::response::IntoResponse;
use axum::response::sse::{Event, KeepAlive, Sse};
use domain::Error;
use engine::events::{self, Topic};
use futures::{StreamExt, stream};
use http::HeaderMap;
use std::convert::Infallible;
use std::time::Duration;
use tokio::sync::OwnedSemaphorePermit;
use tokio::sync::broadcast::{Receiver, error::RecvError};

/// Proxies close what is silent for a minute.
pub(super) const KEEP_ALIVE: Duration = Duration::from_secs(15);

/// What has changed, as it changes
///
/// At first the present version of each topic. `event` is `matrix`, `changes`, `approvals`, `happenings` (Kubernetes Events),
/// `on_call`, `incidents` or `pages`; `data` is `{"version": n}`.
#[utoipa::path(get, operation_id = "follow_events", path = "/api/v1/events", tag = "events",
    responses((status = 200, description = "A stream that does not end by itself", body = String, content_type = "text/event-stream")))]
pub async fn stream(State(portal): State<Portal>, headers: HeaderMap) -> Result<impl IntoResponse, Problem> {
    let place = portal.limits.open_stream().ok_or_else(Problem::overloaded)?;
    // First listen, then read the versions: a change in between is told twice rather than not at all.
    let receiver = portal.engine.events().subscribe();
    let current = stream::iter(current(&portal));
    let listener = Listener { portal, headers, receiver, _place: place };
    let later = stream::unfold(listener, |mut listener| async move { Some((listener.next().await?, listener)) });
    let all = current.chain(later.flat_map(stream::iter)).map(Ok::<_, Infallible>);
    Ok(Sse::new(all).keep_alive(KeepAlive::new().interval(KEEP_ALIVE)))
}

struct Listener {
    portal: Portal,
    headers: HeaderMap,
    receiver: Receiver<events::Event>,
    _place: OwnedSemaphorePermit,
}

impl Listener {
    /// What to send next; nothing when the stream is over.
    async fn next(&mut self) -> Option<Vec<Event>> {
        let stopping = self.portal.stopping.clone();
        loop {
            tokio::select! {
                () = stopping.cancelled() => return None,
                () = tokio::time::sleep(REMEMBERED) => if !is_welcome(&self.portal, &self.headers).await { return None },
                received = self.receiver.recv() => return match received {
                    // Between two looks at the session nothing is sent that it does not know to be open.
                    Ok(_) if !is_welcome(&self.portal, &self.headers).await => None,
                    Ok(event) => Some(vec![told(event.topic, event.version)]),
                    Err(RecvError::Lagged(_)) => Some(current(&self.portal)),
                    Err(RecvError::Closed) => None,
                },
            }
        }
    }
}

/// Whether a stream may go on. An outage of the database is no reason to close; an unknown session is.
pub(super) async fn is_welcome(portal: &Portal, headers: &HeaderMap) -> bool {
    !matches!(guard::identify(portal, headers).await, Err(Error::Unauthenticated))
}

fn current(portal: &Portal) -> Vec<Event> {
    Topic::ALL.into_iter().map(|topic| told(topic, portal.engine.events().version_of(topic))).collect()
}

fn told(topic: Topic, version: u64) -> Event {
    Event::default().event(topic.as_str()).data(format!("{{\"version\": {version}}}"))
}
