//! A fault proxy in front of an API server that speaks plain HTTP, such as `kubectl proxy` in front of a real one:
//!
//! ```text
//! kubectl proxy --port 8001 & cargo run -p sim --example fault_proxy -- 127.0.0.1:8001 127.0.0.1:8002
//! ```
//!
//! It says `ready ADDRESS` and reads its script from standard input, a line for each order:
//!
//! ```text
//! fail VERB RESOURCE FAULT TIMES   FAULT: reset, silence, truncated, foreign-page, applied-then-reset, applied-then-504, or a status
//! black-hole on|off | refuse on|off | twist none|duplicate|reverse | latency MILLISECONDS
//! drop-watches | expire-watches | clear
//! ```
//!
//! Each order is answered with `done`, `pending N` for `pending`, or `error WORDS`.

use sim::{Fault, Match, Proxy, Twist};
use std::io::{self, BufRead};
use std::net::SocketAddr;
use std::time::Duration;
use tokio::net::TcpListener;

const VERBS: [&str; 8] = ["get", "list", "watch", "create", "update", "patch", "delete", ""];
const RESOURCES: [&str; 7] = ["deployments", "statefulsets", "daemonsets", "replicasets", "controllerrevisions", "pods", ""];

#[tokio::main]
async fn main() -> Result<(), String> {
    let mut addresses = std::env::args().skip(1).map(|text| text.parse::<SocketAddr>().map_err(|error| format!("{text}: {error}")));
    let usage = || "usage: fault_proxy UPSTREAM LISTEN, both as ADDRESS:PORT".to_owned();
    let (upstream, listen) = (addresses.next().ok_or_else(usage)??, addresses.next().ok_or_else(usage)??);
    let listener = TcpListener::bind(listen).await.map_err(|error| format!("{listen}: {error}"))?;
    let proxy = Proxy::new(upstream);
    println!("ready {}", listener.local_addr().map_err(|error| error.to_string())?);
    let script = proxy.clone();
    std::thread::spawn(move || {
        for line in io::stdin().lock().lines().map_while(Result::ok) {
            match order(&script, &line) {
                Ok(said) => println!("{said}"),
                Err(why) => println!("error {why}"),
            }
        }
    });
    proxy.serve(listener).await.map_err(|error| error.to_string())
}

fn order(proxy: &Proxy, line: &str) -> Result<String, String> {
    let faults = proxy.faults();
    match line.split_whitespace().collect::<Vec<_>>().as_slice() {
        ["fail", verb, resource, fault, times] => {
            let target = Match::on(known(&VERBS, verb)?, known(&RESOURCES, resource)?);
            faults.fail(target, named(fault)?, times.parse().map_err(|_| format!("{times} is no number"))?);
        }
        ["black-hole", on] => faults.black_hole(*on == "on"),
        ["refuse", on] => faults.refuse(*on == "on"),
        ["twist", twist] => faults.twist_watches(match *twist {
            "none" => None,
            "duplicate" => Some(Twist::Duplicate),
            "reverse" => Some(Twist::Reverse),
            other => return Err(format!("{other} is no twist")),
        }),
        ["latency", milliseconds] => {
            faults.latency(Duration::from_millis(milliseconds.parse().map_err(|_| format!("{milliseconds} is no number"))?));
        }
        ["drop-watches"] => faults.drop_watches(),
        ["expire-watches"] => faults.expire_watches(),
        ["clear"] => faults.clear(),
        ["pending"] => return Ok(format!("pending {}", faults.pending())),
        _ => return Err(format!("this is no order: {line}")),
    }
    Ok("done".to_owned())
}

/// `*` stands for all.
fn known(all: &[&'static str], given: &str) -> Result<&'static str, String> {
    let given = if given == "*" { "" } else { given };
    all.iter().find(|known| **known == given).copied().ok_or_else(|| format!("{given} is not known here"))
}

fn named(fault: &str) -> Result<Fault, String> {
    Ok(match fault {
        "reset" => Fault::Reset,
        "silence" => Fault::Silence,
        "truncated" => Fault::Truncated,
        "foreign-page" => Fault::ForeignPage,
        "applied-then-reset" => Fault::AppliedThenReset,
        "applied-then-504" => Fault::AppliedThenAnswer(504),
        status => Fault::Answer(status.parse().map_err(|_| format!("{status} is no fault"))?),
    })
}
