//! A command of a kubeconfig that prints a credential. Running it is running code: it is the operator's own file.
//! <https://kubernetes.io/docs/reference/access-authn-authz/authentication/#client-go-credential-plugins>
//!
//! Invariants: no thread of the runtime waits for the command; it has nobody to ask, and a deadline. What it prints is not
//! repeated, but for its errors' first line.

use super::{Certificate, Credential, Trouble, after};
use jiff::Timestamp;
use kube::config::{ExecConfig, ExecInteractiveMode};
use serde::Deserialize;
use serde_json::json;
use std::io::Read;
use std::process::{Child, Command, Stdio};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;
use tokio::task::spawn_blocking;

const DEADLINE: Duration = Duration::from_secs(30);

/// A credential is renewed this long before its end, and not used in the last seconds, in seconds.
const EARLY_S: i64 = 60;
const LAST_S: i64 = 10;

pub struct Exec {
    pub command: String,
    config: ExecConfig,
}

#[derive(Deserialize)]
struct Printed {
    status: Option<Status>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Status {
    expiration_timestamp: Option<String>,
    token: Option<String>,
    client_certificate_data: Option<String>,
    client_key_data: Option<String>,
}

impl Exec {
    pub fn new(config: ExecConfig) -> Result<Exec, String> {
        let command = config.command.clone().filter(|command| !command.is_empty()).ok_or("its exec section names no `command`")?;
        if config.interactive_mode == Some(ExecInteractiveMode::Always) {
            return Err(format!("its command `{command}` wants to ask somebody (interactiveMode: Always), and the portal has nobody"));
        }
        Ok(Exec { command, config })
    }

    pub async fn mint(&self) -> Result<Credential, Trouble> {
        let printed = self.run().await?;
        let wrong = |why: &str| Trouble::malformed(format!("what the command `{}` printed cannot be used: {why}", self.command));
        // The parser's own message would quote what it stumbled over.
        let printed: Printed = serde_saphyr::from_str(&printed).map_err(|_| wrong("it is no ExecCredential"))?;
        let status = printed.status.ok_or_else(|| wrong("`status` is missing"))?;
        let end: Option<Timestamp> = match status.expiration_timestamp {
            Some(end) => Some(end.parse().map_err(|_| wrong("`status.expirationTimestamp` is no time"))?),
            None => None,
        };
        let certificate = match (status.client_certificate_data, status.client_key_data) {
            (Some(chain), Some(key)) => Some(Certificate { chain, key: key.into() }),
            (None, None) => None,
            _ => return Err(wrong("a client certificate needs its key, and a key its certificate")),
        };
        let token = status.token.filter(|token| super::is_token(token));
        if token.is_none() && certificate.is_none() {
            return Err(wrong("neither `status.token` nor `status.clientCertificateData` is there"));
        }
        Ok(Credential {
            token: token.map(Into::into),
            certificate,
            refresh_at: end.map(|end| after(end, -EARLY_S)),
            valid_until: end.map(|end| after(end, -LAST_S)),
        })
    }

    async fn run(&self) -> Result<String, Trouble> {
        let running = Running::default();
        let (command, child) = (self.prepared(), running.child.clone());
        let output = spawn_blocking(move || finished(command, &child));
        let said = tokio::time::timeout(DEADLINE, output).await;
        let said =
            said.map_err(|_| Trouble::local(format!("the command `{}` did not end within {} s", self.command, DEADLINE.as_secs())))?;
        match said {
            Ok(Ok(Finished { good: true, output, .. })) => Ok(output),
            Ok(Ok(Finished { errors, .. })) => {
                let line: String = errors.lines().next().unwrap_or("without a word").chars().take(300).collect();
                Err(Trouble::local(format!("the command `{}` failed: {line}", self.command)))
            }
            Ok(Err(error)) => Err(Trouble::local(format!("the command `{}` cannot be run: {error}{}", self.command, self.hint()))),
            Err(_) => Err(Trouble::local(format!("the command `{}` was cut off", self.command))),
        }
    }

    fn hint(&self) -> String {
        self.config.install_hint.as_deref().and_then(|hint| hint.lines().next()).map(|line| format!(" ({line})")).unwrap_or_default()
    }

    fn prepared(&self) -> Command {
        let config = &self.config;
        let mut spec = json!({"interactive": false});
        if let Some(cluster) = config.cluster.as_ref().filter(|_| config.provide_cluster_info) {
            spec["cluster"] = serde_json::to_value(cluster).unwrap_or_default();
        }
        let info = json!({"apiVersion": config.api_version, "kind": "ExecCredential", "spec": spec});
        let mut command = Command::new(&self.command);
        command.args(config.args.iter().flatten());
        for variable in config.env.iter().flatten() {
            if let (Some(name), Some(value)) = (variable.get("name"), variable.get("value")) {
                command.env(name, value);
            }
        }
        command.env("KUBERNETES_EXEC_INFO", info.to_string());
        command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
        command
    }
}

/// The command while it runs. Whoever stops waiting for it ends it.
#[derive(Default)]
struct Running {
    child: Arc<Mutex<Option<Child>>>,
}

impl Drop for Running {
    fn drop(&mut self) {
        if let Some(child) = self.child.lock().unwrap_or_else(PoisonError::into_inner).as_mut() {
            // It has ended by itself, mostly.
            let _ = child.kill();
        }
    }
}

struct Finished {
    good: bool,
    output: String,
    errors: String,
}

/// Blocks until the command has ended.
fn finished(mut command: Command, slot: &Mutex<Option<Child>>) -> std::io::Result<Finished> {
    let mut child = command.spawn()?;
    let (output, errors) = (child.stdout.take(), child.stderr.take());
    *slot.lock().unwrap_or_else(PoisonError::into_inner) = Some(child);
    // Both at once: a full pipe would stop the command.
    let errors = std::thread::spawn(move || text(errors));
    let output = text(output);
    let errors = errors.join().unwrap_or_default();
    let ended = slot.lock().unwrap_or_else(PoisonError::into_inner).take();
    let good = ended.map(|mut child| child.wait()).transpose()?.is_some_and(|status| status.success());
    Ok(Finished { good, output, errors })
}

fn text(pipe: Option<impl Read>) -> String {
    let mut bytes = Vec::new();
    if let Some(pipe) = pipe {
        // What was read until it broke is what there is.
        let _ = pipe.take(1024 * 1024).read_to_end(&mut bytes);
    }
    String::from_utf8_lossy(&bytes).into_owned()
}
