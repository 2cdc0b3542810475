//! Simulated clusters that hold many healthy Deployments; changes are made over the Kubernetes API, as on any cluster, or by
//! orders on the standard input where there are too many of them for that.

use crate::Done;
use crate::orders::obey;
use serde_json::{Map, Value, json};
use sim::{Clock, Cluster, load};
use std::io::{Write, stdin, stdout};
use tokio::net::TcpListener;
use tokio::task::{JoinSet, spawn_blocking};

/// `home=50x3`: a cluster called home, 50 Deployments, 3 pods each. Prints the addresses; ends with its standard input.
#[tokio::main]
pub async fn serve(sizes: &[String]) -> Done {
    let (mut addresses, mut clusters, mut served) = (Map::new(), Vec::new(), JoinSet::new());
    for size in sizes {
        let (name, deployments, pods) = parse(size).ok_or_else(|| format!("`{size}`: expected NAME=DEPLOYMENTSxPODS"))?;
        let cluster = Cluster::new(name, Clock::real());
        load::fill(&cluster, deployments, pods);
        let listener = TcpListener::bind("127.0.0.1:0").await?;
        addresses.insert(name.to_owned(), json!(format!("http://{}", listener.local_addr()?)));
        clusters.push(cluster.clone());
        served.spawn(async move { cluster.serve(listener).await });
    }
    writeln!(stdout(), "{}", Value::Object(addresses))?;
    tokio::select! {
        ended = spawn_blocking(move || stdin().lines().try_for_each(|line| obey(&clusters, &line?))) => ended??,
        Some(failed) = served.join_next() => failed??,
    }
    // The blocking read of standard input would keep the process otherwise.
    std::process::exit(0)
}

fn parse(size: &str) -> Option<(&str, usize, usize)> {
    let (name, size) = size.split_once('=')?;
    let (deployments, pods) = size.split_once('x')?;
    Some((name, deployments.parse().ok()?, pods.parse().ok()?))
}
