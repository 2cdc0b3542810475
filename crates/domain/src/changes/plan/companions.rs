//! The containers of a release beside the one that names its version: a migration that runs first, a worker in the same pod.
//! Those that the component names are promoted with it, each by the digest that it runs; all others stay.

use super::{Facts, Live, Refusal, RefusalCode, Word};
use crate::releases::ImageRef;
use serde_json::{Value, json};

/// A container of a release, beside its main one, as it runs.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Companion {
    pub name: String,
    /// Whether it runs before the others, and ends.
    pub init: bool,
    pub image: String,
    /// What all its ready new pods run, or what the reference pins.
    pub digest: Option<String>,
}

/// One that goes to another image.
pub(super) struct Moved {
    name: String,
    init: bool,
    from: String,
    to: String,
    same: bool,
}

/// What becomes of them. Refused: one is missing on either side, or nobody knows what it runs in the source.
pub(super) fn moved(facts: &Facts, source: &Live, source_title: &str, target: &Live) -> Result<Vec<Moved>, Refusal> {
    let one = |name: &String| {
        let there = named(source, name, source_title)?;
        let here = named(target, name, &facts.environment.title)?;
        if there.init != here.init {
            let why = format!("`{name}` is an init container on one side only: {source_title} and {} differ.", facts.environment.title);
            return Err(Refusal::new(RefusalCode::ContainerMissing, why));
        }
        let unknown = || {
            let why = format!(
                "The pods in {source_title} do not all name one image digest of `{name}`, so it is not certain what would be promoted."
            );
            Refusal::new(RefusalCode::DigestUnknown, why)
        };
        let digest = there.digest.as_ref().ok_or_else(unknown)?;
        let image = ImageRef::parse(&there.image).ok_or_else(unknown)?;
        let (from, to, same) = (here.image.clone(), image.pinned(digest), here.digest.as_ref() == Some(digest));
        Ok(Moved { name: name.clone(), init: here.init, from, to, same })
    };
    facts.component.companions.iter().map(one).collect()
}

fn named<'a>(live: &'a Live, name: &str, title: &str) -> Result<&'a Companion, Refusal> {
    live.companions.iter().find(|companion| companion.name == name).ok_or_else(|| {
        let why = format!("The workload in {title} has no container `{name}`, which is promoted with this component.");
        Refusal::new(RefusalCode::ContainerMissing, why)
    })
}

impl Moved {
    pub fn is_there_already(&self) -> bool {
        self.same
    }

    /// Adds it to the patch of a pod's spec.
    pub fn patch(&self, spec: &mut Value) {
        let list = if self.init { "initContainers" } else { "containers" };
        let container = json!({"name": self.name, "image": self.to});
        match spec[list].as_array_mut() {
            Some(containers) => containers.push(container),
            None => spec[list] = json!([container]),
        }
    }

    pub fn word(&self) -> Word {
        let what = if self.init { "Init container" } else { "Container" };
        let text = match self.same {
            true => format!("`{}` stays at {}", self.name, version(&self.to)),
            false => format!("`{}`: {} → {}, the digest that runs in the source", self.name, version(&self.from), version(&self.to)),
        };
        Word { what: what.into(), text }
    }
}

/// Containers that nobody named, and that have another image in the source: they stay, and that is said.
pub(super) fn left_behind(facts: &Facts, source: &Live, source_title: &str, target: &Live) -> Option<Word> {
    let images = |live: &Live| -> Vec<(String, String)> {
        let lists = ["containers", "initContainers"].into_iter();
        let all = lists.filter_map(|list| live.object.pointer(&format!("/spec/template/spec/{list}"))?.as_array());
        let text = |container: &Value, field: &str| container[field].as_str().unwrap_or_default().to_owned();
        all.flatten().map(|container| (text(container, "name"), text(container, "image"))).collect()
    };
    let theirs = images(source);
    let is_promoted = |name: &String| *name == target.container || facts.component.companions.contains(name);
    let differs = |(name, image): &(String, String)| {
        let (_, there) = theirs.iter().find(|(theirs, _)| theirs == name)?;
        (there != image && !is_promoted(name)).then(|| format!("`{name}` at {} ({source_title} has {})", version(image), version(there)))
    };
    let stay: Vec<String> = images(target).iter().filter_map(differs).collect();
    (!stay.is_empty()).then(|| Word { what: "Other containers".into(), text: format!("Stay: {}", stay.join(", ")) })
}

fn version(image: &str) -> String {
    ImageRef::parse(image).map_or_else(|| image.to_owned(), |image| image.version())
}
