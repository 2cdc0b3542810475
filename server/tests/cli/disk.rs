//! A portal whose disk takes nothing more: it reads on and says so, keeps what it had, and goes on when there is room again.

use crate::support::{Server, devmatrix};
use serde_json::{Value, json};
use std::path::Path;
use std::process::Command;
use ureq::Agent;

/// Under a limit of file sizes a write fails as on a full disk, when the signal that comes with it is ignored.
fn portal(directory: &Path) -> Server {
    let mut shell = Command::new("bash");
    shell.current_dir(directory).args(["-c", "trap '' XFSZ; exec \"$0\" \"$@\""]).arg(devmatrix(directory).get_program());
    Server::of(shell, &["--demo", "--data-dir", "data"])
}

fn limit(server: &Server, bytes: &str) {
    // The soft limit alone, so that it can be raised again.
    let done = Command::new("prlimit").args(["--pid", &server.pid().to_string(), &format!("--fsize={bytes}:")]).status();
    assert!(done.expect("prlimit, of util-linux").success());
}

struct Person<'a> {
    agent: Agent,
    url: &'a str,
    name: &'a str,
}

impl Person<'_> {
    fn of<'a>(server: &'a Server, name: &'a str) -> Person<'a> {
        Person { agent: Agent::config_builder().http_status_as_error(false).build().into(), url: &server.url, name }
    }

    fn get(&self, path: &str) -> (u16, Value) {
        let request = self.agent.get(format!("{}{path}", self.url)).header("Authorization", format!("Bearer demo-{}", self.name));
        let mut answer = request.call().unwrap();
        (answer.status().as_u16(), answer.body_mut().read_json().unwrap_or_default())
    }

    fn post(&self, path: &str, body: &Value) -> (u16, Value) {
        let request = self.agent.post(format!("{}{path}", self.url)).header("Authorization", format!("Bearer demo-{}", self.name));
        let mut answer = request.send_json(body).unwrap();
        (answer.status().as_u16(), answer.body_mut().read_json().unwrap_or_default())
    }

    fn state(&self, id: &str) -> String {
        self.get(&format!("/api/v1/changes/{id}")).1["state"].as_str().unwrap().to_owned()
    }
}

#[test]
fn a_full_disk_loses_nothing_and_is_said() {
    if Command::new("prlimit").arg("--version").output().is_err() {
        eprintln!("not run: a_full_disk_loses_nothing_and_is_said needs prlimit (util-linux)");
        return;
    }
    let here = tempfile::tempdir().unwrap();
    let server = portal(here.path());
    let (bea, dmitri) = (Person::of(&server, "bea"), Person::of(&server, "dmitri"));
    let promotion =
        |component: &str| json!({"kind": "promote", "component": component, "environment": "prod", "from": "staging", "reason": "x"});
    let asked = crate::support::eventually("it can be promoted", || {
        let (status, change) = bea.post("/api/v1/changes", &promotion("api"));
        (status == 201).then_some(change)
    });
    let (id, digest) = (asked["id"].as_str().unwrap(), &asked["plan"]["digest"]);
    let vote = json!({"digest": digest});

    limit(&server, "1");
    let (status, problem) = dmitri.post(&format!("/api/v1/changes/{id}/approve"), &vote);
    assert_eq!((status, problem["code"].as_str()), (503, Some("unavailable")), "{problem}");
    assert!(problem["detail"].as_str().unwrap().contains("database"), "{problem}");
    assert_eq!(bea.post("/api/v1/changes", &promotion("nginx")).0, 503);
    assert_eq!(bea.state(id), "awaiting_approval", "it reads on, and nothing of the vote stayed");
    assert_eq!(bea.get("/api/v1/matrix").0, 200);

    limit(&server, "unlimited");
    let (status, problem) = dmitri.post(&format!("/api/v1/changes/{id}/approve"), &vote);
    assert_eq!(status, 200, "{problem}");
    // Full again in the midst of it, and free again.
    limit(&server, "1");
    let (_, all) = bea.get("/api/v1/changes");
    assert_eq!(all["items"].as_array().unwrap().len(), 1, "what could not be stored was never there");
    limit(&server, "unlimited");
    crate::support::eventually("it succeeds", || (bea.state(id) == "succeeded").then_some(()));
    let (_, story) = bea.get(&format!("/api/v1/changes/{id}/explain"));
    let done = |act: &str| story["items"].as_array().unwrap().iter().filter(|line| line["text"].as_str().unwrap().starts_with(act)).count();
    for act in ["change.approve", "cluster.intend", "cluster.write", "change.end"] {
        assert_eq!(done(act), 1, "{act} in {story}");
    }
}
