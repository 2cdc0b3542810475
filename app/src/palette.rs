//! The command palette: Ctrl or Cmd K reaches every page, component, environment and promotion. Its entries are the links
//! with `data-go` on the page of components, fetched when it opens. Without the browser's part the trigger is a link there.
//!
//! It is a popover and no modal dialog: that would make the rest of the page inert, for which the browser looks at every
//! element of it. The focus stays in its field all the same: what is listed is chosen by arrows, Tab or the pointer.

use leptos::html;
use leptos::prelude::*;

#[cfg(feature = "hydrate")]
mod entries;

/// Something one can go to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Entry {
    pub group: String,
    pub label: String,
    pub href: String,
}

/// At most so many are listed: who wants others types another letter.
const LISTED: usize = 12;

/// Every word that was typed is somewhere in it.
fn matches(entry: &Entry, typed: &str) -> bool {
    let text = [entry.label.as_str(), " ", &entry.group].concat().to_ascii_lowercase();
    typed.to_ascii_lowercase().split_whitespace().all(|word| text.contains(word))
}

#[island]
pub fn Palette() -> impl IntoView {
    let (entries, typed, chosen) = (RwSignal::new(Vec::<Entry>::new()), RwSignal::new(String::new()), RwSignal::new(0_usize));
    let (dialog, input) = (NodeRef::<html::Div>::new(), NodeRef::<html::Input>::new());
    let found = move || entries.read().iter().filter(|entry| matches(entry, &typed.read())).take(LISTED).cloned().collect::<Vec<_>>();
    let open = move || {
        if let (Some(dialog), Some(input)) = (dialog.get_untracked(), input.get_untracked()) {
            if !typed.read_untracked().is_empty() {
                typed.set(String::new());
                input.set_value("");
            }
            chosen.set(0);
            // An error: it is open already.
            let _ = dialog.show_popover();
            let _ = input.focus();
            // After it is painted.
            #[cfg(feature = "hydrate")]
            set_timeout(move || entries::load(entries), std::time::Duration::ZERO);
        }
    };
    let keys = move |event: leptos::ev::KeyboardEvent| {
        let listed = found();
        let key = match event.key().as_str() {
            "Tab" if event.shift_key() => "ArrowUp".to_owned(),
            "Tab" => "ArrowDown".to_owned(),
            key => key.to_owned(),
        };
        match key.as_str() {
            "ArrowDown" => chosen.update(|at| *at = (*at + 1).min(listed.len().saturating_sub(1))),
            "ArrowUp" => chosen.update(|at| *at = at.saturating_sub(1)),
            "Enter" => {
                if let Some(entry) = listed.get(chosen.get_untracked()) {
                    let _ = window().location().set_href(&entry.href);
                }
            }
            _ => return,
        }
        event.prevent_default();
    };
    Effect::new(move |_| {
        window_event_listener(leptos::ev::keydown, move |event| {
            if (event.ctrl_key() || event.meta_key()) && !event.shift_key() && !event.alt_key() && event.key().eq_ignore_ascii_case("k") {
                event.prevent_default();
                open();
            }
        });
    });
    let nothing =
        move || (!typed.read().is_empty() && found().is_empty()).then(|| view! { <p class="palette-none">"Nothing has this name."</p> });
    let options = move || {
        let at = chosen.get();
        let listed = found();
        listed.into_iter().enumerate().map(|(n, entry)| option(n, n == at, entry)).collect_view()
    };
    view! {
        <a class="palette-trigger" href="/components" aria-keyshortcuts="Control+K Meta+K" on:click=move |event| { event.prevent_default(); open() }>
            <svg class="i" aria-hidden="true"><use href="#i-search"></use></svg><span>"Search or run a command"</span><kbd class="kbd">"Ctrl K"</kbd>
        </a>
        <div class="palette" popover="auto" role="dialog" aria-label="Command palette" node_ref=dialog>
            <div class="palette-in">
                <svg class="i" aria-hidden="true"><use href="#i-search"></use></svg>
                <input type="text" role="combobox" aria-expanded="true" aria-controls="palette-list" aria-label="Search or run a command"
                    autocomplete="off" spellcheck="false" node_ref=input aria-activedescendant=move || format!("palette-{}", chosen.get())
                    on:input=move |event| { typed.set(event_target_value(&event)); chosen.set(0) } on:keydown=keys/>
                <kbd class="kbd">"Esc"</kbd>
            </div>
            <div class="palette-list" id="palette-list" role="listbox" aria-label="Results">{options}</div>
            {nothing}
        </div>
    }
}

fn option(at: usize, chosen: bool, entry: Entry) -> impl IntoView {
    view! {
        <a class="opt" role="option" tabindex="-1" id=format!("palette-{at}") aria-selected=chosen.to_string() href=entry.href>
            <span>{entry.label}</span><small>{entry.group}</small>
        </a>
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_are_found_in_any_order() {
        let entry = Entry { group: "Actions".into(), label: "Promote API server to Production East".into(), href: "/".into() };
        for typed in ["", "api prom", "EAST promote", "actions"] {
            assert!(matches(&entry, typed), "{typed}");
        }
        assert!(!matches(&entry, "redis"));
    }
}
