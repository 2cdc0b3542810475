//! HorizontalPodAutoscalers: the number of replicas stays within their bounds. There are no metrics here, so within the bounds
//! nothing is chosen.
//!
//! Source: pkg/controller/podautoscaler/horizontal.go: what lies outside the bounds is brought back without asking for metrics,
//! and a target that somebody scaled to nothing is left alone.

use super::{MANAGER, later};
use crate::edit::{self, Terms};
use crate::object;
use crate::resource::Resource;
use crate::state::{Key, State, Urgency, Wake};
use jiff::SignedDuration;
use serde_json::{Value, json};

/// How often it looks at its target: a real one does every 15 s (--horizontal-pod-autoscaler-sync-period), here nobody has to
/// wait so long.
const LOOKS_EVERY: SignedDuration = SignedDuration::from_secs(1);

pub(crate) fn sync(state: &mut State, key: &Key) -> Option<Wake> {
    let scaler = state.get(key)?;
    let target = target(key, &scaler)?;
    if let Some(workload) = state.get(&target) {
        let current = object::number(&workload, "/spec/replicas");
        let wanted = within(&scaler, current);
        if wanted != current {
            let mut scaled = (*workload).clone();
            scaled["spec"]["replicas"] = json!(wanted);
            edit::commit(state, &target, &workload, scaled, &Terms::by(MANAGER, "scale"));
        }
        let mut updated = (*scaler).clone();
        updated["status"]["currentReplicas"] = json!(current);
        updated["status"]["desiredReplicas"] = json!(wanted);
        edit::commit(state, key, &scaler, updated, &Terms::by(MANAGER, "status"));
    }
    Some(Wake { at: later(state.now, LOOKS_EVERY), urgency: Urgency::Retry })
}

fn target(key: &Key, scaler: &Value) -> Option<Key> {
    let reference = &scaler["spec"]["scaleTargetRef"];
    let resource = Resource::of(object::text(reference, "/apiVersion"), object::text(reference, "/kind"))?;
    Some(Key::new(resource, &key.namespace, object::text(reference, "/name")))
}

fn within(scaler: &Value, current: i64) -> i64 {
    if current == 0 {
        return 0;
    }
    current.max(object::number(scaler, "/spec/minReplicas")).min(object::number(scaler, "/spec/maxReplicas"))
}
