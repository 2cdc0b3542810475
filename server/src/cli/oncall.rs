//! `devmatrix on-call`: who is on call at a moment. From the configuration, and from the database beside it if there is one;
//! no server needs to run. With `--server` it asks a portal instead: the same function, so the same answer.

use super::arguments::{OnCall, Remote};
use super::remote::{Client, parse, segment};
use super::show::table;
use super::{Done, Failure};
use crate::config;
use domain::Time;
use domain::catalog::Catalog;
use domain::oncall::view::OnCallView;
use engine::Store;
use serde::{Deserialize, Serialize};
use std::time::{SystemTime, UNIX_EPOCH};

#[derive(Deserialize, Serialize)]
struct Items {
    items: Vec<OnCallView>,
    next: Option<String>,
}

pub async fn run(arguments: OnCall) -> Done {
    let at = arguments.at.as_deref().map(moment).transpose()?;
    let answers = match &arguments.server {
        Some(server) => asked(&arguments, server, at)?,
        None => looked_up(&arguments, at.unwrap_or_else(now)).await?,
    };
    if arguments.json { print_json(answers, arguments.rotation.is_some()) } else { print(&answers) }
}

fn moment(text: &str) -> Result<Time, Failure> {
    Time::parse(text)
        .ok_or_else(|| Failure::usage(format!("`{text}` is not a moment: expected one with its offset, such as 2026-12-25T03:00Z.")))
}

fn now() -> Time {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    Time(i64::try_from(since.as_millis()).unwrap_or(i64::MAX)).whole_seconds()
}

fn asked(arguments: &OnCall, server: &str, at: Option<Time>) -> Result<Vec<OnCallView>, Failure> {
    let remote = Remote { server: server.to_owned(), token_file: arguments.token_file.clone(), json: arguments.json };
    let client = Client::of(&remote)?;
    let moment = at.map(|at| format!("at={at}")).unwrap_or_default();
    match &arguments.rotation {
        Some(rotation) => Ok(vec![client.get_as(&format!("/api/v1/on-call?rotation={}&{moment}", segment(rotation)))?]),
        None => Ok(parse::<Items>(client.get(&format!("/api/v1/on-call?{moment}"))?)?.items),
    }
}

async fn looked_up(arguments: &OnCall, at: Time) -> Result<Vec<OnCallView>, Failure> {
    let catalog = config::read(&config::file(arguments.config.as_deref())?)?.catalog;
    let store = open(arguments).await?;
    let found = engine::oncall::look_up(&catalog, store.as_ref(), arguments.rotation.as_deref(), at).await;
    if let Some(store) = store {
        store.close().await;
    }
    if found.is_ok() && catalog.rotations.is_empty() {
        return Err(no_rotations(&catalog));
    }
    Ok(found?)
}

fn no_rotations(catalog: &Catalog) -> Failure {
    Failure::failed(format!("The configuration of {} declares no rotations: add `rotations` to it.", catalog.organisation))
}

/// The database that is named, or the embedded one if it is there. It is not made for a question.
async fn open(arguments: &OnCall) -> Result<Option<Store>, Failure> {
    let named = config::named_database(arguments.database_url.clone());
    if named.is_none() && !arguments.data_dir.join(config::DATABASE_FILE).exists() {
        return Ok(None);
    }
    Ok(Some(engine::open_store(&config::database_url(named.as_deref(), &arguments.data_dir)?).await?))
}

fn print_json(mut answers: Vec<OnCallView>, one: bool) -> Done {
    let text = if one {
        serde_json::to_string_pretty(&answers.remove(0))
    } else {
        serde_json::to_string_pretty(&Items { items: answers, next: None })
    };
    println!("{}", text.map_err(|error| Failure::failed(format!("The answer cannot be written down: {error}.")))?);
    Ok(())
}

fn print(answers: &[OnCallView]) -> Done {
    let mut rows = Vec::new();
    for answer in answers {
        for role in &answer.roles {
            let who = role.participant.as_ref().map_or_else(|| "nobody".to_owned(), ToString::to_string);
            let because = role.because.words().to_owned();
            rows.push(vec![
                answer.rotation.clone(),
                role.role.clone(),
                who,
                role.people.join(", "),
                because,
                answer.shift.ends.to_string(),
            ]);
        }
    }
    table(&["ROTATION", "ROLE", "ON CALL", "PEOPLE", "BECAUSE", "UNTIL"], rows);
    Ok(())
}
