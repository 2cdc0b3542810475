//! `devmatrix check`

use crate::support::run;
use std::fs;
use std::io::{BufRead, BufReader, Read, Write};
use std::net::TcpListener;
use std::thread;

#[test]
fn a_good_file_is_summed_up_in_a_line() {
    let here = tempfile::tempdir().unwrap();
    fs::write(here.path().join("devmatrix.yaml"), include_str!("../../devmatrix.example.yaml")).unwrap();
    let ran = run(here.path(), &["check"]);
    assert_eq!(ran.good(), "devmatrix.yaml is good: 3 environments, 8 components, 3 clusters, 4 teams.\n");
    assert!(ran.stderr.contains("warning: the kubeconfig /etc/devmatrix/kubeconfig"), "{}", ran.stderr);
}

#[test]
fn each_problem_has_its_file_line_and_column() {
    let here = tempfile::tempdir().unwrap();
    let file = here.path().join("broken.yaml");
    let table = [
        ("organisation: DevMatrix\nenviroments: []\n", "broken.yaml:2:1: unknown key `enviroments`: did you mean `environments`?"),
        ("organisation: DevMatrix\nteams:\n  - {name: devops, roles: [deploier]}\n", "broken.yaml:3:28: unknown role `deploier`"),
        ("organisation: [\n", "broken.yaml:"),
        ("teams: []\n", "the key `organisation` is missing"),
    ];
    for (text, expected) in table {
        fs::write(&file, text).unwrap();
        let ran = run(here.path(), &["check", "--config", "broken.yaml"]);
        assert_eq!((ran.exit, ran.stdout.as_str()), (Some(1), ""), "{text}");
        assert!(ran.stderr.contains(expected), "{expected}: {}", ran.stderr);
    }
    fs::write(&file, "organisation: A\nteams:\n  - {name: B}\n  - {name: C}\n").unwrap();
    assert_eq!(run(here.path(), &["check", "--config", "broken.yaml"]).stderr.lines().count(), 2, "all problems at once");
}

#[test]
fn a_file_that_cannot_be_read_is_a_sentence() {
    let here = tempfile::tempdir().unwrap();
    fs::write(here.path().join("latin1.yaml"), b"organisation: Z\xfcrich\n").unwrap();
    run(here.path(), &["check", "--config", "latin1.yaml"]).refused(1, &["latin1.yaml:1:16", "UTF-8"]);
    run(here.path(), &["check", "--config", "gone.yaml"]).refused(1, &["There is no configuration file gone.yaml", "--config"]);
    run(here.path(), &["check", "--config", "."]).refused(1, &["directory"]);
    run(here.path(), &["check"]).refused(2, &["There is no devmatrix.yaml here"]);
}

/// An API server that answers reviews of access, and denies this one thing.
fn reviewer(denied: &'static str) -> String {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    thread::spawn(move || {
        for stream in listener.incoming() {
            let mut stream = BufReader::new(stream.unwrap());
            let (mut request, mut line, mut length) = (String::new(), String::new(), 0);
            stream.read_line(&mut request).unwrap();
            while stream.read_line(&mut line).unwrap() > 2 {
                if let Some(value) = line.to_lowercase().strip_prefix("content-length:") {
                    length = value.trim().parse().unwrap();
                }
                line.clear();
            }
            let mut body = vec![0; length];
            stream.read_exact(&mut body).unwrap();
            let body = String::from_utf8(body).unwrap();
            let answer = if request.contains("selfsubjectreviews") {
                r#"{"status": {"userInfo": {"username": "portal"}}}"#.to_owned()
            } else {
                format!(r#"{{"status": {{"allowed": {}}}}}"#, !body.contains(denied))
            };
            let head = format!("HTTP/1.1 201 Created\r\ncontent-type: application/json\r\ncontent-length: {}\r\n", answer.len());
            stream.get_mut().write_all(format!("{head}connection: close\r\n\r\n{answer}").as_bytes()).unwrap();
        }
    });
    url
}

#[test]
fn the_clusters_are_asked_for_what_the_portal_needs() {
    let here = tempfile::tempdir().unwrap();
    let kubeconfig = |url: &str| {
        format!(
            "apiVersion: v1\nkind: Config\ncurrent-context: c\ncontexts: [{{name: c, context: {{cluster: c}}}}]\n\
             clusters: [{{name: c, cluster: {{server: \"{url}\"}}}}]\n"
        )
    };
    let configuration = |clusters: &[&str]| {
        let entries: String = clusters
            .iter()
            .map(|name| format!("  - {{name: {name}, provider: kubeconfig, kubeconfig: {{path: {name}.yaml}}}}\n"))
            .collect();
        let environments: String =
            clusters.iter().map(|name| format!("  - {{name: in-{name}, stage: 1, cluster: {name}, namespace: devmatrix}}\n")).collect();
        fs::write(here.path().join("devmatrix.yaml"), format!("organisation: A\nclusters:\n{entries}environments:\n{environments}"))
            .unwrap();
    };
    fs::write(here.path().join("good.yaml"), kubeconfig(&reviewer("nothing"))).unwrap();
    fs::write(here.path().join("poor.yaml"), kubeconfig(&reviewer("\"verb\":\"patch\""))).unwrap();
    fs::write(here.path().join("gone.yaml"), kubeconfig("http://127.0.0.1:9")).unwrap();

    configuration(&["good"]);
    let ran = run(here.path(), &["check", "--clusters"]);
    assert!(ran.good().contains("\ngood: portal has all "), "{}", ran.stdout);

    configuration(&["good", "poor", "gone"]);
    let ran = run(here.path(), &["check", "--clusters"]);
    assert_eq!(ran.exit, Some(1), "{}", ran.stdout);
    for expected in [
        "good: portal has all ",
        "poor: 5 of ",
        "  patch daemonsets.apps in namespace devmatrix\n",
        "kind: RoleBinding",
        "name: \"portal\"",
    ] {
        assert!(ran.stdout.contains(expected), "{expected}: {}", ran.stdout);
    }
    let sentences: Vec<&str> = ran.stderr.lines().collect();
    assert_eq!(sentences.len(), 2, "{}", ran.stderr);
    assert_eq!(sentences[0], "Cluster poor: the portal lacks 5 rights there.");
    assert!(sentences[1].starts_with("Cluster gone: "), "{}", sentences[1]);
}
