//! The HTTP server: connections, scripted faults, and which handler a request goes to.
//!
//! Invariant: it knows HTTP and faults; what the objects mean is the business of `edit` and `controllers`.

mod answer;
mod ask;
mod discovery;
mod log;
mod read;
mod scale;
mod watch;
mod write;

use crate::cluster::Cluster;
use crate::faults::Fault;
use crate::status::Status;
use answer::{Answer, Cut};
use ask::{Ask, Target};
use hyper::Request;
use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::TokioIo;
use std::io;
use std::time::Duration;
use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinSet;

/// The wait after an error of the listener that will pass.
const PAUSE: Duration = Duration::from_millis(50);

/// Accepts connections until the future is dropped, which also ends all connections.
pub(crate) async fn serve(cluster: &Cluster, listener: TcpListener) -> io::Result<()> {
    let mut connections = JoinSet::new();
    loop {
        tokio::select! {
            accepted = listener.accept() => match accepted {
                Ok((stream, _)) => { connections.spawn(connection(cluster.clone(), stream)); }
                Err(error) if is_passing(&error) => tokio::time::sleep(PAUSE).await,
                Err(error) => return Err(error),
            },
            Some(_) = connections.join_next(), if !connections.is_empty() => {}
        }
    }
}

/// Errors of one connection, or of a moment without free file descriptors; the listener itself is well.
fn is_passing(error: &io::Error) -> bool {
    use io::ErrorKind::{ConnectionAborted, ConnectionReset, Interrupted};
    const NO_MORE_FILES: [Option<i32>; 2] = [Some(23), Some(24)];
    matches!(error.kind(), ConnectionAborted | ConnectionReset | Interrupted) || NO_MORE_FILES.contains(&error.raw_os_error())
}

async fn connection(cluster: Cluster, stream: TcpStream) {
    // Small answers should not wait for the acknowledgement of earlier ones.
    let _ = stream.set_nodelay(true);
    let mut weather = cluster.shared().faults.weather();
    let service = service_fn(move |request| answer(cluster.clone(), request));
    let http = http1::Builder::new().serve_connection(TokioIo::new(stream), service);
    tokio::select! {
        biased;
        _ = weather.wait_for(|weather| weather.refuse) => {}
        ended = http => if let Err(error) = ended {
            tracing::debug!(%error, "a connection to the simulated cluster ended");
        },
    }
}

async fn answer(cluster: Cluster, request: Request<Incoming>) -> Result<Answer, Cut> {
    let ask = match Ask::read(request).await {
        Ok(ask) => ask,
        Err(status) => return Ok(answer::status(&status)),
    };
    endure_weather(&cluster).await?;
    let fault = cluster.shared().faults.take(ask.verb(), ask.plural(), ask.name());
    match fault {
        None => Ok(handle(&cluster, &ask, None)),
        Some(Fault::Answer(code)) => Ok(handle(&cluster, &ask, Some(scripted(&ask, code)))),
        Some(Fault::Delay(wait)) => {
            tokio::time::sleep(wait).await;
            Ok(handle(&cluster, &ask, None))
        }
        Some(Fault::AppliedThenAnswer(code)) => {
            drop(handle(&cluster, &ask, None));
            Ok(answer::status(&scripted(&ask, code)))
        }
        Some(Fault::AppliedThenReset) => {
            drop(handle(&cluster, &ask, None));
            cluster.shared().unanswered();
            Err(Cut)
        }
        Some(Fault::Reset) => Err(Cut),
        Some(Fault::Silence) => std::future::pending().await,
    }
}

/// Waits out latency; in a black hole a request waits until it is lost.
async fn endure_weather(cluster: &Cluster) -> Result<(), Cut> {
    let mut weather = cluster.shared().faults.weather();
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

fn scripted(ask: &Ask, code: u16) -> Status {
    Status::scripted(code, ask.verb(), ask.target.as_ref().map(|target| target.resource), ask.name())
}

/// Answers a request; with `instead`, that is the answer and nothing is done.
fn handle(cluster: &Cluster, ask: &Ask, instead: Option<Status>) -> Answer {
    let Some(target) = &ask.target else {
        let answer = instead.map_or_else(|| discovery::answer(cluster, ask), Err);
        return answer.unwrap_or_else(|status| answer::status(&status));
    };
    if matches!(ask.verb(), "create" | "update" | "patch" | "delete" | "deletecollection") {
        return write::write(cluster, ask, target, instead);
    }
    let answer = instead.map_or_else(|| read(cluster, ask, target), Err);
    answer.unwrap_or_else(|status| answer::status(&status))
}

fn read(cluster: &Cluster, ask: &Ask, target: &Target) -> Result<Answer, Status> {
    match (ask.verb(), target.subresource.as_str()) {
        ("get", "" | "status") => read::get(cluster, ask, target),
        ("get", "scale") if target.resource.has_scale() => {
            let scale = cluster.shared().with(|state| scale::get(state, target))?;
            Ok(answer::json(200, &scale))
        }
        ("get", "log") => log::log(cluster, ask, target),
        ("list", "") => read::list(cluster, ask, target),
        ("watch", "") => watch::watch(cluster, ask, target),
        _ => Err(Status::no_such_path()),
    }
}
