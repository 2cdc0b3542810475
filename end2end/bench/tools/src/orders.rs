//! Orders to the clusters that are served, a line each: `expire NAME` and `change NAME PER_SECOND SECONDS`. Each is answered
//! with a line when it is done; one that cannot be followed ends the program.

use serde_json::{Value, json};
use sim::Cluster;
use std::io::{Error, ErrorKind, Result, Write, stdout};
use std::thread::sleep;
use std::time::{Duration, Instant};

/// Between two looks at how many changes are due.
const TICK: Duration = Duration::from_millis(5);

pub fn obey(clusters: &[Cluster], line: &str) -> Result<()> {
    let words: Vec<&str> = line.split_whitespace().collect();
    let answer = match words.as_slice() {
        ["expire", name] => expire(named(clusters, name)?),
        ["change", name, rate, seconds] => change(named(clusters, name)?, number(rate)?, number(seconds)?)?,
        _ => return Err(wrong(format!("`{line}`: expected `expire NAME` or `change NAME PER_SECOND SECONDS`"))),
    };
    writeln!(stdout(), "{answer}")
}

fn named<'a>(clusters: &'a [Cluster], name: &str) -> Result<&'a Cluster> {
    clusters.iter().find(|cluster| cluster.name() == name).ok_or_else(|| wrong(format!("no cluster `{name}`")))
}

fn number(word: &str) -> Result<f64> {
    word.parse().map_err(|_| wrong(format!("`{word}` is no number")))
}

fn wrong(why: String) -> Error {
    Error::new(ErrorKind::InvalidInput, why)
}

/// Ends all watches; none of them can be resumed, who watched has to list again.
fn expire(cluster: &Cluster) -> Value {
    cluster.compact();
    cluster.faults().expire_watches();
    json!({ "revision": cluster.revision() })
}

/// So many watch events a second, for a number of seconds. The controllers follow some of the changes with one of their own,
/// therefore the cluster's revision is held to the rate, and not the number of changes.
fn change(cluster: &Cluster, rate: f64, seconds: f64) -> Result<Value> {
    let namespaces = targets(cluster);
    let (began, before, mut changes) = (Instant::now(), cluster.revision(), 0);
    let events = || cluster.revision() - before;
    while began.elapsed().as_secs_f64() < seconds {
        let due = (rate * began.elapsed().as_secs_f64()) as u64;
        for _ in events()..due {
            touch(cluster, &namespaces, changes)?;
            changes += 1;
        }
        sleep(TICK);
    }
    Ok(json!({ "changes": changes, "events": events(), "seconds": began.elapsed().as_secs_f64() }))
}

/// The names of a namespace's Deployments and of as many of its pods.
struct Targets {
    namespace: String,
    deployments: Vec<String>,
    pods: Vec<String>,
}

/// The namespaces with Deployments in them. One after another, because each list is a copy of the objects.
fn targets(cluster: &Cluster) -> Vec<Targets> {
    let names = |kind: &str, namespace: &str| cluster.list(kind, namespace).iter().map(name).collect::<Vec<_>>();
    let of = |namespace: String| {
        let (deployments, pods) = (names("deployments", &namespace), names("pods", &namespace));
        Targets { namespace, deployments, pods }
    };
    names("namespaces", "").into_iter().map(of).filter(|targets| !targets.deployments.is_empty() && !targets.pods.is_empty()).collect()
}

fn name(object: &Value) -> String {
    object["metadata"]["name"].as_str().unwrap_or_default().to_owned()
}

/// The namespaces have their turns, and in each of them a Deployment and a pod. A Deployment is paused or resumed, which is
/// seen on every page that has it and which no pod minds; a pod gets another annotation.
fn touch(cluster: &Cluster, namespaces: &[Targets], number: usize) -> Result<()> {
    let Some(targets) = namespaces.get(number % namespaces.len().max(1)) else { return Ok(()) };
    let (turn, is_pod) = (number / namespaces.len() / 2, number / namespaces.len() % 2 == 1);
    let (kind, names) = if is_pod { ("pods", &targets.pods) } else { ("deployments", &targets.deployments) };
    // One that is gone meanwhile is left out.
    let Some(mut object) = cluster.get(kind, &targets.namespace, &names[turn % names.len()]) else { return Ok(()) };
    // A controller may write it before we do; nothing of what it writes is ours.
    object["metadata"]["resourceVersion"] = Value::Null;
    if is_pod {
        object["metadata"]["annotations"]["bench"] = json!(number.to_string());
    } else {
        object["spec"]["paused"] = json!(object["spec"]["paused"] != json!(true));
    }
    cluster.apply(object).map(drop).map_err(|status| wrong(status.body().to_string()))
}
