//! A proxy that brings scripted faults over an API server: a real one, or a simulated cluster.
//!
//! It speaks plain HTTP on both sides. A real API server speaks TLS and wants to know who asks: `kubectl proxy` stands
//! between, with its credentials.
//!
//! Invariant: without a script it changes nothing, neither of a request nor of its answer.

mod relay;

use crate::faults::Faults;
use crate::server::answer::{self, Answer, Cut};
use crate::server::ask::Ask;
use crate::server::connections;
use crate::server::happen::{self, Handling};
use crate::status::Status;
use http_body_util::{BodyExt, Full};
use hyper::body::Incoming;
use hyper::client::conn::http1;
use hyper::header::{ACCEPT_ENCODING, CONNECTION, CONTENT_LENGTH, HOST, HeaderMap, HeaderValue, TRANSFER_ENCODING};
use hyper::{Request, Response};
use hyper_util::rt::TokioIo;
use relay::Relay;
use std::fmt::Display;
use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use tokio::net::{TcpListener, TcpStream};

/// A proxy with its script; clones share it.
///
/// Its faults are those of a `Cluster`, except that what is forbidden does not show in access reviews, and that only
/// the resources which a simulated cluster serves can be told apart.
#[derive(Clone, Debug)]
pub struct Proxy {
    upstream: SocketAddr,
    faults: Arc<Faults>,
}

impl Proxy {
    /// A proxy in front of what answers plain HTTP at this address.
    pub fn new(upstream: SocketAddr) -> Proxy {
        Proxy { upstream, faults: Arc::new(Faults::new()) }
    }

    /// The script of its faults.
    pub fn faults(&self) -> &Faults {
        &self.faults
    }

    /// Forwards what comes to the listener, until the future is dropped.
    ///
    /// Errors: only when the listener itself fails.
    pub async fn serve(&self, listener: TcpListener) -> io::Result<()> {
        let proxy = self.clone();
        connections::serve(listener, self.faults(), move |request| proxy.clone().answer(request)).await
    }

    async fn answer(self, request: Request<Incoming>) -> Result<Answer, Cut> {
        let headers = request.headers().clone();
        let ask = match Ask::read(request).await {
            Ok(ask) => ask,
            Err(status) => return Ok(answer::status(&status)),
        };
        happen::scripted(&self.faults, &ask, |handling| self.handle(&ask, headers, handling)).await
    }

    async fn handle(&self, ask: &Ask, headers: HeaderMap, handling: Handling) -> Answer {
        match handling {
            Handling::Instead(status) => answer::status(&status),
            Handling::Ordinary | Handling::Unanswered => match self.forward(ask, headers).await {
                Ok(answer) => self.passed_on(ask, answer),
                Err(why) => answer::status(&Status::new(502, "BadGateway", why)),
            },
        }
    }

    /// What the server answers. Errors: it cannot be asked, in words.
    async fn forward(&self, ask: &Ask, mut headers: HeaderMap) -> Result<Response<Incoming>, String> {
        // What belongs to one connection only; and the lines of a watch have to be readable.
        for header in [HOST, CONNECTION, CONTENT_LENGTH, TRANSFER_ENCODING, ACCEPT_ENCODING] {
            headers.remove(header);
        }
        headers.insert(HOST, HeaderValue::from_str(&self.upstream.to_string()).map_err(told)?);
        let mut request = Request::new(Full::new(ask.body.clone()));
        *request.method_mut() = ask.method.clone();
        *request.uri_mut() = ask.path_and_query().parse().map_err(told)?;
        *request.headers_mut() = headers;
        let stream = TcpStream::connect(self.upstream).await.map_err(told)?;
        let (mut sender, connection) = http1::handshake(TokioIo::new(stream)).await.map_err(told)?;
        // It ends with the answer's body.
        tokio::spawn(connection);
        sender.send_request(request).await.map_err(told)
    }

    fn passed_on(&self, ask: &Ask, answer: Response<Incoming>) -> Answer {
        let (mut head, body) = answer.into_parts();
        head.headers.remove(TRANSFER_ENCODING);
        if ask.verb() == "watch" && head.status.is_success() {
            let mut relayed = answer::stream("application/json", Relay::new(body, self.faults.weather()).lines());
            *relayed.headers_mut() = head.headers;
            return relayed;
        }
        Answer::from_parts(head, body.map_err(|_| Cut).boxed_unsync())
    }
}

fn told(error: impl Display) -> String {
    error.to_string()
}
