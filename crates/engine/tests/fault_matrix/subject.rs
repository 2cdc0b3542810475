//! What is changed in the matrix: one subject for each way of writing to a cluster, or of looking at what was written.

use super::support::actor;
use domain::changes::{Bounds, Request, image};
use domain::names::Name;
use engine::Engine;
use serde_json::{Value, json};
use sim::{Cluster, Match};

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
}

use Subject::{Autoscale, Deploy, PromoteDaemonSet, PromoteDeployment, PromoteStatefulSet, Restart, Rollback, Scale};

pub const SUBJECTS: [Subject; 8] = [PromoteDeployment, PromoteStatefulSet, PromoteDaemonSet, Deploy, Rollback, Scale, Restart, Autoscale];

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
        }
    }

    pub fn environment(self) -> &'static str {
        if self == Deploy { "staging" } else { "prod" }
    }

    fn kind(self) -> &'static str {
        match self {
            PromoteStatefulSet => "StatefulSet",
            PromoteDaemonSet => "DaemonSet",
            _ => "Deployment",
        }
    }

    /// Its line in the configuration.
    pub fn component(self, name: &str) -> String {
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
                Request::Deploy { component, environment, image, reason }
            }
            Rollback => Request::Rollback { component, environment, to_revision: 1, restore_config: false, reason },
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
            _ => "deployments",
        }
    }

    pub fn look(self, component: &str) -> Match {
        Match::on("get", self.plural()).named(component)
    }

    pub fn write(self, component: &str) -> Match {
        Match::on("patch", self.plural()).named(component)
    }

    /// What there is before anything is asked for, in the order of time: each is waited for before the next.
    pub fn stages(self, component: &str) -> Vec<Stage> {
        let runs = |environment, tag| Stage { environment, objects: vec![self.object(component, tag)], tag };
        match self {
            PromoteDeployment | PromoteStatefulSet | PromoteDaemonSet => vec![runs("prod", "1.0"), runs("staging", "2.0")],
            Deploy => vec![runs("staging", "1.0")],
            Rollback => vec![runs("prod", "1.0"), runs("prod", "2.0")],
            Scale | Restart => vec![runs("prod", "1.0")],
            Autoscale => {
                let objects = vec![self.object(component, "1.0"), autoscaler(component)];
                vec![Stage { environment: "prod", objects, tag: "1.0" }]
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
    /// It is healthy with this tag, and recorded.
    tag: &'static str,
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
        let view = engine.component(&actor("viv"), component).await.unwrap();
        let Some(here) = view.environments.into_iter().find(|here| here.environment.name == self.environment) else { return false };
        let recorded = here.deployments.first().is_some_and(|it| Some(it.revision) == here.cell.revision && it.digest.is_some());
        recorded && here.cell.state.as_str() == "healthy" && here.cell.tag.as_deref() == Some(self.tag)
    }
}

fn tagged(component: &str, tag: &str) -> String {
    format!("registry.devmatrix.example/mirror/{component}:{tag}")
}

fn autoscaler(component: &str) -> Value {
    json!({
        "apiVersion": "autoscaling/v2", "kind": "HorizontalPodAutoscaler", "metadata": {"name": component},
        "spec": {
            "scaleTargetRef": {"apiVersion": "apps/v1", "kind": "Deployment", "name": component}, "minReplicas": 1, "maxReplicas": 10,
        },
    })
}
