//! What forbids a write although it was approved: looked at once more, just before it; and shown while a change waits.

use super::worker::{Round, waiting_step};
use crate::error::Result;
use crate::{DomainResult, Engine};
use domain::access::{Actor, PORTAL, Role, Verb, authorize};
use domain::catalog::{Approval, Component, Environment};
use domain::changes::plan::open_now;
use domain::changes::step::in_doubt;
use domain::changes::{Change, Gate, Kind, Plan, State};
use domain::clusters::CellState;
use std::time::Duration;

/// What forbids a write: the gate of the plan that says otherwise (`now`: none does), and why.
type Bar = (&'static str, String);

impl Engine {
    /// The gates of a change's plan; while it waits, as they are now where that can be told without asking a cluster.
    pub async fn gates(&self, actor: &Actor, change: &Change) -> DomainResult<Vec<Gate>> {
        authorize(actor, Verb::Read)?;
        let (plan, catalog) = (&change.plan, self.catalog());
        let mut gates = plan.gates.clone();
        let Ok(environment) = catalog.environment(&plan.environment) else { return Ok(gates) };
        if !matches!(change.state, State::AwaitingApproval | State::Ready) {
            return Ok(gates);
        }
        let freezes = self.0.store.open_freezes(self.now()).await?;
        let mut now = vec![open_now(environment, &freezes, (plan.kind, self.glass_stands(change)), self.now())];
        now.extend(self.bars_now(change).await.ok().flatten().map(|(name, why)| Gate::bars(name, why)));
        for gate in now {
            match gates.iter_mut().find(|planned| planned.name == gate.name) {
                Some(planned) => *planned = gate,
                None => gates.insert(0, gate),
            }
        }
        Ok(gates)
    }

    /// The same as [`Engine::forbidden_now`], without asking a cluster, and without the votes while it waits for them.
    async fn bars_now(&self, change: &Change) -> Result<Option<Bar>> {
        let votes = (change.state == State::Ready).then(|| self.votes_bar(change)).flatten();
        if let Some(bar) = votes.or(self.rights_bar(change)?) {
            return Ok(Some(bar));
        }
        // Of a pod to delete, and of a CronJob, only its cluster knows.
        match change.plan.kind {
            Kind::Unblock | Kind::RunJob => Ok(None),
            _ => self.facts_bar(change).await,
        }
    }

    /// Ends a change whose write is forbidden by now. What cannot be read to tell is said, and looked at again after a pause: the plan
    /// expires one day. `doubt`: a try of the write may still arrive.
    pub(super) async fn barred(&self, change: &Change, doubt: bool) -> Result<Option<Round>> {
        match self.forbidden_now(change).await {
            Ok(None) => Ok(None),
            Ok(Some(why)) => {
                self.conclude(change, State::Superseded, &in_doubt(&why, doubt), None).await?;
                Ok(Some(Round::Over))
            }
            Err(error) if error.is_of_cluster() => {
                self.note(change, waiting_step(change), 2, &format!("waiting for the cluster: {error}")).await?;
                Ok(Some(Round::Rest(Duration::ZERO)))
            }
            Err(error) => Err(error),
        }
    }

    /// What forbids the write now although it was approved: votes, policy, holds and the source are looked at again.
    async fn forbidden_now(&self, change: &Change) -> Result<Option<String>> {
        let known = self.votes_bar(change).or(self.rights_bar(change)?);
        let bar = match known {
            Some(bar) => Some(bar),
            None => self.facts_bar(change).await?,
        };
        Ok(bar.map(|(_, why)| why))
    }

    fn votes_bar(&self, change: &Change) -> Option<Bar> {
        if self.glass_stands(change) || self.votes_suffice(change) {
            return None;
        }
        let why = match &change.glass {
            Some(glass) => format!("{} broke the glass, and may not do so any more", glass.by),
            None => "the votes no longer suffice: somebody who approved may not decide any more".into(),
        };
        Some(("now", why))
    }

    fn rights_bar(&self, change: &Change) -> Result<Option<Bar>> {
        let (plan, catalog) = (&change.plan, self.catalog());
        if plan.requester != PORTAL && !catalog.person(&plan.requester).has(Role::Deployer) {
            return Ok(Some(("now", format!("{} asked for it, and may not ask for changes any more", plan.requester))));
        }
        let environment = catalog.environment(&plan.environment)?;
        if !self.glass_stands(change) && policy(environment, plan.kind) != plan.approval {
            let why = format!("who must approve changes of {} was changed after the plan was made; plan again", environment.title);
            return Ok(Some(("now", why)));
        }
        Ok(None)
    }

    /// What has become of the target, of what is to run there, and of where it comes from.
    async fn facts_bar(&self, change: &Change) -> Result<Option<Bar>> {
        let (plan, catalog) = (&change.plan, self.catalog());
        let environment = catalog.environment(&plan.environment)?;
        if plan.kind == Kind::RunJob {
            return Ok(self.job_forbidden(change, environment).await?.map(|why| ("now", why)));
        }
        let component = catalog.component(&plan.component)?;
        if let Some(tool) = self.taken_over(component, environment)? {
            return Ok(Some(("gitops", format!("{tool} has taken over the workload after the plan was made: change it there"))));
        }
        if plan.kind == Kind::Scale && self.autoscaler(component, environment)?.is_some() {
            return Ok(Some(("now", "an autoscaler has taken over the number of replicas after the plan was made".into())));
        }
        if let Some((pod, uid)) = plan.patch.deletes()
            && self.blocker(component, environment).await?.is_none_or(|blocker| blocker.uid != uid)
        {
            let why = format!("{pod} does not hold up the set any more: it is gone, it became ready, or another one does");
            return Ok(Some(("now", why)));
        }
        if !matches!(plan.kind, Kind::Promote | Kind::Deploy) {
            return Ok(None);
        }
        let holds = self.0.store.holds(Some(&plan.component), Some(&plan.environment)).await?;
        if holds.iter().any(|hold| hold.is_of(&plan.to)) {
            return Ok(Some(("hold", format!("{} was put on hold here after the plan was made", plan.to.version()))));
        }
        Ok(self.source_failed(component, plan)?.map(|why| ("source", why)))
    }

    /// The GitOps tool that owns the target, as far as the watch knows: a mark on its metadata alone is no other generation.
    fn taken_over(&self, component: &Component, environment: &Environment) -> Result<Option<String>> {
        let cluster = self.cluster_of(environment)?;
        let state = cluster.state();
        let known = state.observed(&component.workload.key(&environment.namespace));
        let manager = known.and_then(|known| known.workload.managed_by.clone());
        Ok(manager.filter(|manager| manager.gitops).map(|manager| manager.tool))
    }

    /// A source that has gone on to another release says nothing; one in which this very release is failing does.
    fn source_failed(&self, component: &Component, plan: &Plan) -> Result<Option<String>> {
        let Some(source) = &plan.source else { return Ok(None) };
        let cell = self.bare_cell(component, self.catalog().environment(source)?)?;
        let failing = matches!(cell.state, CellState::Degraded | CellState::Down) && cell.digest == plan.to.digest;
        Ok(failing
            .then(|| format!("{} became {} in {source} after the plan was made: {}", plan.to.version(), cell.state.as_str(), cell.reason)))
    }
}

/// Whose votes a change of this kind needs here, as it is configured now.
fn policy(environment: &Environment, kind: Kind) -> Option<Approval> {
    match kind {
        Kind::Promote | Kind::Scale | Kind::Restart | Kind::Unblock | Kind::Autoscale | Kind::Deploy | Kind::RunJob => {
            environment.approval.clone()
        }
        Kind::Rollback => environment.rollback_needs_approval.then(|| environment.approval.clone()).flatten(),
    }
}
