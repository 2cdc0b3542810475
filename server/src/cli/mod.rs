//! The command line: one binary, `devmatrix`.
//!
//! Invariant: what was asked for goes to standard output, everything else to standard error; a failure is one sentence
//! that says what to do. Exit 2 is wrong usage, 1 a refusal or failure.

mod arguments;
mod changes;
mod check;
mod oncall;
mod pages;
mod policy;
mod remote;
mod serve;
mod show;
mod token;
mod trains;

use arguments::{Arguments, Changes, ChangesCommand, Command};
use clap::Parser;
use clap::error::ErrorKind;
use std::process::ExitCode;
use tracing_subscriber::EnvFilter;

/// Why a command did not do what it was asked to.
#[derive(Debug, PartialEq, Eq)]
pub struct Failure {
    pub sentence: String,
    pub exit: u8,
}

impl Failure {
    /// Refused, or gone wrong.
    pub fn failed(sentence: impl Into<String>) -> Failure {
        Failure { sentence: sentence.into(), exit: 1 }
    }

    /// The command was not written as it must be.
    pub fn usage(sentence: impl Into<String>) -> Failure {
        Failure { sentence: sentence.into(), exit: 2 }
    }
}

impl From<domain::Error> for Failure {
    fn from(error: domain::Error) -> Failure {
        Failure::failed(error.to_string())
    }
}

impl From<engine::StartError> for Failure {
    fn from(error: engine::StartError) -> Failure {
        Failure::failed(error.to_string())
    }
}

pub type Done = Result<(), Failure>;

pub fn run() -> ExitCode {
    let arguments = match Arguments::try_parse() {
        Ok(arguments) => arguments,
        Err(error) => return usage(&error),
    };
    log_to_stderr();
    match execute(arguments.command) {
        Ok(()) => ExitCode::SUCCESS,
        Err(failure) => {
            eprintln!("{}", failure.sentence);
            ExitCode::from(failure.exit)
        }
    }
}

fn execute(command: Command) -> Done {
    match command {
        Command::Serve(serve) => in_runtime(serve::run(serve)),
        Command::Check(check) => check::run(&check),
        Command::Matrix(matrix) => changes::matrix(&matrix),
        Command::Changes(Changes { command: Some(ChangesCommand::Show(show)), .. }) => changes::show(&show),
        Command::Changes(Changes { command: None, list }) => changes::list(&list),
        Command::Promote(promote) => changes::promote(&promote),
        Command::Train(train) => trains::ask(&train),
        Command::Rollback(rollback) => changes::rollback(&rollback),
        Command::Scale(scale) => changes::scale(&scale),
        Command::Restart(restart) => changes::restart(&restart),
        Command::Unblock(unblock) => changes::unblock(&unblock),
        Command::Autoscale(autoscale) => changes::autoscale(&autoscale),
        Command::Deploy(deploy) => changes::deploy(&deploy),
        Command::RunJob(run) => changes::run_job(&run),
        Command::Approve(approve) if approve.change.starts_with("TR-") => trains::approve(&approve),
        Command::Approve(approve) => changes::approve(&approve),
        Command::OnCall(asked) => in_runtime(oncall::run(asked)),
        Command::Withdraw(withdraw) => policy::withdraw(&withdraw),
        Command::BreakGlass(glass) => policy::break_glass(&glass),
        Command::Page(page) => pages::page(&page),
        Command::Freezes(list) => policy::freezes(&list),
        Command::Freeze(freeze) => policy::freeze(&freeze),
        Command::Unfreeze(unfreeze) => policy::unfreeze(&unfreeze),
        Command::Token(token) => in_runtime(token::run(token)),
    }
}

/// Help goes to standard output; a mistake is told in one sentence.
fn usage(error: &clap::Error) -> ExitCode {
    if matches!(error.kind(), ErrorKind::DisplayHelp | ErrorKind::DisplayVersion) {
        print!("{error}");
        return ExitCode::SUCCESS;
    }
    if error.kind() == ErrorKind::DisplayHelpOnMissingArgumentOrSubcommand {
        eprint!("{error}");
        return ExitCode::from(2);
    }
    let text = error.to_string();
    // clap's first paragraph says what is wrong; usage and tips follow.
    let paragraph = text.split("\n\n").next().unwrap_or_default().trim_start_matches("error: ");
    let sentence = paragraph.split_whitespace().collect::<Vec<_>>().join(" ");
    eprintln!("{sentence}; see `devmatrix --help`.");
    ExitCode::from(2)
}

fn in_runtime(work: impl Future<Output = Done>) -> Done {
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build();
    let runtime = runtime.map_err(|error| Failure::failed(format!("The system gave no threads to work with: {error}.")))?;
    let done = runtime.block_on(work);
    // Simulated clusters and watches have no end of their own.
    runtime.shutdown_background();
    done
}

/// `RUST_LOG` chooses; by default what somebody should know, without each read.
fn log_to_stderr() {
    let filter = EnvFilter::try_from_default_env().unwrap_or_else(|_| EnvFilter::new("info"));
    // Its spans name addresses, and the address of a chat's webhook is its secret: whatever RUST_LOG says, they are not written.
    let filter = "kube_client=off".parse().map_or_else(|_| EnvFilter::new("info"), |silent| filter.add_directive(silent));
    let terminal = std::io::IsTerminal::is_terminal(&std::io::stderr());
    let _ = tracing_subscriber::fmt().with_env_filter(filter).with_ansi(terminal).with_writer(std::io::stderr).try_init();
}
