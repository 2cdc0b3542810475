//! Freezing, lifting, breaking the glass and reviewing by forms alone, without JavaScript.

use crate::support::{Demo, promotion};
use serde_json::json;

#[tokio::test]
async fn a_freeze_is_set_shown_everywhere_and_lifted_by_forms() {
    let demo = Demo::start().await;
    let (dmitri, bea) = (demo.sign_in("dmitri").await, demo.sign_in("bea").await);
    let fields = [("environment", "prod"), ("scope", "production"), ("until", ""), ("reason", "end <of> year"), ("key", "k")];
    let answer = demo.form(Some(&dmitri), "/freezes", &fields).await;
    assert_eq!((answer.status.as_u16(), answer.header("location")), (303, "/environments/prod#freezes"));
    let answer = demo.form(Some(&dmitri), "/freezes", &fields).await;
    assert_eq!(answer.status, 303, "a double click");
    let said = "Production East is closed until the freeze is lifted because dmitri froze production: end &lt;of&gt; year.";
    for path in ["/", "/components/api", "/environments/prod"] {
        let page = demo.page(&bea, path).await.text();
        assert!(page.contains(said), "{path}");
    }
    let page = demo.page(&bea, "/components/api").await.text();
    assert!(page.contains("aria-disabled=\"true\""), "the buttons say why they are not to be pressed");
    let refused = demo.page(&bea, "/changes/new?kind=promote&component=api&environment=prod&from=staging").await.text();
    assert!(refused.contains("data-code=\"frozen\"") && !refused.contains("Plan it to break the glass"), "bea may not");
    let list = demo.api("viv", "GET", "/api/v1/freezes", None).await.ok();
    assert_eq!(list["items"].as_array().unwrap().len(), 1, "the second click made none");
    let id = list["items"][0]["id"].as_str().unwrap().to_owned();
    let lift = format!("/freezes/{id}/lift");
    let answer = demo.form(Some(&dmitri), &lift, &[("return_to", "/environments/prod"), ("reason", "over")]).await;
    assert_eq!((answer.status.as_u16(), answer.header("location")), (303, "/environments/prod"));
    assert!(!demo.page(&bea, "/environments/prod").await.text().contains("is closed until"));
    assert_eq!(demo.form(Some(&dmitri), &lift, &[("return_to", "/environments/prod")]).await.status, 404);
}

/// Whatever leads to a change there says why it is closed, and until when; and so does what waits for votes.
#[tokio::test]
async fn each_button_and_each_vote_says_that_its_environment_is_closed() {
    let demo = Demo::start().await;
    demo.api("bea", "POST", "/api/v1/changes", Some(&promotion())).await.ok();
    let train = json!({"components": ["nginx", "postgres"], "environment": "prod", "from": "staging", "reason": "together"});
    demo.api("bea", "POST", "/api/v1/trains", Some(&train)).await.ok();
    let frozen = json!({"environment": "prod", "reason": "a migration"});
    demo.api("dmitri", "POST", "/api/v1/freezes", Some(&frozen)).await.ok();
    let (bea, olivia) = (demo.sign_in("bea").await, demo.sign_in("olivia").await);
    let why = "Production East is closed until the freeze is lifted because dmitri froze it: a migration.";
    let disabled = |class: &str, what: &str| format!("aria-disabled=\"true\" tabindex=\"0\" title=\"{why}\" class=\"{class}\">{what}<");
    for (component, buttons) in [("api", ["Restart", "Autoscale"]), ("nginx", ["Restart", "Scale"])] {
        let page = demo.page(&bea, &format!("/components/{component}")).await.text();
        assert!(buttons.iter().all(|button| page.contains(&disabled("btn btn-s", button))), "{component}: {buttons:?}");
    }
    assert!(demo.page(&bea, "/environments/prod").await.text().contains(&disabled("btn", "Promote several")));
    let waits = format!("data-testid=\"closed\"><strong>{why}</strong>");
    assert_eq!(demo.page(&olivia, "/approvals").await.text().matches(&waits).count(), 2, "the change and the train");
    for path in ["/changes/CH-1", "/trains/TR-1"] {
        assert!(demo.page(&olivia, path).await.text().contains(&waits), "{path}");
    }
}

#[tokio::test]
async fn a_freeze_that_is_refused_shows_its_form_again() {
    let demo = Demo::start().await;
    let dmitri = demo.sign_in("dmitri").await;
    let fields = [("environment", "prod"), ("scope", "production"), ("until", "2020-01-01T10:00"), ("reason", "a migration")];
    let answer = demo.form(Some(&dmitri), "/freezes", &fields).await;
    let page = answer.text();
    assert_eq!(answer.status, 400);
    for kept in ["2020-01-01T10:00", ">a migration</textarea>", "expected a time after the beginning"] {
        assert!(page.contains(kept), "{kept}");
    }
    for (field, value) in [("reason", " "), ("until", "soon"), ("scope", "all")] {
        let mut fields = vec![("environment", "prod"), ("scope", "environment"), ("reason", "x")];
        fields.retain(|(name, _)| *name != field);
        fields.push((field, value));
        assert_eq!(demo.form(Some(&dmitri), "/freezes", &fields).await.status, 400, "{field}");
    }
    assert_eq!(demo.form(Some(&dmitri), "/freezes", &[("environment", "prdo"), ("reason", "x")]).await.status, 404);
    assert_eq!(demo.api("viv", "GET", "/api/v1/freezes?state=all", None).await.ok()["items"], json!([]));
}

#[tokio::test]
async fn the_glass_is_broken_and_reviewed_by_forms() {
    let demo = Demo::start().await;
    let (olivia, paul, bea) = (demo.sign_in("olivia").await, demo.sign_in("paul").await, demo.sign_in("bea").await);
    let other = demo.sign_in(demo.off_duty().await).await;
    let frozen = json!({"environment": "prod", "reason": "a migration"});
    demo.api("dmitri", "POST", "/api/v1/freezes", Some(&frozen)).await.ok();
    let refused = demo.page(&olivia, "/changes/new?kind=promote&component=api&environment=prod&from=staging").await.text();
    assert!(refused.contains("Plan it to break the glass") && refused.contains("break_glass=1"), "{refused}");
    let asked =
        [("kind", "promote"), ("component", "api"), ("environment", "prod"), ("from", "staging"), ("reason", "down"), ("break_glass", "1")];
    assert_eq!(demo.form(Some(&other), "/changes/new", &asked).await.status, 403);
    let answer = demo.form(Some(&olivia), "/changes/new", &asked).await;
    assert_eq!(answer.status, 303, "{}", answer.text());
    let page = answer.header("location").to_owned();
    let change = demo.api("viv", "GET", &format!("/api/v1{page}"), None).await.ok();
    assert!(demo.page(&olivia, &page).await.text().contains("Why it cannot wait"));
    assert!(!demo.page(&other, &page).await.text().contains("Why it cannot wait"), "whoever is not on call may not");
    let digest = change["plan"]["digest"].as_str().unwrap();
    let path = format!("{page}/break-glass");
    let without = demo.form(Some(&olivia), &path, &[("digest", digest), ("reason", "")]).await;
    assert!(without.status == 400 && without.text().contains("The glass was not broken."), "{}", without.status);
    let answer = demo.form(Some(&olivia), &path, &[("digest", digest), ("reason", "the site is down")]).await;
    assert_eq!((answer.status.as_u16(), answer.header("location")), (303, page.as_str()));
    demo.wait_for_state(&change, "succeeded").await;
    assert!(demo.page(&bea, "/").await.text().contains("Break-glass review is open"), "on everybody's home");
    let own = demo.form(Some(&olivia), &format!("{page}/review"), &[("reason", "fine")]).await;
    assert!(own.status == 403 && own.text().contains("The review was not closed."), "{}", own.status);
    let answer = demo.form(Some(&paul), &format!("{page}/review"), &[("reason", "it was right")]).await;
    assert_eq!(answer.status, 303, "{}", answer.text());
    assert!(demo.page(&bea, &page).await.text().contains("it was right"));
    assert!(!demo.page(&bea, "/").await.text().contains("Break-glass review"));
}

#[tokio::test]
async fn a_vote_is_withdrawn_by_a_form() {
    let demo = Demo::start().await;
    let dmitri = demo.sign_in("dmitri").await;
    let change = demo.api("bea", "POST", "/api/v1/changes", Some(&promotion())).await.ok();
    demo.api("olivia", "POST", "/api/v1/freezes", Some(&json!({"environment": "prod", "reason": "x"}))).await.ok();
    demo.approve("dmitri", &change).await.ok();
    let page = format!("/changes/{}", change["label"].as_str().unwrap());
    assert!(demo.page(&dmitri, &page).await.text().contains("Withdraw my vote"));
    let answer = demo.form(Some(&dmitri), &format!("{page}/withdraw"), &[]).await;
    assert_eq!((answer.status.as_u16(), answer.header("location")), (303, page.as_str()));
    assert_eq!(demo.state_of(&change).await, "awaiting_approval");
    let again = demo.form(Some(&dmitri), &format!("{page}/withdraw"), &[]).await;
    assert!(again.status == 409 && again.text().contains("The vote was not withdrawn."), "{}", again.status);
}
