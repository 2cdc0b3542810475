//! One request to a cloud's service that mints tokens. kube's client is the HTTP client: its TLS and its pool are there
//! already.
//!
//! Invariant: one call, one request, one deadline. What is sent and answered holds secrets: it is never printed.

use super::Trouble;
use crate::clusters::in_words;
use http::{Request, StatusCode};
use http_body_util::{BodyExt, Limited};
use jiff::{SignedDuration, Timestamp};
use kube::client::Body;
use kube::{Client, Config};
use std::time::Duration;

const DEADLINE: Duration = Duration::from_secs(10);

/// No answer of these services is longer than a few kilobytes.
const LONGEST: usize = 256 * 1024;

pub struct Service {
    /// `AWS STS`, for sentences.
    name: &'static str,
    url: String,
    client: Client,
}

pub struct Answer {
    pub status: StatusCode,
    /// What the server takes for the time.
    pub date: Option<Timestamp>,
    pub retry_after: Option<SignedDuration>,
    pub metadata_flavor: Option<String>,
    pub text: String,
}

impl Service {
    /// Inside a runtime: the client has a task of its own.
    pub fn new(name: &'static str, url: &str) -> Result<Service, String> {
        let address = url.parse().map_err(|_| format!("`{url}` is not the address of {name}"))?;
        let mut config = Config::new(address);
        config.connect_timeout = Some(Duration::from_secs(5));
        config.default_retry = false;
        let client = Client::try_from(config).map_err(|error| format!("there is no way to {name} at {url}: {error}"))?;
        Ok(Service { name, url: url.to_owned(), client })
    }

    pub async fn get(&self, path: &str, header: (&'static str, &str)) -> Result<Answer, Trouble> {
        self.call(Request::get(path).header(header.0, header.1).body(Body::empty())).await
    }

    pub async fn post_form(&self, path: &str, fields: &[(&str, &str)]) -> Result<Answer, Trouble> {
        let form = form_urlencoded::Serializer::new(String::new()).extend_pairs(fields).finish();
        let request = Request::post(path)
            .header("content-type", "application/x-www-form-urlencoded")
            .header("accept", "application/xml, application/json")
            .body(Body::from(form.into_bytes()));
        self.call(request).await
    }

    pub async fn post_json(&self, path: &str, bearer: &str, body: &serde_json::Value) -> Result<Answer, Trouble> {
        let request = Request::post(path)
            .header("content-type", "application/json")
            .header("authorization", format!("Bearer {bearer}"))
            .body(Body::from(body.to_string().into_bytes()));
        self.call(request).await
    }

    async fn call(&self, request: http::Result<Request<Body>>) -> Result<Answer, Trouble> {
        let request = request.map_err(|_| Trouble::local(format!("what is to be sent to {} is no HTTP", self.name)))?;
        match tokio::time::timeout(DEADLINE, self.exchange(request)).await {
            Ok(answer) => answer,
            Err(_) => Err(self.unreachable(&format!("no answer within {} s", DEADLINE.as_secs()))),
        }
    }

    async fn exchange(&self, request: Request<Body>) -> Result<Answer, Trouble> {
        let answer = self.client.send(request).await.map_err(|error| self.unreachable(&in_words(&error)))?;
        let (head, body) = answer.into_parts();
        let header = |name: &str| head.headers.get(name).and_then(|value| value.to_str().ok());
        let body = Limited::new(body, LONGEST).collect().await.map_err(|error| self.unreachable(&error.to_string()))?;
        Ok(Answer {
            status: head.status,
            date: header("date").and_then(http_date),
            retry_after: header("retry-after").and_then(|text| text.trim().parse().ok()).map(SignedDuration::from_secs),
            metadata_flavor: header("metadata-flavor").map(str::to_owned),
            text: String::from_utf8(body.to_bytes().to_vec()).map_err(|_| self.malformed("it is no text"))?,
        })
    }

    fn unreachable(&self, why: &str) -> Trouble {
        Trouble::unreachable(format!("{} at {} does not answer: {why}", self.name, self.url))
    }

    /// It answered, and the answer makes no sense.
    pub fn malformed(&self, why: &str) -> Trouble {
        Trouble::malformed(format!("the answer of {} at {} cannot be used: {why}", self.name, self.url))
    }

    /// What an answer that is no success means. `code` and `message` are the service's own words, `check` what to look at.
    pub fn refusal(&self, answer: &Answer, code: &str, message: &str, check: &str) -> Trouble {
        let status = answer.status.as_u16();
        let words = [code, message].into_iter().filter(|part| !part.is_empty()).collect::<Vec<_>>().join(": ");
        let said = shortened(format!("{status} {words}"));
        let throttled =
            status == 429 || code.contains("Throttl") || ["RequestLimitExceeded", "TooManyRequests", "slow_down"].contains(&code);
        if throttled {
            return Trouble::throttled(format!("{} asks for fewer requests ({said})", self.name), answer.retry_after);
        }
        if answer.status.is_server_error() {
            return Trouble::throttled(format!("{} is out of order ({said})", self.name), answer.retry_after);
        }
        Trouble::refused(format!("{} refuses ({said}): check {check}", self.name))
    }
}

/// `Tue, 15 Nov 1994 08:12:31 GMT`
pub fn http_date(text: &str) -> Option<Timestamp> {
    jiff::fmt::rfc2822::DateTimeParser::new().parse_timestamp(text).ok()
}

/// Foreign words in our sentences: a line of bounded length.
fn shortened(text: String) -> String {
    let line = text.split_whitespace().collect::<Vec<_>>().join(" ");
    match line.char_indices().nth(300) {
        Some((at, _)) => format!("{}…", &line[..at]),
        None => line,
    }
}
