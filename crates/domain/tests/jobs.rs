//! Jobs that are run from CronJobs: what is made of a template, what is refused, and that a Job is made once.

#![allow(clippy::unwrap_used, clippy::panic)]

use domain::Time;
use domain::catalog::{Approval, Environment, Group, Rule};
use domain::changes::plan::{JobFacts, KEPT_S, run_job};
use domain::changes::step::{JobEnd, Journal, MAY_ARRIVE, Next, Present, Ran, Seen, Written, next_step};
use domain::changes::{CHANGE_ANNOTATION, FENCE_ANNOTATION, Kind, PatchKind, Plan, RefusalCode, Stamp, State, Target};
use domain::clusters::{PodSaid, Rollout};
use proptest::prelude::*;
use serde_json::{Value, json};

const DAY: i64 = 24 * 3600;

fn cron() -> Value {
    json!({
        "metadata": {"name": "backup", "uid": "u-1", "generation": 3, "resourceVersion": "70"},
        "spec": {
            "schedule": "0 2 * * *", "concurrencyPolicy": "Allow",
            "jobTemplate": {
                "metadata": {"labels": {"app": "backup"}, "annotations": {"team": "platform"}},
                "spec": {"backoffLimit": 2, "template": {"spec": {
                    "restartPolicy": "Never", "containers": [{"name": "backup", "image": "registry.example/backup:2.3.0"}],
                }}},
            },
        },
    })
}

fn environment() -> Environment {
    let rules = vec![Rule { from: vec![Group::Team("devops".into())], needed: 1 }];
    Environment {
        name: "prod".into(),
        title: "Production".into(),
        stage: 1,
        cluster: "c".into(),
        namespace: "ns".into(),
        branch: None,
        production: true,
        promote_from: None,
        approval: Some(Approval { rules, exclude_requester: true, exclude_authors: false, expires_s: 3600 }),
        windows: vec![],
        rollback_needs_approval: false,
        rollback_automatic: false,
    }
}

fn facts() -> JobFacts {
    JobFacts {
        now: Time(7_200_500),
        requester: "bea".into(),
        environment: environment(),
        cluster_title: "EKS us-east-1".into(),
        cron_job: "backup".into(),
        cron: Some(cron()),
        running: vec![],
        freezes: vec![],
        break_glass: false,
        policy_version: "p1".into(),
    }
}

fn plan_of(change: impl Fn(&mut JobFacts)) -> Result<Plan, RefusalCode> {
    let mut facts = facts();
    change(&mut facts);
    let draft = run_job(&facts, "before the migration").map_err(|refusal| refusal.code)?;
    let mut made: Value = draft.patch().body.clone();
    made["metadata"]["name"] = json!("backup-x7k2p");
    made["spec"]["selector"] = json!({"matchLabels": {"batch.kubernetes.io/controller-uid": "u-9"}});
    made["spec"]["template"]["metadata"] = json!({"labels": {"controller-uid": "u-9", "job-name": "backup-x7k2p", "app": "backup"}});
    Ok(draft.with_dry_run(&made))
}

fn plan() -> Plan {
    plan_of(|_| {}).unwrap()
}

fn with(pointer: &str, value: Value) -> impl Fn(&mut JobFacts) {
    let (parent, field) = pointer.rsplit_once('/').unwrap();
    let (parent, field) = (parent.to_owned(), field.to_owned());
    move |facts| facts.cron.as_mut().unwrap().pointer_mut(&parent).unwrap()[&field] = value.clone()
}

fn sent(plan: &Plan, change: &str) -> Value {
    let stamp = Stamp { change, fence: 7, cause: None, resource_version: "70", annotated: true };
    serde_json::from_str(&plan.patch.stamped(&stamp)).unwrap()
}

#[test]
fn a_job_is_what_the_template_says_under_a_name_of_its_change() {
    let plan = plan();
    assert_eq!((plan.kind, plan.component.as_str(), plan.cron_job()), (Kind::RunJob, "cronjob/backup", Some("backup")));
    assert_eq!(plan.summary, "Run backup in Production");
    assert_eq!(plan.approval.as_ref().unwrap().rules[0].needed, 1, "it needs the votes that any change of the environment needs");
    let job = sent(&plan, "change-1");
    let name = job["metadata"]["name"].as_str().unwrap();
    assert!(name.starts_with("backup-") && name.len() == "backup-".len() + 10, "{name}");
    assert_eq!(plan.patch.makes("change-1").as_deref(), Some(name), "the same name each time");
    assert_ne!(plan.patch.makes("change-2").as_deref(), Some(name), "and another one for another change");
    assert_eq!(job["metadata"].get("generateName"), None);
    assert_eq!(job["metadata"]["labels"], json!({"app": "backup"}));
    let annotations = &job["metadata"]["annotations"];
    assert_eq!((&annotations[CHANGE_ANNOTATION], &annotations[FENCE_ANNOTATION]), (&json!("change-1"), &json!("7")));
    assert_eq!((&annotations["team"], &annotations["cronjob.kubernetes.io/instantiate"]), (&json!("platform"), &json!("manual")));
    let owner = json!([{"apiVersion": "batch/v1", "kind": "CronJob", "name": "backup", "uid": "u-1"}]);
    assert_eq!(job["metadata"]["ownerReferences"], owner, "it goes with the CronJob, whose history limits do not take it away");
    assert_eq!(job["spec"]["backoffLimit"], 2);
}

#[test]
fn the_longest_name_fits_into_a_label() {
    let plan = plan_of(|facts| facts.cron_job = "n".repeat(52)).unwrap();
    assert_eq!(plan.patch.makes("change-1").unwrap().len(), 63);
}

#[test]
fn a_job_stays_long_enough_to_be_found_again() {
    let kept = |facts: &dyn Fn(&mut JobFacts)| sent(&plan_of(facts).unwrap(), "c")["spec"]["ttlSecondsAfterFinished"].as_i64().unwrap();
    let field = "/spec/jobTemplate/spec/ttlSecondsAfterFinished";
    assert_eq!(kept(&|_| {}), 7 * DAY, "where the template does not say");
    assert_eq!(kept(&with(field, json!(0))), DAY);
    assert_eq!(kept(&with(field, json!(3 * DAY))), 3 * DAY);
    let said = plan_of(with(field, json!(60))).unwrap();
    let words = said.words.iter().find(|word| word.what == "Afterwards").unwrap();
    assert!(words.text.contains("the template says 1 min 00 s"), "{}", words.text);
}

#[test]
fn the_diff_shows_the_job_and_nothing_of_the_try() {
    let diff = plan().diff;
    assert!(diff.unified.contains("+kind: Job") && diff.removed == 0, "{}", diff.unified);
    assert!(diff.unified.contains("app: backup"), "{}", diff.unified);
    for noise in ["x7k2p", "u-9", "selector", "null"] {
        assert!(!diff.unified.contains(noise), "{noise} in {}", diff.unified);
    }
    assert_eq!(plan().digest(), plan().digest());
}

#[test]
fn what_may_not_be_run_is_refused_and_what_one_should_know_is_said() {
    let forbid = with("/spec/concurrencyPolicy", json!("Forbid"));
    let runs = |facts: &mut JobFacts| facts.running = vec!["backup-29".into()];
    assert_eq!(plan_of(|facts| facts.cron = None).unwrap_err(), RefusalCode::CronJobMissing);
    let both = plan_of(|facts| {
        forbid(facts);
        runs(facts);
    });
    assert_eq!(both.unwrap_err(), RefusalCode::JobRunning);
    let gate = |plan: &Plan, name: &str| plan.gates.iter().find(|gate| gate.name == name).map(|gate| gate.state.clone());
    assert_eq!(gate(&plan_of(&forbid).unwrap(), "running").as_deref(), Some("pass"));
    assert_eq!(gate(&plan_of(runs).unwrap(), "running").as_deref(), Some("warn"), "side by side, where it is allowed");
    assert_eq!(gate(&plan(), "suspended"), None);
    assert_eq!(gate(&plan_of(with("/spec/suspend", json!(true))).unwrap(), "suspended").as_deref(), Some("warn"));
}

fn target() -> Target {
    plan().target
}

fn seen_cron(change: impl Fn(&mut Present)) -> Seen {
    let target = target();
    let mut present = Present {
        uid: target.uid,
        resource_version: "70".into(),
        generation: target.generation,
        spec_hash: target.spec_hash,
        annotated: true,
        change: None,
        rollout: Rollout::Waiting("its Job is not there".into()),
        failing: None,
        progressed: None,
        replica_failure: None,
        held_up: None,
        refused: None,
    };
    change(&mut present);
    Seen::There(Box::new(present))
}

fn job(change: impl Fn(&mut Ran)) -> Seen {
    let mut ran = Ran {
        name: "backup-1".into(),
        change: Some("mine".into()),
        generation: 1,
        spec_hash: "made".into(),
        end: None,
        how: "1 pod is at work, 0 of 1 succeeded".into(),
        failing: None,
    };
    change(&mut ran);
    Seen::Ran(Box::new(ran))
}

fn intended(tries: i64) -> Written {
    Written::Intended { resource_version: "70".into(), tries, conflicts: 0, unanswered: true }
}

fn applied() -> Written {
    Written::Applied { generation: 1, spec_hash: "made".into() }
}

/// `now` in seconds; it was first journalled at 0, and its plan is good for 1000 s.
fn step(written: &Written, seen: &Seen, now: i64) -> Next {
    let target = target();
    let (intended_at, written_at) = match written {
        Written::Nothing => (None, None),
        Written::Intended { .. } => (Some(Time(0)), None),
        Written::Applied { .. } => (Some(Time(0)), Some(Time(0))),
    };
    let valid_until = Time(1_000_000);
    next_step(
        &Journal { id: "mine", target: &target, patch: PatchKind::CreateJob, valid_until, written, intended_at, written_at, closed: None },
        seen,
        Time(now * 1000),
    )
}

fn ends(next: &Next) -> Option<State> {
    match next {
        Next::Finish { state, .. } => Some(*state),
        _ => None,
    }
}

#[test]
fn it_is_made_when_all_is_as_planned_and_not_otherwise() {
    assert!(matches!(step(&Written::Nothing, &seen_cron(|_| {}), 1), Next::Intend { .. }));
    assert_eq!(ends(&step(&Written::Nothing, &seen_cron(|cron| cron.generation += 1), 1)), Some(State::Superseded));
    assert_eq!(ends(&step(&Written::Nothing, &seen_cron(|cron| cron.uid = "u-2".into()), 1)), Some(State::Superseded));
    assert_eq!(ends(&step(&Written::Nothing, &Seen::Gone, 1)), Some(State::Superseded));
    assert_eq!(ends(&step(&Written::Nothing, &seen_cron(|_| {}), 1001)), Some(State::Expired));
}

#[test]
fn a_lost_answer_is_looked_up_by_name() {
    assert!(matches!(step(&intended(1), &job(|_| {}), 5), Next::Adopt { .. }), "ours is there");
    assert!(matches!(step(&intended(1), &job(|ran| ran.end = Some(JobEnd::Complete)), 5), Next::Adopt { .. }), "even at its end");
    assert_eq!(ends(&step(&intended(1), &job(|ran| ran.change = None), 5)), Some(State::Errored), "somebody else's of that name");
    assert_eq!(step(&intended(1), &seen_cron(|_| {}), 5), Next::Send, "nothing became of it");
    // The status of a CronJob changes with each run: that is no reason to make other bytes.
    assert_eq!(step(&intended(9), &seen_cron(|cron| cron.resource_version = "99".into()), 5), Next::Send);
    assert_eq!(ends(&step(&intended(24), &seen_cron(|_| {}), 5)), Some(State::Errored));
    assert_eq!(ends(&step(&intended(1), &seen_cron(|cron| cron.spec_hash = "edited".into()), 5)), Some(State::Superseded));
    assert_eq!(ends(&step(&intended(1), &seen_cron(|_| {}), 1001)), Some(State::Expired));
    assert!(matches!(step(&intended(1), &Seen::Unreachable("down".into()), 5), Next::Retry(_)));
    let edited = seen_cron(|cron| (cron.spec_hash, cron.resource_version) = ("edited".into(), "99".into()));
    let Next::Finish { reason, .. } = step(&intended(1), &edited, 5) else { panic!("it goes on") };
    assert!(reason.ends_with(MAY_ARRIVE), "a creation fits whatever becomes of the CronJob: {reason}");
}

/// As long as a Job is kept at least, one that is not there was not made. Later it may have ended, and been taken away.
#[test]
fn after_a_day_away_it_is_not_guessed_whether_it_ran() {
    assert_eq!(ends(&step(&intended(1), &seen_cron(|_| {}), KEPT_S)), Some(State::Expired));
    assert_eq!(ends(&step(&intended(1), &seen_cron(|_| {}), KEPT_S + 1)), Some(State::Stuck));
    assert_eq!(ends(&step(&intended(1), &Seen::Gone, KEPT_S + 1)), Some(State::Stuck));
    let refused = Written::Intended { resource_version: "70".into(), tries: 3, conflicts: 0, unanswered: false };
    assert_eq!(ends(&step(&refused, &seen_cron(|_| {}), KEPT_S + 1)), Some(State::Expired), "each answer was a certain no: it has not run");
    assert!(matches!(step(&intended(1), &job(|_| {}), KEPT_S + 1), Next::Adopt { .. }), "what is there needs no guess");
}

#[test]
fn a_job_ends_as_its_controller_says() {
    assert_eq!(ends(&step(&applied(), &job(|ran| ran.end = Some(JobEnd::Complete)), 5)), Some(State::Succeeded));
    let failed = step(&applied(), &job(|ran| ran.end = Some(JobEnd::Failed("backoff limit".into()))), 5);
    assert_eq!(failed, Next::Finish { state: State::Failed, reason: "backoff limit".into(), failing_pod: None });
    assert!(matches!(step(&applied(), &job(|_| {}), DAY), Next::Watch(_)), "a backup may take hours");
    assert_eq!(ends(&step(&applied(), &job(|_| {}), DAY + 1)), Some(State::Stuck));
    assert_eq!(ends(&step(&applied(), &Seen::Unreachable("down".into()), DAY + 1)), Some(State::Stuck));
    assert_eq!(ends(&step(&applied(), &Seen::Gone, 5)), Some(State::Errored));
    assert_eq!(ends(&step(&applied(), &Seen::Gone, KEPT_S + 1)), Some(State::Stuck), "it may have completed and been cleared away");
    assert_eq!(ends(&step(&applied(), &job(|ran| ran.change = None), 5)), Some(State::Errored));
    let said = || PodSaid { pod: "p".into(), container: "backup".into(), reason: "ImagePullBackOff".into(), message: "no".into() };
    let stuck = step(&applied(), &job(|ran| ran.failing = Some(said())), 5);
    assert!(matches!(&stuck, Next::Finish { state: State::Failed, failing_pod: Some(_), .. }), "{stuck:?}");
}

fn any_seen() -> impl Strategy<Value = Seen> {
    let end = prop_oneof![Just(None), Just(Some(JobEnd::Complete)), Just(Some(JobEnd::Failed("no".into())))];
    prop_oneof![
        Just(Seen::Unreachable("down".into())),
        Just(Seen::Gone),
        (any::<bool>(), "[0-9]{2}").prop_map(|(edited, version)| seen_cron(|cron| {
            cron.resource_version = version.clone();
            cron.generation += i64::from(edited);
        })),
        (any::<bool>(), end).prop_map(|(ours, end)| job(|ran| {
            ran.end = end.clone();
            ran.change = ours.then(|| "mine".into());
        })),
    ]
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 3000, failure_persistence: None, ..ProptestConfig::default() })]

    /// Whatever is seen, in any order and for ever after: it comes to an end, and nothing is sent once the Job is known to be there,
    /// nor while the environment is closed.
    #[test]
    fn it_is_made_once_and_always_ends(sights in prop::collection::vec((any_seen(), any::<bool>(), 1..900i64), 1..6)) {
        let target = target();
        let (mut written, mut intended_at, mut written_at, mut now) = (Written::Nothing, None, None, Time(0));
        for (seen, closed, seconds) in sights.iter().chain(std::iter::repeat(sights.last().unwrap())).take(100_000) {
            let closed = closed.then_some("frozen");
            let valid_until = Time(1_200_000);
            let next = next_step(&Journal { id: "mine", target: &target, patch: PatchKind::CreateJob, valid_until, written: &written, intended_at, written_at, closed }, seen, now);
            let sends = matches!(next, Next::Intend { .. } | Next::Send);
            prop_assert!(!(sends && closed.is_some()), "it is sent while it is closed");
            prop_assert!(!(sends && matches!(written, Written::Applied { .. })), "it is made twice");
            prop_assert!(!(sends && matches!(seen, Seen::Ran(_))), "it is sent although one is there");
            match next {
                Next::Finish { .. } => return Ok(()),
                Next::Intend { resource_version } => {
                    intended_at = intended_at.or(Some(now));
                    written = Written::Intended { resource_version, tries: 1, conflicts: 0, unanswered: true };
                }
                Next::Send => {
                    if let Written::Intended { tries, .. } = &mut written {
                        *tries += 1;
                    }
                }
                Next::Adopt { generation, spec_hash } => {
                    written_at = written_at.or(Some(now));
                    written = Written::Applied { generation, spec_hash };
                }
                Next::IntendConfig { .. } | Next::SendConfig { .. } | Next::AdoptConfig { .. } => prop_assert!(false, "it has no configuration"),
                Next::Watch(_) | Next::Wait(_) | Next::Retry(_) => {}
            }
            now = now.plus_seconds(*seconds);
        }
        prop_assert!(false, "no end in {} hours", now.0 / 3_600_000);
    }
}
