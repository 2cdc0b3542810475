//! A portal that is told to end (SIGTERM) while its write is on its way, while a request hangs, and while others lock its database: it ends
//! in ten seconds, and the next one carries what was begun to its end, once.

use crate::portal::Portal;
use crate::world::World;
use serde_json::{Value, json};
use sim::{Fault, Match};
use sqlx::{AnyConnection, Connection, Executor};
use std::time::{Duration, Instant};

const DEADLINE: Duration = Duration::from_secs(60);

#[test]
fn a_portal_that_is_told_to_end_does_so_in_ten_seconds_and_the_next_one_goes_on() {
    let world = World::start(4);
    let mut portal = Portal::start(&world, None);
    let parts: Vec<String> = world.components().map(str::to_owned).collect();
    parts.iter().for_each(|part| world.release_of(part, "2.0"));

    // Its write takes a while, and is done; or is never answered.
    for (part, fault) in [(&parts[0], Fault::Delay(Duration::from_secs(2))), (&parts[1], Fault::Silence)] {
        let change = promoted(&world, &portal, part);
        world.prod().faults().fail(Match::on("patch", "deployments").named(part), fault, 1);
        approved(&world, &portal, &change);
        until(&world, &portal, &change, |now| now["steps"][3]["state"] == "running");
        wait("its write has come to the cluster", || world.prod().faults().pending() == 0);
        ends_in_time(&mut portal);
        portal = Portal::start(&world, None);
        succeeds_with_one_write(&world, &portal, part, &change);
    }

    // Somebody waits for a cluster that does not answer.
    world.prod().faults().fail(Match::on("get", "deployments").named(&parts[2]), Fault::Silence, 1);
    std::thread::scope(|scope| {
        let (url, bea) = (portal.url.clone(), world.bea());
        let body = json!({"kind": "restart", "component": parts[2], "environment": "prod", "reason": "it hangs"});
        scope.spawn(move || crate::portal::post_and_forget(&url, bea, "/api/v1/changes/preview", &body));
        wait("the request has come to the cluster", || world.prod().faults().pending() == 0);
        ends_in_time(&mut portal);
    });
    portal = Portal::start(&world, None);

    // Others lock the database, and somebody waits for it. (Whoever looks, does not wait: by then the vote has come to the portal.)
    let change = promoted(&world, &portal, &parts[3]);
    let (dmitri, path) = (world.people().dmitri, format!("/api/v1/changes/{}/approve", change["id"].as_str().unwrap()));
    let body = json!({"digest": change["plan"]["digest"]});
    let runtime = tokio::runtime::Runtime::new().unwrap();
    let mut other = runtime.block_on(locked(&world));
    let vote = crate::portal::sent(&portal.url, dmitri, &path, &body);
    assert!(portal.get(world.bea(), "/api/v1/changes").is_some());
    ends_in_time(&mut portal);
    let answer = vote.answer();
    assert!(answer.starts_with("HTTP/1.1 50"), "whoever waits is told: {answer}");
    runtime.block_on(async { other.execute("ROLLBACK").await.unwrap() });
    portal = Portal::start(&world, None);
    approved(&world, &portal, &change);
    succeeds_with_one_write(&world, &portal, &parts[3], &change);
}

async fn locked(world: &World) -> AnyConnection {
    sqlx::any::install_default_drivers();
    let url = format!("sqlite://{}", world.folder().join("data/devmatrix.db").display());
    let mut connection = AnyConnection::connect(&url).await.unwrap();
    connection.execute("BEGIN IMMEDIATE").await.unwrap();
    connection
}

fn wait(what: &str, is: impl Fn() -> bool) {
    let began = Instant::now();
    while !is() {
        assert!(began.elapsed() < DEADLINE, "not in time: {what}");
        std::thread::sleep(Duration::from_millis(30));
    }
}

/// What its orchestrator gives it before it is killed.
fn ends_in_time(portal: &mut Portal) {
    let told = Instant::now();
    let status = portal.terminated();
    assert!(status.success(), "{status}: {}", portal.log());
    assert!(told.elapsed() < Duration::from_secs(10), "it took {:?}", told.elapsed());
}

/// Asked for once its clusters are seen.
fn promoted(world: &World, portal: &Portal, part: &str) -> Value {
    portal.wait_until_ready();
    world.runs(portal, part, "staging", "2.0");
    let body = json!({"kind": "promote", "component": part, "environment": "prod", "from": "staging", "reason": "in between"});
    let (status, made) = portal.post(world.bea(), "/api/v1/changes", None, &body).unwrap();
    assert_eq!(status, 201, "{made}");
    made
}

fn approved(world: &World, portal: &Portal, change: &Value) {
    portal.wait_until_ready();
    let (path, body) = (format!("/api/v1/changes/{}/approve", change["id"].as_str().unwrap()), json!({"digest": change["plan"]["digest"]}));
    let (status, answer) = portal.post(world.people().dmitri, &path, None, &body).unwrap();
    assert!(status == 200 || answer["code"] == "not_awaiting_approval", "{answer}");
}

fn until(world: &World, portal: &Portal, change: &Value, is: impl Fn(&Value) -> bool) {
    let path = format!("/api/v1/changes/{}", change["id"].as_str().unwrap());
    wait("the change comes so far", || portal.get(world.bea(), &path).is_some_and(|now| is(&now)));
}

fn succeeds_with_one_write(world: &World, portal: &Portal, part: &str, change: &Value) {
    until(world, portal, change, |now| now["state"] == "succeeded");
    assert_eq!(world.object(part).0, 2, "{part}: its creation and one write");
}
