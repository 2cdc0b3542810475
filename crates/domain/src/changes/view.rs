//! A change as the API shows it.

use super::votes::Approver;
use super::{Artifact, BreakGlass, Change, Gate, Kind, Outcome, State, Step, Vote, Word};
use crate::Time;
use crate::releases::Usual;
use serde::{Deserialize, Serialize};

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
pub struct PlanView {
    /// SHA-256 of the plan, lowercase hexadecimal: what a vote names.
    pub digest: String,
    #[schema(value_type = String, format = DateTime)]
    pub made_at: Time,
    #[schema(value_type = String, format = DateTime)]
    pub valid_until: Time,
    pub summary: String,
    pub from: Artifact,
    pub to: Artifact,
    pub to_revision: Option<i64>,
    pub words: Vec<Word>,
    /// Unified diff of the target's YAML, from a server-side dry run.
    pub diff: String,
    /// The ConfigMaps that are brought back before the workload is written, in this order.
    #[serde(default)]
    pub config: Vec<ConfigView>,
    pub gates: Vec<Gate>,
    /// Who wrote the release, as far as it is known.
    #[serde(default)]
    pub authors: Vec<String>,
    /// Votes needed; 0: none.
    pub votes_needed: i64,
    /// How long a rollout takes there; given with a preview and with a single change, where something is known.
    #[serde(default)]
    pub usual: Option<Usual>,
}

/// A ConfigMap that a rollback brings back.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
#[schema(as = RestoredConfig)]
pub struct ConfigView {
    pub name: String,
    /// It is gone, and is made anew.
    pub made_anew: bool,
    /// Unified diff of what it holds, key by key.
    pub diff: String,
}

/// The rollout in figures.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
pub struct Progress {
    pub desired: i64,
    pub updated: i64,
    pub ready: i64,
    pub available: i64,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
pub struct Links {
    #[serde(rename = "self")]
    pub this: String,
    pub page: String,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
#[schema(as = Change)]
pub struct ChangeView {
    pub id: String,
    /// `CH-12`: what people call it; accepted wherever the id is.
    pub label: String,
    pub kind: Kind,
    /// Of a `run_job`, which is of no component: `cronjob/devmatrix-backup`.
    pub component: String,
    pub environment: String,
    pub state: State,
    pub requester: String,
    pub reason: String,
    #[schema(value_type = String, format = DateTime)]
    pub requested_at: Time,
    pub plan: PlanView,
    pub votes: Vec<Vote>,
    /// Those of the plan, as they are now while it waits; given with a single change.
    #[serde(default)]
    pub gates: Vec<Gate>,
    /// Who could decide on it now, whoever is on call first; given with a single change that waits.
    #[serde(default)]
    pub approvers: Vec<Approver>,
    /// Who let it through without its votes, or while its environment was closed.
    pub break_glass: Option<BreakGlass>,
    pub steps: Vec<Step>,
    /// Its place in a train.
    pub train: Option<super::Carriage>,
    pub progress: Progress,
    pub outcome: Option<Outcome>,
    pub links: Links,
}

impl ChangeView {
    pub fn of(change: &Change, progress: Progress) -> ChangeView {
        let plan = &change.plan;
        ChangeView {
            id: change.id.clone(),
            label: change.label(),
            kind: plan.kind,
            component: plan.component.clone(),
            environment: plan.environment.clone(),
            state: change.state,
            requester: plan.requester.clone(),
            reason: plan.reason.clone(),
            requested_at: change.requested_at,
            plan: PlanView::of(plan, &change.digest),
            votes: change.votes.clone(),
            gates: Vec::new(),
            approvers: Vec::new(),
            break_glass: change.glass.clone(),
            steps: change.steps.clone(),
            train: plan.train.clone(),
            progress,
            outcome: change.outcome.clone(),
            links: Links { this: format!("/api/v1/changes/{}", change.id), page: format!("/changes/{}", change.label()) },
        }
    }
}

impl ConfigView {
    fn of(write: &super::ConfigWrite) -> ConfigView {
        ConfigView { name: write.name.clone(), made_anew: write.uid.is_none(), diff: write.diff.unified.clone() }
    }
}

impl PlanView {
    pub fn of(plan: &super::Plan, digest: &str) -> PlanView {
        PlanView {
            digest: digest.to_owned(),
            made_at: plan.made_at,
            valid_until: plan.valid_until,
            summary: plan.summary.clone(),
            from: plan.from.clone(),
            to: plan.to.clone(),
            to_revision: plan.to_revision,
            words: plan.words.clone(),
            diff: plan.diff.unified.clone(),
            config: plan.config.iter().map(ConfigView::of).collect(),
            gates: plan.gates.clone(),
            authors: plan.authors.clone().unwrap_or_default(),
            votes_needed: plan.approval.as_ref().map_or(0, |approval| approval.rules.iter().map(|rule| rule.needed).sum()),
            usual: None,
        }
    }
}
