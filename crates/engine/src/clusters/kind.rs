//! The kinds that are watched, in the order in which they are listed.

/// One watched kind in one namespace.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Kind {
    Deployments,
    StatefulSets,
    DaemonSets,
    ReplicaSets,
    ControllerRevisions,
    Pods,
    Autoscalers,
    Services,
    Ingresses,
    NetworkPolicies,
    ConfigMaps,
    Claims,
    Jobs,
    CronJobs,
    /// Of the whole cluster: in no namespace.
    Nodes,
}

impl Kind {
    /// What health and revisions are read from: listed first.
    pub const CORE: [Kind; 6] =
        [Kind::Deployments, Kind::StatefulSets, Kind::DaemonSets, Kind::ReplicaSets, Kind::ControllerRevisions, Kind::Pods];

    /// What stands around the workloads.
    pub const AROUND: [Kind; 8] = [
        Kind::Autoscalers,
        Kind::Services,
        Kind::Ingresses,
        Kind::NetworkPolicies,
        Kind::ConfigMaps,
        Kind::Claims,
        Kind::Jobs,
        Kind::CronJobs,
    ];

    pub fn as_str(self) -> &'static str {
        match self {
            Kind::Deployments => "deployments",
            Kind::StatefulSets => "statefulsets",
            Kind::DaemonSets => "daemonsets",
            Kind::ReplicaSets => "replicasets",
            Kind::ControllerRevisions => "controllerrevisions",
            Kind::Pods => "pods",
            Kind::Autoscalers => "horizontalpodautoscalers",
            Kind::Services => "services",
            Kind::Ingresses => "ingresses",
            Kind::NetworkPolicies => "networkpolicies",
            Kind::ConfigMaps => "configmaps",
            Kind::Claims => "persistentvolumeclaims",
            Kind::Jobs => "jobs",
            Kind::CronJobs => "cronjobs",
            Kind::Nodes => "nodes",
        }
    }
}

pub type Feed = (Kind, String);

/// All that is watched in these namespaces, in the order in which it is listed.
pub fn feeds(namespaces: &[String]) -> impl Iterator<Item = Feed> {
    let in_all = |kinds: &'static [Kind]| kinds.iter().flat_map(move |kind| namespaces.iter().map(|namespace| (*kind, namespace.clone())));
    in_all(&Kind::CORE).chain(in_all(&Kind::AROUND)).chain([(Kind::Nodes, String::new())])
}
