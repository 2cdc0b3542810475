//! The three clusters of the demo, seeded with the DevMatrix platform and a few weeks of its past.
//!
//! Invariant: everything is healthy at the start, except that Neo4j in staging is paused.

mod releases;
mod sites;
mod surroundings;
mod workloads;

use crate::clock::Clock;
use crate::cluster::Cluster;
use serde_json::{Value, json};
use sites::{SITES, Site};
use std::io;
use std::net::{Ipv4Addr, SocketAddr};
use tokio::net::TcpListener;
use tokio::task::JoinSet;

/// The running demo; dropping it stops its servers.
pub struct Demo {
    pub clusters: Vec<DemoCluster>,
    servers: JoinSet<()>,
}

/// One cluster of the demo and where it listens.
pub struct DemoCluster {
    /// `staging-aks`, `prod-eks` or `prod-gke`.
    pub name: &'static str,
    /// `aks`, `eks` or `gke`.
    pub provider: &'static str,
    /// Region or zone.
    pub region: &'static str,
    /// Where the platform runs: `devmatrix-staging` or `devmatrix`.
    pub namespace: &'static str,
    pub cluster: Cluster,
    pub addr: SocketAddr,
}

impl DemoCluster {
    /// `http://127.0.0.1:PORT`
    pub fn url(&self) -> String {
        format!("http://{}", self.addr)
    }
}

/// Starts the three clusters, each on a free port of the loopback interface, in real time.
pub async fn start() -> io::Result<Demo> {
    start_with(&Clock::real()).await
}

/// The same with a clock of one's own, which the clusters share.
pub async fn start_with(clock: &Clock) -> io::Result<Demo> {
    let (mut clusters, mut servers) = (Vec::new(), JoinSet::new());
    for site in &SITES {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await?;
        let addr = listener.local_addr()?;
        let cluster = seed(site, clock);
        let served = cluster.clone();
        servers.spawn(async move {
            if let Err(error) = served.serve(listener).await {
                tracing::error!(%error, cluster = served.name(), "a simulated cluster stopped");
            }
        });
        let Site { name, provider, region, namespace, .. } = *site;
        clusters.push(DemoCluster { name, provider, region, namespace, cluster, addr });
    }
    Ok(Demo { clusters, servers })
}

impl Demo {
    /// A cluster by its name.
    pub fn cluster(&self, name: &str) -> Option<&DemoCluster> {
        self.clusters.iter().find(|cluster| cluster.name == name)
    }

    /// A kubeconfig with one context for each cluster, named like it (JSON, which is YAML too).
    pub fn kubeconfig(&self) -> String {
        let named = |key: &str, of: &dyn Fn(&DemoCluster) -> Value| -> Vec<Value> {
            self.clusters.iter().map(|it| json!({ "name": it.name, key: of(it) })).collect()
        };
        json!({
            "apiVersion": "v1", "kind": "Config", "preferences": {},
            "clusters": named("cluster", &|it| json!({ "server": it.url() })),
            "users": named("user", &|_| json!({})),
            "contexts": named("context", &|it| json!({ "cluster": it.name, "user": it.name, "namespace": it.namespace })),
            "current-context": self.clusters.first().map(|it| it.name),
        })
        .to_string()
    }

    /// Whether all servers still run.
    pub fn is_running(&self) -> bool {
        self.servers.len() == self.clusters.len()
    }
}

/// One cluster of the demo with all it holds, not yet served.
fn seed(site: &Site, clock: &Clock) -> Cluster {
    let cluster = Cluster::bare(site.name, clock.clone());
    cluster.ensure_namespace(site.namespace);
    cluster.shared().with(|state| {
        sites::place_nodes(state, site);
        workloads::place(state, site);
        surroundings::place(state, site);
    });
    cluster
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::object;
    use crate::resource::Resource;
    use crate::state::{Key, Urgency, Work};

    fn clock() -> Clock {
        Clock::manual("2026-11-24T09:42:00Z".parse().unwrap())
    }

    /// The controllers agree with the seed: waking all of them changes nothing.
    #[test]
    fn the_seed_is_at_rest() {
        for site in &SITES {
            let cluster = seed(site, &clock());
            cluster.settle();
            let before = cluster.revision();
            cluster.shared().with(|state| {
                for resource in Resource::all() {
                    let keys: Vec<Key> = state.scan(resource, None, None).map(|(key, _)| key.clone()).collect();
                    keys.into_iter().for_each(|key| state.agenda.add(Work::Sync(key), state.now, Urgency::Progress));
                }
            });
            cluster.settle();
            assert_eq!(changes(&cluster, before), Vec::<String>::new(), "{}", site.name);
        }
    }

    fn changes(cluster: &Cluster, since: u64) -> Vec<String> {
        cluster.shared().with(|state| {
            let changes = state.history.since(since).unwrap();
            changes.map(|it| format!("{:?} {:?} {} {:?}", it.kind, it.key, it.object, it.previous)).collect()
        })
    }

    #[test]
    fn versions_and_replicas_are_those_of_the_mock() {
        for (site, expected) in SITES.iter().zip([("1.43.1", 3, true), ("1.42.3", 4, false), ("1.42.3", 4, false)]) {
            let cluster = seed(site, &clock());
            let api = cluster.get("deployments", site.namespace, "devmatrix-api").unwrap();
            let template = &api["spec"]["template"];
            assert_eq!(template["metadata"]["labels"]["app.kubernetes.io/version"], expected.0);
            assert_eq!(api["status"]["availableReplicas"], expected.1);
            let neo4j = cluster.get("deployments", site.namespace, "neo4j").unwrap();
            assert_eq!(object::flag(&neo4j, "/spec/paused"), expected.2);
        }
    }

    #[test]
    fn every_deployment_has_a_past() {
        for site in &SITES {
            let cluster = seed(site, &clock());
            for deployment in cluster.list("deployments", site.namespace) {
                let sets = cluster.list("replicasets", site.namespace);
                let own = sets.iter().filter(|set| object::controller(set).unwrap()["name"] == deployment["metadata"]["name"]);
                let idle = own.filter(|set| set["spec"]["replicas"] == 0).count();
                assert!((3..=5).contains(&idle), "{} {} {idle}", site.name, object::name(&deployment));
            }
        }
    }
}
