//! Simulated clusters for `make bench`, in a process of their own: `bench_cluster home=50x3 load=2000x2` serves a cluster
//! of 50 Deployments with 3 pods each and one of 2,000 with 2 each, prints their addresses as one line of JSON, and ends
//! with its standard input. Changes are made over the Kubernetes API, as on any other cluster.

use serde_json::{Map, Value, json};
use sim::{Clock, Cluster, load};
use std::error::Error;
use std::io::{Write, copy, sink, stdin, stdout};
use tokio::net::TcpListener;
use tokio::task::{JoinSet, spawn_blocking};

#[tokio::main]
async fn main() -> Result<(), Box<dyn Error>> {
    let (mut addresses, mut served) = (Map::new(), JoinSet::new());
    for argument in std::env::args().skip(1) {
        let (name, deployments, pods) = parse(&argument).ok_or_else(|| format!("`{argument}`: expected NAME=DEPLOYMENTSxPODS"))?;
        let cluster = Cluster::new(name, Clock::real());
        load::fill(&cluster, deployments, pods);
        let listener = TcpListener::bind("127.0.0.1:0").await?;
        addresses.insert(name.to_owned(), json!(format!("http://{}", listener.local_addr()?)));
        served.spawn(async move { cluster.serve(listener).await });
    }
    writeln!(stdout(), "{}", Value::Object(addresses))?;
    tokio::select! {
        ended = spawn_blocking(|| copy(&mut stdin(), &mut sink())) => drop(ended??),
        Some(failed) = served.join_next() => failed??,
    }
    // The blocking read of standard input would keep the process otherwise.
    std::process::exit(0)
}

fn parse(argument: &str) -> Option<(&str, usize, usize)> {
    let (name, size) = argument.split_once('=')?;
    let (deployments, pods) = size.split_once('x')?;
    Some((name, deployments.parse().ok()?, pods.parse().ok()?))
}
