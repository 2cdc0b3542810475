//! `/on-call` as a browser without JavaScript uses it: look up, take over, undo, subscribe.

use crate::support::Demo;

/// The text between two marks; what comes first after `from`.
fn between<'a>(page: &'a str, from: &str, until: &str) -> &'a str {
    let start = page.find(from).unwrap_or_else(|| panic!("{from} is not there: {page}")) + from.len();
    page[start..].split(until).next().unwrap()
}

fn local(demo: &Demo, days: i64) -> String {
    demo.portal.engine.now().plus_seconds(days * 86_400).to_string()[..16].to_owned()
}

fn takeover<'a>(step: &'a str, starts: &'a str, ends: &'a str) -> Vec<(&'a str, &'a str)> {
    vec![
        ("rotation", "platform"),
        ("zone", ""),
        ("role", "primary"),
        ("participant", "bea"),
        ("starts", starts),
        ("ends", ends),
        ("reason", "a wedding"),
        ("step", step),
    ]
}

#[tokio::test]
async fn christmas_night_is_looked_up_in_any_zone() {
    let demo = Demo::start().await;
    let cookie = demo.sign_in("viv").await;
    for (query, said) in [
        ("at=2026-12-25T03:00", "On call on Fri 25 Dec 2026, 03:00 Europe/Berlin"),
        ("at=2026-12-24T21:00&zone=America/New_York", "On call on Thu 24 Dec 2026, 21:00 America/New_York"),
    ] {
        let page = demo.page(&cookie, &format!("/on-call?rotation=platform&{query}")).await.text();
        let answer = between(&page, "data-testid=\"answer\"", "</table>");
        assert!(answer.contains(said), "{answer}");
        let order: Vec<_> = ["DevOps Team", "Backend Team", "Platform Team"].iter().map(|team| answer.find(team).unwrap()).collect();
        assert!(order.is_sorted(), "primary, secondary, backup: {answer}");
    }
    let wrong = demo.page(&cookie, "/on-call?at=Christmas").await;
    assert!(wrong.text().contains("expected a date and a time"), "{}", wrong.text());
}

#[tokio::test]
async fn a_shift_is_taken_after_a_preview_and_given_back() {
    let demo = Demo::start().await;
    let (cookie, starts, ends) = (demo.sign_in("bea").await, local(&demo, 20), local(&demo, 22));
    let before = demo.page(&cookie, "/on-call").await.text();
    assert!(before.contains("data-testid=\"no-overrides\"") && !before.contains("Save override"), "there is nothing to save yet");

    let preview = demo.form(Some(&cookie), "/on-call/overrides", &takeover("preview", &starts, &ends)).await;
    assert_eq!(preview.status, 200, "{}", preview.text());
    let page = preview.text();
    assert!(between(&page, "data-testid=\"preview\"", "</div>").contains("Bea covers primary from "), "{page}");
    assert!(page.contains("Save override") && page.contains("a wedding"), "the form keeps its input");
    assert!(demo.page(&cookie, "/on-call").await.text().contains("data-testid=\"no-overrides\""), "looking stores nothing");

    let saved = demo.form(Some(&cookie), "/on-call/overrides", &takeover("save", &starts, &ends)).await;
    assert_eq!((saved.status.as_u16(), saved.header("location")), (303, "/on-call?rotation=platform"));
    let page = demo.page(&cookie, "/on-call").await.text();
    let row = between(&page, "data-testid=\"overrides\"", "</table>");
    assert!(row.contains("override by Bea: a wedding"), "{row}");
    let again = demo.form(Some(&cookie), "/on-call/overrides", &takeover("preview", &starts, &ends)).await;
    assert_eq!(again.status, 409, "{}", again.text());
    assert!(again.text().contains("has arranged a part of that time"));

    let undo = between(row, "action=\"", "\"").to_owned();
    let undone = demo.form(Some(&cookie), &undo, &[("rotation", "platform"), ("zone", "")]).await;
    assert_eq!(undone.status, 303, "{}", undone.text());
    assert!(demo.page(&cookie, "/on-call").await.text().contains("data-testid=\"no-overrides\""));
}

#[tokio::test]
async fn what_is_wrong_is_said_beside_the_form() {
    let demo = Demo::start().await;
    let cookie = demo.sign_in("bea").await;
    let (early, late) = (local(&demo, 20), local(&demo, 22));
    for (starts, ends, said) in [
        (late.as_str(), early.as_str(), "expected a time after the start"),
        ("soon", late.as_str(), "expected a date and a time"),
        ("2020-01-01T00:00", "2020-01-02T00:00", "the past stays as it was"),
    ] {
        let answer = demo.form(Some(&cookie), "/on-call/overrides", &takeover("save", starts, ends)).await;
        assert_eq!(answer.status, 400, "{said}");
        assert!(answer.text().contains(said), "{said}");
    }
    // The next hour that Berlin's clocks jump over.
    let berlin = engine::oncall::zone_or("zone", "Europe/Berlin", &domain::zone::Zone::utc()).unwrap();
    let dates = (1..=366).map(|days| format!("{}T02:30", &local(&demo, days)[..10]));
    let skipped = dates.into_iter().find(|text| berlin.skips(text)).unwrap();
    let later = format!("{}T12:00", &skipped[..10]);
    let answer = demo.form(Some(&cookie), "/on-call/overrides", &takeover("save", &skipped, &later)).await;
    assert_eq!(answer.status, 400);
    assert!(answer.text().contains(&format!("starts: the clocks of Europe/Berlin jump over {skipped}")), "{skipped}");
    let looked = demo.page(&cookie, &format!("/on-call?at={skipped}")).await.text();
    assert!(between(&looked, "data-testid=\"answer\"", "</caption>").contains("03:30 Europe/Berlin"), "a lookup moves it forward");
    let offer = [("rotation", "platform"), ("swap_role", "primary"), ("with", "bea"), ("give_starts", "x")];
    let answer = demo.form(Some(&cookie), "/on-call/swaps", &offer).await;
    assert_eq!(answer.status, 400);
    let reader = demo.sign_in("viv").await;
    assert_eq!(demo.form(Some(&reader), "/on-call/overrides", &takeover("save", &early, &late)).await.status, 403);
}

#[tokio::test]
async fn calendar_links_are_shown_once_and_work() {
    let demo = Demo::start().await;
    let cookie = demo.sign_in("bea").await;
    let page = demo.form(Some(&cookie), "/on-call/calendar", &[("rotation", "platform")]).await.text();
    let feeds = between(&page, "data-testid=\"feeds\"", "</ul>");
    let path = between(feeds, "href=\"", "\"").replace("&amp;", "&");
    assert!(path.starts_with("/api/v1/rotations/platform/calendar.ics?token=dmx_"), "{path}");
    let feed = demo.get(&path).await;
    assert!(feed.text().starts_with("BEGIN:VCALENDAR"), "{}", feed.text());
    assert!(feeds.contains("participant=bea") && feeds.contains("participant=team%3Abackend"), "{feeds}");
    assert!(!demo.page(&cookie, "/on-call").await.text().contains("dmx_"));
}

#[tokio::test]
async fn home_says_whom_to_call() {
    let demo = Demo::start().await;
    let cookie = demo.sign_in("viv").await;
    let page = demo.page(&cookie, "/").await.text();
    let panel = between(&page, "id=\"h-on-call\"", "</section>");
    assert!(panel.contains("href=\"tel:+49305550101\"") && panel.contains("href=\"mailto:bea@devmatrix.example\""), "{panel}");
}
