//! A change: an intent to alter an environment, with an immutable plan, votes for that plan's digest, journalled steps and
//! an outcome. One path for every kind: facts → [`plan::draft`] → [`Plan`] → [`votes`] → [`step::next_step`] → [`Outcome`].

pub mod config;
pub mod diff;
pub mod explain;
pub mod freeze;
mod glass;
pub mod plan;
mod reached;
mod state;
pub mod step;
pub mod train;
mod view;
pub mod votes;
pub mod windows;
mod write;

pub use config::{ConfigSent, ConfigWrite};
pub use freeze::{Closed, Freeze, closed};
pub use glass::{Authority, BreakGlass, REVIEW_WITHIN_S, Review, may_break_glass};
pub use plan::{Artifact, Draft, Facts, Gate, Plan, Refusal, RefusalCode, Target, TargetKind, Word};
pub use reached::Reached;
pub use state::State;
pub use train::{Carriage, Train, TrainRequest, TrainView};
pub use view::{ChangeView, ConfigView, Links, PlanView, Progress};
pub use votes::{Vote, VoteKind};
pub use write::{CAUSE_ANNOTATION, CHANGE_ANNOTATION, FENCE_ANNOTATION, Patch, PatchKind, STALE_FENCE, Stamp};

use crate::clusters::PodSaid;
use crate::names::{Name, ObjectName};
use crate::releases::ImageRef;
use crate::{Error, Result, Time};
use serde::{Deserialize, Serialize};
use std::fmt;

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum Kind {
    Promote,
    Rollback,
    Scale,
    Restart,
    Unblock,
    /// Other bounds for the autoscaler that owns the number of replicas.
    Autoscale,
    /// An image by its digest, where releases begin.
    Deploy,
    /// A Job from a CronJob's template, now.
    RunJob,
}

impl Kind {
    pub const ALL: [Kind; 8] =
        [Kind::Promote, Kind::Rollback, Kind::Scale, Kind::Restart, Kind::Unblock, Kind::Autoscale, Kind::Deploy, Kind::RunJob];

    pub fn as_str(self) -> &'static str {
        match self {
            Kind::Promote => "promote",
            Kind::Rollback => "rollback",
            Kind::Scale => "scale",
            Kind::Restart => "restart",
            Kind::Unblock => "unblock",
            Kind::Autoscale => "autoscale",
            Kind::Deploy => "deploy",
            Kind::RunJob => "run_job",
        }
    }

    pub fn parse(text: &str) -> Option<Kind> {
        Kind::ALL.into_iter().find(|kind| kind.as_str() == text)
    }

    /// Whether the workload gets another pod template by it, and so a new revision.
    pub fn makes_revision(self) -> bool {
        !matches!(self, Kind::Scale | Kind::Unblock | Kind::Autoscale | Kind::RunJob)
    }
}

/// What somebody asks for. Names are checked, not yet looked up.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Request {
    Promote {
        component: Name,
        environment: Name,
        from: Name,
        reason: String,
    },
    /// `restore_config`: with what the ConfigMaps of that revision held.
    Rollback {
        component: Name,
        environment: Name,
        to_revision: i64,
        restore_config: bool,
        reason: String,
    },
    Scale {
        component: Name,
        environment: Name,
        replicas: i64,
        reason: String,
    },
    Restart {
        component: Name,
        environment: Name,
        reason: String,
    },
    Unblock {
        component: Name,
        environment: Name,
        pod: Name,
        reason: String,
    },
    Autoscale {
        component: Name,
        environment: Name,
        bounds: Bounds,
        reason: String,
    },
    Deploy {
        component: Name,
        environment: Name,
        image: ImageRef,
        /// Who wrote what is in it, as far as whoever asks says.
        authors: Vec<Name>,
        reason: String,
    },
    RunJob {
        environment: Name,
        cron_job: ObjectName,
        reason: String,
    },
}

/// `cronjob/devmatrix-backup`: where other changes have a component.
pub fn of_cron_job(name: &str) -> String {
    format!("cronjob/{name}")
}

/// Its name, where something is of a CronJob and of no component.
pub fn cron_job_of(about: &str) -> Option<&str> {
    about.strip_prefix("cronjob/")
}

/// Between how many replicas an autoscaler may choose.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
pub struct Bounds {
    pub min: i64,
    pub max: i64,
}

impl Bounds {
    /// Bounds from outside. (Scaling to nothing is a feature gate of Kubernetes, and off by default.)
    pub fn new(min: i64, max: i64) -> Result<Bounds> {
        if !(1..=REPLICAS_LIMIT).contains(&min) {
            return Err(Error::invalid("min", format!("expected a number of replicas from 1 to {REPLICAS_LIMIT}")));
        }
        if !(min..=REPLICAS_LIMIT).contains(&max) {
            return Err(Error::invalid("max", format!("expected a number of replicas from min, {min}, to {REPLICAS_LIMIT}")));
        }
        Ok(Bounds { min, max })
    }
}

impl fmt::Display for Bounds {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} to {}", self.min, self.max)
    }
}

/// An image reference from outside.
pub fn image(field: &str, text: &str) -> Result<ImageRef> {
    let wanted = || Error::invalid(field, "expected an image reference, such as registry.example/api:1.43.1@sha256:…");
    ImageRef::parse(text.trim()).filter(|image| image.tag.is_some() || image.digest.is_some()).ok_or_else(wanted)
}

/// So many may be named as the authors of an image.
pub const AUTHORS_LIMIT: usize = 50;

/// Authors from outside.
pub fn authors(field: &str, names: Vec<Name>) -> Result<Vec<Name>> {
    if names.len() > AUTHORS_LIMIT {
        return Err(Error::invalid(field, format!("expected at most {AUTHORS_LIMIT} names")));
    }
    Ok(names)
}

/// The largest number of replicas that can be asked for: a slip of the finger is not a capacity plan.
pub const REPLICAS_LIMIT: i64 = 1000;

/// A number of replicas from outside.
pub fn replicas(field: &str, number: i64) -> Result<i64> {
    if (0..=REPLICAS_LIMIT).contains(&number) {
        return Ok(number);
    }
    Err(Error::invalid(field, format!("expected a number of replicas from 0 to {REPLICAS_LIMIT}")))
}

impl Request {
    pub fn kind(&self) -> Kind {
        match self {
            Request::Promote { .. } => Kind::Promote,
            Request::Rollback { .. } => Kind::Rollback,
            Request::Scale { .. } => Kind::Scale,
            Request::Restart { .. } => Kind::Restart,
            Request::Unblock { .. } => Kind::Unblock,
            Request::Autoscale { .. } => Kind::Autoscale,
            Request::Deploy { .. } => Kind::Deploy,
            Request::RunJob { .. } => Kind::RunJob,
        }
    }

    /// What it is of, as it is kept: a component's name, or `cronjob/devmatrix-backup`, which no component is called.
    pub fn about(&self) -> String {
        match self {
            Request::RunJob { cron_job, .. } => of_cron_job(cron_job.as_str()),
            Request::Promote { component, .. }
            | Request::Rollback { component, .. }
            | Request::Scale { component, .. }
            | Request::Restart { component, .. }
            | Request::Unblock { component, .. }
            | Request::Autoscale { component, .. }
            | Request::Deploy { component, .. } => component.to_string(),
        }
    }

    pub fn environment(&self) -> &Name {
        match self {
            Request::Promote { environment, .. }
            | Request::Rollback { environment, .. }
            | Request::Scale { environment, .. }
            | Request::Restart { environment, .. }
            | Request::Unblock { environment, .. }
            | Request::Autoscale { environment, .. }
            | Request::Deploy { environment, .. }
            | Request::RunJob { environment, .. } => environment,
        }
    }

    pub fn reason(&self) -> &str {
        match self {
            Request::Promote { reason, .. }
            | Request::Rollback { reason, .. }
            | Request::Scale { reason, .. }
            | Request::Restart { reason, .. }
            | Request::Unblock { reason, .. }
            | Request::Autoscale { reason, .. }
            | Request::Deploy { reason, .. }
            | Request::RunJob { reason, .. } => reason,
        }
    }
}

/// The longest reason that is kept, in characters.
pub const REASON_LIMIT: usize = 2000;

/// A reason as people wrote it, trimmed; control characters other than line breaks are refused.
pub fn reason(field: &str, text: &str) -> Result<String> {
    let text = text.trim();
    if text.chars().count() > REASON_LIMIT {
        return Err(Error::invalid(field, format!("expected at most {REASON_LIMIT} characters")));
    }
    if text.chars().any(|c| c.is_control() && c != '\n' && c != '\r' && c != '\t') {
        return Err(Error::invalid(field, "expected text without control characters"));
    }
    Ok(text.to_owned())
}

/// One step of a change, as it is shown: `plan`, `approval`, `check`, `write`, `rollout`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
pub struct Step {
    pub name: String,
    /// `pending`, `running`, `done`, `failed` or `skipped`.
    pub state: String,
    #[schema(value_type = Option<String>, format = DateTime)]
    pub started: Option<Time>,
    #[schema(value_type = Option<String>, format = DateTime)]
    pub finished: Option<Time>,
    pub detail: String,
}

/// How a change ended.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
pub struct Outcome {
    pub state: State,
    pub reason: String,
    pub failing_pod: Option<PodSaid>,
    #[schema(value_type = String, format = DateTime)]
    pub at: Time,
}

/// A release that was rolled back: it is not deployed there again until a person lifts this.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
pub struct Hold {
    pub id: String,
    pub component: String,
    pub environment: String,
    pub image: String,
    pub digest: Option<String>,
    /// The rollback that set it.
    pub change: String,
    pub by: String,
    #[schema(value_type = String, format = DateTime)]
    pub at: Time,
}

impl Hold {
    pub fn is_of(&self, artifact: &Artifact) -> bool {
        artifact.is_same(&Artifact { image: self.image.clone(), digest: self.digest.clone() })
    }
}

/// A change as it is kept.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Change {
    pub id: String,
    /// Counts up from 1: what people call it, `CH-12`.
    pub number: i64,
    pub state: State,
    pub plan: Plan,
    /// SHA-256 of the plan: what votes are for.
    pub digest: String,
    pub requested_at: Time,
    pub votes: Vec<Vote>,
    /// Who let it through without its votes or while it was closed.
    pub glass: Option<BreakGlass>,
    pub steps: Vec<Step>,
    pub outcome: Option<Outcome>,
    /// A try of its write has no answer that is a certain no: it may have arrived.
    pub sent: bool,
    /// The generation that our write made; from there on the rollout is ours.
    pub written_generation: Option<i64>,
    /// Of a rollback with its configuration: the ConfigMaps whose writes were journalled, in their order.
    pub config: Vec<ConfigSent>,
}

impl Change {
    /// `CH-12`
    pub fn label(&self) -> String {
        format!("CH-{}", self.number)
    }

    /// `Promote API server 1.43.1 to Production East` is made by the pages, which know the titles; this one knows names.
    pub fn summary(&self) -> &str {
        &self.plan.summary
    }

    /// The state as the pages write it: a Job does not roll out.
    pub fn state_title(&self) -> &'static str {
        match (self.state, self.plan.kind) {
            (State::Observing, Kind::RunJob) => State::Running.title(),
            (state, _) => state.title(),
        }
    }
}
