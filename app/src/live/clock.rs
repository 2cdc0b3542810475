//! Keeps `<time>` elements true between updates, in the server's words. `data-w` says how: none an age, `span` a duration
//! that runs, `left` the time until then, `long` an age with days spelled out.

use super::age::{age, long_age, span};
use leptos::prelude::document;
use leptos::web_sys::{Element, Event};
use wasm_bindgen::prelude::*;

/// Clocks differ. A small difference is the way of the page from the server; only a large one is corrected.
const TRUSTED_MS: f64 = 30_000.0;

/// How far this browser's clock is ahead of the server's, in milliseconds.
pub fn skew() -> f64 {
    let said = document().get_element_by_id("main").and_then(|main| main.get_attribute("data-now"));
    let server = said.map_or(f64::NAN, |text| js_sys::Date::parse(&text));
    let difference = js_sys::Date::now() - server;
    if difference.is_finite() && difference.abs() > TRUSTED_MS { difference } else { 0.0 }
}

/// `which`: a selector of `<time>` elements.
pub fn tick(which: &str, skew: f64) {
    let now = js_sys::Date::now() - skew;
    let Ok(list) = document().query_selector_all(which) else { return };
    for at in 0..list.length() {
        if let Some(time) = list.get(at).and_then(|node| node.dyn_into::<Element>().ok()) {
            refresh(&time, now);
        }
    }
}

fn refresh(time: &Element, now: f64) {
    let moment = js_sys::Date::parse(&time.get_attribute("datetime").unwrap_or_default());
    if !moment.is_finite() {
        return;
    }
    let seconds = ((now - moment) / 1000.0).floor() as i64;
    let words = match time.get_attribute("data-w").as_deref() {
        Some("span") => span(seconds),
        Some("left") => age(-seconds),
        Some("long") => long_age(seconds),
        _ => age(seconds),
    };
    if time.text_content().as_deref() != Some(&words) {
        time.set_text_content(Some(&words));
    }
}

/// The exact moment in the reader's own zone, made when somebody points at it.
pub fn local_titles() {
    let listener = Closure::<dyn Fn(Event)>::new(|event: Event| {
        let target = event.target().and_then(|target| target.dyn_into::<Element>().ok());
        if let Some(time) = target.filter(|element| element.has_attribute("datetime")) {
            let date = js_sys::Date::new(&JsValue::from(time.get_attribute("datetime").unwrap_or_default()));
            let _ = time.set_attribute("title", &String::from(date.to_string()));
        }
    });
    let _ = document().add_event_listener_with_callback("mouseover", listener.as_ref().unchecked_ref());
    listener.forget();
}
