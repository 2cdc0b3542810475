//! Plans that wait for votes: they end when their time is over, or when the watch is sure that their target has moved.

use crate::Engine;
use crate::clusters;
use crate::error::Result;
use crate::store::readable;
use domain::changes::train::Turn;
use domain::changes::{Change, State};

impl Engine {
    /// Plans that wait for votes and have expired, or whose target has moved.
    pub(super) async fn expire_and_supersede(&self) -> Result<()> {
        for id in self.0.store.changes_in_states(&[State::AwaitingApproval]).await? {
            readable(&id, self.expire_or_supersede(&id).await)?;
        }
        Ok(())
    }

    async fn expire_or_supersede(&self, id: &str) -> Result<()> {
        let Some(change) = self.0.store.change(id).await? else { return Ok(()) };
        if self.now() > change.plan.valid_until {
            self.conclude(&change, State::Expired, "the plan expired before it was decided on", None).await?;
        } else if let Some(why) = self.moved_in_watch(&change) {
            self.conclude(&change, State::Superseded, &why, None).await?;
        } else if let Turn::Stop(why) = self.turn(&change).await? {
            self.conclude(&change, State::Superseded, &why, None).await?;
        }
        Ok(())
    }

    /// Only what the watch is sure of: a newer generation, or another object of the same name.
    pub(super) fn moved_in_watch(&self, change: &Change) -> Option<String> {
        let target = &change.plan.target;
        let cluster = self.cluster(&target.cluster).ok()?;
        let state = cluster.state();
        if let Some(name) = &target.autoscaler {
            return autoscaler_moved(&state, change, name);
        }
        // Of a CronJob the watch keeps no generation: that is looked at when its Job is to be made.
        let key = target.workload()?;
        if state.reach(&target.namespace, key.kind) != domain::clusters::Reach::Live {
            return None;
        }
        let Some(known) = state.observed(&key) else { return Some("the workload was deleted after the plan was made".into()) };
        // Another generation may be the autoscaler's doing: that is looked at whole when the change is carried out.
        if known.workload.uid == target.uid && (target.replicas_float || known.workload.generation <= target.generation) {
            return None;
        }
        Some("the workload was changed after the plan was made; plan again".into())
    }
}

/// The same of an autoscaler, whose generation does not count its edits.
fn autoscaler_moved(state: &clusters::State, change: &Change, name: &str) -> Option<String> {
    let namespace = &change.plan.target.namespace;
    if state.reach_kind(namespace, clusters::state::Kind::Autoscalers) != domain::clusters::Reach::Live {
        return None;
    }
    let known = state.neighbours_in(namespace).find_map(|neighbour| match neighbour {
        domain::clusters::Neighbour::Autoscaler(scaler) if scaler.name == name => {
            Some(domain::changes::Bounds { min: scaler.min, max: scaler.max })
        }
        _ => None,
    });
    match known {
        None => Some("the autoscaler was deleted after the plan was made".into()),
        Some(bounds) if Some(bounds) != change.plan.bounds_from => {
            Some("the autoscaler's bounds were changed after the plan was made; plan again".into())
        }
        Some(_) => None,
    }
}
