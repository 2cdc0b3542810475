//! `devmatrix check`

use crate::support::run;
use std::fs;

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
