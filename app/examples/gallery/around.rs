//! Made-up surroundings of a component, and what else is in its namespace.

use super::data::{DAY, HOUR, ago};
use domain::clusters::{
    Access, Around, Autoscaler, BarePod, BareSet, Claim, ConfigMap, CronJob, Ingress, Inventory, Job, Node, PodSaid, ReplicaSet, Route,
    Selected, Service,
};

fn service() -> Service {
    let selector = [("app".to_owned(), "devmatrix-api".to_owned())].into();
    Service { name: "devmatrix-api".into(), kind: "ClusterIP".into(), selector, ports: vec!["8000/TCP".into()] }
}

fn ingress() -> Ingress {
    let route = Route { host: "api.devmatrix.example".into(), path: "/".into(), service: "devmatrix-api".into(), port: "8000".into() };
    Ingress { name: "devmatrix-api".into(), class: "nginx".into(), tls: vec![route.host.clone()], routes: vec![route] }
}

fn autoscaler() -> Autoscaler {
    let trouble = "the desired replica count is more than the maximum replica count".into();
    let (name, target) = ("devmatrix-api".into(), "Deployment/devmatrix-api".into());
    Autoscaler { name, target, min: 3, max: 10, current: 10, desired: 10, trouble }
}

fn config_map() -> ConfigMap {
    ConfigMap { name: "devmatrix-config".into(), keys: vec!["DATABASE_HOST".into(), "LOG_LEVEL".into()], created: ago(90 * DAY) }
}

fn claim() -> Claim {
    Claim { name: "backup-pvc".into(), size: "200Gi".into(), phase: "Bound".into(), class: "gp3".into() }
}

fn bare_set() -> BareSet {
    let said = PodSaid {
        pod: "api-canary-x2v8p".into(),
        container: "api".into(),
        reason: "ImagePullBackOff".into(),
        message: "Back-off pulling image \"registry.devmatrix.example/devmatrix/api:1.44.0\"".into(),
    };
    let set = ReplicaSet {
        name: "api-canary".into(),
        uid: String::new(),
        made_by: "Rollout/api".into(),
        images: vec!["registry.devmatrix.example/devmatrix/api:1.44.0".into()],
        desired: 2,
        ready: 0,
        created: ago(3 * HOUR),
        trouble: String::new(),
    };
    BareSet { set, said: Some(said) }
}

fn bare_pod(name: &str, made_by: &str) -> BarePod {
    BarePod {
        name: name.into(),
        status: "Running".into(),
        ready: true,
        restarts: 0,
        node: "ip-10-0-1-17".into(),
        images: vec!["registry.devmatrix.example/mirror/netshoot:0.13".into()],
        created: ago(6 * DAY),
        made_by: made_by.into(),
        mirror: made_by.starts_with("Node/"),
        said: None,
    }
}

pub fn around(component: &str) -> Around {
    if component != "api" {
        return Around::default();
    }
    let policy = Access {
        policy: "devmatrix-api".into(),
        ingress: vec!["from nginx, on 8000/TCP".into()],
        egress: vec!["to postgres, on 5432/TCP".into(), "to qdrant, on 6333/TCP".into()],
    };
    Around {
        autoscaler: Some(autoscaler()),
        services: vec![service()],
        ingresses: vec![ingress()],
        policies: vec![policy],
        config_maps: vec![config_map()],
        missing_config_maps: vec!["feature-flags".into()],
        secrets: vec!["devmatrix-secrets".into()],
        claims: vec![],
    }
}

pub fn inventory() -> Inventory {
    let job = |name: &str, state: &str, reason: &str, at| Job {
        name: name.into(),
        uid: name.into(),
        change: (state == "Failed").then(|| "CH-9".into()),
        cron: Some("devmatrix-backup".into()),
        active: 0,
        succeeded: 1,
        failed: 0,
        state: state.into(),
        reason: reason.into(),
        started: Some(ago(at)),
        finished: Some(ago(at - 291)),
    };
    let node = |name: &str, ready, pressures: &[&str]| Node {
        name: name.into(),
        ready,
        unschedulable: !ready,
        kubelet: "v1.36.3".into(),
        zone: "us-east-1a".into(),
        machine: "m7i.2xlarge".into(),
        cpu: "8".into(),
        memory: "32Gi".into(),
        pressures: pressures.iter().map(|text| (*text).into()).collect(),
    };
    Inventory {
        cron_jobs: vec![CronJob {
            name: "devmatrix-backup".into(),
            schedule: "0 2 * * *".into(),
            zone: "Europe/Berlin".into(),
            suspended: false,
            active: 0,
            last: Some(ago(8 * HOUR)),
            last_success: Some(ago(8 * HOUR)),
            needs: Default::default(),
        }],
        jobs: vec![
            job("devmatrix-backup-29391240", "Complete", "", 8 * HOUR),
            job("devmatrix-backup-29389800", "Failed", "Job has reached the specified backoff limit", 32 * HOUR),
        ],
        services: vec![
            Selected { object: service(), workloads: vec!["deployment/devmatrix-api".into()] },
            Selected { object: Service { name: "forgotten".into(), ..service() }, workloads: vec![] },
        ],
        ingresses: vec![ingress()],
        autoscalers: vec![autoscaler()],
        config_maps: vec![Selected { object: config_map(), workloads: vec!["deployment/devmatrix-api".into()] }],
        claims: vec![Selected { object: claim(), workloads: vec![] }],
        replica_sets: vec![bare_set()],
        pods: vec![bare_pod("debug-olivia", ""), bare_pod("kube-proxy-ip-10-0-1-17", "Node/ip-10-0-1-17")],
        bare_known: true,
        nodes: vec![node("ip-10-0-1-17", true, &[]), node("ip-10-0-2-40", false, &["MemoryPressure"])],
        forbidden: vec!["the portal may not list and watch networkpolicies in devmatrix".into()],
    }
}
