//! Changes: the queue, one page per change, and the page that shows a plan before anybody asks for it.

mod act;
mod configuration;
mod fresh;
mod glass;
mod job;
mod list;
mod page;
mod panels;
mod rollback;
mod story;

pub(crate) use act::{kept, tried};
pub(crate) use fresh::page as fresh_page;
pub(crate) use glass::{VOTED_ON, closed as closed_for, closed_notice};
pub(crate) use list::{page as list_page, table};
pub(crate) use page::page;

use domain::access::Actor;
use domain::catalog::Catalog;
use domain::changes::explain::Line;
use domain::changes::votes::Approver;
use domain::changes::{
    Bounds, Change, Gate, Hold, Kind, Plan, Progress, Request, Review, State, authors, cron_job_of, image, of_cron_job, reason, replicas,
};
use domain::clusters::PodView;
use domain::names::{Name, ObjectName};
use domain::releases::{DeploymentRecord, ImageRef, Usual};
use domain::{Error, Result};
use engine::{ChangeFilter, Engine, PageRequest, Way};

/// The filters of the list, as they stand in the URL. Unknown values match nothing and are shown as they are.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Filter {
    pub environment: Option<String>,
    pub component: Option<String>,
    pub state: Option<State>,
    pub cursor: Option<String>,
}

#[derive(Clone, Debug)]
pub struct ChangesData {
    pub filter: Filter,
    pub items: Vec<Change>,
    /// The cursor of the next page.
    pub next: Option<String>,
    /// Name and title, to choose from.
    pub components: Vec<(String, String)>,
}

pub async fn load_list(engine: &Engine, actor: &Actor, filter: Filter) -> Result<ChangesData> {
    let wanted = ChangeFilter {
        component: filter.component.clone(),
        environment: filter.environment.clone(),
        states: filter.state.into_iter().collect(),
        alone: false,
    };
    let page = engine.changes(actor, &wanted, PageRequest { cursor: filter.cursor.clone(), ..PageRequest::default() }).await?;
    let components = engine.catalog().components.iter().map(|c| (c.name.clone(), c.title.clone())).collect();
    Ok(ChangesData { filter, items: page.items, next: page.next, components })
}

/// What somebody tried on a change's page, and why it did not work: shown on the page again, with what they wrote.
#[derive(Clone, Debug)]
pub struct Tried {
    pub act: Act,
    pub error: Error,
    pub reason: String,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Act {
    Approve,
    Reject,
    Abort,
    Withdraw,
    BreakGlass,
    Review,
}

#[derive(Clone, Debug)]
pub struct ChangeData {
    pub change: Change,
    pub progress: Progress,
    pub component_title: String,
    pub cluster_title: String,
    /// The workload's pods now, or the Job's.
    pub pods: Vec<PodView>,
    /// Of this component in this environment, newest first: what one can roll back to.
    pub deployments: Vec<DeploymentRecord>,
    /// On this component in this environment.
    pub holds: Vec<Hold>,
    /// Where the glass was broken for it.
    pub review: Option<Review>,
    /// Who could decide on it now, whoever is on call first.
    pub approvers: Vec<Approver>,
    /// As they are now while it waits, else as they were when it was planned.
    pub gates: Vec<Gate>,
    /// How long a rollout takes here.
    pub usual: Option<Usual>,
    /// Why it did what it did, oldest first.
    pub story: Vec<Line>,
    pub tried: Option<Tried>,
}

pub async fn load(engine: &Engine, actor: &Actor, id: &str, tried: Option<Tried>) -> Result<ChangeData> {
    let change = engine.change(actor, id).await?;
    let (component, environment) = (change.plan.component.clone(), change.plan.environment.clone());
    // A change outlives the configuration that it was made under: its component may be gone.
    let view = engine.component(actor, &component).await.ok();
    let here = view.as_ref().and_then(|view| view.environments.iter().find(|e| e.environment.name == environment));
    Ok(ChangeData {
        progress: engine.progress(&change),
        component_title: view.as_ref().map_or_else(|| component.clone(), |view| view.title.clone()),
        cluster_title: here.map_or_else(|| change.plan.target.cluster.clone(), |here| here.environment.cluster.title()),
        pods: here.map_or_else(|| engine.job_pods(&change), |here| here.pods.clone()),
        deployments: here.map(|here| here.deployments.clone()).unwrap_or_default(),
        holds: engine.holds(actor, Some(&component), Some(&environment)).await?,
        review: engine.review_of(actor, &change).await?,
        approvers: engine.approvers(actor, &change).await?,
        gates: engine.gates(actor, &change).await?,
        usual: engine.usual(actor, &change.plan).await?,
        story: engine.story(actor, &change.id).await?,
        change,
        tried,
    })
}

/// What the form of a new change holds, as it came from outside.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Wanted {
    pub kind: String,
    pub component: String,
    pub environment: String,
    pub from: Option<String>,
    pub to_revision: Option<String>,
    pub replicas: Option<String>,
    pub pod: Option<String>,
    pub min: Option<String>,
    pub max: Option<String>,
    pub image: Option<String>,
    /// Of a deploy: names with commas between.
    pub authors: Option<String>,
    pub cron_job: Option<String>,
    pub reason: String,
    /// Of a rollback: with what its ConfigMaps held then.
    pub restore_config: bool,
    /// Planned although its environment is closed.
    pub break_glass: bool,
}

impl Wanted {
    /// Parsed at the edge: what comes out can be looked up.
    pub fn request(&self) -> Result<Request> {
        if self.kind() == Some(Kind::RunJob) {
            let cron_job = ObjectName::parse("cron_job", self.cron_job.as_deref().unwrap_or_default())?;
            let environment = Name::parse("environment", &self.environment)?;
            return Ok(Request::RunJob { environment, cron_job, reason: reason("reason", &self.reason)? });
        }
        let component = Name::parse("component", &self.component)?;
        let environment = Name::parse("environment", &self.environment)?;
        let reason = reason("reason", &self.reason)?;
        match Kind::parse(&self.kind) {
            Some(Kind::Promote) => {
                let from = Name::parse("from", self.from.as_deref().unwrap_or_default())?;
                Ok(Request::Promote { component, environment, from, reason })
            }
            Some(Kind::Rollback) => {
                let to_revision = self.to_revision.as_deref().unwrap_or_default().trim().parse().ok().filter(|n| *n > 0);
                let to_revision = to_revision.ok_or_else(|| Error::invalid("to_revision", "expected a revision's number, such as 3"))?;
                Ok(Request::Rollback { component, environment, to_revision, restore_config: self.restore_config, reason })
            }
            Some(Kind::Scale) => {
                let number = replicas("replicas", whole("replicas", &self.replicas)?)?;
                Ok(Request::Scale { component, environment, replicas: number, reason })
            }
            Some(Kind::Restart) => Ok(Request::Restart { component, environment, reason }),
            Some(Kind::Unblock) => {
                let pod = Name::parse("pod", self.pod.as_deref().unwrap_or_default())?;
                Ok(Request::Unblock { component, environment, pod, reason })
            }
            Some(Kind::Autoscale) => {
                let bounds = Bounds::new(whole("min", &self.min)?, whole("max", &self.max)?)?;
                Ok(Request::Autoscale { component, environment, bounds, reason })
            }
            Some(Kind::Deploy) => {
                let image = image("image", self.image.as_deref().unwrap_or_default())?;
                let authors = authors("authors", names("authors", self.authors.as_deref().unwrap_or_default())?)?;
                Ok(Request::Deploy { component, environment, image, authors, reason })
            }
            Some(Kind::RunJob) | None => Err(Error::invalid(
                "kind",
                "expected `promote`, `rollback`, `scale`, `restart`, `unblock`, `autoscale`, `deploy` or `run_job`",
            )),
        }
    }

    /// What the change would be of, as it is kept.
    pub fn about(&self) -> String {
        match &self.cron_job {
            Some(cron_job) if self.kind() == Some(Kind::RunJob) => of_cron_job(cron_job),
            _ => self.component.clone(),
        }
    }

    pub fn way(&self) -> Way {
        if self.break_glass { Way::BreakGlass } else { Way::Ordinary }
    }

    pub fn kind(&self) -> Option<Kind> {
        Kind::parse(&self.kind)
    }
}

fn whole(field: &str, text: &Option<String>) -> Result<i64> {
    let number = text.as_deref().unwrap_or_default().trim().parse().ok();
    number.ok_or_else(|| Error::invalid(field, "expected a whole number, such as 3"))
}

/// Names with commas between.
fn names(field: &str, text: &str) -> Result<Vec<Name>> {
    text.split(',').map(str::trim).filter(|name| !name.is_empty()).map(|name| Name::parse(field, name)).collect()
}

#[derive(Clone, Debug)]
pub struct NewChangeData {
    pub wanted: Wanted,
    /// The plan that would be made now, or why none would.
    pub plan: Result<Plan>,
    /// How long a rollout takes there.
    pub usual: Option<Usual>,
    pub component_title: String,
    pub environment_title: String,
    /// The hold that refuses it, if one does.
    pub hold: Option<Hold>,
    /// A fresh idempotency key: sending the form twice makes one change.
    pub key: String,
    /// Why the form that was sent made no change.
    pub error: Option<Error>,
}

/// Bad names are an error; a plan that is refused is a page that says why.
pub async fn load_new(engine: &Engine, actor: &Actor, wanted: Wanted, error: Option<Error>) -> Result<NewChangeData> {
    let looked_at = Wanted { reason: String::new(), ..wanted.clone() };
    let request = match looked_at.request() {
        // Its page asks for the image.
        Err(error) if wanted.kind() == Some(Kind::Deploy) => Err(error),
        request => Ok(request?),
    };
    let catalog = engine.catalog();
    let component_title = title(&catalog, &wanted.about())?;
    let environment_title = catalog.environment(&wanted.environment)?.title.clone();
    let holds = engine.holds(actor, Some(&wanted.about()), Some(&wanted.environment)).await?;
    let plan = match request {
        Ok(request) => engine.preview_by(actor, request, wanted.way()).await,
        Err(error) => Err(error),
    };
    let usual = match &plan {
        Ok(plan) => engine.usual(actor, plan).await?,
        Err(_) => None,
    };
    let hold = plan.as_ref().err().and_then(|error| refusing(error, holds));
    let key = uuid::Uuid::now_v7().to_string();
    Ok(NewChangeData { wanted, plan, usual, component_title, environment_title, hold, key, error })
}

/// Of a component, or a CronJob's name.
fn title(catalog: &Catalog, about: &str) -> Result<String> {
    match cron_job_of(about) {
        Some(cron_job) => Ok(cron_job.to_owned()),
        None => Ok(catalog.component(about)?.title.clone()),
    }
}

/// The hold that a refusal speaks of: it begins with the version.
fn refusing(error: &Error, holds: Vec<Hold>) -> Option<Hold> {
    if error.code() != "release_on_hold" {
        return None;
    }
    let why = error.to_string();
    let version = |hold: &Hold| ImageRef::parse(&hold.image).map(|image| image.version());
    let named = holds.iter().position(|hold| version(hold).is_some_and(|version| why.starts_with(&format!("{version} ")))).unwrap_or(0);
    holds.into_iter().nth(named)
}
