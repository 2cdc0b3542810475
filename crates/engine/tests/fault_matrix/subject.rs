//! What is changed in the matrix: one subject for each way of writing to a cluster, or of looking at what was written.

use super::support::actor;
use domain::changes::{Bounds, Request, image};
use domain::names::{Name, ObjectName};
use engine::Engine;
use serde_json::{Value, json};
use sim::{Cluster, Match, WriteRecord};

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Subject {
    PromoteDeployment,
    PromoteStatefulSet,
    PromoteDaemonSet,
    Deploy,
    Rollback,
    Scale,
    Restart,
    Autoscale,
    /// The ConfigMap of a rollback: the workload comes after it.
    RestoreConfig,
    RunJob,
    Unblock,
}

use Subject::{Autoscale, Deploy, PromoteDaemonSet, PromoteDeployment, PromoteStatefulSet};
use Subject::{Restart, RestoreConfig, Rollback, RunJob, Scale, Unblock};

pub const SUBJECTS: [Subject; 11] =
    [PromoteDeployment, PromoteStatefulSet, PromoteDaemonSet, Deploy, Rollback, Scale, Restart, Autoscale, RestoreConfig, RunJob, Unblock];

impl Subject {
    /// In the table, and in front of the names of what it is tried on.
    pub fn title(self) -> &'static str {
        match self {
            PromoteDeployment => "promote a Deployment",
            PromoteStatefulSet => "promote a StatefulSet",
            PromoteDaemonSet => "promote a DaemonSet",
            Deploy => "deploy an image",
            Rollback => "roll back",
            Scale => "scale",
            Restart => "restart",
            Autoscale => "set an autoscaler's bounds",
            RestoreConfig => "bring a ConfigMap back with a rollback",
            RunJob => "run a Job",
            Unblock => "delete the pod that holds up a StatefulSet",
        }
    }

    pub fn environment(self) -> &'static str {
        if self == Deploy { "staging" } else { "prod" }
    }

    fn kind(self) -> &'static str {
        match self {
            PromoteStatefulSet | Unblock => "StatefulSet",
            PromoteDaemonSet => "DaemonSet",
            _ => "Deployment",
        }
    }

    /// Its line in the configuration, if it is a component's.
    pub fn component(self, name: &str) -> String {
        if self == RunJob {
            return String::new();
        }
        let kind = self.kind().to_lowercase();
        format!("  - {{name: {name}, title: {name}, owner: backend, workload: {kind}/{name}}}\n")
    }

    pub fn request(self, component: &str) -> Request {
        let name = |text: &str| Name::parse("name", text).unwrap();
        let (reason, environment, component) = ("a story".to_owned(), name(self.environment()), name(component));
        match self {
            PromoteDeployment | PromoteStatefulSet | PromoteDaemonSet => {
                Request::Promote { component, environment, from: name("staging"), reason }
            }
            Deploy => {
                let image = image("image", &sim::digest_of(&tagged(component.as_str(), "2.0"))).unwrap();
                Request::Deploy { component, environment, image, authors: vec![], reason }
            }
            Rollback | RestoreConfig => {
                let restore_config = self == RestoreConfig;
                Request::Rollback { component, environment, to_revision: 1, restore_config, reason }
            }
            Unblock => Request::Unblock { pod: name(&self.written(component.as_str())), component, environment, reason },
            RunJob => Request::RunJob { environment, cron_job: ObjectName::parse("cron_job", component.as_str()).unwrap(), reason },
            Scale => Request::Scale { component, environment, replicas: 2, reason },
            Restart => Request::Restart { component, environment, reason },
            Autoscale => Request::Autoscale { component, environment, bounds: Bounds::new(2, 10).unwrap(), reason },
        }
    }

    fn plural(self) -> &'static str {
        match self {
            PromoteStatefulSet => "statefulsets",
            PromoteDaemonSet => "daemonsets",
            Autoscale => "horizontalpodautoscalers",
            RestoreConfig => "configmaps",
            RunJob => "jobs",
            Unblock => "pods",
            _ => "deployments",
        }
    }

    /// The name of what is written to, as faults take it: a Job's goes on with what follows from its change.
    pub fn written(self, component: &str) -> String {
        match self {
            RestoreConfig => config_name(component),
            RunJob => format!("{component}-*"),
            Unblock => format!("{component}-0"),
            _ => component.to_owned(),
        }
    }

    pub fn look(self, component: &str) -> Match {
        Match::on("get", self.plural()).named(&self.written(component))
    }

    /// So often it is looked at before it is written: for the plan, and for the check; a pod just before its deletion too. A Job cannot be
    /// there before.
    pub fn looks_before(self) -> usize {
        match self {
            RunJob => 0,
            Unblock => 3,
            _ => 2,
        }
    }

    /// What is read for the plan once, and again after the votes: what is written to, or the CronJob that the Job is made from.
    pub fn check(self, component: &str) -> Match {
        if self == RunJob { Match::on("get", "cronjobs").named(component) } else { self.look(component) }
    }

    pub fn write(self, component: &str) -> Match {
        Match::on(self.verb(), self.plural()).named(&self.written(component))
    }

    fn verb(self) -> &'static str {
        match self {
            RunJob => "create",
            Unblock => "delete",
            _ => "patch",
        }
    }

    /// This is its write, and it did something. The generation of an autoscaler counts nothing, and a ConfigMap and a pod have none:
    /// there each write that was taken did something.
    pub fn wrote(self, component: &str, write: &WriteRecord) -> bool {
        let named = match self.written(component).strip_suffix('*') {
            Some(start) => write.name.starts_with(start),
            None => write.name == self.written(component),
        };
        let effective = write.is_effective() || matches!(self, Autoscale | RestoreConfig | Unblock);
        named && (write.verb, write.resource) == (self.verb(), self.plural()) && !write.dry_run && write.status < 300 && effective
    }

    /// What there is before anything is asked for, in the order of time: each is waited for before the next.
    pub fn stages(self, component: &str) -> Vec<Stage> {
        let runs = |environment, tag| Stage { environment, objects: vec![self.object(component, tag)], shows: Shows::Healthy(tag) };
        match self {
            PromoteDeployment | PromoteStatefulSet | PromoteDaemonSet => vec![runs("prod", "1.0"), runs("staging", "2.0")],
            Deploy => vec![runs("staging", "1.0")],
            Rollback => vec![runs("prod", "1.0"), runs("prod", "2.0")],
            Scale | Restart => vec![runs("prod", "1.0")],
            Autoscale => {
                let objects = vec![self.object(component, "1.0"), autoscaler(component)];
                vec![Stage { environment: "prod", objects, shows: Shows::Healthy("1.0") }]
            }
            RestoreConfig => {
                let config = |log: &str| json!({"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": config_name(component)}, "data": {"LOG": log}});
                let first = Stage {
                    environment: "prod",
                    objects: vec![config("info"), self.object(component, "1.0")],
                    shows: Shows::Healthy("1.0"),
                };
                let edited = Stage { environment: "prod", objects: vec![config("debug")], shows: Shows::Nothing };
                vec![first, runs("prod", "2.0"), edited]
            }
            RunJob => vec![Stage { environment: "prod", objects: vec![cron_job(component)], shows: Shows::Nothing }],
            Unblock => {
                let set = |tag, shows| Stage { environment: "prod", objects: vec![self.object(component, tag)], shows };
                vec![runs("prod", "1.0"), set("1.1-nopull", Shows::Failing), set("1.2", Shows::HeldUp)]
            }
        }
    }

    fn object(self, component: &str, tag: &str) -> Value {
        let labels = json!({"app": component});
        let container = json!({"name": component, "image": tagged(component, tag)});
        let mut object = json!({
            "apiVersion": "apps/v1", "kind": self.kind(), "metadata": {"name": component},
            "spec": {"selector": {"matchLabels": labels}, "template": {"metadata": {"labels": labels}, "spec": {"containers": [container]}}},
        });
        if self == RestoreConfig {
            object["spec"]["template"]["spec"]["containers"][0]["envFrom"] = json!([{"configMapRef": {"name": config_name(component)}}]);
        }
        if self.kind() != "DaemonSet" {
            object["spec"]["replicas"] = json!(1);
        }
        if self.kind() == "StatefulSet" {
            object["spec"]["serviceName"] = json!(component);
        }
        object
    }
}

pub struct Stage {
    pub environment: &'static str,
    objects: Vec<Value>,
    shows: Shows,
}

/// What is waited for.
enum Shows {
    Nothing,
    /// With this tag, and recorded.
    Healthy(&'static str),
    Failing,
    HeldUp,
}

impl Stage {
    pub fn set(&self, cluster: &Cluster, namespace: &str) {
        for object in &self.objects {
            let mut object = object.clone();
            object["metadata"]["namespace"] = json!(namespace);
            cluster.apply(object).unwrap();
        }
    }

    pub async fn is_seen(&self, engine: &Engine, component: &str) -> bool {
        if matches!(self.shows, Shows::Nothing) {
            return true;
        }
        let view = engine.component(&actor("viv"), component).await.unwrap();
        let Some(here) = view.environments.into_iter().find(|here| here.environment.name == self.environment) else { return false };
        let recorded = || here.deployments.first().is_some_and(|it| Some(it.revision) == here.cell.revision && it.digest.is_some());
        match self.shows {
            Shows::Nothing => true,
            Shows::Healthy(tag) => recorded() && here.cell.state.as_str() == "healthy" && here.cell.tag.as_deref() == Some(tag),
            Shows::Failing => here.cell.failing_pod.is_some_and(|said| said.reason == "ImagePullBackOff"),
            Shows::HeldUp => here.cell.blocker.is_some(),
        }
    }
}

fn tagged(component: &str, tag: &str) -> String {
    format!("registry.devmatrix.example/mirror/{component}:{tag}")
}

fn config_name(component: &str) -> String {
    format!("{component}-config")
}

fn cron_job(component: &str) -> Value {
    let container = json!({"name": "job", "image": tagged(component, "1.0")});
    let pod = json!({"restartPolicy": "Never", "containers": [container]});
    json!({
        "apiVersion": "batch/v1", "kind": "CronJob", "metadata": {"name": component},
        "spec": {"schedule": "0 2 1 1 *", "jobTemplate": {"spec": {"template": {"spec": pod}}}},
    })
}

fn autoscaler(component: &str) -> Value {
    json!({
        "apiVersion": "autoscaling/v2", "kind": "HorizontalPodAutoscaler", "metadata": {"name": component},
        "spec": {
            "scaleTargetRef": {"apiVersion": "apps/v1", "kind": "Deployment", "name": component}, "minReplicas": 1, "maxReplicas": 10,
        },
    })
}
