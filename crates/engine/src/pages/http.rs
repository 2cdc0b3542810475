//! One POST to a webhook. kube's client is the HTTP client: its TLS and its pool are there already; it follows no redirect.
//!
//! Invariant: one call, one request. The address may be a secret: it is in no answer.

use super::outlet::later;
use crate::clusters::credentials::http_date;
use crate::clusters::in_words;
use ::http::{HeaderMap, Request, StatusCode, Uri};
use domain::Time;
use domain::pages::Answer;
use http_body_util::{BodyExt, Limited};
use kube::client::Body;
use kube::{Client, Config};
use std::collections::BTreeMap;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

/// So much of an answer is read.
const LONGEST: usize = 16 * 1024;

/// Clients by the place that they speak to.
#[derive(Default)]
pub struct Service {
    clients: Mutex<BTreeMap<String, Client>>,
}

impl Service {
    pub async fn post(&self, url: &str, headers: HeaderMap, body: String) -> Answer {
        match self.exchange(url, headers, body).await {
            Ok(answer) => answer,
            Err(why) => later(why),
        }
    }

    async fn exchange(&self, url: &str, headers: HeaderMap, body: String) -> Result<Answer, String> {
        let uri: Uri = url.parse().map_err(|_| "The address of the webhook is none.".to_owned())?;
        let client = self.client(&uri)?;
        let path = uri.path_and_query().map_or("/", |path| path.as_str());
        let mut request =
            Request::post(path).body(Body::from(body.into_bytes())).map_err(|_| "What is to be sent is no HTTP.".to_owned())?;
        request.headers_mut().extend(headers);
        let answer = client.send(request).await.map_err(|error| format!("It cannot be reached: {}.", in_words(&error)))?;
        let (head, body) = answer.into_parts();
        let text = match Limited::new(body, LONGEST).collect().await {
            Ok(body) => String::from_utf8_lossy(&body.to_bytes()).into_owned(),
            Err(_) => String::new(),
        };
        Ok(judged(head.status, retry_after(&head.headers, crate::clusters::now()), &text))
    }

    fn client(&self, uri: &Uri) -> Result<Client, String> {
        let (Some(scheme), Some(authority)) = (uri.scheme_str(), uri.authority()) else {
            return Err("The address of the webhook is none.".to_owned());
        };
        let place = format!("{scheme}://{authority}");
        let mut clients = self.clients.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(client) = clients.get(&place) {
            return Ok(client.clone());
        }
        let mut config = Config::new(place.parse().map_err(|_| "The address of the webhook is none.".to_owned())?);
        config.connect_timeout = Some(Duration::from_secs(5));
        config.default_retry = false;
        let client = Client::try_from(config).map_err(|error| format!("There is no way there: {}.", in_words(&error)))?;
        clients.insert(place, client.clone());
        Ok(client)
    }
}

/// What a status means for a delivery.
fn judged(status: StatusCode, after_s: Option<i64>, text: &str) -> Answer {
    let said = said(status, text);
    match status.as_u16() {
        200..=299 => Answer::Taken(said),
        // A secret that is being exchanged is read anew at each try.
        401 | 408 | 425 | 429 | 500..=599 => Answer::Later { why: format!("It asks to try again: {said}"), after_s },
        300..=399 => Answer::Never(format!("It points elsewhere, and that is not followed: {said}")),
        _ => Answer::Never(format!("It refuses: {said}")),
    }
}

/// `403 Forbidden: invalid_token`, a line of bounded length: it is somebody else's text.
fn said(status: StatusCode, text: &str) -> String {
    let line: String = text.split_whitespace().collect::<Vec<_>>().join(" ");
    let line: String = line.chars().filter(|c| !c.is_control()).take(200).collect();
    let status = format!("{} {}", status.as_u16(), status.canonical_reason().unwrap_or_default());
    if line.is_empty() { format!("{}.", status.trim_end()) } else { format!("{}: {line}", status.trim_end()) }
}

/// Seconds, or a date (RFC 9110).
fn retry_after(headers: &HeaderMap, now: Time) -> Option<i64> {
    let text = headers.get("retry-after")?.to_str().ok()?.trim();
    let until = || http_date(text).map(|at| Time(at.as_millisecond()).seconds_since(now) + 1);
    text.parse().ok().or_else(until)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn answers_are_judged_by_what_trying_again_would_change() {
        let kind = |status: u16| match judged(StatusCode::from_u16(status).unwrap(), None, "") {
            Answer::Taken(_) => "taken",
            Answer::Recorded(_) => "recorded",
            Answer::Later { .. } => "later",
            Answer::Never(_) => "never",
        };
        let table = [
            (200, "taken"),
            (204, "taken"),
            (301, "never"),
            (400, "never"),
            (401, "later"),
            (403, "never"),
            (408, "later"),
            (410, "never"),
        ];
        for (status, expected) in table.into_iter().chain([(429, "later"), (500, "later"), (503, "later")]) {
            assert_eq!(kind(status), expected, "{status}");
        }
    }

    #[test]
    fn retry_after_is_seconds_or_a_date() {
        let now = Time::parse("2026-11-22T09:30:00Z").unwrap();
        let after = |text: &str| retry_after(&HeaderMap::from_iter([(::http::header::RETRY_AFTER, text.parse().unwrap())]), now);
        assert_eq!((after("120"), after("soon")), (Some(120), None));
        assert_eq!(after("Sun, 22 Nov 2026 09:31:00 GMT"), Some(61));
        assert_eq!(retry_after(&HeaderMap::new(), now), None);
    }

    #[test]
    fn foreign_words_are_one_short_line() {
        let text = format!("no\r\n such\u{7} token {}", "x".repeat(500));
        let said = said(StatusCode::FORBIDDEN, &text);
        assert!(said.starts_with("403 Forbidden: no such token xxx") && said.len() < 250, "{said}");
    }
}
