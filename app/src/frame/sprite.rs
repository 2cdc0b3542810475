//! The symbols of the pages, drawn once in each document: they paint with the first paint and never flicker when a live
//! update changes which one is used.

use leptos::prelude::*;

pub fn sprite() -> impl IntoView {
    view! { <svg class="sprite" aria-hidden="true" focusable="false" xmlns="http://www.w3.org/2000/svg" inner_html=SYMBOLS></svg> }
}

const SYMBOLS: &str = concat!(
    r##"<symbol id="i-healthy" viewBox="0 0 16 16"><circle cx="8" cy="8" r="7" fill="currentColor"/><path d="M4.9 8.3l2.1 2.1 4.2-4.6" fill="none" stroke="var(--cut)" stroke-width="1.8" stroke-linecap="round" stroke-linejoin="round"/></symbol>"##,
    r##"<symbol id="i-progressing" viewBox="0 0 16 16"><circle cx="8" cy="8" r="6" fill="none" stroke="currentColor" stroke-width="2"/><path d="M8 4.2a3.8 3.8 0 0 1 0 7.6z" fill="currentColor"/></symbol>"##,
    r##"<symbol id="i-degraded" viewBox="0 0 16 16"><path d="M8 1.2c.5 0 .9.25 1.15.68l5.9 10.3c.5.88-.14 1.97-1.15 1.97H2.1c-1.01 0-1.65-1.09-1.15-1.97l5.9-10.3C7.1 1.45 7.5 1.2 8 1.2z" fill="currentColor"/><path d="M8 5.6v3.6M8 11.4v.2" stroke="var(--cut)" stroke-width="1.8" stroke-linecap="round"/></symbol>"##,
    r##"<symbol id="i-down" viewBox="0 0 16 16"><path d="M5.1 1h5.8L15 5.1v5.8L10.9 15H5.1L1 10.9V5.1z" fill="currentColor"/><path d="M5.6 5.6l4.8 4.8M10.4 5.6l-4.8 4.8" stroke="var(--cut)" stroke-width="1.8" stroke-linecap="round"/></symbol>"##,
    r##"<symbol id="i-unknown" viewBox="0 0 16 16"><circle cx="8" cy="8" r="6.3" fill="none" stroke="currentColor" stroke-width="1.5" stroke-dasharray="2.6 1.7"/><path d="M6.3 6.3a1.75 1.75 0 1 1 2.6 1.6c-.6.33-.9.7-.9 1.2M8 11.2v.1" fill="none" stroke="currentColor" stroke-width="1.5" stroke-linecap="round"/></symbol>"##,
    r##"<symbol id="i-paused" viewBox="0 0 16 16"><rect x="3.5" y="2.5" width="3.2" height="11" rx="1" fill="currentColor"/><rect x="9.3" y="2.5" width="3.2" height="11" rx="1" fill="currentColor"/></symbol>"##,
    r##"<symbol id="i-brand" viewBox="0 0 20 20"><rect x="1" y="1" width="8" height="8" rx="2" fill="currentColor"/><rect x="11" y="1" width="8" height="8" rx="2" fill="currentColor" opacity=".55"/><rect x="1" y="11" width="8" height="8" rx="2" fill="currentColor" opacity=".55"/><rect x="11" y="11" width="8" height="8" rx="2" fill="currentColor"/></symbol>"##,
    r##"<symbol id="i-search" viewBox="0 0 16 16"><circle cx="7" cy="7" r="4.5" fill="none" stroke="currentColor" stroke-width="1.5"/><path d="M10.5 10.5L14 14" stroke="currentColor" stroke-width="1.5" stroke-linecap="round"/></symbol>"##,
    r##"<symbol id="i-down-chev" viewBox="0 0 16 16"><path d="M4 6l4 4 4-4" fill="none" stroke="currentColor" stroke-width="1.5" stroke-linecap="round" stroke-linejoin="round"/></symbol>"##,
    r##"<symbol id="i-arrow" viewBox="0 0 16 16"><path d="M3 8h10M9 4l4 4-4 4" fill="none" stroke="currentColor" stroke-width="1.5" stroke-linecap="round" stroke-linejoin="round"/></symbol>"##,
    r##"<symbol id="i-undo" viewBox="0 0 16 16"><path d="M5.5 3L2.5 6l3 3M2.5 6h7a4 4 0 0 1 0 8H6" fill="none" stroke="currentColor" stroke-width="1.5" stroke-linecap="round" stroke-linejoin="round"/></symbol>"##,
    r##"<symbol id="i-clock" viewBox="0 0 16 16"><circle cx="8" cy="8" r="6.2" fill="none" stroke="currentColor" stroke-width="1.5"/><path d="M8 4.6V8l2.3 1.6" fill="none" stroke="currentColor" stroke-width="1.5" stroke-linecap="round" stroke-linejoin="round"/></symbol>"##,
    r##"<symbol id="i-drift" viewBox="0 0 16 16"><path d="M3 6h10M3 10h10M10.5 2.5l-5 11" fill="none" stroke="currentColor" stroke-width="1.5" stroke-linecap="round"/></symbol>"##,
    r##"<symbol id="i-lock" viewBox="0 0 16 16"><rect x="3" y="7" width="10" height="7" rx="1.5" fill="none" stroke="currentColor" stroke-width="1.5"/><path d="M5.2 7V5a2.8 2.8 0 0 1 5.6 0v2" fill="none" stroke="currentColor" stroke-width="1.5"/></symbol>"##,
    r##"<symbol id="i-close" viewBox="0 0 16 16"><path d="M4 4l8 8M12 4l-8 8" stroke="currentColor" stroke-width="1.5" stroke-linecap="round"/></symbol>"##,
    r##"<symbol id="i-menu" viewBox="0 0 16 16"><path d="M2.5 4.500h11M2.5 8h11M2.5 11.500h11" stroke="currentColor" stroke-width="1.5" stroke-linecap="round"/></symbol>"##,
);
