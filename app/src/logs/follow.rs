//! Following a log in the browser: lines come over an event stream, wait a moment, and are put at the end of what is there.
//!
//! Invariant: what the reader looks at stays where it is. New lines move the page only for a reader who is at its end.

use super::seam::Seam;
use super::{LINES, NONE, SCROLLS, SHOWN, Status, line};
use crate::visible::visible;
use leptos::prelude::*;
use leptos::web_sys::{self, Element, EventSource, MessageEvent};
use std::cell::{Cell, RefCell};
use std::collections::HashMap;
use std::rc::Rc;
use std::time::Duration;
use wasm_bindgen::prelude::*;

/// Lines are put on the page this often, all that have come.
const PUT_EVERY: Duration = Duration::from_millis(200);
/// How long to wait before a stream that ended is opened again.
const RETRY: Duration = Duration::from_secs(3);
/// So near to the end a reader is at the end, in pixels.
const NEAR: i32 = 24;

struct Line {
    at: String,
    pod: String,
    container: String,
    text: String,
    kind: String,
}

pub struct View {
    url: String,
    since: String,
    status: RwSignal<Status>,
    unseen: RwSignal<usize>,
    paused: Cell<bool>,
    stream: RefCell<Option<EventSource>>,
    waiting: RefCell<Vec<Line>>,
    /// By pod and container.
    seams: RefCell<HashMap<String, Seam>>,
}

impl View {
    pub fn new(url: String, since: String, paused: bool, status: RwSignal<Status>, unseen: RwSignal<usize>) -> Rc<View> {
        Rc::new(View {
            url,
            since,
            status,
            unseen,
            paused: Cell::new(paused),
            stream: RefCell::new(None),
            waiting: RefCell::default(),
            seams: RefCell::default(),
        })
    }

    pub fn start(self: &Rc<View>) {
        self.read_page();
        self.open();
        let view = Rc::clone(self);
        let _ = set_interval_with_handle(move || view.put(), PUT_EVERY);
        let view = Rc::clone(self);
        listen(&document(), "visibilitychange", move || if document().hidden() { view.close() } else { view.open() });
        if let Some(scrolls) = element(SCROLLS) {
            let view = Rc::clone(self);
            listen(&scrolls.clone(), "scroll", move || {
                if is_at_end(&scrolls) && !view.paused.get() {
                    view.unseen.set(0);
                }
            });
        }
    }

    /// What the server has put on the page counts as shown.
    fn read_page(&self) {
        let Ok(list) = document().query_selector_all("[data-source]") else { return };
        let mut seams = self.seams.borrow_mut();
        for at in 0..list.length() {
            let Some(line) = list.get(at).and_then(|node| node.dyn_into::<Element>().ok()) else { continue };
            let read = |name: &str| line.get_attribute(name).unwrap_or_default();
            seams.entry(read("data-source")).or_default().is_new(&read("data-at"));
        }
    }

    /// A hidden tab asks for nothing; shown again, it catches up.
    fn open(self: &Rc<View>) {
        if document().hidden() || self.stream.borrow().is_some() {
            return;
        }
        let (since, after) = self.left();
        let Ok(stream) = EventSource::new(&[self.url.as_str(), "&since=", &since, "&after=", &after].concat()) else { return };
        let view = Rc::clone(self);
        listen(&stream, "open", move || {
            view.seams.borrow_mut().values_mut().for_each(Seam::reopen);
            view.say(Status::Following);
        });
        let view = Rc::clone(self);
        let heard = Closure::<dyn Fn(MessageEvent)>::new(move |event: MessageEvent| view.hear(&event));
        let _ = stream.add_event_listener_with_callback("line", heard.as_ref().unchecked_ref());
        heard.forget();
        let view = Rc::clone(self);
        listen(&stream, "error", move || {
            view.say(Status::Lost);
            // Not left to the browser: it would ask as it did first, and for one time of all pods.
            view.close();
            let view = Rc::clone(&view);
            set_timeout(move || view.open(), RETRY);
        });
        self.stream.replace(Some(stream));
    }

    fn close(&self) {
        if let Some(stream) = self.stream.take() {
            stream.close();
        }
    }

    /// Where each log on the page is left; and for all others the earliest of these: of what is later, none was shown.
    fn left(&self) -> (String, String) {
        let seams = self.seams.borrow();
        let since = seams.values().map(Seam::last).min().unwrap_or(&self.since);
        (since.to_owned(), Seam::after(seams.iter()))
    }

    /// A paused view says that it is; the rest is of no interest to its reader.
    fn say(&self, status: Status) {
        self.status.set(if self.paused.get() { Status::Paused } else { status });
    }

    fn hear(&self, event: &MessageEvent) {
        let Some(line) = event.data().as_string().and_then(|text| parse(&text)) else { return };
        let source = line::source(&line.pod, &line.container);
        if line.kind == "ended" && line.container.is_empty() {
            // A successor of the same name begins anew.
            self.seams.borrow_mut().retain(|theirs, _| !theirs.starts_with(&source));
        }
        if line.kind == "line" && !self.seams.borrow_mut().entry(source).or_default().is_new(&line.at) {
            return;
        }
        let mut waiting = self.waiting.borrow_mut();
        waiting.push(line);
        if waiting.len() > SHOWN {
            waiting.remove(0);
        }
        if self.paused.get() {
            self.unseen.set(waiting.len());
        }
    }

    /// Puts what has come at the end of the page.
    fn put(&self) {
        if self.paused.get() || self.waiting.borrow().is_empty() {
            return;
        }
        let (Some(list), Some(scrolls)) = (element(LINES), element(SCROLLS)) else { return };
        if let Some(none) = element(NONE) {
            none.remove();
        }
        let lines = self.waiting.take();
        let (at_end, place, before) = (is_at_end(&scrolls), scrolls.scroll_top(), scrolls.scroll_height());
        for line in &lines {
            if let Ok(row) = row(line) {
                let _ = list.append_child(&row);
            }
        }
        if !at_end {
            // The place is counted from the end, which has moved away.
            scrolls.set_scroll_top(place - (scrolls.scroll_height() - before));
            self.unseen.update(|unseen| *unseen += lines.len());
        }
        while list.child_element_count() as usize > SHOWN {
            let Some(oldest) = list.first_element_child() else { break };
            oldest.remove();
        }
    }

    pub fn toggle(&self) {
        let paused = !self.paused.get();
        self.paused.set(paused);
        let open = self.stream.borrow().as_ref().is_some_and(|stream| stream.ready_state() == EventSource::OPEN);
        self.say(if open { Status::Following } else { Status::Lost });
        let _ = remember(paused);
        if !paused {
            self.unseen.set(0);
            self.put();
        }
    }

    pub fn to_the_end(&self) {
        if self.paused.get() {
            self.toggle();
        }
        if let Some(scrolls) = element(SCROLLS) {
            scrolls.set_scroll_top(0);
        }
        self.unseen.set(0);
    }
}

/// The state lives in the URL: a page that is loaded again, or sent to somebody, is paused too.
fn remember(paused: bool) -> Result<(), JsValue> {
    let location = window().location();
    let query = location.search()?;
    let mut parts: Vec<&str> =
        query.trim_start_matches('?').split('&').filter(|part| !part.is_empty() && !part.starts_with("follow=")).collect();
    if paused {
        parts.push("follow=false");
    }
    let url = [location.pathname()?.as_str(), "?", &parts.join("&")].concat();
    window().history()?.replace_state_with_url(&JsValue::NULL, "", Some(&url))
}

/// Listens for as long as the page is there.
fn listen(target: &web_sys::EventTarget, event: &str, act: impl Fn() + 'static) {
    let closure = Closure::<dyn Fn()>::new(act);
    let _ = target.add_event_listener_with_callback(event, closure.as_ref().unchecked_ref());
    closure.forget();
}

fn element(id: &str) -> Option<Element> {
    document().get_element_by_id(id)
}

/// The lines stand in a column that begins at its end: there the scroll position is 0, and further up it is below.
fn is_at_end(scrolls: &Element) -> bool {
    scrolls.scroll_top() > -NEAR
}

fn parse(text: &str) -> Option<Line> {
    let value = js_sys::JSON::parse(text).ok()?;
    let read = |name: &str| js_sys::Reflect::get(&value, &JsValue::from(name)).ok()?.as_string();
    Some(Line { at: read("at")?, pod: read("pod")?, container: read("container")?, text: read("text")?, kind: read("kind")? })
}

/// As the server makes it.
fn row(line: &Line) -> Result<Element, JsValue> {
    let row = document().create_element("p")?;
    row.set_class_name(&line::class(&line.kind, &line.pod));
    row.set_attribute("data-at", &line.at)?;
    let text = |text: &str| document().create_text_node(text);
    row.append_child(&*span("t", line::clock(&line.at), &line.at)?)?;
    row.append_child(&text(" "))?;
    row.append_child(&*span("who", &line::who(&line.pod, &line.container), &[line.pod.as_str(), " ", &line.container].concat())?)?;
    row.append_child(&text(&[" ", &visible(&line.text)].concat()))?;
    Ok(row)
}

fn span(class: &str, text: &str, title: &str) -> Result<Element, JsValue> {
    let span = document().create_element("span")?;
    span.set_class_name(class);
    span.set_attribute("title", title.trim())?;
    span.set_text_content(Some(text));
    Ok(span)
}
