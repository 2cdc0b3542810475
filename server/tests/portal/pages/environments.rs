//! One environment: what no workload made in it.

use crate::support::Demo;
use serde_json::json;

/// The panel of this heading, as HTML.
fn panel(page: &str, id: &str) -> String {
    let from = page.find(&format!("aria-labelledby=\"{id}\"")).unwrap_or_else(|| panic!("no panel {id}"));
    page[from..].split("</section>").next().unwrap().to_owned()
}

#[tokio::test]
async fn what_no_workload_made_is_on_the_page_and_in_the_api() {
    let demo = Demo::start().await;
    let cookie = demo.sign_in("viv").await;
    let staging = panel(&demo.page(&cookie, "/environments/staging").await.text(), "h-bare");
    for words in ["debug-olivia", ">Pod<", "Running", "registry.devmatrix.example/mirror/netshoot:0.13", "aks-nodepool1-31873422-vmss"] {
        assert!(staging.contains(words), "{words} in {staging}");
    }
    assert!(!staging.contains("Static:"), "it is no mirror pod: {staging}");
    let prod = panel(&demo.page(&cookie, "/environments/prod").await.text(), "h-bare");
    assert!(prod.contains("There is nothing here that no workload made.") && !prod.contains("<table"), "{prod}");

    let inventory = &demo.api("viv", "GET", "/api/v1/environments/staging", None).await.ok()["inventory"];
    let pod = &inventory["pods"][0];
    assert_eq!(inventory["pods"].as_array().unwrap().len(), 1, "{inventory}");
    assert_eq!(
        [&pod["name"], &pod["status"], &pod["ready"], &pod["mirror"]],
        [&json!("debug-olivia"), &json!("Running"), &json!(true), &json!(false)]
    );
    assert_eq!((&inventory["replica_sets"], &inventory["bare_known"]), (&json!([]), &json!(true)));
}
