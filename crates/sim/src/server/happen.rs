//! The scripted faults around the handling of one request, in a cluster and in a proxy alike.

use super::answer::{self, Answer, Cut};
use super::ask::Ask;
use crate::faults::{Fault, Faults};
use crate::status::Status;
use futures::stream;
use http_body_util::BodyExt;
use hyper::body::Bytes;

/// What becomes of a request.
pub(crate) enum Handling {
    Ordinary,
    /// Nothing is done and this is answered.
    Instead(Status),
    /// It is done and nobody is told.
    Unanswered,
}

/// Handles a request as the script wants it.
pub(crate) async fn scripted<F>(faults: &Faults, ask: &Ask, handle: impl FnOnce(Handling) -> F) -> Result<Answer, Cut>
where
    F: Future<Output = Answer>,
{
    endure_weather(faults).await?;
    match faults.take(ask.verb(), ask.plural(), &name(ask)) {
        None => Ok(handle(Handling::Ordinary).await),
        Some(Fault::Answer(code)) => Ok(handle(Handling::Instead(status(ask, code))).await),
        Some(Fault::Busy(seconds)) => Ok(answer::busy(seconds)),
        Some(Fault::Delay(wait)) => {
            tokio::time::sleep(wait).await;
            Ok(handle(Handling::Ordinary).await)
        }
        Some(Fault::AppliedThenAnswer(code)) => {
            drop(handle(Handling::Ordinary).await);
            Ok(answer::status(&status(ask, code)))
        }
        Some(Fault::AppliedThenReset) => {
            drop(handle(Handling::Unanswered).await);
            Err(Cut)
        }
        Some(Fault::Truncated) => truncated(handle(Handling::Ordinary).await).await,
        Some(Fault::ForeignPage) => Ok(answer::bytes(200, "text/html", "<!doctype html><title>Sign in to the network</title>")),
        Some(Fault::Reset) => Err(Cut),
        Some(Fault::Silence) => std::future::pending().await,
    }
}

/// The object's; of one that is made, it stands in the body, or how it is to begin.
fn name(ask: &Ask) -> String {
    if ask.verb() != "create" {
        return ask.name().to_owned();
    }
    let body = ask.json().unwrap_or_default();
    let text = |field: &str| body["metadata"][field].as_str().map(str::to_owned);
    text("name").or_else(|| text("generateName")).unwrap_or_default()
}

/// Waits out latency; in a black hole a request waits until it is lost.
async fn endure_weather(faults: &Faults) -> Result<(), Cut> {
    let mut weather = faults.weather();
    let now = *weather.borrow();
    if now.black_hole {
        let _ = weather.wait_for(|weather| !weather.black_hole).await;
        return Err(Cut);
    }
    if !now.latency.is_zero() {
        tokio::time::sleep(now.latency).await;
    }
    Ok(())
}

fn status(ask: &Ask, code: u16) -> Status {
    Status::scripted(code, ask.verb(), ask.target.as_ref().map(|target| target.resource), ask.name())
}

/// The first half of an answer, and then the connection is cut. Only for answers that end.
async fn truncated(whole: Answer) -> Result<Answer, Cut> {
    let (head, body) = whole.into_parts();
    let body = body.collect().await?.to_bytes();
    let half: Bytes = body.slice(..body.len() / 2);
    let mut cut = answer::stream("application/json", stream::iter([Ok(half), Err(Cut)]));
    *cut.status_mut() = head.status;
    *cut.headers_mut() = head.headers;
    Ok(cut)
}
