//! `devmatrix on-call`: without a server, with one, and both the same.

use crate::support::{Server, devmatrix, fed, ran, run};
use serde_json::Value;
use std::fs;

const CONFIG: &str = r#"organisation: DevMatrix
teams:
  - {name: devops, members: [olivia, dmitri]}
  - {name: backend, members: [bea]}
  - {name: platform, members: [pia]}
rotations:
  - name: platform
    zone: Europe/Berlin
    handoff: "2025-11-17T09:00"
    every: 1w
    roles: [primary, secondary, backup]
    participants: ["team:devops", "team:backend", "team:platform"]
"#;

#[test]
fn the_configuration_alone_answers() {
    let here = tempfile::tempdir().unwrap();
    fs::write(here.path().join("devmatrix.yaml"), CONFIG).unwrap();
    let table = run(here.path(), &["on-call", "platform", "--at", "2026-12-25T03:00Z"]);
    let lines: Vec<Vec<&str>> =
        table.good().lines().map(|line| line.split("  ").map(str::trim).filter(|cell| !cell.is_empty()).collect()).collect();
    assert_eq!(lines[1], ["platform", "primary", "team:devops", "olivia, dmitri", "base rotation", "2026-12-28T08:00:00Z"]);
    assert_eq!((lines.len(), lines[3][2]), (4, "team:platform"));
    let json: Value =
        serde_json::from_str(run(here.path(), &["on-call", "platform", "--at", "2026-12-25T03:00Z", "--json"]).good()).unwrap();
    assert_eq!((&json["roles"][1]["participant"], &json["shift"]["starts"]), (&"team:backend".into(), &"2026-12-21T08:00:00Z".into()));
    let all: Value = serde_json::from_str(run(here.path(), &["on-call", "--json"]).good()).unwrap();
    assert_eq!(all["items"][0]["rotation"], "platform");
    assert!(!here.path().join("data").exists(), "a question makes no database");
}

#[test]
fn a_server_says_the_same_with_what_people_arranged() {
    let here = tempfile::tempdir().unwrap();
    fs::write(here.path().join("devmatrix.yaml"), CONFIG).unwrap();
    let token = run(here.path(), &["token", "create", "--user", "bea", "--scopes", "read,incident"]).good().trim().to_owned();
    let server = Server::start(here.path(), &[]);
    let body =
        serde_json::json!({"role": "primary", "participant": "bea", "starts": "2027-12-24T12:00:00Z", "ends": "2027-12-26T12:00:00Z"});
    let made = ureq::post(format!("{}/api/v1/rotations/platform/overrides", server.url))
        .header("Authorization", format!("Bearer {token}"))
        .send_json(&body);
    assert_eq!(made.unwrap().status(), 201);
    for at in ["2027-12-25T03:00Z", "2027-12-26T12:00Z", "1990-07-04T12:00Z", "2040-02-29T00:00Z"] {
        let local = run(here.path(), &["on-call", "platform", "--at", at, "--json"]);
        let asked = ["on-call", "platform", "--at", at, "--json", "--server", &server.url];
        let remote = ran(devmatrix(here.path()).args(asked).env("DEVMATRIX_TOKEN", &token).output().unwrap());
        assert_eq!(remote.good(), local.good(), "{at}");
        assert_eq!(local.good().contains("\"override\": \""), at.starts_with("2027-12-25"), "{at}");
    }
}

#[test]
fn standard_input_lists_moments_and_each_is_answered_as_if_asked_alone() {
    let here = tempfile::tempdir().unwrap();
    fs::write(here.path().join("devmatrix.yaml"), CONFIG).unwrap();
    let moments = ["2026-12-25T03:00Z", "1990-07-04T12:00:00+05:45", "2040-02-29T00:00Z"];
    let text = format!("{}\n\n  {}\n{}", moments[0], moments[1], moments[2]);
    let lines = fed(here.path(), &["on-call", "platform", "--at", "-", "--json"], &text);
    let answers: Vec<Value> = lines.good().lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    for (answer, at) in answers.iter().zip(moments) {
        let alone: Value = serde_json::from_str(run(here.path(), &["on-call", "platform", "--at", at, "--json"]).good()).unwrap();
        assert_eq!(*answer, alone, "{at}");
    }
    assert_eq!(answers.len(), 3);
    let all = fed(here.path(), &["on-call", "--at", "-", "--json"], moments[0]);
    let all: Value = serde_json::from_str(all.good()).unwrap();
    assert_eq!(all["items"][0], answers[0]);
    let table = fed(here.path(), &["on-call", "--at", "-"], &text);
    assert_eq!(table.good().lines().count(), 1 + 3 * 3);
    assert!(table.good().lines().nth(4).unwrap().starts_with("1990-07-04T06:15:00Z  platform  primary"), "{}", table.good());
    let none = fed(here.path(), &["on-call", "--at", "-", "--json"], "");
    assert_eq!(none.good(), "");
    let wrong = fed(here.path(), &["on-call", "--at", "-"], "2026-12-25T03:00Z\ntomorrow\n");
    wrong.refused(2, &["Line 2", "tomorrow", "2026-12-25T03:00Z"]);
    fed(here.path(), &["on-call", "--at", "-"], "9999-01-01T00:00Z").refused(1, &["1900 to 2199"]);
}

#[test]
fn what_cannot_be_answered_is_a_sentence() {
    let here = tempfile::tempdir().unwrap();
    run(here.path(), &["on-call"]).refused(2, &["devmatrix.yaml"]);
    fs::write(here.path().join("devmatrix.yaml"), CONFIG).unwrap();
    run(here.path(), &["on-call", "plattform"]).refused(1, &["plattform", "did you mean `platform`"]);
    run(here.path(), &["on-call", "--at", "tomorrow"]).refused(2, &["tomorrow", "2026-12-25T03:00Z"]);
    run(here.path(), &["on-call", "--at", "9999-01-01T00:00Z"]).refused(1, &["1900 to 2199"]);
    fs::write(here.path().join("none.yaml"), "organisation: DevMatrix\n").unwrap();
    run(here.path(), &["on-call", "--config", "none.yaml"]).refused(1, &["rotations"]);
    fs::write(here.path().join("bad.yaml"), CONFIG.replace("Europe/Berlin", "Europe/Berlim")).unwrap();
    run(here.path(), &["on-call", "--config", "bad.yaml"]).refused(1, &["bad.yaml:8:11", "did you mean `Europe/Berlin`?"]);
}
