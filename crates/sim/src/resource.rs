//! The resources this cluster serves: where each lives in the API and what is peculiar to it.
//!
//! Invariant: a `Resource` is an index into `TABLE`; the constants name the places of those that the code treats
//! specially (a test checks them), the others are just stored.

/// One kind of object. Cheap to copy and to compare.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Resource(u8);

struct Row {
    group: &'static str,
    version: &'static str,
    plural: &'static str,
    kind: &'static str,
    namespaced: bool,
    /// Whether `metadata.generation` counts the changes of its spec.
    generation: bool,
    scale: bool,
    short: &'static str,
}

const fn row(group: &'static str, version: &'static str, plural: &'static str, kind: &'static str) -> Row {
    Row { group, version, plural, kind, namespaced: true, generation: false, scale: false, short: "" }
}

impl Row {
    const fn cluster_wide(self) -> Row {
        Row { namespaced: false, ..self }
    }
    const fn counted(self) -> Row {
        Row { generation: true, ..self }
    }
    const fn scaled(self) -> Row {
        Row { scale: true, ..self }
    }
    const fn short(self, short: &'static str) -> Row {
        Row { short, ..self }
    }
}

pub(crate) const PODS: Resource = Resource(0);
pub(crate) const NAMESPACES: Resource = Resource(1);
pub(crate) const NODES: Resource = Resource(2);
pub(crate) const EVENTS: Resource = Resource(3);
pub(crate) const CONFIGMAPS: Resource = Resource(4);
pub(crate) const DEPLOYMENTS: Resource = Resource(6);
pub(crate) const REPLICASETS: Resource = Resource(7);
pub(crate) const STATEFULSETS: Resource = Resource(8);
pub(crate) const DAEMONSETS: Resource = Resource(9);
pub(crate) const CONTROLLERREVISIONS: Resource = Resource(10);
pub(crate) const JOBS: Resource = Resource(11);
pub(crate) const CRONJOBS: Resource = Resource(12);
pub(crate) const HORIZONTALPODAUTOSCALERS: Resource = Resource(13);

static TABLE: [Row; 18] = [
    row("", "v1", "pods", "Pod").counted().short("po"),
    row("", "v1", "namespaces", "Namespace").cluster_wide().short("ns"),
    row("", "v1", "nodes", "Node").cluster_wide().short("no"),
    row("", "v1", "events", "Event").short("ev"),
    row("", "v1", "configmaps", "ConfigMap").short("cm"),
    row("", "v1", "services", "Service").short("svc"),
    row("apps", "v1", "deployments", "Deployment").counted().scaled().short("deploy"),
    row("apps", "v1", "replicasets", "ReplicaSet").counted().scaled().short("rs"),
    row("apps", "v1", "statefulsets", "StatefulSet").counted().scaled().short("sts"),
    row("apps", "v1", "daemonsets", "DaemonSet").counted().short("ds"),
    row("apps", "v1", "controllerrevisions", "ControllerRevision"),
    row("batch", "v1", "jobs", "Job").counted(),
    row("batch", "v1", "cronjobs", "CronJob").counted().short("cj"),
    row("autoscaling", "v2", "horizontalpodautoscalers", "HorizontalPodAutoscaler").short("hpa"),
    row("networking.k8s.io", "v1", "ingresses", "Ingress").counted().short("ing"),
    row("networking.k8s.io", "v1", "networkpolicies", "NetworkPolicy").counted().short("netpol"),
    row("", "v1", "persistentvolumeclaims", "PersistentVolumeClaim").short("pvc"),
    row("policy", "v1", "poddisruptionbudgets", "PodDisruptionBudget").counted().short("pdb"),
];

impl Resource {
    pub(crate) fn all() -> impl Iterator<Item = Resource> {
        (0u8..).take(TABLE.len()).map(Resource)
    }

    fn row(self) -> &'static Row {
        &TABLE[usize::from(self.0)]
    }

    /// The resource at `group`, `version` and plural name, as in a request's path.
    pub fn at(group: &str, version: &str, plural: &str) -> Option<Resource> {
        Self::all().find(|it| it.group() == group && it.version() == version && it.plural() == plural)
    }

    /// The resource of an object, by its `apiVersion` and `kind`.
    pub fn of(api_version: &str, kind: &str) -> Option<Resource> {
        Self::all().find(|it| it.kind() == kind && it.api_version() == api_version)
    }

    /// By any name kubectl would take: `deployments`, `deployment`, `Deployment` or `deploy`.
    pub fn named(name: &str) -> Option<Resource> {
        Self::all().find(|it| it.plural() == name || it.kind().eq_ignore_ascii_case(name) || (!name.is_empty() && it.short() == name))
    }

    pub fn group(self) -> &'static str {
        self.row().group
    }

    pub fn version(self) -> &'static str {
        self.row().version
    }

    pub fn plural(self) -> &'static str {
        self.row().plural
    }

    pub fn kind(self) -> &'static str {
        self.row().kind
    }

    pub(crate) fn short(self) -> &'static str {
        self.row().short
    }

    pub fn is_namespaced(self) -> bool {
        self.row().namespaced
    }

    pub(crate) fn has_generation(self) -> bool {
        self.row().generation
    }

    /// Whether there is a half of it that only controllers write.
    pub(crate) fn has_status(self) -> bool {
        !matches!(self, EVENTS | CONFIGMAPS | CONTROLLERREVISIONS) && self.kind() != "NetworkPolicy"
    }

    pub(crate) fn has_scale(self) -> bool {
        self.row().scale
    }

    /// `apps/v1`, or `v1` in the core group.
    pub fn api_version(self) -> String {
        match self.group() {
            "" => self.version().to_owned(),
            group => format!("{group}/{}", self.version()),
        }
    }

    /// `deployments.apps`, as error messages name it.
    pub(crate) fn qualified(self) -> String {
        qualify(self.plural(), self.group())
    }

    /// `Deployment.apps`, as validation errors name it.
    pub(crate) fn qualified_kind(self) -> String {
        qualify(self.kind(), self.group())
    }
}

fn qualify(name: &str, group: &str) -> String {
    if group.is_empty() { name.to_owned() } else { format!("{name}.{group}") }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn constants_name_their_rows() {
        for (resource, kind) in [
            (PODS, "Pod"),
            (NAMESPACES, "Namespace"),
            (NODES, "Node"),
            (EVENTS, "Event"),
            (CONFIGMAPS, "ConfigMap"),
            (DEPLOYMENTS, "Deployment"),
            (REPLICASETS, "ReplicaSet"),
            (STATEFULSETS, "StatefulSet"),
            (DAEMONSETS, "DaemonSet"),
            (CONTROLLERREVISIONS, "ControllerRevision"),
            (JOBS, "Job"),
            (CRONJOBS, "CronJob"),
        ] {
            assert_eq!(resource.kind(), kind);
        }
    }

    #[test]
    fn a_resource_has_all_the_names_that_kubectl_takes() {
        for name in ["deployments", "deployment", "Deployment", "deploy"] {
            assert_eq!(Resource::named(name), Some(DEPLOYMENTS), "{name}");
        }
        assert_eq!(Resource::named(""), None);
        assert_eq!(Resource::of("apps/v1", "Deployment"), Some(DEPLOYMENTS));
    }
}
