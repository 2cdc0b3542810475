//! Where a case runs: a cluster, simulated or real, with a namespace of its own, and a client that says what came back.
//!
//! Invariant: nothing here retries a request; waiting is for a condition, with a deadline.

use futures::{AsyncBufRead, AsyncBufReadExt, StreamExt};
use kube::Client;
use kube::config::{KubeConfigOptions, Kubeconfig};
use serde_json::{Value, json};
use sim::{Clock, Cluster, Proxy};
use std::fmt;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};
use tokio::net::TcpListener;
use tokio::task::JoinHandle;

/// No condition in these cases takes longer than this on any machine.
const PATIENCE: Duration = Duration::from_secs(60);
const GLANCE: Duration = Duration::from_millis(40);

/// The cluster under test.
#[derive(Clone)]
pub enum Target {
    /// Each case gets a simulated cluster of its own, behind a fault proxy without a script if it is proxied.
    Simulated {
        proxied: bool,
    },
    Real(Client),
}

impl Target {
    pub async fn from_environment() -> Target {
        let set = |name: &str| std::env::var_os(name).filter(|it| !it.is_empty());
        let Some(file) = set("CONFORMANCE_KUBECONFIG") else { return Target::Simulated { proxied: set("CONFORMANCE_PROXY").is_some() } };
        let kubeconfig = Kubeconfig::read_from(&file).expect("CONFORMANCE_KUBECONFIG names a kubeconfig");
        let mut config = kube::Config::from_custom_kubeconfig(kubeconfig, &KubeConfigOptions::default()).await.unwrap();
        config.default_retry = false;
        Target::Real(Client::try_from(config).unwrap())
    }

    pub fn is_simulated(&self) -> bool {
        matches!(self, Target::Simulated { .. })
    }
}

impl fmt::Display for Target {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Target::Simulated { proxied: false } => "the simulated cluster",
            Target::Simulated { proxied: true } => "the simulated cluster behind a proxy",
            Target::Real(_) => "the real control plane",
        })
    }
}

/// The place of one case; clones share it.
#[derive(Clone)]
pub struct World(Arc<Inner>);

struct Inner {
    client: Client,
    namespace: String,
    simulated: Option<(Cluster, JoinHandle<std::io::Result<()>>)>,
}

/// What came back for a request: the status and the JSON, or the text as a JSON string.
#[derive(Clone, Debug)]
pub struct Answer {
    pub code: u16,
    pub body: Value,
    pub content_type: String,
}

impl Answer {
    /// HTTP status and reason of a refusal, after checking that its Status object is whole.
    pub fn refusal(&self) -> (u16, &str) {
        assert!(self.code >= 400, "was not refused: {self:?}");
        let body = &self.body;
        assert_eq!((&body["kind"], &body["apiVersion"], &body["status"]), (&json!("Status"), &json!("v1"), &json!("Failure")), "{body}");
        assert_eq!(body["code"], self.code, "{body}");
        assert!(body["metadata"].is_object(), "{body}");
        (self.code, body["reason"].as_str().unwrap_or_default())
    }

    pub fn message(&self) -> &str {
        self.body["message"].as_str().unwrap_or_default()
    }

    /// The object that came back, if it was answered with this status.
    pub fn ok(self, code: u16) -> Value {
        assert_eq!(self.code, code, "{}", self.body);
        self.body
    }
}

impl World {
    pub async fn new(target: &Target) -> World {
        static NUMBER: AtomicUsize = AtomicUsize::new(0);
        let (client, simulated) = match target {
            Target::Real(client) => (client.clone(), None),
            Target::Simulated { proxied } => simulated(*proxied).await,
        };
        let namespace = format!("conformance-{}-{}", std::process::id(), NUMBER.fetch_add(1, Ordering::Relaxed));
        let world = World(Arc::new(Inner { client, namespace, simulated }));
        let object = json!({ "metadata": { "name": world.namespace() } });
        world.post("/api/v1/namespaces", &object).await.ok(201);
        world
    }

    /// Takes away what the case made, however it ended.
    pub async fn remove(self) {
        match &self.0.simulated {
            Some((_, server)) => server.abort(),
            None => {
                let path = format!("/api/v1/namespaces/{}", self.namespace());
                let _ = self.delete(&path, &json!({ "propagationPolicy": "Background" })).await;
            }
        }
    }

    pub fn namespace(&self) -> &str {
        &self.0.namespace
    }

    /// The simulated cluster itself, for a case that runs nowhere else.
    pub fn simulated(&self) -> Option<&Cluster> {
        self.0.simulated.as_ref().map(|(cluster, _)| cluster)
    }

    /// The collection of a resource in the case's namespace: `deployments`, or an item: `deployments/api`.
    pub fn path(&self, item: &str) -> String {
        let resource = item.split(['/', '?']).next().unwrap_or_default();
        let group = match resource {
            "deployments" | "replicasets" | "statefulsets" | "daemonsets" | "controllerrevisions" => "apis/apps/v1",
            "jobs" | "cronjobs" => "apis/batch/v1",
            "horizontalpodautoscalers" => "apis/autoscaling/v2",
            _ => "api/v1",
        };
        format!("/{group}/namespaces/{}/{item}", self.namespace())
    }

    /// Any request, as it goes over the wire.
    pub async fn send(&self, method: &str, path: &str, headers: &[(&str, &str)], body: Vec<u8>) -> Answer {
        let mut request = http::Request::builder().method(method).uri(path).header("user-agent", "conformance/1");
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        let answer = self.0.client.send(request.body(kube::client::Body::from(body)).unwrap()).await.unwrap();
        let code = answer.status().as_u16();
        let content_type = answer.headers().get("content-type").and_then(|it| it.to_str().ok()).unwrap_or_default().to_owned();
        let bytes = answer.into_body().collect_bytes().await.unwrap();
        let body = serde_json::from_slice(&bytes).unwrap_or_else(|_| json!(String::from_utf8_lossy(&bytes)));
        Answer { code, body, content_type }
    }

    async fn json(&self, method: &str, path: &str, kind: &str, body: &Value) -> Answer {
        self.send(method, path, &[("content-type", kind)], body.to_string().into_bytes()).await
    }

    pub async fn get(&self, path: &str) -> Answer {
        self.send("GET", path, &[], Vec::new()).await
    }

    pub async fn post(&self, path: &str, body: &Value) -> Answer {
        self.json("POST", path, "application/json", body).await
    }

    pub async fn put(&self, path: &str, body: &Value) -> Answer {
        self.json("PUT", path, "application/json", body).await
    }

    /// With null for options there is no body.
    pub async fn delete(&self, path: &str, options: &Value) -> Answer {
        let body = if options.is_null() { Vec::new() } else { options.to_string().into_bytes() };
        self.send("DELETE", path, &[("content-type", "application/json")], body).await
    }

    /// A patch of kind `merge`, `strategic-merge` or `json`.
    pub async fn patch(&self, path: &str, kind: &str, body: &Value) -> Answer {
        self.json("PATCH", path, &format!("application/{kind}-patch+json"), body).await
    }

    /// The object of an item such as `deployments/api`, which is there.
    pub async fn read(&self, item: &str) -> Value {
        self.get(&self.path(item)).await.ok(200)
    }

    /// The objects of a collection; a selector may follow: `pods?labelSelector=app%3Dapi`.
    pub async fn all(&self, collection: &str) -> Vec<Value> {
        let list = self.get(&self.path(collection)).await.ok(200);
        list["items"].as_array().cloned().unwrap_or_default()
    }

    /// Creates an object in the collection and gives what is stored.
    pub async fn create(&self, collection: &str, object: Value) -> Value {
        self.post(&self.path(collection), &object).await.ok(201)
    }

    /// A merge patch that succeeds.
    pub async fn merge(&self, item: &str, patch: Value) -> Value {
        self.patch(&self.path(item), "merge", &patch).await.ok(200)
    }

    /// Waits until `find` finds something, for as long as it may take on a busy machine.
    pub async fn until<T>(&self, what: &str, mut find: impl AsyncFnMut() -> Option<T>) -> T {
        let start = Instant::now();
        loop {
            if let Some(found) = find().await {
                return found;
            }
            assert!(start.elapsed() < PATIENCE, "waited in vain: {what}");
            tokio::time::sleep(GLANCE).await;
        }
    }

    /// The item once it is as wanted; a missing one is waited for.
    pub async fn once(&self, what: &str, item: &str, wanted: impl Fn(&Value) -> bool) -> Value {
        let mut last = Value::Null;
        let found = tokio::time::timeout(PATIENCE, async {
            loop {
                let answer = self.get(&self.path(item)).await;
                last = answer.body;
                if answer.code == 200 && wanted(&last) {
                    return last.clone();
                }
                tokio::time::sleep(GLANCE).await;
            }
        });
        match found.await {
            Ok(found) => found,
            Err(_) => panic!("waited in vain: {what}; the last was {last}"),
        }
    }

    /// Waits until the item is not there any more.
    pub async fn gone(&self, item: &str) {
        self.until(&format!("{item} is gone"), async || (self.get(&self.path(item)).await.code == 404).then_some(())).await;
    }

    /// Opens a watch of a collection. Panics if it is refused.
    pub async fn watch(&self, collection: &str, query: &str) -> Watch {
        let request = http::Request::get(format!("{}?watch=true&{query}", self.path(collection))).body(Vec::new()).unwrap();
        Watch(Box::pin(self.0.client.request_stream(request).await.unwrap()))
    }

    /// The resourceVersion of a collection as it is now.
    pub async fn version(&self, collection: &str) -> String {
        let list = self.get(&self.path(collection)).await.ok(200);
        list["metadata"]["resourceVersion"].as_str().unwrap().to_owned()
    }
}

async fn simulated(proxied: bool) -> (Client, Option<(Cluster, JoinHandle<std::io::Result<()>>)>) {
    let cluster = Cluster::new("conformance", Clock::real());
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let mut address = listener.local_addr().unwrap();
    let served = cluster.clone();
    let server = tokio::spawn(async move { served.serve(listener).await });
    if proxied {
        let (proxy, listener) = (Proxy::new(address), TcpListener::bind("127.0.0.1:0").await.unwrap());
        address = listener.local_addr().unwrap();
        tokio::spawn(async move { proxy.serve(listener).await });
    }
    let mut config = kube::Config::new(format!("http://{address}").parse().unwrap());
    config.default_retry = false;
    (Client::try_from(config).unwrap(), Some((cluster, server)))
}

/// An open watch.
pub struct Watch(std::pin::Pin<Box<dyn AsyncBufRead + Send>>);

impl Watch {
    /// The next event; None at the end of the stream.
    pub async fn next(&mut self) -> Option<Value> {
        let mut line = String::new();
        let read = tokio::time::timeout(PATIENCE, self.0.read_line(&mut line));
        let count = read.await.expect("the watch says nothing").expect("the watch breaks off");
        (count > 0).then(|| serde_json::from_str(&line).unwrap())
    }

    /// All events up to the end of the stream.
    pub async fn rest(self) -> Vec<Value> {
        let events = futures::stream::unfold(self, |mut watch| async { watch.next().await.map(|event| (event, watch)) });
        events.collect().await
    }

    /// All events up to and with the first one that is as wanted.
    pub async fn until(&mut self, wanted: impl Fn(&Value) -> bool) -> Vec<Value> {
        let mut events = Vec::new();
        while let Some(event) = self.next().await {
            events.push(event);
            if wanted(&events[events.len() - 1]) {
                return events;
            }
        }
        panic!("the watch ended before what was waited for: {events:#?}");
    }
}
