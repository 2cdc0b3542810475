//! The island that keeps a page true: it hears that something changed, fetches the same page again and alters only what
//! differs. No state lives here: a reload shows the same.
//!
//! Invariant: one fetch is under way at most, and one more is wanted at most; a hidden tab asks for nothing.

mod age;
#[cfg(feature = "hydrate")]
mod clock;
#[cfg(feature = "hydrate")]
mod morph;
#[cfg(feature = "hydrate")]
mod stream;

use leptos::prelude::*;

/// Whether what is shown is what is.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[cfg_attr(not(feature = "hydrate"), allow(dead_code, reason = "only the browser leaves the first state"))]
enum Status {
    /// As the server sent it.
    #[default]
    Still,
    Live,
    /// The stream is gone; this many seconds ago it was all true.
    Lost(i64),
}

impl Status {
    fn as_str(&self) -> &'static str {
        match self {
            Status::Still => "still",
            Status::Live => "live",
            Status::Lost(_) => "lost",
        }
    }

    fn words(&self, as_of: &str) -> String {
        match self {
            Status::Still => as_of.to_owned(),
            Status::Live => "Live".to_owned(),
            Status::Lost(seconds) => format!("Reconnecting, last update {} ago", age::age(*seconds)),
        }
    }
}

/// `topics`: names of events, by spaces. `url`: the page to fetch again. `as_of`: what is said until the stream is open.
#[island]
pub fn Live(topics: String, url: String, as_of: String) -> impl IntoView {
    let status = RwSignal::new(Status::default());
    let spoken = RwSignal::new(String::new());
    #[cfg(feature = "hydrate")]
    Effect::new(move |_| stream::start(&topics, &url, status, spoken));
    #[cfg(not(feature = "hydrate"))]
    let _ = (topics, url);
    view! {
        <p class="live" data-testid="live" data-live=move || status.read().as_str()><span class="live-text">{move || status.read().words(&as_of)}</span></p>
        <p class="vh" role="status" aria-live="polite">{move || spoken.get()}</p>
    }
}
