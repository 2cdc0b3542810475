//! `devmatrix check`: is this configuration good?

use super::arguments::Check;
use super::{Done, Failure};
use crate::config;

pub fn run(check: &Check) -> Done {
    let path = config::file(check.config.as_deref())?;
    let text = config::text(&path)?;
    let read = domain::catalog::read(&text).map_err(|problems| Failure::failed(config::listed(&path, &problems).join("\n")))?;
    let shown = path.display();
    for warning in &read.warnings {
        eprintln!("{shown}:{}:{}: warning: {}", warning.line, warning.column, warning.what);
    }
    // The file may be checked far from the machine that serves it, so this is no error here.
    for ((line, column), sentence) in config::missing_kubeconfigs(&read.catalog) {
        eprintln!("{shown}:{line}:{column}: warning: {sentence}");
    }
    let catalog = &read.catalog;
    println!(
        "{shown} is good: {}, {}, {}, {}.",
        count(catalog.environments.len(), "environment"),
        count(catalog.components.len(), "component"),
        count(catalog.clusters.len(), "cluster"),
        count(catalog.teams.len(), "team"),
    );
    Ok(())
}

fn count(n: usize, what: &str) -> String {
    if n == 1 { format!("1 {what}") } else { format!("{n} {what}s") }
}
