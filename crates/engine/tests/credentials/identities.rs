//! Two identities in one cluster: one reads, the other writes and lets writes be tried. Secrets stay out of what is printed.

use crate::server::{Clock, Server, declared, surroundings, told};
use domain::changes::{Patch, PatchKind, Target};
use domain::clusters::WorkloadKind;
use engine::Patience;
use engine::clusters::connect::Way;
use engine::clusters::credentials::Credentials;
use engine::clusters::{Cluster, WriteAnswer};
use serde_json::json;
use std::fs;
use std::sync::Arc;

fn kubeconfig(api: &Server) -> String {
    format!(
        "apiVersion: v1\nkind: Config\nclusters: [{{name: c, cluster: {{server: \"{}\"}}}}]\n\
         contexts:\n  - {{name: read, context: {{cluster: c, user: reader}}}}\n  - {{name: deploy, context: {{cluster: c, user: deployer}}}}\n\
         users:\n  - {{name: reader, user: {{token: of-the-reader}}}}\n  - {{name: deployer, user: {{token: of-the-deployer}}}}\n",
        api.url
    )
}

#[tokio::test]
async fn writes_and_dry_runs_go_by_the_deploying_identity() {
    let api = Server::start(&Clock::new(), |_| told(200, json!({"kind": "Deployment"}))).await;
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("kubeconfig");
    fs::write(&path, kubeconfig(&api)).unwrap();
    let path = path.display();
    let read = format!("provider: kubeconfig, kubeconfig: {{path: \"{path}\", context: read}}");
    let both = format!("{read}, deploy: {{kubeconfig: {{path: \"{path}\", context: deploy}}}}");
    let target = Target {
        cluster: "prod".to_owned(),
        namespace: "n".to_owned(),
        kind: WorkloadKind::Deployment.into(),
        name: "api".to_owned(),
        uid: String::new(),
        generation: 1,
        spec_hash: String::new(),
        autoscaler: None,
        replicas_float: false,
        spec_hash_after: None,
    };
    let patch = Patch { kind: PatchKind::StrategicMerge, body: json!({}) };
    for (entry, writer) in [(both, "of-the-deployer"), (read, "of-the-reader")] {
        let before = api.count();
        let cluster = Cluster::connect(&declared(&entry), None, Vec::new(), Patience::default(), Arc::default()).await.unwrap();
        cluster.get(WorkloadKind::Deployment, "n", "api").await.unwrap();
        assert!(matches!(cluster.dry_run(&target, &patch).await, WriteAnswer::Applied(_)));
        assert!(matches!(cluster.write(&target, &patch, "{}").await, WriteAnswer::Applied(_)));
        let asked: Vec<_> = api.asked().into_iter().skip(before).map(|asked| (asked.method.clone(), asked.bearer().to_owned())).collect();
        let expected = [("GET", "of-the-reader"), ("PATCH", writer), ("PATCH", writer)];
        assert_eq!(asked, expected.map(|(method, token)| (method.to_owned(), token.to_owned())));
    }
}

#[tokio::test]
async fn a_write_without_a_credential_is_a_write_that_was_not_sent() {
    let clock = Clock::new();
    let api = Server::start(&clock, |_| told(200, "{}")).await;
    let entry = format!(
        "provider: gke, gke: {{endpoint: \"{}\", federation: {{audience: \"//iam.googleapis.com/p\", token_file: /nowhere/token}}}}",
        api.url
    );
    let cluster = Cluster::connect(&declared(&entry), None, Vec::new(), Patience::default(), Arc::default()).await.unwrap();
    let target = Target {
        cluster: "prod".to_owned(),
        namespace: "n".to_owned(),
        kind: WorkloadKind::Deployment.into(),
        name: "api".to_owned(),
        uid: String::new(),
        generation: 1,
        spec_hash: String::new(),
        autoscaler: None,
        replicas_float: false,
        spec_hash_after: None,
    };
    let answer = cluster.write(&target, &Patch { kind: PatchKind::Json, body: json!([]) }, "[]").await;
    assert!(matches!(&answer, WriteAnswer::Later(said) if said.why.contains("/nowhere/token")), "{answer:?}");
    assert_eq!(api.count(), 0);
}

#[tokio::test]
async fn a_failing_deploy_identity_is_told_apart() {
    let entry = "provider: kubeconfig, kubeconfig: {path: /nowhere/a}, deploy: {kubeconfig: {path: /nowhere/b}}";
    let said = Cluster::connect(&declared(entry), None, Vec::new(), Patience::default(), Arc::default()).await.err().unwrap().to_string();
    assert!(said.starts_with("Cluster prod: deploy: the kubeconfig /nowhere/b cannot be read"), "{said}");
}

#[tokio::test]
async fn nothing_secret_is_printed() {
    let clock = Clock::new();
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("token");
    fs::write(&file, "sesame").unwrap();
    let credentials = Credentials::of_file(file.to_str().unwrap(), &surroundings(&clock, &[]));
    let credential = credentials.get().await.unwrap();
    let printed = format!("{credentials:?} {:?}", credential.token);
    assert!(!printed.contains("sesame"), "{printed}");
    let again = credentials.replace(&credential, None).await.unwrap().unwrap();
    assert!(!Arc::ptr_eq(&credential, &again));
}

#[tokio::test]
async fn an_authority_that_is_no_certificate_is_an_error_at_once() {
    let clock = Clock::new();
    let folder = tempfile::tempdir().unwrap();
    let pem = folder.path().join("ca.pem");
    fs::write(&pem, "no certificate").unwrap();
    for ca in ["/nowhere/ca.pem", pem.to_str().unwrap()] {
        let entry = format!("provider: gke, gke: {{endpoint: \"https://127.0.0.1:9\", ca: \"{ca}\"}}");
        let failed = match Way::of(&declared(&entry).access, &surroundings(&clock, &[])).await {
            Ok(way) => way.client(false).err(),
            Err(said) => Some(said),
        };
        assert!(failed.is_some(), "{ca}");
    }
}
