//! Reading how the portal gets into a cluster: a kubeconfig, or what the provider's own sign-in needs. `deploy` is a second
//! identity of the same shape; what it leaves out is as for reading.

use super::super::{Access, Aks, ApiServer, Ca, Eks, Federation, Gke, Kubeconfig, Provider};
use super::{RawCluster, Reader, Text};
use serde::Deserialize;
use serde_saphyr::Spanned;

#[derive(Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct RawKubeconfig {
    path: Text,
    context: Option<String>,
}

#[derive(Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct RawEks {
    endpoint: Option<Text>,
    ca: Option<Text>,
    cluster_name: Option<Text>,
    region: Option<Text>,
    role_arn: Option<Text>,
    web_identity_token_file: Option<Text>,
    sts_endpoint: Option<Text>,
}

#[derive(Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct RawGke {
    endpoint: Option<Text>,
    ca: Option<Text>,
    metadata_endpoint: Option<Text>,
    federation: Option<RawFederation>,
    service_account: Option<Text>,
    iam_endpoint: Option<Text>,
}

#[derive(Clone, Deserialize)]
#[serde(deny_unknown_fields)]
struct RawFederation {
    audience: Text,
    token_file: Text,
    token_endpoint: Option<Text>,
}

#[derive(Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct RawAks {
    endpoint: Option<Text>,
    ca: Option<Text>,
    tenant: Option<Text>,
    client_id: Option<Text>,
    federated_token_file: Option<Text>,
    authority: Option<Text>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct RawDeploy {
    kubeconfig: Option<RawKubeconfig>,
    eks: Option<Spanned<RawEks>>,
    gke: Option<Spanned<RawGke>>,
    aks: Option<Spanned<RawAks>>,
}

/// The sections of one identity: exactly one may be there.
struct Sections<'a> {
    kubeconfig: Option<&'a RawKubeconfig>,
    eks: Option<&'a Spanned<RawEks>>,
    gke: Option<&'a Spanned<RawGke>>,
    aks: Option<&'a Spanned<RawAks>>,
}

impl Reader<'_> {
    /// How the portal reads there, and how it writes when that is another identity.
    pub(super) fn access(&mut self, cluster: &RawCluster, provider: Provider) -> (Access, Option<Access>) {
        let sections = Sections {
            kubeconfig: cluster.kubeconfig.as_ref(),
            eks: cluster.eks.as_ref(),
            gke: cluster.gke.as_ref(),
            aks: cluster.aks.as_ref(),
        };
        self.sections_fit(&sections, provider);
        let read = self.way_in(&sections, cluster, provider).unwrap_or_else(|| {
            if provider != Provider::InCluster {
                self.problem(&cluster.name, &format!("this cluster needs {}", needed(provider)));
            }
            Access::InCluster
        });
        let deploy = cluster.deploy.as_ref().and_then(|deploy| self.deploy(deploy, cluster, provider));
        (read, deploy)
    }

    fn deploy(&mut self, deploy: &Spanned<RawDeploy>, cluster: &RawCluster, provider: Provider) -> Option<Access> {
        let own = &deploy.value;
        let eks = completed(&own.eks, &cluster.eks);
        let gke = completed(&own.gke, &cluster.gke);
        let aks = completed(&own.aks, &cluster.aks);
        let sections = Sections { kubeconfig: deploy.value.kubeconfig.as_ref(), eks: eks.as_ref(), gke: gke.as_ref(), aks: aks.as_ref() };
        self.sections_fit(&sections, provider);
        let access = self.way_in(&sections, cluster, provider);
        if access.is_none() {
            self.problem(deploy, &format!("the identity for deploying needs {}", needed(provider)));
        }
        access
    }

    /// A section of another provider would be without effect, and so would one of two.
    fn sections_fit(&mut self, sections: &Sections, provider: Provider) {
        let there = [
            (Provider::Eks, sections.eks.map(|at| at.referenced)),
            (Provider::Gke, sections.gke.map(|at| at.referenced)),
            (Provider::Aks, sections.aks.map(|at| at.referenced)),
        ];
        for (of, at) in there.into_iter().filter_map(|(of, at)| Some((of, Spanned { value: (), referenced: at?, defined: at? }))) {
            if of != provider {
                self.problem(
                    &at,
                    &format!("`{}` does not go with `provider: {}`: expected {}", of.key(), provider.key(), needed(provider)),
                );
            } else if sections.kubeconfig.is_some() {
                self.problem(&at, &format!("expected either `kubeconfig` or `{}`, not both", of.key()));
            }
        }
    }

    fn way_in(&mut self, sections: &Sections, cluster: &RawCluster, provider: Provider) -> Option<Access> {
        if let Some(raw) = sections.kubeconfig {
            return Some(Access::Kubeconfig(Kubeconfig {
                place: (raw.path.referenced.line(), raw.path.referenced.column()),
                path: raw.path.value.clone(),
                context: raw.context.clone(),
            }));
        }
        match provider {
            Provider::Eks => sections.eks.map(|raw| Access::Eks(self.eks(raw, &cluster.region))),
            Provider::Gke => sections.gke.map(|raw| Access::Gke(self.gke(raw))),
            Provider::Aks => sections.aks.map(|raw| Access::Aks(self.aks(raw))),
            Provider::InCluster | Provider::Kubeconfig => None,
        }
    }

    fn eks(&mut self, at: &Spanned<RawEks>, region: &str) -> Eks {
        let raw = &at.value;
        if let Some(role) = raw.role_arn.as_ref().filter(|role| !is_role(&role.value)) {
            self.problem(role, &format!("`{}` is not the ARN of a role: expected arn:aws:iam::ACCOUNT:role/NAME", role.value));
        }
        Eks {
            server: self.api_server(at, "eks", raw.endpoint.as_ref(), raw.ca.as_ref(), true),
            cluster_name: self.required(at, "eks", "cluster_name", raw.cluster_name.as_ref(), "the cluster's name at AWS"),
            region: value(&raw.region).or_else(|| Some(region.to_owned()).filter(|region| !region.is_empty())),
            role_arn: value(&raw.role_arn),
            web_identity_token_file: value(&raw.web_identity_token_file),
            sts_endpoint: self.service(&raw.sts_endpoint),
        }
    }

    fn gke(&mut self, at: &Spanned<RawGke>) -> Gke {
        let raw = &at.value;
        let federation = raw.federation.as_ref().map(|federation| self.federation(federation));
        if let Some(metadata) = raw.metadata_endpoint.as_ref().filter(|_| federation.is_some()) {
            self.problem(metadata, "expected either `metadata_endpoint` or `federation`, not both");
        }
        if let Some(account) = raw.service_account.as_ref().filter(|account| !account.value.contains('@')) {
            self.problem(account, "expected the email address of a service account, NAME@PROJECT.iam.gserviceaccount.com");
        }
        Gke {
            server: self.api_server(at, "gke", raw.endpoint.as_ref(), raw.ca.as_ref(), false),
            // Link-local and without TLS, wherever it is.
            metadata_endpoint: raw.metadata_endpoint.as_ref().map(|url| self.url(url, "a metadata server", true)),
            federation,
            service_account: value(&raw.service_account),
            iam_endpoint: self.service(&raw.iam_endpoint),
        }
    }

    fn federation(&mut self, raw: &RawFederation) -> Federation {
        if !raw.audience.value.starts_with("//iam.googleapis.com/") {
            self.problem(
                &raw.audience,
                "expected the provider's full name, \
                 //iam.googleapis.com/projects/NUMBER/locations/global/workloadIdentityPools/POOL/providers/PROVIDER",
            );
        }
        Federation {
            audience: raw.audience.value.clone(),
            token_file: raw.token_file.value.clone(),
            token_endpoint: self.service(&raw.token_endpoint),
        }
    }

    fn aks(&mut self, at: &Spanned<RawAks>) -> Aks {
        let raw = &at.value;
        Aks {
            server: self.api_server(at, "aks", raw.endpoint.as_ref(), raw.ca.as_ref(), true),
            tenant: value(&raw.tenant),
            client_id: value(&raw.client_id),
            federated_token_file: value(&raw.federated_token_file),
            authority: self.service(&raw.authority),
        }
    }

    /// `private`: the provider signs API servers with an authority of the cluster's own.
    fn api_server<T>(&mut self, at: &Spanned<T>, section: &str, endpoint: Option<&Text>, ca: Option<&Text>, private: bool) -> ApiServer {
        let Some(endpoint) = endpoint else {
            self.problem(at, &format!("`{section}` needs `endpoint`: expected the API server's address, https://HOST"));
            return ApiServer { endpoint: String::new(), ca: None };
        };
        let url = self.url(endpoint, "an API server", false);
        if private && ca.is_none() && url.starts_with("https://") {
            self.problem(at, &format!("`{section}` needs `ca`: expected {CA}"));
        }
        ApiServer { endpoint: url, ca: ca.and_then(|ca| self.ca(ca)) }
    }

    fn ca(&mut self, text: &Text) -> Option<Ca> {
        let value: String = text.value.split_whitespace().collect();
        // Base64 of `-----BEGIN` begins like this; no path that anybody would use does.
        if value.starts_with("LS0t") {
            if !is_base64(&value) {
                self.problem(text, &format!("the certificate authority is not whole base64: expected {CA}"));
            }
            return Some(Ca::Data(value));
        }
        if text.value.starts_with("-----BEGIN") || text.value.trim().is_empty() {
            self.problem(text, &format!("expected {CA}"));
            return None;
        }
        Some(Ca::File(text.value.clone()))
    }

    fn required<T>(&mut self, at: &Spanned<T>, section: &str, key: &str, text: Option<&Text>, what: &str) -> String {
        let value = text.map(|text| text.value.trim().to_owned()).unwrap_or_default();
        if value.is_empty() {
            self.problem(at, &format!("`{section}` needs `{key}`: expected {what}"));
        }
        value
    }

    /// Another address of one of the cloud's services.
    fn service(&mut self, text: &Option<Text>) -> Option<String> {
        text.as_ref().map(|text| self.url(text, "a service of the cloud", false))
    }

    /// Tokens go there: without TLS only on this machine, or where `plain` says so.
    fn url(&mut self, text: &Text, of: &str, plain: bool) -> String {
        let url = text.value.trim_end_matches('/').to_owned();
        let host = |scheme: &str| url.strip_prefix(scheme).filter(|host| !host.is_empty() && !host.contains(char::is_whitespace));
        if host("https://").is_none() && !host("http://").is_some_and(|host| plain || is_loopback(host)) {
            let expected = if plain { "http://HOST" } else { "https://HOST" };
            self.problem(text, &format!("`{}` is not the address of {of}: expected {expected}", text.value));
        }
        url
    }
}

const CA: &str = "the path of a PEM file, or the base64 text of the cluster's certificate-authority-data (it begins with LS0t)";

fn needed(provider: Provider) -> String {
    let section = match provider {
        Provider::Eks => "`eks: {endpoint: …, ca: …, cluster_name: …}` or ",
        Provider::Gke => "`gke: {endpoint: …}` or ",
        Provider::Aks => "`aks: {endpoint: …, ca: …}` or ",
        Provider::InCluster | Provider::Kubeconfig => "",
    };
    format!("{section}`kubeconfig: {{path: …, context: …}}`")
}

/// What the deploying identity leaves out is as for reading.
trait Inherits: Clone {
    fn or(self, base: Self) -> Self;
}

impl Inherits for RawEks {
    fn or(self, base: RawEks) -> RawEks {
        RawEks {
            endpoint: self.endpoint.or(base.endpoint),
            ca: self.ca.or(base.ca),
            cluster_name: self.cluster_name.or(base.cluster_name),
            region: self.region.or(base.region),
            role_arn: self.role_arn.or(base.role_arn),
            web_identity_token_file: self.web_identity_token_file.or(base.web_identity_token_file),
            sts_endpoint: self.sts_endpoint.or(base.sts_endpoint),
        }
    }
}

impl Inherits for RawGke {
    fn or(self, base: RawGke) -> RawGke {
        // One excludes the other: whoever declares one has decided.
        let origin = self.metadata_endpoint.is_some() || self.federation.is_some();
        let (metadata_endpoint, federation) =
            if origin { (self.metadata_endpoint, self.federation) } else { (base.metadata_endpoint, base.federation) };
        RawGke {
            endpoint: self.endpoint.or(base.endpoint),
            ca: self.ca.or(base.ca),
            metadata_endpoint,
            federation,
            service_account: self.service_account.or(base.service_account),
            iam_endpoint: self.iam_endpoint.or(base.iam_endpoint),
        }
    }
}

impl Inherits for RawAks {
    fn or(self, base: RawAks) -> RawAks {
        RawAks {
            endpoint: self.endpoint.or(base.endpoint),
            ca: self.ca.or(base.ca),
            tenant: self.tenant.or(base.tenant),
            client_id: self.client_id.or(base.client_id),
            federated_token_file: self.federated_token_file.or(base.federated_token_file),
            authority: self.authority.or(base.authority),
        }
    }
}

/// The section at its own place, completed from the cluster's.
fn completed<T: Inherits>(own: &Option<Spanned<T>>, base: &Option<Spanned<T>>) -> Option<Spanned<T>> {
    let mut own = own.clone()?;
    if let Some(base) = base {
        own.value = own.value.or(base.value.clone());
    }
    Some(own)
}

fn value(text: &Option<Text>) -> Option<String> {
    text.as_ref().map(|text| text.value.clone()).filter(|text| !text.is_empty())
}

/// `arn:aws:iam::123456789012:role/NAME`, also of the other partitions (`aws-cn`, `aws-us-gov`).
fn is_role(arn: &str) -> bool {
    let parts: Vec<&str> = arn.splitn(6, ':').collect();
    matches!(parts.as_slice(), ["arn", partition, "iam", "", account, name]
        if partition.starts_with("aws") && account.len() == 12 && account.bytes().all(|b| b.is_ascii_digit())
            && name.strip_prefix("role/").is_some_and(|name| !name.is_empty()))
}

fn is_base64(text: &str) -> bool {
    let digits = text.trim_end_matches('=');
    text.len().is_multiple_of(4)
        && text.len() - digits.len() <= 2
        && digits.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'+' || b == b'/')
}

pub(super) fn is_loopback(host: &str) -> bool {
    let host = host.split('/').next().unwrap_or_default();
    let name = host.rsplit_once(':').map_or(host, |(name, port)| if port.bytes().all(|b| b.is_ascii_digit()) { name } else { host });
    name == "localhost" || name == "[::1]" || name.strip_prefix("127.").is_some_and(|rest| rest.split('.').count() == 3)
}
