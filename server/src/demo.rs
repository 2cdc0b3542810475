//! The demo: simulated clusters in this process, and the configuration that goes with them.

use crate::cli::Failure;
use domain::catalog::Catalog;

/// The demo's `devmatrix.yaml`.
pub const CONFIGURATION: &str = include_str!("demo.yaml");

/// The running demo; dropping it stops its clusters.
pub struct Demo {
    pub catalog: Catalog,
    pub clusters: sim::demo::Demo,
}

impl Demo {
    /// Where the clusters are, for the engine.
    pub fn addresses(&self) -> engine::Demo {
        engine::Demo { clusters: self.clusters.clusters.iter().map(|cluster| (cluster.name.to_owned(), cluster.url())).collect() }
    }
}

pub async fn start() -> Result<Demo, Failure> {
    let read = domain::catalog::read(CONFIGURATION, &engine::zones()).map_err(|problems| {
        let all: Vec<_> = problems.iter().map(ToString::to_string).collect();
        Failure::failed(format!("The demo's own configuration is wrong: {}", all.join("; ")))
    })?;
    let clusters = sim::demo::start().await.map_err(|error| Failure::failed(format!("The demo's clusters cannot listen: {error}.")))?;
    Ok(Demo { catalog: read.catalog, clusters })
}
