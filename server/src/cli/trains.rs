//! Release trains from a terminal: asking, approving, waiting for the end.

use super::arguments::{Approve, Remote, Train};
use super::changes::{LOOK_EVERY, PATIENCE_TO_ASK, PATIENCE_TO_WAIT, patiently, print_json, source_of};
use super::remote::{Client, parse, segment};
use super::show::plain;
use super::{Done, Failure};
use domain::changes::{State, TrainView};
use domain::words::count;
use serde_json::{Value, json};

pub fn ask(arguments: &Train) -> Done {
    let client = Client::of(&arguments.remote)?;
    let from = match &arguments.from {
        Some(from) => from.clone(),
        None => source_of(&client, &arguments.environment)?,
    };
    let body = json!({
        "components": arguments.components, "environment": arguments.environment, "from": from, "reason": arguments.reason,
    });
    // An answer may be lost on its way; the key makes asking again the same request.
    let key = uuid::Uuid::now_v7().to_string();
    let answer = patiently(PATIENCE_TO_ASK, || client.post("/api/v1/trains", &body, Some(&key)))?;
    finish(&client, answer, &arguments.remote, arguments.wait)
}

pub fn approve(arguments: &Approve) -> Done {
    let client = Client::of(&arguments.remote)?;
    let path = format!("/api/v1/trains/{}", segment(&arguments.change));
    let digest = match &arguments.digest {
        Some(digest) => digest.clone(),
        None => plans_to_approve(&client, &path)?,
    };
    let answer = client.post(&format!("{path}/approve"), &json!({"digest": digest, "reason": arguments.reason}), None)?;
    finish(&client, answer, &arguments.remote, arguments.wait)
}

/// What is about to be approved is said first.
fn plans_to_approve(client: &Client, path: &str) -> Result<String, Failure> {
    let train: TrainView = client.get_as(path)?;
    let changes = count(train.changes.len() as i64, "change");
    eprintln!("{}: {changes} to {}, asked for by {}.", train.label, train.environment, train.requester);
    for (at, change) in train.changes.iter().enumerate() {
        eprintln!("  {}. {}: {}", at + 1, change.label, plain(&change.plan.summary));
        for word in &change.plan.words {
            eprintln!("     {}: {}", plain(&word.what), plain(&word.text));
        }
    }
    eprintln!("  Digest of all plans: {}", train.digest);
    Ok(train.digest)
}

/// Prints the train, after its end when that is asked for. Waiting succeeds only when all of it did.
fn finish(client: &Client, answer: Value, remote: &Remote, wait: bool) -> Done {
    let (answer, train) = if wait { wait_for_end(client, answer)? } else { (answer.clone(), parse(answer)?) };
    if remote.json {
        print_json(&answer)?;
    } else {
        println!("{}: {}", train.label, line(&train));
    }
    if wait && train.state != State::Succeeded {
        return Err(Failure::failed(format!("{} did not succeed, it is {}.", train.label, train.state.title().to_lowercase())));
    }
    Ok(())
}

/// `running; CH-1 postgres succeeded, CH-2 api rolling out`
fn line(train: &TrainView) -> String {
    let each = train.changes.iter().map(|change| format!("{} {} {}", change.label, change.component, change.state.title().to_lowercase()));
    format!("{}; {}", train.state.title().to_lowercase(), each.collect::<Vec<_>>().join(", "))
}

fn wait_for_end(client: &Client, mut answer: Value) -> Result<(Value, TrainView), Failure> {
    let mut told = String::new();
    loop {
        let train: TrainView = parse(answer.clone())?;
        let now = format!("{}: {}", train.label, line(&train));
        if now != told {
            eprintln!("{now}");
            told = now;
        }
        if train.changes.iter().all(|change| change.state.is_terminal()) {
            return Ok((answer, train));
        }
        std::thread::sleep(LOOK_EVERY);
        answer = patiently(PATIENCE_TO_WAIT, || client.get(&format!("/api/v1/trains/{}", train.id)))?;
    }
}
