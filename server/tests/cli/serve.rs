//! `devmatrix serve`

use crate::support::{Server, run};
use std::fs;
use std::net::TcpListener;

#[test]
fn the_demo_is_for_this_machine_only() {
    let here = tempfile::tempdir().unwrap();
    for address in ["0.0.0.0:3000", "192.0.2.1:3000", "[::]:3000"] {
        run(here.path(), &["serve", "--demo", "--listen", address]).refused(2, &["The demo lets everyone in", "127.0.0.1:3000"]);
    }
    fs::write(here.path().join("devmatrix.yaml"), "organisation: DevMatrix\n").unwrap();
    run(here.path(), &["serve", "--demo", "--config", "devmatrix.yaml"]).refused(2, &["--demo", "--config"]);
}

#[test]
fn wrong_usage_is_a_sentence() {
    let here = tempfile::tempdir().unwrap();
    run(here.path(), &["serve"]).refused(2, &["--config", "--demo"]);
    run(here.path(), &["serve", "--listen", "here"]).refused(2, &["--listen"]);
    run(here.path(), &["sevre"]).refused(2, &["sevre"]);
    run(here.path(), &["promote", "api"]).refused(2, &["--reason"]);
    assert!(run(here.path(), &["--help"]).good().contains("promote"));
}

#[test]
fn what_keeps_it_from_starting_is_a_sentence() {
    let here = tempfile::tempdir().unwrap();
    let file = here.path().join("devmatrix.yaml");
    fs::write(&file, include_str!("../../devmatrix.example.yaml").replace("external_url", "# external_url")).unwrap();
    run(here.path(), &["serve", "--listen", "127.0.0.1:0"]).refused(1, &["/etc/devmatrix/kubeconfig", "staging-aks"]);
    fs::write(&file, "organisation: DevMatrix\n").unwrap();
    run(here.path(), &["serve", "--listen", "0.0.0.0:0"]).refused(1, &["external_url", "devmatrix.yaml"]);
    let taken = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = taken.local_addr().unwrap().to_string();
    run(here.path(), &["serve", "--listen", &address]).refused(1, &["taken", "--listen"]);
    run(here.path(), &["serve", "--listen", "127.0.0.1:0", "--database-url", "postgres://u:secret@127.0.0.1:1/x"])
        .refused(1, &["database"]);
}

#[test]
fn a_portal_without_clusters_runs_and_stops_when_told() {
    let here = tempfile::tempdir().unwrap();
    fs::write(here.path().join("devmatrix.yaml"), "organisation: DevMatrix\n").unwrap();
    let server = Server::start(here.path(), &[]);
    assert!(server.line.contains("devmatrix token create"), "{}", server.line);
    assert!(here.path().join("data/devmatrix.db").exists());
    run(here.path(), &["serve", "--listen", "127.0.0.1:0"]).refused(1, &["data/devmatrix.db", "another portal", "--database-url"]);
    // However the file is called.
    for url in ["sqlite:data/devmatrix.db", "sqlite://data/../data/devmatrix.db?mode=rwc"] {
        run(here.path(), &["serve", "--listen", "127.0.0.1:0", "--database-url", url]).refused(1, &["another portal", "PostgreSQL"]);
    }
    assert_eq!(server.stop(), Some(0));
    assert_eq!(Server::start(here.path(), &[]).stop(), Some(0), "the lock ends with the process");
}

#[test]
fn the_demo_says_where_it_is_and_keeps_nothing() {
    let here = tempfile::tempdir().unwrap();
    let server = Server::start(here.path(), &["--demo"]);
    assert!(server.line.contains("(demo cluster; sign in as ") && server.line.contains("dmitri"), "{}", server.line);
    assert_eq!(server.stop(), Some(0));
    assert_eq!(fs::read_dir(here.path()).unwrap().count(), 0);
}
