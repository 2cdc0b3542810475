//! What the worker does next, for every state of the journal times everything that can be seen.

#![allow(clippy::unwrap_used, clippy::panic)]

use domain::Time;
use domain::changes::State;
use domain::changes::plan::Target;
use domain::changes::step::{Journal, Next, Present, Seen, Written, next_step};
use domain::clusters::{PodSaid, Refused, Rollout, WorkloadKind};

fn target() -> Target {
    Target {
        cluster: "prod".into(),
        namespace: "ns".into(),
        kind: WorkloadKind::Deployment,
        name: "api".into(),
        uid: "uid".into(),
        generation: 7,
        spec_hash: "planned".into(),
        autoscaler: None,
        replicas_float: false,
    }
}

fn present() -> Present {
    Present {
        uid: "uid".into(),
        resource_version: "100".into(),
        generation: 7,
        spec_hash: "planned".into(),
        change: Some("an older change".into()),
        rollout: Rollout::Complete,
        failing: None,
        progressed: None,
        replica_failure: None,
        held_up: None,
        refused: None,
    }
}

fn there(change: impl FnOnce(&mut Present)) -> Seen {
    let mut present = present();
    change(&mut present);
    Seen::There(Box::new(present))
}

fn step(written: &Written, seen: &Seen, now: i64) -> Next {
    let target = target();
    let journal = Journal { id: "mine", target: &target, valid_until: Time(1000), written, written_at: Some(Time(0)) };
    next_step(&journal, seen, Time(now))
}

fn ends(next: Next) -> State {
    match next {
        Next::Finish { state, .. } => state,
        other => panic!("it goes on: {other:?}"),
    }
}

#[test]
fn before_the_write() {
    let nothing = Written::Nothing;
    assert_eq!(step(&nothing, &there(|_| {}), 0), Next::Intend { resource_version: "100".into() });
    assert_eq!(ends(step(&nothing, &there(|_| {}), 1001)), State::Expired);
    assert_eq!(ends(step(&nothing, &Seen::Gone, 0)), State::Superseded);
    assert_eq!(ends(step(&nothing, &there(|p| p.uid = "other".into()), 0)), State::Superseded);
    assert_eq!(ends(step(&nothing, &there(|p| p.generation = 8), 0)), State::Superseded);
    assert_eq!(ends(step(&nothing, &there(|p| p.spec_hash = "other".into()), 0)), State::Superseded);
    assert_eq!(step(&nothing, &Seen::Unreachable("no route".into()), 0), Next::Retry("no route".into()));
}

#[test]
fn an_autoscaler_has_no_generation_so_its_spec_tells() {
    let target = Target { autoscaler: Some("api".into()), generation: 0, ..target() };
    let next = |written: &Written, spec: &str, rollout: Rollout, now| {
        let journal = Journal { id: "mine", target: &target, valid_until: Time(1000), written, written_at: Some(Time(0)) };
        let seen = there(|p| (p.generation, p.spec_hash, p.rollout) = (0, spec.into(), rollout));
        next_step(&journal, &seen, Time(now))
    };
    let waiting = || Rollout::Waiting("3 to bring within 5 to 12".into());
    assert_eq!(ends(next(&Written::Nothing, "other", waiting(), 0)), State::Superseded, "edited before the write");
    let applied = Written::Applied { generation: 0, spec_hash: "ours".into() };
    assert_eq!(next(&applied, "ours", waiting(), 0), Next::Watch("3 to bring within 5 to 12".into()));
    assert_eq!(ends(next(&applied, "ours", waiting(), 601_000)), State::Failed, "ours is the only deadline");
    assert_eq!(ends(next(&applied, "other", Rollout::Complete, 0)), State::Superseded, "edited after the write");
    assert_eq!(ends(next(&applied, "ours", Rollout::Complete, 0)), State::Succeeded);
}

#[test]
fn after_an_intent_whose_answer_is_unknown() {
    let intended = Written::Intended { resource_version: "100".into(), tries: 1 };
    assert_eq!(step(&intended, &there(|_| {}), 0), Next::Send, "nothing happened: the same bytes again");
    let adopted = there(|p| (p.change, p.generation, p.spec_hash) = (Some("mine".into()), 8, "written".into()));
    assert_eq!(step(&intended, &adopted, 0), Next::Adopt { generation: 8, spec_hash: "written".into() });
    assert_eq!(
        step(&intended, &there(|p| p.resource_version = "101".into()), 0),
        Next::Intend { resource_version: "101".into() },
        "only its status moved"
    );
    assert_eq!(ends(step(&intended, &there(|p| (p.generation, p.spec_hash) = (8, "theirs".into())), 0)), State::Superseded);
    assert_eq!(ends(step(&intended, &Seen::Gone, 0)), State::Superseded);
    assert_eq!(
        step(&intended, &Seen::Unreachable("x".into()), 5000),
        Next::Retry("x".into()),
        "it may have arrived: never given up blindly"
    );
    let tired = Written::Intended { resource_version: "100".into(), tries: 8 };
    assert_eq!(ends(step(&tired, &there(|p| p.resource_version = "109".into()), 0)), State::Errored);
}

#[test]
fn while_it_rolls_out() {
    let applied = Written::Applied { generation: 8, spec_hash: "written".into() };
    let at = |change: fn(&mut Present)| {
        there(move |p| {
            (p.generation, p.spec_hash, p.change) = (8, "written".into(), Some("mine".into()));
            change(p);
        })
    };
    assert_eq!(ends(step(&applied, &at(|_| {}), 0)), State::Succeeded);
    assert_eq!(step(&applied, &at(|p| p.rollout = Rollout::Waiting("1 of 3".into())), 0), Next::Watch("1 of 3".into()));
    assert_eq!(ends(step(&applied, &at(|p| p.rollout = Rollout::Failed("deadline".into())), 0)), State::Failed);
    let noted = Next::Adopt { generation: 9, spec_hash: "written".into() };
    assert_eq!(step(&applied, &at(|p| p.generation = 9), 0), noted, "somebody edited an annotation: the spec is still ours");
    assert_eq!(ends(step(&applied, &at(|p| (p.generation, p.spec_hash) = (9, "theirs".into())), 0)), State::Superseded);
    assert!(matches!(step(&applied, &at(|p| p.generation = 7), 0), Next::Watch(_)), "an old view proves nothing");
    assert_eq!(ends(step(&applied, &at(|p| p.uid = "namesake".into()), 0)), State::Errored, "a namesake is not followed");
    assert_eq!(ends(step(&applied, &Seen::Gone, 0)), State::Errored);
    assert_eq!(step(&applied, &Seen::Unreachable("x".into()), 0), Next::Retry("x".into()));
    assert_eq!(
        ends(step(&applied, &at(|p| (p.rollout, p.replica_failure) = (Rollout::Waiting("w".into()), Some("exceeded quota".into()))), 0)),
        State::Failed
    );
    assert_eq!(ends(step(&applied, &at(|p| p.rollout = Rollout::Waiting("w".into())), 3_601_000)), State::Stuck);
}

#[test]
fn a_failing_pod_is_quoted() {
    let said = PodSaid { pod: "api-1".into(), container: "api".into(), reason: "ImagePullBackOff".into(), message: "Back-off".into() };
    let seen = there(|p| (p.generation, p.rollout, p.failing) = (8, Rollout::Waiting("w".into()), Some(said.clone())));
    match step(&Written::Applied { generation: 8, spec_hash: "written".into() }, &seen, 0) {
        Next::Finish { state: State::Failed, reason, failing_pod } => {
            assert_eq!(reason, "ImagePullBackOff: Back-off");
            assert_eq!(failing_pod, Some(said));
        }
        other => panic!("{other:?}"),
    }
}

#[test]
fn a_set_without_progress_fails_where_kubernetes_would_wait_for_ever() {
    let written = Written::Applied { generation: 8, spec_hash: "ours".into() };
    let waiting = |progressed: Option<i64>| {
        there(move |p| {
            (p.generation, p.rollout) = (8, Rollout::Waiting("1 of 3 pods are ready".into()));
            p.progressed = progressed.map(|s| Time(s * 1000));
        })
    };
    let at = |kind, progressed, seconds: i64| {
        let target = Target { kind, ..target() };
        let journal = Journal { id: "mine", target: &target, valid_until: Time(1000), written: &written, written_at: Some(Time(0)) };
        next_step(&journal, &waiting(progressed), Time(seconds * 1000))
    };
    for kind in [WorkloadKind::StatefulSet, WorkloadKind::DaemonSet] {
        assert!(matches!(at(kind, None, 600), Next::Watch(_)));
        assert_eq!(ends(at(kind, None, 601)), State::Failed);
        assert!(matches!(at(kind, Some(300), 900), Next::Watch(_)), "a pod became ready meanwhile");
        assert_eq!(ends(at(kind, Some(300), 901)), State::Failed);
    }
    assert!(matches!(at(WorkloadKind::Deployment, None, 601), Next::Watch(_)), "its own controller decides");
}

#[test]
fn a_controller_that_is_refused_pods_for_long_fails_the_rollout_with_the_refusal() {
    let written = Written::Applied { generation: 8, spec_hash: "ours".into() };
    let at = |first: i64, last: i64, progressed: Option<i64>, now: i64| {
        let seen = there(|p| {
            (p.generation, p.rollout) = (8, Rollout::Waiting("1 of 3 pods are ready".into()));
            p.progressed = progressed.map(|s| Time(s * 1000));
            p.refused = Some(Refused { first: Time(first * 1000), last: Time(last * 1000), why: "exceeded quota: pods".into() });
        });
        step(&written, &seen, now * 1000)
    };
    let waits = |next: Next| assert!(matches!(next, Next::Watch(_)), "{next:?}");
    waits(at(5, 10, None, 19));
    match at(5, 10, None, 20) {
        Next::Finish { state: State::Failed, reason, .. } => assert_eq!(reason, "exceeded quota: pods"),
        other => panic!("{other:?}"),
    }
    waits(at(5, 10, Some(11), 30));
    waits(at(5, 40, Some(38), 45));
    assert_eq!(ends(at(5, 50, Some(38), 53)), State::Failed);
}
