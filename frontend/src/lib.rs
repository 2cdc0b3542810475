//! The browser's part: brings the islands to life, and nothing else.

use wasm_bindgen::prelude::wasm_bindgen;
// Keeps the islands' exported functions in the WebAssembly: nothing here calls them, the page does.
use app as _;

#[wasm_bindgen]
pub fn hydrate() {
    leptos::mount::hydrate_islands();
}
