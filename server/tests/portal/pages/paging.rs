//! `/pages` as a browser without JavaScript uses it, and the ways to it.

use crate::support::Demo;

#[tokio::test]
async fn somebody_is_paged_from_home_and_it_is_said_that_nothing_was_sent() {
    let demo = Demo::start().await;
    let cookie = demo.sign_in("bea").await;
    let primary = demo.primary().await[0].clone();
    for path in ["/", "/on-call"] {
        let page = demo.page(&cookie, path).await.text();
        assert!(page.contains(&format!("href=\"/pages/new?to={primary}\"")), "{path}");
        assert!(page.contains(&format!("href=\"mailto:{primary}@devmatrix.example\"")), "{path}");
    }
    let form = demo.page(&cookie, &format!("/pages/new?to={primary}")).await;
    assert_eq!(form.status, 200);
    let text = form.text();
    assert!(text.contains("Demo: nothing will be sent") && text.contains(&format!("<option value=\"{primary}\" selected")), "{text}");
    let key = text.split("name=\"key\" value=\"").nth(1).unwrap().split('"').next().unwrap().to_owned();

    let fields = [("to", primary.as_str()), ("reason", "<b>the site</b> is down"), ("incident", ""), ("key", &key)];
    for _ in 0..2 {
        let sent = demo.form(Some(&cookie), "/pages/new", &fields).await;
        assert_eq!((sent.status.as_u16(), sent.header("location")), (303, "/pages/PG-1"), "a double click pages once: {}", sent.text());
    }
    let page = demo
        .until("nothing was sent, and it is said", || async {
            let page = demo.page(&cookie, "/pages/PG-1").await.text();
            page.contains("Nothing was sent").then_some(page)
        })
        .await;
    assert!(page.contains("Demo: nothing was sent.") && page.contains("data-testid=\"recorded\"") && !page.contains(">Sent<"), "{page}");
    assert!(page.contains("&lt;b") && !page.contains("<b>the site"), "{page}");
    let answered = demo.form(Some(&cookie), "/pages/PG-1/acknowledge", &[]).await;
    assert_eq!((answered.status.as_u16(), answered.header("location")), (303, "/pages/PG-1"));
    let page = demo.page(&cookie, "/pages/PG-1").await.text();
    assert!(page.contains("Bea is on it") && !page.contains(">Acknowledge<"), "{page}");
}

#[tokio::test]
async fn what_was_written_is_kept_with_what_is_wrong() {
    let demo = Demo::start().await;
    let cookie = demo.sign_in("bea").await;
    let refused = demo.form(Some(&cookie), "/pages/new", &[("to", "nobody-here"), ("reason", "kept as it was")]).await;
    assert_eq!(refused.status, 400);
    assert!(refused.text().contains("`nobody-here` is in no team") && refused.text().contains("kept as it was"), "{}", refused.text());
    let refused = demo.form(Some(&cookie), "/pages/new", &[("to", "olivia"), ("reason", " ")]).await;
    assert!(refused.status == 400 && refused.text().contains("whoever is woken reads it first"), "{}", refused.text());
    let viewer = demo.sign_in("viv").await;
    let page = demo.page(&viewer, "/pages/new?to=olivia").await.text();
    assert!(page.contains("aria-disabled=\"true\"") && page.contains("that needs to be in a team"), "{page}");
    assert_eq!(demo.page(&viewer, "/pages/PG-9").await.status, 404);
}

#[tokio::test]
async fn whoever_was_paged_finds_it_at_home_until_somebody_answers() {
    let demo = Demo::start().await;
    let (bea, paul) = (demo.sign_in("bea").await, demo.sign_in("paul").await);
    let waits = |cookie: String| {
        let demo = &demo;
        async move { demo.page(&cookie, "/").await.text().contains("Bea pages you: look at redis") }
    };
    demo.form(Some(&bea), "/pages/new", &[("to", "paul"), ("reason", "look at redis")]).await;
    assert!(waits(paul.clone()).await && !waits(bea.clone()).await);
    demo.form(Some(&bea), "/pages/PG-1/acknowledge", &[]).await;
    assert!(!waits(paul).await);
    assert!(demo.get("/metrics").await.text().contains("devmatrix_page_deliveries{state=\""));
}

#[tokio::test]
async fn from_an_incident_the_page_is_about_it() {
    let demo = Demo::start().await;
    let cookie = demo.sign_in("bea").await;
    demo.form(Some(&cookie), "/incidents", &[("title", "Requests fail"), ("severity", "P2"), ("summary", "")]).await;
    let primary = demo.primary().await[0].clone();
    let page = demo.page(&cookie, "/incidents/INC-1").await.text();
    assert!(page.contains(&format!("href=\"/pages/new?to={primary}&amp;incident=INC-1\"")), "{page}");
    let sent = demo.form(Some(&cookie), "/pages/new", &[("to", &primary), ("reason", "look"), ("incident", "INC-1")]).await;
    assert_eq!(sent.header("location"), "/pages/PG-1", "{}", sent.text());
    assert!(demo.page(&cookie, "/pages/PG-1").await.text().contains("href=\"/incidents/INC-1\""));
    let story = demo.page(&cookie, "/incidents/INC-1").await.text();
    assert!(story.contains("<strong>Paged</strong>") && story.contains("(PG-1): look"), "{story}");
}
