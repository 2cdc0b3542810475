//! Release trains: choosing what goes together, with the plans in the order of their turns; and one train on its way.

mod fresh;
mod page;

pub(crate) use fresh::page as fresh_page;
pub(crate) use page::page;

use crate::changes::Tried;
use domain::access::Actor;
use domain::changes::votes::Approver;
use domain::changes::{Plan, Train, TrainRequest, reason};
use domain::clusters::Matrix;
use domain::names::Name;
use domain::{Error, Result};
use engine::Engine;

#[derive(Clone, Debug)]
pub struct TrainData {
    pub train: Train,
    /// Who could decide on it now, whoever is on call first.
    pub approvers: Vec<Approver>,
    pub tried: Option<Tried>,
}

pub async fn load(engine: &Engine, actor: &Actor, id: &str, tried: Option<Tried>) -> Result<TrainData> {
    let train = engine.train(actor, id).await?;
    // The rules are the same for each of them.
    let approvers = match train.changes.first() {
        Some(first) => engine.approvers(actor, first).await?,
        None => Vec::new(),
    };
    Ok(TrainData { train, approvers, tried })
}

/// What the form of a new train holds, as it came from outside.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct TrainWanted {
    pub environment: String,
    /// Empty: where the configuration promotes from.
    pub from: String,
    pub components: Vec<String>,
    /// Somebody chose these; else all that are behind are proposed.
    pub chosen: bool,
    pub reason: String,
}

impl TrainWanted {
    pub fn request(&self) -> Result<TrainRequest> {
        let components = self.components.iter().map(|name| Name::parse("component", name)).collect::<Result<Vec<_>>>()?;
        let (environment, from) = (Name::parse("environment", &self.environment)?, Name::parse("from", &self.from)?);
        TrainRequest::new(components, environment, from, reason("reason", &self.reason)?)
    }
}

/// A component that could go along.
#[derive(Clone, Debug)]
pub struct Candidate {
    pub name: String,
    pub title: String,
    /// `1.42.3`, and what runs in the source.
    pub here: String,
    pub there: String,
    /// The source runs a newer release.
    pub behind: bool,
    pub chosen: bool,
}

#[derive(Clone, Debug)]
pub struct NewTrainData {
    pub wanted: TrainWanted,
    pub candidates: Vec<Candidate>,
    /// In the order of their turns: title, and the plan that would be made now or why none would. An error when none can be looked at.
    pub plans: Result<Vec<(String, Result<Plan>)>>,
    pub from_title: String,
    pub environment_title: String,
    /// A fresh idempotency key: sending the form twice makes one train.
    pub key: String,
    /// Why the form that was sent made no train.
    pub error: Option<Error>,
}

/// Bad names are an error; plans that are refused are a page that says why.
pub async fn load_new(engine: &Engine, actor: &Actor, mut wanted: TrainWanted, error: Option<Error>) -> Result<NewTrainData> {
    let catalog = engine.catalog();
    let environment = catalog.environment(&wanted.environment)?;
    if wanted.from.is_empty() {
        let none = || Error::invalid("environment", format!("expected one with `promote_from`: {} has none", environment.title));
        wanted.from = environment.promote_from.clone().ok_or_else(none)?;
    }
    let from_title = catalog.environment(&wanted.from)?.title.clone();
    let candidates = candidates(&engine.matrix(actor).await?, &wanted);
    if !wanted.chosen {
        wanted.components = candidates.iter().filter(|one| one.chosen).map(|one| one.name.clone()).collect();
    }
    let plans = match (TrainWanted { reason: String::new(), ..wanted.clone() }).request() {
        Ok(request) => engine.preview_train(actor, &request).await,
        Err(error) => Err(error),
    };
    let title = |name: String| catalog.component(&name).map_or(name.clone(), |component| component.title.clone());
    let plans = plans.map(|plans| plans.into_iter().map(|(name, plan)| (title(name), plan)).collect());
    let (environment_title, key) = (environment.title.clone(), uuid::Uuid::now_v7().to_string());
    Ok(NewTrainData { wanted, candidates, plans, from_title, environment_title, key, error })
}

fn candidates(matrix: &Matrix, wanted: &TrainWanted) -> Vec<Candidate> {
    let version = |cell: &domain::clusters::Cell| if cell.image.is_some() { cell.version() } else { "nothing".to_owned() };
    let rows = matrix.components.iter().filter_map(|row| {
        let (here, there) = (row.cells.get(&wanted.environment)?, row.cells.get(&wanted.from)?);
        let behind = here.behind.as_ref().is_some_and(|behind| behind.from == wanted.from);
        let chosen = if wanted.chosen { wanted.components.contains(&row.name) } else { behind };
        Some(Candidate { name: row.name.clone(), title: row.title.clone(), here: version(here), there: version(there), behind, chosen })
    });
    rows.collect()
}
