//! A long list of pods, a part at a time: the worst first, so that what needs a look is on the first page.

use super::PodView;
use crate::{Error, Result};
use std::cmp::Reverse;

/// Which pods of one environment are looked at on a component's page.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct PodsWanted {
    /// Of the others the first page is shown.
    pub environment: String,
    /// In the name, state, version or node, whatever the case.
    pub text: String,
    /// From 1.
    pub page: usize,
}

/// One page of a list.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PodsPage {
    pub pods: Vec<PodView>,
    /// How many the text leaves, on all pages.
    pub matching: usize,
    /// The number of the first one, from 1; 0 when there is none.
    pub first: usize,
    /// From 1.
    pub page: usize,
    pub pages: usize,
}

impl PodsWanted {
    /// Rows that a browser renders without a noticeable wait.
    pub const ON_A_PAGE: usize = 200;
    const LONGEST_TEXT: usize = 200;

    /// From the parameters of a URL, by name. Errors: `Invalid` with the parameter's name.
    pub fn read<'a>(parameter: impl Fn(&str) -> Option<&'a str>) -> Result<PodsWanted> {
        let text = parameter("text").unwrap_or_default();
        if text.chars().count() > PodsWanted::LONGEST_TEXT {
            return Err(Error::invalid("text", format!("expected at most {} characters", PodsWanted::LONGEST_TEXT)));
        }
        let page = parameter("page").map_or(Some(1), |text| text.parse().ok().filter(|page| *page > 0));
        Ok(PodsWanted {
            environment: parameter("environment").unwrap_or_default().to_owned(),
            text: text.trim().to_owned(),
            page: page.ok_or_else(|| Error::invalid("page", "expected a number from 1"))?,
        })
    }

    /// What is wanted of this environment.
    pub fn of(&self, environment: &str) -> PodsWanted {
        if self.environment == environment { self.clone() } else { PodsWanted { page: 1, ..PodsWanted::default() } }
    }

    /// A page behind the end is the last one.
    pub fn choose(&self, pods: &[PodView]) -> PodsPage {
        let text = self.text.to_lowercase();
        let has = |pod: &&PodView| {
            text.is_empty()
                || [&pod.name, &pod.status, &pod.version, &pod.node].into_iter().any(|field| field.to_lowercase().contains(&text))
        };
        let mut found: Vec<&PodView> = pods.iter().filter(has).collect();
        found.sort_by_key(|pod| (pod.ready, Reverse(pod.restarts), Reverse(pod.created), &pod.name));
        let pages = found.len().div_ceil(PodsWanted::ON_A_PAGE).max(1);
        let page = self.page.clamp(1, pages);
        let before = (page - 1) * PodsWanted::ON_A_PAGE;
        let shown: Vec<PodView> = found.iter().skip(before).take(PodsWanted::ON_A_PAGE).map(|pod| (*pod).clone()).collect();
        let first = if shown.is_empty() { 0 } else { before + 1 };
        PodsPage { pods: shown, matching: found.len(), first, page, pages }
    }
}

impl PodsPage {
    /// The number of the last one that is shown.
    pub fn last(&self) -> usize {
        (self.first + self.pods.len()).saturating_sub(1)
    }
}
