//! `devmatrix check`: is this configuration good? With `--clusters`: does the portal get in, and may it do what it needs to?

use super::arguments::Check;
use super::{Done, Failure, in_runtime};
use crate::config;
use domain::catalog::Catalog;
use domain::clusters::rights;
use domain::words::count;
use engine::clusters::credentials::Surroundings;
use engine::clusters::rights::{Checked, Found};
use std::time::Duration;

/// For all questions to one cluster.
const WITHIN: Duration = Duration::from_secs(15);

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
        count(catalog.environments.len() as i64, "environment"),
        count(catalog.components.len() as i64, "component"),
        count(catalog.clusters.len() as i64, "cluster"),
        count(catalog.teams.len() as i64, "team"),
    );
    if check.clusters { in_runtime(clusters(catalog)) } else { Ok(()) }
}

/// What is missing goes to standard output, with what would grant it; one sentence for each cluster that is not ready to
/// standard error.
async fn clusters(catalog: &Catalog) -> Done {
    let checked = engine::clusters::rights::check(catalog, &Surroundings::of_this_process(), WITHIN).await;
    let sentences: Vec<String> = checked.into_iter().filter_map(report).collect();
    if sentences.is_empty() { Ok(()) } else { Err(Failure::failed(sentences.join("\n"))) }
}

fn report(checked: Checked) -> Option<String> {
    let name = &checked.cluster;
    let found = match checked.found {
        Ok(found) => found,
        Err(sentence) => return Some(sentence),
    };
    let asked = count(found.asked as i64, "right");
    if found.missing.is_empty() {
        println!("{name}: {} has all {asked}.", who(&found));
        return None;
    }
    println!("{name}: {} of {asked} missing, {}:", found.missing.len(), who(&found));
    for right in &found.missing {
        println!("  {right}");
    }
    println!("# What would grant them on {name}, for kubectl apply:\n{}", rights::roles(&found.missing, &found.names).trim_end());
    Some(format!("Cluster {name}: the portal lacks {} there.", count(found.missing.len() as i64, "right")))
}

fn who(found: &Found) -> String {
    match (&found.names.read, &found.names.deploy) {
        (Some(read), Some(deploy)) if read != deploy => format!("{read} (deploying as {deploy})"),
        (Some(read), _) => read.clone(),
        _ => "the portal".to_owned(),
    }
}
