//! What may be written after `devmatrix`.

use clap::{Args, Parser, Subcommand};
use std::net::SocketAddr;
use std::path::PathBuf;

/// What runs where on Kubernetes, and how it changes: with a plan, an approval and a record
#[derive(Parser)]
#[command(name = "devmatrix", version)]
pub struct Arguments {
    #[command(subcommand)]
    pub command: Command,
}

#[derive(Subcommand)]
pub enum Command {
    /// Run the portal
    Serve(Serve),
    /// Check a configuration file
    Check(Check),
    /// What runs where
    Matrix(Matrix),
    /// The changes, newest first; or one of them
    Changes(Changes),
    /// Ask for a promotion
    Promote(Promote),
    /// Ask for several promotions together: decided on at once, one after another
    Train(Train),
    /// Ask for a rollback
    Rollback(Rollback),
    /// Ask for another number of replicas
    Scale(Scale),
    /// Ask for the same pods anew, a few at a time
    Restart(Restart),
    /// Ask for the deletion of the pod that holds up a StatefulSet
    Unblock(Unblock),
    /// Ask for other bounds of the autoscaler that owns the number of replicas
    Autoscale(Autoscale),
    /// Ask for an image by its digest, where releases begin
    Deploy(Deploy),
    /// Ask for a Job from a CronJob's template, now
    RunJob(RunJob),
    /// Approve a change's plan
    Approve(Approve),
    /// Who is on call, now or at any moment
    OnCall(OnCall),
    /// Take back one's own approval, before the change is executed
    Withdraw(Withdraw),
    /// Let a change through without its votes and while its environment is closed
    BreakGlass(BreakGlass),
    /// What is frozen, and by whom
    Freezes(Freezes),
    /// Stop changes of an environment, or of all production
    Freeze(Freeze),
    /// Lift a freeze
    Unfreeze(Unfreeze),
    /// Page a person, or whoever holds a role now
    Page(Page),
    /// Make, list and revoke API tokens
    Token(Token),
}

#[derive(Args)]
pub struct OnCall {
    /// Without it all rotations
    pub rotation: Option<String>,
    /// The moment, with its offset: 2026-12-25T03:00Z; without it now; `-`: each line of standard input is one, and with --json
    /// each answer a line
    #[arg(long, value_name = "TIME", allow_hyphen_values = true)]
    pub at: Option<String>,
    /// Print the API's JSON
    #[arg(long)]
    pub json: bool,
    /// The configuration; without it ./devmatrix.yaml
    #[arg(long, value_name = "FILE", conflicts_with = "server")]
    pub config: Option<PathBuf>,
    /// Where the embedded database lies; if there is none, the configuration alone answers
    #[arg(long, value_name = "DIR", default_value = "data")]
    pub data_dir: PathBuf,
    /// Another database: postgres://… or sqlite://… [also from DEVMATRIX_DATABASE_URL]
    #[arg(long, value_name = "URL", conflicts_with = "server")]
    pub database_url: Option<String>,
    /// Ask a running portal instead
    #[arg(long, value_name = "URL")]
    pub server: Option<String>,
    /// A file that holds an API token, for --server [or the token itself in DEVMATRIX_TOKEN]
    #[arg(long, value_name = "FILE", env = "DEVMATRIX_TOKEN_FILE")]
    pub token_file: Option<PathBuf>,
}

#[derive(Args)]
pub struct Serve {
    /// The configuration; without it ./devmatrix.yaml
    #[arg(long, value_name = "FILE", conflicts_with = "demo")]
    pub config: Option<PathBuf>,
    /// Where to listen
    #[arg(long, value_name = "ADDR", default_value = "127.0.0.1:3000")]
    pub listen: SocketAddr,
    /// Where the embedded database lies [default: ./data; with --demo a temporary directory]
    #[arg(long, value_name = "DIR")]
    pub data_dir: Option<PathBuf>,
    /// Another database: postgres://… or sqlite://… [without --demo also from DEVMATRIX_DATABASE_URL]
    #[arg(long, value_name = "URL")]
    pub database_url: Option<String>,
    /// Simulated clusters and made-up people; on this machine only
    #[arg(long)]
    pub demo: bool,
    /// Where to write a kubeconfig of the demo's clusters, so that something else can edit them too
    #[arg(long, value_name = "FILE", requires = "demo")]
    pub demo_kubeconfig: Option<PathBuf>,
}

#[derive(Args)]
pub struct Check {
    /// The configuration; without it ./devmatrix.yaml
    #[arg(long, value_name = "FILE")]
    pub config: Option<PathBuf>,
    /// Ask each cluster whether the portal has the rights that it needs there
    #[arg(long)]
    pub clusters: bool,
}

/// How to reach a portal, for the commands that do.
#[derive(Args)]
pub struct Remote {
    /// The portal's address
    #[arg(long, value_name = "URL", env = "DEVMATRIX_SERVER", default_value = "http://127.0.0.1:3000")]
    pub server: String,
    /// A file that holds an API token [or the token itself in DEVMATRIX_TOKEN]
    #[arg(long, value_name = "FILE", env = "DEVMATRIX_TOKEN_FILE")]
    pub token_file: Option<PathBuf>,
    /// Print the API's JSON
    #[arg(long)]
    pub json: bool,
}

#[derive(Args)]
pub struct Matrix {
    #[command(flatten)]
    pub remote: Remote,
}

#[derive(Args)]
#[command(args_conflicts_with_subcommands = true)]
pub struct Changes {
    #[command(subcommand)]
    pub command: Option<ChangesCommand>,
    #[command(flatten)]
    pub list: List,
}

#[derive(Subcommand)]
pub enum ChangesCommand {
    /// One change: its plan, its votes, its steps
    Show(Show),
}

#[derive(Args)]
pub struct Show {
    /// Its id, or its label: CH-12
    pub change: String,
    /// Why it did what it did: what was seen, decided and answered, line by line
    #[arg(long)]
    pub explain: bool,
    #[command(flatten)]
    pub remote: Remote,
}

#[derive(Args)]
pub struct List {
    #[arg(long)]
    pub environment: Option<String>,
    #[arg(long)]
    pub component: Option<String>,
    /// One state, or several with commas between
    #[arg(long)]
    pub state: Option<String>,
    #[command(flatten)]
    pub remote: Remote,
}

/// What every change is asked for with.
#[derive(Args)]
pub struct Ask {
    pub component: String,
    pub environment: String,
    #[arg(long)]
    pub reason: String,
    /// Wait for the end, and tell the rollout's progress
    #[arg(long)]
    pub wait: bool,
    /// Plan it although the environment is closed; `devmatrix break-glass` then lets it through
    #[arg(long)]
    pub break_glass: bool,
    #[command(flatten)]
    pub remote: Remote,
}

#[derive(Args)]
pub struct Promote {
    /// Where the release runs now; without it where the configuration promotes from
    #[arg(long, value_name = "ENVIRONMENT")]
    pub from: Option<String>,
    #[command(flatten)]
    pub ask: Ask,
}

#[derive(Args)]
pub struct Train {
    /// Where to
    pub environment: String,
    /// Each once; what others depend on goes first
    #[arg(required = true)]
    pub components: Vec<String>,
    /// Where the releases run now; without it where the configuration promotes from
    #[arg(long, value_name = "ENVIRONMENT")]
    pub from: Option<String>,
    #[arg(long)]
    pub reason: String,
    /// Wait for the end, and tell how far it is
    #[arg(long)]
    pub wait: bool,
    #[command(flatten)]
    pub remote: Remote,
}

#[derive(Args)]
pub struct Rollback {
    /// Without it the last revision that did not fail, with another release than the present one
    #[arg(long, value_name = "N")]
    pub to_revision: Option<i64>,
    /// With what its ConfigMaps held then
    #[arg(long)]
    pub restore_config: bool,
    #[command(flatten)]
    pub ask: Ask,
}

#[derive(Args)]
pub struct Scale {
    #[arg(long, value_name = "N")]
    pub replicas: i64,
    #[command(flatten)]
    pub ask: Ask,
}

#[derive(Args)]
pub struct Restart {
    #[command(flatten)]
    pub ask: Ask,
}

#[derive(Args)]
pub struct Unblock {
    /// Its name, as the component's page gives it
    #[arg(long)]
    pub pod: String,
    #[command(flatten)]
    pub ask: Ask,
}

#[derive(Args)]
pub struct Autoscale {
    /// The least replicas that it may choose
    #[arg(long, value_name = "N")]
    pub min: i64,
    /// The most replicas that it may choose
    #[arg(long, value_name = "N")]
    pub max: i64,
    #[command(flatten)]
    pub ask: Ask,
}

#[derive(Args)]
pub struct Deploy {
    /// repository:tag@sha256:…
    #[arg(long)]
    pub image: String,
    /// Who wrote what is in it; several times for several. Where authors are excluded, they do not decide on it
    #[arg(long = "author", value_name = "PERSON")]
    pub authors: Vec<String>,
    #[command(flatten)]
    pub ask: Ask,
}

#[derive(Args)]
pub struct RunJob {
    /// The CronJob's name, as the environment's page gives it
    #[arg(value_name = "CRONJOB")]
    pub cron_job: String,
    pub environment: String,
    #[arg(long)]
    pub reason: String,
    /// Wait for the end, and tell how the Job goes
    #[arg(long)]
    pub wait: bool,
    /// Plan it although the environment is closed; `devmatrix break-glass` then lets it through
    #[arg(long)]
    pub break_glass: bool,
    #[command(flatten)]
    pub remote: Remote,
}

#[derive(Args)]
pub struct Approve {
    /// CH-12, or the change's id; TR-3 for a train
    pub change: String,
    /// Approve only the plan with this digest; without it the plan is printed and approved
    #[arg(long)]
    pub digest: Option<String>,
    #[arg(long, default_value = "")]
    pub reason: String,
    /// Wait for the end, and tell the rollout's progress
    #[arg(long)]
    pub wait: bool,
    #[command(flatten)]
    pub remote: Remote,
}

#[derive(Args)]
pub struct Withdraw {
    /// CH-12, or the change's id
    pub change: String,
    #[arg(long, default_value = "")]
    pub reason: String,
    #[command(flatten)]
    pub remote: Remote,
}

#[derive(Args)]
pub struct BreakGlass {
    /// CH-12, or the change's id
    pub change: String,
    /// Only the plan with this digest; without it the plan is printed first
    #[arg(long)]
    pub digest: Option<String>,
    /// Why it cannot wait: the review judges it
    #[arg(long)]
    pub reason: String,
    /// Wait for the end, and tell the rollout's progress
    #[arg(long)]
    pub wait: bool,
    #[command(flatten)]
    pub remote: Remote,
}

#[derive(Args)]
pub struct Freezes {
    #[arg(long)]
    pub environment: Option<String>,
    /// Also those that are over
    #[arg(long)]
    pub all: bool,
    #[command(flatten)]
    pub remote: Remote,
}

#[derive(Args)]
pub struct Freeze {
    #[arg(required_unless_present = "production")]
    pub environment: Option<String>,
    /// All production environments
    #[arg(long, conflicts_with = "environment")]
    pub production: bool,
    #[arg(long)]
    pub reason: String,
    /// Until when, such as 2027-01-04T08:00:00Z; without it until somebody lifts it
    #[arg(long, value_name = "TIME")]
    pub until: Option<String>,
    #[command(flatten)]
    pub remote: Remote,
}

#[derive(Args)]
pub struct Page {
    /// A person, or a role: on-call:ROTATION/ROLE
    pub to: String,
    /// What whoever is woken reads first
    #[arg(long)]
    pub reason: String,
    /// An incident that it is about
    #[arg(long, value_name = "INCIDENT")]
    pub incident: Option<String>,
    #[command(flatten)]
    pub remote: Remote,
}

#[derive(Args)]
pub struct Unfreeze {
    /// As `devmatrix freezes` names it
    pub id: String,
    #[arg(long, default_value = "")]
    pub reason: String,
    #[command(flatten)]
    pub remote: Remote,
}

#[derive(Args)]
pub struct Token {
    #[command(subcommand)]
    pub command: TokenCommand,
}

#[derive(Subcommand)]
pub enum TokenCommand {
    /// Make a token; it is printed once, alone, on standard output
    Create(CreateToken),
    /// All tokens, without their secrets
    List(ListTokens),
    /// End a token and the sessions that were opened with it
    Revoke(RevokeToken),
}

/// Where tokens are kept: no server needs to run.
#[derive(Args)]
pub struct Database {
    /// The configuration, which says who may do what; without it ./devmatrix.yaml
    #[arg(long, value_name = "FILE")]
    pub config: Option<PathBuf>,
    #[arg(long, value_name = "DIR", default_value = "data")]
    pub data_dir: PathBuf,
    /// Another database: postgres://… or sqlite://… [also from DEVMATRIX_DATABASE_URL]
    #[arg(long, value_name = "URL")]
    pub database_url: Option<String>,
}

#[derive(Args)]
pub struct CreateToken {
    /// Whose token it is: a name as the configuration's teams write it
    #[arg(long, value_name = "NAME")]
    pub user: String,
    /// read, change, approve, incident, admin: several with commas between
    #[arg(long, value_delimiter = ',', required = true)]
    pub scopes: Vec<String>,
    /// How long it is good for: 90s, 15m, 24h, 30d, 52w
    #[arg(long, value_name = "DURATION", default_value = "90d")]
    pub expires: String,
    #[command(flatten)]
    pub database: Database,
}

#[derive(Args)]
pub struct ListTokens {
    #[arg(long)]
    pub json: bool,
    #[command(flatten)]
    pub database: Database,
}

#[derive(Args)]
pub struct RevokeToken {
    pub id: String,
    #[command(flatten)]
    pub database: Database,
}
