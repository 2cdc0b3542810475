//! Stories of freezes, windows, broken glasses and votes: nothing is written while an environment is closed but what may pass.
//! With STORIES_POSTGRES set, on PostgreSQL.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

mod support;

use domain::access::{Actor, Scope as TokenScope};
use domain::changes::freeze::{Freeze, Scope};
use domain::changes::{Authority, Change, RefusalCode, Request, State, VoteKind};
use domain::names::Name;
use domain::{Error, Time};
use engine::{Engine, IdempotencyKey, NewFreeze, Patience, Way};
use serde_json::json;
use sim::{Fault, Match};
use support::{CONFIG, World, actor, deployment, ends_at, eventually, promote, rollback};

/// Production with this policy, and an administrator.
fn config(approval: &str, windows: &str) -> String {
    let policy = format!("approval: {approval}\n    windows: {windows}");
    CONFIG.replacen("approval: {rules: [{from: [\"team:devops\"], needed: 1}]}", &policy, 1).replacen(
        "clusters:\n",
        "  - {name: admins, members: [ada], roles: [admin]}\nclusters:\n",
        1,
    )
}

const ONE_VOTE: &str = "{rules: [{from: [\"team:devops\"], needed: 1}]}";

async fn world(approval: &str, windows: &str) -> World {
    World::configured(&config(approval, windows), Patience::default(), |_| {}).await
}

fn restart(environment: &str) -> Request {
    let name = |text: &str| Name::parse("name", text).unwrap();
    Request::Restart { component: name("api"), environment: name(environment), reason: "a leak".into() }
}

fn code(error: &Error) -> (u16, &str) {
    (error.status(), error.code())
}

fn freeze_of(scope: Scope) -> NewFreeze {
    NewFreeze { scope, reason: "a migration".into(), from: None, until: None, key: None }
}

fn prod() -> NewFreeze {
    freeze_of(Scope::Environment("prod".into()))
}

async fn frozen(world: &World, new: NewFreeze) -> Freeze {
    world.engine.freeze(&world.actor("dmitri"), new).await.unwrap()
}

/// Approved, and back in the queue with the reason why it is not executed.
async fn waits(engine: &Engine, change: &Change) -> Change {
    eventually("the change waits for the opening", || async {
        let now = engine.change(&actor("viv"), &change.id).await.unwrap();
        let check = now.steps.iter().find(|step| step.name == "check")?.clone();
        (now.state == State::Ready && check.state == "pending" && check.detail.contains("is closed until")).then_some(now)
    })
    .await
}

#[tokio::test(flavor = "multi_thread")]
async fn while_it_is_frozen_nothing_is_asked_and_what_was_approved_waits() {
    let world = world(ONE_VOTE, "[]").await;
    let change = world.promoted("bea").await;
    let freeze = frozen(&world, prod()).await;
    let refused = world.engine.ask(&world.actor("bea"), promote(), None).await.unwrap_err();
    assert_eq!(code(&refused), (422, "frozen"));
    assert_eq!(refused.to_string(), "Production is closed until the freeze is lifted because dmitri froze it: a migration.");
    assert_eq!(code(&world.engine.preview(&world.actor("bea"), restart("prod")).await.unwrap_err()), (422, "frozen"));
    let head = world.engine.matrix(&actor("viv")).await.unwrap().environments[1].clone();
    assert_eq!(head.closed.map(|closed| (closed.code, closed.freeze)), Some((RefusalCode::Frozen, Some(freeze.id.clone()))));

    world.approved(&change, "dmitri").await;
    waits(&world.engine, &change).await;
    assert_eq!(world.sent_writes(), 0);
    world.engine.lift_freeze(&world.actor("olivia"), &freeze.id, "done").await.unwrap();
    world.ends(&change, State::Succeeded).await;
    assert_eq!(world.effective_writes(), 1);
    assert_eq!(world.engine.matrix(&actor("viv")).await.unwrap().environments[1].closed, None);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_rollback_passes_a_freeze_and_overtakes_what_waits() {
    let world = world(ONE_VOTE, "[]").await;
    let first = world.promoted("bea").await;
    world.approved(&first, "dmitri").await;
    world.ends(&first, State::Succeeded).await;
    world.settled("prod").await;
    let waiting = world.engine.ask(&world.actor("bea"), restart("prod"), None).await.unwrap().change;
    frozen(&world, freeze_of(Scope::Production)).await;
    world.approved(&waiting, "dmitri").await;
    waits(&world.engine, &waiting).await;
    let back = world.engine.ask(&world.actor("bea"), rollback(1), None).await.unwrap().change;
    assert!(back.plan.gates.iter().any(|gate| gate.name == "open" && gate.state == "warn"), "{:?}", back.plan.gates);
    world.ends(&back, State::Succeeded).await;
    world.ends(&waiting, State::Superseded).await;
    assert_eq!(world.effective_writes(), 2, "the promotion and the rollback");
}

#[tokio::test(flavor = "multi_thread")]
async fn two_that_waited_go_on_in_the_order_of_asking() {
    let world = world(ONE_VOTE, "[]").await;
    let freeze = frozen(&world, freeze_of(Scope::Environment("staging".into()))).await;
    // Staging asks for no votes: only whoever may break the glass gets a plan there now.
    assert_eq!(code(&world.engine.ask(&world.actor("bea"), restart("staging"), None).await.unwrap_err()), (422, "frozen"));
    let admin = world.actor("ada");
    let first = world.engine.ask_by(&admin, restart("staging"), None, Way::BreakGlass).await.unwrap().change;
    let second = world.engine.ask_by(&admin, restart("staging"), None, Way::BreakGlass).await.unwrap().change;
    waits(&world.engine, &first).await;
    waits(&world.engine, &second).await;
    world.engine.lift_freeze(&world.actor("olivia"), &freeze.id, "").await.unwrap();
    world.ends(&first, State::Succeeded).await;
    world.ends(&second, State::Superseded).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_broken_glass_passes_votes_and_a_freeze_and_opens_a_review() {
    let world = world(ONE_VOTE, "[]").await;
    frozen(&world, prod()).await;
    let (admin, approver) = (world.actor("ada"), world.actor("dmitri"));
    assert_eq!(code(&world.engine.ask_by(&approver, promote(), None, Way::BreakGlass).await.unwrap_err()), (403, "role_missing"));
    let change = world.engine.ask_by(&admin, promote(), None, Way::BreakGlass).await.unwrap().change;
    assert_eq!(change.state, State::AwaitingApproval, "a plan alone passes nothing");
    assert!(change.plan.gates.iter().any(|gate| gate.name == "open" && gate.state == "fail"), "{:?}", change.plan.gates);

    let (engine, id, digest) = (&world.engine, change.id.as_str(), change.digest.as_str());
    assert_eq!(code(&engine.break_glass(&approver, id, digest, "down").await.unwrap_err()), (403, "role_missing"));
    assert_eq!(code(&engine.break_glass(&admin, id, &"0".repeat(64), "down").await.unwrap_err()), (409, "plan_changed"));
    assert!(matches!(engine.break_glass(&admin, id, digest, " ").await.unwrap_err(), Error::Invalid { field, .. } if field == "reason"));
    let narrow = Actor { scopes: vec![TokenScope::Change], ..admin.clone() };
    assert_eq!(code(&engine.break_glass(&narrow, id, digest, "down").await.unwrap_err()), (403, "scope_missing"));
    let broken = engine.break_glass(&admin, id, digest, "the site is down").await.unwrap();
    let glass = broken.glass.expect("the glass is broken");
    assert_eq!((glass.by.as_str(), glass.authority, glass.reason.as_str()), ("ada", Authority::Administrator, "the site is down"));
    world.ends(&change, State::Succeeded).await;
    assert_eq!(world.effective_writes(), 1, "although it is frozen and nobody voted");
    let again = engine.break_glass(&admin, id, digest, "again").await.unwrap();
    assert_eq!(again.glass.unwrap().reason, "the site is down", "asked again, it is the same");

    let review = engine.reviews(&actor("viv"), false).await.unwrap().remove(0);
    assert_eq!((review.change.as_str(), review.due_at.seconds_since(review.glass.at)), (id, 86_400));
    assert_eq!(code(&engine.close_review(&admin, &review.id, "fine").await.unwrap_err()), (403, "own_review"));
    assert_eq!(code(&engine.close_review(&world.actor("bea"), &review.id, "fine").await.unwrap_err()), (403, "role_missing"));
    assert!(matches!(engine.close_review(&approver, &review.id, "").await.unwrap_err(), Error::Invalid { field, .. } if field == "note"));
    let closed = engine.close_review(&approver, &review.id, "it was right").await.unwrap();
    assert_eq!((closed.closed_by.as_deref(), closed.note.as_deref()), (Some("dmitri"), Some("it was right")));
    assert_eq!(code(&engine.close_review(&approver, &review.id, "again").await.unwrap_err()), (409, "already_closed"));
    assert!(engine.reviews(&actor("viv"), false).await.unwrap().is_empty());
    assert_eq!(engine.reviews(&actor("viv"), true).await.unwrap().len(), 1, "it is kept");
    let acts: Vec<_> =
        engine.store().audit_of(id).await.unwrap().into_iter().filter(|entry| entry.outcome != "denied").map(|e| e.what).collect();
    for act in ["change.break_glass", "review.close"] {
        assert!(acts.iter().any(|known| known == act), "{act}: {acts:?}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_vote_is_withdrawn_before_it_is_executed() {
    let world = world(ONE_VOTE, "[]").await;
    let change = world.promoted("bea").await;
    let freeze = frozen(&world, prod()).await;
    world.approved(&change, "dmitri").await;
    waits(&world.engine, &change).await;
    assert_eq!(code(&world.engine.withdraw(&world.actor("olivia"), &change.id, "").await.unwrap_err()), (409, "no_vote"));
    let back = world.engine.withdraw(&world.actor("dmitri"), &change.id, "a second thought").await.unwrap();
    assert_eq!((back.state, back.votes.len()), (State::AwaitingApproval, 0));
    world.engine.lift_freeze(&world.actor("olivia"), &freeze.id, "").await.unwrap();
    assert_eq!(world.sent_writes(), 0);
    let again = world.approved(&change, "olivia").await;
    assert_eq!(again.votes.iter().map(|vote| vote.by.as_str()).collect::<Vec<_>>(), ["olivia"]);
    world.ends(&change, State::Succeeded).await;
    assert_eq!(code(&world.engine.withdraw(&world.actor("olivia"), &change.id, "").await.unwrap_err()), (409, "too_late"));
    let acts: Vec<_> = world.engine.store().audit_of(&change.id).await.unwrap().into_iter().map(|entry| entry.what).collect();
    assert!(acts.contains(&"change.withdraw".to_owned()), "{acts:?}");
}

/// Its answer was lost, and the environment was frozen before it could be looked after: it waits again, and may be there all the same.
#[tokio::test(flavor = "multi_thread")]
async fn no_vote_is_withdrawn_from_what_was_sent() {
    let world = world(ONE_VOTE, "[]").await;
    let change = world.promoted("bea").await;
    world.prod.faults().fail(Match::on("patch", "deployments"), Fault::Answer(503), usize::MAX);
    world.approved(&change, "dmitri").await;
    eventually("it was sent", || async { world.engine.change(&actor("viv"), &change.id).await.unwrap().sent.then_some(()) }).await;
    frozen(&world, prod()).await;
    waits(&world.engine, &change).await;
    assert_eq!(code(&world.engine.withdraw(&world.actor("dmitri"), &change.id, "").await.unwrap_err()), (409, "too_late"));
    let now = world.engine.change(&actor("viv"), &change.id).await.unwrap();
    assert_eq!((now.state, now.votes.len()), (State::Ready, 1));
}

#[tokio::test(flavor = "multi_thread")]
async fn who_approved_may_still_reject_and_that_is_the_vote_that_is_kept() {
    let world = world("{rules: [{from: [\"team:devops\"], needed: 2}]}", "[]").await;
    let change = world.promoted("bea").await;
    world.approved(&change, "dmitri").await;
    let rejected = world.engine.reject(&world.actor("dmitri"), &change.id, None, "it breaks billing").await.unwrap();
    assert_eq!((rejected.state, rejected.votes.len(), rejected.votes[0].vote), (State::Rejected, 1, VoteKind::Reject));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_plan_that_runs_out_while_it_is_closed_ends_expired() {
    let world = world("{rules: [{from: [\"team:devops\"], needed: 1}], expires: 3s}", "[]").await;
    let change = world.promoted("bea").await;
    frozen(&world, prod()).await;
    world.approved(&change, "dmitri").await;
    let ended = world.ends(&change, State::Expired).await;
    assert!(ended.outcome.unwrap().reason.contains("because dmitri froze it"));
    assert_eq!(world.sent_writes(), 0);
}

/// A change that was approved and waited is met by a portal in whose configuration somebody has left their team: why it ends.
async fn ends_without(members: &str, those_who_stay: &str) -> String {
    let world = world(ONE_VOTE, "[]").await;
    let change = world.promoted("bea").await;
    let freeze = frozen(&world, prod()).await;
    world.approved(&change, "dmitri").await;
    waits(&world.engine, &change).await;
    world.engine.stop().await;
    let successor = world.another_portal_of(&config(ONE_VOTE, "[]").replacen(members, those_who_stay, 1)).await;
    let waiting = waits(&successor, &change).await;
    let gates = successor.gates(&actor("viv"), &waiting).await.unwrap();
    successor.lift_freeze(&world.actor("olivia"), &freeze.id, "").await.unwrap();
    let reason = ends_at(&successor, &change, State::Superseded).await.outcome.unwrap().reason;
    assert!(gates.iter().any(|gate| gate.name == "now" && gate.detail == reason), "it was said before: {reason}, {gates:?}");
    assert_eq!(world.sent_writes(), 0);
    reason
}

#[tokio::test(flavor = "multi_thread")]
async fn roles_are_read_again_when_it_is_executed() {
    let why = ends_without("members: [olivia, dmitri]", "members: [olivia]").await;
    assert!(why.contains("the votes no longer suffice"), "{why}");
}

#[tokio::test(flavor = "multi_thread")]
async fn who_asked_must_still_be_one_who_may_when_it_is_executed() {
    let why = ends_without("members: [bea, ben]", "members: [ben]").await;
    assert!(why.contains("bea asked for it, and may not ask for changes any more"), "{why}");
}

#[tokio::test(flavor = "multi_thread")]
async fn whoever_broke_the_glass_must_still_be_an_administrator() {
    let world = world(ONE_VOTE, "[]").await;
    let change = world.promoted("bea").await;
    let unreachable = Match::on("get", "deployments").named("devmatrix-api");
    world.prod.faults().fail(unreachable, Fault::Answer(503), usize::MAX);
    world.engine.break_glass(&world.actor("ada"), &change.id, &change.digest, "nobody else is awake").await.unwrap();
    eventually("the worker cannot look at the target", || async {
        let now = world.engine.change(&actor("viv"), &change.id).await.unwrap();
        now.steps.iter().any(|step| step.name == "check" && step.detail.contains("waiting for the cluster")).then_some(())
    })
    .await;
    world.engine.stop().await;
    world.prod.faults().clear();
    let successor = world.another_portal_of(&config(ONE_VOTE, "[]").replacen("roles: [admin]", "roles: [viewer]", 1)).await;
    let ended = ends_at(&successor, &change, State::Superseded).await;
    assert_eq!(ended.outcome.unwrap().reason, "ada broke the glass, and may not do so any more");
    assert_eq!(world.sent_writes(), 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_write_whose_answer_was_lost_is_not_sent_again_while_it_is_frozen() {
    let world = world(ONE_VOTE, "[]").await;
    let change = world.promoted("bea").await;
    world.prod.faults().fail(Match::on("patch", "deployments"), Fault::Reset, 1);
    world.approved(&change, "dmitri").await;
    eventually("no certain answer came", || async {
        let now = world.engine.change(&actor("viv"), &change.id).await.unwrap();
        now.steps.iter().any(|step| step.detail.contains("no certain answer")).then_some(())
    })
    .await;
    let freeze = frozen(&world, prod()).await;
    waits(&world.engine, &change).await;
    assert_eq!(world.effective_writes(), 0);
    world.engine.lift_freeze(&world.actor("olivia"), &freeze.id, "").await.unwrap();
    world.ends(&change, State::Succeeded).await;
    assert_eq!(world.effective_writes(), 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_closed_window_refuses_and_says_when_it_opens() {
    let world = world(ONE_VOTE, "[{deny: daily, zone: Europe/Berlin, reason: a freeze for good}]").await;
    let refused = world.engine.ask(&world.actor("bea"), promote(), None).await.unwrap_err();
    assert_eq!(code(&refused), (422, "window_closed"));
    assert!(refused.to_string().contains("does not open within a year"), "{refused}");
    let policy = world.engine.policy(&actor("viv"), "prod").await.unwrap();
    assert_eq!((policy.windows[0].when.as_str(), policy.windows[0].now, policy.closes), ("daily Europe/Berlin", true, None));
    world.engine.ask(&world.actor("bea"), restart("staging"), None).await.expect("staging has no windows");
}

/// While it waits its gates are those of now; its plan, for which people vote, stays as it was.
#[tokio::test(flavor = "multi_thread")]
async fn the_gates_of_what_waits_are_of_now() {
    let world = world(ONE_VOTE, "[]").await;
    let change = world.promoted("bea").await;
    let open = || async {
        let now = world.engine.change(&actor("viv"), &change.id).await.unwrap();
        let gates = world.engine.gates(&actor("viv"), &now).await.unwrap();
        assert_eq!((now.digest, gates.len()), (change.digest.clone(), change.plan.gates.len()));
        gates.into_iter().find(|gate| gate.name == "open").unwrap()
    };
    assert_eq!(open().await.state, "pass");
    let freeze = frozen(&world, prod()).await;
    let closed = open().await;
    assert_eq!((closed.state.as_str(), closed.detail.contains("because dmitri froze it")), ("fail", true), "{closed:?}");
    world.engine.lift_freeze(&world.actor("olivia"), &freeze.id, "").await.unwrap();
    assert_eq!(open().await.state, "pass");
    world.approved(&change, "dmitri").await;
    let ended = world.ends(&change, State::Succeeded).await;
    frozen(&world, prod()).await;
    assert_eq!(world.engine.gates(&actor("viv"), &ended).await.unwrap(), change.plan.gates, "what has ended keeps those of its plan");
}

/// Whoever deploys may say who wrote it, and then those do not decide.
#[tokio::test(flavor = "multi_thread")]
async fn the_authors_of_a_deployed_image_do_not_decide_on_it() {
    let approval = "{rules: [{from: [\"team:devops\"], needed: 1}], exclude_authors: true}";
    let staging = format!("namespace: devmatrix-staging, approval: {approval}}}");
    let config = config(approval, "[]").replacen("namespace: devmatrix-staging}", &staging, 1);
    let world = World::configured(&config, Patience::default(), |_| {}).await;
    let name = |text: &str| Name::parse("name", text).unwrap();
    let image = domain::changes::image("image", &sim::digest_of("registry.devmatrix.example/devmatrix/api:1.44.0")).unwrap();
    let deploy = |authors| Request::Deploy {
        component: name("api"),
        environment: name("staging"),
        image: image.clone(),
        authors,
        reason: "a build".into(),
    };
    let unknown = world.engine.preview(&world.actor("bea"), deploy(vec![])).await.unwrap();
    assert!(unknown.gates.iter().any(|gate| gate.name == "authors" && gate.state == "warn"), "{:?}", unknown.gates);
    let change = world.engine.ask(&world.actor("bea"), deploy(vec![name("dmitri")]), None).await.unwrap().change;
    let mine = world.engine.approve(&world.actor("dmitri"), &change.id, &change.digest, "").await.unwrap_err();
    assert_eq!(code(&mine), (403, "author_approval"));
    world.approved(&change, "olivia").await;
    world.ends(&change, State::Succeeded).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn several_rules_need_several_people() {
    let world = world("{rules: [{from: [\"team:devops\"], needed: 1}, {from: [\"team:devops\", \"person:pia\"], needed: 1}]}", "[]").await;
    let change = world.promoted("bea").await;
    assert_eq!(world.approved(&change, "olivia").await.state, State::AwaitingApproval, "one person counts once over all rules");
    let approved = world.approved(&change, "pia").await;
    assert!(approved.state != State::AwaitingApproval);
    world.ends(&change, State::Succeeded).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn who_wrote_the_release_does_not_decide_on_it() {
    let approval = "{rules: [{from: [\"team:devops\"], needed: 1}], exclude_authors: true}";
    let written = |cluster: &sim::Cluster| {
        if cluster.get("deployments", "devmatrix-staging", "devmatrix-api").is_some() {
            let mut object = deployment("devmatrix-staging", "1.43.1");
            object["spec"]["template"]["metadata"]["labels"]["app.kubernetes.io/version"] = json!("1.43.1");
            object["spec"]["template"]["metadata"]["annotations"] = json!({"devmatrix.io/author": "dmitri, bea"});
            cluster.apply(object).unwrap();
        }
    };
    let world = World::configured(&config(approval, "[]"), Patience::default(), written).await;
    let change = world.engine.ask(&world.actor("pia"), promote(), None).await.unwrap().change;
    assert_eq!(change.plan.authors, Some(vec!["dmitri".to_owned(), "bea".to_owned()]));
    let mine = world.engine.approve(&world.actor("dmitri"), &change.id, &change.digest, "").await.unwrap_err();
    assert_eq!(code(&mine), (403, "author_approval"));
    assert!(world.engine.waiting_for(&world.actor("dmitri")).await.unwrap().is_empty());
    world.approved(&change, "olivia").await;
    world.ends(&change, State::Succeeded).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn freezes_are_set_by_approvers_lifted_once_and_kept() {
    let world = world(ONE_VOTE, "[]").await;
    let (engine, dmitri) = (&world.engine, world.actor("dmitri"));
    assert_eq!(code(&engine.freeze(&world.actor("bea"), prod()).await.unwrap_err()), (403, "role_missing"));
    assert_eq!(code(&engine.freeze(&dmitri, freeze_of(Scope::Environment("prdo".into()))).await.unwrap_err()), (404, "not_found"));
    let field = |new: NewFreeze| async {
        match engine.freeze(&dmitri, new).await.unwrap_err() {
            Error::Invalid { field, .. } => field,
            other => panic!("{other:?}"),
        }
    };
    assert_eq!(field(NewFreeze { reason: "  ".into(), ..prod() }).await, "reason");
    assert_eq!(field(NewFreeze { until: Some(Time(0)), ..prod() }).await, "until");
    assert_eq!(field(NewFreeze { until: Some(engine.now().plus_seconds(3 * 366 * 86_400)), ..prod() }).await, "until");
    let key = |body: &str| Some(IdempotencyKey { key: "k".into(), body_sha256: body.into() });
    let once = engine.freeze(&dmitri, NewFreeze { key: key("a"), ..prod() }).await.unwrap();
    assert_eq!(
        engine.freeze(&dmitri, NewFreeze { key: key("a"), ..prod() }).await.unwrap().id,
        once.id,
        "a repeated key is the same freeze"
    );
    let reused = engine.freeze(&dmitri, NewFreeze { key: key("b"), ..prod() }).await.unwrap_err();
    assert_eq!(code(&reused), (422, "idempotency_key_reused"));
    engine.lift_freeze(&dmitri, &once.id, "").await.unwrap();
    let later = engine.now().plus_seconds(3600);
    engine.freeze(&dmitri, NewFreeze { from: Some(later), until: Some(later.plus_seconds(60)), ..prod() }).await.unwrap();
    engine.ask(&world.actor("bea"), promote(), None).await.expect("that freeze has not begun");
    let freeze = frozen(&world, freeze_of(Scope::Production)).await;
    assert_eq!(engine.freezes(&actor("viv"), Some("prod"), false).await.unwrap().len(), 2);
    assert!(engine.freezes(&actor("viv"), Some("staging"), false).await.unwrap().is_empty(), "staging is no production");
    assert_eq!(code(&engine.lift_freeze(&world.actor("bea"), &freeze.id, "").await.unwrap_err()), (403, "role_missing"));
    engine.lift_freeze(&world.actor("olivia"), &freeze.id, "the migration is done").await.unwrap();
    assert_eq!(code(&engine.lift_freeze(&dmitri, &freeze.id, "").await.unwrap_err()), (404, "not_found"));
    let kept = engine.freezes(&actor("viv"), None, true).await.unwrap().into_iter().find(|kept| kept.id == freeze.id).unwrap();
    assert_eq!((kept.lifted_by.as_deref(), kept.lift_reason.as_deref()), (Some("olivia"), Some("the migration is done")));
    let acts: Vec<_> = engine.store().audit_of(&freeze.id).await.unwrap().into_iter().map(|entry| (entry.what, entry.outcome)).collect();
    let act = |what: &str, outcome: &str| (what.to_owned(), outcome.to_owned());
    assert_eq!(acts, [act("freeze.set", "done"), act("freeze.lift", "denied"), act("freeze.lift", "done")]);
}

/// A freeze that races with a write: by the order of the record, no write is intended between its setting and its lifting.
#[tokio::test(flavor = "multi_thread")]
async fn no_write_is_intended_between_a_freeze_and_its_lifting() {
    let world = world(ONE_VOTE, "[]").await;
    let (dmitri, bea) = (world.actor("dmitri"), world.actor("bea"));
    let mut waited = 0;
    for round in 0..5u64 {
        let change = world.engine.ask(&bea, restart("staging"), None).await.unwrap().change;
        tokio::time::sleep(std::time::Duration::from_millis(round * 3)).await;
        let freeze = world.engine.freeze(&dmitri, freeze_of(Scope::Environment("staging".into()))).await.unwrap();
        eventually("it waits, or was quicker than the freeze", || async {
            let now = world.engine.change(&bea, &change.id).await.unwrap();
            let waits = now.state == State::Ready && now.steps.iter().any(|step| step.detail.contains("is closed until"));
            (waits || now.state.is_terminal()).then_some(())
        })
        .await;
        world.engine.lift_freeze(&dmitri, &freeze.id, "").await.unwrap();
        world.ends(&change, State::Succeeded).await;
        world.settled("staging").await;
        let seq = |entries: &[domain::audit::Entry], what: &str| entries.iter().find(|e| e.what == what).map(|e| e.seq).unwrap();
        let (of_change, of_freeze) =
            (world.engine.store().audit_of(&change.id).await.unwrap(), world.engine.store().audit_of(&freeze.id).await.unwrap());
        let (set, lifted, intended) = (seq(&of_freeze, "freeze.set"), seq(&of_freeze, "freeze.lift"), seq(&of_change, "cluster.intend"));
        assert!(intended < set || intended > lifted, "round {round}: {set} < {intended} < {lifted}");
        waited += i32::from(intended > lifted);
    }
    println!("{waited} of 5 waited for the lifting");
}
