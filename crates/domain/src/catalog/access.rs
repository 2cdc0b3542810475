//! The ways into a cluster, as declared. What is left out here is looked for in the process's environment by `engine`.
//!
//! Invariant: no secret is in here. Tokens and keys are in files that this names, or are minted when they are needed.

use super::Provider;

#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Access {
    /// The pod's own account.
    InCluster,
    /// The kubeconfig's commands are the operator's own: they come only from that file.
    Kubeconfig(Kubeconfig),
    Eks(Eks),
    Gke(Gke),
    Aks(Aks),
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Kubeconfig {
    pub path: String,
    /// Line and column of the path in the file, from 1.
    pub place: (u64, u64),
    /// None: the file's current one.
    pub context: Option<String>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ApiServer {
    /// `https://HOST`; plain `http` on loopback only.
    pub endpoint: String,
    /// None: the certificate authorities that this machine trusts.
    pub ca: Option<Ca>,
}

/// The certificate authority that signed the API server's certificate.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Ca {
    /// A PEM file.
    File(String),
    /// Base64 of PEM: `certificate-authority-data`, as the clouds' consoles show it.
    Data(String),
}

/// A token of AWS STS for the role that a web identity may assume.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Eks {
    pub server: ApiServer,
    pub cluster_name: String,
    /// None: AWS_REGION.
    pub region: Option<String>,
    /// None: AWS_ROLE_ARN.
    pub role_arn: Option<String>,
    /// None: AWS_WEB_IDENTITY_TOKEN_FILE.
    pub web_identity_token_file: Option<String>,
    /// None: the public one of the region.
    pub sts_endpoint: Option<String>,
}

/// An access token of Google, from the metadata server or for a federated identity.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Gke {
    pub server: ApiServer,
    /// None: GCE_METADATA_HOST, or the well-known address.
    pub metadata_endpoint: Option<String>,
    /// Instead of the metadata server, where the portal does not run at Google.
    pub federation: Option<Federation>,
    /// The service account to act as, by its email address.
    pub service_account: Option<String>,
    /// None: the public IAM Credentials API.
    pub iam_endpoint: Option<String>,
}

/// Workload identity federation: a token of another issuer is exchanged for one of Google.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Federation {
    /// `//iam.googleapis.com/projects/NUMBER/locations/global/workloadIdentityPools/POOL/providers/PROVIDER`
    pub audience: String,
    pub token_file: String,
    /// None: the public Security Token Service.
    pub token_endpoint: Option<String>,
}

/// A token of Entra for an application with a federated credential.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Aks {
    pub server: ApiServer,
    /// None: AZURE_TENANT_ID.
    pub tenant: Option<String>,
    /// None: AZURE_CLIENT_ID.
    pub client_id: Option<String>,
    /// None: AZURE_FEDERATED_TOKEN_FILE.
    pub federated_token_file: Option<String>,
    /// None: AZURE_AUTHORITY_HOST, or the public cloud's.
    pub authority: Option<String>,
}

impl Access {
    /// How the portal signs in there, whatever the cluster is.
    pub fn provider(&self) -> Provider {
        match self {
            Access::InCluster => Provider::InCluster,
            Access::Kubeconfig(_) => Provider::Kubeconfig,
            Access::Eks(_) => Provider::Eks,
            Access::Gke(_) => Provider::Gke,
            Access::Aks(_) => Provider::Aks,
        }
    }

    pub fn kubeconfig(&self) -> Option<&Kubeconfig> {
        match self {
            Access::Kubeconfig(kubeconfig) => Some(kubeconfig),
            _ => None,
        }
    }
}
