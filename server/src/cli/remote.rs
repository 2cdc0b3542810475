//! A portal at the other end of HTTP: asks, and turns refusals into sentences.

use super::Failure;
use super::arguments::Remote;
use serde::de::DeserializeOwned;
use serde_json::Value;
use std::time::Duration;
use ureq::Agent;
use ureq::http::{Response, StatusCode};

/// A plan asks the cluster's API server; a read does not take this long.
const TIMEOUT: Duration = Duration::from_secs(60);

/// The longest answer that is read, in bytes.
const LONGEST: u64 = 64 * 1024 * 1024;

pub struct Client {
    agent: Agent,
    server: String,
    token: String,
}

/// What the server said instead of yes.
pub enum Refused {
    /// It could not be asked, or it is busy: worth another try.
    Away(String),
    /// Its answer was no.
    Answer(String),
}

impl From<Refused> for Failure {
    fn from(refused: Refused) -> Failure {
        match refused {
            Refused::Away(sentence) | Refused::Answer(sentence) => Failure::failed(sentence),
        }
    }
}

impl Client {
    pub fn of(remote: &Remote) -> Result<Client, Failure> {
        if !remote.server.starts_with("http://") && !remote.server.starts_with("https://") {
            let server = &remote.server;
            return Err(Failure::usage(format!("`{server}` is not the address of a portal: expected --server https://HOST.")));
        }
        let config = Agent::config_builder().http_status_as_error(false).timeout_global(Some(TIMEOUT)).max_redirects(0).build();
        let server = remote.server.trim_end_matches('/').to_owned();
        Ok(Client { agent: config.into(), server, token: token(remote)? })
    }

    pub fn get(&self, path: &str) -> Result<Value, Refused> {
        let request = self.agent.get(format!("{}{path}", self.server)).header("Authorization", format!("Bearer {}", self.token));
        self.answer(request.call())
    }

    pub fn get_as<T: DeserializeOwned>(&self, path: &str) -> Result<T, Refused> {
        parse(self.get(path)?)
    }

    /// A key makes a repeated request the same one.
    pub fn post(&self, path: &str, body: &Value, key: Option<&str>) -> Result<Value, Refused> {
        let mut request = self.agent.post(format!("{}{path}", self.server)).header("Authorization", format!("Bearer {}", self.token));
        if let Some(key) = key {
            request = request.header("Idempotency-Key", key);
        }
        self.answer(request.send_json(body))
    }

    pub fn delete(&self, path: &str, body: &Value) -> Result<Value, Refused> {
        let request = self.agent.delete(format!("{}{path}", self.server)).header("Authorization", format!("Bearer {}", self.token));
        self.answer(request.force_send_body().send_json(body))
    }

    fn answer(&self, answer: Result<Response<ureq::Body>, ureq::Error>) -> Result<Value, Refused> {
        let mut answer = answer.map_err(|error| {
            Refused::Away(format!("The portal at {} cannot be reached ({error}): is it running, and is --server right?", self.server))
        })?;
        let status = answer.status();
        let text = answer.body_mut().with_config().limit(LONGEST).read_to_string();
        let value = text.ok().and_then(|text| serde_json::from_str::<Value>(&text).ok());
        match value {
            Some(value) if status.is_success() => Ok(value),
            value => Err(self.refusal(status, value.as_ref())),
        }
    }

    fn refusal(&self, status: StatusCode, problem: Option<&Value>) -> Refused {
        let said = |key: &str| problem.and_then(|problem| problem[key].as_str()).map(super::show::plain);
        let sentence = match (status.as_u16(), said("detail"), said("code"), said("field")) {
            (401, ..) => format!(
                "The portal at {} does not know this token, or it has expired: make another with `devmatrix token create`.",
                self.server
            ),
            (_, Some(detail), _, Some(field)) => format!("{field}: {detail}"),
            (_, Some(detail), Some(code), None) => format!("{detail} ({code})"),
            _ => format!("{} does not answer as a portal does (HTTP {status}): is --server right?", self.server),
        };
        if matches!(status.as_u16(), 429 | 502 | 503 | 504) { Refused::Away(sentence) } else { Refused::Answer(sentence) }
    }
}

pub fn parse<T: DeserializeOwned>(value: Value) -> Result<T, Refused> {
    serde_json::from_value(value)
        .map_err(|error| Refused::Answer(format!("The portal's answer is not understood ({error}): use a devmatrix of its version.")))
}

/// From the file that was named, else from the environment.
fn token(remote: &Remote) -> Result<String, Failure> {
    let text = match &remote.token_file {
        Some(path) => std::fs::read_to_string(path)
            .map_err(|error| Failure::usage(format!("The token file {} cannot be read: {error}.", path.display())))?,
        None => std::env::var("DEVMATRIX_TOKEN")
            .map_err(|_| Failure::usage("Which token? Name a file with --token-file, or put the token into DEVMATRIX_TOKEN."))?,
    };
    let token = text.trim();
    if token.is_empty() || !token.bytes().all(|c| c.is_ascii_graphic()) {
        return Err(Failure::usage("The token is empty or has spaces in it: expected one token, as `devmatrix token create` prints it."));
    }
    Ok(token.to_owned())
}

/// One segment of a path.
pub fn segment(text: &str) -> String {
    let kept = |c: u8| c.is_ascii_alphanumeric() || c == b'-' || c == b'_';
    text.bytes().map(|c| if kept(c) { (c as char).to_string() } else { format!("%{c:02X}") }).collect()
}
