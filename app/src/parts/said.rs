//! The failing pod's own words, as text: control and direction characters are shown, never obeyed.

pub use crate::visible::visible;
use domain::clusters::PodSaid;
use leptos::prelude::*;

#[component]
pub fn PodSaidView(said: PodSaid) -> impl IntoView {
    view! {
        <pre class="said down" tabindex="0" role="region" aria-label=format!("Message of the pod {}", said.pod)>{visible(&said.message)}</pre>
    }
}
