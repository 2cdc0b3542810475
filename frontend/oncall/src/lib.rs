//! Who is on call at any moment, answered in the browser: `domain::oncall` as WebAssembly, which `public/on-call.js` loads when a
//! reader first wants it.
//!
//! Invariant: nothing is decided here. What a rotation is and whom it names comes from the server, and so do the zones' rules, each
//! when it is asked for.

use domain::oncall::Held;
use domain::oncall::answer::{Answer, asked};
use domain::oncall::timeline::TimelineView;
use domain::zone::Zone;
use std::collections::BTreeMap;
use wasm_bindgen::prelude::wasm_bindgen;

/// What is known so far: zones, and one rotation.
#[wasm_bindgen]
#[derive(Default)]
pub struct Lookup {
    zones: BTreeMap<String, Zone>,
    known: Option<(Held, TimelineView)>,
}

#[wasm_bindgen]
impl Lookup {
    #[wasm_bindgen(constructor)]
    pub fn new() -> Lookup {
        Lookup::default()
    }

    pub fn has_zone(&self, name: &str) -> bool {
        self.zones.contains_key(name)
    }

    /// `rules`: TZif (RFC 9636).
    pub fn add_zone(&mut self, name: &str, rules: &[u8]) -> Result<(), String> {
        let zone = Zone::of_tzif(name, rules).ok_or_else(|| format!("the rules of {name} are not understood"))?;
        self.zones.insert(name.to_owned(), zone);
        Ok(())
    }

    /// The zones that it takes to read a timeline, as the API gives one.
    pub fn zones_of(timeline: &str) -> Result<Vec<String>, String> {
        Ok(parsed(timeline)?.zones().into_iter().map(str::to_owned).collect())
    }

    /// Answers are about this rotation from now on.
    pub fn read(&mut self, timeline: &str) -> Result<(), String> {
        let view = parsed(timeline)?;
        let held = view.open(|name| self.zones.get(name).cloned()).map_err(|error| error.to_string())?;
        self.known = Some((held, view));
        Ok(())
    }

    /// `at`: a local time of the zone, or a moment with its offset. JSON of an [`Answer`], or the sentence that the page says.
    pub fn answer(&self, at: &str, zone: &str) -> Result<String, String> {
        let zone = self.zones.get(zone).ok_or_else(|| format!("the rules of {zone} are not here"))?;
        let (held, view) = self.known.as_ref().ok_or("no rotation was read")?;
        let at = asked(at, zone).map_err(|error| error.to_string())?;
        let answer = Answer::of(&held.line(), at, zone, |participant| view.people_of(participant));
        serde_json::to_string(&answer).map_err(|error| error.to_string())
    }

    /// How a participant is called.
    pub fn title_of(&self, participant: &str) -> String {
        let participant = participant.to_owned().into();
        self.known.as_ref().map_or_else(String::new, |(_, view)| view.title_of(&participant))
    }
}

fn parsed(timeline: &str) -> Result<TimelineView, String> {
    serde_json::from_str(timeline).map_err(|error| format!("the timeline is not understood: {error}"))
}
