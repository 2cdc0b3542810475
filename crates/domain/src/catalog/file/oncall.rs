//! Reading who is on call and how severe problems are: `people`, `calendars`, `rotations`, `severities`.

use super::super::{Contact, Team};
use super::{Reader, Text, values};
use crate::Time;
use crate::incidents::{Calendar, Level, Response};
use crate::names::nearest;
use crate::oncall::{Every, Participant, Rotation, Version};
use crate::time::parse_duration;
use crate::zone::Zone;
use jiff::civil::{Date, DateTime};
use serde::Deserialize;
use serde_saphyr::Spanned;

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct RawContact {
    pub(super) name: Text,
    email: Option<Text>,
    phone: Option<Text>,
    chat: Option<Text>,
    slack: Option<Text>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct RawCalendar {
    pub(super) name: Text,
    zone: Text,
    hours: Text,
    weekdays: Option<Spanned<Vec<Text>>>,
    #[serde(default)]
    holidays: Vec<Text>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct RawRotation {
    name: Text,
    title: Option<String>,
    effective_from: Option<Text>,
    zone: Text,
    handoff: Text,
    every: Text,
    roles: Spanned<Vec<Text>>,
    participants: Spanned<Vec<Text>>,
    calendar: Option<Text>,
}

impl RawRotation {
    pub(super) fn name_and_roles(&self) -> (String, Vec<String>) {
        (self.name.value.clone(), self.roles.value.iter().map(|role| role.value.clone()).collect())
    }
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct RawLevel {
    level: Text,
    title: Option<String>,
    response: Spanned<RawResponse>,
    #[serde(default)]
    example: String,
    #[serde(default)]
    pages: Vec<Text>,
    #[serde(default)]
    freezes: Vec<Text>,
}

#[derive(Deserialize)]
#[serde(untagged)]
enum RawResponse {
    Within(String),
    Business(RawBusiness),
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct RawBusiness {
    next_business_day: String,
}

/// What was read, for the catalog.
pub(super) struct OnCall {
    pub(super) people: Vec<Contact>,
    pub(super) calendars: Vec<Calendar>,
    pub(super) rotations: Vec<Rotation>,
    pub(super) severities: Vec<Level>,
}

pub(super) struct Raw {
    pub(super) people: Vec<RawContact>,
    pub(super) calendars: Vec<RawCalendar>,
    pub(super) rotations: Vec<RawRotation>,
    pub(super) severities: Vec<RawLevel>,
}

impl Reader<'_> {
    pub(super) fn on_call(&mut self, raw: Raw, teams: &[Team], environments: &[String]) -> OnCall {
        self.distinct("person", raw.people.iter().map(|p| &p.name));
        self.distinct("level", raw.severities.iter().map(|s| &s.level));
        let known = values(raw.calendars.iter().map(|c| &c.name));
        let people = raw.people.into_iter().map(|contact| self.contact(contact, teams)).collect();
        let calendars = raw.calendars.into_iter().filter_map(|calendar| self.calendar(calendar)).collect();
        let rotations = self.rotations(raw.rotations, teams, &known);
        let roles: Vec<String> = rotations.iter().flat_map(|r: &Rotation| &r.versions).flat_map(|v| &v.roles).cloned().collect();
        let severities = raw.severities.into_iter().map(|level| self.level(level, &roles, &known, environments)).collect();
        OnCall { people, calendars, rotations, severities }
    }

    fn contact(&mut self, raw: RawContact, teams: &[Team]) -> Contact {
        self.member(&raw.name, &raw.name.value, teams);
        if let Some(email) = raw.email.as_ref().filter(|email| !is_email(&email.value)) {
            self.problem(email, &format!("`{}` is not an e-mail address: expected NAME@HOST", email.value));
        }
        if let Some(phone) = raw.phone.as_ref().filter(|phone| !is_phone(&phone.value)) {
            self.problem(phone, &format!("`{}` is not a phone number: expected +, the country's code and digits", phone.value));
        }
        if let Some(chat) = raw.chat.as_ref().filter(|chat| !chat.value.starts_with("https://")) {
            self.problem(chat, &format!("`{}` is not a chat's address: expected https://…", chat.value));
        }
        if let Some(slack) = raw.slack.as_ref().filter(|slack| !is_slack_member(&slack.value)) {
            self.problem(slack, &format!("`{}` is not a member id of Slack: expected one such as U012AB3CD", slack.value));
        }
        let value = |text: Option<Text>| text.map(|text| text.value);
        Contact { name: raw.name.value, email: value(raw.email), phone: value(raw.phone), chat: value(raw.chat), slack: value(raw.slack) }
    }

    fn member<T>(&mut self, at: &Spanned<T>, name: &str, teams: &[Team]) -> bool {
        let all: Vec<&str> = teams.iter().flat_map(|team| team.members.iter().map(String::as_str)).collect();
        if all.contains(&name) {
            return true;
        }
        let hint =
            nearest(name, all.iter().copied()).map_or("expected a member of a team".to_owned(), |near| format!("did you mean `{near}`?"));
        self.problem(at, &format!("`{name}` is in no team: {hint}"));
        false
    }

    fn zone(&mut self, text: &Text) -> Option<Zone> {
        let zone = Zone::find(&text.value, self.zones);
        if zone.is_none() {
            let all: Vec<String> = self.zones.available().map(|name| name.as_str().to_owned()).collect();
            let hint = match nearest(&text.value, all.iter().map(String::as_str)) {
                Some(near) => format!("did you mean `{near}`?"),
                None => "expected an IANA name, such as Europe/Berlin".to_owned(),
            };
            self.problem(text, &format!("there is no time zone `{}`: {hint}", text.value));
        }
        zone
    }

    fn calendar(&mut self, raw: RawCalendar) -> Option<Calendar> {
        self.name(&raw.name);
        let zone = self.zone(&raw.zone);
        let hours = hours(&raw.hours.value);
        if hours.is_none() {
            self.problem(
                &raw.hours,
                &format!("`{}` are not hours: expected a time and a later one, such as \"09:00-17:00\"", raw.hours.value),
            );
        }
        let weekdays = self.weekdays(raw.weekdays);
        let holidays = raw.holidays.iter().filter_map(|date| self.date(date)).collect();
        let (opens, closes) = hours?;
        Some(Calendar { name: raw.name.value, zone: zone?, opens, closes, weekdays, holidays })
    }

    fn weekdays(&mut self, raw: Option<Spanned<Vec<Text>>>) -> [bool; 7] {
        let Some(named) = raw else { return [true, true, true, true, true, false, false] };
        if named.value.is_empty() {
            self.problem(&named, "expected at least one weekday, such as [mon, tue, wed, thu, fri]");
        }
        for day in &named.value {
            self.one_of("weekday", day, &Calendar::DAYS);
        }
        Calendar::DAYS.map(|day| named.value.iter().any(|named| named.value == day))
    }

    fn date(&mut self, text: &Text) -> Option<Date> {
        let date = text.value.parse().ok();
        if date.is_none() {
            self.problem(text, &format!("`{}` is not a date: expected YYYY-MM-DD", text.value));
        }
        date
    }

    /// Entries of one name are versions of one rotation.
    fn rotations(&mut self, raw: Vec<RawRotation>, teams: &[Team], calendars: &[String]) -> Vec<Rotation> {
        let mut rotations: Vec<Rotation> = Vec::new();
        for entry in raw {
            self.name(&entry.name);
            if let Some(calendar) = &entry.calendar {
                self.reference("calendar", calendar, calendars);
            }
            let earlier = rotations.iter().position(|r| r.name == entry.name.value);
            let effective_from = self.effective_from(&entry, earlier.and_then(|at| rotations.get(at)));
            let (name, title, calendar) = (entry.name.value.clone(), entry.title.clone(), entry.calendar.as_ref().map(|c| c.value.clone()));
            let Some(version) = self.version(entry, effective_from, teams) else { continue };
            match earlier.and_then(|at| rotations.get_mut(at)) {
                Some(rotation) => {
                    rotation.versions.push(version);
                    rotation.calendar = calendar.or_else(|| rotation.calendar.take());
                }
                None => rotations.push(Rotation { title: title.unwrap_or_else(|| name.clone()), name, versions: vec![version], calendar }),
            }
        }
        rotations
    }

    fn effective_from(&mut self, entry: &RawRotation, earlier: Option<&Rotation>) -> Option<Time> {
        let at = entry.effective_from.as_ref().and_then(|text| {
            let at = Time::parse(&text.value).map(Time::whole_seconds);
            if at.is_none() {
                self.problem(
                    text,
                    &format!("`{}` is not a moment: expected one with its offset, such as 2026-11-22T09:30:00Z", text.value),
                );
            }
            at
        });
        let before = earlier.and_then(|rotation| rotation.versions.last()).map(|version| version.effective_from);
        match (before, &entry.effective_from) {
            (Some(_), None) => self.problem(
                &entry.name,
                &format!(
                    "the rotation `{}` is there already: expected another name, or `effective_from` for a new version of it",
                    entry.name.value
                ),
            ),
            (Some(Some(before)), Some(text)) if at.is_some_and(|at| at <= before) => {
                self.problem(text, &format!("expected a moment after that of the version before, {before}"));
            }
            _ => {}
        }
        at
    }

    fn version(&mut self, raw: RawRotation, effective_from: Option<Time>, teams: &[Team]) -> Option<Version> {
        let zone = self.zone(&raw.zone);
        let anchor = self.handoff(&raw.handoff, zone.as_ref());
        let every = Every::parse(&raw.every.value);
        if every.is_none() {
            self.problem(&raw.every, &format!("`{}` is not the length of a shift: expected 1d, 1w, 2w or 1mo", raw.every.value));
        }
        if raw.roles.value.is_empty() {
            self.problem(&raw.roles, "expected at least one role, such as [primary, secondary]");
        }
        for role in &raw.roles.value {
            self.name(role);
        }
        self.distinct("role", raw.roles.value.iter());
        if raw.participants.value.is_empty() {
            self.problem(&raw.participants, "a rotation needs people: expected at least one, such as [\"team:devops\", olivia]");
        }
        self.distinct("participant", raw.participants.value.iter());
        let participants: Vec<_> = raw.participants.value.iter().filter_map(|text| self.participant(text, teams)).collect();
        if (1..raw.roles.value.len()).contains(&participants.len()) {
            self.warn(&raw.roles, "there are fewer participants than roles: the last roles are nobody's");
        }
        let roles = raw.roles.value.into_iter().map(|role| role.value).collect();
        Some(Version { effective_from, zone: zone?, anchor: anchor?, every: every?, roles, participants })
    }

    fn handoff(&mut self, text: &Text, zone: Option<&Zone>) -> Option<DateTime> {
        // A moment with an offset or a date alone would read too, and mean something else.
        let anchor: Option<DateTime> =
            text.value.parse().ok().filter(|_| text.value.contains('T') && !text.value.contains(['Z', '+', '[']));
        let Some(anchor) = anchor else {
            self.problem(text, &format!("`{}` is not a local time: expected the first handoff, such as \"2025-11-17T09:00\"", text.value));
            return None;
        };
        if let Some(zone) = zone.filter(|zone| !zone.exists(anchor)) {
            let there = zone.local(zone.resolve(anchor));
            self.problem(
                text,
                &format!(
                    "the clocks of {} jump over `{}`: expected a local time that is there, such as \"{there}\"",
                    zone.name(),
                    text.value
                ),
            );
        }
        Some(anchor)
    }

    pub(super) fn participant(&mut self, text: &Text, teams: &[Team]) -> Option<Participant> {
        let participant = Participant::from(text.value.clone());
        match &participant {
            Participant::Team(team) => {
                let names: Vec<String> = teams.iter().map(|team| team.name.clone()).collect();
                let at = Spanned { value: team.clone(), referenced: text.referenced, defined: text.defined };
                if !self.reference("team", &at, &names) {
                    return None;
                }
                if teams.iter().any(|known| known.name == *team && known.members.is_empty()) {
                    self.warn(text, &format!("the team `{team}` has no members: its shifts are nobody's"));
                }
            }
            Participant::Person(name) => {
                if !self.member(text, name, teams) {
                    return None;
                }
            }
        }
        Some(participant)
    }

    fn level(&mut self, raw: RawLevel, roles: &[String], calendars: &[String], environments: &[String]) -> Level {
        if !is_level(&raw.level.value) {
            self.problem(&raw.level, &format!("`{}` is not a level: expected 1 to 8 letters and digits, such as P1", raw.level.value));
        }
        for role in &raw.pages {
            self.reference("role", role, roles);
        }
        for environment in &raw.freezes {
            self.reference("environment", environment, environments);
        }
        let (referenced, defined) = (raw.response.referenced, raw.response.defined);
        let placed = |value| Spanned { value, referenced, defined };
        let response = match raw.response.value {
            RawResponse::Within(text) => Response::Within(self.response(&placed(text))),
            RawResponse::Business(business) => {
                let calendar = placed(business.next_business_day);
                self.reference("calendar", &calendar, calendars);
                Response::NextBusinessDay(calendar.value)
            }
        };
        let level = raw.level.value;
        Level {
            title: raw.title.unwrap_or_else(|| level.clone()),
            level,
            response,
            example: raw.example,
            pages: raw.pages.into_iter().map(|role| role.value).collect(),
            freezes: raw.freezes.into_iter().map(|name| name.value).collect(),
        }
    }

    fn response(&mut self, text: &Text) -> i64 {
        parse_duration(&text.value).filter(|s| (1..=366 * 86_400).contains(s)).unwrap_or_else(|| {
            self.problem(text, &format!("`{}` is not a response time: expected 15m, 4h or {{next_business_day: CALENDAR}}", text.value));
            3600
        })
    }
}

fn hours(text: &str) -> Option<(jiff::civil::Time, jiff::civil::Time)> {
    let (opens, closes) = text.split_once('-')?;
    let time = |text: &str| {
        let (hour, minute) = text.trim().split_once(':').filter(|(h, m)| h.len() == 2 && m.len() == 2)?;
        jiff::civil::Time::new(hour.parse().ok()?, minute.parse().ok()?, 0, 0).ok()
    };
    let (opens, closes) = (time(opens)?, time(closes)?);
    (opens < closes).then_some((opens, closes))
}

pub(super) fn is_email(text: &str) -> bool {
    let plain = |c: char| c.is_ascii_alphanumeric() || "@._+-".contains(c);
    text.chars().all(plain) && text.split_once('@').is_some_and(|(who, host)| !who.is_empty() && !host.is_empty() && !host.contains('@'))
}

fn is_phone(text: &str) -> bool {
    text.strip_prefix('+').is_some_and(|rest| {
        (6..=20).contains(&rest.chars().filter(char::is_ascii_digit).count())
            && rest.chars().all(|c| c.is_ascii_digit() || c == ' ' || c == '-')
    })
}

fn is_slack_member(text: &str) -> bool {
    text.len() > 2 && text.starts_with(['U', 'W']) && text.bytes().all(|b| b.is_ascii_uppercase() || b.is_ascii_digit())
}

fn is_level(text: &str) -> bool {
    (1..=8).contains(&text.len()) && text.bytes().all(|b| b.is_ascii_alphanumeric())
}
