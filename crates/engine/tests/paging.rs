//! Pages on a real database (SQLite, or PostgreSQL with STORIES_POSTGRES), to a mail server and webhooks on sockets. No clusters.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

mod receivers;
mod support;

use domain::Time;
use domain::access::{Actor, Scope};
use domain::catalog::read;
use domain::pages::{Delivery, Page, State};
use engine::{Demo, Engine, IdempotencyKey, Opening, Options, PageRequest, Paging, Patience};
use receivers::{MailServer, Webhook};
use std::collections::BTreeMap;
use support::eventually;

const SECRET: &str = "between the portal and the pager";

struct World {
    engine: Engine,
    mail: MailServer,
    hook: Webhook,
    slack: Webhook,
    config: String,
    url: String,
    folder: tempfile::TempDir,
}

impl World {
    async fn new() -> World {
        World::with("security: none", None).await
    }

    /// `smtp`: more of the mail channel.
    async fn with(smtp: &str, demo: Option<Demo>) -> World {
        let folder = tempfile::tempdir().unwrap();
        let ((mail, port), (hook, hook_url), (slack, slack_url)) =
            (MailServer::start().await, Webhook::start().await, Webhook::start().await);
        let file = |name: &str, text: &str| {
            let path = folder.path().join(name);
            std::fs::write(&path, text).unwrap();
            path.display().to_string()
        };
        let (secret, slack_file) = (file("secret", &format!("{SECRET}\n")), file("slack", &format!("{slack_url}/services/T0/B0?x=1\n")));
        let password = file("password", "hunter2");
        let smtp = smtp.replace("PASSWORD", &password);
        let config = format!(
            r#"organisation: Test
teams:
  - {{name: devops, members: [olivia, dmitri]}}
  - {{name: backend, members: [bea, ben]}}
people:
  - {{name: olivia, email: olivia@devmatrix.example, slack: U012AB3CD}}
  - {{name: dmitri, email: dmitri@devmatrix.example}}
  - {{name: ben, phone: "+49 30 5550104"}}
channels:
  - name: mail
    smtp: {{host: 127.0.0.1, port: {port}, from: portal@devmatrix.example, {smtp}}}
  - name: pager
    webhook: {{url: "{hook_url}/hooks/1?a=b", secret_file: "{secret}"}}
    reaches: [olivia, bea]
  - name: chat
    slack: {{url_file: "{slack_file}"}}
rotations:
  - name: platform
    zone: Europe/Berlin
    handoff: "2025-11-17T09:00"
    every: 1w
    roles: [primary, secondary]
    participants: ["team:devops"]
severities:
  - {{level: P1, response: 1h}}
"#
        );
        let url = support::database(&folder).await;
        World { engine: portal(&url, &config, demo).await, mail, hook, slack, config, url, folder }
    }

    /// Another process beside it; on a database in a file there is one, and its work is done at the same time.
    async fn beside(&self) -> Engine {
        if self.url.starts_with("postgres") { portal(&self.url, &self.config, None).await } else { self.engine.clone() }
    }

    fn actor(&self, name: &str) -> Actor {
        Actor { person: self.engine.catalog().person(name), scopes: Scope::ALL.to_vec(), via: "token" }
    }

    async fn page(&self, to: &str) -> Page {
        self.engine.send_page(&self.actor("ben"), paging(to), None).await.unwrap().made
    }

    async fn refused(&self, by: &str, paging: Paging) -> (u16, String) {
        code(self.engine.send_page(&self.actor(by), paging, None).await.unwrap_err())
    }

    async fn now(&self, page: &Page) -> Page {
        self.engine.page(&self.actor("viv"), &page.id).await.unwrap()
    }

    /// The page, once each of its deliveries is in this state.
    async fn comes_to(&self, page: &Page, state: State) -> Page {
        eventually(&format!("{} is {}", page.label, state.as_str()), || async {
            let page = self.now(page).await;
            page.deliveries.iter().all(|delivery| delivery.state == state).then_some(page)
        })
        .await
    }
}

async fn portal(url: &str, config: &str, demo: Option<Demo>) -> Engine {
    let options = Options {
        catalog: read(config).unwrap_or_else(|problems| panic!("{problems:?}")).catalog,
        database_url: url.to_owned(),
        demo,
        external_url: "https://portal.example".into(),
        patience: Patience::default(),
    };
    Engine::start(options).await.unwrap()
}

fn paging(to: &str) -> Paging {
    Paging { to: to.into(), reason: "The site is down\nand <nobody> knows why".into(), incident: None }
}

fn code(error: domain::Error) -> (u16, String) {
    (error.status(), error.code().to_owned())
}

fn over<'a>(page: &'a Page, channel: &str) -> &'a Delivery {
    page.deliveries.iter().find(|delivery| delivery.channel == channel).unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_page_goes_over_every_channel_and_says_what_became_of_it() {
    let world = World::new().await;
    let opening = Opening { title: "Requests fail".into(), severity: "P1".into(), components: vec![], summary: String::new() };
    let incident = world.engine.open_incident(&world.actor("bea"), opening, None).await.unwrap().made;
    let asked = Paging { incident: Some(incident.label.clone()), ..paging("olivia") };
    let made = world.engine.send_page(&world.actor("ben"), asked, None).await.unwrap().made;
    assert_eq!((made.label.as_str(), made.people.as_slice(), made.by.as_str()), ("PG-1", ["olivia".to_owned()].as_slice(), "ben"));
    let page = world.comes_to(&made, State::Sent).await;
    let seen: Vec<_> = page.deliveries.iter().map(|d| (d.channel.as_str(), d.kind.as_str(), d.address.as_str(), d.tries)).collect();
    assert_eq!(
        seen,
        [("mail", "smtp", "olivia@devmatrix.example", 1), ("pager", "webhook", "olivia", 1), ("chat", "slack", "U012AB3CD", 1)]
    );
    assert!(page.deliveries.iter().all(|d| d.at.is_some() && d.next_at.is_none()), "{page:?}");
    assert_eq!(over(&page, "mail").detail, "250: 2.0.0 queued as 4711");

    let [mail] = world.mail.came().try_into().unwrap();
    assert_eq!((mail.from.as_str(), mail.to.as_str()), ("portal@devmatrix.example", "olivia@devmatrix.example"));
    assert_eq!(mail.header("Message-ID"), format!("<{}@devmatrix.example>", over(&page, "mail").id));
    assert_eq!(mail.header("References"), "<INC-1@devmatrix.example>");
    assert!(mail.header("Subject").starts_with("Ben pages you: The site is down and <nobody>"), "{}", mail.text);
    assert!(mail.text.contains("Acknowledge: https://portal.example/pages/PG-1"), "{}", mail.text);

    let [hooked] = world.hook.came().try_into().unwrap();
    assert_eq!((hooked.path.as_str(), hooked.header("content-type")), ("/hooks/1?a=b", "application/json"));
    assert_eq!(hooked.header("idempotency-key"), over(&page, "pager").id);
    assert!(hooked.is_signed(SECRET, world.engine.now()) && !hooked.is_signed("another", world.engine.now()), "{hooked:?}");
    let json = hooked.json();
    assert_eq!(
        (json["version"].as_i64(), json["type"].as_str(), json["page"]["reason"].as_str()),
        (Some(1), Some("page"), Some(page.reason.as_str()))
    );
    assert_eq!((json["person"]["email"].as_str(), json["incident"]["label"].as_str()), (Some("olivia@devmatrix.example"), Some("INC-1")));

    let [slack] = world.slack.came().try_into().unwrap();
    assert_eq!(slack.path, "/services/T0/B0?x=1");
    let text = slack.json()["blocks"][0]["text"]["text"].as_str().unwrap().to_owned();
    assert!(text.starts_with("<@U012AB3CD> *Ben* pages you:\nThe site is down\nand &lt;nobody&gt; knows why"), "{text}");

    let story = world.engine.incident(&world.actor("viv"), &incident.id).await.unwrap().timeline;
    let told = story.iter().find(|entry| entry.kind == "paged").unwrap();
    assert!(told.by == "ben" && told.text.starts_with("olivia (PG-1): The site is down"), "{told:?}");
    let audit = world.engine.store().audit_of(&page.id).await.unwrap();
    let acts: Vec<_> = audit.iter().map(|entry| (entry.what.as_str(), entry.who.as_str(), entry.outcome.as_str())).collect();
    assert_eq!(acts[0], ("page.send", "ben", "done"));
    assert_eq!(acts[1..], [("page.deliver", "portal", "sent"); 3]);
    assert!(!format!("{page:?}{audit:?}").contains("/services/"), "the address at Slack is a secret");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_role_is_whoever_holds_it_now_and_who_is_not_reached_is_said() {
    let world = World::new().await;
    let page = world.comes_to(&world.page("on-call:platform/primary").await, State::Sent).await;
    assert_eq!((page.to.as_str(), page.people.as_slice()), ("on-call:platform/primary", ["olivia".to_owned(), "dmitri".into()].as_slice()));
    let mut mailed: Vec<String> = world.mail.came().into_iter().map(|mail| mail.to).collect();
    mailed.sort();
    assert_eq!(mailed, ["dmitri@devmatrix.example", "olivia@devmatrix.example"]);
    assert!(world.mail.came()[0].text.contains("You are paged as on-call:platform/primary"));

    assert_eq!(world.refused("bea", paging("on-call:platform/secondary")).await, (409, "role_unfilled".into()));
    assert_eq!(world.refused("bea", paging("ben")).await, (409, "no_channel".into()));
    for to in ["nobody", "on-call:platform", "on-call:platform/third", "on-call:other/primary", ""] {
        assert_eq!(world.refused("bea", paging(to)).await, (400, "invalid".into()), "{to}");
    }
    assert_eq!(world.refused("bea", Paging { reason: " \n".into(), ..paging("olivia") }).await, (400, "invalid".into()));
    assert_eq!(world.refused("bea", Paging { incident: Some("INC-9".into()), ..paging("olivia") }).await, (400, "invalid".into()));
    assert_eq!(world.refused("viv", paging("olivia")).await, (403, "role_missing".into()));
    let unreached = world.engine.unreachable(&world.actor("viv"), "platform", world.engine.now()).await.unwrap();
    assert!(unreached.is_empty(), "both of devops have a channel: {unreached:?}");
    assert_eq!(
        world.engine.pages(&world.actor("viv"), false, PageRequest::default()).await.unwrap().items.len(),
        1,
        "what was refused is nothing"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_repeated_key_is_one_page() {
    let world = World::new().await;
    let key = |body: &str| Some(IdempotencyKey { key: "k-1".into(), body_sha256: domain::digest::sha256(body) });
    let ben = world.actor("ben");
    let ask = |body: &'static str| world.engine.send_page(&ben, paging("dmitri"), key(body));
    let (one, two) = tokio::join!(ask("body"), ask("body"));
    let (one, two) = (one.unwrap(), two.unwrap());
    assert_eq!((&one.made.id, one.repeated as i32 + two.repeated as i32), (&two.made.id, 1));
    assert_eq!(code(ask("another").await.unwrap_err()), (422, "idempotency_key_reused".into()));
    world.comes_to(&one.made, State::Sent).await;
    assert_eq!(world.mail.came().len(), 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn two_workers_at_once_send_each_delivery_once() {
    let world = World::new().await;
    let other = world.beside().await;
    let mut pages = Vec::new();
    for _ in 0..12 {
        pages.push(world.page("olivia").await);
        let now = world.engine.now();
        let (one, two) = tokio::join!(world.engine.deliver(now), other.deliver(now));
        one.unwrap();
        two.unwrap();
    }
    let mut expected = Vec::new();
    for page in &pages {
        expected.push(over(&world.comes_to(page, State::Sent).await, "pager").id.clone());
    }
    let mut came: Vec<String> = world.hook.came().iter().map(|hooked| hooked.header("idempotency-key").to_owned()).collect();
    came.sort();
    expected.sort();
    assert_eq!(came, expected);
    let mut mails: BTreeMap<String, usize> = BTreeMap::new();
    world.mail.came().iter().for_each(|mail| *mails.entry(mail.header("Message-ID").to_owned()).or_default() += 1);
    assert!(mails.len() == 12 && mails.values().all(|count| *count == 1), "{mails:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_receiver_that_is_down_is_tried_again_with_the_same_message() {
    let world = World::new().await;
    world.hook.will_answer(&[(503, ""), (500, "")]);
    world.mail.will_answer(&["451 4.3.0 later"]);
    let page = world.page("olivia").await;
    let failed = eventually("mail and pager have failed once", || async {
        let page = world.now(&page).await;
        ["mail", "pager"].iter().all(|channel| over(&page, channel).state == State::Failed).then_some(page)
    })
    .await;
    assert!(over(&failed, "pager").detail.contains("503 Service Unavailable: not now"), "{failed:?}");
    assert!(over(&failed, "mail").detail.contains("4.3.0 later"), "{failed:?}");
    let next = over(&failed, "pager").next_at.unwrap();
    assert!((4..=6).contains(&next.seconds_since(page.at)), "{next}");
    for _ in 0..2 {
        let due = world.now(&page).await.deliveries.iter().filter_map(|delivery| delivery.next_at).max().unwrap();
        world.engine.deliver(due).await.unwrap();
    }
    let page = world.comes_to(&page, State::Sent).await;
    assert_eq!((over(&page, "pager").tries, over(&page, "mail").tries), (3, 2));
    let came = world.hook.came();
    let bodies: Vec<_> = came.iter().map(|hooked| (hooked.header("idempotency-key"), &hooked.body)).collect();
    assert!(bodies.len() == 3 && bodies.iter().all(|one| *one == bodies[0]), "{bodies:?}");
    assert!(came.iter().all(|hooked| hooked.is_signed(SECRET, world.engine.now())));
}

#[tokio::test(flavor = "multi_thread")]
async fn trying_ends_and_is_shown() {
    let world = World::new().await;
    world.hook.will_answer(&[(503, ""); 100]);
    let page = world.page("bea").await;
    let mut tries = 0;
    let given_up = loop {
        let delivery = over(
            &eventually("it was tried", || async {
                let page = world.now(&page).await;
                (over(&page, "pager").tries > tries && over(&page, "pager").next_at.is_none_or(|next| next > page.at)).then_some(page)
            })
            .await,
            "pager",
        )
        .clone();
        tries = delivery.tries;
        match delivery.next_at {
            Some(due) => world.engine.deliver(due).await.unwrap(),
            None => break delivery,
        }
    };
    assert_eq!((given_up.state, given_up.tries), (State::GivenUp, 10));
    assert!(given_up.detail.contains("503"), "{given_up:?}");
    world.engine.deliver(page.at.plus_seconds(86_400)).await.unwrap();
    assert_eq!(world.hook.came().len(), 10, "and not again");
    let audit = world.engine.store().audit_of(&page.id).await.unwrap();
    assert_eq!(audit.last().map(|entry| (entry.what.as_str(), entry.outcome.as_str())), Some(("page.deliver", "given_up")));
}

#[tokio::test(flavor = "multi_thread")]
async fn what_trying_again_would_not_change_is_given_up_at_once() {
    let world = World::new().await;
    world.mail.will_answer(&["550 5.1.1 no such mailbox"]);
    world.hook.will_answer(&[(403, "")]);
    let page = world.page("olivia").await;
    let page = eventually("all have ended", || async {
        let page = world.now(&page).await;
        page.deliveries.iter().all(|delivery| !delivery.state.is_open()).then_some(page)
    })
    .await;
    let ended: Vec<_> = page.deliveries.iter().map(|d| (d.channel.as_str(), d.state, d.tries)).collect();
    assert_eq!(ended, [("mail", State::GivenUp, 1), ("pager", State::GivenUp, 1), ("chat", State::Sent, 1)]);
    assert!(over(&page, "mail").detail.contains("5.1.1 no such mailbox"), "{page:?}");
    assert!(over(&page, "pager").detail.contains("403 Forbidden"), "{page:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_receiver_that_does_not_answer_keeps_nobody_else_waiting() {
    let world = World::new().await;
    world.hook.will_answer(&[(0, "")]);
    let silent = world.page("bea").await;
    eventually("the pager is asked", || async { (world.hook.came().len() == 1).then_some(()) }).await;
    world.comes_to(&world.page("dmitri").await, State::Sent).await;
    let silent = world.now(&silent).await;
    assert_eq!((over(&silent, "pager").state, over(&silent, "pager").tries), (State::Waiting, 1), "it still waits");
    let failed = world.comes_to(&silent, State::Failed).await;
    assert_eq!(over(&failed, "pager").detail, "No answer within 20 s.");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_receiver_may_ask_for_time() {
    let world = World::new().await;
    world.hook.will_answer(&[(429, "120"), (503, "7200")]);
    let page = world.comes_to(&world.page("bea").await, State::Failed).await;
    let next = over(&page, "pager").next_at.unwrap();
    assert!((119..=122).contains(&next.seconds_since(page.at)), "{next}");
    world.engine.deliver(next.plus_seconds(-1)).await.unwrap();
    assert_eq!(world.hook.came().len(), 1, "not before");
    world.engine.deliver(next).await.unwrap();
    let page = world.now(&page).await;
    assert_eq!((over(&page, "pager").state, over(&page, "pager").tries), (State::GivenUp, 2), "two hours are too late");
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_acknowledged_is_not_sent_any_more() {
    let world = World::new().await;
    world.hook.will_answer(&[(503, "")]);
    let page = world.comes_to(&world.page("bea").await, State::Failed).await;
    assert_eq!(code(world.engine.acknowledge_page(&world.actor("viv"), &page.id).await.unwrap_err()), (403, "role_missing".into()));
    let answered = world.engine.acknowledge_page(&world.actor("dmitri"), &page.label).await.unwrap();
    assert_eq!(answered.acknowledged.as_ref().map(|act| act.by.as_str()), Some("dmitri"));
    assert_eq!(over(&answered, "pager").state, State::Withdrawn);
    let again = world.engine.acknowledge_page(&world.actor("olivia"), &page.id).await.unwrap();
    assert_eq!(again, answered, "the first one stands");
    for seconds in [10, 100, 1000, 10_000] {
        world.engine.deliver(page.at.plus_seconds(seconds)).await.unwrap();
    }
    assert_eq!(world.hook.came().len(), 1);
    assert_eq!(world.now(&page).await, answered);
    assert!(world.engine.pages(&world.actor("viv"), true, PageRequest::default()).await.unwrap().items.is_empty());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_crash_sends_at_most_the_one_in_flight_again() {
    let world = World::new().await;
    world.hook.will_answer(&[(503, ""), (503, "")]);
    let (first, second) = (world.page("bea").await, world.page("bea").await);
    let (first, second) = (world.comes_to(&first, State::Failed).await, world.comes_to(&second, State::Failed).await);
    // Another process takes both up, and ends before it writes down what became of them.
    let took = second.at.plus_seconds(10);
    let lapse = took.plus_seconds(60);
    let store = world.engine.store();
    let mut tx = store.write().await.unwrap();
    for _ in 0..2 {
        assert!(store.claim_delivery(&mut tx, "dead", took, lapse).await.unwrap().is_some());
    }
    tx.commit().await.unwrap();
    world.engine.acknowledge_page(&world.actor("dmitri"), &second.id).await.unwrap();

    world.engine.deliver(lapse.plus_seconds(-1)).await.unwrap();
    assert_eq!(world.hook.came().len(), 2, "a lease that holds is respected");
    world.engine.deliver(lapse).await.unwrap();
    let (first, second) = (world.now(&first).await, world.now(&second).await);
    assert_eq!((over(&first, "pager").state, over(&first, "pager").tries), (State::Sent, 3));
    assert_eq!(over(&second, "pager").state, State::Withdrawn);
    assert!(over(&second, "pager").detail.contains("may have arrived"), "{second:?}");
    let came = world.hook.came();
    assert_eq!(came.len(), 3);
    assert_eq!(came[2].header("idempotency-key"), over(&first, "pager").id);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_restart_sends_what_waits() {
    let world = World::new().await;
    world.hook.will_answer(&[(503, "")]);
    let page = world.comes_to(&world.page("bea").await, State::Failed).await;
    world.engine.stop().await;
    let successor = portal(&world.url, &world.config, None).await;
    let viv = world.actor("viv");
    let sent = eventually("the successor sends it", || async {
        let page = successor.page(&viv, &page.id).await.unwrap();
        (over(&page, "pager").state == State::Sent).then_some(page)
    })
    .await;
    assert_eq!((over(&sent, "pager").tries, world.hook.came().len()), (2, 2));
}

#[tokio::test(flavor = "multi_thread")]
async fn in_a_demo_nothing_leaves() {
    let world = World::with("security: none", Some(Demo { clusters: vec![] })).await;
    let page = world.comes_to(&world.page("olivia").await, State::Recorded).await;
    assert!(page.deliveries.iter().all(|delivery| delivery.detail == "Demo: nothing was sent."), "{page:?}");
    assert!(world.mail.heard().is_empty() && world.hook.came().is_empty() && world.slack.came().is_empty());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_mail_server_without_tls_hears_no_password_and_no_page() {
    for smtp in ["username: portal, password_file: \"PASSWORD\"", "security: starttls"] {
        let world = World::with(smtp, None).await;
        let page = world.page("dmitri").await;
        let failed = world.comes_to(&page, State::Failed).await;
        assert!(over(&failed, "mail").detail.contains("127.0.0.1"), "{failed:?}");
        let heard = world.mail.heard();
        assert!(!heard.is_empty() && heard.iter().all(|line| line.starts_with("EHLO") || line == "QUIT"), "{heard:?}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_mail_server_is_told_the_password_of_its_file() {
    let world = World::with("security: none, username: portal, password_file: \"PASSWORD\"", None).await;
    world.comes_to(&world.page("dmitri").await, State::Sent).await;
    // printf '\0portal\0hunter2' | base64
    assert!(world.mail.heard().contains(&"AUTH PLAIN AHBvcnRhbABodW50ZXIy".to_owned()), "{:?}", world.mail.heard());
    std::fs::remove_file(world.folder.path().join("password")).unwrap();
    let failed = world.comes_to(&world.page("dmitri").await, State::Failed).await;
    assert!(over(&failed, "mail").detail.contains("cannot be read"), "{failed:?}");
    assert_eq!(world.mail.came().len(), 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn old_pages_wake_nobody_after_a_long_stop() {
    let world = World::new().await;
    world.hook.will_answer(&[(503, "")]);
    let page = world.comes_to(&world.page("bea").await, State::Failed).await;
    world.engine.deliver(Time(page.at.0).plus_seconds(7200)).await.unwrap();
    let page = world.now(&page).await;
    assert_eq!(over(&page, "pager").state, State::GivenUp);
    assert!(over(&page, "pager").detail.contains("within half an hour"), "{page:?}");
    assert_eq!(world.hook.came().len(), 1);
}
