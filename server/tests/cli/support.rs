//! Running the binary, and a demo server for those commands that need one.

use std::io::{BufRead, BufReader, Write};
use std::path::Path;
use std::process::{Child, Command, Output, Stdio};
use std::time::{Duration, Instant};

pub const DEADLINE: Duration = Duration::from_secs(60);

pub struct Ran {
    pub exit: Option<i32>,
    pub stdout: String,
    pub stderr: String,
}

/// In an empty directory, without the caller's environment.
pub fn devmatrix(directory: &Path) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_devmatrix"));
    command.current_dir(directory).stdin(Stdio::null());
    for name in ["DEVMATRIX_SERVER", "DEVMATRIX_TOKEN", "DEVMATRIX_TOKEN_FILE", "DEVMATRIX_DATABASE_URL", "RUST_LOG"] {
        command.env_remove(name);
    }
    command
}

pub fn run(directory: &Path, arguments: &[&str]) -> Ran {
    ran(devmatrix(directory).args(arguments).output().unwrap())
}

/// With this on its standard input.
pub fn fed(directory: &Path, arguments: &[&str], input: &str) -> Ran {
    let mut child =
        devmatrix(directory).args(arguments).stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    child.stdin.take().unwrap().write_all(input.as_bytes()).unwrap();
    ran(child.wait_with_output().unwrap())
}

pub fn ran(output: Output) -> Ran {
    let text = |bytes: Vec<u8>| String::from_utf8(bytes).unwrap();
    Ran { exit: output.status.code(), stdout: text(output.stdout), stderr: text(output.stderr) }
}

impl Ran {
    /// Refused with one sentence on standard error, and nothing on standard output.
    #[track_caller]
    pub fn refused(&self, exit: i32, words: &[&str]) {
        assert_eq!((self.exit, self.stdout.as_str()), (Some(exit), ""), "{}", self.stderr);
        assert_eq!(self.stderr.trim_end().lines().count(), 1, "{}", self.stderr);
        for word in words {
            assert!(self.stderr.contains(word), "{word}: {}", self.stderr);
        }
    }

    #[track_caller]
    pub fn good(&self) -> &str {
        assert_eq!(self.exit, Some(0), "{}{}", self.stdout, self.stderr);
        &self.stdout
    }
}

/// A running `devmatrix serve`, stopped when it is dropped.
pub struct Server {
    child: Child,
    pub url: String,
    pub line: String,
}

impl Server {
    /// Starts on a free port and reads the address from its first line.
    pub fn start(directory: &Path, arguments: &[&str]) -> Server {
        Server::of(devmatrix(directory), arguments)
    }

    /// The binary as `command` runs it.
    pub fn of(mut command: Command, arguments: &[&str]) -> Server {
        let mut child = command
            .args(["serve", "--listen", "127.0.0.1:0"])
            .args(arguments)
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        let mut line = String::new();
        BufReader::new(child.stdout.take().unwrap()).read_line(&mut line).unwrap();
        let url = line.split_whitespace().find(|word| word.starts_with("http://")).unwrap_or_else(|| panic!("{line}")).to_owned();
        let server = Server { child, url, line };
        server.wait_until_ready();
        server
    }

    fn wait_until_ready(&self) {
        let began = Instant::now();
        while ureq::get(format!("{}/readyz", self.url)).call().is_err() {
            assert!(began.elapsed() < DEADLINE, "not ready");
            std::thread::sleep(Duration::from_millis(20));
        }
    }

    pub fn pid(&self) -> u32 {
        self.child.id()
    }

    /// SIGTERM, and how it ended.
    pub fn stop(mut self) -> Option<i32> {
        let killed = Command::new("kill").arg(self.child.id().to_string()).status().unwrap();
        assert!(killed.success());
        let began = Instant::now();
        loop {
            if let Some(status) = self.child.try_wait().unwrap() {
                return status.code();
            }
            assert!(began.elapsed() < Duration::from_secs(10), "it did not stop within 10 s");
            std::thread::sleep(Duration::from_millis(20));
        }
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// Waits for a condition, looking often; fails with its name at the deadline.
pub fn eventually<T>(what: &str, mut look: impl FnMut() -> Option<T>) -> T {
    let began = Instant::now();
    loop {
        if let Some(found) = look() {
            return found;
        }
        assert!(began.elapsed() < DEADLINE, "not within {DEADLINE:?}: {what}");
        std::thread::sleep(Duration::from_millis(50));
    }
}
