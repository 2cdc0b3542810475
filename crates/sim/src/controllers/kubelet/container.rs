//! One container of a pod: the stages it goes through.
//!
//! Invariant: `at` is when its present stage ends; None means that it stays as it is.

use super::{KUBELET, spread};
use crate::controllers::{events, later};
use crate::image::Fate;
use crate::object;
use crate::state::{State, Urgency, Wake};
use jiff::{SignedDuration, Timestamp};
use serde_json::Value;

/// The first back-off; each further one is twice as long.
const FIRST_BACK_OFF: i64 = 10;
const LONGEST_BACK_OFF: i64 = 300;
/// How long a `-slow` container takes.
const SLOW: SignedDuration = SignedDuration::from_secs(15);

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Stage {
    Creating,
    PullFailed,
    PullBackOff,
    Running,
    Ready,
    /// Exited just now; is started again at once, the first time.
    Crashed,
    CrashBackOff,
    /// The end of a Job's container, by exit code.
    Ended(i64),
}

pub(crate) struct Container {
    pub name: String,
    pub image: String,
    pub stage: Stage,
    pub restarts: i64,
    pub started: Timestamp,
    /// The last run that failed: when it started and ended.
    pub last: Option<(Timestamp, Timestamp)>,
    at: Option<Timestamp>,
    fate: Fate,
    /// How many pulls have failed.
    failures: u32,
    /// Whether it is to end (a Job's) rather than to go on for ever, and whether it may be started again.
    ends: bool,
    restartable: bool,
}

impl Container {
    /// A container whose image is about to be pulled.
    pub fn begin(state: &mut State, pod: &Value, spec: &Value) -> Container {
        let image = object::text(spec, "/image").to_owned();
        let pulling = format!("Pulling image \"{image}\"");
        events::record(state, pod, KUBELET, events::NORMAL, "Pulling", &pulling);
        let pull = spread(object::name(pod), "pull", 200, 600);
        Container { at: Some(later(state.now, pull)), ..Container::new(pod, object::name_of(spec), &image, state.now) }
    }

    /// A ready container as its status describes it.
    pub fn running(pod: &Value, status: &Value) -> Container {
        let started = object::time(status, "/state/running/startedAt").unwrap_or_default();
        let new = Container::new(pod, object::name_of(status), object::text(status, "/image"), started);
        Container { stage: Stage::Ready, restarts: object::number(status, "/restartCount"), ..new }
    }

    /// A container that has been ready since it was started.
    pub fn ready(pod: &Value, spec: &Value, since: Timestamp) -> Container {
        let new = Container::new(pod, object::name_of(spec), object::text(spec, "/image"), since);
        Container { stage: Stage::Ready, ..new }
    }

    fn new(pod: &Value, name: &str, image: &str, started: Timestamp) -> Container {
        Container {
            name: name.to_owned(),
            image: image.to_owned(),
            stage: Stage::Creating,
            restarts: 0,
            started,
            last: None,
            at: None,
            fate: Fate::of(image, object::namespace(pod)),
            failures: 0,
            ends: object::controller(pod).is_some_and(|owner| owner["kind"] == "Job"),
            restartable: object::text(pod, "/spec/restartPolicy") != "Never",
        }
    }

    /// How long the next restart is waited for, or the next pull.
    pub fn back_off(&self) -> SignedDuration {
        let turns = if self.stage == Stage::PullBackOff { self.failures.saturating_sub(1) } else { self.restarts as u32 - 1 };
        SignedDuration::from_secs((FIRST_BACK_OFF << turns.min(5)).min(LONGEST_BACK_OFF))
    }

    pub fn wake(&self) -> Option<Wake> {
        let is_back_off = matches!(self.stage, Stage::PullBackOff | Stage::CrashBackOff);
        let urgency = if is_back_off { Urgency::Retry } else { Urgency::Progress };
        self.at.map(|at| Wake { at, urgency })
    }

    /// Goes through all stages that have ended by now.
    pub fn catch_up(&mut self, state: &mut State, pod: &Value) {
        while let Some(at) = self.at.filter(|at| *at <= state.now) {
            self.at = None;
            self.next(state, pod, at);
        }
    }

    fn next(&mut self, state: &mut State, pod: &Value, now: Timestamp) {
        match self.stage {
            Stage::Creating | Stage::PullBackOff if self.fate == Fate::NeverPulled => self.fail_pull(state, pod, now),
            Stage::Creating | Stage::PullBackOff => self.pulled(state, pod, now),
            Stage::PullFailed => self.wait_for_pull(state, pod, now),
            Stage::Running if self.fate == Fate::Crashes => self.crash(state, pod, now),
            Stage::Running if self.ends => self.stage = Stage::Ended(0),
            Stage::Running => self.stage = Stage::Ready,
            Stage::Crashed | Stage::CrashBackOff => {
                self.restarts += 1;
                self.start(state, pod, now);
            }
            Stage::Ready | Stage::Ended(_) => {}
        }
    }

    fn fail_pull(&mut self, state: &mut State, pod: &Value, now: Timestamp) {
        self.failures += 1;
        let message = format!("Failed to pull image \"{}\": {}", self.image, self.pull_error());
        events::record(state, pod, KUBELET, events::WARNING, "Failed", &message);
        events::record(state, pod, KUBELET, events::WARNING, "Failed", "Error: ErrImagePull");
        self.stage = Stage::PullFailed;
        self.at = Some(later(now, SignedDuration::from_millis(400)));
    }

    /// What the registry said.
    pub fn pull_error(&self) -> String {
        let image = &self.image;
        format!(
            "rpc error: code = NotFound desc = failed to pull and unpack image \"{image}\": failed to resolve \
             reference \"{image}\": {image}: not found"
        )
    }

    fn wait_for_pull(&mut self, state: &mut State, pod: &Value, now: Timestamp) {
        self.stage = Stage::PullBackOff;
        self.at = Some(later(now, self.back_off()));
        let message = format!("Back-off pulling image \"{}\"", self.image);
        events::record(state, pod, KUBELET, events::NORMAL, "BackOff", &message);
        events::record(state, pod, KUBELET, events::WARNING, "Failed", "Error: ImagePullBackOff");
    }

    fn pulled(&mut self, state: &mut State, pod: &Value, now: Timestamp) {
        let message =
            format!("Successfully pulled image \"{}\" in 312ms (312ms including waiting). Image size: 84213456 bytes.", self.image);
        events::record(state, pod, KUBELET, events::NORMAL, "Pulled", &message);
        self.start(state, pod, now);
    }

    fn start(&mut self, state: &mut State, pod: &Value, now: Timestamp) {
        for reason in ["Created", "Started"] {
            events::record(state, pod, KUBELET, events::NORMAL, reason, &format!("{reason} container: {}", self.name));
        }
        let name = object::name(pod);
        let until = match self.fate {
            Fate::Slow => SLOW,
            Fate::Crashes => spread(name, "crash", 400, 900),
            _ if self.ends => spread(name, "work", 1500, 3000),
            _ => spread(name, "ready", 400, 1300),
        };
        self.stage = Stage::Running;
        self.started = now;
        self.at = Some(later(now, until));
    }

    fn crash(&mut self, state: &mut State, pod: &Value, now: Timestamp) {
        self.last = Some((self.started, now));
        if !self.restartable {
            self.stage = Stage::Ended(1);
        } else if self.restarts == 0 {
            self.stage = Stage::Crashed;
            self.at = Some(later(now, SignedDuration::from_millis(100)));
        } else {
            self.stage = Stage::CrashBackOff;
            self.at = Some(later(now, self.back_off()));
            let message = format!("Back-off restarting failed container {} in pod {}", self.name, full_name(pod));
            events::record(state, pod, KUBELET, events::WARNING, "BackOff", &message);
        }
    }
}

/// A pod as the kubelet writes it: `name_namespace(uid)`.
pub(crate) fn full_name(pod: &Value) -> String {
    format!("{}_{}({})", object::name(pod), object::namespace(pod), object::uid(pod))
}
