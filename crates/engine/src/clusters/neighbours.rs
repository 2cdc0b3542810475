//! Objects around the workloads, and how they become the domain's facts. Read as Kubernetes' own types, kept as small ones.

use domain::Time;
use domain::changes::CHANGE_ANNOTATION;
use domain::clusters::{
    Autoscaler, Claim, ConfigMap, CronJob, Ingress, Job, Labels, Neighbour, NetworkPolicy, Node, Passage, Peer, Route, Service,
};
use k8s_openapi::api::{autoscaling::v2 as autoscaling, batch::v1 as batch, core::v1 as core, networking::v1 as networking};
use k8s_openapi::apimachinery::pkg::api::resource::Quantity;
use k8s_openapi::apimachinery::pkg::apis::meta::v1::{LabelSelector, ObjectMeta, Time as MetaTime};
use k8s_openapi::apimachinery::pkg::util::intstr::IntOrString;

fn name(metadata: &ObjectMeta) -> String {
    metadata.name.clone().unwrap_or_default()
}

fn time(time: &MetaTime) -> Time {
    Time(time.0.as_millisecond())
}

fn number(port: &IntOrString) -> String {
    match port {
        IntOrString::Int(number) => number.to_string(),
        IntOrString::String(name) => name.clone(),
    }
}

pub fn autoscaler(object: autoscaling::HorizontalPodAutoscaler) -> Option<Neighbour> {
    let (spec, status) = (object.spec, object.status.unwrap_or_default());
    let conditions = status.conditions.unwrap_or_default();
    let bad = conditions.iter().find(|c| {
        (c.status == "False" && matches!(c.type_.as_str(), "AbleToScale" | "ScalingActive"))
            || (c.status == "True" && c.type_ == "ScalingLimited")
    });
    Some(Neighbour::Autoscaler(Autoscaler {
        name: name(&object.metadata),
        target: format!("{}/{}", spec.scale_target_ref.kind, spec.scale_target_ref.name),
        min: spec.min_replicas.unwrap_or(1).into(),
        max: spec.max_replicas.into(),
        current: status.current_replicas.unwrap_or_default().into(),
        desired: status.desired_replicas.into(),
        trouble: bad.and_then(|c| c.message.clone()).unwrap_or_default(),
    }))
}

pub fn service(object: core::Service) -> Option<Neighbour> {
    let spec = object.spec?;
    let headless = spec.cluster_ip.as_deref() == Some("None");
    let kind = if headless { "Headless".to_owned() } else { spec.type_.unwrap_or_else(|| "ClusterIP".into()) };
    let ports = spec.ports.unwrap_or_default().iter().map(service_port).collect();
    Some(Neighbour::Service(Service { name: name(&object.metadata), kind, selector: spec.selector.unwrap_or_default(), ports }))
}

fn service_port(port: &core::ServicePort) -> String {
    let protocol = port.protocol.as_deref().unwrap_or("TCP");
    let target = port.target_port.as_ref().map(number).filter(|target| *target != port.port.to_string());
    let target = target.map(|target| format!(" → {target}")).unwrap_or_default();
    format!("{}/{protocol}{target}", port.port)
}

pub fn ingress(object: networking::Ingress) -> Option<Neighbour> {
    let spec = object.spec?;
    let default = spec.default_backend.as_ref().and_then(|backend| route("", "", backend));
    let routes = spec.rules.unwrap_or_default().into_iter().flat_map(|rule| {
        let host = rule.host.unwrap_or_default();
        let paths = rule.http.map(|http| http.paths).unwrap_or_default();
        paths.into_iter().filter_map(move |path| route(&host, path.path.as_deref().unwrap_or("/"), &path.backend)).collect::<Vec<_>>()
    });
    Some(Neighbour::Ingress(Ingress {
        name: name(&object.metadata),
        class: spec.ingress_class_name.unwrap_or_default(),
        tls: spec.tls.unwrap_or_default().into_iter().flat_map(|tls| tls.hosts.unwrap_or_default()).collect(),
        routes: routes.chain(default).collect(),
    }))
}

/// None: it leads to something else than a Service.
fn route(host: &str, path: &str, backend: &networking::IngressBackend) -> Option<Route> {
    let service = backend.service.as_ref()?;
    let port = service.port.as_ref().and_then(|port| port.name.clone().or_else(|| port.number.map(|n| n.to_string())));
    Some(Route { host: host.to_owned(), path: path.to_owned(), service: service.name.clone(), port: port.unwrap_or_default() })
}

pub fn network_policy(object: networking::NetworkPolicy) -> Option<Neighbour> {
    let spec = object.spec?;
    let types = spec.policy_types.unwrap_or_else(|| vec!["Ingress".into()]);
    let says = |direction: &str| types.iter().any(|kind| kind == direction);
    let ingress = spec.ingress.unwrap_or_default().into_iter().map(|rule| passage(rule.from, rule.ports)).collect();
    let egress = spec.egress.unwrap_or_default().into_iter().map(|rule| passage(rule.to, rule.ports)).collect();
    Some(Neighbour::NetworkPolicy(NetworkPolicy {
        name: name(&object.metadata),
        selector: spec.pod_selector.map(|selector| labels(&selector)).unwrap_or_default(),
        ingress: says("Ingress").then_some(ingress),
        egress: says("Egress").then_some(egress),
    }))
}

fn passage(peers: Option<Vec<networking::NetworkPolicyPeer>>, ports: Option<Vec<networking::NetworkPolicyPort>>) -> Passage {
    let port = |port: &networking::NetworkPolicyPort| {
        let protocol = port.protocol.as_deref().unwrap_or("TCP");
        let until = port.end_port.map(|end| format!("-{end}")).unwrap_or_default();
        port.port.as_ref().map_or_else(|| protocol.to_owned(), |from| format!("{}{until}/{protocol}", number(from)))
    };
    Passage { peers: peers.unwrap_or_default().iter().map(peer).collect(), ports: ports.unwrap_or_default().iter().map(port).collect() }
}

fn peer(peer: &networking::NetworkPolicyPeer) -> Peer {
    let mut more: String = [&peer.pod_selector, &peer.namespace_selector].into_iter().flatten().map(expressions).collect();
    if let Some(except) = peer.ip_block.as_ref().and_then(|block| block.except.as_ref()).filter(|except| !except.is_empty()) {
        more.push_str(&format!(" except {}", except.join(", ")));
    }
    Peer {
        pods: peer.pod_selector.as_ref().map(labels),
        namespaces: peer.namespace_selector.as_ref().map(labels),
        block: peer.ip_block.as_ref().map(|block| block.cidr.clone()),
        more,
    }
}

fn labels(selector: &LabelSelector) -> Labels {
    selector.match_labels.clone().unwrap_or_default()
}

/// ` where tier In (web, api)`
fn expressions(selector: &LabelSelector) -> String {
    let one = |it: &k8s_openapi::apimachinery::pkg::apis::meta::v1::LabelSelectorRequirement| {
        let values = it.values.clone().unwrap_or_default();
        let values = if values.is_empty() { String::new() } else { format!(" ({})", values.join(", ")) };
        format!(" where {} {}{values}", it.key, it.operator)
    };
    selector.match_expressions.iter().flatten().map(one).collect()
}

/// The keys, not what stands under them: a page shows which there are.
pub fn config_map(object: core::ConfigMap) -> Option<Neighbour> {
    let (data, binary) = (object.data.unwrap_or_default(), object.binary_data.unwrap_or_default());
    Some(Neighbour::ConfigMap(ConfigMap {
        name: name(&object.metadata),
        keys: data.into_keys().chain(binary.into_keys()).collect(),
        created: object.metadata.creation_timestamp.as_ref().map_or(Time(0), time),
    }))
}

pub fn claim(object: core::PersistentVolumeClaim) -> Option<Neighbour> {
    let (spec, status) = (object.spec.unwrap_or_default(), object.status.unwrap_or_default());
    let storage = |all: Option<std::collections::BTreeMap<String, Quantity>>| all.and_then(|mut all| all.remove("storage")).map(|q| q.0);
    let asked = storage(spec.resources.and_then(|resources| resources.requests));
    Some(Neighbour::Claim(Claim {
        name: name(&object.metadata),
        size: storage(status.capacity).or(asked).unwrap_or_default(),
        phase: status.phase.unwrap_or_default(),
        class: spec.storage_class_name.unwrap_or_default(),
    }))
}

pub fn job(object: batch::Job) -> Option<Neighbour> {
    let (spec, status) = (object.spec.unwrap_or_default(), object.status.unwrap_or_default());
    let conditions = status.conditions.unwrap_or_default();
    let ended = conditions.iter().find(|c| c.status == "True" && matches!(c.type_.as_str(), "Complete" | "Failed"));
    let state = match ended {
        Some(condition) => condition.type_.clone(),
        None if spec.suspend == Some(true) => "Suspended".into(),
        None => "Running".into(),
    };
    let owner = object.metadata.owner_references.iter().flatten().find(|owner| owner.kind == "CronJob");
    let annotations = object.metadata.annotations.as_ref();
    Some(Neighbour::Job(Job {
        cron: owner.map(|owner| owner.name.clone()),
        change: annotations.and_then(|all| all.get(CHANGE_ANNOTATION).cloned()),
        active: status.active.unwrap_or_default().into(),
        succeeded: status.succeeded.unwrap_or_default().into(),
        failed: status.failed.unwrap_or_default().into(),
        reason: ended.filter(|c| c.type_ == "Failed").and_then(|c| c.message.clone()).unwrap_or_default(),
        started: status.start_time.as_ref().map(time),
        finished: ended.and_then(|c| c.last_transition_time.as_ref()).map(time),
        uid: object.metadata.uid.clone().unwrap_or_default(),
        name: name(&object.metadata),
        state,
    }))
}

pub fn cron_job(object: batch::CronJob) -> Option<Neighbour> {
    let (spec, status) = (object.spec, object.status.unwrap_or_default());
    let pods = spec.job_template.spec.and_then(|job| job.template.spec);
    let pods = pods.and_then(|pods| serde_json::to_value(pods).ok()).unwrap_or_default();
    Some(Neighbour::CronJob(CronJob {
        needs: super::objects::references_of(&pods),
        name: name(&object.metadata),
        schedule: spec.schedule,
        zone: spec.time_zone.unwrap_or_default(),
        suspended: spec.suspend.unwrap_or_default(),
        active: status.active.map_or(0, |active| active.len() as i64),
        last: status.last_schedule_time.as_ref().map(time),
        last_success: status.last_successful_time.as_ref().map(time),
    }))
}

pub fn node(object: core::Node) -> Option<Neighbour> {
    let (spec, status) = (object.spec.unwrap_or_default(), object.status.unwrap_or_default());
    let conditions = status.conditions.unwrap_or_default();
    let holds = |kind: &str| conditions.iter().any(|c| c.type_ == kind && c.status == "True");
    let label = |key: &str| object.metadata.labels.as_ref().and_then(|labels| labels.get(key).cloned()).unwrap_or_default();
    let capacity = status.capacity.unwrap_or_default();
    let size = |key: &str| capacity.get(key).map(|quantity| quantity.0.clone()).unwrap_or_default();
    Some(Neighbour::Node(Node {
        name: name(&object.metadata),
        ready: holds("Ready"),
        unschedulable: spec.unschedulable.unwrap_or_default(),
        kubelet: status.node_info.map(|info| info.kubelet_version).unwrap_or_default(),
        zone: label("topology.kubernetes.io/zone"),
        machine: label("node.kubernetes.io/instance-type"),
        cpu: size("cpu"),
        memory: size("memory"),
        pressures: conditions.iter().filter(|c| c.type_ != "Ready" && c.status == "True").map(|c| c.type_.clone()).collect(),
    }))
}
