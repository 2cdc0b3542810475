//! Faults that a test or the demo scripts into one cluster.
//!
//! Invariant: without a script the cluster answers at once and truly.

use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;
use tokio::sync::watch;

/// What happens to a matching request instead of its ordinary answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fault {
    /// Nothing is done and this HTTP status is answered, with a Status object of the matching reason.
    Answer(u16),
    /// Nothing is done: 429 in plain text, as an API server sheds load, with so many seconds in `Retry-After`.
    Busy(u16),
    /// It is done, but this HTTP status is answered, as by a proxy that lost patience.
    AppliedThenAnswer(u16),
    /// It is done, and the connection is cut without an answer.
    AppliedThenReset,
    /// Nothing is done and the connection is cut without an answer.
    Reset,
    /// Nothing is done and nothing is ever answered.
    Silence,
    /// It is done after a wait.
    Delay(Duration),
    /// It is done, and the connection is cut in the middle of the answer. Not for watches and logs, which do not end.
    Truncated,
    /// Nothing is done and somebody else's page is answered, 200 and HTML, as by a proxy that wants a sign-in.
    ForeignPage,
}

/// What is done to the events of all watches, against the promises of an API server.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Twist {
    /// Each event comes twice.
    Duplicate,
    /// Events that come within a short while of each other come in the reverse order.
    Reverse,
}

/// Which requests a fault is for; an empty field takes every request.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Match {
    /// A Kubernetes verb: get, list, watch, create, update, patch, delete, deletecollection.
    pub verb: &'static str,
    /// Plural name, `deployments`.
    pub resource: &'static str,
    /// Of a creation, the name in its body. `backup-*` takes all names that begin so.
    pub name: String,
}

impl Match {
    pub fn any() -> Match {
        Match::default()
    }

    pub fn verb(verb: &'static str) -> Match {
        Match { verb, ..Match::default() }
    }

    pub fn on(verb: &'static str, resource: &'static str) -> Match {
        Match { verb, resource, ..Match::default() }
    }

    pub fn named(self, name: &str) -> Match {
        Match { name: name.to_owned(), ..self }
    }

    fn takes(&self, verb: &str, resource: &str, name: &str) -> bool {
        let fits = |wanted: &str, given: &str| wanted.is_empty() || wanted == given;
        let named = self.name.strip_suffix('*').map_or_else(|| fits(&self.name, name), |start| name.starts_with(start));
        fits(self.verb, verb) && fits(self.resource, resource) && named
    }
}

#[derive(Debug)]
struct Scripted {
    target: Match,
    fault: Fault,
    left: usize,
}

/// What the cluster's network does at the moment.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Weather {
    pub latency: Duration,
    pub black_hole: bool,
    pub mute_watches: bool,
    pub refuse: bool,
    pub fences: bool,
    pub twist: Option<Twist>,
    /// Between two bookmarks, instead of the cluster's own time.
    pub bookmarks: Option<Duration>,
    /// Counts the orders to drop all watches; the second one those that end with 410.
    pub cut_watches: u64,
    pub expired_watches: u64,
    /// Counts the orders to cut all logs that are followed.
    pub cut_logs: u64,
}

/// The script of one cluster. All methods may be called at any time, also while requests run.
#[derive(Debug)]
pub struct Faults {
    script: Mutex<Vec<Scripted>>,
    weather: watch::Sender<Weather>,
}

impl Faults {
    pub(crate) fn new() -> Faults {
        Faults { script: Mutex::default(), weather: watch::Sender::new(Weather::default()) }
    }

    /// The next `times` requests that match get this fault. Faults are tried in the order they were scripted.
    pub fn fail(&self, target: Match, fault: Fault, times: usize) {
        self.script().push(Scripted { target, fault, left: times });
    }

    /// Every matching request is answered 403, and access reviews say so, until `clear`.
    pub fn forbid(&self, target: Match) {
        self.fail(target, Fault::Answer(403), usize::MAX);
    }

    /// Every request waits this long (real time) before it is handled.
    pub fn latency(&self, latency: Duration) {
        self.weather.send_modify(|it| it.latency = latency);
    }

    /// While it is on, connections are accepted and nothing is ever answered; open watches fall silent.
    ///
    /// Requests that came meanwhile are lost, their connections are cut when it ends.
    pub fn black_hole(&self, on: bool) {
        self.weather.send_modify(|it| it.black_hole = on);
    }

    /// While it is on, open watches fall silent, as over a connection of which only one end still knows; everything else is
    /// answered. What happened meanwhile is not told on these watches afterwards either: their connections never recover.
    pub fn mute_watches(&self, on: bool) {
        self.weather.send_modify(|it| it.mute_watches = on);
    }

    /// Twists the events of all watches from now on, also of those that are open.
    pub fn twist_watches(&self, twist: Option<Twist>) {
        self.weather.send_modify(|it| it.twist = twist);
    }

    /// Watches that begin from now on get a bookmark this often. A proxy passes on those of its server.
    pub fn bookmark_every(&self, interval: Duration) {
        self.weather.send_modify(|it| it.bookmarks = Some(interval));
    }

    /// While it is on, every connection, open or new, is closed at once.
    pub fn refuse(&self, on: bool) {
        self.weather.send_modify(|it| it.refuse = on);
    }

    /// While it is on, the portal's writes are refused when their fence is lower than that of the one before.
    pub fn look_at_fences(&self, on: bool) {
        self.weather.send_modify(|it| it.fences = on);
    }

    pub(crate) fn looks_at_fences(&self) -> bool {
        self.weather.borrow().fences
    }

    /// Cuts all open watches now, in the middle of their answer.
    pub fn drop_watches(&self) {
        self.weather.send_modify(|it| it.cut_watches += 1);
    }

    /// Cuts all logs that are followed now, in the middle of their answer.
    pub fn drop_logs(&self) {
        self.weather.send_modify(|it| it.cut_logs += 1);
    }

    /// Ends all open watches now with the event that their resourceVersion has expired.
    pub fn expire_watches(&self) {
        self.weather.send_modify(|it| it.expired_watches += 1);
    }

    /// How many scripted faults have not happened yet; those without an end do not count.
    pub fn pending(&self) -> usize {
        self.script().iter().map(|it| it.left).filter(|left| *left != usize::MAX).sum()
    }

    /// The same of those that were scripted for objects of this name.
    pub fn pending_for(&self, name: &str) -> usize {
        self.script().iter().filter(|it| it.target.name == name).map(|it| it.left).filter(|left| *left != usize::MAX).sum()
    }

    /// Back to good weather: nothing scripted, no latency, no black hole, no refusal.
    pub fn clear(&self) {
        self.script().clear();
        self.weather.send_modify(|it| {
            let (cut_watches, expired_watches, cut_logs) = (it.cut_watches, it.expired_watches, it.cut_logs);
            *it = Weather { cut_watches, expired_watches, cut_logs, ..Weather::default() };
        });
    }

    /// The fault for a request, if one is due for it; counts it as happened.
    pub(crate) fn take(&self, verb: &str, resource: &str, name: &str) -> Option<Fault> {
        let mut script = self.script();
        let found = script.iter_mut().find(|it| it.left > 0 && it.target.takes(verb, resource, name))?;
        if found.left != usize::MAX {
            found.left -= 1;
        }
        let fault = found.fault;
        script.retain(|it| it.left > 0);
        Some(fault)
    }

    /// Whether a request like this one is forbidden at the moment.
    pub(crate) fn forbids(&self, verb: &str, resource: &str, name: &str) -> bool {
        let script = self.script();
        script.iter().any(|it| it.fault == Fault::Answer(403) && it.target.takes(verb, resource, name))
    }

    pub(crate) fn weather(&self) -> watch::Receiver<Weather> {
        self.weather.subscribe()
    }

    fn script(&self) -> MutexGuard<'_, Vec<Scripted>> {
        self.script.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_fault_happens_as_often_as_scripted() {
        let faults = Faults::new();
        faults.fail(Match::on("patch", "deployments"), Fault::Answer(500), 2);
        assert_eq!(faults.take("get", "deployments", "a"), None);
        assert_eq!(faults.take("patch", "deployments", "a"), Some(Fault::Answer(500)));
        assert_eq!(faults.pending(), 1);
        assert_eq!(faults.take("patch", "deployments", "b"), Some(Fault::Answer(500)));
        assert_eq!(faults.take("patch", "deployments", "b"), None);
        faults.fail(Match::verb("get").named("c"), Fault::Reset, 3);
        assert_eq!(faults.take("get", "deployments", "a"), None);
        assert_eq!((faults.pending_for("a"), faults.pending_for("c")), (0, 3));
    }

    #[test]
    fn what_is_forbidden_stays_so() {
        let faults = Faults::new();
        faults.forbid(Match::on("list", "pods"));
        for _ in 0..3 {
            assert!(faults.take("list", "pods", "").is_some());
        }
        assert!(faults.forbids("list", "pods", ""));
        assert_eq!(faults.pending(), 0);
        faults.clear();
        assert!(!faults.forbids("list", "pods", ""));
    }
}
