//! The API from a terminal: what runs where, asking for changes, approving them, waiting for their end.

use super::arguments::{Approve, Ask, Autoscale, Deploy, List, Matrix, Promote, Remote, Restart, Rollback, RunJob, Scale, Show, Unblock};
use super::remote::{Client, Refused, parse, segment};
use super::show::{plain, table};
use super::{Done, Failure};
use domain::Time;
use domain::changes::explain::Line;
use domain::changes::{ChangeView, Kind, State, Step};
use domain::clusters::EnvironmentView;
use domain::releases::{DeploymentRecord, last_good};
use domain::words::count;
use serde::Deserialize;
use serde_json::{Value, json};
use std::time::{Duration, Instant};

/// How often a change is looked at while waiting.
pub(super) const LOOK_EVERY: Duration = Duration::from_millis(700);

/// A portal that restarts is away for a moment; one that stays away so long is down.
pub const PATIENCE_TO_ASK: Duration = Duration::from_secs(3);
pub const PATIENCE_TO_WAIT: Duration = Duration::from_secs(60);

#[derive(Deserialize)]
pub struct Items<T> {
    pub items: Vec<T>,
}

pub fn matrix(arguments: &Matrix) -> Done {
    let answer = Client::of(&arguments.remote)?.get("/api/v1/matrix")?;
    if arguments.remote.json {
        return print_json(&answer);
    }
    let matrix: domain::clusters::Matrix = parse(answer)?;
    for environment in matrix.environments.iter().filter(|e| !e.cluster.reachable) {
        let seen = environment.cluster.last_seen.map_or_else(|| "never".into(), |at| at.to_string());
        eprintln!("{} cannot be reached; it was last seen {seen}.", environment.title);
    }
    let heading: Vec<_> = std::iter::once("COMPONENT").chain(matrix.environments.iter().map(|e| e.name.as_str())).collect();
    let row = |component: &domain::clusters::MatrixRow| {
        let cells = matrix.environments.iter().map(|e| component.cells.get(&e.name).map_or_else(String::new, in_words));
        std::iter::once(component.name.clone()).chain(cells).collect()
    };
    table(&heading, matrix.components.iter().map(row).collect());
    Ok(())
}

/// `1.43.1 healthy 3/3, 2 behind staging`
fn in_words(cell: &domain::clusters::Cell) -> String {
    let behind = cell.behind.as_ref().map(|b| format!(", {} behind {}", b.releases, b.from)).unwrap_or_default();
    format!("{} {} {}/{}{behind}", cell.version(), cell.state.as_str(), cell.ready, cell.desired).trim_start().to_owned()
}

pub fn list(arguments: &List) -> Done {
    let mut query = form_urlencoded::Serializer::new(String::new());
    let filters = [("environment", &arguments.environment), ("component", &arguments.component), ("state", &arguments.state)];
    for (name, value) in filters {
        if let Some(value) = value {
            query.append_pair(name, value);
        }
    }
    let answer = Client::of(&arguments.remote)?.get(&format!("/api/v1/changes?{}", query.finish()))?;
    if arguments.remote.json {
        return print_json(&answer);
    }
    let changes: Items<ChangeView> = parse(answer)?;
    let rows = changes.items.into_iter().map(|change| {
        vec![change.label, change.state.title().to_owned(), change.requester, change.requested_at.to_string(), change.plan.summary]
    });
    table(&["CHANGE", "STATE", "ASKED BY", "AT", "WHAT"], rows.collect());
    Ok(())
}

pub fn show(arguments: &Show) -> Done {
    let client = Client::of(&arguments.remote)?;
    let path = format!("/api/v1/changes/{}", segment(&arguments.change));
    if arguments.explain {
        let answer = client.get(&format!("{path}/explain"))?;
        return if arguments.remote.json { print_json(&answer) } else { story(&parse(answer)?) };
    }
    let answer = client.get(&path)?;
    if arguments.remote.json {
        return print_json(&answer);
    }
    let change: ChangeView = parse(answer)?;
    println!("{}: {}, {}", change.label, plain(&change.plan.summary), change.state.title().to_lowercase());
    println!("Asked for by {} at {}, plan {}", change.requester, change.requested_at, change.plan.digest);
    for word in &change.plan.words {
        println!("  {}: {}", plain(&word.what), plain(&word.text));
    }
    for gate in change.gates.iter().filter(|gate| change.outcome.is_none() && gate.state != "pass") {
        let says = if gate.state == "fail" { "Does not pass" } else { "Warns" };
        println!("{says}: {}: {}", plain(&gate.title), plain(&gate.detail));
    }
    for approver in &change.approvers {
        let duties: Vec<_> = approver.on_call.iter().map(ToString::to_string).collect();
        let on_call = if duties.is_empty() { String::new() } else { format!(", on call now: {}", duties.join(", ")) };
        println!("Can approve: {}{on_call}", plain(&approver.person));
    }
    let when = |at: Option<Time>| at.map_or_else(String::new, |at| at.to_string());
    let row = |step: Step| vec![plain(&step.name), step.state, when(step.started), when(step.finished), plain(&step.detail)];
    table(&["STEP", "STATE", "FROM", "TO", "WHAT"], change.steps.into_iter().map(row).collect());
    if let Some(outcome) = &change.outcome {
        println!("Ended {}: {}", outcome.at, plain(&outcome.reason));
    }
    Ok(())
}

fn story(lines: &Items<Line>) -> Done {
    for line in &lines.items {
        println!("{}  {:<8}  {}", line.at, line.what.as_str(), plain(&line.text).replace('\n', " "));
    }
    Ok(())
}

pub fn promote(arguments: &Promote) -> Done {
    let client = Client::of(&arguments.ask.remote)?;
    let from = match &arguments.from {
        Some(from) => from.clone(),
        None => source_of(&client, &arguments.ask.environment)?,
    };
    ask(&client, &arguments.ask, "promote", &[("from", json!(from))])
}

pub(super) fn source_of(client: &Client, environment: &str) -> Result<String, Failure> {
    let view: EnvironmentView = client.get_as(&format!("/api/v1/environments/{}", segment(environment)))?;
    view.environment.promote_from.ok_or_else(|| {
        Failure::failed(format!("{environment} is not promoted from anywhere by its configuration: say from where with --from."))
    })
}

pub fn rollback(arguments: &Rollback) -> Done {
    let client = Client::of(&arguments.ask.remote)?;
    let to_revision = match arguments.to_revision {
        Some(revision) => revision,
        None => revision_back(&client, &arguments.ask.component, &arguments.ask.environment)?,
    };
    let own = [("to_revision", json!(to_revision)), ("restore_config", json!(arguments.restore_config))];
    ask(&client, &arguments.ask, "rollback", &own)
}

fn revision_back(client: &Client, component: &str, environment: &str) -> Result<i64, Failure> {
    let path = format!("/api/v1/components/{}/deployments?environment={}", segment(component), segment(environment));
    let records: Items<DeploymentRecord> = client.get_as(&path)?;
    let record = last_good(&records.items).ok_or_else(|| {
        Failure::failed(format!(
            "{component} has no earlier release in {environment} that did not fail: name a revision with --to-revision."
        ))
    })?;
    eprintln!("Rolling back to revision {}: {}, deployed {}.", record.revision, plain(&record.version()), record.at.for_people());
    Ok(record.revision)
}

pub fn scale(arguments: &Scale) -> Done {
    ask(&Client::of(&arguments.ask.remote)?, &arguments.ask, "scale", &[("replicas", json!(arguments.replicas))])
}

pub fn restart(arguments: &Restart) -> Done {
    ask(&Client::of(&arguments.ask.remote)?, &arguments.ask, "restart", &[])
}

pub fn unblock(arguments: &Unblock) -> Done {
    ask(&Client::of(&arguments.ask.remote)?, &arguments.ask, "unblock", &[("pod", json!(arguments.pod))])
}

pub fn autoscale(arguments: &Autoscale) -> Done {
    let bounds = [("min", json!(arguments.min)), ("max", json!(arguments.max))];
    ask(&Client::of(&arguments.ask.remote)?, &arguments.ask, "autoscale", &bounds)
}

pub fn deploy(arguments: &Deploy) -> Done {
    let own = [("image", json!(arguments.image)), ("authors", json!(arguments.authors))];
    ask(&Client::of(&arguments.ask.remote)?, &arguments.ask, "deploy", &own)
}

pub fn run_job(arguments: &RunJob) -> Done {
    let RunJob { environment, cron_job, reason, wait, break_glass, remote } = arguments;
    let body = json!({"kind": "run_job", "environment": environment, "cron_job": cron_job, "reason": reason});
    post(&Client::of(remote)?, body, *break_glass, remote, *wait)
}

/// `own`: what only this kind of change has.
fn ask(client: &Client, asked: &Ask, kind: &str, own: &[(&str, Value)]) -> Done {
    let mut body = json!({"kind": kind, "component": asked.component, "environment": asked.environment, "reason": asked.reason});
    for (field, value) in own {
        body[field] = value.clone();
    }
    post(client, body, asked.break_glass, &asked.remote, asked.wait)
}

fn post(client: &Client, mut body: Value, break_glass: bool, remote: &Remote, wait: bool) -> Done {
    if break_glass {
        body["break_glass"] = json!(true);
    }
    // An answer may be lost on its way; the key makes asking again the same request.
    let key = uuid::Uuid::now_v7().to_string();
    let answer = patiently(PATIENCE_TO_ASK, || client.post("/api/v1/changes", &body, Some(&key)))?;
    finish(client, answer, remote, wait)
}

pub fn approve(arguments: &Approve) -> Done {
    let client = Client::of(&arguments.remote)?;
    let path = format!("/api/v1/changes/{}", segment(&arguments.change));
    let digest = match &arguments.digest {
        Some(digest) => digest.clone(),
        None => plan_to_approve(&client, &path)?,
    };
    let answer = client.post(&format!("{path}/approve"), &json!({"digest": digest, "reason": arguments.reason}), None)?;
    finish(&client, answer, &arguments.remote, arguments.wait)
}

/// What is about to be approved is said first.
pub fn plan_to_approve(client: &Client, path: &str) -> Result<String, Failure> {
    let change: ChangeView = client.get_as(path)?;
    eprintln!("{}: {}, asked for by {}.", change.label, plain(&change.plan.summary), change.requester);
    for word in &change.plan.words {
        eprintln!("  {}: {}", plain(&word.what), plain(&word.text));
    }
    eprintln!("  Plan digest: {}", change.plan.digest);
    Ok(change.plan.digest)
}

/// Prints the change, after its end when that is asked for. Waiting succeeds only when the change did.
pub fn finish(client: &Client, answer: Value, remote: &Remote, wait: bool) -> Done {
    let (answer, change) = if wait { wait_for_end(client, answer)? } else { (answer.clone(), parse(answer)?) };
    if remote.json {
        print_json(&answer)?;
    } else {
        println!("{}: {}, {}", change.label, plain(&change.plan.summary), change.state.title().to_lowercase());
    }
    if wait && change.state != State::Succeeded {
        let why = change.outcome.as_ref().map(|outcome| format!(": {}", plain(&outcome.reason))).unwrap_or_default();
        return Err(Failure::failed(format!("{} did not succeed, it is {}{why}.", change.label, change.state.title().to_lowercase())));
    }
    Ok(())
}

fn wait_for_end(client: &Client, mut answer: Value) -> Result<(Value, ChangeView), Failure> {
    let mut told = String::new();
    loop {
        let change: ChangeView = parse(answer.clone())?;
        let progress = progress(&change);
        if progress != told {
            eprintln!("{progress}");
            told = progress;
        }
        if change.state.is_terminal() {
            return Ok((answer, change));
        }
        std::thread::sleep(LOOK_EVERY);
        answer = patiently(PATIENCE_TO_WAIT, || client.get(&format!("/api/v1/changes/{}", change.id)))?;
    }
}

fn progress(change: &ChangeView) -> String {
    let p = change.progress;
    let label = &change.label;
    match change.state {
        State::AwaitingApproval => format!("{label}: awaiting approval at {}", change.links.page),
        State::Observing if change.kind == Kind::RunJob => {
            format!("{label}: its Job runs, {} of {} succeeded", p.ready, count(p.desired, "pod"))
        }
        State::Running | State::Observing => {
            format!(
                "{label}: {}, {} of {} updated, {} ready",
                change.state.title().to_lowercase(),
                p.updated,
                count(p.desired, "pod"),
                p.ready
            )
        }
        state => format!("{label}: {}", state.title().to_lowercase()),
    }
}

/// Tries again while the portal is away, as long as `patience` lasts.
pub fn patiently(patience: Duration, mut attempt: impl FnMut() -> Result<Value, Refused>) -> Result<Value, Failure> {
    let began = Instant::now();
    loop {
        match attempt() {
            Ok(value) => return Ok(value),
            Err(Refused::Away(_)) if began.elapsed() < patience => std::thread::sleep(LOOK_EVERY),
            Err(refused) => return Err(refused.into()),
        }
    }
}

pub fn print_json(value: &Value) -> Done {
    println!("{value:#}");
    Ok(())
}
