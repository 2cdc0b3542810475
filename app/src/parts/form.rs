//! Forms and the buttons of acts. A button that a person may not press stays where it is, looks disabled and says why.

use super::Icon;
use domain::Error;
use leptos::prelude::*;

/// A submit button, or its disabled likeness with the reason.
#[component]
pub fn ActButton(
    #[prop(into)] label: String,
    class: &'static str,
    #[prop(optional_no_strip)] refused: Option<String>,
    #[prop(optional, into)] about: Option<String>,
) -> impl IntoView {
    let about = about.map(|about| view! { <span class="vh">{format!(" {about}")}</span> });
    match refused {
        None => view! { <button class=format!("btn {class}") type="submit">{label}{about}</button> }.into_any(),
        Some(why) => {
            view! { <button class=format!("btn {class}") type="button" aria-disabled="true" title=why>{label}{about}</button> }.into_any()
        }
    }
}

/// Why the buttons are disabled, for everybody to read.
pub fn refused_hint(why: Option<&Error>) -> Option<AnyView> {
    why.map(|why| view! { <p class="small muted refused-hint">{why.to_string()}</p> }.into_any())
}

/// A reason, with what was wrong with the last one.
#[component]
pub fn ReasonField(
    #[prop(into)] id: String,
    #[prop(into)] label: String,
    #[prop(optional, into)] value: String,
    #[prop(optional)] required: bool,
    #[prop(optional, into)] hint: Option<String>,
    #[prop(optional_no_strip)] error: Option<String>,
) -> impl IntoView {
    let (hint_id, error_id) = (format!("{id}-hint"), format!("{id}-error"));
    let invalid = error.is_some();
    let described: Vec<_> = [hint.is_some().then(|| hint_id.clone()), invalid.then(|| error_id.clone())].into_iter().flatten().collect();
    view! {
        <div class=if invalid { "field field-error" } else { "field" }>
            <label for=id.clone()>{label}</label>
            <textarea class="input" id=id name="reason" rows="2" maxlength="2000" required=required
                aria-invalid=invalid.then_some("true") aria-describedby=(!described.is_empty()).then(|| described.join(" "))>{value}</textarea>
            {hint.map(|hint| view! { <span class="hint" id=hint_id>{hint}</span> })}
            {error.map(|error| view! { <p class="error" id=error_id><super::Icon name="down"/>{error}</p> })}
        </div>
    }
}

/// A line of text, with what was wrong with the last one.
#[component]
pub fn TextField(
    name: &'static str,
    label: &'static str,
    #[prop(into)] value: String,
    #[prop(optional)] required: bool,
    #[prop(into)] hint: String,
    #[prop(optional_no_strip)] error: Option<String>,
) -> impl IntoView {
    let id = format!("f-{name}");
    let (hint_id, error_id) = (format!("{id}-hint"), format!("{id}-error"));
    let invalid = error.is_some();
    let described = if invalid { format!("{hint_id} {error_id}") } else { hint_id.clone() };
    view! {
        <div class=if invalid { "field field-error" } else { "field" }>
            <label for=id.clone()>{label}</label>
            <input class="input" id=id name=name value=value required=required autocomplete="off" spellcheck="false"
                aria-invalid=invalid.then_some("true") aria-describedby=described/>
            <span class="hint" id=hint_id>{hint}</span>
            {error.map(|error| view! { <p class="error" id=error_id><super::Icon name="down"/>{error}</p> })}
        </div>
    }
}

/// A field in which one of several values is chosen.
/// `options`: value and title of each. `chosen`: a value.
pub fn choose(name: &'static str, label: &'static str, options: Vec<(String, String)>, chosen: &str) -> AnyView {
    let (id, chosen) = (format!("f-{name}"), chosen.to_owned());
    let options = options
        .into_iter()
        .map(|(value, title)| view! { <option value=value.clone() selected=value == chosen>{title}</option> })
        .collect_view();
    view! {
        <div class="field grow">
            <label for=id.clone()>{label}</label>
            <span class="select"><select class="input" id=id name=name>{options}</select><Icon name="down-chev"/></span>
        </div>
    }
    .into_any()
}
