//! Two simulated clusters that look at fences, one PostgreSQL database, some components, and the people who ask and approve.

use crate::eventually;
use crate::portal::Portal;
use serde_json::{Value, json};
use sim::{Clock, Cluster};
use std::collections::BTreeMap;
use std::fs;
use std::path::Path;
use std::process::Command;
use tokio::net::TcpListener;
use tokio::runtime::Runtime;

pub const FENCE: &str = "portal.devmatrix.io/fence";
pub const CHANGE: &str = "portal.devmatrix.io/change";

pub struct World {
    pub staging: Cluster,
    pub prod: Cluster,
    pub components: Vec<String>,
    folder: tempfile::TempDir,
    database_url: String,
    tokens: BTreeMap<&'static str, String>,
    runtime: Runtime,
}

/// What differs from test to test.
#[derive(Clone, Copy)]
pub struct Policy {
    pub votes: usize,
    pub expires: &'static str,
}

pub const ORDINARY: Policy = Policy { votes: 1, expires: "1h" };

#[derive(Clone, Debug)]
pub struct Change {
    pub id: String,
    pub component: String,
    pub digest: String,
    pub state: String,
    pub reason: String,
}

impl Change {
    pub fn of(value: &Value) -> Change {
        let text = |pointer: &str| value.pointer(pointer).and_then(Value::as_str).unwrap_or_default().to_owned();
        Change {
            id: text("/id"),
            component: text("/component"),
            digest: text("/plan/digest"),
            state: text("/state"),
            reason: text("/outcome/reason"),
        }
    }

    pub fn has_ended(&self) -> bool {
        !["awaiting_approval", "ready", "running", "observing"].contains(&self.state.as_str())
    }
}

impl World {
    pub fn start(components: usize, policy: Policy) -> World {
        let runtime = Runtime::new().unwrap();
        let (staging, prod) = (Cluster::new("staging", Clock::real()), Cluster::new("prod", Clock::real()));
        prod.faults().look_at_fences(true);
        let urls = [&staging, &prod].map(|cluster| serve(&runtime, cluster));
        let folder = tempfile::tempdir().unwrap();
        let components: Vec<String> = (1..=components).map(|number| format!("part-{number}")).collect();
        fs::write(folder.path().join("devmatrix.yaml"), configuration(&components, policy)).unwrap();
        for (name, url) in ["staging", "prod"].iter().zip(urls) {
            fs::write(folder.path().join(format!("{name}.yaml")), kubeconfig(&url)).unwrap();
        }
        for name in &components {
            prod.apply(deployment(name, "prod", "1.0.0")).unwrap();
            staging.apply(deployment(name, "staging", "1.0.0")).unwrap();
        }
        let database_url = runtime.block_on(fresh_database());
        let mut world = World { staging, prod, components, folder, database_url, tokens: BTreeMap::new(), runtime };
        for (user, scopes) in [("bea", "read,change"), ("dmitri", "read,approve"), ("olivia", "read,approve"), ("pia", "read,approve")] {
            let token = world.token(user, scopes);
            world.tokens.insert(user, token);
        }
        world
    }

    fn token(&self, user: &str, scopes: &str) -> String {
        let made = Command::new(env!("CARGO_BIN_EXE_devmatrix"))
            .current_dir(self.folder())
            .args(["token", "create", "--user", user, "--scopes", scopes, "--config", "devmatrix.yaml"])
            .env("DEVMATRIX_DATABASE_URL", &self.database_url)
            .output()
            .unwrap();
        assert!(made.status.success(), "{}", String::from_utf8_lossy(&made.stderr));
        String::from_utf8(made.stdout).unwrap().trim().to_owned()
    }

    pub fn folder(&self) -> &Path {
        self.folder.path()
    }

    pub fn database_url(&self) -> &str {
        &self.database_url
    }

    pub fn of(&self, user: &str) -> &str {
        &self.tokens[user]
    }

    /// Staging gets a release, and the portal sees it there, and production at rest with what it runs.
    pub fn release(&self, portal: &Portal, tag: &str) {
        for name in &self.components {
            self.staging.apply(deployment(name, "staging", tag)).unwrap();
        }
        self.seen(portal, tag);
    }

    pub fn seen(&self, portal: &Portal, tag: &str) {
        eventually(&format!("{tag} is seen in staging"), || {
            let matrix = portal.get(self.of("bea"), "/api/v1/matrix")?;
            let good = |cell: &Value| cell["state"] == "healthy" && cell["digest"].is_string();
            let rows = matrix["components"].as_array()?;
            rows.iter()
                .all(|row| good(&row["cells"]["prod"]) && good(&row["cells"]["staging"]) && row["cells"]["staging"]["tag"] == *tag)
                .then_some(())
        });
    }

    /// A promotion of this component, waiting for votes. What was just restarted may have to look around first.
    pub fn asked(&self, portal: &Portal, component: &str) -> Change {
        let body = json!({"kind": "promote", "component": component, "environment": "prod", "from": "staging", "reason": "a race"});
        eventually(&format!("{component} is asked for"), || match portal.post(self.of("bea"), "/api/v1/changes", &body)? {
            (201, made) => Some(Change::of(&made)),
            (422 | 429 | 503, _) => None,
            other => panic!("{other:?}; {}", portal.log()),
        })
    }

    pub fn approve(&self, portal: &Portal, change: &Change, user: &str) -> Option<(u16, Value)> {
        portal.post(self.of(user), &format!("/api/v1/changes/{}/approve", change.id), &json!({"digest": change.digest}))
    }

    pub fn change(&self, portal: &Portal, id: &str) -> Option<Change> {
        Some(Change::of(&portal.get(self.of("bea"), &format!("/api/v1/changes/{id}"))?))
    }

    pub fn ended(&self, portal: &Portal, change: &Change) -> Change {
        let mut last = None;
        let found = crate::by_deadline(|| {
            last = self.change(portal, &change.id);
            last.clone().filter(Change::has_ended)
        });
        found.unwrap_or_else(|| panic!("no end: {last:?}; {}", portal.log()))
    }

    /// The first whole number that the query answers.
    pub fn count(&self, query: &str) -> i64 {
        self.runtime.block_on(async {
            let mut connection = connect(&self.database_url).await;
            sqlx::query_scalar(sqlx::AssertSqlSafe(query.to_owned())).fetch_one(&mut connection).await.unwrap()
        })
    }

    /// The same where there may be nothing.
    pub fn text(&self, query: &str) -> Option<String> {
        self.runtime.block_on(async {
            let mut connection = connect(&self.database_url).await;
            sqlx::query_scalar(sqlx::AssertSqlSafe(query.to_owned())).fetch_optional(&mut connection).await.unwrap()
        })
    }

    pub fn execute(&self, sql: &str) {
        self.runtime.block_on(async {
            let mut connection = connect(&self.database_url).await;
            sqlx::query(sqlx::AssertSqlSafe(sql.to_owned())).execute(&mut connection).await.unwrap();
        });
    }

    /// Somebody edits production, as `kubectl set env` does.
    pub fn edit(&self, component: &str) {
        let mut object = self.prod.get("deployments", "prod", component).unwrap();
        object["metadata"]["resourceVersion"].take();
        object["spec"]["template"]["spec"]["containers"][0]["env"] = json!([{"name": "EDITED", "value": "by hand"}]);
        self.prod.apply(object).unwrap();
    }

    /// What the portal wrote to production that changed something: component, change, fence; oldest first.
    pub fn writes(&self) -> Vec<(String, String, i64)> {
        let ours = self.prod.writes().into_iter().filter(|write| write.field_manager == "devmatrix-portal" && write.is_effective());
        ours.map(|write| {
            let mark = |key: &str| write.body["metadata"]["annotations"][key].as_str().unwrap_or_default().to_owned();
            (write.name.clone(), mark(CHANGE), mark(FENCE).parse().unwrap())
        })
        .collect()
    }

    /// The judge: every change has one end and at most one effective write; none is stale; those that succeeded were written.
    pub fn judge(&self, ended: &[Change]) {
        let writes = self.writes();
        for change in ended {
            let ends = self.count(&format!(
                "SELECT COUNT(*) FROM audit WHERE target = '{}' AND outcome <> 'denied' AND what IN ('change.end', 'change.abort', 'change.reject')",
                change.id
            ));
            assert_eq!(ends, 1, "ends of {change:?}");
            let written = writes.iter().filter(|(_, id, _)| *id == change.id).count();
            assert!(written <= 1, "{written} writes of {change:?}");
            if change.state == "succeeded" {
                assert_eq!(written, 1, "{change:?}");
            }
            if ["expired", "rejected"].contains(&change.state.as_str()) {
                assert_eq!(written, 0, "{change:?}");
            }
        }
        for component in &self.components {
            let fences: Vec<i64> = writes.iter().filter(|(name, _, _)| name == component).map(|(_, _, fence)| *fence).collect();
            assert!(fences.is_sorted(), "a stale write came through to {component}: {fences:?}");
        }
        let running = self.count("SELECT COUNT(*) FROM changes WHERE state IN ('running', 'observing', 'ready')");
        assert_eq!(running, 0, "left without an end");
    }
}

async fn connect(url: &str) -> sqlx::AnyConnection {
    use sqlx::Connection;
    sqlx::any::install_default_drivers();
    sqlx::AnyConnection::connect(url).await.unwrap()
}

async fn fresh_database() -> String {
    let url =
        std::env::var("STORIES_POSTGRES").unwrap_or_else(|_| panic!("not run: STORIES_POSTGRES names no PostgreSQL (scripts/postgres)"));
    let name = format!("replicas_{}", uuid::Uuid::now_v7().simple());
    let mut connection = connect(&url).await;
    sqlx::query(sqlx::AssertSqlSafe(format!("CREATE DATABASE {name}"))).execute(&mut connection).await.unwrap();
    let (server, _) = url.rsplit_once('/').unwrap();
    format!("{server}/{name}")
}

fn serve(runtime: &Runtime, cluster: &Cluster) -> String {
    let listener = runtime.block_on(TcpListener::bind("127.0.0.1:0")).unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    let cluster = cluster.clone();
    runtime.spawn(async move { cluster.serve(listener).await });
    url
}

pub fn deployment(name: &str, namespace: &str, tag: &str) -> Value {
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

fn configuration(components: &[String], policy: Policy) -> String {
    let each: String = components
        .iter()
        .map(|name| format!("  - {{name: {name}, title: {name}, owner: backend, workload: deployment/{name}}}\n"))
        .collect();
    let Policy { votes, expires } = policy;
    format!(
        "organisation: Replicas\n\
         teams:\n\
        \x20 - {{name: devops, members: [dmitri, olivia, pia], roles: [approver]}}\n\
        \x20 - {{name: backend, members: [bea], roles: [deployer]}}\n\
         clusters:\n\
        \x20 - {{name: staging, provider: kubeconfig, kubeconfig: {{path: staging.yaml}}}}\n\
        \x20 - {{name: prod, provider: kubeconfig, kubeconfig: {{path: prod.yaml}}}}\n\
         environments:\n\
        \x20 - {{name: staging, title: Staging, stage: 1, cluster: staging, namespace: staging}}\n\
        \x20 - {{name: prod, title: Production, stage: 2, cluster: prod, namespace: prod, production: true, promote_from: staging, \
         approval: {{rules: [{{from: [\"team:devops\"], needed: {votes}}}], expires: {expires}}}}}\n\
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
