//! Rollout status, row by row as kubectl's rollout_status.go asks, and the health that the matrix shows.

#![allow(clippy::unwrap_used, clippy::panic)]

use domain::catalog::{Component, DeclaredWorkload};
use domain::clusters::{
    CellState, Container, Observed, Pod, PodContainer, Present, Reach, Revision, Rollout, Waiting, Workload, WorkloadKey, WorkloadKind,
    cell, rollout,
};
use domain::{Text, Time};

fn workload(kind: WorkloadKind) -> Workload {
    Workload {
        key: WorkloadKey { kind, namespace: "ns".into(), name: "api".into() },
        uid: "u".into(),
        generation: 2,
        observed_generation: 2,
        created: Time(0),
        progressed: None,
        paused: false,
        on_delete: false,
        parallel: false,
        old_below: 0,
        partition: 0,
        desired: 3,
        replicas: 3,
        updated: 3,
        ready: 3,
        available: 3,
        present: Present::Number(Some(1)),
        revisions_agree: true,
        stalled: None,
        replica_failure: None,
        containers: vec![],
        labels: Default::default(),
        references: Default::default(),
        managed_by: None,
        edited: None,
        change: None,
        cause: None,
    }
}

fn with(kind: WorkloadKind, change: impl Fn(&mut Workload)) -> Workload {
    let mut w = workload(kind);
    change(&mut w);
    w
}

fn word(w: &Workload) -> &'static str {
    match rollout(w) {
        Rollout::Waiting(_) => "waiting",
        Rollout::Failed(_) => "failed",
        Rollout::Complete => "complete",
    }
}

type Row = (&'static str, WorkloadKind, fn(&mut Workload), &'static str);

#[test]
fn each_question_of_kubectl_in_its_order() {
    use WorkloadKind::{DaemonSet, Deployment, StatefulSet};
    let table: [Row; 19] = [
        ("all is there", Deployment, |_| {}, "complete"),
        ("the spec is newer than what was observed", Deployment, |w| w.generation = 3, "waiting"),
        (
            "not observed wins over the deadline",
            Deployment,
            |w| (w.generation, w.stalled) = (3, Some(("ProgressDeadlineExceeded".into(), String::new()))),
            "waiting",
        ),
        ("the deadline passed", Deployment, |w| w.stalled = Some(("ProgressDeadlineExceeded".into(), String::new())), "failed"),
        ("another reason than the deadline", Deployment, |w| w.stalled = Some(("ReplicaSetCreateError".into(), String::new())), "complete"),
        (
            "the deadline wins over missing pods",
            Deployment,
            |w| (w.updated, w.stalled) = (1, Some(("ProgressDeadlineExceeded".into(), String::new()))),
            "failed",
        ),
        ("new pods are missing", Deployment, |w| w.updated = 2, "waiting"),
        ("old pods are still there", Deployment, |w| w.replicas = 4, "waiting"),
        ("new pods are not available", Deployment, |w| w.available = 2, "waiting"),
        ("scaled to zero", Deployment, |w| (w.desired, w.replicas, w.updated, w.available) = (0, 0, 0, 0), "complete"),
        ("a daemon set: all is there", DaemonSet, |_| {}, "complete"),
        ("a daemon set: nodes without the new pod", DaemonSet, |w| w.updated = 2, "waiting"),
        ("a daemon set: not available everywhere", DaemonSet, |w| w.available = 2, "waiting"),
        ("a daemon set that updates on delete", DaemonSet, |w| (w.updated, w.on_delete) = (0, true), "complete"),
        ("a stateful set never observed", StatefulSet, |w| (w.generation, w.observed_generation) = (0, 0), "waiting"),
        ("a stateful set: a pod is not ready", StatefulSet, |w| w.ready = 2, "waiting"),
        ("a stateful set: revisions differ", StatefulSet, |w| w.revisions_agree = false, "waiting"),
        (
            "a stateful set: above the partition all is new",
            StatefulSet,
            |w| (w.partition, w.updated, w.revisions_agree) = (2, 1, false),
            "complete",
        ),
        ("a stateful set: above the partition something is old", StatefulSet, |w| (w.partition, w.updated) = (1, 1), "waiting"),
    ];
    for (what, kind, change, expected) in table {
        assert_eq!(word(&with(kind, change)), expected, "{what}");
    }
}

fn component() -> Component {
    Component {
        name: "api".into(),
        title: "API".into(),
        owner: "backend".into(),
        technology: String::new(),
        image: None,
        port: None,
        replicas: Some(3),
        cpu: None,
        memory: None,
        workload: DeclaredWorkload { kind: WorkloadKind::Deployment, name: "api".into() },
        container: None,
        companions: vec![],
        depends_on: vec![],
    }
}

fn stuck_pod(reason: &str) -> Pod {
    Pod {
        namespace: "ns".into(),
        name: "api-1".into(),
        owner: "u".into(),
        revision: Text::default(),
        created: Time(0),
        ready_at: None,
        phase: "Pending".into(),
        ready: false,
        deleting: false,
        node: Text::default(),
        unschedulable: None,
        containers: vec![PodContainer {
            name: "api".into(),
            image_id: Text::default(),
            restarts: 0,
            waiting: Some(Box::new(Waiting { reason: reason.into(), message: "Back-off pulling image \"x\"".into() })),
            last_exit: None,
        }]
        .into(),
        bare: None,
    }
}

fn state(w: &Workload, pods: &[&Pod], reach: &Reach) -> CellState {
    cell(&component(), "ns", Some(Observed { workload: w, revisions: &[], pods }), reach).state
}

#[test]
fn health_is_never_better_than_what_is_known() {
    use WorkloadKind::Deployment;
    let pod = stuck_pod("ImagePullBackOff");
    let lost = Reach::Lost { last_seen: Some(Time(5)), why: "gone".into() };
    let forbidden = Reach::Forbidden { why: "no".into() };
    let healthy = workload(Deployment);
    assert_eq!(state(&healthy, &[], &Reach::Live), CellState::Healthy);
    assert_eq!(state(&healthy, &[], &lost), CellState::Unknown);
    assert_eq!(state(&healthy, &[], &forbidden), CellState::Unknown);
    assert_eq!(state(&with(Deployment, |w| w.paused = true), &[&pod], &Reach::Live), CellState::Paused);
    assert_eq!(state(&with(Deployment, |w| w.desired = 0), &[], &Reach::Live), CellState::Healthy);
    let unseen = with(Deployment, |w| (w.desired, w.generation) = (0, 3));
    assert_eq!(state(&unseen, &[], &Reach::Live), CellState::Progressing, "the controller has not looked yet");
    let made = with(WorkloadKind::DaemonSet, |w| (w.desired, w.ready, w.observed_generation, w.generation) = (0, 0, 0, 1));
    assert_eq!(state(&made, &[], &Reach::Live), CellState::Progressing, "nor at a DaemonSet that was just made");
    assert_eq!(state(&with(Deployment, |w| (w.updated, w.ready) = (1, 3)), &[], &Reach::Live), CellState::Progressing);
    assert_eq!(state(&with(Deployment, |w| w.updated = 1), &[&pod], &Reach::Live), CellState::Degraded);
    assert_eq!(state(&with(Deployment, |w| (w.updated, w.ready) = (1, 0)), &[&pod], &Reach::Live), CellState::Down);
    assert_eq!(
        state(&with(Deployment, |w| w.stalled = Some(("ProgressDeadlineExceeded".into(), "x".into()))), &[], &Reach::Live),
        CellState::Degraded
    );
    assert_eq!(state(&healthy, &[&stuck_pod("ErrImagePull")], &Reach::Live), CellState::Healthy, "the first failed pull often heals");
    assert_eq!(cell(&component(), "ns", None, &Reach::Live).state, CellState::Absent);
    assert_eq!(cell(&component(), "ns", None, &lost).state, CellState::Unknown, "an unreachable cluster does not prove absence");
}

#[test]
fn a_cell_says_why_and_shows_drift() {
    let w = with(WorkloadKind::Deployment, |w| (w.desired, w.replicas, w.updated, w.ready, w.available) = (2, 2, 2, 2, 2));
    let cell = cell(&component(), "ns", Some(Observed { workload: &w, revisions: &[], pods: &[] }), &Reach::Live);
    assert_eq!((cell.drift[0].field.as_str(), cell.drift[0].declared.as_str(), cell.drift[0].observed.as_str()), ("replicas", "3", "2"));
    assert_eq!(cell.reason, "");
}

fn container(image: &str) -> Container {
    Container { name: "api".into(), image: image.into(), cpu: Some("2000m".into()), memory: Some("4Gi".into()), ports: vec![8000] }
}

/// What differs, as `field declared/observed`.
fn drift(change: impl Fn(&mut Component, &mut Container)) -> Vec<String> {
    let declared = Component {
        port: Some(8000),
        cpu: Some("2".into()),
        memory: Some("4096Mi".into()),
        image: Some("registry.example/api".into()),
        ..component()
    };
    let (mut component, mut container) = (declared, container("registry.example/api:1.2"));
    change(&mut component, &mut container);
    let w = with(WorkloadKind::Deployment, |w| w.containers = vec![container.clone()]);
    let seen = cell(&component, "ns", Some(Observed { workload: &w, revisions: &[], pods: &[] }), &Reach::Live);
    seen.drift.iter().map(|d| format!("{} {}/{}", d.field, d.declared, d.observed)).collect()
}

#[test]
fn drift_is_told_by_amount_not_by_spelling() {
    assert_eq!(drift(|_, _| {}), Vec::<String>::new());
    assert_eq!(drift(|_, c| c.cpu = Some("500m".into())), ["cpu 2/500m"]);
    assert_eq!(drift(|_, c| c.memory = None), ["memory 4096Mi/none"]);
    assert_eq!(drift(|_, c| c.ports = vec![9000, 9001]), ["port 8000/9000, 9001"]);
    assert_eq!(drift(|_, c| c.ports = vec![]), Vec::<String>::new(), "a container need not name its ports");
    assert_eq!(drift(|_, c| c.image = "docker.io/other/api:1.2".into()), ["image registry.example/api/docker.io/other/api"]);
    assert_eq!(drift(|d, _| d.image = None), Vec::<String>::new());
}

fn revision(name: &str, number: i64, template: &str) -> Revision {
    Revision {
        namespace: "ns".into(),
        name: name.into(),
        uid: format!("uid-{name}").into(),
        owner: "u".into(),
        number,
        created: Time(number),
        desired: 0,
        images: Box::default(),
        template: template.into(),
        cause: None,
        commit: None,
        author: None,
        change: None,
    }
}

fn numbered(kind: WorkloadKind, present: Present, revisions: &[Revision]) -> Option<i64> {
    let w = with(kind, |w| w.present = present.clone());
    cell(&component(), "ns", Some(Observed { workload: &w, revisions, pods: &[] }), &Reach::Live).revision
}

#[test]
fn each_kind_names_its_present_revision_in_its_own_way() {
    use WorkloadKind::{DaemonSet, Deployment, StatefulSet};
    let revisions = [revision("api-b", 5, "hash-b"), revision("api-a", 4, "hash-a")];
    assert_eq!(numbered(Deployment, Present::Number(Some(4)), &revisions), Some(4));
    assert_eq!(numbered(Deployment, Present::Number(Some(6)), &revisions), Some(6), "its ReplicaSet's news is under way");
    assert_eq!(numbered(StatefulSet, Present::Named("api-a".into()), &revisions), Some(4), "an old one that was taken up again");
    assert_eq!(numbered(StatefulSet, Present::Named("api-c".into()), &revisions), None);
    assert_eq!(numbered(DaemonSet, Present::Template("hash-b".into()), &revisions), Some(5));
    assert_eq!(numbered(DaemonSet, Present::Template("hash-c".into()), &revisions), None);
}

#[test]
fn pods_belong_to_a_revision_by_owner_or_by_hash() {
    let mut pod = stuck_pod("CrashLoopBackOff");
    let set = revision("postgres-6f8d9c", 2, "t");
    assert!(!set.has(&pod), "a pod without a hash");
    for (hash, owner, ours) in
        [("postgres-6f8d9c", "u", true), ("6f8d9c", "u", true), ("8d9c", "u", false), ("6f8d9c", "other", false), ("", "u", false)]
    {
        (pod.revision, pod.owner) = (hash.into(), owner.into());
        assert_eq!(set.has(&pod), ours, "{hash} {owner}");
    }
    (pod.revision, pod.owner) = (Text::default(), "uid-postgres-6f8d9c".into());
    assert!(set.has(&pod), "a ReplicaSet owns its pods");
}

#[test]
fn a_set_is_held_up_by_what_it_waits_for_and_would_make_better() {
    let old = Revision { uid: "r-1".into(), ..revision("api-old", 1, "a") };
    let new = Revision { uid: "r-2".into(), ..revision("api-new", 2, "b") };
    let revisions = [new, old];
    let pod = |name: &str, revision: &str| Pod { name: name.into(), revision: revision.into(), ..stuck_pod("ImagePullBackOff") };
    let set = |change: fn(&mut Workload)| {
        let mut set = with(WorkloadKind::StatefulSet, |w| w.present = Present::Named("api-new".into()));
        change(&mut set);
        set
    };
    let held_up =
        |set: &Workload, pod: &Pod| Observed { workload: set, revisions: &revisions, pods: &[pod] }.blocker().map(|said| said.pod);
    let broken = pod("api-1", "api-old");
    assert_eq!(held_up(&set(|_| {}), &broken).as_deref(), Some("api-1"));
    assert_eq!(held_up(&set(|w| w.old_below = 1), &broken).as_deref(), Some("api-1"), "ordinals below are made of the old one");
    for (why, set, pod) in [
        ("of the present revision", set(|_| {}), pod("api-1", "api-new")),
        ("it is ready, only a sidecar fails", set(|_| {}), Pod { ready: true, ..broken.clone() }),
        ("it goes already", set(|_| {}), Pod { deleting: true, ..broken.clone() }),
        ("it would be made of the old revision again", set(|w| w.old_below = 2), broken.clone()),
        ("nothing is replaced by itself", set(|w| w.on_delete = true), broken.clone()),
        ("pods do not wait for each other", set(|w| w.parallel = true), broken.clone()),
        ("the controller has not looked yet", set(|w| w.generation = 9), broken.clone()),
    ] {
        assert_eq!(held_up(&set, &pod), None, "{why}");
    }
}
