//! One page: whether somebody is on it, what was said, what became of each delivery.

use super::PageData;
use crate::oncall::reach;
use crate::parts::{ActButton, Notice, PageHead, Panel, RelTime, StatePill, Until, refused_hint};
use crate::words::{self, Look};
use crate::{Viewer, links};
use domain::Time;
use domain::access::{Verb, authorize};
use domain::pages::{Delivery, Page, State};
use leptos::prelude::*;

pub(crate) fn page(viewer: &Viewer, data: &PageData, now: Time) -> AnyView {
    let page = &data.page;
    let names: Vec<String> = page.people.iter().map(|name| data.catalog.person(name).title).collect();
    let as_role = (page.people != [page.to.clone()]).then(|| view! { <span>{format!("as {}", page.to)}</span> });
    let meta = view! {
        <span>{page.label.clone()}</span><span>{format!("by {} ", words::person(&page.by))}<RelTime at=page.at now=now/>" ago"</span>{as_role}
    }
    .into_any();
    view! {
        <PageHead title=format!("Page to {}", words::list(&names)) crumb=Some((("On-call", "/on-call"), page.label.clone())) look=Some(look(page)) meta=Some(meta)/>
        {notices(data)}
        <div class="cols-2 even">{answer(viewer, page, now)}{said(page)}</div>
        {deliveries(data, now)}
    }
    .into_any()
}

/// How it stands with the whole page.
pub(super) fn look(page: &Page) -> Look {
    let any = |state: State| page.deliveries.iter().any(|delivery| delivery.state == state);
    let (class, icon, word, calm) = match page {
        page if page.is_acknowledged() => ("healthy", "healthy", "Acknowledged", true),
        page if page.deliveries.iter().any(|delivery| delivery.state.is_open()) => ("progressing", "progressing", "Being sent", false),
        _ if any(State::Sent) => ("degraded", "degraded", "Not acknowledged", false),
        _ if any(State::Recorded) => ("paused", "paused", "Nothing was sent", false),
        _ => ("down", "down", "Reached nobody", false),
    };
    Look { class, icon, word, calm }
}

fn of_delivery(state: State) -> Look {
    let (class, icon, word, calm) = match state {
        State::Waiting => ("progressing", "progressing", "Waiting", false),
        State::Failed => ("degraded", "degraded", "Failed, tried again", false),
        State::Sent => ("healthy", "healthy", "Sent", true),
        State::GivenUp => ("down", "down", "Given up", false),
        State::Withdrawn => ("neutral", "close", "Withdrawn", true),
        State::Recorded => ("paused", "paused", "Not sent", false),
    };
    Look { class, icon, word, calm }
}

/// What somebody who relies on this page has to know before the rest.
fn notices(data: &PageData) -> AnyView {
    let page = &data.page;
    let recorded = page.deliveries.iter().find(|delivery| delivery.state == State::Recorded).map(|delivery| {
        let look = Look { class: "paused", icon: "paused", word: "Not sent", calm: false };
        view! { <Notice look=look><div data-testid="recorded"><strong>{delivery.detail.clone()}</strong>" This page has woken nobody."</div></Notice> }
    });
    let down = Look { class: "down", icon: "down", word: "Not reached", calm: false };
    let lost = (look(page).class == "down").then(|| {
        let ways = page.people.iter().map(|name| by_hand(data, name)).collect_view();
        view! { <Notice look=down alert=true><div data-testid="lost"><strong>"No message has arrived."</strong>" Call or write yourself:"<ul class="people">{ways}</ul></div></Notice> }
    });
    let silent = (!page.unreached.is_empty()).then(|| {
        let ways = page.unreached.iter().map(|name| by_hand(data, name)).collect_view();
        let look = Look { class: "degraded", icon: "degraded", word: "Warning", calm: false };
        view! { <Notice look=look><div data-testid="unreached"><strong>"No channel reaches:"</strong><ul class="people">{ways}</ul></div></Notice> }
    });
    view! { {recorded}{lost}{silent} }.into_any()
}

fn by_hand(data: &PageData, name: &str) -> AnyView {
    let title = data.catalog.person(name).title;
    view! { <li><span>{title.clone()}</span>{reach(&data.catalog, name, &title, None)}</li> }.into_any()
}

fn answer(viewer: &Viewer, page: &Page, now: Time) -> AnyView {
    let body = match &page.acknowledged {
        Some(act) => view! {
            <p>{format!("{} is on it, since ", words::person(&act.by))}<RelTime at=act.at now=now/>". What had not left by then does not leave any more."</p>
        }
        .into_any(),
        None => {
            let refused = authorize(&viewer.actor, Verb::Respond).err();
            let why = refused.as_ref().map(ToString::to_string);
            view! {
                <p>"Nobody has said yet that they are on it."</p>
                <form method="post" action=format!("{}/acknowledge", links::page(&page.label))>
                    <div class="actions"><ActButton label="Acknowledge" class="btn-primary" refused=why/></div>
                </form>
                {refused_hint(refused.as_ref())}
            }
            .into_any()
        }
    };
    view! { <Panel id="h-answer" title="Answer"><div class="panel-body stack-s" data-testid="answer">{body}</div></Panel> }.into_any()
}

fn said(page: &Page) -> AnyView {
    let incident = page.incident.as_ref().map(|label| {
        view! { <p>"Incident "<a class="table-link" href=links::incident(label)>{label.clone()}</a></p> }
    });
    view! { <Panel id="h-said" title="What was said"><div class="panel-body stack-s"><p class="prose">{page.reason.clone()}</p>{incident}</div></Panel> }
        .into_any()
}

fn deliveries(data: &PageData, now: Time) -> AnyView {
    let rows = data.page.deliveries.iter().map(|delivery| row(data, delivery, now)).collect_view();
    view! {
        <Panel id="h-deliveries" title="Deliveries" sub="one to each person over each channel">
            <table class="table table-stack table-top" aria-labelledby="h-deliveries" data-testid="deliveries">
                <thead><tr><th scope="col">"Person"</th><th scope="col">"Channel"</th><th scope="col">"State"</th><th scope="col" class="num">"Tries"</th><th scope="col">"What became of it"</th></tr></thead>
                <tbody>{rows}</tbody>
            </table>
        </Panel>
    }
    .into_any()
}

fn row(data: &PageData, delivery: &Delivery, now: Time) -> AnyView {
    let next = delivery
        .next_at
        .filter(|_| delivery.tries > 0)
        .map(|at| view! { <br/><span class="small muted">"next try in "<Until at=at now=now/></span> });
    let at = delivery.at.map(|at| view! { <br/><span class="small muted"><RelTime at=at now=now/>" ago"</span> });
    view! {
        <tr data-key=delivery.id.clone() data-state=delivery.state.as_str()>
            <th scope="row">{data.catalog.person(&delivery.person).title}</th>
            <td data-label="Channel"><span>{delivery.channel.clone()}<br/><span class="small muted">{format!("{}, {}", kind(&delivery.kind), delivery.address)}</span></span></td>
            <td data-label="State"><StatePill look=of_delivery(delivery.state) quiet=true/></td>
            <td class="num" data-label="Tries">{delivery.tries}</td>
            <td data-label="What became of it"><span>{delivery.detail.clone()}{next}{at}</span></td>
        </tr>
    }
    .into_any()
}

fn kind(kind: &str) -> &'static str {
    match kind {
        "smtp" => "e-mail",
        "webhook" => "webhook",
        "slack" => "Slack",
        _ => "records only",
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use domain::incidents::Act;

    fn page(states: &[State]) -> Page {
        let delivery = |state: &State| Delivery {
            id: "d".into(),
            person: "bea".into(),
            channel: "mail".into(),
            kind: "smtp".into(),
            address: "bea@devmatrix.example".into(),
            state: *state,
            tries: 1,
            next_at: None,
            at: None,
            detail: String::new(),
        };
        Page {
            id: "p".into(),
            number: 1,
            label: "PG-1".into(),
            to: "bea".into(),
            people: vec!["bea".into()],
            unreached: vec![],
            reason: "down".into(),
            incident: None,
            by: "ben".into(),
            at: Time(0),
            acknowledged: None,
            deliveries: states.iter().map(delivery).collect(),
        }
    }

    #[test]
    fn a_page_never_looks_better_than_it_is() {
        use State::{Failed, GivenUp, Recorded, Sent, Waiting};
        let table: [(&[State], &str); 7] = [
            (&[Waiting, Sent], "Being sent"),
            (&[Failed], "Being sent"),
            (&[Sent, GivenUp], "Not acknowledged"),
            (&[GivenUp], "Reached nobody"),
            (&[Recorded], "Nothing was sent"),
            (&[Recorded, GivenUp], "Nothing was sent"),
            (&[], "Reached nobody"),
        ];
        for (states, word) in table {
            assert_eq!(look(&page(states)).word, word, "{states:?}");
            assert!(!look(&page(states)).calm, "only an answer is calm");
        }
        let answered = Page { acknowledged: Some(Act { by: "bea".into(), at: Time(1) }), ..page(&[GivenUp]) };
        assert_eq!(look(&answered).word, "Acknowledged");
    }
}
