//! `/changes`: the main journey by forms alone.

use crate::support::Demo;

const WANTED: [(&str, &str); 6] = [
    ("kind", "promote"),
    ("component", "api"),
    ("environment", "prod"),
    ("from", "staging"),
    ("reason", "the fix is needed"),
    ("key", "page-1"),
];

#[tokio::test]
async fn a_promotion_by_forms() {
    let demo = Demo::start().await;
    let (bea, dmitri) = (demo.sign_in("bea").await, demo.sign_in("dmitri").await);
    let plan = demo.page(&bea, "/changes/new?kind=promote&component=api&environment=prod&from=staging").await;
    assert_eq!(plan.status, 200, "{}", plan.text());

    let unblock = "/changes/new?kind=unblock&component=postgres&environment=prod&pod=postgres-0";
    assert!(demo.page(&bea, unblock).await.text().contains("data-code=\"not_blocked\""), "a set that runs is not held up");

    let asked = demo.form(Some(&bea), "/changes/new", &WANTED).await;
    assert_eq!((asked.status.as_u16(), asked.header("location")), (303, "/changes/CH-1"), "{}", asked.text());
    let twice = demo.form(Some(&bea), "/changes/new", &WANTED).await;
    assert_eq!(twice.header("location"), "/changes/CH-1", "a double click makes one change");

    let change = demo.api("viv", "GET", "/api/v1/changes/CH-1", None).await.ok();
    let digest = change["plan"]["digest"].as_str().unwrap();
    assert!(demo.page(&dmitri, "/changes/CH-1").await.text().contains(digest), "the approver's form names the plan");
    let own = demo.form(Some(&bea), "/changes/CH-1/approve", &[("digest", digest), ("reason", "mine")]).await;
    assert_eq!(own.status, 403);
    let other = demo.form(Some(&dmitri), "/changes/CH-1/approve", &[("digest", "0000"), ("reason", "kept words")]).await;
    assert_eq!(other.status, 409);
    assert!(other.text().contains("kept words"), "the input is kept");

    let approved = demo.form(Some(&dmitri), "/changes/CH-1/approve", &[("digest", digest), ("reason", "")]).await;
    assert_eq!((approved.status.as_u16(), approved.header("location")), (303, "/changes/CH-1"), "{}", approved.text());
    demo.wait_for_state(&change, "succeeded").await;
    assert!(demo.page(&bea, "/changes/CH-1").await.text().contains("Succeeded"));
}

#[tokio::test]
async fn a_refused_form_is_shown_again_with_its_input() {
    let demo = Demo::start().await;
    let bea = demo.sign_in("bea").await;
    let mut wanted = WANTED;
    wanted[3] = ("from", "prod-central");
    assert_eq!(demo.form(Some(&bea), "/changes/new", &wanted).await.status, 422);
    let long = "the fix is needed ".repeat(200);
    let mut wordy = WANTED;
    wordy[4] = ("reason", &long);
    let again = demo.form(Some(&bea), "/changes/new", &wordy).await;
    assert_eq!(again.status, 400, "{}", again.text());
    assert!(again.text().contains(long.trim()), "the reason is kept");
    wanted[1] = ("component", "nothing");
    assert_eq!(demo.form(Some(&bea), "/changes/new", &wanted).await.status, 404);
    assert_eq!(demo.form(Some(&bea), "/changes/new", &[]).await.status, 400);
    assert_eq!(demo.api("viv", "GET", "/api/v1/changes", None).await.ok()["items"].as_array().unwrap().len(), 0);
}

#[tokio::test]
async fn reject_and_abort_by_forms() {
    let demo = Demo::start().await;
    let (bea, dmitri) = (demo.sign_in("bea").await, demo.sign_in("dmitri").await);
    let first = demo.promotion().await;
    let digest = first["plan"]["digest"].as_str().unwrap();
    assert_eq!(demo.form(Some(&dmitri), "/changes/CH-1/reject", &[("digest", digest), ("reason", "not today")]).await.status, 303);
    assert_eq!(demo.state_of(&first).await, "rejected");
    let second = demo.promotion().await;
    assert_eq!(demo.form(Some(&bea), "/changes/CH-2/abort", &[("reason", "changed my mind")]).await.status, 303);
    assert_eq!(demo.state_of(&second).await, "aborted");
    assert_eq!(demo.form(Some(&bea), "/holds/none/lift", &[("reason", ""), ("return_to", "/")]).await.status, 404);
}
