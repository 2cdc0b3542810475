//! Every fault of an API server at every call of a promotion, and at the dry run, the check, the write and the look of every other kind of
//! change: how it ends, and how often the cluster was written to. Then two
//! faults in a row: each at the write, followed by each at the look after it; and each fault for as long as the plan is good.
//! What is found is `docs/FAULTS.md`; `FAULTS_WRITE=1` writes it anew.
//!
//! Invariant of each trial: it ends, with a reason that names what happened; nothing is written twice; success means written once.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

mod subject;
#[path = "../support/mod.rs"]
mod support;
mod table;
mod trial;

use sim::Fault;
use std::sync::Arc;
use std::time::Duration;
use subject::{SUBJECTS, Subject};
use table::{Findings, document};
use tokio::sync::Semaphore;
use tokio::task::JoinSet;
use trial::{Call, Trial, run};

const FAULTS: [(&str, Fault); 18] = [
    ("1 s of latency", Fault::Delay(Duration::from_secs(1))),
    ("no answer, ever", Fault::Silence),
    ("connection cut, nothing done", Fault::Reset),
    ("connection cut, done", Fault::AppliedThenReset),
    ("401", Fault::Answer(401)),
    ("403", Fault::Answer(403)),
    ("404", Fault::Answer(404)),
    ("409", Fault::Answer(409)),
    ("410", Fault::Answer(410)),
    ("422", Fault::Answer(422)),
    ("429 with Retry-After", Fault::Busy(1)),
    ("500", Fault::Answer(500)),
    ("502, done", Fault::AppliedThenAnswer(502)),
    ("503", Fault::Answer(503)),
    ("504", Fault::Answer(504)),
    ("504, done", Fault::AppliedThenAnswer(504)),
    ("answer broken off, done", Fault::Truncated),
    ("another's page, 200", Fault::ForeignPage),
];

/// The write was answered for certain, and nobody looks what became of it.
fn is_certain(fault: Fault) -> bool {
    matches!(fault, Fault::Delay(_) | Fault::Answer(403 | 410))
}

/// What is tried in one world, side by side. All faults of a world take about as long.
fn worlds() -> Vec<Vec<Trial>> {
    let mut worlds = Vec::new();
    for fault in 0..FAULTS.len() {
        let of = |call| move |subject| Trial { subject, call, fault };
        // Each kind looks, writes, and looks at what it wrote, in its own way.
        let written = [Call::Write, Call::Look(LOST)].into_iter().flat_map(|call| SUBJECTS.map(of(call)));
        let read = [Call::Source, Call::Plan].map(|call| of(call)(Subject::PromoteDeployment));
        worlds.push(written.chain(read).collect());
        worlds.push([Call::DryRun, Call::Check].into_iter().flat_map(|call| SUBJECTS.map(of(call))).collect());
        worlds.push(vec![of(Call::Watch)(Subject::PromoteDeployment)]);
        // What is seen decides, and how, is one rule for all kinds: one of them is enough for the pairs.
        let doubtful = (0..FAULTS.len()).filter(|write| !is_certain(FAULTS[*write].1) && *write != LOST);
        worlds.push(doubtful.map(|write| of(Call::Look(write))(Subject::PromoteDeployment)).collect());
    }
    // Those of one plan's time are all in one world: it is as long for each.
    let lasting = |call| (0..FAULTS.len()).map(move |fault| Trial { subject: Subject::PromoteDeployment, call, fault });
    worlds.push(lasting(Call::LastingCheck).chain(lasting(Call::LastingWrite)).collect());
    worlds
}

/// Of the faults, the one that loses the answer to a write that was done.
const LOST: usize = 3;

#[tokio::test(flavor = "multi_thread")]
async fn every_fault_at_every_call_has_a_right_end_and_no_second_write() {
    let (at_once, stage) = (Arc::new(Semaphore::new(WORLDS_AT_ONCE)), Arc::new(Semaphore::new(STAGES_AT_ONCE)));
    let mut running = JoinSet::new();
    for trials in worlds() {
        let (at_once, stage) = (at_once.clone(), stage.clone());
        running.spawn(async move {
            let _turn = at_once.acquire_owned().await.unwrap();
            run(trials, stage).await
        });
    }
    let mut findings = Findings::default();
    while let Some(done) = running.join_next().await {
        done.unwrap().into_iter().for_each(|(trial, said)| findings.add(trial, said));
    }
    let (found, path) = (document(&findings), concat!(env!("CARGO_MANIFEST_DIR"), "/../../docs/FAULTS.md"));
    if std::env::var_os("FAULTS_WRITE").is_some() {
        std::fs::write(path, &found).unwrap();
    }
    let known = std::fs::read_to_string(path).unwrap_or_default();
    assert_eq!(found, known, "docs/FAULTS.md says otherwise: look at what changed, then write it anew with FAULTS_WRITE=1");
}

/// They wait for most of the time, each for a cluster that does not answer.
const WORLDS_AT_ONCE: usize = 24;
/// But while their stage is set they are busy.
const STAGES_AT_ONCE: usize = 3;
