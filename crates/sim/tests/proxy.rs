//! The fault proxy: nothing changes without a script, and the faults of a cluster happen in front of another one.

// A test says what is wrong by panicking.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

mod support;

use futures::{AsyncBufReadExt, StreamExt, TryStreamExt};
use kube::Client;
use serde_json::{Value, json};
use sim::{Cluster, Fault, Match, Proxy, Twist};
use std::time::Duration;
use support::{deployment, get, manual, patch};
use tokio::net::TcpListener;

const API: &str = "/apis/apps/v1/namespaces/shop/deployments/api";
const DEPLOYMENTS: &str = "/apis/apps/v1/namespaces/shop/deployments";

/// A cluster with one Deployment, its proxy, a client of each.
async fn proxied() -> (Cluster, Proxy, Client, Client) {
    let cluster = manual();
    cluster.apply(deployment("api", "1", 1)).unwrap();
    let upstream = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let proxy = Proxy::new(upstream.local_addr().unwrap());
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let client = |listener: &TcpListener| {
        let mut config = kube::Config::new(format!("http://{}", listener.local_addr().unwrap()).parse().unwrap());
        config.default_retry = false;
        Client::try_from(config).unwrap()
    };
    let (direct, through) = (client(&upstream), client(&listener));
    let (served, serving) = (cluster.clone(), proxy.clone());
    tokio::spawn(async move { served.serve(upstream).await });
    tokio::spawn(async move { serving.serve(listener).await });
    (cluster, proxy, direct, through)
}

fn image(cluster: &Cluster) -> Value {
    cluster.get("deployments", "shop", "api").unwrap()["spec"]["template"]["spec"]["containers"][0]["image"].clone()
}

async fn set_image(client: &Client, tag: &str) -> (u16, Value) {
    let image = format!("repo/api:{tag}");
    patch(client, API, "json-patch", &json!([{"op": "replace", "path": "/spec/template/spec/containers/0/image", "value": image}])).await
}

#[tokio::test]
async fn an_answer_is_the_same_through_it() {
    let (_, _, direct, through) = proxied().await;
    for path in [DEPLOYMENTS, API, "/version", "/apis/apps/v1", "/api/v1/namespaces/shop/secrets/none", "/livez"] {
        assert_eq!(get(&through, path).await, get(&direct, path).await, "{path}");
    }
}

#[tokio::test]
async fn a_write_happens_although_its_answer_is_lost() {
    let (cluster, proxy, _, through) = proxied().await;
    proxy.faults().fail(Match::on("patch", "deployments"), Fault::AppliedThenReset, 1);
    let request = http::Request::patch(API)
        .header("content-type", "application/json-patch+json")
        .body(br#"[{"op":"replace","path":"/spec/template/spec/containers/0/image","value":"repo/api:2"}]"#.to_vec())
        .unwrap();
    assert!(through.request::<Value>(request).await.is_err());
    assert_eq!(image(&cluster), "repo/api:2");
}

#[tokio::test]
async fn what_the_script_answers_does_not_reach_the_server() {
    let (cluster, proxy, _, through) = proxied().await;
    for (code, reason) in [(400, "BadRequest"), (404, "NotFound"), (409, "Conflict"), (422, "Invalid"), (429, "TooManyRequests")] {
        proxy.faults().fail(Match::verb("patch"), Fault::Answer(code), 1);
        let (status, body) = set_image(&through, "2").await;
        assert_eq!((status, &body["reason"]), (code, &json!(reason)));
    }
    assert_eq!(image(&cluster), "repo/api:1");
    assert_eq!(set_image(&through, "2").await.0, 200);
    assert_eq!(image(&cluster), "repo/api:2");
}

#[tokio::test]
async fn an_answer_breaks_off_and_a_foreign_page_is_no_json() {
    let (cluster, proxy, _, through) = proxied().await;
    for fault in [Fault::Truncated, Fault::ForeignPage] {
        proxy.faults().fail(Match::on("list", "deployments"), fault, 1);
        let request = http::Request::get(DEPLOYMENTS).body(Vec::new()).unwrap();
        assert!(through.request::<Value>(request).await.is_err(), "{fault:?}");
    }
    assert_eq!(proxy.faults().pending(), 0);
    assert_eq!(get(&through, DEPLOYMENTS).await.0, 200);
    drop(cluster);
}

/// The events of a watch of three versions, by type and resourceVersion.
async fn events(twist: Option<Twist>) -> Vec<(String, u64)> {
    let (cluster, proxy, direct, through) = proxied().await;
    let (_, list) = get(&direct, DEPLOYMENTS).await;
    let version = list["metadata"]["resourceVersion"].as_str().unwrap().to_owned();
    for name in ["a", "b", "c"] {
        cluster.apply(deployment(name, "1", 0)).unwrap();
    }
    proxy.faults().twist_watches(twist);
    let query = format!("{DEPLOYMENTS}?watch=true&resourceVersion={version}&timeoutSeconds=1");
    let lines = through.request_stream(http::Request::get(query).body(Vec::new()).unwrap()).await.unwrap().lines();
    let read = |line: String| {
        let event: Value = serde_json::from_str(&line).unwrap();
        let version = event["object"]["metadata"]["resourceVersion"].as_str().unwrap().parse().unwrap();
        (event["type"].as_str().unwrap().to_owned(), version)
    };
    lines.map_ok(read).try_collect().await.unwrap()
}

#[tokio::test]
async fn events_are_twisted_on_their_way() {
    let plain = events(None).await;
    assert!(plain.len() >= 3 && plain.is_sorted_by_key(|(_, version)| *version), "{plain:?}");
    let twice = events(Some(Twist::Duplicate)).await;
    assert_eq!(twice.chunks(2).map(|pair| (pair[0] == pair[1]).then(|| pair[0].clone()).unwrap()).collect::<Vec<_>>(), plain);
    let mut reversed = events(Some(Twist::Reverse)).await;
    reversed.reverse();
    assert_eq!(reversed, plain);
}

#[tokio::test]
async fn a_watch_is_cut_or_told_that_it_has_expired() {
    let (_, proxy, _, through) = proxied().await;
    for expires in [true, false] {
        let query = format!("{DEPLOYMENTS}?watch=true");
        let mut lines = through.request_stream(http::Request::get(query).body(Vec::new()).unwrap()).await.unwrap().lines();
        assert!(lines.next().await.unwrap().unwrap().contains("ADDED"));
        if expires {
            proxy.faults().expire_watches();
            assert!(lines.next().await.unwrap().unwrap().contains("\"code\":410"));
            assert!(lines.next().await.is_none());
        } else {
            proxy.faults().drop_watches();
            assert!(lines.next().await.unwrap().is_err());
        }
    }
}

#[tokio::test]
async fn a_server_that_is_not_there_is_a_bad_gateway() {
    let upstream = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let proxy = Proxy::new(upstream.local_addr().unwrap());
    drop(upstream);
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let client = Client::try_from(kube::Config::new(format!("http://{}", listener.local_addr().unwrap()).parse().unwrap())).unwrap();
    tokio::spawn(async move { proxy.serve(listener).await });
    let request = http::Request::get(API).body(Vec::new()).unwrap();
    let answered =
        tokio::time::timeout(Duration::from_secs(20), client.send(request.map(kube::client::Body::from))).await.unwrap().unwrap();
    assert_eq!(answered.status(), 502);
}
