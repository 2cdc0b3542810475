//! `devmatrix on-call`: who is on call at a moment. From the configuration, and from the database beside it if there is one;
//! no server needs to run. With `--server` it asks a portal instead: the same function, so the same answer.

use super::arguments::{OnCall, Remote};
use super::remote::{Client, parse, segment};
use super::show::{plain, table};
use super::{Done, Failure};
use crate::config;
use domain::Time;
use domain::catalog::Catalog;
use domain::oncall::view::{OnCallView, RoleView};
use engine::Store;
use serde::{Deserialize, Serialize};
use std::time::{SystemTime, UNIX_EPOCH};

#[derive(Deserialize, Serialize)]
struct Items {
    items: Vec<OnCallView>,
    next: Option<String>,
}

pub async fn run(arguments: OnCall) -> Done {
    let moments = Moments::of(arguments.at.as_deref())?;
    let source = Source::of(&arguments).await?;
    let mut answers = Vec::new();
    for at in moments.all() {
        match source.answer(&arguments, at).await {
            Ok(found) => answers.push(found),
            Err(failure) => return Err(source.close(failure).await),
        }
    }
    source.end().await;
    let one = arguments.rotation.is_some();
    match (moments, arguments.json) {
        (Moments::One(_), true) => answers.into_iter().try_for_each(|found| print_json(found, one)),
        (Moments::One(_), false) => print(&answers, false),
        (Moments::Listed(_), true) => answers.into_iter().try_for_each(|found| print_line(found, one)),
        (Moments::Listed(_), false) => print(&answers, true),
    }
}

/// What is asked: one moment, or as many as standard input lists.
enum Moments {
    /// None: now.
    One(Option<Time>),
    Listed(Vec<Time>),
}

impl Moments {
    fn of(text: Option<&str>) -> Result<Moments, Failure> {
        match text {
            None => Ok(Moments::One(None)),
            Some("-") => {
                let text = std::io::read_to_string(std::io::stdin())
                    .map_err(|error| Failure::failed(format!("Standard input cannot be read: {error}.")))?;
                Ok(Moments::Listed(listed(&text)?))
            }
            Some(text) => Ok(Moments::One(Some(moment(text).map_err(Failure::usage)?))),
        }
    }

    fn all(&self) -> Vec<Option<Time>> {
        match self {
            Moments::One(at) => vec![*at],
            Moments::Listed(all) => all.iter().copied().map(Some).collect(),
        }
    }
}

/// One moment on each line. All of them are read before the first is answered.
fn listed(text: &str) -> Result<Vec<Time>, Failure> {
    let lines = text.lines().enumerate().map(|(at, line)| (at + 1, line.trim())).filter(|(_, line)| !line.is_empty());
    lines.map(|(number, line)| moment(line).map_err(|why| Failure::usage(format!("Line {number} of standard input: {why}")))).collect()
}

fn moment(text: &str) -> Result<Time, String> {
    Time::parse(text).ok_or_else(|| format!("`{}` is not a moment: expected one with its offset, such as 2026-12-25T03:00Z.", plain(text)))
}

fn now() -> Time {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    Time(i64::try_from(since.as_millis()).unwrap_or(i64::MAX)).whole_seconds()
}

/// Whom to ask: the files here, or a portal.
enum Source {
    Here { catalog: Box<Catalog>, store: Option<Store> },
    Portal(Client),
}

impl Source {
    async fn of(arguments: &OnCall) -> Result<Source, Failure> {
        if let Some(server) = &arguments.server {
            let remote = Remote { server: server.clone(), token_file: arguments.token_file.clone(), json: arguments.json };
            return Ok(Source::Portal(Client::of(&remote)?));
        }
        let catalog = Box::new(config::read(&config::file(arguments.config.as_deref())?)?.catalog);
        if catalog.rotations.is_empty() && arguments.rotation.is_none() {
            return Err(no_rotations(&catalog));
        }
        let store = open(arguments).await?;
        Ok(Source::Here { catalog, store })
    }

    async fn answer(&self, arguments: &OnCall, at: Option<Time>) -> Result<Vec<OnCallView>, Failure> {
        let rotation = arguments.rotation.as_deref();
        match self {
            Source::Here { catalog, store } => {
                Ok(engine::oncall::look_up(catalog, store.as_ref(), rotation, at.unwrap_or_else(now)).await?)
            }
            Source::Portal(client) => asked(client, rotation, at),
        }
    }

    async fn end(self) {
        if let Source::Here { store: Some(store), .. } = self {
            store.close().await;
        }
    }

    async fn close(self, failure: Failure) -> Failure {
        self.end().await;
        failure
    }
}

fn asked(client: &Client, rotation: Option<&str>, at: Option<Time>) -> Result<Vec<OnCallView>, Failure> {
    let moment = at.map(|at| format!("at={at}")).unwrap_or_default();
    match rotation {
        Some(rotation) => Ok(vec![client.get_as(&format!("/api/v1/on-call?rotation={}&{moment}", segment(rotation)))?]),
        None => Ok(parse::<Items>(client.get(&format!("/api/v1/on-call?{moment}"))?)?.items),
    }
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
    println!("{}", text.map_err(unwritten)?);
    Ok(())
}

/// JSON Lines: a moment's answer on a line.
fn print_line(mut answers: Vec<OnCallView>, one: bool) -> Done {
    let text = if one { serde_json::to_string(&answers.remove(0)) } else { serde_json::to_string(&Items { items: answers, next: None }) };
    println!("{}", text.map_err(unwritten)?);
    Ok(())
}

fn unwritten(error: serde_json::Error) -> Failure {
    Failure::failed(format!("The answer cannot be written down: {error}."))
}

fn print(answers: &[Vec<OnCallView>], moments: bool) -> Done {
    let rows = answers.iter().flatten().flat_map(|answer| answer.roles.iter().map(move |role| row(answer, role)));
    let rows = rows.map(|(at, cells)| if moments { [vec![at], cells].concat() } else { cells }).collect();
    let heading = ["AT", "ROTATION", "ROLE", "ON CALL", "PEOPLE", "BECAUSE", "UNTIL"];
    table(if moments { &heading } else { &heading[1..] }, rows);
    Ok(())
}

fn row(answer: &OnCallView, role: &RoleView) -> (String, Vec<String>) {
    let who = role.participant.as_ref().map_or_else(|| "nobody".to_owned(), ToString::to_string);
    let cells = vec![
        answer.rotation.clone(),
        role.role.clone(),
        who,
        role.people.join(", "),
        role.because.words().to_owned(),
        answer.shift.ends.to_string(),
    ];
    (answer.at.to_string(), cells)
}
