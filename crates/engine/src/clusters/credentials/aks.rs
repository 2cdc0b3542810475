//! AKS: the pod's federated token is exchanged at Entra ID for a token of an application, for the AKS servers' own audience.
//! <https://learn.microsoft.com/entra/identity-platform/v2-oauth2-client-creds-grant-flow#third-case-access-token-request-with-a-federated-credential>

use super::file;
use super::http::{Answer, Service};
use super::{Credential, Surroundings, Trouble};
use domain::catalog;
use jiff::Timestamp;
use serde_json::Value;
use std::path::PathBuf;

/// The application "Azure Kubernetes Service AAD Server", the same in every tenant.
const SCOPE: &str = "6dae42f8-4368-4678-94ff-3960e28e3630/.default";
const ASSERTION: &str = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer";

pub struct Aks {
    entra: Service,
    tenant: String,
    client_id: String,
    token_file: PathBuf,
}

impl Aks {
    pub fn new(declared: &catalog::Aks, surroundings: &Surroundings) -> Result<Aks, String> {
        let tenant = surroundings.required(declared.tenant.as_ref(), "aks", "tenant", "AZURE_TENANT_ID")?;
        let client_id = surroundings.required(declared.client_id.as_ref(), "aks", "client_id", "AZURE_CLIENT_ID")?;
        let token_file =
            surroundings.required(declared.federated_token_file.as_ref(), "aks", "federated_token_file", "AZURE_FEDERATED_TOKEN_FILE")?;
        let authority = surroundings
            .value(declared.authority.as_ref(), "AZURE_AUTHORITY_HOST")
            .unwrap_or_else(|| "https://login.microsoftonline.com".to_owned());
        // The variable is set with a slash at its end, or without a scheme.
        let authority = authority.trim_end_matches('/');
        let authority = if authority.contains("://") { authority.to_owned() } else { format!("https://{authority}") };
        Ok(Aks { entra: Service::new("Entra ID", &authority)?, tenant, client_id, token_file: PathBuf::from(token_file) })
    }

    pub async fn mint(&self, now: Timestamp) -> Result<Credential, Trouble> {
        let assertion = file::read(&self.token_file).await?;
        let fields = [
            ("grant_type", "client_credentials"),
            ("client_id", &self.client_id),
            ("scope", SCOPE),
            ("client_assertion_type", ASSERTION),
            ("client_assertion", &assertion),
        ];
        let answer = self.entra.post_form(&format!("/{}/oauth2/v2.0/token", self.tenant), &fields).await?;
        if !answer.status.is_success() {
            return Err(self.refusal(&answer));
        }
        let (token, seconds) = super::oauth(&self.entra, &answer)?;
        Ok(Credential::lasting(token, now, seconds))
    }

    fn refusal(&self, answer: &Answer) -> Trouble {
        let said: Value = serde_json::from_str(&answer.text).unwrap_or_default();
        let text = |key: &str| said[key].as_str().unwrap_or_default();
        let (code, message) = (text("error"), text("error_description"));
        let (client, file) = (&self.client_id, self.token_file.display());
        let check = if message.contains("AADSTS700024") {
            format!("that {file} is renewed, and this machine's clock")
        } else if message.contains("AADSTS700016") || message.contains("AADSTS90002") {
            format!("`tenant: {}` and `client_id: {client}`", self.tenant)
        } else {
            format!(
                "that the application {client} has a federated credential for this issuer, service account and audience, and the token in {file}"
            )
        };
        self.entra.refusal(answer, code, message, &check)
    }
}
