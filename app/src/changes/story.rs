//! Why a change did what it did, line by line: folded away, for whoever asks.

use super::ChangeData;
use crate::parts::{Icon, Panel};
use domain::Time;
use domain::changes::explain::{Line, What};
use leptos::prelude::*;

/// So many of the newest lines stand on the page; the command line shows all.
const LINES: usize = 200;

pub(super) fn panel(data: &ChangeData) -> Option<AnyView> {
    if data.story.is_empty() {
        return None;
    }
    let (all, label) = (data.story.len(), data.change.label());
    let sub = "what was done, seen, decided and answered, in UTC";
    let left = all.saturating_sub(LINES);
    let rest = (left > 0).then(|| {
        view! { <p class="small muted">{format!("{left} earlier lines: ")}<code>{format!("devmatrix changes show {label} --explain")}</code></p> }
    });
    let rows = data.story.iter().skip(left).map(row);
    Some(
        view! {
            <Panel id="h-story" title="Why" sub=sub class="main">
                <details class="more panel-body" data-testid="story">
                    <summary><Icon name="down-chev"/>{crate::words::count(all as i64, "line")}</summary>
                    {rest}
                    <ol class="story">{rows.collect_view()}</ol>
                </details>
            </Panel>
        }
        .into_any(),
    )
}

fn row(line: &Line) -> AnyView {
    let what = match line.what {
        What::Did => "did",
        What::Saw => "saw",
        What::Decided => "decided",
        What::Answered => "was answered",
    };
    view! {
        <li data-what=line.what.as_str()>
            <time datetime=line.at.to_string() class="num">{clock(line.at)}</time>
            <span class="k">{what}</span>
            <span class="text">{line.text.clone()}</span>
        </li>
    }
    .into_any()
}

/// `03:00:07.250`, in UTC; the day is the change's.
fn clock(at: Time) -> String {
    at.timestamp().strftime("%H:%M:%S%.3f").to_string()
}
