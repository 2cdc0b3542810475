//! Releases and what became of them: image references, deployment records, and how far one environment is behind another.

use crate::Time;
use crate::changes::{Hold, State};
use crate::clusters::Behind;
use serde::{Deserialize, Serialize};

/// An image reference taken apart: `repository[:tag][@sha256:digest]`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ImageRef {
    pub repository: String,
    pub tag: Option<String>,
    pub digest: Option<String>,
}

impl ImageRef {
    pub fn parse(text: &str) -> Option<ImageRef> {
        let (rest, digest) = match text.split_once('@') {
            Some((rest, digest)) => (rest, Some(digest)),
            None => (text, None),
        };
        if digest.is_some_and(|d| !is_digest(d)) {
            return None;
        }
        // A colon before the last slash belongs to a registry's port.
        let (repository, tag) = match rest.rsplit_once(':') {
            Some((repository, tag)) if !tag.contains('/') => (repository, Some(tag)),
            _ => (rest, None),
        };
        if repository.is_empty() || tag.is_some_and(str::is_empty) || text.chars().any(char::is_whitespace) {
            return None;
        }
        Some(ImageRef { repository: repository.into(), tag: tag.map(Into::into), digest: digest.map(Into::into) })
    }

    /// The reference that pins `digest` and keeps the tag for people to read.
    pub fn pinned(&self, digest: &str) -> String {
        match &self.tag {
            Some(tag) => format!("{}:{tag}@{digest}", self.repository),
            None => format!("{}@{digest}", self.repository),
        }
    }

    /// What a person calls it: the tag, or the beginning of the digest, or `latest`.
    pub fn version(&self) -> String {
        match (&self.tag, &self.digest) {
            (Some(tag), _) => tag.clone(),
            (None, Some(digest)) => digest.trim_start_matches("sha256:").chars().take(8).collect(),
            (None, None) => "latest".into(),
        }
    }
}

impl std::fmt::Display for ImageRef {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.repository)?;
        self.tag.iter().try_for_each(|tag| write!(f, ":{tag}"))?;
        self.digest.iter().try_for_each(|digest| write!(f, "@{digest}"))
    }
}

pub fn is_digest(text: &str) -> bool {
    text.strip_prefix("sha256:").is_some_and(|hex| hex.len() == 64 && hex.bytes().all(|c| c.is_ascii_hexdigit() && !c.is_ascii_uppercase()))
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum RecordOutcome {
    Running,
    Succeeded,
    Failed,
    /// It ran before the portal looked, or something else deployed it: nobody judged it.
    Unknown,
}

impl RecordOutcome {
    pub fn as_str(self) -> &'static str {
        match self {
            RecordOutcome::Running => "running",
            RecordOutcome::Succeeded => "succeeded",
            RecordOutcome::Failed => "failed",
            RecordOutcome::Unknown => "unknown",
        }
    }

    /// What the end of a change says of the release that it deployed: only a rollout that was seen to fail is a failure of it.
    pub fn of(end: State) -> RecordOutcome {
        match end {
            State::Succeeded => RecordOutcome::Succeeded,
            State::Failed => RecordOutcome::Failed,
            _ => RecordOutcome::Unknown,
        }
    }

    pub fn parse(text: &str) -> RecordOutcome {
        match text {
            "running" => RecordOutcome::Running,
            "succeeded" => RecordOutcome::Succeeded,
            "failed" => RecordOutcome::Failed,
            _ => RecordOutcome::Unknown,
        }
    }
}

/// That a release became what an environment runs.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
pub struct DeploymentRecord {
    pub id: String,
    pub component: String,
    pub environment: String,
    /// Kubernetes' revision of the Deployment.
    pub revision: i64,
    pub image: String,
    pub tag: Option<String>,
    pub digest: Option<String>,
    /// The change of the portal that did it; null for what ran before or came from elsewhere.
    pub change: Option<String>,
    pub by: Option<String>,
    pub commit: Option<String>,
    /// In the words of `kubernetes.io/change-cause`.
    pub cause: Option<String>,
    #[schema(value_type = String, format = DateTime)]
    pub at: Time,
    pub outcome: RecordOutcome,
    pub duration_s: Option<i64>,
    pub current: bool,
}

impl DeploymentRecord {
    pub fn version(&self) -> String {
        ImageRef::parse(&self.image).map_or_else(|| self.image.clone(), |image| image.version())
    }

    /// The same artifact: by digest where both are known, else by repository and tag.
    pub fn same_artifact(&self, image: &str, digest: Option<&str>) -> bool {
        same_artifact((&self.image, self.digest.as_deref()), (image, digest))
    }
}

/// Two images with their digests, where these are known: the same by digest where both are, else by repository and tag.
pub fn same_artifact((one, one_digest): (&str, Option<&str>), (other, other_digest): (&str, Option<&str>)) -> bool {
    if let (Some(one), Some(other)) = (one_digest, other_digest) {
        return one == other;
    }
    match (ImageRef::parse(one), ImageRef::parse(other)) {
        (Some(one), Some(other)) => one.tag.is_some() && one.repository == other.repository && one.tag == other.tag,
        _ => false,
    }
}

/// What ran here before and is of another artifact than what runs now. `records` is newest first, and so is this.
pub fn others(records: &[DeploymentRecord]) -> impl Iterator<Item = &DeploymentRecord> {
    let current = records.iter().find(|record| record.current);
    records.iter().filter(move |record| {
        !record.current && current.is_none_or(|current| !record.same_artifact(&current.image, current.digest.as_deref()))
    })
}

/// What a rollback without a revision goes to: the last that succeeded, else the last that did not fail.
pub fn last_good(records: &[DeploymentRecord]) -> Option<&DeploymentRecord> {
    others(records)
        .find(|record| record.outcome == RecordOutcome::Succeeded)
        .or_else(|| others(records).find(|record| record.outcome == RecordOutcome::Unknown))
}

/// What is gone back to without asking anybody: the last that succeeded, and that nobody has put on hold here.
pub fn last_sure<'a>(records: &'a [DeploymentRecord], holds: &[Hold]) -> Option<&'a DeploymentRecord> {
    let held = |record: &DeploymentRecord| holds.iter().any(|hold| record.same_artifact(&hold.image, hold.digest.as_deref()));
    others(records).find(|record| record.outcome == RecordOutcome::Succeeded && !held(record))
}

/// How long a rollout takes in one place, by those that succeeded there.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
pub struct Usual {
    pub rollouts: i64,
    pub median_s: i64,
    pub slowest_s: i64,
}

/// None: no rollout of the portal has succeeded there yet. Of an even number the longer of the two in the middle counts.
pub fn usual(records: &[DeploymentRecord]) -> Option<Usual> {
    let mut took: Vec<i64> = records.iter().filter(|r| r.outcome == RecordOutcome::Succeeded).filter_map(|r| r.duration_s).collect();
    took.sort_unstable();
    let (median, slowest) = (took.get(took.len() / 2)?, took.last()?);
    Some(Usual { rollouts: took.len() as i64, median_s: *median, slowest_s: *slowest })
}

/// How many releases `source` has run since the one that runs in the target. `source` is newest first.
/// When the source never ran the target's release, all that is certain is that they differ: one.
pub fn behind(from: &str, source: &[DeploymentRecord], image: &str, digest: Option<&str>) -> Option<Behind> {
    let current = source.iter().find(|record| record.current)?;
    if current.same_artifact(image, digest) {
        return None;
    }
    let newer: Vec<_> = source
        .iter()
        .skip_while(|record| !record.current)
        .take_while(|record| !record.same_artifact(image, digest))
        .filter(|record| record.outcome != RecordOutcome::Failed || record.current)
        .collect();
    let found = source.iter().any(|record| record.same_artifact(image, digest));
    let mut artifacts: Vec<_> = newer.iter().map(|record| record.digest.as_deref().unwrap_or(&record.image)).collect();
    artifacts.sort_unstable();
    artifacts.dedup();
    let (releases, since) = if found { (artifacts.len() as i64, newer.last().map(|r| r.at)) } else { (1, Some(current.at)) };
    Some(Behind { from: from.to_owned(), releases: releases.max(1), since })
}

#[cfg(test)]
mod tests {
    use super::*;

    const D1: &str = "sha256:1111111111111111111111111111111111111111111111111111111111111111";

    #[test]
    fn image_references_come_apart() {
        let parsed = |text: &str| ImageRef::parse(text).map(|i| (i.repository, i.tag, i.digest));
        assert_eq!(parsed("redis"), Some(("redis".into(), None, None)));
        assert_eq!(parsed("host:5000/a/b"), Some(("host:5000/a/b".into(), None, None)));
        assert_eq!(parsed("host:5000/a/b:1.2"), Some(("host:5000/a/b".into(), Some("1.2".into()), None)));
        assert_eq!(parsed(&format!("a/b:1@{D1}")), Some(("a/b".into(), Some("1".into()), Some(D1.into()))));
        for bad in ["", ":1", "a:", "a@sha256:12", "a b", "@"] {
            assert_eq!(parsed(bad), None, "{bad:?}");
        }
        assert_eq!(ImageRef::parse("a/b:1").unwrap().pinned(D1), format!("a/b:1@{D1}"));
    }

    fn record(revision: i64, tag: &str, current: bool) -> DeploymentRecord {
        DeploymentRecord {
            id: revision.to_string(),
            component: "api".into(),
            environment: "staging".into(),
            revision,
            image: format!("api:{tag}"),
            tag: Some(tag.into()),
            digest: None,
            change: None,
            by: None,
            commit: None,
            cause: None,
            at: Time(revision * 1000),
            outcome: RecordOutcome::Unknown,
            duration_s: None,
            current,
        }
    }

    #[test]
    fn only_a_rollout_that_failed_is_a_failure_of_its_release() {
        for end in State::ALL.into_iter().filter(|state| state.is_terminal()) {
            let failed = RecordOutcome::of(end) == RecordOutcome::Failed;
            assert_eq!(failed, end == State::Failed, "{end}");
        }
        assert_eq!(RecordOutcome::of(State::Stuck), RecordOutcome::Unknown, "nobody saw its end");
        assert_eq!(RecordOutcome::of(State::Succeeded), RecordOutcome::Succeeded);
    }

    #[test]
    fn the_way_back_is_the_last_that_succeeded() {
        let (good, bad, aborted) = (RecordOutcome::Succeeded, RecordOutcome::Failed, RecordOutcome::Unknown);
        let records = |outcomes: &[(&str, RecordOutcome)]| -> Vec<_> {
            let newest = outcomes.len() as i64;
            (0..newest)
                .zip(outcomes)
                .map(|(at, (tag, outcome))| DeploymentRecord { outcome: *outcome, ..record(newest - at, tag, at == 0) })
                .collect()
        };
        let tag = |found: Option<&DeploymentRecord>| found.and_then(|record| record.tag.clone());
        let all = records(&[("4", bad), ("4", good), ("3", aborted), ("2", good), ("1", good)]);
        assert_eq!(tag(last_good(&all)).as_deref(), Some("2"), "neither the same release again nor one that was aborted");
        assert_eq!(tag(last_sure(&all, &[])).as_deref(), Some("2"));
        let hold = |image: &str| Hold {
            id: "h".into(),
            component: "api".into(),
            environment: "staging".into(),
            image: image.into(),
            digest: None,
            change: "c".into(),
            by: "bea".into(),
            at: Time(0),
        };
        assert_eq!(tag(last_sure(&all, &[hold("api:2")])).as_deref(), Some("1"), "what is on hold is not gone back to");
        let unjudged = records(&[("2", bad), ("1", aborted), ("0", bad)]);
        assert_eq!(tag(last_good(&unjudged)).as_deref(), Some("1"), "people may choose what nobody has judged");
        assert_eq!(last_sure(&unjudged, &[]), None, "the portal does not");
        assert_eq!(last_good(&records(&[("2", good), ("1", bad)])), None);
    }

    #[test]
    fn what_is_usual_counts_what_succeeded() {
        let took = |outcome, duration_s| DeploymentRecord { outcome, duration_s, ..record(1, "1", false) };
        let (good, bad) = (RecordOutcome::Succeeded, RecordOutcome::Failed);
        assert_eq!(usual(&[]), None);
        assert_eq!(usual(&[took(bad, Some(600)), took(RecordOutcome::Unknown, None), took(good, None)]), None);
        let of = |all: &[i64]| usual(&all.iter().map(|s| took(good, Some(*s))).collect::<Vec<_>>());
        assert_eq!(of(&[40]), Some(Usual { rollouts: 1, median_s: 40, slowest_s: 40 }));
        assert_eq!(of(&[90, 20]), Some(Usual { rollouts: 2, median_s: 90, slowest_s: 90 }));
        assert_eq!(of(&[30, 300, 20]), Some(Usual { rollouts: 3, median_s: 30, slowest_s: 300 }));
        let mixed = [took(bad, Some(900)), took(good, Some(30))];
        assert_eq!(usual(&mixed), Some(Usual { rollouts: 1, median_s: 30, slowest_s: 30 }));
    }

    #[test]
    fn behind_counts_the_releases_in_between() {
        let source = [record(4, "1.43.1", true), record(3, "1.43.0", false), record(2, "1.42.3", false), record(1, "1.42.2", false)];
        let of = |tag: &str| behind("staging", &source, &format!("api:{tag}"), None).map(|b| (b.releases, b.since));
        assert_eq!(of("1.43.1"), None);
        assert_eq!(of("1.42.3"), Some((2, Some(Time(3000)))));
        assert_eq!(of("1.42.2"), Some((3, Some(Time(2000)))));
        assert_eq!(of("0.9"), Some((1, Some(Time(4000)))));
    }
}
