//! The ConfigMaps of a rollback: which is written next, for every state of their journal times everything that can be seen.

#![allow(clippy::unwrap_used, clippy::panic)]

use domain::Time;
use domain::changes::config::{ConfigPresent, ConfigSeen, ConfigWritten, Restoring, next_write};
use domain::changes::diff::Diff;
use domain::changes::plan::Target;
use domain::changes::step::{Journal, MAY_ARRIVE, Next, Present, Seen, Written, next_step};
use domain::changes::{ConfigWrite, PatchKind, State};
use domain::clusters::{Rollout, WorkloadKind};
use proptest::prelude::*;
use serde_json::json;

fn target() -> Target {
    Target {
        cluster: "prod".into(),
        namespace: "ns".into(),
        kind: WorkloadKind::Deployment.into(),
        name: "api".into(),
        uid: "uid".into(),
        generation: 7,
        spec_hash: "planned".into(),
        autoscaler: None,
        replicas_float: false,
        spec_hash_after: None,
    }
}

fn workload(change: impl FnOnce(&mut Present)) -> Seen {
    let mut present = Present {
        uid: "uid".into(),
        resource_version: "100".into(),
        generation: 7,
        spec_hash: "planned".into(),
        annotated: true,
        change: None,
        rollout: Rollout::Complete,
        failing: None,
        progressed: None,
        replica_failure: None,
        held_up: None,
        refused: None,
    };
    change(&mut present);
    Seen::There(Box::new(present))
}

/// `gone`: it is made anew.
fn write(name: &str, gone: bool) -> ConfigWrite {
    let there = |text: &str| (!gone).then(|| text.to_owned());
    let (uid, hash) = (there(&format!("uid-{name}")), there("planned"));
    ConfigWrite { name: name.into(), uid, hash, hash_after: "then".into(), body: json!({}), diff: Diff::default() }
}

fn map(name: &str, change: impl FnOnce(&mut ConfigPresent)) -> ConfigSeen {
    let mut present = ConfigPresent {
        uid: format!("uid-{name}"),
        resource_version: "40".into(),
        hash: "planned".into(),
        change: Some("an older change".into()),
        locked: None,
    };
    change(&mut present);
    ConfigSeen::There(present)
}

fn restored(name: &str) -> ConfigSeen {
    map(name, |present| (present.hash, present.change, present.resource_version) = ("then".into(), Some("mine".into()), "41".into()))
}

fn intended(resource_version: &str, tries: i64) -> ConfigWritten {
    ConfigWritten::Intended { resource_version: resource_version.into(), tries, unanswered: true }
}

/// Of two: `web`, which is there, and `worker`, which is gone.
fn two(web: (ConfigWritten, ConfigSeen), worker: (ConfigWritten, ConfigSeen)) -> Restoring {
    Restoring { maps: vec![(write("web", false), web.0, web.1), (write("worker", true), worker.0, worker.1)] }
}

fn decide(written: &Written, restoring: &Restoring, seen: &Seen, closed: Option<&str>, now: i64) -> Next {
    let target = target();
    let journal = Journal {
        id: "mine",
        target: &target,
        patch: PatchKind::StrategicMerge,
        valid_until: Time(1000),
        written,
        intended_at: None,
        written_at: Some(Time(0)),
        closed,
    };
    next_write(&journal, restoring, seen, Time(now))
}

fn step(restoring: &Restoring) -> Next {
    decide(&Written::Nothing, restoring, &workload(|_| {}), None, 0)
}

fn superseded(next: Next) -> String {
    match next {
        Next::Finish { state: State::Superseded, reason, .. } => reason,
        other => panic!("it goes on: {other:?}"),
    }
}

const NOTHING: ConfigWritten = ConfigWritten::Nothing;
const APPLIED: ConfigWritten = ConfigWritten::Applied;

#[test]
fn they_are_written_in_order_and_the_workload_after_them() {
    let planned = || map("web", |_| {});
    let first = Next::IntendConfig { position: 0, name: "web".into(), resource_version: "40".into() };
    assert_eq!(step(&two((NOTHING, planned()), (NOTHING, ConfigSeen::Gone))), first);
    let second = Next::IntendConfig { position: 1, name: "worker".into(), resource_version: String::new() };
    assert_eq!(step(&two((APPLIED, restored("web")), (NOTHING, ConfigSeen::Gone))), second);
    let all = two((APPLIED, restored("web")), (APPLIED, restored("worker")));
    assert_eq!(step(&all), Next::Intend { resource_version: "100".into() });
    let none = Restoring::default();
    assert_eq!(step(&none), Next::Intend { resource_version: "100".into() }, "as every other change");
}

#[test]
fn an_answer_that_was_lost_is_recognised_and_nothing_is_written_twice() {
    let arrived = two((intended("40", 1), restored("web")), (NOTHING, ConfigSeen::Gone));
    assert_eq!(step(&arrived), Next::AdoptConfig { position: 0, name: "web".into() });
    let edited = map("web", |present| (present.hash, present.change) = ("theirs".into(), Some("mine".into())));
    assert_eq!(
        step(&two((intended("40", 1), edited.clone()), (NOTHING, ConfigSeen::Gone))),
        Next::AdoptConfig { position: 0, name: "web".into() }
    );
    let why = superseded(step(&two((APPLIED, edited), (NOTHING, ConfigSeen::Gone))));
    assert_eq!(why, "ConfigMap web was changed again, outside this change, after it was restored; plan again");
    let again = Next::SendConfig { position: 0, name: "web".into() };
    assert_eq!(step(&two((intended("40", 1), map("web", |_| {})), (NOTHING, ConfigSeen::Gone))), again, "nothing became of it");
    let moved_on = map("web", |present| present.resource_version = "45".into());
    let anew = Next::IntendConfig { position: 0, name: "web".into(), resource_version: "45".into() };
    assert_eq!(step(&two((intended("40", 1), moved_on), (NOTHING, ConfigSeen::Gone))), anew, "only its labels were touched");
    let made = two((APPLIED, restored("web")), (intended("", 1), restored("worker")));
    assert_eq!(step(&made), Next::AdoptConfig { position: 1, name: "worker".into() });
    let not_made = two((APPLIED, restored("web")), (intended("", 1), ConfigSeen::Gone));
    assert_eq!(step(&not_made), Next::SendConfig { position: 1, name: "worker".into() });
    let tired = two((intended("40", 24), map("web", |_| {})), (NOTHING, ConfigSeen::Gone));
    assert!(matches!(step(&tired), Next::Finish { state: State::Errored, .. }), "nor for ever");
}

#[test]
fn whatever_moved_ends_it_before_the_next_write() {
    let good = || (NOTHING, map("web", |_| {}));
    let gone = || (NOTHING, ConfigSeen::Gone);
    let why = |restoring: &Restoring| superseded(step(restoring));
    assert!(why(&two((NOTHING, map("web", |p| p.hash = "theirs".into())), gone())).contains("web was changed after the plan"));
    assert!(why(&two((NOTHING, map("web", |p| p.uid = "other".into())), gone())).contains("web was deleted and made anew"));
    assert!(why(&two((NOTHING, ConfigSeen::Gone), gone())).contains("web was deleted after"));
    assert!(
        why(&two(good(), (NOTHING, map("worker", |_| {})))).contains("worker was made by somebody else"),
        "although it is not its turn"
    );
    assert!(why(&two((NOTHING, map("web", |p| p.locked = Some("is immutable".into()))), gone())).contains("web is immutable by now"));
    assert!(why(&two((APPLIED, ConfigSeen::Gone), gone())).contains("web was changed again"));
    let all = two((APPLIED, restored("web")), (APPLIED, map("worker", |p| p.hash = "theirs".into())));
    assert!(why(&all).contains("worker was changed again"), "and the workload is not written");
    let moved = decide(&Written::Nothing, &two(good(), gone()), &workload(|p| p.generation = 8), None, 0);
    assert!(superseded(moved).contains("the workload was changed"));
    let sent = Written::Intended { resource_version: "100".into(), tries: 1, conflicts: 0, unanswered: true };
    let late = superseded(decide(&sent, &all, &workload(|_| {}), None, 0));
    assert!(late.contains("worker was changed again") && late.ends_with(MAY_ARRIVE), "nor sent again: {late}");
}

#[test]
fn what_cannot_be_read_is_waited_for_and_in_the_end_asked_of_a_person() {
    let away = || ConfigSeen::Unreachable("no route".into());
    assert_eq!(step(&two((NOTHING, away()), (NOTHING, ConfigSeen::Gone))), Next::Retry("ConfigMap web: no route".into()));
    let sent = two((intended("40", 1), away()), (NOTHING, ConfigSeen::Gone));
    let at = |now| decide(&Written::Nothing, &sent, &workload(|_| {}), None, now);
    let refused = ConfigWritten::Intended { resource_version: "40".into(), tries: 1, unanswered: false };
    let certain = two((refused, away()), (NOTHING, ConfigSeen::Gone));
    let over = decide(&Written::Nothing, &certain, &workload(|_| {}), None, 1001);
    assert!(matches!(over, Next::Finish { state: State::Expired, .. }), "nothing arrived: {over:?}");
    assert_eq!(at(3_601_000), Next::Retry("no route".into()), "it may have arrived: never given up blindly");
    assert!(matches!(at(3_602_000), Next::Finish { state: State::Stuck, .. }));
    let late = decide(&Written::Nothing, &two((APPLIED, restored("web")), (NOTHING, away())), &workload(|_| {}), None, 1001);
    assert!(matches!(late, Next::Finish { state: State::Expired, .. }));
}

#[test]
fn while_it_is_closed_none_is_sent_and_what_was_sent_is_adopted() {
    let closed = |restoring: &Restoring| decide(&Written::Nothing, restoring, &workload(|_| {}), Some("frozen"), 0);
    assert_eq!(closed(&two((NOTHING, map("web", |_| {})), (NOTHING, ConfigSeen::Gone))), Next::Wait("frozen".into()));
    assert_eq!(closed(&two((intended("40", 1), map("web", |_| {})), (NOTHING, ConfigSeen::Gone))), Next::Wait("frozen".into()));
    let arrived = two((intended("40", 1), restored("web")), (NOTHING, ConfigSeen::Gone));
    assert_eq!(closed(&arrived), Next::AdoptConfig { position: 0, name: "web".into() });
}

fn any_written() -> impl Strategy<Value = ConfigWritten> {
    prop_oneof![
        Just(NOTHING),
        (prop_oneof![Just(""), Just("40"), Just("41")], 1..26i64).prop_map(|(at, tries)| intended(at, tries)),
        Just(APPLIED),
    ]
}

fn any_map(name: &'static str) -> impl Strategy<Value = ConfigSeen> {
    let there = (any::<bool>(), 40..43i64, 0..3usize, 0..3usize, 0..8u8).prop_map(move |(other, version, hash, change, locked)| {
        map(name, |present| {
            if other {
                present.uid = "other".into();
            }
            present.resource_version = version.to_string();
            present.hash = ["planned", "then", "theirs"][hash].into();
            present.change = [None, Some("mine"), Some("theirs")][change].map(Into::into);
            present.locked = (locked == 0).then(|| "is immutable".into());
        })
    });
    prop_oneof![1 => Just(ConfigSeen::Gone), 1 => Just(ConfigSeen::Unreachable("x".into())), 2 => Just(map(name, |_| {})), 2 => Just(restored(name)), 4 => there]
}

fn any_workload() -> impl Strategy<Value = Seen> {
    let there = (99..101i64, 7..9i64, 0..3usize, any::<bool>()).prop_map(|(version, generation, spec, ours)| {
        workload(|present| {
            (present.resource_version, present.generation) = (version.to_string(), generation);
            present.spec_hash = ["planned", "written", "theirs"][spec].into();
            present.change = ours.then(|| "mine".into());
        })
    });
    prop_oneof![1 => Just(Seen::Gone), 1 => Just(Seen::Unreachable("x".into())), 4 => Just(workload(|_| {})), 4 => there]
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 5000, failure_persistence: None, ..ProptestConfig::default() })]

    /// Whatever is journalled and seen: the workload is sent only when every ConfigMap is restored and holds what it held then; a
    /// ConfigMap that is restored is never sent again; the first that is not is the only one sent; and nothing is sent while closed.
    #[test]
    fn what_is_sent_is_the_next_in_order_and_everything_else_is_as_planned(
        web in (any_written(), any_map("web")),
        worker in (any_written(), any_map("worker")),
        seen in any_workload(),
        now in 0..5000i64,
    ) {
        let restoring = two(web, worker);
        let next = decide(&Written::Nothing, &restoring, &seen, None, now);
        let closed = decide(&Written::Nothing, &restoring, &seen, Some("frozen"), now);
        prop_assert!(!closed.sends());
        if !next.sends() {
            prop_assert_eq!(&next, &closed);
            return Ok(());
        }
        let first = restoring.maps.iter().position(|(_, written, _)| *written != APPLIED);
        let sent = match &next {
            Next::IntendConfig { position, .. } | Next::SendConfig { position, .. } => Some(*position),
            _ => None,
        };
        prop_assert_eq!(first, sent);
        for (write, written, seen) in &restoring.maps {
            let holds = match seen {
                ConfigSeen::There(present) => present.hash.as_str(),
                ConfigSeen::Gone => "gone",
                ConfigSeen::Unreachable(_) => "unknown",
            };
            let wanted = if *written == APPLIED { "then" } else if write.uid.is_none() { "gone" } else { "planned" };
            prop_assert_eq!(holds, wanted);
        }
        prop_assert!(next_step(&Journal {
            id: "mine", target: &target(), patch: PatchKind::StrategicMerge, valid_until: Time(1000), written: &Written::Nothing, intended_at: None, written_at: None, closed: None,
        }, &seen, Time(now)).sends(), "the workload is as planned");
    }

    /// Whatever the cluster shows at first, in any order, and shows for ever after: it comes to its end, and no write that is known to
    /// have arrived is sent again.
    #[test]
    fn it_always_ends(
        sights in prop::collection::vec((any_map("web"), any_map("worker"), any_workload(), any::<bool>(), 1..900i64), 1..6),
    ) {
        let (mut maps, mut written, mut written_at, mut now) = ([NOTHING, NOTHING], Written::Nothing, None, Time(0));
        let for_ever = sights.iter().chain(std::iter::repeat(sights.last().unwrap()));
        for (web, worker, seen, closed, seconds) in for_ever.take(20_000) {
            let restoring = two((maps[0].clone(), web.clone()), (maps[1].clone(), worker.clone()));
            let target = target();
            let closed = closed.then_some("frozen");
            let journal = Journal { id: "mine", target: &target, patch: PatchKind::StrategicMerge, valid_until: Time(1_200_000), written: &written, intended_at: None, written_at, closed };
            match next_write(&journal, &restoring, seen, now) {
                Next::Finish { .. } => return Ok(()),
                Next::IntendConfig { position, resource_version, .. } => {
                    prop_assert!(maps[position] != APPLIED, "it writes twice");
                    let tries = if let ConfigWritten::Intended { tries, .. } = &maps[position] { *tries } else { 0 };
                    maps[position] = ConfigWritten::Intended { resource_version, tries: tries + 1, unanswered: true };
                }
                Next::SendConfig { position, .. } => match &mut maps[position] {
                    ConfigWritten::Intended { tries, .. } => *tries += 1,
                    other => panic!("it sends what is {other:?}"),
                },
                Next::AdoptConfig { position, .. } => maps[position] = APPLIED,
                Next::Intend { resource_version } => {
                    let good = maps == [APPLIED, APPLIED] && !matches!(written, Written::Applied { .. });
                    prop_assert!(good, "the workload is written before its time");
                    let tries = if let Written::Intended { tries, .. } = &written { *tries } else { 0 };
                    written = Written::Intended { resource_version, tries: tries + 1, conflicts: 0, unanswered: true };
                }
                Next::Send => match &mut written {
                    Written::Intended { tries, .. } => *tries += 1,
                    other => panic!("it sends what is {other:?}"),
                },
                Next::Adopt { generation, spec_hash } => {
                    written_at = written_at.or(Some(now));
                    written = Written::Applied { generation, spec_hash };
                }
                Next::Watch(_) | Next::Wait(_) | Next::Retry(_) => {}
            }
            now = now.plus_seconds(*seconds);
        }
        prop_assert!(false, "no end in {} hours", now.0 / 3_600_000);
    }
}
