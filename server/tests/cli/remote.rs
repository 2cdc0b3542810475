//! `devmatrix matrix`, `changes`, `promote`, `train`, `rollback`, `scale`, `autoscale`, `restart`, `unblock`, `approve`, `page` against a running demo.

use crate::support::{DEADLINE, Ran, Server, devmatrix, ran, run};
use std::fs;
use std::path::Path;
use std::time::Instant;

struct Terminal<'a> {
    directory: &'a Path,
    server: &'a Server,
}

impl Terminal<'_> {
    fn run(&self, person: &str, arguments: &[&str]) -> Ran {
        let file = self.directory.join(person);
        fs::write(&file, format!("demo-{person}\n")).unwrap();
        let command =
            devmatrix(self.directory).args(arguments).arg("--token-file").arg(&file).env("DEVMATRIX_SERVER", &self.server.url).output();
        ran(command.unwrap())
    }
}

#[test]
fn the_main_journey_from_a_terminal() {
    let here = tempfile::tempdir().unwrap();
    let server = Server::start(here.path(), &["--demo"]);
    let terminal = Terminal { directory: here.path(), server: &server };

    let began = Instant::now();
    // How far prod is behind is known once the records are written, a moment after the first lists.
    while !terminal.run("viv", &["matrix"]).good().contains("behind staging") {
        assert!(began.elapsed() < DEADLINE, "nothing is behind staging");
    }

    let promoted = terminal.run("bea", &["promote", "api", "prod", "--reason", "the fix"]);
    assert!(promoted.good().starts_with("CH-1: ") && promoted.stdout.contains("awaiting approval"), "{}", promoted.stdout);
    terminal.run("bea", &["approve", "CH-1"]).refused_at_the_end("role");
    terminal.run("dmitri", &["approve", "CH-1", "--digest", "0000"]).refused(1, &["plan_changed"]);
    let approved = terminal.run("dmitri", &["approve", "CH-1", "--wait"]);
    assert!(approved.good().contains("succeeded"), "{}", approved.stdout);
    assert!(approved.stderr.contains("Plan digest: ") && approved.stderr.contains("pods updated"), "{}", approved.stderr);

    let shown = terminal.run("viv", &["changes", "show", "CH-1"]);
    assert!(shown.good().contains("CH-1: ") && shown.stdout.contains("\nwrite ") && shown.stdout.contains("\nEnded "), "{}", shown.stdout);
    let story = terminal.run("viv", &["changes", "show", "CH-1", "--explain"]);
    let told = |words: &[&str]| story.stdout.lines().any(|line| words.iter().all(|word| line.contains(word)));
    assert!(story.good().lines().count() > 8, "{}", story.stdout);
    for words in [["did ", "change.approve by dmitri"], ["decided ", "write it"], ["answered ", "done: generation"], ["did ", "succeeded"]]
    {
        assert!(told(&words), "{words:?} in {}", story.stdout);
    }
    let story: serde_json::Value =
        serde_json::from_str(terminal.run("viv", &["changes", "show", "CH-1", "--explain", "--json"]).good()).unwrap();
    assert_eq!(story["items"][0]["what"], "did");
    terminal.run("viv", &["changes", "show", "CH-99"]).refused(1, &["CH-99"]);
    terminal.run("viv", &["changes", "--state", "ready", "show", "CH-1"]).refused(2, &["show"]);

    let rolled_back = terminal.run("bea", &["rollback", "api", "prod", "--restore-config", "--reason", "errors", "--wait", "--json"]);
    let change: serde_json::Value = serde_json::from_str(rolled_back.good()).unwrap();
    assert_eq!((change["kind"].as_str(), change["state"].as_str()), (Some("rollback"), Some("succeeded")));
    assert!(rolled_back.stderr.contains("Rolling back to revision"), "{}", rolled_back.stderr);
    let words = change["plan"]["words"].as_array().unwrap();
    assert!(words.iter().any(|word| word["text"] == "There is nothing to bring back"), "it was asked for: {words:?}");

    let held = terminal.run("bea", &["promote", "api", "prod", "--from", "staging", "--reason", "again"]);
    held.refused(1, &["release_on_hold"]);
    let list = terminal.run("viv", &["changes", "--environment", "prod", "--state", "succeeded"]);
    assert_eq!(list.good().lines().count(), 3, "{}", list.stdout);
    terminal.run("bea", &["scale", "redis", "prod", "--replicas", "1", "--reason", "x"]).refused(1, &["already_running"]);
    terminal.run("bea", &["unblock", "postgres", "prod", "--pod", "postgres-0", "--reason", "x"]).refused(1, &["not_blocked"]);
    let restarted = terminal.run("bea", &["restart", "redis", "prod", "--reason", "a leak"]);
    assert!(restarted.good().contains("awaiting approval"), "{}", restarted.stdout);
    terminal.run("bea", &["autoscale", "redis", "prod", "--min", "1", "--max", "3", "--reason", "x"]).refused(1, &["no_autoscaler"]);
    terminal.run("bea", &["train", "prod", "redis", "nginx", "--reason", "x"]).refused(1, &["already_running"]);
    let train = terminal.run("bea", &["train", "prod", "nginx", "postgres", "--reason", "a release"]);
    assert!(train.good().starts_with("TR-1: awaiting approval; CH-4 postgres awaiting approval, CH-5 nginx"), "{}", train.stdout);
    terminal.run("dmitri", &["approve", "CH-4"]).refused_at_the_end("part_of_train");
    let approved = terminal.run("dmitri", &["approve", "TR-1", "--wait"]);
    assert!(approved.good().contains("CH-4 postgres succeeded, CH-5 nginx succeeded"), "{}", approved.stdout);
    assert!(approved.stderr.contains("Digest of all plans: "), "{}", approved.stderr);
    terminal.run("viv", &["changes", "--state", "done"]).refused(1, &["state"]);
    assert_eq!(server.stop(), Some(0));
}

impl Ran {
    /// The plan is printed before the refusal.
    #[track_caller]
    fn refused_at_the_end(&self, word: &str) {
        assert_eq!((self.exit, self.stdout.as_str()), (Some(1), ""), "{}", self.stderr);
        assert!(self.stderr.lines().last().unwrap().contains(word), "{}", self.stderr);
    }
}

#[test]
fn somebody_is_paged_from_a_terminal() {
    let here = tempfile::tempdir().unwrap();
    let server = Server::start(here.path(), &["--demo"]);
    let terminal = Terminal { directory: here.path(), server: &server };
    let paged = terminal.run("bea", &["page", "olivia", "--reason", "the site is down"]);
    assert_eq!(paged.good(), "PG-1: olivia paged over mail, pager: the site is down\n");
    let role = terminal.run("bea", &["page", "on-call:platform/primary", "--reason", "x", "--json"]);
    let page: serde_json::Value = serde_json::from_str(role.good()).unwrap();
    assert_eq!((page["label"].as_str(), page["to"].as_str()), (Some("PG-2"), Some("on-call:platform/primary")));
    terminal.run("bea", &["page", "olivai", "--reason", "x"]).refused(1, &["did you mean `olivia`?"]);
    terminal.run("bea", &["page", "olivia", "--reason", "x", "--incident", "INC-9"]).refused(1, &["INC-9"]);
    terminal.run("viv", &["page", "olivia", "--reason", "x"]).refused(1, &["in a team"]);
    terminal.run("bea", &["page", "olivia"]).refused(2, &["--reason"]);
    assert_eq!(server.stop(), Some(0));
}

#[test]
fn what_is_missing_is_a_sentence() {
    let here = tempfile::tempdir().unwrap();
    run(here.path(), &["matrix"]).refused(2, &["--token-file", "DEVMATRIX_TOKEN"]);
    run(here.path(), &["matrix", "--token-file", "gone"]).refused(2, &["gone"]);
    fs::write(here.path().join("empty"), "\n").unwrap();
    run(here.path(), &["matrix", "--token-file", "empty"]).refused(2, &["empty"]);
    fs::write(here.path().join("token"), "demo-bea").unwrap();
    run(here.path(), &["matrix", "--token-file", "token", "--server", "portal"]).refused(2, &["--server"]);
    run(here.path(), &["matrix", "--token-file", "token", "--server", "http://127.0.0.1:1"]).refused(1, &["cannot be reached"]);
}
