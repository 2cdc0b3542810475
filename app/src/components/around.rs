//! What stands around a component in one environment: what leads to it, scales it, what it reads and stores, who may reach it.

use crate::parts::{Icon, Panel};
use crate::{links, words};
use domain::clusters::{Access, Around, Autoscaler, ComponentIn, Ingress, Service};
use leptos::prelude::*;

/// One column for each environment; absent where nothing is known.
pub(super) fn panel(environments: &[ComponentIn]) -> Option<AnyView> {
    let columns: Vec<_> = environments.iter().filter_map(column).collect();
    (!columns.is_empty()).then(|| view! { <Panel id="h-around" title="Around it"><div class="envs">{columns}</div></Panel> }.into_any())
}

fn column(here: &ComponentIn) -> Option<AnyView> {
    let rows = rows(&here.around);
    if rows.is_empty() {
        return None;
    }
    let heading = format!("a-{}", here.environment.name);
    Some(
        view! {
            <section class="flat" aria-labelledby=heading.clone() data-key=heading.clone() data-testid="around" data-env=here.environment.name.clone()>
                <h3 id=heading.clone()><a class="plain" href=links::environment(&here.environment.name)>{here.environment.title.clone()}</a></h3>
                <dl class="facts small">{rows}</dl>
            </section>
        }
        .into_any(),
    )
}

fn rows(around: &Around) -> Vec<AnyView> {
    let ingresses = around.ingresses.iter().flat_map(routes).collect();
    let services = around.services.iter().map(service).collect();
    let scaler = around.autoscaler.iter().map(autoscaler).collect();
    let policies = around.policies.iter().flat_map(access).collect();
    let maps = around.config_maps.iter().map(|map| format!("{} ({})", map.name, words::count(map.keys.len() as i64, "key"))).collect();
    let claims = around.claims.iter().map(|claim| format!("{}, {} {}", claim.name, claim.size, claim.phase.to_lowercase())).collect();
    let secrets: Vec<String> = around.secrets.iter().map(|name| format!("{name} (name only: never read)")).collect();
    let facts = [
        ("Reached at", ingresses),
        ("Services", services),
        ("Autoscaler", scaler),
        ("Network policy", policies),
        ("ConfigMaps", maps),
        ("Secrets", secrets),
        ("Volumes", claims),
    ];
    let mut rows: Vec<_> =
        facts.into_iter().filter(|(_, lines): &(_, Vec<String>)| !lines.is_empty()).map(|(what, lines)| row(what, lines)).collect();
    rows.extend(around.missing_config_maps.iter().map(|name| missing(name)));
    rows
}

fn row(what: &'static str, lines: Vec<String>) -> AnyView {
    let lines = lines.into_iter().map(|line| view! { <div>{line}</div> }).collect_view();
    view! { <dt>{what}</dt><dd>{lines}</dd> }.into_any()
}

fn missing(name: &str) -> AnyView {
    view! { <dt>"Missing"</dt><dd><strong class="degraded-word"><Icon name="degraded" class="i i-s"/>{format!(" ConfigMap {name} is referred to and not there")}</strong></dd> }
        .into_any()
}

/// `https://api.example/ → service devmatrix-api:8000`
fn routes(ingress: &Ingress) -> Vec<String> {
    let each = ingress.routes.iter().map(|route| {
        let scheme = if ingress.tls.contains(&route.host) { "https" } else { "http" };
        let host = if route.host.is_empty() { "any host" } else { &route.host };
        format!("{scheme}://{host}{} → {}:{}", route.path, route.service, route.port)
    });
    each.collect()
}

fn service(service: &Service) -> String {
    format!("{}, {} {}", service.name, service.kind, service.ports.join(", "))
}

fn autoscaler(scaler: &Autoscaler) -> String {
    let trouble = if scaler.trouble.is_empty() { String::new() } else { format!(". {}", words::sentence(&scaler.trouble)) };
    format!("{}: {} now, {} wanted, between {} and {}{trouble}", scaler.name, scaler.current, scaler.desired, scaler.min, scaler.max)
}

fn access(access: &Access) -> Vec<String> {
    access.ingress.iter().chain(&access.egress).map(|line| format!("{}: {line}", access.policy)).collect()
}
