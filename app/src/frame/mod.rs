//! What stands around every page: head of the document, top bar, navigation, footer.
//!
//! Invariant: the parts that live updates replace have ids (`title`, `nav`, `nav-compact`, `clusters`, `main`).

mod bar;
mod sprite;

use crate::live::Live;
use crate::{Site, Theme, Viewer};
use domain::Time;
use hydration_context::SsrSharedContext;
use leptos::prelude::*;
use std::sync::Arc;

/// A page before it has a body.
pub(crate) struct Document<'a> {
    site: &'a Site,
    /// None: nobody is signed in.
    viewer: Option<&'a Viewer>,
    theme: Theme,
    now: Time,
    title: String,
    /// Topics that make the page look again; empty: the page does not change by itself.
    topics: &'static str,
}

impl<'a> Document<'a> {
    pub fn signed_in(site: &'a Site, viewer: &'a Viewer, now: Time) -> Self {
        Document { site, viewer: Some(viewer), theme: viewer.theme, now, title: String::new(), topics: "" }
    }

    pub fn anonymous(site: &'a Site, theme: Theme) -> Self {
        Document { site, viewer: None, theme, now: Time::default(), title: String::new(), topics: "" }
    }

    pub fn titled(mut self, title: &str) -> Self {
        self.title = format!("{title} · DevMatrix Portal");
        self
    }

    pub fn live(mut self, topics: &'static str) -> Self {
        self.topics = topics;
        self
    }
}

/// The whole document. Islands are marked, nothing else is to be hydrated.
pub(crate) fn document(doc: Document<'_>, body: impl FnOnce() -> AnyView) -> String {
    let owner = Owner::new_root(Some(Arc::new(SsrSharedContext::new_islands())));
    let html = owner.with(|| shell(doc, body).to_html());
    owner.unset_with_forced_cleanup();
    format!("<!doctype html>{html}")
}

fn shell(doc: Document<'_>, body: impl FnOnce() -> AnyView) -> impl IntoView {
    let theme = (doc.theme != Theme::System).then(|| doc.theme.as_str());
    let header = doc.viewer.map(|viewer| bar::header(doc.site, viewer, live(&doc, viewer), doc.now));
    let demo = if doc.site.demo { "Demo cluster: everything here is simulated, nothing is deployed anywhere." } else { "" };
    view! {
        <html lang="en" data-theme=theme>
            <head>
                <meta charset="utf-8"/>
                <meta name="viewport" content="width=device-width, initial-scale=1"/>
                <meta name="color-scheme" content="light dark"/>
                <title>{doc.title}</title>
                <link rel="stylesheet" href=doc.site.css.clone()/>
                // The first paint has the whole bar, so that nothing in it moves as its parts come. To wait for the whole page would
                // cost a third of the time to that paint.
                <link rel="expect" href="#main" blocking="render"/>
                <link rel="icon" href="/favicon.svg" type="image/svg+xml"/>
                <script type="module" src="/boot.js" data-js=doc.site.js.clone() data-wasm=doc.site.wasm.clone()></script>
            </head>
            <body>
                {sprite::sprite()}
                <a class="skip" href="#main">"Skip to content"</a>
                {header}
                <main class="page" id="main" tabindex="-1" data-now=doc.now.to_string()>{body()}</main>
                <footer class="footer"><p>{format!("DevMatrix Portal, {}", doc.site.organisation)}</p><p>{demo}</p></footer>
            </body>
        </html>
    }
}

fn live(doc: &Document<'_>, viewer: &Viewer) -> Option<AnyView> {
    let as_of = format!("As of {}", clock(doc.now));
    let (topics, url) = (doc.topics.to_owned(), viewer.path.clone());
    (!doc.topics.is_empty()).then(|| view! { <Live topics=topics url=url as_of=as_of/> }.into_any())
}

/// `10:42:07 UTC`
fn clock(now: Time) -> String {
    now.for_people().rsplit(", ").next().unwrap_or_default().to_owned()
}
