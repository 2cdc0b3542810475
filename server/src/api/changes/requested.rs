//! What somebody asks for, as it comes over the wire, and what the engine takes.

use crate::api::body::{fields, invalid};
use crate::problem::Problem;
use domain::changes::{Bounds, Kind, Request, authors, image, reason, replicas};
use domain::names::{Name, ObjectName, shorten};
use engine::Way;
use serde::de::Error as _;
use serde::{Deserialize, Deserializer};
use serde_json::{Map, Value};
use utoipa::ToSchema;

/// What may stand under `kind`, in words.
const KINDS: &str = "promote, rollback, scale, restart, unblock, autoscale, deploy or run_job";

/// A change to ask for.
#[derive(ToSchema)]
#[serde(untagged)]
#[allow(dead_code, reason = "it is only written down in the OpenAPI document; the kinds are parsed one by one, for better errors")]
pub enum Requested {
    Promote(Promote),
    Rollback(Rollback),
    Scale(Scale),
    Restart(Restart),
    Unblock(Unblock),
    Autoscale(Autoscale),
    Deploy(Deploy),
    RunJob(RunJob),
}

#[derive(Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum PromoteKind {
    Promote,
}

#[derive(Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum RollbackKind {
    Rollback,
}

#[derive(Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum ScaleKind {
    Scale,
}

#[derive(Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum RestartKind {
    Restart,
}

#[derive(Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum UnblockKind {
    Unblock,
}

#[derive(Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum AutoscaleKind {
    Autoscale,
}

#[derive(Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum DeployKind {
    Deploy,
}

#[derive(Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum RunJobKind {
    RunJob,
}

/// Move the digest that runs healthy in `from` to `environment`.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Promote {
    #[allow(dead_code, reason = "it has chosen this struct")]
    kind: PromoteKind,
    #[schema(value_type = String, pattern = r"^[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?$")]
    component: Name,
    #[schema(value_type = String, pattern = r"^[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?$")]
    environment: Name,
    #[schema(value_type = String, pattern = r"^[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?$")]
    from: Name,
    #[schema(max_length = 2000, pattern = r"^[^\u0000-\u0008\u000B\u000C\u000E-\u001F\u007F-\u009F]*$")]
    reason: String,
    /// Plan it although the environment is closed, to break the glass: for an administrator, or whoever is primary on call.
    #[serde(default)]
    #[allow(dead_code, reason = "it is the same for all kinds and taken out before: see `way`")]
    break_glass: bool,
}

/// Restore the pod template of an earlier revision.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Rollback {
    #[allow(dead_code, reason = "it has chosen this struct")]
    kind: RollbackKind,
    #[schema(value_type = String, pattern = r"^[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?$")]
    component: Name,
    #[schema(value_type = String, pattern = r"^[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?$")]
    environment: Name,
    #[serde(deserialize_with = "whole")]
    #[schema(minimum = 1, maximum = 2147483647)]
    to_revision: i64,
    #[schema(max_length = 2000, pattern = r"^[^\u0000-\u0008\u000B\u000C\u000E-\u001F\u007F-\u009F]*$")]
    reason: String,
    /// With what the ConfigMaps of that revision held; they are written before the workload.
    #[serde(default)]
    restore_config: bool,
    /// Plan it although the environment is closed, to break the glass: for an administrator, or whoever is primary on call.
    #[serde(default)]
    #[allow(dead_code, reason = "it is the same for all kinds and taken out before: see `way`")]
    break_glass: bool,
}

/// Another number of replicas.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Scale {
    #[allow(dead_code, reason = "it has chosen this struct")]
    kind: ScaleKind,
    #[schema(value_type = String, pattern = r"^[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?$")]
    component: Name,
    #[schema(value_type = String, pattern = r"^[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?$")]
    environment: Name,
    #[serde(deserialize_with = "whole")]
    #[schema(minimum = 0, maximum = 1000)]
    replicas: i64,
    #[schema(max_length = 2000, pattern = r"^[^\u0000-\u0008\u000B\u000C\u000E-\u001F\u007F-\u009F]*$")]
    reason: String,
    /// Plan it although the environment is closed, to break the glass: for an administrator, or whoever is primary on call.
    #[serde(default)]
    #[allow(dead_code, reason = "it is the same for all kinds and taken out before: see `way`")]
    break_glass: bool,
}

/// The same pods anew, a few at a time.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Restart {
    #[allow(dead_code, reason = "it has chosen this struct")]
    kind: RestartKind,
    #[schema(value_type = String, pattern = r"^[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?$")]
    component: Name,
    #[schema(value_type = String, pattern = r"^[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?$")]
    environment: Name,
    #[schema(max_length = 2000, pattern = r"^[^\u0000-\u0008\u000B\u000C\u000E-\u001F\u007F-\u009F]*$")]
    reason: String,
    /// Plan it although the environment is closed, to break the glass: for an administrator, or whoever is primary on call.
    #[serde(default)]
    #[allow(dead_code, reason = "it is the same for all kinds and taken out before: see `way`")]
    break_glass: bool,
}

/// Delete the pod that holds up a StatefulSet.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Unblock {
    #[allow(dead_code, reason = "it has chosen this struct")]
    kind: UnblockKind,
    #[schema(value_type = String, pattern = r"^[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?$")]
    component: Name,
    #[schema(value_type = String, pattern = r"^[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?$")]
    environment: Name,
    #[schema(value_type = String, pattern = r"^[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?$")]
    pod: Name,
    #[schema(max_length = 2000, pattern = r"^[^\u0000-\u0008\u000B\u000C\u000E-\u001F\u007F-\u009F]*$")]
    reason: String,
    /// Plan it although the environment is closed, to break the glass: for an administrator, or whoever is primary on call.
    #[serde(default)]
    #[allow(dead_code, reason = "it is the same for all kinds and taken out before: see `way`")]
    break_glass: bool,
}

/// Other bounds for the autoscaler that owns the number of replicas.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Autoscale {
    #[allow(dead_code, reason = "it has chosen this struct")]
    kind: AutoscaleKind,
    #[schema(value_type = String, pattern = r"^[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?$")]
    component: Name,
    #[schema(value_type = String, pattern = r"^[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?$")]
    environment: Name,
    #[serde(deserialize_with = "whole")]
    #[schema(minimum = 1, maximum = 1000)]
    min: i64,
    /// At least `min`.
    #[serde(deserialize_with = "whole")]
    #[schema(minimum = 1, maximum = 1000)]
    max: i64,
    #[schema(max_length = 2000, pattern = r"^[^\u0000-\u0008\u000B\u000C\u000E-\u001F\u007F-\u009F]*$")]
    reason: String,
}

/// An image by its digest, where releases begin.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Deploy {
    #[allow(dead_code, reason = "it has chosen this struct")]
    kind: DeployKind,
    #[schema(value_type = String, pattern = r"^[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?$")]
    component: Name,
    #[schema(value_type = String, pattern = r"^[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?$")]
    environment: Name,
    /// `repository:tag@sha256:…`
    image: String,
    /// Who wrote what is in it: where the environment excludes authors, they do not decide on it.
    #[serde(default)]
    #[schema(value_type = Vec<String>, max_items = 50)]
    authors: Vec<Name>,
    #[schema(max_length = 2000, pattern = r"^[^\u0000-\u0008\u000B\u000C\u000E-\u001F\u007F-\u009F]*$")]
    reason: String,
}

/// A Job from a CronJob's template, now: a backup before a migration.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct RunJob {
    #[allow(dead_code, reason = "it has chosen this struct")]
    kind: RunJobKind,
    #[schema(value_type = String, pattern = r"^[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?$")]
    environment: Name,
    #[schema(value_type = String, max_length = 253, pattern = r"^[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?(\.[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?)*$")]
    cron_job: ObjectName,
    #[schema(max_length = 2000, pattern = r"^[^\u0000-\u0008\u000B\u000C\u000E-\u001F\u007F-\u009F]*$")]
    reason: String,
    /// Plan it although the environment is closed, to break the glass: for an administrator, or whoever is primary on call.
    #[serde(default)]
    #[allow(dead_code, reason = "it is the same for all kinds and taken out before: see `way`")]
    break_glass: bool,
}

/// To JSON, `3.0` is the integer 3.
fn whole<'de, D: Deserializer<'de>>(deserializer: D) -> Result<i64, D::Error> {
    let number = serde_json::Number::deserialize(deserializer)?;
    let whole = number.as_i64().or_else(|| number.as_f64().filter(|n| n.fract() == 0.0 && n.abs() < 1e15).map(|n| n as i64));
    whole.ok_or_else(|| D::Error::custom("expected a whole number"))
}

/// In which way it is asked for; the field is taken out of the body, as it is the same for all kinds.
pub fn way(body: &mut Map<String, Value>) -> Result<Way, Problem> {
    match body.remove("break_glass") {
        None | Some(Value::Bool(false)) => Ok(Way::Ordinary),
        Some(Value::Bool(true)) => Ok(Way::BreakGlass),
        Some(_) => Err(invalid("break_glass", "expected true or false")),
    }
}

/// The request in a body's fields.
pub fn read(body: Map<String, Value>) -> Result<Request, Problem> {
    let kind = match body.get("kind") {
        Some(Value::String(kind)) => kind.clone(),
        Some(_) => return Err(invalid("kind", format!("expected a string: {KINDS}"))),
        None => return Err(invalid("kind", format!("missing: expected {KINDS}"))),
    };
    match Kind::parse(&kind) {
        Some(Kind::Promote) => {
            let Promote { component, environment, from, reason: why, .. } = fields(body)?;
            Ok(Request::Promote { component, environment, from, reason: reason("reason", &why)? })
        }
        Some(Kind::Rollback) => rollback(fields(body)?),
        Some(Kind::Scale) => {
            let Scale { component, environment, replicas: number, reason: why, .. } = fields(body)?;
            Ok(Request::Scale { component, environment, replicas: replicas("replicas", number)?, reason: reason("reason", &why)? })
        }
        Some(Kind::Restart) => {
            let Restart { component, environment, reason: why, .. } = fields(body)?;
            Ok(Request::Restart { component, environment, reason: reason("reason", &why)? })
        }
        Some(Kind::Unblock) => {
            let Unblock { component, environment, pod, reason: why, .. } = fields(body)?;
            Ok(Request::Unblock { component, environment, pod, reason: reason("reason", &why)? })
        }
        Some(Kind::Autoscale) => {
            let Autoscale { component, environment, min, max, reason: why, .. } = fields(body)?;
            Ok(Request::Autoscale { component, environment, bounds: Bounds::new(min, max)?, reason: reason("reason", &why)? })
        }
        Some(Kind::Deploy) => {
            let Deploy { component, environment, image: text, authors: names, reason: why, .. } = fields(body)?;
            let (image, authors) = (image("image", &text)?, authors("authors", names)?);
            Ok(Request::Deploy { component, environment, image, authors, reason: reason("reason", &why)? })
        }
        Some(Kind::RunJob) => {
            let RunJob { environment, cron_job, reason: why, .. } = fields(body)?;
            Ok(Request::RunJob { environment, cron_job, reason: reason("reason", &why)? })
        }
        None => Err(invalid("kind", format!("`{}` is not a kind: expected {KINDS}", shorten(&kind)))),
    }
}

fn rollback(asked: Rollback) -> Result<Request, Problem> {
    if !(1..=i64::from(i32::MAX)).contains(&asked.to_revision) {
        return Err(invalid("to_revision", "expected a revision, 1 or more"));
    }
    let Rollback { component, environment, to_revision, restore_config, reason: why, .. } = asked;
    Ok(Request::Rollback { component, environment, to_revision, restore_config, reason: reason("reason", &why)? })
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn what_cannot_be_asked_is_refused_by_status_code_and_field() {
        let promote = |key: &str, value: Value| {
            let mut body = json!({"kind": "promote", "component": "api", "environment": "prod", "from": "staging", "reason": ""});
            body[key] = value;
            body
        };
        let table = [
            (json!({}), 400, "invalid", Some("kind")),
            (json!({"kind": 1}), 400, "invalid", Some("kind")),
            (json!({"kind": "explode"}), 400, "invalid", Some("kind")),
            (json!({"kind": "run_job"}), 400, "invalid", Some("environment")),
            (json!({"kind": "run_job", "environment": "prod"}), 400, "invalid", Some("cron_job")),
            (json!({"kind": "run_job", "environment": "prod", "cron_job": "a..b", "reason": ""}), 400, "invalid", Some("cron_job")),
            (json!({"kind": "run_job", "environment": "prod", "cron_job": "night", "component": "api"}), 400, "invalid", Some("component")),
            (scaled(json!(-1)), 400, "invalid", Some("replicas")),
            (scaled(json!(1001)), 400, "invalid", Some("replicas")),
            (scaled(json!("3")), 400, "invalid", Some("replicas")),
            (
                json!({"kind": "deploy", "component": "api", "environment": "staging", "image": "a b", "reason": ""}),
                400,
                "invalid",
                Some("image"),
            ),
            (
                json!({"kind": "deploy", "component": "api", "environment": "staging", "image": "api", "reason": ""}),
                400,
                "invalid",
                Some("image"),
            ),
            (bounded(json!(0), json!(3)), 400, "invalid", Some("min")),
            (bounded(json!(4), json!(3)), 400, "invalid", Some("max")),
            (bounded(json!(4), json!(1001)), 400, "invalid", Some("max")),
            (bounded(json!(4), json!("5")), 400, "invalid", Some("max")),
            (json!({"kind": "restart", "component": "api"}), 400, "invalid", Some("environment")),
            (json!({"kind": "promote"}), 400, "invalid", Some("component")),
            (promote("extra", json!(1)), 400, "invalid", Some("extra")),
            (promote("component", json!("a\0b")), 400, "invalid", Some("component")),
            (promote("reason", json!(["x"])), 400, "invalid", Some("reason")),
            (promote("reason", json!("a\0b")), 400, "invalid", Some("reason")),
            (promote("reason", json!("x".repeat(2001))), 400, "invalid", Some("reason")),
            (rolled(json!(0)), 400, "invalid", Some("to_revision")),
            (rolled(json!("3")), 400, "invalid", Some("to_revision")),
            (rolled(json!(1e30)), 400, "invalid", Some("to_revision")),
            (rolled(json!(3.5)), 400, "invalid", Some("to_revision")),
            (rolled(json!(i64::MAX)), 400, "invalid", Some("to_revision")),
            (restoring(json!("yes")), 400, "invalid", Some("restore_config")),
            (restoring(json!(null)), 400, "invalid", Some("restore_config")),
        ];
        for (body, status, code, field) in table {
            let Value::Object(map) = body.clone() else { unreachable!() };
            let problem = read(map).unwrap_err();
            assert_eq!((problem.status, problem.code.as_str(), problem.field.as_deref()), (status, code, field), "{body}");
        }
        let Value::Object(good) = promote("reason", json!(" why ")) else { unreachable!() };
        assert_eq!(read(good).unwrap().reason(), "why");
        let Value::Object(good) = rolled(json!(3.0)) else { unreachable!() };
        assert!(matches!(read(good).unwrap(), Request::Rollback { to_revision: 3, restore_config: false, .. }));
        let Value::Object(good) = restoring(json!(true)) else { unreachable!() };
        assert!(matches!(read(good).unwrap(), Request::Rollback { restore_config: true, .. }));
    }

    #[test]
    fn whether_the_glass_is_to_be_broken_is_true_or_false() {
        let asked = |value: Value| way(&mut Map::from_iter([("break_glass".to_owned(), value)])).map_err(|problem| problem.field.clone());
        assert_eq!(way(&mut Map::new()).unwrap(), Way::Ordinary);
        assert_eq!((asked(json!(true)).unwrap(), asked(json!(false)).unwrap()), (Way::BreakGlass, Way::Ordinary));
        for wrong in [json!(null), json!("true"), json!(1)] {
            assert_eq!(asked(wrong).unwrap_err().as_deref(), Some("break_glass"));
        }
    }

    fn scaled(replicas: Value) -> Value {
        json!({"kind": "scale", "component": "api", "environment": "prod", "replicas": replicas, "reason": ""})
    }

    fn bounded(min: Value, max: Value) -> Value {
        json!({"kind": "autoscale", "component": "api", "environment": "prod", "min": min, "max": max, "reason": ""})
    }

    fn restoring(restore_config: Value) -> Value {
        let mut body = rolled(json!(3));
        body["restore_config"] = restore_config;
        body
    }

    fn rolled(to_revision: Value) -> Value {
        json!({"kind": "rollback", "component": "api", "environment": "prod", "to_revision": to_revision, "reason": ""})
    }
}
