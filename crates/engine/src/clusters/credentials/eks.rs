//! EKS: the pod's web identity is exchanged at AWS STS for temporary keys of a role; with them a GetCallerIdentity request is
//! signed, and its URL is the token. The cluster sends that request, and learns who it is.
//! <https://github.com/kubernetes-sigs/aws-iam-authenticator#api-authorization-from-outside-a-cluster>

use super::file;
use super::http::{Answer, Service};
use super::signature::{Keys, presigned};
use super::{Credential, Surroundings, Trouble, after};
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use domain::catalog;
use jiff::{SignedDuration, Timestamp};
use quick_xml::Reader;
use quick_xml::events::Event;
use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

/// A cluster takes a signed URL for 15 minutes. Renewed after 12, not used after 14.
const RENEW_S: i64 = 12 * 60;
const GOOD_S: i64 = 14 * 60;

/// Keys are renewed when they have less than this left: a token must not outlive the keys that signed it.
const KEYS_LEFT_S: i64 = 15 * 60;

/// After a renewal of the keys that failed, while the old ones are good.
const KEYS_AGAIN_S: i64 = 60;

/// A clock that is off by less does no harm: AWS allows five minutes.
const SKEW: SignedDuration = SignedDuration::from_secs(60);

pub struct Eks {
    sts: Service,
    region: String,
    /// What the token names, whatever address `sts` has: clusters accept only AWS' own.
    host: String,
    cluster: String,
    role: String,
    token_file: PathBuf,
    state: Mutex<State>,
}

#[derive(Default)]
struct State {
    /// With the moment, on our clock, when they end.
    keys: Option<(Arc<Keys>, Timestamp)>,
    /// AWS' clock less ours, when that is more than a minute.
    skew: SignedDuration,
}

impl Eks {
    pub fn new(declared: &catalog::Eks, surroundings: &Surroundings) -> Result<Eks, String> {
        let region = surroundings.required(declared.region.as_ref(), "eks", "region", "AWS_REGION")?;
        let role = surroundings.required(declared.role_arn.as_ref(), "eks", "role_arn", "AWS_ROLE_ARN")?;
        let token_file = surroundings.required(
            declared.web_identity_token_file.as_ref(),
            "eks",
            "web_identity_token_file",
            "AWS_WEB_IDENTITY_TOKEN_FILE",
        )?;
        let suffix = if region.starts_with("cn-") { "amazonaws.com.cn" } else { "amazonaws.com" };
        let host = format!("sts.{region}.{suffix}");
        let url = declared.sts_endpoint.clone().unwrap_or_else(|| format!("https://{host}"));
        Ok(Eks {
            sts: Service::new("AWS STS", &url)?,
            region,
            host,
            cluster: declared.cluster_name.clone(),
            role,
            token_file: PathBuf::from(token_file),
            state: Mutex::default(),
        })
    }

    pub async fn mint(&self, now: Timestamp) -> Result<Credential, Trouble> {
        let (keys, keys_end, renewed) = self.keys(now).await?;
        let skew = self.state().skew;
        let signed_at = now.checked_add(skew).unwrap_or(now);
        let url = presigned(&self.host, &self.region, &self.cluster, &keys, signed_at);
        let token = format!("k8s-aws-v1.{}", URL_SAFE_NO_PAD.encode(url));
        let renew_s = if renewed { RENEW_S } else { KEYS_AGAIN_S };
        Ok(Credential::token(token, Some(after(now, renew_s)), Some(after(now, GOOD_S).min(keys_end))))
    }

    pub fn check(&self) -> String {
        format!(
            "that the cluster knows the role {} (an access entry, or the ConfigMap aws-auth), that `cluster_name: {}` is its name at AWS, \
             and this machine's clock",
            self.role, self.cluster
        )
    }

    /// A cluster refused a token: the keys may have been revoked, or our clock is wrong.
    pub fn refused(&self, now: Timestamp, date: Option<Timestamp>) {
        self.state().keys = None;
        self.learn(now, date);
    }

    /// Keys that are good, until when, and whether they are as new as they should be.
    async fn keys(&self, now: Timestamp) -> Result<(Arc<Keys>, Timestamp, bool), Trouble> {
        let held = self.state().keys.clone().filter(|(_, end)| now < *end);
        if let Some((keys, end)) = held.clone().filter(|(_, end)| after(now, KEYS_LEFT_S) < *end) {
            return Ok((keys, end, true));
        }
        match (self.assume(now).await, held) {
            (Ok((keys, end)), _) => {
                let keys = Arc::new(keys);
                self.state().keys = Some((keys.clone(), end));
                Ok((keys, end, true))
            }
            (Err(trouble), Some((keys, end))) => {
                tracing::warn!(%trouble, "the keys of an AWS role were not renewed; the old ones are still good");
                Ok((keys, end, false))
            }
            (Err(trouble), None) => Err(trouble),
        }
    }

    async fn assume(&self, now: Timestamp) -> Result<(Keys, Timestamp), Trouble> {
        let identity = file::read(&self.token_file).await?;
        let fields = [
            ("Action", "AssumeRoleWithWebIdentity"),
            ("Version", "2011-06-15"),
            ("RoleArn", &self.role),
            ("RoleSessionName", "devmatrix-portal"),
            ("WebIdentityToken", &identity),
        ];
        let answer = self.sts.post_form("/", &fields).await?;
        self.learn(now, answer.date);
        if !answer.status.is_success() {
            return Err(self.refusal(&answer));
        }
        let texts = texts(&answer.text).map_err(|why| self.sts.malformed(&why))?;
        let text = |name: &str| texts.get(name).cloned().ok_or_else(|| self.sts.malformed(&format!("`{name}` is missing")));
        let keys = Keys { id: text("AccessKeyId")?, secret: text("SecretAccessKey")?.into(), session: text("SessionToken")?.into() };
        let end: Timestamp = text("Expiration")?.parse().map_err(|_| self.sts.malformed("`Expiration` is no time"))?;
        // AWS' time, as our clock will show it.
        let end = end.checked_sub(self.state().skew).unwrap_or(end);
        if end <= now {
            return Err(self.sts.malformed("the keys have ended already; check this machine's clock"));
        }
        Ok((keys, end))
    }

    fn refusal(&self, answer: &Answer) -> Trouble {
        let texts = texts(&answer.text).unwrap_or_default();
        let text = |name: &str| texts.get(name).map(String::as_str).unwrap_or_default();
        let (role, file) = (&self.role, self.token_file.display());
        let check = match text("Code") {
            "AccessDenied" => {
                format!("that {role} exists, and that its trust policy names this cluster's OIDC provider and this service account")
            }
            "ExpiredTokenException" | "ExpiredToken" => format!("that {file} is renewed: kubelet does that for a projected token"),
            "InvalidIdentityToken" => {
                format!("that IAM knows the issuer of the token in {file}, and that its audience is sts.amazonaws.com")
            }
            "RequestExpired" | "SignatureDoesNotMatch" => "this machine's clock".to_owned(),
            _ => format!("the role {role} and the token in {file}"),
        };
        self.sts.refusal(answer, text("Code"), text("Message"), &check)
    }

    /// From a server's own clock. It has no more than seconds, and the answer took its time.
    fn learn(&self, now: Timestamp, date: Option<Timestamp>) {
        let Some(date) = date else { return };
        let skew = date.duration_since(now);
        let skew = if skew.abs() > SKEW { skew } else { SignedDuration::ZERO };
        let mut state = self.state();
        if state.skew.is_zero() != skew.is_zero() {
            tracing::warn!(seconds = skew.as_secs(), "this machine's clock differs from AWS' (0: no more)");
        }
        state.skew = skew;
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// The texts of an answer's elements by their names. In STS' answers the names that we need are there once.
fn texts(xml: &str) -> Result<BTreeMap<String, String>, String> {
    let mut reader = Reader::from_str(xml);
    let (mut texts, mut name, mut text) = (BTreeMap::new(), String::new(), String::new());
    loop {
        match reader.read_event().map_err(|error| format!("it is no XML ({error})"))? {
            Event::Start(start) => {
                name = String::from_utf8_lossy(start.local_name().as_ref()).into_owned();
                text.clear();
            }
            Event::Text(part) => text.push_str(&part.decode().map_err(|error| error.to_string())?),
            Event::GeneralRef(entity) => text.push(resolved(&entity)?),
            Event::End(_) => {
                let (name, text) = (std::mem::take(&mut name), std::mem::take(&mut text));
                if !name.is_empty() {
                    texts.entry(name).or_insert_with(|| text.trim().to_owned());
                }
            }
            Event::Eof => return Ok(texts),
            _ => {}
        }
    }
}

/// `&amp;`, `&#43;`: no other entities are in these answers.
fn resolved(entity: &quick_xml::events::BytesRef) -> Result<char, String> {
    if let Some(character) = entity.resolve_char_ref().map_err(|error| error.to_string())? {
        return Ok(character);
    }
    match entity.decode().map_err(|error| error.to_string())?.as_ref() {
        "amp" => Ok('&'),
        "lt" => Ok('<'),
        "gt" => Ok('>'),
        "quot" => Ok('"'),
        "apos" => Ok('\''),
        other => Err(format!("the entity &{other}; is not known")),
    }
}
