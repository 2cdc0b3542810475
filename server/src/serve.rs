//! Running a portal: listening, telling where, and stopping in good order.
//!
//! Invariant: after a signal nothing new is taken; event streams end at once, requests have [`GRACE`], what a worker was writing is
//! journalled and its leases are released meanwhile, and within ten seconds the process ends.

use crate::cli::Failure;
use crate::portal::Portal;
use axum::serve::ListenerExt;
use std::io::ErrorKind;
use std::net::SocketAddr;
use std::time::Duration;
use tokio::net::TcpListener;

/// How long requests may take to end.
const GRACE: Duration = Duration::from_secs(8);

pub async fn listen(address: SocketAddr) -> Result<TcpListener, Failure> {
    TcpListener::bind(address).await.map_err(|error| {
        Failure::failed(match error.kind() {
            ErrorKind::AddrInUse => {
                format!("{address} is taken by another program: choose another with --listen, such as --listen {}.", next(address))
            }
            ErrorKind::PermissionDenied => format!("This user may not listen on {address}: choose a port above 1023 with --listen."),
            ErrorKind::AddrNotAvailable => format!("{address} is not an address of this machine: choose another with --listen."),
            _ => format!("The portal cannot listen on {address}: {error}; choose another with --listen."),
        })
    })
}

fn next(address: SocketAddr) -> SocketAddr {
    SocketAddr::new(address.ip(), address.port().checked_add(1).unwrap_or(3000))
}

/// Serves until a signal comes or `portal.stopping` is cancelled.
pub async fn until_stopped(portal: Portal, listener: TcpListener) -> Result<(), Failure> {
    let stopping = portal.stopping.clone();
    let app = portal.router().into_make_service_with_connect_info::<SocketAddr>();
    let listener = listener.tap_io(|stream| {
        // Small answers at once: waiting for more to send would delay every event.
        if let Err(error) = stream.set_nodelay(true) {
            tracing::debug!(%error, "a connection stays with Nagle's algorithm");
        }
    });
    let signalled = stopping.clone();
    tokio::spawn(async move {
        signal().await;
        signalled.cancel();
    });
    let server = axum::serve(listener, app).with_graceful_shutdown(stopping.clone().cancelled_owned()).into_future();
    let deadline = async {
        stopping.cancelled().await;
        tokio::time::sleep(GRACE).await;
    };
    let answering = async {
        let served = tokio::select! {
            served = server => served,
            () = deadline => Ok(()),
        };
        stopping.cancel();
        served
    };
    // Another replica goes on with the work while the last requests are answered here.
    let working = async {
        stopping.cancelled().await;
        portal.engine.stop_work().await;
    };
    let (served, ()) = tokio::join!(answering, working);
    portal.engine.close().await;
    served.map_err(|error| Failure::failed(format!("The portal stopped: {error}.")))
}

/// Ctrl-C, or the SIGTERM of an orchestrator.
async fn signal() {
    #[cfg(unix)]
    {
        use tokio::signal::unix::{SignalKind, signal};
        match signal(SignalKind::terminate()) {
            Ok(mut terminate) => {
                tokio::select! {
                    _ = tokio::signal::ctrl_c() => {}
                    _ = terminate.recv() => {}
                }
            }
            Err(error) => {
                tracing::warn!(%error, "SIGTERM is not heard");
                let _ = tokio::signal::ctrl_c().await;
            }
        }
    }
    #[cfg(not(unix))]
    {
        let _ = tokio::signal::ctrl_c().await;
    }
}
