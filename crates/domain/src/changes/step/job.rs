//! What the worker does next with a Job: it is made once, under a name that follows from the change, and then run to its end by
//! Kubernetes. A Job of our name is ours or it is not; one that is not there was not made, or somebody took it away.

use super::super::State;
use super::super::plan::KEPT_S;
use super::{Journal, Next, SENDS, Seen, Written, before_write, finish, moved, unknown};
use crate::Time;
use crate::clusters::PodSaid;

/// A Job without an end for so long needs a person, in seconds: a backup may take hours.
const STUCK_AFTER_S: i64 = 24 * 3600;

/// The Job of a change's name, as the cluster shows it.
#[derive(Clone, Debug)]
pub struct Ran {
    pub name: String,
    /// The change that made it, by its annotation.
    pub change: Option<String>,
    pub generation: i64,
    pub spec_hash: String,
    pub end: Option<JobEnd>,
    /// `1 pod runs, 0 of 1 succeeded`
    pub how: String,
    /// A pod of it that cannot start.
    pub failing: Option<PodSaid>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub enum JobEnd {
    Complete,
    /// In the controller's words.
    Failed(String),
}

pub(super) fn next(journal: &Journal<'_>, seen: &Seen, now: Time) -> Next {
    match journal.written {
        Written::Nothing => before_write(journal, seen, now),
        Written::Intended { tries, .. } => after_intent(journal, seen, *tries, now),
        Written::Applied { .. } => {
            let next = running(journal, seen, now);
            stuck(journal, &next, now).unwrap_or(next)
        }
    }
}

fn after_intent(journal: &Journal<'_>, seen: &Seen, tries: i64, now: Time) -> Next {
    let cron = match seen {
        Seen::Unreachable(why) => return unknown(journal, why, now),
        Seen::Ran(ran) if ran.change.as_deref() == Some(journal.id) => {
            return Next::Adopt { generation: ran.generation, spec_hash: ran.spec_hash.clone() };
        }
        Seen::Ran(ran) => return finish(State::Errored, &format!("{} is there already, and is not of this change", ran.name)),
        Seen::Gone => None,
        Seen::There(cron) => Some(cron),
    };
    // It was made and has ended long ago, or it never was: by now both look the same.
    if journal.unanswered() && journal.intended_at.is_some_and(|at| now.seconds_since(at) > KEPT_S) {
        let why = "whether its Job ran is not known: nothing was heard of it for longer than a Job is kept; look for its work";
        return finish(State::Stuck, why);
    }
    let Some(cron) = cron else {
        return finish(State::Superseded, "the CronJob was deleted while its Job was to be made, and with it a Job that had been made");
    };
    if let Some(why) = moved(journal.target, cron) {
        return finish(State::Superseded, &why);
    }
    if now > journal.valid_until {
        return finish(State::Expired, "the plan was not executed in time");
    }
    // The name is the precondition: were the Job there after all, the API server would make no second one.
    if tries < SENDS { Next::Send } else { finish(State::Errored, "the cluster took none of many tries to write; try again") }
}

fn running(journal: &Journal<'_>, seen: &Seen, now: Time) -> Next {
    let ran = match seen {
        Seen::Unreachable(why) => return Next::Retry(why.clone()),
        // It has ended and was cleared away, or somebody deleted it: by now both look the same.
        Seen::Gone | Seen::There(_) if journal.written_at.is_some_and(|at| now.seconds_since(at) > KEPT_S) => {
            return finish(State::Stuck, "whether its Job completed is not known: it is not there any more; look for its work");
        }
        Seen::Gone | Seen::There(_) => return finish(State::Errored, "its Job was deleted before it had ended"),
        Seen::Ran(ran) => ran,
    };
    if ran.change.as_deref() != Some(journal.id) {
        return finish(State::Errored, "its Job was deleted, and another one is there under its name");
    }
    match &ran.end {
        Some(JobEnd::Complete) => return finish(State::Succeeded, "its Job has completed"),
        Some(JobEnd::Failed(why)) => return finish(State::Failed, why),
        None => {}
    }
    match &ran.failing {
        Some(said) => {
            let reason =
                format!("{}: {} (the Job {} stays and waits: delete it, or mend what it lacks)", said.reason, said.message, ran.name);
            Next::Finish { state: State::Failed, reason, failing_pod: Some(said.clone()) }
        }
        None => Next::Watch(ran.how.clone()),
    }
}

fn stuck(journal: &Journal<'_>, next: &Next, now: Time) -> Option<Next> {
    let since = journal.written_at.map_or(0, |at| now.seconds_since(at));
    let why = match next {
        Next::Retry(why) => format!("the cluster cannot be read: {why}"),
        Next::Watch(why) => why.clone(),
        _ => return None,
    };
    (since > STUCK_AFTER_S).then(|| finish(State::Stuck, &format!("no end after {}: {why}", crate::time::span(since))))
}
