//! The decision: which ConfigMap is written next, and when the workload may be. [`next_step`] decides on the workload as for every
//! change; wherever that would send something, what is still to be restored comes first.

use super::ConfigWrite;
use crate::Time;
use crate::changes::step::{Journal, Next, SENDS, STUCK_AFTER_S, Seen, Written, finish, held, next_step};
use crate::changes::{CHANGE_ANNOTATION, State};
use std::fmt;

/// The journal of one ConfigMap's write.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum ConfigWritten {
    #[default]
    Nothing,
    /// Journalled before sending: what became of it may be unknown. `resource_version` is the precondition in the bytes; empty for one
    /// that is made anew.
    /// `unanswered`: a try has no certain answer.
    Intended {
        resource_version: String,
        tries: i64,
        unanswered: bool,
    },
    Applied,
}

/// What the cluster shows of one ConfigMap now.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ConfigSeen {
    Unreachable(String),
    /// The cluster answered: there is none of this name.
    Gone,
    There(ConfigPresent),
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ConfigPresent {
    pub uid: String,
    pub resource_version: String,
    pub hash: String,
    /// The change that wrote it last, by its annotation.
    pub change: Option<String>,
    /// Why it may not be written: it is immutable, or a GitOps tool owns it.
    pub locked: Option<String>,
}

/// The ConfigMaps of a change, each with its journal and how it looks, in the order of their writes.
#[derive(Clone, Debug, Default)]
pub struct Restoring {
    pub maps: Vec<(ConfigWrite, ConfigWritten, ConfigSeen)>,
}

pub fn next_write(journal: &Journal<'_>, restoring: &Restoring, seen: &Seen, now: Time) -> Next {
    if restoring.maps.is_empty() || matches!(journal.written, Written::Applied { .. }) {
        return next_step(journal, seen, now);
    }
    if let Some(next) = unsettled(journal, restoring, now) {
        return next;
    }
    let workload = next_step(&Journal { closed: None, ..*journal }, seen, now);
    if !workload.sends() {
        return workload;
    }
    let next = restore(restoring).map_or(workload, |next| next.truthful(journal, seen));
    match journal.closed {
        Some(why) if next.sends() => held(journal, why, now).truthful(journal, seen),
        _ => next,
    }
}

/// What was sent is looked for before anything else is decided: whatever ends the change says truly what it leaves.
fn unsettled(journal: &Journal<'_>, restoring: &Restoring, now: Time) -> Option<Next> {
    restoring.maps.iter().enumerate().find_map(|(position, (write, written, seen))| match (written, seen) {
        (ConfigWritten::Intended { .. }, ConfigSeen::There(present)) if present.change.as_deref() == Some(journal.id) => {
            Some(Next::AdoptConfig { position, name: write.name.clone() })
        }
        (ConfigWritten::Intended { unanswered: true, .. }, ConfigSeen::Unreachable(why)) => Some(unknown(journal, write, why, now)),
        _ => None,
    })
}

fn unknown(journal: &Journal<'_>, write: &ConfigWrite, why: &str, now: Time) -> Next {
    if now.seconds_since(journal.valid_until) <= STUCK_AFTER_S {
        return Next::Retry(why.to_owned());
    }
    let reason = format!(
        "whether the write of ConfigMap {} arrived is not known, and it cannot be read ({why}): look at it there; it arrived if its {} is {}",
        write.name, CHANGE_ANNOTATION, journal.id
    );
    finish(State::Stuck, &reason)
}

/// The next ConfigMap to write. None: all are restored.
fn restore(restoring: &Restoring) -> Option<Next> {
    if let Some(why) = restoring.maps.iter().find_map(|(write, written, seen)| moved(write, written, seen)) {
        return Some(finish(State::Superseded, &why));
    }
    let unreachable = restoring.maps.iter().find_map(|(write, _, seen)| match seen {
        ConfigSeen::Unreachable(why) => Some(format!("ConfigMap {}: {why}", write.name)),
        _ => None,
    });
    if let Some(why) = unreachable {
        return Some(Next::Retry(why));
    }
    let (position, (write, written, seen)) =
        restoring.maps.iter().enumerate().find(|(_, (_, written, _))| *written != ConfigWritten::Applied)?;
    let at = match seen {
        ConfigSeen::There(present) => present.resource_version.as_str(),
        _ => "",
    };
    Some(match written {
        ConfigWritten::Intended { tries, .. } if *tries >= SENDS => {
            finish(State::Errored, &format!("the cluster took none of many tries to write ConfigMap {}; try again", write.name))
        }
        // The same bytes are still good: nothing became of them.
        ConfigWritten::Intended { resource_version, .. } if resource_version == at => {
            Next::SendConfig { position, name: write.name.clone() }
        }
        _ => Next::IntendConfig { position, name: write.name.clone(), resource_version: at.to_owned() },
    })
}

/// How a ConfigMap differs from what the plan has at this point, if it does.
fn moved(write: &ConfigWrite, written: &ConfigWritten, seen: &ConfigSeen) -> Option<String> {
    let name = &write.name;
    if *written == ConfigWritten::Applied {
        let ours = match seen {
            ConfigSeen::Unreachable(_) => true,
            ConfigSeen::Gone => false,
            ConfigSeen::There(present) => present.hash == write.hash_after && write.uid.as_ref().is_none_or(|uid| *uid == present.uid),
        };
        return (!ours).then(|| format!("ConfigMap {name} was changed again, outside this change, after it was restored; plan again"));
    }
    match (seen, &write.uid) {
        (ConfigSeen::Unreachable(_), _) | (ConfigSeen::Gone, None) => None,
        (ConfigSeen::Gone, Some(_)) => Some(format!("ConfigMap {name} was deleted after the plan was made; plan again")),
        (ConfigSeen::There(_), None) => Some(format!("ConfigMap {name} was made by somebody else after the plan was made; plan again")),
        (ConfigSeen::There(present), Some(uid)) if present.uid != *uid => {
            Some(format!("ConfigMap {name} was deleted and made anew after the plan was made; plan again"))
        }
        (ConfigSeen::There(present), Some(_)) if write.hash.as_ref() != Some(&present.hash) => {
            Some(format!("ConfigMap {name} was changed after the plan was made; plan again"))
        }
        (ConfigSeen::There(present), Some(_)) => present.locked.as_ref().map(|why| format!("ConfigMap {name} {why} by now")),
    }
}

impl fmt::Display for Restoring {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.maps.iter().try_for_each(|(write, _, seen)| {
            write!(f, "; ConfigMap {}: ", write.name)?;
            match seen {
                ConfigSeen::Unreachable(why) => write!(f, "cannot be read: {why}"),
                ConfigSeen::Gone => f.write_str("not there"),
                ConfigSeen::There(present) => {
                    let holds = match &present.hash {
                        hash if *hash == write.hash_after => "as it was then",
                        hash if Some(hash) == write.hash.as_ref() => "as planned",
                        _ => "changed",
                    };
                    write!(f, "resourceVersion {}, {holds}", present.resource_version)?;
                    present.change.as_ref().map_or(Ok(()), |change| write!(f, ", last written by {change}"))
                }
            }
        })
    }
}
