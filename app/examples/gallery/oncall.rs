//! On call, severity and incidents, made up around the demo's configuration.

use crate::data::{HOUR, NOW, ago};
use app::incidents::{DueAsked, IncidentData, IncidentsData, OpenForm, SeverityData};
use app::oncall::{Asked, OnCallData, OverrideForm, Shown, Told};
use domain::catalog::Catalog;
use domain::incidents::{Act, Due, Entry, Incident, State};
use domain::oncall::answer::Answer;
use domain::oncall::ledger::ledger;
use domain::oncall::overrides::{Swap, SwapState, Window};
use domain::oncall::view::OnCallView;
use domain::oncall::{Override, Participant};
use domain::{Error, Time};
use engine::oncall::Held;
use std::sync::Arc;

const DAY: i64 = 86_400;

pub fn catalog() -> Arc<Catalog> {
    let read = domain::catalog::read(include_str!("../../../server/src/demo.yaml"));
    Arc::new(read.map(|read| read.catalog).unwrap_or_else(|problems| {
        eprintln!("the demo's configuration is wrong: {problems:?}");
        std::process::exit(1)
    }))
}

fn arranged(id: &str, who: &str, from: i64, until: i64, swap: bool) -> Override {
    let (starts, ends) = (NOW.plus_seconds(from * HOUR), NOW.plus_seconds(until * HOUR));
    let swap = swap.then(|| "s".to_owned());
    let (rotation, role) = ("platform".to_owned(), "primary".to_owned());
    Override {
        id: id.into(),
        rotation,
        role,
        participant: who.to_owned().into(),
        starts,
        ends,
        reason: "offsite day".into(),
        by: "bea".into(),
        at: ago(HOUR),
        swap,
    }
}

fn held(full: bool) -> Held {
    let overrides = if full { vec![arranged("1", "dmitri", 30, 54, false), arranged("2", "bea", 760, 830, true)] } else { vec![] };
    Held { rotation: catalog().rotations[0].clone(), facts: vec![], overrides }
}

pub fn on_call_now() -> Vec<OnCallView> {
    let (catalog, held) = (catalog(), held(true));
    vec![OnCallView::of("platform", NOW, &held.line().at(NOW), &held.line().base_at(NOW), |p| catalog.people_of(p))]
}

fn shown(full: bool) -> Shown {
    let (catalog, held) = (catalog(), held(full));
    let line = held.line();
    let zone = held.rotation.versions[0].zone.clone();
    let base = line.base_at(NOW);
    let christmas = Time::parse("2026-12-25T02:00:00Z").unwrap_or(NOW);
    let people = |p: &Participant| catalog.people_of(p);
    let mut primary = line.duties(NOW.plus_seconds(-182 * DAY), NOW);
    primary.retain(|duty| duty.assignment.role == "primary");
    let window = |from: i64| Window { starts: NOW.plus_seconds(from * DAY), ends: NOW.plus_seconds((from + 2) * DAY) };
    let swap = Swap {
        id: "s1".into(),
        rotation: "platform".into(),
        role: "primary".into(),
        by: "bea".into(),
        with: Participant::Team("devops".into()),
        give: window(20),
        take: window(27),
        reason: String::new(),
        at: ago(HOUR),
        state: SwapState::Offered,
    };
    let gap = line.duty_at("backup", NOW.plus_seconds(40 * DAY)).into_iter().map(|mut duty| {
        duty.assignment.participant = None;
        duty
    });
    Shown {
        now: on_call_now().remove(0),
        next: line.at(base.ends),
        columns: (0..=6).map(|week| base.starts.plus_seconds(week * 7 * DAY)).collect(),
        lookup: full.then(|| Answer::of(&line, christmas, &zone, people)),
        lookup_error: None,
        ahead: held.overrides.clone(),
        swaps: if full { vec![swap] } else { vec![] },
        mine: line
            .duties(NOW, NOW.plus_seconds(30 * DAY))
            .into_iter()
            .filter(|d| d.assignment.participant == Some(Participant::Team("devops".into())))
            .collect(),
        gaps: if full { gap.collect() } else { vec![] },
        unreachable: if full { vec!["paul".into()] } else { vec![] },
        ledger: ledger(&primary, (NOW.plus_seconds(-182 * DAY), NOW), &zone, &catalog.calendars[0].holidays, people),
        zone,
        held,
    }
}

pub fn on_call_pages() -> Vec<(&'static str, OnCallData)> {
    let page = |shown: Option<Shown>, form: OverrideForm, told: Told| {
        let at = if shown.as_ref().is_some_and(|shown| shown.lookup.is_some()) { "2026-12-25T03:00" } else { "" };
        let asked = Asked { rotation: "platform".into(), at: at.into(), form, ..Asked::default() };
        OnCallData { catalog: catalog(), asked, told, external_url: "https://portal.devmatrix.example".into(), shown }
    };
    let words = vec![
        "Bea covers primary from Fri 27 Nov 18:00 to Mon 30 Nov 09:00, Europe/Berlin.".to_owned(),
        "Platform Team keeps Mon 23 Nov 09:00 to Fri 27 Nov 18:00.".to_owned(),
    ];
    let form = OverrideForm {
        role: "primary".into(),
        participant: "bea".into(),
        starts: "2026-11-27T18:00".into(),
        ends: "2026-11-30T09:00".into(),
        reason: "a wedding".into(),
        words,
    };
    let told = Told { feed_token: Some(format!("dmx_{}", "0a".repeat(32))), ..Told::default() };
    let refused = Told {
        override_error: Some(Error::conflict("override_overlaps", "Somebody has arranged a part of that time already.")),
        ..Told::default()
    };
    vec![
        ("on-call", page(Some(shown(true)), OverrideForm::default(), Told::default())),
        ("on-call-calm", page(Some(shown(false)), OverrideForm::default(), Told::default())),
        ("on-call-preview", page(Some(shown(true)), form.clone(), Told::default())),
        ("on-call-refused", page(Some(shown(true)), OverrideForm { words: vec![], ..form }, refused)),
        ("on-call-feeds", page(Some(shown(false)), OverrideForm::default(), told)),
        ("on-call-none", page(None, OverrideForm::default(), Told::default())),
    ]
}

fn incident(number: i64, severity: &str, opened_s: i64, due_s: i64, state: State) -> Incident {
    let act = |seconds: i64, by: &str| Some(Act { by: by.into(), at: ago(seconds) });
    let answered = state != State::Open;
    let entry =
        |seconds: i64, kind: &str, by: &str, text: &str| Entry { at: ago(seconds), kind: kind.into(), by: by.into(), text: text.into() };
    let late = NOW.plus_seconds(due_s) < NOW && !answered;
    Incident {
        id: format!("0192-{number}"),
        number,
        label: format!("INC-{number}"),
        title: ["7.8 % of API requests fail", "Search latency p95 over 1 s", "Backup report shows the wrong bucket"][number as usize % 3]
            .into(),
        severity: severity.into(),
        components: vec!["api".into()],
        summary: "Since the last promotion one request in thirteen ends with a 500.\nRolling back is prepared.".into(),
        state,
        team: Some("backend".into()),
        opened: Act { by: "bea".into(), at: ago(opened_s) },
        due_at: NOW.plus_seconds(due_s),
        calendar_version: None,
        acknowledged: answered.then(|| act(opened_s - 600, "olivia")).flatten(),
        resolved: (state == State::Resolved).then(|| act(60, "bea")).flatten(),
        breached_at: late.then(|| NOW.plus_seconds(due_s)),
        timeline: vec![
            entry(opened_s, "opened", "bea", "P1, to be answered by 24 Nov 2026, 10:19:00 UTC"),
            entry(opened_s / 2, "warning", "portal", "half of the time to answer is over"),
            entry(60, "comment", "bea", "rolled back in staging, looks better"),
        ],
    }
}

fn open() -> Vec<Incident> {
    vec![
        incident(117, "P0", 1200, -300, State::Open),
        incident(118, "P1", 1380, 2220, State::Open),
        incident(119, "P2", 9000, 5400, State::Open),
        incident(120, "P3", 9000, DAY, State::Acknowledged),
    ]
}

pub fn severity(full: bool) -> SeverityData {
    let catalog = catalog();
    let asked = DueAsked { level: "P3".into(), from: "2026-12-23T16:40".into(), team: "devops".into() };
    let due = Time::parse("2026-12-24T16:00:00Z").map(|at| Ok(Due { at, calendar_version: None }));
    let zone = catalog.calendars[0].zone.clone();
    SeverityData {
        catalog,
        zone,
        open: if full { open() } else { vec![] },
        asked: if full { asked } else { DueAsked::default() },
        due: due.filter(|_| full),
    }
}

pub fn incidents(full: bool) -> IncidentsData {
    let catalog = catalog();
    let zone = catalog.calendars[0].zone.clone();
    let mut items = open();
    items.push(incident(121, "P2", 90_000, -70_000, State::Resolved));
    let error = (!full).then(|| Error::invalid("title", "expected a line of 1 to 200 characters"));
    IncidentsData {
        catalog,
        zone,
        state: String::new(),
        items: if full { items } else { vec![] },
        next: full.then(|| "99".into()),
        form: OpenForm::default(),
        error,
    }
}

pub fn one_incident(state: State) -> IncidentData {
    let catalog = catalog();
    let zone = catalog.calendars[0].zone.clone();
    IncidentData { catalog, zone, incident: incident(118, "P1", 1380, 2220, state), on_call: on_call_now(), error: None }
}
