//! A portal that is killed while somebody acts, or while something goes wrong: before and after each such act is stored. Whoever got no
//! answer acts again. Then the act is done once, and what follows from it comes to its end.

use crate::portal::Portal;
use crate::world::{People, World};
use engine::fault::ACTS;
use serde_json::{Value, json};
use sim::{Fault, Match};
use std::time::{Duration, Instant};

const DEADLINE: Duration = Duration::from_secs(90);

#[test]
fn each_act_is_done_once_wherever_the_portal_is_killed() {
    let points: Vec<(&str, &str)> = ACTS.into_iter().flat_map(|act| ["before", "after"].map(|side| (side, act))).collect();
    // Some need two components. Several worlds side by side, for they mostly wait.
    std::thread::scope(|scope| {
        let worlds: Vec<_> = points.chunks(points.len() / WORLDS).map(|points| scope.spawn(move || live(points))).collect();
        worlds.into_iter().for_each(|world| world.join().unwrap());
    });
}

const WORLDS: usize = 4;

fn live(points: &[(&str, &str)]) {
    let world = World::start(points.len() * 2);
    let mut portal = Portal::start(&world, None);
    portal.wait_until_ready();
    for (at, (side, act)) in points.iter().enumerate() {
        let parts = [at * 2, at * 2 + 1].map(|part| world.components().nth(part).unwrap().to_owned());
        let tag = if *act == "its lease is renewed" || *act == "its turn is noted" { "2.0-slow" } else { "2.0" };
        parts.iter().for_each(|part| world.release_of(part, tag));
        parts.iter().for_each(|part| world.runs(&portal, part, "staging", tag));
        portal.kill();
        portal = Portal::start(&world, Some(&format!("{side} {act}")));
        portal.wait_until_ready();
        parts.iter().for_each(|part| world.runs(&portal, part, "staging", tag));
        let mut scene = Scene { world: &world, portal, people: world.people(), parts, point: format!("{side} {act}"), died: false };
        scene.play(act);
        assert!(scene.died, "nothing came by {}", scene.point);
        portal = scene.portal;
    }
    let open = world.open_changes(&portal);
    assert!(open.is_empty(), "left without an end: {open:?}");
}

struct Scene<'a> {
    world: &'a World,
    portal: Portal,
    people: People<'a>,
    parts: [String; 2],
    point: String,
    died: bool,
}

impl Scene<'_> {
    /// Until there is something, whatever happens to the portal meanwhile.
    fn insist<T>(&mut self, what: &str, mut look: impl FnMut(&Portal) -> Option<T>) -> T {
        let began = Instant::now();
        loop {
            if self.portal.has_died() {
                assert!(!self.died, "it died twice at {}, or by itself: {}", self.point, self.portal.log());
                self.died = true;
                self.portal = Portal::start(self.world, None);
                self.portal.wait_until_ready();
            }
            if let Some(found) = look(&self.portal) {
                return found;
            }
            assert!(began.elapsed() < DEADLINE, "{} ({}): {}", what, self.point, self.portal.log());
            std::thread::sleep(Duration::from_millis(30));
        }
    }

    /// An idempotency key of this scene.
    fn key(&self, what: &str) -> String {
        format!("{} {what}", self.point).replace(|c: char| !c.is_ascii_alphanumeric(), "-")
    }

    /// Status and body, of whoever asks again when no answer comes. (Just started, it has not seen its clusters yet.)
    fn post(&mut self, who: &str, path: &str, body: &Value) -> (u16, Value) {
        let (path, key) = (format!("/api/v1/{path}"), self.key(path));
        self.insist(&path, |portal| portal.post(who, &path, Some(&key), body).filter(|(status, _)| ![422, 429, 503].contains(status)))
    }

    fn delete(&mut self, who: &str, path: &str) -> (u16, Value) {
        let path = format!("/api/v1/{path}");
        self.insist(&path, |portal| portal.delete(who, &path).filter(|(status, _)| ![429, 503].contains(status)))
    }

    fn promoted(&mut self, part: usize) -> Value {
        let body =
            json!({"kind": "promote", "component": self.parts[part], "environment": "prod", "from": "staging", "reason": part.to_string()});
        let (status, made) = self.post(self.people.bea, "changes", &body);
        assert_eq!(status, 201, "{made}");
        made
    }

    /// The same, asked for once more.
    fn promoted_again(&mut self, part: usize) -> Value {
        let body = json!({"kind": "promote", "component": self.parts[part], "environment": "prod", "from": "staging", "reason": "again"});
        let key = self.key("again");
        let bea = self.people.bea;
        self.insist("asked again", |portal| portal.post(bea, "/api/v1/changes", Some(&key), &body).filter(|(status, _)| *status == 201)).1
    }

    fn approved(&mut self, change: &Value) {
        let (id, body) = (change["id"].as_str().unwrap(), json!({"digest": change["plan"]["digest"]}));
        let (status, answer) = self.post(self.people.dmitri, &format!("changes/{id}/approve"), &body);
        assert!(status == 200 || answer["code"] == "not_awaiting_approval", "{status} {answer}");
    }

    fn now(&mut self, change: &Value) -> Value {
        let (bea, path) = (self.people.bea, format!("/api/v1/changes/{}", change["id"].as_str().unwrap()));
        self.insist("it is looked at", |portal| portal.get(bea, &path))
    }

    fn until(&mut self, change: &Value, is: impl Fn(&Value) -> bool) -> Value {
        let (bea, path) = (self.people.bea, format!("/api/v1/changes/{}", change["id"].as_str().unwrap()));
        self.insist("it comes so far", |portal| portal.get(bea, &path).filter(&is))
    }

    fn ends(&mut self, change: &Value, state: &str) {
        let ended = self.until(change, |now| now["outcome"].is_object());
        assert_eq!(ended["state"], state, "{}: {}", self.point, ended["outcome"]);
    }

    /// How often this act is in the story of a change.
    fn told(&mut self, change: &Value, act: &str) -> usize {
        let (bea, path) = (self.people.bea, format!("/api/v1/changes/{}/explain", change["id"].as_str().unwrap()));
        let story = self.insist("its story", |portal| portal.get(bea, &path));
        story["items"].as_array().unwrap().iter().filter(|line| line["text"].as_str().unwrap().starts_with(act)).count()
    }

    fn list(&mut self, path: &str) -> Vec<Value> {
        let (bea, path) = (self.people.bea, format!("/api/v1/{path}"));
        self.insist(&path, |portal| portal.get(bea, &path))["items"].as_array().unwrap().clone()
    }

    fn written(&self, part: usize, times: i64) {
        let (generation, _) = self.world.object(&self.parts[part]);
        assert_eq!(generation, 1 + times, "{}: effective writes", self.point);
    }

    fn frozen(&mut self) -> String {
        let body = json!({"environment": "prod", "reason": self.point});
        let (status, freeze) = self.post(self.people.dmitri, "freezes", &body);
        assert!([200, 201].contains(&status), "{freeze}");
        freeze["id"].as_str().unwrap().to_owned()
    }

    fn thawed(&mut self, freeze: &str) {
        let (status, answer) = self.delete(self.people.dmitri, &format!("freezes/{freeze}"));
        assert!([200, 404].contains(&status), "{answer}");
        let open = self.list("freezes?environment=prod");
        assert!(open.iter().all(|one| one["id"] != freeze), "{open:?}");
    }

    fn aborted(&mut self, change: &Value) {
        let path = format!("changes/{}/abort", change["id"].as_str().unwrap());
        let (status, answer) = self.post(self.people.bea, &path, &json!({"reason": "enough"}));
        assert!(status == 200 || answer["code"] == "already_ended", "{answer}");
    }

    fn play(&mut self, act: &str) {
        match act {
            "a try is stored" => self.a_second_try(),
            "its wait is stored" => self.a_wait(),
            "its turn is noted" => self.a_turn(),
            "its lease is renewed" => self.a_long_rollout(),
            "the withdrawal is stored" => self.a_withdrawal(),
            "the abort is stored" => self.an_abort(),
            "the glass is stored" => self.a_broken_glass(),
            "the review is stored" => self.a_review(),
            "the freeze is stored" | "the lifting is stored" => self.a_freeze(),
            "the hold is lifted" => self.a_hold(),
            "the train is stored" | "the train's votes are stored" => self.a_train(),
            "the train's abort is stored" => self.an_aborted_train(),
            "the way back is stored" => self.a_way_back(),
            "the denial is stored" => self.a_denial(),
            other => panic!("nothing comes by {other}"),
        }
    }

    fn a_second_try(&mut self) {
        let change = self.promoted(0);
        self.world.prod().faults().fail(Match::on("patch", "deployments").named(&self.parts[0]), Fault::Reset, 1);
        self.approved(&change);
        self.ends(&change, "succeeded");
        self.written(0, 1);
    }

    fn a_wait(&mut self) {
        let change = self.promoted(0);
        let freeze = self.frozen();
        self.approved(&change);
        self.until(&change, |now| now["steps"][2]["detail"].as_str().is_some_and(|detail| detail.contains("is closed until")));
        self.thawed(&freeze);
        self.ends(&change, "succeeded");
        assert_eq!(self.told(&change, "change.wait"), 1);
        self.written(0, 1);
    }

    fn a_turn(&mut self) {
        let (first, second) = (self.promoted(0), self.promoted_again(0));
        // Both are decided on before either writes: a plan that still waits for votes would end with the first one's write.
        let freeze = self.frozen();
        self.approved(&first);
        self.approved(&second);
        self.thawed(&freeze);
        self.until(&second, |now| now["steps"][2]["detail"].as_str().is_some_and(|detail| detail.starts_with("Waits for CH-")));
        self.aborted(&first);
        self.ends(&second, "superseded");
        self.written(0, 1);
    }

    fn a_long_rollout(&mut self) {
        let change = self.promoted(0);
        self.approved(&change);
        self.until(&change, |now| now["state"] == "observing");
        // A lease is renewed each third of its time.
        let died = |scene: &mut Self| scene.died || scene.portal.has_died();
        let began = Instant::now();
        while !died(self) {
            assert!(began.elapsed() < DEADLINE, "no lease is renewed");
            std::thread::sleep(Duration::from_millis(50));
        }
        self.ends(&change, "succeeded");
        self.written(0, 1);
    }

    fn a_withdrawal(&mut self) {
        let change = self.promoted(0);
        let freeze = self.frozen();
        self.approved(&change);
        self.until(&change, |now| now["state"] == "ready");
        let path = format!("changes/{}/withdraw", change["id"].as_str().unwrap());
        let (status, answer) = self.post(self.people.dmitri, &path, &json!({"reason": "too early"}));
        assert!(status == 200 || answer["code"] == "no_vote", "{answer}");
        let now = self.now(&change);
        assert_eq!((&now["state"], now["votes"].as_array().unwrap().len()), (&json!("awaiting_approval"), 0), "{}", self.point);
        assert_eq!(self.told(&change, "change.withdraw"), 1);
        self.thawed(&freeze);
        self.approved(&change);
        self.ends(&change, "succeeded");
    }

    fn an_abort(&mut self) {
        let change = self.promoted(0);
        self.aborted(&change);
        self.ends(&change, "aborted");
        assert_eq!(self.told(&change, "change.abort"), 1);
        self.written(0, 0);
    }

    /// Asked for and let through by an administrator.
    fn let_through(&mut self) -> Value {
        let change = self.promoted(0);
        let path = format!("changes/{}/break-glass", change["id"].as_str().unwrap());
        let body = json!({"digest": change["plan"]["digest"], "reason": "customers cannot pay"});
        let (status, answer) = self.post(self.people.ada, &path, &body);
        assert!(status == 200 || ["not_waiting", "already_ended", "too_late"].contains(&answer["code"].as_str().unwrap()), "{answer}");
        change
    }

    fn a_broken_glass(&mut self) {
        let change = self.let_through();
        self.ends(&change, "succeeded");
        assert_eq!(self.told(&change, "change.break_glass"), 1);
        let reviews = self.list("reviews");
        assert_eq!(reviews.iter().filter(|review| review["change"] == change["id"]).count(), 1, "{reviews:?}");
    }

    fn a_review(&mut self) {
        let change = self.let_through();
        self.ends(&change, "succeeded");
        let review = self.list("reviews").into_iter().find(|review| review["change"] == change["id"]).unwrap();
        let path = format!("reviews/{}/close", review["id"].as_str().unwrap());
        let (status, answer) = self.post(self.people.dmitri, &path, &json!({"note": "it was right"}));
        assert!(status == 200 || status == 409, "{answer}");
        assert!(self.list("reviews").iter().all(|open| open["id"] != review["id"]));
        assert_eq!(self.told(&change, "review.close"), 1);
    }

    fn a_freeze(&mut self) {
        let before = self.list("freezes?environment=prod").len();
        let freeze = self.frozen();
        assert_eq!(self.list("freezes?environment=prod").len(), before + 1, "{}: the same key is the same freeze", self.point);
        self.thawed(&freeze);
    }

    fn a_hold(&mut self) {
        let change = self.promoted(0);
        self.approved(&change);
        self.ends(&change, "succeeded");
        let part = self.parts[0].clone();
        let (world, bea) = (self.world, self.people.bea);
        self.insist("it is seen", |portal| world.shows(portal, &part, "prod", "2.0").then_some(()));
        let body = json!({"kind": "rollback", "component": part, "environment": "prod", "to_revision": 1, "reason": "slow"});
        let (path, key) = ("/api/v1/changes", self.key("back"));
        let asked = |portal: &Portal| portal.post(bea, path, Some(&key), &body).filter(|(status, _)| *status == 201);
        let (_, back) = self.insist("the way back is asked for", asked);
        self.ends(&back, "succeeded");
        let holds = format!("holds?component={part}");
        let hold = self.list(&holds).remove(0);
        let (status, answer) = self.delete(bea, &format!("holds/{}", hold["id"].as_str().unwrap()));
        assert!([200, 404].contains(&status), "{answer}");
        assert!(self.list(&holds).is_empty());
    }

    fn train(&mut self) -> Value {
        let body = json!({"components": self.parts, "environment": "prod", "from": "staging", "reason": "together"});
        let (status, train) = self.post(self.people.bea, "trains", &body);
        assert_eq!(status, 201, "{train}");
        train
    }

    fn a_train(&mut self) {
        let train = self.train();
        let path = format!("trains/{}/approve", train["id"].as_str().unwrap());
        let (status, answer) = self.post(self.people.dmitri, &path, &json!({"digest": train["digest"]}));
        assert!(status == 200 || answer["code"] == "not_awaiting_approval", "{answer}");
        let changes = train["changes"].as_array().unwrap().clone();
        assert_eq!(changes.len(), 2);
        for (part, change) in changes.iter().enumerate() {
            self.ends(change, "succeeded");
            assert_eq!((self.told(change, "change.request"), self.told(change, "change.approve")), (1, 1), "{}", self.point);
            self.written(part, 1);
        }
    }

    fn an_aborted_train(&mut self) {
        let train = self.train();
        let path = format!("trains/{}/abort", train["id"].as_str().unwrap());
        let (status, answer) = self.post(self.people.bea, &path, &json!({"reason": "enough"}));
        assert!(status == 200 || answer["code"] == "already_ended", "{answer}");
        for change in train["changes"].as_array().unwrap().clone() {
            self.ends(&change, "aborted");
            assert_eq!(self.told(&change, "change.abort"), 1);
        }
    }

    /// From one that fails to the one before it that had succeeded.
    fn a_way_back(&mut self) {
        let good = self.promoted(0);
        self.approved(&good);
        self.ends(&good, "succeeded");
        let (world, part) = (self.world, self.parts[0].clone());
        world.release_of(&part, "2.1-prodnopull");
        self.insist("it is seen", |portal| world.shows(portal, &part, "staging", "2.1-prodnopull").then_some(()));
        let change = self.promoted_again(0);
        self.approved(&change);
        self.ends(&change, "failed");
        let of = format!("changes?component={}", self.parts[0]);
        let (bea, path) = (self.people.bea, format!("/api/v1/{of}"));
        let back = self.insist("it is rolled back", |portal| {
            let changes = portal.get(bea, &path)?["items"].as_array()?.clone();
            changes.into_iter().find(|change| change["kind"] == "rollback")
        });
        self.ends(&back, "succeeded");
        self.insist("it says so", |portal| world.told(portal, &change, "rollback.automatic").then_some(()));
        let rollbacks = self.list(&of).iter().filter(|change| change["kind"] == "rollback").count();
        assert_eq!((rollbacks, self.told(&change, "rollback.automatic")), (1, 1), "{}", self.point);
        self.written(0, 3);
    }

    fn a_denial(&mut self) {
        let change = self.promoted(0);
        let path = format!("changes/{}/approve", change["id"].as_str().unwrap());
        let (status, answer) = self.post(self.people.bea, &path, &json!({"digest": change["plan"]["digest"]}));
        assert_eq!(status, 403, "{answer}");
        assert_eq!(self.now(&change)["state"], "awaiting_approval");
        assert!(self.told(&change, "change.approve by bea (denied)") >= 1);
        self.aborted(&change);
    }
}
