//! One component: its pods, a page at a time.

use crate::support::Demo;

#[tokio::test]
async fn the_pods_that_are_looked_at_are_in_the_url_and_a_refresh_keeps_them() {
    let demo = Demo::start().await;
    let cookie = demo.sign_in("viv").await;
    let whole = demo.page(&cookie, "/components/api").await.text();
    assert!(whole.contains("Pods in Production") && !whole.contains("Name, state, version or node"), "a short list has no form");
    let page = demo.page(&cookie, "/components/api?environment=prod&text=no-such&page=2").await;
    assert_eq!(page.status, 200, "{}", page.text());
    let text = page.text();
    assert!(text.contains("No pod has the text ") && text.contains("Clear filter"), "{text}");
    let live = text.split("data-component=\"Live").nth(1).and_then(|rest| rest.split(" data-props=").nth(1)).unwrap();
    let props = live.split('>').next().unwrap();
    for part in ["/components/api?environment=prod", "text=no-such", "page=2"] {
        assert!(props.contains(part), "a refresh asks for {part}: {props}");
    }
    let long = "x".repeat(201);
    for query in ["page=0", "page=x", "page=-1", &format!("text={long}")] {
        assert_eq!(demo.page(&cookie, &format!("/components/api?environment=prod&{query}")).await.status, 400, "{query}");
    }
}
