//! Image references: their parts, their digest, and what a container of this image will do.
//!
//! Invariant: the fate of a container depends on its tag and its namespace only, so every run is the same.

use sha2::{Digest, Sha256};

/// What happens to a container, as written in the end of its image's tag.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Fate {
    Healthy,
    /// `-slow`: becomes ready after fifteen seconds.
    Slow,
    /// `-crash`: exits with 1 soon after each start.
    Crashes,
    /// `-nopull`, or `-prodnopull` outside of a namespace that ends in `-staging`.
    NeverPulled,
}

impl Fate {
    pub fn of(image: &str, namespace: &str) -> Fate {
        let tag = tag_of(image);
        if tag.ends_with("-prodnopull") {
            return if namespace.ends_with("-staging") { Fate::Healthy } else { Fate::NeverPulled };
        }
        match tag.rsplit_once('-') {
            Some((_, "nopull")) => Fate::NeverPulled,
            Some((_, "crash")) => Fate::Crashes,
            Some((_, "slow")) => Fate::Slow,
            _ => Fate::Healthy,
        }
    }
}

/// The tag of `repo:tag` or `repo:tag@sha256:...`; `latest` if there is none.
fn tag_of(image: &str) -> &str {
    let (_, tag) = split(image);
    tag.unwrap_or("latest")
}

fn split(image: &str) -> (&str, Option<&str>) {
    let image = image.split_once('@').map_or(image, |(image, _)| image);
    match image.rsplit_once(':') {
        // A port of the registry, not a tag.
        Some((_, tag)) if tag.contains('/') => (image, None),
        Some((repository, tag)) => (repository, Some(tag)),
        None => (image, None),
    }
}

/// Whether the tag is missing or `latest`, for which Kubernetes pulls on every start.
pub(crate) fn is_latest(image: &str) -> bool {
    !image.contains('@') && tag_of(image) == "latest"
}

/// What the registry resolves an image to: `repo@sha256:D`.
///
/// A reference that carries a digest keeps it. A tag has the SHA-256 of `repo:tag` as its digest, so that the same
/// tag is the same image in every cluster.
pub fn digest_of(image: &str) -> String {
    let (repository, tag) = split(image);
    match image.split_once('@') {
        Some((_, digest)) => format!("{repository}@{digest}"),
        None => format!("{repository}@sha256:{}", hex(&format!("{repository}:{}", tag.unwrap_or("latest")))),
    }
}

/// The SHA-256 of a text in hexadecimal digits.
pub(crate) fn hex(text: &str) -> String {
    Sha256::digest(text.as_bytes()).iter().map(|byte| format!("{byte:02x}")).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn fate_follows_tag_and_namespace() {
        let digest = format!("repo/api:1.0-crash@sha256:{}", "0".repeat(64));
        assert_eq!(Fate::of("repo/api:1.0", "shop"), Fate::Healthy);
        assert_eq!(Fate::of(&digest, "shop"), Fate::Crashes);
        assert_eq!(Fate::of("repo:5000/api", "shop"), Fate::Healthy);
        assert_eq!(Fate::of("repo/api:1-nopull", "shop"), Fate::NeverPulled);
        assert_eq!(Fate::of("repo/api:1-slow", "shop"), Fate::Slow);
        assert_eq!(Fate::of("repo/api:1-prodnopull", "shop"), Fate::NeverPulled);
        assert_eq!(Fate::of("repo/api:1-prodnopull", "shop-staging"), Fate::Healthy);
    }

    #[test]
    fn a_tag_has_one_digest_everywhere() {
        let pinned = "repo:5000/api:1@sha256:abc";
        assert_eq!(digest_of(pinned), "repo:5000/api@sha256:abc");
        assert_eq!(digest_of("repo:5000/api"), digest_of("repo:5000/api:latest"));
        assert_eq!(digest_of("api:1"), format!("api@sha256:{}", hex("api:1")));
    }
}
