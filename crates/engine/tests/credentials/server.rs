//! A small HTTP server that keeps what it was asked, and a clock that stands still.

use domain::catalog;
use engine::clusters::connect::Way;
use engine::clusters::credentials::Surroundings;
use http::{HeaderMap, Request, Response, StatusCode};
use http_body_util::{BodyExt, Full};
use hyper::body::{Bytes, Incoming};
use hyper::service::service_fn;
use hyper_util::rt::TokioIo;
use jiff::{SignedDuration, Timestamp};
use serde_json::{Value, json};
use std::collections::BTreeMap;
use std::convert::Infallible;
use std::sync::atomic::{AtomicI64, Ordering};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};
use tokio::net::TcpListener;
use tokio::task::JoinHandle;

/// What a server was asked.
#[derive(Clone, Debug)]
pub struct Asked {
    pub method: String,
    pub path: String,
    pub headers: HeaderMap,
    pub body: String,
}

impl Asked {
    pub fn header(&self, name: &str) -> &str {
        self.headers.get(name).map_or("", |value| value.to_str().unwrap())
    }

    pub fn bearer(&self) -> &str {
        self.header("authorization").strip_prefix("Bearer ").unwrap_or_default()
    }

    pub fn form(&self) -> BTreeMap<String, String> {
        assert_eq!(self.header("content-type"), "application/x-www-form-urlencoded");
        let pairs: Vec<_> = form_urlencoded::parse(self.body.as_bytes()).into_owned().collect();
        let fields: BTreeMap<_, _> = pairs.iter().cloned().collect();
        assert_eq!(fields.len(), pairs.len(), "each field once");
        fields
    }
}

/// What it answers.
#[derive(Clone, Debug)]
pub struct Told {
    pub status: u16,
    pub headers: Vec<(&'static str, String)>,
    pub body: String,
}

pub fn told(status: u16, body: impl ToString) -> Told {
    Told { status, headers: Vec::new(), body: body.to_string() }
}

impl Told {
    pub fn with(mut self, name: &'static str, value: impl ToString) -> Told {
        self.headers.push((name, value.to_string()));
        self
    }
}

pub struct Server {
    pub url: String,
    asked: Arc<Mutex<Vec<Asked>>>,
    task: JoinHandle<()>,
}

impl Server {
    /// Its `Date` is that of `clock`.
    pub async fn start(clock: &Clock, answer: impl Fn(&Asked) -> Told + Send + Sync + 'static) -> Server {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        let asked = Arc::new(Mutex::new(Vec::new()));
        let (answer, kept, clock) = (Arc::new(answer), asked.clone(), clock.clone());
        let task = tokio::spawn(async move {
            loop {
                let (stream, _) = listener.accept().await.unwrap();
                let (answer, kept, clock) = (answer.clone(), kept.clone(), clock.clone());
                let service = service_fn(move |request| serve(request, answer.clone(), kept.clone(), clock.clone()));
                tokio::spawn(hyper::server::conn::http1::Builder::new().serve_connection(TokioIo::new(stream), service));
            }
        });
        Server { url, asked, task }
    }

    pub fn asked(&self) -> Vec<Asked> {
        self.asked.lock().unwrap().clone()
    }

    pub fn count(&self) -> usize {
        self.asked.lock().unwrap().len()
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        self.task.abort();
    }
}

async fn serve(
    request: Request<Incoming>,
    answer: Arc<impl Fn(&Asked) -> Told>,
    kept: Arc<Mutex<Vec<Asked>>>,
    clock: Clock,
) -> Result<Response<Full<Bytes>>, Infallible> {
    let (head, body) = request.into_parts();
    let body = String::from_utf8(body.collect().await.unwrap().to_bytes().to_vec()).unwrap();
    let asked = Asked { method: head.method.to_string(), path: head.uri.to_string(), headers: head.headers, body };
    kept.lock().unwrap().push(asked.clone());
    let told = answer(&asked);
    let date = clock.now().strftime("%a, %d %b %Y %H:%M:%S GMT").to_string();
    let mut response = Response::builder().status(StatusCode::from_u16(told.status).unwrap()).header("date", date);
    for (name, value) in told.headers {
        response = response.header(name, value);
    }
    Ok(response.body(Full::new(Bytes::from(told.body))).unwrap())
}

/// A clock that goes when it is told to.
#[derive(Clone)]
pub struct Clock(Arc<AtomicI64>);

impl Clock {
    pub fn new() -> Clock {
        Clock(Arc::new(AtomicI64::new("2026-03-01T12:00:00Z".parse::<Timestamp>().unwrap().as_second())))
    }

    pub fn now(&self) -> Timestamp {
        Timestamp::from_second(self.0.load(Ordering::SeqCst)).unwrap()
    }

    pub fn advance(&self, seconds: i64) {
        self.0.fetch_add(seconds, Ordering::SeqCst);
    }

    pub fn after(&self, seconds: i64) -> Timestamp {
        self.now() + SignedDuration::from_secs(seconds)
    }
}

/// No environment but these variables.
pub fn surroundings(clock: &Clock, variables: &[(&str, &str)]) -> Surroundings {
    let variables: BTreeMap<String, String> = variables.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect();
    let clock = clock.clone();
    Surroundings { environment: Arc::new(move |name| variables.get(name).cloned()), clock: Arc::new(move || clock.now()) }
}

/// The cluster that a configuration with this entry declares.
pub fn declared(entry: &str) -> catalog::Cluster {
    let text = format!("organisation: Test\nclusters:\n  - {{name: prod, {entry}}}\n");
    catalog::read(&text, &engine::zones()).unwrap_or_else(|problems| panic!("{problems:?}")).catalog.clusters.remove(0)
}

pub async fn client(entry: &str, surroundings: &Surroundings) -> kube::Client {
    Way::of(&declared(entry).access, surroundings).await.unwrap().client(false).unwrap()
}

/// Asks the API server for its version: the words of the error, if it is one.
pub async fn version(client: &kube::Client) -> Result<(), String> {
    let request = Request::get("/version").body(Vec::new()).unwrap();
    client.request::<Value>(request).await.map(|_| ()).map_err(|error| engine::clusters::in_words(&error))
}

pub fn welcome() -> Told {
    told(200, json!({"major": "1", "minor": "36"}))
}

pub fn unauthorized() -> Told {
    told(
        401,
        json!({"kind": "Status", "apiVersion": "v1", "metadata": {}, "status": "Failure", "message": "Unauthorized", "reason": "Unauthorized", "code": 401}),
    )
}

pub async fn eventually<T>(what: &str, mut look: impl AsyncFnMut() -> Option<T>) -> T {
    let began = Instant::now();
    loop {
        if let Some(found) = look().await {
            return found;
        }
        assert!(began.elapsed() < Duration::from_secs(30), "{what}");
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
}
