//! The arithmetic of a rollout: how many pods each ReplicaSet may have.
//!
//! Source: pkg/controller/deployment/util/deployment_util.go.

use super::revision::MAX_REPLICAS;
use crate::object;
use serde_json::Value;
use std::sync::Arc;

/// `spec.replicas` of a Deployment or a ReplicaSet.
pub(crate) fn wanted(object: &Value) -> i64 {
    object::number(object, "/spec/replicas")
}

pub(crate) fn available(set: &Value) -> i64 {
    object::number(set, "/status/availableReplicas")
}

pub(crate) fn total_wanted(sets: &[Arc<Value>]) -> i64 {
    sets.iter().map(|set| wanted(set)).sum()
}

pub(crate) fn total_available(sets: &[Arc<Value>]) -> i64 {
    sets.iter().map(|set| available(set)).sum()
}

pub(crate) fn is_rolling(deployment: &Value) -> bool {
    object::text(deployment, "/spec/strategy/type") == "RollingUpdate"
}

/// How many pods more than wanted there may be.
pub(crate) fn max_surge(deployment: &Value) -> i64 {
    if is_rolling(deployment) { fence_posts(deployment).0 } else { 0 }
}

/// How many of the wanted pods may be unavailable.
pub(crate) fn max_unavailable(deployment: &Value) -> i64 {
    if !is_rolling(deployment) || wanted(deployment) == 0 {
        return 0;
    }
    fence_posts(deployment).1.min(wanted(deployment))
}

/// Surge is rounded up and unavailability down; if both come out as 0, one pod may be unavailable.
fn fence_posts(deployment: &Value) -> (i64, i64) {
    let rolling = &deployment["spec"]["strategy"]["rollingUpdate"];
    let surge = share(&rolling["maxSurge"], wanted(deployment), true);
    let unavailable = share(&rolling["maxUnavailable"], wanted(deployment), false);
    if surge == 0 && unavailable == 0 { (0, 1) } else { (surge, unavailable) }
}

/// A number, or a percentage of `whole`.
pub(crate) fn share(value: &Value, whole: i64, round_up: bool) -> i64 {
    let percent = value.as_str().and_then(|text| text.strip_suffix('%')).and_then(|text| text.parse::<i64>().ok());
    match percent {
        Some(percent) if round_up => (whole * percent + 99) / 100,
        Some(percent) => whole * percent / 100,
        None => value.as_i64().unwrap_or_default(),
    }
}

/// How many pods the new ReplicaSet may ask for at this step.
pub(crate) fn of_new(deployment: &Value, all: &[Arc<Value>], new: &Value) -> i64 {
    if !is_rolling(deployment) || wanted(new) > wanted(deployment) {
        return wanted(deployment);
    }
    let room = wanted(deployment) + max_surge(deployment) - total_wanted(all);
    let missing = wanted(deployment) - wanted(new);
    wanted(new) + room.min(missing).max(0)
}

/// What a ReplicaSet gets of `to_add` (negative to take away), of which `added` is already given out.
pub(crate) fn proportion(set: &Value, deployment: &Value, to_add: i64, added: i64) -> i64 {
    if wanted(set) == 0 || to_add == 0 || to_add == added {
        return 0;
    }
    let (fraction, allowed) = (fraction(set, deployment), to_add - added);
    if to_add > 0 { fraction.min(allowed) } else { fraction.max(allowed) }
}

fn fraction(set: &Value, deployment: &Value) -> i64 {
    if wanted(deployment) == 0 {
        return -wanted(set);
    }
    let annotated = object::annotation(set, MAX_REPLICAS).parse().ok().filter(|count| *count > 0);
    let before = annotated.unwrap_or_else(|| object::number(deployment, "/status/replicas"));
    if before == 0 {
        return 0;
    }
    let after = wanted(deployment) + max_surge(deployment);
    let size = (wanted(set) * after) as f64 / before as f64;
    size.round() as i64 - wanted(set)
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn deployment(replicas: i64, surge: Value, unavailable: Value) -> Value {
        let rolling = json!({ "maxSurge": surge, "maxUnavailable": unavailable });
        json!({ "spec": { "replicas": replicas, "strategy": { "type": "RollingUpdate", "rollingUpdate": rolling } } })
    }

    #[test]
    fn surge_rounds_up_and_unavailable_down() {
        for (replicas, surge, unavailable, expected) in [
            (4, json!("25%"), json!("25%"), (1, 1)),
            (3, json!("25%"), json!("25%"), (1, 0)),
            (1, json!("25%"), json!("25%"), (1, 0)),
            (10, json!("25%"), json!("25%"), (3, 2)),
            (5, json!(0), json!("10%"), (0, 1)),
            (5, json!(2), json!(9), (2, 5)),
            (0, json!("25%"), json!("25%"), (0, 0)),
        ] {
            let deployment = deployment(replicas, surge, unavailable);
            assert_eq!((max_surge(&deployment), max_unavailable(&deployment)), expected, "{deployment}");
        }
    }

    #[test]
    fn recreate_has_neither() {
        let recreate = json!({ "spec": { "replicas": 3, "strategy": { "type": "Recreate" } } });
        assert_eq!((max_surge(&recreate), max_unavailable(&recreate)), (0, 0));
    }
}
