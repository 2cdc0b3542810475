//! What stands around a workload: what selects what, who may reach whom.

#![allow(clippy::unwrap_used, clippy::panic)]

use domain::Time;
use domain::clusters::around::{around, inventory};
use domain::clusters::{
    Autoscaler, Claim, ConfigMap, CronJob, Ingress, Labels, Neighbour, NetworkPolicy, Passage, Peer, Present, References, Route, Service,
    Workload, WorkloadKey, WorkloadKind,
};

fn labels(text: &str) -> Labels {
    text.split(',').filter_map(|pair| pair.split_once('=')).map(|(k, v)| (k.into(), v.into())).collect()
}

fn workload(kind: WorkloadKind, name: &str) -> Workload {
    Workload {
        key: WorkloadKey { kind, namespace: "ns".into(), name: name.into() },
        uid: name.into(),
        generation: 1,
        observed_generation: 1,
        created: Time(0),
        progressed: None,
        paused: false,
        on_delete: false,
        parallel: false,
        old_below: 0,
        partition: 0,
        desired: 1,
        replicas: 1,
        updated: 1,
        ready: 1,
        available: 1,
        revisions_agree: true,
        present: Present::Number(None),
        stalled: None,
        replica_failure: None,
        containers: vec![],
        labels: labels(&format!("app={name},tier=back")).into(),
        references: Default::default(),
        managed_by: None,
        edited: None,
        change: None,
        cause: None,
    }
}

fn service(name: &str, selector: &str) -> Neighbour {
    Neighbour::Service(Service { name: name.into(), kind: "ClusterIP".into(), selector: labels(selector), ports: vec!["80/TCP".into()] })
}

fn ingress(services: &[&str]) -> Neighbour {
    let route = |service: &&str| Route { host: "api.example".into(), path: "/".into(), service: (*service).into(), port: "80".into() };
    Neighbour::Ingress(Ingress { name: "web".into(), class: "nginx".into(), tls: vec![], routes: services.iter().map(route).collect() })
}

fn scaler(target: &str) -> Neighbour {
    let (name, target) = ("hpa".into(), target.into());
    Neighbour::Autoscaler(Autoscaler { name, target, min: 1, max: 3, current: 1, desired: 1, trouble: String::new() })
}

fn names<T>(all: &[T], name: fn(&T) -> &str) -> Vec<&str> {
    all.iter().map(name).collect()
}

#[test]
fn services_select_by_all_their_labels_and_ingresses_lead_to_services() {
    let api = workload(WorkloadKind::Deployment, "api");
    let neighbours = [
        service("api", "app=api"),
        service("both", "app=api,tier=back"),
        service("front", "app=api,tier=front"),
        service("without-selector", ""),
        ingress(&["api", "elsewhere"]),
        scaler("Deployment/api"),
    ];
    let found = around(&api, neighbours.iter(), &[&api]);
    assert_eq!(names(&found.services, |s| &s.name), ["api", "both"]);
    assert_eq!(names(&found.ingresses[0].routes, |r| &r.service), ["api"], "only the routes that lead here");
    assert_eq!(found.autoscaler.unwrap().name, "hpa");
    let other = around(&workload(WorkloadKind::StatefulSet, "api"), [scaler("Deployment/api")].iter(), &[]);
    assert_eq!(other.autoscaler, None, "a namesake of another kind");
}

fn peer(pods: Option<&str>, namespaces: Option<&str>) -> Peer {
    Peer { pods: pods.map(labels), namespaces: namespaces.map(labels), block: None, more: String::new() }
}

fn policy(ingress: Option<Vec<Passage>>, egress: Option<Vec<Passage>>) -> Neighbour {
    Neighbour::NetworkPolicy(NetworkPolicy { name: "guard".into(), selector: labels("app=api"), ingress, egress })
}

fn passage(peers: Vec<Peer>, ports: &[&str]) -> Passage {
    Passage { peers, ports: ports.iter().map(|port| (*port).into()).collect() }
}

#[test]
fn a_policy_says_in_words_who_may_reach_whom() {
    let (api, nginx) = (workload(WorkloadKind::Deployment, "api"), workload(WorkloadKind::Deployment, "nginx"));
    let says = |ingress, egress| {
        let found = around(&api, [policy(ingress, egress)].iter(), &[&api, &nginx]);
        let access = found.policies.into_iter().next().unwrap();
        access.ingress.into_iter().chain(access.egress).collect::<Vec<_>>()
    };
    let nginx_only = passage(vec![peer(Some("app=nginx"), None)], &["8000/TCP"]);
    assert_eq!(says(Some(vec![nginx_only]), None), ["from nginx, on 8000/TCP"]);
    assert_eq!(says(Some(vec![]), None), ["from nobody"]);
    assert_eq!(says(Some(vec![passage(vec![], &[])]), None), ["from everyone"]);
    assert_eq!(says(None, Some(vec![])), ["to nobody"]);
    let elsewhere = passage(vec![peer(Some("app=nginx"), Some("team=web")), peer(None, Some(""))], &[]);
    assert_eq!(says(Some(vec![elsewhere]), None), ["from pods with app=nginx in namespaces with team=web or any pod in any namespace"]);
    let unknown = passage(vec![peer(Some("app=gone"), None)], &[]);
    assert_eq!(says(None, Some(vec![unknown])), ["to pods with app=gone"]);
    let block = Peer { block: Some("10.0.0.0/8".into()), more: " except 10.1.0.0/16".into(), ..peer(None, None) };
    assert_eq!(says(None, Some(vec![passage(vec![block], &[])])), ["to addresses 10.0.0.0/8 except 10.1.0.0/16"]);
}

#[test]
fn what_is_referred_to_and_not_there_is_missing_unless_it_is_optional() {
    let mut api = workload(WorkloadKind::Deployment, "api");
    api.references.config_maps = ["here", "gone", "maybe"].map(String::from).into();
    api.references.optional = ["maybe"].map(String::from).into();
    api.references.secrets = ["passwords"].map(String::from).into();
    let map = |name: &str| Neighbour::ConfigMap(ConfigMap { name: name.into(), keys: vec![], created: Time(0) });
    let found = around(&api, [map("here"), map("other")].iter(), &[]);
    assert_eq!(names(&found.config_maps, |m| &m.name), ["here"]);
    assert_eq!(found.missing_config_maps, ["gone"]);
    assert_eq!(found.secrets, ["passwords"]);
}

#[test]
fn claims_of_a_set_are_named_after_template_set_and_ordinal() {
    let claim = |name: &str| Neighbour::Claim(Claim { name: name.into(), size: "1Gi".into(), phase: "Bound".into(), class: String::new() });
    let mut set = workload(WorkloadKind::StatefulSet, "postgres");
    set.references.claims = ["data"].map(String::from).into();
    let all = ["data-postgres-0", "data-postgres-12", "data-postgres-x", "data-postgres-", "data-other-0"].map(claim);
    assert_eq!(names(&around(&set, all.iter(), &[]).claims, |c| &c.name), ["data-postgres-0", "data-postgres-12"]);
    let cron = Neighbour::CronJob(CronJob {
        name: "backup".into(),
        schedule: "0 2 * * *".into(),
        zone: String::new(),
        suspended: false,
        active: 0,
        last: None,
        last_success: None,
        needs: References { claims: ["data-other-0"].map(String::from).into(), ..Default::default() },
    });
    let with_cron: Vec<_> = all.iter().cloned().chain([cron]).collect();
    assert_eq!(inventory(with_cron.iter(), &[&set]).claims[4].workloads, ["cronjob/backup"]);
    let found = inventory(all.iter(), &[&set]);
    assert_eq!(found.claims[0].workloads, ["statefulset/postgres"]);
    assert!(found.claims[4].workloads.is_empty());
}
