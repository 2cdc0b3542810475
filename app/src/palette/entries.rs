//! Reads the palette's entries from the links of the page of components, which names everything there is.

use super::Entry;
use leptos::prelude::*;
use leptos::web_sys::{DomParser, Element, Response, SupportedType};
use wasm_bindgen::prelude::*;
use wasm_bindgen_futures::{JsFuture, spawn_local};

const FROM: &str = "/components";

/// Fills `entries`; when that fails it stays as it was.
pub fn load(entries: RwSignal<Vec<Entry>>) {
    spawn_local(async move {
        if let Ok(found) = read().await {
            entries.set(found);
        }
    });
}

async fn read() -> Result<Vec<Entry>, JsValue> {
    let response: Response = JsFuture::from(window().fetch_with_str(FROM)).await?.dyn_into()?;
    let html = JsFuture::from(response.text()?).await?.as_string().unwrap_or_default();
    let page = DomParser::new()?.parse_from_string(&html, SupportedType::TextHtml)?;
    let links = page.query_selector_all("[data-go]")?;
    let mut found: Vec<Entry> = Vec::new();
    for at in 0..links.length() {
        let Some(link) = links.get(at).and_then(|node| node.dyn_into::<Element>().ok()) else { continue };
        let read = |name: &str| link.get_attribute(name).unwrap_or_default();
        let entry = Entry { group: read("data-group"), label: read("data-go"), href: read("href") };
        if !found.contains(&entry) {
            found.push(entry);
        }
    }
    Ok(found)
}
