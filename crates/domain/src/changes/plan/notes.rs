//! What CI notes of a build on its pods: the version as a label, the commit and its authors as annotations. They follow the image, so
//! that what runs never carries the notes of another release.

use super::Live;
use crate::releases::ImageRef;
use serde_json::{Value, json};

/// Kubernetes' recommended label: the version of the application.
pub const VERSION_LABEL: &str = "app.kubernetes.io/version";
pub const COMMIT_NOTE: &str = "devmatrix.io/commit";
/// Who wrote the release; several with commas between.
pub const AUTHOR_NOTE: &str = "devmatrix.io/author";

/// The notes of one release. None: nothing says it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Notes {
    commit: Option<String>,
    author: Option<String>,
}

impl Notes {
    pub(super) fn by(authors: Option<&[String]>) -> Notes {
        Notes { commit: None, author: authors.map(|names| names.join(", ")) }
    }

    /// They count only while the version label, which is set with them, is the image's tag.
    pub(super) fn of(live: &Live) -> Notes {
        let tag = ImageRef::parse(&live.image).and_then(|image| image.tag);
        if tag.is_none() || noted(live, "labels", VERSION_LABEL) != tag.as_deref() {
            return Notes::default();
        }
        let note = |key| noted(live, "annotations", key).map(str::to_owned);
        Notes { commit: note(COMMIT_NOTE), author: note(AUTHOR_NOTE) }
    }

    /// On a template that carries a version, for an image that has one; on another they would not count, and those of before are taken
    /// away only.
    pub(super) fn write(&self, target: &Live, tag: Option<&str>, body: &mut Value) {
        let tag = tag.filter(|_| counts(target, tag));
        if tag.is_some() {
            body["spec"]["template"]["metadata"]["labels"] = json!({VERSION_LABEL: tag});
        }
        for (key, note) in [(COMMIT_NOTE, &self.commit), (AUTHOR_NOTE, &self.author)] {
            let note = note.as_ref().filter(|_| tag.is_some());
            // To a strategic merge, null takes a key away.
            if note.is_some() || noted(target, "annotations", key).is_some() {
                body["spec"]["template"]["metadata"]["annotations"][key] = json!(note);
            }
        }
    }
}

/// Whether notes beside this tag would count on the target.
pub(super) fn counts(target: &Live, tag: Option<&str>) -> bool {
    noted(target, "labels", VERSION_LABEL).is_some() && tag.is_some_and(is_label_value)
}

fn noted<'a>(live: &'a Live, list: &str, key: &str) -> Option<&'a str> {
    live.object.pointer("/spec/template/metadata")?.get(list)?.get(key)?.as_str()
}

/// A tag may be longer than a label's 63 characters, and may begin with `_`.
fn is_label_value(tag: &str) -> bool {
    tag.len() <= 63 && [tag.chars().next(), tag.chars().last()].iter().all(|c| c.is_some_and(|c| c.is_ascii_alphanumeric()))
}
