//! GKE: an access token of the metadata server (which speaks for the pod's or the machine's service account), or of Google's
//! Security Token Service for a federated identity; where a service account is named, the token is of that account.
//! <https://cloud.google.com/compute/docs/access/authenticate-workloads>, <https://google.aip.dev/auth/4117>

use super::file;
use super::http::{Answer, Service};
use super::{Credential, Surroundings, Trouble};
use domain::catalog;
use http::StatusCode;
use jiff::Timestamp;
use serde_json::{Value, json};
use std::path::PathBuf;

const SCOPE: &str = "https://www.googleapis.com/auth/cloud-platform";
const OWN_TOKEN: &str = "/computeMetadata/v1/instance/service-accounts/default/token";

pub struct Gke {
    origin: Origin,
    /// The account to act as, and where that is asked for.
    act_as: Option<(String, Service)>,
}

enum Origin {
    Metadata(Service),
    Federation { sts: Service, audience: String, token_file: PathBuf },
}

/// A token, and for how many seconds it is good.
struct Lasting {
    token: String,
    seconds: i64,
}

impl Gke {
    pub fn new(declared: &catalog::Gke, surroundings: &Surroundings) -> Result<Gke, String> {
        let origin = match &declared.federation {
            Some(federation) => Origin::Federation {
                sts: Service::new(
                    "Google's Security Token Service",
                    federation.token_endpoint.as_deref().unwrap_or("https://sts.googleapis.com"),
                )?,
                audience: federation.audience.clone(),
                token_file: PathBuf::from(&federation.token_file),
            },
            None => Origin::Metadata(Service::new("the metadata server", &metadata_url(declared, surroundings))?),
        };
        let iam = declared.iam_endpoint.as_deref().unwrap_or("https://iamcredentials.googleapis.com");
        let act_as = match &declared.service_account {
            Some(account) => Some((account.clone(), Service::new("Google's IAM Credentials API", iam)?)),
            None => None,
        };
        Ok(Gke { origin, act_as })
    }

    pub async fn mint(&self, now: Timestamp) -> Result<Credential, Trouble> {
        let own = match &self.origin {
            Origin::Metadata(metadata) => of_metadata(metadata).await?,
            Origin::Federation { sts, audience, token_file } => exchanged(sts, audience, token_file).await?,
        };
        let lasting = match &self.act_as {
            Some((account, iam)) => acting(iam, account, &own, now).await?,
            None => own,
        };
        Ok(Credential::lasting(lasting.token, now, lasting.seconds))
    }
}

fn metadata_url(declared: &catalog::Gke, surroundings: &Surroundings) -> String {
    let host = || surroundings.value(None, "GCE_METADATA_HOST").unwrap_or_else(|| "metadata.google.internal".to_owned());
    declared.metadata_endpoint.clone().unwrap_or_else(|| format!("http://{}", host()))
}

async fn of_metadata(metadata: &Service) -> Result<Lasting, Trouble> {
    let answer = metadata.get(OWN_TOKEN, ("metadata-flavor", "Google")).await?;
    if answer.status == StatusCode::NOT_FOUND {
        let check = "that the pod or the machine has a service account (Workload Identity)";
        return Err(metadata.refusal(&answer, "", &answer.text, check));
    }
    if !answer.status.is_success() {
        return Err(metadata.refusal(&answer, "", &answer.text, "that the pod's service account is bound (Workload Identity)"));
    }
    // Whatever else answers at that address must not give us a token.
    if answer.metadata_flavor.as_deref() != Some("Google") {
        return Err(metadata.malformed("it does not say `Metadata-Flavor: Google`"));
    }
    lasting(metadata, &answer)
}

async fn exchanged(sts: &Service, audience: &str, token_file: &std::path::Path) -> Result<Lasting, Trouble> {
    let subject = file::read(token_file).await?;
    let fields = [
        ("grant_type", "urn:ietf:params:oauth:grant-type:token-exchange"),
        ("audience", audience),
        ("scope", SCOPE),
        ("requested_token_type", "urn:ietf:params:oauth:token-type:access_token"),
        ("subject_token_type", "urn:ietf:params:oauth:token-type:jwt"),
        ("subject_token", &subject),
    ];
    let answer = sts.post_form("/v1/token", &fields).await?;
    if !answer.status.is_success() {
        let said: Value = serde_json::from_str(&answer.text).unwrap_or_default();
        let text = |key: &str| said[key].as_str().unwrap_or_default();
        let check =
            format!("that the provider {audience} trusts the issuer of the token in {}, and that this is renewed", token_file.display());
        return Err(sts.refusal(&answer, text("error"), text("error_description"), &check));
    }
    lasting(sts, &answer)
}

/// `{"access_token": …, "expires_in": …}`
fn lasting(service: &Service, answer: &Answer) -> Result<Lasting, Trouble> {
    let (token, seconds) = super::oauth(service, answer)?;
    Ok(Lasting { token, seconds })
}

async fn acting(iam: &Service, account: &str, own: &Lasting, now: Timestamp) -> Result<Lasting, Trouble> {
    let path = format!("/v1/projects/-/serviceAccounts/{account}:generateAccessToken");
    let answer = iam.post_json(&path, &own.token, &json!({"scope": [SCOPE]})).await?;
    let said: Value = serde_json::from_str(&answer.text).unwrap_or_default();
    if !answer.status.is_success() {
        let text = |key: &str| said["error"][key].as_str().unwrap_or_default();
        let check = format!("that the portal's own identity may create tokens for {account} (roles/iam.serviceAccountTokenCreator)");
        return Err(iam.refusal(&answer, text("status"), text("message"), &check));
    }
    let token = said["accessToken"].as_str().filter(|token| super::is_token(token));
    let end = said["expireTime"].as_str().and_then(|end| end.parse::<Timestamp>().ok());
    let (Some(token), Some(end)) = (token, end) else {
        return Err(iam.malformed("`accessToken` or `expireTime` is missing"));
    };
    // By Google's clock where it tells us: ours may be wrong.
    let seconds = end.duration_since(answer.date.unwrap_or(now)).as_secs();
    if seconds <= 0 {
        return Err(iam.malformed("the token has ended already"));
    }
    Ok(Lasting { token: token.to_owned(), seconds })
}
