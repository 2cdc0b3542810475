//! The head of a page: where one is, what it is, what one can do.

use super::StatePill;
use crate::words::Look;
use leptos::prelude::*;

type Crumb = (&'static str, &'static str);

/// `crumb`: the list that this page belongs to, and what the page is called in it.
#[component]
pub fn PageHead(
    #[prop(into)] title: String,
    #[prop(optional_no_strip)] crumb: Option<(Crumb, String)>,
    #[prop(optional_no_strip)] look: Option<Look>,
    #[prop(optional_no_strip)] meta: Option<AnyView>,
    #[prop(optional_no_strip)] actions: Option<AnyView>,
) -> impl IntoView {
    view! {
        <div class="page-head">
            <div>
                {crumb.map(|((text, href), here)| view! {
                    <nav aria-label="Breadcrumb"><ol class="crumbs"><li><a href=href>{text}</a></li><li aria-current="page">{here}</li></ol></nav>
                })}
                <div class="title">
                    <h1>{title}</h1>
                    {look.map(|look| view! { <StatePill look=look/> })}
                </div>
                {meta.map(|meta| view! { <p class="meta">{meta}</p> })}
            </div>
            {actions}
        </div>
    }
}
