//! What every page knows: the site it belongs to, and who looks at it.

use domain::Result;
use domain::access::{Actor, Verb, authorize};
use domain::catalog::Duty;
use domain::changes::votes::Voter;
use domain::changes::{Closed, may_break_glass};
use domain::clusters::{CellState, EnvironmentHead, Matrix};
use engine::Engine;

/// The same for every page and everybody.
#[derive(Clone, Debug)]
pub struct Site {
    /// URL path of the wasm-bindgen module: `/pkg/devmatrix.HASH.js`.
    pub js: String,
    /// URL path of the WebAssembly: `/pkg/devmatrix.HASH.wasm`.
    pub wasm: String,
    /// URL path of the stylesheet: `/pkg/devmatrix.HASH.css`.
    pub css: String,
    /// Every page says that it shows a demo cluster.
    pub demo: bool,
    pub organisation: String,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Theme {
    #[default]
    System,
    Light,
    Dark,
}

impl Theme {
    pub const ALL: [Theme; 3] = [Theme::Light, Theme::Dark, Theme::System];
    /// The cookie that keeps it, so that the first byte of HTML already has the right theme.
    pub const COOKIE: &str = "theme";

    /// Anything unknown is the system's theme.
    pub fn parse(text: &str) -> Theme {
        Theme::ALL.into_iter().find(|theme| theme.as_str() == text).unwrap_or_default()
    }

    pub fn as_str(self) -> &'static str {
        match self {
            Theme::System => "system",
            Theme::Light => "light",
            Theme::Dark => "dark",
        }
    }
}

/// An environment, and the worst that is known of it.
#[derive(Clone, Debug)]
pub struct EnvironmentHealth {
    pub head: EnvironmentHead,
    /// `Unknown` when its cluster is not reachable.
    pub state: CellState,
    /// How many components are not healthy.
    pub wrong: i64,
}

/// The signed-in person, and what the frame around every page says to them.
#[derive(Clone, Debug)]
pub struct Viewer {
    pub actor: Actor,
    /// What they have to do on call now: a rule may ask for it.
    pub duties: Vec<Duty>,
    /// Who may break the glass beside the administrators: whoever is primary on call now.
    pub primary: Vec<String>,
    /// Changes that this person may decide now.
    pub approvals_waiting: i64,
    pub environments: Vec<EnvironmentHealth>,
    pub theme: Theme,
    /// Path and query of this page, as a GET would ask for it: where live updates refetch, where forms return to.
    pub path: String,
}

impl Viewer {
    pub async fn load(engine: &Engine, actor: &Actor, theme: Theme, path: &str) -> Result<Viewer> {
        let matrix = engine.matrix(actor).await?;
        let waiting = engine.waiting_for(actor).await?.len() + engine.trains_waiting_for(actor).await?.len();
        let viewer = Viewer::of(actor.clone(), &matrix, waiting as i64, theme, path);
        let duties = engine.voter(&actor.person.name, engine.now()).await?.duties;
        Ok(Viewer { duties, primary: engine.primary_on_call(engine.now()).await?, ..viewer })
    }

    pub fn of(actor: Actor, matrix: &Matrix, approvals_waiting: i64, theme: Theme, path: &str) -> Viewer {
        let environments = matrix.environments.iter().map(|head| EnvironmentHealth::of(head, matrix)).collect();
        Viewer { actor, duties: Vec::new(), primary: Vec::new(), approvals_waiting, environments, theme, path: path.to_owned() }
    }

    /// The reader, as votes are counted.
    pub fn voter(&self) -> Voter {
        Voter { person: self.actor.person.clone(), duties: self.duties.clone() }
    }

    /// Whether the reader may break the glass now.
    pub fn may_break_glass(&self) -> Result<()> {
        let allowed = authorize(&self.actor, Verb::BreakGlass)?;
        may_break_glass(allowed.person(), &self.primary).map(|_| ())
    }

    /// What closes an environment now.
    pub fn closed(&self, environment: &str) -> Option<&Closed> {
        self.environments.iter().find(|e| e.head.name == environment)?.head.closed.as_ref()
    }

    /// `Production East` for `prod`; the name itself when it is not known.
    pub fn environment_title<'a>(&'a self, name: &'a str) -> &'a str {
        self.environments.iter().find(|e| e.head.name == name).map_or(name, |e| e.head.title.as_str())
    }
}

impl EnvironmentHealth {
    fn of(head: &EnvironmentHead, matrix: &Matrix) -> EnvironmentHealth {
        let states = || matrix.components.iter().filter_map(|row| row.cells.get(&head.name)).map(|cell| cell.state);
        let wrong = states().filter(|state| !matches!(state, CellState::Healthy | CellState::Progressing)).count() as i64;
        let worst = states().max_by_key(|state| badness(*state)).unwrap_or(CellState::Unknown);
        let state = if head.cluster.reachable { worst } else { CellState::Unknown };
        EnvironmentHealth { head: head.clone(), state, wrong }
    }
}

/// How much a state asks for attention. Unknown is worse than progressing: it must never look healthy.
pub(crate) fn badness(state: CellState) -> u8 {
    match state {
        CellState::Healthy => 0,
        CellState::Progressing => 1,
        CellState::Paused => 2,
        CellState::Absent => 3,
        CellState::Unknown => 4,
        CellState::Degraded => 5,
        CellState::Down => 6,
    }
}
