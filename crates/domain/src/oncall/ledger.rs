//! What being on call costs whom: hours, and of them those at night, at weekends and on holidays.
//!
//! Invariant: counted by the clocks of the rotation's zone, from the stretches that were held in fact. An hour on a Saturday
//! night counts as both. A team's hours are also the hours of each of its people: each of them can be called.

use super::{Duty, Participant};
use crate::Time;
use crate::zone::Zone;
use jiff::civil::{Date, Weekday, time};
use std::collections::BTreeMap;

/// Seconds.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Load {
    pub total_s: i64,
    /// From 22:00 to 06:00.
    pub night_s: i64,
    /// Saturdays and Sundays.
    pub weekend_s: i64,
    pub holiday_s: i64,
}

impl std::ops::AddAssign for Load {
    fn add_assign(&mut self, other: Load) {
        self.total_s += other.total_s;
        self.night_s += other.night_s;
        self.weekend_s += other.weekend_s;
        self.holiday_s += other.holiday_s;
    }
}

/// The load of each participant and of each person within `[from, until)`; `people` says whom a participant stands for.
pub fn ledger(
    duties: &[Duty],
    (from, until): (Time, Time),
    zone: &Zone,
    holidays: &[Date],
    people: impl Fn(&Participant) -> Vec<String>,
) -> BTreeMap<Participant, Load> {
    let mut loads = BTreeMap::new();
    for duty in duties {
        let Some(holder) = &duty.assignment.participant else { continue };
        let load = load(duty.starts.max(from), duty.ends.min(until), zone, holidays);
        let mut carried = vec![holder.clone()];
        carried.extend(people(holder).into_iter().map(Participant::Person).filter(|person| person != holder));
        for who in carried {
            *loads.entry(who).or_insert_with(Load::default) += load;
        }
    }
    loads
}

/// The load of one stretch.
pub fn load(starts: Time, ends: Time, zone: &Zone, holidays: &[Date]) -> Load {
    let mut load = Load::default();
    let mut date = zone.local(starts).date();
    while zone.midnight(date) < ends {
        let Ok(next) = date.tomorrow() else { break };
        let within = |from: Time, until: Time| until.min(ends).seconds_since(from.max(starts)).max(0);
        let (begins, over) = (zone.midnight(date), zone.midnight(next));
        let whole = within(begins, over);
        load.total_s += whole;
        let (dawn, dusk) = (zone.resolve(date.to_datetime(time(6, 0, 0, 0))), zone.resolve(date.to_datetime(time(22, 0, 0, 0))));
        load.night_s += within(begins, dawn.min(over)) + within(dusk.max(begins), over);
        if matches!(date.weekday(), Weekday::Saturday | Weekday::Sunday) {
            load.weekend_s += whole;
        }
        if holidays.contains(&date) {
            load.holiday_s += whole;
        }
        date = next;
    }
    load
}
