//! URLs of the pages. Names are RFC 1123 labels and safe as they are; everything else is percent-encoded.

use domain::changes::{Bounds, Kind, Plan, cron_job_of};
use std::fmt::Write;

pub fn component(name: &str) -> String {
    format!("/components/{}", encode(name))
}

/// An environment on a component's page.
pub fn component_in(name: &str, environment: &str) -> String {
    format!("/components/{}#{}", encode(name), encode(environment))
}

pub fn environment(name: &str) -> String {
    format!("/environments/{}", encode(name))
}

/// By id or label: `CH-12`.
pub fn change(id: &str) -> String {
    format!("/changes/{}", encode(id))
}

/// By id or label: `TR-3`.
pub fn train(id: &str) -> String {
    format!("/trains/{}", encode(id))
}

/// What could go together to an environment.
pub fn new_train(environment: &str) -> String {
    query("/trains/new", &[("environment", environment)])
}

/// By id or label: `INC-12`.
pub fn incident(id: &str) -> String {
    format!("/incidents/{}", encode(id))
}

/// By id or label: `PG-3`.
pub fn page(id: &str) -> String {
    format!("/pages/{}", encode(id))
}

/// The form that pages somebody, about an incident if there is one.
pub fn new_page(to: &str, incident: Option<&str>) -> String {
    let mut parameters = vec![("to", to)];
    parameters.extend(incident.map(|incident| ("incident", incident)));
    query("/pages/new", &parameters)
}

pub fn promote(component: &str, environment: &str, from: &str) -> String {
    query("/changes/new", &[("kind", "promote"), ("component", component), ("environment", environment), ("from", from)])
}

pub fn rollback(component: &str, environment: &str, revision: i64) -> String {
    let revision = revision.to_string();
    query("/changes/new", &[("kind", "rollback"), ("component", component), ("environment", environment), ("to_revision", &revision)])
}

/// The same with its configuration, or without it; what was written into the form is kept.
pub fn rollback_with(wanted: &crate::changes::Wanted, config: bool) -> String {
    let revision = wanted.to_revision.clone().unwrap_or_default();
    let all = [
        ("kind", "rollback"),
        ("component", &wanted.component),
        ("environment", &wanted.environment),
        ("to_revision", &revision),
        ("reason", &wanted.reason),
        ("restore_config", "1"),
    ];
    query("/changes/new", if config { &all } else { &all[..5] })
}

pub fn scale(component: &str, environment: &str, replicas: i64) -> String {
    let replicas = replicas.to_string();
    query("/changes/new", &[("kind", "scale"), ("component", component), ("environment", environment), ("replicas", &replicas)])
}

/// The page asks for the image.
pub fn deploy(component: &str, environment: &str) -> String {
    query("/changes/new", &[("kind", "deploy"), ("component", component), ("environment", environment)])
}

/// The same that was asked for, planned as things are now. None: its plan does not say what to ask for.
pub fn again(plan: &Plan) -> Option<String> {
    let (component, environment) = (plan.component.as_str(), plan.environment.as_str());
    Some(match plan.kind {
        Kind::Promote => promote(component, environment, plan.source.as_deref()?),
        Kind::Rollback if plan.config.is_empty() => rollback(component, environment, plan.to_revision?),
        Kind::Rollback => format!("{}&restore_config=1", rollback(component, environment, plan.to_revision?)),
        Kind::Scale => scale(component, environment, plan.desired),
        Kind::Restart => restart(component, environment),
        Kind::Unblock => unblock(component, environment, plan.patch.deletes()?.0),
        Kind::Autoscale => autoscale(component, environment, plan.bounds_to()?),
        Kind::Deploy => {
            let authors = plan.authors.as_deref().unwrap_or_default().join(", ");
            let image = plan.to.image.as_str();
            let all = [("kind", "deploy"), ("component", component), ("environment", environment), ("image", image), ("authors", &authors)];
            query("/changes/new", &all)
        }
        Kind::RunJob => run_job(environment, plan.cron_job()?),
    })
}

pub fn restart(component: &str, environment: &str) -> String {
    query("/changes/new", &[("kind", "restart"), ("component", component), ("environment", environment)])
}

pub fn unblock(component: &str, environment: &str, pod: &str) -> String {
    query("/changes/new", &[("kind", "unblock"), ("component", component), ("environment", environment), ("pod", pod)])
}

pub fn autoscale(component: &str, environment: &str, bounds: Bounds) -> String {
    let (min, max) = (bounds.min.to_string(), bounds.max.to_string());
    query("/changes/new", &[("kind", "autoscale"), ("component", component), ("environment", environment), ("min", &min), ("max", &max)])
}

pub fn run_job(environment: &str, cron_job: &str) -> String {
    query("/changes/new", &[("kind", "run_job"), ("environment", environment), ("cron_job", cron_job)])
}

/// Where what a change is of has its page: a component, or the Jobs of an environment.
pub fn about(about: &str, environment: &str) -> String {
    match cron_job_of(about) {
        Some(_) => format!("{}#h-jobs", self::environment(environment)),
        None => component(about),
    }
}

/// The page of a plan that is made although its environment is closed.
pub fn to_break_glass(wanted: &crate::changes::Wanted) -> String {
    let text = |value: &Option<String>| value.clone().unwrap_or_default();
    let (from, revision, replicas, pod) = (text(&wanted.from), text(&wanted.to_revision), text(&wanted.replicas), text(&wanted.pod));
    let (min, max, cron_job) = (text(&wanted.min), text(&wanted.max), text(&wanted.cron_job));
    let (image, authors) = (text(&wanted.image), text(&wanted.authors));
    let all = [
        ("kind", wanted.kind.as_str()),
        ("component", &wanted.component),
        ("environment", &wanted.environment),
        ("from", &from),
        ("to_revision", &revision),
        ("replicas", &replicas),
        ("pod", &pod),
        ("min", &min),
        ("max", &max),
        ("image", &image),
        ("authors", &authors),
        ("cron_job", &cron_job),
        ("reason", &wanted.reason),
        ("break_glass", "1"),
    ];
    query("/changes/new", &all)
}

/// The logs of a component in an environment.
pub fn logs(component: &str, environment: &str) -> String {
    query(&format!("/components/{}/logs", encode(component)), &[("environment", environment)])
}

/// The path with those parameters that have a value.
pub fn query(path: &str, parameters: &[(&str, &str)]) -> String {
    let pairs: Vec<_> = parameters.iter().filter(|(_, v)| !v.is_empty()).map(|(k, v)| format!("{k}={}", encode(v))).collect();
    if pairs.is_empty() { path.to_owned() } else { format!("{path}?{}", pairs.join("&")) }
}

/// RFC 3986: everything but the unreserved characters.
pub fn encode(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for byte in text.bytes() {
        match byte {
            b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' | b'-' | b'_' | b'.' | b'~' => out.push(byte as char),
            _ => {
                let _ = write!(out, "%{byte:02X}");
            }
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_strangers_wrote_stays_inside_its_part_of_the_url() {
        assert_eq!(component("a/b?c#d"), "/components/a%2Fb%3Fc%23d");
        assert_eq!(query("/changes", &[("environment", ""), ("state", "a&b=ü")]), "/changes?state=a%26b%3D%C3%BC");
        assert_eq!(query("/changes", &[("state", "")]), "/changes");
        assert_eq!(rollback("api", "prod", 3), "/changes/new?kind=rollback&component=api&environment=prod&to_revision=3");
    }
}
