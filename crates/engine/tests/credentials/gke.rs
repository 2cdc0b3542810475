//! GKE: the metadata server's token, another account's, a federated identity's.

use crate::server::{Asked, Clock, Server, Told, client, eventually, surroundings, told, unauthorized, version, welcome};
use serde_json::json;
use std::fs;
use std::sync::atomic::{AtomicUsize, Ordering};

const TOKEN_PATH: &str = "/computeMetadata/v1/instance/service-accounts/default/token";

fn metadata_token(asked: &Asked, token: &str, expires_in: i64) -> Told {
    assert_eq!((asked.method.as_str(), asked.path.as_str()), ("GET", TOKEN_PATH));
    assert_eq!(asked.header("metadata-flavor"), "Google", "without it the metadata server refuses");
    told(200, json!({"access_token": token, "expires_in": expires_in, "token_type": "Bearer"})).with("metadata-flavor", "Google")
}

/// An API server that lets this token in.
async fn api(clock: &Clock, token: &'static str) -> Server {
    Server::start(clock, move |asked| if asked.bearer() == token { welcome() } else { unauthorized() }).await
}

fn host(server: &Server) -> String {
    server.url.trim_start_matches("http://").to_owned()
}

#[tokio::test]
async fn the_metadata_servers_token_opens_the_door_until_it_is_renewed() {
    let clock = Clock::new();
    let n = AtomicUsize::new(0);
    let metadata =
        Server::start(&clock, move |asked| metadata_token(asked, &format!("ya29.{}", n.fetch_add(1, Ordering::SeqCst)), 3600)).await;
    let api = Server::start(&clock, |_| welcome()).await;
    let entry = format!("provider: gke, gke: {{endpoint: \"{}\"}}", api.url);
    let client = client(&entry, &surroundings(&clock, &[("GCE_METADATA_HOST", &host(&metadata))])).await;
    assert_eq!(version(&client).await, Ok(()));
    clock.advance(3200);
    assert_eq!(version(&client).await, Ok(()));
    assert_eq!(metadata.count(), 1);
    clock.advance(200);
    eventually("the next token", async || {
        version(&client).await.unwrap();
        (api.asked().last()?.bearer() == "ya29.1").then_some(())
    })
    .await;
    clock.advance(7200);
    assert_eq!(version(&client).await, Ok(()));
    assert_eq!((api.asked().last().unwrap().bearer(), metadata.count()), ("ya29.2", 3), "what has ended is not sent");
}

#[tokio::test]
async fn whatever_else_answers_there_is_not_believed() {
    let clock = Clock::new();
    let token = json!({"access_token": "t", "expires_in": 3600});
    let table = [
        (told(200, &token), "it does not say `Metadata-Flavor: Google`"),
        (told(404, "not found"), "that the pod or the machine has a service account"),
        (told(403, "no binding"), "the metadata server refuses (403 no binding): check that the pod's service account is bound"),
        (told(429, ""), "asks for fewer requests"),
        (told(200, "<html>").with("metadata-flavor", "Google"), "it is no JSON"),
        (told(200, json!({"expires_in": 3600})).with("metadata-flavor", "Google"), "`access_token` is missing"),
        (told(200, json!({"access_token": "a b", "expires_in": 3600})).with("metadata-flavor", "Google"), "`access_token` is missing"),
        (told(200, json!({"access_token": "sesame"})).with("metadata-flavor", "Google"), "`expires_in` is missing"),
        (told(200, json!({"access_token": "sesame", "expires_in": -1})).with("metadata-flavor", "Google"), "`expires_in` is missing"),
    ];
    for (answer, expected) in table {
        let metadata = Server::start(&clock, move |_| answer.clone()).await;
        let api = Server::start(&clock, |_| panic!("nothing is sent without a credential")).await;
        let entry = format!("provider: gke, gke: {{endpoint: \"{}\", metadata_endpoint: \"{}\"}}", api.url, metadata.url);
        let said = version(&client(&entry, &surroundings(&clock, &[])).await).await.unwrap_err();
        assert!(said.contains(expected) && !said.contains("sesame"), "{expected}: {said}");
    }
    let gone = "provider: gke, gke: {endpoint: \"http://127.0.0.1:9\", metadata_endpoint: \"http://127.0.0.1:9\"}";
    let said = version(&client(gone, &surroundings(&clock, &[])).await).await.unwrap_err();
    assert!(said.contains("the metadata server at http://127.0.0.1:9 does not answer: "), "{said}");
}

#[tokio::test]
async fn another_account_is_acted_as() {
    let clock = Clock::new();
    let metadata = Server::start(&clock, |asked| metadata_token(asked, "own", 3600)).await;
    let later = clock.clone();
    let iam = Server::start(&clock, move |asked| {
        assert_eq!(asked.path, "/v1/projects/-/serviceAccounts/deploy@p.iam.gserviceaccount.com:generateAccessToken");
        assert_eq!(asked.bearer(), "own");
        let body: serde_json::Value = serde_json::from_str(&asked.body).unwrap();
        assert_eq!(body, json!({"scope": ["https://www.googleapis.com/auth/cloud-platform"]}));
        told(200, json!({"accessToken": "acting", "expireTime": later.after(3600).to_string()}))
    })
    .await;
    let api = api(&clock, "acting").await;
    let entry = format!(
        "provider: gke, gke: {{endpoint: \"{}\", metadata_endpoint: \"{}\", iam_endpoint: \"{}\", \
         service_account: deploy@p.iam.gserviceaccount.com}}",
        api.url, metadata.url, iam.url
    );
    assert_eq!(version(&client(&entry, &surroundings(&clock, &[])).await).await, Ok(()));

    let refusing = Server::start(&clock, |_| told(403, json!({"error": {"status": "PERMISSION_DENIED", "message": "no"}}))).await;
    let entry = entry.replace(&iam.url, &refusing.url);
    let said = version(&client(&entry, &surroundings(&clock, &[])).await).await.unwrap_err();
    assert!(said.contains("(403 PERMISSION_DENIED: no)") && said.contains("serviceAccountTokenCreator"), "{said}");
}

#[tokio::test]
async fn a_token_of_another_issuer_is_exchanged() {
    let clock = Clock::new();
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("token");
    fs::write(&file, "of-another-issuer").unwrap();
    let audience = "//iam.googleapis.com/projects/1/locations/global/workloadIdentityPools/p/providers/q";
    let sts = Server::start(&clock, move |asked| {
        assert_eq!((asked.method.as_str(), asked.path.as_str()), ("POST", "/v1/token"));
        let form = asked.form();
        assert_eq!(form["grant_type"], "urn:ietf:params:oauth:grant-type:token-exchange");
        assert_eq!(form["audience"], audience);
        assert_eq!(form["subject_token_type"], "urn:ietf:params:oauth:token-type:jwt");
        assert_eq!(form["requested_token_type"], "urn:ietf:params:oauth:token-type:access_token");
        assert_eq!(form["scope"], "https://www.googleapis.com/auth/cloud-platform");
        if form["subject_token"] != "of-another-issuer" {
            return told(400, json!({"error": "invalid_grant", "error_description": "the token is stale"}));
        }
        told(200, json!({"access_token": "federated", "expires_in": 3600, "token_type": "Bearer"}))
    })
    .await;
    let api = api(&clock, "federated").await;
    let entry = format!(
        "provider: gke, gke: {{endpoint: \"{}\", federation: {{audience: \"{audience}\", token_file: \"{}\", token_endpoint: \"{}\"}}}}",
        api.url,
        file.display(),
        sts.url
    );
    let client = client(&entry, &surroundings(&clock, &[])).await;
    assert_eq!(version(&client).await, Ok(()));
    fs::write(&file, "a-stale-one").unwrap();
    clock.advance(7200);
    let said = version(&client).await.unwrap_err();
    assert!(said.contains("refuses (400 invalid_grant: the token is stale): check that the provider"), "{said}");
}
