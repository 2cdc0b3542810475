//! Made-up data: one moment in which most things that can happen have happened.

use crate::people::person;
use app::access::SignInData;
use app::approvals::ApprovalsData;
use app::changes::{Act, ChangeData, ChangesData, Filter, NewChangeData, Tried, Wanted};
use app::components::{ComponentData, ComponentsData};
use app::environments::{EnvironmentData, EnvironmentsData};
use app::home::HomeData;
use app::logs::LogsData;
use domain::catalog::{Approval, Group, Provider, Rule};
use domain::changes::diff::Diff;
use domain::changes::explain::{Line, What};
use domain::changes::votes::Approver;
use domain::changes::*;
use domain::clusters::*;
use domain::releases::{DeploymentRecord, ImageRef, RecordOutcome, Usual};
use domain::{Error, Time};
use std::collections::BTreeMap;

pub const NOW: Time = Time(1_795_340_527_000);
const MIN: i64 = 60;
pub const HOUR: i64 = 3600;
pub const DAY: i64 = 86_400;

pub fn ago(seconds: i64) -> Time {
    NOW.plus_seconds(-seconds)
}

fn digest(letter: char) -> String {
    format!("sha256:{}", letter.to_string().repeat(64))
}

fn head(name: &str, title: &str, provider: Provider, region: &str, production: bool) -> EnvironmentHead {
    let reachable = name != "prod-central";
    EnvironmentHead {
        name: name.into(),
        title: title.into(),
        stage: i64::from(production) + 1,
        production,
        promote_from: production.then(|| "staging".into()),
        namespace: "devmatrix".into(),
        cluster: ClusterHead {
            name: format!("{name}-cluster"),
            provider,
            region: region.into(),
            reachable,
            last_seen: Some(ago(if reachable { 1 } else { 43 })),
            trouble: if reachable { String::new() } else { "connection timed out".into() },
        },
        closed: None,
    }
}

pub fn heads() -> Vec<EnvironmentHead> {
    vec![
        head("staging", "Staging", Provider::Aks, "eastus", false),
        head("prod", "Production East", Provider::Eks, "us-east-1", true),
        head("prod-central", "Production Central", Provider::Gke, "us-central1-a", true),
    ]
}

fn cell(name: &str, version: &str, state: CellState, reason: &str, pods: (i64, i64), age: i64) -> Cell {
    Cell {
        workload: WorkloadRef { kind: WorkloadKind::Deployment, name: format!("devmatrix-{name}"), namespace: "devmatrix".into() },
        state,
        reason: reason.into(),
        image: Some(format!("registry.devmatrix.example/devmatrix/{name}:{version}")),
        tag: Some(version.into()),
        digest: Some(digest(if version.ends_with('1') { 'a' } else { 'b' })),
        desired: pods.1,
        ready: pods.0,
        updated: pods.1,
        revision: Some(7),
        since: Some(ago(age)),
        last_seen: None,
        drift: vec![],
        behind: None,
        failing_pod: None,
        blocker: None,
        managed_by: None,
        edited: None,
    }
}

fn behind(releases: i64, age: i64) -> Option<Behind> {
    Some(Behind { from: "staging".into(), releases, since: Some(ago(age)) })
}

pub fn said() -> PodSaid {
    PodSaid {
        pod: "nginx-7c9d8b6f5d-x2lqp".into(),
        container: "nginx".into(),
        reason: "ImagePullBackOff".into(),
        message: "Back-off pulling image \"registry.devmatrix.example/devmatrix/nginx:1.29.3-nopull\": failed to resolve reference: unexpected status from HEAD request: 403 Forbidden".into(),
    }
}

const COMPONENTS: [(&str, &str, &str, &str, i64); 8] = [
    ("api", "API server", "1.43.1", "1.42.3", 3),
    ("postgres", "PostgreSQL", "15.15", "15.14", 1),
    ("qdrant", "Qdrant", "1.16.0", "1.16.0", 1),
    ("neo4j", "Neo4j", "5.26.2", "5.26.2", 1),
    ("redis", "Redis", "7.4.2", "7.4.1", 1),
    ("nginx", "NGINX", "1.29.3", "1.29.1", 2),
    ("prometheus", "Prometheus", "3.7.3", "3.7.3", 1),
    ("elasticsearch", "Elasticsearch", "8.19.7", "8.19.4", 3),
];

fn target_cell(name: &str, ahead: &str, here: &str, pods: i64) -> Cell {
    let mut target = cell(name, here, CellState::Healthy, "", (pods, pods), 4 * DAY);
    if ahead != here {
        target.behind = behind(2, 3 * DAY);
    }
    match name {
        "api" => {
            target.state = CellState::Degraded;
            target.reason = "2 of 3 pods are ready".into();
            target.ready = 2;
            target.drift = vec![Drift { field: "replicas".into(), declared: "5".into(), observed: "3".into() }];
        }
        "nginx" => {
            target.state = CellState::Degraded;
            target.reason = format!("{}: {}", said().reason, said().message);
            target.failing_pod = Some(said());
            target.since = Some(ago(11 * MIN));
        }
        "neo4j" => target.state = CellState::Absent,
        _ => {}
    }
    target
}

pub fn matrix() -> Matrix {
    let rows = COMPONENTS.iter().map(|(name, title, ahead, here, pods)| {
        let mut source = cell(name, ahead, CellState::Healthy, "", (*pods, *pods), 2 * HOUR);
        match *name {
            "elasticsearch" => {
                (source.state, source.reason, source.ready, source.since) =
                    (CellState::Progressing, "2 of 3 new pods are available".into(), 2, Some(ago(90)))
            }
            "neo4j" => (source.state, source.reason) = (CellState::Paused, "rollouts are paused".into()),
            "prometheus" => (source.state, source.reason, source.ready) = (CellState::Down, "0 of 1 pods are ready".into(), 0),
            _ => {}
        }
        let mut lost = cell(name, here, CellState::Unknown, "connection timed out", (*pods, *pods), DAY);
        lost.last_seen = Some(ago(43));
        let cells = BTreeMap::from([
            ("staging".to_owned(), source),
            ("prod".to_owned(), target_cell(name, ahead, here, *pods)),
            ("prod-central".to_owned(), lost),
        ]);
        MatrixRow { name: (*name).into(), title: (*title).into(), owner: "backend".into(), cells }
    });
    Matrix { environments: heads(), components: rows.collect() }
}

const DIFF: &str = "--- before\n+++ after\n@@ -3,8 +3,8 @@\n metadata:\n   name: devmatrix-api\n   annotations:\n-    kubernetes.io/change-cause: \"CH-8 promote 1.42.3 by bea\"\n+    kubernetes.io/change-cause: \"CH-12 promote 1.43.1 by bea\"\n spec:\n   replicas: 4\n@@ -21,7 +21,7 @@\n     spec:\n       containers:\n       - name: api\n-        image: registry.devmatrix.example/devmatrix/api:1.42.3@sha256:4be1c07fa6d2aa11e107c2\n+        image: registry.devmatrix.example/devmatrix/api:1.43.1@sha256:9d20ab53c1f8ab0060b8f4\n         ports:\n         - containerPort: 8000\n";

fn approval() -> Approval {
    let rules = vec![Rule { from: vec![Group::Team("devops".into()), Group::Person("paul".into())], needed: 1 }];
    Approval { rules, exclude_requester: true, exclude_authors: false, expires_s: DAY }
}

fn gates(warn: bool) -> Vec<Gate> {
    let gate = |name: &str, title: &str, state: &str, detail: &str| Gate {
        name: name.into(),
        title: title.into(),
        state: state.into(),
        detail: detail.into(),
    };
    let mut all = vec![
        gate("source", "Source is healthy", "pass", "Staging, all pods ready on one digest"),
        gate("target", "Target is as planned", "pass", "Generation 61"),
        gate("hold", "No hold on this release", "pass", "1.43.1 was not rolled back here"),
    ];
    if warn {
        all.push(gate("revision", "Revision failed before", "warn", "Revision 3 ended as failed when it was deployed"));
    }
    all
}

pub fn plan(kind: Kind, component: &str, from: &str, to: &str, environment: &str) -> Plan {
    let title = COMPONENTS.iter().find(|c| c.0 == component).map_or(component, |c| c.1);
    let env = heads().into_iter().find(|e| e.name == environment).map_or_else(String::new, |e| e.title);
    let image = |version: &str, letter| Artifact {
        image: format!("registry.devmatrix.example/devmatrix/{component}:{version}@{}", digest(letter)),
        digest: Some(digest(letter)),
    };
    let summary = match kind {
        Kind::Promote => format!("Promote {title} {to} to {env}"),
        Kind::Rollback => format!("Roll back {title} in {env} to {to}"),
        Kind::Scale => format!("Scale {title} in {env}, 3 to 4"),
        Kind::Restart => format!("Restart {title} in {env}"),
        Kind::Unblock => format!("Unblock {title} in {env}: delete pod postgres-1"),
        Kind::Deploy => format!("Deploy {title} {to} to {env}"),
        Kind::Autoscale => format!("Autoscale {title} in {env}, 3 to 10 becomes 3 to 12"),
        Kind::RunJob => format!("Run devmatrix-backup in {env}"),
    };
    let word = |what: &str, text: String| Word { what: what.into(), text };
    Plan {
        kind,
        component: component.into(),
        environment: environment.into(),
        source: (kind == Kind::Promote).then(|| "staging".into()),
        to_revision: (kind == Kind::Rollback).then_some(3),
        requester: "bea".into(),
        reason: "Fixes the retry storm on slow vector searches.".into(),
        summary,
        target: Target {
            cluster: "prod-cluster".into(),
            namespace: "devmatrix".into(),
            kind: if kind == Kind::RunJob { TargetKind::CRON_JOB } else { WorkloadKind::Deployment.into() },
            name: format!("devmatrix-{component}"),
            uid: "u".into(),
            generation: 61,
            spec_hash: "h".into(),
            autoscaler: None,
            replicas_float: false,
            spec_hash_after: None,
        },
        container: component.into(),
        from: image(from, 'b'),
        to: image(to, 'a'),
        desired: 4,
        scaled_from: (kind == Kind::Scale).then_some(3),
        train: None,
        bounds_from: (kind == Kind::Autoscale).then_some(Bounds { min: 3, max: 10 }),
        config: vec![],
        patch: Patch { kind: PatchKind::Json, body: serde_json::Value::Null },
        words: vec![
            word("Image", format!("{from} → {to}, the digest that has run healthy in Staging for 2 h")),
            word("Replicas", "Stay at 4".into()),
            word("Target", format!("deployment/devmatrix-{component} in devmatrix, EKS us-east-1, generation 61")),
        ],
        diff: Diff { unified: DIFF.into(), added: 2, removed: 2 },
        gates: gates(kind == Kind::Rollback),
        approval: (kind == Kind::Promote).then(approval),
        authors: None,
        policy_version: "p".into(),
        made_at: ago(44 * MIN),
        valid_until: NOW.plus_seconds(23 * HOUR),
    }
}

fn step(name: &str, state: &str, started: Option<i64>, finished: Option<i64>, detail: &str) -> Step {
    Step { name: name.into(), state: state.into(), started: started.map(ago), finished: finished.map(ago), detail: detail.into() }
}

pub fn change(number: i64, state: State, plan: Plan) -> Change {
    let waits = state == State::AwaitingApproval;
    let mut steps = vec![step("plan", "done", Some(44 * MIN), Some(44 * MIN - 2), "3 gates checked, dry run accepted by the cluster")];
    if plan.approval.is_some() {
        steps.push(if waits {
            step("approval", "running", Some(44 * MIN), None, "waiting for 1 vote")
        } else {
            step("approval", "done", Some(44 * MIN), Some(14 * MIN), "dmitri approved")
        });
    }
    if !waits {
        let end = if state == State::Failed {
            "failed"
        } else if state.is_terminal() {
            "done"
        } else {
            "running"
        };
        steps.push(step("check", "done", Some(14 * MIN), Some(14 * MIN - 1), "no difference"));
        steps.push(step("write", "done", Some(14 * MIN), Some(14 * MIN - 1), "patch accepted, generation 61 to 62"));
        steps.push(step("rollout", end, Some(14 * MIN), state.is_terminal().then_some(11 * MIN), "2 of 4 new pods are available"));
    }
    let votes = if waits || plan.approval.is_none() {
        vec![]
    } else {
        vec![Vote {
            by: "dmitri".into(),
            vote: VoteKind::Approve,
            at: ago(14 * MIN),
            digest: plan.digest(),
            reason: "looks good".into(),
            duties: vec![],
        }]
    };
    let outcome = state.is_terminal().then(|| Outcome {
        state,
        reason: if state == State::Failed {
            format!("{}: the image cannot be pulled", said().reason)
        } else if state == State::Superseded {
            "the workload was changed after the plan was made (generation 61 then, 62 now); plan again".into()
        } else {
            "all pods run the new revision".into()
        },
        failing_pod: (state == State::Failed).then(said),
        at: ago(11 * MIN),
    });
    Change {
        id: format!("0190-{number}"),
        number,
        state,
        digest: plan.digest(),
        plan,
        requested_at: ago(44 * MIN),
        votes,
        glass: None,
        steps,
        outcome,
        sent: !waits,
        written_generation: (!waits).then_some(62),
        config: vec![],
    }
}

pub fn api(number: i64, state: State) -> Change {
    change(number, state, plan(Kind::Promote, "api", "1.42.3", "1.43.1", "prod"))
}

fn nginx(number: i64, state: State) -> Change {
    change(number, state, plan(Kind::Promote, "nginx", "1.29.1", "1.29.3-nopull", "prod"))
}

fn job(number: i64, state: State) -> Change {
    let mut plan = plan(Kind::RunJob, "backup-tools", "2.3.0", "2.3.0", "prod");
    plan.component = "cronjob/devmatrix-backup".into();
    plan.patch = Patch { kind: PatchKind::CreateJob, body: serde_json::json!({"metadata": {"generateName": "devmatrix-backup-"}}) };
    plan.desired = 1;
    plan.words = vec![
        Word { what: "Job".into(), text: "One, from the CronJob's template as it is now".into() },
        Word { what: "Image".into(), text: plan.to.image.clone() },
        Word { what: "Schedule".into(), text: "Goes on as it is, and does not know of this Job".into() },
        Word { what: "Afterwards".into(), text: "The Job stays for 7 d after its end".into() },
    ];
    plan.gates.retain(|gate| gate.name == "target");
    let unified = "--- before\n+++ after\n@@ -0,0 +1,4 @@\n+apiVersion: batch/v1\n+kind: Job\n+spec:\n+  backoffLimit: 2\n";
    plan.diff = Diff { unified: unified.into(), added: 4, removed: 0 };
    change(number, state, plan)
}

pub fn hold() -> Hold {
    Hold {
        id: "h1".into(),
        component: "redis".into(),
        environment: "prod".into(),
        image: "registry.devmatrix.example/devmatrix/redis:7.4.2".into(),
        digest: Some(digest('b')),
        change: "CH-9".into(),
        by: "olivia".into(),
        at: ago(5 * HOUR),
    }
}

pub fn home(full: bool) -> HomeData {
    let figures = Progress { desired: 4, updated: 3, ready: 4, available: 4 };
    let recent = vec![
        nginx(11, State::Failed),
        change(10, State::Succeeded, plan(Kind::Rollback, "redis", "7.4.2", "7.4.1", "prod")),
        api(8, State::Superseded),
    ];
    HomeData {
        matrix: matrix(),
        waiting: if full {
            vec![
                api(12, State::AwaitingApproval),
                change(13, State::AwaitingApproval, plan(Kind::Promote, "postgres", "15.14", "15.15", "prod")),
            ]
        } else {
            vec![]
        },
        trains: if full { vec![crate::trains::waiting_train()] } else { vec![] },
        failed: if full { vec![nginx(11, State::Failed)] } else { vec![] },
        in_progress: if full {
            vec![
                (change(14, State::Observing, plan(Kind::Promote, "elasticsearch", "8.19.4", "8.19.7", "staging")), figures),
                (change(13, State::AwaitingApproval, plan(Kind::Promote, "postgres", "15.14", "15.15", "prod")), figures),
            ]
        } else {
            vec![]
        },
        recent: if full { recent } else { vec![] },
        holds: vec![hold()],
        catalog: crate::oncall::catalog(),
        on_call: crate::oncall::on_call_now(),
        pages: vec![],
        reviews: vec![],
    }
}

pub fn components() -> ComponentsData {
    ComponentsData { matrix: matrix(), holds: vec![hold()], open: vec![] }
}

fn declared(name: &str) -> Declared {
    Declared {
        owner: "backend".into(),
        owner_title: "Backend Team".into(),
        technology: "FastAPI".into(),
        port: Some(8000),
        replicas: Some(3),
        cpu: Some("2".into()),
        memory: Some("4 GB".into()),
        workload: format!("deployment/devmatrix-{name}"),
        container: None,
        companions: vec![],
        depends_on: vec!["postgres".into(), "qdrant".into(), "prometheus".into()],
    }
}

fn pods(name: &str, version: &str) -> Vec<PodView> {
    let pod = |suffix: &str, status: &str, ready: bool, said: Option<PodSaid>| PodView {
        name: format!("devmatrix-{name}-6c5f7d9b8-{suffix}"),
        status: status.into(),
        ready,
        restarts: i64::from(!ready) * 2,
        node: "ip-10-0-31-7".into(),
        version: version.into(),
        created: ago(4 * DAY),
        said,
    };
    let mut all = vec![pod("2mkd4", "Running", true, None), pod("8vxpl", "Running", true, None), pod("t7qzx", "Running", false, None)];
    if name == "nginx" {
        all.push(pod("x2lqp", "ImagePullBackOff", false, Some(said())));
    }
    all
}

fn records(name: &str, environment: &str) -> Vec<DeploymentRecord> {
    let record = |revision: i64, tag: &str, outcome, age: i64, current: bool| {
        let image = format!("registry.devmatrix.example/devmatrix/{name}:{tag}");
        let parsed = ImageRef::parse(&image);
        DeploymentRecord {
            id: format!("{environment}-{revision}"),
            component: name.into(),
            environment: environment.into(),
            revision,
            tag: parsed.and_then(|image| image.tag),
            image,
            digest: Some(digest(if revision == 4 { 'a' } else { 'b' })),
            change: (revision > 2).then(|| format!("CH-{}", revision + 5)),
            by: (revision > 1).then(|| "bea".into()),
            commit: Some("c07be15aa".into()),
            cause: Some("Cap retries on slow vector searches".into()),
            at: ago(age),
            outcome,
            duration_s: Some(72),
            current,
        }
    };
    vec![
        record(4, "1.43.1", RecordOutcome::Failed, 14 * MIN, true),
        record(3, "1.42.3", RecordOutcome::Succeeded, 4 * DAY, false),
        record(2, "1.42.2", RecordOutcome::Succeeded, 13 * DAY, false),
        record(1, "1.42.1", RecordOutcome::Unknown, 15 * DAY, false),
    ]
}

pub fn component(name: &str) -> ComponentData {
    let matrix = matrix();
    let row = matrix.components.iter().find(|row| row.name == name).cloned();
    let title = row.as_ref().map_or_else(String::new, |row| row.title.clone());
    let environments = heads().into_iter().filter_map(|environment| {
        let cell = row.as_ref()?.cells.get(&environment.name)?.clone();
        let (pods, deployments) = (pods(name, &cell.version()), records(name, &environment.name));
        Some(ComponentIn { environment, cell, pods, deployments, around: super::around::around(name) })
    });
    let view = ComponentView { name: name.into(), title, declared: declared(name), environments: environments.collect() };
    ComponentData {
        view,
        matrix,
        holds: vec![Hold { component: name.into(), ..hold() }],
        open: vec![],
        happenings: happenings(),
        pods: Default::default(),
    }
}

/// A StatefulSet that waits for a broken pod of an earlier revision.
pub fn held_up() -> ComponentData {
    let mut data = component("postgres");
    if let Some(here) = data.view.environments.iter_mut().find(|here| here.environment.name == "prod") {
        let said = PodSaid { pod: "postgres-2".into(), container: "postgres".into(), ..said() };
        here.cell.state = CellState::Degraded;
        here.cell.reason = format!("{}: {}", said.reason, said.message);
        (here.cell.ready, here.cell.failing_pod, here.cell.blocker) = (2, Some(said.clone()), Some(said));
    }
    data
}

pub fn environments() -> EnvironmentsData {
    EnvironmentsData { matrix: matrix() }
}

pub fn environment(name: &str) -> EnvironmentData {
    let matrix = matrix();
    let components = matrix.components.iter().filter_map(|row| {
        Some(InEnvironment {
            name: row.name.clone(),
            title: row.title.clone(),
            declared: declared(&row.name),
            cell: row.cells.get(name)?.clone(),
        })
    });
    let view = EnvironmentView {
        environment: heads().into_iter().find(|head| head.name == name).unwrap_or_else(|| head(name, name, Provider::Eks, "", false)),
        components: components.collect(),
        undeclared: vec![Undeclared {
            kind: WorkloadKind::DaemonSet,
            name: "node-exporter".into(),
            image: "quay.io/prometheus/node-exporter:v1.9.1".into(),
            desired: 3,
            ready: 3,
        }],
        inventory: super::around::inventory(),
    };
    EnvironmentData {
        view,
        holds: vec![],
        open: vec![api(12, State::AwaitingApproval)],
        policy: super::policy::policy(),
        freezes: vec![],
        key: "0190".into(),
        tried: None,
    }
}

pub fn changes(nothing: bool) -> ChangesData {
    let filter = if nothing {
        Filter { state: Some(State::Stuck), environment: Some("prod".into()), ..Filter::default() }
    } else {
        Filter::default()
    };
    let items = if nothing { vec![] } else { State::ALL.iter().enumerate().map(|(at, state)| api(30 - at as i64, *state)).collect() };
    let components = COMPONENTS.iter().map(|c| (c.0.to_owned(), c.1.to_owned())).collect();
    ChangesData { filter, items, next: (!nothing).then(|| "abc".into()), components }
}

pub fn on_page(change: Change, progress: (i64, i64, i64), tried: Option<Tried>) -> ChangeData {
    let (desired, updated, ready) = progress;
    let component = change.plan.component.clone();
    ChangeData {
        progress: Progress { desired, updated, ready, available: ready },
        component_title: component.clone(),
        cluster_title: "EKS us-east-1".into(),
        pods: pods(&component, &change.plan.to.version()),
        deployments: records(&component, "prod"),
        holds: vec![],
        review: None,
        approvers: vec![Approver { person: "bea".into(), on_call: vec![duty()] }, Approver { person: "olivia".into(), on_call: vec![] }],
        usual: Some(Usual { rollouts: 12, median_s: 42, slowest_s: 130 }),
        story: story(&change),
        gates: change.plan.gates.clone(),
        change,
        tried,
    }
}

fn duty() -> domain::catalog::Duty {
    domain::catalog::Duty { rotation: "platform".into(), role: "primary".into() }
}

fn story(change: &Change) -> Vec<Line> {
    let line = |s, what, text: &str| Line { at: change.requested_at.plus_seconds(s), what, text: text.into() };
    vec![
        line(0, What::Did, "change.request by anna: Promote api 1.43.1 to prod"),
        line(70, What::Saw, "generation 61, resourceVersion 48211, last written by CH-9; all pods are as its spec says"),
        line(70, What::Decided, "write it, if it still has resourceVersion 48211"),
        line(70, What::Answered, "the patch of 612 bytes, done: generation 62, resourceVersion 48219"),
    ]
}

pub fn change_pages() -> Vec<(String, ChangeData)> {
    let tried = Tried { act: Act::Reject, error: Error::invalid("reason", "say why, so that others can act on it"), reason: String::new() };
    vec![
        ("change".into(), on_page(api(12, State::AwaitingApproval), (4, 4, 4), None)),
        ("change-tried".into(), on_page(api(12, State::AwaitingApproval), (4, 4, 4), Some(tried))),
        ("change-running".into(), on_page(api(12, State::Observing), (4, 3, 4), None)),
        ("change-failed".into(), on_page(nginx(11, State::Failed), (2, 1, 2), None)),
        ("change-succeeded".into(), on_page(api(12, State::Succeeded), (4, 4, 4), None)),
        ("change-superseded".into(), on_page(api(12, State::Superseded), (4, 4, 4), None)),
        ("change-job".into(), on_page(job(13, State::Observing), (1, 1, 0), None)),
        ("change-job-done".into(), on_page(job(13, State::Succeeded), (1, 1, 1), None)),
    ]
}

pub fn new_changes() -> Vec<(String, NewChangeData)> {
    let wanted = |kind: &str| Wanted {
        kind: kind.into(),
        component: "api".into(),
        environment: "prod".into(),
        from: Some("staging".into()),
        to_revision: None,
        replicas: None,
        pod: None,
        min: None,
        max: None,
        image: None,
        authors: None,
        cron_job: None,
        restore_config: false,
        break_glass: false,
        reason: String::new(),
    };
    let page = |kind: &str, plan, hold, error| NewChangeData {
        usual: Some(Usual { rollouts: 12, median_s: 42, slowest_s: 130 }),
        wanted: wanted(kind),
        plan,
        component_title: "API server".into(),
        environment_title: "Production East".into(),
        hold,
        key: "0190".into(),
        error,
    };
    let refused = Error::Refused(Refusal::new(
        RefusalCode::ReleaseOnHold,
        "7.4.2 was rolled back in Production East by olivia and is on hold there. Lift the hold to deploy it again.",
    ));
    vec![
        ("new-promote".into(), page("promote", Ok(plan(Kind::Promote, "api", "1.42.3", "1.43.1", "prod")), None, None)),
        (
            "new-rollback".into(),
            page(
                "rollback",
                Ok(plan(Kind::Rollback, "api", "1.43.1", "1.42.3", "prod")),
                None,
                Some(Error::invalid("reason", "expected at most 2000 characters")),
            ),
        ),
        ("new-refused".into(), page("promote", Err(refused), Some(hold()), None)),
    ]
}

pub fn approvals(some: bool) -> ApprovalsData {
    if !some {
        return ApprovalsData { waiting: vec![], trains: vec![], others: vec![api(12, State::AwaitingApproval)] };
    }
    let back =
        change(13, State::AwaitingApproval, Plan { approval: Some(approval()), ..plan(Kind::Rollback, "redis", "7.4.2", "7.4.1", "prod") });
    ApprovalsData { trains: vec![crate::trains::waiting_train()], waiting: vec![api(12, State::AwaitingApproval), back], others: vec![] }
}

pub fn sign_in(demo: bool) -> SignInData {
    if demo {
        let people = ["olivia", "dmitri", "bea", "ben", "viv"].map(person).to_vec();
        return SignInData { people, return_to: "/".into(), error: None };
    }
    SignInData { people: vec![], return_to: "/changes".into(), error: Some(Error::Unauthenticated) }
}

pub fn errors() -> Vec<(&'static str, Error)> {
    vec![
        ("404", Error::not_found("component `nope` (did you mean `neo4j`?)")),
        ("403", Error::forbidden("role_missing", "viv may not ask for changes: that needs the role deployer.")),
        ("409", Error::conflict("plan_changed", "This is not the digest of the plan: look at the plan again, then decide.")),
        ("503", Error::Unavailable { why: "The database cannot be reached".into() }),
        ("500", Error::Internal { incident: "0190ab".into() }),
    ]
}

/// One environment whose cluster speaks, one that is quiet, one that is not heard.
fn happenings() -> Vec<Happenings> {
    let said = |id: &str, kind: &str, reason: &str, message: &str, count: i64, age: i64| Happening {
        id: id.into(),
        at: ago(age),
        first: ago(age + 40 * MIN),
        count,
        kind: kind.into(),
        reason: reason.into(),
        object: "Pod/devmatrix-api-7b9f4d4c9-x2v8p".into(),
        message: message.into(),
    };
    let items = vec![
        said("a", "Warning", "Unhealthy", "Readiness probe failed: HTTP probe failed with statuscode: 503", 274, 12),
        said("b", "Normal", "Killing", "Container api failed liveness probe, will be restarted", 2, 9 * MIN),
    ];
    let lost = Happenings { trouble: "connection timed out".into(), ..Happenings::default() };
    vec![Happenings::default(), Happenings { items, ..Happenings::default() }, lost]
}

fn log_line(pod: &str, kind: LineKind, age: i64, text: &str) -> LogLine {
    LogLine { at: Moment::from(ago(age)), pod: format!("devmatrix-api-7b9f4d4c9-{pod}"), container: "api".into(), text: text.into(), kind }
}

pub fn log_lines() -> Logs {
    let lines = vec![
        log_line("x2v8p", LineKind::Line, 9, "INFO  request method=GET path=/health status=200 duration_ms=1"),
        log_line("hj5wc", LineKind::Line, 8, "WARN  upstream timeout host=qdrant after_ms=3000 retry=1"),
        log_line("t7qzx", LineKind::Ended, 6, "the pod has ended: it was deleted"),
        log_line("8vxpl", LineKind::Joined, 5, "the pod joins"),
        log_line(
            "8vxpl",
            LineKind::Line,
            5,
            "ERROR \u{1b}[31mPOST /search 504\u{1b}[0m after 3011 ms, a long line that has to wrap where the window is narrow",
        ),
        log_line("2mkd4", LineKind::Trouble, 4, "container \"api\" is waiting to start: trying and failing to pull image"),
    ];
    Logs { lines, pods: 4, containers: vec!["api".into(), "migrate".into()], read: 3, not_read: 0, hidden: 0 }
}

pub fn logs(query: &[(&str, &str)], found: Result<Logs, Error>) -> LogsData {
    let all = query.iter().chain(&[("environment", "prod")]);
    LogsData {
        component: "api".into(),
        title: "API server".into(),
        environment: "prod".into(),
        environments: heads().into_iter().map(|head| (head.name, head.title)).collect(),
        wanted: app::logs::Wanted::new(all.map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect()).unwrap_or_default(),
        tail: 200,
        previous: query.contains(&("previous", "true")),
        follow: true,
        found,
    }
}

/// Name of the state and its page.
pub fn logs_pages() -> Vec<(&'static str, LogsData)> {
    let none = || Logs { lines: vec![], hidden: 600, ..log_lines() };
    let forbidden = Error::forbidden("cluster_forbids", "The portal may not get pods/log in devmatrix.");
    vec![
        ("logs", logs(&[], Ok(log_lines()))),
        ("logs-filtered-to-nothing", logs(&[("text", "no such words")], Ok(none()))),
        ("logs-previous-none", logs(&[("previous", "true")], Ok(Logs { hidden: 0, ..none() }))),
        ("logs-no-pods", logs(&[], Ok(Logs::default()))),
        ("logs-lost", logs(&[], Err(Error::Unavailable { why: "Cluster prod-eks cannot be reached".into() }))),
        ("logs-forbidden", logs(&[], Err(forbidden))),
    ]
}
