//! What the portal may do is asked of each cluster, all at once, and nobody waits for one that does not answer.

use crate::server::{Asked, Clock, Server, Told, surroundings, told};
use domain::catalog::{Catalog, read};
use domain::clusters::rights::{Identity, roles};
use engine::clusters::rights::check;
use serde_json::{Value, json};
use std::fs;
use std::time::{Duration, Instant};
use tokio::net::TcpListener;

/// An API server that says no to these: by token, verb, resource and namespace.
fn review(asked: &Asked, no: &[(&str, &str, &str, Option<&str>)]) -> Told {
    let body: Value = serde_json::from_str(&asked.body).unwrap();
    if asked.path == "/apis/authentication.k8s.io/v1/selfsubjectreviews" {
        return told(201, json!({"status": {"userInfo": {"username": format!("user-{}", asked.bearer())}}}));
    }
    assert_eq!((asked.method.as_str(), asked.path.as_str()), ("POST", "/apis/authorization.k8s.io/v1/selfsubjectaccessreviews"));
    assert_eq!((&body["kind"], &body["apiVersion"]), (&json!("SelfSubjectAccessReview"), &json!("authorization.k8s.io/v1")));
    let attributes = &body["spec"]["resourceAttributes"];
    let denied = no.iter().any(|(token, verb, resource, namespace)| {
        asked.bearer() == *token
            && attributes["verb"] == *verb
            && attributes["resource"] == *resource
            && attributes["namespace"] == json!(namespace)
    });
    told(201, json!({"status": {"allowed": !denied}}))
}

fn kubeconfig(url: &str) -> String {
    format!(
        "apiVersion: v1\nkind: Config\nclusters: [{{name: c, cluster: {{server: \"{url}\"}}}}]\n\
         contexts:\n  - {{name: read, context: {{cluster: c, user: reader}}}}\n  - {{name: deploy, context: {{cluster: c, user: deployer}}}}\n\
         users:\n  - {{name: reader, user: {{token: reader}}}}\n  - {{name: deployer, user: {{token: deployer}}}}\n"
    )
}

fn catalog(folder: &std::path::Path, clusters: &[(&str, &str)]) -> Catalog {
    let (mut entries, mut environments) = (String::new(), String::new());
    for (name, url) in clusters {
        let path = folder.join(name);
        fs::write(&path, kubeconfig(url)).unwrap();
        let path = path.display();
        entries += &format!(
            "  - {{name: {name}, provider: kubeconfig, kubeconfig: {{path: \"{path}\", context: read}}, \
             deploy: {{kubeconfig: {{path: \"{path}\", context: deploy}}}}}}\n"
        );
        environments += &format!("  - {{name: in-{name}, stage: 1, cluster: {name}, namespace: devmatrix}}\n");
    }
    read(&format!("organisation: Test\nclusters:\n{entries}environments:\n{environments}"), &engine::zones()).unwrap().catalog
}

#[tokio::test]
async fn what_is_missing_is_found_with_the_identity_that_needs_it() {
    let clock = Clock::new();
    let no: &[(&str, &str, &str, Option<&str>)] = &[
        ("deployer", "patch", "statefulsets", Some("devmatrix")),
        ("reader", "watch", "nodes", None),
        ("reader", "patch", "deployments", Some("devmatrix")),
    ];
    let api = Server::start(&clock, |asked| review(asked, no)).await;
    let folder = tempfile::tempdir().unwrap();
    let checked = check(&catalog(folder.path(), &[("prod", &api.url)]), &surroundings(&clock, &[]), Duration::from_secs(20)).await;
    let found = checked[0].found.as_ref().unwrap();
    let missing: Vec<String> = found.missing.iter().map(ToString::to_string).collect();
    assert_eq!(missing, ["patch statefulsets.apps in namespace devmatrix", "watch nodes in the whole cluster"]);
    assert_eq!(found.missing[0].identity, Identity::Deploy);
    assert_eq!((found.names.read.as_deref(), found.names.deploy.as_deref()), (Some("user-reader"), Some("user-deployer")));
    let yaml = roles(&found.missing, &found.names);
    assert!(yaml.contains("kind: User, name: \"user-deployer\"") && yaml.contains("kind: ClusterRoleBinding"), "{yaml}");
    assert_eq!(api.count(), found.asked + 2);
    let secret = api.asked().iter().any(|asked| asked.body.contains("secrets") || asked.body.contains('*'));
    assert!(!secret, "nothing of Secrets is asked for");
}

#[tokio::test]
async fn a_cluster_that_does_not_answer_is_a_sentence_and_keeps_nobody_waiting() {
    let clock = Clock::new();
    let good = Server::start(&clock, |asked| review(asked, &[])).await;
    let refusing = Server::start(&clock, |_| crate::server::unauthorized()).await;
    // Accepts connections, and says nothing.
    let hole = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let hole_url = format!("http://{}", hole.local_addr().unwrap());
    let folder = tempfile::tempdir().unwrap();
    let clusters = [("good", good.url.as_str()), ("closed", "http://127.0.0.1:9"), ("hole", &hole_url), ("refusing", &refusing.url)];
    let began = Instant::now();
    let checked = check(&catalog(folder.path(), &clusters), &surroundings(&clock, &[]), Duration::from_secs(2)).await;
    assert!(began.elapsed() < Duration::from_secs(20), "at the same time");
    let said = |name: &str| checked.iter().find(|checked| checked.cluster == name).unwrap().found.as_ref().err().cloned();
    assert_eq!(said("good"), None);
    assert_eq!(said("hole").unwrap(), "Cluster hole: it did not answer within 2 s.");
    assert_eq!(said("refusing").unwrap(), "Cluster refusing: Unauthorized.");
    assert!(said("closed").unwrap().starts_with("Cluster closed: "), "{:?}", said("closed"));
}
