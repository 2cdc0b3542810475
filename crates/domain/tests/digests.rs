//! A digest names the whole plan, whatever its kind: two plans have the same one exactly when they are the same.

#![allow(clippy::unwrap_used, clippy::panic)]

use domain::Time;
use domain::catalog::{Approval, Component, DeclaredWorkload, Environment, Group, Rule};
use domain::changes::plan::{Blocker, JobFacts, Live, Scaler, draft, run_job};
use domain::changes::{Bounds, Facts, Kind, Plan, Request, image};
use domain::clusters::{Autoscaler, CellState, PodSaid, WorkloadKind};
use domain::names::Name;
use domain::releases::{DeploymentRecord, RecordOutcome};
use proptest::prelude::*;
use serde_json::{Value, json};
use std::collections::BTreeSet;

/// What a plan is made of: of each, one of a few, so that two are the same often enough.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Parts {
    kind: Kind,
    second: i64,
    requester: &'static str,
    policy: &'static str,
    reason: &'static str,
    needed: i64,
    /// Of the target.
    uid: &'static str,
    generation: i64,
    replicas: i64,
    tag: &'static str,
    /// What is asked for: a release, a number, a pod.
    wanted: usize,
    /// What the dry run makes of it beside that.
    webhook: bool,
    authors: bool,
}

fn any_parts() -> impl Strategy<Value = Parts> {
    let who = (0..2i64, prop::sample::select(vec!["bea", "ben"]), prop::sample::select(vec!["p", "q"]), 1..3i64);
    let target = (prop::sample::select(vec!["u-1", "u-2"]), 7..9i64, 3..5i64, prop::sample::select(vec!["1.0", "1.1"]));
    let asked = (prop::sample::select(vec!["", "why"]), 0..2usize, any::<bool>(), any::<bool>());
    (prop::sample::select(Kind::ALL.to_vec()), who, target, asked).prop_map(|(kind, who, target, asked)| Parts {
        kind,
        second: who.0,
        requester: who.1,
        policy: who.2,
        reason: asked.0,
        needed: who.3,
        uid: target.0,
        generation: target.1,
        replicas: target.2,
        tag: target.3,
        wanted: asked.1,
        webhook: asked.2,
        authors: asked.3,
    })
}

fn name(text: &str) -> Name {
    Name::parse("name", text).unwrap()
}

fn digest(number: usize) -> String {
    format!("sha256:{number:0>64}")
}

impl Parts {
    fn object(&self) -> Value {
        let container = json!({"name": "api", "image": format!("registry.example/api:{}", self.tag)});
        json!({
            "metadata": {"name": "api", "uid": self.uid, "generation": self.generation},
            "spec": {"replicas": self.replicas, "template": {"spec": {"containers": [container]}}},
        })
    }

    fn live(&self, tag: &str, number: usize) -> Live {
        Live {
            object: self.object(),
            state: CellState::Healthy,
            reason: String::new(),
            digest: Some(digest(number)),
            container: "api".into(),
            image: format!("registry.example/api:{tag}"),
            companions: vec![],
            since: None,
            managed_by: None,
        }
    }

    fn environment(&self, name: &str) -> Environment {
        let rules = vec![Rule { from: vec![Group::Team("devops".into())], needed: self.needed }];
        Environment {
            name: name.into(),
            title: name.to_uppercase(),
            stage: 1,
            cluster: "c".into(),
            namespace: "ns".into(),
            branch: None,
            production: true,
            promote_from: None,
            approval: Some(Approval { rules, exclude_requester: true, exclude_authors: true, expires_s: 86_400 }),
            windows: vec![],
            rollback_needs_approval: true,
            rollback_automatic: false,
        }
    }

    fn facts(&self) -> Facts {
        let kind = if self.kind == Kind::Unblock { WorkloadKind::StatefulSet } else { WorkloadKind::Deployment };
        let scaler = json!({"metadata": {"name": "api", "uid": self.uid}, "spec": {"minReplicas": 2, "maxReplicas": 4}});
        let autoscaler = Autoscaler {
            name: "api".into(),
            min: 2,
            max: 4,
            current: 2,
            desired: 2,
            target: "Deployment/api".into(),
            trouble: String::new(),
        };
        let scales = self.kind == Kind::Autoscale;
        let pod = format!("api-{}", self.wanted);
        let said = PodSaid { pod, container: "api".into(), reason: "ImagePullBackOff".into(), message: String::new() };
        Facts {
            now: Time((1_000_000 + self.second) * 1000),
            requester: self.requester.into(),
            component: Component {
                name: "api".into(),
                title: "API".into(),
                owner: "backend".into(),
                technology: String::new(),
                image: None,
                port: None,
                replicas: None,
                cpu: None,
                memory: None,
                workload: DeclaredWorkload { kind, name: "api".into() },
                container: None,
                companions: vec![],
                depends_on: vec![],
            },
            environment: self.environment("prod"),
            cluster_title: "EKS".into(),
            target: Some(self.live(self.tag, 1)),
            source: Some((self.environment("staging"), Some(self.live(["2.0", "2.1"][self.wanted], 2 + self.wanted)))),
            record: Some((self.record(), json!({"spec": {"containers": [{"name": "api", "image": "registry.example/api:0.9"}]}}))),
            since: vec![],
            config: None,
            holds: vec![],
            autoscaler: scales.then_some(autoscaler),
            scaler: scales.then_some(Scaler { object: scaler, managed_by: None }),
            blocker: (self.kind == Kind::Unblock).then(|| Blocker { uid: format!("pod-of-{}", self.uid), said }),
            freezes: vec![],
            break_glass: false,
            authors: self.authors.then(|| vec!["dmitri".into()]),
            policy_version: self.policy.into(),
        }
    }

    fn record(&self) -> DeploymentRecord {
        DeploymentRecord {
            id: "r".into(),
            component: "api".into(),
            environment: "prod".into(),
            revision: 3 + self.wanted as i64,
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

    /// None: of a CronJob, which is asked for in another way.
    fn request(&self) -> Option<Request> {
        let (component, environment, reason) = (name("api"), name("prod"), self.reason.to_owned());
        let number = 5 + self.wanted as i64;
        Some(match self.kind {
            Kind::Promote => Request::Promote { component, environment, from: name("staging"), reason },
            Kind::Rollback => {
                Request::Rollback { component, environment, to_revision: 3 + self.wanted as i64, restore_config: false, reason }
            }
            Kind::Scale => Request::Scale { component, environment, replicas: number, reason },
            Kind::Restart => Request::Restart { component, environment, reason },
            Kind::Unblock => Request::Unblock { component, environment, pod: name(&format!("api-{}", self.wanted)), reason },
            Kind::Autoscale => Request::Autoscale { component, environment, bounds: Bounds::new(2, number).unwrap(), reason },
            Kind::Deploy => {
                let image = image("image", &format!("registry.example/api:3.0@{}", digest(3 + self.wanted))).unwrap();
                Request::Deploy { component, environment, image, authors: vec![], reason }
            }
            Kind::RunJob => return None,
        })
    }

    fn plan(&self) -> Plan {
        let mut after = self.object();
        after["spec"]["webhook"] = json!(self.webhook);
        match self.request() {
            Some(request) => draft(&self.facts(), &request).unwrap().with_dry_run(&after),
            None => run_job(&self.job(), self.reason).unwrap().with_dry_run(&after),
        }
    }

    fn job(&self) -> JobFacts {
        let container = json!({"name": "job", "image": format!("registry.example/job:{}", self.tag)});
        let template = json!({"spec": {"template": {"spec": {"restartPolicy": "Never", "containers": [container]}}}});
        let cron_job = ["backup", "report"][self.wanted];
        JobFacts {
            now: Time((1_000_000 + self.second) * 1000),
            requester: self.requester.into(),
            environment: self.environment("prod"),
            cluster_title: "EKS".into(),
            cron_job: cron_job.into(),
            cron: Some(json!({
                "metadata": {"name": cron_job, "uid": self.uid, "generation": self.generation, "resourceVersion": "70"},
                "spec": {"schedule": "0 2 * * *", "jobTemplate": template},
            })),
            running: vec![],
            freezes: vec![],
            break_glass: false,
            policy_version: self.policy.into(),
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 4000, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn digests_are_equal_exactly_when_plans_are(a in any_parts(), b in any_parts(), differs in 0..3u8) {
        // Two of one kind that differ in one part are what could be mistaken for each other.
        let b = if differs == 0 { b } else { Parts { kind: a.kind, ..b } };
        let b = if differs == 2 { Parts { wanted: b.wanted, webhook: b.webhook, generation: b.generation, ..a.clone() } } else { b };
        let (plan_a, plan_b) = (a.plan(), b.plan());
        prop_assert_eq!(plan_a == plan_b, plan_a.digest() == plan_b.digest());
        let stored: Plan = serde_json::from_str(&serde_json::to_string(&plan_a).unwrap()).unwrap();
        prop_assert_eq!(&stored, &plan_a);
        prop_assert_eq!(stored.digest(), plan_a.digest());
    }

    /// What is asked for, of what, by whom and under which policy is in the plan: another one of any of these is another digest.
    #[test]
    fn another_part_is_another_digest(parts in any_parts()) {
        let others = [
            Parts { second: 1 - parts.second, ..parts.clone() },
            Parts { requester: if parts.requester == "bea" { "ben" } else { "bea" }, ..parts.clone() },
            Parts { policy: if parts.policy == "p" { "q" } else { "p" }, ..parts.clone() },
            Parts { reason: if parts.reason.is_empty() { "why" } else { "" }, ..parts.clone() },
            Parts { needed: 3 - parts.needed, ..parts.clone() },
            Parts { uid: if parts.uid == "u-1" { "u-2" } else { "u-1" }, ..parts.clone() },
        ];
        let digests: BTreeSet<String> = others.iter().chain([&parts]).map(|one| one.plan().digest()).collect();
        prop_assert_eq!(digests.len(), 7, "{:?}", parts);
        if parts.kind != Kind::Restart {
            prop_assert_ne!(Parts { wanted: 1 - parts.wanted, ..parts.clone() }.plan().digest(), parts.plan().digest());
        }
    }
}
