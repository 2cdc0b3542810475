//! Two simulated clusters with some components each, which outlive every portal, and the people who ask and approve.

use crate::portal::Portal;
use serde_json::{Value, json};
use sim::{Clock, Cluster};
use std::fs;
use std::path::Path;
use std::process::Command;
use std::time::{Duration, Instant};
use tokio::net::TcpListener;
use tokio::runtime::Runtime;

pub struct World {
    staging: Cluster,
    prod: Cluster,
    components: Vec<String>,
    folder: tempfile::TempDir,
    bea: String,
    dmitri: String,
    ada: String,
    _runtime: Runtime,
}

/// Their tokens: one asks, one approves, one breaks the glass.
#[derive(Clone, Copy)]
pub struct People<'a> {
    pub bea: &'a str,
    pub dmitri: &'a str,
    pub ada: &'a str,
}

#[derive(Clone, Debug)]
pub struct Change {
    pub id: String,
    pub component: String,
    pub state: String,
    digest: String,
}

impl Change {
    fn of(value: &Value) -> Change {
        let text = |pointer: &str| value.pointer(pointer).and_then(Value::as_str).unwrap_or_default().to_owned();
        Change { id: text("/id"), component: text("/component"), state: text("/state"), digest: text("/plan/digest") }
    }

    fn has_ended(&self) -> bool {
        !["awaiting_approval", "ready", "running", "observing"].contains(&self.state.as_str())
    }
}

/// One change for each component, asked for and approved until that is certain.
#[derive(Debug)]
pub struct Asked {
    round: usize,
    bea: String,
    dmitri: String,
    changes: Vec<(String, Option<Change>)>,
}

impl World {
    pub fn start(components: usize) -> World {
        let runtime = Runtime::new().unwrap();
        let (staging, prod) = (Cluster::new("staging", Clock::real()), Cluster::new("prod", Clock::real()));
        let urls = [&staging, &prod].map(|cluster| serve(&runtime, cluster));
        let folder = tempfile::tempdir().unwrap();
        let components: Vec<String> = (1..=components).map(|number| format!("part-{number}")).collect();
        fs::write(folder.path().join("devmatrix.yaml"), configuration(&components)).unwrap();
        for (name, url) in ["staging", "prod"].iter().zip(urls) {
            fs::write(folder.path().join(format!("{name}.yaml")), kubeconfig(&url)).unwrap();
        }
        components.iter().for_each(|name| {
            prod.apply(deployment(name, "prod", 0)).unwrap();
            staging.apply(deployment(name, "shop-staging", 0)).unwrap();
        });
        let token = |user: &str, scopes: &str| {
            let made = Command::new(env!("CARGO_BIN_EXE_devmatrix"))
                .current_dir(folder.path())
                .args(["token", "create", "--user", user, "--scopes", scopes, "--config", "devmatrix.yaml", "--data-dir", "data"])
                .output()
                .unwrap();
            assert!(made.status.success(), "{}", String::from_utf8_lossy(&made.stderr));
            String::from_utf8(made.stdout).unwrap().trim().to_owned()
        };
        let (bea, dmitri) = (token("bea", "read,change,approve"), token("dmitri", "read,approve"));
        let ada = token("ada", "read,change,approve");
        World { staging, prod, components, folder, bea, dmitri, ada, _runtime: runtime }
    }

    pub fn folder(&self) -> &Path {
        self.folder.path()
    }

    pub fn prod(&self) -> &Cluster {
        &self.prod
    }

    pub fn bea(&self) -> &str {
        &self.bea
    }

    pub fn people(&self) -> People<'_> {
        People { bea: &self.bea, dmitri: &self.dmitri, ada: &self.ada }
    }

    pub fn components(&self) -> impl Iterator<Item = &str> {
        self.components.iter().map(String::as_str)
    }

    /// Production gets this release, with two ConfigMaps to read.
    pub fn deploy(&self, name: &str, round: usize) {
        let mut object = deployment(name, "prod", round);
        let maps = ["config", "extra"].map(|part| json!({"configMapRef": {"name": format!("{name}-{part}")}}));
        object["spec"]["template"]["spec"]["containers"][0]["envFrom"] = json!(maps);
        self.prod.apply(object).unwrap();
    }

    /// One component gets this release in staging.
    pub fn release_of(&self, name: &str, tag: &str) {
        self.staging.apply(tagged(name, "shop-staging", tag)).unwrap();
    }

    /// Waits until the portal shows it healthy there, and what runs in production.
    pub fn runs(&self, portal: &Portal, name: &str, environment: &str, tag: &str) {
        let began = Instant::now();
        while !(self.shows(portal, name, environment, tag) && self.shows(portal, name, "prod", &self::tag(0))) {
            assert!(began.elapsed() < Duration::from_secs(90), "{name} does not run {tag} in {environment}: {}", portal.log());
            std::thread::sleep(Duration::from_millis(50));
        }
    }

    pub fn shows(&self, portal: &Portal, name: &str, environment: &str, tag: &str) -> bool {
        let matrix = portal.get(&self.bea, "/api/v1/matrix").unwrap_or_default();
        let rows = matrix["components"].as_array().cloned().unwrap_or_default();
        let cell = rows.iter().find(|row| row["name"] == name).map(|row| row["cells"][environment].clone()).unwrap_or_default();
        cell["state"] == "healthy" && cell["tag"] == tag && cell["digest"].is_string()
    }

    /// Whether this act is in the story of a change.
    pub fn told(&self, portal: &Portal, change: &Value, act: &str) -> bool {
        let path = format!("/api/v1/changes/{}/explain", change["id"].as_str().unwrap());
        let story = portal.get(&self.bea, &path).unwrap_or_default();
        story["items"].as_array().is_some_and(|lines| lines.iter().any(|line| line["text"].as_str().unwrap().starts_with(act)))
    }

    /// Staging gets the release of this round.
    pub fn release(&self, round: usize) {
        self.components.iter().for_each(|name| {
            self.staging.apply(deployment(name, "shop-staging", round)).unwrap();
        });
    }

    /// Waits until the portal has seen it healthy in staging, and production as the round before left it.
    pub fn seen(&self, portal: &Portal, round: usize) {
        portal.wait_until_ready();
        let began = Instant::now();
        let is = |row: &Value, environment: &str, round: usize| {
            let cell = &row["cells"][environment];
            cell["state"] == "healthy" && cell["tag"].as_str() == Some(&tag(round)) && cell["digest"].is_string()
        };
        loop {
            let matrix = portal.get(&self.bea, "/api/v1/matrix").unwrap_or_default();
            let rows = matrix["components"].as_array().cloned().unwrap_or_default();
            if !rows.is_empty() && rows.iter().all(|row| is(row, "staging", round) && is(row, "prod", round - 1)) {
                return;
            }
            assert!(began.elapsed() < Duration::from_secs(90), "round {round} is not seen: {matrix}");
            std::thread::sleep(Duration::from_millis(50));
        }
    }

    pub fn ask_all(&self, round: usize) -> Asked {
        let changes = self.components.iter().map(|name| (name.clone(), None)).collect();
        Asked { round, bea: self.bea.clone(), dmitri: self.dmitri.clone(), changes }
    }

    /// Its generation in production, and which change wrote it last.
    pub fn object(&self, name: &str) -> (i64, String) {
        let object = self.prod.get("deployments", "prod", name).unwrap();
        let mark = object["metadata"]["annotations"]["portal.devmatrix.io/change"].as_str().unwrap_or_default().to_owned();
        (object["metadata"]["generation"].as_i64().unwrap(), mark)
    }

    /// Effective writes of all portals to production, to whatever object, as the cluster's own log has them.
    pub fn writes(&self) -> usize {
        self.prod.writes().iter().filter(|write| write.is_effective()).count()
    }

    pub fn open_changes(&self, portal: &Portal) -> Vec<Value> {
        portal.wait_until_ready();
        let open = "/api/v1/changes?state=awaiting_approval,ready,running,observing,stuck";
        portal.get(&self.bea, open).unwrap()["items"].as_array().unwrap().clone()
    }
}

impl Asked {
    /// Asks for what is not certain to be asked for, and approves what waits. Whoever gets no answer asks again, with the same key.
    pub fn go_on(&mut self, portal: &Portal) {
        let (round, bea, dmitri) = (self.round, self.bea.clone(), self.dmitri.clone());
        for (component, change) in &mut self.changes {
            if change.is_none() {
                let body =
                    json!({"kind": "promote", "component": component, "environment": "prod", "from": "staging", "reason": "a round"});
                let key = format!("{component}-{round}");
                match portal.post(&bea, "/api/v1/changes", Some(&key), &body) {
                    Some((201, made)) => *change = Some(Change::of(&made)),
                    // Just started: what has not been seen again is not promoted.
                    Some((422 | 429 | 503, _)) => {}
                    Some(other) => panic!("asking for {component}: {other:?}"),
                    None => return,
                }
            }
            let Some(change) = change.as_mut().filter(|change| change.state == "awaiting_approval") else { continue };
            let path = format!("/api/v1/changes/{}/approve", change.id);
            match portal.post(&dmitri, &path, None, &json!({"digest": change.digest})) {
                Some((200, made)) => *change = Change::of(&made),
                Some((409, problem)) if problem["code"] == "not_awaiting_approval" => change.state = "ready".into(),
                Some((429 | 503, _)) => {}
                Some(other) => panic!("approving {component}: {other:?}"),
                None => return,
            }
        }
    }

    /// All of them, once each has ended.
    pub fn ended(&mut self, portal: &Portal) -> Option<Vec<Change>> {
        let mut ended = Vec::new();
        for (_, change) in &mut self.changes {
            let change = change.as_mut()?;
            if !change.has_ended() {
                *change = Change::of(&portal.get(&self.bea, &format!("/api/v1/changes/{}", change.id))?);
            }
            ended.push(Some(change.clone()).filter(Change::has_ended)?);
        }
        Some(ended)
    }
}

fn serve(runtime: &Runtime, cluster: &Cluster) -> String {
    let listener = runtime.block_on(TcpListener::bind("127.0.0.1:0")).unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    let cluster = cluster.clone();
    runtime.spawn(async move { cluster.serve(listener).await });
    url
}

fn tag(round: usize) -> String {
    format!("1.0.{round}")
}

fn deployment(name: &str, namespace: &str, round: usize) -> Value {
    tagged(name, namespace, &tag(round))
}

fn tagged(name: &str, namespace: &str, tag: &str) -> Value {
    let labels = json!({"app": name});
    json!({
        "apiVersion": "apps/v1", "kind": "Deployment", "metadata": {"name": name, "namespace": namespace},
        "spec": {
            "replicas": 1, "selector": {"matchLabels": labels},
            "template": {
                "metadata": {"labels": labels},
                "spec": {"containers": [{"name": "main", "image": format!("registry.devmatrix.example/{name}:{tag}")}]},
            },
        },
    })
}

fn configuration(components: &[String]) -> String {
    let each: String = components
        .iter()
        .map(|name| format!("  - {{name: {name}, title: {name}, owner: devops, workload: deployment/{name}}}\n"))
        .collect();
    format!(
        "organisation: Crash\n\
         teams:\n\
        \x20 - {{name: devops, members: [dmitri], roles: [approver]}}\n\
        \x20 - {{name: backend, members: [bea], roles: [deployer]}}\n\
        \x20 - {{name: admins, members: [ada], roles: [admin]}}\n\
         clusters:\n\
        \x20 - {{name: staging, provider: kubeconfig, kubeconfig: {{path: staging.yaml}}}}\n\
        \x20 - {{name: prod, provider: kubeconfig, kubeconfig: {{path: prod.yaml}}}}\n\
         environments:\n\
        \x20 - {{name: staging, title: Staging, stage: 1, cluster: staging, namespace: shop-staging}}\n\
        \x20 - {{name: prod, title: Production, stage: 2, cluster: prod, namespace: prod, production: true, promote_from: staging, \
         rollback: {{automatic: true}}, approval: {{rules: [{{from: [\"team:devops\"], needed: 1}}]}}}}\n\
         components:\n{each}"
    )
}

fn kubeconfig(url: &str) -> String {
    json!({
        "apiVersion": "v1", "kind": "Config", "current-context": "it",
        "clusters": [{"name": "it", "cluster": {"server": url}}],
        "users": [{"name": "it", "user": {}}],
        "contexts": [{"name": "it", "context": {"cluster": "it", "user": "it"}}],
    })
    .to_string()
}
