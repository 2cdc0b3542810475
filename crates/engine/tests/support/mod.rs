//! A portal on two simulated clusters and a database of its own: SQLite in a folder, or PostgreSQL when STORIES_POSTGRES says where.

#![allow(dead_code, clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use domain::access::{Actor, Scope};
use domain::catalog::{Catalog, read};
use domain::changes::{Change, Request, State};
use domain::names::Name;
use domain::releases::{DeploymentRecord, RecordOutcome};
use engine::{Demo, Engine, Options, Patience};
use serde_json::{Value, json};
use sim::{Clock, Cluster};
use std::future::Future;
use std::time::{Duration, Instant};
use tokio::net::TcpListener;

pub const CONFIG: &str = r#"
organisation: Test
teams:
  - {name: devops, members: [olivia, dmitri], roles: [deployer, approver]}
  - {name: backend, members: [bea, ben], roles: [deployer]}
  - {name: platform, members: [pia], roles: [deployer, approver]}
clusters:
  - {name: staging, provider: kubeconfig, kubeconfig: {path: none}}
  - {name: prod, provider: kubeconfig, kubeconfig: {path: none}}
environments:
  - {name: staging, title: Staging, stage: 1, cluster: staging, namespace: devmatrix-staging}
  - name: prod
    title: Production
    stage: 2
    cluster: prod
    namespace: devmatrix
    production: true
    promote_from: staging
    approval: {rules: [{from: ["team:devops"], needed: 1}]}
components:
  - {name: api, title: API server, owner: backend, replicas: 3, workload: deployment/devmatrix-api, container: api, depends_on: [postgres]}
  - {name: postgres, title: Database, owner: platform, workload: statefulset/postgres}
  - {name: worker, title: Worker, owner: platform, workload: deployment/worker, containers: [worker, migrate, proxy]}
  - {name: filebeat, title: Log shipper, owner: platform, workload: daemonset/filebeat}
"#;

pub struct World {
    pub engine: Engine,
    pub staging: Cluster,
    pub prod: Cluster,
    pub urls: Vec<(String, String)>,
    pub database_url: String,
    _folder: tempfile::TempDir,
}

/// Long enough for a loaded machine; a story that needs it all has failed.
const DEADLINE: Duration = Duration::from_secs(45);

impl World {
    /// Staging runs 1.43.1, production 1.42.3, both healthy and seen by the portal.
    pub async fn new() -> World {
        World::with(Patience::default()).await
    }

    pub async fn with(patience: Patience) -> World {
        World::prepared(patience, |_| {}).await
    }

    /// What is done to each cluster before the portal sees it.
    pub async fn prepared(patience: Patience, prepare: impl Fn(&Cluster)) -> World {
        World::configured(CONFIG, patience, prepare).await
    }

    pub async fn configured(config: &str, patience: Patience, prepare: impl Fn(&Cluster)) -> World {
        let (staging, prod) = (cluster("staging", "devmatrix-staging", "1.43.1"), cluster("prod", "devmatrix", "1.42.3"));
        [&staging, &prod].into_iter().for_each(prepare);
        let urls = vec![("staging".to_owned(), serve(&staging).await), ("prod".to_owned(), serve(&prod).await)];
        let folder = tempfile::tempdir().unwrap();
        let database_url = database(&folder).await;
        let engine = start(config, &urls, &database_url, patience).await;
        let world = World { engine, staging, prod, urls, database_url, _folder: folder };
        world.settled("staging").await;
        world.settled("prod").await;
        world
    }

    /// Another process of the portal on the same database and clusters.
    pub async fn another_portal(&self) -> Engine {
        self.another_portal_of(CONFIG).await
    }

    /// The same with another configuration.
    pub async fn another_portal_of(&self, config: &str) -> Engine {
        start(config, &self.urls, &self.database_url, Patience::default()).await
    }

    /// The portal shows this tag as healthy, and has recorded it.
    pub async fn runs(&self, environment: &str, tag: &str) {
        eventually(&format!("{environment} shows {tag}"), || async {
            let matrix = self.engine.matrix(&actor("viv")).await.unwrap();
            (matrix.components[0].cells[environment].tag.as_deref() == Some(tag)).then_some(())
        })
        .await;
        self.settled(environment).await;
    }

    pub async fn settled(&self, environment: &str) {
        eventually(&format!("{environment} is healthy and recorded"), || async {
            let matrix = self.engine.matrix(&actor("viv")).await.unwrap();
            let cell = &matrix.components[0].cells[environment];
            let records = self.engine.deployments(&actor("viv"), "api", Some(environment), Default::default()).await.unwrap().items;
            let newest = records.first()?;
            (cell.state.as_str() == "healthy" && Some(newest.revision) == cell.revision && newest.digest.is_some()).then_some(())
        })
        .await;
    }

    /// The records of production, once the one of this change says how it ended.
    pub async fn judged(&self, change: &Change) -> Vec<DeploymentRecord> {
        eventually("the record says how it ended", || async {
            let records = self.engine.deployments(&actor("viv"), "api", Some("prod"), Default::default()).await.unwrap().items;
            let judged = records.iter().any(|r| r.change.as_ref() == Some(&change.id) && r.outcome != RecordOutcome::Running);
            judged.then_some(records)
        })
        .await
    }

    pub async fn promoted(&self, by: &str) -> Change {
        self.engine.ask(&self.actor(by), promote(), None).await.unwrap().change
    }

    /// Staging gets this release, and somebody asks for it in production.
    pub async fn promotable(&self, tag: &str) -> Change {
        self.staging.apply(deployment("devmatrix-staging", tag)).unwrap();
        self.runs("staging", tag).await;
        self.promoted("bea").await
    }

    pub fn actor(&self, name: &str) -> Actor {
        Actor { person: self.engine.catalog().person(name), scopes: Scope::ALL.to_vec(), via: "token" }
    }

    pub async fn approved(&self, change: &Change, by: &str) -> Change {
        self.engine.approve(&self.actor(by), &change.id, &change.digest, "").await.unwrap()
    }

    pub async fn ends(&self, change: &Change, state: State) -> Change {
        ends_at(&self.engine, change, state).await
    }

    /// The portal's writes to production that changed what runs.
    pub fn effective_writes(&self) -> usize {
        self.prod.writes().iter().filter(|write| write.field_manager == "devmatrix-portal" && write.is_effective()).count()
    }

    /// All writes that the portal sent to production, dry runs left out.
    pub fn sent_writes(&self) -> usize {
        self.prod.writes().iter().filter(|write| write.field_manager == "devmatrix-portal" && !write.dry_run).count()
    }

    /// Those of them that production took, whether or not the answer arrived. One that met a newer resourceVersion is none.
    pub fn done_writes(&self) -> usize {
        let done = |write: &&sim::WriteRecord| write.field_manager == "devmatrix-portal" && !write.dry_run && write.status < 300;
        self.prod.writes().iter().filter(done).count()
    }

    pub fn prod_image(&self) -> String {
        let object = self.prod.get("deployments", "devmatrix", "devmatrix-api").unwrap();
        object["spec"]["template"]["spec"]["containers"][0]["image"].as_str().unwrap().to_owned()
    }
}

pub async fn ends_at(engine: &Engine, change: &Change, state: State) -> Change {
    let ended = eventually("the change ends", || async {
        let now = engine.change(&actor("viv"), &change.id).await.unwrap();
        now.state.is_terminal().then_some(now)
    })
    .await;
    assert_eq!(ended.state, state, "{:?}", ended.outcome);
    ended
}

pub fn actor(name: &str) -> Actor {
    let catalog = catalog(CONFIG);
    Actor { person: catalog.person(name), scopes: Scope::ALL.to_vec(), via: "token" }
}

pub fn promote() -> Request {
    let name = |text: &str| Name::parse("name", text).unwrap();
    Request::Promote { component: name("api"), environment: name("prod"), from: name("staging"), reason: "a story".into() }
}

pub fn rollback(to_revision: i64) -> Request {
    let name = |text: &str| Name::parse("name", text).unwrap();
    Request::Rollback { component: name("api"), environment: name("prod"), to_revision, restore_config: false, reason: "a story".into() }
}

/// The same with its configuration.
pub fn restore(to_revision: i64) -> Request {
    let name = |text: &str| Name::parse("name", text).unwrap();
    Request::Rollback { component: name("api"), environment: name("prod"), to_revision, restore_config: true, reason: "a story".into() }
}

/// Waits for a condition, looking often; fails with its name at the deadline.
pub async fn eventually<T, F: Future<Output = Option<T>>>(what: &str, look: impl FnMut() -> F) -> T {
    within(DEADLINE, what, look).await
}

/// The same with a deadline of its own.
pub async fn within<T, F: Future<Output = Option<T>>>(deadline: Duration, what: &str, mut look: impl FnMut() -> F) -> T {
    let began = Instant::now();
    loop {
        if let Some(found) = look().await {
            return found;
        }
        assert!(began.elapsed() < deadline, "not within {deadline:?}: {what}");
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
}

/// Watches that something does not happen for so long; fails with its name when it does.
pub async fn never(so_long: Duration, what: &str, happens: impl Fn() -> bool) {
    let began = Instant::now();
    while began.elapsed() < so_long {
        assert!(!happens(), "{what}");
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
}

pub fn catalog(text: &str) -> Catalog {
    read(text).unwrap().catalog
}

async fn start(config: &str, urls: &[(String, String)], database_url: &str, patience: Patience) -> Engine {
    let catalog = catalog(config);
    let demo = Some(Demo { clusters: urls.to_vec() });
    let options = Options { catalog, database_url: database_url.to_owned(), demo, external_url: "http://127.0.0.1".into(), patience };
    Engine::start(options).await.unwrap()
}

async fn serve(cluster: &Cluster) -> String {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    let cluster = cluster.clone();
    tokio::spawn(async move { cluster.serve(listener).await });
    url
}

fn cluster(name: &str, namespace: &str, tag: &str) -> Cluster {
    let cluster = Cluster::new(name, Clock::real());
    cluster.apply(deployment(namespace, tag)).unwrap();
    cluster
}

pub fn deployment(namespace: &str, tag: &str) -> Value {
    let labels = json!({"app": "devmatrix-api"});
    json!({
        "apiVersion": "apps/v1",
        "kind": "Deployment",
        "metadata": {"name": "devmatrix-api", "namespace": namespace, "labels": labels},
        "spec": {
            "replicas": 3,
            // All at once, so that a slow image is slow once and not three times.
            "strategy": {"type": "RollingUpdate", "rollingUpdate": {"maxSurge": 3, "maxUnavailable": 0}},
            "selector": {"matchLabels": labels},
            "template": {
                "metadata": {"labels": labels},
                "spec": {"containers": [{"name": "api", "image": format!("registry.devmatrix.example/devmatrix/api:{tag}")}]},
            },
        },
    })
}

pub async fn database(folder: &tempfile::TempDir) -> String {
    match std::env::var("STORIES_POSTGRES") {
        Ok(url) => fresh_postgres(&url).await,
        Err(_) => format!("sqlite://{}?mode=rwc", folder.path().join("story.sqlite").display()),
    }
}

/// A database of its own for each story.
async fn fresh_postgres(url: &str) -> String {
    use sqlx::Connection;
    sqlx::any::install_default_drivers();
    let name = format!("story_{}", uuid::Uuid::now_v7().simple());
    let mut connection = sqlx::AnyConnection::connect(url).await.unwrap();
    sqlx::query(sqlx::AssertSqlSafe(format!("CREATE DATABASE {name}"))).execute(&mut connection).await.unwrap();
    let (server, _) = url.rsplit_once('/').unwrap();
    format!("{server}/{name}")
}
