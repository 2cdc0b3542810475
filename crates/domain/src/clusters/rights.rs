//! The portal's own rights in a cluster: what it needs, and the roles that grant it.
//!
//! Invariant: no wildcard, nothing of Secrets, no exec. What is asked for here is what [`roles`] grants.

use std::fmt::{self, Write};

/// With which of its identities the portal does something. Without a `deploy` of its own the reading one does all.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Identity {
    Read,
    Deploy,
}

impl Identity {
    fn role(self) -> &'static str {
        match self {
            Identity::Read => "devmatrix-portal-read",
            Identity::Deploy => "devmatrix-portal-deploy",
        }
    }
}

/// One thing that may be done, as `kubectl auth can-i` would ask for it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Right {
    pub identity: Identity,
    /// None: in the whole cluster.
    pub namespace: Option<String>,
    pub verb: &'static str,
    /// The API group; empty for the core one.
    pub group: &'static str,
    pub resource: &'static str,
    pub subresource: Option<&'static str>,
}

impl fmt::Display for Right {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}", self.verb, self.resource)?;
        if let Some(subresource) = self.subresource {
            write!(f, "/{subresource}")?;
        }
        if !self.group.is_empty() {
            write!(f, ".{}", self.group)?;
        }
        match &self.namespace {
            Some(namespace) => write!(f, " in namespace {namespace}"),
            None => write!(f, " in the whole cluster"),
        }
    }
}

/// One rule of a role: a group, resources with their subresources, verbs.
struct Rule {
    group: &'static str,
    resources: &'static [&'static str],
    verbs: &'static [&'static str],
}

const LOOK: &[&str] = &["get", "list", "watch"];

const READ: &[Rule] = &[
    Rule { group: "apps", resources: &["deployments", "statefulsets", "daemonsets", "replicasets", "controllerrevisions"], verbs: LOOK },
    Rule { group: "", resources: &["pods", "events", "services", "configmaps", "persistentvolumeclaims"], verbs: LOOK },
    Rule { group: "", resources: &["pods/log"], verbs: &["get"] },
    Rule { group: "batch", resources: &["jobs", "cronjobs"], verbs: LOOK },
    Rule { group: "autoscaling", resources: &["horizontalpodautoscalers"], verbs: LOOK },
    Rule { group: "networking.k8s.io", resources: &["ingresses", "networkpolicies"], verbs: LOOK },
];

const READ_CLUSTER: &[Rule] = &[Rule { group: "", resources: &["nodes"], verbs: LOOK }];

const DEPLOY: &[Rule] = &[
    Rule { group: "apps", resources: &["deployments", "statefulsets", "daemonsets"], verbs: &["patch"] },
    // The bounds of one.
    Rule { group: "autoscaling", resources: &["horizontalpodautoscalers"], verbs: &["patch"] },
    // One from a CronJob.
    Rule { group: "batch", resources: &["jobs"], verbs: &["create"] },
    // A pod that holds up its StatefulSet.
    Rule { group: "", resources: &["pods"], verbs: &["delete"] },
    // What a rollback brings back when that is asked for.
    Rule { group: "", resources: &["configmaps"], verbs: &["create", "patch"] },
];

/// All that the portal needs in a cluster with these namespaces today; nothing for later.
pub fn needed(namespaces: &[String]) -> Vec<Right> {
    let mut rights = Vec::new();
    for namespace in namespaces {
        for identity in [Identity::Read, Identity::Deploy] {
            rights.extend(rules(identity, Some(namespace)).iter().flat_map(|rule| each(rule, identity, Some(namespace))));
        }
    }
    rights.extend(READ_CLUSTER.iter().flat_map(|rule| each(rule, Identity::Read, None)));
    rights
}

fn rules(identity: Identity, namespace: Option<&String>) -> &'static [Rule] {
    match (identity, namespace) {
        (Identity::Read, Some(_)) => READ,
        (Identity::Read, None) => READ_CLUSTER,
        (Identity::Deploy, Some(_)) => DEPLOY,
        (Identity::Deploy, None) => &[],
    }
}

fn each(rule: &Rule, identity: Identity, namespace: Option<&String>) -> impl Iterator<Item = Right> {
    rule.resources.iter().flat_map(move |resource| {
        let (resource, subresource) = resource.split_once('/').map_or((*resource, None), |(resource, sub)| (resource, Some(sub)));
        rule.verbs.iter().map(move |verb| Right { identity, namespace: namespace.cloned(), verb, group: rule.group, resource, subresource })
    })
}

/// Whom the API server takes the identities for. None: it does not say.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Names {
    pub read: Option<String>,
    pub deploy: Option<String>,
}

/// YAML for `kubectl apply` that grants what is missing. Each role is whole, with what is there already: applying it takes
/// nothing away, and applying it again changes nothing.
pub fn roles(missing: &[Right], names: &Names) -> String {
    let mut places: Vec<(Option<String>, Identity)> = Vec::new();
    for right in missing {
        let place = (right.namespace.clone(), right.identity);
        if !places.contains(&place) {
            places.push(place);
        }
    }
    let documents = places.into_iter().map(|(namespace, identity)| {
        let name = match identity {
            Identity::Read => names.read.as_deref(),
            Identity::Deploy => names.deploy.as_deref(),
        };
        document(identity, namespace.as_ref(), name)
    });
    documents.collect::<Vec<_>>().join("---\n")
}

fn document(identity: Identity, namespace: Option<&String>, name: Option<&str>) -> String {
    let kind = if namespace.is_some() { "Role" } else { "ClusterRole" };
    let role = identity.role();
    let metadata = match namespace {
        Some(namespace) => format!("metadata: {{name: {role}, namespace: {namespace}}}\n"),
        None => format!("metadata: {{name: {role}}}\n"),
    };
    let mut yaml = format!("apiVersion: rbac.authorization.k8s.io/v1\nkind: {kind}\n{metadata}rules:\n");
    for rule in rules(identity, namespace) {
        // Writing into a String does not fail.
        let _ = writeln!(
            yaml,
            "  - {{apiGroups: [\"{}\"], resources: [{}], verbs: [{}]}}",
            rule.group,
            rule.resources.join(", "),
            rule.verbs.join(", ")
        );
    }
    let subject = name.map_or_else(|| "WHOM-THE-PORTAL-SIGNS-IN-AS".to_owned(), quoted);
    let _ = write!(
        yaml,
        "---\napiVersion: rbac.authorization.k8s.io/v1\nkind: {kind}Binding\n{metadata}\
         roleRef: {{apiGroup: rbac.authorization.k8s.io, kind: {kind}, name: {role}}}\n\
         subjects:\n  - {{apiGroup: rbac.authorization.k8s.io, kind: User, name: {subject}}}\n"
    );
    yaml
}

/// A name of somebody else's choosing, as a YAML string.
fn quoted(name: &str) -> String {
    serde_json::Value::from(name).to_string()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_needed_is_named_as_kubectl_names_it() {
        let rights = needed(&["devmatrix".to_owned()]);
        let said: Vec<String> = rights.iter().map(ToString::to_string).collect();
        for expected in [
            "watch deployments.apps in namespace devmatrix",
            "list networkpolicies.networking.k8s.io in namespace devmatrix",
            "list nodes in the whole cluster",
            "get pods/log in namespace devmatrix",
            "watch events in namespace devmatrix",
            "patch statefulsets.apps in namespace devmatrix",
            "patch horizontalpodautoscalers.autoscaling in namespace devmatrix",
            "delete pods in namespace devmatrix",
            "create configmaps in namespace devmatrix",
            "patch configmaps in namespace devmatrix",
            "create jobs.batch in namespace devmatrix",
        ] {
            assert!(said.iter().any(|right| right == expected), "{expected}: {said:#?}");
        }
        assert!(rights.iter().all(|right| right.resource != "secrets" && right.verb != "*" && right.resource != "*"));
        let writing = rights.iter().filter(|right| !["get", "list", "watch"].contains(&right.verb));
        assert!(writing.clone().count() == 8 && writing.clone().all(|right| right.identity == Identity::Deploy));
        assert_eq!(needed(&["a".to_owned(), "b".to_owned()]).len(), 2 * (rights.len() - 3) + 3, "nodes once");
    }

    #[test]
    fn the_roles_grant_what_is_missing_and_take_nothing_away() {
        let rights = needed(&["devmatrix".to_owned()]);
        let missing: Vec<Right> = rights.into_iter().filter(|right| right.verb == "patch" || right.resource == "nodes").collect();
        let names = Names { read: Some("portal \"reader\"".to_owned()), deploy: None };
        let yaml = roles(&missing, &names);
        assert_eq!(yaml.matches("\nkind: Role\n").count() + yaml.matches("\nkind: ClusterRole\n").count(), 2, "{yaml}");
        assert!(yaml.contains("metadata: {name: devmatrix-portal-deploy, namespace: devmatrix}\nrules:\n"), "{yaml}");
        assert!(yaml.contains("resources: [deployments, statefulsets, daemonsets], verbs: [patch]"), "{yaml}");
        let some = needed(&["devmatrix".to_owned()]).into_iter().filter(|right| right.resource == "jobs" && right.verb == "list");
        let yaml_of_some = roles(&some.collect::<Vec<_>>(), &names);
        assert!(yaml_of_some.contains("resources: [jobs, cronjobs], verbs: [get, list, watch]"), "whole rules: {yaml_of_some}");
        assert!(yaml_of_some.contains("resources: [ingresses, networkpolicies]"), "the whole role, so that it takes nothing away");
        assert!(yaml.contains("kind: User, name: \"portal \\\"reader\\\"\""), "{yaml}");
        assert!(yaml.contains("WHOM-THE-PORTAL-SIGNS-IN-AS"), "{yaml}");
        for document in serde_saphyr::from_multiple::<serde_json::Value>(&yaml).unwrap() {
            assert_eq!(document["apiVersion"], "rbac.authorization.k8s.io/v1");
        }
        assert_eq!(roles(&[], &names), "");
    }
}
