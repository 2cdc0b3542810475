//! Six weeks: one row for each role, one column for each week, a colour for each team.

use super::who::{short, team_class};
use super::{OnCallData, Shown};
use crate::parts::{Icon, Panel};
use crate::{links, words};
use domain::Time;
use domain::catalog::Catalog;
use domain::oncall::{Because, Duty};
use leptos::prelude::*;

/// Parts of a column: six hours each, of a week.
const PARTS: i64 = 28;
/// Fewer parts are too narrow to hit with a finger.
const NARROW: i64 = 4;

pub(super) fn panel(data: &OnCallData, shown: &Shown, now: Time) -> AnyView {
    let zone = &shown.zone;
    let (first, last) = (shown.columns.first().copied().unwrap_or(now), shown.columns.last().copied().unwrap_or(now));
    let sub = format!("{} to {}, each column seven days", zone.full_words(first), zone.full_words(last));
    let heads = shown.columns.windows(2).map(|edges| head(shown, edges[0], edges[1], now)).collect_view();
    let rows = shown.now.roles.iter().map(|role| row(data, shown, &role.role, now)).collect_view();
    let keys = teams(data).map(|(class, title)| view! { <li><span class=format!("team {class}")>{title}</span></li> }).collect_view();
    view! {
        <Panel id="h-line" title="Six weeks" sub=sub end=moves(data, shown)>
            <table class="rota" aria-labelledby="h-line" data-testid="timeline">
                <thead><tr><th scope="col">"Role"</th>{heads}</tr></thead>
                <tbody>{rows}</tbody>
            </table>
            <ul class="panel-foot key">{keys}<li><span class="swatch sw-ov"></span>"override"</li><li><span class="swatch sw-gap"></span>"gap, nobody"</li></ul>
        </Panel>
    }
    .into_any()
}

/// The teams of this rotation, each once, in the order of the configuration.
fn teams(data: &OnCallData) -> impl Iterator<Item = (&'static str, String)> {
    let participants = data.shown.iter().flat_map(|shown| &shown.held.rotation.versions).flat_map(|version| &version.participants);
    let mut seen: Vec<(&'static str, String)> = Vec::new();
    for holder in participants {
        let one = (team_class(&data.catalog, holder), data.catalog.title_of(holder));
        if !seen.contains(&one) {
            seen.push(one);
        }
    }
    seen.into_iter()
}

fn moves(data: &OnCallData, shown: &Shown) -> AnyView {
    let week = |from: Time, weeks: i64| {
        let local = shown.zone.local(from.plus_seconds(weeks * 7 * 86_400));
        let from = local.strftime("%Y-%m-%dT%H:%M").to_string();
        links::query("/on-call", &[("rotation", &shown.held.rotation.name), ("zone", &data.asked.zone), ("from", &from)])
    };
    let first = shown.columns.first().copied().unwrap_or_default();
    let today = links::query("/on-call", &[("rotation", &shown.held.rotation.name), ("zone", &data.asked.zone)]);
    view! {
        <nav class="actions" aria-label="Weeks">
            <a class="btn btn-s" href=week(first, -6)>"Earlier"</a>
            <a class="btn btn-s" href=today aria-current=data.asked.from.is_empty().then_some("true")>"Today"</a>
            <a class="btn btn-s" href=week(first, 6)>"Later"</a>
        </nav>
    }
    .into_any()
}

fn head(shown: &Shown, starts: Time, ends: Time, now: Time) -> AnyView {
    let weeks = starts.seconds_since(now).div_euclid(7 * 86_400) + 1;
    let is_now = starts <= now && now < ends;
    let said = match weeks {
        _ if is_now => "now".to_owned(),
        1 => "next".to_owned(),
        2.. => format!("in {weeks} weeks"),
        _ => "past".to_owned(),
    };
    view! { <th scope="col" class=is_now.then_some("is-now")><b>{day(shown, starts)}</b>{said}</th> }.into_any()
}

/// `23 Nov`
fn day(shown: &Shown, t: Time) -> String {
    shown.zone.local(t).strftime("%-d %b").to_string()
}

fn row(data: &OnCallData, shown: &Shown, role: &str, now: Time) -> AnyView {
    let cells = shown.columns.windows(2).map(|edges| {
        let (starts, ends) = (edges[0], edges[1]);
        let is_now = starts <= now && now < ends;
        let pieces =
            pieces(shown, role, starts, ends).into_iter().map(|(duty, span)| piece(data, shown, &duty, (span, now))).collect_view();
        let line = is_now.then(|| {
            let part = (now.0 - starts.0) * PARTS / (ends.0 - starts.0).max(1) + 1;
            view! { <span class=format!("now-line at-{part}") aria-hidden="true"></span> }
        });
        view! { <td data-label=day(shown, starts) class=is_now.then_some("is-now")><div class="shift">{pieces}{line}</div></td> }
    });
    let title = words::sentence(role).trim_end_matches('.').to_owned();
    view! { <tr data-key=role.to_owned()><th scope="row">{title}</th>{cells.collect_view()}</tr> }.into_any()
}

/// The stretches of a role within a column, each with how many parts it takes; together they take all.
fn pieces(shown: &Shown, role: &str, starts: Time, ends: Time) -> Vec<(Duty, i64)> {
    let duties: Vec<Duty> = shown.held.line().duties(starts, ends).into_iter().filter(|duty| duty.assignment.role == role).collect();
    let spans = spans(&duties.iter().map(|duty| duty.ends.min(ends)).collect::<Vec<_>>(), starts, ends);
    duties.into_iter().zip(spans).collect()
}

/// How many parts each stretch takes, by its end: at least one, so that it can be seen.
fn spans(stretches: &[Time], starts: Time, ends: Time) -> Vec<i64> {
    let whole = (ends.0 - starts.0).max(1);
    let mut at = 0;
    let count = stretches.len() as i64;
    stretches
        .iter()
        .enumerate()
        .map(|(index, end)| {
            let left = count - 1 - index as i64;
            let edge = ((end.0 - starts.0) * PARTS + whole / 2) / whole;
            let edge = edge.clamp(at + 1, (PARTS - left).max(at + 1));
            let span = edge - at;
            at = edge;
            span
        })
        .collect()
}

/// What can be taken is a link to the form, filled in; what is over, or too narrow to hit, is not.
fn piece(data: &OnCallData, shown: &Shown, duty: &Duty, (span, now): (i64, Time)) -> AnyView {
    let (catalog, zone): (&Catalog, _) = (&data.catalog, &shown.zone);
    let when = format!("{} to {}", zone.words(duty.starts), zone.words(duty.ends));
    let local = |t: Time| zone.local(t).strftime("%Y-%m-%dT%H:%M").to_string();
    let (role, rotation) = (duty.assignment.role.as_str(), shown.held.rotation.name.as_str());
    let take = [
        ("rotation", rotation),
        ("zone", &data.asked.zone),
        ("role", role),
        ("starts", &local(duty.starts.max(now))),
        ("ends", &local(duty.ends)),
    ];
    let href = (duty.ends > now && span >= NARROW).then(|| format!("{}#new-override", links::query("/on-call", &take)));
    let Some(holder) = &duty.assignment.participant else {
        let title = format!("Nobody: {when}");
        let inside = view! { <span class="vh">"Gap, nobody"</span><Icon name="degraded" class="i i-s"/> }.into_any();
        return linked(format!("gapped w-{span}"), href, title, inside);
    };
    let team = team_class(catalog, holder);
    let title = format!("{}, {}: {when}", catalog.title_of(holder), duty.assignment.because.words());
    let text = short(catalog, holder);
    let arranged = matches!(duty.assignment.because, Because::Override | Because::Swap);
    let class = if arranged { format!("{team} w-{span} ov") } else { format!("{team} w-{span}") };
    let said = arranged.then(|| view! { <span class="vh">{format!("{}: ", duty.assignment.because.words())}</span> });
    linked(class, href, title, view! { {said}<span>{text}</span> }.into_any())
}

fn linked(class: String, href: Option<String>, title: String, inside: AnyView) -> AnyView {
    match href {
        Some(href) => view! { <a class=class href=href title=title>{inside}</a> }.into_any(),
        None => view! { <div class=class title=title>{inside}</div> }.into_any(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn stretches_fill_a_column_and_none_is_too_small_to_see() {
        let hour = |h: i64| Time(h * 3_600_000);
        let table: [(&[i64], &[i64]); 5] = [
            (&[168], &[28]),
            (&[84, 168], &[14, 14]),
            // A stretch of an hour is seen too.
            (&[84, 85, 168], &[14, 1, 13]),
            (&[1, 2, 168], &[1, 1, 26]),
            (&[166, 167, 168], &[26, 1, 1]),
        ];
        for (ends, expected) in table {
            let ends: Vec<Time> = ends.iter().map(|h| hour(*h)).collect();
            assert_eq!(spans(&ends, hour(0), hour(168)), expected, "{ends:?}");
        }
    }
}
