//! `devmatrix token`

use crate::support::{Server, devmatrix, ran, run};
use std::fs;

#[test]
fn create_prints_the_token_alone_and_it_works() {
    let here = tempfile::tempdir().unwrap();
    fs::write(here.path().join("devmatrix.yaml"), "organisation: DevMatrix\nteams:\n  - {name: ops, members: [olivia], roles: [admin]}\n")
        .unwrap();
    let created = run(here.path(), &["token", "create", "--user", "olivia", "--scopes", "read,change", "--expires", "30d"]);
    let token = created.good().strip_suffix('\n').unwrap();
    assert!(!token.is_empty() && token.bytes().all(|c| c.is_ascii_graphic()), "{token:?}");
    assert_eq!(created.stderr, "");

    let stranger = run(here.path(), &["token", "create", "--user", "carl", "--scopes", "read"]);
    assert_eq!(stranger.good().lines().count(), 1);
    assert!(stranger.stderr.contains("carl") && stranger.stderr.contains("only read"), "{}", stranger.stderr);

    let listed = run(here.path(), &["token", "list"]);
    assert!(listed.good().contains("olivia") && !listed.stdout.contains(token), "{}", listed.stdout);
    let id = listed.stdout.lines().find(|line| line.contains("olivia")).unwrap().split_whitespace().next().unwrap().to_owned();

    let server = Server::start(here.path(), &[]);
    let matrix =
        || ran(devmatrix(here.path()).args(["matrix", "--json", "--server", &server.url]).env("DEVMATRIX_TOKEN", token).output().unwrap());
    assert!(matrix().good().contains("\"environments\""));
    assert_eq!(run(here.path(), &["token", "revoke", &id]).good(), "");
    run(here.path(), &["token", "revoke", &id]).refused(1, &[&id]);
    // The server remembers who somebody is for less than a second.
    let began = std::time::Instant::now();
    while matrix().exit == Some(0) {
        assert!(began.elapsed() < crate::support::DEADLINE, "a revoked token still works");
    }
    matrix().refused(1, &["does not know this token"]);
}

#[test]
fn wrong_usage_is_a_sentence() {
    let here = tempfile::tempdir().unwrap();
    let create = |user: &str, scopes: &str, expires: &str| {
        run(here.path(), &["token", "create", "--user", user, "--scopes", scopes, "--expires", expires])
    };
    create("No Name", "read", "1d").refused(2, &["No Name"]);
    create("bea", "red", "1d").refused(2, &["red", "read, change"]);
    create("bea", "read", "soon").refused(2, &["soon", "30d"]);
    create("bea", "read", "0d").refused(2, &["0d"]);
    run(here.path(), &["token", "create", "--user", "bea"]).refused(2, &["--scopes"]);
    run(here.path(), &["token", "create", "--user", "bea", "--scopes", "read", "--config", "gone.yaml"]).refused(1, &["gone.yaml"]);
}
