//! Places at which a process may end: before and after each write to the database and to a cluster. A test names one in
//! `DEVMATRIX_FAULT_POINT`, and the process ends there the first time, at once and without clearing up, as `kill -9` would; or in
//! `DEVMATRIX_PAUSE_POINT`, and it stands still there the first time, as by `kill -STOP`, until somebody wakes it.
//!
//! Invariant: a release build has none of them.

/// Every place by which each change comes, in its order.
pub const POINTS: [&str; 16] = [
    "before the request is stored",
    "after the request is stored",
    "before the vote is stored",
    "after the vote is stored",
    "before it is leased",
    "after it is leased",
    "before it runs",
    "after it runs",
    "before the intent is stored",
    "after the intent is stored",
    "before the write is sent",
    "after the write is answered",
    "before the write is noted",
    "after the write is noted",
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

/// Ends the process here, or stops it, when a test asked for that.
pub fn point(name: &'static str) {
    #[cfg(debug_assertions)]
    {
        if armed() == Some(name) {
            tracing::warn!(name, "this process ends here, as a test wants it");
            std::process::abort();
        }
        pause(name);
    }
    #[cfg(not(debug_assertions))]
    let _ = name;
}

#[cfg(debug_assertions)]
fn armed() -> Option<&'static str> {
    static ARMED: std::sync::OnceLock<Option<String>> = std::sync::OnceLock::new();
    ARMED.get_or_init(|| std::env::var("DEVMATRIX_FAULT_POINT").ok()).as_deref()
}

#[cfg(debug_assertions)]
fn pause(name: &'static str) {
    use std::sync::atomic::{AtomicBool, Ordering};
    static PAUSED: AtomicBool = AtomicBool::new(false);
    static ARMED: std::sync::OnceLock<Option<String>> = std::sync::OnceLock::new();
    let armed = ARMED.get_or_init(|| std::env::var("DEVMATRIX_PAUSE_POINT").ok());
    if armed.as_deref() == Some(name) && !PAUSED.swap(true, Ordering::AcqRel) {
        tracing::warn!(name, "this process stands still here, as a test wants it");
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
