//! Accepting connections, and closing them when the script refuses.

use super::answer::{Answer, Cut};
use crate::faults::{Faults, Weather};
use hyper::Request;
use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::TokioIo;
use std::io;
use std::time::Duration;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::watch::Receiver;
use tokio::task::JoinSet;

/// The wait after an error of the listener that will pass.
const PAUSE: Duration = Duration::from_millis(50);

/// Accepts connections until the future is dropped, which also ends all connections.
pub(crate) async fn serve<H, F>(listener: TcpListener, faults: &Faults, handler: H) -> io::Result<()>
where
    H: Fn(Request<Incoming>) -> F + Clone + Send + 'static,
    F: Future<Output = Result<Answer, Cut>> + Send + 'static,
{
    let mut connections = JoinSet::new();
    loop {
        tokio::select! {
            accepted = listener.accept() => match accepted {
                Ok((stream, _)) => { connections.spawn(connection(stream, faults.weather(), handler.clone())); }
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

async fn connection<H, F>(stream: TcpStream, mut weather: Receiver<Weather>, handler: H)
where
    H: Fn(Request<Incoming>) -> F,
    F: Future<Output = Result<Answer, Cut>>,
{
    // Small answers should not wait for the acknowledgement of earlier ones.
    let _ = stream.set_nodelay(true);
    let http = http1::Builder::new().serve_connection(TokioIo::new(stream), service_fn(handler));
    tokio::select! {
        biased;
        _ = weather.wait_for(|weather| weather.refuse) => {}
        ended = http => if let Err(error) = ended {
            tracing::debug!(%error, "a connection ended");
        },
    }
}
