//! The page of logs. Without JavaScript: the newest lines, a form that asks again, and a file to take away.

use super::{LINES, Logs, LogsData, NONE, SCROLLS, SHOWN, line};
use crate::parts::{Icon, Notice, PageHead, Panel, choose, visible};
use crate::{Viewer, links, words};
use domain::clusters::{CellState, LineKind, LogLine, Logs as Found, Moment};
use domain::{Error, Time};
use leptos::prelude::*;

/// Lines that may still have been on their way when the page was made, in seconds.
const OVERLAP_S: i64 = 5;
/// How many lines one can choose to see.
const TAILS: [usize; 4] = [100, 200, 1000, 5000];

pub(crate) fn page(viewer: &Viewer, data: &LogsData, now: Time) -> AnyView {
    let environment = viewer.environment_title(&data.environment).to_owned();
    let component = links::component(&data.component);
    let meta = view! { <span><a href=component>{data.title.clone()}</a></span><span>{environment.clone()}</span> }.into_any();
    let title = format!("Logs of {} in {environment}", data.title);
    view! {
        <PageHead title=title.clone() crumb=Some((("Components", "/components"), format!("Logs of {}", data.title))) meta=Some(meta)/>
        <Panel id="h-log" title="All pods, merged by time" sub="newest at the end" end=end(data, now)>
            {form(data)}
            {match &data.found {
                Ok(found) if found.pods == 0 => no_pods(data, &environment),
                Ok(found) => lines(data, found, &title),
                Err(error) => not_given(error),
            }}
        </Panel>
    }
    .into_any()
}

/// Following, pausing and taking away.
fn end(data: &LogsData, now: Time) -> AnyView {
    let Ok(found) = &data.found else { return ().into_any() };
    let follows = (!data.previous && found.pods > 0).then(|| {
        view! { <Logs url=stream(data) since=since(found, now) paused=!data.follow/> }
    });
    let file = address(
        data,
        &format!("/components/{}/logs.txt", links::encode(&data.component)),
        &["environment", "container", "text", "previous"],
    );
    view! { {follows}<a class="btn btn-s" href=file download="">"Download"<span class="vh">" as text"</span></a> }.into_any()
}

/// A path with what the log was asked for, as far as it is named.
fn address(data: &LogsData, path: &str, names: &[&str]) -> String {
    let parameters: Vec<(&str, &str)> = names.iter().filter_map(|name| Some((*name, data.wanted.get(name)?))).collect();
    links::query(path, &parameters)
}

fn stream(data: &LogsData) -> String {
    let path = format!("/api/v1/components/{}/logs", links::encode(&data.component));
    let shown = SHOWN.to_string();
    let url = address(data, &path, &["environment", "container", "text"]);
    format!("{url}&follow=true&tail={shown}")
}

/// A little before the last line: what is on the page already is told by its stamp. Never before the first one.
fn since(found: &Found, now: Time) -> String {
    let last = found.lines.last().map_or(Moment::from(now), |line| line.at).minus_seconds(OVERLAP_S);
    found.lines.first().map_or(last, |first| first.at.max(last)).to_string()
}

fn form(data: &LogsData) -> AnyView {
    let containers: Vec<(String, String)> =
        data.found.iter().flat_map(|found| &found.containers).map(|name| (name.clone(), name.clone())).collect();
    let chosen = data.wanted.get("container").unwrap_or_default().to_owned();
    let mut containers = containers;
    if !chosen.is_empty() && !containers.iter().any(|(name, _)| *name == chosen) {
        containers.push((chosen.clone(), chosen.clone()));
    }
    containers.insert(0, (String::new(), "All containers".to_owned()));
    let mut tails = TAILS.to_vec();
    if !tails.contains(&data.tail) {
        tails.push(data.tail);
    }
    let tails: Vec<(String, String)> = tails.iter().map(|tail| (tail.to_string(), format!("{tail} lines"))).collect();
    view! {
        <form class="panel-body form-row compose" method="get" action=format!("/components/{}/logs", links::encode(&data.component)) role="search" aria-label="Logs">
            {choose("environment", "Environment", data.environments.clone(), &data.environment)}
            {choose("container", "Container", containers, &chosen)}
            <div class="field grow">
                <label for="f-text">"Text in the line"</label>
                <input class="input" id="f-text" name="text" type="search" maxlength="200" value=data.wanted.get("text").unwrap_or_default().to_owned()/>
            </div>
            {choose("tail", "Newest", tails, &data.tail.to_string())}
            <label class="check"><input type="checkbox" name="previous" value="true" checked=data.previous/>"Run before the present one"</label>
            <button class="btn" type="submit">"Load again"</button>
        </form>
    }
    .into_any()
}

fn lines(data: &LogsData, found: &Found, label: &str) -> AnyView {
    let none = found.lines.is_empty().then(|| nothing(data, found));
    let rows = found.lines.iter().map(one).collect_view();
    view! {
        <div class="log" id=SCROLLS role="log" aria-live="off" aria-label=label.to_owned() tabindex="0">
            <div><div id=NONE>{none}</div><div id=LINES data-testid="log">{rows}</div></div>
        </div>
        <div class="panel-foot" data-testid="log-foot"><span>{foot(found)}</span></div>
    }
    .into_any()
}

fn one(line: &LogLine) -> AnyView {
    let at = line.at.to_string();
    let kind = line.kind.as_str();
    let source = (line.kind == LineKind::Line).then(|| line::source(&line.pod, &line.container));
    let name = format!("{} {}", line.pod, line.container);
    view! {
        <p class=line::class(kind, &line.pod) data-at=at.clone() data-source=source><span class="t" title=at.clone()>{line::clock(&at).to_owned()}</span>" "<span class="who" title=name.trim().to_owned()>{line::who(&line.pod, &line.container)}</span>" "{visible(&line.text)}</p>
    }
    .into_any()
}

/// What was read, and what was not.
fn foot(found: &Found) -> String {
    let mut said = vec![format!("{} of {}", words::count(found.read as i64, "container"), words::count(found.pods as i64, "pod"))];
    if found.not_read > 0 {
        said.push(format!("{} of older pods are not read", words::count(found.not_read as i64, "container")));
    }
    if found.hidden > 0 {
        said.push(format!("{} without the text are hidden", words::count(found.hidden as i64, "line")));
    }
    words::sentence(&said.join("; "))
}

fn nothing(data: &LogsData, found: &Found) -> AnyView {
    let filtered: Vec<String> = [
        data.wanted.get("text").map(|text| format!("text: {}", visible(text))),
        data.wanted.get("container").map(|name| format!("container: {name}")),
    ]
    .into_iter()
    .flatten()
    .collect();
    if !filtered.is_empty() {
        let (hidden, clear) = (found.hidden as i64, links::logs(&data.component, &data.environment));
        let lines = if hidden > 0 { format!("{} are", words::count(hidden, "line")) } else { "Lines are".to_owned() };
        return view! {
            <div class="empty"><Icon name="search"/><h3>"No line matches"</h3><p>{lines}" hidden by "<strong>{words::list(&filtered)}</strong>"."</p>
            <div class="actions"><a class="btn" href=clear>"Clear filters"</a></div></div>
        }
        .into_any();
    }
    let (title, why) = if data.previous {
        ("No run before the present one", "None of these containers has ended and been started again, or their old logs are gone.")
    } else {
        ("Nothing has been written yet", "Lines will stand here as soon as a container writes one.")
    };
    view! { <div class="empty"><Icon name="clock"/><h3>{title}</h3><p>{why}</p></div> }.into_any()
}

fn no_pods(data: &LogsData, environment: &str) -> AnyView {
    let why = format!("No pod of {} is known in {environment}: it is scaled to 0, or its pods have not been made yet.", data.title);
    view! {
        <div class="empty"><Icon name="clock"/><h3>"No pod to read from"</h3><p>{why}" Its page says what the cluster wants to run, and what stands in the way."</p>
        <div class="actions"><a class="btn" href=links::component_in(&data.component, &data.environment)>{format!("To {}", data.title)}</a></div></div>
    }
    .into_any()
}

fn not_given(error: &Error) -> AnyView {
    let (state, next) = match error {
        Error::Forbidden { .. } => {
            (CellState::Paused, "An administrator of the cluster grants this right; \"devmatrix check --clusters\" prints the role.")
        }
        _ => (CellState::Unknown, "Logs are kept in the cluster only."),
    };
    view! {
        <div class="panel-body" data-testid="log-not-given"><Notice look=words::cell(state)><div><strong>{error.to_string()}</strong>" "{next}</div></Notice></div>
    }
    .into_any()
}
