//! The stream of events, and what follows from one: fetch the page again, morph it in place, say what changed.

use super::{Status, clock, morph};
use leptos::prelude::*;
use leptos::web_sys::{self, DomParser, EventSource, Request, RequestInit, Response, SupportedType};
use std::cell::{Cell, RefCell};
use std::rc::Rc;
use std::time::Duration;
use wasm_bindgen::prelude::*;
use wasm_bindgen_futures::{JsFuture, spawn_local};

const EVENTS: &str = "/api/v1/events";
/// The parts of the page that follow what is.
const PARTS: [&str; 4] = ["main", "nav", "nav-compact", "clusters"];
/// Between two announcements, in seconds: a burst is one sentence.
const SPEAK_EVERY_S: u32 = 5;
/// All times are renewed this often; running durations every second.
const TICK_EVERY_S: u32 = 15;
/// How long to wait before trying a broken stream or page again.
const RETRY: Duration = Duration::from_secs(3);

struct Page {
    topics: Vec<String>,
    url: String,
    status: RwSignal<Status>,
    spoken: RwSignal<String>,
    stream: RefCell<Option<EventSource>>,
    /// A fetch is under way; another one is wanted after it.
    busy: Cell<bool>,
    again: Cell<bool>,
    /// When the page was last known to be true, epoch milliseconds.
    true_at: Cell<f64>,
    waiting: RefCell<Vec<String>>,
    skew: f64,
}

pub fn start(topics: &str, url: &str, status: RwSignal<Status>, spoken: RwSignal<String>) {
    let page = Rc::new(Page {
        topics: topics.split(' ').map(str::to_owned).collect(),
        url: url.to_owned(),
        status,
        spoken,
        stream: RefCell::new(None),
        busy: Cell::new(false),
        again: Cell::new(false),
        true_at: Cell::new(js_sys::Date::now()),
        waiting: RefCell::new(Vec::new()),
        skew: clock::skew(),
    });
    open(&page);
    follow_visibility(&page);
    follow_time(page);
    clock::local_titles();
}

/// Listens for as long as the page is there.
fn listen(target: &web_sys::EventTarget, event: &str, act: impl Fn() + 'static) {
    let closure = Closure::<dyn Fn()>::new(act);
    let _ = target.add_event_listener_with_callback(event, closure.as_ref().unchecked_ref());
    closure.forget();
}

fn open(page: &Rc<Page>) {
    let Ok(stream) = EventSource::new(EVENTS) else { return };
    for topic in &page.topics {
        let page = Rc::clone(page);
        listen(&stream, topic, move || look(&page));
    }
    // Something may have happened between the page and the stream, or while the stream was gone.
    let opened = Rc::clone(page);
    listen(&stream, "open", move || {
        opened.status.set(Status::Live);
        look(&opened);
    });
    let lost = Rc::clone(page);
    listen(&stream, "error", move || {
        lose(&lost);
        let closed = lost.stream.borrow().as_ref().is_some_and(|stream| stream.ready_state() == EventSource::CLOSED);
        if closed {
            let page = Rc::clone(&lost);
            set_timeout(move || reopen(&page), RETRY);
        }
    });
    page.stream.replace(Some(stream));
}

fn close(page: &Page) {
    if let Some(stream) = page.stream.take() {
        stream.close();
    }
}

fn reopen(page: &Rc<Page>) {
    close(page);
    if !document().hidden() {
        open(page);
    }
}

fn lose(page: &Page) {
    page.status.set(Status::Lost(((js_sys::Date::now() - page.true_at.get()) / 1000.0) as i64));
}

/// A hidden tab holds no connection and asks for nothing; shown again, it catches up.
fn follow_visibility(page: &Rc<Page>) {
    let page = Rc::clone(page);
    listen(&document(), "visibilitychange", move || if document().hidden() { close(&page) } else { reopen(&page) });
}

fn follow_time(page: Rc<Page>) {
    let seconds = Cell::new(0_u32);
    let every_second = move || {
        seconds.set(seconds.get().wrapping_add(1));
        if document().hidden() {
            return;
        }
        clock::tick(if seconds.get().is_multiple_of(TICK_EVERY_S) { "time" } else { "time[data-w=span]" }, page.skew);
        if seconds.get().is_multiple_of(SPEAK_EVERY_S) {
            speak(&page);
        }
        match page.status.get_untracked() {
            Status::Lost(_) => lose(&page),
            _ => page.true_at.set(js_sys::Date::now()),
        }
    };
    let _ = set_interval_with_handle(every_second, Duration::from_secs(1));
}

/// Of several changes of one thing only the last is said.
fn hear(waiting: &mut Vec<String>, said: Vec<String>) {
    for sentence in said {
        let who = sentence.split(':').next().unwrap_or_default().to_owned();
        waiting.retain(|earlier| earlier.split(':').next() != Some(&who));
        waiting.push(sentence);
    }
}

/// One sentence for all that changed since the last one.
fn speak(page: &Page) {
    let mut said = page.waiting.take();
    if said.is_empty() {
        return;
    }
    let more = said.len().saturating_sub(3);
    said.truncate(3);
    if more > 0 {
        said.push([more.to_string().as_str(), " more changes"].concat());
    }
    page.spoken.set(said.join(". "));
}

/// Fetches the page again; a burst of events is one fetch under way and one after it.
fn look(page: &Rc<Page>) {
    if page.busy.replace(true) {
        page.again.set(true);
        return;
    }
    let page = Rc::clone(page);
    spawn_local(async move {
        if let Err(Broken) = renew(&page).await {
            let page = Rc::clone(&page);
            set_timeout(move || look(&page), RETRY);
        }
        page.busy.set(false);
        if page.again.replace(false) {
            look(&page);
        }
    });
}

struct Broken;

impl From<JsValue> for Broken {
    fn from(_: JsValue) -> Broken {
        Broken
    }
}

async fn renew(page: &Page) -> Result<(), Broken> {
    let options = RequestInit::new();
    let request = Request::new_with_str_and_init(&page.url, &options)?;
    request.headers().set("X-Live", "1")?;
    let response: Response = JsFuture::from(window().fetch_with_request(&request)).await?.dyn_into()?;
    if matches!(response.status(), 401 | 403 | 404) || response.redirected() {
        // Signed out, or it is gone: the page itself says so best.
        return window().location().reload().map_err(Broken::from);
    }
    if !response.ok() {
        return Err(Broken);
    }
    let html = JsFuture::from(response.text()?).await?.as_string().unwrap_or_default();
    let fresh = DomParser::new()?.parse_from_string(&html, SupportedType::TextHtml)?;
    let (here, mut said) = (document(), Vec::new());
    for part in PARTS {
        if let (Some(old), Some(new)) = (here.get_element_by_id(part), fresh.get_element_by_id(part)) {
            morph::morph(&old, &new, &mut said);
        }
    }
    if here.title() != fresh.title() {
        here.set_title(&fresh.title());
    }
    page.true_at.set(js_sys::Date::now());
    hear(&mut page.waiting.borrow_mut(), said);
    Ok(())
}
