//! Rotations in a few words.

use domain::Time;
use domain::oncall::{Every, Participant, Rotation, Shift, Timeline, Version};
use domain::zone::Zone;
use jiff::tz::TimeZoneDatabase;

pub fn zone(name: &str) -> Zone {
    Zone::find(name, &TimeZoneDatabase::bundled()).unwrap_or_else(|| panic!("no zone {name}"))
}

pub fn at(text: &str) -> Time {
    Time::parse(text).unwrap_or_else(|| panic!("{text}"))
}

pub fn version(zone_name: &str, anchor: &str, every: &str, people: usize) -> Version {
    Version {
        effective_from: None,
        zone: zone(zone_name),
        anchor: anchor.parse().unwrap(),
        every: Every::parse(every).unwrap(),
        roles: ["primary", "secondary", "backup"].map(str::to_owned).to_vec(),
        participants: ["devops", "backend", "platform", "d", "e", "f"][..people]
            .iter()
            .map(|t| Participant::Team((*t).to_owned()))
            .collect(),
    }
}

pub fn rotation(versions: Vec<Version>) -> Rotation {
    Rotation { name: "platform".into(), title: "Platform".into(), versions, calendar: None }
}

/// The seed's: weekly, Mondays at nine in Berlin, three teams.
pub fn seed() -> Rotation {
    rotation(vec![version("Europe/Berlin", "2025-11-17T09:00", "1w", 3)])
}

pub fn line(rotation: &Rotation) -> Timeline<'_> {
    Timeline { rotation, facts: &[], overrides: &[] }
}

/// Who is primary, secondary and backup, by team.
pub fn held(shift: &Shift) -> Vec<&str> {
    shift.roles.iter().map(|held| held.participant.as_ref().map_or("-", Participant::name)).collect()
}
