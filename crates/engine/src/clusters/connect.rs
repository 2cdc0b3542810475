//! From the declared way into a cluster to clients for it.
//!
//! Invariants: a request carries the credential of its moment; after a 401 it is sent once more with a new one, and no third
//! time. A 401 comes before anything is done, so that this is no second write. Building a client runs no command.

use super::credentials::{Certificate, Credential, Credentials, Surroundings, http_date};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use domain::catalog::{Access, ApiServer, Ca};
use http::{HeaderValue, Request, Response, StatusCode, header};
use kube::client::Body;
use kube::config::{self, AuthInfo, KubeConfigOptions, Kubeconfig, NamedAuthInfo, NamedCluster, NamedContext};
use kube::{Client, Config};
use secrecy::{ExposeSecret, SecretString};
use serde_json::json;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;
use tower::BoxError;

const CONNECT: Duration = Duration::from_secs(5);

/// One identity in one cluster.
pub struct Way {
    config: Config,
    /// None: what the configuration holds does not change.
    credentials: Option<Arc<Credentials>>,
}

impl Way {
    /// An API server that asks for no credential: the demo's.
    pub fn open(url: &str) -> Result<Way, String> {
        let url = url.parse().map_err(|_| format!("`{url}` is not the address of a cluster"))?;
        Ok(Way::with(Config::new(url), None))
    }

    pub async fn of(access: &Access, surroundings: &Surroundings) -> Result<Way, String> {
        let mut config = match access {
            Access::InCluster => {
                Config::incluster().map_err(|error| format!("it is in-cluster, but this process does not run in a pod: {error}"))?
            }
            Access::Kubeconfig(kubeconfig) => of_kubeconfig(&kubeconfig.path, kubeconfig.context.as_deref()).await?,
            Access::Eks(eks) => of_server(&eks.server).await?,
            Access::Gke(gke) => of_server(&gke.server).await?,
            Access::Aks(aks) => of_server(&aks.server).await?,
        };
        let credentials = match Credentials::of(access, surroundings)? {
            Some(credentials) => Some(credentials),
            None => rotating(&mut config.auth_info, surroundings)?,
        };
        Ok(Way::with(config, credentials))
    }

    fn with(mut config: Config, credentials: Option<Arc<Credentials>>) -> Way {
        config.connect_timeout = Some(CONNECT);
        Way { config, credentials }
    }

    /// After so long without a byte a connection is broken.
    pub fn silence(mut self, silence: Duration) -> Way {
        self.config.read_timeout = Some(silence);
        self
    }

    /// `retry`: kube's own, for 429, 503 and 504.
    pub fn client(&self, retry: bool) -> Result<Client, String> {
        let mut config = self.config.clone();
        config.default_retry = retry;
        let client = Client::try_from(config.clone()).map_err(|error| super::in_words(&error))?;
        let Some(credentials) = self.credentials.clone() else { return Ok(client) };
        let namespace = config.default_namespace.clone();
        let signing = Arc::new(Signing { credentials, config, client: Mutex::new((None, client)) });
        Ok(Client::new(tower::service_fn(move |request| signing.clone().send(request)), namespace))
    }
}

async fn of_kubeconfig(path: &str, context: Option<&str>) -> Result<Config, String> {
    let read = Kubeconfig::read_from(path).map_err(|error| format!("the kubeconfig {path} cannot be read: {error}"))?;
    let options = KubeConfigOptions { context: context.map(str::to_owned), ..KubeConfigOptions::default() };
    let used = Config::from_custom_kubeconfig(read, &options).await;
    used.map_err(|error| format!("the kubeconfig {path} cannot be used: {error}"))
}

/// By way of a kubeconfig in memory: kube reads certificate authorities as it does for those.
async fn of_server(server: &ApiServer) -> Result<Config, String> {
    let mut cluster = config::Cluster { server: Some(server.endpoint.clone()), ..config::Cluster::default() };
    match &server.ca {
        Some(Ca::File(path)) => cluster.certificate_authority = Some(path.clone()),
        Some(Ca::Data(data)) => cluster.certificate_authority_data = Some(data.clone()),
        None => {}
    }
    let name = "portal".to_owned();
    let context = config::Context { cluster: name.clone(), user: Some(name.clone()), ..config::Context::default() };
    let kubeconfig = Kubeconfig {
        clusters: vec![NamedCluster { name: name.clone(), cluster: Some(cluster), ..NamedCluster::default() }],
        contexts: vec![NamedContext { name: name.clone(), context: Some(context), ..NamedContext::default() }],
        auth_infos: vec![NamedAuthInfo { name: name.clone(), auth_info: Some(AuthInfo::default()), ..NamedAuthInfo::default() }],
        current_context: Some(name),
        ..Kubeconfig::default()
    };
    let used = Config::from_custom_kubeconfig(kubeconfig, &KubeConfigOptions::default()).await;
    let config = used.map_err(|error| format!("`endpoint` or `ca` cannot be used: {error}"))?;
    // kube would go on, and trust nobody.
    if config.root_cert.as_ref().is_some_and(Vec::is_empty) {
        return Err("`ca` holds no certificate: expected PEM that begins with -----BEGIN CERTIFICATE-----".to_owned());
    }
    Ok(config)
}

/// Takes what changes by itself out of kube's hands: kube reads a token file with its line's end and keeps it through a 401,
/// runs a command for each client it builds, and keeps for ever what a command prints without an end.
/// The precedence is kube's: password, token, token file, command.
fn rotating(auth: &mut AuthInfo, surroundings: &Surroundings) -> Result<Option<Arc<Credentials>>, String> {
    if auth.auth_provider.is_some() || (auth.username.is_some() && auth.password.is_some()) || auth.token.is_some() {
        auth.exec = None;
        return Ok(None);
    }
    if let Some(path) = auth.token_file.take() {
        auth.exec = None;
        return Ok(Some(Credentials::of_file(&path, surroundings)));
    }
    match auth.exec.take() {
        Some(exec) => Ok(Some(Credentials::of_exec(exec, surroundings)?)),
        None => Ok(None),
    }
}

/// A client that signs in anew for each request.
struct Signing {
    credentials: Arc<Credentials>,
    config: Config,
    /// The client under it, and the credential whose certificate it was built with.
    client: Mutex<(Option<Arc<Credential>>, Client)>,
}

impl Signing {
    async fn send(self: Arc<Self>, request: Request<Body>) -> Result<Response<Body>, BoxError> {
        let credential = self.credentials.get().await?;
        let again = copied(&request);
        let answer = self.through(&credential, request).await?;
        if answer.status() != StatusCode::UNAUTHORIZED {
            return Ok(answer);
        }
        let date = answer.headers().get(header::DATE).and_then(|date| http_date(date.to_str().ok()?));
        let replaced = self.credentials.replace(&credential, date).await?;
        let (Some(credential), Some(again)) = (replaced, again) else { return self.failed() };
        let answer = self.through(&credential, again).await?;
        if answer.status() == StatusCode::UNAUTHORIZED { self.failed() } else { Ok(answer) }
    }

    async fn through(&self, credential: &Arc<Credential>, mut request: Request<Body>) -> Result<Response<Body>, BoxError> {
        if let Some(token) = &credential.token {
            request.headers_mut().insert(header::AUTHORIZATION, bearer(token)?);
        }
        let client = self.client_for(credential)?;
        Ok(client.send(request).await?)
    }

    /// TLS has its certificate from the beginning: another one is another client.
    fn client_for(&self, credential: &Arc<Credential>) -> Result<Client, BoxError> {
        let mut held = self.client.lock().unwrap_or_else(PoisonError::into_inner);
        let built_with = held.0.as_ref().and_then(|credential| credential.certificate.as_ref());
        if same(built_with, credential.certificate.as_ref()) {
            return Ok(held.1.clone());
        }
        let mut config = self.config.clone();
        if let Some(certificate) = &credential.certificate {
            config.auth_info.client_certificate_data = Some(STANDARD.encode(&certificate.chain));
            config.auth_info.client_key_data = Some(STANDARD.encode(certificate.key.expose_secret()).into());
        }
        let client = Client::try_from(config)?;
        *held = (Some(credential.clone()), client.clone());
        Ok(client)
    }

    /// As the API server says it, in our words.
    fn failed(&self) -> Result<Response<Body>, BoxError> {
        let status = json!({
            "apiVersion": "v1", "kind": "Status", "metadata": {}, "status": "Failure",
            "reason": "Unauthorized", "code": 401, "message": self.credentials.authentication_failed(),
        });
        let answer = Response::builder().status(StatusCode::UNAUTHORIZED).header(header::CONTENT_TYPE, "application/json");
        Ok(answer.body(Body::from(status.to_string().into_bytes()))?)
    }
}

fn same(one: Option<&Certificate>, other: Option<&Certificate>) -> bool {
    match (one, other) {
        (None, None) => true,
        (Some(one), Some(other)) => one.chain == other.chain && one.key.expose_secret() == other.key.expose_secret(),
        _ => false,
    }
}

/// None: its body is a stream. None of ours is.
fn copied(request: &Request<Body>) -> Option<Request<Body>> {
    let mut copy = Request::new(request.body().try_clone()?);
    *copy.method_mut() = request.method().clone();
    *copy.uri_mut() = request.uri().clone();
    *copy.headers_mut() = request.headers().clone();
    Some(copy)
}

fn bearer(token: &SecretString) -> Result<HeaderValue, BoxError> {
    let mut value = HeaderValue::try_from(format!("Bearer {}", token.expose_secret())).map_err(|_| "the token is no text for a header")?;
    value.set_sensitive(true);
    Ok(value)
}
