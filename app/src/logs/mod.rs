//! The logs of all pods of a component in an environment: the newest lines as the server read them, and, with JavaScript, each new
//! line as it is written. What is shown is in the URL: environment, container, text, how many lines, whether it is followed.
//!
//! Invariant: a line is shown once, and never obeyed; a browser holds at most [`SHOWN`] of them.

mod line;
#[cfg(any(feature = "hydrate", test))]
mod seam;

#[cfg(feature = "hydrate")]
mod follow;

#[cfg(feature = "ssr")]
mod asked;
#[cfg(feature = "ssr")]
mod page;

#[cfg(feature = "ssr")]
pub use asked::{LogsData, Wanted, load};
#[cfg(feature = "ssr")]
pub(crate) use page::page;

use leptos::prelude::*;

/// Lines that a browser holds.
#[cfg_attr(not(feature = "hydrate"), allow(dead_code, reason = "the server says it in the address of the stream"))]
const SHOWN: usize = 2000;

/// The element with the lines, and the one around it that scrolls.
const LINES: &str = "log-lines";
const SCROLLS: &str = "log";
/// What is said while there is no line.
const NONE: &str = "log-none";

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[cfg_attr(not(feature = "hydrate"), allow(dead_code, reason = "only the browser leaves the first state"))]
enum Status {
    /// As the server sent it.
    #[default]
    Still,
    Following,
    Paused,
    /// The stream is gone, and is opened again.
    Lost,
}

impl Status {
    fn as_str(self) -> &'static str {
        match self {
            Status::Still => "still",
            Status::Following => "live",
            Status::Paused => "paused",
            Status::Lost => "lost",
        }
    }

    fn words(self) -> &'static str {
        match self {
            Status::Still => "As of now",
            Status::Following => "Following",
            Status::Paused => "Paused",
            Status::Lost => "Reconnecting",
        }
    }
}

/// `url`: the stream of lines, to which a `since` is added. `since`: where the lines on the page end, about. `paused`: the reader
/// wants to stay with what is there.
#[island]
pub fn Logs(url: String, since: String, paused: bool) -> impl IntoView {
    let status = RwSignal::new(Status::default());
    // Lines that the reader has not seen: those that came while it was paused, or below the place that is being read.
    let unseen = RwSignal::new(0_usize);
    #[cfg(feature = "hydrate")]
    let (pause, show) = {
        let view = follow::View::new(url, since, paused, status, unseen);
        let (toggled, shown) = (view.clone(), view.clone());
        Effect::new(move |_| view.start());
        (move |_| toggled.toggle(), move |_| shown.to_the_end())
    };
    #[cfg(not(feature = "hydrate"))]
    let (pause, show) = {
        let _ = (url, since, paused);
        (|_: leptos::ev::MouseEvent| {}, |_: leptos::ev::MouseEvent| {})
    };
    let is_paused = move || status.get() == Status::Paused;
    view! {
        <p class="live" role="status" data-testid="follow" data-live=move || status.get().as_str()><span class="live-text">{move || status.get().words()}</span></p>
        <button class="btn btn-s" type="button" hidden=move || unseen.get() == 0 on:click=show>
            {move || [unseen.get().to_string().as_str(), if unseen.get() == 1 { " new line" } else { " new lines" }].concat()}
        </button>
        <button class="btn btn-s" type="button" hidden=move || status.get() == Status::Still on:click=pause>
            {move || if is_paused() { "Resume" } else { "Pause" }}
        </button>
    }
}
