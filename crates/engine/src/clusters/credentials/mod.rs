//! What opens a cluster's door when it runs out by itself: tokens of the clouds, token files that rotate, commands of a
//! kubeconfig.
//!
//! Invariants: one renewal at a time, however many ask. What is still good is used while its renewal fails or waits. Time is
//! the given clock's. Nothing here prints a secret.

mod aks;
mod eks;
mod exec;
mod file;
mod gke;
mod http;
mod signature;

pub use self::http::http_date;

use self::{aks::Aks, eks::Eks, exec::Exec, file::TokenFile, gke::Gke};
use domain::catalog::Access;
use jiff::{SignedDuration, Timestamp};
use kube::config::ExecConfig;
use secrecy::SecretString;
use std::fmt;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use tokio::sync::OwnedMutexGuard;

/// The value of an environment variable.
pub type Variables = dyn Fn(&str) -> Option<String> + Send + Sync;

/// The time now.
pub type Clock = dyn Fn() -> Timestamp + Send + Sync;

/// What the process finds around it. Tests bring their own.
#[derive(Clone)]
pub struct Surroundings {
    pub environment: Arc<Variables>,
    pub clock: Arc<Clock>,
}

impl Surroundings {
    pub fn of_this_process() -> Surroundings {
        Surroundings { environment: Arc::new(|name| std::env::var(name).ok()), clock: Arc::new(Timestamp::now) }
    }

    /// The declared value, or the variable's.
    fn value(&self, declared: Option<&String>, variable: &str) -> Option<String> {
        declared.cloned().or_else(|| (self.environment)(variable)).filter(|value| !value.is_empty())
    }

    fn required(&self, declared: Option<&String>, section: &str, key: &str, variable: &str) -> Result<String, String> {
        self.value(declared, variable)
            .ok_or_else(|| format!("`{section}` needs `{key}` in the configuration, or {variable} in the environment"))
    }
}

/// A token, or a client certificate with its key.
pub struct Credential {
    pub token: Option<SecretString>,
    pub certificate: Option<Certificate>,
    /// When to look for the next one. None: when this one is refused.
    refresh_at: Option<Timestamp>,
    /// None: until it is refused.
    valid_until: Option<Timestamp>,
}

/// PEM.
pub struct Certificate {
    pub chain: String,
    pub key: SecretString,
}

impl Credential {
    fn token(token: String, refresh_at: Option<Timestamp>, valid_until: Option<Timestamp>) -> Credential {
        Credential { token: Some(token.into()), certificate: None, refresh_at, valid_until }
    }

    /// Renewed when a fifth of its life is left, at most five minutes before its end; not used in the last ten seconds.
    fn lasting(token: String, now: Timestamp, seconds: i64) -> Credential {
        let seconds = seconds.clamp(0, 86_400);
        let early = (seconds / 5).clamp(15, 300);
        Credential::token(token, Some(after(now, (seconds - early).max(1))), Some(after(now, (seconds - 10).max(1))))
    }
}

fn after(now: Timestamp, seconds: i64) -> Timestamp {
    now.checked_add(SignedDuration::from_secs(seconds)).unwrap_or(Timestamp::MAX)
}

/// Why there is no new credential, in a sentence that says what to check.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{said}")]
pub struct Trouble {
    said: String,
    pub kind: TroubleKind,
    retry_after: Option<SignedDuration>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TroubleKind {
    /// Somebody who may decide has said no.
    Refused,
    /// Later.
    Throttled,
    Unreachable,
    Malformed,
    /// A file or a command on this machine.
    Local,
}

impl Trouble {
    fn new(kind: TroubleKind, said: String) -> Trouble {
        Trouble { said, kind, retry_after: None }
    }

    fn refused(said: String) -> Trouble {
        Trouble::new(TroubleKind::Refused, said)
    }

    fn throttled(said: String, retry_after: Option<SignedDuration>) -> Trouble {
        Trouble { retry_after, ..Trouble::new(TroubleKind::Throttled, said) }
    }

    fn unreachable(said: String) -> Trouble {
        Trouble::new(TroubleKind::Unreachable, said)
    }

    fn malformed(said: String) -> Trouble {
        Trouble::new(TroubleKind::Malformed, said)
    }

    fn local(said: String) -> Trouble {
        Trouble::new(TroubleKind::Local, said)
    }
}

enum Source {
    Eks(Box<Eks>),
    Gke(Box<Gke>),
    Aks(Box<Aks>),
    File(TokenFile),
    Exec(Box<Exec>),
}

impl Source {
    async fn mint(&self, now: Timestamp) -> Result<Credential, Trouble> {
        match self {
            Source::Eks(eks) => eks.mint(now).await,
            Source::Gke(gke) => gke.mint(now).await,
            Source::Aks(aks) => aks.mint(now).await,
            Source::File(file) => file.mint(now).await,
            Source::Exec(exec) => exec.mint().await,
        }
    }

    /// What to look at when the API server refuses a fresh credential.
    fn check(&self) -> String {
        match self {
            Source::Eks(eks) => eks.check(),
            Source::Gke(_) => "that this service account may use the cluster, and that `endpoint` is this cluster's".to_owned(),
            Source::Aks(_) => {
                "that the cluster signs in with Entra ID, that `tenant` is its tenant, and that `endpoint` is its own".to_owned()
            }
            Source::File(file) => format!("that {} holds a token of this cluster", file.path.display()),
            Source::Exec(exec) => format!("what `{}` prints", exec.command),
        }
    }
}

/// Between two credentials that the API server refused at once: asking more often would only burden the cloud.
const REFUSED_AGAIN: SignedDuration = SignedDuration::from_secs(30);

/// The first wait after a failed renewal doubles up to the longest.
const FIRST_WAIT: SignedDuration = SignedDuration::from_secs(1);
const LONGEST_WAIT: SignedDuration = SignedDuration::from_secs(300);

pub struct Credentials {
    source: Source,
    surroundings: Surroundings,
    state: Mutex<State>,
    renewing: Arc<tokio::sync::Mutex<()>>,
}

#[derive(Default)]
struct State {
    held: Option<Arc<Credential>>,
    failed: Option<Failed>,
    /// When the API server refused one, and a new one was asked for because of that.
    refused: Option<Timestamp>,
}

struct Failed {
    trouble: Trouble,
    wait: SignedDuration,
    not_before: Timestamp,
}

impl fmt::Debug for Credentials {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Credentials")
    }
}

/// What is known without asking anybody.
enum AtHand {
    Good(Arc<Credential>),
    /// Still good, and due for renewal.
    Ageing(Arc<Credential>),
    /// Nothing, and it is too early to ask again.
    Waiting(Trouble),
    Nothing,
}

impl Credentials {
    /// For a declared way in that mints tokens. None: this one has no credentials of its own.
    pub fn of(access: &Access, surroundings: &Surroundings) -> Result<Option<Arc<Credentials>>, String> {
        let source = match access {
            Access::InCluster | Access::Kubeconfig(_) => return Ok(None),
            Access::Eks(eks) => Source::Eks(Box::new(Eks::new(eks, surroundings)?)),
            Access::Gke(gke) => Source::Gke(Box::new(Gke::new(gke, surroundings)?)),
            Access::Aks(aks) => Source::Aks(Box::new(Aks::new(aks, surroundings)?)),
        };
        Ok(Some(Credentials::with(source, surroundings)))
    }

    /// A file whose token is renewed by others.
    pub fn of_file(path: &str, surroundings: &Surroundings) -> Arc<Credentials> {
        Credentials::with(Source::File(TokenFile::new(path)), surroundings)
    }

    /// A command of the operator's kubeconfig.
    pub fn of_exec(exec: ExecConfig, surroundings: &Surroundings) -> Result<Arc<Credentials>, String> {
        Ok(Credentials::with(Source::Exec(Box::new(Exec::new(exec)?)), surroundings))
    }

    fn with(source: Source, surroundings: &Surroundings) -> Arc<Credentials> {
        Arc::new(Credentials { source, surroundings: surroundings.clone(), state: Mutex::default(), renewing: Arc::default() })
    }

    /// What opens the door now. Waits only when nothing is at hand that is still good.
    pub async fn get(self: &Arc<Credentials>) -> Result<Arc<Credential>, Trouble> {
        match self.at_hand() {
            AtHand::Good(credential) => Ok(credential),
            AtHand::Ageing(credential) => {
                if self.may_ask()
                    && let Ok(turn) = self.renewing.clone().try_lock_owned()
                {
                    drop(tokio::spawn(self.clone().renew(turn)));
                }
                Ok(credential)
            }
            AtHand::Waiting(trouble) => Err(trouble),
            AtHand::Nothing => self.first().await,
        }
    }

    /// Nothing is at hand: one asks, the others wait for what it gets.
    async fn first(self: &Arc<Credentials>) -> Result<Arc<Credential>, Trouble> {
        let turn = self.renewing.clone().lock_owned().await;
        match self.at_hand() {
            AtHand::Good(credential) | AtHand::Ageing(credential) => Ok(credential),
            AtHand::Waiting(trouble) => Err(trouble),
            // In a task of its own: whoever asked may give up before a slow command has answered.
            AtHand::Nothing => match tokio::spawn(self.clone().renew(turn)).await {
                Ok(renewed) => renewed,
                Err(_) => Err(Trouble::local("the renewal was cut off: the portal is stopping".to_owned())),
            },
        }
    }

    /// The API server refused `old`: another one, once. None: the last one was refused just as well.
    /// `date` is what the API server takes for the time.
    pub async fn replace(
        self: &Arc<Credentials>,
        old: &Arc<Credential>,
        date: Option<Timestamp>,
    ) -> Result<Option<Arc<Credential>>, Trouble> {
        let now = (self.surroundings.clock)();
        {
            let mut state = self.state();
            if state.held.as_ref().is_some_and(|held| Arc::ptr_eq(held, old)) {
                if state.refused.is_some_and(|at| now.duration_since(at) < REFUSED_AGAIN) {
                    return Ok(None);
                }
                state.refused = Some(now);
                state.held = None;
                if let Source::Eks(eks) = &self.source {
                    eks.refused(now, date);
                }
            }
        }
        self.get().await.map(Some)
    }

    /// The sentence for a 401 after a renewal.
    pub fn authentication_failed(&self) -> String {
        format!("authentication failed: the API server refuses the portal's credential, also a new one; check {}", self.source.check())
    }

    fn at_hand(&self) -> AtHand {
        let now = (self.surroundings.clock)();
        let state = self.state();
        let held = state.held.as_ref().filter(|held| held.valid_until.is_none_or(|end| now < end));
        match (held, &state.failed) {
            (Some(held), _) if held.refresh_at.is_none_or(|at| now < at) => AtHand::Good(held.clone()),
            (Some(held), _) => AtHand::Ageing(held.clone()),
            (None, Some(failed)) if now < failed.not_before => AtHand::Waiting(failed.trouble.clone()),
            (None, _) => AtHand::Nothing,
        }
    }

    fn may_ask(&self) -> bool {
        let now = (self.surroundings.clock)();
        self.state().failed.as_ref().is_none_or(|failed| now >= failed.not_before)
    }

    async fn renew(self: Arc<Credentials>, _turn: OwnedMutexGuard<()>) -> Result<Arc<Credential>, Trouble> {
        let now = (self.surroundings.clock)();
        let minted = self.source.mint(now).await;
        let mut state = self.state();
        match minted {
            Ok(credential) => {
                let credential = Arc::new(credential);
                state.held = Some(credential.clone());
                state.failed = None;
                Ok(credential)
            }
            Err(trouble) => {
                // Without one that is still good, whoever asked is told, and tells.
                if state.held.is_some() {
                    tracing::warn!(%trouble, "a cluster's credential was not renewed; the old one is used while it lasts");
                }
                state.failed = Some(failed(state.failed.as_ref(), now, trouble.clone()));
                Err(trouble)
            }
        }
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn failed(before: Option<&Failed>, now: Timestamp, trouble: Trouble) -> Failed {
    let doubled = before.map_or(FIRST_WAIT, |before| before.wait.saturating_mul(2).min(LONGEST_WAIT));
    let wait = trouble.retry_after.map_or(doubled, |asked| asked.clamp(doubled, LONGEST_WAIT));
    Failed { not_before: after(now, wait.as_secs()), wait, trouble }
}

/// What an OAuth 2 token endpoint answers: the token, and for how many seconds it is good.
fn oauth(service: &http::Service, answer: &http::Answer) -> Result<(String, i64), Trouble> {
    // serde's own message would quote what it stumbled over.
    let said: serde_json::Value = serde_json::from_str(&answer.text).map_err(|_| service.malformed("it is no JSON"))?;
    let token = said["access_token"].as_str().filter(|token| is_token(token));
    let token = token.ok_or_else(|| service.malformed("`access_token` is missing"))?;
    let seconds = said["expires_in"].as_i64().or_else(|| said["expires_in"].as_str()?.parse().ok());
    match seconds {
        Some(seconds) if seconds > 0 => Ok((token.to_owned(), seconds)),
        _ => Err(service.malformed("`expires_in` is missing")),
    }
}

/// It can stand in a header.
fn is_token(text: &str) -> bool {
    !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_graphic())
}
