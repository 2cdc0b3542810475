//! Kubeconfigs: tokens, token files that rotate, commands.

use crate::server::{Asked, Clock, Server, Told, client, declared, surroundings, unauthorized, version, welcome};
use engine::clusters::connect::Way;
use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex};

/// A kubeconfig whose user is written like this, and an API server that lets one token in.
struct Place {
    clock: Clock,
    api: Server,
    accepted: Arc<Mutex<String>>,
    folder: tempfile::TempDir,
}

impl Place {
    async fn new(accepted: &str) -> Place {
        let clock = Clock::new();
        let accepted = Arc::new(Mutex::new(accepted.to_owned()));
        let expected = accepted.clone();
        let answer = move |asked: &Asked| -> Told { if asked.bearer() == *expected.lock().unwrap() { welcome() } else { unauthorized() } };
        let api = Server::start(&clock, answer).await;
        Place { clock, api, accepted, folder: tempfile::tempdir().unwrap() }
    }

    fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    /// The entry of the configuration.
    fn entry(&self, user: &str) -> String {
        let path = self.path("kubeconfig");
        let text = format!(
            "apiVersion: v1\nkind: Config\ncurrent-context: c\ncontexts: [{{name: c, context: {{cluster: c, user: u}}}}]\n\
             clusters: [{{name: c, cluster: {{server: \"{}\"}}}}]\nusers:\n  - name: u\n    user: {user}\n",
            self.api.url
        );
        fs::write(&path, text).unwrap();
        format!("provider: kubeconfig, kubeconfig: {{path: \"{}\"}}", path.display())
    }

    async fn client(&self, user: &str) -> kube::Client {
        client(&self.entry(user), &surroundings(&self.clock, &[])).await
    }

    async fn failed(&self, user: &str) -> String {
        match Way::of(&declared(&self.entry(user)).access, &surroundings(&self.clock, &[])).await {
            Ok(way) => version(&way.client(false).unwrap()).await.unwrap_err(),
            Err(said) => said,
        }
    }

    fn accepts(&self, token: &str) {
        *self.accepted.lock().unwrap() = token.to_owned();
    }

    /// A command that leaves a line in `runs` each time, and does this.
    fn command(&self, script: &str) -> String {
        let path = self.path("plugin");
        fs::write(&path, format!("#!/bin/sh\necho run >> '{}'\n{script}\n", self.path("runs").display())).unwrap();
        fs::set_permissions(&path, fs::Permissions::from_mode(0o700)).unwrap();
        format!("{{exec: {{apiVersion: client.authentication.k8s.io/v1, command: \"{}\", interactiveMode: Never}}}}", path.display())
    }

    fn runs(&self) -> usize {
        fs::read_to_string(self.path("runs")).unwrap_or_default().lines().count()
    }
}

fn prints(file: &Path) -> String {
    format!("cat '{}'", file.display())
}

fn credential(token: &str, end: Option<jiff::Timestamp>) -> String {
    let end = end.map(|end| format!(", \"expirationTimestamp\": \"{end}\"")).unwrap_or_default();
    format!(r#"{{"apiVersion": "client.authentication.k8s.io/v1", "kind": "ExecCredential", "status": {{"token": "{token}"{end}}}}}"#)
}

#[tokio::test]
async fn a_token_in_the_file_is_sent() {
    let place = Place::new("fixed").await;
    assert_eq!(version(&place.client("{token: fixed}").await).await, Ok(()));
}

#[tokio::test]
async fn a_token_file_is_read_again_each_minute_and_when_it_is_refused() {
    let place = Place::new("one").await;
    let file = place.path("token");
    // With a line's end, as most tools write it.
    fs::write(&file, "one\n").unwrap();
    let client = place.client(&format!("{{tokenFile: \"{}\"}}", file.display())).await;
    assert_eq!(version(&client).await, Ok(()));

    fs::write(&file, "two\n").unwrap();
    place.accepts("two");
    assert_eq!(version(&client).await, Ok(()), "read again, as the first was refused");
    assert_eq!(place.api.count(), 3);

    fs::remove_file(&file).unwrap();
    place.clock.advance(3600);
    assert_eq!(version(&client).await, Ok(()), "the last token serves where the file was taken away");
    fs::write(&file, "three").unwrap();
    place.accepts("three");
    place.clock.advance(3600);
    assert_eq!(version(&client).await, Ok(()));
}

#[tokio::test]
async fn a_token_file_that_is_wrong_is_named() {
    let place = Place::new("one").await;
    let file = place.path("token");
    fs::write(&file, "other").unwrap();
    let user = format!("{{tokenFile: \"{}\"}}", file.display());
    let said = place.failed(&user).await;
    assert_eq!(
        said,
        format!(
            "authentication failed: the API server refuses the portal's credential, also a new one; check that {} holds a token of this cluster",
            file.display()
        )
    );
    assert!(place.failed("{tokenFile: /nowhere}").await.contains("/nowhere"));
}

#[tokio::test]
async fn a_command_is_run_once_for_all_clients_and_again_before_its_token_ends() {
    let place = Place::new("first").await;
    let printed = place.path("printed");
    fs::write(&printed, credential("first", Some(place.clock.after(3600)))).unwrap();
    let user = place.command(&prints(&printed));
    let way = Way::of(&declared(&place.entry(&user)).access, &surroundings(&place.clock, &[])).await.unwrap();
    let clients = [way.client(true).unwrap(), way.client(false).unwrap(), way.client(false).unwrap()];
    assert_eq!(place.runs(), 0, "building a client runs nothing");
    for client in &clients {
        assert_eq!(version(client).await, Ok(()));
    }
    assert_eq!(place.runs(), 1);
    fs::write(&printed, credential("second", Some(place.clock.after(7200)))).unwrap();
    place.clock.advance(3600);
    place.accepts("second");
    assert_eq!(version(&clients[0]).await, Ok(()));
    assert_eq!((place.runs(), place.api.count()), (2, 4), "what had ended was not sent");
}

#[tokio::test]
async fn a_token_without_an_end_serves_until_it_is_refused() {
    let place = Place::new("first").await;
    let printed = place.path("printed");
    fs::write(&printed, credential("first", None)).unwrap();
    let client = place.client(&place.command(&prints(&printed))).await;
    assert_eq!(version(&client).await, Ok(()));
    place.clock.advance(86_400);
    assert_eq!(version(&client).await, Ok(()));
    assert_eq!(place.runs(), 1);
    fs::write(&printed, credential("second", None)).unwrap();
    place.accepts("second");
    assert_eq!(version(&client).await, Ok(()));
    assert_eq!((place.runs(), place.api.count()), (2, 4));
}

/// One thread: were it blocked, nobody would let the command end.
#[tokio::test(flavor = "current_thread")]
async fn a_slow_command_blocks_nobody_and_asks_nobody() {
    let place = Place::new("slow").await;
    let (gate, printed) = (place.path("gate"), place.path("printed"));
    fs::write(&printed, credential("slow", None)).unwrap();
    let wait = format!(
        "while [ ! -e '{}' ]; do sleep 0.02; done\nread answer\n[ -z \"$answer\" ] || exit 1\n\
         case \"$KUBERNETES_EXEC_INFO\" in *'\"interactive\":false'*) {} ;; *) exit 1 ;; esac",
        gate.display(),
        prints(&printed)
    );
    let client = place.client(&place.command(&wait)).await;
    let (answer, ()) = tokio::join!(version(&client), async {
        crate::server::eventually("the command runs", async || (place.runs() == 1).then_some(())).await;
        fs::write(&gate, "").unwrap();
    });
    assert_eq!(answer, Ok(()));
}

#[tokio::test]
async fn a_command_that_fails_is_named_with_its_first_words() {
    let place = Place::new("never").await;
    let printed = place.path("printed");
    let table = [
        ("echo 'log in first' >&2; echo sesame; exit 3".to_owned(), "failed: log in first"),
        ("echo sesame".to_owned(), "it is no ExecCredential"),
        ("echo '{\"kind\": \"ExecCredential\"}'".to_owned(), "`status` is missing"),
        ("echo '{\"status\": {\"token\": \"sesame open\"}}'".to_owned(), "neither `status.token` nor"),
        ("echo '{\"status\": {\"token\": \"sesame\", \"expirationTimestamp\": \"soon\"}}'".to_owned(), "is no time"),
        ("echo '{\"status\": {\"clientKeyData\": \"sesame\"}}'".to_owned(), "a key its certificate"),
        (prints(&printed), "failed: cat:"),
    ];
    for (script, expected) in table {
        let said = place.failed(&place.command(&script)).await;
        assert!(said.contains(expected) && said.contains("/plugin`"), "{expected}: {said}");
        assert!(!said.contains("sesame"), "{said}");
    }
    let said = place.failed("{exec: {command: /nowhere/plugin, installHint: get it from the shop}}").await;
    assert!(said.contains("the command `/nowhere/plugin` cannot be run: ") && said.contains("(get it from the shop)"), "{said}");
    let said = place.failed("{exec: {command: aws, interactiveMode: Always}}").await;
    assert!(said.contains("wants to ask somebody"), "{said}");
    assert_eq!(place.api.count(), 0);
}
