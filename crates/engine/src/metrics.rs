//! Figures for Prometheus: what the portal holds and how its changes stand.

use crate::Engine;
use std::fmt::Write;

impl Engine {
    /// Prometheus text format, version 0.0.4.
    pub async fn metrics_text(&self) -> String {
        let mut text = String::new();
        let mut family = |name: &str, help: &str, rows: Vec<(String, f64)>| {
            let _ = writeln!(text, "# HELP {name} {help}\n# TYPE {name} gauge");
            for (labels, value) in rows {
                let _ = writeln!(text, "{name}{labels} {value}");
            }
        };
        let clusters = || self.0.clusters.values();
        let per_cluster = |value: &dyn Fn(&crate::clusters::State) -> f64| {
            clusters().map(|c| (format!("{{cluster=\"{}\"}}", c.name), value(&c.state()))).collect::<Vec<_>>()
        };
        family("devmatrix_cluster_reachable", "1 while the cluster answers.", per_cluster(&|s| f64::from(u8::from(s.reachable()))));
        family("devmatrix_cluster_workloads", "Workloads held in memory.", per_cluster(&|s| s.counts().0 as f64));
        family("devmatrix_cluster_pods", "Pods held in memory.", per_cluster(&|s| s.counts().1 as f64));
        let seen = per_cluster(&|s| s.last_seen().map_or(0.0, |t| t.0 as f64 / 1000.0));
        family("devmatrix_cluster_last_seen_seconds", "When the cluster was last heard, epoch seconds.", seen);
        let changes = self.0.store.count_by_state().await.unwrap_or_default();
        let rows = changes.into_iter().map(|(state, n)| (format!("{{state=\"{state}\"}}"), n as f64)).collect();
        family("devmatrix_changes", "Changes by state.", rows);
        let deliveries = self.0.store.count_deliveries().await.unwrap_or_default();
        let rows = deliveries.into_iter().map(|(state, n)| (format!("{{state=\"{state}\"}}"), n as f64)).collect();
        family("devmatrix_page_deliveries", "Deliveries of pages by state.", rows);
        text
    }
}
