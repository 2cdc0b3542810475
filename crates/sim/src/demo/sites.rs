//! Where the demo runs: the three clusters and their nodes.

use crate::nodes;
use crate::state::State;
use serde_json::json;

pub(crate) struct Site {
    pub name: &'static str,
    pub provider: &'static str,
    pub region: &'static str,
    pub namespace: &'static str,
    /// The branch that is deployed here.
    pub branch: &'static str,
    pub machine: &'static str,
    pub is_production: bool,
    pub host: &'static str,
}

pub(crate) static SITES: [Site; 3] = [
    Site {
        name: "staging-aks",
        provider: "aks",
        region: "eastus",
        namespace: "devmatrix-staging",
        branch: "develop",
        machine: "Standard_D4s_v3",
        is_production: false,
        host: "api.staging.devmatrix.example",
    },
    Site {
        name: "prod-eks",
        provider: "eks",
        region: "us-east-1",
        namespace: "devmatrix",
        branch: "main",
        machine: "t3.xlarge",
        is_production: true,
        host: "api.devmatrix.example",
    },
    Site {
        name: "prod-gke",
        provider: "gke",
        region: "us-central1-a",
        namespace: "devmatrix",
        branch: "main",
        machine: "n1-standard-4",
        is_production: true,
        host: "api.central.devmatrix.example",
    },
];

/// Three nodes with the names and labels that the provider would give them.
pub(crate) fn place_nodes(state: &mut State, site: &Site) {
    let region = site.region.strip_suffix("-a").unwrap_or(site.region);
    for number in 1..=3u8 {
        let (name, zone) = match site.provider {
            "aks" => (format!("aks-nodepool1-31873422-vmss00000{}", number - 1), format!("{region}-{number}")),
            "eks" => {
                let zone = char::from(b'a' + number - 1);
                (format!("ip-10-0-{number}-4.ec2.internal"), format!("{region}{zone}"))
            }
            _ => (format!("gke-devmatrix-prod-default-pool-5f3c9d1e-{number}k7q"), site.region.to_owned()),
        };
        let labels = json!({
            "topology.kubernetes.io/region": region, "topology.kubernetes.io/zone": zone,
            "node.kubernetes.io/instance-type": site.machine,
        });
        nodes::place(state, nodes::node(&name, number, &labels));
    }
}
