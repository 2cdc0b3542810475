//! Over TLS: the declared authority is the one that counts, and client certificates that a command prints are renewed.

use crate::server::{Clock, Server, client, declared, eventually, surroundings, told, version};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use engine::clusters::connect::Way;
use http::Response;
use http_body_util::Full;
use hyper::body::Bytes;
use hyper::service::service_fn;
use hyper_util::rt::TokioIo;
use rcgen::{BasicConstraints, CertificateParams, CertifiedIssuer, DnType, ExtendedKeyUsagePurpose, IsCa, KeyPair};
use serde_json::json;
use std::convert::Infallible;
use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::sync::{Arc, Mutex};
use tokio::net::TcpListener;
use tokio_rustls::TlsAcceptor;
use tokio_rustls::rustls::pki_types::{CertificateDer, PrivateKeyDer};
use tokio_rustls::rustls::server::WebPkiClientVerifier;
use tokio_rustls::rustls::{RootCertStore, ServerConfig, crypto::ring};

struct Authority(CertifiedIssuer<'static, KeyPair>);

struct Leaf {
    pem: String,
    der: Vec<u8>,
    key: KeyPair,
}

impl Authority {
    fn new() -> Authority {
        let mut params = CertificateParams::new(Vec::new()).unwrap();
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        params.distinguished_name.push(DnType::CommonName, "an authority for tests");
        Authority(CertifiedIssuer::self_signed(params, KeyPair::generate().unwrap()).unwrap())
    }

    fn pem(&self) -> String {
        self.0.pem()
    }

    fn issue(&self, name: &str, usage: ExtendedKeyUsagePurpose) -> Leaf {
        let key = KeyPair::generate().unwrap();
        let mut params = CertificateParams::new(vec!["127.0.0.1".to_owned()]).unwrap();
        params.distinguished_name.push(DnType::CommonName, name);
        params.extended_key_usages = vec![usage];
        let certificate = params.signed_by(&key, &self.0).unwrap();
        Leaf { pem: certificate.pem(), der: certificate.der().to_vec(), key }
    }
}

/// An API server over TLS. It keeps the certificate of each request's client.
struct Secure {
    url: String,
    seen: Arc<Mutex<Vec<Option<Vec<u8>>>>>,
}

impl Secure {
    async fn start(authority: &Authority) -> Secure {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("https://{}", listener.local_addr().unwrap());
        let acceptor = TlsAcceptor::from(Arc::new(config(authority)));
        let seen: Arc<Mutex<Vec<_>>> = Arc::default();
        let kept = seen.clone();
        tokio::spawn(async move {
            loop {
                let (stream, _) = listener.accept().await.unwrap();
                let (acceptor, kept) = (acceptor.clone(), kept.clone());
                tokio::spawn(async move {
                    // A client that does not trust us hangs up.
                    let Ok(stream) = acceptor.accept(stream).await else { return };
                    let certificate = stream.get_ref().1.peer_certificates().map(|chain| chain[0].to_vec());
                    let service = service_fn(move |_| {
                        kept.lock().unwrap().push(certificate.clone());
                        async { Ok::<_, Infallible>(Response::new(Full::new(Bytes::from(json!({"major": "1"}).to_string())))) }
                    });
                    let _ = hyper::server::conn::http1::Builder::new().serve_connection(TokioIo::new(stream), service).await;
                });
            }
        });
        Secure { url, seen }
    }

    fn seen(&self) -> Vec<Option<Vec<u8>>> {
        self.seen.lock().unwrap().clone()
    }
}

fn config(authority: &Authority) -> ServerConfig {
    let leaf = authority.issue("api", ExtendedKeyUsagePurpose::ServerAuth);
    let mut roots = RootCertStore::empty();
    roots.add(CertificateDer::from(authority.0.der().to_vec())).unwrap();
    let provider = Arc::new(ring::default_provider());
    let clients = WebPkiClientVerifier::builder_with_provider(Arc::new(roots), provider.clone()).allow_unauthenticated().build().unwrap();
    ServerConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_client_cert_verifier(clients)
        .with_single_cert(vec![CertificateDer::from(leaf.der)], PrivateKeyDer::try_from(leaf.key.serialize_der()).unwrap())
        .unwrap()
}

#[tokio::test]
async fn only_the_declared_authority_is_trusted() {
    let clock = Clock::new();
    let (ours, another) = (Authority::new(), Authority::new());
    let api = Secure::start(&ours).await;
    let token = || told(200, json!({"access_token": "t", "expires_in": 3600})).with("metadata-flavor", "Google");
    let metadata = Server::start(&clock, move |_| token()).await;
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("ca.pem");
    let entry = |ca: &str| format!("provider: gke, gke: {{endpoint: \"{}\", metadata_endpoint: \"{}\"{ca}}}", api.url, metadata.url);
    fs::write(&file, ours.pem()).unwrap();
    let by_file = entry(&format!(", ca: \"{}\"", file.display()));
    let by_data = entry(&format!(", ca: {}", STANDARD.encode(ours.pem())));
    for good in [by_file, by_data] {
        assert_eq!(version(&client(&good, &surroundings(&clock, &[])).await).await, Ok(()));
    }
    let heard = api.seen().len();
    let of_another = entry(&format!(", ca: {}", STANDARD.encode(another.pem())));
    for bad in [of_another, entry("")] {
        let said = version(&client(&bad, &surroundings(&clock, &[])).await).await.unwrap_err();
        assert!(said.to_lowercase().contains("certificate"), "{said}");
    }
    assert_eq!(api.seen().len(), heard, "no token went to a server that nobody vouches for");
}

#[tokio::test]
async fn a_client_certificate_that_a_command_prints_is_used_and_renewed() {
    let clock = Clock::new();
    let authority = Authority::new();
    let api = Secure::start(&authority).await;
    let folder = tempfile::tempdir().unwrap();
    let (printed, plugin, path) = (folder.path().join("printed"), folder.path().join("plugin"), folder.path().join("kubeconfig"));
    fs::write(&plugin, format!("#!/bin/sh\ncat '{}'\n", printed.display())).unwrap();
    fs::set_permissions(&plugin, fs::Permissions::from_mode(0o700)).unwrap();
    fs::write(
        &path,
        format!(
            "apiVersion: v1\nkind: Config\ncurrent-context: c\ncontexts: [{{name: c, context: {{cluster: c, user: u}}}}]\n\
             clusters: [{{name: c, cluster: {{server: \"{}\", certificate-authority-data: {}}}}}]\n\
             users: [{{name: u, user: {{exec: {{apiVersion: client.authentication.k8s.io/v1, command: \"{}\"}}}}}}]\n",
            api.url,
            STANDARD.encode(authority.pem()),
            plugin.display()
        ),
    )
    .unwrap();
    let print = |leaf: &Leaf, end: jiff::Timestamp| {
        let status = json!({
            "clientCertificateData": leaf.pem, "clientKeyData": leaf.key.serialize_pem(), "expirationTimestamp": end.to_string(),
        });
        fs::write(&printed, json!({"kind": "ExecCredential", "status": status}).to_string()).unwrap();
    };
    let (first, second) =
        (authority.issue("one", ExtendedKeyUsagePurpose::ClientAuth), authority.issue("two", ExtendedKeyUsagePurpose::ClientAuth));
    print(&first, clock.after(3600));
    let entry = format!("provider: kubeconfig, kubeconfig: {{path: \"{}\"}}", path.display());
    let client = Way::of(&declared(&entry).access, &surroundings(&clock, &[])).await.unwrap().client(false).unwrap();
    assert_eq!(version(&client).await, Ok(()));
    assert_eq!(api.seen(), [Some(first.der.clone())]);

    print(&second, clock.after(7200));
    clock.advance(3550);
    eventually("the second certificate", async || {
        version(&client).await.unwrap();
        (api.seen().last()?.as_ref() == Some(&second.der)).then_some(())
    })
    .await;
    let heard = api.seen();
    assert!(heard.iter().all(|certificate| certificate.is_some()), "never without one");
}
