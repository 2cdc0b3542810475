//! `/severity` and `/incidents` as a browser without JavaScript uses them.

use crate::support::Demo;

#[tokio::test]
async fn the_matrix_reads_like_the_guide_and_computes_when_a_problem_is_due() {
    let demo = Demo::start().await;
    let cookie = demo.sign_in("viv").await;
    let page = demo.page(&cookie, "/severity?level=P3&from=2026-12-24T11:00&team=devops").await.text();
    let rows = [
        ["P0", "Critical", "15 minutes", "complete system outage"],
        ["P1", "High", "1 hour", "major feature unavailable"],
        ["P2", "Medium", "4 hours", "performance degradation"],
        ["P3", "Low", "next business day", "minor bugs"],
    ];
    let mut rest = page.split_once("data-testid=\"matrix\"").unwrap().1;
    for cell in rows.into_iter().flatten() {
        rest = rest.split_once(cell).unwrap_or_else(|| panic!("{cell} is not there, or not in its place")).1;
    }
    assert!(page.contains("<strong>Mon 28 Dec 2026, 17:00</strong>"), "over Christmas and the weekend");
    assert!(page.contains("data-testid=\"nothing-open\""));
}

#[tokio::test]
async fn an_incident_is_opened_answered_raised_and_resolved_on_its_page() {
    let demo = Demo::start().await;
    let cookie = demo.sign_in("bea").await;
    let post = |path: &'static str, fields: Vec<(&'static str, &'static str)>| {
        let (demo, cookie) = (&demo, &cookie);
        async move { demo.form(Some(cookie), path, &fields).await }
    };
    let opened = post("/incidents", vec![("title", "Requests fail"), ("severity", "P2"), ("component", "api"), ("summary", "")]).await;
    assert_eq!((opened.status.as_u16(), opened.header("location")), (303, "/incidents/INC-1"), "{}", opened.text());
    let severity = demo.page(&cookie, "/severity").await.text();
    assert!(severity.contains("1 incident open, none too late") && severity.contains("Requests fail"));
    let page = demo.page(&cookie, "/incidents/INC-1").await.text();
    assert!(page.contains("Acknowledge") && page.contains("h-on-call"), "whom to call stands here too");

    for (path, fields) in [
        ("/incidents/INC-1/acknowledge", vec![]),
        ("/incidents/INC-1/severity", vec![("severity", "P0"), ("reason", "all of it")]),
        ("/incidents/INC-1/components", vec![("component", "nginx"), ("component", "redis")]),
        ("/incidents/INC-1/comments", vec![("text", "<b>rolled back</b>")]),
        ("/incidents/INC-1/resolve", vec![]),
    ] {
        assert_eq!(post(path, fields).await.status, 303, "{path}");
    }
    let page = demo.page(&cookie, "/incidents/INC-1").await.text();
    assert!(
        page.contains("added nginx, redis; removed api")
            && page.contains("P2 to P0, to be answered by ")
            && page.contains("&lt;b")
            && !page.contains("<b>rolled")
            && !page.contains(">Acknowledge<"),
        "{page}"
    );
    assert_eq!(post("/incidents/INC-1/severity", vec![("severity", "P1")]).await.status, 409);
    let wrong = post("/incidents", vec![("title", " "), ("severity", "P2"), ("summary", "kept")]).await;
    assert_eq!(wrong.status, 400);
    assert!(wrong.text().contains("expected a line of 1 to 200 characters") && wrong.text().contains("kept"));
    assert!(demo.page(&cookie, "/incidents?state=resolved").await.text().contains("Requests fail"));
}
