//! Who is on call and how severe problems are, on a real database: SQLite, or PostgreSQL with STORIES_POSTGRES. No clusters.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

mod support;

use domain::Time;
use domain::access::{Actor, Scope};
use domain::catalog::read;
use domain::incidents::{Incident, State};
use domain::oncall::feed::Feed;
use domain::oncall::overrides::{SwapState, Window};
use domain::oncall::{Because, Participant, Wanted};
use engine::oncall::Offer;
use engine::{Engine, IdempotencyKey, Opening, Options, PageRequest, Patience};

const CONFIG: &str = r#"
organisation: Test
teams:
  - {name: devops, members: [olivia, dmitri]}
  - {name: backend, members: [bea, ben]}
  - {name: platform, members: [pia]}
people:
  - {name: olivia, email: olivia@devmatrix.example}
  - {name: dmitri, email: dmitri@devmatrix.example}
  - {name: bea, email: bea@devmatrix.example}
  - {name: ben, email: ben@devmatrix.example}
components:
  - {name: shop, owner: backend, workload: deployment/shop}
  - {name: cache, owner: platform, workload: deployment/cache}
channels:
  - name: mail
    smtp: {host: 127.0.0.1, security: none, from: portal@devmatrix.example}
calendars:
  - {name: office, zone: Europe/Berlin, hours: "09:00-17:00"}
rotations:
  - name: platform
    zone: Europe/Berlin
    handoff: "2025-11-17T09:00"
    every: 1w
    roles: [primary, secondary, backup]
    participants: ["team:devops", "team:backend", "team:platform"]
severities:
  - {level: P0, response: 15m}
  - {level: P1, response: 1h}
  - {level: P2, response: 4h}
  - {level: P3, response: {next_business_day: office}}
"#;

struct World {
    engine: Engine,
    url: String,
    _folder: tempfile::TempDir,
}

impl World {
    async fn new() -> World {
        let folder = tempfile::tempdir().unwrap();
        let url = support::database(&folder).await;
        World { engine: portal(&url, CONFIG).await, url, _folder: folder }
    }

    /// Another process beside it; on a database in a file there is one, and its requests come at once.
    async fn beside(&self) -> Engine {
        if self.url.starts_with("postgres") { portal(&self.url, CONFIG).await } else { self.engine.clone() }
    }

    /// From now in whole days, at full seconds.
    fn day(&self, days: i64) -> Time {
        self.engine.now().whole_seconds().plus_seconds(days * 86_400)
    }

    async fn primary(&self, at: Time) -> (String, Because) {
        let found = self.engine.on_call(&actor("olivia"), Some("platform"), at).await.unwrap();
        let role = found[0].roles.iter().find(|role| role.role == "primary").unwrap();
        (role.participant.as_ref().unwrap().to_string(), role.because)
    }

    async fn open(&self, severity: &str) -> Incident {
        let opening = Opening { title: "It is slow".into(), severity: severity.into(), components: vec![], summary: String::new() };
        self.engine.open_incident(&actor("bea"), opening, None).await.unwrap().made
    }
}

async fn portal(url: &str, config: &str) -> Engine {
    let options = Options {
        catalog: read(config).unwrap().catalog,
        database_url: url.to_owned(),
        demo: None,
        external_url: "http://127.0.0.1".into(),
        patience: Patience::default(),
    };
    Engine::start(options).await.unwrap()
}

fn actor(name: &str) -> Actor {
    Actor { person: read(CONFIG).unwrap().catalog.person(name), scopes: Scope::ALL.to_vec(), via: "token" }
}

fn wanted(who: &str, starts: Time, ends: Time) -> Wanted {
    Wanted { role: "primary".into(), participant: Participant::from(who.to_owned()), starts, ends, reason: "a wedding".into() }
}

fn code(error: domain::Error) -> (u16, String) {
    (error.status(), error.code().to_owned())
}

fn kinds(incident: &Incident) -> Vec<&str> {
    incident.timeline.iter().map(|entry| entry.kind.as_str()).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn of_two_overlapping_overrides_at_once_exactly_one_is_stored() {
    let world = World::new().await;
    let other = world.beside().await;
    for round in 1..=10 {
        let (starts, ends) = (world.day(round * 3), world.day(round * 3 + 2));
        let (first, second) = (wanted("bea", starts, ends), wanted("olivia", starts.plus_seconds(3600), ends.plus_seconds(3600)));
        let (bea, olivia) = (actor("bea"), actor("olivia"));
        let (one, two) =
            tokio::join!(world.engine.arrange(&bea, "platform", first, None), other.arrange(&olivia, "platform", second, None));
        let refused: Vec<_> = [one, two].into_iter().filter_map(Result::err).map(code).collect();
        assert_eq!(refused, [(409, "override_overlaps".to_owned())], "round {round}");
    }
    let held = world.engine.rotation_around(&actor("bea"), "platform", world.day(0), world.day(60)).await.unwrap();
    assert_eq!(held.overrides.len(), 10);
    other.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_weekend_is_taken_over_and_given_back() {
    let world = World::new().await;
    let (starts, ends) = (world.day(10), world.day(12));
    let before = world.primary(starts).await;
    let preview = world.engine.preview_override(&actor("bea"), "platform", wanted("bea", starts, ends)).await.unwrap();
    assert!(preview.words[0].starts_with("Bea covers primary from ") && preview.overlaps.is_none(), "{preview:?}");
    assert_eq!(world.primary(starts).await, before, "looking changes nothing");

    let key = IdempotencyKey { key: "k".into(), body_sha256: "1".into() };
    let made = world.engine.arrange(&actor("bea"), "platform", wanted("bea", starts, ends), Some(key.clone())).await.unwrap();
    let again = world.engine.arrange(&actor("bea"), "platform", wanted("bea", starts, ends), Some(key.clone())).await.unwrap();
    assert_eq!((made.repeated, again.repeated, &again.made.id), (false, true, &made.made.id));
    let another = IdempotencyKey { body_sha256: "2".into(), ..key };
    let refused = world.engine.arrange(&actor("bea"), "platform", wanted("ben", starts, ends), Some(another)).await.unwrap_err();
    assert_eq!(code(refused), (422, "idempotency_key_reused".into()));

    assert_eq!(world.primary(starts).await, ("bea".into(), Because::Override));
    assert_eq!(world.engine.on_call_at("platform", "primary", starts).await.unwrap(), ["bea"]);
    assert_eq!(world.primary(ends).await.1, Because::Base, "half-open");
    assert_eq!(world.primary(Time(starts.0 - 1)).await.1, Because::Base);

    let stranger = world.engine.undo_override(&actor("viv"), "platform", &made.made.id).await.unwrap_err();
    assert_eq!(code(stranger), (403, "role_missing".into()));
    world.engine.undo_override(&actor("dmitri"), "platform", &made.made.id).await.unwrap();
    assert_eq!(world.primary(starts).await, before);
    let twice = world.engine.undo_override(&actor("bea"), "platform", &made.made.id).await.unwrap_err();
    assert_eq!(code(twice), (409, "override_over".into()));
    assert_eq!(code(world.engine.undo_override(&actor("bea"), "platform", "none").await.unwrap_err()).0, 404);
    let acts: Vec<_> =
        world.engine.store().audit_of(&made.made.id).await.unwrap().into_iter().map(|e| (e.who, e.what, e.outcome)).collect();
    let act = |who: &str, what: &str, outcome: &str| (who.to_owned(), what.to_owned(), outcome.to_owned());
    let expected = [act("bea", "override.make", "done"), act("viv", "override.undo", "denied"), act("dmitri", "override.undo", "done")];
    assert_eq!(acts, expected);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_has_been_of_an_override_stays_when_it_is_taken_back() {
    let world = World::new().await;
    let made = world.engine.arrange(&actor("bea"), "platform", wanted("bea", world.day(0), world.day(1)), None).await.unwrap().made;
    // It has begun when a second of it is over.
    support::eventually("a second of it is over", || async { (world.engine.now() > made.starts.plus_seconds(1)).then_some(()) }).await;
    let undone = world.engine.undo_override(&actor("bea"), "platform", &made.id).await.unwrap();
    assert!(undone.starts < undone.ends && undone.ends <= world.engine.now(), "{undone:?}");
    assert_eq!(world.primary(undone.starts).await, ("bea".into(), Because::Override));
    assert_eq!(world.primary(undone.ends).await.1, Because::Base);
}

#[tokio::test(flavor = "multi_thread")]
async fn an_edited_rotation_leaves_the_past_and_the_shift_under_way() {
    let world = World::new().await;
    let now = world.engine.now();
    world.engine.tick(now).await.unwrap();
    let moments: Vec<Time> = (0..=50).map(|weeks| now.plus_seconds(-weeks * 7 * 86_400)).collect();
    let mut before = Vec::new();
    for at in &moments {
        before.push(world.engine.on_call(&actor("bea"), None, *at).await.unwrap());
    }
    world.engine.stop().await;

    // The order turned round and another zone, without a version: as people edit files.
    let edited = CONFIG
        .replace("[\"team:devops\", \"team:backend\", \"team:platform\"]", "[\"team:platform\", \"team:backend\"]")
        .replace("zone: Europe/Berlin\n    handoff", "zone: America/New_York\n    handoff");
    assert!(edited.contains("America/New_York"));
    let after = portal(&world.url, &edited).await;
    for (at, before) in moments.iter().zip(&before) {
        assert_eq!(&after.on_call(&actor("bea"), None, *at).await.unwrap(), before, "{at}");
    }
    let ends = before[0][0].base.ends;
    let next = after.on_call(&actor("bea"), None, ends).await.unwrap();
    assert_eq!(next[0].base.starts, ends, "the edit takes effect at the handoff");
    assert_eq!(next[0].roles[2].because, Because::Gap, "two people for three roles");
    // The clock goes on: what begins is stored too, once.
    after.tick(ends.plus_seconds(1)).await.unwrap();
    after.tick(ends.plus_seconds(2)).await.unwrap();
    let stored = after.store().shifts("platform", ends, ends.plus_seconds(1)).await.unwrap();
    assert_eq!(stored.iter().filter(|shift| shift.starts == ends).count(), 1, "{stored:?}");
    after.stop().await;
}

/// A planned edit: another entry with `effective_from`. All before that is as it was, also what is arranged and not stored yet.
#[tokio::test(flavor = "multi_thread")]
async fn a_planned_version_leaves_every_answer_before_it() {
    let world = World::new().await;
    let effective = world.day(40);
    world.engine.tick(world.engine.now()).await.unwrap();
    world.engine.arrange(&actor("bea"), "platform", wanted("bea", world.day(20), world.day(22)), None).await.unwrap();
    let moments: Vec<Time> = (-400..=39).map(|days| world.day(days)).chain([Time(effective.0 - 1)]).collect();
    let mut before = Vec::new();
    for at in &moments {
        before.push(world.engine.on_call(&actor("bea"), None, *at).await.unwrap());
    }
    world.engine.stop().await;
    let version = format!(
        "  - name: platform\n    effective_from: \"{effective}\"\n    zone: Asia/Kathmandu\n    handoff: \"2025-11-17T02:30\"\n    \
         every: 1d\n    roles: [primary, secondary, backup]\n    participants: [pia, bea]\nseverities:"
    );
    let after = portal(&world.url, &CONFIG.replace("severities:", &version)).await;
    for (at, before) in moments.iter().zip(&before) {
        let now = after.on_call(&actor("bea"), None, *at).await.unwrap();
        assert_eq!((&now[0].roles, now[0].base), (&before[0].roles, before[0].base), "{at}");
    }
    let takes_over = before.last().unwrap()[0].base.ends;
    let then = after.on_call(&actor("bea"), None, takes_over).await.unwrap();
    assert!(takes_over >= effective && then[0].base.starts == takes_over, "at the next handoff");
    assert_eq!(then[0].roles[2].because, Because::Gap, "two people for three roles");
    after.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_swap_needs_the_other_sides_consent() {
    let world = World::new().await;
    let held = world.engine.rotation_around(&actor("bea"), "platform", world.day(0), world.day(60)).await.unwrap();
    let of = |team: &str| {
        let whose =
            |d: &&domain::oncall::Duty| d.assignment.role == "primary" && d.assignment.participant == Some(Participant::Team(team.into()));
        let duties = held.line().duties(world.day(1), world.day(60));
        duties.iter().find(|d| whose(d) && d.starts > world.day(1)).map(|d| Window { starts: d.starts, ends: d.ends }).unwrap()
    };
    let (give, take) = (of("devops"), of("backend"));
    let with = Participant::Team("backend".into());
    let offer = |by: &str, (give, take)| {
        let (by, engine, with) = (actor(by), world.engine.clone(), with.clone());
        let offer = Offer { role: "primary".into(), with, give, take, reason: "a wedding".into() };
        async move { Ok::<_, domain::Error>(engine.offer_swap(&by, "platform", offer, None).await?.made) }
    };
    let not_hers = offer("olivia", (take, give)).await.unwrap_err();
    assert!(not_hers.to_string().starts_with("give: olivia is not primary"), "{not_hers}");
    let swap = offer("olivia", (give, take)).await.unwrap();
    assert_eq!(world.primary(give.starts).await.0, "team:devops", "an offer changes nothing");
    for (who, answer) in [("olivia", SwapState::Accepted), ("dmitri", SwapState::Accepted), ("bea", SwapState::Withdrawn)] {
        let refused = world.engine.answer_swap(&actor(who), &swap.id, answer).await.unwrap_err();
        assert_eq!(code(refused), (403, "not_yours".into()), "{who}");
    }
    world.engine.answer_swap(&actor("ben"), &swap.id, SwapState::Accepted).await.unwrap();
    assert_eq!(world.primary(give.starts).await, ("team:backend".into(), Because::Swap));
    assert_eq!(world.primary(take.starts).await, ("olivia".into(), Because::Swap));
    let again = world.engine.answer_swap(&actor("bea"), &swap.id, SwapState::Declined).await.unwrap_err();
    assert_eq!(code(again), (409, "swap_decided".into()));
    // Taken back, both sides have their own again.
    let half = world.engine.store().overrides("platform").await.unwrap().into_iter().find(|o| o.starts == take.starts).unwrap();
    world.engine.undo_override(&actor("ben"), "platform", &half.id).await.unwrap();
    assert_eq!((world.primary(give.starts).await.0, world.primary(take.starts).await.0), ("team:devops".into(), "team:backend".into()));
    let second = offer("olivia", (give, take)).await.unwrap();
    world.engine.answer_swap(&actor("olivia"), &second.id, SwapState::Withdrawn).await.unwrap();
    assert!(world.engine.swaps(&actor("bea"), "platform").await.unwrap().is_empty());
}

#[tokio::test(flavor = "multi_thread")]
async fn bad_windows_are_refused_by_their_field() {
    let world = World::new().await;
    let far = Time::parse("9999-01-01T00:00:00Z").unwrap();
    let table = [
        (wanted("bea", world.day(2), world.day(1)), "ends"),
        (wanted("bea", world.day(-2), world.day(1)), "starts"),
        (wanted("bea", world.day(-2), world.day(-1)), "starts"),
        (wanted("gone", world.day(1), world.day(2)), "participant"),
        (wanted("bea", world.day(1), far), "ends"),
        (Wanted { role: "boss".into(), ..wanted("bea", world.day(1), world.day(2)) }, "role"),
    ];
    for (asked, expected) in table {
        let error = world.engine.arrange(&actor("bea"), "platform", asked.clone(), None).await.unwrap_err();
        assert!(matches!(&error, domain::Error::Invalid { field, .. } if field == expected), "{asked:?}: {error}");
    }
    let unknown = world.engine.arrange(&actor("bea"), "plattform", wanted("bea", world.day(1), world.day(2)), None).await.unwrap_err();
    assert_eq!(code(unknown).0, 404);
    assert_eq!(code(world.engine.on_call(&actor("bea"), None, far).await.unwrap_err()), (400, "invalid".into()));
    assert_eq!(
        code(world.engine.handoffs(&actor("bea"), "platform", world.day(1), world.day(0)).await.unwrap_err()),
        (400, "invalid".into())
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn gaps_and_people_whom_nothing_reaches_are_known_half_a_year_ahead() {
    let world = World::new().await;
    assert!(world.engine.gaps(&actor("viv"), "platform", world.day(0)).await.unwrap().is_empty());
    assert_eq!(world.engine.unreachable(&actor("viv"), "platform", world.day(0)).await.unwrap(), ["pia"]);
    world.engine.stop().await;
    let empty = portal(&world.url, &CONFIG.replace("members: [pia]", "members: []")).await;
    let gaps = empty.gaps(&actor("viv"), "platform", world.day(0)).await.unwrap();
    assert!(gaps.len() > 20, "every week one role is nobody's: {}", gaps.len());
    empty.stop().await;
}

/// The lines of a feed, unfolded (RFC 5545, section 3.1), one list for each event.
fn events(feed: &str) -> Vec<Vec<(String, String)>> {
    assert!(feed.lines().all(|line| line.len() <= 75), "lines are folded");
    assert_eq!(feed.matches('\n').count(), feed.matches("\r\n").count(), "lines end in CRLF");
    let unfolded = feed.replace("\r\n ", "");
    let of_event = |text: &str| {
        let text = text.split("END:VEVENT").next().unwrap();
        text.lines().filter_map(|line| line.split_once(':')).map(|(key, value)| (key.to_owned(), value.to_owned())).collect()
    };
    unfolded.split("BEGIN:VEVENT").skip(1).map(of_event).collect()
}

fn value<'a>(event: &'a [(String, String)], key: &str) -> &'a str {
    &event.iter().find(|(name, _)| name == key).unwrap_or_else(|| panic!("{key} in {event:?}")).1
}

#[tokio::test(flavor = "multi_thread")]
async fn the_feed_says_what_the_lookup_says() {
    let world = World::new().await;
    world.engine.arrange(&actor("bea"), "platform", wanted("bea", world.day(3), world.day(4)), None).await.unwrap();
    let feed = Feed { of: None, rotation: Some("platform".into()) };
    let text = world.engine.calendar_feed(&actor("viv"), &feed).await.unwrap();
    let events = events(&text);
    assert!(events.len() >= 57 * 3, "{}", events.len());
    assert!(!text.contains("RRULE"));
    let time =
        |text: &str| Time::parse(&format!("{}-{}-{}:{}:{}", &text[..4], &text[4..6], &text[6..11], &text[11..13], &text[13..])).unwrap();
    let mut uids = Vec::new();
    for event in &events {
        let (starts, ends) = (time(value(event, "DTSTART")), time(value(event, "DTEND")));
        uids.push(value(event, "UID").to_owned());
        for at in [starts, Time(ends.0 - 1)] {
            let there = world.engine.on_call(&actor("viv"), Some("platform"), at).await.unwrap();
            let role = there[0].roles.iter().find(|role| role.role == value(event, "X-DEVMATRIX-ROLE")).unwrap();
            assert_eq!(role.participant.as_ref().unwrap().to_string(), value(event, "X-DEVMATRIX-PARTICIPANT"), "{at}");
        }
    }
    let again = world.engine.calendar_feed(&actor("viv"), &feed).await.unwrap();
    assert!(uids.iter().all(|uid| again.contains(uid)), "UIDs are stable");
    uids.sort();
    uids.dedup();
    assert_eq!(uids.len(), events.len());
    let own =
        world.engine.calendar_feed(&actor("viv"), &Feed { of: Some(Participant::Person("bea".into())), rotation: None }).await.unwrap();
    assert!(own.contains("On call: Bea") && own.contains("SUMMARY:backend: primary") && !own.contains("SUMMARY:devops"), "{own}");
    let stranger = Feed { of: Some(Participant::Person("nobody".into())), rotation: None };
    assert_eq!(code(world.engine.calendar_feed(&actor("viv"), &stranger).await.unwrap_err()).0, 400);
}

#[tokio::test(flavor = "multi_thread")]
async fn timers_warn_twice_and_breach_once_whoever_looks() {
    let world = World::new().await;
    let other = world.beside().await;
    let incident = world.open("P1").await;
    assert_eq!((incident.due_at, incident.label.as_str()), (incident.opened.at.plus_seconds(3600), "INC-1"));
    let expected: [(i64, &[&str]); 5] = [
        (1799, &["opened"]),
        (1800, &["opened", "warning"]),
        (2880, &["opened", "warning", "warning"]),
        (3600, &["opened", "warning", "warning"]),
        (3601, &["opened", "warning", "warning", "breach"]),
    ];
    for (after_s, kinds_by_then) in expected {
        let now = incident.opened.at.plus_seconds(after_s);
        let (one, two) = tokio::join!(world.engine.tick(now), other.tick(now));
        one.and(two).unwrap();
        let incident = world.engine.incident(&actor("viv"), "INC-1").await.unwrap();
        assert_eq!(kinds(&incident), kinds_by_then, "after {after_s} s");
    }
    let lower = world.engine.regrade_incident(&actor("bea"), "INC-1", "P2".into(), "not that bad".into()).await.unwrap();
    assert_eq!(lower.due_at, incident.opened.at.plus_seconds(4 * 3600));
    assert!(lower.breached_at.is_some(), "a breach stays");
    world.engine.tick(incident.opened.at.plus_seconds(5 * 3600)).await.unwrap();
    let later = world.engine.incident(&actor("viv"), "INC-1").await.unwrap();
    assert_eq!(kinds(&later).iter().filter(|kind| **kind == "breach").count(), 1);
    other.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_answer_ends_the_timer_and_a_higher_level_counts_from_the_opening() {
    let world = World::new().await;
    let incident = world.open("P3").await;
    assert!(incident.calendar_version.is_some());
    let answered = world.engine.acknowledge_incident(&actor("olivia"), &incident.id).await.unwrap();
    assert_eq!((answered.state, &answered.acknowledged.as_ref().unwrap().by), (State::Acknowledged, &"olivia".to_owned()));
    let twice = world.engine.acknowledge_incident(&actor("bea"), &incident.id).await.unwrap();
    assert_eq!(twice.acknowledged, answered.acknowledged, "the first answer counts");
    world.engine.tick(incident.due_at.plus_seconds(1)).await.unwrap();
    assert!(world.engine.incident(&actor("viv"), "INC-1").await.unwrap().breached_at.is_none());
    let raised = world.engine.regrade_incident(&actor("bea"), "INC-1", "P0".into(), String::new()).await.unwrap();
    assert_eq!(raised.due_at, incident.opened.at.plus_seconds(900), "from the opening");
    assert_eq!(raised.calendar_version, None);
    assert!(raised.breached_at.is_none(), "it was answered in time");

    let resolved = world.engine.resolve_incident(&actor("bea"), "INC-1", "a restart".into()).await.unwrap();
    assert_eq!((resolved.state, kinds(&resolved)), (State::Resolved, vec!["opened", "acknowledged", "severity", "resolved"]));
    let closed = world.engine.regrade_incident(&actor("bea"), "INC-1", "P1".into(), String::new()).await.unwrap_err();
    assert_eq!(code(closed), (409, "resolved".into()));
    world.engine.comment_on_incident(&actor("bea"), "INC-1", "see the report".into()).await.unwrap();
    world.open("P2").await;
    let open = world.engine.incidents(&actor("viv"), &[State::Open, State::Acknowledged], PageRequest::default()).await.unwrap().items;
    assert_eq!(open.iter().map(|i| i.label.as_str()).collect::<Vec<_>>(), ["INC-2"]);
    let acts: Vec<_> = world.engine.store().audit_of(&incident.id).await.unwrap().into_iter().map(|entry| entry.what).collect();
    assert_eq!(acts, ["incident.open", "incident.acknowledge", "incident.severity", "incident.resolve", "incident.comment"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn the_components_of_an_incident_are_said_better_later() {
    let world = World::new().await;
    let incident = world.open("P1").await;
    let set = |who: &str, names: &[&str]| {
        let (engine, who, names) = (world.engine.clone(), actor(who), names.iter().map(|name| (*name).to_owned()).collect::<Vec<_>>());
        async move { engine.set_incident_components(&who, "INC-1", names).await }
    };
    let both = set("bea", &["shop", "cache", "shop"]).await.unwrap();
    assert_eq!(both.components, ["shop", "cache"], "each once, in this order");
    assert_eq!((both.team.as_deref(), both.due_at), (Some("backend"), incident.due_at), "the first one's owner; the time stays");
    let other = set("olivia", &["cache"]).await.unwrap();
    assert_eq!((other.components, other.team.as_deref()), (vec!["cache".to_owned()], Some("platform")));
    set("olivia", &["cache"]).await.unwrap();
    let none = set("olivia", &[]).await.unwrap();
    assert_eq!((none.components.len(), none.team.as_deref()), (0, Some("platform")), "somebody has it still");
    let told: Vec<_> = none.timeline.iter().filter(|e| e.kind == "components").map(|e| (e.by.as_str(), e.text.as_str())).collect();
    assert_eq!(told, [("bea", "added shop, cache"), ("olivia", "removed shop"), ("olivia", "removed cache")], "said twice, told once");
    let unknown = set("bea", &["shop", "shpo"]).await.unwrap_err();
    assert!(matches!(&unknown, domain::Error::Invalid { field, why } if field == "components" && why.contains("shpo")), "{unknown}");
    assert_eq!(code(set("viv", &["shop"]).await.unwrap_err()), (403, "role_missing".into()));
    assert!(world.engine.incident(&actor("viv"), "INC-1").await.unwrap().components.is_empty(), "refused, nothing is changed");
    let missing = world.engine.set_incident_components(&actor("bea"), "INC-9", vec![]).await.unwrap_err();
    assert_eq!(code(missing).0, 404);
    let acts = world.engine.store().audit_of(&incident.id).await.unwrap();
    let acts: Vec<_> = acts.iter().filter(|e| e.what == "incident.components").map(|e| (e.who.as_str(), e.outcome.as_str())).collect();
    assert_eq!(acts, [("bea", "done"), ("olivia", "done"), ("olivia", "done")]);
}

#[tokio::test(flavor = "multi_thread")]
async fn an_edited_calendar_moves_nothing_that_is_stored() {
    let world = World::new().await;
    let incident = world.open("P3").await;
    world.engine.stop().await;
    let edited = portal(&world.url, &CONFIG.replace("09:00-17:00", "06:00-12:00")).await;
    let same = edited.incident(&actor("viv"), "INC-1").await.unwrap();
    assert_eq!((same.due_at, &same.calendar_version), (incident.due_at, &incident.calendar_version));
    let new = edited.due(&actor("viv"), "P3", incident.opened.at, Some("devops")).unwrap();
    assert_ne!((new.at, &new.calendar_version), (incident.due_at, &incident.calendar_version));
    edited.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn who_only_reads_does_not_respond() {
    let world = World::new().await;
    let opening = Opening { title: "x".into(), severity: "P1".into(), components: vec![], summary: String::new() };
    assert_eq!(code(world.engine.open_incident(&actor("viv"), opening.clone(), None).await.unwrap_err()), (403, "role_missing".into()));
    let reader = Actor { scopes: vec![Scope::Read], ..actor("bea") };
    assert_eq!(code(world.engine.open_incident(&reader, opening.clone(), None).await.unwrap_err()), (403, "scope_missing".into()));
    for (opening, field) in [
        (Opening { title: " ".into(), ..opening.clone() }, "title"),
        (Opening { severity: "P9".into(), ..opening.clone() }, "severity"),
        (Opening { components: vec!["api".into()], ..opening.clone() }, "components"),
    ] {
        let error = world.engine.open_incident(&actor("bea"), opening, None).await.unwrap_err();
        assert!(matches!(&error, domain::Error::Invalid { field: at, .. } if at == field), "{error}");
    }
}
