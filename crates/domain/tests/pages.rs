//! Pages: whom they reach over which channel, and how trying ends.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use domain::Time;
use domain::catalog::channels::{Channel, Login, Secret, Security, Slack, Smtp, Way, Webhook};
use domain::catalog::{Catalog, read};
use domain::oncall::Participant;
use domain::pages::retry::{TRIES, UNTIL_S};
use domain::pages::{Answer, State, To, addressed, next_try, settled};
use proptest::prelude::*;

const GOOD: &str = r#"organisation: DevMatrix
teams:
  - {name: devops, members: [olivia, dmitri]}
  - {name: backend, members: [bea, ben]}
people:
  - {name: olivia, email: olivia@devmatrix.example, slack: U012AB3CD}
  - {name: bea, email: bea@devmatrix.example}
  - {name: ben, phone: "+49 30 5550104"}
channels:
  - name: mail
    smtp: {host: smtp.example, from: portal@devmatrix.example, username: portal, password_file: /run/secrets/smtp}
  - name: pager
    webhook: {url: "https://pager.example/hooks/1", secret_env: PAGER_SECRET}
    reaches: ["team:devops"]
  - name: chat
    slack: {url_file: /run/secrets/slack}
"#;

fn catalog(text: &str) -> Catalog {
    read(text).unwrap().catalog
}

#[test]
fn the_documented_shape_reads() {
    let read = read(GOOD).unwrap();
    assert!(read.warnings.is_empty(), "{:?}", read.warnings);
    let login = Login { username: "portal".into(), password: Secret::File("/run/secrets/smtp".into()) };
    let smtp = Smtp {
        host: "smtp.example".into(),
        port: 587,
        security: Security::StartTls,
        from: "portal@devmatrix.example".into(),
        login: Some(login),
    };
    let webhook = Webhook { url: "https://pager.example/hooks/1".into(), secret: Secret::Variable("PAGER_SECRET".into()) };
    let channel = |name: &str, way| Channel { name: name.into(), way, reaches: None };
    let expected = [
        channel("mail", Way::Smtp(smtp)),
        Channel { reaches: Some(vec![Participant::Team("devops".into())]), ..channel("pager", Way::Webhook(webhook)) },
        channel("chat", Way::Slack(Slack { url: Secret::File("/run/secrets/slack".into()) })),
    ];
    assert_eq!(read.catalog.channels, expected);
}

#[test]
fn each_mistake_is_named_with_its_place() {
    let table = [
        ("name: mail", "name: Mail", "10:11: `Mail` is not a name"),
        ("name: pager", "name: mail", "12:11: the channel `mail` is there already, in line 10"),
        ("smtp: {", "smpt: {", "11:5: unknown key `smpt`: did you mean `smtp`?"),
        ("host: smtp.example", "host: \"smtp.example:25\"", "11:18: `smtp.example:25` is not a host: expected a name or an address"),
        ("from: portal@devmatrix.example", "from: portal", "`portal` is not an e-mail address"),
        ("username: portal, ", "", "a password needs a `username`"),
        (", password_file: /run/secrets/smtp", "", "`username` needs `password_file` or `password_env`: where the secret is"),
        ("password_file:", "password:", "unknown key `password`: did you mean `password_"),
        ("from: portal@", "security: none, from: portal@", "a password needs `security: starttls` or `tls`"),
        ("from: portal@", "security: ssl, from: portal@", "unknown security `ssl`: expected one of starttls, tls, none"),
        ("from: portal@", "port: 70000, from: portal@", "expected a port from 1 to 65535"),
        (
            "https://pager.example/hooks/1",
            "http://pager.example/hooks/1",
            "13:20: `http://pager.example/hooks/1` is not the address of a webhook",
        ),
        ("https://pager.example/hooks/1", "https://a@pager.example/", "is not the address of a webhook"),
        (", secret_env: PAGER_SECRET", "", "13:14: `webhook` needs `secret_file` or `secret_env`"),
        ("secret_env: PAGER_SECRET", "secret_env: hunter2", "`hunter2` is not the name of a variable"),
        ("secret_env: PAGER_SECRET", "secret_env: A, secret_file: /b", "expected `secret_file` or `secret_env`, not both"),
        ("[\"team:devops\"]", "[]", "14:14: expected at least one"),
        ("[\"team:devops\"]", "[\"team:devop\"]", "14:15: there is no team `devop`: did you mean `devops`?"),
        ("{url_file: /run/secrets/slack}", "{}", "16:12: `slack` needs `url_file` or `url_env`"),
        (
            "slack: {url_file: /run/secrets/slack}",
            "reaches: [bea]",
            "15:11: the channel `chat` needs one of `smtp`, `webhook`, `slack` and `record`",
        ),
        ("name: chat\n", "name: chat\n    record: {}\n", "15:11: the channel `chat` needs one of"),
        ("slack: U012AB3CD", "slack: olivia", "6:60: `olivia` is not a member id of Slack"),
    ];
    for (from, to, expected) in table {
        assert!(GOOD.contains(from), "{from}");
        let problems: Vec<_> = read(&GOOD.replacen(from, to, 1)).unwrap_err().iter().map(ToString::to_string).collect();
        assert!(problems.iter().any(|p| p.contains(expected)), "{to}: expected `{expected}`, got {problems:#?}");
    }
}

/// Person, channel, address.
fn legs(catalog: &Catalog, to: &str, holders: &[&str]) -> Vec<(String, String, String)> {
    let holders: Vec<String> = holders.iter().map(|&name| name.to_owned()).collect();
    let found = addressed(catalog, &To::parse("to", to).unwrap(), &holders).unwrap();
    found.legs.into_iter().map(|leg| (leg.person, leg.channel, leg.address)).collect()
}

#[test]
fn whom_a_page_reaches_over_what() {
    let catalog = catalog(GOOD);
    let leg = |person: &str, channel: &str, address: &str| (person.to_owned(), channel.to_owned(), address.to_owned());
    let olivias = [leg("olivia", "mail", "olivia@devmatrix.example"), leg("olivia", "pager", "olivia"), leg("olivia", "chat", "U012AB3CD")];
    assert_eq!(legs(&catalog, "olivia", &[]), olivias);
    assert_eq!(legs(&catalog, "bea", &[]), [leg("bea", "mail", "bea@devmatrix.example")], "the pager is for devops");
    assert_eq!(legs(&catalog, "dmitri", &[]), [leg("dmitri", "pager", "dmitri")]);
    let role = addressed(&catalog, &To::parse("to", "on-call:platform/primary").unwrap(), &["bea".into(), "ben".into()]).unwrap();
    assert_eq!(
        (role.people, role.unreached),
        (vec!["bea".to_owned(), "ben".into()], vec!["ben".to_owned()]),
        "a phone number is no channel"
    );
}

#[test]
fn whom_nothing_reaches_is_said() {
    let refused = |text: &str, to: &str, holders: &[String]| {
        let error = addressed(&catalog(text), &To::parse("to", to).unwrap(), holders).unwrap_err();
        (error.status(), error.code().to_owned(), error.to_string())
    };
    let (status, code, why) = refused(GOOD, "ben", &[]);
    assert_eq!((status, code.as_str()), (409, "no_channel"));
    assert!(why.starts_with("No channel reaches Ben: "), "{why}");
    assert_eq!(refused(GOOD, "on-call:platform/primary", &[]).1, "role_unfilled");
    assert_eq!(refused(GOOD, "on-call:platform/primary", &["ben".into()]).1, "no_channel");
    let (status, code, why) = refused(GOOD, "olivai", &[]);
    assert_eq!((status, code.as_str()), (400, "invalid"));
    assert!(why.contains("did you mean `olivia`?"), "{why}");
    let without = GOOD.split("channels:").next().unwrap();
    assert!(refused(without, "olivia", &[]).2.contains("has no channels"), "and says what to do");
}

#[test]
fn pauses_double_and_a_receiver_may_ask_for_longer_ones() {
    let made = Time(0);
    let pauses = |now: i64, tries: i64, after: Option<i64>| next_try(made, tries, Time(now * 1000), after).map(|at| at.0 / 1000 - now);
    let table = [(1, 5), (2, 10), (3, 20), (4, 40), (5, 80), (6, 160), (7, 300), (8, 300), (9, 300)];
    for (tries, pause) in table {
        assert_eq!(pauses(0, tries, None), Some(pause), "after {tries}");
    }
    assert_eq!(pauses(0, TRIES, None), None, "as many as there are");
    assert_eq!(pauses(0, 1, Some(60)), Some(60), "Retry-After");
    assert_eq!(pauses(0, 4, Some(1)), Some(40), "and never sooner for it");
    assert_eq!(pauses(0, 1, Some(UNTIL_S)), Some(UNTIL_S));
    assert_eq!(pauses(0, 1, Some(UNTIL_S + 1)), None, "too late to help");
    assert_eq!(pauses(UNTIL_S, 1, None), None);
}

#[test]
fn answers_settle_a_delivery() {
    let at = |answer| settled(Time(0), 1, Time(0), answer);
    let later = |after_s| Answer::Later { why: "busy".into(), after_s };
    assert_eq!(at(Answer::Taken("250 OK".into())), (State::Sent, None, "250 OK".into()));
    assert_eq!(at(Answer::Recorded("nothing was sent".into())).0, State::Recorded);
    assert_eq!(at(Answer::Never("no such mailbox".into())), (State::GivenUp, None, "no such mailbox".into()));
    assert_eq!(at(later(None)), (State::Failed, Some(Time(5000)), "busy".into()));
    assert_eq!(at(later(Some(86_400))), (State::GivenUp, None, "busy".into()));
}

proptest! {
    /// Whatever receivers ask for and however late the tries are: each is after the one before, and they end.
    #[test]
    fn trying_ends(made in 0_i64..4_000_000_000, delays in prop::collection::vec((0_i64..600, prop::option::of(-10_i64..4000)), 64)) {
        let made = Time(made * 1000);
        let (mut now, mut tries) = (made, 0);
        for (late, after) in delays {
            tries += 1;
            match next_try(made, tries, now, after) {
                Some(next) => {
                    prop_assert!(next > now && next <= made.plus_seconds(UNTIL_S));
                    now = next.plus_seconds(late);
                }
                None => return Ok(()),
            }
        }
        prop_assert!(false, "it never ended");
    }
}
