//! Labels, and what selects by them.

use crate::Text;
use std::collections::BTreeMap;

pub type Labels = BTreeMap<String, String>;

/// The labels of something that there are many of: as small as it can be, in order of their keys.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Tags(Box<[(Text, Text)]>);

impl Tags {
    pub fn get(&self, key: &str) -> Option<&str> {
        let at = self.0.binary_search_by(|(name, _)| (**name).cmp(key)).ok()?;
        Some(&self.0[at].1)
    }

    /// Each key and value, to be replaced by one that is shared.
    pub fn texts(&mut self) -> impl Iterator<Item = &mut Text> {
        self.0.iter_mut().flat_map(|(key, value)| [key, value])
    }
}

impl From<Labels> for Tags {
    fn from(labels: Labels) -> Tags {
        Tags(labels.into_iter().map(|(key, value)| (key.into(), value.into())).collect())
    }
}

/// A selector of labels selects what has all of them.
pub fn selects(selector: &Labels, labels: &Tags) -> bool {
    selector.iter().all(|(key, value)| labels.get(key) == Some(value.as_str()))
}
