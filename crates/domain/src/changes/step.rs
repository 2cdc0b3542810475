//! What the worker does next. One pure function over the change's journal and what is seen in the cluster: the first try,
//! the second one and the recovery after a crash are the same code.

mod job;

pub use job::{JobEnd, Ran};

use super::plan::{Target, TargetKind};
use super::{Outcome, PatchKind, State};
use crate::Time;
use crate::clusters::{PodSaid, Refused, Rollout, WorkloadKind};

/// The journal of a change's one write.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum Written {
    #[default]
    Nothing,
    /// Journalled before sending. `resource_version` is the precondition in the bytes; `conflicts`: so many tries found the object at
    /// another one; `unanswered`: a try of these bytes has no certain answer.
    Intended { resource_version: String, tries: i64, conflicts: i64, unanswered: bool },
    /// The API server made this generation of it, with this spec. (A Deployment's generation also rises when somebody edits its
    /// annotations; while the spec is ours, so is the rollout.)
    Applied { generation: i64, spec_hash: String },
}

/// What the cluster shows of the target now.
#[derive(Clone, Debug)]
pub enum Seen {
    Unreachable(String),
    /// The cluster answered: there is no such object.
    Gone,
    There(Box<Present>),
    /// Of a CronJob: the Job that this change made of it, or one of the same name.
    Ran(Box<Ran>),
}

#[derive(Clone, Debug)]
pub struct Present {
    pub uid: String,
    pub resource_version: String,
    pub generation: i64,
    pub spec_hash: String,
    /// It has annotations.
    pub annotated: bool,
    /// The change that wrote it last, by its annotation.
    pub change: Option<String>,
    pub rollout: Rollout,
    /// A pod of the new revision that cannot start.
    pub failing: Option<PodSaid>,
    /// When a pod of the new revision was last made or became ready.
    pub progressed: Option<Time>,
    /// A pod of an earlier revision for which a StatefulSet waits, and that does not become ready.
    pub held_up: Option<PodSaid>,
    /// Quota or admission: the controller cannot make pods, in its words.
    pub replica_failure: Option<String>,
    /// The same of a StatefulSet or DaemonSet, from the Events of its controller.
    pub refused: Option<Refused>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Next {
    /// Journal the intent to write against this resourceVersion, then send.
    Intend {
        resource_version: String,
    },
    /// Send the journalled bytes (again).
    Send,
    /// The same of a ConfigMap that is brought back with a rollback (`config`), by its place among them.
    IntendConfig {
        position: usize,
        name: String,
        resource_version: String,
    },
    SendConfig {
        position: usize,
        name: String,
    },
    AdoptConfig {
        position: usize,
        name: String,
    },
    /// Our write arrived although its answer did not: journal it as applied.
    Adopt {
        generation: i64,
        spec_hash: String,
    },
    /// Look again when the cluster tells of a change.
    Watch(String),
    /// Its environment is closed: nothing is sent until it opens, or until the glass is broken.
    Wait(String),
    /// The cluster cannot be reached: look again later.
    Retry(String),
    Finish {
        state: State,
        reason: String,
        failing_pod: Option<PodSaid>,
    },
}

/// A status write raises resourceVersion without touching the spec; so often may one come between the look and the write.
const CONFLICTS: i64 = 8;

/// So often it is sent while nothing becomes of it: with [`pause`], ten minutes of a cluster that answers errors.
pub(super) const SENDS: i64 = 24;

/// A StatefulSet or DaemonSet whose new pods make no progress for so long has failed, in seconds: what Kubernetes gives a Deployment
/// by default (progressDeadlineSeconds), and these kinds not at all.
const DEADLINE_S: i64 = 600;

/// So long a controller is refused pods before its rollout has failed, in seconds: a quota counts what has just ended for a moment.
const REFUSED_S: i64 = 15;

/// A rollout that neither ends nor fails for so long needs a person, in seconds; so does a write of which nothing can be learned for
/// so long after its plan has expired.
pub(super) const STUCK_AFTER_S: i64 = 3600;

/// The longest pause between two tries, in seconds.
const PAUSE_S: i64 = 30;

/// Of a workload a Job tells nothing.
const NO_WORKLOAD: &str = "a Job was seen in place of the workload";

/// How long to rest after so many tries in a row that failed for want of the world, in seconds: each time twice as long, up to a bound.
pub fn pause(failures: u32) -> i64 {
    1_i64.checked_shl(failures).filter(|s| (1..PAUSE_S).contains(s)).unwrap_or(PAUSE_S)
}

pub struct Journal<'a> {
    pub id: &'a str,
    pub target: &'a Target,
    /// Of what is sent.
    pub patch: PatchKind,
    pub valid_until: Time,
    pub written: &'a Written,
    /// When it was first journalled to be sent.
    pub intended_at: Option<Time>,
    pub written_at: Option<Time>,
    /// Why nothing may be written here now, if so.
    pub closed: Option<&'a str>,
}

/// What an end says when a try of the write may still arrive.
pub const MAY_ARRIVE: &str = "a try of its write got no certain answer and may still arrive: look at the cluster";

impl Journal<'_> {
    /// A try of the write is not known to have come to nothing. A patch fits the resourceVersion in it only; a pod's deletion and a
    /// Job's creation fit whatever becomes of the workload.
    pub fn may_arrive(&self, seen: &Seen) -> bool {
        let Written::Intended { resource_version, unanswered: true, .. } = self.written else { return false };
        match (self.patch, seen) {
            (PatchKind::StrategicMerge | PatchKind::Json, Seen::There(present)) => present.resource_version == *resource_version,
            (PatchKind::StrategicMerge | PatchKind::Json, _) => false,
            (PatchKind::DeletePod | PatchKind::CreateJob, seen) => matches!(seen, Seen::There(_) | Seen::Gone),
        }
    }

    fn unanswered(&self) -> bool {
        matches!(self.written, Written::Intended { unanswered: true, .. })
    }
}

/// A reason to end a change, of which a try may still arrive.
pub fn in_doubt(reason: &str, may_arrive: bool) -> String {
    if may_arrive { format!("{reason}; {MAY_ARRIVE}") } else { reason.to_owned() }
}

pub fn next_step(journal: &Journal<'_>, seen: &Seen, now: Time) -> Next {
    decided(journal, seen, now).truthful(journal, seen)
}

fn decided(journal: &Journal<'_>, seen: &Seen, now: Time) -> Next {
    let next = match journal.written {
        _ if journal.target.kind == TargetKind::CRON_JOB => job::next(journal, seen, now),
        Written::Nothing => before_write(journal, seen, now),
        Written::Intended { resource_version, tries, conflicts, .. } => {
            after_intent(journal, seen, resource_version, (*tries, *conflicts), now)
        }
        Written::Applied { generation, spec_hash } => {
            let next = rolling_out(journal, seen, *generation, spec_hash, now);
            stuck(journal, &next, now).unwrap_or(next)
        }
    };
    match journal.closed {
        Some(why) if next.sends() => held(journal, why, now),
        _ => next,
    }
}

/// What would be sent waits, as long as its plan is good.
pub(super) fn held(journal: &Journal<'_>, why: &str, now: Time) -> Next {
    if now > journal.valid_until {
        return finish(State::Expired, &format!("the plan expired before it could be executed: {why}"));
    }
    Next::Wait(why.to_owned())
}

fn before_write(journal: &Journal<'_>, seen: &Seen, now: Time) -> Next {
    if now > journal.valid_until {
        return finish(State::Expired, "the plan was not executed in time");
    }
    match seen {
        Seen::Unreachable(why) => Next::Retry(why.clone()),
        Seen::Gone => finish(State::Superseded, &format!("{} was deleted after the plan was made", journal.target.in_words())),
        Seen::Ran(ran) => finish(State::Errored, &format!("{} is there already, and nothing was sent", ran.name)),
        Seen::There(present) => match moved(journal.target, present) {
            Some(why) => finish(State::Superseded, &why),
            None => Next::Intend { resource_version: present.resource_version.clone() },
        },
    }
}

/// What goes on for too long without an end.
fn stuck(journal: &Journal<'_>, next: &Next, now: Time) -> Option<Next> {
    let since = journal.written_at.map_or(0, |at| now.seconds_since(at));
    let why = match next {
        Next::Finish { .. } => return None,
        Next::Retry(why) => format!("the cluster cannot be read: {why}"),
        Next::Watch(why) => why.clone(),
        _ => format!("{} is edited again and again", journal.target.in_words()),
    };
    (since > STUCK_AFTER_S).then(|| finish(State::Stuck, &format!("no end after {}: {why}", crate::time::span(since))))
}

/// The answer to our write may have been lost. Either it arrived, or nothing happened, or somebody else was quicker.
fn after_intent(journal: &Journal<'_>, seen: &Seen, resource_version: &str, (tries, conflicts): (i64, i64), now: Time) -> Next {
    let present = match seen {
        Seen::Unreachable(why) => return unknown(journal, why, now),
        Seen::Gone => return finish(State::Superseded, &format!("{} was deleted while it was to be written", journal.target.in_words())),
        Seen::Ran(_) => return Next::Retry(NO_WORKLOAD.into()),
        Seen::There(present) => present,
    };
    if present.uid == journal.target.uid && present.change.as_deref() == Some(journal.id) {
        return adopt(journal.target, present);
    }
    if let Some(why) = moved(journal.target, present) {
        return finish(State::Superseded, &why);
    }
    // Nothing became of what was sent.
    if now > journal.valid_until {
        return finish(State::Expired, "the plan was not executed in time");
    }
    if tries >= SENDS {
        return finish(State::Errored, "the cluster took none of many tries to write; try again");
    }
    if present.resource_version == resource_version {
        return Next::Send;
    }
    if conflicts >= CONFLICTS {
        return finish(State::Errored, "the workload's status changes too fast to write to it safely; try again");
    }
    Next::Intend { resource_version: present.resource_version.clone() }
}

/// It may have arrived: that is never guessed, and a person is asked when nobody can know for long.
fn unknown(journal: &Journal<'_>, why: &str, now: Time) -> Next {
    // Each try was answered by a certain no: nothing has arrived, as before the first one.
    if !journal.unanswered() && now > journal.valid_until {
        return finish(State::Expired, "the plan was not executed in time");
    }
    if now.seconds_since(journal.valid_until) <= STUCK_AFTER_S {
        return Next::Retry(why.to_owned());
    }
    let reason = format!(
        "whether the write arrived is not known, and the cluster cannot be read ({why}): look at {} there; it arrived if its {} is {}",
        journal.target.in_words(),
        super::CHANGE_ANNOTATION,
        journal.id
    );
    finish(State::Stuck, &reason)
}

/// Our write as it was made. When somebody has edited it since, the next look finds their edit.
fn adopt(target: &Target, present: &Present) -> Next {
    match &target.spec_hash_after {
        Some(ours) if *ours != present.spec_hash => Next::Adopt { generation: present.generation - 1, spec_hash: ours.clone() },
        _ => Next::Adopt { generation: present.generation, spec_hash: present.spec_hash.clone() },
    }
}

fn rolling_out(journal: &Journal<'_>, seen: &Seen, generation: i64, spec_hash: &str, now: Time) -> Next {
    let present = match seen {
        Seen::Unreachable(why) => return Next::Retry(why.clone()),
        Seen::Gone => return finish(State::Errored, &format!("{} was deleted while it rolled out", journal.target.in_words())),
        Seen::Ran(_) => return Next::Retry(NO_WORKLOAD.into()),
        Seen::There(present) => present,
    };
    if present.uid != journal.target.uid {
        return finish(State::Errored, &format!("{} was deleted and made anew while it rolled out", journal.target.in_words()));
    }
    if present.generation > generation && present.spec_hash == spec_hash {
        return Next::Adopt { generation: present.generation, spec_hash: present.spec_hash.clone() };
    }
    // An autoscaler has no generation that counts its edits.
    if present.generation > generation || (journal.target.autoscaler.is_some() && present.spec_hash != spec_hash) {
        let why = format!("{} was changed again, outside this change, while it rolled out", journal.target.in_words());
        return finish(State::Superseded, &why);
    }
    if present.generation < generation {
        return Next::Watch("what is seen is older than our write".into());
    }
    if let Some(said) = &present.failing {
        let reason = format!("{}: {}", said.reason, said.message);
        return Next::Finish { state: State::Failed, reason, failing_pod: Some(said.clone()) };
    }
    match (&present.rollout, &present.replica_failure) {
        (Rollout::Failed(why), _) => finish(State::Failed, why),
        (Rollout::Complete, _) if journal.target.autoscaler.is_some() => {
            finish(State::Succeeded, "as many as the new bounds allow are ready; from here the autoscaler chooses")
        }
        (Rollout::Complete, _) => finish(State::Succeeded, "all pods run the new revision"),
        (Rollout::Waiting(_), Some(failure)) => finish(State::Failed, failure),
        (Rollout::Waiting(why), None) => {
            if let Some(why) = refused_for_long(present, now) {
                return finish(State::Failed, why);
            }
            if let Some(said) = held_up_for_long(present, journal.written_at, now) {
                let reason = format!(
                    "{}, a pod of an earlier revision, holds up the set ({}): unblock it, and the set goes on with this release",
                    said.pod, said.reason
                );
                return Next::Finish { state: State::Stuck, reason, failing_pod: Some(said.clone()) };
            }
            let still = journal.written_at.max(present.progressed).map_or(0, |at| now.seconds_since(at));
            if has_no_deadline(journal.target) && still > DEADLINE_S {
                finish(State::Failed, &format!("no progress for {}: {why}", crate::time::span(still)))
            } else {
                Next::Watch(why.clone())
            }
        }
    }
}

/// Kubernetes watches over a Deployment's rollout; over the others, and over what an autoscaler is to do, we do.
fn has_no_deadline(target: &Target) -> bool {
    target.kind != WorkloadKind::Deployment.into() || target.autoscaler.is_some()
}

/// The words of a controller that is refused pods, once that has lasted and none came since.
fn refused_for_long(present: &Present, now: Time) -> Option<&str> {
    let refused = present.refused.as_ref().filter(|refused| Some(refused.last) > present.progressed)?;
    let since = present.progressed.map_or(refused.first, |progressed| progressed.max(refused.first));
    (now.seconds_since(since) >= REFUSED_S).then_some(refused.why.as_str())
}

/// The pod that nothing of the rollout will replace, once that has lasted.
fn held_up_for_long(present: &Present, written_at: Option<Time>, now: Time) -> Option<&PodSaid> {
    let since = written_at.max(present.progressed)?;
    present.held_up.as_ref().filter(|_| now.seconds_since(since) >= REFUSED_S)
}

/// How the target differs from what was planned, if it does.
pub fn moved(target: &Target, present: &Present) -> Option<String> {
    if present.uid != target.uid {
        return Some(format!("{} was deleted and made anew after the plan was made", target.in_words()));
    }
    let counted = !target.replicas_float && present.generation != target.generation;
    if counted || present.spec_hash != target.spec_hash {
        let (was, is) = (target.generation, present.generation);
        let counted = if was == is { String::new() } else { format!(" (generation {was} then, {is} now)") };
        return Some(format!("{} was changed after the plan was made{counted}; plan again", target.in_words()));
    }
    None
}

pub(super) fn finish(state: State, reason: &str) -> Next {
    Next::Finish { state, reason: reason.to_owned(), failing_pod: None }
}

impl Next {
    /// An end says that a try of the write may still arrive.
    pub(super) fn truthful(self, journal: &Journal<'_>, seen: &Seen) -> Next {
        match self {
            Next::Finish { state, reason, failing_pod } => {
                Next::Finish { state, reason: in_doubt(&reason, journal.may_arrive(seen)), failing_pod }
            }
            next => next,
        }
    }

    /// It puts something on its way to the cluster.
    pub fn sends(&self) -> bool {
        matches!(self, Next::Intend { .. } | Next::Send | Next::IntendConfig { .. } | Next::SendConfig { .. })
    }

    pub fn outcome(self, now: Time) -> Option<Outcome> {
        match self {
            Next::Finish { state, reason, failing_pod } => Some(Outcome { state, reason, failing_pod, at: now }),
            _ => None,
        }
    }
}
