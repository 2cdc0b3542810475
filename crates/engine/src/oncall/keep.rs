//! What the clock brings: shifts that begin become facts, timers of incidents reach their marks.
//!
//! Invariant: all of it is done at most once, whoever does it: a second process finds it done.

use crate::Engine;
use crate::error::Result;
use crate::events::Topic;
use domain::Time;
use domain::oncall::{Rotation, Shift, Timeline};
use std::time::Duration;

/// How often the clock is looked at.
const TICK: Duration = Duration::from_secs(2);
/// How far back the first shifts are stored, in seconds: a year.
const BACK_S: i64 = 366 * 86_400;

/// Looks at the clock until the portal stops.
pub(crate) async fn run(engine: Engine) {
    while !engine.0.stop.is_cancelled() {
        if let Err(error) = engine.tick(engine.now()).await {
            tracing::error!(%error, "shifts and timers could not be kept; it is tried again");
        }
        tokio::select! {
            () = engine.0.stop.cancelled() => {}
            () = tokio::time::sleep(TICK) => {}
        }
    }
}

impl Engine {
    /// Does what is due at `now`. Public, so that a test can be the clock.
    pub async fn tick(&self, now: Time) -> Result<()> {
        let mut began = false;
        for rotation in &self.0.catalog.rotations {
            began |= self.keep_shifts(rotation, now).await?;
        }
        if began {
            self.publish(&[Topic::OnCall]);
        }
        self.mark_timers(now).await
    }

    /// Stores the shifts that have begun and are not stored yet. True: there were some.
    async fn keep_shifts(&self, rotation: &Rotation, now: Time) -> Result<bool> {
        let last = self.0.store.last_shift(&rotation.name).await?;
        let begun = begun(rotation, last.as_ref(), now);
        if begun.is_empty() {
            return Ok(false);
        }
        let mut tx = self.0.store.write().await?;
        for shift in &begun {
            self.0.store.insert_shift(&mut tx, &rotation.name, shift, &self.0.catalog.version).await?;
        }
        tx.commit().await?;
        Ok(true)
    }
}

fn begun(rotation: &Rotation, last: Option<&Shift>, now: Time) -> Vec<Shift> {
    let from = last.map_or(now.plus_seconds(-BACK_S), |shift| shift.ends);
    let facts: Vec<Shift> = last.cloned().into_iter().collect();
    let line = Timeline { rotation, facts: &facts, overrides: &[] };
    if from > now { Vec::new() } else { line.shifts(from, Time(now.0.saturating_add(1))) }
}
