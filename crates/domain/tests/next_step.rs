//! What the worker does next, for every state of the journal times everything that can be seen.

#![allow(clippy::unwrap_used, clippy::panic)]

use domain::Time;
use domain::changes::plan::Target;
use domain::changes::step::{Journal, MAY_ARRIVE, Next, Present, Seen, Written, next_step, pause};
use domain::changes::{PatchKind, State};
use domain::clusters::{PodSaid, Refused, Rollout, WorkloadKind};
use proptest::prelude::*;

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

fn present() -> Present {
    Present {
        uid: "uid".into(),
        resource_version: "100".into(),
        generation: 7,
        spec_hash: "planned".into(),
        annotated: true,
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

/// Of a patch whose plan is good for a second, written at 0.
fn journal<'a>(target: &'a Target, written: &'a Written) -> Journal<'a> {
    let (id, patch, valid_until) = ("mine", PatchKind::StrategicMerge, Time(1000));
    Journal { id, target, patch, valid_until, written, intended_at: None, written_at: Some(Time(0)), closed: None }
}

fn step(written: &Written, seen: &Seen, now: i64) -> Next {
    next_step(&journal(&target(), written), seen, Time(now))
}

fn closed_step(written: &Written, seen: &Seen, now: i64) -> Next {
    next_step(&Journal { closed: Some("frozen"), ..journal(&target(), written) }, seen, Time(now))
}

/// So often, and never answered.
fn intended(tries: i64) -> Written {
    Written::Intended { resource_version: "100".into(), tries, conflicts: 0, unanswered: true }
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
        let seen = there(|p| (p.generation, p.spec_hash, p.rollout) = (0, spec.into(), rollout));
        next_step(&journal(&target, written), &seen, Time(now))
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
    let sent = intended(1);
    assert_eq!(step(&sent, &there(|_| {}), 0), Next::Send, "nothing happened: the same bytes again");
    assert_eq!(ends(step(&sent, &there(|_| {}), 1001)), State::Expired, "not after its time");
    assert_eq!(step(&intended(23), &there(|_| {}), 0), Next::Send);
    assert_eq!(ends(step(&intended(24), &there(|_| {}), 0)), State::Errored, "nor for ever");
    let adopted = there(|p| (p.change, p.generation, p.spec_hash) = (Some("mine".into()), 8, "written".into()));
    assert_eq!(step(&sent, &adopted, 0), Next::Adopt { generation: 8, spec_hash: "written".into() });
    assert_eq!(
        step(&sent, &there(|p| p.resource_version = "101".into()), 0),
        Next::Intend { resource_version: "101".into() },
        "only its status moved"
    );
    assert_eq!(ends(step(&sent, &there(|p| (p.generation, p.spec_hash) = (8, "theirs".into())), 0)), State::Superseded);
    assert_eq!(ends(step(&sent, &Seen::Gone, 0)), State::Superseded);
    assert_eq!(step(&sent, &Seen::Unreachable("x".into()), 5000), Next::Retry("x".into()), "it may have arrived: never given up blindly");
    let long = |now| step(&sent, &Seen::Unreachable("x".into()), now);
    assert_eq!(long(3_601_000), Next::Retry("x".into()), "an hour after its plan has expired");
    assert_eq!(ends(long(3_602_000)), State::Stuck, "a person is asked");
    let elsewhere = there(|p| p.resource_version = "109".into());
    let conflicts = |conflicts| Written::Intended { resource_version: "100".into(), tries: 20, conflicts, unanswered: false };
    assert!(matches!(step(&conflicts(7), &elsewhere, 0), Next::Intend { .. }), "thirteen were shed or not answered: that is no conflict");
    assert_eq!(ends(step(&conflicts(8), &elsewhere, 0)), State::Errored);
    assert_eq!(ends(step(&intended(24), &elsewhere, 0)), State::Errored);
}

/// An end tells whether a try of the write may still arrive: while the object is at the resourceVersion of its bytes, or, where they
/// carry none, at any.
#[test]
fn an_end_says_whether_a_try_may_still_arrive() {
    let told = |written: &Written, patch: PatchKind, seen: &Seen, closed: Option<&str>| {
        let target = target();
        let journal = Journal { patch, closed, written_at: None, ..journal(&target, written) };
        match next_step(&journal, seen, Time(1001)) {
            Next::Finish { reason, state, .. } => (state, reason.ends_with(MAY_ARRIVE)),
            other => panic!("it goes on: {other:?}"),
        }
    };
    let (here, elsewhere) = (there(|_| {}), there(|p| p.resource_version = "101".into()));
    let edited = there(|p| (p.resource_version, p.generation) = ("101".into(), 8));
    let refused = Written::Intended { resource_version: "100".into(), tries: 3, conflicts: 0, unanswered: false };
    let patch = PatchKind::StrategicMerge;
    assert_eq!(told(&intended(1), patch, &here, None), (State::Expired, true));
    assert_eq!(told(&intended(1), patch, &here, Some("frozen")), (State::Expired, true));
    assert_eq!(told(&intended(24), patch, &here, None), (State::Expired, true));
    assert_eq!(told(&refused, patch, &here, None), (State::Expired, false), "each answer was a certain no");
    assert_eq!(told(&intended(1), patch, &elsewhere, None), (State::Expired, false), "its bytes fit no more");
    assert_eq!(told(&intended(1), PatchKind::Json, &edited, None), (State::Superseded, false));
    assert_eq!(told(&intended(1), PatchKind::DeletePod, &edited, None), (State::Superseded, true), "the pod's uid fits still");
    assert_eq!(told(&intended(1), PatchKind::DeletePod, &Seen::Gone, None), (State::Superseded, true), "the set is gone, its pod may stay");
    assert_eq!(told(&intended(1), patch, &Seen::Gone, None), (State::Superseded, false));
    assert_eq!(told(&Written::Nothing, patch, &here, None), (State::Expired, false));
    // What was refused each time has not arrived, also where nobody can look.
    let away = Seen::Unreachable("401".into());
    assert_eq!(told(&refused, patch, &away, None), (State::Expired, false));
    assert_eq!(step(&refused, &away, 999), Next::Retry("401".into()));
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
    let hour = 3_601_000;
    assert_eq!(ends(step(&applied, &at(|p| p.rollout = Rollout::Waiting("w".into())), hour)), State::Stuck);
    assert_eq!(ends(step(&applied, &Seen::Unreachable("x".into()), hour)), State::Stuck, "nobody sees it");
    assert_eq!(ends(step(&applied, &at(|p| p.generation = 7), hour)), State::Stuck, "an old view for an hour");
    assert_eq!(ends(step(&applied, &at(|p| p.generation = 9), hour)), State::Stuck, "edited again and again");
    assert_eq!(ends(step(&applied, &at(|_| {}), hour)), State::Succeeded, "late is not stuck");
}

#[test]
fn each_pause_is_twice_the_one_before_up_to_half_a_minute() {
    assert_eq!((1..8).map(pause).collect::<Vec<_>>(), [2, 4, 8, 16, 30, 30, 30]);
    assert_eq!([pause(63), pause(64), pause(u32::MAX)], [30, 30, 30]);
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
    let at = |kind: WorkloadKind, progressed, seconds: i64| {
        let target = Target { kind: kind.into(), ..target() };
        next_step(&journal(&target, &written), &waiting(progressed), Time(seconds * 1000))
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

#[test]
fn while_it_is_closed_nothing_is_sent_and_what_was_sent_is_followed() {
    let nothing = Written::Nothing;
    assert_eq!(closed_step(&nothing, &there(|_| {}), 0), Next::Wait("frozen".into()));
    assert_eq!(ends(closed_step(&nothing, &there(|_| {}), 1001)), State::Expired);
    assert_eq!(ends(closed_step(&nothing, &there(|p| p.generation = 8), 0)), State::Superseded);
    let sent = intended(1);
    assert_eq!(closed_step(&sent, &there(|_| {}), 0), Next::Wait("frozen".into()), "also not a second time");
    assert_eq!(ends(closed_step(&sent, &there(|_| {}), 1001)), State::Expired);
    let arrived = there(|p| (p.change, p.generation, p.spec_hash) = (Some("mine".into()), 8, "written".into()));
    assert_eq!(closed_step(&sent, &arrived, 0), Next::Adopt { generation: 8, spec_hash: "written".into() });
    let applied = Written::Applied { generation: 7, spec_hash: "planned".into() };
    assert_eq!(closed_step(&applied, &there(|_| {}), 0), step(&applied, &there(|_| {}), 0), "a rollout goes on");
}

fn any_written() -> impl Strategy<Value = Written> {
    prop_oneof![
        Just(Written::Nothing),
        (98..102i64, 1..26i64, 0..10i64, any::<bool>()).prop_map(|(at, tries, conflicts, unanswered)| Written::Intended {
            resource_version: at.to_string(),
            tries,
            conflicts,
            unanswered
        }),
        (6..10i64, any::<bool>())
            .prop_map(|(generation, ours)| Written::Applied { generation, spec_hash: if ours { "written" } else { "planned" }.into() }),
    ]
}

fn any_seen() -> impl Strategy<Value = Seen> {
    let present = (0..3u8, 98..102i64, 6..10i64, 0..3u8, 0..3u8, 0..3u8).prop_map(|(uid, version, generation, spec, change, rollout)| {
        there(|p| {
            p.uid = ["uid", "uid", "other"][usize::from(uid)].into();
            (p.resource_version, p.generation) = (version.to_string(), generation);
            p.spec_hash = ["planned", "written", "theirs"][usize::from(spec)].into();
            p.change = [None, Some("mine"), Some("theirs")][usize::from(change)].map(Into::into);
            p.rollout = match rollout {
                0 => Rollout::Complete,
                1 => Rollout::Waiting("pods".into()),
                _ => Rollout::Failed("deadline".into()),
            };
        })
    });
    prop_oneof![Just(Seen::Gone), Just(Seen::Unreachable("x".into())), present.boxed()]
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 5000, failure_persistence: None, ..ProptestConfig::default() })]

    /// Whatever is journalled and seen: nothing is sent while it is closed; what is applied is never sent again; and the closing
    /// changes nothing else.
    #[test]
    fn nothing_is_sent_while_it_is_closed_and_nothing_twice(written in any_written(), seen in any_seen(), now in 0..5000i64) {
        let (open, closed) = (step(&written, &seen, now), closed_step(&written, &seen, now));
        let sends = |next: &Next| matches!(next, Next::Intend { .. } | Next::Send);
        prop_assert!(!sends(&closed));
        let applied = matches!(written, Written::Applied { .. });
        prop_assert!(!(applied && sends(&open)), "an applied write is sent again");
        if !sends(&open) {
            prop_assert_eq!(open, closed);
        } else {
            let waits = matches!(closed, Next::Wait(_) | Next::Finish { state: State::Expired, .. });
            prop_assert!(waits, "it neither waits nor expires");
        }
    }
    /// Whatever the cluster shows, in any order and over and over, however it answers, while it is open or closed: a change of any kind
    /// of workload comes to its end, and sends nothing once its write is known to have arrived.
    #[test]
    fn it_always_ends(
        kind in prop::sample::select(vec![WorkloadKind::Deployment, WorkloadKind::StatefulSet, WorkloadKind::DaemonSet]),
        autoscaler in prop::option::weighted(0.2, Just("api".to_owned())),
        replicas_float in any::<bool>(),
        hash_after in prop::option::of(Just("written".to_owned())),
        patch in prop::sample::select(vec![PatchKind::StrategicMerge, PatchKind::Json, PatchKind::DeletePod]),
        sights in prop::collection::vec((any_seen(), any::<bool>(), 1..900i64, any_answer()), 1..40),
        approved in 0..2000i64,
    ) {
        let (mut written, mut written_at, mut now) = (Written::Nothing, None, Time(approved));
        let target = Target { kind: kind.into(), autoscaler, replicas_float, spec_hash_after: hash_after, ..target() };
        let mut arrived = false;
        for (seen, closed, seconds, answer) in sights.iter().cycle().take(20_000) {
            let closed = closed.then_some("frozen");
            let valid_until = Time(1_200_000);
            let journal = Journal { patch, valid_until, written_at, closed, ..journal(&target, &written) };
            let next = next_step(&journal, seen, now);
            prop_assert!(!(arrived && matches!(next, Next::Intend { .. } | Next::Send)), "it writes twice");
            let (tries, conflicts, unanswered) = match &written {
                Written::Intended { tries, conflicts, unanswered, .. } => (*tries, *conflicts, *unanswered),
                _ => (0, 0, false),
            };
            let (conflicts, unanswered) = match answer {
                Answer::None => (conflicts, true),
                Answer::No => (conflicts, unanswered),
                Answer::Conflict => (conflicts + 1, unanswered),
            };
            let tried = |resource_version| Written::Intended { resource_version, tries: tries + 1, conflicts, unanswered };
            written = match (next, written) {
                (Next::Finish { .. }, _) => return Ok(()),
                (Next::Intend { resource_version }, _) => tried(resource_version),
                (Next::Send, Written::Intended { resource_version, .. }) => tried(resource_version),
                (Next::Adopt { generation, spec_hash }, _) => {
                    (arrived, written_at) = (true, written_at.or(Some(now)));
                    Written::Applied { generation, spec_hash }
                }
                (Next::Watch(_) | Next::Wait(_) | Next::Retry(_), written) => written,
                (other, _) => panic!("it has no such step: {other:?}"),
            };
            now = now.plus_seconds(*seconds);
        }
        prop_assert!(false, "no end in {} hours", now.0 / 3_600_000);
    }
}

#[derive(Clone, Debug)]
enum Answer {
    None,
    No,
    Conflict,
}

fn any_answer() -> impl Strategy<Value = Answer> {
    prop_oneof![Just(Answer::None), Just(Answer::No), Just(Answer::Conflict)]
}

#[test]
fn an_edit_of_what_was_written_and_not_yet_noted_is_found() {
    let mut target = target();
    target.spec_hash_after = Some("as written".into());
    let seen = |spec_hash: &str| {
        there(|present| {
            (present.change, present.generation, present.spec_hash) = (Some("mine".into()), 9, spec_hash.into());
            present.rollout = Rollout::Waiting("".into());
        })
    };
    let step = |written: &Written, seen: &Seen| next_step(&journal(&target, written), seen, Time(1));
    let sent = intended(1);
    assert_eq!(step(&sent, &seen("as written")), Next::Adopt { generation: 9, spec_hash: "as written".into() });
    let Next::Adopt { generation, spec_hash } = step(&sent, &seen("edited")) else { panic!("our write is there") };
    let next = step(&Written::Applied { generation, spec_hash }, &seen("edited"));
    assert!(matches!(next, Next::Finish { state: State::Superseded, .. }), "{next:?}");
}
