//! What a page of logs is asked for by its URL, and what was found.

use domain::access::Actor;
use domain::clusters::logs::yes_or_no;
use domain::clusters::{Logs, LogsWanted};
use domain::names::Name;
use domain::{Error, Result};
use engine::Engine;

/// The parameters as they stand in the URL; what is empty is not there.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Wanted(Vec<(String, String)>);

/// Beside those of the log itself: whether it is followed.
const FOLLOW: &str = "follow";

impl Wanted {
    /// Errors: a parameter that is not known, by name.
    pub fn new(parameters: Vec<(String, String)>) -> Result<Wanted> {
        let known = |name: &str| name == FOLLOW || LogsWanted::PARAMETERS.contains(&name);
        if let Some((name, _)) = parameters.iter().find(|(name, _)| !known(name)) {
            return Err(Error::invalid(&domain::names::shorten(name), "unknown parameter"));
        }
        Ok(Wanted(parameters.into_iter().filter(|(_, value)| !value.is_empty()).collect()))
    }

    pub fn get(&self, name: &str) -> Option<&str> {
        self.0.iter().find(|(key, _)| key == name).map(|(_, value)| value.as_str())
    }

    /// `tail`: how many lines when the URL does not say.
    pub fn read(&self, component: &Name, tail: usize) -> Result<LogsWanted> {
        LogsWanted::read(component.clone(), tail, |name| self.get(name))
    }

    fn follow(&self) -> Result<bool> {
        self.get(FOLLOW).map_or(Ok(true), |text| yes_or_no(FOLLOW, text))
    }
}

#[derive(Clone, Debug)]
pub struct LogsData {
    pub component: String,
    pub title: String,
    pub environment: String,
    /// Name and title, to choose from.
    pub environments: Vec<(String, String)>,
    pub wanted: Wanted,
    pub tail: usize,
    pub previous: bool,
    /// The reader has not paused it.
    pub follow: bool,
    /// The lines, or why the cluster gives none.
    pub found: Result<Logs>,
}

/// Without an environment in the URL: the first one. What a cluster does not give is a page that says so.
pub async fn load(engine: &Engine, actor: &Actor, component: &str, mut wanted: Wanted) -> Result<LogsData> {
    let catalog = engine.catalog();
    let title = catalog.component(component)?.title.clone();
    if let (None, Some(first)) = (wanted.get("environment"), catalog.environments.first()) {
        wanted.0.push(("environment".to_owned(), first.name.clone()));
    }
    let read = wanted.read(&Name::parse("component", component)?, LogsWanted::TAIL)?;
    let found = match engine.logs(actor, &read).await {
        Err(error) if !is_the_clusters(&error) => return Err(error),
        found => found,
    };
    Ok(LogsData {
        component: component.to_owned(),
        title,
        environment: read.environment.to_string(),
        environments: catalog.environments.iter().map(|one| (one.name.clone(), one.title.clone())).collect(),
        follow: wanted.follow()?,
        wanted,
        tail: read.tail,
        previous: read.previous,
        found,
    })
}

fn is_the_clusters(error: &Error) -> bool {
    matches!(error, Error::Unavailable { .. }) || error.code() == "cluster_forbids"
}
