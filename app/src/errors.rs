//! An error as a page: what happened, and the way on.

use crate::Viewer;
use crate::parts::PageHead;
use domain::Error;
use leptos::prelude::*;

pub(crate) fn page(viewer: Option<&Viewer>, error: &Error) -> AnyView {
    let icon = match error {
        Error::Forbidden { .. } | Error::Unauthenticated => "lock",
        Error::NotFound { .. } => "search",
        _ => "degraded",
    };
    let (what, href) = way_on(viewer, error);
    let next = next(error);
    view! {
        <PageHead title=error.title()/>
        <section class="panel" data-status=error.status()>
            <div class="empty">
                <crate::parts::Icon name=icon/>
                <h2>{error.to_string()}</h2>
                <p>{next}</p>
                <div class="actions"><a class="btn btn-primary" href=href>{what}</a></div>
            </div>
        </section>
    }
    .into_any()
}

fn way_on(viewer: Option<&Viewer>, error: &Error) -> (&'static str, String) {
    match (viewer, error) {
        (None, _) | (_, Error::Unauthenticated) => ("Sign in", "/sign-in".to_owned()),
        (Some(viewer), Error::Unavailable { .. } | Error::Internal { .. }) => ("Try again", viewer.path.clone()),
        (Some(viewer), Error::Conflict { .. } | Error::Refused(_)) => ("Look again", viewer.path.clone()),
        _ => ("Home", "/".to_owned()),
    }
}

fn next(error: &Error) -> &'static str {
    match error {
        Error::NotFound { .. } => {
            "It may have another name now. The lists of components, environments and changes have everything that there is."
        }
        Error::Invalid { .. } => "Go back, mend this field and send it again. Nothing was changed.",
        Error::Refused(_) => "Nothing was changed.",
        Error::Conflict { .. } => "Nothing was changed by you. Look at it as it is now, then decide.",
        Error::Unauthenticated => "Your session has ended, or you have not signed in yet.",
        Error::Forbidden { .. } => "Nothing was changed. An administrator gives roles by teams, in devmatrix.yaml.",
        Error::Unavailable { .. } => "Nothing was lost. What was under way goes on by itself when it is reachable again.",
        Error::Internal { .. } => "Nothing was lost. The incident's name finds the line in the portal's log.",
    }
}
