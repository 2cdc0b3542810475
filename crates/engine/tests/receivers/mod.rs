//! Where pages arrive in the tests: a mail server and a webhook on sockets, which keep what they were sent and answer as a test wants.

use domain::Time;
use http::{HeaderMap, Request, Response, StatusCode};
use http_body_util::{BodyExt, Full};
use hyper::body::{Bytes, Incoming};
use hyper::service::service_fn;
use hyper_util::rt::TokioIo;
use std::collections::VecDeque;
use std::convert::Infallible;
use std::sync::{Arc, Mutex};
use tokio::io::{AsyncBufReadExt, AsyncWriteExt, BufReader};
use tokio::net::{TcpListener, TcpStream};

/// A request that came to the webhook.
#[derive(Clone, Debug)]
pub struct Hooked {
    pub path: String,
    pub headers: HeaderMap,
    pub body: String,
}

impl Hooked {
    pub fn header(&self, name: &str) -> &str {
        self.headers.get(name).map_or("", |value| value.to_str().unwrap())
    }

    pub fn json(&self) -> serde_json::Value {
        serde_json::from_str(&self.body).unwrap()
    }

    /// The signature as a receiver checks it.
    pub fn is_signed(&self, secret: &str, now: Time) -> bool {
        let stamp = self.header("devmatrix-timestamp");
        let fresh = stamp.parse::<i64>().is_ok_and(|at| (now.0 / 1000 - at).abs() < 300);
        let hex = self.header("devmatrix-signature").strip_prefix("v1=").unwrap();
        let sum: Vec<u8> = (0..hex.len()).step_by(2).map(|at| u8::from_str_radix(&hex[at..at + 2], 16).unwrap()).collect();
        let key = ring::hmac::Key::new(ring::hmac::HMAC_SHA256, secret.as_bytes());
        fresh && ring::hmac::verify(&key, format!("{stamp}.{}", self.body).as_bytes(), &sum).is_ok()
    }
}

#[derive(Clone, Default)]
pub struct Webhook {
    came: Arc<Mutex<Vec<Hooked>>>,
    /// Status and Retry-After of the next answers; then 200. Status 0: no answer.
    answers: Arc<Mutex<VecDeque<(u16, &'static str)>>>,
}

impl Webhook {
    /// Listens; answers its address too.
    pub async fn start() -> (Webhook, String) {
        let (hook, listener) = (Webhook::default(), TcpListener::bind("127.0.0.1:0").await.unwrap());
        let url = format!("http://{}", listener.local_addr().unwrap());
        let serving = hook.clone();
        tokio::spawn(async move {
            loop {
                let (stream, _) = listener.accept().await.unwrap();
                let hook = serving.clone();
                let service = service_fn(move |request| hook.clone().answer(request));
                tokio::spawn(hyper::server::conn::http1::Builder::new().serve_connection(TokioIo::new(stream), service));
            }
        });
        (hook, url)
    }

    async fn answer(self, request: Request<Incoming>) -> Result<Response<Full<Bytes>>, Infallible> {
        let (head, body) = request.into_parts();
        let body = String::from_utf8(body.collect().await.unwrap().to_bytes().to_vec()).unwrap();
        self.came.lock().unwrap().push(Hooked { path: head.uri.to_string(), headers: head.headers, body });
        let (status, after) = self.answers.lock().unwrap().pop_front().unwrap_or((200, ""));
        if status == 0 {
            std::future::pending::<()>().await;
        }
        let mut answer = Response::new(Full::from(if status == 200 { "ok" } else { "not now" }));
        *answer.status_mut() = StatusCode::from_u16(status).unwrap();
        if !after.is_empty() {
            answer.headers_mut().insert("retry-after", after.parse().unwrap());
        }
        Ok(answer)
    }

    pub fn will_answer(&self, answers: &[(u16, &'static str)]) {
        self.answers.lock().unwrap().extend(answers);
    }

    pub fn came(&self) -> Vec<Hooked> {
        self.came.lock().unwrap().clone()
    }
}

/// A mail as it came, with the addresses of its envelope.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Mail {
    pub from: String,
    pub to: String,
    pub text: String,
}

impl Mail {
    pub fn header(&self, name: &str) -> &str {
        let line = self.text.lines().take_while(|line| !line.is_empty()).find(|line| line.starts_with(&format!("{name}: ")));
        line.map_or("", |line| line.split_once(": ").unwrap().1)
    }
}

#[derive(Clone, Default)]
pub struct MailServer {
    came: Arc<Mutex<Vec<Mail>>>,
    /// All that clients said, line by line.
    heard: Arc<Mutex<Vec<String>>>,
    /// What the next recipients are answered; then 250.
    answers: Arc<Mutex<VecDeque<&'static str>>>,
}

impl MailServer {
    /// Listens; answers its port too.
    pub async fn start() -> (MailServer, u16) {
        let (server, listener) = (MailServer::default(), TcpListener::bind("127.0.0.1:0").await.unwrap());
        let port = listener.local_addr().unwrap().port();
        let serving = server.clone();
        tokio::spawn(async move {
            loop {
                let (stream, _) = listener.accept().await.unwrap();
                let server = serving.clone();
                tokio::spawn(async move { server.talk(stream).await });
            }
        });
        (server, port)
    }

    async fn talk(self, stream: TcpStream) -> std::io::Result<()> {
        let mut stream = BufReader::new(stream);
        let (mut from, mut to) = (String::new(), String::new());
        stream.write_all(b"220 mail.example ESMTP\r\n").await?;
        loop {
            let mut line = String::new();
            if stream.read_line(&mut line).await? == 0 {
                return Ok(());
            }
            let line = line.trim_end().to_owned();
            self.heard.lock().unwrap().push(line.clone());
            let address = || line.split(['<', '>']).nth(1).unwrap_or_default().to_owned();
            let answer = match line.split([' ', ':']).next().unwrap().to_ascii_uppercase().as_str() {
                "EHLO" => "250-mail.example\r\n250-AUTH PLAIN\r\n250 8BITMIME".to_owned(),
                "MAIL" => {
                    from = address();
                    "250 2.1.0 OK".to_owned()
                }
                "RCPT" => {
                    to = address();
                    self.answers.lock().unwrap().pop_front().unwrap_or("250 2.1.5 OK").to_owned()
                }
                "DATA" => {
                    stream.write_all(b"354 go on\r\n").await?;
                    let text = body(&mut stream).await?;
                    self.came.lock().unwrap().push(Mail { from: from.clone(), to: to.clone(), text });
                    "250 2.0.0 queued as 4711".to_owned()
                }
                "QUIT" => {
                    stream.write_all(b"221 bye\r\n").await?;
                    return Ok(());
                }
                "AUTH" => "235 2.7.0 welcome".to_owned(),
                "RSET" | "NOOP" => "250 OK".to_owned(),
                _ => "502 not here".to_owned(),
            };
            stream.write_all(format!("{answer}\r\n").as_bytes()).await?;
        }
    }

    pub fn will_answer(&self, answers: &[&'static str]) {
        self.answers.lock().unwrap().extend(answers);
    }

    pub fn came(&self) -> Vec<Mail> {
        self.came.lock().unwrap().clone()
    }

    pub fn heard(&self) -> Vec<String> {
        self.heard.lock().unwrap().clone()
    }
}

/// Up to the lone dot.
async fn body(stream: &mut BufReader<TcpStream>) -> std::io::Result<String> {
    let mut text = String::new();
    loop {
        let mut line = String::new();
        if stream.read_line(&mut line).await? == 0 || line == ".\r\n" {
            return Ok(text.replace("\r\n", "\n"));
        }
        text.push_str(line.strip_prefix('.').unwrap_or(&line));
    }
}
