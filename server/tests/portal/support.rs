//! A portal on the demo's clusters, and how to talk to it.

use axum::Router;
use axum::body::Body;
use domain::access::Scope;
use engine::{Engine, Options};
use http::header::{AUTHORIZATION, CONTENT_TYPE, COOKIE, HOST, SET_COOKIE};
use http::{HeaderMap, Request, StatusCode};
use http_body_util::BodyExt;
use serde_json::{Value, json};
use server::{Config, Portal};
use std::time::{Duration, Instant};
use tempfile::TempDir;
use tower::ServiceExt;

const HOST_NAME: &str = "127.0.0.1:3000";

/// How long a rollout of the demo may take.
pub const DEADLINE: Duration = Duration::from_secs(60);

pub struct Demo {
    pub portal: Portal,
    pub router: Router,
    pub clusters: server::demo::Demo,
    _data: TempDir,
}

pub struct Answer {
    pub status: StatusCode,
    pub headers: HeaderMap,
    pub bytes: Vec<u8>,
}

impl Answer {
    pub fn json(&self) -> Value {
        serde_json::from_slice(&self.bytes).unwrap_or_else(|error| panic!("{error}: {}", self.text()))
    }

    pub fn text(&self) -> String {
        String::from_utf8_lossy(&self.bytes).into_owned()
    }

    pub fn header(&self, name: &str) -> &str {
        self.headers.get(name).map_or("", |value| value.to_str().unwrap())
    }

    /// A problem document of this status and code.
    #[track_caller]
    pub fn refused(&self, status: u16, code: &str) -> Value {
        assert_eq!(self.status.as_u16(), status, "{}", self.text());
        assert_eq!(self.header("content-type"), "application/problem+json");
        let problem = self.json();
        for key in ["type", "title", "detail"] {
            assert!(problem[key].as_str().is_some_and(|text| !text.is_empty()), "{key} in {problem}");
        }
        assert_eq!((problem["status"].as_u64(), problem["code"].as_str()), (Some(status.into()), Some(code)), "{problem}");
        problem
    }

    #[track_caller]
    pub fn ok(&self) -> Value {
        assert!(self.status.is_success(), "{}: {}", self.status, self.text());
        self.json()
    }
}

impl Demo {
    /// A portal whose clusters have all been listed.
    pub async fn start() -> Demo {
        Demo::start_at(None).await
    }

    /// The same, as it is behind a proxy at an address of its own.
    pub async fn start_at(external_url: Option<&str>) -> Demo {
        let data = tempfile::tempdir().unwrap();
        let clusters = server::demo::start().await.unwrap();
        let database_url = server::config::database_url(None, data.path()).unwrap();
        let mut catalog = clusters.catalog.clone();
        catalog.external_url = external_url.map(str::to_owned);
        let options = Options {
            catalog,
            database_url,
            demo: Some(clusters.addresses()),
            external_url: format!("http://{HOST_NAME}"),
            patience: engine::Patience::default(),
        };
        let engine = Engine::start(options).await.unwrap();
        let portal = server::build(Config { engine, address: HOST_NAME.parse().unwrap(), site_root: None });
        let demo = Demo { router: portal.router(), portal, clusters, _data: data };
        demo.until("ready", || async { demo.get("/readyz").await.status.is_success().then_some(()) }).await;
        demo
    }

    pub async fn send(&self, request: Request<Body>) -> Answer {
        let (mut parts, body) = request.into_parts();
        parts.headers.entry(HOST).or_insert(HOST_NAME.parse().unwrap());
        let response = self.router.clone().oneshot(Request::from_parts(parts, body)).await.unwrap();
        let (parts, body) = response.into_parts();
        Answer { status: parts.status, headers: parts.headers, bytes: body.collect().await.unwrap().to_bytes().to_vec() }
    }

    /// Nobody in particular asks.
    pub async fn get(&self, path: &str) -> Answer {
        self.send(Request::get(path).body(Body::empty()).unwrap()).await
    }

    /// A person of the demo asks the API.
    pub async fn api(&self, person: &str, method: &str, path: &str, body: Option<&Value>) -> Answer {
        self.bearer(&format!("demo-{person}"), method, path, body).await
    }

    pub async fn bearer(&self, token: &str, method: &str, path: &str, body: Option<&Value>) -> Answer {
        let request = Request::builder().method(method).uri(path).header(AUTHORIZATION, format!("Bearer {token}"));
        self.send(match body {
            Some(body) => request.header(CONTENT_TYPE, "application/json").body(Body::from(body.to_string())).unwrap(),
            None => request.body(Body::empty()).unwrap(),
        })
        .await
    }

    /// Bytes as they are, with the headers that are named.
    pub async fn raw(&self, person: &str, path: &str, headers: &[(&str, &str)], body: impl Into<Body>) -> Answer {
        let mut request = Request::post(path).header(AUTHORIZATION, format!("Bearer demo-{person}"));
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        self.send(request.body(body.into()).unwrap()).await
    }

    pub async fn token(&self, user: &str, scopes: &[Scope]) -> String {
        engine::access::create_token(self.portal.engine.store(), user, scopes, Some(3600), self.portal.engine.now()).await.unwrap()
    }

    /// Signs in with one click; answers the cookie.
    pub async fn sign_in(&self, person: &str) -> String {
        let answer = self.form(None, "/sign-in", &[("person", person), ("return_to", "/")]).await;
        assert_eq!(answer.status, 303, "{}", answer.text());
        cookie_of(&answer)
    }

    /// A page as a browser asks for it.
    pub async fn page(&self, cookie: &str, path: &str) -> Answer {
        self.send(Request::get(path).header(COOKIE, cookie).body(Body::empty()).unwrap()).await
    }

    /// A form as a browser posts it from our own page.
    pub async fn form(&self, cookie: Option<&str>, path: &str, fields: &[(&str, &str)]) -> Answer {
        let mut request =
            Request::post(path).header(CONTENT_TYPE, "application/x-www-form-urlencoded").header("sec-fetch-site", "same-origin");
        if let Some(cookie) = cookie {
            request = request.header(COOKIE, cookie);
        }
        self.send(request.body(Body::from(encoded(fields))).unwrap()).await
    }

    /// Waits for a condition, at most [`DEADLINE`].
    pub async fn until<T, F: Future<Output = Option<T>>>(&self, what: &str, mut look: impl FnMut() -> F) -> T {
        let began = Instant::now();
        loop {
            if let Some(found) = look().await {
                return found;
            }
            assert!(began.elapsed() < DEADLINE, "waited in vain for: {what}");
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    }

    /// Asks for the promotion of api from staging to prod, as bea.
    /// Who is primary on call now: they may break the glass.
    pub async fn primary(&self) -> Vec<String> {
        let answer = self.api("viv", "GET", "/api/v1/on-call?rotation=platform", None).await.ok();
        let role = answer["roles"].as_array().unwrap().iter().find(|role| role["role"] == "primary").unwrap().clone();
        role["people"].as_array().unwrap().iter().map(|name| name.as_str().unwrap().to_owned()).collect()
    }

    /// A deployer who is not primary on call now, and no administrator.
    pub async fn off_duty(&self) -> &'static str {
        let primary = self.primary().await;
        ["paul", "bea"].into_iter().find(|name| !primary.iter().any(|one| one == name)).unwrap()
    }

    pub async fn promotion(&self) -> Value {
        self.api("bea", "POST", "/api/v1/changes", Some(&promotion())).await.ok()
    }

    pub async fn state_of(&self, change: &Value) -> String {
        let change = self.api("viv", "GET", &format!("/api/v1/changes/{}", change["id"].as_str().unwrap()), None).await.ok();
        change["state"].as_str().unwrap().to_owned()
    }

    pub async fn wait_for_state(&self, change: &Value, wanted: &str) {
        let look = || async { (self.state_of(change).await == wanted).then_some(()) };
        self.until(wanted, look).await;
    }

    /// Promotes api to prod and waits for its success.
    pub async fn promoted(&self) -> Value {
        let change = self.promotion().await;
        self.approve("dmitri", &change).await.ok();
        self.wait_for_state(&change, "succeeded").await;
        change
    }

    pub async fn approve(&self, person: &str, change: &Value) -> Answer {
        let path = format!("/api/v1/changes/{}/approve", change["label"].as_str().unwrap());
        self.api(person, "POST", &path, Some(&json!({"digest": change["plan"]["digest"]}))).await
    }
}

pub fn promotion() -> Value {
    json!({"kind": "promote", "component": "api", "environment": "prod", "from": "staging", "reason": "the fix is needed"})
}

pub fn encoded(fields: &[(&str, &str)]) -> String {
    form_urlencoded::Serializer::new(String::new()).extend_pairs(fields).finish()
}

pub fn cookie_of(answer: &Answer) -> String {
    let set = answer.headers.get_all(SET_COOKIE).iter().next().unwrap().to_str().unwrap();
    set.split(';').next().unwrap().to_owned()
}

/// The keys of an object, to compare with a contract.
#[track_caller]
pub fn has_keys(value: &Value, keys: &[&str]) {
    for key in keys {
        assert!(value.get(key).is_some(), "`{key}` is missing in {value}");
    }
}
