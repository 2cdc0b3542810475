//! The HTTP server of a cluster: which handler a request goes to.
//!
//! Invariant: it knows HTTP and faults; what the objects mean is the business of `edit` and `controllers`.

pub(crate) mod answer;
pub(crate) mod ask;
pub(crate) mod connections;
mod discovery;
mod fence;
pub(crate) mod happen;
pub(crate) mod lines;
mod log;
mod read;
mod scale;
pub(crate) mod watch;
mod write;

use crate::cluster::Cluster;
use crate::status::Status;
use answer::{Answer, Cut};
use ask::{Ask, Target};
use happen::Handling;
use hyper::Request;
use hyper::body::Incoming;
use std::io;
use tokio::net::TcpListener;

/// Accepts connections until the future is dropped, which also ends all connections.
pub(crate) async fn serve(cluster: &Cluster, listener: TcpListener) -> io::Result<()> {
    let served = cluster.clone();
    connections::serve(listener, &cluster.shared().faults, move |request| answer(served.clone(), request)).await
}

async fn answer(cluster: Cluster, request: Request<Incoming>) -> Result<Answer, Cut> {
    let ask = match Ask::read(request).await {
        Ok(ask) => ask,
        Err(status) => return Ok(answer::status(&status)),
    };
    let handle = |handling| {
        let answer = match handling {
            Handling::Ordinary => handle(&cluster, &ask, None),
            Handling::Instead(status) => handle(&cluster, &ask, Some(status)),
            Handling::Unanswered => {
                let answer = handle(&cluster, &ask, None);
                cluster.shared().unanswered();
                answer
            }
        };
        std::future::ready(answer)
    };
    happen::scripted(&cluster.shared().faults, &ask, handle).await
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
