//! The roles in deploy/kubernetes grant what the portal asks for, and nothing else.

#![allow(clippy::unwrap_used, clippy::panic)]

use domain::changes::{FENCE_ANNOTATION, STALE_FENCE};
use domain::clusters::rights::{Identity, Right, needed};
use serde_json::Value;
use std::collections::BTreeSet;

fn documents(text: &str) -> Vec<Value> {
    serde_saphyr::from_multiple(text).unwrap()
}

/// `get pods/log.` and the like, of one role.
fn granted(roles: &[Value], name: &str) -> BTreeSet<String> {
    let role = roles.iter().find(|role| role["kind"] == "ClusterRole" && role["metadata"]["name"] == name).unwrap();
    let texts = |rule: &Value, key: &str| -> Vec<String> {
        rule[key].as_array().unwrap().iter().map(|text| text.as_str().unwrap().to_owned()).collect()
    };
    let mut granted = BTreeSet::new();
    for rule in role["rules"].as_array().unwrap() {
        for (group, resource) in
            texts(rule, "apiGroups").iter().flat_map(|g| texts(rule, "resources").into_iter().map(move |r| (g.clone(), r)))
        {
            granted.extend(texts(rule, "verbs").into_iter().map(|verb| format!("{verb} {resource}.{group}")));
        }
    }
    granted
}

fn asked(wanted: impl Fn(&Right) -> bool) -> BTreeSet<String> {
    let resource = |right: &Right| right.subresource.map_or(right.resource.to_owned(), |sub| format!("{}/{sub}", right.resource));
    let all = needed(&["devmatrix".to_owned()]).into_iter().filter(|right| wanted(right));
    all.map(|right| format!("{} {}.{}", right.verb, resource(&right), right.group)).collect()
}

#[test]
fn the_roles_grant_exactly_what_is_needed() {
    let roles = documents(include_str!("../../../deploy/kubernetes/roles.yaml"));
    let of = |identity: Identity| move |right: &Right| right.identity == identity && right.namespace.is_some();
    assert_eq!(granted(&roles, "devmatrix-portal-namespace-read"), asked(of(Identity::Read)));
    assert_eq!(granted(&roles, "devmatrix-portal-namespace-deploy"), asked(of(Identity::Deploy)));
    assert_eq!(granted(&roles, "devmatrix-portal-read"), asked(|right| right.namespace.is_none()));
}

#[test]
fn the_policy_looks_at_what_is_written_and_says_what_the_portal_understands() {
    let policy = documents(include_str!("../../../deploy/kubernetes/fence.yaml")).remove(0);
    let rules = policy["spec"]["matchConstraints"]["resourceRules"].as_array().unwrap();
    let looked_at: BTreeSet<&str> =
        rules.iter().flat_map(|rule| rule["resources"].as_array().unwrap()).map(|name| name.as_str().unwrap()).collect();
    let written = needed(&["devmatrix".to_owned()]).into_iter().filter(|right| right.verb == "patch");
    assert_eq!(looked_at, written.map(|right| right.resource).collect());
    let said = policy["spec"]["validations"][1]["messageExpression"].as_str().unwrap();
    assert!(said.contains(FENCE_ANNOTATION) && said.contains(STALE_FENCE), "{said}");
}
