//! Plans and refusals: the same facts give the same digest, and every rule that forbids is named.

#![allow(clippy::unwrap_used, clippy::panic)]

use domain::Time;
use domain::catalog::{Approval, Component, DeclaredWorkload, Environment, Group, Rule};
use domain::changes::plan::{Blocker, Companion, ConfigThen, Kept, Live, Scaler, Since, draft};
use domain::changes::{Bounds, Facts, Hold, Patch, Plan, RefusalCode, Request, Stamp};
use domain::clusters::{Autoscaler, CellState, Manager, PodSaid, WorkloadKind};
use domain::names::Name;
use domain::releases::{DeploymentRecord, RecordOutcome};
use serde_json::{Value, json};

const OLD: &str = "sha256:0000000000000000000000000000000000000000000000000000000000000001";
const NEW: &str = "sha256:0000000000000000000000000000000000000000000000000000000000000002";

fn name(text: &str) -> Name {
    Name::parse("name", text).unwrap()
}

fn object(image: &str) -> Value {
    json!({
        "metadata": {"name": "devmatrix-api", "uid": "u-1", "generation": 61, "annotations": {}},
        "spec": {"replicas": 4, "template": {"metadata": {"labels": {"app": "api"}}, "spec": {"containers": [{"name": "api", "image": image}]}}},
    })
}

fn live(tag: &str, digest: Option<&str>) -> Live {
    let image = format!("registry.example/api:{tag}");
    Live {
        object: object(&image),
        state: CellState::Healthy,
        reason: String::new(),
        digest: digest.map(Into::into),
        container: "api".into(),
        image,
        companions: vec![],
        since: Some(Time(0)),
        managed_by: None,
    }
}

fn environment(name: &str, from: Option<&str>) -> Environment {
    let rules = vec![Rule { from: vec![Group::Team("devops".into())], needed: 1 }];
    let approval = Approval { rules, exclude_requester: true, exclude_authors: false, expires_s: 86_400 };
    Environment {
        name: name.into(),
        title: name.to_uppercase(),
        stage: 1,
        cluster: "c".into(),
        namespace: "ns".into(),
        branch: None,
        production: from.is_some(),
        promote_from: from.map(Into::into),
        approval: from.map(|_| approval),
        windows: vec![],
        rollback_needs_approval: false,
        rollback_automatic: false,
    }
}

fn facts() -> Facts {
    Facts {
        now: Time(7_200_500),
        requester: "bea".into(),
        component: Component {
            name: "api".into(),
            title: "API server".into(),
            owner: "backend".into(),
            technology: String::new(),
            image: None,
            port: None,
            replicas: Some(3),
            cpu: None,
            memory: None,
            workload: DeclaredWorkload { kind: WorkloadKind::Deployment, name: "devmatrix-api".into() },
            container: None,
            companions: vec![],
            depends_on: vec![],
        },
        environment: environment("prod", Some("staging")),
        cluster_title: "EKS us-east-1".into(),
        target: Some(live("1.42.3", Some(OLD))),
        source: Some((environment("staging", None), Some(live("1.43.1", Some(NEW))))),
        record: None,
        since: vec![],
        config: None,
        holds: vec![],
        autoscaler: None,
        scaler: None,
        blocker: None,
        freezes: vec![],
        break_glass: false,
        authors: None,
        policy_version: "p1".into(),
    }
}

fn promote() -> Request {
    Request::Promote { component: name("api"), environment: name("prod"), from: name("staging"), reason: "fixes it".into() }
}

fn rollback(to_revision: i64) -> Request {
    Request::Rollback { component: name("api"), environment: name("prod"), to_revision, restore_config: false, reason: "errors".into() }
}

fn scale(replicas: i64) -> Request {
    Request::Scale { component: name("api"), environment: name("prod"), replicas, reason: "load".into() }
}

fn restart() -> Request {
    Request::Restart { component: name("api"), environment: name("prod"), reason: "a leak".into() }
}

fn autoscaler() -> Autoscaler {
    let (name, target) = ("devmatrix-api".into(), "Deployment/devmatrix-api".into());
    Autoscaler { name, target, min: 3, max: 10, current: 4, desired: 4, trouble: String::new() }
}

fn record(revision: i64, tag: &str) -> DeploymentRecord {
    DeploymentRecord {
        id: "r".into(),
        component: "api".into(),
        environment: "prod".into(),
        revision,
        image: format!("registry.example/api:{tag}"),
        tag: Some(tag.into()),
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

fn plan(facts: &Facts, request: &Request) -> Plan {
    let draft = draft(facts, request).unwrap();
    let after = object("registry.example/api:after");
    draft.with_dry_run(&after)
}

fn refused(change: impl FnOnce(&mut Facts), request: &Request) -> RefusalCode {
    let mut facts = facts();
    change(&mut facts);
    draft(&facts, request).unwrap_err().code
}

#[test]
fn a_promotion_moves_the_digest_and_nothing_else() {
    let plan = plan(&facts(), &promote());
    assert_eq!(plan.to.image, format!("registry.example/api:1.43.1@{NEW}"));
    assert_eq!(plan.to.digest.as_deref(), Some(NEW));
    assert_eq!(plan.patch.body["spec"], json!({"template": {"spec": {"containers": [{"name": "api", "image": plan.to.image}]}}}));
    assert_eq!(plan.summary, "Promote API server 1.43.1 to PROD");
    assert_eq!((plan.target.uid.as_str(), plan.target.generation), ("u-1", 61));
    assert_eq!(plan.valid_until.seconds_since(plan.made_at), 86_400);
    assert!(plan.diff.unified.contains("api:after"), "{}", plan.diff.unified);
}

#[test]
fn the_version_label_moves_with_the_image_where_the_pods_carry_it() {
    let mut facts = facts();
    facts.target.as_mut().unwrap().object["spec"]["template"]["metadata"]["labels"]["app.kubernetes.io/version"] = json!("1.42.3");
    let plan = plan(&facts, &promote());
    assert_eq!(plan.patch.body["spec"]["template"]["metadata"]["labels"], json!({"app.kubernetes.io/version": "1.43.1"}));
}

/// What CI notes of a build goes on with its image; what nobody says of it is not left over from the one before.
#[test]
fn the_notes_of_a_release_move_with_its_image() {
    let noted = |live: &mut Live, version: &str, notes: Value| {
        live.object["spec"]["template"]["metadata"] = json!({"labels": {"app.kubernetes.io/version": version}, "annotations": notes});
    };
    let promoted = |source: (&str, Value), target: Value| {
        let mut facts = facts();
        noted(facts.source.as_mut().unwrap().1.as_mut().unwrap(), source.0, source.1);
        noted(facts.target.as_mut().unwrap(), "1.42.3", target);
        plan(&facts, &promote()).patch.body["spec"]["template"]["metadata"]["annotations"].clone()
    };
    let (new, old) =
        (json!({"devmatrix.io/commit": "c2", "devmatrix.io/author": "ben"}), json!({"devmatrix.io/author": "bea", "team": "x"}));
    assert_eq!(promoted(("1.43.1", new.clone()), old.clone()), new);
    assert_eq!(promoted(("1.40.0", new.clone()), old.clone()), json!({"devmatrix.io/author": null}), "the notes are of another version");
    assert_eq!(promoted(("1.43.1", json!({})), json!({})), Value::Null);
    let mut plain = facts();
    noted(plain.source.as_mut().unwrap().1.as_mut().unwrap(), "1.43.1", new);
    let patch = plan(&plain, &promote()).patch.body;
    assert_eq!(patch["spec"]["template"].get("metadata"), None, "pods without a version carry no notes");

    let mut facts = facts();
    facts.environment.promote_from = None;
    noted(facts.target.as_mut().unwrap(), "1.42.3", json!({"devmatrix.io/commit": "c1", "devmatrix.io/author": "bea"}));
    let image = domain::changes::image("image", &format!("registry.example/api:2.0@{NEW}")).unwrap();
    let request = Request::Deploy { component: name("api"), environment: name("prod"), image, authors: vec![], reason: "a build".into() };
    let annotations = |facts: &Facts| plan(facts, &request).patch.body["spec"]["template"]["metadata"]["annotations"].clone();
    assert_eq!(annotations(&facts), json!({"devmatrix.io/commit": null, "devmatrix.io/author": null}));
    facts.authors = Some(vec!["ben".into(), "dmitri".into()]);
    assert_eq!(annotations(&facts), json!({"devmatrix.io/commit": null, "devmatrix.io/author": "ben, dmitri"}));
    let gates = |facts: &Facts| plan(facts, &request).gates.into_iter().filter(|gate| gate.name == "notes").count();
    assert_eq!(gates(&facts), 0);
    noted(facts.target.as_mut().unwrap(), "1.42.3", json!({"devmatrix.io/author": "bea"}));
    facts.target.as_mut().unwrap().object["spec"]["template"]["metadata"]["labels"] = json!({});
    assert_eq!(annotations(&facts), json!({"devmatrix.io/author": null}), "they would not count here: those of before go");
    assert_eq!(gates(&facts), 1, "and that is said");
}

#[test]
fn the_digest_names_the_whole_plan() {
    let base = plan(&facts(), &promote());
    assert_eq!(base.digest(), plan(&facts(), &promote()).digest(), "the same facts, the same digest");
    let mut seen = vec![base.digest()];
    let changes: [fn(&mut Facts); 6] = [
        |f| f.now = Time(f.now.0 + 1000),
        |f| f.requester = "ben".into(),
        |f| f.policy_version = "p2".into(),
        |f| f.target.as_mut().unwrap().object["metadata"]["generation"] = json!(62),
        |f| f.target.as_mut().unwrap().object["spec"]["replicas"] = json!(5),
        |f| f.environment.approval.as_mut().unwrap().rules[0].needed = 2,
    ];
    for change in changes {
        let mut facts = facts();
        change(&mut facts);
        let digest = plan(&facts, &promote()).digest();
        assert!(!seen.contains(&digest));
        seen.push(digest);
    }
    let stored: Plan = serde_json::from_str(&serde_json::to_string(&base).unwrap()).unwrap();
    assert_eq!(stored.digest(), base.digest(), "a plan survives being stored");
}

#[test]
fn promotions_are_refused_with_the_reason() {
    use RefusalCode::*;
    let source = |f: &mut Facts, change: fn(&mut Live)| change(f.source.as_mut().unwrap().1.as_mut().unwrap());
    assert_eq!(refused(|f| source(f, |s| s.state = CellState::Degraded), &promote()), SourceUnhealthy);
    assert_eq!(refused(|f| source(f, |s| s.state = CellState::Progressing), &promote()), SourceUnhealthy);
    assert_eq!(refused(|f| source(f, |s| s.state = CellState::Paused), &promote()), SourceUnhealthy);
    assert_eq!(refused(|f| source(f, |s| s.state = CellState::Unknown), &promote()), SourceUnverified);
    assert_eq!(refused(|f| f.source.as_mut().unwrap().1 = None, &promote()), SourceUnverified);
    assert_eq!(refused(|f| source(f, |s| s.digest = None), &promote()), DigestUnknown);
    assert_eq!(refused(|f| source(f, |s| s.digest = Some(OLD.into())), &promote()), AlreadyRunning);
    assert_eq!(
        refused(|f| f.target.as_mut().unwrap().managed_by = Some(Manager { tool: "Argo CD".into(), gitops: true }), &promote()),
        ManagedByGitops
    );
    assert_eq!(refused(|f| f.target = None, &promote()), WorkloadMissing);
    assert_eq!(refused(|f| f.source = None, &promote()), PromotionPathUnknown);
    assert_eq!(refused(|f| f.component.workload.kind = WorkloadKind::DaemonSet, &scale(5)), KindNotSupported);
    assert_eq!(refused(|f| f.autoscaler = Some(autoscaler()), &scale(5)), ScaledByAutoscaler);
    assert_eq!(refused(|_| {}, &scale(4)), AlreadyRunning);
    for request in [promote(), restart()] {
        assert_eq!(refused(|f| f.target.as_mut().unwrap().object["spec"]["paused"] = json!(true), &request), WorkloadPaused);
    }
    let hold = Hold {
        id: "h".into(),
        component: "api".into(),
        environment: "prod".into(),
        image: "x".into(),
        digest: Some(NEW.into()),
        change: "c".into(),
        by: "bea".into(),
        at: Time(0),
    };
    assert_eq!(refused(|f| f.holds.push(hold.clone()), &promote()), ReleaseOnHold);
    // It was rolled back before anybody knew its digest.
    let by_tag = Hold { image: "registry.example/api:1.43.1".into(), digest: None, ..hold };
    assert_eq!(refused(|f| f.holds.push(by_tag.clone()), &promote()), ReleaseOnHold);
    let mut facts = facts();
    facts.holds.push(Hold { image: "registry.example/api:1.43.0".into(), ..by_tag });
    assert!(draft(&facts, &promote()).is_ok(), "another tag");
}

fn with_record(current: bool) -> Facts {
    let mut facts = facts();
    let template =
        json!({"metadata": {"labels": {"app": "api"}}, "spec": {"containers": [{"name": "api", "image": "registry.example/api:1.42.2"}]}});
    let record = DeploymentRecord { current, ..record(3, "1.42.2") };
    facts.record = Some((record, template));
    facts
}

#[test]
fn a_rollback_restores_the_template_and_needs_no_vote() {
    let plan = plan(&with_record(false), &rollback(3));
    assert_eq!(plan.approval, None);
    assert_eq!(plan.to_revision, Some(3));
    assert_eq!(plan.patch.body[0], json!({"op": "test", "path": "/metadata/uid", "value": "u-1"}));
    assert_eq!(plan.patch.body[1]["path"], "/spec/template");
    assert_eq!(draft(&with_record(true), &rollback(3)).unwrap_err().code, RefusalCode::AlreadyRunning);
    assert_eq!(draft(&facts(), &rollback(99)).unwrap_err().code, RefusalCode::RevisionUnknown);
    let mut asks = with_record(false);
    asks.environment.rollback_needs_approval = true;
    assert!(self::plan(&asks, &rollback(3)).approval.is_some());
}

#[test]
fn a_rollback_says_what_it_does_not_bring_back() {
    let map = |name: &str, then: Option<Value>, now: Option<Value>| {
        let now = now.map(|held| Kept { held, ..Kept::default() });
        ConfigThen { name: name.into(), then, now }
    };
    let data = |data: Value| Some(json!({"data": data, "binaryData": null}));
    let gates = |facts: &Facts| {
        let plan = plan(facts, &rollback(3));
        plan.gates.iter().filter(|gate| ["config", "irreversible"].contains(&gate.name.as_str())).cloned().collect::<Vec<_>>()
    };
    let facts = with_record(false);
    assert!(gates(&facts).is_empty(), "nobody wrote down what it was");
    assert!(plan(&facts, &rollback(3)).words.iter().any(|word| word.text.contains("was not written down")));
    let none = Facts { config: Some(vec![]), ..facts.clone() };
    assert!(gates(&none).is_empty() && !plan(&none, &rollback(3)).words.iter().any(|word| word.what == "Configuration"), "it has none");

    let same = Facts { config: Some(vec![map("web", data(json!({"a": "1"})), data(json!({"a": "1"})))]), ..facts.clone() };
    assert_eq!(gates(&same)[0].state, "pass");
    let changed = vec![
        map("gone", data(json!({})), None),
        map("new", None, data(json!({}))),
        map("web", data(json!({"a": "1", "b": "2", "c": "3"})), data(json!({"a": "1", "b": "9", "d": "4"}))),
    ];
    let found = gates(&Facts { config: Some(changed), ..facts.clone() });
    assert_eq!(found[0].state, "warn");
    assert_eq!(found[0].detail, "Changed since then, and not brought back: gone (is gone); new (is new); web (b, c, d)");

    let template = |text: &str| json!({"metadata": {"annotations": {"devmatrix.io/irreversible": text}}});
    let since = vec![
        Since::of(6, "1.45.0".into(), &template("drops the column `plan`")),
        Since::of(5, "1.44.0".into(), &template("false")),
        Since::of(4, "1.43.0".into(), &json!({"metadata": {}})),
    ];
    let found = gates(&Facts { since, ..facts });
    assert_eq!((found.len(), found[0].state.as_str()), (1, "warn"));
    assert_eq!(found[0].detail, "1.45.0 (revision 6): drops the column `plan`");
}

#[test]
fn the_bytes_of_a_write_carry_preconditions_and_marks() {
    let stamp = Stamp { change: "c-1", fence: 2, cause: Some("why"), resource_version: "77", annotated: true };
    let merge: Value = serde_json::from_str(&plan(&facts(), &promote()).patch.stamped(&stamp)).unwrap();
    assert_eq!(merge["metadata"]["resourceVersion"], "77");
    assert_eq!(merge["metadata"]["uid"], "u-1");
    assert_eq!(merge["metadata"]["annotations"]["portal.devmatrix.io/change"], "c-1");
    assert_eq!(merge["metadata"]["annotations"]["portal.devmatrix.io/fence"], "2");
    let json_patch: Patch = plan(&with_record(false), &rollback(3)).patch;
    let operations: Value = serde_json::from_str(&json_patch.stamped(&stamp)).unwrap();
    assert_eq!(operations[0], json!({"op": "test", "path": "/metadata/resourceVersion", "value": "77"}));
    assert!(operations.as_array().unwrap().iter().any(|op| op["path"] == "/metadata/annotations/kubernetes.io~1change-cause"));
    assert_eq!(json_patch.stamped(&stamp), json_patch.stamped(&stamp));
}

#[test]
fn a_scale_writes_the_number_and_remembers_what_was() {
    let plan = plan(&facts(), &scale(6));
    assert_eq!(plan.patch.body, json!({"metadata": {"uid": "u-1"}, "spec": {"replicas": 6}}));
    assert_eq!((plan.summary.as_str(), plan.desired, plan.scaled_from), ("Scale API server in PROD, 4 to 6", 6, Some(4)));
    assert_eq!(plan.from, plan.to, "what runs stays");
    assert!(plan.approval.is_some(), "production asks for votes");
    let warned = |replicas| self::plan(&facts(), &scale(replicas)).gates.iter().any(|gate| gate.name == "replicas" && gate.state == "warn");
    assert!(warned(0) && warned(2) && !warned(3));
}

fn autoscaled() -> Facts {
    let object = json!({"metadata": {"name": "devmatrix-api", "uid": "u-hpa"}, "spec": {"minReplicas": 3, "maxReplicas": 10}});
    Facts { autoscaler: Some(autoscaler()), scaler: Some(Scaler { object, managed_by: None }), ..facts() }
}

fn bounds(min: i64, max: i64) -> Request {
    let bounds = Bounds::new(min, max).unwrap();
    Request::Autoscale { component: name("api"), environment: name("prod"), bounds, reason: "Christmas".into() }
}

#[test]
fn bounds_are_written_to_the_autoscaler_and_to_nothing_else() {
    let plan = plan(&autoscaled(), &bounds(5, 12));
    assert_eq!(plan.patch.body, json!({"metadata": {"uid": "u-hpa"}, "spec": {"minReplicas": 5, "maxReplicas": 12}}));
    assert_eq!((plan.target.uid.as_str(), plan.target.autoscaler.as_deref()), ("u-hpa", Some("devmatrix-api")));
    assert_eq!((plan.desired, plan.bounds_from), (5, Some(Bounds { min: 3, max: 10 })));
    assert_eq!(plan.summary, "Autoscale API server in PROD, 3 to 10 becomes 5 to 12");
    assert!(plan.words.iter().any(|word| word.text.starts_with("4 → 5 when")), "{:?}", plan.words);
    let warned = |max| self::plan(&autoscaled(), &bounds(1, max)).gates.iter().any(|gate| gate.name == "replicas" && gate.state == "warn");
    assert!(warned(2) && !warned(3), "three are declared");
}

#[test]
fn bounds_are_refused_without_an_autoscaler_with_the_same_ones_and_where_a_tool_owns_it() {
    assert_eq!(refused(|_| {}, &bounds(5, 12)), RefusalCode::NoAutoscaler);
    assert_eq!(refused(|facts| *facts = autoscaled(), &bounds(3, 10)), RefusalCode::AlreadyRunning);
    let owned = |facts: &mut Facts| {
        *facts = autoscaled();
        facts.scaler.as_mut().unwrap().managed_by = Some(Manager { tool: "Flux".into(), gitops: true });
    };
    assert_eq!(refused(owned, &bounds(5, 12)), RefusalCode::ManagedByGitops);
}

#[test]
fn a_scale_of_a_paused_deployment_is_allowed_as_the_controller_scales_it() {
    let mut facts = facts();
    facts.target.as_mut().unwrap().object["spec"]["paused"] = json!(true);
    assert_eq!(plan(&facts, &scale(5)).desired, 5);
}

#[test]
fn a_restart_marks_the_template_as_kubectl_does() {
    let plan = plan(&facts(), &restart());
    let mark = json!({"metadata": {"annotations": {"kubectl.kubernetes.io/restartedAt": "1970-01-01T02:00:00Z"}}});
    assert_eq!(plan.patch.body["spec"]["template"], mark);
    assert_eq!(plan.from, plan.to);
    let mut facts = facts();
    facts.target.as_mut().unwrap().object["spec"]["updateStrategy"] = json!({"type": "OnDelete"});
    let gate = self::plan(&facts, &restart()).gates.into_iter().find(|gate| gate.name == "strategy").unwrap();
    assert_eq!((gate.state.as_str(), gate.title.as_str()), ("warn", "Nothing restarts by itself"));
}

#[test]
fn helm_does_not_forbid_and_is_said() {
    let mut facts = facts();
    facts.target.as_mut().unwrap().managed_by = Some(Manager { tool: "Helm".into(), gitops: false });
    let plan = plan(&facts, &promote());
    assert!(plan.gates.iter().any(|gate| gate.name == "manager" && gate.state == "warn" && gate.detail.contains("Helm")));
}

/// What the plan was made on does not matter: somebody may have added some since.
#[test]
fn a_rollback_makes_room_for_its_marks_where_there_are_no_annotations() {
    let patch = plan(&with_record(false), &rollback(3)).patch;
    let makes = |annotated| {
        let stamp = Stamp { change: "c", fence: 1, cause: None, resource_version: "7", annotated };
        let operations: Vec<Value> = serde_json::from_str(&patch.stamped(&stamp)).unwrap();
        let of = |path: &str| operations.iter().position(|op| op["path"] == path);
        let (room, mark) = (of("/metadata/annotations"), of("/metadata/annotations/portal.devmatrix.io~1change"));
        assert!(room < mark, "room first: {operations:?}");
        room.is_some()
    };
    assert_eq!((makes(true), makes(false)), (false, true));
}

/// With a migration that runs first, a proxy, and a log shipper that nobody named.
fn with_companions(tag: &str, digest: Option<&str>) -> Live {
    let mut live = live(tag, digest);
    let image = |name: &str| format!("registry.example/{name}:{tag}");
    let spec = &mut live.object["spec"]["template"]["spec"];
    spec["initContainers"] = json!([{"name": "migrate", "image": image("migrate")}]);
    for name in ["proxy", "shipper"] {
        spec["containers"].as_array_mut().unwrap().push(json!({"name": name, "image": image(name)}));
    }
    let one = |name: &str, init| Companion { name: name.into(), init, image: image(name), digest: digest.map(Into::into) };
    live.companions = vec![one("migrate", true), one("proxy", false)];
    live
}

fn facts_with_companions() -> Facts {
    let mut facts = facts();
    facts.component.companions = vec!["migrate".into(), "proxy".into()];
    facts.target = Some(with_companions("1.42.3", Some(OLD)));
    facts.source = Some((environment("staging", None), Some(with_companions("1.43.1", Some(NEW)))));
    facts
}

#[test]
fn companions_are_promoted_with_it_and_others_stay() {
    let plan = draft(&facts_with_companions(), &promote()).unwrap().with_dry_run(&json!({}));
    let pinned = |name: &str| json!({"name": name, "image": format!("registry.example/{name}:1.43.1@{NEW}")});
    let spec = &plan.patch.body["spec"]["template"]["spec"];
    assert_eq!(spec["containers"], json!([pinned("api"), pinned("proxy")]));
    assert_eq!(spec["initContainers"], json!([pinned("migrate")]));
    let word = |what: &str| plan.words.iter().find(|word| word.what == what).map(|word| word.text.clone());
    assert_eq!(word("Init container").unwrap(), "`migrate`: 1.42.3 → 1.43.1, the digest that runs in the source");
    assert_eq!(word("Container").unwrap(), "`proxy`: 1.42.3 → 1.43.1, the digest that runs in the source");
    assert_eq!(word("Other containers").unwrap(), "Stay: `shipper` at 1.42.3 (STAGING has 1.43.1)");
}

#[test]
fn a_companion_alone_is_reason_enough_and_none_is_guessed() {
    let mut facts = facts_with_companions();
    if let Some(target) = &mut facts.target {
        target.digest = Some(NEW.into());
    }
    assert!(draft(&facts, &promote()).is_ok(), "only the companions differ");
    let refused = |change: fn(&mut Live, &mut Live)| {
        let mut facts = facts_with_companions();
        let (Some((_, Some(source))), Some(target)) = (&mut facts.source, &mut facts.target) else { panic!() };
        change(source, target);
        draft(&facts, &promote()).unwrap_err().code
    };
    let same = refused(|_, target| {
        target.digest = Some(NEW.into());
        target.companions.iter_mut().for_each(|companion| companion.digest = Some(NEW.into()));
    });
    assert_eq!(same, RefusalCode::AlreadyRunning);
    assert_eq!(refused(|source, _| source.companions[0].digest = None), RefusalCode::DigestUnknown);
    assert_eq!(refused(|source, _| source.companions.truncate(1)), RefusalCode::ContainerMissing);
    assert_eq!(refused(|_, target| target.companions.truncate(1)), RefusalCode::ContainerMissing);
    assert_eq!(refused(|_, target| target.companions[0].init = false), RefusalCode::ContainerMissing);
}

#[test]
fn only_the_pod_that_holds_a_set_up_is_deleted() {
    let request = Request::Unblock { component: name("api"), environment: name("prod"), pod: name("api-1"), reason: "stuck".into() };
    let said = PodSaid { pod: "api-1".into(), container: "api".into(), reason: "ImagePullBackOff".into(), message: "Back-off".into() };
    let mut facts = facts();
    facts.component.workload.kind = WorkloadKind::StatefulSet;
    assert_eq!(draft(&facts, &request).unwrap_err().code, RefusalCode::NotBlocked);
    facts.blocker = Some(Blocker { uid: "p-1".into(), said: PodSaid { pod: "api-0".into(), ..said.clone() } });
    assert_eq!(draft(&facts, &request).unwrap_err().code, RefusalCode::NotBlocked, "another pod");
    facts.blocker = Some(Blocker { uid: "p-1".into(), said });
    let plan = draft(&facts, &request).unwrap().with_dry_run(&json!({"kind": "Pod"}));
    assert_eq!(plan.patch.deletes(), Some(("api-1", "p-1")));
    assert_eq!(plan.summary, "Unblock API server in PROD: delete pod api-1");
    assert!(plan.approval.is_some() && plan.diff.unified.is_empty(), "somebody decides; of the workload nothing changes");
    let stamp = Stamp { change: "c", fence: 1, cause: None, resource_version: "7", annotated: true };
    let sent: Value = serde_json::from_str(&plan.patch.stamped(&stamp)).unwrap();
    assert_eq!(sent, json!({"kind": "DeleteOptions", "apiVersion": "v1", "preconditions": {"uid": "p-1"}}));
    facts.component.workload.kind = WorkloadKind::Deployment;
    assert_eq!(draft(&facts, &request).unwrap_err().code, RefusalCode::KindNotSupported);
}

fn restore(to_revision: i64) -> Request {
    let (component, environment) = (name("api"), name("prod"));
    Request::Rollback { component, environment, to_revision, restore_config: true, reason: "errors".into() }
}

fn kept(data: Value) -> Kept {
    Kept { uid: "u-web".into(), held: json!({"data": data, "binaryData": null}), ..Kept::default() }
}

fn with_config(config: Vec<ConfigThen>) -> Facts {
    Facts { config: Some(config), ..with_record(false) }
}

fn held(data: Value) -> Option<Value> {
    Some(json!({"data": data, "binaryData": null}))
}

#[test]
fn a_rollback_that_is_asked_to_brings_its_configuration_back() {
    let map = |name: &str, then: Option<Value>, now: Option<Kept>| ConfigThen { name: name.into(), then, now };
    let config = vec![
        map("gone", held(json!({"x": "1"})), None),
        map("new", None, Some(kept(json!({})))),
        map("same", held(json!({})), Some(Kept { held: json!({"data": null, "binaryData": null}), ..kept(json!({})) })),
        map("web", held(json!({"a": "1", "b": "2"})), Some(kept(json!({"a": "1", "b": "9", "d": "4"})))),
    ];
    let facts = with_config(config);
    let plan = plan(&facts, &restore(3));
    let names: Vec<_> = plan.config.iter().map(|write| (write.name.as_str(), write.uid.as_deref())).collect();
    assert_eq!(names, [("gone", None), ("web", Some("u-web"))], "what is new stays, what is the same is not written");
    assert_eq!(plan.config[1].body, json!({"metadata": {"uid": "u-web"}, "data": {"b": "2", "d": null}}), "only what differs");
    assert_eq!(plan.config[0].body["metadata"], json!({"name": "gone", "namespace": facts.environment.namespace}));
    assert_eq!((plan.config[0].body["data"].clone(), plan.config[0].body.get("binaryData")), (json!({"x": "1"}), None));
    assert_eq!(
        plan.config[1].diff.unified.lines().filter(|line| line.starts_with(['+', '-'])).collect::<Vec<_>>(),
        ["-b: 9", "-d: 4", "+b: 2"]
    );
    let gate = plan.gates.iter().find(|gate| gate.name == "config").unwrap();
    assert!(gate.detail.contains("in this order: gone (is gone); web (b, d)."), "{gate:?}");
    let word = &plan.words.iter().find(|word| word.what == "Configuration").unwrap().text;
    assert_eq!(word, "As revision 3 had it: gone (is gone); web (b, d). What was not there then stays: new (is new)");
    assert_ne!(plan.digest(), self::plan(&facts, &rollback(3)).digest(), "what is voted for is what is written");
    assert!(self::plan(&facts, &rollback(3)).could_restore_config() && !plan.could_restore_config());
    assert!(!serde_json::to_string(&self::plan(&facts, &rollback(3))).unwrap().contains("\"config\":["), "an old plan keeps its digest");
}

#[test]
fn the_bytes_of_a_config_map_carry_preconditions_and_marks() {
    let map = |name: &str, then: Option<Value>, now: Option<Kept>| ConfigThen { name: name.into(), then, now };
    let config = vec![map("gone", held(json!({"x": "1"})), None), map("web", held(json!({"a": "1"})), Some(kept(json!({}))))];
    let plan = plan(&with_config(config), &restore(3));
    let bytes = |at: usize| serde_json::from_str::<Value>(&plan.config[at].stamped("c-1", 2, "77")).unwrap();
    let marks = json!({"portal.devmatrix.io/change": "c-1", "portal.devmatrix.io/fence": "2"});
    assert_eq!(bytes(1), json!({"metadata": {"uid": "u-web", "resourceVersion": "77", "annotations": marks}, "data": {"a": "1"}}));
    assert_eq!((bytes(0)["metadata"]["annotations"].clone(), bytes(0)["metadata"].get("resourceVersion")), (marks, None));
}

#[test]
fn configuration_that_cannot_be_brought_back_is_refused() {
    let web = |now: Kept| with_config(vec![ConfigThen { name: "web".into(), then: held(json!({"a": "1"})), now: Some(now) }]);
    let code = |facts: &Facts| draft(facts, &restore(3)).unwrap_err().code;
    assert_eq!(code(&with_record(false)), RefusalCode::ConfigUnknown);
    assert_eq!(code(&web(Kept { immutable: true, ..kept(json!({"a": "2"})) })), RefusalCode::ConfigImmutable);
    let owner = |tool: &str, gitops| Some(Manager { tool: tool.into(), gitops });
    assert_eq!(code(&web(Kept { managed_by: owner("Argo CD", true), ..kept(json!({"a": "2"})) })), RefusalCode::ManagedByGitops);
    let helm = plan(&web(Kept { managed_by: owner("Helm", false), ..kept(json!({"a": "2"})) }), &restore(3));
    assert!(helm.gates.iter().any(|gate| gate.detail.contains("Helm owns web")), "said, not refused");
    let same = plan(&web(Kept { immutable: true, ..kept(json!({"a": "1"})) }), &restore(3));
    assert!(same.config.is_empty() && same.words.iter().any(|word| word.text == "There is nothing to bring back"));
    let altered = draft(&web(kept(json!({"a": "2"}))), &restore(3)).unwrap();
    let answer = |data: Value| altered.config_agrees(&altered.config()[0], &json!({"metadata": {}, "data": data}));
    assert_eq!(answer(json!({"a": "1"})), Ok(()));
    assert_eq!(answer(json!({"a": "1", "injected": "x"})).unwrap_err().code, RefusalCode::DryRunRejected);
}
