//! One replica: a process that is started, stopped, woken, ended.

use crate::world::World;
use serde_json::Value;
use std::io::{BufRead, BufReader};
use std::path::PathBuf;
use std::process::{Child, Command, ExitStatus, Stdio};
use std::time::Duration;

/// So short that a test can wait for one to run out, in seconds.
pub const SHORT_LEASE: &str = "3";

pub struct Portal {
    child: Child,
    pub url: String,
    log: PathBuf,
    agent: ureq::Agent,
}

#[derive(Clone, Copy, Default)]
pub struct Wish {
    /// Where it stands still the first time.
    pub pause: Option<&'static str>,
    /// As people have it, of thirty seconds.
    pub long_lease: bool,
}

impl Portal {
    pub fn start(world: &World, name: &str, wish: Wish) -> Portal {
        let log = world.folder().join(format!("{name}.log"));
        let file = std::fs::OpenOptions::new().create(true).append(true).open(&log).unwrap();
        let mut command = Command::new(env!("CARGO_BIN_EXE_devmatrix"));
        command
            .current_dir(world.folder())
            .args(["serve", "--listen", "127.0.0.1:0", "--config", "devmatrix.yaml"])
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(file)
            .env("DEVMATRIX_DATABASE_URL", world.database_url());
        for name in ["DEVMATRIX_FAULT_POINT", "DEVMATRIX_PAUSE_POINT", "DEVMATRIX_LEASE_S"] {
            command.env_remove(name);
        }
        if let Some(point) = wish.pause {
            command.env("DEVMATRIX_PAUSE_POINT", point);
        }
        if !wish.long_lease {
            command.env("DEVMATRIX_LEASE_S", SHORT_LEASE);
        }
        let mut child = command.spawn().unwrap();
        let mut line = String::new();
        BufReader::new(child.stdout.take().unwrap()).read_line(&mut line).unwrap();
        let url = line.split_whitespace().find(|word| word.starts_with("http://")).map(str::to_owned);
        let config = ureq::Agent::config_builder().http_status_as_error(false).timeout_global(Some(Duration::from_secs(20))).build();
        let portal = Portal { child, url: url.unwrap_or_default(), log, agent: config.into() };
        assert!(!portal.url.is_empty(), "it did not start: {line}{}", portal.log());
        portal
    }

    pub fn ready(world: &World, name: &str, wish: Wish) -> Portal {
        let portal = Portal::start(world, name, wish);
        crate::eventually(&format!("{name} is ready"), || portal.is_ready().then_some(()));
        portal
    }

    /// Its last lines.
    pub fn log(&self) -> String {
        let text = std::fs::read_to_string(&self.log).unwrap_or_default();
        let lines: Vec<_> = text.lines().collect();
        lines[lines.len().saturating_sub(12)..].join("\n")
    }

    pub fn errors(&self) -> Vec<String> {
        let text = std::fs::read_to_string(&self.log).unwrap_or_default();
        text.lines().filter(|line| line.contains("ERROR")).map(str::to_owned).collect()
    }

    pub fn signal(&self, signal: &str) {
        let sent = Command::new("kill").args([&format!("-{signal}"), &self.child.id().to_string()]).status().unwrap();
        assert!(sent.success(), "{signal}");
    }

    /// It stands still, by a signal.
    pub fn stands_still(&self) -> bool {
        let stat = std::fs::read_to_string(format!("/proc/{}/stat", self.child.id())).unwrap_or_default();
        stat.rsplit(')').next().is_some_and(|rest| rest.trim_start().starts_with('T'))
    }

    pub fn exit(&mut self) -> Option<ExitStatus> {
        self.child.try_wait().unwrap()
    }

    pub fn is_ready(&self) -> bool {
        self.agent.get(format!("{}/readyz", self.url)).call().is_ok_and(|answer| answer.status().is_success())
    }

    /// None: it is not there, or stands still.
    pub fn get(&self, token: &str, path: &str) -> Option<Value> {
        let answer = self.agent.get(format!("{}{path}", self.url)).header("authorization", format!("Bearer {token}")).call().ok()?;
        let mut answer = Some(answer).filter(|answer| answer.status().is_success())?;
        answer.body_mut().read_json().ok()
    }

    /// Status and body. None: nobody knows what became of it.
    pub fn post(&self, token: &str, path: &str, body: &Value) -> Option<(u16, Value)> {
        let request = self.agent.post(format!("{}{path}", self.url)).header("authorization", format!("Bearer {token}"));
        let mut answer = request.send_json(body).ok()?;
        Some((answer.status().as_u16(), answer.body_mut().read_json().ok()?))
    }

    /// The same, for one that may stand still before it answers.
    pub fn post_and_forget(&self, token: &str, path: &str, body: &Value) {
        let config = ureq::Agent::config_builder().timeout_global(Some(Duration::from_secs(1))).build();
        let agent: ureq::Agent = config.into();
        let _ = agent.post(format!("{}{path}", self.url)).header("authorization", format!("Bearer {token}")).send_json(body);
    }

    /// A session, as its cookie.
    pub fn sign_in(&self, token: &str) -> String {
        let config = ureq::Agent::config_builder().http_status_as_error(false).max_redirects(0).build();
        let agent: ureq::Agent = config.into();
        let form = [("token", token), ("return_to", "/")];
        let answer = agent.post(format!("{}/sign-in", self.url)).header("sec-fetch-site", "same-origin").send_form(form).unwrap();
        assert_eq!(answer.status(), 303);
        let cookie = answer.headers().get("set-cookie").unwrap().to_str().unwrap();
        cookie.split(';').next().unwrap().to_owned()
    }

    /// A page as a browser asks for it.
    pub fn page(&self, cookie: &str, path: &str) -> String {
        let mut answer = self.agent.get(format!("{}{path}", self.url)).header("cookie", cookie).call().unwrap();
        answer.body_mut().read_to_string().unwrap()
    }

    /// The events of its stream, line by line, until it ends.
    pub fn events(&self, token: &str) -> impl Iterator<Item = String> + Send + 'static {
        let agent = ureq::Agent::new_with_defaults();
        let answer = agent.get(format!("{}/api/v1/events", self.url)).header("authorization", format!("Bearer {token}")).call().unwrap();
        BufReader::new(answer.into_body().into_reader()).lines().map_while(Result::ok)
    }
}

impl Drop for Portal {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
