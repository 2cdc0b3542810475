//! The pods of a component, one block for each environment: failing pods in their own words first, then a page of the list.
//!
//! Invariant: no more than [`PodsWanted::ON_A_PAGE`] rows of an environment are rendered, whatever its size. The text and the page
//! are in the URL, so that a refresh keeps them, and no script is needed.

use super::ComponentData;
use crate::parts::{Notice, PodSaidView, PodTable};
use crate::{links, words};
use domain::Time;
use domain::changes::State;
use domain::clusters::{ComponentIn, PodsPage, PodsWanted};
use leptos::prelude::*;

pub(super) fn panels(data: &ComponentData, now: Time) -> AnyView {
    let each = data.view.environments.iter().map(|here| panel(&data.view.name, here, &data.pods, now)).collect_view();
    view! { <div class="stack">{each}</div> }.into_any()
}

fn panel(component: &str, here: &ComponentIn, wanted: &PodsWanted, now: Time) -> AnyView {
    let said = here.cell.failing_pod.clone().map(|said| {
        let (text, pod) = (said.reason.clone(), said.pod.clone());
        view! {
            <div class="panel-body stack-s">
                <Notice look=words::change(State::Failed)><div><strong>{text}</strong>" "<code>{pod}</code></div></Notice>
                <PodSaidView said=said/>
            </div>
        }
    });
    let (title, env) = (here.environment.title.clone(), &here.environment.name);
    let ready = format!("{} of {} ready", here.pods.iter().filter(|pod| pod.ready).count(), here.pods.len());
    let heading = format!("p-{env}");
    view! {
        <section class="panel" aria-labelledby=heading.clone() data-key=heading.clone()>
            <div class="panel-head"><h2 id=heading.clone()>{format!("Pods in {title}")}</h2><div class="end muted">{ready}</div></div>
            {said}{list(component, here, &wanted.of(env), now)}
        </section>
    }
    .into_any()
}

fn list(component: &str, here: &ComponentIn, wanted: &PodsWanted, now: Time) -> AnyView {
    if here.pods.is_empty() {
        return view! { <p class="panel-body muted">"No pod is known here."</p> }.into_any();
    }
    let (title, env) = (&here.environment.title, &here.environment.name);
    let page = wanted.choose(&here.pods);
    let is_long = here.pods.len() > PodsWanted::ON_A_PAGE;
    let form = (is_long || !wanted.text.is_empty()).then(|| form(component, env, title, &wanted.text));
    let rows = if page.pods.is_empty() {
        let hidden = words::count(here.pods.len() as i64, "pod");
        view! { <p class="panel-body muted">"No pod has the text "<strong>{crate::parts::visible(&wanted.text)}</strong>{format!(": {hidden} without it.")}</p> }.into_any()
    } else {
        view! { <PodTable pods=&page.pods label=format!("Pods in {title}") now=now/> }.into_any()
    };
    let foot = (is_long && !page.pods.is_empty()).then(|| foot(component, env, title, wanted, &page));
    view! { {form}{rows}{foot} }.into_any()
}

fn form(component: &str, env: &str, title: &str, text: &str) -> AnyView {
    let id = format!("pods-text-{env}");
    let clear = (!text.is_empty()).then(|| view! { <a class="btn btn-ghost" href=at(component, env, "", 1)>"Clear filter"</a> });
    view! {
        <form class="panel-body form-row compose" method="get" action=format!("{}#p-{}", links::component(component), links::encode(env)) role="search" aria-label=format!("Pods in {title}")>
            <input type="hidden" name="environment" value=env.to_owned()/>
            <div class="field grow">
                <label for=id.clone()>"Name, state, version or node"</label>
                <input class="input" id=id name="text" type="search" maxlength="200" value=text.to_owned()/>
            </div>
            <button class="btn" type="submit">"Filter"</button>
            {clear}
        </form>
    }
    .into_any()
}

/// What is shown, and the way to the rest.
fn foot(component: &str, env: &str, title: &str, wanted: &PodsWanted, page: &PodsPage) -> AnyView {
    let (first, last, matching) = (page.first, page.last(), page.matching);
    let said = format!("Pods {first} to {last} of {matching}, the worst first");
    let to = |number: usize, words: &'static str| view! { <a href=at(component, env, &wanted.text, number)>{words}</a> };
    let before = (page.page > 1).then(|| to(page.page - 1, "Previous pods"));
    let after = (page.page < page.pages).then(|| to(page.page + 1, "Next pods"));
    let to_last = (page.page + 1 < page.pages).then(|| to(page.pages, "Last pods"));
    view! { <nav class="panel-foot" aria-label=format!("Pages of the pods in {title}")><span>{said}</span>{before}{after}{to_last}</nav> }
        .into_any()
}

fn at(component: &str, env: &str, text: &str, page: usize) -> String {
    let number = if page > 1 { page.to_string() } else { String::new() };
    let query = links::query(&links::component(component), &[("environment", env), ("text", text), ("page", &number)]);
    format!("{query}#p-{}", links::encode(env))
}

#[cfg(test)]
mod tests {
    use super::*;
    use domain::clusters::PodView;

    fn pod(number: usize) -> PodView {
        PodView {
            name: format!("api-{number:03}"),
            status: "Running".into(),
            ready: true,
            restarts: 0,
            node: format!("node-{}", number % 7),
            version: "1.0.0".into(),
            created: Time(number as i64 * 1000),
            said: None,
        }
    }

    /// A component of 450 pods, of which one is not ready and one has been restarted.
    fn component_in() -> ComponentIn {
        let mut pods: Vec<PodView> = (0..450).map(pod).collect();
        (pods[17].ready, pods[17].status) = (false, "CrashLoopBackOff".into());
        pods[300].restarts = 4;
        let here = serde_json::json!({
            "environment": {
                "name": "prod", "title": "Production", "stage": 2, "production": true, "promote_from": null, "namespace": "ns",
                "cluster": {"name": "c", "provider": "eks", "region": "r", "reachable": true, "last_seen": null, "trouble": ""},
            },
            "cell": {
                "workload": {"kind": "Deployment", "name": "api", "namespace": "ns"}, "state": "degraded", "reason": "", "image": null,
                "tag": null, "digest": null, "desired": 450, "ready": 449, "updated": 450, "revision": 1, "since": null, "last_seen": null,
                "drift": [], "behind": null, "failing_pod": null, "blocker": null, "managed_by": null, "edited": null,
            },
            "pods": pods, "deployments": [],
            "around": {
                "autoscaler": null, "services": [], "ingresses": [], "policies": [], "config_maps": [], "missing_config_maps": [],
                "secrets": [], "claims": [],
            },
        });
        serde_json::from_value(here).unwrap_or_else(|error| panic!("{error}"))
    }

    fn html(here: &ComponentIn, parameters: &[(&str, &str)]) -> String {
        let wanted = PodsWanted::read(|name| parameters.iter().find(|(key, _)| *key == name).map(|(_, value)| *value)).unwrap_or_default();
        Owner::new().with(|| panel("api", here, &wanted, Time(1_000_000)).to_html())
    }

    /// The names of the rows, in their order.
    fn rows(html: &str) -> Vec<&str> {
        html.split("<tr data-key=\"").skip(1).filter_map(|row| row.split('"').next()).collect()
    }

    #[test]
    fn of_450_pods_the_worst_200_are_rendered_and_the_rest_is_a_link_away() {
        let here = component_in();
        let first = html(&here, &[]);
        let names = rows(&first);
        assert_eq!((names.len(), &names[..4]), (200, ["api-017", "api-300", "api-449", "api-448"].as_slice()), "broken, restarted, newest");
        assert!(first.contains("449 of 450 ready") && first.contains("Pods 1 to 200 of 450, the worst first"), "{first}");
        let next = "/components/api?environment=prod&amp;page=2#p-prod";
        assert!(first.contains(next) && first.contains("page=3#p-prod") && !first.contains("Previous pods"), "{first}");

        let second = html(&here, &[("environment", "prod"), ("page", "2")]);
        let last = html(&here, &[("environment", "prod"), ("page", "99")]);
        assert!(last.contains("Pods 401 to 450 of 450") && !last.contains("Next pods"), "behind the end is the last page");
        let mut all: Vec<&str> = [&first, &second, &last].into_iter().flat_map(|page| rows(page)).collect();
        assert_eq!(all.len(), 450);
        all.sort_unstable();
        all.dedup();
        assert_eq!(all.len(), 450, "each pod is on one page");
        assert_eq!(rows(&html(&here, &[("environment", "staging"), ("page", "2")])), names, "it is said of another environment");
    }

    #[test]
    fn pods_are_found_by_their_text_without_a_script() {
        let here = component_in();
        let found = html(&here, &[("environment", "prod"), ("text", "NODE-3")]);
        assert_eq!(rows(&found).len(), 64);
        assert!(found.contains("Pods 1 to 64 of 64") && found.contains("value=\"NODE-3\"") && found.contains("Clear filter"), "{found}");
        let wanted = ["method=\"get\"", "action=\"/components/api#p-prod\"", "name=\"environment\" value=\"prod\"", "name=\"text\""];
        assert!(wanted.iter().all(|part| found.contains(part)), "{found}");
        assert_eq!(rows(&html(&here, &[("environment", "prod"), ("text", "crashloop")])), ["api-017"]);
        let none = html(&here, &[("environment", "prod"), ("text", "<b>")]);
        assert!(
            none.contains("No pod has the text") && none.contains("&lt;b&gt;") && !none.contains("<b>") && rows(&none).is_empty(),
            "{none}"
        );
        let many = html(&here, &[("environment", "prod"), ("text", "1.0")]);
        assert!(
            many.contains("/components/api?environment=prod&amp;text=1.0&amp;page=2#p-prod"),
            "the text stays on the next page: {many}"
        );
    }

    #[test]
    fn a_short_list_has_neither_form_nor_pages() {
        let mut here = component_in();
        here.pods.truncate(200);
        let short = html(&here, &[]);
        assert_eq!((rows(&short).len(), short.contains("<form"), short.contains("<nav")), (200, false, false));
    }
}
