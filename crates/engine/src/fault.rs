//! Places at which a process may end: before and after each write to the database and to a cluster. A test names one in
//! `DEVMATRIX_FAULT_POINT`, and the process ends there the first time, at once and without clearing up, as `kill -9` would; or in
//! `DEVMATRIX_PAUSE_POINT`, and it stands still there the first time, as by `kill -STOP`, until somebody wakes it.
//!
//! Invariant: a release build has none of them.

/// Every place by which each change comes, about in its order.
pub const POINTS: [&str; 24] = [
    "before the request is stored",
    "after the request is stored",
    "before the vote is stored",
    "after the vote is stored",
    "before it is leased",
    "after it is leased",
    "before it runs",
    "after it runs",
    "before its story is stored",
    "after its story is stored",
    "before the intent is stored",
    "after the intent is stored",
    "before the write is sent",
    "after the write is answered",
    "before the answer is stored",
    "after the answer is stored",
    "before the write is noted",
    "after the write is noted",
    "before its step is noted",
    "after its step is noted",
    "before what runs is recorded",
    "after what runs is recorded",
    "before the end is stored",
    "after the end is stored",
];

/// Those by which only a rollback comes that brings its configuration back.
pub const CONFIG_POINTS: [&str; 6] = [
    "before a ConfigMap's intent is stored",
    "after a ConfigMap's intent is stored",
    "before a ConfigMap is sent",
    "after a ConfigMap is answered",
    "before a ConfigMap is noted",
    "after a ConfigMap is noted",
];

/// Those by which a change comes only when somebody acts on it, or when something goes wrong: the place before and after each of them.
pub const ACTS: [&str; 16] = [
    "a try is stored",
    "its wait is stored",
    "its turn is noted",
    "its lease is renewed",
    "the withdrawal is stored",
    "the abort is stored",
    "the glass is stored",
    "the review is stored",
    "the freeze is stored",
    "the lifting is stored",
    "the hold is lifted",
    "the train is stored",
    "the train's votes are stored",
    "the train's abort is stored",
    "the way back is stored",
    "the denial is stored",
];

/// Ends the process here, or stops it, when a test asked for that.
pub fn point(name: &'static str) {
    at("", name);
}

/// The place before something is stored.
pub fn before(what: &'static str) {
    at("before ", what);
}

pub fn after(what: &'static str) {
    at("after ", what);
}

fn at(side: &str, what: &str) {
    #[cfg(debug_assertions)]
    {
        let is_here = |wanted: Option<&str>| wanted.and_then(|wanted| wanted.strip_prefix(side)) == Some(what);
        if is_here(armed()) {
            tracing::warn!("this process ends {side}{what}, as a test wants it");
            std::process::abort();
        }
        if is_here(paused()) {
            stand_still(what);
        }
    }
    #[cfg(not(debug_assertions))]
    let _ = (side, what);
}

#[cfg(debug_assertions)]
fn armed() -> Option<&'static str> {
    static ARMED: std::sync::OnceLock<Option<String>> = std::sync::OnceLock::new();
    ARMED.get_or_init(|| std::env::var("DEVMATRIX_FAULT_POINT").ok()).as_deref()
}

#[cfg(debug_assertions)]
fn paused() -> Option<&'static str> {
    static ARMED: std::sync::OnceLock<Option<String>> = std::sync::OnceLock::new();
    ARMED.get_or_init(|| std::env::var("DEVMATRIX_PAUSE_POINT").ok()).as_deref()
}

/// The first time only.
#[cfg(debug_assertions)]
fn stand_still(what: &str) {
    use std::sync::atomic::{AtomicBool, Ordering};
    static PAUSED: AtomicBool = AtomicBool::new(false);
    if !PAUSED.swap(true, Ordering::AcqRel) {
        tracing::warn!("this process stands still: {what}, as a test wants it");
        // Unix only, as the tests that ask for it.
        let _ = std::process::Command::new("kill").args(["-STOP", &std::process::id().to_string()]).status();
        // Whichever thread comes first takes the signal, and stops all: until one has, this one would go on.
        while stop_is_pending() {
            std::thread::sleep(std::time::Duration::from_millis(1));
        }
    }
}

/// Whether a SIGSTOP was sent to this process that none of its threads has taken yet: in `ShdPnd` of Linux' proc_pid_status(5), a set in
/// hexadecimal digits. Once it is taken, this thread stops before it leaves the kernel.
#[cfg(debug_assertions)]
fn stop_is_pending() -> bool {
    const SIGSTOP: u32 = 19;
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let pending = status.lines().find_map(|line| line.strip_prefix("ShdPnd:"));
    pending.and_then(|set| u64::from_str_radix(set.trim(), 16).ok()).is_some_and(|set| set & (1 << (SIGSTOP - 1)) != 0)
}

/// A shorter lease than people have, in seconds, where a test waits for one to run out: `DEVMATRIX_LEASE_S`.
pub fn lease_seconds() -> Option<i64> {
    #[cfg(debug_assertions)]
    {
        static SECONDS: std::sync::OnceLock<Option<i64>> = std::sync::OnceLock::new();
        *SECONDS.get_or_init(|| std::env::var("DEVMATRIX_LEASE_S").ok()?.parse().ok())
    }
    #[cfg(not(debug_assertions))]
    None
}
