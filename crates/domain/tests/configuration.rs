//! `devmatrix.yaml`: the shape that is documented reads; what is wrong is named with its line, column and what was expected.

#![allow(clippy::unwrap_used, clippy::panic)]

use domain::access::Role;
use domain::catalog::{Access, Ca, Catalog, Group, Problem, Provider, Read};
use domain::changes::windows::Effect;

fn read(text: &str) -> Result<Read, Vec<Problem>> {
    domain::catalog::read(text)
}

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
    assert_eq!((approval.expires_s, approval.exclude_requester, approval.exclude_authors), (43_200, true, false));
    assert_eq!(approval.rules[0].from, [Group::Team("devops".into())]);
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
        ("container: api", "containers: [api, migrate, migrate]", "35:32: `migrate` is named twice"),
        ("container: api", "container: api\n    containers: [api]", "36:18: expected `container` or `containers`, not both"),
        ("\"team:devops\"", "devops", "23:23: `devops` is not a group: expected team:NAME, person:NAME or on-call:ROTATION/ROLE"),
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
    let on_call = broken("\"team:devops\"", "\"on-call:platform/primary\"");
    assert!(on_call[0].contains("23:23: whoever is on call comes with `rotations`, and this file has none"), "{on_call:?}");
    let read = read(&format!("{GOOD}runbooks: []\n")).unwrap();
    assert!(read.warnings[0].what.contains("`runbooks` has no effect"), "{:?}", read.warnings);
}

const ROTATION: &str = "rotations:\n  - {name: platform, zone: Europe/Berlin, handoff: \"2025-11-17T09:00\", every: 1w, roles: [primary, secondary], participants: [\"team:devops\", \"team:backend\"]}\n";

#[test]
fn groups_are_teams_people_and_whoever_is_on_call() {
    let text = GOOD.replacen("\"team:devops\"", "\"team:devops\", \"person:olivia\", \"on-call:platform/primary\"", 1);
    let read = self::read(&format!("{text}{ROTATION}")).unwrap();
    let from = read.catalog.environment("prod").unwrap().approval.clone().unwrap().rules[0].from.clone();
    assert_eq!(from.iter().map(ToString::to_string).collect::<Vec<_>>(), ["team:devops", "person:olivia", "on-call:platform/primary"]);
    for (group, expected) in [
        ("person:olivai", "there is no approver `olivai`: did you mean `olivia`?"),
        ("person:bea", "there is no approver `bea`: "),
        ("team:devop", "there is no team `devop`: did you mean `devops`?"),
        ("on-call:platform", "`on-call:platform` is not a group"),
        ("on-call:platfrom/primary", "there is no rotation `platfrom`: expected one of platform"),
        ("on-call:platform/boss", "rotation `platform` has no role `boss`: expected one of primary, secondary"),
        ("group:devops", "`group:devops` is not a group"),
    ] {
        let problems = self::read(&format!("{}{ROTATION}", GOOD.replacen("team:devops", group, 1))).unwrap_err();
        let problems: Vec<_> = problems.iter().map(ToString::to_string).collect();
        assert!(problems[0].contains("23:23: ") && problems[0].contains(expected), "{group}: {problems:?}");
    }
}

fn with_windows(windows: &str) -> String {
    GOOD.replacen("    production: true\n", &format!("    production: true\n    windows:\n{windows}"), 1)
}

#[test]
fn windows_read_with_their_zone_and_reason() {
    let text = with_windows(
        "      - {allow: \"Mon-Fri 09:00-16:30\", zone: Europe/Berlin}\n      - {deny: 2026-12-20 - 2027-01-04, zone: Europe/Berlin, reason: end of year}\n",
    );
    let windows = read(&text).unwrap().catalog.environment("prod").unwrap().windows.clone();
    assert_eq!((windows[0].effect, windows[0].in_words().as_str()), (Effect::Allow, "Mon-Fri 09:00-16:30 Europe/Berlin"));
    assert_eq!((windows[1].effect, windows[1].reason.as_str()), (Effect::Deny, "end of year"));
}

#[test]
fn each_mistake_in_a_window_is_named_with_its_place() {
    let table = [
        ("{deny: \"Fir 16:00 - Mon 08:00\", zone: Europe/Berlin}", "22:16: `Fir` is not a day: expected Mon, Tue"),
        ("{deny: \"Fri 16:00 - Mon 8:00\", zone: Europe/Berlin}", "22:16: `8:00` is not a time: expected HH:MM from 00:00 to 24:00"),
        ("{deny: \"Fri 16:00 - Fri 16:00\", zone: Europe/Berlin}", "22:16: `Fri 16:00 - Fri 16:00` has no length"),
        ("{deny: \"Fri 16:00 - 08:00\", zone: Europe/Berlin}", "22:16: `08:00` is not a time of the week: expected a day and a time"),
        ("{allow: Mon-Fri 09:00, zone: Europe/Berlin}", "22:17: `09:00` are not times: expected HH:MM-HH:MM"),
        ("{allow: Mon-Fri 09:00-24:30, zone: Europe/Berlin}", "22:17: `24:30` is not a time"),
        ("{allow: Mon 09:00-10:00 CET, zone: Europe/Berlin}", "22:17: `CET` is one word too many"),
        ("{allow: \"\", zone: Europe/Berlin}", "22:17: `` is not a day"),
        ("{deny: 2026-02-30 - 2027-01-04, zone: Europe/Berlin}", "22:16: `2026-02-30` is not a date: expected 2026-12-20 or"),
        ("{deny: 2027-01-04 - 2026-12-20, zone: Europe/Berlin}", "22:16: `2026-12-20` is not after `2027-01-04`"),
        ("{deny: Sat, zone: Europe/Berln}", "22:27: there is no time zone `Europe/Berln`: did you mean `Europe/Berlin`?"),
        ("{deny: Sat, zone: europe/berlin}", "22:27: there is no time zone `europe/berlin`: did you mean `Europe/Berlin`?"),
        ("{deny: Sat}", "22:9: the window needs `zone`: expected whose clock"),
        ("{zone: Europe/Berlin}", "22:9: expected either `allow` or `deny`"),
        ("{allow: Mon, deny: Tue, zone: Europe/Berlin}", "22:9: expected either `allow` or `deny`"),
        ("{deny: Sat, zone: Europe/Berlin, resaon: x}", "unknown key `resaon`: did you mean `reason`?"),
    ];
    for (window, expected) in table {
        let problems: Vec<_> = read(&with_windows(&format!("      - {window}\n"))).unwrap_err().iter().map(ToString::to_string).collect();
        assert!(problems.iter().any(|p| p.contains(expected)), "{window}: expected `{expected}`, got {problems:#?}");
    }
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

/// One cluster, written like this from line 3 on.
fn cluster(entry: &str) -> Result<Catalog, Vec<String>> {
    let text = format!("organisation: DevMatrix\nclusters:\n  - name: prod\n{entry}\n");
    read(&text).map(|read| read.catalog).map_err(|problems| problems.iter().map(ToString::to_string).collect())
}

const EKS: &str = "    provider: eks
    region: us-east-1
    eks:
      endpoint: https://ABC.gr7.us-east-1.eks.amazonaws.com
      ca: /etc/devmatrix/prod.pem
      cluster_name: prod
      role_arn: arn:aws:iam::123456789012:role/portal
    deploy: {eks: {role_arn: arn:aws:iam::123456789012:role/portal-deploy}}";

#[test]
fn each_cloud_has_a_way_in_of_its_own() {
    let eks = cluster(EKS).unwrap();
    let (Access::Eks(read), Some(Access::Eks(deploy))) = (&eks.clusters[0].access, &eks.clusters[0].deploy) else { panic!("{eks:?}") };
    assert_eq!((read.region.as_deref(), read.server.ca.clone()), (Some("us-east-1"), Some(Ca::File("/etc/devmatrix/prod.pem".into()))));
    assert_eq!(read.web_identity_token_file, None, "left to the environment");
    assert_eq!(deploy.role_arn.as_deref(), Some("arn:aws:iam::123456789012:role/portal-deploy"));
    assert_eq!(
        (&deploy.server, &deploy.cluster_name, &deploy.region),
        (&read.server, &read.cluster_name, &read.region),
        "the rest is inherited"
    );

    let gke = cluster(
        "    provider: gke
    gke: {endpoint: \"https://gke-1.us-central1.gke.goog\", service_account: reader@p.iam.gserviceaccount.com}
    deploy: {gke: {service_account: deployer@p.iam.gserviceaccount.com}}",
    )
    .unwrap();
    let (Access::Gke(read), Some(Access::Gke(deploy))) = (&gke.clusters[0].access, &gke.clusters[0].deploy) else { panic!("{gke:?}") };
    assert_eq!(read.server.ca, None, "an endpoint by name has a certificate that everybody trusts");
    assert_ne!(read.service_account, deploy.service_account);

    let data = "LS0tLS1CRUdJTiBDRVJUSUZJQ0FURS0tLS0tCg==";
    let aks = cluster(&format!(
        "    provider: aks\n    aks:\n      endpoint: https://prod.hcp.eastus.azmk8s.io:443/\n      ca: >\n        {}\n        {}\n      tenant: t",
        &data[..20],
        &data[20..]
    ))
    .unwrap();
    let Access::Aks(read) = &aks.clusters[0].access else { panic!("{aks:?}") };
    assert_eq!(read.server.ca, Some(Ca::Data(data.into())), "also over several lines");
    assert_eq!(read.server.endpoint, "https://prod.hcp.eastus.azmk8s.io:443");
    assert_eq!((read.tenant.as_deref(), &aks.clusters[0].deploy), (Some("t"), &None));
}

#[test]
fn a_kubeconfig_serves_every_provider() {
    for provider in ["eks", "gke", "aks", "in-cluster", "kubeconfig"] {
        let entry = format!(
            "    provider: {provider}\n    kubeconfig: {{path: /a, context: read}}\n    deploy: {{kubeconfig: {{path: /a, context: deploy}}}}"
        );
        let catalog = cluster(&entry).unwrap();
        assert_eq!(catalog.clusters[0].access.provider(), Provider::Kubeconfig);
        let contexts: Vec<_> = catalog.clusters[0].kubeconfigs().map(|kubeconfig| kubeconfig.context.clone().unwrap()).collect();
        assert_eq!(contexts, ["read", "deploy"], "{provider}");
    }
    let in_cluster = cluster("    provider: in-cluster").unwrap();
    assert_eq!((&in_cluster.clusters[0].access, &in_cluster.clusters[0].deploy), (&Access::InCluster, &None));
}

#[test]
fn each_mistake_in_a_way_in_is_named_with_its_place() {
    let table = [
        ("      cluster_name: prod\n", "", "7:7: `eks` needs `cluster_name`: expected the cluster's name at AWS"),
        ("      ca: /etc/devmatrix/prod.pem\n", "", "7:7: `eks` needs `ca`: expected the path of a PEM file, or the base64 text"),
        (
            "https://ABC",
            "http://ABC",
            "7:17: `http://ABC.gr7.us-east-1.eks.amazonaws.com` is not the address of an API server: expected https://HOST",
        ),
        ("cluster_name: prod", "clustername: prod", "unknown key `clustername`: did you mean `cluster_name`? expected one of"),
        ("ca: /etc/devmatrix/prod.pem", "ca: LS0tLS1CRUdJTi", "8:11: the certificate authority is not whole base64: expected"),
        ("ca: /etc/devmatrix/prod.pem", "ca: \"-----BEGIN CERTIFICATE-----\"", "8:11: expected the path of a PEM file"),
        (
            "role/portal\n",
            "user/portal\n",
            "10:17: `arn:aws:iam::123456789012:user/portal` is not the ARN of a role: expected arn:aws:iam::ACCOUNT:role/NAME",
        ),
        ("provider: eks", "provider: gke", "7:7: `eks` does not go with `provider: gke`: expected `gke: {endpoint: …}` or `kubeconfig: "),
        (
            "provider: eks",
            "provider: kubeconfig",
            "`eks` does not go with `provider: kubeconfig`: expected `kubeconfig: {path: …, context: …}`",
        ),
        ("    region: us-east-1", "    kubeconfig: {path: /a}", "7:7: expected either `kubeconfig` or `eks`, not both"),
        (
            "deploy: {eks: {role_arn: arn:aws:iam::123456789012:role/portal-deploy}}",
            "deploy: {}",
            "11:13: the identity for deploying needs `eks: {",
        ),
        (
            "deploy: {eks: {role_arn: ",
            "deploy: {eks: {sts_endpoint: \"http://sts\", role_arn: ",
            "is not the address of a service of the cloud",
        ),
        (
            "eks: {role_arn: arn:aws:iam::123456789012:role/portal-deploy}",
            "role: x",
            "unknown key `role`: expected one of kubeconfig, eks, gke, aks",
        ),
    ];
    for (from, to, expected) in table {
        assert!(EKS.contains(from), "{from}");
        let problems = cluster(&EKS.replacen(from, to, 1)).unwrap_err();
        assert!(problems.iter().any(|problem| problem.contains(expected)), "{to}: expected `{expected}`, got {problems:#?}");
    }
    let none = cluster("    provider: aks").unwrap_err();
    assert_eq!(none, ["3:11: this cluster needs `aks: {endpoint: …, ca: …}` or `kubeconfig: {path: …, context: …}`"]);
    let twice = EKS.replacen("https://ABC", "ftp://ABC", 1);
    assert_eq!(cluster(&twice).unwrap_err().len(), 1, "what is inherited is told once");
    let both = "    provider: gke\n    gke:\n      endpoint: https://a\n      metadata_endpoint: http://m\n      \
                federation: {audience: \"//iam.googleapis.com/p\", token_file: /t}";
    assert_eq!(cluster(both).unwrap_err(), ["7:26: expected either `metadata_endpoint` or `federation`, not both"]);
    let audience = both.replace("//iam.googleapis.com/p", "p").replace("      metadata_endpoint: http://m\n", "");
    assert!(cluster(&audience).unwrap_err()[0].contains("expected the provider's full name, //iam.googleapis.com/projects/"), "{audience}");
}
