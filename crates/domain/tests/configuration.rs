//! `devmatrix.yaml`: the shape that is documented reads; what is wrong is named with its line, column and what was expected.

#![allow(clippy::unwrap_used, clippy::panic)]

use domain::access::Role;
use domain::catalog::read;

const GOOD: &str = r#"organisation: DevMatrix
external_url: https://portal.devmatrix.example
teams:
  - {name: devops, title: DevOps Team, members: [olivia, dmitri], roles: [deployer, approver]}
  - {name: backend, members: [bea], roles: [deployer]}
clusters:
  - name: staging-aks
    provider: aks
    region: eastus
    kubeconfig: {path: /etc/devmatrix/kubeconfig, context: staging}
  - name: prod-eks
    provider: eks
    kubeconfig: {path: /etc/devmatrix/kubeconfig}
environments:
  - name: prod
    title: Production
    stage: 2
    cluster: prod-eks
    namespace: devmatrix
    production: true
    promote_from: staging
    approval:
      rules: [{from: ["team:devops"], needed: 1}]
      expires: 12h
  - {name: staging, stage: 1, cluster: staging-aks, namespace: devmatrix-staging, branch: develop}
components:
  - name: api
    title: API server
    owner: backend
    technology: FastAPI
    port: 8000
    replicas: 3
    resources: {cpu: "2", memory: 4Gi}
    workload: deployment/devmatrix-api
    container: api
    depends_on: []
"#;

#[test]
fn the_documented_shape_reads() {
    let catalog = read(GOOD).unwrap().catalog;
    assert_eq!(catalog.environments.iter().map(|e| e.name.as_str()).collect::<Vec<_>>(), ["staging", "prod"], "by stage");
    let approval = catalog.environment("prod").unwrap().approval.clone().unwrap();
    assert_eq!((approval.expires_s, approval.exclude_requester, approval.rules[0].from[0].as_str()), (43_200, true, "devops"));
    assert_eq!(catalog.person("dmitri").roles, [Role::Viewer, Role::Deployer, Role::Approver]);
    assert_eq!(catalog.person("stranger").roles, [Role::Viewer]);
    assert_eq!(catalog.component("apu").unwrap_err().to_string(), "There is no component `apu` (did you mean `api`?).");
}

/// Replaces one piece of the good file and answers what is wrong with it.
fn broken(from: &str, to: &str) -> Vec<String> {
    assert!(GOOD.contains(from), "{from}");
    read(&GOOD.replacen(from, to, 1)).unwrap_err().iter().map(ToString::to_string).collect()
}

#[test]
fn each_mistake_is_named_with_its_place() {
    let table = [
        ("environments:", "enviroments:", "14:1: unknown key `enviroments`: did you mean `environments`? expected one of"),
        ("provider: aks", "provider: azure", "8:15: unknown provider `azure`: expected one of eks, gke, aks, in-cluster, kubeconfig"),
        ("cluster: prod-eks", "cluster: prod-esk", "18:14: there is no cluster `prod-esk`: did you mean `prod-eks`?"),
        ("promote_from: staging", "promote_from: stagin", "21:19: there is no environment `stagin`: did you mean `staging`?"),
        ("owner: backend", "owner: frontend", "29:12: there is no team `frontend`: "),
        ("stage: 2", "stage: two", "17:12: "),
        ("expires: 12h", "expires: 12 hours", "24:16: `12 hours` is not a duration: expected a number and a unit, such as 90s, 15m, 24h"),
        ("needed: 1", "needed: 0", "23:47: expected how many votes are needed, 1 or more"),
        (
            "workload: deployment/devmatrix-api",
            "workload: devmatrix-api",
            "34:15: `devmatrix-api` is not a workload: expected deployment/NAME, statefulset/NAME or daemonset/NAME",
        ),
        ("port: 8000", "port: 80000", "31:11: expected a port from 1 to 65535"),
        (
            "roles: [deployer, approver]",
            "roles: [deployer, boss]",
            "4:85: unknown role `boss`: expected one of viewer, deployer, approver, admin",
        ),
        ("name: staging-aks", "name: Staging AKS", "7:11: `Staging AKS` is not a name: expected 1 to 63"),
        ("stage: 1,", "stage: 3,", "21:19: `staging` is at stage 3; expected an environment of a stage below 2"),
        ("organisation: DevMatrix\n", "", "the key `organisation` is missing"),
        ("depends_on: []", "depends_on: [redis]", "36:18: there is no component `redis`: "),
        ("\"team:devops\"", "devops", "23:23: `devops` is not a group: expected `team:NAME`"),
    ];
    for (from, to, expected) in table {
        let problems = broken(from, to);
        assert!(problems.iter().any(|p| p.contains(expected)), "{to}: expected `{expected}`, got {problems:#?}");
    }
}

#[test]
fn all_mistakes_of_meaning_are_told_at_once() {
    let text = GOOD.replacen("provider: aks", "provider: x", 1).replacen("port: 8000", "port: 0", 1).replacen(
        "owner: backend",
        "owner: nobody",
        1,
    );
    assert_eq!(read(&text).unwrap_err().len(), 3);
}

#[test]
fn what_would_not_be_enforced_is_not_accepted_silently() {
    let windows = broken("    production: true\n", "    production: true\n    windows: [{deny: \"Fri 16:00 - Mon 08:00\"}]\n");
    assert!(windows[0].contains("windows are not enforced"), "{windows:?}");
    let on_call = broken("\"team:devops\"", "\"on-call:platform/primary\"");
    assert!(on_call[0].contains("nobody could approve"), "{on_call:?}");
    let read = read(&format!("{GOOD}calendars: []\n")).unwrap();
    assert!(read.warnings[0].what.contains("`calendars` has no effect"), "{:?}", read.warnings);
}

#[test]
fn garbage_is_an_error_and_never_a_panic() {
    for text in
        ["", "\0", "[", "- a\n- b", "organisation: [", "organisation: &a *a", "a: b: c", "organisation: DevMatrix\nteams: 7", "\u{feff}x"]
    {
        assert!(read(text).is_err(), "{text:?}");
    }
    assert!(read("organisation: DevMatrix").is_ok(), "lists may be left out");
}
