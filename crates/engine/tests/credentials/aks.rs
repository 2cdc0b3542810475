//! AKS: the federated token is exchanged at Entra ID, for the AKS servers' audience.

use crate::server::{Asked, Clock, Server, Told, client, eventually, surroundings, told, unauthorized, version, welcome};
use serde_json::json;
use std::fs;

fn token(asked: &Asked) -> Told {
    assert_eq!((asked.method.as_str(), asked.path.as_str()), ("POST", "/tenant-1/oauth2/v2.0/token"));
    let form = asked.form();
    assert_eq!((form["grant_type"].as_str(), form["client_id"].as_str()), ("client_credentials", "client-1"));
    assert_eq!(form["scope"], "6dae42f8-4368-4678-94ff-3960e28e3630/.default");
    assert_eq!(form["client_assertion_type"], "urn:ietf:params:oauth:client-assertion-type:jwt-bearer");
    told(200, json!({"token_type": "Bearer", "expires_in": 3599, "access_token": format!("entra-for-{}", form["client_assertion"])}))
}

struct Azure {
    clock: Clock,
    file: std::path::PathBuf,
    _folder: tempfile::TempDir,
}

impl Azure {
    fn new() -> Azure {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("token");
        fs::write(&file, "first").unwrap();
        Azure { clock: Clock::new(), file, _folder: folder }
    }

    async fn client(&self, entra: &Server, api: &Server) -> kube::Client {
        let variables = [
            ("AZURE_TENANT_ID", "tenant-1"),
            ("AZURE_CLIENT_ID", "client-1"),
            ("AZURE_FEDERATED_TOKEN_FILE", self.file.to_str().unwrap()),
            // With the slash at its end, as the webhook of Azure writes it.
            ("AZURE_AUTHORITY_HOST", &format!("{}/", entra.url)),
        ];
        client(&format!("provider: aks, aks: {{endpoint: \"{}\"}}", api.url), &surroundings(&self.clock, &variables)).await
    }
}

#[tokio::test]
async fn the_environment_is_enough_and_the_file_is_read_at_each_renewal() {
    let azure = Azure::new();
    let entra = Server::start(&azure.clock, token).await;
    let api = Server::start(&azure.clock, |asked| if asked.bearer().starts_with("entra-for-") { welcome() } else { unauthorized() }).await;
    let client = azure.client(&entra, &api).await;
    assert_eq!(version(&client).await, Ok(()));
    assert_eq!(api.asked()[0].bearer(), "entra-for-first");
    fs::write(&azure.file, "second\n").unwrap();
    azure.clock.advance(3400);
    eventually("the next token", async || {
        version(&client).await.unwrap();
        (api.asked().last()?.bearer() == "entra-for-second").then_some(())
    })
    .await;
    assert_eq!(entra.count(), 2);
}

#[tokio::test]
async fn refusals_say_what_to_check() {
    let refusal = |status: u16, error: &str, description: &str| told(status, json!({"error": error, "error_description": description}));
    let table = [
        (
            refusal(401, "invalid_client", "AADSTS700024: Client assertion is not within its valid time range."),
            "is renewed, and this machine's clock",
        ),
        (refusal(400, "unauthorized_client", "AADSTS700016: Application was not found"), "`tenant: tenant-1` and `client_id: client-1`"),
        (refusal(401, "invalid_client", "AADSTS70021: No matching federated identity record found"), "has a federated credential"),
        (refusal(403, "access_denied", "by policy"), "Entra ID refuses (403 access_denied: by policy)"),
        (refusal(429, "", ""), "Entra ID asks for fewer requests (429"),
        (told(200, json!({"access_token": "x", "expires_in": "soon"})), "`expires_in` is missing"),
        (told(502, "<html>"), "Entra ID is out of order (502"),
    ];
    for (answer, expected) in table {
        let azure = Azure::new();
        let entra = Server::start(&azure.clock, move |_| answer.clone()).await;
        let api = Server::start(&azure.clock, |_| welcome()).await;
        let said = version(&azure.client(&entra, &api).await).await.unwrap_err();
        assert!(said.contains(expected), "{expected}: {said}");
        assert_eq!(api.count(), 0);
    }
}

#[tokio::test]
async fn an_expiry_written_as_text_is_a_number_too() {
    let azure = Azure::new();
    let entra = Server::start(&azure.clock, |_| told(200, json!({"access_token": "x", "expires_in": "3599"}))).await;
    let api = Server::start(&azure.clock, |_| welcome()).await;
    assert_eq!(version(&azure.client(&entra, &api).await).await, Ok(()));
}
