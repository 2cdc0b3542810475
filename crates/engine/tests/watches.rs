//! The watch under fire: whatever becomes of lists, watches and connections, what is shown converges to the truth, and what is not
//! known is never shown as healthy. Other clusters do not notice.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

mod support;

use domain::clusters::Cell;
use engine::Patience;
use serde_json::json;
use sim::{Fault, Match, Twist};
use std::time::{Duration, Instant};
use support::{World, actor, deployment, eventually};

async fn cell(world: &World, environment: &str) -> Cell {
    world.engine.matrix(&actor("viv")).await.unwrap().components[0].cells[environment].clone()
}

/// The release comes to production by somebody else's hand, and the portal shows it.
async fn converges(world: &World, tag: &str) {
    world.prod.apply(deployment("devmatrix", tag)).unwrap();
    eventually(&format!("{tag} is shown"), || async {
        let cell = cell(world, "prod").await;
        (cell.tag.as_deref() == Some(tag) && cell.state.as_str() == "healthy").then_some(())
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn watches_that_expire_or_break() {
    let world = World::new().await;
    world.prod.compact();
    world.prod.faults().expire_watches();
    converges(&world, "1.50.0").await;
    world.prod.faults().drop_watches();
    converges(&world, "1.51.0").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_connection_that_only_one_end_knows_of() {
    let world = World::with(Patience { renew_s: 1, silence: Duration::from_secs(2) }).await;
    // Only the watches are silent: the heartbeat is answered, so nothing but the silence itself tells.
    world.prod.faults().mute_watches(true);
    world.prod.faults().fail(Match::on("watch", "deployments"), Fault::Delay(Duration::ZERO), 3);
    world.prod.apply(deployment("devmatrix", "1.60.0")).unwrap();
    eventually("silent watches are given up", || async { (world.prod.faults().pending() == 0).then_some(()) }).await;
    assert_ne!(cell(&world, "prod").await.tag.as_deref(), Some("1.60.0"));
    world.prod.faults().mute_watches(false);
    converges(&world, "1.60.0").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn lists_and_watches_that_are_refused_for_a_while() {
    for fault in [Fault::Answer(429), Fault::Answer(500), Fault::Answer(503), Fault::Answer(504), Fault::Reset, Fault::ForeignPage] {
        let world = World::new().await;
        world.prod.faults().fail(Match::verb("watch"), fault, 8);
        world.prod.faults().fail(Match::verb("list"), fault, 4);
        world.prod.compact();
        world.prod.faults().expire_watches();
        converges(&world, "1.70.0").await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn lists_that_break_off_in_the_middle() {
    let world = World::new().await;
    world.prod.faults().fail(Match::verb("list"), Fault::Truncated, 6);
    world.prod.compact();
    world.prod.faults().expire_watches();
    converges(&world, "1.72.0").await;
    eventually("all of them have happened", || async { (world.prod.faults().pending() == 0).then_some(()) }).await;
    converges(&world, "1.72.1").await;
}

/// Each release is one of several changes at once (the workload, its ReplicaSets, its pods), and so are the names that come,
/// go, and come again.
#[tokio::test(flavor = "multi_thread")]
async fn events_that_come_twice_or_in_another_order() {
    for twist in [Twist::Duplicate, Twist::Reverse] {
        let world = World::new().await;
        world.prod.faults().twist_watches(Some(twist));
        for tag in ["1.73.0", "1.73.1", "1.73.2"] {
            converges(&world, tag).await;
        }
        let map = |name: &str, keys: usize| {
            let data: serde_json::Map<String, serde_json::Value> = (0..keys).map(|key| (format!("k{key}"), json!("v"))).collect();
            json!({"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": name, "namespace": "devmatrix"}, "data": data})
        };
        for keys in 1..=3 {
            world.prod.apply(map("changes", keys)).unwrap();
        }
        world.prod.apply(map("goes", 1)).unwrap();
        world.prod.delete("configmaps", "devmatrix", "goes").unwrap();
        world.prod.apply(map("returns", 1)).unwrap();
        world.prod.delete("configmaps", "devmatrix", "returns").unwrap();
        world.prod.apply(map("returns", 2)).unwrap();
        // The second of these is made when all that was before it on the same watch has come.
        let mut shown = Vec::new();
        for last in ["last", "very-last"] {
            world.prod.apply(map(last, 1)).unwrap();
            shown = eventually("the last one is shown", || async {
                let environment = world.engine.environment(&actor("viv"), "prod").await.unwrap();
                let maps: Vec<(String, usize)> =
                    environment.inventory.config_maps.iter().map(|map| (map.object.name.clone(), map.object.keys.len())).collect();
                maps.iter().any(|(name, _)| name == last).then_some(maps)
            })
            .await;
        }
        let of = |name: &str| shown.iter().find(|(shown, _)| shown == name).map(|(_, keys)| *keys);
        assert_eq!((of("changes"), of("goes"), of("returns")), (Some(3), None, Some(2)), "{twist:?}: {shown:?}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn watches_on_which_only_bookmarks_come_are_alive() {
    let patience = Patience { renew_s: 60, silence: Duration::from_secs(2) };
    let world = World::prepared(patience, |cluster| cluster.faults().bookmark_every(Duration::from_millis(200))).await;
    converges(&world, "1.74.0").await;
    // A watch that were given up would be begun anew, and meet this.
    world.prod.faults().fail(Match::on("watch", "deployments"), Fault::Delay(Duration::ZERO), 1);
    let until = Instant::now() + Duration::from_secs(5);
    while Instant::now() < until {
        assert_eq!(cell(&world, "prod").await.state.as_str(), "healthy");
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    assert_eq!(world.prod.faults().pending(), 1, "no watch was begun anew");
    converges(&world, "1.74.1").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_list_that_takes_long_keeps_what_was_known() {
    let world = World::new().await;
    world.prod.faults().fail(Match::on("list", "deployments"), Fault::Delay(Duration::from_secs(2)), 1);
    world.prod.compact();
    world.prod.faults().expire_watches();
    let until = Instant::now() + Duration::from_millis(1500);
    while Instant::now() < until {
        let cell = cell(&world, "prod").await;
        assert_eq!(cell.tag.as_deref(), Some("1.42.3"), "the old map is read while the new one is filled");
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    converges(&world, "1.71.0").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_object_of_a_megabyte() {
    let world = World::new().await;
    let mut big = deployment("devmatrix", "1.80.0");
    big["metadata"]["annotations"] = json!({"note": "x".repeat(200_000)});
    big["spec"]["template"]["metadata"]["annotations"] = json!({"note": "y".repeat(200_000)});
    let map = json!({"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "big", "namespace": "devmatrix"},
                     "data": {"file": "z".repeat(1_000_000)}});
    world.prod.apply(map).unwrap();
    world.prod.apply(big).unwrap();
    eventually("both are shown", || async {
        let environment = world.engine.environment(&actor("viv"), "prod").await.unwrap();
        let map = environment.inventory.config_maps.iter().any(|map| map.object.name == "big");
        (map && cell(&world, "prod").await.tag.as_deref() == Some("1.80.0")).then_some(())
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_right_that_is_missing_on_a_kind_that_health_needs() {
    let world = World::new().await;
    world.prod.faults().forbid(Match::on("list", "pods"));
    world.prod.faults().forbid(Match::on("watch", "pods"));
    world.prod.faults().expire_watches();
    let unknown =
        eventually("production is unknown", || async { Some(cell(&world, "prod").await).filter(|c| c.state.as_str() == "unknown") }).await;
    assert_eq!(unknown.reason, "the portal may not list and watch pods in devmatrix");
    assert_eq!(cell(&world, "staging").await.state.as_str(), "healthy");
    world.prod.faults().clear();
    converges(&world, "1.90.0").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_right_that_is_missing_on_another_kind_hides_that_kind_only() {
    let world = World::new().await;
    world.prod.faults().forbid(Match::on("list", "configmaps"));
    world.prod.faults().forbid(Match::on("watch", "configmaps"));
    world.prod.faults().expire_watches();
    let rights = eventually("the right is named", || async {
        let environment = world.engine.environment(&actor("viv"), "prod").await.unwrap();
        Some(environment.inventory.forbidden).filter(|rights| !rights.is_empty())
    })
    .await;
    assert_eq!(rights, ["the portal may not list and watch configmaps in devmatrix"]);
    converges(&world, "1.91.0").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn other_clusters_stay_as_fast_as_before() {
    let world = World::new().await;
    world.prod.faults().black_hole(true);
    for n in 0..20 {
        let tag = format!("2.{n}.0");
        world.staging.apply(deployment("devmatrix-staging", &tag)).unwrap();
        eventually("staging shows it", || async { (cell(&world, "staging").await.tag.as_deref() == Some(&tag)).then_some(()) }).await;
    }
    assert_ne!(cell(&world, "prod").await.state.as_str(), "absent");
    world.prod.faults().black_hole(false);
}
