//! Reading `devmatrix.yaml`: every problem has a line, a column and what was expected. All problems of meaning are found
//! in one reading; YAML itself stops at its first.

mod access;
mod channels;
mod oncall;
mod policy;

use super::{Access, Catalog, Cluster, Component, DeclaredWorkload, Environment, Provider, Team};
use crate::access::Role;
use crate::clusters::WorkloadKind;
use crate::names::{NAME_RULE, Name, nearest};
use crate::time::parse_duration;
use jiff::tz::TimeZoneDatabase;
use serde::Deserialize;
use serde::de::IgnoredAny;
use serde_saphyr::Spanned;
use std::fmt;

/// One thing that is wrong, and where. Lines and columns count from 1.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Problem {
    pub line: u64,
    pub column: u64,
    pub what: String,
}

impl fmt::Display for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}: {}", self.line, self.column, self.what)
    }
}

/// A catalog, and what in the file has no effect yet.
#[derive(Debug)]
pub struct Read {
    pub catalog: Catalog,
    pub warnings: Vec<Problem>,
}

type Text = Spanned<String>;

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct File {
    organisation: Text,
    external_url: Option<Text>,
    sign_in: Option<Spanned<IgnoredAny>>,
    #[serde(default)]
    teams: Vec<RawTeam>,
    #[serde(default)]
    clusters: Vec<RawCluster>,
    #[serde(default)]
    environments: Vec<RawEnvironment>,
    #[serde(default)]
    components: Vec<RawComponent>,
    #[serde(default)]
    people: Vec<oncall::RawContact>,
    #[serde(default)]
    calendars: Vec<oncall::RawCalendar>,
    #[serde(default)]
    rotations: Vec<oncall::RawRotation>,
    #[serde(default)]
    severities: Vec<oncall::RawLevel>,
    #[serde(default)]
    channels: Vec<channels::RawChannel>,
    runbooks: Option<Spanned<IgnoredAny>>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct RawTeam {
    name: Text,
    title: Option<String>,
    #[serde(default)]
    members: Vec<Text>,
    #[serde(default)]
    roles: Vec<Text>,
    groups: Option<Spanned<IgnoredAny>>,
    calendar: Option<Text>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct RawCluster {
    name: Text,
    provider: Text,
    #[serde(default)]
    region: String,
    kubeconfig: Option<access::RawKubeconfig>,
    eks: Option<Spanned<access::RawEks>>,
    gke: Option<Spanned<access::RawGke>>,
    aks: Option<Spanned<access::RawAks>>,
    deploy: Option<Spanned<access::RawDeploy>>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct RawEnvironment {
    name: Text,
    title: Option<String>,
    stage: Spanned<i64>,
    cluster: Text,
    namespace: Text,
    branch: Option<String>,
    #[serde(default)]
    production: bool,
    promote_from: Option<Text>,
    approval: Option<policy::RawApproval>,
    #[serde(default)]
    windows: Vec<Spanned<policy::RawWindow>>,
    rollback: Option<RawRollback>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct RawRollback {
    #[serde(default)]
    approval: bool,
    #[serde(default)]
    automatic: bool,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct RawComponent {
    name: Text,
    title: Option<String>,
    owner: Text,
    #[serde(default)]
    technology: String,
    image: Option<Spanned<String>>,
    port: Option<Spanned<i64>>,
    replicas: Option<Spanned<i64>>,
    resources: Option<RawResources>,
    workload: Text,
    container: Option<Text>,
    containers: Option<Vec<Text>>,
    #[serde(default)]
    depends_on: Vec<Text>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct RawResources {
    cpu: Option<String>,
    memory: Option<String>,
}

/// Reads the file's text, with the time zones that were compiled in.
pub fn read(text: &str) -> Result<Read, Vec<Problem>> {
    read_in(text, &TimeZoneDatabase::bundled())
}

/// Reads the file's text. `zones`: where names such as Europe/Berlin are looked up.
pub fn read_in(text: &str, zones: &TimeZoneDatabase) -> Result<Read, Vec<Problem>> {
    let file: File = serde_saphyr::from_str(text).map_err(|error| vec![yaml_problem(&error)])?;
    let mut reader = Reader { zones, problems: Vec::new(), warnings: Vec::new() };
    let catalog = reader.catalog(file, crate::digest::sha256(text));
    if reader.problems.is_empty() { Ok(Read { catalog, warnings: reader.warnings }) } else { Err(reader.problems) }
}

fn yaml_problem(error: &serde_saphyr::Error) -> Problem {
    use serde_saphyr::Error;
    let (line, column) = error.location().map_or((1, 1), |at| (at.line(), at.column()));
    let what = match error.without_snippet() {
        Error::SerdeUnknownField { field, expected, .. } => {
            let hint = nearest(field, expected.iter().copied()).map(|near| format!("did you mean `{near}`? ")).unwrap_or_default();
            format!("unknown key `{field}`: {hint}expected one of {}", expected.join(", "))
        }
        Error::SerdeMissingField { field, .. } => format!("the key `{field}` is missing here"),
        other => first_line(&other.to_string()),
    };
    Problem { line, column, what }
}

/// The message without the place (we write our own) and without the excerpt under it.
fn first_line(message: &str) -> String {
    let line = message.lines().next().unwrap_or_default();
    let line = line.strip_prefix("error: ").unwrap_or(line);
    line.split(" at line ").next().unwrap_or(line).to_owned()
}

struct Reader<'a> {
    zones: &'a TimeZoneDatabase,
    problems: Vec<Problem>,
    warnings: Vec<Problem>,
}

impl Reader<'_> {
    fn catalog(&mut self, file: File, version: String) -> Catalog {
        self.later("sign_in", &file.sign_in, "people sign in with API tokens until single sign-on is there");
        self.later("runbooks", &file.runbooks, "this version does not read it yet");
        self.distinct("team", file.teams.iter().map(|t| &t.name));
        self.distinct("cluster", file.clusters.iter().map(|c| &c.name));
        self.distinct("environment", file.environments.iter().map(|e| &e.name));
        self.distinct("component", file.components.iter().map(|c| &c.name));
        self.distinct("calendar", file.calendars.iter().map(|c| &c.name));
        let names = Known {
            teams: values(file.teams.iter().map(|t| &t.name)),
            clusters: values(file.clusters.iter().map(|c| &c.name)),
            environments: file.environments.iter().map(|e| (e.name.value.clone(), e.stage.value)).collect(),
            components: values(file.components.iter().map(|c| &c.name)),
            calendars: values(file.calendars.iter().map(|c| &c.name)),
            approvers: approvers(&file.teams),
            rotations: file.rotations.iter().map(oncall::RawRotation::name_and_roles).collect(),
        };
        if file.organisation.value.trim().is_empty() {
            self.problem(&file.organisation, "the organisation needs a name");
        }
        let external_url = file.external_url.map(|url| self.external_url(url));
        let teams: Vec<Team> = file.teams.into_iter().map(|team| self.team(team, &names)).collect();
        let clusters = file.clusters.into_iter().map(|cluster| self.cluster(cluster)).collect();
        let mut environments: Vec<_> = file.environments.into_iter().map(|e| self.environment(e, &names)).collect();
        environments.sort_by_key(|e| e.stage);
        let components = file.components.into_iter().map(|c| self.component(c, &names)).collect();
        let raw = oncall::Raw { people: file.people, calendars: file.calendars, rotations: file.rotations, severities: file.severities };
        let declared: Vec<String> = names.environments.iter().map(|(name, _)| name.clone()).collect();
        let channels = self.channels(file.channels, &teams);
        let oncall::OnCall { people, calendars, rotations, severities } = self.on_call(raw, &teams, &declared);
        Catalog {
            organisation: file.organisation.value,
            external_url,
            teams,
            clusters,
            environments,
            components,
            contacts: people,
            channels,
            calendars,
            rotations,
            severities,
            version,
        }
    }

    fn team(&mut self, team: RawTeam, known: &Known) -> Team {
        self.name(&team.name);
        self.later("groups", &team.groups, "it needs single sign-on");
        if let Some(calendar) = &team.calendar {
            self.reference("calendar", calendar, &known.calendars);
        }
        for member in &team.members {
            self.name(member);
            if member.value == crate::access::PORTAL {
                self.problem(member, "`portal` is the portal itself, in the record of acts: expected another name");
            }
        }
        let roles =
            team.roles.iter().filter_map(|role| self.one_of("role", role, &Role::NAMES).then(|| Role::parse(&role.value))?).collect();
        let name = team.name.value;
        Team {
            title: team.title.unwrap_or_else(|| name.clone()),
            name,
            members: team.members.into_iter().map(|m| m.value).collect(),
            roles,
            calendar: team.calendar.map(|calendar| calendar.value),
        }
    }

    fn cluster(&mut self, cluster: RawCluster) -> Cluster {
        self.name(&cluster.name);
        self.one_of("provider", &cluster.provider, &Provider::NAMES);
        let (provider, (access, deploy)) = match Provider::parse(&cluster.provider.value) {
            Some(provider) => (provider, self.access(&cluster, provider)),
            None => (Provider::Kubeconfig, (Access::InCluster, None)),
        };
        Cluster { name: cluster.name.value, provider, region: cluster.region, access, deploy }
    }

    fn environment(&mut self, e: RawEnvironment, known: &Known) -> Environment {
        self.name(&e.name);
        self.name(&e.namespace);
        self.reference("cluster", &e.cluster, &known.clusters);
        if let Some(from) = &e.promote_from {
            self.promotion_source(from, &e, known);
        }
        let approval = e.approval.map(|raw| self.approval(raw, known));
        let windows = e.windows.into_iter().filter_map(|raw| self.window(raw)).collect();
        let name = e.name.value;
        Environment {
            title: e.title.unwrap_or_else(|| name.clone()),
            name,
            stage: e.stage.value,
            cluster: e.cluster.value,
            namespace: e.namespace.value,
            branch: e.branch,
            production: e.production,
            promote_from: e.promote_from.map(|from| from.value),
            approval,
            windows,
            rollback_needs_approval: e.rollback.as_ref().is_some_and(|r| r.approval),
            rollback_automatic: e.rollback.is_some_and(|r| r.automatic),
        }
    }

    /// A source comes before its target, so that promotions cannot go in circles.
    fn promotion_source(&mut self, from: &Text, e: &RawEnvironment, known: &Known) {
        let names: Vec<_> = known.environments.iter().map(|(name, _)| name.clone()).collect();
        if !self.reference("environment", from, &names) {
            return;
        }
        let stage = known.environments.iter().find(|(name, _)| *name == from.value).map_or(0, |(_, stage)| *stage);
        if stage >= e.stage.value {
            self.problem(
                from,
                &format!("`{}` is at stage {stage}; expected an environment of a stage below {}", from.value, e.stage.value),
            );
        }
    }

    fn component(&mut self, c: RawComponent, known: &Known) -> Component {
        self.name(&c.name);
        self.reference("team", &c.owner, &known.teams);
        for dependency in &c.depends_on {
            self.reference("component", dependency, &known.components);
        }
        if let Some(port) = c.port.as_ref().filter(|p| !(1..=65_535).contains(&p.value)) {
            self.problem(port, "expected a port from 1 to 65535");
        }
        if let Some(replicas) = c.replicas.as_ref().filter(|r| r.value < 0) {
            self.problem(replicas, "expected 0 replicas or more");
        }
        if let Some(image) = c.image.as_ref().filter(|image| !is_repository(&image.value)) {
            self.problem(image, "expected an image's repository without tag and digest, such as registry.example/team/api");
        }
        let workload = self.workload(&c.workload);
        let (container, companions) = self.containers(c.container, c.containers.unwrap_or_default());
        let (cpu, memory) = c.resources.map_or((None, None), |r| (r.cpu, r.memory));
        let name = c.name.value;
        Component {
            title: c.title.unwrap_or_else(|| name.clone()),
            name,
            owner: c.owner.value,
            technology: c.technology,
            image: c.image.map(|image| image.value),
            port: c.port.map(|p| p.value),
            replicas: c.replicas.map(|r| r.value),
            cpu,
            memory,
            workload,
            container,
            companions,
            depends_on: c.depends_on.into_iter().map(|d| d.value).collect(),
        }
    }

    /// The one whose image is the version, and those that are promoted with it.
    fn containers(&mut self, one: Option<Text>, all: Vec<Text>) -> (Option<String>, Vec<String>) {
        if let (Some(_), Some(first)) = (&one, all.first()) {
            self.problem(first, "expected `container` or `containers`, not both: the first of `containers` is the one");
        }
        for (at, container) in all.iter().enumerate() {
            if all[..at].iter().any(|earlier| earlier.value == container.value) {
                self.problem(container, &format!("`{}` is named twice", container.value));
            }
        }
        let mut names = one.into_iter().chain(all).map(|name| name.value);
        (names.next(), names.collect())
    }

    fn workload(&mut self, text: &Text) -> DeclaredWorkload {
        let parsed = text.value.split_once('/').and_then(|(kind, name)| Some((WorkloadKind::parse(kind)?, name)));
        match parsed {
            Some((kind, name)) if Name::try_from(name.to_owned()).is_ok() => DeclaredWorkload { kind, name: name.to_owned() },
            _ => {
                self.problem(
                    text,
                    &format!("`{}` is not a workload: expected deployment/NAME, statefulset/NAME or daemonset/NAME", text.value),
                );
                DeclaredWorkload { kind: WorkloadKind::Deployment, name: text.value.clone() }
            }
        }
    }

    fn external_url(&mut self, url: Text) -> String {
        let host = url.value.strip_prefix("https://").or_else(|| url.value.strip_prefix("http://"));
        if host.is_none_or(|host| host.is_empty() || host.contains(char::is_whitespace)) {
            self.problem(&url, &format!("`{}` is not a web address: expected https://HOST", url.value));
        }
        url.value.trim_end_matches('/').to_owned()
    }

    fn duration(&mut self, text: &Text) -> i64 {
        parse_duration(&text.value).filter(|s| *s > 0).unwrap_or_else(|| {
            self.problem(text, &format!("`{}` is not a duration: expected a number and a unit, such as 90s, 15m, 24h", text.value));
            0
        })
    }

    fn name(&mut self, text: &Text) {
        if Name::try_from(text.value.clone()).is_err() {
            self.problem(text, &format!("`{}` is not a name: expected {NAME_RULE}", text.value));
        }
    }

    fn one_of(&mut self, what: &str, text: &Text, known: &[&str]) -> bool {
        if known.contains(&text.value.as_str()) {
            return true;
        }
        self.problem(text, &format!("unknown {what} `{}`: expected one of {}", text.value, known.join(", ")));
        false
    }

    fn reference(&mut self, what: &str, text: &Text, known: &[String]) -> bool {
        if known.contains(&text.value) {
            return true;
        }
        let hint = match nearest(&text.value, known.iter().map(String::as_str)) {
            Some(near) => format!("did you mean `{near}`?"),
            None => format!("expected one of {}", known.join(", ")),
        };
        self.problem(text, &format!("there is no {what} `{}`: {hint}", text.value));
        false
    }

    fn distinct<'a>(&mut self, what: &str, names: impl Iterator<Item = &'a Text>) {
        let mut seen: Vec<&Text> = Vec::new();
        for name in names {
            if let Some(first) = seen.iter().find(|other| other.value == name.value) {
                let line = first.referenced.line();
                self.problem(name, &format!("the {what} `{}` is there already, in line {line}: expected another name", name.value));
            }
            seen.push(name);
        }
    }

    fn later<T>(&mut self, key: &str, value: &Option<Spanned<T>>, why: &str) {
        if let Some(at) = value {
            self.warn(at, &format!("`{key}` has no effect: {why}"));
        }
    }

    fn problem<T>(&mut self, at: &Spanned<T>, what: &str) {
        let problem = problem_at(at, what);
        // What an identity inherits is read twice.
        if !self.problems.contains(&problem) {
            self.problems.push(problem);
        }
    }

    fn warn<T>(&mut self, at: &Spanned<T>, what: &str) {
        self.warnings.push(problem_at(at, what));
    }
}

struct Known {
    teams: Vec<String>,
    clusters: Vec<String>,
    environments: Vec<(String, i64)>,
    components: Vec<String>,
    calendars: Vec<String>,
    /// Whoever has the role of an approver by one of their teams.
    approvers: Vec<String>,
    /// Each with its roles.
    rotations: Vec<(String, Vec<String>)>,
}

fn approvers(teams: &[RawTeam]) -> Vec<String> {
    let deciding = |team: &&RawTeam| team.roles.iter().any(|role| matches!(role.value.as_str(), "approver" | "admin"));
    teams.iter().filter(deciding).flat_map(|team| values(team.members.iter())).collect()
}

fn values<'a>(names: impl Iterator<Item = &'a Text>) -> Vec<String> {
    names.map(|name| name.value.clone()).collect()
}

fn problem_at<T>(at: &Spanned<T>, what: &str) -> Problem {
    Problem { line: at.referenced.line(), column: at.referenced.column(), what: what.to_owned() }
}

fn is_repository(text: &str) -> bool {
    crate::releases::ImageRef::parse(text).is_some_and(|image| image.tag.is_none() && image.digest.is_none())
}
