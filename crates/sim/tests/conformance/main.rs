//! What the portal relies on in a cluster, as cases that run on the simulated cluster and on a real control plane.
//!
//! `cargo test -p sim --test conformance [WORD...]` runs the cases whose name contains a word. With
//! `CONFORMANCE_KUBECONFIG=FILE` (the context of an administrator) they run on that cluster, in namespaces that they
//! make and delete again; there pods are played by kwok with `end2end/controlplane/stages.yaml`. With `CONFORMANCE_PROXY=1`
//! the fault proxy stands between, without a script, and everything has to be as without it.
//!
//! Invariant: a case does the same on both. Where it cannot, it is reported as ignored, by name and with the reason.

// A test says what is wrong by panicking.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

mod access;
mod autoscalers;
mod configmaps;
mod counts;
mod creates;
mod daemonsets;
mod defaults;
mod deletes;
mod deployments;
mod invalid;
mod jobs;
mod lists;
mod objects;
mod patches;
mod pods;
mod revisions;
mod statefulsets;
mod strategic;
mod updates;
mod watches;
mod world;

use futures::future::LocalBoxFuture;
use futures::{FutureExt, StreamExt};
use std::panic::AssertUnwindSafe;
use std::process::ExitCode;
use std::sync::{Arc, Mutex};
use std::time::Instant;
use world::{Target, World};

/// Cases at once: simulated ones mostly wait, and the real ones share two cores with their cluster.
const SIMULATED: usize = 32;
const REAL: usize = 8;

/// One thing that the two must agree on.
#[derive(Clone, Copy)]
struct Case {
    name: &'static str,
    run: fn(World) -> LocalBoxFuture<'static, ()>,
    /// Why the real control plane cannot show it.
    simulated_only: Option<&'static str>,
}

/// A case by the name of its function; with a text, the reason for which it runs on the simulated cluster only.
macro_rules! case {
    ($name:ident) => {
        case!($name, None)
    };
    ($name:ident, simulated: $why:literal) => {
        case!($name, Some($why))
    };
    ($name:ident, $only:expr) => {
        $crate::Case {
            name: concat!(module_path!(), "::", stringify!($name)),
            run: |world| ::std::boxed::Box::pin($name(world)),
            simulated_only: $only,
        }
    };
}
pub(crate) use case;

const CASES: [&[Case]; 19] = [
    access::CASES,
    autoscalers::CASES,
    configmaps::CASES,
    lists::CASES,
    watches::CASES,
    creates::CASES,
    invalid::CASES,
    deletes::CASES,
    patches::CASES,
    strategic::CASES,
    updates::CASES,
    counts::CASES,
    defaults::CASES,
    deployments::CASES,
    revisions::CASES,
    statefulsets::CASES,
    daemonsets::CASES,
    jobs::CASES,
    pods::CASES,
];

enum Outcome {
    Passed,
    Ignored(&'static str),
    Failed(String),
}

#[tokio::main]
async fn main() -> ExitCode {
    let words: Vec<String> = std::env::args().skip(1).filter(|it| !it.starts_with('-')).collect();
    let is_wanted = |case: &Case| words.is_empty() || words.iter().any(|word| case.name.contains(word.as_str()));
    let cases: Vec<Case> = CASES.concat().into_iter().filter(is_wanted).collect();
    let target = Target::from_environment().await;
    let (began, all) = (Instant::now(), cases.len());
    let faults = catch_words();
    println!("\nconformance of {target}: {all} cases");
    let mut outcomes = futures::stream::iter(cases)
        .map(|case| run(case, target.clone(), faults.clone()).map(move |outcome| (case, outcome)))
        .buffer_unordered(if target.is_simulated() { SIMULATED } else { REAL });
    let (mut ignored, mut failures) = (0, Vec::new());
    while let Some((case, outcome)) = outcomes.next().await {
        let name = short(case.name);
        match outcome {
            Outcome::Passed => println!("test {name} ... ok"),
            Outcome::Ignored(why) => {
                ignored += 1;
                println!("test {name} ... ignored, not run on {target}: {why}");
            }
            Outcome::Failed(why) => {
                println!("test {name} ... FAILED");
                failures.push((name, why));
            }
        }
    }
    for (name, why) in &failures {
        println!("\n---- {name} ----\n{why}");
    }
    let (failed, word) = (failures.len(), if failures.is_empty() { "ok" } else { "FAILED" });
    println!(
        "\ntest result: {word}. {} passed; {failed} failed; {ignored} ignored; 0 measured; {} filtered out; finished in {:.2}s\n",
        all - failed - ignored,
        CASES.concat().len() - all,
        began.elapsed().as_secs_f64()
    );
    if failures.is_empty() { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}

fn short(name: &'static str) -> &'static str {
    name.strip_prefix("conformance::").unwrap_or(name)
}

async fn run(case: Case, target: Target, faults: Arc<Mutex<String>>) -> Outcome {
    if let (Some(why), false) = (case.simulated_only, target.is_simulated()) {
        return Outcome::Ignored(why);
    }
    let world = World::new(&target).await;
    // All cases are polled by one task, so that the words of a panic can be told to be those of a case.
    let ended = WithWords { future: AssertUnwindSafe((case.run)(world.clone())).catch_unwind().boxed_local(), words: faults }.await;
    world.remove().await;
    match ended {
        Ok(()) => Outcome::Passed,
        Err(words) => Outcome::Failed(words),
    }
}

/// Takes the words of the last panic on from the hook in the same poll in which it happened.
struct WithWords {
    future: LocalBoxFuture<'static, std::thread::Result<()>>,
    words: Arc<Mutex<String>>,
}

impl Future for WithWords {
    type Output = Result<(), String>;

    fn poll(mut self: std::pin::Pin<&mut Self>, context: &mut std::task::Context<'_>) -> std::task::Poll<Self::Output> {
        self.future.poll_unpin(context).map(|ended| ended.map_err(|_| std::mem::take(&mut *self.words.lock().unwrap())))
    }
}

/// Panics are told at the end, each under the name of its case, instead of as they happen.
fn catch_words() -> Arc<Mutex<String>> {
    let words = Arc::new(Mutex::new(String::new()));
    let heard = words.clone();
    std::panic::set_hook(Box::new(move |panic| *heard.lock().unwrap() = panic.to_string()));
    words
}
