//! What an environment's policy makes of a plan: refused while it is closed, unless it may pass; and authors who do not decide.

#![allow(clippy::unwrap_used, clippy::panic)]

use domain::Time;
use domain::access::Person;
use domain::catalog::{Approval, Component, DeclaredWorkload, Environment, Group, Rule};
use domain::changes::freeze::{Freeze, Scope};
use domain::changes::plan::{Live, draft, open_now};
use domain::changes::votes::{Voter, may_decide, may_withdraw};
use domain::changes::windows::{Effect, Window, parse};
use domain::changes::{Change, Facts, Gate, Kind, Plan, RefusalCode, Request, State, Vote, VoteKind, image};
use domain::clusters::{CellState, WorkloadKind};
use domain::names::Name;
use domain::releases::{DeploymentRecord, RecordOutcome};
use jiff::tz::TimeZone;
use serde_json::{Value, json};

const NOW: &str = "2026-11-28T10:00:00Z";

fn object(tag: &str) -> Value {
    json!({
        "metadata": {"name": "api", "uid": "u", "generation": 7, "annotations": {}},
        "spec": {"replicas": 4, "template": {"spec": {"containers": [{"name": "api", "image": format!("registry.example/api:{tag}")}]}}},
    })
}

fn live(tag: &str, digest: &str) -> Live {
    Live {
        object: object(tag),
        state: CellState::Healthy,
        reason: String::new(),
        digest: Some(format!("sha256:{digest:0>64}")),
        container: "api".into(),
        image: format!("registry.example/api:{tag}"),
        companions: vec![],
        since: None,
        managed_by: None,
    }
}

fn environment(name: &str) -> Environment {
    let rules = vec![Rule { from: vec![Group::Team("devops".into())], needed: 1 }];
    Environment {
        name: name.into(),
        title: name.to_uppercase(),
        stage: 1,
        cluster: "c".into(),
        namespace: "ns".into(),
        branch: None,
        production: name == "prod",
        promote_from: None,
        approval: Some(Approval { rules, exclude_requester: true, exclude_authors: true, expires_s: 86_400 }),
        windows: vec![],
        rollback_needs_approval: false,
        rollback_automatic: false,
    }
}

fn facts() -> Facts {
    Facts {
        now: Time::parse(NOW).unwrap(),
        requester: "bea".into(),
        component: Component {
            name: "api".into(),
            title: "API server".into(),
            owner: "backend".into(),
            technology: String::new(),
            image: None,
            port: None,
            replicas: None,
            cpu: None,
            memory: None,
            workload: DeclaredWorkload { kind: WorkloadKind::Deployment, name: "api".into() },
            container: None,
            companions: vec![],
            depends_on: vec![],
        },
        environment: environment("prod"),
        cluster_title: "EKS".into(),
        target: Some(live("1.0", "1")),
        source: Some((environment("staging"), Some(live("1.1", "2")))),
        record: Some((record(), json!({"spec": {}}))),
        since: vec![],
        config: None,
        holds: vec![],
        autoscaler: None,
        scaler: None,
        blocker: None,
        freezes: vec![],
        break_glass: false,
        authors: None,
        policy_version: "p".into(),
    }
}

fn record() -> DeploymentRecord {
    DeploymentRecord {
        id: "r".into(),
        component: "api".into(),
        environment: "prod".into(),
        revision: 3,
        image: "registry.example/api:0.9".into(),
        tag: None,
        digest: None,
        change: None,
        by: None,
        commit: None,
        cause: None,
        at: Time(0),
        outcome: RecordOutcome::Succeeded,
        duration_s: None,
        current: false,
    }
}

fn frozen(facts: &mut Facts) {
    facts.freezes = vec![Freeze {
        id: "f".into(),
        scope: Scope::Production,
        reason: "P0".into(),
        from: Time(0),
        until: None,
        by: "olivia".into(),
        at: Time(0),
        lifted_by: None,
        lifted_at: None,
        lift_reason: None,
    }];
}

fn weekend(facts: &mut Facts) {
    let when = parse("Sat, Sun", &TimeZone::UTC).unwrap();
    facts.environment.windows =
        vec![Window { effect: Effect::Deny, when, zone: TimeZone::UTC, reason: "weekend".into(), text: "Sat, Sun".into() }];
}

fn name(text: &str) -> Name {
    Name::parse("name", text).unwrap()
}

fn requests() -> [Request; 4] {
    let (component, environment, reason) = (name("api"), name("prod"), "why".to_owned());
    [
        Request::Promote { component: component.clone(), environment: environment.clone(), from: name("staging"), reason: reason.clone() },
        Request::Scale { component: component.clone(), environment: environment.clone(), replicas: 5, reason: reason.clone() },
        Request::Restart { component: component.clone(), environment: environment.clone(), reason: reason.clone() },
        Request::Rollback { component, environment, to_revision: 3, restore_config: false, reason },
    ]
}

fn deploy() -> Request {
    let image = image("image", &format!("registry.example/api:2.0@sha256:{:0>64}", 9)).unwrap();
    Request::Deploy { component: name("api"), environment: name("prod"), image, authors: vec![name("dmitri")], reason: "why".into() }
}

fn plan(facts: &Facts, request: &Request) -> Plan {
    draft(facts, request).unwrap().with_dry_run(&object("1.0"))
}

fn gate(plan: &Plan, name: &str) -> Gate {
    plan.gates.iter().find(|gate| gate.name == name).unwrap_or_else(|| panic!("no gate {name}")).clone()
}

#[test]
fn a_closed_environment_refuses_all_but_a_rollback() {
    for (close, code) in [(frozen as fn(&mut Facts), RefusalCode::Frozen), (weekend, RefusalCode::WindowClosed)] {
        let mut facts = facts();
        close(&mut facts);
        let [promote, scale, restart, rollback] = requests();
        for request in [promote, scale, restart] {
            let refusal = draft(&facts, &request).unwrap_err();
            assert_eq!(refusal.code, code, "{:?}", request.kind());
            assert!(refusal.why.starts_with("PROD is closed until "), "{}", refusal.why);
        }
        let open = gate(&plan(&facts, &rollback), "open");
        assert_eq!((open.state.as_str(), open.title.as_str()), ("warn", "Closed, and a rollback passes"));
    }
    let codes = [RefusalCode::Frozen, RefusalCode::WindowClosed].map(RefusalCode::as_str);
    assert_eq!(codes, ["frozen", "window_closed"]);
}

#[test]
fn a_freeze_is_named_before_a_window() {
    let mut facts = facts();
    frozen(&mut facts);
    weekend(&mut facts);
    assert_eq!(draft(&facts, &requests()[0]).unwrap_err().code, RefusalCode::Frozen);
}

#[test]
fn whoever_means_to_break_the_glass_gets_a_plan_that_says_what_is_closed() {
    let mut facts = facts();
    frozen(&mut facts);
    facts.break_glass = true;
    let open = gate(&plan(&facts, &requests()[0]), "open");
    assert_eq!(open.state, "fail");
    assert!(open.detail.contains("olivia froze production: P0") && open.detail.contains("until the glass is broken"), "{}", open.detail);
    facts.freezes.clear();
    assert_eq!(gate(&plan(&facts, &requests()[0]), "open").state, "pass", "nothing is closed: an ordinary plan");
}

#[test]
fn what_a_broken_glass_lets_through_is_closed_and_does_not_wait() {
    let mut facts = facts();
    frozen(&mut facts);
    let now = |let_through| open_now(&facts.environment, &facts.freezes, (Kind::Restart, let_through), facts.now);
    assert_eq!((now(false).state.as_str(), now(true).state.as_str()), ("fail", "warn"));
    assert!(now(false).detail.contains("It waits until then") && !now(true).detail.contains("waits"), "{:?}", now(true));
}

#[test]
fn an_open_environment_says_when_it_closes() {
    let mut facts = facts();
    assert_eq!(gate(&plan(&facts, &requests()[2]), "open").detail, "No freeze, and no windows are set here");
    weekend(&mut facts);
    facts.now = Time::parse("2026-11-27T10:00:00Z").unwrap();
    assert_eq!(gate(&plan(&facts, &requests()[2]), "open").detail, "Closes Sat 28 Nov 2026 00:00 UTC");
}

#[test]
fn authors_are_named_in_the_plan_or_said_to_be_unknown() {
    let mut facts = facts();
    let [promote, scale, ..] = requests();
    assert_eq!(gate(&plan(&facts, &promote), "authors").state, "warn", "nobody knows who wrote it");
    assert!(plan(&facts, &scale).gates.iter().all(|gate| gate.name != "authors"), "no release moves");
    facts.authors = Some(vec!["dmitri".into()]);
    let named = plan(&facts, &promote);
    assert_eq!((gate(&named, "authors").state.as_str(), named.authors.as_deref()), ("pass", Some(["dmitri".to_owned()].as_slice())));
    let deployed = plan(&facts, &deploy());
    assert_eq!(gate(&deployed, "authors").detail, "Its commits are by dmitri, as whoever asks says");
    facts.authors = None;
    assert_eq!(gate(&plan(&facts, &deploy()), "authors").state, "warn", "who asks for a deploy may say who wrote it");
    facts.environment.approval.as_mut().unwrap().exclude_authors = false;
    assert!(plan(&facts, &promote).gates.iter().all(|gate| gate.name != "authors"), "nobody asks for it");
}

fn change(plan: Plan, state: State) -> Change {
    Change {
        id: "c".into(),
        number: 1,
        state,
        digest: plan.digest(),
        plan,
        requested_at: Time(0),
        votes: vec![],
        glass: None,
        steps: vec![],
        outcome: None,
        sent: false,
        written_generation: None,
        config: vec![],
    }
}

fn voter(name: &str, team: &str) -> Voter {
    Voter { person: Person { name: name.into(), title: name.into(), teams: vec![team.into()], roles: vec![] }, duties: vec![] }
}

#[test]
fn the_requester_an_author_and_others_may_not_decide() {
    let mut facts = facts();
    facts.authors = Some(vec!["dmitri".into()]);
    let change = change(plan(&facts, &requests()[0]), State::AwaitingApproval);
    let code = |name: &str, team: &str| may_decide(&change, &voter(name, team)).map_err(|error| error.code().to_owned());
    assert_eq!(code("olivia", "devops"), Ok(()));
    assert_eq!(code("bea", "devops"), Err("self_approval".into()));
    assert_eq!(code("dmitri", "devops"), Err("author_approval".into()));
    assert_eq!(code("pia", "platform"), Err("not_an_approver_here".into()));
}

fn approval(by: &str, digest: &str) -> Vote {
    let (by, digest) = (by.to_owned(), digest.to_owned());
    Vote { by, vote: VoteKind::Approve, at: Time(0), digest, reason: String::new(), duties: vec![] }
}

#[test]
fn a_vote_is_withdrawn_before_execution_by_whoever_cast_it() {
    let code = |state: State, by: &str, kind: VoteKind| {
        let mut change = change(plan(&facts(), &requests()[0]), state);
        change.votes = vec![Vote { vote: kind, ..approval("olivia", &change.digest) }];
        may_withdraw(&change, &voter(by, "devops").person).map_err(|error| error.code().to_owned())
    };
    for state in State::ALL {
        let early = matches!(state, State::AwaitingApproval | State::Ready);
        assert_eq!(code(state, "olivia", VoteKind::Approve).is_ok(), early, "{state}");
    }
    assert_eq!(code(State::Running, "olivia", VoteKind::Approve), Err("too_late".into()));
    let mut sent = change(plan(&facts(), &requests()[0]), State::Ready);
    sent.votes = vec![approval("olivia", &sent.digest)];
    assert!(may_withdraw(&sent, &voter("olivia", "devops").person).is_ok());
    sent.sent = true;
    let refused = may_withdraw(&sent, &voter("olivia", "devops").person).unwrap_err();
    assert_eq!(refused.code(), "too_late", "{refused}");
    assert_eq!(code(State::Ready, "dmitri", VoteKind::Approve), Err("no_vote".into()));
    assert_eq!(code(State::AwaitingApproval, "olivia", VoteKind::Reject), Err("no_vote".into()));
}
