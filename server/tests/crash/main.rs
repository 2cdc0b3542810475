//! A portal that is killed again and again while it promotes: at every place of its journal, and at random moments in between. The
//! simulated clusters live on; what they were really asked for is the judge: each promotion is one effective write, none is doubled,
//! none is lost, and every change comes to an end.
//!
//! Several worlds live side by side, for each of them mostly waits. `CRASH_ROUNDS`, over all worlds, and `CRASH_COMPONENTS` make it longer
//! (`make soak`), `CRASH_WORLDS` says how many there are; `CRASH_SEED` repeats a run.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

mod acts;
mod config;
mod portal;
mod terms;
mod world;

use engine::fault::POINTS;
use portal::Portal;
use std::time::{Duration, Instant};
use world::{Change, World};

/// Kills at a random moment in each round, beside the one at a place of the journal.
const RANDOM_KILLS: usize = 2;
/// How long one round of promotions may take on a busy machine.
const DEADLINE: Duration = Duration::from_secs(120);

fn number(name: &str, default: usize) -> usize {
    std::env::var(name).ok().and_then(|text| text.parse().ok()).unwrap_or(default)
}

/// A linear congruential generator (Knuth, MMIX): random enough for moments, and repeatable.
struct Dice(u64);

impl Dice {
    fn below(&mut self, limit: u64) -> u64 {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (self.0 >> 33) % limit
    }
}

#[test]
fn every_promotion_is_written_once_however_often_the_portal_is_killed() {
    let (rounds, components) = (number("CRASH_ROUNDS", POINTS.len()), number("CRASH_COMPONENTS", 13));
    let (worlds, seed) = (number("CRASH_WORLDS", 4), number("CRASH_SEED", 0x5eed));
    let tallies: Vec<Tally> = std::thread::scope(|scope| {
        let points = |world| (world..rounds).step_by(worlds).map(|round| POINTS[round % POINTS.len()]).collect::<Vec<_>>();
        let begin = |world| {
            let (points, mut dice) = (points(world), Dice((seed + world) as u64));
            // A world gets slower with its past, so another one begins after as many rounds as there are places.
            scope.spawn(move || points.chunks(POINTS.len()).map(|points| live(components, points, &mut dice)).collect::<Vec<_>>())
        };
        let lives: Vec<_> = (0..worlds).map(begin).collect();
        lives.into_iter().flat_map(|life| life.join().unwrap()).collect()
    });
    let sum = |of: fn(&Tally) -> usize| tallies.iter().map(of).sum::<usize>();
    let (placed, random, writes) = (sum(|tally| tally.placed), sum(|tally| tally.random), sum(|tally| tally.writes));
    let promotions = rounds * components;
    println!(
        "{promotions} promotions, {placed} kills at a place and {random} at random, {writes} effective writes; seed {seed}, {worlds} worlds"
    );
    assert_eq!(writes, promotions, "each promotion is one effective write");
    assert_eq!(placed, rounds, "each round has its place in the journal");
    // A round that is over early has missed its second moment.
    assert!(random >= rounds, "{random} kills at random moments in {rounds} rounds");
}

/// What one world has seen: how often its portal died, and how often its production was really written, by the cluster's own log.
#[derive(Default)]
struct Tally {
    placed: usize,
    random: usize,
    writes: usize,
}

/// One world, in which the portal dies at each of these places, a round for each.
fn live(components: usize, points: &[&'static str], dice: &mut Dice) -> Tally {
    let world = World::start(components);
    let mut tally = Tally::default();
    let mut portal = Portal::start(&world, None);
    for (round, point) in (1..).zip(points.iter().copied()) {
        world.release(round);
        world.seen(&portal, round);
        portal.kill();
        tally.random += run(&world, &mut portal, round, point, dice);
        tally.placed += 1;
    }
    let open = world.open_changes(&portal);
    assert!(open.is_empty(), "left without an end: {open:?}");
    tally.writes = world.writes();
    tally
}

/// One round: all components are promoted while the portal dies at `point`, and then at random moments. Answers at how many.
fn run(world: &World, portal: &mut Portal, round: usize, point: &'static str, dice: &mut Dice) -> usize {
    *portal = Portal::start(world, Some(point));
    let mut asked = world.ask_all(round);
    let mut random: Vec<Duration> = (0..RANDOM_KILLS).map(|_| Duration::from_millis(200 + dice.below(2500))).collect();
    random.sort();
    let (began, mut kills, mut at_the_point) = (Instant::now(), 0, false);
    loop {
        if portal.has_died() {
            assert!(!at_the_point, "it died twice at {point}, or by itself: {}", portal.log());
            at_the_point = true;
            *portal = Portal::start(world, None);
        } else if at_the_point && random.first().is_some_and(|moment| began.elapsed() > *moment) {
            random.remove(0);
            kills += 1;
            portal.kill();
            *portal = Portal::start(world, None);
        }
        asked.go_on(portal);
        if let Some(ended) = asked.ended(portal) {
            assert!(at_the_point, "nothing came by {point}");
            judge(world, round, &ended);
            return kills;
        }
        assert!(began.elapsed() < DEADLINE, "round {round} ({point}) has no end: {asked:?}; {}", portal.log());
        std::thread::sleep(Duration::from_millis(50));
    }
}

fn judge(world: &World, round: usize, ended: &[Change]) {
    for change in ended {
        let name = &change.component;
        assert_eq!(change.state, "succeeded", "round {round}: {change:?}");
        let (generation, mark) = world.object(name);
        // The first generation is its creation; from there each round wrote once.
        assert_eq!(generation, 1 + round as i64, "{name}: effective writes so far, round {round}");
        assert_eq!(mark, change.id, "{name} was written by the change that succeeded");
    }
}
