//! A rollback that brings its configuration back, killed at each place of its ConfigMaps' journal: each ConfigMap is written once, the
//! workload after them, and the change succeeds.

use crate::portal::Portal;
use crate::world::World;
use engine::fault::CONFIG_POINTS;
use serde_json::{Value, json};
use std::time::{Duration, Instant};

const DEADLINE: Duration = Duration::from_secs(120);

#[test]
fn every_config_map_is_written_once_wherever_the_portal_is_killed() {
    let world = World::start(CONFIG_POINTS.len());
    world.components().for_each(|name| configure(&world, name, 0));
    let mut portal = Portal::start(&world, None);
    portal.wait_until_ready();
    world.components().for_each(|name| recorded(&world, &portal, name, 2));
    world.components().for_each(|name| {
        world.deploy(name, 1);
        recorded(&world, &portal, name, 3);
        configure(&world, name, 1);
        world.prod().delete("configmaps", "prod", &format!("{name}-extra")).unwrap();
    });
    for (name, point) in world.components().zip(CONFIG_POINTS) {
        portal.kill();
        portal = Portal::start(&world, Some(point));
        restored(&world, &mut portal, name, point);
    }
}

/// Its two ConfigMaps; in the first round with the workload that reads them.
fn configure(world: &World, name: &str, round: usize) {
    let map = |name: String, data: Value| {
        let object = json!({"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": name, "namespace": "prod"}, "data": data});
        world.prod().apply(object).unwrap();
    };
    let data = if round == 0 { json!({"LOG": "info"}) } else { json!({"LOG": "debug", "SINCE": "x"}) };
    map(format!("{name}-config"), data);
    if round == 0 {
        map(format!("{name}-extra"), json!({"X": "1"}));
        world.deploy(name, 0);
    }
}

/// This revision is written down, with its configuration.
fn recorded(world: &World, portal: &Portal, name: &str, revision: i64) {
    let (began, path) = (Instant::now(), format!("/api/v1/components/{name}/deployments?environment=prod"));
    loop {
        let list = portal.get(world.bea(), &path).unwrap_or_default();
        if list["items"].as_array().is_some_and(|all| all.iter().any(|record| record["revision"] == revision)) {
            return;
        }
        assert!(began.elapsed() < DEADLINE, "revision {revision} of {name} is not recorded: {list}");
        std::thread::sleep(Duration::from_millis(50));
    }
}

fn restored(world: &World, portal: &mut Portal, name: &str, point: &'static str) {
    let body = json!({
        "kind": "rollback", "component": name, "environment": "prod", "to_revision": 2, "reason": point, "restore_config": true,
    });
    let (began, mut died, mut change) = (Instant::now(), false, None::<Value>);
    loop {
        if portal.has_died() {
            assert!(!died, "it died twice at {point}, or by itself: {}", portal.log());
            died = true;
            *portal = Portal::start(world, None);
            portal.wait_until_ready();
        }
        match &change {
            None => match portal.post(world.bea(), "/api/v1/changes", Some(&format!("{name}-back")), &body) {
                Some((201, made)) => change = Some(made),
                // Just started: its cluster is not seen yet.
                Some((409 | 422 | 429 | 503, _)) | None => {}
                Some(other) => panic!("asking for {name}: {other:?}"),
            },
            Some(made) => {
                let now = portal.get(world.bea(), &format!("/api/v1/changes/{}", made["id"].as_str().unwrap())).unwrap_or_default();
                if !["", "ready", "running", "observing"].contains(&now["state"].as_str().unwrap_or_default()) {
                    assert!(died, "nothing came by {point}");
                    return judge(world, name, point, &now);
                }
            }
        }
        assert!(began.elapsed() < DEADLINE, "{name} ({point}) has no end: {change:?}; {}", portal.log());
        std::thread::sleep(Duration::from_millis(50));
    }
}

fn judge(world: &World, name: &str, point: &str, change: &Value) {
    assert_eq!(change["state"], "succeeded", "{point}: {change}");
    let held = |map: String| world.prod().get("configmaps", "prod", &map).unwrap()["data"].clone();
    assert_eq!(held(format!("{name}-config")), json!({"LOG": "info"}), "{point}");
    assert_eq!(held(format!("{name}-extra")), json!({"X": "1"}), "{point}");
    let writes = world.prod().writes();
    let ours = writes.iter().filter(|write| write.field_manager == "devmatrix-portal" && !write.dry_run && write.status < 300);
    let done: Vec<_> = ours.filter(|write| write.name.starts_with(&format!("{name}-")) || write.name == name).collect();
    let said: Vec<_> = done.iter().map(|write| format!("{} {}", write.verb, write.name)).collect();
    assert_eq!(said, [format!("patch {name}-config"), format!("create {name}-extra"), format!("patch {name}")], "{point}: each once");
}
