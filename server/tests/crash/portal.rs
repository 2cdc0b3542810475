//! The portal as a process that dies without a word.

use crate::world::World;
use serde_json::Value;
use std::io::{BufRead, BufReader};
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

pub struct Portal {
    child: Child,
    pub url: String,
    log: PathBuf,
    agent: ureq::Agent,
}

impl Portal {
    /// `point`: where it ends itself the first time.
    pub fn start(world: &World, point: Option<&str>) -> Portal {
        let log = world.folder().join("portal.log");
        let file = std::fs::OpenOptions::new().create(true).append(true).open(&log).unwrap();
        let mut command = Command::new(env!("CARGO_BIN_EXE_devmatrix"));
        command
            .current_dir(world.folder())
            .args(["serve", "--listen", "127.0.0.1:0", "--config", "devmatrix.yaml", "--data-dir", "data"])
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(file)
            .env_remove("DEVMATRIX_DATABASE_URL")
            .env_remove("DEVMATRIX_LEASE_S")
            .env_remove("DEVMATRIX_FAULT_POINT");
        if let Some(point) = point {
            command.env("DEVMATRIX_FAULT_POINT", point);
            // Renewed each second.
            command.env("DEVMATRIX_LEASE_S", if point.ends_with("its lease is renewed") { "3" } else { "30" });
        }
        let mut child = command.spawn().unwrap();
        let mut line = String::new();
        BufReader::new(child.stdout.take().unwrap()).read_line(&mut line).unwrap();
        let url = line.split_whitespace().find(|word| word.starts_with("http://")).map(str::to_owned);
        let config = ureq::Agent::config_builder().http_status_as_error(false).timeout_global(Some(Duration::from_secs(10))).build();
        let portal = Portal { child, url: url.unwrap_or_default(), log, agent: config.into() };
        assert!(!portal.url.is_empty(), "it did not start: {line}{}", portal.log());
        portal
    }

    /// SIGKILL.
    pub fn kill(&mut self) {
        self.child.kill().unwrap();
        self.child.wait().unwrap();
    }

    /// SIGTERM, and how it ended.
    pub fn terminated(&mut self) -> std::process::ExitStatus {
        let sent = Command::new("kill").args(["-TERM", &self.child.id().to_string()]).status().unwrap();
        assert!(sent.success());
        self.child.wait().unwrap()
    }

    pub fn has_died(&mut self) -> bool {
        self.child.try_wait().unwrap().is_some()
    }

    /// Its last lines.
    pub fn log(&self) -> String {
        let text = std::fs::read_to_string(&self.log).unwrap_or_default();
        let lines: Vec<_> = text.lines().collect();
        lines[lines.len().saturating_sub(12)..].join("\n")
    }

    /// None: it died, or is not there yet.
    pub fn get(&self, token: &str, path: &str) -> Option<Value> {
        let answer = self.agent.get(format!("{}{path}", self.url)).header("authorization", format!("Bearer {token}")).call().ok()?;
        let mut answer = Some(answer).filter(|answer| answer.status().is_success())?;
        answer.body_mut().read_json().ok()
    }

    /// Status and body. None: nobody knows what became of it.
    pub fn post(&self, token: &str, path: &str, key: Option<&str>, body: &Value) -> Option<(u16, Value)> {
        let mut request = self.agent.post(format!("{}{path}", self.url)).header("authorization", format!("Bearer {token}"));
        if let Some(key) = key {
            request = request.header("idempotency-key", key);
        }
        let mut answer = request.send_json(body).ok()?;
        let status = answer.status().as_u16();
        Some((status, answer.body_mut().read_json().ok()?))
    }

    pub fn delete(&self, token: &str, path: &str) -> Option<(u16, Value)> {
        let request = self.agent.delete(format!("{}{path}", self.url)).header("authorization", format!("Bearer {token}"));
        let mut answer = request.call().ok()?;
        Some((answer.status().as_u16(), answer.body_mut().read_json().ok()?))
    }

    pub fn is_ready(&self) -> bool {
        self.agent.get(format!("{}/readyz", self.url)).call().is_ok_and(|answer| answer.status().is_success())
    }

    pub fn wait_until_ready(&self) {
        let began = Instant::now();
        while !self.is_ready() {
            assert!(began.elapsed() < Duration::from_secs(60), "not ready: {}", self.log());
            std::thread::sleep(Duration::from_millis(20));
        }
    }
}

impl Drop for Portal {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// Whoever sends it waits for the answer, if there is one.
pub fn post_and_forget(url: &str, token: &str, path: &str, body: &Value) {
    let config = ureq::Agent::config_builder().timeout_global(Some(Duration::from_secs(30))).build();
    let agent: ureq::Agent = config.into();
    let _ = agent.post(format!("{url}{path}")).header("authorization", format!("Bearer {token}")).send_json(body);
}

/// A request that is written whole, and whose answer is read later.
pub struct Sent(std::net::TcpStream);

pub fn sent(url: &str, token: &str, path: &str, body: &Value) -> Sent {
    use std::io::Write;
    let (host, body) = (url.trim_start_matches("http://"), body.to_string());
    let mut stream = std::net::TcpStream::connect(host).unwrap();
    let head = format!("POST {path} HTTP/1.1\r\nhost: {host}\r\nauthorization: Bearer {token}\r\ncontent-type: application/json");
    write!(stream, "{head}\r\ncontent-length: {}\r\nconnection: close\r\n\r\n{body}", body.len()).unwrap();
    stream.flush().unwrap();
    Sent(stream)
}

impl Sent {
    pub fn answer(mut self) -> String {
        use std::io::Read;
        let mut text = String::new();
        self.0.read_to_string(&mut text).unwrap();
        text
    }
}
