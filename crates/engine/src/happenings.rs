//! What the clusters say of a component: Kubernetes Events, from memory.

use crate::Engine;
use domain::access::{Actor, Verb, authorize};
use domain::clusters::Happenings;
use domain::clusters::happenings::concerns;

impl Engine {
    /// About the workload, its ReplicaSets and its pods, newest first.
    pub async fn happenings(&self, actor: &Actor, component: &str, environment: &str) -> domain::Result<Happenings> {
        authorize(actor, Verb::Read)?;
        let component = self.0.catalog.component(component)?;
        let environment = self.0.catalog.environment(environment)?;
        let cluster = self.cluster_of(environment)?;
        let key = component.workload.key(&environment.namespace);
        let (names, lost) = {
            let state = cluster.state();
            let revisions = state.observed(&key).map(|known| known.revisions.iter().map(|one| one.name.clone()).collect());
            (revisions.unwrap_or_else(Vec::new), if state.reachable() { String::new() } else { state.trouble() })
        };
        let sets: Vec<&str> = names.iter().map(|name| &**name).collect();
        let mut found = cluster.happenings.of(&key.namespace, |object| concerns(key.kind, &key.name, &sets, object));
        if !lost.is_empty() {
            (found.trouble, found.forbidden) = (lost, false);
        }
        Ok(found)
    }
}
