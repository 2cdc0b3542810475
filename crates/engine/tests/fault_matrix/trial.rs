//! Many trials in one portal at once, each on a workload of its own: the stage is set, the faults are scripted for the names of each, then
//! all are asked for, approved, and carried to their ends.

use super::FAULTS;
use super::subject::Subject;
use super::support::{CONFIG, World, actor, eventually};
use domain::changes::step::MAY_ARRIVE;
use domain::changes::{Change, State};
use engine::Patience;
use sim::{Cluster, Fault, Match, WriteRecord};
use std::future::Future;
use std::sync::Arc;
use std::time::{Duration, Instant};
use tokio::sync::Semaphore;

/// The calls of a change to the cluster that it writes to.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Call {
    /// What is promoted is read for the plan, in its own cluster.
    Source,
    /// What is written to is read for the plan.
    Plan,
    /// The API server is asked what the write would make of it.
    DryRun,
    /// It is read again, after the votes.
    Check,
    Write,
    /// It is read again, because the write went wrong by this fault.
    Look(usize),
    /// The watch begins anew while it rolls out.
    Watch,
    /// Each look after the votes, for as long as the plan is good.
    LastingCheck,
    /// And each write.
    LastingWrite,
}

impl Call {
    fn lasts(self) -> bool {
        matches!(self, Call::LastingCheck | Call::LastingWrite)
    }
}

#[derive(Clone, Copy, Debug)]
pub struct Trial {
    pub subject: Subject,
    pub call: Call,
    /// Of [`FAULTS`].
    pub fault: usize,
}

/// A watch that tells nothing is given up after this.
const PATIENCE: Patience = Patience { renew_s: 4, silence: Duration::from_secs(6) };

/// More often than anything is tried.
const FOR_GOOD: usize = 10_000;

/// One that is not answered for each of its calls takes half a minute.
const DEADLINE: Duration = Duration::from_secs(150);

/// How each came out, as the table says it.
pub async fn run(trials: Vec<Trial>, stage: Arc<Semaphore>) -> Vec<(Trial, String)> {
    let turn = stage.acquire_owned().await.unwrap();
    let setting = Arc::new(Setting::of(trials).await);
    setting.set_the_stage().await;
    drop(turn);
    let asked = each(&setting, |setting, at| async move { setting.ask(at).await }).await;
    setting.break_watches();
    let asked = Arc::new(asked);
    each(&setting, |setting, at| {
        let asked = asked.clone();
        async move { setting.approve(&asked[at]).await }
    })
    .await;
    let mut ended = Vec::new();
    for (trial, asked) in setting.trials.iter().zip(asked.iter()) {
        ended.push(setting.end(trial, asked).await);
    }
    setting.all_watches_began_anew().await;
    // A portal that nobody looks at any more would go on watching its clusters.
    setting.world.engine.stop().await;
    // At the very end, so that a late second write is counted too.
    let said = ended.into_iter().enumerate().map(|(at, ended)| (setting.trials[at], setting.judge(at, ended)));
    said.collect()
}

/// Waits for a condition, not looking often: of so many trials at once, looking would be most of the work.
async fn patiently<T, F: Future<Output = Option<T>>>(what: &str, mut look: impl FnMut() -> F) -> T {
    let began = Instant::now();
    loop {
        if let Some(found) = look().await {
            return found;
        }
        assert!(began.elapsed() < DEADLINE, "not within {DEADLINE:?}: {what}");
        tokio::time::sleep(Duration::from_millis(200)).await;
    }
}

/// All of them at once; what each came to, in their order.
async fn each<T, F>(setting: &Arc<Setting>, act: impl Fn(Arc<Setting>, usize) -> F) -> Vec<T>
where
    T: Send + 'static,
    F: Future<Output = T> + Send + 'static,
{
    let tasks: Vec<_> = (0..setting.trials.len()).map(|at| tokio::spawn(act(setting.clone(), at))).collect();
    let mut done = Vec::with_capacity(tasks.len());
    for task in tasks {
        done.push(task.await.unwrap());
    }
    done
}

struct Setting {
    world: World,
    trials: Vec<Trial>,
}

/// A change, or the code of the refusal.
type Asked = Result<Change, String>;

impl Setting {
    async fn of(trials: Vec<Trial>) -> Setting {
        let patience = if trials.iter().any(|trial| trial.call == Call::Watch) { PATIENCE } else { Patience::default() };
        let world = World::configured(&configuration(&trials), patience, |_| {}).await;
        Setting { world, trials }
    }

    fn cluster(&self, environment: &str) -> (&Cluster, &'static str) {
        match environment {
            "staging" => (&self.world.staging, "devmatrix-staging"),
            _ => (&self.world.prod, "devmatrix"),
        }
    }

    async fn set_the_stage(&self) {
        let stages: Vec<_> = self.trials.iter().enumerate().map(|(at, trial)| (name(at), trial.subject.stages(&name(at)))).collect();
        let most = stages.iter().map(|(_, stages)| stages.len()).max().unwrap();
        for number in 0..most {
            let next: Vec<_> = stages.iter().filter_map(|(name, stages)| Some((name, stages.get(number)?))).collect();
            for (_, stage) in &next {
                let (cluster, namespace) = self.cluster(stage.environment);
                stage.set(cluster, namespace);
            }
            for (name, stage) in &next {
                let seen = || async { stage.is_seen(&self.world.engine, name).await.then_some(()) };
                patiently(&format!("the stage of {name} is set: {number}"), seen).await;
            }
        }
        let bea = self.world.actor("bea");
        for (at, trial) in self.trials.iter().enumerate() {
            let request = trial.subject.request(&name(at));
            let asked = || async { self.world.engine.preview(&bea, request.clone()).await.ok() };
            patiently(&format!("it can be asked to {}", trial.subject.title()), asked).await;
        }
    }

    /// The faults are scripted for what is to come, from the plan on: what goes well before is let through.
    async fn ask(&self, at: usize) -> Asked {
        let (trial, name) = (self.trials[at], name(at));
        let faults = self.cluster(trial.subject.environment()).0.faults();
        let (look, check, write) = (trial.subject.look(&name), trial.subject.check(&name), trial.subject.write(&name));
        let passes = |call: &Match, times| (0..times).for_each(|_| faults.fail(call.clone(), Fault::Delay(Duration::ZERO), 1));
        let lasts = |call: &Match| faults.fail(call.clone(), FAULTS[trial.fault].1, FOR_GOOD);
        let fails = |call: &Match, fault: usize| faults.fail(call.clone(), FAULTS[fault].1, 1);
        match trial.call {
            Call::Source => self.world.staging.faults().fail(look, FAULTS[trial.fault].1, 1),
            Call::Plan => fails(&look, trial.fault),
            Call::DryRun => fails(&write, trial.fault),
            Call::Check => {
                passes(&check, 1);
                fails(&check, trial.fault);
            }
            Call::LastingCheck => {
                passes(&check, 1);
                lasts(&check);
            }
            Call::LastingWrite => {
                passes(&write, 1);
                lasts(&write);
            }
            Call::Write => {
                passes(&write, 1);
                fails(&write, trial.fault);
            }
            Call::Look(before) => {
                passes(&write, 1);
                fails(&write, before);
                passes(&look, trial.subject.looks_before());
                fails(&look, trial.fault);
            }
            Call::Watch => {}
        }
        match self.world.engine.ask(&self.world.actor("bea"), trial.subject.request(&name), None).await {
            Ok(asked) => Ok(asked.change),
            Err(refused) => {
                assert_ne!(refused.status(), 500, "{trial:?}: {refused:?}");
                assert!((400..504).contains(&refused.status()), "{trial:?}: {refused:?}");
                Err(refused.code().to_owned())
            }
        }
    }

    async fn approve(&self, asked: &Asked) {
        if let Ok(change) = asked {
            self.world.approved(change, "dmitri").await;
        }
    }

    /// For watches are of all objects: each begins anew, and gets its fault.
    fn break_watches(&self) {
        let Some(trial) = self.trials.iter().find(|trial| trial.call == Call::Watch) else { return };
        for cluster in [&self.world.staging, &self.world.prod] {
            for plural in ["deployments", "pods"] {
                cluster.faults().fail(Match::on("watch", plural), FAULTS[trial.fault].1, 1);
            }
            cluster.faults().drop_watches();
        }
    }

    async fn all_watches_began_anew(&self) {
        if self.trials.iter().all(|trial| trial.call == Call::Watch) {
            let pending = || self.world.staging.faults().pending() + self.world.prod.faults().pending();
            eventually("each watch had its fault", || async { (pending() == 0).then_some(()) }).await;
        }
    }

    async fn end(&self, trial: &Trial, asked: &Asked) -> Asked {
        let change = asked.clone()?;
        let what = format!("{trial:?} ends: {}", change.plan.summary);
        Ok(patiently(&what, || async {
            let now = self.world.engine.change(&actor("viv"), &change.id).await.unwrap();
            now.state.is_terminal().then_some(now)
        })
        .await)
    }

    fn judge(&self, at: usize, ended: Asked) -> String {
        let (trial, name) = (self.trials[at], name(at));
        let (cluster, _) = self.cluster(trial.subject.environment());
        let writes = cluster.writes().iter().filter(|write| trial.subject.wrote(&name, write)).count();
        let others = cluster.writes().iter().filter(|write| !trial.subject.wrote(&name, write) && is_of_portal(&name, write)).count();
        let clusters = [&self.world.staging, &self.world.prod];
        let pending = |name: &str| clusters.iter().map(|cluster| cluster.faults().pending_for(name)).sum::<usize>();
        let written = trial.subject.written(&name);
        let left = pending(&written) + if written == name { 0 } else { pending(&name) };
        let happened = if trial.call.lasts() { left < FOR_GOOD } else { left == 0 };
        assert!(happened, "{trial:?}: {left} faults did not happen: {:?}", ended.as_ref().map(|change| &change.outcome));
        match ended {
            Err(code) => {
                assert_eq!((writes, others), (0, 0), "{trial:?}: refused, and yet written");
                format!("refused: {code}")
            }
            Ok(change) => {
                let outcome = change.outcome.unwrap();
                assert!(writes <= 1, "{trial:?}: written {writes} times");
                assert!(change.state != State::Succeeded || writes == 1, "{trial:?}: success without a write");
                let after = usize::from(trial.subject == Subject::RestoreConfig && change.state == State::Succeeded);
                assert_eq!(others, after, "{trial:?}: written to something else, {}", change.state);
                assert!(is_named(change.state, &outcome.reason), "{trial:?}: {}: {}", change.state, outcome.reason);
                let doubt = if outcome.reason.ends_with(MAY_ARRIVE) { ", a try may still arrive" } else { "" };
                match (change.state, writes) {
                    (State::Succeeded, _) => "succeeded".to_owned(),
                    (state, 0) => format!("{state}, nothing written{doubt}"),
                    (state, _) => format!("{state}, written{doubt}"),
                }
            }
        }
    }
}

/// The end says which one it is.
fn is_named(state: State, reason: &str) -> bool {
    match state {
        State::Succeeded => !reason.is_empty(),
        State::Errored => ["the cluster refused the write", "the cluster took none of many tries"].iter().any(|why| reason.contains(why)),
        State::Superseded => reason.contains("was deleted"),
        State::Expired => reason.starts_with("the plan was not executed in time"),
        _ => false,
    }
}

/// A write of the portal to anything of this trial that was taken.
fn is_of_portal(name: &str, write: &WriteRecord) -> bool {
    let of_trial = write.name == name || write.name.starts_with(&format!("{name}-"));
    let by_portal = write.field_manager == "devmatrix-portal" || write.verb == "delete";
    of_trial && by_portal && !write.dry_run && write.status < 300
}

fn name(at: usize) -> String {
    format!("part-{at}")
}

fn configuration(trials: &[Trial]) -> String {
    let lasting = trials.iter().any(|trial| trial.call.lasts());
    // Long enough for the vote, on a busy machine.
    let expires = if lasting { ", expires: 40s" } else { "" };
    let approval = format!("approval: {{rules: [{{from: [\"team:devops\"], needed: 1}}]{expires}}}");
    let config = CONFIG.replacen("approval: {rules: [{from: [\"team:devops\"], needed: 1}]}", &approval, 1);
    let staging = config.replacen("namespace: devmatrix-staging}", &format!("namespace: devmatrix-staging, {approval}}}"), 1);
    let both = staging.replacen("    promote_from: staging\n", "    promote_from: staging\n    rollback: {approval: true}\n", 1);
    trials.iter().enumerate().fold(both, |text, (at, trial)| text + &trial.subject.component(&name(at)))
}
